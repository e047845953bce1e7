"""Hidden numbers of a group change nothing that a design, or a trade-off of designs, says of segregation and of moves.

Two boroughs have the same children in every area, and the same numbers as far as any may be shown; only how many of a
small number have free school meals in one area, and one of many in another, is another number.
"""

from __future__ import annotations

import json
import re
import shutil

import openpyxl
import pytest
from conftest import CODES, LETTERS, postcode
from project import write_project

from geoplan.cli.main import main
from geoplan.io.ledgers import ledger_path, read_memory

SCHOOLS = ("900001", "900002", "900003")
PUPILS = dict(zip(LETTERS, (70, 64, 81, 24, 45, 80, 62, 77, 66), strict=True))
MEALS = dict(zip(LETTERS, (20, 13, 22, 3, 14, 23, 11, 12, 15), strict=True))
WORDS = ["design", "--children", "all", "--within", "25", "--split", "--time-limit", "60"]  # far more than it takes


def town(folder, meals, areas=None, pupils=PUPILS):
    folder.mkdir()
    if areas is not None:
        shutil.copy(areas, folder / "areas.gpkg")
    write_project(folder, about='as_at = "January"')
    rows = ["pupil_id,postcode,school,year_group,fsm"]
    for letter in LETTERS:
        rows += [
            f"P{len(rows) + i},{postcode(f'{letter}1')},{SCHOOLS[i % 3]},3,{'yes' if i < meals[letter] else 'no'}"
            for i in range(pupils[letter])
        ]
    (folder / "pupils.csv").write_text("\n".join(rows) + "\n")
    lines = (folder / "schools.csv").read_text().splitlines()
    (folder / "schools.csv").write_text("\n".join([f"{lines[0]},places", *(f"{each},230" for each in lines[1:]), ""]))
    for name, schools in {"today": "111231233", "b": "121231233"}.items():
        plan = "".join(f"{CODES[letter]},90000{each}\n" for letter, each in zip(LETTERS, schools, strict=True))
        (folder / f"{name}.csv").write_text("lsoa21,school\n" + plan)
    with (folder / "geoplan.toml").open("a") as file:
        file.write('[plans]\ntoday = "today.csv"\n')
    return folder


@pytest.fixture
def towns(tmp_path):
    one = town(tmp_path / "one", MEALS)
    return one, town(tmp_path / "two", MEALS | {"D": 2, "E": 15}, one / "areas.gpkg")


def said(folder, words, monkeypatch, capsys) -> dict[str, bytes]:
    monkeypatch.chdir(folder)
    assert main(words) == 0, capsys.readouterr().err
    text = re.sub(r'"(seconds|rounds|cuts)": [\d.]+', "", capsys.readouterr().out)
    outs = {path.name: path.read_bytes() for path in folder.glob("out.*") if path.suffix != ".xlsx"}
    if (folder / "out.xlsx").exists():
        book = openpyxl.load_workbook(folder / "out.xlsx")
        outs["out.xlsx"] = repr([list(sheet.iter_rows(values_only=True)) for sheet in book]).encode()
    return outs | {"said": text.encode()}


RUNS = {
    "least segregation": ["--objective", "gorard", "-o", "out.html", "-o", "out.xlsx", "-o", "out.csv"],
    "three": ["--trade-off", "travel,gorard,moved", "--points", "2", "-o", "out.html", "--trade-off-out", "out.csv"],
    "json": ["--objective", "dissimilarity", "--json"],
}


@pytest.mark.parametrize("name", RUNS)
def test_a_hidden_number_of_the_group_changes_nothing(towns, name, monkeypatch, capsys):
    first, second = (said(folder, [*WORDS, *RUNS[name]], monkeypatch, capsys) for folder in towns)
    assert first == second
    assert b"Segregation is worked out from the mix of each area" in b"".join(first.values())


def test_children_hidden_in_an_area_change_nothing_of_those_who_move(tmp_path, monkeypatch, capsys):
    # whose figure in tens says, beside the moves that are printed, which of few a hidden number is
    one = town(tmp_path / "one", MEALS | {"D": 0}, pupils=PUPILS | {"D": 4, "E": 45})
    two = town(tmp_path / "two", MEALS | {"D": 0}, one / "areas.gpkg", pupils=PUPILS | {"D": 2, "E": 47})
    words = [*WORDS, "--objective", "moved", "--trade-off", "travel", "--points", "2", "-o", "out.html"]
    first, second = (said(folder, words, monkeypatch, capsys) for folder in (one, two))
    assert first == second
    assert b"All numbers are worked out from children by area hidden below 10" in first["out.html"]


def test_inside_the_numbers_are_exact(towns, monkeypatch, capsys):
    words = [*WORDS, "--objective", "gorard", "--json", "--internal", "a test of exact numbers"]
    first, second = (said(folder, words, monkeypatch, capsys) for folder in towns)
    assert first != second and b"may be shown" not in first["said"]


def test_the_mix_is_held_against_other_releases_of_the_same_children(towns, monkeypatch, capsys):
    folder = towns[0]
    monkeypatch.chdir(folder)
    assert main(["plan", "compare", "today", "b.csv", "-o", "compare.html"]) == 0, capsys.readouterr().err
    # the same children: the design is no other data
    assert main([*WORDS, "--objective", "gorard", "-o", "out.html"]) == 0, capsys.readouterr().err
    held = read_memory(ledger_path(folder)).ledger.entries[-1].tables
    assert any(table.dims == ("lsoa21", "fsm") for table in held)
    shutil.copy(towns[1] / "pupils.csv", folder / "pupils.csv")
    capsys.readouterr()
    assert main([*WORDS, "--objective", "gorard", "-o", "again.html"]) == 3
    assert "the data are not those of the earlier release" in capsys.readouterr().err


def test_rows_of_several_years_have_the_code_of_their_school(towns, monkeypatch, capsys):
    folder = towns[0]
    monkeypatch.chdir(folder)
    years = "".join(f"{CODES[letter]},{PUPILS[letter]},{PUPILS[letter] + 3}\n" for letter in LETTERS)
    (folder / "years.csv").write_text("lsoa21,2027,2028\n" + years)
    words = [*WORDS, "--children", "years.csv", "--trade-off", "travel,moved", "--points", "2", "--json"]
    assert main(words) == 0, capsys.readouterr().err
    rows = json.loads(capsys.readouterr().out)["catchments"]
    assert {(row["year"], row["code"]) for row in rows} == {(y, s) for y in ("2027", "2028") for s in SCHOOLS}
