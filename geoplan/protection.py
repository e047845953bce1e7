"""What of a place may be shown: its tables of counts, protected together.

Every page, table and list about a place is made from these and from nothing else, so that whatever a map,
a sentence or a ranking says, it says no more than they do. They are protected in one go because they hang
together: pupils by school and segment, by area and segment, and the sums of both. Each school's headcount
is taken as known to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.comparison import measure_shown
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.gate import GateResult, PublicTotals
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

    def __repr__(self) -> str:
        return f"<PlaceTables: {len(self.profiles):,} schools, {self.rule.name}, {self.rule.tag}>"


def protect_place(
    people: Assignment, boundaries: Boundaries | None = None, rule: Rule = PUBLIC, homes: Iterable[str] = ()
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
    homes = list(dict.fromkeys(homes))
    if homes:
        tables.append(_homes(placed, homes, people.noun, population))
    headcounts = school.counts.groupby(level="school").sum()
    known = PublicTotals(("school",), headcounts, population, "school headcounts")
    shown = {table.name: table for table in protect_tables(tables, rule, [known], totals="rounded")}
    by_school, segments, *rest = (shown[table.name] for table in tables)
    at_home = rest.pop() if homes else None
    profiles = _profiles(by_school, segments, headcounts, people, rule)
    return PlaceTables(
        by_school=by_school.unstack("segment"),
        by_area=rest[0].unstack("segment") if rest else None,
        areas=rest[1].to_protected(PUPILS) if rest else None,
        homes={code: _homes_of(at_home, code) for code in homes},
        profiles=profiles,
        area_shares=_area_shares(*rest, people, rule) if rest else {},
        rule=rule,
        base=f"all {population}",
        gate=by_school.gate,
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


def _homes(placed: pd.DataFrame, schools: list[str], noun: str, population: str) -> RawTable:
    """The pupils of some schools by area: all of each, and nothing of the other schools."""
    rows = placed[placed["school"].isin(schools)]
    counts = rows.groupby(["area", "school"]).size()
    name = f"homes of the {noun} of {', '.join(schools)}"
    return RawTable(name, counts, noun, population, geography="area", attributes=("area",), complete=False)


def _homes_of(homes: ProtectedTable, school: str) -> Protected:
    here = homes.shown.index.get_level_values("school") == school
    shown, hidden = (values[here].droplevel("school").rename(PUPILS) for values in (homes.shown, homes.hidden))
    return Protected(shown.to_frame(), hidden.to_frame(), homes.rule, homes.noun, printed=(homes.printed,))


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
