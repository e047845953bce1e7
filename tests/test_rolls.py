"""Rolls as one array: what is zero, what is unknown, and series through academisation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan.rolls import follow_links, rolls_from


def table(rows):
    return pd.DataFrame(rows, columns=["school", "year", "year_group", "pupils"])


def test_no_row_in_a_census_is_nobody_and_no_census_is_unknown():
    rolls = rolls_from(table([("a", 2023, "R", 10), ("a", 2023, "1", 9), ("a", 2025, "R", 8), ("b", 2024, "R", 5)]))
    a = rolls.pupils[list(rolls.places).index("a")]
    assert a[0].tolist() == [10, 9] and np.isnan(a[1]).all() and a[2].tolist() == [8, 0]
    assert rolls.gaps.values.tolist() == [["a", 2024]]
    assert "a census is missing between others for a in 2024/25" in rolls.notes[-1]
    b = rolls.pupils[list(rolls.places).index("b")]
    assert np.isnan(b[0]).all() and np.isnan(b[2]).all()  # opened and closed: nothing is missing


def test_a_total_with_a_missing_census_is_not_given():
    rolls = rolls_from(
        table([("a", year, "R", 10) for year in (2023, 2025)] + [("b", y, "R", 5) for y in (2023, 2024, 2025)])
    )
    both = rolls.roll_up({"a": "x", "b": "x"}, "cluster")
    assert both.pupils[0, :, 0].tolist()[0] == 15 and np.isnan(both.pupils[0, 1, 0]) and both.pupils[0, 2, 0] == 15


def test_a_hidden_count_is_unknown_not_zero():
    rolls = rolls_from(table([("a", 2024, "R", 30), ("a", 2025, "R", np.nan), ("a", 2025, "1", 28)]))
    assert np.isnan(rolls.pupils[0, 1, 0]) and rolls.pupils[0, 1, 1] == 28


def test_nursery_years_are_left_out_and_counted():
    rolls = rolls_from(table([("a", 2025, "R", 30), ("a", 2025, "N2", 22)]))
    assert rolls.stages == (0,)
    assert rolls.notes == ("1 rows of nursery or unknown year groups are in no forecast (22 on roll)",)


@pytest.mark.parametrize(
    ("links", "codes", "how"),
    [
        ([("9", "1", "Predecessor")], {"9", "2"}, {"1": "joined"}),
        ([("1", "9", "Successor")], {"9", "2"}, {"1": "joined"}),
        ([("9", "1", "Predecessor - merged"), ("9", "2", "Predecessor - merged")], {"9"},
         {"1": "added to another", "2": "added to another"}),
        ([("9", "1", "Predecessor - Split School"), ("8", "1", "Predecessor - Split School")], {"1", "2", "9"},
         {"1": "not followed"}),
        ([("9", "2", "Predecessor")], {"1", "2", "9"}, {"2": "not followed"}),
        ([("9", "1", "Sixth Form Centre Link")], {"1", "2", "9"}, {}),
    ],
)  # fmt: skip
def test_links_are_followed_where_pupils_can_be_told(links, codes, how):
    """1 was until 2023, 2 until 2024, 9 is from 2024: 9 following 2 alone would count 2024 twice."""
    rows = [
        ("1", 2023, "R", 20),
        ("2", 2023, "R", 10),
        ("2", 2024, "R", 11),
        ("9", 2024, "R", 30),
        ("9", 2025, "R", 31),
    ]
    joined, account = follow_links(table(rows), pd.DataFrame(links, columns=["school", "linked", "link_type"]))
    assert set(joined["school"]) == codes
    assert dict(zip(account["school"], account["how"], strict=True)) == how
    assert joined["pupils"].sum() == 102


def test_a_chain_of_numbers_ends_at_the_last():
    rows = [("1", 2022, "R", 20), ("2", 2023, "R", 21), ("3", 2024, "R", 22)]
    links = pd.DataFrame(
        [("2", "1", "Predecessor"), ("3", "2", "Predecessor")], columns=["school", "linked", "link_type"]
    )
    assert follow_links(table(rows), links)[0]["school"].unique().tolist() == ["3"]


def test_rolls_say_what_they_are():
    rolls = rolls_from(table([("a", 2025, "R", 30), ("b", 2025, "R", 20)]))
    assert repr(rolls) == "<Rolls of 2 by school, 2025/26 to 2025/26, 1 year groups>"
    assert rolls.since(2025).total("primary").ravel().tolist() == [30, 20]
