"""Find the area of one point, the obvious way: ask every area, the smallest first."""

from __future__ import annotations

from shapely.geometry import Point


def area_of(easting: float, northing: float, shapes: dict, nearest_within_m: float) -> tuple[str | None, str]:
    """Code and how ("inside", "nearest", "outside")."""
    point = Point(easting, northing)
    by_size = sorted(shapes, key=lambda code: (round(shapes[code].area), code))
    for code in by_size:
        if shapes[code].intersects(point):
            return code, "inside"
    nearest = min(by_size, key=lambda code: shapes[code].distance(point))
    if shapes[nearest].distance(point) <= nearest_within_m:
        return nearest, "nearest"
    return None, "outside"
