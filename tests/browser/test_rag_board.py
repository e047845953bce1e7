"""The board in a real browser: filter by cluster, category and colour, by keyboard; sorted; a map; no fault for axe."""

from __future__ import annotations

import pandas as pd
import pytest
from browser.chromium import axe
from conftest import DRAWN, SOUTH, WEST, make_boundaries
from ragtown import FSM, SURPLUS, make_board, make_rules

from geoplan.rag_changes import changes, record
from geoplan.reports.outlines import simplify_outlines
from geoplan.reports.rag_board import RagPage, RulesPage

ROWS = ".board tbody tr:not([hidden])"


def town(roll=(300, 205, 95, 89, None, 419, 300, 88, 70)):
    rules = make_rules(SURPLUS, FSM | {"compare_with": ["all schools"]}, about={"groups": ["cluster"]},
                       roll_up={"rule": "worst"})  # fmt: skip
    return make_board(
        rules, places=[420, 210, 100, 100, 100, 420, 420, 100, 100], roll=roll,
        fsm_percent=[5, 10, 15, 20, 25, 30, 35, 40, None], phase=["Primary"] * 6 + ["Secondary"] * 3,
        cluster=["North", "North", "South", "South", "South", "East", "East", "East", ""],
    )  # fmt: skip


@pytest.fixture(scope="module")
def page():
    board = town()
    spots = pd.DataFrame(
        {"easting": [WEST + 300.0 * n for n in range(9)], "northing": [SOUTH + 250.0 * n for n in range(9)]},
        index=board.schools.index,
    )
    spots.loc["9"] = float("nan")
    before = record(town((300, 160, 95, 89, None, 419, 300, 88, 70)), "January 2025")
    return RagPage(board, (DRAWN,), spots, simplify_outlines(make_boundaries()), changes(before, record(board, "2026")))


def names(seen):
    return [text.split("\n")[0] for text in seen.page.locator(f"{ROWS} .name").all_inner_texts()]


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("which", ["board", "rules"])
def test_it_opens_quietly_axe_finds_nothing_and_nothing_runs_off_the_side(show, page, which, width):
    book = page if which == "board" else RulesPage(page.board.rules)
    seen = show(book, width=width, wait=which == "board", bypass_csp=True)
    assert (axe(seen.page), seen.errors, seen.requests) == ([], [], [])
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_of_the_page_lets_its_own_script_run_and_no_other(show, page):
    seen = show(page)
    assert seen.errors == []
    assert "default-src 'none'" in seen.page.content()


def test_filter_by_cluster_leaves_its_schools_in_the_board_and_on_the_map(show, page):
    seen = show(page)
    assert len(names(seen)) == 9
    seen.page.get_by_label("Cluster", exact=True).select_option("South")
    assert names(seen) == ["School 3", "School 4", "School 5"]
    seen.wait_for_text("#status", "3 of 9 schools chosen.")
    assert seen.page.locator("#marks > g:visible").count() == 3
    assert seen.page.locator("#map").get_attribute("viewBox") != seen.page.locator("#map").get_attribute("data-home")
    seen.page.get_by_role("button", name="Show all").click()
    seen.wait_for_text("#status", "9 schools.")
    assert seen.page.locator("#marks > g:visible").count() == 8


def test_filter_by_category_and_colour(show, page):
    seen = show(page)
    seen.page.get_by_label("Category", exact=True).select_option("Surplus places")
    assert seen.page.locator(".board thead th:visible").count() == 2
    assert seen.page.get_by_label("The map shows", exact=True).input_value() == "0"
    seen.page.get_by_label("Colour", exact=True).select_option("red")
    assert names(seen) == ["School 1", "School 7", "School 9"]
    seen.page.get_by_label("Colour", exact=True).select_option("no-data hidden")
    assert names(seen) == ["School 5"]


def test_the_keyboard_is_enough(show, page):
    seen = show(page)
    keys = seen.page.keyboard
    keys.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.get_by_label("Cluster", exact=True).focus()
    keys.type("East")
    keys.press("Tab")
    assert names(seen) == ["School 6", "School 7", "School 8"]
    reached = set()
    for _ in range(30):
        reached.add(
            seen.page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')")
        )
        keys.press("Tab")
    assert {"category", "colour", "find", "sort", "board", "shown"} <= reached
    seen.page.get_by_label("School", exact=True).fill("school 8")
    assert names(seen) == ["School 8"]


def test_the_board_is_sorted_worst_first(show, page):
    seen = show(page)
    seen.page.get_by_label("Order").select_option("Unfilled places, worst first")
    order = names(seen)
    assert order[:3] == ["School 9", "School 1", "School 7"]
    assert order[-1] == "School 5"  # no figure: last, never among the green
    assert seen.page.locator("th[aria-sort]").inner_text().endswith("Unfilled places")
    seen.page.get_by_label("Order").select_option("reds")
    assert names(seen)[0] == "School 7"


def test_colour_never_speaks_alone(show, page):
    seen = show(page)
    cells = seen.page.locator(".board tbody td").all_inner_texts()
    assert all(text.split()[0] in "●▲■◆○▨–" and text.split()[1] for text in cells)
    red = seen.page.locator("#s1 td").first.inner_text()
    assert "Red" in red
    assert "28.6%" in red
    assert "25% or more, and the number of unfilled places 30 or more" in red
    assert "Amber with 16 pupils more" in red
    shapes = seen.page.locator("#marks path").evaluate_all(
        "paths => paths.map(p => [p.getAttribute('class'), p.getAttribute('d')])"
    )
    by_class = {kind: {d for k, d in shapes if k == kind} for kind, _ in shapes}
    assert all(len(found) == 1 for found in by_class.values())
    assert len(set.union(*by_class.values())) == len(by_class) == 4


def test_the_map_shows_the_indicator_chosen_and_leads_to_the_row(show, page):
    seen = show(page)
    mark = seen.page.locator("#marks g[data-row='0'] path")
    assert mark.get_attribute("class") == "k-red"
    seen.page.get_by_label("The map shows", exact=True).select_option("Free meals")
    assert mark.get_attribute("class") == "k-green"
    seen.page.locator("#marks g[data-row='7']").click()
    assert seen.page.locator("tr.found .name").inner_text() == "School 8"
    assert "1 of 9 schools has no known position" in seen.text("body")


def test_it_reads_without_its_script(show, page):
    seen = show(page, wait=False, java_script_enabled=False)
    assert seen.page.locator(".board tbody tr").count() == 9
    assert seen.page.locator("form:visible").count() == 0
    assert "What changed since January 2025" in seen.text("body")


def test_names_are_text(show, page):
    hostile = "<img src=x onerror=alert(1)>${1+1}"
    board = town()
    names_ = board.schools.assign(name=[hostile, *board.schools["name"][1:]])
    from dataclasses import replace

    seen = show(replace(page, board=replace(board, schools=names_)))
    assert hostile in names(seen)
    assert (seen.errors, seen.requests) == ([], [])
