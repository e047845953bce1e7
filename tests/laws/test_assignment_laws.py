"""Laws of assignment: nobody is lost or counted twice, order and names change nothing, the twin agrees."""

from __future__ import annotations

import pandas as pd
from conftest import LETTERS, make_boundaries, make_directory, make_people, make_segments, postcode
from hypothesis import given, settings
from hypothesis import strategies as st
from plain.postcodes import look_up as plain_look_up

from geoplan.assignment import assign
from geoplan.postcodes import look_up
from geoplan.profiles import compare_schools

good = st.builds(lambda letter, number: postcode(f"{letter}{number}"), st.sampled_from(LETTERS), st.sampled_from("123"))
near_miss = st.text(alphabet="TN120OI5S8BZ AabD", max_size=9)
texts = st.one_of(good, good.map(str.lower), good.map(lambda p: p.replace("1", "I")), near_miss, st.just(""))
rows = st.lists(st.tuples(texts, st.sampled_from(["900001", "900002", ""])), max_size=40)


@given(st.lists(near_miss.filter(lambda t: len(t.replace(" ", "")) <= 7), min_size=1, max_size=20))
def test_fast_look_up_equals_the_plain_twin(values):
    directory = make_directory()
    known = set(directory.table["postcode"])
    found = look_up(directory, values)
    for value, row, status in zip(values, found.rows, found.status, strict=True):
        matched = None if row < 0 else directory.table["postcode"][row]
        assert (status, matched) == plain_look_up(value, known), value


@given(rows)
@settings(max_examples=60)
def test_records_are_conserved_through_every_stage(people):
    placed = assign(
        make_people([p for p, _ in people], [s for _, s in people]),
        make_directory(),
        make_boundaries(),
        make_segments(),
    )
    report = placed.report
    assert report.accepted + report.repaired + report.rejected + report.blank == len(people)
    assert sum(report.by_status.values()) == len(people)
    assert report.by_school.to_numpy().sum() == len(people)
    for column in ("school", "segment", "lsoa21", ["school", "segment"], ["segment", "lsoa21", "school"]):
        assert placed.counts(by=column).sum() == len(people)
    entries = report.to_dict()["problems"]
    assert len(entries) == len(people) - report.accepted
    assert len({entry["record"] for entry in entries}) == len(entries)


@given(rows.filter(bool), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_row_order_changes_nothing(people, random):
    shuffled = list(people)
    random.shuffle(shuffled)
    counts = [
        assign(make_people([p for p, _ in some], [s for _, s in some]), make_directory(), (), make_segments()).counts(
            by=["school", "segment"]
        )
        for some in (people, shuffled)
    ]
    pd.testing.assert_series_equal(*counts)


@given(rows.filter(bool))
@settings(max_examples=30)
def test_renaming_schools_changes_only_names(people):
    rename = {"900001": "Z", "900002": "Y", "": ""}
    before, after = (
        compare_schools(assign(make_people([p for p, _ in people], schools), make_directory(), (), make_segments()))
        for schools in ([s for _, s in people], [rename[s] for _, s in people])
    )
    assert sorted(rename[school] for school in before.groups) == sorted(after.groups)
    for school in before.groups:
        pd.testing.assert_frame_equal(before.of(school), after.of(rename[school]))
