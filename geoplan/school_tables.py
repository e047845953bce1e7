"""One school's own profile and homes for its head, who knows the public tables of the place too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.comparison import measure_shown
from geoplan.disclosure import HIDDEN, HIDE_BELOW, NOT_AVAILABLE, OWN_HIDE_BELOW, OWN_ROUND_TO, Protected, Rule
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.gate import ENOUGH, GateResult, PrintedTable, PublicTotals, attack
from geoplan.protection import PUPILS, PlaceTables, _placed, protect_place
from geoplan.reduction import Contradiction
from geoplan.room import Room, find_room, has_room, most_at_home


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
    gate
        What the head could find out, at the narrowest.
    """

    school: str
    profile: Protected
    homes: Protected
    rule: Rule
    gate: GateResult

    def __repr__(self) -> str:
        return f"<SchoolTables of {self.school}: {len(self.homes):,} areas, {self.rule.tag}>"


@dataclass(frozen=True, repr=False, eq=False)
class SchoolGround:
    """What every school's own tables are protected against: made once for a place, by :func:`prepare_schools`.

    It holds exact counts of each school, and like other types about people it shows none.
    """

    tables: PlaceTables
    people: Assignment
    boundaries: Boundaries
    counts: Mapping[str, pd.Series]
    sizes: pd.Series
    room: Room | None

    def __repr__(self) -> str:
        return f"<SchoolGround: {len(self.counts):,} schools; not protected>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("what schools are protected against has exact counts of people and is not pickled or copied")


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
    every = placed.groupby(["school", "area", "segment"]).size()
    counts = {str(school): part.droplevel(0) for school, part in every.groupby(level=0)}
    sizes = placed["school"].value_counts()
    by_school, segments = next(iter(tables.profiles.values())).printed
    sizes = placed["school"].value_counts()
    room = find_room(by_school, segments, *tables.by_area.printed, *tables.areas.printed, sizes)
    return SchoolGround(tables, people, boundaries, counts, sizes, room)


def protect_school(ground: SchoolGround, school: str, rule: Rule) -> SchoolTables:
    """Protect one school's own profile and homes for its head, who knows the public tables too.

    Why it is enough to look at the school alone is said in :mod:`geoplan.room`; where it is not, all tables are
    attacked together.

    Parameters
    ----------
    ground
        From :func:`prepare_schools`.
    school
        The school's code.
    rule
        Of the audience ``school:URN``, of the same school.

    Returns
    -------
    SchoolTables

    Raises
    ------
    DisclosureRefused
        If a small number could be worked out whatever is hidden.
    """
    if rule.own != school:
        raise ValueError(f"the rule is for {rule.name}, not for school {school}")
    if school not in ground.counts:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment")
    done = _own_alone(ground, school, rule) or _own_with_all(ground, school, rule)
    profile, homes, result = done
    return SchoolTables(school, profile, homes, rule, result)


def _own_with_all(ground: SchoolGround, school: str, rule: Rule) -> tuple[Protected, Protected, GateResult]:
    tables = protect_place(ground.people, ground.boundaries, rule, homes=[school])
    return tables.profiles[school], tables.homes[school], tables.gate


def _own_alone(ground: SchoolGround, school: str, rule: Rule) -> tuple[Protected, Protected, GateResult] | None:
    """Own profile and homes, attacked by themselves; None where there is not the room for that."""
    room, size = ground.room, int(ground.sizes[school])
    if room is None or size < rule.min_base:
        return None
    own = ground.counts[school]
    home, mix = own.groupby(level=0).sum(), own.groupby(level=1).sum().reindex(room.rows.columns, fill_value=0)
    low, high = room.low.loc[school], room.high.loc[school]
    wanted = (room.area_high.loc[home.index] > 0) * np.maximum(home.where(home >= OWN_HIDE_BELOW, 9), 9).to_numpy()[
        :, None
    ]
    most = most_at_home(room, wanted)
    if most is None:
        return None
    population = f"{ground.people.noun} of {school}"
    gone = {"profile": (mix > 0) & (mix < OWN_HIDE_BELOW), "homes": (home > 0) & (home < OWN_HIDE_BELOW)}
    gone["homes"] |= _rest_is_small(room, home)
    counts = {"profile": mix, "homes": home}
    frame = most.stack()
    frame = frame[frame > 0]
    may_be = PrintedTable(
        "who may live where", ("area", "segment"), tuple(frame.index), ("x",) * len(frame), population, small_group=0
    )
    limits = {"who may live where": dict(zip(frame.index, frame.astype(int), strict=True))}
    public = PublicTotals((), pd.Series([size]), population, "school headcounts")
    result = None
    for _ in range(len(mix) + len(home) + 1):
        printed = [_own_printed(name, counts[name], gone[name], population) for name in ("profile", "homes")]
        shown = mix.where(~gone["profile"])
        least, top = low.where(shown.isna(), shown), high.where(shown.isna(), shown)
        # another school's row must be able to make up for any of these
        top = np.minimum(top, np.maximum(least, np.maximum(room.rows.loc[school], rule.hide_below - 1)))
        said = PrintedTable("public", ("segment",), tuple((c,) for c in mix.index), _public_row(ground, school, mix),
                            population, rule.hide_below, rule.round_to, 0)  # fmt: skip
        limits["profile"] = {(code,): int(top[code]) for code in mix.index}
        if not has_room(room, school, least, top):
            return None
        try:
            result = attack([*printed, said, may_be], [public], at_most=limits, after=result)
        except Contradiction:
            return None
        if result.passed:
            break
        if not _hide_more(gone, counts, frame.index, result.offenders):
            return None
    segments = next(iter(ground.tables.profiles.values())).printed[1]
    profile = _own_profile(ground, school, rule, mix, gone["profile"], printed[0], segments)
    homes = pd.DataFrame({PUPILS: home.astype(float).where(~gone["homes"])})
    hidden = pd.DataFrame({PUPILS: gone["homes"]})
    return profile, Protected(homes, hidden, rule, ground.people.noun, printed=(printed[1],)), result


