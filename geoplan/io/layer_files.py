"""The bytes of a layer, and its attributes and shapes: bytes in, plain values out.

The form is recognised by first bytes, never by the name, and only GeoPackage, GeoJSON, Shapefile, FlatGeobuf and
GeoParquet are opened. Bytes are read once and parsed in memory, so the input is never changed and no file beside
it is touched; :func:`parse` can be moved to a child process as it stands.
"""

from __future__ import annotations

import io
import json
import os
import re
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoplan.io.files import (
    Contents,
    check_zip,
    file_name,
    fingerprint,
    guarded,
    local_path,
    read_bytes,
    refuse,
    zip_member,
    zip_members,
)

if TYPE_CHECKING:
    import pandas as pd

DAMAGED = "the layer cannot be read: the file is damaged, cut off or not what it says"
_ARRAYS = "biufM"  # kinds of numpy arrays that are plain: numbers, truth values, dates
_SHAPE_PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg")
_CODE = re.compile(
    r"^(oa|lsoa|msoa|wd|ward|lad|ltla|utla|ctyua|cty|pcon|rgn|par|ced)_?(\d\d)_?(cd|code)$", re.IGNORECASE
)
_KINDS = {
    "wd": "ward",
    "ltla": "lad",
    "ctyua": "county",
    "cty": "county",
    "pcon": "constituency",
    "rgn": "region",
    "par": "parish",
    "ced": "division",
}
# drivers that read what is named inside a file (other files, the network), and those never needed
_SKIP = (
    "OGR_VRT,GDALG,HTTP,WFS,OAPIF,OGCAPI,CSW,EEDA,Elasticsearch,Carto,AmigoCloud,PLSCENES,NGW,GTFS,LIBKML,KML,GML,GPX,"
    "GeoRSS,OSM,DXF,DGN,S57,MVT,PMTiles,MBTiles,OpenFileGDB,XLSX,ODS,CSV,PDF,ADBC,MapML,JML,VDV,LVBAG,SXF,TopoJSON,"
    "ESRIJSON,GeoJSONSeq,JSONFG,Selafin,VFK,EDIGEO,Idrisi,WAsP,PDS4,VICAR,PCIDSK,MiraMonVector,MapInfo File,OGR_GMT"
)


@dataclass(frozen=True)
class Parsed:
    """What a parser hands over: attributes, shapes (may hold None) and the coordinate system as text ("" if none)."""

    attributes: pd.DataFrame
    shapes: np.ndarray
    crs: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plain:
    """The same as plain values, which can come from another process: a column is an array of numbers, or a list.

    Shapes are well-known binary, or None.
    """

    names: list[str]
    columns: list[np.ndarray | list]
    shapes: list[bytes | None]
    crs: str
    layers: list[str]

    def parsed(self) -> Parsed:
        """As a table and shapes.

        Raises
        ------
        shapely.errors.GEOSException
            If bytes are no shape.
        """
        import pandas as pd
        import shapely

        frame = pd.DataFrame({i: pd.Series(values) for i, values in enumerate(self.columns)}, range(len(self.shapes)))
        frame.columns = list(self.names)
        shapes = shapely.from_wkb(
            np.array([None if each is None else bytes(each) for each in self.shapes], dtype=object)
        )
        return Parsed(frame, shapes, self.crs, tuple(self.layers))


def layer_bytes(path: str | os.PathLike) -> Contents:
    """The bytes of a layer; a Shapefile with the files beside it becomes one zip in memory."""
    target = local_path(path)
    contents = read_bytes(target)
    if contents.form == "shapefile":
        return _zipped([(p.suffix.lower(), p.read_bytes()) for p in _beside(target)], contents.name)
    if contents.form == "zip":
        check_zip(contents)
        members = [m for m in zip_members(contents) if Path(m.lower()).suffix in _SHAPE_PARTS]
        stems = {m[: -len(Path(m).suffix)] for m in members if m.lower().endswith(".shp")}
        if len(stems) != 1:
            raise refuse(
                contents.name,
                "file_wrong_format",
                f"a zip with {len(stems)} Shapefiles in it, where one is needed",
                "unpack it and name the layer's file",
            )
        stem = next(iter(stems))
        parts = [
            (Path(m.lower()).suffix, zip_member(contents, m)) for m in members if m[: -len(Path(m).suffix)] == stem
        ]
        return _zipped(parts, contents.name)
    if contents.form not in {"sqlite", "JSON", "flatgeobuf", "parquet"}:
        raise refuse(
            contents.name,
            "file_wrong_format",
            f"not a layer of areas: its bytes are {contents.form}",
            "export it as GeoPackage (EPSG:27700)",
        )
    return contents


