"""The pages about a service: everything from protected tables, one file, nothing exact."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import geoplan as gp
from geoplan.areas import merge_areas
from geoplan.cli.main import app
from geoplan.io.releases import Release, verify_folder
from geoplan.leaks import scan_bytes
from geoplan.placements import compare_plan, fit_reach_model, place_cells
from geoplan.preferences import OUTCOMES, preferences
from geoplan.reach_books import (
    fit_panel,
    left_out_sentence,
    model_shares,
    plan_shown,
    preferences_book,
    reach_book,
    reach_note,
    survey_book,
    survey_finding,
)
from geoplan.reach_tables import change_in_reach, protect_reach
from geoplan.service_reach import reach
from geoplan.surveys import rake, rake_margins


@pytest.fixture(scope="module")
def medway():
    """Pupils and callers of Medway, of one year, and the layer drawn from LSOAs."""
    place = gp.read_project(gp.demo_folder())
    schools, postcodes, segments = place.schools(), place.postcodes(), place.segments()
    layer = place.areas("lsoa11")[0]
    pupils = gp.assign(place.pupils(schools), postcodes, layer, segments).where(year_group=["5", "6"])
    callers = {
        year: gp.assign(place.people(f"callers_{year}", id_column="family_id"), postcodes, layer, segments)
        for year in (2024, 2025)
    }
    return place, schools, layer, pupils, callers


@pytest.fixture(scope="module")
def tables(medway):
    _, schools, _, pupils, callers = medway
    names = {"school": schools.frame["name"].to_dict()}
    found = {
        year: reach(
            people, pupils, f"advisers {year}", "pupils in years 5 and 6", ["segment", "msoa11", "school"], names=names
        )
        for year, people in callers.items()
    }
    return found, {year: protect_reach(each) for year, each in found.items()}


def test_the_answer_is_the_one_the_callers_were_made_with(tables):
    """Chances by segment 1 to 8 in 2025: .75 .7 .6 1.3 1.9 1.2 1.3 .85; the ends must be found, in this order."""
    table = tables[1][2025].by["segment"].table
    assert table["index"].idxmax() == "5"
    assert set(tables[1][2025].under().index) <= {"1", "2", "3", "8"}
    assert {"3", "8"} <= set(tables[1][2025].under().index)
    assert set(tables[1][2025].over().index) <= {"4", "5", "6", "7"}
    assert tables[0][2025].accounts.contacts == 726
    assert tables[0][2025].accounts.users == 500


def test_the_analysts_page_the_note_and_a_release_that_verifies(medway, tables, tmp_path):
    _, schools, layer, pupils, _ = medway
    raw, shown = tables
    larger = pupils.people[["lsoa11", "msoa11"]].dropna().astype("str").drop_duplicates("lsoa11")
    drawn = merge_areas(layer, larger.set_index("lsoa11")["msoa11"], "msoa11")
    changed = change_in_reach(shown[2025], shown[2024])
    cells = pupils.people.dropna(subset=["easting", "segment"])
    cells = cells.groupby([cells["lsoa11"].astype("str"), cells["segment"].astype("str")])
    cells = cells[["easting", "northing"]].mean().assign(base=cells.size()).reset_index()
    cells["users"] = (cells["base"] // 10).clip(upper=cells["base"])
    sites = schools.frame[schools.frame["phase"] == "Secondary"][["name", "easting", "northing"]]
    model = fit_reach_model(cells, sites.iloc[:3], per_km=0.4)
    plan = plan_shown(compare_plan(model, cells, sites.iloc[:3], sites.iloc[:4]), shown[2025])
    assert (plan.table["today"].dropna() % 5 == 0).all()
    assert (plan.table["after"].dropna() % 5 == 0).all()
    book = reach_book(
        shown[2025], raw[2025].sources, boundaries=drawn, changed=changed, model=model, plan=plan, sites=sites
    )
    note = reach_note(shown[2025], raw[2025].sources, changed)
    for page, words in ((book, "Leafy avenues (index 1"), (note, "Leafy avenues (20% of callers")):
        html = page.to_html()
        assert words in html
        assert not scan_bytes("page.html", html.encode())
    assert len(book.layers) == 3
    release = Release(title="Advisers").add("reach.html", book, facts=[model_shares(model)]).add("note.html", note)
    release.write(tmp_path / "out")
    assert verify_folder(tmp_path / "out") == []


def test_a_survey_and_its_page(medway):
    _, _, _, pupils, callers = medway
    found = reach(callers[2025], pupils, "survey", "families asked", ["segment"], noun="respondents", inside=True)
    shown = protect_reach(found, crossings=[])
    assert "below 20%, do another study" in survey_finding(shown)
    assert "no other study" in survey_finding(shown, least=0.05)
    html = survey_book(shown, found.sources).to_html()
    assert "Response by segment" in html
    assert "From the printed numbers: weights by segment by raking: design effect" in html
    table = shown.by["segment"].table
    exact, printed = rake(found, ["segment"]), rake_margins(table["count"], {"segment": table["base_count"]})
    assert printed.design_effect == pytest.approx(exact.design_effect, abs=0.02)


def test_preferences_and_their_page(medway):
    _, schools, _, pupils, _ = medway
    secondary = schools.frame[schools.frame["phase"] == "Secondary"]
    frame = pupils.frame[pupils.frame["year_group"] == "6"].copy()
    frame["preference_1"] = secondary.index[0]
    frame["offer"] = pd.Series([secondary.index[i % 2] for i in range(len(frame))], index=frame.index, dtype="str")
    people = gp.Assignment(frame, pupils.kinds, pupils.segmentation, pupils.report, pupils.sources, "applicants")
    asked = preferences(people, secondary)
    shown = {name: protect_reach(asked.reach(name, ["segment", "fsm"]), crossings=[]) for name in OUTCOMES}
    html = preferences_book(shown, people.sources, asked.nearest_by).to_html()
    assert f"by straight line, of {len(secondary)} schools" in html
    assert shown["first_choice"].by["segment"].table["penetration"].between(0.4, 0.6).all()


# --- the commands ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return gp.io.copy_demo(tmp_path_factory.mktemp("reach") / "medway")


def test_geoplan_reach(project, tmp_path):
    plan = tmp_path / "plan.csv"
    plan.write_text("site,easting,northing,hours,hours_planned\nHall,576000,168000,2,1\nHub,580000,166000,0,1\n")
    words = [
        "reach",
        "callers_2025",
        "-p",
        str(project / "geoplan.toml"),
        "--key",
        "family_id",
        "--base",
        "year_group=5,6",
    ]
    words += ["--since", "callers_2024", "--since-base", "pupils_previous", "--what-if", str(plan), "--place", "1"]
    words += ["--per-km", "0.3", "--json", "-o", str(tmp_path / "reach.html"), "--note", str(tmp_path / "note.html")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["base"] == "pupils in years 5 and 6"
    assert answer["change"][-1]["code"] == "all"
    assert len(answer["placement"]["sites"]) == 1
    assert {row["code"] for row in answer["plan"]} == {*"12345678", "all"}
    assert "What the plan would change" in (tmp_path / "reach.html").read_text(encoding="utf-8")
    assert "who is missed" in (tmp_path / "note.html").read_text(encoding="utf-8")


def test_geoplan_reach_over_several_years_and_against_residents(project, tmp_path):
    at = ["-p", str(project / "geoplan.toml"), "--key", "family_id", "--json"]
    older = tmp_path / "callers_2023.csv"
    older.write_bytes((project / "callers_2024.csv").read_bytes())
    words = ["reach", "callers_2025", *at, "--since", "callers_2024", "--since", str(older)]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "reach.html")])
    assert done.exit_code == 0, done.output
    years = json.loads(done.stdout)["years"]
    assert list(years[0]) == ["code", "name", "callers 2023", "callers 2024", "callers 2025"]
    assert all(row["callers 2023"] == row["callers 2024"] for row in years)
    assert "year by year" in (tmp_path / "reach.html").read_text(encoding="utf-8")
    children = pd.read_csv(project / "pupils.csv", dtype="str")["PostCode"].str.upper().str.strip()
    codes = pd.read_csv(project / "postcodes.csv.gz", dtype="str").set_index("pcds")["lsoa11cd"]
    counts = children.map(codes).value_counts().rename("children").rename_axis("lsoa11")
    counts.reset_index().to_csv(tmp_path / "children.csv", index=False)
    words = ["reach", "callers_2025", *at, "--base", str(tmp_path / "children.csv"), "--by", "msoa11"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["base"] == "children by lsoa11"
    assert set(answer["by"]) == {"msoa11"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--since", "callers_2024", "--since-base", "pupils", "--since-base", "pupils_previous"], 2),
        (["--base", "year_group"], 2),
        (["--by", "ward99"], 3),
        (["-o", "reach.docx"], 2),
        (["--base", "shoe_size=9"], 3),
    ],
)
def test_geoplan_reach_refuses(project, words, code):
    from geoplan.cli.main import main

    assert main(["reach", "callers_2025", "-p", str(project / "geoplan.toml"), *words]) == code


def test_geoplan_survey_and_preferences(project, tmp_path):
    from geoplan.cli.main import main

    at = ["-p", str(project / "geoplan.toml")]
    survey = ["survey", "callers_2025", *at, "--key", "family_id", "--base", "year_group=5,6", "--by", "segment"]
    weights = tmp_path / "weights.csv"
    assert main([*survey, "-o", str(tmp_path / "survey.xlsx"), "--weights", str(weights)]) == 0
    each = pd.read_csv(weights)
    assert len(each) == 500 and each["weight"].mean() == pytest.approx(1, abs=1e-3)
    assert sheets(tmp_path / "survey.xlsx")[1:] == ["Response by segment", "Top-up by segment", "Records"]
    words = ["preferences", str(project / "applications.csv"), *at, "--phase", "Secondary", "--by", "segment"]
    done = CliRunner().invoke(app, [*words, "--by", "msoa", "--by", "fsm", "-o", str(tmp_path / "outcomes.xlsx")])
    assert done.exit_code == 0, done.output
    assert "Offered the school named first: 80%, about 2,425 of 3,015 applicants who named a school." in done.stdout
    assert (
        "clearly less often: Outer estates" in done.stdout
    )  # invented with the lowest chance of the school named first
    assert {"First choice by fsm", "Nearest offered by MSOA (2011)"} <= set(sheets(tmp_path / "outcomes.xlsx"))
    assert main([*words[:5], "Nursery"]) == 2


def test_geoplan_preferences_by_school_comes_back_and_an_outcome_true_for_all_leaves_small_groups_out(
    project, tmp_path
):
    """Everybody is offered a school named: a school with few applicants would be known."""
    pupils = (
        pd.read_csv(project / "pupils.csv", dtype="str", keep_default_na=False).query("NCyearActual == '7'").head(900)
    )
    offered = pupils["URN"].where(pupils.index % 5 > 0, "900050")
    made = pupils.assign(pref_1=pupils["URN"], pref_2="900050", offer=offered)
    made[["UPN", "PostCode", "URN", "pref_1", "pref_2", "offer"]].to_csv(tmp_path / "a.csv", index=False)
    at = ["-p", str(project / "geoplan.toml"), "--phase", "Secondary", "--by", "segment", "--by", "school"]
    done = CliRunner().invoke(app, ["preferences", str(tmp_path / "a.csv"), *at])
    assert done.exit_code == 0, done.output
    rates = next(line for line in done.stdout.splitlines() if line.startswith("segment  "))
    assert "first choice" in rates and "any choice" not in rates
    assert "Not shown: offered a school that was named (small numbers could be worked out" in done.stdout


def test_geoplan_reach_writes_a_workbook_with_every_table(project, tmp_path):
    out = tmp_path / "reach.xlsx"
    words = ["reach", "callers_2025", "-p", str(project / "geoplan.toml"), "--key", "family_id"]
    words += ["--base", "year_group=5,6", "--by", "segment", "--by", "msoa", "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert sheets(out) == [
        "About",
        "Reach by segment",
        "Reach by MSOA (2011)",
        "Missed by MSOA (2011)",
        "Contacts",
        "Records",
    ]


def test_a_site_whose_postcode_is_not_found_is_said(project, tmp_path):
    plan = tmp_path / "plan.csv"
    plan.write_text("site,postcode,hours\nHall,ZE99 9ZZ,2\nHub,,2\n")
    done = CliRunner().invoke(
        app, ["reach", "callers_2025", "-p", str(project / "geoplan.toml"), "--what-if", str(plan)]
    )
    assert done.exit_code != 0
    assert "its postcode is not in the directory" in str(done.exception) + done.output


def sheets(path) -> list[str]:
    import openpyxl

    return openpyxl.load_workbook(path, read_only=True).sheetnames


def test_a_note_says_it_in_shares_and_the_changes_in_words(tables, medway):
    found, shown = tables
    note = reach_note(shown[2025], found[2025].sources, change_in_reach(shown[2025], shown[2024]))
    assert note.finding.startswith("Reached less than their share: Outer estates (16% of callers, 25% of all)")
    assert "index" not in note.finding
    html = note.to_html()
    assert "Better than the year before?" in html and "could be chance." in html


def test_a_stated_model_that_the_users_contradict_is_said_to(medway, tables):
    _, _, _, pupils, callers = medway
    found, shown = tables
    cells = place_cells(pupils.people, callers[2025].people, "oa11")
    assert cells["users"].sum() + cells.attrs["left_out"] == callers[2025].count
    assert left_out_sentence(0, shown[2025]) == []
    assert "fewer than 10 callers" in left_out_sentence(3, shown[2025])[0]
    sites = pd.DataFrame({"easting": [576000.0], "northing": [168000.0]}, index=["Hall"])
    model = fit_reach_model(cells, sites, per_km=2.0)
    assert model.explained[1] < 0
    assert "no such falling-off" in fit_panel(model, found[2025].sources, shown[2025]).note


def test_the_nearest_school_may_come_from_a_file_for_applications_and_for_counts(project, tmp_path):
    """With every application's first school as the nearest of its postcode, all name and most get the nearest."""
    listed = pd.read_csv(project / "applications.csv", dtype="str")
    own = listed.drop_duplicates("postcode")[["postcode", "preference_1"]].set_axis(["postcode", "school"], axis=1)
    nearest = tmp_path / "nearest.csv"
    own.assign(postcode=own["postcode"].str.replace(" ", "").str.lower()).to_csv(nearest, index=False)
    words = ["preferences", str(project / "applications.csv"), "-p", str(project / "geoplan.toml")]
    done = CliRunner().invoke(app, [*words, "--nearest", str(nearest), "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    first = pd.DataFrame(rows["nearest_first"]["segment"])
    same = listed["preference_1"] == listed["postcode"].map(own.set_index("postcode")["school"])
    assert first["count"].sum() == pytest.approx(same.sum(), abs=25)
    counts = tmp_path / "counts.csv"
    counts.write_text("area,school,year,first,offers\nA,X,2024,30,35\nA,Y,2024,10,5\n")
    nearest.write_text("area,school\nA,X\n")
    done = CliRunner().invoke(app, ["preferences", str(counts), "--counts", "--nearest", str(nearest), "--json"])
    assert json.loads(done.stdout)["areas"][0]["nearest_first_share"] == 0.75
    nearest.write_text("area,school\nA,X\nA,Y\n")
    done = CliRunner().invoke(app, ["preferences", str(counts), "--counts", "--nearest", str(nearest)])
    assert "listed twice" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mailing", "Zz=1.5"], "nobody of the base is in segment Zz; write codes of 1 (Riverside terraces)"),
        (["--mailing", "3=0"], "a factor above 0"),
        (["--mailing", "3"], "a factor above 0"),
        (["--per-km", "0.3"], "give --what-if or --place"),
        (["--within-km", "2"], "give --place"),
        (["--place", "2"], "or how far is near enough (--within-km 2)"),
    ],
)
def test_parts_of_a_plan_that_would_change_nothing_are_refused(project, words, said):
    done = CliRunner().invoke(app, ["reach", "callers_2025", "-p", str(project / "geoplan.toml"), *words])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_a_mailing_alone_is_a_plan(project, tmp_path):
    words = ["reach", "callers_2025", "-p", str(project / "geoplan.toml"), "--key", "family_id"]
    words += ["--base", "year_group=5,6", "--mailing", "3,8=1.5", "--json", "-o", str(tmp_path / "reach.html")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    plan = {row["code"]: row for row in json.loads(done.stdout)["plan"]}
    assert plan["3"]["after"] > plan["3"]["today"]
    assert plan["4"]["after"] == plan["4"]["today"]
    page = (tmp_path / "reach.html").read_text(encoding="utf-8")
    assert "What the plan would change" in page
    assert "How reach falls with distance" not in page


def test_the_best_sites_may_be_those_that_most_people_live_near(project):
    words = ["reach", "callers_2025", "-p", str(project / "geoplan.toml"), "--key", "family_id"]
    words += ["--base", "year_group=5,6", "--place", "2", "--within-km", "2"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if line.startswith("Best sites"))
    assert line.startswith("Best sites to have most of the under-reached within 2 km, of those offered: ")
    assert "School" in line and "(proven best)" in line
