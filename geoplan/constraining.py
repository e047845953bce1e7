"""Small-area estimates of children brought to official totals; every change reported.

Registers count too many (people who moved away stay on lists), official projections are right in sum and know
nothing of streets. Raking keeps the pattern of the one and the totals of the other.

References: *Learning from experience* (2008), the Steria tips (constrain registers to sub-national projections and
small-area estimates); Deming and Stephan (1940).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.errors import ComparisonRefused
from geoplan.raking import rake_table

LA = "authority"


@dataclass(frozen=True, repr=False, eq=False)
class Constrained:
    """Estimates brought to totals.

    Parameters
    ----------
    children
        By ``area`` and ``age``.
    adjustments
        One row for each area and age: ``before``, ``after``, ``factor`` (after over before).
    gap
        The largest difference left to any total; 0 up to rounding of the computer.
    notes
        What was noticed: totals that differ among themselves, groups without any child.
    """

    children: pd.Series
    adjustments: pd.DataFrame
    gap: float
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        factors = self.adjustments["factor"]
        return (
            f"<Constrained: {len(self.children):,} areas and ages, factors {factors.min():.2f} to {factors.max():.2f}>"
        )


def constrain(
    children: pd.Series,
    *,
    by_age: pd.Series | None = None,
    by_area: pd.Series | None = None,
    bands: Mapping[int, str] | None = None,
    authority: Mapping[str, str] | None = None,
) -> Constrained:
    """Bring children by area and age to official totals, exactly.

    Parameters
    ----------
    children
        Registered children by ``area`` and ``age``.
    by_age
        Totals of the authority (or of each, indexed by ``authority`` and the age or band too): a sub-national
        projection.
    by_area
        Totals of each area over all ages: a small-area estimate of children. Scaled to the sum of ``by_age`` where both
        are given and differ; the difference is noted.
    bands
        The band of each age, where ``by_age`` is by band ("0-4"); single years if not given.
    authority
        The authority of each area, where ``by_age`` has several.

    Raises
    ------
    ComparisonRefused
        If bands do not cover the register's ages, a total lacks a code, or there are children wanted where the register
        has none.

    Examples
    --------
    >>> cells = pd.MultiIndex.from_product([["a", "b"], [3, 4]], names=["area", "age"])
    >>> found = constrain(pd.Series([10.0, 12.0, 20.0, 18.0], cells), by_age=pd.Series({3: 27.0, 4: 33.0}))
    >>> found.children.round(6).tolist(), found.adjustments["factor"].round(2).unique().tolist()
    ([9.0, 13.2, 18.0, 19.8], [0.9, 1.1])
    """
    table = children.astype(float).copy()
    table.index = table.index.set_names(["area", "age"])
    if (table < 0).any():
        raise ComparisonRefused(f"{int((table < 0).sum()):,} counts of children are below zero; correct the register")
    notes, margins = [], []
    frame = table.rename("children").reset_index()
    if by_age is not None:
        if bands is not None:
            missing = sorted(set(frame["age"]) - set(bands))
            if missing:
                raise ComparisonRefused(
                    f"the totals' age bands do not match the register: no band has age {', '.join(map(str, missing))}; "
                    "give totals that cover them, or leave those ages out"
                )
        frame["band"] = frame["age"].map(bands) if bands is not None else frame["age"]
        frame[LA] = frame["area"].map(authority) if authority is not None else ""
        if by_age.index.nlevels == 1:
            by_age = pd.concat({"": by_age}, names=[LA])
        margins.append((("authority", "band"), by_age.rename_axis([LA, "band"]).astype(float)))
    if by_area is not None:
        wanted = by_area.astype(float).rename_axis("area")
        if by_age is not None and not np.isclose(wanted.sum(), by_age.sum(), rtol=1e-9):
            notes.append(
                f"the totals by area add up to {wanted.sum():,.1f}, those by age to {by_age.sum():,.1f}: areas were "
                f"scaled by {by_age.sum() / wanted.sum():.4f}"
            )
            wanted = wanted * (by_age.sum() / wanted.sum())
        margins.append((("area",), wanted))
    if not margins:
        raise ComparisonRefused("give totals by age, by area, or both")
    keys = [name for name in ("area", "age", "band", LA) if name in frame]
    cells = frame.set_index(keys)["children"]
    for names, margin in margins:
        _check_margin(cells, names, margin)
    fitted, gap = rake_table(cells, [margin for _, margin in margins], rounds=5000)
    after = pd.Series(fitted.to_numpy(), index=table.index, name="children")
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(table > 0, after / table, 1.0)
    adjustments = pd.DataFrame({"before": table, "after": after, "factor": factor})
    return Constrained(after, adjustments, gap, tuple(notes))


def constrain_register(
    register: pd.DataFrame,
    by_age: pd.DataFrame | None = None,
    bands: Mapping[int, str] | None = None,
    by_area: pd.DataFrame | None = None,
    area_ages: Iterable[int] = (),
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A register of several years brought to official totals, each year that they are given for.

    Parameters
    ----------
    register
        ``area``, ``year``, ``age``, ``children``; unknown counts stay unknown.
    by_age
        Totals of all areas together: ``year``, ``band``, ``people``.
    bands
        The band of each age that ``by_age`` has; children of other ages stay as they are.
    by_area
        Totals of each area over ``area_ages``: ``area``, ``year``, ``people``; areas without stay as they are.

    Returns
    -------
    register, notes
        As given, with children changed; which years and ages were not, in sentences.

    Raises
    ------
    ComparisonRefused
        If no year or area is in both, ages of the two kinds of totals differ, or totals do not fit (:func:`constrain`).

    Examples
    --------
    >>> lists = pd.DataFrame({"area": ["a", "b"], "year": 2025, "age": 4, "children": [10.0, 30.0]})
    >>> totals = pd.DataFrame({"year": [2025], "band": ["4"], "people": [36.0]})
    >>> constrain_register(lists, totals, {4: "4"})[0]["children"].tolist()
    [9.0, 27.0]
    """
    years = [set(table["year"]) for table in (by_age, by_area) if table is not None]
    told = set.intersection(*years) if years else set()
    ages = [set(each) for each, table in ((bands or {}, by_age), (area_ages, by_area)) if table is not None]
    if len(ages) == 2 and ages[0] != ages[1]:
        raise ComparisonRefused("the totals by age and those by area are of different ages: give bands that end alike")
    have = set(register["year"])
    if not have & told:
        shown = ", ".join(map(str, sorted(told))) or "no year that both kinds of totals have"
        raise ComparisonRefused(f"totals: of {shown}; the register: of {', '.join(map(str, sorted(have)))}; none alike")
    parts, notes = [], []
    known = register["area"].isin(set(register["area"] if by_area is None else by_area["area"]))
    if not known.any():
        raise ComparisonRefused(
            f"totals by area: none of the register's {register['area'].nunique():,} areas has any (the register has "
            f"{register['area'].iloc[0]}, the totals {by_area['area'].iloc[0]}): give both for areas of one kind"
        )
    if not known.all():
        notes.append(f"{register.loc[~known, 'area'].nunique():,} areas have no totals, and stay as they are")
    for year, part in register.groupby("year"):
        inside = part["age"].isin(ages[0] if ages else ()) & part["children"].notna() & known[part.index]
        if year not in told or not inside.any():
            parts.append(part)
            continue
        cells = part[inside].groupby(["area", "age"])["children"].sum()
        wanted = None if by_age is None else by_age[by_age["year"].eq(year)].groupby("band")["people"].sum()
        areas = None if by_area is None else by_area[by_area["year"].eq(year)].groupby("area")["people"].sum()
        if areas is not None:
            areas = areas[areas.index.isin(cells.index.get_level_values("area"))]
        found = constrain(cells, by_age=wanted, by_area=areas, bands=bands)
        notes += [f"{year}: {note}" for note in found.notes]
        done = found.children.rename("children").reset_index().assign(year=year)
        parts += [done[["area", "year", "age", "children"]], part[~inside]]
    missing = sorted(have - told)
    if missing:
        notes.append(f"registers of {', '.join(map(str, missing))} have no totals, and stay as they are")
    rest = sorted(set(register["age"]) - ages[0])
    if rest:
        notes.append(f"no totals for the ages {', '.join(map(str, rest))}: those children stay as they are")
    keys = ["area", "year", "age"]
    return pd.concat(parts)[[*keys, "children"]].sort_values(keys, ignore_index=True), tuple(notes)


def _check_margin(cells: pd.Series, names: tuple[str, ...], margin: pd.Series) -> None:
    have = cells.groupby(list(names)).sum()
    have = have if len(names) > 1 else have.rename_axis(names[0])
    lacking = have.index.difference(margin.index)
    if len(lacking):
        raise ComparisonRefused(
            f"totals by {' and '.join(names)}: {len(lacking):,} groups of the register have none (first {lacking[0]})"
        )
    wanted = margin[margin > 0].index
    empty = wanted.difference(have[have > 0].index)
    if len(empty):
        raise ComparisonRefused(
            f"totals by {' and '.join(names)}: {len(empty):,} groups should have children and the register has none "
            f"there (first {empty[0]}); use larger areas or another register"
        )
