"""Readers of small tables by area: residents counted elsewhere, and which school's catchment an area is in."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import pandas as pd

from geoplan.columns import header_key
from geoplan.errors import InputRefused
from geoplan.io.files import refuse, table_bytes
from geoplan.io.tables import TextTable, table_from

_KIND = re.compile(r"^(oa|lsoa|msoa|ward|wd|lad|postcode)[a-z]*\d*(cd|code)?$")
_COUNTS = ("residents", "children", "people", "population", "count", "pupils", "persons", "all")
_SCHOOLS = ("school", "urn", "school_urn", "catchment")


def read_residents(path: str | os.PathLike) -> tuple[str, pd.Series]:
    """Residents by area, from a census or register: one column of area codes, one of whole numbers.

    Returns
    -------
    kind, residents
        The header of the codes as a kind (``lsoa21``), and a count for each code; several rows of a code are added up.

    Raises
    ------
    InputRefused
        If a column is missing, or a number is none; hidden or rounded ones ("<=5") are not guessed at.
    """
    text, kind, codes, values = _two_columns(path, _COUNTS, "residents")
    numbers = pd.to_numeric(values.str.replace(",", "", regex=False), errors="coerce")
    bad = numbers.isna() | (numbers < 0)
    if bad.any():
        raise refuse(
            text.file,
            "number_malformed",
            "not a number of residents",
            record=int(bad.idxmax()) + 1,
            more=int(bad.sum()) - 1,
        )
    return kind, numbers.groupby(codes).sum().rename_axis(kind).rename("residents")


def read_catchments(path: str | os.PathLike) -> tuple[str, pd.Series]:
    """Which school's catchment each area is in.

    Returns
    -------
    kind, school
        The header of the codes as a kind, and the school of each code.

    Raises
    ------
    InputRefused
        If a column is missing, or an area occurs twice.
    """
    text, kind, codes, values = _two_columns(path, _SCHOOLS, "school")
    twice = codes.duplicated()
    if twice.any():
        raise refuse(
            text.file,
            "code_duplicated",
            "an area in two catchments, or twice in the file",
            record=int(twice.idxmax()) + 1,
            more=int(twice.sum()) - 1,
        )
    return kind, pd.Series(values.to_numpy(), index=pd.Index(codes, name=kind), name="school", dtype="str")


def _two_columns(
    path: str | os.PathLike, wanted: Sequence[str], name: str
) -> tuple[TextTable, str, pd.Series, pd.Series]:
    contents = table_bytes(path)
    found: dict[str, int] = {}
    aliases = {header_key(alias) for alias in wanted}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        for i, key in reversed(list(enumerate(keys))):
            if _KIND.match(key):
                found["code"] = i
            elif key in aliases:
                found[name] = i
        missing = [each for each in ("code", name) if each not in found]
        if missing:
            words = {"code": "area codes (lsoa21, oa21 ...)", name: f"{name} ({', '.join(wanted)})"}
            problems = [
                refuse(contents.name, "column_missing", f"no column of {words[each]}", column=each).problems[0]
                for each in missing
            ]
            raise InputRefused(contents.name, problems)
        return set(found.values())

    text = table_from(contents, aliases, choose)
    bad = text.bad[text.bad["code"] != "record_blank"]
    if len(bad):
        first = bad.iloc[0]
        raise refuse(contents.name, str(first["code"]), record=int(first["row"]) + 1, more=len(bad) - 1)
    frame = text.frame.loc[~text.frame.index.isin(text.bad["row"])]
    kind = re.sub(r"(cd|code)$", "", header_key(text.headers[found["code"]]))
    return text, kind, frame[found["code"]].str.strip(), frame[found[name]].str.strip()
