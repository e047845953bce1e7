"""What of a place may be shown: its tables of counts, protected together.

Every page, table and list about a place is made from these and from nothing else, so that whatever a map,
a sentence or a ranking says, it says no more than they do. They are protected in one go because they hang
together: pupils by school and segment, by area and segment, and the sums of both. Each school's headcount
is taken as known to everybody.

Tables made from the same data are of one population, whose name says who is counted and from which data; so what was
released of it before (``earlier``) is protected against too. :func:`data_marks` tells whether the data are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.comparison import measure_shown
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.gate import GateResult, Nesting, PrintedTable, PublicTotals
from geoplan.segments import Segmentation
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import RawTable

ELSEWHERE = "elsewhere"
PUPILS = "pupils"


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
    public
        The headcounts taken as known to everybody.
    nested
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
    public: tuple[PublicTotals, ...] = field(default=())
    nested: tuple[Nesting, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<PlaceTables: {len(self.profiles):,} schools, {self.rule.name}, {self.rule.tag}>"


def protect_place(
    people: Assignment,
    boundaries: Boundaries | None = None,
    rule: Rule = PUBLIC,
    homes: Iterable[str] = (),
    *,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
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
    data
        What the data are called (a census day): other data are another population.
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`; of other populations, it is left out.

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
    nested = _nested(people, boundaries, before) if boundaries is not None else ()
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
    headcounts = school.counts.groupby(level="school").sum()
    known = PublicTotals(("school",), headcounts, population, "school headcounts")
    made = protect_tables(tables, rule, [known], earlier=before, nested=nested, totals="rounded")
    shown = {table.name: table for table in made}
    by_school, segments, *rest = (shown[table.name] for table in tables)
    profiles = _profiles(by_school, segments, headcounts, people, rule)
    local = {code: _homes(placed, code, people, boundaries, rule, data, earlier) for code in homes}
    return PlaceTables(
        by_school=by_school.unstack("segment"),
        by_area=rest[0].unstack("segment") if rest else None,
        areas=rest[1].to_protected(PUPILS) if rest else None,
        homes={code: shown for code, (shown, _) in local.items()},
        profiles=profiles,
        area_shares=_area_shares(*rest, people, rule) if rest else {},
        rule=rule,
        base=f"all {people.noun} placed in a segment",
        gate=by_school.gate,
        public=(known, *(total for _, total in local.values())),
        nested=tuple(nested),
    )


def population_of(people: Assignment, data: str = "", school: str = "") -> str:
    """The name of a population: who is counted, and from which data.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    data
        What the data are called.
    school
        The school, where only its pupils are counted.
    """
    scheme = people.segmentation
    who = people.noun if scheme is None else f"{people.noun} placed in a segment of {scheme.label}"
    return "; ".join(part for part in (who, school and f"of {school}", data) if part)


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
    return hashlib.sha256(counts.to_csv(header=False).encode()).hexdigest()


def _nested(people: Assignment, boundaries: Boundaries, before: Sequence[PrintedTable]) -> tuple[Nesting, ...]:
    """How the areas drawn now overlap with those of earlier releases: both are made of the pieces they cut."""
    known = {dim for table in before for dim in table.dims} - {"school", "segment", boundaries.kind}
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
    printed = {dim: {cell[table.dims.index(dim)] for table in before if dim in table.dims for cell in table.cells}
               for dim in sorted(known)}  # fmt: skip
    for kind, codes in printed.items():
        rows[kind] = rows[kind].where(rows[kind].isin(codes), ELSEWHERE)
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


def _homes(
    placed: pd.DataFrame,
    school: str,
    people: Assignment,
    boundaries: Boundaries,
    rule: Rule,
    data: str,
    earlier: Sequence[PrintedTable],
) -> tuple[Protected, PublicTotals]:
    """One school's pupils by area: a table of its own, its sum known to everybody."""
    counts = placed.loc[placed["school"] == school, boundaries.kind].value_counts().sort_index()
    population = population_of(people, data, school)
    name = f"homes of the {people.noun} of {school}"
    raw = RawTable(name, counts.rename_axis(boundaries.kind), people.noun, population, geography=boundaries.kind)
    total = PublicTotals((), pd.Series([int(counts.sum())]), population, "school headcounts")
    before = [table for table in earlier if table.population == population]
    nested = _nested(people, boundaries, before)
    return protect_tables([raw], rule, [total], earlier=before, nested=nested)[0].to_protected(PUPILS), total


def _profiles(
    by_school: ProtectedTable, segments: ProtectedTable, headcounts: pd.Series, people: Assignment, rule: Rule
) -> dict[str, Protected]:
    totals, _ = protect_counts(headcounts, rule)
    base = f"all {people.noun} placed in a segment"
    measured = measure_shown(by_school, segments, totals, float(segments.shown.sum()), rule, base)
    names = {segment: people.segmentation.name(segment) for segment in people.segmentation.segments}
    profiles = {}
    for school in headcounts.index:
        table = measured.table.loc[school]
        table.insert(0, "name", [names[segment] for segment in table.index])
        profiles[str(school)] = Protected(
            table, measured.hidden.loc[school], rule, base, measured.units, measured.printed
        )
    return profiles


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
