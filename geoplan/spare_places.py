"""Places against rolls to come: what is spare, what is short, and what another plan of catchments would do to it.

Unfilled places are counted school by school and then added up, as the DfE does: a full school next door does not fill
them (gross). The net figure, places less pupils, is beside it. A shortfall is never set off against another school's
spare places, year group or year.

References: DfE, *School capacity* (unfilled places are never netted); Hertfordshire County Council, *Meeting the Demand
for School Places* (places, demand, surplus, % and forms of entry by planning area).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.catchments import CatchmentPlan
from geoplan.cohorts import CLASS_SIZE, PHASES, age_of
from geoplan.errors import ForecastRefused, VintageError
from geoplan.forecasts import Forecast
from geoplan.rolls import sum_known

NO_CATCHMENT = "no catchment"
MEASURE_OF = {0: "Reception", 7: "Year 7"}


def phase_of(stages: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """The phase that most year groups of each place are of.

    Examples
    --------
    >>> phase_of(np.array([0, 1, 7]), np.array([[True, True, False], [False, False, True]])).tolist()
    ['primary', 'secondary']
    """
    counts = np.stack([(taught & np.isin(stages, wanted)).sum(axis=1) for wanted in PHASES.values()], axis=1)
    return np.array(list(PHASES))[counts.argmax(axis=1)]


def places_by_year(
    forecast: Forecast, places: pd.DataFrame, changes: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Places of each school in each forecast year.

    Parameters
    ----------
    forecast
        By school.
    places
        Indexed by school: ``places`` (net capacity) and ``pan``.
    changes
        ``school``, ``year``, ``places``, ``pan``: from that year on.

    Returns
    -------
    places, pan
        Schools x years; missing where the file has none.
    """
    years = list(forecast.years)
    answer = []
    for name in ("places", "pan"):
        base = pd.to_numeric(places[name], errors="coerce") if name in places else pd.Series(dtype=float)
        now = base.reindex(forecast.places).astype("float64").to_numpy(dtype=float)
        table = pd.DataFrame(np.repeat(now[:, None], len(years), axis=1), index=forecast.places, columns=years)
        for row in (changes if changes is not None else pd.DataFrame()).itertuples(index=False):
            if row.school in table.index:
                later = [year for year in years if year >= row.year]
                table.loc[row.school, later] = table.loc[row.school, later].add(getattr(row, name)).clip(lower=0)
        answer.append(table)
    return tuple(answer)


def spare_places(
    forecast: Forecast, places: pd.DataFrame, changes: pd.DataFrame | None = None, level: str | None = None
) -> pd.DataFrame:
    """Spare places and shortfall in all year groups, by place and year.

    Parameters
    ----------
    forecast
        By school.
    places, changes
        As for :func:`places_by_year`.
    level
        The schools, or a level of their groups.

    Returns
    -------
    DataFrame
        ``place``, ``phase``, ``year``, ``places``, ``demand`` (pupils forecast), ``net`` (places less pupils; below 0 a
        shortage of the whole), ``unfilled`` (gross: schools with room, added up), ``shortfall`` (schools over their
        places, added up), ``surplus_share`` (net over places), ``forms`` (net in forms of entry: classes of 30 in each
        of the phase's year groups). Schools without a number of places are in ``without_places``, and in nothing else.
    """
    level = level or forecast.past.level
    history = forecast.past.history
    capacity, _ = places_by_year(forecast, places, changes)
    room = capacity.to_numpy()
    roll = sum_known(forecast.pupils, axis=-1)
    phase = phase_of(np.asarray(history.stages), history.taught)
    groups = _groups(forecast, level)
    length = history.taught.sum(axis=1)
    parts = []
    for number, year in enumerate(forecast.years):
        known = np.isfinite(room[:, number]) & np.isfinite(roll[:, number])
        spare = np.where(known, room[:, number] - roll[:, number], 0.0)
        frame = pd.DataFrame(
            {
                "place": groups,
                "phase": phase,
                "year": year,
                "places": np.where(known, room[:, number], 0.0),
                "demand": np.where(known, roll[:, number], 0.0),
                "net": spare,
                "unfilled": spare.clip(min=0),
                "shortfall": (-spare).clip(min=0),
                "forms": spare / CLASS_SIZE / np.maximum(length, 1),
                "without_places": (~known & np.isfinite(roll[:, number])).astype(int),
            }
        )
        parts.append(frame.groupby(["place", "phase", "year"], as_index=False).sum())
    table = pd.concat(parts, ignore_index=True)
    table["surplus_share"] = table["net"] / table["places"].where(table["places"] > 0)
    return table.sort_values(["phase", "place", "year"], ignore_index=True)


