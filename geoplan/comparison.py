"""A group against a base, by category: the one sum behind profiles, reach and fairness.

For category *s* of a group with ``count`` n_s of ``total`` N, and a base with ``base_count`` B_s of
``base_total`` B::

    share        p = n_s / N                 base_share  q = B_s / B
    index        100 p / q                   (100 = the same share as the base)
    penetration  n_s / B_s                   (the part of the base's category that is in the group)

The interval is Wilson's for p (95% unless said), divided by q for the index; the base is taken as known.
An index on fewer than ``MIN_TOTAL`` people, or where fewer than ``MIN_EXPECTED`` would be expected, is
noise and is left out.

References: Wilson (1927), JASA 22:209; the index and penetration as geodemographic profiles print them
(reproduced in the tests from a published Mosaic report).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts

Z_95 = 1.959963984540054
MIN_TOTAL = 30
MIN_EXPECTED = 5.0
MEASURES = ("share", "share_low", "share_high", "base_share", "index", "index_low", "index_high", "penetration")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Groups against a base, by category.

    Parameters
    ----------
    table
        Indexed by (group, category); columns ``count``, ``total``, ``base_count``, ``base_total`` and the
        measures: ``share``, ``share_low``, ``share_high``, ``base_share``, ``index``, ``index_low``,
        ``index_high``, ``penetration`` (shares 0 to 1; index 100 = same as the base).
    base
        What the base is, in words. Never empty: a share of nothing in particular means nothing.
    """

    table: pd.DataFrame
    base: str

    def __post_init__(self):
        if not self.base:
            raise ValueError("a comparison needs a named base: say what the groups are compared with")

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.groups):,} groups with {self.base}; exact counts, see protect()>"

    @property
    def groups(self) -> list[str]:
        """The groups compared, in order."""
        return list(self.table.index.get_level_values(0).unique())

    def of(self, group: str) -> pd.DataFrame:
        """The rows of one group, indexed by category."""
        return self.table.loc[group]

    def only(self, group: str) -> Comparison:
        """The comparison of one group alone."""
        return replace(self, table=self.table.loc[[group]])

    def notable(self) -> pd.DataFrame:
        """Rows whose index interval does not contain 100: more or fewer than chance alone would give."""
        table = self.table
        return table[(table["index_low"] > 100) | (table["index_high"] < 100)]

    def protect(self, rule: Rule = PUBLIC) -> Protected:
        """The comparison as it may be shown; see :func:`protect`."""
        return protect(self, rule)


def compare(groups: pd.DataFrame, base: pd.Series, base_name: str) -> Comparison:
    """Compare groups with a base.

    Parameters
    ----------
    groups
        Counts of people: a row for each group, a column for each category.
    base
        Counts of people in the base, by category. Categories that only one side has count 0 on the other.
    base_name
        What the base is, in words ("all pupils in Medway schools").

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a count is negative or missing, or the base is not named.

    Examples
    --------
    >>> byker = pd.DataFrame({"E": [847], "G": [4227], "rest": [922]}, index=["Byker"])
    >>> newcastle = pd.Series({"E": 25597, "G": 29603, "rest": 63848})
    >>> compare(byker, newcastle, "Newcastle").of("Byker")["index"].round().tolist()
    [66.0, 284.0, 29.0]
    """
    categories = groups.columns.union(base.index, sort=False)
    counts = groups.reindex(columns=categories, fill_value=0)
    table = pd.DataFrame(
        {
            "count": counts.to_numpy(dtype=float).ravel(),
            "total": np.repeat(counts.sum(axis=1).to_numpy(dtype=float), len(categories)),
            "base_count": np.tile(base.reindex(categories, fill_value=0).to_numpy(dtype=float), len(counts)),
            "base_total": float(base.sum()),
        },
        index=pd.MultiIndex.from_product(
            [counts.index, categories], names=[groups.index.name or "group", base.index.name or "category"]
        ),
    )
    if (table["count"].isna() | (table["count"] < 0) | table["base_count"].isna() | (table["base_count"] < 0)).any():
        raise ValueError("counts of people must be numbers from zero up")
    return Comparison(measure(table), base_name)


