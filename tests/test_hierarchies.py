"""Hierarchies: every group in one larger group, and nobody lost on the way up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.errors import ComparisonRefused, UnknownCodeError
from geoplan.hierarchies import ALL, NO_GROUP, hierarchy

SCHOOLS = pd.DataFrame(
    {"cluster": ["Chatham", "Chatham", "Strood", ""], "district": ["East", "East", "West", "West"]},
    index=["1", "2", "3", "4"],
)


def test_groups_by_level_and_what_has_none():
    ours = hierarchy(SCHOOLS, ["cluster", "district"])
    assert ours.groups("cluster").to_dict() == {"1": "Chatham", "2": "Chatham", "3": "Strood", "4": NO_GROUP}
    assert set(ours.groups(ALL)) == {ALL}
    assert repr(ours) == "<Hierarchy of 4 schools: 3 by cluster, 2 by district>"


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=4, max_size=4), st.booleans())
def test_sums_reconcile_at_every_level(counts, stranger):
    """School to cluster to district to authority: the same pupils, also those of a school the file does not have."""
    table = pd.DataFrame(counts, index=["1", "2", "3", "9" if stranger else "4"], columns=["a", "b"])
    ours = hierarchy(SCHOOLS, ["cluster", "district"])
    for level in ("school", "cluster", "district", ALL):
        assert ours.roll_up(table, level).sum().to_dict() == table.sum().to_dict()
    by_cluster = ours.roll_up(table, "cluster")
    assert by_cluster.loc["Chatham"].tolist() == (table.loc["1"] + table.loc["2"]).tolist()
    # two steps are one step
    east = by_cluster.loc["Chatham"].tolist()
    assert ours.roll_up(table, "district").loc["East"].tolist() == east


def test_a_cluster_in_two_districts_is_refused_with_all_such_clusters():
    split = SCHOOLS.assign(district=["East", "West", "West", "West"])
    with pytest.raises(ComparisonRefused, match="cluster Chatham lies in East, West"):
        hierarchy(split, ["cluster", "district"])


def test_levels_there_are_not_are_named_with_those_there_are():
    with pytest.raises(UnknownCodeError, match="no column ward; there are cluster, district"):
        hierarchy(SCHOOLS, ["ward"])
    with pytest.raises(UnknownCodeError, match="school, cluster"):
        hierarchy(SCHOOLS, ["cluster"]).groups("ward")


def test_the_gate_learns_which_school_lies_where():
    nesting = hierarchy(SCHOOLS, ["cluster"]).nesting("cluster", ["1", "3", "9"])
    assert (nesting.fine, nesting.coarse) == ("school", "cluster")
    assert nesting.lookup == {"1": "Chatham", "3": "Strood", "9": NO_GROUP}
