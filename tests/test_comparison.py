"""The kernel: published answers, SciPy as oracle, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geoplan.comparison import compare, wilson_interval
from geoplan.disclosure import Rule

# Mosaic Public Sector profile of Byker ward in Newcastle upon Tyne: 5,996 of 119,048 (published report)
BYKER = {"A": (0, 2585, 0), "B": (0, 7338, 0), "C": (11, 13872, 2), "D": (511, 28410, 36), "E": (847, 25597, 66)}
BYKER |= {"F": (400, 11643, 68), "G": (4227, 29603, 284)}


def test_byker_mosaic_table_is_reproduced():
    group = pd.DataFrame({key: [row[0]] for key, row in BYKER.items()}, index=["Byker"])
    base = pd.Series({key: row[1] for key, row in BYKER.items()})
    table = compare(group, base, "Newcastle upon Tyne").of("Byker")
    assert int(group.sum(axis=1).iloc[0]) == 5996
    assert int(base.sum()) == 119_048
    assert table["index"].round().astype(int).to_dict() == {key: row[2] for key, row in BYKER.items()}
    assert round(100 * table["count"].sum() / table["base_count"].sum(), 2) == 5.04


@pytest.mark.real
def test_byker_agrees_with_the_fixture_in_the_domain_note(shared_data):
    fixture = json.loads((shared_data.parent / "design/schemas.json").read_text())["fixture_mosaic"]
    assert fixture["total_area"] == 5996
    assert fixture["total_base"] == 119_048


def test_wilson_equals_scipy():
    rng = np.random.default_rng(3)
    total = rng.integers(1, 400, 200)
    count = rng.binomial(total, rng.uniform(0, 1, 200))
    low, high = wilson_interval(pd.Series(count, dtype=float), pd.Series(total, dtype=float))
    for i in range(len(total)):
        interval = stats.binomtest(int(count[i]), int(total[i])).proportion_ci(0.95, method="wilson")
        assert low[i] == pytest.approx(interval.low, abs=1e-9)
        assert high[i] == pytest.approx(interval.high, abs=1e-9)


def test_a_base_against_itself_has_index_100_and_nothing_notable():
    base = pd.Series({"a": 300, "b": 500, "c": 200})
    itself = compare(base.to_frame("all").T, base, "itself")
    assert itself.table["index"].round(9).tolist() == [100, 100, 100]
    assert len(itself.notable()) == 0


def test_the_interval_contains_the_index_and_penetration_sums_to_one():
    rng = np.random.default_rng(5)
    groups = pd.DataFrame(rng.integers(5, 200, (12, 8)))
    table = compare(groups, groups.sum(), "all").table
    known = table.dropna(subset=["index"])
    assert len(known) > 80
    assert (known["index_low"] <= known["index"]).all()
    assert (known["index"] <= known["index_high"]).all()
    assert table["penetration"].groupby(level=1).sum().round(9).eq(1).all()
    assert table["share"].groupby(level=0).sum().round(9).eq(1).all()


def test_no_index_on_few_people_or_a_low_expectation():
    base = pd.Series({"a": 9_000, "b": 1_000})
    groups = pd.DataFrame({"a": [20, 35], "b": [9, 5]}, index=["29 pupils", "40 pupils"])
    table = compare(groups, base, "all").table
    assert table.loc["29 pupils", "index"].isna().all()  # under 30 pupils
    assert table.loc[("40 pupils", "a"), "index"] == pytest.approx(97.2, abs=0.1)
    assert np.isnan(table.loc[("40 pupils", "b"), "index"])  # 4 expected, under 5
    assert table["share"].notna().all()  # the share itself is still a fact


def test_empty_groups_and_bases_give_missing_not_errors():
    table = compare(pd.DataFrame({"a": [0], "b": [0]}, index=["empty"]), pd.Series({"a": 0, "c": 0}), "nobody").table
    assert list(table.loc["empty"].index) == ["a", "b", "c"]
    assert table[["share", "base_share", "index", "penetration"]].isna().all(axis=None)


def test_an_unnamed_base_and_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="named base"):
        compare(pd.DataFrame({"a": [1]}), pd.Series({"a": 1}), "")
    with pytest.raises(ValueError, match="from zero up"):
        compare(pd.DataFrame({"a": [-1]}), pd.Series({"a": 1}), "all")


def test_protected_measures_come_from_the_rounded_numbers_alone():
    base = pd.Series({"a": 1_003, "b": 1_497, "c": 500})
    exact = compare(pd.DataFrame({"a": [101], "b": [97], "c": [3]}, index=["s"]), base, "all")
    shown = exact.protect().table.loc["s"]
    assert shown["count"].tolist()[:2] == [100, 95]
    assert np.isnan(shown.loc["c", "count"])
    assert shown.loc["a", "share"] == pytest.approx(100 / 200)
    assert shown.loc["a", "index"] == pytest.approx(100 * (100 / 200) / (1_005 / 3_000))
    assert exact.protect().hidden.loc[("s", "c")][["count", "share", "index", "penetration"]].all()


def test_a_hidden_count_changes_nothing_that_is_shown():
    """Two, three or four of 218: the total and every other printed number stay as they are."""
    base = pd.Series({"a": 1_000, "b": 1_500, "c": 500})
    pages = []
    for small in (2, 3, 4):
        counts = pd.DataFrame({"a": [120], "b": [98 - small], "c": [small]}, index=["s"])
        pages.append(compare(counts, base, "all").protect())
    for page in pages:
        assert page.hidden.loc[("s", "c"), "count"]
        assert page.table.loc[("s", "c"), ["count", "share", "index", "penetration"]].isna().all()
        pd.testing.assert_frame_equal(page.table, pages[0].table)


def test_no_measures_on_a_base_under_twenty():
    exact = compare(pd.DataFrame({"a": [12], "b": [0]}, index=["s"]), pd.Series({"a": 100, "b": 100}), "all")
    shown = exact.protect(Rule(min_base=20)).table.loc["s"]
    assert shown["count"].tolist() == [10, 0]
    assert shown[["share", "index", "penetration"]].isna().all(axis=None)
