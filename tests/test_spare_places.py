"""Places against rolls to come: gross and net, never netted across schools, forms of entry, another plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_backtests import made

from geoplan.catchments import plan_from_pairs
from geoplan.errors import ForecastRefused, VintageError
from geoplan.forecasts import forecast
from geoplan.spare_places import (
    area_shares,
    catchment_growth,
    grown_areas,
    intake_of,
    intake_table,
    phase_of,
    places_by_year,
    recut,
    recut_intakes,
    share_out,
    spare_places,
)


@pytest.fixture(scope="module")
def ahead():
    history, rolls, groups = made(schools=24, years=10)
    return forecast(history, rolls.places, groups, years=3)


@pytest.fixture(scope="module")
def places(ahead):
    rolls = np.nansum(ahead.pupils[:, 0], axis=1)
    intake = np.nan_to_num(ahead.pupils[:, 0, 0]) + np.nan_to_num(ahead.pupils[:, 0, 7])
    room = np.where(np.arange(24) % 2 == 0, 40, -10)
    return pd.DataFrame({"places": np.round(rolls) + room, "pan": np.round(intake) + room / 10}, index=ahead.places)


def test_full_schools_are_not_set_off_against_others(ahead, places):
    by_school = spare_places(ahead, places)
    whole = spare_places(ahead, places, level="all schools")
    year = whole["year"].eq(ahead.years[0])
    for phase in ("primary", "secondary"):
        row = whole[year & whole["phase"].eq(phase)].iloc[0]
        own = by_school[by_school["year"].eq(ahead.years[0]) & by_school["phase"].eq(phase)]
        assert row["unfilled"] == pytest.approx((own["places"] - own["demand"]).clip(lower=0).sum())
        assert row["shortfall"] == pytest.approx((own["demand"] - own["places"]).clip(lower=0).sum())
        assert row["net"] == pytest.approx(row["unfilled"] - row["shortfall"])
        assert row["shortfall"] > 0 and row["unfilled"] > row["net"]
        assert row["surplus_share"] == pytest.approx(row["net"] / row["places"])


def test_a_table_as_hertfordshire_prints_it(ahead, places):
    table = intake_table(ahead, places, level="cluster")
    assert set(table["intake"]) == {"Reception", "Year 7"}
    row = table.iloc[0]
    assert row["surplus"] == pytest.approx(row["places"] - row["demand"])
    assert row["forms"] == pytest.approx(row["surplus"] / 30)
    assert row["surplus_share"] == pytest.approx(row["surplus"] / row["places"])
    whole = intake_table(ahead, places, level="all schools")
    for name, rows in table.groupby(["intake", "year"]):
        of_all = whole[whole["intake"].eq(name[0]) & whole["year"].eq(name[1])].iloc[0]
        assert rows[["places", "demand", "unfilled", "shortfall"]].sum().tolist() == pytest.approx(
            of_all[["places", "demand", "unfilled", "shortfall"]].tolist()
        )


def test_places_added_count_from_their_year_on(ahead, places):
    changes = pd.DataFrame({"school": [ahead.places[0]], "year": [ahead.years[1]], "places": [60.0], "pan": [10.0]})
    capacity, pan = places_by_year(ahead, places, changes)
    first = places.loc[ahead.places[0]]
    assert capacity.iloc[0].tolist() == [first["places"], first["places"] + 60, first["places"] + 60]
    assert pan.iloc[0].tolist() == [first["pan"], first["pan"] + 10, first["pan"] + 10]


def test_a_school_without_a_number_of_places_is_counted_apart(ahead, places):
    table = spare_places(ahead, places.iloc[1:], level="all schools")
    assert table["without_places"].sum() == len(ahead.years)


def test_the_phase_is_that_of_most_year_groups():
    stages = np.arange(14)
    taught = np.array([stages < 7, stages > 6, stages < 12])
    assert phase_of(stages, taught).tolist() == ["primary", "secondary", "primary"]


def test_intakes_under_another_plan_stay_the_same_in_sum(ahead):
    schools = [place for place in ahead.places if place.startswith("S")]
    areas = [f"E{number:02d}" for number in range(20)]
    today = plan_from_pairs(
        pd.DataFrame({"area": areas, "school": [schools[n % len(schools)] for n in range(20)]}), "lsoa21"
    )
    other = today.move(["E00", "E04"], to=schools[1])
    children = pd.DataFrame(
        [(area, year, 11, 40.0 + n) for n, area in enumerate(areas) for year in ahead.years],
        columns=["area", "year", "age", "children"],
    )
    before, after = recut(children, today), recut(children, other)
    table = recut_intakes(ahead, before, after, 7)
    sums = table.groupby("year")[["today", "with_plan"]].sum()
    assert sums["today"].to_numpy() == pytest.approx(sums["with_plan"].to_numpy())
    first = table[table["year"].eq(ahead.years[0])].set_index("school")
    assert first.at[schools[1], "with_plan"] > first.at[schools[1], "today"]
    same = recut_intakes(ahead, before, before, 7)
    assert (same["today"] - same["with_plan"]).abs().max() < 1e-9
    with pytest.raises(VintageError, match="none of its areas"):
        recut(children.assign(area="X"), today)


def test_a_sector_is_shared_by_its_live_postcodes():
    postcodes = pd.DataFrame({"lsoa21": ["a", "a", "b", None], "sector": ["S1", "S1", "S1", "S1"]})
    shares = area_shares(postcodes, "lsoa21", "sector")
    assert shares.set_index("small")["share"].to_dict() == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}
    children = pd.DataFrame({"area": ["S1", "S9"], "year": 2025, "age": 4, "children": [30.0, 6.0]})
    spread, left = share_out(children, shares)
    assert left == 6 and spread.set_index("area")["children"].to_dict() == {"a": 20, "b": 10, "not placed": 6}


def test_areas_grow_as_the_schools_of_their_catchment_and_add_up():
    rolls = pd.DataFrame(
        [("1", "2026/27", 100.0, 110.0), ("2", "2026/27", 100.0, 90.0), ("3", "2026/27", 200.0, 150.0),
         ("1", "2027/28", 100.0, 120.0), ("2", "2027/28", 100.0, 100.0), ("3", "2027/28", 200.0, 100.0)],
        columns=["school", "year", "now", "pupils"],
    )  # fmt: skip
    growth, without = catchment_growth(rolls, {"A": ("1", "2"), "B": ("3",), "C": ("9",)})
    assert without == ("C",) and growth.loc["A"].tolist() == [1.0, 1.1] and growth.loc["B"].tolist() == [0.75, 0.5]
    assert growth.loc["C"].tolist() == [350 / 400, 320 / 400]
    now = pd.Series({"a": 30.0, "b": 50.0, "c": 20.0, "d": 8.0, "e": 0.0})
    ahead = grown_areas(now, {"a": "A", "b": "A", "c": "B", "d": "", "e": "C"}, growth)
    assert ahead.loc[["a", "b"]].sum().tolist() == pytest.approx([80, 88])
    assert ahead.loc["c"].tolist() == [15, 10] and ahead.loc["e"].tolist() == [0, 0]
    assert ahead.loc["d"].tolist() == pytest.approx([8 * 95 / 100, 8 * 98 / 100])  # as all catchments together


def test_the_intake_of_a_plan_is_that_of_most_of_its_schools(ahead):
    taught, stages = ahead.past.history.taught, ahead.stages
    of = {}
    for stage in (0, 7):
        enters = taught[:, stages.index(stage)] & ~ahead.past.history.carried[:, stages.index(stage)]
        of[stage] = list(ahead.places[enters])

    def plan(schools):
        areas = [f"E{number:02d}" for number in range(len(schools))]
        return plan_from_pairs(pd.DataFrame({"area": areas, "school": schools}), "lsoa21")

    assert intake_of(ahead, plan(of[0])) == 0
    assert intake_of(ahead, plan(of[7])) == 7
    assert intake_of(ahead, plan([*of[0][:1], *of[7][:2]])) == 7
    assert intake_of(ahead, plan(of[7][:1]), plan(of[0][:3])) == 0
    with pytest.raises(ForecastRefused, match="numbered as in the rolls"):
        intake_of(ahead, plan(["nobody"]))
