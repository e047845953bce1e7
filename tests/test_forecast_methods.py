"""Ways to forecast rolls: Sheffield's worked logic, known truth found again, and each method's own promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from cities import county, register, rolls_of
from plain.rolls import cohort_survival as plain_survival
from plain.rolls import share_of_all, sheffield_reception

from geoplan import forecast_methods as methods
from geoplan.cohorts import stage_of
from geoplan.forecast_methods import METHODS, children_by_place, history_of, usable_methods
from geoplan.rolls import rolls_from


def city(**options):
    """A city whose schools take a known share of every age of their own area's children."""
    children, _ = register(**options)
    areas = sorted(children["area"].unique())
    uptake = pd.Series(np.linspace(0.6, 0.95, len(areas)), index=areas)
    rolls = rolls_from(rolls_of(children, uptake))
    own = children_by_place(children, {area: area for area in areas}, rolls.places, rolls.years)
    together = children.groupby(["year", "age"], as_index=False)["children"].sum().assign(area="city")
    whole = children_by_place(together, dict.fromkeys(areas, "city"), rolls.places, rolls.years)
    return rolls, children, uptake, history_of(rolls, children={"catchment": own, "city": whole})


def test_sheffield_is_uptake_times_register_as_the_guide_says():
    roll = {0: 40, 1: 42, 2: 38, 3: 41, 4: 39, 5: 44, 6: 36}
    ages = {0: 70, 1: 66, 2: 58, 3: 62, 4: 52, 5: 55, 6: 50, 7: 54, 8: 51, 9: 58, 10: 47}
    table = pd.DataFrame({"school": "1", "year": 2025, "year_group": ["R", *map(str, range(1, 7))],
                          "pupils": list(roll.values())})  # fmt: skip
    doctors = pd.DataFrame({"area": "1", "year": 2025, "age": list(ages), "children": list(ages.values())})
    rolls = rolls_from(table)
    children = children_by_place(doctors, {"1": "1"}, rolls.places, rolls.years)
    found = METHODS["uptake, whole school, by catchment"](history_of(rolls, children={"catchment": children}), 4)
    # 280 pupils of 367 children: 76.3% of those of 3, 2, 1 and 0
    assert found[0, :, 0] == pytest.approx([280 / 367 * ages[age] for age in (3, 2, 1, 0)], rel=1e-12)
    for ahead in (1, 2, 3, 4):
        assert found[0, ahead - 1, 0] == pytest.approx(sheffield_reception(roll, ages, ahead), rel=1e-12)


def test_known_uptake_is_found_again_and_intakes_follow_the_register():
    rolls, children, uptake, history = city()
    found = methods.uptake_of(history, "catchment")
    assert found[:, 0] == pytest.approx(uptake.to_numpy(), rel=1e-9)
    last = children[children["year"].eq(children["year"].max())].set_index(["area", "age"])["children"]
    for name in ("uptake, whole school, by catchment", "uptake, age group, by catchment"):
        ahead = METHODS[name](history, 4)
        for years in (1, 2, 3, 4):
            wanted = [uptake[area] * last[area, 4 - years] for area in rolls.places]
            assert ahead[:, years - 1, 0] == pytest.approx(wanted, rel=1e-9)


def test_the_three_levels_of_uptake_differ_where_areas_do():
    _, _, _, history = city()
    by_catchment = METHODS["uptake, whole school, by catchment"](history, 1)[:, 0, 0]
    by_city = METHODS["uptake, whole school, by city"](history, 1)[:, 0, 0]
    assert not np.allclose(by_catchment, by_city)
    assert by_catchment.sum() == pytest.approx(by_city.sum(), rel=0.05)


