"""Laws of forecasts: constant rolls stay constant, totals are met exactly, no child is lost in another plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.catchments import plan_from_pairs
from geoplan.cohorts import year_group_of
from geoplan.constraining import constrain
from geoplan.forecast_methods import METHODS, children_by_place, history_of, usable_methods
from geoplan.forecasts import forecast
from geoplan.raking import rake_table
from geoplan.rolls import follow_links, rolls_from
from geoplan.spare_places import compare_recuts, recut, share_out

SIZES = st.integers(5, 120)


@st.composite
def constant_rolls(draw) -> tuple[pd.DataFrame, int]:
    """Schools whose year groups never change: all of a school alike where ``flat``, else each its own size."""
    years = draw(st.integers(4, 9))
    rows = []
    for number in range(draw(st.integers(1, 5))):
        first, last = draw(st.sampled_from([(0, 6), (0, 2), (3, 6), (7, 11), (7, 13), (0, 11)]))
        sizes = [draw(SIZES) for _ in range(first, last + 1)]
        rows += [
            (f"s{number}", year, year_group_of(stage), size)
            for year in range(2026 - years, 2026)
            for stage, size in zip(range(first, last + 1), sizes, strict=True)
        ]
    return pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]), years


@settings(max_examples=20, deadline=None)
@given(constant_rolls())
def test_constant_rolls_forecast_constant(made):
    table, _ = made
    rolls = rolls_from(table)
    history = history_of(rolls, {place: str(number % 2) for number, place in enumerate(rolls.places)})
    for name, method in usable_methods(history).items():
        ahead = method(history, 7)
        assert np.array_equal(np.isfinite(ahead[:, 0]), history.taught), name
        for year in range(7):
            assert np.allclose(ahead[:, year][history.taught], rolls.pupils[:, -1][history.taught], rtol=1e-9), name
    made = forecast(history, rolls.places, years=2)
    assert np.allclose(made.pupils[:, 1][history.taught], rolls.pupils[:, -1][history.taught], rtol=1e-9)
    assert made.known_error["mape"].max() < 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SIZES, st.floats(0.3, 0.95)), min_size=1, max_size=5), st.integers(4, 8))
def test_constant_registers_and_rolls_that_are_a_share_of_them_forecast_constant_by_uptake(places, years):
    rows, doctors = [], []
    for number, (size, share) in enumerate(places):
        for year in range(2026 - years, 2026):
            doctors += [(f"s{number}", year, age, float(size)) for age in range(19)]
            rows += [(f"s{number}", year, year_group_of(stage), size * share) for stage in range(7)]
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    register = pd.DataFrame(doctors, columns=["area", "year", "age", "children"])
    own = children_by_place(register, {place: place for place in rolls.places}, rolls.places, rolls.years)
    history = history_of(rolls, children=dict.fromkeys(("catchment", "cluster", "city"), own))
    for name in METHODS:
        if name.startswith("uptake"):
            assert np.allclose(METHODS[name](history, 7), rolls.pupils[:, -1][:, None], rtol=1e-9), name


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.randoms(use_true_random=False))
def test_raked_totals_are_met_exactly_and_every_change_is_reported(areas, ages, random):
    index = pd.MultiIndex.from_product([[f"a{n}" for n in range(areas)], range(ages)], names=["area", "age"])
    table = pd.Series([random.uniform(1, 80) for _ in index], index=index)
    by_age = pd.Series({age: random.uniform(10, 300) for age in range(ages)})
    wanted = pd.Series({f"a{n}": random.uniform(1, 5) for n in range(areas)})
    by_area = wanted * by_age.sum() / wanted.sum()
    found = constrain(table, by_age=by_age, by_area=by_area)
    assert np.allclose(found.children.groupby("age").sum(), by_age, rtol=1e-8)
    assert np.allclose(found.children.groupby("area").sum(), by_area, rtol=1e-8)
    assert np.allclose(found.adjustments["before"] * found.adjustments["factor"], found.adjustments["after"])
    again, gap = rake_table(found.children, [by_age.rename_axis("age"), by_area.rename_axis("area")])
    assert np.allclose(again, found.children, rtol=1e-6) and gap < 1e-6 * by_age.sum()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "2", "3", ""]), min_size=1, max_size=12),
    st.lists(st.sampled_from(["1", "2", "3", "4", ""]), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_another_plan_loses_no_child(one, other, random):
    areas = [f"E{number}" for number in range(max(len(one), len(other)) + 1)]
    plans = [
        plan_from_pairs(pd.DataFrame({"area": areas[: len(schools)], "school": schools}), "lsoa21")
        for schools in (one, other)
    ]
    children = pd.DataFrame(
        [(area, year, age, random.uniform(0, 60)) for area in areas for year in (2026, 2027) for age in (4, 11)],
        columns=["area", "year", "age", "children"],
    )
    before, after = (recut(children, plan) for plan in plans)
    for cut in (before, after):
        assert cut.groupby(["year", "age"])["children"].sum().tolist() == pytest.approx(
            children.groupby(["year", "age"])["children"].sum().tolist(), rel=1e-12
        )
    assert compare_recuts(before, after, 7).groupby("year")["change"].sum().abs().max() < 1e-9
    assert compare_recuts(before, before, 0)["change"].abs().max() == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("XYZ"), st.sampled_from(["a", "b", "c", "d"]), st.floats(0.1, 5)), max_size=10)
)
def test_sharing_out_loses_no_child(parts):
    shares = pd.DataFrame(parts, columns=["large", "small", "share"]).groupby(["large", "small"], as_index=False).sum()
    shares["share"] = shares["share"] / shares.groupby("large")["share"].transform("sum")
    children = pd.DataFrame({"area": list("XYZ"), "year": 2025, "age": 4, "children": [10.0, 20.0, 30.0]})
    spread, left = share_out(children, shares)
    assert spread["children"].sum() == pytest.approx(60)
    known = set(shares["large"])
    assert left == pytest.approx(children.loc[~children["area"].isin(known), "children"].sum())


@settings(max_examples=40, deadline=None)
@given(constant_rolls(), st.permutations(range(5)))
def test_following_links_loses_no_pupil_and_the_order_of_rows_is_nothing(made, order):
    table, _ = made
    half = table["year"] < 2024
    old = table.assign(school=table["school"].where(~half, table["school"] + "old"))
    links = pd.DataFrame(
        {"school": table["school"].unique(), "linked": table["school"].unique() + "old", "link_type": "Predecessor"}
    )
    joined, account = follow_links(old, links)
    assert joined["pupils"].sum() == table["pupils"].sum()
    assert set(joined["school"]) == set(table["school"]) and set(account["how"]) <= {"joined"}
    shuffled = joined.iloc[np.argsort([order[n % 5] for n in range(len(joined))], kind="stable")]
    assert rolls_from(shuffled).table.equals(rolls_from(table).table)
