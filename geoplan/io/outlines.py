"""Outlines on the National Grid: coordinate systems checked and converted, invalid outlines repaired and reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geoplan.errors import Problem
from geoplan.io.layer_files import Parsed
from geoplan.io.schools import EXTENT

if TYPE_CHECKING:
    pass

GRID = 27700
MAX_CHANGE = 0.01  # share of the ground it covers by which a repair may change an outline


def outlines(file: str, parsed: Parsed) -> tuple[np.ndarray, tuple[Problem, ...], list[Problem]]:
    """Outlines in National Grid metres; what was repaired, and what is wrong."""
    import shapely

    shapes = np.asarray(parsed.shapes, dtype=object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if empty.any():
        return shapes, (), [_at(file, "geometry_empty", "an area without an outline", np.flatnonzero(empty))]
    lines = ~np.isin(shapely.get_type_id(shapes), (3, 6))
    if lines.any():
        return (
            shapes,
            (),
            [_at(file, "geometry_wrong", "points or lines where outlines are needed", np.flatnonzero(lines))],
        )
    shapes = shapely.force_2d(shapes)
    moved, problem = _on_grid(file, shapes, parsed.crs)
    if problem is not None:
        return shapes, (), [problem]
    return _repaired(file, moved)


def _at(file: str, code: str, what: str, rows: np.ndarray) -> Problem:
    return Problem(file, code, what, record=int(rows[0]) + 1, more=len(rows) - 1)


def _on_grid(file: str, shapes: np.ndarray, crs: str) -> tuple[np.ndarray, Problem | None]:
    import shapely
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    if not crs:
        return shapes, Problem(
            file, "crs_missing", "the layer does not say its coordinate system", "save it as EPSG:27700"
        )
    try:
        stated = CRS.from_user_input(crs)
    except CRSError:
        return shapes, Problem(
            file, "crs_wrong", "the layer states a coordinate system that does not exist", "save it as EPSG:27700"
        )
    bounds = shapely.total_bounds(shapes)
    if not np.isfinite(bounds).all() or not np.isfinite(shapely.get_coordinates(shapes)).all():
        return shapes, Problem(file, "crs_wrong", "coordinates that are not numbers", "export the layer again")
    if tip := _misfit(bounds, stated.is_geographic):
        label = f"EPSG:{stated.to_epsg()}" if stated.to_epsg() else stated.name
        return shapes, Problem(file, "crs_wrong", f"says {label}, but {tip[0]}", tip[1])
    if stated.to_epsg() != GRID:
        step = Transformer.from_crs(stated, GRID, always_xy=True)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(step.transform(xy[:, 0], xy[:, 1])))
        bounds = shapely.total_bounds(shapes)
    if not np.isfinite(bounds).all() or not _inside(bounds):
        return shapes, Problem(
            file,
            "crs_wrong",
            "the layer lies outside Great Britain",
            "check its coordinate system, and for swapped columns; save it as EPSG:27700",
        )
    return shapes, None


def _inside(bounds: Sequence[float]) -> bool:
    return bounds[0] >= EXTENT[0] and bounds[1] >= EXTENT[1] and bounds[2] <= EXTENT[2] and bounds[3] <= EXTENT[3]


def _misfit(bounds: Sequence[float], degrees: bool) -> tuple[str, str] | None:
    """Why coordinates cannot be in the system stated, and what to try; None if they can."""
    west, south, east, north = bounds
    if degrees and (max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90):
        return "its coordinates are metres", "set the layer's coordinate system to EPSG:27700"
    if degrees and west >= 49 and east <= 62 and south >= -9 and north <= 3:
        return "longitude and latitude are swapped", "swap them, or save it as EPSG:27700"
    if not degrees and max(map(abs, bounds)) <= 180:
        return "its coordinates are degrees", "set the layer's coordinate system to EPSG:4326"
    return None


def _repaired(file: str, shapes: np.ndarray) -> tuple[np.ndarray, tuple[Problem, ...], list[Problem]]:
    """Valid outlines; each repair with both areas; those whose repair would change the ground covered by over 1%."""
    import shapely

    rows = np.flatnonzero(~shapely.is_valid(shapes))
    if not len(rows):
        return shapes, (), []
    before = np.array([_ground(shape) for shape in shapes[rows]])
    mended = shapely.make_valid(shapes[rows], method="structure", keep_collapsed=False)
    after = shapely.area(mended)
    polygonal = np.isin(shapely.get_type_id(mended), (3, 6)) & ~shapely.is_empty(mended)
    lost = ~polygonal | ~(np.abs(after - before) <= MAX_CHANGE * np.maximum(before, after))
    if lost.any():
        return (
            shapes,
            (),
            [
                _at(
                    file,
                    "geometry_invalid",
                    "an invalid outline whose repair would change its area by over 1%",
                    rows[lost],
                )
            ],
        )
    original, shapes = shapes, shapes.copy()
    shapes[rows] = mended
    repairs = []
    for row, old in zip(rows, before, strict=True):
        shapes[row], how = _without_others(row, original[row], shapes)
        repairs.append(
            Problem(
                file,
                "geometry_repaired",
                f"{how}: {old:,.0f} m2, now {shapely.area(shapes[row]):,.0f} m2",
                record=int(row) + 1,
            )
        )
    return shapes, tuple(repairs), []


def _ground(shape: object) -> float:
    """Square metres that an invalid outline covers: parts that overlap or lie in each other count once."""
    import shapely

    parts = shapely.get_parts(shape)
    if shapely.is_valid(parts).all():
        return float(shapely.area(shapely.union_all(parts)))
    return float(shapely.area(shape))


def _without_others(row: int, original: object, shapes: np.ndarray) -> tuple[object, str]:
    """A part drawn inside another part is a hole if another area of the layer lies just there (seen in real files)."""
    import shapely

    shape = shapes[row]
    near = shapely.STRtree(shapes).query(shape, predicate="intersects")
    others = shapely.union_all(shapes[near[(near != row) & shapely.is_valid(shapes[near])]])
    overlap = shapely.area(shapely.intersection(shape, others))
    if overlap > 0.001 * shapely.area(shape):
        hollow = shapely.make_valid(original, method="linework")
        if (
            shapely.get_type_id(hollow) in (3, 6)
            and shapely.area(shapely.intersection(hollow, others)) < 0.01 * overlap
        ):
            return (
                hollow,
                "an invalid outline repaired, a part inside another read as a hole because another area lies there",
            )
    return shape, "an invalid outline repaired"
