"""Outlines made small once, for the little maps of many reports.

A county's areas are simplified together at three levels and written as SVG paths on a whole-number grid; a report
then only picks the level that suits its window and sets one transform, so that the map of a school costs
milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from geoplan.areas import Boundaries
from geoplan.sources import Source

STEPS_M = (10.0, 40.0, 160.0)  # the grid of each level
STEPS_ACROSS = 500  # a window has at least so many steps of its level across, if there is a level so fine


@dataclass(frozen=True)
class Level:
    """The outlines on one grid.

    Parameters
    ----------
    step_m
        Metres of a grid step.
    paths
        SVG path data of each area, in steps east of the origin and south of it.
    """

    step_m: float
    paths: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Outlines:
    """The areas of a place, ready to be drawn at any size.

    Parameters
    ----------
    kind
        The kind with its year: ``lsoa21``.
    codes
        The areas' codes, in order.
    names
        Name by code.
    boxes
        West, south, east and north end of each area, metres (EPSG:27700).
    spots
        Five points inside each area, metres: one about the middle, then one in each half where a letter can go if
        the middle is taken.
    origin
        The north-west corner of the grid, metres.
    levels
        From fine to coarse.
    source
        Where the outlines came from.
    """

    kind: str
    codes: tuple[str, ...]
    names: Mapping[str, str]
    boxes: np.ndarray
    spots: np.ndarray
    origin: tuple[float, float]
    levels: tuple[Level, ...]
    source: Source

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        return f"<Outlines {self.kind}: {len(self):,} areas>"

    def level_for(self, width_m: float) -> Level:
        """The coarsest level that still looks right in a window so wide."""
        fit = [level for level in self.levels if width_m / level.step_m >= STEPS_ACROSS]
        return fit[-1] if fit else self.levels[0]

    def within(self, window: tuple[float, float, float, float]) -> np.ndarray:
        """Positions of the areas whose boxes meet a window (west, south, east, north)."""
        west, south, east, north = window
        box = self.boxes
        return np.flatnonzero((box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south))


def simplify_outlines(boundaries: Boundaries, steps_m: tuple[float, ...] = STEPS_M) -> Outlines:
    """Outlines made small, once for a run.

    Parameters
    ----------
    boundaries
        The areas.
    steps_m
        The grid of each level, fine to coarse, in metres.

    Returns
    -------
    Outlines

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> frame = gpd.GeoDataFrame({"name": ["West", "East"]}, index=["a", "b"],
    ...     geometry=shapely.box([0, 1000], 0, [1000, 2000], 1000), crs=27700)
    >>> small = simplify_outlines(Boundaries("ward25", frame, Source("Two squares")))
    >>> small, small.levels[0].paths[0]
    (<Outlines ward25: 2 areas>, 'M100,100v-100h-100v100z')
    """
    import shapely

    geometry = boundaries.frame.geometry.to_numpy()
    bounds = shapely.total_bounds(geometry)
    origin = (float(np.floor(bounds[0])), float(np.ceil(bounds[3])))
    return Outlines(
        kind=boundaries.kind,
        codes=tuple(map(str, boundaries.codes)),
        names={str(code): str(name) for code, name in boundaries.names.items()},
        boxes=shapely.bounds(geometry),
        spots=_spots(geometry),
        origin=origin,
        levels=tuple(Level(step, _paths(geometry, origin, step)) for step in steps_m),
        source=boundaries.source,
    )


def _spots(geometry: np.ndarray) -> np.ndarray:
    """A point inside each area, and one inside its north, south, west and east half; shape (areas, 5, 2)."""
    import shapely

    middle = shapely.get_coordinates(shapely.point_on_surface(geometry))
    west, south, east, north = shapely.bounds(geometry).T
    x, y = (west + east) / 2, (south + north) / 2
    halves = [(west, y, east, north), (west, south, east, y), (west, south, x, north), (x, south, east, north)]
    spots = [middle]
    for half in halves:
        points = shapely.point_on_surface(shapely.intersection(geometry, shapely.box(*half)))
        found = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
        spots.append(np.where(np.isfinite(found), found, middle))
    return np.stack(spots, axis=1)


def _paths(geometry: np.ndarray, origin: tuple[float, float], step: float) -> tuple[str, ...]:
    """Path data of each area; rings smaller than a step or two are left out, but never all of an area's."""
    import shapely

    try:
        small = shapely.coverage_simplify(geometry, step)
    except shapely.errors.GEOSException:
        small = shapely.simplify(geometry, step, preserve_topology=True)
    parts, owner = shapely.get_parts(small, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    of_area = owner[part]
    texts: list[list[tuple[float, str]]] = [[] for _ in range(len(geometry))]
    sizes = shapely.area(shapely.polygons(rings)) if len(rings) else []
    for ring, area, size in zip(rings, of_area, sizes, strict=True):
        xy = shapely.get_coordinates(ring)
        grid = np.column_stack([np.rint((xy[:, 0] - origin[0]) / step), np.rint((origin[1] - xy[:, 1]) / step)])
        texts[area].append((float(size), _path(grid.astype(int))))
    return tuple(_join(each, 4 * step * step) for each in texts)


def _join(rings: list[tuple[float, str]], least: float) -> str:
    if not rings:
        return ""
    largest = max(size for size, _ in rings)
    return "".join(text for size, text in rings if size >= least or size == largest)


def _path(grid: np.ndarray) -> str:
    """A ring of grid points as relative path data, points that fall together dropped."""
    keep = np.ones(len(grid), dtype=bool)
    keep[1:] = (np.diff(grid, axis=0) != 0).any(axis=1)
    points = grid[keep]
    parts = [f"M{points[0, 0]},{points[0, 1]}"]
    for dx, dy in np.diff(points, axis=0)[:-1].tolist():  # the last step is what z draws
        parts.append(f"v{dy}" if dx == 0 else f"h{dx}" if dy == 0 else f"l{dx},{dy}")
    return "".join(parts) + "z"
