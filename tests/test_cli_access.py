"""The commands about ways to school, closures, sites and housing, as a planner types them; the demo place."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import shutil

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoplan.cli.main import main
from geoplan.io.leak_files import scan_file
from geoplan.io.recipes import demo_folder

SITES = "site,name,easting,northing,size,cost\nN,Old depot,577000,170500,2.4,9.5\nS,Playing field,575800,163000,3.1,7\n"
WEIGHTS = "criterion,weight,better,worst,best\nsize,1,more,1,4\ncost,1,less,15,5\nreach,2,more,,\n"
HOMES = (
    "site_id,name,easting,northing,year,completions,tenure,type,bedrooms,status\n"
    "Q,North Quay,577000,170500,2027/28,300,market,house,3,started\n"
    "Q,North Quay,577000,170500,2028/29,400,market,house,3,allocated\n"
)
YIELDS = "phase,pupil_yield,low,high\nprimary,0.30,0.22,0.38\nsecondary,0.16,0.10,0.22\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("demo") / "medway"
    shutil.copytree(demo_folder(), place, ignore=shutil.ignore_patterns("build*.py", "__pycache__"))
    for name, text in (("sites", SITES), ("weights", WEIGHTS), ("homes", HOMES), ("yields", YIELDS)):
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    return place


@pytest.fixture
def geoplan(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        heard = capsys.readouterr()
        return code, heard.out, heard.err

    return run


def test_a_closure_as_a_page_and_as_json(geoplan, folder):
    code, out, err = geoplan("access", "close", "900003", "--by", "msoa11", "-o", "closure.html", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["finding"].startswith("Curlew Bank Infant School closes: about 180 pupils would need another school.")
    assert all(row["comes"] == "c" or row["comes"] >= 10 for row in answer["receiving"])
    page = folder / "closure.html"
    assert "Where they would go" in page.read_text(encoding="utf-8")
    assert not scan_file(page)


def test_two_releases_of_one_closure_by_different_areas_agree_and_are_attacked_together(geoplan, folder):
    counts = []
    for kind in ("msoa11", "lsoa11"):
        code, out, err = geoplan("access", "close", "900002", "--by", kind, "-o", f"{kind}.html", "--json")
        assert code == 0, err
        counts.append([(row["code"], row["comes"]) for row in json.loads(out)["receiving"]])
    assert counts[0] == counts[1]


def test_a_closure_as_a_workbook_with_two_rules(geoplan, folder):
    code, _, err = geoplan("access", "close", "900003", "--rule", "closest first", "-o", "closure.xlsx")
    assert code == 0, err
    sheet = pd.read_excel(folder / "closure.xlsx", sheet_name="Where they would go")
    assert {"places", "roll", "comes", "left"} <= set(sheet.columns)


def test_infant_and_junior_schools_made_one(geoplan):
    code, out, err = geoplan("access", "close", "--merge", "900003,900009=900009", "--json")
    assert code == 0, err
    assert [row["code"] for row in json.loads(out)["receiving"]] == ["900009"]


def test_small_schools_side_by_side(geoplan, folder):
    (folder / "forecast.csv").write_text("school,year,pupils\n900001,2029,18\n", encoding="utf-8")
    code, out, err = geoplan(
        "access", "screen", "--under", "200", "--forecast", "forecast.csv", "-o", "small.html", "--json"
    )
    assert code == 0, err
    answer = json.loads(out)
    assert {row["code"]: row["review"] for row in answer["schools"]} == {"900001": "review", "900003": "keep",
                                                                         "900002": "keep"}  # fmt: skip
    assert not scan_file(folder / "small.html")
    page = (folder / "small.html").read_text(encoding="utf-8")
    (row,) = re.findall(r"fewer than 200 pupils.*?</tr>", page, re.S)
    assert re.findall(r">(\d+)<", row) == ["3"]  # those listed: special schools are not looked at
    packed = re.search(r'id="geoplan-schools-[^"]*"[^>]*>([^<]*)<', page)[1]
    drawn = json.loads(gzip.decompress(base64.b64decode(packed)))
    assert drawn["codes"][-3:] == ["900001", "900002", "900003"]  # drawn last, so on top


def test_travel_by_a_network_that_covers_little_says_so(geoplan, folder):
    way = gpd.GeoDataFrame(geometry=[shapely.LineString([(577000, 167000), (578000, 167000)])], crs=27700)
    way.to_file(folder / "way.gpkg")
    code, out, err = geoplan("travel", "--network", "way.gpkg", "--phase", "Secondary", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["by"] == "walk along the network"
    assert any("the network may not cover them" in note for note in answer["notes"])


def test_a_screen_for_free_travel(geoplan, folder):
    code, out, err = geoplan("travel", "--screen", "--day", "2026-11-29", "-o", "free.html", "--json")
    assert code == 0, err
    pupils = {row["code"]: row["all"] for row in json.loads(out)["pupils"]}
    assert pupils["over the limit or not: needs a route"] > 20_000
    assert "within the limit" not in pupils  # a straight line never says so
    assert "Sch. 35B para 11" in (folder / "free.html").read_text(encoding="utf-8")


@pytest.fixture
def told(folder, tmp_path, monkeypatch, capsys):
    """The demo with single-sex and church schools, and a pupils file that says sex and who chose for religion."""
    place = tmp_path / "told"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns("private"))
    schools = pd.read_csv(place / "schools.csv", dtype=str)
    schools["religious_character"] = schools["name"].map(lambda name: "Catholic" if "Catholic" in name else "None")
    schools.loc[schools["urn"] == "900043", ["sex", "religious_character"]] = ["Girls", "Catholic"]
    schools.to_csv(place / "schools.csv", index=False)
    pupils = pd.read_csv(place / "pupils.csv", dtype=str)
    pupils["Sex"] = [("F", "M")[at % 2] for at in range(len(pupils))]
    pupils["Chosen"] = [("Y", "N", "")[at % 3] for at in range(len(pupils))]
    pupils.to_csv(place / "pupils.csv", index=False)
    monkeypatch.chdir(place)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        heard = capsys.readouterr()
        return code, heard.out, heard.err

    return run, place


def test_the_limit_for_religion_or_belief_is_judged_when_asked_for(told):
    run, place = told
    plain = json.loads(run("travel", "--screen", "--json")[1])
    assert any("that limit was not applied" in note for note in plain["notes"])
    for given, words in (("schools", "everybody at a school with a religious character"),
                         ("Chosen", "as the column 'Chosen' of the pupils file says")):  # fmt: skip
        code, out, err = run("travel", "--screen", "--religion", given, "--json", "-o", "free.html")
        assert code == 0, err
        notes = " ".join(json.loads(out)["notes"])
        assert words in notes and "2 to 15 miles was applied to pupils of low income from 11 to 16" in notes
        assert words in html.unescape((place / "free.html").read_text(encoding="utf-8"))
    pupils = pd.read_csv(place / "pupils.csv", dtype=str)
    pupils.loc[7, "Chosen"] = "Perhaps"
    pupils.to_csv(place / "pupils.csv", index=False)
    code, out, err = run("travel", "--screen", "--religion", "Chosen")
    assert code == 3 and "neither yes nor no" in err and "Perhaps" not in out + err


def test_girls_and_boys_are_judged_where_the_pupils_file_says(told):
    run, place = told
    code, out, err = run("access", "close", "900046", "-o", "closure.html", "--json")
    assert code == 0, err
    notes = json.loads(out)["notes"]
    assert any("A school for girls was counted as suitable for girls" in note for note in notes)
    assert not any("cannot be said" in note for note in notes)
    pupils = pd.read_csv(place / "pupils.csv", dtype=str)
    pupils.drop(columns="Sex").to_csv(place / "pupils.csv", index=False)
    shutil.rmtree(place / "private")
    code, out, err = run("access", "close", "900046", "-o", "closure.html")
    assert code == 0, err
    assert "The pupils file does not say who is a girl and who a boy" in out
    assert "it cannot be said whether a school for girls or for boys would suit" in out
    page = (place / "closure.html").read_text(encoding="utf-8")
    assert "who is a girl and who a boy" in page and not scan_file(place / "closure.html")
    code, out, err = run("travel")
    assert code == 0 and "it cannot be said whether a school for girls or for boys would suit" in out


@pytest.mark.parametrize("group", ["access", "plan"])
def test_the_help_of_a_group_has_an_example(geoplan, group):
    code, out, _ = geoplan(group, "--help")
    assert code == 0 and f"Example: geoplan {group} " in out


def test_the_nearest_schools_of_areas_are_public(geoplan, folder):
    code, _, err = geoplan("travel", "--nearest", "2", "--phase", "Primary", "--by", "msoa11", "-o", "nearest.csv")
    assert code == 0, err
    table = pd.read_csv(folder / "nearest.csv")
    assert table.groupby("msoa11").size().eq(2).all()
    assert table.groupby("msoa11")["metres"].apply(lambda m: m.is_monotonic_increasing).all()


def test_sites_scored_by_criteria(geoplan, folder):
    code, out, err = geoplan("sites", "sites.csv", "--weights", "weights.csv", "-o", "sites.html", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert {row["site"] for row in answer["scores"]} == {"N", "S"}
    assert "Effect on neighbours" in (folder / "sites.html").read_text(encoding="utf-8")
    assert not scan_file(folder / "sites.html")


def test_housing_to_pupils_and_a_specification(geoplan, folder):
    code, out, _ = geoplan("housing", "homes.csv", "--yields", "yields.csv", "--json")
    assert code == 0
    last = [row for row in json.loads(out)["pupils"] if row["phase"] == "primary"][-1]
    assert (last["homes"], last["low"], last["pupils"], last["high"]) == (700, 66, 210, 266)
    code, out, err = geoplan(
        "housing", "homes.csv", "--yields", "yields.csv", "--new-school", "Q", "--places", "420", "--spare", "100",
        "--ready", "2026-11-29", "-o", "specification.html",
    )  # fmt: skip
    assert code == 0, err
    assert "First entry under determined arrangements: September 2028" in out
    page = (folder / "specification.html").read_text(encoding="utf-8")
    assert "Determine the arrangements by" in page and "Effect on neighbours" in page
    assert not scan_file(folder / "specification.html")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("access", "close"), 2, "name a school that closes"),
        (("access", "close", "999999"), 3, "not in the schools file: 999999"),
        (("access", "close", "900003", "--rule", "fair"), 2, "least total or closest first"),
        (("access", "close", "900003", "--merge", "900001"), 2, "write 900003,900009=900003"),
        (("access", "screen", "--under", "10"), 2, "no school has fewer than 10 pupils"),
        (("access", "screen"), 2, "the smallest, Brackenholt Infant School, has about 150; try --under 200"),
        (("access", "screen", "--phase", "Nursery"), 2, "no Nursery school has any pupils on roll; check --phase"),
        (("travel", "--religion", "schools"), 2, "say --screen too"),
        (("travel", "--screen", "--nearest", "2"), 2, "not both"),
        (("travel", "--screen", "--religion", "schools"), 2, "no column of religious character"),
        (("travel", "--screen", "--religion", "Chosen"), 3, "no column 'Chosen' to keep"),
        (("access", "screen", "--within", "45 minutes"), 2, "give a --matrix of minutes"),
        (("travel", "--network", "a.gpkg", "--matrix", "b.csv"), 2, "not both"),
        (("travel", "--phase", "Nursery"), 2, "no school of phase"),
        (("travel", "--matrix", "bad.csv"), 3, "minutes below 0"),
        (("travel", "-o", "pupils.csv"), 2, "also an input"),
        (("housing", "homes.csv", "--yields", "half.csv"), 3, "no yield for primary: market, house, 3 bedrooms"),
        (("housing", "homes.csv", "--yields", "yields.csv", "-o", "s.html"), 2, "--new-school"),
        (("housing", "homes.csv", "--yields", "yields.csv", "--new-school", "Z"), 3, "no site Z; there are Q"),
        (("housing", "gap.csv", "--yields", "yields.csv"), 3, "no year"),
        (("sites", "sites.csv", "--weights", "noise.csv"), 3, "no column for noise"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(geoplan, folder, words, code, said):
    (folder / "bad.csv").write_text("postcode,urn,minutes\nME7 1AB,900001,-2\n", encoding="utf-8")
    (folder / "half.csv").write_text("phase,tenure,pupil_yield\nprimary,affordable,0.3\n", encoding="utf-8")
    (folder / "gap.csv").write_text("site_id,year,completions\nQ,,10\n", encoding="utf-8")
    (folder / "noise.csv").write_text("criterion,weight\nnoise,1\n", encoding="utf-8")
    got, out, err = geoplan(*words)
    assert got == code, (out, err)
    assert said in " ".join((out + err).replace("│", " ").split())
    assert "Traceback" not in out + err
