"""``geoplan design``: from files to a plan, its page and workbook; impossible briefs in words; refusals."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plain.designs import in_one_piece

from geoplan.cli.main import main
from geoplan.design_tables import protect_areas
from geoplan.disclosure import PUBLIC
from geoplan.io.plans import read_plan
from geoplan.io.project import copy_demo, read_project
from geoplan.readback import Shown, check_bytes


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo folder with a design, its page and its workbook."""
    folder = copy_demo(tmp_path_factory.mktemp("design") / "medway")
    outs = [word for name in ("plan.csv", "plan.html", "plan.xlsx") for word in ("-o", str(folder / name))]
    words = ["--within", "10", "--nearest", "4", "--time-limit", "60", "--gap", "0.08"]
    plan = read_project(folder / "geoplan.toml").catchments("today")
    few = pd.DataFrame({"lsoa11": plan.table.index, "2027": [40 + 7 * at % 23 for at in range(len(plan.table))]})
    few.to_csv(folder / "few.csv", index=False)  # children by area: read in no time where it does not matter whose
    assert main(["design", *words, "--project", str(folder / "geoplan.toml"), *outs]) == 0
    return folder


def run(folder, capsys, *words):
    code = main(["design", "--project", str(folder / "geoplan.toml"), *words])
    return code, capsys.readouterr()


