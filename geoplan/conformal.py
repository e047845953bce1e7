"""Intervals from past errors alone: no bell curve is assumed, only that the next error is like those seen.

The interval is the range between two of the past errors put in order, with the correction that makes its coverage at
least what is stated when errors are exchangeable. Where there are too few past errors for the coverage asked for, no
interval is given: the data cannot tell.

References: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World; Lei et al. (2018), Journal of the
American Statistical Association 113:1094 (split conformal inference).
"""

from __future__ import annotations

import math

import numpy as np


def errors_needed(coverage: float) -> int:
    """How many past errors an interval needs at least.

    Examples
    --------
    >>> errors_needed(0.8), errors_needed(0.95)
    (9, 39)
    """
    return math.ceil(2 / (1 - coverage) - 1 - 1e-9)


def limits(errors: np.ndarray, coverage: float) -> tuple[float, float]:
    """The lower and upper end of the interval for the next error; NaN where there are too few.

    Parameters
    ----------
    errors
        Past errors, signed, in one dimension.
    coverage
        The coverage asked for: 0.95.

    Examples
    --------
    >>> limits(np.arange(1.0, 40.0), 0.95), limits(np.arange(5.0), 0.95)
    ((1.0, 39.0), (nan, nan))
    """
    known = np.sort(errors[np.isfinite(errors)])
    n = len(known)
    if n < errors_needed(coverage):
        return math.nan, math.nan
    tail = (1 - coverage) / 2
    low = math.floor((n + 1) * tail + 1e-9)
    high = math.ceil((n + 1) * (1 - tail) - 1e-9)
    return float(known[low - 1]), float(known[high - 1])
