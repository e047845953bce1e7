"""A forecast carries its past error, or there is none; what is added to it is listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_backtests import made

from geoplan.errors import ForecastRefused, UnknownCodeError
from geoplan.forecast_books import backtest_book, forecast_book
from geoplan.forecast_grids import held_sentence, recut_grid, rounded
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


def _grid(book, title):
    return next(grid for grid in book.grids if grid.title.startswith(title))


def test_both_pages_say_how_often_ranges_held_as_the_back_test_counts_it(ahead):
    errors = ahead.past.coverage((0.95,)).reset_index()
    whole = errors[errors["level"].astype("str").eq("school")]
    held = (whole["held"] * whole["given"]).sum() / whole["given"].sum()
    words = f"single schools {100 * held:.1f}% of {whole['given'].sum():,} times"
    pages = forecast_book(ahead, [], top="all schools"), backtest_book(ahead.past, [], top="all schools")
    for book in pages:
        assert [sentence for sentence in book.findings if words in sentence] == [book.findings[-1]]
        grid = _grid(book, "How often ranges held")
        assert set(grid.frame["level"]) <= {"single schools", "by cluster", "all together"}
        assert len(grid.frame) == (ahead.past.coverage()["given"] > 0).sum()


def test_without_a_range_nobody_says_how_often_ranges_hold():
    assert held_sentence(pd.DataFrame({"words": [], "given": [], "held": []})).startswith("Too few past forecasts")


def test_places_by_cluster_are_gross_and_net_and_intakes_add_up(ahead):
    roll = np.nansum(ahead.pupils[:, 0], axis=1)
    room = np.where(np.arange(len(roll)) % 2 == 0, 40, -10)
    places = pd.DataFrame({"places": np.round(roll) + room, "pan": 30 + room / 10}, index=ahead.places)
    book = forecast_book(ahead, [], top="all schools", level="cluster", places=places, published=True)
    spare = _grid(book, "Spare places by cluster").frame
    whole = _grid(book, "Spare places in all year groups").frame
    keys = ["phase", "when"]
    sums = spare.groupby(keys)[["unfilled", "shortfall", "net"]].sum().reindex(whole.set_index(keys).index)
    assert (sums - whole.set_index(keys)[["unfilled", "shortfall", "net"]]).abs().max().max() <= 4  # each rounded
    assert (spare["unfilled"] - spare["shortfall"] - spare["net"]).abs().max() <= 2 and (spare["shortfall"] > 0).any()
    intake = _grid(book, "Reception: places and demand").frame
    own, last = intake[intake["place"].ne("all together")], intake[intake["place"].eq("all together")]
    assert len(last) == len(ahead.years)
    sums = own.groupby("when")[["places", "demand", "surplus", "shortfall"]].sum()
    assert last.set_index("when")[sums.columns].to_numpy() == pytest.approx(sums.to_numpy())
    errors = ahead.known_error["mape"]
    for frame, level in ((own, "cluster"), (last, "all schools")):
        for number, when in ((1, min(frame["when"])), (len(ahead.years), max(frame["when"]))):
            told = frame.loc[frame["when"].eq(when), "past_error_share"].to_numpy()
            assert told == pytest.approx(errors[(level, "Reception", number)])
    assert last["surplus_share"].to_numpy() == pytest.approx((last["surplus"] / last["places"]).to_numpy())


def test_a_school_with_a_hidden_year_group_has_no_row_under_another_plan_or_among_adjustments(ahead):
    hidden = {ahead.places[0]: True}
    table = pd.DataFrame({"school": ahead.places[:3], "year": ahead.years[0], "today": 30.0, "with_plan": 35.0})
    assert len(recut_grid(table, 0, 5).frame) == 3
    assert list(recut_grid(table, 0, 5, None, hidden).frame["name"]) == list(ahead.places[1:3])
    extra = pd.DataFrame({"place": ahead.places[:2], "year": ahead.years[0], "stage": 0, "pupils": 12.0})
    extra["stage"] = [int(ahead.stages[int(np.argmax(np.isfinite(ahead.pupils[number, 0])))]) for number in (0, 1)]
    book = forecast_book(ahead.with_pupils(extra), [], top="all schools", hidden=hidden)
    assert set(_grid(book, "Adjustments").frame["place"]) == {ahead.places[1]}


def test_the_workbook_has_ends_of_ranges_side_by_side_and_shares_by_name(ahead):
    book = forecast_book(ahead, [], top="all schools", published=True)
    heads = list(book.sheets["Primary"].columns)
    at = heads.index("19 in 20 within, from")
    assert heads[at + 1] == "19 in 20 within, to" and heads[0] == "Year"
    assert {"Past error", "Weight"} <= book.percents and "Forecast" not in book.percents
    protected = forecast_book(ahead, [], top="all schools").sheets["Primary"]
    assert protected.table.index.name == "Year" and not protected.table.index.equals(pd.RangeIndex(len(protected)))
