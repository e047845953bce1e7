"""The tables of a place, protected together: the pages made from them say nothing of a hidden count."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.books import community_book, place_book
from geoplan.cautions import caution_tables
from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.gate import attack
from geoplan.protection import ELSEWHERE, GroupBase, data_marks, protect_areas, protect_place
from geoplan.schools import Schools

HOMES = {"Terraces": "A1", "Harbour": "D1", "Villages": "G1"}
COUNTS = {
    "900001": {"Terraces": 60, "Harbour": 3, "Villages": 62},
    "900002": {"Terraces": 60, "Harbour": 6, "Villages": 58},
    "900003": {"Terraces": 40, "Harbour": 45, "Villages": 35},
}


def borough(counts):
    postcodes, schools = [], []
    for school, parts in counts.items():
        for segment, count in parts.items():
            postcodes += [postcode(HOMES[segment])] * count
            schools += [school] * count
    return assign(make_people(postcodes, schools), make_directory(), make_boundaries(), make_segments())


def moved(counts, hidden):
    """900001's three Harbour pupils become ``hidden``; 900002 takes the others and gives Terraces for them."""
    change = counts["900001"]["Harbour"] - hidden
    first = counts["900001"] | {"Harbour": hidden, "Terraces": counts["900001"]["Terraces"] + change}
    second = counts["900002"] | {"Harbour": 6 + change, "Terraces": counts["900002"]["Terraces"] - change}
    return counts | {"900001": first, "900002": second}


def schools():
    frame = pd.DataFrame({"name": [f"School {code}" for code in COUNTS], "phase": "Primary"}, index=list(COUNTS))
    return Schools(frame.assign(easting=[580_500.0, 581_500, 582_500], northing=160_500.0), DRAWN)


@pytest.mark.parametrize("hidden", [1, 2, 4])
def test_a_hidden_3_may_be_1_2_or_4_and_every_page_is_the_same_to_the_byte(hidden):
    """Headcounts, homes and all printed numbers stay as they are; only hidden counts differ."""
    pages = []
    for counts in (COUNTS, moved(COUNTS, hidden)):
        people = borough(counts)
        tables = protect_place(people, make_boundaries(), homes=["900003"])
        assert bool(tables.profiles["900001"].hidden.loc["2", "count"])
        books = (
            place_book(people, schools(), make_boundaries(), tables=tables),
            community_book(people, schools(), make_boundaries(), "900003", tables=tables),
        )
        pages.append([book.to_html() for book in books])
    assert pages[0] == pages[1]


def test_shown_numbers_are_those_of_the_rule_and_the_gate_has_passed():
    tables = protect_place(borough(COUNTS), make_boundaries())
    for table in tables.profiles.values():
        shown = table.table["count"].dropna()
        assert not shown.between(1, 9).any()
        assert (shown % 5 == 0).all()
        assert table.table.loc[table.hidden["count"], "share"].isna().all()
    assert tables.gate.passed
    assert tables.gate.narrowest is None or tables.gate.narrowest >= 5
    assert tables.areas.table.loc[CODES["A"], "pupils"] == 160


def test_one_schools_homes_and_those_outside_the_areas():
    people = borough(COUNTS)
    tables = protect_place(people, make_boundaries(letters="ABC"), homes=["900003"])
    homes = tables.homes["900003"].table["pupils"]
    assert homes.to_dict() == {CODES["A"]: 40.0, ELSEWHERE: 80.0}


def test_inside_the_office_exact_numbers_need_a_reason_and_are_marked():
    with pytest.raises(ValueError):
        rule_for("internal")
    rule = rule_for("internal", reason="checking the January census with the school")
    people = borough(COUNTS)
    book = place_book(people, schools(), make_boundaries(), rule=rule)
    assert "OFFICIAL-SENSITIVE" in book.to_html()
    assert protect_place(people, rule=rule).profiles["900001"].table["count"].tolist() == [60, 3, 62]


def test_without_segments_only_areas_can_be_protected():
    people = assign(make_people([postcode("A1")] * 30), make_directory(), make_boundaries())
    assert protect_areas(people, make_boundaries()).table["pupils"].to_dict() == {CODES["A"]: 30.0}
    with pytest.raises(UnknownCodeError, match="name a segmentation"):
        protect_place(people, make_boundaries())


