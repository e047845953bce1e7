"""Segmentations: two kinds or versions never join; the dominant segment of larger areas."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_segments

from geoplan.errors import UnknownCodeError, VintageError
from geoplan.segments import Segmentation, dominant, require_same


def test_of_maps_codes_of_its_own_kind_only():
    segments = make_segments("lsoa21")
    codes = pd.Series([CODES["A"], CODES["I"], "E01999999", None], dtype="str")
    assert segments.of(codes, "lsoa21").fillna("-").tolist() == ["1", "3", "-", "-"]
    with pytest.raises(VintageError, match="keyed by lsoa21, not lsoa11: the two years share most codes"):
        segments.of(codes, "lsoa11")
    with pytest.raises(VintageError, match="directory or boundaries that have lsoa21"):
        segments.of(codes, "oa21")


def test_two_versions_never_stand_side_by_side():
    segments = make_segments()
    with pytest.raises(VintageError, match="different classifications"):
        require_same(segments, replace(segments, version="2011"))
    require_same(segments, segments)


def test_names_and_levels():
    segments = make_segments()
    assert segments.name("2") == "Harbour"
    assert segments.name("9") == "9"
    with pytest.raises(UnknownCodeError, match="has group"):
        segments.at("subgroup")


def test_a_code_twice_is_refused():
    table = pd.DataFrame({"group": ["1", "2"]}, index=["x", "x"])
    with pytest.raises(VintageError, match="twice"):
        Segmentation("S", "1", "group", "oa21", table, DRAWN)


def test_dominant_is_decided_at_the_finest_level_by_weight_and_breaks_ties_by_code():
    table = pd.DataFrame(
        {"super": ["a", "a", "b", "b"], "group": ["a1", "a2", "b1", "b1"]}, index=["w", "x", "y", "z"], dtype="str"
    )
    fine = Segmentation("S", "1", "super", "oa21", table, DRAWN)
    areas = pd.Series("L", index=table.index)
    assert dominant(fine, areas, "lsoa21").keyed_by == "lsoa21"
    assert dominant(fine, areas, "lsoa21").table.loc["L"].tolist() == ["b", "b1"]  # two of b1 against one of each a
    residents = pd.Series({"w": 100, "x": 300, "y": 150, "z": 150})
    assert dominant(fine, areas, "lsoa21", residents).table.loc["L"].tolist() == ["a", "a2"]  # 300 each: first code


@pytest.mark.real
@pytest.mark.parametrize("place", ["kent_medway", "brighton_hove"])
def test_dominant_oac_equals_the_published_table(shared_data, place):
    """For every LSOA, at all three levels; the published table goes by residents."""
    folder = shared_data / place
    with gzip.open(folder / "oac2021_oa.csv.gz", "rt") as file:
        by_oa = pd.read_csv(file, dtype="str").set_index("oa21cd")
    given = pd.read_csv(folder / "oac2021_lsoa_dominant.csv", dtype="str").set_index("lsoa21cd")
    levels = ["Supergroup", "Group", "Subgroup"]
    fine = Segmentation("OAC", "2021", "Supergroup", "oa21", by_oa[levels], DRAWN)
    census = pd.read_csv(folder / "census2021_oa.csv.gz", usecols=["OA", "ts0010001"], index_col="OA")
    ours = dominant(fine, by_oa["lsoa21cd"], "lsoa21", weights=census["ts0010001"]).table
    assert len(ours) == len(given)
    differing = {level: int((ours[level] != given[level].reindex(ours.index)).sum()) for level in levels}
    assert differing == dict.fromkeys(levels, 0)


@pytest.mark.real
@pytest.mark.parametrize(("place", "percent"), [("brighton_hove", 25.5), ("kent_medway", 34.5)])
def test_how_often_the_group_of_the_larger_area_is_not_that_of_the_homes(shared_data, place, percent):
    """What docs/why-your-school-may-not-look-like-this.md says: live postcodes whose output area is one of 2021."""
    folder = shared_data / place
    postcodes = pd.read_csv(folder / "postcodes.csv.gz", dtype="str", usecols=["pcds", "oa11cd", "live"])
    by_oa = pd.read_csv(folder / "oac2021_oa.csv.gz", dtype="str").set_index("oa21cd")
    by_lsoa = pd.read_csv(folder / "oac2021_lsoa_dominant.csv", dtype="str").set_index("lsoa21cd")
    homes = postcodes[(postcodes["live"] == "True") & postcodes["oa11cd"].isin(by_oa.index)]
    assert len(homes) > 0.9 * (postcodes["live"] == "True").sum()
    near = by_oa.loc[homes["oa11cd"]]
    other = near["Supergroup"].to_numpy() != by_lsoa["Supergroup"].loc[near["lsoa21cd"]].to_numpy()
    assert round(100 * other.mean(), 1) == percent
