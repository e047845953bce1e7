"""Ways to school: three measures, suitable schools, and the one-sided limits of free travel."""

from __future__ import annotations

import pickle
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan.distances import METRES_PER_MILE
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.networks import build_network
from geoplan.sources import Source
from geoplan.transport_rules import LIMITS, ages_of, limits_on, walking_limit_miles
from geoplan.travel import (
    ALL_OVER,
    ENTITLED,
    LOW_INCOME_ENTITLED,
    NEARER,
    NOT_KNOWN,
    NOT_OF_AGE,
    OVER_NEAREST_UNKNOWN,
    ROUTE,
    WITHIN,
    Travel,
    by_matrix,
    by_network,
    by_straight_line,
    entitlement,
    nearest,
    not_judged,
    points_of,
    religious_character,
    same_character,
    sex_note,
    suitable,
    to_school,
)

MILE = METRES_PER_MILE
TODAY = date(2026, 11, 29)


def schools(**columns) -> pd.DataFrame:
    frame = pd.DataFrame({"easting": [0.0, 5 * MILE], "northing": [0.0, 0.0]}, index=["near", "far"])
    return frame.assign(name=frame.index, **columns)


def homes(*miles: float) -> pd.DataFrame:
    return pd.DataFrame({"easting": [-m * MILE for m in miles], "northing": 0.0})


def judged(miles, year, school="near", fsm="no", route=False, frame=None, **more):
    frame = schools() if frame is None else frame
    places = homes(miles)
    travel = by_straight_line(places, frame)
    if route:
        travel = Travel(travel.values, travel.places, travel.schools, "m", "walk", (), True, travel.values)
    pupils = pd.DataFrame({"school": [school], "year_group": [year], "fsm": [fsm]})
    can = np.ones((1, len(frame)), dtype=bool)
    return entitlement(pupils, np.array([0]), travel, can, TODAY, **more).pupils["status"].iloc[0]


def test_straight_lines_state_their_points_and_rounding():
    travel = by_straight_line(homes(1.0), schools(), points=("the address point", "the gate"), round_to_m=1.609344)
    assert travel.values[0, 0] == pytest.approx(MILE)
    assert travel.notes[0] == "Straight lines from the address point to the gate, rounded to the nearest 1.60934 m."


def test_a_school_without_a_position_is_left_out_and_said():
    frame = schools().assign(easting=[0.0, np.nan])
    travel = by_straight_line(homes(1.0), frame)
    assert list(travel.schools) == ["near"]
    assert "1 school without a position is left out." in travel.notes


def test_a_network_says_what_it_cannot_reach():
    lines = np.array([shapely.LineString([(-2000, 0), (0, 0)]), shapely.LineString([(7000, 0), (9000, 0)])])
    network = build_network(lines, Source("two ways"))
    places = pd.DataFrame({"easting": [-1000.0, 8500.0], "northing": [0.0, 0.0]})
    travel = by_network(places, schools().iloc[:1], network)
    assert travel.values[0, 0] == pytest.approx(1000)
    assert np.isnan(travel.values[1, 0])
    assert any("1 place cannot be reached on this network (it is in 2 pieces)" in note for note in travel.notes)


def test_a_matrix_says_which_pairs_it_lacks():
    given = pd.DataFrame({"place": ["A", "A", "C"], "school": ["1", "2", "1"], "value": [3.0, 4.0, 5.0]})
    travel = by_matrix(given, pd.Index(["A", "B"]), pd.Index(["1", "2"]), "minutes", Source("m.csv"))
    assert travel.values.tolist()[0] == [3.0, 4.0]
    assert "2 of 4 pairs of a place and a school are not in the matrix" in travel.notes[1]
    assert "1 of 3 rows of the matrix are of other places or schools." in travel.notes[2]
    with pytest.raises(ValueError, match="minutes"):
        travel.between()


def test_distances_from_homes_are_not_pickled():
    with pytest.raises(NotProtected):
        pickle.dumps(by_straight_line(homes(1.0), schools()))


def test_an_unknown_school_is_named():
    with pytest.raises(UnknownCodeError, match="no distances to 999"):
        by_straight_line(homes(1.0), schools()).to(["999"])


def test_points_are_counted_once():
    places, at = points_of(pd.DataFrame({"easting": [3.0, np.nan, 3.0], "northing": [4.0, 4.0, 4.0]}))
    assert len(places) == 1
    assert at.tolist() == [0, -1, 0]


def test_suitable_schools_by_year_gender_selection_special_and_faith():
    frame = pd.DataFrame(
        {
            "lowest_year": ["R", "7", "7", "7", "R", "R"],
            "highest_year": ["6", "11", "13", "11", "11", "6"],
            "gender": ["Mixed", "Mixed", "Mixed", "Girls", "Mixed", "Mixed"],
            "admissions": ["no", "no", "Selective", "no", "no", "no"],
            "type": ["Community", "Academy", "Academy", "Academy", "Community special school", "Voluntary aided"],
            "faith": ["", "None", "", "", "", "Church of England"],
        },
        index=["primary", "secondary", "grammar", "girls", "special", "church"],
    )

    def fit(year, **more):
        return frame.index[suitable(frame, [year], **more)[0]].tolist()

    assert fit("3") == ["primary", "church"]
    assert fit("3", faith="none") == ["primary"]
    assert fit("3", faith="same", character="Church of England") == ["church"]
    assert fit("8") == ["secondary"]
    assert fit("8", gender="Girls") == ["secondary", "girls"]
    assert fit("8", selective=True) == ["secondary", "grammar"]
    assert "special" in fit("8", special=True)
    with pytest.raises(ValueError, match="any, none or same"):
        fit("8", faith="some")


