"""Good designs fast: catchments grown from seeds, then areas traded across the lines while each stays in one piece.

Compiled by numba. Simulated annealing with a fixed number of steps and its own random numbers, so that a seed gives
the same design on every machine. It proves nothing; the bound comes from :mod:`geoplan.solving`.

References: Kirkpatrick, Gelatt and Vecchi (1983), Science 220:671 (annealing).
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numba import njit

from geoplan.contiguity import main_pieces
from geoplan.programme import TOLERANCE, Programme, worth

_FORBIDDEN = 1e6  # times the usual price of a move: an assignment that is not allowed


class _Numbers(NamedTuple):
    """A programme as the compiled search reads it; the names are the programme's."""

    price: np.ndarray  # areas x schools: the cost, far higher where a school is not allowed
    load: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    target: np.ndarray
    budget: np.ndarray
    budget_most: np.ndarray
    mix: np.ndarray
    mix_cost: np.ndarray
    mix_most: np.ndarray
    balance_cost: float
    balance_most: float
    balanced: bool
    tolerance: float


def grow(programme: Programme, labels: np.ndarray) -> np.ndarray:
    """Whole catchments, each in one piece, from a part of each.

    The main piece of each catchment is kept, and areas without one join a neighbouring catchment, those whose
    journey grows least first. A school without any area starts from the free area that suits it best.

    Parameters
    ----------
    programme
        The numbers.
    labels
        School of each area, -1 for none yet.

    Returns
    -------
    array
        School of each area. An area is given a school that is not allowed only where no neighbour leaves another.
    """
    schools = programme.shape[1]
    best = np.where(programme.allowed, programme.cost, np.inf).min(axis=1)
    dear = np.where(programme.allowed, programme.cost - np.where(np.isfinite(best), best, 0)[:, None], 1e9)
    labels = np.where(labels >= 0, labels, -1)
    if programme.graph is None:
        return np.where(labels >= 0, labels, dear.argmin(axis=1))
    kept = main_pieces(programme.graph, labels, programme.load.sum(axis=0))
    labels = np.where(kept, labels, -1)
    forced = programme.allowed.sum(axis=1) == 1
    for school in np.setdiff1d(np.arange(schools), labels):
        want = np.where((labels < 0) & programme.allowed[:, school], dear[:, school] - 1e3 * forced, np.inf)
        if np.isfinite(want.min()):
            labels[want.argmin()] = school
    lists = programme.graph.lists
    queue = [
        (dear[other, labels[area]], other, int(labels[area]))
        for area in np.flatnonzero(labels >= 0).tolist()
        for other in lists[area]
        if labels[other] < 0
    ]
    heapq.heapify(queue)
    while queue:
        _, area, school = heapq.heappop(queue)
        if labels[area] >= 0:
            continue
        labels[area] = school
        for other in lists[area]:
            if labels[other] < 0:
                heapq.heappush(queue, (dear[other, school], other, school))
    return np.where(labels >= 0, labels, dear.argmin(axis=1))


def improve(
    programme: Programme, labels: np.ndarray, seed: int = 0, steps: int = 200_000, heat: float = 1.0
) -> np.ndarray:
    """A better design near a given one, each catchment kept in one piece if it is.

    Parameters
    ----------
    programme
        The numbers.
    labels
        A whole design; it may break limits, and the search then mends it first.
    seed
        Of the random numbers.
    steps
        How many trades are considered.
    heat
        How freely the search starts out: 1 looks far and wide, 0.02 only mends.

    Returns
    -------
    array
        The best design met that keeps every limit; failing that the one that breaks them least.
    """
    allowed_cost = np.where(programme.allowed, programme.cost, 0.0)
    usual = usual_change(programme)
    mixes = (programme.mix_cost > 0) | np.isfinite(programme.mix_most)
    scale = programme.scale()
    part = float((programme.load.mean(axis=1) / np.maximum(scale.mean(axis=1), 1e-9)).mean())
    graph = programme.graph
    pairs = graph.matrix if graph is not None else None
    start = pairs.indptr.astype(np.int64) if pairs is not None else np.zeros(1, dtype=np.int64)
    other = pairs.indices.astype(np.int64) if pairs is not None else np.zeros(0, dtype=np.int64)
    choice_start = np.r_[0, np.cumsum(programme.allowed.sum(axis=1))].astype(np.int64)
    choice = np.nonzero(programme.allowed)[1].astype(np.int64)
    price = allowed_cost + np.where(programme.allowed, 0.0, _FORBIDDEN * usual)
    numbers = _Numbers(
        price,
        programme.load,
        programme.low,
        programme.high,
        scale,
        np.where(programme.target > 0, programme.target, 0.0),
        programme.budget,
        programme.budget_most,
        programme.mix[mixes],
        programme.mix_cost[mixes],
        programme.mix_most[mixes],
        float(programme.balance_cost),
        float(programme.balance_most),
        bool(programme.balanced),
        TOLERANCE,
    )
    best = _anneal(
        labels.astype(np.int64),
        numbers,
        start,
        other,
        choice_start,
        choice,
        graph is not None,
        usual,
        usual / max(part, 1e-9),
        seed,
        steps,
        heat,
    )
    first, second = worth(programme, labels), worth(programme, best)
    return best if (second.excess, second.value) <= (first.excess, first.value) else labels


