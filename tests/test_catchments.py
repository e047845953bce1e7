"""Plans as values: verbs, problems, history."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import CODES, make_boundaries

from geoplan.catchments import CatchmentPlan, SchoolChange, nearest_plan, plan_from_pairs
from geoplan.errors import InputRefused, UnknownCodeError, VintageError

WEST, EAST = "900001", "900002"


def today() -> CatchmentPlan:
    """The two western columns of the borough go to one school, the eastern one to another."""
    return CatchmentPlan("Today", "lsoa21", pd.Series({CODES[x]: EAST if x in "CFI" else WEST for x in CODES}))


def test_moving_areas_moves_those_and_remembers():
    option = today().move([CODES["B"], CODES["E"]], to=EAST, name="Option B")
    assert option.moved_from(today()).to_dict("index") == {CODES[x]: {"before": WEST, "after": EAST} for x in "BE"}
    assert option.parent == today() and option.moves[0].verb == "move"
    assert repr(option) == "<CatchmentPlan Option B: 9 lsoa21 areas, 2 schools>"
    assert len(option.move([CODES["B"]], to=WEST).history) == 2


def test_closing_moves_exactly_its_areas():
    closed = today().close(EAST, to=WEST)
    assert sorted(closed.moved_from(today()).index) == sorted(CODES[x] for x in "CFI")
    assert closed.schools == (WEST,) and closed.changes[EAST] == SchoolChange("closed")
    assert closed.open(EAST, [CODES[x] for x in "CFI"]) == today()


def test_closing_must_say_where_every_area_goes():
    with pytest.raises(UnknownCodeError, match="leaves 1 areas without a school"):
        today().close(EAST, to={CODES["C"]: WEST, CODES["F"]: WEST})
    with pytest.raises(UnknownCodeError, match="without a school"):
        today().close(EAST, to=EAST)


def test_opening_and_amalgamating():
    opened = today().open("900003", [CODES["B"]], places=210)
    assert opened.areas_of("900003") == [CODES["B"]]
    assert opened.changes["900003"] == SchoolChange("opened", 210)
    merged = opened.merge([WEST, EAST], into="900009", name="One school")
    assert merged.schools == ("900003", "900009")
    assert set(merged.moved_from(opened).index) == set(opened.areas) - {CODES["B"]}
    assert merged.parent == opened
    assert opened.merge([WEST, "900003"], into=WEST).areas_of(WEST) == today().areas_of(WEST)
    with pytest.raises(UnknownCodeError, match="open already"):
        today().open(EAST, [])


def test_places_and_ages_change_and_change_back():
    bigger = today().expand(WEST, 30)
    assert bigger != today() and bigger.moved_from(today()).empty
    assert bigger.expand(WEST, -30) == today()
    older = today().change_age_range(WEST, "R", "6")
    assert older.changes[WEST].highest_year == "6"
    assert older.change_age_range(WEST, "", "") == today()


def test_strangers_are_refused_by_name():
    with pytest.raises(UnknownCodeError, match="no lsoa21 area 'E0'"):
        today().move(["E0"], to=WEST)
    with pytest.raises(UnknownCodeError, match=r"no school '9'; it has 900001, 900002"):
        today().move([CODES["A"]], to="9")
    with pytest.raises(VintageError, match="by lsoa21"):
        today().moved_from(CatchmentPlan("Old", "lsoa11", pd.Series({"E1": WEST})))
    with pytest.raises(InputRefused, match="1 areas occur twice"):
        CatchmentPlan("Twice", "lsoa21", pd.Series([WEST, EAST], index=["E1", "E1"]))


def test_problems_are_found_all_at_once():
    boundaries = make_boundaries()
    assert today().problems(boundaries.neighbours(), boundaries.codes, [WEST, EAST]) == ()
    table = today().table.copy()
    table[CODES["A"]], table[CODES["D"]] = EAST, ""
    table["E0"] = "900005"
    messy = CatchmentPlan("Messy", "lsoa21", table.drop(CODES["I"]), {EAST: ("900002", "900003")}, extra=("900004",))
    found = messy.problems(boundaries.neighbours(), boundaries.codes, [WEST, EAST, "900003"])
    assert {problem.code for problem in found} == {
        "no school",
        "unknown area",
        "not covered",
        "unknown school",
        "no areas",
        "shared",
        "island",
    }
    island = next(problem for problem in found if problem.code == "island")
    assert (island.school, island.areas) == (EAST, (CODES["A"],))
    assert str(island) == f"900002: 1 area cut off from the rest of the catchment ({CODES['A']})"


def test_catchments_are_their_areas_dissolved():
    outlines = today().catchments(make_boundaries())
    assert outlines.frame.geometry.area.to_dict() == {WEST: 6e6, EAST: 3e6}
    with pytest.raises(VintageError):
        today().catchments(make_boundaries("lsoa11"))


def test_nearest_takes_the_first_of_equals_and_leaves_the_unreachable():
    travel = pd.DataFrame({"2": [1.0, 3.0, None], "1": [1.0, 5.0, None]}, index=["A", "B", "C"])
    assert nearest_plan(travel, "lsoa21").table.to_dict() == {"A": "1", "B": "2", "C": ""}


def test_an_area_of_two_schools_makes_a_shared_catchment():
    pairs = pd.DataFrame({"area": ["A", "A", "B", "C", "C"], "school": ["1", "2", "2", "1", ""]})
    plan = plan_from_pairs(pairs, "lsoa21")
    assert plan.table.to_dict() == {"A": "1+2", "B": "2", "C": "1"}
    assert plan.members("1+2") == ("1", "2") and plan.members("2") == ("2",)
