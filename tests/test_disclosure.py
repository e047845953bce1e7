"""The small-number rule: what it hides, what it rounds, what it leaves behind."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.disclosure import (
    Protected,
    Rule,
    protect,
    protect_counts,
    require_protected,
    rule_for,
)
from geoplan.errors import NotProtected

counts = st.lists(st.integers(0, 5_000), min_size=1, max_size=50)


@given(counts)
def test_no_shown_count_lies_between_one_and_the_threshold(values):
    shown, hidden = protect_counts(pd.Series(values))
    assert not shown.between(1, 9).any()
    assert (shown.dropna() % 5 == 0).all()
    assert hidden.tolist() == [1 <= value <= 9 for value in values]
    assert ((shown - pd.Series(values)).abs().dropna() <= 2.5).all()


@given(counts, st.integers(2, 12), st.sampled_from([1, 3, 5, 10]))
def test_a_stricter_rule_never_shows_more(values, hide_below, round_to):
    mild, _ = protect_counts(pd.Series(values), Rule(hide_below=hide_below, round_to=round_to))
    strict, _ = protect_counts(pd.Series(values), Rule(hide_below=hide_below + 5, round_to=round_to))
    assert not (strict.notna() & mild.isna()).any()


def test_halves_are_rounded_up_the_same_way_everywhere():
    shown, _ = protect_counts(pd.Series([12.5, 17.5, 22.5]))
    assert shown.tolist() == [15, 20, 25]


def test_missing_is_missing_not_hidden():
    shown, hidden = protect_counts(pd.Series([None, 20.0]))
    assert shown.isna().tolist() == [True, False]
    assert hidden.tolist() == [False, False]


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="negative"):
        protect_counts(pd.Series([-1], name="pupils"))


def test_only_declared_columns_survive():
    table = pd.DataFrame({"name": ["A"], "pupils": [40], "upn": ["secret"], "postcode": ["secret"]}, index=["x"])
    protected = protect(table, counts=["pupils"], labels=["name"], base="pupils")
    assert list(protected.table.columns) == ["name", "pupils"]
    assert not protected.is_hidden("name").any()
    assert "hidden" in protected.rule.sentence


def test_anything_else_is_refused_by_name():
    with pytest.raises(NotProtected, match="the profile: a DataFrame was offered"):
        require_protected(pd.DataFrame(), "the profile")
    empty = Protected(pd.DataFrame(), pd.DataFrame())
    assert require_protected(empty, "x") is empty


# --- audiences ------------------------------------------------------------------------------------------


def test_the_default_audience_is_the_strictest():
    assert rule_for() == Rule() == rule_for("public")
    assert rule_for().tag == "protected: rule 10-5"


@pytest.mark.parametrize("reason", ["", "   ", "needed", "..........", "1234567890", "a b c d e f"])
def test_exact_numbers_need_a_typed_reason(reason):
    with pytest.raises(ValueError, match="reason"):
        rule_for("internal", reason=reason)


def test_internal_is_exact_and_marked():
    rule = rule_for("internal", reason="Place planning for autumn, DPIA 12")
    assert rule.exact
    assert "OFFICIAL-SENSITIVE" in rule.sentence
    assert "DPIA 12" in rule.sentence
    shown, hidden = protect_counts(pd.Series([0, 1, 7, 12]), rule)
    assert shown.tolist() == [0, 1, 7, 12]
    assert not hidden.any()


def test_a_school_is_named_on_its_rule():
    rule = rule_for("school:900001")
    assert (rule.own, rule.hide_below, rule.round_to) == ("900001", 10, 5)
    assert "For the head of school 900001 only" in rule.sentence


@pytest.mark.parametrize("audience", ["", "press", "school", "school:", "internal:x", "public:x", "Public"])
def test_other_audiences_are_refused(audience):
    with pytest.raises(ValueError, match="no audience"):
        rule_for(audience, reason="a long enough reason")


def test_a_changed_threshold_is_named_and_printed():
    rule = rule_for("public", reason="Agreed with the data officer", overrides={"hide_below": 5})
    assert rule.hide_below == 5
    assert "hide_below is 5, not 10" in rule.sentence
    assert "Agreed with the data officer" in rule.sentence
    with pytest.raises(ValueError, match="a changed threshold needs a reason"):
        rule_for("public", overrides={"hide_below": 5})
    with pytest.raises(ValueError, match="cannot change marking"):
        rule_for("public", reason="a long enough reason", overrides={"marking": 1})
    for wrong in ({"hide_below": 1}, {"round_to": 0}, {"min_base": "20"}, {"hide_below": True}):
        with pytest.raises(ValueError, match="cannot be"):
            rule_for("public", reason="a long enough reason", overrides=wrong)
