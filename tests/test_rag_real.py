"""The real school files of Kent, Medway and Brighton: 716 schools judged, each with its reason.

Kent County Council's 560 schools of April 2022 (Get Information About Schools), Medway's 94 and Brighton's 62: places,
pupils on roll and free school meals, all published. Counts are compared with a plain reading of the files.
"""

from __future__ import annotations

import pandas as pd
import pytest
from plain.rag import colour_plainly, groups_plainly, worst_share_plainly
from ragtown import FSM, SURPLUS, make_rules

from geoplan.io.schools import read_schools
from geoplan.rag import STATUSES, judge
from geoplan.rag_measures import facts_from

OVER = {"name": "over", "measure": "over_percent", "worse": "higher", "amber": "> 0", "red": ">= 5",
        "numbers": "published", "source": "GIAS, April 2022"}  # fmt: skip
QUARTER = FSM | {"minimum_schools": 20}
SHARE = {"rule": "share", "red_from_percent": 25, "amber_from_percent": 50}


@pytest.fixture(scope="module")
def frame():
    from conftest import SHARED

    if not SHARED.is_dir():
        pytest.skip("the real open data (../shared/data) is not beside this checkout")
    parts = [
        read_schools(SHARED / place / "schools_gias_2022-04.csv", {"cluster": "administrative_district"}).frame
        for place in ("kent_medway", "brighton_hove")
    ]
    return pd.concat(parts)


@pytest.fixture(scope="module")
def board(frame):
    rules = make_rules(SURPLUS, OVER, QUARTER, about={"groups": ["cluster"]}, roll_up=SHARE)
    return judge(facts_from(frame[["places", "roll", "fsm_percent"]]), rules, frame)


def test_every_school_is_judged_with_a_reason(frame, board):
    assert len(frame) == 716
    assert len(board.cells) == 716 * 3
    assert board.cells["reason"].str.len().gt(0).all()
    assert set(board.cells["status"]) <= set(STATUSES)
    kent = frame["laestab"].str.startswith("886")
    assert kent.sum() == 560
    judged = board.cells["status"].isin(["red", "amber", "green"]).unstack("indicator").loc[frame.index[kent]]
    assert judged["surplus"].sum() == (frame[["places", "roll"]].notna().all(axis=1) & kent).sum() == 549


def test_colours_are_those_of_a_plain_reading(frame, board):
    plain = {"amber": [("unfilled_percent", 10)], "red": [("unfilled_percent", 25), ("unfilled_places", 30)]}
    status = board.matrix("status")["surplus"]
    for code, row in frame.iterrows():
        known = pd.notna(row["places"]) and pd.notna(row["roll"])
        assert status[code] == (colour_plainly(plain, int(row["places"]), int(row["roll"])) if known else "no data")


def test_no_school_is_green_without_a_figure(frame, board):
    nothing = frame.index[frame["roll"].isna()]
    assert len(nothing) > 0
    assert board.matrix("status").loc[nothing, ["surplus", "over"]].eq("no data").all(axis=None)


def test_the_worst_quarter_of_each_phase(frame, board):
    status = board.matrix("status")["fsm"]
    for phase, part in frame.groupby("phase"):
        known = part["fsm_percent"].dropna().astype(float)
        red = set(status.index[status.eq("red") & (frame["phase"] == phase)])
        if len(known) < 20:
            assert not red
            assert any(f"{phase} has {len(known)} schools" in note for note in board.notes)
        else:
            assert red == worst_share_plainly(known.to_dict(), 25, True)
            assert 0.2 < len(red) / len(known) <= 0.25


def test_districts_reconcile_with_the_schools(frame, board):
    groups = frame["cluster"].to_dict()
    table = board.by_group("cluster")
    assert len(table.index.unique(0)) == frame["cluster"].nunique() == 14
    for indicator in ("surplus", "over", "fsm"):
        plain = groups_plainly(board.matrix("status")[indicator].to_dict(), groups)
        for group, counts in plain.items():
            row = table.loc[(group, indicator)]
            assert {status: int(row[status]) for status in STATUSES if row[status]} == counts
            assert row["schools"] == sum(counts.values())
    whole = board.by_group("all schools").droplevel(0)
    for status in (*STATUSES, "schools"):
        assert table[status].groupby(level="indicator").sum().to_dict() == whole[status].to_dict()


def test_one_more_empty_place_never_helps_a_real_school(frame, board):
    facts = frame[["places", "roll", "fsm_percent"]].copy()
    facts["roll"] = (facts["roll"] - 1).clip(lower=0)
    after = judge(facts_from(facts), make_rules(SURPLUS), frame).matrix("status")["surplus"]
    before = board.matrix("status")["surplus"]
    order = ["green", "amber", "red"]
    moved = [(order.index(a), order.index(b)) for a, b in zip(before, after, strict=True) if a in order]
    assert len(moved) == 703
    assert all(b >= a for a, b in moved)


def test_what_is_said_to_change_a_colour_does(frame, board):
    cells = board.cells.xs("surplus", level="indicator")
    tried = 0
    for code, text in cells["better"][cells["better"] != ""].items():
        colour, _, many = text.partition(" with ")
        facts = frame.loc[[code], ["places", "roll"]].astype(float)
        for more, hoped in (
            (int(many.split()[0].replace(",", "")), True),
            (int(many.split()[0].replace(",", "")) - 1, False),
        ):
            moved = judge(facts_from(facts.assign(roll=facts["roll"] + more)), make_rules(SURPLUS), frame.loc[[code]])
            assert (moved.matrix()["surplus"].iloc[0] == colour) == hoped
        tried += 1
        if tried == 25:
            break
    assert tried == 25
