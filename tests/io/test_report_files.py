"""The files of a report: each from the same protected tables, none with a personal value."""

from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest
from conftest import make_boundaries
from reporting import SCHOOL, full_report, medway
from test_protection import COUNTS, borough, moved, schools

from geoplan.io.report_files import report_files
from geoplan.leaks import scan_bytes
from geoplan.protection import protect_place
from geoplan.reports import backdrop, cluster_page, head_report


@pytest.fixture(scope="module")
def files():
    return report_files(full_report(), medway().areas)


def test_the_files_an_analyst_wants_are_there_and_clean(files):
    assert list(files) == [
        "report.html", "figures.xlsx", "profile.csv", "base.csv", "similar.csv", "areas.csv", "changes.csv",
        "cautions.csv", "areas.gpkg",
    ]  # fmt: skip
    for name, data in files.items():
        assert scan_bytes(name, data) == (), name


def test_workbook_and_csv_have_the_printed_numbers_as_numbers(files):
    book = openpyxl.load_workbook(io.BytesIO(files["figures.xlsx"]))
    assert book.sheetnames == ["About", "Profile", "Base", "Similar", "Areas", "Changes", "Cautions"]
    rows = list(book["Profile"].values)
    profile = medway().tables.profiles[SCHOOL]
    heads = rows[0]
    assert heads[:3] == ("segment", "name", "count")
    for row, (code, numbers) in zip(rows[1:], profile.table.iterrows(), strict=True):
        cells = dict(zip(heads, row, strict=True))
        if profile.hidden.loc[code, "count"]:
            assert cells["count"] == cells["share"] == "c"
        else:
            assert cells["count"] == numbers["count"] and isinstance(cells["count"], (int, float))
            assert cells["share"] == round(numbers["share"], 4)
    csv = pd.read_csv(io.BytesIO(files["profile.csv"]), dtype=str)
    assert csv["count"].tolist() == [f"{v:g}" if v != "c" else "c" for v in (row[2] for row in rows[1:])]
    words = " ".join(str(row[1]) for row in book["About"].values)
    assert "Index 100 is the same share" in words and "Small numbers are protected" in words


@pytest.mark.parametrize("hidden", [1, 4])
def test_a_hidden_3_may_be_1_or_4_and_every_file_is_the_same_to_the_byte(hidden):
    made = []
    for counts in (COUNTS, moved(COUNTS, hidden)):
        people = borough(counts)
        tables = protect_place(people, make_boundaries(), homes=["900003"])
        shared = backdrop(people, schools(), make_boundaries(), tables, apart_km=0)
        files = {}
        for school in COUNTS:
            report = head_report(shared, tables, school)
            files |= {f"{school} {name}": data for name, data in report_files(report, make_boundaries()).items()}
        files["cluster"] = cluster_page(shared, tables, list(COUNTS)).to_html()
        made.append(files)
    assert made[0] == made[1]


def test_a_form_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="docx are not known"):
        report_files(full_report(), forms=["docx"])


def test_without_areas_there_is_no_geopackage():
    assert "areas.gpkg" not in report_files(full_report(), None, ("gpkg", "csv"))
