"""Values as a reader sees them: rounded once, with a unit; hidden is "c", missing is "no data".

Everything a page says about a number (its text, its class on the map, the legend) is made from these
cells, so that a map can never say more, or something else, than the table beneath it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.disclosure import HIDDEN, Protected

NO_DATA = "no data"
PERCENT_UNITS = ("share", "%")
BASES = ("total", "base_total")  # columns of a profile: what its shares are shares of
LARGE_BASE = 1_000


@dataclass(frozen=True)
class Cells:
    """One column of a page.

    Parameters
    ----------
    heading
        What the column is called.
    unit
        ``share`` (0 to 1, shown as a percentage), ``%``, ``index``, ``£``, or words such as ``pupils``.
    decimals
        Decimals shown.
    values
        A number as shown, ``"c"`` where hidden, None where there is no data; or, in a column of words,
        the words.
    words
        True for a column of words.
    """

    heading: str
    unit: str
    decimals: int
    values: tuple[float | str | None, ...]
    words: bool = False

    @property
    def numbers(self) -> np.ndarray:
        """The values as floats, NaN where hidden, missing or words."""
        return np.array([v if isinstance(v, (int, float)) else np.nan for v in self.values], dtype=float)

    @property
    def texts(self) -> tuple[str, ...]:
        """Each value as printed."""
        return tuple(self.text(value) for value in self.values)

    @property
    def label(self) -> str:
        """The heading, with the unit where the numbers do not carry it.

        Examples
        --------
        >>> Cells("Distance", "metres", 0, ()).label, Cells("Pupils", "pupils", 0, ()).label
        ('Distance (metres)', 'Pupils')
        """
        plain = self.unit in ("", "index", "£", *PERCENT_UNITS) or self.unit.lower() in self.heading.lower()
        return self.heading if plain else f"{self.heading} ({self.unit})"

    def text(self, value: float | str | None) -> str:
        """One value as printed.

        Examples
        --------
        >>> Cells("Pupils", "pupils", 0, ()).text(1240.0)
        '1,240'
        >>> Cells("FSM", "share", 0, ()).text(12.0), Cells("FSM", "share", 0, ()).text(None)
        ('12%', 'no data')
        """
        if value is None:
            return NO_DATA
        if isinstance(value, str):
            return value
        number = f"{abs(value):,.{self.decimals}f}"
        sign = "\u2212" if value < 0 and any(digit in "123456789" for digit in number) else ""
        before = "£" if self.unit == "£" else ""
        return sign + before + number + ("%" if self.unit in PERCENT_UNITS else "")


def cells(
    data: Protected | pd.DataFrame,
    column: str,
    heading: str,
    unit: str = "",
    codes: Sequence[str] | None = None,
    decimals: int | None = None,
) -> Cells:
    """A column of a protected table, or of public facts, in the order of ``codes``.

    Shares get ``decimals`` where it is given, so that all those shown together have the same; by itself a
    column of shares has what :func:`share_decimals` finds for it.

    Examples
    --------
    >>> from geoplan.disclosure import protect
    >>> t = protect(pd.DataFrame({"n": [4, 1236]}, index=["a", "b"]), counts=["n"])
    >>> cells(t, "n", "Pupils", codes=["b", "a", "z"]).texts
    ('1,235', 'c', 'no data')
    """
    frame = data.table if isinstance(data, Protected) else data
    series = frame[column] if codes is None else frame[column].reindex(codes)
    if isinstance(data, Protected):
        hidden = data.is_hidden(column).astype(bool).reindex(series.index, fill_value=False).to_numpy()
    else:
        hidden = np.zeros(len(series), dtype=bool)
    if not (pd.api.types.is_numeric_dtype(series.dtype) or series.isna().all()):
        words = [None if missing else str(v) for v, missing in zip(series, series.isna(), strict=True)]
        texts = (HIDDEN if h else word or None for word, h in zip(words, hidden, strict=True))
        return Cells(heading, unit, 0, tuple(texts), words=True)
    numbers = pd.to_numeric(series).astype(float).to_numpy()
    numbers = np.where(np.isfinite(numbers), numbers, np.nan) * (100 if unit == "share" else 1)
    if unit not in PERCENT_UNITS:
        decimals = shown_decimals(numbers, unit)
    elif decimals is None:
        decimals = share_decimals(data, {column: unit})
    rounded = np.floor(np.abs(numbers) * 10**decimals + 0.5 + 1e-9) / 10**decimals * np.sign(numbers)
    values = (HIDDEN if h else None if np.isnan(v) else float(v) + 0.0 for v, h in zip(rounded, hidden, strict=True))
    return Cells(heading, unit, decimals, tuple(values))


def range_text(low: Cells, high: Cells, at: int) -> str:
    """A range in words, both ends with the same decimals; one that is too narrow for two ends says so.

    Examples
    --------
    >>> low, high = (Cells("", "share", 0, ends) for ends in ((4.0, 0.0, 12.0, "c"), (6.0, 0.0, 12.0, "c")))
    >>> [range_text(low, high, at) for at in range(4)]
    ['4 to 6%', 'under 1%', 'about 12%', 'c']
    """
    ends = (low.values[at], high.values[at])
    if not all(isinstance(end, float) for end in ends):
        return high.texts[at]
    if low.texts[at] != high.texts[at]:
        return f"{low.texts[at].rstrip('%')} to {high.texts[at]}"
    return f"under {high.text(10.0**-high.decimals)}" if ends[1] == 0 else f"about {high.texts[at]}"


def share_decimals(data: Protected | pd.DataFrame, units: Mapping[str, str]) -> int:
    """The decimals of all shares shown together: none on a base under 1,000, one above.

    A table that does not say its base gets whole percentages, unless every one of them is under 5.

    Parameters
    ----------
    data
        The table.
    units
        The columns shown and their units; only those of shares count.

    Examples
    --------
    >>> shares = pd.DataFrame({"share": [0.123, 0.004], "total": [835.0, 835.0]})
    >>> share_decimals(Protected(shares, shares.isna()), {"share": "share"})
    0
    >>> share_decimals(Protected(shares.assign(total=39_000.0), shares.isna()), {"share": "share"})
    1
    """
    frame = data.table if isinstance(data, Protected) else data
    columns = [
        frame[column] * (100 if unit == "share" else 1) for column, unit in units.items() if unit in PERCENT_UNITS
    ]
    known = np.abs(np.concatenate([np.asarray(column, dtype=float) for column in columns] or [np.array([])]))
    known = known[np.isfinite(known)]
    if len(known) == 0 or (known == np.round(known)).all():
        return 0
    bases = [frame[name].min() for name in BASES if isinstance(data, Protected) and name in frame]
    bases = [base for base in bases if pd.notna(base)]
    if bases:
        return 0 if min(bases) < LARGE_BASE else 1
    return 0 if known.max() >= 5 else 1


def shown_decimals(numbers: np.ndarray, unit: str = "") -> int:
    """No more decimals than a reader needs, or than the numbers have: whole indices, whole counts.

    Examples
    --------
    >>> shown_decimals(np.array([12.0, 30.0])), shown_decimals(np.array([0.25])), shown_decimals(np.array([0.3, -6.1]))
    (0, 2, 1)
    """
    known = np.abs(numbers[~np.isnan(numbers)])
    if len(known) == 0 or unit == "index" or (known == np.round(known)).all():
        return 0
    return 1 if known.max() >= 10 or (known == np.round(known, 1)).all() else 2


def capital(text: str) -> str:
    """Words with their first letter large, the others as they are.

    Examples
    --------
    >>> capital("pupils in Year 7")
    'Pupils in Year 7'
    """
    return text[:1].upper() + text[1:]
