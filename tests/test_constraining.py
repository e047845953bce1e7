"""Constraining: totals met, what does not fit refused in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.constraining import constrain, constrain_register
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


LISTS = pd.DataFrame(
    [(area, year, age, 10.0 + age + at) for at, area in enumerate("abc") for year in (2023, 2024) for age in range(19)],
    columns=["area", "year", "age", "children"],
)


def test_a_register_is_brought_to_totals_by_band_and_by_area_year_by_year():
    bands = {age: "0-4" if age < 5 else "5-9" for age in range(10)}
    by_age = pd.DataFrame({"year": 2024, "band": ["0-4", "5-9"], "people": [150.0, 240.0]})
    by_area = pd.DataFrame({"area": list("abc"), "year": 2024, "people": [100.0, 150.0, 140.0]})
    table, notes = constrain_register(LISTS, by_age, bands, by_area, range(10))
    now = table[table["year"].eq(2024) & table["age"].lt(10)]
    assert now.groupby(now["age"].map(bands))["children"].sum().to_dict() == pytest.approx({"0-4": 150, "5-9": 240})
    assert now.groupby("area")["children"].sum().to_dict() == pytest.approx({"a": 100, "b": 150, "c": 140})
    kept = LISTS[LISTS["year"].eq(2023) | LISTS["age"].ge(10)]
    both = kept.merge(table, on=["area", "year", "age"])
    assert len(both) == len(kept) and (both["children_x"] == both["children_y"]).all()
    assert len(table) == len(LISTS)
    assert notes == (
        "registers of 2023 have no totals, and stay as they are",
        "no totals for the ages 10, 11, 12, 13, 14, 15, 16, 17, 18: those children stay as they are",
    )


def test_totals_by_area_alone_and_counts_that_are_not_known():
    lists = LISTS.assign(children=LISTS["children"].where(LISTS["age"].ne(3)))
    by_area = pd.DataFrame({"area": list("abcz"), "year": 2023, "people": [100.0, 150.0, 140.0, 999.0]})
    table, _ = constrain_register(lists, by_area=by_area, area_ages=range(19))
    sums = table[table["year"].eq(2023)].groupby("area")["children"].sum()
    assert sums.to_dict() == pytest.approx({"a": 100, "b": 150, "c": 140})
    assert table.loc[table["age"].eq(3), "children"].isna().all()


def test_areas_without_totals_stay_as_they_are_and_none_at_all_is_refused():
    by_area = pd.DataFrame({"area": list("ab"), "year": 2023, "people": [100.0, 150.0]})
    table, notes = constrain_register(LISTS, by_area=by_area, area_ages=range(19))
    assert notes[0] == "1 areas have no totals, and stay as they are"
    key = ["area", "year", "age"]
    assert table[table["area"].eq("c")].merge(LISTS, on=[*key, "children"]).shape[0] == 38
    with pytest.raises(ComparisonRefused, match="the register has a, the totals z"):
        constrain_register(LISTS, by_area=by_area.assign(area="z"), area_ages=range(19))


@pytest.mark.parametrize(
    ("years", "ages", "words"),
    [(2030, range(5), "totals: of 2030; the register: of 2023, 2024"), (2024, range(9), "of different ages")],
)
def test_totals_of_other_years_or_ages_are_refused(years, ages, words):
    by_age = pd.DataFrame({"year": [years], "band": ["0-4"], "people": [150.0]})
    by_area = pd.DataFrame({"area": list("abc"), "year": years, "people": 50.0})
    with pytest.raises(ComparisonRefused, match=words):
        constrain_register(LISTS, by_age, dict.fromkeys(range(5), "0-4"), by_area, ages)
