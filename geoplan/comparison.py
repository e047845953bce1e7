"""A group against a base, by category: the one sum behind profiles, reach and fairness.

For category *s* of a group with ``count`` n_s of ``total`` N, and a base with ``base_count`` B_s of
``base_total`` B::

    share        p = n_s / N                 base_share          q = B_s / B
    index        100 p / q                   (100 = the same share as the base)
    penetration  n_s / B_s                   (the part of the base's category that is in the group)
    expected     N q                         more_than_expected  n_s - N q, in people
    gap_points   100 (p - q)                 (percentage points)
    residual     adjusted residual of n_s    (about -2 to 2 where chance alone is at work)
    p            Fisher's exact test of the group against the base's people who are not its own
    q            the same, corrected for looking at every cell of the table (Benjamini and Hochberg)
    notable      q of at most 0.05

The interval is Wilson's for the share (95% unless said), divided by the base's share for the index; the base is taken
as known. An index on fewer than ``MIN_TOTAL`` people, where fewer than ``MIN_EXPECTED`` would be expected, or against
a base smaller than the group, is noise and is left out; on fewer than ``MIN_TOTAL`` people nothing is tested.

**Printed numbers.** What is shown is worked out from printed counts, hidden and rounded. Intervals are widened, and
tests made at the least extreme numbers that could stand behind the print; a hidden cell counts among those looked at.
So a share's interval shown holds the exact one, a q shown is never under the exact one, and nothing is notable in print
that is not in truth. (An index's interval takes the printed base for the base, which is nothing against thousands.)
The tests of groups under ``MIN_TOTAL`` are not shown, but are among those looked at when q is worked out.

References: Wilson (1927), JASA 22:209; Haberman (1973), Biometrics 29:205 (adjusted residuals); Benjamini and Hochberg
(1995), JRSS B 57:289; the index and penetration as geodemographic profiles print them (reproduced in the tests
from a published Mosaic report). Further in :mod:`geoplan.chance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd

from geoplan import chance
from geoplan.chance import Z_95, wilson_interval
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import ComparisonRefused

MIN_TOTAL = 30
MIN_EXPECTED = 5.0
NOTABLE_AT = 0.05  # of all cells called notable, at most this share is expected to be chance
MEASURES = (
    "share",
    "share_low",
    "share_high",
    "base_share",
    "index",
    "index_low",
    "index_high",
    "penetration",
    "expected",
    "gap_points",
    "more_than_expected",
    "residual",
    "p",
    "q",
    "notable",
)
_OF_BASE = ("base_share", "expected")  # known wherever the base is


@dataclass(frozen=True, repr=False, eq=False)
class Base:
    """What groups are compared with.

    Parameters
    ----------
    name
        In words ("all pupils placed in a segment"); printed with every comparison.
    counts
        People of the base by category; or a row for each group, where every group has a base of its own (a group
        without a row has none, and no measures).
    contains_group
        Whether the people of each group are among the base's (a school and all pupils). If not (children who live in
        the borough, another authority) the group is tested against the base as against other people.
    own
        Where only part of a group is in the base (a school and its catchment): for each group, the base's people
        who are the group's own, by category. They are left out of the base for the test.
    names
        The base of each group in words, where they differ.
    """

    name: str
    counts: pd.Series | pd.DataFrame
    contains_group: bool = True
    own: pd.DataFrame | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        if not self.name:
            raise ValueError("a comparison needs a named base: say what the groups are compared with")

    def __repr__(self) -> str:
        return f"<Base: {self.name}>"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Groups against a base, by category.

    Parameters
    ----------
    table
        Indexed by (group, category); columns ``count``, ``total``, ``base_count``, ``base_total`` and the
        :data:`MEASURES` (shares 0 to 1; index 100 = same as the base). ``rest_count`` and ``rest_total``, where they
        are there, are the base's people who are not the group's own; without them the group lies inside its base.
    base
        What the base is, in words. Never empty: a share of nothing in particular means nothing.
    names
        The base of each group in words, where they differ.
    """

    table: pd.DataFrame
    base: str
    names: Mapping[str, str] = field(default_factory=dict)

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
        """The comparison of one group alone; its q stays that of the whole table."""
        return replace(self, table=self.table.loc[[group]], base=self.names.get(group, self.base), names={})

    def notable(self) -> pd.DataFrame:
        """Rows with more or fewer than chance alone would give, all rows of the table taken together."""
        return self.table[self.table["notable"]]

    def overall(self, draws: int = chance.DRAWS) -> pd.DataFrame:
        """Whether each group's mix as a whole differs from its base's; see :func:`overall`."""
        return overall(self.table, draws=draws)

    def protect(self, rule: Rule = PUBLIC) -> Protected:
        """The comparison as it may be shown; see :func:`protect`."""
        return protect(self, rule)


