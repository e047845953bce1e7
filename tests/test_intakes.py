"""Who lives where and attends what: every pupil once, and shares from printed numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_boundaries, make_directory, make_people, postcode

import geoplan as gp
from geoplan.assignment import assign
from geoplan.catchments import plan_from_pairs
from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.intakes import (
    fact_marks,
    intake_tables,
    leakage,
    protect_intakes,
    protect_pupil_facts,
)
from geoplan.ledger import Ledger, append, earlier
from geoplan.schools import Schools

WEST, EAST, AWAY = "900001", "900002", "900003"
LIVE = {  # area: pupils at each school; A to C in the west, D to F in the east, G outside the plan
    "A": {WEST: 50, EAST: 30},
    "B": {WEST: 40, AWAY: 20},
    "D": {EAST: 70, WEST: 20},
    "E": {EAST: 60},
    "G": {WEST: 15, EAST: 25},
}


def place(extra=(), **columns):
    rows = [(f"{area}1", school) for area, at in LIVE.items() for school, count in at.items() for _ in range(count)]
    rows += list(extra)
    people = make_people(
        [postcode(home) if home else "" for home, _ in rows], [school for _, school in rows], **columns
    )
    return assign(people, make_directory(), make_boundaries())


def schools():
    frame = pd.DataFrame({"name": ["West", "East", "Away"]}, index=pd.Index([WEST, EAST, AWAY], name="school"))
    frame["easting"], frame["northing"] = [580_200.0, 582_000.0, np.nan], [160_200.0, 161_000.0, np.nan]
    return Schools(frame, DRAWN)


def catchments_from(kind, areas, schools):
    return plan_from_pairs(pd.DataFrame({"area": areas, "school": schools}), kind)


def plan():
    west, east = [CODES[letter] for letter in "ABC"], [CODES[letter] for letter in "DEF"]
    return catchments_from("lsoa21", west + east, [WEST] * 3 + [EAST] * 3)


def by_dims(tables):
    return {frozenset(table.dims): table for table in tables}


def test_every_table_counts_each_pupil_placed_once():
    tables = intake_tables(place(), schools(), plan())
    assert {int(table.counts.sum()) for table in tables} == {330}
    assert {table.population for table in tables} == {"all pupils"}


def test_the_matrix_by_hand():
    counts = by_dims(intake_tables(place(), schools(), plan()))[frozenset(["catchment", "take_up", "school"])].counts
    assert {key: value for key, value in counts.to_dict().items() if value} == {
        (WEST, "yes", WEST): 90, (WEST, "no", EAST): 30, (WEST, "no", AWAY): 20, (EAST, "yes", EAST): 130,
        (EAST, "no", WEST): 20, ("elsewhere", "no", WEST): 15, ("elsewhere", "no", EAST): 25,
    }  # fmt: skip


def test_take_up_leakage_and_inflow_by_hand():
    intakes = protect_intakes(place(), schools(), plan(), rule_for("internal", reason="tested by hand"))
    assert intakes.catchments.table["take_up"].to_dict() == pytest.approx({WEST: 90 / 140, EAST: 130 / 150})
    assert intakes.catchments.table["leakage"].to_dict() == pytest.approx({WEST: 50 / 140, EAST: 20 / 150})
    inflow = intakes.schools.table["inflow"]
    assert inflow[[WEST, EAST]].tolist() == pytest.approx([35 / 125, 55 / 185])
    assert np.isnan(inflow[AWAY])
    assert intakes.areas.table.loc[CODES["A"], "take_up"] == pytest.approx(50 / 80)
    assert leakage(intakes, WEST)["pupils"].to_dict() == {WEST: 90, EAST: 30, AWAY: 20}
    assert leakage(intakes, WEST)["share"].sum() == pytest.approx(1)


def test_a_shared_catchment_takes_up_either_school():
    areas = [CODES[letter] for letter in "ABD"]
    shared = catchments_from("lsoa21", [*areas, *areas], [WEST] * 3 + [EAST] * 3)
    counts = by_dims(intake_tables(place(), schools(), shared))[frozenset(["catchment", "take_up"])].counts
    assert counts[f"{WEST}+{EAST}", "yes"] == 50 + 30 + 40 + 70 + 20


def test_pupils_whose_home_is_not_known_are_said_and_in_no_table():
    intakes = protect_intakes(place([("", WEST)] * 12), schools(), plan())
    assert intakes.matrix.table.to_numpy(dtype=float)[~intakes.matrix.hidden.to_numpy()].sum() <= 335
    assert any("home is not known: about 10" in note for note in intakes.notes)


def test_distance_bands_by_hand():
    far = by_dims(intake_tables(place(), schools()))[frozenset(["school", "band"])].counts
    assert far[WEST, "up to 0.5 miles"] == 50
    assert far[AWAY, "not known"] == 20
    east = far[EAST]
    assert east[east > 0].to_dict() == {"0.5 to 1 miles": 60, "1 to 2 miles": 30 + 70 + 25}


def test_small_numbers_are_hidden_and_shares_come_from_printed_ones():
    intakes = protect_intakes(place([("C1", WEST)] * 4), schools(), plan())
    assert intakes.areas.hidden.loc[CODES["C"], ["residents", "own", "take_up"]].all()
    table, hidden = intakes.catchments.table, intakes.catchments.hidden
    good = ~hidden["take_up"]
    assert (table["take_up"][good] == (table["own"] / (table["own"] + table["other"]))[good]).all()
    printed = intakes.matrix.table.to_numpy(dtype=float)
    assert (printed[~np.isnan(printed)] % 5 == 0).all()
    assert intakes.gate.passed


def test_where_a_few_leave_a_catchment_it_is_not_said_that_they_all_go_to_one_school(monkeypatch):
    """Twelve leave the east, all of them to the west: a zero for the third school would say so."""
    monkeypatch.setitem(LIVE, "D", {EAST: 70, WEST: 12})
    matrix = intake_tables(place(), schools(), plan())[1]
    assert matrix.counts[EAST, "no", AWAY] == 0 and (EAST, "yes", AWAY) not in matrix.counts.index
    shown = protect_intakes(place(), schools(), plan()).matrix
    assert shown.hidden.loc[EAST].to_dict() == {WEST: True, EAST: False, AWAY: True}


def test_years_are_those_that_every_school_of_the_plan_teaches():
    some = schools()
    frame = some.frame.assign(lowest_year=["7", "5", "R"], highest_year=["13", "11", "6"])
    people = place(year_group=np.resize(["6", "7", "11", "12"], 330))
    tables = intake_tables(people, Schools(frame, DRAWN), plan())
    wanted = people.people["year_group"].isin(["7", "11"]).sum()
    assert {int(table.counts.sum()) for table in tables} == {int(wanted)}
    assert tables[0].population == "pupils in years 7 to 11"
    with pytest.raises(UnknownCodeError, match="no pupils in years 3"):
        intake_tables(people, some, plan(), years=["3"])


def test_plans_that_do_not_fit_are_refused():
    with pytest.raises(UnknownCodeError, match="900009"):
        intake_tables(place(), schools(), catchments_from("lsoa21", [CODES["A"]], ["900009"]))
    with pytest.raises(VintageError, match="lsoa11"):
        intake_tables(place(), schools(), catchments_from("lsoa11", [CODES["A"]], [WEST]))
    with pytest.raises(VintageError, match="no pupil lives"):
        intake_tables(place(), schools(), catchments_from("lsoa21", ["E01999999"], [WEST]))
    with pytest.raises(UnknownCodeError, match="no catchment x"):
        leakage(protect_intakes(place(), schools(), plan()), "x")


def test_pupil_facts_come_from_printed_counts():
    people = place(fsm=np.resize(["yes", "no", "no", "unknown"], 330), sen=["N"] * 330)
    facts = protect_pupil_facts(people)
    assert facts.table["roll"].to_dict() == {WEST: 125, EAST: 185, AWAY: 20}
    of = people.people[people.people["school"] == EAST]["fsm"].value_counts()
    yes, no = (5 * np.floor(of[answer] / 5 + 0.5) for answer in ("yes", "no"))
    assert facts.table.loc[EAST, "fsm_percent"] == pytest.approx(100 * yes / (yes + no))
    assert np.isnan(facts.table.loc[AWAY, "fsm_percent"])
    assert facts.hidden.loc[AWAY, "fsm_percent"]
    assert "eal_percent" not in facts.table


def of_meals(yes: dict[str, int]):
    """Pupils of three schools, so many of each with free meals."""
    schools = [WEST] * 125 + [EAST] * 185 + [AWAY] * 20
    fsm = [answer for code, many in ((WEST, 125), (EAST, 185), (AWAY, 20))
           for answer in ["yes"] * yes[code] + ["no"] * (many - yes[code])]  # fmt: skip
    return assign(make_people([postcode("A1")] * 330, schools, fsm=fsm), make_directory(), make_boundaries())


def test_what_an_earlier_release_hid_stays_hidden_under_a_weaker_rule():
    people = of_meals({WEST: 30, EAST: 7, AWAY: 3})
    first = protect_pupil_facts(people, data="January")
    assert first.hidden["fsm_percent"].to_dict() == {WEST: False, EAST: True, AWAY: True}
    weaker = rule_for("public", overrides={"hide_below": 5, "min_base": 10}, reason="a test of two runs")
    alone = protect_pupil_facts(people, weaker, data="January")
    assert not alone.hidden.loc[EAST, "fsm_percent"]  # by itself it would be shown
    before = earlier(append(Ledger(), "first", "public", first.printed), [first.printed[0].population])[0]
    again = protect_pupil_facts(people, weaker, data="January", earlier=before)
    assert again.hidden.loc[EAST, "fsm_percent"] and again.hidden.loc[AWAY, "fsm_percent"]
    other = protect_pupil_facts(people, weaker, data="May", earlier=before)  # other people: not beside these
    assert not other.hidden.loc[EAST, "fsm_percent"]


def test_marks_of_answers_tell_one_changed_answer_and_nothing_else():
    people = of_meals({WEST: 30, EAST: 7, AWAY: 3})
    marks = fact_marks(people, "January")
    assert list(marks) == ["pupils whose fsm is known; January"]
    assert fact_marks(of_meals({WEST: 30, EAST: 7, AWAY: 3}), "January") == marks
    assert fact_marks(of_meals({WEST: 30, EAST: 8, AWAY: 3}), "January") != marks
    assert fact_marks(people, "January", only=["eal_percent"]) == {}
    assert protect_pupil_facts(people, only=["roll"]).printed == ()


def test_areas_with_enough_pupils_of_a_school():
    from conftest import make_segments

    boundaries = make_boundaries()
    rows = [f"{area}1" for area, at in LIVE.items() for _ in range(at.get(WEST, 0))]
    people = assign(
        make_people([postcode(r) for r in rows], [WEST] * len(rows)), make_directory(), boundaries, make_segments()
    )
    homes = gp.protect_place(people, boundaries, homes=[WEST]).homes[WEST]
    pupils = homes.table["pupils"].mask(homes.is_hidden("pupils"))
    assert pupils[pupils > 0].to_dict() == {CODES["A"]: 50, CODES["B"]: 40, CODES["D"]: 20, CODES["G"]: 15}


def test_medways_catchments_keep_their_promises():
    """Rolls and homes agree, and one side of the tables says nothing of the other beyond what is printed."""
    here = gp.read_project(gp.demo_folder())
    people = gp.assign(here.pupils(), here.postcodes(), here.areas("lsoa11"))
    today = here.catchments("today")
    raw = intake_tables(people, here.schools(), today)
    assert len({int(table.counts.sum()) for table in raw}) == 1
    assert raw[0].population == "pupils in years 7 to 11"
    intakes = protect_intakes(people, here.schools(), today)
    assert intakes.gate.passed
    assert set(intakes.catchments.table.index) == set(today.schools)
    assert (intakes.catchments.table[["take_up", "leakage"]].sum(axis=1).round(9) == 1).all()
    assert intakes.schools.table["inflow"].notna().sum() == len(today.schools)
