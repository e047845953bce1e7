"""Designs: small ones equal trying all, the published problem is solved and proved, limits are kept."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brighton import brighton
from grids import grid_problem
from plain.designs import best_by_trying_all, broken_limits, published_design, slow_measure

from geoplan import solving
from geoplan.briefs import Limits
from geoplan.catchments import CatchmentPlan
from geoplan.designs import design, trade_off
from geoplan.errors import InputRefused, UnknownCodeError
from geoplan.formulation import measure_plan

RULE = {"nearest": 3}


@pytest.mark.real
def test_todays_map_of_brighton_gives_the_published_figures(shared_data):
    problem = brighton(shared_data)
    measured = measure_plan(problem, problem.today)
    assert round(measured["travel"], 2) == 26.08
    assert measured["gorard"] == pytest.approx(0.178663174682802, abs=1e-12)
    assert (measured["in_one_piece"], measured["catchments"]) == (6, 7)
    assert round(measured["balance"], 3) == 0.281


@pytest.mark.real
def test_the_published_design_gives_the_published_figures(shared_data):
    problem = brighton(shared_data)
    order = ["PACA", "Hove_Blatch", "Patcham", "DS_Varndean", "BACA", "Longhill", "Peacehaven"]
    plan = CatchmentPlan("Published", "zone", published_design(problem, order))
    measured = measure_plan(problem, plan)
    assert measured["travel"] == pytest.approx(26.2490768177658, abs=1e-9)
    assert measured["gorard"] == pytest.approx(0.205043606847142, abs=1e-12)
    assert (measured["in_one_piece"], measured["catchments"]) == (5, 7)
    assert round(measured["balance"], 3) == 0.206
    assert len(plan.moved_from(problem.today)) == 52
    assert round(measured["moved"]) == 368


@pytest.mark.real
@pytest.mark.parametrize(
    ("within", "gap", "at_most", "at_least"), [(0.03, 2e-4, 25.99, 25.96), (0.05, 1e-3, 25.82, 25.79)]
)
def test_brighton_in_one_piece_within_places_and_proved(shared_data, within, gap, at_most, at_least):
    problem = brighton(shared_data)
    limits = Limits(places_within=within, **RULE)
    found = design(problem, "travel", limits, gap=gap, seconds=300)
    assert found.status == "proved" and found.gap <= 1e-3
    assert found.value <= at_most and found.bound >= at_least
    school_of = found.plan.table.to_dict()
    assert broken_limits(problem, limits, school_of) == []
    assert slow_measure(problem, school_of, "travel") == pytest.approx(found.value)
    assert slow_measure(problem, school_of, "gorard") == pytest.approx(found.measured["gorard"])


@pytest.mark.parametrize("objective", ["travel", "moved", "gorard", "dissimilarity", "balance", "worst_travel"])
@pytest.mark.parametrize("seed", range(2))
def test_small_designs_equal_trying_all(objective, seed):
    problem = grid_problem(seed, rows=2, columns=3, schools=3)
    limits = Limits(places_within=0.5)
    best, _ = best_by_trying_all(problem, limits, objective)
    found = design(problem, objective, limits, gap=1e-6, seconds=60)
    if np.isinf(best):
        assert found.status == "impossible" and found.plan is None and found.why
        return
    assert found.status == "proved"
    assert found.value == pytest.approx(best, abs=1e-6)
    assert broken_limits(problem, limits, found.plan.table.to_dict()) == []


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_limit_is_kept_and_the_best_found(seed):
    problem = grid_problem(seed, rows=2, columns=3, schools=3, years=2)
    areas = list(problem.areas)
    limits = Limits(
        places_within=0.8,
        full_at_most=1.9,
        max_travel=float(problem.travel.to_numpy().max()) * 0.9,
        nearest=2,
        fixed={areas[0]: problem.travel.loc[areas[0]].idxmin()},
        together=((areas[1], areas[2]),),
        at_most={"moved": float(problem.weight.sum()) * 0.7, "gorard": 0.5},
    )
    best, _ = best_by_trying_all(problem, limits, "travel")
    found = design(problem, "travel", limits, gap=1e-6, seconds=60)
    if np.isinf(best):
        assert found.status == "impossible" and found.why
    else:
        assert found.status == "proved" and found.value == pytest.approx(best, abs=1e-6)
        assert broken_limits(problem, limits, found.plan.table.to_dict()) == []


@pytest.mark.parametrize("seed", range(3))
def test_on_a_map_in_parts_each_school_is_at_home_in_one(seed):
    problem = grid_problem(seed, rows=2, columns=4, schools=3)
    river = set(problem.areas[[0, 1, 4, 5]])
    joined = problem.neighbours["a"].isin(river) == problem.neighbours["b"].isin(river)
    problem = replace(problem, neighbours=problem.neighbours[joined])
    limits = Limits(places_within=0.6)
    best, _ = best_by_trying_all(problem, limits, "travel")
    found = design(problem, limits=limits, gap=1e-6, seconds=60)
    if np.isinf(best):
        assert found.status == "impossible" and any(why.startswith("note: 4 areas touch") for why in found.why)
    else:
        assert found.status == "proved" and found.value == pytest.approx(best, abs=1e-6)
        assert broken_limits(problem, limits, found.plan.table.to_dict()) == []


@pytest.mark.real
@pytest.mark.skipif("GEOPLAN_LONG" not in os.environ, reason="minutes long: set GEOPLAN_LONG=1")
def test_brighton_less_segregated_than_published_at_no_longer_journeys(shared_data):
    problem = brighton(shared_data)
    limits = Limits(places_within=0.05, at_most={"travel": 26.24}, **RULE)
    found = design(problem, "gorard", limits, seconds=120)
    assert broken_limits(problem, limits, found.plan.table.to_dict()) == []
    assert found.value < 0.1425 and found.bound > 0.09


@pytest.mark.parametrize("at_most", [{"gorard": 0.3}, {"travel": 1.6}, {"balance": 0.5}, {"moved": 60.0}])
def test_a_limit_on_a_measure_is_met_and_the_best_found(at_most):
    problem = grid_problem(5, rows=2, columns=4, schools=2)
    for objective in {"gorard", "travel", "moved"} - set(at_most):
        limits = Limits(places_within=0.7, at_most=at_most)
        best, _ = best_by_trying_all(problem, limits, objective)
        found = design(problem, objective, limits, gap=1e-6, seconds=60)
        assert (found.plan is None) == np.isinf(best)
        if found.plan is not None:
            assert found.value == pytest.approx(best, abs=1e-6)


def test_without_one_piece_a_catchment_may_be_split():
    problem = grid_problem(1, rows=2, columns=3, schools=3)
    for one_piece in (True, False):
        limits = Limits(places_within=0.3, one_piece=one_piece)
        best, _ = best_by_trying_all(problem, limits, "travel")
        assert design(problem, limits=limits, gap=1e-6).value == pytest.approx(best, abs=1e-6)


def test_prices_of_several_measures_add_up():
    problem = grid_problem(2, rows=2, columns=4, schools=2)
    found = design(problem, {"travel": 1.0, "moved": 0.01, "gorard": 5.0}, gap=1e-6)
    parts = found.measured["travel"] + 0.01 * found.measured["moved"] + 5 * found.measured["gorard"]
    assert found.value == pytest.approx(parts)


def test_a_second_measure_breaks_ties_in_the_first():
    problem = grid_problem(3, rows=2, columns=4, schools=2)
    limits = Limits(places_within=0.4)
    first = design(problem, "worst_travel", limits)
    both = design(problem, "worst_travel", limits, then="travel", gap=1e-6)
    assert both.measured["worst_travel"] == first.measured["worst_travel"]
    assert both.measured["travel"] <= first.measured["travel"] + 1e-9


def test_the_trade_off_is_a_curve_of_proved_designs():
    problem = grid_problem(4, rows=3, columns=3, schools=2)
    table, designs = trade_off(problem, "gorard", Limits(places_within=0.6), points=4, gap=1e-6)
    assert len(table) == len(designs) >= 3
    ordered = table.sort_values("gorard")
    assert (ordered["travel"].diff().dropna() <= 1e-6).all()
    assert (table["gap"] <= 1e-6).all()
    assert (table["least"] <= table["gorard"].min() + 1e-9).all() and np.isinf(table["limit"]).sum() == 1


def test_by_rounds_a_design_is_the_same_every_time():
    problem = grid_problem(5, rows=4, columns=5, schools=3)
    words = {"limits": Limits(places_within=0.2), "rounds": 3, "seconds": 600}
    first, second = design(problem, **words), design(problem, **words)
    assert first.plan == second.plan and (first.value, first.bound) == (second.value, second.bound)


def test_out_of_time_there_is_still_an_answer_or_a_plain_word():
    problem = grid_problem(6, rows=12, columns=12, schools=6)
    found = design(problem, limits=Limits(places_within=0.02), seconds=0.2)
    assert found.status in ("stopped", "proved")
    if found.plan is None:
        assert "no plan" in found.summary() and found.nearly is not None
    else:
        assert found.bound <= found.value
        assert broken_limits(problem, Limits(places_within=0.02), found.plan.table.to_dict()) == []


def test_large_designs_go_by_groups_of_schools(monkeypatch):
    monkeypatch.setattr("geoplan.solving._EXACT_UP_TO", 0)
    problem = grid_problem(7, rows=6, columns=7, schools=6)
    limits = Limits(places_within=0.4)
    found = design(problem, limits=limits, rounds=8, gap=0.01, seconds=600)
    assert found.plan is not None and found.bound <= found.value
    assert broken_limits(problem, limits, found.plan.table.to_dict()) == []
    assert len(found.history) == len(set(found.history))


def test_groups_that_bring_nothing_give_way_to_larger_ones_and_then_to_the_whole(monkeypatch):
    tried, whole = [], []
    group, exact = solving._group, solving._exact
    monkeypatch.setattr(solving, "_EXACT_UP_TO", 0)
    monkeypatch.setattr(solving, "_PATIENCE", 4)
    monkeypatch.setattr(solving, "_solve_group", lambda *words: None)
    monkeypatch.setattr(solving, "_group", lambda *words: (tried.append(words[3]), group(*words))[1])
    monkeypatch.setattr(solving, "_exact", lambda *words: (whole.append(len(tried)), exact(*words))[1])
    problem = grid_problem(7, rows=6, columns=7, schools=6)
    design(problem, limits=Limits(places_within=0.4), gap=1e-9, rounds=60, seconds=600)
    assert tried == [500] * 4 + [1000] * 2 + [2000, 4000, 8000]
    assert whole[0] == len(tried)


def test_progress_is_told_and_only_improves():
    seen = []
    design(grid_problem(8, rows=5, columns=6, schools=3), progress=lambda *entry: seen.append(entry))
    assert seen
    values, bounds = [entry[1] for entry in seen], [entry[2] for entry in seen]
    assert values == sorted(values, reverse=True) and bounds == sorted(bounds)


def test_what_the_problem_does_not_have_is_refused():
    problem = grid_problem(0, rows=2, columns=3, schools=2)
    with pytest.raises(UnknownCodeError, match="no measure 'speed'"):
        design(problem, "speed")
    with pytest.raises(UnknownCodeError, match="no area 'E9'"):
        design(problem, limits=Limits(fixed={"E9": problem.schools[0]}))
    with pytest.raises(UnknownCodeError, match="no measure 'speed'"):
        Limits(at_most={"speed": 1})


def test_tables_that_do_not_fit_are_refused_all_at_once():
    problem = grid_problem(0, rows=2, columns=3, schools=2)
    children = pd.concat([problem.children, pd.DataFrame({"2027": [-1.0]}, index=["E9"])])
    with pytest.raises(InputRefused) as refused:
        type(problem)(children, problem.places, problem.travel.iloc[:, :1], problem.neighbours)
    assert {found.code for found in refused.value.problems} == {"code_unknown", "number_malformed"}
    assert len(refused.value.problems) == 3
