"""A last cell without a line end: used only where it cannot be the beginning of another value."""

from __future__ import annotations

import pytest

from geoplan.columns import PUPILS
from geoplan.values import is_whole


@pytest.mark.parametrize(
    ("column", "text", "others", "whole"),
    [
        ("postcode", "ME4 4AA", [], True),
        ("postcode", "me44aa", [], True),
        ("postcode", "ME4 4A", [], False),
        ("postcode", "ME4", [], False),
        ("fsm", "Y", [], True),
        ("fsm", "Ye", [], False),
        ("fsm", "N", ["Y", "N"], False),  # it may be cut from NULL
        ("fsm", "0", [], True),
        ("enrol_status", "C", [], True),
        ("year_group", "7", ["1"], True),
        ("year_group", "1", ["1", "7"], False),
        ("school", "900001", ["900002"], True),
        ("school", "90000", ["900002"], False),
        ("school", "900001", [], False),
        ("ethnicity", "WBRI", ["WBRI"], True),
        ("ethnicity", "WBR", ["WBRI"], False),
        ("ethnicity", "WBRI", ["WBRI", "White"], False),
        ("language", "ENG", ["PAN"], True),
        ("language", "ENG", ["English"], False),
        ("entry_date", "2026-09-01", [], True),
        ("entry_date", "2026-09-0", [], False),
    ],
)
def test_is_whole(column, text, others, whole):
    assert is_whole(text, PUPILS[column], others) is whole


def test_an_empty_cell_is_never_whole():
    assert not any(is_whole("", column) for column in PUPILS.columns)
