"""Metres on foot: drawn networks whose walks can be counted, and the real one of Newport against networkx."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import shapely
from plain import ways

from geoplan.errors import ProjectError
from geoplan.networks import build_network, snap, table_of_snaps, walking_m
from geoplan.sources import Source

NEWPORT = Path(__file__).parents[2] / "shared" / "data" / "road_newport" / "newport_edges_27700.parquet"
DRAWN = Source("drawn", publisher="nobody", invented=True)


def line(*points):
    return shapely.LineString(points)


def test_a_walk_goes_along_the_ways_and_the_metres_to_them_count():
    network = build_network(np.array([line((0, 0), (100, 0)), line((100, 0), (100, 100))]), DRAWN)
    walks = walking_m(network, [(10, 5)], [(100, 80)])
    assert walks.metres[0, 0] == pytest.approx(5 + 90 + 80)


def test_ways_meet_where_they_share_a_vertex_unless_a_file_is_cut_at_junctions():
    cross = np.array([line((0, 0), (50, 0), (100, 0)), line((50, 0), (50, 50))])
    assert walking_m(build_network(cross, DRAWN), [(0, 0)], [(50, 50)]).metres[0, 0] == pytest.approx(100)
    bridge = build_network(cross, DRAWN, ends_only=True)  # the second way starts on the first, but not at its end
    assert bridge.pieces == 2
    assert np.isnan(walking_m(bridge, [(0, 0)], [(50, 50)]).metres[0, 0])


def test_two_places_on_one_way_are_walked_between_directly():
    network = build_network(np.array([line((0, 0), (1000, 0))]), DRAWN)
    assert walking_m(network, [(400, 0)], [(600, 0)]).metres[0, 0] == pytest.approx(200)


def test_the_shortest_of_several_ways_between_two_junctions_counts():
    network = build_network(np.array([line((0, 0), (50, 80), (100, 0)), line((0, 0), (100, 0))]), DRAWN, ends_only=True)
    assert walking_m(network, [(0, 0)], [(100, 0)]).metres[0, 0] == pytest.approx(100)


def test_a_stated_length_is_used_unless_it_is_shorter_than_the_shape():
    ways_ = np.array([line((0, 0), (100, 0)), line((100, 0), (200, 0))])
    network = build_network(ways_, DRAWN, metres=np.array([150.0, 10.0]), ends_only=True)
    assert network.metres.tolist() == [150.0, 100.0]


def test_a_network_in_pieces_says_so_and_gives_no_number():
    network = build_network(np.array([line((0, 0), (100, 0), (200, 0)), line((0, 500), (100, 500))]), DRAWN)
    walks = walking_m(network, [(0, 0), (0, 500)], [(200, 0)])
    assert network.pieces == 2
    assert walks.metres[0, 0] == pytest.approx(200)
    assert np.isnan(walks.metres[1, 0])
    whole = network.largest_piece()
    assert whole.pieces == 1
    assert "1 small pieces" in whole.notes[0]
    assert walking_m(whole, [(0, 500)], [(200, 0)]).metres[0, 0] == pytest.approx(500 + 200)


def test_a_limit_leaves_out_what_is_beyond_it():
    network = build_network(np.array([line((0, 0), (100, 0)), line((100, 0), (500, 0))]), DRAWN)
    walks = walking_m(network, [(0, 0), (100, 0)], [(500, 0)], limit_m=450)
    assert np.isnan(walks.metres[0, 0])
    assert walks.metres[1, 0] == pytest.approx(400)


def test_far_snaps_are_counted():
    network = build_network(np.array([line((0, 0), (1000, 0))]), DRAWN)
    snaps = table_of_snaps(walking_m(network, [(0, 10), (0, 900)], [(500, 3)]), far_m=250)
    assert snaps.loc["points"].tolist() == [2, 455.0, 900.0, 1]
    assert snaps.loc["schools", "far"] == 0


def test_chunks_change_nothing():
    rng = np.random.default_rng(3)
    ends = rng.integers(0, 12, size=(60, 4)) * 100.0
    network = build_network(np.array([line(each[:2], each[2:] + 1) for each in ends]), DRAWN)
    homes, schools = rng.uniform(0, 1200, (40, 2)), rng.uniform(0, 1200, (7, 2))
    one, many = (walking_m(network, homes, schools, chunk=size).metres for size in (1, 32))
    np.testing.assert_allclose(one, many)


def test_nothing_to_walk_on_is_refused():
    with pytest.raises(ProjectError, match="at least one line"):
        build_network(np.array([], dtype=object), DRAWN)


@pytest.fixture(scope="module")
def newport():
    if not NEWPORT.is_file():
        pytest.skip("no open data at ../shared/data/road_newport")
    from geoplan.io.travel import read_network

    return read_network(NEWPORT, walking=False)


class TestNewport:
    def test_the_graph_is_the_published_one(self, newport):
        assert (len(newport), len(newport.metres), newport.pieces) == (14_537, 18_347, 19)

    def test_distances_equal_networkx_on_a_sample(self, newport):
        network, rng = newport, np.random.default_rng(7)
        ends = rng.integers(0, len(network), 6)
        homes = rng.integers(0, len(network), 300)
        xy = np.column_stack([network.easting, network.northing])
        walks = walking_m(network, xy[homes], xy[ends]).metres
        graph = ways.graph_of(network)
        for column, end in enumerate(ends):
            far = nx.single_source_dijkstra_path_length(graph, int(end), weight="metres")
            expected = [far.get(int(home), np.nan) for home in homes]
            np.testing.assert_allclose(walks[:, column], expected, rtol=1e-6, atol=0.01)

    def test_points_are_snapped_to_the_middle_of_ways(self, newport):
        network = newport
        middles = shapely.line_interpolate_point(network.lines[:200], 0.5, normalized=True)
        snapped = snap(network, shapely.get_coordinates(middles))
        assert snapped.off_m.max() < 0.01

    def test_motorways_and_private_ways_are_left_out_and_said(self, newport):
        from geoplan.io.travel import read_network

        walked = read_network(NEWPORT)
        assert walked.notes == ("880 of 18,347 ways are motorways or closed to walkers, and left out.",)
        assert "OpenStreetMap" in walked.source.credit
