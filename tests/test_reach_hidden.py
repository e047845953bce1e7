"""A hidden number changes no byte of what is said about a service, an outcome of applications or a survey.

Every test writes one town as a project several times over. Between the copies only numbers that the outputs hide are
other ones: pupils, users or applicants of one area are people of the next area of the same segment (or of the next
school), so that every printed sum stays as it is. All that a command writes and says must then be the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import postcode
from project import write_project
from typer.testing import CliRunner

from geoplan.cli.main import app

# three rows of three areas, a segment each; D and E have few pupils and no users, G and H many pupils and few users
PUPILS = {"A": 70, "B": 64, "C": 81, "D": 4, "E": 5, "F": 180, "G": 60, "H": 75, "I": 66}
USERS = {"A": 21, "B": 30, "C": 26, "D": 0, "E": 0, "F": 23, "G": 4, "H": 5, "I": 42}
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
        assert first.keys() == other.keys()
        assert [name for name in first if first[name] != other[name]] == []


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

    def make(pupils, users, before, number) -> Path:
        folder = tmp_path / f"copy {number}" / "town"
        (folder / "out").mkdir(parents=True)
        shutil.copy(areas, folder / "areas.gpkg")
        write_project(folder)
        pupils_file(folder, pupils)
        users_file(folder, users)
        users_file(folder, before, "callers_before.csv")
        monkeypatch.chdir(folder)
        return folder

    return make


BY = ["--by", "segment", "--by", "lsoa21", "--key", "family_id"]
REACH = ["reach", "callers.csv", *BY]
SURVEY = ["survey", "callers.csv", *BY]
REACH_RUNS = (
    [*REACH, "--by", "school", "--since", "callers_before.csv", "-o", "out/reach.html", "--note", "out/note.html", "--json"],
    [*REACH, "--since", "callers_before.csv", "-o", "out/reach.xlsx"],
    [*REACH[:2], *BY[2:], "-o", "out/reach.csv"],
)
SURVEY_RUNS = ([*SURVEY, "-o", "out/survey.html", "--json"], [*SURVEY, "--by", "school", "-o", "out/survey.xlsx"])


@pytest.mark.parametrize("runs", [REACH_RUNS, SURVEY_RUNS], ids=["reach", "survey"])
def test_hidden_pupils_and_users(town, runs):
    answers = []
    for number, (pupils, now, before) in enumerate([(4, 4, 4), (1, 8, 2), (7, 2, 1)]):
        users, earlier = (moved(USERS, hidden, "G", "H") for hidden in (now, before))
        town(moved(PUPILS, pupils, "D", "E"), users, earlier, number)
        answers.append(said(*runs))
    same(answers)
