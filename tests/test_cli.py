"""The command line: outputs, exit codes, refusals in words, nothing written when refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from geoplan.cli.main import main
from geoplan.io.leak_files import scan_folder
from geoplan.io.recipes import demo_folder
from geoplan.postcodes import STATUSES
from geoplan.reasons import REASONS

DIRTY = """pupil_id,postcode,school,year_group
P1,ME5 7SE,900001,R
P2,me5 7se,900001,R
P3,ME5 7SX Flat 2 and more,900001,1
P4,,900001,1
P5,nonsense,900002,2
P6,ZZ99 3VZ,900002,2
P7,ME99 9ZZ,900002,2
P1,ME5 7SE,900001,R
"""


@pytest.fixture
def pupils(tmp_path):
    path = tmp_path / "pupils.csv"
    path.write_text(DIRTY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def medway(tmp_path_factory):
    """The demo, run once."""
    folder = tmp_path_factory.mktemp("demo") / "medway"
    assert main(["demo", str(folder)]) == 0
    return folder


def assign(pupils, tmp_path, *more):
    out, report = tmp_path / "out.csv", tmp_path / "report.json"
    directory = demo_folder() / "postcodes.csv.gz"
    code = main(["assign", str(pupils), "--postcodes", str(directory), "-o", str(out), "--report", str(report), *more])
    return code, out, report


def test_assign_writes_one_row_for_each_record_and_a_report_that_balances(pupils, tmp_path, capsys):
    segments = ["--segments", str(demo_folder() / "segments.csv")]
    areas = ["--areas", f"lsoa11={demo_folder() / 'lsoa11.fgb'}", "--areas", f"lad24={demo_folder() / 'lad24.fgb'}"]
    code, out, report = assign(pupils, tmp_path, *segments, *areas)
    assert code == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["record"] for row in rows] == [str(i) for i in range(1, 9)]
    assert list(rows[0])[:6] == ["record", "school", "postcode", "status", "method", "flags"]
    assert {"lsoa11", "oa11", "lad24", "segment"} <= set(rows[0])
    assert [row["status"] for row in rows[:2]] == ["exact", "reformatted"]
    assert rows[0]["postcode"] == rows[1]["postcode"] == "ME5 7SE"
    assert rows[0]["lsoa11"].startswith("E01") and rows[0]["segment"]
    assert rows[4]["lsoa11"] == rows[4]["segment"] == rows[4]["postcode"] == ""
    assert "not_counted" in rows[7]["flags"]
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["file_status"], said["reason"], said["records"]) == ("ok", None, 8)
    assert said["accepted"] + said["repaired"] + said["rejected"] + said["blank"] == 8
    assert sum(said["by_status"].values()) == 8
    assert set(said["by_status"]) == set(STATUSES)
    assert sum(sum(row.values()) for row in said["by_school"].values()) == 8
    assert {entry["record"] for entry in said["problems"]} == {2, 3, 4, 5, 6, 7, 8}
    for entry in said["problems"]:
        assert entry["column"] in {"postcode", "pupil_id"}
        assert all(code in REASONS for code in entry["codes"])
    text = report.read_text(encoding="utf-8") + "".join(capsys.readouterr())
    for value in ("ME5", "nonsense", "Flat 2", "P1", "ME99"):
        assert value not in text


def test_the_file_about_single_pupils_is_for_its_owner_alone(pupils, tmp_path):
    _, out, _ = assign(pupils, tmp_path)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "file_empty"),
        (b"<html><body>Sign in</body></html>", "file_wrong_format"),
        (b"PK\x03\x04" + b"\0" * 100, "file_wrong_format"),
        (b"name,age\nx,1\n", "column_missing"),
        (b"pupil_id,postcode,school\n", "no_records"),
    ],
)
def test_bad_files_are_refused_with_exit_3_a_reason_and_no_output(tmp_path, capsys, content, reason):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    code, out, report = assign(path, tmp_path)
    assert code == 3
    assert not out.exists()
    said = json.loads(report.read_text(encoding="utf-8"))
    assert (said["file_status"], said["reason"]) == ("rejected", reason)
    error = capsys.readouterr().err
    assert "bad.csv" in error and "Nothing was written" in error
    assert "Traceback" not in error


def test_a_missing_file_and_wrong_usage(tmp_path, pupils):
    assert assign(tmp_path / "none.csv", tmp_path)[0] == 3
    assert main(["assign"]) == 2
    assert main(["nonsense"]) == 2
    assert assign(pupils, tmp_path, "--areas", "wards.gpkg")[0] == 2
    assert main(["assign", str(pupils), "--postcodes", "x.csv", "-o", str(tmp_path / "out.txt")]) == 2


def test_check_says_findings_with_exit_1_and_json_for_programs(pupils, tmp_path, capsys):
    assert main(["check", str(pupils), "--as", "pupils", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["accepted"] + said["repaired"] + said["rejected"] + said["blank"] == said["records"] == 8
    assert main(["check", str(pupils), "--as", "pupils"]) == 1
    assert "not a postcode" in capsys.readouterr().out
    clean = tmp_path / "clean.csv"
    clean.write_text("pupil_id,postcode,school\nP1,ME5 7SE,900001\n", encoding="utf-8")
    assert main(["check", str(clean), "--as", "pupils"]) == 0
    assert main(["check", str(clean), "--as", "nothing"]) == 2
    (tmp_path / "empty.csv").write_bytes(b"")
    assert main(["check", str(tmp_path / "empty.csv"), "--as", "schools", "--json"]) == 3


def test_demo_makes_a_project_that_every_command_reads(medway, monkeypatch, capsys, tmp_path):
    assert {path.name for path in (medway / "output").iterdir()} >= {"medway.html", "manifest.json"}
    assert {path.name for path in (medway / "private").iterdir()} == {"ledger.json", "placed.csv", "report.json"}
    assert stat.S_IMODE((medway / "private").stat().st_mode) == 0o700
    assert main(["verify", str(medway / "output")]) == 0
    assert main(["check-leaks", str(medway / "output")]) == 0
    assert main(["check-leaks", str(medway / "private")]) == 1
    monkeypatch.chdir(medway)
    assert main(["check"]) == 1  # the invented pupils are about 2% dirty, on purpose
    assert main(["profile", "--school", "900029", "-o", "school.html"]) == 0
    assert main(["similar", "--school", "900029", "--count", "5"]) == 0
    printed = capsys.readouterr().out
    assert "against all pupils placed in a segment" in printed
    assert "km away" in printed
    assert main(["map", "-o", "map.html"]) == 0
    assert main(["profile", "--all", "-o", "profiles.csv"]) == 0
    rows = list(csv.DictReader((medway / "profiles.csv").read_text(encoding="utf-8").splitlines()))
    assert len({row["school"] for row in rows}) > 50
    counts = [float(row["count"]) for row in rows if row["count"] != "c"]
    assert not [count for count in counts if 0 < count < 10]


def test_the_demo_leaves_nothing_personal_for_either_audience(medway, tmp_path):
    """0 UPNs, postcodes, dates of birth, coordinates within 20 m: by the scan, and by looking for those of the data."""
    head = tmp_path / "head"
    words = ["release", str(head), "--audience", "school:900029", "--project", str(medway / "geoplan.toml")]
    assert main(words) == 0
    pupils = csv.DictReader((demo_folder() / "pupils.csv").read_text(encoding="utf-8-sig").splitlines())
    known = {value.replace(" ", "") for row in pupils for value in (row["UPN"], row["PostCode"]) if len(value) > 5}
    assert len(known) > 10_000
    for folder in (medway / "output", head):
        assert scan_folder(folder) == ()
        texts = [path.read_text(encoding="utf-8") for path in folder.iterdir()]
        assert len(texts) == 5
        words = re.findall(r"\b(?:[A-Z]{1,2}\d{1,2}[A-Z]? ?\d[A-Z]{2}|[A-Z]\d{11}[0-9A-Z])\b", "\n".join(texts))
        assert not known & {word.replace(" ", "") for word in words}


def test_demo_never_writes_over_a_folder(medway, capsys):
    assert main(["demo", str(medway)]) == 3
    assert "name a new folder" in capsys.readouterr().err


def test_profile_json_and_unknown_school(medway, monkeypatch, capsys):
    monkeypatch.chdir(medway)
    assert main(["profile", "--school", "900029", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["base"]
    assert len(said["segments"]) == 8
    assert main(["profile", "--school", "123456"]) == 3
    assert main(["profile"]) == 2
    assert main(["profile", "--school", "1", "--project", "nowhere.toml"]) == 2


def test_demo_report_matches_the_truth_the_place_was_made_with(medway):
    """Every kind of spoiled postcode was planted and counted when the place was built."""
    truth = json.loads((demo_folder() / "truth.json").read_text(encoding="utf-8"))["invented"]["pupils"]
    said = json.loads((medway / "private" / "report.json").read_text(encoding="utf-8"))
    assert said["records"] == truth["records"]
    assert said["counted"] == truth["children_counted_once"]
    assert said["by_status"]["blank"] == truth["dirt"]["missing"]["count"]


def test_init_writes_templates_once(tmp_path, capsys):
    assert main(["init", str(tmp_path / "ours")]) == 0
    first = capsys.readouterr().out
    assert "geoplan.toml" in first
    assert main(["init", str(tmp_path / "ours")]) == 0
    assert "nothing was written" in capsys.readouterr().out


def test_boundaries_list_and_version(capsys):
    assert main(["boundaries", "list", "--json"]) == 0
    kinds = {row["kind"] for row in json.loads(capsys.readouterr().out)}
    assert {"lsoa21", "lsoa11", "oa21", "onspd", "nspl", "oac21", "code_point_open"} <= kinds
    assert main(["--version"]) == 0


COMMANDS = ["demo", "init", "check", "assign", "profile", "similar", "map", "boundaries", "verify", "check-leaks"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_ends_with_an_example(command, capsys):
    assert main([command, "--help"] if command != "boundaries" else ["boundaries", "list", "--help"]) == 0
    assert "Example: geoplan" in capsys.readouterr().out


def test_no_output_is_ever_an_input_or_another_output(pupils, tmp_path, capsys):
    before = pupils.read_bytes()
    directory = str(demo_folder() / "postcodes.csv.gz")
    out = tmp_path / "out.csv"
    for target, report in ((pupils, None), (out, pupils), (out, out)):
        words = ["assign", str(pupils), "--postcodes", directory, "-o", str(target)]
        assert main(words + (["--report", str(report)] if report else [])) == 2
        assert pupils.read_bytes() == before
    missing = ["assign", str(pupils), "--postcodes", "none.csv", "-o", str(out), "--report", str(pupils)]
    assert main(missing) == 2
    assert pupils.read_bytes() == before
    nowhere = str(tmp_path / "none" / "r.json")
    assert main(["assign", str(pupils), "--postcodes", directory, "-o", str(out), "--report", nowhere]) == 2
    assert not out.exists()


def test_profile_does_not_write_over_the_projects_files(medway, monkeypatch):
    monkeypatch.chdir(medway)
    before = (medway / "pupils.csv").read_bytes()
    assert main(["profile", "--school", "900029", "-o", "pupils.csv"]) == 2
    assert main(["similar", "-o", "schools.csv"]) == 2
    assert (medway / "pupils.csv").read_bytes() == before


def test_a_kind_that_is_another_column_is_wrong_usage(pupils, tmp_path):
    layer = demo_folder() / "lad24.fgb"
    for kind in ("counted", "postcode", "segment", "LAD24", ""):
        assert assign(pupils, tmp_path, "--areas", f"{kind}={layer}")[0] == 2


def test_the_folders_project_says_what_columns_are_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("pupil_id,Home,Base\nP1,ME5 7SE,900001\n", encoding="utf-8")
    assert main(["check", "p.csv", "--as", "pupils"]) == 3
    (tmp_path / "geoplan.toml").write_text(
        '[project]\nname = "Ours"\n[columns.pupils]\nschool = "Base"\npostcode = "Home"\n', encoding="utf-8"
    )
    assert main(["check", "p.csv", "--as", "pupils"]) == 0
    code, out, _ = assign(tmp_path / "p.csv", tmp_path)
    assert code == 0
    assert "900001" in out.read_text(encoding="utf-8")


def test_a_refusal_has_the_shape_of_a_report(tmp_path, pupils):
    _, _, report = assign(tmp_path / "none.csv", tmp_path)
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["reason"] == "file_missing"
    assert [said[name] for name in ("records", "accepted", "repaired", "rejected", "blank")] == [0] * 5
    assert said["problems"][0]["codes"] == ["file_missing"]
    _, _, report = assign(pupils, tmp_path, "--areas", f"lsoa21={demo_folder() / 'lsoa11.fgb'}")
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["reason"] in REASONS and said["problems"]


def test_a_map_without_a_segmentation_shows_where_pupils_live(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    demo = demo_folder()
    text = f'[project]\nname = "Ours"\ninvented = true\n[files]\npupils = "{demo}/pupils.csv"\n'
    text += f'schools = "{demo}/schools.csv"\npostcodes = "{demo}/postcodes.csv.gz"\n'
    text += f'[areas]\nlsoa11 = "{demo}/lsoa11.fgb"\n'
    (tmp_path / "geoplan.toml").write_text(text, encoding="utf-8")
    assert main(["map", "-o", "map.html"]) == 0
    assert main(["profile", "--school", "900029"]) == 3
    assert "name a segmentation" in capsys.readouterr().err


@pytest.fixture
def own_medway(medway, tmp_path, monkeypatch):
    """A copy of the demo's inputs, without areas to draw, that a test may change."""
    for path in medway.iterdir():
        if path.is_file() and path.suffix != ".html":
            shutil.copy(path, tmp_path / path.name)
    toml = (tmp_path / "geoplan.toml").read_text(encoding="utf-8")
    start, end = toml.index("[areas]"), toml.index("[plans]")
    (tmp_path / "geoplan.toml").write_text(toml[:start] + toml[end:], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_profile_against_cluster_catchment_and_residents(own_medway, capsys):
    assert main(["profile", "--school", "900029", "--base", "cluster"]) == 0
    assert "against pupils of cluster Rochester" in capsys.readouterr().out
    assert main(["profile", "--school", "900048", "--base", "catchment"]) == 0
    assert "against pupils living in catchment 900048" in capsys.readouterr().out
    assert main(["profile", "--school", "900029", "--base", "catchment"]) == 3
    assert "school 900029 has no catchment in today" in capsys.readouterr().err
    assert main(["profile", "--school", "900029", "--base", "ward"]) == 3
    assert "no column ward" in capsys.readouterr().err
    assert main(["profile", "--school", "900029", "--base", "residents"]) == 2
    assert "no file is named for residents" in capsys.readouterr().err
    rows = list(csv.DictReader((own_medway / "segments.csv").read_text(encoding="utf-8").splitlines()))
    text = "oa11,children\n" + "".join(f"{row['oa11cd']},40\n" for row in rows)
    (own_medway / "children.csv").write_text(text, encoding="utf-8")
    toml = (own_medway / "geoplan.toml").read_text(encoding="utf-8")
    (own_medway / "geoplan.toml").write_text(
        toml.replace("[files]", '[files]\nresidents = "children.csv"'), encoding="utf-8"
    )
    assert main(["profile", "--school", "900029", "--base", "residents"]) == 0
    assert "against people living here (children.csv)" in capsys.readouterr().out
    (own_medway / "children.csv").write_text("\n".join(text.replace(",40", ",1").splitlines()[:201]), encoding="utf-8")
    assert main(["profile", "--school", "900029", "--base", "residents", "--json"]) == 0  # 200 residents, 625 pupils
    assert {row["index"] for row in json.loads(capsys.readouterr().out)["segments"]} == {None}
    assert main(["profile", "--school", "900029", "--base", "residents"]) == 0
    assert "No index: the base has 200 people, fewer than the school" in capsys.readouterr().out


def test_segments_that_cover_60_per_cent_of_the_pupils_are_said_to(own_medway, capsys):
    lines = (own_medway / "segments.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for at, line in enumerate(lines) if not at or at % 5 < 3]
    (own_medway / "segments.csv").write_text("\n".join(kept), encoding="utf-8")
    assert main(["profile", "--school", "900029"]) == 0
    assert "% of pupils could be placed in a group; the profile is of those" in capsys.readouterr().out


def test_profile_by_level_by_cluster_and_since_last_year(own_medway, capsys):
    assert main(["profile", "--school", "900029", "--level", "auto"]) == 0
    assert "Shown by group: about 625 pupils" in capsys.readouterr().out
    assert main(["profile", "--school", "900029", "--since", "pupils_previous", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["since"] == "pupils_previous"
    assert {row["in_words"] for row in said["segments"]} <= {"could be chance", "not known"}
    assert main(["profile", "--by", "cluster", "-o", "clusters.csv"]) == 0
    rows = list(csv.DictReader((own_medway / "clusters.csv").read_text(encoding="utf-8").splitlines()))
    assert len({row["cluster"] for row in rows}) == 6
    assert main(["profile", "--all", "--by", "cluster"]) == 2
    capsys.readouterr()
    assert main(["profile", "--by", "cluster", "--since", "pupils_previous", "-o", "changed.csv"]) == 0
    assert "changes could be looked at" in capsys.readouterr().out
    changed = list(csv.DictReader((own_medway / "changed.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["cluster"] for row in changed} == {row["cluster"] for row in rows}
    assert {"share_before", "change_low", "change_high", "clear"} <= set(changed[0])
    now = {(row["cluster"], row["segment"]): row["count"] for row in rows}
    assert all(now[row["cluster"], row["segment"]] == row["count"] for row in changed)


def test_schools_roll_up_by_any_column_that_groups_them(own_medway, capsys):
    file = own_medway / "schools.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    east = {"Chatham", "Gillingham"}
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, [*rows[0], "district", "planning_area"])
        writer.writeheader()
        for row in rows:
            more = {"district": "East" if row["cluster"] in east else "West", "planning_area": row["phase"]}
            writer.writerow(row | more)
    counts = {}
    for level in ("cluster", "district", "planning_area"):
        assert main(["profile", "--by", level, "-o", f"{level}.csv"]) == 0, capsys.readouterr().err
        counts[level] = list(csv.DictReader((own_medway / f"{level}.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["district"] for row in counts["district"]} == {"East", "West"}
    assert len({row["cluster"] for row in counts["cluster"]}) == 6
    total = {level: sum({row[level]: float(row["total"]) for row in rows}.values()) for level, rows in counts.items()}
    assert abs(total["cluster"] - total["district"]) <= 5 * 6  # each is rounded by itself
    assert main(["profile", "--school", "900029", "--base", "district"]) == 0
    assert "against pupils of district" in capsys.readouterr().out


def test_postcodes_newer_than_the_classification_go_to_a_file_for_its_owner_alone(own_medway, capsys):
    assert main(["profile", "new-postcodes", "--least", "3", "-o", "private_new.csv"]) == 0
    file = own_medway / "private_new.csv"
    assert file.stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    said = capsys.readouterr().out
    assert said.startswith(f"{len(rows):,} postcodes introduced since 2021-03-21 with 3 or more pupils")
    assert rows and all(int(row["pupils"]) >= 3 and row["introduced"] > "202103" for row in rows)
    assert not any(row["postcode"] in said for row in rows)
    settings = own_medway / "geoplan.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace('base_date = "2021-03-21"\n', ""), encoding="utf-8"
    )
    assert main(["profile", "new-postcodes"]) == 3
    assert "write base_date" in capsys.readouterr().err


def test_what_is_about_single_pupils_is_refused_in_the_folder_of_a_release(own_medway, capsys):
    out = own_medway / "out"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    for words in (
        ["profile", "new-postcodes", "-o", "out/new.csv"],
        ["assign", "pupils.csv", "--postcodes", "postcodes.csv", "-o", "out/placed.csv"],
        ["survey", "pupils.csv", "--key", "pupil_id", "--by", "segment", "--weights", "out/weights.csv"],
    ):
        assert main(words) == 2
        assert "folder of a release" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert [path.name for path in out.iterdir()] == ["manifest.json"]
    assert main(["profile", "new-postcodes", "--least", "3", "-o", "new.csv"]) == 0
    assert main(["check-leaks", "new.csv"]) == 1  # it is found wherever it is put
    assert "full postcodes" in capsys.readouterr().out


def test_a_base_that_chooses_pupils_or_is_no_column_is_answered_in_a_planners_words(medway, monkeypatch, capsys):
    monkeypatch.chdir(medway)
    assert main(["profile", "--school", "900029", "--base", "yeargroup=7"]) == 3
    said = capsys.readouterr().err
    assert "chooses pupils" in said and "laestab" not in said
    assert main(["profile", "--school", "900029", "--base", "ward"]) == 3
    said = capsys.readouterr().err
    assert "no column ward" in said and "cluster" in said
    assert not any(name in said for name in ("record", "easting", "laestab"))
    assert main(["reach", "callers_2025", "--base", "yeargroup=7"]) == 3
    said = capsys.readouterr().err
    assert "did you mean year_group?" in said
    assert not any(name in said for name in ("record", "easting", "outcome", "flags"))


def test_profile_says_how_far_to_trust_it(medway, monkeypatch, capsys):
    monkeypatch.chdir(medway)
    assert main(["profile", "--school", "900029", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {each["code"] for each in said["cautions"]} >= {"new_postcode", "segment_disagrees", "placed", "age"}
    assert {"gap_points", "more_than_expected", "p", "q", "notable", "residual"} <= set(said["segments"][0])
    assert said["overall"].startswith("The mix as a whole differs from its base by more than chance")


def test_a_correction_is_recorded_and_used_from_the_next_run(own_medway, capsys):
    with (own_medway / "pupils.csv").open(encoding="utf-8") as file:
        home = next(row["PostCode"] for row in csv.DictReader(file) if row["PostCode"])
    line = ["profile", "correct", "--segment", "3b", "--reason", "new homes", "--by", "the head"]
    assert main([*line, "--postcode", home]) == 0
    said = capsys.readouterr()
    assert "recorded: the postcode is in 3 (Outer estates); corrections.csv has 1 line" in said.out
    assert home not in said.out + said.err
    assert home in (own_medway / "corrections.csv").read_text(encoding="utf-8")
    assert main(["profile", "--school", "900001"]) == 0
    said = capsys.readouterr()
    assert "corrected by hand" in said.out
    assert home not in said.out + said.err
    before = (own_medway / "corrections.csv").read_bytes()
    assert main([*line, "--postcode", "ZZ1 1ZZ"]) == 3
    assert "a postcode that the directory does not have" in capsys.readouterr().err
    assert main([*line, "--postcode", home, "--date", "soon"]) == 2
    assert (own_medway / "corrections.csv").read_bytes() == before
    assert main(["profile", "--school", "900001", "-o", "corrections.csv"]) == 2


def test_an_unknown_postcode_in_the_corrections_stops_the_run_with_its_line(own_medway, capsys):
    text = "postcode,segment,reason,by,date\nZZ1 1ZZ,3,new homes,head,2026-09-01\n"
    (own_medway / "corrections.csv").write_text(text, encoding="utf-8")
    assert main(["profile", "--school", "900029"]) == 3
    said = capsys.readouterr().err
    assert "corrections.csv: 1 problem" in said
    assert "record 1   postcode   a postcode that the directory does not have" in said
    assert "ZZ1" not in said


def test_similar_by_each_way_with_reasons(medway, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(medway)
    assert main(["similar", "-s", "900029", "--by", "attributes", "--same", "phase,type", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["by"] == "attributes"
    assert all(row["differs"] for row in said["schools"])
    assert any("on the list by mix" in note for note in said["notes"])
    assert main(["similar", "-s", "900029", "--exclude-within-km", "3", "--better-on", "pan", "-n", "8"]) == 0
    printed = capsys.readouterr().out
    assert "Schools within 3 km" in printed
    assert "does not say why" in printed
    values = Path(__file__).parent / "published" / "dfe_primary" / "values.csv"
    dfe = ["similar", "--by", "dfe-primary", "--facts", str(values), "--any-phase"]
    assert main([*dfe, "-s", "100171", "-n", "3"]) == 0
    assert "9 of 9" in capsys.readouterr().out
    assert main([*dfe, "-o", str(values)]) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--by", "nothing"], 2),
        (["--by", "attributes", "--variables", "progress_8"], 2),
        (["--by", "attributes", "--variables", "pan=heavy"], 2),
        (["--variables", "pan"], 2),
        (["--same", "colour"], 2),
        (["--better-pupils", "roll"], 2),
        (["--by", "dfe-primary"], 3),
        (["--better-on", "colour"], 3),
    ],
)
def test_similar_refuses_what_makes_no_sense(medway, monkeypatch, words, code):
    monkeypatch.chdir(medway)
    assert main(["similar", "-s", "900029", *words]) == code
