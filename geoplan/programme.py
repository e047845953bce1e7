"""A catchment design as a linear programme: its numbers, its value, its rows.

Areas are 0 to n - 1, schools 0 to k - 1, forecast years 0 to y - 1. With ``x[a, s]`` = 1 when area *a* belongs to
school *s*::

    least   sum cost x  +  sum_m mix_cost[m] sum_s |sum_a mix[m, a] x[a, s]|  +  balance_cost * worst
    where   each area has one school, among those allowed
            low[y, s]  <=  sum_a load[y, a] x[a, s]  <=  high[y, s]
            sum budget[b] x  <=  budget_most[b]
            sum_s |sum_a mix[m, a] x[a, s]|  <=  mix_most[m]
            worst  =  the largest |load of s in y / target[y, s] - 1|  <=  balance_most
            every catchment in one piece (cuts, found as they are needed)

Gorard's measure and dissimilarity are such mixes, because the totals do not depend on the design: every area
belongs to some school. So a design of least segregation, or one that may not exceed a stated one, is linear too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from geoplan.contiguity import Cut, Graph, main_pieces, pieces

#: Places, budgets and mixes may be exceeded by this part of themselves: the solver's own arithmetic.
TOLERANCE = 1e-6
_COVERS = 6  # covers of up to so many areas are written out
ABSOLUTE = 1e-5  # or by this much: the solver keeps a limit to a millionth a row, and a mix has a row for each school


@dataclass(frozen=True)
class Programme:
    """The numbers of a design; see the module's text.

    Parameters
    ----------
    allowed
        Areas x schools, bool.
    cost
        Areas x schools.
    load
        Years x areas.
    low, high, target
        Years x schools; ``target`` is what balance is measured from (0 where it is not).
    budget, budget_most
        Budgets x areas x schools, and the most of each.
    mix, mix_cost, mix_most
        Mixes x areas, the price of each and the most of each (infinite for none).
    balance_cost, balance_most
        The price of the worst difference from target, and the most of it (infinite for none).
    graph
        Neighbours; None if catchments need not be in one piece.
    elastic
        0, or the price of going one whole target beyond ``low`` or ``high``.
    """

    allowed: np.ndarray
    cost: np.ndarray
    load: np.ndarray
    low: np.ndarray
    high: np.ndarray
    target: np.ndarray
    budget: np.ndarray
    budget_most: np.ndarray
    mix: np.ndarray
    mix_cost: np.ndarray
    mix_most: np.ndarray
    balance_cost: float = 0.0
    balance_most: float = np.inf
    graph: Graph | None = None
    elastic: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Areas and schools."""
        return self.allowed.shape

    @property
    def balanced(self) -> bool:
        """Whether balance matters."""
        return self.balance_cost > 0 or np.isfinite(self.balance_most)

    def scale(self) -> np.ndarray:
        """What one whole of slack is, years x schools: the target, or the upper limit where there is none."""
        finite = np.where(np.isfinite(self.high), self.high, np.maximum(self.low, 1.0))
        return np.where(self.target > 0, self.target, np.maximum(finite, 1.0))


@dataclass(frozen=True)
class Worth:
    """What a whole design comes to.

    Parameters
    ----------
    value
        The objective.
    excess
        How far limits are broken, each as a part of itself, added up; 0 when none is.
    """

    value: float
    excess: float

    @property
    def within(self) -> bool:
        """Whether every limit holds, to the solver's arithmetic."""
        return self.excess <= 0.0


