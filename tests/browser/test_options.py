"""The page to compare options on: swipe by keyboard, what differs, one's own postcode, no network."""

from __future__ import annotations

import pytest
from browser.chromium import axe
from reporting import placed

from geoplan.drawn_catchments import lookup_table
from geoplan.effects import residents_of
from geoplan.plan_books import options_book, options_report
from geoplan.plan_tables import protect_options
from geoplan.plan_words import OptionFacts


@pytest.fixture(scope="module")
def made():
    place, schools, areas, people = placed()
    plans = {name: place.catchments(role) for name, role in (("Today", "today"), ("Option B", "option_b"))}
    frame = schools.frame
    tables = protect_options(
        plans, residents_of(people.where(year_group=["7", "8", "9", "10", "11"]), "lsoa11"),
        base_name="pupils in years 7 to 11", sites=frame, places=frame["places"].astype("Float64").astype(float),
        clusters=frame["cluster"],
    )  # fmt: skip
    facts = OptionFacts(
        frame, people.sources, schools.source, areas[0], lookup_table(plans, place.postcodes()), entry_year=2028
    )
    today = plans["Today"]
    moving = [area for area in today.areas if today.table[area] != "900050"][:60]
    many = {"Today": today, "Large": today.move(moving, to="900050", name="Large")}
    large = protect_options(
        many, residents_of(people.where(year_group=["7", "8"]), "lsoa11"), base_name="pupils in years 7 and 8"
    )
    more = OptionFacts(frame, people.sources, schools.source, areas[0], lookup_table(many, place.postcodes()))
    return {"page": options_book(tables, facts), "report": options_report(tables, facts),
            "large": options_book(large, more), "moving": moving}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("which", ["page", "report", "large"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_quietly_and_axe_finds_nothing(show, made, which, width):
    seen = show(made[which], bypass_csp=True, width=width, height=844, wait=which != "report")
    assert seen.requests == [] and seen.errors == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    if which != "report":
        seen.page.check("#geoplan-swipe-on")
    assert axe(seen.page) == []


def sides(page) -> list[str]:
    """What of each layer's picture is cut off."""
    return page.evaluate(
        "[...document.querySelectorAll('.leaflet-geoplan-areas-pane canvas, .leaflet-pane canvas')]"
        ".map(canvas => canvas.style.clipPath).filter(Boolean)"
    )


@pytest.mark.browser
def test_the_line_moves_by_keyboard_and_by_buttons(show, made):
    page = show(made["page"]).page
    assert sides(page) == [] and page.locator("#geoplan-swipe-slider").is_hidden()
    page.focus("#geoplan-swipe-on")
    page.keyboard.press("Space")
    assert page.locator("#geoplan-map-title").inner_text() == "Left: Today. Right: Option B."
    assert len(sides(page)) == 4  # areas and outlines of both plans
    line = page.locator("#geoplan-swipe-line")
    before = line.bounding_box()["x"]
    page.focus("#geoplan-swipe-at")
    page.keyboard.press("ArrowLeft")
    assert line.bounding_box()["x"] < before
    assert page.get_attribute("#geoplan-swipe-at", "aria-valuetext") == "45% of the map shows Today"
    cut = sides(page)
    page.click("button[data-swipe='100']")
    assert sides(page) != cut and page.input_value("#geoplan-swipe-at") == "100"
    page.select_option("#geoplan-swipe-right", label="What differs: Option B")
    assert page.locator("#geoplan-map-title").inner_text() == "Left: Today. Right: What differs: Option B."
    page.check("input[name=geoplan-areas][value='1']")
    assert sides(page) == [] and not page.is_checked("#geoplan-swipe-on") and line.is_hidden()
    assert page.locator("#geoplan-map-title").inner_text() == "Option B"


@pytest.mark.browser
def test_what_is_swiped_and_where_the_line_is_are_said(show, made):
    seen = show(made["page"])
    page = seen.page
    page.check("#geoplan-swipe-on")
    assert seen.text("#geoplan-status") == "Left: Today. Right: Option B."
    page.select_option("#geoplan-swipe-left", label="Option B")
    page.select_option("#geoplan-swipe-right", label="Today")
    assert seen.text("#geoplan-status") == "Left: Option B. Right: Today."
    page.click("button[data-swipe='0']")
    assert seen.text("#geoplan-status") == "0% of the map shows Option B"
    page.uncheck("#geoplan-swipe-on")
    assert seen.text("#geoplan-status") == "One map"


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_line_is_dragged_by_mouse_and_by_finger(show, made, width):
    seen = show(made["page"], width=width, height=844)
    page, line = seen.page, seen.page.locator("#geoplan-swipe-line")
    page.check("#geoplan-swipe-on")
    line.scroll_into_view_if_needed()
    cut, frame = sides(page), page.locator("#map_page").bounding_box()
    x, y = frame["x"] + frame["width"] / 2, line.bounding_box()["y"] + line.bounding_box()["height"] / 2
    to = frame["x"] + frame["width"] / 4
    if width == 1280:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(to, y, steps=4)
        page.mouse.up()
    else:
        finger = page.context.new_cdp_session(page)
        for kind, points in (("touchStart", [x]), ("touchMove", [(x + to) / 2]), ("touchMove", [to]), ("touchEnd", [])):
            given = [{"x": at, "y": y} for at in points]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})
        seen.wait_for_text("#geoplan-status", "25% of the map shows Today")
    assert page.input_value("#geoplan-swipe-at") == "25" and sides(page) != cut
    assert seen.text("#geoplan-status") == "25% of the map shows Today"
    page.mouse.move(x, y)  # let go: the line stays
    assert page.input_value("#geoplan-swipe-at") == "25"


