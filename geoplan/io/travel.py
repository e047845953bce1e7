"""Readers about ways to school: a matrix of metres or minutes, and a network of ways to walk."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.columns import TRAVEL
from geoplan.io.counted import read_counted, refuse_rows
from geoplan.io.files import guarded, local_path, read_bytes, refuse
from geoplan.io.layer_files import code_kind, layer_bytes, list_layers, osm_ways
from geoplan.io.outlines import GRID
from geoplan.io.sandbox import parse_guarded
from geoplan.networks import Network, build_network
from geoplan.sources import OWN_FILE, Source
from geoplan.travel import METRES, MINUTES

POSTCODE = "postcode"
OSM_SECONDS, OSM_MB = 600, 4_000
OSM_CREDIT = "© OpenStreetMap contributors, Open Database Licence"
_LENGTHS = ("length_m", "length", "shape_length")
_ENDS = (("u", "v"), ("start_node", "end_node"), ("startnode", "endnode"))
# highways of OpenStreetMap and classes of OS Open Roads that nobody walks along
_NO_WALK = re.compile(r"motorway|motorway_link|bus_guideway|raceway|construction|proposed|escape", re.IGNORECASE)
_NO = ("no", "private", "customers", "delivery")
_YES = ("yes", "designated", "permissive")


def read_travel(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, str, str, Source]:
    """Read a matrix of metres or minutes from postcodes or areas to schools, one row a pair.

    Returns
    -------
    matrix, unit, kind, source
        The matrix has ``place`` (a postcode without its space, or an area's code), ``school``, ``value``; the unit is
        ``m`` or ``minutes``; the kind is ``postcode`` or the kind of area that the header names (``lsoa21``), ""
        where it does not say.

    Raises
    ------
    InputRefused
        With every problem: neither metres nor minutes or both, a value that is no number or is below 0, a pair given
        twice, a place or school left empty.
    """
    values, source, found = read_counted(path, TRAVEL, columns)
    units = [name for name in ("metres", "minutes") if name in values]
    if len(units) != 1:
        what = "both metres and minutes" if units else "neither metres nor minutes"
        code = "column_ambiguous" if units else "column_missing"
        raise refuse(source.file, code, f"{what} are given", "give one column, named metres or minutes")
    name = units[0]
    refuse_rows(source.file, values["place"].eq(""), "code_blank", "no place", found["place"])
    refuse_rows(source.file, ~values["school"].ne(""), "code_blank", "no school", found["school"])
    refuse_rows(source.file, values[name].isna(), "number_malformed", f"no number of {name}", found[name])
    refuse_rows(source.file, values[name] < 0, "value_impossible", f"{name} below 0", found[name])
    header = found["place"].casefold().replace("_", "")
    kind = (
        code_kind(header) or code_kind(f"{header}cd") or (POSTCODE if "postcode" in header or header == "pcds" else "")
    )
    place = values["place"].str.upper().str.replace(" ", "", regex=False)
    table = pd.DataFrame({"place": place, "school": values["school"], "value": values[name].astype(float)})
    twice = table.duplicated(["place", "school"])
    refuse_rows(source.file, twice, "code_duplicated", "a pair given twice", found["place"])
    if not len(table):
        raise refuse(source.file, "no_records")
    return table.reset_index(drop=True), METRES if name == "metres" else MINUTES, kind, source


def read_network(
    path: str | os.PathLike, layer: str | None = None, *, attribution: str = "", walking: bool = True
) -> Network:
    """Read ways to walk: OS Open Roads, an OpenStreetMap extract, or any layer of lines.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile, FlatGeobuf, Parquet, or an OpenStreetMap extract (``.osm.pbf``, ``.osm``).
    layer
        The layer, where there are several; ``road_link`` of OS Open Roads and ``lines`` of OpenStreetMap are found.
    attribution
        Whom to credit; OpenStreetMap's is known for its own files.
    walking
        Leave out motorways and ways that are marked as closed to walkers.

    Notes
    -----
    A file with the junction at each end of its lines (``start_node``/``end_node``, ``u``/``v``) is joined at ends only;
    any other wherever lines share a vertex, as OpenStreetMap's do.

    Raises
    ------
    InputRefused
        If it is not a layer of lines, or its coordinate system is not known.
    """
    attributes, shapes, crs, source = _lines(path, layer)
    import geopandas as gpd
    import shapely

    kinds = shapely.get_type_id(shapes)
    is_line = np.isin(kinds, (1, 5))
    if not is_line.any():
        raise refuse(
            source.file, "geometry_wrong", "no lines in it; a network is made of lines", "name its layer of roads"
        )
    if not crs:
        raise refuse(source.file, "crs_missing")
    frame = gpd.GeoSeries(shapes[is_line], crs=crs)
    lines = frame.to_crs(GRID).to_numpy() if frame.crs.to_epsg() != 27700 else frame.to_numpy()
    if not np.isfinite(shapely.bounds(lines)).all():
        raise refuse(source.file, "crs_wrong")
    attributes = attributes[is_line].reset_index(drop=True)
    attributes.columns = [str(name).casefold() for name in attributes.columns]
    keep, notes = _walkable(attributes) if walking else (np.ones(len(lines), dtype=bool), ())
    if (~is_line).any():
        notes = (*notes, f"{int((~is_line).sum()):,} shapes that are no lines were left out.")
    if not keep.any():
        raise refuse(source.file, "no_records", "no way in it that may be walked")
    length = next((attributes[name] for name in _LENGTHS if name in attributes), None)
    ends = any(set(pair) <= set(attributes.columns) for pair in _ENDS)
    metres = None if length is None else pd.to_numeric(length, errors="coerce").to_numpy(dtype=float)[keep]
    osm = "highway" in attributes
    credit = attribution or (OSM_CREDIT if osm else "")
    source = Source(source.file, OWN_FILE, attribution=credit, file=source.file, fingerprint=source.fingerprint)
    return build_network(lines[keep], source, metres=metres, ends_only=ends, notes=notes)


def _walkable(attributes: pd.DataFrame) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which ways may be walked, by what the file says of them."""
    keep = np.ones(len(attributes), dtype=bool)
    name = next((each for each in ("highway", "road_classification", "class") if each in attributes), None)
    closed = np.zeros(len(attributes), dtype=bool)
    if name is not None:
        kind = attributes[name].astype("str").str.casefold()
        keep &= kind.ne("none") & kind.ne("nan") & kind.ne("") if name == "highway" else True
        closed |= kind.str.fullmatch(_NO_WALK.pattern).to_numpy()
    tags = attributes.get("other_tags", pd.Series("", attributes.index)).astype("str")
    foot = _tag(attributes, tags, "foot")
    access = _tag(attributes, tags, "access")
    closed |= foot.isin(_NO).to_numpy() | (access.isin(_NO) & ~foot.isin(_YES)).to_numpy()
    keep = np.asarray(keep, dtype=bool)
    gone = int((closed & keep).sum())
    note = f"{gone:,} of {int(keep.sum()):,} ways are motorways or closed to walkers, and left out."
    return keep & ~closed, (note,) if gone else ()


def _tag(attributes: pd.DataFrame, tags: pd.Series, name: str) -> pd.Series:
    if name in attributes:
        return attributes[name].astype("str").str.casefold()
    return tags.str.extract(rf'"{name}"=>"([^"]*)"', expand=False).fillna("").str.casefold()


def _lines(path, layer: str | None) -> tuple[pd.DataFrame, np.ndarray, str, Source]:
    """Attributes, shapes and coordinate system of a layer of lines."""
    target = local_path(path)
    lower = target.name.casefold()
    if lower.endswith((".osm.pbf", ".pbf", ".osm")):
        return _osm(target)
    contents = layer_bytes(path)
    source = Source(contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    if contents.form == "parquet":
        found = _plain_parquet(contents)
        if found is not None:
            return (*found, source)
    if layer is None:
        names = list_layers(path)
        layer = next((name for name in names if name.casefold() in ("road_link", "roadlink", "lines", "edges")), None)
        layer = layer if len(names) > 1 else None
    parsed = parse_guarded(contents, layer, None)
    return parsed.attributes, parsed.shapes, parsed.crs, source


def _plain_parquet(contents) -> tuple[pd.DataFrame, np.ndarray, str] | None:
    """Lines as WKB in a plain Parquet table (column ``geometry``), taken as EPSG:27700; None for a GeoParquet."""
    import io

    import pyarrow.parquet
    import shapely

    table = guarded(contents.name, "file_truncated", lambda: pyarrow.parquet.read_table(io.BytesIO(contents.data)))
    if b"geo" in (table.schema.metadata or {}) or "geometry" not in table.column_names:
        return None
    frame = table.to_pandas()
    shapes = guarded(contents.name, "file_wrong_format", lambda: shapely.from_wkb(frame["geometry"].to_numpy()))
    return frame.drop(columns="geometry"), shapes, "EPSG:27700"


def _osm(target) -> tuple[pd.DataFrame, np.ndarray, str, Source]:
    """The ways of an OpenStreetMap extract, read by GDAL in a child process."""
    import shapely

    from geoplan.io.sandbox import run_guarded

    contents = read_bytes(target)
    found = run_guarded(osm_ways, contents, file=contents.name, seconds=OSM_SECONDS, memory_mb=OSM_MB)
    shapes = shapely.from_wkb(np.array(found.pop("wkb"), dtype=object))
    source = Source(contents.name, OWN_FILE, OSM_CREDIT, file=contents.name, fingerprint=contents.fingerprint)
    return pd.DataFrame(found), shapes, "EPSG:4326", source
