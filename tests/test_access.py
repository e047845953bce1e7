"""Closures: who goes where within room, on schools that can be drawn on one line."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from geoplan.access import (
    CLOSEST_FIRST,
    LEAST_TOTAL,
    NO_HOME,
    NO_ROOM,
    NO_SUITABLE,
    Reorganisation,
    allocate,
    closure_screen,
    displaced,
    is_rural,
    old_rule,
    reorganisation_of,
    reorganise,
    room_of,
    small_schools,
)
from geoplan.catchments import CatchmentPlan
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.travel import by_straight_line, points_of

OPTION = Reorganisation("Close B", close=("B",))


def village() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four schools on a road, B the small one: 12 pupils at B, 3 places at A, 5 at C, plenty at D."""
    schools = pd.DataFrame(
        {
            "name": list("ABCD"),
            "easting": [0.0, 4000, 8000, 20000],
            "northing": 0.0,
            "places": [30, 20, 30, 210],
            "pan": [10, 10, 10, 30],
            "lowest_year": "R",
            "highest_year": "6",
        },
        index=list("ABCD"),
    )
    rows = [("A", "1", 100.0)] * 27 + [("C", "1", 8100.0)] * 25 + [("D", "2", 20000.0)] * 50
    rows += [("B", "2", 3000.0 + 200 * i) for i in range(12)]
    pupils = pd.DataFrame(rows, columns=["school", "year_group", "easting"]).assign(northing=0.0)
    return schools, pupils


def run(option=OPTION, **options):
    schools, pupils = village()
    places, at = points_of(pupils)
    return reorganise(pupils, schools, option, by_straight_line(places, schools), at, **options)


def test_each_displaced_pupil_gets_the_nearest_school_with_room():
    found = run(by_pan=False)
    assert len(found.pupils) == 12
    assert found.pupils["to"].value_counts().to_dict() == {"C": 5, "D": 4, "A": 3}
    assert found.schools.loc["A"].tolist() == [30, 27, 3, 0]
    assert found.nowhere == 0


def test_admission_numbers_hold_each_year_group():
    schools, pupils = village()
    pupils.loc[pupils["school"] == "C", "year_group"] = "2"
    room = room_of(schools, pupils)
    assert room.by_year.loc["C", "2"] == 0
    assert room.by_year.loc["A", "2"] == 10
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, OPTION, by_straight_line(places, schools), at)
    assert "C" not in set(found.pupils["to"])


def test_nowhere_with_room_is_said_with_how_many():
    found = run(by_pan=False, furthest=6000.0)
    assert found.nowhere == 4
    assert found.pupils["why"].value_counts().to_dict() == {"": 8, NO_ROOM: 4}


def test_a_home_that_is_not_known_and_a_year_that_nobody_teaches_are_told_apart():
    schools, pupils = village()
    pupils.loc[pupils.index[-1], "easting"] = np.nan
    pupils.loc[pupils.index[-2], "year_group"] = "9"
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, OPTION, by_straight_line(places, schools), at)
    assert found.pupils["why"].iloc[-1] == NO_HOME
    assert found.pupils["why"].iloc[-2] == NO_SUITABLE


def test_distance_before_and_after():
    found = run(by_pan=False)
    first = found.pupils.iloc[0]  # lives at 3,000: 1,000 m from B, 3,000 m from A
    assert (first["before"], first["to"], first["after"]) == (1000.0, "A", 3000.0)
    assert first["nearest"] == "A"


def test_both_rules_place_as_many_and_least_total_is_no_longer():
    least, closest = (run(by_pan=False, rule=rule) for rule in (LEAST_TOTAL, CLOSEST_FIRST))
    assert (least.pupils["to"] != "").sum() == (closest.pupils["to"] != "").sum()
    assert least.pupils["after"].sum() <= closest.pupils["after"].sum()


def test_schools_are_amalgamated_on_one_site():
    schools, pupils = village()
    option = Reorganisation("One school", merge={"A": ("A", "B")})
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, option, by_straight_line(places, schools), at)
    assert set(found.pupils["school"]) == {"B"}
    assert set(found.pupils["to"]) == {"A"}
    assert found.schools.loc["A", "places"] == 50
    assert "B" not in found.schools.index
    assert option.words == "A and B become one school at A"


def test_infant_and_junior_become_a_primary_school():
    schools = pd.DataFrame({"name": ["I", "J"], "lowest_year": ["R", "3"], "highest_year": ["2", "6"],
                            "places": [90, 120], "pan": [30, 30]}, index=["I", "J"])  # fmt: skip
    after = Reorganisation("Amalgamate", merge={"J": ("I", "J")}).apply(schools)
    assert after.loc["J", ["lowest_year", "highest_year", "places", "pan"]].tolist() == ["R", "6", 210, 30]


def test_a_changed_age_range_displaces_only_the_years_it_drops():
    schools, pupils = village()
    pupils.loc[pupils["school"] == "B", "year_group"] = ["R"] * 6 + ["5"] * 6
    option = Reorganisation("B becomes an infant school", years={"B": ("R", "2")})
    moves, own = displaced(pupils, schools, option)
    assert moves.sum() == 6
    assert set(own) == {""}
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, option, by_straight_line(places, schools), at)
    assert set(found.pupils["year_group"]) == {"5"}
    assert "B" not in set(found.pupils["to"])


