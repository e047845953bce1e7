"""Ten earlier January censuses for the invented schools, so that forecasts can be tried seven years ahead.

    python build_earlier.py

Made backwards from ``rolls.csv``: each year group is the one above it a year later, put right for those who came and
went (at the school's own rate, with chance); the top year group follows a wave of births that is stated here.
Nothing of it is about a real school. One seed; twice gives the same bytes. Not part of the installed package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SEED = 2026
FIRST, LAST = 2011, 2020  # academic years by the calendar year in which they begin
PEAK, HEIGHT, LENGTH = 2017.0, 0.06, 16.0  # the wave of births, by the year in which they begin school
STAGES = ["R", *map(str, range(1, 15))]
CENSUS = {year: f"{year + 1}-01-{21 - (year % 7):02d}" for year in range(FIRST, LAST + 1)}


def wave(year: float) -> float:
    """The size of a cohort that begins school in a year, about 1."""
    return 1 + HEIGHT * np.cos(2 * np.pi * (year - PEAK) / LENGTH)


def earlier(rolls: pd.DataFrame) -> pd.DataFrame:
    """The ten censuses before those of ``rolls``."""
    rng = np.random.default_rng(SEED)
    rolls = rolls.assign(stage=rolls["year_group"].map(STAGES.index), year=rolls["date"].str[:4].astype(int) - 1)
    rows = []
    for urn, own in rolls.groupby("urn", sort=True):
        table = own.pivot(index="year", columns="stage", values="pupils")
        if table.index.min() > LAST + 1 or table.loc[LAST + 1].isna().any():
            continue  # opened since, and still filling
        stages = sorted(table.columns)
        rate = {
            stage: (table[stage].iloc[1:].to_numpy() / table[stage - 1].iloc[:-1].to_numpy().clip(1)).mean()
            for stage in stages[1:]
            if stage - 1 in stages
        }
        now = table.loc[LAST + 1].to_dict()
        usual = table.mean().to_dict()
        centre = np.mean([wave(year - stages[-1]) for year in table.index])
        for year in range(LAST, FIRST - 1, -1):
            then = {}
            for stage in stages:
                if stage + 1 in now:
                    mean = now[stage + 1] / max(rate[stage + 1], 0.05)
                    then[stage] = max(0, round(mean + rng.normal(0, np.sqrt(0.06 * max(mean, 1)))))
                else:
                    mean = usual[stage] * wave(year - stage) / centre
                    then[stage] = max(0, round(mean + rng.normal(0, np.sqrt(0.6 * max(mean, 1)))))
            rows += [(CENSUS[year], urn, STAGES[stage], int(count)) for stage, count in then.items()]
            now = then
    made = pd.DataFrame(rows, columns=["date", "urn", "year_group", "pupils"])
    order = made["year_group"].map(STAGES.index)
    return made.assign(order=order).sort_values(["date", "urn", "order"], ignore_index=True).drop(columns="order")


if __name__ == "__main__":
    made = earlier(pd.read_csv(HERE / "rolls.csv", dtype={"urn": "str"}))
    made.to_csv(HERE / "rolls_earlier.csv", index=False, lineterminator="\n")
    print(f"rolls_earlier.csv: {len(made):,} rows")
