"""Sites for a new school, side by side: what each could reach, scored by the council's own criteria and weights.

In Brent twelve young people weighed three sites by "the size of the site, the location, the loss of priority (i.e. what
the site is currently used for), the accessibility of the site, impact on the local community (e.g. noise), availability
and cost". Those are judgements, and stay the council's: they come in a file, with weights. Three more are worked out
here from where pupils live: how many a site reaches, how many more could have a place within reach, and how many would
have it nearer than their nearest school now.

A site's score is the weighted mean of its values, each on a scale from 0 (the worst value stated) to 1 (the best). A
ranking is only as firm as the weights behind it, so it comes with how often each site stays first when the weights are
varied, the weight at which the first place changes, and the sites that no weights could put first.

References: Keeney and Raiffa (1976), Decisions with Multiple Objectives (additive value); Lahdelma, Hokkanen and
Salminen (1998), European Journal of Operational Research 106:137 (how often first); Church and ReVelle (1974), Papers
of the Regional Science Association 32:101 (reach).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import maximum_flow

from geoplan.distances import straight_line_table_m
from geoplan.errors import UnknownCodeError
from geoplan.placements import Placement, best_sites

REACH, MORE_PLACED, NEARER = "reach", "more placed", "nearer for"
WORKED_OUT = {
    REACH: "children within reach of the site",
    MORE_PLACED: "children more who could have a place within reach",
    NEARER: "children for whom the site is nearer than any school of the phase now",
}
GUIDE = ("size", "location", "loss", "accessibility", "impact", "availability", "cost")
SEED, DRAWS, VARIED = 2026, 10_000, 0.5


@dataclass(frozen=True)
class Criterion:
    """What a site is judged by.

    Parameters
    ----------
    name
        A column of the sites file, or one of :data:`WORKED_OUT`.
    weight
        What it counts beside the others.
    better
        ``more`` or ``less``.
    worst, best
        Values that score 0 and 1; the worst and best of the sites where they are not stated.
    """

    name: str
    weight: float
    better: str = "more"
    worst: float | None = None
    best: float | None = None


@dataclass(frozen=True, repr=False)
class Ranking:
    """Sites by score, and how firm that is.

    Parameters
    ----------
    scores
        By site: each criterion's score (0 to 1), and ``score``, the best first.
    first
        By site: the share of varied weights (each up or down by up to half) that put it first (``varied``), and of all
        weights whatever (``any``); ``dominated`` (another is as good by every criterion and better by one).
    switches
        By criterion: ``share`` of the whole weight now, ``at`` (the share at which another site comes first; missing
        if none does) and ``then`` (which).
    notes
        What decides the scores.
    """

    scores: pd.DataFrame
    first: pd.DataFrame
    switches: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Ranking of {len(self.scores):,} sites: {self.scores.index[0]} first>"

    @property
    def sentence(self) -> str:
        """Which is first, and how firmly."""
        return self.in_words({})

    def in_words(self, names: Mapping[str, str]) -> str:
        """The same, with the sites' names."""
        best = self.scores.index[0]
        if len(self.scores) == 1:
            return f"{names.get(best, best)} is the only site."
        share, second = self.first.at[best, "varied"], self.scores.index[1]
        return (
            f"{names.get(best, best)} comes first ({self.scores.at[best, 'score']:.2f}; {names.get(second, second)} "
            f"{self.scores.at[second, 'score']:.2f}), and stays first in {100 * share:.0f}% of weightings when each "
            "weight is varied by up to half."
        )


