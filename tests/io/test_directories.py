"""Postcode directories: every product, old and new headers, and no position where there is none."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoplan.errors import InputRefused
from geoplan.io import cache
from geoplan.io.directories import read_postcodes


def words(text: str) -> list[str]:
    return text.split()


NEW = words(
    "pcd7 pcd8 pcds dointr doterm cty26cd ced25cd lad26cd wd26cd parncp26cd usrtypind east1m north1m "
    "gridind ctry26cd rgn26cd pcon24cd oa11cd lsoa11cd msoa11cd lat long imd20ind oa21cd lsoa21cd "
    "msoa21cd oac21ind"
)
OLD = words(
    "pcd pcd2 pcds dointr doterm oscty ced oslaua osward parish usertype oseast1m osnrth1m osgrdind ctry "
    "rgn pcon oa11 lsoa11 msoa11 lat long imd oa21 lsoa21 msoa21"
)
NSPL = words(
    "pcd7 pcd8 pcds dointr doterm usrtypind east1m north1m gridind oa21cd lad26cd wd26cd lsoa21cd msoa21cd oac21ind"
)
VALUES = {
    "pcds": "ME4 4AA",
    "dointr": "198001",
    "lad": "E06000035",
    "laua": "E06000035",
    "ward": "E05000001",
    "wd": "E05000001",
    "east": "575000",
    "north": "168000",
    "nrth": "168000",
    "grid": "1",
    "grdind": "1",
    "oa": "E00080000",
    "lsoa": "E01016000",
    "usr": "0",
    "usertype": "0",
}


def row(headers, **changes):
    """One row under these headers: by whatever the header is about."""

    def cell(header):
        for key, value in (changes | {k: v for k, v in VALUES.items() if k not in changes}).items():
            if header == key or (key in header and key not in {"pcds", "oa", "usr"}):
                return value
        return (
            VALUES["oa"] if header.startswith("oa") and "ac" not in header else "0" if header.startswith("usr") else ""
        )

    return ",".join(cell(header) for header in headers)


def directory(write, headers, *rows, name="d.csv"):
    return read_postcodes(write(name, ",".join(headers) + "\n" + "".join(r + "\n" for r in rows)))


@pytest.mark.parametrize(
    ("headers", "product", "yearly"),
    [
        (NEW, "onspd", {"lad26", "ward26"}),
        (OLD, "onspd", {"lad", "ward"}),
        (NSPL, "nspl", {"lad26", "ward26"}),
        ([h.upper() for h in ["X", "Y", "objectid", *NEW]], "onspd", {"lad26", "ward26"}),
    ],
)
def test_headers_of_all_years(write, headers, product, yearly):
    found = directory(write, headers, row([h.lower() for h in headers]))
    assert found.product == product
    assert yearly | {"oa21", "lsoa21"} <= set(found.kinds)
    only = found.table.iloc[0]
    assert (only["postcode"], only["introduced"], only["terminated"], only["user_type"]) == ("ME44AA", 198001, 0, 0)
    assert (only["easting"], only["northing"], only["lsoa21"]) == (575000.0, 168000.0, "E01016000")
    assert "Office for National Statistics" in found.source.credit


def test_no_position_where_there_is_none(write):
    found = directory(
        write,
        OLD,
        row(OLD, pcds="ME4 4AA"),
        row(OLD, pcds="ME4 4AB", grid="9", osgrdind="9"),
        row(OLD, pcds="ME4 4AD", oseast1m="", osnrth1m=""),
        row(OLD, pcds="BT1 1AA", oseast1m="333000", osnrth1m="374000"),
        row(OLD, pcds="GY1 1AA"),
        row(OLD, pcds="ME4 4AE", oseast1m="0", osnrth1m="0"),
        row(OLD, pcds="ME4 4AF", osgrdind="6"),
    ).table
    assert found["easting"].notna().tolist() == [True, False, False, False, False, False, True]
    assert found["approx"].tolist() == [False] * 6 + [True]


def test_placeholders_are_missing(write):
    found = directory(
        write, OLD, row(OLD, oslaua="L99999999", lsoa21="E99999999", osward="W99999999"), row(OLD, pcds="ME4 4AB")
    ).table
    assert found["lsoa21"].isna().tolist() == [True, False]
    assert found["lsoa21"].cat.categories.tolist() == ["E01016000"]
    assert found["lad"].isna().tolist() == [True, False]


def test_only_area_kinds_are_categories(write):
    found = directory(write, NEW, row(NEW))
    assert set(found.kinds) == {
        "oa11",
        "oa21",
        "lsoa11",
        "lsoa21",
        "msoa11",
        "msoa21",
        "lad26",
        "ward26",
        "county26",
        "parish26",
        "constituency24",
        "region26",
        "country26",
    }


def test_a_reused_postcode_keeps_its_live_row_and_a_clash_is_refused(write):
    live, ended = row(OLD, oseast1m="575100"), row(OLD, doterm="200001")
    assert directory(write, OLD, ended, live).table["easting"].tolist() == [575100.0]
    assert len(directory(write, OLD, live, live).table) == 1
    with pytest.raises(InputRefused) as caught:
        directory(write, OLD, live, row(OLD))
    assert caught.value.problems[0].code == "code_duplicated"


def test_what_is_missing_is_named_together(write):
    with pytest.raises(InputRefused) as caught:
        read_postcodes(write("d.csv", "a,b\n1,2\n"))
    assert [p.column for p in caught.value.problems] == ["postcode", "easting"]


def test_damaged_values_are_named_together(write):
    with pytest.raises(InputRefused) as caught:
        read_postcodes(
            write(
                "d.csv", "postcode,easting,northing\nME4 4AA,57x,168000\nhello,575000,168000\nME4 4AB,168000,9575000\n"
            )
        )
    assert {p.code for p in caught.value.problems} == {"postcode_malformed", "number_malformed", "crs_wrong"}


def test_a_cut_directory_is_refused(write):
    text = "postcode,easting,northing\nME4 4AA,575000,168000\nME4 4AB,575000,168000\n"
    assert len(read_postcodes(write("d.csv", text[:-1])).table) == 2
    for cut in (2, 5, 10):
        with pytest.raises(InputRefused):
            read_postcodes(write("d.csv", text[:-cut]))


CODE_POINT = '"ME4 4AA",10,575000,168000,"E92000001","E19000001","E18000001","","E06000035","E05000001"\n'
NOWHERE = '"ME4 4AB",90,0,0,"E92000001","E19000001","E18000001","","E06000035","E05000001"\n'


def zipped(members: dict[str, str]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return memory.getvalue()


def test_code_point_open_as_file_folder_and_zip(write, tmp_path):
    members = {
        "Doc/Code-Point_Open_Column_Headers.csv": "PC,PQ\n",
        "Data/CSV/me.csv": CODE_POINT,
        "Data/CSV/mf.csv": NOWHERE,
    }
    for name, text in members.items():
        write(f"download/{name}", text)
    found = [
        read_postcodes(write("me.csv", CODE_POINT + NOWHERE)),
        read_postcodes(tmp_path / "download"),
        read_postcodes(write("codepo_gb.zip", zipped(members))),
    ]
    for each in found:
        assert each.product == "code_point_open"
        assert each.table["easting"].tolist()[0] == 575000.0
        assert np.isnan(each.table["easting"].tolist()[1])
        assert each.kinds == ("country", "lad", "ward") or "lad" in each.kinds


def test_a_folder_of_area_files(write, tmp_path):
    for area in ("ME", "TN"):
        write(
            f"Data/multi_csv/ONSPD_AUG_2026_UK_{area}.csv", ",".join(NEW) + "\n" + row(NEW, pcds=f"{area}4 4AA") + "\n"
        )
    found = read_postcodes(tmp_path)
    assert found.table["postcode"].tolist() == ["ME44AA", "TN44AA"]
    assert found.source.vintage == "2026-08"
    write("Data/multi_csv/ONSPD_AUG_2026_UK_XX.csv", ",".join(OLD) + "\n" + row(OLD) + "\n")
    with pytest.raises(InputRefused):
        read_postcodes(tmp_path)


def test_a_table_of_ones_own_with_degrees(write):
    found = read_postcodes(
        write("d.csv", "Postcode,Lat,Long,ward25cd\nme4 4aa,51.38,0.52,E05000001\nME4 4AB,99.999999,0,\n")
    )
    assert found.product == "custom"
    assert found.kinds == ("ward25",)
    assert found.table["easting"].notna().tolist() == [True, False]


def test_cache_on_is_cache_off(write, monkeypatch, own_cache):
    path = write(
        "d.csv", ",".join(NEW) + "\n" + row(NEW, lsoa21cd="E99999999") + "\n" + row(NEW, pcds="ME4 4AB") + "\n"
    )
    first, kept = read_postcodes(path), read_postcodes(path)
    assert len(list(own_cache.glob("*.parquet"))) == 1
    monkeypatch.setenv("GEOPLAN_CACHE", "off")
    plain = read_postcodes(path)
    for each in (kept, plain):
        pd.testing.assert_frame_equal(each.table, first.table)
        assert (each.source, each.product) == (first.source, first.product)


def test_the_cache_is_of_these_bytes_only(write, own_cache):
    for value in ("575000", "575001", "575002"):
        path = write("d.csv", f"postcode,easting,northing\nME4 4AA,{value},168000\n")
        assert read_postcodes(path).table["easting"].tolist() == [float(value)]
    for path in own_cache.glob("*.parquet"):
        path.write_bytes(b"damaged")
    assert read_postcodes(write("d.csv", "postcode,easting,northing\nME4 4AA,575001,168000\n")).table[
        "easting"
    ].tolist() == [575001.0]


def test_a_cache_that_cannot_be_written_is_no_error(write, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("GEOPLAN_CACHE", str(blocked / "below"))
    assert len(read_postcodes(write("d.csv", "postcode,easting,northing\nME4 4AA,575000,168000\n")).table) == 1
    monkeypatch.delenv("GEOPLAN_CACHE")
    assert isinstance(cache.cache_folder(), Path)


def test_the_recipe_beside_a_file_is_its_source(write):
    write(
        "mine.toml",
        'kind="mine"\nwhat="postcodes"\ntitle="Ours"\npublisher="Us"\nlicence="OGL-UK-3.0"\n'
        'attribution="Credit us"\nyear=2026\n',
    )
    found = read_postcodes(write("mine.csv", "postcode,easting,northing\nME4 4AA,575000,168000\n"))
    assert found.source.credit == "Credit us"
    json.dumps(found.source.__dict__)


@pytest.mark.real
def test_kents_postcodes(shared_data):
    found = read_postcodes(shared_data / "kent_medway" / "postcodes.csv.gz")
    assert len(found.table) == 70_600
    assert int(found.table["terminated"].eq(0).sum()) == 51_170 + 409  # ONS, and newer ones of Code-Point Open only
    assert found.kinds == ("oa11", "lsoa11", "msoa11", "lad")
    assert int(found.table["easting"].isna().sum()) == 19_323
    assert found.table["lsoa11"].nunique() >= 1_065
