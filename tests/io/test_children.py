"""Readers of children by area: registers, births, population, projections, flows."""

from __future__ import annotations

import pandas as pd
import pytest

from geoplan.errors import InputRefused
from geoplan.io.children import (
    academic_births,
    age_bands,
    read_births,
    read_flows,
    read_moving,
    read_population,
    read_projections,
    read_register,
)


def test_a_register_of_31_august_is_of_the_year_that_begins_next_day(write):
    text = "date,postcode_sector,age,children\n2025-08-31,ME1 1,4,120\n2025-08-31,ME1 1,3,110\n"
    counts = read_register(write("register.csv", text))
    assert counts.frame[["area", "year", "age", "children"]].values.tolist() == [
        ["ME1 1", 2025, 3, 110.0], ["ME1 1", 2025, 4, 120.0],
    ]  # fmt: skip


def test_full_postcodes_are_tidied_and_added_up(write):
    text = "date,postcode,age,children\n2025-08-31,me11ab,4,2\n2025-08-31,ME1 1AB,4,1\n"
    assert read_register(write("r.csv", text)).frame[["area", "children"]].values.tolist() == [["ME1 1AB", 3.0]]


def test_years_of_birth_instead_of_ages(write):
    text = (
        "date,area,born,children\n2024-10-01,BN41 1,01 September 19 to 31 August 20,62\n2024-10-01,BN41 1,2020/21,50\n"
    )
    assert read_register(write("r.csv", text)).frame[["age", "children"]].values.tolist() == [[3, 50], [4, 62]]


@pytest.mark.parametrize("band", ["0-4", "5 to 9", "15+"])
def test_bands_of_ages_are_refused_with_what_to_do(write, band):
    with pytest.raises(InputRefused, match="single years") as refused:
        read_register(write("r.csv", f"date,area,age,children\n2025-08-31,E1,{band},62\n"))
    problem = refused.value.problems[0]
    assert (problem.code, problem.record) == ("age_band", 1)
    assert "counted on 31 August" in problem.suggestion


def test_negative_counts_and_empty_areas_are_named_together(write):
    with pytest.raises(InputRefused) as refused:
        read_register(write("r.csv", "date,area,age,children\n2025-08-31,E1,4,-3\n2025-08-31,,4,7\n,E1,5,7\n"))
    assert [each.code for each in refused.value.problems] == ["value_impossible", "code_blank", "year_missing"]


def test_hidden_counts_are_in_no_sum_unless_said(write):
    path = write("r.csv", "date,area,age,children\n2025-08-31,E1,4,<=5\n2025-08-31,E1,5,30\n")
    counts = read_register(path)
    assert counts.frame["children"].isna().sum() == 1
    assert counts.notes == ("1 counts are hidden by the publisher and are not known and in no sum",)
    assert read_register(path, hidden_as=3).frame["children"].tolist() == [3, 30]


def test_the_council_s_own_register_of_brighton(shared_data, tmp_path):
    """Its eleven hidden cells are empty in the tidied copy, and there is no day: both are said."""
    folder = shared_data / "brighton_hove" / "admissions_and_catchments"
    table = pd.read_csv(folder / "council_gp_children_by_postcode_sector_oct24_app2.csv")
    with pytest.raises(InputRefused, match=r"record 104 and 10 more.*an empty count"):
        read_register(folder / "council_gp_children_by_postcode_sector_oct24_app2.csv")
    raw = table.assign(children_gp_registered=table["raw"], date="2024-10-01").drop(columns=["raw", "planning_area"])
    raw.to_csv(tmp_path / "raw.csv", index=False)
    counts = read_register(tmp_path / "raw.csv")
    assert counts.findings["code"].tolist() == ["count_hidden"] * 11
    assert counts.frame["age"].between(0, 10).all() and counts.frame["children"].sum() > 20_000


def test_births_of_academic_and_calendar_years(write):
    text = "lsoa21cd,academic_year,births\nE1,2020/21,12\nE1,2021/22,15\n"
    assert read_births(write("b.csv", text)).frame["year"].tolist() == [2020, 2021]
    counts = read_births(write("c.csv", "lsoa21cd,calendar_year,births\nE1,2020,12\nE1,2021,24\n"))
    assert counts.frame.values.tolist() == [["E1", 2020, 20.0]]
    assert "make no academic year" in counts.notes[0]
    assert academic_births(pd.DataFrame({"area": ["a"], "year": [2020], "births": [1.0]}))[0].empty


