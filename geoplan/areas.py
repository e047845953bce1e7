"""One kind of area in one year: locate points in it, join tables to it, find neighbours.

Everything here is British National Grid metres (EPSG:27700). A point belongs to exactly one area: one on
a shared edge, or where outlines overlap, goes to the smallest of its areas (then to the first code),
whatever the order of the features; one in no area but close to one (a house seaward of a clipped
coastline) goes to the nearest, and is marked.

Smallest first because official generalised layers do hold an area inside another whose hole was lost: in
Kent's 2011 LSOAs all 27 postcodes in two areas belong to the enclosed one by the ONS's own code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geoplan.errors import VintageError
from geoplan.sources import Source

if TYPE_CHECKING:
    import geopandas as gpd

NEAREST_WITHIN_M = 200.0
#: Names that columns of people have already: no kind of area may take one.
RESERVED = frozenset(
    [
        *("record", "person", "postcode", "counted", "school", "year_group", "fsm", "sen", "eal", "ethnicity"),
        "sex",
        *("status", "method", "flags", "outcome", "segment", "easting", "northing", "introduced"),
    ]
)
INSIDE, NEAREST, OUTSIDE = 0, 1, 2
_CHUNK = 100_000


@dataclass(frozen=True)
class Boundaries:
    """Areas of one kind and year.

    Parameters
    ----------
    kind
        The kind with its year: ``lsoa21``, ``ward24``.
    frame
        GeoDataFrame indexed by code (strings, unique, sorted), columns ``name`` and ``geometry``, EPSG:27700.
    source
        Where the outlines came from.
    repairs
        What had to be mended on reading (:class:`geoplan.errors.Problem`), with areas before and after.
    """

    kind: str
    frame: gpd.GeoDataFrame
    source: Source
    repairs: tuple = ()

    def __post_init__(self):
        if not re.fullmatch("[a-z][a-z0-9_]*", self.kind) or self.kind in RESERVED:
            raise VintageError(
                f"{self.kind!r} cannot name a kind of area: use small letters and the year, such as ward25",
                "code_malformed",
            )
        if self.frame.index.has_duplicates:
            raise VintageError(f"{self.kind}: a code occurs twice; read the layer with read_boundaries to see where")
        if self.frame.crs is None or self.frame.crs.to_epsg() != 27700:
            raise VintageError(f"{self.kind}: outlines must be EPSG:27700; read_boundaries converts them")
        if not self.frame.index.is_monotonic_increasing:
            object.__setattr__(self, "frame", self.frame.sort_index())

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Boundaries {self.kind}: {len(self):,} areas>"

    @property
    def codes(self) -> pd.Index:
        """The codes, sorted."""
        return self.frame.index

    @property
    def names(self) -> pd.Series:
        """Name by code."""
        return self.frame["name"]

    def only(self, codes: Iterable[str]) -> Boundaries:
        """The same kind with only the areas named."""
        return replace(self, frame=self.frame.loc[self.frame.index.isin(set(codes))])

    def locate(self, easting, northing, nearest_within_m: float = NEAREST_WITHIN_M) -> Located:
        """The area of each point; see :func:`locate`."""
        return locate(self, easting, northing, nearest_within_m)

    def join(self, table: pd.DataFrame) -> gpd.GeoDataFrame:
        """Outlines with the columns of ``table`` (indexed by code); areas it does not have are missing.

        Raises
        ------
        VintageError
            If none of the table's codes is an area here, or some are not.
        """
        strangers = table.index.difference(self.frame.index)
        if len(strangers):
            raise VintageError(
                f"{len(strangers):,} of {len(table):,} codes are not {self.kind} areas (the first is {strangers[0]}); "
                "check the kind and year"
            )
        return self.frame.join(table)

    def neighbours(self) -> pd.DataFrame:
        """Pairs of areas that share an edge; see :func:`neighbours`."""
        return neighbours(self)


@dataclass(frozen=True)
class Located:
    """Where points fell: arrays in the order of the points.

    Parameters
    ----------
    position
        Row of the boundaries' frame, -1 where none.
    how
        0 inside, 1 nearest (off the edge, within the stated distance), 2 outside.
    distance_m
        Metres to the area: 0 inside, NaN outside.
    """

    position: np.ndarray
    how: np.ndarray
    distance_m: np.ndarray


def locate(
    boundaries: Boundaries, easting: np.ndarray, northing: np.ndarray, nearest_within_m: float = NEAREST_WITHIN_M
) -> Located:
    """The area each point is in: exactly one, the same whatever the order of points and areas.

    Parameters
    ----------
    boundaries
        The areas.
    easting, northing
        Metres on the British National Grid; NaN for no position.
    nearest_within_m
        A point in no area takes the nearest one within this many metres; ties as for overlaps.

    Returns
    -------
    Located

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame({"name": ["west", "east"]}, index=["A", "B"], crs=27700,
    ...     geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)])
    >>> found = locate(Boundaries("square26", squares, Source("drawn")), [5, 10, 25, 999], [5, 5, 5, 5], 10)
    >>> found.position.tolist(), found.how.tolist()
    ([0, 0, 1, -1], [0, 0, 1, 2])
    """
    import shapely

    x = np.asarray(easting, dtype=np.float64)
    y = np.asarray(northing, dtype=np.float64)
    shapes = boundaries.frame.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    # the area to prefer where a point is in several: the smallest in whole square metres, then the first code
    preference = np.empty(len(shapes), dtype=np.int64)
    preference[np.lexsort((np.arange(len(shapes)), np.round(shapely.area(shapes))))] = np.arange(len(shapes))
    position = np.full(len(x), -1, dtype=np.int32)
    how = np.full(len(x), OUTSIDE, dtype=np.int8)
    distance_m = np.full(len(x), np.nan)
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))

    def inside(part: np.ndarray) -> None:
        point, area = tree.query(shapely.points(x[part], y[part]), predicate="intersects")
        order = np.argsort(-preference[area], kind="stable")  # the preferred is written last, and stays
        position[part[point[order]]] = area[order]

    parts = np.array_split(known, max(1, -(-len(known) // _CHUNK)))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        list(pool.map(inside, parts))
    found = position >= 0
    how[found], distance_m[found] = INSIDE, 0.0

    left = known[position[known] < 0]
    if len(left) and nearest_within_m > 0 and len(shapes):
        (point, area), metres = tree.query_nearest(
            shapely.points(x[left], y[left]), max_distance=nearest_within_m, return_distance=True, all_matches=True
        )
        order = np.argsort(-preference[area], kind="stable")
        position[left[point[order]]] = area[order]
        how[left[point]], distance_m[left[point]] = NEAREST, metres
    return Located(position, how, distance_m)


def merge_areas(boundaries: Boundaries, lookup: pd.Series, kind: str) -> Boundaries:
    """Larger areas drawn from smaller ones: those with one code of ``kind`` become one outline.

    Parameters
    ----------
    boundaries
        The small areas.
    lookup
        Indexed by their codes: the code of the larger area each is part of. Areas without one are left out.
    kind
        What the larger areas are.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame({"name": ["west", "east"]}, index=["A", "B"], crs=27700,
    ...     geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)])
    >>> merge_areas(Boundaries("square26", squares, Source("drawn")), pd.Series({"A": "X", "B": "X"}), "row26")
    <Boundaries row26: 1 areas>
    """
    larger = lookup.reindex(boundaries.codes)
    frame = boundaries.frame[["geometry"]].assign(**{kind: larger.astype("object")})
    merged = frame[larger.notna().to_numpy()].dissolve(by=kind)
    merged.index = pd.Index(merged.index.astype("str"), name=kind)
    return Boundaries(kind, merged.assign(name=merged.index)[["name", "geometry"]], boundaries.source)


def neighbours(boundaries: Boundaries) -> pd.DataFrame:
    """Pairs of areas that share an edge (not only a corner).

    Returns
    -------
    DataFrame
        Columns ``a``, ``b`` (codes, a before b) and ``shared_m``, the metres of edge they share.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = gpd.GeoDataFrame({"name": ["west", "east"]}, index=["A", "B"], crs=27700,
    ...     geometry=[shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)])
    >>> neighbours(Boundaries("square26", squares, Source("drawn"))).values.tolist()
    [['A', 'B', 10.0]]
    """
    import shapely

    shapes = boundaries.frame.geometry.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    shared_m = shapely.length(shapely.intersection(shapely.boundary(shapes[a]), shapely.boundary(shapes[b])))
    codes = boundaries.codes.to_numpy()
    pairs = pd.DataFrame({"a": codes[a], "b": codes[b], "shared_m": shared_m})
    return pairs[pairs["shared_m"] > 0].sort_values(["a", "b"], ignore_index=True)
