"""Briefs and numbers by area: read as written, every problem of a file named."""

from __future__ import annotations

import pandas as pd
import pytest

from geoplan.errors import InputRefused, ProjectError
from geoplan.io.briefs import read_area_numbers, read_brief

BRIEF = """
objective = {travel = 1, moved = 0.01}
then = "gorard"
bridges = [["E1", "E2"]]
[limits]
places_within = 5
full_at_most = 110
one_piece = false
nearest = 3
together = [["E1", "E2"]]
[limits.fixed]
E3 = "101"
[limits.at_most]
moved = 200
[places]
101 = 210
"""


def test_a_brief_is_read_as_written(tmp_path):
    path = tmp_path / "brief.toml"
    path.write_text(BRIEF, encoding="utf-8")
    brief = read_brief(path)
    assert dict(brief.objective) == {"travel": 1, "moved": 0.01} and brief.then == "gorard"
    limits = brief.limits
    assert (limits.places_within, limits.full_at_most, limits.one_piece, limits.nearest) == (0.05, 1.1, False, 3)
    assert limits.together == (("E1", "E2"),) and limits.fixed == {"E3": "101"} and limits.at_most == {"moved": 200}
    assert brief.places == {"101": 210} and brief.bridges == (("E1", "E2"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("objectiv = 'travel'", "objectiv"),
        ("objective = 'speed'", "no measure 'speed'"),
        ("[limits]\nnearest = 0", "nearest"),
        ("[limits]\nplaces_within = -1", "places_within"),
        ("[limits.at_most]\nfun = 1", "no measure 'fun'"),
        ("objective = ", "cannot be read as TOML"),
    ],
)
def test_a_brief_that_cannot_be_used_says_where(tmp_path, text, said):
    path = tmp_path / "brief.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=said):
        read_brief(path)
    with pytest.raises(ProjectError, match="no such file"):
        read_brief(tmp_path / "none.toml")


def test_numbers_by_area_keep_every_year(tmp_path):
    path = tmp_path / "children.csv"
    path.write_text('LSOA21CD,Area name,2027,2028\nE2,Two,"1,200",3.5\nE1,One,4,5\n', encoding="utf-8")
    kind, table, source = read_area_numbers(path)
    assert kind == "lsoa21" and source.file == "children.csv"
    expected = pd.DataFrame({"2027": [4.0, 1200.0], "2028": [5.0, 3.5]}, index=pd.Index(["E1", "E2"], name="area"))
    pd.testing.assert_frame_equal(table, expected, check_index_type=False)


def test_needed_columns_only_are_read(tmp_path):
    path = tmp_path / "mix.csv"
    path.write_text("area,note,group,counted\nE1,x,1,4\n", encoding="utf-8")
    assert list(read_area_numbers(path, ("group", "counted"))[1].columns) == ["group", "counted"]
    with pytest.raises(InputRefused, match="no column boys"):
        read_area_numbers(path, ("boys",))


def test_every_problem_of_a_file_is_named_without_its_values(tmp_path):
    path = tmp_path / "children.csv"
    path.write_text("area,2027\nE1,4\nE1,x\n,7\nE2,-1\n", encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_area_numbers(path)
    assert {each.code for each in refused.value.problems} == {"code_duplicated", "code_blank", "number_malformed"}
    assert next(each for each in refused.value.problems if each.code == "number_malformed").more == 1
    path.write_text("name,2027\nx,4\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="no column of area codes"):
        read_area_numbers(path)
