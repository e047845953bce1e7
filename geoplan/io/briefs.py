"""The files of a design: a brief (TOML), and tables by area with one column for each year or group."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoplan.briefs import MEASURES, Limits
from geoplan.columns import header_key
from geoplan.errors import InputRefused, ProjectError
from geoplan.io.files import refuse, table_bytes
from geoplan.io.recipes import validation_text
from geoplan.io.tables import table_from
from geoplan.sources import OWN_FILE, Source

_STRICT = ConfigDict(extra="forbid", frozen=True)
_KIND = re.compile(r"(oa|lsoa|msoa|ward|wd|lad|zone|postcode)[a-z]*\d*(cd|code)?")
_AREA = ("area", "areacode", "code", "zone")


class _Limits(BaseModel):
    model_config = _STRICT
    places_within: float | None = Field(default=None, ge=0)
    full_at_most: float | None = Field(default=None, gt=0)
    full_at_least: float | None = Field(default=None, ge=0)
    one_piece: bool = True
    max_travel: float | None = Field(default=None, gt=0)
    nearest: int | None = Field(default=None, ge=1)
    together: list[list[str]] = Field(default_factory=list)
    fixed: dict[str, str] = Field(default_factory=dict)
    at_most: dict[str, float] = Field(default_factory=dict)


class _File(BaseModel):
    model_config = _STRICT
    objective: str | dict[str, float] = "travel"
    then: str = ""
    limits: _Limits = _Limits()
    places: dict[str, float] = Field(default_factory=dict)
    bridges: list[tuple[str, str]] = Field(default_factory=list)


@dataclass(frozen=True)
class Brief:
    """What a design is asked for.

    Parameters
    ----------
    objective
        The price of each measure.
    limits
        What a plan must keep.
    then
        A second measure, "" for none.
    places
        Places that differ from the schools file, by school.
    bridges
        Pairs of areas that count as neighbours though they share no edge: a bridge, a ferry, a tunnel.
    """

    objective: Mapping[str, float] = field(default_factory=lambda: {"travel": 1.0})
    limits: Limits = field(default_factory=Limits)
    then: str = ""
    places: Mapping[str, float] = field(default_factory=dict)
    bridges: tuple[tuple[str, str], ...] = ()


def read_brief(path: str | os.PathLike) -> Brief:
    """Read a brief.

    Percentages are written as such (``places_within = 5``); lengths are in the unit of travel.

    Raises
    ------
    ProjectError
        Naming each key that is not known or has a wrong value.
    """
    name = Path(path).name
    try:
        said = _File(**tomllib.loads(Path(path).read_bytes().decode("utf-8-sig")))
    except FileNotFoundError:
        raise ProjectError(f"{name}: no such file; check the name and the folder") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProjectError(f"{name}: cannot be read as TOML: {error}") from None
    except ValidationError as error:
        raise ProjectError(f"{name}: {validation_text(error)}") from None
    objective = {said.objective: 1.0} if isinstance(said.objective, str) else dict(said.objective)
    strange = sorted({*objective, *said.limits.at_most, *filter(None, [said.then])} - set(MEASURES))
    if strange or not objective:
        raise ProjectError(f"{name}: no measure {strange[0] if strange else ''!r}; there are {', '.join(MEASURES)}")
    limits = said.limits.model_dump()
    for percentage in ("places_within", "full_at_most", "full_at_least"):
        limits[percentage] = None if limits[percentage] is None else limits[percentage] / 100
    limits["together"] = tuple(map(tuple, limits["together"]))
    return Brief(objective, Limits(**limits), said.then, dict(said.places), tuple(said.bridges))


def read_area_numbers(path: str | os.PathLike, needed: Sequence[str] = ()) -> tuple[str, pd.DataFrame, Source]:
    """Read numbers by area: a column of area codes, and one of numbers for each year or group.

    Parameters
    ----------
    path
        CSV or ``.xlsx``.
    needed
        Columns that there must be, whatever else there is; then only these are read.

    Returns
    -------
    kind, table, source
        The kind of area that the header names ("" for ``area`` or ``code``), the numbers indexed by area.

    Raises
    ------
    InputRefused
        If a column is missing, a number is none or below 0, or an area is listed twice; every problem is named.
    """
    contents = table_bytes(path)
    chosen: dict[str, int] = {}
    places: list[int] = []

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        for at, key in reversed(list(enumerate(keys))):
            if _KIND.fullmatch(key):
                chosen["area"] = at
        if "area" not in chosen:
            chosen.update([("area", keys.index(key)) for key in reversed(_AREA) if key in keys])
        if "area" not in chosen:
            raise refuse(contents.name, "column_missing", "no column of area codes (lsoa21, oa21, area ...)")
        wanted = [header_key(name) for name in needed]
        missing = [name for name, key in zip(needed, wanted, strict=True) if key not in keys]
        if missing:
            raise refuse(contents.name, "column_missing", f"no column {missing[0]}", column=missing[0])
        rest = [at for at, header in enumerate(headers) if at != chosen["area"] and header.strip()
                and not keys[at].endswith(("name", "nm"))]  # fmt: skip
        places[:] = [keys.index(key) for key in wanted] or rest
        if not places:
            raise refuse(contents.name, "column_missing", "no column of numbers beside the area codes")
        return {chosen["area"], *places}

    text = table_from(contents, {*_AREA, *map(header_key, needed)}, choose)
    frame = text.frame.loc[~text.frame.index.isin(text.bad["row"])]
    bad = text.bad[text.bad["code"] != "record_blank"]
    problems = []

    def tell(code: str, what: str, rows: pd.Index, column: str) -> None:
        if len(rows):
            error = refuse(text.file, code, what, record=int(rows[0]) + 1, column=column, more=len(rows) - 1)
            problems.extend(error.problems)

    for code, rows in bad.groupby("code"):
        tell(str(code), "", rows.set_index("row").index, "")
    codes = frame[chosen["area"]].str.strip()
    header = text.headers[chosen["area"]]
    tell("code_blank", "no area code", codes.index[codes.eq("")], header)
    tell("code_duplicated", "an area listed twice", codes.index[codes.duplicated() & codes.ne("")], header)
    numbers = {}
    for at in places:
        values = pd.to_numeric(frame[at].str.strip().str.replace(",", "", regex=False), errors="coerce")
        wrong = values.isna() | (values < 0) | (values == float("inf"))
        tell("number_malformed", "not a number, or below 0", values.index[wrong], text.headers[at])
        numbers[text.headers[at].strip()] = values
    if problems:
        raise InputRefused(text.file, problems)
    if not len(frame):
        raise refuse(text.file, "no_records")
    match = _KIND.fullmatch(header_key(header))
    kind = re.sub(r"(cd|code)$", "", header_key(header)) if match else ""
    table = pd.DataFrame(numbers, dtype=float).set_axis(pd.Index(codes, name="area"))
    return kind, table.sort_index(), Source(OWN_FILE, file=text.file, fingerprint=text.fingerprint)
