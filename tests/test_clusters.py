"""Clusters: the kinds drawn are found, codes go by size, new areas go to the nearest centroid, names are plain."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from built import KINDS, kinds, recipe, town
from conftest import CODES, make_boundaries, make_people

from geoplan.assignment import assign
from geoplan.cluster_recipes import METHODS, AreaStatistics
from geoplan.clusters import build_clusters, classify, marks, suggest_names, to_segmentation
from geoplan.errors import InputRefused, RecipeError, VintageError
from geoplan.profiles import profile


@pytest.mark.parametrize("method", METHODS)
def test_the_kinds_that_were_drawn_are_found_and_numbered_by_size(method):
    made = build_clusters(town(), recipe(method=method))
    assert made.table["supergroup"].tolist() == kinds().map({"villas": "1", "terraces": "2", "flats": "3"}).tolist()
    assert made.sizes.to_dict() == {"1": 12, "2": 10, "3": 8}
    assert made.facts == {"areas": 30, "returned": {"supergroup": 1.0}}


def test_levels_split_inside_each_parent():
    made = build_clusters(town(), recipe(counts=(3, (2, 1, 3), 1)))
    assert made.at(2) == ["1A", "1B", "2A", "3A", "3B", "3C"]
    assert made.at(3) == ["1A1", "1B1", "2A1", "3A1", "3B1", "3C1"]
    assert (made.table["group"].str[:1] == made.table["supergroup"]).all()
    sizes = made.sizes
    assert all(sizes[p] == sum(sizes[c] for c in made.at(len(p) + 1, p)) for p in [*made.at(1), *made.at(2)])
    assert sizes["1A"] >= sizes["1B"]


def test_centroids_and_averages_are_plain_means():
    made = build_clusters(town(), recipe())
    values = town().values
    for code in made.at(1):
        inside = values[made.table["supergroup"].eq(code)]
        assert made.averages.loc[code].tolist() == pytest.approx(inside.mean().tolist())
    assert made.averages.loc[""].tolist() == pytest.approx(values.mean().tolist())


def test_too_few_areas_are_refused_parent_by_parent():
    with pytest.raises(InputRefused, match="2 problems") as refused:
        build_clusters(town(), recipe(counts=(3, 11)))
    assert {p.code for p in refused.value.problems} == {"areas_too_few"}
    assert "cluster 2: 10 areas" in str(refused.value)
    with pytest.raises(RecipeError, match="2 numbers for the 3 parents"):
        build_clusters(town(), recipe(counts=(3, (2, 2))))
    alike = pd.DataFrame([[1.0, 2, 3], [4, 5, 6]] * 5, columns=town().values.columns, index=list("abcdefghij"))
    with pytest.raises(InputRefused, match="2 of them different, cannot make 3"):
        build_clusters(AreaStatistics("oa21", alike, town().source), recipe())
    with pytest.raises(InputRefused, match="no areas"):
        build_clusters(AreaStatistics("oa21", alike.head(0), town().source), recipe())


def test_new_areas_go_to_the_nearest_centroid():
    made = build_clusters(town(), recipe())
    new = pd.DataFrame([KINDS["flats"], (0.0, 100.0, 30.0)], index=["x", "y"], columns=town().values.columns)
    assert classify(made, AreaStatistics("oa21", new, town().source))["supergroup"].tolist() == ["3", "2"]
    with pytest.raises(VintageError, match="of oa21, the statistics of lsoa21"):
        classify(made, AreaStatistics("lsoa21", new, town().source))


def test_marks_run_from_the_strongest_and_names_leave_out_what_should_not_label():
    made = build_clusters(town(), recipe())
    table = marks(made, "3")
    assert table["difference"].abs().is_monotonic_decreasing
    assert table.loc["flats", "average"] == pytest.approx(80, abs=2)
    assert made.names["3"].startswith("More flats")
    hidden = replace(made, recipe=replace(made.recipe, variables=(
        replace(made.recipe.variables[0], in_names=False), *made.recipe.variables[1:])))  # fmt: skip
    assert not any("flats" in name for name in suggest_names(hidden).values())
    assert marks(hidden, "3").loc["flats", "difference"] == table.loc["flats", "difference"]


def test_names_differ_inside_a_level():
    made = build_clusters(town(), recipe(counts=(3, 4)))
    for level in (1, 2):
        names = [made.names[code] for code in made.at(level)]
        assert len(set(names)) == len(names)


def test_another_build_is_another_version():
    made = build_clusters(town(), recipe())
    assert made.version == build_clusters(town(), recipe()).version
    others = [recipe(counts=(4,)), recipe(standardise="limits"), recipe(transform="log")]
    assert len({made.version, *(build_clusters(town(), each).version for each in others)}) == 4


def test_built_segments_are_assigned_and_profiled():
    values = town().values.iloc[[0, 1, 2, 10, 11, 12, 20, 21, 22]].set_axis(list(CODES.values()))
    made = build_clusters(AreaStatistics("lsoa21", values, town().source), recipe())
    segments = to_segmentation(made, "Borough")
    assert segments.keyed_by == "lsoa21" and segments.version == made.version
    from conftest import make_directory

    homes = ["TN1 1AA"] * 6 + ["TN1 4AA"] * 3 + ["TN1 9AA"]
    people = assign(make_people(homes), make_directory(), make_boundaries(), segments)
    ours = [made.table["supergroup"][CODES[letter]] for letter in "A" * 6 + "D" * 3 + "I"]
    assert people.frame["segment"].tolist() == ours
    found = profile(people, "900001").table
    assert found["count"].to_dict() == {ours[0]: 6, ours[6]: 3, ours[9]: 1}
