"""The tables of a place, protected together: the pages made from them say nothing of a hidden count."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.books import community_book, place_book
from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError
from geoplan.protection import ELSEWHERE, protect_areas, protect_place
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