def intake_table(
    forecast: Forecast, places: pd.DataFrame, changes: pd.DataFrame | None = None, level: str | None = None
) -> pd.DataFrame:
    """Places, demand, surplus, % and forms of entry for each intake, as Hertfordshire reports to its members.

    Returns
    -------
    DataFrame
        ``place``, ``intake`` (Reception, Year 7), ``year``, ``places`` (published admission numbers), ``demand``,
        ``surplus``, ``surplus_share``, ``forms`` (surplus in classes of 30), ``unfilled``, ``shortfall``.
    """
    level = level or forecast.past.level
    history = forecast.past.history
    _, pan = places_by_year(forecast, places, changes)
    groups = _groups(forecast, level)
    parts = []
    for stage, name in MEASURE_OF.items():
        if stage not in history.stages:
            continue
        at = history.stages.index(stage)
        enters = history.taught[:, at] & ~history.carried[:, at]
        for number, year in enumerate(forecast.years):
            demand, room = forecast.pupils[:, number, at], pan.to_numpy()[:, number]
            known = enters & np.isfinite(demand) & np.isfinite(room)
            spare = np.where(known, room - demand, 0.0)
            frame = pd.DataFrame(
                {
                    "place": groups,
                    "intake": name,
                    "year": year,
                    "places": np.where(known, room, 0.0),
                    "demand": np.where(known, demand, 0.0),
                    "surplus": spare,
                    "unfilled": spare.clip(min=0),
                    "shortfall": (-spare).clip(min=0),
                }
            )[known]
            parts.append(frame.groupby(["place", "intake", "year"], as_index=False).sum())
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["place", "intake", "year"])
    if len(table):
        table["surplus_share"] = table["surplus"] / table["places"].where(table["places"] > 0)
        table["forms"] = table["surplus"] / CLASS_SIZE
    return table.sort_values(["intake", "place", "year"], ignore_index=True)


def _groups(forecast: Forecast, level: str) -> np.ndarray:
    if level == forecast.past.level:
        return forecast.places.to_numpy()
    return forecast.past.groups[level].reindex(forecast.places).fillna("no group").astype("str").to_numpy()


# --- another plan -----------------------------------------------------------------------------------------------


def recut(children: pd.DataFrame, plan: CatchmentPlan) -> pd.DataFrame:
    """Children to come, by catchment of a plan: every child once, whatever the plan.

    Parameters
    ----------
    children
        ``area`` (of the plan's kind), ``year``, ``age``, ``children``.
    plan
        Any plan of catchments.

    Returns
    -------
    DataFrame
        ``catchment``, ``year``, ``age``, ``children``. Children of areas that the plan does not have, or gives to no
        school, are in ``no catchment``.

    Raises
    ------
    VintageError
        If not one area is in the plan.

    Examples
    --------
    >>> from geoplan.catchments import plan_from_pairs
    >>> plan = plan_from_pairs(pd.DataFrame({"area": ["E1"], "school": ["7"]}), "lsoa21")
    >>> ahead = pd.DataFrame({"area": ["E1", "E2"], "year": 2026, "age": 11, "children": [30.0, 4.0]})
    >>> recut(ahead, plan)[["catchment", "children"]].to_dict("records")
    [{'catchment': '7', 'children': 30.0}, {'catchment': 'no catchment', 'children': 4.0}]
    """
    catchment = children["area"].map(plan.table)
    if len(children) and catchment.isna().all():
        raise VintageError(f"{plan.name} is by {plan.kind}, and none of its areas is in the children's file")
    named = catchment.fillna("").replace("", NO_CATCHMENT)
    return children.assign(catchment=named).groupby(["catchment", "year", "age"], as_index=False)["children"].sum()


def compare_recuts(before: pd.DataFrame, after: pd.DataFrame, stage: int) -> pd.DataFrame:
    """Children of an intake by catchment under two plans.

    Returns
    -------
    DataFrame
        ``catchment``, ``year``, ``before``, ``after``, ``change``; the changes of a year add up to nothing.
    """
    age = age_of(stage)
    parts = [
        table[table["age"].eq(age)].set_index(["catchment", "year"])["children"].rename(name)
        for name, table in (("before", before), ("after", after))
    ]
    both = pd.concat(parts, axis=1).fillna(0.0)
    return both.assign(change=both["after"] - both["before"]).reset_index()


def intake_of(forecast: Forecast, *plans: CatchmentPlan) -> int:
    """The intake that plans of catchments are about: that which most of their schools have, Year 7 if they tie.

    Parameters
    ----------
    forecast
        By school.
    plans
        Of the same schools, more or less.

    Returns
    -------
    int
        Its stage: 0 for Reception, 7 for Year 7.

    Raises
    ------
    ForecastRefused
        If none of their schools takes children into either.
    """
    history = forecast.past.history
    enters = history.taught & ~history.carried
    schools = forecast.places.isin({school for plan in plans for school in plan.table.dropna()})
    counts = {
        stage: int(enters[schools, history.stages.index(stage)].sum()) for stage in (7, 0) if stage in history.stages
    }
    if not any(counts.values()):
        raise ForecastRefused(
            "no school of the plan takes children into Reception or Year 7 in these rolls: are its schools numbered as "
            "in the rolls?"
        )
    return max(counts, key=counts.get)


