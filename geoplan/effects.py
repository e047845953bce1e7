"""What a plan does to the people who live in it, against another plan, on the same base.

The base is everybody who lives in an area of either plan. Nothing depends on how many schools the plans have: a
closed school has no residents after, a new one none before. Counts come in tables that show nothing until they are
protected; figures (metres, segregation) are exact and inside only.

A measure is a plain function of a :class:`Change`; a council adds its own with
``compare_plans(..., measures={**MEASURES, "siblings_split": mine})``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.catchments import NONE, CatchmentPlan
from geoplan.distances import METRES_PER_MILE, straight_line_m
from geoplan.errors import NotProtected, UnknownCodeError, VintageError
from geoplan.tables import NO, YES, RawTable
from geoplan.travel import METRES, Travel

ATTRIBUTES = ("segment", "fsm", "sen", "eal", "idaci")
MOVES = "moves"
EFFECT = "effect"
SAME, NEARER, FARTHER, MOVED = "same school", "nearer school", "farther school", "other school"
EFFECTS = (SAME, NEARER, FARTHER, MOVED)
SPLIT_SHARE = 0.1  # a feeder school is split if so much of it, or more, goes to another catchment than most do
NO_CLUSTER = "no cluster"


@dataclass(frozen=True, repr=False)
class Residents:
    """People by area, ready to be counted under any plan: whole-number codes, one a person.

    Parameters
    ----------
    kind
        The kind of area.
    area
        Position of each person's area in ``areas``.
    areas
        Codes.
    columns
        By name (``year_group``, ``segment``, ``school`` ...): codes of each person, and what they stand for.
    noun
        What the people are called.
    left_out
        People without an area of this kind; they are in no plan.
    easting, northing
        Where each lives, NaN where it is not known; None without positions.
    home
        The row of each person's home in a table of ways (:class:`geoplan.travel.Travel`), -1 where it is not known;
        None without ways.
    """

    kind: str
    area: np.ndarray
    areas: pd.Index
    columns: Mapping[str, tuple[np.ndarray, pd.Index]]
    noun: str
    left_out: int
    easting: np.ndarray | None = None
    northing: np.ndarray | None = None
    home: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.area)

    def __repr__(self) -> str:
        return f"<Residents: {self.noun} in {len(self.areas):,} {self.kind} areas; {', '.join(self.columns)}>"

    def __reduce_ex__(self, protocol) -> NoReturn:
        raise NotProtected("residents are facts about single people and are not pickled or copied")


@dataclass(frozen=True, repr=False)
class Change:
    """Two plans and the people: what a measure reads.

    Parameters
    ----------
    residents
        The people in an area of either plan.
    schools
        Every school of either plan.
    before, after
        Position in ``schools`` of each person's school under each plan, -1 for none.
    metres_before, metres_after
        Each person's distance to that school, NaN where it is not known; None without distances.
    places
        Places by school under each plan (``before``, ``after``), None if not given.
    clusters
        The cluster of each school that people attend, by its code; None if not given.
    catchment_clusters
        The cluster of each catchment under each plan (``before``, ``after``; see :func:`clusters_of`).
    """

    residents: Residents
    schools: pd.Index
    before: np.ndarray
    after: np.ndarray
    metres_before: np.ndarray | None
    metres_after: np.ndarray | None
    places: pd.DataFrame | None
    clusters: pd.Series | None = None
    catchment_clusters: pd.DataFrame | None = None

    @cached_property
    def moves(self) -> np.ndarray:
        """Whether each person's school changes."""
        return self.before != self.after

    def table(self, name: str, **dims: tuple[np.ndarray, pd.Index]) -> RawTable:
        """People counted by dimensions, each given as codes and what they stand for; codes below 0 are left out."""
        sizes = [len(labels) for _, labels in dims.values()]
        cell = np.zeros(len(self.residents), dtype=np.int64)
        known = None
        for (codes, _), size in zip(dims.values(), sizes, strict=True):
            cell *= size
            cell += codes
            if codes.min(initial=0) < 0:
                known = codes >= 0 if known is None else known & (codes >= 0)
        cell = cell if known is None else cell[known]
        counts = np.bincount(cell, minlength=int(np.prod(sizes)))
        held = np.flatnonzero(counts)
        parts = np.unravel_index(held, sizes)
        texts = [labels[part] for (_, labels), part in zip(dims.values(), parts, strict=True)]
        index = (
            pd.Index(texts[0], name=next(iter(dims)))
            if len(dims) == 1
            else pd.MultiIndex.from_arrays(texts, names=list(dims))
        )
        noun = self.residents.noun
        return RawTable(name, pd.Series(counts[held], index=index), noun, f"{noun} living in the areas of the plans")

    def moved(self) -> tuple[np.ndarray, pd.Index]:
        """Moves as a dimension."""
        return self.moves.astype(np.int64), pd.Index([NO, YES])

    @cached_property
    def effects(self) -> tuple[np.ndarray, pd.Index]:
        """What becomes of each person as a dimension: one of :data:`EFFECTS`."""
        codes = np.where(self.moves, EFFECTS.index(MOVED), EFFECTS.index(SAME)).astype(np.int64)
        if self.metres_before is not None:
            extra = np.where(self.moves, self.metres_after - self.metres_before, np.nan)
            codes[extra < -1] = EFFECTS.index(NEARER)
            codes[extra > 1] = EFFECTS.index(FARTHER)
        return codes, pd.Index(EFFECTS)


