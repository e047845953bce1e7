"""The trade-off of two or three measures: designs that no other beats in all of them, each with what is proved.

Every answer is of the same kind: the least of one measure while the others are at most so much (the method of limits,
Haimes, Lasdon and Wismer 1971). Limits lie on a grid between the least of each measure and what the best designs in
the others have of it. Of designs that tie, the one with less of the other measures is looked for, by a small price on
them (AUGMECON, Mavrotas 2009); an answer that also keeps tighter limits answers those too (Mavrotas and Florios 2013).

What is proved travels: no plan under tighter limits is better than the bound under looser ones, and where looser
limits have no plan, tighter ones have none.

References: Haimes, Lasdon and Wismer (1971), IEEE Transactions on Systems, Man, and Cybernetics 1:296; Mavrotas (2009),
Applied Mathematics and Computation 213:455; Mavrotas and Florios (2013), the same, 219:9652.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from geoplan.briefs import GORARD, MEASURES, MOVED, TRAVEL, WORST, DesignProblem, Limits
from geoplan.catchments import CatchmentPlan
from geoplan.designs import design
from geoplan.errors import UnknownCodeError
from geoplan.formulation import formulate, measure_plan
from geoplan.programme import ABSOLUTE, TOLERANCE, worth
from geoplan.solving import IMPOSSIBLE, solve

FOUND, NONE_FOUND = "found", "none found"
_TIE = 1e-3  # the whole range of the other measures together weighs as this part of the first one's range
_NEAREST = 2  # designs beyond the limits that a search also starts from
_MENDING = 0.2  # of the time, where the longest journey has to be mended: it has no price

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, repr=False)
class TradeSurface:
    """Designs that trade two or three measures against each other.

    Parameters
    ----------
    measures
        The measures traded, in the order asked for.
    least
        The one made least under limits on the others: the first, or the second if the first is the longest journey.
    points
        One row a design, none beaten by another in every measure: every measure, ``bound`` (no plan that has no more of
        the other measures traded has less of ``least``) and ``gap`` (from the bound, as a part of the value).
    plans
        Their plans, in the same order.
    cells
        One row for each combination of limits: the limit on each of the other measures (infinite for none), ``status``
        (``found``; ``none found``: time ran out; ``impossible``: proved that no plan keeps them) and ``solved`` (False
        where another answer already told).
    best
        By measure: what the best plan found has of it.
    best_bound
        By measure: no plan within the limits of the brief has less.
    left_out
        How many designs were found on the way and left out: another is no worse in any measure, or has less of
        ``least`` under the same limits.
    solves, seconds
        What it took.
    why
        If there is no design: why.
    """

    measures: tuple[str, ...]
    least: str
    points: pd.DataFrame
    plans: tuple[CatchmentPlan, ...]
    cells: pd.DataFrame
    best: Mapping[str, float]
    best_bound: Mapping[str, float]
    left_out: int
    solves: int
    seconds: float
    why: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<TradeSurface of {', '.join(self.measures)}: {self.summary()}>"

    def levels(self, measure: str) -> tuple[float, ...]:
        """The limits on one of the other measures, tightest first, the last infinite."""
        return tuple(sorted(set(self.cells[measure])))

    def summary(self) -> str:
        """One sentence: how many designs, how near the best possible, and what is not known."""
        if not len(self.points):
            return "; ".join(self.why) or "no design was found"
        gaps = self.points["gap"]
        count = self.cells["status"].value_counts()
        return (
            f"{len(gaps)} designs, the median within {100 * gaps.median():.2f}% of the best possible and all within "
            f"{100 * gaps.max():.2f}%; {self.left_out} that others beat left out; of {len(self.cells)} combinations of "
            f"limits {count.get(FOUND, 0)} have a plan, {count.get(IMPOSSIBLE, 0)} are proved to have none and "
            f"{count.get(NONE_FOUND, 0)} are not known"
        )


def solves_needed(measures: Sequence[str], steps: int) -> int:
    """How many designs a trade-off takes at most: the best in each measure, and each combination of limits.

    Examples
    --------
    >>> solves_needed(("travel", "moved"), 5), solves_needed(("travel", "gorard", "moved"), 4)
    (7, 19)
    """
    return len(measures) + steps ** (len(measures) - 1)


def trade_surface(
    problem: DesignProblem,
    measures: Sequence[str] = (TRAVEL, GORARD, MOVED),
    limits: Limits | None = None,
    *,
    steps: int = 4,
    gap: float = 1e-3,
    seconds: float = 600.0,
    seed: int = 0,
    start: CatchmentPlan | None = None,
    progress: Progress | None = None,
) -> TradeSurface:
    """Designs that no other beats in two or three measures at once, with a bound for each.

    Parameters
    ----------
    problem, limits
        The brief.
    measures
        Two or three of :data:`geoplan.briefs.MEASURES`. The first is made least under limits on the others (the
        second, if the first is ``worst_travel``, which is found by its limits).
    steps
        Limits on each of the other measures, two at least; the loosest is none.
    gap
        Good enough, for each design.
    seconds
        For all of them together. What one design does not need is left to those that follow; out of time, the designs
        found so far are returned with the bounds known.
    seed
        Of the search.
    start
        A plan to start from, such as a design made before.
    progress
        Called with how many designs are settled, of how many, and what is done next.

    Returns
    -------
    TradeSurface

    Raises
    ------
    UnknownCodeError
        If there are not two or three different measures, or the problem does not have one of them.

    Examples
    --------
    Four areas in a row, all in one catchment today, and a school at each end:

    >>> areas, schools = ["E1", "E2", "E3", "E4"], ["101", "102"]
    >>> row = DesignProblem(
    ...     children=pd.DataFrame({"2027": [10, 20, 20, 10]}, index=areas),
    ...     places=pd.Series([60, 60], index=schools),
    ...     travel=pd.DataFrame([[1, 4], [2, 3], [3, 2], [4, 1]], index=areas, columns=schools),
    ...     neighbours=pd.DataFrame({"a": areas[:3], "b": areas[1:]}),
    ...     today=CatchmentPlan("Today", "lsoa21", pd.Series("101", index=areas)),
    ... )
    >>> found = trade_surface(row, ("travel", "moved"), steps=4, gap=1e-9)
    >>> found.points[["travel", "moved"]].round(3).to_numpy().tolist()
    [[1.667, 30.0], [2.0, 10.0], [2.5, 0.0]]
    """
    began = time.monotonic()
    limits = limits or Limits()
    measures = tuple(measures)
    if not 2 <= len(measures) <= 3 or len(set(measures)) < len(measures) or set(measures) - set(MEASURES):
        raise UnknownCodeError(f"choose two or three different measures of {', '.join(MEASURES)}")
    if steps < 2:
        raise UnknownCodeError("a trade-off needs two limits at least on each measure")
    least = next(name for name in measures if name != WORST)
    others = tuple(name for name in measures if name != least)
    formulate(problem, limits, {name: 1.0 for name in measures if name != WORST})  # says what the problem lacks
    total = solves_needed(measures, steps)
    tell = progress or (lambda done, of, what: None)
    deadline = began + seconds
    pool = _Pool(problem)
    if start is not None and _keeps(problem, limits, start):
        pool.add(start)

    best_bound, why, made = {}, (), []
    for number, name in enumerate((least, *others)):
        tell(number, total, f"the least {MEASURES[name]}")
        found = design(
            problem,
            name,
            limits,
            gap=gap,
            seconds=max(deadline - time.monotonic(), 0.1) / (total - number),
            seed=seed,
            start=pool.lowest(name),
            name=f"Least {name}",
        )
        best_bound[name] = float(found.bound)
        why = why or found.why
        if found.plan is not None:
            made.append(pool.add(found.plan))
        if found.status == IMPOSSIBLE:
            break
    if not pool.plans:
        took = time.monotonic() - began
        return TradeSurface(measures, least, pd.DataFrame(), (), pd.DataFrame(), {}, {}, 0, number + 1, took, why)

    grid = _Grid.of(pool, made, least, others, best_bound)
    reserve = _MENDING * seconds if WORST in others else 0.0
    words = {"gap": gap, "deadline": deadline - reserve, "seed": seed, "tell": tell, "total": total}
    ends = grid.ends()
    part = (deadline - reserve - time.monotonic()) * len(ends) / (total - len(measures))
    cells, solved = _search(problem, limits, grid, pool, ends, [], **{**words, "deadline": time.monotonic() + part})
    rest = grid.cells(pool, ends, steps)
    cells, more = _search(problem, limits, grid, pool, rest, cells, **words)
    solved += more
    if WORST in others:
        solved += _mend_longest(problem, limits, measures, grid, cells, pool, deadline, seed, tell)
    points, plans = _listed(pool, measures, grid, cells)
    best = {name: pool.value(pool.lowest_at(name), name) for name in measures}
    best_bound = {name: min(best_bound.get(name, -np.inf), best[name]) for name in measures}
    table = pd.DataFrame(
        [{**dict(zip(others, each.most, strict=True)), "status": each.status, "solved": each.solved} for each in cells]
    )
    left_out = len(pool.plans) - len(plans)
    took = time.monotonic() - began
    return TradeSurface(measures, least, points, plans, table, best, best_bound, left_out, len(measures) + solved, took)


# --- designs found, and what is known of limits ----------------------------------------------------------


class _Pool:
    """Every design found so far, once; all keep the limits of the brief."""

    def __init__(self, problem: DesignProblem):
        self.problem = problem
        self.plans: list[CatchmentPlan] = []
        self.measured: list[dict[str, float]] = []
        self._at: dict[bytes, int] = {}

    def add(self, plan: CatchmentPlan) -> int:
        """Keep a plan; where it is."""
        key = self.problem.labels(plan).tobytes()
        if key not in self._at:
            self._at[key] = len(self.plans)
            self.plans.append(plan)
            self.measured.append(measure_plan(self.problem, plan))
        return self._at[key]

    def value(self, at: int, name: str) -> float:
        return self.measured[at][name]

    def labels(self, at: int) -> np.ndarray:
        return self.problem.labels(self.plans[at])

    def lowest_at(self, name: str) -> int:
        return min(range(len(self.plans)), key=lambda at: self.value(at, name))

    def lowest(self, name: str) -> CatchmentPlan | None:
        """The plan that has least of a measure."""
        return self.plans[self.lowest_at(name)] if self.plans else None


@dataclass
class _Cell:
    """One combination of limits, and what is known of it."""

    most: tuple[float, ...]
    bound: float = -np.inf  # of the priced measure
    status: str = NONE_FOUND
    solved: bool = False

    def within(self, other: _Cell) -> bool:
        """Whether whatever keeps these limits keeps the other's."""
        return all(here <= there for here, there in zip(self.most, other.most, strict=True))


