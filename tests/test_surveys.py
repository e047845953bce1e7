"""Surveys: response and the 20% rule, a test that keeps its level, weights that meet the margins, a top-up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.errors import UnknownCodeError
from geoplan.service_reach import reach_of_areas
from geoplan.surveys import rake, representative, response, sample_size, top_up

CODES = [f"{segment}{ward}" for segment in "123" for ward in "xy"]
LOOKUP = pd.DataFrame({"segment": [code[0] for code in CODES], "ward": [code[1] for code in CODES]}, index=CODES)


def survey(heard, asked=(500,) * 6):
    people = pd.Series(asked, index=CODES)
    return reach_of_areas(pd.Series(heard, index=CODES), people, LOOKUP, "the survey", "all families", inside=True)


def test_response_and_the_rule():
    table = response(pd.Series({"a": 200, "b": 199, "c": 0}), pd.Series({"a": 1000, "b": 1000, "c": 0}))
    assert table["rate"].tolist()[:2] == [0.2, 0.199]
    assert table["another_study"].tolist() == [False, True, False]
    assert np.isnan(table.loc["c", "rate"])
    assert (table["rate_low"] < table["rate"]).sum() == 2


def test_gloucestershires_schools():
    """Guide: about 1,200 interviews; just under half, 25% and 18% from three kinds of school: the last is below 20%."""
    table = response(
        pd.Series({"half": 49, "quarter": 25, "less": 18}), pd.Series(100, index=["half", "quarter", "less"])
    )
    assert table.index[table["another_study"]].tolist() == ["less"]
    assert sample_size(95_000) == 383  # Brent asked 886 of 95,000


def test_raking_meets_every_margin():
    found = survey([90, 10, 40, 60, 20, 80], asked=[900, 300, 200, 400, 500, 700])
    raked = rake(found, ["segment", "ward"])
    assert raked.converged
    weighted = raked.weights * found.counts(["segment", "ward"])
    for dim in ("segment", "ward"):
        target = found.counts(dim, "base") / found.counts(dim, "base").sum()
        assert np.allclose(weighted.groupby(level=dim).sum() / weighted.sum(), target, atol=1e-6)
    assert (raked.weights * found.counts(["segment", "ward"])).sum() == pytest.approx(300)
    assert raked.design_effect >= 1
    assert raked.effective <= 300


def test_an_even_sample_needs_no_weights():
    raked = rake(survey([50] * 6), ["segment", "ward"])
    assert raked.weights.tolist() == pytest.approx([1] * 6)
    assert raked.design_effect == pytest.approx(1)


def test_whom_no_weight_can_speak_for():
    raked = rake(survey([50, 50, 50, 50, 0, 0]), ["segment"])
    assert raked.unreached == {"segment": ("3",)}
    with pytest.raises(ValueError, match="nobody answered"):
        rake(survey([0] * 6), ["segment"])
    with pytest.raises(UnknownCodeError, match="without anybody in the population"):
        rake(survey([5] * 6, asked=[500, 500, 500, 500, 0, 0]), ["segment"])
    with pytest.raises(ValueError, match="name the dimensions"):
        rake(survey([5] * 6), [])


def test_margins_that_contradict_are_said_not_to_be_met():
    # only 1x and 2y answered: segment and ward cannot both be met
    raked = rake(survey([50, 0, 0, 50, 0, 0], asked=[100, 300, 500, 100, 0, 0]), ["segment", "ward"], rounds=50)
    assert not raked.converged


def test_the_test_of_representativeness_keeps_its_level_and_finds_bias():
    rng = np.random.default_rng(2)
    asked = pd.Series([1000, 600, 400], index=list("abc"))
    fair = [representative(pd.Series(rng.binomial(asked, 0.3), index=asked.index), asked).p for _ in range(400)]
    assert np.mean(np.array(fair) < 0.05) <= 0.08
    assert representative(pd.Series([300, 300, 60], index=list("abc")), asked).p < 1e-6


def test_everybody_answered():
    everybody = pd.Series([10, 20], index=list("ab"))
    assert np.isnan(representative(everybody, everybody).p)
    table = response(everybody, everybody)
    assert table["rate"].tolist() == [1, 1]
    assert top_up(table)[["for_rate", "for_margin", "for_even", "left"]].to_numpy().sum() == 0


def test_a_top_up_asks_no_more_than_are_left():
    table = response(pd.Series({"a": 5, "b": 100}), pd.Series({"a": 20, "b": 1000}))
    more = top_up(table)
    assert (more[["for_rate", "for_margin", "for_even"]].le(more["left"], axis=0)).all().all()
    assert more.loc["b", "for_rate"] == 100
    assert more.loc["b", "for_margin"] == sample_size(1000) - 100


def test_hidden_counts_stay_hidden():
    table = response(pd.Series({"a": np.nan, "b": 50}), pd.Series({"a": 40, "b": 100}))
    assert table.loc["a", ["respondents", "rate"]].isna().all()
    assert not table.loc["a", "another_study"]
    assert top_up(table).loc["a", ["for_rate", "for_margin", "for_even"]].isna().all()
