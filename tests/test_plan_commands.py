"""``geoplan plan`` as a planner types it, on the embedded place: what is said, written, refused."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pyogrio
import pytest

from geoplan.cli.main import main
from geoplan.containers import pdf_strings, pdf_text
from geoplan.io.leak_files import scan_file
from geoplan.io.plans import read_plan
from geoplan.io.recipes import demo_folder


@pytest.fixture
def medway(tmp_path, monkeypatch):
    folder = tmp_path / "medway"
    shutil.copytree(demo_folder(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def said(capsys) -> str:
    return capsys.readouterr().out


def test_moving_areas_says_what_moved_and_writes_a_plan(medway, capsys):
    assert main(["plan", "move", "today", "E01016020", "E01016021", "--to", "900046", "--name", "Option B",
                 "-o", "b.csv"]) == 0  # fmt: skip
    assert said(capsys) == "Option B: 2 areas move from 900048 to 900046. No problems found.\n"
    today = read_plan("catchments_today.csv")
    assert set(read_plan("b.csv").moved_from(today).index) == {"E01016020", "E01016021"}


def test_there_and_back_is_the_same_plan(medway, capsys):
    assert main(["plan", "close", "today", "900050", "-o", "closed.csv"]) == 0
    today, closed = read_plan("catchments_today.csv"), read_plan("closed.csv")
    own = today.areas_of("900050")
    assert list(closed.moved_from(today).index) == own and "900050" not in closed.schools
    assert main(["plan", "open", "closed.csv", "900050", *own, "-o", "again.csv"]) == 0
    assert read_plan("again.csv") == today
    assert main(["plan", "expand", "again.csv", "900050", "--places", "150", "-o", "more.csv"]) == 0
    assert read_plan("more.csv").changes["900050"].places_added == 150
    assert main(["plan", "ages", "more.csv", "900050", "--from", "7", "--to", "13", "-o", "more2.csv"]) == 0
    assert read_plan("more2.csv").changes["900050"].highest_year == "13"


def test_amalgamating_writes_a_geopackage_and_a_notice(medway, capsys):
    assert main(["plan", "merge", "today", "900043", "900044", "--into", "900043", "-o", "one.gpkg"]) == 0
    drawn = pyogrio.read_dataframe("one.gpkg", layer="catchments")
    assert len(drawn) == 7 and "900044" not in set(drawn["school"])
    assert main(["plan", "text", "today", "-o", "notice.txt"]) == 0
    notice = (medway / "notice.txt").read_text()
    assert "All of: ME2 2" in notice and "Part of:" in notice
    capsys.readouterr()
    assert main(["plan", "text", "today", "--json"]) == 0
    sectors = pd.DataFrame(json.loads(said(capsys)))
    assert sectors.groupby("sector")["share"].sum().max() <= 1 + 1e-9


def test_check_asks_and_exits_1_when_there_is_something_to_see(medway, capsys):
    assert main(["plan", "check", "today"]) == 0
    assert "No problems found." in said(capsys)
    rows = pd.read_csv("catchments_today.csv", dtype=str)
    rows.loc[0, "school"] = "999999"
    rows.iloc[:-3].to_csv("odd.csv", index=False)
    assert main(["plan", "check", "odd.csv", "--json"]) == 1
    problems = " ".join(json.loads(said(capsys))["problems"])
    assert "999999: not in the schools file" in problems and "3 areas of the layer not in the plan" in problems


def test_an_unknown_area_or_school_is_refused_and_nothing_is_written(medway, capsys):
    assert main(["plan", "move", "today", "E01", "--to", "900046", "-o", "b.csv"]) == 3
    assert main(["plan", "move", "today", "E01016020", "--to", "900099", "-o", "b.csv"]) == 3
    assert main(["plan", "close", "today", "900099", "-o", "b.csv"]) == 3
    assert main(["plan", "move", "today", "E01016020", "--to", "900046", "-o", "catchments_today.csv"]) == 2
    assert main(["plan", "move", "today", "E01016020", "--to", "900046", "-o", "b.docx"]) == 2
    assert not (medway / "b.csv").exists()


def test_a_plan_of_another_year_is_refused_in_words(medway, capsys):
    rows = pd.read_csv("catchments_today.csv", dtype=str).rename(columns={"lsoa11": "lsoa21"})
    rows.to_csv("other.csv", index=False)
    assert main(["plan", "compare", "today", "other.csv"]) == 3
    assert "bring all to one kind" in capsys.readouterr().err


def test_plans_from_outlines_postcodes_and_the_nearest_school(medway, capsys):
    assert main(["plan", "merge", "today", "900043", "--into", "900043", "-o", "today.gpkg"]) == 0
    assert main(["plan", "from", "today.gpkg", "--layer", "catchments", "--column", "school", "-o", "drawn.csv"]) == 1
    assert "areas of other places, or mostly outside, are left out" in said(capsys)
    assert read_plan("drawn.csv").table.equals(read_plan("catchments_today.csv").table)
    assert main(["plan", "from", "today.gpkg", "--layer", "catchments", "--column", "school", "--count", "pupils"]) == 1
    text = said(capsys)
    assert "about 315 pupils of these areas are in no catchment" in text
    assert "1% of pupils are in another catchment than the one their area was given" in text
    (medway / "sectors.csv").write_text("sector,school\nME1 1,900046\nME1 2,900049\n")
    capsys.readouterr()
    assert main(["plan", "from", "sectors.csv", "--json", "-o", "told.csv"]) == 1
    answer = json.loads(said(capsys))
    assert set(answer["catchments"]) == {"900046", "900049"} and "areas are split" in " ".join(answer["found"])
    assert all(1 - row["share"] < 0.5 for row in answer["split"].values()) or answer["split"]
    assert main(["plan", "from", "nearest", "--phase", "Secondary", "-o", "nearest.csv"]) in (0, 1)
    assert len(read_plan("nearest.csv")) == 163
    assert main(["plan", "from", "nearest", "--phase", "Nursery"]) == 2


def test_ground_that_a_drawing_leaves_out_at_its_edge_is_a_gap(medway, capsys):
    import geopandas as gpd
    import shapely

    assert main(["plan", "merge", "today", "900043", "--into", "900043", "-o", "today.gpkg"]) == 0
    drawn = gpd.read_file("today.gpkg", layer="catchments")
    west, south, _, north = drawn.total_bounds
    strip = shapely.box(west, south, west + 1_000, north)
    drawn.geometry = drawn.geometry.difference(strip)
    drawn[["school", "geometry"]].to_file("cut.gpkg", layer="catchments")
    capsys.readouterr()
    assert main(["plan", "from", "cut.gpkg", "--column", "school", "--kind", "lsoa11", "--json"]) == 1
    found = " ".join(json.loads(said(capsys))["found"])
    assert "gap" in found and "m2 in all, with" in found


def test_members_make_a_shared_catchment(medway, capsys):
    (medway / "members.csv").write_text("catchment,school\n900043,900043\n900043,900044\n")
    assert main(["plan", "from", "catchments_today.csv", "--members", "members.csv", "-o", "shared.csv"]) == 1
    assert "one catchment of several schools" in said(capsys)
    assert read_plan("shared.csv").members("900043+900044") == ("900043", "900044")


def test_comparing_prints_what_each_option_does(medway, capsys):
    assert main(["plan", "compare", "today", "option_a", "option_b"]) == 0
    text = said(capsys)
    assert "Option A: about 360 pupils, 2% of pupils in years 7 to 11" in text
    assert "Option B, most by segment: Riverside terraces, 41% change school (11% of all)." in text
    assert not (medway / "private").exists()  # nothing was released


def test_a_plan_against_itself(medway, capsys):
    assert main(["plan", "compare", "today", "today", "--json"]) == 0
    answer = json.loads(said(capsys))
    assert [row["moves"] for row in answer["summary"]] == [0, 0]
    assert answer["options"]["Today (2)"]["flows"] == []


def test_the_page_the_report_and_the_workbook_are_protected_and_entered(medway, capsys):
    fifths = pd.read_csv("catchments_today.csv", dtype=str)[["lsoa11"]]
    fifths.assign(idaci_decile=[1 + at % 10 for at in range(len(fifths))]).to_csv("idaci.csv", index=False)
    fifths.assign(**{"2028": 40, "2029": 38.5}).to_csv("forecast.csv", index=False)
    assert main(["plan", "compare", "today", "option_a", "--idaci", "idaci.csv", "--forecast", "forecast.csv",
                 "--groups", "msoa11", "--entry", "2028", "-o", "options.html",
                 "--report", "report.html"]) == 0  # fmt: skip
    page, report = (medway / "options.html").read_text(), (medway / "report.html").read_text()
    assert "What happens to my postcode?" in page and "Swipe between two maps" in page
    heads = [
        "1. Boundaries and pupil numbers",
        "2. Forecasts",
        "3. Deprivation",
        "4. Preferences",
        "5. Travel",
        "6. Cal",
    ]
    assert sorted(map(report.index, heads)) == list(map(report.index, heads))
    assert "2027-02-28" in report and "<script" not in report
    assert main(["plan", "compare", "today", "option_a", "--idaci", "idaci.csv", "-o", "options.xlsx"]) == 0
    ledger = json.loads((medway / "private" / "ledger.json").read_text())
    assert len(ledger["ledger"]["entries"]) >= 2
    for name in ("options.html", "options.xlsx", "report.html"):
        assert scan_file(medway / name) == ()


def test_the_report_on_paper_has_its_maps_and_the_numbers_of_the_page(medway, capsys):
    pytest.importorskip("weasyprint", reason="the extra [pdf] is not installed")
    assert main(["plan", "compare", "today", "option_b", "--base", "year_group=7", "--report", "report.pdf"]) == 0
    data = (medway / "report.pdf").read_bytes()
    text = " ".join("\n".join(pdf_text(data)).split())
    assert "Today beside Option B" in text and "Key to the maps" in text
    assert any("Hatched areas change school" in words for words in pdf_strings(data))  # for who cannot see the map


def test_brothers_and_sisters_by_a_column_of_the_pupils_file(medway, capsys):
    pupils = pd.read_csv("pupils.csv", dtype=str)
    pupils["Family"] = [f"F{at // 2}" for at in range(len(pupils))]
    pupils.to_csv("pupils.csv", index=False)
    assert main(["plan", "compare", "today", "option_b", "--household", "Family", "-o", "options.html"]) == 0
    assert "Brothers and sisters: Option B" in (medway / "options.html").read_text()
    assert "F12" not in (medway / "options.html").read_text()


def test_a_changed_age_range_is_said_and_places_are_for_the_years_taught(medway, capsys):
    assert main(["plan", "ages", "today", "900050", "--from", "R", "--to", "11", "-o", "ages.csv"]) == 0
    assert "Thornmere Academy teaches years R to 11." in said(capsys)
    assert main(["plan", "compare", "today", "ages.csv", "-o", "ages.html", "--json"]) == 0
    rows = {row["code"]: row for row in json.loads(said(capsys))["summary"]}
    # places of secondary schools against secondary pupils, as without the option; one school takes younger ones too
    assert rows["Today"]["beyond"] < 2_000 < rows["Ages"]["beyond"] < 5_000
    page = (medway / "ages.html").read_text(encoding="utf-8")
    assert "Ages: Thornmere Academy teaches years R to 11." in page
    assert "Of the years its schools teach, Ages" in page
    assert page.index("Year 9") < page.index("Year 10")


def test_options_by_the_councils_own_distances(medway, capsys):
    """Twice the straight line from the middle of each area: the page says so, and minutes are refused."""
    schools = pd.read_csv("schools.csv", dtype=str).set_index("urn")
    schools = schools[schools["phase"].eq("Secondary")][["easting", "northing"]].astype(float)
    places = pd.read_csv("postcodes.csv.gz", dtype=str)
    middle = places.assign(x=places["east1m"].astype(float), y=places["north1m"].astype(float))
    middle = middle.groupby("lsoa11cd")[["x", "y"]].mean()
    rows = [
        (area, school, round(2 * ((x - e) ** 2 + (y - n) ** 2) ** 0.5))
        for area, (x, y) in middle.iterrows()
        for school, (e, n) in schools.iterrows()
    ]
    table = pd.DataFrame(rows, columns=["lsoa11", "school", "metres"])
    table.to_csv("metres.csv", index=False)
    table.rename(columns={"metres": "minutes"}).to_csv("minutes.csv", index=False)
    summaries = []
    for words in ([], ["--matrix", "metres.csv", "-o", "walks.html", "--report", "walks_report.html"]):
        assert main(["plan", "compare", "today", "option_a", "--json", *words]) == 0
        summaries.append({row["code"]: row for row in json.loads(said(capsys))["summary"]})
    straight, walked = summaries
    assert 1.7 < walked["Today"]["median_m"] / straight["Today"]["median_m"] < 2.3
    assert walked["Today"]["over_2_miles"] > straight["Today"]["over_2_miles"]
    for name in ("walks.html", "walks_report.html"):
        page = (medway / name).read_text(encoding="utf-8")
        assert (
            "Distances are as given in the matrix of distances" in page and "Distances are straight lines" not in page
        )
    assert main(["plan", "compare", "today", "option_a", "--matrix", "minutes.csv"]) == 2
    assert "metres and miles" in capsys.readouterr().err


def test_years_stand_in_their_order(medway, capsys):
    assert main(["plan", "compare", "today", "option_a", "--json"]) == 0
    who = json.loads(said(capsys))["options"]["Option A"]["who"]["year_group"]
    assert [row["code"] for row in who] == ["7", "8", "9", "10", "11"]


def test_a_council_with_infants_and_juniors_compares_infant_catchments(medway, capsys):
    """A plan of infant schools counts infants only: the years that its schools teach."""
    assert main(["plan", "from", "nearest", "--phase", "Infant", "-o", "infants.csv", "--name", "Infants"]) in (0, 1)
    assert main(["plan", "close", "infants.csv", "900001", "-o", "fewer.csv"]) == 0
    capsys.readouterr()
    assert main(["plan", "compare", "infants.csv", "fewer.csv", "--json"]) == 0
    assert json.loads(said(capsys))["base"] == "pupils in years R to 2"


def test_year_6_shows_which_primary_schools_are_split(medway, capsys):
    assert main(["plan", "compare", "today", "option_b", "--base", "year_group=6", "-o", "six.html"]) == 0
    page = (medway / "six.html").read_text()
    assert "Feeder schools split" in page and "Main catchment, Option B" in page


def test_clusters_that_change_and_are_divided_are_on_the_page_the_report_and_in_the_workbook(medway, capsys):
    assert main(["plan", "compare", "today", "option_a", "--base", "year_group=5,6", "--json",
                 "-o", "six.html", "--report", "report.html"]) == 0  # fmt: skip
    answer = json.loads(said(capsys))
    flows = [(row["from"], row["to"], row["people"]) for row in answer["options"]["Option A"]["cluster_flows"]]
    assert ("Chatham", "Rochester", 80) in flows and sum(people for *_, people in flows) == 140
    by_cluster = {row["code"]: row for row in answer["clusters"]}
    assert by_cluster["Gillingham"]["Today, share"] == 0.49
    for name in ("six.html", "report.html"):
        page = (medway / name).read_text(encoding="utf-8")
        assert "Who changes cluster: Option A" in page and "Clusters whose children are divided" in page
        assert "Clusters and their children" in page and "Who change cluster" in page
    assert main(["plan", "compare", "today", "option_a", "--base", "year_group=5,6", "-o", "six.xlsx"]) == 0
    assert "Option A: about 140 pupils would change cluster; it divides the children of 4 clusters" in said(capsys)
    with pd.ExcelFile("six.xlsx") as book:
        sheets = book.sheet_names
    assert "Cluster moves Option A" in sheets and "Clusters" in sheets
    assert main(["plan", "compare", "today", "option_a", "--base", "year_group=5,6", "-o", "six.csv"]) == 0
    assert "cluster_moves" in (medway / "six.csv").read_text(encoding="utf-8").splitlines()[0]


def test_a_schools_file_without_clusters_is_said_to_have_none(medway, capsys):
    pd.read_csv("schools.csv", dtype=str).drop(columns="cluster").to_csv("schools.csv", index=False)
    assert main(["plan", "compare", "today", "option_a"]) == 0
    text = said(capsys)
    assert "Not shown: clusters of schools (the schools file gives the plans' schools no cluster)." in text
    assert "change cluster" not in text


def test_options_are_tried_with_exact_numbers_on_the_screen_alone(medway, capsys):
    assert main(["plan", "compare", "today", "option_a", "--internal", "trying options"]) == 0
    assert "Option A" in said(capsys)
    assert not (medway / "private" / "ledger.json").exists()  # nothing was released
    assert main(["plan", "compare", "today", "option_a", "--internal", "why", "-o", "x.html"]) == 2  # no reason
    assert not list(medway.glob("*x.html"))


def test_a_design_is_compared_like_any_option(medway, capsys):
    assert main(["design", "-o", "designed.csv"]) == 0
    assert main(["plan", "compare", "today", "designed.csv", "-o", "x.html"]) == 0
    assert "Designed: about" in said(capsys)
    assert "Designed" in (medway / "x.html").read_text(encoding="utf-8")


def test_a_notice_names_whole_streets_and_the_postcodes_of_parts(medway, capsys):
    live = pd.read_csv("postcodes.csv.gz", dtype=str)
    plan = pd.read_csv("catchments_today.csv", dtype=str).set_index("lsoa11")["school"]
    live = live[live["doterm"].isna()].assign(school=live["lsoa11cd"].map(plan))
    one, two = (live.loc[live["school"] == school, "pcds"].tolist() for school in ("900043", "900046"))
    rows = [(one[0], "High Street"), (two[0], "HIGH STREET"), (two[1], "High Street"), (one[1], "Mill Lane"),
            ("ME1 9ZZ", "Ghost Row"), ("", "No Postcode Row")]  # fmt: skip
    pd.DataFrame(rows, columns=["postcode", "street"]).assign(town="Medway").to_csv("streets.csv", index=False)
    assert main(["plan", "text", "today", "--streets", "streets.csv", "-o", "notice.txt"]) == 0
    heard = capsys.readouterr()
    inside = int(live["school"].notna().sum())
    assert f"4 of the {inside:,} live postcodes of the plan are in the list of streets" in heard.out
    assert "1 street has no other postcode and is left out" in heard.out
    assert "1 row: a street without a well-formed postcode" in heard.err
    notice = (medway / "notice.txt").read_text(encoding="utf-8")
    first = notice[notice.index("(900043)") : notice.index("(900044)")]
    assert f"    Mill Lane\n    High Street: part, postcode {one[0]}\n" in first
    assert f"High Street: part, postcodes {', '.join(sorted(two[:2]))}" in notice and "Ghost" not in notice
    assert "Also postcodes without a street in the list, in ME2 1" in first
    assert main(["plan", "text", "today", "--streets", "streets.csv", "-o", "notice.csv", "--json"]) == 0
    answer = json.loads(said(capsys))
    assert answer["accounts"]["without_street"] == inside - 4 == sum(answer["postcodes_without_street"].values())
    told = pd.read_csv("notice.csv", dtype=str, keep_default_na=False)
    assert told[["street", "school", "how", "postcodes", "of"]].values.tolist() == [
        ["High Street", "900043", "part", "1", "3"],
        ["High Street", "900046", "part", "2", "3"],
        ["Mill Lane", "900043", "whole", "1", "1"],
    ]


def test_a_list_of_streets_that_cannot_be_used_is_refused(medway, capsys):
    (medway / "odd.csv").write_text("postcode,town\nME1 1AA,Rochester\n", encoding="utf-8")
    assert main(["plan", "text", "today", "--streets", "odd.csv", "-o", "notice.txt"]) == 3
    assert "no column for street" in capsys.readouterr().err
    assert main(["plan", "text", "today", "--streets", "none.csv"]) == 3
    assert main(["plan", "text", "today", "--streets", "odd.csv", "-o", "odd.csv"]) == 2
    assert not (medway / "notice.txt").exists()