@dataclass(frozen=True)
class _Grid:
    """The limits to try, and the prices that break ties."""

    least: str
    others: tuple[str, ...]
    lows: tuple[float, ...]
    prices: Mapping[str, float]
    floors: Mapping[str, float]

    @classmethod
    def of(cls, pool: _Pool, made: Sequence[int], least: str, others, floors) -> _Grid:
        """Prices by how far the best designs in each measure are apart in the others."""
        made = made or range(len(pool.plans))
        low = {name: pool.value(pool.lowest_at(name), name) for name in (least, *others)}
        spread = {}
        for name in low:
            high = max(pool.value(at, name) for at in made)
            spread[name] = max(high - low[name], 1e-3 * abs(high), 1e-9)
        prices = {name: _TIE * spread[least] / spread[name] / len(others) for name in others if name != WORST}
        return cls(least, tuple(others), tuple(low[name] for name in others), {least: 1.0, **prices}, dict(floors))

    def ends(self) -> list[_Cell]:
        """No limit; and for each of the other measures, no more than the least found of it."""
        free = (np.inf,) * len(self.others)
        tight = [(*free[:at], low, *free[at + 1 :]) for at, low in enumerate(self.lows)]
        return [_Cell(most) for most in (free, *tight)]

    def cells(self, pool: _Pool, ends: Sequence[_Cell], steps: int) -> list[_Cell]:
        """Limits spread from the least of each measure to what the ends have of it; looser ones before tighter ones."""
        answers = [at for at in (self.best(pool, cell) for cell in ends) if at is not None]
        levels = []
        for name, low in zip(self.others, self.lows, strict=True):
            high = max((pool.value(at, name) for at in answers), default=low)
            flat = high - low <= 1e-9 * max(abs(high), 1.0)
            levels.append((np.inf, low) if flat else (np.inf, *np.linspace(low, high, steps)[-2::-1].tolist()))
        places = sorted(product(*(range(len(each)) for each in levels)), key=lambda at: (sum(at), at))
        every = [tuple(each[i] for each, i in zip(levels, at, strict=True)) for at in places]
        return [_Cell(most) for most in every if most not in {cell.most for cell in ends}]

    def priced(self, measured: Mapping[str, float]) -> float:
        """The measure made least, with the small prices that break ties."""
        return sum(price * measured[name] for name, price in self.prices.items())

    def keeps(self, measured: Mapping[str, float], most: Sequence[float]) -> bool:
        """Whether a design keeps limits, to the solver's arithmetic."""
        return all(measured[name] <= limit + _room(limit) for name, limit in zip(self.others, most, strict=True))

    def limits(self, limits: Limits, most: Sequence[float]) -> Limits:
        """The brief's limits with those of a cell."""
        own = {name: limit for name, limit in zip(self.others, most, strict=True) if np.isfinite(limit)}
        own = {name: min(limit, limits.at_most.get(name, np.inf)) for name, limit in own.items()}
        return replace(limits, at_most={**limits.at_most, **own})

    def best(self, pool: _Pool, cell: _Cell) -> int | None:
        """The best design found that keeps a cell's limits."""
        inside = [at for at, measured in enumerate(pool.measured) if self.keeps(measured, cell.most)]
        if not inside:
            return None
        least = min(self.priced(pool.measured[at]) for at in inside)
        ties = [at for at in inside if self.priced(pool.measured[at]) <= least + 1e-8 * max(abs(least), 1e-3)]
        return min(ties, key=lambda at: pool.value(at, WORST) if WORST in self.others else 0.0)

    def beyond(self, measured: Mapping[str, float], most: Sequence[float]) -> float:
        """How far a design is beyond limits, each as a part of itself."""
        over = (measured[name] / max(limit, 1e-9) - 1 for name, limit in zip(self.others, most, strict=True))
        return sum(max(each, 0.0) for each in over)