def _beside(target: Path) -> list[Path]:
    stem = target.stem.casefold()
    return sorted(
        p
        for p in target.parent.iterdir()
        if p.stem.casefold() == stem and p.suffix.lower() in _SHAPE_PARTS and p.is_file()
    )


def _zipped(parts: Sequence[tuple[str, bytes]], name: str) -> Contents:
    have = dict(parts)
    missing = [suffix for suffix in (".shp", ".dbf", ".shx") if suffix not in have]
    if missing:
        raise refuse(
            name,
            "file_missing",
            f"a Shapefile without its {' and '.join(missing)}",
            "copy all files of the Shapefile, or export it as GeoPackage",
        )
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for suffix, data in sorted(have.items()):
            archive.writestr(zipfile.ZipInfo(f"layer{suffix}"), data)
    return Contents(name, memory.getvalue(), fingerprint(b"".join(have[s] for s in sorted(have))), "shapefile")


def parse(contents: Contents, layer: str | None = None, kind: str | None = None) -> Parsed:
    """Attributes and shapes of a layer, from bytes only; of several layers the one whose codes are of the kind."""
    return guarded(contents.name, "file_truncated", lambda: parse_plain(contents, layer, kind).parsed(), DAMAGED)


def parse_plain(contents: Contents, layer: str | None = None, kind: str | None = None) -> Plain:
    """The same as plain values; only GeoParquet needs more libraries than GDAL and Shapely for it."""
    readers = {"JSON": _parse_geojson, "parquet": _parse_parquet}
    work = readers.get(contents.form, _parse_gdal)
    plain = guarded(contents.name, "file_truncated", lambda: work(contents, layer, kind), DAMAGED)
    if not plain.shapes:
        raise refuse(contents.name, "no_records", "a layer without areas")
    return plain


def _parse_gdal(contents: Contents, layer: str | None, kind: str | None) -> Plain:
    os.environ.setdefault("OGR_SKIP", _SKIP)  # read when pyogrio is first imported
    import pyogrio.raw

    if contents.form == "sqlite" and contents.data[68:72] not in {b"GPKG", b"GP10", b"GP11", b"GP12"}:
        raise refuse(contents.name, "file_wrong_format", "a database, but not a GeoPackage", "export it as GeoPackage")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = tuple(str(n) for n, geometry in pyogrio.list_layers(contents.data) if geometry)
        if layer is None and len(names) > 1 and kind is not None:
            fields = {n: pyogrio.read_info(contents.data, layer=n)["fields"] for n in names}
            fits = [n for n in names if kind in [code_kind(f) for f in fields[n] if code_kind(f)][:1]]
            layer = fits[0] if len(fits) == 1 else None
        layer = _layer(contents.name, names, layer)
        stated = pyogrio.read_info(contents.data, layer=layer)["features"]
        about, _, shapes, columns = pyogrio.raw.read(contents.data, layer=layer)
    shapes = [] if shapes is None else [None if each is None else bytes(each) for each in shapes]
    if stated >= 0 and stated != len(shapes):  # GDAL stops at a cut FlatGeobuf in silence
        raise refuse(contents.name, "file_truncated", f"{len(shapes):,} of its {stated:,} areas can be read")
    columns = [values if values.dtype.kind in _ARRAYS else list(map(_cell, values)) for values in columns]
    return Plain(list(map(str, about["fields"])), columns, shapes, str(about["crs"] or ""), list(names))


def _layer(name: str, names: Sequence[str], layer: str | None) -> str:
    shown = ", ".join(repr(each) for each in names[:30])
    if layer is not None and layer not in names:
        raise refuse(name, "layer_ambiguous", f"no layer {layer!r}; there are {shown}")
    if not names:
        raise refuse(name, "file_truncated", "no layer of areas in it: damaged, cut off, or empty")
    if layer is None and len(names) != 1:
        raise refuse(name, "layer_ambiguous", f"{len(names)} layers: {shown}", 'say which: layer="..."')
    return layer or names[0]


