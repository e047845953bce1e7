"""What of a place may be shown: its tables of counts, protected together.

Every page, table and list about a place is made from these and from nothing else, so that whatever a map,
a sentence or a ranking says, it says no more than they do. They are protected in one go because they hang
together: pupils by school and segment, by area and segment, and the sums of both. Each school's headcount
is taken as known to everybody.

Tables made from the same data are of one population, whose name says who is counted and from which data; so what was
released of it before (``earlier``) is protected against too. :func:`data_marks` tells whether the data are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.comparison import Base, measure_shown
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.evidence import Nesting, PrintedTable, PublicTotals
from geoplan.gate import GateResult
from geoplan.hierarchies import NO_GROUP
from geoplan.ledger import mark_of
from geoplan.segments import Segmentation
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import NO, YES, RawTable, population_name

ELSEWHERE = "elsewhere"
PUPILS = "pupils"


@dataclass(frozen=True, repr=False, eq=False)
class GroupBase:
    """A base that differs from school to school, for :func:`protect_place`: its cluster, its phase, its catchment.

    Parameters
    ----------
    dim
        What a group is, in one word.
    of_school
        Indexed by school, the group that is its base; missing for none.
    of_home
        Indexed by area code of ``kind``, the group its residents belong to. Where it is not given, a pupil belongs to
        the group of the school attended, and each group has a profile of its own.
    kind
        The kind of area of ``of_home``.
    """

    dim: str
    of_school: pd.Series
    of_home: pd.Series | None = None
    kind: str = ""

    def __repr__(self) -> str:
        return f"<GroupBase: {self.of_school.nunique():,} by {self.dim}>"


@dataclass(frozen=True, repr=False)
class PlaceTables:
    """The protected base tables of a place.

    Parameters
    ----------
    by_school, by_area
        Pupils by school or area (rows) and segment (columns); ``by_area`` has a row ``elsewhere`` for homes
        outside the areas drawn, and is None where there are no areas.
    areas
        Pupils by area, column ``pupils``; None where there are no areas.
    homes
        For each school asked for, its pupils by area, column ``pupils``.
    profiles
        For each school, its segments with ``name``, counts and measures (see :mod:`geoplan.comparison`).
    area_shares
        For each segment, the areas with ``count`` and ``share``.
    rule
        The rule applied.
    base
        What the shares are compared with, in words.
    gate
        What the outsider could find out, at the narrowest.
    extra
        Further tables protected together with these, by name.
    groups
        For each group of schools (cluster, phase ...), where a :class:`GroupBase` of schools was asked for, its
        segments as in ``profiles``, against all pupils.
    public
        The headcounts taken as known to everybody.
    nested
        Which schools or areas lie in which groups; kept with what was printed.
    overlaps
        How areas of this and of earlier releases overlap.
    """

    by_school: Protected
    by_area: Protected | None
    areas: Protected | None
    homes: Mapping[str, Protected]
    profiles: Mapping[str, Protected]
    area_shares: Mapping[str, Protected]
    rule: Rule
    base: str
    gate: GateResult | None = field(default=None)
    extra: Mapping[str, ProtectedTable] = field(default_factory=dict)
    groups: Mapping[str, Protected] = field(default_factory=dict)
    public: tuple[PublicTotals, ...] = field(default=())
    nested: tuple[Nesting, ...] = field(default=())
    overlaps: tuple[Nesting, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<PlaceTables: {len(self.profiles):,} schools, {self.rule.name}, {self.rule.tag}>"


def protect_place(
    people: Assignment,
    boundaries: Boundaries | None = None,
    rule: Rule = PUBLIC,
    homes: Iterable[str] = (),
    extra: Sequence[RawTable] = (),
    base: GroupBase | Base | None = None,
    *,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
    earlier_nested: Sequence[Nesting] = (),
) -> PlaceTables:
    """Protect the tables of a place together.

    Parameters
    ----------
    people
        Pupils assigned to segments and to the boundaries' kind.
    boundaries
        The areas to draw; None where no map is wanted.
    rule
        Of the audience, from :func:`geoplan.disclosure.rule_for`.
    homes
        Schools whose pupils are wanted by area; needs ``boundaries``.
    extra
        Further tables of the same place to be protected beside these, such as
        :func:`geoplan.cautions.caution_tables`; they are hidden as far as these, already printed, make it necessary.
    base
        What the profiles are compared with: all pupils unless given; a :class:`GroupBase`; or a
        :class:`~geoplan.comparison.Base` of public figures about other people (residents).
    data
        What the data are called (a census day): other data are another population.
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`; of other populations, it is left out.
    earlier_nested
        How the areas and groups of those are made of smaller ones.

    Returns
    -------
    PlaceTables

    Raises
    ------
    DisclosureRefused
        If a small number could be worked out whatever is hidden.
    UnknownCodeError, VintageError
        If the people have no segments, or no codes of the boundaries' kind.
    """
    placed = _placed(people, boundaries)
    population = population_of(people, data)
    before = [table for table in earlier if table.population == population]
    own, within = _group_table(people, boundaries, base, population) if isinstance(base, GroupBase) else (None, ())
    within = _same_names(before, earlier_nested, within)
    overlaps = _overlaps(people, boundaries, before, within) if boundaries is not None else ()
    nested = (*overlaps, *within)
    school = RawTable(
        f"{people.noun} by school and segment",
        _crossed(placed, "school", people.segmentation),
        people.noun,
        population,
        attributes=("segment",),
    )
    tables = [school, school.sum_over("school", f"{people.noun} by segment")]
    if boundaries is not None:
        area = RawTable(
            f"{people.noun} by area and segment",
            _crossed(placed, boundaries.kind, people.segmentation),
            people.noun,
            population,
            geography=boundaries.kind,
            attributes=("segment",),
        )
        tables += [area, area.sum_over("segment", f"{people.noun} by area")]
    living = [] if own is None or base.of_home is None else [own.sum_over("segment", f"{people.noun} by {base.dim}")]
    extra = [_of_population(table, people, population, data) for table in extra]
    homes = list(dict.fromkeys(homes))
    at_home = [_homes(placed, boundaries.kind, homes, people.noun, population)] if homes else []
    more = [*at_home, *extra, *([] if own is None else [own]), *living]
    known = headcounts_of(people, data)
    headcounts = known.values
    made = protect_tables(tables, rule, [known], earlier=before, nested=nested, totals="rounded")
    if more:  # the others give way to these, which so print the same whatever else is asked for
        printed = [*before, *(table.printed for table in made)]
        made += protect_tables(more, rule, [known], nested=nested, earlier=printed, totals="rounded")
    shown = {table.name: table for table in made}
    by_school, segments, *rest = (shown[table.name] for table in tables)
    groups = {} if own is None else _group_profiles(shown[own.name], segments, headcounts, people, rule, base)
    of_base = [shown[table.name] for table in more[len(at_home) + len(extra) :]]
    profiles = _profiles(by_school, segments, headcounts, people, rule, base, *of_base)
    return PlaceTables(
        by_school=by_school.unstack("segment"),
        by_area=rest[0].unstack("segment") if rest else None,
        areas=rest[1].to_protected(PUPILS) if rest else None,
        homes={code: _homes_of(shown[at_home[0].name], code) for code in homes},
        profiles=profiles,
        area_shares=_area_shares(*rest, people, rule) if rest else {},
        rule=rule,
        base=base.name if isinstance(base, Base) else f"all {people.noun} placed in a segment",
        gate=by_school.gate,
        extra={table.name: shown[table.name] for table in extra},
        groups=groups,
        public=(known,),
        nested=within,
        overlaps=overlaps,
    )


def headcounts_of(people: Assignment, data: str = "") -> PublicTotals:
    """How many of the people placed in a segment each school has: taken as known to everybody."""
    sizes = _placed(people, None).groupby("school").size()
    return PublicTotals(("school",), sizes, population_of(people, data), "school headcounts")


def only_school(table: Protected, school: str) -> Protected:
    """A table that prints one school's rows: of what the gate read by school, that school's alone.

    Parameters
    ----------
    table
        A profile, or a table with an index level ``school``.
    school
        The school's code.

    Returns
    -------
    Protected
        With less in it, which tells nobody more.
    """
    shown, hidden = table.table, table.hidden
    if "school" in shown.index.names:
        here = shown.index.get_level_values("school") == school
        shown, hidden = shown[here], hidden[here]
    return replace(table, table=shown, hidden=hidden, printed=tuple(_rows_of(part, school) for part in table.printed))


def _rows_of(printed: PrintedTable, school: str) -> PrintedTable:
    if "school" not in printed.dims:
        return printed
    at = printed.dims.index("school")
    kept = [(cell, text) for cell, text in zip(printed.cells, printed.shown, strict=True) if cell[at] == school]
    cells, texts = (tuple(part) for part in zip(*kept, strict=True)) if kept else ((), ())
    return replace(printed, cells=cells, shown=texts, complete=False)


def population_of(people: Assignment, data: str = "") -> str:
    """The name of a population: who is counted, and from which data (what the data are called)."""
    return population_named(people.noun, people.segmentation, data)


def population_named(noun: str, scheme: Segmentation | None, data: str = "") -> str:
    """As :func:`population_of`, before anybody was placed.

    Examples
    --------
    >>> population_named("pupils", None, "January 2026")
    'pupils; January 2026'
    """
    who = noun if scheme is None else f"{noun} placed in a segment of {scheme.label}"
    return population_name(who, data)


def data_marks(people: Assignment, kinds: Iterable[str], data: str = "") -> dict[str, str]:
    """A mark of the counts of a population, and of those by each kind of area: the same only for the same data.

    For the authority's own ledger alone: whoever knows all pupils but one could try values for that one.

    Parameters
    ----------
    people
        Pupils assigned to segments and to the kinds.
    kinds
        The kinds of area.
    data
        What the data are called.
    """
    rows = people.people[["school"]] if people.segmentation is None else _placed(people, None)
    population = population_of(people, data)
    marks = {population: _mark(rows)}
    for kind in kinds:
        marks[f"{population}; by {kind}"] = _mark(rows.assign(area=people.people.loc[rows.index, kind].astype("str")))
    return marks


def _mark(rows: pd.DataFrame) -> str:
    """A hash of the counts of all combinations, whatever the order of the rows."""
    counts = rows.groupby(list(rows.columns), observed=True).size().sort_index()
    return mark_of(counts.to_csv(header=False))


def _of_population(table: RawTable, people: Assignment, population: str, data: str) -> RawTable:
    """A further table, under the name of the population it is of."""
    if table.population == f"{people.noun} placed in a segment":
        return replace(table, population=population)
    return replace(table, population=population_name(table.population, data))


def _same_names(
    before: Sequence[PrintedTable], earlier: Sequence[Nesting], now: Sequence[Nesting]
) -> tuple[Nesting, ...]:
    """How groups printed now or before are made up; a name that means two things is refused."""
    printed = {dim for table in before for dim in table.dims}
    known = {nesting.coarse: nesting for nesting in now}
    for nesting in earlier:
        if nesting.coarse in printed and known.setdefault(nesting.coarse, nesting) != nesting:
            raise VintageError(
                f"{nesting.coarse}: an earlier release of the same data was by other groups of this name; give the new "
                "ones a name of their own"
            )
    return tuple(known.values())


def _overlaps(
    people: Assignment, boundaries: Boundaries, before: Sequence[PrintedTable], within: Sequence[Nesting]
) -> tuple[Nesting, ...]:
    """How the areas drawn now overlap with those of earlier releases: both are made of the pieces they cut."""
    printed: dict[str, set[str]] = {}
    for table in before:
        for i, dim in enumerate(table.dims):
            printed.setdefault(dim, set()).update(cell[i] for cell in table.cells)
    groups = {nesting.coarse for nesting in within}
    known = {dim for dim, codes in printed.items() if not codes <= {YES, NO}} - {"school", "segment"} - groups
    for nesting in within:
        if nesting.fine != "school":
            known.add(nesting.fine)
            printed.setdefault(nesting.fine, set()).update(nesting.lookup)
    known -= {boundaries.kind}
    absent = sorted(known - set(people.kinds))
    if absent:
        raise VintageError(
            f"an earlier release of the same data was by {', '.join(absent)}: these people have no such codes, so the "
            "two cannot be compared; name those areas under [areas] again"
        )
    if not known:
        return ()
    kinds = [boundaries.kind, *sorted(known)]
    rows = people.people[kinds].astype("str")
    rows[boundaries.kind] = rows[boundaries.kind].where(rows[boundaries.kind].isin(boundaries.codes), ELSEWHERE)
    for kind in sorted(known):
        rows[kind] = rows[kind].where(rows[kind].isin(printed[kind]), ELSEWHERE)
    rows = rows.drop_duplicates().sort_values(kinds)
    pieces = rows.agg("|".join, axis=1)
    fine = "+".join(kinds)
    return tuple(Nesting(fine, kind, dict(zip(pieces, rows[kind], strict=True))) for kind in kinds)


def protect_areas(people: Assignment, boundaries: Boundaries, rule: Rule = PUBLIC) -> Protected:
    """Everybody counted by area, column ``pupils``, where no segments are wanted."""
    _require_kind(people, boundaries)
    codes = people.people[boundaries.kind]
    area = codes.astype("str").where(codes.isin(boundaries.codes), ELSEWHERE)
    counts = area.value_counts().sort_index().rename_axis(boundaries.kind)
    raw = RawTable(f"{people.noun} by area", counts, people.noun, population_of(people), geography=boundaries.kind)
    return protect_tables([raw], rule)[0].to_protected(PUPILS)


# --- the parts ------------------------------------------------------------------------------------------


def _placed(people: Assignment, boundaries: Boundaries | None) -> pd.DataFrame:
    """School, segment and area of everybody placed in a segment, as text."""
    if people.segmentation is None:
        raise UnknownCodeError(
            "these people have no segments: name a segmentation (in geoplan.toml, or segments= of assign)"
        )
    rows = people.people
    rows = rows[rows["segment"].notna() & (rows["school"].astype("str") != "").to_numpy()]
    placed = pd.DataFrame({"school": rows["school"].astype("str"), "segment": rows["segment"].astype("str")})
    if boundaries is not None:
        _require_kind(people, boundaries)
        codes = rows[boundaries.kind]
        placed[boundaries.kind] = codes.astype("str").where(codes.isin(boundaries.codes), ELSEWHERE)
    return placed


def _require_kind(people: Assignment, boundaries: Boundaries) -> None:
    if boundaries.kind not in people.kinds:
        raise VintageError(
            f"these people have no {boundaries.kind} codes, only {', '.join(people.kinds)}; "
            "give assign() the same boundaries"
        )


def _crossed(placed: pd.DataFrame, by: str, segmentation: Segmentation) -> pd.Series:
    """Counts by ``by`` and every segment of the scheme, zeros written out."""
    counts = pd.crosstab(placed[by], placed["segment"]).reindex(columns=list(segmentation.segments), fill_value=0)
    return counts.rename_axis(index=by, columns="segment").stack().astype("int64")


def _homes(placed: pd.DataFrame, kind: str, schools: Sequence[str], noun: str, population: str) -> RawTable:
    """The pupils of some schools by area: all of each, and nothing of the other schools."""
    counts = placed[placed["school"].isin(schools)].groupby([kind, "school"]).size()
    name = f"homes of the {noun} of {', '.join(schools)}"
    return RawTable(name, counts, noun, population, geography=kind, attributes=(kind,), complete=False)


def _homes_of(homes: ProtectedTable, school: str) -> Protected:
    here = homes.shown.index.get_level_values("school") == school
    shown, hidden = (values[here].droplevel("school").rename(PUPILS) for values in (homes.shown, homes.hidden))
    return Protected(shown.to_frame(), hidden.to_frame(), homes.rule, homes.noun, printed=(homes.printed,))


def _profiles(
    by_school: ProtectedTable,
    segments: ProtectedTable,
    headcounts: pd.Series,
    people: Assignment,
    rule: Rule,
    base: GroupBase | Base | None = None,
    by_base: ProtectedTable | None = None,
    living: ProtectedTable | None = None,
) -> dict[str, Protected]:
    """The profiles of all schools, measured in one go: what is notable is so among all cells of all schools."""
    totals, _ = protect_counts(headcounts, rule)
    everybody, _ = protect_counts(pd.Series([headcounts.sum()]), rule)
    name = f"all {people.noun} placed in a segment"
    names: dict[str, str] = {}
    if isinstance(base, GroupBase):
        of_school = base.of_school.set_axis(base.of_school.index.astype("str"))
        inside = base.of_home is None
        if inside:  # sums of public headcounts
            sizes, _ = protect_counts(headcounts.groupby(of_school.reindex(headcounts.index)).sum(), rule)
        else:
            sizes = living.shown
        name = f"{people.noun} of the school's own {base.dim}"
        measured = measure_shown(by_school, by_base, totals, sizes, rule, name, of_school, inside)
        of_own = f"{people.noun} living in {base.dim} " if not inside else f"{people.noun} of {base.dim} "
        names = {str(school): of_own + str(group) for school, group in of_school.dropna().items()}
    elif isinstance(base, Base):
        name, counts = base.name, base.counts
        public = _Public(counts, pd.Series(False, index=counts.index))
        measured = measure_shown(by_school, public, totals, float(counts.sum()), rule, name, contains_group=False)
    else:
        measured = measure_shown(by_school, segments, totals, float(everybody.iloc[0]), rule, name)
    return _each(measured, headcounts.index, people, names)


@dataclass(frozen=True)
class _Public:
    """Counts that anyone can look up."""

    shown: pd.Series
    hidden: pd.Series
    printed: None = None


def _each(
    measured: Protected, codes: Iterable[str], people: Assignment, bases: Mapping[str, str]
) -> dict[str, Protected]:
    """One table for each school or group, with the segments' names."""
    names = {segment: people.segmentation.name(segment) for segment in people.segmentation.segments}
    tables = {}
    for code in codes:
        table = measured.table.loc[code].drop(columns=["rest_count", "rest_total"], errors="ignore")
        table.insert(0, "name", [names[segment] for segment in table.index])
        tables[str(code)] = Protected(
            table,
            measured.hidden.loc[code],
            measured.rule,
            bases.get(str(code), measured.base),
            measured.units,
            measured.printed,
        )
    return tables


def _group_table(
    people: Assignment, boundaries: Boundaries | None, base: GroupBase, population: str
) -> tuple[RawTable, tuple[Nesting, ...]]:
    """Pupils by group and segment, and for the gate which school or area lies in which group."""
    placed = _placed(people, None)
    if base.of_home is None:
        fine, of_fine = "school", placed["school"]
        of_group = base.of_school
    else:
        if base.kind not in people.kinds:
            raise VintageError(f"these people have no {base.kind} codes, only {', '.join(people.kinds)}")
        fine, of_fine = base.kind, people.frame.loc[placed.index, base.kind].astype("str")
        of_group = base.of_home
        if boundaries is not None and boundaries.kind == base.kind:
            of_fine = of_fine.where(of_fine.isin(boundaries.codes), ELSEWHERE)
        else:
            of_fine = of_fine.where(of_fine.isin(of_group.index.astype("str")), ELSEWHERE)
    of_group = of_group.set_axis(of_group.index.astype("str"))
    lookup = of_group.reindex(sorted(of_fine.unique())).astype("object")
    lookup = lookup.where(lookup.notna(), NO_GROUP).astype("str")
    table = RawTable(
        f"{people.noun} by {base.dim} and segment",
        _crossed(placed.assign(**{base.dim: of_fine.map(lookup)}), base.dim, people.segmentation),
        people.noun,
        population,
        attributes=("segment",),
    )
    return table, (Nesting(fine, base.dim, {str(code): str(group) for code, group in lookup.items()}),)


def _group_profiles(
    by_group: ProtectedTable, segments: ProtectedTable, headcounts: pd.Series, people: Assignment, rule: Rule,
    base: GroupBase,
) -> dict[str, Protected]:  # fmt: skip
    if base.of_home is not None:
        return {}
    of_school = base.of_school.set_axis(base.of_school.index.astype("str")).reindex(headcounts.index).astype("object")
    sizes = headcounts.groupby(of_school.where(of_school.notna(), NO_GROUP).astype("str")).sum()
    totals, _ = protect_counts(sizes, rule)
    everybody, _ = protect_counts(pd.Series([headcounts.sum()]), rule)
    name = f"all {people.noun} placed in a segment"
    measured = measure_shown(by_group, segments, totals, float(everybody.iloc[0]), rule, name)
    return _each(measured, sizes.index, people, {})


def _area_shares(
    by_area: ProtectedTable, areas: ProtectedTable, people: Assignment, rule: Rule
) -> dict[str, Protected]:
    """The share of each area's pupils in each segment, from printed counts; none on a base under the rule's."""
    shown, hidden = by_area.shown.unstack("segment"), by_area.hidden.unstack("segment")
    base = areas.shown.where(areas.shown >= max(rule.min_base, 1))
    tables = {}
    for segment in shown.columns:
        share = (shown[segment] / base).clip(upper=1.0)
        table = pd.DataFrame({"share": share, "count": shown[segment], "total": areas.shown})
        gone = pd.DataFrame({"share": hidden[segment], "count": hidden[segment], "total": areas.hidden})
        keep = table.index != ELSEWHERE
        tables[segment] = Protected(
            table[keep], gone[keep], rule, f"{people.noun} of the area", {"share": "share", "count": people.noun},
            (by_area.printed, areas.printed),
        )  # fmt: skip
    return tables
