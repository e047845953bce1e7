"""Laws of protected releases: sums of parts, same bytes, stricter shows less, hidden counts leave no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from releases import counts, people, release

from geoplan.disclosure import Rule, rule_for
from geoplan.evidence import PublicTotals
from geoplan.gate import attack
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable

ROOT = Path(__file__).parents[2]
EXAMPLES = 1_000 if os.environ.get("GEOPLAN_LONG") else 25
seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INTERNAL = rule_for("internal", reason="Place planning for the autumn")


def school_table(random: np.random.Generator) -> tuple[RawTable, list[PublicTotals]]:
    frame = people(random, most_schools=4, most_segments=5)
    raw = RawTable("t", counts(frame, ("school", "segment")), attributes=("segment",))
    return raw, [PublicTotals(("school",), counts(frame, ("school",)))]


def texts(tables, rule=None, public=()) -> list[tuple[str, ...]]:
    return [one.printed.shown for one in protect_tables(tables, rule or Rule(), public)]


@given(seeds)
@laws
def test_every_total_is_the_sum_of_its_printed_parts(seed):
    raw, _ = school_table(np.random.default_rng(seed))
    done = protect_tables([raw, raw.sum_over("school", "s"), raw.sum_over("segment", "n")])
    parts = done[0]
    for total, dim in ((done[1], "segment"), (done[2], "school")):
        sums = parts.shown.groupby(level=dim).sum()
        assert total.shown.fillna(0).equals(sums.rename("count").reindex(total.shown.index))
        assert (sums[total.hidden] == 0).all()


@given(seeds, st.randoms(use_true_random=False))
@laws
def test_the_order_of_rows_and_columns_changes_nothing(seed, order):
    tables, public = release(np.random.default_rng(seed))
    shuffled = []
    for raw in tables:
        rows = list(range(len(raw)))
        order.shuffle(rows)
        shuffled.append(RawTable(raw.name, raw.counts.iloc[rows], attributes=raw.attributes))
    turned = [PublicTotals(p.dims, p.values.iloc[::-1]) for p in public]
    assert texts(tables, public=public) == texts(shuffled, public=turned)


@given(seeds)
@laws
def test_a_stricter_audience_never_shows_more(seed):
    raw, public = school_table(np.random.default_rng(seed))
    everyone, head, office = (
        protect_tables([raw], rule, public)[0] for rule in (Rule(), rule_for("school:900000"), INTERNAL)
    )
    assert not (everyone.shown.notna() & head.shown.isna()).any()
    assert office.shown.notna().all()
    own = raw.counts.index.get_level_values("school") == "900000"
    assert head.shown[~own].equals(everyone.shown[~own])
    # where both show a number, the head's is at least as near
    both = everyone.shown.notna() & own
    exact = raw.counts[both]
    assert ((head.shown[both] - exact).abs() <= (everyone.shown[both] - exact).abs()).all()


@given(seeds)
@laws
def test_a_hidden_count_of_3_may_be_1_2_or_4_and_nothing_printed_changes(seed):
    """Whatever a hidden count is, every printed text is the same, as long as the figures that are public are.

    Without public figures any hidden count may change by itself. A public sum over it would change too, and is
    not ours to hold still: there another hidden count of the same sum changes the other way.
    """
    random = np.random.default_rng(seed)
    raw, _ = school_table(random)
    values = raw.counts.copy()
    small = values[(values > 0) & (values < 10)].index
    if not len(small):
        return
    at = small[int(random.integers(len(small)))]
    seen = set()
    for count in (3, 1, 2, 4):
        changed = RawTable("t", values.where(values.index != at, count), attributes=("segment",))
        seen.add(tuple(texts([changed, changed.sum_over("school", "s"), changed.sum_over("segment", "n")])))
    assert len(seen) == 1

    partners = [other for other in small if other[0] == at[0] and other != at]
    if partners:
        held = values.copy()
        held[at], held[partners[0]] = 3, 6
        known = [PublicTotals(("school",), held.groupby(level="school").sum())]
        seen = set()
        for count in (3, 1, 2, 4):
            moved = held.copy()
            moved[at], moved[partners[0]] = count, 9 - count
            changed = RawTable("t", moved, attributes=("segment",))
            seen.add(tuple(texts([changed, changed.sum_over("school", "s")], public=known)))
        assert len(seen) == 1


@given(seeds)
@laws
def test_what_is_true_is_always_possible(seed):
    """The gate never rules out what is so."""
    tables, public = release(np.random.default_rng(seed))
    done = protect_tables(tables, public=public)
    result = attack([one.printed for one in done], public)
    assert result.passed
    for raw, one in zip(tables, done, strict=True):
        truth = dict(zip(raw.cells, raw.counts, strict=True))
        wide = attack([one.printed], public, exact=True) if not one.printed.parts else None
        for (_, cell), (low, high) in wide.ranges.items() if wide else ():
            if cell in truth:
                assert low <= truth[cell] <= high


def test_the_hash_seed_changes_nothing():
    code = (
        "import numpy as np; from releases import release; from geoplan.suppression import protect_tables\n"
        "for seed in range(6):\n"
        "    tables, public = release(np.random.default_rng(seed))\n"
        "    print([one.printed.shown for one in protect_tables(tables, public=public)])\n"
    )
    said = set()
    for seed in ("0", "1", "4242"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        }
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        said.add(run.stdout)
    assert len(said) == 1


def test_an_empty_table_is_nothing():
    index = pd.MultiIndex.from_arrays([[], []], names=["school", "segment"])
    (done,) = protect_tables([RawTable("t", pd.Series([], index=index, dtype="int64"))])
    assert len(done) == 0
    assert done.gate.narrowest is None
