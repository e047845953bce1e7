"""What an outsider learns from releases as they are often made (more than nothing), and from ours (nothing)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.evidence import Nesting, PrintedShares, PrintedTable, PublicTotals
from geoplan.gate import attack
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable, take_up

MIX = {("a", "E"): 3, ("a", "G"): 40, ("a", "H"): 62, ("b", "E"): 60, ("b", "G"): 25, ("b", "H"): 31}
HEADCOUNT = PublicTotals(("school",), pd.Series({"a": 105, "b": 116}))


def raw(values: dict, *dims: str, name: str = "t", **more) -> RawTable:
    return RawTable(name, pd.Series(values).rename_axis(list(dims) if len(dims) > 1 else dims[0]), **more)


def plain(table: RawTable, hide_below: int = 10, **more) -> PrintedTable:
    """Small counts out, the others exact."""
    texts = tuple("c" if 0 < v < hide_below else str(v) for v in table.counts)
    more = {"hide_below": hide_below, "round_to": 1, "small_group": 0} | more
    return PrintedTable(table.name, table.dims, tuple(table.cells), texts, table.population, **more)


def found(result) -> int:
    """Small counts with fewer than five possible values."""
    return len(result.offenders)


def public_total():
    table = raw(MIX, "school", "segment", attributes=("segment",))
    return [table], [plain(table)], [HEADCOUNT], {}


def printed_total():
    table = raw(MIX, "school", "segment", attributes=("segment",))
    total = table.sum_over("segment", "n")
    return [table, total], [plain(table), plain(total)], [], {}


def two_hidden_in_a_line():
    table = raw(MIX | {("a", "G"): 1, ("a", "H"): 62}, "school", "segment", attributes=("segment",))
    known = [PublicTotals(("school",), pd.Series({"a": 66, "b": 116}))]
    return [table], [plain(table)], known, {}


def totals_both_ways():
    table = raw(MIX | {("b", "E"): 4}, "school", "segment", attributes=("segment",))
    known = [PublicTotals((dim,), table.counts.groupby(level=dim).sum()) for dim in table.dims]
    return [table], [plain(table)], known, {}


def linked_table():
    school = raw({("1", "E"): 75, ("1", "G"): 34}, "school", "segment", name="s", attributes=("segment",))
    area = raw({("x", "E"): 40, ("y", "E"): 35, ("x", "G"): 4, ("y", "G"): 30}, "area", "segment", name="a")
    return [school, area], [plain(school), plain(area)], [], {}


def wards_over_areas():
    look = {"l1": "w1", "l2": "w1", "l3": "w1"}
    fine = raw({"l1": 3, "l2": 40, "l3": 30}, "lsoa", name="f")
    coarse = raw({"w1": 73}, "ward", name="w")
    return [fine, coarse], [plain(fine), plain(coarse)], [], {"nested": [Nesting("lsoa", "ward", look)]}


def two_options():
    blocks = {"b0": 31, "b1": 22, "b2": 24, "b3": 4, "b4": 30}
    tables, nested = [], []
    for name, last in (("A", "b2"), ("B", "b3")):
        look = {b: "in" if b <= last else "out" for b in blocks}
        nested.append(Nesting("block", name, look))
        inside = sum(count for b, count in blocks.items() if look[b] == "in")
        tables.append(raw({"in": inside, "out": sum(blocks.values()) - inside}, name, name=name))
    return tables, [plain(each) for each in tables], [], {"nested": nested}


ATTACKS = [
    public_total,
    printed_total,
    two_hidden_in_a_line,
    totals_both_ways,
    linked_table,
    wards_over_areas,
    two_options,
]


@pytest.mark.parametrize("case", ATTACKS, ids=lambda case: case.__name__)
def test_what_is_often_printed_gives_small_counts_away_and_ours_does_not(case):
    tables, naive, public, more = case()
    assert found(attack(naive, public, exact=True, **more)) > 0
    ours = protect_tables(tables, public=public, **more)
    result = attack([one.printed for one in ours], public, exact=True, **more)
    assert found(result) == 0
    assert result.narrowest is None or result.narrowest >= 5


def test_the_complement_of_a_large_count_is_hidden_with_it():
    part, whole = (pd.Series({"a": n}).rename_axis("school") for n in (46, 50))
    public = [PublicTotals(("school",), whole)]
    (ours,) = protect_tables([take_up("Meals", part, whole)], public=public)
    assert found(attack([ours.printed], public, exact=True)) == 0
    assert ours.printed.shown == ("c", "c")


def test_a_percentage_of_exact_counts_gives_a_small_one_away_and_one_of_printed_parts_does_not():
    table = raw({"E": 3, "G": 60, "H": 40}, "s")
    exact = PrintedShares("%", "t", (), (("E",),), ("2.9%",), rounded=False)
    assert found(attack([_rounded(table)], shares=[exact])) > 0
    (ours,) = protect_tables([table])
    share = ours.shown / ours.shown.sum()
    texts = tuple("c" if np.isnan(value) else f"{100 * value:.0f}%" for value in share)
    printed = PrintedShares("%", "t", (), tuple(table.cells), texts)
    assert found(attack([ours.printed], shares=[printed], exact=True)) == 0


def _rounded(table: RawTable) -> PrintedTable:
    texts = tuple("c" if 0 < v < 10 else str(5 * int(v / 5 + 0.5)) for v in table.counts)
    return PrintedTable(table.name, table.dims, tuple(table.cells), texts)


def test_all_or_none_of_a_small_group_is_hidden():
    table = raw({("a", "no"): 18, ("a", "yes"): 0}, "school", "fsm", attributes=("fsm",))
    public = [PublicTotals(("school",), pd.Series({"a": 18}))]
    (ours,) = protect_tables([table], public=public)
    assert ours.printed.shown == ("c", "c")
    result = attack([ours.printed], public, exact=True)
    assert result.ranges["t", ("a", "yes")] == (0, 18)
