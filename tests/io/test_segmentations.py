"""Segmentations: scheme, version and level always said; OAC by its recipe, licensed lists as the user maps them."""

from __future__ import annotations

import pytest

from geoplan.errors import InputRefused
from geoplan.io.segmentations import read_segmentation

OAC = "oa21cd,Supergroup,Group,Subgroup\nE00000001,1,1a,1a1\nE00000002,2,2B,2b2\n"


def codes(call):
    with pytest.raises(InputRefused) as caught:
        call()
    return [p.code for p in caught.value.problems]


def test_oac_by_its_recipe(write):
    path = write("oac.csv", OAC)
    segments = read_segmentation("oac21", path)
    assert (segments.scheme, segments.version, segments.level, segments.keyed_by) == (
        "OAC",
        "2021",
        "supergroup",
        "oa21",
    )
    assert segments.table.loc["E00000002"].tolist() == ["2", "2B", "2B2"]
    assert segments.names["supergroup"]["1"] == "Retired Professionals"
    assert segments.names["group"]["2B"] == "Rural Amenity"
    assert segments.base_date == "2021-03-21"
    assert segments.source.credit
    assert read_segmentation("oac21", path, level="subgroup").level == "subgroup"


def test_oac_is_recognised_by_its_columns_and_codes(write):
    assert read_segmentation(write("x.csv", OAC)).label == "OAC 2021 supergroup"
    assert read_segmentation(write("x.csv", OAC.replace("oa21cd", "oa11cd"))).label == "OAC 2011 supergroup"
    assert read_segmentation(write("x.csv", OAC.replace("1a1", "zzz"))).scheme == "x"


def test_a_licensed_list_by_postcode(write):
    path = write("m.csv", "Postcode,M7 Group,M7 Name\nme4 4aa,A,City Prosperity\nME4 4AB,B,\nME4 4AD,B,\n")
    segments = read_segmentation(path, scheme="Mosaic", version="7", level="group", segment="M7 Group", name="M7 Name")
    assert (segments.keyed_by, segments.level) == ("postcode", "group")
    assert segments.table["group"].to_dict() == {"ME44AA": "A", "ME44AB": "B", "ME44AD": "B"}
    assert segments.name("A") == "City Prosperity"
    named = read_segmentation(path, scheme="Mosaic", version="7", segment="M7 Group", names={"B": "Prestige"})
    assert named.name("B") == "Prestige"


def test_several_levels_with_names(write):
    segments = read_segmentation(
        write("s.csv", "lsoa21cd,supergroup,supergroup_name,group\nE01000001,1,Terraces,1x\n"),
        scheme="Ours",
        version="2026",
    )
    assert list(segments.table) == ["supergroup", "group"]
    assert segments.name("1") == "Terraces"
    assert segments.at("group").level == "group"


def test_two_files_without_a_word_never_join(write):
    one = read_segmentation(write("s.csv", "oa21cd,segment\nE00000001,1\n"))
    two = read_segmentation(write("s.csv", "oa21cd,segment\nE00000001,2\n"))
    assert one.scheme == two.scheme == "s"
    assert one.version != two.version


def test_what_is_wrong_is_said_together(write):
    assert codes(lambda: read_segmentation(write("s.csv", "a,b\n1,2\n"))) == ["column_missing", "column_missing"]
    assert codes(lambda: read_segmentation(write("s.csv", "oa21cd,segment\nE00000001,1\n,2\nE00000001,3\n"))) == [
        "code_blank",
        "code_duplicated",
    ]
    assert codes(
        lambda: read_segmentation("oac21", write("s.csv", OAC.replace("E00000002", "hello").replace("1a1", "9z")))
    ) == ["code_malformed", "code_malformed"]
    assert codes(lambda: read_segmentation(write("s.csv", "oa21cd,segment\nE00000001,1\n"), scheme="Mosaic")) == [
        "kind_unknown"
    ]
    assert codes(
        lambda: read_segmentation(write("s.csv", "oa21cd,group,group_name\nE00000001,1,A\nE00000002,1,B\n"))
    ) == ["column_ambiguous"]
    assert codes(lambda: read_segmentation("oac21")) == ["file_missing"]


def test_a_cut_file_is_refused(write):
    for size in range(len(OAC) - 1):
        with pytest.raises(InputRefused):
            segments = read_segmentation("oac21", write("s.csv", OAC[:size]))
            assert segments.table.index.tolist() == ["E00000001"]
            raise InputRefused("s.csv", [])


@pytest.mark.real
def test_kents_oac(shared_data):
    segments = read_segmentation("oac21", shared_data / "kent_medway" / "oac2021_oa.csv.gz")
    assert len(segments.table) == 5_734
    assert len(segments.segments) == 8
    assert (
        read_segmentation(
            shared_data / "kent_medway" / "oac2021_lsoa_dominant.csv", scheme="OAC dominant", version="2021"
        ).keyed_by
        == "lsoa21"
    )