def _rest_is_small(room: Room, home: pd.Series) -> pd.Series:
    """Areas where, with the own pupils told, the pupils of all other schools would be known too closely."""
    most, least = room.total_high[home.index], np.maximum(room.total_low[home.index], home)
    return (most - least + 1 < ENOUGH) & (least - home < HIDE_BELOW)


def _own_printed(name: str, counts: pd.Series, gone: pd.Series, population: str) -> PrintedTable:
    texts = tuple(HIDDEN if hidden else str(count) for count, hidden in zip(counts, gone, strict=True))
    dims = ("segment",) if name == "profile" else ("area",)
    cells = tuple((code,) for code in counts.index)
    return PrintedTable(name, dims, cells, texts, population, OWN_HIDE_BELOW, OWN_ROUND_TO)


def _public_row(ground: SchoolGround, school: str, mix: pd.Series) -> tuple[str, ...]:
    """What everybody sees of the school; what is hidden there says nothing here."""
    row = ground.tables.by_school.table.loc[school].reindex(mix.index)
    return tuple(NOT_AVAILABLE if pd.isna(value) else str(int(value)) for value in row)


def _hide_more(gone: Mapping[str, pd.Series], counts: Mapping[str, pd.Series], may_be, offenders) -> bool:
    """Hide the smallest printed number beside each offender: homes of its segment, then segments; False if none."""
    changed = False
    of_area, of_segment = {}, {}
    for area, segment in may_be:
        of_area.setdefault(area, set()).add(segment)
        of_segment.setdefault(segment, set()).add(area)

    def hide(name: str, codes) -> bool:
        left = [(counts[name][c], c) for c in codes if c in counts[name] and not gone[name][c] and counts[name][c]]
        if left:
            gone[name][min(left)[1]] = True
        return bool(left)

    for name, cell in offenders:
        if name == "profile":
            changed |= hide("profile", counts["profile"].index) | hide("homes", of_segment.get(cell[0], ()))
            continue
        segments = of_area.get(cell[0], set()) if name == "homes" else set(cell)
        areas = {area for segment in segments for area in of_segment.get(segment, ())}
        changed |= hide("homes", areas) or hide("profile", segments) or hide("profile", counts["profile"].index)
    return changed


def _own_profile(ground, school, rule, mix, gone, printed, segments) -> Protected:
    """The measures of the own school, from its own numbers and the public ones of all."""
    index = pd.MultiIndex.from_product([[school], mix.index], names=["school", "segment"])
    shown = pd.Series(mix.astype(float).where(~gone).to_numpy(), index=index)
    own = _Shown(shown, pd.Series(gone.to_numpy(), index=index), printed)
    values = pd.Series(
        {c[0]: np.nan if t == HIDDEN else float(t) for c, t in zip(segments.cells, segments.shown, strict=True)}
    )
    base = _Shown(values, values.isna(), segments)
    totals = pd.Series({school: float(ground.sizes[school])})
    measured = measure_shown(own, base, totals, float(values.sum()), rule, ground.tables.base)
    table = measured.table.loc[school]
    table.insert(0, "name", [ground.people.segmentation.name(segment) for segment in table.index])
    hidden = measured.hidden.loc[school]
    return Protected(table, hidden, rule, ground.tables.base, measured.units, measured.printed)


@dataclass(frozen=True)
class _Shown:
    shown: pd.Series
    hidden: pd.Series
    printed: PrintedTable
