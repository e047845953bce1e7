"""Clusters kept as files: saved, read and applied the same; names edited; published centroids; real data."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from built import RECIPE, recipe, town
from conftest import make_people

from geoplan.assignment import assign
from geoplan.clusters import build_clusters, classify
from geoplan.errors import InputRefused, RecipeError
from geoplan.io.clusters import read_cluster_recipe, read_clusters, read_published, save_clusters
from geoplan.io.directories import read_postcodes
from geoplan.io.layers import read_boundaries
from geoplan.io.recipes import read_recipe
from geoplan.io.segmentations import read_segmentation
from geoplan.io.statistics import read_statistics
from geoplan.profiles import profile
from geoplan.segments import dominant
from geoplan.stability import agreement


@pytest.fixture
def data(write):
    return read_recipe(write("town21.toml", RECIPE))


@pytest.mark.parametrize("changes", [{}, {"counts": (3, (1, 2, 3), 2)}, {"transform": "boxcox", "standardise": "idr"},
                                     {"counts": (12,), "method": "ward"}])  # fmt: skip
def test_saved_and_read_again(tmp_path, data, changes):
    made = build_clusters(town(), recipe(**changes))
    table, beside = save_clusters(made, tmp_path / "ours.csv", data, "Our town")
    segments = read_segmentation(table)
    assert (segments.scheme, segments.version, segments.keyed_by) == ("Our town", made.version, "oa21")
    assert segments.table.equals(made.table)
    assert {c: n for level in segments.names.values() for c, n in level.items()} == dict(made.names)
    again_data, again = read_clusters(beside)
    assert again.recipe == made.recipe and again.version == made.version == again_data.version
    assert classify(again, town()).equals(classify(made, town()))
    pd.testing.assert_frame_equal(again.averages, made.averages, check_names=False)
    assert dict(again.facts) == dict(made.facts)
    assert save_clusters(made, tmp_path / "ours.csv", data, "Our town")[1].read_bytes() == beside.read_bytes()


def test_names_are_edited_in_the_recipe(tmp_path, data):
    made = build_clusters(town(), recipe())
    table, beside = save_clusters(made, tmp_path / "ours.csv", data)
    text = beside.read_text(encoding="utf-8")
    beside.write_text(text.replace(f'"1" = "{made.names["1"]}"', '"1" = "Villas by the sea"'), encoding="utf-8")
    read_recipe.cache_clear()
    assert read_segmentation(table).name("1") == "Villas by the sea"
    assert read_clusters(beside)[1].names["1"] == "Villas by the sea"
    assert read_clusters(beside)[1].version == made.version


def test_a_recipe_saved_builds_the_same_again(tmp_path, data):
    made = build_clusters(town(), recipe(counts=(3, 2)))
    beside = save_clusters(made, tmp_path / "ours.csv", data)[1]
    assert build_clusters(town(), read_cluster_recipe(beside)[1]).table.equals(made.table)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('"1" = [', '"9" = [', "different clusters"),
        ("flats = [", "flat = [", "one number for each"),
        ('method = "kmeans"', 'method = "guess"', "method"),
        ("seed = 2021", "speed = 2021", "speed"),
    ],
)
def test_recipes_damaged_by_hand(tmp_path, data, old, new, word):
    beside = save_clusters(build_clusters(town(), recipe()), tmp_path / "ours.csv", data)[1]
    text = beside.read_text(encoding="utf-8")
    at = text.index("[clusters]")
    beside.write_text(text[:at] + text[at:].replace(old, new, 1), encoding="utf-8")
    read_recipe.cache_clear()
    with pytest.raises(RecipeError, match=word):
        read_clusters(beside)


def test_what_cannot_be_saved_or_read(tmp_path, data, write):
    made = build_clusters(town(), recipe())
    for name in ("Our Town.csv", "ours.txt"):
        with pytest.raises(RecipeError, match="small letters"):
            save_clusters(made, tmp_path / name, data)
    with pytest.raises(RecipeError, match="does not say how"):
        read_cluster_recipe("oac21")
    with pytest.raises(RecipeError, match="build it"):
        read_clusters(write("town21.toml", RECIPE))


def test_published_centroids_of_two_levels(write):
    published = RECIPE
    for i, name in enumerate(("flats", "terraced", "two_cars")):
        published = published.replace(f'numerator = ["{name}"]', f'numerator = ["{name}"]\npublished = "v{i}"')
    path = write("town21.toml", published)
    top = write("top.csv", "Super,v0,v1,v2\n1,0.1,0.2,0.9\n2,0.9,0.5,0.4\n")
    fine = write("fine.csv", "Group,v2,v1,v0\n1a,0.9,0.1,0.1\n1b,0.8,0.3,0.1\n2a,0.4,0.5,0.9\n")
    _, made = read_published([top, fine], path)
    assert made.recipe.counts == (2, (2, 1)) and made.recipe.standardise == "limits"
    assert made.centroids.loc["1B"].to_dict() == {"flats": 0.1, "terraced": 0.3, "two_cars": 0.8}
    assert set(classify(made, town())["group"].str[0]) == {"1", "2"}
    with pytest.raises(InputRefused, match="one character longer"):
        read_published([fine, top], path)
    with pytest.raises(InputRefused, match="no column 'v2'"):
        read_published([write("bad.csv", "Super,v0,v1\n1,0.1,0.2\n")], path)


@pytest.mark.real
@pytest.mark.parametrize(("place", "same", "ari"), [("kent_medway", 0.84, 0.67), ("brighton_hove", 0.88, 0.76)])
def test_nearest_published_centroid_gives_the_published_supergroup(shared_data, place, same, ari):
    """OAC 2021 from 41 of its 60 variables, on a scale from 0 to 100 per cent (the UK's own are not published)."""
    data, oac = read_published([shared_data / "oac" / "OAC_centroids.csv"], "census21_oa")
    assert len(oac.recipe.variables) == 41
    areas = read_statistics(shared_data / place / "census2021_oa.csv.gz", data, oac.recipe.variables)
    published = read_segmentation("oac21", shared_data / place / "oac2021_oa.csv.gz")
    found = agreement(published.table["supergroup"], classify(oac, areas)["supergroup"])
    assert found.areas == len(areas.values) == len(published)
    assert found.same > same and found.ari > ari


@pytest.mark.real
def test_kent_and_medway_from_statistics_to_profiles(shared_data, tmp_path):
    """Built on output areas, saved, read, drawn up to LSOAs, assigned through their boundaries, profiled."""
    place = shared_data / "kent_medway"
    data, how = read_cluster_recipe("census21_oa")
    areas = read_statistics(place / "census2021_oa.csv.gz", data, how.variables)
    made = build_clusters(areas, replace(how, counts=(8,), starts=5))
    assert made.facts["returned"]["supergroup"] > 0.999
    table, _ = save_clusters(made, tmp_path / "kent.csv", data, "Kent and Medway")
    segments = read_segmentation(table)
    published = read_segmentation("oac21", place / "oac2021_oa.csv.gz")
    assert agreement(published.table["supergroup"], segments.table["supergroup"]).ari > 0.2  # kin, not the same
    lookup = pd.read_csv(place / "oac2021_oa.csv.gz", dtype="str").set_index("oa21cd")["lsoa21cd"]
    by_lsoa = dominant(segments, lookup, "lsoa21")
    directory = read_postcodes(place / "postcodes.csv.gz")
    lsoas = read_boundaries(place / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
    homes = directory.table["postcode"].astype("str").iloc[::50].tolist()
    schools = (["900001", "900002"] * len(homes))[: len(homes)]
    people = assign(make_people(homes, schools), directory, lsoas, by_lsoa)
    placed = people.frame["lsoa21"].isin(by_lsoa.table.index)
    assert placed.sum() > 0.5 * len(homes)  # others are of ended postcodes, or have no position
    ours = people.frame[placed & people.frame["school"].eq("900001")]
    counts = profile(people, "900001").table["count"]
    assert counts.sum() == len(ours)
    assert (ours["segment"] == ours["lsoa21"].map(by_lsoa.table["supergroup"])).all()


@pytest.mark.real
def test_the_columns_of_the_published_centroids_are_those_of_the_variables(shared_data):
    """The table of centroids numbers its columns otherwise than the list of variables: ours pairs them rightly.

    The centres of the same clustering, published with the numbers of the list, must be the very same figures.
    """
    folder = shared_data / "oac"
    listed = pd.read_csv(folder / "OAC_variables.csv").set_index("encoding")["Name"]
    centres = pd.read_csv(folder / "oac2021_supergroup_kmeans_centers.csv", index_col=0)
    _, oac = read_published([folder / "OAC_centroids.csv"], "census21_oa")
    expected = {"born_uk": "Europe: United Kingdom", "detached": "Detached", "no_religion": "No religion",
                "flats": "Lives in a flat", "level_4": "Level 4 qualifications or above", "full_time": "Full-time",
                "students": "L15 Full-time students", "same_address": "Same address year ago",
                "one_person": "One-person household", "social_rented": "Social rented"}  # fmt: skip
    pairs = {}
    for name in oac.recipe.names:
        ours = sorted(oac.centroids[name])
        same = [number for number in centres if abs(pd.Series(ours) - sorted(centres[number])).max() < 1e-12]
        assert len(same) == 1, name
        pairs[name] = listed[same[0]]
    assert len(set(pairs.values())) == 41
    assert {name: pairs[name] for name in expected} == expected
