"""Assignment: everybody has an outcome, a place where there is one, and stays in the totals."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CODES, DRAWN, LETTERS, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import NOT_PLACED, assign
from geoplan.errors import NotProtected, Problem, UnknownCodeError, VintageError
from geoplan.findings import findings
from geoplan.people import People
from geoplan.postcodes import PostcodeDirectory, flag_text
from geoplan.segments import Segmentation

MIXED = [postcode("A1"), "tn1 1aa", "TN1 IAA", postcode("I3"), "TN1 1ZZ", "SW1A 1AA", "rubbish", "ZZ99 3VZ", "", None]


def test_the_accounts_balance_and_say_why():
    placed = assign(make_people(MIXED), make_directory())
    report = placed.report
    assert (report.records, report.accepted, report.repaired, report.rejected, report.blank) == (10, 2, 2, 4, 2)
    assert sum(report.by_status.values()) == 10
    assert report.by_school.to_numpy().sum() == 10
    assert report.by_flag == {"terminated": 1, "pseudo": 1}
    entries = report.to_dict()["problems"]
    assert [(entry["record"], entry["outcome"], entry["codes"][0]) for entry in entries] == [
        (2, "repaired", "postcode_reformatted"),
        (3, "repaired", "postcode_confusion"),
        (5, "rejected", "postcode_sector_only"),
        (6, "rejected", "postcode_not_found"),
        (7, "rejected", "postcode_malformed"),
        (8, "rejected", "postcode_pseudo"),
        (9, "blank", "postcode_blank"),
        (10, "blank", "postcode_blank"),
    ]
    assert entries[1]["rule"].startswith("one of O/0")
    assert entries[2]["rule"] == ""


def test_no_value_of_a_pupil_is_in_the_report_or_any_repr():
    people = make_people(["TN1 1ZZ", "somewhere near TN1 1AA", "rubbish"])
    placed = assign(people, make_directory(), segments=make_segments())
    shown = " ".join(
        [repr(people), repr(placed), str(placed.report), repr(placed.report), str(placed.report.to_dict())]
    )
    for text in ("TN1", "ZZ", "rubbish", "somewhere"):
        assert text not in shown.replace("ZZ99", "")


def test_people_who_cannot_be_placed_stay_in_every_total():
    placed = assign(make_people(MIXED), make_directory(), segments=make_segments())
    by_area = placed.counts(by="lsoa21")
    assert by_area.sum() == 10
    assert by_area[NOT_PLACED] == 6
    both = placed.counts(by=["school", "segment"])
    assert both.sum() == 10
    assert both["900001", NOT_PLACED] == 6


def test_codes_come_from_the_directory_and_other_kinds_from_the_point():
    wards = replace(make_boundaries("ward24"), source=DRAWN)
    placed = assign(make_people([postcode("A1"), postcode("E2"), "x"]), make_directory(), areas=wards)
    assert placed.kinds == ("lsoa21", "ward24")
    assert placed.frame["ward24"].astype("object").fillna("-").tolist() == [CODES["A"], CODES["E"], "-"]
    assert list(placed.frame["method"]) == ["code and point", "code and point", ""]
    only_points = assign(make_people([postcode("A1")]), make_directory(None), areas=make_boundaries())
    assert list(only_points.frame["method"]) == ["point"]
    assert list(only_points.frame["lsoa21"]) == [CODES["A"]]


def test_points_off_the_edge_and_outside_are_flagged():
    table = make_directory(None).table
    table.loc[0, "easting"], table.loc[1, "easting"], table.loc[2, "easting"] = 579_900.0, 570_000.0, np.nan
    people = make_people([postcode("A1"), postcode("A2"), postcode("A3")])
    placed = assign(people, PostcodeDirectory(table, DRAWN), areas=make_boundaries())
    assert flag_text(placed.frame["flags"].to_numpy()).tolist() == ["nearest_area", "outside_areas", "no_position"]
    assert placed.frame["lsoa21"].astype("object").fillna("-").tolist() == [CODES["A"], "-", "-"]


def test_a_code_outside_the_study_area_is_kept_and_flagged():
    placed = assign(
        make_people([postcode("A1"), postcode("I1")]), make_directory(), areas=make_boundaries(letters="ABC")
    )
    assert placed.frame["lsoa21"].tolist() == [CODES["A"], CODES["I"]]
    assert flag_text(placed.frame["flags"].to_numpy()).tolist() == ["", "outside_areas"]


def test_boundaries_of_another_place_or_year_are_refused():
    boundaries = make_boundaries()
    elsewhere = replace(
        boundaries, frame=boundaries.frame.set_index(boundaries.frame.index.str.replace("E019", "E018"))
    )
    with pytest.raises(VintageError, match="another year or another place"):
        assign(make_people([postcode("A1")]), make_directory(), areas=elsewhere)
    far = replace(boundaries, kind="ward24", frame=boundaries.frame.set_geometry(boundaries.frame.translate(300_000)))
    with pytest.raises(VintageError, match="far from the people") as refused:
        assign(everywhere(), make_directory(), areas=far)
    assert refused.value.code == "far_away"
    with pytest.raises(VintageError, match="neither ward24 codes nor grid references"):
        directory = PostcodeDirectory(make_directory().table.drop(columns=["easting", "northing"]), DRAWN)
        assign(make_people([postcode("A1")]), directory, areas=make_boundaries("ward24"))


def everywhere():
    """A pupil at each of the borough's twenty-seven postcodes."""
    return make_people([postcode(f"{letter}{number}") for letter in LETTERS for number in (1, 2, 3)])


