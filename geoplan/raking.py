"""Raking: a table fitted to stated margins, one after the other, until all agree.

Both a survey's weights and small-area estimates of children are made so. Zero cells stay zero, and what the table said
of the relations within its margins is kept as far as the margins allow.

References: Deming and Stephan (1940), Annals of Mathematical Statistics 11:427.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

ENOUGH = 1e-12  # the largest gap, as a part of the whole, at which raking stops


def rake_table(
    table: pd.Series, margins: Mapping[str, pd.Series] | Sequence[pd.Series], rounds: int = 1000
) -> tuple[pd.Series, float]:
    """A table fitted to margins.

    Parameters
    ----------
    table
        Numbers from zero up, indexed by named dimensions.
    margins
        Each a Series indexed by one or more of the table's dimensions, with every code that the table has there;
        all add up to one whole.
    rounds
        The most rounds.

    Returns
    -------
    fitted, gap
        On the table's index; and the largest difference left between the table and a margin.

    Examples
    --------
    >>> cells = pd.MultiIndex.from_product([["a", "b"], ["x", "y"]], names=["area", "age"])
    >>> areas = pd.Series([60.0, 40.0], index=pd.Index(["a", "b"], name="area"))
    >>> ages = pd.Series([50.0, 50.0], index=pd.Index(["x", "y"], name="age"))
    >>> fitted, gap = rake_table(pd.Series([1.0, 1.0, 1.0, 3.0], index=cells), [areas, ages])
    >>> fitted.groupby("area").sum().round(6).tolist(), fitted.groupby("age").sum().round(6).tolist(), gap < 1e-6
    ([60.0, 40.0], [50.0, 50.0], True)
    """
    margins = list(margins.values()) if isinstance(margins, Mapping) else list(margins)
    places, targets = [], []
    for margin in margins:
        names = [str(name) for name in margin.index.names]
        keys = (
            table.index.get_level_values(names[0])
            if len(names) == 1
            else pd.MultiIndex.from_arrays([table.index.get_level_values(name) for name in names], names=names)
        )
        at = margin.index.get_indexer(keys)
        if (at < 0).any():
            raise ValueError(f"{', '.join(names)}: the margin lacks a code that the table has")
        places.append(at)
        targets.append(margin.to_numpy(dtype=float))
    values = table.to_numpy(dtype=float).copy()
    whole = max((float(target.sum()) for target in targets), default=0.0) or 1.0
    gap = np.inf if margins else 0.0
    for _ in range(rounds if margins else 0):
        for at, target in zip(places, targets, strict=True):
            now = np.bincount(at, values, len(target))
            factor = np.divide(target, now, out=np.zeros_like(target), where=now > 0)
            values *= factor[at]
        gap = max(
            float(np.abs(np.bincount(at, values, len(target)) - target).max())
            for at, target in zip(places, targets, strict=True)
        )
        if gap <= ENOUGH * whole:
            break
    return pd.Series(values, index=table.index, name=table.name), gap