def _room(limit: float) -> float:
    return max(TOLERANCE * abs(limit), ABSOLUTE) if np.isfinite(limit) else 0.0


def _keeps(problem: DesignProblem, limits: Limits, plan: CatchmentPlan) -> bool:
    """Whether a plan keeps the limits of the brief."""
    brief = formulate(problem, limits, {TRAVEL: 1.0})
    labels = problem.labels(plan)
    units = brief.gather(labels)
    return bool((brief.spread(units) == labels).all()) and worth(brief.programme, units).within


def _search(
    problem, limits, grid: _Grid, pool: _Pool, cells, settled, *, gap, deadline, seed, tell, total
) -> tuple[list[_Cell], int]:
    """Answer combinations of limits in turn; all that are settled now, and how many had to be solved."""
    settled, solved, known = list(settled), 0, ()
    floor = sum(price * grid.floors.get(name, -np.inf) for name, price in grid.prices.items())
    for number, cell in enumerate(cells):
        looser = [other for other in settled if cell.within(other)]
        settled.append(cell)
        cell.bound = max([floor, *(other.bound for other in looser)])
        if any(other.status == IMPOSSIBLE for other in looser):
            cell.status = IMPOSSIBLE
            continue
        here, left = grid.best(pool, cell), deadline - time.monotonic()
        if left <= 0 or (here is not None and _near(grid.priced(pool.measured[here]), cell.bound, gap)):
            continue
        tell(len(grid.others) + len(settled), total, "under " + limit_words(grid.others, cell.most))
        brief = formulate(problem, grid.limits(limits, cell.most), grid.prices)
        outcome = solve(
            brief.programme,
            gap=gap,
            seconds=left / (len(cells) - number),
            seed=seed + len(settled),
            starts=[brief.gather(labels) for labels in _starts(problem, grid, pool, cell)],
            bound=cell.bound,
            cuts=known,
        )
        known = () if WORST in grid.others else outcome.known  # cuts hold where the same schools are allowed
        solved, cell.solved = solved + 1, True
        if outcome.status == IMPOSSIBLE:
            cell.status, cell.bound = IMPOSSIBLE, np.inf
            continue
        cell.bound = max(cell.bound, outcome.bound)
        if outcome.worth is not None and outcome.worth.within:
            pool.add(problem.plan(brief.spread(outcome.labels), f"Design {len(pool.plans) + 1}"))
    for cell in settled:
        if cell.status != IMPOSSIBLE and grid.best(pool, cell) is not None:
            cell.status = FOUND
    return settled, solved


