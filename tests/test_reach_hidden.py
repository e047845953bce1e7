"""A hidden number changes no byte of what is said about a service, an outcome of applications or a survey.

Every test writes one town as a project several times over. Between the copies only numbers that the outputs hide are
other ones: pupils, users or applicants of one area are people of the next area of the same segment (or of the next
school), so that every printed sum stays as it is. All that a command writes and says must then be the same.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import CODES, postcode, square
from project import write_project
from typer.testing import CliRunner

from geoplan.cli.main import app

# Three rows of three areas, a segment each: D and E have few pupils and no users, G and H many pupils and few users.
# Those of G and H who are no users (58 to 61 of 62, 73 to 76 of 77) print the same whichever of 1 to 4 users there are.
PUPILS = {"A": 70, "B": 64, "C": 81, "D": 4, "E": 5, "F": 180, "G": 62, "H": 77, "I": 66}
USERS = {"A": 21, "B": 30, "C": 26, "D": 0, "E": 0, "F": 23, "G": 3, "H": 2, "I": 42}
SCHOOLS = ("900001", "900002", "900003")


def people(counts: dict[str, int]) -> list[tuple[str, str]]:
    """Area and school of each; down each row of areas in turn to the three schools, so that none has more or fewer
    when a pupil lives in the next area of the row."""
    rows = [[letter for letter in row for _ in range(counts[letter])] for row in ("ABC", "DEF", "GHI")]
    return [(letter, SCHOOLS[i % 3]) for row in rows for i, letter in enumerate(row)]


def moved(counts: dict[str, int], hidden: int, here: str, there: str) -> dict[str, int]:
    """``hidden`` of the people of two areas live in the first."""
    return counts | {here: hidden, there: counts[here] + counts[there] - hidden}


def pupils_file(folder: Path, counts: dict[str, int], name: str = "pupils.csv") -> None:
    rows = [f"P{i},{postcode(f'{letter}1')},{school},6" for i, (letter, school) in enumerate(people(counts))]
    (folder / name).write_text("\n".join(["pupil_id,postcode,school,year_group", *rows]) + "\n")


def users_file(folder: Path, counts: dict[str, int], name: str = "callers.csv") -> None:
    rows = [f"F{i},{postcode(f'{letter}1')},{school}" for i, (letter, school) in enumerate(people(counts))]
    (folder / name).write_text("\n".join(["family_id,postcode,school", *rows]) + "\n")


def said(*runs: list[str]) -> dict[str, bytes]:
    """What the commands write and say in this folder, one after the other, by output."""
    answers = {}
    for number, words in enumerate(runs):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (done.output, done.exception)
        answers[f"run {number} says"] = done.stdout.encode()
    return answers | {path.name: path.read_bytes() for path in sorted(Path("out").iterdir())}


def same(answers: list[dict[str, bytes]]) -> None:
    first, *others = answers
    for other in others:
        assert [name for name in other if first[name] != other[name]] == []
    assert others[-1].keys() == first.keys()


# --- the towns --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def areas(tmp_path_factory) -> Path:
    """One file of areas for all towns: a page names its fingerprint, for areas are no one's secret."""
    folder = tmp_path_factory.mktemp("areas")
    write_project(folder)
    return folder / "areas.gpkg"


@pytest.fixture
def town(areas, tmp_path, monkeypatch):
    """Makes a project in a folder of its own and goes there; every copy is called the same."""

    def make(pupils, users, before, number, drawn: bool) -> Path:
        folder = tmp_path / f"copy {number}" / "town"
        (folder / "out").mkdir(parents=True)
        shutil.copy(areas, folder / "areas.gpkg")
        write_project(folder)
        if not drawn:  # the directory says where a postcode lies, and no map is drawn: sooner
            places = [
                f"{postcode(letter + number)},{square(letter)[0] + 500},{square(letter)[1] + 500},{code}"
                for letter, code in CODES.items()
                for number in "123"
            ]
            (folder / "postcodes.csv").write_text("\n".join(["postcode,easting,northing,lsoa21", *places]) + "\n")
            project = folder / "geoplan.toml"
            project.write_text(re.sub(r"\[areas\]\n.*\n", "", project.read_text()))
        pupils_file(folder, pupils)
        users_file(folder, users)
        users_file(folder, before, "callers_before.csv")
        monkeypatch.chdir(folder)
        return folder

    return make


