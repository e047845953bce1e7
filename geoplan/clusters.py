"""Segments of our own, built from published statistics of small areas by a recipe that can be run again and applied.

The way is that of the Output Area Classification: percentages, inverse hyperbolic sine, range standardisation,
k-means from many starts, each cluster then split again for the next level. Everything a later reader needs to place
a new area (variables, scale, centroids, names) is in one :class:`Clusters`.

References
----------
Wyszomierski, J., Longley, P. A., Singleton, A. D., Gale, C. and O'Brien, O. (2024), "A neighbourhood Output Area
Classification from the 2021 and 2022 UK censuses", The Geographical Journal 190(2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from geoplan.cluster_recipes import LEVELS, AreaStatistics, ClusterRecipe, fit_scale, standardised
from geoplan.errors import InputRefused, Problem, RecipeError, VintageError
from geoplan.segments import Segmentation
from geoplan.sentences import listed
from geoplan.sources import Source

WARD_MOST = 20_000  # areas: Ward's method holds every distance
TELLS = 0.3  # standard deviations from the base, below which a variable does not mark a cluster out


@dataclass(frozen=True, repr=False)
class Clusters:
    """Clusters with all that is needed to describe them and to place new areas.

    Parameters
    ----------
    recipe
        How they were made.
    kind
        What the areas are: ``oa21``.
    scale
        Indexed by variable: ``centre``, ``spread`` (after the transform), ``power`` (Box-Cox, else 0), and ``mean``
        and ``sd`` of the areas on the standardised scale.
    centroids
        Indexed by cluster code, all levels together; standardised values of each variable.
    averages
        The same in per cent: plain means over areas; the row ``""`` is all areas.
    sizes
        Indexed by cluster code: number of areas.
    table
        Indexed by area code, a column for each level; empty when read from a saved recipe or a published table.
    names
        Cluster code to name.
    source
        Where the statistics came from.
    facts
        What was measured when they were built, plain values, for the record.
    """

    recipe: ClusterRecipe
    kind: str
    scale: pd.DataFrame
    centroids: pd.DataFrame
    averages: pd.DataFrame
    sizes: pd.Series
    table: pd.DataFrame
    source: Source
    names: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Clusters: {len(self.at(1))} of {self.kind}, {len(self.recipe.levels)} levels>"

    def at(self, level: int, parent: str = "") -> list[str]:
        """Codes of a level (1 is the coarsest), or those inside one parent."""
        return [code for code in self.centroids.index if len(code) == level and code.startswith(parent)]

    @property
    def version(self) -> str:
        """Eight characters that change with the recipe and the centroids: two different builds never join."""
        text = repr((replace(self.recipe, starts=1), self.centroids.round(8).to_csv()))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]


# ---------------------------------------------------------------------------------- building


def build_clusters(
    statistics: AreaStatistics, recipe: ClusterRecipe, tick: Callable[[], object] = lambda: None
) -> Clusters:
    """Cluster areas level by level, each cluster split again inside itself, as the OAC is.

    The order of the rows does not matter. Inside each parent, codes go by the number of areas, the largest first,
    ties to the cluster with the first area code; levels alternate digits and letters (``1``, ``1A``, ``1A1``; letters
    for the first level too where it has more than nine).

    Parameters
    ----------
    tick
        Called after each parent is split, for a progress bar.

    Raises
    ------
    InputRefused
        With constant variables, or parents with fewer different areas than clusters, all of them named.

    Examples
    --------
    >>> values = pd.DataFrame({"flats": [90.0, 80, 10, 5, 0], "cars": [10.0, 20, 70, 80, 90]}, index=list("vwxyz"))
    >>> from geoplan.cluster_recipes import Variable
    >>> recipe = ClusterRecipe(tuple(Variable(n, n, (n,), ("all",)) for n in values), counts=(2,), starts=5)
    >>> made = build_clusters(AreaStatistics("oa21", values, Source("s")), recipe)
    >>> made.table["supergroup"].tolist(), made.names["2"]
    (['2', '2', '1', '1', '1'], 'More flats; fewer cars')
    """
    values = statistics.values[recipe.names].sort_index()
    file = statistics.source.file or statistics.source.title
    if len(values) == 0:
        raise InputRefused(file, [Problem(file, "no_records", "no areas")])
    scale = fit_scale(values, recipe)
    points = standardised(values, recipe, scale)
    codes = np.full(len(values), "", dtype=object)
    levels: dict[str, np.ndarray] = {}
    problems: list[Problem] = []
    for number, level in enumerate(recipe.levels):
        parents = sorted(set(codes))
        wanted = recipe.counts[number]
        each = [wanted] * len(parents) if isinstance(wanted, int) else list(wanted)
        if len(each) != len(parents):
            raise RecipeError(f"counts: {len(each)} numbers for the {len(parents)} parents of level {level}")
        made = codes.copy()
        for parent, count in zip(parents, each, strict=True):
            rows = np.flatnonzero(codes == parent)
            problem = _too_few(file, points[rows], count, parent)
            if problem is None:
                labels = by_size(split(points[rows], count, recipe))
                made[rows] = [parent + _letter(number, count, label) for label in labels]
                tick()
            else:
                problems.append(problem)
        if problems:
            raise InputRefused(file, problems)
        codes = made
        levels[level] = codes
    table = pd.DataFrame(levels, index=values.index.rename(statistics.kind), dtype="str")
    clusters = Clusters(
        recipe,
        statistics.kind,
        scale,
        _means(pd.DataFrame(points, index=values.index, columns=recipe.names), table),
        pd.concat([values.mean().to_frame("").T, _means(values, table)]),
        pd.concat([table[level].value_counts().sort_index() for level in table]).rename("areas"),
        table,
        statistics.source,
    )
    back = classify(clusters, statistics).reindex(table.index)
    facts = {"areas": len(table), "returned": {level: float((back[level] == table[level]).mean()) for level in table}}
    return replace(clusters, names=suggest_names(clusters), facts=facts)


def split(points: np.ndarray, count: int, recipe: ClusterRecipe, starts: int | None = None) -> np.ndarray:
    """A label for each row: ``count`` clusters by the recipe's method.

    One thread: for thousands of areas the others cost more than they save (four times, measured on 5,734 areas and
    41 variables), and sums in a fixed order give the same answer every time.
    """
    from threadpoolctl import threadpool_limits

    if count == 1:
        return np.zeros(len(points), dtype=int)
    starts = starts or recipe.starts
    with threadpool_limits(1):
        if recipe.method == "ward":
            if len(points) > WARD_MOST:
                raise RecipeError(f"method = 'ward' is for {WARD_MOST:,} areas at most: use 'kmeans'")
            from sklearn.cluster import AgglomerativeClustering

            return AgglomerativeClustering(count, linkage="ward").fit_predict(points)
        if recipe.method == "gmm":
            from sklearn.mixture import GaussianMixture

            mixture = GaussianMixture(
                count, covariance_type="diag", n_init=min(starts, 10), max_iter=500, random_state=recipe.seed
            )
            return mixture.fit_predict(points)
        from sklearn.cluster import KMeans

        return KMeans(count, n_init=starts, max_iter=1000, random_state=recipe.seed).fit(points).labels_


def by_size(labels: np.ndarray) -> np.ndarray:
    """Labels renumbered from 0, the most frequent first, ties to the one met first.

    Examples
    --------
    >>> by_size(np.array([5, 5, 2, 7, 2, 2])).tolist()
    [1, 1, 0, 2, 0, 0]
    """
    kinds, first, counts = np.unique(labels, return_index=True, return_counts=True)
    rank = np.empty(len(kinds), dtype=int)
    rank[np.lexsort((first, -counts))] = np.arange(len(kinds))
    return rank[np.searchsorted(kinds, labels)]


def centroid_means(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of each label's rows, in order of label."""
    sums = np.zeros((labels.max() + 1, points.shape[1]))
    np.add.at(sums, labels, points)
    return sums / np.bincount(labels)[:, None]


