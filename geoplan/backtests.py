"""How wrong a forecast would have been: every method tried from every past year, scored as the DfE scores.

From each past year (the origin), with nothing known later than it, every method forecasts one to seven years ahead; the
error is (forecast - actual) / actual, so that + is a forecast too high. Size of error (MAPE) and direction (bias) are
kept apart, and every method stands beside the two naive ones. The combination is chosen by such errors alone, and at
each origin by those that were known then, so that its own past error is honest.

Intervals come from the past errors of the combination (:mod:`geoplan.conformal`), by horizon and size; how often they
held, over all origins, is printed.

References: DfE, *Local authority school places scorecards* (the measure); Tashman (2000), International Journal of
Forecasting 16:437 (rolling origins); Timmermann (2006), Handbook of Economic Forecasting 1:135 (simple combinations).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.cohorts import PHASES
from geoplan.conformal import errors_needed, reach
from geoplan.errors import ForecastRefused
from geoplan.forecast_methods import LAST_RATIO, LAST_VALUE, NAIVE, History, Method, usable_methods
from geoplan.rolls import added_up, sum_known

COMBINATION = "combination"
HORIZONS = 7
FEWEST_YEARS = 2  # of rolls before the first origin: survival takes two
BEST = 3  # methods in the combination
DISTANCES = (range(1, 2), range(2, 4), range(4, 100))  # years ahead for which methods are chosen together
COVERAGES = (0.8, 0.95)
#: Stages whose methods are chosen together: intakes behave unlike those who move up.
BANDS: dict[str, tuple[int, ...]] = {
    "Reception": (0,),
    "Years 1 to 6": tuple(range(1, 7)),
    "Year 7": (7,),
    "Years 8 to 11": tuple(range(8, 12)),
    "sixth form": tuple(range(12, 15)),
}
SIZES = (30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 5000.0)  # forecasts of like size have like errors
ENTRIES = {"Reception": 0, "Year 7": 7}  # intakes that are scored by themselves


@dataclass(frozen=True, repr=False, eq=False)
class BackTest:
    """Forecasts from every origin, beside what came.

    Parameters
    ----------
    forecasts
        Method to origins x places x horizons x stages.
    actual
        Origins x places x horizons x stages, NaN where not known yet.
    origins
        Academic years forecast from.
    history
        What the last forecast is made from.
    places
        Codes of the places.
    groups
        By level ("cluster", "all schools"): the group of each place.
    chosen
        By band: the methods in the combination at each horizon, chosen from all that is known now.
    level
        What the places are.
    """

    forecasts: Mapping[str, np.ndarray]
    actual: np.ndarray
    origins: tuple[int, ...]
    history: History
    places: pd.Index
    groups: Mapping[str, pd.Series]
    chosen: pd.DataFrame
    level: str = "school"

    def __repr__(self) -> str:
        return (
            f"<BackTest of {len(self.forecasts)} methods, {len(self.places):,} by {self.level}, from "
            f"{len(self.origins)} years, {self.actual.shape[2]} years ahead>"
        )

    @property
    def horizons(self) -> int:
        """How many years ahead."""
        return self.actual.shape[2]

    @property
    def levels(self) -> tuple[str, ...]:
        """Where errors are known: the places themselves, then their groups."""
        return (self.level, *self.groups)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every forecast that can be scored.

        Returns
        -------
        DataFrame
            ``method``, ``level``, ``place``, ``measure`` (primary, secondary, sixth form, Reception, Year 7),
            ``origin``, ``ahead``, ``forecast``, ``actual``, ``error`` ((forecast - actual) / actual).
        """
        parts = [self._scored(level, method) for level in self.levels for method in self.forecasts]
        return pd.concat(parts, ignore_index=True)

    def _scored(self, level: str, method: str) -> pd.DataFrame:
        """The scores of one method at one level."""
        parts = []
        for measure, stages in measures_of(self.history.stages).items():
            forecast = sum_known(self.forecasts[method][..., stages], axis=-1)
            actual = sum_known(self.actual[..., stages], axis=-1)
            names = self.places
            if level != self.level:
                forecast, actual, names = self._grouped(level, forecast, actual)
            at = np.argwhere(np.isfinite(forecast) & np.isfinite(actual) & (actual > 0))
            value, came = forecast[tuple(at.T)], actual[tuple(at.T)]
            parts.append(
                pd.DataFrame(
                    {
                        "place": pd.Categorical.from_codes(at[:, 1], categories=pd.Index(names, dtype="str")),
                        "measure": pd.Categorical([measure] * len(at), categories=list(MEASURES)),
                        "origin": np.asarray(self.origins)[at[:, 0]],
                        "ahead": at[:, 2] + 1,
                        "forecast": value,
                        "actual": came,
                        "error": (value - came) / came,
                    }
                )
            )
        table = pd.concat(parts, ignore_index=True)
        table.insert(0, "method", pd.Categorical([method] * len(table), categories=[*self.forecasts]))
        table.insert(1, "level", pd.Categorical([level] * len(table), categories=list(self.levels)))
        return table

    def _grouped(self, level: str, forecast: np.ndarray, actual: np.ndarray):
        """Added up to the groups of a level: all schools that came, whether or not they were there to be forecast."""
        codes, names = pd.factorize(self.groups[level].reindex(self.places).fillna("no group").astype("str"), sort=True)
        grouped = []
        for values in (forecast, actual):
            turned = np.moveaxis(values, 1, 0)  # places first
            grouped.append(np.moveaxis(added_up(turned, codes, len(names)), 0, 1))
        return (*grouped, names)

    def accuracy(self, level: str | None = None, by: tuple[str, ...] = ("measure", "ahead")) -> pd.DataFrame:
        """How wrong each method was.

        Parameters
        ----------
        level
            One level; all if none is named.
        by
            Columns of :attr:`scores` to tell apart, besides method and level.

        Returns
        -------
        DataFrame
            ``forecasts`` (how many were scored), ``mape`` (mean size of the error, a share), ``median`` (its median),
            ``bias`` (mean of the signed error), ``total_error`` (sum of sizes of misses over what came: large schools
            count more), ``beats_last_value`` and ``beats_last_ratio`` (whether its total error is smaller).
        """
        scores = self.scores if level is None else self.scores[self.scores["level"].eq(level)]
        missed = (scores["forecast"] - scores["actual"]).abs()
        keys = ["level", *by, "method"]
        grouped = scores.assign(size=scores["error"].abs(), missed=missed).groupby(keys, observed=True)
        table = grouped.agg(
            forecasts=("error", "size"), mape=("size", "mean"), median=("size", "median"), bias=("error", "mean"),
            missed=("missed", "sum"), actual=("actual", "sum"),
        )  # fmt: skip
        table["total_error"] = table.pop("missed") / table.pop("actual")
        wide = table["total_error"].unstack("method")
        for name, naive in (("beats_last_value", LAST_VALUE), ("beats_last_ratio", LAST_RATIO)):
            if naive in wide:
                better = wide.lt(wide[naive], axis=0).stack().rename(name)
                table[name] = better.reindex(table.index)
        return table

    @cached_property
    def errors(self) -> pd.DataFrame:
        """Past errors of the combination as intervals need them: the logarithm of what came over what was forecast.

        So an interval reaches as many times over as under, and never below 0. One pupil more on both sides keeps the
        smallest year groups in.
        """
        scores = self.scores[self.scores["method"].eq(COMBINATION) & self.scores["forecast"].gt(0)]
        return scores.assign(
            miss=np.log((scores["actual"] + 1) / (scores["forecast"] + 1)),
            size=np.searchsorted(SIZES, scores["forecast"]),
        ).reset_index(drop=True)

    def interval(
        self, level: str, measure: str, ahead: int, forecast: float, coverage: float = 0.95, before: int | None = None
    ) -> tuple[float, float, int]:
        """The interval of a forecast from past errors of forecasts like it.

        Like it means: of the same level, measure, horizon and size. Where there are too few, those of neighbouring
        sizes are taken in, then of all sizes; then those of longer horizons, which are larger.

        Parameters
        ----------
        level, measure, ahead, forecast
            What is forecast.
        coverage
            The share of outcomes that should lie within.
        before
            Only errors known by this academic year; all if not given.

        Returns
        -------
        low, high, past
            The ends, and how many past errors they rest on. NaN where there are too few: the data cannot tell.
        """
        part, past = self._reach(level, measure, ahead, int(np.searchsorted(SIZES, forecast)), coverage, before)
        low, high = (forecast + 1) * np.exp(-part) - 1, (forecast + 1) * np.exp(part) - 1
        return (0.0 if low < 0 else low), high, past

    def _reach(self, level, measure, ahead, size, coverage, before) -> tuple[float, int]:
        key = (level, measure, ahead, size, coverage, before)
        if key not in self._reaches:
            self._reaches[key] = self._found_reach(*key)
        return self._reaches[key]

    @cached_property
    def _reaches(self) -> dict:
        return {}

    @cached_property
    def _sorted_errors(self) -> dict:
        """By level, measure and horizon: sizes, years known, misses."""
        return {
            key: (part["size"].to_numpy(), (part["origin"] + part["ahead"]).to_numpy(), part["miss"].to_numpy())
            for key, part in self.errors.groupby(["level", "measure", "ahead"], observed=True)
        }

    def _found_reach(self, level, measure, ahead, size, coverage, before) -> tuple[float, int]:
        wanted = errors_needed(coverage)
        most = 0
        for further in range(ahead, self.horizons + 1):
            pools = [self._sorted_errors[key] for each in range(ahead, further + 1)
                     if (key := (level, measure, each)) in self._sorted_errors]  # fmt: skip
            if not pools:
                continue
            sizes, known, misses = (np.concatenate(parts) for parts in zip(*pools, strict=True))
            usable = np.ones(len(known), dtype=bool) if before is None else known <= before
            for near in (0, 1, 2, len(SIZES)):
                errors = misses[usable & (np.abs(sizes - size) <= near)]
                if len(errors) >= wanted:
                    return reach(errors, coverage), len(errors)
                most = max(most, len(errors))
        return np.nan, most

    def coverage(self, coverages: tuple[float, ...] = COVERAGES) -> pd.DataFrame:
        """How often intervals held: each forecast with the interval it would have had then, and what came.

        Returns
        -------
        DataFrame
            By ``level``, ``measure`` and ``nominal``: ``forecasts`` (scored), ``given`` (with an interval: enough past
            errors were known), ``held`` (share of those within), ``width`` (mean width over the forecast).
        """
        rows = []
        for nominal in coverages:
            errors = self.errors
            keys = errors[["level", "measure", "ahead", "size", "origin"]].drop_duplicates()
            found = [
                self._reach(level, measure, ahead, size, nominal, origin)[0]
                for level, measure, ahead, size, origin in keys.itertuples(index=False)
            ]
            both = errors.merge(keys.assign(part=found), on=list(keys.columns))
            given = both["part"].notna()
            table = both.assign(
                given=given, within=given & (both["miss"].abs() <= both["part"]), width=2 * np.sinh(both["part"])
            )
            part = table.groupby(["level", "measure"], observed=True).agg(
                forecasts=("miss", "size"), given=("given", "sum"), within=("within", "sum"), width=("width", "mean")
            )
            part["held"] = part["within"] / part["given"].where(part["given"] > 0)
            rows.append(part.drop(columns="within").assign(nominal=nominal).set_index("nominal", append=True))
        return pd.concat(rows).sort_index()[["forecasts", "given", "held", "width"]]


