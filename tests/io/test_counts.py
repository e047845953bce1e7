"""Small tables by area: residents, and catchments by area."""

from __future__ import annotations

import pytest

from geoplan.errors import InputRefused
from geoplan.io.counts import read_catchments, read_residents


def write(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_residents_are_added_up_by_area(tmp_path):
    path = write(tmp_path, 'LSOA21CD,age,Children\nE01000001,5,"1,200"\nE01000001,6,30\nE01000002,5,7\n')
    kind, counts = read_residents(path)
    assert kind == "lsoa21"
    assert counts.to_dict() == {"E01000001": 1230, "E01000002": 7}


def test_hidden_numbers_of_residents_are_not_guessed_at(tmp_path):
    with pytest.raises(InputRefused, match="record 2 and 1 more   not a number of residents"):
        read_residents(write(tmp_path, "oa21,children\nE1,5\nE2,<=5\nE3,c\n"))


def test_catchments_by_area(tmp_path):
    kind, school = read_catchments(write(tmp_path, "lsoa11,school\nE01000001,900001\nE01000002,900002\n"))
    assert kind == "lsoa11"
    assert school.to_dict() == {"E01000001": "900001", "E01000002": "900002"}


def test_an_area_twice_and_columns_missing_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="record 2"):
        read_catchments(write(tmp_path, "lsoa11,school\nE01000001,900001\nE01000001,900002\n"))
    with pytest.raises(InputRefused) as refused:
        read_residents(write(tmp_path, "name,number\na,1\n"))
    assert len(refused.value.problems) == 2
