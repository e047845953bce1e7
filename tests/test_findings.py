"""Findings: the gravest decides, each record once, no value anywhere."""

from __future__ import annotations

import pytest

from geoplan.findings import count_outcomes, findings, gather, no_findings, outcome_of, problem_entries
from geoplan.reasons import REASONS


def test_the_gravest_finding_decides_the_outcome():
    found = gather([findings([2, 3], "fsm", "value_unknown"), findings([3], "UPN", "duplicate_record")])
    outcomes = outcome_of([1, 2, 3], found)
    assert list(outcomes) == ["accepted", "repaired", "rejected"]
    assert count_outcomes(outcomes) == {"accepted": 1, "repaired": 1, "rejected": 1, "blank": 0}


def test_each_record_has_one_entry_gravest_first():
    found = gather(
        [
            findings([7], "fsm", "value_unknown", "read as unknown"),
            findings([7], "PostCode", "postcode_reformatted", "case"),
            findings([7], "UPN", "duplicate_record"),
        ]
    )
    assert problem_entries(found) == [
        {
            "record": 7,
            "outcome": "rejected",
            "column": "UPN",
            "codes": ["duplicate_record", "value_unknown", "postcode_reformatted"],
            "columns": ["UPN", "fsm", "PostCode"],
            "rule": "read as unknown; case",
        }
    ]


def test_nothing_found_is_nothing_reported():
    assert problem_entries(no_findings()) == []
    assert list(outcome_of([1], no_findings())) == ["accepted"]


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_says_what_it_means_and_what_becomes_of_the_record(code):
    entry = REASONS[code]
    assert entry.meaning
    assert entry.outcome in {"accepted", "repaired", "rejected", "blank", "file"}