def limit_words(others: Sequence[str], most: Sequence[float]) -> str:
    """Limits as words for whoever watches; children moved to the nearest ten.

    Examples
    --------
    >>> limit_words(("gorard", "moved"), (0.16, np.inf)), limit_words(("moved",), (347.2,))
    ('gorard 0.16', 'moved 350')
    """
    said = [
        f"{name} {10 * round(limit / 10) if name == MOVED else float(f'{limit:.3g}'):g}"
        for name, limit in zip(others, most, strict=True)
        if np.isfinite(limit)
    ]
    return ", ".join(said) or "no limit"


def _near(value: float, bound: float, gap: float) -> bool:
    return value - bound <= max(gap * abs(value), 1e-9)


def _starts(problem: DesignProblem, grid: _Grid, pool: _Pool, cell: _Cell) -> list[np.ndarray]:
    """Where to start: the best design within the limits, those that break them least, and today's plan."""
    best = grid.best(pool, cell)
    order = sorted(
        (at for at in range(len(pool.plans)) if at != best),
        key=lambda at: (grid.beyond(pool.measured[at], cell.most), grid.priced(pool.measured[at])),
    )
    found = [pool.labels(at) for at in ([] if best is None else [best]) + order[:_NEAREST]]
    return found if best is not None or problem.today is None else [*found, problem.now]


