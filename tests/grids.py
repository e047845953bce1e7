"""Made-up design problems on a grid of squares, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geoplan.briefs import DesignProblem
from geoplan.catchments import nearest_plan


def grid_neighbours(codes: list[str], rows: int, columns: int) -> pd.DataFrame:
    """Pairs of squares that share a side."""
    at = np.arange(rows * columns).reshape(rows, columns)
    pairs = [*zip(at[:, :-1].ravel(), at[:, 1:].ravel(), strict=True)]
    pairs += [*zip(at[:-1].ravel(), at[1:].ravel(), strict=True)]
    return pd.DataFrame([(codes[a], codes[b]) for a, b in pairs], columns=["a", "b"])


def grid_problem(seed: int, rows: int, columns: int, schools: int, years: int = 1) -> DesignProblem:
    """A grid with children, schools at random squares, uneven journeys, a mix and a plan of today."""
    random = np.random.default_rng(seed)
    codes = [f"E{i:04}" for i in range(rows * columns)]
    names = [str(101 + i) for i in range(schools)]
    x, y = np.divmod(np.arange(rows * columns), columns)
    at = random.choice(rows * columns, schools, replace=False)
    metres = np.hypot(x[:, None] - x[at], y[:, None] - y[at]) + random.uniform(0, 0.8, (rows * columns, schools))
    travel = pd.DataFrame(metres.round(3), index=codes, columns=names)
    children = pd.DataFrame(
        random.integers(5, 30, (rows * columns, years)), index=codes, columns=[str(2027 + i) for i in range(years)]
    )
    group = (children.iloc[:, 0] * random.uniform(0, 0.8, rows * columns)).round()
    mean = children.sum().mean()
    places = pd.Series(random.integers(80, 120, schools), index=names)
    return DesignProblem(
        children=children,
        places=(places * mean / places.sum()).round(),
        travel=travel,
        neighbours=grid_neighbours(codes, rows, columns),
        unit="km",
        mix=pd.DataFrame({"group": group, "counted": children.iloc[:, 0]}),
        today=nearest_plan(travel, "lsoa21", "Today"),
    )
