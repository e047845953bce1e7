"""Real series: Brighton & Hove's intakes beside the council's own forecast, and the authorities of England."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forecast_data import CATCHMENTS, authorities_intakes, brighton_intakes

from geoplan.backtests import COMBINATION, backtest
from geoplan.forecast_methods import METHODS, children_by_place, history_of
from geoplan.io.children import read_population
from geoplan.io.rolls import read_scorecards
from geoplan.scorecards import BANDS, bands_of, errors_of, place_among


@cache
def _brighton(shared: Path):
    rolls = brighton_intakes(shared)
    return rolls, backtest(history_of(rolls), rolls.places, {"all schools": pd.Series("Brighton", rolls.places)})


@pytest.fixture
def brighton(shared_data):
    return _brighton(shared_data)


def held(coverage: pd.DataFrame, nominal: float) -> float:
    rows = coverage.reset_index()
    rows = rows[rows["nominal"].eq(nominal) & rows["level"].eq("school") & rows["given"].gt(0)]
    return float((rows["held"] * rows["given"]).sum() / rows["given"].sum())


def test_brighton_s_missing_year_and_schools_that_joined_are_named(brighton):
    rolls, _ = brighton
    assert rolls.notes[0].startswith("no census at all in 2011/12")
    assert "Our Lady of Lourdes Catholic Primary in 2015/16" in rolls.notes[1]
    assert (
        "Davigdor Infant" not in rolls.places and rolls.total()[list(rolls.places).index("Brunswick Primary")][4] == 150
    )


def test_intervals_of_brighton_hold_90_to_97_in_100_over_all_origins(brighton):
    coverage = brighton[1].coverage()
    assert 0.90 <= held(coverage, 0.95) <= 0.97
    for measure in ("Reception", "Year 7"):
        assert 0.90 <= coverage.loc[("school", measure, 0.95), "held"] <= 0.97
    assert 0.75 <= held(coverage, 0.8) <= 0.85


def test_brighton_beats_the_naive_methods_or_the_table_says_where_not(brighton):
    table = brighton[1].accuracy("school").xs(COMBINATION, level="method")
    assert table.loc[("school", "Reception", 1), ["beats_last_value", "beats_last_ratio"]].all()
    # popular secondary schools are full whatever the demand: last year's intake is hard to beat there, and the table
    # says so
    assert not table.loc[("school", "Year 7", 1), "beats_last_value"]
    assert table.loc[("school", "Year 7", 1), "beats_last_ratio"]
    whole = brighton[1].accuracy("all schools").xs(COMBINATION, level="method")
    assert whole.loc[("all schools", "Year 7", 1), "mape"] < 0.035
    assert (
        whole.loc[("all schools", "Reception", 3), "bias"] > 0
    )  # births fell: what carries old intakes on is too high


def test_our_year_7_beside_the_council_s_own_forecast_of_october_2024(brighton, shared_data):
    """The council forecast children by catchment, we offers by school: both against offers of 2025 and 2026."""
    rolls, test = brighton
    council = pd.read_csv(shared_data / "brighton_hove/admissions_and_catchments/bhcc_forecast_oct24.csv")
    council = council.set_index("CatchmentGroup")
    origin = test.origins.index(2024)
    ours = test.forecasts[COMBINATION][origin]
    at = rolls.stages.index(7)
    rows = []
    for catchment, schools in CATCHMENTS.items():
        places = [list(rolls.places).index(name) for name in schools]
        for ahead, year in ((1, 2025), (2, 2026)):
            came = rolls.pupils[places, rolls.years.index(year), at].sum()
            rows.append((catchment, year, ours[places, ahead - 1, at].sum(), council.at[catchment, f"Y{year}"], came))
    table = pd.DataFrame(rows, columns=["catchment", "year", "ours", "council", "came"])
    misses = {
        name: (table[name] / table["came"] - 1).abs().groupby(table["year"]).mean() for name in ("ours", "council")
    }
    assert misses["ours"][2025] < misses["council"][2025]
    assert misses["ours"][2025] < 0.06
    # in 2026 the admission rules changed, and both missed
    assert misses["ours"][2026] > misses["ours"][2025]


def test_intervals_of_151_authorities(shared_data):
    rolls = authorities_intakes(shared_data)
    assert len(rolls) > 300
    test = backtest(history_of(rolls), rolls.places, horizons=5)
    assert 0.90 <= held(test.coverage(), 0.95) <= 0.97
    assert 0.75 <= held(test.coverage(), 0.8) <= 0.85


def test_the_bands_printed_are_those_of_the_scorecards(shared_data):
    table, source = read_scorecards(shared_data / "dfe_la" / "la_school_places_scorecards_2023_2025.csv")
    assert "Department for Education" in source.credit
    errors = errors_of(table, "2024/25")
    assert 148 <= len(errors) <= 153
    for key, band in bands_of(errors).items():
        assert band == pytest.approx(BANDS[key], abs=0.0011), key
    words, larger = place_among(0.004, "primary", 1, errors[("primary", 1)])
    assert words == "lower than three quarters of authorities" and larger > 0.8


def test_the_authorities_themselves_beat_last_value_in_most_places(shared_data):
    """On the DfE's measure, one year ahead: how often an authority's own forecast beats carrying the roll forward."""
    table, _ = read_scorecards(shared_data / "dfe_la" / "la_school_places_scorecards_2023_2025.csv")
    rolls = table.pivot(index="authority", columns="year", values="PriNOR")
    own = errors_of(table, "2024/25")[("primary", 1)]
    naive = (rolls["2023/24"] / rolls["2024/25"] - 1).reindex(own.index)
    assert 0.70 < (own.abs() < naive.abs()).mean() < 0.78
    assert own.abs().median() == pytest.approx(0.0123, abs=0.0005)
    assert naive.abs().median() == pytest.approx(0.0217, abs=0.0005)


def test_population_by_single_year_is_a_register_for_uptake(shared_data):
    """Sheffield's method on real children: offers of 2020 over those aged four, times those aged three, for 2021."""
    rolls = brighton_intakes(shared_data)
    counts = read_population(shared_data / "brighton_hove" / "population_mid2020_single_year_lsoa11.csv.gz", 2020)
    by_age = counts.frame.groupby("age")["children"].sum()
    assert len(counts.frame["area"].unique()) == 165 and by_age[4] > 2000

    city = counts.frame.groupby(["year", "age"], as_index=False)["children"].sum().assign(area="city")
    children = children_by_place(city, dict.fromkeys(rolls.places, "city"), rolls.places, rolls.years)
    history = history_of(rolls, children={"city": children}).until(2020)
    ahead = METHODS["uptake, age group, by city"](history, 1)[:, 0, 0]
    offers = rolls.pupils[:, rolls.years.index(2020), 0]
    known = pd.Series(ahead).notna() & pd.Series(offers).notna()
    assert ahead[known].sum() == pytest.approx(offers[known].sum() * by_age[3] / by_age[4], rel=1e-9)
    came = rolls.pupils[:, rolls.years.index(2021), 0]
    assert ahead[known].sum() == pytest.approx(came[known & pd.Series(came).notna()].sum(), rel=0.05)


