"""Postcodes: every rule of the ladder, published fixtures, and the twin."""

from __future__ import annotations

import json
import string

import numpy as np
import pandas as pd
import pytest
from conftest import make_directory, postcode
from plain.postcodes import look_up as plain_look_up

from geoplan.postcodes import (
    FLAG_BIT,
    PostcodeDirectory,
    flag_text,
    look_up,
    normalise_postcodes,
    parse_postcodes,
)
from geoplan.sources import Source


def one(text, directory=None):
    found = look_up(directory or make_directory(), [text])
    reason = found.reasons[0]
    return found.status[0], None if pd.isna(reason) else reason, flag_text(found.flags)[0]


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("TN1 1AA", "exact", None),
        ("TN11AA", "reformatted", "postcode_reformatted"),
        ("tn1 1aa", "reformatted", "postcode_reformatted"),
        ("TN1  1AA", "reformatted", "postcode_reformatted"),
        (" TN1 1AA", "reformatted", "postcode_reformatted"),
        ("TN1 1AA.", "reformatted", "postcode_reformatted"),
        ("TN1-1AA", "reformatted", "postcode_reformatted"),
        ("TN1\u00a01AA", "reformatted", "postcode_reformatted"),  # no-break space
        ("\uff34\uff2e1 1AA", "reformatted", "postcode_reformatted"),  # full-width letters
        ("TN1 IAA", "repaired", "postcode_confusion"),
        ("TNI 1AA", "repaired", "postcode_confusion"),
        ("TN1 1A4", "not_found", "postcode_malformed"),
        ("TN1 LAA", "not_found", "postcode_malformed"),  # L/1 is never mended
        ("TN1 1ZZ", "sector_only", "postcode_sector_only"),
        ("TN1 1", "sector_only", "postcode_sector_only"),
        ("TN1", "not_found", "postcode_malformed"),
        ("SW1A 1AA", "not_found", "postcode_not_found"),
        ("", "blank", "postcode_blank"),
        ("   ", "blank", "postcode_blank"),
        (None, "blank", "postcode_blank"),
        ("-", "blank", "postcode_blank"),
        ("unknown", "not_found", "postcode_malformed"),
        ("ZZ99 3VZ", "not_found", "postcode_pseudo"),
        ("BFPO 12", "not_found", "postcode_forces"),
        ("BFPO 5678", "not_found", "postcode_forces"),
        ("BF1 2AA", "not_found", "postcode_forces"),
        ("1 High Street, TN1 1AA", "repaired", "postcode_in_longer_text"),
        ("TN1 1AA / TN1 1AA", "repaired", "postcode_in_longer_text"),
        ("TN1 1AA TN1 2AA", "not_found", "postcode_several"),
        ("T\u0131N1 1AA", "not_found", "postcode_malformed"),  # dotless i: upper() would make it an I
        ("\u0422N1 1AA", "not_found", "postcode_malformed"),  # Cyrillic T
        ("TN\u00b9 1AA", "not_found", "postcode_malformed"),  # superscript one
        ("T*N1 1AA", "not_found", "postcode_malformed"),  # punctuation inside a half is not dropped
    ],
)
def test_every_rung_of_the_ladder(text, status, reason):
    assert one(text)[:2] == (status, reason)


def test_flags_stand_beside_the_status():
    assert one(postcode("I3")) == ("exact", None, "terminated")
    assert one(postcode("I2")) == ("exact", None, "large_user")
    assert one("ZZ99 3WZ")[2] == "pseudo"
    assert one("BFPO 1")[2] == "forces"
    assert one("GY1 1AA")[2] == "crown_dependency"


def test_no_position_is_flagged_only_where_others_have_one():
    table = make_directory().table
    table.loc[0, ["easting", "northing"]] = np.nan
    assert one("TN1 1AA", PostcodeDirectory(table, Source("")))[2] == "no_position"
    without = table.drop(columns=["easting", "northing"])
    assert one("TN1 1AA", PostcodeDirectory(without, Source("")))[2] == ""


def test_a_repair_that_fits_two_entries_is_not_made():
    # no real directory holds such a pair (the domain note counted); a made-up one does
    two = PostcodeDirectory(pd.DataFrame({"postcode": ["B11AB", "BI1AB"]}), Source(""))
    assert one("8I 1AB", two)[0] == "not_found"
    assert one("8I 1AB", PostcodeDirectory(two.table[:1], Source("")))[0] == "repaired"


