"""Reader of catchments: one row an area and a school, as a council lists them."""

from __future__ import annotations

import os

from geoplan.columns import SCHOOLS, header_key
from geoplan.errors import InputRefused, Problem
from geoplan.intakes import Catchments, catchments_from
from geoplan.io.layer_files import code_kind
from geoplan.io.tables import read_table
from geoplan.sources import OWN_FILE, Source


def read_catchments(path: str | os.PathLike, kind: str | None = None) -> Catchments:
    """Read a plan of catchments: a column of area codes, named for its kind, and one of school numbers.

    An area may stand in several rows, with a school each: those schools share its catchment.

    Parameters
    ----------
    path
        CSV or ``.xlsx``.
    kind
        The kind of area, where the header does not say (``lsoa21``, ``lsoa11cd`` do).

    Raises
    ------
    InputRefused
        If a column is missing or a cell is empty; every problem is named.
    """
    text = read_table(path)
    keys = [header_key(header) for header in text.headers]
    school = next((keys.index(key) for key in map(header_key, SCHOOLS["school"].aliases) if key in keys), None)
    area = next((i for i, key in enumerate(keys) if i != school and _kind(text.headers[i], key, kind)), None)
    shown = ", ".join(repr(header) for header in text.headers[:30])
    problems = []
    if area is None:
        tip = 'name the column for its kind ("lsoa21"), or say kind="lsoa21"'
        problems.append(Problem(text.file, "column_missing", f"no column of area codes; found {shown}", tip))
    if school is None:
        tip = 'name the column "school" or "URN"'
        problems.append(Problem(text.file, "column_missing", f"no column of school numbers; found {shown}", tip))
    if problems:
        raise InputRefused(text.file, problems)
    frame = text.frame.drop(index=text.bad["row"])
    for position in (area, school):
        blank = frame.index[frame[position].str.strip().eq("")]
        if len(blank):
            where = {"record": int(blank[0]) + 1, "column": text.headers[position], "more": len(blank) - 1}
            problems.append(Problem(text.file, "code_blank", "a cell is empty", "fill it, or remove the row", **where))
    if problems:
        raise InputRefused(text.file, problems)
    source = Source(title=text.file, publisher=OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    found = _kind(text.headers[area], keys[area], kind)
    return catchments_from(found, frame[area].str.strip().str.upper(), frame[school].str.strip(), source)


def _kind(header: str, key: str, kind: str | None) -> str:
    """The kind a header names: the one asked for, or one with its year."""
    if kind is not None:
        return kind if key in {kind, f"{kind}cd", "area", "code", "areacode"} else ""
    stem = key.removesuffix("cd")
    return code_kind(header) or (stem if stem[:-2].isalpha() and stem[-2:].isdigit() else "")
