"""Schools drawn at random: what is called notable of them is within the stated rate, exact and printed."""

from __future__ import annotations

import os

import numpy as np
import pytest
from null_schools import count

COUNTIES = 200 if os.environ.get("GEOPLAN_LONG") else 2
RATE = 0.05


@pytest.mark.parametrize("sizes", [np.full(580, 210), np.random.default_rng(7).integers(60, 1_500, 580)])
def test_schools_that_differ_by_chance_are_hardly_ever_called_notable(sizes):
    """1,160 schools of a county's mix (116,000 in the long form); the bare 80-120 rule errs on most of them."""
    seen = count(COUNTIES, sizes)
    assert seen.schools >= 1_000
    assert seen.notable <= RATE * seen.schools
    assert seen.notable_shown <= RATE * seen.schools
    assert seen.missing_in_truth == 0
    assert seen.bare > 0.5 * seen.schools
    # whole counties: binomial with the rate, three standard errors
    allowed = RATE + 3 * np.sqrt(RATE * (1 - RATE) / seen.counties)
    assert seen.counties_notable <= allowed * seen.counties
    assert seen.counties_notable_shown <= allowed * seen.counties


def test_the_bare_rule_errs_on_about_95_of_100_primary_schools():
    """The note on the domain computed 95% for 210 pupils on England's mix of eight supergroups."""
    seen = count(1, np.full(580, 210))
    assert seen.bare / seen.schools == pytest.approx(0.95, abs=0.03)


def test_a_school_that_does_differ_is_found():
    from null_schools import ENGLAND, deal

    from geoplan.comparison import compare

    schools = deal(np.full(580, 210), ENGLAND, np.random.default_rng(3))
    schools.iloc[0] = [10, 20, 10, 20, 90, 30, 20, 10]
    comparison = compare(schools, schools.sum(), "all pupils")
    assert comparison.protect().table.loc[("s000", "5"), "notable"]
    assert comparison.table.loc[("s000", "5"), "q"] < 1e-6
