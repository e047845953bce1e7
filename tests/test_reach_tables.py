"""What may be shown of a reach: nothing small, every derived number from printed ones, honest on thin data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geoplan.comparison import compare
from geoplan.disclosure import PUBLIC, rule_for
from geoplan.errors import ComparisonRefused, DisclosureRefused
from geoplan.reach_tables import (
    CHANCE,
    _index_ratio,
    change_in_reach,
    finding,
    more_to_be_even,
    protect_outcomes,
    protect_reach,
    reach_series,
)
from geoplan.service_reach import ELSEWHERE, ServiceReach, reach_of_areas
from geoplan.tables import TAKE_UP

AREAS = [f"a{i:02d}" for i in range(12)]
LOOKUP = pd.DataFrame(
    {"segment": [str(1 + i % 3) for i in range(12)], "ward": [f"w{i // 3}" for i in range(12)]}, index=AREAS
)
BASE = pd.Series(400, index=AREAS)


def service(
    users, base=BASE, published=False, inside=False, name="advisers 2025", base_name="all pupils"
) -> ServiceReach:
    users = pd.Series(users, index=AREAS) if not isinstance(users, pd.Series) else users
    return replace(
        reach_of_areas(users, base, LOOKUP, name, base_name, noun="callers", base_noun="pupils", inside=inside),
        published=published,
    )


UNEVEN = [20, 60, 40] * 4  # segment 1 is reached at 5%, 2 at 15%, 3 at 10%


def test_measures_follow_from_the_printed_counts():
    tables = protect_reach(service(UNEVEN))
    table = tables.by["segment"].table
    assert table["count"].tolist() == [80, 240, 160]
    assert table["penetration"].tolist() == [0.05, 0.15, 0.1]
    assert table["index"].round().tolist() == [50, 150, 100]
    assert list(tables.under().index) == ["1"]
    assert list(tables.over().index) == ["2"]
    assert tables.finding.startswith("Reached more than their share: 2 (index 150, 13")
    assert "all pupils" in tables.finding


def test_the_missed_are_shared_out_by_where_they_live_and_add_up():
    tables = protect_reach(service(UNEVEN))
    more = more_to_be_even(tables)
    # at the rate of all others (400 of 3,200) segment 1 would bring 200 of 1,600
    assert more.to_dict() == {"1": 120}
    ward = tables.missed["ward"].table
    assert ward["of_under"].tolist() == [400] * 4
    assert ward["to_even"].sum() == 120
    assert (ward["gap"] == 0).all()


def test_even_reach_finds_nobody_missed():
    tables = protect_reach(service([40] * 12))
    assert "no group is reached" in tables.finding
    assert len(more_to_be_even(tables)) == 0
    assert (tables.missed["ward"].table["to_even"] == 0).all()


def test_thirty_users_say_little_and_do_so_without_errors():
    tables = protect_reach(service([3, 2, 1, 2, 5, 2, 1, 3, 2, 4, 3, 2]))
    table = tables.by["segment"].table
    shown = table.loc[~tables.by["segment"].hidden["count"], "count"]
    assert (shown.isin([0]) | (shown >= 10)).all()
    assert not tables.by["segment"].table["notable"].any()
    assert finding(tables).startswith("With about 30 callers, no group is reached by advisers 2025 clearly more")
    few = protect_reach(service([2, 1, 0] * 4))
    assert finding(few).startswith("Too few callers to say whom advisers 2025 reaches")
    assert "callers by segment and ward" in tables.left_out
    assert tables.gate.passed


def test_no_users_and_a_base_of_nobody():
    nobody = protect_reach(service([0] * 12))
    assert nobody.by["segment"].table["count"].sum() == 0
    assert nobody.finding.startswith("Too few")
    no_base = protect_reach(service([40] * 12, base=BASE * 0))
    assert no_base.by["segment"].table["index"].isna().all()
    assert no_base.by["segment"].table["penetration"].isna().all()


def test_a_segment_that_the_base_lacks_has_a_count_and_no_index():
    base = BASE.where(LOOKUP["segment"] != "3", 0)
    table = protect_reach(service(UNEVEN, base=base)).by["segment"].table
    assert table.loc["3", "base_count"] == 0
    assert np.isnan(table.loc["3", "index"])
    assert table.loc["3", "count"] == 160


def test_users_elsewhere_have_a_row_and_no_part_in_shares():
    users = pd.Series({**dict(zip(AREAS, UNEVEN, strict=True)), "far away": 100})
    tables = protect_reach(service(users))
    table = tables.by["segment"].table
    assert table.loc[ELSEWHERE, "count"] == 100
    assert np.isnan(table.loc[ELSEWHERE, "index"])
    assert table.loc["1", "total"] == 480
    assert tables.accounts.table.loc["callers", "people"] == 580
    assert tables.accounts.table.loc["callers elsewhere by ward", "people"] == 100


@pytest.mark.parametrize("inside", [False, True])
def test_everybody_used_it(inside):
    tables = protect_reach(service([400] * 12, inside=inside))
    table = tables.by["segment"].table
    if inside:  # 100% is shown, since the groups are large
        assert tables.gate.passed
    assert table["penetration"].dropna().eq(1).all()
    assert not table["notable"].any()
    assert table["index"].dropna().round().eq(100).all()


def test_of_those_inside_their_base_those_who_are_not_users_are_protected_too():
    users = [400 - 1, *[200] * 11]  # one pupil of the first ward's first segment is no user
    only = LOOKUP.copy()
    only["ward"] = AREAS
    found = reach_of_areas(pd.Series(users, index=AREAS), BASE, only, "s", "all", inside=True)
    found = replace(found, published=False)
    assert protect_reach(found, crossings=[]).by["ward"].hidden.loc["a00", "count"]
    apart = replace(found, inside=False)
    assert not protect_reach(apart, crossings=[]).by["ward"].hidden.loc["a00", "count"]


@pytest.mark.parametrize("count", [1, 4, 8])
def test_a_hidden_count_that_changes_changes_nothing_shown(count):
    def shown(small: int) -> str:
        users = [small, 60, 40, 9 - small, 60, 40, *UNEVEN[6:]]
        only = LOOKUP.assign(ward=AREAS)
        tables = protect_reach(
            reach_of_areas(pd.Series(users, index=AREAS), BASE, only, "s", "all", noun="callers", inside=False)
        )
        assert tables.by["ward"].hidden.loc[["a00", "a03"], "count"].all()
        return "".join(each.table.to_csv() for each in (*tables.by.values(), *tables.missed.values()))

    assert shown(count) == shown(2)


def test_exact_tables_stay_inside():
    rule = rule_for("internal", reason="checking the advisers' figures")
    tables = protect_reach(service([3] * 12), rule)
    assert tables.by["segment"].table["count"].tolist() == [12] * 3
    assert tables.left_out == {}


def test_a_dimension_of_which_counts_could_be_worked_out_is_left_out_and_said():
    """Everybody answered; in one ward there are but four: with all others at 100%, those four would be known."""
    base = BASE.copy()
    base.iloc[:3] = [2, 1, 1]
    found = service(base.tolist(), base=base, inside=True, name="survey")
    tables = protect_reach(found, crossings=[], missed=False)
    assert list(tables.by) == ["segment"]
    assert tables.by["segment"].table["penetration"].eq(1).all()
    assert "could be worked out" in tables.left_out["callers by ward"]
    assert tables.gate.passed


def test_the_first_dimension_is_refused_not_left_out():
    base = BASE.where(LOOKUP["segment"] != "1", 1)
    with pytest.raises(DisclosureRefused, match="small number"):
        protect_reach(service(base.tolist(), base=base, inside=True), crossings=[], missed=False)


def test_without_the_missed_nothing_is_crossed():
    tables = protect_reach(service(UNEVEN, inside=True), crossings=[], missed=False)
    assert dict(tables.missed) == dict(tables.crossings) == {}
    dims = {part.dims for each in tables.by.values() for part in each.printed}
    one = {("segment",), ("ward",), ("segment", TAKE_UP), ("ward", TAKE_UP)}
    assert dims == one | {(f"all by {dim}", *more) for dim, *more in one}  # and their totals
    assert tables.by["segment"].table["count"].tolist() == protect_reach(service(UNEVEN)).by["segment"].table[
        "count"
    ].tolist()  # fmt: skip


def test_a_group_hidden_by_one_outcome_stays_hidden_in_the_next():
    """Outcomes of the same people print the same groups: what one hides, another must not show."""
    base = pd.Series([12, 400, 400, 14, 400, 400, 380, 40, 20, 11, 9, 13], index=AREAS)
    only = LOOKUP.assign(ward=AREAS)

    def outcome(users, name) -> ServiceReach:
        known = {"base_data": "applications", "users_data": f"applications: {name}"}
        found = reach_of_areas(pd.Series(users, index=AREAS), base, only, name, "all applicants", inside=True, **known)
        return replace(found, published=False)

    outcomes = {
        "first": outcome([6, 390, 200, 7, 395, 200, 190, 20, 4, 5, 4, 6], "first"),
        "any": outcome([11, 396, 300, 12, 396, 300, 290, 39, 13, 10, 8, 12], "any"),
    }
    tables = protect_outcomes(outcomes)
    first, second = (tables[name].by["ward"] for name in outcomes)
    assert first.hidden["base_count"].any()
    assert (second.hidden["base_count"] | ~first.hidden["base_count"]).all()
    both = ~second.hidden["base_count"]
    assert first.table.loc[both, "base_count"].equals(second.table.loc[both, "base_count"])
    assert all(each.gate.passed for each in tables.values())


def test_two_surveys_of_one_base_are_two_facts_and_one_set_of_groups():
    """What the first printed of the base is known to the second; who answered the first says nothing of the second."""

    def survey(users, name) -> ServiceReach:
        known = {"base_data": "pupils", "users_data": name}
        found = reach_of_areas(pd.Series(users, index=AREAS), BASE, LOOKUP, name, "all", inside=True, **known)
        return replace(found, published=False)

    first = protect_reach(survey([200] * 12, "spring"), crossings=[], missed=False)
    printed = [part for each in first.by.values() for part in each.printed]
    second = protect_reach(survey([20] * 12, "autumn"), crossings=[], missed=False, earlier=printed)
    assert second.by["segment"].table["count"].tolist() == [80] * 3
    plain = protect_reach(survey([20] * 12, "autumn"), crossings=[], earlier=printed)
    assert plain.by["segment"].table["base_count"].equals(first.by["segment"].table["base_count"])


# --- year on year ---------------------------------------------------------------------------------------


def test_a_large_change_is_called_so_and_a_small_one_could_be_chance():
    before = protect_reach(service([20, 60, 40] * 4, name="advisers 2024"))
    now = protect_reach(service([60, 60, 40] * 4))
    changed = change_in_reach(now, before).table
    assert changed.loc["1", "in_words"] == "index 50 to 112, up by more than chance would move it"
    assert changed.loc["1", "rate_points"] == pytest.approx(10)
    assert changed.loc["1", "points_low"] < 10 < changed.loc["1", "points_high"]
    same = change_in_reach(now, protect_reach(service([58, 62, 40] * 4, name="advisers 2024"))).table
    assert CHANCE in same.loc["1", "in_words"]
    assert not same["clear"].any()


def test_the_row_for_all_says_whether_the_reach_grew():
    changed = change_in_reach(protect_reach(service([60] * 12)), protect_reach(service([30] * 12))).table
    assert changed.loc["all", "in_words"] == "reach 7.5% to 15.0%"
    assert changed.loc["1", "in_words"] == f"index 100 to 100; {CHANCE}"


def test_a_change_needs_one_base_rule_and_common_rows():
    now = protect_reach(service(UNEVEN))
    with pytest.raises(ComparisonRefused, match="same base rule"):
        change_in_reach(now, protect_reach(service(UNEVEN, base_name="year 6")))
    with pytest.raises(ComparisonRefused, match="no year_group"):
        change_in_reach(now, now, "year_group")


def test_the_interval_of_a_change_holds_the_true_one_in_95_of_100_pairs_of_years():
    """The ratio of indices of two years with exact counts, a thousand pairs of years in one go."""
    rng, people = np.random.default_rng(11), np.array([1600, 1600, 1600])
    rates = {"now": np.array([0.12, 0.16, 0.12]), "before": np.array([0.06, 0.16, 0.12])}
    years, index = {}, {}
    for year, rate in rates.items():
        users = pd.DataFrame(rng.binomial(people, rate, size=(1000, 3)))
        years[year] = compare(users, pd.Series(people), "all").table
        index[year] = np.tile(rate / rate.sum(), 1000)
    ratio, low, high = _index_ratio(years["now"], years["before"], slack=0)
    true = index["now"] / index["before"]
    assert 0.93 <= ((low <= true) & (true <= high)).mean() <= 0.97
    assert ratio.mean() == pytest.approx(true.mean(), rel=0.02)


def test_a_series_has_a_column_for_each_year():
    years = {str(year): protect_reach(service([users] * 12)) for year, users in ((2023, 20), (2024, 30), (2025, 40))}
    series = reach_series(years, measure="penetration").table
    assert series.loc["1", ["2023", "2024", "2025"]].tolist() == [0.05, 0.075, 0.1]
    with pytest.raises(ComparisonRefused):
        reach_series({})


def test_the_rule_is_the_public_one_unless_said():
    assert protect_reach(service(UNEVEN)).rule == PUBLIC
