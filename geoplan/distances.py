"""Metres between people, areas and schools: the straight line, on the British National Grid, and its bands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd

METRES_PER_MILE = 1609.344
METRES_PER = MappingProxyType({"miles": METRES_PER_MILE, "km": 1000.0})
BANDS = (0.5, 1.0, 2.0, 3.0)
NOT_KNOWN = "not known"
ONE_SIDED = (
    "Distances are straight lines from the home's postcode to the school. A walk is never shorter, so a pupil over 3 "
    "miles by the straight line is over 3 miles by any route; a pupil under it may be over it on foot."
)


def straight_line_m(easting_a, northing_a, easting_b, northing_b) -> np.ndarray:
    """Straight-line metres between points, pair by pair.

    The straight line decides admission ties; it says nothing of the walking route, which decides free
    transport.

    Examples
    --------
    >>> float(straight_line_m(0, 0, 300, 400))
    500.0
    """
    return np.hypot(np.subtract(easting_a, easting_b), np.subtract(northing_a, northing_b))


def straight_line_table_m(easting_a, northing_a, easting_b, northing_b) -> np.ndarray:
    """Straight-line metres from each point of ``a`` (rows) to each of ``b`` (columns)."""
    a = np.asarray(easting_a, dtype=float)[:, None], np.asarray(northing_a, dtype=float)[:, None]
    return straight_line_m(*a, np.asarray(easting_b, dtype=float)[None, :], np.asarray(northing_b, dtype=float)[None])


def name_bands(edges: Sequence[float] = BANDS, unit: str = "miles") -> tuple[str, ...]:
    """What bands of distance are called, the nearest first; the last but one has no end, the last is not known.

    Parameters
    ----------
    edges
        Where one band ends and the next begins, ascending; a distance on an edge belongs to the nearer band.
    unit
        ``miles`` or ``km``.

    Raises
    ------
    ValueError
        If the edges do not ascend from above 0, or the unit is not known.

    Examples
    --------
    >>> name_bands((1, 3), "km")
    ('up to 1 km', '1 to 3 km', 'over 3 km', 'not known')
    """
    if unit not in METRES_PER:
        raise ValueError(f"distances are in {' or '.join(METRES_PER)}, not {unit!r}")
    if not len(edges) or edges[0] <= 0 or any(b <= a for a, b in pairwise(edges)):
        raise ValueError("the edges of distance bands must ascend from above 0")
    middle = (f"{a:g} to {b:g} {unit}" for a, b in pairwise(edges))
    return (f"up to {edges[0]:g} {unit}", *middle, f"over {edges[-1]:g} {unit}", NOT_KNOWN)


def to_bands(
    metres: Sequence[float] | np.ndarray, edges: Sequence[float] = BANDS, unit: str = "miles"
) -> pd.Categorical:
    """The band of each distance; missing ones are "not known".

    Examples
    --------
    >>> to_bands([100.0, 804.672, 804.7, float("nan")]).tolist()
    ['up to 0.5 miles', 'up to 0.5 miles', '0.5 to 1 miles', 'not known']
    """
    names = name_bands(edges, unit)
    metres = np.asarray(metres, dtype=float)
    number = np.searchsorted(np.asarray(edges, dtype=float) * METRES_PER[unit], metres, side="left")
    number[np.isnan(metres)] = len(names) - 1
    return pd.Categorical.from_codes(number, categories=list(names), ordered=True)