Measure = Callable[[Change], Mapping[str, RawTable | float]]


@dataclass(frozen=True, repr=False, eq=False)
class PlanEffects:
    """One plan against another.

    Parameters
    ----------
    before, after
        The plans.
    tables
        Exact counts by name; the way out is :func:`geoplan.suppression.protect_tables`.
    figures
        Exact numbers by name: metres, shares of everybody, segregation. Inside only.
    """

    before: CatchmentPlan
    after: CatchmentPlan
    tables: Mapping[str, RawTable] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join([*self.tables, *self.figures])
        return f"<PlanEffects {self.after.name} against {self.before.name}: {names}; not protected>"

    def __reduce_ex__(self, protocol) -> NoReturn:
        raise NotProtected("effects hold exact counts of people and are not pickled or copied; protect their tables")


def residents_of(
    people: Assignment, kind: str, *, household: str = "", idaci: pd.Series | None = None, idaci_kind: str = "",
    home: np.ndarray | None = None,
) -> Residents:  # fmt: skip
    """Who lives where, from an assignment.

    Parameters
    ----------
    people
        People with area codes; those counted.
    kind
        The kind of area.
    household
        A column of the people that is the same for brothers and sisters (kept on reading), for the measure of
        siblings split.
    idaci
        The deprivation quintile of each area, as text, by code.
    idaci_kind
        The kind of area of ``idaci``; ``kind`` if not given.
    home
        The row of each of the people in a table of ways, as made with it.

    Raises
    ------
    UnknownCodeError
        If the people have no areas of this kind, or no such column.
    """
    for needed in (kind, *([idaci_kind] if idaci is not None and idaci_kind else [])):
        if needed not in people.kinds:
            raise UnknownCodeError(f"the people have no {needed} areas; they have {', '.join(people.kinds) or 'none'}")
    frame = people.people
    if household and household not in frame:
        raise UnknownCodeError(f"the people have no column {household!r}: keep it on reading")
    if idaci is not None:
        frame = frame.assign(idaci=frame[idaci_kind or kind].astype("object").map(idaci))
    area, areas = pd.factorize(frame[kind].astype("str").where(frame[kind].notna(), None), sort=True)
    placed = area >= 0
    columns = {}
    for name in ("year_group", "school", *ATTRIBUTES):
        if name in frame:
            values = frame[name].astype("str").where(frame[name].notna(), "unknown").replace("", "unknown")
            codes, labels = pd.factorize(values[placed], sort=True)
            columns[name] = codes.astype(np.int64), pd.Index(labels)
    if household:
        keys = frame[household].astype("str").where(frame[household].notna(), None).replace("", None)
        codes, labels = pd.factorize(keys[placed])
        columns["household"] = codes.astype(np.int64), pd.RangeIndex(len(labels))
    where = [frame[name].to_numpy(dtype=float)[placed] if name in frame else None for name in ("easting", "northing")]
    return Residents(
        kind,
        area[placed],
        pd.Index(areas),
        columns,
        people.noun,
        int((~placed).sum()),
        *where,
        None if home is None else np.asarray(home)[placed],
    )


