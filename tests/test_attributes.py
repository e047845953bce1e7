"""What schools are compared by: results are refused by name, scales are robust, published headers are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.attributes import DFE_PRIMARY, is_outcome, pick_columns, robust_scale, usual_method, weighted_method
from geoplan.errors import UnknownCodeError

RESULTS = (
    "Att8Scr", "P8MEA", "progress_8", "ks2_reading_progress", "KS2MRP", "ofsted_last_insp", "OfstedRating (name)",
    "overall_effectiveness", "absence_rate", "Attendance", "persistent absentees", "permanent_exclusions",
    "suspension rate", "% GCSE 5+", "ebacc_entry", "prior_year_attainment", "progress_prior", "ReadMatAverage",
)  # fmt: skip
INTAKE = (
    "fsm_percent", "percentage_fsm", "IDACI score", "Ks1PriorRwmAverage", "ks2_prior_attainment", "roll", "pan",
    "PStability", "Polar4QuintilePupils", "number_of_pupils", "average_class_size", "graduate_parents",
)  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_known_by_name(name):
    assert is_outcome(name)


@pytest.mark.parametrize("name", INTAKE)
def test_facts_of_the_intake_are_not(name):
    assert not is_outcome(name)


def test_the_published_method_has_no_result_in_it():
    assert not [each.name for each in DFE_PRIMARY.attributes if is_outcome(each.name)]


def test_columns_are_found_by_published_headers():
    row = {header: [1.5, "2"] for each in DFE_PRIMARY.attributes for header in each.headers[:1]}
    values = pick_columns(pd.DataFrame(row), DFE_PRIMARY)
    assert list(values) == list(DFE_PRIMARY.names)
    assert values.to_numpy().tolist() == [[1.5] * 9, [2.0] * 9]


def test_scales_are_of_a_normal_distribution():
    values = np.random.default_rng(1).normal(50, 7, 20_001)
    assert robust_scale(values) == pytest.approx(7, rel=0.02)
    assert robust_scale([np.nan, np.nan]) == 0


def test_weights_are_numbers_over_nothing():
    for weight in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="number over 0"):
            weighted_method({"roll": weight})
    with pytest.raises(ValueError, match="at least one"):
        weighted_method([])


def test_the_usual_columns_are_those_that_most_schools_have():
    facts = pd.DataFrame({"roll": [1, 2, 3], "fsm_percent": [1, None, None]})
    assert usual_method(facts).names == ("roll",)
    with pytest.raises(UnknownCodeError, match="name the columns"):
        usual_method(facts[["fsm_percent"]])
