"""Rules and runs from files; numbers with the reason why one is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from geoplan.errors import InputRefused
from geoplan.io.attributes import read_facts
from geoplan.io.rag_rules import read_rules, read_run
from geoplan.io.recipes import demo_folder

DOCS = Path(__file__).parents[2] / "docs"


def test_the_demo_rules_have_one_reading():
    rules = read_rules(demo_folder() / "rag_rules.toml")
    assert len(rules.indicators) == 7
    assert rules.example
    assert rules.agreed_on == ""


def test_the_rule_in_the_guide_for_offices_is_a_rule(tmp_path):
    text = (DOCS / "how-to-agree-rag-rules.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "rules.toml"
    path.write_text('[rules]\ntitle = "Ours"\n' + block, encoding="utf-8")
    assert read_rules(path).indicators[0].red[1].at == 30


def test_a_byte_order_mark_is_no_fault_and_rubbish_is_one(tmp_path):
    text = (demo_folder() / "rag_rules.toml").read_text(encoding="utf-8")
    path = tmp_path / "rules.toml"
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert read_rules(path).title == "Medway: example rules"
    path.write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(InputRefused, match=r"rule|UTF-8|TOML"):
        read_rules(path)


@pytest.mark.parametrize("text", ["{", "[]", '{"geoplan_rag": 1}', "[" * 100_000])
def test_a_run_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(InputRefused):
        read_run(path)


def test_symbols_are_reasons_and_grades_are_in_order(tmp_path):
    path = tmp_path / "facts.csv"
    path.write_text("URN,Roll,gcse,roof,area\n100001,z,c,C,North\n100002,low,55%,a,\n100003,,u,x,South\n")
    facts, words = read_facts(path, ["roll", "gcse"], {"roof": ["A", "B", "C", "D"]}, ["area"])
    assert facts.reasons["roll"].tolist() == [
        "not applicable (z in the file)", "rounds to zero (low in the file)", "no figure given",
    ]  # fmt: skip
    assert facts.reasons["gcse"].tolist()[::2] == [
        "hidden by its publisher (c in the file)",
        "of low reliability (u in the file)",
    ]
    assert facts.values["gcse"].tolist()[1] == 55
    assert facts.values["roof"].tolist()[:2] == [2, 0]
    assert facts.reasons["roof"].tolist() == ["", "", "not available (x in the file)"]
    assert words["area"].tolist() == ["North", "", "South"]


def test_a_grade_that_is_none_is_named_with_those_there_are(tmp_path):
    path = tmp_path / "facts.csv"
    path.write_text("urn,roof\n100001,E\n")
    with pytest.raises(InputRefused, match="not one of the grades   write one of A, B"):
        read_facts(path, [], {"roof": ["A", "B"]})
