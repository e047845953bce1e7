"""A hidden number changes nothing of what is chosen, or worked out by a model, in an output for outside.

Two towns are the same as far as their numbers may be shown: only how many of a few pupils live in one area, and how
many in another, or where few of the users do, is another number. The sites, the falling-off with distance and the plan
must then be the same to the byte; inside the office they differ, as they did outside before.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import openpyxl
import pandas as pd
import pytest
import test_design_hidden as designs
from conftest import LETTERS, postcode, square
from project import write_project

from geoplan.cli.main import main
from geoplan.io.ledgers import ledger_path, read_memory
from geoplan.io.project import copy_demo

SCHOOLS = ("900001", "900002", "900003")
# West serves A and D, East C and F, North H: of 54 and 56 children, and of 200; whichever has D's and F's 4 and 6.
PUPILS = dict(zip(LETTERS, (50, 100, 50, 4, 100, 6, 100, 200, 100), strict=True))
USERS = dict(zip(LETTERS, (12, 30, 12, 0, 30, 0, 30, 60, 30), strict=True))
OTHER = PUPILS | {"D": 6, "F": 4}
SITES = {"West": (580300, 160800), "East": (582300, 160800), "North": (581300, 162300)}


def town(folder, pupils, users=USERS, areas=None):
    folder.mkdir(parents=True)
    if areas is not None:
        shutil.copy(areas, folder / "areas.gpkg")
    write_project(folder, about='as_at = "January"')
    lines = (folder / "schools.csv").read_text().splitlines()
    (folder / "schools.csv").write_text("\n".join([f"{lines[0]},places", *(f"{each},230" for each in lines[1:]), ""]))
    homes = [letter for letter in LETTERS for _ in range(pupils[letter])]
    rows = [f"P{i},{postcode(f'{letter}1')},{SCHOOLS[i % 3]},3" for i, letter in enumerate(homes)]
    (folder / "pupils.csv").write_text("\n".join(["pupil_id,postcode,school,year_group", *rows]) + "\n")
    homes = [letter for letter in LETTERS for _ in range(users[letter])]
    rows = [f"F{i},{postcode(f'{letter}1')}" for i, letter in enumerate(homes)]
    (folder / "callers.csv").write_text("\n".join(["family_id,postcode", *rows]) + "\n")
    rows = [f"S{i},{name},{east},{north}" for i, (name, (east, north)) in enumerate(SITES.items())]
    (folder / "sites.csv").write_text("\n".join(["site,name,easting,northing", *rows]) + "\n")
    hours = {"West": "2,1", "East": "0,1", "North": "1,1"}
    rows = [f"{name},{east},{north},{hours[name]}" for name, (east, north) in SITES.items()]
    (folder / "plan.csv").write_text("\n".join(["site,easting,northing,hours,hours_planned", *rows]) + "\n")
    return folder


@pytest.fixture
def towns(tmp_path):
    one = town(tmp_path / "one" / "town", PUPILS)
    return one, town(tmp_path / "two" / "town", OTHER, areas=one / "areas.gpkg")


def said(folder, words, monkeypatch, capsys) -> dict[str, bytes]:
    monkeypatch.chdir(folder)
    assert main(words) == 0, capsys.readouterr().err
    outs = {path.name: path.read_bytes() for path in folder.glob("out.*") if path.suffix != ".xlsx"}
    if (folder / "out.xlsx").exists():
        book = openpyxl.load_workbook(folder / "out.xlsx")
        outs["out.xlsx"] = repr([list(sheet.iter_rows(values_only=True)) for sheet in book]).encode()
    return outs | {"said": capsys.readouterr().out.encode()}


REACH = ["reach", "callers.csv", "--key", "family_id"]
PLAN = [*REACH, "--what-if", "plan.csv"]
RUNS = {
    "the two best sites for a school": ["sites", "sites.csv", "--within", "0.6 km", "-o", "out.html"],
    "most within a distance": [*PLAN, "--place", "2", "--within-km", "0.6", "--per-km", "1", "-o", "out.html"],
    "most use": [*PLAN, "--place", "2", "--per-km", "3", "-o", "out.html"],
    "schools": [*REACH, "--place", "2", "--within-km", "1", "-o", "out.html"],
    "a fitted model": [*PLAN, "--json", "-o", "out.html"],
    "by area": [*PLAN, "--by", "lsoa21", "--place", "1", "--per-km", "2", "--json", "-o", "out.xlsx"],
    "a mailing": [*REACH, "--mailing", "2=1.5", "-o", "out.html"],
}


@pytest.mark.parametrize("name", RUNS)
def test_hidden_pupils_change_nothing_that_is_chosen_or_modelled(towns, name, monkeypatch, capsys):
    first, second = (said(folder, RUNS[name], monkeypatch, capsys) for folder in towns)
    assert first == second
    assert b"hidden below 10 (taken as half of that) and rounded to 5" in b"".join(first.values())


@pytest.mark.parametrize("name", ["a fitted model", "most use", "by area"])
def test_hidden_users_change_nothing_of_the_model(tmp_path, name, monkeypatch, capsys):
    # E and F are of one segment, and users by distance and by nearness round to the same numbers
    users, pupils = USERS | {"I": 28}, PUPILS | {"F": 60}
    one = town(tmp_path / "one" / "town", pupils, users | {"F": 2, "E": 30})
    two = town(tmp_path / "two" / "town", pupils, users | {"F": 4, "E": 28}, one / "areas.gpkg")
    words = [*RUNS[name], "--by", "segment"]
    first, second = (said(folder, words, monkeypatch, capsys) for folder in (one, two))
    assert first == second


@pytest.mark.parametrize("name", ["the two best sites for a school", "most within a distance", "most use"])
def test_inside_the_choice_is_of_exact_numbers(towns, name, monkeypatch, capsys):
    words = [*RUNS[name][:-2], "--internal", "a test of exact numbers"]
    first, second = (said(folder, words, monkeypatch, capsys)["said"] for folder in towns)
    assert first != second
    assert b"taken as half" not in first


def test_what_was_chosen_from_is_held_against_other_releases(towns, monkeypatch, capsys):
    folder = towns[0]
    for words in (RUNS["the two best sites for a school"], RUNS["most use"]):
        said(folder, words, monkeypatch, capsys)
        held = read_memory(ledger_path(folder)).ledger.entries[-1].tables
        assert any(table.dims == ("lsoa21",) for table in held)
    # and what was not printed then may be printed now, beside it
    words = [*REACH, "--by", "segment", "--by", "lsoa21", "--json", "-o", "out.html"]
    rows = json.loads(said(folder, words, monkeypatch, capsys)["said"])["by"]["lsoa21"]
    assert [row["base_count"] for row in rows][:4] == [50, 100, 50, "c"]


def test_distances_to_other_sites_are_not_taken_for_those_of_before(towns, monkeypatch, capsys):
    # what was hidden so far from the old sites is no reason to hide as far from the new ones
    folder, _ = towns
    other = (folder / "plan.csv").read_text().replace("580300", "580900")
    fresh = town(folder.parent / "fresh", PUPILS, areas=folder / "areas.gpkg")
    words = [*PLAN, "--by", "segment", "--per-km", "2", "-o", "out.html"]
    said(folder, words, monkeypatch, capsys)
    for place in (folder, fresh):
        (place / "plan.csv").write_text(other)
    second, first = (said(place, words, monkeypatch, capsys)["out.html"] for place in (folder, fresh))
    assert second == first
    names = [{table.population for table in entry.tables if " by distance to " in table.population}
             for entry in read_memory(ledger_path(folder)).ledger.entries]  # fmt: skip
    assert len(names) == 2 and all(names) and not names[0] & names[1]


def test_the_choice_agrees_with_what_is_printed_of_each_site(towns, monkeypatch, capsys):
    answer = json.loads(
        said(towns[0], ["sites", "sites.csv", "--within", "0.6 km", "--json"], monkeypatch, capsys)["said"]
    )
    printed = {row["code"]: row["reach"] for row in answer["reach"]}
    assert printed == {"S0": 55.0, "S1": 55.0, "S2": 200.0}
    assert any("North" in note for note in answer["notes"] if "together" in note)


# --- plans: how far children live -------------------------------------------------------------------------


def metres_of(pupils, end: int) -> float:
    """The mean distance of all to the school of their catchment today; those of D live at its postcode D1 or D3."""
    far = {}
    for letter, school in zip(LETTERS, "111231233", strict=True):
        east, north = (part + 300 * (end if letter == "D" else 1) for part in square(letter))
        far[letter] = np.hypot(east - 579_500 - 1000 * int(school), north - 160_500)
    return sum(pupils[letter] * far[letter] for letter in LETTERS) / sum(pupils.values())


def test_where_in_an_area_children_live_changes_no_mean_distance(tmp_path, monkeypatch, capsys):
    # D1 and D3 are of one band of distance; exact means, rounded to 50 m, would differ
    pupils = next(
        counts
        for number in range(60, 200)
        if round(metres_of(counts := designs.PUPILS | {"D": 45, "A": number}, 1) / 50)
        != round(metres_of(counts, 3) / 50)
    )
    none = dict.fromkeys(LETTERS, 0)
    one = designs.town(tmp_path / "one", none, pupils=pupils)
    two = designs.town(tmp_path / "two", none, one / "areas.gpkg", pupils=pupils)
    rows = (two / "pupils.csv").read_text().replace(postcode("D1"), postcode("D3"))
    (two / "pupils.csv").write_text(rows)
    words = ["plan", "compare", "today", "b.csv", "--json"]
    first, second = (said(folder, [*words, "-o", "out.html"], monkeypatch, capsys) for folder in (one, two))
    assert first == second
    row = json.loads(first["said"])["summary"][0]
    assert abs(row["mean_m"] - metres_of(pupils, 1)) <= 150
    inside = ["--internal", "a test of exact numbers"]
    first, second = (
        json.loads(said(folder, [*words, *inside], monkeypatch, capsys)["said"])["summary"][0]["mean_m"]
        for folder in (one, two)
    )
    assert first != second


def test_hidden_children_change_nothing_of_a_design_or_its_mean_journey(tmp_path, monkeypatch, capsys):
    none = dict.fromkeys(LETTERS, 0)
    one = designs.town(tmp_path / "one", none, pupils=designs.PUPILS | {"D": 4, "E": 45})
    two = designs.town(tmp_path / "two", none, one / "areas.gpkg", pupils=designs.PUPILS | {"D": 2, "E": 47})
    words = [*designs.WORDS, "--objective", "travel", "-o", "out.html"]
    first, second = (designs.said(folder, words, monkeypatch, capsys) for folder in (one, two))
    assert first == second
    assert b"The mean journey is worked out from children by area hidden below 10" in first["out.html"]
    inside = [*designs.WORDS, "--objective", "travel", "--internal", "a test of exact numbers"]
    first, second = (designs.said(folder, inside, monkeypatch, capsys)["said"] for folder in (one, two))
    assert b"The mean journey is worked out" not in first


# --- what was the same before -----------------------------------------------------------------------------


def feeder_town(folder, few: int, areas=None):
    """Pupils of year 6 at three feeder schools; ``few`` of ten in D are at the first of two, and the rest in A."""
    folder.mkdir()
    if areas is not None:
        shutil.copy(areas, folder / "areas.gpkg")
    write_project(folder, about='as_at = "January"')
    at = dict.fromkeys(LETTERS, (30, 32, 34))
    at |= {"A": (40 - few, 25 + few, 34), "B": (30, 30, 34), "D": (few, 10 - few, 70), "G": (0, 0, 60)}
    homes = [(letter, 900004 + i) for letter in LETTERS for i in range(3) for _ in range(at[letter][i])]
    rows = [f"P{i},{postcode(f'{letter}1')},{school},6" for i, (letter, school) in enumerate(homes)]
    (folder / "pupils.csv").write_text("\n".join(["pupil_id,postcode,school,year_group", *rows]) + "\n")
    rows = ["urn,name,phase,easting,northing,places,cluster"]
    for i in range(6):
        phase, cluster = ("Secondary", "Primary")[i // 3], ("North", "South", "East")[i % 3]
        rows.append(f"90000{i + 1},School {i + 1},{phase},{580500 + 1000 * (i % 3)},160500,300,{cluster}")
    (folder / "schools.csv").write_text("\n".join(rows) + "\n")
    for name, schools in {"today": "111231233", "b": "121231233"}.items():
        plan = "".join(f"{designs.CODES[a]},90000{each}\n" for a, each in zip(LETTERS, schools, strict=True))
        (folder / f"{name}.csv").write_text("lsoa21,school\n" + plan)
    with (folder / "geoplan.toml").open("a") as file:
        file.write('[plans]\ntoday = "today.csv"\n')
    return folder


def test_hidden_children_of_feeder_schools_change_nothing_of_divided_clusters(tmp_path, monkeypatch, capsys):
    one = feeder_town(tmp_path / "one", 4)
    two = feeder_town(tmp_path / "two", 6, one / "areas.gpkg")
    words = ["plan", "compare", "today", "b.csv", "--json"]
    first, second = (said(folder, [*words, "-o", "out.html"], monkeypatch, capsys) for folder in (one, two))
    assert first == second
    assert len(json.loads(first["said"])["clusters"]) == 3
    inside = ["--internal", "a test of exact numbers"]
    first, second = (json.loads(said(f, [*words, *inside], monkeypatch, capsys)["said"]) for f in (one, two))
    assert first["clusters"] != second["clusters"]


def test_hidden_rolls_of_a_feeder_school_change_nothing_of_a_forecast(tmp_path, monkeypatch, capsys):
    # of one feeder 3 or 6 in year 6; other rolls change by as many, where that prints the same
    found = []
    for few in (3, 6):
        folder = copy_demo(tmp_path / str(few) / "medway")
        schools = pd.read_csv(folder / "schools.csv")
        first, second, *others = schools.loc[schools["highest_year"].eq(6), "urn"]
        upper = schools.loc[schools["lowest_year"].eq("7"), "urn"]
        pairs = [(code, feeder, 0.5) for code, third in zip(upper, others, strict=False) for feeder in (first, third)]
        pd.DataFrame(pairs, columns=["school", "feeder", "share"]).to_csv(folder / "feeders.csv", index=False)
        rolls = pd.read_csv(folder / "rolls.csv", dtype={"year_group": str})
        now = rolls["date"].eq(rolls["date"].max())
        for code, year, count in ((first, "6", few), (first, "5", 65 - few), (second, "6", 65 - few),
                                  (second, "5", 56 + few)):  # fmt: skip
            rolls.loc[now & rolls["urn"].eq(code) & rolls["year_group"].eq(year), "pupils"] = count
        rolls.to_csv(folder / "rolls.csv", index=False)
        words = ["forecast", "rolls_earlier.csv", "rolls", "--feeders", "feeders.csv", "--level", "none", "--json"]
        found.append(said(folder, [*words, "-o", "out.html"], monkeypatch, capsys))
    assert found[0] == found[1]
