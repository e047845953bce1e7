"""Catchment plans from and to CSV: one row an area, or several where a catchment is shared."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from geoplan.catchments import NONE, CatchmentPlan, plan_from_pairs
from geoplan.columns import header_key
from geoplan.errors import InputRefused, Problem
from geoplan.io.files import refuse, table_bytes
from geoplan.io.outputs import write_csv
from geoplan.io.tables import table_from
from geoplan.reasons import reason
from geoplan.sources import OWN_FILE, Source

_SCHOOL = ("school", "urn", "catchment", "school urn", "school code")
_AREA = ("area", "area code", "zone", "code")
_KIND = re.compile(r"(oa|lsoa|msoa|ward|lad)(\d\d)(cd|code)?")


def read_plan(
    path: str | os.PathLike,
    kind: str | None = None,
    *,
    area: str | None = None,
    school: str | None = None,
    name: str | None = None,
) -> CatchmentPlan:
    """Read which area belongs to which school.

    Parameters
    ----------
    path
        CSV or ``.xlsx``. An area on several rows with several schools is in a shared catchment; an area without a
        school keeps none.
    kind
        The kind of area (``lsoa21``), where the header does not say.
    area, school
        The file's headers, where they are not plain ones (``lsoa21``, ``LSOA21CD``, ``area``; ``school``, ``urn``,
        ``catchment``).
    name
        What the plan is called; the file's name if not given.

    Raises
    ------
    InputRefused
        If a column is missing, the kind is not said, or rows cannot be used; every problem is named.
    """
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found["school"] = _position(contents.name, headers, keys, "school", school, _SCHOOL)
        kinds = [i for i, key in enumerate(keys) if _KIND.fullmatch(key.replace(" ", ""))]
        if area is None and kinds:
            if len(kinds) > 1:
                raise refuse(contents.name, "column_ambiguous", "several columns of area codes", "say which: area=")
            found["area"] = kinds[0]
        else:
            found["area"] = _position(contents.name, headers, keys, "area", area, _AREA)
        return set(found.values())

    known = {header_key(word) for word in (*_SCHOOL, *_AREA, *filter(None, (area, school)))}
    text = table_from(contents, known, choose)
    match = _KIND.fullmatch(header_key(text.headers[found["area"]]).replace(" ", ""))
    kind = kind or ("" if match is None else match.group(1) + match.group(2))
    if not kind:
        raise refuse(text.file, "kind_unknown", "which areas these are is not said", 'say so: kind="lsoa21"')
    pairs = text.frame[[found["area"], found["school"]]].set_axis(["area", "school"], axis=1)
    pairs = pairs.apply(lambda column: column.str.strip())
    used = ~text.frame.index.isin(text.bad["row"])
    _refuse_broken(text.file, text.bad, pairs, used, text.headers[found["area"]])
    source = Source(OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    return plan_from_pairs(pairs[used], kind, name or Path(text.file).name.split(".")[0], source)


def write_plan(path: str | os.PathLike, plan: CatchmentPlan) -> Path:
    """Write a plan as CSV: a column named by the kind of area, and ``school``; a shared catchment has a row a school.

    What the plan changes about schools themselves (places, ages) is not in the file.
    """
    pairs = [(area, member) for area, school in plan.table.items() for member in plan.members(school)]
    return write_csv(path, pd.DataFrame(pairs, columns=[plan.kind, "school"]))


def _position(
    file: str, headers: Sequence[str], keys: list[str], what: str, given: str | None, aliases: tuple[str, ...]
) -> int:
    wanted = [given] if given is not None else list(aliases)
    for alias in wanted:
        if header_key(alias) in keys:
            return keys.index(header_key(alias))
    shown = ", ".join(repr(header) for header in headers[:12])
    raise refuse(file, "column_missing", f"no column for {what}; there are {shown}", f'say which: {what}="..."')


def _refuse_broken(file: str, bad: pd.DataFrame, pairs: pd.DataFrame, used, header: str) -> None:
    """Every row that cannot be used; a plan with a hole in it is not read."""
    problems = []
    for code, rows in bad[bad["code"] != "record_blank"].groupby("code")["row"]:
        entry = reason(str(code))
        problems.append(
            Problem(file, str(code), entry.meaning, entry.suggestion, record=int(rows.min()) + 1, more=len(rows) - 1)
        )
    blank = pairs.index[used & (pairs["area"] == NONE)]
    if len(blank):
        entry = reason("code_blank")
        first = int(blank[0]) + 1
        problems.append(
            Problem(file, "code_blank", entry.meaning, entry.suggestion, first, header, more=len(blank) - 1)
        )
    if problems:
        raise InputRefused(file, problems)
