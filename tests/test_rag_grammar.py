"""Rules that two readings could satisfy are refused, all at once, with what to write; others say what they mean."""

from __future__ import annotations

import datetime as dt

import pytest
from ragtown import FSM, GCSE, SURPLUS, make_rules

from geoplan.errors import InputRefused
from geoplan.rag_grammar import check_columns, rules_from


def problems(*indicators: dict, **more) -> dict[str, str]:
    """What is wrong, by where: code and words."""
    with pytest.raises(InputRefused) as refused:
        make_rules(*indicators, **more)
    assert all(each.suggestion or each.what for each in refused.value.problems)
    return {each.column: f"{each.code}: {each.what}" for each in refused.value.problems}


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"red": 25}, "surplus: red", "rule_unclear: 25 alone does not say whether a school at exactly 25 is red"),
        ({"red": "25"}, "surplus: red", "rule_unclear: not a comparison"),
        ({"red": "= 25"}, "surplus: red", "rule_unclear: not a comparison"),
        ({"red": ">= 25 or unfilled_places >= 30"}, "surplus: red", 'rule_unclear: "or" can be read in two ways'),
        ({"red": ">= 25 pupils"}, "surplus: red", "rule_unclear: pupils is not the unit of unfilled_percent"),
        ({"amber": ">= 30", "red": ">= 25"}, "surplus: amber", "rule_conflict: amber (30% or more) lies beyond red"),
        ({"amber": "> 25", "red": ">= 25"}, "surplus: amber", "rule_conflict: amber (more than 25%) lies beyond red"),
        ({"amber": ">= 25", "red": ">= 25"}, "surplus: amber", "rule_conflict: amber begins where red does"),
        ({"amber": ">= 10 and <= 25", "red": ">= 25"}, "surplus: amber",
         "rule_conflict: a school at exactly 25 would be both amber and red"),
        ({"amber": ">= 10 and < 25", "red": "> 25"}, "surplus: amber",
         "rule_conflict: a school at exactly 25 would be neither amber nor red"),
        ({"amber": ">= 10 and < 20", "red": ">= 25"}, "surplus: amber",
         "rule_conflict: amber ends at 20, red begins at 25: between them a school is both or neither"),
        ({"amber": ">= 10 and < 25"}, "surplus: amber", "rule_conflict: it ends although red needs more than one"),
        ({"green": "<= 10"}, "surplus: green", "rule_conflict: a school at exactly 10 would be both green and amber"),
        ({"green": ">= 10"}, "surplus: green", "rule_unclear: green is not one condition on the better side"),
        ({"amber": ">= 10 and over_places >= 5"}, "surplus: amber",
         "rule_unclear: amber asks for over_places and red does not"),
        ({"worse": "lower"}, "surplus: amber", "rule_conflict: worse is lower, but no trigger says from where on less"),
        ({"worse": "up"}, "surplus", "rule_incomplete: worse is not higher or lower"),
        ({"red": ">= 25 and <= 60"}, "surplus: red", "rule_conflict: red ends, so that something worse would not be"),
        ({"red": ">= 25 and >= 30"}, "surplus: red", "rule_unclear: two conditions of one kind on one measure"),
        ({"red": "worst quarter"}, "surplus: amber", "rule_conflict: one colour goes by place and the other by"),
        ({"numbers": "public"}, "surplus", "rule_incomplete: numbers does not say what kind of numbers these are"),
        ({"source": ""}, "surplus", "rule_incomplete: source is not given"),
        ({"limit": 3}, "surplus", "rule_unclear: no such key: limit"),
        ({"pupils": "roll"}, "surplus", "rule_incomplete: it does not say what becomes of small cohorts"),
        ({"interval": "wilson"}, "surplus", "rule_incomplete: an interval needs the number of pupils"),
        ({"numbers": "of pupils"}, "surplus", "rule_incomplete: numbers of pupils need the columns count and pupils"),
        ({"compare_with": ["phase"]}, "surplus", "rule_unclear: no such key: compare_with"),
    ],
)  # fmt: skip
def test_what_has_two_readings_is_refused_with_what_to_write(change, where, says):
    assert says in problems(SURPLUS | change)[where]


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"minimum_schools": 4}, "fsm", "minimum_schools is not a whole number of 8 or more"),
        ({"compare_with": []}, "fsm", "a comparison does not say with which schools"),
        ({"amber": "worst quarter", "red": "worst half"}, "fsm: amber", "share for amber is not larger"),
        ({"ties": "either"}, "fsm", "ties is not better or worse"),
        ({"red": "worst bit"}, "fsm: red", "not a share of schools"),
        ({"green": "< 3"}, "fsm: green", "green is what is left of a comparison"),
        ({"pupils": "roll", "interval": "wilson"}, "fsm", "an interval has no meaning around the edge"),
    ],
)
def test_a_comparison_says_with_whom_of_how_many_and_what_becomes_of_ties(change, where, says):
    assert says in problems(FSM | change)[where]


def test_a_comparison_without_a_minimum_is_refused():
    lacking = {key: value for key, value in FSM.items() if key != "minimum_schools"}
    assert "fewest schools" in problems(lacking)["fsm"]


def test_all_problems_are_told_together():
    found = problems(SURPLUS | {"red": 25}, GCSE | {"worse": ""}, about={"agreed_on": "soon", "colour": "red"},
                     roll_up={"rule": "share"})  # fmt: skip
    assert set(found) == {"surplus: red", "gcse", "[rules]", "[roll_up]"}


