"""Typed columns of a postcode directory from its text, every problem at once; and its fast local form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.errors import InputRefused, Problem
from geoplan.io.files import (
    refuse,
)
from geoplan.io.recipes import Recipe
from geoplan.io.schools import EXTENT, to_grid

FACTS = ("postcode", "introduced", "terminated", "user_type", "easting", "northing", "quality", "latitude", "longitude")
PLACEHOLDER = re.compile(r"[EWSNLM]99999999|L93000001|M83000003")
SHAPE = re.compile(r"([A-Z]{1,2}[0-9][0-9A-Z]?|GIR|NPT)[0-9][A-Z]{2}")


def directory_values(name: str, text: pd.DataFrame, recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    """Typed columns from text, every problem at once."""
    problems: list[Problem] = []
    columns: dict[str, object] = {"postcode": _tidy(text["postcode"])}
    _check_postcodes(name, columns["postcode"], problems)
    for each in ("introduced", "terminated"):
        if each in text:
            columns[each] = _numbers(name, text[each].str.replace("-", "").str.slice(0, 6), each, problems, 0).astype(
                "int32"
            )
    if "user_type" in text:
        kinds = text["user_type"].str.removesuffix(".0")
        columns["user_type"] = np.select([kinds.eq("0"), kinds.eq("1")], [0, 1], -1).astype("int8")
    if {"easting", "northing"} <= set(text) or {"latitude", "longitude"} <= set(text):
        columns |= _positions(name, text, columns["postcode"], recipes, problems)
    for kind in (kind for kind in text if kind not in FACTS):
        columns[kind] = _areas(text[kind])
        _check_codes(name, kind, columns[kind], problems)
    if problems:
        raise InputRefused(name, problems)
    return _once(name, pd.DataFrame(columns))


def _tidy(cells: pd.Series) -> pd.Series:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pd.Series(pc.ascii_upper(pc.replace_substring(pa.array(cells), " ", "")), index=cells.index, dtype="str")


def _check_postcodes(name: str, postcodes: pd.Series, problems: list[Problem]) -> None:
    wrong = np.flatnonzero(~postcodes.str.fullmatch(SHAPE.pattern).to_numpy(bool))
    if len(wrong):
        problems.append(
            Problem(
                name,
                "postcode_malformed",
                "not a postcode",
                "check which column holds the postcodes",
                int(postcodes.index[wrong[0]]) + 1,
                "postcode",
                len(wrong) - 1,
            )
        )


def _check_codes(name: str, kind: str, codes: pd.Series, problems: list[Problem]) -> None:
    """Codes of census areas, wards and authorities have the shape of one; those of other kinds may be anything."""
    if kind.rstrip("0123456789") not in {"oa", "lsoa", "msoa", "ward", "lad"}:
        return
    held = pd.Series(codes).cat
    wrong = np.flatnonzero([re.fullmatch("[A-Z0-9]{6,10}", code) is None for code in held.categories])
    if not len(wrong):
        return
    rows = np.flatnonzero(np.isin(held.codes.to_numpy(), wrong))
    problems.append(
        Problem(
            name,
            "code_malformed",
            f"not a code of a {kind} area",
            "export the file again",
            int(rows[0]) + 1,
            kind,
            len(rows) - 1,
        )
    )


def _numbers(name: str, cells: pd.Series, column: str, problems: list[Problem], blank: float) -> np.ndarray:
    """Numbers from text; blank cells as given, anything else that is no number reported."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(cells)
    empty = pc.equal(array, "")
    try:
        numbers = pc.if_else(empty, None, array).cast(pa.float64())
    except pa.ArrowInvalid:
        good = pc.match_substring_regex(array, r"^-?[0-9]+(\.[0-9]+)?$")
        wrong = np.flatnonzero(~pc.or_(good, empty).to_numpy(zero_copy_only=False))
        numbers = pc.if_else(good, array, None).cast(pa.float64())
        if len(wrong):
            first = int(cells.index[wrong[0]]) + 1
            tip = "write digits only"
            problems.append(Problem(name, "number_malformed", "not a number", tip, first, column, len(wrong) - 1))
    values = numbers.to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(values), values, blank)


