"""Why a brief has no plan, in a planner's words, and the fewest limits to relax.

First the reasons that can be read from the brief: more children than places, an area that no school may take,
settled areas that cannot be joined. If there are none, limits are dropped one by one, then two by two, until a plan
exists; the smallest sets that help are named, with how far each limit must give way.

These words go to the screen and to programs whatever the audience: children are told to the nearest ten, and never of
one area.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from geoplan.briefs import BALANCE, MEASURES, MOVED, WORST, DesignProblem, Limits
from geoplan.contiguity import pieces
from geoplan.formulation import allowed_by, formulate, measure_plan, places_limits, split_groups
from geoplan.programme import TOLERANCE
from geoplan.sentences import first_few
from geoplan.solving import solve

_HALVINGS = 5
_TRY_SECONDS = 20.0  # at most, for each set of limits dropped
_TRY_STEPS = 200_000  # any plan will do, so the search from each start is short


@dataclass(frozen=True)
class _Knob:
    """One limit that can give way."""

    words: str
    drop: Callable[[Limits], Limits]
    measure: str = ""
    loosen: Callable[[Limits, float], Limits] | None = None
    asked: float = np.nan
    show: Callable[[float], str] = str


def why_impossible(problem: DesignProblem, limits: Limits, seconds: float = 30.0) -> tuple[str, ...]:
    """Why no plan keeps every limit, or what is known of it after a time.

    Parameters
    ----------
    problem, limits
        The brief.
    seconds
        When to stop trying to relax limits.

    Returns
    -------
    tuple of str
        Sentences; empty if a plan exists.
    """
    plain = plain_reasons(problem, limits)
    return (plain or relaxations(problem, limits, seconds)) + apart(problem, limits)


def apart(problem: DesignProblem, limits: Limits) -> tuple[str, ...]:
    """A note where the map itself is in several parts: often a missing bridge, and no fault of the limits."""
    part = pieces(problem.graph, np.zeros(len(problem.areas), dtype=int))
    sizes = np.bincount(part)
    if not limits.one_piece or len(sizes) == 1:
        return ()
    small = problem.areas[part != sizes.argmax()]
    verb = "touches" if len(small) == 1 else "touch"
    return (
        f"note: {_areas(len(small))} {verb} no area of the rest ({first_few(small, 3)}); where a bridge or ferry joins "
        "them, add the pair to the neighbours",
    )


def plain_reasons(problem: DesignProblem, limits: Limits) -> tuple[str, ...]:
    """Reasons that can be read from the brief; each alone makes it impossible."""
    allowed = allowed_by(problem, limits)
    return (
        *_without_school(problem, limits, allowed),
        *_places(problem, limits, allowed),
        *_groups(problem, limits, allowed),
        *(_settled(problem, allowed, limits) if limits.one_piece else ()),
    )


def relaxations(problem: DesignProblem, limits: Limits, seconds: float = 30.0) -> tuple[str, ...]:
    """The smallest sets of limits whose relaxing makes a plan possible, and how far each must give way."""
    deadline = time.monotonic() + seconds
    knobs = _knobs(problem, limits)
    untried = False
    for size in range(1, len(knobs) + 1):
        found = []
        for chosen in combinations(knobs, size):
            left = deadline - time.monotonic()
            if left <= 0:
                untried = True
                break
            dropped = limits
            for knob in chosen:
                dropped = knob.drop(dropped)
            measured, answer = _try(problem, dropped, left)
            if measured is not None:
                found.append(_helps(problem, limits, chosen, measured, deadline))
            untried |= answer == "stopped"
        if found:
            many = "one of these limits gives" if size == 1 else f"{size} limits together give"
            rest = " (others may help too: time ran out)" if untried else ""
            return (f"no plan keeps every limit; one becomes possible if {many} way{rest}:", *found)
        if untried:
            break
    if untried:
        return ("no plan keeps every limit; time ran out before it was known which to relax",)
    return ("no plan keeps every limit, and dropping them does not help: some areas cannot be joined to any school",)


def _try(problem: DesignProblem, limits: Limits, seconds: float) -> tuple[dict | None, str]:
    """The measures of some plan within the limits, or None with how the search ended."""
    if plain_reasons(problem, limits):
        return None, "impossible"
    brief = formulate(problem, limits, {"travel": 1.0})
    outcome = solve(brief.programme, gap=0.5, seconds=min(seconds, _TRY_SECONDS), steps=_TRY_STEPS)
    if outcome.worth is None or not outcome.worth.within:
        return None, outcome.status
    return measure_plan(problem, problem.plan(brief.spread(outcome.labels), "relaxed")), outcome.status


def _helps(problem: DesignProblem, limits: Limits, chosen: tuple[_Knob, ...], measured: dict, deadline: float) -> str:
    """One set of limits in words; a single one with numbers is halved towards what was asked."""
    if len(chosen) > 1 or chosen[0].loosen is None:
        return "  " + ", and ".join(knob.words for knob in chosen)
    knob = chosen[0]
    enough = measured[knob.measure]
    asked = knob.asked
    for _ in range(_HALVINGS):
        left = deadline - time.monotonic()
        if left <= 0 or abs(enough - asked) <= 1e-3 * max(abs(enough), 1e-9):
            break
        middle = 0.5 * (asked + enough)
        better, _ = _try(problem, knob.loosen(limits, middle), left)
        if better is None:
            asked = middle
        else:
            enough = better[knob.measure]
    return f"  {knob.words}: {knob.show(enough)} is enough"


def _knobs(problem: DesignProblem, limits: Limits) -> list[_Knob]:
    """The limits of a brief that can give way."""

    def percent(value: float) -> str:
        return f"{np.ceil(1000 * value - 1e-9) / 10:.1f}%"

    def floor_percent(value: float) -> str:
        return f"{np.floor(1000 * value + 1e-9) / 10:.1f}%"

    def number(value: float) -> str:
        return f"{np.ceil(100 * value - 1e-9) / 100:,.2f}"

    shown = {MOVED: lambda value: f"{10 * np.ceil(value / 10 - 1e-9):,.0f}", BALANCE: percent}

    knobs = []
    if limits.places_within is not None:
        words = f"children within {100 * limits.places_within:g}% of each school's share"
        knobs.append(
            _Knob(
                words,
                _setter("places_within", None),
                BALANCE,
                lambda x, v: replace(x, places_within=v * (1 + 1e-9)),
                limits.places_within,
                percent,
            )
        )
    if limits.full_at_most is not None:
        words = f"schools full at most {100 * limits.full_at_most:g}%"
        knobs.append(
            _Knob(
                words,
                _setter("full_at_most", None),
                "fullest",
                lambda x, v: replace(x, full_at_most=v * (1 + 1e-9)),
                limits.full_at_most,
                percent,
            )
        )
    if limits.full_at_least is not None:
        words = f"schools full at least {100 * limits.full_at_least:g}%"
        knobs.append(
            _Knob(
                words,
                _setter("full_at_least", None),
                "emptiest",
                lambda x, v: replace(x, full_at_least=v * (1 - 1e-9)),
                limits.full_at_least,
                floor_percent,
            )
        )
    if limits.max_travel is not None:
        words = f"no area farther than {limits.max_travel:g} {problem.unit} from its school"
        knobs.append(
            _Knob(
                words,
                _setter("max_travel", None),
                WORST,
                lambda x, v: replace(x, max_travel=v * (1 + 1e-9)),
                limits.max_travel,
                lambda v: f"{number(v)} {problem.unit}",
            )
        )
    if limits.nearest is not None:
        knobs.append(_Knob(f"one of the {limits.nearest} nearest schools", _setter("nearest", None)))
    if limits.fixed:
        knobs.append(_Knob(f"the {len(limits.fixed):,} settled areas", _setter("fixed", {})))
    if limits.together:
        knobs.append(_Knob(f"the {len(limits.together):,} groups of areas kept together", _setter("together", ())))
    if limits.one_piece:
        knobs.append(_Knob("catchments in one piece", _setter("one_piece", False)))
    for name, most in limits.at_most.items():
        knobs.append(
            _Knob(
                f"{MEASURES[name]} at most {most:g}",
                _without(name),
                name,
                _at_most(name),
                most,
                shown.get(name, number),
            )
        )
    return knobs


def _setter(name: str, value: object) -> Callable[[Limits], Limits]:
    return lambda limits: replace(limits, **{name: value})


def _without(name: str) -> Callable[[Limits], Limits]:
    return lambda limits: replace(limits, at_most={k: v for k, v in limits.at_most.items() if k != name})


def _at_most(name: str) -> Callable[[Limits, float], Limits]:
    return lambda limits, value: replace(limits, at_most={**limits.at_most, name: value + 1e-9 * max(abs(value), 1)})


def _areas(count: int) -> str:
    return f"{count:,} area{'' if count == 1 else 's'}"


def _without_school(problem: DesignProblem, limits: Limits, allowed: np.ndarray) -> list[str]:
    """Areas that no school may take, by the limit that forbids it."""
    travel = np.where(np.isfinite(problem.travel.to_numpy()), problem.travel.to_numpy(), np.inf)
    none = ~allowed.any(axis=1)
    settled = problem.areas.isin(list(limits.fixed))
    unreachable = none & ~np.isfinite(travel).any(axis=1)
    reasons = []
    if unreachable.any():
        verb = "has" if unreachable.sum() == 1 else "have"
        reasons.append(
            f"{_areas(unreachable.sum())} {verb} no journey to any school ({first_few(problem.areas[unreachable], 3)})"
        )
    for area in problem.areas[none & settled & ~unreachable]:
        row, school = problem.areas.get_loc(area), limits.fixed[area]
        far = travel[row, problem.schools.get_loc(school)]
        length = f"{far:g} {problem.unit} away" if np.isfinite(far) else "no journey leads there"
        reasons.append(f"{area} is settled at {school}, but that is farther than allowed ({length})")
    cut_off = none & ~settled & ~unreachable
    if cut_off.any():
        nearest = travel[cut_off].min(axis=1)
        limit = min(x for x in (limits.max_travel, limits.at_most.get(WORST)) if x is not None)
        verb, its = ("has", "its") if cut_off.sum() == 1 else ("have", "their")
        reasons.append(
            f"{_areas(cut_off.sum())} {verb} no school within {limit:g} {problem.unit} "
            f"({first_few(problem.areas[cut_off], 3)}); {its} nearest is up to {nearest.max():g} {problem.unit} away, "
            f"so the longest journey must be at least that"
        )
    return reasons


def _places(problem: DesignProblem, limits: Limits, allowed: np.ndarray) -> list[str]:
    """Too many children for the places, or too few, in all or for one school or area."""
    low, high = places_limits(problem, limits)
    reasons = []
    limit_words = _places_words(limits)
    for year, column in enumerate(problem.children.columns):
        children, when = problem.children[column].to_numpy(), _when(problem, column)
        total, most, least = children.sum(), high[year].sum(), low[year].sum()
        places = problem.places[column].sum()
        if total > most * (1 + TOLERANCE):
            need = f"; they need up to {_up(total, places)} of the places" if places > 0 and limits.full_at_most else ""
            reasons.append(
                f"{_children(total)}{when}, and places for {most:,.0f} (all: {limit_words} of {places:,.0f} "
                f"places){need}"
            )
        if total < least * (1 - TOLERANCE):
            share = f"; they fill at least {_down(total, places)} of the places"
            fill = share if places > 0 and limits.full_at_least else ""
            reasons.append(
                f"{_children(total)}{when}, and schools that need {least:,.0f} (all: {limit_words} of "
                f"{places:,.0f} places){fill}"
            )
        reach = children @ allowed
        for school in np.flatnonzero(reach < low[year] * (1 - TOLERANCE)):
            reasons.append(
                f"{problem.schools[school]} must have {_children(low[year, school])}{when}, but the "
                f"areas that may go there have {_children(reach[school], '')}"
            )
        room = np.where(allowed, high[year], -np.inf).max(axis=1)
        big = np.flatnonzero((children > room * (1 + TOLERANCE)) & allowed.any(axis=1))
        for area in big[:3]:
            reasons.append(f"area {problem.areas[area]} has more children{when} than any school it may go to can take")
        if len(big) > 3:
            reasons.append(f"and {len(big) - 3:,} more areas like that{when}")
    return reasons


def _children(count: float, noun: str = " children") -> str:
    """So many children to the nearest ten, so that no area can be told apart.

    Examples
    --------
    >>> _children(17081), _children(4)
    ('about 17,080 children', 'fewer than ten children')
    """
    return f"fewer than ten{noun}" if count < 10 else f"about {10 * np.floor(count / 10 + 0.5):,.0f}{noun}"


def _up(children: float, places: float) -> str:
    """Children to the nearest ten as a part of places, rounded up by as much as the tens may hide."""
    return f"{np.ceil(100 * (10 * np.floor(children / 10 + 0.5) + 5) / places):,.0f}%"


def _down(children: float, places: float) -> str:
    return f"{np.floor(100 * max(10 * np.floor(children / 10 + 0.5) - 5, 0) / places):,.0f}%"


def _places_words(limits: Limits) -> str:
    words = []
    if limits.full_at_most is not None:
        words.append(f"full at most {100 * limits.full_at_most:g}%")
    if limits.full_at_least is not None:
        words.append(f"full at least {100 * limits.full_at_least:g}%")
    if limits.places_within is not None:
        words.append(f"within {100 * limits.places_within:g}% of the share")
    return ", ".join(words)


def _when(problem: DesignProblem, year: str) -> str:
    return f" in {year}" if len(problem.children.columns) > 1 else ""


def _groups(problem: DesignProblem, limits: Limits, allowed: np.ndarray) -> list[str]:
    """Groups that must stay together and cannot."""
    reasons = []
    if limits.one_piece:
        for group in split_groups(problem, limits):
            reasons.append(f"{_areas(len(group))} that must go together are not in one piece ({first_few(group, 3)})")
    for group in limits.together:
        rows = allowed[problem.areas.get_indexer(list(group))]
        if rows.any(axis=1).all() and not rows.all(axis=0).any():
            reasons.append(
                f"{_areas(len(group))} that must go together have no school that all may go to ({first_few(group, 3)})"
            )
    return reasons


def _settled(problem: DesignProblem, allowed: np.ndarray, limits: Limits) -> list[str]:
    """Settled areas of one school that no catchment in one piece can join."""
    reasons = []
    by_school: dict[str, list[str]] = {}
    for area, school in limits.fixed.items():
        by_school.setdefault(school, []).append(area)
    for school, areas in by_school.items():
        may = allowed[:, problem.schools.get_loc(school)]
        piece = pieces(problem.graph, np.where(may, 0, -1))
        rows = problem.areas.get_indexer(areas)
        if may[rows].all() and len(np.unique(piece[rows])) > 1:
            first = areas[0]
            apart = [a for a, row in zip(areas, rows, strict=True) if piece[row] != piece[rows[0]]]
            reasons.append(
                f"{school}: the settled areas {first} and {first_few(apart, 3)} cannot be in one piece: every way "
                f"between them passes areas that may not go to {school} (settled elsewhere, or too far)"
            )
    return reasons
