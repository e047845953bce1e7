"""Areas: one area for each point, whatever the order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import CODES, DRAWN, LETTERS, SIDE, SOUTH, WEST, make_boundaries
from plain.places import area_of

from geoplan.areas import INSIDE, NEAREST, OUTSIDE, Boundaries, locate
from geoplan.errors import VintageError


def test_points_on_edges_and_corners_are_in_one_area_whatever_the_feature_order():
    rng = np.random.default_rng(26)
    along = rng.uniform(0, 3 * SIDE, 2_000)
    line = rng.integers(0, 4, 2_000) * SIDE
    x = np.concatenate([WEST + along, WEST + line, WEST + np.array([1, 2, 1, 2]) * SIDE])
    y = np.concatenate([SOUTH + line, SOUTH + along, SOUTH + np.array([1, 1, 2, 2]) * SIDE])
    first = None
    for seed in range(20):
        letters = "".join(np.random.default_rng(seed).permutation(list(LETTERS)))
        boundaries = make_boundaries(letters=letters)
        found = locate(boundaries, x, y)
        codes = boundaries.codes.to_numpy()[found.position]
        assert (found.how == INSIDE).all()
        first = codes if first is None else first
        assert (codes == first).all()
    # the corner where four areas meet goes to the first code
    assert first[-4] == CODES["A"]


def test_agrees_with_the_plain_twin():
    rng = np.random.default_rng(7)
    boundaries = make_boundaries()
    shapes = boundaries.frame.geometry.to_dict()
    x, y = rng.uniform(WEST - 400, WEST + 3_400, 500), rng.uniform(SOUTH - 400, SOUTH + 3_400, 500)
    found = locate(boundaries, x, y, nearest_within_m=150)
    words = {INSIDE: "inside", NEAREST: "nearest", OUTSIDE: "outside"}
    for i in range(len(x)):
        code = None if found.position[i] < 0 else boundaries.codes[found.position[i]]
        assert (code, words[found.how[i]]) == area_of(x[i], y[i], shapes, 150)


def test_an_area_inside_another_takes_its_own_points():
    """As LSOA E01024573 inside the generalised outline of E01024572, whose hole was lost."""
    frame = make_boundaries(letters="AB").frame
    inner = shapely.box(WEST + 400, SOUTH + 400, WEST + 600, SOUTH + 600)
    enclosed = gpd.GeoDataFrame({"name": ["Inner"]}, index=["E01900010"], geometry=[inner], crs=27700)
    boundaries = Boundaries("lsoa21", pd.concat([frame, enclosed]), DRAWN)
    found = locate(boundaries, [WEST + 500, WEST + 100], [SOUTH + 500, SOUTH + 100])
    assert boundaries.codes[found.position].tolist() == ["E01900010", CODES["A"]]


def test_off_the_edge_is_nearest_within_the_stated_distance_and_marked():
    found = locate(make_boundaries(), [WEST - 50, WEST - 250, np.nan], [SOUTH + 500] * 3, nearest_within_m=200)
    assert found.how.tolist() == [NEAREST, OUTSIDE, OUTSIDE]
    assert found.distance_m[0] == 50
    assert found.position.tolist() == [0, -1, -1]


def test_no_positions_at_all_gives_no_area():
    assert locate(make_boundaries(), [np.nan], [np.nan]).position.tolist() == [-1]


def test_duplicate_codes_and_other_coordinate_systems_are_refused():
    frame = make_boundaries().frame
    with pytest.raises(VintageError, match="twice"):
        Boundaries("lsoa21", pd.concat([frame, frame.iloc[:1]]), DRAWN)
    with pytest.raises(VintageError, match="27700"):
        Boundaries("lsoa21", frame.to_crs(4326), DRAWN)


def test_join_keeps_every_area_and_refuses_strangers():
    boundaries = make_boundaries()
    joined = boundaries.join(pd.DataFrame({"pupils": [5]}, index=[CODES["B"]]))
    assert len(joined) == 9
    assert joined["pupils"].notna().sum() == 1
    with pytest.raises(VintageError, match="E01000001"):
        boundaries.join(pd.DataFrame({"pupils": [5]}, index=["E01000001"]))


def test_neighbours_share_an_edge_not_a_corner():
    pairs = make_boundaries().neighbours()
    assert len(pairs) == 12
    assert (pairs["shared_m"] == SIDE).all()
    assert (CODES["A"], CODES["E"]) not in set(zip(pairs["a"], pairs["b"], strict=True))


def test_only_keeps_the_areas_named():
    assert list(make_boundaries().only([CODES["C"]]).names) == ["Area C"]


@pytest.mark.real
def test_kent_point_in_polygon_agrees_with_the_ons_codes(shared_data):
    """At least 99.18% for LSOA11 and 98.36% for OA11 (outlines generalised), nobody in two areas or lost."""
    postcodes = pd.read_csv(shared_data / "kent_medway/postcodes.csv.gz", dtype={"quality": "float"}, low_memory=False)
    both = postcodes[(postcodes["in_sources"] == "ons+cpo") & (postcodes["quality"] < 90)]
    for kind, column, name, floor in (("lsoa11", "lsoa11cd", "LSOA11CD", 99.18), ("oa11", "oa11cd", "OA11CD", 98.36)):
        layer = gpd.read_file(shared_data / "kent_medway/boundaries.gpkg", layer=kind).set_index(name)
        layer = layer.assign(name="", geometry=shapely.make_valid(layer.geometry, method="structure"))
        boundaries = Boundaries(kind, layer[["name", "geometry"]], DRAWN)
        found = locate(boundaries, both["easting"], both["northing"])
        assert len(found.position) == len(both)
        placed = found.position >= 0
        assert (found.how[placed] != OUTSIDE).all()
        codes = boundaries.codes.to_numpy()[found.position]
        agree = 100 * (placed & (codes == both[column].to_numpy())).mean()
        assert agree >= floor, f"{kind}: {agree:.2f}%"
