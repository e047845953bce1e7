"""``geoplan profile catchments`` as a planner types it; the demo place."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from geoplan.cli.main import main
from geoplan.io.leak_files import scan_file
from geoplan.io.recipes import demo_folder


@pytest.fixture
def geoplan(tmp_path, monkeypatch, capsys):
    place = tmp_path / "medway"
    shutil.copytree(demo_folder(), place, ignore=shutil.ignore_patterns("build*.py", "__pycache__"))
    monkeypatch.chdir(place)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["profile", "catchments", *words])
        heard = capsys.readouterr()
        return code, heard.out, heard.err

    run.place = place
    return run


def test_the_catchment_view_as_a_page_a_workbook_and_a_table_that_agree(geoplan):
    code, out, err = geoplan("--school", "900046", "-o", "catchments.html", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["finding"].startswith("Of about ")
    assert any("attend it" in sentence for sentence in answer["school"])
    page = geoplan.place / "catchments.html"
    text = page.read_text(encoding="utf-8")
    assert all(title in text for title in ("Who stays, and where the others go", "Who lives where, and attends what",
                                           "How far pupils live from their school"))  # fmt: skip
    assert not scan_file(page)
    counts = [row[key] for row in answer["catchments"] for key in ("own", "other")]
    assert all(count == "c" or count == 0 or (count >= 10 and count % 5 == 0) for count in counts)
    assert geoplan("-o", "catchments.xlsx")[0] == 0
    sheet = pd.read_excel(geoplan.place / "catchments.xlsx", sheet_name="Who lives where")
    assert len(sheet) == len(answer["matrix"][0]) - 1
    assert geoplan("-o", "catchments.csv")[0] == 0
    table = pd.read_csv(geoplan.place / "catchments.csv")
    assert table["own"].astype(str).tolist() == [str(row["own"]).removesuffix(".0") for row in answer["catchments"]]


def test_a_plan_that_changed_under_its_name_is_refused_not_subtracted(geoplan):
    assert geoplan("-o", "catchments.csv")[0] == 0
    file = geoplan.place / "catchments_today.csv"
    rows = pd.read_csv(file, dtype=str)
    rows.loc[0, "school"] = next(code for code in rows["school"] if code != rows.loc[0, "school"])
    rows.to_csv(file, index=False)
    code, _, err = geoplan("-o", "again.csv")
    assert code == 3
    assert not (geoplan.place / "again.csv").exists()
    assert "Catchments, today" in err


def test_what_it_cannot_answer_is_said_in_a_sentence(geoplan):
    code, _, err = geoplan("--school", "900001")
    assert code == 3
    assert "has no catchment" in err
    assert geoplan("-o", "catchments.pdf")[0] == 2
    settings = geoplan.place / "geoplan.toml"
    text = settings.read_text(encoding="utf-8")
    start = text.index("[plans]")
    settings.write_text(text[:start] + text[text.index("[", start + 1) :], encoding="utf-8")
    code, _, err = geoplan()
    assert code == 3
    assert "names no catchments" in err
