"""Similar schools: the mix of pupils decides, not the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.attributes import DFE_PRIMARY, robust_scale
from geoplan.disclosure import Protected
from geoplan.errors import UnknownCodeError
from geoplan.likeness import SEED
from geoplan.similarity import (
    Better,
    difference_of_percentages,
    hellinger_distances,
    overlap,
    similar_by_attributes,
    similar_by_mix,
    similar_schools,
)

MIX = {
    "900001": (60, 30, 10),
    "900002": (120, 60, 20),
    "900003": (10, 30, 60),
    "900004": (55, 35, 10),
    "900005": (5, 5, 5),
}


def county():
    postcodes, schools = [], []
    for school, counts in MIX.items():
        for letter, count in zip("ADG", counts, strict=True):
            postcodes += [postcode(f"{letter}1")] * count
            schools += [school] * count
    return assign(make_people(postcodes, schools), make_directory(), segments=make_segments())


def facts():
    table = pd.DataFrame({"name": list("PQRST"), "phase": ["Primary"] * 3 + ["Secondary"] * 2}, index=list(MIX))
    return table.assign(easting=[0.0, 3_000, 0, 1, np.nan], northing=[0.0, 4_000, 1_000, 1, np.nan])


def test_hellinger_by_its_definition():
    counts = np.array([[3, 5, 2], [1, 1, 8], [0, 0, 4]], dtype=float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    for i in range(3):
        for j in range(3):
            expected = np.sqrt(((np.sqrt(shares[i]) - np.sqrt(shares[j])) ** 2).sum() / 2)
            assert hellinger_distances(counts)[i, j] == pytest.approx(expected, abs=1e-7)


def test_the_same_mix_comes_first_however_large_or_far():
    table = similar_schools(county(), "900001", same=(), rule=None)
    assert table["similar"].tolist() == ["900002", "900004", "900003"]
    assert table.loc[0, "distance"] == 0
    assert table["rank"].tolist() == [1, 2, 3]


def test_kilometres_stand_beside_and_one_phase_is_compared():
    table = similar_schools(county(), "900001", schools=facts())
    assert table["similar"].tolist() == ["900002", "900003"]
    assert table["name"].tolist() == ["Q", "R"]
    assert table["km"].tolist() == [5.0, 1.0]


def test_too_few_pupils_are_neither_matched_nor_offered():
    with pytest.raises(UnknownCodeError, match="fewer than 30"):
        similar_schools(county(), "900005")
    assert "900005" not in set(similar_schools(county(), same=())["similar"])


def test_distances_are_of_the_counts_as_shown():
    exact = similar_schools(county(), "900001", same=(), rule=None).set_index("similar")["distance"]
    shown = similar_schools(county(), "900001", same=()).set_index("similar")["distance"]
    assert (exact - shown).abs().max() < 0.05


def test_no_school_is_like_itself_and_none_comes_twice():
    table = similar_schools(county(), same=())
    assert (table["school"] != table["similar"]).all()
    assert not table.duplicated(["school", "similar"]).any()


# --- options, reasons and how firm ----------------------------------------------------------------------

NAMES = {"1": "Terraces", "2": "Harbour", "3": "Villages"}


def shown_county(rows: int = 40, seed: int = 1):
    dice = np.random.default_rng(seed)
    counts = dice.multinomial(300, dice.dirichlet([3, 2, 1, 1], rows)[0], size=rows) + dice.integers(0, 60, (rows, 4))
    table = pd.DataFrame(counts, index=[str(900001 + i) for i in range(rows)], columns=list("ABCD")).astype(float)
    table = (table / 5).round() * 5
    hidden = (table > 0) & (table < 10)
    place = pd.DataFrame(
        {
            "phase": ["Primary", "Secondary"] * (rows // 2),
            "easting": dice.uniform(5e5, 5.2e5, rows),
            "northing": dice.uniform(1e5, 1.2e5, rows),
            "roll": table.sum(axis=1).to_numpy(),
            "fsm_percent": dice.uniform(2, 40, rows),
            "result": dice.uniform(20, 90, rows),
        },
        index=table.index,
    )
    return Protected(table.mask(hidden), hidden, printed=()), place


def test_near_schools_are_left_out_and_those_without_a_place_are_said():
    shown, place = shown_county()
    place.loc["900003", "easting"] = np.nan
    found = similar_by_mix(shown, schools=place, exclude_within_km=8)
    assert found.table["km"].min() > 8
    assert "900003" not in set(found.table["similar"])
    assert found.left_out.set_index("school").loc["900003", "reason"].startswith("no position")
    near = similar_by_mix(shown, schools=place)
    assert near.table["km"].min() < 8


def test_a_school_that_does_not_give_its_phase_is_listed_apart():
    shown, place = shown_county()
    place.loc["900001", "phase"] = ""
    found = similar_by_mix(shown, schools=place, same=("phase", "colour"))
    assert "900001" not in set(found.table["school"]) | set(found.table["similar"])
    assert found.left_out["reason"].tolist() == ["phase not given"]
    assert any("colour" in note for note in found.notes)


@pytest.mark.parametrize("by", ["mix", "attributes"])
def test_parts_of_a_distance_add_up_to_it_and_the_sum_is_symmetric(by):
    shown, place = shown_county()
    if by == "mix":
        found = similar_by_mix(shown, schools=place, n=50)
    else:
        found = similar_by_attributes(place, {"roll": 1, "fsm_percent": 3}, n=50)
    sums = found.terms.groupby(["school", "similar"])["part"].sum()
    assert np.allclose(sums[sums > 0], 1)
    wide = found.table.pivot(index="school", columns="similar", values="distance")
    assert np.allclose(wide, wide.T, equal_nan=True)


def test_the_mix_reasons_are_the_terms_of_hellingers_sum():
    table = pd.DataFrame([[60.0, 30, 10], [55, 40, 5], [10, 30, 60]], index=["a", "b", "c"], columns=list("123"))
    found = similar_by_mix(Protected(table, table < 0, printed=()), "a", names=NAMES)
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
    terms = (np.sqrt(p) - np.sqrt(q)) ** 2
    why = found.terms[found.terms["similar"] == "c"]
    assert why["part"].to_numpy() == pytest.approx(terms / terms.sum())
    last = found.table.set_index("similar").loc["c"]
    assert last["alike"] == "Harbour (30% here, 30% there)"
    assert last["differs"].endswith("100% of the difference")
    assert "Terraces (60% here, 10% there)" in last["differs"]


def test_a_hidden_number_has_no_figure_and_is_marked():
    table = pd.DataFrame([[60.0, np.nan, 40], [60, 50, 10]], index=["a", "b"], columns=list("123"))
    found = similar_by_mix(Protected(table, table.isna(), printed=()), "a", names=NAMES)
    row = found.table.iloc[0]
    assert (row["known"], row["of"]) == (2, 3)
    assert "Harbour (a number is hidden)" in row["differs"]
    assert found.terms.set_index("variable").loc["2", "value"] != found.terms.set_index("variable").loc["2", "value"]


def test_the_rest_of_the_total_stands_for_a_large_number_hidden_to_protect_another():
    table = pd.DataFrame([[60.0, np.nan, 40], [60, 100, 40], [60, 5, 40]], index=["a", "b", "c"], columns=list("123"))
    shown = Protected(table, table.isna(), printed=())
    assert similar_by_mix(shown, "a").table["similar"].iloc[0] == "c"
    totals = pd.Series({"a": 200.0, "b": 200.0, "c": 105.0})
    found = similar_by_mix(shown, "a", totals=totals)
    assert found.table["similar"].iloc[0] == "b"
    assert found.table["distance"].iloc[0] == pytest.approx(0)


def test_stability_by_the_long_way():
    """One school's list under each draw of weights, ranked again from the definition."""
    _, place = shown_county()
    found = similar_by_attributes(place, ["roll", "fsm_percent"], "900001", n=5, draws=50)
    same = place[place["phase"] == "Primary"]
    values = same[["roll", "fsm_percent"]]
    scaled = values / [robust_scale(values[name]) for name in values]
    draws = np.random.default_rng(SEED).uniform(0.8, 1.2, (2, 50))
    kept = dict.fromkeys(found.table["similar"], 0)
    for weights in draws.T:
        far = (((scaled - scaled.loc["900001"]) ** 2) @ weights).drop("900001").sort_values()
        for code in far.index[:5]:
            if code in kept:
                kept[code] += 1
    assert found.table.set_index("similar")["stability"].to_dict() == {k: v / 50 for k, v in kept.items()}


