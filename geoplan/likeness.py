"""Who is nearest: one sum behind every list of similar schools, with its reasons and how firm it is.

Schools are points. The distance squared is the weighted sum, over the variables that both have, of squared
differences; where some are missing it is scaled up by the weight that is not there. A list is made among schools that
are the same in what was asked (phase, type), without those that are too near.

References: Gower (1971), Biometrics 27:857 (missing variables); Efron (1979), Annals of Statistics 7:1 (pupils drawn
anew).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.distances import straight_line_table_m
from geoplan.sentences import listed

SEED = 2026
SPREAD = 0.2  # weights are shaken by up to this, up and down
LEAST_KNOWN = 0.5  # of the weight; with less in common two schools are not compared
SHARE = "share"  # the unit of a share of pupils
TERMS = ("school", "similar", "variable", "label", "value", "similar_value", "part")
COLUMNS = ("school", "rank", "similar", "name", "distance", "km", "known", "of", "alike", "differs")
_CELLS = 4_000_000  # numbers held at a time
_NOT_GIVEN = frozenset({"", "nan", "none", "<na>", "unknown"})


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Parameters
    ----------
    n
        How many for each school.
    same
        Columns of the facts that must be equal.
    exclude_within_km
        Leave out schools this near; 0 for none.
    draws
        How many times weights are shaken and pupils drawn anew; 0 for never.
    """

    n: int = 10
    same: tuple[str, ...] = ("phase",)
    exclude_within_km: float = 0.0
    draws: int = 0

    def __post_init__(self):
        if self.n < 1 or self.draws < 0 or not self.exclude_within_km >= 0:
            raise ValueError("n is 1 or more; draws and exclude_within_km are 0 or more")


@dataclass(frozen=True)
class Variables:
    """What the variables are called: columns, words, and units (:data:`SHARE`, "%" or "")."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def are_shares(self) -> bool:
        """Whether they are the parts of one whole."""
        return all(unit == SHARE for unit in self.units)


@dataclass(frozen=True, eq=False)
class Space:
    """Schools as points.

    Parameters
    ----------
    points
        Schools x variables, so scaled that the distance is the root of the weighted sum of squares; NaN if unknown.
    weights
        One for each variable.
    columns
        Which of all the variables these are.
    values
        What is printed of them (a share, a number); NaN where nothing is.
    counts
        The pupils behind them, where they are a mix.
    """

    points: np.ndarray
    weights: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    counts: np.ndarray | None = None

    @property
    def parts(self) -> np.ndarray:
        """The weights as parts of their sum."""
        return self.weights / self.weights.sum() if len(self.weights) else self.weights


@dataclass(frozen=True, eq=False)
class Ranked:
    """Lists of the nearest: columns :data:`COLUMNS` and the stabilities; :data:`TERMS`; who was left out and why."""

    table: pd.DataFrame
    terms: pd.DataFrame
    left_out: pd.DataFrame


def _in_chunks(points: np.ndarray, weights: np.ndarray, rows: np.ndarray) -> Iterator[tuple]:
    """For some rows at a time: the rows, terms (rows x all x variables), what both have, squared distances."""
    known = ~np.isnan(points)
    filled = np.where(known, points, 0.0)
    size = max(1, _CELLS // max(points.size, 1))
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        both = known[some][:, None, :] & known[None, :, :]
        terms = np.where(both, (filled[some][:, None, :] - filled[None, :, :]) ** 2, 0.0)
        yield some, terms, both, _squared(terms, both, weights)


def _squared(terms: np.ndarray, both: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Squared distances for weights (variables) or for many (variables x draws)."""
    if both.all():
        return terms @ weights
    there = both @ weights
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(there > 0, (terms @ weights) * (weights.sum(axis=0) / there), np.nan)


