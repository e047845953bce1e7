"""Schools that serve people like ours, near or far.

Kent's head teachers valued this most: similar schools are not always neighbours. Two schools are alike
when their pupils are spread over the segments alike. The distance is Hellinger's, from 0 (the same mix) to 1
(no segment in common); kilometres stand beside it and play no part in it. Results of schools are never an
input.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.comparison import MIN_TOTAL
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.distances import straight_line_table_m
from geoplan.errors import UnknownCodeError
from geoplan.profiles import segment_counts


def similar_schools(
    people: Assignment,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
    rule: Rule | None = PUBLIC,
) -> pd.DataFrame:
    """The schools whose pupils are most like those of a school, or of every school.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    school
        One school's code; None for all.
    n
        How many for each school.
    schools
        Facts by school code: ``name``, ``easting``, ``northing`` and the columns of ``same``, where known.
    same
        Columns of ``schools`` that must be equal (schools of one phase, say); those it lacks are passed over.
    rule
        Distances are worked out from protected counts under this rule, so that they say no more than a
        printed profile does. None for the exact counts, which must not be shown.

    Returns
    -------
    DataFrame
        Columns ``school``, ``rank``, ``similar``, ``name``, ``distance`` (Hellinger, 0 to 1) and ``km``
        (straight line between the two, missing where a position is). Schools with fewer than 30 pupils
        placed are not compared. Ties go to the first code.

    Raises
    ------
    UnknownCodeError
        If ``school`` has no pupils, or too few.

    References
    ----------
    Hellinger (1909), J. reine angew. Math. 136:210.
    """
    counts = segment_counts(people)
    counts = counts[(counts.index != "") & (counts.sum(axis=1) >= MIN_TOTAL).to_numpy()]
    return rank_similar(pd.DataFrame(_shown(counts, rule), counts.index, counts.columns), school, n, schools, same)


def rank_similar(
    counts: pd.DataFrame,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
) -> pd.DataFrame:
    """The same from counts by school and segment; the other parameters are those of :func:`similar_schools`."""
    if school is not None and school not in counts.index:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment, or fewer than {MIN_TOTAL}")
    facts = pd.DataFrame(index=counts.index) if schools is None else schools.reindex(counts.index)
    far = hellinger_distances(counts)
    np.fill_diagonal(far, np.nan)
    for column in same:
        if column in facts:
            values = facts[column].astype("str").to_numpy()
            far[values[:, None] != values[None, :]] = np.nan
    km = _kilometres(facts)
    codes = counts.index.to_numpy()
    names = facts["name"].to_numpy() if "name" in facts else codes
    wanted = range(len(codes)) if school is None else [int(np.flatnonzero(codes == school)[0])]
    rows = []
    for i in wanted:
        order = np.lexsort((codes.astype(str), np.round(far[i], 12)))  # missing distances sort last
        for rank, j in enumerate(order[~np.isnan(far[i][order])][:n], start=1):
            rows.append((codes[i], rank, codes[j], names[j], far[i, j], km[i, j]))
    return pd.DataFrame(rows, columns=["school", "rank", "similar", "name", "distance", "km"])


def similar_shown(
    by_school: Protected,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
) -> pd.DataFrame:
    """The same from the table that a page prints: the ranking says no more than it does."""
    counts = by_school.table.mask(by_school.hidden, by_school.rule.hide_below / 2)
    return rank_similar(counts[counts.sum(axis=1) >= MIN_TOTAL], school, n, schools, same)


def hellinger_distances(counts: np.ndarray | pd.DataFrame) -> np.ndarray:
    """Hellinger distances between the rows of a table of counts.

    Examples
    --------
    >>> hellinger_distances(np.array([[1, 1], [2, 2], [1, 0]])).round(3).tolist()
    [[0.0, 0.0, 0.541], [0.0, 0.0, 0.541], [0.541, 0.541, 0.0]]
    """
    values = np.asarray(counts, dtype=float)
    roots = np.sqrt(values / values.sum(axis=1, keepdims=True))
    return np.sqrt(np.clip(1 - roots @ roots.T, 0, None).round(15))


def _shown(counts: pd.DataFrame, rule: Rule | None) -> np.ndarray:
    """Counts as a printed profile gives them; a hidden one stands at the middle of what it can be."""
    if rule is None:
        return counts.to_numpy(dtype=float)
    flat, hidden = protect_counts(pd.Series(counts.to_numpy().ravel()), rule)
    return flat.mask(hidden, rule.hide_below / 2).to_numpy().reshape(counts.shape)


def _kilometres(facts: pd.DataFrame) -> np.ndarray:
    if not {"easting", "northing"} <= set(facts.columns):
        return np.full((len(facts), len(facts)), np.nan)
    x, y = facts["easting"].to_numpy(dtype=float), facts["northing"].to_numpy(dtype=float)
    return straight_line_table_m(x, y, x, y) / 1000
