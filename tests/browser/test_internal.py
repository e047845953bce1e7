"""A page of exact numbers: the marking is seen at its top, on a narrow screen too, and on every sheet of its print."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from drawn_designs import drawn

from geoplan.io.internal import inside_words, mark_html


@pytest.fixture
def path(tmp_path):
    page, *_ = drawn()
    file = tmp_path / "OFFICIAL-SENSITIVE_design.html"
    file.write_text(mark_html(page, inside_words("trying <i>designs</i> before the panel")), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [1280, 390])
def test_the_marking_is_the_first_that_is_seen(running, path, width):
    context = running.new_context(offline=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    banner = page.locator(".internal-marking")
    assert said == [] and page.title().startswith("OFFICIAL-SENSITIVE: ")
    assert "trying <i>designs</i> before the panel" in banner.inner_text()  # words, not markup
    assert banner.bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
    assert banner.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(122, 15, 31)"  # the policy lets it
    assert not page.locator(".internal-running").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_every_sheet_of_the_print_says_it(running, path, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    context = running.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.pdf(path=tmp_path / "print.pdf", format="A4")
    context.close()
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "print.pdf", "-"], capture_output=True, check=True).stdout
    sheets = text.decode("utf-8").split("\f")[:-1]
    assert sheets and all("OFFICIAL-SENSITIVE" in sheet for sheet in sheets)
