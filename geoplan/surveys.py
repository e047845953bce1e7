"""Whom a survey heard, and whom it missed: response by group, a test of representativeness, weights, a top-up.

Respondents are people of a population counted by the same groups. The guide's rule ("below 20% do another study") is
printed as a flag. A sample may answer at the same rate everywhere and be small, or be large and one-sided: the flag,
the test and the design effect each say one thing only.

Weights are found by raking: the respondents' margins are fitted to the population's, one dimension after the other,
until all agree. The design effect (Kish) says what the weights cost: a sample with design effect 2 is worth half as
many even answers.

References: *Learning from experience* (2008), Brent's and Gloucestershire's surveys (the 20% rule); Deming and Stephan
(1940), Annals of Mathematical Statistics 11:427 (raking); Kish (1992), Journal of Official Statistics 8:183 (the
design effect); Cochran (1977), Sampling Techniques, chapter 4 (sample size).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.chance import Overall, overall, wilson_interval
from geoplan.errors import UnknownCodeError
from geoplan.raking import rake_table
from geoplan.service_reach import ServiceReach

LEAST_RESPONSE = 0.20
MARGIN = 0.05
_Z = 1.959963984540054


@dataclass(frozen=True, repr=False)
class Raked:
    """Weights that make the respondents' margins those of the population.

    Parameters
    ----------
    weights
        By cell (the codes of every dimension raked): the weight of each respondent there; the mean over all
        respondents is 1. A cell without respondents has none.
    design_effect
        Respondents for each even answer that they are worth (1 = nothing lost).
    effective
        Respondents divided by the design effect.
    largest
        The largest weight.
    converged
        Whether all margins agree within a millionth.
    unreached
        Groups of the population without any respondent, by dimension: no weight can speak for them.
    """

    weights: pd.Series
    design_effect: float
    effective: float
    largest: float
    converged: bool
    unreached: Mapping[str, tuple[str, ...]]

    def __repr__(self) -> str:
        state = "" if self.converged else ", not converged"
        return f"<Raked: design effect {self.design_effect:.2f}, largest weight {self.largest:.2f}{state}>"


def response(respondents: pd.Series, population: pd.Series, least: float = LEAST_RESPONSE) -> pd.DataFrame:
    """Response by group, with its interval and the guide's rule as a flag.

    Parameters
    ----------
    respondents, population
        Counts by group: exact ones inside, or printed ones for a page (missing where hidden).
    least
        The least response rate that does without another study.

    Returns
    -------
    DataFrame
        By group: ``respondents``, ``population``, ``rate``, ``rate_low``, ``rate_high`` (Wilson; missing where there is
        nobody to ask), ``another_study``.

    Examples
    --------
    >>> response(pd.Series({"a": 30, "b": 9}), pd.Series({"a": 100, "b": 100, "c": 0}))[["rate", "another_study"]]
       rate  another_study
    a  0.30          False
    b  0.09           True
    c   NaN          False
    """
    codes = population.index.union(respondents.index, sort=False)
    table = pd.DataFrame(
        {
            "respondents": respondents.reindex(codes).fillna(0 if respondents.notna().all() else np.nan),
            "population": population.reindex(codes).fillna(0 if population.notna().all() else np.nan),
        }
    ).astype(float)
    asked = table["population"].where(table["population"] >= table["respondents"]).where(table["population"] > 0)
    table["rate"] = table["respondents"] / asked
    table["rate_low"], table["rate_high"] = wilson_interval(table["respondents"].where(asked.notna()), asked)
    table["another_study"] = table["rate"] < least
    return table


def representative(respondents: pd.Series, population: pd.Series, slack: int = 0) -> Overall:
    """Whether the respondents' mix of groups is that of the population, chance allowed for.

    Parameters
    ----------
    respondents, population
        Counts by group; a group hidden on either side is left out.
    slack
        How far from the truth each count may be because it was rounded.

    Returns
    -------
    geoplan.chance.Overall
        Chi-square of respondents against those who did not answer; by Monte Carlo where few were expected.
    """
    both = pd.DataFrame({"heard": respondents, "asked": population}).dropna()
    rest = (both["asked"] - both["heard"]).clip(lower=0)
    return overall(both["heard"].to_numpy(), rest.to_numpy(), slack, slack)


def rake(survey: ServiceReach, dims: Sequence[str], rounds: int = 1000) -> Raked:
    """Weights by raking to the population's margins.

    Parameters
    ----------
    survey
        Respondents as users, the population as base.
    dims
        The dimensions whose margins are to agree; those not placed in one of them, or elsewhere, have no weight.
    rounds
        The most rounds.

    Raises
    ------
    ValueError
        If nobody answered.

    Examples
    --------
    >>> from geoplan.service_reach import reach_of_areas
    >>> areas = pd.DataFrame({"segment": ["1", "2"]}, index=["a", "b"])
    >>> survey = reach_of_areas(pd.Series({"a": 30, "b": 10}), pd.Series({"a": 500, "b": 500}), areas, "s", "all")
    >>> raked = rake(survey, ["segment"])
    >>> raked.weights.round(2).to_dict(), round(raked.design_effect, 2), round(raked.effective)
    ({'1': 0.67, '2': 2.0}, 1.33, 30)
    """
    dims = list(dims)
    if not dims:
        raise ValueError("name the dimensions to weight by")
    heard = survey.comparable(dims)  # those elsewhere stand for nobody of the population
    heard = heard[heard > 0]
    if not len(heard):
        raise ValueError("nobody answered: there is nothing to weight")
    return rake_margins(heard, {dim: survey.counts(dim, "base") for dim in dims}, rounds)


def rake_margins(heard: pd.Series, margins: Mapping[str, pd.Series], rounds: int = 1000) -> Raked:
    """The same from counts: exact ones for weights that stay inside, printed ones for what a page says of them.

    Parameters
    ----------
    heard
        Respondents by cell: an index level for each dimension, no cell of nobody.
    margins
        By dimension, the people of the population by code.
    rounds
        The most rounds.

    Examples
    --------
    >>> heard = pd.Series([30, 10], index=pd.Index(["1", "2"], name="segment"))
    >>> round(rake_margins(heard, {"segment": pd.Series({"1": 500, "2": 500})}).design_effect, 2)
    1.33
    """
    heard = heard.astype(float)
    dims = list(margins)
    codes = {dim: heard.index.get_level_values(dim) for dim in dims}
    targets, unreached = {}, {}
    for dim in dims:
        margin = margins[dim].rename_axis(dim).astype(float)
        there = margin.index.isin(codes[dim].unique())
        unreached[dim] = tuple(map(str, margin.index[~there & (margin > 0).to_numpy()]))
        strangers = [code for code in codes[dim].unique() if margin.get(code, 0) <= 0]
        if strangers:
            raise UnknownCodeError(
                f"{dim}: respondents in {len(strangers):,} groups without anybody in the population; "
                "is the population of another year or area?"
            )
        targets[dim] = margin[there] / margin[there].sum()
    weight, gap = rake_table(heard / heard.sum(), targets, rounds)
    each = weight / heard * heard.sum()
    effect = float((heard * each**2).sum() * heard.sum() / (heard * each).sum() ** 2)
    return Raked(each.rename("weight"), effect, float(heard.sum() / effect), float(each.max()), gap < 1e-6, unreached)


def weights_of(people: pd.DataFrame, raked: Raked) -> pd.DataFrame:
    """The weight of each respondent, for the authority's own analysis; a table about single people.

    Parameters
    ----------
    people
        Respondents, one row each, with ``record`` and the dimensions raked.
    raked
        From :func:`rake`, of the same respondents.

    Returns
    -------
    DataFrame
        ``record`` (of the respondents' file), ``weight`` (missing for those not placed or elsewhere).

    Examples
    --------
    >>> weights = pd.Series([0.67, 2.0], index=pd.Index(["1", "2"], name="segment"))
    >>> people = pd.DataFrame({"record": [1, 2, 3], "segment": ["2", "1", None]})
    >>> weights_of(people, Raked(weights, 1.3, 3.0, 2.0, True, {})).values.tolist()
    [[1.0, 2.0], [2.0, 0.67], [3.0, nan]]
    """
    dims = list(raked.weights.index.names)
    keys = [people[dim].astype("object").where(people[dim].notna(), "").astype("str") for dim in dims]
    at = keys[0] if len(dims) == 1 else pd.MultiIndex.from_arrays(keys)
    weight = raked.weights.reindex(at).to_numpy()
    return pd.DataFrame({"record": people["record"].to_numpy(), "weight": weight})


def top_up(
    table: pd.DataFrame, *, least: float = LEAST_RESPONSE, margin: float = MARGIN, share: float = 0.5
) -> pd.DataFrame:
    """How many more answers are needed, by group.

    Parameters
    ----------
    table
        From :func:`response`.
    least
        The response rate to reach in every group.
    margin
        The half width of the 95% interval wanted for a share in every group (0.05: plus or minus 5 points).
    share
        The share expected; 0.5 is the safest.

    Returns
    -------
    DataFrame
        By group: ``for_rate`` (to reach ``least``), ``for_margin`` (to reach ``margin``, with the finite population
        correction), ``for_even`` (to answer at the rate of those groups that answer more than the average) and ``left``
        (who are left to ask). No number is over ``left``; all are missing where a count is hidden.

    Examples
    --------
    >>> table = response(pd.Series({"a": 30, "b": 9}), pd.Series({"a": 100, "b": 100}))
    >>> top_up(table).astype(int).to_dict("list")
    {'for_rate': [0, 11], 'for_margin': [50, 71], 'for_even': [0, 21], 'left': [70, 91]}
    """
    asked, heard = table["population"], table["respondents"]
    left = (asked - heard).clip(lower=0)
    infinite = _Z**2 * share * (1 - share) / margin**2
    wanted = pd.DataFrame(
        {
            "for_rate": np.ceil(least * asked - 1e-9),
            "for_margin": np.ceil(infinite / (1 + (infinite - 1) / asked.where(asked > 0)) - 1e-9),
            "for_even": np.ceil(asked * _even_rate(table) - 1e-9),
        }
    )
    more = wanted.sub(heard, axis=0).clip(lower=0).apply(lambda column: np.minimum(column, left))
    return more.mask(asked.eq(0), 0.0).assign(left=left)


def sample_size(population: int, margin: float = MARGIN, share: float = 0.5, rate: float = 1.0) -> int:
    """How many to ask for a 95% interval of plus or minus ``margin``, when ``rate`` of those asked answer.

    Examples
    --------
    >>> sample_size(95_000), sample_size(95_000, rate=0.2), sample_size(100)
    (383, 1915, 80)
    """
    infinite = _Z**2 * share * (1 - share) / margin**2
    return math.ceil(math.ceil(infinite / (1 + (infinite - 1) / population) - 1e-9) / rate - 1e-9)


def _even_rate(table: pd.DataFrame) -> float:
    """The rate, together, of the groups that answer more than the average."""
    people = table[(table["population"] > 0) & table["respondents"].notna()]
    rates = people["respondents"].sum() / max(1, people["population"].sum())
    above = people[people["rate"] > rates]
    return float(above["respondents"].sum() / above["population"].sum()) if len(above) else float(rates)