def test_the_plan_keeps_its_limits_by_an_independent_count(made):
    folder = read_project(made / "geoplan.toml")
    plan = read_plan(made / "plan.csv")
    layer = folder.area("lsoa11")
    assert set(plan.table.index) == set(layer.codes)
    neighbours = {frozenset(pair) for pair in layer.neighbours()[["a", "b"]].itertuples(index=False)}
    with (made / "plan.csv").open(encoding="utf-8") as file:
        school_of = {row["lsoa11"]: row["school"] for row in csv.DictReader(file)}
    assert school_of == plan.table.to_dict()
    with (made / "schools.csv").open(encoding="utf-8") as file:
        schools = {row["urn"]: row for row in csv.DictReader(file)}
    assert set(school_of.values()) == set(folder.catchments("today").schools) <= set(schools)
    for school in set(school_of.values()):
        assert in_one_piece({area for area, own in school_of.items() if own == school}, neighbours)
    # children of the years that these schools teach, by the area of their postcode: read and counted one by one
    taught = {str(year) for year in range(7, 1 + max(int(schools[own]["highest_year"]) for own in school_of.values()))}
    with gzip.open(made / "postcodes.csv.gz", "rt", encoding="utf-8") as file:
        area_of = {row["pcds"].replace(" ", ""): row["lsoa11cd"] for row in csv.DictReader(file)}
    living = dict.fromkeys(set(school_of.values()), 0)
    with (made / "pupils.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            area = area_of.get(row["PostCode"].replace(" ", "").upper())
            if row["NCyearActual"] in taught and row["EnrolStatus"] in {"C", "M"} and area in school_of:
                living[school_of[area]] += 1
    places = {school: int(schools[school]["places"]) for school in living}
    for school, children in living.items():
        share = places[school] / sum(places.values()) * sum(living.values())
        assert 0.9 * share - 0.01 <= children <= 1.1 * share + 0.01


def test_the_page_says_what_was_asked_found_and_proved(made):
    page = (made / "plan.html").read_text(encoding="utf-8")
    assert '<p class="banner"><strong>Invented data.</strong>' in page
    assert "Each school within 10% of its share of children by places" in page
    assert "Each area to one of its 4 nearest schools" in page
    assert re.search(r"Proved: no plan that keeps these limits is better by more than 0\.0\d%", page)
    assert "Living in a catchment is not attending its school" in page
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org", "")
    # every count of pupils is rounded
    cells = re.findall(r'<td class="number">([\d,]+)</td>', page)
    counts = [int(text.replace(",", "")) for text in cells]
    assert len(counts) > 20 and all(count % 5 == 0 for count in counts)


def test_the_workbook_and_the_plan_agree(made):
    sheets = pd.read_excel(made / "plan.xlsx", sheet_name=None, dtype=str)
    assert {"About", "Plan", "Catchments", "Moves", "Limits"} <= set(sheets)
    with (made / "plan.csv").open(encoding="utf-8") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert [tuple(row) for row in sheets["Plan"].to_numpy()] == rows


def test_a_figure_that_is_not_protected_would_be_refused(made):
    page = (made / "plan.html").read_text(encoding="utf-8")
    forged = re.sub(r'<td class="number">\d,\d{3}</td>', '<td class="number">1,987</td>', page, count=1)
    assert forged != page
    assert check_bytes("plan.html", "html", forged.encode(), Shown(())).problems


def test_impossible_says_why_what_to_relax_and_writes_nothing(made, capsys, monkeypatch):
    monkeypatch.setattr("geoplan.feasibility._TRY_SECONDS", 3.0)  # one of the limits to drop takes long to try
    out = made / "never.html"
    words = ["--within", "2", "--nearest", "3", "--children", "year_group=7", "--places", "places"]
    code, said = run(made, capsys, *words, "-o", str(out))
    assert code == 1 and not out.exists()
    lines = said.out.splitlines()
    assert lines[0].startswith("no plan keeps every limit; one becomes possible if one of these limits gives way")
    assert any(re.search(r"within 2% of each school's share: [\d.]+% is enough", line) for line in lines)
    assert any(line.startswith("note: 38 areas touch no area of the rest") for line in lines)
    assert "Nothing was written" in said.err


def test_places_below_demand_and_a_journey_too_short_are_said(made, capsys):
    code, said = run(made, capsys, "--full-at-most", "100", "--json")
    answer = json.loads(said.out)
    assert code == 1 and answer["status"] == "impossible"
    assert re.match(r"about [\d,]+0 children, and places for [\d,]+ \(all: full at most 100%", answer["why"][0])
    code, said = run(made, capsys, "--max-travel", "2", "--children", str(made / "few.csv"))
    assert code == 1 and "no school within 2 km" in said.out and "so the longest journey must be at least" in said.out


def test_a_brief_a_matrix_and_published_counts(made, tmp_path, capsys):
    plan = read_project(made / "geoplan.toml").catchments("today")
    some = plan.table.index[0]
    (tmp_path / "brief.toml").write_text(
        f'objective = "moved"\n[limits]\nplaces_within = 25\n[limits.fixed]\n{some} = "{plan.table[some]}"\n',
        encoding="utf-8",
    )
    rows = pd.DataFrame(
        {"lsoa11": plan.table.index, "2027": 100, "2028": [90 + at % 21 for at in range(len(plan.table))]}
    )
    rows.to_csv(tmp_path / "children.csv", index=False)
    pairs = [(a, s, 5 + (int(a[-4:]) * int(s[-2:])) % 30) for a in plan.table.index for s in plan.schools]
    pd.DataFrame(pairs, columns=["area", "school", "minutes"]).to_csv(tmp_path / "travel.csv", index=False)
    words = ["--brief", str(tmp_path / "brief.toml"), "--children", str(tmp_path / "children.csv"), "--published"]
    words += ["--travel", str(tmp_path / "travel.csv"), "--time-limit", "5", "--gap", "5", "--json"]
    code, said = run(made, capsys, *words, "-o", str(tmp_path / "two.html"))
    answer = json.loads(said.out)
    assert code == 0 and answer["unit"] == "minutes" and answer["plan"][some] == plan.table[some]
    assert {row["year"] for row in answer["catchments"]} == {"2027", "2028"}
    assert "published figures" in (tmp_path / "two.html").read_text(encoding="utf-8")


def test_the_example_of_several_years_in_the_documentation_runs(made, tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[1] / "docs" / "how-designs-are-made.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (command,) = re.findall(r"\$ geoplan (design --children .*)", text)
    folder = shutil.copytree(made, tmp_path / "medway", ignore=shutil.ignore_patterns("private", "plan.*"))
    monkeypatch.chdir(folder)
    exec(compile(code, "how-designs-are-made.md", "exec"), {})
    quick = ["--time-limit", "8", "--published", "--json"]  # exact counts, to add up below
    assert main([*command.split(), *quick]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["year"] for row in answer["catchments"]} == {"2026", "2030"}
    counts = pd.read_csv("children_by_year.csv", index_col="lsoa11")
    places = pd.read_csv("schools.csv", dtype={"urn": "str"}).set_index("urn")["places"]

    def largest_difference(plan):
        own = counts.groupby(read_plan(plan).table).sum()
        room = places[own.index] / places[own.index].sum()
        return max(abs(own[year] / (room * own[year].sum()) - 1).max() for year in own)

    assert largest_difference("balanced.csv") < largest_difference("catchments_today.csv")


def test_a_trade_off_on_the_page_and_in_json(made, capsys, tmp_path):
    out = tmp_path / "curve.html"
    words = ["--within", "40", "--nearest", "3", "--trade-off", "moved", "--points", "2", "--time-limit", "1"]
    words += ["--children", str(made / "few.csv")]
    code, said = run(made, capsys, *words, "--gap", "5", "--json", "-o", str(out))
    rows = json.loads(said.out)["trade_off"]["moved"]
    assert code == 0 and len(rows) == 2
    assert 'class="curve"' in out.read_text(encoding="utf-8")


def test_a_trade_off_of_exact_children_tells_places_over_or_under_in_steps(made, capsys, tmp_path):
    words = ["--within", "40", "--nearest", "3", "--trade-off", "travel,balance", "--points", "2", "--today", "none"]
    words += ["--time-limit", "2", "--gap", "5", "--children", str(made / "few.csv")]
    words += ["--school", ",".join(sorted(read_plan(made / "catchments_today.csv").schools))]
    code, said = run(made, capsys, *words, "--trade-off-out", str(tmp_path / "two.csv"))
    assert code == 0, said.err
    told = re.search(r"Places over or under are told in steps of (\d+) in a hundred", said.out)
    table = pd.read_csv(tmp_path / "two.csv")
    assert len(table) and (np.round(table["balance"] * 100) % int(told.group(1)) == 0).all()


def test_a_trade_off_of_three_is_printed_and_written_everywhere(made, capsys, tmp_path):
    outs = [tmp_path / name for name in ("three.html", "three.xlsx", "three.csv")]
    words = ["--within", "40", "--nearest", "3", "--trade-off", "travel,balance,moved", "--points", "2"]
    words += ["--time-limit", "2", "--gap", "5", "--children", str(made / "few.csv")]
    words += [word for path in outs[:2] for word in ("-o", str(path))] + ["--trade-off-out", str(outs[2])]
    code, said = run(made, capsys, *words)
    assert code == 0, said.err
    assert "none beaten by another in every one of mean journey" in said.out
    assert all(f"wrote {path}" in said.err for path in outs)
    table = pd.read_csv(outs[2])
    assert list(table) == ["design", "travel", "balance", "moved", "bound", "gap_percent"]
    assert "worked out from children by area hidden below 10" in said.out  # so places over or under may be told finely
    assert "Places over or under are told in steps" not in said.out
    assert (table["moved"] % 10 == 0).all() and (table["bound"] <= table["travel"] + 0.005).all()
    values = table[["travel", "balance", "moved"]].to_numpy()
    assert not any((one <= other).all() and (one < other - 0.011).any() and (one < other - 0.011).all()
                   for one in values for other in values)  # fmt: skip
    sheet = pd.read_excel(outs[1], sheet_name="Trade-off of several", dtype=str)
    assert list(sheet["design"]) == list(table["design"])
    page = outs[0].read_text(encoding="utf-8")
    assert 'class="surface"' in page and sheet["against another"].iloc[-1].replace("'", "&#39;") in page
    for letter in table["design"]:
        assert f">{letter}: " in page


def test_a_trade_off_of_two_at_once_in_json_and_years_with_their_rows(made, capsys, tmp_path):
    few = pd.read_csv(made / "few.csv", index_col=0)
    few["2028"] = few["2027"] + 3
    few.to_csv(tmp_path / "years.csv")
    words = ["--within", "40", "--nearest", "3", "--trade-off", "travel,moved", "--points", "2", "--time-limit", "1"]
    code, said = run(made, capsys, *words, "--children", str(tmp_path / "years.csv"), "--gap", "5", "--json")
    answer = json.loads(said.out)
    assert code == 0
    rows = answer["trade_off_of_several"]["designs"]
    assert rows and set(rows[0]) == {"design", "travel", "moved", "bound", "gap_percent"}
    assert answer["trade_off_of_several"]["measures"] == ["travel", "moved"]
    # each year's rows say which year they are of, and the code is the school's alone
    schools = set(answer["plan"].values())
    assert {row["year"] for row in answer["catchments"]} == {"2027", "2028"}
    assert schools <= {row["code"] for row in answer["catchments"]}
    assert not any("|" in row["code"] for row in answer["catchments"])
    assert 0 <= answer["measured"]["balance"] <= 0.42


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--objective", "speed"], "no measure 'speed'"),
        (["--at-most", "moved=few"], "write a measure and a number"),
        (["--today", "none", "--children", "few.csv"], "which schools"),
        (["--published"], "only a CSV of children"),
        (["-o", "plan.docx"], "write to a file that ends in .csv"),
        (["--bridge", "E1"], "write two area codes"),
        (["--trade-off", "travel"], "another measure to trade it against"),
        (["--trade-off", "travel,speed"], "no measure 'speed'"),
        (["--trade-off", "travel,travel"], "two or three different measures"),
        (["--trade-off", "travel,moved", "--trade-off", "travel,balance"], "one list of measures at a time"),
        (["--trade-off", "travel,moved,balance", "--points", "7"], "at most 6 with three measures"),
        (["--trade-off", "travel,moved", "--today", "none"], "there must be a plan of today"),
        (["--trade-off-out", "t.csv"], "name two or three measures"),
        (["--trade-off", "travel,moved", "--trade-off-out", "t.html"], "write to a file that ends in .csv"),
        (["--places", "rooms", "--children", "few.csv"], "has no column rooms"),
    ],
)
def test_wrong_usage_is_said(made, capsys, monkeypatch, words, said):
    monkeypatch.chdir(made)
    code, told = run(made, capsys, *words)
    assert code == 2 and said in " ".join(re.sub(r"[│╭╮╰╯─]", " ", told.err).split())


