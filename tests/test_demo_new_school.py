"""The demo's homes, yields and sites; one forecast read by every command that asks for one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from geoplan.cli.main import main
from geoplan.io.project import copy_demo


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """What ``geoplan forecast -o forecast.csv`` writes on the demo."""
    folder = copy_demo(tmp_path_factory.mktemp("forecast") / "medway")
    where = str(folder / "geoplan.toml")
    rolls = [str(folder / "rolls_earlier.csv"), "rolls", "--years", "3"]
    assert main(["forecast", *rolls, "-p", where, "-o", str(folder / "forecast.csv")]) == 0
    return folder / "forecast.csv"


@pytest.fixture
def medway(tmp_path, monkeypatch):
    folder = copy_demo(tmp_path / "medway")
    monkeypatch.chdir(folder)
    return folder


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_build_script_writes_the_files_that_are_there(tmp_path, monkeypatch):
    demo = Path(__file__).parents[1] / "boundaries" / "medway"
    spec = importlib.util.spec_from_file_location("build_new_school", demo / "build_new_school.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    monkeypatch.setattr(build, "write", lambda name, table: table.to_csv(tmp_path / name, index=False))
    build.main()
    for name in ("homes.csv", "yields.csv", "sites.csv", "weights.csv"):
        assert (tmp_path / name).read_text().splitlines() == (demo / name).read_text().splitlines()


def test_homes_and_sites_of_the_demo_run_as_the_help_prints(medway, capsys):
    words = ["housing", "homes.csv", "--yields", "yields.csv", "--new-school", "NORTH", "--places", "420"]
    assert main([*words, "-o", "specification.html"]) == 0
    assert "New primary school, North Quay" in said(capsys)
    words = ["sites", "sites.csv", "--weights", "weights.csv", "--phase", "primary", "--places", "420"]
    assert main([*words, "-o", "sites.html"]) == 0
    told = said(capsys)
    assert "The two sites that together reach most pupils: The old depot and North Quay." in told
    page = (medway / "sites.html").read_text(encoding="utf-8")
    assert "Safe walking" in page
    assert "Safe_walking" not in page


def test_every_command_that_asks_for_a_forecast_reads_the_one_written(medway, forecast, capsys):
    given = ["--forecast", str(forecast)]
    assert main(["access", "screen", "--under", "200", *given, "--json"]) == 0
    assert "forecast.csv" in said(capsys)
    homes = ["housing", "homes.csv", "--yields", "yields.csv", "--new-school", "NORTH"]
    assert main([*homes, *given]) == 0
    assert "less its highest roll forecast for 2026/27 to 2028/29" in said(capsys)
    assert main(["plan", "compare", "today", "option_a", *given, "-o", "options.html", "--report", "report.html"]) == 0
    for page in ("options.html", "report.html"):
        text = (medway / page).read_text(encoding="utf-8")
        assert "as the secondary rolls of all schools together are forecast to" in text
        assert "2028/29" in text
    capsys.readouterr()
    rule = """
[[indicator]]
name = "to_come"
title = "Roll to come"
category = "Forecast"
measure = "forecast_change_percent"
worse = "lower"
amber = "<= -5"
red = "<= -15"
numbers = "published"
source = "geoplan forecast"
"""
    rules = medway / "rag_rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8") + rule, encoding="utf-8")
    facts = ["--facts", "rag_indicators.csv", "--facts", str(forecast)]
    assert main(["rag", "run", "rag_rules.toml", *facts]) == 0
    assert "Roll to come" in said(capsys)


def test_a_page_against_a_cluster_does_not_stand_in_the_way_of_later_commands(medway, capsys):
    assert main(["profile", "--school", "900003", "--base", "cluster", "-o", "school.html"]) == 0
    assert main(["similar", "--school", "900029", "--count", "3", "--json"]) == 0
    assert main(["profile", "--school", "900004", "-o", "other.html"]) == 0
    ledger = json.loads((medway / "private" / "ledger.json").read_text(encoding="utf-8"))["ledger"]
    assert any(nesting["coarse"] == "cluster" for nesting in ledger["entries"][0]["nested"])


@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_a_level_that_the_schools_do_not_have_is_refused(medway, capsys, command):
    assert main([command, "--level", "districts"]) == 2
    told = capsys.readouterr().err
    assert "districts" in told
    assert "cluster" in told