def test_stability_is_the_same_twice_and_missing_where_all_are_listed():
    shown, place = shown_county()
    once, again = (similar_by_mix(shown, schools=place, draws=30).table for _ in range(2))
    pd.testing.assert_frame_equal(once, again)
    assert once["stability"].between(0, 1).all()
    assert once["stability_chance"].between(0, 1).all()
    whole = similar_by_mix(shown, schools=place, n=30, draws=30).table
    assert whole[["stability", "stability_chance"]].isna().all(axis=None)


def test_one_school_alone_gives_the_rows_of_all():
    shown, place = shown_county()
    every = similar_by_mix(shown, schools=place, draws=20, exclude_within_km=2)
    alone = similar_by_mix(shown, "900007", schools=place, draws=20, exclude_within_km=2)
    pd.testing.assert_frame_equal(every.of("900007"), alone.table)


def test_lists_overlap_with_themselves_wholly():
    shown, place = shown_county()
    mix, numbers = similar_by_mix(shown, schools=place), similar_by_attributes(place)
    assert overlap(mix, mix)[["share", "jaccard"]].eq(1).all(axis=None)
    both = overlap(mix, numbers)
    assert both["share"].between(0, 1).all()
    assert len(both) == len(place)


# --- by attributes --------------------------------------------------------------------------------------

