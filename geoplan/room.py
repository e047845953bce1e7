"""How much room the public tables of a place leave, so that each school can be looked at alone.

The head of school *s* knows the public tables and is shown more of the own school: its profile u (by segment) and
its homes h (by area). All that is known is then: X (school x segment) and A (area x segment) as printed, the
headcounts, the column sums of X and of A being the same T, X[s] = u, and a table w (area x segment) of the own
pupils with sums h and u and w <= A. (The others' pupils by school, area and segment then exist: X without row s and
A - w share only the segment, so they hang together without a cycle; see :mod:`geoplan.gate`.)

One solution (X0, A0) of the public tables, worked out from what is printed, splits this into three that can be
looked at apart. *Own*: u, h and w <= A1, where A1 is A0 with more in the areas of the school and less, one by one,
in others of the same segment, so that T stays. *Others*: each other school's row alone, with its headcount. *Room*:
where own and one other row together add d_c pupils to column c, the columns are put right by |d_c| other schools,
each moving one pupil between column c and one column that all use, the hub; a school can if neither of its two
numbers is at its end in X0, and each is asked once. Rare columns first, column c is put right if at least
sum of |d| over the columns as rare or rarer + 2 schools can (two may be the movers themselves). Own moves no further
than its bounds are from X0; the other row needs four up or down for five values, and as many in its other columns.
So with that many schools every solution of *own* and such solutions of one other row are part of a solution of
everything: five values for each count of *own*, and five of each row alone, are five values against the head.
Each other row alone has them because the public release has passed the gate: a row alone is less than all.

Where there is not that room (a small place, a rare segment), :func:`has_room` says so and all tables are attacked
together instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from geoplan.gate import ENOUGH, NO_NUMBER, PrintedTable, admits

_MOST = 10_000_000


@dataclass(frozen=True, repr=False, eq=False)
class Room:
    """Bounds and one solution of the public tables, and how many schools can move a pupil between two columns.

    Parameters
    ----------
    low, high, rows
        School x segment: bounds by what is printed, and the solution.
    area_low, area_high, areas
        The same for area x segment.
    total_high
        The most pupils of each area.
    able
        For each two segments, the schools that can move a pupil from the second to the first.
    """

    low: pd.DataFrame
    high: pd.DataFrame
    rows: pd.DataFrame
    area_low: pd.DataFrame
    area_high: pd.DataFrame
    areas: pd.DataFrame
    total_low: pd.Series
    total_high: pd.Series
    able: pd.DataFrame

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
    area_low, area_high = (each[columns] for each in _bounds(by_area, "area", "segment"))
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
    up, down = (rows < high).astype(int), (rows > low).astype(int)
    able = pd.DataFrame(up.to_numpy().T @ down.to_numpy(), index=columns, columns=columns)
    return Room(low, high, rows, area_low, area_high, found, least, most, able)


def has_room(room: Room, school: str, low: pd.Series, high: pd.Series) -> bool:
    """Whether any profile of a school between these bounds can be made up for by other schools."""
    mine = np.maximum((high - room.rows.loc[school]).abs(), (low - room.rows.loc[school]).abs())
    both = np.minimum(room.able, room.able.T)
    hub = both.sum().idxmax()
    left = both[hub].drop(hub)[(room.high.max() > 0).drop(hub)].sort_values(kind="stable")
    asked = mine[left.index].cumsum() + 2 * (ENOUGH - 1)
    return bool((left >= asked + 2).all())


def most_at_home(room: Room, wanted: pd.DataFrame) -> pd.DataFrame | None:
    """The most own pupils of each area and segment: room in the areas, made in other areas of the segment.

    Parameters
    ----------
    room
        From :func:`find_room`.
    wanted
        How many are wished for, rows areas, columns segments; never more than the areas may have.

    Returns
    -------
    DataFrame or None
        None if the other areas cannot make up for it.
    """
    here = room.areas.loc[wanted.index]
    high = room.area_high.loc[wanted.index]
    spare = (room.total_high.loc[wanted.index] - here.sum(axis=1)).clip(lower=0)
    more = (np.minimum(wanted, high) - here).clip(lower=0)
    over = more.sum(axis=1) > spare
    more[over] = more[over].where(more[over].cumsum(axis=1).le(spare[over], axis=0), 0)
    away = room.areas.index.difference(wanted.index)
    gives = (room.areas.loc[away] > room.area_low.loc[away]).to_numpy(copy=True)
    gives &= (room.areas.loc[away].sum(axis=1) > room.total_low.loc[away]).to_numpy()[:, None]
    # an area gives for one segment only
    gives &= np.cumsum(gives, axis=1) == 1
    if (more.sum().to_numpy() > gives.sum(axis=0)).any():
        return None
    return here + more


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