def test_one_measure_of_one_school_has_one_rule():
    again = SURPLUS | {"name": "again", "red": ">= 40"}
    assert "judges the same measure (unfilled_percent)" in problems(SURPLUS, again)["again"]
    primary, secondary = ({"schools": {"phase": [phase]}} for phase in ("Primary", "Secondary"))
    assert len(make_rules(SURPLUS | primary, again | secondary).indicators) == 2
    some = {"schools": {"phase": ["Primary", "Secondary"]}}
    assert "again" in problems(SURPLUS | primary, again | some)
    assert "again" in problems(SURPLUS | primary, again | {"schools": {"cluster": ["North"]}})
    assert "two indicators have this name" in problems(SURPLUS, FSM | {"name": "surplus"})["surplus"]


def test_bands_that_meet_are_the_same_as_triggers():
    plain = SURPLUS | {"red": ">= 25"}
    banded = plain | {"green": "< 10", "amber": ">= 10 and < 25"}
    one, other = (make_rules(each).indicators[0] for each in (plain, banded))
    assert one.fingerprint == other.fingerprint
    assert one.sentences() == other.sentences()


def test_rules_print_as_plain_english():
    rules = make_rules(SURPLUS, GCSE, FSM)
    assert rules.indicators[0].sentences() == (
        "Red when the percentage of places that are unfilled is 25% or more, and the number of unfilled places is 30 "
        "or more.",
        "Otherwise Amber when the percentage of places that are unfilled is 10% or more.",
        "Otherwise Green.",
        "Without a figure: no colour (grey), never Green.",
    )
    assert "Red when good gcse is below 30%." in rules.indicators[1].sentences()
    quartile = " ".join(rules.indicators[2].sentences())
    assert "A rule by place always flags somebody: about a quarter of the schools" in quartile
    assert "At least 8 schools must have a figure" in quartile


def test_rules_say_whether_they_are_agreed():
    assert "not agreed yet" in make_rules(SURPLUS).standing
    agreed = {"agreed_on": dt.date(2026, 11, 30), "agreed_by": "the Board", "review_on": "2027-11-30"}
    assert make_rules(SURPLUS, about=agreed).standing == (
        "Agreed on 30 November 2026 by the Board. To be reviewed by 30 November 2027."
    )
    assert "invented" in make_rules(SURPLUS, about={"example": True}).standing
    assert "go together" in problems(SURPLUS, about={"agreed_on": dt.date(2026, 11, 30)})["[rules]"]


def test_measures_that_mean_nothing_any_more_are_allowed_with_a_warning():
    ofsted = {"name": "ofsted", "title": "Ofsted", "measure": "ofsted_grade", "numbers": "published", "source": "GIAS",
              "grades": ["Outstanding", "Good", "Requires improvement", "Inadequate"], "red": "Inadequate"}  # fmt: skip
    cva = {"name": "cva", "measure": "cva", "worse": "lower", "red": "< 1000", "numbers": "published", "source": "DfE"}
    said = " ".join(make_rules(ofsted, cva).warnings)
    assert "single-word Ofsted grades ended in September 2024" in said
    assert "contextual value added is no longer published" in said
    bare = {key: value for key, value in GCSE.items() if key not in ("pupils", "interval")}
    assert "coloured as surely as one of 1,500" in make_rules(bare).warnings[0]


def test_grades_are_words_in_an_order():
    grades = {"name": "roof", "measure": "roof", "grades": ["A", "B", "C", "D"], "amber": "C or worse", "red": "D",
              "numbers": "not about pupils", "source": "survey"}  # fmt: skip
    assert make_rules(grades).indicators[0].sentences()[1] == "Otherwise Amber when roof is C or worse."
    assert "C alone does not say" in problems(grades | {"amber": "C"})["roof: amber"]
    assert "not one of the grades" in problems(grades | {"red": "E"})["roof: red"]
    assert "lies beyond red" in problems(grades | {"amber": "D", "red": "C or worse"})["roof: amber"]


def test_a_column_that_is_not_there_is_named_with_those_there_are():
    with pytest.raises(InputRefused) as refused:
        rules = make_rules(SURPLUS, GCSE, FSM, about={"groups": ["cluster"]})
        check_columns(rules, ["places", "roll"], ["name"], "r.toml")
    said = str(refused.value)
    assert said.startswith("r.toml: 3 problems")
    assert "gcse   no column good_gcse_percent, cohort; there are name, places, roll" in said
    assert "fsm   no column fsm_percent, phase" in said
    assert "groups: the schools have no column cluster" in said


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"rules": 3},
        {"rules": {"title": "T"}, "indicator": {}},
        {"indicator": [3]},
        {"rules": {"title": "T", "groups": [1]}, "indicator": [{"schools": 3}]},
    ],
)
def test_anything_that_is_not_rules_is_a_refusal(values):
    with pytest.raises(InputRefused):
        rules_from(values)


@pytest.mark.parametrize(
    ("roll_up", "says"),
    [
        ({"rule": "mean"}, "rule is not known"),
        ({"rule": "share", "red_from_percent": 0, "amber_from_percent": 5}, "a number over 0 and up to 100"),
        ({"rule": "worst", "red_from_percent": 5}, "percentages are given, but the rule is worst"),
    ],
)
def test_how_groups_are_judged_is_stated_once(roll_up, says):
    assert says in problems(SURPLUS, roll_up=roll_up)["[roll_up]"]
