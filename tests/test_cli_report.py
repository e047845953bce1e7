"""``geoplan report``: for a head, for everybody, for all schools in one process or several, for a cluster; refusals."""

from __future__ import annotations

import html
import importlib.util
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import CODES, LETTERS, postcode
from project import COUNTS, write_project

from geoplan.cli import head_reports
from geoplan.cli.main import main
from geoplan.errors import DisclosureRefused, InputRefused, Problem, ReleaseRefused
from geoplan.io.releases import verify_folder

SMALL = "900009"
WORKBOOK = {"figures.xlsx", "profile.csv", "base.csv", "similar.csv", "areas.csv", "cautions.csv", "areas.gpkg"}


@pytest.fixture
def place(tmp_path):
    """The borough with two clusters, an earlier year, and a school of eight pupils."""
    project = write_project(tmp_path / "place", {**COUNTS, SMALL: {"Terraces": 8}})
    folder = project.parent
    schools = (folder / "schools.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{row},{'East' if at else 'West'}" for at, row in enumerate(schools[1:])]
    rows.append(f"{SMALL},Small School,Primary,583500,160500,East")
    (folder / "schools.csv").write_text("\n".join([f"{schools[0]},cluster", *rows]) + "\n", encoding="utf-8")
    earlier = (folder / "pupils.csv").read_text(encoding="utf-8").replace("\nP", "\nL").splitlines()
    (folder / "before.csv").write_text("\n".join([earlier[0], *earlier[20:]]) + "\n", encoding="utf-8")
    text = project.read_text(encoding="utf-8").replace("[areas]", 'pupils_before = "before.csv"\n[areas]')
    project.write_text(text, encoding="utf-8")
    return project


def report(place: Path, folder: str, *words: str) -> int:
    return main(["report", str(place.parent.parent / folder), "-p", str(place), *words])


def test_a_report_for_a_head_is_a_release_that_holds(place, tmp_path, capsys):
    assert report(place, "out", "--school", "900001", "--json") == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert said["audience"] == "school:900001"
    assert set(said["files"]) == {"report.html", *WORKBOOK}
    assert said["gate"]["offenders"] == 0 and said["leaks"]["found"] == 0 and said["read_back"]["different"] == 0
    assert said["read_back"]["figures"] > 20
    assert verify_folder(tmp_path / "out") == []
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "School 900001" in page and "for the head" in page.lower()
    assert "segment" not in page.split("<h1")[1].lower()  # the page speaks of groups


def test_in_words_and_without_a_workbook(place, tmp_path, capsys):
    assert report(place, "out", "-s", "900001", "--no-workbook") == 0
    printed = capsys.readouterr().out
    assert "report.html" in printed and "figures read back" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "manifest.json"}