def compare_plans(
    before: CatchmentPlan,
    after: CatchmentPlan,
    residents: Residents,
    metres: pd.DataFrame | None = None,
    places: pd.Series | None = None,
    measures: Mapping[str, Measure] | None = None,
    sites: pd.DataFrame | None = None,
    clusters: pd.Series | None = None,
    ways: Travel | None = None,
) -> PlanEffects:
    """What changes for the people from one plan to another.

    Parameters
    ----------
    before, after
        Two plans of one kind of area; they may have different schools, and different numbers of them.
    residents
        Who lives where (:func:`residents_of`).
    metres
        Areas x schools: the distance, for the measure of distance.
    places
        By school, before the plans' own changes, for the measure of places.
    measures
        Functions by name; :data:`MEASURES` if not given.
    sites
        Where schools are: ``easting`` and ``northing`` by school. Where ``metres`` is not given, distances are
        straight lines from each home to its catchment's school, or to the nearest of those that share it.
    clusters
        The council's own group of each school (the column ``cluster`` of the schools file), for the measure of
        clusters.
    ways
        Metres from homes to schools along a network or from a matrix, of which ``residents.home`` are the rows; used
        before ``sites``.

    Raises
    ------
    VintageError
        If the plans and the people are not of one kind of area.
    """
    change = change_of(before, after, residents, metres, places, sites, clusters, ways)
    tables, figures = {}, {}
    for measure in (MEASURES if measures is None else measures).values():
        for name, found in measure(change).items():
            (tables if isinstance(found, RawTable) else figures)[name] = found
    return PlanEffects(before, after, tables, figures)


def change_of(
    before: CatchmentPlan,
    after: CatchmentPlan,
    residents: Residents,
    metres: pd.DataFrame | None = None,
    places: pd.Series | None = None,
    sites: pd.DataFrame | None = None,
    clusters: pd.Series | None = None,
    ways: Travel | None = None,
) -> Change:
    """What a measure reads; see :func:`compare_plans`."""
    if ways is not None and ways.unit != METRES:
        raise ValueError("plans are compared in metres; these ways are in minutes")
    kinds = {before.kind, after.kind, residents.kind}
    if len(kinds) > 1:
        raise VintageError(f"plans and people are by {', '.join(sorted(kinds))}: bring all to one kind")
    schools = pd.Index(sorted(set(before.schools) | set(after.schools)))
    first, second = _schools(before, residents, schools), _schools(after, residents, schools)
    kept = (first >= 0) | (second >= 0)
    base = residents if kept.all() else _only(residents, kept)
    first, second = first[kept], second[kept]
    lengths = (None, None)
    if metres is not None:
        table = metres.reindex(index=base.areas, columns=schools).to_numpy(dtype=float)
        lengths = tuple(np.where(codes >= 0, table[base.area, codes], np.nan) for codes in (first, second))
    elif ways is not None and base.home is not None:
        lengths = tuple(
            _ways_m(base.home, plan, schools, codes, ways) for plan, codes in ((before, first), (after, second))
        )
    elif sites is not None and base.easting is not None:
        where = base.easting, base.northing
        own = _straight_m(*where, before, schools, first, sites)
        new = own.copy()
        at = np.flatnonzero(first != second) if dict(before.shared) == dict(after.shared) else np.arange(len(base))
        new[at] = _straight_m(*(part[at] for part in where), after, schools, second[at], sites)
        lengths = own, new
    groups = None
    if clusters is not None:
        named = [clusters_of(plan, clusters).reindex(schools) for plan in (before, after)]
        groups = pd.concat(named, axis=1, keys=["before", "after"])
    held = _places(places, before, after, schools)
    return Change(base, schools, first, second, *lengths, held, clusters, groups)