def worth(programme: Programme, labels: np.ndarray) -> Worth:
    """The value of a design and how far it breaks its limits, added up anew from the labels."""
    areas, schools = programme.shape
    every = np.arange(areas)
    sums = np.stack([np.bincount(labels, row, schools) for row in programme.load])
    scale = programme.scale()
    over = np.maximum(sums - programme.high, 0) + np.maximum(programme.low - sums, 0)
    broken = np.where(over > TOLERANCE * scale, over / scale, 0.0).sum()
    value = programme.cost[every, labels].sum()
    for row, price, most in zip(programme.mix, programme.mix_cost, programme.mix_most, strict=True):
        amount = np.abs(np.bincount(labels, row, schools)).sum()
        value += price * amount
        broken += _beyond(amount, most)
    for budget, most in zip(programme.budget, programme.budget_most, strict=True):
        broken += _beyond(budget[every, labels].sum(), most)
    if programme.balanced:
        apart = np.abs(sums / np.where(programme.target > 0, programme.target, np.inf) - (programme.target > 0)).max()
        value += programme.balance_cost * apart
        broken += _beyond(apart, programme.balance_most)
    broken += np.sum(~programme.allowed[every, labels])
    if programme.graph is not None:
        broken += np.sum(~main_pieces(programme.graph, labels, np.ones(areas)))
    return Worth(float(value), float(broken))


def _beyond(amount: float, most: float) -> float:
    over = amount - most
    return over / max(abs(most), 1e-9) if over > max(TOLERANCE * abs(most), ABSOLUTE) else 0.0


@dataclass(frozen=True)
class Cover:
    """Of these areas at most so many can belong to the school: more would not fit in its places.

    Parameters
    ----------
    school
        The school's position.
    areas
        The areas' positions.
    most
        How many of them there can be.
    """

    school: int
    areas: tuple[int, ...]
    most: int


def broken_covers(programme: Programme, shares: np.ndarray, least: float = 0.01) -> list[Cover]:
    """Covers that a (perhaps fractional) design breaks: areas that do not fit in a school together.

    Greedy, then minimal, then extended by every area at least as large as the largest of them.

    Parameters
    ----------
    programme
        The numbers.
    shares
        Areas x schools, 0 to 1.
    least
        Covers broken by less than this are not returned.

    References
    ----------
    Balas (1975), Facets of the knapsack polytope, Mathematical Programming 8:146.

    Examples
    --------
    Of three areas of 6 children each, a school for 10 can have one:

    >>> one = np.ones((3, 1))
    >>> none = np.zeros((0, 3))
    >>> p = Programme(one > 0, one, 6 * one.T, 0 * one[:1], 10 * one[:1], one[:1], np.zeros((0, 3, 1)),
    ...               np.zeros(0), none, np.zeros(0), np.zeros(0))
    >>> broken_covers(p, 0.55 * one)
    [Cover(school=0, areas=(0, 1, 2), most=1)]
    """
    found: dict[Cover, None] = {}
    if programme.elastic:
        return []
    for year, load in enumerate(programme.load):
        for school in np.flatnonzero(np.isfinite(programme.high[year])).tolist():
            most = programme.high[year, school] * (1 + TOLERANCE) + ABSOLUTE
            share = shares[:, school]
            held = np.flatnonzero((share > 1e-6) & (load > 0))
            if load[held].sum() <= most:
                continue
            held = held[np.argsort((1 - share[held]) / load[held], kind="stable")]
            cover = held[: int(np.searchsorted(np.cumsum(load[held]), most, side="right")) + 1].tolist()
            total = load[cover].sum()
            for area in sorted(cover, key=lambda each: share[each]):
                if total - load[area] > most:
                    cover.remove(area)
                    total -= load[area]
            if total <= most or (1 - share[cover]).sum() > 1 - least:
                continue
            large = np.flatnonzero(programme.allowed[:, school] & (load >= load[cover].max()))
            members = np.union1d(cover, large)
            found[Cover(school, tuple(members.tolist()), len(cover) - 1)] = None
    return list(found)


