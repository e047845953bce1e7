"""Cautions: Kent's lesson on the borough of the tests, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from conftest import make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.cautions import caution_tables, cautions, new_postcodes
from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError
from geoplan.protection import protect_place

EXACT = rule_for("internal", reason="checking the cautions of the tests")
CENSUS = replace(make_segments(), base_date="2021-03-21")


def borough():
    """900001: 120 old and 40 new postcodes of Terraces, 40 unplaced; 900002: 200 of Villages; half of each on FSM."""
    postcodes = [postcode("A1")] * 120 + [postcode("A3")] * 40 + [""] * 40 + [postcode("G1")] * 200
    fsm = ["yes"] * 60 + ["no"] * 60 + ["no"] * 40 + ["unknown"] * 40 + ["no"] * 180 + ["yes"] * 20
    people = make_people(postcodes, ["900001"] * 200 + ["900002"] * 200, fsm=fsm)
    return assign(people, make_directory(), segments=CENSUS)


def said(people, school, rule=EXACT, as_of="2026-01-15"):
    tables = protect_place(people, rule=rule, extra=caution_tables(people))
    return {c.code: c for c in cautions(school, tables.profiles[school], tables.extra, people.segmentation, as_of)}


def test_counts_by_hand():
    found = {table.name: table.counts.to_dict() for table in caution_tables(borough())}
    assert found["new_postcode"][("900001", "yes")] == 40
    assert found["new_postcode"][("900002", "yes")] == 0
    assert found["placed"][("900001", "no")] == 40
    # Terraces: 60 of 160 on free meals, Villages 20 of 200, all 80 of 360: Terraces are the poorer segment
    assert found["segment_disagrees"][("900001", "yes")] == 100
    assert found["segment_disagrees"][("900002", "yes")] == 20


def test_what_a_head_reads():
    ours = said(borough(), "900001")
    assert ours["new_postcode"].serious
    assert "About 40 pupils (25%) live at postcodes introduced after 21 March 2021" in ours["new_postcode"].words
    assert "label may be wrong" in ours["new_postcode"].words
    assert ours["placed"].words == "Only 80% of pupils could be placed in a group; the profile is of those."
    assert ours["segment_disagrees"].serious
    assert "in all schools it is 33%, clearly less" in ours["segment_disagrees"].words
    assert "5 years before these pupils" in ours["age"].words
    assert "5 years before" in said(borough(), "900001", as_of="January 2026")["age"].words
    assert "a year before" in said(borough(), "900001", as_of="2022-05-19")["age"].words
    assert "before" not in said(borough(), "900001", as_of="spring")["age"].words  # no date, no age
    theirs = said(borough(), "900002")
    assert "No pupil lives" in theirs["new_postcode"].words
    assert not theirs["segment_disagrees"].serious


def test_a_segmentation_that_covers_60_per_cent_is_said_on_every_profile():
    people = assign(make_people([postcode("A1")] * 60 + [""] * 40), make_directory(), segments=CENSUS)
    placed = said(people, "900001", rule_for("public"))["placed"]
    assert placed.serious
    assert placed.words == (
        "Only 60% of pupils could be placed in a group; the profile is of those, and may say little of the school."
    )


def test_a_school_of_8_pupils_has_honest_blanks():
    others = ([postcode("A1")] * 60 + [postcode("D1")] * 70 + [postcode("G1")] * 80) * 2
    homes, schools = [postcode("A1")] * 5 + [postcode("D1")] * 3 + others, ["1"] * 8 + ["2"] * 210 + ["3"] * 210
    people = assign(make_people(homes, schools), make_directory(), segments=CENSUS)
    tables = protect_place(people, extra=caution_tables(people))
    table = tables.profiles["1"].table
    assert table[["share", "index", "gap_points", "more_than_expected", "p", "q"]].isna().all(axis=None)
    assert not table["notable"].any()
    words = " ".join(each.words for each in cautions("1", tables.profiles["1"], tables.extra, CENSUS))
    assert "Fewer than 30 pupils: no index is given" in words
    assert "8" not in words


def test_hidden_numbers_are_not_in_the_words():
    """Four pupils at new postcodes, or three: the public reads the same."""
    texts = []
    for new in (3, 4):
        homes = [postcode("A1")] * (200 - new) + [postcode("A3")] * new + [postcode("G1")] * 300
        people = assign(
            make_people(homes, ["1"] * 200 + ["2"] * 300, fsm=["no"] * 500), make_directory(), segments=CENSUS
        )
        texts.append([each.words for each in said(people, "1", rule_for("public")).values()])
    assert texts[0] == texts[1]
    assert any("not shown" in text for text in texts[0])


def test_what_the_files_do_not_say_is_said_to_be_unknown():
    people = assign(make_people([postcode("A1")] * 100), make_directory(), segments=make_segments())
    assert [table.name for table in caution_tables(people)] == ["placed"]
    ours = said(people, "900001")
    assert ours["new_postcode"].words.startswith("Not known")
    assert ours["segment_disagrees"].words.startswith("Not known")
    assert ours["age"].words.startswith("Not known")


def test_without_segments_there_is_nothing_to_be_cautious_about():
    with pytest.raises(UnknownCodeError):
        caution_tables(assign(make_people([postcode("A1")]), make_directory()))


def test_new_postcodes_with_many_pupils_are_listed_for_the_office():
    homes = [postcode("A3")] * 7 + [postcode("B3")] * 5 + [postcode("A1")] * 30
    people = assign(make_people(homes), make_directory(), segments=CENSUS)
    listed = new_postcodes(people)
    assert listed.to_dict("records") == [
        {"postcode": postcode("A3"), "segment": "1", "introduced": 202201, "pupils": 7}
    ]
    assert len(new_postcodes(people, least=5)) == 2
    undated = assign(make_people(homes), make_directory(), segments=make_segments())
    assert isinstance(new_postcodes(undated), pd.DataFrame)
    assert len(new_postcodes(undated)) == 0
