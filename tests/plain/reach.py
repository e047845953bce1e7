"""Reach the slow, obvious way: loops over people, one at a time."""

from __future__ import annotations

import math


def counts(people: list[dict], dims: list[str]) -> dict[tuple, int]:
    """People by the codes of some dimensions; those without a code of one are left out."""
    found: dict[tuple, int] = {}
    for person in people:
        key = tuple(person[dim] for dim in dims)
        if all(key):
            found[key] = found.get(key, 0) + 1
    return found


def index(users: list[dict], base: list[dict], dim: str, code: str) -> float | None:
    """100 for the same share as the base; None where the base has nobody of the code, or there are no users."""
    of_users, of_base = counts(users, [dim]), counts(base, [dim])
    total, base_total = sum(of_users.values()), sum(of_base.values())
    if not total or not of_base.get((code,)):
        return None
    return 100 * (of_users.get((code,), 0) / total) / (of_base[(code,)] / base_total)


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Straight line."""
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / 1000


def expected_users(people, sites, levels, per_km) -> float:
    """Expected users: each person's odds are the level times the sum over sites of hours times the falling-off."""
    whole = 0.0
    for segment, place, many in people:
        odds = math.exp(levels[segment]) * sum(
            hours * math.exp(-per_km * distance_km(place, site)) for site, hours in sites
        )
        whole += many * odds / (1 + odds)
    return whole