def applications_file(folder: Path, few: int, lucky: int) -> None:
    """Everybody names the nearest school first, in the large areas three in four; who is not offered the first is
    offered the second. Of nine in D and E ``few`` live in D; of five in G and H offered the first, ``lucky`` in G.
    """
    rows = ["application,postcode,fsm,preference_1,preference_2,offer"]

    def apply(letter: str, number: int, first: int, second: bool) -> None:
        near = (place := "ABCDEFGHI".index(letter)) % 3
        named = [SCHOOLS[(near + first) % 3], SCHOOLS[(near + first + 1) % 3]]
        free = "YN"[number % 3 > 0]
        rows.append(f"{len(rows)},{postcode('ABCDEFGHI'[place] + '1')},{free},{','.join(named)},{named[second]}")

    for letter in "ABCFI":
        for number in range(PUPILS[letter]):
            apply(letter, number, number % 4 == 3, number % 5 < 2)
    for number in range(9):
        apply("D" if number < few else "E", number, 0, False)
    for number in range(5):
        apply("G" if number < lucky else "H", number, 0, False)
    for number in range(PUPILS["G"] + PUPILS["H"] - 5):
        apply("G" if number < PUPILS["G"] - lucky else "H", number, 0, True)
    (folder / "applications.csv").write_text("\n".join(rows) + "\n")


# --- the commands -----------------------------------------------------------------------------------------

AREAS = ["--by", "segment", "--by", "lsoa21"]
REACH = ["reach", "callers.csv", "--key", "family_id"]
SURVEY = ["survey", "callers.csv", "--key", "family_id"]
PREFERENCES = ["preferences", "applications.csv"]
RUNS = {
    "reach": (
        [*REACH, *AREAS, "--since", "callers_before.csv", "-o", "out/a.html", "--note", "out/note.html", "--json"],
        [*REACH, "--by", "segment", "--by", "school", "-o", "out/a.xlsx"],
        [*REACH, "--by", "lsoa21", "-o", "out/a.csv"],
    ),
    "survey": (
        [*SURVEY, *AREAS, "-o", "out/a.html", "--json"],
        [*SURVEY, "--by", "lsoa21", "--by", "school", "-o", "out/a.xlsx"],
    ),
    "preferences": (
        [*PREFERENCES, *AREAS, "-o", "out/a.html", "--json"],
        [*PREFERENCES, "--by", "lsoa21", "-o", "out/a.xlsx"],
    ),
}


@pytest.mark.parametrize("command", RUNS)
def test_a_hidden_number_changes_no_byte_of_any_output(town, command):
    """Three towns: other pupils of D and E, other users (or offers) of G and H, other users of the year before."""
    answers = []
    for number, (pupils, now, before) in enumerate([(4, 3, 2), (1, 1, 4), (8, 4, 1)]):
        users, earlier = (moved(USERS, hidden, "G", "H") for hidden in (now, before))
        folder = town(moved(PUPILS, pupils, "D", "E"), users, earlier, number, drawn=command == "reach")
        applications_file(folder, pupils, now)
        answers.append(said(*RUNS[command][: None if number != 1 else 1]))  # the second town without workbooks
    same(answers)
    said_first = json.loads(answers[0]["run 0 says"])
    table = (said_first["by"] if "by" in said_first else said_first["first_choice"])["lsoa21"]
    rows = {row["code"]: row for row in table}
    assert [rows[CODES[letter]]["base_count"] for letter in "DE"] == ["c", "c"]
    assert [rows[CODES[letter]]["count"] for letter in "GH"] == ["c", "c"]
    assert isinstance(rows[CODES["B"]]["count"], float)


def test_a_plan_and_the_best_sites_say_no_finer_number_than_the_printed_ones(town):
    """A steep falling-off would make the value of a site the number of people beside it, and a ratio their share."""
    folder = town(PUPILS, USERS, USERS, 0, drawn=True)
    sites = "Hall,580500,160500,2,1\nHub,582500,162500,0,1\n"
    (folder / "plan.csv").write_text("site,easting,northing,hours,hours_planned\n" + sites)
    words = [*REACH, "--by", "segment", "--what-if", "plan.csv", "--place", "1", "--per-km", "8", "--json"]
    answer = json.loads(said(words)["run 0 says"])
    assert answer["placement"].keys() == {"sites", "at_most_short_of_the_best", "proven"}
    assert len(answer["plan"]) == 4
    for row in answer["plan"]:
        assert row["after"] % 5 == 0
        assert row["more_share"] == pytest.approx(row["after"] / row["today"] - 1, abs=0.005)
