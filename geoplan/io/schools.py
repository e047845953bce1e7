"""Reader of schools: GIAS downloads, council lists, anything with a number and a name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geoplan.columns import SCHOOLS, check, find_columns, known_headers
from geoplan.errors import InputRefused, Problem, ProjectError
from geoplan.io.files import refuse, table_bytes
from geoplan.io.people import gather, rows_found
from geoplan.io.tables import TextTable, table_from
from geoplan.schools import Schools
from geoplan.sources import OWN_FILE, Source
from geoplan.values import is_whole

# Great Britain's corner-to-corner, in metres of the National Grid, with a margin for the sea.
EXTENT = (-20_000.0, -20_000.0, 700_000.0, 1_260_000.0)


def read_schools(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Schools:
    """Read schools, one row each, indexed by URN as text.

    Knows GIAS headers of all years, DfE capacity files and plain ones. Heads' names and telephone numbers are
    never loaded. The same number twice is refused; a number of places that is none is reported and left out;
    a position outside Great Britain (0, 0 too) is reported and left out.

    Parameters
    ----------
    path
        CSV or ``.xlsx``.
    columns
        Our names to the file's headers, where these are not known ones.
    """
    contents = table_bytes(path)
    columns, found = dict(columns or {}), {}
    unknown = [name for name in columns if name not in SCHOOLS]
    if unknown:
        raise ProjectError(f"[columns.schools]: no column {unknown[0]!r}; there are {', '.join(SCHOOLS.names)}")

    def choose(headers: Sequence[str]) -> set[int]:
        answer = find_columns(headers, SCHOOLS, columns, needless=("school",))
        problems = list(answer.problems)
        if "school" not in answer.positions and not ({"laestab"} <= answer.positions.keys()):
            problems += find_columns(headers, SCHOOLS, columns).problems[:1]
        if problems:
            raise InputRefused(
                contents.name,
                [
                    Problem(contents.name, code, what, tip, column=name)
                    for code, name, what, tip in dict.fromkeys(problems)
                ],
            )
        found.update(answer.positions)
        return set(found.values())

    text = table_from(contents, known_headers(SCHOOLS, columns), choose)
    headers = {name: text.headers[position] for name, position in found.items()}
    bad = dict(zip(text.bad["row"].tolist(), text.bad["code"].tolist(), strict=True))
    if text.unfinished and len(text) - 1 not in bad and len(text.headers) - 1 in found.values():
        bad = bad | _unfinished(text, found)
    checked = check(pd.DataFrame({name: text.frame[position] for name, position in found.items()}), SCHOOLS)
    values = checked.values
    values["record"] = np.arange(1, len(values) + 1)
    values["laestab"] = _laestab(values)
    if "school" not in values:
        values["school"], headers["school"] = values["laestab"], headers["laestab"]
    usable = values.loc[~values.index.isin(list(bad))]
    _check_codes(contents.name, usable, headers["school"])
    findings = [
        rows_found(list(bad), "", list(bad.values())),
        checked.findings[~checked.findings["row"].isin(list(bad))],
    ]
    usable, outside = _positions(usable)
    findings.append(outside)
    frame = usable.set_index("school").drop(columns=["la_code", "establishment_number"], errors="ignore")
    source = Source(title=contents.name, publisher=OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    return Schools(frame, source, gather(findings, headers), text.details | {"headers": headers, "records": len(text)})


def _unfinished(text: TextTable, found: Mapping[str, int]) -> dict[int, str]:
    position, last = len(text.headers) - 1, len(text) - 1
    name = next(name for name, at in found.items() if at == position)
    cells = text.frame[position]
    whole = is_whole(cells.iloc[last], SCHOOLS[name], cells.iloc[:last].unique())
    return {} if whole else {last: "row_unfinished"}


def _laestab(values: pd.DataFrame) -> pd.Series:
    """Seven digits: as given, or from the authority's number and the establishment's."""
    if "laestab" in values:
        return values["laestab"].str.replace(r"[/ -]", "", regex=True)
    if {"la_code", "establishment_number"} <= set(values):
        number = values["establishment_number"]
        joined = values["la_code"] + number.str.zfill(4)
        return joined.where(values["la_code"].ne("") & number.ne(""), "").astype("str")
    return pd.Series("", values.index, dtype="str")


def _check_codes(file: str, frame: pd.DataFrame, header: str) -> None:
    """Refuse blank and repeated numbers, both at once."""
    problems = []
    blank = frame.loc[frame["school"].eq(""), "record"]
    if len(blank):
        problems.append(
            refuse(
                file,
                "code_blank",
                "a school without a number",
                record=int(blank.iloc[0]),
                column=header,
                more=len(blank) - 1,
            ).problems[0]
        )
    again = frame.loc[frame["school"].ne("") & frame["school"].duplicated(), "record"]
    if len(again):
        problems.append(
            refuse(
                file,
                "code_duplicated",
                "the same school twice",
                record=int(again.iloc[0]),
                column=header,
                more=len(again) - 1,
            ).problems[0]
        )
    if len(frame) == 0:
        problems.append(refuse(file, "no_records").problems[0])
    if problems:
        raise InputRefused(file, problems)


def _positions(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Eastings and northings, from latitude and longitude if need be; none where they cannot be right."""
    frame = frame.copy()
    if not {"easting", "northing"} <= set(frame):
        if not {"latitude", "longitude"} <= set(frame):
            return frame.drop(columns=["latitude", "longitude"], errors="ignore"), rows_found([], "", "")
        frame["easting"], frame["northing"] = to_grid(frame["longitude"], frame["latitude"])
    frame = frame.drop(columns=["latitude", "longitude"], errors="ignore")
    east, north = frame["easting"], frame["northing"]
    given = east.notna() | north.notna()
    inside = east.between(EXTENT[0], EXTENT[2]) & north.between(EXTENT[1], EXTENT[3]) & ~(east.eq(0) & north.eq(0))
    frame[["easting", "northing"]] = frame[["easting", "northing"]].where(inside)
    rows = frame.index[given & ~inside]
    return frame, rows_found(rows, "easting", "position_outside", "left out")


def to_grid(longitude: pd.Series, latitude: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (degrees, WGS 84) as National Grid metres, NaN where they are none."""
    from pyproj import Transformer

    good = longitude.between(-20, 10) & latitude.between(45, 65)
    east, north = Transformer.from_crs(4326, 27700, always_xy=True).transform(
        longitude.where(good).to_numpy(float, na_value=np.nan), latitude.where(good).to_numpy(float, na_value=np.nan)
    )
    both = np.isfinite(east) & np.isfinite(north)
    return np.where(both, east, np.nan), np.where(both, north, np.nan)
