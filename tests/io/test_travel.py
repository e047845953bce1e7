"""Matrices and networks from files: what is accepted, and what is refused with where."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geoplan.errors import InputRefused
from geoplan.io.travel import POSTCODE, read_network, read_travel

OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lat="51.500" lon="-3.0"/><node id="2" lat="51.501" lon="-3.0"/><node id="3" lat="51.502" lon="-3.0"/>
<node id="4" lat="51.501" lon="-3.001"/>
<way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<way id="2"><nd ref="4"/><nd ref="2"/><tag k="highway" v="footway"/></way>
<way id="3"><nd ref="4"/><nd ref="1"/><tag k="highway" v="service"/><tag k="access" v="private"/></way>
<way id="4"><nd ref="3"/><nd ref="4"/><tag k="waterway" v="river"/></way></osm>"""


def matrix(tmp_path, text):
    path = tmp_path / "ways.csv"
    path.write_text(text)
    return path


def refused(path, reader=read_travel) -> str:
    with pytest.raises(InputRefused) as stopped:
        reader(path)
    return str(stopped.value)


def test_a_matrix_of_minutes_by_postcode(tmp_path):
    table, unit, kind, source = read_travel(
        matrix(tmp_path, "postcode,urn,minutes\nme7 1ab,900001,12\nME7 1AC,900001,9.5\n")
    )
    assert (unit, kind, source.file) == ("minutes", POSTCODE, "ways.csv")
    assert table.to_numpy().tolist() == [["ME71AB", "900001", 12.0], ["ME71AC", "900001", 9.5]]


def test_a_matrix_of_metres_by_area_names_its_kind(tmp_path):
    _, unit, kind, _ = read_travel(matrix(tmp_path, "LSOA21CD,school,metres\nE01000001,900001,1200\n"))
    assert (unit, kind) == ("m", "lsoa21")


def test_minutes_below_zero_are_refused_with_the_record(tmp_path):
    said = refused(matrix(tmp_path, "postcode,urn,minutes\nME7 1AB,900001,12\nME7 1AC,900001,-3\n"))
    assert "record 2" in said and "minutes below 0" in said
    assert "ME7" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postcode,urn\nME7 1AB,900001\n", "neither metres nor minutes"),
        ("postcode,urn,metres,minutes\nME7 1AB,900001,1,1\n", "both metres and minutes"),
        ("postcode,urn,minutes\nME7 1AB,900001,soon\n", "no number of minutes"),
        ("postcode,urn,minutes\n,900001,5\n", "no place"),
        ("postcode,urn,minutes\nME7 1AB,900001,5\nME71AB,900001,6\n", "a pair given twice"),
        ("postcode,minutes\nME7 1AB,5\n", "no column for school"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, text, words):
    assert words in refused(matrix(tmp_path, text))


def test_os_open_roads_is_joined_at_ends_and_motorways_are_left_out(tmp_path):
    lines = [shapely.LineString(p) for p in ([(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 0), (100, 90)])]
    roads = gpd.GeoDataFrame(
        {
            "road_classification": ["B Road", "Motorway", "Unclassified"],
            "length": [120, 100, 90],
            "start_node": ["a", "b", "b"],
            "end_node": ["b", "c", "d"],
        },
        geometry=lines, crs=27700,
    )  # fmt: skip
    roads.to_file(tmp_path / "roads.gpkg", layer="road_link")
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=27700).to_file(
        tmp_path / "roads.gpkg", layer="road_node"
    )
    network = read_network(tmp_path / "roads.gpkg")
    assert (len(network), sorted(network.metres)) == (3, [90.0, 120.0])
    assert network.notes == ("1 of 3 ways are motorways or closed to walkers, and left out.",)


def test_an_openstreetmap_extract(tmp_path):
    (tmp_path / "town.osm").write_text(OSM)
    network = read_network(tmp_path / "town.osm")
    assert (len(network), len(network.metres)) == (4, 3)  # the first way is cut where the second meets it
    assert network.metres.max() == pytest.approx(111, abs=1)
    assert "OpenStreetMap" in network.source.credit


def test_longitude_and_latitude_become_metres(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[shapely.LineString([(-3.0, 51.5), (-3.0, 51.51)])], crs=4326)
    frame.to_file(tmp_path / "way.geojson")
    network = read_network(tmp_path / "way.geojson")
    assert network.metres[0] == pytest.approx(1112, abs=3)
    assert np.all(network.northing > 100_000)


def test_a_layer_of_points_and_a_text_are_refused(tmp_path):
    gpd.GeoDataFrame(geometry=gpd.points_from_xy([1], [1]), crs=27700).to_file(tmp_path / "points.gpkg")
    assert "no lines" in refused(tmp_path / "points.gpkg", read_network)
    (tmp_path / "roads.osm.pbf").write_bytes(b"not a map")
    assert "not an OpenStreetMap extract" in refused(tmp_path / "roads.osm.pbf", read_network)