def usual_change(programme: Programme) -> float:
    """What one area's change of school does to the objective, about: the scale of the search's heat."""
    usual = usual_range(programme, programme.cost)
    priced = programme.mix_cost > 0
    usual += float((programme.mix_cost[priced] * np.abs(programme.mix[priced]).mean(axis=1)).sum())
    if programme.balanced:
        usual += programme.balance_cost * 0.01
    return usual or 1.0


def usual_range(programme: Programme, values: np.ndarray) -> float:
    """How far apart an area's allowed schools are in some values (areas x schools), on average."""
    highest = np.where(programme.allowed, values, -np.inf).max(axis=1)
    lowest = np.where(programme.allowed, values, np.inf).min(axis=1)
    return float(np.mean(np.where(np.isfinite(highest), highest - lowest, 0.0)))


@njit(cache=True)
def _next(state):
    """One 64-bit random number (xorshift64*)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(2685821657736338717)


@njit(cache=True)
def _below(state, n):
    return np.int64((_next(state) >> np.uint64(11)) % np.uint64(n))


@njit(cache=True)
def _unit(state):
    return float(_next(state) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True)
def _stays_whole(area, label, start, other, mark, stamp, stack):
    """Whether a catchment stays in one piece without an area (and is not empty without it)."""
    school = label[area]
    wanted = 0
    first = -1
    for i in range(start[area], start[area + 1]):
        near = other[i]
        if label[near] == school:
            wanted += 1
            mark[near] = -stamp
            first = near
    if wanted == 0:
        return True  # the last of its catchment; the limits say whether a school may be left without
    if wanted == 1:
        return True
    depth = 1
    stack[0] = first
    mark[first] = stamp
    wanted -= 1
    while depth > 0:
        depth -= 1
        here = stack[depth]
        for i in range(start[here], start[here + 1]):
            near = other[i]
            if near == area or label[near] != school or mark[near] == stamp:
                continue
            if mark[near] == -stamp:
                wanted -= 1
                if wanted == 0:
                    return True
            mark[near] = stamp
            stack[depth] = near
            depth += 1
    return False


@njit(cache=True)
def _outside(sums, low, high, scale, year, school, tolerance):
    value = sums[year, school]
    over = max(value - high[year, school], 0.0) + max(low[year, school] - value, 0.0)
    part = over / scale[year, school]
    return part * (1.0 + 5.0 * part) if part > 0.5 * tolerance else 0.0  # far over is worse than twice half as far


@njit(cache=True)
def _worst(sums, target):
    worst = 0.0
    for year in range(sums.shape[0]):
        for school in range(sums.shape[1]):
            if target[year, school] > 0:
                worst = max(worst, abs(sums[year, school] / target[year, school] - 1.0))
    return worst


@njit(cache=True)
def _too_much(amount, most, tolerance):
    over = amount - most
    return over / max(abs(most), 1e-9) if over > 0.5 * tolerance * max(abs(most), 1e-6) else 0.0


@njit(cache=True)
def _state(label, numbers, sums, spent, held):
    """Fill the sums of a design; returns its value and how far it breaks its limits."""
    sums[:] = 0.0
    spent[:] = 0.0
    held[:] = 0.0
    value = 0.0
    for area in range(len(label)):
        school = label[area]
        value += numbers.price[area, school]
        for year in range(numbers.load.shape[0]):
            sums[year, school] += numbers.load[year, area]
        for b in range(numbers.budget.shape[0]):
            spent[b] += numbers.budget[b, area, school]
        for m in range(numbers.mix.shape[0]):
            held[m, school] += numbers.mix[m, area]
    excess = 0.0
    for year in range(numbers.load.shape[0]):
        for school in range(numbers.price.shape[1]):
            excess += _outside(sums, numbers.low, numbers.high, numbers.scale, year, school, numbers.tolerance)
    for b in range(numbers.budget.shape[0]):
        excess += _too_much(spent[b], numbers.budget_most[b], numbers.tolerance)
    for m in range(numbers.mix.shape[0]):
        amount = np.abs(held[m]).sum()
        value += numbers.mix_cost[m] * amount
        excess += _too_much(amount, numbers.mix_most[m], numbers.tolerance)
    if numbers.balanced:
        worst = _worst(sums, numbers.target)
        value += numbers.balance_cost * worst
        excess += _too_much(worst, numbers.balance_most, numbers.tolerance)
    return value, excess


@njit(cache=True)
def _anneal(label, numbers, start, other, choice_start, choice, one_piece, usual, fine, seed, steps, heat_at_start):
    price, load, low, high, scale, target = numbers[:6]
    budget, budget_most, mix, mix_cost, mix_most = numbers[6:11]
    balance_cost, balance_most, balanced, tolerance = numbers[11:]
    areas, schools = price.shape
    years, budgets, mixes = load.shape[0], budget.shape[0], mix.shape[0]
    random = np.empty(1, dtype=np.uint64)
    random[0] = np.uint64(88172645463325252) ^ (np.uint64(seed + 1) * np.uint64(11400714819323198485))
    sums, spent, held = np.zeros((years, schools)), np.zeros(budgets), np.zeros((mixes, schools))
    value, excess = _state(label, numbers, sums, spent, held)
    amount = np.zeros(mixes)
    for m in range(mixes):
        amount[m] = np.abs(held[m]).sum()
    worst = _worst(sums, target) if balanced else 0.0
    best, best_value, best_excess = label.copy(), value, excess
    members = np.zeros(schools, dtype=np.int64)
    for area in range(areas):
        members[label[area]] += 1
    mark = np.zeros(areas, dtype=np.int64)
    stack = np.empty(areas + 1, dtype=np.int64)
    new_amount = np.zeros(mixes)
    stamp = 0
    for step in range(steps):
        done = step / steps
        heat = 0.5 * usual * heat_at_start * (0.002 / heat_at_start) ** done
        weight = fine * 400.0**done
        area = _below(random, areas)
        a = label[area]
        edges = start[area + 1] - start[area] if one_piece else 0
        if edges == 0 or _below(random, 16) == 0:
            choices = choice_start[area + 1] - choice_start[area]
            if choices == 0:
                continue
            b = choice[choice_start[area] + _below(random, choices)]
            if one_piece and members[b] > 0:
                continue  # a catchment grows at its edge only; an empty one may start anywhere
        else:
            b = label[other[start[area] + _below(random, edges)]]
        if b == a or price[area, b] > price[area, a] + 1e5 * usual:
            continue
        change = price[area, b] - price[area, a]
        broken = 0.0
        for year in range(years):
            broken -= _outside(sums, low, high, scale, year, a, tolerance)
            broken -= _outside(sums, low, high, scale, year, b, tolerance)
            sums[year, a] -= load[year, area]
            sums[year, b] += load[year, area]
            broken += _outside(sums, low, high, scale, year, a, tolerance)
            broken += _outside(sums, low, high, scale, year, b, tolerance)
        for k in range(budgets):
            after = spent[k] + budget[k, area, b] - budget[k, area, a]
            broken += _too_much(after, budget_most[k], tolerance) - _too_much(spent[k], budget_most[k], tolerance)
        for m in range(mixes):
            q = mix[m, area]
            new_amount[m] = amount[m] + abs(held[m, a] - q) - abs(held[m, a]) + abs(held[m, b] + q) - abs(held[m, b])
            change += mix_cost[m] * (new_amount[m] - amount[m])
            broken += _too_much(new_amount[m], mix_most[m], tolerance)
            broken -= _too_much(amount[m], mix_most[m], tolerance)
        new_worst = 0.0
        if balanced:
            new_worst = _worst(sums, target)
            change += balance_cost * (new_worst - worst)
            broken += _too_much(new_worst, balance_most, tolerance) - _too_much(worst, balance_most, tolerance)
        total = change + weight * broken
        accept = total <= 0 or _unit(random) < np.exp(-total / heat)
        if accept and one_piece:
            stamp += 1
            accept = _stays_whole(area, label, start, other, mark, stamp, stack)
        if not accept:
            for year in range(years):
                sums[year, a] += load[year, area]
                sums[year, b] -= load[year, area]
            continue
        label[area] = b
        members[a] -= 1
        members[b] += 1
        for k in range(budgets):
            spent[k] += budget[k, area, b] - budget[k, area, a]
        for m in range(mixes):
            held[m, a] -= mix[m, area]
            held[m, b] += mix[m, area]
            amount[m] = new_amount[m]
        worst = new_worst
        value += change
        excess += broken
        if excess < 1e-9:
            if best_excess >= 1e-9 or value < best_value - 1e-12:
                best[:] = label
                best_value, best_excess = value, excess
        elif excess < best_excess - 1e-12:
            best[:] = label
            best_value, best_excess = value, excess
    return best
