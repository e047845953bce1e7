"""Release folders: what may go in, what is refused before anything is touched, and what verification sees."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pandas as pd
import pytest
import typer
from conftest import make_people
from typer.testing import CliRunner

from geoplan.cli import verify
from geoplan.disclosure import Rule, protect, rule_for
from geoplan.errors import FolderBusy, InputRefused, NotProtected
from geoplan.findings import findings
from geoplan.io import exchange
from geoplan.io.locks import locked
from geoplan.io.releases import Release, ReleaseRefused, input_of, verify_folder, write_rejects
from geoplan.manifests import SENSITIVE, Input, Override, safe_name

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
TABLE = protect(pd.DataFrame({"pupils": [40, 4, 0], "name": ["West", "=East", "Mid"]}, index=["a", "b", "c"]),
                counts=["pupils"], labels=["name"])  # fmt: skip
CHECKS = {"gate": lambda printed, public, earlier: result(), "scan": lambda path: [], "now": NOW}


def result(narrowest=7, offenders=(), **more):
    return SimpleNamespace(narrowest=narrowest, offenders=offenders, seconds=0.0, attacks=3, cells=2, **more)


def release(text: str = "words", **settings) -> Release:
    return Release(title="Two wards", **settings).add("wards.csv", TABLE).add("readme.txt", text, about="words only")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def beside(folder) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


def test_a_release_verifies_and_leaves_nothing_beside_it(out):
    made = release().write(out, **CHECKS)
    assert verify_folder(out) == []
    assert beside(out) == []
    assert (out / "wards.csv").read_text(encoding="utf-8") == "code,name,pupils\na,West,40\nb,'=East,c\nc,Mid,0\n"
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert document["run"] == made.run
    assert document["rules"] == [TABLE.rule.sentence]
    assert document["gate"]["narrowest"] == 7
    assert [each["protected"] for each in document["outputs"]] == [False, True]


def test_the_same_inputs_give_the_same_bytes_but_for_the_fields_said(out, tmp_path):
    release().write(out, **CHECKS)
    release().write(tmp_path / "again", **CHECKS)
    assert contents(out) == contents(tmp_path / "again")
    first = contents(out)
    release().write(out, **CHECKS | {"now": datetime(2027, 1, 1, tzinfo=UTC)})
    second = contents(out)
    one, two = json.loads(first.pop("manifest.json")), json.loads(second.pop("manifest.json"))
    assert first == second
    assert {name for name in one if one[name] != two[name]} == {"written", "chain", "seal"}


def test_each_release_names_the_one_before(out, tmp_path):
    release("one").write(out, **CHECKS)
    kept = tmp_path / "kept.json"
    kept.write_bytes((out / "manifest.json").read_bytes())
    release("two").write(out, **CHECKS)
    assert verify_folder(out, previous=kept) == []
    release("three").write(out, **CHECKS)
    assert [each.code for each in verify_folder(out, previous=kept)] == ["chain_broken"]
    assert json.loads((out / "manifest.json").read_bytes())["chain"]["number"] == 3


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        (lambda out: (out / "wards.csv").write_text("x"), {"file_changed"}),
        (lambda out: (out / "wards.csv").unlink(), {"file_missing"}),
        (lambda out: (out / "extra.txt").write_text("x"), {"file_unlisted"}),
        (lambda out: (out / "sub").mkdir(), {"file_unlisted"}),
        (lambda out: (out / "manifest.json").write_text("{"), {"manifest_changed"}),
        (lambda out: (out / "manifest.json").write_text("[]"), {"manifest_changed"}),
    ],
)
def test_verification_sees_what_was_touched(out, damage, codes):
    release().write(out, **CHECKS)
    damage(out)
    assert {each.code for each in verify_folder(out)} == codes


def test_what_is_no_release_folder_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "file"):
        if path.name == "file":
            path.write_text("x")
        with pytest.raises(InputRefused):
            verify_folder(path)


# --- nothing leaves unprotected


def test_only_protected_content_leaves():
    frame = pd.DataFrame({"pupils": [3]})
    for audience in ("public", "school:900001"):
        with pytest.raises(NotProtected):
            Release(audience).add("a.csv", frame)
        with pytest.raises(NotProtected):
            Release(audience).add("a.html", "<p>3</p>", tables=[frame])
        with pytest.raises(ReleaseRefused):
            Release(audience).add("a.html", "<p>3</p>")
    assert Release("internal", reason="checking the plan").add("a.csv", frame).items[0].name == f"{SENSITIVE}_a.csv"


@pytest.mark.parametrize(
    "checks",
    [
        {"gate": lambda printed, public, earlier: None},
        {"gate": lambda printed, public, earlier: result(narrowest=4)},
        {"gate": lambda printed, public, earlier: result(narrowest=float("nan"))},
        {"gate": lambda printed, public, earlier: result(offenders=(("t", ("a",)),))},
        {"gate": lambda printed, public, earlier: result(whole=False)},
        {"gate": None},
        {"scan": lambda path: [SimpleNamespace(kind="postcode", where="line 3", count=2)]},
        {"scan": lambda path: None},
        {"scan": lambda path: [SimpleNamespace(kind="upn", count=1)] if path.name == "manifest.json" else []},
    ],
)
def test_without_the_gate_and_the_scan_nothing_is_written(out, checks):
    with pytest.raises(ReleaseRefused):
        release().write(out, **CHECKS | checks)
    assert not out.exists() and beside(out) == []
    release("old").write(out, **CHECKS)
    before = contents(out)
    with pytest.raises(ReleaseRefused):
        release("new").write(out, **CHECKS | checks)
    assert contents(out) == before and beside(out) == []


def test_the_gate_sees_every_table_once_and_together(out):
    seen = []
    other = protect(pd.DataFrame({"pupils": [50]}, index=["x"]), counts=["pupils"])
    made = release().add("two.html", "<p>c</p>", tables=[TABLE, other])
    made.write(out, **CHECKS | {"gate": lambda printed, public, earlier: seen.append((printed, public, earlier)) or result()},  # noqa: E501
               public=["headcounts"], earlier=["last year"])  # fmt: skip
    assert seen == [((TABLE, other), ("headcounts",), ("last year",))] or len(seen[0][0]) == 2


def test_a_weaker_rule_needs_an_override_with_a_reason(out):
    weak = protect(pd.DataFrame({"pupils": [7]}, index=["a"]), counts=["pupils"], rule=Rule("ours", 5, 5, 20))
    made = Release().add("a.csv", weak)
    with pytest.raises(ReleaseRefused, match="weaker"):
        made.write(out, **CHECKS)
    replace(made, overrides=(Override("hide_below", 5, "agreed by the board"),)).write(out, **CHECKS)
    assert "agreed by the board" in (out / "manifest.json").read_text()


def test_tables_for_others_and_exact_ones_stay_inside(out):
    frame = pd.DataFrame({"pupils": [40]}, index=["a"])
    exact = protect(frame, counts=["pupils"], rule=rule_for("internal", reason="appeals hearing"))
    own = protect(frame, counts=["pupils"], rule=rule_for("school:900001"))
    weaker = rule_for("public", reason="agreed by the board", overrides={"min_base": 5})
    weak = protect(frame, counts=["pupils"], rule=weaker)
    for table in (exact, own):
        for audience in ("public", "school:900002"):
            with pytest.raises(ReleaseRefused, match="in a release for"):
                Release(audience, overrides=(Override("x", 1, "y"),)).add("a.csv", table).write(out, **CHECKS)
    Release("school:900001").add("a.csv", own).write(out, **CHECKS)
    made = Release().add("a.csv", weak).write(out.with_name("weak"), **CHECKS)
    assert [(each.name, each.reason) for each in made.overrides] == [("min_base is 5, not 20", "agreed by the board")]


def test_the_real_gate_and_scan_pass_a_table_that_says_what_it_prints(out):
    from geoplan.evidence import PublicTotals
    from geoplan.suppression import protect_tables
    from geoplan.tables import RawTable

    cells = {("a", "E"): 212, ("a", "G"): 3, ("b", "E"): 40, ("b", "G"): 60}
    raw = RawTable("Who comes", pd.Series(cells).rename_axis(["school", "segment"]))
    known = [PublicTotals(("school",), pd.Series({"a": 215, "b": 100}))]
    (table,) = protect_tables([raw], public=known)
    made = Release().add("who.csv", table)
    made.write(out, public=known)
    assert verify_folder(out) == []
    assert "a,G,c" in (out / "who.csv").read_text()
    with pytest.raises(ReleaseRefused, match="postcode"):
        made.add("note.txt", "near ME4 4AA", about="words only").write(out, public=known)


def test_internal_is_for_its_owner_marked_and_on_record(out, tmp_path):
    with pytest.raises(ValueError, match="reason"):
        Release("internal")
    with pytest.raises(ReleaseRefused, match="marked"):
        Release("internal", reason="appeals hearing").add("a.html", "<p>3</p>").write(out, now=NOW)
    made = Release("internal", reason='appeals hearing "2026"\n').add("a.html", f"<p>{SENSITIVE} 3</p>")
    made = made.add("a.csv", pd.DataFrame({"pupils": [3]}))
    made.write(out, now=NOW)
    made.write(out, now=NOW, audit=tmp_path / "log")
    assert verify_folder(out) == []
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    lines = [json.loads(line) for line in (tmp_path / "geoplan-audit.jsonl").read_text().splitlines()]
    assert [line["why"] for line in lines] == ['appeals hearing "2026"\n']
    assert lines[0]["who"] and lines[0]["what"]["files"] == [f"{SENSITIVE}_a.html", f"{SENSITIVE}_a.csv"]
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    (out / f"{SENSITIVE}_a.html").chmod(0o644)
    assert [each.code for each in verify_folder(out)] == ["open_to_others"]
    with pytest.raises(InputRefused, match="release folder"):
        made.write(out, now=NOW, audit=out / "log")


def test_a_folder_keeps_its_audience(out):
    release().write(out, **CHECKS)
    with pytest.raises(InputRefused, match="another audience"):
        Release("internal", reason="appeals hearing").write(out)
    with pytest.raises(ReleaseRefused, match="marked"):
        release().add("a.html", SENSITIVE, about="x").write(out, **CHECKS)


# --- files of others


@pytest.mark.parametrize("name", ["notes.docx", "sub/notes.txt"])
def test_files_of_others_are_refused_before_computing_and_never_touched(out, name):
    class Never:
        def to_html(self):
            raise AssertionError("computed")

    release().write(out, **CHECKS)
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("ours")
    before = contents(out) if "/" not in name else None
    with pytest.raises(InputRefused, match="1 file or folder that geoplan did not write"):
        Release().add("a.html", Never(), about="x").write(out, **CHECKS)
    assert (out / name).read_text() == "ours"
    assert before is None or contents(out) == before


def test_a_file_changed_by_hand_is_somebodys_work(out):
    release().write(out, **CHECKS)
    (out / "readme.txt").write_text("mine now")
    with pytest.raises(InputRefused):
        release().write(out, **CHECKS)
    assert (out / "readme.txt").read_text() == "mine now"


@pytest.mark.parametrize("pair", [False, True])
def test_a_file_that_appears_while_we_compute_is_kept(out, monkeypatch, pair):
    if pair:
        monkeypatch.setattr(exchange, "_renameat2", None)
    release("old").write(out, **CHECKS)

    def scan(path):
        (out / "notes.txt").write_text("ours")
        return []

    with pytest.raises(InputRefused):
        release("new").write(out, **CHECKS | {"scan": scan})
    assert (out / "notes.txt").read_text() == "ours"
    assert (out / "readme.txt").read_text() == "old"
    assert beside(out) == []


def test_a_workshop_with_files_of_others_is_never_cleared(out):
    release("old").write(out, **CHECKS)
    shop = out.with_name(".out.geoplan")
    (shop / "new").mkdir(parents=True)
    (shop / "journal.json").write_text(json.dumps({"names": ["readme.txt", "../out/readme.txt"]}))
    (shop / "new" / "readme.txt").write_text("half")
    (shop / "new" / "thesis.txt").write_text("ours")
    with pytest.raises(InputRefused):
        release("new").write(out, **CHECKS)
    assert (shop / "new" / "thesis.txt").read_text() == "ours"
    (shop / "new" / "thesis.txt").unlink()
    release("new").write(out, **CHECKS)
    assert beside(out) == []


def test_a_manifest_that_lists_files_elsewhere_is_not_believed(out, tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("x")
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"outputs": [{"name": "../victim.txt", "sha256": "x"}]}))
    with pytest.raises(InputRefused):
        release().write(out, **CHECKS)
    assert victim.exists()


def test_links_are_not_followed_out(out, tmp_path):
    release().write(out, **CHECKS)
    (tmp_path / "elsewhere.txt").write_bytes((out / "readme.txt").read_bytes())
    (out / "readme.txt").unlink()
    (out / "readme.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(InputRefused):
        release().write(out, **CHECKS)
    assert (tmp_path / "elsewhere.txt").exists()


def test_places_that_cannot_be_written_are_refused_in_words(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path / "file", tmp_path / "none" / "out", tmp_path, tmp_path.parent, "/"):
        with pytest.raises(InputRefused):
            release().write(place, **CHECKS)
    if os.geteuid():
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(InputRefused, match="read-only"):
            release().write(tmp_path / "shut" / "out", **CHECKS)


def test_an_empty_folder_is_taken(out):
    out.mkdir()
    release().write(out, **CHECKS)
    assert verify_folder(out) == []


def test_a_second_run_is_refused_and_a_lock_left_behind_is_no_lock(out):
    lock = out.with_name(".out.geoplan.lock")
    with locked(lock), pytest.raises(FolderBusy, match="another run"):
        release().write(out, **CHECKS)
    lock.write_text("99999999 here\n")
    release().write(out, **CHECKS)
    assert beside(out) == []


# --- inputs, names, rejects


def test_an_input_that_changes_during_the_run_is_refused(out, tmp_path):
    path = tmp_path / "pupils.csv"
    path.write_text("a")
    report = {
        "records": 3,
        "accepted": 2,
        "repaired": 0,
        "rejected": 1,
        "blank": 0,
        "by_reason": {"postcode_not_found": 1},
    }
    made = release(inputs=(input_of(path, "pupils", report),))
    assert made.write(out, **CHECKS).inputs[0].unchanged is True
    path.write_text("b")
    with pytest.raises(ReleaseRefused, match="changed during the run"):
        made.write(out, **CHECKS)


def test_the_own_copy_is_exact_and_for_its_owner(out, tmp_path):
    own = tmp_path / "own.json"
    release(inputs=(Input("pupils", "p.csv", 9, "ab" * 32, records=3, accepted=3),)).write(out, own_copy=own, **CHECKS)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert json.loads(own.read_text())["inputs"][0]["accounts"]["accepted"] == 3
    assert "abab" not in (out / "manifest.json").read_text()


def test_a_hundred_schools_give_a_hundred_files(out):
    made = Release()
    for i in range(100):
        made = made.add(safe_name(f"St Mary's {'C.E.' * (i % 2)} #{i}"), f"school {i}", kind="html", about="words only")
    made.write(out, **CHECKS)
    assert len({path.name.lower() for path in out.iterdir()}) == 101
    with pytest.raises(ValueError, match="one name"):
        release().add("WARDS.csv", TABLE)
    with pytest.raises(ValueError, match="one name"):
        release().add("manifest.json", "{}", about="x")


def test_values_not_accepted_go_to_one_private_file_and_no_release_that_is_shared(out, tmp_path):
    people = make_people(["TN1 1AA", "=nonsense", ""])
    people = replace(people, findings=findings([2], "postcode", "postcode_malformed"))
    path = write_rejects(tmp_path / "rejects.csv", people)
    assert path.read_text() == "record,column,code,value\n2,postcode,postcode_malformed,'=nonsense\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    release().write(out, **CHECKS)
    with pytest.raises(InputRefused, match="shared"):
        write_rejects(out / "rejects.csv", people)


# --- the command


def test_the_command_says_exits_and_prints_json(out, tmp_path):
    app = typer.Typer()
    app.command("verify")(verify.command)
    release().write(out, **CHECKS)
    done = CliRunner().invoke(app, [str(out)])
    assert done.exit_code == 0 and "2 files for public" in done.output
    (out / "readme.txt").write_text("x")
    assert CliRunner().invoke(app, [str(out)]).exit_code == 1
    done = CliRunner().invoke(app, [str(out), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.output)["findings"] == [
        {"code": "file_changed", "file": "readme.txt", "what": "changed since it was written"}
    ]
    assert CliRunner().invoke(app, [str(tmp_path)]).exception.exit_code == 3
