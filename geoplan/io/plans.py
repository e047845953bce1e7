"""Catchment plans from and to files: a table of areas, drawn outlines, a list of postcodes or sectors.

In a table an area has one row, or several where its catchment is shared by several schools.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.catchments import CLOSED, NONE, OPENED, CatchmentPlan, SchoolChange, plan_from_pairs
from geoplan.columns import header_key
from geoplan.drawn_catchments import CATCHMENT, Drawing, check_drawing
from geoplan.errors import InputRefused, Problem
from geoplan.io.files import refuse, table_bytes
from geoplan.io.geopackage_out import plan_geopackage_bytes
from geoplan.io.layer_files import layer_bytes
from geoplan.io.outlines import GRID, outlines
from geoplan.io.outputs import write_bytes, write_csv
from geoplan.io.sandbox import parse_guarded
from geoplan.io.tables import table_from
from geoplan.reasons import reason
from geoplan.sources import OWN_FILE, Source

_SCHOOL = ("school", "urn", "catchment", "school urn", "school code")
_AREA = ("area", "area code", "zone", "code")
_PLACE = ("postcode", "postcode sector", "sector", "postcode district", "postcodes", "place")
_DRAWN = ("catchment", "school", "urn", "school code", "code", "name", "school name", "id")
_IDS = ("id", "fid", "objectid", "ogc_fid")
_CHANGES = ("status", "places_added", "lowest_year", "highest_year")
_IDACI = re.compile(r"(idaci).*?(quintile|decile|rank|score)|(idaci)")
_STEPS = ("quintile", "decile", "rank", "score")
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

    Returns
    -------
    CatchmentPlan
        With what the plan changes about schools themselves where that is told beside it (:func:`schools_beside`).

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
    plan = plan_from_pairs(pairs[used], kind, name or Path(text.file).name.split(".")[0], source)
    beside = schools_beside(path)
    return _with_changes(plan, beside) if beside.is_file() else plan


def read_drawing(
    path: str | os.PathLike,
    *,
    layer: str | None = None,
    catchment: str | None = None,
    points: pd.DataFrame | None = None,
    area: Boundaries | None = None,
) -> Drawing:
    """Read catchments drawn as outlines, and measure what is wrong with the drawing.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile or FlatGeobuf, in any coordinate system that it states; everything becomes
        EPSG:27700. Invalid outlines are repaired where that changes less than 1% of their ground, and reported.
    layer
        The layer, where the file has several.
    catchment
        The column that tells catchments apart, where it is not a plain one (``catchment``, ``school``, ``urn``,
        ``code``, ``name``). Outlines of one catchment are put together.
    points
        Where people live (``easting``, ``northing``, ``people``), so that faults are counted in people too.
    area
        Areas that the catchments should cover together; what of them is in no catchment is a gap.

    Raises
    ------
    InputRefused
        If there is no such column, a catchment has no name, the coordinate system is missing or wrong, or an outline
        is beyond repair.
    """
    import geopandas as gpd
    import shapely

    contents = layer_bytes(path)
    parsed = parse_guarded(contents, layer, None)
    headers = [str(header) for header in parsed.attributes.columns]
    keys = [header_key(header) for header in headers]
    column = headers[_position(contents.name, headers, keys, "catchment", catchment, _DRAWN)]
    shapes, repairs, problems = outlines(contents.name, parsed)
    codes = parsed.attributes[column].map(_plain_text).astype("str")
    blank = np.flatnonzero((codes == NONE).to_numpy())
    if len(blank):
        entry = reason("code_blank")
        problems = [*problems, Problem(
            contents.name, "code_blank", "a catchment without a name", entry.suggestion, int(blank[0]) + 1, column,
            more=len(blank) - 1,
        )]  # fmt: skip
    if problems:
        raise InputRefused(contents.name, problems)
    notes = [*repairs, *_repeated_ids(contents.name, parsed.attributes, column), *_parts(contents.name, codes, column)]
    frame = gpd.GeoDataFrame({"code": codes.to_numpy()}, geometry=shapes, crs=GRID)
    if codes.duplicated().any():
        frame = frame.dissolve("code").reset_index()
    frame = frame.set_index("code").sort_index()
    frame.index = frame.index.astype("str").rename("code")
    source = Source(contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    drawn = Boundaries(CATCHMENT, frame.assign(name=frame.index)[["name", "geometry"]], source, tuple(repairs))
    ground = None if area is None else shapely.union_all(area.frame.geometry.to_numpy())
    return Drawing(drawn, check_drawing(drawn, points, ground), tuple(notes))


def read_places(
    path: str | os.PathLike, *, place: str | None = None, school: str | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read a list of postcodes, postcode sectors or districts, each with its school.

    Parameters
    ----------
    path
        CSV or ``.xlsx``.
    place, school
        The file's headers, where they are not plain ones (``postcode``, ``sector``; ``school``, ``catchment``).

    Returns
    -------
    DataFrame
        Columns ``place`` and ``school`` as written, for :func:`geoplan.drawn_catchments.postcodes_to_schools`.
    Source
        The file.

    Raises
    ------
    InputRefused
        If a column is missing or rows cannot be used; every problem is named.
    """
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found["school"] = _position(contents.name, headers, keys, "school", school, _SCHOOL)
        found["place"] = _position(contents.name, headers, keys, "place", place, _PLACE)
        return set(found.values())

    known = {header_key(word) for word in (*_SCHOOL, *_PLACE, *filter(None, (place, school)))}
    text = table_from(contents, known, choose)
    rows = text.frame[[found["place"], found["school"]]].set_axis(["place", "school"], axis=1)
    rows = rows.apply(lambda column: column.str.strip())
    used = ~text.frame.index.isin(text.bad["row"])
    _refuse_broken(text.file, text.bad, rows.rename(columns={"place": "area"}), used, text.headers[found["place"]])
    source = Source(OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    return rows[used].reset_index(drop=True), source


def read_members(path: str | os.PathLike) -> dict[str, tuple[str, ...]]:
    """Read which schools a catchment belongs to: columns ``catchment`` and ``school``, a row for each school.

    Raises
    ------
    InputRefused
        If a column is missing or a row is not complete.
    """
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found["catchment"] = _position(contents.name, headers, keys, "catchment", None, ("catchment", "zone", "name"))
        found["school"] = _position(contents.name, headers, keys, "school", None, ("school", "urn", "school urn"))
        return set(found.values())

    known = {"catchment", "zone", "name", "school", "urn", "schoolurn"}
    text = table_from(contents, known, choose)
    rows = text.frame[[found["catchment"], found["school"]]].set_axis(["area", "school"], axis=1)
    rows = rows.apply(lambda column: column.str.strip())
    used = ~text.frame.index.isin(text.bad["row"]) & (rows["school"] != NONE)
    _refuse_broken(text.file, text.bad, rows, used, text.headers[found["catchment"]])
    return rows[used].groupby("area")["school"].agg(lambda codes: tuple(dict.fromkeys(codes))).to_dict()


def schools_beside(path: str | os.PathLike) -> Path:
    """The file beside a plan's that tells what the plan changes about schools: ``option.csv``, ``option.schools.csv``.

    Its columns are ``school``, ``status`` (``closed``, ``opened`` or nothing), ``places_added``, ``lowest_year`` and
    ``highest_year``; a school without areas that the plan knows has a row too.
    """
    path = Path(path)
    return path.with_name(f"{path.name.split('.')[0]}.schools.csv")


def write_plan(path: str | os.PathLike, plan: CatchmentPlan) -> Path:
    """Write a plan as CSV: a column named by the kind of area, and ``school``; a shared catchment has a row a school.

    What the plan changes about schools themselves is written beside it (:func:`schools_beside`); where it changes
    nothing, an older such file is removed, for it would be read with the plan.
    """
    pairs = [(area, member) for area, school in plan.table.items() for member in plan.members(school)]
    written = write_csv(path, pd.DataFrame(pairs, columns=[plan.kind, "school"]))
    beside = schools_beside(path)
    silent = [code for code in plan.extra if not (plan.table == code).any()]
    changes = {code: SchoolChange() for code in silent} | dict(plan.changes)
    if changes:
        rows = [(code, *(getattr(change, name) for name in _CHANGES)) for code, change in sorted(changes.items())]
        write_csv(beside, pd.DataFrame(rows, columns=["school", *_CHANGES]))
    else:
        beside.unlink(missing_ok=True)
    return written


def _with_changes(plan: CatchmentPlan, path: Path) -> CatchmentPlan:
    """The plan with what is told of its schools."""
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        for name in ("school", *_CHANGES):
            found[name] = _position(contents.name, headers, keys, name, None, (name,))
        return set(found.values())

    text = table_from(contents, {header_key(name) for name in ("school", *_CHANGES)}, choose)
    rows = text.frame[list(found.values())].set_axis(list(found), axis=1).apply(lambda column: column.str.strip())
    used = ~text.frame.index.isin(text.bad["row"])
    _refuse_broken(text.file, text.bad, rows.rename(columns={"school": "area"}), used, "school")
    odd = ~rows["status"].isin(["", CLOSED, OPENED]) | ~rows["places_added"].str.fullmatch(r"-?[0-9]*")
    if odd.any():
        what = "a status other than closed or opened, or places that are not a whole number"
        first = int(np.flatnonzero(odd.to_numpy())[0]) + 1
        raise InputRefused(text.file, [Problem(text.file, "value_unknown", what, "", first, more=int(odd.sum()) - 1)])
    changes = {
        row.school: SchoolChange(row.status, int(row.places_added or 0), row.lowest_year, row.highest_year)
        for row in rows[used].itertuples()
    }
    silent = [code for code, change in changes.items() if change.status != CLOSED and code not in plan.schools]
    kept = {code: change for code, change in changes.items() if change != SchoolChange()}
    return replace(plan, extra=tuple(silent), changes=kept)


def read_quintiles(path: str | os.PathLike) -> tuple[str, pd.Series, Source]:
    """Read the deprivation (IDACI) of areas as fifths: 1 the most deprived, as text, by area code.

    Parameters
    ----------
    path
        CSV or ``.xlsx`` with a column of area codes (``lsoa21`` ...) and one of ``idaci_quintile``, ``idaci_decile``,
        ``idaci_rank`` (1 the most deprived) or ``idaci_score`` (high the most deprived). Deciles are national;
        ranks and scores are cut into fifths of the areas in the file, and of England only if it holds all of them.

    Returns
    -------
    str
        The kind of area.
    Series
        Fifth of each area.
    Source
        The file.

    Raises
    ------
    InputRefused
        If there is no such column, or a value is not a number.
    """
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        kinds = [at for at, key in enumerate(keys) if _KIND.fullmatch(key)]
        if not kinds:
            raise refuse(contents.name, "column_missing", "no column of area codes", "call it lsoa21, or LSOA21CD")
        measures = [at for at, key in enumerate(keys) if _IDACI.search(key)]
        if not measures:
            raise refuse(contents.name, "column_missing", "no column of IDACI", "call it idaci_quintile")
        found["area"] = kinds[0]
        found["value"] = min(measures, key=lambda at: _STEPS.index(_IDACI.search(keys[at]).group(2) or "score"))
        return set(found.values())

    text = table_from(contents, {"lsoa21", "idaciquintile"}, choose)
    match = _KIND.fullmatch(header_key(text.headers[found["area"]]))
    measure = _IDACI.search(header_key(text.headers[found["value"]])).group(2) or "score"
    codes = text.frame[found["area"]].str.strip()
    values = pd.to_numeric(text.frame[found["value"]].str.strip().str.replace(",", ""), errors="coerce")
    bad = np.flatnonzero((values.isna() & (codes != NONE)).to_numpy())
    if len(bad):
        problem = Problem(
            text.file, "value_unknown", "not a number", "fill it, or remove the row", int(bad[0]) + 1,
            text.headers[found["value"]], more=len(bad) - 1,
        )  # fmt: skip
        raise InputRefused(text.file, [problem])
    if measure == "quintile":
        fifth = values
    elif measure == "decile":
        fifth = np.ceil(values / 2)
    else:
        order = values.rank(ascending=measure == "rank", method="first")
        fifth = np.ceil(5 * order / len(order))
    kept = fifth.between(1, 5) & (codes != NONE)
    table = pd.Series(fifth[kept].astype(int).astype("str").to_numpy(), index=pd.Index(codes[kept].astype("str")))
    source = Source(OWN_FILE, file=text.file, fingerprint=text.fingerprint)
    return match.group(1) + match.group(2), table[~table.index.duplicated()], source


def read_expected(path: str | os.PathLike, kind: str) -> tuple[pd.DataFrame, Source]:
    """Read children expected by area: a column of area codes and one for each year (``2027`` ...).

    Raises
    ------
    InputRefused
        If there is no column of the kind, none of a year, or a value is not a number.
    """
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found["area"] = _position(contents.name, headers, keys, kind, None, (kind, f"{kind}cd", *_AREA))
        years = {key.lstrip("y"): at for at, key in enumerate(keys) if re.fullmatch(r"y?20[0-9]{2}([0-9]{2})?", key)}
        if not years:
            raise refuse(contents.name, "column_missing", "no column for a year", "call each by its year: 2027")
        found.update(years)
        return set(found.values())

    text = table_from(contents, {header_key(word) for word in (kind, f"{kind}cd", *_AREA)}, choose)
    years = [name for name in found if name != "area"]
    values = {year: pd.to_numeric(text.frame[found[year]].str.strip(), errors="coerce") for year in years}
    table = pd.DataFrame(values).set_axis(text.frame[found["area"]].str.strip().astype("str"))
    bad = np.flatnonzero(table.isna().any(axis=1).to_numpy())
    if len(bad):
        problem = Problem(text.file, "value_unknown", "not a number", "", int(bad[0]) + 1, more=len(bad) - 1)
        raise InputRefused(text.file, [problem])
    return table.groupby(level=0).sum(), Source(OWN_FILE, file=text.file, fingerprint=text.fingerprint)


def write_plan_layer(
    path: str | os.PathLike, plan: CatchmentPlan, boundaries: Boundaries, names: Mapping[str, str] | None = None
) -> Path:
    """Write a plan as a GeoPackage that QGIS opens coloured: layers ``areas`` and ``catchments``.

    Raises
    ------
    VintageError
        If the boundaries are of another kind than the plan.
    """
    return write_bytes(path, plan_geopackage_bytes(plan, boundaries, names))


def _position(
    file: str, headers: Sequence[str], keys: list[str], what: str, given: str | None, aliases: tuple[str, ...]
) -> int:
    wanted = [given] if given is not None else list(aliases)
    for alias in wanted:
        if header_key(alias) in keys:
            return keys.index(header_key(alias))
    shown = ", ".join(repr(header) for header in headers[:12])
    raise refuse(file, "column_missing", f"no column for {what}; there are {shown}", f'say which: {what}="..."')


def _plain_text(value: object) -> str:
    if value is None or value != value:
        return NONE
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return " ".join(str(value).split())


def _repeated_ids(file: str, attributes: pd.DataFrame, column: str) -> list[Problem]:
    """A number that should be each outline's own and is not; harmless where another column tells them apart."""
    for header in attributes.columns:
        if str(header).casefold() not in _IDS or header == column:
            continue
        again = attributes[header].notna() & attributes[header].duplicated(keep=False)
        if again.any():
            rows = np.flatnonzero(again.to_numpy())
            what = f"the same number on several outlines; they are told apart by {column}"
            return [Problem(file, "code_duplicated", what, "", int(rows[0]) + 1, str(header), more=len(rows) - 1)]
    return []


def _parts(file: str, codes: pd.Series, column: str) -> list[Problem]:
    again = np.flatnonzero(codes.duplicated().to_numpy())
    if not len(again):
        return []
    what = "several outlines of one catchment, put together"
    return [Problem(file, "outlines_joined", what, "", int(again[0]) + 1, column, more=len(again) - 1)]


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
