"""What a plan of sites is worked out from where it is shown: numbers that may be printed, and no others.

A model of reach fitted to exact counts, or sites chosen by them, tell which of two hidden numbers is the larger. So
outside the office the model is fitted to users by segment and by distance as printed, and people live where protected
counts by area, spread over postcodes and brought to all that is printed of them, say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geoplan.assignment import NOT_PLACED, Assignment
from geoplan.choices import agreed, area_kind, chosen_words, filled, spread
from geoplan.disclosure import Protected
from geoplan.gate import PrintedTable
from geoplan.placements import ReachModel, count_by_distance, distance_bands, fit_reach_margins
from geoplan.reach_books import bands_shown
from geoplan.reach_tables import ReachTables, protect_base_by
from geoplan.service_reach import ELSEWHERE, SEGMENT, ServiceReach

ONE_LEVEL = "The model has one level for all segments: name them too (--by segment) for a level of each."
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
        People and users by distance to today's sites (:func:`geoplan.reach_books.bands_shown`); None without sites.
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
    evidence: tuple[Protected, ...] = ()
    marks: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<ReachGround: {len(self.cells):,} places, {len(self.seen):,} segments>"

    def fit(self, sites: pd.DataFrame, per_km: float | None = None) -> ReachModel:
        """The model of reach (:func:`geoplan.placements.fit_reach_margins`)."""
        step = self.bands.rule.round_to if self.bands is not None else 0
        return fit_reach_margins(
            self.cells, sites, self.seen, None if self.bands is None else filled(self.bands, "seen"), per_km, step
        )


def protect_ground(
    reached: ServiceReach,
    tables: ReachTables,
    base: Assignment,
    places: pd.DataFrame,
    cells: pd.DataFrame | None = None,
    sites: pd.DataFrame | None = None,
    earlier: Sequence[PrintedTable] = (),
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
    """
    subject = tables.by[tables.subject]
    many = float(subject.table["base_total"].max())
    kind = area_kind(places, base.kinds, many if many == many else 0.0, tables.rule)
    evidence, marks = (), {}
    if kind in tables.by:
        people = filled(tables.by[kind], "base_count")
    else:
        dim = tables.subject
        placed = base.frame[base.frame[dim].notna().to_numpy()] if dim in base.frame else base.frame
        counts = placed[placed["counted"]]
        counts = counts.groupby(
            counts[kind].astype("object").where(counts[kind].notna(), NOT_PLACED).astype(str)
        ).size()
        shown, marks = protect_base_by(reached, tables, counts.rename_axis(kind), earlier)
        people, evidence = filled(shown, "base_count"), (shown,)
    people = people.drop([NOT_PLACED, ELSEWHERE], errors="ignore").rename_axis(kind)
    finest = max((each for each in base.kinds if each in places), key=lambda each: places[each].nunique())
    own = places[places[SEGMENT].notna()] if SEGMENT in places else places.assign(segment=_ALL)
    found = spread(people, own, by=[finest, SEGMENT])
    found[SEGMENT] = found[SEGMENT].astype("str")
    bands = None if sites is None else bands_shown(count_by_distance(cells, sites), tables)
    found["base"] = agreed(found["base"].to_numpy(), _sums(found, tables, bands, sites))
    notes = [chosen_words(tables.base_noun, kind, tables.rule)]
    if SEGMENT in tables.by:
        seen = filled(tables.by[SEGMENT], "count").drop([NOT_PLACED, ELSEWHERE], errors="ignore").fillna(0.0)
    else:
        total = float(subject.table["total"].max())
        seen = pd.Series({_ALL: total if total == total else tables.rule.hide_below / 2})
        notes.append(ONE_LEVEL)
    return ReachGround(found, seen, bands, evidence, marks, tuple(notes))


def _sums(cells: pd.DataFrame, tables: ReachTables, bands: Protected | None, sites) -> list[tuple[np.ndarray, float]]:
    """What is printed of the base by dimensions that the places have, and by distance; by segment last."""
    sums = []
    if bands is not None:
        of = distance_bands(cells, sites)
        sums += [(of == name, total) for name, total in filled(bands, "base").items()]
    for dim in sorted((dim for dim in tables.by if dim in cells), key=lambda dim: dim == SEGMENT):
        code = cells[dim].astype("str").to_numpy()
        sums += [(code == str(name), total) for name, total in filled(tables.by[dim], "base_count").items()]
    return sums
