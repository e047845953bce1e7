"""Methods that need more than rolls: flows, moving, births by area. Known truth is found again, nobody is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cities import PROPENSITY, register
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.rolls import flows_intake

from geoplan.backtests import backtest
from geoplan.flows import INDEPENDENT, INTO, KINDS, OUT, Crossings
from geoplan.forecast_methods import (
    FLOW_METHODS,
    METHODS,
    children_by_place,
    flow_forecast,
    history_of,
    moving_rates,
    usable_methods,
)
from geoplan.groundwork import FLOWS, MOVING, groundwork_of, told_of_totals
from geoplan.rolls import rolls_from

LAST, MEAN = FLOW_METHODS
SHARES = (0.06, 0.10)  # independent, out
IN = 40.0
PARTS = {"a": 0.5, "b": 0.3, "c": 0.2}
YEARS = range(2016, 2026)


def border_city(seed: int = 4, independent=None):
    """A city of one secondary intake with known flows: residents x (1 - 6% - 10%) + 40, in fixed parts; exact."""
    rng = np.random.default_rng(seed)
    born = rng.uniform(300, 500, 40)
    ages = np.array([[born[year - age - 1990] for age in range(19)] for year in YEARS])
    first = np.full(len(YEARS), SHARES[0]) if independent is None else np.asarray(independent)
    total = ages[:, 11] * (1 - first - SHARES[1]) + IN
    table = pd.DataFrame(
        [(school, year, "7", part * total[at]) for school, part in PARTS.items() for at, year in enumerate(YEARS)],
        columns=["school", "year", "year_group", "pupils"],
    )
    rolls = rolls_from(table)
    flows = np.zeros((3, len(YEARS), 1, 3))
    flows[..., KINDS.index(INDEPENDENT)] = (first * ages[:, 11])[None, :, None]
    flows[..., KINDS.index(OUT)] = (SHARES[1] * ages[:, 11])[None, :, None]
    flows[..., KINDS.index(INTO)] = IN
    children = np.repeat(ages[None], 3, axis=0)
    return rolls, ages, history_of(rolls, children={"city": children}, flows=Crossings(flows, "city"))


def test_known_flows_are_found_again_and_the_intake_is_residents_less_them():
    _rolls, ages, history = border_city()
    found = flow_forecast(history, 0, 7, 1)
    assert found.shares[0] == pytest.approx(SHARES, rel=1e-12) and found.into[0] == pytest.approx(IN)
    assert found.kept[0] == pytest.approx(1, rel=1e-12)
    for name in FLOW_METHODS:
        ahead = METHODS[name](history, 7)[:, :, 0]
        for years in range(1, 8):
            wanted = ages[-1, 11 - years] * (1 - sum(SHARES)) + IN
            assert ahead[:, years - 1] == pytest.approx([part * wanted for part in PARTS.values()], rel=1e-12)
            assert ahead[:, years - 1].sum() == pytest.approx(wanted)


def test_the_last_year_follows_a_change_at_once_and_the_mean_of_three_in_part():
    shares = [0.06] * 9 + [0.03]
    _, ages, history = border_city(independent=shares)
    last, mean = (flow_forecast(history, 0, 1, FLOW_METHODS[name]) for name in (LAST, MEAN))
    assert last.shares[0, 0] == pytest.approx(0.03) and mean.shares[0, 0] == pytest.approx(0.05)
    assert METHODS[LAST](history, 1).sum() == pytest.approx(ages[-1, 10] * (1 - 0.03 - 0.1) + IN)
    assert history.years[np.flatnonzero(last.used[0])[0]] == 2025 and mean.used[0].sum() == 3


def test_as_the_slow_twin_says():
    rng = np.random.default_rng(3)
    _, ages, history = border_city()
    noisy = replace(history, pupils=history.pupils * rng.uniform(0.9, 1.1, history.pupils.shape))
    for last, name in ((1, LAST), (3, MEAN)):
        known = [
            {"live": ages[at, 11], "independent": SHARES[0] * ages[at, 11], "out": SHARES[1] * ages[at, 11], "in": IN,
             "intakes": dict(zip(PARTS, noisy.pupils[:, at, 0], strict=True))}
            for at in range(len(YEARS))
        ]  # fmt: skip
        ahead = METHODS[name](noisy, 3)
        for years in (1, 2, 3):
            wanted = flows_intake(known, ages[-1, 11 - years], last)
            assert dict(zip(PARTS, ahead[:, years - 1, 0], strict=True)) == pytest.approx(wanted, rel=1e-9)


def test_nothing_later_than_the_origin_is_used():
    _, _, history = border_city(independent=[0.06] * 9 + [0.03])
    then = history.until(2024)
    assert then.flows.pupils.shape[1] == 9
    assert flow_forecast(then, 0, 1, 1).shares[0, 0] == pytest.approx(0.06)


def test_a_year_without_flows_is_stepped_over_and_none_at_all_falls_back():
    _, _ages, history = border_city()
    gap = np.array(history.flows.pupils)
    gap[:, -1] = np.nan
    found = flow_forecast(replace(history, flows=Crossings(gap, "city")), 0, 1, 1)
    assert history.years[np.flatnonzero(found.used[0])[0]] == 2024
    none = replace(history, flows=Crossings(np.full_like(gap, np.nan), "city"))
    assert METHODS[LAST](none, 1) == pytest.approx(METHODS["cohort survival"](none, 1))
    assert LAST not in usable_methods(replace(history, flows=None)) and LAST in usable_methods(history)


def test_the_back_test_scores_flows_beside_the_others_and_the_combination_takes_them():
    rolls, _, history = border_city()
    past = backtest(history, rolls.places, {"all": pd.Series("x", rolls.places)}, horizons=3)
    table = past.accuracy("all").reset_index()
    mine = table[table["method"].eq(LAST) & table["ahead"].le(3)]
    assert len(mine) and mine["mape"].max() < 1e-9
    assert any(LAST in names or MEAN in names for names in past.chosen["methods"])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(5, 200), min_size=1, max_size=6), st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0, 80),
    st.integers(0, 2),
)  # fmt: skip
def test_schools_add_up_to_the_place_and_constant_ones_stay_constant(sizes, independent, out, into, clusters):
    live = (sum(sizes)) / (1 - independent - out + 1e-9)
    names = [f"s{number}" for number in range(len(sizes))]
    rolls = rolls_from(pd.DataFrame([(name, year, "R", size) for name, size in zip(names, sizes, strict=True)
                                     for year in range(2021, 2026)],
                                    columns=["school", "year", "year_group", "pupils"]))  # fmt: skip
    shape = (len(names), 5)
    flows = np.stack([np.full(shape, independent * live), np.full(shape, out * live), np.full(shape, into)], axis=-1)
    history = history_of(
        rolls, {name: str(number % (clusters + 1)) for number, name in enumerate(names)},
        children={"city": np.full((*shape, 19), live)}, flows=Crossings(flows[:, :, None], "city"),
    )  # fmt: skip
    for name, last in FLOW_METHODS.items():
        ahead = METHODS[name](history, 4)[:, :, 0]
        found = flow_forecast(history, 0, 4, last)
        assert ahead.sum(axis=0) == pytest.approx(found.intake[0])
        if into <= sum(sizes):
            assert ahead == pytest.approx(np.repeat(rolls.pupils[:, -1], 4, axis=1), rel=1e-6)


def test_by_cluster_each_has_its_own_flows():
    _rolls, _, history = border_city()
    flows = np.array(history.flows.pupils)
    flows[2, ..., KINDS.index(INTO)] = 10.0
    children = np.array(history.children["city"])
    split = replace(history, clusters=np.array([0, 0, 1]), children={"cluster": children},
                    flows=Crossings(flows, "cluster"))  # fmt: skip
    found = flow_forecast(split, 0, 2, 1)
    assert found.into.tolist() == [IN, IN, 10.0]
    ahead = METHODS[LAST](split, 2)[:, :, 0]
    assert ahead[:2].sum(axis=0) == pytest.approx(found.intake[0]) and ahead[2] == pytest.approx(found.intake[2])


def test_what_flows_do_is_told_in_a_table_and_in_a_sentence():
    rolls, ages, history = border_city()
    past = backtest(history, rolls.places, {"all": pd.Series("x", rolls.places)}, horizons=3)
    names = {"city": pd.Series("Here", rolls.places)}
    table, said = groundwork_of(past, names, 3, step=1)
    mine = table[table["why"].str.startswith(FLOWS)]
    first = mine[mine["year"].eq(2026)].iloc[0]
    assert first["before"] == pytest.approx(ages[-1, 10])
    assert first["after"] == pytest.approx(ages[-1, 10] * (1 - sum(SHARES)) + IN)
    assert (first["independent_share"], first["out_share"], first["into"]) == pytest.approx((*SHARES, IN))
    assert any("6.0% independent, 10.0% out, 40 in" in each and "residents aged 11 in 2026/27" in each for each in said)
    assert any(each.startswith("The combination has") and "flows" in each for each in said)


# --- moving ----------------------------------------------------------------------------------------------------


def moving_city(**more):
    children, scale = register(areas=6, years=10)
    areas = sorted(children["area"].unique())
    table = children[children["age"].eq(4)].rename(columns={"area": "school", "children": "pupils"})
    rolls = rolls_from(table.assign(year_group="R", pupils=table["pupils"] * 0.8)[
        ["school", "year", "year_group", "pupils"]])  # fmt: skip
    own = children_by_place(children, {area: area for area in areas}, rolls.places, rolls.years)
    return rolls, children, scale, history_of(rolls, children={"catchment": own}, **more)


def test_children_who_move_are_counted_where_they_will_be():
    """With the known chart, scaled by each area's registers, the intake to come is exactly the one there will be."""
    chart = PROPENSITY.reindex(range(18)).to_numpy()
    rolls, children, scale, history = moving_city(moving=chart)
    rates = moving_rates(history, "catchment")
    assert rates[:, :4] == pytest.approx(scale.reindex(rolls.places).to_numpy()[:, None] * chart[:4], rel=1e-9)
    last = children["year"].max()
    then = history.until(last - 3)
    ahead = METHODS["uptake with moving, by catchment"](then, 3)[:, :, 0]
    came = history.pupils[:, -3:, 0]
    assert ahead == pytest.approx(came, rel=1e-9)
    stay = METHODS["uptake, age group, by catchment"](then, 3)[:, :, 0]
    assert np.abs(stay / came - 1).max() > 0.02


