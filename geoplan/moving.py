"""Children who move: how many more or fewer there are of the same children a year later.

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
