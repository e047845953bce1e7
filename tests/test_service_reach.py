"""Reach: users against base by the same dimensions, every record accounted for, in a type that shows nothing."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import DRAWN, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import NOT_PLACED, assign
from geoplan.chance import false_discovery
from geoplan.comparison import compare
from geoplan.errors import NotProtected, UnknownCodeError, VintageError
from geoplan.people import People
from geoplan.service_reach import ELSEWHERE, reach, reach_of_areas


def place(names, schools=None, kind="lsoa21", **columns):
    people = make_people([postcode(name) if name else "" for name in names], schools, **columns)
    return assign(people, make_directory(kind), make_boundaries(kind), make_segments(kind))


BASE = [f"{letter}{number}" for letter in "ABCDEFGHI" for number in (1, 2, 3)] * 4


def test_users_and_base_are_counted_by_segment_ward_and_school():
    base = place(BASE, ["900001"] * 54 + ["900002"] * 54)
    users = place(["A1", "A1", "D2"], ["900001", "900002", "900001"])
    found = reach(users, base, "advisers", "all pupils", ["segment", "lsoa21", "school"])
    assert found.counts("segment").to_dict() == {"1": 2, "2": 1}
    assert found.counts("segment", "base").to_dict() == {"1": 36, "2": 36, "3": 36}
    assert found.counts(["segment", "school"]).to_dict() == {("1", "900001"): 1, ("1", "900002"): 1, ("2", "900001"): 1}
    table = found.by("segment").of("advisers")
    assert table["penetration"].round(4).tolist() == [round(2 / 36, 4), round(1 / 36, 4), 0.0]
    crossed = found.by(["segment", "school"]).of("advisers")
    assert crossed["base_count"].sum() == 108
    assert crossed.index[0] == "1 | 900001"


def test_contacts_and_families_are_kept_apart():
    frame = pd.DataFrame({"record": range(1, 6), "person": [0, 0, 0, 1, -1]})
    frame["postcode"] = pd.Series([postcode("A1")] * 3 + [postcode("D1")] + [""], dtype="str")
    frame["counted"] = [True, False, False, True, False]  # the last record is blank
    users = assign(People(frame, DRAWN, noun="callers"), make_directory(), (), make_segments())
    found = reach(users, place(BASE), "advisers", "all pupils", ["segment"])
    assert found.counts("segment").to_dict() == {"1": 1, "2": 1}
    assert found.counts("segment", "contacts").to_dict() == {"1": 3, "2": 1}
    assert (found.accounts.contacts, found.accounts.users) == (4, 2)


def test_nobody_is_dropped():
    users = place(["A1", "", "I1"], ["900001", "", "900009"])
    base = place(["A1"] * 5 + ["D1"] * 5)
    found = reach(users, base, "advisers", "all pupils", ["segment", "lsoa21", "school"])
    assert found.users.sum() == 3
    assert found.counts("lsoa21").to_dict() == {"E01900001": 1, ELSEWHERE: 1}
    assert found.counts("school").to_dict() == {"900001": 1, ELSEWHERE: 1}
    assert found.accounts.placed == {"segment": 2, "lsoa21": 2, "school": 2}
    assert found.accounts.outside == {"segment": 0, "lsoa21": 1, "school": 1}
    assert NOT_PLACED in found.users.index.get_level_values("segment")
    # nobody of the base is elsewhere, so those elsewhere have no part in shares
    assert found.by("lsoa21").of("advisers")["total"].max() == 1


def test_boundaries_decide_who_is_elsewhere_and_give_names():
    layer = make_boundaries(letters="ABC")
    found = reach(place(["A1", "D1"]), place(BASE), "advisers", "all pupils", ["lsoa21"], areas=layer)
    assert found.counts("lsoa21").to_dict() == {"E01900001": 1, ELSEWHERE: 1}
    assert found.counts("lsoa21", "base")[ELSEWHERE] == 72
    assert found.base_elsewhere("lsoa21")
    assert found.name("lsoa21", "E01900001") == "Area A"


def test_a_segment_nobody_of_the_base_has_gives_no_index_and_no_error():
    found = reach(place(["A1"] * 40 + ["I1"] * 10), place(["A1"] * 200), "advisers", "all pupils", ["segment"])
    table = found.by("segment").of("advisers")
    assert table.loc["3", "base_count"] == 0
    assert np.isnan(table.loc["3", "index"])
    assert np.isnan(table.loc["3", "penetration"])


def test_users_of_another_vintage_or_segmentation_are_refused():
    base = place(BASE)
    with pytest.raises(VintageError, match="no lsoa21 codes"):
        other = assign(make_people([postcode("A1")]), make_directory(None), (), None)
        reach(other, base, "advisers", "all pupils", ["lsoa21"])
    with pytest.raises(VintageError, match="different classifications"):
        old = make_segments()
        old = type(old)("Borough", "2011", old.level, old.keyed_by, old.table, old.source, old.names)
        users = assign(make_people([postcode("A1")]), make_directory(), (), old)
        reach(users, base, "advisers", "all pupils")
    with pytest.raises(UnknownCodeError, match="no 'shoe_size'; there are school, lsoa21, segment"):
        reach(base, base, "advisers", "all pupils", ["shoe_size"])
    with pytest.raises(VintageError, match="none of the 1 areas"):
        reach_of_areas(
            pd.Series({"E01": 3}), pd.Series({"E02": 3}), pd.DataFrame({"ward": ["x"]}, index=["E02"]), "s", "b"
        )


def test_the_base_and_the_service_need_names():
    for names in (("", "all"), ("advisers", "")):
        with pytest.raises(ValueError, match="name"):
            reach(place(["A1"]), place(BASE), *names, ["segment"])


def test_exact_counts_are_not_shown_pickled_or_copied():
    found = reach(place(["A1"] * 7), place(BASE), "advisers", "all pupils", ["segment"])
    assert "7" not in repr(found)
    assert "7" not in found._repr_html_()
    assert "7" not in repr(found.accounts)
    with pytest.raises(NotProtected):
        pickle.dumps(found)


def test_no_users_at_all():
    empty = place(["A1"]).where(postcode="nowhere")
    found = reach(empty, place(BASE), "advisers", "all pupils", ["segment", "school"])
    table = found.by("segment").of("advisers")
    assert table["count"].sum() == 0
    assert table["index"].isna().all()


# --- is the interval right, and does it cry wolf? ---------------------------------------------------------

LONG = os.environ.get("GEOPLAN_LONG") == "1"
PEOPLE = pd.Series([2900, 2000, 8000, 5900, 3800, 1900, 2400, 4500], index=list("12345678"))
BIAS = np.array([0.6, 0.55, 0.4, 1.4, 2.4, 1.3, 1.5, 0.7])


def simulated(rates: np.ndarray, runs: int = 1000, seed: int = 5) -> pd.DataFrame:
    """A thousand years of a service whose chances of use are known, compared in one go."""
    users = np.random.default_rng(seed).binomial(PEOPLE.to_numpy(), rates, size=(runs, len(PEOPLE)))
    return compare(pd.DataFrame(users, columns=PEOPLE.index), PEOPLE, "everybody", finite=True).table


@pytest.mark.parametrize("mean", [0.08, 0.25] if LONG else [0.25])
def test_a_known_bias_lies_within_its_interval_in_95_of_100_runs(mean):
    rates = mean * BIAS
    true = 100 * (PEOPLE * rates / (PEOPLE * rates).sum()) / (PEOPLE / PEOPLE.sum())
    table = simulated(rates)
    true = np.tile(true.to_numpy(), len(table) // len(true))
    inside = (table["index_low"] <= true) & (true <= table["index_high"])
    assert 0.93 <= inside.mean() <= 0.97


def test_all_of_the_base_leaves_nothing_to_chance():
    table = compare(pd.DataFrame([PEOPLE]), PEOPLE, "everybody", finite=True).table
    assert table["index_low"].to_numpy() == pytest.approx(100, abs=0.01)
    assert table["index_high"].to_numpy() == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize("mean", [0.08, 0.25] if LONG else [0.25])
def test_an_even_service_is_called_uneven_no_more_often_than_stated(mean):
    """4.5% on average over seeds; a thousand runs scatter by 0.7 around that."""
    p = simulated(np.full(len(PEOPLE), mean), seed=6)["p"].to_numpy().reshape(-1, len(PEOPLE))
    called = np.mean([(false_discovery(row) <= 0.05).any() for row in p])
    assert called <= 0.05
