"""Whether catchments are in one piece: pieces by search, and the linear cuts that keep a design in one piece.

Areas are numbered 0 to n - 1 here and schools 0 to k - 1. A catchment is in one piece when one can walk from any
of its areas to any other through its areas alone, over shared edges.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

_SCALE = 1_000_000  # scipy's maximum flow works in whole numbers
_OPEN = 1_000_000_000  # a capacity that no cut uses up


@dataclass(frozen=True)
class Graph:
    """Which areas are neighbours.

    Parameters
    ----------
    count
        Number of areas.
    pairs
        One row a pair of neighbours, each pair once: two positions.

    Examples
    --------
    >>> Graph(3, np.array([[0, 1], [1, 2]])).of(1).tolist()
    [0, 2]
    """

    count: int
    pairs: np.ndarray

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """The same as a symmetric matrix of ones."""
        a, b = self.pairs.T if len(self.pairs) else np.empty((2, 0), dtype=int)
        ones = np.ones(2 * len(a), dtype=np.int8)
        return sparse.csr_matrix((ones, (np.r_[a, b], np.r_[b, a])), shape=(self.count, self.count))

    @cached_property
    def lists(self) -> list[list[int]]:
        """The neighbours of each area."""
        rows = np.split(self.matrix.indices, self.matrix.indptr[1:-1])
        return [row.tolist() for row in rows]

    def of(self, area: int) -> np.ndarray:
        """The neighbours of one area, in order."""
        return np.sort(self.matrix.indices[self.matrix.indptr[area] : self.matrix.indptr[area + 1]])


@dataclass(frozen=True)
class Cut:
    """If both ends belong to the school, at least one area between them does too.

    In a design x: ``x[area] + x[root] - 1 <= sum of x[between]``, which every catchment in one piece obeys.

    Parameters
    ----------
    school
        The school's position.
    root, area
        The two ends.
    between
        Areas that every way from one to the other passes through.
    """

    school: int
    root: int
    area: int
    between: tuple[int, ...]


def pieces(graph: Graph, labels: np.ndarray) -> np.ndarray:
    """The piece each area is in: two areas share a number when their catchment joins them.

    Parameters
    ----------
    graph
        Neighbours.
    labels
        Catchment of each area; below 0 for none (such an area is a piece of its own).

    Examples
    --------
    >>> line = Graph(4, np.array([[0, 1], [1, 2], [2, 3]]))
    >>> pieces(line, np.array([0, 0, 1, 0])).tolist()
    [0, 0, 1, 2]
    """
    labels = np.asarray(labels)
    a, b = graph.pairs.T if len(graph.pairs) else np.empty((2, 0), dtype=int)
    same = (labels[a] == labels[b]) & (labels[a] >= 0)
    kept = sparse.csr_matrix((np.ones(same.sum()), (a[same], b[same])), shape=(graph.count, graph.count))
    return csgraph.connected_components(kept, directed=False)[1]


def main_pieces(graph: Graph, labels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Whether each area is in the main piece of its catchment: the heaviest, then the first.

    Parameters
    ----------
    graph
        Neighbours.
    labels
        Catchment of each area; below 0 for none (False).
    weight
        Children in each area. Pieces of no children count by their areas.
    """
    labels = np.asarray(labels)
    piece = pieces(graph, labels)
    heavy = np.bincount(piece, np.asarray(weight, dtype=float) + 1e-9)
    label_of = np.full(len(heavy), -1)
    label_of[piece] = labels
    best: dict[int, int] = {}
    for number, label in enumerate(label_of.tolist()):
        if label >= 0 and (label not in best or heavy[number] > heavy[best[label]] * (1 + 1e-12)):
            best[label] = number
    main = np.zeros(len(heavy), dtype=bool)
    main[list(best.values())] = True
    return main[piece]


