"""Made cities with known uptake, survival and moving, to see whether forecasts find them again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geoplan.cohorts import year_group_of

PROPENSITY = pd.Series(dict(enumerate([-0.06, -0.04, -0.03, -0.02, -0.015, *[-0.01] * 13])))


def register(areas: int = 8, years: int = 12, first: int = 2014, seed: int = 3) -> tuple[pd.DataFrame, pd.Series]:
    """Children by area, year and age: births with a wave, then the chart of moving times each area's scale; exact."""
    rng = np.random.default_rng(seed)
    names = [f"A{number:02d}" for number in range(areas)]
    scale = pd.Series(rng.uniform(-1.0, 3.0, areas).round(2), index=names)
    size = rng.uniform(60, 160, areas)
    rows = []
    for year in range(first, first + years):
        for area, births in zip(names, size, strict=True):
            for age in range(19):
                born = births * (1 + 0.15 * np.sin(2 * np.pi * (year - age - first) / 14))
                stay = np.prod([1 + PROPENSITY[each] * scale[area] for each in range(age)])
                rows.append((area, year, age, born * stay))
    return pd.DataFrame(rows, columns=["area", "year", "age", "children"]), scale


def rolls_of(children: pd.DataFrame, uptake: pd.Series, stages: range = range(7)) -> pd.DataFrame:
    """A primary school in each area that has the same share of the children of every age: exact, not whole."""
    kept = children[children["age"].between(stages[0] + 4, stages[-1] + 4)]
    return pd.DataFrame(
        {
            "school": kept["area"],
            "year": kept["year"],
            "year_group": (kept["age"] - 4).map(year_group_of),
            "pupils": kept["children"] * kept["area"].map(uptake),
        }
    )


def county(schools: int = 60, years: int = 15, clusters: int = 6, seed: int = 5) -> tuple[pd.DataFrame, pd.Series]:
    """Rolls of a county with chance in them: primaries and secondaries, a wave of births, coming and going.

    Returns
    -------
    rolls, cluster
        ``school``, ``year``, ``year_group``, ``pupils``; the cluster of each school.
    """
    rng = np.random.default_rng(seed)
    primaries = int(schools * 0.82)
    secondaries = schools - primaries
    first = 2025 - years + 1
    span = range(first, first + years)
    size = rng.choice([15, 30, 45, 60, 90], primaries, p=[0.2, 0.35, 0.1, 0.3, 0.05]) * 1.0
    cohorts = {}
    for start in range(first - 14, first + years):  # the year in which a cohort begins school
        wave = 1 + 0.12 * np.sin(2 * np.pi * (start - 2016) / 18)
        cohorts[start] = np.minimum(rng.poisson(size * 0.92 * wave), np.ceil(size))
    parts = []
    share = rng.dirichlet(np.full(secondaries, 30.0))
    keep = rng.normal(1.0, 0.01, primaries)
    seen: dict[int, np.ndarray] = {}
    for start, intake in cohorts.items():
        pupils = intake.astype(float)
        for stage in range(14):
            year = start + stage
            if stage == 7:
                seen[start] = rng.multinomial(int(pupils.sum() * 0.96), share).astype(float)
                pupils = seen[start]
            elif stage:
                rate = keep if stage < 7 else 1.0
                change = rng.normal(0, np.sqrt(0.05 * np.maximum(pupils, 1)))
                pupils = np.maximum(0, np.round(pupils * rate + change))
            if stage == 12:
                pupils = np.round(pupils * 0.6)
            if year in span:
                codes = [f"P{n:03d}" if stage < 7 else f"S{n:03d}" for n in range(len(pupils))]
                parts.append(
                    pd.DataFrame({"school": codes, "year": year, "year_group": year_group_of(stage), "pupils": pupils})
                )
    table = pd.concat(parts, ignore_index=True)
    names = [*(f"P{n:03d}" for n in range(primaries)), *(f"S{n:03d}" for n in range(secondaries))]
    return table, pd.Series([f"C{n % clusters}" for n in range(len(names))], index=names)
