"""A brief in numbers: what each assignment of an area to a school costs, and what a plan comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.briefs import (
    BALANCE,
    DISSIMILARITY,
    GORARD,
    MEASURES,
    MOVED,
    TRAVEL,
    WORST,
    DesignProblem,
    Limits,
)
from geoplan.catchments import CatchmentPlan
from geoplan.contiguity import Graph, pieces
from geoplan.errors import UnknownCodeError
from geoplan.programme import Programme


@dataclass(frozen=True)
class Formulation:
    """A brief in numbers.

    Parameters
    ----------
    programme
        For the solver; its areas are units: groups of areas that go together, and single areas.
    unit_of
        The unit of each area.
    """

    programme: Programme
    unit_of: np.ndarray

    def spread(self, labels: np.ndarray) -> np.ndarray:
        """School by area from school by unit."""
        return labels[self.unit_of]

    def gather(self, labels: np.ndarray) -> np.ndarray:
        """School by unit from school by area: that of a unit's first area."""
        first = np.unique(self.unit_of, return_index=True)[1]
        return labels[first]


def formulate(problem: DesignProblem, limits: Limits, objective: Mapping[str, float]) -> Formulation:
    """The numbers of a brief.

    Parameters
    ----------
    problem, limits
        The brief.
    objective
        Price of each measure; ``worst_travel`` has no price (it is found by trying limits of travel).

    Raises
    ------
    UnknownCodeError
        If a limit or the objective names an area, school or measure that the problem does not have.
    """
    _check(problem, limits, objective)
    unit_of = _units(problem, limits)
    units = unit_of.max() + 1
    measures = linear_measures(problem)
    cost = sum(
        (price * measures[name] for name, price in objective.items() if name in measures),
        np.zeros((len(problem.areas), len(problem.schools))),
    )
    budgets = [name for name in limits.at_most if name in measures]
    low, high = places_limits(problem, limits)
    mixes = mix_measures(problem)
    prices = np.array([objective.get(name, 0.0) for name in mixes], dtype=float)
    most = np.array([limits.at_most.get(name, np.inf) for name in mixes], dtype=float)
    allowed = np.ones((units, len(problem.schools)), dtype=bool)
    np.logical_and.at(allowed, unit_of, allowed_by(problem, limits))
    graph = None
    if limits.one_piece:
        pairs = np.sort(unit_of[problem.graph.pairs], axis=1)
        graph = Graph(int(units), np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).reshape(-1, 2))
    programme = Programme(
        allowed=allowed,
        cost=_added(cost, unit_of),
        load=_added(problem.children.to_numpy(), unit_of).T.copy(),
        low=low,
        high=high,
        target=problem.shares,
        budget=np.array([_added(measures[name], unit_of) for name in budgets]).reshape(len(budgets), *allowed.shape),
        budget_most=np.array([limits.at_most[name] for name in budgets], dtype=float),
        mix=np.array([_added(row, unit_of) for row in mixes.values()]).reshape(len(mixes), units),
        mix_cost=prices,
        mix_most=most,
        balance_cost=float(objective.get(BALANCE, 0.0)),
        balance_most=float(limits.at_most.get(BALANCE, np.inf)),
        graph=graph,
    )
    return Formulation(programme, unit_of)


def measure_plan(problem: DesignProblem, plan: CatchmentPlan) -> dict[str, float]:
    """Every measure of a plan, worked out from the plan itself.

    Returns
    -------
    dict
        ``travel`` (mean per child), ``worst_travel`` (the longest of an area), ``moved`` (children a year, if there
        is a plan of today), ``gorard`` and ``dissimilarity`` (if there is a mix), ``balance`` (the largest difference
        of a school's children from its share, over the years, as a part of the share), ``fullest`` (the largest part
        of its places that a school must take) and ``emptiest`` (the smallest), ``catchments``, and ``in_one_piece``
        (how many of them are).
    """
    labels = problem.labels(plan)
    every = np.arange(len(labels))
    schools = len(problem.schools)
    measured = {name: float(table[every, labels].sum()) for name, table in linear_measures(problem).items()}
    travel = problem.travel.to_numpy()[every, labels]
    measured[WORST] = float(travel.max(initial=0.0))
    for name, row in mix_measures(problem).items():
        measured[name] = float(np.abs(np.bincount(labels, row, schools)).sum())
    sums = np.stack([np.bincount(labels, row, schools) for row in problem.children.to_numpy().T])
    places = problem.places.to_numpy().T
    with_share, with_places = problem.shares > 0, places > 0
    measured[BALANCE] = float(np.abs(sums[with_share] / problem.shares[with_share] - 1).max(initial=0.0))
    full = sums[with_places] / places[with_places]
    measured["fullest"], measured["emptiest"] = float(full.max(initial=0.0)), float(full.min(initial=np.inf))
    parts = pd.Series(pieces(problem.graph, labels)).groupby(labels).nunique()
    measured["catchments"] = float(len(parts))
    measured["in_one_piece"] = float((parts == 1).sum())
    return measured