MEASURES = (*PHASES, *ENTRIES)


def measures_of(stages: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What is scored, each as positions among the stages: the phases, and the intakes where there is more to a phase.

    Examples
    --------
    >>> {name: at.tolist() for name, at in measures_of((0, 1, 7)).items()}
    {'primary': [0, 1], 'Reception': [0], 'Year 7': [2]}
    """
    answer = {}
    for name, wanted in PHASES.items():
        at = np.flatnonzero(np.isin(stages, wanted))
        if len(at) > 1 or (len(at) and stages[at[0]] not in ENTRIES.values()):
            answer[name] = at
    for name, stage in ENTRIES.items():
        if stage in stages:
            answer[name] = np.array([stages.index(stage)])
    return answer


def backtest(
    history: History,
    places: pd.Index,
    groups: Mapping[str, pd.Series] | None = None,
    *,
    methods: Mapping[str, Method] | None = None,
    horizons: int = HORIZONS,
    fewest: int = FEWEST_YEARS,
    level: str = "school",
) -> BackTest:
    """Try methods from every past year.

    Parameters
    ----------
    history
        Rolls and what goes with them.
    places
        Codes, in the order of the history.
    groups
        By level: the group of each place (a planning area, a cluster, the authority), to score sums of forecasts.
    methods
        Name to method; those the history has data for if not given. The two naive ones are always tried.
    horizons
        How many years ahead.
    fewest
        Years of rolls before the first origin.
    level
        What the places are.

    Raises
    ------
    ForecastRefused
        If there are too few years to try anything.
    """
    methods = dict(methods) if methods is not None else usable_methods(history)
    methods = {name: usable_methods(history)[name] for name in NAIVE if name not in methods} | methods
    years = history.years
    known = [year for year in years if np.isfinite(history.pupils[:, years.index(year)]).any()]
    origins = tuple(year for year in known[fewest - 1 : -1])
    if not origins:
        raise ForecastRefused(
            f"{len(known)} years of rolls: a forecast needs at least {fewest + 1}, so that it can be tried on "
            f"the past; "
            "add earlier years"
        )
    pupils = history.pupils
    actual = np.full((len(origins), len(places), horizons, pupils.shape[2]), np.nan)
    forecasts = {name: np.full_like(actual, np.nan) for name in methods}
    for number, origin in enumerate(origins):
        then = history.until(origin)
        after = pupils[:, years.index(origin) + 1 :][:, :horizons]
        actual[number, :, : after.shape[1]] = after
        for name, method in methods.items():
            forecasts[name][number] = method(then, horizons)
    combined, chosen = _combined(forecasts, actual, origins, history.stages)
    forecasts = {COMBINATION: combined, **forecasts}
    return BackTest(forecasts, actual, origins, history, pd.Index(places), dict(groups or {}), chosen, level)


def _misses(forecasts: Mapping[str, np.ndarray], actual: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Methods x origins x horizons: pupils placed in the wrong year group of the wrong school."""
    there = np.isfinite(actual[..., at])
    answer = []
    for each in forecasts.values():
        gap = np.abs(each[..., at] - actual[..., at])
        usable = there & np.isfinite(gap)
        total, count = np.where(usable, gap, 0.0).sum(axis=(1, 3)), usable.sum(axis=(1, 3))
        answer.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.stack(answer)


def _best(past: np.ndarray) -> np.ndarray:
    """Positions of the methods with the smallest mean past miss, none that misses twice as much as the best."""
    with np.errstate(invalid="ignore"):
        mean = np.array([np.nanmean(each) if np.isfinite(each).any() else np.inf for each in past])
    if not np.isfinite(mean).any():
        return np.arange(len(past))  # nothing is known yet: all alike
    order = np.argsort(mean, kind="stable")[:BEST]
    return order[mean[order] <= 2 * mean[order[0]] + 1e-9]


def _combined(forecasts, actual, origins, stages) -> tuple[np.ndarray, pd.DataFrame]:
    """The mean of the best methods, chosen at each origin by what was known then; and those chosen now."""
    names = list(forecasts)
    combined = np.full_like(actual, np.nan)
    rows = []
    horizons = actual.shape[2]
    for band, wanted in BANDS.items():
        at = np.flatnonzero(np.isin(stages, wanted))
        if not len(at):
            continue
        misses = _misses(forecasts, actual, at)
        for ahead in range(1, horizons + 1):
            for number, origin in enumerate(origins):
                best = _best(_past(misses, origins, origin, ahead))
                stack = np.stack([forecasts[names[each]][number, :, ahead - 1][:, at] for each in best])
                combined[number, :, ahead - 1, at] = _mean(stack).T
            best = _best(_past(misses, origins, origins[-1] + horizons, ahead))
            rows.append((band, ahead, tuple(names[each] for each in best)))
    chosen = pd.DataFrame(rows, columns=["band", "ahead", "methods"]).set_index(["band", "ahead"])
    return combined, chosen


def _past(misses: np.ndarray, origins: tuple[int, ...], by: int, ahead: int) -> np.ndarray:
    """Methods x past misses known by a year, of forecasts about so far ahead; of nearer ones where there are none.

    About so far means one year, two to three, or more: chosen anew for each year, a forecast would jump where the
    methods change.
    """
    group = next(each for each in DISTANCES if ahead in each)
    for horizons in (group, range(1, ahead)):
        known = [
            misses[:, number, far - 1]
            for far in horizons
            if far <= misses.shape[2]
            for number, origin in enumerate(origins)
            if origin + far <= by and np.isfinite(misses[:, number, far - 1]).any()
        ]
        if known:
            return np.stack(known, axis=1)
    return np.full((len(misses), 1), np.nan)


def _mean(stack: np.ndarray) -> np.ndarray:
    return sum_known(stack, axis=0) / np.maximum(1, np.isfinite(stack).sum(axis=0))


def combine(test: BackTest, years: int | None = None) -> np.ndarray:
    """The forecast from now, by the methods that the back-test chose.

    Returns
    -------
    ndarray
        Places x years ahead x stages.
    """
    years = years or test.horizons
    methods = usable_methods(test.history)
    wanted = sorted({name for names in test.chosen["methods"] for name in names})
    made = {name: methods[name](test.history, years) for name in wanted}
    answer = np.full(next(iter(made.values())).shape, np.nan)
    for band, stages in BANDS.items():
        at = np.flatnonzero(np.isin(test.history.stages, stages))
        for ahead in range(1, years + 1) if len(at) else ():
            names = test.chosen.at[(band, min(ahead, test.horizons)), "methods"]
            answer[:, ahead - 1, at] = _mean(np.stack([made[name][:, ahead - 1][:, at] for name in names]))
    return answer