PUBLISHED = Path(__file__).parent / "published" / "dfe_primary"


def published():
    values = pd.read_csv(PUBLISHED / "values.csv", dtype={"URN": str}).set_index("URN")
    pairs = pd.read_csv(PUBLISHED / "pairs.csv", dtype={"URN": str, "NeighbourURN": str})
    return values, pairs


def test_the_dfes_primary_distances_come_out_as_published():
    values, pairs = published()
    found = similar_by_attributes(values, "dfe-primary", n=len(values), same=())
    ours = found.table.set_index(["school", "similar"])["distance"]
    ours = ours.loc[pd.MultiIndex.from_frame(pairs[["URN", "NeighbourURN"]])]
    assert len(pairs) == 451
    assert np.abs(ours.to_numpy() - pairs["Dist"].to_numpy()).max() < 1e-13


def test_and_so_does_their_order():
    values, pairs = published()
    found = similar_by_attributes(values, "dfe-primary", n=len(values), same=())
    ours = found.table.set_index(["school", "similar"])["rank"]
    for school, listed in pairs.groupby("URN"):
        order = [ours[school, other] for other in listed.sort_values("Rank")["NeighbourURN"]]
        assert order == sorted(order)


def test_the_scales_to_five_figures_are_those_found_before():
    before = (43.571, 2.776, 34.522, 21.388, 100.26, 0.3565, 14.685, 1287.7, 0.3616)
    assert [each.scale for each in DFE_PRIMARY.attributes] == pytest.approx(before, rel=1e-4)


def test_results_of_schools_never_decide():
    _, place = shown_county()
    for name in ("Attainment 8", "progress_8", "OfstedRating (name)", "overall_absence", "result"):
        with pytest.raises(ValueError, match="never decide"):
            similar_by_attributes(place, ["roll", name])
    changed = place.assign(result=place["result"].to_numpy()[::-1])
    before, after = (similar_by_attributes(each, n=5).table for each in (place, changed))
    pd.testing.assert_frame_equal(before, after)