def test_population_by_single_year_wide_as_the_ons_gives_it(write):
    ages = ",".join(f"F{age}" for age in range(19)) + "," + ",".join(f"M{age}" for age in range(19))
    text = f"LAD 2023 Code,LSOA 2021 Code,Total,{ages}\nE06,E01,99," + ",".join(["1"] * 19 + ["2"] * 19) + "\n"
    counts = read_population(write("s.csv", text), 2022)
    assert counts.frame["children"].tolist() == [3] * 19 and set(counts.frame["area"]) == {"E01"}
    with pytest.raises(InputRefused, match="no column for age 3"):
        read_population(write("t.csv", text.replace("F3,", "X,").replace("M3,", "Y,")), 2022)


def test_projections_wide_and_long_and_their_bands(write):
    wide = (
        "AREA_CODE,SEX,AGE_GROUP,2025,2026\nE06,persons,0-4,500,490\nE06,males,0-4,250,245\nE06,persons,All ages,9,9\n"
    )
    counts = read_projections(write("w.csv", wide))
    assert counts.frame.values.tolist() == [["E06", 2025, "0-4", 500], ["E06", 2026, "0-4", 490]]
    long = "area,sex,age,year,people\nE06,males,3,2025,51\nE06,females,3,2025,49\n"
    assert read_projections(write("l.csv", long)).frame.values.tolist() == [["E06", 2025, "3", 100.0]]
    bands = age_bands(["0-4", "5-9", "10-14", "15-19"])
    assert bands[0] == "0-4" and bands[18] == "15-19" and len(bands) == 19


def test_flows_over_the_border_and_to_independent_schools(write):
    head = "home_la,school_la,phase,pupils,academic_year\n"
    text = head + "887,886,secondary,412,2024/25\n887,Independent,primary,300,2024/25\n"
    counts = read_flows(write("f.csv", text))
    assert counts.frame[["home", "school_in", "phase", "pupils", "year"]].values.tolist() == [
        ["887", "886", "secondary", 412, 2024], ["887", "independent", "primary", 300, 2024],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("home,school_in,phase,pupils\n1,2,primary,4\n", "no column for academic_year"),
        ("home,school_in,academic_year,pupils\n1,2,2024/25,4\n", "no column for phase"),
        ("home,school_in,phase,academic_year,pupils\n1,2,primary,soon,4\n", "no academic year can be read"),
        ("home,school_in,phase,academic_year,pupils\n1,2,playgroup,2024/25,4\n", "not a phase, a year group"),
        ("home,school_in,phase,academic_year,pupils\n1,2,primary,2024/25,-4\n", "a count below zero"),
        ("home,school_in,phase,academic_year,pupils\n,2,primary,2024/25,4\n", "no place"),
        (
            "home,school_in,phase,academic_year,pupils\n1,2,primary,2024/25,4\n1,2,7,2024/25,4\n",
            "the same pupils twice",
        ),
    ],
)
def test_flows_that_cannot_be_used_are_refused_in_words(write, text, words):
    with pytest.raises(InputRefused) as refused:
        read_flows(write("f.csv", text))
    assert words in str(refused.value)


def test_hidden_flows_are_not_known_and_said_to_be(write):
    text = "home,school_in,phase,academic_year,pupils\n1,2,primary,2024/25,<=5\n"
    counts = read_flows(write("f.csv", text))
    assert counts.frame["pupils"].isna().all() and "1 counts are hidden" in counts.notes[0]
    assert read_flows(write("f.csv", text), hidden_as=3).frame["pupils"].tolist() == [3]


def test_a_chart_of_moving(write):
    rates, source = read_moving(write("m.csv", "age,rate\n1,-0.02\n0,0.01\n18,0.5\n"))
    assert rates.to_dict() == {0: 0.01, 1: -0.02} and source.file == "m.csv"


@pytest.mark.parametrize(
    ("rows", "words"),
    [("0-4,0.1", "not an age"), ("3,0.1\n3,0.2", "an age twice"), ("3,-2", "not per cent"), ("3,few", "not a rate")],
)
def test_a_chart_of_moving_that_cannot_be_used(write, rows, words):
    with pytest.raises(InputRefused) as refused:
        read_moving(write("m.csv", f"age,rate\n{rows}\n"))
    assert words in str(refused.value)
