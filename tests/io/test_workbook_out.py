"""Workbooks: numbers stay numbers, text is never run, hidden is "c", and the bytes follow from the content."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pytest

from geoplan.disclosure import protect
from geoplan.errors import InputRefused, NotProtected
from geoplan.io.outputs import write_csv
from geoplan.io.workbook_out import sheet_names, workbook_bytes, write_workbook
from geoplan.leaks import scan_bytes
from geoplan.sources import Source

HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(1)", "=cmd|'/c calc'!A1", "\t=1", "\r=1", "\n=1", " =1", "|x", "%0a=1", "＝1", "https://example.org", "mailto:a@b",  # noqa: E501
    "=HYPERLINK(\"http://x\")", "{=1}", "internal:Sheet!A1", "1E5", "0123", "St Mary's", "<b>&amp;", "x" * 40_000, "\x00\x0b", "",  # noqa: E501
)  # fmt: skip


def read(data: bytes):
    return openpyxl.load_workbook(io.BytesIO(data))


def test_hidden_numbers_missing_numbers_and_shown_numbers():
    counts = pd.DataFrame(
        {"name": ["A", "B", "C"], "pupils": [4, 1236, None]}, index=pd.Index(["x", "y", "z"], name="school")
    )
    table = protect(counts, counts=["pupils"], labels=["name"], base="all pupils")
    book = read(
        workbook_bytes(
            {"By school": table},
            about=["Pupils by school."],
            sources=[Source("GIAS", attribution="Source: DfE", invented=True)],
        )
    )
    assert book.sheetnames == ["About", "By school"]
    rows = list(book["By school"].iter_rows(values_only=True))
    assert rows == [("school", "name", "pupils"), ("x", "A", "c"), ("y", "B", 1235), ("z", "C", "x")]
    about = dict(book["About"].iter_rows(min_row=2, values_only=True))
    assert about["About"] == "Pupils by school."
    assert about["Small numbers"] == table.rule.sentence
    assert about["Source"] == "Source: DfE. Invented data."
    assert about["Base"] == "all pupils"


def test_no_cell_is_a_formula_a_link_blank_or_merged():
    data = workbook_bytes({"=1+1": pd.DataFrame({"=cmd": list(HOSTILE), "n": range(len(HOSTILE)), "": "-1"})})
    book = read(data)
    for sheet in book:
        assert not sheet.merged_cells.ranges
        assert len(sheet.tables) == 1
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                assert cell.value not in (None, "")
    shown = [row[0] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)]
    assert shown[3] == "@SUM(1)"
    assert [row[1] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)] == list(range(len(HOSTILE)))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name)
            assert not name.startswith("xl/externalLinks")


def test_no_cell_of_a_csv_is_one_that_a_spreadsheet_runs(tmp_path):
    texts = [text for text in HOSTILE if "\r" not in text]
    frame = pd.DataFrame({"=head": texts, "n": [-12.5] * len(texts)})
    text = write_csv(tmp_path / "a.csv", frame).read_bytes().decode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for row in rows:
        assert not re.match(r"[\s\u00a0]*[=+@|%＝＋－＠]|^[\t\r\n]", row[0])
        assert not row[0].lstrip().startswith("-")
    assert {row[1] for row in rows[1:]} == {"-12.5"}


def test_a_carriage_return_does_not_begin_a_row(tmp_path):
    data = write_csv(tmp_path / "a.csv", pd.DataFrame({"name": ["x\r=1+1"]})).read_bytes().decode()
    assert len(list(csv.reader(io.StringIO(data, newline="")))) == 2


def test_the_same_tables_give_the_same_bytes(monkeypatch):
    frame = pd.DataFrame({"n": [1, 2.5], "d": [dt.date(2026, 9, 1)] * 2})
    first = workbook_bytes({"A": frame}, about=["x"])
    import time

    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert workbook_bytes({"A": frame}, about=["x"]) == first


def test_values_as_they_are_written():
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2026-09-01", None]),
            "yes": pd.array([True, None], dtype="boolean"),
            "big": ["12345678901234567890", "7"],
            "n": [float("inf"), 0.1],
            "long": [12345678901234567, 1],
            "kind": pd.Categorical(["a", None]),
        }
    )
    rows = list(read(workbook_bytes({"A": frame}))["A"].iter_rows(min_row=2, values_only=True))
    assert rows == [
        ("2026-09-01", True, "12345678901234567890", "x", "12345678901234567", "a"),
        ("x", "x", "7", 0.1, 1, "x"),
    ]


def test_sheet_names_are_unique_and_short():
    names = sheet_names(["About", "about", "A" * 50, "A" * 50, "a/b", "a:b", "", "'", "History", "é" * 40])
    assert len({name.casefold() for name in names}) == len(names)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)
    titles = {f"School {'x' * 30} {i}": pd.DataFrame({"n": [i]}) for i in range(100)}
    assert len(read(workbook_bytes(titles)).sheetnames) == 101


def test_headings_twice_and_no_rows():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "A", ""])
    assert next(read(workbook_bytes({"x": frame}))["x"].iter_rows(values_only=True)) == ("a", "A (2)", "column 3")
    assert list(read(workbook_bytes({"x": frame.iloc[:0]}))["x"].iter_rows(values_only=True)) == [
        ("a", "A (2)", "column 3")
    ]


def test_only_tables_and_only_what_fits(tmp_path):
    with pytest.raises(NotProtected):
        workbook_bytes({"x": [1, 2]})
    with pytest.raises(InputRefused):
        workbook_bytes({"x": pd.DataFrame({"n": range(1_048_576)})})
    with pytest.raises(InputRefused) as caught:
        write_workbook({"x": pd.DataFrame({"n": [1]})}, tmp_path / "none" / "a.xlsx")
    assert caught.value.problems[0].code == "output_unwritable"


def test_a_workbook_is_clean_and_private(tmp_path):
    path = write_workbook({"x": pd.DataFrame({"n": [1]})}, tmp_path / "a.xlsx", private=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert scan_bytes("a.xlsx", path.read_bytes()) == ()
