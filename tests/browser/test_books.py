"""The standard pages of the embedded place, as a head teacher and a planner open them."""

from __future__ import annotations

import pytest
from browser.chromium import axe
from reporting import placed

import geoplan as gp

SCHOOL = "900029"


@pytest.fixture(scope="module")
def books():
    _, schools, areas, people = placed()
    return {
        "place": gp.place_book(people, schools, areas[0], "Medway"),
        "school": gp.community_book(people, schools, areas[0], SCHOOL),
        "name": schools.frame.loc[SCHOOL, "name"],
        "postcodes": people.people["postcode"].dropna().unique(),
    }


@pytest.mark.browser
@pytest.mark.parametrize("which", ["place", "school"])
def test_the_page_opens_quietly_and_axe_finds_nothing(show, books, which):
    seen = show(books[which], bypass_csp=True)
    assert seen.requests == [] and seen.errors == []
    assert "Invented data" in seen.text("header")
    assert axe(seen.page) == []


@pytest.mark.browser
def test_search_finds_a_school_and_shows_who_it_serves(show, books):
    seen = show(books["place"])
    seen.page.fill("#geoplan-search", books["name"][:12])
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    card = seen.text("#geoplan-card")
    assert books["name"] in card
    assert "Who comes" in card and "Schools most like it" in card and "against" in card


@pytest.mark.browser
def test_a_tap_shows_the_areas_numbers(show, books):
    seen = show(books["place"])
    box = seen.page.locator("#map_page").bounding_box()
    seen.page.mouse.click(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.25)
    assert "Medway 0" in seen.text("#geoplan-card")
    assert "pupils" in seen.text("#geoplan-card").lower()


@pytest.mark.browser
def test_a_schools_page_opens_where_its_pupils_live_and_whole_area_goes_back(show, books):
    seen = show(books["school"])
    before = seen.page.screenshot(clip=seen.page.locator("#map_page").bounding_box())
    seen.page.click("button[data-move='whole']")
    seen.page.wait_for_timeout(300)
    after = seen.page.screenshot(clip=seen.page.locator("#map_page").bounding_box())
    assert before != after


def test_no_pupils_postcode_is_in_any_page(books):
    """Not in the page, and not in its packed blocks."""
    from maps.pages import everything

    for which in ("place", "school"):
        text = everything(books[which].to_html())
        assert not [postcode for postcode in books["postcodes"] if postcode in text]
        assert not [postcode for postcode in books["postcodes"] if postcode.replace(" ", "") in text]


def test_the_fingerprint_of_a_file_about_people_is_in_no_page(books):
    pupils = next(source for source in books["school"].sources if source.file == "pupils.csv")
    assert pupils.personal and pupils.fingerprint
    assert pupils.fingerprint[:12] not in books["school"].to_html()
    published = next(source for source in books["school"].sources if source.file == "lsoa11.fgb")
    assert published.fingerprint[:12] in books["school"].to_html()
