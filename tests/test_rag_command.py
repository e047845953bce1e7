"""``geoplan rag check``, ``run`` and ``diff`` as a planner types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from geoplan.cli.main import main
from geoplan.io.ledgers import ledger_path
from geoplan.io.recipes import demo_folder

RULES = """
[rules]
title = "Town"
groups = ["cluster"]
[roll_up]
rule = "worst"
[[indicator]]
name = "surplus"
title = "Unfilled places"
category = "Surplus places"
measure = "unfilled_percent"
worse = "higher"
amber = ">= 10"
red = ">= 25 and unfilled_places >= 30"
numbers = "published"
source = "GIAS"
"""
SCHOOLS = """urn,name,phase,status,easting,northing,places,roll,cluster
100001,=North Primary,Primary,Open,580500,160500,420,300,North
100002,<b>South</b> Primary,Primary,Open,581500,160500,210,205,South
100003,East Primary,Primary,Open,582500,160500,210,,South
100004,Gone Primary,Primary,Closed,582500,160500,210,10,South
100005,West Primary,Primary,Open,,,100,89,
"""


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schools.csv").write_text(SCHOOLS)
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "geoplan.toml").write_text(
        '[project]\nname = "Town"\nas_at = "2026"\n[files]\nschools = "schools.csv"\n'
    )
    return tmp_path


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rag") / "medway"
    shutil.copytree(demo_folder(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def test_run_says_every_colour_and_what_was_left_out(town, capsys):
    assert main(["rag", "run", "rules.toml"]) == 0
    said = capsys.readouterr().out
    assert "4 schools judged by 1 indicator; 1 has at least one Red." in said
    assert "Not judged: 1 school closed or not open yet." in said
    assert "1 school is in no cluster" in said
    assert [line.split() for line in said.splitlines() if line.startswith(("North", "South", "no group"))] == [
        ["North", "Red"], ["South", "Green"], ["no", "group", "Amber"],
    ]  # fmt: skip


def test_json_holds_the_reason_of_each_colour(town, capsys):
    assert main(["rag", "run", "rules.toml", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    reasons = {each["school"]: each["reason"] for each in answer["cells"]}
    assert all(reasons.values())
    assert reasons["100003"] == "pupils on roll: no figure given"
    assert answer["groups"]["all schools"][0]["schools"] == 4


@pytest.mark.parametrize("ending", ["html", "xlsx", "csv", "json"])
def test_every_form_is_written_and_the_same_twice(town, ending):
    out = town / f"board.{ending}"
    assert main(["rag", "run", "rules.toml", "-o", str(out)]) == 0
    first = out.read_bytes()
    assert main(["rag", "run", "rules.toml", "-o", str(out)]) == 0
    assert out.read_bytes() == first
    assert b"<b>South</b>" not in first or ending in ("csv", "json")


def test_the_workbook_reads_like_a_spreadsheet_of_colours(town):
    main(["rag", "run", "rules.toml", "-o", "board.xlsx"])
    book = openpyxl.load_workbook("board.xlsx")
    assert book.sheetnames == ["About", "Board", "All schools", "By cluster", "Reasons", "Rules"]
    rows = list(book["Board"].values)
    assert rows[0] == ("URN", "name", "phase", "cluster", "Unfilled places", "Unfilled places: value")
    assert rows[1][:1] + rows[1][4:] == ("100001", "Red", 28.6)
    assert rows[3][4:] == ("No data", "x")
    assert book["Board"]["E2"].fill.fgColor.rgb == "FFF4B8B3"
    assert book["Board"]["B2"].value == "=North Primary"
    assert book["Board"]["B2"].data_type == "s"


def test_the_csv_runs_nothing_and_names_every_rule(town):
    main(["rag", "run", "rules.toml", "-o", "board.csv"])
    table = pd.read_csv("board.csv", dtype=str)
    assert table["name"].tolist()[0] == "'=North Primary"
    assert table["rule"].str.startswith("Red when").all()
    assert table["colour"].tolist() == ["Red", "Green", "No data", "Amber"]


def test_a_page_for_each_group_and_one_for_all(town):
    assert main(["rag", "run", "rules.toml", "--pages", "pages"]) == 0
    names = sorted(path.name for path in (town / "pages").iterdir())
    assert [name.rsplit("-", 1)[0] for name in names] == [
        "authority.html",
        "cluster-no-group",
        "cluster-north",
        "cluster-south",
    ]
    text = next((town / "pages").glob("cluster-south*")).read_text(encoding="utf-8")
    assert "&lt;b&gt;South&lt;/b&gt; Primary" in text
    assert "North Primary" not in text
    assert '>South</th><td class="n">2</td>' in text
    assert '>all schools</th><td class="n">4</td>' in text  # beside it, all schools and not the group's again


def test_diff_is_a_question_and_since_a_part_of_the_board(town, capsys):
    main(["rag", "run", "rules.toml", "-o", "before.json"])
    assert main(["rag", "diff", "before.json", "before.json"]) == 0
    (town / "schools.csv").write_text(SCHOOLS.replace("210,205", "210,150"))
    main(["rag", "run", "rules.toml", "--since", "before.json", "-o", "after.json"])
    capsys.readouterr()
    assert main(["rag", "diff", "before.json", "after.json", "-o", "log.csv"]) == 1
    assert "the value moved from 2.4% to 28.6%" in capsys.readouterr().out
    assert pd.read_csv("log.csv")["after"].tolist() == ["Red"]
    assert main(["rag", "run", "rules.toml", "--since", "before.json", "-o", "board.html"]) == 0
    text = (town / "board.html").read_text(encoding="utf-8")
    assert "What changed since 2026" in text
    assert main(["rag", "diff", "before.json", "after.json", "--json"]) == 1


def test_check_exits_1_on_a_rule_with_two_readings_and_writes_nothing(town, capsys):
    (town / "rules.toml").write_text(RULES.replace('">= 10"', "10").replace("unfilled_places", "empty_places"))
    assert main(["rag", "check", "rules.toml", "-o", "rules.html"]) == 1
    said = capsys.readouterr().out
    assert "10 alone does not say whether a school at exactly 10 is amber" in said
    assert not (town / "rules.html").exists()
    assert main(["rag", "run", "rules.toml"]) == 3


def test_check_names_a_column_that_is_not_there(town, capsys):
    (town / "rules.toml").write_text(RULES.replace("unfilled_places", "empty_places"))
    assert main(["rag", "check", "rules.toml"]) == 1
    assert "no column empty_places; there are cluster" in capsys.readouterr().out
    assert main(["rag", "check", "rules.toml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["codes"] == ["column_missing"]


def test_a_column_of_the_facts_that_may_have_been_meant_is_named(town, capsys):
    (town / "facts.csv").write_text("URN,attendance_percent,late\n100001,95,3\n")
    rule = RULES.replace("unfilled_percent", "attendence_percent").replace(" and unfilled_places >= 30", "")
    (town / "rules.toml").write_text(rule)
    for command in (["rag", "check", "rules.toml"], ["rag", "run", "rules.toml", "-o", "never.html"]):
        assert main([*command, "--facts", "facts.csv"]) == (1 if "check" in command else 3)
        said = capsys.readouterr()
        said = " ".join((said.out + said.err).split())
        assert "no column attendence_percent; there are" in said and " late," in said
        assert "did you mean attendance_percent? If not, add the column" in said
    assert not (town / "never.html").exists()


def test_check_prints_the_rules_and_a_page_to_sign(town, capsys):
    assert main(["rag", "check", "rules.toml", "-o", "rules.html"]) == 0
    said = capsys.readouterr().out
    assert "Red when the percentage of places that are unfilled is 25% or more, and the number of unfilled" in said
    assert "1 rule, none with two readings." in said
    page = (town / "rules.html").read_text(encoding="utf-8")
    assert "Signature" in page
    assert "not agreed yet" in page
    assert main(["rag", "check", "rules.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []


def test_check_works_without_a_project(town, capsys):
    (town / "geoplan.toml").unlink()
    assert main(["rag", "check", "rules.toml"]) == 0
    assert "columns were not checked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[rules\n", "not TOML"),
        ("", "the file is empty"),
        ("\ufffe\x00", "not"),
    ],
)
def test_a_file_that_is_no_rules_is_input_refused(town, capsys, text, says):
    (town / "bad.toml").write_text(text, encoding="utf-8")
    assert main(["rag", "check", "bad.toml"]) == 3
    assert says in capsys.readouterr().err
    assert main(["rag", "run", "nothing.toml"]) == 3


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ("urn,roll\n100001,-4\n", "a count below zero: school 100001"),
        ("urn,roll\n100001,many\n", "not a number"),
        ("urn,roll\n100001,4\n100001,5\n", "the same school twice"),
        ("school name,roll\nA,4\n", "no column of school numbers"),
    ],
)
def test_bad_numbers_are_named_with_what_to_do(town, capsys, facts, says):
    (town / "facts.csv").write_text(facts)
    assert main(["rag", "run", "rules.toml", "--facts", "facts.csv", "-o", "board.html"]) == 3
    assert says in capsys.readouterr().err
    assert not (town / "board.html").exists()


def test_a_negative_number_in_the_schools_file_is_no_colour_and_no_crash(town, capsys):
    (town / "schools.csv").write_text(SCHOOLS.replace("420,300", "-420,300"))
    assert main(["rag", "run", "rules.toml", "--json"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    cell = next(each for each in cells if each["school"] == "100001")
    assert cell["status"] == "no data"
    assert cell["reason"] == "places: what stands in the schools file is no number of the kind it takes; correct it"


def test_schools_of_the_facts_that_are_not_ours_are_counted(town, capsys):
    (town / "facts.csv").write_text("urn,roll\n100001,410\n999999,5\n")
    assert main(["rag", "run", "rules.toml", "--facts", "facts.csv"]) == 0
    said = capsys.readouterr().out
    assert "Schools of facts.csv: 1 not in the schools file and not judged: 999999." in said
    assert "facts.csv has no row for 3 of 4 schools." in said
    assert "roll is that of facts.csv, not that of an earlier file." in said


def test_a_target_that_is_an_input_is_refused(town):
    assert main(["rag", "run", "rules.toml", "-o", "schools.csv"]) == 2
    assert main(["rag", "run", "rules.toml", "-o", "board.pdf"]) == 2
    assert main(["rag", "run", "rules.toml", "--facts", "nothing.csv"]) == 2


def test_files_named_by_the_rules_stand_beside_them_and_others_take_their_place(town, capsys):
    rules = Path("rules.toml").read_text(encoding="utf-8")
    Path("named.toml").write_text(rules.replace("[rules]", '[rules]\nfacts = ["lost.csv"]', 1), encoding="utf-8")
    assert main(["rag", "run", "named.toml"]) == 3
    assert "lost.csv" in capsys.readouterr().err
    Path("lost.csv").write_text("urn,roll\n1001,5\n", encoding="utf-8")
    Path("other.csv").write_text("urn,roll\n1002,5\n", encoding="utf-8")
    assert main(["rag", "run", "named.toml"]) == 0
    assert "lost.csv" in capsys.readouterr().out
    assert main(["rag", "run", "named.toml", "--facts", "other.csv"]) == 0
    assert "lost.csv" not in capsys.readouterr().out


def test_the_demo_rules_use_every_kind_of_number_and_go_through_the_ledger(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo)
    assert main(["rag", "check", "rag_rules.toml"]) == 0
    capsys.readouterr()
    assert main(["rag", "run", "rag_rules.toml", "-o", "board.html"]) == 0
    said = capsys.readouterr().out
    assert "58 schools judged by 7 indicators" in said
    assert "Example rules: the triggers are invented" in said
    text = (demo / "board.html").read_text(encoding="utf-8")
    for word in ("Not clear", "hidden by its publisher (c in the file)", "not available (x in the file)"):
        assert word in text
    assert "fsm" in ledger_path(demo).read_text(encoding="utf-8")
