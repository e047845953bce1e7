"""What if support moved: reach by distance and segment, a plan of sites against today's, and the best sites.

**Reach of a service with sites** (:func:`fit_reach_model`). For the people of segment *s* at place *i*::

    odds of being a user = exp(level_s) * access_i,    access_i = sum over sites j of hours_j * exp(-per_km * km_ij)

Each segment has its own level, all share one falling-off with distance. The levels are fitted, so that the users of
each segment are reproduced; ``per_km`` is fitted too, or stated by the user. The fit is by maximum likelihood
(Fisher scoring on the binomial), and its table of users seen and expected by distance is part of the answer. What is
shown outside is fitted to protected numbers alone (:func:`fit_reach_margins`): users by segment, and by distance.

**Choice between sites** (:func:`fit_choice_model`), where it is known who uses which::

    share of place i that uses site j = pull_j * fall_s(km_ij) / sum over sites k of the same

where ``fall_s(km)`` is ``exp(-slope_s * km)`` or, by the curve called ``power``, ``(0.5 + km) ** -slope_s``, which has
more people next door and more from far away.

**The best k sites** (:func:`best_sites`): p-median (most expected use) or maximal covering (most people within a
distance), by the mixed integer solver HiGHS, with its bound: no choice of sites does better than the bound.

Distances are straight lines. A model says what the pattern of today implies; it does not know why people come.

References: Wilson (1971), Environment and Planning 3:1 (spatial interaction); Church and ReVelle (1974), Papers of the
Regional Science Association 32:101 (maximal covering); Huangfu and Hall (2018), Mathematical Programming Computation
10:119 (HiGHS).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp, minimize, minimize_scalar

from geoplan.distances import straight_line_table_m
from geoplan.errors import UnknownCodeError

SEED = 2026
DRAWS = 2000
BANDS_KM = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, np.inf)
MOST_PER_KM = 20.0
NEAR_PER_KM, NONE_PER_KM = 0.5, 1e-4
_MOST_USE = 0.999  # of a segment, in a model fitted to rounded numbers
CURVES = {"exponential": lambda km: km, "power": lambda km: np.log(0.5 + km)}
_Z = 1.959963984540054


@dataclass(frozen=True, repr=False)
class ReachModel:
    """Reach by distance and segment; see the module's formula.

    Parameters
    ----------
    levels
        For each segment, the logarithm of the odds of use at access 1; minus infinity for one without users.
    per_km
        The falling-off for each kilometre: at ``1 / per_km`` km the odds are 37% of those at the door.
    fitted
        Whether ``per_km`` was fitted; False if it was stated.
    covariance
        Of the finite levels, in order, then ``per_km`` (where fitted), widened by ``dispersion``.
    dispersion
        Pearson's chi-square for each degree of freedom: 1 where people come one by one, more where they come
        together; intervals are widened by its root, never narrowed.
    explained
        The share of the deviance from one overall rate that the model explains (0 to 1), and the part of it that is
        distance alone.
    fit
        By kilometres to the nearest site: ``base``, ``seen`` and ``expected`` users; exact, so not for showing.
    margins
        Whether it was fitted to users by segment and by distance alone; ``explained`` and ``dispersion`` are of these.
    """

    levels: pd.Series
    per_km: float
    fitted: bool
    covariance: np.ndarray
    dispersion: float
    explained: tuple[float, float]
    fit: pd.DataFrame
    margins: bool = False

    def __repr__(self) -> str:
        return f"<ReachModel: {self.sentence}>"

    @property
    def per_km_interval(self) -> tuple[float, float]:
        """95% interval of ``per_km``; the value itself at both ends where it was stated."""
        if not self.fitted:
            return self.per_km, self.per_km
        half = _Z * float(np.sqrt(self.covariance[-1, -1]))
        return max(0.0, self.per_km - half), self.per_km + half

    @property
    def sentence(self) -> str:
        """What the model says of distance, in words."""
        each = 100 * (1 - np.exp(-self.per_km))
        if not self.fitted:
            return f"use is taken to fall by {each:.0f}% with each kilometre (stated, not fitted)"
        low, high = (100 * (1 - np.exp(-end)) for end in self.per_km_interval)
        if low <= 0:
            return f"no falling-off with distance is seen: {each:.0f}% a kilometre (95% interval 0% to {high:.0f}%)"
        return f"use falls by {each:.0f}% with each kilometre (95% interval {low:.0f}% to {high:.0f}%)"

    def rates(self, cells: pd.DataFrame, sites: pd.DataFrame) -> np.ndarray:
        """The expected share of users in each cell, with these sites."""
        access, _ = _access(_km(cells, sites), _hours(sites), self.per_km)
        level = self.levels.reindex(cells["segment"].astype("str")).to_numpy(dtype=float)
        return _share(level + np.log(np.maximum(access, 1e-300)))


@dataclass(frozen=True, repr=False)
class PlanReach:
    """A plan against today's pattern, by segment and in all.

    Parameters
    ----------
    table
        Indexed by segment, then ``all``: ``ratio`` (expected users with the plan for one of today), ``low``,
        ``high`` (95% from the model's uncertainty). Ratios of sums over many places, safe to show.
    expected
        The same rows: ``base``, ``before``, ``after``, ``change``, ``change_low``, ``change_high``; exact.
    """

    table: pd.DataFrame
    expected: pd.DataFrame

    def __repr__(self) -> str:
        row = self.table.loc["all"]
        return f"<PlanReach: users x {row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})>"


@dataclass(frozen=True)
class Placement:
    """The best sites, and how sure that is.

    Parameters
    ----------
    sites
        Codes of the chosen candidates, sorted.
    value
        What they reach, in the units of the weights.
    bound
        No choice of as many sites reaches more than this.
    proven
        Whether the solver proved the choice best (value and bound agree).
    nearest
        For each place, the site that serves it; "" where none does.
    """

    sites: tuple[str, ...]
    value: float
    bound: float
    proven: bool
    nearest: pd.Series = field(repr=False)

    @property
    def gap(self) -> float:
        """How far the value may be from the best, as a share of the bound (0 = proven best)."""
        return max(0.0, 1 - self.value / self.bound) if self.bound > 0 else 0.0


@dataclass(frozen=True, repr=False)
class ChoiceModel:
    """Who uses which site; see the module's formula.

    Parameters
    ----------
    pulls
        By site, the logarithm of its pull; the mean is 0.
    slopes
        By segment, the falling-off with distance.
    error
        Standard errors of ``slopes``, widened by the dispersion.
    curve
        ``exponential`` or ``power``.
    explained
        Share of the deviance from "everybody in proportion to the sites' size" that distance explains (0 to 1).
    agreement
        The common part of seen and expected flows (0 to 1).
    mean_km
        Mean kilometres, seen and expected.
    fit
        By kilometres between place and site: users ``seen`` and ``expected``.
    """

    pulls: pd.Series
    slopes: pd.Series
    error: pd.Series
    curve: str
    explained: float
    agreement: float
    mean_km: tuple[float, float]
    fit: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"<ChoiceModel: {len(self.pulls):,} sites, {100 * self.explained:.0f}% of deviance explained, "
            f"{100 * self.agreement:.0f}% of flows in common, mean {self.mean_km[0]:.2f} km seen, "
            f"{self.mean_km[1]:.2f} km expected>"
        )

    def shares(self, places: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
        """For each place (rows), the share of its users at each site (columns); rows add up to 1."""
        unknown = sites.index.difference(self.pulls.index)
        if len(unknown):
            raise UnknownCodeError(f"{len(unknown):,} sites were not fitted; the first is {unknown[0]}")
        km = straight_line_table_m(places["easting"], places["northing"], sites["easting"], sites["northing"]) / 1000
        slope = self.slopes.reindex(places["segment"].astype("str")).to_numpy(dtype=float)
        shares = _choice(self.pulls[sites.index].to_numpy(), slope, CURVES[self.curve](km))
        return pd.DataFrame(shares, places.index, sites.index)


# --- reach by distance and segment ----------------------------------------------------------------------


def place_cells(base: pd.DataFrame, users: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Users and base by small area and segment, as a model of reach takes them; exact, so not for showing.

    Parameters
    ----------
    base, users
        One row a person (``Assignment.people``), with ``segment`` and the kind; the base with its position.
    kind
        The small area: the finest that both have.

    Returns
    -------
    DataFrame
        ``kind``, ``segment``, ``easting``, ``northing`` (the mean of the base's postcodes), ``base``, ``users``. Users
        where nobody of the base is, or more than it has, are in no cell; ``left_out`` of its ``attrs`` counts them.

    Examples
    --------
    >>> base = pd.DataFrame({"oa21": ["a", "a", "b"], "segment": "1", "easting": 1.0, "northing": 2.0})
    >>> users = pd.DataFrame({"oa21": ["a", "c"], "segment": "1"})
    >>> cells = place_cells(base, users, "oa21")
    >>> cells[["oa21", "base", "users"]].values.tolist(), cells.attrs["left_out"]
    ([['a', 2, 1], ['b', 1, 0]], 1)
    """
    keys = [kind, "segment"]
    people = base.dropna(subset=[*keys, "easting"])
    grouped = people.groupby([people[key].astype("str") for key in keys])
    cells = grouped[["easting", "northing"]].mean().assign(base=grouped.size())
    heard = users.dropna(subset=keys)
    counts = heard.groupby([heard[key].astype("str") for key in keys]).size()
    cells["users"] = counts.reindex(cells.index, fill_value=0)
    cells["users"] = cells[["users", "base"]].min(axis=1)
    cells = cells.reset_index()
    cells.attrs["left_out"] = int(len(users) - cells["users"].sum())
    return cells


def fit_reach_model(cells: pd.DataFrame, sites: pd.DataFrame, per_km: float | None = None) -> ReachModel:
    """Fit reach by distance and segment to the present sites.

    Parameters
    ----------
    cells
        A row for each place and segment: ``segment``, ``easting``, ``northing`` (metres), ``base`` and ``users``.
    sites
        Today's sites: ``easting``, ``northing`` and, if they differ, ``hours``.
    per_km
        State the falling-off for each kilometre instead of fitting it.

    Raises
    ------
    ValueError
        If there is no site, nobody in the base, no user, or more users than people somewhere.

    Examples
    --------
    >>> cells = pd.DataFrame({"segment": "a", "easting": [0, 1000, 2000], "northing": 0, "base": 10_000,
    ...     "users": [1000, 500, 250]})
    >>> model = fit_reach_model(cells, pd.DataFrame({"easting": [0], "northing": [0]}))
    >>> round(model.per_km, 2)
    0.74
    """
    _require_model(cells, sites)
    users, base = cells["users"].to_numpy(dtype=float), cells["base"].to_numpy(dtype=float)
    segment = cells["segment"].astype("str")
    per_segment = pd.DataFrame({"users": users, "base": base}).groupby(segment.to_numpy()).sum()
    names = per_segment.index[per_segment["users"] > 0]
    live = segment.isin(names).to_numpy() & (base > 0)
    code = pd.Categorical(segment[live], categories=names).codes
    n, b, km, hours = users[live], base[live], _km(cells, sites)[live], _hours(sites)
    everybody = (per_segment["users"] >= per_segment["base"]).any()
    theta, information = _fisher(n, b, code, len(names), km, hours, per_km, capped=everybody)
    p = _predict(theta, code, km, hours)
    pearson = (n - b * p) ** 2 / np.maximum(b * p * (1 - p), 1e-12)
    freedom = max(1, len(n) - len(names) - int(per_km is None))
    dispersion = max(1.0, float(pearson.sum()) / freedom)
    covariance = dispersion * np.linalg.pinv(information if per_km is None else information[:-1, :-1])
    levels = pd.Series(-np.inf, index=per_segment.index)
    levels[names] = theta[:-1]
    overall = np.full(len(n), n.sum() / b.sum())
    alone = (per_segment["users"] / per_segment["base"].where(per_segment["base"] > 0)).loc[names].to_numpy()[code]
    whole, by_segment, by_model = (_deviance(n, b, each) for each in (overall, alone, p))
    explained = (1 - by_model / whole, (by_segment - by_model) / whole) if whole > 0 else (0.0, 0.0)
    expected = np.zeros(len(cells))
    expected[live] = b * p
    return ReachModel(
        levels, float(theta[-1]), per_km is None, covariance, dispersion, explained,
        _by_distance(_km(cells, sites).min(axis=1), base=base, seen=users, expected=expected),
    )  # fmt: skip


def count_by_distance(cells: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """People (``base``) and users (``seen``) by kilometres to the nearest site; exact, so not for showing.

    Parameters
    ----------
    cells, sites
        As :func:`fit_reach_model` takes them.
    """
    base, users = (cells[name].to_numpy(dtype=float) for name in ("base", "users"))
    return _by_distance(_km(cells, sites).min(axis=1), base=base, seen=users)


def distance_bands(cells: pd.DataFrame, sites: pd.DataFrame) -> np.ndarray:
    """The row of :func:`count_by_distance` that each cell is counted in, by its name."""
    km = _km(cells, sites).min(axis=1)
    return np.asarray(_band_names(), dtype=object)[np.searchsorted(BANDS_KM, km, side="right") - 1]


def nearness(cells: pd.DataFrame, sites: pd.DataFrame, per_km: float = NEAR_PER_KM) -> tuple[np.ndarray, np.ndarray]:
    """Mean kilometres to the sites, each counted as its access counts (what a falling-off is fitted by); and access.

    Parameters
    ----------
    cells, sites
        As :func:`fit_reach_model` takes them.
    per_km
        The falling-off at which sites are counted.
    """
    access, km = _access(_km(cells, sites), _hours(sites), per_km)
    return km, access


def fit_reach_margins(
    cells: pd.DataFrame,
    sites: pd.DataFrame,
    seen: pd.Series,
    by_distance: pd.Series | None = None,
    per_km: float | None = None,
    step: float = 0.0,
    groups: np.ndarray | None = None,
) -> ReachModel:
    """Fit reach by distance and segment to what may be shown: users by segment, and users by distance.

    Each segment's level makes its users those seen, whatever the falling-off; the falling-off is the one at which the
    users expected by distance agree best with those seen (least deviance).

    Parameters
    ----------
    cells
        A row for each place and segment: ``segment``, ``easting``, ``northing`` (metres) and ``base``.
    sites
        Today's sites, as in :func:`fit_reach_model`.
    seen
        Users by segment; or one number, if all segments are to have one level.
    by_distance
        Users by the bands of :func:`count_by_distance`, or by ``groups``; needed unless ``per_km`` is stated.
    per_km
        State the falling-off for each kilometre instead of fitting it.
    step
        What the users by distance are rounded to: the falling-off is less sure for it.
    groups
        For each cell, which row of ``by_distance`` it is counted in (:func:`nearness` tells most); the band of its
        distance unless given.

    Raises
    ------
    ValueError
        If there is no site, nobody in the base or no user.

    Examples
    --------
    >>> cells = pd.DataFrame({"segment": "a", "easting": [0, 1000, 2000], "northing": 0, "base": 10_000})
    >>> site = pd.DataFrame({"easting": [0], "northing": [0]})
    >>> seen = count_by_distance(cells.assign(users=[1000, 500, 250]), site)["seen"]
    >>> round(fit_reach_margins(cells, site, pd.Series({"a": 1750}), seen).per_km, 2)
    0.74
    """
    base = cells["base"].to_numpy(dtype=float)
    segment = cells["segment"].astype("str").to_numpy()
    segments = pd.Index(sorted(set(segment)))
    pooled = len(seen) == 1 and seen.index[0] not in segments
    group = np.full(len(cells), seen.index[0], dtype=object) if pooled else segment
    there = pd.Series(base).groupby(group).sum()
    users = seen.astype(float).reindex(there.index).fillna(0.0).clip(upper=_MOST_USE * there)
    _require_model(cells.assign(users=0.0), sites, float(users.sum()))
    names = users.index[(users > 0) & (there > 0)]
    live = np.isin(group, names) & (base > 0)
    code = pd.Categorical(group[live], categories=names).codes
    b, km, hours, n = base[live], _km(cells, sites)[live], _hours(sites), users[names].to_numpy()
    near = distance_bands(cells, sites)
    rows = pd.Index(_band_names() if groups is None else by_distance.index)
    band, bands = rows.get_indexer((near if groups is None else groups)[live]), len(rows)
    told = None
    if by_distance is not None:
        told = by_distance.reindex(rows).fillna(0.0).to_numpy(dtype=float)
        told = np.where(np.bincount(band, b, minlength=bands) > 0, told, 0.0)
        told = told * n.sum() / told.sum() if told.sum() > 0 else None
    if told is None and per_km is None:
        raise ValueError("a falling-off is fitted to users by distance, and there are none: state it")

    def at(k: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Levels, shares of users and users by distance at a falling-off."""
        access = np.log(np.maximum(_access(km, hours, k)[0], 1e-300))
        levels = _levels(n, b, access, code)
        share = _share(levels[code] + access)
        return levels, share, np.bincount(band, b * share, minlength=bands)

    fitted = per_km is None
    k = _least(lambda each: 2 * float(_gain(told, at(each)[2]).sum())) if fitted else float(per_km)
    levels, share, expected = at(k)
    dispersion, spread, drift = 1.0, 0.0, np.zeros(len(names))
    if told is not None:
        chance = expected + step**2 / 12
        counted = expected > 0
        freedom = max(1, int(counted.sum()) - 1 - int(fitted))
        dispersion = max(1.0, float(((told - expected)[counted] ** 2 / chance[counted]).sum()) / freedom)
    if fitted:
        low, high = max(0.0, k - 1e-4), k + 1e-4
        (levels_low, _, seen_low), (levels_high, _, seen_high) = at(low), at(high)
        slope, drift = (seen_high - seen_low) / (high - low), (levels_high - levels_low) / (high - low)
        information = float((slope[counted] ** 2 / chance[counted]).sum())
        spread = min(1 / information if information > 0 else np.inf, MOST_PER_KM**2)
    weight = np.bincount(code, b * share * (1 - share), minlength=len(names))
    own = np.diag(1 / np.maximum(weight, 1e-12)) + spread * np.outer(drift, drift)
    whole = np.block([[own, spread * drift[:, None]], [spread * drift[None, :], np.array([[spread]])]])
    covariance = dispersion * (whole if fitted else own)
    if pooled:
        keep = [*np.zeros(len(segments), dtype=int), *([1] if fitted else [])]
        covariance, all_levels = covariance[np.ix_(keep, keep)], pd.Series(levels[0], index=segments)
    else:
        all_levels = pd.Series(-np.inf, index=segments)
        all_levels[names] = levels
    use = np.zeros(len(cells))
    use[live] = b * share
    fit = pd.DataFrame({"base": base, "seen": np.nan, "expected": use}).groupby(near).sum(min_count=1)
    fit = fit.reindex(_band_names(), fill_value=0.0).rename_axis("distance")
    if groups is None and told is not None:
        fit["seen"] = told
    explained = (0.0, 0.0) if told is None else _explained(n, there[names].to_numpy(), told, b, code, band, expected)
    return ReachModel(all_levels, k, fitted, covariance, dispersion, explained, fit, margins=True)


def compare_plan(
    model: ReachModel,
    cells: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    mailing: Mapping[str, float] | None = None,
    draws: int = DRAWS,
) -> PlanReach:
    """What the model expects of a plan, against today's sites.

    Parameters
    ----------
    model
        From :func:`fit_reach_model`.
    cells
        As fitted.
    before, after
        Sites today and with the plan: ``easting``, ``northing``, ``hours``.
    mailing
        For segments written to, by what the odds of use are multiplied: stated by the user, never fitted.
    draws
        Draws from the model's uncertainty for the intervals; the seed is fixed, so that reruns agree.
    """
    segment = cells["segment"].astype("str").to_numpy()
    base = cells["base"].to_numpy(dtype=float)
    lift = np.log(pd.Series(segment).map(dict(mailing or {})).fillna(1.0).to_numpy(dtype=float))
    rows = list(model.levels.index)
    code = pd.Categorical(segment, categories=rows).codes
    finite = np.isfinite(model.levels.to_numpy())
    km = {"before": _km(cells, before), "after": _km(cells, after)}
    hours = {"before": _hours(before), "after": _hours(after)}

    def users(levels: np.ndarray, per_km: float, when: str) -> np.ndarray:
        access, _ = _access(km[when], hours[when], per_km)
        odds = levels[code] + np.log(np.maximum(access, 1e-300)) + (lift if when == "after" else 0.0)
        expected = base * _share(odds)
        sums = np.bincount(code, expected, minlength=len(rows))
        return np.append(sums, sums.sum())

    point = {when: users(model.levels.to_numpy(), model.per_km, when) for when in km}
    rng = np.random.default_rng(SEED)
    mean = np.append(model.levels.to_numpy()[finite], [model.per_km] if model.fitted else [])
    shaken = rng.multivariate_normal(mean, model.covariance, size=draws, method="cholesky" if _sound(model) else "svd")
    found = {"ratio": [], "change": []}
    for draw in shaken:
        levels = model.levels.to_numpy().copy()
        levels[finite] = draw[: finite.sum()]
        per_km = float(np.clip(draw[-1], 0.0, MOST_PER_KM)) if model.fitted else model.per_km
        then, now = users(levels, per_km, "after"), users(levels, per_km, "before")
        found["ratio"].append(np.divide(then, now, out=np.full(len(now), np.nan), where=now > 0))
        found["change"].append(then - now)
    ends = {name: np.percentile(np.array(each), [2.5, 97.5], axis=0) for name, each in found.items()}
    index = pd.Index([*rows, "all"], name="segment")
    ratio = np.divide(point["after"], point["before"], out=np.full(len(index), np.nan), where=point["before"] > 0)
    table = pd.DataFrame({"ratio": ratio, "low": ends["ratio"][0], "high": ends["ratio"][1]}, index=index)
    expected = pd.DataFrame(
        {
            "base": np.append(np.bincount(code, base, minlength=len(rows)), base.sum()),
            "before": point["before"],
            "after": point["after"],
            "change": point["after"] - point["before"],
            "change_low": ends["change"][0],
            "change_high": ends["change"][1],
        },
        index=index,
    )
    return PlanReach(table, expected)


def compare_mailing(
    cells: pd.DataFrame, mailing: Mapping[str, float], draws: int = DRAWS, seen: pd.Series | None = None
) -> PlanReach:
    """What a mailing alone would change, the sites staying as they are: a level for each segment, no distance.

    Parameters
    ----------
    cells
        As :func:`fit_reach_model` takes them.
    mailing
        For segments written to, by what the odds of use are multiplied: stated by the user, never fitted.
    draws
        As in :func:`compare_plan`.
    seen
        Users by segment, as :func:`fit_reach_margins` takes them; those of the cells unless given.

    Examples
    --------
    >>> cells = pd.DataFrame({"segment": ["a", "b"], "easting": 0.0, "northing": 0.0, "base": 1000, "users": 100})
    >>> compare_mailing(cells, {"a": 2}).table["ratio"].round(2).to_dict()
    {'a': 1.82, 'b': 1.0, 'all': 1.41}
    """
    anywhere = pd.DataFrame({"easting": [0.0], "northing": [0.0], "hours": [1.0]})
    if seen is None:
        model = fit_reach_model(cells, anywhere, per_km=0.0)
    else:
        model = fit_reach_margins(cells, anywhere, seen, per_km=0.0)
    return compare_plan(model, cells, anywhere, anywhere, mailing, draws)


# --- the best sites -------------------------------------------------------------------------------------


def best_sites(
    places: pd.DataFrame,
    candidates: pd.DataFrame,
    count: int,
    *,
    per_km: float | None = None,
    within_km: float | None = None,
    fixed: Iterable[str] = (),
    most_pairs: int = 30,
    seconds: float = 60.0,
) -> Placement:
    """The sites that do most for the people weighed; of exact numbers, for inside only (:mod:`geoplan.choices`).

    Parameters
    ----------
    places
        ``easting``, ``northing`` and ``weight``: children of the under-reached segments, say.
    candidates
        ``easting``, ``northing``, indexed by code.
    count
        How many sites, the fixed ones included.
    per_km
        p-median: a person counts ``exp(-per_km * km)`` to the nearest chosen site.
    within_km
        Maximal covering: a person counts 1 where a chosen site is within this distance, else 0.
    fixed
        Candidates that stay whatever is chosen.
    most_pairs
        For the p-median, the nearest candidates considered one by one for each place; the bound holds for all of them.
    seconds
        When the solver stops; what it has found by then is given, with its bound.

    Raises
    ------
    ValueError
        If not exactly one of ``per_km`` and ``within_km`` is given, or the count cannot be met.
    """
    fixed = [str(code) for code in fixed]
    codes = [str(code) for code in candidates.index]
    if (per_km is None) == (within_km is None):
        raise ValueError("give per_km (most use expected) or within_km (most people covered), one of them")
    if not len(fixed) <= count <= len(codes) or count < 1:
        raise ValueError(f"cannot choose {count} of {len(codes)} candidates with {len(fixed)} fixed")
    if set(fixed) - set(codes):
        raise UnknownCodeError(f"fixed: no candidate {sorted(set(fixed) - set(codes))[0]}")
    km = straight_line_table_m(
        places["easting"], places["northing"], candidates["easting"], candidates["northing"]
    ) / 1000  # fmt: skip
    weight = places["weight"].to_numpy(dtype=float)
    held = np.isin(codes, fixed)
    if per_km is not None:
        gain = np.exp(-per_km * km)
        chosen, bound = _median(weight, gain, count, held, min(most_pairs, len(codes)), seconds)
    else:
        gain = (km <= within_km).astype(float)
        chosen, bound = _cover(weight, gain, count, held, seconds)
    served = gain[:, chosen]
    value = float((weight * served.max(axis=1)).sum())
    nearest = np.asarray(codes, dtype=object)[chosen][km[:, chosen].argmin(axis=1)]
    nearest = pd.Series(np.where(served.max(axis=1) > 0, nearest, ""), index=places.index, name="site")
    bound = max(bound, value)
    proven = bound - value <= 1e-6 * max(1.0, bound)
    return Placement(tuple(sorted(np.asarray(codes, dtype=object)[chosen])), value, bound, proven, nearest)


# --- choice between sites -------------------------------------------------------------------------------


def fit_choice_model(
    flows: pd.DataFrame, places: pd.DataFrame, sites: pd.DataFrame, curve: str = "exponential"
) -> ChoiceModel:
    """Fit who uses which site.

    Parameters
    ----------
    flows
        Users by place (rows) and site (columns).
    places
        Indexed as the rows: ``segment``, ``easting``, ``northing``.
    sites
        Indexed as the columns: ``easting``, ``northing``.
    curve
        ``exponential`` or ``power``; try both, and keep the one whose fit is better.

    Returns
    -------
    ChoiceModel
        By maximum likelihood: each site's users are reproduced, and each segment's mean distance (for ``power``, the
        mean of its logarithm).
    """
    flows = flows.reindex(index=places.index, columns=sites.index, fill_value=0)
    seen = flows.to_numpy(dtype=float)
    if seen.sum() <= 0 or (seen.sum(axis=0) <= 0).any():
        raise ValueError("every site needs a user to be fitted")
    km = straight_line_table_m(places["easting"], places["northing"], sites["easting"], sites["northing"]) / 1000
    far = CURVES[curve](km)
    segments, code = np.unique(places["segment"].astype("str").to_numpy(), return_inverse=True)
    total, at_site = seen.sum(axis=1), seen.sum(axis=0)
    travelled = np.bincount(code, (seen * far).sum(axis=1), minlength=len(segments))
    scale = seen.sum()

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        pull, slope = theta[: len(at_site)], theta[len(at_site) :]
        utility = pull - slope[code][:, None] * far
        top = utility.max(axis=1, keepdims=True)
        each = np.exp(utility - top)
        whole = each.sum(axis=1, keepdims=True)
        expected = total[:, None] * each / whole
        likelihood = (seen * utility).sum() - (total * (np.log(whole) + top)[:, 0]).sum()
        expected_far = np.bincount(code, (expected * far).sum(axis=1), minlength=len(segments))
        gradient = np.concatenate([at_site - expected.sum(axis=0), expected_far - travelled])
        return -likelihood / scale, -gradient / scale

    start = np.concatenate([np.log(at_site / at_site.mean()), np.ones(len(segments))])
    limits = [(None, None)] * len(at_site) + [(0.0, MOST_PER_KM)] * len(segments)
    options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-13, "gtol": 1e-9}
    answer = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    pull, slope = answer.x[: len(at_site)], answer.x[len(at_site) :]
    share = _choice(pull, slope[code], far)
    expected = total[:, None] * share
    by_size = total[:, None] * (at_site / scale)[None, :]
    deviance, null = (2 * _gain(seen, each).sum() for each in (expected, by_size))
    spread = (share * far**2).sum(axis=1) - (share * far).sum(axis=1) ** 2
    information = np.bincount(code, total * spread, minlength=len(segments))
    pearson = ((seen - expected) ** 2 / np.maximum(expected, 1e-9))[expected > 1].sum()
    dispersion = max(1.0, pearson / max(1, int((expected > 1).sum()) - len(answer.x)))
    return ChoiceModel(
        pd.Series(pull - pull.mean(), index=sites.index),
        pd.Series(slope, index=segments),
        pd.Series(np.sqrt(dispersion / np.maximum(information, 1e-12)), index=segments),
        curve,
        float(1 - deviance / null) if null > 0 else 0.0,
        float(2 * np.minimum(seen, expected).sum() / (seen.sum() + expected.sum())),
        (float((seen * km).sum() / scale), float((expected * km).sum() / scale)),
        _by_distance(km.ravel(), seen=seen.ravel(), expected=expected.ravel()),
    )


# --- the parts ------------------------------------------------------------------------------------------


def _require_model(cells: pd.DataFrame, sites: pd.DataFrame, users: float | None = None) -> None:
    missing = [name for name in ("segment", "easting", "northing", "base", "users") if name not in cells]
    if missing:
        raise ValueError(f"cells lack the column {', '.join(missing)}")
    if not len(sites):
        raise ValueError("a reach model needs at least one site")
    if not cells["base"].sum() > 0 or not (cells["users"].sum() if users is None else users) > 0:
        raise ValueError("a reach model needs people and users; there are none")
    if (cells["users"] > cells["base"]).any():
        raise ValueError(
            f"{int((cells['users'] > cells['base']).sum()):,} places have more users than people: use a wider base"
        )


def _km(cells: pd.DataFrame, sites: pd.DataFrame) -> np.ndarray:
    return straight_line_table_m(cells["easting"], cells["northing"], sites["easting"], sites["northing"]) / 1000


def _hours(sites: pd.DataFrame) -> np.ndarray:
    hours = sites["hours"].to_numpy(dtype=float) if "hours" in sites else np.ones(len(sites))
    if not (np.isfinite(hours).all() and (hours >= 0).all() and hours.sum() > 0):
        raise ValueError("hours of sites must be numbers from zero up, and not all zero")
    return hours


def _access(km: np.ndarray, hours: np.ndarray, per_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Access of each place, and the mean kilometres it comes from."""
    each = hours * np.exp(-per_km * km)
    access = each.sum(axis=1)
    return access, np.divide((each * km).sum(axis=1), access, out=km.min(axis=1).copy(), where=access > 0)


def _share(log_odds: np.ndarray) -> np.ndarray:
    return np.where(np.isneginf(log_odds), 0.0, 1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def _predict(theta: np.ndarray, code: np.ndarray, km: np.ndarray, hours: np.ndarray) -> np.ndarray:
    access, _ = _access(km, hours, theta[-1])
    return _share(theta[:-1][code] + np.log(np.maximum(access, 1e-300)))


def _deviance(n: np.ndarray, b: np.ndarray, p: np.ndarray) -> float:
    return 2 * float((_gain(n, b * p) + _gain(b - n, b * (1 - p))).sum())


def _gain(seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """seen * log(seen / expected), 0 where nothing was seen."""
    ratio = np.divide(seen, np.maximum(expected, 1e-300), out=np.ones_like(seen), where=seen > 0)
    return seen * np.log(ratio)


def _fisher(n, b, code, segments: int, km, hours, per_km, capped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Fisher scoring with halved steps; ``per_km`` stays from 0 up. ``capped`` where everybody of a segment uses it."""
    theta = np.append(np.zeros(segments), 0.5 if per_km is None else per_km)
    access, _ = _access(km, hours, theta[-1])
    rate = np.bincount(code, n, minlength=segments) / np.bincount(code, b, minlength=segments)
    mean = np.bincount(code, b * access, minlength=segments) / np.bincount(code, b, minlength=segments)
    theta[:-1] = np.log(
        np.clip(rate, 1e-12, 1 - 1e-6) / (1 - np.clip(rate, 1e-12, 1 - 1e-6)) / np.maximum(mean, 1e-300)
    )
    deviance = _deviance(n, b, _predict(theta, code, km, hours))
    for _ in range(100 if not capped else 25):
        p = _predict(theta, code, km, hours)
        _, mean_km = _access(km, hours, theta[-1])
        weight, residual = b * p * (1 - p), n - b * p
        score = np.append(np.bincount(code, residual, minlength=segments), -(residual * mean_km).sum())
        information = _information(weight, mean_km, code, segments)
        if per_km is not None:
            score[-1] = 0.0
            information[-1, :], information[:, -1], information[-1, -1] = 0.0, 0.0, 1.0
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        for _ in range(40):
            new = theta + step
            new[-1] = np.clip(new[-1], 0.0, MOST_PER_KM)
            better = _deviance(n, b, _predict(new, code, km, hours))
            if better <= deviance + 1e-12:
                break
            step /= 2
        moved = float(np.abs(new - theta).max())
        theta, deviance = new, min(better, deviance)
        if moved < 1e-9:
            break
    p = _predict(theta, code, km, hours)
    _, mean_km = _access(km, hours, theta[-1])
    return theta, _information(b * p * (1 - p), mean_km, code, segments)


def _information(weight: np.ndarray, mean_km: np.ndarray, code: np.ndarray, segments: int) -> np.ndarray:
    information = np.zeros((segments + 1, segments + 1))
    information[np.arange(segments), np.arange(segments)] = np.bincount(code, weight, minlength=segments)
    cross = -np.bincount(code, weight * mean_km, minlength=segments)
    information[-1, :-1], information[:-1, -1] = cross, cross
    information[-1, -1] = (weight * mean_km**2).sum()
    return information


def _sound(model: ReachModel) -> bool:
    try:
        np.linalg.cholesky(model.covariance)
    except np.linalg.LinAlgError:
        return False
    return True


def _levels(n: np.ndarray, b: np.ndarray, access: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The level of each segment at which its users are ``n``, by halving."""
    most, least = np.full(len(n), -np.inf), np.full(len(n), np.inf)
    np.maximum.at(most, code, access)
    np.minimum.at(least, code, access)
    low, high = -most - 60, -least + 60  # all places together use it as the nearest does, or as the farthest
    for _ in range(64):
        middle = (low + high) / 2
        more = np.bincount(code, b * _share(middle[code] + access), minlength=len(n)) < n
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return (low + high) / 2


def _least(deviance) -> float:
    """The falling-off of least deviance: by a coarse ladder, then between the rungs beside the best."""
    ladder = np.r_[0.0, np.geomspace(0.02, MOST_PER_KM, 30)]
    best = int(np.argmin([deviance(each) for each in ladder]))
    low, high = ladder[max(0, best - 1)], ladder[min(len(ladder) - 1, best + 1)]
    found = float(minimize_scalar(deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-7}).x)
    answer = min((float(ladder[best]), found), key=deviance)
    return answer if answer > NONE_PER_KM else 0.0


def _explained(n, there, told, b, code, band, expected) -> tuple[float, float]:
    """Shares of the deviance from one rate for all, by segment and by distance: of the model, of distance alone."""
    rate, bands = n.sum() / b.sum(), len(told)
    one = _gain(n, rate * there).sum() + _gain(told, np.bincount(band, b * rate, minlength=bands)).sum()
    by_segment = _gain(told, np.bincount(band, b * (n / there)[code], minlength=bands)).sum()
    by_model = _gain(told, expected).sum()
    return (float(1 - by_model / one), float((by_segment - by_model) / one)) if one > 0 else (0.0, 0.0)


def _band_names() -> list[str]:
    return [
        f"{low:g} to {high:g} km" if np.isfinite(high) else f"over {low:g} km"
        for low, high in itertools.pairwise(BANDS_KM)
    ]


def _by_distance(km: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
    band = np.searchsorted(BANDS_KM, km, side="right") - 1
    names = _band_names()
    table = pd.DataFrame({name: np.bincount(band, each, minlength=len(names)) for name, each in columns.items()})
    return table.set_axis(pd.Index(names, name="distance"))


def _choice(pull: np.ndarray, slope: np.ndarray, far: np.ndarray) -> np.ndarray:
    utility = pull[None, :] - slope[:, None] * far
    each = np.exp(utility - utility.max(axis=1, keepdims=True))
    return each / each.sum(axis=1, keepdims=True)


def _median(weight, gain, count: int, held, pairs: int, seconds: float) -> tuple[np.ndarray, float]:
    """p-median on each place's best ``pairs`` candidates.

    What a place could have from the others is open to it without a site, at the best that any of them gives: so the
    bound holds for all candidates, and the choice is valued afterwards by what it gives.
    """
    places, sites = gain.shape
    order = np.argsort(-gain, axis=1, kind="stable")
    keep = order[:, :pairs]
    others = np.take_along_axis(gain, order[:, [pairs]], axis=1)[:, 0] if pairs < sites else np.zeros(places)
    value = np.r_[(weight[:, None] * np.take_along_axis(gain, keep, axis=1)).ravel(), weight * others]
    row, site = np.repeat(np.arange(places), pairs), keep.ravel()
    x, free = np.arange(places * pairs), places * pairs + places
    at = np.r_[row, np.arange(places)]
    one = sparse.csr_array((np.ones(free), (at, np.arange(free))), shape=(places, free + sites))
    opened = sparse.csr_array(
        (np.r_[np.ones(len(x)), -np.ones(len(x))], (np.r_[x, x], np.r_[x, free + site])), shape=(len(x), free + sites)
    )
    return _solve(np.r_[value, np.zeros(sites)], [(one, 1.0), (opened, 0.0)], free, sites, count, held, seconds)


def _cover(weight, gain, count: int, held, seconds: float) -> tuple[np.ndarray, float]:
    """Maximal covering: a place counts where a chosen site covers it."""
    gain, same = np.unique(gain, axis=0, return_inverse=True)  # places that the same sites cover are one
    weight = np.bincount(same.ravel(), weight, minlength=len(gain))
    places, sites = gain.shape
    cover = sparse.hstack([sparse.eye_array(places), -sparse.csr_array(gain)]).tocsr()
    return _solve(np.r_[weight, np.zeros(sites)], [(cover, 0.0)], places, sites, count, held, seconds)


def _solve(value, rows: Sequence, free: int, sites: int, count: int, held, seconds: float) -> tuple[np.ndarray, float]:
    """The sites opened, and the bound; variables: ``free`` shares in 0..1, then a yes or no for each site."""
    number = sparse.csr_array(np.r_[np.zeros(free), np.ones(sites)][None, :])
    constraints = [LinearConstraint(matrix, -np.inf, right) for matrix, right in rows]
    constraints.append(LinearConstraint(number, count, count))
    low = np.r_[np.zeros(free), np.asarray(held, dtype=float)]
    answer = milp(
        -value,
        integrality=np.r_[np.zeros(free), np.ones(sites)],
        bounds=Bounds(low, 1.0),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 1e-9},
    )
    if answer.x is None:
        raise ValueError(f"no choice of {count} sites was found: {answer.message}")
    bound = -answer.mip_dual_bound if answer.mip_dual_bound is not None else -answer.fun
    return np.flatnonzero(answer.x[free:] > 0.5), float(bound)
