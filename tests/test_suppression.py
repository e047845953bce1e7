"""Second hiding: what the outsider cannot undo, and what it costs."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from releases import SETS, counts, people, release, tracker, truth

from geoplan.disclosure import Protected, Rule, rule_for
from geoplan.errors import DisclosureRefused
from geoplan.evidence import PUBLIC_FIGURE, Nesting, PrintedTable, PublicTotals
from geoplan.gate import attack
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


def test_a_zero_left_out_of_a_table_is_hidden_as_one_that_is_listed():
    """Seven of a school of seven say yes: no row for those who say no would tell so."""
    some = {("a", "yes"): 7, ("b", "yes"): 60, ("b", "no"): 25}
    known = PublicTotals(("school",), pd.Series({"a": 7, "b": 85}))
    done = protect_tables([table(some, "school", "answer", attributes=("answer",))], public=[known])[0]
    every = table(some | {("a", "no"): 0}, "school", "answer", attributes=("answer",))
    assert done.printed == protect_tables([every], public=[known])[0].printed
    assert done.hidden["a", "no"] and done.hidden["a", "yes"]
    result = attack([done.printed], [known], exact=True)
    assert result.already == 0 and result.ranges["t", ("a", "yes")] == (0, 7)


def test_cells_of_three_dimensions_and_of_a_part_of_a_population_are_left_as_they_are():
    some = {("a", "yes"): 7, ("b", "yes"): 60, ("b", "no"): 25}
    assert len(table(some, "school", "answer", complete=False).with_zeros()) == 3
    assert len(table({(*key, "x"): n for key, n in some.items()}, "school", "answer", "of").with_zeros()) == 3
    assert table(some, "school", "answer").with_zeros().counts["a", "no"] == 0


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


def stepping(steps: int):
    """A tracker's catchments, each with its FSM count: nestings, block sizes, FSM by block, and the raw tables."""
    _, nested, sizes = tracker(steps, exact=False, seed=3)
    random = np.random.default_rng(3)
    size = random.integers(25, 60, steps)
    fsm = random.binomial(size, random.beta(1.2, 5, steps))
    raw = []
    for k, nesting in enumerate(nested, start=1):
        values = {("in", "yes"): int(fsm[:k].sum()), ("in", "no"): int((size - fsm)[:k].sum())}
        raw.append(table(values, nesting.coarse, "fsm", name=f"t{k}", attributes=("fsm",), complete=False))
    return nested, sizes, size, fsm, raw


def certain(result, sizes) -> int:
    """Pupils whose FSM status follows: all, or none, of a block must have it."""
    known = dict(sizes.items())
    narrow = [
        known[cell[:1]]
        for (name, cell), (low, high) in result.ranges.items()
        if name.endswith("by block, fsm") and cell[1] == "yes" and (high == 0 or low == known[cell[:1]])
    ]
    return sum(narrow)


STEPS = [12, pytest.param(400, marks=pytest.mark.skipif(not LONG, reason="GEOPLAN_LONG=1"))]


@pytest.mark.parametrize("steps", STEPS)
def test_the_ledger_keeps_a_tracker_out(steps):
    """Each option is protected against all before it; all that was published passes the joint attack."""
    nested, sizes, _, _, tables = stepping(steps)
    published = []
    for k, raw in enumerate(tables, start=1):
        done = protect_tables([raw], public=[sizes], earlier=published, nested=nested[:k])
        published.append(done[0].printed)
    result = attack(published, [sizes], nested=nested)
    assert result.passed
    assert result.narrowest >= 5
    assert certain(result, sizes) == 0
    assert sum(text != "c" for one in published for text in one.shown) > steps / 2


def test_a_block_that_proves_to_hold_nobody_does_not_stop_every_later_option():
    """Fractions leave 0 or 1 pupil in block b002; whole numbers leave 0, which is no small number."""
    nested, sizes, _, _, tables = stepping(400)
    published = []
    for k, raw in enumerate(tables[:9], start=1):
        published.append(protect_tables([raw], public=[sizes], earlier=published, nested=nested[:k])[0].printed)
    exact = attack(published, [sizes], nested=nested[:9], exact=True)
    assert exact.passed and exact.narrowest >= 5
    assert any("c" not in one.shown for one in published[6:])


