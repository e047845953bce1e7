"""Readers for forecasts: rolls, links between schools, places and pupils to come, the DfE's scorecards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from geoplan.cohorts import PHASES, year_name, year_of_date, year_of_text
from geoplan.columns import CONTROL_TOTALS, EXTRA_PUPILS, FEEDERS, PLACES_CHANGES, ROLLS, SCHOOL_LINKS, header_key
from geoplan.errors import InputRefused, Problem
from geoplan.findings import findings as found_at
from geoplan.findings import gather
from geoplan.io.counted import read_checked
from geoplan.io.files import table_bytes
from geoplan.io.tables import table_from
from geoplan.reasons import REASONS
from geoplan.rolls import Counts
from geoplan.sources import Source
from geoplan.values import READERS

_TOTALS = frozenset(["total", "totals", "all", "allyears", "allyeargroups", "total roll", "totalroll"])
_CENSUS_MONTHS = (1, 2, 3)  # the spring census is the one that forecasts are scored on


def read_rolls(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, hidden_as: float | None = None
) -> Counts:
    """Read numbers on roll by school, year group and census day.

    Parameters
    ----------
    path
        ``school``, ``year_group``, ``pupils`` and a ``date`` or ``academic_year``.
    columns
        Our names to the file's headers, where these are not known ones.
    hidden_as
        What a hidden count ("c", "<=5") stands for; without it, it is not known.

    Returns
    -------
    Counts
        ``school``, ``year`` (2025 for 2025/26), ``year_group``, ``pupils``, ``record``. Where a year has several census
        days the spring one is used (else the last) and the others are noted. Rows that state a school's total are not
        in it: they are held against the sum of the others, and those that differ are findings.

    Raises
    ------
    InputRefused
        With every problem: a column missing, a count below zero or that is none, a row without a year, a school's year
        group twice on one day.
    """
    values, found, source, headers = read_checked(path, ROLLS, columns)
    problems = count_problems(source.file, values, found, headers, "pupils", hidden_as)
    values, more = _years(source.file, values, headers)
    problems += more
    blank = values["school"].eq("")
    problems += problem_of(source.file, values.index[blank], "code_blank", "no school number", headers["school"])
    totals = values["year_group"].map(header_key).isin({header_key(word) for word in _TOTALS})
    groups = values["year_group"].map({text: READERS["year"](text, ROLLS["year_group"])[0]
                                       for text in values["year_group"].unique()})  # fmt: skip
    strange = groups.eq("unknown") & ~totals
    problems += problem_of(
        source.file,
        values.index[strange],
        "value_unknown",
        "not a year group (R, 1 to 14, N1, N2)",
        headers["year_group"],
    )
    keys = ["school", "day", "year_group"]
    stated = values[totals]
    values = values[~totals].assign(year_group=groups[~totals])
    twice = values.duplicated(keys) & values["year_group"].ne("unknown")
    problems += problem_of(
        source.file, values.index[twice], "code_duplicated", "a school's year group twice on one day; give it once",
        headers["year_group"],
    )  # fmt: skip
    if problems:
        raise InputRefused(source.file, problems)
    if not len(values):
        raise InputRefused(source.file, [Problem(source.file, "no_records", "no rolls", "export it again")])
    parts = [_translated(found, headers)]
    parts.append(_totals_found(values, stated, headers))
    values, notes = _one_day_a_year(values)
    frame = pd.DataFrame(
        {name: values[name].to_numpy() for name in ("school", "year", "year_group", "pupils")}
        | {"record": values.index}
    )
    return Counts(frame, source, gather(parts), notes, {"records": _records(values, stated, found), "headers": headers})


def read_school_links(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, Source]:
    """Read links between schools, as GIAS gives them ("links_edubasealldata").

    Returns
    -------
    links, source
        ``school``, ``linked``, ``link_type`` and, where given, ``date``.
    """
    values, _, source, headers = read_checked(path, SCHOOL_LINKS, columns)
    blank = values["school"].eq("") | values["linked"].eq("")
    problems = problem_of(
        source.file, values.index[blank], "code_blank", "a link needs both schools", headers["linked"]
    )
    if problems:
        raise InputRefused(source.file, problems)
    return values.reset_index(drop=True), source


def read_feeders(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> tuple[pd.DataFrame, Source]:
    """Read which schools a school takes its transfer intake from.

    Returns
    -------
    feeders, source
        ``school``, ``feeder``, ``share`` (1 where not given).

    Raises
    ------
    InputRefused
        With every problem: a school missing or its own feeder, a pair twice, a share outside 0 to 1.
    """
    values, found, source, headers = read_checked(path, FEEDERS, columns)
    file = source.file
    problems = _all_problems(file, found, headers)
    for name in ("school", "feeder"):
        problems += problem_of(file, values.index[values[name].eq("")], "code_blank", "no school", headers[name])
    own = values.index[values["school"].eq(values["feeder"]) & values["school"].ne("")]
    problems += problem_of(file, own, "value_impossible", "a school as its own feeder", headers["feeder"])
    twice = values.index[values.duplicated(["school", "feeder"])]
    problems += problem_of(file, twice, "code_duplicated", "a school and its feeder twice", headers["feeder"])
    share = values["share"].fillna(1.0) if "share" in values else pd.Series(1.0, values.index)
    odd = values.index[(share < 0) | (share > 1)]
    problems += problem_of(file, odd, "value_impossible", "a share below 0 or over 1", headers.get("share"))
    if problems:
        raise InputRefused(file, problems)
    return values[["school", "feeder"]].assign(share=share).reset_index(drop=True), source


def read_extra_pupils(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, option: str = ""
) -> tuple[pd.DataFrame, Source]:
    """Read pupils to come that the past cannot know of.

    Returns
    -------
    table, source
        ``place``, ``year``, ``stage``, ``pupils`` of one option (the file's only one if not named).

    Raises
    ------
    InputRefused
        With every problem; also if the file has several options and none is named.
    """
    from geoplan.cohorts import stage_of

    values, found, source, headers = read_checked(path, EXTRA_PUPILS, columns)
    problems = _all_problems(source.file, found, headers)
    years = values["academic_year"].map(lambda text: year_of_text(str(text)))
    stages = values["year_group"].map(lambda text: stage_of(str(text)))
    file = source.file
    problems += problem_of(
        file, values.index[years.isna()], "year_missing", "no academic year", headers["academic_year"]
    )
    problems += problem_of(
        file, values.index[stages.isna()], "value_unknown", "not a year group from R to 14", headers["year_group"]
    )
    options = [name for name in values["option"].unique() if name] if "option" in values else []
    if (option and option not in options) or (not option and len(options) > 1):
        what = f"it has the options {', '.join(options) or 'none'}"
        problems.append(Problem(file, "code_unknown", what, "name one of them", column=headers.get("option")))
    if problems:
        raise InputRefused(file, problems)
    kept = values[values["option"].eq(option)] if option else values
    table = pd.DataFrame(
        {
            "place": kept.get("school", ""),
            "year": years[kept.index].astype("int64"),
            "stage": stages[kept.index].astype("int64"),
            "pupils": kept["pupils"],
        }
    )
    return table.reset_index(drop=True), source


def read_control_totals(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read totals that a forecast is to be brought to: an official projection of pupils.

    Returns
    -------
    table, source
        ``phase`` (primary, secondary, sixth form), ``year``, ``pupils``.

    Raises
    ------
    InputRefused
        With every problem: a phase that is none, a year that cannot be read, a phase and year twice.
    """
    values, found, source, headers = read_checked(path, CONTROL_TOTALS, columns)
    file = source.file
    problems = count_problems(file, values, found, headers, "pupils")
    years = values["academic_year"].map(lambda text: year_of_text(str(text)))
    phase = values["phase"].str.casefold().str.replace("_", " ").str.strip()
    problems += problem_of(
        file, values.index[years.isna()], "year_missing", "no academic year", headers["academic_year"]
    )
    strange = values.index[~phase.isin(list(PHASES))]
    problems += problem_of(file, strange, "value_unknown", "not primary, secondary or sixth form", headers["phase"])
    table = pd.DataFrame({"phase": phase, "year": years, "pupils": values["pupils"]})
    twice = table.index[table.duplicated(["phase", "year"])]
    problems += problem_of(file, twice, "code_duplicated", "a phase and year twice", headers["phase"])
    if problems:
        raise InputRefused(file, problems)
    return table.astype({"year": "int64"}).reset_index(drop=True), source


def read_places_changes(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read places added at schools, or taken away, from an academic year on.

    Returns
    -------
    table, source
        ``school``, ``year``, ``places``, ``pan`` (0 where not given).
    """
    values, found, source, headers = read_checked(path, PLACES_CHANGES, columns)
    problems = _all_problems(source.file, found, headers)
    years = values["academic_year"].map(lambda text: year_of_text(str(text)))
    problems += problem_of(
        source.file, values.index[years.isna()], "year_missing", "no academic year", headers["academic_year"]
    )
    if problems:
        raise InputRefused(source.file, problems)
    pan = values["pan"].fillna(0.0) if "pan" in values else 0.0
    table = pd.DataFrame({"school": values["school"], "year": years.astype("int64"), "places": values["places"]})
    return table.assign(pan=pan).reset_index(drop=True), source


def read_scorecards(path: str | os.PathLike) -> tuple[pd.DataFrame, Source]:
    """Read the DfE's school places scorecards: forecasting accuracy by authority.

    Returns
    -------
    table, source
        ``authority`` (its number), ``name``, ``year`` ("2024/25"), and the file's columns ``For_1_P``, ``For_3_P``,
        ``For_1_S``, ``For_3_S``, ``PriNOR`` and ``SecNOR`` as numbers; authorities only.

    Raises
    ------
    InputRefused
        If a column is missing.
    """
    wanted = {"authority": "LANumber", "name": "LA_name", "year": "Year", "level": "geographic_level"}
    numbers = ("For_1_P", "For_3_P", "For_1_S", "For_3_S", "PriNOR", "SecNOR")
    wanted |= {name: name for name in numbers}
    contents, found = table_bytes(path), {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found.update({ours: keys.index(header_key(name)) for ours, name in wanted.items() if header_key(name) in keys})
        lacking = [name for ours, name in wanted.items() if ours not in found]
        if lacking:
            raise InputRefused(
                contents.name, [Problem(contents.name, "column_missing", f"no column {name}") for name in lacking]
            )
        return set(found.values())

    text = table_from(contents, frozenset(map(header_key, wanted.values())), choose)
    frame = pd.DataFrame({name: text.frame[position] for name, position in found.items()})
    frame = frame.drop(index=text.bad["row"].tolist())
    frame = frame[frame["level"].eq("Local authority")].drop(columns="level")
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    source = Source(
        "Local authority school places scorecards", "Department for Education", "OGL-UK-3.0",
        "Source: Department for Education, school places scorecards, Open Government Licence v3.0",
        file=contents.name, fingerprint=contents.fingerprint,
    )  # fmt: skip
    return frame.reset_index(drop=True), source


# --- what readers of counts share ---------------------------------------------------------------------------


def problem_of(file: str, records: pd.Index, code: str, what: str, column: str | None = None) -> list[Problem]:
    """One problem for all the records that have it; none if there are none."""
    if not len(records):
        return []
    tip = REASONS[code].suggestion
    return [Problem(file, code, what, tip, record=int(records[0]), column=column, more=len(records) - 1)]


def count_problems(
    file: str,
    values: pd.DataFrame,
    found: pd.DataFrame,
    headers: Mapping[str, str],
    name: str,
    hidden_as: float | None = None,
) -> list[Problem]:
    """What is wrong with a column of counts; hidden ones are filled where it is said what they stand for."""
    problems = []
    mine = found[found["column"].eq(name)]
    words = {"value_impossible": "a count below zero", "number_malformed": "not a count"}
    tips = {"value_impossible": "correct it at the source"}
    for code, what in words.items():
        rows = pd.Index(mine.loc[mine["code"].eq(code), "record"])
        problems += [replace(each, suggestion=tips.get(code, each.suggestion))
                     for each in problem_of(file, rows, code, what, headers[name])]  # fmt: skip
    if hidden_as is not None:
        rows = mine.loc[mine["code"].eq("count_hidden"), "record"]
        values.loc[rows, name] = hidden_as
    empty = values[name].isna() & ~values.index.isin(mine["record"])
    return problems + problem_of(file, values.index[empty], "number_malformed", "an empty count", headers[name])


def _all_problems(file: str, found: pd.DataFrame, headers: Mapping[str, str]) -> list[Problem]:
    """Every finding of a small table as a problem: such a table is not used in part."""
    problems = []
    for (column, code), rows in found.groupby(["column", "code"], sort=False):
        if REASONS[code].outcome == "repaired" and code == "code_repaired":
            continue
        problems += problem_of(file, pd.Index(rows["record"]), code, REASONS[code].meaning, headers.get(column, column))
    return problems


def _years(file: str, values: pd.DataFrame, headers: Mapping[str, str]) -> tuple[pd.DataFrame, list[Problem]]:
    """The academic year of each row, by its date or its words."""
    lacking = "date" not in values and "academic_year" not in values
    if lacking:
        what = "no column for the census day or academic year"
        return values.assign(year=0, day=""), [Problem(file, "column_missing", what, "add date or academic_year")]
    year = pd.Series(np.nan, values.index)
    day = pd.Series("", values.index, dtype="object")
    if "academic_year" in values:
        texts = values["academic_year"]
        year = texts.map({text: year_of_text(str(text)) for text in texts.unique()}).astype("float64")
        day = texts.astype("object")
    if "date" in values:
        texts = values["date"]
        given = texts.ne("")
        dated = texts[given].map({text: year_of_date(text) for text in texts[given].unique()}).astype("float64")
        year.loc[dated.index] = dated
        day = day.mask(given, texts.astype("object"))
    column = headers.get("date", headers.get("academic_year"))
    problems = problem_of(file, values.index[year.isna()], "year_missing", "no academic year can be read", column)
    return values.assign(year=year.fillna(0).astype("int64"), day=day), problems


def _one_day_a_year(values: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of the spring census of each year, or its last day."""
    notes, kept = [], []
    for year, part in values.groupby("year"):
        days = sorted(part["day"].unique())
        spring = [day for day in days if len(day) == 10 and int(day[5:7]) in _CENSUS_MONTHS]
        chosen = (spring or days)[-1]
        kept.append(part[part["day"].eq(chosen)])
        if len(days) > 1:
            others = ", ".join(day for day in days if day != chosen)
            notes.append(f"{year_name(year)} has {len(days)} census days: {chosen} is used, {others} is not")
    return pd.concat(kept).sort_index(), tuple(notes)


def _totals_found(values: pd.DataFrame, stated: pd.DataFrame, headers: Mapping[str, str]) -> pd.DataFrame:
    """Stated totals that are not the sum of their parts."""
    if not len(stated):
        return found_at([], "", "")
    sums = values.groupby(["school", "day"])["pupils"].sum(min_count=1)
    at = pd.MultiIndex.from_frame(stated[["school", "day"]])
    known = stated["pupils"].notna().to_numpy()
    wrong = known & (sums.reindex(at).to_numpy() != stated["pupils"].to_numpy())
    return found_at(stated.index[wrong], headers["pupils"], "total_not_sum")


def _translated(found: pd.DataFrame, headers: Mapping[str, str]) -> pd.DataFrame:
    """Findings by the file's own headers."""
    return found.assign(column=found["column"].map(lambda name: headers.get(name, name)).astype("str"))


def _records(values: pd.DataFrame, *others: pd.DataFrame) -> int:
    return max([0, *(int(part.index.max()) for part in (values, others[0]) if len(part))])
