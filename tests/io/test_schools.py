"""Schools: GIAS and plain headers, numbers reported, positions that cannot be right left out."""

from __future__ import annotations

import pandas as pd
import pytest

from geoplan.errors import InputRefused, ProjectError
from geoplan.io.schools import read_schools

GIAS = (
    '"URN","LA (code)","EstablishmentNumber","EstablishmentName","PhaseOfEducation (name)",'
    '"TypeOfEstablishment (name)",'
    '"SchoolCapacity","NumberOfPupils","Easting","Northing","HeadLastName","TelephoneNum","StatutoryLowAge"\n'
)


def codes(schools):
    return list(zip(schools.findings["record"], schools.findings["code"], strict=True))


def test_gias_in_windows_1252(write):
    text = (
        GIAS + '"100000","887","1","St Zo\u00eb\u2019s","Primary",'
        '"Academy","210","200","575000","168000","Smith","0123","4"\n'
    )
    schools = read_schools(write("gias.csv", text.encode("cp1252")))
    row = schools.frame.loc["100000"]
    assert row["name"] == "St Zo\u00eb\u2019s"
    assert row["laestab"] == "8870001"
    assert (row["places"], row["roll"], row["easting"], row["lowest_age"]) == (210, 200, 575000.0, 4)
    assert not {"HeadLastName", "TelephoneNum"} & set(schools.frame)
    assert "Smith" not in schools.frame.to_csv()


def test_numbers_that_are_none_are_reported_and_left_out(write):
    schools = read_schools(write("s.csv", "urn,name,places\n1,A,two hundred\n2,B,\n3,C,210.0\n"))
    assert codes(schools) == [(1, "number_malformed")]
    assert [None if p is pd.NA else p for p in schools.frame["places"]] == [None, None, 210]


def test_positions_outside_great_britain_are_none(write):
    schools = read_schools(
        write("s.csv", "urn,name,easting,northing\n1,A,0,0\n2,B,575000,168000\n3,C,51.4,0.5\n4,D,168000,5750000\n")
    )
    assert codes(schools) == [(1, "position_outside"), (4, "position_outside")]
    assert schools.frame["easting"].notna().tolist() == [False, True, True, False]


def test_latitude_and_longitude_become_the_grid(write):
    schools = read_schools(write("s.csv", "urn,name,lat,lon\n1,A,51.38,0.52\n2,B,,\n"))
    assert abs(schools.frame.loc["1", "easting"] - 575_000) < 3_000
    assert schools.frame["easting"].notna().tolist() == [True, False]


def test_repeated_and_blank_numbers_are_refused_together(write):
    with pytest.raises(InputRefused) as caught:
        read_schools(write("s.csv", "urn,name\n1,A\n1,B\n,C\n1,D\n"))
    assert [(p.code, p.record, p.more) for p in caught.value.problems] == [
        ("code_blank", 3, 0),
        ("code_duplicated", 2, 1),
    ]


def test_missing_columns_are_named(write):
    with pytest.raises(InputRefused) as caught:
        read_schools(write("s.csv", "a,b\n1,2\n"))
    assert {p.column for p in caught.value.problems} == {"school", "name"}
    with pytest.raises(ProjectError):
        read_schools(write("s.csv", "a,b\n1,2\n"), columns={"nome": "a"})


def test_own_headers(write):
    assert read_schools(
        write("s.csv", "No,Title\n1,A\n"), columns={"school": "No", "name": "Title"}
    ).frame.index.tolist() == ["1"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "count", "positions"),
    [("schools_gias_2022-04.csv", 654, 654), ("schools_gias_2025-05.csv", 828, 827), ("schools_scap_2015.csv", 642, 0)],
)
def test_kents_schools(shared_data, file, count, positions):
    schools = read_schools(shared_data / "kent_medway" / file)
    assert len(schools) == count
    assert schools.frame.get("easting", pd.Series(dtype=float)).notna().sum() == positions
    assert schools.frame.index.str.fullmatch(r"\d{6,7}").all()  # "118229.0" is mended
    assert schools.frame["laestab"].str.fullmatch(r"\d{7}").mean() > 0.99
