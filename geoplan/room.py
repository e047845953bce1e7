"""How much room the public tables of a place leave, so that one school can be looked at with a small part of them.

The head of school *s* knows the public tables and is shown more of the own school: its profile u (by segment) and
its homes h (by area). All that is known is then: X (school x segment) and A (area x segment) as printed, the
headcounts, the column sums of X and of A being the same T, X[s] = u, and a table w (area x segment) of the own
pupils with sums h and u and w <= A. (The others' pupils by school, area and segment then exist: X without row s and
A - w share only the segment, so they hang together without a cycle; see :mod:`geoplan.evidence`.)

The own school, its home areas and some more rows are *kept* and attacked as they are. The rows not kept are only there
as two lines of sums: of schools and of areas, by segment. One solution (X0, A0) of the public tables, worked out from
what is printed, says how far these sums can be moved. Each school not kept is given one segment, and can move as many
pupils between it and one segment that all use, the hub, as both numbers are from their ends in X0. Each area not kept
is given one segment, and can have as many pupils more or fewer as the number and the area's total are from their ends.
The reach of a segment is the sum of that, less that of the row that can do most, less four. The lines of sums may then
be anything within the reach of what they are in X0 and A0, and beside any such line, any one row not kept may move by
four in each of its numbers, the others putting it right. So

- five values of a count in the kept part, found in the small system, are five values against all that is known;
- so are five values of a count in a row that is not kept: it has them in its row alone, for the public release has
  passed the gate and a row alone is less than all; no other number in the row then moves by more than four.

A segment without such a reach (a rare one, or a small place) has all the rows kept that may have somebody in it; in
a small place that is all rows, and the small system is the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from geoplan.evidence import ENOUGH, NO_NUMBER, PrintedTable, admits

_MOST = 10_000_000
_FURTHEST = 10  # pupils that one row is asked to move at most


@dataclass(frozen=True, repr=False, eq=False)
class Room:
    """One solution of the public tables, and how far each row can move from it.

    Parameters
    ----------
    rows, areas
        School x segment and area x segment: the solution.
    school_moves, area_moves
        The same rows and columns: how many pupils the row can have more or fewer there (schools: between there and
        the hub).
    school_open, area_open
        Whether the row may have anybody there.
    total_low, total_high
        The least and the most pupils of each area.
    hub
        The segment that schools move pupils to and from.
    """

    rows: pd.DataFrame
    areas: pd.DataFrame
    school_moves: pd.DataFrame
    area_moves: pd.DataFrame
    school_open: pd.DataFrame
    area_open: pd.DataFrame
    total_low: pd.Series
    total_high: pd.Series
    hub: str

    def __repr__(self) -> str:
        return f"<Room: {len(self.rows):,} schools, {len(self.areas):,} areas>"


def find_room(
    by_school: PrintedTable, segments: PrintedTable, by_area: PrintedTable, areas: PrintedTable, sizes: pd.Series
) -> Room | None:
    """One solution of the public tables that is nowhere at an end where it need not be; None if there is none.

    Parameters
    ----------
    by_school, segments, by_area, areas
        The public tables as printed.
    sizes
        Each school's headcount, public.
    """
    low, high = _bounds(by_school, "school", "segment")
    columns = list(low.columns)
    size = sizes.reindex(low.index)
    high = high.clip(upper=size, axis=0)
    low = low.mask((low == 1) & (size < by_school.small_group).to_numpy()[:, None], 0)
    area_low, area_high = (each[columns] for each in _bounds(by_area, areas.dims[0], "segment"))
    total = {c[0]: _ends(t, areas.hide_below, areas.round_to) for c, t in zip(areas.cells, areas.shown, strict=True)}
    most = pd.Series({code: ends[1] for code, ends in total.items()}).reindex(area_low.index)
    least = pd.Series({code: ends[0] for code, ends in total.items()}).reindex(area_low.index)
    t = {c[0]: _ends(text, segments.hide_below, segments.round_to) for c, text in _texts(segments)}
    n, m = low.size, area_low.size
    k = len(columns)
    # the flow of pupils from schools through segments to areas: its corners are whole numbers
    school_rows = sparse.kron(sparse.eye(len(low)), np.ones((1, k)))
    columns_of = sparse.kron(np.ones((1, len(low))), sparse.eye(k))
    columns_to = sparse.kron(np.ones((1, len(area_low))), sparse.eye(k))
    area_rows = sparse.kron(sparse.eye(len(area_low)), np.ones((1, k)))
    equal = sparse.bmat([[school_rows, None], [columns_of, -columns_to]]).tocsr()
    within = sparse.bmat([[None, area_rows], [None, -area_rows], [columns_of, None], [-columns_of, None]]).tocsr()
    ends = [np.array([t[c][i] for c in columns], dtype=float) for i in (0, 1)]
    x_low, x_high = _inside(low, high)
    a_low, a_high = _inside(area_low, area_high)
    # each number is one from its ends, and only as many as must be are at an end, at a cost
    wide = np.concatenate([(b - a >= 2).to_numpy().ravel() for a, b in ((low, high), (area_low, area_high))])
    step = sparse.eye(n + m).tocsc()[:, np.flatnonzero(wide)]
    result = linprog(
        np.concatenate([np.zeros(n + m), np.ones(2 * step.shape[1])]),
        A_eq=sparse.hstack([equal, equal @ step, -equal @ step]).tocsr(),
        b_eq=np.concatenate([size.to_numpy(dtype=float), np.zeros(k)]),
        A_ub=sparse.hstack([within, within @ step, -within @ step]).tocsr(),
        b_ub=np.concatenate([most, -least, ends[1], -ends[0]]),
        bounds=np.column_stack(
            [
                np.concatenate([x_low, a_low, np.zeros(2 * step.shape[1])]),
                np.concatenate([x_high, a_high, np.ones(2 * step.shape[1])]),
            ]
        ),
        method="highs",
    )
    if result.status != 0:
        return None
    solution = result.x[: n + m] + step @ (result.x[n + m :][: step.shape[1]] - result.x[n + m :][step.shape[1] :])
    point = np.round(solution)
    if np.abs(point - solution).max(initial=0) > 1e-6:
        return None
    rows = pd.DataFrame(point[:n].reshape(low.shape), index=low.index, columns=columns)
    found = pd.DataFrame(point[n:].reshape(area_low.shape), index=area_low.index, columns=columns)
    moves = np.minimum(rows - low, high - rows)
    hub = str(np.minimum(moves, _FURTHEST).sum().idxmax())
    moves = np.minimum(moves, _FURTHEST).clip(upper=moves[hub], axis=0)
    sums = found.sum(axis=1)
    area_moves = np.minimum(found - area_low, area_high - found).clip(upper=_FURTHEST)
    area_moves = area_moves.clip(upper=np.minimum(sums - least, most - sums), axis=0)
    return Room(rows, found, moves.astype(int), area_moves.astype(int), high > 0, area_high > 0, least, most, hub)


def find_schools(room: Room, school: str) -> tuple[list[str], pd.Series]:
    """The schools to be kept beside one, and the reach of the others' sums by segment."""
    kept, reach = _kept(room.school_moves.drop(columns=room.hub), room.school_open, [school])
    # what is moved between the hub and the others is moved there
    reach[room.hub] = reach.sum()
    return kept, reach[list(room.rows.columns)]


