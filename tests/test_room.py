"""The reach that the other rows have: any sums within it, beside any one row moved, are those of a real table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import linprog

from geoplan.evidence import PrintedTable, admits
from geoplan.room import find_areas, find_room, find_schools

SEGMENTS = ["E", "G", "H"]


def printed(counts: pd.DataFrame | pd.Series, name: str, *dims: str) -> PrintedTable:
    flat = counts.stack() if isinstance(counts, pd.DataFrame) else counts
    cells = tuple(key if isinstance(key, tuple) else (key,) for key in flat.index)
    texts = tuple("c" if 0 < v < 10 else str(int(v / 5 + 0.5) * 5) for v in flat)
    return PrintedTable(name, dims, cells, texts, "p", small_group=0)


def place(seed: int):
    """Schools and areas of the same pupils, the last segment now and then rare."""
    random = np.random.default_rng(seed)
    n, m = int(random.integers(15, 50)), int(random.integers(15, 50))
    frame = pd.DataFrame({"school": [f"s{i:02}" for i in random.integers(0, n, 70 * n)]})
    frame["area"] = [f"a{i:02}" for i in random.integers(0, m, len(frame))]
    frame["segment"] = random.choice(SEGMENTS, len(frame), p=[0.5, 0.5 - (rare := random.choice([0.02, 0.2])), rare])
    by_school, by_area = (pd.crosstab(frame[by], frame["segment"]) for by in ("school", "area"))
    tables = (
        printed(by_school, "x", "school", "segment"), printed(by_school.sum(), "t", "segment"),
        printed(by_area, "a", "area", "segment"), printed(by_area.sum(axis=1), "b", "area"),
    )  # fmt: skip
    return random, tables, by_school.sum(axis=1)


def ends(table: PrintedTable, rows) -> np.ndarray:
    """Least and most of each number, worked out from the texts."""
    known = dict(zip(table.cells, table.shown, strict=True))
    texts = [
        known[row, column] if column else known[row,]
        for row in rows
        for column in (SEGMENTS if len(table.dims) > 1 else [""])
    ]
    return np.array([(1, 1e6) if text == "c" else admits(text, 10, 5) for text in texts])


def fits(bounds, rows_low, rows_high, columns) -> bool:
    """Whether there is a table with numbers, row sums and column sums like that."""
    n, k = len(rows_low), len(SEGMENTS)
    rows = sparse.kron(sparse.eye(n), np.ones((1, k)))
    found = linprog(
        np.zeros(n * k), A_ub=sparse.vstack([rows, -rows]), b_ub=np.concatenate([rows_high, -rows_low]),
        A_eq=sparse.kron(np.ones((1, n)), sparse.eye(k)), b_eq=columns, bounds=bounds, method="highs",
    )  # fmt: skip
    return found.status == 0


@pytest.mark.parametrize("seed", range(40))
def test_sums_within_reach_beside_any_row_that_moves_are_of_a_real_table(seed):
    random, (by_school, segments, by_area, areas), sizes = place(seed)
    room = find_room(by_school, segments, by_area, areas, sizes)
    tried = 0
    for kind in ("schools", "areas"):
        solution = room.rows if kind == "schools" else room.areas
        if kind == "schools":
            kept, reach = find_schools(room, str(random.choice(solution.index)))
        else:
            kept, reach = find_areas(room, random.choice(solution.index, 4, replace=False))
        rest = solution.drop(index=kept)
        if rest.empty:
            continue
        table, of = (by_school, sizes) if kind == "schools" else (by_area, None)
        bounds = ends(table, rest.index)
        total = np.repeat(of[rest.index].to_numpy()[:, None], 2, axis=1) if of is not None else ends(areas, rest.index)
        for _ in range(15):
            line = np.array(
                [random.choice([-each, each, random.integers(-each, each + 1)]) for each in reach[SEGMENTS]]
            )
            moved = random.integers(-4, 5, len(SEGMENTS))
            at = int(random.integers(len(rest)))
            if kind == "schools":
                hub = SEGMENTS.index(room.hub)
                line[hub], moved[hub] = line[hub] - line.sum(), moved[hub] - moved.sum()
            row = rest.iloc[at].to_numpy() + moved
            mine = bounds[3 * at : 3 * at + 3]
            if (row < mine[:, 0]).any() or (row > mine[:, 1]).any() or not total[at, 0] <= row.sum() <= total[at, 1]:
                row = rest.iloc[at].to_numpy()
            limits = bounds.copy()
            limits[3 * at : 3 * at + 3] = row[:, None]
            assert fits(limits, total[:, 0], total[:, 1], rest.sum().to_numpy() + line), (kind, line, row)
            tried += 1
    assert tried or len(sizes) < 30
