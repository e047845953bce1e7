"""The files of a postcode directory: one, or one per postcode area, in a folder or a zip; and their edition."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import pandas as pd

from geoplan.io.files import (
    MAX_DIRECTORY_BYTES,
    Contents,
    file_name,
    fingerprint,
    local_path,
    read_bytes,
    recognise,
    refuse,
    unpack,
    zip_member,
    zip_members,
)


def directory_parts(path: str | os.PathLike) -> tuple[str, list[Contents]]:
    """The CSV files of a directory, as bytes: one, or one per postcode area."""
    target = local_path(path, folder=True)
    name = file_name(target)
    if target.is_dir():
        files = {
            str(p.relative_to(target).as_posix()): p
            for p in sorted(target.rglob("*"))
            if p.is_file() and p.suffix.lower() == ".csv"
        }
        chosen = _area_files(list(files))
        if not chosen:
            raise refuse(name, "file_missing", "a folder without CSV files", "name the folder Data of the download")
        parts = [read_bytes(files[member], MAX_DIRECTORY_BYTES) for member in chosen]
        return name, [Contents(name, p.data, p.fingerprint, p.form, m) for p, m in zip(parts, chosen, strict=True)]
    contents = read_bytes(target, MAX_DIRECTORY_BYTES)
    if contents.form != "zip" or target.suffix.lower() != ".zip":
        return name, [unpack(contents, MAX_DIRECTORY_BYTES)]
    chosen = _area_files([member for member in zip_members(contents) if member.lower().endswith(".csv")])
    if not chosen:
        raise refuse(name, "file_wrong_format", "a zip without CSV files", "name the zip as it was downloaded")
    parts, total = [], 0
    for member in chosen:
        data = zip_member(contents, member, MAX_DIRECTORY_BYTES - total)
        total += len(data)
        parts.append(Contents(name, data, fingerprint(data), recognise(data) if data else "empty", member))
    return name, parts


def _area_files(members: Sequence[str]) -> list[str]:
    """Of a download's files, those with the postcodes: the whole one, or failing that one per area.

    Examples
    --------
    >>> _area_files(["Data/multi_csv/ONSPD_UK_AB.csv", "Data/ONSPD_UK.csv", "Documents/names.csv"])
    ['Data/ONSPD_UK.csv']
    >>> _area_files(["Doc/Column_Headers.csv", "Data/CSV/ab.csv", "Data/CSV/al.csv"])
    ['Data/CSV/ab.csv', 'Data/CSV/al.csv']
    """
    aside = re.compile(r"(^|/)(doc(ument)?s?|user guide|names and codes|lookups?)/|column_?headers", re.IGNORECASE)
    members = [member for member in members if not aside.search(member)]
    many = [member for member in members if re.search(r"(^|/)multi_csv/", member, re.IGNORECASE)]
    single = [member for member in members if member not in many]
    if many:
        return single if len(single) == 1 else many
    shallow = min((member.count("/") for member in members), default=0)
    return [member for member in members if member.count("/") == shallow]


def vintage_of(name: str, parts: Sequence[Contents], table: pd.DataFrame) -> str:
    """Edition by the file's name, else the last month in which a postcode was introduced or ended."""
    months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    for text in (name, parts[0].inner):
        if match := re.search(rf"({'|'.join(months)})[A-Z]*_?((?:20)?\d\d)(?!\d)", text.upper()):
            year = match[2] if len(match[2]) == 4 else f"20{match[2]}"
            return f"{year}-{months.index(match[1]) + 1:02}"
    dates = [int(table[c].max()) for c in ("introduced", "terminated") if c in table and len(table)]
    return f"{max(dates) // 100}-{max(dates) % 100:02}" if dates and max(dates) > 190_000 else ""
