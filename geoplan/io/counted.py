"""Tables of counts by area, school or year: read whole, checked at the door, or refused with every problem.

A list of people can be used without a record that is wrong; a table of counts cannot.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.columns import Table, check, find_columns, known_headers
from geoplan.errors import InputRefused, Problem, ProjectError
from geoplan.io.files import table_bytes
from geoplan.io.tables import TextTable, table_from
from geoplan.sources import OWN_FILE, Source
from geoplan.values import is_whole


def read_counted(
    path: str | os.PathLike, table: Table, columns: Mapping[str, str] | None, needed: tuple[str, ...] = ()
) -> tuple[pd.DataFrame, Source, dict[str, str]]:
    """Values by our names, the source, and the file's headers; rows that are no records are left out or refused.

    Returns
    -------
    values, source, headers
        Indexed by ``record``, the number of each row below the header; our name to the file's header.

    Raises
    ------
    InputRefused
        If a needed column is missing, or a row cannot be read.
    """
    values, _, source, headers = read_checked(path, table, columns, needed)
    return values, source, headers


def read_checked(
    path: str | os.PathLike, table: Table, columns: Mapping[str, str] | None, needed: tuple[str, ...] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, Source, dict[str, str]]:
    """As :func:`read_counted`, with the findings of every cell: ``record``, ``column`` (our name), ``code``."""
    contents = table_bytes(path)
    columns, found = dict(columns or {}), {}
    unknown = [name for name in columns if name not in table]
    if unknown:
        raise ProjectError(f"[columns.{table.name}]: no column {unknown[0]!r}; there are {', '.join(table.names)}")

    def choose(headers) -> set[int]:
        answer = find_columns(headers, table, columns)
        problems = [Problem(contents.name, code, what, tip, column=name) for code, name, what, tip in answer.problems]
        problems += [
            Problem(contents.name, "column_missing", f"no column for {name} ({table[name].meaning})", column=name)
            for name in needed
            if name not in answer.positions
        ]
        if problems:
            raise InputRefused(contents.name, problems)
        found.update(answer.positions)
        return set(found.values())

    text = table_from(contents, known_headers(table, columns), choose)
    _refuse_broken(text, table, found)
    cells = pd.DataFrame({name: text.frame[position] for name, position in found.items()})
    checked = check(cells, table)
    gone = text.bad["row"].tolist()
    values = checked.values.drop(index=gone)
    findings = checked.findings[~checked.findings["row"].isin(gone)]
    values.insert(0, "record", values.index + 1)
    values = values.set_index("record")
    source = Source(text.file, OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    findings = findings.assign(record=findings["row"] + 1)[["record", "column", "code", "rule"]]
    return values, findings, source, {name: text.headers[position] for name, position in found.items()}


def _refuse_broken(text: TextTable, table: Table, found: Mapping[str, int]) -> None:
    """Counts cannot be used in part: a row that cannot be read, or that may have been cut, refuses the file."""
    names = [name for name, at in found.items() if at == len(text.headers) - 1]
    if text.unfinished and names and not is_whole(text.frame[found[names[0]]].iloc[-1], table[names[0]]):
        tip = "open the file, see that the last row is whole, and save it again"
        raise InputRefused(
            text.file, [Problem(text.file, "row_unfinished", "the last row may have been cut", tip, record=len(text))]
        )
    broken = text.bad[~text.bad["code"].isin(["record_blank", "footer_row", "header_repeated"])]
    problems = [
        Problem(text.file, code, "this row cannot be read", record=int(rows.iloc[0]) + 1, more=len(rows) - 1)
        for code, rows in broken.groupby("code")["row"]
    ]
    if problems:
        raise InputRefused(text.file, problems)


def refuse_rows(file: str, wrong: pd.Series, code: str, what: str, column: str) -> None:
    """Refuse a file if any row is wrong, naming the first and how many more."""
    rows = np.asarray(wrong.index)[wrong.to_numpy(dtype=bool)]
    if len(rows):
        raise InputRefused(file, [Problem(file, code, what, record=int(rows[0]), column=column, more=len(rows) - 1)])
