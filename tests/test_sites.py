"""Sites: what each could reach, against counting by hand, and how firm a ranking is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.errors import UnknownCodeError
from geoplan.new_school_books import protect_sites, scored_values
from geoplan.sites import (
    GUIDE,
    MORE_PLACED,
    NEARER,
    REACH,
    Criterion,
    best_of,
    measure_sites,
    rank_sites,
)


@pytest.fixture
def town():
    rng = np.random.default_rng(11)
    homes = pd.DataFrame(rng.uniform(0, 6000, (300, 2)), columns=["easting", "northing"])
    homes["children"] = rng.integers(1, 6, 300)
    schools = pd.DataFrame({"easting": [500.0, 3000, 5500], "northing": [500.0, 3000, 5500], "places": [200, 150, 250]},
                           index=["a", "b", "c"])  # fmt: skip
    sites = pd.DataFrame(
        {"easting": [900.0, 5000, 3100], "northing": [5000.0, 900, 3100]}, index=["west", "east", "middle"]
    )
    return sites, homes, schools


def test_reach_and_nearer_are_as_counted_by_hand(town):
    sites, homes, schools = town
    table, moved = measure_sites(sites, homes, schools, 1500, 210)
    for site, place in sites.iterrows():
        far = np.hypot(homes["easting"] - place["easting"], homes["northing"] - place["northing"])
        now = np.min([np.hypot(homes["easting"] - s["easting"], homes["northing"] - s["northing"]) for _, s in
                      schools.iterrows()], axis=0)  # fmt: skip
        assert table.at[site, REACH] == homes.loc[far <= 1500, "children"].sum()
        assert table.at[site, NEARER] == homes.loc[far < now, "children"].sum()
        assert moved.loc[site].sum() == table.at[site, NEARER]


def test_more_placed_is_never_more_than_the_places_or_the_reach(town):
    sites, homes, schools = town
    table, _ = measure_sites(sites, homes, schools, 1500, 40)
    assert (table[MORE_PLACED] <= 40).all()
    assert (table[MORE_PLACED] <= table[REACH]).all()
    full = measure_sites(sites, homes, schools.assign(places=10_000), 9000, 40)[0]
    assert (full[MORE_PLACED] == 0).all()


def test_the_two_best_sites_together_are_those_of_trying_all_pairs(town):
    sites, homes, _ = town
    found = best_of(sites, homes, 1500, 2)

    def reached(pair):
        within = np.zeros(len(homes), dtype=bool)
        for code in pair:
            within |= (
                np.hypot(homes["easting"] - sites.at[code, "easting"], homes["northing"] - sites.at[code, "northing"])
                <= 1500
            )
        return homes.loc[within, "children"].sum()

    pairs = [("west", "east"), ("west", "middle"), ("east", "middle")]
    assert found.value == max(map(reached, pairs))
    assert found.proven


def test_scores_are_weighted_means_on_stated_scales():
    values = pd.DataFrame({"size": [2.0, 5.0], "cost": [10.0, 4.0]}, index=["A", "B"])
    ranking = rank_sites(
        values, [Criterion("size", 3, worst=0, best=4), Criterion("cost", 1, "less", worst=10, best=0)]
    )
    assert ranking.scores.loc["A", ["size", "cost", "score"]].tolist() == [0.5, 0.0, 0.375]
    assert ranking.scores.loc["B", "size"] == 1.0  # beyond the best counts as the best
    assert ranking.scores.index[0] == "B"


def test_a_dominated_site_is_never_first_and_is_said():
    values = pd.DataFrame({"size": [2.0, 3.0, 1.0], "cost": [5.0, 5.0, 1.0]}, index=list("ABC"))
    ranking = rank_sites(values, [Criterion("size", 1), Criterion("cost", 1, "less")])
    assert ranking.first.loc["A", "dominated"]
    assert ranking.first.loc["A", "any"] == 0
    assert ranking.first["any"].sum() == pytest.approx(1)


def test_the_weight_at_which_the_first_place_changes_is_where_two_are_equal():
    values = pd.DataFrame({"x": [1.0, 0.0], "y": [0.0, 1.0]}, index=["A", "B"])
    criteria = [Criterion("x", 3, worst=0, best=1), Criterion("y", 1, worst=0, best=1)]
    switches = rank_sites(values, criteria).switches
    assert switches.at["x", "at"] == pytest.approx(0.5)
    assert switches.at["x", "then"] == "B"
    again = rank_sites(values, [Criterion("x", 0.49, worst=0, best=1), Criterion("y", 0.51, worst=0, best=1)])
    assert again.scores.index[0] == "B"


def test_equal_sites_share_the_first_place_whatever_their_order():
    values = pd.DataFrame({"x": [1.0, 1.0]}, index=["A", "B"])
    assert rank_sites(values, [Criterion("x", 1)]).first["varied"].tolist() == [0.5, 0.5]


def test_brents_criteria_can_all_be_asked():
    """Size, location, loss of priority, accessibility, impact on the community, availability and cost."""
    rng = np.random.default_rng(2)
    values = pd.DataFrame(rng.uniform(0, 10, (3, len(GUIDE))), columns=list(GUIDE), index=["1", "2", "3"])
    ranking = rank_sites(values, [Criterion(name, 1) for name in GUIDE])
    assert len(ranking.scores) == 3
    assert "stays first in" in ranking.sentence


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ([Criterion("noise", 1)], "no column for noise"),
        ([Criterion("size", 1), Criterion("cost", 1)], "no value for B: cost"),
    ],
)
def test_missing_values_are_named(criteria, words):
    values = pd.DataFrame({"size": [1.0, 2.0], "cost": [3.0, np.nan]}, index=["A", "B"])
    with pytest.raises(UnknownCodeError, match=words):
        rank_sites(values, criteria)


def test_a_weight_of_nothing_and_a_flat_scale_are_refused():
    values = pd.DataFrame({"size": [1.0, 2.0]}, index=["A", "B"])
    with pytest.raises(ValueError, match="weight above 0"):
        rank_sites(values, [Criterion("size", 0)])
    with pytest.raises(ValueError, match="the same"):
        rank_sites(values, [Criterion("size", 1, worst=2, best=2)])


def test_counts_of_children_are_protected_before_they_are_scored():
    measures = pd.DataFrame({REACH: [203, 4]}, index=pd.Index(["A", "B"], name="site"))
    flows = pd.DataFrame({"s": [40, 3]}, index=pd.Index(["A", "B"], name="site")).rename_axis(columns="school")
    tables = protect_sites(measures, flows, "primary pupils, within 1 mile")
    assert tables.measures.table.loc["A", REACH] == 205
    assert tables.measures.hidden.loc["B", REACH]
    scored = scored_values(pd.DataFrame({"size": [1.0, 2.0]}, index=["A", "B"]), tables)
    assert scored[REACH].tolist() == [205, 0]
