"""Metres between people, areas and schools: the straight line, on the British National Grid."""

from __future__ import annotations

import numpy as np

METRES_PER_MILE = 1609.344


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
