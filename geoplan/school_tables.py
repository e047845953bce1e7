"""One school's own profile and homes for its head, who knows the public tables of the place too.

The head is shown counts of 5 or more of the own school exactly. Beside all public tables that must give away neither
a hidden count of the own school nor one of any other. What is attacked for each school is the part of the public
tables that its own can say anything of; :mod:`geoplan.room` says why that is enough. What is hidden besides
counts of 1 to 4 is chosen by what is printed and public: of two numbers that would do, not the smaller one goes, but
the one that stands first by public figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.chance import exact_p
from geoplan.comparison import MIN_TOTAL, NOTABLE_AT, measure_shown
from geoplan.disclosure import (
    HIDDEN,
    HIDE_BELOW,
    NOT_AVAILABLE,
    OWN_HIDE_BELOW,
    OWN_ROUND_TO,
    PUBLIC,
    Protected,
    Rule,
    protect_counts,
)
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.evidence import ENOUGH, PrintedTable, PublicTotals
from geoplan.gate import GateResult, attack
from geoplan.protection import PUPILS, PlaceTables, _placed, protect_place
from geoplan.reduction import Contradiction
from geoplan.room import Room, find_areas, find_room, find_schools

PROFILE, HOMES = "own profile", "own homes"
FULL, ROUNDED, PUBLIC_ONLY, WHOLE = "full", "rounded homes", "public only", "whole place"
NOTES = {
    FULL: "",
    ROUNDED: "The school's mix is given as everybody may see it, and its homes rounded to the nearest 5 and from 10 "
    "pupils up, for finer numbers would give small ones away.",
    PUBLIC_ONLY: "The school's mix is given as everybody may see it, and its homes not at all, for they would give "
    "small numbers away.",
    WHOLE: "",
}
_ROUNDS = 8
_MOST_CELLS = 6_000
_REST = "the others"


@dataclass(frozen=True, repr=False)
class SchoolTables:
    """What the head of one school may see of it, beside the public tables of the place.

    Parameters
    ----------
    school
        Its code.
    profile
        Its segments with ``name``, counts and measures, as in :class:`PlaceTables`.
    homes
        Its pupils by area, column ``pupils``.
    rule
        The rule applied.
    route
        How it was protected: a key of ``NOTES``.
    gate
        What the head could find out, at the narrowest.
    """

    school: str
    profile: Protected
    homes: Protected
    rule: Rule
    route: str
    gate: GateResult | None

    @property
    def note(self) -> str:
        """What the head is to be told of what is not shown; empty where only small numbers, and others that would
        give them away, are hidden."""
        return NOTES[self.route]

    def __repr__(self) -> str:
        return f"<SchoolTables of {self.school}: {len(self.homes):,} areas, {self.rule.tag}>"


@dataclass(frozen=True, repr=False, eq=False)
class SchoolGround:
    """What every school's own tables are protected against: made once for a place, by :func:`prepare_schools`.

    It holds exact counts of each school, and like other types about people it shows none.
    """

    tables: PlaceTables
    counts: Mapping[str, pd.Series]
    sizes: pd.Series
    room: Room | None
    texts: Mapping[str, pd.DataFrame | pd.Series]
    kind: str
    noun: str
    names: Mapping[str, str]
    people: Assignment | None = None
    boundaries: Boundaries | None = None

    def __repr__(self) -> str:
        return f"<SchoolGround: {len(self.counts):,} schools; not protected>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("what schools are protected against has exact counts of people and is not pickled or copied")

    def handed_over(self, schools: Iterable[str]) -> tuple:
        """What another process of the same run needs for some schools, as plain values for :func:`taken_over`.

        These are exact counts: they may go through a pipe, and nowhere that is kept.
        """
        counts = {school: self.counts[school] for school in schools if school in self.counts}
        return counts, self.sizes, self.room, self.texts, self.kind, self.noun, self.names


def taken_over(tables: PlaceTables, values: tuple) -> SchoolGround:
    """The ground of some schools, in another process: everything but the people."""
    counts, sizes, room, texts, kind, noun, names = values
    return SchoolGround(tables, counts, sizes, room, texts, kind, noun, names)


def prepare_schools(people: Assignment, boundaries: Boundaries, tables: PlaceTables) -> SchoolGround:
    """Count each school's pupils, and work out how much room the public tables leave, once for all schools.

    Parameters
    ----------
    people, boundaries
        As given to :func:`protect_place`.
    tables
        What it gave for the public.
    """
    if tables.rule.own or tables.rule.exact or tables.by_area is None:
        raise ValueError("schools are protected against the public tables of a place, with its areas")
    placed = _placed(people, boundaries)
    every = placed.groupby(["school", boundaries.kind, "segment"]).size()
    counts = {str(school): part.droplevel(0) for school, part in every.groupby(level=0)}
    sizes = placed["school"].value_counts().sort_index()
    by_school, segments = next(iter(tables.profiles.values())).printed
    (by_area,), (areas,) = tables.by_area.printed, tables.areas.printed
    room = find_room(by_school, segments, by_area, areas, sizes)
    texts = {
        "school": _wide(by_school, ("school", "segment")),
        "area": _wide(by_area, (boundaries.kind, "segment")),
        "areas": pd.Series(areas.shown, index=[cell[0] for cell in areas.cells], dtype=object),
    }
    names = {segment: people.segmentation.name(segment) for segment in people.segmentation.segments}
    return SchoolGround(tables, counts, sizes, room, texts, boundaries.kind, people.noun, names, people, boundaries)


def protect_school(ground: SchoolGround, school: str, rule: Rule, *, whole: bool = False) -> SchoolTables:
    """Protect one school's own profile and homes for its head, who knows the public tables too.

    Where the own numbers in full would give somebody away whatever else is hidden, the profile is the public one and
    the homes are rounded and hidden as for the public; where that is still too much, there are no homes.
    ``SchoolTables.note`` says so.

    Parameters
    ----------
    ground
        From :func:`prepare_schools`.
    school
        The school's code.
    rule
        Of the audience ``school:URN``, of the same school.
    whole
        Attack the tables of the whole place together: slow, and for comparison only.

    Returns
    -------
    SchoolTables

    Raises
    ------
    DisclosureRefused
        With ``whole``: if a small number could be worked out whatever is hidden.
    UnknownCodeError
        If nobody of the school is placed in a segment.
    """
    if rule.own != school:
        raise ValueError(f"the rule is for {rule.name}, not for school {school}")
    if school not in ground.counts:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment")
    if whole:
        tables = protect_place(ground.people, ground.boundaries, rule, homes=[school])
        return SchoolTables(school, tables.profiles[school], tables.homes[school], rule, WHOLE, tables.gate)
    return protect_schools(ground, {school: rule})[school]


def protect_schools(ground: SchoolGround, rules: Mapping[str, Rule]) -> dict[str, SchoolTables]:
    """The same for several schools, each by itself: what one head may see is not told to another.

    Parameters
    ----------
    ground
        From :func:`prepare_schools`.
    rules
        For each school, by code, the rule of its own audience.
    """
    found = {school: _route(ground, school, rule) for school, rule in rules.items()}
    own = {school: each for school, each in found.items() if each is not None and each.route == FULL}
    profiles = _own_profiles(ground, own, rules)
    tables = {}
    for school, each in found.items():
        if each is None:
            tables[school] = _public_only(ground, school, rules[school])
            continue
        profile = profiles.get(school, ground.tables.profiles[school])
        tables[school] = SchoolTables(school, profile, each.homes, rules[school], each.route, each.gate)
    return tables


def _route(ground: SchoolGround, school: str, rule: Rule) -> _Own | None:
    """The fullest own numbers that give nobody away; None where none do."""
    if ground.room is None or ground.sizes[school] < rule.min_base:
        return None
    around = _surroundings(ground, school)
    routes = (FULL, ROUNDED) if around else ()
    return next(filter(None, (_protect_own(ground, school, rule, around, route) for route in routes)), None)


def _public_only(ground: SchoolGround, school: str, rule: Rule) -> SchoolTables:
    nothing = pd.DataFrame({PUPILS: pd.Series(dtype=float)}, index=pd.Index([], name=ground.kind))
    homes = Protected(nothing, nothing.astype(bool), rule, ground.noun, printed=())
    return SchoolTables(school, ground.tables.profiles[school], homes, rule, PUBLIC_ONLY, ground.tables.gate)


def _wide(table: PrintedTable, dims: tuple[str, str]) -> pd.DataFrame:
    """The texts of a printed table, with zeros written out."""
    at = [table.dims.index(dim) for dim in dims]
    index = pd.MultiIndex.from_tuples([tuple(cell[i] for i in at) for cell in table.cells])
    return pd.Series(table.shown, index=index, dtype=object).unstack(fill_value="0")


@dataclass(frozen=True, eq=False)
class _Own:
    """Own numbers that passed the gate: the homes, and by the full route what the profile is made from."""

    route: str
    homes: Protected
    gate: GateResult
    mix: pd.Series
    gone: pd.Series | None
    printed: PrintedTable | None


@dataclass(frozen=True, eq=False)
class _Around:
    """The part of the public tables that a school is attacked with."""

    printed: tuple[PrintedTable, ...]
    public: tuple[PublicTotals, ...]


def _surroundings(ground: SchoolGround, school: str) -> _Around | None:
    """The kept rows of the public tables as printed, and the sums of all others; None if that is too much."""
    room, home = ground.room, ground.counts[school].index.get_level_values(0).unique()
    by_school, segments = next(iter(ground.tables.profiles.values())).printed
    (by_area,), (areas,) = ground.tables.by_area.printed, ground.tables.areas.printed
    schools, school_reach = find_schools(room, school)
    kept, area_reach = find_areas(room, home)
    columns = list(room.rows.columns)
    if (len(schools) + len(kept)) * len(columns) > _MOST_CELLS:
        return None
    texts = ground.texts["school"].loc[schools, columns].copy()
    # what is hidden of the own school is not to be kept from its head by the public rule
    printed = (
        _with_rest(by_school, ("school", "segment"), texts, room.rows.drop(index=schools).sum(), school_reach),
        _with_rest(
            by_area, (ground.kind, "segment"), ground.texts["area"].loc[kept, columns],
            room.areas.drop(index=kept).sum(), area_reach,
        ),
        replace(
            areas, cells=(*((code,) for code in kept), (_REST,)),
            shown=(*ground.texts["areas"][kept], NOT_AVAILABLE), parts="",
        ),
        replace(segments, parts=""),
    )  # fmt: skip
    sizes = ground.sizes[schools].copy()
    sizes[_REST] = ground.sizes.sum() - sizes.sum()
    return _Around(printed, (PublicTotals(("school",), sizes, by_school.population, "school headcounts"),))


def _with_rest(
    table: PrintedTable, dims: tuple[str, str], texts: pd.DataFrame, sums: pd.Series, reach: pd.Series
) -> PrintedTable:
    """Rows of a printed table and one more: the sums of all others, as if rounded as far as they reach."""
    n, columns = texts.size, list(texts.columns)
    cells = [(row, column) for row in texts.index for column in columns]
    # from 0 up there is nothing to hide in what is only sums
    return replace(
        table,
        dims=dims,
        cells=(*cells, *((_REST, column) for column in columns)),
        shown=(*texts.to_numpy().ravel(), *(str(int(each)) for each in sums[columns])),
        hide_below=(table.hide_below,) * n + (0,) * len(columns),
        round_to=(table.round_to,) * n + tuple(2 * int(each) + 1 for each in reach[columns]),
    )


def _protect_own(ground: SchoolGround, school: str, rule: Rule, around: _Around, route: str) -> _Own | None:
    """Own profile and homes by one route; None where that would give somebody away."""
    room, population = ground.room, around.public[0].population
    own = ground.counts[school]
    home = own.groupby(level=0).sum()
    mix = own.groupby(level=1).sum().reindex(room.rows.columns, fill_value=0)
    hide_below, round_to = (OWN_HIDE_BELOW, OWN_ROUND_TO) if route == FULL else (PUBLIC.hide_below, PUBLIC.round_to)
    shown = {HOMES: protect_counts(home, replace(PUBLIC, hide_below=hide_below, round_to=round_to))[0]}
    gone = {HOMES: shown[HOMES].isna() | _rest_is_small(room, home)}
    tables = list(around.printed)
    if route == FULL:
        shown[PROFILE] = mix.astype(float)
        gone[PROFILE] = (mix > 0) & (mix < OWN_HIDE_BELOW)
        tables[0] = _unsaid(tables[0], school)
    choice = _Choice(ground, gone, shown, school)
    result = None
    for turn in range(_ROUNDS):
        printed = {
            name: _own_printed(name, ground.kind, school, shown[name], gone[name], population, hide_below, round_to)
            for name in shown
        }
        try:
            result = attack([*tables, *printed.values()], around.public, after=result)
        except Contradiction:
            return None
        if result.passed:
            break
        if not choice.hide_more(result.offenders, turn):
            return None
    else:
        return None
    homes = pd.DataFrame({PUPILS: shown[HOMES].where(~gone[HOMES])}).rename_axis(ground.kind)
    hidden = pd.DataFrame({PUPILS: gone[HOMES]}).rename_axis(ground.kind)
    protected = Protected(homes, hidden, rule, ground.noun, printed=(printed[HOMES],))
    return _Own(route, protected, result, mix, gone.get(PROFILE), printed.get(PROFILE))


def _rest_is_small(room: Room, home: pd.Series) -> pd.Series:
    """Areas where, with the own pupils told, the pupils of all other schools would be known too closely."""
    most, least = room.total_high[home.index], np.maximum(room.total_low[home.index], home)
    return (most - least + 1 < ENOUGH) & (least - home < HIDE_BELOW)


def _unsaid(table: PrintedTable, school: str) -> PrintedTable:
    """The table with what is hidden of the school left open: the head is told of it by the own profile."""
    texts = (
        NOT_AVAILABLE if text == HIDDEN and cell[0] == school else text
        for cell, text in zip(table.cells, table.shown, strict=True)
    )
    return replace(table, shown=tuple(texts))


def _own_printed(
    name: str, kind: str, school: str, shown: pd.Series, gone: pd.Series, population: str, hide_below: int,
    round_to: int,
) -> PrintedTable:  # fmt: skip
    """The own numbers as a table by school too, of which this is the only one listed."""
    texts = tuple(HIDDEN if hidden else str(int(n)) for n, hidden in zip(shown, gone, strict=True))
    if name == PROFILE:
        dims, cells, groups = ("school", "segment"), tuple((school, code) for code in shown.index), "segment"
    else:
        dims, cells, groups = (kind, "school"), tuple((code, school) for code in shown.index), kind
    return PrintedTable(
        name, dims, cells, texts, population, hide_below, round_to, 0, attributes=(groups,), complete=False
    )


class _Choice:
    """What is hidden next beside a count that would be given away: the first by public figures that stands near it."""

    def __init__(
        self, ground: SchoolGround, gone: Mapping[str, pd.Series], shown: Mapping[str, pd.Series], school: str
    ):
        self.gone, self.shown = gone, shown
        room = ground.room
        near = room.area_open.loc[gone[HOMES].index]
        self.of_area = {area: set(near.columns[row]) for area, row in zip(near.index, near.to_numpy(), strict=True)}
        # fewest pupils in all first, which everybody may know
        order = room.areas.loc[near.index].sum(axis=1).sort_values(kind="stable").index
        self.of_segment = {g: [a for a in order if g in self.of_area[a]] for g in near.columns}
        self.order = list(room.rows.loc[school].sort_values(kind="stable").index)

    def hide_more(self, offenders: Iterable[tuple[str, tuple[str, ...]]], turn: int) -> bool:
        """Hide for each offender one number, then two, then four; False if there is nothing left to hide."""
        changed = False
        for group in sorted({self._group(name, cell) for name, cell in offenders}):
            changed |= self._hide_near(*group, 2**turn)
        return changed

    def _group(self, name: str, cell: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        """Areas to hide first, segments to look in, whether the profile goes first."""
        areas = tuple(code for code in cell if code in self.of_area)
        if name == HOMES or areas:
            own = () if name == HOMES else areas
            segments = sorted(set().union(*(self.of_area[a] for a in areas)) & (set(cell) or set()))
            return own, tuple(segments or sorted(set().union(*(self.of_area[a] for a in areas)))), False
        segments = tuple(code for code in cell if code in self.of_segment)
        return (), segments or tuple(self.order), True

    def _hide_near(self, areas, segments, profile: bool, many: int) -> bool:
        homes = [a for a in areas if not self.gone[HOMES][a]]
        homes = homes or [a for g in segments for a in self.of_segment[g] if not self.gone[HOMES][a]]
        for a in list(dict.fromkeys(homes))[:many]:
            self.gone[HOMES][a] = True
        done = bool(homes)
        if PROFILE in self.gone and (profile or not done):
            left = [g for g in self.order if not self.gone[PROFILE][g] and self.shown[PROFILE][g]]
            first = [g for g in segments if g in left] if not profile else []
            for g in (first or left)[:many]:
                self.gone[PROFILE][g] = True
            done |= bool(left)
        return done


def _own_profiles(ground: SchoolGround, own: Mapping[str, _Own], rules: Mapping[str, Rule]) -> dict[str, Protected]:
    """The measures of own profiles, each from its own numbers and the public ones of all, in one go."""
    if not own:
        return {}
    segments = next(iter(ground.tables.profiles.values())).printed[1]
    base_values = pd.Series(
        {c[0]: np.nan if t == HIDDEN else float(t) for c, t in zip(segments.cells, segments.shown, strict=True)}
    )
    base = _Shown(base_values, base_values.isna(), segments)
    names = ["school", "segment"]
    shown = pd.concat({school: each.mix.astype(float).where(~each.gone) for school, each in own.items()}, names=names)
    hidden = pd.concat({school: each.gone for school, each in own.items()}, names=names)
    totals = ground.sizes[list(own)].astype(float)
    base_total = float(ground.tables.profiles[next(iter(own))].table["base_total"].iloc[0])
    rule = rules[next(iter(own))]
    measured = measure_shown(_Shown(shown, hidden, None), base, totals, base_total, rule, ground.tables.base)
    labels = [ground.names[segment] for segment in next(iter(own.values())).mix.index]
    # what is beyond chance is so among all cells of all schools, on this page as on everybody's
    tests = ["p", "q", "notable"]
    profiles, size = {}, len(labels)
    for at, (school, each) in enumerate(own.items()):
        rows = slice(at * size, (at + 1) * size)
        table = measured.table.iloc[rows].droplevel(0)
        gone = measured.hidden.iloc[rows].droplevel(0)
        public = ground.tables.profiles[school]
        table.insert(0, "name", labels)
        table[tests], gone[tests] = public.table[tests], public.hidden[tests]
        _test_own(table, gone, size * len(ground.tables.profiles))
        printed = (each.printed, segments)
        profiles[school] = Protected(table, gone, rules[school], ground.tables.base, measured.units, printed)
    return profiles


def _test_own(table: pd.DataFrame, gone: pd.DataFrame, cells: int) -> None:
    """Tests of counts that the head is shown and the public is not, against as many looks as there are cells.

    The test is of the own number and the printed base, which the head has both. Times the number of cells (Bonferroni)
    its p is never under the q that all exact numbers would give, so what is notable here is so among all.
    """
    own = (gone["p"] & ~gone["count"] & ~gone["base_count"] & (table["total"] >= MIN_TOTAL)).to_numpy()
    if not own.any():
        return
    rows = table[own]
    rest, rest_total = rows["base_count"] - rows["count"], rows["base_total"] - rows["total"]
    slack = PUBLIC.round_to // 2
    p = exact_p(rows["count"], rows["total"], rest.clip(lower=0), rest_total.clip(lower=0), 0, slack)
    q = np.minimum(p * cells, 1.0)
    table.loc[own, "p"], table.loc[own, "q"], table.loc[own, "notable"] = p, q, q <= NOTABLE_AT
    gone.loc[own, ["p", "q", "notable"]] = False


@dataclass(frozen=True)
class _Shown:
    shown: pd.Series
    hidden: pd.Series
    printed: PrintedTable | None
