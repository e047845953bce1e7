"""Ways to forecast rolls: plain functions with one signature, ``method(history, years_ahead) -> pupils``.

Every method carries children up through the year groups of their school, or repeats what was; they differ in where a
new intake comes from and how much the past is smoothed. None is chosen by taste: :mod:`geoplan.backtests` says how
wrong each would have been.

- ``last value``: each year group stays as it is (the first naive baseline);
- ``last ratio``: last year's survival and last year's share of the children, nothing smoothed (the second);
- ``cohort survival``: survival of the last three years weighted 3-2-1; intakes as the mean of the last three;
- ``births lag``: the same, Reception from births five academic years earlier, of the whole place, the cluster or the
  catchment;
- ``uptake, whole school`` (Sheffield): the roll divided by the children registered with doctors in the area, applied
  to those who are Reception age next, at the levels catchment, cluster and city;
- ``uptake, age group``: the same with the uptake of each entry year by itself;
- ``uptake with moving``: the same, the children who come next more or fewer by then, as registers say they move;
- ``flows``: residents less those who go to independent schools and elsewhere, and those who come in over the border,
  shared out as schools drew lately; by the flows of the last year, or the mean of the last three;
- ``damped trend``: intakes by exponential smoothing with a trend that fades;
- ``pooled``: survival of a small school drawn towards that of all, by how noisy it is;
- ``share of all, steady`` and ``share of all, trend``: from the top down. All intakes together go on as the children or
  births known say, else as they were, or by a trend that fades; each school has its mean share of the last three years.

The last two are smooth where single schools are noisy and up to date where all schools move together.

A transfer year (Year 3 of a junior school, Year 7) is a share of those who finish the year below in the school's
feeders, its cluster or the city; a sixth form is the share of Year 11 that stays on.

References: *Learning from experience* (2008), Sheffield's patient registers; DfES (2006), *Pupil Projection Guide*
(survival, births, transfer by catchment, feeder or trend; small schools pooled); Gardner and McKenzie (1985),
Management Science 31:1237 (damped trend); Buehlmann and Straub (1970), Mitteilungen VSVM 70:111 (credibility); Gross
and Sohl (1990), Journal of Forecasting 9:233 (shares from the top down).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.cohorts import age_of, birth_year_of
from geoplan.flows import INDEPENDENT, INTO, KINDS, OUT, Crossings
from geoplan.moving import local_scale, net_moves, propensity
from geoplan.rolls import Rolls, sum_known

RECENT = (3.0, 2.0, 1.0)  # weights of the last year, the one before, and that before it
LEVELS = ("catchment", "cluster", "city")
TREND = (0.9, 0.3, 0.8)  # smoothing of the level, of the trend, and fading, for all schools: fitting them did worse
_GRID = [(alpha, beta, damp) for alpha in (0.3, 0.6, 0.9) for beta in (0.1, 0.3) for damp in (0.7, 0.9)]


@dataclass(frozen=True, repr=False, eq=False)
class History:
    """What was known in a year: rolls up to it, and the children from whom new intakes come.

    Parameters
    ----------
    pupils
        Places x years x stages, NaN where unknown; the last year is the one forecast from.
    years, stages
        As in :class:`~geoplan.rolls.Rolls`.
    taught
        Places x stages: whether a place has the year group.
    clusters
        The cluster of each place as a number.
    children
        By level (catchment, cluster, city): places x years x ages 0 to 18, children living in the place's area.
    births
        Places x ``birth_years``: births by academic year in the place's area.
    feeders
        Places x places: of which places each takes its transfer intake, as weights; None for all of them alike.
    births_by
        By level (catchment, cluster): births as in ``births``, of the smaller area.
    flows
        Who goes over the border or to independent schools, by the years and stages of the rolls; None if not known.
    moving
        By age 0 to 17: of each resident child, how many more there are a year later; NaN where only the registers
        say. None where children are taken to stay.
    """

    pupils: np.ndarray
    years: tuple[int, ...]
    stages: tuple[int, ...]
    taught: np.ndarray
    clusters: np.ndarray
    children: Mapping[str, np.ndarray] = field(default_factory=dict)
    births: np.ndarray | None = None
    birth_years: tuple[int, ...] = ()
    feeders: np.ndarray | None = None
    births_by: Mapping[str, np.ndarray] = field(default_factory=dict)
    flows: Crossings | None = None
    moving: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"<History of {len(self.pupils):,} places, {len(self.years)} years to {self.year}>"

    @property
    def year(self) -> int:
        """The academic year forecast from."""
        return self.years[-1]

    @cached_property
    def rates(self) -> dict[str, np.ndarray]:
        """Rates of moving by level, once they were worked out (:func:`moving_rates`)."""
        return {}

    @property
    def carried(self) -> np.ndarray:
        """Places x stages: whether a year group comes up from the one below in the same place."""
        answer = np.zeros_like(self.taught)
        next_to = np.diff(self.stages) == 1
        answer[:, 1:] = self.taught[:, 1:] & self.taught[:, :-1] & next_to
        return answer

    def until(self, year: int) -> History:
        """What was known in an earlier year; births are known up to the year before."""
        count = self.years.index(year) + 1
        born = [number for number, each in enumerate(self.birth_years) if each < year]
        return replace(
            self,
            pupils=self.pupils[:, :count],
            years=self.years[:count],
            children={level: each[:, :count] for level, each in self.children.items()},
            births=None if self.births is None else self.births[:, born],
            birth_years=tuple(self.birth_years[number] for number in born),
            births_by={level: each[:, born] for level, each in self.births_by.items()},
            flows=None if self.flows is None else self.flows.until(count),
        )


Method = Callable[[History, int], np.ndarray]


def history_of(
    rolls: Rolls,
    clusters: pd.Series | Mapping[str, str] | None = None,
    *,
    taught: pd.DataFrame | None = None,
    children: Mapping[str, np.ndarray] | None = None,
    births: pd.DataFrame | None = None,
    feeders: pd.DataFrame | None = None,
    births_by: Mapping[str, pd.DataFrame] | None = None,
    flows: Crossings | None = None,
    moving: np.ndarray | None = None,
) -> History:
    """A history from rolls.

    Parameters
    ----------
    rolls
        The rolls.
    clusters
        Cluster by place; one for all if not given.
    taught
        Indexed by place, ``lowest`` and ``highest`` stage: the year groups it teaches, or will once it is full. Without
        it, those it has had.
    children
        By level: places x years x ages, in the order of the rolls (:func:`children_by_place`).
    births
        Places x academic years of birth.
    feeders
        Places x places: weights of the feeders of each.
    births_by
        By level: as ``births``, of the place's catchment or cluster.
    flows, moving
        As in :class:`History`.
    """
    stages = np.asarray(rolls.stages)
    seen = (np.nan_to_num(rolls.pupils) > 0).any(axis=1)
    if taught is not None:
        limits = taught.reindex(rolls.places)
        low, high = limits["lowest"].to_numpy(dtype=float), limits["highest"].to_numpy(dtype=float)
        stated = (stages >= low[:, None]) & (stages <= high[:, None])
        seen = np.where(np.isfinite(low + high)[:, None], stated, seen)
    groups = pd.Series(dict(clusters)).reindex(rolls.places).fillna("") if clusters is not None else None
    codes = np.zeros(len(rolls), dtype=int) if groups is None else pd.factorize(groups, sort=True)[0]
    born, birth_years = None, ()
    if births is not None:
        born = births.reindex(rolls.places).to_numpy(dtype=float)
        birth_years = tuple(int(year) for year in births.columns)
    smaller = {level: table.reindex(index=rolls.places, columns=birth_years).to_numpy(dtype=float)
               for level, table in (births_by or {}).items()}  # fmt: skip
    weights = None
    if feeders is not None:
        weights = feeders.reindex(index=rolls.places, columns=rolls.places).fillna(0.0).to_numpy(dtype=float)
    return History(
        rolls.pupils, rolls.years, rolls.stages, seen, codes, dict(children or {}), born, birth_years, weights,
        smaller, flows, moving,
    )  # fmt: skip


def children_by_place(
    register: pd.DataFrame,
    area_of: pd.Series | Mapping[str, str],
    places: pd.Index,
    years: tuple[int, ...],
    ages: int = 19,
) -> np.ndarray:
    """Children living in each place's area, by year and age.

    Parameters
    ----------
    register
        ``area``, ``year``, ``age``, ``children``: registered with a family doctor there on 31 August, by age that day.
    area_of
        The area of each place, one that the register has (after it was brought to catchments or clusters).
    places, years
        As in the rolls.

    Returns
    -------
    ndarray
        Places x years x ages; NaN where the register says nothing.
    """
    wide = register.pivot_table(index=["area", "year"], columns="age", values="children", aggfunc="sum", dropna=False)
    wide = wide.reindex(columns=range(ages))
    areas = pd.Series(dict(area_of)).reindex(places)
    keys = pd.MultiIndex.from_product([areas.to_numpy(), years])
    return wide.reindex(keys).to_numpy(dtype=float).reshape(len(places), len(years), ages)


# --- survival ---------------------------------------------------------------------------------------------


def survival(history: History, weights: tuple[float, ...] = RECENT) -> np.ndarray:
    """How many go up for each pupil in the year group below, by place and stage.

    Ratios of sums over the last years; where a place has none of its own, its cluster's, then everybody's, then 1.

    Returns
    -------
    ndarray
        Places x stages; the first stage has none (NaN).
    """
    above, below = _pairs(history, len(weights))
    return _filled(history, _ratio(above, below, _weights(above, weights)))


def pooled_survival(history: History, last: int = 5) -> np.ndarray:
    """Survival with each place's own drawn towards everybody's by credibility (Buehlmann and Straub).

    A place whose ratio is steady keeps its own; a small place whose ratio jumps takes mostly that of all.
    """
    above, below = _pairs(history, last)
    usable = np.isfinite(above) & (below > 0)
    exposure = np.where(usable, below, 0.0)
    count = exposure.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(usable, above, 0.0).sum(axis=1) / count
        every = np.nansum(own * count, axis=0) / count.sum(axis=0)
        each = np.where(usable, above / below, 0.0)
        within = np.nansum(exposure * (each - own[:, None]) ** 2, axis=(0, 1))
        within /= np.maximum(1, (usable.sum(axis=1) - 1).clip(min=0).sum(axis=0))
        places = (count > 0).sum(axis=0)
        spread = np.nansum(count * (own - every) ** 2, axis=0) - (places - 1) * within
        between = np.maximum(0.0, spread / (count.sum(axis=0) - (count**2).sum(axis=0) / count.sum(axis=0)))
        trust = np.where(within <= 0, 1.0, count * between / (count * between + within))
    drawn = np.where(np.isfinite(own), trust * np.nan_to_num(own) + (1 - trust) * every, np.nan)
    return _filled(history, drawn)


def _pairs(history: History, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Pupils of each stage in the last years, the latest first, and those a year before in the stage below."""
    pupils = history.pupils
    places, years, stages = pupils.shape
    last = min(last, years - 1)
    above = np.full((places, max(last, 1), stages), np.nan)
    below = np.full_like(above, np.nan)
    for back in range(last):
        now = years - 1 - back
        above[:, back, 1:] = pupils[:, now, 1:]
        below[:, back, 1:] = pupils[:, now - 1, :-1]
    far = np.diff(history.stages, prepend=history.stages[:1]) != 1
    far[0] = True
    above[:, :, far], below[:, :, far] = np.nan, np.nan
    return above, below


