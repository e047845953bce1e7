"""Kept outputs: the reasons why they are right are in ``tests/golden/README.md``."""

from __future__ import annotations

import json
from pathlib import Path

from geoplan.cli.main import main

GOLDEN = Path(__file__).parent / "golden"


def test_borough(tmp_path):
    folder = GOLDEN / "borough"
    out, report = tmp_path / "placed.csv", tmp_path / "report.json"
    code = main([
        "assign", str(folder / "pupils.csv"), "--postcodes", str(folder / "postcodes.csv"),
        "--areas", f"lsoa21={folder / 'areas.geojson'}", "--segments", str(folder / "segments.csv"),
        "-o", str(out), "--report", str(report),
    ])  # fmt: skip
    assert code == 0
    assert out.read_text(encoding="utf-8") == (folder / "placed.csv").read_text(encoding="utf-8")
    said = json.loads(report.read_text(encoding="utf-8"))
    said.pop("sources")  # holds fingerprints of the inputs
    assert said == json.loads((folder / "report.json").read_text(encoding="utf-8"))
