"""Catchments as a picture: fills, letters, hatching, names; never colour alone."""

from __future__ import annotations

import re

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from maps.drawn import CODES, squares

from geoplan.areas import merge_areas
from geoplan.drawings import Figures, picture_problems
from geoplan.reports.catchment_maps import FILLS, MOST_NAMES, catchment_map, fills_apart, map_letters
from geoplan.reports.outlines import simplify_outlines

TODAY = pd.Series(["101"] * 3 + ["102"] * 3 + ["103"] * 3, index=CODES)
LATER = TODAY.replace({"103": "102"})
LETTERS = map_letters(["101", "102", "103"])
PAIRS = [(at, at + 3) for at in range(6)] + [(at, at + 1) for at in (0, 1, 3, 4, 6, 7)]
SITES = pd.DataFrame({"easting": [575_500.0, 577_500.0], "northing": [165_500.0, 167_500.0]}, index=["101", "103"])


def drawn(plan=TODAY, **more) -> str:
    fills = fills_apart([*LETTERS], [TODAY.to_numpy(), LATER.to_numpy()], PAIRS)
    given_ = {"sites": SITES, "title": "Today"} | more
    return catchment_map(simplify_outlines(squares()), plan, fills, LETTERS, **given_)


def test_each_catchment_has_a_fill_and_its_letter():
    picture = drawn()
    assert re.findall(r">([A-Z])</text>", picture) == ["A", "B", "C"]
    fills = re.findall(r'<path d="M[^"]*" fill="(#\w+)"/>', picture)
    assert len(set(fills)) == 3 and set(fills) <= set(FILLS)
    assert re.findall(r">([A-Z])</text>", drawn(LATER)) == ["A", "B"]  # a catchment that is not there has no letter


def test_what_changes_is_hatched_and_what_does_not_is_not():
    assert "url(#moves" not in drawn() and "url(#moves" not in drawn(moved=TODAY != TODAY)
    picture = drawn(LATER, title="Option 2", moved=TODAY != LATER)
    hatched = re.search(r'<path d="([^"]*)" fill="url\(#(moves-\w+)\)"/>', picture)
    assert hatched[1].count("M") == 3 and f'id="{hatched[2]}"' in picture


def test_catchments_have_lines_around_them_where_they_are_given():
    lines = simplify_outlines(merge_areas(squares(), TODAY, "catchment"))
    assert drawn(lines=lines).count('fill="none"') == drawn().count('fill="none"') + 1


def test_schools_are_marked_and_named_where_there_is_room():
    picture = drawn(
        names={"101": "First & Second", "103": "A school with a name far too long for any map so small as " * 3}
    )
    assert picture.count("l5 5-5 5-5-5z") == 2
    assert ">First &amp; Second</text>" in picture and "far too long" not in picture
    assert drawn(sites=None).count("l5 5-5 5-5-5z") == 0
    many = pd.DataFrame({"easting": 575_500.0, "northing": 165_500.0}, index=[f"s{at}" for at in range(MOST_NAMES + 1)])
    assert "One name" not in drawn(sites=many, names=dict.fromkeys(many.index, "One name"))


def test_a_school_whose_place_is_not_known_is_not_drawn():
    assert drawn(sites=SITES.assign(easting=[None, 577_500.0])).count("l5 5-5 5-5-5z") == 1


def test_the_picture_says_in_words_what_it_shows_and_no_figure():
    picture = drawn(words='Map of the catchments, "Today"')
    assert "<title>Map of the catchments, &quot;Today&quot;</title>" in picture and 'role="img"' in picture
    assert picture_problems(picture, Figures((), ())) == []


def test_letters_do_not_run_out():
    letters = map_letters([str(at) for at in range(600)])
    assert len(set(letters.values())) == 600


@given(st.lists(st.sampled_from("abcd"), min_size=9, max_size=9))
def test_neighbours_never_share_a_fill_where_seven_can_do_it(plan):
    fills = fills_apart(list("abcd"), [plan], PAIRS)
    assert all(plan[a] == plan[b] or fills[plan[a]] != fills[plan[b]] for a, b in PAIRS)
