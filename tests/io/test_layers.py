"""Area layers: five forms, one answer; what does not fit its coordinate system is refused by name."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import pytest
import shapely

from geoplan.errors import InputRefused
from geoplan.io.layer_files import list_layers
from geoplan.io.layers import read_boundaries


def squares(crs=27700, codes=("E01900002", "E01900001"), **columns):
    boxes = [shapely.box(580_000 + 1_000 * i, 160_000, 581_000 + 1_000 * i, 161_000) for i in range(len(codes))]
    frame = gpd.GeoDataFrame(
        {"LSOA21CD": list(codes), "LSOA21NM": [f"Area {c}" for c in codes], **columns}, geometry=boxes, crs=27700
    )
    return frame.to_crs(crs) if crs != 27700 else frame


def geojson(write, shapes, name="a.geojson", crs=None, codes=None):
    features = [
        {
            "type": "Feature",
            "properties": {"LSOA21CD": (codes or [f"E0190000{i}" for i in range(9)])[i]},
            "geometry": shapely.geometry.mapping(s),
        }
        for i, s in enumerate(shapes)
    ]
    stated = {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
    return write(name, json.dumps({"type": "FeatureCollection", **stated, "features": features}))


GRID = "urn:ogc:def:crs:EPSG::27700"


def codes(call):
    with pytest.raises(InputRefused) as caught:
        call()
    return [p.code for p in caught.value.problems]


@pytest.fixture
def forms(tmp_path):
    """The same two areas in every form."""
    frame = squares()
    frame.to_file(tmp_path / "a.gpkg", layer="areas")
    frame.to_file(tmp_path / "a.fgb", driver="FlatGeobuf")
    frame.to_file(tmp_path / "a.shp")
    frame.to_parquet(tmp_path / "a.parquet")
    squares(4326).to_file(tmp_path / "a.geojson")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for suffix in ("shp", "dbf", "shx", "prj"):
            archive.write(tmp_path / f"a.{suffix}", f"folder/a.{suffix}")
    return tmp_path


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.shp", "a.parquet", "a.geojson", "a.zip"])
def test_every_form_gives_the_same_areas(forms, name):
    areas = read_boundaries(forms / name)
    assert areas.kind == "lsoa21"
    assert areas.codes.tolist() == ["E01900001", "E01900002"]
    assert list(areas.frame.columns) == ["name", "geometry"]
    assert areas.names.tolist() == ["Area E01900001", "Area E01900002"]
    assert areas.frame.crs.to_epsg() == 27700
    assert areas.frame.area.round(-4).tolist() == [1_000_000, 1_000_000]
    assert areas.repairs == ()


def test_the_input_is_not_changed_and_nothing_appears_beside_it(forms):
    before = {p.name: p.read_bytes() for p in forms.iterdir()}
    for name in ("a.gpkg", "a.shp", "a.fgb"):
        read_boundaries(forms / name)
    assert {p.name: p.read_bytes() for p in forms.iterdir()} == before


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.geojson", "a.parquet", "a.zip", "a.shp"])
def test_a_cut_layer_is_refused(forms, name):
    data = (forms / name).read_bytes()
    for part in range(1, 24):
        (forms / name).write_bytes(data[: len(data) * part // 24])
        with pytest.raises(InputRefused):
            read_boundaries(forms / name)


def test_the_name_does_not_decide_what_a_file_is(write, forms):
    vrt = "<OGRVRTDataSource><OGRVRTLayer><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    for name in ("v.geojson", "v.gpkg", "v.shp"):
        assert codes(lambda n=name: read_boundaries(write(n, vrt), kind="x")) == ["file_wrong_format"]
    assert codes(
        lambda: read_boundaries(write("g.json", '{"type": "gdal_streamed_alg", "command_line": "x"}'), kind="x")
    ) == ["file_wrong_format"]
    assert codes(lambda: read_boundaries(write("d.json", "[" * 100_000), kind="x")) == ["file_truncated"]
    renamed = forms / "b.geojson"
    renamed.write_bytes((forms / "a.gpkg").read_bytes())
    assert len(read_boundaries(renamed)) == 2


BOX = shapely.box(580_000, 160_000, 581_000, 161_000)
DEGREES = shapely.box(0.5, 51.3, 0.6, 51.4)


@pytest.mark.parametrize(
    ("shape", "crs", "word"),
    [
        (BOX, None, "metres"),
        (DEGREES, GRID, "degrees"),
        (shapely.box(51.3, 0.5, 51.4, 0.6), None, "swapped"),
        (shapely.box(2.3, 48.8, 2.4, 48.9), None, "outside Great Britain"),
        (shapely.box(580_000, 5_160_000, 581_000, 5_161_000), GRID, "outside Great Britain"),
        (BOX, "EPSG:999999", "does not exist"),
    ],
)
def test_coordinates_that_do_not_fit_are_refused_by_name(write, shape, crs, word):
    with pytest.raises(InputRefused) as caught:
        read_boundaries(geojson(write, [shape], crs=crs))
    (problem,) = caught.value.problems
    assert problem.code == "crs_wrong"
    assert word in problem.what


def test_a_shapefile_without_prj_or_dbf_is_refused(forms):
    (forms / "a.prj").unlink()
    assert codes(lambda: read_boundaries(forms / "a.shp")) == ["crs_missing"]
    (forms / "a.dbf").unlink()
    assert codes(lambda: read_boundaries(forms / "a.shp")) == ["file_missing"]


def test_codes_are_checked_together(write):
    path = geojson(write, [DEGREES, DEGREES, DEGREES], codes=["E01000001", "E01000001", ""])
    assert codes(lambda: read_boundaries(path)) == ["code_blank", "code_duplicated"]
    assert codes(lambda: read_boundaries("lsoa21", path=geojson(write, [DEGREES], codes=["S01000001"]))) == [
        "code_malformed"
    ]


def test_empty_and_wrong_shapes_are_refused(write):
    assert codes(lambda: read_boundaries(geojson(write, [shapely.Polygon()], crs=GRID))) == ["geometry_empty"]
    assert codes(lambda: read_boundaries(geojson(write, [BOX, shapely.Point(1, 1)], crs=GRID))) == ["geometry_wrong"]


def test_repairs_under_one_percent_are_made_and_reported(write):
    spike = shapely.Polygon(
        [
            (580_000, 160_000),
            (581_000, 160_000),
            (581_000, 161_000),
            (581_000, 161_400),
            (581_000, 161_000),
            (580_000, 161_000),
        ]
    )
    areas = read_boundaries(geojson(write, [spike], crs=GRID))
    assert areas.frame.geometry.is_valid.all()
    assert areas.frame.area.iloc[0] == pytest.approx(1_000_000)
    (repair,) = areas.repairs
    assert (repair.code, repair.record) == ("geometry_repaired", 1)
    assert "1,000,000 m2" in repair.what


def test_a_bow_tie_is_refused(write):
    bow = shapely.Polygon([(580_000, 160_000), (581_000, 161_000), (581_000, 160_000), (580_000, 161_000)])
    assert codes(lambda: read_boundaries(geojson(write, [BOX, bow], crs=GRID))) == ["geometry_invalid"]


def test_overlapping_parts_of_one_area_cover_the_same_ground(write):
    parts = shapely.MultiPolygon(
        [shapely.box(580_000, 160_000, 582_000, 161_000), shapely.box(581_000, 160_000, 583_000, 161_000)]
    )
    areas = read_boundaries(geojson(write, [parts], crs=GRID))
    assert areas.frame.area.iloc[0] == pytest.approx(3_000_000)


def test_a_part_inside_another_is_a_hole_only_where_another_area_lies(write):
    inner = shapely.box(580_400, 160_400, 580_600, 160_600)
    nested = shapely.MultiPolygon([BOX, inner])
    assert read_boundaries(geojson(write, [nested], crs=GRID)).frame.area.tolist() == [pytest.approx(1_000_000)]
    both = read_boundaries(geojson(write, [nested, inner], crs=GRID))
    assert both.frame.area.tolist() == [pytest.approx(960_000), pytest.approx(40_000)]
    assert "hole" in both.repairs[0].what


def test_heights_are_dropped(write):
    areas = read_boundaries(geojson(write, [shapely.force_3d(DEGREES, 5.0)]))
    assert not areas.frame.has_z.any()


def test_kind_and_code_must_be_known(write):
    path = write(
        "c.geojson",
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"id": 7.0, "catchment": "North"},
                        "geometry": shapely.geometry.mapping(DEGREES),
                    }
                ],
            }
        ),
    )
    assert codes(lambda: read_boundaries(path)) == ["column_missing", "kind_unknown"]
    areas = read_boundaries(path, kind="catchment", code="id", name="catchment")
    assert (areas.kind, areas.codes.tolist(), areas.names.tolist()) == ("catchment", ["7"], ["North"])
    assert codes(lambda: read_boundaries(path, kind="catchment", code="ID")) == ["column_missing"]


def test_of_several_layers_the_kind_chooses(tmp_path):
    path = tmp_path / "b.gpkg"
    squares().to_file(path, layer="small")
    squares(codes=("E05000002", "E05000001")).rename(columns={"LSOA21CD": "WD24CD"}).to_file(path, layer="large")
    assert list_layers(path) == ["small", "large"]
    with pytest.raises(InputRefused) as caught:
        read_boundaries(path)
    assert "'small', 'large'" in str(caught.value)
    assert read_boundaries(path, kind="ward24").kind == "ward24"
    assert read_boundaries(path, layer="large").kind == "ward24"
    assert codes(lambda: read_boundaries(path, layer="none")) == ["layer_ambiguous"]


def test_a_recipe_credits_its_publisher(forms):
    assert "Office for National Statistics" in read_boundaries("lsoa21", path=forms / "a.gpkg").source.credit
    assert codes(lambda: read_boundaries("lsoa21")) == ["file_missing"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("layer", "kind", "count", "repaired"),
    [
        ("lsoa21", "lsoa21", 1107, 1),
        ("lsoa11", "lsoa11", 1065, 1),
        ("msoa21", "msoa21", 221, 0),
        ("wards25", "ward25", 279, 0),
        ("oa11", "oa11", 5475, 9),
        ("lad24", "lad24", 13, 0),
    ],
)
def test_kents_layers(shared_data, layer, kind, count, repaired):
    areas = read_boundaries(shared_data / "kent_medway" / "boundaries.gpkg", layer=layer)
    assert (areas.kind, len(areas), len(areas.repairs)) == (kind, count, repaired)
    assert areas.frame.geometry.is_valid.all()


@pytest.mark.real
def test_catchments_in_two_coordinate_systems(shared_data):
    for path in sorted((shared_data / "brighton_hove" / "admissions_and_catchments" / "catchulator").glob("*.geojson")):
        areas = read_boundaries(path, kind="catchment", code="catchment")
        west, south, east, north = areas.frame.total_bounds
        assert 515_000 < west < east < 545_000
        assert 98_000 < south < north < 115_000