@pytest.mark.parametrize("steps", STEPS)
def test_options_that_add_up_printed_blocks_tell_a_tracker_nothing_more(steps):
    """Blocks are protected once; an option is the sum of their printed figures, whatever its boundary."""
    nested, sizes, size, fsm, tables = stepping(steps)
    names = list(sizes.values.index)
    counts = {(b, "yes"): int(y) for b, y in zip(names, fsm, strict=True)}
    counts |= {(b, "no"): int(n - y) for b, y, n in zip(names, fsm, size, strict=True)}
    blocks = table(counts, "block", "fsm", name="blocks", attributes=("fsm",))
    alone = protect_tables([blocks], public=[sizes])
    done = protect_tables([blocks, *tables], public=[sizes], nested=nested)
    assert done[0].printed.shown == alone[0].printed.shown
    assert {one.printed.parts for one in done[1:]} == {"blocks"}
    with_options = attack([one.printed for one in done], [sizes], nested=nested, exact=steps < 20)
    without = attack([alone[0].printed], [sizes], exact=steps < 20)
    assert with_options.passed
    assert certain(with_options, sizes) == 0
    if steps < 20:
        held = {label: ends for label, ends in with_options.ranges.items() if label[0] == "blocks"}
        assert held == {label: ends for label, ends in without.ranges.items() if label[0] == "blocks"}


def options():
    """Two ways to draw a catchment over six blocks, one block apart, which holds 4 pupils with FSM."""
    fsm = {"b0": 31, "b1": 22, "b2": 24, "b3": 4, "b4": 30, "b5": 21}
    nested = [
        Nesting("block", f"option{name}", {b: "in" if b <= last else "out" for b in fsm})
        for name, last in (("A", "b2"), ("B", "b3"))
    ]
    raw = []
    for nesting in nested:
        inside = sum(count for b, count in fsm.items() if nesting.lookup[b] == "in")
        raw.append(table({"in": inside, "out": sum(fsm.values()) - inside}, nesting.coarse, name=nesting.coarse))
    return raw, nested


def test_exact_options_would_give_away_the_block_between_them():
    raw, nested = options()
    slips = [
        PrintedTable(one.name, one.dims, tuple(one.cells), tuple(map(str, one.counts)), "", 1, 1, 0) for one in raw
    ]
    result = attack(slips, nested=nested, exact=True)
    assert result.ranges["(not printed) by block", ("b3",)] == (4, 4)
    assert not result.passed


@pytest.mark.parametrize("milder", [1, 2])
def test_a_second_catchment_option_is_held_against_the_first(milder):
    """Rounded less, each option alone gives nothing away; without the ledger both together do, with it they do not."""
    raw, nested = options()
    rule = rule_for("public", reason="Agreed with the data officer", overrides={"round_to": milder})
    first = protect_tables(raw[:1], rule, nested=nested[:1])
    alone = protect_tables(raw[1:], rule, nested=nested[1:])
    assert first[0].gate.passed
    assert alone[0].gate.passed
    apart = attack([alone[0].printed], earlier=[first[0].printed], nested=nested)
    ledger = append(Ledger(), "option A", "public", [first[0].printed], nested[:1])
    before, known = earlier(ledger, [""])
    second = protect_tables(raw[1:], rule, earlier=before, nested=[*known, *nested[1:]])
    together = attack([second[0].printed], earlier=before, nested=nested)
    assert together.passed
    assert together.narrowest is None or together.narrowest >= 5
    assert not apart.passed
    assert second[0].hidden.sum() > alone[0].hidden.sum()


def test_the_same_data_released_again_prints_the_same_texts():
    for seed in range(6):
        tables, public = release(np.random.default_rng(seed))
        first = protect_tables(tables, public=public)
        ledger = append(Ledger(), "spring", "public", [one.printed for one in first])
        before, nested = earlier(ledger, [""])
        again = protect_tables(tables, public=public, earlier=before, nested=nested)
        assert [one.printed for one in again] == [one.printed for one in first]


def test_records_that_changed_within_one_population_are_attacked_together_or_refused():
    """One pupil more: where both prints may be of the same people they are taken together, else it is refused."""
    raw = table(ROWS, "school", "segment")
    first = protect_tables([raw], public=[HEADCOUNT])
    before = [PrintedTable(**{**vars(first[0].printed), "name": "t (spring, 1)"})]
    more = dict(ROWS) | {("b", "G"): 26}
    known = PublicTotals(("school",), pd.Series({"a": 43, "b": 86}))
    (second,) = protect_tables([table(more, "school", "segment")], public=[known], earlier=before)
    assert attack([second.printed], [known], before).passed
    moved = dict(ROWS) | {("b", "G"): 28}  # prints 30, where 25 was printed
    known = PublicTotals(("school",), pd.Series({"a": 43, "b": 88}))
    with pytest.raises(DisclosureRefused, match="a population name of their own") as refused:
        protect_tables([table(moved, "school", "segment")], public=[known], earlier=before)
    assert refused.value.offenders == ()
    apart = table(moved, "school", "segment", population="summer")
    known = PublicTotals(("school",), pd.Series({"a": 43, "b": 88}), "summer")
    assert protect_tables([apart], public=[known], earlier=before)[0].gate.passed


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
