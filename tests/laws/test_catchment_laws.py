"""Laws of plans and designs: there and back is the same, closing moves exactly its areas, designs keep their limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from grids import grid_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.designs import broken_limits, slow_measure

from geoplan.briefs import Limits
from geoplan.catchments import CatchmentPlan, plan_from_pairs
from geoplan.designs import design
from geoplan.effects import Residents, compare_plans
from geoplan.formulation import measure_plan

CODES = [f"E{i:02}" for i in range(12)]
SCHOOLS = ["101", "102", "103", "104"]
plans = st.lists(st.sampled_from(SCHOOLS), min_size=12, max_size=12).map(
    lambda schools: CatchmentPlan("Plan", "lsoa21", pd.Series(schools, index=CODES), extra=tuple(SCHOOLS))
)
some_areas = st.lists(st.sampled_from(CODES), unique=True)


@given(plans, some_areas, st.sampled_from(SCHOOLS))
def test_there_and_back_is_the_same_plan(plan, areas, to):
    there = plan.move(areas, to=to)
    back = there
    for school, part in plan.table[areas].groupby(plan.table[areas]):
        back = back.move(part.index, to=school)
    assert back == plan
    assert back.moved_from(plan).empty
    assert set(there.moved_from(plan).index) == {area for area in areas if plan.table[area] != to}


@given(plans, st.sampled_from(SCHOOLS), st.data())
def test_closing_moves_exactly_its_areas(plan, school, data):
    own = plan.areas_of(school)
    others = [other for other in SCHOOLS if other != school]
    closed = plan.close(school, to={area: data.draw(st.sampled_from(others)) for area in own})
    assert list(closed.moved_from(plan).index) == own
    assert school not in closed.schools
    assert closed.open(school, own) == plan


@given(plans, plans)
def test_what_moved_one_way_moved_back_the_other(plan, other):
    there, back = plan.moved_from(other), other.moved_from(plan)
    assert there.index.equals(back.index)
    assert there["before"].equals(back["after"].rename("before"))
    assert there.empty == (plan == other)


@given(plans)
def test_a_plan_written_as_pairs_reads_back(plan):
    pairs = plan.table.rename_axis("area").reset_index()
    again = plan_from_pairs(pairs.sample(frac=1, random_state=0), "lsoa21")
    assert again.table.equals(plan.table)


@given(st.integers(0, 10_000), st.sampled_from(["travel", "moved", "gorard", "balance"]), st.floats(0.1, 0.8))
@settings(max_examples=8)
def test_a_design_keeps_its_limits_and_its_bound(seed, objective, within):
    problem = grid_problem(seed, rows=3, columns=5, schools=3)
    limits = Limits(places_within=within)
    found = design(problem, objective, limits, gap=1e-3, seconds=1)
    if found.plan is None:
        assert found.status in ("impossible", "stopped") and found.why
        return
    school_of = found.plan.table.to_dict()
    assert broken_limits(problem, limits, school_of) == []
    assert np.isclose(slow_measure(problem, school_of, objective), found.value, atol=1e-9)
    assert found.bound <= found.value + 1e-9
    for name in ("travel", "worst_travel", "moved", "gorard", "dissimilarity", "balance"):
        assert np.isclose(measure_plan(problem, found.plan)[name], slow_measure(problem, school_of, name))


@given(plans, plans, st.integers(0, 1000))
@settings(max_examples=30)
def test_what_becomes_of_people_adds_up_and_swaps_with_the_plans(plan, other, seed):
    rng = np.random.default_rng(seed)
    area = rng.integers(0, len(CODES), 60)
    columns = {"fsm": (rng.integers(0, 2, 60), pd.Index(["no", "yes"]))}
    residents = Residents("lsoa21", area, pd.Index(CODES), columns, "pupils", 0, rng.uniform(0, 9e3, 60), np.zeros(60))
    sites = pd.DataFrame({"easting": [0.0, 3e3, 6e3, 9e3], "northing": 0.0}, index=SCHOOLS)
    there, back = (compare_plans(*pair, residents, sites=sites) for pair in ((plan, other), (other, plan)))
    effects, again = there.tables["effects"].counts, back.tables["effects"].counts
    assert effects.sum() == again.sum() == 60
    assert effects.get("nearer school", 0) == again.get("farther school", 0)
    moved = sum(plan.table[CODES[at]] != other.table[CODES[at]] for at in area)
    assert there.tables["movers"].counts.get("yes", 0) == moved == 60 - effects.get("same school", 0)
    by_fsm = there.tables["effects_by_fsm"].counts.groupby("effect").sum()
    assert by_fsm.to_dict() == effects.to_dict()
    assert there.figures["mean_m_before"] == back.figures["mean_m_after"]


@given(plans, st.dictionaries(st.sampled_from(SCHOOLS), st.lists(st.sampled_from("pqrs"), min_size=1, max_size=2)))
def test_calling_catchments_by_their_schools_moves_no_line(plan, schools):
    told = plan.with_schools(schools)
    for school in plan.schools:
        members = tuple(sorted(set(schools.get(school, [school]))))
        assert set(plan.areas_of(school)) <= set(told.areas_of("+".join(members)))
        assert told.members("+".join(members)) == members