def compare(groups: pd.DataFrame, base: Base | pd.Series, base_name: str = "", finite: bool = False) -> Comparison:
    """Compare groups with a base.

    Parameters
    ----------
    groups
        Counts of people: a row for each group, a column for each category.
    base
        A :class:`Base`; or the counts of people of one that contains the groups, by category. Categories that only one
        side has count 0 on the other.
    base_name
        What a base given as counts is, in words ("all pupils in Medway schools").
    finite
        For groups that came out of their base (users of a service, respondents): intervals are narrowed by the part
        of the base they are. Not for schools, whose next year's pupils come from elsewhere too.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a count is negative or missing, or the base is not named.
    ComparisonRefused
        If a base that should contain its groups has fewer people than one of them.

    Examples
    --------
    >>> byker = pd.DataFrame({"E": [847], "G": [4227], "rest": [922]}, index=["Byker"])
    >>> newcastle = pd.Series({"E": 25597, "G": 29603, "rest": 63848})
    >>> compare(byker, newcastle, "Newcastle").of("Byker")["index"].round().tolist()
    [66.0, 284.0, 29.0]
    """
    if not isinstance(base, Base):
        base = Base(base_name, base)
    own_bases = isinstance(base.counts, pd.DataFrame)
    theirs = base.counts.columns if own_bases else base.counts.index
    categories = groups.columns.union(theirs, sort=False)
    counts = groups.reindex(columns=categories, fill_value=0)
    index = pd.MultiIndex.from_product(
        [counts.index, categories], names=[groups.index.name or "group", theirs.name or "category"]
    )
    if own_bases:
        of_base = base.counts.reindex(columns=categories, fill_value=0).reindex(counts.index).to_numpy(dtype=float)
    else:
        each = base.counts.reindex(categories, fill_value=0).to_numpy(dtype=float)
        of_base = np.broadcast_to(each, counts.shape)
    mine = counts.to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "count": mine.ravel(),
            "total": np.repeat(mine.sum(axis=1), len(categories)),
            "base_count": of_base.ravel(),
            "base_total": np.repeat(of_base.sum(axis=1), len(categories)),
        },
        index=index,
    )
    lacking = False if own_bases else table["base_count"].isna()
    if (table["count"].isna() | (table["count"] < 0) | lacking | (table["base_count"] < 0)).any():
        raise ValueError("counts of people must be numbers from zero up")
    if not base.contains_group or base.own is not None:
        own = pd.DataFrame(0.0, counts.index, categories) if base.own is None else base.own
        own = own.reindex(index=counts.index, columns=categories, fill_value=0).to_numpy(dtype=float)
        table["rest_count"] = (of_base - own).ravel()
        table["rest_total"] = np.repeat((of_base - own).sum(axis=1), len(categories))
    _require_room(table, base)
    return Comparison(measure(table, finite=finite), base.name, dict(base.names))


def _require_room(table: pd.DataFrame, base: Base) -> None:
    """A base that holds a group cannot be smaller than it."""
    rest = table["rest_count"] if "rest_count" in table else table["base_count"] - table["count"]
    short = rest < 0
    if short.any():
        groups = table.index.get_level_values(0)[short].unique()
        raise ComparisonRefused(
            f"{base.name}: smaller than {len(groups):,} of the groups compared with it (first {groups[0]}), so it "
            "does not contain them; choose a larger base, or say that it is of other people (contains_group=False)"
        )


