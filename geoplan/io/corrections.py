"""Reader and writer of the corrections file: which postcode belongs to which segment, why, by whose word."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.columns import CORRECTIONS, check, find_columns, known_headers
from geoplan.corrections import Corrections
from geoplan.errors import InputRefused, Problem
from geoplan.io.files import Contents, refuse, table_bytes
from geoplan.io.outputs import guard, write_bytes
from geoplan.io.tables import TextTable, table_from
from geoplan.io.text import to_utf8
from geoplan.reasons import reason
from geoplan.sources import OWN_FILE, Source

FILE_NAME = "corrections.csv"


def read_corrections(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Corrections:
    """Read corrections of segments, one line a postcode.

    Parameters
    ----------
    path
        CSV or ``.xlsx`` with ``postcode``, ``segment``, ``reason``, ``by`` and ``date``.
    columns
        Our names to the file's headers, where these are not known ones.

    Raises
    ------
    InputRefused
        With every problem of the file at once: a column that is missing, a line that cannot be read, a date that is
        none.
    """
    contents = table_bytes(path)
    text, found = _text(contents, columns)
    if text is None:
        return Corrections(pd.DataFrame(columns=["record", *CORRECTIONS.names], dtype="str"), _source(contents))
    headers = {name: text.headers[position] for name, position in found.items()}
    cells = pd.DataFrame({name: text.frame[position] for name, position in found.items()})
    checked = check(cells, CORRECTIONS)
    bad = dict(zip(text.bad["row"].tolist(), text.bad["code"].tolist(), strict=True))
    wrong = [(row, "", code) for row, code in bad.items() if code != "record_blank"]
    if text.unfinished and len(text) - 1 not in bad:
        wrong.append((len(text) - 1, "", "row_unfinished"))
    wrong += [
        (row, name, code)
        for row, name, code in zip(
            checked.findings["row"], checked.findings["column"], checked.findings["code"], strict=True
        )
        if row not in bad
    ]
    if wrong:
        raise InputRefused(
            contents.name,
            [
                Problem(
                    contents.name, code, reason(code).meaning, reason(code).suggestion, int(row) + 1,
                    headers.get(name) if name else None,
                )
                for row, name, code in wrong
            ],
        )  # fmt: skip
    frame = checked.values.reindex(columns=list(CORRECTIONS.names), fill_value="")
    frame.insert(0, "record", np.arange(1, len(frame) + 1))
    return Corrections(frame.loc[~frame.index.isin(list(bad))], _source(contents), headers)


def append_correction(path: str | os.PathLike, postcode: str, segment: str, reason: str, by: str, date: str) -> Path:
    """Add a line to the corrections file, or begin one, for its owner alone; the lines there are kept as they are.

    Raises
    ------
    InputRefused
        If the file is not a CSV with the columns of corrections, or cannot be written. It is then as it was.
    """
    target = Path(path)
    line = {"postcode": postcode, "segment": segment, "reason": reason, "by": by, "date": date}
    if not target.exists():
        return write_bytes(target, _row(list(CORRECTIONS.names)) + _row(list(line.values())), private=True)
    contents = table_bytes(target)
    if contents.form == "workbook":
        raise refuse(contents.name, "file_wrong_format", "a workbook is not added to", "save it as CSV")
    text, found = _text(contents, None)
    missing = [name for name in line if name not in found]
    if missing:
        raise refuse(contents.name, "column_missing", f"no column for {', '.join(missing)}", "add it to the header")
    if text is None:  # a header of ours and nothing else
        return write_bytes(target, _row(list(line)) + _row(list(line.values())), private=True)
    cells = [""] * len(text.headers)
    for name, position in found.items():
        cells[position] = line[name]
    data, _ = to_utf8(contents)
    data = data if data.endswith(b"\n") else data + b"\n"
    return write_bytes(target, data + _row(cells, text.details["delimiter"]), private=True)


def _source(contents: Contents) -> Source:
    return Source(
        title=contents.name,
        publisher=OWN_FILE,
        file=contents.name,
        fingerprint=contents.fingerprint,
        attribution="Segments corrected by the authority, postcode by postcode",
        personal=True,
    )


def _text(contents: Contents, columns: Mapping[str, str] | None) -> tuple[TextTable | None, dict[str, int]]:
    """The table, None where there is a header and no line yet, and where its columns are."""
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        answer = find_columns(headers, CORRECTIONS, columns)
        if answer.problems:
            raise InputRefused(
                contents.name,
                [Problem(contents.name, code, what, tip, column=name) for code, name, what, tip in answer.problems],
            )
        found.update(answer.positions)
        return set(found.values())

    try:
        return table_from(contents, known_headers(CORRECTIONS, columns), choose), found
    except InputRefused as error:
        if error.code == "no_records":
            return None, found
        raise


def _row(cells: Sequence[str], delimiter: str = ",") -> bytes:
    memory = io.StringIO(newline="")
    csv.writer(memory, delimiter=delimiter, lineterminator="\n").writerow([guard(" ".join(c.split())) for c in cells])
    return memory.getvalue().encode("utf-8")
