"""What chance alone would give: intervals, exact tests, and the price of looking at many numbers at once.

Plain functions over arrays; SciPy does the distributions. :mod:`geoplan.comparison` asks them about people.

References: Wilson (1927), JASA 22:209; Newcombe (1998), Statistics in Medicine 17:873, method 10; Fisher (1935),
The Design of Experiments; Benjamini and Hochberg (1995), JRSS B 57:289; Haberman (1973), Biometrics 29:205.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

Z_95 = 1.959963984540054
DRAWS = 1_999
SEED = 20_260_901
SPARSE_UNDER = 5.0  # an expected count under this, and the chi-square distribution is not trusted


def wilson_interval(count: pd.Series, total: pd.Series, z: float = Z_95) -> tuple[pd.Series, pd.Series]:
    """Wilson's score interval for a share, ``count`` of ``total``; missing where there is no total.

    Examples
    --------
    >>> low, high = wilson_interval(pd.Series([10.0]), pd.Series([100.0]))
    >>> float(low[0].round(4)), float(high[0].round(4))
    (0.0552, 0.1744)
    """
    share = count / total
    middle = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # at 0 and 1 the ends are exact, whatever the rounding of the square root
    low = ((middle - half) / scale).clip(lower=0).where(count > 0, 0.0).where(total.notna())
    high = ((middle + half) / scale).clip(upper=1).where(count < total, 1.0).where(total.notna())
    return low, high


def newcombe_interval(
    count: pd.Series, total: pd.Series, before: pd.Series, total_before: pd.Series, z: float = Z_95
) -> tuple[pd.Series, pd.Series]:
    """Newcombe's interval for the difference of two shares, built from their Wilson intervals.

    Parameters
    ----------
    count, total, before, total_before
        The two shares, now and before, as counts.

    Returns
    -------
    low, high
        Of ``count / total - before / total_before``.

    Examples
    --------
    Newcombe's own example: 56 of 70 against 48 of 80.

    >>> low, high = newcombe_interval(*(pd.Series([float(n)]) for n in (56, 70, 48, 80)))
    >>> float(low[0].round(4)), float(high[0].round(4))
    (0.0524, 0.3339)
    """
    low, high = wilson_interval(count, total, z)
    low_before, high_before = wilson_interval(before, total_before, z)
    share, share_before = count / total, before / total_before
    change = share - share_before
    down = np.sqrt((share - low) ** 2 + (high_before - share_before) ** 2)
    up = np.sqrt((high - share) ** 2 + (share_before - low_before) ** 2)
    return change - down, change + up


def exact_p(
    count: np.ndarray, total: np.ndarray, rest_count: np.ndarray, rest_total: np.ndarray, slack: int = 0,
    rest_slack: int = 0,
) -> np.ndarray:  # fmt: skip
    """Fisher's exact test of a group against everybody else of its base: twice the smaller tail, at most 1.

    With the group inside its base this is the hypergeometric test: how many of the category ``total`` people drawn
    from the base without putting back would hold.

    Parameters
    ----------
    count, total
        People of the category in the group, and people of the group.
    rest_count, rest_total
        The same for the base's people who are not the group's.
    slack, rest_slack
        How far from the truth each number may be because it was rounded. The test is then made at the least extreme
        numbers that could stand behind the printed ones, so that its p is never under that of the true numbers.

    Returns
    -------
    ndarray
        NaN where a number is missing or there is nobody to compare.

    References
    ----------
    Fisher (1935); the doubled tail: Gibbons and Pratt (1975), The American Statistician 29:20.

    Examples
    --------
    >>> exact_p(np.array([8.0]), np.array([10.0]), np.array([4.0]), np.array([14.0])).round(4).tolist()
    [0.0361]
    """
    count, total, rest_count, rest_total = (
        np.asarray(each, dtype=float) for each in (count, total, rest_count, rest_total)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        over = count * (rest_total + total) >= total * (rest_count + count)
    toward = np.where(over, -1.0, 1.0)
    total_at = np.maximum(total - toward * slack, 0)
    count_at = np.clip(count + toward * slack, 0, total_at)
    rest_total_at = np.maximum(rest_total + toward * rest_slack, 0)
    rest_at = np.clip(rest_count - toward * rest_slack, 0, rest_total_at)
    known = np.isfinite(count_at + total_at + rest_at + rest_total_at) & (total > 0) & (rest_total_at > 0)
    p = np.full(count.shape, np.nan)
    k, n, have = count_at[known], total_at[known], (count_at + rest_at)[known]
    everybody = (total_at + rest_total_at)[known]
    tail = np.where(
        over[known], stats.hypergeom.sf(k - 1, everybody, have, n), stats.hypergeom.cdf(k, everybody, have, n)
    )
    p[known] = np.clip(2 * tail, 0, 1)
    return p


def false_discovery(p: np.ndarray, cells: int | None = None) -> np.ndarray:
    """Benjamini and Hochberg's q: the rate of false discoveries if this and all smaller p are called notable.

    Parameters
    ----------
    p
        All p looked at together; NaN is left out and stays NaN.
    cells
        How many cells were looked at, where more than those with a p (hidden ones count as p = 1).

    Examples
    --------
    >>> false_discovery(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = np.asarray(p, dtype=float)
    q = np.full(p.shape, np.nan)
    places = np.flatnonzero(np.isfinite(p))
    order = places[np.argsort(p[places], kind="stable")]
    many = len(order) if cells is None else max(cells, len(order))
    scaled = p[order] * many / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


@dataclass(frozen=True)
class Overall:
    """Whether a group's mix as a whole differs from its base's, and by how much.

    Parameters
    ----------
    statistic, freedom
        Pearson's chi-square and its degrees of freedom.
    p
        How often chance alone would give as much or more.
    method
        How p was found, in words.
    cramers_v
        Size of the difference, 0 to 1.
    dissimilarity
        The share of the group who would have to be in another category for the mixes to be the same (0 to 1).
    """

    statistic: float
    freedom: int
    p: float
    method: str
    cramers_v: float
    dissimilarity: float


def overall(
    count: np.ndarray, rest: np.ndarray, slack: int = 0, rest_slack: int = 0, draws: int = DRAWS, seed: int = SEED
) -> Overall:
    """Chi-square of a group's counts by category against the rest of its base.

    Where an expected count is under 5 the p comes from random draws of the group from group and rest together
    (without putting back, fixed seed), (1 + draws as extreme) / (1 + draws).

    Parameters
    ----------
    count, rest
        People of the group, and of the rest, by category.
    slack, rest_slack
        How far each count may be off because it was rounded: each deviation is taken at its least.
    draws, seed
        Of the Monte Carlo test.

    References
    ----------
    Pearson (1900); Hope (1968), JRSS B 30:582 (Monte Carlo); Cramer (1946); Duncan and Duncan (1955), ASR 20:210.

    Examples
    --------
    >>> answer = overall(np.array([30, 10, 20]), np.array([70, 90, 80]))
    >>> round(answer.statistic, 3), answer.freedom, round(answer.p, 4), answer.method
    (12.5, 2, 0.0019, 'chi-square')
    """
    count, rest = np.asarray(count, dtype=float), np.asarray(rest, dtype=float)
    pool = count + rest
    count, rest, pool = count[pool > 0], rest[pool > 0], pool[pool > 0]
    total, everybody = count.sum(), pool.sum()
    if total <= 0 or everybody <= total or len(pool) < 2:
        return Overall(np.nan, max(len(pool) - 1, 0), np.nan, "nobody to compare", np.nan, np.nan)
    expected = total * pool / everybody
    # both rows of the 2 x k table deviate alike, so one row and a factor are enough
    factor = everybody / (everybody - total)

    def statistic(counts: np.ndarray, off: np.ndarray | float) -> np.ndarray:
        deviation = np.maximum(np.abs(counts - expected) - off, 0)
        return factor * (deviation**2 / expected).sum(axis=-1)

    off = slack + (slack + rest_slack) * total / everybody if slack or rest_slack else 0.0
    seen, freedom = float(statistic(count, off)), len(pool) - 1
    rest_expected = (everybody - total) * pool / everybody
    if min(expected.min(), rest_expected.min()) >= SPARSE_UNDER:
        p, method = float(stats.chi2.sf(seen, freedom)), "chi-square"
    else:
        whole, size = np.rint(pool).astype(np.int64), round(total)
        drawn = np.random.default_rng(seed).multivariate_hypergeometric(whole, size, size=draws, method="marginals")
        extreme = int((statistic(drawn, 0.0) >= seen - 1e-9).sum())
        p, method = (1 + extreme) / (1 + draws), f"Monte Carlo, {draws:,} draws"
    return Overall(
        seen,
        freedom,
        p,
        method,
        float(np.sqrt(seen / everybody)),
        float(0.5 * np.abs(count / total - rest / rest.sum()).sum()),
    )