def _positions(
    name: str, text: pd.DataFrame, postcodes: pd.Series, recipes: Mapping[str, Recipe], problems: list[Problem]
) -> dict[str, np.ndarray]:
    """Easting, northing and whether approximate; none for quality 9 or 90, at 0, 0, and off the British grid."""
    if {"easting", "northing"} <= set(text):
        east, north = (_numbers(name, text[c], c, problems, np.nan) for c in ("easting", "northing"))
    else:
        lat, lon = (pd.Series(_numbers(name, text[c], c, problems, np.nan)) for c in ("latitude", "longitude"))
        east, north = to_grid(lon, lat)
    columns: dict[str, np.ndarray] = {}
    none = ~(np.isfinite(east) & np.isfinite(north)) | ((east == 0) & (north == 0))
    if "quality" in text:
        quality = text["quality"].str.removesuffix(".0")
        none |= quality.isin([q for r in recipes.values() for q in r.no_position_quality]).to_numpy(bool)
        columns["approx"] = quality.isin([*(q for r in recipes.values() for q in r.approx_quality), "80"]).to_numpy(
            bool
        )
    elsewhere = tuple(recipes["onspd"].irish_grid_areas) + tuple(recipes["onspd"].no_position_areas)
    none |= postcodes.str.slice(0, 2).isin(elsewhere).to_numpy(bool)
    off = np.flatnonzero(
        ~none & ~((east >= EXTENT[0]) & (east <= EXTENT[2]) & (north >= EXTENT[1]) & (north <= EXTENT[3]))
    )
    if len(off):
        problems.append(
            Problem(
                name,
                "crs_wrong",
                "positions outside Great Britain",
                "easting and northing must be National Grid metres; check for swapped columns",
                int(postcodes.index[off[0]]) + 1,
                "easting",
                len(off) - 1,
            )
        )
    return {"easting": np.where(none, np.nan, east), "northing": np.where(none, np.nan, north)} | columns


def _areas(cells: pd.Series) -> pd.Categorical:
    """Codes as a categorical with sorted categories; blanks and placeholders missing."""
    numbers, uniques = pd.factorize(cells)
    codes = [str(code).strip().upper() for code in uniques]
    real = sorted({code for code in codes if code and not PLACEHOLDER.fullmatch(code)})
    place = {code: i for i, code in enumerate(real)}
    return pd.Categorical.from_codes(
        np.array([place.get(code, -1) for code in codes] or [-1])[numbers], categories=pd.Index(real, dtype="str")
    )


def _once(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """One row a postcode: of a re-used one the live row is kept; two that both live in different places are refused."""
    again = table["postcode"].duplicated(keep=False)
    if not again.any():
        return table.reset_index(drop=True)
    twice = table[again].drop_duplicates()
    if "terminated" in twice:
        live = twice["terminated"].eq(0)
        has_live = live.groupby(twice["postcode"]).transform("any")
        latest = twice["terminated"].eq(twice.groupby("postcode")["terminated"].transform("max"))
        twice = twice[(live & has_live) | (~has_live & latest)]
    clash = twice["postcode"].duplicated()
    if clash.any():
        raise refuse(
            name,
            "code_duplicated",
            "the same postcode twice, with different facts",
            "keep one row for each postcode",
            record=int(twice.index[clash.to_numpy()][0]) + 1,
            column="postcode",
            more=int(clash.sum()) - 1,
        )
    kept = ~again | table.index.isin(twice.index)
    return table[kept].reset_index(drop=True)


def to_arrow(table: pd.DataFrame, facts: dict):
    """A directory's table as Arrow, with facts about it; area kinds stay dictionaries."""
    import pyarrow as pa

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    return arrow.replace_schema_metadata({b"geoplan": json.dumps(facts).encode()})


def from_arrow(arrow) -> pd.DataFrame:
    """The table that :func:`to_arrow` was given."""
    import pyarrow as pa

    columns = {}
    for name in arrow.column_names:
        column = arrow.column(name)
        if pa.types.is_dictionary(column.type):
            chunk = column.combine_chunks()
            chunk = chunk.chunk(0) if isinstance(chunk, pa.ChunkedArray) else chunk
            codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            columns[name] = pd.Categorical.from_codes(
                codes, categories=pd.Index(chunk.dictionary.to_pylist(), dtype="str")
            )
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            columns[name] = pd.Series(column.to_pandas(), dtype="str")
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame(columns)
