"""What choices for outside are made from: spread evenly, in agreement with what is printed, and near the exact ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import CODES, make_boundaries, make_directory, make_people, make_segments
from hypothesis import given
from hypothesis import strategies as st

from geoplan.assignment import assign
from geoplan.choices import addresses, agreed, area_kind, filled, gathered, spread
from geoplan.disclosure import PUBLIC, Protected
from geoplan.placement_tables import _by_area
from geoplan.placements import (
    best_sites,
    compare_plan,
    count_by_distance,
    distance_bands,
    fit_reach_margins,
    fit_reach_model,
    nearness,
)
from geoplan.service_reach import reach

PLACES = addresses(make_directory(None), [make_boundaries()], make_segments())


def test_addresses_are_placed_as_people_are_and_know_which_ended():
    assert len(PLACES) == 27
    assert PLACES["lsoa21"].value_counts().eq(3).all()
    assert PLACES["segment"].value_counts().to_dict() == {"1": 9, "2": 9, "3": 9}
    assert (~PLACES["live"]).sum() == 2  # I2 is of a large user, I3 ended


def test_people_are_spread_over_live_postcodes_and_over_ended_ones_where_no_other_is():
    people = pd.Series({CODES["A"]: 30.0, CODES["I"]: 8.0}).rename_axis("lsoa21")
    found = spread(people, PLACES)
    assert found["base"].tolist() == [10, 10, 10, 8]
    ended = PLACES.assign(live=PLACES["live"] & (PLACES["lsoa21"] != CODES["I"]))
    assert spread(people, ended)["base"].tolist()[3:] == pytest.approx([8 / 3] * 3)
    together = spread(people, PLACES, by=["segment"])
    assert together["base"].tolist() == [30, 8]
    assert together["easting"].tolist()[0] == PLACES.loc[PLACES["lsoa21"] == CODES["A"], "easting"].mean()


def test_the_finest_kind_with_enough_people_is_taken():
    assert area_kind(PLACES, ["lsoa21"], 5, PUBLIC) == "lsoa21"
    assert area_kind(PLACES.assign(oa21=range(27)), ["oa21", "lsoa21"], 27 * 20, PUBLIC) == "oa21"
    assert area_kind(PLACES.assign(oa21=range(27)), ["oa21", "lsoa21"], 27 * 20 - 1, PUBLIC) == "lsoa21"
    assert area_kind(PLACES, [], 500, PUBLIC) == ""


def test_a_hidden_number_is_the_same_whatever_it_was():
    table = pd.DataFrame({"base_count": [40.0, np.nan]}, index=["a", "b"])
    assert filled(Protected(table, table.isna()), "base_count").tolist() == [40, 5]


@given(st.lists(st.floats(0.1, 50), min_size=6, max_size=6), st.lists(st.integers(0, 40), min_size=2, max_size=2))
def test_people_agree_with_printed_sums_that_can_be_met(base, totals):
    first = np.array([True, True, True, False, False, False])
    found = agreed(np.array(base), [(first, totals[0]), (~first, totals[1]), (first, np.nan)])
    assert found[first].sum() == pytest.approx(totals[0])
    assert found[~first].sum() == pytest.approx(totals[1])
    both = agreed(found, [(first, totals[0])])
    assert both == pytest.approx(found)


def test_places_put_together_are_at_the_mean_of_their_people():
    cells = PLACES.assign(base=np.arange(27.0))
    found = gathered(cells, ["segment"]).set_index("segment")
    own = cells[cells["segment"] == "2"]
    assert found.at["2", "base"] == own["base"].sum()
    assert found.at["2", "northing"] == pytest.approx((own["northing"] * own["base"]).sum() / own["base"].sum())


def test_who_lives_outside_what_is_drawn_is_elsewhere_as_in_a_reach_by_area():
    homes = ["TN1 1AA"] * 3 + ["TN1 5AA"] * 2 + ["TN9 9ZZ"]
    people = assign(make_people(homes), make_directory(), [make_boundaries()], make_segments())
    counts = reach(people, people, "all", "pupils", ["segment", "lsoa21"], areas=[make_boundaries(letters="ABC")])
    found = _by_area(people, "segment", "lsoa21", [make_boundaries(letters="ABC")])
    assert found.to_dict() == {CODES["A"]: 3, "elsewhere": 2}
    placed = counts.base.drop("not placed", level="segment").groupby(level="lsoa21").sum()
    assert placed[placed > 0].to_dict() == found.to_dict()


# --- the model fitted to what is printed ------------------------------------------------------------------

RNG = np.random.default_rng(11)
CELLS = pd.DataFrame(
    {
        "segment": RNG.choice(list("abc"), 400),
        "easting": RNG.uniform(0, 12_000, 400),
        "northing": RNG.uniform(0, 12_000, 400),
        "base": RNG.integers(20, 200, 400),
    }
)
SITES = pd.DataFrame({"easting": [3000.0, 9000], "northing": [4000.0, 8000], "hours": [1.0, 2.0]})
LEVELS = {"a": -1.5, "b": -1.0, "c": -2.5}


def drawn(seed: int, per_km: float = 0.4) -> pd.DataFrame:
    km = np.hypot(*(CELLS[[name]].to_numpy() - SITES[name].to_numpy() for name in ("easting", "northing"))) / 1000
    odds = np.exp(CELLS["segment"].map(LEVELS)) * (SITES["hours"].to_numpy() * np.exp(-per_km * km)).sum(axis=1)
    return CELLS.assign(users=np.random.default_rng(seed).binomial(CELLS["base"], odds / (1 + odds)))


def margins(cells: pd.DataFrame, step: int = 5):
    seen = (cells.groupby("segment")["users"].sum() / step).round() * step
    near = nearness(cells, SITES)[0]
    groups = np.array([f"group {number}" for number in np.digitize(near, np.quantile(near, np.arange(0.1, 1, 0.1)))])
    told = (cells["users"].groupby(groups).sum() / step).round() * step
    return fit_reach_margins(cells, SITES, seen, told, None, step, groups)


def test_a_known_falling_off_is_recovered_from_what_is_printed_within_its_interval():
    held = []
    for seed in range(40):
        low, high = margins(drawn(seed)).per_km_interval
        held.append(low <= 0.4 <= high)
    assert np.mean(held) >= 0.925


def test_the_fit_from_what_is_printed_is_near_the_exact_one_and_less_sure():
    cells = drawn(3)
    exact, printed = fit_reach_model(cells, SITES), margins(cells)
    assert printed.per_km == pytest.approx(exact.per_km, abs=0.05)
    wide, narrow = (each.per_km_interval[1] - each.per_km_interval[0] for each in (printed, exact))
    assert 0.9 * narrow < wide < 3 * narrow
    after = SITES.assign(easting=[6000.0, 9000])
    one, two = (compare_plan(each, cells, SITES, after, draws=200).table for each in (exact, printed))
    assert two["ratio"].to_numpy() == pytest.approx(one["ratio"].to_numpy(), abs=0.02)


def test_each_segments_printed_users_are_reproduced_and_the_bands_add_up():
    cells, seen = drawn(5), pd.Series({"a": 1000.0, "b": 2000.0, "c": 0.0})
    model = fit_reach_margins(cells, SITES, seen, count_by_distance(cells, SITES)["seen"])
    expected = pd.Series(cells["base"] * model.rates(cells, SITES)).groupby(cells["segment"]).sum()
    assert expected.tolist() == pytest.approx(seen.tolist())
    assert model.levels["c"] == -np.inf
    assert model.fit["expected"].sum() == pytest.approx(3000)
    assert set(distance_bands(cells, SITES)) <= set(model.fit.index)
    stated = fit_reach_margins(cells, SITES, pd.Series({"all": 3000.0}), None, 0.4)
    assert stated.levels.nunique() == 1
    assert not stated.fitted
    assert compare_plan(stated, cells, SITES, SITES, draws=50).table.to_numpy() == pytest.approx(1)


def test_a_falling_off_without_users_by_distance_is_refused():
    with pytest.raises(ValueError, match="state it"):
        fit_reach_margins(drawn(1), SITES, pd.Series({"a": 100.0}))
    with pytest.raises(ValueError, match="there are none"):
        fit_reach_margins(drawn(1), SITES, pd.Series({"a": 0.0}), per_km=0.4)


def test_places_that_the_same_sites_cover_are_one_to_the_solver():
    cells = CELLS.assign(weight=CELLS["base"])
    offered = pd.DataFrame(RNG.uniform(0, 12_000, (7, 2)), columns=["easting", "northing"], index=list("stuvwxy"))
    found = best_sites(cells, offered, 3, within_km=2.5)
    assert found.proven
    assert len(found.nearest) == len(cells)
