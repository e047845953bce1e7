"""Colours can be told apart and read; class edges are round and leave no class empty."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.maps import palette


def test_contrast_is_that_of_the_wcag_examples():
    assert palette.contrast("#FFFFFF", "#767676") == 4.54  # the grey that WCAG's own notes call the lightest allowed
    assert palette.contrast("#123456", "#123456") == 1.0


@pytest.mark.parametrize("colour", [palette.TEXT, palette.MUTED])
@pytest.mark.parametrize("ground", [palette.PAPER, "#FFF4EC", "#EEF4F9", "#F3F2F1"])
def test_text_can_be_read_on_every_ground(colour, ground):
    assert palette.contrast(colour, ground) >= 4.5


@pytest.mark.parametrize("colour", [*palette.CATEGORICAL, *palette.EXTRA, palette.SCHOOL, palette.HIGHLIGHT])
def test_shapes_stand_out_from_the_paper(colour):
    assert palette.contrast(colour, palette.PAPER) >= 3


@pytest.mark.parametrize("fill", [*palette.SEQUENTIAL, *palette.DIVERGING, palette.HIDDEN_FILL, palette.MISSING_FILL])
def test_every_area_stands_out_by_its_fill_or_its_outline(fill):
    assert palette.contrast(palette.OUTLINE, palette.PAPER) >= 3
    assert max(palette.contrast(fill, palette.PAPER), palette.contrast(palette.OUTLINE, fill)) >= 3


def test_hatching_can_be_seen_and_hidden_differs_from_missing():
    assert palette.contrast(palette.HIDDEN_FILL, palette.HIDDEN_HATCH) >= 3
    assert palette.contrast(palette.MISSING_FILL, palette.MISSING_HATCH) >= 3
    assert palette.HIDDEN_FILL != palette.MISSING_FILL


def test_bars_marks_and_whiskers_stand_out_from_each_other():
    assert palette.contrast(palette.HIGHLIGHT, palette.CATEGORICAL[0]) >= 3
    assert palette.contrast(palette.PAPER, palette.CATEGORICAL[0]) >= 3  # the whisker's white edge on the bar


@pytest.mark.parametrize("classes", range(1, 6))
def test_sequential_colours_get_darker(classes):
    shades = [palette.contrast(colour, palette.PAPER) for colour in palette.sequential_colours(classes)]
    assert shades == sorted(shades) and all(b / a >= 1.3 for a, b in itertools.pairwise(shades))


@pytest.mark.parametrize("choose", [palette.sequential_colours, palette.diverging_colours])
def test_more_classes_than_a_reader_can_tell_are_refused(choose):
    with pytest.raises(ValueError, match="tell apart"):
        choose(6)


def test_too_many_categories_are_refused_with_advice():
    with pytest.raises(ValueError, match="group the categories"):
        palette.category_colours(7)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60), st.sampled_from(["quantile", "equal"]))
def test_every_class_has_a_value_and_edges_rise(values, method):
    breaks = palette.tidy_breaks(values, 5, method)
    assert list(breaks) == sorted(set(breaks)) and len(breaks) <= 4
    assert set(palette.class_of(values, breaks)) == set(range(len(breaks) + 1))
    assert all(edge == int(edge) for edge in breaks)


def test_edges_are_round():
    breaks = palette.tidy_breaks(np.random.default_rng(1).normal(1_000, 300, 500))
    assert all(edge % 10 == 0 for edge in breaks), breaks


def test_no_values_or_one_value_make_one_class():
    assert palette.tidy_breaks([float("nan")]) == () == palette.tidy_breaks([7, 7, 7])


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="quantile"):
        palette.tidy_breaks([1, 2], method="jenks")


def test_a_map_of_mostly_nothing_keeps_classes_for_the_rest():
    """As the map of one school's pupils: quantiles of all the values would put every area in one class."""
    edges = palette.tidy_breaks([0] * 150 + [10, 15, 15, 20, 30, 45, 85])
    assert edges[0] == 10
    assert len(edges) >= 3
