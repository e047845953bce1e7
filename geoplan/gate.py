"""The outsider: reads what is about to be published and works out how far each hidden count is pinned down.

Written apart from :mod:`geoplan.suppression` and sharing no code with it: what the texts say, and the sums they make,
is read by :mod:`geoplan.evidence`. The least and the greatest whole number that each hidden count can be are found:
bounds are passed along the sums until nothing moves, then linear programmes find actual tables at the ends;
whole-number programmes settle what is left. It assumes an attacker who knows the thresholds; and, with ``told``, one
who was even told which cells are small.

References: the attack is the disclosure audit of Fischetti and Salazar (2001), Management Science 47:1008.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from geoplan.evidence import (
    ENOUGH,
    FAR,
    TOLERANCE,
    Cell,
    Nesting,
    PrintedShares,
    PrintedTable,
    PublicTotals,
    System,
    structure_of,
    system_of,
)
from geoplan.reduction import Contradiction, Reduced, reduce_sums

_ROUNDS = 40
_WHOLE = 1_000  # numbers; a programme of fewer is solved whole
_FEW = 60  # numbers in a sum of few
_TAKING_UP = 6  # numbers that can take up what is left over in a sum of many, each way
_MOST_BRANCHES = 200  # of a whole-number programme: an end not found by then counts as one that cannot be reached
_NEAR_ENOUGH = 0.05  # to the cheapest, of a whole-number table for many targets at a time


@dataclass(frozen=True)
class GateResult:
    """What the outsider found out.

    Parameters
    ----------
    narrowest
        Fewest possible values of any protected count (proven at least, where not below the limit); None if
        there is no protected count.
    offenders
        Table and cell of each protected count with too few possible values.
    attacks
        Programmes solved.
    cells
        Protected counts attacked.
    seconds
        How long it took.
    partial
        Cells with enough values that still do not cover every small number.
    already
        Protected counts that public figures alone leave fewer values; the release adds nothing to them.
    ranges
        For each protected count attacked, least and greatest value (found; exact if ``exact`` was asked for).
    whole
        False if the tables hang together in a cycle too large to be worked out jointly.
    kept
        How the sums hang together, for the next attack on the same cells.
    """

    narrowest: int | None
    offenders: tuple[tuple[str, Cell], ...]
    attacks: int
    cells: int
    seconds: float
    partial: tuple[tuple[str, Cell], ...] = ()
    already: int = 0
    ranges: Mapping[tuple[str, Cell], tuple[int, int]] = field(default_factory=dict, repr=False)
    whole: bool = True
    kept: tuple = field(default=(), repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """True if no protected count has too few possible values."""
        return not self.offenders


def attack(
    printed: Sequence[PrintedTable],
    public: Sequence[PublicTotals] = (),
    earlier: Sequence[PrintedTable] = (),
    *,
    nested: Sequence[Nesting] = (),
    shares: Sequence[PrintedShares] = (),
    told: Mapping[str, Iterable[Cell]] | None = None,
    at_most: Mapping[str, Mapping[Cell, int]] | None = None,
    exact: bool = False,
    enough: int = ENOUGH,
    cover: bool = False,
    after: GateResult | None = None,
) -> GateResult:
    """Work out, as an outsider, how far each hidden count is pinned down.

    Parameters
    ----------
    printed
        What is about to be published.
    public
        Figures that are known anyway.
    earlier
        What was published before, about the same people, from the same data.
    nested
        Which areas lie in which.
    shares
        Percentages printed beside the counts.
    told
        Cells by table name that the attacker knows to be small: a stronger attack than any outsider's.
    at_most
        By table name, what cells cannot exceed, known from elsewhere.
    exact
        Find both ends of every protected count, rather than proving that it has enough values.
    enough
        Possible values that a protected count must have.
    cover
        Also look for cells whose possible values leave out some of 1 to ``hide_below - 1``.
    after
        An attack on the same cells with other texts: how they hang together is not worked out again.

    Returns
    -------
    GateResult

    Raises
    ------
    Contradiction
        If the printed numbers and the public figures contradict each other.
    ValueError
        If printed numbers are not the sums they say they are.

    Examples
    --------
    A school of 25 with three segments: 3 is hidden, and 12 and 10 are printed as 10.

    >>> import pandas as pd
    >>> table = PrintedTable("t", ("segment",), (("E",), ("G",), ("H",)), ("c", "10", "10"))
    >>> result = attack([table], [PublicTotals((), pd.Series([25]))], exact=True)
    >>> result.ranges, result.passed
    ({('t', ('E',)): (1, 5)}, True)
    """
    began = time.perf_counter()
    told = {name: set(cells) for name, cells in (told or {}).items()}
    tables = [*printed, *earlier]
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise ValueError("two printed tables have one name")
    found, kept, attacks, whole = [], [], 0, True
    for population in sorted({table.population for table in tables}):
        here = [table for table in tables if table.population == population]
        known = [totals for totals in public if totals.population == population]
        mine = [share for share in shares if share.of in {table.name for table in here}]
        structure = structure_of(here, known, nested, after.kept if after else ())
        kept.append(structure)
        system = system_of(structure, here, known, mine, told, at_most or {})
        whole &= system.whole
        # many ways to fill groups that nobody asks for: whole-number programmes would try them without end
        silent = any(not nesting.asked for nesting in nested)
        solved = _solve(system, exact, enough, cover, silent)
        attacks += solved.attacks
        found += solved.judged(enough, cover)
    offenders = tuple(sorted(judged.label for judged in found if judged.offends))
    counts = [judged.values for judged in found if not judged.already]
    return GateResult(
        narrowest=min(counts) if counts else None,
        offenders=offenders,
        attacks=attacks,
        cells=len(found),
        seconds=time.perf_counter() - began,
        partial=tuple(sorted(judged.label for judged in found if judged.partial and not judged.offends)),
        already=sum(judged.already for judged in found),
        ranges={judged.label: judged.range for judged in found},
        whole=whole,
        kept=tuple(kept),
    )


# --- the attack -----------------------------------------------------------------------------------------


@dataclass
class _Judged:
    label: tuple[str, Cell]
    range: tuple[int, int]
    values: int
    offends: bool
    partial: bool
    already: bool


class _Solved:
    """The ranges found of the targets of one system, and what they mean."""

    def __init__(self, system: System):
        self.system = system
        self.at = np.array(sorted(system.targets), dtype=int)
        self.limit = np.array([system.targets[i][1] for i in self.at], dtype=float)
        self.printed = np.array([not system.targets[i][0][0].startswith("(") for i in self.at], dtype=bool)
        self.outer_low, self.outer_high = system.low[self.at].copy(), system.high[self.at].copy()
        self.low, self.high = np.full(len(self.at), np.inf), np.full(len(self.at), -np.inf)
        self.public_low, self.public_high = system.public_low[self.at], system.public_high[self.at]
        self.attacks = 0
        wanted = self.at[~self.uninteresting()].tolist()
        self.core = reduce_sums(system.matrix, system.low, system.high, system.whole_number, wanted)
        for k, i in enumerate(self.at.tolist()):
            if i in self.core.exact:
                self.low[k], self.high[k] = self.outer_low[k], self.outer_high[k] = self.core.exact[i]
        left = [self.core.at.get(i, (-1, 0, 0.0)) for i in self.at.tolist()]
        self.column = np.array([column for column, _, _ in left], dtype=int)
        self.scale = np.array([scale for _, scale, _ in left], dtype=float)
        self.shift = np.array([shift for _, _, shift in left], dtype=float)
        self.unsolved = self.column >= 0
        self.point: np.ndarray | None = None  # the last table found
        self.by_column = self.core.matrix.tocsc()
        self._taking_up: np.ndarray | None = None

    def around(self, target: int) -> np.ndarray:
        """What stands in sums of few with a number, and some numbers that take up what is left over in sums of many."""
        core = self.core
        size = np.diff(core.matrix.indptr)
        if self._taking_up is None:
            found = []
            for row in np.flatnonzero(size > _FEW):
                within = core.matrix.indices[core.matrix.indptr[row] : core.matrix.indptr[row + 1]]
                for room in (core.high - self.point, self.point - core.low):
                    found.append(within[np.argsort(-np.minimum(room[within], _FEW), kind="stable")][:_TAKING_UP])
            self._taking_up = self._with_few(np.concatenate(found) if found else np.zeros(0, dtype=int), size)
        near = self._with_few(self._with_few(np.array([target]), size), size)
        return np.union1d(near, self._taking_up)

    def _with_few(self, numbers: np.ndarray, size: np.ndarray) -> np.ndarray:
        matrix = self.core.matrix
        rows = np.unique(self.by_column[:, numbers].indices)
        return np.union1d(numbers, matrix[rows[size[rows] <= _FEW]].indices)

    def need(self, enough: int) -> np.ndarray:
        return np.minimum(enough, self.public_high - self.public_low + 1)

    def uninteresting(self) -> np.ndarray:
        """Known to be large, or a sum of nothing: not a small number."""
        return (self.outer_low >= self.limit) | ((self.outer_high <= 0) & ~self.printed)

    def enough(self, enough: int, cover: bool) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            fine = self.high - self.low + 1 >= self.need(enough)
        return fine & (self.covers() | ~self.could_cover()) if cover else fine

    def covers(self) -> np.ndarray:
        return self._cover(self.low, self.high)

    def could_cover(self) -> np.ndarray:
        """False where the outer bounds leave out some small number already."""
        return self._cover(self.outer_low, self.outer_high)

    def hopeless(self, enough: int) -> np.ndarray:
        """Proven to have too few values, whatever table is found; what is not printed may still prove to be nothing."""
        too_few = self.outer_high - self.outer_low + 1 < np.minimum(self.need(enough), enough)
        return too_few & (self.printed | (self.outer_low > 0))

    def narrow(self, k: int, sign: float, end: float) -> None:
        """Take note of the end (sign 1 the least, -1 the greatest) that even fractions cannot pass."""
        value = self.shift[k] + sign * end
        if sign > 0:
            self.outer_low[k] = max(self.outer_low[k], np.ceil(value - 1e-4))
        else:
            self.outer_high[k] = min(self.outer_high[k], np.floor(value + 1e-4))

    def no_further_than_needed(self, k: int, sign: float, enough: int) -> tuple[np.ndarray, np.ndarray]:
        """Bounds for all numbers that stop a target where it has shown enough values: a search ends there."""
        low, high = self.core.low.copy(), self.core.high.copy()
        need, least, most = self.need(enough)[k], self.public_low[k], self.public_high[k]
        if sign > 0:
            end = min(max(1.0, least), self.high[k] - need + 1) if np.isfinite(self.high[k]) else max(1.0, least)
            end = max(end, self.outer_low[k])
        else:
            end = min(self.limit[k] - 1, most)
            end = min(max(end, self.low[k] + need - 1 if np.isfinite(self.low[k]) else 0.0), self.outer_high[k])
        at, value = self.column[k], (end - self.shift[k]) / self.scale[k]
        if (sign > 0) == (self.scale[k] > 0):
            low[at] = min(max(low[at], value), high[at])
        else:
            high[at] = max(min(high[at], value), low[at])
        return low, high

    def _cover(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return (low <= np.maximum(1, self.public_low)) & (high >= np.minimum(self.limit - 1, self.public_high))

    def learn(self, solution: np.ndarray) -> bool:
        """Widen the ranges by one table of whole numbers that fits everything printed; False if it does not."""
        core = self.core
        point = np.where(core.whole_number, np.round(solution), solution)
        if np.abs(point - solution).max(initial=0) > 1e-5 or (point < core.low - 1e-9).any():
            return False
        if (point > core.high + 1e-9).any() or np.abs(core.matrix @ point - core.right).max(initial=0) > 1e-5:
            return False
        self.point = point
        k = np.flatnonzero(self.unsolved)
        values = self.shift[k] + self.scale[k] * point[self.column[k]]
        self.low[k], self.high[k] = np.minimum(self.low[k], values), np.maximum(self.high[k], values)
        return True

    def judged(self, enough: int, cover: bool) -> list[_Judged]:
        fine, covers, need = self.enough(enough, False), self.covers(), self.need(enough)
        large = self.uninteresting()
        found = []
        for k, i in enumerate(self.at):
            if large[k]:
                continue
            label, limit = self.system.targets[i]
            seen = np.isfinite(self.low[k])
            low = self.low[k] if seen else self.outer_low[k]
            high = self.high[k] if seen else self.outer_high[k]
            values = int(high - low + 1)
            already = bool(fine[k] and need[k] < enough and values < enough)
            # whatever tables were found: that none has a smaller number is no proof that there is none
            if low < limit or not fine[k]:
                offends = not fine[k]
                gaps = bool(cover and not covers[k])
                found.append(_Judged(label, (int(low), int(high)), values, bool(offends), gaps, already))
        return found


def _solve(system: System, exact: bool, enough: int, cover: bool, silent: bool = False) -> _Solved:
    """Find tables at the ends of the targets' ranges: many targets at a time, then one by one."""
    solved = _Solved(system)
    if not solved.unsolved.any():
        return solved
    random = np.random.default_rng(20081)  # directions to try; what is concluded does not depend on them
    core = solved.core
    stale = 0
    for _ in range(_ROUNDS):
        open_ = solved.unsolved & ~(solved.enough(enough, cover) | solved.uninteresting())
        # outer bounds already too narrow: no table can show the opposite
        open_ &= solved.outer_high - solved.outer_low + 1 >= np.minimum(solved.need(enough), enough)
        if not open_.any() or stale > 3:
            break
        before = open_.sum()
        direction = _direction(solved, open_, random, enough)
        # no further than needed, so that there is room for many targets to move at a time
        reach = np.minimum(solved.outer_high, np.maximum(solved.limit - 1, solved.outer_low + enough - 1))
        near = core.high.copy()
        forward = open_ & (solved.scale > 0)
        near[solved.column[forward]] = np.maximum(
            core.low[solved.column[forward]],
            np.minimum(core.high[solved.column[forward]], (reach - solved.shift)[forward]),
        )
        solution = _programme(core, direction, solved, near)
        if solution is None:
            solution = _programme(core, direction, solved)
        learnt = solution is not None and solved.learn(solution)
        if solution is not None and not learnt and not silent:  # whole numbers near these fractions, for many at a time
            for high in (near, core.high):
                whole, _ = _whole(
                    solved, direction, core.low, high, mip_rel_gap=_NEAR_ENOUGH, node_limit=_MOST_BRANCHES
                )
                learnt = whole is not None and solved.learn(whole)
                if learnt:
                    break
        after = (open_ & ~solved.enough(enough, cover)).sum()
        stale = stale + (1 if learnt else 2) if after > 0.95 * before else 0
    for k in np.flatnonzero(solved.unsolved & ~solved.uninteresting() & (exact | ~solved.enough(enough, cover))):
        for sign in (1.0, -1.0):
            if not exact and (solved.enough(enough, cover)[k] or solved.hopeless(enough)[k]):
                break
            _one(solved, k, sign, enough, cover, exact, silent)
    return solved