def test_survival_is_the_twin_s():
    table, cluster = county(schools=12, years=6)
    rolls = rolls_from(table)
    history = history_of(rolls, cluster)
    found = METHODS["cohort survival"](history, 5)
    lookup = {(row.school, row.year, stage_of(row.year_group)): row.pupils for row in table.itertuples()}
    for number, place in enumerate(rolls.places):
        if not place.startswith("P"):
            continue
        wanted = plain_survival(lookup, place, list(range(7)), 2025, 5)
        for ahead in range(1, 6):
            for stage in range(7):
                assert found[number, ahead - 1, stage] == pytest.approx(wanted[(2025 + ahead, stage)], rel=1e-12)


def test_births_lag_takes_the_births_five_academic_years_before():
    table = pd.DataFrame({"school": "1", "year": [2023, 2024, 2025], "year_group": "R", "pupils": [30, 33, 36]})
    born = pd.DataFrame([[100, 110, 120, 80, 90]], index=["1"], columns=[2018, 2019, 2020, 2021, 2022])
    found = METHODS["births lag"](history_of(rolls_from(table), births=born), 4)[0, :, 0]
    assert found == pytest.approx([0.3 * 80, 0.3 * 90, 0.3 * 90, 0.3 * 90])  # the last births known, again


def test_a_transfer_year_is_a_share_of_those_who_finish_in_the_city_or_in_the_feeders():
    rows = [("p", year, "6", 100) for year in (2023, 2024)] + [("p", 2025, "6", 120)]
    rows += [("q", year, "6", 100) for year in (2023, 2024)] + [("q", 2025, "6", 60)]
    rows += [("s", year, "7", 50) for year in (2023, 2024, 2025)] + [
        ("t", year, "7", 150) for year in (2023, 2024, 2025)
    ]
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    city_share = METHODS["cohort survival"](history_of(rolls), 1)
    at = list(rolls.places).index("s")
    assert city_share[at, 0, 1] == pytest.approx(50 / 200 * 180)
    fed = pd.DataFrame({"p": [1.0, 0.0], "q": [0.0, 1.0]}, index=["s", "t"])
    by_feeder = METHODS["feeders"](history_of(rolls, feeders=fed), 1)
    assert by_feeder[at, 0, 1] == pytest.approx(50 / 100 * 120)
    by_trend = METHODS["damped trend"](history_of(rolls), 1)
    assert by_trend[at, 0, 1] == pytest.approx(50)


def test_a_sixth_form_is_those_who_stay_on():
    rows = [("s", year, group, count) for year in (2023, 2024, 2025)
            for group, count in (("11", 200), ("12", 120), ("13", 108))]  # fmt: skip
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    rates = methods.survival(history_of(rolls))
    assert rates[0, 1:].tolist() == pytest.approx([0.6, 0.9])
    assert METHODS["cohort survival"](history_of(rolls), 2)[0, :, 1].tolist() == pytest.approx([120, 120])


def test_a_small_noisy_school_is_drawn_towards_all_and_a_steady_one_is_not():
    rng = np.random.default_rng(1)
    rows = []
    for school in range(30):
        for year in range(2018, 2026):
            rows += [(f"L{school}", year, "1", 60), (f"L{school}", year, "2", 60 if school % 2 else 57)]
    for year in range(2018, 2026):
        rows += [("small", year, "1", 8), ("small", year, "2", int(rng.integers(3, 14)))]
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    history = history_of(rolls)
    own, drawn = methods.survival(history)[:, 1], methods.pooled_survival(history)[:, 1]
    places = list(rolls.places)
    assert abs(drawn[places.index("small")] - 0.975) < abs(own[places.index("small")] - 0.975)
    assert drawn[places.index("L0")] == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("name", list(METHODS))
