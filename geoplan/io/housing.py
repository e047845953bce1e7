"""Readers about homes to come and rolls to come: a housing trajectory, pupil yields, forecast rolls."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from geoplan.columns import HOUSING, ROLL_FORECASTS, YIELDS, header_key, known_headers
from geoplan.errors import InputRefused, Problem
from geoplan.housing import STATUSES, Trajectory, Yields, phase_of
from geoplan.io.counted import read_counted, refuse_rows
from geoplan.io.files import refuse, table_bytes
from geoplan.io.tables import table_from
from geoplan.sources import Source

PHASE_ROLLS = ("primary", "secondary", "sixth form")  # as geoplan forecast calls them; together a school's roll
INTAKE_ROLLS = ("reception", "year 7")  # parts of a phase
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

    The table that ``geoplan forecast -o forecast.csv`` writes is read as it is: its phases (primary, secondary, sixth
    form) are added up to the school's roll; its intakes (Reception, Year 7) are parts of them, and are left out.

    Returns
    -------
    table, source
        ``school``, ``year`` (as in the file), ``pupils``; and, where the file has it, ``now``, the roll at the start.

    Raises
    ------
    InputRefused
        With every problem: no school or year, a forecast that is no number from zero up, a school twice in a year,
        rolls that are neither a phase nor an intake.
    """
    values, source = _forecast_rows(path, columns)
    if "rolls" not in values:
        return values[["school", "year", "pupils"]].reset_index(drop=True), source
    phases = values[values["rolls"].isin(PHASE_ROLLS)]
    table = phases.groupby(["school", "year"], sort=False)[_counted_in(values)].sum()
    return table.reset_index(), source


def read_forecast_growth(path: str | os.PathLike, rolls: str) -> tuple[pd.Series, Source]:
    """How the rolls of a phase are forecast to grow in all schools together, by academic year.

    Parameters
    ----------
    path
        The table that ``geoplan forecast -o forecast.csv`` writes.
    rolls
        primary, secondary, sixth form, Reception or Year 7.

    Returns
    -------
    growth, source
        By year as the file calls it (``2027/28``): pupils forecast for each pupil now, 1 for no change.

    Raises
    ------
    InputRefused
        As :func:`read_roll_forecast`; also if the file has no such rolls, or does not say how many there are now.
    """
    values, source = _forecast_rows(path)
    wanted = values[values.get("rolls", pd.Series("", values.index)).eq(rolls.casefold())]
    if wanted.empty or "now" not in values:
        tip = "make it with: geoplan forecast -o forecast.csv"
        raise refuse(source.file, "no_records", f"no forecast of {rolls} rolls with the roll now", tip)
    sums = wanted.groupby("year")[["now", "pupils"]].sum()
    return (sums["pupils"] / sums["now"]).rename("growth"), source


def read_school_growth(path: str | os.PathLike, rolls: Sequence[str]) -> tuple[pd.DataFrame, Source]:
    """Forecast rolls by school with the roll now, of some phases or intakes together.

    Parameters
    ----------
    path
        The table that ``geoplan forecast -o forecast.csv`` writes.
    rolls
        primary, secondary, sixth form; or Reception or Year 7.

    Returns
    -------
    table, source
        ``school``, ``year``, ``now``, ``pupils``.

    Raises
    ------
    InputRefused
        As :func:`read_roll_forecast`; also if the file has no such rolls, or does not say how many there are now.
    """
    values, source = _forecast_rows(path)
    wanted = values[values.get("rolls", pd.Series("", values.index)).isin([name.casefold() for name in rolls])]
    if wanted.empty or "now" not in values:
        tip = "make it with: geoplan forecast -o forecast.csv"
        raise refuse(source.file, "no_records", f"no forecast of {' or '.join(rolls)} rolls with the roll now", tip)
    return wanted.groupby(["school", "year"], as_index=False, sort=False)[["now", "pupils"]].sum(), source


def is_school_forecast(path: str | os.PathLike) -> bool:
    """Whether a table is one that ``geoplan forecast -o forecast.csv`` writes: rolls, by school and year."""
    seen: list[str] = []
    table_from(table_bytes(path), known_headers(ROLL_FORECASTS), lambda headers: seen.extend(headers) or {0})
    return {"school", "rolls", "year", "forecast"} <= {header_key(header) for header in seen}


def forecast_facts(path: str | os.PathLike) -> pd.DataFrame:
    """Numbers about schools from forecast rolls, one row a school, to judge them by.

    Returns
    -------
    DataFrame
        By URN: ``forecast_now``, ``forecast_last`` (the last year), ``forecast_lowest``, ``forecast_highest`` (pupils
        on roll), ``forecast_change_percent`` (the last year against now), and one of each year, ``forecast_2027_28``.

    Raises
    ------
    InputRefused
        As :func:`read_roll_forecast`.
    """
    table, _ = read_roll_forecast(path)
    by_year = table.pivot(index="school", columns="year", values="pupils").sort_index(axis=1)
    facts = pd.DataFrame({"forecast_last": by_year.iloc[:, -1]}, index=by_year.index)
    facts["forecast_lowest"], facts["forecast_highest"] = by_year.min(axis=1), by_year.max(axis=1)
    if "now" in table:
        now = table.groupby("school")["now"].first()
        facts["forecast_now"] = now
        facts["forecast_change_percent"] = (100 * (facts["forecast_last"] - now) / now.where(now > 0)).round(1)
    names = {year: f"forecast_{str(year).replace('/', '_').replace('-', '_')}" for year in by_year}
    return facts.join(by_year.rename(columns=names)).rename_axis("school")


def _forecast_rows(path, columns: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, Source]:
    """Rows of forecast rolls, checked; ``rolls`` in small letters."""
    values, source, found = read_counted(path, ROLL_FORECASTS, columns, needed=("school", "year", "pupils"))
    refuse_rows(source.file, values["school"].eq(""), "code_blank", "no school", found["school"])
    refuse_rows(source.file, values["year"].astype("str").eq(""), "value_missing", "no year", found["year"])
    refuse_rows(source.file, values["pupils"].isna(), "number_malformed", "no number of pupils", found["pupils"])
    refuse_rows(source.file, values["pupils"] < 0, "value_impossible", "a roll below 0", found["pupils"])
    keys = ["school", "year"]
    if "rolls" in values:
        values["rolls"] = values["rolls"].astype("str").str.strip().str.casefold()
        known = values["rolls"].isin([*PHASE_ROLLS, *INTAKE_ROLLS])
        refuse_rows(source.file, ~known, "value_unknown", "neither a phase nor an intake", found["rolls"])
        keys.append("rolls")
    refuse_rows(source.file, values.duplicated(keys), "code_duplicated", "a school twice in a year", found["school"])
    return values, source


def _counted_in(values: pd.DataFrame) -> list[str]:
    return [name for name in ("pupils", "now") if name in values]


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
