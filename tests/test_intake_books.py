"""The page of catchments as they are lived in: words, names and tables from what may be printed."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from conftest import CODES, DRAWN
from test_intakes import AWAY, EAST, WEST, catchments_from, place, plan, schools

from geoplan.disclosure import rule_for
from geoplan.errors import UnknownCodeError
from geoplan.intake_books import (
    MOST_COLUMNS,
    catchment_name,
    finding_shares,
    intake_book,
    intake_finding,
    intake_sheets,
    school_sentences,
)
from geoplan.intakes import intake_marks, protect_intakes

NAMES = {WEST: "West", EAST: "East", AWAY: "Away"}


def test_the_finding_adds_up_the_catchments_printed():
    intakes = protect_intakes(place(), schools(), plan())
    said = intake_finding(intakes, plan(), NAMES)
    assert said == (
        "Of about 290 all pupils who live in a catchment, 76% attend its school. Take-up is highest at East (87%) and "
        "lowest at West (64%)."
    ).replace("all pupils", intakes.who)
    assert finding_shares(intakes)["share"].round(3).tolist() == [0.759, 0.643, 0.867]


def test_one_schools_sentences_say_take_up_leakage_inflow_and_distance():
    intakes = protect_intakes(place(), schools(), plan())
    said = school_sentences(intakes, plan(), WEST, NAMES)
    assert said[0].endswith("live in its catchment: 64% attend it, 36% another school.")
    assert said[1] == "The others go mostly to East (30), Away (20)."
    assert said[2] == "28% of its 125 come from outside its catchment."
    assert said[3].startswith("By distance from school: up to 0.5 miles 50")


def test_a_school_without_a_catchment_is_said_to_have_none_and_an_unknown_one_is_refused():
    intakes = protect_intakes(place(), schools(), plan())
    assert school_sentences(intakes, plan(), AWAY, NAMES)[0] == "It has no catchment in this plan."
    with pytest.raises(UnknownCodeError, match="goes to school 123456"):
        school_sentences(intakes, plan(), "123456", NAMES)


def test_sheets_have_names_and_the_matrix_a_column_for_each_catchment():
    sheets = intake_sheets(protect_intakes(place(), schools(), plan()), plan(), NAMES)
    assert list(sheets) == ["Catchments", "Schools", "Who lives where", "Distances", "Areas"]
    matrix = sheets["Who lives where"]
    assert list(matrix.table.columns) == ["name", "West", "East", "no catchment"]
    assert matrix.table.loc[EAST, ["West", "East", "no catchment"]].tolist() == [30, 130, 25]
    assert matrix.hidden.shape == (3, 3)
    schools_sheet = sheets["Schools"].table
    assert (schools_sheet["in_all"] == schools_sheet["inside"] + schools_sheet["outside"]).all()


def test_two_catchments_of_one_name_keep_their_codes():
    sheets = intake_sheets(protect_intakes(place(), schools(), plan()), plan(), NAMES | {EAST: "West"})
    assert list(sheets["Who lives where"].table.columns)[1:3] == [f"West ({WEST})", f"West ({EAST})"]


def test_small_numbers_stay_hidden_in_words_and_sheets():
    few = place([("C1", AWAY)] * 4)
    intakes = protect_intakes(few, schools(), plan())
    sheets = intake_sheets(intakes, plan(), NAMES)
    assert sheets["Areas"].hidden.loc[CODES["C"], "residents"]
    for text in (*sheets["Catchments"].table["mostly"], *school_sentences(intakes, plan(), WEST, NAMES)):
        assert "nan" not in text
        assert " 4 " not in f" {text} "


def test_a_shared_catchment_is_called_by_its_schools():
    areas = [CODES[letter] for letter in "AB"]
    shared = catchments_from("lsoa21", [*areas, *areas], [WEST] * 2 + [EAST] * 2)
    assert catchment_name(f"{WEST}+{EAST}", shared, NAMES) == "West and East"
    intakes = protect_intakes(place(), schools(), shared, rule_for("internal", reason="tested by hand"))
    assert "attend its schools" in school_sentences(intakes, shared, EAST, NAMES)[0]


def test_a_page_has_a_panel_for_each_question_and_leaves_a_huge_matrix_to_the_workbook(monkeypatch):
    intakes = protect_intakes(place(), schools(), plan())
    book = intake_book(intakes, plan(), schools(), [DRAWN])
    titles = [panel.title for panel in book.panels]
    assert "Who lives where, and attends what" in titles
    assert titles[0] == "Who stays, and where the others go"
    assert MOST_COLUMNS >= 20
    monkeypatch.setattr("geoplan.intake_books.MOST_COLUMNS", 1)
    short = intake_book(intakes, plan(), schools(), [DRAWN])
    assert "Who lives where, and attends what" not in [panel.title for panel in short.panels]


def test_a_second_release_hides_what_the_first_did_and_other_data_have_another_mark():
    few = place([("C1", WEST)] * 4)
    first = protect_intakes(few, schools(), plan(), data="January")
    tables = (first.bands, first.matrix, first.catchments, first.schools, first.areas)
    earlier = [replace(each, name=f"earlier: {each.name}") for table in tables for each in table.printed]
    again = protect_intakes(few, schools(), plan(), data="January", earlier=earlier)
    for name in ("bands", "matrix", "catchments", "schools", "areas"):
        pd.testing.assert_frame_equal(getattr(first, name).hidden, getattr(again, name).hidden)
    mark = intake_marks(few, schools(), plan(), "January")
    assert mark == intake_marks(few, schools(), plan(), "January")
    assert list(mark) == [first.matrix.printed[0].population]
    changed = intake_marks(place([("C1", WEST)] * 5), schools(), plan(), "January")
    assert set(changed) == set(mark)
    assert changed != mark
