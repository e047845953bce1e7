"""Numbers of pupils are protected before a colour is worked out of them; published numbers are shown as they are."""

from __future__ import annotations

import pandas as pd
import pytest
from ragtown import SURPLUS, make_rules

from geoplan.disclosure import rule_for
from geoplan.errors import InputRefused
from geoplan.rag import judge
from geoplan.rag_measures import facts_from
from geoplan.rag_tables import count_marks, group_table, long_table, rules_table, shown_facts, wide_table

ABSENT = {
    "name": "absent", "title": "Persistent absence", "measure": "absent_percent", "worse": "higher", "amber": ">= 10",
    "red": ">= 20", "count": "absentees", "pupils": "pupils", "interval": "none", "numbers": "of pupils",
    "source": "our registers",
}  # fmt: skip


def board_of(absentees, pupils, rule=None):
    codes = [str(100_001 + i) for i in range(len(absentees))]
    facts = facts_from(pd.DataFrame({"absentees": absentees, "pupils": pupils}, index=codes))
    rules = make_rules(ABSENT)
    shown, hidden, tables = shown_facts(facts, rules, rule or rule_for())
    schools = pd.DataFrame({"name": [f"School {code}" for code in codes]}, index=codes)
    return judge(shown, rules, schools, hidden), tables


def test_a_flag_resting_on_hidden_cells_prints_c():
    """PROMISES 2.3."""
    board, _ = board_of([41, 3, 62, 9], [203, 190, 210, 20])
    assert board.matrix()["absent"].tolist() == ["Red", "c", "Red", "c"]
    assert board.matrix("shown")["absent"].tolist() == ["20.0%", "", "28.6%", ""]
    assert wide_table(board)["Persistent absence: value"].tolist() == [20.0, "c", 28.6, "c"]


@pytest.mark.parametrize("counts", [(1, 2), (1, 9), (2, 5)])
def test_a_hidden_number_changes_no_byte_of_any_table(counts):
    """Nine of 40 would be red and one green: the board must not say which it is."""
    boards = [board_of([41, count, 62], [203, 40, 210])[0] for count in counts]
    tables = [
        [make(board).to_csv() for make in (long_table, wide_table)] + [group_table(board, "all schools").to_csv()]
        for board in boards
    ]
    assert tables[0] == tables[1]


def test_the_complement_is_a_small_number_too():
    board, _ = board_of([198, 41], [203, 203])
    assert board.matrix()["absent"].tolist() == ["c", "Red"]


def test_values_come_of_printed_counts():
    board, tables = board_of([42, 63], [203, 211])
    assert board.cells["value"].tolist() == [100 * 40 / 200, 100 * 65 / 215]
    assert all(table.printed for table in tables)
    exact, _ = board_of([42, 63], [203, 211], rule_for("internal", reason="for the planning board"))
    assert exact.cells["value"].tolist() == pytest.approx([100 * 42 / 203, 100 * 63 / 211])


def test_a_condition_beside_is_protected_too_or_the_rule_refused():
    both = ABSENT | {"red": ">= 20 and absentees >= 44"}
    facts = facts_from(pd.DataFrame({"absentees": [43, 44], "pupils": [203, 203]}, index=["100001", "100002"]))
    rules = make_rules(both)
    shown, hidden, _ = shown_facts(facts, rules)
    board = judge(shown, rules, pd.DataFrame({"name": ["A", "B"]}, index=["100001", "100002"]), hidden)
    assert board.matrix("reason")["absent"].nunique() == 1  # both print 45
    with pytest.raises(InputRefused, match="also rests on exclusions, which nothing protects"):
        make_rules(ABSENT | {"red": ">= 20 and exclusions >= 3"})


def test_published_numbers_are_shown_as_they_are():
    facts = facts_from(pd.DataFrame({"places": [30], "roll": [23]}, index=["100001"]))
    rules = make_rules(SURPLUS)
    shown, hidden, tables = shown_facts(facts, rules)
    assert tables == ()
    board = judge(shown, rules, pd.DataFrame({"name": ["A"]}, index=["100001"]), hidden)
    assert board.matrix("shown")["surplus"].tolist() == ["23.3%"]


@pytest.mark.parametrize(("absentees", "pupils"), [([300], [200]), ([2.5], [100]), ([-3], [100])])
def test_counts_that_cannot_be_are_named(absentees, pupils):
    with pytest.raises(InputRefused, match=r"not whole numbers with absentees up to pupils: school 100001") as refused:
        board_of(absentees, pupils)
    assert "300" not in str(refused.value)


def test_without_a_pupil_file_the_rule_is_refused_with_what_to_do():
    rule = {"name": "fsm", "measure": "fsm_percent", "worse": "higher", "red": ">= 30", "numbers": "of pupils",
            "source": "census"}  # fmt: skip
    facts = facts_from(pd.DataFrame({"places": [1]}, index=["100001"]))
    with pytest.raises(InputRefused, match="name pupils under"):
        shown_facts(facts, make_rules(rule))


def test_other_counts_have_another_mark_in_the_ledger():
    rules = make_rules(ABSENT)
    marks = [
        count_marks(facts_from(pd.DataFrame({"absentees": [n], "pupils": [100]}, index=["100001"])), rules, "2026")
        for n in (40, 41, 40)
    ]
    assert marks[0] == marks[2] != marks[1]
    assert list(marks[0]) == ["pupils by persistent absence; 2026"]


def test_the_tables_for_a_spreadsheet():
    board, _ = board_of([41, 3, 62], [203, 190, 210])
    wide = wide_table(board)
    assert wide.columns.tolist() == ["URN", "name", "Persistent absence", "Persistent absence: value"]
    long = long_table(board)
    assert len(long) == 3
    assert not long.duplicated(["school", "indicator"]).any()
    groups = group_table(board, "all schools")
    assert groups[["red", "hidden (c)", "schools"]].to_numpy().tolist() == [[2, 1, 3]]
    assert rules_table(board.rules)["indicator"].tolist() == ["Persistent absence", "Groups"]
