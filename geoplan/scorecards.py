"""How wrong the authorities of England were, as the Department for Education scores them: the yardstick for a forecast.

The error is (forecast - actual) / actual of all pupils of a phase in an authority (primary Reception to Year 6,
secondary Years 7 to 11); + is a forecast too high. The bands are those printed for 2024/25, and may be made anew from
the scorecards' own file (:func:`geoplan.io.rolls.read_scorecards`).

References: DfE, *Local authority school places scorecards 2025* (June 2026), forecasting accuracy; the spread over
authorities as printed there. "Three years ahead" in 2022/23 was two: there was no collection in 2020.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

YEAR = "2024/25"
SOURCE = "Department for Education, Local authority school places scorecards, 2024/25"
PERCENTILES = (5, 25, 50, 75, 95)
#: Signed errors at the 5th, 25th, 50th, 75th and 95th hundredth of authorities, by phase and years ahead.
BANDS: Mapping[tuple[str, int], tuple[float, ...]] = {
    ("primary", 1): (-0.003, 0.007, 0.012, 0.019, 0.032),
    ("primary", 3): (-0.024, -0.001, 0.014, 0.031, 0.059),
    ("secondary", 1): (-0.003, 0.006, 0.012, 0.020, 0.031),
    ("secondary", 3): (-0.010, 0.016, 0.029, 0.044, 0.070),
}
_COLUMNS = {
    ("primary", 1): "For_1_P",
    ("primary", 3): "For_3_P",
    ("secondary", 1): "For_1_S",
    ("secondary", 3): "For_3_S",
}


def bands_of(errors: pd.DataFrame) -> dict[tuple[str, int], tuple[float, ...]]:
    """The bands of a year's errors by authority.

    Parameters
    ----------
    errors
        By authority: columns as :func:`errors_of` gives them.
    """
    return {key: tuple(np.nanpercentile(errors[key], PERCENTILES)) for key in errors.columns}


def errors_of(scorecards: pd.DataFrame, year: str) -> pd.DataFrame:
    """The errors of each authority in a year, from the scorecards as read.

    Returns
    -------
    DataFrame
        By authority number: a column for each phase and years ahead, ``("primary", 1)`` ...
    """
    rows = scorecards[scorecards["year"].eq(year)].set_index("authority")
    table = pd.DataFrame({key: pd.to_numeric(rows[name], errors="coerce") for key, name in _COLUMNS.items()})
    return table[table.notna().any(axis=1)]


def place_among(
    error: float,
    phase: str,
    ahead: int,
    others: pd.Series | None = None,
    bands: Mapping[tuple[str, int], tuple[float, ...]] = BANDS,
) -> tuple[str, float]:
    """Where an error stands among the authorities'.

    Parameters
    ----------
    error
        Signed, a share.
    phase, ahead
        ``primary`` or ``secondary``; 1 or 3 years.
    others
        Errors of the authorities, to count those that missed by more.
    bands
        The bands, if not those of 2024/25.

    Returns
    -------
    words, share
        In words; and the share of authorities whose miss was larger (NaN without ``others``).

    Examples
    --------
    >>> place_among(0.012, "primary", 1)[0], place_among(-0.05, "secondary", 3)[0]
    ('within the middle half of authorities', 'lower than nineteen in twenty authorities')
    >>> place_among(0.01, "primary", 1, pd.Series([0.02, -0.03, 0.0, 0.05]))[1]
    0.75
    """
    low, quarter, _, three, high = bands[(phase, ahead)]
    if error < low:
        words = "lower than nineteen in twenty authorities"
    elif error > high:
        words = "higher than nineteen in twenty authorities"
    elif error < quarter:
        words = "lower than three quarters of authorities"
    elif error > three:
        words = "higher than three quarters of authorities"
    else:
        words = "within the middle half of authorities"
    share = float((others.dropna().abs() > abs(error)).mean()) if others is not None else float("nan")
    return words, share
