"""The pages for heads speak of what is on the page, in its own words."""

from __future__ import annotations

import re
from pathlib import Path

from reporting import full_report

from geoplan.reports.words import CLOSE, FAIR, FEW, FEWER, MORE, SAME, closeness

DOCS = Path(__file__).parents[2] / "docs"
HOW = (DOCS / "how-to-read-a-profile.md").read_text(encoding="utf-8")
WHY = (DOCS / "why-your-school-may-not-look-like-this.md").read_text(encoding="utf-8")


def test_every_section_of_the_page_is_explained_in_order():
    on_page = re.findall(r"<h2[^>]*>(.*?)</h2>", full_report().to_html())
    explained = [heading for heading in re.findall(r"^## (.*)$", HOW, flags=re.MULTILINE) if heading in on_page]
    assert explained == on_page


def test_every_word_that_a_row_may_carry_is_explained():
    for word in (MORE, FEWER, SAME, FEW):
        assert f"*{word}*" in HOW
    for distance in (CLOSE, FAIR, 1.0):
        assert f"**{closeness(distance)}**" in HOW


def test_links_and_pictures_are_there():
    for page in (HOW, WHY):
        for target in re.findall(r"\]\(([^)#]+)\)", page.replace("\n", " ")):
            assert (DOCS / target).is_file(), target


def test_no_jargon_before_the_analysts_part():
    for_heads = HOW.split("## For your analyst")[0] + WHY
    for word in ("index", "Hellinger", "penetration", "p-value", "significan", "standard deviation", "ecological"):
        assert word not in for_heads.lower()
