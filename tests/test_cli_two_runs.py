"""What the rolls say of a school's pupils, on a board or of similar schools: two runs tell no more than one."""

from __future__ import annotations

import json

import pytest
from project import BOARD, write_project

from geoplan.cli.main import main
from geoplan.io.ledgers import ledger_path, read_memory

COUNTED = BOARD + 'count = "meals"\npupils = "asked"\ninterval = "none"\n'
MEALS = {"900001": 30, "900002": 7, "900003": 50}


def with_meals(folder, meals=MEALS, rules: str = "") -> None:
    """A borough whose pupils file says who has free meals."""
    write_project(folder, about='as_at = "January"', rules=rules)
    lines, left = (folder / "pupils.csv").read_text().splitlines(), dict(meals)
    rows = [lines[0] + ",fsm"]
    for line in lines[1:]:
        school = line.split(",")[2]
        rows.append(f"{line},{'yes' if left[school] > 0 else 'no'}")
        left[school] -= 1
    (folder / "pupils.csv").write_text("\n".join(rows) + "\n")
    (folder / "board.toml").write_text(BOARD)


@pytest.fixture
def place(place):
    with_meals(place)
    return place


COMMANDS = {
    "rag": ["rag", "run", "board.toml"],
    "similar": ["similar", "--by", "attributes", "--variables", "fsm_percent", "--any-phase"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_one_changed_answer_stops_the_second_run(place, name, capsys):
    assert main([*COMMANDS[name], "-o", "one.csv"]) == 0, capsys.readouterr().err
    assert main([*COMMANDS[name], "-o", "one.csv"]) == 0  # the same again
    assert len(read_memory(ledger_path(place)).ledger) == 1
    with_meals(place, MEALS | {"900003": 51})
    assert main([*COMMANDS[name], "-o", "two.csv"]) == 3
    assert "pupils whose fsm is known; January: the data are not those" in capsys.readouterr().err
    assert not (place / "two.csv").exists()
    other = next(each for each in COMMANDS if each != name)
    assert main([*COMMANDS[other], "-o", "three.csv"]) == 3  # nor by the other way


def colours(capsys) -> dict[str, str]:
    answer = json.loads(capsys.readouterr().out)
    return {cell["school"]: cell["status"] for cell in answer["cells"]}


def test_a_board_under_a_weaker_rule_shows_no_more_than_the_first(place, tmp_path, monkeypatch, capsys):
    assert main(["rag", "run", "board.toml", "-o", "one.html", "--json"]) == 0
    first = colours(capsys)
    weaker = 'hide_below = 5\nmin_base = 10\nreason = "a test of two runs"'
    with_meals(place, rules=weaker)
    assert main(["rag", "run", "board.toml", "--json"]) == 0
    assert colours(capsys) == first and "hidden" in first.values()
    fresh = tmp_path / "fresh"
    with_meals(fresh, rules=weaker)
    monkeypatch.chdir(fresh)
    assert main(["rag", "run", "board.toml", "--json"]) == 0
    assert colours(capsys)["900002"] != first["900002"]  # without the memory it would be shown


def test_counts_of_the_offices_own_file_are_protected_beside_the_first_run(place, capsys):
    (place / "counted.toml").write_text(COUNTED)
    facts = place / "facts.csv"
    facts.write_text("urn,meals,asked\n900001,30,125\n900002,7,124\n900003,50,120\n")
    words = ["rag", "run", "counted.toml", "--facts", "facts.csv"]
    assert main([*words, "-o", "one.html", "--json"]) == 0, capsys.readouterr().err
    first = colours(capsys)
    text = (place / "geoplan.toml").read_text()
    weaker = '[rules]\nhide_below = 5\nreason = "a test of two runs"'
    (place / "geoplan.toml").write_text(text.replace("[rules]", weaker))
    assert main([*words, "--json"]) == 0
    assert colours(capsys) == first and first["900002"] == "hidden"
    facts.write_text("urn,meals,asked\n900001,30,125\n900002,7,124\n900003,51,120\n")
    assert main([*words, "-o", "two.html"]) == 3
