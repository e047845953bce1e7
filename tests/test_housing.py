"""New homes to pupils: by hand on small trajectories, and laws of sums."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from plain.designs import in_one_piece

from geoplan.cli.main import main
from geoplan.errors import UnknownCodeError
from geoplan.housing import (
    NewSchool,
    Trajectory,
    Yields,
    by_phase,
    by_year_group,
    draw_catchment,
    expected_pupils,
    from_site,
    need_for_places,
    phase_of,
    pupils_by_school,
    pupils_in,
)
from geoplan.io.project import copy_demo
from geoplan.new_school_books import Specification, protect_neighbours
from geoplan.sources import Source

T = Source("t.csv")


def homes(*rows) -> Trajectory:
    frame = pd.DataFrame(rows, columns=["site", "year", "completions", "tenure", "type", "bedrooms", "status"])
    sites = pd.DataFrame({"name": "Quay", "easting": 0.0, "northing": 0.0}, index=frame["site"].unique())
    return Trajectory(frame, sites, T)


def rates(*rows) -> Yields:
    columns = ["phase", "tenure", "type", "bedrooms", "years_after", "pupils", "low", "high"]
    frame = pd.DataFrame(rows, columns=columns)
    return Yields(frame.assign(years_after=frame["years_after"].astype("Int64")), T)


PLAIN = rates(("primary", "", "", "", None, 0.3, 0.2, 0.4))


def test_pupils_are_homes_finished_times_the_yield():
    found = expected_pupils(
        homes(("A", 2027, 100, "", "", "", "started"), ("A", 2028, 50, "", "", "", "started")), PLAIN, [2026, 2029]
    )
    assert found["homes"].tolist() == [0, 100, 150, 150]
    assert found["pupils"].round(6).tolist() == [0, 30, 45, 45]
    assert found["high"].round(6).tolist() == [0, 40, 60, 60]
    assert found["low"].round(6).tolist() == [0, 0, 20, 30]  # a year late


def test_homes_that_are_only_allocated_are_not_in_the_low_end():
    found = expected_pupils(homes(("A", 2027, 100, "", "", "", "allocated")), PLAIN, [2027, 2030])
    assert found["low"].tolist() == [0, 0, 0, 0]
    assert found["pupils"].iloc[0] == pytest.approx(30)


def test_the_yield_that_says_most_of_a_home_is_used():
    yields = rates(
        ("primary", "", "", "", None, 0.2, 0.2, 0.2), ("primary", "affordable", "", "", None, 0.5, 0.5, 0.5),
        ("primary", "affordable", "flat", "", None, 0.1, 0.1, 0.1),
    )  # fmt: skip
    trajectory = homes(
        ("A", 2027, 10, "market", "house", "3", ""), ("A", 2027, 10, "affordable", "house", "3", ""),
        ("A", 2027, 10, "affordable", "flat", "1", ""),
    )  # fmt: skip
    assert expected_pupils(trajectory, yields, [2027, 2027])["pupils"].iloc[0] == pytest.approx(2 + 5 + 1)


def test_a_tenure_without_a_yield_is_named_with_its_homes():
    yields = rates(("primary", "market", "", "", None, 0.2, 0.2, 0.2))
    with pytest.raises(UnknownCodeError, match=r"no yield for primary: affordable, flat, 2 bedrooms \(40 homes\)"):
        expected_pupils(homes(("A", 2027, 40, "affordable", "flat", "2", "")), yields)


def test_two_yields_that_fit_as_well_are_not_chosen_between():
    yields = rates(("primary", "market", "", "", None, 0.2, 0.2, 0.2), ("primary", "", "flat", "", None, 0.3, 0.3, 0.3))
    with pytest.raises(UnknownCodeError, match="two yields fit primary, market, flat"):
        expected_pupils(homes(("A", 2027, 40, "market", "flat", "", "")), yields)


def test_yields_by_years_after_completion_follow_an_estate():
    yields = rates(("primary", "", "", "", 0, 0.1, 0.1, 0.1), ("primary", "", "", "", 2, 0.3, 0.3, 0.3))
    found = expected_pupils(homes(("A", 2027, 100, "", "", "", "")), yields, [2027, 2031], late_years=0)
    assert found["pupils"].round(6).tolist() == [10, 10, 30, 30, 30]


def test_the_ends_are_in_order_and_sites_add_up():
    rng = np.random.default_rng(5)
    rows = [(s, int(y), int(rng.integers(0, 90)), "", "", "", str(rng.choice(["", "allocated", "started"])))
            for s in "ABC" for y in range(2026, 2032)]  # fmt: skip
    found = expected_pupils(homes(*rows), PLAIN)
    assert (found["low"] <= found["pupils"] + 1e-9).all() and (found["pupils"] <= found["high"] + 1e-9).all()
    whole = by_phase(found)["pupils"]
    parts = sum(by_phase(found, [site])["pupils"] for site in "ABC")
    np.testing.assert_allclose(whole, parts)
    last = found["year"].max()
    assert by_year_group(found, last)["pupils"].sum() == pytest.approx(whole.loc["primary", last])


def test_when_places_run_out_is_said_with_its_ends():
    table = pd.DataFrame({"low": [0, 10, 20], "pupils": [10, 40, 60], "high": [20, 60, 80]}, index=[2027, 2028, 2029])
    need = need_for_places(table, 30)
    assert (need.earliest, need.expected, need.latest, need.most) == (2028, 2028, None, 30)
    assert need.sentence == (
        "The 30 spare places are full by 2028/29 (from 2028/29 at the high end, never at the low end); at most 30 more "
        "places are needed."
    )
    assert "enough for all years looked at; at the high end from 2029/30" in need_for_places(table, 70).sentence


def test_a_catchment_is_one_piece_and_within_places():
    grid = [(x, y) for x in range(5) for y in range(5)]
    codes = [f"{x}{y}" for x, y in grid]
    areas = pd.DataFrame(grid, columns=["easting", "northing"], index=codes) * 1000.0
    pairs = [
        (f"{x}{y}", f"{x + dx}{y + dy}") for x, y in grid for dx, dy in ((1, 0), (0, 1)) if x + dx < 5 and y + dy < 5
    ]
    neighbours = pd.DataFrame(pairs, columns=["a", "b"])
    children = pd.Series(20, codes)
    new = NewSchool("n", "New", "primary", 2000.0, 2000.0, 210)
    others = pd.DataFrame({"easting": [0.0], "northing": [0.0]}, index=["old"])
    chosen = draw_catchment(areas, children, new, others, neighbours, take=30)
    assert chosen[0] == "22"
    assert 30 + children[list(chosen)].sum() <= 210
    assert in_one_piece(set(chosen), {frozenset(pair) for pair in pairs})
    assert "00" not in chosen
    assert draw_catchment(areas, children, new, others, neighbours, home="44")[0] == "44"


def test_a_new_school_stands_on_a_site():
    trajectory = homes(("A", 2027, 1, "", "", "", ""))
    school = from_site(trajectory, "A", "primary", 420)
    assert (school.name, school.forms) == ("New primary school, Quay", 2.0)
    with pytest.raises(UnknownCodeError, match="no site B; there are A"):
        from_site(trajectory, "B", "primary", 420)


def test_neighbours_are_protected():
    pupils = pd.DataFrame(
        {
            "school": ["1"] * 60 + ["2"] * 60,
            "year_group": "3",
            "lsoa21": ["a"] * 40 + ["b"] * 20 + ["a"] * 4 + ["b"] * 56,
        }
    )
    raw = pupils_in(pupils, "lsoa21", ["a"], ["3"])
    shown = protect_neighbours(raw, {"1": "One"})
    assert shown.table.loc["1", ["name", "on roll", "lives there"]].tolist() == ["One", 60, 40]
    assert shown.hidden.loc["2", "lives there"]


def specification(ready=date(2026, 11, 29), opens=2028) -> Specification:
    table = pd.DataFrame({"homes": [100], "low": [10], "pupils": [40], "high": [60]}, index=[2028])
    school = NewSchool("A", "New primary school, Quay", "primary", 0, 0, 210)
    return Specification(
        school, need_for_places(table, 30), table, table[["low", "pupils", "high"]], opens, ready, ("E1",)
    )


def test_the_specification_has_the_guides_lead_time_and_the_statutory_calendar():
    spec = specification()
    assert spec.identify_by == 2025  # "Allow three years between identification of need for the opening of a primary"
    assert spec.first_entry == 2028  # consulting from November 2026, arrangements bite from September 2028
    steps = dict(zip(spec.calendar["step"], spec.calendar["date"], strict=True))
    assert steps["Determine the arrangements by (for the entry of the year after)"] == "2027-02-28"
    assert "The area is part of the specification" in spec.text or "the area is part of the specification" in spec.text
    assert "Area: E1" in spec.text
    assert specification(date(2027, 1, 5)).first_entry == 2029
    assert "first bite for September 2029" in specification(date(2027, 1, 5)).finding


@pytest.mark.parametrize(
    ("text", "phase"), [("Reception", "R"), ("year 11", "11"), ("SEND", "special"), ("Nursery", "early years")]
)
def test_phases(text, phase):
    assert phase_of(text) == phase


TAUGHT = pd.DataFrame({"lowest": [0, 3, 0, 7], "highest": [2, 6, 6, 13]}, index=["inf", "jun", "pri", "sec"])


def test_pupils_of_new_homes_by_school_are_all_those_expected():
    trajectory = homes(*((site, year, count, "", "", "", "") for site, year, count in
                         (("A", 2027, 50), ("B", 2027, 80), ("B", 2029, 20))))  # fmt: skip
    of = {"early years": 0.05, "primary": 0.25, "secondary": 0.15, "special": 0.01, "post-16": 0.04}
    yields = rates(*((phase, "", "", "", None, pupils, pupils, pupils) for phase, pupils in of.items()))
    expected = expected_pupils(trajectory, yields)
    table, left = pupils_by_school(expected, {"A": ["inf", "jun"], "B": ["pri", "sec"]}, TAUGHT)
    mine = table[table["option"].eq("expected")]
    for year, whole in expected.groupby("year")["pupils"].sum().items():
        when = f"{year}/{(year + 1) % 100:02d}"
        of_year = mine.loc[mine["academic_year"].eq(when), "pupils"].sum()
        assert of_year + left.loc[left["academic_year"].eq(when), "pupils"].sum() == pytest.approx(whole)
    assert set(table["option"]) == {"low", "expected", "high"}
    assert set(left.loc[left["site"].eq("B"), "year_group"]) == {"N1", "N2", "special"}
    assert {"7", "12", "N1"} <= set(left.loc[left["site"].eq("A"), "year_group"])
    infants = set(table.loc[table["school"].eq("inf"), "year_group"])
    assert infants == {"R", "1", "2"}


def test_a_shared_catchment_shares_its_pupils_alike():
    half = rates(("primary", "", "", "", None, 0.5, 0.5, 0.5))
    expected = expected_pupils(homes(("A", 2027, 70, "", "", "", "")), half, [2027, 2027])
    table, left = pupils_by_school(expected, {"A": ["inf", "jun", "pri"]}, TAUGHT)
    mine = table[table["option"].eq("expected") & table["year_group"].eq("R")]
    assert mine.set_index("school")["pupils"].to_dict() == {"inf": 2.5, "pri": 2.5} and left.empty


def test_new_homes_go_into_a_forecast_and_nobody_is_lost(tmp_path, monkeypatch, capsys):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    said = ["housing", "homes.csv", "--yields", "yields.csv"]
    assert main([*said, "--plan", "today", "--for-forecast", "extra.csv", "-o", "sites.csv"]) == 0
    out = capsys.readouterr().out
    assert "NORTH: Thornmere Academy" in out and "(R, 1, 2, 3, 4, 5, 6)" in out
    by_site = pd.read_csv(there / "sites.csv")
    extra = pd.read_csv(there / "extra.csv", dtype=str)
    extra["pupils"] = extra["pupils"].astype(float)
    when = by_site["year"].map(lambda year: f"{year}/{(year + 1) % 100:02d}")
    for option, name in (("low", "low"), ("expected", "pupils"), ("high", "high")):
        wanted = by_site[by_site["phase"].eq("secondary")].groupby(when)[name].sum()
        mine = extra[extra["option"].eq(option) & ~extra["year_group"].isin(["12", "13"])]
        assert mine.groupby("academic_year")["pupils"].sum().reindex(wanted.index, fill_value=0).tolist() == (
            pytest.approx(wanted.tolist(), abs=0.3)
        )
    rolls = ["forecast", "rolls_earlier.csv", "rolls", "--level", "none", "--published", "a table of ours", "--json"]
    found = {}
    for name, more in (("without", []), ("with", ["--extra", "extra.csv", "--option", "expected"])):
        assert main([*rolls, *more]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        found[name] = {row["year"]: row["forecast"] for row in rows if row["measure"] == "secondary"}
    for year, forecast in found["without"].items():
        when = f"{year}/{(year + 1) % 100:02d}"
        more = extra[extra["option"].eq("expected") & extra["academic_year"].eq(when)]
        more = more.loc[~more["year_group"].isin(["12", "13"]), "pupils"].sum()
        assert found["with"][year] - forecast == pytest.approx(more, abs=1)
    assert found["with"] != found["without"]
    assert main([*rolls, "--extra", "extra.csv"]) == 3
    assert "low, expected, high" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        ("site,year,completions\nA,2027,50\n", ["--plan", "today"], 3, "site A has no easting and northing (1 in all)"),
        (
            "site,year,completions,easting,northing\nA,2027,50,400000,100000\n",
            ["--plan", "today"],
            3,
            "none of the sites",
        ),
        ("site,year,completions\nA,2027,50\n", [], 2, "--plan today"),
    ],
)
def test_sites_that_lie_in_no_catchment_are_told(tmp_path, monkeypatch, capsys, text, options, code, words):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    (there / "h.csv").write_text(text, encoding="utf-8")
    (there / "y.csv").write_text("phase,pupils\nprimary,0.3\nsecondary,0.2\n", encoding="utf-8")
    assert main(["housing", "h.csv", "--yields", "y.csv", "--for-forecast", "e.csv", *options]) == code
    assert words in " ".join(capsys.readouterr().err.split()) and not (there / "e.csv").exists()