def _parse_parquet(contents: Contents, layer: str | None, kind: str | None) -> Plain:
    import geopandas as gpd
    import shapely

    frame = gpd.read_parquet(io.BytesIO(contents.data))
    table = frame.drop(columns=frame.geometry.name)
    columns = []
    for _, column in table.items():
        values = column.to_numpy()
        is_plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in _ARRAYS
        columns.append(values if is_plain else list(map(_cell, values)))
    shapes = [None if shape is None else shapely.to_wkb(shape, include_srid=False) for shape in frame.geometry]
    crs = frame.crs.to_wkt() if frame.crs is not None else ""
    return Plain(list(map(str, table.columns)), columns, shapes, crs, [])


def _parse_geojson(contents: Contents, layer: str | None, kind: str | None) -> Plain:
    """GeoJSON by its own rules: longitude and latitude unless an old-style ``crs`` says otherwise."""
    import shapely

    document = json.loads(contents.data.decode("utf-8-sig"))
    features = (
        document.get("features") if isinstance(document, dict) and document.get("type") == "FeatureCollection" else None
    )
    if not isinstance(features, list) or not all(isinstance(f, dict) and f.get("type") == "Feature" for f in features):
        raise refuse(
            contents.name, "file_wrong_format", "JSON, but not a GeoJSON FeatureCollection", "export it as GeoJSON"
        )
    shapes = [
        None if f.get("geometry") is None else shapely.to_wkb(shapely.from_geojson(json.dumps(f["geometry"])))
        for f in features
    ]
    stated = (document.get("crs") or {}).get("properties", {}).get("name", "") if "crs" in document else "EPSG:4326"
    crs = re.sub(r"^urn:ogc:def:crs:", "", str(stated)).replace("::", ":").replace("OGC:1.3:CRS84", "EPSG:4326")
    rows = [f.get("properties") or {} for f in features]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Plain(names, [[_cell(row.get(name)) for row in rows] for name in names], shapes, crs, [])


def _cell(value: object) -> object:
    """A value of a column as plain: what is no number, truth value or text is written as JSON."""
    missing = (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )
    plain = isinstance(value, (bool, int, float, str, np.generic))
    return None if missing else value if plain else json.dumps(value, default=str)


def osm_ways(contents: Contents) -> dict[str, list]:
    """The highways of an OpenStreetMap extract (``.osm.pbf``, ``.osm``): ``highway``, ``other_tags``, ``wkb``.

    For a child process only: GDAL's driver for these files is switched off everywhere else.
    """
    os.environ["OGR_SKIP"] = ",".join(name for name in _SKIP.split(",") if name != "OSM")
    os.environ["OSM_MAX_TMPFILE_SIZE"] = "1500"  # megabytes of its index that stay in memory
    import pyogrio.raw

    def read() -> dict[str, list]:
        meta, _, shapes, fields = pyogrio.raw.read(
            contents.data, layer="lines", columns=["highway", "other_tags"], where="highway IS NOT NULL"
        )
        named = {str(name): ["" if each is None else str(each) for each in values]
                 for name, values in zip(meta["fields"], fields, strict=True)}  # fmt: skip
        return named | {"wkb": [bytes(shape) for shape in shapes]}

    tip = "not an OpenStreetMap extract that can be read"
    return guarded(contents.name, "file_wrong_format", read, tip)


def code_kind(header: str) -> str:
    """The kind of area that a header names, with its year, or "".

    Examples
    --------
    >>> code_kind("WD25CD"), code_kind("ltla24_code"), code_kind("name")
    ('ward25', 'lad24', '')
    """
    match = _CODE.match(header.strip())
    return _KINDS.get(match[1].lower(), match[1].lower()) + match[2] if match else ""


def list_layers(path: str | os.PathLike) -> list[str]:
    """Names of the layers in a file.

    Examples
    --------
    >>> list_layers("nowhere.gpkg")
    Traceback (most recent call last):
    ...
    geoplan.errors.InputRefused: nowhere.gpkg: 1 problem
      no such file   check the name and the folder
    """
    contents = layer_bytes(path)
    if contents.form not in {"sqlite", "flatgeobuf"}:
        return [Path(file_name(path)).stem]
    os.environ.setdefault("OGR_SKIP", _SKIP)
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return guarded(
            contents.name, "file_truncated", lambda: [str(n) for n, g in pyogrio.list_layers(contents.data) if g]
        )