def clusters_of(plan: CatchmentPlan, clusters: pd.Series) -> pd.Series:
    """The cluster of each catchment of a plan: that of its school.

    A catchment of several schools is in their cluster if all are in one, else in all of them ("North and South", which
    is another cluster than either). A school that the schools file gives no cluster, or does not have, is in
    ``no cluster``.

    Parameters
    ----------
    plan
        The plan.
    clusters
        The cluster of each school, by its code; "" for none.

    Examples
    --------
    >>> plan = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101", "E2": "102", "E3": "103"}))
    >>> clusters_of(plan, pd.Series({"101": "North", "102": ""})).to_dict()
    {'101': 'North', '102': 'no cluster', '103': 'no cluster'}
    """
    known = _cluster_names(clusters)
    named = {
        school: " and ".join(sorted({known.get(member, NO_CLUSTER) for member in plan.members(school)}))
        for school in plan.schools
    }
    return pd.Series(named, dtype="str", name="cluster")


def _cluster_names(clusters: pd.Series) -> dict[str, str]:
    names = clusters.fillna("").astype("str").str.strip().replace("", NO_CLUSTER)
    return dict(zip(clusters.index.astype("str"), names, strict=True))


def movers(change: Change) -> dict[str, RawTable | float]:
    """Who must change school, by year group and by each attribute: people and whether they move."""
    found = {"movers": change.table("Movers", moves=change.moved())}
    for name in ("year_group", *ATTRIBUTES):
        if name in change.residents.columns:
            title = f"Movers by {name.replace('_', ' ')}"
            dims = {name: change.residents.columns[name], MOVES: change.moved()}
            found[f"movers_by_{name}"] = change.table(title, **dims)
    return found


def gains(change: Change) -> dict[str, RawTable | float]:
    """Who moves and who gains: people by what becomes of them (:data:`EFFECTS`), in all and by each attribute.

    Nearer and farther are by more than 1 m; where a distance is not known it is "other school".
    """
    found = {"effects": change.table("What becomes of whom", effect=change.effects)}
    for name in ATTRIBUTES:
        if name in change.residents.columns:
            dims = {name: change.residents.columns[name], EFFECT: change.effects}
            found[f"effects_by_{name}"] = change.table(f"What becomes of whom, by {name}", **dims)
    return found


def siblings_split(change: Change) -> dict[str, RawTable | float]:
    """Who has a brother or sister at the school of the own catchment, before and after; "yes" then "no" is a split.

    Needs a household for each person and the school attended; a household of one is left out.
    """
    if not {"household", "school"} <= set(change.residents.columns):
        return {}
    home, _ = change.residents.columns["household"]
    codes, labels = change.residents.columns["school"]
    attended = change.schools.get_indexer(labels)[codes]
    most = len(change.schools) + 1
    pair = home * most + attended + 1
    known = home >= 0
    pairs, count = np.unique(pair[known], return_counts=True)

    def with_sibling(school: np.ndarray) -> np.ndarray:
        """Whether anybody else of the household attends the school."""
        wanted = home * most + school + 1
        at = np.minimum(np.searchsorted(pairs, wanted), max(len(pairs) - 1, 0))
        others = np.where(pairs[at] == wanted, count[at], 0) - (attended == school)
        return (school >= 0) & known & (others > 0)

    size = np.bincount(home[known], minlength=int(home.max(initial=-1)) + 1) if known.any() else np.zeros(1)
    together = known & (size[np.maximum(home, 0)] > 1)
    labels_yes = pd.Index([NO, YES])
    dims = {
        when: (np.where(together, with_sibling(school).astype(np.int64), -1), labels_yes)
        for when, school in (("sibling_before", change.before), ("sibling_after", change.after))
    }
    return {"siblings": change.table("Brothers and sisters at the catchment school", **dims)}