def test_whatever_else_is_asked_for_the_places_own_tables_print_the_same():
    """Otherwise two outputs could be set against each other."""
    people = borough(COUNTS)
    alone = protect_place(people, make_boundaries())
    groups = pd.Series({"900001": "North", "900002": "North", "900003": "South"})
    more = protect_place(people, make_boundaries(), extra=caution_tables(people), base=GroupBase("cluster", groups))
    assert set(more.extra) == {"placed"}
    assert set(more.groups) == {"North", "South"}
    pd.testing.assert_frame_equal(alone.by_school.table, more.by_school.table)
    pd.testing.assert_frame_equal(alone.by_area.table, more.by_area.table)
    for school, table in alone.profiles.items():
        pd.testing.assert_series_equal(table.table["count"], more.profiles[school].table["count"])


def test_a_cluster_never_gives_a_hidden_count_of_its_school_away():
    """North has 900001's hidden three and 900002's hidden six: alone in its cluster, the sum is hidden too."""
    people = borough(COUNTS)
    groups = pd.Series({"900001": "One", "900002": "Two", "900003": "Three"})
    tables = protect_place(people, base=GroupBase("cluster", groups))
    assert tables.profiles["900001"].hidden.loc["2", "count"]
    assert tables.groups["One"].hidden.loc["2", "count"]
    shown = tables.groups["One"].table["count"]
    assert not shown.between(1, 9).any()


def earlier_of(tables):
    """What an outsider holds of a release."""
    parts = [part for shown in (tables.by_school, tables.by_area, tables.areas) for part in shown.printed]
    return tuple(dict.fromkeys(replace(part, name=f"{part.name} (before)") for part in parts))


def test_the_same_data_again_give_the_same_tables_beside_the_earlier_ones():
    people = borough(COUNTS)
    first = protect_place(people, make_boundaries(), homes=["900003"], data="January")
    again = protect_place(people, make_boundaries(), homes=["900003"], data="January", earlier=earlier_of(first))
    pd.testing.assert_frame_equal(first.by_school.table, again.by_school.table)
    pd.testing.assert_frame_equal(first.by_area.table, again.by_area.table)
    other = protect_place(people, make_boundaries(), data="May", earlier=earlier_of(first))
    assert other.by_school.printed[0].population != first.by_school.printed[0].population


def two_kinds(pupils_south):
    """People with codes of nine squares and of two halves; square D lies in both halves."""
    squares, halves = make_boundaries("lsoa21"), make_boundaries("ward24", "AD")
    people = borough(COUNTS)
    frame = people.frame.copy()
    south = frame["lsoa21"].eq(CODES["A"]) | (frame["lsoa21"].eq(CODES["D"]) & (frame["person"] % 54 < pupils_south))
    frame["ward24"] = south.map({True: CODES["A"], False: CODES["D"]}).astype("str")
    return replace(people, frame=frame, kinds=("lsoa21", "ward24")), squares, halves


def test_areas_of_another_kind_over_the_same_people_are_attacked_with_the_first():
    """Wards that cut a square: the pupils of the piece cut off are the difference of two printed tables."""
    people, squares, halves = two_kinds(4)
    first = protect_place(people, squares)
    second = protect_place(people, halves, earlier=earlier_of(first))
    assert {nesting.coarse for nesting in second.overlaps} == {"lsoa21", "ward24"}
    printed = [*second.by_school.printed, *second.by_area.printed, *second.areas.printed]
    unique = list({part.name: part for part in printed}.values())
    result = attack(unique, second.public, earlier_of(first), nested=second.overlaps)
    assert result.passed and (result.narrowest is None or result.narrowest >= 5)


def test_an_earlier_kind_that_the_people_do_not_have_is_refused_in_words():
    people, squares, halves = two_kinds(4)
    first = protect_place(people, halves)
    with pytest.raises(VintageError, match=r"ward24.*name those areas"):
        protect_place(borough(COUNTS), squares, earlier=earlier_of(first))


def test_the_mark_of_the_data_is_the_same_in_any_order_and_not_after_one_pupil_moved():
    people = borough(COUNTS)
    shuffled = replace(people, frame=people.frame.sample(frac=1, random_state=1))
    assert data_marks(people, ["lsoa21"], "May") == data_marks(shuffled, ["lsoa21"], "May")
    other = data_marks(borough(moved(COUNTS, 2)), ["lsoa21"], "May")
    assert other.keys() == data_marks(people, ["lsoa21"], "May").keys()
    assert all(other[name] != mark for name, mark in data_marks(people, ["lsoa21"], "May").items())
