"""Rolls to come, by the methods that did best in the past, each number beside its own past error.

A :class:`Forecast` without a back-test cannot be made, and no row of it is printed for so many years ahead that the
past has not tried: with five years of rolls, three years ahead is as far as anybody knows how wrong it would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.backtests import COMBINATION, COVERAGES, HORIZONS, BackTest, backtest, combine, measures_of
from geoplan.cohorts import PHASES, year_name
from geoplan.errors import ForecastRefused, UnknownCodeError
from geoplan.forecast_methods import History, Method
from geoplan.rolls import added_up, sum_known

HOUSING = "housing"
CONTROL = "control to a total"


@dataclass(frozen=True, repr=False, eq=False)
class Forecast:
    """Rolls to come, with what is known of their error.

    Parameters
    ----------
    pupils
        Places x years x stages: the forecast, all adjustments in it.
    years
        Academic years, the first after the last roll.
    past
        The back-test of the very combination that made it.
    adjustments
        Every later change, in order: ``why``, ``place``, ``year``, ``phase``, ``pupils`` (added or taken away).
    notes
        Sentences for its reader.
    groundwork
        What was done to the data before (:func:`geoplan.groundwork.groundwork_of`).

    Raises
    ------
    ForecastRefused
        If there is no past error, or none for some year ahead.
    """

    pupils: np.ndarray
    years: tuple[int, ...]
    past: BackTest
    adjustments: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["why", "place", "year", "phase", "pupils"])
    )
    notes: tuple[str, ...] = ()
    groundwork: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self):
        if not isinstance(self.past, BackTest):
            raise ForecastRefused("a forecast is not printed without its past error: back-test the method first")
        tried = tried_years(self.past)
        if len(self.years) > tried:
            raise ForecastRefused(
                f"{len(self.years)} years ahead were asked for and the past has tried {tried}: add earlier "
                f"years of rolls"
            )
        if self.pupils.shape[:2] != (len(self.past.places), len(self.years)):
            raise ValueError("forecast: places and years do not fit the pupils")

    def __repr__(self) -> str:
        span = f"{year_name(self.years[0])} to {year_name(self.years[-1])}"
        return f"<Forecast of {len(self.past.places):,} by {self.past.level}, {span}>"

    @property
    def places(self) -> pd.Index:
        """Codes of the places."""
        return self.past.places

    @property
    def stages(self) -> tuple[int, ...]:
        """Stages forecast."""
        return self.past.history.stages

    @property
    def year_now(self) -> int:
        """The academic year of the last roll."""
        return self.past.history.year

    @cached_property
    def known_error(self) -> pd.DataFrame:
        """Past error of the combination: by level, measure and years ahead (:meth:`BackTest.accuracy`)."""
        table = self.past.accuracy()
        return table.xs(COMBINATION, level="method")

    def table(self, level: str | None = None, coverages: tuple[float, ...] = COVERAGES) -> pd.DataFrame:
        """The forecast by place, measure and year, each with its interval and its past error.

        Parameters
        ----------
        level
            The places, or a level of their groups.
        coverages
            Of the intervals.

        Returns
        -------
        DataFrame
            ``place``, ``measure``, ``year``, ``ahead``, ``now`` (the last roll), ``forecast``, ``low_80``, ``high_80``,
            ``low_95``, ``high_95`` (missing where too few past errors are known), ``past_error`` (mean size of the
            error so far ahead, a share), ``past_bias``, ``past_forecasts`` (how many those are of).
        """
        level = level or self.past.level
        if level not in self.past.levels:
            raise UnknownCodeError(f"no level {level!r}; there are {', '.join(self.past.levels)}")
        parts = []
        error = self.known_error
        now = self.past.history.pupils[:, -1]
        for measure, at in measures_of(self.stages).items():
            values, names = self._at(level, sum_known(self.pupils[..., at], axis=-1))
            last, _ = self._at(level, sum_known(now[:, None, :][..., at], axis=-1))
            for number, year in enumerate(self.years):
                ahead = number + 1
                key = (level, measure, ahead)
                if key not in error.index:
                    continue  # never tried: not printed
                known = np.isfinite(values[:, number])
                rows = pd.DataFrame({"place": names[known], "now": last[known, 0], "forecast": values[known, number]})
                for share in coverages:
                    found = [self.past.interval(*key, each, share) for each in rows["forecast"]]
                    rows[f"low_{100 * share:.0f}"] = [low for low, _, _ in found]
                    rows[f"high_{100 * share:.0f}"] = [high for _, high, _ in found]
                past = error.loc[key]
                parts.append(
                    rows.assign(
                        measure=measure, year=year, ahead=ahead, past_error=past["mape"], past_bias=past["bias"],
                        past_forecasts=int(past["forecasts"]),
                    )
                )  # fmt: skip
        if not parts:
            raise ForecastRefused(f"no forecast by {level} has been tried on the past")
        order = ["place", "measure", "year", "ahead", "now", "forecast"]
        table = pd.concat(parts, ignore_index=True)
        rest = [name for name in table.columns if name not in order]
        return table[[*order, *rest]].sort_values(["measure", "place", "year"], kind="stable", ignore_index=True)

    @property
    def account(self) -> pd.DataFrame:
        """Every adjustment, of the data before and of the forecast after, in one table.

        Returns
        -------
        DataFrame
            ``why``, ``place``, ``year``, ``of`` (whom), ``before`` and ``after`` (missing where only the difference is
            told), ``added``, ``words``; and shares, where the groundwork has them.
        """
        columns = ["why", "place", "year", "of", "before", "after", "added", "words"]
        columns += [name for name in self.groundwork.columns if name not in columns]
        parts = []
        if len(self.groundwork):
            parts.append(self.groundwork.assign(added=self.groundwork["after"] - self.groundwork["before"]))
        if len(self.adjustments):
            after = self.adjustments.rename(columns={"phase": "of", "pupils": "added"})
            parts.append(after.assign(before=np.nan, after=np.nan, words=""))
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def _at(self, level: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places x years of a level, and the names of its places."""
        if level == self.past.level:
            return values, self.places.to_numpy()
        groups = self.past.groups[level].reindex(self.places).fillna("no group").astype("str")
        codes, names = pd.factorize(groups, sort=True)
        return added_up(values, codes, len(names)), np.asarray(names)

    def with_pupils(self, extra: pd.DataFrame, why: str = HOUSING) -> Forecast:
        """The forecast with pupils that the past cannot know of: new homes, a school that closes nearby.

        Parameters
        ----------
        extra
            ``place``, ``year``, ``stage`` and ``pupils`` (below zero: fewer).
        why
            What they are from; printed. The interval is that of the forecast without them.

        Raises
        ------
        UnknownCodeError
            If a place or year group is not in the forecast; years outside it are left out and noted.
        """
        at = self.places.get_indexer(extra["place"].astype("str"))
        stage = pd.Index(self.stages).get_indexer(extra["stage"])
        wrong = (at < 0) | (stage < 0)
        if wrong.any():
            first = extra[wrong].iloc[0]
            raise UnknownCodeError(
                f"{why}: {int(wrong.sum()):,} rows are of a place or year group that the forecast does not have "
                f"(first: "
                f"{first['place']}, stage {first['stage']})"
            )
        year = pd.Index(self.years).get_indexer(extra["year"])
        inside = year >= 0
        pupils = np.array(self.pupils)
        more = np.zeros_like(pupils)
        np.add.at(more, (at[inside], year[inside], stage[inside]), extra["pupils"].to_numpy(dtype=float)[inside])
        pupils = np.where(more != 0, np.maximum(0.0, np.nan_to_num(pupils) + more), pupils)
        notes = self.notes
        if (~inside).any():
            notes = (*notes, f"{why}: {int((~inside).sum()):,} rows are of years not forecast, and left out")
        return replace(self, pupils=pupils, adjustments=self._with(why, pupils - self.pupils), notes=notes)

    def controlled(self, totals: pd.DataFrame, why: str = CONTROL) -> Forecast:
        """The forecast scaled so that all places together are a stated total: an official projection, or a wish.

        Parameters
        ----------
        totals
            ``phase``, ``year`` and ``pupils``.
        why
            Whose total it is; printed, with what was added or taken away at each place.
        """
        pupils = np.array(self.pupils)
        for row in totals.itertuples(index=False):
            if row.year not in self.years:
                continue
            at = np.ix_(range(len(pupils)), [self.years.index(row.year)],
                        np.flatnonzero(np.isin(self.stages, PHASES[row.phase])))  # fmt: skip
            now = np.nansum(pupils[at])
            if now > 0:
                pupils[at] = pupils[at] * (row.pupils / now)
        return replace(self, pupils=pupils, adjustments=self._with(why, pupils - self.pupils))

    def _with(self, why: str, more: np.ndarray) -> pd.DataFrame:
        rows = []
        for phase, wanted in PHASES.items():
            changed = np.nan_to_num(more[..., np.isin(self.stages, wanted)]).sum(axis=-1)
            at = np.argwhere(np.abs(changed) > 1e-9)
            rows.append(
                pd.DataFrame(
                    {
                        "why": why,
                        "place": self.places.to_numpy()[at[:, 0]],
                        "year": np.asarray(self.years)[at[:, 1]],
                        "phase": phase,
                        "pupils": changed[tuple(at.T)],
                    }
                )
            )
        parts = [part for part in (self.adjustments, *rows) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else self.adjustments


def tried_years(past: BackTest) -> int:
    """So many years ahead some forecast has been scored.

    A forecast is printed no further.
    """
    scored = np.isfinite(past.actual).any(axis=(0, 1, 3)) if len(past.places) else np.zeros(1, dtype=bool)
    return int(scored.sum())


def forecast(
    history: History,
    places: pd.Index,
    groups: Mapping[str, pd.Series] | None = None,
    *,
    years: int = HORIZONS,
    methods: Mapping[str, Method] | None = None,
    level: str = "school",
    notes: Iterable[str] = (),
) -> Forecast:
    """Forecast rolls by the combination that did best when tried on the past.

    Parameters
    ----------
    history
        Rolls and what goes with them (:func:`geoplan.forecast_methods.history_of`).
    places
        Codes, in the order of the history.
    groups
        By level, the group of each place, for sums and their own past error.
    years
        How many years ahead; fewer are given where the past has not tried so many.
    methods
        Methods to choose among; all that the data allow if not given.
    level, notes
        As for :class:`Forecast` and its back-test.

    Raises
    ------
    ForecastRefused
        If there are too few years of rolls to try anything.
    """
    past = backtest(history, places, groups, methods=methods, horizons=years, level=level)
    tried = min(years, tried_years(past))
    notes = list(notes)
    if tried < years:
        have = len({year for year in history.years if np.isfinite(history.pupils[:, history.years.index(year)]).any()})
        notes.append(
            f"{have} years of rolls try a forecast {tried} years ahead at most; for {years} add earlier years "
            f"({years - tried} more at least)"
        )
    pupils = combine(past, tried)
    ahead = tuple(history.year + number for number in range(1, tried + 1))
    return Forecast(pupils, ahead, past, notes=tuple(notes))
