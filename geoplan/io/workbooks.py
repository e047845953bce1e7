"""Worksheets as rows of text: what a spreadsheet shows as a code stays a code."""

from __future__ import annotations

import datetime as dt
import io
import warnings
from collections.abc import Collection

from geoplan.columns import header_key
from geoplan.io.files import Contents, check_zip, guarded, refuse

MAX_CELLS_ACROSS = 1_000


def workbook_rows(
    contents: Contents, known: Collection[str] = (), max_records: int = 2_000_000
) -> tuple[list[list[str]], str]:
    """Rows of the worksheet that holds most of the known headers, and its name; empty rows at the end left out."""
    check_zip(contents)
    return guarded(
        contents.name,
        "file_truncated",
        lambda: _read(contents, known, max_records),
        "the workbook is damaged or locked with a password",
    )


def _read(contents: Contents, known: Collection[str], max_records: int) -> tuple[list[list[str]], str]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and validations that openpyxl does not know
        book = openpyxl.load_workbook(io.BytesIO(contents.data), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = max(book.worksheets, key=lambda each: _hits(each, known), default=None)
            if sheet is None:
                raise refuse(contents.name, "file_empty", "a workbook without worksheets")
            rows: list[list[str]] = []
            for cells in sheet.iter_rows(max_col=MAX_CELLS_ACROSS, values_only=True):
                if len(rows) > max_records:
                    raise refuse(contents.name, "file_too_large", f"over {max_records:,} records")
                rows.append([cell_text(cell) for cell in cells])
            while rows and not any(rows[-1]):
                rows.pop()
            return rows, sheet.title
        finally:
            book.close()


def _hits(sheet: object, known: Collection[str]) -> int:
    rows = sheet.iter_rows(max_row=40, max_col=MAX_CELLS_ACROSS, values_only=True)
    return max((len({header_key(cell_text(cell)) for cell in cells} & set(known)) for cells in rows), default=0)


def cell_text(cell: object) -> str:
    """A cell as text: whole numbers without ``.0``, dates as ISO, errors (``#N/A``) as they are written.

    Examples
    --------
    >>> cell_text(900001.0), cell_text(None), cell_text(dt.datetime(2026, 9, 1)), cell_text(True)
    ('900001', '', '2026-09-01', 'TRUE')
    """
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell == cell and abs(cell) < 1e15 and cell == int(cell) else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell).replace("\r", " ").strip()
