"""Housing trajectories, yields, forecasts, sites and weights from files."""

from __future__ import annotations

import pandas as pd
import pytest

from geoplan.errors import InputRefused
from geoplan.io.housing import (
    forecast_facts,
    is_school_forecast,
    read_forecast_growth,
    read_housing,
    read_roll_forecast,
    read_school_growth,
    read_yields,
)
from geoplan.io.sites import read_site_options, read_weights

HOMES = "site_id,name,easting,northing,year,completions,tenure,type,bedrooms,status\n"


def written(tmp_path, text, name="file.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def refused(reader, path) -> str:
    with pytest.raises(InputRefused) as stopped:
        reader(path)
    return str(stopped.value)


def test_a_trajectory_by_the_template(tmp_path):
    text = (
        HOMES
        + "N,North,500000,200000,2027/28,120,Market,House,3.0,Started\nN,North,500000,200000,2029,80,market,house,3,\n"
    )
    trajectory = read_housing(written(tmp_path, text))
    assert trajectory.frame["year"].tolist() == [2027, 2029]
    assert trajectory.frame[["tenure", "bedrooms", "status"]].to_numpy().tolist() == [
        ["market", "3", "started"], ["market", "3", ""]
    ]  # fmt: skip
    assert trajectory.sites.loc["N", "easting"] == 500_000
    assert trajectory.notes == (
        "1 year between a site's first and last without a row: taken as none finished.",
        "80 homes have no status: taken as sure.",
    )


def test_every_problem_of_a_trajectory_is_told_at_once(tmp_path):
    rows = ["N,,,,,10,,,,", "N,,,,2027/29,10,,,,", "N,,,,2028,-4,,,,", "N,,,,2028,many,,,,", "N,,,,2028,5,,,,dreamt of"]
    said = refused(read_housing, written(tmp_path, HOMES + "\n".join(rows) + "\n"))
    for words in ("no year", "not a year", "not a whole number of homes from 0 up", "status is allocated"):
        assert words in said, said
    assert "record 1" in said and "record 3 and 1 more" in said


def test_one_site_at_two_places_is_refused(tmp_path):
    text = HOMES + "N,,500000,200000,2027,1,,,,\nN,,500900,200000,2028,1,,,,\n"
    assert "one site at two places" in refused(read_housing, written(tmp_path, text))


def test_yields_with_the_names_of_the_department(tmp_path):
    text = (
        "education_phase,tenure,housing,number_of_bedrooms,years_after_completion,pupil_yield\n"
        "Primary,All,House,Total,1,0.25\nSecondary,All,House,Total,1,0.12\n"
    )
    frame = read_yields(written(tmp_path, text)).frame
    assert frame["phase"].tolist() == ["primary", "secondary"]
    assert frame[["tenure", "type", "bedrooms"]].iloc[0].tolist() == ["", "house", ""]
    assert frame["low"].tolist() == frame["high"].tolist() == [0.25, 0.12]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("phase,pupils\ncats,0.2\n", "not a phase"),
        ("phase,pupils\nprimary,-0.2\n", "below 0 or over 3"),
        ("phase,pupils\nprimary,30\n", "below 0 or over 3"),
        ("phase,pupils\nprimary,\n", "no number of pupils for a home"),
        ("phase,pupils,low,high\nprimary,0.2,0.3,0.4\n", "not between its low and its high"),
        ("phase,pupils\nprimary,0.2\nprimary,0.3\n", "one kind of home twice"),
    ],
)
def test_yields_that_cannot_be_used(tmp_path, text, words):
    assert words in refused(read_yields, written(tmp_path, text))


def test_forecast_rolls(tmp_path):
    table, _ = read_roll_forecast(written(tmp_path, "urn,year,roll\n900001,2027,19\n900001,2028,17\n"))
    assert table["pupils"].tolist() == [19, 17]
    assert "a school twice in a year" in refused(
        read_roll_forecast, written(tmp_path, "urn,year,roll\n900001,2027,19\n900001,2027,17\n")
    )


