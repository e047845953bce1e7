"""Catchments designed: the best a brief allows, how far from the best possible, or why there are none.

A design is anytime: whatever the time limit, it returns the best plan found, a bound that no plan within the limits
can beat, and the gap between. Nothing is promised that was not proved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.briefs import MEASURES, TRAVEL, WORST, DesignProblem, Limits
from geoplan.catchments import CatchmentPlan
from geoplan.errors import UnknownCodeError
from geoplan.feasibility import apart, plain_reasons, why_impossible
from geoplan.formulation import Formulation, allowed_by, formulate, measure_plan
from geoplan.programme import worth
from geoplan.solving import IMPOSSIBLE, PROVED, STOPPED, Outcome, solve

Progress = Callable[[float, float, float], None]


@dataclass(frozen=True, repr=False)
class Design:
    """What the designer found.

    Parameters
    ----------
    status
        ``proved`` (within the gap asked for of the best possible), ``stopped`` (time or rounds ran out first),
        ``impossible`` (proved that no plan keeps every limit).
    plan
        The best plan within the limits, or None.
    objective
        What was made least, with the price of each measure.
    value
        The objective of the plan; infinite if there is none.
    bound
        No plan within the limits is below this.
    seconds, rounds, cuts
        What it took: time, answers of the solver, and cuts that keep catchments in one piece.
    measured
        Every measure of the plan (:func:`geoplan.formulation.measure_plan`); empty if there is none.
    why
        If impossible, what could be relaxed, in words; if stopped without a plan, what is known.
    nearly
        If there is no plan: the plan that breaks the limits least among those met, or None.
    history
        (seconds, best value, bound) as they changed.
    """

    status: str
    plan: CatchmentPlan | None
    objective: Mapping[str, float]
    value: float
    bound: float
    seconds: float
    rounds: int
    cuts: int
    measured: Mapping[str, float]
    why: tuple[str, ...] = ()
    nearly: CatchmentPlan | None = None
    history: tuple[tuple[float, float, float], ...] = ()

    @property
    def gap(self) -> float:
        """How far the plan may be from the best possible, as a part of its value; infinite without a plan."""
        if self.plan is None:
            return np.inf
        over = self.value - self.bound
        return 0.0 if over <= 1e-9 else over / max(abs(self.value), 1e-12)

    def __repr__(self) -> str:
        return f"<Design {self.status}: {self.summary()}>"

    def summary(self) -> str:
        """One sentence: the value, the bound and the gap, or why there is none."""
        if self.plan is None:
            return "; ".join(self.why) or "no plan was found in the time allowed, and none was proved impossible"
        what = " + ".join(f"{price:g} x {name}" if price != 1 else name for name, price in self.objective.items())
        return f"{what} {self.value:.6g}, no plan is below {self.bound:.6g} (gap {100 * self.gap:.3f}%)"


def design(
    problem: DesignProblem,
    objective: str | Mapping[str, float] = "travel",
    limits: Limits | None = None,
    *,
    then: str | None = None,
    gap: float = 2e-4,
    seconds: float = 60.0,
    rounds: int = 1_000_000,
    seed: int = 0,
    start: CatchmentPlan | None = None,
    name: str = "Design",
    progress: Progress | None = None,
) -> Design:
    """The best catchments within the limits.

    Parameters
    ----------
    problem
        Areas, children, places and journeys.
    objective
        A measure to make least (:data:`geoplan.briefs.MEASURES`), or prices of several to add up.
    limits
        What a plan must keep; one piece, and nothing else, if not given.
    then
        A second measure, made least among plans that are as good in the first as the one found.
    gap
        Good enough: stop when the plan is proved to be within this part of the best possible.
    seconds
        Stop after about this long (shared with ``then``).
    rounds
        Stop after this many answers of the solver. Limited by rounds and not by time, a design is the same on
        every run.
    seed
        Of the search's random numbers.
    start
        A plan to start from besides today's; it may break limits.
    name
        Of the plan.
    progress
        Called with seconds, best value and bound whenever one changes.

    Returns
    -------
    Design

    Raises
    ------
    UnknownCodeError
        If the objective or a limit names something that the problem does not have.

    Examples
    --------
    Four areas in a row, a school at each end with room for half of the children:

    >>> areas, schools = ["E1", "E2", "E3", "E4"], ["101", "102"]
    >>> row = DesignProblem(
    ...     children=pd.DataFrame({"2027": [10, 20, 20, 10]}, index=areas),
    ...     places=pd.Series([30, 30], index=schools),
    ...     travel=pd.DataFrame([[1, 4], [2, 3], [2, 2], [4, 1]], index=areas, columns=schools),
    ...     neighbours=pd.DataFrame({"a": areas[:3], "b": areas[1:]}),
    ... )
    >>> found = design(row, limits=Limits(full_at_most=1.0))
    >>> found.status, found.plan.table.tolist(), round(found.value, 4)
    ('proved', ['101', '101', '102', '102'], 1.6667)
    >>> design(row, limits=Limits(full_at_most=0.9)).why
    ('about 60 children, and places for 54 (all: full at most 90% of 60 places); they need up to 109% of the places',)
    """
    limits = limits or Limits()
    objective = {objective: 1.0} if isinstance(objective, str) else dict(objective)
    began = time.monotonic()
    brief = formulate(problem, limits, {name: price for name, price in objective.items() if name != WORST})
    plain = plain_reasons(problem, limits)
    if plain:
        took = time.monotonic() - began
        return Design(IMPOSSIBLE, None, objective, np.inf, np.inf, took, 0, 0, {}, plain + apart(problem, limits))
    if then is not None:
        return _in_turn(problem, objective, limits, then, gap, seconds, rounds, seed, start, name, progress)
    if WORST in objective:
        return _shortest_longest(problem, objective, limits, seconds, rounds, seed, start, name, progress)
    outcome = solve(
        brief.programme,
        gap=gap,
        seconds=seconds,
        rounds=rounds,
        seed=seed,
        starts=[*_starts(problem, brief, start), *_within(problem, limits, objective, 0.1 * seconds, seed)],
        progress=progress,
    )
    return _told(problem, limits, objective, brief, outcome, name, seconds - (time.monotonic() - began))


def trade_off(
    problem: DesignProblem,
    against: str,
    limits: Limits | None = None,
    *,
    objective: str = "travel",
    points: int = 6,
    gap: float = 2e-4,
    seconds: float = 60.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, tuple[Design, ...]]:
    """What one measure costs in another: the best of ``objective`` for each of several limits on ``against``.

    Parameters
    ----------
    problem, limits
        The brief.
    against, objective
        Two measures. The curve runs from the least of ``against`` to what the best of ``objective`` has of it.
    points
        How many designs, two at least.
    gap, seconds, seed, progress
        Of each design.

    Returns
    -------
    (DataFrame, tuple of Design)
        One row a design: ``limit`` (on ``against``; infinite for the first), ``least`` (no plan has less of
        ``against``, however long its journeys), every measure, ``value``, ``bound``, ``gap``,
        ``status``; and the designs. Empty if the brief is impossible.
    """
    if against == objective or {against, objective} - set(MEASURES):
        raise UnknownCodeError(f"choose two different measures of {', '.join(MEASURES)}")
    limits = limits or Limits()
    words = {"gap": gap, "seconds": seconds, "seed": seed, "progress": progress}
    freest = design(problem, objective, limits, **words)
    least = design(problem, against, limits, **words)
    designs, kept = [freest], [np.inf]
    if freest.plan is not None and least.plan is not None:
        ends = least.measured[against], freest.measured[against]
        for most in np.linspace(*ends, points)[-2::-1]:
            tighter = replace(limits, at_most={**limits.at_most, against: float(most) * (1 + 1e-9) + 1e-12})
            designs.append(design(problem, objective, tighter, start=least.plan, **words))
            kept.append(float(most))
    pairs = [(most, found) for most, found in zip(kept, designs, strict=True) if found.plan is not None]
    rows = [
        {
            "limit": most,
            "least": least.bound,
            **found.measured,
            "value": found.value,
            "bound": found.bound,
            "gap": found.gap,
            "status": found.status,
        }
        for most, found in pairs
    ]
    return pd.DataFrame(rows), tuple(found for _, found in pairs)


def today_keeps(problem: DesignProblem, limits: Limits) -> bool | None:
    """Whether today's plan keeps the limits of a design, to the solver's arithmetic; None if it is not known.

    A design may have longer journeys than a plan that was never held to its limits; a reader has to be told which.
    """
    if problem.today is None or (problem.now < 0).any():
        return None
    now = pd.Series(problem.now, index=problem.areas)
    if any(now[list(group)].nunique() > 1 for group in limits.together):
        return False
    brief = formulate(problem, limits, {TRAVEL: 1.0})
    return worth(brief.programme, brief.gather(problem.now)).within


def _starts(problem: DesignProblem, brief: Formulation, start: CatchmentPlan | None) -> list[np.ndarray]:
    """Designs to start from, by unit: the one given, and today's."""
    found = []
    if start is not None:
        found.append(brief.gather(problem.schools.get_indexer(start.table.reindex(problem.areas).fillna(""))))
    if problem.today is not None:
        found.append(brief.gather(problem.now))
    return found


