"""Ways to school and closures once more, slow and obvious: shortest paths by networkx, allocations by trying all."""

from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np


def graph_of(network) -> nx.Graph:
    """The network as networkx has it; of several ways between two junctions the shortest."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(network)))
    for start, end, metres in zip(network.start, network.end, network.metres, strict=True):
        if not graph.has_edge(start, end) or graph[start][end]["metres"] > metres:
            graph.add_edge(int(start), int(end), metres=float(metres))
    return graph


def best_allocation(cost: np.ndarray, year: np.ndarray, total: np.ndarray, by_year: np.ndarray) -> tuple[int, float]:
    """Most pupils that can be placed, and the least cost of placing so many, by trying every way."""
    pupils, schools = cost.shape
    best = (0, 0.0)
    for choice in product(range(-1, schools), repeat=pupils):
        if not _fits(choice, cost, year, total, by_year):
            continue
        placed = sum(school >= 0 for school in choice)
        spent = sum(cost[i, school] for i, school in enumerate(choice) if school >= 0)
        if placed > best[0] or (placed == best[0] and spent < best[1]):
            best = (placed, spent)
    return best


def _fits(choice, cost, year, total, by_year) -> bool:
    for school in range(cost.shape[1]):
        members = [i for i, each in enumerate(choice) if each == school]
        if len(members) > total[school] or any(not np.isfinite(cost[i, school]) for i in members):
            return False
        for group in set(year[members]):
            if group >= 0 and sum(year[i] == group for i in members) > by_year[school, group]:
                return False
    return True


def stable(choice: np.ndarray, cost: np.ndarray, total: np.ndarray) -> bool:
    """Whether no pupil and school would both rather have each other: by distance on both sides, places in all only."""
    for i, j in product(range(cost.shape[0]), range(cost.shape[1])):
        if not np.isfinite(cost[i, j]) or choice[i] == j:
            continue
        wants = choice[i] < 0 or cost[i, j] < cost[i, choice[i]]
        held = [cost[k, j] for k in range(len(choice)) if choice[k] == j]
        takes = len(held) < np.floor(total[j]) or (held and max(held) > cost[i, j])
        if wants and takes:
            return False
    return True
