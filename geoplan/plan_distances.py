"""How far it is to school under each plan of an option set, as it may be shown.

People by band of distance are a table like any other. Mean distances are worked out from people by quarters of a mile,
protected like any count, as exact ones would tell which of two hidden numbers is larger; they are rounded to the
nearest 50 metres, and given only for groups large enough for a share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.disclosure import Protected
from geoplan.distances import METRES_PER_MILE
from geoplan.effects import Change
from geoplan.errors import DisclosureRefused
from geoplan.evidence import Nesting, PrintedTable
from geoplan.plan_grounds import BANDS, Desk, Ground, band_counts
from geoplan.suppression import ProtectedTable
from geoplan.tables import RawTable

ROUND_M = 50
#: Ends of the bands that distances are worked out from, in miles: quarters where most live, wider ones far away.
ENDS_MILES = (*np.arange(0.25, 3.01, 0.25), 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0)
EXTRA_MILES = (-10.0, -5.0, -3.0, -2.0, *np.arange(-1.5, 1.51, 0.25), 2.0, 3.0, 5.0, 10.0)


def protect_bands(desk: Desk, ground: Ground, changes: Mapping[str, Change], plans) -> dict[str, ProtectedTable]:
    """People by band of distance to the catchment school, for each plan."""
    made = {}
    for title in plans:
        change = changes[title]
        if change.metres_after is None:
            return {}
        raw = band_counts(ground, change, title)
        if raw is not None:
            made[title] = desk.protect([raw])[0]
    return made


def distance_table(bands: Mapping[str, ProtectedTable]) -> Protected:
    """By band, a column of people for each plan."""
    shown = pd.DataFrame({title: table.shown for title, table in bands.items()}).reindex(list(BANDS))
    hidden = pd.DataFrame({title: table.hidden for title, table in bands.items()}).reindex(list(BANDS))
    one = next(iter(bands.values()))
    printed = tuple(table.printed for table in bands.values())
    return Protected(shown.rename_axis("distance"), hidden.astype(bool), one.rule, one.noun, printed=printed)


def metres_of(
    desk: Desk, ground: Ground, change: Change, title: str, coarse: ProtectedTable | None
) -> tuple[dict[str, float], list[PrintedTable]]:
    """Mean, median and 90th percentile of everybody's distance under a plan, and how much farther those who move live.

    Inside the office from exact distances; outside from people by quarters of a mile, hidden and rounded like any
    count. Also the tables that they were worked out from.
    """
    metres = change.metres_after[np.isfinite(change.metres_after)]
    moved = change.moves & np.isfinite(change.metres_after) & np.isfinite(change.metres_before)
    extra = (change.metres_after - change.metres_before)[moved]
    of, more = _Distances(metres), _Distances(extra)
    tables: list[PrintedTable] = []
    if not desk.rule.exact and coarse is not None:
        noun = change.residents.noun
        dim = coarse.dims[0].replace("distance", "miles", 1)
        nesting = Nesting(dim, coarse.dims[0], dict(zip(_mile_words(ENDS_MILES), _band_of(ENDS_MILES), strict=True)))
        what = f"by quarters of a mile, {title}"
        of = _by_miles(desk, metres, ENDS_MILES, noun, what, dim, coarse.population, (nesting,), tables)
        if len(extra):
            flow = ground.flow_dims.get(title, "")
            population = f"{ground.population}, by how much farther the school is, {flow}{ground.way}"
            dim = coarse.dims[0].replace("distance", "miles farther", 1)
            what = f"who move, by miles farther, {title}"
            more = _by_miles(desk, extra, EXTRA_MILES, noun, what, dim, population, (), tables)
    least = max(1, 2 * desk.rule.min_base)
    answer = {"mean_m": of.mean, "median_m": of.quantile(0.5), "p90_m": of.quantile(0.9)}
    answer = {key: value if of.people >= least else np.nan for key, value in answer.items()}
    for key, part in (("extra_median_m", 0.5), ("extra_p90_m", 0.9)):
        answer[key] = more.quantile(part) if more.people >= least else np.nan
    return {key: ROUND_M * float(np.round(value / ROUND_M)) + 0.0 for key, value in answer.items()}, tables


@dataclass(frozen=True, eq=False)
class _Distances:
    """Metres of people one by one; or, with ``ends``, how many there are in each band."""

    values: np.ndarray
    ends: np.ndarray | None = None

    @property
    def people(self) -> float:
        return float(len(self.values)) if self.ends is None else float(self.values.sum())

    @property
    def mean(self) -> float:
        if not self.people:
            return np.nan
        if self.ends is None:
            return float(self.values.mean())
        return float((self.values * (self.ends[:-1] + self.ends[1:]) / 2).sum() / self.people)

    def quantile(self, part: float) -> float:
        """Within a band people live evenly."""
        if not self.people:
            return np.nan
        if self.ends is None:
            return float(np.quantile(self.values, part))
        below = np.r_[0.0, self.values.cumsum()]
        at = min(int(np.searchsorted(below, part * self.people, side="left")), len(self.values))
        share = (part * self.people - below[at - 1]) / self.values[at - 1] if at else 0.0
        return float(self.ends[max(0, at - 1)] + share * (self.ends[at] - self.ends[at - 1] if at else 0.0))


def _by_miles(
    desk: Desk,
    metres: np.ndarray,
    ends: Sequence[float],
    noun: str,
    what: str,
    dim: str,
    population: str,
    nested,
    tables: list,
) -> _Distances:
    """People by bands of distance, as they may be shown; nobody where a small number could be worked out from them."""
    within = METRES_PER_MILE * np.array(ends)
    band = np.searchsorted(within, metres, side="left")
    counts = pd.Series(np.bincount(band, minlength=len(ends) + 1), index=pd.Index(_mile_words(ends), name=dim))
    first = 0.0 if ends[0] > 0 else 1.5 * within[0]
    edges = np.r_[first, within, 1.5 * within[-1]]
    try:
        table = desk.protect([RawTable(f"{noun} {what}", counts, noun, population)], nested=nested)[0]
    except DisclosureRefused:
        return _Distances(np.zeros(len(counts)), edges)
    tables.append(table.printed)
    shown = table.shown.reindex(counts.index).fillna(desk.rule.hide_below / 2)
    return _Distances(shown.to_numpy(dtype=float), edges)


def _mile_words(ends: Sequence[float]) -> list[str]:
    return [*(f"up to {end:g} miles" for end in ends), f"over {ends[-1]:g} miles"]


def _band_of(ends: Sequence[float]) -> list[str]:
    """The band of :data:`BANDS` that each of these bands lies in."""
    return [*(BANDS[int(np.searchsorted([2.0, 3.0], end, side="left"))] for end in ends), BANDS[-1]]