def _within(
    problem: DesignProblem, limits: Limits, objective: Mapping[str, float], seconds: float, seed: int
) -> list[np.ndarray]:
    """Plans that are low in each measure limited by ``at_most``, by unit: such limits are hard to meet by chance."""
    found = []
    for name in sorted(set(limits.at_most) - set(objective) - {WORST}):
        rest = {other: most for other, most in limits.at_most.items() if other != name}
        brief = formulate(problem, replace(limits, at_most=rest), {name: 1.0})
        outcome = solve(brief.programme, gap=2e-3, seconds=seconds, rounds=20, seed=seed)
        found += [] if outcome.labels is None else [outcome.labels]
    return found


def _told(
    problem: DesignProblem,
    limits: Limits,
    objective: Mapping[str, float],
    brief: Formulation,
    outcome: Outcome,
    name: str,
    seconds: float,
) -> Design:
    """An outcome in the terms of the brief."""
    plan = nearly = None
    if outcome.labels is not None:
        drawn = problem.plan(brief.spread(outcome.labels), name)
        plan, nearly = (drawn, None) if outcome.worth.within else (None, drawn)
    why = ()
    if outcome.status == IMPOSSIBLE:
        why = why_impossible(problem, limits, seconds=max(seconds, 20.0))
    elif plan is None:
        why = ("no plan within the limits was found in the time allowed, and none was proved impossible",)
    value = outcome.worth.value if plan is not None else np.inf
    measured = measure_plan(problem, plan) if plan is not None else {}
    bound = min(outcome.bound, value)
    return Design(
        outcome.status,
        plan,
        objective,
        value,
        bound,
        outcome.seconds,
        outcome.rounds,
        outcome.cuts,
        measured,
        why,
        nearly,
        outcome.history,
    )


