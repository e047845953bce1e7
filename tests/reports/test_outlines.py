"""Outlines made small still cover what they covered, and each level is coarser than the one before."""

from __future__ import annotations

import re

import numpy as np
import shapely
from conftest import make_boundaries

from geoplan.reports import simplify_outlines


def drawn(path: str, step: float, origin: tuple[float, float]) -> list:
    """The rings of path data, back in metres: the slow, obvious way."""
    rings = []
    for ring in path.split("z")[:-1]:
        points: list[tuple[float, float]] = []
        for letter, numbers in re.findall(r"([Mlhv])([-\d,]+)", ring):
            x, y = points[-1] if points else (0, 0)
            given = [int(number) for number in numbers.split(",")]
            if letter == "M":
                points.append((given[0], given[1]))
            elif letter == "l":
                points.append((x + given[0], y + given[1]))
            else:
                points.append((x + given[0], y) if letter == "h" else (x, y + given[0]))
        rings.append(shapely.Polygon([(origin[0] + x * step, origin[1] - y * step) for x, y in points]))
    return rings


def test_squares_come_back_as_they_were():
    boundaries = make_boundaries()
    small = simplify_outlines(boundaries)
    for level in small.levels:
        for code, path in zip(small.codes, level.paths, strict=True):
            (ring,) = drawn(path, level.step_m, small.origin)
            assert ring.symmetric_difference(boundaries.frame.geometry[code]).area <= 4 * 1000 * level.step_m


def test_real_areas_lose_little_at_the_finest_level():
    from reporting import medway

    boundaries = medway().areas
    small = simplify_outlines(boundaries)
    level = small.levels[0]
    for code, path in zip(small.codes, level.paths, strict=True):
        rings = drawn(path, level.step_m, small.origin)
        whole = rings[0]
        for ring in rings[1:]:
            whole = whole.symmetric_difference(ring.buffer(0))
        before = boundaries.frame.geometry[code]
        assert whole.buffer(0).symmetric_difference(before).area < 0.05 * before.area + 2 * level.step_m * before.length
    sizes = [sum(map(len, level.paths)) for level in small.levels]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0] / 2


def test_every_spot_lies_in_its_area():
    from reporting import medway

    boundaries = medway().areas
    spots = simplify_outlines(boundaries).spots
    for at, area in enumerate(boundaries.frame.geometry):
        assert shapely.dwithin(area, shapely.points(spots[at]), 1e-6).all()


def test_a_window_gets_the_areas_that_it_meets_and_a_level_that_suits():
    small = simplify_outlines(make_boundaries())
    inside = small.within((580_100, 160_100, 580_900, 160_900))
    assert [small.codes[at] for at in inside] == ["E01900001"]
    assert small.level_for(3_000).step_m == 10
    assert small.level_for(100_000).step_m == 160
    assert np.isfinite(small.spots).all()
