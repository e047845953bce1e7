"""How clusters are to be made of area statistics: the variables, how they are put on one scale, and what they say.

A recipe is a plain value that can be printed, saved, read and run again. Each variable is a percentage (or a value
as published); a transform draws in long tails, standardisation gives every variable a like weight.

References
----------
Wyszomierski, J., Longley, P. A., Singleton, A. D., Gale, C. and O'Brien, O. (2024), "A neighbourhood Output Area
Classification from the 2021 and 2022 UK censuses", The Geographical Journal 190(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from geoplan.errors import InputRefused, Problem, RecipeError, VintageError
from geoplan.sources import Source

TRANSFORMS = ("asinh", "log", "boxcox", "none")
STANDARDS = ("range", "limits", "zscore", "idr")
METHODS = ("kmeans", "ward", "gmm")
LEVELS = ("supergroup", "group", "subgroup")
MOST = 26  # clusters inside one parent: a code has one character a level
MOST_PER_CENT = 110.0  # published counts are altered a little, so that parts may add up to slightly over their whole


@dataclass(frozen=True)
class Variable:
    """One variable of a recipe: a percentage, or a value as published where ``denominator`` is empty.

    Parameters
    ----------
    name
        Short and stable: ``detached``.
    label
        In plain words that can follow "more" and "fewer": ``detached homes``.
    numerator, denominator
        Columns of the file of statistics, added up.
    in_names
        Whether suggested names may use it. Ethnic group, religion, language and the like describe a cluster in its
        table, but a name that follows children about should not be made of them.
    published
        Its column in a published table of centroids.
    """

    name: str
    label: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    in_names: bool = True
    published: str = ""


@dataclass(frozen=True)
class ClusterRecipe:
    """How clusters are made of area statistics; the same recipe and data give the same clusters.

    Parameters
    ----------
    variables
        In a fixed order.
    transform
        ``asinh`` (inverse hyperbolic sine), ``log`` (of 1 + x), ``boxcox`` (of 1 + x, power fitted), ``none``.
    standardise
        ``range`` (0 at the least area, 1 at the greatest), ``limits`` (0 at 0 per cent, 1 at 100 per cent, whatever
        the data), ``zscore``, ``idr`` (median 0, from the tenth to the ninetieth percentile 1).
    method
        ``kmeans``, ``ward``, or ``gmm`` (Gaussian mixture, diagonal). New areas go to the nearest centroid in each.
    counts
        How many clusters at each level: ``(8,)``, ``(8, 3)`` for three in each of the eight, or
        ``(8, (3, 3, 3, 3, 2, 3, 2, 2))``, in the order of the parents' codes.
    starts
        Random starts of k-means; the best is kept (ten at most for ``gmm``).
    seed
        Of the random starts.
    """

    variables: tuple[Variable, ...]
    transform: str = "asinh"
    standardise: str = "range"
    method: str = "kmeans"
    counts: tuple[int | tuple[int, ...], ...] = (8,)
    starts: int = 100
    seed: int = 2021

    def __post_init__(self):
        for value, allowed, what in (
            (self.transform, TRANSFORMS, "transform"),
            (self.standardise, STANDARDS, "standardise"),
            (self.method, METHODS, "method"),
        ):
            if value not in allowed:
                raise RecipeError(f"{what} = {value!r}: use one of {', '.join(allowed)}")
        names = [variable.name for variable in self.variables]
        if len(names) < 2 or len(set(names)) < len(names):
            raise RecipeError("clusters need two variables or more, each with a name of its own")
        if not 1 <= len(self.counts) <= len(LEVELS):
            raise RecipeError(f"counts: from one to {len(LEVELS)} levels, one number each")
        each = list(chain.from_iterable([c] if isinstance(c, int) else c for c in self.counts))
        if not isinstance(self.counts[0], int) or self.counts[0] < 2 or not all(1 <= c <= MOST for c in each):
            raise RecipeError(f"counts: the first level has from 2 to {MOST} clusters, others from 1 in each parent")
        if self.starts < 1:
            raise RecipeError("starts: one or more")
        values = [variable.name for variable in self.variables if not variable.denominator]
        if self.standardise == "limits" and values:
            raise RecipeError(f"standardise = 'limits' is for percentages; {', '.join(values)} have no denominator")

    @property
    def names(self) -> list[str]:
        """Names of the variables, in order."""
        return [variable.name for variable in self.variables]

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels, coarse to fine."""
        return LEVELS[: len(self.counts)]


@dataclass(frozen=True, repr=False)
class AreaStatistics:
    """What a recipe's variables say of each area.

    Parameters
    ----------
    kind
        What the areas are: ``oa21``, ``lsoa21``.
    values
        Indexed by area code (text, unique); a column for each variable, in per cent or as published.
    source
        Where the statistics came from.
    records, left_out
        Rows read, and how many were left out because something was missing: ``len(values)`` and ``left_out`` add up
        to ``records``.
    """

    kind: str
    values: pd.DataFrame
    source: Source
    records: int = 0
    left_out: int = 0

    def __post_init__(self):
        if self.values.index.has_duplicates:
            raise VintageError(f"{self.source.title}: a {self.kind} code occurs twice", code="code_duplicated")

    def __repr__(self) -> str:
        return f"<AreaStatistics: {len(self.values):,} {self.kind}, {self.values.shape[1]} variables>"


