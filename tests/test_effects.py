"""Two plans on the same base: counts by hand, different numbers of schools, measures of one's own."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import CODES, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.catchments import CatchmentPlan
from geoplan.distances import METRES_PER_MILE
from geoplan.effects import MEASURES, Residents, change_of, clusters_of, compare_plans, residents_of
from geoplan.errors import NotProtected, UnknownCodeError, VintageError
from geoplan.travel import Travel

WEST, EAST = "900001", "900002"
TODAY = CatchmentPlan("Today", "lsoa21", pd.Series({CODES[x]: EAST if x in "CFI" else WEST for x in CODES}))


def residents(letters: str = "AABCFF"):
    schools = [WEST, EAST, WEST, EAST, EAST, WEST][: len(letters)]
    facts = {
        "year_group": ["6", "5", "6", "6", "5", "5"][: len(letters)],
        "fsm": ["yes", "no", "no", "yes", "no", "unknown"][: len(letters)],
    }
    people = make_people([postcode(f"{letter}1") for letter in letters], schools, **facts)
    return residents_of(assign(people, make_directory(), make_boundaries(), make_segments()), "lsoa21")


def test_closing_a_school_moves_its_residents_and_no_others():
    effects = compare_plans(TODAY, TODAY.close(EAST, to=WEST), residents())
    assert effects.tables["movers"].counts.to_dict() == {"no": 3, "yes": 3}
    assert effects.tables["movers_by_year_group"].counts.to_dict() == {
        ("5", "no"): 1,
        ("5", "yes"): 2,
        ("6", "no"): 2,
        ("6", "yes"): 1,
    }
    assert effects.tables["residents_before"].counts.groupby("school").sum().to_dict() == {WEST: 3, EAST: 3}
    assert effects.tables["residents_after"].counts.groupby("school").sum().to_dict() == {WEST: 6}


def test_a_plan_against_itself_moves_nobody():
    effects = compare_plans(TODAY, TODAY, residents())
    assert effects.tables["movers"].counts.to_dict() == {"no": 6}
    assert effects.figures["gorard_fsm_before"] == effects.figures["gorard_fsm_after"]


def test_distance_is_of_people_and_counts_over_the_limits():
    metres = pd.DataFrame({WEST: 1000.0, EAST: 500.0}, index=list(CODES.values()))
    metres.loc[CODES["F"], WEST] = 3 * METRES_PER_MILE + 1
    effects = compare_plans(TODAY, TODAY.close(EAST, to=WEST), residents(), metres)
    assert effects.figures["mean_m_before"] == 750
    assert effects.tables["distance_after"].counts.to_dict() == {"over 3 miles": 2, "up to 2 miles": 4}
    assert effects.figures["median_extra_m_of_movers"] == pytest.approx(3 * METRES_PER_MILE + 1 - 500)


def test_unfilled_places_are_never_netted():
    places = pd.Series({WEST: 2, EAST: 10})
    option = TODAY.open("900003", [CODES["A"]], places=5)
    figures = compare_plans(TODAY, option, residents(), places=places).figures
    assert (figures["unfilled_before"], figures["beyond_places_before"]) == (7, 1)
    assert (figures["unfilled_after"], figures["beyond_places_after"]) == (1 + 7 + 3, 0)
    assert compare_plans(TODAY, TODAY.close(EAST, to=WEST), residents(), places=places).figures["unfilled_after"] == 0


def test_segregation_leaves_out_the_unknown_and_stands_beside_chance():
    figures = compare_plans(TODAY, TODAY, residents()).figures
    assert figures["gorard_fsm_before"] == pytest.approx(0.5 * (abs(1 / 2 - 3 / 5) + abs(1 / 2 - 2 / 5)))
    assert 0 < figures["gorard_fsm_before_by_chance"] < 1
    assert figures["dissimilarity_fsm_before"] == pytest.approx(figures["gorard_fsm_before"] / (1 - 2 / 5))


def test_retention_stands_beside_the_count_of_residents():
    table = compare_plans(TODAY, TODAY, residents()).tables["retention"]
    assert table.counts.to_dict() == {(WEST, "yes"): 2, (WEST, "no"): 1, (EAST, "yes"): 2, (EAST, "no"): 1}


def test_a_council_adds_a_measure():
    mine = {
        **MEASURES,
        "year_six": lambda change: {
            "movers_in_year_6": float((change.moves & (change.residents.columns["year_group"][0] == 1)).sum())
        },
    }
    assert compare_plans(TODAY, TODAY.close(EAST, to=WEST), residents(), measures=mine).figures["movers_in_year_6"] == 1


def test_people_outside_both_plans_are_left_out_and_counted_so():
    part = CatchmentPlan("Part", "lsoa21", TODAY.table[[CODES["A"], CODES["B"]]])
    effects = compare_plans(part, part, residents())
    assert effects.tables["movers"].counts.to_dict() == {"no": 3}


def test_exact_numbers_do_not_get_out_by_accident():
    effects = compare_plans(TODAY, TODAY, residents())
    assert "6" not in repr(effects).replace("lsoa21", "") and "not protected" in repr(effects)
    for thing in (effects, residents()):
        with pytest.raises(NotProtected):
            pickle.dumps(thing)
    assert np.all([table.population for table in effects.tables.values()])


def test_kinds_must_agree():
    with pytest.raises(VintageError, match="bring all to one kind"):
        compare_plans(TODAY, CatchmentPlan("Old", "lsoa11", TODAY.table), residents())
    people = assign(make_people([postcode("A1")]), make_directory(), make_boundaries(), make_segments())
    with pytest.raises(UnknownCodeError, match="no ward24 areas"):
        residents_of(people, "ward24")


def households(**columns) -> Residents:
    """Five children in three families; one area each, the catchments of TODAY."""
    area = np.array([list(CODES.values()).index(CODES[x]) for x in "AACCF"])
    facts = {
        "household": (np.array([0, 0, 1, 1, 2]), pd.RangeIndex(3)),
        "school": (np.array([0, 0, 1, 0, 1]), pd.Index([WEST, EAST])),
    }
    return Residents("lsoa21", area, pd.Index(list(CODES.values())), facts | columns, "pupils", 0)


def test_a_child_loses_a_siblings_school_when_the_catchment_moves_away_from_it():
    # of the family in C one attends EAST and one WEST; that in A attends WEST; the child in F is alone
    option = TODAY.move([CODES["C"]], to=WEST)
    table = compare_plans(TODAY, option, households()).tables["siblings"].counts.to_dict()
    assert table == {("yes", "yes"): 2, ("no", "yes"): 1, ("yes", "no"): 1}


def test_siblings_need_a_household_and_a_school():
    no_school = {"school": (np.zeros(5, dtype=int), pd.Index(["unknown"]))}
    found = compare_plans(TODAY, TODAY, households(**no_school)).tables["siblings"].counts.to_dict()
    assert found == {("no", "no"): 4}
    assert "siblings" not in compare_plans(TODAY, TODAY, residents()).tables


def test_feeders_are_split_where_a_tenth_or_more_go_elsewhere():
    area = np.array([0] * 9 + [2] + [0] * 10)  # A and C: the first feeder is split in ten, the second is whole
    feeder = np.array([0] * 10 + [1] * 10)
    kept = Residents(
        "lsoa21", area, pd.Index(list(CODES.values())), {"school": (feeder, pd.Index(["p", "q"]))}, "pupils", 0
    )
    effects = compare_plans(TODAY, TODAY.move([CODES["C"]], to=WEST), kept)
    assert (effects.figures["feeders_split_before"], effects.figures["feeders_split_after"]) == (1, 0)
    assert effects.tables["feeders_before"].counts.to_dict() == {("p", WEST): 9, ("p", EAST): 1, ("q", WEST): 10}


def test_straight_lines_to_the_nearest_of_the_schools_that_share_a_catchment():
    shared = TODAY.with_schools({EAST: [EAST, "900003"]})
    area = np.array([2, 2])  # C
    kept = Residents(
        "lsoa21", area, pd.Index(list(CODES.values())), {}, "pupils", 0, np.array([0.0, 90.0]), np.zeros(2)
    )
    sites = pd.DataFrame({"easting": [0.0, 40.0, 100.0], "northing": 0.0}, index=[WEST, EAST, "900003"])
    effects = compare_plans(TODAY, shared, kept, sites=sites)
    assert effects.figures["mean_m_before"] == (40 + 50) / 2
    assert effects.figures["mean_m_after"] == (40 + 10) / 2
    assert effects.tables["effects"].counts.to_dict() == {"nearer school": 1, "other school": 1}


def test_ways_from_each_home_go_before_straight_lines():
    """Against one home at a time; a shared catchment counts its nearest school, an unknown home nothing."""
    letters = list("AABCFF")
    where = residents()
    home = np.array([0, 1, 2, -1, 3, 3])
    values = np.array([[900.0, 40.0, 3.0], [800.0, 50.0, 3.0], [700.0, 5000.0, 3.0], [600.0, np.nan, 70.0]])
    ways = Travel(values, pd.RangeIndex(4), pd.Index([WEST, EAST, "900003"]), by="matrix")
    at = Residents(where.kind, where.area, where.areas, where.columns, where.noun, 0, home=home)
    after = TODAY.close(WEST, to=EAST).with_schools({EAST: [EAST, "900003"]})
    change = change_of(TODAY, after, at, ways=ways)
    column = {WEST: 0, EAST: 1}
    before = [
        np.nan if row < 0 else values[row, column[TODAY.table[CODES[x]]]] for x, row in zip(letters, home, strict=True)
    ]
    assert np.array_equal(change.metres_before, before, equal_nan=True)
    shared = [np.nan if row < 0 else np.nanmin(values[row, 1:]) for row in home]
    assert np.array_equal(change.metres_after, shared, equal_nan=True)
    minutes = Travel(values, ways.places, ways.schools, unit="minutes", by="matrix")
    with pytest.raises(ValueError, match="minutes"):
        compare_plans(TODAY, after, at, ways=minutes)


def test_clusters_change_with_the_catchments_school_and_their_children_are_divided_by_a_tenth():
    """Against a count one child at a time."""
    areas = list(CODES.values())
    rng = np.random.default_rng(4)
    codes = [f"s{at}" for at in range(6)]
    plan = CatchmentPlan("Today", "lsoa21", pd.Series([codes[at % 3] for at in range(len(areas))], index=areas))
    other = plan.move(areas[:2], to="s2", name="Other")
    clusters = pd.Series({"s0": "North", "s1": "North", "s2": "South", "s3": "North", "s4": "South", "s5": ""})
    area, school = rng.integers(0, len(areas), 400), rng.integers(0, 6, 400)
    people = Residents("lsoa21", area, pd.Index(areas), {"school": (school, pd.Index(codes))}, "pupils", 0)
    effects = compare_plans(plan, other, people, clusters=clusters)
    homes = [
        [clusters[each.table[areas[at]]] for at in area]
        for each in (plan, other)
    ]  # fmt: skip
    assert effects.figures["change_cluster"] == sum(a != b for a, b in zip(*homes, strict=True)) > 0
    pairs = pd.Series(list(zip(*homes, strict=True))).value_counts().to_dict()
    assert effects.tables["cluster_moves"].counts.to_dict() == pairs
    for when, home in zip(("before", "after"), homes, strict=True):
        own: dict[str, list[str]] = {"North": [], "South": []}
        for at, cluster in zip(school, home, strict=True):
            if codes[at] in ("s3", "s4"):  # the plans' own schools feed nothing, and s5 has no cluster
                own[clusters[codes[at]]].append(cluster)
        split = sum(max(map(part.count, set(part))) <= 0.9 * len(part) for part in own.values())
        assert effects.figures[f"clusters_split_{when}"] == split
    assert "change_cluster" not in compare_plans(plan, other, people).figures


def test_a_shared_catchment_of_two_clusters_is_in_both():
    plan = CatchmentPlan("Shared", "lsoa21", pd.Series({"E1": "a"})).with_schools({"a": ("101", "102")})
    clusters = pd.Series({"101": "South", "102": "North"})
    assert clusters_of(plan, clusters).tolist() == ["North and South"]
    assert clusters_of(plan, clusters.replace("North", "South")).tolist() == ["South"]
    assert clusters_of(plan, clusters.replace("North", None)).tolist() == ["South and no cluster"]
