"""How many clusters: what was drawn is stable, what was not is not; measures equal their slow twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from built import kinds, recipe, town
from plain.groupings import plain_rand, plain_silhouette

from geoplan.clusters import build_clusters
from geoplan.errors import InputRefused
from geoplan.stability import agreement, first_component, jaccard, try_counts


@pytest.fixture(scope="module")
def evidence():
    return try_counts(town(), recipe(), range(2, 7), resamples=8)


def test_the_number_that_was_drawn_stands_out(evidence):
    assert evidence.table["silhouette"].idxmax() == 3
    assert evidence.table.loc[3, "stability"] == 1
    assert evidence.table.loc[6, "stability"] < 0.9
    assert evidence.jaccard[3].tolist() == [1, 1, 1]
    assert evidence.table["inertia"].is_monotonic_decreasing
    assert evidence.table.loc[3, "smallest"] == 8


def test_labels_are_those_that_are_built(evidence):
    for count in (3, 5):
        built = build_clusters(town(), recipe(counts=(count,)))
        assert evidence.labels[count].astype(str).tolist() == built.table["supergroup"].tolist()


def test_the_silhouette_is_that_of_its_definition(evidence):
    from geoplan.cluster_recipes import fit_scale, standardised

    points = standardised(town().values, recipe(), fit_scale(town().values, recipe()))
    for count in (2, 3, 5):
        expected = plain_silhouette(points, evidence.labels[count].tolist())
        assert evidence.table.loc[count, "silhouette"] == pytest.approx(expected)


def test_ticks_are_as_many_as_steps():
    ticks = []
    try_counts(town(), recipe(), [2, 3], resamples=3, tick=lambda: ticks.append(1))
    assert len(ticks) == 5


def test_too_many_clusters_are_refused():
    with pytest.raises(InputRefused, match="30 different areas"):
        try_counts(town(), recipe(), [2, 30])
    with pytest.raises(InputRefused):
        try_counts(town(), recipe(), [1, 2])


def test_the_adjusted_rand_index_is_that_of_pairs():
    random = np.random.default_rng(3)
    for _ in range(20):
        a, b = random.integers(0, 4, 30), random.integers(0, 3, 30)
        found = agreement(pd.Series(a), pd.Series(b))
        assert found.ari == pytest.approx(plain_rand(a.tolist(), b.tolist()))
        assert found.same == pytest.approx(np.mean(a == b))
        assert found.table.to_numpy().sum() == found.areas == 30


def test_agreement_is_over_the_areas_of_both():
    other = kinds().iloc[5:].rename({kinds().index[-1]: "elsewhere"})
    assert agreement(kinds(), other).areas == 24
    with pytest.raises(InputRefused, match="no area in common"):
        agreement(kinds(), other.set_axis(range(25)))


def test_jaccard_takes_the_most_similar():
    ours, others = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 1, 1, 0, 0, 0])
    assert jaccard(ours, others).tolist() == [3 / 4, 2 / 3]


def test_the_first_component_is_the_widest_line():
    points = np.random.default_rng(1).normal(size=(200, 3)) * [1, 5, 2]
    scores, axis, share = first_component(points)
    assert axis[1] == pytest.approx(1, abs=0.05)
    assert share == pytest.approx(scores.var() / points.var(axis=0).sum())