@pytest.mark.browser
def test_sixty_areas_that_move_are_on_the_map_and_what_differs_beside_them(show, made):
    seen = show(made["large"])
    page = seen.page
    page.check("text=Who moves: Large")
    assert page.locator("#geoplan-map-title").inner_text() == "Who moves: Large"
    table = page.locator("section[data-table]:not(.not-shown) tbody tr")
    assert table.count() == 60
    code, number = made["moving"][7], table.nth(7).locator("td").nth(2).inner_text()
    page.fill("#geoplan-search", code)
    page.keyboard.press("Enter")
    assert number in seen.text("#geoplan-card") and "Pupils who change school" in seen.text("#geoplan-card")
    page.check("text=What differs: Large")
    page.fill("#geoplan-search", code)
    page.keyboard.press("Enter")
    assert "another school" in seen.text("#geoplan-card")


@pytest.mark.browser
def test_the_line_keeps_its_place_when_the_map_moves(show, made):
    page = show(made["page"]).page
    page.check("#geoplan-swipe-on")
    before = sides(page)
    page.click("button[data-move='right']")
    page.click("button[data-move='in']")
    page.wait_for_timeout(400)
    frame, line = page.locator("#map_page").bounding_box(), page.locator("#geoplan-swipe-line").bounding_box()
    assert abs(line["x"] + line["width"] / 2 - frame["x"] - frame["width"] / 2) < 3
    assert len(sides(page)) == len(before)


@pytest.mark.browser
def test_a_family_looks_its_own_postcode_up(show, made):
    seen = show(made["page"])
    page = seen.page
    page.fill("#geoplan-postcode", "me7 1ab")
    page.keyboard.press("Enter")
    answer = seen.text("#geoplan-answer")
    assert "ME7 1" in answer and "Today" in answer and "Option B" in answer and "The plans divide this sector" in answer
    page.fill("#geoplan-postcode", "me7 1a")  # not yet whole
    page.keyboard.press("Enter")
    assert "ME7 1" in seen.text("#geoplan-answer") and "of its postcodes" in seen.text("#geoplan-answer")
    page.fill("#geoplan-postcode", "ME2 2")
    page.click("text=Look up")
    assert "Beaconfold Academy" in seen.text("#geoplan-answer") and "divide" not in seen.text("#geoplan-answer")
    page.fill("#geoplan-postcode", "SW1A 1AA")
    page.keyboard.press("Enter")
    assert "No such postcode sector" in seen.text("#geoplan-answer")
    page.fill("#geoplan-postcode", "")
    page.focus("#geoplan-postcode")
    page.keyboard.type("zz")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the button
    assert "No such postcode sector" in seen.text("#geoplan-answer")
    assert page.get_attribute("#geoplan-answer", "role") == "status"
    assert seen.requests == []


@pytest.mark.browser
def test_an_area_found_by_name_shows_its_school_under_every_plan(show, made):
    seen = show(made["page"])
    seen.page.fill("#geoplan-search", "E01016030")
    seen.page.keyboard.press("Enter")
    card = seen.text("#geoplan-card")
    assert "Catchment school, Today" in card and "Option B" in card


@pytest.mark.browser
@pytest.mark.parametrize("which", ["page", "report"])
def test_who_changes_cluster_is_a_table_that_says_what_a_cluster_is(show, made, which):
    text = show(made[which], wait=which == "page").page.locator("body").inner_text()
    assert "Who changes cluster: Option B" in text and "A cluster is the council's own group of schools" in text
    assert "Not shown: clusters whose children would be divided" in text


@pytest.mark.browser
def test_the_report_has_no_script(made):
    assert "<script" not in made["report"].to_html()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_reports_maps_stand_beside_each_other_and_fit(show, made, width):
    page = show(made["report"], width=width, wait=False).page
    boxes = [each.bounding_box() for each in page.locator("svg.catchments").all()]
    assert len(boxes) == 2 and all(box["x"] + box["width"] <= width for box in boxes)
    assert (boxes[0]["y"] == boxes[1]["y"]) == (width == 1280)
    assert page.locator("svg.catchments text", has_text="A").count() >= 2
