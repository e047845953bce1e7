"""Readers about a service: every problem found and named, totals kept apart, a cut file never used."""

from __future__ import annotations

import pytest
from conftest import make_directory, postcode

from geoplan.errors import InputRefused, ProjectError
from geoplan.io.people import read_applications
from geoplan.io.services import read_area_counts, read_preference_counts, read_sites


def test_members_by_area(write):
    table, source = read_area_counts(write("m.csv", "Area code,Members\nE01000001,47\ne01000002,6\n"))
    assert table[["area", "people"]].values.tolist() == [["E01000001", 47], ["E01000002", 6]]
    assert source.file == "m.csv"
    assert source.fingerprint


def test_patients_by_practice_and_area(write):
    table, _ = read_area_counts(write("g.csv", "OrganisationCode,LSOA11CD,Patient\nA1,E01,1\nA2,E01,2\n"))
    assert table.columns.tolist() == ["area", "site", "people"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Area code,Members\nE01,4\nE01,5\n", "code_duplicated"),
        ("Area code,Members\nE01,four\n", "number_malformed"),
        ("Area code,Members\nE01,-4\n", "number_malformed"),
        ("Area code,Members\n,4\nE02,5\n", "code_malformed"),
        ("Area code,Visits2\nE01,4\n", "column_missing"),
        ("Area code,Members\nE01,4\nE02,12", "row_unfinished"),
    ],
)
def test_counts_that_cannot_be_used_refuse_the_file(write, text, code):
    with pytest.raises(InputRefused) as refused:
        read_area_counts(write("m.csv", text))
    assert refused.value.problems[0].code == code


def test_a_mapped_column_and_one_that_is_not_there(write):
    path = write("m.csv", "zone,heads\nE01,4\n")
    table, _ = read_area_counts(path, {"area": "zone", "people": "heads"})
    assert table["people"].tolist() == [4]
    with pytest.raises(ProjectError, match="no column 'shoes'"):
        read_area_counts(path, {"shoes": "heads"})


def test_preferences_by_area_and_school_with_totals_apart(write):
    text = "school,pref1,pref2,pref3,allocated,round,area\nX,14,29,40,0,2023/24,A\nGrand Total,14,29,40,0,2023/24,A\n"
    table, totals, _ = read_preference_counts(write("p.csv", text))
    assert table[["first", "second", "third", "offers"]].values.tolist() == [[14, 29, 40, 0]]
    assert totals["school"].tolist() == ["Grand Total"]


def test_sites_by_grid_reference_or_postcode(write):
    text = f"name,postcode,hours,planned\nHall,{postcode('A1')},2,0\nHub,{postcode('I1')},0,3\n"
    sites, _ = read_sites(write("s.csv", text), make_directory())
    assert sites.loc["Hall"].tolist() == [580_200, 160_200, 2, 0]
    plain, _ = read_sites(write("t.csv", "site,easting,northing\nHall,580200,160200\n"))
    assert plain[["hours", "hours_planned"]].values.tolist() == [[1, 1]]
    for text in ("site,easting,northing\nHall,,\n", "site,easting,northing\nHall,0,0\n"):
        with pytest.raises(InputRefused, match="no place"):
            read_sites(write("u.csv", text))
    with pytest.raises(InputRefused, match="a code of its own"):
        read_sites(write("v.csv", "site,easting,northing\nHall,1,1\nHall,2,2\n"))
    with pytest.raises(InputRefused, match="from zero up"):
        read_sites(write("w.csv", "site,easting,northing,hours\nHall,1,1,-2\n"))


def test_applications(write):
    text = (
        "pupil_id,postcode,pref_1,pref_2,offer,fsm\n"
        f"A1,{postcode('A1')},900001,900002,900002,Y\nA1,{postcode('A1')},900001,900002,900002,Y\nA2,,900001,,,\n"
    )
    people = read_applications(write("a.csv", text))
    assert people.noun == "applicants"
    assert people.count == 2
    kept = people.frame.loc[people.frame["counted"], ["preference_1", "preference_2", "offer", "fsm"]]
    assert kept.values.tolist() == [["900001", "900002", "900002", "yes"], ["900001", "", "", "unknown"]]
    with pytest.raises(InputRefused, match="preference_1"):
        read_applications(write("b.csv", f"postcode,offer\n{postcode('A1')},900001\n"))
