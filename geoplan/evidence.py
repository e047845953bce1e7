"""What printed numbers say: each text as the counts it admits, tables and public figures as sums of one population.

It sees what an outsider does: texts ("15", "c"), the thresholds printed beside them, figures that are public anyway,
and what was published before. Every printed number is turned into what it admits ("15" into 13 to 17, "c" into 1 or
more, for ``c`` also marks numbers hidden to protect others), and every table into sums over every other table of the
same population. :mod:`geoplan.gate` attacks them.

Where the tables hang together without a cycle (area x segment and school x segment do), their shared margins
are all there is to know: whole-number tables that agree on their margins then always come from one table of
people (Vorob'ev 1962, Theory Prob. Appl. 7:147; Atserias and Kolaitis 2021, PODS, for whole numbers). For
cycles (a x b, b x c, a x c) the joint table is added if it is not too large, else ``GateResult.whole`` is False.
Cells that a printed zero rules out are left out of it, and where a table lists some groups only (the homes of one
school), so does the joint table: everybody else is what the other tables leave, and adds no sum of its own.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from geoplan.reduction import Contradiction

SMALL = 10  # counts below this that nobody printed are attacked too
ENOUGH = 5  # a protected count must have at least this many possible values
NO_NUMBER = ("c", "low", "z", "x", "")
PUBLIC_FIGURE = "(public figure)"
MOST_JOINT = 20_000
FAR = 1e7  # stands for "no limit": more people than any authority has
TOLERANCE = 1e-6

Cell = tuple[str, ...]


@dataclass(frozen=True)
class PrintedTable:
    """A table as a reader sees it: texts, and the rule printed beside them.

    Parameters
    ----------
    name
        The table's name.
    dims
        Its dimensions.
    cells, shown
        The code of each cell and the text printed in it: digits, ``c`` for hidden. A cell not listed is zero.
    population
        Tables of one population are about the same people.
    hide_below, round_to
        The thresholds of each cell (one number, or one for each cell).
    small_group
        In a group under this, none and all are hidden too, so that ``c`` may stand for zero; 0 for never.
    attributes
        The dimensions along which groups are taken; all if empty.
    parts
        The name of the table whose printed parts this one adds up, or :data:`PUBLIC_FIGURE`; empty if the
        table was rounded by itself. What adds up printed parts tells nothing new, and is checked to be that.
    complete
        False if a group not listed is unknown rather than zero. The categories of the ``attributes`` that are
        listed are all there are, all the same.
    """

    name: str
    dims: tuple[str, ...]
    cells: tuple[Cell, ...]
    shown: tuple[str, ...]
    population: str = ""
    hide_below: int | tuple[int, ...] = 10
    round_to: int | tuple[int, ...] = 5
    small_group: int = 20
    attributes: tuple[str, ...] = ()
    parts: str = ""
    complete: bool = True

    def __post_init__(self):
        if len(self.cells) != len(self.shown):
            raise ValueError(f"{self.name}: {len(self.cells)} cells and {len(self.shown)} texts")


@dataclass(frozen=True)
class PrintedShares:
    """Percentages as printed, of the cells of a printed table.

    Parameters
    ----------
    name
        The name.
    of
        The name of the table with the counts.
    within
        The dimensions that make a group: shares add up to 100 within each.
    cells, shown
        Cells of that table, and the text of each: "12.5" or "12.5%"; ``c`` or empty for none.
    rounded
        True if worked out from the rounded counts, False if from exact ones.
    """

    name: str
    of: str
    within: tuple[str, ...]
    cells: tuple[Cell, ...]
    shown: tuple[str, ...]
    rounded: bool = True


@dataclass(frozen=True)
class PublicTotals:
    """Sums that anyone can look up (the headcount of each school), exact.

    Examples
    --------
    >>> PublicTotals(("school",), pd.Series({"900001": 212}), source="school census").source
    'school census'
    """

    dims: tuple[str, ...]
    values: pd.Series
    population: str = ""
    source: str = ""

    def items(self) -> list[tuple[Cell, int]]:
        """Cell and figure, cells as tuples of text."""
        dims = self.dims
        if not dims:
            return [((), int(self.values.iloc[0]))]
        keys = [tuple(map(str, key)) if isinstance(key, tuple) else (str(key),) for key in self.values.index]
        return list(zip(keys, (int(value) for value in self.values), strict=True))


@dataclass(frozen=True)
class Nesting:
    """Areas made of smaller ones: each code of ``fine`` lies in one of ``coarse``.

    Catchment options, wards over LSOAs and earlier plans are all nestings; two options over the same blocks
    are attacked together.

    ``asked`` is False where the finest groups only say how the coarse ones lie in each other (what came of one
    application), and are none that anybody printed or looks for: they are worked with, not attacked themselves.
    """

    fine: str
    coarse: str
    lookup: Mapping[str, str]
    asked: bool = True


# --- what one text admits -------------------------------------------------------------------------------


def admits(text: str, hide_below: int, round_to: int) -> tuple[float, float]:
    """The least and greatest count that a printed number may stand for.

    Examples
    --------
    >>> admits("15", 10, 5), admits("10", 10, 5), admits("0", 10, 5), admits("7", 5, 1)
    ((13, 17), (10, 12), (0, 0), (7, 7))
    """
    value = int(text.replace(",", ""))
    low, high = math.ceil(value - round_to / 2), math.ceil(value + round_to / 2) - 1
    if low < hide_below:
        # from 1 to hide_below - 1 would have been hidden
        if high >= hide_below:
            low = 0 if value == 0 else hide_below
        elif value == 0:
            low = high = 0
        else:
            raise ValueError(f"{text} cannot be printed by a rule that hides below {hide_below}")
    return max(low, 0), high


def _each(value: int | tuple[int, ...], n: int) -> np.ndarray:
    return np.full(n, value) if isinstance(value, int) else np.asarray(value)


def _zero_possible(table: PrintedTable, public: Sequence[PublicTotals], small: np.ndarray) -> np.ndarray:
    """For each cell, whether ``c`` may stand for zero: only in a group that may be under ``small_group``."""
    n = len(table.cells)
    possible = np.zeros(n, dtype=bool)
    if not table.small_group:
        return possible
    zero = np.array([text == "0" for text in table.shown], dtype=bool)
    value = np.array([int(t.replace(",", "")) if _is_number(t) else 0 for t in table.shown])
    for along in table.attributes or table.dims:
        kept = tuple(dim for dim in table.dims if dim != along)
        groups: dict[Cell, list[int]] = {}
        for i, cell in enumerate(table.cells):
            groups.setdefault(tuple(v for dim, v in zip(table.dims, cell, strict=True) if dim != along), []).append(i)
        sizes = _public_sizes(kept, public)
        for group, members in groups.items():
            if group in sizes:
                under = sizes[group] < table.small_group
            else:
                # a zero shown says that the group is not small, and so does a larger printed sum
                under = not zero[members].any() and value[members].sum() <= table.small_group
            if under:
                possible[members] = True
    return possible & small


def _public_sizes(dims: tuple[str, ...], public: Sequence[PublicTotals]) -> dict[Cell, int]:
    for totals in public:
        if sorted(totals.dims) == sorted(dims):
            order = [totals.dims.index(dim) for dim in dims]
            return {tuple(cell[i] for i in order): value for cell, value in totals.items()}
    return {}


def _is_number(text: str) -> bool:
    return text not in NO_NUMBER


# --- the sums -------------------------------------------------------------------------------------------


@dataclass
class System:
    """Whole numbers between ``low`` and ``high`` with ``matrix @ x == 0``, and the counts to be attacked."""

    matrix: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray
    public_low: np.ndarray
    public_high: np.ndarray
    whole_number: np.ndarray
    targets: dict[int, tuple[tuple[str, Cell], int]]  # variable to label and threshold
    whole: bool


class _Builder:
    """Nodes (sets of dimensions) with their cells, and sums from finer to coarser nodes."""

    def __init__(self, nested: Sequence[Nesting]):
        self.up = {nesting.coarse: nesting for nesting in nested}
        self.cells: dict[tuple[str, ...], dict[Cell, int]] = {}
        self.complete: dict[tuple[str, ...], bool] = {}
        # the dimensions of which all categories are listed, in each group that is listed
        self.closed: dict[tuple[str, ...], frozenset[str]] = {}
        self.count = 0
        self._maps: dict[tuple[str, ...], Any] = {}

    def add(
        self, node: tuple[str, ...], cells: Iterable[Cell], complete: bool, closed: frozenset[str] = frozenset()
    ) -> None:
        have = self.cells.setdefault(node, {})
        for cell in cells:
            if cell not in have:
                have[cell] = self.count
                self.count += 1
        self.complete[node] = self.complete.get(node, False) or complete
        self.closed[node] = self.closed.get(node, closed) & closed

    def root(self, dim: str) -> str:
        """The finest dimension that this one is made of."""
        while dim in self.up:
            dim = self.up[dim].fine
        return dim

    def above(self, dim: str) -> frozenset[str]:
        """The dimension and all that are made of it."""
        found, grew = {dim}, True
        while grew:
            more = {coarse for coarse, nesting in self.up.items() if nesting.fine in found} - found
            found |= more
            grew = bool(more)
        return frozenset(found)

    def to(self, fine: str, coarse: str) -> dict[str, str] | None:
        """Code of ``fine`` to code of ``coarse``; None if they are the same."""
        if fine == coarse:
            return None
        if (fine, coarse) not in self._maps:
            nesting = self.up[coarse]
            step = {str(a): str(b) for a, b in nesting.lookup.items()}
            below = self.to(fine, nesting.fine)
            self._maps[fine, coarse] = step if below is None else {a: step[b] for a, b in below.items() if b in step}
        return self._maps[fine, coarse]

    def coarsen(self, node: tuple[str, ...], to: tuple[str, ...]) -> list[Cell]:
        """The cell of ``to`` that each cell of ``node`` lies in."""
        cells = list(self.cells[node])
        if not to:
            return [()] * len(cells)
        columns = []
        for dim in to:
            at = next(i for i, fine in enumerate(node) if dim in self.above_cached(fine))
            look = self.to(node[at], dim)
            columns.append([cell[at] if look is None else look.get(cell[at], "") for cell in cells])
        return list(zip(*columns, strict=True))

    def size(self, node: tuple[str, ...], coarse: tuple[str, ...], cell: Cell) -> int:
        """How many finer cells a coarse one has, where each dimension is the same or made of another; else -1."""
        if len(node) != len(coarse):
            return -1
        size = 1
        for dim, code in zip(coarse, cell, strict=True):
            fine = next((fine for fine in node if dim in self.above_cached(fine)), None)
            if fine is None:
                return -1
            if fine != dim:
                size *= len(self.members(fine, dim).get(code, ()))
        return size

    def drops_closed(self, node: tuple[str, ...], coarse: tuple[str, ...]) -> bool:
        """Whether the coarse node leaves out nothing but dimensions of which all categories are listed."""
        return set(coarse) <= set(node) and set(node) - set(coarse) <= self.closed[node]

    def members(self, fine: str, coarse: str) -> dict[str, list[str]]:
        """Codes of ``fine`` by code of ``coarse``."""
        key = ("members", fine, coarse)
        if key not in self._maps:
            found: dict[str, list[str]] = {}
            for a, b in self.to(fine, coarse).items():
                found.setdefault(b, []).append(a)
            self._maps[key] = found
        return self._maps[key]

    def above_cached(self, dim: str) -> frozenset[str]:
        key = ("above", dim)
        if key not in self._maps:
            self._maps[key] = self.above(dim)
        return self._maps[key]

    def derivable(self, node: tuple[str, ...]) -> frozenset[str]:
        return frozenset().union(*(self.above_cached(dim) for dim in node)) if node else frozenset()


def _canonical(dims: Sequence[str], cell: Cell) -> Cell:
    return tuple(cell[i] for i in sorted(range(len(dims)), key=lambda i: dims[i]))


def _canonical_cells(table: PrintedTable) -> Sequence[Cell]:
    """All cells of a table as :func:`_canonical` has them."""
    order = sorted(range(len(table.dims)), key=lambda i: table.dims[i])
    if order == list(range(len(order))):
        return table.cells
    return [tuple(cell[i] for i in order) for cell in table.cells]


@dataclass(frozen=True)
class _Structure:
    """The sums of one population, whatever is printed in their cells, and what they were made from."""

    made_from: tuple
    build: _Builder
    matrix: sparse.csr_matrix
    unprinted: tuple[tuple[str, ...], ...]  # sums that nobody printed, which are attacked too
    whole: bool

    def fits(self, made_from: tuple) -> bool:
        tables, zeros, *given = made_from
        mine, my_zeros, *my_given = self.made_from
        return (
            tables == mine
            and zeros == my_zeros
            and all(
                len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))
                for a, b in zip(given, my_given, strict=True)
            )
        )


def structure_of(
    tables: list[PrintedTable], public: list[PublicTotals], nested: Sequence[Nesting], kept: Iterable[_Structure]
) -> _Structure:
    """How the cells of one population hang together, made anew unless one that was kept fits."""
    shapes = [(table.dims, table.cells, table.complete, table.attributes) for table in tables]
    zeros = {
        (tuple(sorted(table.dims)), cell)
        for table in tables
        for cell, text in zip(_canonical_cells(table), table.shown, strict=True)
        if text == "0" and not table.parts
    }
    made_from = (shapes, zeros, tuple(public), tuple(nested))
    for structure in kept:
        if structure.fits(made_from):
            return structure
    build = _Builder(nested)
    for table in tables:
        node = tuple(sorted(table.dims))
        build.add(node, _canonical_cells(table), table.complete, frozenset(table.attributes))
    printed_nodes = set(build.cells)
    refined = _refine(build)
    for totals in public:
        node = tuple(sorted(totals.dims))
        build.add(node, (_canonical(totals.dims, cell) for cell, _ in totals.items()), False)
    whole = _join_cycles(build, printed_nodes, zeros)
    _meet(build)
    rows, cols, values, extra = _relations(build)
    matrix = sparse.csr_matrix((values, (rows, cols)), shape=((max(rows) + 1) if rows else 0, build.count + extra))
    silent = {nesting.fine for nesting in nested if not nesting.asked}
    unprinted = sorted(
        node for node in (refined | _meets_of(build, printed_nodes)) - printed_nodes if silent.isdisjoint(node)
    )
    return _Structure(made_from, build, matrix, tuple(unprinted), whole)


def system_of(
    structure: _Structure,
    tables: list[PrintedTable],
    public: list[PublicTotals],
    shares: list[PrintedShares],
    told: Mapping[str, set],
    at_most: Mapping[str, Mapping[Cell, int]],
) -> System:
    """The sums with what the texts say: bounds of every cell, and the counts to be attacked."""
    build, sums = structure.build, structure.matrix
    n = sums.shape[1]
    low, high = np.zeros(n), np.full(n, FAR)
    public_low, public_high = low.copy(), high.copy()
    for totals in public:
        node = tuple(sorted(totals.dims))
        for cell, value in totals.items():
            at = build.cells[node][_canonical(totals.dims, cell)]
            low[at] = high[at] = public_low[at] = public_high[at] = value
    targets: dict[int, tuple[tuple[str, Cell], int]] = {}
    by_name = {table.name: table for table in tables}
    for table in tables:
        _evidence(build, table, by_name, public, told.get(table.name, ()), low, high, targets)
        for cell, most in at_most.get(table.name, {}).items():
            at = build.cells[tuple(sorted(table.dims))][_canonical(table.dims, cell)]
            high[at] = min(high[at], most)
    limit = max(SMALL, *(int(_each(table.hide_below, 1).max()) for table in tables))
    for node in structure.unprinted:
        for cell, at in build.cells[node].items():
            if public_low[at] < public_high[at]:  # not a public figure itself
                targets.setdefault(at, ((f"(not printed) by {', '.join(node) or 'nothing'}", cell), limit))
    whole_number = np.ones(n, dtype=bool)
    matrix, low, high, whole_number = _add_shares(build, by_name, shares, sums, low, high, whole_number)
    padding = len(low) - n
    public_low = np.concatenate([public_low, np.zeros(padding)])
    public_high = np.concatenate([public_high, np.full(padding, FAR)])
    system = System(matrix, low, high, public_low, public_high, whole_number, targets, structure.whole)
    system.low, system.high = propagate(matrix, low, high, whole_number)
    if (system.low > system.high).any():
        raise Contradiction
    system.public_low[:n], system.public_high[:n] = propagate(sums, public_low[:n], public_high[:n], whole_number[:n])
    return system


def _refine(build: _Builder) -> set[tuple[str, ...]]:
    """Add the cells of the finest areas under each table of coarser ones."""
    added = set()
    for node in list(build.cells):
        if not any(dim in build.up for dim in node):
            continue
        fine = tuple(sorted(build.root(dim) for dim in node))
        if len(set(fine)) != len(fine):
            raise ValueError(f"two dimensions of {', '.join(node)} are made of the same areas")
        if fine in build.complete and build.complete[fine] and fine not in added:
            continue  # a complete table of the finest areas is printed: what it leaves out is zero
        under = []
        for dim in node:
            root = build.root(dim)
            under.append(None if root == dim else build.members(root, dim))
        order = sorted(range(len(node)), key=lambda i: build.root(node[i]))
        cells = []
        for cell in build.cells[node]:
            options: list[tuple[str, ...]] = [()]
            for i in order:
                choice = [cell[i]] if under[i] is None else under[i].get(cell[i], [])
                options = [(*option, value) for option in options for value in choice]
            cells += options
        build.add(fine, cells, build.complete[node], build.closed[node])
        added.add(fine)
    return added


def _meet(build: _Builder) -> None:
    """Add the sums that any two nodes share, as far as their parts are listed."""
    nodes = list(build.cells)
    derivable = {node: build.derivable(node) for node in nodes}
    bit = {dim: 1 << i for i, dim in enumerate(sorted(frozenset().union(*derivable.values()), key=str))}
    mask = {node: sum(bit[dim] for dim in derivable[node]) for node in nodes}
    masks = sorted(set(mask.values()))
    wanted = {()}
    for common in {a & b for i, a in enumerate(masks) for b in masks[: i + 1]}:
        dims = {dim for dim in bit if bit[dim] & common}
        if len(dims) > 1:
            dims = {d for d in dims if not any(d != e and d in build.above_cached(e) for e in dims)}
        wanted.add(tuple(sorted(dims)))
    for node in sorted(wanted):
        if node in build.cells and build.complete[node]:
            continue
        needed = sum(bit[dim] for dim in node)
        for finer in nodes:
            if finer == node or needed & ~mask[finer]:
                continue
            cells = Counter(build.coarsen(finer, node))
            if not build.complete[finer] and not build.drops_closed(finer, node):
                cells = [cell for cell, parts in cells.items() if build.size(finer, node, cell) == parts]
            build.add(node, cells, build.complete[finer], build.closed[finer] & set(node))


def _meets_of(build: _Builder, printed: set) -> set[tuple[str, ...]]:
    """Nodes that are coarser than a printed table."""
    return {node for node in build.cells if any(set(node) <= build.derivable(p) for p in printed)}


def _join_cycles(build: _Builder, printed: set, zeros: set) -> bool:
    """Add the joint table where printed tables hang together in a cycle; False if that would be too large."""
    edges = {frozenset(build.root(dim) for dim in node) for node in printed}
    reduced = True
    while reduced:  # Graham's reduction: empty at the end if and only if there is no cycle
        reduced = False
        for edge in sorted(edges, key=sorted):
            others = edges - {edge}
            shared = frozenset(dim for dim in edge if any(dim in other for other in others))
            if any(shared <= other for other in others) or not shared:
                edges = others
                reduced = True
                break
            if shared != edge:
                edges = others | {shared}
                reduced = True
                break
    if not edges:
        return True
    core = [node for node in build.cells if frozenset(node) in edges]
    if len(core) != len(edges):
        core = [n for n in build.cells if any(edge <= frozenset(n) for edge in edges)]
    partial = [node for node in core if not build.complete[node]]
    # tables of some schools only, all of each: everybody else is what is left
    unlisted = {frozenset(node) - build.closed[node] for node in partial}
    if len(unlisted) > 1:
        return False
    joint: pd.DataFrame | None = None
    for node in sorted(core, key=lambda node: (build.complete[node], node)):
        frame = pd.DataFrame([c for c in build.cells[node] if (node, c) not in zeros], columns=list(node), dtype=object)
        common = [] if joint is None else [dim for dim in node if dim in joint]
        if joint is not None and len(joint) * len(frame) > 200 * MOST_JOINT and not common:
            return False
        joint = frame if joint is None else joint.merge(frame, how="inner" if common else "cross", on=common or None)
        if len(joint) > 20 * MOST_JOINT:
            return False
    if len(joint) > MOST_JOINT:
        return False
    dims = tuple(sorted(joint.columns))
    closed = frozenset(dims).difference(*unlisted) if partial else frozenset()
    build.add(dims, joint[list(dims)].itertuples(index=False, name=None), not partial, closed)
    return True


def _relations(build: _Builder) -> tuple[list, list, list, int]:
    """Each coarse cell is the sum of its fine cells, for each finest step between nodes."""
    nodes = list(build.cells)
    derivable = [build.derivable(node) for node in nodes]
    bit = {dim: 1 << i for i, dim in enumerate(sorted(frozenset().union(*derivable)))}
    mask = [sum(bit[dim] for dim in each) for each in derivable]
    need = [sum(bit[dim] for dim in node) for node in nodes]
    finer = np.array([[not b & ~a for b in need] for a in mask], dtype=np.float32).reshape(len(nodes), len(nodes))
    np.fill_diagonal(finer, 0)
    direct = (finer > 0) & ~((finer @ finer) > 0)
    rows, cols, values = [], [], []
    row, extra = 0, 0
    for i, node in enumerate(nodes):
        sums: list[tuple[int | None, list[int], bool]] = []  # total, parts, whether the parts are all
        for j in np.flatnonzero(direct[i]):
            coarse = nodes[j]
            closed = build.drops_closed(node, coarse)
            have = build.cells[coarse]
            members: dict[Cell, list[int]] = {cell: [] for cell in have}
            for target, at in zip(build.coarsen(node, coarse), build.cells[node].values(), strict=True):
                if target in members or build.complete[coarse]:
                    members.setdefault(target, []).append(at)
            for cell, fine in members.items():
                # there may be parts that are not listed
                listed = build.complete[node] or (closed and bool(fine)) or cell not in have
                sums.append((have.get(cell), fine, listed or build.size(node, coarse, cell) == len(fine)))
        recent: deque[tuple[int, frozenset[int]]] = deque(maxlen=8)  # the last sums written, as (sum, parts)
        for total, fine, listed in sorted(sums, key=lambda each: len(each[1])):
            entries = _sum_row(total, fine, recent)
            if not listed:
                entries[build.count + extra] = 1.0
                extra += 1
            elif total is not None:
                recent.append((total, frozenset(fine)))
            rows += [row] * len(entries)
            cols += entries.keys()
            values += entries.values()
            row += 1
    return rows, cols, values, extra


def _sum_row(total: int | None, parts: list[int], recent: Iterable[tuple[int, frozenset[int]]]) -> dict[int, float]:
    """The entries of "parts add up to the total", or of the shorter "it differs from another sum by these parts"."""
    mine = frozenset(parts)
    entries = dict.fromkeys(parts, 1.0)
    if total is not None and len(parts) > 2:
        other, theirs = min(recent, key=lambda known: len(known[1] ^ mine), default=(None, frozenset()))
        if other is not None and len(theirs ^ mine) + 1 < len(parts):
            entries = (
                dict.fromkeys(sorted(mine - theirs), 1.0) | dict.fromkeys(sorted(theirs - mine), -1.0) | {other: 1.0}
            )
    return entries if total is None else entries | {total: -1.0}


def _evidence(build, table: PrintedTable, by_name, public, told, low, high, targets) -> None:
    """Narrow the bounds by every printed text of a table, and list its hidden cells."""
    node = build.cells[tuple(sorted(table.dims))]
    n = len(table.cells)
    hide_below, round_to = _each(table.hide_below, n), _each(table.round_to, n)
    hidden = np.array([text == "c" for text in table.shown], dtype=bool)
    zero = _zero_possible(table, public, hidden)
    if table.parts and table.parts != PUBLIC_FIGURE:
        _check_parts(build, table, by_name)
    places = [node[cell] for cell in _canonical_cells(table)]
    for i, (cell, text, at) in enumerate(zip(table.cells, table.shown, places, strict=True)):
        if hidden[i]:
            if not table.parts:
                low[at] = max(low[at], 0 if zero[i] else 1)
            if cell in told:
                high[at] = min(high[at], hide_below[i] - 1)
            if hide_below[i] > 1:
                targets[at] = ((table.name, cell), int(hide_below[i]))
        elif _is_number(text):
            if table.parts == PUBLIC_FIGURE:
                least = most = int(text.replace(",", ""))
            elif table.parts:
                continue
            else:
                least, most = admits(text, int(hide_below[i]), int(round_to[i]))
            low[at], high[at] = max(low[at], least), min(high[at], most)


def _check_parts(build: _Builder, table: PrintedTable, by_name: Mapping[str, PrintedTable]) -> None:
    """A table of sums must be the sums of the printed parts, or it says more than it claims."""
    parts = by_name.get(table.parts)
    if parts is None or parts.parts:
        raise ValueError(f"{table.name}: says it adds up {table.parts}, which is not printed in its own right")
    node = tuple(sorted(parts.dims))
    lies_in = dict(zip(build.cells[node], build.coarsen(node, table.dims), strict=True))
    sums: dict[Cell, int] = {}
    some_hidden: set[Cell] = set()
    for cell, text in zip(parts.cells, parts.shown, strict=True):
        key = lies_in[_canonical(parts.dims, cell)]
        sums[key] = sums.get(key, 0) + (int(text.replace(",", "")) if _is_number(text) else 0)
        if text == "c":
            some_hidden.add(key)
    for cell, text in zip(table.cells, table.shown, strict=True):
        total = sums.get(cell, 0)
        expected = "c" if total == 0 and cell in some_hidden else str(total)
        if text.replace(",", "") != expected:
            raise ValueError(f"{table.name}: {', '.join(cell)} is not the sum of the printed parts of {table.parts}")


def _add_shares(build, by_name, shares, matrix, low, high, whole_number):
    """What printed percentages say about the counts."""
    blocks, extra = [], 0
    n = len(low)
    for share in shares:
        table = by_name[share.of]
        node = build.cells[tuple(sorted(table.dims))]
        keep = [table.dims.index(dim) for dim in share.within]
        step = dict(zip(table.cells, _each(table.round_to, len(table.cells)), strict=True))
        groups: dict[Cell, list[Cell]] = {}
        for cell in table.cells:
            groups.setdefault(tuple(cell[i] for i in keep), []).append(cell)
        texts = dict(zip(table.cells, table.shown, strict=True))
        for cell, text in zip(share.cells, share.shown, strict=True):
            if not _is_number(text):
                continue
            digits = text.rstrip("%").strip()
            decimals = len(digits.partition(".")[2])
            p, half = float(digits) / 100, 0.5 * 10.0**-decimals / 100 + 1e-12
            group = groups[tuple(cell[i] for i in keep)]
            at = node[_canonical(table.dims, cell)]
            if share.rounded:
                base = sum(int(texts[c].replace(",", "")) for c in group if _is_number(texts[c]))
                r = int(step[cell])
                least = math.ceil((p - half) * base / r - TOLERANCE) * r
                most = math.floor((p + half) * base / r + TOLERANCE) * r
                low[at] = max(low[at], math.ceil(least - r / 2))
                high[at] = min(high[at], math.ceil(most + r / 2) - 1)
                continue
            members = [node[_canonical(table.dims, c)] for c in group]
            for sign, q in ((1.0, p - half), (-1.0, p + half)):
                row = dict.fromkeys(members, -sign * q)
                row[at] = row[at] + sign
                row[n + extra] = -1.0
                extra += 1
                blocks.append(row)
    if not blocks:
        return matrix, low, high, whole_number
    rows = [i for i, row in enumerate(blocks) for _ in row]
    more = sparse.csr_matrix(
        ([v for row in blocks for v in row.values()], (rows, [c for row in blocks for c in row])),
        shape=(len(blocks), n + extra),
    )
    matrix = sparse.vstack([sparse.hstack([matrix, sparse.csr_matrix((matrix.shape[0], extra))]), more]).tocsr()
    return (
        matrix,
        np.concatenate([low, np.zeros(extra)]),
        np.concatenate([high, np.full(extra, FAR)]),
        np.concatenate([whole_number, np.zeros(extra, dtype=bool)]),
    )


# --- bounds ---------------------------------------------------------------------------------------------


def propagate(
    matrix: sparse.csr_matrix, low: np.ndarray, high: np.ndarray, whole_number: np.ndarray, rounds: int = 1_000
) -> tuple[np.ndarray, np.ndarray]:
    """Pass bounds along the sums until nothing moves: outer bounds, valid but not always the closest."""
    low, high = low.copy(), high.copy()
    if not matrix.shape[0]:
        return low, high
    entries = matrix.tocoo()
    row, col, a = entries.row, entries.col, entries.data
    size = matrix.shape[0]
    for _ in range(rounds):
        least = np.where(a > 0, a * low[col], a * high[col])
        most = np.where(a > 0, a * high[col], a * low[col])
        row_least = np.bincount(row, least, size)
        row_most = np.bincount(row, most, size)
        # a x_j = -(the others), which lies between these
        up, down = -(row_least[row] - least), -(row_most[row] - most)
        with np.errstate(invalid="ignore"):
            new_high = np.where(a > 0, up / a, down / a)
            new_low = np.where(a > 0, down / a, up / a)
        best_low, best_high = low.copy(), high.copy()
        np.maximum.at(best_low, col, new_low)
        np.minimum.at(best_high, col, new_high)
        best_low = np.where(whole_number, np.ceil(best_low - TOLERANCE), best_low)
        best_high = np.where(whole_number, np.floor(best_high + TOLERANCE), best_high)
        moved = (best_low > low + TOLERANCE) | (best_high < high - TOLERANCE)
        low, high = best_low, best_high
        if not moved.any() or (low > high).any():
            break
    return low, high
