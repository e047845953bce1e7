"""How many clusters, and how far to trust them: measures for each number of clusters, and agreement of two groupings.

No number of clusters is right. Neighbourhoods shade into each other, so the silhouette of such data is low (mostly
under 0.25) whatever is done; what can be asked is whether the same clusters come back when the areas are drawn again.

References
----------
Hubert, L. and Arabie, P. (1985), "Comparing partitions", Journal of Classification 2, 193-218.
Hennig, C. (2007), "Cluster-wise assessment of cluster stability", Computational Statistics and
    Data Analysis 52, 258-271.
Rousseeuw, P. J. (1987), "Silhouettes", Journal of Computational and Applied Mathematics 20, 53-65.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.cluster_recipes import AreaStatistics, ClusterRecipe, fit_scale, standardised
from geoplan.clusters import by_size, centroid_means, nearest, split
from geoplan.errors import InputRefused, Problem

SILHOUETTE_MOST = 3_000  # areas: the silhouette needs every distance, so of more areas a sample is taken
DOUBTFUL, STABLE = 0.6, 0.75  # of a cluster's Jaccard similarity, after Hennig


@dataclass(frozen=True, repr=False)
class Evidence:
    """What was found for each number of clusters.

    Parameters
    ----------
    table
        Indexed by number of clusters: ``inertia`` (sum of squared distances from the centroids), ``explained``
        (share of the variation between clusters, 0 to 1), ``silhouette`` (-1 to 1), ``stability`` (mean adjusted
        Rand index over the resamples), ``stability_low`` (its tenth percentile), ``smallest`` (areas in the smallest
        cluster).
    labels
        Indexed by area; for each number of clusters, the cluster from 1, the largest first.
    jaccard
        For each number of clusters, indexed by cluster: how far each comes back, 0 to 1, mean over the resamples.
    position
        Indexed by area: its score on the first principal component, the line along which areas differ most.
    axis
        Indexed by variable: its part in that line, the largest positive.
    axis_share
        Share of the variation along that line, 0 to 1.
    resamples, sampled
        How many resamples; how many areas the silhouette was taken on.
    """

    table: pd.DataFrame
    labels: pd.DataFrame
    jaccard: Mapping[int, pd.Series]
    position: pd.Series
    axis: pd.Series
    axis_share: float
    resamples: int
    sampled: int

    def __repr__(self) -> str:
        counts = list(self.table.index)
        return f"<Evidence for {counts[0]} to {counts[-1]} clusters of {len(self.labels):,} areas>"


def try_counts(
    statistics: AreaStatistics,
    recipe: ClusterRecipe,
    counts: Sequence[int] = range(2, 13),
    resamples: int = 20,
    starts: int = 5,
    tick: Callable[[], object] = lambda: None,
) -> Evidence:
    """Try several numbers of clusters at the first level.

    For stability the areas are drawn again with replacement, the whole recipe (scale too) is worked out on the draw,
    and all areas are put to the nearest of its centroids; the outcome is compared with the clusters of all areas.

    Parameters
    ----------
    counts
        Numbers of clusters.
    resamples
        How often areas are drawn again.
    starts
        Starts on each resample (``recipe.starts`` are for the whole data).
    tick
        Called after each number of clusters and each resample.

    Raises
    ------
    InputRefused
        With constant variables, or fewer different areas than clusters.

    Examples
    --------
    >>> from geoplan.cluster_recipes import Variable
    >>> from geoplan.sources import Source
    >>> values = pd.DataFrame({"a": [*range(9), *range(50, 59)], "b": [*range(9), *range(60, 69)]}, dtype=float)
    >>> areas = AreaStatistics("oa21", values.set_axis([f"E{i:02}" for i in range(18)]), Source("s"))
    >>> recipe = ClusterRecipe(tuple(Variable(n, n, (n,), ("all",)) for n in "ab"), transform="none", starts=5)
    >>> int(try_counts(areas, recipe, [2, 3, 4], resamples=5).table["stability"].idxmax())
    2
    """
    counts = sorted(set(counts))
    values = statistics.values[recipe.names].sort_index()
    points = standardised(values, recipe, fit_scale(values, recipe))
    different = len(np.unique(points, axis=0))
    if not counts or counts[0] < 2 or different <= counts[-1]:
        file = statistics.source.file or statistics.source.title
        what = f"{different:,} different areas: try from 2 to {max(different - 1, 2):,} clusters at most"
        raise InputRefused(file, [Problem(file, "areas_too_few", what, "ask for fewer clusters, or give more areas")])

    def first(count: int) -> np.ndarray:
        return by_size(split(points, count, recipe))

    labels = dict(zip(counts, _both_cores(first, counts, tick), strict=True))
    draws = _resampled(values, recipe, labels, resamples, starts, tick)
    rows = {}
    sample = np.sort(np.random.default_rng(recipe.seed).permutation(len(points))[:SILHOUETTE_MOST])
    distances = _distances(points[sample])
    total = ((points - points.mean(axis=0)) ** 2).sum()
    for count in counts:
        inertia = ((points - centroid_means(points, labels[count])[labels[count]]) ** 2).sum()
        scores = draws[count][0]
        rows[count] = {
            "inertia": inertia,
            "explained": 1 - inertia / total,
            "silhouette": _silhouette(distances, labels[count][sample]),
            "stability": scores.mean(),
            "stability_low": np.quantile(scores, 0.1),
            "smallest": np.bincount(labels[count]).min(),
        }
    position, axis, share = first_component(points)
    return Evidence(
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("clusters").astype({"smallest": int}),
        pd.DataFrame({count: labels[count] + 1 for count in counts}, index=values.index),
        {count: pd.Series(draws[count][1].mean(axis=0), range(1, count + 1)) for count in counts},
        pd.Series(position, values.index),
        pd.Series(axis, recipe.names),
        share,
        resamples,
        len(sample),
    )


def _resampled(
    values: pd.DataFrame,
    recipe: ClusterRecipe,
    labels: Mapping[int, np.ndarray],
    resamples: int,
    starts: int,
    tick: Callable[[], object],
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each number of clusters: adjusted Rand index and each cluster's Jaccard similarity, one row a resample."""
    from sklearn.metrics import adjusted_rand_score

    def again(seed: int) -> dict[int, tuple[float, np.ndarray]]:
        drawn = _drawn(values, np.random.default_rng(seed), different=max(labels))
        scale = fit_scale(drawn, recipe)
        theirs, everyone = standardised(drawn, recipe, scale), standardised(values, recipe, scale)
        found = {}
        for count, ours in labels.items():
            made = split(theirs, count, replace(recipe, seed=seed), starts)
            others = nearest(everyone, centroid_means(theirs, made))
            found[count] = adjusted_rand_score(ours, others), jaccard(ours, others)
        return found

    runs = _both_cores(again, [recipe.seed + 1 + number for number in range(resamples)], tick)
    return {n: (np.array([run[n][0] for run in runs]), np.array([run[n][1] for run in runs])) for n in labels}