def test_for_everybody_it_says_no_more_than_the_public_profile(place, tmp_path, capsys):
    assert report(place, "out", "-s", "900001", "-a", "public", "--no-workbook", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["audience"] == "public"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ">3<" not in page and ">62<" not in page  # exact numbers of the own school
    assert re.search(r"· about \d+[05] pupils placed", page)


def test_the_page_of_a_profile_says_how_far_to_trust_it_as_the_screen_does(place, tmp_path, capsys):
    out = tmp_path / "school.html"
    assert main(["profile", "--school", "900001", "-o", str(out), "-p", str(place)]) == 0, capsys.readouterr().err
    said, page = capsys.readouterr().out, html.unescape(out.read_text(encoding="utf-8"))
    lines = [line.removeprefix("Caution: ") for line in said.splitlines()]
    lines = lines[1 + next(at for at, line in enumerate(lines) if line.startswith("The mix")) : -2]
    assert len(lines) >= 3 and all(line in page for line in lines)


def test_a_school_of_eight_has_honest_blanks(place, tmp_path):
    assert report(place, "out", "-s", SMALL, "--no-workbook") == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ">8<" not in page and "too few" in page.lower()


def test_what_changed_since(place, tmp_path, capsys):
    assert report(place, "out", "-s", "900003", "--since", "pupils_before", "--json") == 0
    assert "changes.csv" in json.loads(capsys.readouterr().out)[0]["files"]
    assert "since the earlier count, pupils before" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_analysts_tables_can_be_written_after_a_head_was_given_two_years(place, tmp_path, capsys):
    assert report(place, "out", "-s", "900003", "--since", "pupils_before", "--no-workbook") == 0
    for words, name in (
        (["--since", "pupils_before"], "changes.csv"),
        (["--base", "cluster"], "cluster.csv"),
        (["--base", "phase"], "phase.csv"),
    ):
        made = main(["profile", "--all", *words, "-o", str(tmp_path / name), "-p", str(place)])
        assert made == 0, capsys.readouterr().err
    table = pd.read_csv(tmp_path / "cluster.csv", dtype=str)
    bases = table.drop_duplicates("school").set_index("school")["base"].str.rpartition(" ")[2]
    assert bases.nunique() == 2  # each row says what its school is compared with
    counts = table[table["school"].map(bases) == "East"].drop_duplicates(["segment", "base_count"])
    assert counts["segment"].is_unique  # the base is one, and it is the cluster's own


@pytest.mark.skipif(importlib.util.find_spec("weasyprint") is None, reason="the extra geoplan[pdf] is not installed")
def test_a_pdf_on_one_page(place, tmp_path):
    from pypdf import PdfReader

    assert report(place, "out", "-s", "900001", "--pdf", "--no-workbook") == 0
    assert len(PdfReader(tmp_path / "out" / "report.pdf").pages) == 1


def test_all_schools_are_the_same_from_one_process_or_two_and_by_themselves(place, tmp_path, capsys):
    assert report(place, "one", "--all", "--no-workbook", "--processes", "1") == 0
    assert report(place, "two", "--all", "--no-workbook", "--processes", "2", "--json") == 0
    said = json.loads(capsys.readouterr().out.partition("attacked\n")[2])
    assert [each["audience"] for each in said] == [f"school:{code}" for code in (*COUNTS, SMALL)]
    folders = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert folders == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert folders[0] == "900001-school-900001"
    for name in folders:
        assert verify_folder(tmp_path / "two" / name) == []
        pages = [(tmp_path / which / name / "report.html").read_bytes() for which in ("one", "two")]
        assert pages[0] == pages[1]
    assert report(place, "by_itself", "-s", "900002", "--no-workbook") == 0
    assert (tmp_path / "by_itself" / "report.html").read_bytes() == (
        tmp_path / "one" / "900002-school-900002" / "report.html"
    ).read_bytes()


def test_where_no_process_can_be_started_the_work_is_done_here(place, tmp_path, monkeypatch):
    monkeypatch.setattr(head_reports, "_started", lambda open_, shop: None)
    assert report(place, "out", "--all", "--no-workbook", "--processes", "3") == 0
    assert len(list((tmp_path / "out").iterdir())) == len(COUNTS) + 1


def test_a_lost_process_loses_no_report(place, tmp_path, monkeypatch):
    monkeypatch.setattr(head_reports, "_put", _dies)
    assert report(place, "out", "--all", "--no-workbook", "--processes", "2") == 0
    for folder in (tmp_path / "out").iterdir():
        assert verify_folder(folder) == []
    assert len(list((tmp_path / "out").iterdir())) == len(COUNTS) + 1


def _dies(ledger):
    import os

    os._exit(1)


def test_errors_come_from_another_process_as_they_were():
    import pickle

    problem = Problem("a.csv", "file_missing", "is not there")
    refused = DisclosureRefused("it", [("t", ("a",))])
    for error in (InputRefused("a.csv", [problem]), ReleaseRefused(["one", "two"]), refused):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)


def test_the_page_of_a_cluster(place, tmp_path, capsys):
    assert report(place, "out", "--cluster", "East", "--json") == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["audience"], said["files"]) == ("public", ["cluster.html"])
    page = (tmp_path / "out" / "cluster.html").read_text(encoding="utf-8")
    assert "School 900002" in page and "School 900001" not in page
    assert verify_folder(tmp_path / "out") == []


def test_the_exact_page_of_a_cluster_needs_a_reason(place, tmp_path, capsys):
    assert report(place, "out", "--cluster", "East", "-a", "internal") == 2
    assert not (tmp_path / "out").exists()
    assert report(place, "out", "--cluster", "East", "-a", "internal", "--reason", "planning a new class") == 0
    assert (tmp_path / "out" / "OFFICIAL-SENSITIVE_cluster.html").exists()
    assert (tmp_path / "geoplan-audit.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "give one school"),
        (("--all", "-s", "900001"), 2, "give one school"),
        (("-s", "900001", "-a", "internal"), 2, "school or public"),
        (("--cluster", "East", "-a", "school"), 2, "public or internal"),
        (("--cluster", "East", "--since", "pupils_before"), 2, "of one school"),
        (("-s", "123456"), 3, "no pupil placed goes to school 123456"),
        (("--cluster", "North"), 3, "North"),
        (("-s", "900001", "--since", "nothing"), 2, "nothing"),
    ],
)
def test_refusals_in_words(place, tmp_path, capsys, words, code, said):
    assert report(place, "out", *words) == code
    err = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in err and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_of_others_is_left_alone(place, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    assert report(place, "out", "-s", "900001") == 3
    assert (tmp_path / "out" / "mine.txt").read_text(encoding="utf-8") == "mine"
    assert "mine.txt" not in capsys.readouterr().out


def test_a_project_without_areas_gives_a_report_without_a_map(place, tmp_path, capsys):
    lines = [line for line in place.read_text(encoding="utf-8").splitlines() if not line.startswith("lsoa21 =")]
    place.write_text("\n".join(lines), encoding="utf-8")
    codes = {postcode(f"{letter}{n}"): CODES[letter] for letter in LETTERS for n in (1, 2, 3)}
    directory = place.with_name("postcodes.csv")
    head, *rows = directory.read_text(encoding="utf-8").splitlines()
    rows = [f"{row},{codes[row.partition(',')[0]]}" for row in rows]
    directory.write_text("\n".join([f"{head},lsoa21", *rows]) + "\n", encoding="utf-8")
    assert report(place, "out", "-s", "900001", "--no-workbook") == 0, capsys.readouterr().err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "No areas were given" in page and 'class="map"' not in page
