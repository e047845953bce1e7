"""Second hiding: what the outsider cannot undo, and what it costs."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from releases import SETS, counts, people, release, tracker, truth

from geoplan.disclosure import Protected, Rule, rule_for
from geoplan.errors import DisclosureRefused
from geoplan.gate import PUBLIC_FIGURE, Nesting, PrintedTable, PublicTotals, attack
from geoplan.ledger import Ledger, append, earlier
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable, take_up

LONG = bool(os.environ.get("GEOPLAN_LONG"))
REASON = "Place planning for the autumn"


def table(values: dict, *dims: str, name: str = "t", **more) -> RawTable:
    return RawTable(name, pd.Series(values).rename_axis(list(dims) if len(dims) > 1 else dims[0]), **more)


ROWS = {("a", "E"): 3, ("a", "G"): 40, ("b", "E"): 60, ("b", "G"): 25}
HEADCOUNT = PublicTotals(("school",), pd.Series({"a": 43, "b": 85}))


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(1000), marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))]
)
def test_no_count_of_a_random_release_is_narrower_than_five_values(seeds):
    """Up to four linked tables, every school's headcount known, both ends of every protected count worked out."""
    protected = 0
    for seed in seeds:
        tables, public = release(np.random.default_rng(seed))
        done = protect_tables(tables, public=public)
        result = attack([one.printed for one in done], public, exact=True)
        assert result.offenders == ()
        assert result.narrowest is None or result.narrowest >= 5
        protected += result.cells
        for raw in tables:
            for cell, count in truth(raw).items():
                low, high = result.ranges.get((raw.name, cell), (count, count))
                assert low <= count <= high
    assert protected > 5 * len(seeds)


def test_a_number_alone_in_its_row_takes_another_with_it():
    (done,) = protect_tables([table(ROWS, "school", "segment")], public=[HEADCOUNT])
    assert done.printed.shown == ("c", "c", "60", "25")
    assert done.gate.passed
    assert done.hidden.tolist() == [True, True, False, False]


def test_totals_are_sums_of_printed_parts_or_public_figures():
    raw = table(ROWS, "school", "segment")
    done = protect_tables([raw, raw.sum_over("school", "s"), raw.sum_over("segment", "n")], public=[HEADCOUNT])
    assert [one.printed.parts for one in done] == ["", "t", PUBLIC_FIGURE]
    assert done[1].printed.shown == ("60", "25")
    assert done[2].printed.shown == ("43", "85")


def test_rounded_totals_are_attacked_too():
    raw = table(ROWS, "school", "segment")
    done = protect_tables([raw, raw.sum_over("school", "s")], public=[HEADCOUNT], totals="rounded")
    assert done[1].printed.parts == ""
    assert set(done[1].printed.shown) <= {"65", "c"}
    assert attack([one.printed for one in done], [HEADCOUNT]).passed


def test_public_figures_that_are_not_our_sums_are_refused():
    wrong = PublicTotals(("school",), pd.Series({"a": 44, "b": 85}))
    with pytest.raises(ValueError, match=r"1 public figures by school are not the sums of 't'"):
        protect_tables([table(ROWS, "school", "segment")], public=[wrong])


def test_none_and_all_of_a_small_group_are_hidden():
    raw = table(
        {("a", "yes"): 0, ("a", "no"): 18, ("b", "yes"): 0, ("b", "no"): 40}, "school", "fsm", attributes=("fsm",)
    )
    public = [PublicTotals(("school",), pd.Series({"a": 18, "b": 40}))]
    assert protect_tables([raw], public=public)[0].printed.shown == ("c", "c", "40", "0")


def test_take_up_is_checked_with_its_complement():
    whole = pd.Series({"a": 50, "b": 60}).rename_axis("school")
    raw = take_up("Meals", pd.Series({"a": 46, "b": 30}).rename_axis("school"), whole)
    (done,) = protect_tables([raw], public=[PublicTotals(("school",), whole)])
    assert done.printed.shown == ("c", "c", "30", "30")


def test_internal_is_exact_and_public_is_not():
    raw = table(ROWS, "school", "segment")
    (exact,) = protect_tables([raw], rule_for("internal", reason=REASON))
    assert exact.shown.tolist() == [3, 40, 60, 25]
    assert exact.gate is None
    assert exact.rule.marking == "OFFICIAL-SENSITIVE"


def test_a_head_sees_more_of_the_own_school_only():
    frame = people(np.random.default_rng(5), most_schools=4)
    raw = RawTable("t", counts(frame, ("school", "segment")), attributes=("segment",))
    public = [PublicTotals(("school",), counts(frame, ("school",)))]
    (everyone,) = protect_tables([raw], public=public)
    (head,) = protect_tables([raw], rule_for("school:900000"), public)
    own = raw.counts.index.get_level_values("school") == "900000"
    assert head.shown[~own].equals(everyone.shown[~own])
    exact = (head.shown == raw.counts) & (raw.counts % 5 > 0)
    assert exact[own].any()
    assert not (everyone.shown.notna() & head.shown.isna()).any()
    assert not head.shown[own].between(1, 4).any()
    assert attack([head.printed], public).passed


