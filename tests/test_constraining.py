"""Constraining: totals met, what does not fit refused in words, moving and its scale found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cities import PROPENSITY, register

from geoplan.constraining import constrain, local_scale, net_moves, project_children, propensity
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


def test_the_chart_of_moving_and_each_area_s_scale_are_found_again():
    children, scale = register(areas=12, years=10)
    moves = net_moves(children)
    found = local_scale(moves, PROPENSITY.reindex(range(18)))
    assert found.reindex(scale.index).to_numpy() == pytest.approx(scale.to_numpy(), abs=1e-9)
    chart = propensity(moves)
    weighted = (moves["children"] * moves["area"].map(scale)).groupby(moves["age"]).sum()
    mean = weighted / moves.groupby("age")["children"].sum()
    assert chart.loc[:17].to_numpy() == pytest.approx((PROPENSITY.loc[:17] * mean.loc[:17]).to_numpy(), rel=1e-9)
    again = local_scale(moves, chart)
    assert again.corr(scale) > 0.999


def test_children_to_come_are_those_there_were():
    """Projected from an earlier register with the known chart, the later register comes out exactly."""
    children, scale = register(areas=5, years=10)
    last = children["year"].max()
    births = children[children["age"].eq(0)][["area", "year", "children"]].rename(columns={"children": "births"})
    ahead = project_children(children[children["year"].eq(last - 3)], births, PROPENSITY, scale, 3)
    both = ahead[ahead["year"].eq(last)].merge(children, on=["area", "year", "age"])
    assert len(both) == 5 * 19
    assert both["children_x"].to_numpy() == pytest.approx(both["children_y"].to_numpy(), rel=1e-9)