def separators(
    graph: Graph, values: np.ndarray, allowed: np.ndarray, pull: np.ndarray, least: float = 0.02
) -> list[Cut]:
    """Cuts that a (perhaps fractional) design breaks, by minimum vertex cuts.

    For each school the root is its surest area; every other area with a share in the school is tested against it by
    a maximum flow through areas, each letting through its own share.

    Parameters
    ----------
    graph
        Neighbours.
    values
        Areas x schools: the share of each area given to each school, 0 to 1.
    allowed
        Areas x schools: which areas may belong to which school at all.
    pull
        Areas x schools: how much each area wants that school; decides between equally sure roots.
    least
        Cuts broken by less than this are not returned.

    Returns
    -------
    list of Cut
        Two for a broken pair where the narrowest places nearest to either end differ.
    """
    cuts: dict[Cut, None] = {}
    lists = graph.lists
    for school in range(values.shape[1]):
        share = values[:, school]
        held = np.flatnonzero(share > least)
        if len(held) < 2:
            continue
        sure = held[share[held] > share[held].max() - 1e-3]
        root = int(sure[np.argmax(pull[sure, school])])
        reach = _widest(lists, share, root)
        suspects = held[(reach[held] < share[held] + share[root] - 1 - least) & (held != root)]
        if not len(suspects):
            continue
        net = _Network(graph, np.flatnonzero(allowed[:, school]), share)
        for area in suspects[np.argsort(-share[suspects], kind="stable")].tolist():
            if area in lists[root]:
                continue
            for between in net.narrowest(root, area, share[area] + share[root] - 1 - least):
                cuts[Cut(school, root, area, between)] = None
    return list(cuts)


def _widest(lists: list[list[int]], share: np.ndarray, root: int) -> np.ndarray:
    """For each area the best way from the root, judged by its narrowest area (a lower bound of the flow)."""
    best = np.zeros(len(share))
    best[root] = np.inf
    queue = [(-np.inf, root)]
    while queue:
        width, here = heapq.heappop(queue)
        if -width < best[here]:
            continue
        for other in lists[here]:
            through = min(-width, share[other])
            if through > best[other]:
                best[other] = through
                heapq.heappush(queue, (-through, other))
    return best


class _Network:
    """Areas that may belong to one school, each split into an entrance and an exit."""

    def __init__(self, graph: Graph, areas: np.ndarray, share: np.ndarray):
        self.areas = areas
        count = len(areas)
        self.position = np.full(graph.count, -1)
        self.position[areas] = np.arange(count)
        inner = graph.matrix[areas][:, areas].tocoo()
        rows = np.r_[np.arange(count), count + inner.row]
        columns = np.r_[count + np.arange(count), inner.col]
        through = np.round(share[areas] * _SCALE).astype(np.int64) + 1  # one more, so that cuts stay small
        self.capacity = np.r_[through, np.full(inner.nnz, _OPEN)].astype(np.int32)
        self.rows, self.columns = rows, columns

    def narrowest(self, root: int, area: int, below: float) -> list[tuple[int, ...]]:
        """The narrowest areas between two, nearest to each end; none where the flow is not below the limit."""
        count = len(self.areas)
        source, sink = count + self.position[root], self.position[area]
        net = sparse.csr_matrix((self.capacity, (self.rows, self.columns)), shape=(2 * count, 2 * count))
        flow = csgraph.maximum_flow(net, source, sink)
        if flow.flow_value >= below * _SCALE:
            return []
        left = (net - flow.flow).tocsr()
        left.data = np.where(left.data > 0, 1, 0)
        left.eliminate_zeros()
        forward = np.zeros(2 * count, dtype=bool)
        forward[csgraph.breadth_first_order(left, source, return_predecessors=False)] = True
        backward = np.zeros(2 * count, dtype=bool)
        backward[csgraph.breadth_first_order(left.T.tocsr(), sink, return_predecessors=False)] = True
        by_area = self.areas[np.flatnonzero(backward[count:] & ~backward[:count])]
        by_root = self.areas[np.flatnonzero(forward[:count] & ~forward[count:])]
        return list(dict.fromkeys([tuple(sorted(by_area.tolist())), tuple(sorted(by_root.tolist()))]))
