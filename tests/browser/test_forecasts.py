"""The page of a forecast in a real browser: quiet, offline, by keyboard, and nothing for axe to say."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from browser.chromium import axe
from cities import county

from geoplan.areas import Boundaries
from geoplan.forecast_books import backtest_book, forecast_book
from geoplan.forecast_methods import history_of
from geoplan.forecasts import forecast
from geoplan.groundwork import COLUMNS, SHARES
from geoplan.rolls import rolls_from
from geoplan.sources import Source

SOURCES = [Source("Rolls of a made county", "nobody", invented=True)]


@pytest.fixture(scope="module")
def pages():
    table, cluster = county(schools=24, years=9, clusters=4)
    rolls = rolls_from(table, published=True)
    groups = {"cluster": cluster, "all schools": pd.Series("Made county", rolls.places)}
    made = forecast(history_of(rolls, cluster), rolls.places, groups, years=4)
    flow = ("border and independent schools: flows, last year", "Made county", 2026, "Year 7", 2412.0, 2436.0,
            "flows of 2025/26", 0.061, 0.098, 410.0, 0.999)  # fmt: skip
    told = pd.DataFrame([flow], columns=[*COLUMNS, *SHARES])
    made = replace(made, groundwork=told)
    codes = [f"E{number}" for number in range(4)]
    frame = gpd.GeoDataFrame({"name": codes}, index=codes, crs=27700,
                             geometry=[shapely.box(1000 * n, 0, 1000 * n + 1000, 1500) for n in range(4)])  # fmt: skip
    layer = Boundaries("lsoa21", frame, Source("Four boxes", "nobody"))
    intake = np.nan_to_num(rolls.pupils[:, -1, 0]) + np.nan_to_num(rolls.pupils[:, -1, 7])
    spare = [1.0, 1.04, 1.08, 1.3]
    pan = pd.Series(intake, rolls.places) * [spare[int(name[1]) % 4] for name in cluster.reindex(rolls.places)]
    places = pd.DataFrame({"places": pan * 7, "pan": pan.round()})
    ahead = forecast_book(
        made, SOURCES, top="all schools", level="cluster", places=places, boundaries=layer,
        area_groups=pd.Series(["C0", "C1", "C2", "C3"], codes), published=True, title="Pupils to come: a made county",
    )  # fmt: skip
    tried = backtest_book(made.past, SOURCES, top="all schools", published=True, groundwork=told)
    return {"forecast": ahead, "backtest": tried}


@pytest.mark.parametrize("which", ["forecast", "backtest"])
def test_what_was_done_to_the_data_is_a_table_that_fits_a_telephone(show, pages, which):
    page = show(pages[which], wait=False).page
    page.set_viewport_size({"width": 390, "height": 800})
    table = page.get_by_role("region", name="Border and independent schools: flows, last year")
    text = table.inner_text()
    for words in ("Residents", "2,412", "6.1%", "9.8%", "410", "Intake here", "2,436", "flows of 2025/26"):
        assert words in text, words
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("which", ["forecast", "backtest"])
def test_the_page_opens_quietly_without_a_network_and_axe_finds_nothing(show, pages, which):
    seen = show(pages[which], bypass_csp=True, wait=False)
    seen.page.wait_for_load_state()
    assert seen.requests == [] and seen.errors == []
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert axe(seen.page) == []


def test_the_slider_moves_the_year_by_keyboard(show, pages):
    page = show(pages["forecast"], wait=False).page
    slider = page.locator("#year")
    assert page.locator("#year-said").inner_text() == "2026/27"
    slider.focus()
    before = [path.get_attribute("fill") for path in page.locator("svg.map path").all()]
    assert len(set(before)) > 1
    page.keyboard.press("ArrowRight")
    assert page.locator("#year-said").inner_text() == "2027/28"
    assert slider.get_attribute("aria-valuetext") == "2027/28"
    page.keyboard.press("End")
    assert page.locator("#year-said").inner_text() == "2029/30"
    marked = page.locator("[data-intake='0'] th.is-now")
    assert marked.count() == 1 and marked.inner_text() == "2029/30"
    page.keyboard.press("Home")
    assert [path.get_attribute("fill") for path in page.locator("svg.map path").all()] == before


def test_another_intake_has_its_own_table(show, pages):
    page = show(pages["forecast"], wait=False).page
    assert page.locator("[data-intake='0']").is_visible() and not page.locator("[data-intake='1']").is_visible()
    page.locator("input[name=intake]").nth(1).check()
    assert page.locator("[data-intake='1']").is_visible() and not page.locator("[data-intake='0']").is_visible()


def test_every_forecast_has_its_past_error_beside_it(show, pages):
    page = show(pages["forecast"], wait=False).page
    for table in page.locator("section[aria-labelledby=numbers] table").all():
        heads = table.locator("thead th").all_inner_texts()
        at = heads.index("Past error")
        for row in table.locator("tbody tr").all():
            assert row.locator("th,td").nth(at).inner_text().endswith("%")


@pytest.mark.parametrize("width", [390, 320])
def test_it_is_read_on_a_narrow_screen(show, pages, width):
    page = show(pages["forecast"], wait=False).page
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("which", ["forecast", "backtest"])
def test_a_wide_table_is_scrolled_by_keyboard_and_its_years_stay_on_one_line(show, pages, which):
    page = show(pages[which], wait=False).page
    page.set_viewport_size({"width": 390, "height": 800})
    table = page.locator("section[aria-labelledby=numbers] .wide").first
    assert table.get_attribute("tabindex") == "0" and table.get_attribute("role") == "region"
    assert table.get_attribute("aria-label") == table.locator("caption").inner_text()
    assert table.evaluate("each => each.scrollWidth > each.clientWidth")
    table.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert table.evaluate("each => each.scrollLeft") > 0
    assert table.locator("tbody th").first.evaluate("each => getComputedStyle(each).whiteSpace") == "nowrap"