def feeders(change: Change) -> dict[str, RawTable | float]:
    """The schools attended that are not schools of the plans (feeders), by catchment before and after.

    A feeder is split where a tenth of its people or more live outside the catchment that most of them live in.
    """
    if "school" not in change.residents.columns:
        return {}
    codes, labels = change.residents.columns["school"]
    outside = ~(labels.isin(change.schools) | (labels == "unknown"))
    if not outside.any():
        return {}
    feeder = np.where(outside[codes], codes, -1)
    found: dict[str, RawTable | float] = {}
    for when, school in (("before", change.before), ("after", change.after)):
        dims = {"feeder": (feeder, labels), "school": (school, change.schools)}
        found[f"feeders_{when}"] = table = change.table(f"Feeder schools by catchment {when}", **dims)
        by_feeder = table.counts.groupby(level="feeder")
        found[f"feeders_split_{when}"] = float((by_feeder.max() <= (1 - SPLIT_SHARE) * by_feeder.sum()).sum())
    return found


def clusters_split(change: Change) -> dict[str, RawTable | float]:
    """Who changes cluster, and the clusters whose children would be divided.

    A cluster is the council's own group of schools; a home is in the cluster of its catchment's school
    (:func:`clusters_of`). Two things can be split:

    * its **areas**: whoever lives in an area that goes from a school of one cluster to a school of another changes
      cluster; one that goes to another school of the same cluster does not;
    * its **children**: of those who attend a feeder school of the cluster (a school that is none of the plans'), a
      tenth or more live in catchments of another cluster than most of them do. Children of one primary school who
      head for two secondary schools of their own cluster are not divided by this; :func:`feeders` counts those.
    """
    if change.clusters is None or change.catchment_clusters is None:
        return {}
    names = pd.Index(sorted(set(change.catchment_clusters.stack())))
    homes = {}
    for when, school in (("before", change.before), ("after", change.after)):
        cluster = names.get_indexer(change.catchment_clusters[when])
        homes[when] = np.where(school >= 0, cluster[school], -1), names
    (one, _), (other, _) = homes.values()
    found: dict[str, RawTable | float] = {
        "cluster_moves": change.table("Clusters before and after", **homes),
        "change_cluster": float(((one != other) & (one >= 0) & (other >= 0)).sum()),
    }
    if "school" not in change.residents.columns:
        return found
    codes, labels = change.residents.columns["school"]
    known = _cluster_names(change.clusters)
    outside = ~labels.isin(change.schools)
    own = pd.Index(
        [known.get(code, NO_CLUSTER) if out else NO_CLUSTER for code, out in zip(labels, outside, strict=True)]
    )
    at, groups = pd.factorize(own, sort=True)
    at = np.where(own == NO_CLUSTER, -1, at)[codes]
    for when, home in homes.items():
        title = f"Schools' clusters by cluster of the catchment {when}"
        found[f"clusters_{when}"] = table = change.table(title, cluster=(at, groups), catchment=home)
        by_cluster = table.counts.groupby(level="cluster")
        found[f"clusters_split_{when}"] = float((by_cluster.max() <= (1 - SPLIT_SHARE) * by_cluster.sum()).sum())
    return found


def distance(change: Change) -> dict[str, RawTable | float]:
    """Metres to the catchment school before and after: mean, median, 90th percentile, and how many over 2 and 3 miles.

    By straight line or by whatever the table of metres holds: the straight line says who is certainly over a walking
    limit, never who is within it.
    """
    if change.metres_before is None:
        return {}
    found: dict[str, RawTable | float] = {}
    for when, metres in (("before", change.metres_before), ("after", change.metres_after)):
        known = metres[np.isfinite(metres)]
        ends = np.quantile(known, [0.5, 0.9]) if len(known) else (np.nan, np.nan)
        mean = known.mean() if len(known) else np.nan
        for name, value in zip(("mean", "median", "p90"), (mean, *ends), strict=True):
            found[f"{name}_m_{when}"] = float(value)
        band = np.digitize(metres, [2 * METRES_PER_MILE, 3 * METRES_PER_MILE], right=True)
        band = np.where(np.isfinite(metres), band, -1)
        labels = pd.Index(["up to 2 miles", "2 to 3 miles", "over 3 miles"])
        found[f"distance_{when}"] = change.table(f"Distance {when}", band=(band, labels))
    extra = (change.metres_after - change.metres_before)[change.moves]
    extra = extra[np.isfinite(extra)]
    found["median_extra_m_of_movers"] = float(np.median(extra)) if len(extra) else 0.0
    found["p90_extra_m_of_movers"] = float(np.quantile(extra, 0.9)) if len(extra) else 0.0
    return found


