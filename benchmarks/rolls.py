"""A county's forecasts: 600 schools, 15 years, every method, 7 years ahead, every origin; beside loops over schools.

The peer is what an analyst would write: pandas, a loop over schools and year groups for one method (cohort survival)
from one origin. Both are timed in this run; ``--brighton FOLDER`` prints the accuracy on real intakes instead.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))


def timed(function, *args, **options):
    """What a call gives, and its user seconds of processor."""
    began = time.process_time()
    answer = function(*args, **options)
    return answer, time.process_time() - began


def loops(table: pd.DataFrame, origin: int, years: int) -> dict:
    """Cohort survival by a loop over schools, year groups and years, each a look-up in a pandas frame."""
    rolls = table.pivot_table(index=["school", "stage"], columns="year", values="pupils", aggfunc="sum")
    done = {}
    for school, part in rolls.groupby(level="school"):
        part = part.droplevel("school")
        stages = list(part.index)
        now = part[origin].to_dict()
        for ahead in range(1, years + 1):
            then = {}
            for stage in stages:
                if stage - 1 not in stages:
                    recent = part.loc[stage, [origin, origin - 1, origin - 2]].dropna()
                    then[stage] = np.average(recent, weights=[3, 2, 1][: len(recent)])
                    continue
                above = below = 0.0
                for back, weight in enumerate((3, 2, 1)):
                    up, down = part.at[stage, origin - back], part.at[stage - 1, origin - back - 1]
                    if up == up and down == down:
                        above, below = above + weight * up, below + weight * down
                then[stage] = now[stage - 1] * (above / below if below else 1.0)
            done[(school, ahead)] = then
            now = then
    return done


def county(schools: int) -> None:
    """The made county, timed."""
    from cities import county as made

    from geoplan.backtests import backtest
    from geoplan.cohorts import stage_of
    from geoplan.forecast_methods import history_of, survival
    from geoplan.forecasts import forecast
    from geoplan.rolls import rolls_from

    table, cluster = made(schools, 15, clusters=25)
    table = table.assign(stage=table["year_group"].map(stage_of))
    rng = np.random.default_rng(0)
    rolls, read = timed(rolls_from, table)
    births = pd.DataFrame(rng.integers(900, 1100, (len(rolls), 20)), index=rolls.places, columns=range(2004, 2024))
    ages = np.repeat(rng.integers(20, 200, (len(rolls), 15, 1)), 19, axis=2).astype(float)
    levels = dict.fromkeys(("catchment", "cluster", "city"), ages)
    feeders = pd.DataFrame(rng.random((len(rolls), len(rolls))), index=rolls.places, columns=rolls.places)
    history = history_of(rolls, cluster, births=births, children=levels, feeders=feeders)
    groups = {"cluster": cluster, "all schools": pd.Series("County", rolls.places)}
    test, trying = timed(backtest, history, rolls.places, groups)
    accuracy, scoring = timed(test.accuracy)
    coverage, intervals = timed(test.coverage)
    print(
        f"{len(rolls)} schools, 15 years, {len(test.forecasts) - 1} methods, {len(test.origins)} origins, 7 years ahead"
    )
    print(f"{'rolls from a long table':<34}{read:>8.2f} s of processor")
    print(f"{'every method from every origin':<34}{trying:>8.2f} s  {test}")
    print(
        f"{'scores and accuracy':<34}{scoring:>8.2f} s  {len(test.scores):,} scored forecasts, {len(accuracy):,} rows"
    )
    print(f"{'intervals and their coverage':<34}{intervals:>8.2f} s  {len(coverage):,} rows")
    _, ahead = timed(lambda: forecast(history, rolls.places, groups).table())
    print(f"{'the whole of it again, and a table':<34}{ahead:>8.2f} s")
    primaries = table[table["school"].str.startswith("P")]
    one, peer = timed(loops, primaries, 2025, 7)
    ours, _vector = timed(lambda: [survival(history.until(2025)) for _ in range(20)])
    print(
        f"{'peer: one method, one origin':<34}{peer:>8.2f} s  loops over {primaries['school'].nunique()} "
        f"primary schools"
    )
    runs = len(test.origins) * (len(test.forecasts) - 1)
    print(f"the peer would take {peer * runs:,.0f} s for {runs} such runs: {peer * runs / trying:,.0f} times ours")
    assert ours and one


def brighton(shared: Path) -> None:
    """Accuracy on real intakes, for the README."""
    from forecast_data import authorities_intakes, brighton_intakes

    from geoplan.backtests import backtest
    from geoplan.forecast_methods import history_of

    for name, rolls in (
        ("Brighton & Hove", brighton_intakes(shared)),
        ("151 authorities", authorities_intakes(shared)),
    ):
        test = backtest(history_of(rolls), rolls.places, {"all": pd.Series(name, rolls.places)})
        print(f"\n{name}: {test}")
        table = test.accuracy()
        print(table[table.index.get_level_values("ahead").isin([1, 3, 5, 7])].round(4).to_string())
        print(test.coverage().round(3).to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=600)
    parser.add_argument("--brighton", type=Path, help="the folder of shared open data")
    told = parser.parse_args()
    brighton(told.brighton) if told.brighton else county(told.schools)
