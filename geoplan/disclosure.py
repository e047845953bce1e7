"""The small-number rule: the one place that decides which counts may be shown.

Everything that leaves the office (a map, a report, a shared table) is made from :class:`Protected`
tables only, and this module is the only one that makes them. The public rule hides counts from 1 to 9
and rounds the others to the nearest 5; shares and indices are then worked out from the rounded parts,
never from the exact ones, and not at all on a base under 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.errors import NotProtected

HIDE_BELOW = 10
ROUND_TO = 5
MIN_BASE = 20
HIDDEN = "c"  # the DfE symbol for a confidential number


@dataclass(frozen=True)
class Rule:
    """How small numbers are controlled.

    Parameters
    ----------
    name
        The audience the rule is for, printed on each output.
    hide_below
        Counts from 1 to ``hide_below - 1`` are hidden; zero is shown.
    round_to
        Other counts are rounded to the nearest multiple of this.
    min_base
        No share or index is given on a (rounded) base below this.
    """

    name: str = "public"
    hide_below: int = HIDE_BELOW
    round_to: int = ROUND_TO
    min_base: int = MIN_BASE

    @property
    def sentence(self) -> str:
        """The rule in words, as printed beside each table."""
        return (
            f"Small numbers are protected: counts from 1 to {self.hide_below - 1} are hidden "
            f"(shown as {HIDDEN}), others are rounded to the nearest {self.round_to}; "
            f"no percentage or index is given on a base under {self.min_base}."
        )


PUBLIC = Rule()


@dataclass(frozen=True)
class Protected:
    """A table that passed the small-number rule: the only kind that pages and writers accept.

    Parameters
    ----------
    table
        Rows keyed by code. A hidden number is missing (NaN) here and True in ``hidden``; a number that
        is missing for another reason is missing here and False there.
    hidden
        Same shape for the columns it has: True where the rule took the number away.
    rule
        The rule applied.
    base
        What the shares are shares of, in words.
    """

    table: pd.DataFrame
    hidden: pd.DataFrame
    rule: Rule = PUBLIC
    base: str = ""
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.table)

    def is_hidden(self, column: str) -> pd.Series:
        """True where the rule took the number away; all False for a column of labels."""
        if column in self.hidden:
            return self.hidden[column]
        return pd.Series(False, index=self.table.index)


def protect_counts(counts: pd.Series, rule: Rule = PUBLIC) -> tuple[pd.Series, pd.Series]:
    """Hide and round counts.

    Parameters
    ----------
    counts
        Whole numbers, zero or more; missing stays missing.
    rule
        The rule to apply.

    Returns
    -------
    shown, hidden
        Floats with NaN where hidden, and a boolean series, both on the index given.

    Examples
    --------
    >>> shown, hidden = protect_counts(pd.Series([0, 3, 9, 10, 12, 13]))
    >>> shown.tolist()
    [0.0, nan, nan, 10.0, 10.0, 15.0]
    """
    values = pd.to_numeric(counts).astype(float)
    if (values < 0).any():
        raise ValueError(f"{counts.name or 'counts'}: a count cannot be negative")
    hidden = (values > 0) & (values < rule.hide_below)
    shown = np.floor(values / rule.round_to + 0.5) * rule.round_to
    return shown.mask(hidden), hidden


def protect(
    table: pd.DataFrame,
    counts: Sequence[str],
    labels: Sequence[str] = (),
    rule: Rule = PUBLIC,
    base: str = "",
) -> Protected:
    """A protected table from plain counts and labels; every other column is left behind.

    Parameters
    ----------
    table
        Rows keyed by code.
    counts
        Columns of people counts: each is hidden and rounded by the rule.
    labels
        Columns that say nothing about people (names of areas, of segments, public facts of schools).
    rule
        The rule to apply.
    base
        What the people counted are, in words.

    Examples
    --------
    >>> t = pd.DataFrame({"pupils": [4, 26], "upn": ["a", "b"]}, index=["x", "y"])
    >>> protect(t, counts=["pupils"]).table.to_dict()
    {'pupils': {'x': nan, 'y': 25.0}}
    """
    shown, hidden = table[list(labels)].copy(), {}
    for name in counts:
        shown[name], hidden[name] = protect_counts(table[name], rule)
    return Protected(shown, pd.DataFrame(hidden, index=table.index), rule, base)


def require_protected(value: object, what: str) -> Protected:
    """``value`` if it is :class:`Protected`; otherwise :class:`NotProtected`, naming ``what``."""
    if isinstance(value, Protected):
        return value
    raise NotProtected(
        f"{what}: a {type(value).__name__} was offered, but only a Protected table may leave the office; "
        "make one with geoplan.disclosure.protect"
    )
