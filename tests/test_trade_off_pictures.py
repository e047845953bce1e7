"""Trade-offs as pictures and tables: nothing finer than ten children, words that agree with the figures printed."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from drawn_designs import solved, surveyed

from geoplan.briefs import MEASURES
from geoplan.design_tables import balance_step
from geoplan.disclosure import PUBLIC, rule_for
from geoplan.reports.words import letters_for
from geoplan.trade_off_pictures import (
    cost_words,
    curve_rows,
    curve_told,
    surface_numbers,
    surface_rows,
    surface_sentences,
    surface_svg,
    surface_told,
    surface_words,
)
from geoplan.trade_offs import TradeSurface

MINUTES = SimpleNamespace(unit="minutes")


def made(points, measures=("travel", "gorard", "moved"), levels=(100.0, 200.0, np.inf), gap=0.004) -> TradeSurface:
    """A trade-off put together by hand."""
    table = pd.DataFrame(points, columns=list(measures))
    table["bound"], table["gap"] = table[measures[0]] * (1 - gap), gap
    cells = pd.DataFrame({measures[-1]: levels, "status": "found", "solved": True})
    best = {name: float(table[name].min()) for name in measures}
    return TradeSurface(measures, measures[0], table, (), cells, best, best, 2, 5, 1.0)


def marks(svg: str) -> list[str]:
    """What stands beside the marks, by the letter."""
    return sorted(re.findall(r">([A-Z]{1,2}(?:: [^<]*)?)</text>", svg))


def test_children_stand_in_tens_everywhere():
    surface = made([(25.0, 0.20, 187.3), (25.5, 0.21, 92.4), (26.0, 0.10, 203.9)])
    rows = surface_rows(MINUTES, surface)
    heading = "children whose school changes, to the nearest ten"
    assert list(rows[heading]) == ["190", "90", "200"]
    assert list(surface_numbers(MINUTES, surface)["moved"]) == [190.0, 90.0, 200.0]
    svg = surface_svg(MINUTES, surface)
    assert marks(svg) == ["A: 190 moved", "B: 90 moved", "C: 200 moved"]
    said = " ".join([svg, *rows.astype(str).to_numpy().ravel(), *surface_sentences(MINUTES, surface)])
    assert not re.search(r"187|92\.4|203|204", said)
    # two plans that differ within the same ten draw the same picture: a place tells no exact count
    near = made([(25.0, 0.20, 191.9), (25.5, 0.21, 88.0), (26.0, 0.10, 198.4)])
    assert surface_svg(MINUTES, near) == svg
    across = [made([(a, 0.2, 25.0), (b, 0.1, 26.0)], ("moved", "gorard", "travel"), (25.5, np.inf))
              for a, b in ((187.3, 92.4), (191.9, 88.0))]  # fmt: skip
    assert surface_svg(MINUTES, across[0]) == surface_svg(MINUTES, across[1])


def test_what_the_printed_figures_beat_is_left_out_and_counted():
    surface = made([(25.001, 0.2001, 187.3), (25.003, 0.2002, 92.4), (25.004, 0.1, 92.4), (25.2, 0.09, 0.0)],
                   levels=(0.0, 100.0, np.inf))  # fmt: skip
    assert list(surface_numbers(MINUTES, surface)["moved"]) == [90.0, 0.0]
    assert "4 other designs were found and left out" in " ".join(surface_sentences(MINUTES, surface))
    svg = surface_svg(MINUTES, surface)
    assert marks(svg) == ["A: 90 moved", "B: none moved"] and ">none moved<" in svg and "-0" not in svg


def test_a_place_in_the_picture_tells_no_more_of_balance_than_its_figure():
    measures = ("travel", "balance", "moved")
    one, other = (made([(25.0, a, 187.3), (25.5, b, 92.4)], measures) for a, b in ((0.203, 0.101), (0.198, 0.099)))
    assert surface_svg(MINUTES, one) == surface_svg(MINUTES, other)


def test_balance_is_told_no_finer_than_the_rounding_of_counts():
    """Children by a handful more or fewer in the smallest catchment change nothing that is told of balance."""
    problem = SimpleNamespace(unit="minutes", shares=np.array([[210.0, 330.0]]))
    step = balance_step(problem, PUBLIC)
    assert step == 0.05 and balance_step(problem, rule_for("internal", reason="testing the numbers")) == 0.01
    told = []
    for few in (-2, 0, 2):  # of 210 children: 1%
        points = [(25.0, (42 + few) / 210, 187.3), (25.5, (21 + few) / 210, 92.4)]
        surface = surface_told(made(points, ("travel", "balance", "moved")), step)
        told.append((surface_numbers(problem, surface), surface_sentences(problem, surface)[2:]))
        assert set(surface.points["balance"]) == {0.2, 0.1}
        assert surface.best_bound["balance"] <= min(points, key=lambda point: point[1])[1]
    assert told[0][0].equals(told[1][0]) and told[1][0].equals(told[2][0])
    curve = pd.DataFrame({"balance": [0.083, 0.141], "travel": [26.0, 25.5], "bound": [26.0, 25.4], "gap": [0.0, 0.01],
                          "limit": [0.083, 0.15], "least": [0.083, 0.083]})  # fmt: skip
    against = curve_told(curve, "balance", "travel", step)
    assert against["balance"].tolist() == [0.1, 0.15] and against["bound"].equals(curve["bound"])
    assert against["limit"].round(6).tolist() == [0.05, 0.15] and (against["least"] <= curve["least"]).all()
    assert curve_rows(problem, against, "balance", {"travel": 1.0})[MEASURES["balance"]].tolist() == ["10%", "15%"]
    assert curve_told(curve.drop(columns="balance"), "travel", "travel", step).equals(curve.drop(columns="balance"))


def test_balance_is_in_per_cent_and_points():
    surface = made([(25.0, 0.2, 187.3), (25.5, 0.1, 92.4)], ("travel", "balance", "moved"))
    assert ">20% apart<" in surface_svg(MINUTES, surface)
    assert surface_rows(MINUTES, surface)["against another"].iloc[1] == (
        "against A: the mean journey 0.50 minutes longer; that buys 10 points nearer to the shares and 100 fewer "
        "children moved"
    )


def test_the_bound_is_rounded_down_and_the_gap_up():
    surface = made([(25.0, 0.2, 100.0)], gap=0.00031)
    numbers = surface_numbers(MINUTES, surface)
    assert numbers["bound"].iloc[0] <= surface.points["bound"].iloc[0] and numbers["gap_percent"].iloc[0] == 0.04
    moved = made([(197.0, 0.2, 25.0)], ("moved", "gorard", "travel"), (25.0, np.inf), gap=0.03)
    assert surface_numbers(MINUTES, moved)["bound"].iloc[0] == 190.0
    assert "190" in surface_rows(MINUTES, moved)["no plan below (children whose school changes)"].iloc[0]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ((26.0, 0.2, 420.0), "against B: the mean journey 1.00 minutes longer and 60 more children moved"),
        ((24.6, 0.2, 420.0), "against B: 60 more children moved; that buys the mean journey 0.40 minutes shorter"),
        ((25.0, 0.25, 300.0), "against B: Gorard 0.050 higher; that buys 60 fewer children moved"),
        ((25.0, 0.2, 360.0), "against B: the same in these figures"),
    ],
)
def test_what_a_choice_costs_is_said_in_words(one, words):
    measures = ("travel", "gorard", "moved")
    plain = {"design": "A", **dict(zip(measures, one, strict=True))}
    assert cost_words(MINUTES, measures, plain, {"design": "B", "travel": 25.0, "gorard": 0.2, "moved": 360.0}) == words


def test_words_of_costs_add_up_from_the_printed_figures():
    problem, _ = solved(1)
    surface = surveyed(1)
    numbers = surface_numbers(problem, surface).set_index("design")
    rows = surface_rows(problem, surface).set_index("design")
    assert rows["against another"].iloc[0] == "the least mean journey"
    for letter, words in rows["against another"].iloc[1:].items():
        other = re.match(r"against ([A-Z]+): ", words).group(1)
        assert other < letter
        longer = re.search(r"mean journey ([\d.]+) km (longer|shorter)", words)
        change = numbers.at[letter, "travel"] - numbers.at[other, "travel"]
        told = 0.0 if longer is None else float(longer.group(1)) * (1 if longer.group(2) == "longer" else -1)
        assert told == pytest.approx(change, abs=1e-9)
        people = re.search(r"([\d,]+) (more|fewer) children moved", words)
        change = numbers.at[letter, "moved"] - numbers.at[other, "moved"]
        told = 0.0 if people is None else float(people.group(1)) * (1 if people.group(2) == "more" else -1)
        assert told == change


def test_each_third_measure_has_its_own_shape_and_words():
    surface = made([(25.0, 0.20, 187.3), (25.5, 0.21, 92.4), (26.0, 0.10, 208.9)])
    svg = surface_svg(MINUTES, surface, {"Today": {"travel": 25.2, "gorard": 0.2}, "No mix": {"travel": 25.0}})
    shapes = re.findall(r'<path d="([^"]+)" transform', svg)
    assert len(set(shapes)) == 3 and len(shapes) == 6  # three marks, and the key
    for words in ("at most 100 moved", "at most 200 moved", "at most 210 moved"):
        assert f">{words}<" in svg and words in surface_words(MINUTES, surface, {})
    assert ">Today<" in svg and "No mix" not in svg


def test_two_measures_and_many_designs_are_drawn():
    two = made([(25.0, 0.2), (26.0, 0.1)], ("travel", "gorard"), (0.15, np.inf))
    assert marks(surface_svg(MINUTES, two)) == ["A", "B"]
    many = made([(25 + at / 10, 0.3 - at / 200, 100.0 + 10 * at) for at in range(30)])
    assert marks(surface_svg(MINUTES, many)) == sorted(letters_for(30))
    assert len(surface_rows(MINUTES, many)) == 30


def test_without_a_design_there_is_no_picture_but_a_reason():
    none = TradeSurface(
        ("travel", "moved"), "travel", pd.DataFrame(), (), pd.DataFrame(), {}, {}, 0, 1, 1.0, ("no room",)
    )
    assert surface_svg(MINUTES, none) == "" and surface_sentences(MINUTES, none) == ["no room"]
    assert not len(surface_rows(MINUTES, none)) and surface_words(MINUTES, none, {}) == []


def test_what_is_proved_of_limits_is_said():
    surface = made([(25.0, 0.20, 187.3)])
    cells = surface.cells.assign(status=["impossible", "none found", "found"])
    said = " ".join(surface_sentences(MINUTES, TradeSurface(**{**vars(surface), "cells": cells})))
    assert (
        "3 combinations of limits were asked for: 1 have a plan, 1 are proved to have none; of 1 it is not known."
        in said
    )
    assert "fewer than 180 children moved" in said and "2 other designs were found and left out" in said
