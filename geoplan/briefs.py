"""The brief of a catchment design: the areas, children, places and journeys, and the limits a design must keep.

A brief says everything in codes and tables; :mod:`geoplan.formulation` turns it into the numbers that the solver
reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.catchments import CatchmentPlan, graph_of
from geoplan.contiguity import Graph
from geoplan.errors import InputRefused, Problem, UnknownCodeError

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
    journeys
        By area, the children among whom the mean journey is worked out, where those are not ``children``: numbers that
        may be shown.

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
    journeys: pd.Series | None = None

    def __post_init__(self):
        children = self.children.to_frame("all") if isinstance(self.children, pd.Series) else self.children
        places = self.places
        if isinstance(places, pd.Series):
            places = pd.DataFrame(dict.fromkeys(children.columns, places))
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
    def travellers(self) -> np.ndarray:
        """Children of each area among whom the mean journey is worked out."""
        return self.weight if self.journeys is None else self.journeys.reindex(self.areas).fillna(0.0).to_numpy(float)

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
