"""Readers about sites for a new school: the options with the council's own values, and what each criterion counts."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.columns import SITES, WEIGHTS, find_columns, header_key, known_headers
from geoplan.errors import InputRefused, Problem
from geoplan.io.counted import read_counted, refuse_rows
from geoplan.io.files import refuse, table_bytes
from geoplan.io.tables import table_from
from geoplan.postcodes import PostcodeDirectory, look_up
from geoplan.sites import Criterion, criteria_of
from geoplan.sources import OWN_FILE, Source

_PLACE = ("site", "postcode", "easting", "northing")
_NAMES = ("name", "sitename", "address")


def read_site_options(
    path: str | os.PathLike, postcodes: PostcodeDirectory | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, Source]:
    """Read sites for a new school, one row each, with any columns of numbers to judge them by.

    Parameters
    ----------
    path
        ``site``, ``easting`` and ``northing`` or ``postcode``, ``name`` if wanted; every other column is a criterion.
    postcodes
        The directory, where sites have postcodes only.

    Returns
    -------
    sites, values, source
        Indexed by site: ``name``, ``easting``, ``northing``; and the criteria as numbers (NaN where left empty).

    Raises
    ------
    InputRefused
        With every problem: a site twice or without a place, a criterion that is no number.
    """
    contents = table_bytes(path)
    text = table_from(contents, known_headers(SITES), lambda headers: set(range(len(headers))))
    broken = text.bad[~text.bad["code"].isin(["record_blank"])]
    found = find_columns(text.headers, SITES)
    problems = [Problem(text.file, code, what, tip, column=name) for code, name, what, tip in found.problems]
    problems += [
        Problem(text.file, str(code), "this row cannot be read", record=int(rows.iloc[0]) + 1, more=len(rows) - 1)
        for code, rows in broken.groupby("code")["row"]
    ]
    if problems:
        raise InputRefused(text.file, problems)
    used = {name: at for name, at in found.positions.items() if name in _PLACE}
    cells = text.frame.drop(index=text.bad["row"]).apply(lambda column: column.astype("str").str.strip())
    records = cells.index + 1
    named = [i for i, header in enumerate(text.headers) if header_key(header) in _NAMES]
    site = cells[used["site"]]
    table = pd.DataFrame({"name": cells[named[0]] if named else site}, index=cells.index)
    values = {}
    for i, header in enumerate(text.headers):
        if i in used.values() or i in named:
            continue
        numbers = pd.to_numeric(cells[i].str.replace(r"[£,%]", "", regex=True), errors="coerce")
        wrong = numbers.isna() & cells[i].ne("")
        if wrong.any():
            at = np.flatnonzero(wrong)
            problems.append(
                Problem(text.file, "number_malformed", "not a number", "write digits; give words in a note",
                        int(records[at[0]]), header, len(at) - 1)
            )  # fmt: skip
        values[header.strip()] = numbers
    for name in ("easting", "northing"):
        table[name] = pd.to_numeric(cells[used[name]], errors="coerce") if name in used else np.nan
    if "postcode" in used and postcodes is not None:
        rows = look_up(postcodes, cells[used["postcode"]]).rows
        for name in ("easting", "northing"):
            at = postcodes.table[name].to_numpy(dtype=float)[rows]
            table[name] = table[name].where(table[name].notna(), np.where(rows >= 0, at, np.nan))
    if problems:
        raise InputRefused(text.file, problems)
    placed = table["easting"].gt(0) & table["northing"].gt(0)
    by_record = pd.Series(placed.to_numpy(), records)
    refuse_rows(text.file, ~by_record, "position_outside", "no place: give easting and northing, or a postcode", "site")
    twice = pd.Series((site.duplicated() | site.eq("")).to_numpy(), records)
    refuse_rows(text.file, twice, "code_duplicated", "needs a code of its own", text.headers[used["site"]])
    if not len(table):
        raise refuse(text.file, "no_records")
    index = pd.Index(site, name="site")
    source = Source(text.file, OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    return table.set_index(index), pd.DataFrame(values).set_axis(index), source


def read_weights(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None
) -> tuple[tuple[Criterion, ...], Source]:
    """Read criteria with their weights, one row each.

    Raises
    ------
    InputRefused
        With every problem: no criterion, one twice, a weight that is not above 0.
    """
    values, source, found = read_counted(path, WEIGHTS, columns, needed=("criterion", "weight"))
    refuse_rows(source.file, values["criterion"].eq(""), "code_blank", "no criterion", found["criterion"])
    refuse_rows(source.file, values["criterion"].duplicated(), "code_duplicated", "given twice", found["criterion"])
    refuse_rows(source.file, ~(values["weight"] > 0), "number_malformed", "not a weight above 0", found["weight"])
    if not len(values):
        raise refuse(source.file, "no_records")
    return criteria_of(values), source
