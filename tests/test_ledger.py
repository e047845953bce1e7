"""The memory of releases: plain, tied together, and read by the gate."""

from __future__ import annotations

import json

import pytest

from geoplan.gate import Nesting, PrintedTable, attack
from geoplan.ledger import Ledger, append, earlier, verify


def line(name: str, *texts: str, **more) -> PrintedTable:
    cells = tuple((f"s{i}",) for i in range(len(texts)))
    return PrintedTable(name, ("s",), cells, texts, **{"population": "2026", **more})


def test_it_goes_through_json_and_back():
    own = line("own", "c", "7", hide_below=(5, 10), round_to=(1, 5))
    ledger = append(Ledger(), "spring", "public", [line("t", "c", "40")], [Nesting("lsoa", "ward", {"a": "b"})])
    ledger = append(ledger, "summer", "school:1", [own])
    assert Ledger.from_dict(json.loads(json.dumps(ledger.to_dict()))) == ledger
    assert verify(ledger) == []


def test_the_same_release_again_adds_nothing():
    once = append(Ledger(), "spring", "public", [line("t", "c")])
    assert append(once, "again", "public", [line("t", "c")]) is once


@pytest.mark.parametrize("where", [("release",), ("tables", 0, "shown", 0), ("before",), ("audience",)])
def test_a_changed_entry_is_refused(where):
    value = append(append(Ledger(), "a", "public", [line("t", "c")]), "b", "public", [line("t", "5")]).to_dict()
    item = value["entries"][1]
    for key in where[:-1]:
        item = item[key]
    item[where[-1]] = "x"
    with pytest.raises(ValueError, match="changed after it was written"):
        Ledger.from_dict(value)
    dropped = {"schema": 1, "entries": value["entries"][1:]}
    with pytest.raises(ValueError):
        Ledger.from_dict(dropped)
    with pytest.raises(ValueError, match="schema"):
        Ledger.from_dict({"schema": 99, "entries": []})


def test_only_the_same_people_and_readers_are_taken_together():
    ledger = append(Ledger(), "a", "public", [line("t", "c"), line("u", "c", population="2025")])
    ledger = append(ledger, "b", "school:1", [line("t", "40")])
    ledger = append(ledger, "c", "internal", [line("t", "41")])
    assert [t.name for t in earlier(ledger, ["2026"])[0]] == ["t (a, 1)"]
    assert [t.name for t in earlier(ledger, ["2026"], "school:1")[0]] == ["t (a, 1)", "t (b, 2)"]
    assert [t.shown for t in earlier(ledger, ["2026"], "internal")[0]] == [("c",)]


def test_the_same_table_twice_is_taken_once():
    ledger = append(append(Ledger(), "a", "public", [line("t", "c")]), "b", "public", [line("t", "c"), line("u", "50")])
    assert len(earlier(ledger, ["2026"])[0]) == 2


def test_two_runs_are_attacked_together():
    first = line("t", "c", "40", "30", round_to=1)
    sums = PrintedTable("n", (), ((),), ("74",), "2026", round_to=1)
    ledger = append(Ledger(), "spring", "public", [first])
    assert attack([sums]).passed
    assert attack([first]).passed
    result = attack([sums], earlier=earlier(ledger, ["2026"])[0], exact=True)
    assert result.ranges["t (spring, 1)", ("s0",)] == (4, 4)
    assert not result.passed


def test_one_name_for_two_plans_is_refused():
    first = append(Ledger(), "a", "public", [line("t", "c")], [Nesting("block", "option", {"b": "in"})])
    second = append(first, "b", "public", [line("u", "c")], [Nesting("block", "option", {"b": "out"})])
    with pytest.raises(ValueError, match="a new plan needs a new name"):
        earlier(second, ["2026"])
