"""What of a design may be shown: protected counts that add up, words that never claim more than was proved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_designs import LIMITS, counted

from geoplan.design_tables import gap_words, limit_rows, protect_design, sureness
from geoplan.disclosure import rule_for


def test_counts_are_those_of_the_areas_rounded_and_small_ones_hidden():
    problem, found, tables = counted()
    exact = problem.children.iloc[:, 0].groupby(found.plan.table).sum()
    shown = tables.catchments.table["count"]
    hidden = tables.catchments.is_hidden("count")
    assert len(shown) == len(problem.schools)
    for code, value in exact.items():
        assert hidden[code] or abs(shown[code] - value) <= 2.5
    today = problem.children.iloc[:, 0].groupby(problem.today.table).sum()
    assert (tables.catchments.table["base_count"] - today).abs().max() <= 2.5
    for table in tables.protected:
        numbers = table.table.select_dtypes("number").drop(columns=["share", "places"], errors="ignore")
        assert (numbers.stack() % 5 == 0).all() and (numbers.stack().between(1, 9)).sum() == 0


def test_moves_are_the_areas_whose_school_differs():
    problem, found, tables = counted()
    differ = found.plan.moved_from(problem.today)
    assert set(tables.areas.index) == set(differ.index)
    people = tables.flows.table["people"]
    exact = problem.children.iloc[:, 0][differ.index].sum()
    if people.notna().all():
        assert abs(people.sum() - exact) <= 2.5 * len(people)


def test_inside_the_office_the_counts_are_exact():
    problem, found, _ = counted()
    rule = rule_for("internal", reason="checking a design in a test")
    tables = protect_design(problem, found, rule)
    exact = problem.children.iloc[:, 0].groupby(found.plan.table).sum()
    assert tables.catchments.table["count"].to_dict() == exact.to_dict()


def test_published_counts_are_shown_as_they_are_in_every_year():
    problem, found, tables = counted(published=True, years=2)
    assert tables.protected == () and tables.rule is None
    for year in problem.children:
        exact = problem.children[year].groupby(found.plan.table).sum()
        assert tables.catchments.loc[year, "count"].to_dict() == exact.to_dict()


def test_a_second_design_of_the_same_children_is_attacked_beside_the_first():
    problem, found, tables = counted()
    printed = [replace(each, name=f"earlier: {each.name}") for table in tables.protected for each in table.printed]
    first = next(iter(problem.areas[problem.areas.isin(tables.areas.index)]))
    other = replace(found, plan=found.plan.move([first], to=problem.today.table[first], name="Other"))
    again = protect_design(problem, other, tables.rule, noun="children", base_name="in test", data="2027",
                           earlier=printed, earlier_nested=tables.nested)  # fmt: skip
    gates = {id(each.printed) for each in again.protected}
    assert gates and again.catchments.table["count"].notna().any()


@pytest.mark.parametrize(("gap", "words"), [(0.0, "0.00%"), (1e-5, "0.01%"), (0.0099, "0.99%"), (0.0101, "1.1%")])
def test_a_gap_is_never_rounded_down(gap, words):
    assert gap_words(gap) == words
    assert float(words.rstrip("%")) / 100 >= gap - 1e-12


def test_what_was_not_proved_is_not_called_proved():
    problem, found, _ = counted()
    stopped = replace(found, status="stopped", bound=0.9 * found.value)
    assert sureness(problem, stopped).startswith("Time ran out first.")
    assert "10.0%" in sureness(problem, stopped)
    assert sureness(problem, replace(found, bound=found.value)) == "Proved: no plan that keeps these limits is better."


def test_every_limit_asked_for_is_told():
    problem, found, _ = counted()
    area, other = problem.areas[:2]
    limits = replace(
        LIMITS, full_at_most=2.0, full_at_least=0.1, max_travel=99.0, nearest=3, fixed={area: found.plan.table[area]},
        together=((area, other),), at_most={"gorard": 0.6, "travel": 9.0, "moved": 500.0, "balance": 0.9},
    )  # fmt: skip
    rows = limit_rows(problem, limits, found)
    assert len(rows) == 12
    assert not rows["design"].str.contains("nan").any()
    assert np.all(rows["limit"].str.len() > 10)
