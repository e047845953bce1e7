"""``geoplan forecast``, ``backtest`` and ``check`` of rolls, on the demo: pages, workbooks, refusals in words."""

from __future__ import annotations

import json

import pytest

from geoplan.cli.main import main
from geoplan.io.project import copy_demo

ROLLS = ["rolls_earlier.csv", "rolls"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return copy_demo(tmp_path_factory.mktemp("rolls") / "medway")


@pytest.fixture
def there(demo, monkeypatch):
    monkeypatch.chdir(demo)
    return demo


def test_a_page_a_workbook_and_a_table(there, capsys):
    more = ["--register", "register", "--plan", "today", "--with-plan", "option_b"]
    assert main(["forecast", *ROLLS, *more, "-o", "ahead.html"]) == 0
    printed = capsys.readouterr()
    assert "Chatham" in printed.out and "past error" in printed.out and "wrote ahead.html" in printed.err
    text = (there / "ahead.html").read_text(encoding="utf-8")
    for part in ("Invented data", "Year 7 intakes with the other plan", "19 in 20 within", "Does it beat guessing?",
                 "Authorities of England in 2024/25", 'type="range"', "Small numbers are protected"):  # fmt: skip
        assert part in text, part
    assert main(["forecast", *ROLLS, "-o", "ahead.xlsx"]) == 0
    assert (there / "ahead.xlsx").read_bytes()[:2] == b"PK"
    assert main(["forecast", *ROLLS, "-o", "ahead.csv"]) == 0
    lines = (there / "ahead.csv").read_text(encoding="utf-8").splitlines()
    assert "past_error_share" in lines[0] and len(lines) > 100


def test_numbers_for_programs(there, capsys):
    assert main(["forecast", *ROLLS, "--years", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["level"] == "cluster" and {row["ahead"] for row in answer["rows"]} == {1, 2}
    assert all(row["past_error_share"] is not None and row["forecast"] % 5 == 0 for row in answer["rows"])


def test_published_rolls_are_exact_and_internal_ones_need_a_reason(there, capsys):
    assert main(["forecast", *ROLLS, "--years", "1", "--published", "a table of ours", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert any(row["now"] % 5 for row in rows)
    assert main(["forecast", *ROLLS, "--audience", "internal"]) == 2
    assert "10 letters" in capsys.readouterr().err


def test_five_years_of_rolls_go_three_years_ahead_and_say_so(there, capsys):
    assert main(["forecast"]) == 0
    assert "5 years of rolls try a forecast 3 years ahead at most; for 7 add earlier years" in capsys.readouterr().out


def test_the_back_test_beside_the_naive_methods_and_the_bands(there, capsys):
    assert main(["backtest", *ROLLS, "-o", "tried.html"]) == 0
    out = capsys.readouterr().out
    assert "beats last ratio" in out and "of authorities in 2024/25" in out
    assert "How often intervals held" in (there / "tried.html").read_text(encoding="utf-8")
    assert main(["backtest", *ROLLS, "-o", "tried.csv"]) == 0
    assert "total_error_share" in (there / "tried.csv").read_text(encoding="utf-8").splitlines()[0]
    capsys.readouterr()
    assert main(["backtest", *ROLLS, "--years", "3", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["level"] for row in answer["accuracy"]} == {"school", "cluster", "all schools"}
    weights = {row["band"]: 0.0 for row in answer["chosen"]}
    for row in answer["chosen"]:
        weights[row["band"]] += row["weight"]
    assert set(weights) >= {"Reception", "Year 7"} and list(weights.values()) == pytest.approx([1] * len(weights))


def test_new_homes_and_new_places(there, capsys):
    (there / "homes.csv").write_text("urn,academic_year,year_group,pupils\n900013,2027/28,R,12\n", encoding="utf-8")
    (there / "new.csv").write_text("urn,academic_year,places,pan\n900013,2027/28,105,15\n", encoding="utf-8")
    assert main(["forecast", *ROLLS, "--extra", "homes.csv", "--places", "new.csv", "-o", "more.html"]) == 0
    text = (there / "more.html").read_text(encoding="utf-8")
    assert "What was added to the forecast" in text and "housing" in text
    (there / "totals.csv").write_text("phase,academic_year,pupils\nPrimary,2026/27,20000\n", encoding="utf-8")
    assert main(["forecast", *ROLLS, "--control", "totals.csv", "--level", "none", "--published", "us", "--json"]) == 0
    printed = capsys.readouterr().out
    rows = json.loads(printed[printed.index("{") :])["rows"]
    (whole,) = [row for row in rows if row["measure"] == "primary" and row["year"] == 2026]
    assert whole["forecast"] == 20000


@pytest.mark.parametrize(
    ("rolls", "words"),
    [
        ("urn,year_group,date,pupils\n900013,R,2026-01-15,-3\n", "a count below zero"),
        ("urn,year_group,date,pupils\n900013,R,2026-01-15,30\n", "at least 3"),
        ("urn,year_group,date,pupils\n", "no records"),
        ("urn,year_group,pupils\n900013,R,30\n", "add date or academic_year"),
    ],
)
def test_bad_rolls_are_refused_in_words_and_nothing_is_written(there, capsys, rolls, words):
    (there / "bad.csv").write_text(rolls, encoding="utf-8")
    assert main(["forecast", "bad.csv", "--published", "a table of ours", "-o", "never.html"]) == 3
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    assert not (there / "never.html").exists()


def test_a_year_in_two_files_is_named(there, capsys):
    assert main(["forecast", "rolls", "rolls.csv"]) == 3
    assert "name each year once" in capsys.readouterr().err


def test_a_school_with_a_new_number_is_noticed_and_followed(tmp_path, monkeypatch, capsys):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    text = (there / "rolls.csv").read_text(encoding="utf-8")
    head, *rows = text.splitlines()
    rows = [row.replace(",900013,", ",800013,") if row < "2025" else row for row in rows]
    changed = "\n".join([head, *rows])
    (there / "renamed.csv").write_text(changed + "\n", encoding="utf-8")
    assert main(["forecast", "renamed.csv", "--years", "1"]) == 0
    assert "1 schools have rolls and are not in the schools file (800013)" in capsys.readouterr().out
    (there / "links.csv").write_text("URN,LinkURN,LinkType\n900013,800013,Predecessor\n", encoding="utf-8")
    assert main(["forecast", "renamed.csv", "--years", "1", "--links", "links.csv"]) == 0
    out = capsys.readouterr().out
    assert "school links: 1 old numbers joined" in out and "not in the schools file" not in out


def test_files_of_rolls_are_checked(there, capsys):
    assert main(["check", "rolls.csv", "--as", "rolls"]) == 0
    (there / "odd.csv").write_text(
        "urn,year_group,date,pupils\n1,R,2026-01-15,<=5\n1,Total,2026-01-15,9\n", encoding="utf-8"
    )
    assert main(["check", "odd.csv", "--as", "rolls"]) == 1
    assert "a count hidden by its publisher" in capsys.readouterr().out
    (there / "bands.csv").write_text("area,age,date,children\nE1,0-4,2025-08-31,9\n", encoding="utf-8")
    assert main(["check", "bands.csv", "--as", "register"]) == 3
    assert "bands" in capsys.readouterr().out
    assert main(["check", "pupils.csv", "--as", "census", "--day", "2026-01-15"]) == 1
    assert "questions for schools (record numbers, never values)" in capsys.readouterr().out


def test_rolls_that_changed_under_one_name_are_refused_after_a_release(tmp_path, monkeypatch, capsys):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    assert main(["forecast", "rolls", "--years", "1", "-o", "first.csv"]) == 0
    assert main(["forecast", "rolls", "--years", "1", "-o", "again.csv"]) == 0  # the same data: nothing new is said
    assert (there / "first.csv").read_bytes() == (there / "again.csv").read_bytes()
    text = (there / "rolls.csv").read_text(encoding="utf-8")
    (there / "rolls.csv").write_text(text.replace("2026-01-15,900013,R,", "2026-01-15,900013,R,1"), encoding="utf-8")
    changed = text != (there / "rolls.csv").read_text(encoding="utf-8")
    assert changed
    assert main(["forecast", "rolls", "--years", "1", "-o", "other.csv"]) == 3
    assert "the data are not those of the earlier release under this name" in capsys.readouterr().err
    assert not (there / "other.csv").exists()