def measure(table: pd.DataFrame, z: float = Z_95, slack: int = 0, finite: bool = False) -> pd.DataFrame:
    """The measures of each row, from its counts alone.

    Parameters
    ----------
    table
        Columns ``count``, ``total``, ``base_count``, ``base_total``, and where the groups are not inside their base
        ``rest_count`` and ``rest_total``. A missing count is one that is hidden: its cell was looked at all the same.
    z
        Of the intervals.
    slack
        How far from the truth a count may be because it was rounded.
    finite
        Whether intervals are narrowed by the finite population correction, 1 - total / base_total: all of the base
        leaves nothing to chance. Cochran (1977), Sampling Techniques, section 2.6.

    Returns
    -------
    DataFrame
        The table with :data:`MEASURES` appended.
    """
    index = table.index
    table = table.reset_index(drop=True)  # two codes in an index would be compared in every step
    count, total = table["count"], table["total"].where(table["total"] > 0)
    base_count, base_total = table["base_count"], table["base_total"].where(table["base_total"] > 0)
    share, base_share = count / total, base_count / base_total
    left = (1 - total / base_total).clip(lower=1e-9, upper=1.0) if finite else 1.0
    low, high = _widest(count, total, slack, z, left)
    expected = total * base_share
    many = (total >= MIN_TOTAL).to_numpy()
    steady = many & (expected >= MIN_EXPECTED) & (base_total >= total)
    per_index = (100 / base_share.where(base_share > 0)).where(steady)
    inside = "rest_count" not in table
    rest_count = base_count - count if inside else table["rest_count"]
    rest_total = base_total - total if inside else table["rest_total"]
    pool, everybody = rest_count + count, rest_total + total
    pool_share = (pool / everybody.where(everybody > 0)).clip(0, 1)
    spread = total * pool_share * (1 - pool_share) * (1 - total / everybody.where(everybody > 0)).clip(lower=0)
    p = chance.exact_p(
        count, total, rest_count.clip(lower=0), rest_total.clip(lower=0), slack, 2 * slack if inside else slack
    )
    # a category that nobody has, and a group of nobody, are no cells; a hidden count is one, as if its p were 1
    cells = int((~(pool == 0) & ~(table["total"] == 0)).sum())
    p[(pool == 0).to_numpy()] = np.nan
    q = chance.false_discovery(p, cells)
    return table.assign(
        share=share,
        share_low=low,
        share_high=high,
        base_share=base_share,
        index=share * per_index,
        index_low=low * per_index,
        index_high=high * per_index,
        penetration=count / base_count.where(base_count > 0),
        expected=expected,
        gap_points=100 * (share - base_share),
        more_than_expected=count - expected,
        residual=((count - total * pool_share) / np.sqrt(spread.where(spread > 0))).where(many),
        p=np.where(many, p, np.nan),
        q=np.where(many, q, np.nan),
        notable=many & (q <= NOTABLE_AT),
    ).set_axis(index)


def _widest(
    count: pd.Series, total: pd.Series, slack: int, z: float, left: pd.Series | float
) -> tuple[pd.Series, pd.Series]:
    """Wilson's interval of the part ``left`` to chance, as wide as the counts behind rounded ones could make it."""
    if not slack:
        return wilson_interval(count / left, total / left, z)
    most, least = total + slack, (total - slack).clip(lower=1)
    low, _ = wilson_interval((count - slack).clip(lower=0) / left, most / left, z)
    _, high = wilson_interval(np.minimum(count + slack, least) / left, least / left, z)
    return low.where(count.notna()), high.where(count.notna())


def overall(table: pd.DataFrame, slack: int = 0, draws: int = chance.DRAWS) -> pd.DataFrame:
    """Whether each group's mix as a whole differs from its base's: chi-square, Monte Carlo where counts are sparse.

    Parameters
    ----------
    table
        Indexed by (group, category), columns as for :func:`measure`. Hidden counts of a group are taken together as
        one category, whose size is what the printed numbers leave over.
    slack
        How far from the truth a count may be because it was rounded; each deviation is then taken at its least.
    draws
        Of the Monte Carlo test (fixed seed), used where an expected count is under 5.

    Returns
    -------
    DataFrame
        By group: ``statistic``, ``freedom``, ``p``, ``method``, ``cramers_v`` and ``dissimilarity`` (0 to 1); missing
        for groups under ``MIN_TOTAL``.
    """
    rows = {}
    for group, part in table.groupby(level=0, sort=False):
        total = part["total"].iloc[0]
        if not total >= MIN_TOTAL:
            rows[group] = chance.Overall(np.nan, 0, np.nan, f"fewer than {MIN_TOTAL} people", np.nan, np.nan)
            continue
        inside = "rest_count" not in part
        rest = part["base_count"] - part["count"] if inside else part["rest_count"]
        rest_total = part["base_total"].iloc[0] - total if inside else part["rest_total"].iloc[0]
        known = (part["count"].notna() & rest.notna()).to_numpy()
        count, rest = part["count"].to_numpy()[known], np.maximum(rest.to_numpy()[known], 0)
        if not known.all():
            count = np.append(count, max(total - count.sum(), 0))
            rest = np.append(rest, max(rest_total - rest.sum(), 0))
        rows[group] = chance.overall(count, rest, slack, 2 * slack if inside else slack, draws)
    columns = list(chance.Overall.__dataclass_fields__)
    return pd.DataFrame(
        [[getattr(answer, name) for name in columns] for answer in rows.values()],
        index=pd.Index(list(rows), name=table.index.names[0]),
        columns=columns,
    )


