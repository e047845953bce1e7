"""Two groupings compared and a silhouette, by their definitions, pair by pair."""

from __future__ import annotations

import math
from itertools import combinations


def plain_rand(first: list, second: list) -> float:
    """Adjusted Rand index over all pairs (Hubert and Arabie 1985)."""
    pairs = list(combinations(range(len(first)), 2))
    one = {p for p in pairs if first[p[0]] == first[p[1]]}
    two = {p for p in pairs if second[p[0]] == second[p[1]]}
    chance = len(one) * len(two) / len(pairs)
    most = (len(one) + len(two)) / 2
    return 1.0 if most == chance else (len(one & two) - chance) / (most - chance)


def plain_silhouette(points: list, labels: list) -> float:
    """Mean over points of how much nearer their own group is than the next (Rousseeuw 1987)."""
    scores = []
    for i, point in enumerate(points):
        distances: dict = {}
        for j, other in enumerate(points):
            if i != j:
                distances.setdefault(labels[j], []).append(math.dist(point, other))
        own = distances.pop(labels[i], [])
        if not own:
            scores.append(0.0)
            continue
        inside, outside = sum(own) / len(own), min(sum(d) / len(d) for d in distances.values())
        scores.append((outside - inside) / max(inside, outside))
    return sum(scores) / len(scores)
