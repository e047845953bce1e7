"""The challenge list: what is odd in a return, by school and row, never a value."""

from __future__ import annotations

import pandas as pd
import pytest

from geoplan.census_checks import challenges, roll_jumps
from geoplan.cli.main import main
from geoplan.io.census import read_census
from geoplan.io.describe import describe_file
from geoplan.io.schools import read_schools
from geoplan.rolls import rolls_from

HEAD = "UPN,PostCode,URN,NCyearActual,EnrolStatus,DOB\n"
ROWS = [
    "A1,ME1 1AB,900001,R,C,2021-03-01",
    "A2,ME1 1AE,900001,R,C,2019-03-01",  # two years too old
    "A3,ME1 1AD,900001,9,C,2011-10-01",  # not taught there
    "A4,,900001,1,C,2020-02-01",
    "A5,ME1,900001,1,C,",
    "A6,ME1 1AF,900001,1,C,2020-01-01",
    "A6,ME1 1AF,900002,1,M,2020-01-01",  # a main registration at two schools
    "A7,ME1 1AG,900002,2,S,2018-12-01",  # a second one without a main one
    "A1,ME1 1AB,900001,R,C,2021-03-01",  # a copy
]
SCHOOLS = "urn,name,lowest_year,highest_year\n900001,One,R,6\n900002,Two,R,6\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "census.csv").write_text(HEAD + "\n".join(ROWS) + "\n", encoding="utf-8")
    (tmp_path / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    return tmp_path


def test_every_oddity_is_asked_about_once_by_school_and_row(files):
    schools = read_schools(files / "schools.csv")
    report = describe_file(files / "census.csv", "census", day="2026-01-15", schools=schools)
    asked = {(each["school"], each["check"]): each["rows"] for each in report["details"]["questions"]}
    assert asked == {
        ("900001", "age_outside_year"): "2",
        ("900001", "birth_date_missing"): "5",
        ("900001", "duplicate_record"): "9",
        ("900001", "postcode_blank"): "4",
        ("900001", "postcode_malformed"): "5",
        ("900001", "year_not_taught"): "3",
        ("900002", "dual_registration"): "8",
        ("900002", "duplicate_conflict"): "7",
        ("900002", "registered_twice"): "7",
        ("900002", "second_without_main"): "8",
    }
    assert sum(report[name] for name in ("accepted", "repaired", "rejected", "blank")) == report["records"] == 9


def test_the_list_to_send_is_a_table_for_its_owner_alone(files, capsys):
    out, census = files / "questions.csv", str(files / "census.csv")
    assert main(["check", census, "--as", "census", "--day", "2026-01-15", "--questions", str(out)]) == 1
    assert "readable by you alone" in capsys.readouterr().err
    rows = pd.read_csv(out, dtype=str)
    assert list(rows.columns) == ["school", "check", "what", "records", "rows", "question"]
    asked = dict(zip(rows["check"], rows["rows"], strict=True))
    assert asked["age_outside_year"] == "2" and rows["question"].str.endswith("?").all()
    assert out.stat().st_mode & 0o777 == 0o600
    for value in ("2019", "ME1", "A2"):
        assert value not in out.read_text(encoding="utf-8")
    assert main(["check", census, "--as", "pupils", "--questions", str(out)]) == 2


def test_no_value_of_a_child_is_in_the_list_or_kept(files):
    found = read_census(files / "census.csv", "2026-01-15", read_schools(files / "schools.csv"))
    said = found.challenges.to_csv()
    for value in ("2019", "2021-03", "ME1", "A2"):
        assert value not in said
    assert "DOB" not in found.people.frame and not found.people.frame.astype(str).eq("2019-03-01").any().any()
    assert repr(found) == f"<CensusReturn: 9 records, {len(found.challenges)} questions>"


def test_without_a_census_day_ages_cannot_be_checked(files):
    report = describe_file(files / "census.csv", "census")
    assert report["file_status"] == "rejected" and "--day 2026-01-15" in report["message"]


def test_a_year_group_that_jumps_is_asked_about_and_one_that_moves_up_is_not():
    rows = [
        ("a", 2024, "R", 60),
        ("a", 2024, "1", 30),
        ("a", 2025, "R", 58),
        ("a", 2025, "1", 59),
        ("a", 2025, "2", 55),
    ]
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    jumps = roll_jumps(rolls)
    assert jumps[["place", "stage", "before", "now"]].values.tolist() == [["a", 2, 30, 55]]
    asked = challenges(pd.DataFrame(columns=["record", "column", "code", "rule"]), pd.Series(dtype=str), jumps)
    assert asked.loc[0, "check"] == "roll_jump" and "Year 2 in 2025/26" in asked.loc[0, "what"]
    assert roll_jumps(rolls, 2024).empty


def test_the_demo_s_planted_copies_are_all_found():
    from geoplan.io.recipes import demo_folder

    folder = demo_folder()
    found = read_census(folder / "pupils.csv", "2026-01-15", read_schools(folder / "schools.csv"))
    counts = found.challenges.groupby("check")["records"].sum()
    assert (counts["dual_registration"], counts["duplicate_record"], counts["not_on_roll"]) == (25, 10, 12)
    assert counts["duplicate_conflict"] == 5
