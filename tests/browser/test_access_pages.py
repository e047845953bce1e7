"""The pages about closures, small schools, free travel, sites and a new school, opened with the network shut."""

from __future__ import annotations

from datetime import date

import pytest
from browser.chromium import axe
from reporting import placed

from geoplan import access_books, access_tables, new_school_books
from geoplan.access import Reorganisation, closure_screen, old_rule, reorganise
from geoplan.areas import merge_areas
from geoplan.housing import NewSchool, need_for_places
from geoplan.sites import Criterion, measure_sites, rank_sites
from geoplan.travel import by_straight_line, points_of

SCHOOL = "900003"


@pytest.fixture(scope="module")
def pages():
    import pandas as pd

    _, schools, areas, people = placed()
    pupils, frame = people.people, schools.frame
    places, at = points_of(pupils)
    travel = by_straight_line(places, frame)
    names = frame["name"].to_dict()
    found = reorganise(pupils, frame, Reorganisation("Close", close=(SCHOOL,)), travel, at)
    larger = pupils[["lsoa11", "msoa11"]].dropna().astype("str").groupby("lsoa11")["msoa11"].agg(lambda c: c.mode()[0])
    tables = access_tables.protect_access(found, names, areas=pupils["msoa11"], kind="msoa11")
    rolls = pupils["school"].astype("str").value_counts()
    screen = closure_screen(pupils, frame, ["900001", SCHOOL], travel, at)
    shown = access_tables.protect_screen(screen, frame, rolls, old_rule(rolls), 3218.688)
    sizes = pd.DataFrame({"schools": [0.0]}, index=["fewer than 50 pupils"])
    options = pd.DataFrame(
        {"name": ["Depot", "Field"], "easting": [577000.0, 575800.0], "northing": [170500.0, 163000.0]},
        index=["N", "S"],
    )
    homes = pupils.dropna(subset=["easting"]).groupby(["easting", "northing"]).size().rename("children").reset_index()
    measured = measure_sites(options, homes, frame[frame["phase"] == "Primary"], 1609.344, 420)
    sites = new_school_books.protect_sites(*measured, "primary pupils, within 1 mile")
    values = new_school_books.scored_values(pd.DataFrame({"size": [2.4, 3.1]}, index=["N", "S"]), sites)
    criteria = [Criterion("size", 1), Criterion("reach", 2), Criterion("nearer for", 1, "less")]
    ranking = rank_sites(values, criteria)
    table = pd.DataFrame({"homes": [100], "low": [10], "pupils": [40], "high": [60]}, index=[2028])
    new = NewSchool("N", "New school", "primary", 577000.0, 168000.0, 210)
    groups = table[["low", "pupils", "high"]].set_axis(["R"])
    spec = new_school_books.Specification(
        new, need_for_places(table, 30), table, groups, 2028, date(2026, 11, 29), tuple(areas[0].codes[:3])
    )
    return {
        "specification": new_school_books.specification_book(spec, people.sources, schools, boundaries=areas[0]),
        "closure": access_books.closure_book(
            tables, people.sources, schools, [SCHOOL], merge_areas(areas[0], larger, "msoa11")
        ),
        "screen": access_books.screen_book(
            shown, people.sources, schools, reasonable="2 miles", unit="miles", below=20, sizes=sizes,
            boundaries=areas[0],
        ),
        "sites": new_school_books.sites_book(
            options, values, criteria, ranking, sites, schools, people.sources, within="1 mile", boundaries=areas[0]
        ),
    }  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("which", ["closure", "screen", "sites", "specification"])
def test_the_page_opens_quietly_and_axe_finds_nothing(show, pages, which):
    seen = show(pages[which], bypass_csp=True)
    assert seen.requests == [] and seen.errors == []
    assert "Invented data" in seen.text("header")
    assert axe(seen.page) == []


@pytest.mark.browser
def test_a_closure_says_who_goes_where_and_a_school_is_found_by_name(show, pages):
    seen = show(pages["closure"])
    body = seen.text("body")
    assert "Curlew Bank Infant School closes" in body and "Slipway Primary School" in body
    seen.page.fill("#geoplan-search", "Curlew Bank I")
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    assert "Curlew Bank Infant School" in seen.text("#geoplan-card")


@pytest.mark.browser
def test_nothing_runs_off_the_side_of_a_telephone(show, pages):
    seen = show(pages["screen"])
    seen.page.set_viewport_size({"width": 390, "height": 844})
    wide = seen.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
