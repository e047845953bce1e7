"""Straight lines and their bands."""

from __future__ import annotations

import pytest

from geoplan.distances import METRES_PER_MILE, name_bands, straight_line_table_m, to_bands


def test_a_distance_on_an_edge_belongs_to_the_nearer_band():
    exact = [METRES_PER_MILE * miles for miles in (0, 0.5, 1, 2, 3)]
    assert to_bands(exact).codes.tolist() == [0, 0, 1, 2, 3]
    assert to_bands([metres + 0.001 for metres in exact]).codes.tolist() == [0, 1, 2, 3, 4]
    assert to_bands([1000, 1000.1], (1, 2), "km").tolist() == ["up to 1 km", "1 to 2 km"]


@pytest.mark.parametrize(
    ("edges", "unit"), [((), "km"), ((0, 1), "km"), ((2, 1), "km"), ((1, 1), "km"), ((1,), "feet")]
)
def test_bands_that_make_no_sense_are_refused(edges, unit):
    with pytest.raises(ValueError, match=r"ascend|distances are in"):
        name_bands(edges, unit)


def test_a_table_of_straight_lines():
    assert straight_line_table_m([0, 3], [0, 4], [0], [0]).tolist() == [[0.0], [5.0]]
