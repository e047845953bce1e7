"""The statutory calendar: published dates, and laws of any year."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.calendars import (
    PRIMARY,
    admissions_calendar,
    first_entry_year,
    next_working_day,
    organisation_calendar,
    rules_on,
)


def test_arrangements_for_september_2023_were_determined_by_28_february_2022():
    steps = admissions_calendar(2023).set_index("step")["date"]
    assert steps["Determine the arrangements by"] == "2022-02-28"
    assert steps["Objections to the Schools Adjudicator by"] == "2022-05-15"


def test_a_change_consulted_on_in_the_winter_of_2026_first_bites_in_2028():
    assert first_entry_year(date(2026, 10, 1)) == first_entry_year(date(2026, 12, 20)) == 2028


def test_six_weeks_must_fit_before_the_end_of_january():
    assert first_entry_year(date(2026, 12, 21)) == first_entry_year(date(2027, 9, 30)) == 2029


def test_published_offer_days():
    # 16 April 2022 was Easter Saturday and 18 April Easter Monday; 1 March 2025 a Saturday
    assert next_working_day(date(2022, 4, 16)) == date(2022, 4, 19)
    assert next_working_day(date(2025, 3, 1)) == date(2025, 3, 3)
    assert admissions_calendar(2025, PRIMARY).set_index("step")["date"]["Offers"] == "2025-04-16"


def test_hovingham_closed_after_four_weeks_of_representations():
    # North Yorkshire: consulted from 31 October 2022; representations were four weeks from publication
    steps = organisation_calendar(date(2022, 10, 31)).set_index("step")["date"]
    heard = date.fromisoformat(steps["Representations end"]) - date.fromisoformat(steps["Publish proposals from"])
    assert heard == date(2023, 2, 3) - date(2023, 1, 6)


@given(st.dates(date(2021, 10, 1), date(2090, 12, 31)))
def test_the_first_entry_year_leaves_time_to_consult_and_is_the_first_that_does(ready):
    rules = rules_on(ready)
    end = {year: date(year - 1, *rules.consult_until) for year in range(ready.year, ready.year + 5)}
    fits = [year for year, last in end.items() if max(ready, date(year - 2, 10, 1)) + timedelta(42) <= last]
    assert first_entry_year(ready) == min(fits)


@given(st.integers(2023, 2100), st.sampled_from(["primary", "secondary"]))
def test_steps_are_in_order(year, phase):
    dates = admissions_calendar(year, phase)["date"].tolist()
    assert dates == sorted(dates)


def test_phases_and_days_that_are_not_known_are_named():
    with pytest.raises(ValueError, match="nursery"):
        admissions_calendar(2028, "nursery")
    with pytest.raises(ValueError, match="1999-01-01"):
        rules_on(date(1999, 1, 1))
