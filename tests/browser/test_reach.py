"""The pages about a service as an analyst and a lead member open them: by keyboard, on a phone, on paper."""

from __future__ import annotations

import io
import shutil

import pytest
from browser.chromium import axe
from typer.testing import CliRunner

import geoplan as gp
from geoplan.cli.main import app

SERVICE = ["--key", "family_id", "--base", "year_group=5,6", "--by", "segment"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Each page as the command line writes it, in one office: the later ones know what the earlier ones released."""
    folder = tmp_path_factory.mktemp("medway") / "medway"
    shutil.copytree(gp.demo_folder(), folder)
    at = ["-p", str(folder / "geoplan.toml")]
    files = {name: folder / f"{name}.html" for name in ("analyst", "note", "preferences", "survey")}
    sites = ["--what-if", str(folder / "advice_sites.csv"), "--per-km", "0.3", "--place", "2"]
    before = ["--since", "callers_2024", "--since-base", "pupils_previous"]
    more = ["--by", "msoa11", "-o", str(files["analyst"]), "--note", str(files["note"])]
    applications = [str(folder / "applications.csv"), "--phase", "Secondary", "--by", "segment", "--by", "fsm"]
    for words in (
        ["reach", "callers_2025", *SERVICE, *more, *before, *sites],
        ["preferences", *applications, "-o", str(files["preferences"])],
        ["survey", "callers_2025", *SERVICE, "-o", str(files["survey"])],
    ):
        done = CliRunner().invoke(app, [*words, *at])
        assert done.exit_code == 0, done.output
    return {name: path.read_text(encoding="utf-8") for name, path in files.items()}


def opened(show, pages, which, **options):
    seen = show(pages[which], wait=which == "analyst", **options)
    seen.page.wait_for_load_state()
    return seen


@pytest.mark.parametrize("which", ["analyst", "note", "preferences", "survey"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_quietly_axe_finds_nothing_and_nothing_runs_off_the_side(show, pages, which, width):
    seen = opened(show, pages, which, bypass_csp=True, width=width)
    assert seen.requests == [] and seen.errors == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(seen.page) == []


def test_the_analyst_changes_the_map_and_finds_an_area_by_keyboard_alone(show, pages):
    seen = opened(show, pages, "analyst")
    legend = ".legend:not([hidden])"
    before = seen.text(legend)
    assert "under-reached segments" in before and "hidden" in before
    focus = "document.activeElement.type || ''"
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate(focus) == "radio":
            break
    assert seen.page.evaluate(focus) == "radio"
    seen.page.keyboard.press("ArrowDown")
    seen.page.locator(legend, has_text="Index").wait_for()
    assert seen.text(legend) != before
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement.id") == "geoplan-search":
            break
    seen.page.keyboard.type("E02003328")
    seen.page.keyboard.press("Enter")
    card = seen.text("#geoplan-card")
    assert "E02003328" in card and "Callers" in card


def test_the_tables_have_headings_and_the_figures_of_the_command_line(show, pages):
    seen = opened(show, pages, "analyst")
    rows = seen.page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.innerText.includes('clearly fewer'))"
        ".map(t => [...t.rows].map(r => [...r.cells].map(c => c.innerText)))[0]"
    )
    assert rows[0][:5] == ["Segment", "Name", "Callers", "Pupils", "Reach"]
    estates = next(row for row in rows if row[1] == "Outer estates")
    assert estates[2:] == ["80", "1,585", "5%", "64", "51", "79", "clearly fewer"]
    heads = "[...document.querySelectorAll('table thead th')].every(th => th.scope === 'col')"
    assert seen.page.evaluate(heads)


def test_what_a_lead_member_is_told_fits_one_side_of_a4_with_the_sources_overleaf(show, pages):
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed: pip install geoplan[test]")
    seen = opened(show, pages, "note")
    sheets = pypdf.PdfReader(io.BytesIO(seen.page.pdf(prefer_css_page_size=True))).pages
    assert len(sheets) <= 2
    front = " ".join(sheets[0].extract_text().split())
    for words in (
        "Reached less than their share: Outer estates (16% of callers, 25% of all)",
        "would make it even",
        "Where the under-reached live",
        "Outer estates: index 41 to 64, up by more than chance would move it.",
    ):
        assert words in front


def test_wide_tables_are_scrolled_by_keyboard_on_a_phone(show, pages):
    seen = opened(show, pages, "preferences", width=390)
    for _ in range(10):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement.className") == "scroll":
            break
    assert seen.page.evaluate("document.activeElement.className") == "scroll"
    for _ in range(5):
        seen.page.keyboard.press("ArrowRight")
    seen.page.wait_for_timeout(400)
    assert seen.page.evaluate("document.activeElement.scrollLeft") > 0


def test_every_outcome_is_read_side_by_side(show, pages):
    seen = opened(show, pages, "preferences")
    first = seen.page.evaluate("[...document.querySelector('table').rows[0].cells].map(c => c.innerText)")
    assert first[2:] == [
        "Applicants",
        "First choice",
        "Any choice",
        "Nearest first",
        "Nearest named",
        "Nearest offered",
    ]


def test_the_survey_says_what_to_do(show, pages):
    seen = opened(show, pages, "survey")
    assert "below 20%, do another study" in seen.text(".finding")
    assert seen.page.locator("td", has_text="below 20%: another study").count() >= 8