def test_what_files_lack_is_said(made, capsys, tmp_path):
    (tmp_path / "b.toml").write_text("objectiv = 'travel'\n[limits]\nnearest = 'two'\n", encoding="utf-8")
    code, said = run(made, capsys, "--brief", str(tmp_path / "b.toml"))
    assert code == 2 and "objectiv" in said.err and "nearest" in said.err
    (tmp_path / "c.csv").write_text("lsoa11,2027\nE01016016,4\nE01016016,x\n", encoding="utf-8")
    code, said = run(made, capsys, "--children", str(tmp_path / "c.csv"))
    assert code == 3 and "listed twice" in said.err and "not a number" in said.err
    code, said = run(made, capsys, "--bridge", "E09-E01016016", "--children", str(made / "few.csv"))
    assert code == 3 and "no area 'E09'" in said.err


def test_a_forecast_drives_a_design_over_several_years(made, capsys):
    """Rolls to a forecast to a design: a catchment's children grow as its schools, worked out from protected areas."""
    rolls = [str(made / name) for name in ("rolls_earlier.csv", "rolls.csv")]
    project = ["--project", str(made / "geoplan.toml")]
    assert main(["forecast", *rolls, *project, "--level", "none", "--years", "2", "-o", str(made / "ahead.csv")]) == 0
    capsys.readouterr()
    words = ["--forecast", str(made / "ahead.csv"), "--nearest", "6", "--time-limit", "20", "--gap", "20"]
    code, out = run(made, capsys, *words, "--json", "-o", str(made / "years.html"))
    assert code == 0
    answer = json.loads(out.out)
    today = pd.DataFrame(answer["catchments"])
    years = list(dict.fromkeys(today["year"]))
    assert years == ["January 2026", "2026/27", "2027/28"]
    ahead = pd.read_csv(made / "ahead.csv", dtype={"school": str})
    ahead = (
        ahead[ahead["rolls"].isin(["secondary", "sixth form"])].groupby(["school", "year"])[["now", "forecast"]].sum()
    )
    growth = (ahead["forecast"] / ahead["now"]).unstack("year")
    wide = today.pivot(index="catchment", columns="year", values="base_count")
    for school in growth.index.intersection(wide.index):
        for year in years[1:]:
            assert wide.at[school, year] == pytest.approx(wide.at[school, years[0]] * growth.at[school, year], abs=6)
    assert (today["base_count"].dropna() % 5 == 0).all() and (today["count"].dropna() % 5 == 0).all()
    assert answer["rule"].startswith("worked out from counts by area")
    page = (made / "years.html").read_text(encoding="utf-8")
    assert "grow or fall as the rolls of its catchment" in page and "published figures" not in page
    assert "Forecast by school: Medway (invented)" in page
    code, out = run(made, capsys, "--forecast", str(made / "ahead.csv"), "--today", "none", "--school", "900049")
    assert code == 2 and "plan of today" in out.err


def test_a_hidden_area_does_not_move_a_design_made_from_a_forecast():
    """Counts of areas that are hidden count half of the smallest shown, whatever they are."""
    one = pd.Series({"E1": 3.0, "E2": 60.0, "E3": 4.0, "E4": 80.0})
    known = {"kind": "lsoa11", "rule": PUBLIC, "noun": "pupils", "base_name": "", "data": ""}
    shown, table, marks = protect_areas(one, **known)
    again, _, others = protect_areas(one.replace({3.0: 4.0, 4.0: 2.0}), **known)
    assert shown.equals(again) and shown["E1"] == 5 and shown["E2"] == 60 and marks != others
    assert table.hidden.to_numpy().sum() >= 2
