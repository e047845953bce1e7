"""``geoplan release`` and the single pages: audiences, thresholds, the ledger, and nothing personal in any of it."""

from __future__ import annotations

import csv
import json
import stat

import pytest
from project import COUNTS, write_project

from geoplan.cli.main import main
from geoplan.io.ledgers import ledger_path, read_memory

ONE_MOVED = COUNTS | {"900003": {"Terraces": 39, "Harbour": 46, "Villages": 35}}


@pytest.fixture
def place(tmp_path):
    return write_project(tmp_path / "place")


def run(place, *words) -> int:
    return main([*map(str, words), "--project", str(place)])


def rows(path) -> list[dict]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_public_release(place, capsys):
    out = place.parent / "out"
    assert run(place, "release", out, "--school", "900003", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["files"] == ["the-borough.html", "school-900003.html", "profiles.csv", "similar.csv"]
    assert said["gate"]["narrowest"] >= 5 and said["leaks"]["found"] == 0
    assert said["read_back"]["figures"] > 100 and said["read_back"]["different"] == 0
    assert (said["ledger"], said["overrides"]) == (1, [])
    assert main(["verify", str(out)]) == 0
    capsys.readouterr()
    for row in rows(out / "profiles.csv"):
        assert row["rule"] == "protected: rule 10-5"
        assert row["count"] == "c" or int(row["count"]) in (0, *range(10, 200, 5))
        assert not {name for name in row if name.startswith(("min", "max"))}
    assert run(place, "release", out, "--school", "900003", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ledger"] == 1  # the same again adds nothing


def test_a_heads_release_shows_the_own_school_more_fully_and_no_other(place):
    counts = COUNTS | {"900001": {"Terraces": 61, "Harbour": 14, "Villages": 63}}
    write_project(place.parent, counts)
    assert run(place, "release", place.parent / "head", "--audience", "school:900001") == 0
    found = {(row["school"], row["segment"]): row["count"] for row in rows(place.parent / "head" / "profiles.csv")}
    assert [found["900001", segment] for segment in "123"] == ["61", "14", "63"]
    for (school, _), count in found.items():
        assert school == "900001" or count == "c" or int(count) % 5 == 0
    pages = [path.read_text() for path in (place.parent / "head").glob("*.html")]
    assert len(pages) == 2 and all("For the head of school 900001 only" in page for page in pages)


def test_an_internal_release_is_exact_marked_private_and_on_record(place):
    office = place.parent / "office"
    assert run(place, "release", office, "--audience", "internal") == 2
    assert run(place, "release", office, "--audience", "internal", "--reason", "because") == 2
    assert run(place, "release", office, "--audience", "internal", "--reason", "checking the plan") == 0
    assert stat.S_IMODE(office.stat().st_mode) == 0o700
    for path in office.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.name.startswith("OFFICIAL-SENSITIVE_") or path.name == "manifest.json"
        assert path.suffix != ".html" or "OFFICIAL-SENSITIVE" in path.read_text()
    found = {(row["school"], row["segment"]): row["count"] for row in rows(office / "OFFICIAL-SENSITIVE_profiles.csv")}
    assert found["900001", "2"] == "3"
    lines = (place.parent / "geoplan-audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["why"] for line in lines] == ["checking the plan"]
    assert not ledger_path(place.parent).exists()  # nothing left the office
    assert run(place, "release", office) == 3  # nor is a folder for another audience replaced


@pytest.mark.parametrize(
    "words",
    [
        ("--audience", "everybody"), ("--audience", "school:"), ("--set", "hide_below=5"), ("--set", "nothing=5"),
        ("--set", "hide_below=x", "--because", "agreed by the board"), ("--reason", "checking the plan"),
        ("--set", "hide_below=5", "--because", "short"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_2_and_writes_nothing(place, words):
    assert run(place, "release", place.parent / "out", *words) == 2
    assert not (place.parent / "out").exists()


def test_an_unknown_school_and_a_place_that_cannot_be_written_exit_3(place):
    assert run(place, "release", place.parent / "out", "--school", "123456") == 3
    assert run(place, "release", place) == 3


def test_a_changed_threshold_is_printed_on_every_output(place):
    out = place.parent / "out"
    assert run(place, "release", out, "--set", "hide_below=5", "--because", "agreed by the board") == 0
    texts = {path.name: path.read_text() for path in out.iterdir()}
    for text in texts.values():
        assert "hide_below is 5, not 10" in text and "agreed by the board" in text
    assert json.loads(texts["manifest.json"])["overrides"][0]["reason"] == "agreed by the board"


def test_thresholds_of_the_project_file_hold_for_every_command(place, capsys):
    write_project(place.parent, rules='hide_below = 20\nreason = "agreed by the board"')
    for words in (("release", place.parent / "out"), ("profile", "--all", "-o", place.parent / "p.csv"),
                  ("similar", "-o", place.parent / "s.csv"), ("map", "-o", place.parent / "m.html")):  # fmt: skip
        assert run(place, *words) == 0
    for path in (*(place.parent / "out").iterdir(), *(place.parent / name for name in ("p.csv", "s.csv", "m.html"))):
        assert "hide_below is 20, not 10" in path.read_text()
    for rules in ("hide_below = 5", 'hide_below = 5\nreason = "short"', "nonsense = 5", 'hide_below = "5"'):
        write_project(place.parent, rules=rules)
        assert run(place, "map", "-o", place.parent / "n.html") == 2
        assert "rules" in capsys.readouterr().err


@pytest.mark.parametrize("second", [("profile", "--school", "900003", "-o", "two.html"),
                                    ("similar", "-o", "two.csv"), ("release", "two")])  # fmt: skip
def test_after_one_pupil_moved_a_second_run_cannot_be_subtracted_from_the_first(place, second, capsys):
    assert run(place, "map", "-o", place.parent / "one.html") == 0
    write_project(place.parent, ONE_MOVED)
    words = [place.parent / word if word.startswith("two") else word for word in second]
    assert run(place, *words) == 3
    assert 'as_at = "..."' in capsys.readouterr().err
    assert not [path for path in place.parent.iterdir() if path.name.startswith("two")]
    write_project(place.parent, ONE_MOVED, about='as_at = "May 2026"')
    assert run(place, *words) == 0
    entries = read_memory(ledger_path(place.parent)).ledger.entries
    populations = {table.population for entry in entries for table in entry.tables}
    assert len({name.endswith("May 2026") for name in populations}) == 2


def test_single_pages_are_in_the_ledger_once_and_what_is_only_printed_is_not(place):
    assert run(place, "profile", "--school", "900003") == 0
    assert not ledger_path(place.parent).exists()
    for _ in range(2):
        assert run(place, "map", "-o", place.parent / "one.html") == 0
        assert run(place, "profile", "--school", "900003", "-o", place.parent / "school.html") == 0
    assert len(read_memory(ledger_path(place.parent)).ledger) == 2