def find_areas(room: Room, homes: Iterable[str]) -> tuple[list[str], pd.Series]:
    """The areas to be kept beside a school's homes, and the reach of the others' sums by segment."""
    return _kept(room.area_moves, room.area_open, list(homes))


def _kept(moves: pd.DataFrame, open_: pd.DataFrame, first: list[str]) -> tuple[list[str], pd.Series]:
    kept = pd.Series(moves.index.isin(first), index=moves.index)
    can, may = moves.to_numpy(), open_[moves.columns].to_numpy()
    while True:
        here = ~kept.to_numpy()
        reach = _reach(can[here])
        used = may[here].any(axis=0)
        lacking = used & (reach < ENOUGH - 1)
        if not lacking.any():
            return list(kept.index[kept]), pd.Series(np.where(used, reach, 0), index=moves.columns)
        # the rarest first: what is kept for it is kept for the others too
        rarest = np.flatnonzero(lacking)[np.argmin(may[here][:, lacking].sum(axis=0))]
        kept |= may[:, rarest]


def _reach(can: np.ndarray) -> np.ndarray:
    """The reach of each segment, each row being given to one of them: to the one that has least so far."""
    total, largest = [0] * can.shape[1], [0] * can.shape[1]
    can = can[np.argsort((can > 0).sum(axis=1), kind="stable")]
    for row in can[can.any(axis=1)].tolist():
        at = min((i for i, each in enumerate(row) if each), key=total.__getitem__)
        total[at] += row[at]
        largest[at] = max(largest[at], row[at])
    return np.array(total) - np.array(largest) - (ENOUGH - 1)


def _texts(table: PrintedTable) -> list[tuple[tuple[str, ...], str]]:
    return list(zip(table.cells, table.shown, strict=True))


def _ends(text: str, hide_below: int, round_to: int) -> tuple[float, float]:
    return (1, _MOST) if text in NO_NUMBER else admits(text, hide_below, round_to)


def _bounds(table: PrintedTable, row: str, column: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    at = [table.dims.index(row), table.dims.index(column)]
    index = pd.MultiIndex.from_tuples([(cell[at[0]], cell[at[1]]) for cell in table.cells])
    ends = [_ends(text, table.hide_below, table.round_to) for text in table.shown]
    both = (pd.Series([end[i] for end in ends], index=index, dtype=float).unstack(fill_value=0.0) for i in (0, 1))
    return tuple(both)


def _inside(low: pd.DataFrame, high: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """One from each end, where there are three values or more."""
    a, b = low.to_numpy(dtype=float).ravel(), high.to_numpy(dtype=float).ravel()
    wide = b - a >= 2
    return a + wide, b - wide