def test_sheffield_s_method_beats_the_naive_ones_where_births_fell(shared_data):
    """Reception offers of Brighton one to four years ahead, from the children of mid-2017 and mid-2020 (ONS)."""
    rolls = brighton_intakes(shared_data)
    at = rolls.stages.index(0)
    misses = {name: [] for name in ("uptake, age group, by city", "last value", "last ratio", "cohort survival")}
    for year in (2017, 2020):
        counts = read_population(
            shared_data / f"brighton_hove/population_mid{year}_single_year_lsoa11.csv.gz", year
        ).frame
        city = counts.groupby(["year", "age"], as_index=False)["children"].sum().assign(area="city")
        children = children_by_place(city, dict.fromkeys(rolls.places, "city"), rolls.places, rolls.years)
        for name in misses:
            known = {"city": children} if name.startswith("uptake") else {}
            ahead = METHODS[name](history_of(rolls, children=known).until(year), 4)[:, :, at]
            for number in range(4):
                came = np.nansum(rolls.pupils[:, rolls.years.index(year + 1 + number), at])
                misses[name].append(np.nansum(ahead[:, number]) / came - 1)
    size = {name: float(np.mean(np.abs(each))) for name, each in misses.items()}
    assert size["uptake, age group, by city"] < 0.025
    assert min(size["last value"], size["last ratio"], size["cohort survival"]) > 0.05
    assert abs(np.mean(misses["uptake, age group, by city"])) < 0.015  # and without their bias
    assert np.mean(misses["last value"]) > 0.05
