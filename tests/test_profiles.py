"""Profiles: a school against a named base."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.profiles import compare_schools, profile, segment_counts


def two_schools():
    """School 900001: 60 Terraces, 20 Harbour, 5 unplaced; 900002: 20 Terraces, 40 Harbour, 60 Villages."""
    postcodes = [postcode("A1")] * 60 + [postcode("D1")] * 20 + [""] * 5
    postcodes += [postcode("B2")] * 20 + [postcode("E1")] * 40 + [postcode("G1")] * 60
    people = make_people(postcodes, ["900001"] * 85 + ["900002"] * 120)
    return assign(people, make_directory(), segments=make_segments())


def test_profile_in_numbers_worked_by_hand():
    ours = profile(two_schools(), "900001")
    assert (ours.pupils, ours.placed) == (85, 80)
    table = ours.table
    assert table["name"].tolist() == ["Terraces", "Harbour", "Villages"]
    assert table["count"].tolist() == [60, 20, 0]
    assert table["base_count"].tolist() == [80, 60, 60]
    assert table["index"].tolist() == pytest.approx([100 * (60 / 80) / (80 / 200), 100 * (20 / 80) / (60 / 200), 0])
    assert set(ours.notable().index) == {"1", "3"}
    assert "all pupils placed" in ours.comparison.base


def test_every_school_at_once_is_each_school_alone():
    people = two_schools()
    together = compare_schools(people)
    assert together.groups == ["900001", "900002"]
    for school in together.groups:
        alone = profile(people, school)
        assert alone.comparison.table.equals(together.only(school).table)


def test_counts_conserve_pupils_and_keep_every_segment_of_the_scheme():
    people = assign(make_people([postcode("A1")] * 3), make_directory(), segments=make_segments())
    counts = segment_counts(people)
    assert list(counts.columns) == ["1", "2", "3"]
    assert counts.to_numpy().sum() == 3


def test_another_base_must_be_named_and_of_the_same_segmentation():
    people = two_schools()
    part = people.where(school="900002")
    assert profile(people, "900001", base=part, base_name="the other school").comparison.base == "the other school"
    with pytest.raises(ValueError, match="name the base"):
        profile(people, "900001", base=part)
    other = replace(part, segmentation=replace(part.segmentation, version="2011"))
    with pytest.raises(VintageError):
        profile(people, "900001", base=other, base_name="x")
    with pytest.raises(ValueError, match="not known"):
        profile(people, "900001", base="everybody")


def test_an_unknown_school_is_named_with_those_there_are():
    with pytest.raises(UnknownCodeError, match="900001, 900002"):
        profile(two_schools(), "123456")


def test_people_without_segments_cannot_be_profiled():
    with pytest.raises(UnknownCodeError, match="name a segmentation"):
        profile(assign(make_people([postcode("A1")]), make_directory()), "900001")


def test_small_counts_are_hidden_in_the_table_that_may_be_shown():
    postcodes = [postcode("A1")] * 60 + [postcode("D1")] * 4 + [postcode("G1")] * 36
    people = assign(make_people(postcodes), make_directory(), segments=make_segments())
    shown = profile(people, "900001").protect()
    assert shown.is_hidden("count").tolist() == [False, True, False]
    assert shown.table["count"].fillna(-1).tolist() == [60, -1, 35]
