"""A forecast carries its past error, or there is none; what is added to it is listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_backtests import made

from geoplan.errors import ForecastRefused, UnknownCodeError
from geoplan.forecast_books import forecast_book
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
