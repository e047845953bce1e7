"""Columns: found by alias, checked all at once, missing never "no"."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.columns import PEOPLE, PUPILS, SCHOOLS, TABLES, check, explain, find_columns, header_key
from geoplan.reasons import REASONS


def read(column: str, *texts: str, table=PUPILS):
    checked = check(pd.DataFrame({column: pd.Series(list(texts), dtype="str")}), table)
    return checked.values[column].tolist(), list(zip(checked.findings["row"], checked.findings["code"], strict=True))


@pytest.mark.parametrize("header", ["UPN", "upn", "Pupil ID", "pupil_id", " PUPIL-ID ", "UPN_SPR24", "UPN_AUT2023"])
def test_headers_are_found_whatever_their_case_spaces_and_term(header):
    assert find_columns([header, "postcode", "school"], PUPILS).positions["id"] == 0


def test_school_census_headers():
    headers = [
        "UPN",
        "Surname",
        "PostCode_SPR24",
        "URN",
        "NCyearActual",
        "FSMeligible",
        "SENprovision",
        "Ethnicity",
        "Language",
        "EnrolStatus",
        "EntryDate",
        "Sex",
        "DOB",
    ]
    found = find_columns(headers, PUPILS)
    assert not found.problems
    assert set(found.positions) == {
        "id",
        "postcode",
        "school",
        "year_group",
        "fsm",
        "sen",
        "ethnicity",
        "language",
        "enrol_status",
        "entry_date",
        "sex",
        "birth_date",
    }


def test_a_missing_column_names_what_was_found_and_what_to_write():
    (problem,) = find_columns(["ref", "Home PC", "base"], PEOPLE).problems
    assert problem[0] == "column_missing"
    assert "'Home PC'" in problem[2]
    assert "[columns.people]" in problem[3]


def test_all_missing_columns_are_named_together():
    assert [p[1] for p in find_columns(["a", "b"], PUPILS).problems] == ["postcode", "school"]


def test_two_postcodes_are_not_chosen_between():
    problems = find_columns(["postcode", "home_postcode", "school"], PUPILS).problems
    assert [p[:2] for p in problems] == [("column_ambiguous", "postcode")]
    mapped = find_columns(["postcode", "home_postcode", "school"], PUPILS, {"postcode": "home_postcode"})
    assert not mapped.problems
    assert mapped.positions["postcode"] == 1


def test_a_header_taken_by_the_users_mapping_is_free_for_nothing_else():
    found = find_columns(["URN", "Base", "postcode"], PUPILS, {"school": "Base", "id": "URN"})
    assert (found.positions["school"], found.positions["id"]) == (1, 0)


def test_a_mapped_header_that_is_not_there_is_a_problem():
    assert find_columns(["postcode", "school"], PUPILS, {"fsm": "Meals"}).problems[0][:2] == ("column_missing", "fsm")


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["Y", "y", "Yes", "1", "1.0", "TRUE", "t"], "yes"),
        (["N", "no", "0", "0.0", "False"], "no"),
        (["", "NA", "REFU", "Not known", "-", "?"], "unknown"),
    ],
)
def test_fsm(texts, value):
    values, found = read("fsm", *texts)
    assert set(values) == {value}
    assert found == []


def test_what_is_not_understood_is_unknown_and_said():
    assert read("fsm", "perhaps", "Y") == (["unknown", "yes"], [(0, "value_unknown")])


def test_sen_statements_are_plans():
    assert read("sen", "N", "K", "E", "S", "ehcp", "", "P")[0] == ["N", "K", "E", "E", "E", "unknown", "unknown"]


def test_language_gives_eal():
    assert read("language", "ENG", "ENB", "PAN", "French", "REF", "ZZZ", "", "12") == (
        ["no", "no", "yes", "yes", "unknown", "unknown", "unknown", "unknown"],
        [(7, "value_unknown")],
    )


def test_year_groups():
    texts = [
        "R",
        "Reception",
        "0",
        "00",
        "07",
        "7.0",
        "Year 7",
        "yr 7",
        "Y7",
        "14",
        "N1",
        "e2",
        "x",
        "",
        "15",
        "1.5",
        "７",
    ]
    values, found = read("year_group", *texts)
    assert values == [
        "R",
        "R",
        "R",
        "R",
        "7",
        "7",
        "7",
        "7",
        "7",
        "14",
        "N1",
        "E2",
        "X",
        "unknown",
        "unknown",
        "unknown",
        "7",
    ]
    assert found == [(14, "value_unknown"), (15, "value_unknown")]


def test_identifiers_damaged_by_spreadsheets_are_never_compared():
    values, found = read("id", "a1", "1.23E+12", "12345.0", "", "1.23e+12", "#REF!")
    assert values == ["A1", "", "12345", "", "", ""]
    assert found == [(1, "id_damaged"), (2, "code_repaired"), (4, "id_damaged"), (5, "id_damaged")]


def test_dates_are_not_guessed():
    texts = [
        "2026-09-01",
        "01/09/2026",
        "1-9-2026",
        "1 Sep 2026",
        "2026-09-01 00:00:00",
        "01/09/26",
        "45870",
        "31/02/2026",
        "",
    ]
    values, found = read("entry_date", *texts)
    assert values == ["2026-09-01"] * 5 + [""] * 4
    assert found == [(5, "date_malformed"), (6, "date_malformed"), (7, "date_malformed")]


def test_numbers():
    values, found = read("places", "210", "1,050", "210.0", "", "two hundred", "-5", "210.5", table=SCHOOLS)
    assert [None if v is pd.NA else v for v in values] == [210, 1050, 210, None, None, None, None]
    assert [row for row, _ in found] == [4, 5, 6]


@settings(max_examples=25)
@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_text_in_any_column_gives_a_value_and_known_codes(texts):
    for table in TABLES.values():
        for column in table.columns:
            checked = check(pd.DataFrame({column.name: pd.Series(texts, dtype="str")}), table)
            assert len(checked.values) == len(texts)
            assert set(checked.findings["code"]) <= set(REASONS)
            assert checked.findings["row"].between(0, len(texts)).all()


@given(st.lists(st.sampled_from(["", " ", "NA", "unknown", "?", "REFU"]), min_size=1))
def test_missing_is_never_no(texts):
    for name in ("fsm", "sen", "eal", "language", "year_group"):
        assert set(read(name, *texts)[0]) == {"unknown"}


def test_findings_never_hold_a_value():
    checked = check(pd.DataFrame({"fsm": pd.Series(["SECRETVALUE"], dtype="str")}), PUPILS)
    assert "SECRETVALUE" not in checked.findings.to_csv()


def test_every_table_explains_every_column():
    for table in TABLES.values():
        assert [line.split(":")[0].split(" ")[0] for line in explain(table).splitlines()] == list(table.names)


def test_aliases_of_a_table_do_not_clash():
    for table in TABLES.values():
        keys = [
            header_key(alias) for column in table.columns for alias in dict.fromkeys(map(header_key, column.aliases))
        ]
        assert len(keys) == len(set(keys)), table.name
