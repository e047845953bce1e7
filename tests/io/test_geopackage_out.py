"""A GeoPackage opens coloured in QGIS, with the printed figures and nothing else."""

from __future__ import annotations

import sqlite3
from xml.etree import ElementTree

import pandas as pd
import pytest
from conftest import DRAWN, make_boundaries
from reporting import SCHOOL, medway

from geoplan.disclosure import protect
from geoplan.errors import NotProtected
from geoplan.io.geopackage_out import geopackage_bytes, write_geopackage
from geoplan.io.layers import read_boundaries
from geoplan.leaks import scan_bytes

COUNTS = [4, 12, 26, 40, 0, 55, 90, 130]


def homes(counts=COUNTS):
    boundaries = make_boundaries()
    return protect(pd.DataFrame({"pupils": counts}, index=boundaries.codes[: len(counts)]), counts=["pupils"])


@pytest.fixture
def opened():
    link = sqlite3.connect(":memory:")
    link.deserialize(geopackage_bytes(make_boundaries(), {"Where pupils live": homes()}, [DRAWN]))
    yield link
    link.close()


def style(link) -> ElementTree.Element:
    return ElementTree.fromstring(link.execute("SELECT styleQML FROM layer_styles").fetchone()[0])


def test_the_style_is_where_qgis_looks_for_it(opened):
    row = opened.execute("SELECT f_table_name, f_geometry_column, useAsDefault FROM layer_styles").fetchone()
    assert row == ("where_pupils_live", "geom", 1)
    assert opened.execute("SELECT column_name FROM gpkg_geometry_columns").fetchall() == [("geom",)]
    kind = opened.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone()
    assert kind == ("attributes",)


def test_each_area_falls_under_one_rule_of_the_style(opened):
    """The filters are SQL: each is asked of the file itself."""
    rules = style(opened).findall(".//rule")
    found: list[str] = []
    for rule in rules:
        found += [code for (code,) in opened.execute(f"SELECT code FROM where_pupils_live WHERE {rule.get('filter')}")]
    assert sorted(found) == list(make_boundaries().codes)
    symbols = {symbol.get("name") for symbol in style(opened).findall(".//symbol")}
    assert symbols == {rule.get("symbol") for rule in rules}


def test_a_hidden_number_is_empty_and_said_to_be_hidden(opened):
    asked = opened.execute("SELECT code, pupils, pupils_shown FROM where_pupils_live")
    rows = {code: rest for code, *rest in asked}
    codes = make_boundaries().codes
    assert rows[codes[0]] == [None, "c"]
    assert rows[codes[2]] == [25.0, "25"]
    assert rows[codes[8]] == [0.0, "0"]  # no row in the counts: nobody


def test_a_hidden_number_changes_no_byte_and_a_rerun_gives_the_same():
    files = {geopackage_bytes(make_boundaries(), {"Pupils": homes([small, *COUNTS[1:]])}) for small in (3, 3, 1, 4, 9)}
    assert len(files) == 1


def test_two_layers_each_have_a_style():
    data = geopackage_bytes(make_boundaries(), {"One": homes(), "Two": homes([10] * 9)})
    link = sqlite3.connect(":memory:")
    link.deserialize(data)
    assert link.execute("SELECT f_table_name FROM layer_styles ORDER BY id").fetchall() == [("one",), ("two",)]
    assert link.execute("SELECT count(*) FROM two").fetchone() == (9,)
    link.close()


def test_it_is_read_back_as_the_areas_it_was_made_of_and_the_scan_finds_nothing(tmp_path):
    place = medway()
    layers = {"Where pupils live": place.tables.homes[SCHOOL]}
    path = write_geopackage(tmp_path / "areas.gpkg", place.areas, layers, place.people.sources)
    again = read_boundaries(path, kind="lsoa11", layer="where_pupils_live")
    assert list(again.codes) == list(place.areas.codes)
    assert again.frame.geometry.geom_equals_exact(place.areas.frame.geometry, 1e-6).all()
    assert scan_bytes("areas.gpkg", path.read_bytes()) == ()


def test_only_protected_layers_are_taken():
    with pytest.raises(NotProtected, match="layer 'Pupils'"):
        geopackage_bytes(make_boundaries(), {"Pupils": homes().table})
