"""What changed since last year, and whether it could be chance."""

from __future__ import annotations

import pandas as pd

from geoplan.chance import newcombe_interval
from geoplan.comparison import MIN_TOTAL
from geoplan.disclosure import Protected
from geoplan.errors import ComparisonRefused

CHANCE = "could be chance"
NONE = "not known"


def change(now: pd.DataFrame, before: pd.DataFrame, slack: int = 0) -> pd.DataFrame:
    """The change of each share between two years, with its interval.

    Most pupils of two years are the same children. Their shares then move together, and the true interval of the
    change is narrower than the one given here, which takes the two years as separate people (Newcombe's): what is
    called clear is clear, and some of what "could be chance" is not. Segments are looked at one by one; of twenty
    that did not change, one at most is expected to be called clear by chance.

    Parameters
    ----------
    now, before
        Indexed alike (by segment, or by school and segment), columns ``count`` and ``total``. A row that only one
        year has is not compared.
    slack
        How far from the truth a count may be because it was rounded; the interval is widened by it.

    Returns
    -------
    DataFrame
        ``share`` and ``share_before`` (0 to 1), ``change_points`` with ``change_low`` and ``change_high`` (percentage
        points, 95%), ``clear`` (the interval leaves out 0) and ``in_words``. Missing where either year has fewer than
        30.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10.

    Examples
    --------
    >>> now = pd.DataFrame({"count": [90.0, 110.0], "total": 200.0}, index=["a", "b"])
    >>> before = pd.DataFrame({"count": [60.0, 140.0], "total": 200.0}, index=["a", "b"])
    >>> change(now, before)["in_words"].tolist()
    ['up 15 points', 'down 15 points']
    """
    both = before.reindex(now.index)
    many = (now["total"] >= MIN_TOTAL) & (both["total"] >= MIN_TOTAL)
    count, total = now["count"].where(many), now["total"].where(many)
    earlier, earlier_total = both["count"].where(many), both["total"].where(many)
    share, share_before = count / total, earlier / earlier_total
    low, _ = newcombe_interval(*_least(count, total, slack), *_most(earlier, earlier_total, slack))
    _, high = newcombe_interval(*_most(count, total, slack), *_least(earlier, earlier_total, slack))
    points, low, high = 100 * (share - share_before), 100 * low, 100 * high
    clear = (low > 0) | (high < 0)
    words = pd.Series(CHANCE, index=now.index).mask(points.isna(), NONE)
    moved = [f"{'up' if each > 0 else 'down'} {abs(each):.0f} points" for each in points[clear]]
    words[clear] = moved
    return pd.DataFrame(
        {
            "share": share,
            "share_before": share_before,
            "change_points": points,
            "change_low": low,
            "change_high": high,
            "clear": clear,
            "in_words": words,
        }
    )


def change_shown(now: Protected, before: Protected) -> Protected:
    """The change between two protected profiles of one school (or tables of all), from printed counts.

    Raises
    ------
    ComparisonRefused
        If the two have no segment in common.

    Returns
    -------
    Protected
        The rows of ``now``, its ``name``, ``count`` and ``total``, and the columns of :func:`change`.
    """
    if not now.table.index.isin(before.table.index).any():
        raise ComparisonRefused("the two years have no segment in common: they were made with different segmentations")
    slack = max(now.rule.round_to, before.rule.round_to) // 2
    answer = change(now.table[["count", "total"]], before.table[["count", "total"]], slack)
    kept = [name for name in ("name", "count", "total") if name in now.table]
    was_hidden = before.hidden["count"].reindex(now.table.index, fill_value=False)
    gone = now.hidden["count"] | was_hidden
    hidden = pd.DataFrame(dict.fromkeys(answer.columns, gone), index=now.table.index)
    hidden["share"], hidden["share_before"], hidden["count"] = now.hidden["count"], was_hidden, now.hidden["count"]
    for column in ("clear", "in_words"):
        hidden[column] = False
    table = pd.concat([now.table[kept], answer], axis=1)
    printed = (*(now.printed or ()), *(before.printed or ())) or None
    return Protected(table, hidden, now.rule, now.base, now.units, printed)


def _least(count: pd.Series, total: pd.Series, slack: int) -> tuple[pd.Series, pd.Series]:
    return (count - slack).clip(lower=0), total + slack


def _most(count: pd.Series, total: pd.Series, slack: int) -> tuple[pd.Series, pd.Series]:
    most = (total - slack).clip(lower=1)
    return (count + slack).clip(upper=most), most
