"""Chance: SciPy, statsmodels and published examples as oracles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geoplan.chance import exact_p, false_discovery, newcombe_interval, overall, wilson_interval

sm = pytest.importorskip(
    "statsmodels.stats.api", reason="statsmodels is not installed (it comes with the extra [test])"
)


def schools(count=300, seed=5):
    rng = np.random.default_rng(seed)
    base_total = rng.integers(50, 5_000, count)
    base_count = rng.binomial(base_total, rng.uniform(0.01, 0.7, count))
    total = (base_total * rng.uniform(0.02, 0.9, count)).astype(int).clip(1)
    return rng.hypergeometric(base_count, base_total - base_count, total), total, base_count, base_total


def test_the_exact_test_is_twice_the_smaller_tail_of_scipys_hypergeometric():
    count, total, base_count, base_total = schools()
    ours = exact_p(count, total, base_count - count, base_total - total)
    for i in range(len(count)):
        law = stats.hypergeom(base_total[i], base_count[i], total[i])
        assert ours[i] == pytest.approx(min(1.0, 2 * min(law.cdf(count[i]), law.sf(count[i] - 1))), rel=1e-9)


def test_the_exact_test_is_twice_scipys_one_sided_fisher_test_against_the_rest():
    count, total, base_count, base_total = schools(60, seed=6)
    ours = exact_p(count, total, base_count - count, base_total - total)
    for i in range(len(count)):
        table = [
            [count[i], total[i] - count[i]],
            [base_count[i] - count[i], base_total[i] - total[i] - base_count[i] + count[i]],
        ]
        sides = [stats.fisher_exact(table, side).pvalue for side in ("less", "greater")]
        assert ours[i] == pytest.approx(min(1.0, 2 * min(sides)), rel=1e-7)


def test_the_exact_test_has_nothing_to_say_without_people_on_both_sides():
    count, total = np.array([0.0, 5.0, np.nan]), np.array([0.0, 10.0, 10.0])
    assert np.isnan(exact_p(count, total, np.array([5.0, 0.0, 3.0]), np.array([9.0, 0.0, 9.0]))).all()


def test_false_discovery_equals_statsmodels_and_scipy():
    rng = np.random.default_rng(8)
    for size in (1, 2, 7, 500):
        p = rng.uniform(0, 1, size) ** 3
        p[: size // 4] = np.round(p[: size // 4], 1)  # ties
        q = false_discovery(p)
        assert q == pytest.approx(sm.multipletests(p, method="fdr_bh")[1], rel=1e-12)
        assert q == pytest.approx(stats.false_discovery_control(p), rel=1e-12)


def test_cells_without_a_p_count_as_looked_at_when_said_so():
    p = np.array([0.001, np.nan, 0.2])
    whole = sm.multipletests([0.001, 1.0, 1.0, 0.2, 1.0], method="fdr_bh")[1]
    assert false_discovery(p, cells=5)[[0, 2]] == pytest.approx(whole[[0, 3]])
    assert np.isnan(false_discovery(p, cells=5)[1])


def test_wilson_equals_statsmodels():
    rng = np.random.default_rng(4)
    total = rng.integers(1, 900, 300)
    count = rng.binomial(total, rng.uniform(0, 1, 300))
    low, high = wilson_interval(pd.Series(count, dtype=float), pd.Series(total, dtype=float))
    theirs = sm.proportion_confint(count, total, method="wilson")
    assert low.to_numpy() == pytest.approx(theirs[0], abs=1e-12)
    assert high.to_numpy() == pytest.approx(theirs[1], abs=1e-12)


def test_newcombe_equals_statsmodels_and_his_paper():
    rng = np.random.default_rng(4)
    total, before_total = rng.integers(5, 900, 100), rng.integers(5, 900, 100)
    count, before = rng.binomial(total, 0.3), rng.binomial(before_total, 0.4)
    low, high = newcombe_interval(*(pd.Series(each, dtype=float) for each in (count, total, before, before_total)))
    for i in range(100):
        theirs = sm.confint_proportions_2indep(count[i], total[i], before[i], before_total[i], method="newcomb")
        assert (low[i], high[i]) == pytest.approx(theirs, abs=1e-9)


def test_overall_equals_scipys_chi_square_and_cramers_v():
    rng = np.random.default_rng(2)
    for _ in range(30):
        rest = rng.integers(200, 900, 8)
        count = rng.integers(30, 90, 8)
        ours, table = overall(count, rest), np.array([count, rest])
        theirs = stats.chi2_contingency(table, correction=False)
        assert ours.method == "chi-square"
        assert (ours.statistic, ours.p, ours.freedom) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.dof))
        assert ours.cramers_v == pytest.approx(stats.contingency.association(table, method="cramer"))
        assert 0 <= ours.dissimilarity <= 1


def test_sparse_counts_are_tested_by_drawing_and_come_near_the_exact_answer():
    """Two categories: the Monte Carlo p of the chi-square is Fisher's p by probability, known exactly."""
    count, rest = np.array([5, 15]), np.array([10, 170])
    ours = overall(count, rest, draws=20_000)
    assert ours.method == "Monte Carlo, 20,000 draws"
    law = stats.hypergeom(200, 15, 20)
    ways = np.arange(0, 16)
    statistic = (ways - 1.5) ** 2
    exact = law.pmf(ways)[statistic >= (5 - 1.5) ** 2 - 1e-9].sum()
    assert ours.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    assert overall(count, rest).p == overall(count, rest).p  # the seed is fixed


def test_the_overall_test_keeps_its_size_on_schools_drawn_at_random():
    rng = np.random.default_rng(9)
    county = np.array([1600, 2130, 890, 1210, 1100, 1720, 1100, 250])
    draws = rng.multivariate_hypergeometric(county, 210, size=400)
    under = np.mean([overall(each, county - each).p <= 0.05 for each in draws])
    assert under <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    printed = [overall(5 * np.floor(each / 5 + 0.5), county - each, slack=2, rest_slack=4).p <= 0.05 for each in draws]
    assert np.mean(printed) <= under


def test_nobody_to_compare_has_no_test():
    assert np.isnan(overall(np.array([0, 0]), np.array([5, 6])).p)
    assert np.isnan(overall(np.array([5, 6]), np.array([0, 0])).p)
