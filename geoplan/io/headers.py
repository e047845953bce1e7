"""Where the header of a text table is, and what separates its cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from geoplan.columns import header_key
from geoplan.io.files import refuse
from geoplan.io.rows import split_line

MAX_COLUMNS = 4_096
MAX_PREAMBLE = 40
DELIMITERS = (",", ";", "\t", "|")


def head_lines(data: bytes) -> list[str]:
    """The first lines, whole ones as far as 256 kB go."""
    part = data[:262_144]
    if len(part) < len(data):
        part = part[: part.rfind(b"\n") + 1] or part
    return part.decode("utf-8", errors="ignore").split("\n")[: MAX_PREAMBLE + 20]


def find_header(lines: Sequence[str], known: Collection[str], name: str) -> tuple[str, int, int, tuple[str, ...]]:
    """Delimiter, line number, number of the line after and cells of the header: the row with most known headers."""
    best = None
    for order, delimiter in enumerate(DELIMITERS):
        rows = _head_rows(lines, delimiter)
        row, hits, width = best_header([cells for cells, _, _ in rows[:MAX_PREAMBLE]], known)
        rank = (hits, width, -order)
        if best is None or rank > best[0]:
            best = (rank, delimiter, row, rows)
    _, delimiter, row, rows = best
    cells, start, after = rows[row]
    if len(cells) > MAX_COLUMNS:
        raise refuse(name, "file_too_large", f"over {MAX_COLUMNS:,} columns")
    return delimiter, start, after, tuple(_as_wide_as_its_rows(cells, [c for c, _, _ in rows[row + 1 :] if any(c)]))


def _head_rows(lines: Sequence[str], delimiter: str) -> list[tuple[list[str], int, int]]:
    """The first rows: cells, first line and the line after (a header's cell may span lines)."""
    rows, at = [], 0
    while at < len(lines):
        cells, after = split_line(lines[at], delimiter), at + 1
        while cells is None and after < min(at + 10, len(lines)):
            after += 1
            cells = split_line("\n".join(lines[at:after]), delimiter)
        if cells is None:
            cells, after = [""], at + 1
        rows.append((cells, at, after))
        at = after
    return rows


def _as_wide_as_its_rows(headers: list[str], rows: list[list[str]]) -> list[str]:
    """Headers with an empty name more or fewer, where all rows end with a separator and they do not, or vice versa."""
    width = len(headers)
    if rows and all(len(cells) == width + 1 and not cells[-1] for cells in rows):
        return [*headers, ""]
    if rows and not headers[-1] and width > 1 and all(len(cells) == width - 1 for cells in rows):
        return headers[:-1]
    return headers


def best_header(rows: Sequence[Sequence[str]], known: Collection[str]) -> tuple[int, int, int]:
    """Which row is the header, how many known headers it holds, how many cells.

    Examples
    --------
    >>> best_header([["Autumn census"], [], ["UPN", "Postcode"], ["A1", "ME4 4AA"]], {"upn", "postcode"})
    (2, 2, 2)
    """
    scores = [len({header_key(cell) for cell in cells} & set(known)) for cells in rows]
    line = (
        int(np.argmax(scores))
        if max(scores)
        else next((i for i, cells in enumerate(rows) if any(c.strip() for c in cells)), 0)
    )
    if not max(scores) and not known:
        line = _widest(rows, line)
    return line, scores[line], len(rows[line])


def _widest(rows: Sequence[Sequence[str]], first: int) -> int:
    """Without known headers: the first row as wide as most rows are."""
    widths = [len(strip_empty_end(cells)) for cells in rows if any(cells)]
    usual = max(set(widths), key=lambda w: (widths.count(w), w))
    return next((i for i, cells in enumerate(rows) if i >= first and len(strip_empty_end(cells)) >= usual), first)


def strip_empty_end(cells: Sequence[str]) -> list[str]:
    """Cells without spaces around them and without empty ones at the end."""
    end = len(cells)
    while end > 1 and not cells[end - 1].strip():
        end -= 1
    return [cell.strip() for cell in cells[:end]]


def after_lines(data: bytes, count: int) -> int:
    """Where the line after so many lines begins."""
    start = 0
    for _ in range(count):
        found = data.find(b"\n", start)
        if found < 0:
            return len(data)
        start = found + 1
    return start
