"""Readers for forecasts: every problem named with what to do, nothing lost in silence."""

from __future__ import annotations

import pytest

from geoplan.errors import InputRefused
from geoplan.io.rolls import (
    read_control_totals,
    read_extra_pupils,
    read_feeders,
    read_places_changes,
    read_rolls,
    read_school_links,
)

GOOD = "URN,NCyearActual,Census date,Pupils\n1,R,2025-01-16,29\n1,R,2026-01-15,30\n1,1,2026-01-15,28\n"


def problems(write, text, read=read_rolls, **options):
    with pytest.raises(InputRefused) as refused:
        read(write("rolls.csv", text), **options)
    return [(each.code, each.record, each.more) for each in refused.value.problems], str(refused.value)


def test_rolls_by_census_day(write):
    counts = read_rolls(write("rolls.csv", GOOD))
    assert counts.frame[["school", "year", "year_group", "pupils"]].values.tolist() == [
        ["1", 2024, "R", 29.0], ["1", 2025, "R", 30.0], ["1", 2025, "1", 28.0],
    ]  # fmt: skip
    assert counts.details["records"] == 3 and not len(counts.findings)


def test_academic_years_are_read_as_they_are_written(write):
    text = "urn,year_group,academic_year,pupils\n1,R,2023/24,29\n1,R,202425,30\n1,R,2025,31\n"
    assert read_rolls(write("r.csv", text)).frame["year"].tolist() == [2023, 2024, 2025]


def test_every_problem_of_a_file_at_once_with_what_to_do(write):
    text = GOOD + "1,2,2026-01-15,-4\n1,3,2026-01-15,many\n1,4,soon,30\n,5,2026-01-15,30\n1,Year 99,2026-01-15,3\n"
    found, message = problems(write, text + "1,R,2026-01-15,31\n")
    assert found == [
        ("value_impossible", 4, 0), ("number_malformed", 5, 0), ("year_missing", 6, 0), ("code_blank", 7, 0),
        ("value_unknown", 8, 0), ("code_duplicated", 9, 0),
    ]  # fmt: skip
    assert "a count below zero" in message and "correct it at the source" in message
    assert "write a date (2026-01-15) or an academic year (2025/26)" in message
    assert "many" not in message and "-4" not in message


def test_a_file_without_a_year_is_refused(write):
    found, message = problems(write, "urn,year_group,pupils\n1,R,30\n")
    assert found[0][0] == "column_missing" and "add date or academic_year" in message


def test_a_stated_total_is_held_against_its_parts(write):
    text = GOOD + "1,Total,2026-01-15,59\n1,Total,2025-01-16,29\n"
    counts = read_rolls(write("rolls.csv", text))
    assert counts.findings[["record", "code"]].values.tolist() == [[4, "total_not_sum"]]
    assert "Total" not in set(counts.frame["year_group"])


def test_hidden_counts_are_not_known_unless_it_is_said_what_they_stand_for(write):
    path = write("rolls.csv", GOOD + "1,2,2026-01-15,<=5\n1,3,2026-01-15,c\n")
    counts = read_rolls(path)
    assert counts.findings["code"].tolist() == ["count_hidden"] * 2
    assert counts.frame["pupils"].isna().sum() == 2
    assert read_rolls(path, hidden_as=3).frame["pupils"].tolist()[-2:] == [3, 3]


def test_the_spring_census_of_a_year_is_used_and_the_others_named(write):
    text = "urn,year_group,date,pupils\n1,R,2025-10-02,31\n1,R,2026-01-15,30\n1,R,2026-05-21,29\n"
    counts = read_rolls(write("rolls.csv", text))
    assert counts.frame["pupils"].tolist() == [30]
    assert counts.notes == ("2025/26 has 3 census days: 2026-01-15 is used, 2025-10-02, 2026-05-21 is not",)


def test_links_of_gias(write):
    text = "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\n2,1,Old School,Predecessor,01-09-2024\n"
    links, _ = read_school_links(write("links.csv", text))
    assert links[["school", "linked", "link_type", "date"]].values.tolist() == [["2", "1", "Predecessor", "2024-09-01"]]


def test_pupils_of_new_homes_by_option(write):
    text = "urn,academic_year,year_group,pupils,option\n1,2027/28,R,4.5,slow\n1,2027/28,R,9,fast\n"
    table, _ = read_extra_pupils(write("extra.csv", text), option="fast")
    assert table.to_dict("records") == [{"place": "1", "year": 2027, "stage": 0, "pupils": 9.0}]
    found, message = problems(write, text, read_extra_pupils)
    assert found[0][0] == "code_unknown" and "it has the options slow, fast" in message


def test_places_added_and_taken_away(write):
    table, _ = read_places_changes(write("p.csv", "urn,academic_year,places,pan\n1,2027/28,-105,-15\n"))
    assert table.to_dict("records") == [{"school": "1", "year": 2027, "places": -105.0, "pan": -15.0}]


def test_totals_to_be_brought_to(write):
    table, _ = read_control_totals(write("t.csv", "phase,academic_year,pupils\nPrimary,2026/27,900\n"))
    assert table.to_dict("records") == [{"phase": "primary", "year": 2026, "pupils": 900.0}]
    text = "phase,academic_year,pupils\nnursery,2026/27,9\nprimary,soon,-9\nprimary,2027,1\nprimary,2027,2\n"
    found, _ = problems(write, text, read_control_totals)
    assert {code for code, _, _ in found} == {"value_unknown", "year_missing", "value_impossible", "code_duplicated"}


def test_feeders_with_their_shares(write):
    feeders, _ = read_feeders(write("f.csv", "urn,feeder_urn,share\n100001,100002,\n100001,100003,0.5\n"))
    assert feeders.values.tolist() == [["100001", "100002", 1.0], ["100001", "100003", 0.5]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("100001,100001,1", "its own feeder"),
        ("100001,100002,1\n100001,100002,1", "its feeder twice"),
        ("100001,100002,2", "below 0 or over 1"),
        ("100001,,1", "no school"),
    ],
)
def test_feeders_that_cannot_be_used(write, rows, words):
    with pytest.raises(InputRefused) as refused:
        read_feeders(write("f.csv", f"urn,feeder_urn,share\n{rows}\n"))
    assert words in str(refused.value)
