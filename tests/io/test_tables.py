"""Tables as text: every record accounted for, the fast way and the careful way alike."""

from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.errors import InputRefused
from geoplan.io import rows
from geoplan.io.files import Contents, fingerprint, recognise
from geoplan.io.headers import best_header
from geoplan.io.rows import careful_rows, fast_rows, read_rows
from geoplan.io.tables import read_table, table_from

KNOWN = {"id", "postcode", "school"}
HEAD = "id,postcode,school\n"


def table(content: str | bytes, known=KNOWN):
    data = content if isinstance(content, bytes) else content.encode()
    return table_from(Contents("t.csv", data, fingerprint(data), recognise(data)), known)


def cells(content, known=KNOWN):
    return table(content, known).frame.to_numpy().tolist()


def bad(content):
    return dict(table(content).bad.to_numpy().tolist())


def code(content) -> str:
    with pytest.raises(InputRefused) as caught:
        table(content)
    return caught.value.problems[0].code


ROWS = [["1", "ME4 4AA", "St Zoë"], ["2", "ME4 4AB", "Ångström"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\r\n"])
def test_encodings_delimiters_and_line_ends_give_the_same_cells(encoding, delimiter, ends):
    lines = [["id", "postcode", "school"], *ROWS]
    text = "".join(delimiter.join(line) + ends for line in lines)
    assert cells(text.encode(encoding)) == ROWS


def test_text_in_two_encodings_is_refused_not_garbled():
    assert code(HEAD.encode() + "1,ME4 4AA,Zoë\n".encode() + "2,ME4 4AA,Zoë\n".encode("cp1252")) == "file_encoding"
    assert code(b"\xef\xbb\xbf" + HEAD.encode() + b"1,ME4 4AA,Zo\xeb\n") == "file_encoding"
    assert code(HEAD.encode() + b"1,ME4 4AA,\x81\n") == "file_encoding"


def test_everything_stays_text():
    assert cells(HEAD + "007,1.0,1e3\n") == [["007", "1.0", "1e3"]]
    assert cells(HEAD + "NA,null,nan\n") == [["NA", "null", "nan"]]


def test_lines_above_the_header_are_not_records():
    read = table("Autumn census\nMade by the office, 2026\n\n" + HEAD + "1,ME4 4AA,9\n")
    assert read.details["lines_above"] == 3
    assert len(read) == 1


def test_without_known_headers_the_first_row_as_wide_as_the_rest_is_the_header():
    assert table("Title\na,b,c\n1,2,3\n4,5,6\n", known=()).headers == ("a", "b", "c")


def test_header_cells_may_span_lines():
    assert table('id,postcode,"school\nnow"\n1,ME4 4AA,9\n').headers == ("id", "postcode", "school\nnow")


def test_every_physical_row_is_one_record():
    text = (
        HEAD + '1,ME4 4AA,9\n2,ME4 4AB\n\n3,ME4,4AC,9\nid,postcode,school\n4,"ME4\n4AD",9\n5,"ME4 4AE,9\n6,ME4 4AF,9\n'
    )
    assert bad(text) == {1: "ragged_row", 2: "record_blank", 3: "ragged_row", 4: "header_repeated", 6: "quote_unclosed"}
    assert [row[0] for row in cells(text)] == ["1", "", "", "", "id", "4", "", "6"]


def test_a_short_or_long_row_never_shifts_cells():
    read = table(HEAD + "Smith, J,ME4 4AA,9\n2,ME4 4AB,9\n")
    assert read.frame.loc[0].tolist() == ["", "", ""]


def test_a_separator_at_the_end_of_every_row_is_not_a_cell():
    assert [row[:3] for row in cells(HEAD + "1,a,b,\n2,c,d,\n")] == [["1", "a", "b"], ["2", "c", "d"]]
    assert cells("id,postcode,school,\n1,a,b\n2,c,d\n") == [["1", "a", "b"], ["2", "c", "d"]]
    assert bad(HEAD + "1,a,b,\n2,c,d\n") == {0: "ragged_row"}


def test_nul_and_footers():
    assert bad(HEAD.encode() + b"1,ME4\x00 4AA,9\n2,ME4 4AB,9\n") == {0: "row_damaged"}
    assert bad(HEAD + "1,ME4 4AA,9\nTotal,1,\nEnd of report,,\n") == {1: "footer_row", 2: "footer_row"}


def test_quotes():
    assert cells(HEAD + '"a ""b""", "x,y" ,5" pipe\n') == [['a "b"', "x,y", '5" pipe']]
    assert bad(HEAD + '1,"a"b,9\n2,b,9\n') == {0: "quote_unclosed"}


def test_the_last_row_says_whether_it_has_a_line_end():
    assert not table(HEAD + "1,a,b\n").unfinished
    assert not table(HEAD + "1,a,b\r").unfinished
    assert table(HEAD + "1,a,b").unfinished
    assert table((HEAD + "1,a,é").encode()[:-1]).unfinished  # cut inside a character


def test_empty_tables_are_refused():
    assert code(HEAD) == "no_records"
    assert code("\n\n") == "file_empty"
    with pytest.raises(InputRefused):
        table_from(Contents("t.csv", b"a\n1\n2\n3\n", "", "text"), max_records=2)


TEXT = st.text(alphabet='ab1é "\n,;\x00\xa0', max_size=6)


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), min_size=1, max_size=12), st.sampled_from(",;"))
def test_both_ways_agree_whatever_the_text(lines, delimiter):
    body = "".join(delimiter.join(line) + "\n" for line in lines)
    data = body.encode()
    fast = fast_rows(data, 0, len(data), delimiter, 3, [0, 2])
    columns, wrong = careful_rows(body, delimiter, 3, [0, 2])
    if fast is not None:
        assert wrong == []
        assert [fast[0].tolist(), fast[2].tolist()] == columns


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), min_size=1, max_size=12))
def test_every_line_is_accounted_for(lines):
    body = "".join(",".join(line) + "\n" for line in lines)
    columns, wrong = careful_rows(body, ",", 3, [0])
    assert len({row for row, _ in wrong}) == len(wrong)
    assert all(row < len(columns[0]) for row, _ in wrong)
    assert len(columns[0]) <= body.count("\n")
    if '"' not in body:
        assert len(columns[0]) == body.count("\n")


