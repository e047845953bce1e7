"""Flows over the border and to independent schools: what rows mean, spread over stages, and more leaving than live."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.errors import UnknownCodeError
from geoplan.flows import INDEPENDENT, INTO, KINDS, OUT, crossings_of, flows_of, stages_of, too_many

ROWS = pd.DataFrame(
    [
        ("Here", "There", "secondary", 2024, 500.0),
        ("Here", "Yonder", "secondary", 2024, 50.0),
        ("Here", INDEPENDENT, "11", 2024, 30.0),
        ("There", "HERE ", "secondary", 2024, 200.0),
        ("Here", "Here", "secondary", 2024, 9000.0),
        ("There", "Yonder", "secondary", 2024, 77.0),
    ],
    columns=["home", "school_in", "phase", "year", "pupils"],
)


def counted(flows: pd.DataFrame) -> dict:
    return {(row.place, row.kind): row.pupils for row in flows.itertuples()}


def test_rows_are_told_by_whose_home_and_whose_school_they_name():
    flows, notes = flows_of(ROWS, ["here"])
    assert counted(flows) == {("here", OUT): 550, ("here", INDEPENDENT): 30, ("here", INTO): 200}
    assert notes == ("flows: 1 rows are of other places, and not used",)


def test_between_two_of_our_areas_a_pupil_goes_out_of_one_and_into_the_other():
    rows = pd.DataFrame({"home": ["East", "West"], "school_in": ["West", "West"], "phase": "Year 7", "year": 2025,
                         "pupils": [40.0, 300.0]})  # fmt: skip
    flows, notes = flows_of(rows, ["East", "West"])
    assert counted(flows) == {("East", OUT): 40, ("West", INTO): 40}
    assert notes == ("flows: none in the file go to independent schools: taken as none",)


def test_a_place_that_the_file_does_not_have_is_refused_with_those_that_it_has():
    with pytest.raises(UnknownCodeError, match=r"no row is of Nowhere; the file has Here, There: say which"):
        flows_of(ROWS, ["Nowhere"])


@pytest.mark.parametrize("text", ["", "nursery", "Year 15", "3", "19", "cats"])
def test_what_is_no_phase_or_age_has_no_stages(text):
    assert stages_of(text) == ()


def spread(flows: pd.DataFrame, stages=tuple(range(12)), years=(2023, 2024)):
    rng = np.random.default_rng(1)
    children = np.broadcast_to(rng.uniform(50, 90, (1, len(years), 19)), (3, len(years), 19))
    pupils = rng.uniform(10, 30, (3, len(years), len(stages)))
    return crossings_of(flows, ["here"] * 3, years, stages, children, pupils, "city"), children


def test_a_phase_is_spread_over_its_stages_and_adds_up_again():
    found, children = spread(flows_of(ROWS, ["here"])[0])
    of_2024 = dict(zip(KINDS, np.moveaxis(found.pupils[0, 1], -1, 0), strict=True))
    assert np.nansum(of_2024[OUT][7:12]) == pytest.approx(550) and np.nansum(of_2024[INTO]) == pytest.approx(200)
    assert of_2024[OUT][7:12] / children[0, 1, 11:16] == pytest.approx(550 / children[0, 1, 11:16].sum())
    assert of_2024[INDEPENDENT][7] == 30 and of_2024[INDEPENDENT][8:12].tolist() == [0, 0, 0, 0]
    assert np.isnan(found.pupils[0, 0]).all(), "nothing is told of the year before"
    assert np.isnan(of_2024[OUT][:7]).all(), "nothing is told of primary years"
    assert np.array_equal(found.pupils[0], found.pupils[2], equal_nan=True)
    assert found.until(1).pupils.shape[1] == 1


def test_a_year_told_of_one_kind_is_not_told_of_another():
    later = pd.DataFrame([("Here", INDEPENDENT, "11", 2023, 20.0)], columns=ROWS.columns)
    found, _ = spread(flows_of(pd.concat([ROWS, later]), ["here"])[0])
    at = KINDS.index(OUT)
    assert found.pupils[0, 0, 7, KINDS.index(INDEPENDENT)] == 20 and np.isnan(found.pupils[0, 0, 7, at])


def test_an_intake_alone_gets_its_part_of_a_phase():
    whole, _ = spread(flows_of(ROWS, ["here"])[0])
    part, _ = spread(flows_of(ROWS, ["here"])[0], stages=(0, 7))
    at = KINDS.index(OUT)
    assert part.pupils[0, 1, 1, at] == pytest.approx(whole.pupils[0, 1, 7, at])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 900), min_size=2, max_size=2), st.sampled_from(["primary", "secondary", "Year 7", "4"]))
def test_nobody_is_lost_or_made_when_flows_are_spread(pupils, phase):
    rows = pd.DataFrame({"home": ["Here", "There"], "school_in": ["There", "Here"], "phase": phase, "year": 2024,
                         "pupils": pupils})  # fmt: skip
    found, _ = spread(flows_of(rows, ["Here"])[0].assign(place="here"))
    sums = np.nansum(found.pupils[0, 1], axis=0)
    assert sums[KINDS.index(OUT)] == pytest.approx(pupils[0]) and sums[KINDS.index(INTO)] == pytest.approx(pupils[1])


def test_more_who_leave_than_live_here_are_said_in_per_cent_and_no_number():
    flows = pd.DataFrame({"place": "here", "kind": [OUT, INDEPENDENT], "phase": "Year 7", "year": 2024,
                          "pupils": [60.0, 60.0]})  # fmt: skip
    found, children = spread(flows)
    (said,) = too_many(found, np.full_like(children, 100.0), (2023, 2024), tuple(range(12)))
    assert said.startswith("2024/25, Year 7:") and "120%" in said and "60" not in said
    assert too_many(found, np.full_like(children, 121.0), (2023, 2024), tuple(range(12))) == []
