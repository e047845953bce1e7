"""The embedded place, end to end: what was spoiled when it was made is found, mended or refused as it should be."""

from __future__ import annotations

import json

import numpy as np
import pytest

import geoplan as gp
from geoplan.postcodes import flag_text
from geoplan.profiles import segment_counts

# kind of dirt -> status the ladder must give, and whether the original postcode must come back
EXPECTED = {
    "letter_for_digit_O0": ("repaired", True),
    "letter_for_digit_I1": ("repaired", True),
    "letter_for_digit_S5": ("repaired", True),
    "letter_for_digit_B8": ("repaired", True),
    "letter_for_digit_Z2": ("repaired", True),
    "lower_case": ("reformatted", True),
    "no_space": ("reformatted", True),
    "two_spaces": ("reformatted", True),
    "full_stop": ("reformatted", True),
    "no_break_space": ("reformatted", True),
    "ended": ("exact", False),
    "large_user": ("exact", False),
    "missing": ("blank", False),
    "pseudo": ("not_found", False),
    "forces": ("not_found", False),
    "scottish": ("not_found", False),
    "two_postcodes": ("not_found", False),
    "sector_only": ("sector_only", False),
}


@pytest.fixture(scope="module")
def place():
    return gp.read_project(gp.demo_folder())


@pytest.fixture(scope="module")
def truth():
    return json.loads((gp.demo_folder() / "truth.json").read_text(encoding="utf-8"))["invented"]["pupils"]


@pytest.fixture(scope="module")
def people(place):
    return gp.assign(place.pupils(), place.postcodes(), place.areas("lsoa11"), place.segments())


def test_every_record_read_is_accounted_for(people, truth):
    report = people.report
    assert report.records == truth["records"]
    assert report.counted == truth["children_counted_once"]
    assert report.accepted + report.repaired + report.rejected + report.blank == report.records
    assert sum(report.by_status.values()) == report.by_school.to_numpy().sum() == report.records


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_kind_of_dirt_ends_as_it_should(people, truth, kind):
    status, comes_back = EXPECTED[kind]
    dirt = truth["dirt"][kind]
    rows = people.frame.set_index("record").loc[[int(record) for record in dirt["was"]]]
    assert len(rows) == dirt["count"] > 0
    assert set(rows["status"]) == {status}
    if comes_back:
        assert rows["postcode"].tolist() == list(dirt["was"].values())
        assert rows["lsoa11"].notna().all()


def test_well_formed_postcodes_that_do_not_exist_are_never_placed(people, truth):
    rows = people.frame.set_index("record").loc[[int(record) for record in truth["dirt"]["not_existing"]["was"]]]
    assert set(rows["status"]) <= {"sector_only", "not_found"}
    assert rows["lsoa11"].isna().all()


def test_flags_stand_where_they_were_planted(people, truth):
    flags = people.frame.set_index("record")["flags"]
    for kind, flag in (
        ("ended", "terminated"),
        ("large_user", "large_user"),
        ("pseudo", "pseudo"),
        ("forces", "forces"),
    ):
        planted = flags.loc[[int(record) for record in truth["dirt"][kind]["was"]]].to_numpy()
        assert all(flag in text for text in flag_text(planted)), kind


def test_totals_conserve_children_through_every_answer(people):
    assert people.counts(by="school").sum() == people.count
    assert people.counts(by=["lsoa11", "segment"]).sum() == people.count
    counts = segment_counts(people)
    assert counts.to_numpy().sum() == people.report.placed["segment"]


def test_every_school_has_a_profile_and_the_parts_add_up(people, place):
    comparison = gp.compare_schools(people)
    assert set(comparison.groups) == set(place.schools().frame.index)
    assert comparison.table["share"].groupby(level=0).sum().round(9).eq(1).all()


def test_similar_schools_are_of_one_phase_and_not_simply_near(people, place):
    schools = place.schools().frame
    table = gp.similar_schools(people, schools=schools)
    assert (schools.loc[table["school"], "phase"].to_numpy() == schools.loc[table["similar"], "phase"].to_numpy()).all()
    assert table["distance"].between(0, 1).all()
    first = table[table["rank"] == 1]
    assert np.median(first["km"]) > 1


def test_the_outlines_are_a_coverage_and_hold_their_own_postcodes(place):
    import shapely

    boundaries = place.area("lsoa11")
    assert len(boundaries) == 163
    assert shapely.coverage_is_valid(boundaries.frame.geometry.to_numpy())
    table = place.postcodes().table
    live = table[(table["terminated"] == 0) & table["lsoa11"].isin(boundaries.codes)]
    found = boundaries.locate(live["easting"], live["northing"])
    own = boundaries.codes.to_numpy()[found.position] == live["lsoa11"].astype("str").to_numpy()
    assert own.mean() > 0.99


def test_everything_invented_says_so(people, place):
    assert place.invented
    invented = {source.title for source in people.sources if source.invented}
    assert any("Pupils" in title for title in invented)
    assert any("Medway demo" in title for title in invented)
    assert not any("Postcodes" in title for title in invented)
