"""The ledger on the disk: private, whole, held by one run at a time, and refused when it was touched."""

from __future__ import annotations

import json
import os
import signal
import stat

import pandas as pd
import pytest

from geoplan.disclosure import rule_for
from geoplan.errors import FolderBusy, InputRefused, ReleaseRefused
from geoplan.evidence import PrintedTable, PublicTotals
from geoplan.io import releases
from geoplan.io.ledgers import Memory, ledger_path, open_ledger, read_memory
from geoplan.io.releases import Release, verify_folder
from geoplan.ledger import withdraw
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable

COUNTS = pd.Series({("a", "E"): 3, ("a", "G"): 40, ("b", "E"): 60, ("b", "G"): 25}).rename_axis(["school", "segment"])
HEADS = PublicTotals(("school",), pd.Series({"a": 43, "b": 85}), "2026")
MARKS = {"2026": "11"}


def table(**settings):
    raw = RawTable("Who comes", COUNTS, population="2026", attributes=("segment",))
    return protect_tables([raw], public=[HEADS], **settings)[0]


def write(place, ledger, made=None, **more):
    release = Release().add("who.csv", (made or table()).to_protected())
    return release.write(place / "out", public=[HEADS], ledger=ledger, marks=MARKS, **more)


def test_every_release_has_an_entry_and_the_same_again_adds_nothing(tmp_path):
    for _ in range(2):
        with open_ledger(tmp_path) as ledger:
            assert write(tmp_path, ledger).ledger == 1
    path = ledger_path(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    memory = read_memory(path)
    assert len(memory.ledger) == 1 and memory.marks == MARKS
    assert [each.name for each in path.parent.iterdir()] == ["ledger.json"]
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["ledger"] == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"{}", lambda b: b.replace(b'"c"', b'"5"', 1), lambda b: b""]
)
def test_a_ledger_that_was_touched_is_refused_with_what_to_do(tmp_path, damage):
    with open_ledger(tmp_path) as ledger:
        write(tmp_path, ledger)
    path = ledger_path(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputRefused, match="restore it from a backup"), open_ledger(tmp_path):
        pass


def test_a_ledger_that_is_gone_is_missed(tmp_path):
    with open_ledger(tmp_path) as ledger:
        write(tmp_path, ledger)
    ledger_path(tmp_path).unlink()
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    with open_ledger(tmp_path) as ledger, pytest.raises(InputRefused, match="restore the ledger from a backup"):
        write(tmp_path, ledger)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_one_run_at_a_time(tmp_path):
    with open_ledger(tmp_path), pytest.raises(FolderBusy, match="another run is releasing"), open_ledger(tmp_path):
        pass
    with open_ledger(tmp_path) as ledger:  # an error of the folder stays what it is
        (tmp_path / "out").write_text("a file")
        with pytest.raises(InputRefused, match="out"):
            write(tmp_path, ledger)


def test_data_that_changed_under_the_same_name_are_refused(tmp_path):
    with open_ledger(tmp_path) as ledger:
        write(tmp_path, ledger)
        with pytest.raises(ReleaseRefused, match="as_at"):
            Release().add("who.csv", table().to_protected()).write(
                tmp_path / "out", public=[HEADS], ledger=ledger, marks={"2026": "12"}
            )
        assert verify_folder(tmp_path / "out") == []


def test_a_second_release_is_attacked_with_the_first(tmp_path):
    """Each by itself is safe; the sums of the second give the hidden count of the first."""
    unrounded = rule_for(overrides={"round_to": 1}, reason="agreed by the board")
    first = table(rule=unrounded)
    assert first.printed.shown == ("c", "c", "60", "25")
    sums = RawTable("By segment", COUNTS.groupby("segment").sum(), population="2026", attributes=("segment",))
    second = protect_tables([sums], unrounded, [PublicTotals((), pd.Series([128]), "2026")])[0]
    with open_ledger(tmp_path) as ledger:
        write(tmp_path, ledger, first)
        release = Release().add("sums.csv", second.to_protected())
        with pytest.raises(ReleaseRefused, match="possible values"):
            release.write(tmp_path / "sums", public=[HEADS], ledger=ledger, marks=MARKS)
    release.write(tmp_path / "sums", public=[HEADS])  # without the ledger nobody would have noticed


def test_what_a_head_was_given_counts_when_something_is_made_public(tmp_path, monkeypatch):
    seen = []
    passed = type("Passed", (), {"narrowest": 9, "offenders": ()})
    with open_ledger(tmp_path) as ledger:
        raw = RawTable("Who comes", COUNTS, population="2026", attributes=("segment",))
        head = protect_tables([raw], rule_for("school:a"), [HEADS])[0]
        Release("school:a").add("who.csv", head.to_protected()).write(tmp_path / "head", public=[HEADS], ledger=ledger)
        write(tmp_path, ledger, gate=lambda printed, public, earlier: seen.append(earlier) or passed)
    assert [len(earlier) for earlier in seen] == [1, 0]  # as the head, and as everybody


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_after_the_entry_leaves_an_entry_without_a_release_and_never_the_other(tmp_path):
    child = os.fork()
    if not child:
        releases.exchange = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        with open_ledger(tmp_path) as ledger:
            write(tmp_path, ledger)
        os._exit(9)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert not (tmp_path / "out").exists()
    assert len(read_memory(ledger_path(tmp_path)).ledger) == 1
    with open_ledger(tmp_path) as ledger:
        assert write(tmp_path, ledger).ledger == 1
    assert verify_folder(tmp_path / "out") == []


def test_a_ledger_that_cannot_be_written_stops_the_release(tmp_path, monkeypatch):
    with open_ledger(tmp_path) as ledger:
        monkeypatch.setattr(ledger, "keep", lambda memory: (_ for _ in ()).throw(OSError(28, "no space")))
        with pytest.raises(InputRefused, match="no space"):
            write(tmp_path, ledger)
    assert not (tmp_path / "out").exists()


def test_a_withdrawn_release_frees_the_marks_that_are_its_alone(tmp_path):
    with open_ledger(tmp_path) as ledger:
        one, two = (PrintedTable(name, ("s",), (("a",),), ("c",), population=name) for name in ("one", "two"))
        ledger.keep(ledger.with_entry("May", "public", [one], marks={"one": "1", "both": "1"}, what="one.csv"))
        ledger.keep(ledger.with_entry("June", "public", [two], marks={"two": "1", "both": "1"}, what="two.csv"))
        ledger.keep(Memory(ledger.ledger, {**ledger.memory.marks, "of an older ledger": "1"}))
        with pytest.raises(ReleaseRefused, match="geoplan ledger withdraw 1"):
            ledger.check({"one": "2"})
        ledger.keep(Memory(withdraw(ledger.ledger, [1], "never shown", "A", "day"), ledger.memory.marks))
        ledger.check({"one": "2"})
        for name in ("both", "two", "of an older ledger"):
            with pytest.raises(ReleaseRefused, match="child by child"):
                ledger.check({name: "2"})
    with open_ledger(tmp_path) as ledger:  # read again
        ledger.check({"one": "2"})
        ledger.keep(ledger.with_entry("July", "public", [one], marks={"one": "2"}, what="new.csv"))
        with pytest.raises(ReleaseRefused):
            ledger.check({"one": "1"})
