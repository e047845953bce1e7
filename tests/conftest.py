"""The borough that every test can draw: three by three kilometre squares, nine areas, twenty-seven postcodes.

    north
      G | H | I        areas E01900007 E01900008 E01900009
      --+---+--
      D | E | F              E01900004 E01900005 E01900006
      --+---+--
      A | B | C              E01900001 E01900002 E01900003

The corner of A is at 580,000 E, 160,000 N. Each area has three postcodes, 200 m, 500 m and 800 m along its
diagonal, named by area and number: A1 is ``TN1 1AA``, A2 ``TN1 1AB``, A3 ``TN1 1AD``; B1 ``TN1 2AA`` ...
Areas A to C are segment "1" (Terraces), D to F "2" (Harbour), G to I "3" (Villages).
"""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pandas as pd
import pytest

from geoplan.areas import Boundaries
from geoplan.people import People
from geoplan.postcodes import PostcodeDirectory
from geoplan.segments import Segmentation
from geoplan.sources import Source

LETTERS = "ABCDEFGHI"
CODES = {letter: f"E0190000{i}" for i, letter in enumerate(LETTERS, start=1)}
WEST, SOUTH, SIDE = 580_000, 160_000, 1_000
DRAWN = Source("The three by three borough", publisher="geoplan tests", attribution="Drawn for tests", invented=True)
SHARED = Path(__file__).parents[2] / "shared" / "data"


def square(letter: str) -> tuple[float, float]:
    """South-west corner of an area."""
    row, column = divmod(LETTERS.index(letter), 3)
    return WEST + SIDE * column, SOUTH + SIDE * row


def postcode(name: str) -> str:
    """The postcode called A1, A2, ... I3."""
    return f"TN1 {LETTERS.index(name[0]) + 1}A{'ABD'[int(name[1]) - 1]}"


def make_boundaries(kind: str = "lsoa21", letters: str = LETTERS) -> Boundaries:
    import geopandas as gpd
    import shapely

    boxes = [shapely.box(*square(letter), square(letter)[0] + SIDE, square(letter)[1] + SIDE) for letter in letters]
    frame = gpd.GeoDataFrame(
        {"name": [f"Area {letter}" for letter in letters]},
        index=pd.Index([CODES[letter] for letter in letters], name=kind, dtype="str"),
        geometry=boxes,
        crs=27700,
    )
    return Boundaries(kind, frame, DRAWN)


def make_directory(kind: str | None = "lsoa21") -> PostcodeDirectory:
    names = [f"{letter}{number}" for letter in LETTERS for number in (1, 2, 3)]
    table = pd.DataFrame({"postcode": [postcode(name).replace(" ", "") for name in names]}, dtype="str")
    table["introduced"] = pd.Series([198001 if name[1] != "3" else 202201 for name in names], dtype="int32")
    table["terminated"] = pd.Series([201905 if name == "I3" else 0 for name in names], dtype="int32")
    table["user_type"] = pd.Series([1 if name == "I2" else 0 for name in names], dtype="int8")
    table["easting"] = [square(name[0])[0] + 300.0 * int(name[1]) - 100 for name in names]
    table["northing"] = [square(name[0])[1] + 300.0 * int(name[1]) - 100 for name in names]
    if kind:
        table[kind] = pd.Categorical([CODES[name[0]] for name in names])
    return PostcodeDirectory(table, DRAWN)


def make_people(postcodes: list[str], schools: list[str] | None = None, **columns) -> People:
    frame = pd.DataFrame({"record": range(1, len(postcodes) + 1), "person": range(len(postcodes))})
    frame["postcode"] = pd.Series(postcodes, dtype="str")
    frame["counted"] = True
    frame["school"] = pd.Series(schools if schools is not None else ["900001"] * len(postcodes), dtype="str")
    return People(frame.assign(**columns), DRAWN, noun="pupils")


def make_segments(keyed_by: str = "lsoa21") -> Segmentation:
    table = pd.DataFrame({"group": [str(i // 3 + 1) for i in range(9)]}, index=list(CODES.values()), dtype="str")
    names = {"group": {"1": "Terraces", "2": "Harbour", "3": "Villages"}}
    return Segmentation("Borough", "2026", "group", keyed_by, table, DRAWN, names)


@pytest.fixture
def boundaries():
    return make_boundaries()


@pytest.fixture
def directory():
    return make_directory()


@pytest.fixture
def segments():
    return make_segments()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The borough as a project folder, and the working directory."""
    from project import write_project

    folder = tmp_path / "place"
    write_project(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def shared_data():
    """The folder of real open data beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real open data (../shared/data) is not beside this checkout")
    return SHARED


hypothesis.settings.register_profile("geoplan", deadline=None, derandomize=True)
hypothesis.settings.load_profile("geoplan")
