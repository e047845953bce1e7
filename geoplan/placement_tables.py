"""What a plan of sites is worked out from where it is shown: numbers that may be printed, and no others.

A model of reach fitted to exact counts, or sites chosen by them, tell which of two hidden numbers is the larger. So
outside the office the model is fitted to users by segment and by distance as printed, and people live where protected
counts by area, spread over postcodes and brought to all that is printed of them, say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import NOT_PLACED, Assignment
from geoplan.choices import agreed, area_kind, chosen_words, filled, spread
from geoplan.disclosure import Protected
from geoplan.evidence import PrintedTable
from geoplan.ledger import mark_of
from geoplan.placements import ReachModel, count_by_distance, distance_bands, fit_reach_margins, nearness
from geoplan.reach_books import bands_shown
from geoplan.reach_tables import ReachTables, protect_base_by
from geoplan.service_reach import ELSEWHERE, SEGMENT, ServiceReach, dim_words

ONE_LEVEL = "The model has one level for all segments: name them too (--by segment) for a level of each."
USERS_A_GROUP, FEWEST_GROUPS, MOST_GROUPS = 25, 4, 10
_ALL = "all"


@dataclass(frozen=True, repr=False, eq=False)
class ReachGround:
    """People and users as a plan that is shown is worked out from them.

    Parameters
    ----------
    cells
        A row for each place and segment: ``segment``, ``easting``, ``northing``, ``base``.
    seen
        Users by segment; one number where the segments are not printed.
    bands
        People and users by distance to today's sites (:func:`geoplan.reach_books.bands_shown`), printed with the model;
        None without sites.
    nearness
        The same by how near the sites are in all (:func:`geoplan.placements.nearness`), in as many groups as there are
        users for: what the falling-off is fitted to, and printed with it.
    evidence
        Protected tables that the page does not print, for the ledger.
    marks
        Of the data, for the ledger.
    notes
        What a reader should know.
    """

    cells: pd.DataFrame
    seen: pd.Series
    bands: Protected | None = None
    nearness: Protected | None = None
    evidence: tuple[Protected, ...] = ()
    marks: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<ReachGround: {len(self.cells):,} places, {len(self.seen):,} segments>"

    def fit(self, sites: pd.DataFrame, per_km: float | None = None) -> ReachModel:
        """The model of reach (:func:`geoplan.placements.fit_reach_margins`)."""
        users, step = filled(self.nearness, "seen"), self.nearness.rule.round_to
        return fit_reach_margins(self.cells, sites, self.seen, users, per_km, step, self.cells["near"].to_numpy())


def protect_ground(
    reached: ServiceReach,
    tables: ReachTables,
    base: Assignment,
    places: pd.DataFrame,
    cells: pd.DataFrame | None = None,
    sites: pd.DataFrame | None = None,
    earlier: Sequence[PrintedTable] = (),
    areas: Iterable[Boundaries] = (),
) -> ReachGround:
    """What a plan may be worked out from.

    Parameters
    ----------
    reached, tables
        The reach, and its protected tables.
    base
        The people it could reach, with areas and segments.
    places
        From :func:`geoplan.choices.addresses`.
    cells, sites
        Exact counts (:func:`geoplan.placements.place_cells`) and today's sites, to count by distance.
    earlier
        What was released before.
    areas
        Boundaries that were drawn: who lives outside them is ``elsewhere``, as in a reach by that kind of area.
    """
    subject = tables.by[tables.subject]
    many = float(subject.table["base_total"].max())
    kind = area_kind(places, base.kinds, many if many == many else 0.0, tables.rule)
    evidence, marks = (), {}
    if not kind:  # no kind of area: evenly over all postcodes, and by what is printed
        kind, places = _ALL, places.assign(**{_ALL: _ALL})
        people = pd.Series({_ALL: many if many == many else 0.0})
    elif kind in tables.by:
        people = filled(tables.by[kind], "base_count")
    else:
        counts = _by_area(base, tables.subject, kind, areas)
        shown, marks = protect_base_by(reached, tables, counts, earlier)
        people, evidence = filled(shown, "base_count"), (shown,)
    people = people.drop([NOT_PLACED, ELSEWHERE], errors="ignore").rename_axis(kind)
    finest = max((each for each in base.kinds if each in places), key=lambda each: places[each].nunique(), default=kind)
    own = places[places[SEGMENT].notna()] if SEGMENT in places else places.assign(segment=_ALL)
    found = spread(people, own, by=[finest, SEGMENT])
    found[SEGMENT] = found[SEGMENT].astype("str")
    total = float(subject.table["total"].max())
    total = total if total == total else tables.rule.hide_below / 2
    bands = near = None
    if sites is not None:
        bands = bands_shown(count_by_distance(cells, sites), tables, sites=_mark_of_sites(sites))
        near, found["near"] = _by_nearness(found, cells, sites, tables, total)
    found["base"] = agreed(found["base"].to_numpy(), _sums(found, tables, bands, near, sites))
    notes = [chosen_words(tables.base_noun, dim_words(kind), tables.rule)]
    if SEGMENT in tables.by:
        seen = filled(tables.by[SEGMENT], "count").drop([NOT_PLACED, ELSEWHERE], errors="ignore").fillna(0.0)
    else:
        seen = pd.Series({_ALL: total})
        notes.append(ONE_LEVEL)
    return ReachGround(found, seen, bands, near, evidence, marks, tuple(notes))


def _by_area(base: Assignment, subject: str, kind: str, areas: Iterable[Boundaries]) -> pd.Series:
    """Those of the base who have a code of the first dimension, by a kind of area, as a reach by that kind counts."""
    people = base.people[base.people[subject].notna().to_numpy()] if subject in base.frame else base.people
    code = people[kind].astype("object")
    code = code.where(code.notna(), NOT_PLACED).astype("str")
    for layer in areas:
        if layer.kind == kind:
            code = code.where(code.isin([*layer.codes, NOT_PLACED]), ELSEWHERE)
    return people.groupby(code.to_numpy()).size().rename_axis(kind)


def _by_nearness(
    found: pd.DataFrame, cells: pd.DataFrame, sites: pd.DataFrame, tables: ReachTables, users: float
) -> tuple[Protected, np.ndarray]:
    """People and users by groups of places, the nearest to the sites first; and the group of each place found."""
    many = int(np.clip(users // USERS_A_GROUP, FEWEST_GROUPS, MOST_GROUPS))
    here, access = nearness(found, sites)
    order = np.argsort(here, kind="stable")
    running = (found["base"].to_numpy() * access)[order].cumsum()  # about as many users in each
    ends = np.unique(here[order][np.searchsorted(running, running[-1] * np.arange(1, many) / many)].round(3))
    many = len(ends) + 1
    words = [f"{number + 1} of {many}, up to {end:.1f} km" for number, end in enumerate(ends)]
    names = np.array([*words, f"{many} of {many}, farther"], dtype=object)
    group = names[np.searchsorted(ends, nearness(cells, sites)[0], side="left")]
    counts = pd.DataFrame({"base": cells["base"], "seen": cells["users"]}).groupby(group).sum()
    counts = counts.reindex(names, fill_value=0).rename_axis("nearness")
    shown = bands_shown(counts, tables, "nearness", _mark_of_sites(sites))
    return shown, names[np.searchsorted(ends, here, side="left")]


def _mark_of_sites(sites: pd.DataFrame) -> str:
    """Where the sites are and how long they are open, in any order, as a few letters."""
    rows = sites[["easting", "northing", "hours"]].astype(float).sort_values(["easting", "northing", "hours"])
    return f"sites {mark_of(rows.to_csv(index=False, header=False))[:8]}"


def _sums(cells: pd.DataFrame, tables: ReachTables, bands, near, sites) -> list[tuple[np.ndarray, float]]:
    """What is printed of the base by dimensions that the places have, and by distance; by segment last."""
    sums = []
    if bands is not None:
        of, group = distance_bands(cells, sites), cells["near"].to_numpy()
        sums += [(of == name, total) for name, total in filled(bands, "base").items()]
        sums += [(group == name, total) for name, total in filled(near, "base").items()]
    for dim in sorted((dim for dim in tables.by if dim in cells), key=lambda dim: dim == SEGMENT):
        code = cells[dim].astype("str").to_numpy()
        sums += [(code == str(name), total) for name, total in filled(tables.by[dim], "base_count").items()]
    return sums