def residents_by_catchment(change: Change) -> dict[str, RawTable | float]:
    """People living in each catchment, before and after; by year group where it is known.

    With places: unfilled places, each school's own (never below 0, never offset by a full school), and how many
    children live in catchments beyond their places. A catchment is not a roll: see :func:`retention`.
    """
    found: dict[str, RawTable | float] = {}
    for when, codes in (("before", change.before), ("after", change.after)):
        dims = {"school": (codes, change.schools)}
        if "year_group" in change.residents.columns:
            dims["year_group"] = change.residents.columns["year_group"]
        found[f"residents_{when}"] = change.table(f"Residents {when}", **dims)
        if change.places is not None:
            places = change.places[when].to_numpy()
            held = np.bincount(codes[codes >= 0], minlength=len(change.schools))
            found[f"unfilled_{when}"] = float(np.maximum(places - held, 0)[np.isfinite(places)].sum())
            found[f"beyond_places_{when}"] = float(np.maximum(held - places, 0)[np.isfinite(places)].sum())
            found[f"schools_beyond_places_{when}"] = float((held > places).sum())
    return found


def segregation(change: Change, group: str = "fsm", value: str = YES, draws: int = 200) -> dict[str, RawTable | float]:
    """Gorard's measure and dissimilarity of a group between catchments, beside what chance alone would give.

    Small catchments look uneven by chance; the expectation puts the same people in the same catchments at random
    (multivariate hypergeometric, a fixed seed). Empty where the attribute is not known.

    References: Gorard and Taylor (2002), Sociology 36:875; Carrington and Troske (1997), JBES 15:402.
    """
    if group not in change.residents.columns:
        return {}
    codes, labels = change.residents.columns[group]
    if value not in labels:
        return {}
    member = codes == labels.get_loc(value)
    known = member | (codes != labels.get_loc("unknown")) if "unknown" in labels else np.ones(len(codes), dtype=bool)
    found: dict[str, RawTable | float] = {}
    for when, schools in (("before", change.before), ("after", change.after)):
        kept = known & (schools >= 0)
        total = np.bincount(schools[kept], minlength=len(change.schools))
        own = np.bincount(schools[kept & member], minlength=len(change.schools))
        if not 0 < own.sum() < total.sum():
            continue
        drawn = np.random.default_rng(0).multivariate_hypergeometric(total, own.sum(), size=draws, method="marginals")
        for name, measure in (("gorard", gorard), ("dissimilarity", dissimilarity)):
            found[f"{name}_{group}_{when}"] = measure(own, total)
            found[f"{name}_{group}_{when}_by_chance"] = float(np.mean([measure(row, total) for row in drawn]))
    return found


def retention(change: Change) -> dict[str, RawTable | float]:
    """Of those living in each catchment before, how many attend a school of that code: what a catchment is worth."""
    if "school" not in change.residents.columns:
        return {}
    codes, labels = change.residents.columns["school"]
    attended = change.schools.get_indexer(labels)[codes]
    own = (attended == change.before).astype(np.int64)
    dims = {"school": (change.before, change.schools), "attends": (own, pd.Index([NO, YES]))}
    return {"retention": change.table("Residents who attend", **dims)}


def gorard(group: np.ndarray, total: np.ndarray) -> float:
    """Half the sum of ``|a / A - t / T|``: the part of the group that would have to move for an even spread.

    Examples
    --------
    >>> gorard(np.array([30, 10]), np.array([50, 50]))
    0.25
    """
    return float(0.5 * np.abs(group / group.sum() - total / total.sum()).sum())


