"""What of an option set may be shown: its tables of people protected together, and what follows from them.

The areas and what the plans make of them are in :mod:`geoplan.plan_grounds`. Tables are protected in turn, each beside
all before it: catchments and moves first, then areas that move, then who moves, then the mix of catchments. Where
people by area cannot be shown (too many areas, or most of their numbers would be hidden), those who move are shown by
the pair of schools: numbers that are printed anyway. Segregation and unfilled places are worked out from printed
counts; mean distances from people by quarters of a mile, protected like any count, as exact ones would tell which of
two hidden numbers is larger: rounded to the nearest 50 metres, and only for groups large enough for a share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.catchments import NONE, CatchmentPlan
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.effects import (
    ATTRIBUTES,
    FARTHER,
    MOVED,
    NEARER,
    NO_CLUSTER,
    SAME,
    SPLIT_SHARE,
    Residents,
    change_of,
    dissimilarity,
    gorard,
    siblings_split,
)
from geoplan.errors import ComparisonRefused, DisclosureRefused, UnknownCodeError, VintageError
from geoplan.evidence import Nesting, PrintedTable
from geoplan.ledger import mark_of
from geoplan.plan_distances import distance_table, metres_of, protect_bands
from geoplan.plan_grounds import (
    ANOTHER_SCHOOL,
    ATTENDS,
    BANDS,
    ELSEWHERE,
    MIXED,
    NO_SCHOOL,
    NOT_KNOWN,
    STAY,
    TO,
    Desk,
    Ground,
    effect_counts,
    effect_dim,
    mixed_counts,
    plan_fingerprint,
    population_words,
)
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import NO, TAKE_UP, YES, RawTable, take_up
from geoplan.travel import YEARS, Travel

ALL = "all"
MOST_AREAS = 2_000  # that move: proving more safe one by one can take minutes
PATIENCE = 8  # numbers by area hidden in vain before they are left out
DRAWS = 200
FEEDERS = 0.95  # so many of the people attend schools outside the plans where those are feeder schools
NOT_SHOWN = "not shown"
_BY_AREA = "people by area that moves"


@dataclass(frozen=True, repr=False)
class OptionTables:
    """The protected tables of an option set.

    Parameters
    ----------
    plans
        The plans by title, the first being what the others are set against.
    noun, base_name
        What the people are called, and which of them are counted.
    residents
        By catchment: a column of people for each plan.
    own_years
        Where some school does not teach every year counted: by catchment, the people of the years that its schools
        teach under each plan, worked out of ``by_year``; None where every school teaches them all.
    places
        By catchment: places under each plan, NaN where it has no such school; public. None without places.
    summary
        One row a plan: ``moves``, ``moves_share``, ``cluster_moves`` (who change cluster), ``over_2_miles``,
        ``over_3_miles``, ``mean_m``, ``median_m``, ``p90_m``, ``unfilled``, ``beyond``, ``full_schools``; what is not
        known is missing.
    flows
        For each option: from which catchment to which, with the people who move: ``from``, ``to``, ``people``.
    who
        For each option and attribute: by category ``same``, ``nearer``, ``farther``, ``other`` (people), ``all``,
        ``moves_share``.
    areas
        For each option the areas that move: ``people``; options whose areas cannot be shown one by one are left out.
    by_year
        For each plan: people by catchment and year group.
    mix
        For each plan and group: ``gorard``, ``dissimilarity`` and each by chance alone.
    groups
        For each attribute of :data:`MIXED`: by catchment, the people of the group under each plan.
    distance
        By band of distance to the catchment school: a column of people for each plan.
    retention
        By catchment of the first plan: ``residents``, ``attend`` (the catchment's own school) and ``share``.
    siblings
        For each option: children with a brother or sister at the catchment school before and after.
    feeders
        For each feeder school: its ``children`` (worked out of printed counts; a hidden one stands for half of the
        threshold), its ``main`` catchment under each plan and the ``share`` of them in it.
    people
        Those counted, in the plans and elsewhere.
    left_out
        What is not shown, and why.
    rule
        The rule applied.
    nested
        How catchments are made of areas, for the ledger.
    data
        What the data are called.
    way
        How distances were measured, as in :class:`geoplan.travel.Travel`; "" for straight lines.
    cluster_flows
        For each option: from which cluster to which, with the people who change cluster: ``from``, ``to``,
        ``people``; empty where the schools have no clusters.
    clusters
        For each cluster of feeder schools: its ``children``, the ``main`` cluster of their catchments under each plan
        and the ``share`` of them in it, worked out of ``feeders``; None without feeder schools or clusters.
    """

    plans: Mapping[str, CatchmentPlan]
    noun: str
    base_name: str
    residents: Protected
    places: pd.DataFrame | None
    own_years: Protected | None
    summary: Protected
    flows: Mapping[str, Protected]
    who: Mapping[tuple[str, str], Protected]
    areas: Mapping[str, Protected]
    by_year: Mapping[str, Protected]
    mix: Protected | None
    groups: Mapping[str, Protected]
    distance: Protected | None
    retention: Protected | None
    siblings: Mapping[str, Protected]
    feeders: Protected | None
    people: Protected
    left_out: Mapping[str, str]
    rule: Rule
    nested: tuple[Nesting, ...]
    data: str = ""
    cluster_flows: Mapping[str, Protected] = field(default_factory=dict)
    clusters: Protected | None = None
    way: str = ""

    def __repr__(self) -> str:
        return f"<OptionTables: {', '.join(self.plans)}; {self.rule.name}, {self.rule.tag}>"

    @property
    def titles(self) -> tuple[str, ...]:
        """The plans' titles, today's first."""
        return tuple(self.plans)

    @property
    def options(self) -> tuple[str, ...]:
        """The titles of the options."""
        return self.titles[1:]


def plan_marks(residents: Residents, base_name: str, data: str = "") -> dict[str, str]:
    """A mark of the counts of the people, in all and by each attribute: the same only for the same data.

    For the authority's own ledger alone: whoever knows all people but one could try values for that one.
    """
    population = population_words(residents, base_name, data)
    marks = {population: _mark(np.bincount(residents.area, minlength=len(residents.areas)))}
    for name, (codes, labels) in residents.columns.items():
        if name in ("year_group", "school", *ATTRIBUTES):
            cell = residents.area * (len(labels) + 1) + codes
            marks[f"{population}; by {name}"] = _mark(np.unique(cell, return_counts=True)[1])
    return marks


def _mark(counts: np.ndarray) -> str:
    return mark_of(",".join(map(str, counts.tolist())))


def protect_options(
    plans: Mapping[str, CatchmentPlan],
    residents: Residents,
    rule: Rule = PUBLIC,
    *,
    base_name: str = "",
    sites: pd.DataFrame | None = None,
    places: pd.Series | None = None,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
    earlier_nested: Sequence[Nesting] = (),
    clusters: pd.Series | None = None,
    ages: pd.DataFrame | None = None,
    ways: Travel | None = None,
) -> OptionTables:
    """Protect what an option set does to the people who live in it.

    Parameters
    ----------
    plans
        Title to plan; the first is today's, the others are set against it. One kind of area for all.
    residents
        Who lives where, from :func:`geoplan.effects.residents_of`.
    rule
        Of the audience, from :func:`geoplan.disclosure.rule_for`.
    base_name
        Which people, in words ("pupils in years 7 to 11").
    sites
        Where schools are (``easting``, ``northing`` by school), for distances.
    places
        Places by school, before the plans' own changes.
    data
        What the data are called (a census day): other data are other people.
    earlier, earlier_nested
        What was released before, from :func:`geoplan.ledger.earlier`.
    clusters
        The council's own group of each school, by its code ("" for none): who changes cluster, and which clusters'
        children are divided, as :func:`geoplan.effects.clusters_split` defines them.
    ages
        The years that each school teaches, by its code: ``lowest_year``, ``highest_year``, before the plans' own
        changes. Places are then set against children of those years alone.
    ways
        Metres from homes to schools along a network or from a matrix, of which ``residents.home`` are the rows; used
        for distances in the place of straight lines.

    Raises
    ------
    VintageError
        If plans or people are of different kinds of area.
    ComparisonRefused
        If there is no option, or nobody lives in the plans.
    DisclosureRefused
        If a small number could be worked out whatever is hidden.
    """
    if len(plans) < 2:
        raise ComparisonRefused("a comparison needs today's plan and at least one option")
    kinds = {plan.kind for plan in plans.values()} | {residents.kind}
    if len(kinds) > 1:
        raise VintageError(f"plans and people are by {', '.join(sorted(kinds))}: bring all to one kind")
    base_name = base_name or residents.noun
    ground = Ground(dict(plans), residents, base_name, data, clusters)
    ground.way = "" if ways is None else f", by {ways.by} {hashlib.sha256(ways.values.tobytes()).hexdigest()[:8]}"
    if not ground.inside.any():
        raise ComparisonRefused(f"none of the {residents.noun} live in the plans' {residents.kind} areas")
    first, *options = plans
    changes = {
        title: change_of(plans[first], plans[title], residents, None, places, sites, ways=ways)
        for title in (*options, first)
    }
    moving = {option: ground.moving(option) for option in options}
    few = {option: codes for option, codes in moving.items() if 0 < len(codes) <= MOST_AREAS}
    desk = Desk(ground, rule, tuple(earlier), tuple(earlier_nested), set().union(*few.values()))
    desk.check_size(ground)
    base = desk.protect(
        [ground.by_catchment(title) for title in plans] + [ground.by_flow(option) for option in options], by_area=True
    )
    by_catchment, by_flow = dict(zip(plans, base, strict=False)), dict(zip(options, base[len(plans) :], strict=True))
    by_cluster = {}
    if ground.has_clusters:
        raws = [ground.by_cluster_flow(option) for option in options]
        by_cluster = dict(zip(options, desk.protect(raws, by_area=True), strict=True))
    areas, without_areas = _by_area(desk, ground, few)  # areas give way to catchments
    who, crossed = _who_moves(desk, ground, changes, options), {}
    for name in ("year_group", *ATTRIBUTES):
        if name in residents.columns:
            more, crossed[name] = _by_attribute(desk, ground, changes, plans, name)
            who |= more
    who = {key: who[key] for option in options for key in who if key[0] == option}
    mixes, by_year = {name: crossed[name] for name in MIXED if name in crossed}, crossed.get("year_group", {})
    bands = protect_bands(desk, ground, changes, plans)
    shown = {
        "residents": _side_by_side(by_catchment),
        "places": None if places is None else _places_of(plans, places),
    }
    shown["own_years"] = None if places is None else _of_own_years(shown["residents"], by_year, plans, ages, rule)
    distance = distance_table(bands) if bands else None
    metres = {title: metres_of(desk, ground, changes[title], title, bands.get(title)) for title in plans if bands}
    feeders = _feeders(desk, ground)
    return OptionTables(
        plans=MappingProxyType(dict(plans)),
        noun=residents.noun,
        base_name=base_name,
        summary=_summary(plans, metres, by_flow, by_cluster, shown, distance, rule),
        flows=MappingProxyType({option: _flow_table(by_flow[option]) for option in options}),
        who=MappingProxyType(who),
        areas=MappingProxyType(areas),
        by_year=MappingProxyType({title: _crossed(table) for title, table in by_year.items()}),
        mix=_mix_table(mixes, rule),
        groups=MappingProxyType({name: _group_table(tables, name) for name, tables in mixes.items()}),
        distance=distance,
        retention=_retention(desk, ground, first),
        siblings=MappingProxyType(_siblings(desk, ground, changes, options)),
        feeders=_feeder_table(desk, ground, feeders),
        clusters=_cluster_table(desk, ground, feeders),
        cluster_flows=MappingProxyType({option: _flow_table(table) for option, table in by_cluster.items()}),
        people=_people(desk, ground),
        left_out=MappingProxyType(
            _left_out(residents, sites, places, ways)
            | _without_clusters(ground, feeders)
            | _too_many(moving)
            | without_areas
        ),
        rule=rule,
        nested=ground.nested,
        data=data,
        way="" if ways is None else ways.by,
        **shown,
    )


# --- the tables ------------------------------------------------------------------------------------------


def _by_area(desk: Desk, ground: Ground, few: Mapping[str, pd.Index]) -> tuple[dict[str, Protected], dict[str, str]]:
    """For each option the people of the areas that move, and why they are not shown where they are not.

    One table of all areas that move under some option. While it is protected it also has the other pieces, so that
    every sum is whole; they are not shown.
    """
    codes = sorted(set().union(*few.values()))
    if not codes:
        return {}, {}
    kind, noun = ground.residents.kind, ground.residents.noun
    people = pd.Series(np.bincount(ground.residents.area, minlength=len(ground.areas)), index=ground.areas)
    counts = people.reindex(desk.piece.index, fill_value=0).groupby(desk.piece.rename(kind)).sum()
    raw = RawTable(f"{noun} by {kind} that moves, {', '.join(few)}", counts, noun, ground.population, kind)
    try:
        table = desk.protect([raw], by_area=True, patience=PATIENCE)[0]
    except DisclosureRefused:
        why = "a small number could be worked out from them"
        return {}, {f"{_BY_AREA}, {option}": why for option in few}
    printed = _only(table.printed, codes)
    desk.printed[-1] = printed
    shown, why = {}, {}
    for option, own in few.items():
        counts = table.shown.loc[own].rename("people").to_frame()
        hidden = table.hidden.loc[own].rename("people").to_frame()
        if hidden["people"].mean() > 0.5:
            why[f"{_BY_AREA}, {option}"] = "most of the numbers would be hidden; they are shown by pair of schools"
        else:
            shown[option] = Protected(counts, hidden, table.rule, table.noun, printed=(printed,))
    return shown, why


def _only(printed: PrintedTable, codes: Iterable[str]) -> PrintedTable:
    """Some rows of a printed table by area: what it does not list is not known from it."""
    kept = set(codes)
    keep = [cell[0] in kept for cell in printed.cells]
    thresholds = {
        name: value if isinstance(value, int) else tuple(np.array(value)[keep].tolist())
        for name, value in (("hide_below", printed.hide_below), ("round_to", printed.round_to))
    }
    cells = tuple(cell for cell, own in zip(printed.cells, keep, strict=True) if own)
    texts = tuple(text for text, own in zip(printed.shown, keep, strict=True) if own)
    return replace(printed, cells=cells, shown=texts, complete=False, **thresholds)


def _side_by_side(tables: Mapping[str, ProtectedTable]) -> Protected:
    """By catchment, a column of people for each plan; a catchment that a plan does not have has none."""
    codes = sorted(set().union(*(table.shown.index for table in tables.values())), key=_last)
    shown = pd.DataFrame({title: table.shown.reindex(codes) for title, table in tables.items()})
    hidden = pd.DataFrame({title: table.hidden.reindex(codes, fill_value=False) for title, table in tables.items()})
    first = next(iter(tables.values()))
    printed = tuple(table.printed for table in tables.values())
    return Protected(shown.rename_axis("catchment"), hidden, first.rule, first.noun, printed=printed)


def _last(code: str) -> tuple[bool, str]:
    return code in (NO_SCHOOL, ELSEWHERE), code


def _places_of(plans: Mapping[str, CatchmentPlan], places: pd.Series) -> pd.DataFrame:
    """Places by catchment under each plan; shared catchments have those of their schools together."""
    given = places.dropna().to_dict()
    table = {}
    for title, plan in plans.items():
        own = {}
        for school in plan.schools:
            known = [code for code in plan.members(school) if code in given or code in plan.changes]
            added = sum(plan.changes[code].places_added for code in known if code in plan.changes)
            own[school] = sum(float(given.get(code, 0.0)) for code in known) + added if known else np.nan
        table[title] = pd.Series(own, dtype=float)
    return pd.DataFrame(table).rename_axis("catchment")


def _of_own_years(residents: Protected, by_year, plans, ages: pd.DataFrame | None, rule: Rule) -> Protected | None:
    """By catchment, the people of the years that its schools teach, from the printed table by year.

    A hidden count stands for half of the threshold. None where every school teaches every year that is counted, or it
    is not known what they teach.
    """
    if ages is None or not by_year:
        return None
    held, printed, part = {}, [], False
    for title, plan in plans.items():
        years = _crossed(by_year[title])
        counts = years.table.mask(years.hidden, rule.hide_below / 2).fillna(0.0)
        own = residents.table[title].where(residents.table.index.isin(plan.schools))
        for code in plan.schools:
            taught = years_taught_in(plan, code, ages)
            left = [year for year in counts if taught is not None and year in YEARS and year not in taught]
            if left and code in counts.index:
                part = True
                own[code] = _to_fives(counts.drop(columns=left).loc[[code]].sum(axis=1), rule).iloc[0]
        held[title] = own
        printed.append(by_year[title].printed)
    if not part:
        return None
    frame = pd.DataFrame(held)
    hidden = residents.hidden[list(held)] & frame.isna()
    return replace(residents, table=frame, hidden=hidden, printed=(*residents.printed, *printed))


def years_taught_in(plan: CatchmentPlan, code: str, ages: pd.DataFrame) -> set[str] | None:
    """The year groups that the schools of a catchment teach under a plan; None where one does not say.

    Examples
    --------
    >>> plan = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101"})).change_age_range("101", "", "8")
    >>> ages = pd.DataFrame({"lowest_year": ["R"], "highest_year": ["6"]}, index=["101"])
    >>> sorted(years_taught_in(plan, "101", ages))
    ['1', '2', '3', '4', '5', '6', '7', '8', 'R']
    """
    taught: set[str] = set()
    for member in plan.members(code):
        change = plan.changes.get(member)
        ends = [
            getattr(change, name, "") or str(ages[name].get(member, "unknown"))
            for name in ("lowest_year", "highest_year")
        ]
        if not set(ends) <= set(YEARS):
            return None
        low, high = map(YEARS.index, ends)
        taught |= set(YEARS[low : high + 1])
    return taught


def _flow_table(table: ProtectedTable) -> Protected:
    moving = table.shown.index != STAY
    shown, hidden = table.shown[moving], table.hidden[moving]
    parts = [code.split(TO) for code in shown.index]
    frame = pd.DataFrame(
        {"from": [a for a, _ in parts], "to": [b for _, b in parts], "people": shown.to_numpy()}, index=shown.index
    )
    order = frame["people"].fillna(-1).sort_values(ascending=False, kind="stable").index
    gone = pd.DataFrame({"people": hidden})
    return Protected(frame.loc[order], gone.loc[order], table.rule, table.noun, printed=(table.printed,))


def _who_moves(desk: Desk, ground: Ground, changes, options) -> dict[tuple[str, str], Protected]:
    """For each option: who stays, who comes to a nearer school and who to a farther one."""
    return {
        (option, ALL): _effect_table(
            desk.protect([effect_counts(ground, changes[option], option)])[0], effect_dim(ground, option), ALL
        )
        for option in options
        if changes[option].moves.any()
    }


def _by_attribute(desk: Desk, ground: Ground, changes, plans, name: str):
    """People by an attribute: what becomes of them under each option, and by catchment of each plan if it is mixed.

    All of one attribute are protected at once: the gate attacks them beside all of that attribute released before, and
    that takes longer than anything else.
    """
    moving = [option for option in list(plans)[1:] if changes[option].moves.any()]
    raws = [effect_counts(ground, changes[option], option, name) for option in moving]
    if name in (*MIXED, "year_group"):
        raws += mixed_counts(ground, name, plans)
    made = desk.protect(raws) if raws else []
    who = {
        (option, name): _effect_table(table, effect_dim(ground, option), name)
        for option, table in zip(moving, made, strict=False)
    }
    return who, dict(zip(plans, made[len(moving) :], strict=False))


def _effect_table(table: ProtectedTable, dim: str, name: str) -> Protected:
    """Rows the categories of an attribute (``all`` for none), columns the effects."""
    if name == ALL:
        shown, hidden = table.shown.to_frame(ALL).T, table.hidden.to_frame(ALL).T
    else:
        shown, hidden = table.shown.unstack(dim), table.hidden.unstack(dim)
    if name == "year_group":
        order = sorted(shown.index, key=_year_key)
        shown, hidden = shown.loc[order], hidden.loc[order]
    wanted = {SAME: "same", NEARER: "nearer", FARTHER: "farther", MOVED: "other"}
    shown = shown.reindex(columns=list(wanted), fill_value=0.0).rename(columns=wanted)
    hidden = hidden.reindex(columns=list(wanted)).rename(columns=wanted).eq(True)
    if not (shown["other"].fillna(1) > 0).any():
        shown, hidden = shown.drop(columns="other"), hidden.drop(columns="other")
    shown.columns.name = hidden.columns.name = None
    move = [column for column in shown if column != "same"]
    total, moves = shown.sum(axis=1), shown[move].sum(axis=1)
    unsure = hidden.any(axis=1)
    large = total.where(total >= max(1, table.rule.min_base))
    shown["moves_share"] = (moves / large).mask(unsure)
    hidden["moves_share"] = unsure
    shown.index.name = hidden.index.name = name
    return Protected(
        shown, hidden, table.rule, table.noun, MappingProxyType({"moves_share": "share"}), (table.printed,)
    )


def _crossed(table: ProtectedTable) -> Protected:
    shown, hidden = table.shown.unstack(fill_value=0.0), table.hidden.unstack(fill_value=False)
    order = sorted(shown.columns, key=_year_key)
    rows = sorted(shown.index, key=_last)
    shown, hidden = shown.loc[rows, order], hidden.loc[rows, order]
    shown.columns.name = hidden.columns.name = None
    shown.index.name = "catchment"
    return Protected(shown, hidden, table.rule, table.noun, printed=(table.printed,))


def _year_key(year: str) -> tuple[int, float, str]:
    return (1, float(year), "") if year.isdigit() else (0 if year in ("N1", "N2", "R") else 2, 0.0, year)


def _group_table(tables: Mapping[str, ProtectedTable], name: str) -> Protected:
    """By catchment, the people of the group under each plan, with their share of those known."""
    shown, hidden, units = {}, {}, {}
    for title, table in tables.items():
        own, all_, gone = _group_counts(table, name)
        shown[title], hidden[title] = own, gone
        large = all_.where(all_ >= max(1, table.rule.min_base))
        shown[f"{title}, share"], hidden[f"{title}, share"] = (own / large).clip(upper=1).round(2), gone
        units[f"{title}, share"] = "share"
    rows = sorted(set().union(*(part.index for part in shown.values())) - {ELSEWHERE}, key=_last)
    frame = pd.DataFrame(shown).reindex(rows).rename_axis("catchment")
    away = pd.DataFrame(hidden).reindex(rows).eq(True)
    one = next(iter(tables.values()))
    printed = tuple(table.printed for table in tables.values())
    return Protected(frame, away, one.rule, one.noun, MappingProxyType(units), printed)


def _group_counts(table: ProtectedTable, name: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """By catchment: the group as printed, everybody, and whether the group is hidden."""
    shown, hidden = table.shown.unstack(name), table.hidden.unstack(name)
    value = MIXED[name]
    if value not in shown:
        nothing = pd.Series(0.0, index=shown.index)
        return nothing, shown.sum(axis=1), nothing.astype(bool)
    return shown[value], shown.sum(axis=1, min_count=1), hidden[value].eq(True)


def _mix_table(mixes: Mapping[str, Mapping[str, ProtectedTable]], rule: Rule) -> Protected | None:
    """Gorard's measure and dissimilarity between catchments, with what chance alone would give; from printed counts.

    A hidden count stands for half of the threshold.
    """
    rows, index, printed = [], [], []
    for name, tables in mixes.items():
        for title, table in tables.items():
            own, total, gone = _group_counts(table, name)
            kept = ~own.index.isin([ELSEWHERE, NO_SCHOOL])
            own = own.where(~gone, rule.hide_below / 2).fillna(0.0)[kept].to_numpy()
            total = np.maximum(total.fillna(0.0)[kept].to_numpy(), own)
            printed.append(table.printed)
            index.append((title, name))
            if not 0 < own.sum() < total.sum():
                rows.append([np.nan] * 4)
                continue
            drawn = _by_chance(own, total)
            rows.append([gorard(own, total), drawn[0], dissimilarity(own, total), drawn[1]])
    if not rows:
        return None
    names = ["gorard", "gorard_by_chance", "dissimilarity", "dissimilarity_by_chance"]
    table = pd.DataFrame(rows, columns=names, index=pd.MultiIndex.from_tuples(index, names=["plan", "group"])).round(3)
    return Protected(table, table.isna() & False, rule, "catchments", printed=tuple(printed))


def _by_chance(own: np.ndarray, total: np.ndarray) -> tuple[float, float]:
    whole = np.round(total).astype(np.int64)
    group = int(min(round(own.sum()), whole.sum()))
    drawn = np.random.default_rng(0).multivariate_hypergeometric(whole, group, size=DRAWS, method="marginals")
    return tuple(float(np.mean([measure(row, whole) for row in drawn])) for measure in (gorard, dissimilarity))


def _summary(plans, metres, by_flow, by_cluster, shown, distance, rule: Rule) -> Protected:
    """One row a plan: the table of the council paper."""
    rows, gone = {}, {}
    residents = shown["residents"]
    first = next(iter(plans))
    for title in plans:
        row, away = {}, {}
        counts, hidden = residents.table[title], residents.hidden[title]
        total = max(residents.table[each].drop(ELSEWHERE, errors="ignore").sum() for each in plans)
        if title == first:
            row |= {"moves": 0.0, "moves_share": 0.0} | ({"cluster_moves": 0.0} if by_cluster else {})
        else:
            flow = _flow_table(by_flow[title])
            away["moves"] = away["moves_share"] = bool(flow.hidden["people"].any()) and not rule.exact
            row["moves"] = flow.table["people"].sum()
            row["moves_share"] = row["moves"] / total if total >= max(1, rule.min_base) else np.nan
            if away["moves"]:  # the sum of what is printed, said to be at least that
                away["moves"] = away["moves_share"] = flow.table["people"].notna().sum() == 0
            if title in by_cluster:
                flow = _flow_table(by_cluster[title])
                row["cluster_moves"] = flow.table["people"].sum()
                away["cluster_moves"] = bool(flow.hidden["people"].any()) and flow.table["people"].notna().sum() == 0
        if distance is not None and title in distance.table:
            over2, over3 = (distance.table.loc[name, title] for name in BANDS[1:])
            lost = distance.hidden[title]
            row |= {"over_2_miles": over2 + over3, "over_3_miles": over3}
            away |= {"over_2_miles": bool(lost[BANDS[1]] or lost[BANDS[2]]), "over_3_miles": bool(lost[BANDS[2]])}
            row |= metres[title][0]
        if shown["places"] is not None:
            places = shown["places"][title].dropna()
            counts = counts if shown["own_years"] is None else shown["own_years"].table[title]
            held = counts.reindex(places.index).fillna(0.0)
            row["unfilled"] = float(np.maximum(places - held, 0).sum())
            row["beyond"] = float(np.maximum(held - places, 0).sum())
            row["full_schools"] = float((held > places).sum())
        rows[title], gone[title] = row, away
    table = pd.DataFrame(rows).T.astype(float).rename_axis("plan")
    hidden = pd.DataFrame(False, index=table.index, columns=table.columns)
    for title, away in gone.items():
        for name, lost in away.items():
            hidden.loc[title, name] = lost
    table = table.mask(hidden)
    units = MappingProxyType({"moves_share": "share", "mean_m": "m", "median_m": "m", "p90_m": "m"})
    printed = (*residents.printed, *(table.printed for table in (*by_flow.values(), *by_cluster.values())))
    printed += () if distance is None else distance.printed
    printed += tuple(table for _, tables in metres.values() for table in tables)
    return Protected(table, hidden, rule, "", units, printed)


def _retention(desk: Desk, ground: Ground, first: str) -> Protected | None:
    """Residents of each catchment who attend its school, beside all residents: what a catchment is worth."""
    if "school" not in ground.residents.columns:
        return None
    codes, labels = ground.residents.columns["school"]
    members = {}
    for code in ground.plans[first].schools:
        members |= dict.fromkeys(ground.plans[first].members(code), code)
    own = labels.map(lambda code: members.get(code, NONE)).to_numpy(dtype=object)[codes]
    here, names = ground.catchment_of(first)
    attends = (own == names.to_numpy(dtype=object)[here]).astype(np.int64)
    if not attends.any():
        return None
    dim = f"{ATTENDS}: {ground.dims[first]}"  # another plan's catchment school is another question
    raw = ground.raw(
        f"residents who attend, {first}", (dim,),
        **{ground.dims[first]: (here, names), dim: (attends, pd.Index([NO, YES]))},
    )  # fmt: skip
    table = desk.protect([raw])[0]
    shown, hidden = (part.unstack(dim) for part in (table.shown, table.hidden))
    rows = sorted(set(shown.index) - {ELSEWHERE, NO_SCHOOL})
    shown, hidden = shown.loc[rows], hidden.loc[rows].astype(bool)
    total = shown.sum(axis=1, min_count=2)
    lost = hidden.any(axis=1)
    frame = pd.DataFrame({"residents": total, "attend": shown[YES]}, index=pd.Index(rows, name="catchment"))
    frame["share"] = (frame["attend"] / total.where(total >= max(1, desk.rule.min_base))).round(2)
    away = pd.DataFrame({"residents": lost, "attend": hidden[YES], "share": lost}, index=frame.index)
    return Protected(
        frame.mask(away), away, desk.rule, table.noun, MappingProxyType({"share": "share"}), (table.printed,)
    )


def _siblings(desk: Desk, ground: Ground, changes, options) -> dict[str, Protected]:
    """By what becomes of them, children who have a brother or sister at the school of their catchment."""
    words = {(YES, YES): "keep a sibling's school", (YES, NO): "lose it", (NO, YES): "gain it", (NO, NO): "neither"}
    found = {}
    for option in options:
        raw = siblings_split(changes[option]).get("siblings")
        if raw is None or not len(raw):
            continue
        counts = raw.counts.rename(index=str).reindex(list(words), fill_value=0)
        counts = counts.set_axis(pd.Index(list(words.values()), name="brothers and sisters"))
        name = f"{raw.noun} with a brother or sister at the catchment school, {option}"
        raw = RawTable(name, counts, raw.noun, f"{ground.population}, in families, {ground.flow_dims[option]}")
        shown = desk.protect([raw])[0].to_protected("people")
        order = list(words.values())
        found[option] = Protected(
            shown.table.loc[order], shown.hidden.loc[order], desk.rule, raw.noun, printed=shown.printed
        )
    return found


def _feeders(desk: Desk, ground: Ground) -> dict[str, ProtectedTable]:
    """For each plan, pupils by feeder school and catchment; none where they attend schools of the plans."""
    if "school" not in ground.residents.columns:
        return {}
    codes, labels = ground.residents.columns["school"]
    schools = {member for plan in ground.plans.values() for code in plan.schools for member in plan.members(code)}
    outside = ~(labels.isin(schools) | (labels == NOT_KNOWN))
    told = ground.inside & (labels != NOT_KNOWN)[codes]
    if not told.any() or (outside[codes] & told).sum() < FEEDERS * told.sum():
        return {}  # they attend schools of the plans: no feeders, but other schools of the same phase
    position, labels = pd.factorize(labels.where(outside, ANOTHER_SCHOOL))
    codes = position[codes]
    dim = "feeder of " + "; ".join(ground.dims.values())
    made = {}
    for title, where in ground.dims.items():
        raw = ground.raw(
            f"feeder schools by catchment, {title}", (dim,),
            **{dim: (codes, labels), where: ground.catchment_of(title)},
        )  # fmt: skip
        made[title] = desk.protect([raw])[0]
    return made


def _in_plan(ground: Ground, table: ProtectedTable, title: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Feeder schools by catchment, as shown and whether hidden, without those of the plans and who lives elsewhere."""
    parts = (part.unstack(ground.dims[title]) for part in (table.shown, table.hidden.astype(bool)))
    shown, hidden = (part.drop(index=ANOTHER_SCHOOL, columns=[NO_SCHOOL, ELSEWHERE], errors="ignore") for part in parts)
    return shown, hidden.eq(True)


def _feeder_table(desk: Desk, ground: Ground, tables: Mapping[str, ProtectedTable]) -> Protected | None:
    """By feeder school: its pupils in the plans, and the share in its main catchment under each plan.

    A hidden count stands for half of the threshold in the base of a share, as it does for clusters: left out, it would
    make a feeder school look less split than it is. Where every count of a school is hidden, its main catchment is.
    """
    if not tables:
        return None
    columns, hidden = {}, {}
    for title, table in tables.items():
        shown, away = _in_plan(ground, table, title)
        counts = shown.mask(away, desk.rule.hide_below / 2).fillna(0.0)
        total = counts.sum(axis=1)
        large = total.where(total >= max(1, desk.rule.min_base))
        columns.setdefault("children", _to_fives(total, desk.rule))
        columns[f"{title}, share"] = (counts.max(axis=1) / large).round(2)
        known = shown.gt(0).any(axis=1)
        columns[f"{title}, share"] = columns[f"{title}, share"].where(known)
        columns[f"{title}, main"] = shown.fillna(-1).idxmax(axis=1).where(known, NOT_SHOWN)
        hidden[f"{title}, share"] = large.isna() | ~known
    return _shares(desk, ground, tables, pd.DataFrame(columns).rename_axis("feeder"), pd.DataFrame(hidden))


def _cluster_table(desk: Desk, ground: Ground, tables: Mapping[str, ProtectedTable]) -> Protected | None:
    """By cluster of the feeder schools: its children in the plans, and the share in catchments of one cluster.

    Worked out of what is printed of feeder schools, so that it says no more than that does; a hidden count stands for
    half of the threshold. Protected by itself, it would have to give way to them: in the demo two clusters of six
    would be hidden, and it took ten times as long.
    """
    cluster = {code: name.strip() for code, name in ground.school_cluster.items() if name.strip()}
    if not tables or not ground.has_clusters:
        return None
    columns, hidden = {}, {}
    for title, table in tables.items():
        shown, away = _in_plan(ground, table, title)
        kept = shown.index.isin(list(cluster))
        if not kept.any():
            return None
        counts = shown.mask(away, desk.rule.hide_below / 2).fillna(0.0)[kept]
        home = pd.Index([ground.catchment_clusters[title].get(code, NO_CLUSTER) for code in counts])
        wide = counts.groupby(counts.index.map(cluster)).sum().T.groupby(home).sum().T
        total = wide.sum(axis=1)
        large = total.where(total >= max(1, desk.rule.min_base))
        columns.setdefault("children", _to_fives(total, desk.rule))
        columns[f"{title}, share"] = (wide.max(axis=1) / large).round(2)
        columns[f"{title}, main"] = wide.idxmax(axis=1)
        hidden[f"{title}, share"] = large.isna()
    return _shares(desk, ground, tables, pd.DataFrame(columns).rename_axis("cluster"), pd.DataFrame(hidden))


def _to_fives(counts: pd.Series, rule: Rule) -> pd.Series:
    """Sums of printed counts and of what stands for hidden ones, rounded as the counts are."""
    return counts if rule.exact else rule.round_to * (counts / rule.round_to).round()


def _shares(desk: Desk, ground: Ground, tables: Mapping, frame: pd.DataFrame, hidden: pd.DataFrame) -> Protected:
    """Shares in the main catchment or cluster, the most divided under the last plan first."""
    units = {name: "share" for name in frame if name.endswith(", share")}
    frame = frame.sort_values(f"{list(tables)[-1]}, share", kind="stable")
    printed = tuple(table.printed for table in tables.values())
    return Protected(frame, hidden.loc[frame.index], desk.rule, ground.residents.noun, MappingProxyType(units), printed)


def protect_preferences(
    plan: CatchmentPlan, applications: Assignment, rule: Rule = PUBLIC, *, data: str = ""
) -> Protected:
    """Applications by catchment: who named the catchment's own school first, and who was offered it.

    Parameters
    ----------
    plan
        Today's plan.
    applications
        From ``read_applications``, assigned; columns ``preference_1`` and ``offer``.
    rule, data
        As for :func:`protect_options`.

    Returns
    -------
    Protected
        By catchment: ``applicants``, ``first`` and ``offered``.

    Raises
    ------
    UnknownCodeError
        If the applications have no areas of the plan's kind.
    """
    if plan.kind not in applications.kinds:
        raise UnknownCodeError(
            f"the applications have no {plan.kind} areas; they have {', '.join(applications.kinds) or 'none'}"
        )
    rows = applications.people
    school = rows[plan.kind].astype("object").map(plan.table).fillna(NONE).astype("str")
    rows, school = rows[(school != NONE).to_numpy()], school[(school != NONE).to_numpy()]
    members = [set(plan.members(code)) for code in school]
    population = "; ".join(
        part for part in (f"{applications.noun} by catchment, {plan.name} [{plan_fingerprint(plan)}]", data) if part
    )
    shown, hidden, printed = {}, {}, []
    for name, column in (("first", "preference_1"), ("offered", "offer")):
        own = [code in known for code, known in zip(rows[column].astype("str"), members, strict=True)]
        part = school[own].value_counts().rename_axis("catchment")
        raw = take_up(
            f"{applications.noun}, {name}", part, school.value_counts().rename_axis("catchment"), population=population
        )
        raw = RawTable(raw.name, raw.counts, applications.noun, f"{population}, {name}", attributes=(TAKE_UP,))
        table = protect_tables([raw], rule, totals="rounded")[0]
        values, gone = table.shown.unstack(TAKE_UP), table.hidden.unstack(TAKE_UP).eq(True)
        shown[name], hidden[name] = values[YES], gone[YES]
        shown.setdefault("applicants", values.sum(axis=1, min_count=2))
        hidden.setdefault("applicants", gone.any(axis=1))
        printed.append(table.printed)
    order = ["applicants", "first", "offered"]
    return Protected(
        pd.DataFrame(shown)[order], pd.DataFrame(hidden)[order], rule, applications.noun, printed=tuple(printed)
    )


def feeders_split(tables: OptionTables) -> dict[str, int]:
    """How many feeder schools each plan splits: a tenth of their pupils or more outside the main catchment."""
    return _split(tables.feeders, tables.titles)


def clusters_split(tables: OptionTables) -> dict[str, int]:
    """How many clusters' children each plan divides: a tenth or more outside the main cluster of catchments."""
    return _split(tables.clusters, tables.titles)


def _split(shown: Protected | None, titles: Sequence[str]) -> dict[str, int]:
    if shown is None:
        return {}
    large = shown.table["children"] >= max(1, shown.rule.min_base)  # so many, and nowhere enough to be shown
    return {
        title: int(
            (
                (shown.table[f"{title}, share"] <= 1 - SPLIT_SHARE)
                | (large & (shown.table[f"{title}, main"] == NOT_SHOWN))
            ).sum()
        )
        for title in titles
    }


def _people(desk: Desk, ground: Ground) -> Protected:
    """Those counted: in the plans, elsewhere, and without an area."""
    counts = pd.Series(
        {
            "in the plans": int(ground.inside.sum()),
            "elsewhere": int((~ground.inside).sum()),
            "without an area (not placed)": ground.residents.left_out,
        }
    ).rename_axis("where")
    name = f"accounts of {ground.population}, by {', '.join(ground.dims.values())}"
    table = desk.protect([RawTable(name, counts, ground.residents.noun, name)])[0]
    shown = table.to_protected("people")
    return Protected(
        shown.table.loc[list(counts.index)], shown.hidden.loc[list(counts.index)], desk.rule, printed=shown.printed
    )


def _too_many(moving: Mapping[str, pd.Index]) -> dict[str, str]:
    """The options with too many areas that move to show people by area."""
    return {
        f"{_BY_AREA}, {option}": f"{len(codes):,} areas move, and the most that are shown one by one is {MOST_AREAS:,}"
        for option, codes in moving.items()
        if len(codes) > MOST_AREAS
    }


def _without_clusters(ground: Ground, feeders: Mapping[str, ProtectedTable]) -> dict[str, str]:
    """Why clusters are not shown, or their children are not."""
    if not ground.has_clusters:
        return {"clusters of schools": "the schools file gives the plans' schools no cluster"}
    if not feeders:
        there = "school" in ground.residents.columns
        why = f"these {ground.residents.noun} attend schools of the plans; count those of feeder schools (--base)"
        return {"clusters whose children would be divided": why if there else "where people go to school is not given"}
    return {}


def _left_out(residents: Residents, sites, places, ways=None) -> dict[str, str]:
    lacking = {
        "distances": ways is None and (sites is None or residents.easting is None),
        "places": places is None,
        "free school meals": "fsm" not in residents.columns,
        "special educational needs": "sen" not in residents.columns,
        "deprivation": "idaci" not in residents.columns,
        "brothers and sisters": "household" not in residents.columns,
    }
    reasons = {
        "distances": "no positions of homes or schools",
        "places": "the schools file has none",
        "free school meals": "the pupils file does not say",
        "special educational needs": "the pupils file does not say",
        "deprivation": "no file of IDACI is given",
        "brothers and sisters": "no household is given",
    }
    return {name: reasons[name] for name, lacks in lacking.items() if lacks}