def test_added_places_make_room():
    found = run(Reorganisation("Close B, build at C", close=("B",), places_added={"C": 30}), by_pan=False)
    assert "D" not in set(found.pupils["to"])


def test_a_catchment_plan_says_what_it_does_to_schools():
    today = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "A", "E2": "B", "E3": "C"}))
    plan = today.close("B", to="A").merge(["A", "C"], into="A").expand("A", 30)
    option = reorganisation_of(plan)
    assert option.close == ("B",)
    assert dict(option.merge) == {"A": ("A", "C")}
    assert dict(option.places_added) == {"A": 30}
    assert option.gone == ("B", "C")


def test_pupils_never_go_to_a_school_without_known_room():
    schools, pupils = village()
    schools.loc["A", ["places", "pan"]] = np.nan
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, OPTION, by_straight_line(places, schools), at)
    assert "A" not in set(found.pupils["to"])


def test_an_unknown_school_and_a_closure_of_nobody_are_refused():
    with pytest.raises(UnknownCodeError, match="not in the schools file: Z"):
        run(Reorganisation("Close Z", close=("Z",)))
    schools, pupils = village()
    schools.loc["E"] = schools.loc["D"]
    places, at = points_of(pupils)
    with pytest.raises(UnknownCodeError, match="nobody on these rolls"):
        reorganise(pupils, schools, Reorganisation("Close E", close=("E",)), by_straight_line(places, schools), at)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="least total or closest first"):
        allocate(np.ones((1, 1)), np.zeros(1, int), np.ones(1), np.ones((1, 1)), "fair")


def test_access_is_about_single_pupils_and_is_not_pickled():
    with pytest.raises(NotProtected):
        pickle.dumps(run())
    assert "not protected" in repr(run())


def test_the_screen_closes_each_school_by_itself():
    schools, pupils = village()
    places, at = points_of(pupils)
    found = closure_screen(pupils, schools, ["A", "B"], by_straight_line(places, schools), at, by_pan=False)
    assert {code: len(each.pupils) for code, each in found.items()} == {"A": 27, "B": 12}
    assert "B" in set(found["A"].pupils["to"])


def test_the_old_rule_looks_at_the_roll_alone():
    """Shropshire: under the old policy a roll forecast to fall below 20 meant review, whatever the travel."""
    forecast = pd.DataFrame({"school": ["A", "A", "B"], "year": ["2027", "2028", "2027"], "pupils": [22.0, 19.0, 30.0]})
    found = old_rule(pd.Series({"A": 26, "B": 18, "C": 15}), forecast)
    assert found["review"].tolist() == [True, False, True]
    assert found["lowest_year"].tolist() == ["2028", "2027", ""]


def test_small_schools_are_counted_as_shropshire_counted_them():
    """The guide: 56 schools with fewer than 100 pupils, 16 of them with fewer than 50, of 141."""
    rolls = pd.Series([30] * 16 + [70] * 40 + [150] * 85)
    assert small_schools(rolls) == {50: 16, 100: 56}


def test_rural_by_words_or_code():
    words = pd.Series(
        ["(England/Wales) Rural village", "Urban: Further from a major town or city", "RLF1", "UN1", "D1"]
    )
    assert is_rural(words).tolist() == [True, False, True, False, True]


def girls_and_boys(sex):
    """The village with C a school for boys: the nearest for half of B's pupils."""
    schools, pupils = village()
    schools["gender"] = ["Mixed", "Mixed", "Boys", "Mixed"]
    if sex is not None:
        pupils["sex"] = "M"
        pupils.loc[pupils["school"] == "B", "sex"] = sex
    places, at = points_of(pupils)
    return reorganise(pupils, schools, OPTION, by_straight_line(places, schools), at)


def test_a_displaced_girl_is_not_sent_to_a_boys_school():
    girls, boys, unknown, none = (girls_and_boys(sex) for sex in ("F", "M", "unknown", None))
    assert "C" not in set(girls.pupils["to"]) | set(girls.pupils["nearest"])
    assert (boys.pupils["to"] == "C").sum() == 5
    for found in (unknown, none):
        assert found.pupils["to"].tolist() == girls.pupils["to"].tolist()
        assert found.pupils["not_judged"].all()
    assert not girls.pupils["not_judged"].any() and not boys.pupils["not_judged"].any()
    assert any("does not say who is a girl and who a boy" in note for note in none.notes)
    assert any("A school for girls was counted as suitable for girls" in note for note in girls.notes)
    assert not any("girl" in note for note in run().notes)


def test_who_leaves_a_boys_school_may_go_to_another():
    schools, pupils = village()
    schools["gender"] = ["Mixed", "Boys", "Boys", "Mixed"]
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, OPTION, by_straight_line(places, schools), at)
    assert (found.pupils["to"] == "C").sum() == 5 and not found.pupils["not_judged"].any()