def dissimilarity(group: np.ndarray, total: np.ndarray) -> float:
    """Half the sum of ``|a / A - b / B|``, b being everybody else.

    Examples
    --------
    >>> round(dissimilarity(np.array([30, 10]), np.array([50, 50])), 4)
    0.4167
    """
    other = total - group
    return float(0.5 * np.abs(group / group.sum() - other / other.sum()).sum())


MEASURES: dict[str, Measure] = {
    "movers": movers,
    "gains": gains,
    "distance": distance,
    "residents": residents_by_catchment,
    "segregation": segregation,
    "retention": retention,
    "siblings_split": siblings_split,
    "feeders": feeders,
    "clusters_split": clusters_split,
}


def _schools(plan: CatchmentPlan, residents: Residents, schools: pd.Index) -> np.ndarray:
    """Position of each person's school under a plan, -1 for none."""
    by_area = schools.get_indexer(plan.table.reindex(residents.areas).fillna(NONE))
    return by_area[residents.area].astype(np.int64)


def _straight_m(easting, northing, plan: CatchmentPlan, schools: pd.Index, codes: np.ndarray, sites: pd.DataFrame):
    """Metres from each home to its catchment's school, the nearest of those that share it; NaN for no school."""
    x, y = (np.append(sites[name].reindex(schools).to_numpy(dtype=float), np.nan) for name in ("easting", "northing"))
    metres = straight_line_m(easting, northing, x[codes], y[codes])
    for code in set(plan.shared) & set(plan.schools):
        here = codes == schools.get_loc(code)
        for member in plan.members(code):
            if member in sites.index:
                at = sites.loc[member, ["easting", "northing"]].astype(float)
                to = straight_line_m(easting[here], northing[here], at["easting"], at["northing"])
                metres[here] = np.fmin(metres[here], to)
    return metres


def _ways_m(home: np.ndarray, plan: CatchmentPlan, schools: pd.Index, codes: np.ndarray, ways: Travel) -> np.ndarray:
    """Metres of the way from each home to its catchment's school, the nearest of those that share it."""
    column = pd.Index(ways.schools).get_indexer(schools)
    at = np.where(codes >= 0, column[codes], -1)
    known = (home >= 0) & (at >= 0)
    metres = np.where(known, ways.values[np.maximum(home, 0), np.maximum(at, 0)], np.nan)
    for code in set(plan.shared) & set(plan.schools):
        here = (codes == schools.get_loc(code)) & (home >= 0)
        for member in set(plan.members(code)) & set(ways.schools):
            metres[here] = np.fmin(metres[here], ways.values[home[here], ways.schools.get_loc(member)])
    return metres


def _only(residents: Residents, kept: np.ndarray) -> Residents:
    columns = {name: (codes[kept], labels) for name, (codes, labels) in residents.columns.items()}
    left_out = residents.left_out + int((~kept).sum())
    where = [None if values is None else values[kept] for values in (residents.easting, residents.northing)]
    home = None if residents.home is None else residents.home[kept]
    return Residents(
        residents.kind, residents.area[kept], residents.areas, columns, residents.noun, left_out, *where, home
    )


def _places(places: pd.Series | None, before: CatchmentPlan, after: CatchmentPlan, schools: pd.Index):
    """Places by school under each plan; a shared catchment has those of its schools together."""
    if places is None:
        return None
    table = {}
    given = places.to_dict()
    for when, plan in (("before", before), ("after", after)):
        own, there = [], set(plan.schools)
        for school in schools:
            known = [member for member in plan.members(school) if member in given or member in plan.changes]
            added = sum(plan.changes[member].places_added for member in known if member in plan.changes)
            total = sum(float(given.get(member, 0.0)) for member in known) + added
            own.append(0.0 if school not in there else total if known else np.nan)
        table[when] = own
    return pd.DataFrame(table, index=schools)