def test_without_a_chart_the_registers_say_one():
    rolls, _, scale, history = moving_city(moving=np.full(18, np.nan))
    found = moving_rates(history, "catchment")[:, 0]
    assert np.corrcoef(found, scale.reindex(rolls.places))[0, 1] < -0.99  # the chart's first rate is below 0
    assert "uptake with moving, by catchment" in usable_methods(history)
    assert not any("moving" in name for name in usable_methods(replace(history, moving=None)))
    past = backtest(history, rolls.places, {"all": pd.Series("x", rolls.places)}, horizons=2)
    table, said = groundwork_of(past, {"catchment": pd.Series(rolls.places, rolls.places)}, 2)
    assert set(table["why"]) == {MOVING} and len(table) == 6 * 2
    assert len(said) == 1


# --- births and feeders --------------------------------------------------------------------------------------


def test_births_of_the_catchment_are_used_where_they_are_known():
    table = pd.DataFrame([(school, year, "R", 30) for school in "ab" for year in range(2021, 2026)],
                         columns=["school", "year", "year_group", "pupils"])  # fmt: skip
    years = list(range(2015, 2024))
    whole = pd.DataFrame(100.0, index=["a", "b"], columns=years)
    own = pd.DataFrame(60.0, index=["a"], columns=years)
    own.loc["a", 2021:] = [66.0, 72.0, 54.0]
    history = history_of(rolls_from(table), births=whole, births_by={"catchment": own})
    ahead = METHODS["births lag, by catchment"](history, 3)[:, :, 0]
    assert ahead[0] == pytest.approx([33, 36, 27]) and ahead[1] == pytest.approx([30, 30, 30])
    assert METHODS["births lag"](history, 3)[0, :, 0] == pytest.approx([30, 30, 30])
    assert "births lag, by cluster" not in usable_methods(history)
    assert history.until(2022).births_by["catchment"].shape == (2, 7)


def test_totals_are_told_where_they_change_something():
    before = pd.DataFrame({"year": 2025, "age": [4, 5], "children": [110.0, 90.0]})
    told = told_of_totals(before, before.assign(children=[100.0, 90.0]), "Here", "a projection")
    assert told[["of", "before", "after", "words"]].values.tolist() == [["children of age 4", 110, 100, "a projection"]]