def test_what_cannot_be_protected_is_merged_or_refused_with_the_cells():
    raw = table(ROWS, "school", "segment")
    said = PrintedTable("a slip", ("school", "segment"), (("a", "G"),), ("40",), "", 1, 1, 0, complete=False)
    with pytest.raises(DisclosureRefused, match="t: a, E") as refused:
        protect_tables([raw], public=[HEADCOUNT], earlier=[said])
    assert refused.value.offenders == (("t", ("a", "E")),)
    assert not any(digit in str(refused.value).split("\n", 1)[1] for digit in "0123456789")
    asked = []

    def merge(tables, offenders):
        asked.append(offenders)
        return [one.sum_over("segment", "merged") for one in tables]

    merged = protect_tables([raw], public=[HEADCOUNT], earlier=[said], coarsen=merge)
    assert asked == [refused.value.offenders]
    assert merged[0].printed.shown == ("43", "85")
    with pytest.raises(DisclosureRefused):
        protect_tables([raw], public=[HEADCOUNT], earlier=[said], coarsen=lambda tables, offenders: tables)


def test_what_was_hidden_stays_hidden_and_the_first_release_is_remembered():
    raw = table(ROWS, "school", "segment")
    first = protect_tables([raw], public=[HEADCOUNT])
    ledger = append(Ledger(), "spring", "public", [one.printed for one in first])
    before, nested = earlier(ledger, [""])
    again = protect_tables([raw], public=[HEADCOUNT], earlier=before, nested=nested)
    assert again[0].printed.shown == first[0].printed.shown
    milder = rule_for("public", reason="Agreed with the data officer", overrides={"hide_below": 3})
    (shown,) = protect_tables([raw], milder, [HEADCOUNT], earlier=before)
    assert shown.hidden.tolist()[:2] == [True, True]


@pytest.mark.parametrize("steps", [8, pytest.param(40, marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))])
def test_the_ledger_keeps_a_tracker_out(steps):
    """Each option is protected against all before it; all that was published passes the joint attack."""
    _, nested, sizes = tracker(steps, exact=False, seed=3)
    random = np.random.default_rng(3)
    size = random.integers(25, 60, steps)
    fsm = random.binomial(size, random.beta(1.2, 5, steps))
    published = []
    for k, nesting in enumerate(nested, start=1):
        inside = int(fsm[:k].sum())
        values = {("in", "yes"): inside, ("in", "no"): int(size[:k].sum()) - inside}
        raw = table(values, nesting.coarse, "fsm", name=f"t{k}", attributes=("fsm",), complete=False)
        done = protect_tables([raw], public=[sizes], earlier=published, nested=nested[:k])
        published.append(done[0].printed)
    assert attack(published, [sizes], nested=nested).passed
    assert sum(text != "c" for one in published for text in one.shown) > steps / 2


def test_areas_in_wards_share_their_sums():
    look = {"l1": "w1", "l2": "w1", "l3": "w2"}
    fine = table(
        {("l1", "E"): 3, ("l2", "E"): 40, ("l3", "E"): 30, ("l1", "G"): 50, ("l2", "G"): 12, ("l3", "G"): 5},
        "lsoa",
        "s",
        name="f",
    )
    ward = fine.counts.rename(look, level=0).groupby(level=[0, 1]).sum().rename_axis(["ward", "s"])
    done = protect_tables([fine, RawTable("w", ward)], nested=[Nesting("lsoa", "ward", look)])
    assert done[1].printed.parts == "f"
    apart = protect_tables([fine, RawTable("w", ward)], nested=[Nesting("lsoa", "ward", look)], totals="rounded")
    assert apart[1].gate.passed


@pytest.mark.parametrize("dims", SETS)
def test_pages_and_writers_take_the_result(dims):
    frame = people(np.random.default_rng(1))
    done = protect_tables([RawTable(" ".join(d), counts(frame, d)) for d in dims])
    assert all(isinstance(one.to_protected(), Protected) for one in done)
    wide = done[0].unstack(dims[0][1])
    assert wide.table.shape == wide.hidden.shape


def test_shares_are_of_printed_parts_and_not_of_a_small_base():
    raw = table(
        {("a", "E"): 31, ("a", "G"): 72, ("b", "E"): 12, ("b", "G"): 0}, "school", "segment", attributes=("segment",)
    )
    (done,) = protect_tables([raw])
    shares = done.shares("school")
    assert shares["a"].tolist() == [30 / 100, 70 / 100]
    assert shares["b"].isna().all()


def test_the_choice_is_the_same_for_rules_of_the_same_numbers():
    raw = table(ROWS, "school", "segment")
    assert protect_tables([raw], Rule(name="x"))[0].printed.shown == protect_tables([raw])[0].printed.shown
