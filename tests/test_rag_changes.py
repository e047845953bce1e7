"""The trigger log: which colours changed, which way, and whether a value moved or a rule did."""

from __future__ import annotations

import json

import pytest
from ragtown import FSM, SURPLUS, make_board, make_rules

from geoplan.errors import InputRefused
from geoplan.rag_changes import changes, check_record, record

PLACES = [100, 100, 100, 100, 100]


def run(roll, rule=SURPLUS, **more):
    return record(make_board(make_rules(rule), places=PLACES, roll=roll, **more), "January")


def test_a_run_against_itself_has_no_changes():
    one = run([60, 95, 85, None, 99])
    assert len(changes(one, one)) == 0
    assert changes(one, one).finding == "No colour changed (5 compared)."


def test_what_changed_which_way_and_because_of_what():
    before = run([60, 95, 85, None, 99])
    after = run([99, 80, 85, 95, None], SURPLUS | {"amber": ">= 16"})
    table = changes(before, after).table.reset_index()
    told = table[["school", "before", "after", "direction", "because"]].to_numpy().tolist()
    assert told == [
        ["1", "Red", "Green", "better", "the rule changed, and the value moved from 40.0% to 1.0%"],
        ["2", "Green", "Amber", "worse", "the rule changed, and the value moved from 5.0% to 20.0%"],
        ["3", "Amber", "Green", "better", "the rule changed"],
        ["4", "No data", "Green", "neither", "the rule changed, and the value moved from none to 5.0%"],
        ["5", "Green", "No data", "neither", "the rule changed, and the value moved from 1.0% to none"],
    ]
    same_rule = changes(before, run([60, 80, 85, 95, None])).table
    assert same_rule["because"].tolist() == [
        "the value moved from 5.0% to 20.0%", "there is a figure now", "there is no figure now",
    ]  # fmt: skip
    assert changes(before, after).finding == (
        "5 of 5 colours changed: 1 for the worse, 2 for the better, 2 to or from no colour."
    )


def test_a_title_is_no_part_of_a_rule():
    before = run([60, 95, 85, None, 99])
    after = run([60, 95, 85, None, 99], SURPLUS | {"title": "Spare places", "source": "SCAP", "note": "new"})
    assert len(changes(before, after)) == 0


def test_a_school_that_stands_still_while_others_move_is_told_so():
    before, after = (
        record(make_board(make_rules(FSM), fsm_percent=[*range(10, 17), last], phase=["P"] * 8)) for last in (5, 40)
    )
    because = changes(before, after).table["because"]
    assert because["6", "fsm"] == "other schools or the number of pupils changed"
    assert because["8", "fsm"] == "the value moved from 5.0% to 40.0%"


def test_schools_and_indicators_that_come_and_go_are_in_the_log():
    one = run([60, 95, 85, None, 99])
    fewer = dict(one, cells=one["cells"][1:])
    assert changes(one, fewer).table["because"].tolist() == ["it is no longer judged"]
    assert changes(fewer, one).table["because"].tolist() == ["it is new"]
    assert changes(fewer, one).table["direction"].tolist() == ["neither"]


def test_the_order_of_schools_in_a_record_is_no_change():
    one = run([60, 95, 85, None, 99])
    assert len(changes(one, dict(one, cells=one["cells"][::-1]))) == 0


def test_a_record_survives_its_file():
    one = run([60, 95, 85, None, 99])
    assert check_record(json.loads(json.dumps(one)), "run.json") == one


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"geoplan_rag": 2, "cells": []}, {"geoplan_rag": 1, "cells": [1]},
     {"geoplan_rag": 1, "cells": [{"school": "1"}]}],
)  # fmt: skip
def test_what_is_no_record_is_refused(value):
    with pytest.raises(InputRefused, match="not a run of geoplan rag"):
        check_record(value, "run.json")


def test_a_status_that_nobody_knows_is_refused():
    one = run([60, 95, 85, None, 99])
    with pytest.raises(InputRefused):
        check_record(dict(one, cells=[one["cells"][0] | {"status": "purple"}]), "run.json")
