"""``geoplan forecast``, ``backtest`` and ``check`` of rolls, on the demo: pages, workbooks, refusals in words."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from geoplan.cli.main import main
from geoplan.io.forecast_inputs import Given, protected_material, read_material
from geoplan.io.project import copy_demo, read_project

ROLLS = ["rolls_earlier.csv", "rolls"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return copy_demo(tmp_path_factory.mktemp("rolls") / "medway")


@pytest.fixture
def there(demo, monkeypatch):
    monkeypatch.chdir(demo)
    return demo


def test_a_page_a_workbook_and_a_table(there, capsys):
    more = ["--register", "register", "--plan", "today", "--with-plan", "option_b"]
    assert main(["forecast", *ROLLS, *more, "-o", "ahead.html"]) == 0
    printed = capsys.readouterr()
    assert "Chatham" in printed.out and "past error" in printed.out and "wrote ahead.html" in printed.err
    text = (there / "ahead.html").read_text(encoding="utf-8")
    for part in ("Invented data", "Year 7 intakes with the other plan", "19 in 20 within", "Does it beat guessing?",
                 "Authorities of England in 2024/25", 'type="range"', "Small numbers are protected"):  # fmt: skip
        assert part in text, part
    assert main(["forecast", *ROLLS, "-o", "ahead.xlsx"]) == 0
    assert (there / "ahead.xlsx").read_bytes()[:2] == b"PK"
    assert main(["forecast", *ROLLS, "-o", "ahead.csv"]) == 0
    lines = (there / "ahead.csv").read_text(encoding="utf-8").splitlines()
    assert "past_error_share" in lines[0] and len(lines) > 100


def test_numbers_for_programs(there, capsys):
    assert main(["forecast", *ROLLS, "--years", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["level"] == "cluster" and {row["ahead"] for row in answer["rows"]} == {1, 2}
    assert all(row["past_error_share"] is not None and row["forecast"] % 5 == 0 for row in answer["rows"])


def test_published_rolls_are_exact_and_internal_ones_need_a_reason(there, capsys):
    assert main(["forecast", *ROLLS, "--years", "1", "--published", "a table of ours", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert any(row["now"] % 5 for row in rows)
    assert main(["forecast", *ROLLS, "--audience", "internal"]) == 2
    assert "10 letters" in capsys.readouterr().err


def test_five_years_of_rolls_go_three_years_ahead_and_say_so(there, capsys):
    assert main(["forecast"]) == 0
    assert "5 years of rolls try a forecast 3 years ahead at most; for 7 add earlier years" in capsys.readouterr().out


def test_the_back_test_beside_the_naive_methods_and_the_bands(there, capsys):
    assert main(["backtest", *ROLLS, "-o", "tried.html"]) == 0
    out = capsys.readouterr().out
    assert "beats last ratio" in out and "of authorities in 2024/25" in out
    assert "How often ranges held" in (there / "tried.html").read_text(encoding="utf-8")
    assert main(["backtest", *ROLLS, "-o", "tried.csv"]) == 0
    assert "total_error_share" in (there / "tried.csv").read_text(encoding="utf-8").splitlines()[0]
    capsys.readouterr()
    assert main(["backtest", *ROLLS, "--years", "3", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["level"] for row in answer["accuracy"]} == {"school", "cluster", "all schools"}
    weights = {row["band"]: 0.0 for row in answer["chosen"]}
    for row in answer["chosen"]:
        weights[row["band"]] += row["weight"]
    assert set(weights) >= {"Reception", "Year 7"} and list(weights.values()) == pytest.approx([1] * len(weights))


def test_new_homes_and_new_places(there, capsys):
    (there / "homes.csv").write_text("urn,academic_year,year_group,pupils\n900013,2027/28,R,12\n", encoding="utf-8")
    (there / "new.csv").write_text("urn,academic_year,places,pan\n900013,2027/28,105,15\n", encoding="utf-8")
    assert main(["forecast", *ROLLS, "--extra", "homes.csv", "--places", "new.csv", "-o", "more.html"]) == 0
    text = (there / "more.html").read_text(encoding="utf-8")
    assert "What was added to the forecast" in text and "housing" in text
    (there / "totals.csv").write_text("phase,academic_year,pupils\nPrimary,2026/27,20000\n", encoding="utf-8")
    assert main(["forecast", *ROLLS, "--control", "totals.csv", "--level", "none", "--published", "us", "--json"]) == 0
    printed = capsys.readouterr().out
    rows = json.loads(printed[printed.index("{") :])["rows"]
    (whole,) = [row for row in rows if row["measure"] == "primary" and row["year"] == 2026]
    assert whole["forecast"] == 20000


@pytest.mark.parametrize(
    ("rolls", "words"),
    [
        ("urn,year_group,date,pupils\n900013,R,2026-01-15,-3\n", "a count below zero"),
        ("urn,year_group,date,pupils\n900013,R,2026-01-15,30\n", "at least 3"),
        ("urn,year_group,date,pupils\n", "no records"),
        ("urn,year_group,pupils\n900013,R,30\n", "add date or academic_year"),
    ],
)
def test_bad_rolls_are_refused_in_words_and_nothing_is_written(there, capsys, rolls, words):
    (there / "bad.csv").write_text(rolls, encoding="utf-8")
    assert main(["forecast", "bad.csv", "--published", "a table of ours", "-o", "never.html"]) == 3
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    assert not (there / "never.html").exists()


def test_a_year_in_two_files_is_named(there, capsys):
    assert main(["forecast", "rolls", "rolls.csv"]) == 3
    assert "name each year once" in capsys.readouterr().err


def test_a_school_with_a_new_number_is_noticed_and_followed(tmp_path, monkeypatch, capsys):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    text = (there / "rolls.csv").read_text(encoding="utf-8")
    head, *rows = text.splitlines()
    rows = [row.replace(",900013,", ",800013,") if row < "2025" else row for row in rows]
    changed = "\n".join([head, *rows])
    (there / "renamed.csv").write_text(changed + "\n", encoding="utf-8")
    assert main(["forecast", "renamed.csv", "--years", "1"]) == 0
    assert "1 schools have rolls and are not in the schools file (800013)" in capsys.readouterr().out
    (there / "links.csv").write_text("URN,LinkURN,LinkType\n900013,800013,Predecessor\n", encoding="utf-8")
    assert main(["forecast", "renamed.csv", "--years", "1", "--links", "links.csv"]) == 0
    out = capsys.readouterr().out
    assert "school links: 1 old numbers joined" in out and "not in the schools file" not in out


def test_files_of_rolls_are_checked(there, capsys):
    assert main(["check", "rolls.csv", "--as", "rolls"]) == 0
    (there / "odd.csv").write_text(
        "urn,year_group,date,pupils\n1,R,2026-01-15,<=5\n1,Total,2026-01-15,9\n", encoding="utf-8"
    )
    assert main(["check", "odd.csv", "--as", "rolls"]) == 1
    assert "a count hidden by its publisher" in capsys.readouterr().out
    (there / "bands.csv").write_text("area,age,date,children\nE1,0-4,2025-08-31,9\n", encoding="utf-8")
    assert main(["check", "bands.csv", "--as", "register"]) == 3
    assert "bands" in capsys.readouterr().out
    assert main(["check", "pupils.csv", "--as", "census", "--day", "2026-01-15"]) == 1
    assert "questions for schools (record numbers, never values)" in capsys.readouterr().out


def test_rolls_that_changed_under_one_name_are_refused_after_a_release(tmp_path, monkeypatch, capsys):
    there = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(there)
    assert main(["forecast", "rolls", "--years", "1", "-o", "first.csv"]) == 0
    assert main(["forecast", "rolls", "--years", "1", "-o", "again.csv"]) == 0  # the same data: nothing new is said
    assert (there / "first.csv").read_bytes() == (there / "again.csv").read_bytes()
    text = (there / "rolls.csv").read_text(encoding="utf-8")
    (there / "rolls.csv").write_text(text.replace("2026-01-15,900013,R,", "2026-01-15,900013,R,1"), encoding="utf-8")
    changed = text != (there / "rolls.csv").read_text(encoding="utf-8")
    assert changed
    assert main(["forecast", "rolls", "--years", "1", "-o", "other.csv"]) == 3
    assert "the data are not those of the earlier release under this name" in capsys.readouterr().err
    assert not (there / "other.csv").exists()


# --- flows, totals, moving, births by area, feeders ---------------------------------------------------------------


@pytest.fixture(scope="module")
def more(demo):
    """Made files beside the demo: flows of two years, totals 3% below the register, births by LSOA, feeders."""
    register = pd.read_csv(demo / "register.csv")
    register["year"] = register["date"].str[:4].astype(int)
    live = register.groupby(["year", "age"])["children"].sum()
    rows = []
    for year in (2024, 2025):
        for age in (4, 11):
            count, when = live[year, age], f"{year}/{(year + 1) % 100:02d}"
            rows += [("Medway", "Independent", age, when, round(0.05 * count)),
                     ("Medway", "Kent", age, when, round(0.08 * count)), ("Kent", "Medway", age, when, 210),
                     ("Kent", "Bexley", age, when, 77)]  # fmt: skip
    head = ["home", "school_in", "phase", "academic_year", "pupils"]
    pd.DataFrame(rows, columns=head).to_csv(demo / "flows.csv", index=False)
    register["band"] = 5 * (register["age"] // 5)
    totals = (0.97 * register.groupby(["year", "band"])["children"].sum()).round().reset_index(name="people")
    totals["age"] = totals["band"].map(lambda low: f"{low}-{low + 4}")
    totals.assign(area="Medway")[["area", "age", "year", "people"]].to_csv(demo / "totals.csv", index=False)
    areas = pd.read_csv(demo / "catchments_today.csv")["lsoa11"]
    born = [(area, f"{year}/{(year + 1) % 100:02d}", 15 + at % 9) for at, area in enumerate(areas)
            for year in range(2012, 2025)]  # fmt: skip
    pd.DataFrame(born, columns=["lsoa11", "academic_year", "births"]).to_csv(demo / "births.csv", index=False)
    small = [(area, "0-14", year, 280 + at % 30) for at, area in enumerate(areas) for year in (2024, 2025)]
    pd.DataFrame(small, columns=["area", "age", "year", "people"]).to_csv(demo / "small.csv", index=False)
    schools = pd.read_csv(demo / "schools.csv")
    up = schools[schools["lowest_year"].eq("7")]["urn"]
    low = schools[schools["highest_year"].eq(6)]["urn"].tolist()
    pairs = [(code, low[(3 * at + step) % len(low)], 0.5) for at, code in enumerate(up) for step in range(3)]
    pd.DataFrame(pairs, columns=["school", "feeder", "share"]).to_csv(demo / "feeders.csv", index=False)
    return demo


REGISTER = ["--register", "register"]


def test_flows_are_used_and_told_on_the_page_in_the_table_and_in_json(more, there, capsys):
    assert main(["forecast", *ROLLS, *REGISTER, "--flows", "flows.csv", "--level", "none", "-o", "flow.html"]) == 0
    out = capsys.readouterr().out
    assert "independent" in out and "210 in" in out and "2025/26)." in out  # whichever of the two was chosen
    assert "flows: 4 rows are of other places, and not used" in out
    page = (there / "flow.html").read_text(encoding="utf-8")
    for words in ("What was done to the data", "Border and independent schools: flows, ", "Intake here",
                  "Pupils over the border and in independent schools: Medway (invented)"):  # fmt: skip
        assert words in page, words
    assert main(["forecast", *ROLLS, *REGISTER, "--flows", "flows.csv", "-o", "flow.csv"]) == 0
    told = pd.read_csv(there / "flow.adjustments.csv")
    assert told["why"].str.startswith("border and independent schools").all() and (told["into"] == 210).all()
    first = told[told["of"].eq("Year 7")].iloc[0]
    assert first["independent_share"] == pytest.approx(0.05, abs=0.002)
    left = first["before"] * (1 - first["independent_share"] - first["out_share"]) * first["kept_share"]
    assert first["after"] == pytest.approx(left + first["into"], abs=5)
    capsys.readouterr()
    assert main(["forecast", *ROLLS, *REGISTER, "--flows", "flows.csv", "--years", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["of"] for row in answer["adjustments"]} == {"Reception", "Year 7"}
    assert main(["backtest", *ROLLS, *REGISTER, "--flows", "flows.csv", "--years", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "flows, last year" in {row["method"] for row in answer["accuracy"]} and answer["adjustments"]


def test_totals_moving_births_by_area_and_feeders_are_options(more, there, capsys):
    options = [*REGISTER, "--plan", "today", "--totals", "totals.csv", "--moving", "registers", "--years", "3"]
    options += ["--births", "births.csv", "--feeders", "feeders.csv"]
    assert main(["backtest", *ROLLS, *options, "-o", "tried.html"]) == 0
    page = (there / "tried.html").read_text(encoding="utf-8")
    for words in ("births lag, by catchment", "births lag, by cluster", "uptake with moving, by catchment", "feeders",
                  "Brought to totals", "totals.csv", "children of age 4", "Moving"):  # fmt: skip
        assert words in page, words
    assert "no totals for the ages 15, 16, 17, 18" in capsys.readouterr().out
    assert main(["forecast", *ROLLS, *options, "-o", "all.csv"]) == 0
    told = pd.read_csv(there / "all.adjustments.csv")
    totals = told[told["why"].eq("brought to totals")]
    assert ((totals["after"] / totals["before"]).between(0.95, 0.99)).all()
    assert set(told["why"]) == {"brought to totals", "moving"}
    moved = told[told["why"].eq("moving")]
    assert set(moved["words"]) == {"registers by city", "registers by cluster"}  # by catchment inside only
    inside = ["--audience", "internal", "--reason", "to plan places inside", "--json"]
    capsys.readouterr()
    assert main(["forecast", *ROLLS, *options, *inside]) == 0
    rows = json.loads(capsys.readouterr().out)["adjustments"]
    assert "registers by catchment" in {row["words"] for row in rows}


def test_small_areas_are_brought_to_their_totals(more, there):
    folder = read_project(there / "geoplan.toml")
    given = Given(tuple(ROLLS), "cluster", "register", None, None, "today", "", None, area_totals=there / "small.csv")
    material = read_material(folder, given)
    assert any("areas have no totals, and stay as they are" in note for note in material.notes)  # over the border
    now = material.register[material.register["year"].eq(2025) & material.register["age"].lt(15)]
    small = pd.read_csv(there / "small.csv")
    wanted = small[small["year"].eq(2025)].set_index("area")["people"]
    assert now.groupby("area")["children"].sum().reindex(wanted.index).tolist() == pytest.approx(wanted.tolist())


@pytest.mark.parametrize(
    ("files", "options", "code", "words"),
    [
        ({}, ["--flows", "flows.csv"], 2, "it needs --register"),
        ({}, [*REGISTER, "--flows", "flows.csv", "--authority", "Nowhere"], 3, "no row is of Nowhere"),
        ({"f.csv": "home,school_in,phase,academic_year,pupils\nMedway,Kent,11,2025/26,2000\n"
                   "Medway,Independent,11,2025/26,2000\n"}, [*REGISTER, "--flows", "f.csv"], 3, "Year 7: those who go"),
        ({"f.csv": "home,school_in,phase,academic_year,pupils\nMedway,Kent,11,2009/10,200\n"},
         [*REGISTER, "--flows", "f.csv"], 3, "no year of them has rolls and a register"),
        ({"f.csv": "home,school_in,phase,academic_year,pupils\nChatham,Rochester,11,2025/26,50\n"},
         [*REGISTER, "--flows", "f.csv"], 3, "--plan: residents of each planning area"),
        ({"t.csv": "area,age,year,people\nE1,0-4,2025,9\nE2,0-4,2025,9\n"}, [*REGISTER, "--totals", "t.csv"], 3,
         "none of them Medway"),
        ({"t.csv": "area,age,year,people\nE1,0-4,2040,9\n"}, [*REGISTER, "--totals", "t.csv"], 3, "none alike"),
        ({"f.csv": "school,feeder\n1,2\n"}, ["--feeders", "f.csv"], 3, "no row is of two schools that have rolls"),
        ({"m.csv": "age,rate\n4,7\n"}, [*REGISTER, "--moving", "m.csv"], 3, "not per cent"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_words_and_nothing_is_written(more, there, capsys, files, options, code, words):
    for name, text in files.items():
        (there / name).write_text(text, encoding="utf-8")
    assert main(["forecast", *ROLLS, *options, "-o", "never.csv"]) == code
    said = " ".join(capsys.readouterr().err.split())
    assert words in said and "Traceback" not in said
    assert not (there / "never.csv").exists()


def test_flows_by_planning_area_and_a_year_between_that_is_missing(more, there, capsys):
    rows = [f"{home},{school},11,{when},{count}" for when in ("2023/24", "2025/26") for home, school, count in
            (("Chatham", "Rochester", 60), ("Rochester", "Strood", 45), ("Strood", "Chatham", 70))]  # fmt: skip
    text = "\n".join(["home,school_in,phase,academic_year,pupils", *rows])
    (there / "areas.csv").write_text(text + "\n", encoding="utf-8")
    options = [*REGISTER, "--plan", "today", "--flows", "areas.csv", "--years", "1", "--json"]
    assert main(["forecast", *ROLLS, *options]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"Chatham", "Rochester", "Strood"} <= {row["place"] for row in answer["adjustments"]}
    assert any("none of 2024/25, between others" in note for note in answer["notes"])


def test_feeders_and_births_of_the_files_are_those_of_the_history(more, there):
    folder = read_project(there / "geoplan.toml")
    given = Given(("rolls",), "cluster", "", there / "births.csv", None, "today", "where", None,
                  feeders=there / "feeders.csv")  # fmt: skip
    ready = protected_material(folder, read_material(folder, given), given, folder.rule())
    pairs = pd.read_csv(there / "feeders.csv", dtype={"school": str, "feeder": str})
    weights = pd.DataFrame(ready.history.feeders, index=ready.rolls.places, columns=ready.rolls.places)
    assert weights.to_numpy().sum() == pytest.approx(pairs["share"].sum())
    assert (weights.at[pairs["school"][0], pairs["feeder"][0]]) == 0.5
    born = pd.read_csv(there / "births.csv")
    school_of = pd.read_csv(there / "catchments_today.csv", dtype=str).set_index("lsoa11")["school"]
    of_2020 = born[born["academic_year"].eq("2020/21")]
    wanted = of_2020.groupby(of_2020["lsoa11"].map(school_of))["births"].sum()
    found = pd.DataFrame(ready.history.births_by["catchment"], ready.rolls.places, ready.history.birth_years)[2020]
    assert found.dropna().index.tolist() == sorted(wanted.index)
    assert found.dropna().tolist() == pytest.approx(wanted.sort_index().tolist(), abs=2.5)  # protected: rounded to 5
    assert ready.history.births[0, list(ready.history.birth_years).index(2020)] == of_2020["births"].sum()


def people(areas, year: int, each: int = 40) -> str:
    ages = ",".join(map(str, range(19)))
    rows = [f"{area}," + ",".join(str(each + (year + age) % 7) for age in range(19)) for area in areas]
    return f"lsoa11_code,{ages}\n" + "\n".join(rows) + "\n"


def test_population_by_single_year_stands_for_a_register(there, capsys):
    own = sorted(read_project(there / "geoplan.toml").catchments("today").table.index)
    for year in (2023, 2024):
        (there / f"people{year}.csv").write_text(people([*own, "E01009999"], year), encoding="utf-8")
    options = ["--population", "2023=people2023.csv", "--population", "2024=people2024.csv", "--plan", "today"]
    assert main(["check", "people2023.csv", "--as", "population"]) == 0
    assert f"{len(own) + 1} records" in capsys.readouterr().out
    assert main(["backtest", *ROLLS, *options, "--years", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {f"uptake, age group, by {level}" for level in ("catchment", "cluster", "city")} <= {
        row["method"] for row in answer["accuracy"]
    }
    notes = " ".join(answer["notes"])
    assert "1 areas that are not ours (lsoa11) are left out" in notes and "come out a year or more after" in notes
    given = Given(("rolls",), "cluster", "", None, None, "today", "", None,
                  population=((2023, there / "people2023.csv"),))  # fmt: skip
    register = read_material(read_project(there / "geoplan.toml"), given).register
    assert set(register["area"]) == set(own) and set(register["year"]) == {2023}
    none = Given(("rolls",), "cluster", "", None, None, "", "", None, population=given.population)
    assert set(read_material(read_project(there / "geoplan.toml"), none).register["area"]) == set(own)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--population", "people.csv"], 2, "2020=people.csv"),
        (["--population", "20=people.csv"], 2, "2020=people.csv"),
        (["--population", "2020=people.csv", "--register", "register"], 2, "not both"),
        (["--population", "2020=people.csv", "--population", "2020=people.csv"], 3, "given twice"),
        (["--population", "2020=elsewhere.csv"], 3, "none of its areas is ours"),
        (["--population", "2020=late.csv", "--plan", "today"], 3, "first given out in 2021"),
        (["--population", "2020=people.csv", "--population", "2023=late.csv"], 3, "areas of 2011"),
        (["--population", "2020=short.csv"], 3, "no column for age 18"),
        (["--population", "2020=minus.csv"], 3, "a number that is none"),
    ],
)
def test_population_that_cannot_be_used_is_refused_in_words(there, capsys, options, code, words):
    own = sorted(read_project(there / "geoplan.toml").catchments("today").table.index)
    files = {
        "people": people(own, 2020),
        "elsewhere": people(["E01000001"], 2020),
        "late": people([*own, "E01035000"], 2023),
        "short": people(own, 2020).replace(",18\n", ",old\n"),
        "minus": people(own, 2020, each=-40),
    }
    for name, text in files.items():
        (there / f"{name}.csv").write_text(text, encoding="utf-8")
    assert main(["forecast", *ROLLS, *options, "-o", "never.html"]) == code
    said = " ".join(capsys.readouterr().err.split())
    assert words in said and "Traceback" not in said
    assert not (there / "never.html").exists()


def test_a_register_by_areas_of_2021_is_refused_under_catchments_of_2011(there, capsys):
    """Children of areas that were split would be in no catchment, and nobody would know."""
    own = sorted(read_project(there / "geoplan.toml").catchments("today").table.index)
    rows = "".join(f"2025-08-31,{area},{age},20\n" for area in [*own, "E01035000"] for age in range(12))
    (there / "late.csv").write_text("date,area,age,children\n" + rows, encoding="utf-8")
    assert main(["forecast", *ROLLS, "--register", "late.csv", "--plan", "today"]) == 3
    assert "the register is said to be of lsoa11, but 1 of its codes" in capsys.readouterr().err


def test_another_plan_of_primary_schools_is_of_reception_and_printed(there, capsys):
    project = read_project(there / "geoplan.toml")
    areas = sorted(project.catchments("today").table.index)
    frame = project.schools().frame
    primary = sorted(frame.index[frame["phase"].astype("str").eq("Primary")])[:6]
    for name, step in (("first", 0), ("second", 3)):
        rows = [f"{area},{primary[(number + step * (number % 2)) % 6]}" for number, area in enumerate(areas)]
        (there / f"{name}.csv").write_text("lsoa11,school\n" + "\n".join(rows) + "\n", encoding="utf-8")
    text = (there / "geoplan.toml").read_text(encoding="utf-8")
    try:
        more = '[plans]\nfirst = "first.csv"\nsecond = "second.csv"'
        (there / "geoplan.toml").write_text(text.replace("[plans]", more), encoding="utf-8")
        options = ["--register", "register", "--plan", "first", "--with-plan", "second", "--years", "2"]
        assert main(["forecast", *ROLLS, *options, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)["with_plan"]
        assert answer["intake"] == "Reception intakes with the other plan"
        assert set(frame.loc[primary, "name"]) <= {row["name"] for row in answer["rows"]}
        assert sum(row["change"] != 0 for row in answer["rows"]) > 4
        assert main(["forecast", *ROLLS, *options]) == 0
        assert "Reception intakes with the other plan. If every school kept" in capsys.readouterr().out
    finally:
        (there / "geoplan.toml").write_text(text, encoding="utf-8")
