"""Back-tests: the DfE's measure, nothing known later, combinations and intervals that keep what they state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cities import county
from plain.rolls import chosen_weights, percentage_error, reach_by_hand

from geoplan.backtests import BANDS, COMBINATION, SIZES, backtest, combine, measures_of
from geoplan.conformal import errors_needed, reach
from geoplan.errors import ForecastRefused
from geoplan.forecast_methods import LAST_RATIO, METHODS, NAIVE, history_of
from geoplan.rolls import rolls_from


def made(schools: int = 60, years: int = 15, **options):
    table, cluster = county(schools, years, **options)
    rolls = rolls_from(table)
    groups = {"cluster": cluster, "all schools": pd.Series("County", rolls.places)}
    return history_of(rolls, cluster), rolls, groups


@pytest.fixture(scope="module")
def tried():
    history, rolls, groups = made()
    return backtest(history, rolls.places, groups), rolls


def test_the_error_is_forecast_less_actual_over_actual(tried):
    test, rolls = tried
    scores = test.scores
    one = scores[scores["method"].eq("last value") & scores["level"].eq("school") & scores["measure"].eq("Reception")]
    row = one.iloc[10]
    at = list(rolls.places).index(row["place"])
    now = rolls.pupils[at, rolls.years.index(row["origin"]), 0]
    came = rolls.pupils[at, rolls.years.index(row["origin"] + row["ahead"]), 0]
    assert (row["forecast"], row["actual"]) == (now, came)
    assert row["error"] == pytest.approx(percentage_error(now, came))


def test_every_origin_and_horizon_is_scored_once(tried):
    test, rolls = tried
    scores = test.scores[test.scores["level"].eq("all schools") & test.scores["method"].eq(COMBINATION)]
    counted = scores[scores["measure"].eq("primary")].groupby("ahead").size()
    assert counted.to_dict() == {ahead: 14 - ahead for ahead in range(1, 8)}  # 15 years, the first two to begin with
    assert test.origins == tuple(rolls.years[1:-1])


def test_sums_of_a_level_are_of_all_its_schools(tried):
    test, rolls = tried
    scores = test.scores[test.scores["level"].eq("all schools") & test.scores["method"].eq("last value")]
    row = scores[scores["measure"].eq("primary") & scores["ahead"].eq(1)].iloc[-1]
    stages = np.isin(rolls.stages, range(7))
    total = np.nansum(rolls.pupils[:, rolls.years.index(row["origin"] + 1)][:, stages])
    assert row["actual"] == pytest.approx(total)


def test_nothing_known_later_reaches_the_combination(tried):
    test, rolls = tried
    spoiled = np.array(test.history.pupils)
    spoiled[:, -3:] *= 3
    groups = dict(test.groups)
    again = backtest(replace(test.history, pupils=spoiled), rolls.places, groups)
    before = [number for number, origin in enumerate(test.origins) if origin <= rolls.years[-4]]
    for name in (COMBINATION, *NAIVE):
        assert np.array_equal(test.forecasts[name][before], again.forecasts[name][before], equal_nan=True)


def test_the_combination_is_no_worse_than_both_naive_methods_at_schools(tried):
    table = tried[0].accuracy("school").xs(COMBINATION, level="method")
    assert table.loc[("school", "primary", 1), ["beats_last_value", "beats_last_ratio"]].all()
    assert table["beats_last_value"].mean() > 0.8


def test_bias_and_size_are_kept_apart(tried):
    table = tried[0].accuracy("all schools")
    assert (table["bias"].abs() <= table["mape"] + 1e-12).all()


def test_intervals_hold_what_they_state_over_all_origins(tried):
    coverage = tried[0].coverage().reset_index()
    stated = coverage[coverage["nominal"].eq(0.95)]
    held = (stated["held"].fillna(0) * stated["given"]).sum() / stated["given"].sum()
    assert 0.93 <= held <= 0.97
    schools = stated[stated["level"].eq("school")]
    assert schools["held"].between(0.90, 0.98).all()
    assert (stated["given"] < stated["forecasts"]).all()  # the first origins know no errors yet


def test_too_few_errors_give_no_interval():
    history, rolls, groups = made(years=5)
    test = backtest(history, rolls.places, groups)
    low, high, past = test.interval("all schools", "primary", 1, 10_000.0, 0.95)
    assert np.isnan(low) and np.isnan(high) and past < errors_needed(0.95)
    assert np.isfinite(test.interval("school", "primary", 1, 200.0, 0.95)[0])


def test_conformal_limits_hold_for_errors_that_are_alike():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(4000):
        errors = rng.standard_t(3, 31)
        inside.append(abs(errors[-1]) <= reach(errors[:-1], 0.8))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)  # 25 of 30 past errors: 25/31 = 0.806


def test_too_few_years_are_refused_with_what_to_do():
    history, rolls, _ = made(schools=6, years=2)
    with pytest.raises(ForecastRefused, match=r"at least 3.*add earlier years"):
        backtest(history, rolls.places)


def test_a_missing_year_is_stepped_over():
    table, cluster = county(schools=12, years=8)
    rolls = rolls_from(table[table["year"].ne(2021)])
    assert "no census at all in 2021/22" in rolls.notes[0]
    test = backtest(history_of(rolls, cluster), rolls.places)
    assert 2021 not in test.origins and 2020 in test.origins
    assert not (test.scores["origin"] + test.scores["ahead"]).eq(2021).any()


def test_the_forecast_from_now_is_made_by_those_chosen(tried):
    test, _ = tried
    ahead = combine(test)
    assert ahead.shape == (60, 7, 14)
    names, weights = test.chosen.loc["Reception"]
    assert 1 <= len(names) <= 4 and COMBINATION not in names
    assert sum(weights) == pytest.approx(1) and min(weights) > 0
    by_hand = sum(weight * METHODS[name](test.history, 7)[:, :, 0] for name, weight in zip(names, weights, strict=True))
    assert ahead[:, :, 0] == pytest.approx(by_hand, nan_ok=True)
    table = test.chosen_weights
    assert table.groupby("band")["weight"].sum().to_numpy() == pytest.approx(1)
    assert list(table.columns) == ["band", "method", "weight"]


def test_before_any_error_is_known_the_combination_is_the_last_ratio(tried):
    test, _ = tried
    assert np.allclose(test.forecasts[COMBINATION][0], test.forecasts[LAST_RATIO][0], equal_nan=True)
    assert not np.allclose(test.forecasts[COMBINATION][4], test.forecasts[LAST_RATIO][4], equal_nan=True)


def test_the_combination_is_that_of_the_slow_twin(tried):
    test = tried[0]
    bands = {"Reception": [0], "Years 1 to 6": range(7), "Year 7": [7], "Years 8 to 11": range(7, 12)}
    for band, number in (("Reception", 1), ("Years 1 to 6", 4), ("Year 7", 12), ("Years 8 to 11", 7)):
        wanted = chosen_weights(test, list(bands[band]), test.origins[number])
        at = [test.history.stages.index(stage) for stage in BANDS[band]]
        parts = [weight * test.forecasts[name][number][..., at] for name, weight in wanted.items()]
        assert test.forecasts[COMBINATION][number][..., at] == pytest.approx(sum(parts), nan_ok=True)


@pytest.fixture(scope="module")
def counties():
    """Five counties on which nothing was decided: the combination and the intervals were settled on seeds 1 to 5."""
    answer = []
    for seed in range(6, 11):
        history, rolls, groups = made(schools=100, seed=seed, clusters=8)
        answer.append(backtest(history, rolls.places, groups))
    return answer


def test_intervals_of_schools_and_of_sums_hold_90_to_97_in_100(counties):
    table = pd.concat([test.coverage((0.95,)) for test in counties]).reset_index()
    sums = table.assign(held=table["held"] * table["given"]).groupby("level", observed=True)[["held", "given"]].sum()
    held = sums["held"] / sums["given"]
    assert held[["school", "cluster"]].between(0.90, 0.97).all(), held
    # a county's total is a single series, whose errors of all years ahead go together
    assert 0.90 <= held["all schools"] <= 0.99, held


def test_the_combination_beats_both_naive_methods_in_most_sums(counties):
    table = pd.concat([test.accuracy().xs(COMBINATION, level="method") for test in counties]).reset_index()
    both = table["beats_last_value"].astype(bool) & table["beats_last_ratio"].astype(bool)
    share = both.groupby(table["level"].astype("str")).mean()
    assert share["school"] > 0.9 and share["cluster"] > 0.9 and share["all schools"] > 0.7, share


def test_the_interval_is_that_of_the_slow_twin(tried):
    test, _ = tried
    for level, measure, ahead, size, by in (
        ("school", "Reception", 1, 2, 2018), ("cluster", "primary", 3, 5, 2021), ("all schools", "Year 7", 2, 6, 2024)
    ):  # fmt: skip
        wanted = reach_by_hand(test.errors.to_dict("records"), level, measure, ahead, size, 0.95, by, len(SIZES))
        assert test._reach(level, measure, ahead, size, 0.95, by)[0] == pytest.approx(wanted)


def test_intervals_use_nothing_known_later(tried):
    test, _ = tried
    early = replace(test, actual=np.where(_ends(test) <= 2019, test.actual, np.nan))
    forecast = 210.0
    for level in ("school", "cluster"):
        assert early.interval(level, "primary", 2, forecast) == test.interval(
            level, "primary", 2, forecast, before=2019
        )


def _ends(test) -> np.ndarray:
    return (np.asarray(test.origins)[:, None] + np.arange(1, test.horizons + 1))[:, None, :, None]


def test_errors_of_no_size_give_an_interval_of_almost_no_width():
    history, rolls, groups = made(schools=20)
    still = np.repeat(history.pupils[:, -1:], history.pupils.shape[1], axis=1)
    test = backtest(replace(history, pupils=still), rolls.places, groups)
    low, high, _ = test.interval("school", "Reception", 1, 30.0)
    assert low == high == pytest.approx(30)


def test_weights_that_differ_are_worth_fewer_errors():
    errors = np.arange(1.0, 101.0)
    assert reach(errors, 0.95) == pytest.approx(95.95)  # the 0.95 x 101st
    assert reach(errors, 0.95, np.full(100, 0.3)) == pytest.approx(95.95)
    assert reach(errors, 0.95, np.where(errors > 90, 1.0, 0.0001)) == pytest.approx(100, abs=0.1)


def test_rolls_of_two_year_groups_only_are_scored_as_intakes():
    assert list(measures_of((0, 7))) == ["Reception", "Year 7"]
    assert list(measures_of((0, 1, 7, 8))) == ["primary", "secondary", "Reception", "Year 7"]
