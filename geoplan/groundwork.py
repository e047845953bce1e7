"""What was done to the data behind a forecast: registers brought to totals, children who move, flows over the border.

Nothing of it is a forecast yet; all of it changes one. So each change stands in a table, what was before and after it,
for whoever wants to question it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.backtests import BackTest
from geoplan.cohorts import age_of, stage_name, year_name
from geoplan.forecast_methods import (
    FLOW_METHODS,
    LEVELS,
    WHOLE_INTAKES,
    History,
    children_to_come,
    flow_forecast,
    moving_rates,
)

COLUMNS = ("why", "place", "year", "of", "before", "after", "words")
SHARES = ("independent_share", "out_share", "into", "kept_share")  # of flows only
TOTALS, MOVING, FLOWS = "brought to totals", "moving", "border and independent schools"


def no_groundwork() -> pd.DataFrame:
    """Nothing was done.

    Returns
    -------
    DataFrame
        ``why``, ``place``, ``year``, ``of`` (whom), ``before`` and ``after`` (children or pupils), ``words``; of flows
        also ``independent_share`` and ``out_share`` (of residents), ``into`` (who come in), ``kept_share`` (of the
        residents left, who come to a school here).
    """
    return pd.DataFrame(columns=list(COLUMNS))


def told_of_totals(before: pd.DataFrame, after: pd.DataFrame, place: str, words: str) -> pd.DataFrame:
    """Registered children by year and age before and after they were brought to totals, all areas together.

    Parameters
    ----------
    before, after
        ``year``, ``age``, ``children``; rows of one year and age are added up.
    place
        What all areas together are called.
    words
        Whose totals.

    Examples
    --------
    >>> one = pd.DataFrame({"year": [2025], "age": [4], "children": [110.0]})
    >>> told = told_of_totals(one, one.assign(children=100.0), "Here", "a projection")
    >>> told[["of", "before", "after"]].values.tolist()
    [['children of age 4', 110.0, 100.0]]
    """
    keys = ["year", "age"]
    both = pd.concat([table.groupby(keys)["children"].sum().rename(name)
                      for name, table in (("before", before), ("after", after))], axis=1)  # fmt: skip
    both = both[(both["before"] - both["after"]).abs() > 1e-9].reset_index()
    of = both["age"].map("children of age {}".format)
    return both.assign(why=TOTALS, place=place, of=of, words=words)[list(COLUMNS)]


def groundwork_of(
    past: BackTest, names: Mapping[str, pd.Series], years: int, step: int = 1, done: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Everything that was done to the data of a back-test or of its forecast, and the whole of it in sentences.

    Parameters
    ----------
    past
        The back-test; its history is what is forecast from.
    names
        By level (city, cluster, catchment): what the area of each place is called, in the order of the history. Levels
        that are not named are not told.
    years
        Years ahead.
    step
        What numbers of people in words are rounded to.
    done
        What was done before, as :func:`told_of_totals` tells it.

    Returns
    -------
    table, sentences
        As :func:`no_groundwork`.
    """
    history = past.history
    parts = [] if done is None or not len(done) else [done]
    chosen = {name for each in past.chosen["methods"] for name in each}
    sentences: list[str] = []
    if history.flows is not None and history.flows.level in history.children:
        table, said = _flows(history, names, years, step, chosen)
        parts.append(table)
        sentences += said
    if history.moving is not None:
        parts.append(_moving(history, names, years))
        sentences.append(_in_race("uptake with moving", chosen))
    return (pd.concat(parts, ignore_index=True) if parts else no_groundwork()), tuple(sentences)


def _flows(history: History, names, years: int, step: int, chosen: set[str]) -> tuple[pd.DataFrame, list[str]]:
    """What the flows leave of the residents, by place and year, by the methods in the combination or by the first."""
    used = [name for name in FLOW_METHODS if name in chosen] or list(FLOW_METHODS)[:1]
    whose = names[history.flows.level]
    leads = np.flatnonzero(~pd.Series(list(whose)).duplicated())
    rows, sentences = [], []
    for name in used:
        for stage in [stage for stage in WHOLE_INTAKES if stage in history.stages]:
            found = flow_forecast(history, history.stages.index(stage), years, FLOW_METHODS[name])
            for lead in leads if found is not None else ():
                if not np.isfinite(found.intake[lead]).any():
                    continue
                from_years = [history.years[at] for at in np.flatnonzero(found.used[lead])]
                parts = (*found.shares[lead], found.into[lead], found.kept[lead])
                for ahead in range(years):
                    rows.append(
                        (f"{FLOWS}: {name}", whose.iloc[lead], history.year + 1 + ahead, stage_name(stage),
                         found.residents[lead, ahead], found.intake[lead, ahead], _flow_years(from_years), *parts)
                    )  # fmt: skip
                if name == used[0] and len(leads) == 1:
                    live = step * round(found.residents[lead, 0] / step)
                    sentences.append(
                        f"Of {live:,.0f} residents aged {age_of(stage)} in {year_name(history.year + 1)}: "
                        f"{_words(found, lead, step)} ({_flow_years(from_years)})."
                    )
    sentences.append(_in_race("flows, ", chosen))
    return pd.DataFrame(rows, columns=[*COLUMNS, *SHARES]), sentences


def _flow_years(years: list[int]) -> str:
    span = year_name(years[0]) if len(years) == 1 else f"{year_name(years[0])} to {year_name(years[-1])}"
    return f"flows of {span}"


def _words(found, lead: int, step: int) -> str:
    independent, out = (100 * share for share in found.shares[lead])
    into = step * round(found.into[lead] / step)
    kept = 100 * found.kept[lead]
    left = f"residents in our schools are {kept:.1f}% of those left"
    return f"{independent:.1f}% independent, {out:.1f}% out, {into:,.0f} in; {left}"


def _moving(history: History, names, years: int) -> pd.DataFrame:
    """Children who will begin an intake, if all stayed and once families have moved."""
    rows = []
    for level in [level for level in LEVELS if level in history.children and level in names]:
        rates = moving_rates(history, level)
        whose = names[level]
        leads = np.flatnonzero(~pd.Series(list(whose)).duplicated())
        for stage in [stage for stage in WHOLE_INTAKES if stage in history.stages]:
            stay = children_to_come(history, level, stage, years)
            move = children_to_come(history, level, stage, years, rates)
            rows += [
                (MOVING, whose.iloc[lead], history.year + 1 + ahead, f"children of {stage_name(stage)} age",
                 stay[lead, ahead], move[lead, ahead], f"registers by {level}")
                for lead in leads for ahead in range(years) if np.isfinite(stay[lead, ahead])
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _in_race(start: str, chosen: set[str]) -> str:
    """Whether the combination has methods of a kind."""
    used = sorted(name for name in chosen if name.startswith(start))
    kind = start.strip(", ")
    if used:
        return f"The combination has, for some year groups: {'; '.join(used)}."
    return f"Methods by {kind} were tried on the past, and the combination has none of them."
