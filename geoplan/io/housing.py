"""Readers about homes to come and rolls to come: a housing trajectory, pupil yields, forecast rolls."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import pandas as pd

from geoplan.columns import HOUSING, ROLL_FORECASTS, YIELDS
from geoplan.errors import InputRefused, Problem
from geoplan.housing import STATUSES, Trajectory, Yields, phase_of
from geoplan.io.counted import read_counted, refuse_rows
from geoplan.io.files import refuse
from geoplan.sources import Source

_YEAR = re.compile(r"((?:19|20)\d\d)(?:\s*[/\u2013-]\s*(\d\d|\d{4}))?")


def read_housing(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Trajectory:
    """Read homes to be finished, one row for a site, year and kind of home.

    Raises
    ------
    InputRefused
        With every problem: no site, a year missing or not a year, completions that are no whole number from zero up, a
        status that is not known, one site at two places.
    """
    values, source, found = read_counted(path, HOUSING, columns, needed=("site", "year", "completions"))
    problems: list[Problem] = []

    def wrong(rows: pd.Series, code: str, what: str, name: str, tip: str = "") -> None:
        records = values.index[rows.fillna(False).to_numpy(dtype=bool)]
        if len(records):
            header = found.get(name, name)
            problems.append(Problem(source.file, code, what, tip, int(records[0]), header, len(records) - 1))

    values["year"] = values["year"].astype("str").str.strip()
    year = values["year"].map(academic_year)
    wrong(values["site"].eq(""), "code_blank", "no site", "site")
    wrong(
        values["year"].eq(""), "value_missing", "no year", "year", "say when the homes are finished: 2027, or 2027/28"
    )
    wrong(values["year"].ne("") & year.isna(), "date_malformed", "not a year", "year", "write 2027, or 2027/28")
    count = values["completions"]
    wrong(count.isna(), "number_malformed", "not a whole number of homes from 0 up", "completions", "0 for none")
    status = (
        values["status"].astype("str").str.strip().str.casefold() if "status" in values else pd.Series("", values.index)
    )
    wrong(~status.isin(["", *STATUSES]), "value_unknown", f"status is {', '.join(STATUSES)}", "status")
    for name in ("easting", "northing"):
        if name in values:
            moved = values.dropna(subset=[name]).groupby("site")[name].transform("nunique") > 1
            wrong(moved.reindex(values.index, fill_value=False), "code_duplicated", "one site at two places", name)
    if problems:
        raise InputRefused(source.file, problems)
    if not len(values):
        raise refuse(source.file, "no_records")
    table = pd.DataFrame({"site": values["site"], "year": year.astype(int), "completions": count.astype(int)})
    for name in ("tenure", "type", "bedrooms"):
        table[name] = tidy_kind(values[name]) if name in values else ""
    table["status"] = status
    sites = values.groupby("site", sort=False).first()
    kept = [name for name in ("name", "easting", "northing") if name in sites]
    return Trajectory(table.reset_index(drop=True), sites[kept], source)


def read_yields(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Yields:
    """Read pupils for each home, one row for a phase (or year group) and a kind of home.

    Raises
    ------
    InputRefused
        With every problem: no phase that is known, a yield that is no number from zero to three, a range the wrong way
        round, one kind of home twice.
    """
    values, source, found = read_counted(path, YIELDS, columns, needed=("phase", "pupils"))
    phase = values["phase"].astype("str").map(phase_of)
    refuse_rows(source.file, phase.eq(""), "value_unknown", "not a phase or a year group", found["phase"])
    for name in ("pupils", "low", "high"):
        if name in values:
            header = found.get(name, name)
            wrong = values[name].isna() if name == "pupils" else values[name].isna() & False
            refuse_rows(source.file, wrong, "number_malformed", "no number of pupils for a home", header)
            odd = (values[name] < 0) | (values[name] > 3)
            refuse_rows(source.file, odd, "value_impossible", "pupils for a home below 0 or over 3", header)
    table = pd.DataFrame({"phase": phase, "pupils": values["pupils"].astype(float)})
    for name in ("tenure", "type", "bedrooms"):
        table[name] = tidy_kind(values[name]) if name in values else ""
    table["years_after"] = values["years_after"].astype("Int64") if "years_after" in values else pd.NA
    table["low"] = values["low"].astype(float) if "low" in values else table["pupils"]
    table["high"] = values["high"].astype(float) if "high" in values else table["pupils"]
    table["low"], table["high"] = table["low"].fillna(table["pupils"]), table["high"].fillna(table["pupils"])
    crossed = (table["low"] > table["pupils"]) | (table["high"] < table["pupils"])
    refuse_rows(
        source.file, crossed, "value_impossible", "the yield is not between its low and its high", found["pupils"]
    )
    keys = ["phase", "tenure", "type", "bedrooms", "years_after"]
    refuse_rows(source.file, table.duplicated(keys), "code_duplicated", "one kind of home twice", found["phase"])
    return Yields(table.reset_index(drop=True), source)


def read_roll_forecast(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read forecast rolls: ``school``, ``year``, ``pupils``, one row for each school and year.

    Raises
    ------
    InputRefused
        With every problem: no school or year, a forecast that is no number from zero up, a school twice in a year.
    """
    values, source, found = read_counted(path, ROLL_FORECASTS, columns, needed=("school", "year", "pupils"))
    refuse_rows(source.file, values["school"].eq(""), "code_blank", "no school", found["school"])
    refuse_rows(source.file, values["year"].astype("str").eq(""), "value_missing", "no year", found["year"])
    refuse_rows(source.file, values["pupils"].isna(), "number_malformed", "no number of pupils", found["pupils"])
    refuse_rows(source.file, values["pupils"] < 0, "value_impossible", "a roll below 0", found["pupils"])
    twice = values.duplicated(["school", "year"])
    refuse_rows(source.file, twice, "code_duplicated", "a school twice in a year", found["school"])
    return values[["school", "year", "pupils"]].reset_index(drop=True), source


def academic_year(text: str) -> float:
    """The first calendar year of an academic year, or of a plain one; NaN where the text is not a year.

    Examples
    --------
    >>> academic_year("2027/28"), academic_year("2027"), academic_year("soon")
    (2027.0, 2027.0, nan)
    >>> academic_year("2027/29")
    nan
    """
    match = _YEAR.fullmatch(str(text).strip())
    if match is None:
        return float("nan")
    first = int(match[1])
    if match[2] is not None and int(match[2]) % 100 != (first + 1) % 100:
        return float("nan")
    return float(first)


def tidy_kind(values: pd.Series) -> pd.Series:
    """Kinds of home as they are compared: small letters, single spaces, no ``.0``; "" where not said."""
    text = values.astype("str").str.strip().str.casefold().str.replace(r"\s+", " ", regex=True)
    return text.str.replace(r"\.0$", "", regex=True).replace({"nan": "", "any": "", "all": "", "total": ""})
