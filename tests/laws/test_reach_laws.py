"""Laws of reach: nobody lost, the order of records does not matter, and the slow twin agrees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_boundaries, make_directory, make_people, make_segments, postcode
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import reach as plain

from geoplan.assignment import NOT_PLACED, assign
from geoplan.errors import ComparisonRefused
from geoplan.placements import ReachModel, best_sites
from geoplan.reach_tables import protect_reach
from geoplan.service_reach import reach

PLACES = ["", *[f"{letter}{number}" for letter in "ABCDEFGHI" for number in (1, 2)]]
PEOPLE = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(["", "900001", "900002"])), min_size=1, max_size=60
)
DIRECTORY, LAYER, SEGMENTS = make_directory(), make_boundaries(), make_segments()
DIMS = ["segment", "lsoa21", "school"]


def placed(pairs):
    people = make_people([postcode(name) if name else "" for name, _ in pairs], [school for _, school in pairs])
    return assign(people, DIRECTORY, LAYER, SEGMENTS)


def as_dicts(pairs) -> list[dict]:
    return [
        {
            "segment": str("ABCDEFGHI".index(name[0]) // 3 + 1) if name else "",
            "lsoa21": f"E0190000{'ABCDEFGHI'.index(name[0]) + 1}" if name else "",
            "school": school,
        }
        for name, school in pairs
    ]


@settings(max_examples=12)
@given(PEOPLE, PEOPLE)
def test_nobody_is_lost_and_the_twin_agrees(users, others):
    base = users + others  # the users are people of the base
    found = reach(placed(users), placed(base), "s", "all", DIMS)
    assert found.users.sum() == found.accounts.users == len(users)
    assert found.base.sum() == len(base)
    for dim in DIMS:
        codes = found.users.index.get_level_values(dim)
        assert found.users[codes == NOT_PLACED].sum() == len(users) - found.accounts.placed[dim]
    for dims in (["segment"], ["school"], ["segment", "school"], DIMS):
        got = found.counts(dims)
        got = {key if isinstance(key, tuple) else (key,): int(count) for key, count in got.items() if count}
        assert got == plain.counts(as_dicts(users), dims)
    if not any(name for name, _ in base):
        with pytest.raises(ComparisonRefused, match="nobody is placed"):
            protect_reach(found)
        return
    table = found.by("segment").of("s")
    for code, row in table.iterrows():
        if row["index"] == row["index"]:
            assert row["index"] == pytest.approx(plain.index(as_dicts(users), as_dicts(base), "segment", code))


@settings(max_examples=4)
@given(PEOPLE, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    base = placed([(name, "900001") for name in PLACES[1:]] * 40)
    one, two = (protect_reach(reach(placed(each), base, "s", "all", DIMS)) for each in (pairs, shuffled))
    for dim in DIMS:
        pd.testing.assert_frame_equal(one.by[dim].table, two.by[dim].table)
        assert one.by[dim].table.loc[~one.by[dim].hidden["count"], "count"].mod(5).eq(0).all()


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 2))
def test_expected_users_are_those_of_the_slow_twin(seed, per_km):
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame(
        {
            "segment": rng.choice(["a", "b"], 12),
            "easting": rng.uniform(0, 9000, 12),
            "northing": rng.uniform(0, 9000, 12),
            "base": rng.integers(1, 300, 12),
        }
    )
    sites = pd.DataFrame(rng.uniform(0, 9000, (3, 2)), columns=["easting", "northing"]).assign(hours=[1.0, 2.0, 0.5])
    levels = {"a": -2.0, "b": -1.0}
    model = ReachModel(pd.Series(levels), per_km, True, np.eye(3), 1.0, (0, 0), pd.DataFrame())
    people = [(row.segment, (row.easting, row.northing), row.base) for row in cells.itertuples()]
    where = [((row.easting, row.northing), row.hours) for row in sites.itertuples()]
    fast = (cells["base"] * model.rates(cells, sites)).sum()
    assert fast == pytest.approx(plain.expected_users(people, where, levels, per_km))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_more_sites_never_reach_fewer_and_no_choice_beats_the_bound(seed, count):
    rng = np.random.default_rng(seed)
    places = pd.DataFrame(rng.uniform(0, 9000, (20, 2)), columns=["easting", "northing"])
    places["weight"] = rng.integers(0, 50, 20)
    candidates = pd.DataFrame(rng.uniform(0, 9000, (6, 2)), columns=["easting", "northing"], index=list("abcdef"))
    fewer, more = (best_sites(places, candidates, each, per_km=0.5) for each in (count, count + 1))
    assert fewer.value <= more.value + 1e-9
    assert fewer.value <= fewer.bound + 1e-9
