"""``--internal REASON -o FILE`` as a planner types it: exact numbers, marked, private, audited."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil

import openpyxl
import pytest
from conftest import postcode
from project import BOARD, COUNTS

from geoplan.cli.main import main
from geoplan.io.internal import AUDIT, is_internal
from geoplan.io.ledgers import ledger_path, read_memory
from geoplan.io.project import copy_demo
from geoplan.manifests import SENSITIVE

REASON = "trying <b>options</b> before the panel"
INSIDE = ["--internal", REASON]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return copy_demo(tmp_path_factory.mktemp("internal") / "medway")


def ledger(folder):
    return read_memory(ledger_path(folder)).ledger


def audit(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / AUDIT).read_text().splitlines()]


def check_marked(path) -> None:
    """Marked in every page, sheet and row, by its name too, and nobody else's to read."""
    assert path.name.startswith(f"{SENSITIVE}_")
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    if path.suffix == ".html":
        page = path.read_text(encoding="utf-8")
        assert page.index('class="internal-marking"') < page.index("<h1")
        assert "position:fixed" in page and "@top-center{content:'OFFICIAL-SENSITIVE'" in page  # on each sheet of paper
        assert "trying &lt;b&gt;options&lt;/b&gt; before the panel" in page and "<b>options</b>" not in page
        style = page[page.index("<style>.internal-marking") + 7 :].partition("</style>")[0]
        import base64

        allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"style-src 'sha256-{allowed}'" in page  # or a browser would not show it
    elif path.suffix == ".xlsx":
        for sheet in openpyxl.load_workbook(path):
            assert sheet["A1"].value == SENSITIVE
            assert SENSITIVE in sheet.oddHeader.center.text and SENSITIVE in sheet.oddFooter.center.text
    elif path.suffix == ".csv":
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        assert rows and {row["marking"] for row in rows} == {SENSITIVE}


