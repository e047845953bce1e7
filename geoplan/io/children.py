"""Readers of children by area: registers, births, population by single year, projections, flows across borders."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from geoplan.cohorts import year_of_date, year_of_text
from geoplan.columns import BIRTHS, FLOWS, MOVING, PROJECTIONS, REGISTER, header_key
from geoplan.errors import InputRefused, Problem
from geoplan.findings import gather
from geoplan.flows import INDEPENDENT, stages_of
from geoplan.io.counted import read_checked
from geoplan.io.files import table_bytes
from geoplan.io.rolls import count_problems, problem_of
from geoplan.io.tables import table_from
from geoplan.postcodes import normalise_postcodes
from geoplan.rolls import Counts
from geoplan.sources import OWN_FILE, Source

_BORN = re.compile(r"(?:1|01)[ -]?SEP(?:TEMBER)?[ -](\d\d(?:\d\d)?)\b.*", re.I)
_BAND = re.compile(r"\d+ ?(-|\u2013|to|and over|\+).*", re.I)
_AGES = 19


def read_register(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, hidden_as: float | None = None
) -> Counts:
    """Read children registered with family doctors, by age on 31 August and area.

    Parameters
    ----------
    path
        ``area`` (an area code, postcode sector or postcode), ``age`` in single years or ``born`` ("01 September 14 to
        31 August 15", 2014/15), ``children``, and a ``date`` or ``academic_year`` (the one that begins the day after).
    columns
        Our names to the file's headers, where these are not known ones.
    hidden_as
        What a hidden count ("<=5") stands for; without it, it is not known and in no sum.

    Returns
    -------
    Counts
        ``area``, ``year`` (the academic year that the children are of school age in: a register of 31 August 2025 is
        2025), ``age``, ``children``; counts of one area and age (several postcodes) added up.

    Raises
    ------
    InputRefused
        With every problem: bands of ages, counts below zero, rows without a year or area.
    """
    values, found, source, headers = read_checked(path, REGISTER, columns)
    file = source.file
    problems = count_problems(file, values, found, headers, "children", hidden_as)
    problems += problem_of(file, values.index[values["area"].eq("")], "code_blank", "no area", headers["area"])
    year, more = _register_years(file, values, headers)
    age, also = _ages(file, values, year, headers)
    problems += more + also
    if problems:
        raise InputRefused(file, problems)
    areas = values["area"].map(_area_code(values["area"].unique()))
    table = pd.DataFrame({"area": areas, "year": year, "age": age, "children": values["children"]})
    inside = table["age"].between(0, _AGES - 1)
    notes = []
    if (~inside).any():
        notes.append(
            f"{int((~inside).sum()):,} rows of ages over {_AGES - 1}, or of children not born yet, are left out"
        )
    hidden = int(found["code"].eq("count_hidden").sum())
    if hidden:
        told = "are not known and in no sum" if hidden_as is None else f"were each taken as {hidden_as:g}"
        notes.append(f"{hidden:,} counts are hidden by the publisher and {told}")
    summed = table[inside].groupby(["area", "year", "age"], as_index=False)["children"].sum(min_count=1)
    found = found.assign(column=found["column"].map(lambda name: headers.get(name, name)).astype("str"))
    return Counts(
        summed, source, gather([found]), tuple(notes), {"records": int(values.index.max()), "headers": headers}
    )


def read_births(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Counts:
    """Read births by area and year.

    Returns
    -------
    Counts
        ``area``, ``year`` (academic year of birth, 2020 for September 2020 to August 2021), ``births``. Calendar years
        are made into academic ones: four twelfths of the first and eight of the second; a year whose neighbour is
        missing is left out and noted.
    """
    values, found, source, headers = read_checked(path, BIRTHS, columns)
    problems = count_problems(source.file, values, found, headers, "births")
    academic = "academic_year" in values
    if not academic and "calendar_year" not in values:
        problems.append(Problem(source.file, "column_missing", "no column for the year", "add academic_year"))
    if problems:
        raise InputRefused(source.file, problems)
    texts = values["academic_year" if academic else "calendar_year"].astype("str")
    year = texts.map({text: year_of_text(text) for text in texts.unique()})
    bad = problem_of(source.file, values.index[year.isna()], "year_missing", "no year can be read")
    if bad:
        raise InputRefused(source.file, bad)
    table = pd.DataFrame({"area": values["area"], "year": year.astype("int64"), "births": values["births"]})
    table = table.groupby(["area", "year"], as_index=False)["births"].sum(min_count=1)
    notes: tuple[str, ...] = ()
    if not academic:
        table, notes = academic_births(table)
    found = found.assign(column=found["column"].map(lambda name: headers.get(name, name)).astype("str"))
    return Counts(table, source, gather([found]), notes, {"records": int(values.index.max()), "headers": headers})


def academic_births(calendar: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Births of academic years from those of calendar years: a third of one and two thirds of the next.

    Examples
    --------
    >>> table = pd.DataFrame({"area": "a", "year": [2020, 2021], "births": [30.0, 60.0]})
    >>> academic_births(table)[0].to_dict("records")
    [{'area': 'a', 'year': 2020, 'births': 50.0}]
    """
    following = calendar.assign(year=calendar["year"] - 1).rename(columns={"births": "then"})
    both = calendar.merge(following, on=["area", "year"])
    answer = both.assign(births=both["births"] * 4 / 12 + both["then"] * 8 / 12)[["area", "year", "births"]]
    gone = len(calendar) - len(answer)
    notes = (
        (f"births of calendar years: {gone:,} rows whose next year is missing make no academic year",) if gone else ()
    )
    return answer, notes


def read_population(path: str | os.PathLike, year: int) -> Counts:
    """Read population by single year of age and area (SAPE), wide as the ONS gives it.

    Parameters
    ----------
    path
        A column of area codes and one for each age: ``0`` ... ``90+``, or ``F0`` ... and ``M0`` ... .
    year
        Mid-year of the estimate: children of an age at mid-2020 are counted as of 31 August 2020.

    Returns
    -------
    Counts
        ``area``, ``year``, ``age`` (0 to 18), ``children``.
    """
    contents, found = table_bytes(path), {}

    def choose(headers: Sequence[str]) -> set[int]:
        for at, header in enumerate(headers):
            age = re.fullmatch(r"(?:age ?)?([FM]?)(\d{1,2})\+?", header.strip(), re.I)
            if age and int(age[2]) < _AGES:
                found.setdefault(int(age[2]), []).append(at)
            elif re.search(r"(lsoa|oa|msoa|area|lad|ward).*(code|cd)", header, re.I) and "area" not in found:
                found["area"] = at
        lacking = [str(age) for age in range(_AGES) if age not in found]
        if "area" not in found or lacking:
            what = "no column of area codes" if "area" not in found else f"no column for age {', '.join(lacking[:5])}"
            raise InputRefused(contents.name, [Problem(contents.name, "column_missing", what)])
        lsoa = [at for at, header in enumerate(headers) if re.search(r"lsoa.*(code|cd)", header, re.I)]
        found["area"] = lsoa[0] if lsoa else found["area"]
        return {found["area"], *(at for age in range(_AGES) for at in found[age])}

    text = table_from(
        contents, frozenset(["lsoa11code", "lsoa21code", "areacode", header_key("LSOA 2021 Code")]), choose
    )
    frame = text.frame.drop(index=text.bad["row"].tolist())
    ages = {}
    for age in range(_AGES):
        ages[age] = sum(pd.to_numeric(frame[at].str.replace(",", ""), errors="coerce") for at in found[age])
    wide = pd.DataFrame(ages).set_axis(pd.Index(frame[found["area"]].str.strip(), name="area"))
    bad = wide.index[(wide.isna() | (wide < 0)).any(axis=1)]
    if len(bad):
        raise InputRefused(
            contents.name,
            [Problem(contents.name, "number_malformed", "areas with a number that is none", more=len(bad) - 1)],
        )
    long = wide.rename_axis(columns="age").stack().rename("children").reset_index().assign(year=year)
    source = Source(
        contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint, vintage=f"mid-{year}"
    )
    return Counts(long[["area", "year", "age", "children"]], source, gather([]), (), {"records": len(frame)})


def read_projections(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Counts:
    """Read a sub-national projection: people by area, age or band, and year.

    Both the ONS's wide form (a column for each year) and a long one (``year``, ``people``) are read; sexes are added
    up, and a row for persons is taken before them.

    Returns
    -------
    Counts
        ``area``, ``year``, ``age`` (text: "3", "0-4"), ``people``.
    """
    contents = table_bytes(path)
    years: dict[int, int] = {}

    def look(headers: Sequence[str]) -> set[int]:
        years.update({at: int(h.strip()) for at, h in enumerate(headers) if re.fullmatch(r"20\d\d", h.strip())})
        return set(range(len(headers)))

    text = table_from(contents, frozenset(["areacode", "agegroup", "age", "sex", "year"]), look)
    if not years:
        values, found, source, headers = read_checked(path, PROJECTIONS, columns, ("year",))
        problems = count_problems(source.file, values, found, headers, "people")
        year = values["year"].map(lambda each: year_of_text(str(each)))
        problems += problem_of(source.file, values.index[year.isna()], "year_missing", "no year can be read")
        if problems:
            raise InputRefused(source.file, problems)
        long = values.assign(year=year.astype("int64"))
    else:
        from geoplan.columns import find_columns

        places = find_columns(text.headers, PROJECTIONS, columns, needless=("people",))
        if places.problems:
            raise InputRefused(
                contents.name, [Problem(contents.name, code, what, tip) for code, _, what, tip in places.problems]
            )
        frame = text.frame.drop(index=text.bad["row"].tolist())
        keys = pd.DataFrame({name: frame[at].str.strip() for name, at in places.positions.items() if at not in years})
        parts = []
        for at, year in years.items():
            people = pd.to_numeric(frame[at].str.replace(",", ""), errors="coerce")
            parts.append(keys.assign(year=year, people=people))
        long = pd.concat(parts, ignore_index=True)
        if long["people"].isna().any() or (long["people"] < 0).any():
            raise InputRefused(contents.name, [Problem(contents.name, "number_malformed", "a number that is none")])
        source = Source(contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    if "sex" in long:
        together = long["sex"].str.casefold().isin(["persons", "all", "total", "people"])
        long = long[together] if together.any() else long
    long = long[~long["age"].astype("str").str.casefold().isin(["all ages", "all", "total"])]
    summed = long.groupby(["area", "year", "age"], as_index=False)["people"].sum()
    return Counts(summed, source, gather([]), (), {"records": len(text)})


def read_flows(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, hidden_as: float | None = None
) -> Counts:
    """Read pupils who cross the border or go to independent schools.

    Parameters
    ----------
    path
        ``home``, ``school_in`` ("independent" for those), ``phase`` (a phase, a year group or a year of age),
        ``academic_year``, ``pupils``.
    columns
        Our names to the file's headers, where these are not known ones.
    hidden_as
        What a hidden count stands for; without it, it is not known.

    Returns
    -------
    Counts
        ``home``, ``school_in``, ``phase``, ``year``, ``pupils``.

    Raises
    ------
    InputRefused
        With every problem: a row without a place, a year or a phase that is one, a count below zero, the same pupils
        by phase and again by year of age.
    """
    values, found, source, headers = read_checked(path, FLOWS, columns, ("phase", "academic_year"))
    file = source.file
    problems = count_problems(file, values, found, headers, "pupils", hidden_as)
    for name in ("home", "school_in"):
        blank = values.index[values[name].eq("")]
        problems += problem_of(file, blank, "code_blank", "no place", headers[name])
    year = values["academic_year"].map(lambda text: year_of_text(str(text)))
    problems += problem_of(
        file, values.index[year.isna()], "year_missing", "no academic year can be read", headers["academic_year"]
    )
    stages = values["phase"].map({text: stages_of(str(text)) for text in values["phase"].unique()})
    strange = values.index[stages.map(len).eq(0)]
    what = "not a phase, a year group (Year 7) or a year of age from 4 to 18"
    problems += problem_of(file, strange, "value_unknown", what, headers["phase"])
    table = values[["home", "school_in", "phase", "pupils"]].copy()
    private = table["school_in"].str.casefold().str.contains("independent")
    table["school_in"] = table["school_in"].mask(private, INDEPENDENT)
    table["year"] = year
    each = table.assign(stage=stages).explode("stage")
    twice = each.index[each.duplicated(["home", "school_in", "year", "stage"])].unique()
    what = "the same pupils twice: give each pair and year by phase or by year of age, once"
    problems += problem_of(file, twice, "code_duplicated", what, headers["phase"])
    if problems:
        raise InputRefused(file, problems)
    hidden = int(found["code"].eq("count_hidden").sum())
    told = "are not known" if hidden_as is None else f"were each taken as {hidden_as:g}"
    notes = (f"flows: {hidden:,} counts are hidden by the publisher and {told}",) if hidden else ()
    found = found.assign(column=found["column"].map(lambda name: headers.get(name, name)).astype("str"))
    table = table.astype({"year": "int64"}).reset_index(drop=True)
    return Counts(table, source, gather([found]), notes, {"records": int(values.index.max())})


def read_moving(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> tuple[pd.Series, Source]:
    """Read a chart of moving: net moves by age for each child, as an official one says or the authority's own.

    Returns
    -------
    rates, source
        By age 0 to 17.

    Raises
    ------
    InputRefused
        With every problem: an age that is none or there twice, a rate that is none, or from -1 down or over 1.
    """
    values, _, source, headers = read_checked(path, MOVING, columns)
    file = source.file
    text = values["age"].astype("str").str.strip()
    age = pd.to_numeric(text.where(text.str.fullmatch(r"\d{1,2}(\.0+)?")), errors="coerce")
    problems = problem_of(file, values.index[age.isna()], "number_malformed", "not an age", headers["age"])
    twice = values.index[age.duplicated() & age.notna()]
    problems += problem_of(file, twice, "code_duplicated", "an age twice", headers["age"])
    rate = values["rate"]
    problems += problem_of(file, values.index[rate.isna()], "number_malformed", "not a rate", headers["rate"])
    odd = values.index[(rate <= -1) | (rate > 1)]
    what = "a rate of -1 or below, or over 1: give net moves for each child (-0.02), not per cent"
    problems += problem_of(file, odd, "value_impossible", what, headers["rate"])
    if problems:
        raise InputRefused(file, problems)
    rates = pd.Series(rate.to_numpy(dtype=float), age.astype("int64")).sort_index()
    return rates[rates.index < _AGES - 1].rename("rate").rename_axis("age"), source


def age_bands(labels: Sequence[str]) -> dict[int, str]:
    """The band of each age, from labels such as "0-4", "5 to 9", "3", "18+"; ages over 18 are left out.

    Examples
    --------
    >>> age_bands(["0-4", "5 to 9", "10"])[7], len(age_bands(["0-4", "5 to 9", "10"]))
    ('5 to 9', 11)
    """
    answer = {}
    for label in labels:
        ends = [int(number) for number in re.findall(r"\d+", label)]
        if not ends:
            continue
        last = ends[1] if len(ends) > 1 else (_AGES - 1 if re.search(r"\+|over", label) else ends[0])
        answer |= dict.fromkeys(range(ends[0], min(last, _AGES - 1) + 1), label)
    return answer


def whole_bands(labels: Sequence[str]) -> dict[int, str]:
    """As :func:`age_bands`, of the bands that end by 18: a band that goes on is of people whom no register of ours has.

    Examples
    --------
    >>> sorted(set(whole_bands(["0-4", "10-14", "15-19", "18", "16+"]).values()))
    ['0-4', '10-14', '18']
    """
    ends = {label: [int(number) for number in re.findall(r"\d+", label)] for label in labels}
    kept = [label for label in labels if ends[label] and ends[label][-1] < _AGES and not re.search(r"\+|over", label)]
    return age_bands(kept)


# --- the parts ------------------------------------------------------------------------------------------------


def _register_years(file: str, values: pd.DataFrame, headers: Mapping[str, str]) -> tuple[pd.Series, list[Problem]]:
    """The academic year whose first day is the day after the register's 31 August."""
    if "date" in values:
        days = values["date"]
        known = {day: year_of_date(day) + (day[5:] == "08-31") for day in days.unique() if day}
        year = days.map(known)
        column = headers["date"]
    elif "academic_year" in values:
        texts = values["academic_year"]
        year = texts.map({text: year_of_text(str(text)) for text in texts.unique()})
        column = headers["academic_year"]
    else:
        what = "no column for the day of the register"
        return pd.Series(0, values.index), [Problem(file, "column_missing", what, "add date or academic_year")]
    problems = problem_of(file, values.index[year.isna()], "year_missing", "no academic year can be read", column)
    return year.fillna(0).astype("int64"), problems


def _ages(
    file: str, values: pd.DataFrame, year: pd.Series, headers: Mapping[str, str]
) -> tuple[pd.Series, list[Problem]]:
    """The age on 31 August; bands are refused."""
    if "age" not in values and "born" not in values:
        return year, [Problem(file, "column_missing", "no column for age", "add age, in single years on 31 August")]
    name = "age" if "age" in values else "born"
    texts = values[name].astype("str").str.strip()
    if name == "age":
        known = {text: int(float(text)) if re.fullmatch(r"\d{1,3}(\.0+)?", text) else None for text in texts.unique()}
        age = texts.map(known)
    else:
        born = texts.map({text: _birth_year(text) for text in texts.unique()})
        age = year - born - 1
    wrong = age.isna()
    bands = wrong & texts.str.fullmatch(_BAND)
    problems = problem_of(
        file, values.index[bands], "age_band", "a band of ages; forecasts need single years", headers[name]
    )
    problems += problem_of(file, values.index[wrong & ~bands], "number_malformed", "not an age", headers[name])
    return age.fillna(-1).astype("int64"), problems


def _birth_year(text: str) -> int | None:
    match = _BORN.match(text)
    if match:
        return int(match[1]) + (2000 if len(match[1]) == 2 else 0)
    return year_of_text(text)


def _area_code(areas: Sequence[str]) -> dict[str, str]:
    """Postcodes tidied ("ME11AB" to "ME1 1AB"); other codes as they are."""
    tidy = normalise_postcodes(pd.Series(list(areas), dtype="str"))
    return {area: str(code) if isinstance(code, str) else area for area, code in zip(areas, tidy, strict=True)}