def weighted_distances(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Distances between the rows of ``points``: the root of the weighted sum of squared differences.

    Missing values (NaN) play no part: the sum over the others is scaled up by the weight that is not there. With
    nothing in common the distance is missing.

    Examples
    --------
    >>> weighted_distances(np.array([[0.0, 0.0], [3.0, 4.0], [np.nan, 4.0]]), np.ones(2)).round(3).tolist()
    [[0.0, 5.0, 5.657], [5.0, 0.0, 0.0], [5.657, 0.0, 0.0]]
    """
    rows = [squared for _, _, _, squared in _in_chunks(points, weights, np.arange(len(points)))]
    return np.sqrt(np.concatenate(rows)) if rows else np.empty((0, 0))


def rank_alike(
    facts: pd.DataFrame,
    space_of: Callable[[np.ndarray], Space],
    variables: Variables,
    school: str | None,
    wish: Wish,
) -> Ranked:
    """Lists for one school or for all.

    Parameters
    ----------
    facts
        Schools by code: ``name``, ``easting``, ``northing`` and the columns of ``wish.same``, where known.
    space_of
        Given rows of the facts, those schools as points: scales may depend on who is compared.
    variables
        What the variables are called.
    school
        One school's code; None for all.
    wish
        What is asked for.
    """
    codes = facts.index.astype("str").to_numpy()
    names = codes
    if "name" in facts:
        names = facts["name"].astype("object").where(facts["name"].notna(), facts.index).to_numpy()
    groups, left = _groups(facts, wish.same)
    found = []
    for rows in groups:
        asked = np.arange(len(rows)) if school is None else np.flatnonzero(codes[rows] == school)
        if not len(asked):
            continue
        here = facts.iloc[rows]
        if wish.exclude_within_km > 0:
            left += [(code, "no position, so it may be too near") for code in codes[rows][_nowhere(here)]]
        table, terms, apart = _rank_group(codes[rows], names[rows], here, space_of(rows), variables, asked, wish)
        left += [(code, "less than half of the variables in common") for code in apart]
        found.append((table, terms))
    tables = [table for table, _ in found] or [pd.DataFrame(columns=list(COLUMNS))]
    terms = [each for _, each in found] or [pd.DataFrame(columns=list(TERMS))]
    table = pd.concat(tables, ignore_index=True)
    if len(tables) > 1:
        place = pd.Series(range(len(codes)), index=codes)
        table = table.sort_values("school", key=lambda each: each.map(place), kind="stable", ignore_index=True)
    out = pd.DataFrame(left, columns=["school", "reason"]).drop_duplicates(ignore_index=True)
    return Ranked(table, pd.concat(terms, ignore_index=True), out)


def _rank_group(codes, names, facts, space: Space, variables: Variables, asked, wish: Wish):
    """The lists of the schools asked for, among those of one group; and who has too little in common."""
    kilometres = _kilometres(facts, asked)
    near = ~(kilometres > wish.exclude_within_km) & (wish.exclude_within_km > 0)
    shaken = _shaken(len(space.weights), wish.draws) * space.weights[:, None]
    drawn = _drawn(space, wish.draws)
    apart = np.zeros(len(codes), dtype=bool) if len(asked) == 1 else _short(~np.isnan(space.points), space)
    tables, whys, at = [], [], 0
    for some, terms, both, squared in _in_chunks(space.points, space.weights, asked):
        short = _short(both, space)
        apart = apart | short[0] if len(asked) == 1 else apart
        blocked = near[at : at + len(some)] | short
        blocked[np.arange(len(some)), some] = True
        far = np.where(blocked, np.inf, np.sqrt(squared))
        i, rank, j = _nearest(codes, far, wish.n)
        weighted = terms[i, j] * space.weights
        sums = weighted.sum(axis=1, keepdims=True)
        parts = np.divide(weighted, sums, out=np.zeros_like(weighted), where=sums > 0)
        printed = ~np.isnan(space.values[some][i]) & ~np.isnan(space.values[j])
        alike, differs = _in_words(space, variables, some[i], j, weighted, parts)
        table = pd.DataFrame(
            {
                "school": codes[some][i],
                "rank": rank,
                "similar": codes[j],
                "name": names[j],
                "distance": far[i, j],
                "km": kilometres[at : at + len(some)][i, j],
                "known": printed.sum(axis=1),
                "of": len(space.columns),
                "alike": alike,
                "differs": differs,
            }
        )
        if wish.draws:
            full = np.isfinite(far).sum(axis=1) > wish.n
            table["stability"] = _kept(terms, both, blocked, shaken, i, j, full, wish.n)
            if drawn is not None:
                table["stability_chance"] = _kept_by_chance(drawn, some, blocked, i, j, full, wish.n)
        tables.append(table)
        whys.append(_terms_table(space, variables, table, some[i], j, parts))
        at += len(some)
    return pd.concat(tables, ignore_index=True), pd.concat(whys, ignore_index=True), codes[apart]


def _short(known: np.ndarray, space: Space) -> np.ndarray:
    """Whether too little of the weight is known."""
    return known @ space.parts < LEAST_KNOWN - 1e-12


def _nearest(codes: np.ndarray, far: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, rank and column of the n nearest of each row; ties, to 12 decimal places, go to the first code."""
    found = [np.empty((3, 0), dtype=int)]
    for i, row in enumerate(np.round(far, 12)):
        order = np.lexsort((codes, row))[:n]
        order = order[np.isfinite(row[order])]
        found.append(np.stack([np.full(len(order), i), np.arange(1, len(order) + 1), order]))
    i, rank, j = np.concatenate(found, axis=1)
    return i, rank, j


# --- how firm the list is -------------------------------------------------------------------------------


def _shaken(variables: int, draws: int) -> np.ndarray:
    """Factors for the weights, variables x draws, evenly from 0.8 to 1.2."""
    return np.random.default_rng(SEED).uniform(1 - SPREAD, 1 + SPREAD, (variables, draws))


def _drawn(space: Space, draws: int) -> np.ndarray | None:
    """As many pupils as printed, drawn anew from each school's mix: roots of shares, draws x schools x segments."""
    if space.counts is None or not draws:
        return None
    dice = np.random.default_rng(SEED)
    totals = np.round(space.counts.sum(axis=1)).astype("int64")
    shares = space.counts / space.counts.sum(axis=1, keepdims=True)
    return np.sqrt(dice.multinomial(totals, shares, size=(draws, len(totals))) / totals[None, :, None])


def _kept(terms, both, blocked, shaken, i, j, full, n: int) -> np.ndarray:
    """The part of the draws of weights in which each school listed stays among the n."""
    kept = np.full(len(i), np.nan)
    for row in np.unique(i[full[i]]):
        free = np.flatnonzero(~blocked[row])
        squared = _squared(terms[row, free], both[row, free], shaken)  # schools x draws
        limit = np.partition(squared, n - 1, axis=0)[n - 1]
        mine = np.flatnonzero(i == row)
        position = np.searchsorted(free, j[mine])
        kept[mine] = (squared[position] <= limit + 1e-12).mean(axis=1)
    return kept


def _kept_by_chance(drawn, some, blocked, i, j, full, n: int) -> np.ndarray:
    """The part of the draws of pupils in which each school listed stays among the n."""
    kept = np.zeros(len(i))
    for points in drawn:
        apart = 1 - points[some] @ points.T
        apart[blocked] = np.inf
        limit = np.partition(apart, min(n, apart.shape[1]) - 1, axis=1)[:, min(n, apart.shape[1]) - 1]
        kept += apart[i, j] <= limit[i] + 1e-12
    return np.where(full[i], kept / len(drawn), np.nan)


# --- why, in words --------------------------------------------------------------------------------------


def _in_words(space: Space, variables: Variables, i, j, weighted, parts) -> tuple[list[str], list[str]]:
    """For each pair: what is alike, and what differs most."""
    alike, differs = [], []
    own, other = space.values[i], space.values[j]
    for row in range(len(i)):
        order = np.argsort(-parts[row], kind="stable")
        gaps = [k for place, k in enumerate(order) if parts[row, k] >= (0.2 if place else 1e-12)][:2]
        both = ~np.isnan(own[row]) & ~np.isnan(other[row])
        if variables.are_shares:  # the largest groups that both have, in like shares
            least, most = np.minimum(own[row], other[row]), np.maximum(own[row], other[row])
            fits = [k for k in np.argsort(-np.where(both, least, -1), kind="stable") if both[k] and least[k] > 0]
            fits = [k for k in fits if k not in gaps and least[k] >= 2 / 3 * most[k]][:2]
        else:  # the smallest differences, under half of a scale
            fits = [k for k in np.argsort(weighted[row], kind="stable") if both[k] and k not in gaps]
            fits = [k for k in fits if weighted[row, k] <= space.parts[k] / 4][:2]
        alike.append(_pairs(space, variables, fits, own[row], other[row]))
        said = _pairs(space, variables, gaps, own[row], other[row])
        whole = f", {100 * parts[row, gaps].sum():.0f}% of the difference" if gaps else ""
        differs.append(said + whole)
    return alike, differs


def _pairs(space: Space, variables: Variables, which, own, other) -> str:
    texts = []
    for k in which:
        at = space.columns[k]
        label, unit = variables.labels[at], variables.units[at]
        if np.isnan(own[k]) or np.isnan(other[k]):
            texts.append(f"{label} (a number is hidden)")
        else:
            texts.append(f"{label} ({_figure(own[k], unit)} here, {_figure(other[k], unit)} there)")
    return listed(texts)


def whole_percent(share: float) -> int:
    """A share as whole percents, halves up as in every table, so that a sentence has the number that stands in one.

    Examples
    --------
    >>> whole_percent(0.125), whole_percent(0.145), whole_percent(0.004)
    (13, 15, 0)
    """
    return math.floor(100 * share + 0.5 + 1e-9)


def _figure(value: float, unit: str) -> str:
    if unit == SHARE:
        return f"{whole_percent(value)}%"
    digits = 0 if abs(value) >= 20 else 1 if unit == "%" else 2
    return f"{value:,.{digits}f}{unit}"


def _terms_table(space: Space, variables: Variables, table, i, j, parts) -> pd.DataFrame:
    width = len(space.columns)
    names, labels = np.array(variables.names, dtype=object), np.array(variables.labels, dtype=object)
    return pd.DataFrame(
        {
            "school": np.repeat(table["school"].to_numpy(), width),
            "similar": np.repeat(table["similar"].to_numpy(), width),
            "variable": np.tile(names[space.columns], len(table)),
            "label": np.tile(labels[space.columns], len(table)),
            "value": space.values[i].ravel(),
            "similar_value": space.values[j].ravel(),
            "part": parts.ravel(),
        }
    )


# --- the parts ------------------------------------------------------------------------------------------


def _groups(facts: pd.DataFrame, same: tuple[str, ...]) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Rows of schools that are the same in these columns; schools that do not give one are left out."""
    columns = [column for column in same if column in facts]
    given = np.ones(len(facts), dtype=bool)
    left, keys = [], []
    for column in columns:
        values = facts[column].astype("object").where(facts[column].notna(), "").astype("str")
        blank = values.str.strip().str.lower().isin(_NOT_GIVEN).to_numpy()
        left += [(code, f"{column} not given") for code in facts.index[blank & given].astype("str")]
        given &= ~blank
        keys.append(values)
    rows = np.flatnonzero(given)
    if not columns or not len(rows):
        return [rows] if len(rows) else [], left
    number = pd.DataFrame({k: values.to_numpy()[rows] for k, values in enumerate(keys)}).groupby(
        list(range(len(keys))), sort=True
    ).ngroup().to_numpy()  # fmt: skip
    return [rows[number == k] for k in range(number.max() + 1)], left


def _nowhere(facts: pd.DataFrame) -> np.ndarray:
    if not {"easting", "northing"} <= set(facts.columns):
        return np.ones(len(facts), dtype=bool)
    return facts[["easting", "northing"]].isna().any(axis=1).to_numpy()


def _kilometres(facts: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    if not {"easting", "northing"} <= set(facts.columns):
        return np.full((len(rows), len(facts)), np.nan)
    x, y = facts["easting"].to_numpy(dtype=float), facts["northing"].to_numpy(dtype=float)
    return straight_line_table_m(x[rows], y[rows], x, y) / 1000
