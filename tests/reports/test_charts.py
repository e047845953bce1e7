"""The pictures say what the tables say, in four colours at most, and nobody is hidden by colour alone."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from conftest import make_boundaries

from geoplan.disclosure import Protected, protect
from geoplan.reports import simplify_outlines
from geoplan.reports.charts import bar, change_bar, homes_map

COUNTS = [4, 12, 26, 40, 0, 55, 90, 130, 20]
SVG = "{http://www.w3.org/2000/svg}"


def homes(counts: list[int] = COUNTS) -> Protected:
    boundaries = make_boundaries()
    return protect(pd.DataFrame({"pupils": counts}, index=boundaries.codes), counts=["pupils"])


def a_map(counts: list[int] = COUNTS, position=(581_500.0, 161_500.0)):
    return homes_map(homes(counts), simplify_outlines(make_boundaries()), position, "pupils", "Where pupils live")


def parsed(svg) -> ElementTree.Element:
    """A picture as a document of its own."""
    return ElementTree.fromstring(str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def paths_by_fill(svg) -> dict[str, int]:
    """How many areas each fill has in the map."""
    group = parsed(svg).find(f".//{SVG}g[@fill-rule]")
    return {path.get("fill"): path.get("d").count("M") for path in group}


def test_areas_are_filled_by_their_printed_number_hidden_ones_hatched_and_nobodys_white():
    fills = paths_by_fill(a_map().svg)
    assert fills["url(#hatch)"] == 1  # the four
    assert fills["#FFFFFF"] == 1  # the zero
    assert sum(fills.values()) == 9


def test_letters_follow_the_numbers_most_first():
    letters = a_map().letters
    counts = homes().table["pupils"]
    assert list(letters.values()) == ["A", "B", "C", "D", "E", "F"]
    assert [counts[code] for code in letters] == sorted(counts.dropna(), reverse=True)[:6]


def test_an_area_too_small_for_its_letter_has_it_beside_with_a_line():
    near, far = (a_map([50, 40, 0, 0, 0, 0, 0, 0, 0], position=(x, 161_500.0)) for x in (581_500.0, 640_000.0))
    assert 'r="8"' not in str(near.svg) and len(near.letters) == 2
    assert str(far.svg).count('r="8"') == len(far.letters) == 2


def test_a_hidden_number_changes_no_byte():
    pictures = {str(a_map([small, *COUNTS[1:]]).svg) for small in (1, 2, 3, 4, 9)}
    assert len(pictures) == 1


def test_no_number_shown_no_map():
    assert a_map([3] * 9) is None
    assert a_map([0] * 9) is None


def test_a_far_area_is_counted_but_does_not_shrink_the_map():
    near = a_map([400, 0, 0, 0, 0, 0, 0, 0, 10], position=None)
    assert near.beyond == 1
    assert a_map([400, 0, 0, 0, 0, 0, 0, 0, 300], position=None).beyond == 0


def test_pictures_use_four_colours_at_most():
    text = str(a_map().svg) + str(bar([40.0, 20.0, 30.0, 50.0], 50, "t")) + str(change_bar(10, 20, 50, "t"))
    colours = {colour.upper() for colour in re.findall(r"#[0-9A-Fa-f]{6}", text)}
    vivid = {c for c in colours if max(_parts(c)) - min(_parts(c)) > 20}
    assert 1 < len(vivid) <= 4, vivid


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


@pytest.mark.parametrize("picture", [a_map().svg, bar([40.0, "c"], 50, "<b>"), change_bar(1, 2, 50, "<b>")])
def test_every_picture_has_a_title_and_is_well_formed(picture):
    root = parsed(picture)
    assert root.get("role") == "img" and root[0].tag == f"{SVG}title" and root[0].text


def test_a_hidden_share_draws_no_bar():
    blue = "#12436D"
    assert blue in str(bar([40.0, 20.0], 50, "t"))
    assert blue not in str(bar(["c", 20.0], 50, "t"))
