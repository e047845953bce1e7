"""Children who move: how many more or fewer there are of the same children a year later, and who will be there to come.

A chart of moving by age (of all areas, or an official one) is scaled in each area by what its own registers say.

Reference: *Learning from experience* (2008), the Steria tips ("scale the propensity to migrate chart" by registers).
"""

from __future__ import annotations

import pandas as pd


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
