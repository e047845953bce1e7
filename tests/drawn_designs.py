"""A design on a grid of squares with outlines, its tables and its page, for tests."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import pandas as pd
import shapely
from grids import grid_problem

from geoplan.areas import Boundaries
from geoplan.briefs import Limits
from geoplan.design_books import design_page, page_facts
from geoplan.design_tables import protect_design
from geoplan.designs import design, trade_off
from geoplan.disclosure import PUBLIC
from geoplan.sources import Source
from geoplan.trade_offs import trade_surface

LIMITS = Limits(places_within=0.15, at_most={"gorard": 0.6})
NAMES = {"101": "Ashfield <School>", "102": "Birch & Beech", "103": "Cedar"}


def squares(problem, columns: int) -> Boundaries:
    """The grid as outlines of 1 km."""
    x, y = [], []
    for at in range(len(problem.areas)):
        x.append(500_000 + 1_000 * (at % columns))
        y.append(200_000 + 1_000 * (at // columns))
    boxes = [shapely.box(a, b, a + 1_000, b + 1_000) for a, b in zip(x, y, strict=True)]
    frame = gpd.GeoDataFrame({"name": [f"Square {a}" for a in problem.areas]}, index=problem.areas,
                             geometry=boxes, crs=27700)  # fmt: skip
    return Boundaries(problem.kind, frame, Source("Drawn squares"))


@cache
def solved(years: int):
    """The problem and its design: they do not depend on what may be shown."""
    problem = grid_problem(3, rows=4, columns=5, schools=3, years=years)
    return problem, design(problem, limits=LIMITS, gap=1e-4, seconds=30)


@cache
def traded(years: int):
    """What fewer children moved cost in travel."""
    problem, _ = solved(years)
    table, _ = trade_off(problem, "moved", LIMITS, points=3, gap=0.01, seconds=20)
    return {"moved": table}


@cache
def surveyed(years: int = 1):
    """Designs that trade journeys, mix and moves."""
    problem, found = solved(years)
    measures = ("travel", "gorard", "moved")
    return trade_surface(problem, measures, LIMITS, steps=3, gap=0.02, seconds=20, start=found.plan)


@cache
def counted(published: bool = False, years: int = 1):
    """Problem, design and tables."""
    problem, found = solved(years)
    rule = None if published else PUBLIC
    return problem, found, protect_design(problem, found, rule, names=NAMES, noun="children", base_name="in test",
                                          data="2027")  # fmt: skip


@cache
def drawn(published: bool = False, years: int = 1):
    """Page, problem, design, tables, curves and facts."""
    problem, found, tables = counted(published, years)
    curves, surface = traded(years), surveyed(years)
    layer = squares(problem, 5)
    sites = pd.DataFrame({"easting": [501_500.0], "northing": [201_500.0]}, index=["101"])
    page = design_page(
        problem, LIMITS, found, tables, curves, surface=surface, boundaries=layer, sites=sites, names=NAMES,
        title="Option D", notes=["Made for a test."], sources=[layer.source],
    )  # fmt: skip
    return page, problem, found, tables, curves, page_facts(problem, LIMITS, found, tables, curves, surface)
