"""Invented releases for the tests of disclosure: people in schools, areas and segments, tables of them."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from geoplan.evidence import Nesting, PrintedTable, PublicTotals, admits
from geoplan.tables import RawTable

SETS = (
    (("school", "segment"),),
    (("school", "segment"), ("area", "segment")),
    (("school", "segment"), ("area", "segment"), ("area",)),
    (("school", "segment"), ("school", "fsm"), ("area", "segment"), ("segment",)),
    (("school", "fsm"), ("school", "segment"), ("school",)),
    (("school", "segment"), ("area", "segment"), ("area", "fsm"), ("segment",)),
)


def people(random: np.random.Generator, most_schools: int = 8, most_segments: int = 6) -> pd.DataFrame:
    """One row for each pupil: school, area, segment, fsm; schools of 20 to 319."""
    schools, segments = int(random.integers(2, most_schools + 1)), int(random.integers(2, most_segments + 1))
    areas = int(random.integers(2, 9))
    frames = []
    for school in range(schools):
        n = int(random.integers(20, 320))
        mix = random.dirichlet(np.full(segments, random.choice([0.3, 0.8, 2.0])))
        frames.append(
            pd.DataFrame(
                {
                    "school": f"90000{school}",
                    "area": [f"A{a}" for a in random.integers(0, areas, n)],
                    "segment": [f"S{s}" for s in random.choice(segments, n, p=mix)],
                    "fsm": np.where(random.uniform(size=n) < random.uniform(0.02, 0.4), "yes", "no"),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def counts(frame: pd.DataFrame, dims: tuple[str, ...]) -> pd.Series:
    """Pupils by every combination of these dimensions, zeros included."""
    found = frame.groupby(list(dims)).size().rename("count")
    if len(dims) == 1:
        return found
    every = pd.MultiIndex.from_product([sorted(frame[dim].unique()) for dim in dims], names=dims)
    return found.reindex(every, fill_value=0)


def release(random: np.random.Generator) -> tuple[list[RawTable], list[PublicTotals]]:
    """Up to four linked tables of one population, and the headcount of each school, which anyone may know."""
    frame = people(random)
    dims = SETS[int(random.integers(len(SETS)))]
    tables = [RawTable(" x ".join(d), counts(frame, d), attributes=_attributes(d)) for d in dims]
    return tables, [PublicTotals(("school",), counts(frame, ("school",)))]


def _attributes(dims: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(d for d in dims if d in ("segment", "fsm"))


def hide_and_print_totals(
    tables: list[RawTable], public: list[PublicTotals]
) -> tuple[list[PrintedTable], list[PublicTotals]]:
    """What many offices do: counts under 10 out, the others and the totals of every line exact."""
    printed, known = [], list(public)
    for table in tables:
        texts = tuple("c" if 0 < v < 10 else str(v) for v in table.counts)
        printed.append(PrintedTable(table.name, table.dims, tuple(table.cells), texts, round_to=1, small_group=0))
        if len(table.dims) > 1:
            known += [PublicTotals((dim,), table.counts.groupby(level=dim).sum()) for dim in table.dims]
    return printed, known


def truth(table: RawTable) -> dict[tuple[str, ...], int]:
    """Exact counts by cell."""
    return dict(zip(table.cells, table.counts.tolist(), strict=True))


def possible_values(printed: PrintedTable, public: list[PublicTotals], most: int = 12) -> dict[tuple, set[int]]:
    """The plain twin of the gate: every whole-number table that fits one printed table is written out."""
    options = []
    for cell, text in zip(printed.cells, printed.shown, strict=True):
        if text == "c":
            options.append(range(0 if _small_line(printed, cell, public) else 1, most + 1))
        else:
            low, high = admits(text, printed.hide_below, printed.round_to)
            options.append(range(int(low), int(high) + 1))
    found: dict[tuple, set[int]] = {
        cell: set() for cell, t in zip(printed.cells, printed.shown, strict=True) if t == "c"
    }
    for values in itertools.product(*options):
        if all(_fits(printed, values, totals) for totals in public):
            for cell, value in zip(printed.cells, values, strict=True):
                if cell in found:
                    found[cell].add(value)
    return found


def _fits(printed: PrintedTable, values: tuple[int, ...], totals: PublicTotals) -> bool:
    at = [printed.dims.index(dim) for dim in totals.dims]
    sums: dict[tuple, int] = {}
    for cell, value in zip(printed.cells, values, strict=True):
        key = tuple(cell[i] for i in at)
        sums[key] = sums.get(key, 0) + value
    return all(sums.get(key, 0) == value for key, value in totals.items())


def _small_line(printed: PrintedTable, cell: tuple[str, ...], public: list[PublicTotals]) -> bool:
    for i, _ in enumerate(printed.dims):
        kept = tuple(dim for j, dim in enumerate(printed.dims) if j != i)
        line = [
            t
            for c, t in zip(printed.cells, printed.shown, strict=True)
            if c[:i] + c[i + 1 :] == cell[:i] + cell[i + 1 :]
        ]
        sizes = {key: value for totals in public if totals.dims == kept for key, value in totals.items()}
        key = cell[:i] + cell[i + 1 :]
        if key in sizes:
            small = sizes[key] < printed.small_group
        else:
            small = "0" not in line and sum(int(t) for t in line if t != "c") <= printed.small_group
        if small and (not printed.attributes or printed.dims[i] in printed.attributes):
            return True
    return False


def tracker(
    steps: int, exact: bool, pupils: int = 0, seed: int = 0
) -> tuple[list[PrintedTable], list[Nesting], PublicTotals]:
    """Nested catchments one block apart, with FSM of each catchment; blocks of 25 to 59 pupils, or of ``pupils``."""
    random = np.random.default_rng(seed)
    size = random.integers(25, 60, steps) if not pupils else np.full(steps, pupils)
    fsm = random.binomial(size, random.beta(1.2, 5, steps))
    blocks = [f"b{i:03}" for i in range(steps)]
    printed, nested = [], []
    for k in range(1, steps + 1):
        option = f"option{k:03}"
        nested.append(Nesting("block", option, {b: "in" if i < k else "out" for i, b in enumerate(blocks)}))
        values = (int(fsm[:k].sum()), int((size[:k] - fsm[:k]).sum()))
        texts = tuple(str(v) if exact else "c" if 0 < v < 10 else str(5 * int(v / 5 + 0.5)) for v in values)
        cells, rule = (("in", "yes"), ("in", "no")), (1, 1) if exact else (10, 5)
        printed.append(
            PrintedTable(
                f"t{k}",
                (option, "fsm"),
                cells,
                texts,
                hide_below=rule[0],
                round_to=rule[1],
                small_group=0 if exact else 20,
                attributes=("fsm",),
                complete=False,
            )
        )
    return printed, nested, PublicTotals(("block",), pd.Series(size, index=blocks))
