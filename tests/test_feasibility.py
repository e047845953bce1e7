"""An impossible brief says why, in words, and what to relax; what it says is then true."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from grids import grid_problem
from plain.designs import broken_limits

from geoplan.briefs import DesignProblem, Limits
from geoplan.designs import design


@pytest.fixture
def problem():
    return grid_problem(0, rows=3, columns=4, schools=3)


def test_places_below_demand(problem):
    places = problem.places.iloc[:, 0] * 0.9
    found = design(replace(problem, places=places), limits=Limits(full_at_most=1.0))
    assert found.status == "impossible" and found.plan is None
    said = r"^about (\d+0) children, and places for \d+ \(all: full at most 100% of (\d+) places\); they need up to "
    said += r"(\d+)% of"
    told, held, need = map(int, re.search(said, found.why[0]).groups())
    assert abs(told - problem.children.to_numpy().sum()) <= 5
    assert need / 100 * held >= problem.children.to_numpy().sum()


def test_the_year_is_named_when_there_are_several():
    problem = grid_problem(0, rows=3, columns=4, schools=3, years=2)
    places = problem.places * [1.5, 0.5]
    (why,) = design(replace(problem, places=places), limits=Limits(full_at_most=1.0)).why
    assert "children in 2028, and places for" in why


def test_a_longest_journey_that_cuts_off_an_area(problem):
    nearest = problem.travel.min(axis=1)
    limit = float(nearest.max()) - 0.01
    (why,) = design(problem, limits=Limits(max_travel=limit)).why
    assert why.startswith(f"1 area has no school within {limit:g} km ({nearest.idxmax()})")
    assert design(problem, limits=Limits(max_travel=float(nearest.max()), one_piece=False)).plan is not None


def test_settled_areas_that_split_a_catchment():
    areas = ["E1", "E2", "E3"]
    row = DesignProblem(
        pd.DataFrame({"2027": [1.0, 1, 1]}, index=areas),
        pd.Series({"101": 2.0, "102": 2.0}),
        pd.DataFrame(1.0, index=areas, columns=["101", "102"]),
        pd.DataFrame({"a": areas[:2], "b": areas[1:]}),
    )
    (why,) = design(row, limits=Limits(fixed={"E1": "101", "E2": "102", "E3": "101"})).why
    assert why.startswith("101: the settled areas E1 and E3 cannot be in one piece")


def test_an_area_settled_too_far_away(problem):
    area = problem.travel.max(axis=1).idxmax()
    school = problem.travel.loc[area].idxmax()
    limits = Limits(fixed={area: school}, max_travel=float(problem.travel.loc[area].max()) - 0.1)
    assert f"{area} is settled at {school}, but that is farther than allowed" in design(problem, limits=limits).why[0]


def test_groups_in_two_pieces_and_areas_too_large(problem):
    corners = (problem.areas[0], problem.areas[-1])
    assert "must go together are not in one piece" in design(problem, limits=Limits(together=(corners,))).why[0]
    children = problem.children.copy()
    children.iloc[3] = 1_000
    found = design(replace(problem, children=children), limits=Limits(full_at_most=1.0))
    line = next(why for why in found.why if why.startswith("area "))
    assert line == f"area {problem.areas[3]} has more children than any school it may go to can take"


def test_no_exact_count_of_children_is_said(problem):
    children = problem.children * 1.37
    for limits in (Limits(full_at_most=0.01), Limits(full_at_least=9.0), Limits(full_at_least=0.5, nearest=1)):
        for why in design(replace(problem, children=children.round()), limits=limits).why:
            for count in re.findall(r"([\d,]+) children", why):
                assert int(count.replace(",", "")) % 10 == 0, why
            assert not re.search(r"area \w+ has \d", why)


def test_how_many_may_move_is_told_in_tens(problem):
    found = design(problem, limits=Limits(places_within=0.15, at_most={"moved": 0.0}))
    told = [re.search(r"at most 0: ([\d,.]+) is enough", why) for why in found.why]
    assert [float(each.group(1)) % 10 for each in told if each] in ([0.0], [])


def test_a_school_that_cannot_be_filled(problem):
    far = problem.travel.assign(**{"101": 99.0})
    found = design(replace(problem, travel=far), limits=Limits(full_at_least=0.5, nearest=2))
    assert any(why.startswith("101 must have") for why in found.why)


def test_the_limits_to_relax_are_named_and_relaxing_helps(problem):
    limits = Limits(places_within=0.001, nearest=2)
    found = design(problem, limits=limits)
    assert found.status == "impossible"
    assert found.why[0].startswith("no plan keeps every limit")
    line = next(why for why in found.why if "each school's share" in why)
    enough = float(re.search(r"([\d.]+)% is enough", line).group(1)) / 100
    relaxed = replace(limits, places_within=enough)
    better = design(problem, limits=relaxed)
    assert better.plan is not None
    assert broken_limits(problem, relaxed, better.plan.table.to_dict()) == []


def test_two_limits_that_only_help_together(problem):
    limits = Limits(places_within=1e-4, at_most={"moved": 1.0})
    found = design(problem, limits=limits)
    assert found.status == "impossible"
    assert any("limits" in why or "enough" in why for why in found.why)


def test_a_map_in_two_parts_is_noted(problem):
    last = problem.areas[-1]
    without = problem.neighbours[~problem.neighbours.isin([last]).any(axis=1)]
    found = design(replace(problem, neighbours=without), limits=Limits(places_within=0.05))
    assert found.status == "impossible"
    assert found.why[-1].startswith(f"note: 1 area touches no area of the rest ({last})")
    assert np.isinf(found.gap)