def overall_shown(protected: Protected, group: str = "group", draws: int = chance.DRAWS) -> pd.Series:
    """The overall test of one group's protected table (indexed by category), from its printed counts.

    Returns
    -------
    Series
        A row of :func:`overall`; p is never under what exact counts would give by more than the draws allow.
    """
    table = protected.table[["count", "total", "base_count", "base_total"]]
    table = pd.concat({group: table}, names=["group"])
    return overall(table, _slack(protected.rule), draws).iloc[0]


def _slack(rule: Rule) -> int:
    """How far a printed count may be from the true one."""
    return rule.round_to // 2


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
    if "rest_count" in exact:
        shown["rest_count"], gone = protect_counts(exact["rest_count"], rule)
        shown["rest_total"] = protect_counts(exact["rest_total"], rule)[0]
        hidden["base_count"] |= gone
    return _measured(shown, hidden, rule, comparison.base)


def measure_shown(
    groups: ShownCounts,
    base: ShownCounts,
    totals: pd.Series,
    base_total: float | pd.Series,
    rule: Rule,
    base_name: str,
    base_of: pd.Series | None = None,
    contains_group: bool = True,
    finite: bool = False,
) -> Protected:
    """The measures of groups against a base, from counts that were protected already.

    Parameters
    ----------
    groups, base
        Tables from :func:`geoplan.suppression.protect_tables`: by group and category, and by category (or, with
        ``base_of``, by the name of a base and category).
    totals
        People of each group, as they may be shown.
    base_total
        People of the base (of each, by name), as it may be shown.
    rule
        The rule applied.
    base_name
        What the base is, in words.
    base_of
        For each group the name of its base, where they differ (the cluster of each school).
    contains_group
        Whether the groups lie inside their base. If only some of a group's people do (a catchment), say no: the two
        are then tested as separate people, and people whom both have make them look more alike, never less.
    finite
        As for :func:`compare`.

    Returns
    -------
    Protected
        Indexed as ``groups``; the columns of :class:`Comparison`.
    """
    index = groups.shown.index
    group, category = (index.get_level_values(i) for i in range(2))
    shown = pd.DataFrame({"count": groups.shown.to_numpy()}, index=index)
    shown["total"] = totals.reindex(group).to_numpy()
    mine = category
    if base_of is not None:
        names = base_of.reindex(group).to_numpy()
        mine = pd.MultiIndex.from_arrays([names, category])
        base_total = base_total.reindex(names).to_numpy(dtype=float)
    shown["base_count"] = base.shown.reindex(mine).to_numpy(dtype=float)
    shown["base_total"] = base_total
    if not contains_group:
        shown["rest_count"], shown["rest_total"] = shown["base_count"], shown["base_total"]
    hidden = pd.DataFrame({"count": groups.hidden.to_numpy()}, index=index)
    hidden["base_count"] = base.hidden.reindex(mine, fill_value=False).to_numpy()
    printed = tuple(each for each in (groups.printed, base.printed) if each is not None)
    return _measured(shown, hidden, rule, base_name, printed, finite)


class ShownCounts(Protocol):
    """Counts as they may be shown, with what was hidden and what is printed."""

    shown: pd.Series
    hidden: pd.Series
    printed: object


def _measured(
    shown: pd.DataFrame,
    hidden: pd.DataFrame,
    rule: Rule,
    base: str,
    printed: tuple | None = None,
    finite: bool = False,
) -> Protected:
    """Measures from shown counts; none where a count is hidden, none on a total or base under the rule's."""
    shown, hidden = measure(shown, slack=_slack(rule), finite=finite), hidden.copy()
    thin = ~(shown["total"] >= rule.min_base) | ~(shown["base_total"] >= rule.min_base)
    gone = hidden["count"] | hidden["base_count"]
    for column in MEASURES:
        of_base = column in _OF_BASE
        away = hidden["base_count"] if of_base else gone | thin
        shown[column] = shown[column] & ~away if column == "notable" else shown[column].mask(away)
        hidden[column] = hidden["base_count"] if of_base else gone
    hidden["total"], hidden["base_total"] = False, False
    return Protected(shown, hidden, rule, base, printed=printed)