def test_missing_numbers_are_marked_and_scaled_up_never_dropped():
    facts = pd.DataFrame(
        {"roll": [100.0, 200, 300, 400], "fsm_percent": [10, np.nan, 30, 20], "pan": [np.nan, np.nan, 30, 60]},
        index=list("abcd"),
    )
    found = similar_by_attributes(facts, ["roll", "fsm_percent", "pan"], same=())
    assert found.left_out.values.tolist() == [["b", "less than half of the variables in common"]]
    row = found.table[(found.table["school"] == "a") & (found.table["similar"] == "c")].iloc[0]
    assert (row["known"], row["of"]) == (2, 3)
    gaps = [200 / robust_scale([100, 200, 300, 400]), 20 / robust_scale([10, 30, 20])]
    assert row["distance"] == pytest.approx(np.sqrt((gaps[0] ** 2 + gaps[1] ** 2) * (3 / 2) / 3))


def test_a_number_in_which_all_are_the_same_plays_no_part():
    facts = pd.DataFrame({"roll": [100, 200, 300], "pan": [30, 30, 30]}, index=list("abc"))
    found = similar_by_attributes(facts, ["roll", "pan"])
    assert found.table["of"].eq(1).all()
    assert any("admission number played no part" in note for note in found.notes)


def test_units_do_not_matter_and_neither_does_an_outlier():
    _, place = shown_county()
    table = similar_by_attributes(place, ["roll", "fsm_percent"]).table
    other = similar_by_attributes(place.assign(roll=place["roll"] * 1000), ["roll", "fsm_percent"]).table
    assert table["similar"].tolist() == other["similar"].tolist()
    assert robust_scale([1, 2, 3, 4, 5]) == robust_scale([1, 2, 3, 4, 5e9])


def test_unknown_columns_and_words_are_refused_together():
    _, place = shown_county()
    with pytest.raises(UnknownCodeError, match="colour, size"):
        similar_by_attributes(place, ["roll", "colour", "size"])
    with pytest.raises(ValueError, match="not all numbers"):
        similar_by_attributes(place, ["phase"])
    with pytest.raises(ValueError, match="comes twice"):
        similar_by_attributes(pd.concat([place, place.head(1)]), ["roll"])
    with pytest.raises(UnknownCodeError, match="dfe-primary"):
        similar_by_attributes(place, "dfe-secondary")


# --- similar and doing better ---------------------------------------------------------------------------


@pytest.mark.parametrize("higher", [True, False])
def test_better_filters_after_the_list_is_made(higher):
    shown, place = shown_county()
    plain = similar_by_mix(shown, "900001", schools=place)
    better = similar_by_mix(shown, "900001", schools=place, better=Better("result", higher))
    other = place.loc[plain.table["similar"], "result"].to_numpy()
    keep = other > place.loc["900001", "result"] if higher else other < place.loc["900001", "result"]
    assert better.table["similar"].tolist() == plain.table["similar"][keep].tolist()
    assert better.table["rank"].tolist() == plain.table["rank"][keep].tolist()
    assert better.table["difference"].to_numpy() == pytest.approx(other[keep] - place.loc["900001", "result"])
    assert set(better.terms["similar"]) == set(better.table["similar"])
    assert any("does not say why" in note for note in better.notes)


def test_better_has_an_interval_where_pupils_are_known():
    _, place = shown_county()
    found = similar_by_attributes(place, None, "900001", better=Better("result", pupils="roll")).table
    assert (found["difference_low"] < found["difference"]).all()
    assert (found["difference"] < found["difference_high"]).all()
    with pytest.raises(UnknownCodeError, match="colour"):
        similar_by_attributes(place, None, "900001", better=Better("colour"))
    place.loc["900001", "result"] = np.nan
    with pytest.raises(UnknownCodeError, match="has no result"):
        similar_by_attributes(place, None, "900001", better=Better("result"))


