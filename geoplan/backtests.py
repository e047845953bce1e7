"""How wrong a forecast would have been: every method tried from every past year, scored as the DfE scores.

From each past year (the origin), with nothing known later than it, every method forecasts one to seven years ahead; the
error is (forecast - actual) / actual, so that + is a forecast too high. Size of error (MAPE) and direction (bias) are
kept apart, and every method stands beside the two naive ones.

The combination is chosen by such errors alone, and at each origin by those that were known then, so that its own past
error is honest. Its methods are the three that missed by least at single places and at each level of sums, all levels
counting alike, over all years ahead: chosen at schools alone, it lost to the last ratio for whole authorities, whose
error is what all schools have in common. Sums are always those of the schools' forecasts (bottom-up), so that every
page adds up; what a forecast from the top down has to give comes in as a method ("share of all"). Beside the three,
the last ratio has the weight of one year of evidence: with few years known the combination hardly leaves it.

Intervals come from the past errors of the combination (:mod:`geoplan.conformal`): the usual size of such errors, by
measure, years ahead and size of the forecast, times the multiple of it that the stated share of errors of that level
stayed within. How often they held, over all origins, is printed.

References: DfE, *Local authority school places scorecards* (the measure); Tashman (2000), International Journal of
Forecasting 16:437 (rolling origins); Timmermann (2006), Handbook of Economic Forecasting 1:135, and Hyndman and
Athanasopoulos (2021), *Forecasting: Principles and Practice*, 13.4 (plain means, weights drawn towards a simple one);
Wickramasuriya, Athanasopoulos and Hyndman (2019), Journal of the American Statistical Association 114:804 (sums that
add up; their least-error reconciling needs the covariance of errors, which a dozen years do not give).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.cohorts import PHASES
from geoplan.conformal import errors_needed, reach_of_sorted, usual_size
from geoplan.errors import ForecastRefused
from geoplan.forecast_methods import LAST_RATIO, LAST_VALUE, NAIVE, History, Method, usable_methods
from geoplan.rolls import added_up, sum_known

COMBINATION = "combination"
HORIZONS = 7
FEWEST_YEARS = 2  # of rolls before the first origin: survival takes two
BEST = 3  # methods chosen for the combination
PRIOR = 1.0  # years of evidence that the last ratio counts for beside those chosen: with few years known, it leads
COVERAGES = (0.8, 0.95)
#: Stages whose methods are chosen together: intakes behave unlike those who move up.
BANDS: dict[str, tuple[int, ...]] = {
    "Reception": (0,),
    "Years 1 to 6": tuple(range(1, 7)),
    "Year 7": (7,),
    "Years 8 to 11": tuple(range(8, 12)),
    "sixth form": tuple(range(12, 15)),
}
#: Those who move up are judged with the intakes they were: a wrong intake is wrong in every year that it goes through.
JUDGED = {"Years 1 to 6": tuple(range(7)), "Years 8 to 11": tuple(range(7, 12))}
SIZES = (30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 5000.0)  # forecasts of like size have like errors
ALIKE = 40  # errors of like size that tell how large they usually are; else those of other sizes are taken in
FEWEST_ERRORS = 2  # so far ahead, of that measure, that tell how large they usually are
OTHERS = 0.3  # what an error of other rolls of the level (primary for Year 7) is worth beside one of the same
LEAST_SIZE = 0.0005  # no usual size is taken to be less: half a pupil in a thousand
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
        By band: ``methods`` in the combination and their ``weights``, chosen from all that is known now.
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

    @property
    def chosen_weights(self) -> pd.DataFrame:
        """What is in the combination now: ``band``, ``method`` and ``weight``, the largest of a band first."""
        return (
            self.chosen.explode(["methods", "weights"])
            .rename(columns={"methods": "method", "weights": "weight"})
            .reset_index()
            .astype({"weight": float})
        )

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
        codes, names = _codes_of(self.groups[level], self.places)
        return _of_groups(forecast, codes), _of_groups(actual, codes), names

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

        Its reach is the usual size of errors of the same level, measure, years ahead and size of forecast (where there
        are few, of neighbouring sizes, then of all), times the multiple of their usual size that such a share of all
        errors of the level stayed within. Each of those is measured by what was known when its forecast was made, so
        that what is not known of the usual size is in the multiple.

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
        by = self.history.year if before is None else before
        multiple, past = self._multiple(level, measure, coverage, by)
        return multiple * self._usual(level, measure, ahead, size, by), past

    @cached_property
    def _found(self) -> dict:
        """Multiples and usual sizes worked out so far."""
        return {}

    def _usual(self, level, measure, ahead, size, by) -> float:
        key = (level, measure, ahead, size, by)
        if key not in self._found:
            past = self._errors_of.get(key[:3])
            self._found[key] = np.nan if past is None else _usual_size(*past, size, by)
        return self._found[key]

    def _multiple(self, level, measure, coverage, by) -> tuple[float, int]:
        """The multiple of the usual size that a share of errors of the level stayed within, and of how many."""
        key = (level, measure, coverage, by)
        if key not in self._found:
            multiples, known, measures = self._multiples.get(level, (np.array([]), np.array([]), np.array([])))
            usable = known <= by
            past = int(usable.sum())
            worth = np.where(measures[usable] == measure, 1.0, OTHERS)
            few = past < errors_needed(coverage)
            self._found[key] = (np.nan if few else reach_of_sorted(multiples[usable], worth, coverage)), past
        return self._found[key]

    @cached_property
    def _errors_of(self) -> dict:
        """By level, measure and years ahead: sizes of forecast, years known, misses."""
        return {
            key: (part["size"].to_numpy(), (part["origin"] + part["ahead"]).to_numpy(), part["miss"].to_numpy())
            for key, part in self.errors.groupby(["level", "measure", "ahead"], observed=True)
        }

    @cached_property
    def _multiples(self) -> dict:
        """By level: errors as multiples of what was usual when the forecast was made, rising; years known; measures."""
        usual, reading = _by_kind(self.errors, lambda *key: self._usual(*key))
        multiple = self.errors["miss"].abs().to_numpy() / usual[reading]
        table = self.errors[["level", "measure"]].astype("str").assign(
            multiple=multiple, known=self.errors["origin"] + self.errors["ahead"]
        )  # fmt: skip
        table = table[np.isfinite(multiple)].sort_values("multiple", kind="stable")
        return {
            level: (part["multiple"].to_numpy(), part["known"].to_numpy(), part["measure"].to_numpy())
            for level, part in table.groupby("level")
        }

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
            found, reading = _by_kind(
                self.errors, lambda *key, nominal=nominal: self._reach(*key[:4], nominal, key[4])[0]
            )
            both = self.errors.assign(part=found[reading])
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


def _by_kind(errors: pd.DataFrame, value: Callable) -> tuple[np.ndarray, np.ndarray]:
    """A value for each level, measure, years ahead, size and origin there is, and where each error finds its own."""
    kinds = ["level", "measure", "ahead", "size", "origin"]
    grouped = errors.groupby(kinds, observed=True, sort=False)
    keys = errors[kinds].drop_duplicates()
    return np.array([value(*key) for key in keys.itertuples(index=False)], dtype=float), grouped.ngroup().to_numpy()


def _usual_size(sizes: np.ndarray, known: np.ndarray, misses: np.ndarray, size: int, by: int) -> float:
    """How large errors of forecasts of about a size usually were, by what is known in a year; NaN if nobody knows."""
    usable = known <= by
    if usable.sum() < FEWEST_ERRORS:
        return np.nan
    for near in (0, 1, 2, len(SIZES)):
        like = usable & (np.abs(sizes - size) <= near)
        if like.sum() >= ALIKE:
            break
    return max(LEAST_SIZE, usual_size(misses[like]))


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
    groups = dict(groups or {})
    codes = [_codes_of(each, pd.Index(places))[0] for each in groups.values()]
    combined, chosen = _combined(forecasts, actual, origins, history.stages, codes)
    forecasts = {COMBINATION: combined, **forecasts}
    return BackTest(forecasts, actual, origins, history, pd.Index(places), groups, chosen, level)


def _codes_of(groups: pd.Series, places: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """The group of each place as a number, and the names of the groups."""
    return pd.factorize(groups.reindex(places).fillna("no group").astype("str"), sort=True)


def _misses(forecasts, actual: np.ndarray, at: np.ndarray, codes: Iterable[np.ndarray]) -> np.ndarray:
    """Levels x methods x origins x horizons: mean pupils too many or too few.

    At the places, in single year groups; at each level of groups, in all year groups together: there it does not count
    which school or year group they were in.
    """
    answer = [[_mean_known(np.abs(each[..., at] - actual[..., at]), (1, 3)) for each in forecasts.values()]]
    came = sum_known(actual[..., at], axis=-1)
    for group in codes:
        of_group = _of_groups(came, group)
        answer.append(
            [
                _mean_known(np.abs(_of_groups(sum_known(each[..., at], axis=-1), group) - of_group), (1,))
                for each in forecasts.values()
            ]
        )
    return np.array(answer)


def _of_groups(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Origins x places x more added up to origins x groups x more."""
    return np.moveaxis(added_up(np.moveaxis(values, 1, 0), codes, int(codes.max(initial=-1)) + 1), 0, 1)


