"""Vintages: the year of codes by membership; two years never mix."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from conftest import CODES, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.errors import VintageError
from geoplan.postcodes import PostcodeDirectory
from geoplan.vintages import detect_vintage, is_new_in_2021, require_vintage

YEARS = {"lsoa11": ["E01000001", "E01000002"], "lsoa21": ["E01000001", "E01035000"]}


def test_one_code_that_exists_in_one_year_settles_it():
    assert detect_vintage(["E01000001", "E01000002"], YEARS) == "lsoa11"
    assert detect_vintage(["E01000001", "E01035000"], YEARS) == "lsoa21"
    assert detect_vintage(["E01000001"], YEARS) is None


def test_two_years_in_one_column_are_refused_with_both_counts():
    with pytest.raises(VintageError, match=r"1 exist only as lsoa11 .* 1 only as lsoa21"):
        detect_vintage(["E01000002", "E01035000"], YEARS)


def test_a_stray_code_of_an_extract_is_no_mixture():
    years = {"lsoa11": [f"a{i}" for i in range(36)], "lsoa21": ["b1", "b2"]}
    codes = [*years["lsoa11"], "b1"]
    assert detect_vintage(codes, years, stray=0.1) == "lsoa11"
    with pytest.raises(VintageError):
        detect_vintage(codes, years)


def test_hundreds_of_lsoas_with_none_new_in_2021_are_not_of_2021():
    codes = pd.Index([f"E0100{i:04d}" for i in range(500)])
    with pytest.raises(VintageError, match="none of its 500 codes is new in 2021"):
        require_vintage(codes, "lsoa21", {}, "the layer")
    require_vintage(codes[:165], "lsoa21", {}, "the layer")  # Brighton & Hove has none, rightly


def test_output_areas_new_in_2021_are_not_of_2011():
    with pytest.raises(VintageError, match="first given out in 2021"):
        require_vintage(pd.Index(["E00186659"]), "oa11", {}, "OAC 2011")


def test_an_empty_column_of_a_directory_says_nothing():
    require_vintage(pd.Index(["E01000001"]), "lsoa21", {"lsoa11": ["E01000001"], "lsoa21": []}, "the layer")


def test_codes_said_to_be_of_the_other_year_are_refused():
    with pytest.raises(VintageError, match="said to be of lsoa21, but its codes are lsoa11"):
        require_vintage(pd.Index(["E01000002"]), "lsoa21", YEARS, "OAC")
    with pytest.raises(VintageError, match="first given out in 2021"):
        require_vintage(pd.Index(["E01035000"]), "lsoa11", {}, "OAC")
    require_vintage(pd.Index(["E01000001"]), "lsoa11", YEARS, "OAC")


def test_assign_refuses_segments_of_the_other_year_where_the_directory_has_both():
    table = make_directory().table
    newer = table["lsoa21"].cat.rename_categories({CODES["A"]: "E01035000"})
    directory = PostcodeDirectory(table.assign(lsoa11=table["lsoa21"], lsoa21=newer), make_directory().source)
    people = make_people([postcode("B1")])
    segments = make_segments("lsoa21")  # holds area A under its old code
    with pytest.raises(VintageError, match="its codes are lsoa11"):
        assign(people, directory, segments=segments)
    renamed = replace(segments, table=segments.table.rename({CODES["A"]: "E01035000"}))
    assert assign(people, directory, segments=renamed).report.placed["segment"] == 1


@pytest.mark.real
@pytest.mark.parametrize("place", ["kent_medway", "brighton_hove"])
def test_codes_new_in_2021_by_number_are_those_of_the_ons_lookup(shared_data, place):
    lookup = pd.read_csv(shared_data / place / "lsoa11_to_lsoa21.csv", dtype="str")
    old, new = set(lookup["lsoa11_code"]), set(lookup["lsoa21_code"])
    everything = pd.Index(sorted(old | new))
    assert set(everything[is_new_in_2021(everything).to_numpy()]) == new - old
