"""A forecast carries its past error, or there is none; what is added to it is listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_backtests import made

from geoplan.errors import ForecastRefused, UnknownCodeError
from geoplan.forecast_books import backtest_book, forecast_book, rounded
from geoplan.forecasts import Forecast, forecast
from geoplan.sources import Source


@pytest.fixture(scope="module")
def ahead():
    history, rolls, groups = made(schools=24, years=12)
    return forecast(history, rolls.places, groups)


def test_every_row_has_its_past_error(ahead):
    for level in ahead.past.levels:
        table = ahead.table(level)
        assert len(table) and table["past_error"].notna().all() and (table["past_forecasts"] > 0).all()


def test_without_a_back_test_there_is_no_forecast(ahead):
    with pytest.raises(ForecastRefused, match="without its past error"):
        Forecast(ahead.pupils, ahead.years, None)
    with pytest.raises(ForecastRefused, match="the past has tried 7"):
        Forecast(np.zeros((24, 8, 14)), tuple(range(2026, 2034)), ahead.past)


@pytest.mark.parametrize("thing", [pd.DataFrame({"forecast": [1.0]}), np.zeros(3), None])
def test_a_page_takes_nothing_less(thing):
    with pytest.raises(ForecastRefused, match="which has its past error"):
        forecast_book(thing, [Source("Rolls", "us")], top="all schools")


def test_no_further_than_the_past_has_tried():
    history, rolls, groups = made(schools=12, years=5)
    made_ = forecast(history, rolls.places, groups)
    assert made_.years == (2026, 2027, 2028)
    assert made_.notes == (
        "5 years of rolls try a forecast 3 years ahead at most; for 7 add earlier years (4 more at least)",
    )


def test_new_homes_are_added_and_listed(ahead):
    place = ahead.places[0]
    extra = pd.DataFrame({"place": place, "year": [2026, 2027, 2050], "stage": 0, "pupils": [5.0, 8.0, 9.0]})
    more = ahead.with_pupils(extra, "Garden village")
    assert (more.pupils - ahead.pupils)[0, :2, 0].tolist() == pytest.approx([5, 8])
    assert more.adjustments[["why", "place", "year", "pupils"]].values.tolist() == [
        ["Garden village", place, 2026, pytest.approx(5)], ["Garden village", place, 2027, pytest.approx(8)],
    ]  # fmt: skip
    assert more.notes[-1] == "Garden village: 1 rows are of years not forecast, and left out"
    with pytest.raises(UnknownCodeError, match="a place or year group that the forecast does not have"):
        ahead.with_pupils(extra.assign(place="nowhere"))


def test_control_to_a_total_is_exact_and_listed(ahead):
    totals = pd.DataFrame(
        {"phase": ["primary"] * 7, "year": ahead.years, "pupils": [3000.0 + 10 * n for n in range(7)]}
    )
    controlled = ahead.controlled(totals, "Sub-national projection")
    stages = np.isin(ahead.stages, range(7))
    assert np.nansum(controlled.pupils[..., stages], axis=(0, 2)) == pytest.approx(totals["pupils"].tolist(), rel=1e-12)
    assert np.array_equal(controlled.pupils[..., ~stages], ahead.pupils[..., ~stages], equal_nan=True)
    listed = controlled.adjustments.groupby("year")["pupils"].sum()
    assert listed.loc[2026] == pytest.approx(3000 - np.nansum(ahead.pupils[:, 0][:, stages]))


def test_ends_of_intervals_in_whole_children_are_those_within():
    table = pd.DataFrame(
        {
            "forecast": [15.2, 15.2, 7.4],
            "low_95": [12.3, 15.1, np.nan],
            "high_95": [17.8, 15.3, np.nan],
            "low_80": [14.0, 15.0, 7.0],
            "high_80": [16.0, 15.0, 8.9],
        }
    )
    whole = rounded(table, 1)
    assert whole[["pupils_low", "pupils_high"]].to_numpy()[:2].tolist() == [[13, 17], [15, 15]]
    assert whole[["pupils_low", "pupils_high"]].iloc[2].isna().all()
    assert whole[["most_low", "most_high"]].to_numpy().tolist() == [[14, 16], [15, 15], [7, 8]]
    assert rounded(table, 5)["pupils_low"].tolist()[:2] == [10, 15]  # rolls in steps of five: the nearest


@pytest.mark.parametrize("published", [False, True])
def test_both_pages_say_how_numbers_are_protected_and_what_they_are_made_from(ahead, published):
    source = [Source("Rolls of a made county", "nobody", invented=True)]
    for book in (
        forecast_book(ahead, source, top="all schools", published=published),
        backtest_book(ahead.past, source, top="all schools", published=published),
    ):
        text = book.to_html()
        assert '<h2 id="sources">Sources and licences</h2>' in text and "<li>nobody" in text
        assert "How small numbers are protected</h2>" in text
        assert ("counts from 1 to 9 are hidden" in text) != published
        assert ("published figures, so they are shown exactly" in text) == published


def test_the_methods_chosen_stand_with_their_weights(ahead):
    grid = next(
        grid for grid in backtest_book(ahead.past, [], top="all schools").grids if grid.title.startswith("Methods")
    )
    assert grid.heads == ["Year groups", "Method", "Weight"]
    printed = grid.frame.groupby("band")["weight_share"].sum()
    assert printed.to_numpy() == pytest.approx(1)
    assert len(grid.frame) == len(ahead.past.chosen_weights)
