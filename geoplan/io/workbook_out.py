"""Workbooks out: one table a sheet, numbers as numbers, text as text that nothing runs, the same bytes every time."""

from __future__ import annotations

import datetime as dt
import io
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from geoplan.disclosure import HIDDEN, NOT_AVAILABLE, Protected
from geoplan.errors import NotProtected
from geoplan.io.files import file_name, refuse
from geoplan.io.outputs import write_bytes
from geoplan.sources import Source

MOST_ROWS = 1_048_575  # below the header
MOST_COLUMNS = 16_384
MOST_LETTERS = 32_767  # of a cell
_CREATED = dt.datetime(2000, 1, 1)  # the same for every workbook, so that the bytes follow from the content
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def write_workbook(
    sheets: Mapping[str, pd.DataFrame | Protected],
    path: str | os.PathLike,
    about: Sequence[str] = (),
    sources: Iterable[Source] = (),
    private: bool = False,
) -> Path:
    """Write tables as an ``.xlsx`` workbook, whole or not at all.

    Parameters
    ----------
    sheets
        Title to table. A :class:`~geoplan.disclosure.Protected` table has its codes as first column (a crossing has
        one for each dimension) and ``c`` where a number is hidden; of a plain frame the index is left out. A missing
        cell is written as ``x``.
    path
        The file.
    about
        Sentences for the sheet "About", which comes first.
    sources
        Where the data came from: their credits stand on the sheet "About".
    private
        True for a file that only its owner can read.

    Returns
    -------
    Path

    Raises
    ------
    NotProtected
        If a sheet is neither kind of table.
    InputRefused
        If a table is too large for a sheet, or the file cannot be written.
    """
    return write_bytes(path, workbook_bytes(sheets, about, sources, file_name(path)), private)


def workbook_bytes(
    sheets: Mapping[str, pd.DataFrame | Protected],
    about: Sequence[str] = (),
    sources: Iterable[Source] = (),
    name: str = "workbook.xlsx",
    fills: Mapping[str, str] | None = None,
    marking: str = "",
    percents: Collection[str] = (),
) -> bytes:
    """The bytes of :func:`write_workbook`; equal tables give equal bytes.

    ``fills`` puts a colour behind cells that are exactly a word (Red, Amber, Green): the word stays what says it.
    Numbers below a heading of ``percents`` are shares, shown as per cent.
    ``marking`` (OFFICIAL-SENSITIVE) stands in the first row of every sheet, and at the head and foot of its prints.

    Examples
    --------
    >>> workbook_bytes({"Pupils": pd.DataFrame({"n": [1]})})[:2]
    b'PK'
    """
    import xlsxwriter

    tables = {title: _table(title, table, name) for title, table in sheets.items()}
    lines = about_lines(sheets, about, sources)
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, _OPTIONS)
    book.set_properties({"created": _CREATED, "title": "", "author": "", "comments": ""})
    names = sheet_names(["About", *tables])
    words = book.add_format({"text_wrap": True, "valign": "top"})
    stamp = book.add_format({"bold": True, "font_color": "#7A0F1F"}) if marking else None
    _sheet(book, names[0], ["Part", "Text"], lines, "About", words, {}, (marking, stamp))
    percent = book.add_format({"num_format": "0.0%"}) if percents else None
    looks = {word: book.add_format({"bg_color": colour}) for word, colour in (fills or {}).items()}
    for number, (title, (heads, rows)) in enumerate(tables.items(), 1):
        shares = {at: percent for at, head in enumerate(heads) if head in percents}
        _sheet(book, names[number], heads, rows, f"Table{number}", None, looks, (marking, stamp), shares)
        del title
    book.close()
    return memory.getvalue()


def sheet_names(titles: Sequence[str]) -> list[str]:
    """Names that a workbook allows: unique whatever the case, 31 characters, none of ``[]:*?/\\``.

    Examples
    --------
    >>> sheet_names(["About", "Year 7/8: [all]", "about", "A" * 40])
    ['About', 'Year 7 8 all', 'about 2', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']
    """
    taken: set[str] = set()
    names = []
    for title in titles:
        text = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f\x7f]", " ", title).split()).strip("' ") or "Sheet"
        text = text if text.casefold() != "history" else "History 1"  # a name that Excel keeps for itself
        name, number = text[:31].rstrip("' "), 1
        while name.casefold() in taken:
            number += 1
            end = f" {number}"
            name = text[: 31 - len(end)].rstrip() + end
        taken.add(name.casefold())
        names.append(name)
    return names


Cell = str | float | int | bool


