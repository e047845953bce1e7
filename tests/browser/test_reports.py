"""The head's page as a head opens it: by keyboard alone, on a phone, with a screen reader, and on paper."""

from __future__ import annotations

import io

import pytest
from browser.chromium import axe
from reporting import full_report, medway

from geoplan.reports import cluster_page

A4_PX = (794, 1123)  # at 96 dots an inch


@pytest.fixture(scope="module")
def pages():
    return {
        "head": full_report().to_html(),
        "cluster": cluster_page(medway().shared, medway().tables, cluster="Chatham").to_html(),
    }


@pytest.mark.parametrize("which", ["head", "cluster"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_quietly_axe_finds_nothing_and_nothing_runs_off_the_side(show, pages, which, width):
    seen = show(pages[which], wait=False, bypass_csp=True, width=width)
    assert seen.requests == [] and seen.errors == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(seen.page) == []


def test_the_keyboard_skips_to_the_report(show, pages):
    seen = show(pages["head"], wait=False)
    seen.page.wait_for_load_state()
    seen.page.keyboard.press("Tab")
    focus = "document.activeElement.className + ' ' + document.activeElement.id"
    assert seen.page.evaluate(focus).split() == ["skip"]
    box = seen.page.locator(".skip").bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0  # it is seen when it has the focus
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate(focus).split() == ["main"]


def test_wide_tables_of_a_cluster_are_scrolled_by_keyboard(show, pages):
    seen = show(pages["cluster"], wait=False, width=390)
    seen.page.wait_for_load_state()
    for _ in range(2):
        seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "scroll"
    for _ in range(5):
        seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_timeout(400)
    assert seen.page.evaluate("document.activeElement.scrollLeft") > 0


def test_it_prints_on_one_sheet_of_a4_and_nothing_is_cropped(show, pages):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed: pip install geoplan[test]")
    seen = show(pages["head"], wait=False)
    seen.page.wait_for_load_state()
    printed = pypdf.PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == 1
    assert [round(float(side)) for side in printed.pages[0].mediabox[2:]] in ([595, 842], [596, 842])
    words = printed.pages[0].extract_text()
    for word in ("Who comes", "Where they come from", "What changed", "How to challenge", "Small numbers are"):
        assert word in words


def test_on_paper_nothing_is_wider_than_the_sheet(show, pages):
    seen = show(pages["head"], wait=False, width=A4_PX[0] - 83, height=A4_PX[1])
    seen.page.emulate_media(media="print")
    wide = seen.page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert wide == 0


def test_text_can_be_twice_as_large(show, pages):
    seen = show(pages["head"], wait=False, width=640)
    seen.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