def one_sex() -> pd.DataFrame:
    return pd.DataFrame(
        {"gender": ["Mixed", "Girls", "BOYS", "Not applicable"], "lowest_year": ["R", "7", "7", "7"]},
        index=["mixed", "girls", "boys", "other"],
    )


def test_a_school_for_one_sex_suits_a_child_of_that_sex():
    frame = one_sex()
    can = suitable(frame, ["8", "8", "8", "3"], sex=["F", "M", "unknown", "F"])
    assert [frame.index[row].tolist() for row in can] == [
        ["mixed", "girls", "other"],
        ["mixed", "boys", "other"],
        ["mixed", "other"],
        ["mixed"],
    ]
    leaving = suitable(frame, ["8", "8"], sex=["unknown", "M"], gender="Girls")
    assert [frame.index[row].tolist() for row in leaving] == [["mixed", "girls", "other"], ["mixed", "boys", "other"]]
    for year in ("3", "8"):  # without the column nothing is other than it was
        assert (suitable(frame, [year]) == suitable(frame, [year], sex=["unknown"])).all()


def test_who_cannot_be_judged_is_who_might_have_another_school():
    frame = one_sex()
    years, sex = ["8", "8", "3", "unknown"], ["F", "unknown", "unknown", "unknown"]
    expected = []
    for year, own in zip(years, sex, strict=True):
        plain = suitable(frame, [year], sex=["unknown"])
        may = any((suitable(frame, [year], sex=[each]) != plain).any() for each in "FM")
        expected.append(own == "unknown" and may)
    assert not_judged(frame, years, sex).tolist() == expected == [False, True, False, True]
    assert not_judged(frame, years, None).tolist() == [True, True, False, True]
    assert not not_judged(frame.assign(gender="Mixed"), years, None).any()


def test_how_single_sex_schools_were_judged_is_said():
    frame = one_sex()
    assert sex_note(frame.assign(gender="Mixed"), None) == ""
    assert "does not say who is a girl and who a boy" in sex_note(frame, None)
    assert sex_note(frame, pd.Series(["F", "M"])).endswith("one for boys for boys.")
    assert "where the pupils file does not say" in sex_note(frame, pd.Series(["F", "unknown"]))


def test_a_girl_is_not_told_that_the_boys_school_is_nearest():
    pupils = pd.DataFrame({"school": ["far"] * 3, "year_group": ["8"] * 3, "sex": ["F", "M", "unknown"]})
    travel = by_straight_line(homes(1.0), schools())
    ways = to_school(pupils, np.zeros(3, dtype=int), travel, schools(gender=["Boys", "Mixed"]))
    assert ways["nearest"].round().tolist() == [round(6 * MILE), round(MILE), round(6 * MILE)]


def test_years_come_from_ages_where_a_file_has_only_those():
    frame = pd.DataFrame({"lowest_age": [4, 11], "highest_age": [11, 18]}, index=["a", "b"])
    assert suitable(frame, ["R", "6", "7", "13"]).tolist() == [
        [True, False],
        [True, False],
        [False, True],
        [False, True],
    ]


def test_nearest_leaves_out_what_is_not_known_or_does_not_count():
    travel = Travel(np.array([[1.0, np.nan, 3.0]]), pd.Index(["A"]), pd.Index(["1", "2", "3"]))
    assert nearest(travel, 3)["school"].tolist() == ["1", "3"]
    assert nearest(travel, 1, np.array([[False, True, True]]))["school"].tolist() == ["3"]


def test_the_own_school_is_never_further_than_the_nearest():
    pupils = pd.DataFrame({"school": ["far", "near"], "year_group": ["1", "1"]})
    travel = by_straight_line(homes(1.0), schools())
    ways = to_school(pupils, np.array([0, 0]), travel, schools(lowest_year="R", highest_year="6"))
    assert ways["attended"].round().tolist() == [round(6 * MILE), round(MILE)]
    assert ways["nearest"].round().tolist() == [round(MILE)] * 2


# --- the law --------------------------------------------------------------------------------------------


def test_the_limits_are_those_of_the_act():
    by_code = {each.code: each for each in LIMITS}
    assert (by_code["under 8"].over_miles, by_code["8 and over"].over_miles) == (2, 3)
    assert by_code["8 to 10, low income"].over_miles == 2
    low = by_code["11 and over, low income"]
    assert (low.over_miles, low.up_to_miles, low.nearest) == (2, 6, 3)
    assert by_code["11 and over, low income, religion"].up_to_miles == 15
    assert len(limits_on(date(2007, 8, 31))) == 2


