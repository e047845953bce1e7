"""Streets by postcode: read, with every row that cannot be used reported, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import InputRefused, ProjectError
from geoplan.io.describe import describe_file
from geoplan.io.streets import read_streets

GIAS = Path(__file__).parents[2] / ".." / "shared" / "data" / "kent_medway" / "schools_gias_2022-04.csv"


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "streets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_address_list_is_read_and_what_cannot_be_used_is_reported(tmp_path):
    rows = [
        "UPRN,Street_Name,Town,PCDS", "1,High Street,Gillingham,ME7 1AA", "2,,Gillingham,ME7 1AB",
        "3,Mill Lane,Gillingham,", "4,Mill Lane,Gillingham,nowhere", "5,Mill Lane,,me7 1ad", "",
    ]  # fmt: skip
    path = write(tmp_path, "\n".join(rows))
    streets = read_streets(path)
    assert streets.frame[["record", "postcode", "street", "locality"]].values.tolist() == [
        [1, "ME7 1AA", "High Street", "Gillingham"],
        [5, "me7 1ad", "Mill Lane", ""],
    ]
    assert streets.findings[["record", "column", "code"]].values.tolist() == [
        [2, "Street_Name", "street_blank"],
        [3, "PCDS", "street_without_postcode"],
        [4, "PCDS", "street_without_postcode"],
    ]
    report = describe_file(path, "streets")
    assert (report["records"], report["accepted"], report["rejected"], report["details"]["streets"]) == (5, 2, 3, 2)


def test_a_locality_is_not_needed_and_headers_can_be_mapped(tmp_path):
    path = write(tmp_path, "code,lane\nME7 1AA,High Street\n")
    assert read_streets(path, {"postcode": "code", "street": "lane"}).frame["locality"].tolist() == [""]
    with pytest.raises(ProjectError, match="no column 'house'"):
        read_streets(path, {"house": "code"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("postcode,town\nME7 1AA,Gillingham\n", "column_missing"),
        ("postcode,street\nnowhere,High Street\nME7 1AA,\n", "no_records"),
        ("", "file_empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(tmp_path, text, code):
    with pytest.raises(InputRefused) as refused:
        read_streets(write(tmp_path, text))
    assert refused.value.code == code


@pytest.mark.skipif(not GIAS.exists(), reason="real open data are not here")
def test_the_streets_that_schools_stand_in():
    streets = read_streets(GIAS)
    assert len(streets) > 500 and set(streets.findings["code"]) <= {"street_blank", "street_without_postcode"}
    assert streets.frame["locality"].ne("").mean() > 0.2