def _direction(solved: _Solved, open_: np.ndarray, random, enough: int) -> np.ndarray:
    """Costs that pull every open target towards an end it still lacks."""
    low_wanted = solved.low > np.maximum(solved.outer_low, np.minimum(1, solved.outer_low))
    high_wanted = solved.high < np.minimum(solved.outer_high, solved.limit + enough)
    sign = np.where(low_wanted & ~high_wanted, 1.0, np.where(high_wanted & ~low_wanted, -1.0, 0.0))
    sign = np.where(sign == 0, random.choice([-1.0, 1.0], len(sign)), sign)
    cost = np.zeros(len(solved.core.low))
    np.add.at(cost, solved.column[open_], (sign * solved.scale * random.uniform(0.5, 1.5, len(sign)))[open_])
    return cost


def _programme(core: Reduced, cost: np.ndarray, solved: _Solved, near: np.ndarray | None = None) -> np.ndarray | None:
    """The table that is cheapest, by linear programming; None if there is none as ``near`` as wanted."""
    solved.attacks += 1
    high = core.high if near is None else near
    # reduced already: presolving it again takes longer than it saves
    result = linprog(
        cost, A_eq=core.matrix, b_eq=core.right, bounds=np.column_stack([core.low, high]), method="highs",
        options={"presolve": False},
    )  # fmt: skip
    if result.status == 2 and near is None:
        raise Contradiction
    return result.x if result.status == 0 else None


