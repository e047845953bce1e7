"""Constraining: totals met, what does not fit refused in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.constraining import constrain
from geoplan.errors import ComparisonRefused
from geoplan.io.children import age_bands

CELLS = pd.MultiIndex.from_product([["a", "b"], range(10)], names=["area", "age"])
CHILDREN = pd.Series(np.arange(20.0) + 10, index=CELLS)


def test_bands_of_two_authorities_and_areas_together():
    by_age = pd.Series({("N", "0-4"): 70.0, ("N", "5-9"): 80.0, ("S", "0-4"): 110.0, ("S", "5-9"): 140.0})
    by_age.index.names = ["authority", "age"]
    found = constrain(CHILDREN, by_age=by_age, bands=age_bands(["0-4", "5-9"]), authority={"a": "N", "b": "S"},
                      by_area=pd.Series({"a": 300.0, "b": 500.0}))  # fmt: skip
    assert found.children.loc["a"].iloc[:5].sum() == pytest.approx(70, rel=1e-9)
    assert found.children.loc["b"].iloc[5:].sum() == pytest.approx(140, rel=1e-9)
    assert found.notes == ("the totals by area add up to 800.0, those by age to 400.0: areas were scaled by 0.5000",)
    assert found.gap < 1e-6
    ratios = found.children.loc["a"].iloc[:5] / CHILDREN.loc["a"].iloc[:5]
    assert ratios.nunique() == 1 or np.ptp(ratios) < 1e-9  # the pattern within a band is kept


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by_age": pd.Series({"0-4": 1.0}), "bands": dict.fromkeys(range(5), "0-4")}, "age bands do not "
                                                                                       "match.*no band has age 5"),
        ({"by_age": pd.Series(dict.fromkeys(range(9), 5.0))}, "1 groups of the register have none"),
        ({"by_area": pd.Series({"a": 1.0})}, "1 groups of the register have none"),
        ({"by_area": pd.Series({"a": 1.0, "b": 2.0, "c": 3.0})}, "the register has none there"),
        ({}, "give totals by age, by area, or both"),
    ],
)  # fmt: skip
def test_totals_that_do_not_fit_are_refused(options, words):
    with pytest.raises(ComparisonRefused, match=words):
        constrain(CHILDREN, **options)


def test_counts_below_zero_are_refused():
    with pytest.raises(ComparisonRefused, match="1 counts of children are below zero"):
        constrain(CHILDREN.where(CHILDREN > 10, -1), by_area=pd.Series({"a": 1.0, "b": 2.0}))
