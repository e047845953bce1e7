"""``geoplan ledger`` as a planner types it: drafts withdrawn, releases published, corrections."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from conftest import postcode
from project import COUNTS, write_project

from geoplan.cli.common import Recording
from geoplan.cli.main import main
from geoplan.disclosure import PUBLIC
from geoplan.errors import ReleaseRefused
from geoplan.evidence import PrintedTable
from geoplan.gate import attack
from geoplan.io.internal import AUDIT
from geoplan.io.ledgers import Memory, OpenLedger, ledger_path, read_memory
from geoplan.io.outputs import table_csv
from geoplan.ledger import Ledger, append, withdraw
from geoplan.suppression import protect_tables
from geoplan.tables import RawTable

WHY = ["--reason", "a draft of May, never shown", "--by", "A. Planner"]


def memory(folder):
    return read_memory(ledger_path(folder))


def profile(name: str) -> list[str]:
    return ["profile", "--school", "900001", "-o", name]


def test_a_draft_is_withdrawn_with_reason_name_and_day_and_stays_in_the_ledger(place, capsys):
    assert main(["ledger", "list"]) == 0
    assert "nothing was released yet" in capsys.readouterr().out
    assert main(profile("draft.csv")) == 0 and main(profile("copy.csv")) == 0
    assert len(memory(place).ledger) == 1  # the same numbers: one release, two files
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    out = capsys.readouterr().out
    assert "You declare that nobody outside holds a copy" in out
    assert "small numbers of pupils may be worked out" in out and "Delete them: draft.csv, copy.csv." in out
    ledger = memory(place).ledger
    assert len(ledger) == 1 and ledger.entries[0].tables and not ledger.standing()
    said = ledger.state(1)
    assert (said.says, said.reason, said.by) == ("withdrawn", "a draft of May, never shown", "A. Planner") and said.day
    line = json.loads((place / AUDIT).read_text())
    assert "A. Planner" in line["why"] and line["what"]["files"] == ["draft.csv", "copy.csv"]
    assert main(["ledger", "list"]) == 0
    out = capsys.readouterr().out
    assert "withdrawn by A. Planner on" in out and "a draft of May, never shown" in out and "draft.csv, copy.csv" in out
    assert main(["ledger", "list", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["counted"] == 0 and answer["releases"][0]["state"] == "withdrawn"


def test_the_same_numbers_released_after_all_count_again(place):
    assert main(profile("draft.csv")) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    assert main(profile("draft.csv")) == 0
    ledger = memory(place).ledger
    assert len(ledger) == 2 and [number for number, _ in ledger.standing()] == [2]


def test_what_was_published_is_not_withdrawn_and_what_is_out_after_all_counts_again(place, capsys):
    assert main(profile("paper.csv")) == 0
    assert main(["ledger", "publish", "1", "--by", "B. Clerk"]) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 2
    assert "declared published by B. Clerk" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert main(["ledger", "publish", "1", "--by", "B. Clerk"]) == 2
    assert main(["map", "-o", "map.html"]) == 0
    assert main(["ledger", "withdraw", "2", *WHY]) == 0
    capsys.readouterr()
    assert main(["ledger", "publish", "2", "--by", "B. Clerk"]) == 0
    assert "was not protected beside it" in capsys.readouterr().out
    assert [number for number, _ in memory(place).ledger.standing()] == [1, 2]


@pytest.mark.parametrize(
    "words",
    [["9", *WHY], ["0", *WHY], ["one", *WHY], ["1-", *WHY], ["1-99999999", *WHY], ["1", "--reason", "old", "--by", "A"],
     ["1", "--reason", "a draft of May", "--by", " "]],
)  # fmt: skip
def test_what_is_no_declaration_is_refused_and_changes_nothing(place, words, capsys):
    assert main(profile("draft.csv")) == 0
    before = memory(place)
    assert main(["ledger", "withdraw", *words]) == 2
    assert memory(place) == before and not (place / AUDIT).exists()
    assert "Traceback" not in capsys.readouterr().err


def test_an_internal_output_can_be_neither(place, capsys):
    assert main([*profile("p.csv"), "--internal", "trying the numbers"]) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 2
    assert main(["ledger", "publish", "1", "--by", "B"]) == 2
    assert main(["ledger", "list"]) == 0
    assert "exact numbers, inside: trying the numbers" in capsys.readouterr().out


def test_a_declaration_that_was_touched_is_refused(place, capsys):
    assert main(profile("draft.csv")) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    path = ledger_path(place)
    path.write_text(path.read_text().replace("A. Planner", "B. Planner"))
    assert main(["ledger", "list"]) == 3
    assert "was changed after it was written" in capsys.readouterr().err


def test_after_a_withdrawal_corrected_data_are_released_and_an_outsider_holds_them_alone(place, capsys):
    assert main(profile("draft.csv")) == 0
    (place / "corrections.csv").write_text("postcode,segment,reason,by,date\n")
    given = ["--postcode", postcode("D1"), "--segment", "3", "--reason", "new estate", "--by", "the head"]
    capsys.readouterr()
    assert main(["profile", "correct", *given]) == 0
    out = capsys.readouterr().out
    assert "These data were released before the correction (release 1: draft.csv)" in out
    assert "geoplan ledger withdraw 1" in out and "as_at" in out and "--internal" in out
    assert postcode("D1") not in out
    assert main(profile("new.csv")) == 3  # subtracted, the two would show the pupils of this postcode
    err = capsys.readouterr().err
    assert "child by child" in err and "geoplan ledger withdraw 1" in err
    assert main([*profile("new.csv"), "--internal", "trying the correction"]) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    assert main(profile("new.csv")) == 0
    held = [table for _, entry in memory(place).ledger.standing() for table in entry.tables]
    assert held and attack(held).passed
    assert main(["profile", "correct", *given[:3], "1", *given[4:]]) == 0  # back again: now that one is out
    assert main(profile("newer.csv")) == 3


def test_a_draft_that_was_out_after_all_holds_back_other_data_released_meanwhile(place, capsys):
    """The old data are out and the new: whichever comes next, one could be subtracted from the other."""
    (place / "corrections.csv").write_text("postcode,segment,reason,by,date\n")
    given = ["--postcode", postcode("D1"), "--segment", "3", "--reason", "new estate", "--by", "the head"]
    assert main(profile("draft.csv")) == 0
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    assert main(["profile", "correct", *given]) == 0
    assert main(profile("new.csv")) == 0
    assert main(["ledger", "publish", "1", "--by", "B. Clerk"]) == 0
    capsys.readouterr()
    assert main(["map", "-o", "map.html"]) == 3
    err = " ".join(capsys.readouterr().err.split())
    assert "child by child" in err and "geoplan ledger withdraw 1" in err
    assert main(["ledger", "withdraw", "2", *WHY]) == 0  # the new data were never out: the old ones go on
    assert main(["map", "-o", "map.html"]) == 3
    (place / "corrections.csv").write_text("postcode,segment,reason,by,date\n")
    assert main(["map", "-o", "map.html"]) == 0


def test_the_same_data_under_another_name_are_refused_and_other_data_are_not(place, capsys):
    assert main(profile("first.csv")) == 0
    write_project(place, about='as_at = "May 2026"')
    capsys.readouterr()
    assert main(profile("second.csv")) == 3
    err = capsys.readouterr().err
    assert "the same data were released as" in err and "as_at" in err and "geoplan ledger withdraw 1" in err
    assert main([*profile("second.csv"), "--internal", "trying another name"]) == 0
    write_project(place, COUNTS | {"900003": {"Terraces": 41, "Harbour": 45, "Villages": 35}}, 'as_at = "May 2026"')
    assert main(profile("second.csv")) == 0
    write_project(place, about='as_at = "June 2026"')
    assert main(["ledger", "withdraw", "1", *WHY]) == 0
    assert main(profile("third.csv")) == 0


def test_a_ledger_that_cannot_be_read_stops_a_correction_before_it_is_recorded(place, capsys):
    assert main(profile("draft.csv")) == 0
    ledger_path(place).write_text("{}")
    given = ["--postcode", postcode("D1"), "--segment", "3", "--reason", "new estate", "--by", "the head"]
    assert main(["profile", "correct", *given]) == 3
    assert not (place / "corrections.csv").exists()


def test_a_correction_before_any_release_says_nothing_of_releases(place, capsys):
    given = ["--postcode", postcode("D1"), "--segment", "3", "--reason", "new estate", "--by", "the head"]
    assert main(["profile", "correct", *given]) == 0
    assert "released" not in capsys.readouterr().out


def test_what_goes_out_in_one_file_is_attacked_as_a_head_could_who_was_given_more(tmp_path):
    """Ten in a segment, seven of them at the school whose head knows so: the other school has three to five."""
    cells, texts = (("a", "E"), ("a", "G"), ("b", "E"), ("b", "G")), ("c", "40", "c", "25")
    everybody = PrintedTable("By school", ("school", "segment"), cells, texts, "p", small_group=0)
    head = PrintedTable(
        "My school", ("school", "segment"), cells[:1], ("7",), "p", hide_below=5, round_to=1, small_group=0,
        complete=False,
    )  # fmt: skip
    ledger = append(append(Ledger(), "1 May", "public", [everybody]), "2 May", "school:a", [head])
    raw = RawTable("By segment", pd.Series({"E": 10, "G": 65}).rename_axis("segment"), population="p")
    shown = protect_tables([raw], earlier=[everybody])[0].to_protected()

    def write(known: Ledger) -> OpenLedger:
        open_ = OpenLedger(tmp_path / "ledger.json", Memory(known))
        Recording(PUBLIC, open_, {}, tmp_path, ()).write(tmp_path / "new.csv", table_csv(shown), [shown])
        return open_

    with pytest.raises(ReleaseRefused, match="1 protected counts have fewer than 5"):
        write(ledger)
    assert not (tmp_path / "new.csv").exists() and not (tmp_path / "ledger.json").exists()
    gone = withdraw(ledger, [2], "a draft that the head never had", "A. Planner", "3 May")
    assert len(write(gone).ledger) == 3 and (tmp_path / "new.csv").exists()
