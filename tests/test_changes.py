"""Year on year: what is clear, what could be chance, and what is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.changes import CHANCE, NONE, change, change_shown
from geoplan.comparison import compare
from geoplan.errors import ComparisonRefused


def year(counts, total=None):
    return pd.DataFrame({"count": pd.Series(counts, dtype=float)}).assign(total=float(total or sum(counts.values())))


def test_change_in_words_and_numbers():
    answer = change(year({"a": 120, "b": 80}), year({"a": 80, "b": 120}))
    assert answer.loc["a", "change_points"] == pytest.approx(20)
    assert answer["in_words"].tolist() == ["up 20 points", "down 20 points"]
    assert answer["clear"].all()
    assert change(year({"a": 102, "b": 98}), year({"a": 98, "b": 102}))["in_words"].tolist() == [CHANCE, CHANCE]


def test_small_years_and_segments_of_one_year_are_not_compared():
    few = change(year({"a": 14, "b": 15}), year({"a": 140, "b": 60}))
    assert few["change_points"].isna().all()
    assert (few["in_words"] == NONE).all()
    only_now = change(year({"a": 100, "new": 100}), year({"a": 200}))
    assert np.isnan(only_now.loc["new", "change_points"])
    assert not only_now.loc["new", "clear"]


def test_two_years_drawn_alike_are_called_clear_at_most_one_time_in_twenty():
    rng = np.random.default_rng(11)
    draws = 4_000
    now = pd.DataFrame({"count": rng.binomial(210, 0.2, draws).astype(float), "total": 210.0})
    before = pd.DataFrame({"count": rng.binomial(210, 0.2, draws).astype(float), "total": 210.0})
    # Newcombe's interval covers 95% on average; three standard errors of 4,000 draws, and a half per cent of its own
    assert change(now, before)["clear"].mean() <= 0.05 + 0.005 + 3 * np.sqrt(0.05 * 0.95 / draws)
    rounded = [5 * np.floor(each / 5 + 0.5) for each in (now, before)]
    assert change(*rounded, slack=2)["clear"].mean() < 0.02


def test_the_printed_interval_holds_the_exact_one():
    rng = np.random.default_rng(12)
    total = pd.Series(rng.integers(60, 900, 500)).astype(float)
    now = pd.DataFrame({"count": np.floor(total * rng.uniform(0.1, 0.9, 500)), "total": total})
    before = pd.DataFrame({"count": np.floor(total * rng.uniform(0.1, 0.9, 500)), "total": total})
    exact = change(now, before)
    printed = change(*(5 * np.floor(each / 5 + 0.5) for each in (now, before)), slack=2)
    assert (printed["change_low"] <= exact["change_low"] + 1e-9).all()
    assert (printed["change_high"] >= exact["change_high"] - 1e-9).all()
    assert not (printed["clear"] & ~exact["clear"]).any()


def test_from_protected_profiles_what_either_year_hides_stays_hidden():
    base = pd.Series({"a": 900, "b": 900, "c": 200})
    now = compare(pd.DataFrame({"a": [120], "b": [80], "c": [3]}, index=["s"]), base, "all").protect()
    before = compare(pd.DataFrame({"a": [60], "b": [140], "c": [20]}, index=["s"]), base, "all").protect()
    answer = change_shown(now, before)
    assert answer.hidden.loc[("s", "c"), "change_points"]
    assert answer.table.loc[("s", "c"), ["change_points", "change_low", "change_high"]].isna().all()
    assert answer.table.loc[("s", "c"), "share_before"] == pytest.approx(20 / 220)
    assert answer.table.loc[("s", "a"), "in_words"].startswith("up ")


def test_years_of_different_segmentations_are_refused():
    base = pd.Series({"a": 900, "b": 900})
    now = compare(pd.DataFrame({"a": [120], "b": [80]}, index=["s"]), base, "all").protect()
    other = compare(pd.DataFrame({"x": [120], "y": [80]}, index=["s"]), pd.Series({"x": 900, "y": 900}), "all")
    with pytest.raises(ComparisonRefused, match="no segment in common"):
        change_shown(now, other.protect())
