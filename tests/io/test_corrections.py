"""The corrections file: read whole or refused with all its problems; a line added changes nothing else."""

from __future__ import annotations

import os
import stat

import pytest

from geoplan.errors import InputRefused
from geoplan.io.corrections import append_correction, read_corrections

NEW = ("ME7 1AB", "3b", "new estate, half social rent", "head of 900003", "2026-09-01")


def test_a_first_line_begins_a_private_file(tmp_path):
    path = append_correction(tmp_path / "corrections.csv", *NEW)
    assert path.read_text().splitlines() == [
        "postcode,segment,reason,by,date",
        'ME7 1AB,3b,"new estate, half social rent",head of 900003,2026-09-01',
    ]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = read_corrections(path)
    assert tuple(read.frame.iloc[0])[1:] == NEW
    assert read.source.personal


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_further_line_keeps_the_file_its_columns_and_its_separator(tmp_path, end):
    path = tmp_path / "c.csv"
    path.write_text(f"Who;Why;Post code;Segment;Since;Note\nhead;old;ME5 7SE;1;2025-09-01;kept{end}", encoding="utf-8")
    append_correction(path, *NEW)
    rows = path.read_text().splitlines()
    assert rows[1] == "head;old;ME5 7SE;1;2025-09-01;kept"
    assert rows[2] == "head of 900003;new estate, half social rent;ME7 1AB;3b;2026-09-01;"
    assert len(read_corrections(path)) == 2


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path):
    path = append_correction(tmp_path / "c.csv", "ME7 1AB", "3", "=1+1", "-x\nnext", "2026-09-01")
    assert path.read_text().splitlines()[1] == "ME7 1AB,3,'=1+1,'-x next,2026-09-01"


def test_a_header_alone_is_no_correction_and_takes_the_first(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("postcode,segment,reason,by,date\n", encoding="utf-8")
    assert len(read_corrections(path)) == 0
    append_correction(path, *NEW)
    assert len(read_corrections(path)) == 1


def test_problems_are_all_named_without_values(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text(
        "postcode,segment,reason,by,date\nME7 1AB,1,why,me,soon\nME7 1AD,1\n\nME7 1AE,1,why,me,2026-09-01",
        encoding="utf-8",
    )
    with pytest.raises(InputRefused) as refused:
        read_corrections(path)
    assert {problem.code for problem in refused.value.problems} == {"date_malformed", "ragged_row", "row_unfinished"}
    assert "ME7" not in str(refused.value)
    path.write_text("postcode,segment\nME7 1AB,1\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_corrections(path)
    assert [problem.column for problem in refused.value.problems] == ["reason", "by"]


def test_a_file_without_a_date_column_is_not_added_to(tmp_path):
    path = tmp_path / "c.csv"
    text = "postcode,segment,reason,by\nME7 1AB,1,why,me\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match="no column for date"):
        append_correction(path, *NEW)
    assert path.read_text() == text
