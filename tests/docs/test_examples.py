"""Every example runs and prints what its folder says it prints; README's code and commands run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
NEEDS = {"bristol_libraries": "bristol_takeup"}  # real open data beside this checkout
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    environ = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_example_prints_what_its_folder_says(folder, tmp_path):
    if folder.name in NEEDS and not (SHARED / NEEDS[folder.name]).is_dir():
        pytest.skip(f"the real open data (../shared/data/{NEEDS[folder.name]}) is not beside this checkout")
    script = next(folder.glob("*.py"))
    done = run([sys.executable, str(script)], tmp_path)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("No ../shared/data"):
        pytest.skip("the example reads ../shared/data, which is not here")
    assert done.stdout == (folder / "output.txt").read_text(encoding="utf-8")


def test_readme_python_runs_as_one_session(tmp_path):
    code = "\n".join(blocks("python"))
    assert "import geoplan" in code
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr


def test_readme_sessions_run_and_exit_as_said(tmp_path):
    """Each ``$ geoplan ...`` of the console blocks runs, in order; ``# exit N`` says otherwise than 0."""
    folder = tmp_path
    ran = 0
    for line in "\n".join(blocks("console")).splitlines():
        if not line.startswith("$ "):
            continue
        words = shlex.split(line[2:], comments=True)
        expected = int(match.group(1)) if (match := re.search(r"# exit (\d)", line)) else 0
        if words[0] == "cd":
            folder = folder / words[1]
            continue
        assert words[0] == "geoplan", line
        done = run([sys.executable, "-m", "geoplan", *words[1:]], folder)
        assert done.returncode == expected, f"{line}\n{done.stdout}\n{done.stderr}"
        ran += 1
    assert ran >= 5