def _drawn(values: pd.DataFrame, random: np.random.Generator, different: int) -> pd.DataFrame:
    """Areas drawn with replacement; a draw in which a variable is constant, or areas are too few, is drawn again."""
    for _ in range(100):
        drawn = values.iloc[np.sort(random.integers(0, len(values), len(values)))]
        distinct = drawn.drop_duplicates()
        if len(distinct) > different and distinct.nunique().min() > 1:
            return drawn
    raise InputRefused(
        "resamples", [Problem("", "areas_too_few", "the areas are too few or too alike to be drawn again")]
    )


def _both_cores(work: Callable, items: Sequence, tick: Callable[[], object]) -> list:
    """``work`` on each item, two at a time; each is seeded by itself, so the order does not matter."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), ThreadPoolExecutor(max_workers=2) as pool:
        done = []
        for result in pool.map(work, items):
            done.append(result)
            tick()
        return done


def jaccard(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each of our clusters, the Jaccard similarity with the most similar of the others, 0 to 1.

    Examples
    --------
    >>> jaccard(np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0])).round(2).tolist()
    [0.67, 0.67]
    """
    both = np.zeros((ours.max() + 1, others.max() + 1))
    np.add.at(both, (ours, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return (both / either).max(axis=1)


def _distances(points: np.ndarray) -> np.ndarray:
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * points @ points.T, 0))
    np.fill_diagonal(distances, 0)
    return distances


def _silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    kinds = len(np.unique(labels))
    return float(silhouette_score(distances, labels, metric="precomputed")) if 1 < kinds < len(labels) else float("nan")


def first_component(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Scores, loadings and share of variation of the first principal component; the largest loading is positive."""
    centred = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axis = vectors[:, -1]
    axis = axis * np.sign(axis[np.argmax(np.abs(axis))])
    return centred @ axis, axis, float(values[-1] / values.sum())


@dataclass(frozen=True)
class Agreement:
    """How far two groupings of the same areas agree.

    Parameters
    ----------
    areas
        In both.
    same
        Share of areas with the same code, 0 to 1: only where the codes mean the same.
    ari
        Adjusted Rand index: 1 the same groups whatever they are called, 0 what chance would give. Of all pairs of
        areas it asks whether both groupings put them together, less what chance would give.
    table
        Areas by the first grouping (rows) and the second (columns).
    """

    areas: int
    same: float
    ari: float
    table: pd.DataFrame


def agreement(first: pd.Series, second: pd.Series) -> Agreement:
    """Compare two groupings, both indexed by area code; areas in only one of them are left out.

    Examples
    --------
    >>> made = pd.Series(["1", "1", "2", "2"], index=list("abcd"))
    >>> found = agreement(made, pd.Series(["2", "2", "1", "1"], index=list("abcd")))
    >>> found.ari, found.same
    (1.0, 0.0)
    """
    from sklearn.metrics import adjusted_rand_score

    both = pd.DataFrame({"first": first, "second": second.reindex(first.index)}).dropna()
    if len(both) == 0:
        raise InputRefused("agreement", [Problem("", "no_records", "the two have no area in common")])
    table = pd.crosstab(both["first"], both["second"])
    same = float((both["first"] == both["second"]).mean())
    return Agreement(len(both), same, float(adjusted_rand_score(both["first"], both["second"])), table)
