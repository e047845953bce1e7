"""What of closures may be shown: nothing small, nothing recoverable, and sums that hold."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan.access import Reorganisation, closure_screen, old_rule, reorganise
from geoplan.access_books import closure_book, finding, screen_finding, without_sentences
from geoplan.access_tables import (
    TOO_FEW,
    access_marks,
    protect_access,
    protect_distances,
    protect_entitlement,
    protect_screen,
    single_sex_words,
)
from geoplan.areas import Boundaries
from geoplan.disclosure import PUBLIC, rule_for
from geoplan.distances import METRES_PER_MILE
from geoplan.readback import check_printed
from geoplan.schools import Schools
from geoplan.sources import Source
from geoplan.travel import by_straight_line, entitlement, points_of, suitable, to_school

NAMES = {"A": "Ash", "B": "Beech", "C": "Cedar"}


def valley(known: int = 90):
    """Three schools on a road: 90 pupils at B, of whom 4 live so that C is nearer; C has 3 places."""
    schools = pd.DataFrame(
        {"name": list(NAMES.values()), "easting": [0.0, 5000, 10_000], "northing": 0.0, "places": [200, 90, 63],
         "lowest_year": "R", "highest_year": "6", "rural": ["", "Rural village", "Urban city"]}, index=list(NAMES),
    )  # fmt: skip
    rows = [("A", 0.0, "a")] * 60 + [("C", 10_000.0, "c")] * 60
    rows += [("B", 4000.0, "b")] * 46 + [("B", 4400.0, "m")] * 40 + [("B", 8000.0, "c")] * 4
    pupils = pd.DataFrame(rows, columns=["school", "easting", "lsoa21"]).assign(northing=0.0, year_group="4")
    pupils.loc[pupils.index[120 + known :], "easting"] = np.nan
    return schools, pupils


def closed(known: int = 90):
    schools, pupils = valley(known)
    places, at = points_of(pupils)
    found = reorganise(pupils, schools, Reorganisation("Close", close=("B",)), by_straight_line(places, schools), at)
    return found, pupils


def test_small_numbers_are_hidden_and_the_rest_rounded():
    found, pupils = closed()
    assert found.pupils["to"].value_counts().to_dict() == {"A": 87, "C": 3}
    tables = protect_access(found, NAMES, areas=pupils["lsoa21"], kind="lsoa21")
    assert tables.receiving.hidden.loc["C", "comes"]
    assert np.isnan(tables.receiving.table.loc["C", "left"])
    assert tables.areas.hidden.loc["c", "pupils"]
    printed = tables.receiving.table["comes"].dropna()
    assert ((printed == 0) | (printed >= 10)).all() and (printed % 5 == 0).all()
    assert check_printed([tables.receiving, tables.areas, tables.bands, tables.without]) == []


def test_a_hidden_number_that_becomes_another_small_one_changes_nothing():
    schools, pupils = valley()
    pupils = pd.concat([pupils, pupils.iloc[-6:-4]], ignore_index=True)  # 92 displaced: 91, 90 or 89 go to A
    seen = set()
    for places in (61, 62, 63):
        frame = schools.assign(places=[200, 90, places])
        spots, at = points_of(pupils)
        found = reorganise(pupils, frame, Reorganisation("Close", close=("B",)), by_straight_line(spots, frame), at)
        tables = protect_access(found, NAMES, areas=pupils["lsoa21"], kind="lsoa21")
        shown = tables.receiving.table.drop(columns=["places", "left"])
        seen.add(tuple(each.fillna(-1.0).to_csv() for each in (shown, tables.bands.table)))
    assert len(seen) == 1


def closure_page(names: list[str]):
    found, pupils = closed()
    tables = protect_access(found, NAMES, areas=pupils["lsoa21"], kind="lsoa21")
    drawn = gpd.GeoDataFrame(
        {"name": names}, index=list("abcm"), geometry=shapely.box([0, 1000, 2000, 3000], 0, 4000, 1000), crs=27700
    )
    source = Source("Drawn", publisher="nobody")
    schools = Schools(valley()[0], source)
    return closure_book(tables, [source], schools, ["B"], Boundaries("lsoa21", drawn, source))


def test_the_page_of_a_closure_is_called_what_it_finds_and_names_the_areas():
    book = closure_page(["Anford 1", "Bell 2", "Crane 3", "Mill 4"])
    assert book.title == "If Beech closes, about 90 pupils need another school"
    (homes,) = [panel for panel in book.panels if panel.title == "By where they live"]
    code, name, displaced, _ = homes.shown
    assert dict(zip(code.texts, name.texts, strict=True))["m"] == "Mill 4" and displaced.heading == "Pupils displaced"
    plain = closure_page(list("abcm"))  # an outline without a name of its own
    assert not any(
        column.heading == "Name" for panel in plain.panels for column in panel.shown if panel.title[:2] == "By"
    )


def test_inside_the_office_numbers_are_exact():
    found, pupils = closed()
    rule = rule_for("internal", reason="planning meeting of the council")
    tables = protect_access(found, NAMES, rule, areas=pupils["lsoa21"], kind="lsoa21")
    assert tables.receiving.table["comes"].to_dict() == {"A": 87, "C": 3}
    assert tables.areas.table.loc["m", "to"] == "Ash (40)"


def test_areas_name_schools_only_by_printed_numbers():
    found, pupils = closed()
    tables = protect_access(found, NAMES, areas=pupils["lsoa21"], kind="lsoa21")
    assert set(tables.areas.table["to"]) <= {"Ash (45)", "Ash (40)", "", TOO_FEW}


def test_means_are_given_for_twenty_pupils_and_never_for_fewer():
    found, _ = closed()
    tables = protect_access(found, NAMES)
    before = 1000 * 46 + 600 * 40 + 3000 * 4
    assert tables.figures.at["mean", "before"] == pytest.approx(before / 90 / METRES_PER_MILE, abs=0.06)
    few, _ = closed(known=15)
    assert not len(protect_access(few, NAMES).figures)


def test_pupils_whose_home_is_not_known_are_said_and_in_no_table():
    found, _ = closed(known=70)
    tables = protect_access(found, NAMES)
    assert (tables.total, tables.unknown) == (90, 20)
    assert "About 20 of these pupils have a home that is not known" in without_sentences(tables)[-1]
    assert tables.receiving.table["comes"].sum() == 70
    assert "Beech" in finding(tables)


def test_nowhere_with_room_is_printed():
    schools, pupils = valley()
    frame = schools.assign(places=[60, 90, 60])
    places, at = points_of(pupils)
    found = reorganise(pupils, frame, Reorganisation("Close", close=("B",)), by_straight_line(places, frame), at)
    tables = protect_access(found, NAMES)
    assert tables.without.table.loc["no room anywhere", "left without"] == 90
    assert "For about 90 of them there is no room anywhere." in finding(tables)


def test_marks_change_with_the_data_only():
    first, again, other = closed()[0], closed()[0], closed(known=70)[0]
    assert access_marks(first) == access_marks(again)
    assert access_marks(first) != access_marks(other)


def screen():
    schools, pupils = valley()
    places, at = points_of(pupils)
    travel = by_straight_line(places, schools)
    found = closure_screen(pupils, schools, ["B", "C"], travel, at)
    rolls = pupils["school"].value_counts()
    forecast = pd.DataFrame({"school": ["C"], "year": ["2029/30"], "pupils": [18.0]})
    return protect_screen(found, schools, rolls, old_rule(rolls, forecast), 2 * METRES_PER_MILE)


def test_the_screen_has_the_old_rule_beside_the_way_to_school():
    table = screen()
    rows = table.table
    assert list(rows.index) == ["C", "B"]  # the smallest roll first
    assert rows["review"].to_dict() == {"C": "review", "B": "keep"}
    assert rows["rural"].to_dict() == {"C": "no", "B": "yes"}
    assert rows.loc["C", "lowest"] == 18
    assert rows.loc["C", "no place"] == 60 - 0 or rows.loc["C", "beyond"] > 0
    assert "The rule by roll alone (under 20) would review 1 of 2 small schools." in screen_finding(
        table, "2 miles", 20
    )


def test_the_screen_accounts_for_every_pupil_whose_home_is_known():
    rule = rule_for("internal", reason="planning meeting of the council")
    schools, pupils = valley()
    places, at = points_of(pupils)
    found = closure_screen(pupils, schools, ["B", "C"], by_straight_line(places, schools), at)
    rolls = pupils["school"].value_counts()
    table = protect_screen(found, schools, rolls, old_rule(rolls), 3000.0, rule).table
    assert table[["within", "beyond", "no place"]].sum(axis=1).to_dict() == {"B": 90, "C": 60}


def test_a_screen_of_free_travel_is_protected_and_leaves_out_the_sixth_form():
    schools, pupils = valley()
    pupils["year_group"] = "13"
    pupils.loc[pupils.index[:100], "year_group"] = "1"
    places, at = points_of(pupils)
    travel = by_straight_line(places, schools)
    found = entitlement(pupils, at, travel, suitable(schools, pupils["year_group"]), date(2026, 11, 29))
    shown = protect_entitlement(found)
    assert list(shown.table.columns) == ["under 8", "all"]
    assert shown.table["all"].sum() == 100


def test_distances_to_school_are_protected():
    schools, pupils = valley()
    places, at = points_of(pupils)
    travel = by_straight_line(places, schools)
    shown = protect_distances(to_school(pupils, at, travel, schools), travel)
    assert list(shown.table.columns) == ["attended", "nearest"]
    assert shown.table["nearest"].sum() == pytest.approx(210, abs=10)


def test_how_many_cannot_be_judged_for_single_sex_schools_is_protected():
    rule = rule_for("internal", reason="planning meeting of the council")
    for count, words in ((0, ""), (4, "some of these pupils (too few to print"), (63, "about 65 of these pupils")):
        unsure = pd.Series(np.arange(210) < count)
        told, printed = single_sex_words(unsure, "pupils of a place")
        assert len(told) == len(printed) == (count > 0) and words in " ".join(told)
        assert f"For {count} of these" not in " ".join(told)
        exact, _ = single_sex_words(unsure, "pupils of a place", rule)
        assert not count or f"For {count} of these pupils it cannot be said" in exact[0]


def test_a_closure_says_for_how_many_single_sex_schools_could_not_be_judged():
    schools, pupils = valley()
    schools["gender"] = ["Mixed", "Mixed", "Girls"]
    places, at = points_of(pupils)
    option, travel = Reorganisation("Close", close=("B",)), by_straight_line(places, schools)
    tables = protect_access(reorganise(pupils, schools, option, travel, at), NAMES, PUBLIC)
    assert tables.notes[-1].startswith("For about 90 of these pupils it cannot be said whether a school for girls")
    assert len(tables.without.printed) == 2  # what the sentence prints is entered in the ledger
    known = protect_access(reorganise(pupils.assign(sex="F"), schools, option, travel, at), NAMES, PUBLIC)
    assert not any("cannot be said" in note for note in known.notes)
