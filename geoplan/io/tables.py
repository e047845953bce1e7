"""Any delimited text or workbook as a frame of text, with every record accounted for.

Every physical row below the header is one record, numbered from 1 (a quoted cell may span lines; empty lines
at the very end are not rows). Row ``i`` of the frame is record ``i + 1``: a row that cannot be read stands there
empty, with its reason in ``bad``. Cells never shift: a row with too many or too few is not used.

**The last row.** A file may have been cut anywhere. A last row with a line end is whole. One without is marked
``unfinished``; whoever knows the columns uses it only if its last cell cannot be the beginning of another value
(:func:`geoplan.values.is_whole`).

Big well-formed files go through Arrow; all others, and all small ones with anything odd, through
:func:`geoplan.io.rows.careful_rows`. Both give the same answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geoplan.io.files import MAX_BYTES, Contents, refuse, table_bytes
from geoplan.io.headers import MAX_PREAMBLE, after_lines, best_header, find_header, head_lines, strip_empty_end
from geoplan.io.rows import read_rows, text_frame
from geoplan.io.text import to_utf8
from geoplan.io.workbooks import workbook_rows

MAX_RECORDS = 20_000_000


@dataclass(frozen=True, repr=False)
class TextTable:
    """A table as text.

    Parameters
    ----------
    file, fingerprint
        Name and SHA-256 of the file.
    headers
        All headers of the file, in order.
    frame
        The columns asked for, by position in the file (integer column names); dtype ``str``, "" where empty.
    bad
        Row number (0 = first) and reason code of rows that are not records or cannot be used.
    unfinished
        Whether the last row has no line end.
    details
        Encoding, delimiter, lines above the header, worksheet: facts without values.
    """

    file: str
    fingerprint: str
    headers: tuple[str, ...]
    frame: pd.DataFrame
    bad: pd.DataFrame
    unfinished: bool = False
    details: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)


Choose = Callable[[Sequence[str]], Collection[int]]


def read_table(
    path: str | os.PathLike,
    known: Collection[str] = (),
    choose: Choose | None = None,
    limit: int = MAX_BYTES,
    max_records: int = MAX_RECORDS,
) -> TextTable:
    """Read a table as text.

    Parameters
    ----------
    path
        CSV or other delimited text, ``.gz`` or single-table ``.zip`` of it, or ``.xlsx``.
    known
        Header keys (:func:`geoplan.columns.header_key`) that tell the header row from lines above it.
    choose
        Given the headers, the positions of the columns to load; it may raise :class:`InputRefused`.
        All by default.
    """
    return table_from(table_bytes(path, limit), known, choose, max_records)


def table_from(
    contents: Contents, known: Collection[str] = (), choose: Choose | None = None, max_records: int = MAX_RECORDS
) -> TextTable:
    """As :func:`read_table`, from bytes already read."""
    if contents.form == "workbook":
        rows, sheet = workbook_rows(contents, known, max_records)
        return _from_rows(contents, rows, known, choose, {"encoding": "xlsx", "sheet": sheet})
    data, encoding = to_utf8(contents)
    unfinished = not data.endswith(b"\n")
    if b"\n\n" in data[-2:]:
        data = data.rstrip(b"\n") + b"\n"
    head = head_lines(data)
    delimiter, start, after, headers = find_header(head, known, contents.name)
    details = {"encoding": encoding, "delimiter": delimiter, "lines_above": start}
    start = after_lines(data, after)
    if data.count(b"\n", start) > max_records:
        raise refuse(contents.name, "file_too_large", f"over {max_records:,} records")
    positions = sorted(choose(headers)) if choose else list(range(len(headers)))
    frame, bad = read_rows(data, start, delimiter, len(headers), positions)
    return _finish(contents, headers, frame, bad, unfinished and len(frame) > 0, details)


def _from_rows(
    contents: Contents, rows: list[list[str]], known: Collection[str], choose: Choose | None, details: dict
) -> TextTable:
    """A table from rows of cells (a workbook)."""
    if not rows:
        raise refuse(contents.name, "file_empty", "the worksheet is empty")
    start = best_header(rows[:MAX_PREAMBLE], known)[0]
    headers = tuple(strip_empty_end(rows[start]))
    positions = sorted(choose(headers)) if choose else list(range(len(headers)))
    width, bad, body = len(headers), [], rows[start + 1 :]
    columns: list[list[str]] = [[] for _ in positions]
    for i, cells in enumerate(body):
        ragged = any(cells[width:])
        if ragged:
            bad.append((i, "ragged_row"))
        for column, position in zip(columns, positions, strict=True):
            column.append("" if ragged or position >= len(cells) else cells[position])
    return _finish(contents, headers, text_frame(columns, positions), bad, False, details | {"lines_above": start})


def _finish(
    contents: Contents,
    headers: Sequence[str],
    frame: pd.DataFrame,
    bad: list[tuple[int, str]],
    unfinished: bool,
    details: dict,
) -> TextTable:
    """Find blank rows, the header among the records and notes below the table."""
    if len(frame) == 0:
        raise refuse(contents.name, "no_records")
    taken = {row for row, _ in bad}
    bad = bad + [(row, code) for row, code in _not_records(frame, headers) if row not in taken]
    bad.sort()
    table = pd.DataFrame(
        {
            "row": pd.Series([row for row, _ in bad], dtype="int64"),
            "code": pd.Series([code for _, code in bad], dtype="str"),
        }
    )
    return TextTable(contents.name, contents.fingerprint, tuple(headers), frame, table, unfinished, details)


def _not_records(frame: pd.DataFrame, headers: Sequence[str]) -> list[tuple[int, str]]:
    if frame.shape[1] == 0:
        return []
    filled = np.zeros(len(frame), dtype="int16")
    same = np.ones(len(frame), dtype=bool)
    for position in frame.columns:
        cells = frame[position]
        is_filled = cells.ne("").to_numpy(bool)
        filled += is_filled
        if same.any():
            same &= cells.eq(headers[position]).to_numpy(bool)
    blank = filled == 0
    found = [(int(row), "record_blank") for row in np.flatnonzero(blank)]
    if frame.shape[1] > 1:
        found += [(int(row), "header_repeated") for row in np.flatnonzero(same & ~blank)]
    return found + _footers(frame, filled)


_FOOTER = re.compile(
    r"^(total|grand total|end of (report|file|data)|source|notes?|report|generated|printed|produced|"
    r"created|exported|\(c\)|©|page|\d+ (rows|records|pupils))\b",
    re.IGNORECASE,
)


def _footers(frame: pd.DataFrame, filled: np.ndarray) -> list[tuple[int, str]]:
    """Rows at the end with words of a footer in the first cell filled and at most one more."""
    found = []
    for row in range(len(frame) - 1, max(len(frame) - 20, -1), -1):
        if filled[row] == 0:
            continue
        first = next((str(cell).strip() for cell in frame.iloc[row] if cell != ""), "")
        if frame.shape[1] < 3 or filled[row] > 2 or not _FOOTER.match(first):
            break
        found.append((row, "footer_row"))
    return found
