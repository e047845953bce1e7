"""Preferences: each outcome on applicants drawn by hand, and as a comparison like every other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_boundaries, make_directory, make_people, make_segments, postcode
from plain.preferences import least_and_greatest

from geoplan.assignment import assign
from geoplan.errors import UnknownCodeError
from geoplan.preferences import NESTED, OUTCOMES, against_totals, counted_preferences, preferences
from geoplan.reach_tables import protect_outcomes, protect_reach

SCHOOLS = pd.DataFrame(
    {"easting": [580_500.0, 582_500.0], "northing": [160_500.0, 162_500.0]}, index=["900001", "900002"]
)  # in A, and in I


def applicants(rows, **columns):
    names, first, second, offer = (list(each) for each in zip(*rows, strict=True))
    people = make_people([postcode(name) if name else "" for name in names], **columns)
    frame = people.frame.assign(
        preference_1=pd.Series(first, dtype="str"),
        preference_2=pd.Series(second, dtype="str"),
        offer=pd.Series(offer, dtype="str"),
    )
    return assign(
        type(people)(frame, people.source, noun="applicants"), make_directory(), make_boundaries(), make_segments()
    )


FIVE = [
    ("A1", "900001", "", "900001"),  # named and got the nearest, first
    ("A1", "900002", "900001", "900001"),  # got the second, which is the nearest
    ("I1", "900001", "900002", ""),  # named the nearest second, got none
    ("I1", "900002", "", "900001"),  # got a school not named
    ("", "900001", "", "900001"),  # no postcode: first choice, nearest not known
]


def test_outcomes_one_by_one():
    frame = preferences(applicants(FIVE), SCHOOLS).applicants.frame
    assert frame["nearest"].tolist() == ["900001", "900001", "900002", "900002", ""]
    assert frame["first_choice"].tolist() == [True, False, False, False, True]
    assert frame["any_choice"].tolist() == [True, True, False, False, True]
    assert frame["nearest_first"].tolist() == [True, False, False, True, False]
    assert frame["nearest_named"].tolist() == [True, True, True, True, False]
    assert frame["nearest_offered"].tolist() == [True, True, False, False, False]


def test_rates_are_of_those_it_could_have_come_true_for():
    found = preferences(applicants(FIVE), SCHOOLS)
    first = found.reach("first_choice", ["segment"])
    assert first.accounts.base[""] == 5
    assert first.users.sum() == 2
    assert found.reach("nearest_first", ["segment"]).accounts.base[""] == 4
    with pytest.raises(UnknownCodeError, match="there are first_choice"):
        found.reach("happiness")


def test_a_table_of_nearest_schools_may_stand_for_the_straight_line():
    people = applicants(FIVE)
    table = dict.fromkeys(people.frame["postcode"].dropna().unique(), "900002")
    assert preferences(people, nearest=table).applicants.frame["nearest"].tolist()[:4] == ["900002"] * 4
    with pytest.raises(UnknownCodeError, match="say what is nearest"):
        preferences(people)
    with pytest.raises(UnknownCodeError, match="read_applications"):
        preferences(assign(make_people([postcode("A1")]), make_directory()), SCHOOLS)


def test_by_fsm_and_segment_with_the_same_statistics_and_protected():
    rows = [("A1", "900001", "", "900001")] * 60 + [("I1", "900001", "900002", "900002")] * 60
    people = applicants(rows, fsm=["yes", "no", "unknown"] * 40)
    found = preferences(people, SCHOOLS)
    for outcome in OUTCOMES:
        tables = protect_reach(found.reach(outcome, ["segment", "fsm"]), crossings=[])
        assert tables.gate.passed
        assert set(tables.by["fsm"].table.index) == {"yes", "no", "unknown"}
    tables = protect_reach(found.reach("first_choice", ["segment"]))
    table = tables.by["segment"].table
    assert table.loc["1", "penetration"] == 1
    assert table.loc["1", "index"] == pytest.approx(200)
    assert table["notable"].tolist() == [True, True]


def test_nobody_named_anything():
    found = preferences(applicants([("A1", "", "", "900001")]), SCHOOLS)
    assert found.reach("first_choice", ["segment"]).accounts.base[""] == 0


COUNTS = pd.DataFrame(
    {
        "area": ["A", "A", "B", "B"],
        "school": ["X", "Y"] * 2,
        "year": "2024",
        "first": [30, 10, 0, 0],
        "second": [5, 20, 0, 0],
        "third": [0, 5, 0, 0],
        "offers": [35, 5, 0, 0],
    }
)


def test_areas_without_preferences_have_no_shares():
    found = counted_preferences(COUNTS, nearest={"A": "X", "B": "Y"})
    assert found.loc[("2024", "A"), "nearest_first_share"] == 0.75
    assert found.loc[("2024", "A"), "nearest_named_share"] == 35 / 40
    assert found.loc[("2024", "B"), found.columns.str.startswith("nearest")].isna().all()
    with pytest.raises(UnknownCodeError):
        counted_preferences(COUNTS, nearest={"A": "X"})


def test_totals_that_do_not_add_up_are_listed():
    totals = pd.DataFrame({"area": ["A"], "school": ["Grand Total"], "year": ["2024"], "first": [40], "offers": [41]})
    assert against_totals(COUNTS[COUNTS["area"] == "A"], totals).to_dict("records") == [
        {"year": "2024", "area": "A", "figure": "offers", "summed": 40, "stated": 41}
    ]


def drawn(seed):
    """Applications of up to three neighbourhoods, drawn at random; one small, most with a few in a rare case."""
    random = np.random.default_rng(seed)
    rows = []
    for home in ("A1", "D1", "G1")[: random.integers(1, 4)]:
        close, size = home[0].lower(), int(random.integers(12, 70))
        ranks, offers = random.dirichlet([0.6] * 4), random.dirichlet([0.5] * 4)
        for _ in range(size):
            first, second = [(close, "x"), ("x", close), ("x", "y"), ("y", close)][random.choice(4, p=ranks)]
            offer = [first, second, "z", ""][random.choice(4, p=offers)]
            rows.append((home, first, second, close if random.random() < 0.03 else offer))
    near = {postcode(home): home[0].lower() for home in ("A1", "D1", "G1")}
    return preferences(applicants(rows), nearest=near)


@pytest.mark.parametrize("seed", [3, 9, 16])
def test_an_outsider_who_knows_how_outcomes_nest_pins_no_hidden_count(seed):
    """With the totals that sentences name; in these, they once gave 0 to 2 people away."""
    found = drawn(seed)
    tables = protect_outcomes({name: found.reach(name) for name in OUTCOMES}, nested=NESTED)
    ends = least_and_greatest(tables)
    assert ends
    assert {label: end for label, end in ends.items() if end[1] - end[0] < 4} == {}


def test_a_column_that_applications_do_not_have_is_answered_with_those_they_do():
    found = preferences(applicants(FIVE, fsm=["yes", "no", "no", "no", "yes"]), SCHOOLS)
    with pytest.raises(UnknownCodeError, match="the applications do not say cluster; compare groups by ") as refused:
        found.reach("first_choice", ["segment", "cluster"])
    said = str(refused.value)
    assert all(word in said for word in ("fsm", "first", "segment"))
    assert not any(word in said for word in ("preference_1", "first_choice", "record", "easting", "outcome"))