def _mean_known(values: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _weights(misses: np.ndarray, names: list[str], origins: tuple[int, ...], by: int) -> np.ndarray:
    """The weight of each method in the combination, from the misses known by a year.

    Misses are taken over those of the last ratio so many years ahead, so that near and far years, and schools and
    sums, count alike (a geometric mean over levels).
    """
    naive = names.index(LAST_RATIO)
    prior = (np.arange(len(names)) == naive).astype(float)
    ends = np.asarray(origins)[:, None] + np.arange(1, misses.shape[3] + 1)
    known = np.where(ends <= by, misses, np.nan)
    tried = np.isfinite(known[:, naive]).any(axis=(0, 2))  # origins of which some error is known
    if not tried.any():
        return prior
    of_naive = _mean_known(known[:, naive], (1,))[:, None, None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = _mean_known(known / np.where(of_naive > 0, of_naive, np.nan), (2, 3))  # levels x methods
    levels = np.isfinite(ratio[:, naive])
    if not levels.any():
        return prior  # the last ratio has never been wrong
    relative = np.exp(np.log(ratio[levels] + 0.01).mean(axis=0))
    relative = np.where(np.isfinite(relative), relative, np.inf)
    best = np.argsort(relative, kind="stable")[:BEST]
    best = best[relative[best] <= 2 * relative[best[0]]]
    years = tried.sum()
    return (years * np.isin(np.arange(len(names)), best) / len(best) + PRIOR * prior) / (years + PRIOR)


def _combined(forecasts, actual, origins, stages, codes) -> tuple[np.ndarray, pd.DataFrame]:
    """The weighted mean of the best methods, chosen at each origin by what was known then; and those chosen now."""
    names = list(forecasts)
    combined = np.full_like(actual, np.nan)
    rows = []
    for band, wanted in BANDS.items():
        at = np.flatnonzero(np.isin(stages, wanted))
        if not len(at):
            continue
        judged = np.flatnonzero(np.isin(stages, JUDGED.get(band, wanted)))
        misses = _misses(forecasts, actual, judged, codes)
        for number, origin in enumerate(origins):
            weights = _weights(misses, names, origins, origin)
            used = np.flatnonzero(weights)
            stack = np.stack([forecasts[names[each]][number][..., at] for each in used])
            combined[number][..., at] = _mean(stack, weights[used])
        weights = _weights(misses, names, origins, origins[-1] + actual.shape[2])
        used = [each for each in np.argsort(-weights, kind="stable") if weights[each] > 0]
        rows.append((band, tuple(names[each] for each in used), tuple(weights[each] for each in used)))
    return combined, pd.DataFrame(rows, columns=["band", "methods", "weights"]).set_index("band")


def _mean(stack: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean along the first axis of what is known; NaN where nothing is."""
    share = np.isfinite(stack) * weights.reshape(-1, *([1] * (stack.ndim - 1)))
    whole = share.sum(axis=0)
    return np.where(whole > 0, (share * np.nan_to_num(stack)).sum(axis=0) / np.where(whole > 0, whole, 1.0), np.nan)


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
    for band, names, weights in test.chosen.itertuples():
        at = np.flatnonzero(np.isin(test.history.stages, BANDS[band]))
        answer[..., at] = _mean(np.stack([made[name][..., at] for name in names]), np.array(weights))
    return answer
