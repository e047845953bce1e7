"""Plans read and written as CSV."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from geoplan.areas import Boundaries
from geoplan.catchments import CatchmentPlan
from geoplan.errors import InputRefused
from geoplan.io.plans import (
    read_drawing,
    read_expected,
    read_members,
    read_places,
    read_plan,
    read_quintiles,
    schools_beside,
    write_plan,
    write_plan_layer,
)
from geoplan.sources import Source

MEDWAY = Path(__file__).parents[2] / "boundaries" / "medway"


def text(folder: Path, content: str) -> Path:
    path = folder / "plan.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_the_demo_plans_are_read_and_differ():
    today, option = (read_plan(MEDWAY / f"catchments_{name}.csv") for name in ("today", "option_a"))
    assert today.kind == "lsoa11" and today.name == "catchments_today"
    assert 0 < len(option.moved_from(today)) < len(today)
    assert today.source.fingerprint != option.source.fingerprint


def test_written_and_read_again_it_is_the_same_plan(tmp_path):
    plan = read_plan(text(tmp_path, "LSOA21CD,Catchment\nE1,1\nE2,1\nE2,2\nE3,\n"))
    assert plan.table.to_dict() == {"E1": "1", "E2": "1+2", "E3": ""}
    assert read_plan(write_plan(tmp_path / "again.csv", plan)) == plan


def test_the_kind_must_be_said_and_the_columns_named(tmp_path):
    path = text(tmp_path, "zone,goes to\nE1,1\n")
    with pytest.raises(InputRefused, match="no column for school"):
        read_plan(path)
    with pytest.raises(InputRefused, match="which areas these are is not said"):
        read_plan(path, school="goes to")
    assert read_plan(path, "lsoa21", school="goes to").schools == ("1",)
    with pytest.raises(InputRefused, match="several columns of area codes"):
        read_plan(text(tmp_path, "lsoa11,lsoa21,school\nE1,E2,1\n"))


def test_rows_that_cannot_be_used_are_all_named(tmp_path):
    with pytest.raises(InputRefused) as refused:
        read_plan(text(tmp_path, "lsoa21,school\nE1,1\n,1\n,2\nE4,1,7\n"))
    assert {(p.code, p.record, p.more) for p in refused.value.problems} == {("code_blank", 2, 1), ("ragged_row", 4, 0)}


def test_a_plan_typed_in_a_spreadsheet_is_read(tmp_path):
    """A byte order mark, spaces round codes, semicolons, a blank line at the end."""
    path = tmp_path / "Option B (final).csv"
    path.write_bytes("\ufeffLSOA21CD ; School \r\n E01000001 ;900001\r\nE01000002; 900002 \r\n;\r\n".encode())
    plan = read_plan(path)
    assert plan.table.to_dict() == {"E01000001": "900001", "E01000002": "900002"}
    assert plan.kind == "lsoa21"


def test_what_a_plan_changes_of_schools_is_beside_it(tmp_path):
    today = read_plan(text(tmp_path, "lsoa21,school\nE1,1\nE2,2\nE3,3\n"))
    option = today.close("3", to="2").expand("1", 60).change_age_range("2", "7", "13").open("9", [], places=300)
    path = write_plan(tmp_path / "option.csv", option)
    assert schools_beside(path).read_text() == (
        "school,status,places_added,lowest_year,highest_year\n1,,60,,\n2,,0,7,13\n3,closed,0,,\n9,opened,300,,\n"
    )
    assert read_plan(path) == option
    assert read_plan(write_plan(path, today)) == today and not schools_beside(path).exists()
    schools_beside(path).write_text("school,status,places_added,lowest_year,highest_year\n1,shut,many,,\n")
    with pytest.raises(InputRefused, match="closed or opened"):
        read_plan(path)


def geojson(path: Path, shapes: dict, crs: str | None = None, **columns) -> Path:
    features = [
        {"type": "Feature", "properties": {"catchment": name, **{k: v[at] for k, v in columns.items()}},
         "geometry": json.loads(shapely.to_geojson(shape))}
        for at, (name, shape) in enumerate(shapes.items())
    ]  # fmt: skip
    document = {"type": "FeatureCollection", "features": features}
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(document))
    return path


WEST, EAST = shapely.box(530000, 105000, 531000, 106000), shapely.box(530950, 105000, 532000, 106000)


def test_a_drawing_is_read_in_any_system_with_its_faults_and_repeated_numbers(tmp_path):
    metres = geojson(tmp_path / "metres.geojson", {"W": WEST, "E": EAST}, "urn:ogc:def:crs:EPSG::27700", id=[3, 3])
    drawing = read_drawing(metres)
    assert drawing.catchments.codes.tolist() == ["E", "W"]
    assert drawing.faults[["fault", "square_m"]].values.tolist() == [["overlap", 50_000.0]]
    assert [(note.code, note.column) for note in drawing.notes] == [("code_duplicated", "id")]
    frame = gpd.GeoDataFrame({"catchment": ["W", "E"]}, geometry=[WEST, EAST], crs=27700).to_crs(4326)
    degrees = geojson(tmp_path / "degrees.geojson", dict(zip("WE", frame.geometry, strict=True)))
    again = read_drawing(degrees).faults
    assert again["square_m"].tolist() == pytest.approx([50_000.0], rel=1e-3)


def test_outlines_of_one_catchment_are_put_together_and_knots_undone(tmp_path):
    frame = gpd.GeoDataFrame(
        {"urn": ["1", "1", "2"]}, crs=27700,
        geometry=[WEST, shapely.box(530000, 106000, 531000, 107000),
                  shapely.Polygon([(532000, 105000), (533000, 105000), (533000, 106000), (532500, 106000),
                                   (532500, 106001), (532499, 106000), (532501, 106000), (532000, 106000)])],
    )  # fmt: skip
    pyogrio.write_dataframe(frame, tmp_path / "drawn.gpkg", layer="catchments")
    drawing = read_drawing(tmp_path / "drawn.gpkg")
    assert drawing.catchments.codes.tolist() == ["1", "2"]
    assert {note.code for note in drawing.notes} == {"outlines_joined", "geometry_repaired"}
    with pytest.raises(InputRefused, match="no column for catchment"):
        read_drawing(tmp_path / "drawn.gpkg", catchment="zone")


def test_a_catchment_without_a_name_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="without a name"):
        read_drawing(geojson(tmp_path / "drawn.geojson", {"": WEST, "E": EAST}, "EPSG:27700"))


def test_lists_of_sectors_and_members(tmp_path):
    rows, source = read_places(text(tmp_path, "Postcode sector,School\nME7 1,900001\n ME7 2 ,900002\n"))
    assert rows.to_dict("records") == [{"place": "ME7 1", "school": "900001"}, {"place": "ME7 2", "school": "900002"}]
    assert source.file == "plan.csv"
    members = read_members(text(tmp_path, "catchment,urn\nNorth,1\nNorth,2\nSouth,3\n"))
    assert members == {"North": ("1", "2"), "South": ("3",)}
    with pytest.raises(InputRefused, match="no column for place"):
        read_places(text(tmp_path, "area,school\nE1,1\n"))


@pytest.mark.parametrize(
    ("header", "values", "fifths"),
    [("IDACI quintile", "1,3,5", "1,3,5"), ("idaci_decile", "2,5,10", "1,3,5"), ("IDACI Rank", "10,200,300", "2,4,5"),
     ("IDACI", "0.5,0.2,0.1", "2,4,5")],
)  # fmt: skip
def test_deprivation_is_read_as_fifths(tmp_path, header, values, fifths):
    lines = [f"{code},{value}" for code, value in zip(("E1", "E2", "E3"), values.split(","), strict=True)]
    kind, table, _ = read_quintiles(text(tmp_path, "\n".join([f"LSOA21CD,{header}", *lines])))
    assert kind == "lsoa21" and ",".join(table[["E1", "E2", "E3"]]) == fifths


def test_a_forecast_has_a_column_for_each_year(tmp_path):
    table, _ = read_expected(text(tmp_path, "lsoa21,2027,Y2028,note\nE1,10,12,x\nE2,3.5,4,y\n"), "lsoa21")
    assert table.to_dict("index") == {"E1": {"2027": 10, "2028": 12}, "E2": {"2027": 3.5, "2028": 4}}
    with pytest.raises(InputRefused, match="no column for a year"):
        read_expected(text(tmp_path, "lsoa21,pupils\nE1,10\n"), "lsoa21")


def test_a_plan_as_a_geopackage_opens_coloured(tmp_path):
    frame = gpd.GeoDataFrame({"name": ["West", "East"]}, index=["E1", "E2"], geometry=[WEST, EAST], crs=27700)
    areas = Boundaries("lsoa21", frame, Source("drawn"))
    plan = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "O'1", "E2": ""}))
    path = write_plan_layer(tmp_path / "plan.gpkg", plan, areas, {"O'1": "O'Brien & Sons"})
    read = gpd.read_file(path, layer="areas").set_index("code")["school_name"].to_dict()
    assert read == {"E1": "O'Brien & Sons", "E2": "no school"}
    drawn = gpd.read_file(path, layer="catchments")
    assert drawn[["school", "areas"]].values.tolist() == [["O'1", 1]]
    style = pyogrio.read_dataframe(path, layer="layer_styles", read_geometry=False)
    assert "\"school\" = 'O''1'" in style["styleQML"][0].replace("&#34;", '"').replace("&#39;", "'")
    assert (
        write_plan_layer(tmp_path / "again.gpkg", plan, areas, {"O'1": "O'Brien & Sons"}).read_bytes()
        == path.read_bytes()
    )