def _weights(values: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    given = np.asarray(weights[: values.shape[1]], dtype=float)
    return given.reshape(1, -1, *([1] * (values.ndim - 2)))


def _ratio(above: np.ndarray, below: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A ratio of weighted sums along the second axis; NaN where nothing is known or nobody was below."""
    usable = np.isfinite(above) & (below > 0)
    top = (weights * np.where(usable, above, 0.0)).sum(axis=1)
    base = (weights * np.where(usable, below, 0.0)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(base > 0, top / base, np.nan)


def _filled(history: History, ratios: np.ndarray) -> np.ndarray:
    """Ratios with gaps filled by those of the cluster, of everybody, and 1."""
    above, below = _pairs(history, len(RECENT))
    usable = np.isfinite(above) & (below > 0) & history.carried[:, None, :]
    top, base = np.where(usable, above, 0.0).sum(axis=1), np.where(usable, below, 0.0).sum(axis=1)
    clusters = int(history.clusters.max(initial=0)) + 1
    for codes, count in ((history.clusters, clusters), (np.zeros(len(top), dtype=int), 1)):
        tops, bases = np.zeros((count, top.shape[1])), np.zeros((count, top.shape[1]))
        np.add.at(tops, codes, top)
        np.add.at(bases, codes, base)
        with np.errstate(invalid="ignore", divide="ignore"):
            of_group = np.where(bases > 0, tops / bases, np.nan)
        ratios = np.where(np.isfinite(ratios), ratios, of_group[codes])
    ratios = np.where(np.isfinite(ratios), ratios, 1.0)
    ratios[:, 0] = np.nan
    return ratios


# --- uptake -----------------------------------------------------------------------------------------------


def uptake_of(history: History, level: str, whole: bool = True, weights: tuple[float, ...] = (1.0,)) -> np.ndarray:
    """Pupils on roll for each child registered in the place's area.

    Parameters
    ----------
    level
        ``catchment``, ``cluster`` or ``city``: whose children.
    whole
        One figure for the whole school (all its year groups over all children of those ages), or one for each year
        group.
    weights
        Of the last year, the one before ...; Sheffield's uses the last.

    Returns
    -------
    ndarray
        Places x stages.
    """
    ages = np.array([age_of(stage) for stage in history.stages])
    last = min(len(weights), len(history.years))
    pupils = history.pupils[:, ::-1][:, :last]
    children = history.children[level][:, ::-1][:, :last][:, :, ages]
    known = np.isfinite(pupils) & np.isfinite(children) & history.taught[:, None, :]
    pupils, children = np.where(known, pupils, 0.0), np.where(known, children, 0.0)
    share = _weights(pupils, weights)
    top, base = (share * pupils).sum(axis=1), (share * children).sum(axis=1)
    if whole:
        top = np.repeat(top.sum(axis=1, keepdims=True), len(ages), axis=1)
        base = np.repeat(base.sum(axis=1, keepdims=True), len(ages), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(base > 0, top / base, np.nan)


def children_to_come(
    history: History, level: str, stage: int, years: int, rates: np.ndarray | None = None
) -> np.ndarray:
    """Registered children who will begin a stage 1, 2 ... years ahead; the youngest again where none are born yet.

    With rates of moving (places x ages) there are more or fewer of them by then.
    """
    age = age_of(stage)
    ages = np.clip(age - np.arange(1, years + 1), 0, None)
    there = history.children[level][:, -1, :][:, ages]
    if rates is None:
        return there
    staying = np.clip(1 + rates, 0, None)
    return there * np.stack([staying[:, young:age].prod(axis=1) for young in ages], axis=1)


def moving_rates(history: History, level: str) -> np.ndarray:
    """Of each resident child of an age, how many more there are a year later in the place's area.

    The chart by age (the one given, or that of all registers together up to now) times each area's own scale.

    Returns
    -------
    ndarray
        Places x ages 0 to 17; 0 where nothing is known.
    """
    if level not in history.rates:
        history.rates[level] = _found_rates(history, level)
    return history.rates[level]


def _found_rates(history: History, level: str) -> np.ndarray:
    every = history.children[level]
    children = every[:1] if level == "city" else every  # one place: all its rows are alike
    own = net_moves(_register_of(children, history.years))
    if history.moving is not None and np.isfinite(history.moving).any():
        chart = pd.Series(history.moving).fillna(0.0)
    else:
        together = history.children["city"][:1] if "city" in history.children else children
        chart = propensity(net_moves(_register_of(together, history.years)))
    scale = local_scale(own[own["age"].isin(chart.dropna().index)], chart).reindex(range(len(children))).fillna(1.0)
    rates = chart.reindex(range(children.shape[2] - 1)).fillna(0.0).to_numpy(dtype=float)
    return np.broadcast_to(scale.to_numpy(dtype=float)[:, None] * rates, (len(every), len(rates)))


def _register_of(children: np.ndarray, years: tuple[int, ...]) -> pd.DataFrame:
    """Places x years x ages as a long table: ``area`` (the number of the place), ``year``, ``age``, ``children``."""
    at = np.argwhere(np.isfinite(children))
    return pd.DataFrame({"area": at[:, 0], "year": np.asarray(years)[at[:, 1]], "age": at[:, 2],
                         "children": children[tuple(at.T)]})  # fmt: skip


# --- intakes ----------------------------------------------------------------------------------------------

Entry = Callable[[History, int, int, np.ndarray], np.ndarray]


def _steady(weights: tuple[float, ...]) -> Entry:
    """The weighted mean of the last intakes, for as long as wanted."""

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        recent = history.pupils[:, ::-1, at][:, : len(weights)]
        known = np.isfinite(recent)
        share = _weights(recent, weights) * known
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (share * np.where(known, recent, 0.0)).sum(axis=1) / share.sum(axis=1)
        return np.repeat(mean[:, None], years, axis=1)

    return entry


def _from_children(level: str, whole: bool, weights: tuple[float, ...], moving: bool = False) -> Entry:
    """Uptake of the children who come next, those who move on the way counted if ``moving``."""

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        if level not in history.children:
            return np.full((len(history.pupils), years), np.nan)
        rate = uptake_of(history, level, whole, weights)[:, at]
        moves = moving_rates(history, level) if moving else None
        return rate[:, None] * children_to_come(history, level, history.stages[at], years, moves)

    return entry


def _from_births(weights: tuple[float, ...], level: str = "") -> Entry:
    """A share of the births five academic years earlier; the last births again where none are known yet.

    Of the whole place, or of the school's area of a level.
    """

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        nothing = np.full((len(history.pupils), years), np.nan)
        births = history.births_by.get(level) if level else history.births
        if births is None or not history.birth_years:
            return nothing
        stage = history.stages[at]
        first, last = history.birth_years[0], history.birth_years[-1]

        def born(year: int) -> np.ndarray:
            wanted = birth_year_of(stage, year)
            return np.full(len(nothing), np.nan) if wanted < first else births[:, min(wanted, last) - first]

        recent = np.stack(
            [history.pupils[:, -1 - back, at] for back in range(min(len(weights), len(history.years)))], 1
        )
        base = np.stack([born(history.year - back) for back in range(recent.shape[1])], 1)
        rate = _ratio(recent, base, _weights(recent, weights))
        return np.stack([rate * born(history.year + ahead) for ahead in range(1, years + 1)], axis=1)

    return entry


def _from_feed(kind: str, weights: tuple[float, ...]) -> Entry:
    """A share of those in the stage below, in the feeders, the cluster or the city."""

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        nothing = np.full((len(history.pupils), years), np.nan)
        if at == 0 or (kind == "feeders" and history.feeders is None):
            return nothing
        lag = history.stages[at] - history.stages[at - 1]
        below = np.where(history.taught[:, at - 1, None], history.pupils[:, :, at - 1], np.nan)
        ahead = np.where(history.taught[:, at - 1, None], done[:, :, at - 1], np.nan)
        both = np.concatenate([below, ahead], axis=1)  # years known, then years ahead
        feed = _feed(history, both, kind)
        now = len(history.years)
        backs = [back for back in range(len(weights)) if now - 1 - back - lag >= 0]
        if not backs:
            return nothing
        recent = np.stack([history.pupils[:, now - 1 - back, at] for back in backs], axis=1)
        base = np.stack([feed[:, now - 1 - back - lag] for back in backs], axis=1)
        share = _ratio(recent, base, _weights(recent, weights))
        return share[:, None] * feed[:, now - lag : now - lag + years]

    return entry


def _feed(history: History, below: np.ndarray, kind: str) -> np.ndarray:
    """Places x years: those who finish the stage below in each place's feeders."""
    known = np.where(np.isfinite(below), below, 0.0)
    there = np.isfinite(below).any(axis=0)
    if kind == "feeders":
        fed = history.feeders @ known
    elif kind == "cluster":
        fed = np.zeros((int(history.clusters.max(initial=0)) + 1, known.shape[1]))
        np.add.at(fed, history.clusters, known)
        fed = fed[history.clusters]
    else:
        fed = np.repeat(known.sum(axis=0, keepdims=True), len(known), axis=0)
    return np.where(there & (fed > 0), fed, np.nan)


#: Intakes that nearly all children of an age begin, so that residents and flows tell of them.
WHOLE_INTAKES = (0, 7)


@dataclass(frozen=True, repr=False, eq=False)
class FlowForecast:
    """What flows say of an intake, by the place that each school is in.

    Parameters
    ----------
    residents
        Places x years ahead: children of the age who live there.
    shares
        Places x 2: of them, those who go to independent schools, and those who go elsewhere.
    into
        Places: those who come in.
    kept
        Places: of the residents left, those who came to a school here, over all years known. Below 1 where lists count
        children who moved away, or some are taught at home.
    intake
        Places x years ahead: what comes of it, all schools of the place together.
    used
        Places x years known: which years' flows were used.
    """

    residents: np.ndarray
    shares: np.ndarray
    into: np.ndarray
    kept: np.ndarray
    intake: np.ndarray
    used: np.ndarray


def flow_forecast(history: History, at: int, years: int, last: int) -> FlowForecast | None:
    """Residents less those who leave, and those who come in; None where no flows are known.

    Parameters
    ----------
    at
        The position of the stage.
    years
        Years ahead.
    last
        The years of flows that are used: 1 for the last, 3 for the mean of the last three.
    """
    crossings = history.flows
    if crossings is None or crossings.level not in history.children or history.stages[at] not in WHOLE_INTAKES:
        return None
    stage = history.stages[at]
    live = history.children[crossings.level][:, :, age_of(stage)]
    flows = crossings.pupils[:, :, at]
    known = np.isfinite(flows).all(axis=2) & (live > 0)
    used = known & (np.cumsum(known[:, ::-1], axis=1)[:, ::-1] <= last)
    away = [KINDS.index(INDEPENDENT), KINDS.index(OUT)]
    with np.errstate(invalid="ignore", divide="ignore"):
        count = used.sum(axis=1)
        each = np.where(known[:, :, None], flows[:, :, away] / live[:, :, None], 0.0)
        shares = (each * used[:, :, None]).sum(axis=1) / count[:, None]
        into = np.where(used, flows[:, :, KINDS.index(INTO)], 0.0).sum(axis=1) / count
        came = np.where(known, _place_intake(history, at), 0.0)
        left = np.where(known, live * (1 - each.sum(axis=2)), 0.0).sum(axis=1)
        came = (came - np.where(known, flows[:, :, KINDS.index(INTO)], 0.0)).sum(axis=1)
        kept = np.where(left > 0, np.clip(came / left, 0, None), np.nan)
    ahead = children_to_come(history, crossings.level, stage, years)
    intake = ahead * ((1 - shares.sum(axis=1)) * kept)[:, None] + into[:, None]
    return FlowForecast(ahead, shares, into, kept, intake, used)


def _place_intake(history: History, at: int) -> np.ndarray:
    """Places x years: those who begin a stage in any school of the same place."""
    enters = history.taught[:, at] & ~history.carried[:, at]
    begun = np.where(enters[:, None] & np.isfinite(history.pupils[:, :, at]), history.pupils[:, :, at], 0.0)
    codes = history.clusters if history.flows.level == "cluster" else np.zeros(len(begun), dtype=int)
    total = np.zeros((int(codes.max(initial=0)) + 1, begun.shape[1]))
    np.add.at(total, codes, begun)
    return total[codes]


def _from_flows(last: int, weights: tuple[float, ...]) -> Entry:
    """The intake that residents and flows leave to the place, shared out as its schools drew lately."""

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        found = flow_forecast(history, at, years, last)
        if found is None:
            return np.full((len(history.pupils), years), np.nan)
        enters = history.taught[:, at] & ~history.carried[:, at] & np.isfinite(history.pupils[:, -1]).any(axis=1)
        own = np.where(enters[:, None], history.pupils[:, :, at], 0.0)[:, ::-1][:, : len(weights)]
        own = (_weights(own, weights) * np.nan_to_num(own)).sum(axis=1)
        codes = history.clusters if history.flows.level == "cluster" else np.zeros(len(own), dtype=int)
        whole = np.bincount(codes, own)[codes]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(whole > 0, own / whole, np.nan)[:, None] * found.intake

    return entry


def _trend(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
    """Exponential smoothing with a damped trend; the smoothing is the one that fits all places' past intakes best."""
    series = history.pupils[:, :, at]
    fits = [_smoothed(series, *each) for each in _GRID]
    best = min(fits, key=lambda fit: fit[3])
    level, trend, damp, _ = best
    fade = np.cumsum(damp ** np.arange(1, years + 1))
    return np.maximum(0.0, level[:, None] + trend[:, None] * fade)


def _smoothed(
    series: np.ndarray, alpha: float, beta: float, damp: float
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Level and trend at the end, and the squared error of the steps on the way."""
    level = np.full(len(series), np.nan)
    trend = np.zeros(len(series))
    error = 0.0
    for year in range(series.shape[1]):
        seen = series[:, year]
        ahead = level + damp * trend
        known, first = np.isfinite(seen) & np.isfinite(ahead), np.isfinite(seen) & ~np.isfinite(ahead)
        error += float(((seen - ahead)[known] ** 2).sum())
        fresh = np.where(known, ahead + alpha * (seen - ahead), ahead)
        trend = np.where(known, damp * trend + beta * alpha * (seen - ahead), damp * trend)
        level = np.where(first, seen, fresh)
        trend = np.where(first, 0.0, trend)
    return level, trend, damp, error


def _from_all(trend: bool) -> Entry:
    """Each place's mean share of the last three years in all intakes together, which go on as their children do.

    Where neither children nor births are known, they stay as they were, or follow a trend that fades. Shares are of the
    places there are now, and add up to one: nobody is lost where a school has closed.
    """

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        series = history.pupils[:, :, at]
        there = np.isfinite(series[:, -1])
        every = sum_known(series, axis=0)
        recent = series[:, ::-1][:, : len(RECENT)]
        all_recent = np.broadcast_to(every[::-1][: recent.shape[1]], recent.shape)
        share = np.where(there, _ratio(recent, all_recent, _weights(recent, RECENT)), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = share / np.nansum(share)
        known = _CHILDREN_OR_BIRTHS(history, at, years, done)[there]
        if there.any() and np.isfinite(known).all():
            ahead = known.sum(axis=0)
        elif trend:
            level, slope, fade, _ = _smoothed(every[None], *TREND)
            ahead = np.maximum(0.0, level + slope * np.cumsum(fade ** np.arange(1, years + 1)))
        else:
            ahead = np.repeat(every[-1], years)
        return share[:, None] * ahead

    return entry


def _first_of(*entries: Entry) -> Entry:
    """The first source of an intake that can say anything, place by place."""

    def entry(history: History, at: int, years: int, done: np.ndarray) -> np.ndarray:
        answer = np.full((len(history.pupils), years), np.nan)
        for each in entries:
            gap = ~np.isfinite(answer)
            if not gap.any():
                break
            answer = np.where(gap, each(history, at, years, done), answer)
        return answer

    return entry


# --- methods ----------------------------------------------------------------------------------------------


def _rolled(history: History, years: int, ratios: np.ndarray, entry: Entry, transfer: Entry) -> np.ndarray:
    """Children carried up from year group to year group; intakes from ``entry`` (Reception) or ``transfer``."""
    places, _, stages = history.pupils.shape
    done = np.full((places, years, stages), np.nan)
    carried = history.carried
    there = np.isfinite(history.pupils[:, -1]).any(axis=1)
    for at in range(stages):
        enters = history.taught[:, at] & ~carried[:, at]
        if enters.any():
            intake = (entry if at == 0 else transfer)(history, at, years, done)
            done[enters, :, at] = intake[enters]
        moves = carried[:, at]
        if moves.any():
            for ahead in range(years):
                below = history.pupils[moves, -1, at - 1] if ahead == 0 else done[moves, ahead - 1, at - 1]
                done[moves, ahead, at] = ratios[moves, at] * below
    done[~there] = np.nan
    return done


def last_value(history: History, years: int) -> np.ndarray:
    """Each year group stays as it is."""
    now = np.where(history.taught, history.pupils[:, -1], np.nan)
    return np.repeat(now[:, None], years, axis=1)


_LAST = (1.0,)
_CHILDREN_OR_BIRTHS = _first_of(_from_children("city", False, _LAST), _from_births(_LAST))
_CITY_LAST = _from_feed("city", _LAST)
_CITY = _from_feed("city", RECENT)


def last_ratio(history: History, years: int) -> np.ndarray:
    """Last year's survival, and last year's share of the children or births; the last intake where neither is known."""
    entry = _first_of(_from_children("city", False, _LAST), _from_births(_LAST), _steady(_LAST))
    transfer = _first_of(_CITY_LAST, _from_children("city", False, _LAST), _steady(_LAST))
    return _rolled(history, years, survival(history, _LAST), entry, transfer)


def cohort_survival(history: History, years: int) -> np.ndarray:
    """Survival weighted 3-2-1; intakes as the mean of the last three; transfer as a share of the city's leavers."""
    transfer = _first_of(_CITY, _steady(RECENT))
    return _rolled(history, years, survival(history), _steady(RECENT), transfer)


def births_lag(level: str = "") -> Method:
    """As cohort survival, Reception as a share of the births five academic years earlier, of the whole place or less.

    The levels are ``catchment`` and ``cluster``; schools without an area of that level take the next larger one.
    """
    smaller = ("catchment", "cluster")
    fall = [_from_births(RECENT, each) for each in (smaller[smaller.index(level) :] if level else ())]

    def method(history: History, years: int) -> np.ndarray:
        entry = _first_of(*fall, _from_births(RECENT), _steady(RECENT))
        return _rolled(history, years, survival(history), entry, _first_of(_CITY, _steady(RECENT)))

    method.__doc__ = f"Reception as a share of births five years earlier{f', by {level}' if level else ''}."
    return method


def damped_trend(history: History, years: int) -> np.ndarray:
    """As cohort survival, intakes by a trend that fades (the transfer year too: "by trend")."""
    return _rolled(history, years, survival(history), _trend, _trend)


def pooled(history: History, years: int) -> np.ndarray:
    """As cohort survival, with small schools' survival drawn towards that of all."""
    transfer = _first_of(_CITY, _steady(RECENT))
    return _rolled(history, years, pooled_survival(history), _steady(RECENT), transfer)


def share_of_all(trend: bool) -> Method:
    """From the top down: all intakes together, steady or by a trend that fades, times each school's share of them.

    A transfer year is a share of the city's leavers, as in the others. Survival is the school's own where the whole is
    steady, and drawn towards that of all with the trend.
    """
    intake = _from_all(trend)
    carrying = pooled_survival if trend else survival

    def method(history: History, years: int) -> np.ndarray:
        return _rolled(history, years, carrying(history), intake, _first_of(_CITY, intake))

    method.__doc__ = f"A share of all intakes together, {'by a trend that fades' if trend else 'as they were'}."
    return method


def feeders(history: History, years: int) -> np.ndarray:
    """As cohort survival, transfer years from the school's feeders, or its cluster where none are named."""
    transfer = _first_of(_from_feed("feeders", RECENT), _from_feed("cluster", RECENT), _CITY, _steady(RECENT))
    return _rolled(history, years, survival(history), _steady(RECENT), transfer)


def sheffield(level: str) -> Method:
    """Sheffield's: the whole school's uptake applied to the children who come next; then survival.

    The levels are ``catchment``, ``cluster`` and ``city``. Intakes of places without an area of that level come from
    the next larger one.
    """
    wider = LEVELS[LEVELS.index(level) :]
    fall = [_from_children(each, True, _LAST) for each in wider]

    def method(history: History, years: int) -> np.ndarray:
        intake = _first_of(*fall, _steady(RECENT))
        return _rolled(history, years, survival(history), intake, intake)

    method.__doc__ = f"Whole-school uptake of the {level}'s children (Sheffield)."
    return method


def uptake(level: str, moving: bool = False) -> Method:
    """The uptake of each entry year by itself, weighted 3-2-1; then survival.

    With ``moving`` the children who come next are those who will be there once families have moved
    (:func:`moving_rates`).
    """
    wider = LEVELS[LEVELS.index(level) :]
    fall = [_from_children(each, False, RECENT, moving) for each in wider]

    def method(history: History, years: int) -> np.ndarray:
        intake = _first_of(*fall, _steady(RECENT))
        return _rolled(history, years, survival(history), intake, _first_of(*fall, _CITY, _steady(RECENT)))

    method.__doc__ = f"Uptake of the {level}'s children, entry year by entry year{', who move' if moving else ''}."
    return method


def by_flows(last: int) -> Method:
    """Residents less those who leave for independent schools or elsewhere, and those who come in; then survival.

    By the flows of the last year (1), or the mean of the last so many.
    """
    weights = _LAST if last == 1 else RECENT
    intake = _from_flows(last, weights)

    def method(history: History, years: int) -> np.ndarray:
        transfer = _first_of(intake, _CITY, _steady(RECENT))
        return _rolled(history, years, survival(history), _first_of(intake, _steady(RECENT)), transfer)

    method.__doc__ = f"Residents less those who leave, and those who come in, by the last {last} years of flows."
    return method


LAST_VALUE, LAST_RATIO = "last value", "last ratio"
NAIVE = (LAST_VALUE, LAST_RATIO)
#: How many years of flows each method of flows uses.
FLOW_METHODS = {"flows, last year": 1, "flows, mean of three years": 3}
METHODS: dict[str, Method] = {
    LAST_VALUE: last_value,
    LAST_RATIO: last_ratio,
    "cohort survival": cohort_survival,
    "births lag": births_lag(),
    **{f"births lag, by {level}": births_lag(level) for level in LEVELS[:2]},
    **{f"uptake, whole school, by {level}": sheffield(level) for level in LEVELS},
    **{f"uptake, age group, by {level}": uptake(level) for level in LEVELS},
    **{f"uptake with moving, by {level}": uptake(level, moving=True) for level in LEVELS},
    **{name: by_flows(last) for name, last in FLOW_METHODS.items()},
    "damped trend": damped_trend,
    "feeders": feeders,
    "pooled": pooled,
    "share of all, steady": share_of_all(trend=False),
    "share of all, trend": share_of_all(trend=True),
}


def usable_methods(history: History) -> dict[str, Method]:
    """The methods that this history has the data for, in order."""
    answer = {}
    for name, method in METHODS.items():
        if name == "births lag" and history.births is None:
            continue
        if name.startswith("births lag, by") and name.rpartition(" ")[2] not in history.births_by:
            continue
        if name.startswith("uptake") and name.rpartition(" ")[2] not in history.children:
            continue
        if name.startswith("uptake with moving") and history.moving is None:
            continue
        if name in FLOW_METHODS and (history.flows is None or history.flows.level not in history.children):
            continue
        if name == "feeders" and history.feeders is None and not history.clusters.any():
            continue
        answer[name] = method
    return answer