def test_a_file_read_in_parts_is_the_same_file(monkeypatch):
    body = "".join(
        f'{i},"x\ny",z\n' if i % 7 == 0 else f"{i},a,b\n" if i % 5 else f"{i},a\n" for i in range(300)
    ).encode()
    whole = careful_rows(body.decode(), ",", 3, [0, 1, 2])
    monkeypatch.setattr(rows, "_PART", 64)
    frame, wrong = read_rows(body, 0, ",", 3, [0, 1, 2])
    assert ([frame[i].tolist() for i in range(3)], wrong) == whole


def workbook(lines, sheets=("Notes", "Pupils")) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    book.active.append(["nothing here"])
    sheet = book.create_sheet(sheets[1])
    for line in lines:
        sheet.append(line)
    memory = io.BytesIO()
    book.save(memory)
    return memory.getvalue()


def test_a_workbook_gives_text_from_the_right_sheet(write):
    data = workbook(
        [
            ["Census"],
            ["id", "postcode", "school"],
            ["007", "ME4 4AA", 900001],
            [2.0, None, True],
            [None] * 3,
            [3, "b", 4],
        ]
    )
    read = read_table(write("p.xlsx", data), KNOWN)
    assert read.frame.to_numpy().tolist() == [
        ["007", "ME4 4AA", "900001"],
        ["2", "", "TRUE"],
        ["", "", ""],
        ["3", "b", "4"],
    ]
    assert read.details["sheet"] == "Pupils"
    assert read.bad.to_numpy().tolist() == [[2, "record_blank"]]


def test_a_workbook_that_is_cut_or_named_csv_is_refused(write):
    data = workbook([["id", "postcode"], ["1", "ME4 4AA"]])
    for name, content in (("a.csv", data), ("a.xlsx", data[: len(data) // 2]), ("b.xlsx", data[:-30])):
        with pytest.raises(InputRefused):
            read_table(write(name, content), KNOWN)


def test_best_header_prefers_the_first_of_equals():
    assert best_header([["id", "postcode"], ["id", "postcode"]], KNOWN)[0] == 0
