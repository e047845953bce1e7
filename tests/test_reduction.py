"""Sums made small: the same ends as every table written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse

from geoplan.reduction import reduce_sums


def ends(matrix, low, high, wanted):
    """The plain twin: every vector of whole numbers is tried."""
    found = {i: [] for i in wanted}
    for point in itertools.product(*(range(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))):
        if not (matrix @ np.array(point)).any():
            for i in wanted:
                found[i].append(point[i])
    return {i: (min(values), max(values)) if values else None for i, values in found.items()}


def left_ends(reduced, i):
    column, scale, shift = reduced.at[i]
    matrix = reduced.matrix.toarray()
    values = [
        shift + scale * point[column]
        for point in itertools.product(
            *(range(int(a), int(b) + 1) for a, b in zip(reduced.low, reduced.high, strict=True))
        )
        if np.allclose(matrix @ np.array(point), reduced.right)
    ]
    return (min(values), max(values)) if values else None


@pytest.mark.parametrize("seed", range(150))
def test_the_ends_are_those_of_every_vector_written_out(seed):
    random = np.random.default_rng(seed)
    n, rows = int(random.integers(3, 7)), int(random.integers(1, 5))
    dense = random.choice([0.0, 0.0, 1.0, -1.0], (rows, n))
    truth = random.integers(0, 4, n)
    dense = np.column_stack([dense, -(dense @ truth)])  # one more number, 1, makes the right sides
    dense = dense[np.abs(dense[:, -1]) <= 1]
    low = np.append(np.maximum(truth - random.integers(0, 3, n), 0), 1.0)
    high = np.append(truth + random.integers(0, 4, n), 1.0)
    wanted = [int(i) for i in random.choice(n, 2, replace=False)]
    matrix = sparse.csr_matrix(dense)
    expected = ends(matrix, low, high, wanted)
    reduced = reduce_sums(matrix, low, high, np.ones(n + 1, dtype=bool), wanted)
    for i in wanted:
        found = reduced.exact.get(i) or left_ends(reduced, i)
        assert found == expected[i]


def test_a_chain_of_sums_needs_no_solving():
    """Running sums known within 5: every part is found without a programme."""
    n = 60
    rows = []
    for k in range(1, n):
        row = np.zeros(2 * n)
        row[k - 1], row[n + k - 1], row[n + k] = 1.0, 1.0, -1.0  # sum k = sum k-1 and part k
        rows.append(row)
    low, high = np.zeros(2 * n), np.full(2 * n, 9.0)
    low[n:], high[n:] = np.arange(n) * 5.0, np.arange(n) * 5.0 + 4
    reduced = reduce_sums(sparse.csr_matrix(np.array(rows)), low, high, np.ones(2 * n, dtype=bool), range(n - 1))
    assert reduced.matrix.shape[0] == 0
    assert set(reduced.exact.values()) == {(1, 9)}


def test_numbers_that_do_not_fit_are_refused():
    matrix = sparse.csr_matrix([[1.0, 1.0, -1.0]])
    with pytest.raises(ValueError, match="contradict"):
        reduce_sums(matrix, np.array([0.0, 0, 9]), np.array([3.0, 3, 9]), np.ones(3, dtype=bool), [0])
