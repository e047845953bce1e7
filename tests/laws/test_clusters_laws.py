"""Laws of clusters: the order of rows is nothing, nor is another unit on the range scale; nearest is nearest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from built import recipe, town
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.cluster_recipes import METHODS
from geoplan.clusters import build_clusters, by_size, nearest
from geoplan.stability import try_counts

ORDERS = st.permutations(list(range(30)))


@settings(max_examples=8)
@given(order=ORDERS, method=st.sampled_from(METHODS), seed=st.integers(0, 50))
def test_the_order_of_rows_does_not_matter(order, method, seed):
    areas = town(seed)
    made = recipe(method=method, counts=(3, 2), starts=3, seed=seed)
    one = build_clusters(areas, made)
    other = build_clusters(replace(areas, values=areas.values.iloc[order]), made)
    assert one.table.equals(other.table)
    assert one.centroids.equals(other.centroids)
    assert one.names == other.names and one.version == other.version


@settings(max_examples=3)
@given(order=ORDERS)
def test_nor_for_the_evidence(order):
    areas = town(4)
    one = try_counts(areas, recipe(starts=3), [2, 4], resamples=3)
    other = try_counts(replace(areas, values=areas.values.iloc[order]), recipe(starts=3), [2, 4], resamples=3)
    assert one.table.equals(other.table) and one.labels.equals(other.labels)


@settings(max_examples=8)
@given(factor=st.sampled_from([0.5, 4.0, 1024.0]), column=st.integers(0, 2))
def test_a_range_scale_has_no_unit(factor, column):
    areas = town(2)
    values = areas.values.copy()
    values.iloc[:, column] *= factor
    made = recipe(transform="none")
    assert build_clusters(areas, made).table.equals(build_clusters(replace(areas, values=values), made).table)


POINTS = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=1, max_size=12)


@given(points=POINTS, centroids=POINTS)
def test_nearest_is_nearest(points, centroids):
    found = nearest(np.array(points), np.array(centroids))
    for point, number in zip(points, found, strict=True):
        least = min(math.dist(point, c) for c in centroids)
        assert math.isclose(math.dist(point, centroids[number]), least, rel_tol=1e-6, abs_tol=1e-6)


@given(labels=st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_by_size_is_a_renaming_with_falling_sizes(labels):
    made = by_size(np.array(labels))
    assert len(set(zip(labels, made.tolist(), strict=True))) == len(set(labels)) == len(set(made.tolist()))
    assert (np.diff(np.bincount(made)) <= 0).all()
