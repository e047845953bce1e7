"""Small-area estimates of children brought to official totals, and children to come by area; every change reported.

Registers count too many (people who moved away stay on lists), official projections are right in sum and know
nothing of streets. Raking keeps the pattern of the one and the totals of the other.

References: *Learning from experience* (2008), the Steria tips (constrain registers to sub-national projections and
small-area estimates; scale the propensity to migrate by local registers); Deming and Stephan (1940).
"""

from __future__ import annotations

from collections.abc import Mapping
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

    def by_total(self) -> pd.DataFrame:
        """The change in short: by age, children before and after, and the factor."""
        table = self.adjustments.groupby("age")[["before", "after"]].sum()
        return table.assign(factor=table["after"] / table["before"])


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
    >>> found.children.round(6).tolist(), found.by_total()["factor"].round(2).tolist()
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


# --- migration ------------------------------------------------------------------------------------------------


def net_moves(register: pd.DataFrame) -> pd.DataFrame:
    """What registers of two years say of moving: the same children a year older, here or gone.

    Parameters
    ----------
    register
        ``area``, ``year``, ``age``, ``children``.

    Returns
    -------
    DataFrame
        ``area``, ``year`` (of the earlier register), ``age``, ``children``, ``after`` (a year later, a year older),
        ``net``.
    """
    later = register.assign(year=register["year"] - 1, age=register["age"] - 1).rename(columns={"children": "after"})
    both = register.merge(later[["area", "year", "age", "after"]], on=["area", "year", "age"])
    return both.assign(net=both["after"] - both["children"])


def propensity(moves: pd.DataFrame) -> pd.Series:
    """Net moves for each child, by age, over all areas: the chart that small areas scale."""
    sums = moves.groupby("age")[["net", "children"]].sum()
    return (sums["net"] / sums["children"].where(sums["children"] > 0)).rename("propensity")


def local_scale(moves: pd.DataFrame, chart: pd.Series) -> pd.Series:
    """By how much each area's moving is that of the chart: 1 as everywhere, 2 twice, below 0 the other way.

    Least squares through zero, each age weighted by its children.
    """
    rate = moves["age"].map(chart)
    top = (moves["net"] * rate).groupby(moves["area"]).sum()
    base = (moves["children"] * rate**2).groupby(moves["area"]).sum()
    return (top / base.where(base > 0)).fillna(1.0).rename("scale")


def project_children(
    register: pd.DataFrame, births: pd.DataFrame, chart: pd.Series, scale: pd.Series, years: int
) -> pd.DataFrame:
    """Children by area and age in years to come: those registered grow older and move, others are born.

    Parameters
    ----------
    register
        ``area``, ``age``, ``children`` of the last year; ``year`` too.
    births
        ``area``, ``year`` (the register on whose 31 August the children are of age 0) and ``births``.
    chart, scale
        From :func:`propensity` and :func:`local_scale`.
    years
        How many.

    Returns
    -------
    DataFrame
        ``area``, ``year``, ``age``, ``children``.

    Examples
    --------
    >>> now = pd.DataFrame({"area": "a", "year": 2025, "age": [0, 1], "children": [10.0, 8.0]})
    >>> born = pd.DataFrame({"area": ["a"], "year": [2026], "births": [9.0]})
    >>> ahead = project_children(now, born, pd.Series({0: -0.1, 1: 0.0}), pd.Series({"a": 1.0}), 1)
    >>> ahead["children"].tolist()
    [9.0, 9.0]
    """
    now = register.copy()
    now["year"] = now.get("year", 0)
    top = int(now["age"].max())
    parts = []
    for _ in range(years):
        rate = now["age"].map(chart).fillna(0.0) * now["area"].map(scale).fillna(1.0)
        older = now.assign(
            age=now["age"] + 1, year=now["year"] + 1, children=(now["children"] * (1 + rate)).clip(lower=0)
        )
        year = int(older["year"].iloc[0])
        born = births[births["year"].eq(year)].rename(columns={"births": "children"}).assign(age=0)
        now = pd.concat([born[["area", "year", "age", "children"]], older[older["age"] <= top]], ignore_index=True)
        parts.append(now[["area", "year", "age", "children"]])
    return pd.concat(parts, ignore_index=True)
