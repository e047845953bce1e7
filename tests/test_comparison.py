"""The kernel: published answers, SciPy as oracle, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geoplan.comparison import Base, compare, overall_shown, wilson_interval
from geoplan.disclosure import Rule
from geoplan.errors import ComparisonRefused

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
    path = shared_data.parent / "design" / "schemas.json"
    if not path.is_file():
        pytest.skip("the domain note's fixtures (../shared/design/schemas.json) are not beside this checkout")
    fixture = json.loads(path.read_text())["fixture_mosaic"]
    assert {key: (*counts, fixture["index"][key]) for key, counts in fixture["rows"].items()} == BYKER
    assert (fixture["total_area"], fixture["total_base"]) == (5996, 119_048)
    group, base = ({key: row[at] for key, row in fixture["rows"].items()} for at in (0, 1))
    table = compare(pd.DataFrame(group, index=["Byker"]), pd.Series(base), "Newcastle upon Tyne").of("Byker")
    reached = (100 * table["penetration"]).round(2)
    assert {key: reached[key] for key in fixture["penetration_pct"] if key != "total"} == {
        key: value for key, value in fixture["penetration_pct"].items() if key != "total"
    }


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


def random_county(seed=0, schools=40, segments=7):
    rng = np.random.default_rng(seed)
    mixes = rng.dirichlet(np.ones(segments) * 2, schools)
    counts = [rng.multinomial(n, mix) for n, mix in zip(rng.integers(20, 600, schools), mixes, strict=True)]
    codes = [f"s{i}" for i in range(schools)], [f"g{i}" for i in range(segments)]
    return pd.DataFrame(counts, index=codes[0], columns=codes[1])


def test_byker_is_reproduced_row_for_row_with_its_penetration_and_gap():
    """Seven of seven indices; and penetration over the total penetration is the index again."""
    group = pd.DataFrame({key: [row[0]] for key, row in BYKER.items()}, index=["Byker"])
    base = pd.Series({key: row[1] for key, row in BYKER.items()})
    table = compare(group, base, "Newcastle upon Tyne").of("Byker")
    assert [round(each) for each in table["index"]] == [row[2] for row in BYKER.values()]
    assert (100 * table["penetration"] / (5996 / 119_048)).to_numpy() == pytest.approx(table["index"].to_numpy())
    assert table.loc["G", "gap_points"] == pytest.approx(100 * (4227 / 5996 - 29603 / 119_048))
    assert round(table.loc["G", "more_than_expected"]) == 2736
    assert table["notable"].all()


def test_p_is_the_hypergeometric_against_the_base_without_the_school_and_q_statsmodels():
    multi = pytest.importorskip("statsmodels.stats.multitest", reason="it comes with the extra [test]")
    counts = random_county()
    table = compare(counts, counts.sum(), "all").table
    tails = []
    for count, total, held, everybody in table[["count", "total", "base_count", "base_total"]].astype(int).to_numpy():
        law = stats.hypergeom(everybody, held, total)
        tails.append(min(1.0, 2 * min(law.cdf(count), law.sf(count - 1))))
    tails = np.array(tails)
    many = (table["total"] >= 30).to_numpy()
    assert table["p"].to_numpy()[many] == pytest.approx(tails[many], rel=1e-8)
    assert table["q"].to_numpy()[many] == pytest.approx(multi.multipletests(tails, method="fdr_bh")[1][many], rel=1e-8)
    assert table["p"][~many].isna().all()


def test_adjusted_residuals_equal_statsmodels():
    tables = pytest.importorskip("statsmodels.api", reason="it comes with the extra [test]")
    counts = random_county(1)
    residual = compare(counts, counts.sum(), "all").table["residual"].unstack()
    theirs = tables.stats.Table(counts.to_numpy(), shift_zeros=False).standardized_resids
    many = (counts.sum(axis=1) >= 30).to_numpy()
    assert residual.loc[counts.index[many], counts.columns].to_numpy() == pytest.approx(theirs[many], rel=1e-9)


def test_overall_by_group_is_scipys_chi_square_against_the_rest():
    counts = random_county(2) + 20
    answer = compare(counts, counts.sum(), "all").overall()
    for school in counts.index[:10]:
        theirs = stats.chi2_contingency([counts.loc[school], counts.sum() - counts.loc[school]], correction=False)
        assert answer.loc[school, "statistic"] == pytest.approx(theirs.statistic)
        assert answer.loc[school, "p"] == pytest.approx(theirs.pvalue)
        assert answer.loc[school, "method"] == "chi-square"


def test_overall_of_printed_counts_is_never_surer_than_of_exact_ones():
    counts = random_county(3)
    exact = compare(counts, counts.sum(), "all")
    before, protected = exact.overall(), exact.protect()
    for school in counts.index:
        one = replace(protected, table=protected.table.loc[school], hidden=protected.hidden.loc[school])
        shown = overall_shown(one)
        if before.loc[school, "method"] == "chi-square" and not one.hidden["count"].any():
            assert shown["statistic"] <= before.loc[school, "statistic"] + 1e-9


def test_a_base_of_other_people_is_tested_as_such_and_may_be_small():
    """Fisher's exact test of two groups; against a base smaller than the school there is no index."""
    group = pd.DataFrame({"a": [40], "b": [60]}, index=["s"])
    other = Base("children living here", pd.Series({"a": 15, "b": 65}), contains_group=False)
    row = compare(group, other).table.loc[("s", "a")]
    sides = [stats.fisher_exact([[40, 60], [15, 65]], side).pvalue for side in ("less", "greater")]
    assert row["p"] == pytest.approx(2 * min(sides))
    assert np.isnan(row["index"])
    assert row["share"] == pytest.approx(0.4)


def test_people_whom_base_and_group_share_are_left_out_of_the_test():
    group = pd.DataFrame({"a": [40], "b": [60]}, index=["s"])
    own = pd.DataFrame({"a": [30], "b": [20]}, index=["s"])
    row = compare(group, Base("the catchment", pd.Series({"a": 200, "b": 400}), own=own)).table.loc[("s", "a")]
    sides = [stats.fisher_exact([[40, 60], [170, 380]], side).pvalue for side in ("less", "greater")]
    assert row["p"] == pytest.approx(2 * min(sides))


def test_a_base_smaller_than_a_group_it_should_contain_is_refused():
    group = pd.DataFrame({"a": [40], "b": [60]}, index=["900001"])
    with pytest.raises(ComparisonRefused, match="smaller than 1 of the groups compared with it \\(first 900001\\)"):
        compare(group, pd.Series({"a": 20, "b": 90}), "the sixth form")


def test_each_group_may_have_a_base_of_its_own_and_its_name():
    counts = pd.DataFrame({"a": [40, 50, 60], "b": [60, 50, 40]}, index=["1", "2", "3"])
    rows = pd.DataFrame({"a": [90, 90, 60], "b": [110, 110, 40]}, index=["1", "2", "3"])
    both = compare(counts, Base("the own cluster", rows, names={"1": "cluster North"}))
    assert both.table.loc[("1", "a"), "base_count"] == 90
    assert both.only("1").base == "cluster North"
    assert both.only("3").base == "the own cluster"
    assert np.isnan(both.table.loc[("3", "a"), "p"])  # nobody else in its cluster


def test_a_cell_that_nobody_has_is_not_among_those_looked_at():
    counts = random_county(4)
    with_empty = counts.assign(nobody=0)
    q = compare(counts, counts.sum(), "all").table["q"].dropna()
    assert compare(with_empty, with_empty.sum(), "all").table["q"].dropna().loc[q.index].equals(q)