class Rows:
    """A programme as the solver's matrices; cuts are added as they are found.

    Parameters
    ----------
    programme
        The numbers.
    cuts
        Cuts known from before.
    """

    def __init__(self, programme: Programme, cuts: Sequence[Cut] = ()):
        self.programme = programme
        areas, schools = programme.shape
        self.area, self.school = np.nonzero(programme.allowed)
        self.count = len(self.area)
        self.column = np.full((areas, schools), -1)
        self.column[self.area, self.school] = np.arange(self.count)
        self._build()
        self.cuts: list[Cut] = []
        self._cut_rows: list[sparse.csr_matrix] = []
        self._cut_most: list[np.ndarray] = []
        self.add(cuts)

    def _build(self) -> None:
        p, x = self.programme, np.arange(self.count)
        years, (areas, schools) = len(p.load), p.shape
        mixes = np.flatnonzero((p.mix_cost > 0) | np.isfinite(p.mix_most))
        slack = years * schools if p.elastic else 0
        part = np.zeros(areas, dtype=int) if p.graph is None else pieces(p.graph, np.zeros(areas, dtype=int))
        parts_of_map = part.max() + 1 if part.max() else 0
        first_mix = self.count
        worst = first_mix + len(mixes) * schools
        self.first_home = worst + int(p.balanced)
        self.homes = parts_of_map * schools
        first_slack = self.first_home + self.homes
        self.width = first_slack + slack
        self.cost = np.zeros(self.width)
        self.cost[: self.count] = p.cost[self.area, self.school]
        self.cost[first_slack:] = p.elastic
        self.upper = np.r_[np.ones(self.count), np.full(self.width - self.count, np.inf)]
        self.once = sparse.csr_matrix((np.ones(self.count), (self.area, x)), shape=(areas, self.width))
        parts, most = [], []

        def add(values, rows, columns, bounds) -> None:
            parts.append(sparse.csr_matrix((values, (rows, columns)), shape=(len(bounds), self.width)))
            most.append(np.asarray(bounds, dtype=float))

        scale = p.scale()
        if self.homes:  # a map in several parts: each school is at home in one of them
            home = self.first_home + part[self.area] * schools + self.school
            values = np.r_[np.ones(self.count), np.full(self.count, -1.0)]
            add(values, np.r_[x, x], np.r_[x, home], np.zeros(self.count))
            every = np.arange(self.homes)
            add(np.ones(self.homes), every % schools, self.first_home + every, np.ones(schools))
        for year in range(years):
            part = p.load[year, self.area]
            rows, columns = self.school, x
            if slack:
                own = np.arange(schools)
                rows = np.r_[rows, own]
                columns = np.r_[columns, first_slack + year * schools + own]
            for sign, limit in ((1.0, p.high[year]), (-1.0, -p.low[year])):
                values = np.r_[sign * part, -scale[year]] if slack else sign * part
                add(values, rows, columns, np.where(np.isfinite(limit), limit, np.inf))
            if p.balanced:
                own = np.flatnonzero(p.target[year] > 0)
                kept = p.target[year, self.school] > 0
                row_of = np.full(schools, -1)
                row_of[own] = np.arange(len(own))
                for sign in (1.0, -1.0):
                    values = np.r_[sign * part[kept] / p.target[year, self.school[kept]], np.full(len(own), -1.0)]
                    add(
                        values,
                        np.r_[row_of[self.school[kept]], np.arange(len(own))],
                        np.r_[x[kept], np.full(len(own), worst)],
                        np.full(len(own), sign),
                    )
        if not slack:
            self._few_large(add)
        for number, mix in enumerate(mixes):
            apart = first_mix + number * schools + np.arange(schools)
            self.cost[apart] = p.mix_cost[mix]
            for sign in (1.0, -1.0):
                values = np.r_[sign * p.mix[mix, self.area], np.full(schools, -1.0)]
                add(values, np.r_[self.school, np.arange(schools)], np.r_[x, apart], np.zeros(schools))
            if np.isfinite(p.mix_most[mix]):
                add(np.ones(schools), np.zeros(schools, dtype=int), apart, [p.mix_most[mix]])
        if p.balanced:
            self.cost[worst] = p.balance_cost
            self.upper[worst] = p.balance_most
        for budget, limit in zip(p.budget, p.budget_most, strict=True):
            add(budget[self.area, self.school], np.zeros(self.count, dtype=int), x, [limit])
        rows, most = sparse.vstack(parts, format="csr"), np.concatenate(most)
        used = np.isfinite(most)
        self._fixed_rows, self._fixed_most = rows[used], most[used]

    def _few_large(self, add) -> None:
        """Of areas that each hold over a (k + 1)th of a school's most children, at most k go there (cover cuts)."""
        p = self.programme
        for year in range(len(p.load)):
            load, most = p.load[year, self.area], p.high[year, self.school] * (1 + TOLERANCE)
            before = np.zeros(p.shape[1], dtype=int)
            for k in range(_COVERS):
                large = np.flatnonzero(load * (k + 1) > most)
                count = np.bincount(self.school[large], minlength=p.shape[1])
                useful = (count > k) & (count > before)  # the same areas as for k - 1 would say less
                large = large[useful[self.school[large]]]
                schools, row = np.unique(self.school[large], return_inverse=True)
                if len(schools):
                    add(np.ones(len(large)), row, large, np.full(len(schools), float(k)))
                before = count

    def add(self, cuts: Sequence[Cut]) -> None:
        """Add cuts."""
        if not cuts:
            return
        row, column, value = [], [], []
        for number, cut in enumerate(cuts):
            members = (cut.area, cut.root, *cut.between)
            row += [number] * len(members)
            column += self.column[list(members), cut.school].tolist()
            value += [1.0, 1.0] + [-1.0] * len(cut.between)
        self._cut_rows.append(sparse.csr_matrix((value, (row, column)), shape=(len(cuts), self.width)))
        self._cut_most.append(np.ones(len(cuts)))
        self.cuts += cuts

    def add_covers(self, covers: Sequence[Cover]) -> None:
        """Add covers."""
        if not covers:
            return
        row = np.repeat(np.arange(len(covers)), [len(cover.areas) for cover in covers])
        column = np.concatenate([self.column[list(cover.areas), cover.school] for cover in covers])
        shape = (len(covers), self.width)
        self._cut_rows.append(sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape))
        self._cut_most.append(np.array([float(cover.most) for cover in covers]))

    def at_most(self) -> tuple[sparse.csr_matrix, np.ndarray]:
        """Rows and their upper limits."""
        rows = sparse.vstack([self._fixed_rows, *self._cut_rows], format="csr")
        return rows, np.concatenate([self._fixed_most, *self._cut_most])

    def relaxed(self, alive: np.ndarray | None = None, seconds: float = np.inf):
        """The programme without whole numbers; ``alive`` leaves out assignments known to be too dear."""
        rows, most = self.at_most()
        upper = self.upper.copy()
        if alive is not None:
            upper[: self.count] = alive
        options = {} if np.isinf(seconds) else {"time_limit": max(seconds, 0.1)}
        return linprog(
            self.cost,
            A_ub=rows,
            b_ub=most,
            A_eq=self.once,
            b_eq=np.ones(self.once.shape[0]),
            bounds=np.c_[np.zeros(self.width), upper],
            method="highs",
            options=options,
        )

    def whole(self, alive: np.ndarray, cutoff: float, gap: float, seconds: float):
        """The programme in whole numbers, below ``cutoff``, among the assignments ``alive``."""
        rows, most = self.at_most()
        limits = [LinearConstraint(rows, -np.inf, most), LinearConstraint(self.once, 1, 1)]
        if np.isfinite(cutoff):
            limits.append(LinearConstraint(self.cost[None], -np.inf, cutoff))
        upper = self.upper.copy()
        upper[: self.count] = alive
        integral = np.zeros(self.width)
        integral[: self.count] = 1
        integral[self.first_home : self.first_home + self.homes] = 1
        return milp(
            self.cost,
            integrality=integral,
            bounds=Bounds(0, upper),
            constraints=limits,
            options={"mip_rel_gap": gap, "time_limit": max(seconds, 0.1)},
        )

    def shares(self, x: np.ndarray) -> np.ndarray:
        """A solution as areas x schools."""
        shares = np.zeros(self.programme.shape)
        shares[self.area, self.school] = x[: self.count]
        return shares