def test_newcombes_published_intervals():
    """Table II of Newcombe (1998), method 10: 56/70 - 48/80, 9/10 - 3/10, 5/56 - 0/29, 10/10 - 0/10."""
    cases = [((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090)),
             ((5, 56, 0, 29), (-0.0381, 0.1926)), ((10, 10, 0, 10), (0.6075, 1.0))]  # fmt: skip
    for (a, m, b, n), expected in cases:
        low, high = difference_of_percentages([100 * a / m], [m], [100 * b / n], [n])
        assert (low[0] / 100, high[0] / 100) == pytest.approx(expected, abs=5e-5)


# --- on real schools ------------------------------------------------------------------------------------


@pytest.mark.real
@pytest.mark.parametrize("place", ["kent_medway", "brighton_hove"])
def test_real_schools_by_size_and_free_meals(shared_data, place):
    from geoplan.io import read_schools

    frame = read_schools(shared_data / place / "schools_gias_2022-04.csv").frame
    found = similar_by_attributes(frame, ["roll", "fsm_percent"], same=("phase", "type"), exclude_within_km=3, draws=20)
    table = found.table
    for column in ("phase", "type"):
        assert (frame.loc[table["school"], column].to_numpy() == frame.loc[table["similar"], column].to_numpy()).all()
    assert not table.duplicated(["school", "similar"]).any()
    assert (table["school"] != table["similar"]).all()
    assert table["km"].min() > 3
    assert table["distance"].round(12).groupby(table["school"]).is_monotonic_increasing.all()
    assert table.groupby("school").size().max() == 10


def test_a_list_that_ends_with_schools_not_much_alike_says_so():
    counts = pd.DataFrame({"E": [60.0, 55, 10, 2], "G": [40.0, 45, 90, 98]}, index=list("abcd"))
    shown = Protected(counts, counts < 0, printed=())
    notes = " ".join(similar_by_mix(shown, "a").notes)
    assert "2 of the 3 schools listed are alike only loosely (differs by over 0.30)" in notes
    assert "loosely" not in " ".join(similar_by_mix(shown, "a", n=1).notes)


def test_reasons_have_the_shares_that_the_profiles_print():
    counts = pd.DataFrame({"E": [105.0, 100], "G": [90.0, 100], "H": [None, 10]}, index=["a", "b"])
    shown = Protected(counts, counts.isna(), printed=())
    totals = pd.Series({"a": 200.0, "b": 210.0})  # rounded by themselves: the parts need not add up to them
    found = similar_by_mix(shown, "a", totals=totals)
    values = found.terms.set_index("variable")["value"]
    assert values[["E", "G"]].tolist() == [105 / 200, 90 / 200]
    (row,) = found.table.itertuples()
    assert "(53% here, 48% there)" in row.alike + row.differs  # halves up, as in tables


def test_a_school_of_which_nothing_or_little_is_printed_is_compared_with_none():
    counts = pd.DataFrame(
        {"E": [60.0, 55, None, None], "G": [40.0, 45, None, None], "H": [20.0, 30, None, 20]}, index=list("abcd")
    )
    shown = Protected(counts, counts.isna(), printed=())
    totals = pd.Series({"a": 120.0, "b": 130.0, "c": np.nan, "d": 65.0})  # c has under 10 pupils, and no total
    found = similar_by_mix(shown, totals=totals)
    assert set(found.table["similar"]) == {"a", "b"}
    assert found.left_out.set_index("school")["reason"].to_dict() == {
        "c": "fewer than 30 pupils placed",
        "d": "most of its numbers are hidden",
    }
    for school, words in (("c", "fewer than 30"), ("d", "of most of its pupils the segment is not shown")):
        with pytest.raises(UnknownCodeError, match=words):
            similar_by_mix(shown, school, totals=totals)