def measure(table: pd.DataFrame, z: float = Z_95) -> pd.DataFrame:
    """The measures of each row, from ``count``, ``total``, ``base_count`` and ``base_total`` alone."""
    count, total = table["count"], table["total"].where(table["total"] > 0)
    base_count, base_total = table["base_count"], table["base_total"].where(table["base_total"] > 0)
    share, base_share = count / total, base_count / base_total
    low, high = wilson_interval(count, total, z)
    expected = total * base_share
    steady = (total >= MIN_TOTAL) & (expected >= MIN_EXPECTED)
    per_index = (100 / base_share.where(base_share > 0)).where(steady)
    return table.assign(
        share=share,
        share_low=low,
        share_high=high,
        base_share=base_share,
        index=share * per_index,
        index_low=low * per_index,
        index_high=high * per_index,
        penetration=count / base_count.where(base_count > 0),
    )


def wilson_interval(count: pd.Series, total: pd.Series, z: float = Z_95) -> tuple[pd.Series, pd.Series]:
    """Wilson's score interval for a share, ``count`` of ``total``; missing where there is no total.

    Examples
    --------
    >>> low, high = wilson_interval(pd.Series([10.0]), pd.Series([100.0]))
    >>> float(low[0].round(4)), float(high[0].round(4))
    (0.0552, 0.1744)
    """
    share = count / total
    middle = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # at 0 and 1 the ends are exact, whatever the rounding of the square root
    low = ((middle - half) / scale).clip(lower=0).where(count > 0, 0.0).where(total.notna())
    high = ((middle + half) / scale).clip(upper=1).where(count < total, 1.0).where(total.notna())
    return low, high


def protect(comparison: Comparison, rule: Rule = PUBLIC) -> Protected:
    """The comparison as it may be shown: counts hidden and rounded, measures from the rounded numbers.

    Parameters
    ----------
    comparison
        Exact counts.
    rule
        The small-number rule.

    Returns
    -------
    Protected
        The same rows and columns. Where the count is hidden, so are its measures; where the (rounded) total
        or base is under ``rule.min_base`` there are none.
    """
    exact = comparison.table
    shown, hidden = pd.DataFrame(index=exact.index), pd.DataFrame(index=exact.index)
    for column in ("count", "base_count"):
        shown[column], hidden[column] = protect_counts(exact[column], rule)
    for column in ("total", "base_total"):
        shown[column] = protect_counts(exact[column], rule)[0]
    return _measured(shown, hidden, rule, comparison.base)


def measure_shown(
    groups: ShownCounts, base: ShownCounts, totals: pd.Series, base_total: float, rule: Rule, base_name: str
) -> Protected:
    """The measures of groups against a base, from counts that were protected already.

    Parameters
    ----------
    groups, base
        Tables from :func:`geoplan.suppression.protect_tables`: by group and category, and by category.
    totals
        People of each group, as they may be shown.
    base_total
        People of the base, as it may be shown.
    rule
        The rule applied.
    base_name
        What the base is, in words.

    Returns
    -------
    Protected
        Indexed as ``groups``; the columns of :class:`Comparison`.
    """
    index = groups.shown.index
    group, category = (index.get_level_values(i) for i in range(2))
    shown = pd.DataFrame({"count": groups.shown.to_numpy()}, index=index)
    shown["total"] = totals.reindex(group).to_numpy()
    shown["base_count"] = base.shown.reindex(category).to_numpy()
    shown["base_total"] = base_total
    hidden = pd.DataFrame({"count": groups.hidden.to_numpy()}, index=index)
    hidden["base_count"] = base.hidden.reindex(category).to_numpy()
    return _measured(shown, hidden, rule, base_name, (groups.printed, base.printed))


class ShownCounts(Protocol):
    """Counts as they may be shown, with what was hidden and what is printed."""

    shown: pd.Series
    hidden: pd.Series
    printed: object


def _measured(
    shown: pd.DataFrame, hidden: pd.DataFrame, rule: Rule, base: str, printed: tuple | None = None
) -> Protected:
    """Measures from shown counts; none where a count is hidden, none on a total or base under the rule's."""
    shown = measure(shown[["count", "total", "base_count", "base_total"]])
    hidden = hidden.copy()
    thin = ~(shown["total"] >= rule.min_base) | ~(shown["base_total"] >= rule.min_base)
    gone = hidden["count"] | hidden["base_count"]
    for column in MEASURES:
        of_base = column == "base_share"
        shown[column] = shown[column].mask(hidden["base_count"] if of_base else gone | thin)
        hidden[column] = hidden["base_count"] if of_base else gone
    hidden["total"], hidden["base_total"] = False, False
    return Protected(shown, hidden, rule, base, printed=printed)