def linear_measures(problem: DesignProblem) -> dict[str, np.ndarray]:
    """What each assignment of an area to a school adds to a measure: areas x schools, by measure."""
    total = max(problem.travellers.sum(), 1e-12)
    travel = np.where(np.isfinite(problem.travel.to_numpy()), problem.travel.to_numpy(), 0.0)
    measures = {TRAVEL: problem.travellers[:, None] * travel / total}
    if problem.today is not None:
        moves = problem.now[:, None] != np.arange(len(problem.schools))
        measures[MOVED] = problem.weight[:, None] * moves
    return measures


def mix_measures(problem: DesignProblem) -> dict[str, np.ndarray]:
    """What each area adds to the sum inside a segregation measure: areas, by measure.

    Gorard's measure is half the sum over schools of ``|a / A - t / T|`` (a of the group, t of all), dissimilarity
    half the sum of ``|a / A - (t - a) / (T - A)|``: both are linear in a and t inside the bars.
    """
    if problem.mix is None:
        return {}
    table = problem.mix.reindex(problem.areas).fillna(0.0)
    group, counted = table["group"].to_numpy(dtype=float), table["counted"].to_numpy(dtype=float)
    part = group / max(group.sum(), 1e-12)
    others = counted - group
    return {
        GORARD: 0.5 * (part - counted / max(counted.sum(), 1e-12)),
        DISSIMILARITY: 0.5 * (part - others / max(others.sum(), 1e-12)),
    }


def allowed_by(problem: DesignProblem, limits: Limits) -> np.ndarray:
    """Areas x schools: what travel, the nearest schools and settled areas allow."""
    travel = problem.travel.to_numpy()
    possible = np.isfinite(travel)
    if limits.nearest is not None:
        order = np.argsort(np.where(possible, travel, np.inf), axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(travel.shape[1])[None, :], axis=1)
        possible &= rank < limits.nearest
    for area, school in limits.fixed.items():
        row, column = problem.areas.get_loc(area), problem.schools.get_loc(school)
        possible[row] = False
        possible[row, column] = np.isfinite(travel[row, column])
    for longest in (limits.max_travel, limits.at_most.get(WORST)):
        if longest is not None:
            possible &= np.where(np.isfinite(travel), travel, np.inf) <= longest
    return possible


def split_groups(problem: DesignProblem, limits: Limits) -> list[tuple[str, ...]]:
    """Groups that should stay together but are not in one piece themselves."""
    unit_of = _units(problem, limits)
    piece = pieces(problem.graph, unit_of)
    several = pd.Series(piece).groupby(unit_of).nunique()
    return [tuple(problem.areas[unit_of == unit]) for unit in several.index[several > 1]]


def places_limits(problem: DesignProblem, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
    """The fewest and the most children of each school: years x schools, each."""
    places = problem.places.to_numpy().T
    low, high = np.zeros(places.shape), np.full(places.shape, np.inf)
    if limits.places_within is not None:
        low = np.maximum(low, problem.shares * (1 - limits.places_within))
        high = np.minimum(high, problem.shares * (1 + limits.places_within))
    if limits.full_at_most is not None:
        high = np.minimum(high, places * limits.full_at_most)
    if limits.full_at_least is not None:
        low = np.maximum(low, places * limits.full_at_least)
    return low, high


def _units(problem: DesignProblem, limits: Limits) -> np.ndarray:
    """The unit of each area: areas that must go together share one (groups that overlap are one group)."""
    group_of = np.arange(len(problem.areas))
    for group in limits.together:
        members = problem.areas.get_indexer(list(group))
        joined = np.isin(group_of, group_of[members])
        group_of[joined] = group_of[joined].min(initial=len(group_of))
    return np.unique(group_of, return_inverse=True)[1]


def _added(values: np.ndarray, unit_of: np.ndarray) -> np.ndarray:
    """Rows added up by unit."""
    out = np.zeros((unit_of.max() + 1, *values.shape[1:]))
    np.add.at(out, unit_of, values)
    return out


def _check(problem: DesignProblem, limits: Limits, objective: Mapping[str, float]) -> None:
    named = [*limits.fixed, *(area for group in limits.together for area in group)]
    for codes, known, what in (
        (named, problem.areas, "area"),
        (limits.fixed.values(), problem.schools, "school"),
        ([*objective, *limits.at_most], pd.Index(list(MEASURES)), "measure"),
    ):
        strange = [code for code in codes if code not in known]
        if strange:
            known_ones = ", ".join(known[:8]) + (" ..." if len(known) > 8 else "")
            raise UnknownCodeError(f"the design has no {what} {strange[0]!r}; it has {known_ones}")
    used = {*objective, *limits.at_most}
    if MOVED in used and problem.today is None:
        raise UnknownCodeError("to count children moved, give the problem today's plan")
    if used & {GORARD, DISSIMILARITY} and problem.mix is None:
        raise UnknownCodeError("to measure segregation, give the problem the mix of each area")
