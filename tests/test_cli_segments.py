"""``geoplan segments``: tried, built, described and applied from the command line; refusals in words."""

from __future__ import annotations

import csv
import json

import pytest
from built import RECIPE, kinds, town_csv

from geoplan.cli.main import main


@pytest.fixture
def place(tmp_path):
    (tmp_path / "town.csv").write_text(town_csv(), encoding="utf-8")
    (tmp_path / "town21.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def build(place, *more):
    files = [str(place / "town.csv"), "--recipe", str(place / "town21.toml")]
    return main(["segments", "build", *files, "--try", "2-4", "--resamples", "3", *more])


def test_trying_writes_nothing(place, capsys):
    before = sorted(place.iterdir())
    assert build(place) == 0
    assert "Nothing built" in capsys.readouterr().out
    assert sorted(place.iterdir()) == before


def test_built_described_and_applied(place, capsys):
    out = place / "ours.csv"
    assert build(place, "--clusters", "3,2", "--scheme", "Our town", "-o", str(out), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["records"] == answer["areas"] == 30
    assert [row["clusters"] for row in answer["tried"]] == [2, 3, 4]
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    found = {(row["supergroup"], kinds()[row["oa21cd"]]) for row in rows}
    assert found == {("1", "villas"), ("2", "terraces"), ("3", "flats")}
    assert "How our segments were built: Our town" in out.with_suffix(".html").read_text(encoding="utf-8")

    recipe = str(out.with_suffix(".toml"))
    assert main(["segments", "describe", recipe]) == 0
    printed = capsys.readouterr().out
    assert "Our town" in printed and "More flats" in printed and "stability: 1.00" in printed
    assert main(["segments", "describe", recipe, "--segment", "3", "--json"]) == 0
    variables = json.loads(capsys.readouterr().out)["variables"]
    assert {v["label"] for v in variables} == {"flats", "terraced", "two cars"}

    placed = place / "placed.csv"
    statistics = str(place / "town.csv")
    more = ["--compare", str(out), "-o", str(placed)]
    assert main(["segments", "apply", recipe, statistics, *more, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {level: (a["same"], a["ari"]) for level, a in found["agreement"].items()} == {
        "supergroup": (1, 1), "group": (1, 1),
    }  # fmt: skip
    assert placed.read_text(encoding="utf-8") == out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        (["--clusters", "some"], 2, "write numbers"),
        (["--try", "1-3"], 2, "from 2 to 26"),
        (["-o", "x.csv"], 2, "how many clusters"),
        (["--clusters", "3", "-o", "x.html"], 2, "ends in .csv"),
        (["--recipe", "nonsense"], 3, "no recipe"),
        (["--recipe", "oac21"], 3, "does not say how"),
        (["--clusters", "3,20"], 3, "cannot make 20"),
    ],
)
def test_refusals(place, capsys, more, code, word):
    assert build(place, *more) == code
    assert word in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_segments_that_are_not_there(place, capsys):
    out = place / "ours.csv"
    assert build(place, "--clusters", "3", "-o", str(out)) == 0
    assert main(["segments", "describe", str(out.with_suffix(".toml")), "-s", "7"]) == 3
    assert "there are 1, 2, 3" in capsys.readouterr().err