def measure_sites(
    sites: pd.DataFrame,
    homes: pd.DataFrame,
    schools: pd.DataFrame,
    within_m: float,
    places: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each site could reach, by straight line; exact, inside only.

    Parameters
    ----------
    sites
        ``easting``, ``northing``, indexed by site.
    homes
        ``easting``, ``northing``, ``children`` (of the phase), one row a place.
    schools
        Schools of the phase: ``easting``, ``northing``, ``places``.
    within_m
        What is within reach.
    places
        Of the new school.

    Returns
    -------
    measures, neighbours
        By site :data:`WORKED_OUT`; and by site and school now nearest, the children who would have the site nearer.

    Examples
    --------
    >>> homes = pd.DataFrame({"easting": [0.0, 3000], "northing": 0.0, "children": [50, 40]})
    >>> schools = pd.DataFrame({"easting": [3000.0], "northing": [0.0], "places": [100]}, index=["s"])
    >>> sites = pd.DataFrame({"easting": [100.0], "northing": [0.0]}, index=["north"])
    >>> measure_sites(sites, homes, schools, 1000, 30)[0].loc["north"].tolist()
    [50, 30, 50]
    """
    schools = schools.dropna(subset=["easting", "northing"])
    children = homes["children"].to_numpy(dtype=float)
    to_site = straight_line_table_m(homes["easting"], homes["northing"], sites["easting"], sites["northing"])
    to_school = straight_line_table_m(homes["easting"], homes["northing"], schools["easting"], schools["northing"])
    now = to_school.min(axis=1) if len(schools) else np.full(len(homes), np.inf)
    near = schools.index.to_numpy()[to_school.argmin(axis=1)] if len(schools) else np.full(len(homes), "")
    held = pd.to_numeric(schools["places"]).fillna(0).to_numpy(dtype=float)
    before = _most_placed(children, to_school <= within_m, held)
    rows, moved = {}, {}
    for at, site in enumerate(sites.index):
        within, nearer = to_site[:, at] <= within_m, to_site[:, at] < now
        after = _most_placed(children, np.column_stack([to_school <= within_m, within]), np.r_[held, float(places)])
        rows[site] = {
            REACH: round(children[within].sum()),
            MORE_PLACED: max(0, round(after - before)),
            NEARER: round(children[nearer].sum()),
        }
        moved[site] = pd.Series(children[nearer]).groupby(near[nearer]).sum()
    table = pd.DataFrame.from_dict(rows, orient="index").astype("int64").rename_axis("site")
    return table, pd.DataFrame(moved).T.rename_axis(index="site", columns="school").fillna(0).round().astype("int64")


def best_of(sites: pd.DataFrame, homes: pd.DataFrame, within_m: float, count: int = 1) -> Placement:
    """The sites that together reach most children (maximal covering), with the solver's bound.

    Of exact homes, for inside only: what is shown is chosen from protected ones (:mod:`geoplan.choices`).
    """
    return best_sites(homes.assign(weight=homes["children"]), sites, count, within_km=within_m / 1000)


def rank_sites(values: pd.DataFrame, criteria: Sequence[Criterion], draws: int = DRAWS) -> Ranking:
    """Score sites and see how firm the ranking is.

    Parameters
    ----------
    values
        By site, a column of numbers for each criterion.
    criteria
        With weights from above 0.
    draws
        How many weightings are tried.

    Raises
    ------
    UnknownCodeError
        If a criterion has no column, or a site no value; every one is named.
    ValueError
        If a weight is not above 0, or a scale has no width.

    Examples
    --------
    >>> values = pd.DataFrame({"size": [2.0, 3.0], "cost": [5.0, 9.0]}, index=["East", "West"])
    >>> ranking = rank_sites(values, [Criterion("size", 1), Criterion("cost", 2, "less", worst=10, best=0)])
    >>> ranking.scores["score"].round(2).to_dict(), float(ranking.switches.at["size", "at"].round(2))
    ({'West': 0.4, 'East': 0.33}, 0.29)
    """
    absent = [each.name for each in criteria if each.name not in values]
    if absent:
        raise UnknownCodeError(f"no column for {', '.join(absent)}; there are {', '.join(map(str, values.columns))}")
    lost = [f"{site}: {each.name}" for each in criteria for site in values.index[values[each.name].isna()]]
    if lost:
        raise UnknownCodeError(f"no value for {'; '.join(lost[:10])}{' and more' if len(lost) > 10 else ''}")
    if not criteria or any(not each.weight > 0 for each in criteria):
        raise ValueError("each criterion needs a weight above 0")
    scores, notes = {}, []
    for each in criteria:
        scores[each.name], own = _scale(values[each.name].astype(float), each)
        notes += [f"{each.name} is scaled between the worst and best of these sites."] if own else []
    table = pd.DataFrame(scores, index=values.index)
    weight = np.array([each.weight for each in criteria], dtype=float)
    share = weight / weight.sum()
    matrix = table.to_numpy()
    total = matrix @ share
    rng = np.random.default_rng(SEED)
    varied = weight * rng.uniform(1 - VARIED, 1 + VARIED, size=(draws, len(weight)))
    anyhow = rng.dirichlet(np.ones(len(weight)), size=draws)
    first = pd.DataFrame(
        {
            "varied": _shares_first(matrix, varied / varied.sum(axis=1, keepdims=True)),
            "any": _shares_first(matrix, anyhow),
            "dominated": [_dominated(matrix, i) for i in range(len(matrix))],
        },
        index=values.index,
    )
    order = pd.Series(total, values.index).sort_values(ascending=False, kind="stable").index
    switches = _switches(matrix, share, [each.name for each in criteria], values.index)
    answer = table.assign(score=total).loc[order]
    return Ranking(answer, first.loc[order], switches, tuple(notes))


def criteria_of(frame: pd.DataFrame) -> tuple[Criterion, ...]:
    """Criteria from a checked table: ``criterion``, ``weight``, ``better``, ``worst``, ``best``."""

    def number(value) -> float | None:
        return None if value is None or value != value else float(value)

    return tuple(
        Criterion(row["criterion"], float(row["weight"]), "less" if row.get("better") == "less" else "more",
                  number(row.get("worst")), number(row.get("best")))
        for _, row in frame.iterrows()
    )  # fmt: skip


def _scale(values: pd.Series, each: Criterion) -> tuple[pd.Series, bool]:
    """Scores from 0 to 1, and whether the scale is the sites' own."""
    ends = (values.min(), values.max()) if each.better == "more" else (values.max(), values.min())
    worst = ends[0] if each.worst is None else each.worst
    best = ends[1] if each.best is None else each.best
    own = each.worst is None or each.best is None
    if best == worst:
        if own:
            return pd.Series(1.0, values.index), own  # all alike: it decides nothing
        raise ValueError(f"{each.name}: the worst and the best value are the same")
    return ((values - worst) / (best - worst)).clip(0, 1) + 0.0, own  # no minus zero


def _shares_first(matrix: np.ndarray, weights: np.ndarray) -> np.ndarray:
    totals = weights @ matrix.T
    best = totals >= totals.max(axis=1, keepdims=True) - 1e-12
    return (best / best.sum(axis=1, keepdims=True)).mean(axis=0)


def _dominated(matrix: np.ndarray, i: int) -> bool:
    better = (matrix >= matrix[i]).all(axis=1) & (matrix > matrix[i]).any(axis=1)
    return bool(better.any())


def _switches(matrix: np.ndarray, share: np.ndarray, names: Sequence[str], sites: pd.Index) -> pd.DataFrame:
    """For each criterion the nearest share of the weight at which another site comes first; the others keep pace."""
    best, rows = int((matrix @ share).argmax()), {}
    for k, name in enumerate(names):
        rest = share.copy()
        rest[k] = 0
        rest = rest / rest.sum() if rest.sum() > 0 else rest
        other = matrix @ rest
        at, then = np.nan, ""
        for i in range(len(matrix)):
            gap0, gap1 = other[best] - other[i], matrix[best, k] - matrix[i, k]  # at no weight, and at all of it
            if i == best or gap0 * gap1 >= 0 or gap0 == gap1:
                continue
            cross = gap0 / (gap0 - gap1)
            if np.isnan(at) or abs(cross - share[k]) < abs(at - share[k]):
                at, then = float(cross), str(sites[i])
        rows[name] = {"share": float(share[k]), "at": at, "then": then}
    return pd.DataFrame.from_dict(rows, orient="index")


def _most_placed(children: np.ndarray, reach: np.ndarray, places: np.ndarray) -> int:
    """Most children who can have a place at a school within reach: the greatest flow from homes to places."""
    row, column = np.nonzero(reach)
    homes, schools = len(children), len(places)
    source, sink = homes + schools, homes + schools + 1
    children, places = children.astype(np.int32), np.floor(places).astype(np.int32)
    start = np.r_[np.full(homes, source), row, homes + np.arange(schools)]
    end = np.r_[np.arange(homes), homes + column, np.full(schools, sink)]
    most = np.r_[children, children[row], places]
    graph = sparse.csr_array((most, (start, end)), shape=(sink + 1, sink + 1), dtype=np.int32)
    return int(maximum_flow(sparse.csr_matrix(graph), source, sink).flow_value)
