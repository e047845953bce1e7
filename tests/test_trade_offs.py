"""Trade-offs of two and three measures: small ones equal trying all, nothing listed is beaten, bounds hold."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brighton import brighton
from grids import grid_problem
from plain.designs import beats, broken_limits, front_by_trying_all, slow_measure

from geoplan.briefs import DesignProblem, Limits
from geoplan.catchments import CatchmentPlan
from geoplan.errors import UnknownCodeError
from geoplan.trade_offs import solves_needed, trade_surface, unbeaten

SMALL = [
    (2, ("travel", "moved")),
    (1, ("travel", "gorard", "moved")),
    (0, ("travel", "gorard", "moved")),
    (1, ("moved", "dissimilarity", "balance")),
    (2, ("worst_travel", "moved", "travel")),
    (0, ("gorard", "worst_travel")),
    (3, ("gorard", "worst_travel")),
]


def values(found, measures):
    return [tuple(row) for row in found.points[list(measures)].to_numpy()]


def same(one, other) -> bool:
    return np.allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("seed", "measures"), SMALL)
def test_a_small_trade_off_equals_trying_all(seed, measures):
    problem = grid_problem(seed, rows=2, columns=3, schools=3)
    limits = Limits(places_within=0.7)
    front = front_by_trying_all(problem, limits, measures)
    found = trade_surface(problem, measures, limits, steps=4, gap=1e-9, seconds=120)
    if not front:
        assert not len(found.points) and found.why and found.plans == ()
        return
    listed = values(found, measures)
    # every design listed is on the front, once, and is what its plan comes to by an independent count
    for point, plan in zip(listed, found.plans, strict=True):
        school_of = plan.table.to_dict()
        assert broken_limits(problem, limits, school_of) == []
        assert same(point, [slow_measure(problem, school_of, name) for name in measures])
        assert sum(same(point, each) for each in front) == 1
    # nothing listed is beaten by another
    assert not any(beats(one, other) for one in listed for other in listed)
    # each combination of limits is answered: the least there is under it, or proved to have no plan
    first = measures.index(found.least)
    others = [name for name in measures if name != found.least]
    spread = max(found.points[found.least]) - min(found.points[found.least])
    tie = 1e-3 * max(spread, 1e-3 * max(found.points[found.least]), 1e-9) * 1.01 + 1e-6
    for cell in found.cells.to_dict("records"):
        rest = [(measures.index(name), cell[name] * (1 + 1e-6) + 1e-5) for name in others]
        under = [each[first] for each in front if all(each[at] <= most for at, most in rest)]
        ours = [each[first] for each in listed if all(each[at] <= most for at, most in rest)]
        assert cell["status"] == ("found" if under else "impossible")
        if under:
            assert min(ours) <= min(under) + tie
    # a bound is no higher than the least of any plan with no more of the others, nor than the design itself
    for point, bound in zip(listed, found.points["bound"], strict=True):
        no_more = [each[first] for each in front
                   if all(each[at] <= point[at] + 1e-6 for at in range(len(measures)) if at != first)]  # fmt: skip
        assert bound <= min(no_more) + 1e-6 and bound <= point[first] + 1e-9
    for name in measures:
        true = min(each[measures.index(name)] for each in front)
        assert found.best_bound[name] <= true + 1e-6
        assert found.best[name] == pytest.approx(true, abs=1e-6)


@pytest.mark.parametrize("seed", [0, 3])
def test_with_limits_close_enough_the_whole_front_is_found(seed):
    problem = grid_problem(seed, rows=2, columns=4, schools=2)
    limits, measures = Limits(places_within=0.7), ("gorard", "moved")
    front = front_by_trying_all(problem, limits, measures)
    found = trade_surface(problem, measures, limits, steps=64, gap=1e-9, seconds=300)
    assert len(front) > 3 and len(found.points) == len(front)
    assert all(same(a, b) for a, b in zip(values(found, measures), front, strict=True))
    # an answer that also keeps tighter limits is not worked out again
    assert found.solves < solves_needed(measures, 64) / 2


@pytest.mark.parametrize("tied", [["101", "101", "102", "102"], ["101", "102", "102", "102"]])
def test_of_designs_that_tie_the_one_with_less_of_the_others_is_listed(tied):
    areas, schools = ["E1", "E2", "E3", "E4"], ["101", "102"]
    row = DesignProblem(
        children=pd.DataFrame({"2027": [10, 20, 20, 10]}, index=areas),
        places=pd.Series([60, 60], index=schools),
        travel=pd.DataFrame([[1, 4], [2, 2], [2, 2], [4, 1]], index=areas, columns=schools),
        neighbours=pd.DataFrame({"a": areas[:3], "b": areas[1:]}),
        today=CatchmentPlan("Today", "lsoa21", pd.Series("101", index=areas)),
    )
    start = CatchmentPlan("Tied", "lsoa21", pd.Series(tied, index=areas))
    found = trade_surface(row, ("travel", "moved"), steps=2, gap=1e-9, seconds=20, start=start)
    expected = [(100 / 60, 10), (130 / 60, 0)]
    assert all(same(a, b) for a, b in zip(values(found, ("travel", "moved")), expected, strict=True))


def test_the_limits_of_the_brief_are_kept_by_every_design():
    problem = grid_problem(5, rows=3, columns=3, schools=3, years=2)
    areas = list(problem.areas)
    limits = Limits(places_within=0.6, together=((areas[0], areas[1]),), at_most={"gorard": 0.5})
    found = trade_surface(problem, ("travel", "gorard", "moved"), limits, steps=3, gap=1e-2, seconds=20)
    assert len(found.plans) >= 2
    for plan in found.plans:
        assert broken_limits(problem, limits, plan.table.to_dict()) == []
    assert (found.points["bound"] <= found.points["travel"] + 1e-9).all()


def test_out_of_time_the_best_so_far_comes_with_its_bound():
    problem = grid_problem(6, rows=10, columns=10, schools=5)
    limits = Limits(places_within=0.3)
    began = time.monotonic()
    found = trade_surface(problem, ("travel", "gorard", "moved"), limits, steps=5, gap=1e-9, seconds=3)
    assert time.monotonic() - began < 60  # a step of the solver may run over, not each of 28 designs
    assert len(found.points) >= 1 and np.isfinite(found.points["bound"]).all()
    assert (found.points["bound"] <= found.points["travel"]).all() and (found.points["gap"] >= 0).all()
    assert found.solves < 28
    for plan in found.plans:
        assert broken_limits(problem, limits, plan.table.to_dict()) == []


def test_a_start_within_the_limits_is_never_forgotten():
    problem = grid_problem(4, rows=3, columns=3, schools=2)
    limits = Limits(places_within=0.6)
    first = trade_surface(problem, ("travel", "moved"), limits, steps=3, gap=1e-9, seconds=30)
    again = trade_surface(problem, ("travel", "moved"), limits, steps=2, gap=1e-9, seconds=30, start=first.plans[-1])
    assert again.best["travel"] <= first.points["travel"].iloc[-1] + 1e-9
    assert again.best["moved"] <= first.points["moved"].iloc[-1] + 1e-9
    split = CatchmentPlan("Split", problem.kind, problem.today.table)  # what breaks the limits is no design
    everybody = replace(split, table=split.table.where(split.table == "", problem.schools[0]))
    found = trade_surface(problem, ("travel", "moved"), limits, steps=2, gap=1e-9, seconds=30, start=everybody)
    assert all(plan.table.nunique() > 1 for plan in found.plans)


def test_an_impossible_brief_says_why():
    problem = grid_problem(0, rows=2, columns=3, schools=2)
    found = trade_surface(problem, ("travel", "moved"), Limits(full_at_most=0.5), seconds=20)
    assert not len(found.points) and "places for" in found.why[0] and found.summary() == "; ".join(found.why)


def test_progress_counts_up_and_names_what_is_done():
    seen = []
    problem = grid_problem(1, rows=3, columns=3, schools=2)
    limits = Limits(places_within=0.6)
    trade_surface(problem, ("travel", "moved"), limits, steps=3, progress=lambda *each: seen.append(each))
    done = [each[0] for each in seen]
    assert done == sorted(done) and seen[0] == (0, 5, "the least mean journey") and max(done) <= 5
    assert all(words for *_, words in seen)


@pytest.mark.parametrize(
    "measures", [("travel",), ("travel", "travel"), ("travel", "speed"), ("travel", "moved", "gorard", "balance")]
)
def test_measures_that_cannot_be_traded_are_refused(measures):
    with pytest.raises(UnknownCodeError, match="two or three different measures"):
        trade_surface(grid_problem(0, rows=2, columns=3, schools=2), measures)


def test_a_measure_the_problem_lacks_is_refused():
    problem = replace(grid_problem(0, rows=2, columns=3, schools=2), mix=None)
    with pytest.raises(UnknownCodeError, match="segregation"):
        trade_surface(problem, ("travel", "gorard"))


def test_rows_that_are_beaten_are_left_out_and_of_equal_rows_one_is_kept():
    random = np.random.default_rng(3)
    rows = random.integers(0, 5, (60, 3)).astype(float)
    kept = unbeaten(rows)
    listed = [tuple(row) for row in rows[kept]]
    assert len(set(listed)) == len(listed)
    for row in map(tuple, rows):
        assert (row in listed) == (not any(beats(tuple(other), row) for other in rows))


@pytest.mark.real
def test_brightons_trade_off_of_three_is_within_places_and_has_bounds(shared_data):
    problem = brighton(shared_data)
    limits = Limits(places_within=0.05, nearest=3)
    found = trade_surface(problem, ("travel", "gorard", "moved"), limits, steps=3, gap=5e-3, seconds=60)
    assert len(found.points) >= 4 and (found.points["gap"] < 0.05).all()
    assert found.points["travel"].min() <= 25.9 and found.best_bound["travel"] >= 25.7
    assert found.points["moved"].min() < 180 and found.points["gorard"].min() < 0.07
    assert (found.cells["status"] == "impossible").any()
    for plan in found.plans:
        assert broken_limits(problem, limits, plan.table.to_dict()) == []
