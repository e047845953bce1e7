"""Rows of a text table, two ways: fast through Arrow where all is well, careful where anything is odd.

Both give the same answer; :func:`careful_rows` is the slow, obvious twin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

SPACES = " \t\n\v\f\xa0"
_CHUNK = 1 << 24
_PART = 1 << 23


def read_rows(
    data: bytes, start: int, delimiter: str, width: int, positions: Sequence[int]
) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """The fast way for all, or failing that for each part that allows it."""
    frame = fast_rows(data, start, len(data), delimiter, width, positions)
    if frame is not None:
        return frame, []
    frames, bad, at, rows, size = [], [], start, 0, _PART
    while at < len(data) or not frames:
        end = _part_end(data, at, size)
        frame, wrong = fast_rows(data, at, end, delimiter, width, positions), []
        if frame is None:
            columns, wrong = careful_rows(data[at:end].decode("utf-8"), delimiter, width, positions)
            last = wrong[-1] if wrong else (-1, "")
            if end < len(data) and last[1] == "quote_unclosed" and last[0] >= len(columns[0] if columns else []) - 100:
                size += _PART  # the quotation may close in the next part
                continue
            frame = text_frame(columns, positions)
        frames.append(frame)
        bad += [(row + rows, code) for row, code in wrong]
        at, rows, size = end, rows + len(frame), _PART
    return (frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)), bad


def _part_end(data: bytes, at: int, size: int) -> int:
    if at + size >= len(data):
        return len(data)
    found = data.find(b"\n", at + size)
    return len(data) if found < 0 else found + 1


def fast_rows(
    data: bytes, start: int, end: int, delimiter: str, width: int, positions: Sequence[int]
) -> pd.DataFrame | None:
    """The wanted columns through Arrow, or None for a part with anything odd in it."""
    if end <= start or data.find(b"\x00", start, end) >= 0 or not _quotes_are_plain(data, start, end, delimiter):
        return None
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(width)]
    wanted = [str(i) for i in positions]
    try:
        table = csv.read_csv(
            pa.py_buffer(data).slice(start, end - start),
            csv.ReadOptions(column_names=names, block_size=1 << 22),
            csv.ParseOptions(delimiter=delimiter, newlines_in_values=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(wanted or names[:1], pa.string()),
                include_columns=wanted or names[:1],
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    frame = pd.DataFrame(
        {position: _text_column(table.column(str(position))) for position in positions}, index=pd.RangeIndex(len(table))
    )
    return frame[list(positions)]


def _text_column(column) -> pd.Series:
    """A column of text without spaces around its cells (looked for before anything is copied)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(column, f"^[{SPACES}]|[{SPACES}]$")).as_py():
        column = pc.utf8_trim(column, SPACES)
    return pd.Series(column.cast(pa.large_string()).to_pandas(), dtype="str")


def _quotes_are_plain(data: bytes, start: int, end: int, delimiter: str) -> bool:
    """Whether every quotation mark opens at the start of a cell and closes at its end, on one line."""
    if data.find(b'"', start, end) < 0:
        return True
    at, mark = start, ord(delimiter)
    while at < end:
        stop = end if at + _CHUNK >= end else data.rfind(b"\n", at, at + _CHUNK) + 1
        if stop <= at:
            return False
        part = np.frombuffer(data, dtype="uint8", count=stop - at, offset=at)
        quotes = np.flatnonzero(part == 34)
        if len(quotes) % 2:
            return False
        opens, closes = quotes[::2], quotes[1::2]
        before = part[np.maximum(opens - 1, 0)]
        after = part[np.minimum(closes + 1, len(part) - 1)]
        starts = (before == mark) | (before == 10) | (opens == 0)
        ends = (after == mark) | (after == 10) | (closes == len(part) - 1)
        lines = np.searchsorted(quotes, np.flatnonzero(part == 10))
        if not (starts.all() and ends.all()) or (lines % 2).any():
            return False
        at = stop
    return True


def careful_rows(
    text: str, delimiter: str, width: int, positions: Sequence[int]
) -> tuple[list[list[str]], list[tuple[int, str]]]:
    """Columns asked for, and rows that cannot be used, line by line: the slow, obvious twin.

    Examples
    --------
    >>> careful_rows('1,"a, b"\\n2\\n3,"c\\n4,d\\n', ",", 2, [0, 1])
    ([['1', '', '', '4'], ['a, b', '', '', 'd']], [(1, 'ragged_row'), (2, 'quote_unclosed')])
    """
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    columns: list[list[str]] = [[] for _ in positions]
    bad: list[tuple[int, str]] = []
    at = row = 0
    while at < len(lines):
        cells, at, code = _record(lines, at, delimiter, width)
        if code:
            bad.append((row, code))
        for column, position in zip(columns, positions, strict=True):
            column.append("" if code or not cells else cells[position])
        row += 1
    return columns, bad


def _record(lines: Sequence[str], at: int, delimiter: str, width: int) -> tuple[list[str], int, str]:
    """The record that starts on a line: its cells, where the next starts, and what is wrong with it."""
    line, after = lines[at], at + 1
    if not line.strip(SPACES + delimiter):
        return [], after, ""
    cells = split_line(line, delimiter)
    if cells is None:
        for after in range(at + 2, min(at + 100, len(lines)) + 1):
            line += "\n" + lines[after - 1]
            if '"' in lines[after - 1] and (cells := split_line(line, delimiter)) is not None:
                break
            if len(line) > 65_536:
                break
        if cells is None or len(cells) != width:
            return [], at + 1, "quote_unclosed"
    if "\x00" in line:
        return [], after, "row_damaged"
    return (cells, after, "") if len(cells) == width else ([], after, "ragged_row")


_QUOTED = re.compile(r'"((?:[^"]|"")*+)"[ \t]*')


def split_line(line: str, delimiter: str) -> list[str] | None:
    """Cells of a line, stripped; None where a quotation mark is not closed at the end of its cell.

    Examples
    --------
    >>> split_line('a, "b ""c"", d" ,5" pipe', ",")
    ['a', 'b "c", d', '5" pipe']
    >>> split_line('a,"b', ",") is None
    True
    """
    if '"' not in line:
        return [cell.strip(SPACES) for cell in line.split(delimiter)]
    cells, at = [], 0
    while True:
        start = at
        while start < len(line) and line[start] in " \t" and line[start] != delimiter:
            start += 1
        if line[start : start + 1] == '"':
            match = _QUOTED.match(line, start)
            if match is None:
                return None
            end = match.end()
            while end > start and line[end - 1] == delimiter and delimiter.isspace():
                end -= 1  # a tab that _QUOTED took for space
            if end < len(line) and line[end] != delimiter:
                return None
            cells.append(match[1].replace('""', '"').strip(SPACES))
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end].strip(SPACES))
        if end >= len(line):
            return cells
        at = end + 1


def text_frame(columns: list[list[str]], positions: Sequence[int]) -> pd.DataFrame:
    """Lists of cells as a frame of text, columns named by their positions."""
    return pd.DataFrame(
        {position: pd.Series(cells, dtype="str") for position, cells in zip(positions, columns, strict=True)}
    )
