"""Pieces by search, and cuts that every catchment in one piece obeys."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from grids import grid_neighbours
from plain.designs import in_one_piece

from geoplan.catchments import graph_of
from geoplan.contiguity import Graph, main_pieces, pieces, separators


def grid(rows, columns):
    import pandas as pd

    codes = [f"E{i}" for i in range(rows * columns)]
    return graph_of(pd.Index(codes), grid_neighbours(codes, rows, columns))


def test_pieces_are_those_of_a_plain_search():
    graph = grid(3, 4)
    pairs = {frozenset(pair) for pair in graph.pairs.tolist()}
    random = np.random.default_rng(0)
    for _ in range(50):
        labels = random.integers(-1, 3, 12)
        piece = pieces(graph, labels)
        for number in np.unique(piece):
            members = set(np.flatnonzero(piece == number).tolist())
            assert in_one_piece(members, pairs)
            assert len(set(labels[list(members)])) == 1
        for school in range(3):
            held = set(np.flatnonzero(labels == school).tolist())
            assert in_one_piece(held, pairs) == (len(np.unique(piece[list(held)])) <= 1)


def test_the_main_piece_is_the_one_with_most_children():
    line = Graph(5, np.array([[0, 1], [1, 2], [2, 3], [3, 4]]))
    labels = np.array([0, 0, 1, 0, 1])
    assert main_pieces(line, labels, np.array([1, 1, 1, 5, 2])).tolist() == [False, False, False, True, True]
    assert main_pieces(line, labels, np.zeros(5)).tolist() == [True, True, True, False, False]


def test_an_answer_in_two_pieces_breaks_a_cut_and_no_whole_catchment_does():
    graph = grid(2, 4)
    pairs = {frozenset(pair) for pair in graph.pairs.tolist()}
    shares = np.zeros((8, 2))
    shares[[0, 4, 3, 7], 0] = 1
    shares[:, 1] = 1 - shares[:, 0]
    cuts = separators(graph, shares, np.ones((8, 2), dtype=bool), np.ones((8, 2)))
    assert cuts and all(cut.school == 0 for cut in cuts)
    for cut in cuts:
        assert shares[[cut.root, cut.area], 0].sum() - 1 > shares[list(cut.between), 0].sum()
        for chosen in product((0, 1), repeat=8):
            held = {area for area in range(8) if chosen[area]}
            if in_one_piece(held, pairs):
                assert chosen[cut.root] + chosen[cut.area] - 1 <= sum(chosen[area] for area in cut.between)


def test_a_fractional_answer_is_cut_where_its_flow_is_too_narrow():
    line = Graph(4, np.array([[0, 1], [1, 2], [2, 3]]))
    shares = np.array([[1.0], [0.3], [0.6], [1.0]])
    allowed = np.ones((4, 1), dtype=bool)
    (cut,) = [cut for cut in separators(line, shares, allowed, np.array([[2.0], [1], [1], [1]])) if cut.area == 3]
    assert (cut.root, cut.between) == (0, (1,))
    assert separators(line, np.array([[1.0], [1], [1], [1]]), allowed, np.ones((4, 1))) == []


def test_areas_that_cannot_be_joined_are_never_both_in():
    apart = Graph(3, np.array([[0, 1]]))
    (cut,) = separators(apart, np.ones((3, 1)), np.ones((3, 1), dtype=bool), np.array([[2.0], [1], [1]]))
    assert (cut.root, cut.area, cut.between) == (0, 2, ())


@pytest.mark.parametrize("pairs", [np.empty((0, 2), dtype=int), np.array([[0, 1]])])
def test_few_neighbours_are_no_trouble(pairs):
    assert len(np.unique(pieces(Graph(2, pairs), np.array([0, 0])))) == 2 - len(pairs)
