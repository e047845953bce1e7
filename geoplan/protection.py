"""What of a place may be shown: its tables of counts, protected together.

Every page, table and list about a place is made from these and from nothing else, so that whatever a map,
a sentence or a ranking says, it says no more than they do. They are protected in one go because they hang
together: pupils by school and segment, by area and segment, and the sums of both. Each school's headcount
is taken as known to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.comparison import Base, measure_shown
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.gate import GateResult, Nesting, PublicTotals
from geoplan.hierarchies import NO_GROUP
from geoplan.segments import Segmentation
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import RawTable

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

    def __repr__(self) -> str:
        return f"<PlaceTables: {len(self.profiles):,} schools, {self.rule.name}, {self.rule.tag}>"


def protect_place(
    people: Assignment,
    boundaries: Boundaries | None = None,
    rule: Rule = PUBLIC,
    homes: Iterable[str] = (),
    extra: Sequence[RawTable] = (),
    base: GroupBase | Base | None = None,
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
        Schools whose pupils are wanted by area.
    extra
        Further tables of the same place to be protected beside these, such as
        :func:`geoplan.cautions.caution_tables`; they are hidden as far as these, already printed, make it necessary.
    base
        What the profiles are compared with: all pupils unless given; a :class:`GroupBase`; or a
        :class:`~geoplan.comparison.Base` of public figures about other people (residents).

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
    population = f"{people.noun} placed in a segment"
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
            _crossed(placed, "area", people.segmentation),
            people.noun,
            population,
            geography="area",
            attributes=("segment",),
        )
        tables += [area, area.sum_over("segment", f"{people.noun} by area")]
    own, nested = _group_table(people, base, population) if isinstance(base, GroupBase) else (None, ())
    living = [] if own is None or base.of_home is None else [own.sum_over("segment", f"{people.noun} by {base.dim}")]
    more = [*extra, *([] if own is None else [own]), *living]
    headcounts = school.counts.groupby(level="school").sum()
    known = PublicTotals(("school",), headcounts, population, "school headcounts")
    done = protect_tables(tables, rule, [known], totals="rounded")
    if more:  # the others give way to these, which so print the same whatever else is asked for
        printed = [table.printed for table in done]
        done += protect_tables(more, rule, [known], nested=nested, earlier=printed, totals="rounded")
    shown = {table.name: table for table in done}
    by_school, segments, *rest = (shown[table.name] for table in tables)
    groups = {} if own is None else _group_profiles(shown[own.name], segments, headcounts, people, rule, base)
    of_base = [shown[table.name] for table in more[len(extra) :]]
    profiles = _profiles(by_school, segments, headcounts, people, rule, base, *of_base)
    return PlaceTables(
        by_school=by_school.unstack("segment"),
        by_area=rest[0].unstack("segment") if rest else None,
        areas=rest[1].to_protected(PUPILS) if rest else None,
        homes={code: _homes(placed, code, people, rule) for code in homes},
        profiles=profiles,
        area_shares=_area_shares(*rest, people, rule) if rest else {},
        rule=rule,
        base=base.name if isinstance(base, Base) else f"all {population}",
        gate=by_school.gate,
        extra={table.name: shown[table.name] for table in extra},
        groups=groups,
    )


def protect_areas(people: Assignment, boundaries: Boundaries, rule: Rule = PUBLIC) -> Protected:
    """Everybody counted by area, column ``pupils``, where no segments are wanted."""
    _require_kind(people, boundaries)
    codes = people.people[boundaries.kind]
    area = codes.astype("str").where(codes.isin(boundaries.codes), ELSEWHERE)
    raw = RawTable(f"{people.noun} by area", area.value_counts().sort_index().rename_axis("area"), people.noun)
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
        placed["area"] = codes.astype("str").where(codes.isin(boundaries.codes), ELSEWHERE)
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


def _homes(placed: pd.DataFrame, school: str, people: Assignment, rule: Rule) -> Protected:
    """One school's pupils by area: a table of its own, its sum known to everybody."""
    counts = placed.loc[placed["school"] == school, "area"].value_counts().sort_index().rename_axis("area")
    population = f"{people.noun} of {school}"
    raw = RawTable(f"homes of the {population}", counts, people.noun, population, geography="area")
    total = PublicTotals((), pd.Series([int(counts.sum())]), population, "school headcounts")
    return protect_tables([raw], rule, [total])[0].to_protected(PUPILS)


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


def _group_table(people: Assignment, base: GroupBase, population: str) -> tuple[RawTable, tuple[Nesting, ...]]:
    """Pupils by group and segment, and for the gate which school lies in which group."""
    placed = _placed(people, None)
    if base.of_home is None:
        of_school = base.of_school.set_axis(base.of_school.index.astype("str"))
        lookup = of_school.reindex(sorted(placed["school"].unique())).astype("object")
        lookup = lookup.where(lookup.notna(), NO_GROUP).astype("str")
        groups = placed["school"].map(lookup)
        nested = (Nesting("school", base.dim, {str(school): str(group) for school, group in lookup.items()}),)
    else:
        if base.kind not in people.kinds:
            raise VintageError(f"these people have no {base.kind} codes, only {', '.join(people.kinds)}")
        homes = people.frame.loc[placed.index, base.kind].astype("object").map(base.of_home)
        groups, nested = homes.where(homes.notna(), NO_GROUP).astype("str"), ()
    table = RawTable(
        f"{people.noun} by {base.dim} and segment",
        _crossed(placed.assign(**{base.dim: groups}), base.dim, people.segmentation),
        people.noun,
        population,
        attributes=("segment",),
    )
    return table, nested


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