def recut_intakes(forecast: Forecast, before: pd.DataFrame, after: pd.DataFrame, stage: int) -> pd.DataFrame:
    """What intakes would be if each school kept drawing the same share of the children of its catchment.

    Children who change catchment are taken to go to the new school as its other catchment children do. The intakes of
    all schools together stay what they were forecast to be.

    Parameters
    ----------
    forecast
        By school, under the plan of today.
    before, after
        From :func:`recut`, today and with the other plan.
    stage
        The intake: 0 for Reception, 7 for Year 7.

    Returns
    -------
    DataFrame
        ``school``, ``year``, ``today`` (forecast), ``with_plan``; schools without a catchment keep their share.
    """
    at = forecast.stages.index(stage)
    compared = compare_recuts(before, after, stage).set_index(["catchment", "year"])
    parts = []
    for number, year in enumerate(forecast.years):
        today = pd.Series(forecast.pupils[:, number, at], index=forecast.places).dropna()
        today = today[today > 0]
        if year not in compared.index.get_level_values("year"):
            continue
        of_year = compared.xs(year, level="year")
        factor = (of_year["after"] / of_year["before"].where(of_year["before"] > 0)).reindex(today.index).fillna(1.0)
        changed = today * factor
        changed *= today.sum() / changed.sum()
        parts.append(pd.DataFrame({"school": today.index, "year": year, "today": today, "with_plan": changed}))
    columns = ["school", "year", "today", "with_plan"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def catchment_growth(
    rolls: pd.DataFrame, members: Mapping[str, tuple[str, ...]]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """How the rolls of each catchment's schools are forecast to grow: pupils forecast for each pupil now.

    Parameters
    ----------
    rolls
        ``school``, ``year``, ``now``, ``pupils``.
    members
        The schools of each catchment.

    Returns
    -------
    growth, without
        Catchments x years; and the catchments none of whose schools is forecast, which grow as all schools together.

    Examples
    --------
    >>> rolls = pd.DataFrame({"school": ["1", "2"], "year": "2026/27", "now": [100.0, 300.0], "pupils": [110.0, 290.0]})
    >>> growth, without = catchment_growth(rolls, {"1": ("1",), "9": ("9",)})
    >>> growth["2026/27"].tolist(), without
    ([1.1, 1.0], ('9',))
    """
    sums = rolls.groupby("year")[["now", "pupils"]].sum()
    every = sums["pupils"] / sums["now"].where(sums["now"] > 0)
    rows, without = {}, []
    for code, schools in members.items():
        own = rolls[rolls["school"].isin(schools)].groupby("year")[["now", "pupils"]].sum()
        growth = (own["pupils"] / own["now"].where(own["now"] > 0)).reindex(every.index)
        if growth.isna().all():
            without.append(code)
        rows[code] = growth.fillna(every)
    return pd.DataFrame.from_dict(rows, orient="index")[list(every.index)].fillna(1.0), tuple(without)


def grown_areas(children: pd.Series, catchment_of: Mapping[str, str], growth: pd.DataFrame) -> pd.DataFrame:
    """Children of areas in years to come, if each grew as the rolls of its catchment's school.

    Parameters
    ----------
    children
        By area, now.
    catchment_of
        The catchment of each area; those of none grow as all catchments together.
    growth
        From :func:`catchment_growth`.

    Returns
    -------
    DataFrame
        Areas x years; each catchment's sum is its children now times its growth.
    """
    own = pd.Series(children.index.map(lambda area: catchment_of.get(area, "")), children.index)
    now = children.groupby(own).sum().reindex(growth.index).fillna(0.0)
    whole = growth.mul(now, axis=0).sum() / now.sum() if now.sum() else growth.mean()
    factors = growth.reindex(own.to_numpy()).fillna(whole).set_axis(children.index)
    return factors.mul(children, axis=0)


def area_shares(postcodes: pd.DataFrame, small: str, large: str) -> pd.DataFrame:
    """How the children of larger areas (a postcode sector) are shared over smaller ones, by their live postcodes.

    Parameters
    ----------
    postcodes
        A row a postcode: columns ``small`` and ``large``.

    Returns
    -------
    DataFrame
        ``large``, ``small``, ``share``; shares of one larger area add up to 1.
    """
    pairs = postcodes[[large, small]].dropna().astype("str").value_counts().rename("postcodes").reset_index()
    shares = pairs["postcodes"] / pairs.groupby(large)["postcodes"].transform("sum")
    return pd.DataFrame({"large": pairs[large], "small": pairs[small], "share": shares})


def share_out(children: pd.DataFrame, shares: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Children of larger areas shared over smaller ones; nobody is lost.

    Parameters
    ----------
    children
        ``area``, ``year``, ``age``, ``children``.
    shares
        From :func:`area_shares`.

    Returns
    -------
    children, left
        By smaller area; and the children of areas that have no share anywhere, who are in "not placed".
    """
    both = children.merge(shares, left_on="area", right_on="large", how="left")
    left = float(both.loc[both["small"].isna(), "children"].sum())
    placed = both.assign(area=both["small"].fillna("not placed"), children=both["children"] * both["share"].fillna(1.0))
    table = placed.groupby(["area", "year", "age"], as_index=False)["children"].sum(min_count=1)
    return table, left
