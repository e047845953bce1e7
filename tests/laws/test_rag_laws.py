"""Laws of red, amber and green: a worse reading never has a better colour, and counts always reconcile."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.rag import colour_plainly, groups_plainly, worst_share_plainly
from ragtown import FSM, GCSE, SURPLUS, make_board, make_rules

from geoplan.errors import InputRefused
from geoplan.rag import STATUSES, worst_edge
from geoplan.rag_grammar import rules_from
from geoplan.rag_rules import COLOURS

MANY = 60 if os.environ.get("GEOPLAN_LONG") else 3
SIZES = st.lists(st.tuples(st.integers(1, 900), st.integers(0, 1_100)), min_size=1, max_size=25)
CLUSTERS = st.lists(st.sampled_from(["N", "S", ""]), min_size=25, max_size=25)
ROLL_UPS = ({"rule": "worst"}, {"rule": "share", "red_from_percent": 20, "amber_from_percent": 40})
TRIGGERS = st.tuples(st.integers(1, 60), st.integers(1, 39)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def rank(colour: str) -> int:
    return COLOURS.index(colour)


@settings(max_examples=6 * MANY)
@given(SIZES, TRIGGERS, st.integers(1, 60))
def test_every_colour_is_that_of_the_slow_twin(sizes, triggers, least):
    amber, red = triggers
    rules = make_rules(SURPLUS | {"amber": f">= {amber}", "red": f">= {red} and unfilled_places >= {least}"})
    board = make_board(rules, places=[p for p, _ in sizes], roll=[r for _, r in sizes])
    plain = {"amber": [("unfilled_percent", amber)], "red": [("unfilled_percent", red), ("unfilled_places", least)]}
    assert board.matrix("status")["surplus"].tolist() == [colour_plainly(plain, *size) for size in sizes]


@settings(max_examples=6 * MANY)
@given(st.integers(1, 900), TRIGGERS, st.integers(1, 60))
def test_fewer_pupils_never_better_on_unfilled_places(places, triggers, least):
    amber, red = triggers
    rules = make_rules(SURPLUS | {"amber": f">= {amber}", "red": f">= {red} and unfilled_places >= {least}"})
    rolls = sorted({0, places, *np.linspace(0, places, 24).astype(int).tolist()}, reverse=True)
    board = make_board(rules, places=[places] * len(rolls), roll=rolls)
    ranks = [rank(each) for each in board.matrix("status")["surplus"]]
    assert ranks == sorted(ranks)


@settings(max_examples=4 * MANY)
@given(st.integers(1, 400), st.sampled_from(["higher", "lower"]), TRIGGERS, st.sampled_from([80, 95, 99]))
def test_a_worse_share_never_has_better_colours_left_open(pupils, worse, triggers, confidence):
    amber, red = triggers if worse == "higher" else triggers[::-1]
    sign = ">=" if worse == "higher" else "<"
    rule = GCSE | {"worse": worse, "amber": f"{sign} {amber}", "red": f"{sign} {red}", "confidence_percent": confidence}
    shares = np.linspace(0, 100, 41)
    shares = shares if worse == "higher" else shares[::-1]
    cells = make_board(make_rules(rule), good_gcse_percent=shares, cohort=[pupils] * 41).cells
    for end in ("best", "worst"):
        ranks = [rank(each) for each in cells[end]]
        assert ranks == sorted(ranks)
    sure = [rank(each) for each in cells["status"] if each in COLOURS]
    assert sure == sorted(sure)


@settings(max_examples=8 * MANY)
@given(
    st.lists(st.integers(0, 12), min_size=8, max_size=40),
    st.sampled_from([25, 50, 20]),
    st.booleans(),
    st.sampled_from(["better", "worse"]),
)
def test_the_worst_share_is_that_of_the_slow_twin(values, percent, higher, ties):
    array = np.array(values, dtype=float)
    edge = worst_edge(array, percent / 100, higher, ties)
    inside = np.zeros(len(array), bool) if edge != edge else (array >= edge if higher else array <= edge)
    plain = worst_share_plainly({str(at): value for at, value in enumerate(values)}, percent, higher, ties)
    assert {str(at) for at in np.flatnonzero(inside)} == plain
    if ties == "better":
        assert inside.sum() <= len(array) * percent / 100


@settings(max_examples=3 * MANY)
@given(st.lists(st.integers(0, 60), min_size=8, max_size=24), st.integers(0, 23), st.integers(1, 30),
       st.sampled_from(["better", "worse"]))  # fmt: skip
def test_a_school_that_gets_worse_among_others_never_gets_a_better_colour(values, who, more, ties):
    who %= len(values)
    worse = [value + more * (at == who) for at, value in enumerate(values)]
    colours = [
        make_board(make_rules(FSM | {"ties": ties}), fsm_percent=each, phase=["P"] * len(each))
        .matrix("status")["fsm"]
        .iloc[who]
        for each in (values, worse)
    ]
    assert rank(colours[1]) >= rank(colours[0])


@settings(max_examples=3 * MANY)
@given(SIZES, CLUSTERS, st.integers(0, 24), st.integers(1, 400), st.sampled_from(ROLL_UPS))
def test_groups_reconcile_and_a_worse_school_never_makes_a_better_group(sizes, clusters, who, fewer, roll_up):
    who %= len(sizes)
    rules = make_rules(SURPLUS, about={"groups": ["cluster"]}, roll_up=roll_up)
    places, rolls = [p for p, _ in sizes], [r for _, r in sizes]
    worse = [max(0, roll - fewer * (at == who)) for at, roll in enumerate(rolls)]
    boards = [make_board(rules, places=places, roll=each, cluster=clusters[: len(sizes)]) for each in (rolls, worse)]
    before, after = (board.by_group("cluster")["colour"] for board in boards)
    for group in before.index:
        assert rank(after[group].lower()) >= rank(before[group].lower())
    table = boards[0].by_group("cluster")
    plain = groups_plainly(
        boards[0].matrix("status")["surplus"].to_dict(),
        {str(at + 1): cluster or "no group" for at, cluster in enumerate(clusters[: len(sizes)])},
    )
    for group, counts in plain.items():
        row = table.loc[(group, "surplus")]
        assert {status: int(row[status]) for status in STATUSES if row[status]} == counts
        assert row["schools"] == sum(counts.values())
    assert table["schools"].sum() == len(sizes)
    assert pd.Series(plain).index.size == len(table)


@settings(max_examples=4 * MANY)
@given(SIZES)
def test_the_order_of_the_schools_changes_nothing(sizes):
    rules = make_rules(SURPLUS)
    there = make_board(rules, places=[p for p, _ in sizes], roll=[r for _, r in sizes])
    back = make_board(rules, places=[p for p, _ in sizes[::-1]], roll=[r for _, r in sizes[::-1]])
    assert there.cells["reason"].tolist() == back.cells["reason"].tolist()[::-1]


@settings(max_examples=3 * MANY)
@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 300)), min_size=1, max_size=12),
    st.integers(0, 11),
    st.integers(1, 100),
    st.sampled_from(ROLL_UPS),
)
def test_a_school_that_gets_worse_and_unclear_never_makes_a_better_group(shares, who, less, roll_up):
    """The colour of a school is withheld, and the group's must not gain by that."""
    who %= len(shares)
    rules = make_rules(GCSE | {"amber": "< 45"}, roll_up=roll_up)
    cohort = [pupils for _, pupils in shares]
    colours = [
        make_board(rules, good_gcse_percent=each, cohort=cohort).by_group("all schools")["colour"].iloc[0]
        for each in ([p for p, _ in shares], [max(0, p - less * (i == who)) for i, (p, _) in enumerate(shares)])
    ]
    assert rank(colours[1].lower()) >= rank(colours[0].lower())