@pytest.mark.parametrize(
    ("age", "low", "miles"), [(5, False, 2), (7, True, 2), (8, False, 3), (8, True, 2), (11, True, 3)]
)
def test_the_walking_limit_of_an_age(age, low, miles):
    assert walking_limit_miles(age, low) == miles


def test_ages_of_year_groups():
    assert ages_of("6") == (10, 11)
    assert ages_of("12") is None


# --- one side is certain, the other needs a route -------------------------------------------------------


def test_over_the_limit_by_straight_line_is_over_and_under_it_is_not_known():
    assert judged(1.9, "1") == ROUTE
    assert judged(2.1, "1") == ALL_OVER  # even the nearest suitable school is over two miles away
    assert judged(2.1, "5") == ROUTE
    assert judged(3.1, "5") == ALL_OVER
    assert judged(2.1, "5", fsm="yes") == ALL_OVER


def test_a_child_who_turns_eight_in_the_year_is_judged_by_both_limits():
    assert judged(2.5, "3") == ROUTE
    assert judged(2.5, "3", route=True) == ROUTE  # the birthday decides
    assert judged(3.1, "3", route=True) == ENTITLED
    assert judged(1.9, "3", route=True) == WITHIN


def test_a_route_gives_the_answer_on_both_sides():
    assert judged(1.9, "1", route=True) == WITHIN
    assert judged(2.1, "1", route=True) == ENTITLED
    assert judged(2.1, "1", school="far", route=True) == ALL_OVER
    assert judged(1.0, "1", school="far", route=True) == NEARER


def test_a_school_that_is_not_the_nearest_by_straight_line_may_still_be_by_route():
    assert judged(1.0, "1", school="far") == OVER_NEAREST_UNKNOWN


def test_low_income_from_eleven_has_two_to_six_miles_at_one_of_three():
    roads = by_matrix(
        pd.DataFrame({"place": [0, 0], "school": ["near", "far"], "value": [2.6 * MILE, 8 * MILE]}),
        pd.Index([0]), pd.Index(["near", "far"]), "m", Source("roads"),
    )  # fmt: skip
    assert judged(2.5, "8", fsm="yes", route=True) == ROUTE  # within six miles by road is not known
    assert judged(2.5, "8", fsm="yes", route=True, roads=roads) == LOW_INCOME_ENTITLED
    assert judged(2.5, "8", fsm="no", route=True, roads=roads) == WITHIN
    assert judged(1.5, "8", fsm="yes", route=True, roads=roads) == WITHIN
    assert judged(2.5, "8", school="far", fsm="yes", route=True, roads=roads) == NEARER  # eight miles by road


def test_religion_and_belief_reach_to_fifteen_miles():
    roads = by_matrix(
        pd.DataFrame({"place": [0, 0], "school": ["near", "far"], "value": [2.6 * MILE, 8 * MILE]}),
        pd.Index([0]), pd.Index(["near", "far"]), "m", Source("roads"),
    )  # fmt: skip
    chosen = judged(2.5, "8", "far", fsm="yes", route=True, roads=roads, religion=np.array([True]))
    assert chosen == LOW_INCOME_ENTITLED


def test_a_nearer_school_of_the_same_religion_ends_the_longest_limit():
    roads = by_matrix(
        pd.DataFrame({"place": [0, 0], "school": ["near", "far"], "value": [2.6 * MILE, 8 * MILE]}),
        pd.Index([0]), pd.Index(["near", "far"]), "m", Source("roads"),
    )  # fmt: skip
    asked = {"fsm": "yes", "route": True, "roads": roads, "religion": np.array([True])}
    for faith, status in ((["Jewish", "Jewish"], NEARER), (["None", "Jewish"], LOW_INCOME_ENTITLED)):
        frame = schools(faith=faith)
        of = same_character(frame, ["far"])
        assert judged(2.5, "8", "far", of_religion=of, frame=frame, **asked) == status
    of = same_character(schools(faith=["None", "Jewish"]), ["far"])
    assert judged(2.5, "6", "far", of_religion=of, **asked) == NEARER  # not from eleven on
    assert judged(2.5, "8", "far", of_religion=of, **(asked | {"fsm": "no"})) == NEARER  # not of low income
    assert judged(2.5, "8", "far", of_religion=of, **(asked | {"religion": np.array([False])})) == NEARER
    far_off = asked | {"roads": None}
    assert judged(2.5, "8", "far", of_religion=of, **far_off) == ROUTE  # fifteen miles by road are not known


def test_the_religious_character_of_schools():
    frame = pd.DataFrame({"faith": ["Church of England", "Does not apply", " church of england "]}, index=list("abc"))
    assert religious_character(frame).tolist() == ["church of england", "", "church of england"]
    assert same_character(frame, ["c", "b", "nowhere"]).tolist() == [
        [True, False, True],
        [False, True, False],
        [False, True, False],
    ]


def test_a_home_or_year_that_is_not_known_is_said():
    assert judged(5.0, "unknown") == NOT_KNOWN
    assert judged(5.0, "13") == NOT_OF_AGE
    assert judged(5.0, "2", school="none") == NOT_KNOWN