def test_a_page_has_exact_numbers_a_marking_an_audit_line_and_no_release(place, capsys):
    assert main(["profile", "--school", "900001", "-o", "p.csv", *INSIDE]) == 0
    path = place / f"{SENSITIVE}_p.csv"
    check_marked(path)
    counts = {row["segment"]: row["count"] for row in csv.DictReader(path.read_text().splitlines())}
    assert sorted(map(int, counts.values())) == sorted(COUNTS["900001"].values())  # 3 among them
    assert not (place / "p.csv").exists() and f"wrote {path.name}" in capsys.readouterr().err
    assert main(["profile", "--school", "900001", "-o", f"{SENSITIVE}_p.html", *INSIDE]) == 0
    check_marked(place / f"{SENSITIVE}_p.html")
    assert main(["map", "-o", "map.html", *INSIDE]) == 0
    check_marked(place / f"{SENSITIVE}_map.html")

    lines = audit(place)
    assert len(lines) == 3 and all(line["why"] == REASON and line["who"] and line["when"] for line in lines)
    assert lines[0]["what"]["file"] == path.name
    assert lines[0]["what"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    inputs = {each["name"]: each["sha256"] for each in lines[0]["what"]["inputs"]}
    assert inputs["pupils.csv"] == hashlib.sha256((place / "pupils.csv").read_bytes()).hexdigest()
    assert {"schools.csv", "postcodes.csv", "geoplan.toml"} <= set(inputs)
    text = (place / AUDIT).read_text()
    assert postcode("A1") not in text and "P1" not in text  # no value of a pupil
    if os.name != "nt":
        assert (place / AUDIT).stat().st_mode & 0o777 == 0o600

    noted = ledger(place)
    assert [(entry.audience, entry.tables, entry.reason) for entry in noted.entries] == [("internal", (), REASON)] * 3
    assert not noted.standing()  # none is among what an outsider holds
    assert main(["profile", "--school", "900001", "-o", "out.csv"]) == 0  # and a release is made as if they were not
    assert len(ledger(place).standing()) == 1


def test_a_second_file_of_the_same_numbers_is_noted_too(place):
    for _ in range(2):
        assert main(["profile", "--school", "900001", "-o", "p.csv", *INSIDE]) == 0
    assert len(ledger(place)) == len(audit(place)) == 2


def test_exact_numbers_are_never_put_into_a_release_and_are_found_there(place, capsys):
    assert main(["release", "out"]) == 0
    assert main(["profile", "--school", "900001", "-o", "out/p.csv", *INSIDE]) == 3
    assert "out is the folder of a release" in capsys.readouterr().err
    assert not list((place / "out").glob(f"{SENSITIVE}*")) and not (place / AUDIT).exists()
    assert main(["check-leaks", "out"]) == 0 and main(["verify", "out"]) == 0
    assert main(["map", "-o", "map.html", *INSIDE]) == 0
    capsys.readouterr()
    shutil.copy(f"{SENSITIVE}_map.html", "out")
    assert main(["check-leaks", "out"]) == 1
    assert "marked OFFICIAL-SENSITIVE: exact numbers that stay inside" in capsys.readouterr().out
    assert main(["verify", "out"]) == 1
    assert f"{SENSITIVE}_map.html: OFFICIAL-SENSITIVE: exact numbers among what leaves" in capsys.readouterr().out
    (place / "out" / f"{SENSITIVE}_map.html").rename(place / "out" / "harmless.html")  # under another name
    assert main(["check-leaks", "out"]) == 1
    assert main(["profile", "--school", "900001", "-o", "p.csv", *INSIDE]) == 0
    shutil.copy(f"{SENSITIVE}_p.csv", "list.csv")
    assert main(["check-leaks", "list.csv"]) == 1


def test_a_reason_is_a_reason_and_no_audit_line_means_no_file(place, capsys):
    assert main(["profile", "--school", "900001", "-o", "p.csv", "--internal", "why"]) == 2
    assert "at least 10 letters" in capsys.readouterr().err
    (place / AUDIT).mkdir()
    assert main(["profile", "--school", "900001", "-o", "p.csv", *INSIDE]) == 3
    assert not (place / f"{SENSITIVE}_p.csv").exists()


def test_no_record_of_a_pupil_is_in_an_internal_output_either(place, capsys, monkeypatch):
    import geoplan.cli.profile as module

    made = module.profiles_table
    monkeypatch.setattr(module, "profiles_table", lambda *given: _named(made(*given), postcode("A1")))
    assert main(["profile", "--school", "900001", "-o", "p.csv", *INSIDE]) == 3
    assert "like a postcode" in capsys.readouterr().err
    assert not (place / f"{SENSITIVE}_p.csv").exists()


def _named(table, text: str):
    from dataclasses import replace

    return replace(table, table=table.table.assign(name=text))


def test_options_as_a_page_a_report_and_a_workbook(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo)
    before = len(ledger(demo))
    words = ["plan", "compare", "today", "option_a", *INSIDE]
    assert main([*words, "-o", "options.html", "--report", "report.pdf"]) == 0
    assert main([*words, "-o", "options.xlsx"]) == 0
    for name in ("options.html", "report.pdf", "options.xlsx"):
        check_marked(demo / f"{SENSITIVE}_{name}")
        assert main(["check-leaks", f"{SENSITIVE}_{name}"]) == 1
    noted = ledger(demo)
    assert len(noted) == before + 3 and not noted.standing()


COMMANDS = {
    "access close": "access close 900003 --by msoa11",
    "access screen": "access screen --under 200",
    "sites": "sites sites.csv --weights weights.csv",
    "housing": "housing homes.csv --yields yields.csv --new-school NORTH",
    "forecast": "forecast rolls --years 1",
    "reach": "reach callers_2025 --key family_id --base year_group=5,6 --by segment",
    "preferences": "preferences applications.csv --by segment --phase Secondary",
    "survey": "survey callers_2025 --key family_id --base year_group=5,6 --by segment",
    "design": "design --within 15 --nearest 4 --time-limit 10 --gap 5",
    "travel": "travel --screen",
    "catchments": "profile catchments",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_writes_marked_pages_and_workbooks(demo, monkeypatch, capsys, name):
    monkeypatch.chdir(demo)
    stem, words = name.replace(" ", "_"), COMMANDS[name].split()
    endings = (".html",) if name in ("housing", "design", "survey") else (".html", ".xlsx")
    for ending in endings:
        before = len(audit(demo)) if (demo / AUDIT).exists() else 0
        assert main([*words, "-o", f"{stem}{ending}", *INSIDE]) == 0, capsys.readouterr().err
        check_marked(demo / f"{SENSITIVE}_{stem}{ending}")
        assert not (demo / f"{stem}{ending}").exists()
        assert len(audit(demo)) == before + 1
    assert not ledger(demo).standing()


def test_a_board_in_every_form_and_a_folder_of_pages(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo)
    (demo / "meals.toml").write_text(BOARD)
    for ending in (".html", ".xlsx", ".csv", ".json"):
        assert main(["rag", "run", "meals.toml", "-o", f"board{ending}", *INSIDE]) == 0, capsys.readouterr().err
        check_marked(demo / f"{SENSITIVE}_board{ending}")
    assert json.loads((demo / f"{SENSITIVE}_board.json").read_text())["marking"] == SENSITIVE
    assert main(["rag", "diff", f"{SENSITIVE}_board.json", f"{SENSITIVE}_board.json"]) == 0
    assert main(["rag", "run", "meals.toml", "--pages", "pages", *INSIDE]) == 0
    assert (demo / "pages" / f"{SENSITIVE}_authority.html").exists()
    for path in (demo / "pages").iterdir():
        check_marked(path)
    assert main(["rag", "run", "rag_rules.toml", "-o", "b.html", *INSIDE]) in (0, 2)


def test_what_is_made_from_exact_numbers_stays_inside(demo, monkeypatch, capsys):
    monkeypatch.chdir(demo)
    assert main(["forecast", "rolls", "--years", "1", "-o", "forecast.csv", *INSIDE]) == 0
    exact = f"{SENSITIVE}_forecast.csv"
    shutil.copy(exact, "renamed.csv")
    for given in (exact, "renamed.csv"):
        for words in (["access", "screen", "--under", "200", "--forecast", given],
                      ["plan", "compare", "today", "option_a", "--forecast", given]):  # fmt: skip
            assert main([*words, "-o", "out.html"]) == 2
            told = " ".join(capsys.readouterr().err.replace("│", " ").split())
            assert "it has exact numbers of people, and what is made from it stays inside" in told
            assert not (demo / "out.html").exists()
    housing = ["housing", "homes.csv", "--yields", "yields.csv", "--new-school", "NORTH", "--forecast", exact]
    assert main([*housing, "-o", "spec.html"]) == 2 and main([*housing, "-o", "spec.txt", *INSIDE]) == 2
    assert main([*housing, "-o", "spec.html", *INSIDE]) == 0
    (demo / "board.toml").write_text(BOARD)
    assert main(["rag", "run", "board.toml", "-o", "run.json", *INSIDE]) == 0
    capsys.readouterr()
    since = ["rag", "run", "board.toml", "--since", f"{SENSITIVE}_run.json"]
    assert main([*since, "-o", "later.html"]) == 2 and main([*since, "--pages", "later"]) == 2
    assert main([*since, "-o", "later.html", *INSIDE]) == 0
    assert main(["access", "screen", "--under", "200", "--forecast", exact, "-o", "screen.html", *INSIDE]) == 0
    check_marked(demo / f"{SENSITIVE}_screen.html")


def test_a_copy_saved_anew_by_a_spreadsheet_is_still_exact(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(demo)
    assert main(["forecast", "rolls", "--years", "1", "-o", "exact.csv", *INSIDE]) == 0
    assert main(["plan", "compare", "today", "option_a", "-o", "exact.xlsx", *INSIDE]) == 0
    with (demo / f"{SENSITIVE}_exact.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    for name, words in {"quoted": {"quoting": csv.QUOTE_ALL}, "semicolons": {"delimiter": ";"}, "as_it_is": {}}.items():
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, **words).writerows(rows)
    with (tmp_path / "order.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([row[-1], *row[:-1]] for row in rows)
    (tmp_path / "unicode.csv").write_text((tmp_path / "semicolons.csv").read_text(), encoding="utf-16")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "as_workbook.xlsx")
    shutil.copy(demo / f"{SENSITIVE}_exact.xlsx", tmp_path / "renamed.xlsx")
    again = openpyxl.load_workbook(tmp_path / "renamed.xlsx")
    again.save(tmp_path / "saved_anew.xlsx")
    with (tmp_path / "sheet.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(again.worksheets[1].iter_rows(values_only=True))
    copies = sorted(tmp_path.iterdir())
    assert len(copies) == 9 and [path.name for path in copies if not is_internal(path)] == []
    assert not any(is_internal(demo / name) for name in ("pupils.csv", "schools.csv", "rolls.csv", "geoplan.toml"))
    shutil.copy(tmp_path / "semicolons.csv", demo / "copy.csv")
    words = ["access", "screen", "--under", "200", "--forecast", "copy.csv", "-o", "screen.html"]
    assert main(words) == 2 and not (demo / "screen.html").exists()
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 and no more")
    assert not is_internal(tmp_path / "broken.xlsx") and not is_internal(tmp_path / "none.csv")