WRITTEN = (
    "school,rolls,year,now,forecast,most_low,most_high\n"
    "900001,Reception,2026/27,45,50,40,60\n900001,primary,2026/27,300,290,280,300\n"
    "900001,primary,2027/28,300,270,250,290\n900002,secondary,2026/27,800,820,800,840\n"
    "900002,secondary,2027/28,800,840,800,880\n900002,sixth form,2026/27,200,190,180,200\n"
    "900002,sixth form,2027/28,200,210,180,240\n"
)


def test_what_geoplan_forecast_writes_is_read_as_rolls_of_schools(tmp_path):
    path = written(tmp_path, WRITTEN)
    table, _ = read_roll_forecast(path)
    assert table.set_index(["school", "year"])["pupils"].to_dict() == {
        ("900001", "2026/27"): 290,
        ("900001", "2027/28"): 270,
        ("900002", "2026/27"): 1010,
        ("900002", "2027/28"): 1050,
    }
    assert is_school_forecast(path)
    assert not is_school_forecast(written(tmp_path, "urn,year,roll\n900001,2027,19\n", "other.csv"))
    facts = forecast_facts(path)
    assert facts.loc["900001", ["forecast_now", "forecast_last", "forecast_highest"]].tolist() == [300, 270, 290]
    assert facts.loc["900001", "forecast_change_percent"] == -10
    assert facts.loc["900002", "forecast_2027_28"] == 1050


def test_growth_is_that_of_all_schools_of_the_phase_together(tmp_path):
    growth, _ = read_forecast_growth(written(tmp_path, WRITTEN), "secondary")
    assert growth.to_dict() == {"2026/27": 820 / 800, "2027/28": 840 / 800}
    told = refused(lambda path: read_forecast_growth(path, "Year 7"), written(tmp_path, WRITTEN))
    assert "no forecast of Year 7 rolls" in told
    assert "neither a phase nor an intake" in refused(
        read_roll_forecast, written(tmp_path, WRITTEN.replace("sixth form", "sixths"))
    )


def test_sites_keep_every_column_of_numbers(tmp_path):
    text = "site,name,easting,northing,Size ha,Cost\nN,Depot,500000,200000,2.4,£9.5\nS,Field,501000,200000,3,\n"
    sites, values, _ = read_site_options(written(tmp_path, text))
    assert sites["name"].tolist() == ["Depot", "Field"]
    assert values["Size ha"].tolist() == [2.4, 3.0]
    assert values["Cost"].iloc[0] == 9.5 and pd.isna(values["Cost"].iloc[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("site,easting,northing,size\nN,1,1,large\n", "not a number"),
        ("site,size\nN,2\n", "no place"),
        ("site,easting,northing\nN,1,1\nN,2,2\n", "a code of its own"),
    ],
)
def test_sites_that_cannot_be_used(tmp_path, text, words):
    assert words in refused(read_site_options, written(tmp_path, text))


def test_weights(tmp_path):
    criteria, _ = read_weights(written(tmp_path, "criterion,weight,better,worst,best\nCost,2,less,15,5\nreach,1,,,\n"))
    assert [(c.name, c.weight, c.better, c.worst, c.best) for c in criteria] == [
        ("Cost", 2.0, "less", 15.0, 5.0), ("reach", 1.0, "more", None, None)
    ]  # fmt: skip
    assert "not a weight above 0" in refused(read_weights, written(tmp_path, "criterion,weight\nCost,0\n"))


def test_rolls_of_single_schools_with_what_they_are_now(tmp_path):
    table, _ = read_school_growth(written(tmp_path, WRITTEN), ["primary", "secondary"])
    one = table[table["school"].eq(table["school"].iloc[0])]
    assert list(table.columns) == ["school", "year", "now", "pupils"] and one["year"].is_unique
    told = refused(lambda path: read_school_growth(path, ["Year 7"]), written(tmp_path, WRITTEN))
    assert "no forecast of Year 7 rolls" in told
