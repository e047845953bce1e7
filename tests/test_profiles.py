"""Profiles: a school against a named base."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.hierarchies import hierarchy
from geoplan.profiles import (
    at_level,
    choose_level,
    compare_groups,
    compare_schools,
    living_in,
    profile,
    residents,
    same_group,
    segment_counts,
)
from geoplan.protection import GroupBase, protect_place


def two_schools():
    """School 900001: 60 Terraces, 20 Harbour, 5 unplaced; 900002: 20 Terraces, 40 Harbour, 60 Villages."""
    postcodes = [postcode("A1")] * 60 + [postcode("D1")] * 20 + [""] * 5
    postcodes += [postcode("B2")] * 20 + [postcode("E1")] * 40 + [postcode("G1")] * 60
    people = make_people(postcodes, ["900001"] * 85 + ["900002"] * 120)
    return assign(people, make_directory(), segments=make_segments())


def test_profile_in_numbers_worked_by_hand():
    ours = profile(two_schools(), "900001")
    assert (ours.pupils, ours.placed) == (85, 80)
    table = ours.table
    assert table["name"].tolist() == ["Terraces", "Harbour", "Villages"]
    assert table["count"].tolist() == [60, 20, 0]
    assert table["base_count"].tolist() == [80, 60, 60]
    assert table["index"].tolist() == pytest.approx([100 * (60 / 80) / (80 / 200), 100 * (20 / 80) / (60 / 200), 0])
    assert set(ours.notable().index) == {"1", "3"}
    assert "all pupils placed" in ours.comparison.base


def test_every_school_at_once_is_each_school_alone():
    people = two_schools()
    together = compare_schools(people)
    assert together.groups == ["900001", "900002"]
    for school in together.groups:
        alone = profile(people, school)
        assert alone.comparison.table.equals(together.only(school).table)


def test_counts_conserve_pupils_and_keep_every_segment_of_the_scheme():
    people = assign(make_people([postcode("A1")] * 3), make_directory(), segments=make_segments())
    counts = segment_counts(people)
    assert list(counts.columns) == ["1", "2", "3"]
    assert counts.to_numpy().sum() == 3


def test_another_base_must_be_named_and_of_the_same_segmentation():
    people = two_schools()
    part = people.where(school="900002")
    assert profile(people, "900001", base=part, base_name="the other school").comparison.base == "the other school"
    with pytest.raises(ValueError, match="name the base"):
        profile(people, "900001", base=part)
    other = replace(part, segmentation=replace(part.segmentation, version="2011"))
    with pytest.raises(VintageError):
        profile(people, "900001", base=other, base_name="x")
    with pytest.raises(ValueError, match="not known"):
        profile(people, "900001", base="everybody")


def test_an_unknown_school_is_named_with_those_there_are():
    with pytest.raises(UnknownCodeError, match="900001, 900002"):
        profile(two_schools(), "123456")


def test_people_without_segments_cannot_be_profiled():
    with pytest.raises(UnknownCodeError, match="name a segmentation"):
        profile(assign(make_people([postcode("A1")]), make_directory()), "900001")


def test_small_counts_are_hidden_in_the_table_that_may_be_shown():
    postcodes = [postcode("A1")] * 60 + [postcode("D1")] * 4 + [postcode("G1")] * 36
    people = assign(make_people(postcodes), make_directory(), segments=make_segments())
    shown = profile(people, "900001").protect()
    assert shown.is_hidden("count").tolist() == [False, True, False]
    assert shown.table["count"].fillna(-1).tolist() == [60, -1, 35]


def four_schools():
    """Two clusters of two schools: 1 and 2 in North, 3 and 4 in South."""
    homes, schools = [], []
    for school, parts in {"1": (90, 30, 0), "2": (60, 60, 30), "3": (20, 70, 60), "4": (30, 30, 90)}.items():
        for name, count in zip(("A1", "D1", "G1"), parts, strict=True):
            homes += [postcode(name)] * count
            schools += [school] * count
    return assign(make_people(homes, schools), make_directory(), segments=make_segments())


CLUSTERS = pd.DataFrame({"cluster": ["North", "North", "South", "South"]}, index=["1", "2", "3", "4"])


def test_the_own_cluster_as_base():
    people = four_schools()
    ours = profile(people, "1", base=same_group(people, CLUSTERS["cluster"], "cluster"))
    assert ours.comparison.base == "pupils of cluster North"
    assert ours.table["base_count"].tolist() == [150, 90, 30]
    assert ours.table["index"].tolist() == pytest.approx([100 * 0.75 / (150 / 270), 100 * 0.25 / (90 / 270), 0])
    nowhere = same_group(people, CLUSTERS["cluster"].mask(CLUSTERS.index == "1"), "cluster")
    assert profile(people, "1", base=nowhere).table["p"].isna().all()
    with pytest.raises(UnknownCodeError, match="no school with pupils has a phase"):
        same_group(people, pd.Series(dtype="str"), "phase")


def test_residents_as_base_are_other_people():
    people = four_schools()
    population = pd.Series({CODES["A"]: 500, CODES["D"]: 300, CODES["G"]: 200, "E09999999": 1_000})
    base = residents(population, people.segmentation, "children living here")
    assert base.counts.to_dict() == {"1": 500, "2": 300, "3": 200}
    table = profile(people, "1", base=base).table
    assert table["base_share"].tolist() == [0.5, 0.3, 0.2]
    assert table["rest_count"].tolist() == [500, 300, 200]
    with pytest.raises(UnknownCodeError, match="no resident lives"):
        residents(pd.Series({"E09999999": 5}), people.segmentation, "nobody")


def test_the_catchment_as_base_leaves_the_schools_own_pupils_out_of_the_test():
    people = four_schools()
    base = living_in(people, "lsoa21", {"1": [CODES["A"], CODES["D"]]}, "pupils living in the catchment")
    table = profile(people, "1", base=base).table
    assert table["base_count"].tolist() == [200, 190, 0]
    assert table["rest_count"].tolist() == [110, 160, 0]
    everywhere = living_in(people, "lsoa21", CODES.values(), "all")
    assert profile(people, "1", base=everywhere).table["p"].tolist() == pytest.approx(profile(people, "1").table["p"])
    with pytest.raises(UnknownCodeError, match="no ward24 codes"):
        living_in(people, "ward24", [], "x")
    with pytest.raises(UnknownCodeError, match="nobody placed"):
        living_in(people, "lsoa21", ["E09999999"], "x")


def test_groups_of_schools_have_profiles_whose_counts_are_their_schools_sums():
    people = four_schools()
    groups = compare_groups(people, hierarchy(CLUSTERS, ["cluster"]), "cluster")
    assert groups.of("North")["count"].tolist() == [150, 90, 30]
    assert groups.table["count"].groupby(level=1).sum().to_dict() == segment_counts(people).sum().to_dict()
    assert groups.of("North")["base_count"].tolist() == [200, 190, 180]


def test_protected_profiles_against_cluster_catchment_and_residents_say_so():
    people = four_schools()
    clusters = hierarchy(CLUSTERS, ["cluster"]).groups("cluster")
    tables = protect_place(people, base=GroupBase("cluster", clusters))
    assert tables.profiles["1"].base == "pupils of cluster North"
    assert tables.profiles["1"].table["base_count"].tolist() == [150, 90, 30]
    assert tables.groups["North"].table["count"].tolist() == [150, 90, 30]
    assert tables.groups["North"].base == "all pupils placed in a segment"
    home = pd.Series({CODES["A"]: "1", CODES["D"]: "1", CODES["G"]: "4"})
    catchments = GroupBase("catchment", pd.Series({"1": "1", "4": "4"}), home, "lsoa21")
    tables = protect_place(people, base=catchments)
    assert tables.profiles["1"].base == "pupils living in catchment 1"
    assert tables.profiles["1"].table["base_count"].tolist() == [200, 190, 0]
    assert tables.profiles["2"].table["index"].isna().all()  # it has no catchment
    assert tables.groups == {}
    population = pd.Series({CODES["A"]: 500, CODES["D"]: 300, CODES["G"]: 200})
    tables = protect_place(people, base=residents(population, people.segmentation, "children living here"))
    assert tables.base == "children living here"
    assert tables.profiles["1"].table["base_share"].tolist() == [0.5, 0.3, 0.2]


def test_the_printed_q_of_a_school_is_that_of_the_release():
    people = four_schools()
    printed = protect_place(people).profiles
    assert printed["1"].table["notable"].tolist() == [True, False, True]
    exact = compare_schools(people).table
    for school, table in printed.items():
        known = table.table["q"].notna()
        assert (table.table["q"][known] >= exact.loc[school, "q"][known]).all()


def test_levels_are_chosen_by_size_and_expected_counts():
    shares = {"supergroup": pd.Series([0.5, 0.5]), "group": pd.Series([0.4, 0.3, 0.295, 0.003, 0.002])}
    assert choose_level(399, shares) == (
        "supergroup",
        "Shown by supergroup: group needs 400 pupils, and the school has about 399.",
    )
    level, why = choose_level(400, shares)
    assert level == "supergroup"
    assert "2 of 5 segments would have fewer than 5 pupils expected" in why
    assert choose_level(5_000, shares)[0] == "group"
    assert choose_level(50, {"only": pd.Series([1.0])}) == ("only", "Shown by only, the only level there is.")


@pytest.mark.parametrize("keyed_by", ["lsoa21", "postcode"])
def test_another_level_of_the_same_people(keyed_by):
    table = make_segments().table.rename(columns={"group": "supergroup"})
    if keyed_by == "postcode":
        table = table.iloc[[0, 3]].set_axis([postcode("A1").replace(" ", ""), postcode("D1").replace(" ", "")])
    table["group"] = table["supergroup"] + "a"
    scheme = replace(make_segments(), level="supergroup", keyed_by=keyed_by, table=table, names={}, source=DRAWN)
    people = assign(make_people([postcode("A1")] * 3 + [postcode("D1"), ""]), make_directory(), segments=scheme)
    finer = at_level(people, "group")
    assert finer.counts("segment").to_dict() == {"1a": 3, "2a": 1, "not placed": 1}
    assert finer.report.placed["segment"] == 4
    assert at_level(finer, "supergroup").counts("segment").to_dict() == people.counts("segment").to_dict()


def test_the_mix_as_a_whole_is_tested_from_printed_counts_and_blank_where_too_few():
    import pandas as pd

    from geoplan.disclosure import PUBLIC, Protected
    from geoplan.profiles import mix_sentence

    def shown(first: float, second: float) -> Protected:
        table = pd.DataFrame(
            {"count": [first, second], "total": first + second, "base_count": [5000.0, 5000.0], "base_total": 10_000.0},
            index=["1", "2"],
        )
        return Protected(table, table.isna(), PUBLIC)

    assert "could be a fair draw" in mix_sentence(shown(105, 95))
    assert mix_sentence(shown(180, 20)).endswith("(chi-square, p under 0.001).")
    assert mix_sentence(shown(15, 10)) == ""  # fewer than 30