def test_confusions_that_map_real_postcodes_together_are_left_alone():
    # M16 8FT and ML6 8FT are both real (L/1); S65 3QX and SG5 3QX too (G/6)
    directory = PostcodeDirectory(pd.DataFrame({"postcode": ["M168FT", "S653QX"]}), Source(""))
    assert one("ML6 8FT", directory)[0] == "not_found"
    assert one("SG5 3QX", directory)[0] == "not_found"


def test_one_character_changes_give_the_named_unit_or_one_safe_swap():
    """All 35 x 7 one-character changes of ten postcodes: the unit of that name, a safe swap, or none."""
    real = ["ME71AB", "TN119XX", "M168FT", "S653QX", "SG53QX", "B338TH", "CT27NZ", "W1A0AX", "EC1A1BB", "GIR0AA"]
    directory = PostcodeDirectory(pd.DataFrame({"postcode": real}), Source(""))
    alphabet = string.ascii_uppercase + string.digits
    changed = [p[:i] + c + p[i + 1 :] for p in real for i in range(len(p)) for c in alphabet if c != p[i]]
    found = look_up(directory, changed)
    for text, row, status in zip(changed, found.rows, found.status, strict=True):
        expected_status, expected = plain_look_up(text, set(real))
        assert (status, None if row < 0 else real[row]) == (expected_status, expected), text


def test_parse_gives_missing_for_what_is_not_a_postcode():
    parts = parse_postcodes(pd.Series(["nonsense", "w1a0ax"], index=[7, 8]))
    assert parts.loc[7].isna().all()
    assert parts.loc[8, "sub_district"] == "W1A"
    assert list(parts.index) == [7, 8]


def test_order_and_repeats_change_nothing():
    directory = make_directory()
    texts = ["TN1 1AA", "tn12ab", "", "TN1 IAA", "x"] * 3
    forward, backward = look_up(directory, texts), look_up(directory, texts[::-1])
    assert forward.rows.tolist() == backward.rows.tolist()[::-1]
    assert forward.outcomes.tolist() == backward.outcomes.tolist()[::-1]


def test_large_columns_take_the_same_answers_in_threads():
    directory = make_directory()
    texts = pd.Series(["TN1 1AA", "tn1 2ab", "", "1 High St TN1 3AD"] * 60_000, dtype="str")
    found = look_up(directory, texts)
    assert found.rows[:4].tolist() == found.rows[-4:].tolist() == look_up(directory, texts[:4]).rows.tolist()


def test_a_sliced_column_reads_its_own_part():
    texts = pd.Series(["TN1 1AA", "TN1 2AA", "TN1 3AA"], dtype="str")
    assert look_up(make_directory(), texts.iloc[1:]).rows.tolist() == [3, 6]


def test_a_directory_row_that_is_not_a_postcode_is_named_by_number():
    with pytest.raises(ValueError, match="row 2"):
        look_up(PostcodeDirectory(pd.DataFrame({"postcode": ["ME71AB", "ME7 1AD"]}), Source("")), ["x"])


def test_flag_text_names_several():
    bits = FLAG_BIT["terminated"] | FLAG_BIT["large_user"]
    assert flag_text(np.array([bits, 0], dtype=np.uint16)).tolist() == ["terminated;large_user", ""]


FIXTURES = {
    "areas": "area",
    "districts": "district",
    "incodes": "inward",
    "normalisation": "postcode",
    "outcodes": "outward",
    "sectors": "sector",
    "sub-districts": "sub_district",
    "units": "unit",
}


@pytest.mark.real
@pytest.mark.parametrize(("file", "column"), FIXTURES.items())
def test_published_parser_fixtures(shared_data, file, column):
    tests = json.loads((shared_data / "answer_keys/postcode_parser_fixtures" / f"{file}.json").read_text())["tests"]
    got = parse_postcodes([test["base"] for test in tests])[column]
    assert [None if pd.isna(value) else value for value in got] == [test["expected"] for test in tests]


@pytest.mark.real
def test_published_validation_fixtures(shared_data):
    path = shared_data / "answer_keys/postcode_parser_fixtures/validation.json"
    tests = json.loads(path.read_text())["tests"]
    got = normalise_postcodes([test["base"] for test in tests]).notna()
    assert got.tolist() == [test["expected"] for test in tests]
