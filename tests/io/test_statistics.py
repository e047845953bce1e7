"""Area statistics: from one file or several, every problem together, what is left out counted."""

from __future__ import annotations

import pytest
from built import RECIPE, town, town_csv

from geoplan.errors import InputRefused
from geoplan.io.clusters import read_cluster_recipe
from geoplan.io.statistics import read_statistics


@pytest.fixture
def recipe(write):
    return read_cluster_recipe(write("town21.toml", RECIPE))


def read(paths, recipe, **options):
    return read_statistics(paths, recipe[0], recipe[1].variables, **options)


def test_counts_become_percentages(write, recipe):
    areas = read(write("town.csv", town_csv()), recipe)
    assert areas.kind == "oa21" and areas.records == 30 and areas.left_out == 0
    assert abs(areas.values - town().values.clip(lower=0)).to_numpy().max() < 0.001
    assert areas.source.credit == "Drawn for tests" and areas.source.file == "town.csv"


def test_several_files_are_joined_by_code_whatever_their_order(write, recipe):
    whole = read(write("town.csv", town_csv()), recipe)
    rows = [line.split(",") for line in town_csv().splitlines()]
    one = "\n".join(",".join(row[:3]) for row in rows) + "\n"
    two = "\n".join(",".join([row[0], *row[3:]]) for row in [rows[0], *rows[:0:-1]]) + "\n"
    parts = read([write("one.csv", one), write("two.csv", two)], recipe)
    assert parts.values.equals(whole.values)


def test_an_area_in_only_one_of_the_files_lacks_numbers(write, recipe):
    rows = [line.split(",") for line in town_csv().splitlines()]
    one = "\n".join(",".join(row[:3]) for row in rows) + "\n"
    two = "\n".join(",".join([row[0], *row[3:]]) for row in rows[:-1]) + "\n"
    files = [write("one.csv", one), write("two.csv", two)]
    with pytest.raises(InputRefused, match="E00000029"):
        read(files, recipe)
    assert read(files, recipe, leave_out=True).left_out == 1


def test_every_problem_of_a_file_together(write, recipe):
    lines = town_csv().splitlines()
    lines[2] = "E00000001,200,many,2,3"
    lines[3] = lines[4]
    lines[6] = "W1,200,1,2,3"
    lines[8] = ",200,1,2,3"
    with pytest.raises(InputRefused) as refused:
        read(write("town.csv", "\n".join(lines) + "\n"), recipe)
    assert [(p.code, p.record) for p in refused.value.problems] == [
        ("code_blank", 8), ("code_duplicated", 4), ("code_malformed", 6), ("number_malformed", 2),
    ]  # fmt: skip


def test_areas_without_homes_or_numbers(write, recipe):
    lines = town_csv().splitlines()
    lines[1] = "E00000000,0,0,0,0"
    lines[2] = "E00000001,200,,2,3"
    path = write("town.csv", "\n".join(lines) + "\n")
    with pytest.raises(InputRefused) as refused:
        read(path, recipe)
    assert {(p.code, p.column) for p in refused.value.problems} == {
        ("value_missing", "flats"),
        *(("denominator_zero", name) for name in ("flats", "terraced", "two_cars")),
    }
    areas = read(path, recipe, leave_out=True)
    assert areas.records == 30 == len(areas.values) + areas.left_out and areas.left_out == 2


def test_impossible_percentages_are_refused_even_when_leaving_out(write, recipe):
    path = write("town.csv", town_csv().replace("E00000003,200,", "E00000003,100,"))
    with pytest.raises(InputRefused, match="over 110%"):
        read(path, recipe, leave_out=True)


@pytest.mark.parametrize("text", ["OA,homes,flats\nE00000000,1,1\n", "flats,terraced\n1,2\n"])
def test_columns_that_no_file_has(write, recipe, text):
    with pytest.raises(InputRefused) as refused:
        read(write("town.csv", text), recipe)
    assert {p.code for p in refused.value.problems} == {"column_missing"}


def test_a_file_cut_off_is_refused(write, recipe):
    with pytest.raises(InputRefused, match="cut off"):
        read(write("town.csv", town_csv()[:-3]), recipe)
