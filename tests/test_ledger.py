"""The memory of releases: plain, tied together, and read by the gate."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from geoplan.disclosure import PUBLIC
from geoplan.evidence import Nesting, PrintedTable
from geoplan.gate import attack
from geoplan.ledger import Ledger, append, append_internal, earlier, publish, verify, withdraw
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable


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


def drafts() -> Ledger:
    ledger = append(Ledger(), "May", "public", [line("a", "c", "10")], what="may.html", marked=["people"])
    return append(ledger, "June", "public", [line("b", "c", "15")], what="june.html", marked=["people"])


def test_a_withdrawn_draft_is_kept_and_does_not_count():
    ledger = withdraw(drafts(), [1], "never shown", "A. Planner", "2026-06-01")
    assert len(ledger) == 2 and [number for number, _ in ledger.standing()] == [2]
    assert [table.name for table in earlier(ledger, ["2026"])[0]] == ["b (June, 2)"]
    assert Ledger.from_dict(ledger.to_dict()) == ledger and verify(ledger) == []
    again = publish(ledger, [1], "B. Clerk", "2026-07-01")
    assert len(earlier(again, ["2026"])[0]) == 2 and again.state(1).says == "published"
    with pytest.raises(ValueError, match=r"declared published by B\. Clerk on 2026-07-01"):
        withdraw(again, [1], "never shown", "A. Planner", "2026-07-02")


def test_what_was_withdrawn_is_entered_anew_when_it_is_released_after_all():
    ledger = withdraw(drafts(), [1, 2], "never shown", "A. Planner", "2026-06-01")
    ledger = append(ledger, "July", "public", [line("a", "c", "10")], what="may.html", marked=["people"])
    assert [number for number, _ in ledger.standing()] == [3] and len(earlier(ledger, ["2026"])[0]) == 1


def test_another_file_of_the_same_numbers_is_of_the_same_release():
    ledger = append(drafts(), "July", "public", [line("a", "c", "10")], what="note.html", marked=["people"])
    assert len(ledger) == 2 and ledger.files(1) == ("may.html", "note.html")
    assert append(ledger, "July", "public", [line("a", "c", "10")], what="note.html", marked=["people"]) == ledger


def test_a_note_of_exact_numbers_has_none_and_counts_for_nobody():
    ledger = append_internal(drafts(), "July", "OFFICIAL-SENSITIVE_a.html", "trying the options")
    assert ledger.entries[2].tables == () and len(ledger.standing()) == 2
    assert len(append_internal(ledger, "July", "OFFICIAL-SENSITIVE_a.html", "trying the options")) == 4
    with pytest.raises(ValueError, match="internal output"):
        withdraw(ledger, [3], "never shown", "A. Planner", "2026-07-02")


@pytest.mark.parametrize("where", ["reason", "number", "of", "gone", "turned"])
def test_a_changed_declaration_is_refused(where):
    ledger = publish(withdraw(drafts(), [1], "never shown", "A", "2026-06-01"), [2], "B", "2026-06-02")
    value = ledger.to_dict()
    said = value["statements"]
    if where == "gone":
        said.pop(0)
    elif where == "turned":
        said.reverse()
    else:
        said[0][where] = 2 if where == "number" else "other"
    with pytest.raises(ValueError, match="changed after it was written"):
        Ledger.from_dict(value)


def test_an_older_ledger_without_declarations_reads_as_it_was_written():
    value = append(Ledger(), "spring", "public", [line("a", "c")]).to_dict()
    assert "statements" not in value and set(value["entries"][0]) == {
        "release", "audience", "before", "tables", "nested", "hash",
    }  # fmt: skip


def test_who_holds_what_counts_learns_no_small_number_and_the_withdrawn_is_what_was_declared():
    """A release made beside a withdrawn draft is safe for who holds it alone; who holds both is whom the words name."""
    raw = RawTable("by ward", pd.Series({"E": 42, "G": 12}).rename_axis("ward"), population="2026")
    draft = protect_tables([raw], PUBLIC, totals="rounded")[0].printed
    finer = pd.Series({("E", "1"): 22, ("E", "2"): 20, ("G", "1"): 9, ("G", "2"): 3}).rename_axis(["ward", "part"])
    later = RawTable("by part", finer, population="2026")
    ledger = append(Ledger(), "May", "public", [draft], what="may.html")
    beside, alone = (
        protect_tables([later], PUBLIC, earlier=earlier(each, ["2026"])[0], totals="rounded")[0].printed
        for each in (ledger, withdraw(ledger, [1], "never shown", "A", "2026-06-01"))
    )
    assert attack([alone]).passed and attack([beside], (), [draft]).passed
    assert sum(text == "c" for text in alone.shown) <= sum(text == "c" for text in beside.shown)
