"""Readers of people: pupils on roll, callers, respondents. One child is counted once.

What is never needed is never loaded: names, dates of birth and identifiers stay in the file (identifiers
become running numbers) unless the caller keeps a column on purpose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from geoplan.columns import (
    APPLICATIONS,
    PEOPLE,
    PREFERENCE_RANKS,
    PUPILS,
    Table,
    check,
    find_columns,
    header_key,
    known_headers,
)
from geoplan.errors import InputRefused, Problem, ProjectError
from geoplan.findings import COLUMNS, no_findings
from geoplan.io.files import Contents, table_bytes
from geoplan.io.tables import TextTable, table_from
from geoplan.people import People
from geoplan.schools import Schools
from geoplan.sources import OWN_FILE, Source
from geoplan.values import UNKNOWN, is_whole

_OURS = (
    "record",
    "person",
    "postcode",
    "counted",
    "school",
    "year_group",
    "fsm",
    "sen",
    "eal",
    "ethnicity",
    "sex",
    "date",
    "entry_date",
    *PREFERENCE_RANKS,
    "offer",
)
_NOT_ON_ROLL = ("G", "F", "O", "P")


def read_pupils(
    path: str | os.PathLike,
    schools: Schools | pd.DataFrame | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
) -> People:
    """Read pupils on roll, each child counted once.

    Parameters
    ----------
    path
        CSV (any common encoding and separator, ``.gz``, ``.zip``) or ``.xlsx``.
    schools
        The schools there are; a pupil at any other is reported and stays in the totals without a school.
        A school may be given by URN or, where the schools file has it, LAESTAB.
    columns
        Our names to the file's headers, where these are not known ones.
    keep
        Further columns to carry along, by header. This is the only way a name or identifier gets in.

    Raises
    ------
    InputRefused
        With every problem of the file at once.
    """
    return _read(table_bytes(path), PUPILS, "pupils", schools, columns, keep)


def read_people(
    path: str | os.PathLike,
    noun: str = "people",
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    id_column: str | None = None,
) -> People:
    """Read a list of people with a postcode: callers, respondents, members.

    Parameters
    ----------
    path, columns, keep
        As for :func:`read_pupils`.
    noun
        What to call them.
    id_column
        The header of the identifier that finds copies; without one every record is counted.
    """
    columns = dict(columns or {}) | ({"id": id_column} if id_column else {})
    return _read(table_bytes(path), PEOPLE, noun, None, columns, keep)


def read_applications(
    path: str | os.PathLike,
    schools: Schools | pd.DataFrame | None = None,
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
) -> People:
    """Read applications for school places: whom each child named, in order, and which school was offered.

    Parameters
    ----------
    path, schools, columns, keep
        As for :func:`read_pupils`; ``school`` is the school attended now. Schools named or offered keep their codes,
        also where the schools file has no such school (another authority's).

    Returns
    -------
    People
        With ``preference_1`` ... as far as the file goes, and ``offer`` ("" where there was none).
    """
    return _read(table_bytes(path), APPLICATIONS, "applicants", schools, columns, keep)


def _read(
    contents: Contents,
    table: Table,
    noun: str,
    schools: Schools | pd.DataFrame | None,
    columns: Mapping[str, str] | None,
    keep: Sequence[str],
) -> People:
    columns = dict(columns or {})
    unknown = [name for name in columns if name not in table]
    if unknown:
        raise ProjectError(f"[columns.{table.name}]: no column {unknown[0]!r}; there are {', '.join(table.names)}")
    found, kept = {}, {}
    file, fingerprint = contents.name, contents.fingerprint

    def choose(headers: Sequence[str]) -> set[int]:
        answer = find_columns(headers, table, columns)
        kept.update(_kept(headers, keep, answer.positions))
        problems = [Problem(file, code, what, tip, column=name) for code, name, what, tip in answer.problems]
        problems += [
            Problem(file, "column_missing", f"no column {name!r} to keep", column=name)
            for name, position in kept.items()
            if position is None
        ]
        if problems:
            raise InputRefused(file, problems)
        found.update(answer.positions)
        return {*found.values(), *kept.values()}

    text = table_from(contents, known_headers(table, columns), choose)
    del contents  # the bytes: the frame is all that is needed, and memory counts
    bad = _bad_rows(text, table, found, kept)
    cells, text = text.frame, replace(text, frame=text.frame.iloc[:0])
    kept_frame = pd.DataFrame({ours: cells[position] for ours, position in kept.items()}, index=cells.index)
    cells = pd.DataFrame({ours: cells[position] for ours, position in found.items()})
    checked, cells = check(cells, table), None
    headers = {name: text.headers[position] for name, position in found.items()}
    frame, findings = _people_frame(checked.values, bad, schools, table is PUPILS)
    findings = [checked.findings.loc[~checked.findings["row"].isin(list(bad)), :], *findings]
    frame = pd.concat([frame, kept_frame], axis=1)
    source = Source(title=file, publisher=OWN_FILE, file=file, fingerprint=fingerprint, personal=True)
    details = text.details | {"headers": headers, "no_id": "id" not in found}
    return People(frame, source, gather(findings, headers), noun, details)


def _kept(headers: Sequence[str], keep: Sequence[str], positions: Mapping[str, int]) -> dict[str, int | None]:
    """Columns to carry along, by the name asked for; None where there is none."""
    keys = [header_key(header) for header in headers]
    kept: dict[str, int | None] = {}
    for name in keep:
        if name in positions and name in _OURS:
            continue
        exact = [i for i, header in enumerate(headers) if header == name]
        fits = exact or [i for i, key in enumerate(keys) if key and key == header_key(name)]
        if fits and name in _OURS:
            raise ProjectError(f"keep: {name!r} is one of geoplan's own names; map it under [columns] instead")
        kept[name] = fits[0] if fits else None
    return kept


def _bad_rows(text: TextTable, table: Table, found: Mapping[str, int], kept: Mapping[str, int]) -> dict[int, str]:
    """Rows that are no records, by reason; the last one too where it may have been cut."""
    bad = dict(zip(text.bad["row"].tolist(), text.bad["code"].tolist(), strict=True))
    last, position = len(text) - 1, len(text.headers) - 1
    if not text.unfinished or (last in bad and bad[last] != "record_blank"):
        return bad
    if last in bad:
        return bad
    names = [name for name, at in found.items() if at == position]
    whole = position not in kept.values()
    if names and whole:
        cells = text.frame[position]
        whole = is_whole(cells.iloc[last], table[names[0]], cells.iloc[:last].unique())
    return bad if whole else bad | {last: "row_unfinished"}


def _people_frame(
    values: pd.DataFrame, bad: Mapping[int, str], schools: Schools | pd.DataFrame | None, pupils: bool
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    count = len(values)
    usable = np.ones(count, dtype=bool)
    usable[list(bad)] = False
    findings = [rows_found(list(bad), "", list(bad.values()))]
    frame = pd.DataFrame({"record": np.arange(1, count + 1)})
    frame["person"] = _running_numbers(values.pop("id"), usable) if "id" in values else np.full(count, -1)
    frame["postcode"] = values["postcode"] if usable.all() else values["postcode"].where(usable, "")
    frame["counted"] = usable
    if "school" in values:
        frame["school"], more = _schools(values["school"], usable, schools, pupils)
        findings += more
    for name in ("year_group", "fsm", "sen", "ethnicity", "sex"):
        if name in values:
            frame[name] = values[name]
    if "eal" in values or "language" in values:
        frame["eal"] = _eal(values)
    for name in ("date", "entry_date", *PREFERENCE_RANKS, "offer"):
        if name in values:
            frame[name] = values[name]
    if "enrol_status" in values:
        status = values["enrol_status"]
        for codes, reason in ((("S",), "dual_registration"), (_NOT_ON_ROLL, "not_on_roll")):
            rows = np.flatnonzero(status.isin(codes).to_numpy(bool) & frame["counted"].to_numpy(bool))
            findings.append(rows_found(rows, "enrol_status", reason))
            usable[rows] = False
        frame["counted"] = usable
    copies = _copies(frame)
    findings.append(copies)
    frame.loc[copies["row"].to_numpy(), "counted"] = False
    return frame, findings


def _running_numbers(ids: pd.Series, usable: np.ndarray) -> np.ndarray:
    """A number for each identifier, in order of first appearance; -1 where there is none."""
    numbers, uniques = pd.factorize(ids if usable.all() else ids.where(usable, ""))
    blank = np.flatnonzero(np.asarray(uniques == ""))
    if len(blank) == 0:
        return numbers
    at = blank[0]
    return np.where(numbers == at, -1, numbers - (numbers > at))


def _schools(
    codes: pd.Series, usable: np.ndarray, schools: Schools | pd.DataFrame | None, report_blank: bool
) -> tuple[pd.Series, list[pd.DataFrame]]:
    """School codes as in the schools file, "" where it has none such."""
    if not usable.all():
        codes = codes.where(usable, "")
    findings = []
    blank = codes.eq("").to_numpy(bool) & usable
    if schools is not None:
        frame = schools.frame if isinstance(schools, Schools) else schools
        known = {str(code): str(code) for code in frame.index}
        if "laestab" in frame:
            known = {laestab: str(code) for code, laestab in frame["laestab"].items() if laestab} | known
        numbers, uniques = pd.factorize(codes)
        answers = pd.Series([known.get(code) or known.get(code.replace("/", ""), "") for code in uniques], dtype="str")
        codes = answers.take(numbers).set_axis(codes.index)
        rows = np.flatnonzero(codes.eq("").to_numpy(bool) & ~blank & usable)
        findings.append(rows_found(rows, "school", "school_unknown"))
    if report_blank:
        findings.append(rows_found(np.flatnonzero(blank), "school", "school_blank"))
    return codes, findings


def _eal(values: pd.DataFrame) -> pd.Series:
    if "language" not in values:
        return values["eal"]
    if "eal" not in values:
        return values["language"]
    return values["eal"].where(values["eal"].ne(UNKNOWN), values["language"])


def _copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Records of a child who is already counted, in file order: copies, or in conflict with the first."""
    person = frame["person"].to_numpy()
    rows = np.flatnonzero(frame["counted"].to_numpy(bool) & (person >= 0))
    if len(rows) == 0:
        return rows_found([], "", "")
    first = np.full(person.max() + 1, -1)
    first[person[rows][::-1]] = rows[::-1]
    rows = rows[first[person[rows]] != rows]
    earlier = first[person[rows]]
    same = np.ones(len(rows), dtype=bool)
    for name in ("postcode", "school"):
        if name in frame:
            mine, theirs = frame[name].iloc[rows], frame[name].iloc[earlier]
            if name == "postcode":
                mine, theirs = (
                    cells.str.replace(r"[^0-9A-Za-z]+", "", regex=True).str.upper() for cells in (mine, theirs)
                )
            same &= mine.to_numpy() == theirs.to_numpy()
    return rows_found(rows, "id", np.where(same, "duplicate_record", "duplicate_conflict"))


def rows_found(rows: Sequence[int], column: str, code: object, rule: str = "") -> pd.DataFrame:
    """Findings by row, before they are numbered as records."""
    rows = np.asarray(rows, dtype="int64")
    return pd.DataFrame(
        {
            "row": rows,
            "column": pd.Series(column, range(len(rows)), dtype="str"),
            "code": pd.Series(code, range(len(rows)), dtype="str"),
            "rule": pd.Series(rule, range(len(rows)), dtype="str"),
        }
    )


def gather(parts: Sequence[pd.DataFrame], headers: Mapping[str, str]) -> pd.DataFrame:
    """All findings of a file in order of record, columns by the file's own headers."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return no_findings()
    found = pd.concat(parts, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
    found["record"] = found.pop("row") + 1
    found["column"] = found["column"].map(lambda name: headers.get(name, name)).astype("str")
    return found[list(COLUMNS)]
