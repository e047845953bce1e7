"""The small-number rule: the one place that decides which counts may be shown.

Everything that leaves the office (a map, a report, a shared table) is made from :class:`Protected`
tables only, and this module is the only one that makes them. The public rule hides counts from 1 to 9
and rounds the others to the nearest 5; shares and indices are then worked out from the rounded parts,
never from the exact ones, and not at all on a base under 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from geoplan.errors import NotProtected

HIDE_BELOW = 10
ROUND_TO = 5
MIN_BASE = 20
OWN_HIDE_BELOW = 5  # what a head teacher may see of the own school
OWN_ROUND_TO = 1
MIN_REASON = 10  # letters in a reason for exact numbers or for a changed threshold

# the symbols of the Department for Education's statistics
HIDDEN = "c"  # a confidential number: small, or hidden because it would give a small one away
NOT_AVAILABLE = "x"

OFFICIAL = "OFFICIAL-SENSITIVE"
_CHANGEABLE = ("hide_below", "round_to", "min_base")


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
        No share or index is given on a (rounded) base below this, and none or all of a group below it is hidden.
    own
        The school whose own cells are shown more fully; empty for none.
    marking
        Printed on every page.
    reason
        Why exact numbers, or changed thresholds, are needed.
    overrides
        Each changed threshold in words.

    See Also
    --------
    rule_for : the rule of an audience.
    """

    name: str = "public"
    hide_below: int = HIDE_BELOW
    round_to: int = ROUND_TO
    min_base: int = MIN_BASE
    own: str = ""
    marking: str = ""
    reason: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """True if nothing is hidden or rounded: for inside the office only."""
        return self.hide_below <= 1 and self.round_to == 1

    @property
    def tag(self) -> str:
        """The rule in short, for the corner of a table.

        Examples
        --------
        >>> Rule().tag
        'protected: rule 10-5'
        """
        return "exact numbers" if self.exact else f"protected: rule {self.hide_below}-{self.round_to}"

    @property
    def sentence(self) -> str:
        """The rule in words, as printed beside each table."""
        if self.exact:
            words = f"{self.marking}. Exact numbers of people, for use inside the authority: {self.reason}."
        else:
            words = (
                f"Small numbers are protected: counts from 1 to {self.hide_below - 1} are hidden "
                f"(shown as {HIDDEN}), others are rounded to the nearest {self.round_to}; "
                f"no percentage or index is given on a base under {self.min_base}."
            )
        if self.own:
            words = (
                f"{self.marking}. Your own school's counts from 1 to {OWN_HIDE_BELOW - 1} are hidden and others "
                f"exact where that gives nobody away. Other schools: {words}"
            )
        if self.overrides:
            words += f" Changed for this output: {'; '.join(self.overrides)}. Reason: {self.reason}."
        return words


PUBLIC = Rule()


def rule_for(audience: str = "public", *, reason: str = "", overrides: Mapping[str, int] | None = None) -> Rule:
    """The rule of an audience; the default is the strictest.

    Parameters
    ----------
    audience
        ``public``; ``school:URN`` for one head teacher (own school: 1 to 4 hidden, the rest exact; every other
        school as in public); ``internal`` (exact, for planners inside the authority).
    reason
        Needed for ``internal`` and for overrides, in at least ten letters; printed.
    overrides
        Thresholds to change, by name (``hide_below``, ``round_to``, ``min_base``); each is printed.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        If the audience or a threshold is not known, or a reason is missing.

    Examples
    --------
    >>> rule_for("public").tag
    'protected: rule 10-5'
    >>> rule_for("internal")
    Traceback (most recent call last):
    ...
    ValueError: exact numbers need a reason, typed in at least 10 letters
    """
    reason = " ".join(reason.split())
    kind, _, urn = audience.partition(":")
    urn = urn.strip()
    if kind == "public" and not urn:
        rule = Rule()
    elif kind == "school" and urn:
        rule = Rule(name=f"school:{urn}", own=urn, marking=f"For the head of school {urn} only")
    elif kind == "internal" and not urn:
        _require_reason(reason, "exact numbers need")
        rule = Rule("internal", hide_below=1, round_to=1, min_base=0, marking=OFFICIAL, reason=reason)
    else:
        raise ValueError(f"no audience {audience!r}; there are public, school:URN and internal")
    return _override(rule, overrides, reason) if overrides else rule


def _require_reason(reason: str, who: str) -> None:
    if sum(letter.isalpha() for letter in reason) < MIN_REASON:
        raise ValueError(f"{who} a reason, typed in at least {MIN_REASON} letters")


def _override(rule: Rule, overrides: Mapping[str, int], reason: str) -> Rule:
    unknown = sorted(set(overrides) - set(_CHANGEABLE))
    if unknown or rule.exact:
        raise ValueError(
            f"cannot change {', '.join(unknown or overrides)} for {rule.name}; there are {', '.join(_CHANGEABLE)}"
        )
    _require_reason(reason, "a changed threshold needs")
    for name, value in overrides.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < (2 if name == "hide_below" else 1):
            raise ValueError(f"{name} cannot be {value!r}")
    words = tuple(
        f"{name} is {overrides[name]}, not {getattr(rule, name)}" for name in _CHANGEABLE if name in overrides
    )
    return replace(rule, reason=reason, overrides=words, **overrides)


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
    units
        Units by column.
    printed
        The tables of counts this one was made from, as the gate read them (:class:`geoplan.evidence.PrintedTable`).
    """

    table: pd.DataFrame
    hidden: pd.DataFrame
    rule: Rule = PUBLIC
    base: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    printed: tuple | None = None

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
