"""Marks of outputs that stay inside: in the bytes of every kind, found again, and never without an audit line."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pytest

from geoplan.errors import ReleaseRefused
from geoplan.io.internal import AUDIT, Inside, internal_path, is_internal, mark_bytes, mark_html, write_audit
from geoplan.io.workbook_out import workbook_bytes
from geoplan.leaks import MARKED, scan_bytes
from geoplan.manifests import SENSITIVE
from geoplan.maps.render import policy

PAGE = (
    '<!DOCTYPE html><html lang="en-GB"><head><meta http-equiv="Content-Security-Policy" content="{}">'
    '<title>Pupils</title></head><body class="x"><h1>Pupils</h1></body></html>'
)


@pytest.mark.parametrize("styles", [[], ["p{}"]])
@pytest.mark.parametrize("escaped", [True, False])
def test_the_policy_of_a_page_allows_the_marking_and_no_more(styles, escaped):
    text = policy([], styles)
    page = mark_html(PAGE.format(text.replace("'", "&#39;") if escaped else text), "why")
    given = page.partition('content="')[2].partition('"')[0].replace("&#39;", "'")
    parts = dict(part.split(" ", 1) for part in given.split("; "))
    kept = dict(part.split(" ", 1) for part in text.split("; "))
    assert {name: value for name, value in parts.items() if name != "style-src"} == {
        name: value for name, value in kept.items() if name != "style-src"
    }
    assert len(parts["style-src"].split()) == len(styles) + 1 and "'none'" not in parts["style-src"]
    assert page.index('<body class="x"><p class="internal-marking">') < page.index("<h1>")


def test_rows_keep_their_cells_whatever_is_in_them():
    rows = [["school", "name"], ["1", 'A "quoted", name'], ["2", "two\nlines"], ["'=1", ""]]
    memory = io.StringIO()
    csv.writer(memory, lineterminator="\n").writerows(rows)
    marked = mark_bytes("csv", memory.getvalue().encode())
    read = list(csv.reader(io.StringIO(marked.decode(), newline="")))
    assert [row[:-1] for row in read] == rows
    assert [row[-1] for row in read] == ["marking", *[SENSITIVE] * 3]


def test_every_kind_is_found_again(tmp_path):
    sheets = {"A": pd.DataFrame({"n": [3]}), "B": pd.DataFrame({"n": []})}
    made = {
        "a.html": mark_bytes("html", PAGE.format("").encode(), "why"),
        "a.csv": mark_bytes("csv", b"n\n3\n"),
        "a.txt": mark_bytes("txt", b"3 pupils\n", "why"),
        "a.json": mark_bytes("json", b'{"n": 3}', "why"),
        "list.json": mark_bytes("json", b"[3]", "why"),
        "a.xlsx": workbook_bytes(sheets, ["about"], marking=SENSITIVE),
    }
    for name, data in made.items():
        assert MARKED in {leak.kind for leak in scan_bytes(name, data)}, name
        (tmp_path / name).write_bytes(data)
    assert json.loads(made["list.json"]) == {"marking": SENSITIVE, "rows": [3]}
    assert {name for name in made if is_internal(tmp_path / name)} == {"a.csv", "a.json", "list.json"}
    assert is_internal(tmp_path / f"{SENSITIVE}_a.xlsx") and not is_internal(tmp_path / "none.csv")
    (tmp_path / "plain.csv").write_text(f"name,marking\n{SENSITIVE} school,no\n")
    assert not is_internal(tmp_path / "plain.csv")


def test_a_workbook_without_a_marking_has_the_bytes_that_it_always_had():
    sheets = {"A": pd.DataFrame({"n": [3]})}
    assert workbook_bytes(sheets) == workbook_bytes(sheets, marking="")
    assert MARKED not in {leak.kind for leak in scan_bytes("a.xlsx", workbook_bytes(sheets))}


def test_what_cannot_be_marked_is_not_written(tmp_path):
    inside = Inside("trying the numbers", tmp_path)
    for name in ("a.xlsx", "a.pdf", "a.png"):
        with pytest.raises(ReleaseRefused, match="could not be marked"):
            inside.marked(internal_path(tmp_path / name), b"plain bytes")
    assert not list(tmp_path.iterdir())


def test_audit_lines_are_added_and_none_is_lost(tmp_path):
    for why in ("first", "second"):
        write_audit(tmp_path / AUDIT, why, {"file": "a"})
    lines = [json.loads(line) for line in (tmp_path / AUDIT).read_text().splitlines()]
    assert [line["why"] for line in lines] == ["first", "second"] and set(lines[0]) == {"when", "who", "why", "what"}
