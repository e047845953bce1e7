"""What stands on the pages about options: layers, pictures, titles; all from protected tables and public facts."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.effects import Residents
from geoplan.io.releases import facts_in, tables_in
from geoplan.plan_books import options_book, options_report
from geoplan.plan_tables import protect_options
from geoplan.plan_words import OptionFacts, headline
from geoplan.readback import Shown, check_bytes
from geoplan.sources import Source

SIDE = 12
CODES = [f"E{at:03}" for at in range(SIDE * SIDE)]
OURS = Source("Drawn areas", publisher="nobody")
TODAY = CatchmentPlan("Today", "lsoa21", pd.Series(["101"] * 48 + ["102"] * 48 + ["103"] * 48, index=CODES))
MANY = TODAY.move(CODES[:45], to="102", name="Option 1")
FEW = TODAY.move(CODES[48:50], to="101", name="Option 2")


def boundaries() -> Boundaries:
    at = np.arange(SIDE * SIDE)
    x, y = 575_000 + 500.0 * (at % SIDE), 165_000 + 500.0 * (at // SIDE)
    frame = gpd.GeoDataFrame(
        {"name": [f"Place {number}" for number in at]}, index=CODES, geometry=shapely.box(x, y, x + 500, y + 500),
        crs=27700,
    )  # fmt: skip
    return Boundaries("lsoa21", frame, OURS)


def facts(**more) -> OptionFacts:
    schools = pd.DataFrame(
        {"name": ["First School", "Second School", "Third School"], "easting": [577_100.0] * 3,
         "northing": [166_100.0, 168_100.0, 170_100.0]}, index=["101", "102", "103"],
    )  # fmt: skip
    return OptionFacts(schools, (OURS,), OURS, boundaries(), **more)


def made(counts, options=(MANY, FEW), **more):
    area = np.repeat(np.arange(len(CODES)), counts)
    residents = Residents("lsoa21", area, pd.Index(CODES), {}, "pupils", 0)
    plans = {"Today": TODAY} | {plan.name: plan for plan in options}
    return protect_options(plans, residents, **more)


def layers_of(tables) -> dict:
    return {layer.title: layer for layer in options_book(tables, facts()).layers}


def checked(book) -> str:
    page = book.to_html()
    problems = check_bytes("x.html", "html", page.encode(), Shown(tables_in(book), facts_in(book))).problems
    assert problems == ()
    return page


def test_an_option_that_moves_many_areas_shows_who_moves_by_area():
    layers = layers_of(made([20] * len(CODES)))
    who = layers["Who moves: Option 1"]
    assert set(who.shapes.index) == set(MANY.moved_from(TODAY).index) and len(who.shapes) == 45
    assert set(who.shown.texts) == {"20"}
    assert set(layers["Who moves: Option 2"].shapes.index) == {"E048", "E049"}


def test_where_numbers_by_area_would_be_hidden_areas_between_two_schools_are_one_outline():
    tables = made([3] * len(CODES))
    layers = layers_of(tables)
    who = layers["Who moves: Option 1"]
    assert list(who.shapes["name"]) == ["First School to Second School"] and who.shown.texts == ("135",)
    assert who.shapes.geometry.iloc[0].area == pytest.approx(45 * 500 * 500)
    checked(options_book(tables, facts()))
    two = layers["Who moves: Option 2"]
    assert two.shown.texts == ("c",)  # six pupils


@pytest.mark.parametrize("count", [3, 20])
def test_what_differs_is_always_there_with_both_schools(count):
    layers = layers_of(made([count] * len(CODES)))
    for plan in (MANY, FEW):
        layer = layers[f"What differs: {plan.name}"]
        change, before, after = (column.texts for column in layer.columns)
        moved = {code for code, text in zip(layer.shapes.index, change, strict=True) if text == "another school"}
        assert moved == set(plan.moved_from(TODAY).index)
        assert {(before[at], after[at]) for at, text in enumerate(change) if text == "another school"} == (
            {("First School", "Second School")} if plan is MANY else {("Second School", "First School")}
        )


def test_the_report_begins_with_today_beside_each_option_and_a_key():
    report = options_report(made([20] * len(CODES)), facts())
    titles = [panel.title for panel in report.panels]
    assert titles[:3] == [
        "1. Boundaries and pupil numbers: Today beside Option 1",
        "1. Boundaries and pupil numbers: Today beside Option 2",
        "1. Boundaries and pupil numbers: Key to the maps",
    ]  # fmt: skip
    page = checked(report)
    assert page.count('<svg class="catchments"') == 4 and "<script" not in page
    words = re.findall(r'<svg class="catchments".*?<title>(.*?)</title>', page)
    assert words[1].startswith("Map of the catchments, Option 1: A First School; B Second School; C Third School.")
    assert "Hatched areas change school" in words[1] and "Hatched" not in words[0]
    assert len(set(re.findall(r'id="(moves-\w+)"', page))) == page.count('id="moves-')  # ids are there once
    assert "Third School</text>" in page
    key = report.panels[2].data
    assert key["letter"].tolist() == ["A", "B", "C"] and key["Option 1"].tolist() == [3.0, 93.0, 48.0]


def test_without_outlines_the_report_has_no_pictures():
    report = options_report(made([20] * len(CODES)), OptionFacts(facts().schools, (OURS,), OURS))
    assert "<svg class=" not in report.to_html().replace('<svg class="swatch"', "")


def test_the_title_says_what_the_options_do_in_printed_numbers():
    several = made([20] * len(CODES))
    assert headline(several) == "Option 1 moves about 900 pupils; Option 2 40"
    places = pd.Series({"101": 960.0, "102": 960.0, "103": 960.0})
    one = made([20] * len(CODES), (MANY,), places=places)
    assert headline(one) == (
        "Option 1 moves about 900 pupils; 1 of its catchments has more residents than places, none today"
    )
    assert headline(made([2] * len(CODES), (FEW,))) == "Option 2 moves too few to print"
    same = CatchmentPlan("Same", "lsoa21", TODAY.table)
    assert headline(made([20] * len(CODES), (same,))) == "Same moves nobody"
    four = [MANY, FEW] + [TODAY.move(CODES[:at], to="103", name=f"Option {at}") for at in (10, 20)]
    assert headline(made([20] * len(CODES), four)) == "4 options against Today move 40 to 900 pupils"
    assert options_book(several, facts()).title == options_report(several, facts()).title == headline(several)


def test_an_option_outside_the_layer_drawn_has_no_map_of_who_moves():
    tables = made([20] * len(CODES), (FEW,))
    away = facts()
    drawn = OptionFacts(away.schools, (OURS,), OURS, boundaries().only(CODES[60:]))
    assert "Who moves: Option 2" not in {layer.title for layer in options_book(tables, drawn).layers}


def test_a_school_without_a_catchment_under_a_plan_is_said_and_not_taken_for_missing_data():
    closing = TODAY.close("103", dict.fromkeys(CODES[96:], "102"), name="Closing the third")
    page = checked(options_book(made([20] * len(CODES), options=(closing, FEW)), facts()))
    assert "Under Closing the third no catchment, so \u201cno data\u201d: Third School." in page
    assert "Under Option 2 no catchment" not in page and "Under Today no catchment" not in page
