"""1.6 million postcode points in 34,753 LSOAs, from coordinates to codes."""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
from contest import contest


def read(folder):
    areas = gpd.read_parquet(Path(folder) / "areas.parquet")
    points = pd.read_parquet(Path(folder) / "points.parquet")
    west, south, east, north = areas.total_bounds
    inside = points["easting"].between(west, east) & points["northing"].between(south, north)
    return areas.set_index("LSOA11CD").rename(columns={"LSOA11NM": "name"}).sort_index(), points[inside]


def sjoin(folder):
    areas, points = read(folder)

    def run():
        dots = gpd.GeoDataFrame(geometry=gpd.points_from_xy(points["easting"], points["northing"]), crs=27700)
        joined = gpd.sjoin(dots, areas[["geometry"]], how="left", predicate="intersects")
        first = joined[~joined.index.duplicated()]
        return int(first["LSOA11CD"].notna().sum())

    return run


def geoplan(folder):
    from geoplan.areas import Boundaries, locate
    from geoplan.sources import Source

    areas, points = read(folder)
    boundaries = Boundaries("lsoa11", areas, Source("LSOAs"))

    def run():
        found = locate(boundaries, points["easting"], points["northing"], nearest_within_m=0)
        return int((found.position >= 0).sum())

    return run


if __name__ == "__main__":
    contest(__file__, sys.argv[1], {"sjoin": sjoin, "geoplan": geoplan})