def nearest(points: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Number of the nearest centroid of each row; a tie goes to the first.

    Examples
    --------
    >>> nearest(np.array([[0.0, 0.1], [0.9, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])).tolist()
    [0, 1]
    """
    return np.argmin(-2 * points @ centroids.T + (centroids**2).sum(axis=1), axis=1)


def _too_few(file: str, points: np.ndarray, count: int, parent: str) -> Problem | None:
    where = f"cluster {parent}: " if parent else ""
    different = len(np.unique(points, axis=0))
    if different < count:
        what = f"{where}{len(points):,} areas, {different:,} of them different, cannot make {count} clusters"
        return Problem(file, "areas_too_few", what, "ask for fewer clusters, or give more areas")
    return None


def _letter(level: int, count: int, label: int) -> str:
    return chr(ord("A") + label) if level % 2 or count > 9 else str(label + 1)


def _means(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([values.groupby(table[level]).mean() for level in table]).rename_axis(None)


# ---------------------------------------------------------------------------------- placing, describing, naming


def classify(clusters: Clusters, statistics: AreaStatistics) -> pd.DataFrame:
    """The cluster of each area by nearest centroid, level by level inside the cluster above.

    Returns
    -------
    pandas.DataFrame
        Indexed by area code, a column for each level.

    Raises
    ------
    VintageError
        If the areas are of another kind than the clusters were made of.
    """
    if statistics.kind != clusters.kind:
        raise VintageError(f"the clusters are of {clusters.kind}, the statistics of {statistics.kind}")
    points = standardised(statistics.values, clusters.recipe, clusters.scale)
    codes = np.full(len(points), "", dtype=object)
    levels = {}
    for number, level in enumerate(clusters.recipe.levels, start=1):
        made = codes.copy()
        for parent in sorted(set(codes)):
            rows, children = np.flatnonzero(codes == parent), clusters.at(number, parent)
            closest = nearest(points[rows], clusters.centroids.loc[children].to_numpy())
            made[rows] = np.array(children, dtype=object)[closest]
        codes = made
        levels[level] = codes
    return pd.DataFrame(levels, index=statistics.values.index.rename(clusters.kind), dtype="str")


def marks(clusters: Clusters, code: str) -> pd.DataFrame:
    """What marks a cluster out: every variable, those furthest from the base first.

    The base is all areas for a cluster of the first level, and the cluster above for the others.

    Returns
    -------
    pandas.DataFrame
        Indexed by variable: ``label``; ``difference`` of the centroid from the base, in standard deviations of all
        areas on the recipe's scale; ``average`` and ``base``, per cent (or as published), means over areas.
    """
    parent = code[:-1]
    base = clusters.centroids.loc[parent] if parent else clusters.scale["mean"]
    difference = (clusters.centroids.loc[code] - base) / clusters.scale["sd"]
    table = pd.DataFrame(
        {
            "label": [variable.label for variable in clusters.recipe.variables],
            "difference": difference.to_numpy(),
            "average": clusters.averages.loc[code].to_numpy(),
            "base": clusters.averages.loc[parent].to_numpy(),
        },
        index=pd.Index(clusters.recipe.names, name="variable"),
    )
    return table.iloc[np.argsort(-difference.abs().to_numpy(), kind="stable")]


def suggest_names(clusters: Clusters) -> dict[str, str]:
    """A plain name for each cluster, from what marks it out; to be read, and put into better words, by people.

    Variables that should not label children (``in_names = false``) are not used. Names differ inside a level.
    """
    names: dict[str, str] = {}
    allowed = {variable.name for variable in clusters.recipe.variables if variable.in_names}
    for code in clusters.centroids.index:
        table = marks(clusters, code)
        table = table[table.index.isin(allowed)]
        taken = {name for other, name in names.items() if len(other) == len(code)}
        words = next((w for n in (2, 3, 4, 6) if (w := _words(table, n)) not in taken), "")
        names[code] = words or f"{_words(table, 2)} ({code})"
    return names


def _words(table: pd.DataFrame, most: int) -> str:
    more = table.loc[table["difference"] > TELLS, "label"].head(most).tolist()
    fewer = table.loc[table["difference"] < -TELLS, "label"].head(most).tolist()
    parts = [f"{word} {listed(labels)}" for word, labels in (("more", more), ("fewer", fewer)) if labels]
    text = "; ".join(parts) or "close to the average"
    return text[0].upper() + text[1:]


def to_segmentation(clusters: Clusters, scheme: str, level: str = LEVELS[0], version: str = "") -> Segmentation:
    """Clusters as a segmentation that ``assign`` takes; its version is the fingerprint of the recipe unless given."""
    names = {
        each: {code: clusters.names.get(code, code) for code in clusters.at(number)}
        for number, each in enumerate(clusters.recipe.levels, start=1)
    }
    version = version or clusters.version
    return Segmentation(scheme, version, level, clusters.kind, clusters.table, clusters.source, names)
