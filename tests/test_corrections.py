"""Corrections: a head's challenge changes the segment of a postcode, and says so."""

from __future__ import annotations

import copy
import pickle

import pandas as pd
import pytest
from conftest import DRAWN, make_boundaries, make_directory, make_people, make_segments, postcode

from geoplan.assignment import assign
from geoplan.cautions import caution_tables, cautions
from geoplan.corrections import Corrections, correct
from geoplan.errors import InputRefused, NotProtected, UnknownCodeError
from geoplan.profiles import at_level, profile
from geoplan.protection import protect_place
from geoplan.segments import Segmentation


def lines(*rows):
    frame = pd.DataFrame(rows, columns=["postcode", "segment", "reason", "by", "date"])
    frame.insert(0, "record", range(1, len(frame) + 1))
    return Corrections(frame, DRAWN, {"postcode": "Post code"})


def line(name="A3", segment="3", reason="new estate", by="head", date="2026-09-01"):
    return (postcode(name), segment, reason, by, date)


def people():
    homes = [postcode("A1")] * 60 + [postcode("A3")] * 30 + [""] * 5 + [postcode("D1")] * 200
    return assign(make_people(homes, ["1"] * 95 + ["2"] * 200), make_directory(), make_boundaries(), make_segments())


def test_a_correction_moves_the_people_of_its_postcode_and_nobody_else():
    before = people()
    after = correct(before, lines(line()), make_directory())
    assert before.counts("segment").to_dict() == {"1": 90, "2": 200, "not placed": 5}
    assert after.counts("segment").to_dict() == {"1": 60, "2": 200, "3": 30, "not placed": 5}
    assert after.report.corrected == 30
    assert "corrected by hand: 30 pupils at 1 postcodes" in str(after.report)
    assert after.report.to_dict()["corrected"] == 30
    assert DRAWN in after.sources
    assert profile(after, "1").table["count"].tolist() == [60, 0, 30]
    report = after.report
    assert report.accepted + report.repaired + report.rejected + report.blank == report.records


def test_a_correction_is_shown_beside_the_profile():
    after = correct(people(), lines(line()), make_directory())
    tables = protect_place(after, extra=caution_tables(after))
    said = [each.words for each in cautions("1", tables.profiles["1"], tables.extra, after.segmentation)]
    assert "About 30 pupils (33%) have a group that the authority corrected by hand." in said


def test_the_last_line_of_a_postcode_holds_and_spelling_does_not_matter():
    ours = lines(line(segment="2"), (postcode("A3").lower().replace(" ", ""), "3", "no, this", "head", ""))
    assert correct(people(), ours, make_directory()).counts("segment")["3"] == 30


def test_a_postcode_where_nobody_lives_is_counted_as_such():
    after = correct(people(), lines(line(), line("I1")), make_directory())
    assert "at 1 more postcodes nobody lives" in after.report.notes[-1]


def test_a_correction_to_the_segment_it_has_changes_nobody():
    assert correct(people(), lines(line(segment="1")), make_directory()).report.corrected == 0


def test_every_wrong_line_is_named_at_once_and_no_postcode_is_in_the_message():
    bad = ("ZZ1 1ZZ", "9", "", "", "")
    with pytest.raises(InputRefused) as refused:
        correct(people(), lines(line(), bad, bad), make_directory())
    text = str(refused.value)
    assert "4 problems" in text
    assert "record 2 and 1 more   Post code   a postcode that the directory does not have" in text
    assert "a segment that Borough 2026 group does not have   there are 1, 2, 3" in text
    assert "no reason is given" in text
    assert "nobody is named" in text
    assert "ZZ1" not in text


def test_a_finer_segment_counts_as_the_one_it_lies_in():
    table = make_segments().table.rename(columns={"group": "supergroup"})
    table["group"] = table["supergroup"] + "a"
    scheme = Segmentation("Borough", "2026", "supergroup", "lsoa21", table, DRAWN)
    placed = assign(make_people([postcode("A3")] * 30), make_directory(), segments=scheme)
    assert correct(placed, lines(line(segment="3A")), make_directory()).counts("segment").to_dict() == {"3": 30}
    finer = at_level(placed, "group")
    assert finer.counts("segment").to_dict() == {"1a": 30}
    with pytest.raises(InputRefused, match="does not have") as error:
        correct(finer, lines(line(segment="3")), make_directory())
    assert "it is a supergroup: write the group it belongs to, or use --level supergroup" in str(error.value)


def test_people_seen_at_another_level_are_not_said_to_be_corrected():
    table = make_segments().table.rename(columns={"group": "supergroup"})
    table["group"] = table["supergroup"] + "a"
    scheme = Segmentation("Borough", "2026", "supergroup", "lsoa21", table, DRAWN)
    placed = assign(make_people([postcode("A3")] * 30), make_directory(), segments=scheme)
    finer = at_level(correct(placed, lines(line(segment="3a")), make_directory()), "group")
    assert finer.counts("segment").to_dict() == {"1a": 30}  # the postcode's own
    assert "corrected_by_hand" not in {table.name for table in caution_tables(finer)}


def test_people_without_segments_have_nothing_to_correct():
    with pytest.raises(UnknownCodeError):
        correct(assign(make_people([postcode("A1")]), make_directory()), lines(line()), make_directory())


def test_corrections_are_personal_and_show_nothing():
    ours = lines(line())
    assert repr(ours) == "<Corrections: 1 lines>"
    for leave in (pickle.dumps, copy.copy):
        with pytest.raises(NotProtected):
            leave(ours)
