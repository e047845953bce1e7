"""Placements: the model recovers what made the data, a plan changes what it should, the best sites are the best."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from geoplan.distances import straight_line_table_m
from geoplan.errors import UnknownCodeError
from geoplan.placements import (
    ReachModel,
    best_sites,
    compare_mailing,
    compare_plan,
    fit_choice_model,
    fit_reach_model,
)

RNG = np.random.default_rng(3)
CELLS = pd.DataFrame(
    {
        "segment": RNG.choice(list("abc"), 200),
        "easting": RNG.uniform(0, 20_000, 200),
        "northing": RNG.uniform(0, 20_000, 200),
        "base": RNG.integers(50, 400, 200),
    }
)
SITES = pd.DataFrame(
    {"easting": [3000.0, 15_000, 9000], "northing": [4000.0, 12_000, 18_000], "hours": [1.0, 2, 1]}, index=list("xyz")
)
TRUE = ReachModel(pd.Series({"a": -2.0, "b": -1.5, "c": -3.0}), 0.3, True, np.eye(4), 1.0, (0, 0), pd.DataFrame())


def drawn(seed: int = 0) -> pd.DataFrame:
    users = np.random.default_rng(seed).binomial(CELLS["base"], TRUE.rates(CELLS, SITES))
    return CELLS.assign(users=users)


def test_a_known_falling_off_is_recovered_within_its_interval():
    held = []
    for seed in range(60):
        low, high = fit_reach_model(drawn(seed), SITES).per_km_interval
        held.append(low <= 0.3 <= high)
    assert np.mean(held) >= 0.9


def test_each_segments_users_are_reproduced_and_the_fit_adds_up():
    cells = drawn()
    model = fit_reach_model(cells, SITES)
    expected = pd.Series(cells["base"] * model.rates(cells, SITES)).groupby(cells["segment"]).sum()
    assert np.allclose(expected, cells.groupby("segment")["users"].sum(), rtol=1e-6)
    assert model.fit["seen"].sum() == cells["users"].sum()
    assert model.fit["expected"].sum() == pytest.approx(cells["users"].sum(), rel=1e-6)
    assert 0 < model.explained[1] <= model.explained[0] <= 1
    assert "falls by 2" in model.sentence


def test_a_stated_falling_off_is_kept_and_said():
    model = fit_reach_model(drawn(), SITES, per_km=0.5)
    assert model.per_km == 0.5
    assert model.per_km_interval == (0.5, 0.5)
    assert "stated, not fitted" in model.sentence
    plan = compare_plan(model, drawn(), SITES, SITES)
    assert plan.table.to_numpy() == pytest.approx(1)


def test_no_effect_of_distance_is_said():
    cells = CELLS.assign(users=np.random.default_rng(8).binomial(CELLS["base"], 0.1))
    model = fit_reach_model(cells, SITES.assign(hours=1.0))
    low, _ = model.per_km_interval
    assert low < 0.02


def test_the_same_plan_changes_nothing_and_twice_the_hours_nearly_double_a_rare_use():
    cells = drawn().assign(users=lambda table: table["users"] // 20)
    model = fit_reach_model(cells, SITES)
    same = compare_plan(model, cells, SITES, SITES)
    assert same.table.to_numpy() == pytest.approx(1)
    double = compare_plan(model, cells, SITES, SITES.assign(hours=2 * SITES["hours"]))
    assert 1.9 < double.table.loc["all", "ratio"] < 2


def test_a_plan_does_what_the_formula_says_and_its_interval_holds_the_truth():
    cells, after = drawn(), SITES.assign(easting=[12_000.0, 15_000, 9000])
    model = fit_reach_model(cells, SITES)
    plan = compare_plan(model, cells, SITES, after)
    by_hand = cells["base"] * model.rates(cells, after)
    assert plan.expected.loc["all", "after"] == pytest.approx(by_hand.sum())
    truth = (cells["base"] * TRUE.rates(cells, after)).sum() / (cells["base"] * TRUE.rates(cells, SITES)).sum()
    row = plan.table.loc["all"]
    assert row["low"] <= truth <= row["high"]
    assert row["low"] < row["ratio"] < row["high"]


def test_a_mailing_lifts_the_segments_written_to_and_no_others():
    cells = drawn()
    plan = compare_plan(fit_reach_model(cells, SITES), cells, SITES, SITES, {"c": 1.5}).table
    assert plan.loc[["a", "b"], "ratio"].to_numpy() == pytest.approx(1)
    assert 1.3 < plan.loc["c", "ratio"] < 1.5


def test_a_mailing_alone_multiplies_the_odds_of_its_segments_wherever_the_sites_are():
    cells = drawn()
    plan = compare_mailing(cells, {"c": 1.5})
    by_segment = cells.groupby("segment")[["users", "base"]].sum()
    rate = by_segment.loc["c", "users"] / by_segment.loc["c", "base"]
    odds = 1.5 * rate / (1 - rate)
    assert plan.table.loc["c", "ratio"] == pytest.approx(odds / (1 + odds) / rate, rel=1e-4)
    assert plan.table.loc[["a", "b"], "ratio"].to_numpy() == pytest.approx(1)
    assert plan.expected["before"].loc[["a", "b", "c"]].to_numpy() == pytest.approx(by_segment["users"].to_numpy())


def test_a_segment_without_users_stays_without_and_one_that_all_use_does_no_harm():
    cells = drawn()
    cells["users"] = cells["users"].where(cells["segment"] != "c", 0)
    model = fit_reach_model(cells, SITES)
    assert model.levels["c"] == -np.inf
    assert compare_plan(model, cells, SITES, SITES).expected.loc["c", "after"] == 0
    everybody = cells.assign(users=cells["base"].where(cells["segment"] == "a", cells["users"]))
    assert fit_reach_model(everybody, SITES).fit["seen"].sum() == everybody["users"].sum()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"users": 0}, "there are none"),
        ({"base": 0}, "there are none"),
        ({"users": 10_000}, "more users than people"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        fit_reach_model(drawn().assign(**change), SITES)
    with pytest.raises(ValueError, match="at least one site"):
        fit_reach_model(drawn(), SITES.iloc[:0])


# --- the best sites -------------------------------------------------------------------------------------

CANDIDATES = pd.DataFrame(
    {"easting": RNG.uniform(0, 20_000, 11), "northing": RNG.uniform(0, 20_000, 11)},
    index=[f"s{i:02d}" for i in range(11)],
)
PLACES = CELLS.assign(weight=CELLS["base"])
KM = straight_line_table_m(PLACES["easting"], PLACES["northing"], CANDIDATES["easting"], CANDIDATES["northing"]) / 1000


@pytest.mark.parametrize("pairs", [11, 4])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_p_median_is_the_best_of_all_choices(count, pairs):
    gain = PLACES["weight"].to_numpy()[:, None] * np.exp(-0.4 * KM)
    best = max(gain[:, list(chosen)].max(axis=1).sum() for chosen in itertools.combinations(range(11), count))
    found = best_sites(PLACES, CANDIDATES, count, per_km=0.4, most_pairs=pairs)
    assert len(found.sites) == count
    assert found.bound >= best - 1e-6
    assert found.value <= best + 1e-6
    if pairs == 11:
        assert found.proven
        assert found.value == pytest.approx(best)


@pytest.mark.parametrize("count", [1, 3])
def test_maximal_covering_is_the_best_of_all_choices(count):
    near = PLACES["weight"].to_numpy()[:, None] * (KM <= 4)
    best = max(near[:, list(chosen)].max(axis=1).sum() for chosen in itertools.combinations(range(11), count))
    found = best_sites(PLACES, CANDIDATES, count, within_km=4)
    assert found.proven
    assert found.value == pytest.approx(best)
    assert (found.nearest == "").sum() == (KM[:, [list(CANDIDATES.index).index(s) for s in found.sites]].min(axis=1) > 4).sum()  # fmt: skip  # noqa: E501


def test_fixed_sites_stay():
    free = best_sites(PLACES, CANDIDATES, 2, per_km=0.4)
    worst = next(code for code in CANDIDATES.index if code not in free.sites)
    held = best_sites(PLACES, CANDIDATES, 2, per_km=0.4, fixed=[worst])
    assert worst in held.sites
    assert held.value <= free.value


def test_what_cannot_be_placed_is_refused():
    with pytest.raises(ValueError, match="one of them"):
        best_sites(PLACES, CANDIDATES, 2)
    with pytest.raises(ValueError, match="cannot choose 12"):
        best_sites(PLACES, CANDIDATES, 12, per_km=1)
    with pytest.raises(UnknownCodeError):
        best_sites(PLACES, CANDIDATES, 2, per_km=1, fixed=["nowhere"])


# --- choice between sites -------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", ["exponential", "power"])
def test_the_choice_model_reproduces_sites_and_moves_as_it_says(curve):
    rng = np.random.default_rng(4)
    places = CELLS[["segment", "easting", "northing"]]
    sites = SITES[["easting", "northing"]]
    km = straight_line_table_m(places["easting"], places["northing"], sites["easting"], sites["northing"]) / 1000
    far = km if curve == "exponential" else np.log(km + 0.5)
    slope = places["segment"].map({"a": 0.5, "b": 0.8, "c": 1.1}).to_numpy()[:, None]
    pull = np.exp(np.array([0.5, 0.0, -0.5]) - slope * far)
    share = pull / pull.sum(axis=1, keepdims=True)
    flows = pd.DataFrame([rng.multinomial(500, row) for row in share], places.index, sites.index)
    model = fit_choice_model(flows, places, sites, curve)
    assert model.slopes.to_dict() == pytest.approx({"a": 0.5, "b": 0.8, "c": 1.1}, abs=0.06)
    expected = model.shares(places, sites).mul(flows.sum(axis=1), axis=0)
    assert np.allclose(expected.sum(), flows.sum(), rtol=1e-3)
    moved = sites.copy()
    moved.loc["x", "easting"] += 5000
    odds = pull.copy()
    new = straight_line_table_m(places["easting"], places["northing"], moved["easting"], moved["northing"]) / 1000
    new = new if curve == "exponential" else np.log(new + 0.5)
    odds *= np.exp(-slope * (new - far))
    truth = 500 * (odds / odds.sum(axis=1, keepdims=True)).sum(axis=0)
    assert np.allclose(model.shares(places, moved).mul(500).sum(), truth, rtol=0.03)
    assert 0.9 < model.agreement <= 1
    with pytest.raises(UnknownCodeError):
        model.shares(places, sites.rename(index={"x": "new"}))
