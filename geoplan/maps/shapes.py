"""Shapes made small: simplified together, put on a whole-number grid, and packed.

Only here do metres of the National Grid become what a browser draws in: Web Mercator, the projection of
longitude and latitude that every web map uses, so that the page itself need not project anything.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geoplan.maps.palette import nice_number

if TYPE_CHECKING:
    import geopandas as gpd

MOST_VERTICES = 600_000
FINENESS = 12_000  # parts of the layer's diagonal: one part is the tolerance of simplification
PACK_ABOVE = 4_000  # characters: below this, packing does not pay


def fingerprint(shapes: gpd.GeoDataFrame) -> str:
    """The same for shapes with the same codes, names and outlines: they share one block on the page."""
    import shapely

    digest = hashlib.sha256()
    for part in (shapes.index, shapes["name"]):
        digest.update("\x1f".join(map(str, part)).encode())
    for outline in shapely.to_wkb(shapes.geometry.to_numpy()):
        digest.update(outline or b"\0")
    return digest.hexdigest()


def simplified(geometry: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Outlines with fewer vertices, the tolerance in metres, and whether shared edges stayed shared.

    Areas that fit together like a jigsaw are simplified as one, so that no gaps open between them; where two
    do not share an edge exactly, each edge is simplified for itself. Lines, and outlines that the joint
    method refuses, are simplified one by one.

    Examples
    --------
    >>> import shapely
    >>> outlines, tolerance, together = simplified(shapely.box([0, 1000], 0, [1000, 2000], 1000))
    >>> tolerance, together
    (0.2, True)
    """
    import shapely

    bounds = shapely.total_bounds(geometry)
    diagonal = math.hypot(bounds[2] - bounds[0], bounds[3] - bounds[1])
    tolerance = nice_number(diagonal / FINENESS)
    together = bool(np.isin(shapely.get_type_id(geometry), (3, 6)).all())
    while True:
        try:
            out = shapely.coverage_simplify(geometry, tolerance) if together else None
        except shapely.errors.GEOSException:
            together = False
        if not together:
            out = shapely.simplify(geometry, tolerance, preserve_topology=True)
        if shapely.get_num_coordinates(out).sum() <= MOST_VERTICES or tolerance > diagonal / 200:
            return out, tolerance, together
        tolerance *= 2


def to_web(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north (EPSG:27700) to Web Mercator metres (EPSG:3857).

    Examples
    --------
    >>> east, north = to_web(np.array([530000.0]), np.array([180000.0]))
    >>> round(float(east[0]), -3), round(float(north[0]), -3)
    (-14000.0, 6711000.0)
    """
    return _transformer().transform(x, y)


def _transformer():
    from pyproj import Transformer

    return Transformer.from_crs(27700, 3857, always_xy=True)


def shapes_block(shapes: gpd.GeoDataFrame, centres: bool = False) -> dict:
    """Codes, names and outlines, ready to be written as JSON.

    Each ring is a row of whole-number steps from one vertex to the next, on a grid of ``step`` metres; an
    area is so many rings. Steps that fall together on the grid are dropped.

    Parameters
    ----------
    shapes
        Indexed by code, columns ``name`` and ``geometry``, EPSG:27700.
    centres
        Also give a point inside each area, for its name.
    """
    import shapely

    geometry = shapes.geometry.to_numpy()
    outlines, tolerance, together = simplified(geometry)
    lines, owner = _rings(outlines)
    coords = shapely.get_coordinates(lines)
    x, y = to_web(coords[:, 0], coords[:, 1])
    step = max(tolerance / 2, 0.1)
    origin = [math.floor(x.min()), math.floor(y.min())] if len(x) else [0, 0]
    ring_of = np.repeat(np.arange(len(lines)), shapely.get_num_coordinates(lines))
    grid = np.column_stack([np.rint((x - origin[0]) / step), np.rint((y - origin[1]) / step)]).astype(np.int64)
    keep = np.ones(len(grid), dtype=bool)
    keep[1:] = (np.diff(grid, axis=0) != 0).any(axis=1) | (np.diff(ring_of) != 0)
    grid, ring_of = grid[keep], ring_of[keep]
    lengths = np.bincount(ring_of, minlength=len(lines))
    steps = np.diff(grid, axis=0, prepend=[[0, 0]])
    block = {
        "codes": [str(code) for code in shapes.index],
        "names": [str(name) for name in shapes["name"]],
        "origin": origin,
        "step": step,
        "tolerance": tolerance,
        "together": together,
        "rings": np.bincount(owner, minlength=len(shapes)).tolist(),
        "lengths": lengths.tolist(),
        "dx": steps[:, 0].tolist(),
        "dy": steps[:, 1].tolist(),
    }
    if centres:
        points = shapely.get_coordinates(shapely.point_on_surface(_largest(geometry)))
        east, north = to_web(points[:, 0], points[:, 1])
        block["cx"], block["cy"] = np.rint(east).tolist(), np.rint(north).tolist()
    return block


def _rings(outlines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rings of polygons (and the lines themselves, where a layer has lines), each with its area's number."""
    import shapely

    parts, owner = shapely.get_parts(outlines, return_index=True)
    is_polygon = shapely.get_type_id(parts) == 3
    rings, part = shapely.get_rings(parts[is_polygon], return_index=True)
    of_polygons = owner[is_polygon][part]
    of_lines = ~is_polygon & np.isin(shapely.get_type_id(parts), (1, 2))
    lines = np.concatenate([rings, parts[of_lines]])
    owners = np.concatenate([of_polygons, owner[of_lines]])
    order = np.argsort(owners, kind="stable")
    return lines[order], owners[order]


def _largest(geometry: np.ndarray) -> np.ndarray:
    import shapely

    return np.array([max(shapely.get_parts(g), key=shapely.area, default=g) for g in geometry], dtype=object)


def to_json(value: object) -> str:
    r"""JSON that may stand inside a script element: no ``<``, ``>`` or ``&`` is left in it.

    Examples
    --------
    >>> to_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def packed(value: object) -> tuple[str, str]:
    """A value as text for a data block, and how it is packed: ``json``, or ``gzip`` in base64 where it pays.

    Examples
    --------
    >>> packed([1, 2, 3])
    ('json', '[1,2,3]')
    >>> packed([0] * 9999)[0]
    'gzip'
    """
    text = to_json(value)
    if len(text) < PACK_ABOVE:
        return "json", text
    small = base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()
    return ("gzip", small) if len(small) < len(text) else ("json", text)


def unpacked(how: str, text: str) -> object:
    """The value of a data block: what :func:`packed` packed.

    Examples
    --------
    >>> unpacked(*packed({"a": ["<b>"] * 999}))["a"][0]
    '<b>'
    """
    return json.loads(gzip.decompress(base64.b64decode(text)) if how == "gzip" else text)


def points_block(eastings: Sequence[float], northings: Sequence[float]) -> dict:
    """Public points as whole Web Mercator metres; null for one without a position.

    Examples
    --------
    >>> points_block([530000, 0], [180000, 0])["x"][1] is None
    True
    """
    east, north = np.asarray(eastings, dtype=float), np.asarray(northings, dtype=float)
    known = np.isfinite(east) & np.isfinite(north) & ((east != 0) | (north != 0))
    x, y = to_web(np.where(known, east, 400_000), np.where(known, north, 300_000))
    return {
        "x": [round(float(v)) if k else None for v, k in zip(x, known, strict=True)],
        "y": [round(float(v)) if k else None for v, k in zip(y, known, strict=True)],
    }
