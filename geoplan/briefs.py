"""The brief of a catchment design: the areas, children, places and journeys, and the limits a design must keep.

A brief says everything in codes and tables; :func:`formulate` turns it into the numbers that the solver reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.catchments import CatchmentPlan, graph_of
from geoplan.contiguity import Graph, pieces
from geoplan.errors import InputRefused, Problem, UnknownCodeError
from geoplan.programme import Programme

TRAVEL, WORST, MOVED, GORARD, DISSIMILARITY, BALANCE = (
    "travel",
    "worst_travel",
    "moved",
    "gorard",
    "dissimilarity",
    "balance",
)
#: What a design may be asked to make least, or to keep at most, and in whose words.
MEASURES: dict[str, str] = {
    TRAVEL: "mean journey",
    WORST: "longest journey",
    MOVED: "children whose school changes",
    GORARD: "Gorard's segregation measure",
    DISSIMILARITY: "dissimilarity",
    BALANCE: "largest difference from a school's share of the children",
}


@dataclass(frozen=True, repr=False)
class DesignProblem:
    """What a design is made from.

    Parameters
    ----------
    children
        Children by area (index, codes) and forecast year (columns); fractions are allowed, missing is not.
    places
        Places by school (index) and the same years; a Series stands for every year. A catchment shared by several
        schools is one row, with their places together.
    travel
        Areas x schools: the journey; NaN where there is none.
    neighbours
        Pairs of areas ``a``, ``b`` that share an edge (:meth:`geoplan.areas.Boundaries.neighbours`).
    kind
        The kind of area, with its year.
    unit
        Of travel, for people: ``minutes``, ``metres``.
    mix
        By area: ``group`` (children of the group whose spread is measured) and ``counted`` (children among whom
        they are counted). Areas left out are not counted. None if mix does not matter.
    today
        The plan that moves are counted from; None if moves do not matter.

    Raises
    ------
    InputRefused
        If the tables do not fit each other; every problem is named.
    """

    children: pd.DataFrame
    places: pd.DataFrame
    travel: pd.DataFrame
    neighbours: pd.DataFrame
    kind: str = "lsoa21"
    unit: str = "minutes"
    mix: pd.DataFrame | None = None
    today: CatchmentPlan | None = None

    def __post_init__(self):
        children = self.children.to_frame("all") if isinstance(self.children, pd.Series) else self.children
        places = self.places
        if isinstance(places, pd.Series):
            places = pd.DataFrame({year: places for year in children.columns})
        problems = _misfits(children, places, self.travel, self.neighbours, self.mix, self.today)
        if problems:
            raise InputRefused("the design's tables", problems)
        children = children.sort_index().astype(float)
        places = places.sort_index()[list(children.columns)].astype(float)
        object.__setattr__(self, "children", children)
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "travel", self.travel.loc[children.index, places.index].astype(float))

    def __repr__(self) -> str:
        years = len(self.children.columns)
        return f"<DesignProblem: {len(self.areas):,} {self.kind} areas, {len(self.schools):,} schools, {years} years>"

    @property
    def areas(self) -> pd.Index:
        """Codes of the areas, sorted."""
        return self.children.index

    @property
    def schools(self) -> pd.Index:
        """Codes of the schools, sorted."""
        return self.places.index

    @cached_property
    def graph(self) -> Graph:
        """The areas' neighbours by position."""
        return graph_of(self.areas, self.neighbours)

    @cached_property
    def weight(self) -> np.ndarray:
        """Children of each area, the mean over the years."""
        return self.children.mean(axis=1).to_numpy()

    @cached_property
    def shares(self) -> np.ndarray:
        """Years x schools: each school's part of the children by its part of the places."""
        part = self.places / self.places.sum()
        return (part * self.children.sum()).to_numpy().T

    @cached_property
    def now(self) -> np.ndarray:
        """Position of each area's school today, -1 for none of these schools."""
        if self.today is None:
            return np.full(len(self.areas), -1)
        return self.schools.get_indexer(self.today.table.reindex(self.areas).fillna(""))

    def labels(self, plan: CatchmentPlan) -> np.ndarray:
        """Position of each area's school in a plan.

        Raises
        ------
        UnknownCodeError
            If the plan leaves out an area, or gives it a school that is not in the problem.
        """
        labels = self.schools.get_indexer(plan.table.reindex(self.areas).fillna(""))
        if (labels < 0).any():
            area = self.areas[labels < 0][0]
            raise UnknownCodeError(
                f"{plan.name} gives {(labels < 0).sum():,} areas to none of the design's schools (the first is {area})"
            )
        return labels

    def plan(self, labels: np.ndarray, name: str) -> CatchmentPlan:
        """The plan that a design's positions stand for; its parent is today's."""
        table = pd.Series(self.schools[labels], index=self.areas)
        shared = self.today.shared if self.today is not None else {}
        return CatchmentPlan(name, self.kind, table, shared, tuple(self.schools), parent=self.today)


