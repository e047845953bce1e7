"""Damaged files by the thousand: a refusal or an answer that adds up, never a traceback, never a changed input.

``GEOPLAN_LONG=1`` runs 100,000 tables and 5,000 layers; otherwise 2,000 and 100. The damages are the same each time.
"""

from __future__ import annotations

import os
import traceback
import warnings
from collections import Counter

import pytest
from fuzz.mutations import good_csv, good_geojson, good_layer, good_shapefile, mutated, shrunk

from geoplan.errors import GeoplanError
from geoplan.io.describe import describe_file
from geoplan.io.files import fingerprint

LONG = os.environ.get("GEOPLAN_LONG") == "1"
TABLES = 100_000 if LONG else 2_000
LAYERS = 5_000 if LONG else 100
LEFT_OUT = int(os.environ.get("GEOPLAN_FUZZ_FROM", "0"))


def verdict(path, data: bytes, kind: str) -> str:
    """What became of one file: "ok", the reason of its refusal, or what is wrong with geoplan."""
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            report = describe_file(path, kind)
        except GeoplanError as error:
            return type(error).__name__
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = [frame for frame in frames if "geoplan" in frame.filename] or frames
            return f"!{type(error).__name__} at {os.path.basename(ours[-1].filename)}:{ours[-1].lineno}"  # noqa: PTH119
    if fingerprint(path.read_bytes()) != fingerprint(data):
        return "!input changed"
    if report["file_status"] == "rejected":
        return str(report["reason"])
    if kind == "pupils" and not lines_add_up(data, report):
        return "!lines unaccounted"
    added = sum(report[outcome] for outcome in ("accepted", "repaired", "rejected", "blank"))
    return "ok" if added == report["records"] else "!records unaccounted"


def lines_add_up(data: bytes, report: dict) -> bool:
    """Whether the records are the lines of the file, counted without geoplan, where lines are that simple to count."""
    above = report["details"].get("lines_above")
    if above is None or not data.isascii() or any(mark in data for mark in (b'"', b"\r\r", b"\0", b"\x1a")):
        return True
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    return report["records"] == len(lines) - above - 1


def run(folder, goods: list[tuple[str, bytes]], kind: str, count: int) -> tuple[Counter, dict[str, bytes]]:
    """Verdicts, and for each fault the fewest bytes found that show it."""
    verdicts: Counter = Counter()
    faults: dict[str, bytes] = {}
    for number in range(LEFT_OUT, LEFT_OUT + count):
        name, good = goods[number % len(goods)]
        data = mutated(good, number)
        said = verdict(folder / name, data, kind)
        verdicts[said] += 1
        if said.startswith("!") and said not in faults and len(faults) < 20:
            faults[said] = shrunk(data, lambda less, name=name, said=said: verdict(folder / name, less, kind) == said)
    return verdicts, faults


def shown(verdicts: Counter, faults: dict[str, bytes]) -> str:
    return f"{dict(verdicts.most_common())}\n" + "\n".join(f"{said}\n    {data!r}" for said, data in faults.items())


def test_damaged_tables(tmp_path):
    goods = [
        ("pupils.csv", good_csv()),
        ("pupils.csv", good_csv(3)),
        ("pupils.csv", good_csv().decode().encode("utf-16")),
    ]
    verdicts, faults = run(tmp_path, goods, "pupils", TABLES)
    if LONG:
        (tmp_path.parent / "tables.txt").write_text(shown(verdicts, faults))
    assert not faults, shown(verdicts, faults)
    assert sum(verdicts.values()) == TABLES
    assert verdicts["ok"] > TABLES / 10


def test_damaged_layers(tmp_path):
    pytest.importorskip("pyogrio")
    goods = [
        ("areas.geojson", good_geojson()),
        ("areas.gpkg", good_layer("GPKG")),
        ("areas.fgb", good_layer("FlatGeobuf")),
        ("areas.zip", good_shapefile()),
    ]
    verdicts, faults = run(tmp_path, goods, "areas", LAYERS)
    if LONG:
        (tmp_path.parent / "layers.txt").write_text(shown(verdicts, faults))
    assert not faults, shown(verdicts, faults)
    assert sum(verdicts.values()) == LAYERS
