"""Schools judged: each with its reason, small cohorts without a colour that chance could turn, groups that add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plain.rag import fewest_pupils_plainly
from ragtown import FSM, GCSE, SURPLUS, make_board, make_rules

from geoplan.chance import wilson_interval
from geoplan.errors import InputRefused
from geoplan.rag import STATUSES, colour_chances, group_colour
from geoplan.rag_measures import facts_from, join_facts, require_possible
from geoplan.rag_rules import RollUp


def test_both_conditions_of_red_must_hold():
    """The focus of 1998: a quarter of places and thirty of them (Hansard; SYSTEMS 3.4)."""
    board = make_board(make_rules(SURPLUS), places=[100, 120, 420, 200, 420], roll=[75, 90, 315, 180, 379])
    assert board.matrix()["surplus"].tolist() == ["Amber", "Red", "Red", "Amber", "Green"]
    assert (
        board.cells.loc[("1", "surplus"), "reason"]
        == "Amber: the percentage of places that are unfilled is 25.0%, 10% or more"
    )
    assert board.cells.loc[("2", "surplus"), "reason"] == (
        "Red: the percentage of places that are unfilled is 25.0%, 25% or more, and "
        "the number of unfilled places is 30, 30 or more"
    )
    assert board.cells.loc[("5", "surplus"), "reason"] == (
        "Green: the percentage of places that are unfilled is 9.8%, not 10% or more"
    )


def test_an_overfull_school_has_no_unfilled_places_and_no_negative_ones():
    board = make_board(make_rules(SURPLUS), places=[100], roll=[130])
    assert board.cells.loc[("1", "surplus"), "shown"] == "0.0%"


def test_a_value_is_printed_on_its_side_of_the_trigger():
    rules = make_rules(SURPLUS | {"amber": ">= 10", "red": ">= 25"})
    board = make_board(rules, places=[10_000, 10_000, 1_000], roll=[7_503, 7_500, 675])
    assert board.matrix("shown")["surplus"].tolist() == ["24.97%", "25.0%", "32.5%"]
    assert board.matrix()["surplus"].tolist() == ["Amber", "Red", "Red"]


@pytest.mark.parametrize(("at", "roll"), [(29.7, 703), (0.3, 997), (58.6, 414)])
def test_a_share_at_exactly_the_trigger_meets_it_whatever_the_arithmetic(at, roll):
    board = make_board(make_rules(SURPLUS | {"amber": f">= {at}", "red": ">= 99"}), places=[1_000], roll=[roll])
    assert board.matrix()["surplus"].tolist() == ["Amber"]


def test_no_figure_is_grey_with_its_reason_and_never_green():
    reasons = {"places": ["", "not applicable (z in the file)", "", ""], "roll": ["", "", "", ""]}
    board = make_board(make_rules(SURPLUS), reasons, places=[100, None, 0, 100], roll=[99, 50, 10, None])
    assert board.matrix("status")["surplus"].tolist() == ["green", "no data", "no data", "no data"]
    assert board.matrix("reason")["surplus"].tolist()[1:] == [
        "places: not applicable (z in the file)",
        "a capacity of 0 places has no percentage",
        "pupils on roll: no figure given",
    ]


def test_the_floor_of_the_guide():
    """At least 30 per cent with five or more good GCSEs including English and maths (guide, l. 1809)."""
    board = make_board(
        make_rules(GCSE | {"interval": "none"}), good_gcse_percent=[29.9, 30.0, 30.1], cohort=[180, 180, 180]
    )
    assert board.matrix()["gcse"].tolist() == ["Red", "Green", "Green"]


def test_a_colour_that_chance_could_turn_is_withheld_exactly_where_the_interval_crosses_the_trigger():
    percents = np.linspace(0, 100, 201)
    for pupils in (9, 30, 200):
        board = make_board(make_rules(GCSE), good_gcse_percent=percents, cohort=[pupils] * len(percents))
        low, high = wilson_interval(pd.Series(percents * pupils / 100), pd.Series([float(pupils)] * len(percents)))
        crosses = ((low < 0.30) & (high >= 0.30)).to_numpy()
        assert (board.matrix("status")["gcse"].eq("unclear").to_numpy() == crosses).all()
    cell = make_board(make_rules(GCSE), good_gcse_percent=[28.0], cohort=[25]).cells.iloc[0]
    assert cell["word"] == "Not clear"
    assert (
        cell["reason"]
        == (
            "28.0% of 25 pupils: too few to say on which side of the trigger (95% interval 14% to 48%); "
            "chances: Red 59 in 100, Amber under 1 in 100, Green 41 in 100"
        )
        or "chances: Red 59 in 100, Green 41 in 100" in cell["reason"]
    )


def test_chances_add_up_and_agree_with_the_interval():
    rule = make_rules(GCSE | {"amber": "< 45"}).indicators[0]
    for pupils in (12, 60, 400):
        for percent in range(0, 101, 4):
            chances = colour_chances(rule, {"good_gcse_percent": float(percent)}, pupils)
            assert sum(chances.values()) == pytest.approx(1)
            low, high = wilson_interval(pd.Series([percent * pupils / 100]), pd.Series([float(pupils)]))
            # 2.5% on either side of a trigger is where the interval's end is
            assert (chances["red"] < 0.025) == (low[0] > 0.30) or abs(low[0] - 0.30) < 1e-9
            assert (chances["green"] < 0.025) == (high[0] < 0.45) or abs(high[0] - 0.45) < 1e-9


def test_chances_are_near_those_of_a_thousand_redrawn_cohorts():
    """Parametric draws around the share that was seen: the normal score is near the binomial for 60 pupils."""
    rng = np.random.default_rng(7)
    rule = make_rules(GCSE).indicators[0]
    posterior = rng.beta(18 + 0.5, 42 + 0.5, 200_000)  # Jeffreys, 18 of 60
    chance = colour_chances(rule, {"good_gcse_percent": 30.0}, 60)["red"]
    assert chance == pytest.approx((posterior < 0.30).mean(), abs=0.03)


def test_what_would_change_the_colour_is_the_fewest_pupils():
    rules = make_rules(SURPLUS)
    plain = {"amber": [("unfilled_percent", 10)], "red": [("unfilled_percent", 25), ("unfilled_places", 30)]}
    rng = np.random.default_rng(3)
    places = rng.integers(40, 900, 60)
    roll = (places * rng.uniform(0.3, 1.2, 60)).astype(int)
    board = make_board(rules, places=places, roll=roll)
    for (code, _), cell in board.cells.iterrows():
        at = int(code) - 1
        for step, word in ((1, "more"), (-1, "fewer")):
            many, new = fewest_pupils_plainly(plain, int(places[at]), int(roll[at]), step)
            text = f"{new.capitalize()} with {many:,} pupil{'' if many == 1 else 's'} {word}" if new else ""
            assert text in (cell["better"], cell["worse"]), (places[at], roll[at], cell.to_dict())


def test_points_to_the_next_colour_and_grades():
    rules = make_rules(
        {"name": "att", "measure": "attendance_percent", "worse": "lower", "amber": "< 94", "red": "< 92",
         "numbers": "published", "source": "DfE"},
        {"name": "roof", "measure": "roof", "grades": ["A", "B", "C", "D"], "amber": "C or worse", "red": "D",
         "numbers": "not about pupils", "source": "survey"},
    )  # fmt: skip
    board = make_board(rules, attendance_percent=[93.0, 95.5, 91.2], roof=[2, 0, 3])
    assert board.cells.loc[("1", "att"), ["better", "worse"]].tolist() == [
        "Green if 1 points higher",
        "Red if more than 1 points lower",
    ]
    assert board.cells.loc[("3", "att"), ["better", "worse"]].tolist() == ["Amber if 0.8 points higher", ""]
    assert board.matrix("shown")["roof"].tolist() == ["C", "A", "D"]
    assert board.cells.loc[("1", "roof"), ["better", "worse"]].tolist() == ["Green at grade B", "Red at grade D"]


def test_a_quarter_is_of_those_compared_and_ties_are_said():
    fsm = [5, 10, 15, 20, 25, 30, 35, 40]
    board = make_board(make_rules(FSM), fsm_percent=fsm + fsm, phase=["Primary"] * 8 + ["Secondary"] * 8)
    assert board.matrix()["fsm"].tolist() == (["Green"] * 4 + ["Amber"] * 2 + ["Red"] * 2) * 2
    assert board.notes == ()
    reason = board.cells.loc[("7", "fsm"), "reason"]
    assert reason.endswith("is 35.0%, in the worst quarter of 8 schools of the same phase (at its edge, 35.0%)")
    tied = make_board(make_rules(FSM), fsm_percent=[5, 10, 15, 20, 25, 40, 40, 40], phase=["Primary"] * 8)
    assert tied.matrix()["fsm"].tolist().count("Red") == 0
    assert "schools tie at the edge of Red, so that the worst quarter is 0 of 8 schools and not 2" in tied.notes[0]
    worse = make_board(
        make_rules(FSM | {"ties": "worse"}), fsm_percent=[5, 10, 15, 20, 25, 40, 40, 40], phase=["Primary"] * 8
    )
    assert worse.matrix()["fsm"].tolist().count("Red") == 3


def test_too_few_to_compare_have_no_colour_and_are_named():
    board = make_board(make_rules(FSM), fsm_percent=range(16), phase=["Primary"] * 9 + ["Special"] * 7)
    assert board.matrix("status")["fsm"].tolist()[9:] == ["no data"] * 7
    assert "Special has 7 schools with a figure, fewer than 8" in board.notes[0]


def test_a_rule_for_some_schools_leaves_the_others_alone():
    rules = make_rules(GCSE | {"schools": {"phase": ["Secondary"]}})
    board = make_board(rules, good_gcse_percent=[20.0, 20.0], cohort=[400, 400], phase=["Secondary", "Primary"])
    assert board.matrix("status")["gcse"].tolist() == ["red", "not judged"]


ROLL_UP = {"rule": "share", "red_from_percent": 25, "amber_from_percent": 50, "minimum_schools": 2}


def test_groups_reconcile_with_the_schools():
    rules = make_rules(SURPLUS, about={"groups": ["cluster"]}, roll_up=ROLL_UP)
    board = make_board(rules, places=[100] * 6, roll=[60, 95, 95, 95, 85, None], cluster=["N", "N", "N", "N", "S", ""])
    table = board.by_group("cluster")
    assert (table[list(STATUSES)].sum(axis=1) == table["schools"]).all()
    assert table["schools"].sum() == len(board.schools) == board.by_group("all schools")["schools"].sum()
    assert table["colour"].to_dict() == {
        ("N", "surplus"): "Red",
        ("S", "surplus"): "No data",
        ("no group", "surplus"): "No data",
    }
    assert table.loc[("N", "surplus"), "reason"] == "1 of 4 schools is Red: 25% or more"
    assert any("1 school is in no cluster" in note for note in board.notes)


def test_a_school_whose_colour_is_not_clear_counts_with_the_better_one():
    rules = make_rules(GCSE, about={"groups": ["cluster"]}, roll_up={"rule": "worst"})
    board = make_board(rules, good_gcse_percent=[29.0, 80.0], cohort=[20, 200], cluster=["N", "N"])
    assert board.matrix("status")["gcse"].tolist() == ["unclear", "green"]
    assert board.by_group("cluster")["colour"].tolist() == ["Green"]


def test_rules_for_groups():
    assert group_colour({"red": 1, "green": 99}, RollUp("worst"))[0] == "Red"
    assert group_colour({}, RollUp("worst"))[0] == "No data"
    assert group_colour({"red": 1}, RollUp()) == ("", "")
    assert group_colour({"amber": 1, "green": 2}, RollUp("share", 30, 100 / 3))[0] == "Amber"


def test_a_page_of_one_group_keeps_the_colours_judged_among_all():
    rules = make_rules(FSM, about={"groups": ["cluster"]})
    board = make_board(rules, fsm_percent=range(16), phase=["Primary"] * 16, cluster=["N", "S"] * 8)
    part = board.within("cluster", "N")
    assert len(part.schools) == 8
    assert part.matrix()["fsm"].equals(board.matrix()["fsm"].loc[part.schools.index])
    assert part.by_group("cluster")["schools"].tolist() == [8]


def test_impossible_numbers_are_named_by_school_without_the_number():
    facts = facts_from(pd.DataFrame({"roll": [-4, 10], "fsm_percent": [130.0, 5]}, index=["101", "102"]))
    with pytest.raises(InputRefused) as refused:
        require_possible(facts, "facts.csv", {"roll"}, ["fsm_percent"])
    assert [(each.column, each.what) for each in refused.value.problems] == [
        ("roll", "a count below zero: school 101"),
        ("fsm_percent", "a percentage that is not between 0 and 100: school 101"),
    ]
    assert "-4" not in str(refused.value)


def test_the_later_file_wins_and_a_school_without_a_row_has_no_figure():
    first = facts_from(pd.DataFrame({"roll": [10, 20], "pan": [30, 30]}, index=["1", "2"]))
    joined, replaced = join_facts(first, facts_from(pd.DataFrame({"roll": [11]}, index=["1"])))
    assert replaced == ("roll",)
    assert joined.values.loc["1", "roll"] == 11
    assert joined.reasons.loc["2", "roll"] == "no figure given"
    assert joined.values["pan"].tolist() == [30, 30]
