"""Raw tables show nothing by accident."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pandas as pd
import pytest

from geoplan.errors import NotProtected
from geoplan.tables import RawTable, take_up

COUNTS = pd.Series({("b", "E"): 41, ("a", "E"): 213, ("a", "G"): 3}).rename_axis(["school", "segment"])
RAW = RawTable("Who comes", COUNTS, population="2026")


def test_it_shows_its_shape_and_a_rounded_total_only():
    for text in (repr(RAW), str(RAW), f"{RAW}", RAW._repr_html_()):
        assert "about 255 pupils" in text
        assert "213" not in text
        assert "257" not in text
    assert "fewer than 10" in repr(RawTable("t", pd.Series({"a": 9}).rename_axis("school")))


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps, copy.copy, copy.deepcopy, list, np.asarray, np.array, tuple, sorted,
        lambda t: t.to_csv(io.StringIO()), lambda t: t.to_json(), lambda t: t.to_excel("x.xlsx"), lambda t: t.plot(),
        lambda t: dict(iter(t)), lambda t: pd.DataFrame(list(t)),
    ],
)  # fmt: skip
def test_every_way_out_is_refused(leak):
    with pytest.raises(NotProtected, match="Who comes: a raw table"):
        leak(RAW)


def test_cells_are_sorted_text_whatever_the_order_given():
    numbers = RawTable("t", pd.Series({2: 5, 10: 7}).rename_axis("school"))
    assert numbers.cells == [("10",), ("2",)]
    assert RAW.cells == RawTable("x", COUNTS.iloc[::-1]).cells


def test_summing_stays_raw_and_of_the_same_population():
    by_school = RAW.sum_over("segment")
    assert isinstance(by_school, RawTable)
    assert by_school.population == "2026"
    assert by_school.counts.to_dict() == {"a": 216, "b": 41}
    with pytest.raises(ValueError, match="cannot sum"):
        RAW.sum_over("ward")


@pytest.mark.parametrize(
    "counts",
    [
        pd.Series([1]), pd.Series({"a": -1}).rename_axis("s"), pd.Series({"a": 1.5}).rename_axis("s"),
        pd.Series({"a": None}, dtype=float).rename_axis("s"), pd.Series([1, 1], index=pd.Index(["a", "a"], name="s")),
        pd.Series([1, 1], index=pd.Index([1, "1"], name="s", dtype=object)),
    ],
)  # fmt: skip
def test_what_is_not_a_table_of_counts_is_refused(counts):
    with pytest.raises(ValueError):
        RawTable("t", counts)


def test_take_up_has_the_complement_as_a_cell():
    whole = pd.Series({"a": 20, "b": 5}).rename_axis("school")
    table = take_up("Meals", pd.Series({"a": 17}).rename_axis("school"), whole)
    assert table.counts.to_dict() == {("a", "no"): 3, ("a", "yes"): 17, ("b", "no"): 5, ("b", "yes"): 0}
    with pytest.raises(ValueError, match="more took part"):
        take_up("Meals", whole + 1, whole)