def _table(title: str, table: object, file: str) -> tuple[list[str], list[list[Cell]]]:
    """Headings, and rows of cells with none empty."""
    if isinstance(table, Protected):
        index = table.table.index
        unnamed = "code" if index.nlevels == 1 else "key"
        names = [str(name or unnamed) for name in index.names]
        heads = _headings([*names, *map(str, table.table.columns)])
        columns = [[_cell(each) for each in index.get_level_values(i)] for i in range(index.nlevels)]
        for name in table.table.columns:
            hidden = table.is_hidden(name).to_numpy(bool)
            cells = [_cell(each) for each in table.table[name]]
            columns.append([HIDDEN if is_hidden else cell for cell, is_hidden in zip(cells, hidden, strict=True)])
    elif isinstance(table, pd.DataFrame):
        heads = _headings([str(name) for name in table.columns])
        columns = [[_cell(each) for each in table.iloc[:, at]] for at in range(table.shape[1])]
    else:
        raise NotProtected(f"sheet {title!r}: a {type(table).__name__} was offered, but a sheet is made from a table")
    if len(table) > MOST_ROWS or len(heads) > MOST_COLUMNS:
        raise refuse(file, "file_too_large", f"sheet {title[:60]!r}: more rows or columns than a worksheet has")
    return heads, [list(row) for row in zip(*columns, strict=True)]


def _headings(names: Sequence[str]) -> list[str]:
    """Headings that a table in a workbook allows: none empty, none twice whatever the case."""
    taken: set[str] = set()
    out = []
    for at, name in enumerate(names, 1):
        text = " ".join(name.split())[:240] or f"column {at}"
        head, number = text, 1
        while head.casefold() in taken:
            number += 1
            head = f"{text} ({number})"
        taken.add(head.casefold())
        out.append(head)
    return out


def _cell(value: object) -> Cell:
    """A value as it is written: numbers as numbers, dates as ISO text, nothing as ``x``."""
    if value is None or value is pd.NA or value is pd.NaT:
        return NOT_AVAILABLE
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date):
        return str(value)
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**15 else str(value)  # a longer one would lose its last digits
    if isinstance(value, float):
        return value if math.isfinite(value) else NOT_AVAILABLE
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "?", str(value))
    return text[:MOST_LETTERS] or NOT_AVAILABLE


def about_lines(
    sheets: Mapping[str, object], about: Sequence[str] = (), sources: Iterable[Source] = ()
) -> list[list[Cell]]:
    """The rows of the sheet About: part and text."""
    names = sheet_names(["About", *sheets])
    lines: list[list[Cell]] = [["About", _cell(sentence)] for sentence in about]
    lines += [
        ["Sheet", _cell(f"{name}: {title}" if name != title else name)]
        for name, title in zip(names[1:], sheets, strict=True)
    ]
    rules = dict.fromkeys(table.rule for table in sheets.values() if isinstance(table, Protected))
    lines += [["Small numbers", _cell(rule.sentence)] for rule in rules]
    lines += [
        ["Base", _cell(base)]
        for base in dict.fromkeys(t.base for t in sheets.values() if isinstance(t, Protected))
        if base
    ]
    for source in sources:
        words = ". ".join(each for each in (source.credit, source.vintage, source.licence) if each)
        lines.append(["Source", _cell(words + (". Invented data." if source.invented else ""))])
    lines.append(["Signs", f"{HIDDEN}: hidden, a small number. {NOT_AVAILABLE}: not available."])
    return lines


def _sheet(
    book,
    name: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    table: str,
    words,
    looks: Mapping,
    marked: tuple[str, object] = ("", None),
    forms: Mapping[int, object] = MappingProxyType({}),
) -> None:
    sheet = book.add_worksheet(name)
    marking, stamp = marked
    top = 1 if marking else 0
    if marking:
        sheet.write_string(0, 0, marking, stamp)
        sheet.set_header(f"&C&B{marking}")
        sheet.set_footer(f"&C&B{marking}")
    columns = [{"header": head} for head in heads]
    if rows:  # a table needs a row; a sheet without one has its headings alone
        sheet.add_table(
            top, 0, top + len(rows), len(heads) - 1,
            {"name": table, "columns": columns, "autofilter": False, "style": None},
        )  # fmt: skip
    for at, head in enumerate(heads):
        sheet.write_string(top, at, head)
    for i, row in enumerate(rows, top + 1):
        for j, cell in enumerate(row):
            if isinstance(cell, bool):
                sheet.write_boolean(i, j, cell)
            elif isinstance(cell, (int, float)):
                sheet.write_number(i, j, cell, forms.get(j))
            else:
                sheet.write_string(i, j, cell, looks.get(cell, words if j == len(row) - 1 else None))
    sheet.freeze_panes(top + 1, 0)
    for at, head in enumerate(heads):
        sheet.set_column(at, at, 110 if words is not None and at else min(40, max(9, len(head) + 2)))
