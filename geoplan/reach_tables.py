"""What of a service's reach may be shown: its tables protected together, and what follows from them.

Users and base are two populations, each with its margins: users by segment, by ward and by school; the base by the
same, and by segment within ward and school. Those without a segment are in no table (the accounts count them); those
without a ward or school, and those elsewhere, stay in the tables as rows, so that every table of a population has the
same sum. A crossing of users is made only where numbers allow it: on average
at least ``hide_below`` users in a cell that is not empty; otherwise its name and the reason are in ``left_out``.

Where the users are people of the base (``inside``: a survey, an outcome of the pupils on roll) those who are not users
can be counted too, so both are cells of one table and both are protected. Where the counts by small area are published
already (``published``: members by LSOA), their sums give nobody away: each table is protected for itself.

Everything else here (index, interval, the missed, how many more would make it even, the change since last year) is
worked out from the printed counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.assignment import NOT_PLACED
from geoplan.changes import change
from geoplan.comparison import measure_shown
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import ComparisonRefused, DisclosureRefused
from geoplan.evidence import Nesting, PrintedTable
from geoplan.gate import GateResult
from geoplan.ledger import mark_of
from geoplan.sentences import listed
from geoplan.service_reach import ELSEWHERE, SEGMENT, ServiceReach, dim_words
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import NO, TAKE_UP, YES, RawTable, take_up

CHANCE = "this could be chance"
_Z = 1.959963984540054


@dataclass(frozen=True, repr=False)
class ReachTables:
    """The protected tables of a service's reach.

    Parameters
    ----------
    service, base_name, noun, base_noun
        In words, as of the reach.
    by
        For each dimension its codes with ``name``, ``count`` (users), ``base_count``, totals and the measures of
        :mod:`geoplan.comparison`.
    crossings
        The same for pairs of dimensions, indexed by both.
    missed
        For each dimension but the segment (wards, schools), its codes with the most missed first: ``name``,
        ``base_count``, ``of_under`` (people of the under-reached segments there), ``share_under``, ``count`` (users),
        ``expected`` (users, if all were reached alike), ``gap`` (expected minus users), ``to_even`` (how many more
        would make it even).
    accounts
        Contacts, users, and those not placed or elsewhere by dimension.
    contacts
        Contacts by segment (or by the first dimension), and contacts for each user.
    left_out
        What is not shown, and why.
    rule
        The rule applied.
    gate
        What the outsider could find out, at the narrowest; None for exact tables inside the office.
    data
        What the data are called.
    """

    service: str
    base_name: str
    noun: str
    base_noun: str
    by: Mapping[str, Protected]
    crossings: Mapping[tuple[str, str], Protected]
    missed: Mapping[str, Protected]
    accounts: Protected
    contacts: Protected
    left_out: Mapping[str, str]
    rule: Rule
    gate: GateResult | None = field(default=None)
    data: str = ""

    def __repr__(self) -> str:
        return f"<ReachTables of {self.service} by {', '.join(self.by)}: {self.rule.name}, {self.rule.tag}>"

    @property
    def subject(self) -> str:
        """The dimension that says whom: ``segment``, or the first."""
        return SEGMENT if SEGMENT in self.by else next(iter(self.by))

    def under(self, dim: str = "") -> pd.DataFrame:
        """Rows reached clearly less than their share (q of at most 0.05 within the table), the widest gap first."""
        return _standing(self.by[dim or self.subject], under=True)

    def over(self, dim: str = "") -> pd.DataFrame:
        """Rows reached clearly more than their share, the widest gap first."""
        return _standing(self.by[dim or self.subject], under=False)

    @property
    def finding(self) -> str:
        """Who is over- and under-represented, in one plain sentence with its intervals."""
        return finding(self)


def protect_reach(
    reached: ServiceReach,
    rule: Rule = PUBLIC,
    crossings: Iterable[tuple[str, str]] | None = None,
    *,
    missed: bool = True,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> ReachTables:
    """Protect the tables of a service's reach together.

    Parameters
    ----------
    reached
        Exact counts.
    rule
        Of the audience, from :func:`geoplan.disclosure.rule_for`.
    crossings
        Pairs of dimensions wanted; the segment with each other one unless said.
    missed
        Whether to work out where the missed are. That takes the base by segment within every other dimension, printed
        and so protected with the rest; a survey and an outcome of applications do without.
    data
        What the data are called (a census day): other data are other populations.
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`; of other populations, it is left out.

    Returns
    -------
    ReachTables

    Raises
    ------
    DisclosureRefused
        If a small number could be worked out by segment (or the first dimension) whatever is hidden. Where that is so
        by another one alone, or in a crossing, it is left out, and ``left_out`` says so.
    ComparisonRefused
        If nobody of the base is placed.
    """
    wanted = None if crossings is None else [tuple(pair) for pair in crossings]
    return _as_far_as_safe(reached, rule, wanted, missed, _Before(data, tuple(earlier)))


def _as_far_as_safe(reached: ServiceReach, rule: Rule, wanted, missed: bool, before: _Before) -> ReachTables:
    """The tables, without the crossings and dimensions of which a count could be worked out."""
    without: dict[str, str] = {}
    while True:
        try:
            tables = _protect(reached, rule, wanted, missed, before)
        except DisclosureRefused as refused:
            pairs, dims = _unsafe(reached, wanted, [name for name, _ in refused.offenders])
            if not pairs and not dims:
                raise
            without |= {_by(reached, pair): _UNSAFE for pair in pairs}
            without |= {_by(reached, [dim]): _UNSAFE for dim in dims}
            left = [dim for dim in reached.dims if dim not in dims]
            asked = wanted if wanted is not None else [(_subject(reached), dim) for dim in left[1:]]
            wanted = [pair for pair in asked if pair not in pairs and set(pair) <= set(left)]
            reached = reached.without(dims) if dims else reached
            continue
        return replace(tables, left_out=MappingProxyType(without | dict(tables.left_out)))


_UNSAFE = "small numbers could be worked out, whatever is hidden; larger groups may be shown"


def _by(reached: ServiceReach, dims: Sequence[str]) -> str:
    return f"{reached.noun} by {' and '.join(map(dim_words, dims))}"


def _unsafe(reached: ServiceReach, wanted, names: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The crossings of which a count could be worked out; otherwise such dimensions, but never the first of all."""
    subject = _subject(reached)
    others = [dim for dim in reached.dims if dim != subject]
    pairs = [(subject, dim) for dim in others] if wanted is None else wanted
    pairs = [pair for pair in pairs if _title(reached, "users", pair) in names]
    if pairs:
        return pairs, []
    return [], [
        dim for dim in others
        if {_title(reached, who, each) for who in ("users", "base") for each in (dim, (subject, dim))} & set(names)
    ]  # fmt: skip


def _protect(reached: ServiceReach, rule: Rule, wanted, missed: bool, before: _Before) -> ReachTables:
    """The tables of all dimensions, or a refusal."""
    subject = _subject(reached)
    reached = _placed(reached, subject)
    if not len(reached.base):
        raise ComparisonRefused(
            f"{reached.base_name}: nobody is placed by {subject}, so there is nothing to compare with; "
            "check the base, and that its postcodes were found"
        )
    others = [dim for dim in reached.dims if dim != subject]
    wanted = [(subject, dim) for dim in others] if wanted is None else wanted
    kept, left_out = _where_numbers_allow(reached, wanted, rule)
    shown, gate = _protected(reached, subject, others if missed else [], kept, rule, before)
    by = {dim: _measured(reached, dim, shown, rule) for dim in reached.dims}
    tables = ReachTables(
        service=reached.service,
        base_name=reached.base_name,
        noun=reached.noun,
        base_noun=reached.base_noun,
        by=MappingProxyType(by),
        crossings=MappingProxyType({pair: _measured(reached, pair, shown, rule) for pair in kept}),
        missed=MappingProxyType({}),
        accounts=_accounts(reached, rule, before),
        contacts=_contacts(reached, subject, shown["users", subject], rule, before),
        left_out=MappingProxyType(left_out),
        rule=rule,
        gate=gate,
        data=before.data,
    )
    found = {dim: _missed(tables, dim, shown["base", (subject, dim)]) for dim in others if missed}
    return replace(tables, missed=MappingProxyType(found))


def protect_base_by(
    reached: ServiceReach, tables: ReachTables, base: pd.Series, earlier: Sequence[PrintedTable] = ()
) -> tuple[Protected, dict[str, str]]:
    """People of the base by a further kind of area, beside all that a reach prints of them.

    Parameters
    ----------
    reached, tables
        The reach, and its protected tables.
    base
        Exact counts of those of the base who have a code of the first dimension, named by the kind of area.
    earlier
        What was released before.

    Returns
    -------
    table, marks
        By area: ``base_count``; and the mark of the data, for the ledger.
    """
    subject, kind = tables.subject, str(base.index.name)
    before = _Before(tables.data, (*earlier, *_printed_of(tables)))
    population = before.named(_populations(reached, subject)["base"])
    name = _title(reached, "base", kind)
    raw = RawTable(name, base, reached.base_noun, population, geography=kind)
    shown = before.protect([raw], tables.rule, "rounded")[0]
    everyone = before.named(_populations(reached)["base"])
    mark = mark_of(base.sort_index().to_csv(header=False))
    return shown.to_protected("base_count"), {f"{everyone}; by {kind}, with a {subject}": mark}


def _printed_of(tables: ReachTables) -> tuple[PrintedTable, ...]:
    """All that the tables of a reach print, each once."""
    own = (*tables.by.values(), *tables.crossings.values(), *tables.missed.values())
    return tuple({part.name: part for table in own for part in table.printed or ()}.values())


def protect_outcomes(
    outcomes: Mapping[str, ServiceReach],
    rule: Rule = PUBLIC,
    *,
    nested: Sequence[Nesting] = (),
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> dict[str, ReachTables]:
    """Protect several outcomes of the same people (first choice, any choice ...), one after the other.

    Every outcome prints how many people there are in each group; what one hides of that, the next one hides too. The
    gate attacks each together with all that were printed before it: as tables of the same people, each outcome made of
    what came of a single application, so that one outcome within another is a sum like every other.

    Parameters
    ----------
    outcomes
        By name, from :meth:`geoplan.preferences.Preferences.reach`: all of the people of the largest base, or of some
        of those.
    nested
        How the outcomes are made (:data:`geoplan.preferences.NESTED`), each under its name.
    rule, data, earlier
        As for :func:`protect_reach`.

    Returns
    -------
    dict of str to ReachTables
        An outcome that cannot be shown at all is missing, and named in ``left_out`` of the first.

    Raises
    ------
    DisclosureRefused
        If none can be shown.
    """
    found: dict[str, ReachTables] = {}
    without: dict[str, str] = {}
    whole = max(outcomes.values(), key=lambda each: int(each.base.sum()))
    came = f"what came of it: {', '.join(_known_as(each) for each in outcomes.values())}"
    for name, outcome in outcomes.items():
        before = [part for tables in found.values() for each in tables.by.values() for part in each.printed]
        known = (*earlier, *{table.name: table for table in before}.values())
        part = _Part(name, whole, tuple(nested), came) if name in {n.coarse for n in nested} else None
        try:
            found[name] = _as_far_as_safe(outcome, rule, [], False, _Before(data, known, part))
        except DisclosureRefused:
            if len(without) + 1 == len(outcomes):
                raise
            without[outcome.service] = _UNSAFE
    if without:
        first = next(iter(found))
        found[first] = replace(found[first], left_out=MappingProxyType(without | dict(found[first].left_out)))
    return found


def _subject(reached: ServiceReach) -> str:
    return SEGMENT if SEGMENT in reached.dims else reached.dims[0]


# --- the missed -----------------------------------------------------------------------------------------


def _missed(tables: ReachTables, dim: str, crossed: _Shown) -> Protected:
    """Where those live, or go to school, whom the service misses; from printed counts.

    The under-reached segments are those clearly under their share. Were they reached at the rate of all others, so
    many more would use the service: those are shared out over wards and schools by where people of these segments
    are. That takes a segment to be reached alike everywhere, which the counts of users by ward may confirm or not.
    """
    whole, subject = tables.by[dim], tables.subject
    under = list(tables.under().index)
    rates = _rates_to_even(tables.by[subject].table, under)
    shown = crossed.shown.unstack(subject).reindex(whole.table.index)
    hidden = crossed.hidden.unstack(subject).reindex(whole.table.index).fillna(False).astype(bool)
    theirs, gone = shown.reindex(columns=under), hidden.reindex(columns=under, fill_value=False)
    table = whole.table[["name", "base_count"]].copy()
    table["of_under"] = theirs.sum(axis=1, min_count=1) if under else 0.0
    large = table["base_count"].where(table["base_count"] >= max(1, tables.rule.min_base))
    table["share_under"] = (table["of_under"] / large).clip(upper=1)
    table["count"], table["expected"] = whole.table["count"], whole.table["expected"].round()
    table["gap"] = -whole.table["more_than_expected"].round()
    table["to_even"] = (theirs * rates).sum(axis=1, min_count=1).round() if under else 0.0
    away = pd.DataFrame(False, index=table.index, columns=[name for name in table if name != "name"])
    for name in ("base_count", "count"):
        away[name] = whole.hidden[name]
    away["gap"] = whole.hidden["count"]
    for name in ("of_under", "share_under", "to_even"):
        away[name] = gone.all(axis=1) & bool(under)
        table[name] = table[name].mask(away[name])
    order = table.assign(at=table["to_even"].fillna(-1), gap_at=table["gap"].fillna(-np.inf))
    order = order.sort_values(["at", "gap_at"], ascending=False, kind="stable").index
    units = {"base_count": tables.base_noun, "of_under": tables.base_noun, "share_under": "share"}
    return Protected(
        table.loc[order], away.loc[order], tables.rule, tables.base_name, MappingProxyType(units),
        (*whole.printed, *crossed.printed),
    )  # fmt: skip


def more_to_be_even(tables: ReachTables) -> pd.Series:
    """How many more users of each under-reached segment would make the reach even: at the rate of all others."""
    table = tables.by[tables.subject].table
    under = list(tables.under().index)
    return (_rates_to_even(table, under) * table.loc[under, "base_count"]).round().rename("to_even")


# --- year on year ---------------------------------------------------------------------------------------


def change_in_reach(now: ReachTables, before: ReachTables, dim: str = "") -> Protected:
    """The change of the reach since an earlier year, with its interval, from printed counts.

    Parameters
    ----------
    now, before
        Tables of the same service and the same base rule, by the same dimension.
    dim
        The dimension; the segment unless said.

    Returns
    -------
    Protected
        By code: ``name``, ``rate_before``, ``rate`` (users of the base, 0 to 1), ``rate_points`` with ``points_low``,
        ``points_high`` (Newcombe), ``index_before``, ``index``, ``index_ratio`` with ``ratio_low``, ``ratio_high``
        (on the logarithm; the bases taken as known), ``clear`` (the index moved more than chance would move it) and
        ``in_words``. The last row is ``all``, with rates only.

    Raises
    ------
    ComparisonRefused
        If the base is described in other words or the tables share no row.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873; Katz et al. (1978), Biometrics 34:469 (ratio of two shares).
    """
    dim = dim or now.subject
    if now.base_name != before.base_name:
        raise ComparisonRefused(
            f"{now.service} is against {now.base_name!r} and {before.service} against {before.base_name!r}: "
            "use the same base rule for both years"
        )
    if dim not in before.by or not now.by[dim].table.index.isin(before.by[dim].table.index).any():
        raise ComparisonRefused(f"the two years share no {dim}")
    this, that = now.by[dim], before.by[dim]
    rows = this.table.index
    old = that.table.reindex(rows)
    slack = max(now.rule.round_to, before.rule.round_to) // 2
    rates = change(_of_base(_with_all(this.table)), _of_base(_with_all(that.table)), slack)
    ratio, low, high = _index_ratio(this.table, old, slack)
    table = pd.DataFrame(
        {
            "name": _with_name(this.table),
            "rate_before": rates["share_before"],
            "rate": rates["share"],
            "rate_points": rates["change_points"],
            "points_low": rates["change_low"],
            "points_high": rates["change_high"],
            "index_before": old["index"],
            "index": this.table["index"],
            "index_ratio": ratio,
            "ratio_low": low,
            "ratio_high": high,
        },
        index=rates.index,
    )
    table["clear"] = (table["ratio_low"] > 1) | (table["ratio_high"] < 1)
    table["in_words"] = [_change_words(row) for _, row in table.iterrows()]
    gone = this.hidden["count"] | that.hidden["count"].reindex(rows, fill_value=False)
    gone = gone.reindex(table.index, fill_value=False)
    hidden = pd.DataFrame(dict.fromkeys(table.columns[1:-2], gone), index=table.index)
    units = dict.fromkeys(("rate_before", "rate"), "share") | {"index": "index", "index_before": "index"}
    return Protected(table, hidden, now.rule, now.base_name, MappingProxyType(units), (*this.printed, *that.printed))


def reach_series(years: Mapping[str, ReachTables], dim: str = "", measure: str = "index") -> Protected:
    """One measure over several years, a column for each, in the order given.

    Parameters
    ----------
    years
        Year to tables, oldest first; all with one base rule.
    dim
        The dimension; the segment unless said.
    measure
        ``index``, ``penetration``, ``share`` or ``count``.

    Raises
    ------
    ComparisonRefused
        If the bases differ in words, or no year is given.
    """
    tables = list(years.values())
    if not tables or len({each.base_name for each in tables}) > 1:
        raise ComparisonRefused("a series needs at least one year, and one base rule for all of them")
    dim = dim or tables[-1].subject
    last = tables[-1].by[dim]
    shown, hidden = {"name": last.table["name"]}, {}
    for year, each in years.items():
        shown[year] = each.by[dim].table[measure].reindex(last.table.index)
        hidden[year] = each.by[dim].hidden[measure].reindex(last.table.index).fillna(False).astype(bool)
    units = dict.fromkeys(years, {"index": "index", "penetration": "share", "share": "share"}.get(measure, ""))
    printed = tuple(part for each in tables for part in each.by[dim].printed)
    return Protected(pd.DataFrame(shown), pd.DataFrame(hidden), last.rule, last.base, MappingProxyType(units), printed)


# --- in words -------------------------------------------------------------------------------------------


def finding(tables: ReachTables, dim: str = "", most: int = 3) -> str:
    """Who is over- and under-represented, in one plain sentence with its intervals; ``most`` of each are named."""
    dim = dim or tables.subject
    over, under = tables.over(dim), tables.under(dim)
    against = f"Compared with {tables.base_name}."
    if not len(over) and not len(under):
        lost = f"{tables.noun} not placed by {dim_words(dim)}"
        if tables.by[dim].table["total"].max() == 0 and tables.accounts.table["people"].get(lost, 0) > 0:
            what = f"{tables.noun} of {tables.service}"
            return f"None of the {what} has a {dim_words(dim)}, so nothing can be said. {against}"
        if tables.by[dim].table["p"].isna().all():  # nothing could be tested: too few, or all of it hidden
            return f"Too few {tables.noun} to say whom {tables.service} reaches. {against}"
        many = tables.by[dim].table["total"].max()
        return (
            f"With about {many:,.0f} {tables.noun}, no group is reached by {tables.service} clearly more or less than "
            f"chance alone would give. {against}"
        )
    parts = []
    if len(over):
        parts.append(f"reached more than their share: {standing_words(over, most)}")
    if len(under):
        parts.append(f"reached less than their share: {standing_words(under, most)}")
    words = "; ".join(parts)
    return f"{words[0].upper()}{words[1:]}. {against}"


def standing_words(rows: pd.DataFrame, most: int = 3) -> str:
    """Rows of :meth:`ReachTables.over` or ``under`` in words, with their intervals; ``most`` of them are named."""
    named = [
        f"{row['name']} (index {row['index']:.0f}, {row['index_low']:.0f} to {row['index_high']:.0f})"
        if row["index"] == row["index"]
        else f"{row['name']} ({100 * row['share']:.0f}% against {100 * row['base_share']:.0f}%)"
        for _, row in rows.head(most).iterrows()
    ]
    named += [f"{len(rows) - most} more"] if len(rows) > most else []
    return listed(named)


# --- the parts ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Shown:
    """Counts as they may be shown."""

    shown: pd.Series
    hidden: pd.Series
    printed: tuple

    def without(self, *codes: str) -> _Shown:
        keep = ~np.logical_or.reduce(
            [self.shown.index.get_level_values(level).isin(codes) for level in range(self.shown.index.nlevels)]
        )
        return _Shown(self.shown[keep], self.hidden[keep], self.printed)


def _placed(reached: ServiceReach, subject: str) -> ServiceReach:
    """Only those who have a segment; the accounts stay those of everybody."""
    kept = {who: getattr(reached, who) for who in ("users", "base", "contacts")}
    kept = {who: counts[counts.index.get_level_values(subject) != NOT_PLACED] for who, counts in kept.items()}
    return replace(reached, **kept)


def _where_numbers_allow(reached: ServiceReach, wanted, rule: Rule) -> tuple[list[tuple[str, str]], dict[str, str]]:
    kept, left_out = [], {}
    for pair in wanted:
        cells = reached.counts(pair, "base")
        users = reached.counts(pair)
        many = users.sum() / max(1, int((cells > 0).sum()))
        if rule.exact or reached.published or many >= rule.hide_below:
            kept.append(pair)
        else:
            left_out[_by(reached, pair)] = (
                f"too few {reached.noun} for so many groups: fewer than {rule.hide_below} in each on average"
            )
    return kept, left_out


@dataclass(frozen=True, eq=False)
class _Part:
    """One of several outcomes of the same people: its name, all of them, and how the outcomes are made."""

    name: str
    whole: ServiceReach
    nested: tuple[Nesting, ...]
    words: str  # what is known of them, for the name of the population

    @property
    def could(self) -> str:
        """The name under which ``nested`` has those it could have come true for."""
        lookups = {nesting.coarse: nesting.lookup for nesting in self.nested}
        mine = {fate for fate, code in lookups[self.name].items() if code != NOT_PLACED}
        return next(name for name, fates in lookups.items() if {f for f, code in fates.items() if code == YES} == mine)

    def users(self, name: str, reached: ServiceReach, dim: str, population: str) -> RawTable:
        """Those it came true for, those it did not and, where there are any, those it could not have come true for."""
        yes, base, others = self._counts(reached, dim)
        cells = {YES: yes, NO: base - yes, NOT_PLACED: others[others > 0]}
        return RawTable(name, self._cells(cells, dim, self.name), reached.noun, population, attributes=(self.name,))

    def base(self, name: str, reached: ServiceReach, dim: str, population: str) -> RawTable:
        """Those it could have come true for: all, or those who could beside those who could not."""
        _, base, others = self._counts(reached, dim)
        along = (dim,) if dim == _subject(reached) == SEGMENT else ()
        if int(self.whole.base.sum()) == int(reached.base.sum()):
            return RawTable(name, base, reached.base_noun, population, attributes=along)
        cells = self._cells({YES: base, NO: others[others > 0]}, dim, self.could)
        return RawTable(name, cells, reached.base_noun, population, attributes=along)

    def _counts(self, reached: ServiceReach, dim: str) -> tuple[pd.Series, pd.Series, pd.Series]:
        base = _whole(reached, "base", dim)
        whole = _whole(_placed(self.whole, _subject(reached)), "base", dim)
        base = base.reindex(base.index.union(whole.index), fill_value=0)
        return _whole(reached, "users", dim).reindex(base.index, fill_value=0), base, whole.reindex(base.index) - base

    @staticmethod
    def _cells(parts: Mapping[str, pd.Series], dim: str, of: str) -> pd.Series:
        return pd.concat(dict(parts), names=[of]).swaplevel().rename_axis([dim, of])


@dataclass(frozen=True)
class _Before:
    """What the data are called, and what was released before."""

    data: str
    earlier: tuple[PrintedTable, ...]
    part: _Part | None = None

    def named(self, population: str) -> str:
        return "; ".join(part for part in (population, self.data) if part)

    def protect(
        self, tables: Sequence[RawTable], rule: Rule, totals: str = "parts", nested: tuple[Nesting, ...] = ()
    ) -> tuple[ProtectedTable, ...]:
        population = tables[0].population
        known = [table for table in self.earlier if table.population == population]
        # who is in a survey is known of the survey alone; how many there are in each group is known of all of them
        known += [
            replace(table, population=population)
            for table in self.earlier
            if table.population != population
            and TAKE_UP not in table.dims
            and len(table.dims) == 1
            and _plain(table.population) == _plain(population)
        ]
        nested += self.part.nested if self.part else ()
        return protect_tables(list(tables), rule, totals=totals, earlier=known, nested=nested)


def reach_marks(reached: ServiceReach, data: str = "") -> dict[str, str]:
    """A mark of the counts of users and base, in all and by each dimension: the same only for the same data.

    For the authority's own ledger alone: whoever knows all people but one could try values for that one.
    """
    if reached.published:
        return {}
    before, marks = _Before(data, ()), {}
    for who, population in _populations(reached).items():
        counts = getattr(reached, who)
        marks[before.named(population)] = mark_of(str(int(counts.sum())))
        for dim in reached.dims:
            text = counts.groupby(level=dim, observed=True).sum().sort_index().to_csv(header=False)
            marks[f"{before.named(population)}; by {dim}"] = mark_of(text)
    return marks


_AND, _PLACED = ", and who is in ", ", placed by "


def _plain(population: str) -> str:
    """The population without the survey or outcome that says who of it did what."""
    head, and_, rest = population.partition(_AND)
    return f"{head}{_PLACED}{rest.rpartition(_PLACED)[2]}" if and_ else population


def _populations(reached: ServiceReach, subject: str = "", part_of: str = "") -> dict[str, str]:
    """The names of the two populations: of their files, so that the service's own name and noun change nothing.

    With ``subject``: of those of them who have a code of that dimension; with ``part_of``, the base is one of which it
    is said who is in that.
    """
    base = f"{reached.base_noun}: {reached.base_name}"
    base += f" ({reached.base_data})" if reached.base_data else f", for {reached.service}"
    users = f"users in {reached.users_data}" if reached.users_data else _known_as(reached)
    placed = f"{_PLACED}{subject}" if subject else ""
    known = f"{_AND}{part_of}" if part_of else ""
    return {"base": base + known + placed, "users": users + placed}


def _known_as(reached: ServiceReach) -> str:
    return reached.users_data or f"{reached.noun} of {reached.service}"


def _protected(
    reached: ServiceReach, subject: str, others, kept, rule: Rule, before: _Before
) -> tuple[dict, GateResult | None]:
    """Shown counts by (who, dimension or pair); the base crossed with the ``others`` says where the missed are."""
    keys: list[tuple[str, object]] = [("base", dim) for dim in reached.dims]
    keys += [("base", (subject, dim)) for dim in others]
    keys += [("base", pair) for pair in kept if ("base", pair) not in keys]
    keys += [("users", dim) for dim in reached.dims] + [("users", pair) for pair in kept]
    raw = {}
    part_of = reached.inside and not reached.published and _fits(reached)
    known, part = _known_as(reached) if part_of else "", before.part
    names = _populations(part.whole, subject, part.words) if part else _populations(reached, subject, known)
    populations = {who: before.named(name) for who, name in names.items()}
    for who, dims in keys:
        name = _title(reached, who, dims)
        if part:
            raw[who, dims] = getattr(part, who)(name, reached, dims, populations["base"])
            continue
        counts = _whole(reached, who, dims)
        if who == "users" and part_of:
            raw[who, dims] = take_up(name, counts, _whole(reached, "base", dims), reached.noun, populations["base"])
            continue
        noun = reached.base_noun if who == "base" else reached.noun
        along = (subject,) if subject in counts.index.names else ()
        raw[who, dims] = RawTable(
            name, counts, noun, before.named(name) if reached.published else populations[who], attributes=along
        )
    nested: dict[str, Nesting] = {}
    if not reached.published:
        for who, dims in keys:
            if who == "users" or dims in reached.dims or dims in kept:
                raw[f"all {who}", dims] = _total(raw[who, dims], reached, dims, nested)
    shown: dict = {}
    for population in dict.fromkeys(table.population for table in raw.values()):  # one has nothing to do with another
        mine = {key: table for key, table in raw.items() if table.population == population}
        safe = before.protect(list(mine.values()), rule, "rounded", tuple(nested.values()))
        shown |= dict(zip(mine, safe, strict=True))
    gates = [table.gate for table in shown.values() if table.gate is not None]
    gate = min(gates, key=lambda each: np.inf if each.narrowest is None else each.narrowest) if gates else None
    return {key: _taken(table, part) for key, table in shown.items()}, gate


def _total(table: RawTable, reached: ServiceReach, dims, nested: dict[str, Nesting]) -> RawTable:
    """All who are compared by these dimensions, as a table of the release: a sum that the page names like the others.

    Who has no code, or one that the base has not, is not among them. Adds to ``nested`` how codes lie in "all".
    """
    strange = {NOT_PLACED} if reached.base_elsewhere(dims) else {NOT_PLACED, ELSEWHERE}
    words = "all" if ELSEWHERE in strange else "all, and elsewhere,"
    counts = table.counts
    for dim in [dims] if isinstance(dims, str) else dims:
        name = f"{words} by {dim}"
        codes = counts.index.get_level_values(dim).unique()
        lookup = {str(code): "others" if code in strange else "all" for code in codes}
        nested[name] = Nesting(dim, name, lookup | dict(nested[name].lookup if name in nested else {}))
        counts = counts.rename_axis(index={dim: name})
        counts = counts.rename(index=lookup, level=name) if counts.index.nlevels > 1 else counts.rename(index=lookup)
    counts = counts.groupby(level=list(counts.index.names)).sum()
    along = tuple(dim for dim in table.attributes if dim in counts.index.names)
    return replace(table, name=f"all {table.name}", counts=counts, attributes=along)


def _fits(reached: ServiceReach) -> bool:
    """Whether the users can be people of the base, cell by cell."""
    both = reached.users.reindex(reached.base.index, fill_value=0)
    return int(both.sum()) == int(reached.users.sum()) and bool((both <= reached.base).all())


def _whole(reached: ServiceReach, who: str, dims) -> pd.Series:
    """Counts with the rows of those not placed and elsewhere, and zeros written out."""
    wanted = [dims] if isinstance(dims, str) else list(dims)
    counts = getattr(reached, who).groupby(level=wanted, observed=True).sum()
    base = reached.base.groupby(level=wanted, observed=True).sum()
    if len(wanted) == 1 or SEGMENT not in wanted:
        return counts.reindex(counts.index.union(base.index), fill_value=0).astype("int64")
    whole = counts.unstack(fill_value=0)
    whole = whole.loc[whole.sum(axis=1) > 0, whole.sum(axis=0) > 0]
    return whole.stack().astype("int64")


def _title(reached: ServiceReach, who: str, dims) -> str:
    wanted = [dims] if isinstance(dims, str) else list(dims)
    noun = reached.noun if who == "users" else f"base ({reached.base_noun})"
    return f"{noun} by {' and '.join(wanted)}, {reached.service}"


def _taken(table: ProtectedTable, part: _Part | None) -> _Shown:
    """Shown counts; of a table of take-up, those who did: the gate has seen them beside the base, and who did not."""
    shown, hidden = table.shown, table.hidden
    for dim in (TAKE_UP, *((part.name, part.could) if part else ())):
        if dim in table.dims:
            shown, hidden = shown.xs(YES, level=dim), hidden.xs(YES, level=dim)
    return _Shown(shown, hidden, (table.printed,))


def _measured(reached: ServiceReach, dims, shown: Mapping, rule: Rule) -> Protected:
    """The measures of users against base; a row ``elsewhere`` that is not the base's stands last, without any."""
    strange = [] if reached.base_elsewhere(dims) else [ELSEWHERE]
    users, base = (shown[who, dims].without(NOT_PLACED) for who in ("users", "base"))
    outside, users, base = users, users.without(*strange), base.without(*strange)
    cells = {}
    if isinstance(dims, tuple):
        cells = {" | ".join(map(str, cell)): cell for cell in outside.shown.index}
        outside, users, base = _flat(outside), _flat(users), _flat(base)
    codes = users.shown.index
    base = _Shown(base.shown.reindex(codes, fill_value=0.0), base.hidden.reindex(codes, fill_value=False), base.printed)
    index = pd.MultiIndex.from_product([[reached.service], codes], names=["service", codes.name])
    groups = _Shown(users.shown.set_axis(index), users.hidden.set_axis(index), users.printed)
    totals = pd.Series({who: _in_all(reached, dims, who, shown, rule) for who in ("users", "base")})
    totals = totals.rename({"users": reached.service})
    both = pd.DataFrame({"users": users.shown, "base": base.shown}).dropna()
    inside = bool((both["users"] <= both["base"]).all())
    measured = measure_shown(
        groups, base, totals, float(totals["base"]), rule, reached.base_name, contains_group=inside, finite=inside
    )
    table, hidden = measured.table.loc[reached.service], measured.hidden.loc[reached.service]
    last = outside.shown.index.difference(codes)
    table, hidden = table.reindex([*codes, *last]), hidden.reindex([*codes, *last], fill_value=False).astype(bool)
    for name, value in (("total", totals.iloc[0]), ("base_total", totals["base"])):
        hidden[name] = bool(value != value)
    table.index.name = hidden.index.name = codes.name
    table.loc[last, "count"], table.loc[last, "base_count"] = outside.shown[last], 0.0
    hidden.loc[last, "count"] = outside.hidden[last]
    table["notable"] = table["notable"].eq(True)
    table.insert(0, "name", [_name(reached, dims, code) for code in table.index])
    if cells:  # each cell by its codes again, as the gate reads them
        table.index = hidden.index = pd.MultiIndex.from_tuples([cells[code] for code in table.index], names=dims)
    units = dict.fromkeys(("share", "share_low", "share_high", "base_share", "penetration"), "share")
    units |= dict.fromkeys(("index", "index_low", "index_high"), "index")
    units |= {"count": reached.noun, "base_count": reached.base_noun}
    in_all = [shown[f"all {who}", dims] for who in ("users", "base")] if not reached.published else []
    printed = tuple(part for each in (users, base, *in_all) for part in each.printed)
    return Protected(table, hidden, rule, reached.base_name, MappingProxyType(units), printed)


def _in_all(reached: ServiceReach, dims, who: str, shown: Mapping, rule: Rule) -> float:
    """All who are compared, as may be shown; of counts that are published already, their rounded sum."""
    if reached.published:
        total = pd.Series([reached.comparable(dims, who).sum()])
        return float(protect_counts(total, replace(rule, hide_below=1))[0].iloc[0])
    found = shown[f"all {who}", dims].shown
    everyone = ("all",) * found.index.nlevels
    return float(found.get(everyone if len(everyone) > 1 else "all", 0.0))


def _flat(cells: _Shown) -> _Shown:
    index = cells.shown.index
    joined = pd.Index([" | ".join(map(str, code)) for code in index], name=" | ".join(map(str, index.names)))
    return _Shown(cells.shown.set_axis(joined), cells.hidden.set_axis(joined), cells.printed)


def _name(reached: ServiceReach, dims, code: str) -> str:
    if isinstance(dims, str):
        return reached.name(dims, code)
    return ", ".join(reached.name(dim, part) for dim, part in zip(dims, code.split(" | "), strict=True))


def _standing(shown: Protected, under: bool) -> pd.DataFrame:
    table = shown.table[shown.table["notable"].fillna(False).astype(bool)]
    table = table[table.index != ELSEWHERE]
    side = table[table["gap_points"] < 0] if under else table[table["gap_points"] > 0]
    return side.sort_values("gap_points", ascending=under, kind="stable")


def _rates_to_even(table: pd.DataFrame, under: Sequence[str]) -> pd.Series:
    """For each under-reached row, the users wanting for each of its people to be reached at the rate of all others."""
    rest = table.drop(index=list(under))
    rest = rest[rest["count"].notna() & rest["base_count"].notna()]
    rate = rest["count"].sum() / rest["base_count"].sum() if rest["base_count"].sum() > 0 else np.nan
    theirs = table.loc[list(under)]
    return (rate - theirs["count"] / theirs["base_count"].where(theirs["base_count"] > 0)).clip(lower=0)


def _accounts(reached: ServiceReach, rule: Rule, before: _Before) -> Protected:
    found = reached.accounts
    rows = {"contacts": found.contacts, reached.noun: found.users}
    for dim in reached.dims:
        rows[f"{reached.noun} not placed by {dim_words(dim)}"] = found.users - found.placed[dim]
        rows[f"{reached.noun} elsewhere by {dim_words(dim)}"] = found.outside[dim]
    rows[f"base: {reached.base_name}"] = found.base[""]
    counts = pd.Series(rows).rename_axis("what")
    name = f"accounts of {_known_as(reached)} by {', '.join(reached.dims)}, against {reached.base_name}"
    shown = before.protect([RawTable(name, counts, "people", before.named(name))], rule)[0].to_protected("people")
    return replace(shown, table=shown.table.loc[list(rows)], hidden=shown.hidden.loc[list(rows)], base=reached.service)


def _contacts(reached: ServiceReach, dim: str, users: _Shown, rule: Rule, before: _Before) -> Protected:
    """Contacts, a population of their own, beside the users."""
    name = f"contacts of {_known_as(reached)} by {dim}"
    raw = RawTable(name, reached.counts(dim, "contacts").rename_axis(dim), "contacts", before.named(name))
    shown = before.protect([raw], rule)[0]
    users = users.without(NOT_PLACED)
    table = pd.DataFrame({"name": [reached.name(dim, code) for code in users.shown.index]}, index=users.shown.index)
    table["users"] = users.shown
    table["contacts"] = shown.shown.reindex(table.index, fill_value=0.0)
    table["for_each"] = (table["contacts"] / table["users"].where(table["users"] >= max(1, rule.min_base))).round(1)
    hidden = pd.DataFrame({"users": users.hidden, "contacts": shown.hidden.reindex(table.index, fill_value=False)})
    hidden["for_each"] = hidden["users"] | hidden["contacts"]
    return Protected(table, hidden, rule, reached.service, printed=(*users.printed, shown.printed))


def _of_base(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"count": table["count"], "total": table["base_count"]})


def _with_all(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a row ``all``: the totals."""
    whole = table[["count", "base_count"]].copy()
    whole.loc["all"] = [table["total"].max(), table["base_total"].max()]
    return whole


def _with_name(table: pd.DataFrame) -> pd.Series:
    names = table["name"].astype("object").copy()
    names.loc["all"] = "All"
    return names


def _index_ratio(now: pd.DataFrame, before: pd.DataFrame, slack: int) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Index now for one of before, with its interval; widened by what rounding may hide."""
    n, m = now["count"].where(now["index"].notna()), before["count"].where(before["index"].notna())
    ratio = now["index"] / before["index"].where(before["index"] > 0)
    few_n, few_m = n.where(n > slack) - slack, m.where(m > slack) - slack
    error = np.sqrt(1 / few_n - 1 / now["total"] + 1 / few_m - 1 / before["total"])
    error = error + (slack / n.where(n > 0) + slack / m.where(m > 0)) / _Z
    return ratio, ratio * np.exp(-_Z * error), ratio * np.exp(_Z * error)


def _change_words(row: pd.Series) -> str:
    if row["index_ratio"] == row["index_ratio"]:
        words = f"index {row['index_before']:.0f} to {row['index']:.0f}"
        if row["ratio_low"] != row["ratio_low"]:
            return f"{words}; too few to say whether it changed"
        if row["clear"]:
            return f"{words}, {'up' if row['index_ratio'] > 1 else 'down'} by more than chance would move it"
        return f"{words}; {CHANCE}"
    if row.name == "all" and row["rate"] == row["rate"] and row["rate_before"] == row["rate_before"]:
        moved = row["points_low"] > 0 or row["points_high"] < 0
        words = f"reach {100 * row['rate_before']:.1f}% to {100 * row['rate']:.1f}%"
        return words if moved else f"{words}; {CHANCE}"
    return "not known"


# --- for files ------------------------------------------------------------------------------------------


def few_decimals(shown: Protected) -> Protected:
    """A table with no more decimals than its counts can mean, for a CSV or a workbook.

    Shares and chances have 4, the reach 6 (it may be a few in a million), points and residuals 1; indices and expected
    people are whole.
    """
    digits = {"penetration": 6, "p": 4, "q": 4, "residual": 1, "for_each": 1, "index_ratio": 2, "ratio_low": 2,
              "ratio_high": 2}  # fmt: skip
    table = shown.table.copy()
    for name in table.select_dtypes("float"):
        share = "share" in name or ("rate" in name and not name.startswith("rate_points"))
        points = name.endswith("_points") or name.startswith("points_")
        table[name] = table[name].round(digits.get(name, 1 if points else 4 if share else 0)) + 0.0  # no minus zero
    return replace(shown, table=table)