def _near(solved: _Solved, cost: np.ndarray, target: int) -> np.ndarray | None:
    """The cheapest table of all, found by moving what is near one number; None if it may not be the cheapest.

    Everything else stays as in a table found before. The shadow prices of the sums tell whether any other number
    could have made it cheaper: by the duality of linear programmes, if none could, no table is cheaper.
    """
    core, stay = solved.core, solved.point
    if stay is None or len(stay) < _WHOLE:
        return None
    here = solved.around(target)
    part = solved.by_column[:, here].tocsr()
    rows = np.flatnonzero(np.diff(part.indptr))
    solved.attacks += 1
    left = core.right - solved.by_column @ stay + part @ stay[here]
    result = linprog(
        cost[here], A_eq=part[rows], b_eq=left[rows], method="highs",
        bounds=np.column_stack([core.low[here], core.high[here]]), options={"presolve": False},
    )  # fmt: skip
    if result.status != 0:
        return None
    prices = np.zeros(core.matrix.shape[0])
    prices[rows] = result.eqlin.marginals
    gain = prices @ core.matrix
    cheaper = (gain > TOLERANCE) & (stay < core.high - TOLERANCE)
    cheaper |= (gain < -TOLERANCE) & (stay > core.low + TOLERANCE)
    cheaper[here] = False
    if cheaper.any():
        return None
    solution = stay.copy()
    solution[here] = result.x
    return solution


