"""The project file: named problems, paths beside it, templates that are never written over anything."""

from __future__ import annotations

import json

import pytest

from geoplan.columns import TABLES, find_columns
from geoplan.errors import InputRefused, ProjectError
from geoplan.io.project import copy_demo, find_project, read_project, write_project_template
from geoplan.io.recipes import demo_folder

GOOD = '[project]\nname = "Here"\n[files]\npupils = "p.csv"\nschools = "s.csv"\n[columns.pupils]\nschool = "Base"\n'


def test_a_project_reads_its_own_files(write, tmp_path):
    write("geoplan.toml", GOOD)
    write("p.csv", "pupil_id,postcode,Base\n1,ME4 4AA,900001\n2,ME4 4AB,9\n")
    write("s.csv", "urn,name\n900001,A\n")
    place = read_project(tmp_path)
    assert place.pupils().findings["code"].tolist() == ["school_unknown"]
    assert place.schools().source.credit == "Schools: Here"
    assert (place.invented, place.areas(), place.segments()) == ("", (), None)
    assert find_project(place) is place


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[files]\n", "project must be given"),
        ('[project]\nname = ""\n', "project.name"),
        ('[project]\nname = "x"\ncolour = "red"\n', "project.colour is not a known key"),
        (GOOD + "[column.pupils]\n", "column is not a known key"),
        (GOOD.replace("school = ", "skool = "), "skool is not a column"),
        ('[project]\nname = "x"\n[files]\npupils = 3\n', "files.pupils"),
        ("[project\n", "not TOML"),
        ('[project]\nname = "x"\n[segmentation]\nkind = "oac31"\n', "oac31"),
    ],
)
def test_what_is_wrong_is_named(write, text, word):
    with pytest.raises((ProjectError, ValueError), match=word):
        read_project(write("geoplan.toml", text))


def test_missing_projects_and_roles(write, tmp_path):
    with pytest.raises(ProjectError, match="geoplan init"):
        read_project(tmp_path)
    place = read_project(write("geoplan.toml", GOOD))
    with pytest.raises(ProjectError, match="callers"):
        place.people("callers")
    with pytest.raises(ProjectError, match="lsoa21"):
        place.area("lsoa21")


def test_every_template_has_the_columns_its_table_needs_and_is_explained(tmp_path):
    written = write_project_template(tmp_path)
    words = (tmp_path / "columns.txt").read_text(encoding="utf-8")
    more = {path.stem: path for path in written if path.parent.name == "templates"}
    assert {"housing", "yields", "sites", "weights", "flows", "feeders", "moving", "births"} <= set(more)
    for name, path in more.items():
        headers = path.read_text(encoding="utf-8").strip().split(",")
        found = find_columns(headers, TABLES[name])
        known = set(found.positions.values())
        assert not found.problems, name
        assert name == "sites" or known == set(range(len(headers))), name  # sites: any criterion of one's own
        assert f"{name}: one row is {TABLES[name].row}" in words


def test_the_template_is_a_project_and_is_never_written_over(tmp_path):
    written = write_project_template(tmp_path / "new")
    beside = [path.name for path in written if path.parent.name == "new"]
    assert beside == ["geoplan.toml", "pupils.csv", "schools.csv", "columns.txt"]
    assert read_project(tmp_path / "new").name == "Our authority"
    (tmp_path / "new" / "pupils.csv").write_text("mine")
    assert write_project_template(tmp_path / "new") == []
    assert (tmp_path / "new" / "pupils.csv").read_text() == "mine"


def test_the_demo_is_copied_into_an_empty_folder_only(tmp_path):
    folder = copy_demo(tmp_path / "medway")
    assert read_project(folder).name == "Medway"
    assert not list(folder.glob("*.py"))
    with pytest.raises(InputRefused):
        copy_demo(folder)


def test_medway_is_as_its_makers_say():
    place = read_project(demo_folder())
    truth = json.loads((demo_folder() / "truth.json").read_text(encoding="utf-8"))
    assert place.pupils().count == truth["invented"]["figures"]["children_on_roll"]
    assert place.pupils(role="pupils_previous").count == truth["invented"]["figures"]["children_on_roll_before"]
    assert len(place.people("callers_2025")) == truth["invented"]["figures"]["contacts"]["2025"]
    assert place.people("callers_2025", id_column="family_id").count == truth["invented"]["figures"]["families"]["2025"]
    assert len(place.postcodes().table) == truth["real"]["postcodes"]
    assert {areas.kind: len(areas) for areas in place.areas()} == truth["real"]["areas"]
    assert "invented" in place.invented
    assert place.segments().source.invented
    assert place.schools().source.invented
    assert not place.postcodes().source.invented
