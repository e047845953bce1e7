"""Brighton's catchments from the outlines they were drawn as, against the authors' own table (real open data)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from geoplan.drawn_catchments import place_in_catchments
from geoplan.io.plans import read_drawing

FOLDER = Path(__file__).parents[2] / "shared/data/brighton_hove/admissions_and_catchments"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/brighton_hove is not here")
SAME_NAME = {"Hove": "HoveBlatchington", "VarndeanStr": "VarndeanStringer"}


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    table = pd.read_csv(FOLDER / "bn_postcodes_pop1.csv", dtype=str)
    return table.assign(easting=table["oseast1m"].astype(float), northing=table["osnrth1m"].astype(float))


def drawing(name: str):
    return read_drawing(FOLDER / "catchulator" / f"{name}.geojson")


def test_postcodes_fall_where_the_authors_own_table_has_them(homes):
    catchments = drawing("catchment_existing_converted").catchments
    assert len(homes) == 4_362
    exact = place_in_catchments(catchments, homes["easting"], homes["northing"]).replace(SAME_NAME)
    assert (exact == homes["catchment_2024"]).sum() == 4_356
    near = place_in_catchments(catchments, homes["easting"], homes["northing"], 200).replace(SAME_NAME)
    assert (near == homes["catchment_2024"]).sum() == 4_357


@pytest.mark.parametrize(
    ("name", "catchments", "repaired", "repeated"),
    [("catchment_01", 6, 1, 0), ("catchment_02", 4, 0, 0), ("catchment_03", 8, 1, 0), ("catchment_03a", 8, 1, 1)],
)
def test_what_is_wrong_with_each_option_is_found(name, catchments, repaired, repeated):
    found = drawing(name)
    codes = [note.code for note in found.notes]
    assert len(found.catchments) == catchments
    assert (codes.count("geometry_repaired"), codes.count("code_duplicated")) == (repaired, repeated)
    assert 300 < found.faults.loc[found.faults["of"] == "overlap", "square_m"].sum() < 700