KEYS = (
    "name", "title", "measure", "label", "unit", "worse", "green", "amber", "red", "compare_with", "minimum_schools",
    "ties", "schools", "pupils", "count", "interval", "confidence_percent", "numbers", "source", "grades", "note",
)  # fmt: skip
VALUES = (
    0, 1, -3, 2.5, True, "", ">= 5", "< 3", "> nan", "worst quarter", "worst 0%", "worst 200%", "A", "C or worse",
    [], ["a"], [1], {}, {"phase": ["X"]}, {"phase": 3}, "roll", "higher", "lower", "wilson", "none", "published",
    "of pupils", ">= 5 and < 9", ">= 5 and roll >= 3", float("nan"), float("inf"), 10**400, ">= " + "9" * 400,
)  # fmt: skip


@settings(max_examples=100 * MANY)
@given(
    st.lists(st.sampled_from([SURPLUS, GCSE, FSM]), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=4),
)
def test_whatever_stands_in_a_rule_it_is_refused_in_words_or_gives_every_school_a_reason(bases, changes):
    indicators = [dict(each) for each in bases]
    for at, key, value in changes:
        indicators[at % len(indicators)][key] = value
    try:
        rules = rules_from({"rules": {"title": "T"}, "indicator": indicators})
    except InputRefused as refused:
        assert all(each.what for each in refused.problems)
        return
    columns = {name: [1.0, 40.0, None] for each in rules.indicators for name in each.columns}
    columns |= {"places": [50, 50, 50], "roll": [10, 40, None], "phase": ["A", "A", "B"]}
    try:
        board = make_board(rules, **columns)
    except InputRefused as refused:
        assert {each.code for each in refused.problems} == {"column_missing"}
        return
    assert board.cells["reason"].str.len().gt(0).all()
    assert all(each.sentences() for each in rules.indicators)
