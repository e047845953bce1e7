"""After a kill, a full disk or a race, a release folder is wholly the old one or wholly the new one.

The numbers here are for every change; ``GEOPLAN_LONG=1`` runs 200 kills, 50 full disks and 60 races each way. The
same harness, on a writer that overwrites file by file, finds mixtures: it can.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks")
ROOT = Path(__file__).parents[2]
LONG = os.environ.get("GEOPLAN_LONG") == "1"
WAYS = ["swap", "pair"]  # exchanged in one step, and by two renames


def run(what: str, trials: int, folder: Path, how: str) -> dict[str, int]:
    environ = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, str(Path(__file__).with_name("harness.py")), what, str(trials), str(folder), how]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=1_800 if LONG else 120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(what, how, found)  # noqa: T201 - the figures, with pytest -s
    return found


def is_clean(found: dict[str, int]) -> bool:
    return not {"mixed", "absent", "neither", "never cleared", "crashed", "not in words", "nobody", "read mixed"} & set(
        found
    )


@pytest.mark.parametrize("how", WAYS)
def test_random_kills_leave_the_old_or_the_new(tmp_path, how):
    trials = 200 if LONG else 20
    found = run("kills", trials, tmp_path / "out", how)
    assert is_clean(found)
    assert found["killed"] == trials


@pytest.mark.parametrize("how", WAYS)
def test_a_kill_before_each_change_of_the_disk_leaves_the_old_or_the_new(tmp_path, how):
    found = run("steps", 0, tmp_path / "out", how)
    assert is_clean(found)
    assert found["whole"] > 50


@pytest.mark.parametrize("how", WAYS)
def test_each_change_of_the_disk_may_fail(tmp_path, how):
    """No space, a fault, a disk that turns read-only: once or for good, at every step; always told in words."""
    ways = 4 if LONG else 1
    found = run("full", ways, tmp_path / "out", how)
    assert is_clean(found)
    assert found["whole"] > 50 * ways


def can_mount(folder: Path) -> bool:
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True)
    except OSError:
        return False
    return done.returncode == 0 and subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0


@pytest.mark.parametrize("how", [*WAYS, "naive"])
def test_full_disks(tmp_path, how):
    if not can_mount(tmp_path):
        pytest.skip("may not mount a small file system here; the test before this one fails each step instead")
    trials = 50 if LONG else 6
    found = run("disks", trials, tmp_path / "disk", how)
    if how == "naive":
        assert found["mixed"]
    else:
        assert is_clean(found)
        assert found["refused"] == trials


@pytest.mark.parametrize("how", WAYS)
def test_races_leave_one_of_them_and_refuse_the_others(tmp_path, how):
    found = run("races", 60 if LONG else 8, tmp_path / "out", how)
    assert is_clean(found)
    assert found["refused"]


def test_runs_that_wait_all_write(tmp_path):
    found = run("queue", 30 if LONG else 4, tmp_path / "out", "swap")
    assert is_clean(found)
    assert "refused" not in found


@pytest.mark.parametrize(("what", "trials"), [("kills", 15), ("steps", 0), ("full", 1), ("races", 15)])
def test_the_harness_bites(tmp_path, what, trials):
    """The same faults on a writer that overwrites file by file leave mixtures, and the harness sees them.

    Whether two runs meet in the middle is for the machine to say: on a busy one fifteen races may all go well, so
    there are up to ten times as many.
    """
    found = (run(what, trials, tmp_path / f"out{again}", "naive").get("mixed", 0) for again in range(10))
    assert any(mixed > 0 for mixed in found)