def _in_turn(problem, objective, limits, then, gap, seconds, rounds, seed, start, name, progress) -> Design:
    """The second measure made least among plans as good in the first."""
    if len(objective) != 1:
        raise UnknownCodeError("a second measure needs a single first one")
    (first,) = objective
    words = {"gap": gap, "rounds": rounds, "seed": seed, "name": name, "progress": progress}
    found = design(problem, first, limits, seconds=0.5 * seconds, start=start, **words)
    if found.plan is None:
        return found
    most = found.measured[first]
    kept = replace(limits, at_most={**limits.at_most, first: most + 1e-9 * max(abs(most), 1.0)})
    second = design(problem, then, kept, seconds=seconds - found.seconds, start=found.plan, **words)
    better = second if second.plan is not None else found
    return replace(
        found,
        plan=better.plan,
        value=better.measured[first],
        bound=min(found.bound, better.measured[first]),
        measured=better.measured,
        seconds=found.seconds + second.seconds,
        rounds=found.rounds + second.rounds,
        cuts=found.cuts + second.cuts,
    )


def _shortest_longest(problem, objective, limits, seconds, rounds, seed, start, name, progress) -> Design:
    """The least longest journey: limits of travel tried by halving, each answered by the mean journey's design."""
    if set(objective) != {WORST}:
        raise UnknownCodeError("worst_travel cannot be added to other measures; use it alone, or limit it with at_most")
    began = time.monotonic()
    travel = problem.travel.to_numpy()
    lengths = np.unique(travel[allowed_by(problem, limits)])
    low, high = 0, len(lengths) - 1  # below low is proved impossible; high is kept by the best known
    best, history, spent, cuts, status = None, [], 0, 0, STOPPED
    bound, unsure = 0.0, False
    guess = high
    while spent < rounds and time.monotonic() - began < seconds:
        left = seconds - (time.monotonic() - began)
        tighter = replace(limits, max_travel=float(lengths[guess])) if len(lengths) else limits
        brief = formulate(problem, tighter, {"travel": 1.0})
        outcome = solve(
            brief.programme,
            gap=0.05,
            seconds=left,
            rounds=rounds - spent,
            seed=seed,
            starts=_starts(problem, brief, start),
        )
        spent, cuts = spent + max(outcome.rounds, 1), cuts + outcome.cuts
        if outcome.worth is not None and outcome.worth.within:
            best = problem.plan(brief.spread(outcome.labels), name)
            high = int(np.searchsorted(lengths, measure_plan(problem, best)[WORST]))
        elif outcome.status == IMPOSSIBLE:
            if best is None:
                return _told(problem, limits, objective, brief, outcome, name, left)
            low = guess + 1
        else:
            unsure = True
            break
        bound = float(lengths[low]) if len(lengths) else 0.0
        value = float(lengths[high]) if best is not None and len(lengths) else np.inf
        history.append((time.monotonic() - began, value, bound))
        if progress is not None:
            progress(*history[-1])
        if low >= high:
            status = PROVED
            break
        guess = (low + high) // 2
    took = time.monotonic() - began
    if best is None:
        why = ("no plan within the limits was found in the time allowed, and none was proved impossible",)
        return Design(STOPPED, None, objective, np.inf, bound, took, spent, cuts, {}, why, None, tuple(history))
    measured = measure_plan(problem, best)
    status = STOPPED if unsure else status
    return Design(
        status, best, objective, measured[WORST], bound, took, spent, cuts, measured, (), None, tuple(history)
    )
