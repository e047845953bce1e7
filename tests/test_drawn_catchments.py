"""Drawings and lists made into plans: faults in square metres and people, best fits, sectors and back."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.drawn_catchments import (
    check_drawing,
    compactness,
    edge_gaps,
    fault_sentences,
    fit_areas,
    lookup_table,
    notice_text,
    place_in_catchments,
    postcodes_to_schools,
    sectors_of,
    split_groups,
)
from geoplan.errors import InputRefused, UnknownCodeError
from geoplan.postcodes import PostcodeDirectory
from geoplan.sources import Source


def drawn(**shapes) -> Boundaries:
    frame = gpd.GeoDataFrame({"name": list(shapes)}, index=list(shapes), geometry=list(shapes.values()), crs=27700)
    return Boundaries("catchment", frame, Source("drawn"))


def directory(**area_of) -> PostcodeDirectory:
    """Postcodes without spaces, each with the code of its area; ``None`` for none."""
    table = pd.DataFrame({"postcode": pd.Series(list(area_of), dtype="str")})
    table["lsoa21"] = pd.Categorical(list(area_of.values()))
    return PostcodeDirectory(table, Source("drawn"))


def test_overlaps_gaps_and_slivers_are_measured_in_square_metres_and_people():
    west, east = shapely.box(0, 0, 1000, 1000), shapely.box(900, 0, 2000, 1000)
    strip = shapely.box(2001, 0, 3000, 1000)  # a line that should be one line: one metre between
    points = pd.DataFrame({"easting": [950.0, 100.0, 2000.5], "northing": [500.0, 500.0, 10.0], "people": [7, 3, 2]})
    ground = shapely.union(shapely.box(0, 0, 3000, 1000), shapely.box(4000, 0, 5000, 500))
    faults = check_drawing(drawn(W=west, E=east, S=strip), points, ground)
    told = faults.set_index("fault")[["square_m", "people"]].to_dict("index")
    assert told["overlap"] == {"square_m": 100_000, "people": 7}
    assert told["sliver"] == {"square_m": 1_000, "people": 2}
    assert told["gap"] == {"square_m": 500_000, "people": 0}
    assert fault_sentences(faults, "pupils") == [
        "1 gap, 500,000 m2 in all, with 0 pupils (the largest: at the edge, 500,000 m2)",
        "1 overlap, 100,000 m2 in all, with 7 pupils (the largest: E and W, 100,000 m2)",
        "1 sliver, 1,000 m2 in all, with 2 pupils (the largest: E and S, 1,000 m2)",
    ]


def test_holes_are_gaps_where_nothing_says_what_must_be_covered():
    ring = shapely.box(0, 0, 1000, 1000).difference(shapely.box(400, 400, 600, 600))
    faults = check_drawing(drawn(W=ring))
    assert faults[["fault", "catchments", "square_m"]].values.tolist() == [["gap", "W", 40_000.0]]
    assert np.isnan(faults["people"]).all()


def test_ground_at_the_edge_that_no_catchment_covers_is_a_gap():
    ring = shapely.box(0, 0, 1000, 1000).difference(shapely.box(400, 400, 600, 600))  # its hole is told already
    ground = shapely.union(shapely.box(-500, 0, 1000, 1000), shapely.box(1000, 0, 1001, 1000))
    points = pd.DataFrame({"easting": [-100.0, 500.0], "northing": [500.0, 500.0], "people": [4, 9]})
    gaps = edge_gaps(drawn(W=ring), ground, points)
    assert gaps[["fault", "catchments", "square_m", "people"]].values.tolist() == [["gap", "W", 500_000.0, 4.0]]
    assert edge_gaps(drawn(W=ring), shapely.box(0, 0, 1000, 1000), points).empty


def test_a_clean_drawing_has_no_faults():
    assert check_drawing(drawn(W=shapely.box(0, 0, 10, 10), E=shapely.box(10, 0, 20, 10))).empty


def test_points_fall_into_the_smaller_of_two_that_overlap():
    both = drawn(W=shapely.box(0, 0, 100, 100), E=shapely.box(90, 0, 120, 100))
    assert place_in_catchments(both, [95, 10, 500], [5, 5, 5]).tolist() == ["E", "W", ""]


def test_areas_go_where_most_of_them_are_and_the_rest_is_said():
    fit = fit_areas(
        ["W", "W", "E", "", "E"], ["a", "a", "a", "a", "b"], [2, 1, 2, 50, 1], kind="lsoa21", areas=["a", "b", "c"]
    )
    assert fit.plan.table.to_dict() == {"a": "W", "b": "E", "c": ""}
    assert fit.split.loc["a", "lost"] == 52
    assert "1 of 3 lsoa21 areas are split" in fit.sentence
    with pytest.raises(UnknownCodeError, match="no postcodes lie in a catchment"):
        fit_areas(["", ""], ["a", "b"], kind="lsoa21")


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("wxyz"), st.integers(1, 5)), min_size=1, max_size=30))
def test_the_best_fit_is_what_a_count_by_hand_gives(rows):
    fit = fit_areas(*zip(*rows, strict=True), kind="lsoa21")
    for area in {area for _, area, _ in rows}:
        votes = {}
        for school, where, weight in rows:
            if where == area:
                votes[school] = votes.get(school, 0) + weight
        assert fit.plan.table[area] == min(votes, key=lambda school: (-votes[school], school))
        if area in fit.split.index:
            assert fit.split.loc[area, "lost"] == sum(votes.values()) - max(votes.values())
        else:
            assert len(votes) == 1


PLACE = directory(ME71AB="a", ME71AD="a", ME71AE="b", ME72AA="b", ME711AA="c")


def test_a_postcode_goes_before_its_sector_and_a_sector_before_its_district():
    told = pd.DataFrame({"place": ["me7", "ME7 1", "ME71AD"], "school": ["3", "2", "1"]})
    found = postcodes_to_schools(told, PLACE).set_index("postcode")["school"].to_dict()
    assert found == {"ME71AB": "2", "ME71AD": "1", "ME71AE": "2", "ME72AA": "3"}


def test_a_space_tells_a_sector_from_a_district_of_the_same_letters():
    spaced = postcodes_to_schools(pd.DataFrame({"place": ["ME7 1"], "school": ["1"]}), PLACE)
    district = postcodes_to_schools(pd.DataFrame({"place": ["ME71"], "school": ["1"]}), PLACE)
    assert spaced["postcode"].tolist() == ["ME71AB", "ME71AD", "ME71AE"]
    assert district["postcode"].tolist() == ["ME711AA"]


def test_strange_places_and_places_told_twice_are_all_named():
    told = pd.DataFrame({"place": ["ME7 1", "XX1 1", "ME7 1", "YY2"], "school": ["1", "1", "2", "1"]})
    with pytest.raises(InputRefused) as refused:
        postcodes_to_schools(told, PLACE, "list.csv")
    assert {(problem.code, problem.more) for problem in refused.value.problems} == {
        ("code_unknown", 1), ("code_duplicated", 0),
    }  # fmt: skip
    assert "XX1" not in str(refused.value)


def test_a_plan_is_told_as_whole_and_part_sectors():
    plan = CatchmentPlan("Today", "lsoa21", pd.Series({"a": "101", "b": "102"}))
    sectors = sectors_of(plan, PLACE)
    assert sectors[["sector", "school", "how"]].values.tolist() == [
        ["ME7 1", "101", "part"], ["ME7 1", "102", "part"], ["ME7 2", "102", "whole"],
    ]  # fmt: skip
    text = notice_text(plan, sectors, pd.Series({"101": "North", "102": "South"}))
    assert "South (102)\n  All of: ME7 2\n  Part of: ME7 1 (33%)" in text
    with pytest.raises(UnknownCodeError, match="no ward24 codes"):
        sectors_of(CatchmentPlan("Today", "ward24", pd.Series({"a": "1"})), PLACE)


def test_the_look_up_has_a_row_for_each_way_a_sector_goes():
    today = CatchmentPlan("Today", "lsoa21", pd.Series({"a": "101", "b": "102"}))
    table = lookup_table({"Today": today, "Option": today.move(["a"], to="102")}, PLACE)
    assert table[["sector", "Today", "Option"]].values.tolist() == [
        ["ME7 1", "101", "102"], ["ME7 1", "102", "102"], ["ME7 2", "102", "102"],
    ]  # fmt: skip
    assert table.groupby("sector")["share"].sum().tolist() == [1.0, 1.0]


def test_shapes_and_splits():
    shape = compactness(drawn(W=shapely.box(0, 0, 1000, 1000), E=shapely.box(0, 0, 10_000, 100)))
    assert shape.loc["W", "polsby_popper"] > 0.78 > 0.04 > shape.loc["E", "polsby_popper"] > 0
    assert (shape["hull_share"] == 1).all()
    plan = CatchmentPlan("Today", "lsoa21", pd.Series({"a": "1", "b": "2", "c": "2", "d": ""}))
    split = split_groups(plan, pd.Series({"a": "North", "b": "North", "c": "South", "d": "South"}))
    assert split["catchments"].to_dict() == {"North": 2, "South": 1}