def test_a_layer_drawn_elsewhere_under_its_own_codes_is_refused():
    """Eastings and northings swapped, say: the codes agree with the directory's, the places do not."""
    boundaries = make_boundaries()
    swapped = replace(boundaries, frame=boundaries.frame.set_geometry(boundaries.frame.translate(-420_000, 420_000)))
    with pytest.raises(VintageError, match="drawn in another place"):
        assign(everywhere(), make_directory(), areas=swapped)


def test_a_few_people_outside_a_layer_are_not_placed_not_refused():
    far = make_boundaries("ward24")
    far = replace(far, frame=far.frame.set_geometry(far.frame.translate(300_000)))
    placed = assign(make_people([postcode("A1")]), make_directory(), areas=far)
    assert placed.report.by_flag == {"outside_areas": 1}
    assert placed.counts(by="ward24").to_dict() == {NOT_PLACED: 1}


def test_nobody_is_moved_over_an_inland_border_that_the_directory_knows():
    """A house 50 m outside the layer takes the nearest area, unless the directory says it is in another."""
    table = make_directory(None).table
    table.loc[[0, 1], "easting"], table.loc[[0, 1], "northing"] = 579_950.0, 160_500.0
    codes = [CODES["A"], "E07000999"] + [CODES["A"]] * 25
    directory = PostcodeDirectory(table.assign(lad=pd.Categorical(codes)), DRAWN)
    placed = assign(make_people([postcode("A1"), postcode("A2")]), directory, areas=make_boundaries("lad24"))
    assert flag_text(placed.frame["flags"].to_numpy()).tolist() == ["nearest_area", "outside_areas"]
    assert placed.frame["lad24"].astype("object").fillna("-").tolist() == [CODES["A"], "-"]


@pytest.mark.parametrize("kind", ["counted", "postcode", "segment", "LAD24", "x y", ""])
def test_a_kind_cannot_take_the_name_of_another_column(kind):
    with pytest.raises(VintageError, match="cannot name a kind of area"):
        make_boundaries(kind)


def test_repairs_of_outlines_are_in_the_report():
    repair = Problem("wards.gpkg", "geometry_repaired", "12 m2, now 11 m2")
    layer = replace(make_boundaries(), repairs=(repair,))
    report = assign(make_people([postcode("A1")]), make_directory(), areas=layer).report.to_dict()
    assert report["repairs"] == [{"file": "wards.gpkg", "codes": ["geometry_repaired"], "what": "12 m2, now 11 m2"}]


def test_segments_of_another_kind_or_year_are_refused():
    people = make_people([postcode("A1")])
    with pytest.raises(VintageError, match="keyed by lsoa11"):
        assign(people, make_directory(), segments=make_segments("lsoa11"))
    other_codes = replace(make_segments(), table=make_segments().table.rename(lambda code: code.replace("019", "018")))
    with pytest.raises(VintageError, match="none of its lsoa21 codes"):
        assign(people, make_directory(), segments=other_codes)


def test_segments_by_postcode():
    table = pd.DataFrame({"type": ["G", "E"]}, index=["TN11AA", "TN12AA"])
    segments = Segmentation("Bought", "7", "type", "postcode", table, DRAWN)
    placed = assign(
        make_people([postcode("A1"), postcode("B1"), postcode("C1"), ""]), make_directory(), segments=segments
    )
    assert placed.frame["segment"].astype("object").fillna("-").tolist() == ["G", "E", "-", "-"]
    assert placed.report.placed["segment"] == 2


def test_records_that_do_not_count_are_kept_flagged_and_left_out_of_counts():
    people = make_people([postcode("A1"), postcode("A1")])
    frame = people.frame.assign(counted=[True, False])
    people = People(frame, DRAWN, findings([2], "UPN", "duplicate_record"), "pupils")
    placed = assign(people, make_directory())
    assert placed.counts(by="lsoa21").sum() == 1
    assert (placed.report.rejected, placed.report.counted, placed.report.records) == (1, 1, 2)
    assert flag_text(placed.frame["flags"].to_numpy()).tolist() == ["", "not_counted"]


def test_where_filters_and_names_the_columns_there_are():
    people = make_people([postcode("A1"), postcode("B1")], ["900001", "900002"], year_group=["R", "6"])
    placed = assign(people, make_directory())
    assert len(placed.where(year_group="6")) == 1
    assert len(placed.where(school=["900001", "900002"], year_group="R")) == 1
    with pytest.raises(UnknownCodeError, match="year_group"):
        placed.where(year=6)


def test_nobody_at_all():
    placed = assign(make_people([]), make_directory(), segments=make_segments())
    assert placed.report.records == 0
    assert placed.counts(by=["school", "segment"]).sum() == 0


def test_people_and_assignments_are_not_pickled_or_copied_and_tabulate_shows_nothing():
    placed = assign(everywhere(), make_directory(), segments=make_segments())
    for value in (everywhere(), placed, placed.tabulate(by=["school", "segment"])):
        with pytest.raises(NotProtected):
            pickle.dumps(value)
        with pytest.raises(NotProtected):
            copy.deepcopy(value)
        assert "TN1" not in value._repr_html_()
    assert "27 pupils" not in repr(placed.tabulate(by="segment"))


def test_a_file_name_where_a_value_is_needed_says_how_to_read_it():
    with pytest.raises(TypeError, match="read_pupils"):
        assign("pupils.csv", make_directory())
    with pytest.raises(TypeError, match="read_boundaries"):
        assign(make_people([]), make_directory(), areas=["lsoa11"])
    with pytest.raises(TypeError, match="read_segmentation"):
        assign(make_people([]), make_directory(), segments="oac21")
