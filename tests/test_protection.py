"""The tables of a place, protected together: the pages made from them say nothing of a hidden count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CODES, DRAWN, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.books import community_book, place_book
from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError
from geoplan.gate import PublicTotals, attack
from geoplan.protection import ELSEWHERE, _own_alone, prepare_schools, protect_areas, protect_place, protect_school
from geoplan.schools import Schools

HOMES = {"Terraces": "A1", "Harbour": "D1", "Villages": "G1"}
COUNTS = {
    "900001": {"Terraces": 60, "Harbour": 3, "Villages": 62},
    "900002": {"Terraces": 60, "Harbour": 6, "Villages": 58},
    "900003": {"Terraces": 40, "Harbour": 45, "Villages": 35},
}


def borough(counts):
    postcodes, schools = [], []
    for school, parts in counts.items():
        for segment, count in parts.items():
            postcodes += [postcode(HOMES[segment])] * count
            schools += [school] * count
    return assign(make_people(postcodes, schools), make_directory(), make_boundaries(), make_segments())


def moved(counts, hidden):
    """900001's three Harbour pupils become ``hidden``; 900002 takes the others and gives Terraces for them."""
    change = counts["900001"]["Harbour"] - hidden
    first = counts["900001"] | {"Harbour": hidden, "Terraces": counts["900001"]["Terraces"] + change}
    second = counts["900002"] | {"Harbour": 6 + change, "Terraces": counts["900002"]["Terraces"] - change}
    return counts | {"900001": first, "900002": second}


def schools():
    frame = pd.DataFrame({"name": [f"School {code}" for code in COUNTS], "phase": "Primary"}, index=list(COUNTS))
    return Schools(frame.assign(easting=[580_500.0, 581_500, 582_500], northing=160_500.0), DRAWN)


@pytest.mark.parametrize("hidden", [1, 2, 4])
def test_a_hidden_3_may_be_1_2_or_4_and_every_page_is_the_same_to_the_byte(hidden):
    """Headcounts, homes and all printed numbers stay as they are; only hidden counts differ."""
    pages = []
    for counts in (COUNTS, moved(COUNTS, hidden)):
        people = borough(counts)
        tables = protect_place(people, make_boundaries(), homes=["900003"])
        assert bool(tables.profiles["900001"].hidden.loc["2", "count"])
        books = (
            place_book(people, schools(), make_boundaries(), tables=tables),
            community_book(people, schools(), make_boundaries(), "900003", tables=tables),
        )
        pages.append([book.to_html() for book in books])
    assert pages[0] == pages[1]


def test_shown_numbers_are_those_of_the_rule_and_the_gate_has_passed():
    tables = protect_place(borough(COUNTS), make_boundaries())
    for table in tables.profiles.values():
        shown = table.table["count"].dropna()
        assert not shown.between(1, 9).any()
        assert (shown % 5 == 0).all()
        assert table.table.loc[table.hidden["count"], "share"].isna().all()
    assert tables.gate.passed
    assert tables.gate.narrowest is None or tables.gate.narrowest >= 5
    assert tables.areas.table.loc[CODES["A"], "pupils"] == 160


def test_one_schools_homes_and_those_outside_the_areas():
    people = borough(COUNTS)
    tables = protect_place(people, make_boundaries(letters="ABC"), homes=["900003"])
    homes = tables.homes["900003"].table["pupils"]
    assert homes.to_dict() == {CODES["A"]: 40.0, ELSEWHERE: 80.0}


def test_inside_the_office_exact_numbers_need_a_reason_and_are_marked():
    with pytest.raises(ValueError):
        rule_for("internal")
    rule = rule_for("internal", reason="checking the January census with the school")
    people = borough(COUNTS)
    book = place_book(people, schools(), make_boundaries(), rule=rule)
    assert "OFFICIAL-SENSITIVE" in book.to_html()
    assert protect_place(people, rule=rule).profiles["900001"].table["count"].tolist() == [60, 3, 62]


def test_without_segments_only_areas_can_be_protected():
    people = assign(make_people([postcode("A1")] * 30), make_directory(), make_boundaries())
    assert protect_areas(people, make_boundaries()).table["pupils"].to_dict() == {CODES["A"]: 30.0}
    with pytest.raises(UnknownCodeError, match="name a segmentation"):
        protect_place(people, make_boundaries())


def many_schools(n=60):
    random = np.random.default_rng(4)
    homes = {"Terraces": "ABC", "Harbour": "DEF", "Villages": "GHI"}
    postcodes, codes = [], []
    for i in range(n):
        for letters in homes.values():
            for letter in letters:
                count = int(random.choice([0, 1, 2, 4, 9, 14, 23]))
                postcodes += [postcode(f"{letter}1")] * count
                codes += [f"9{i:05d}"] * count
    return assign(make_people(postcodes, codes), make_directory(), make_boundaries(), make_segments())


def test_a_heads_own_tables_are_safe_beside_all_public_ones():
    """Protected by themselves; attacked here with every table of the place together."""
    people = many_schools()
    tables = protect_place(people, make_boundaries())
    ground = prepare_schools(people, make_boundaries(), tables)
    by_school, segments = next(iter(tables.profiles.values())).printed
    public = [by_school, segments, *tables.by_area.printed, *tables.areas.printed]
    known = PublicTotals(("school",), ground.sizes, by_school.population)
    alone = 0
    for code in ("900000", "900017", "900042"):
        rule = rule_for(f"school:{code}")
        alone += _own_alone(ground, code, rule) is not None
        done = protect_school(ground, code, rule)
        own, homes = done.profile.printed[0], done.homes.printed[0]
        said = [replace(each, population=by_school.population, complete=False, attributes=each.dims,
                        dims=(*each.dims, "school"), cells=tuple((*cell, code) for cell in each.cells))
                if len(each.dims) == 1 else each for each in (own, homes)]  # fmt: skip
        # what the head is shown of the own school is no longer to be kept from the head
        others = [replace(each, shown=tuple("x" if t == "c" and c[0] == code else t
                                            for c, t in zip(each.cells, each.shown, strict=True)))
                  if each is by_school else each for each in public]  # fmt: skip
        result = attack([*others, *said], [known])
        assert result.whole
        assert result.offenders == ()
        exact = ground.counts[code].groupby(level=0).sum()
        shown = done.homes.table["pupils"].dropna()
        assert not shown.between(1, 4).any()
        assert (shown == exact[shown.index]).any()
        assert "not protected" in repr(ground)
    assert alone


def test_a_head_gets_the_tables_of_the_own_school_only():
    people = borough(COUNTS)
    ground = prepare_schools(people, make_boundaries(), protect_place(people, make_boundaries()))
    with pytest.raises(ValueError, match="not for school"):
        protect_school(ground, "900001", rule_for("school:900002"))
    done = protect_school(ground, "900001", rule_for("school:900001"))
    assert done.gate.passed
    assert done.profile.hidden.loc["2", "count"]
