"""A catchment plan: which area belongs to which school, and how it differs from the plan it came from.

A plan is a value. Every verb returns a new one that remembers its parent; two plans are equal when they say the same
of every area and school, whatever their history. One plan is about one phase: infant, junior and secondary
catchments are three plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.contiguity import Graph, main_pieces, pieces
from geoplan.errors import InputRefused, Problem, UnknownCodeError, VintageError
from geoplan.sentences import first_few
from geoplan.sources import Source

NONE = ""
CLOSED, OPENED = "closed", "opened"
ISLAND, NO_SCHOOL, SHARED, UNKNOWN_AREA, UNKNOWN_SCHOOL, NOT_COVERED, NO_AREAS = (
    "island",
    "no school",
    "shared",
    "unknown area",
    "unknown school",
    "not covered",
    "no areas",
)


@dataclass(frozen=True)
class SchoolChange:
    """What a plan changes about a school itself.

    Parameters
    ----------
    status
        ``closed``, ``opened``, or "" for neither.
    places_added
        Places more than the schools file says (fewer: below 0); all of them for a new school.
    lowest_year, highest_year
        Year groups taught under the plan ("R", "6"); "" as in the schools file.
    """

    status: str = ""
    places_added: int = 0
    lowest_year: str = ""
    highest_year: str = ""


@dataclass(frozen=True)
class Move:
    """One step of a plan's history: the verb, the areas it moved and to which school.

    Parameters
    ----------
    verb
        ``move``, ``close``, ``open``, ``merge``, ``change_age_range`` or ``expand``.
    schools
        The schools concerned.
    areas
        The areas that changed school, with the school of each after the step.
    """

    verb: str
    schools: tuple[str, ...]
    areas: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PlanProblem:
    """Something about a plan that a planner should look at.

    Parameters
    ----------
    code
        ``island`` (areas cut off from the rest of their catchment), ``no school`` (an area without one),
        ``shared`` (a catchment of several schools), ``unknown area``, ``unknown school`` (a code that the data does
        not have), ``not covered`` (an area of the layer that the plan leaves out), ``no areas`` (a school without).
    school
        The school or catchment concerned, "" for none.
    areas
        The areas concerned.
    """

    code: str
    school: str = ""
    areas: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = first_few(self.areas)
        count = f"{len(self.areas):,} area{'' if len(self.areas) == 1 else 's'}"
        return {
            ISLAND: f"{self.school}: {count} cut off from the rest of the catchment ({named})",
            NO_SCHOOL: f"{count} without a school ({named})",
            SHARED: f"{self.school}: one catchment of several schools",
            UNKNOWN_AREA: f"{count} not in the layer ({named}); check the kind and year",
            UNKNOWN_SCHOOL: f"{self.school}: not in the schools file",
            NOT_COVERED: f"{count} of the layer not in the plan ({named})",
            NO_AREAS: f"{self.school}: no area belongs to it",
        }[self.code]


@dataclass(frozen=True, repr=False, eq=False)
class CatchmentPlan:
    """Area to school.

    Parameters
    ----------
    name
        What people call the plan.
    kind
        The kind of area, with its year: ``lsoa21``.
    table
        School of each area: text, indexed by area code, "" for none. A catchment of several schools has a code of
        its own, see ``shared``.
    shared
        The schools of each catchment that has several.
    extra
        Schools without areas that the plan knows too.
    changes
        What the plan changes about schools themselves.
    parent
        The plan it was made from, if any.
    moves
        The step from the parent to here.
    source
        Where the plan came from.

    Examples
    --------
    >>> today = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101", "E2": "101", "E3": "102"}))
    >>> option = today.move(["E2"], to="102", name="Option B")
    >>> option.moved_from(today)
       before after
    E2    101   102
    >>> option.move(["E2"], to="101") == today
    True
    """

    name: str
    kind: str
    table: pd.Series
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    changes: Mapping[str, SchoolChange] = field(default_factory=dict)
    parent: CatchmentPlan | None = None
    moves: tuple[Move, ...] = ()
    source: Source = field(default_factory=lambda: Source("A catchment plan"))

    def __post_init__(self):
        table = self.table.fillna(NONE).astype("str")
        table.index = table.index.astype("str")
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()]
            problem = Problem(self.name, "code_duplicated", f"{len(twice):,} areas occur twice ({twice[0]})")
            raise InputRefused(self.name, [problem])
        if not table.index.is_monotonic_increasing:
            table = table.sort_index()
        object.__setattr__(self, "table", table.rename("school"))

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<CatchmentPlan {self.name}: {len(self):,} {self.kind} areas, {len(self.schools):,} schools>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CatchmentPlan):
            return NotImplemented
        mine = {school: change for school, change in self.changes.items() if change != SchoolChange()}
        theirs = {school: change for school, change in other.changes.items() if change != SchoolChange()}
        return (
            self.kind == other.kind
            and self.table.equals(other.table)
            and self.schools == other.schools
            and mine == theirs
            and {k: self.shared[k] for k in self.schools if k in self.shared}
            == {k: other.shared[k] for k in other.schools if k in other.shared}
        )

    __hash__ = None

    @property
    def history(self) -> tuple[Move, ...]:
        """Every step from the first plan to this one."""
        return (self.parent.history if self.parent is not None else ()) + self.moves

    @property
    def areas(self) -> pd.Index:
        """The codes of the areas, sorted."""
        return self.table.index

    @cached_property
    def schools(self) -> tuple[str, ...]:
        """The schools (and shared catchments) that the plan knows, sorted."""
        return tuple(sorted((set(self.table) | set(self.extra)) - {NONE}))

    def areas_of(self, school: str) -> list[str]:
        """The areas of one school or shared catchment."""
        self._known([school])
        return self.table.index[self.table == school].tolist()

    def members(self, school: str) -> tuple[str, ...]:
        """The schools of a catchment: itself, unless it is shared."""
        return tuple(self.shared.get(school, (school,)))

    def move(self, areas: Iterable[str], to: str, name: str | None = None) -> CatchmentPlan:
        """Give areas to a school.

        Raises
        ------
        UnknownCodeError
            If the plan does not have an area or the school.
        """
        return self._moved("move", dict.fromkeys(areas, to), (to,), name)

    def close(self, school: str, to: str | Mapping[str, str] | pd.Series, name: str | None = None) -> CatchmentPlan:
        """Close a school; exactly its areas move.

        Parameters
        ----------
        school
            The school that closes.
        to
            The school that takes all its areas, or the school of each.
        name
            Of the new plan.

        Raises
        ------
        UnknownCodeError
            If the plan does not have a school, or an area of the closing school is left without one.
        """
        own = self.areas_of(school)
        given = dict.fromkeys(own, to) if isinstance(to, str) else {area: dict(to).get(area, NONE) for area in own}
        left = [area for area, new in given.items() if new in (NONE, school)]
        if left:
            raise UnknownCodeError(f"closing {school} leaves {len(left):,} areas without a school (first {left[0]})")
        plan = self._moved("close", given, (school, *sorted(set(given.values()))), name)
        extra = tuple(code for code in plan.extra if code != school)
        return replace(plan, extra=extra, changes=plan._changed(school, status=CLOSED))

    def open(self, school: str, areas: Iterable[str], places: int = 0, name: str | None = None) -> CatchmentPlan:
        """Open a school, new or closed before, with some areas and places.

        Raises
        ------
        UnknownCodeError
            If the school is open already, or the plan does not have an area.
        """
        if school in self.schools:
            raise UnknownCodeError(f"{school} is open already in {self.name}; use move")
        before = self.changes.get(school, SchoolChange()).status
        status = NONE if before == CLOSED else OPENED
        plan = replace(self, extra=(*self.extra, school), changes=self._changed(school, places, status=status))
        moved = plan._moved("open", dict.fromkeys(areas, school), (school,), name)
        return replace(moved, parent=self)

    def merge(self, schools: Iterable[str], into: str, name: str | None = None) -> CatchmentPlan:
        """Amalgamate schools: all their areas go to one of them, or to a new one; the others close.

        Raises
        ------
        UnknownCodeError
            If the plan does not have one of the schools.
        """
        schools = tuple(dict.fromkeys(schools))
        self._known(schools)
        plan = self if into in self.schools else self.open(into, [])
        given = {area: into for school in schools for area in self.areas_of(school)}
        gone = [school for school in schools if school != into]
        plan = plan._moved("merge", given, (*schools, into), name)
        for school in gone:
            plan = replace(plan, changes=plan._changed(school, status=CLOSED))
        extra = tuple(code for code in plan.extra if code not in gone)
        return replace(plan, extra=extra, parent=self)

    def change_age_range(
        self, school: str, lowest_year: str, highest_year: str, name: str | None = None
    ) -> CatchmentPlan:
        """Teach other year groups at a school; "" for as in the schools file."""
        self._known([school])
        changes = self._changed(school, lowest_year=lowest_year, highest_year=highest_year)
        return self._step("change_age_range", (school,), self.table, name, changes)

    def expand(self, school: str, places: int, name: str | None = None) -> CatchmentPlan:
        """Add places to a school (take away: below 0)."""
        self._known([school])
        return self._step("expand", (school,), self.table, name, self._changed(school, places))

    def with_schools(self, schools: Mapping[str, Iterable[str]], name: str | None = None) -> CatchmentPlan:
        """The same plan with each catchment called by the schools it belongs to; several share it.

        Parameters
        ----------
        schools
            Catchment to its school or schools; a catchment that is not in it keeps its name.
        name
            Of the new plan.

        Examples
        --------
        >>> drawn = CatchmentPlan("Drawn", "lsoa21", pd.Series({"E1": "North", "E2": "South"}))
        >>> told = drawn.with_schools({"North": ["101", "102"], "South": ["103"]})
        >>> told.table.to_dict(), told.members("101+102")
        ({'E1': '101+102', 'E2': '103'}, ('101', '102'))
        """
        given = {code: tuple(sorted(dict.fromkeys(map(str, members)))) for code, members in schools.items()}
        given = {code: members for code, members in given.items() if members}
        codes = {code: "+".join(members) for code, members in given.items()}
        shared = {codes.get(code, code): members for code, members in self.shared.items() if code not in codes}
        shared |= {codes[code]: members for code, members in given.items() if len(members) > 1}
        extra = tuple(codes.get(code, code) for code in self.extra)
        table = self.table.replace(codes)
        return replace(self, name=name or self.name, table=table, shared=shared, extra=extra, parent=None, moves=())

    def moved_from(self, other: CatchmentPlan) -> pd.DataFrame:
        """The areas whose school differs from another plan's.

        Returns
        -------
        DataFrame
            Indexed by area; ``before`` (the other plan's school) and ``after``, "" where a plan lacks the area.

        Raises
        ------
        VintageError
            If the plans are of different kinds of area.
        """
        if self.kind != other.kind:
            raise VintageError(f"{self.name} is by {self.kind}, {other.name} by {other.kind}: bring both to one kind")
        both = pd.DataFrame({"before": other.table, "after": self.table}).fillna(NONE)
        return both[both["before"] != both["after"]]

    def problems(
        self,
        neighbours: pd.DataFrame | None = None,
        areas: Iterable[str] | None = None,
        schools: Iterable[str] | None = None,
    ) -> tuple[PlanProblem, ...]:
        """Everything about the plan that should be looked at; empty means fine.

        Parameters
        ----------
        neighbours
            Pairs of areas ``a``, ``b`` (:meth:`geoplan.areas.Boundaries.neighbours`), to find islands.
        areas
            The codes of the layer, to find strangers and gaps.
        schools
            The schools of the register, to find strangers and schools without areas.
        """
        found = []
        without = self.table.index[self.table == NONE]
        if len(without):
            found.append(PlanProblem(NO_SCHOOL, areas=tuple(without)))
        if areas is not None:
            layer = pd.Index(areas)
            strange, gaps = self.areas.difference(layer), layer.difference(self.areas)
            found += [PlanProblem(UNKNOWN_AREA, areas=tuple(strange))] if len(strange) else []
            found += [PlanProblem(NOT_COVERED, areas=tuple(gaps))] if len(gaps) else []
        used = {member for school in self.schools for member in self.members(school)}
        if schools is not None:
            register = set(schools) | {code for code, change in self.changes.items() if change.status == OPENED}
            found += [PlanProblem(UNKNOWN_SCHOOL, code) for code in sorted(used - register)]
        found += [PlanProblem(NO_AREAS, code) for code in self.schools if not (self.table == code).any()]
        found += [PlanProblem(SHARED, code) for code in self.schools if len(self.members(code)) > 1]
        if neighbours is not None:
            found += self._islands(neighbours)
        return tuple(found)

    def catchments(self, boundaries):
        """The outline of each catchment: its areas dissolved.

        Parameters
        ----------
        boundaries
            The plan's areas, :class:`geoplan.areas.Boundaries`.

        Returns
        -------
        geoplan.areas.Boundaries
            Of kind ``catchment``, by school.

        Raises
        ------
        VintageError
            If the boundaries are of another kind.
        """
        if boundaries.kind != self.kind:
            raise VintageError(f"{self.name} is by {self.kind}, the layer is {boundaries.kind}")
        frame = boundaries.join(self.table[self.table.index.isin(boundaries.codes)].to_frame())
        frame = frame[frame["school"].fillna(NONE) != NONE]
        outlines = frame.dissolve("school", method="coverage")[["geometry"]]
        return replace(boundaries, kind="catchment", frame=outlines.assign(name=outlines.index), repairs=())

    def _islands(self, neighbours: pd.DataFrame) -> list[PlanProblem]:
        graph = graph_of(self.areas, neighbours)
        labels = pd.Categorical(self.table.replace(NONE, None)).codes.astype(int)
        main = main_pieces(graph, labels, np.ones(len(labels)))
        cut_off = pd.DataFrame({"school": self.table, "piece": pieces(graph, labels)})[~main & (labels >= 0)]
        return [
            PlanProblem(ISLAND, str(school), tuple(part.index))
            for (school, _), part in cut_off.groupby(["school", "piece"], sort=True)
        ]

    def _known(self, schools: Iterable[str]) -> None:
        strange = [school for school in schools if school not in self.schools]
        if strange:
            known = ", ".join(self.schools[:8]) + (" ..." if len(self.schools) > 8 else "")
            raise UnknownCodeError(f"{self.name} has no school {', '.join(map(repr, strange))}; it has {known}")

    def _changed(self, school: str, places: int = 0, **facts: str) -> dict[str, SchoolChange]:
        before = self.changes.get(school, SchoolChange())
        after = replace(before, places_added=before.places_added + places, **facts)
        rest = {code: change for code, change in self.changes.items() if code != school}
        return rest | ({school: after} if after != SchoolChange() else {})

    def _moved(self, verb: str, given: Mapping[str, str], schools: tuple[str, ...], name: str | None) -> CatchmentPlan:
        """The plan with some areas given to other schools."""
        strange = [area for area in given if area not in self.table.index]
        if strange:
            raise UnknownCodeError(
                f"{self.name} has no {self.kind} area {strange[0]!r}"
                + (f" (and {len(strange) - 1:,} more)" if len(strange) > 1 else "")
                + "; check the kind and year"
            )
        self._known(set(given.values()))
        table = self.table.copy()
        if given:
            table.loc[list(given)] = list(given.values())
        left = set(self.table) - set(table) - {NONE}
        plan = self._step(verb, schools, table, name, dict(self.changes), tuple(given.items()))
        return replace(plan, extra=tuple(sorted(set(self.extra) | (left if verb == "move" else set()))))

    def _step(self, verb, schools, table, name, changes, areas=()) -> CatchmentPlan:
        """A child of this plan after one step."""
        moves = (Move(verb, schools, areas),)
        return replace(self, name=name or self.name, table=table, changes=changes, parent=self, moves=moves)


def school_changes(
    plan: CatchmentPlan, other: CatchmentPlan | None = None, names: Mapping[str, str] | None = None
) -> list[str]:
    """What a plan changes of schools themselves, in words: closed or opened, places, the years taught.

    Parameters
    ----------
    plan, other
        The plan, and the one it is set against: what that changes already is left out, and a school that has a
        catchment in one of them alone is told.
    names
        Of the schools, by code.

    Examples
    --------
    >>> today = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101", "E2": "102"}))
    >>> option = today.close("102", to="101").expand("101", 60).change_age_range("101", "R", "11")
    >>> school_changes(option, today, {"101": "Hill School"})
    ['Hill School: 60 places more, teaches years R to 11', '102 closes']
    """
    called = {str(code): str(name) for code, name in (names or {}).items()}
    before = {} if other is None else other.changes
    held = [set(each.schools) if each is not None else set(plan.schools) for each in (plan, other)]
    members = [
        {member for school in schools for member in each.members(school)}
        for schools, each in zip(held, (plan, plan if other is None else other), strict=True)
    ]
    said = []
    for school in sorted(members[0] | members[1] | set(plan.changes) | set(before)):
        change, was = plan.changes.get(school, SchoolChange()), before.get(school, SchoolChange())
        parts = []
        if change.status == CLOSED != was.status:
            parts.append("closes")
        elif change.status == OPENED != was.status:
            parts.append("opens")
        elif (school in members[0]) != (school in members[1]):
            parts.append("has a catchment" if school in members[0] else "has no catchment")
        more = change.places_added - was.places_added
        if more and change.status != CLOSED:
            parts.append(f"{abs(more):,} places {'more' if more > 0 else 'fewer'}")
        ends = (change.lowest_year, change.highest_year)
        if ends != (was.lowest_year, was.highest_year):
            told = [f"from year {ends[0]}"] * bool(ends[0]) + [f"up to year {ends[1]}"] * bool(ends[1])
            years = f"years {ends[0]} to {ends[1]}" if all(ends) else " and ".join(told) or "the years it teaches today"
            parts.append(f"teaches {years}")
        if parts:
            verb = parts[0].split()[0] in ("closes", "opens", "has", "teaches")
            said.append(f"{called.get(school, school)}{' ' if verb else ': '}{', '.join(parts)}")
    return said


def graph_of(areas: pd.Index, neighbours: pd.DataFrame) -> Graph:
    """Neighbours by position in an index of areas; pairs with a stranger are left out.

    Parameters
    ----------
    areas
        Codes.
    neighbours
        Columns ``a`` and ``b``, one row a pair.
    """
    a, b = areas.get_indexer(neighbours["a"]), areas.get_indexer(neighbours["b"])
    kept = (a >= 0) & (b >= 0) & (a != b)
    pairs = np.unique(np.sort(np.c_[a[kept], b[kept]], axis=1), axis=0)
    return Graph(len(areas), pairs.reshape(-1, 2))


def plan_from_pairs(pairs: pd.DataFrame, kind: str, name: str = "Plan", source: Source | None = None) -> CatchmentPlan:
    """A plan from rows of area and school; an area with rows for several schools is in a shared catchment.

    Parameters
    ----------
    pairs
        Columns ``area`` and ``school``, text; copies of a row count once.
    kind
        The kind of area, with its year.
    name, source
        What the plan is called and where it came from.

    Examples
    --------
    >>> plan = plan_from_pairs(pd.DataFrame({"area": ["E1", "E2", "E2"], "school": ["1", "1", "2"]}), "lsoa21")
    >>> plan.table.to_dict(), plan.members("1+2")
    ({'E1': '1', 'E2': '1+2'}, ('1', '2'))
    """
    tidy = pairs[["area", "school"]].fillna(NONE).astype("str").drop_duplicates().sort_values(["area", "school"])
    tidy = tidy[(tidy["school"] != NONE) | ~tidy["area"].duplicated(keep=False)]
    members = tidy.groupby("area")["school"].agg(tuple)
    codes = members.map("+".join)
    shared = {code: parts for code, parts in zip(codes, members, strict=True) if len(parts) > 1}
    return CatchmentPlan(name, kind, codes, shared, source=source or Source(name))


def nearest_plan(travel: pd.DataFrame, kind: str, name: str = "Nearest school") -> CatchmentPlan:
    """Each area to its nearest school (the first code of equally near ones).

    Parameters
    ----------
    travel
        Areas x schools; NaN where one cannot go. An area that can go nowhere has no school.
    kind, name
        As for a plan.
    """
    ordered = travel[sorted(travel.columns)]
    reachable = ordered.notna().any(axis=1)
    table = pd.Series(NONE, index=travel.index, dtype="str")
    table[reachable] = ordered[reachable].idxmin(axis=1).astype("str")
    return CatchmentPlan(name, kind, table, extra=tuple(map(str, travel.columns)))