def _one(solved: _Solved, k: int, sign: float, enough: int, cover: bool, exact: bool, silent: bool) -> None:
    """The least (sign 1) or greatest (-1) whole number that one target can be: as far as needed, unless ``exact``.

    A table of fractions proves what is out of reach, and only a table of whole numbers what is within it. Looking for
    one may be given up: then the count is protected as one that cannot be that number.
    """
    core = solved.core
    cost = np.zeros(len(core.low))
    cost[solved.column[k]] = sign * solved.scale[k]
    solution = _near(solved, cost, int(solved.column[k]))
    if solution is not None:
        solved.narrow(k, sign, float(cost @ solution))
        if solved.learn(solution):
            return
    solution = _programme(core, cost, solved)
    if solution is not None:
        solved.narrow(k, sign, float(cost @ solution))
        if solved.learn(solution):
            return
    if silent and not exact:
        return  # without whole-number programmes, what is not shown to be wide enough counts as pinned
    low, high, options = core.low, core.high, {}
    if not exact and solution is not None:
        if (solved.hopeless(enough) | solved.uninteresting() | solved.enough(enough, cover))[k]:
            return
        low, high = solved.no_further_than_needed(k, sign, enough)
        options = {"node_limit": _MOST_BRANCHES}
    # no gap left to the bound: by its own measure a programme would take a count beside a total of 50,000 for found
    whole, bound = _whole(solved, cost, low, high, mip_rel_gap=0.0, **options)
    if whole is not None:
        solved.learn(whole)
    # a search stopped short of what fractions reach says nothing of what lies beyond: there may be gaps between
    at, scale = solved.column[k], solved.scale[k]
    least, most = sorted(solved.shift[k] + scale * end[at] for end in (low, high))
    stopped = least > solved.outer_low[k] if sign > 0 else most < solved.outer_high[k]
    if bound is not None and not stopped:
        solved.narrow(k, sign, bound)


def _whole(
    solved: _Solved, cost: np.ndarray, low: np.ndarray, high: np.ndarray, **options
) -> tuple[np.ndarray | None, float | None]:
    """The cheapest table of whole numbers found (None if none was), and what no table is cheaper than, if known."""
    solved.attacks += 1
    core = solved.core
    result = milp(
        cost,
        constraints=LinearConstraint(core.matrix, core.right, core.right),
        bounds=Bounds(low, high),
        integrality=core.whole_number.astype(int),
        options=options,
    )
    if result.status == 2 and low is core.low and high is core.high:
        raise Contradiction
    found = None if result.x is None else np.where(core.whole_number, np.round(result.x), result.x)
    bound = result.mip_dual_bound
    return found, float(bound) if bound is not None and np.isfinite(bound) and abs(bound) < FAR else None
