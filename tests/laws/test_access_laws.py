"""Laws of ways to school and closures, on worlds that hypothesis makes up."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from plain import ways

from geoplan import access as access_module
from geoplan.access import CLOSEST_FIRST, LEAST_TOTAL, Reorganisation, allocate, reorganise
from geoplan.networks import build_network, walking_m
from geoplan.sources import Source
from geoplan.travel import by_straight_line, points_of

DRAWN = Source("drawn", publisher="nobody", invented=True)
spots = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda p: (p[0] * 100.0, p[1] * 100.0))


@st.composite
def networks(draw):
    pairs = draw(st.lists(st.tuples(spots, spots).filter(lambda p: p[0] != p[1]), min_size=1, max_size=25))
    return build_network(np.array([shapely.LineString(pair) for pair in pairs]), DRAWN)


@given(networks(), st.lists(spots, min_size=1, max_size=6), st.lists(spots, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_walk_is_never_shorter_than_the_straight_line(network, homes, schools):
    walks = walking_m(network, homes, schools).metres
    straight = np.linalg.norm(np.array(homes)[:, None] - np.array(schools)[None], axis=2)
    assert (np.isnan(walks) | (walks >= straight - 1e-6)).all()


@given(networks(), st.lists(spots, min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_walk_is_as_long_back(network, points):
    there = walking_m(network, points, points).metres
    np.testing.assert_allclose(there, there.T, atol=1e-6)


@given(networks())
@settings(max_examples=40, deadline=None)
def test_the_twin_agrees_between_junctions(network):
    import networkx as nx

    xy = np.column_stack([network.easting, network.northing])
    walks = walking_m(network, xy, xy[:2]).metres
    graph = ways.graph_of(network)
    for column in range(min(2, len(xy))):
        far = nx.single_source_dijkstra_path_length(graph, column, weight="metres")
        expected = np.array([far.get(i, np.nan) for i in range(len(xy))])
        known = ~np.isnan(expected)
        assert (walks[known, column] <= expected[known] + 1e-6).all()  # ways may cross a junction's point
        assert (np.isnan(walks[~known, column]) | (network.pieces > 1)).all()


costs = st.integers(1, 4).flatmap(
    lambda n: st.integers(1, 3).flatmap(
        lambda m: st.tuples(
            arrays(float, (n, m), elements=st.integers(1, 9).map(float)),
            arrays(int, n, elements=st.integers(0, 1)),
            arrays(float, m, elements=st.integers(0, 3).map(float)),
            arrays(float, (m, 2), elements=st.sampled_from([0.0, 1.0, 2.0, np.inf])),
            arrays(bool, (n, m)),
        )
    )
)


@given(costs)
@settings(max_examples=120, deadline=None)
def test_the_least_total_is_that_of_trying_everything(world):
    cost, year, total, by_year, closed = world
    cost = np.where(closed, np.inf, cost)
    choice = allocate(cost, year, total, by_year, LEAST_TOTAL)
    placed, spent = ways.best_allocation(cost, year, total, by_year)
    assert ways._fits(tuple(choice), cost, year, total, by_year)
    assert (choice >= 0).sum() == placed
    assert sum(cost[i, j] for i, j in enumerate(choice) if j >= 0) == spent


@given(costs)
@settings(max_examples=120, deadline=None)
def test_schools_that_are_not_offered_at_first_are_found_by_their_price(world):
    cost, year, total, by_year, closed = world
    cost = np.where(closed, np.inf, cost)
    with mock.patch.object(access_module, "_FIRST_SCHOOLS", 1):
        choice = allocate(cost, year, total, by_year, LEAST_TOTAL)
    placed, spent = ways.best_allocation(cost, year, total, by_year)
    assert (choice >= 0).sum() == placed
    assert sum(cost[i, j] for i, j in enumerate(choice) if j >= 0) == spent


@given(costs)
@settings(max_examples=120, deadline=None)
def test_closest_first_is_stable_and_within_room(world):
    cost, year, total, by_year, closed = world
    cost = np.where(closed, np.inf, cost)
    choice = allocate(cost, year, total, by_year, CLOSEST_FIRST)
    assert ways._fits(tuple(choice), cost, year, total, by_year)
    free = np.full_like(by_year, np.inf)
    assert ways.stable(allocate(cost, year, total, free, CLOSEST_FIRST), cost, total)


@st.composite
def places(draw):
    count = draw(st.integers(3, 6))
    at = draw(st.lists(spots, min_size=count, max_size=count))
    schools = pd.DataFrame(at, columns=["easting", "northing"], index=[f"S{i}" for i in range(count)])
    schools["name"], schools["places"] = (
        schools.index,
        draw(st.lists(st.integers(0, 12), min_size=count, max_size=count)),
    )
    number = draw(st.integers(4, 25))
    pupils = pd.DataFrame(draw(st.lists(spots, min_size=number, max_size=number)), columns=["easting", "northing"])
    pupils["school"] = [
        "S0",
        *draw(st.lists(st.sampled_from(list(schools.index)), min_size=number - 1, max_size=number - 1)),
    ]
    pupils["year_group"] = draw(st.lists(st.sampled_from(["R", "1"]), min_size=number, max_size=number))
    return schools, pupils


@given(places(), st.sampled_from([LEAST_TOTAL, CLOSEST_FIRST]))
@settings(max_examples=80, deadline=None)
def test_closing_a_school_loses_nobody_fills_nothing_over_and_shortens_nothing(world, rule):
    schools, pupils = world
    points, at = points_of(pupils)
    travel = by_straight_line(points, schools)
    found = reorganise(pupils, schools, Reorganisation("Close", close=("S0",)), travel, at, rule=rule)
    gone = pupils["school"] == "S0"
    assert list(found.pupils.index) == list(pupils.index[gone])
    assert ((found.pupils["to"] != "") == (found.pupils["why"] == "")).all()
    room = (schools["places"] - pupils.loc[~gone, "school"].value_counts().reindex(schools.index, fill_value=0)).clip(
        lower=0
    )
    comes = found.pupils["to"].value_counts()
    assert all(comes.get(code, 0) <= room[code] for code in schools.index)
    assert found.schools["roll"].sum() + len(found.pupils) == len(pupils)
    nearest_now = travel.values.min(axis=1)[at[gone.to_numpy()]]
    assert (found.pupils["nearest_value"] >= nearest_now - 1e-9).all()
    placed = found.pupils["to"] != ""
    assert (found.pupils.loc[placed, "after"] >= found.pupils.loc[placed, "nearest_value"] - 1e-9).all()
