"""Laws of comparison: printed numbers claim no more than exact ones, and one school says the same as the whole list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.comparison import compare, measure_shown
from geoplan.disclosure import PUBLIC, Rule, protect_counts
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable


@st.composite
def counties(draw):
    schools, segments = draw(st.integers(2, 8)), draw(st.integers(2, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    mix = rng.dirichlet(np.ones(segments) * draw(st.sampled_from([0.4, 2.0])))
    own = rng.dirichlet(np.ones(segments) * 3)
    rows = [rng.multinomial(rng.integers(1, 400), own if i == 0 else mix) for i in range(schools)]
    return pd.DataFrame(rows, index=[f"s{i}" for i in range(schools)], columns=[f"g{i}" for i in range(segments)])


@given(counties(), st.sampled_from([PUBLIC, Rule(hide_below=5, round_to=1), Rule(round_to=10)]))
@settings(max_examples=60)
def test_print_claims_no_more_than_the_truth(counts, rule):
    exact = compare(counts, counts.sum(), "all")
    shown, truth = exact.protect(rule).table, exact.table
    both = shown["q"].notna() & truth["q"].notna()
    assert (shown["q"][both] >= truth["q"][both] - 1e-12).all()
    assert (shown["p"][both] >= truth["p"][both] - 1e-12).all()
    large = truth["total"] >= 32  # 28 and 29 print as 30
    assert not (shown["notable"] & ~truth["notable"] & large).any()
    known = shown["share_low"].notna()
    assert (shown["share_low"][known] <= truth["share_low"][known] + 1e-12).all()
    assert (shown["share_high"][known] >= truth["share_high"][known] - 1e-12).all()
    hidden = exact.protect(rule).hidden["count"]
    assert not shown["notable"][hidden].any()


@given(counties())
@settings(max_examples=40)
def test_tables_protected_together_claim_no_more_than_the_truth(counts):
    counts = counts.rename_axis(index="school", columns="segment")
    raw = RawTable("by school", counts.stack(), population="pupils", attributes=("segment",))
    by_school, segments = protect_tables([raw, raw.sum_over("school", "segments")], totals="rounded")
    totals, _ = protect_counts(counts.sum(axis=1))
    everybody, _ = protect_counts(pd.Series([counts.to_numpy().sum()]))
    shown = measure_shown(by_school, segments, totals, float(everybody.iloc[0]), PUBLIC, "all").table
    truth = compare(counts, counts.sum(), "all").table.reindex(shown.index)
    both = shown["q"].notna() & truth["q"].notna()
    assert (shown["q"][both] >= truth["q"][both] - 1e-12).all()


@given(counties())
@settings(max_examples=60)
def test_one_school_alone_has_the_q_of_the_whole_list(counts):
    together = compare(counts, counts.sum(), "all")
    for school in together.groups:
        assert together.only(school).table.equals(together.table.loc[[school]])


@given(counties())
@settings(max_examples=60)
def test_measures_agree_with_each_other(counts):
    table = compare(counts, counts.sum(), "all").table
    assert table["more_than_expected"].groupby(level=0).sum().to_numpy() == pytest.approx(0, abs=1e-6)
    assert table["gap_points"].groupby(level=0).sum().to_numpy() == pytest.approx(0, abs=1e-6)
    known = table["residual"].notna()
    assert (np.sign(table["residual"][known].round(9)) == np.sign(table["gap_points"][known].round(9))).all()
    assert table["p"].dropna().between(0, 1).all()
    assert (table["q"].dropna() >= table["p"].dropna() - 1e-15).all()
    assert not table["notable"][table["total"] < 30].any()
