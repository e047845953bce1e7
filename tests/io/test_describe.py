"""What a check says: every record accounted for, no value shown, the same codes as an assignment."""

from __future__ import annotations

import json

import pytest
from conftest import postcode
from project import write_project

from geoplan.errors import InputRefused
from geoplan.io.describe import KINDS, TOGETHER, describe_file, describe_project
from geoplan.io.recipes import demo_folder

HEAD = "UPN,PostCode,URN,FSMeligible\n"


def test_one_entry_for_each_record_that_is_not_plainly_accepted(write):
    text = (
        HEAD + "A1,ME4 4AA,1,Y\nA2,me44ab,1,Y\nA3,,1,Y\nA4,nonsense,1,Y\nA5,ME4 4AD,1,maybe\n"
        ",,,\nA7,ZZ99 3VZ,1,Y\nA8,short\nA1,ME4 4AA,1,Y\nA9,ME4 4AO,1,N\n"
    )
    report = describe_file(write("p.csv", text), "pupils")
    outcomes = {entry["record"]: (entry["outcome"], *entry["codes"]) for entry in report["problems"]}
    assert outcomes == {
        2: ("repaired", "postcode_reformatted"),
        3: ("blank", "postcode_blank"),
        4: ("rejected", "postcode_malformed"),
        5: ("repaired", "value_unknown"),
        6: ("blank", "record_blank"),
        7: ("rejected", "postcode_pseudo"),
        8: ("rejected", "ragged_row"),
        9: ("rejected", "duplicate_record"),
        10: ("rejected", "postcode_malformed"),
    }
    assert [report[k] for k in ("records", "accepted", "repaired", "rejected", "blank")] == [10, 1, 2, 5, 2]
    assert report["by_reason"]["postcode_malformed"] == 2
    assert json.loads(json.dumps(report)) == report


def test_a_refusal_has_the_reason_and_all_problems(write):
    report = describe_file(write("p.csv", "a,b\n1,2\n"), "pupils")
    assert (report["file_status"], report["reason"], report["records"]) == ("rejected", "column_missing", 0)
    assert [p["column"] for p in report["problems"]] == ["postcode", "school"]
    assert report["message"].startswith("p.csv: 2 problems")


def test_no_value_is_ever_shown(write):
    text = HEAD + "SECRETID,SECRETPC,SECRETSCHOOL,SECRETFSM\n1.23E+12,ME4 4QQ,SECRETSCHOOL,Y\n"
    for kind in KINDS:
        report = json.dumps(describe_file(write("p.csv", text), kind))
        assert "SECRET" not in report
        assert "4QQ" not in report


def test_every_file_of_the_demo_is_in_order():
    reports = {report["file"]: report for report in describe_project(demo_folder())}
    truth = json.loads((demo_folder() / "truth.json").read_text(encoding="utf-8"))["invented"]["pupils"]
    assert {report["file_status"] for report in reports.values()} == {"ok"}
    for report in reports.values():
        assert sum(report[k] for k in ("accepted", "repaired", "rejected", "blank")) == report["records"]
        assert len(report["problems"]) == report["records"] - report["accepted"]
    truth = {name: value if isinstance(value, int) else len(value) for name, value in truth.items()}
    pupils = reports["pupils.csv"]
    assert pupils["records"] == truth["records"]
    assert pupils["by_reason"]["duplicate_record"] == truth["exact_repeats"]
    assert pupils["by_reason"]["duplicate_conflict"] == truth["conflicting_postcodes"]
    assert pupils["by_reason"]["dual_registration"] == truth["dual_pairs"]
    assert pupils["by_reason"]["not_on_roll"] == truth["guests"]


def test_an_unknown_kind_is_refused(write):
    with pytest.raises(InputRefused):
        describe_file(write("p.csv", HEAD), "plans")


def test_files_are_placed_together_and_every_pupil_is_accounted_for(tmp_path):
    project = write_project(tmp_path / "town")
    pupils = project.parent / "pupils.csv"
    pupils.write_text(pupils.read_text() + f"X1,ME1 9ZZ,900001,3\nX2,,900001,3\nX3,{postcode('A1')},999999,3\n")
    *files, together = describe_project(project)
    assert together["as"] == TOGETHER and TOGETHER not in {each["as"] for each in files}
    assert sum(together[each] for each in ("accepted", "repaired", "rejected", "blank")) == together["records"] == 372
    assert "postcode_not_found" in together["by_reason"] and "postcode_not_found" not in files[0]["by_reason"]
    assert together["details"]["placed"] == {"lsoa21": 370, "segment": 370}
    assert together["details"]["notes"][:2] == [f"{kind}: 2 of 372 pupils not placed" for kind in ("lsoa21", "segment")]


def test_files_of_two_years_are_right_alone_and_refused_together(tmp_path):
    project = write_project(tmp_path / "town")
    project.write_text(project.read_text().replace('keyed_by = "lsoa21"', 'keyed_by = "oa21"'))
    segments = project.parent / "segments.csv"
    segments.write_text("oa21,segment\nE00000001,1\nE00000002,2\n")
    *files, together = describe_project(project)
    assert {each["file_status"] for each in files} == {"ok"}
    assert together["file_status"] == "rejected" and "oa21" in together["message"] and together["reason"]


def test_nothing_is_said_of_files_together_where_one_was_refused(tmp_path):
    project = write_project(tmp_path / "town")
    (project.parent / "postcodes.csv").write_text("")
    reports = describe_project(project)
    assert TOGETHER not in {each["as"] for each in reports}
    assert [each["as"] for each in reports if each["file_status"] == "rejected"] == ["postcodes"]