@dataclass(frozen=True)
class Limits:
    """What a design must keep.

    Parameters
    ----------
    places_within
        Each school's children, in every year, are within this part of its share of all children by places (0.03).
    full_at_most, full_at_least
        Each school's children, in every year, as a part of its places.
    one_piece
        Each catchment is in one piece.
    max_travel
        No area is farther from its school than this (in the unit of travel).
    nearest
        Each area goes to one of this many nearest schools.
    fixed
        Areas whose school is settled. Settled areas are not held to ``nearest``.
    together
        Groups of areas that must go to one school.
    at_most
        The most of a measure: ``{"moved": 200, "gorard": 0.2, "travel": 26}``; see :data:`MEASURES`.
    """

    places_within: float | None = None
    full_at_most: float | None = None
    full_at_least: float | None = None
    one_piece: bool = True
    max_travel: float | None = None
    nearest: int | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    together: tuple[tuple[str, ...], ...] = ()
    at_most: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "fixed", dict(self.fixed))
        object.__setattr__(self, "together", tuple(tuple(group) for group in self.together))
        object.__setattr__(self, "at_most", dict(self.at_most))
        strange = set(self.at_most) - set(MEASURES)
        if strange:
            raise UnknownCodeError(f"no measure {sorted(strange)[0]!r}; there are {', '.join(MEASURES)}")


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
    low, high = _places(problem, limits)
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
        budget=np.array([_added(measures[name], unit_of) for name in budgets]).reshape(len(budgets), units, -1),
        budget_most=np.array([limits.at_most[name] for name in budgets], dtype=float),
        mix=np.array([_added(row, unit_of) for row in mixes.values()]).reshape(len(mixes), units),
        mix_cost=prices,
        mix_most=most,
        balance_cost=float(objective.get(BALANCE, 0.0)),
        balance_most=float(limits.at_most.get(BALANCE, np.inf)),
        graph=graph,
    )
    return Formulation(programme, unit_of)


def linear_measures(problem: DesignProblem) -> dict[str, np.ndarray]:
    """What each assignment of an area to a school adds to a measure: areas x schools, by measure."""
    total = max(problem.weight.sum(), 1e-12)
    travel = np.where(np.isfinite(problem.travel.to_numpy()), problem.travel.to_numpy(), 0.0)
    measures = {TRAVEL: problem.weight[:, None] * travel / total}
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
    longest = min((limit for limit in (limits.max_travel, limits.at_most.get(WORST)) if limit is not None), default=None)
    if longest is not None:
        possible &= np.where(np.isfinite(travel), travel, np.inf) <= longest
    return possible


def split_groups(problem: DesignProblem, limits: Limits) -> list[tuple[str, ...]]:
    """Groups that should stay together but are not in one piece themselves."""
    unit_of = _units(problem, limits)
    piece = pieces(problem.graph, unit_of)
    several = pd.Series(piece).groupby(unit_of).nunique()
    return [tuple(problem.areas[unit_of == unit]) for unit in several.index[several > 1]]


def _places(problem: DesignProblem, limits: Limits) -> tuple[np.ndarray, np.ndarray]:
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


def _misfits(children, places, travel, neighbours, mix, today) -> list[Problem]:
    """Everything that keeps the tables of a problem from fitting together."""
    found = []

    def tell(table: str, code: str, what: str, codes: Iterable = ()) -> None:
        codes = list(codes)
        named = f" (the first is {codes[0]})" if codes else ""
        found.append(Problem(table, code, f"{table}: {what}{named}", more=max(len(codes) - 1, 0)))

    for table, name in ((children, "children"), (places, "places"), (travel, "travel")):
        if table.index.has_duplicates:
            tell(name, "code_duplicated", "the same code twice", table.index[table.index.duplicated()])
    if found:
        return found
    for years in (children.columns.difference(places.columns),):
        if len(years):
            tell("places", "column_missing", "years of the children that places lack", years)
    for have, need, table in (
        (travel.index, children.index, "areas without travel"),
        (travel.columns, places.index, "schools without travel"),
    ):
        if len(need.difference(have)):
            tell("travel", "code_unknown", table, need.difference(have))
    for table, name in ((children, "children"), (places, "places")):
        values = table.to_numpy(dtype=float)
        wrong = ~np.isfinite(values).all(axis=1) | (np.nan_to_num(values) < 0).any(axis=1)
        if wrong.any():
            tell(name, "number_malformed", "missing or negative numbers", table.index[wrong])
    if not {"a", "b"} <= set(neighbours.columns):
        tell("neighbours", "column_missing", "columns a and b are needed")
    if mix is not None:
        if not {"group", "counted"} <= set(mix.columns):
            tell("mix", "column_missing", "columns group and counted are needed")
        elif (mix["group"] > mix["counted"] * (1 + 1e-9)).any():
            tell("mix", "number_malformed", "more of the group than counted", mix.index[mix["group"] > mix["counted"]])
    if today is not None and not len(today.areas.intersection(children.index)):
        tell("today", "code_unknown", "the plan has none of these areas", today.areas[:1])
    if len(children) == 0 or len(places) == 0:
        tell("children", "no_records", "no areas or no schools")
    return found