def test_what_is_known_later_changes_nothing(name):
    _rolls, _, _, history = city()
    table, cluster = county(schools=12, years=8)
    other = history_of(rolls_from(table), cluster)
    for each in (history, other):
        if name not in usable_methods(each):
            continue
        origin = each.years[-4]
        then = each.until(origin)
        spoiled = np.array(each.pupils)
        spoiled[:, each.years.index(origin) + 1 :] *= 7
        children = {level: np.array(values) for level, values in each.children.items()}
        for values in children.values():
            values[:, each.years.index(origin) + 1 :] *= 7
        from dataclasses import replace

        again = replace(each, pupils=spoiled, children=children).until(origin)
        assert np.array_equal(METHODS[name](then, 5), METHODS[name](again, 5), equal_nan=True)


def test_a_method_is_offered_only_where_the_data_are_there():
    table, _ = county(schools=6, years=5)
    bare = usable_methods(history_of(rolls_from(table)))
    assert not [name for name in bare if name.startswith(("uptake", "births", "feeders"))]
    assert "uptake, age group, by city" in usable_methods(city()[3])


def test_a_school_that_fills_from_below_takes_its_cluster_s_survival():
    rows = [("old", year, group, 60) for year in (2023, 2024, 2025) for group in ("R", "1", "2")]
    rows += [("new", 2024, "R", 30), ("new", 2025, "R", 30), ("new", 2025, "1", 30)]
    rolls = rolls_from(pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"]))
    taught = pd.DataFrame({"lowest": [0, 0], "highest": [2, 2]}, index=["old", "new"])
    found = METHODS["cohort survival"](history_of(rolls, taught=taught), 2)
    at = list(rolls.places).index("new")
    assert found[at, 0].tolist() == pytest.approx([30, 30, 30])


def test_a_share_of_all_is_the_school_s_own_of_the_last_three_years():
    table, _ = county(schools=24, years=8)
    rolls = rolls_from(table)
    found = METHODS["share of all, steady"](history_of(rolls), 4)[:, :, 0]
    schools = [place for place in rolls.places if place.startswith("P")]
    at = [list(rolls.places).index(place) for place in schools]
    intakes = {
        (place, year): rolls.pupils[number, rolls.years.index(year), 0]
        for place, number in zip(schools, at, strict=True)
        for year in rolls.years[-3:]
    }
    wanted = [share_of_all(intakes, place, schools, rolls.years[-1]) for place in schools]
    assert found[at] == pytest.approx(np.repeat(np.array(wanted)[:, None], 4, axis=1), rel=1e-12)


@pytest.mark.parametrize("gone", [False, True])
def test_shares_of_all_lose_nobody(gone):
    table, _ = county(schools=24, years=8)
    if gone:
        table = table[~(table["school"].eq("P003") & table["year"].eq(2025))]  # it has closed
    rolls = rolls_from(table)
    found = METHODS["share of all, steady"](history_of(rolls), 3)[:, :, 0]
    assert np.nansum(found, axis=0) == pytest.approx(np.nansum(rolls.pupils[:, -1, 0]))
    assert np.isnan(found[list(rolls.places).index("P003")]).all() == gone


def test_all_together_follow_the_children_where_they_are_known():
    _, children, _, history = city()
    steady, trend = (METHODS[f"share of all, {name}"](history, 4)[:, :, 0].sum(axis=0) for name in ("steady", "trend"))
    every = children[children["year"].eq(children["year"].max())].groupby("age")["children"].sum()
    now = history.pupils[:, -1, 0].sum() / every[4]
    assert steady == pytest.approx([now * every[age] for age in (3, 2, 1, 0)], rel=1e-9)
    assert trend == pytest.approx(steady)


def test_the_trend_of_all_fades():
    rows = [
        (school, year, "R", size + 10.0 * (year - 2016))
        for school, size in (("1", 30), ("2", 90))
        for year in range(2016, 2026)
    ]
    table = pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"])
    ahead = METHODS["share of all, trend"](history_of(rolls_from(table)), 6)[:, :, 0].sum(axis=0)
    steps = np.diff([300.0, *ahead])
    assert (steps[1:] > 0).all() and (np.diff(steps[1:]) < 0).all() and ahead[0] > 300