def percentages(counts: pd.DataFrame, variables: Sequence[Variable]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each variable of each area in per cent, and what is wrong with it.

    Parameters
    ----------
    counts
        One row an area, the columns that the variables name, numbers.

    Returns
    -------
    values, faults
        Of the same shape. A fault is a reason code or "": ``value_missing`` (a number is missing),
        ``denominator_zero`` (nothing to take a share of), ``value_impossible`` (negative, or over 110 per cent).

    Examples
    --------
    >>> counts = pd.DataFrame({"detached": [30.0, 5.0], "homes": [120.0, 0.0]}, index=["a", "b"])
    >>> values, faults = percentages(counts, [Variable("detached", "detached homes", ("detached",), ("homes",))])
    >>> values["detached"].tolist(), faults["detached"].tolist()
    ([25.0, nan], ['', 'denominator_zero'])
    """
    values, faults = {}, {}
    for variable in variables:
        top = counts[list(variable.numerator)].sum(axis=1, skipna=False).to_numpy(float)
        below = np.ones(len(counts))
        if variable.denominator:
            below = counts[list(variable.denominator)].sum(axis=1, skipna=False).to_numpy(float) / 100
        good = np.isfinite(top) & np.isfinite(below) & (below > 0)
        value = np.divide(top, below, out=np.full(len(counts), np.nan), where=good)
        impossible = (top < 0) | (below < 0) | (bool(variable.denominator) & good & (value > MOST_PER_CENT))
        fault = np.where(below == 0, "denominator_zero", np.where(good, "", "value_missing"))
        values[variable.name] = np.where(impossible, np.nan, value)
        faults[variable.name] = np.where(impossible, "value_impossible", fault)
    return pd.DataFrame(values, index=counts.index), pd.DataFrame(faults, index=counts.index, dtype="str")


# ---------------------------------------------------------------------------------- the scale


def fit_scale(values: pd.DataFrame, recipe: ClusterRecipe) -> pd.DataFrame:
    """Centre, spread and power of each variable, and mean and standard deviation on the scale they make.

    Raises
    ------
    InputRefused
        Naming every variable that is the same in all areas.
    """
    rows = {}
    for name in recipe.names:
        column = values[name].to_numpy(float)
        power = _power(column) if recipe.transform == "boxcox" and np.ptp(column) > 0 else 0.0
        moved = transformed(column, recipe.transform, power)
        low, high = transformed(np.array([0.0, 100.0]), recipe.transform, power)
        tenth, median, ninetieth = np.quantile(moved, [0.1, 0.5, 0.9])
        centre, spread = {
            "range": (moved.min(), np.ptp(moved)),
            "limits": (low, high - low),
            "zscore": (moved.mean(), moved.std()),
            "idr": (median, ninetieth - tenth),
        }[recipe.standardise]
        spread = 0.0 if np.ptp(moved) == 0 else spread
        made = (moved - centre) / (spread or 1.0)
        rows[name] = (centre, spread, power, made.mean(), made.std())
    scale = pd.DataFrame.from_dict(rows, orient="index", columns=["centre", "spread", "power", "mean", "sd"])
    flat = scale.index[scale["spread"].le(0)]
    if len(flat):
        what = "in nearly all areas" if recipe.standardise == "idr" else "in all areas"
        problems = [Problem("", "variable_constant", f"the same {what}", "leave it out", column=name) for name in flat]
        raise InputRefused("variables", problems)
    return scale


def standardised(values: pd.DataFrame, recipe: ClusterRecipe, scale: pd.DataFrame) -> np.ndarray:
    """Areas by variables on a scale; a new area may lie outside 0 to 1."""
    columns = [
        (transformed(values[name].to_numpy(float), recipe.transform, power) - centre) / spread
        for name, centre, spread, power in scale[["centre", "spread", "power"]].itertuples()
    ]
    return np.column_stack(columns) if columns else np.empty((len(values), 0))


def transformed(x: np.ndarray, transform: str, power: float = 0.0) -> np.ndarray:
    """Values after the transform.

    Examples
    --------
    >>> transformed(np.array([0.0, 100.0]), "asinh").round(2).tolist()
    [0.0, 5.3]
    """
    if transform == "asinh":
        return np.arcsinh(x)
    if transform == "log":
        return np.log1p(x)
    if transform == "boxcox":
        return np.log1p(x) if power == 0 else np.expm1(power * np.log1p(x)) / power
    return x.astype(float)


def _power(column: np.ndarray) -> float:
    from scipy.stats import boxcox_normmax

    return float(boxcox_normmax(column + 1, method="mle"))
