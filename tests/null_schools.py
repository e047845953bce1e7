"""Schools that differ by chance alone: a county's pupils dealt out to its schools at random.

Read by ``test_null_schools.py`` and by ``benchmarks/chance.py``, which prints the README's figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.comparison import compare
from geoplan.disclosure import PUBLIC, Rule

# England's output areas by OAC 2021 supergroup, per cent
ENGLAND = {"1": 16.0, "2": 21.3, "3": 8.9, "4": 12.1, "5": 11.0, "6": 17.2, "7": 11.0, "8": 2.5}


@dataclass(frozen=True)
class Counted:
    """Of schools with nothing to find: those with any segment called notable, by three rules, and counties with any."""

    schools: int
    notable: int
    notable_shown: int
    bare: int
    counties: int
    counties_notable: int
    counties_notable_shown: int
    missing_in_truth: int  # notable in print and not in the exact table


def deal(sizes: np.ndarray, shares: dict[str, float], rng: np.random.Generator) -> pd.DataFrame:
    """Schools by segment: the county's pupils in random order, cut into schools."""
    parts = np.array(list(shares.values()))
    ends = np.rint(np.append(0, parts.cumsum()) / parts.sum() * sizes.sum()).astype(int)
    county = np.repeat(np.arange(len(parts)), np.diff(ends))
    rng.shuffle(county)
    school = np.repeat(np.arange(len(sizes)), sizes)
    counts = np.bincount(school * len(parts) + county, minlength=len(sizes) * len(parts)).reshape(len(sizes), -1)
    return pd.DataFrame(counts, index=[f"s{i:03d}" for i in range(len(sizes))], columns=list(shares))


def count(counties: int, sizes: np.ndarray, shares=ENGLAND, rule: Rule = PUBLIC, seed: int = 1) -> Counted:
    """Deal out so many counties and count what is called notable."""
    rng = np.random.default_rng(seed)
    seen = np.zeros(6, dtype=int)
    for _ in range(counties):
        schools = deal(sizes, shares, rng)
        exact = compare(schools, schools.sum(), "all pupils")
        table, shown = exact.table, exact.protect(rule).table
        bare = 100 * table["share"] / table["base_share"]
        by_school = pd.DataFrame(
            {"exact": table["notable"], "shown": shown["notable"], "bare": (bare < 80) | (bare > 120)}
        )
        any_of = by_school.groupby(level=0).any()
        seen += [
            *any_of.sum(),
            any_of["exact"].any(),
            any_of["shown"].any(),
            (shown["notable"] & ~table["notable"]).sum(),
        ]
    exact, in_print, bare, with_any, with_any_shown, extra = (int(each) for each in seen)
    return Counted(counties * len(sizes), exact, in_print, bare, counties, with_any, with_any_shown, extra)
