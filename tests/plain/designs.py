"""Designs checked and found the slow, obvious way, and the published designer they are compared with."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from geoplan.briefs import DesignProblem, Limits


def in_one_piece(areas: set[str], neighbours: set[frozenset]) -> bool:
    """Whether one can walk from any of the areas to any other."""
    if not areas:
        return True
    seen, to_visit = set(), [min(areas)]
    while to_visit:
        here = to_visit.pop()
        seen.add(here)
        to_visit += [other for other in areas - seen if frozenset((here, other)) in neighbours]
    return seen == areas


def broken_limits(problem: DesignProblem, limits: Limits, school_of: dict[str, str]) -> list[str]:
    """The limits that a plan breaks, by sums and searches over the tables as they were given."""
    neighbours = {frozenset(pair) for pair in problem.neighbours[["a", "b"]].itertuples(index=False)}
    broken = []
    if set(school_of) != set(problem.areas):
        broken.append("areas")
    for school in problem.schools:
        areas = {area for area, own in school_of.items() if own == school}
        if limits.one_piece and not in_one_piece(areas, neighbours):
            broken.append(f"pieces of {school}")
        for year in problem.children.columns:
            children = sum(problem.children.at[area, year] for area in areas)
            places = problem.places.at[school, year]
            share = places / sum(problem.places[year]) * sum(problem.children[year])
            ends = []
            if limits.places_within is not None:
                ends.append((share * (1 - limits.places_within), share * (1 + limits.places_within)))
            if limits.full_at_most is not None:
                ends.append((0, places * limits.full_at_most))
            if limits.full_at_least is not None:
                ends.append((places * limits.full_at_least, np.inf))
            if any(not low - 1e-5 * share <= children <= high + 1e-5 * share for low, high in ends):
                broken.append(f"places of {school} in {year}")
    for area, school in school_of.items():
        journey = problem.travel.at[area, school]
        if np.isnan(journey) or (limits.max_travel is not None and journey > limits.max_travel):
            broken.append(f"travel of {area}")
        if limits.nearest is not None and area not in limits.fixed:
            nearer = sum(other < journey for other in problem.travel.loc[area])
            if nearer >= limits.nearest:
                broken.append(f"nearest of {area}")
        if limits.fixed.get(area, school) != school:
            broken.append(f"fixed {area}")
    for group in limits.together:
        if len({school_of[area] for area in group}) > 1:
            broken.append("together")
    for name, most in limits.at_most.items():
        if slow_measure(problem, school_of, name) > most + 1e-5 * max(abs(most), 1):
            broken.append(name)
    return broken


def slow_measure(problem: DesignProblem, school_of: dict[str, str], name: str) -> float:
    """One measure of a plan, from its definition."""
    years = problem.children.columns
    children = {area: sum(problem.children.loc[area]) / len(years) for area in problem.areas}
    if name == "travel":
        return sum(n * problem.travel.at[a, school_of[a]] for a, n in children.items()) / sum(children.values())
    if name == "worst_travel":
        return max(problem.travel.at[area, school] for area, school in school_of.items())
    if name == "moved":
        return sum(n for a, n in children.items() if problem.today.table[a] != school_of[a])
    if name == "balance":
        apart = 0.0
        for year in years:
            for school in problem.schools:
                held = sum(problem.children.at[a, year] for a in problem.areas if school_of[a] == school)
                share = problem.places.at[school, year] / sum(problem.places[year]) * sum(problem.children[year])
                apart = max(apart, abs(held / share - 1)) if share > 0 else apart
        return apart
    group, counted = problem.mix["group"], problem.mix["counted"]
    other = counted - group if name == "dissimilarity" else counted
    total = 0.0
    for school in problem.schools:
        areas = [area for area in problem.mix.index if school_of[area] == school]
        total += abs(group[areas].sum() / group.sum() - other[areas].sum() / other.sum())
    return total / 2


def best_by_trying_all(problem: DesignProblem, limits: Limits, name: str) -> tuple[float, dict[str, str] | None]:
    """The least of a measure over every plan there is."""
    best, plan = np.inf, None
    neighbours = {frozenset(pair) for pair in problem.neighbours[["a", "b"]].itertuples(index=False)}
    areas = list(problem.areas)
    for schools in product(problem.schools, repeat=len(areas)):
        held = [{area for area, own in zip(areas, schools, strict=True) if own == school} for school in problem.schools]
        if limits.one_piece and not all(in_one_piece(own, neighbours) for own in held):
            continue
        school_of = dict(zip(areas, schools, strict=True))
        if not broken_limits(problem, limits, school_of):
            value = slow_measure(problem, school_of, name)
            if value < best - 1e-12:
                best, plan = value, school_of
    return best, plan


def published_design(problem: DesignProblem, order: list[str]) -> pd.Series:
    """The open design model's own answer: prices until places fit, then stray pieces mended and areas traded.

    Written from the model's public description and code (A. Dennett, bh-school-model, public/R), to compare with.
    """
    children = problem.children.iloc[:, 0].to_numpy()
    costs = problem.travel[order].to_numpy()
    places = problem.places.loc[order].iloc[:, 0].to_numpy()
    target = np.minimum(places / places.sum() * children.sum(), places)
    band = np.maximum(0.03 * target, 15)
    rank = np.argsort(np.argsort(costs, axis=1, kind="stable"), axis=1)
    costs = np.where(rank < 3, costs, np.inf)
    price, scale = np.zeros(len(order)), costs[np.isfinite(costs)].mean() / 10
    best, labels = np.inf, None
    for turn in range(1, 3001):
        chosen = (costs + price).argmin(axis=1)
        excess = np.bincount(chosen, children, len(order)) - target
        score = np.max(np.abs(excess) / band)
        if score < best:
            best, labels = score, chosen
        if score <= 1:
            break
        price = price + 0.8 / (1 + turn / 200) * (excess / target) * scale
    return pd.Series(np.array(order)[_mended(labels.copy(), problem, costs, children, target, band)], problem.areas)


def _mended(labels, problem, costs, children, target, band):
    lists = problem.graph.lists
    for school in range(len(target)):
        parts = _components(np.flatnonzero(labels == school), lists)
        size = sum(map(len, parts))
        if size < 2 or len(parts) <= 1:
            continue
        main = int(np.argmax([len(part) for part in parts]))
        for number, part in enumerate(parts):
            if number == main or len(part) > max(2, int(0.2 * size)):
                continue
            near = list(dict.fromkeys(labels[other] for area in part for other in lists[area]))
            options = [(costs[part, other].mean(), other) for other in near if other != school]
            options = [option for option in options if np.isfinite(option[0])]
            if options:
                labels[part] = min(options)[1]
    for _ in range(400):
        excess = (np.bincount(labels, children, len(target)) - target) / band
        if np.abs(excess).max() <= 1:
            break
        giver = int(excess.argmax())
        trades = [
            (costs[area, taker] - costs[area, giver], area, taker)
            for area in np.flatnonzero(labels == giver)
            for taker in sorted({int(labels[other]) for other in lists[area]} - {giver})
            if excess[taker] < -0.2 and np.isfinite(costs[area, taker])
        ]
        for _, area, taker in sorted(trades):
            trial = labels.copy()
            trial[area] = taker
            if all(len(_components(np.flatnonzero(trial == s), lists)) <= 1 for s in (giver, taker)):
                labels = trial
                break
        else:
            break
    return labels


def _components(areas, lists):
    left, parts = set(areas.tolist()), []
    while left:
        part, to_visit = [], [min(left)]
        left.discard(min(left))
        while to_visit:
            here = to_visit.pop()
            part.append(here)
            fresh = [other for other in lists[here] if other in left]
            left.difference_update(fresh)
            to_visit += fresh
        parts.append(part)
    return parts


def front_by_trying_all(problem: DesignProblem, limits: Limits, measures: tuple[str, ...]) -> list[tuple[float, ...]]:
    """The values of every plan that no other beats in the measures, over every plan there is."""
    neighbours = {frozenset(pair) for pair in problem.neighbours[["a", "b"]].itertuples(index=False)}
    areas = list(problem.areas)
    found = set()
    for schools in product(problem.schools, repeat=len(areas)):
        school_of = dict(zip(areas, schools, strict=True))
        held = [{area for area, own in school_of.items() if own == school} for school in problem.schools]
        if limits.one_piece and not all(in_one_piece(own, neighbours) for own in held):
            continue
        if not broken_limits(problem, limits, school_of):
            found.add(tuple(round(float(slow_measure(problem, school_of, name)), 9) for name in measures))
    return sorted(each for each in found if not any(beats(other, each) for other in found))


def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is no more in anything, and less in something, than the other."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other
