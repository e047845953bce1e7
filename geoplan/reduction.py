"""Sums made small before they are solved: what hangs on them like a tree is worked out exactly and set aside.

Given whole numbers x between bounds with sums of them fixed (``matrix @ x == 0``), the least and the greatest
value of some of them are wanted. Six steps that lose nothing leave less to be solved:

- a number that is known is put in; of two numbers with a known sum or difference one is enough;
- a sum said twice is said once;
- a sum with a part of its own that takes up whatever the others leave says nothing of the others;
- a number without limit, in sums that each have a part without limit of their own, can always be made large
  enough: those sums say nothing of the others;
- a sum of numbers of which all but one stand nowhere else says no more than the bounds of that one: the range
  of a sum of ranges of whole numbers is a range of whole numbers. Where nothing is left after that, the sums
  form a forest, and passing ranges to the root and back gives both ends of each number exactly (Freuder 1982,
  J. ACM 29:24: a tree of constraints that is consistent along its branches is solved without search);
- what is left, numbers that stand in one sum only and that nobody asks for are added up to one.

Coefficients other than 1 and -1 (percentages) are carried along and never removed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

NO_LIMIT = 5e6  # more people than any authority has
_TOLERANCE = 1e-6


class Contradiction(ValueError):
    """No numbers fit everything that is printed or public."""

    def __init__(self):
        super().__init__("the printed tables and the public figures contradict each other")


@dataclass(frozen=True)
class Reduced:
    """What is left to be solved, and what is known already.

    Parameters
    ----------
    exact
        Both ends of each wanted number that needed no solving.
    at
        Each other wanted number as ``shift + scale * x[column]`` of what is left: column, scale and shift.
    matrix, right, low, high, whole_number
        What is left: ``matrix @ x == right`` with x between ``low`` and ``high``.
    """

    exact: dict[int, tuple[float, float]]
    at: dict[int, tuple[int, int, float]]
    matrix: sparse.csr_matrix
    right: np.ndarray
    low: np.ndarray
    high: np.ndarray
    whole_number: np.ndarray


def reduce_sums(
    matrix: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, whole_number: np.ndarray, wanted: Iterable[int]
) -> Reduced:
    """Reduce ``matrix @ x == 0`` to what must be solved to know the ends of the wanted numbers.

    Raises
    ------
    Contradiction
        If no numbers fit.

    Examples
    --------
    Three numbers from 1 up that add up to 7, the third of them at most 3:

    >>> matrix = sparse.csr_matrix([[1.0, 1.0, 1.0, -1.0]])
    >>> low, high = np.array([1.0, 1.0, 1.0, 7.0]), np.array([9.0, 9.0, 3.0, 7.0])
    >>> reduced = reduce_sums(matrix, low, high, np.ones(4, dtype=bool), [0, 2])
    >>> {i: (int(a), int(b)) for i, (a, b) in reduced.exact.items()}, reduced.at
    ({0: (1, 5), 2: (1, 3)}, {})
    """
    wanted = list(wanted)
    sums = _Sums(matrix, low, high, whole_number)
    sums.tidy()
    stand_for = {i: sums.resolve(i) for i in wanted}
    asked = {variable for variable, _, _ in stand_for.values()}
    sums.let_go(asked)
    rows, where = [dict(row) if row is not None else None for row in sums.rows], [set(at) for at in sums.where]
    bounds = sums.low.copy(), sums.high.copy()
    right = list(sums.right)
    sums.peel(frozenset())
    settled, gone = sums.ranges()
    if any(row is not None for row in sums.rows):
        # again, for what hangs together in cycles: nothing that somebody asks for is set aside
        sums.rows = [None if i in gone else row for i, row in enumerate(rows)]
        sums.where = [at - gone for at in where]
        sums.low, sums.high = bounds
        sums.right = right
        sums.peel(frozenset(asked))
        sums.merge(asked)
    exact, at, column = {}, {}, {}
    for variable in sorted({v for row in sums.rows if row for v in row}):
        column[variable] = len(column)
    for i, (variable, scale, shift) in stand_for.items():
        if variable in column:
            at[i] = (column[variable], scale, shift)
        else:
            ends = settled.get(variable, (sums.low[variable], sums.high[variable]))
            exact[i] = tuple(sorted((shift + scale * ends[0], shift + scale * ends[1])))
    left = [(row, value) for row, value in zip(sums.rows, sums.right, strict=True) if row]
    entries = [(r, column[v], a) for r, (row, _) in enumerate(left) for v, a in row.items()]
    r, c, a = zip(*entries, strict=True) if entries else ((), (), ())
    order = list(column)
    return Reduced(
        exact,
        at,
        sparse.csr_matrix((np.array(a, dtype=float), (r, c)), shape=(len(left), len(order))),
        np.array([value for _, value in left], dtype=float),
        np.array([sums.low[v] for v in order], dtype=float),
        np.array([sums.high[v] for v in order], dtype=float),
        np.array([sums.whole[v] for v in order], dtype=bool),
    )


class _Sums:
    """Sums as dictionaries of number and coefficient, each with its right side, changed in place."""

    def __init__(self, matrix: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, whole: np.ndarray):
        self.low, self.high, self.whole = [list(map(float, low)), list(map(float, high)), whole.tolist()]
        self.rows: list[dict[int, float] | None] = []
        self.right: list[float] = []
        self.where: list[set[int]] = [set() for _ in self.low]
        self.instead: dict[int, tuple[int, int, float]] = {}  # x = shift + scale * other
        starts, columns, data = matrix.indptr.tolist(), matrix.indices.tolist(), matrix.data.tolist()
        for r in range(matrix.shape[0]):
            row, right = {}, 0.0
            for k in range(starts[r], starts[r + 1]):
                i, a = columns[k], data[k]
                if self.low[i] == self.high[i]:
                    right -= a * self.low[i]
                else:
                    row[i] = a
                    self.where[i].add(r)
            self.rows.append(row)
            self.right.append(right)
        self.unit = [all(abs(a) == 1 and self.whole[i] for i, a in row.items()) for row in self.rows]
        self.stack: list[tuple[int, int | None, float, dict[int, float], float]] = []

    def resolve(self, i: int) -> tuple[int, int, float]:
        """The number that stands for this one: number, scale, shift."""
        scale, shift = 1, 0.0
        while i in self.instead:
            i, s, c = self.instead[i]
            shift, scale = shift + scale * c, scale * s
        return i, scale, shift

    def narrow(self, i: int, low: float, high: float) -> None:
        self.low[i], self.high[i] = max(self.low[i], low), min(self.high[i], high)
        if self.low[i] > self.high[i] + _TOLERANCE:
            raise Contradiction

    def drop(self, r: int) -> None:
        for i in self.rows[r]:
            self.where[i].discard(r)
        self.rows[r] = None

    # --- what is known, said twice, or one for another ---

    def tidy(self) -> None:
        """Put in what is known, one number for another, and each sum once, until nothing changes."""
        todo = list(range(len(self.rows)))
        while todo:
            while todo:
                r = todo.pop()
                row = self.rows[r]
                if row is None or len(row) > 2 or not self.unit[r]:
                    continue
                if not row:
                    if abs(self.right[r]) > _TOLERANCE:
                        raise Contradiction
                    self.rows[r] = None
                elif len(row) == 1:
                    ((i, a),) = row.items()
                    self.narrow(i, self.right[r] / a, self.right[r] / a)
                    todo += self._put_in(i)
                else:
                    todo += self._one_for_two(r)
            todo = self._twice()

    def _put_in(self, i: int) -> list[int]:
        changed = sorted(self.where[i])
        for r in changed:
            self.right[r] -= self.rows[r].pop(i) * self.low[i]
        self.where[i] = set()
        return changed

    def _one_for_two(self, r: int) -> list[int]:
        (i, a), (j, b) = sorted(self.rows[r].items(), key=lambda entry: (len(self.where[entry[0]]), entry[0]))
        scale, shift = int(-b / a), self.right[r] / a  # i = shift + scale * j
        others = sorted(self.where[i] - {r})
        for other in others:
            row = self.rows[other]
            if self.unit[other] and abs(row[i] * scale + row.get(j, 0.0)) > 1:
                return []
        ends = sorted(((self.low[i] - shift) * scale, (self.high[i] - shift) * scale))
        self.narrow(j, *ends)
        self.instead[i] = (j, scale, shift)
        self.drop(r)
        for other in others:
            row = self.rows[other]
            coefficient = row.pop(i)
            self.right[other] -= coefficient * shift
            row[j] = row.get(j, 0.0) + coefficient * scale
            self.where[j].add(other)
            if row[j] == 0:
                del row[j]
                self.where[j].discard(other)
        self.where[i] = set()
        if self.low[j] == self.high[j]:
            others += self._put_in(j)
        return others

    def _twice(self) -> list[int]:
        """Drop sums that are there already; what may have become simpler by it."""
        seen: dict[tuple, float] = {}
        changed: set[int] = set()
        for r, row in enumerate(self.rows):
            if not row or not self.unit[r]:
                continue
            items = sorted(row.items())
            sign = items[0][1]
            key = tuple((i, a * sign) for i, a in items)
            if key not in seen:
                seen[key] = self.right[r] * sign
            elif abs(seen[key] - self.right[r] * sign) > _TOLERANCE:
                raise Contradiction
            else:
                for i in row:
                    changed |= self.where[i]
                self.drop(r)
        return sorted(r for r in changed if self.rows[r] is not None and len(self.rows[r]) <= 2)

    def let_go(self, keep: set[int]) -> None:
        """Drop the sums that say nothing of the numbers that somebody asks for."""
        for i in range(len(self.where)):
            rows = self.where[i]
            if not rows or i in keep or self.high[i] < NO_LIMIT or not all(self.unit[r] for r in rows):
                continue
            # as large as it likes, and so is a part of each of its sums
            if all(
                any(
                    a == -self.rows[r][i] and self.high[j] >= NO_LIMIT and len(self.where[j]) == 1 and j not in keep
                    for j, a in self.rows[r].items()
                )
                for r in rows
            ):
                for r in sorted(rows):
                    self.drop(r)
        todo = [r for r, row in enumerate(self.rows) if row and self.unit[r]]
        while todo:
            r = todo.pop()
            row = self.rows[r]
            if row is None:
                continue
            own = {i: a for i, a in row.items() if len(self.where[i]) == 1 and i not in keep}
            if not own:
                continue
            least, most = self._span({i: a for i, a in row.items() if i not in own})
            own_least, own_most = self._span(own)
            if own_least <= self.right[r] - most + _TOLERANCE and own_most >= self.right[r] - least - _TOLERANCE:
                self.drop(r)
                for i in row:
                    if len(self.where[i]) == 1:
                        todo += [other for other in self.where[i] if self.unit[other]]

    # --- trees ---

    def peel(self, keep: frozenset[int]) -> None:
        """Set aside sums of which all numbers but one stand nowhere else and are not kept."""
        self.stack = []
        where = self.where
        tied = [0 if row is None else sum(len(where[i]) > 1 or i in keep for i in row) for row in self.rows]
        todo = [r for r, row in enumerate(self.rows) if row and self.unit[r] and tied[r] <= 1]
        while todo:
            r = todo.pop()
            row = self.rows[r]
            if row is None:
                continue
            tie = next((i for i in row if len(where[i]) > 1 or i in keep), None)
            if tie in keep and len(where[tie]) == 1 and len(row) == 1:
                continue
            private = {i: a for i, a in row.items() if i != tie}
            self.drop(r)
            least, most = self._span(private)
            if tie is None:
                if not least - _TOLERANCE <= self.right[r] <= most + _TOLERANCE:
                    raise Contradiction
                self.stack.append((r, None, 0.0, private, self.right[r]))
                continue
            a = row[tie]
            self.narrow(tie, *sorted(((self.right[r] - most) / a, (self.right[r] - least) / a)))
            self.stack.append((r, tie, a, private, self.right[r]))
            if len(where[tie]) == 1 and tie not in keep:
                (other,) = where[tie]
                tied[other] -= 1
                if self.unit[other] and tied[other] <= 1:
                    todo.append(other)

    def _span(self, row: dict[int, float]) -> tuple[float, float]:
        least = sum(a * (self.low[i] if a > 0 else self.high[i]) for i, a in row.items())
        most = sum(a * (self.high[i] if a > 0 else self.low[i]) for i, a in row.items())
        return least, most

    def ranges(self) -> tuple[dict[int, tuple[float, float]], set[int]]:
        """Both ends of the numbers of every tree that hangs on nothing, and the sums of those trees."""
        left = {i for row in self.rows if row for i in row}
        hanging = set(left)  # on something that is still to be solved
        found: dict[int, tuple[float, float]] = {}
        gone = set()
        for r, tie, a, private, right in reversed(self.stack):
            if tie in hanging:
                hanging |= set(private)
                continue
            gone.add(r)
            least, most = right, right
            if tie is not None:
                ends = found.setdefault(tie, (self.low[tie], self.high[tie]))
                least, most = sorted((right - a * ends[0], right - a * ends[1]))
            span = self._span(private)
            for i, b in private.items():
                mine = sorted((b * self.low[i], b * self.high[i]))
                ends = sorted(((least - span[1] + mine[1]) / b, (most - span[0] + mine[0]) / b))
                found[i] = (max(self.low[i], ends[0]), min(self.high[i], ends[1]))
        return found, gone

    def merge(self, keep: set[int]) -> None:
        """Add up numbers that stand in one sum only and are not kept."""
        for row in self.rows:
            if not row:
                continue
            alone = [i for i, a in row.items() if len(self.where[i]) == 1 and i not in keep and self.whole[i]]
            alone = [i for i in alone if abs(row[i]) == 1]
            if len(alone) < 2:
                continue
            least, most = self._span({i: row[i] for i in alone})
            for i in alone:
                del row[i]
            first = alone[0]  # stands for the sum of all from now on
            row[first] = 1.0
            self.low[first], self.high[first] = least, most
