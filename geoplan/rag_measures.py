"""What a school is judged by: measures worked out from places, rolls and preferences, and why one is missing.

Definitions of the field: unfilled places are counted school by school and never netted off against schools that are
over-full (Department for Education, school capacity statistics); popularity is first preferences for each place of
the published admission number, as Essex had it. A number that is missing is missing with its reason: ``z`` in a
published file is not the same as an empty cell, and neither is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.errors import InputRefused, Problem
from geoplan.sentences import first_few

NO_FIGURE = "no figure given"
#: The symbols of published statistics, in words.
SYMBOL_WORDS = MappingProxyType(
    {
        "Z": "not applicable (z in the file)",
        "X": "not available (x in the file)",
        "C": "hidden by its publisher (c in the file)",
        "SUPP": "hidden by its publisher (SUPP in the file)",
        "LOW": "rounds to zero (low in the file)",
        "K": "rounds to zero (k in the file)",
        "U": "of low reliability (u in the file)",
        "NP": "not published (NP in the file)",
        "NE": "no entries (NE in the file)",
    }
)


@dataclass(frozen=True)
class Measure:
    """A number of a school: what it is, in what unit, and how it comes of other numbers.

    Parameters
    ----------
    name
        As rules name it.
    label
        In words, to stand before "is 25% or more".
    unit
        ``%`` or words.
    needs
        The numbers it is worked out from; none for one that is read.
    of
        The formula, over arrays in the order of ``needs``.
    mover
        The number of pupils (``roll``) that moves it, to say how many more or fewer would change a colour.
    """

    name: str
    label: str
    unit: str = ""
    needs: tuple[str, ...] = ()
    of: Callable[..., np.ndarray] | None = None
    mover: str = ""


def _unfilled(places: np.ndarray, roll: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, places - roll)


def _over(places: np.ndarray, roll: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, roll - places)


def _percent(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, 100.0 * part / whole, np.nan)


#: Measures that every council means the same by; any other column of a file may be one too.
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        each.name: each
        for each in (
            Measure("places", "the number of places", "places"),
            Measure("roll", "the number of pupils on roll", "pupils", mover="roll"),
            Measure("pan", "the published admission number", "places"),
            Measure("fsm_percent", "the percentage of pupils eligible for free school meals", "%"),
            Measure(
                "unfilled_places", "the number of unfilled places", "places", ("places", "roll"), _unfilled, "roll"
            ),
            Measure(
                "unfilled_percent", "the percentage of places that are unfilled", "%", ("places", "roll"),
                lambda places, roll: _percent(_unfilled(places, roll), places), "roll",
            ),
            Measure("over_places", "the number of pupils over capacity", "pupils", ("places", "roll"), _over, "roll"),
            Measure(
                "over_percent", "the percentage by which pupils exceed places", "%", ("places", "roll"),
                lambda places, roll: _percent(_over(places, roll), places), "roll",
            ),
            Measure(
                "popularity", "the number of first preferences for each place", "", ("first_preferences", "pan"),
                lambda first, pan: _percent(first, pan) / 100.0,
            ),
        )
    }
)  # fmt: skip
#: Numbers that cannot be below zero, whatever the school.
COUNTS = frozenset({"places", "roll", "pan", "first_preferences"})


def measure_named(name: str) -> Measure:
    """A known measure, or one that is a column of its own.

    Examples
    --------
    >>> measure_named("unfilled_percent").unit, measure_named("attendance_percent").label
    ('%', 'attendance')
    """
    if name in MEASURES:
        return MEASURES[name]
    percent = name.endswith("_percent")
    return Measure(name, name.removesuffix("_percent").replace("_", " "), "%" if percent else "")


def columns_of(measure: str) -> tuple[str, ...]:
    """The columns of a file that a measure is made from.

    Examples
    --------
    >>> columns_of("popularity"), columns_of("attendance_percent")
    (('first_preferences', 'pan'), ('attendance_percent',))
    """
    return measure_named(measure).needs or (measure,)


@dataclass(frozen=True, repr=False)
class Facts:
    """Numbers about schools, and why each that is missing is missing.

    Parameters
    ----------
    values
        Indexed by school; a float for each column, NaN where there is none.
    reasons
        The same shape: words where the number is missing, "" where it is there.
    """

    values: pd.DataFrame
    reasons: pd.DataFrame

    def __repr__(self) -> str:
        return f"<Facts of {len(self.values):,} schools: {', '.join(map(str, self.values.columns))}>"

    def of(self, measure: str) -> tuple[pd.Series, pd.Series]:
        """A measure of every school, and why it is missing where it is.

        Examples
        --------
        >>> frame = pd.DataFrame({"places": [420, 0], "roll": [315, 10]}, index=["1", "2"])
        >>> values, why = facts_from(frame).of("unfilled_percent")
        >>> values.tolist(), why.tolist()
        ([25.0, nan], ['', 'a capacity of 0 places has no percentage'])
        """
        known = measure_named(measure)
        if not known.needs:
            return self.values[measure], self.reasons[measure]
        parts = [self.values[name].to_numpy(dtype=float) for name in known.needs]
        value = pd.Series(known.of(*parts), self.values.index)
        why = pd.Series("", self.values.index, dtype="object")
        for name in known.needs:
            told = self.reasons[name]
            why = why.mask((why == "") & (told != ""), told.map(lambda words, name=name: f"{_noun(name)}: {words}"))
        nothing = value.isna() & (why == "")
        zero = f"{'a capacity' if known.needs[0] == 'places' else 'an admission number'} of 0 places has no percentage"
        return value.mask(why != ""), why.mask(nothing, zero)

    def columns(self) -> tuple[str, ...]:
        """What there is, and what can be worked out from it."""
        there = list(map(str, self.values.columns))
        made = [m.name for m in MEASURES.values() if m.needs and set(m.needs) <= set(there) and m.name not in there]
        return (*there, *made)


def _noun(name: str) -> str:
    return {"roll": "pupils on roll", "pan": "admission number"}.get(name, name.replace("_", " "))


def facts_from(frame: pd.DataFrame, reasons: pd.DataFrame | None = None) -> Facts:
    """Facts from a frame of numbers; what is missing without a reason has "no figure given"."""
    values = frame.apply(lambda column: pd.to_numeric(column, errors="coerce")).astype("float64")
    values.index = values.index.astype("str")
    told = pd.DataFrame("", values.index, values.columns, dtype="object")
    if reasons is not None:
        given = reasons.rename(index=str).reindex(index=values.index, columns=values.columns)
        told = given.astype("object").where(given.notna(), "")
    gone = values.isna()
    return Facts(values, told.where(gone, "").mask(gone & (told == ""), NO_FIGURE))


def join_facts(first: Facts, then: Facts) -> tuple[Facts, tuple[str, ...]]:
    """Facts of two files for the schools of the first; a column of both comes from the second, and is named.

    Examples
    --------
    >>> a, b = (pd.DataFrame({"roll": [n]}, index=["1"]) for n in (10, 12))
    >>> both, replaced = join_facts(facts_from(a), facts_from(b))
    >>> both.values["roll"].tolist(), replaced
    ([12.0], ('roll',))
    """
    index = first.values.index
    replaced = tuple(name for name in first.values if name in then.values)
    values = first.values.drop(columns=list(replaced)).join(then.values.reindex(index))
    lacking = then.reasons.reindex(index)
    reasons = first.reasons.drop(columns=list(replaced)).join(lacking.where(lacking.notna(), NO_FIGURE))
    return Facts(values, reasons), replaced


def require_possible(facts: Facts, file: str, counts: Collection[str], percents: Sequence[str]) -> None:
    """Refuse what no school can have: a count below zero, a percentage of pupils outside 0 to 100.

    Raises
    ------
    InputRefused
        With every column concerned; schools by number, never the value.
    """
    problems = []
    for name in facts.values:
        column = facts.values[name]
        wrong, what = pd.Series(False, column.index), ""
        if name in counts:
            wrong, what = column < 0, "a count below zero"
        elif name in percents:
            wrong, what = (column < 0) | (column > 100), "a percentage that is not between 0 and 100"
        schools = [str(code) for code in column.index[wrong.to_numpy(bool)]]
        if schools:
            problems.append(
                Problem(
                    file, "value_impossible", f"{what}: school {first_few(schools)}",
                    "correct it at the source, or leave the cell empty if the figure is not known", column=str(name),
                )
            )  # fmt: skip
    if problems:
        raise InputRefused(file, problems)