def _mend_longest(problem, limits, measures, grid, cells, pool: _Pool, deadline, seed, tell) -> int:
    """The longest journey has no price: of each design, make it less at no more of the other measures."""
    front = _answers(grid, pool, cells)
    for number, at in enumerate(front):
        left = deadline - time.monotonic()
        if left <= 0:
            return number
        tell(number, len(front), "shorter longest journeys")
        own = {name: pool.value(at, name) for name in measures if name != WORST}
        most = {name: min(value + 1e-9 * max(abs(value), 1.0), limits.at_most.get(name, np.inf))
                for name, value in own.items()}  # fmt: skip
        tighter = replace(limits, at_most={**limits.at_most, **most})
        found = design(
            problem, WORST, tighter, seconds=left / (len(front) - number), seed=seed, start=pool.plans[at],
            name=f"Design {len(pool.plans) + 1}",
        )  # fmt: skip
        if found.plan is not None:
            pool.add(found.plan)
    return len(front)


def _answers(grid: _Grid, pool: _Pool, cells: Sequence[_Cell]) -> list[int]:
    """The designs that answer a combination of limits, each once."""
    best = [grid.best(pool, cell) for cell in cells if cell.status != IMPOSSIBLE]
    return list(dict.fromkeys(at for at in best if at is not None))


def unbeaten(values: np.ndarray) -> np.ndarray:
    """Which rows no other row beats: no less in any column and less in one. Of equal rows the first is kept.

    Examples
    --------
    >>> unbeaten(np.array([[1, 3], [2, 2], [2, 3], [3, 1], [1, 3]])).tolist()
    [True, True, False, True, False]
    """
    values = np.asarray(values, dtype=float)
    room = 1e-9 * np.maximum(np.abs(values).max(axis=0, initial=0.0), 1e-9)
    kept = np.ones(len(values), dtype=bool)
    for row in range(len(values)):
        no_more = (values <= values[row] + room).all(axis=1)
        less = (values < values[row] - room).any(axis=1)
        equal_before = no_more & ~less & (np.arange(len(values)) < row)
        kept[row] = not ((no_more & less) | equal_before).any()
    return kept


def _listed(pool: _Pool, measures, grid: _Grid, cells) -> tuple[pd.DataFrame, tuple[CatchmentPlan, ...]]:
    """The answers that no other beats, in the order of the measures, with their bounds."""
    answers = _answers(grid, pool, cells)
    kept = unbeaten(np.array([[pool.value(at, name) for name in measures] for at in answers]))
    front = sorted(np.array(answers)[kept], key=lambda at: [pool.value(at, name) for name in measures])
    rows = []
    for at in front:
        measured = pool.measured[at]
        value = measured[grid.least]
        floor = max(cell.bound for cell in cells if grid.keeps(measured, cell.most))
        over = max(grid.priced(measured) - floor, 0.0)
        rows.append({**measured, "bound": value - over, "gap": 0.0 if over <= 1e-9 else over / max(abs(value), 1e-12)})
    return pd.DataFrame(rows), tuple(pool.plans[at] for at in front)
