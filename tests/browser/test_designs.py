"""The page of a design: nothing fetched, no complaint, a table by every picture, a narrow screen, the keyboard."""

from __future__ import annotations

import pytest
from browser.chromium import axe
from drawn_designs import drawn


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    page, *_ = drawn()
    file = tmp_path_factory.mktemp("design") / "design.html"
    file.write_text(page, encoding="utf-8")
    return file


def test_the_page_opens_alone_and_says_nothing_on_the_console(running, path):
    context = running.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()] and said == []
    title, finding = page.locator("h1").inner_text(), page.locator(".finding").inner_text()
    assert title.startswith("Catchments designed: Option D. ")
    assert finding.startswith(title.removeprefix("Catchments designed: Option D. "))  # the title says what was found
    assert page.locator("svg.catchments").count() == 2
    for picture in page.locator("svg[role=img]").all():
        assert "table" in picture.locator("title").first.text_content()
    # the letters of the second map are those of the table
    letters = {
        each.text_content() for each in page.locator("svg.catchments").nth(1).locator("g[font-weight] text").all()
    }
    column = page.get_by_role("region", name="Catchments").locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert letters <= set(column) and len(letters) == 3
    context.close()


def test_the_areas_that_move_open_by_the_keyboard(running, path):
    context = running.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    region = page.get_by_role("region", name="Areas that change school")
    assert not region.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert region.is_visible() and region.locator("tbody tr").count() >= 1
    context.close()


def test_the_curve_has_the_figures_of_its_table(running, path):
    context = running.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    marks = [text for text in page.locator("svg.curve text").all_text_contents() if len(text) == 1]
    rows = page.get_by_role("region", name="as a table").first.locator("tbody th").all_inner_texts()
    assert marks == rows and len(rows) >= 2
    context.close()


def test_the_trade_off_of_several_has_a_mark_for_each_row_and_scrolls_on_a_narrow_screen(running, path):
    context = running.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(path.as_uri())
    words = page.locator("svg.surface text").all_text_contents()
    rows = page.get_by_role("region", name="Designs that trade").nth(1).locator("tbody th").all_inner_texts()
    assert [word.split(":")[0] for word in words if word.split(":")[0] in rows] == rows and len(rows) >= 3
    assert "This design" in words and "Today" in words
    # letters stay readable: the picture scrolls and does not shrink
    assert page.locator("svg.surface").bounding_box()["width"] == 720
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_it_is_accessible_and_fits_the_screen(running, path, width):
    context = running.new_context(offline=True, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
    context.close()
