"""Second hiding: which numbers must go with the small ones, so that sums do not give those back.

The tables of a release are protected together. First the small counts are hidden and the rest rounded.
Totals are printed as the sums of their printed parts, or as the public figure. Then :mod:`geoplan.gate`
attacks the result as an outsider would; for each count that it pins down, a linear programme finds the
cheapest change of printed numbers that would let the count be anything from 1 up to the threshold, and the
numbers it changes are hidden (cost: log(1 + number), ties by the name of the cell). The gate then attacks
again, and has the last word: more is hidden, categories are merged by the caller's ``coarsen``, or the
release is refused.

What is hidden second follows from what the first hiding left in print and from public figures alone, never
from the hidden counts, so the choice itself gives nothing away; and it is made against an attacker who was
told which cells are small, where that is possible at all.

References: Fischetti and Salazar (2001), Management Science 47:1008 (the problem); Kelly, Golden and Assad
(1992), Networks 22:397 (the linear programme as a heuristic).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from geoplan.disclosure import HIDDEN, OWN_HIDE_BELOW, OWN_ROUND_TO, PUBLIC, Protected, Rule
from geoplan.errors import DisclosureRefused
from geoplan.evidence import PUBLIC_FIGURE, Nesting, PrintedTable, PublicTotals
from geoplan.gate import GateResult, attack
from geoplan.reduction import Contradiction
from geoplan.tables import RawTable

SCHOOL = "school"
MOST_ROUNDS = 25
_FAR = 1e6
_SHORT = 1e4  # cost of falling short of the wanted value by one
_SMALL_PROGRAMME = 2_000  # numbers; solved whole
_FEW = 60  # numbers in a sum of few
_TAKING_UP = 6  # numbers that take up what is left over in each sum of many
_CHEAPER, _NEAR = 1e-7, 1e-9

Cell = tuple[str, ...]
Label = tuple[str, Cell]
Coarsen = Callable[[Sequence[RawTable], Sequence[Label]], "Sequence[RawTable] | None"]


@dataclass(frozen=True, eq=False)
class ProtectedTable:
    """A table as it may be shown, with what the gate said of the release it is part of.

    Parameters
    ----------
    name, dims, noun, population
        As of the raw table.
    shown
        The printed numbers, missing where hidden.
    hidden
        True where a number was taken away, first or second.
    rule
        The rule applied.
    printed
        The texts, as the gate read them.
    gate
        The verdict on the whole release; None for exact tables inside the office.
    """

    name: str
    dims: tuple[str, ...]
    shown: pd.Series
    hidden: pd.Series
    rule: Rule
    printed: PrintedTable
    noun: str = "pupils"
    population: str = ""
    gate: GateResult | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.shown)

    def to_protected(self, column: str = "count") -> Protected:
        """The table for pages and writers: one row for each cell."""
        shown, hidden = self.shown.rename(column).to_frame(), self.hidden.rename(column).to_frame()
        return Protected(shown, hidden, self.rule, self.noun, printed=(self.printed,))

    def unstack(self, dim: str) -> Protected:
        """The table for pages and writers: a column for each value of ``dim``; cells not listed are zero."""
        shown, hidden = self.shown.unstack(dim, fill_value=0.0), self.hidden.unstack(dim, fill_value=False)
        return Protected(shown, hidden, self.rule, self.noun, printed=(self.printed,))

    def shares(self, within: str | Sequence[str]) -> pd.Series:
        """Each count as a share of its group, from printed parts; none on a base under the rule's.

        Parameters
        ----------
        within
            The dimensions that make a group; shares add up to 1 within each where nothing is hidden.
        """
        keep = [within] if isinstance(within, str) else list(within)
        base = self.shown.groupby(level=keep).transform("sum")
        return (self.shown / base).where(base >= max(self.rule.min_base, 1)).rename("share")


def protect_tables(
    tables: Sequence[RawTable],
    rule: Rule = PUBLIC,
    public: Sequence[PublicTotals] = (),
    *,
    earlier: Sequence[PrintedTable] = (),
    nested: Sequence[Nesting] = (),
    totals: str = "parts",
    coarsen: Coarsen | None = None,
    patience: int = 0,
) -> tuple[ProtectedTable, ...]:
    """Protect the tables of one release together.

    Parameters
    ----------
    tables
        All tables of the release; those of one population share their margins. Zeros that a complete table leaves out
        are listed, so that they are hidden where others are.
    rule
        Of the audience, from :func:`geoplan.disclosure.rule_for`.
    public
        Sums that are public anyway; they must be the sums of these tables.
    earlier
        What was released before about the same people from the same data (see :mod:`geoplan.ledger`). What was
        hidden then stays hidden.
    nested
        Which areas lie in which, for tables by areas made of other areas.
    totals
        ``parts``: a table that adds up another prints sums of printed parts; ``rounded``: its own rounded counts.
    coarsen
        Called with the tables and the cells that cannot be protected; gives coarser tables, or None to refuse.
    patience
        After so many numbers hidden one by one that left no fewer in danger, refuse; 0 to go on as long as anything can
        be hidden. For tables that can be left out.

    Returns
    -------
    tuple of ProtectedTable
        In the order given.

    Raises
    ------
    DisclosureRefused
        If some count cannot be protected; the cells are named, never their counts. Also if the figures contradict
        what was released before about the same people: other records are another population.
    ValueError
        If a public figure is not the sum of these tables.

    Examples
    --------
    One number hidden in a row whose total is public would be found by subtraction; here two go:

    >>> counts = pd.Series({("a", "E"): 3, ("a", "G"): 40, ("b", "E"): 60, ("b", "G"): 25})
    >>> raw = RawTable("Who comes", counts.rename_axis(["school", "segment"]))
    >>> headcount = PublicTotals(("school",), pd.Series({"a": 43, "b": 85}))
    >>> protect_tables([raw], public=[headcount])[0].printed.shown
    ('c', 'c', '60', '25')
    """
    if totals not in ("parts", "rounded"):
        raise ValueError(f"totals are 'parts' or 'rounded', not {totals!r}")
    _check_public(tables, public, nested)
    if rule.exact:
        return tuple(_exact(table, rule) for table in tables)
    tables = [table.with_zeros() for table in tables]
    release = _first_hiding(tables, rule, public, earlier, nested, totals)
    try:
        release, result = _until_safe(release, patience)
        if result.passed and rule.own:
            release, result = _show_own(release, result)
    except Contradiction as error:
        if not earlier:
            raise
        raise DisclosureRefused(
            "these figures cannot be about the same people as what was released before; "
            "if the records have changed, give them a population name of their own",
            (),
        ) from error
    if not result.passed:
        coarser = coarsen(tables, result.offenders) if coarsen else None
        if coarser is None:
            count = len(result.offenders)
            raise DisclosureRefused(
                f"{count:,} small number{'s' if count > 1 else ''} could be worked out", result.offenders
            )
        return protect_tables(
            coarser, rule, public, earlier=earlier, nested=nested, totals=totals,
            coarsen=_once_more(coarsen, tables), patience=patience,
        )  # fmt: skip
    return tuple(_shown(release, k, printed, result) for k, printed in enumerate(_printed(release)))


def _once_more(coarsen: Coarsen, before: Sequence[RawTable]) -> Coarsen:
    """The same callback, which must make the tables smaller each time."""
    size = sum(map(len, before))

    def again(tables, offenders):
        return coarsen(tables, offenders) if sum(map(len, tables)) < size else None

    return again


# --- a release on its way -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Release:
    """Tables with the state of each cell: how it is rounded, whether it is hidden, where it is printed from."""

    tables: tuple[RawTable, ...]
    rule: Rule
    public: tuple[PublicTotals, ...]
    earlier: tuple[PrintedTable, ...]
    nested: tuple[Nesting, ...]
    parts: tuple[str, ...]  # for each table: "" or the table it adds up, or PUBLIC_FIGURE
    hidden: tuple[np.ndarray, ...]
    first: tuple[np.ndarray, ...]
    own: tuple[np.ndarray, ...]  # shown by the own school's rule

    def thresholds(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        own = self.own[k]
        return (
            np.where(own, OWN_HIDE_BELOW, self.rule.hide_below).astype(int),
            np.where(own, OWN_ROUND_TO, self.rule.round_to).astype(int),
        )

    def rounded(self, k: int) -> np.ndarray:
        counts, (_, step) = self.tables[k].counts.to_numpy(), self.thresholds(k)
        return (np.floor(counts / step + 0.5) * step).astype(int)

    def with_hidden(self, cells: Iterable[tuple[int, int]]) -> _Release:
        hidden = [h.copy() for h in self.hidden]
        for k, i in cells:
            hidden[k][i] = True
        return replace(self, hidden=tuple(hidden))


def _first_hiding(tables, rule, public, earlier, nested, totals) -> _Release:
    """Small counts, none and all of small groups, and what was hidden before."""
    parts = [_parts(k, tables, public, nested, totals) for k in range(len(tables))]
    hidden = []
    for table in tables:
        counts = table.counts.to_numpy()
        small = (counts > 0) & (counts < rule.hide_below)
        shown = np.where(small, 0, np.floor(counts / rule.round_to + 0.5) * rule.round_to)
        gone = small | _all_or_none(table, shown, rule, public) | _hidden_before(table, earlier)
        hidden.append(gone)
    nothing = tuple(np.zeros(len(table), dtype=bool) for table in tables)
    return _Release(
        tuple(tables),
        rule,
        tuple(public),
        tuple(earlier),
        tuple(nested),
        tuple(parts),
        tuple(hidden),
        tuple(hidden),
        nothing,
    )


def _parts(k: int, tables, public, nested, totals: str) -> str:
    """Where the numbers of a table are printed from."""
    table = tables[k]
    for figure in _of(public, table.population):
        if set(figure.dims) == set(table.dims) and {cell for cell, _ in _items(figure, table.dims)} >= set(table.cells):
            return PUBLIC_FIGURE
    if totals == "rounded":
        return ""
    finer = [
        other
        for other in tables
        if other is not table
        and other.population == table.population
        and other.complete
        and set(other.dims) != set(table.dims)
        and set(table.dims) <= _derivable(other.dims, nested)
    ]
    # those that add up others themselves do not count
    finer = [other for other in finer if not _parts(list(tables).index(other), tables, public, nested, totals)]
    return min(finer, key=lambda other: (len(other), other.name)).name if finer else ""


def _lines(table: RawTable, along: str) -> np.ndarray:
    """The number of the line (all other dimensions fixed) of each cell."""
    kept = [dim for dim in table.dims if dim != along]
    if not kept:
        return np.zeros(len(table), dtype=int)
    return table.counts.groupby(level=kept).ngroup().to_numpy()


def _all_or_none(table: RawTable, shown: np.ndarray, rule: Rule, public) -> np.ndarray:
    """Zero, and all, in a group that is small by its public size or, where that is not known, by what is printed."""
    counts = table.counts.to_numpy()
    gone = np.zeros(len(table), dtype=bool)
    cells = table.cells
    for along in table.attributes or table.dims:
        kept = tuple(dim for dim in table.dims if dim != along)
        sizes = {}
        for figure in _of(public, table.population):
            if set(figure.dims) == set(kept):
                sizes = dict(_items(figure, kept))
        line = _lines(table, along)
        size = np.bincount(line, shown)[line] if len(line) else np.zeros(0)
        small = size <= rule.min_base
        if sizes:
            at = [table.dims.index(dim) for dim in kept]
            known = np.array([sizes.get(tuple(cell[i] for i in at), -1) for cell in cells])
            small = np.where(known >= 0, known < rule.min_base, small)
        others = np.bincount(line, counts > 0)[line] - (counts > 0) if len(line) else np.zeros(0)
        gone |= small & ((counts == 0) | (others == 0))
    return gone


def _hidden_before(table: RawTable, earlier: Sequence[PrintedTable]) -> np.ndarray:
    gone = np.zeros(len(table), dtype=bool)
    for before in earlier:
        if before.population == table.population and set(before.dims) == set(table.dims):
            order = [before.dims.index(dim) for dim in table.dims]
            cells = {
                tuple(cell[i] for i in order)
                for cell, text in zip(before.cells, before.shown, strict=True)
                if text == HIDDEN
            }
            gone |= np.array([cell in cells for cell in table.cells], dtype=bool)
    return gone


def _printed(release: _Release) -> list[PrintedTable]:
    """The release as texts; sums of printed parts after the parts."""
    printed: dict[int, PrintedTable] = {}
    by_name = {table.name: k for k, table in enumerate(release.tables)}
    for k in sorted(range(len(release.tables)), key=lambda k: release.parts[k] not in ("", PUBLIC_FIGURE)):
        table, parts = release.tables[k], release.parts[k]
        hide_below, step = release.thresholds(k)
        if parts == PUBLIC_FIGURE:
            texts = _public_texts(table, release.public)
        elif parts:
            texts = _sum_texts(table, printed[by_name[parts]], release.nested)
        else:
            texts = [HIDDEN if h else str(v) for h, v in zip(release.hidden[k], release.rounded(k), strict=True)]
        same = not release.own[k].any()
        printed[k] = PrintedTable(
            table.name,
            table.dims,
            tuple(table.cells),
            tuple(texts),
            table.population,
            release.rule.hide_below if same else tuple(map(int, hide_below)),
            release.rule.round_to if same else tuple(map(int, step)),
            release.rule.min_base,
            table.attributes,
            parts,
            table.complete,
        )
    return [printed[k] for k in range(len(release.tables))]


def _public_texts(table: RawTable, public) -> list[str]:
    for figure in _of(public, table.population):
        if set(figure.dims) == set(table.dims):
            known = dict(_items(figure, table.dims))
            return [str(known[cell]) for cell in table.cells]
    raise ValueError(f"{table.name}: no public figure")


def _sum_texts(table: RawTable, parts: PrintedTable, nested) -> list[str]:
    """Sums of printed parts; hidden where every part that is not zero is."""
    to = _coarsener(parts.dims, table.dims, nested)
    sums: dict[Cell, int] = {}
    gone: set[Cell] = set()
    for cell, text in zip(parts.cells, parts.shown, strict=True):
        key = to(cell)
        sums[key] = sums.get(key, 0) + (0 if text == HIDDEN else int(text))
        if text == HIDDEN:
            gone.add(key)
    return [HIDDEN if not sums.get(cell, 0) and cell in gone else str(sums.get(cell, 0)) for cell in table.cells]


def _shown(release: _Release, k: int, printed: PrintedTable, result: GateResult) -> ProtectedTable:
    table = release.tables[k]
    index = table.counts.index
    hidden = pd.Series([text == HIDDEN for text in printed.shown], index=index, dtype=bool, name="count")
    shown = pd.Series([np.nan if text == HIDDEN else float(text) for text in printed.shown], index=index, name="count")
    return ProtectedTable(
        table.name, table.dims, shown, hidden, release.rule, printed, table.noun, table.population, result
    )


def _exact(table: RawTable, rule: Rule) -> ProtectedTable:
    counts = table.counts
    printed = PrintedTable(
        table.name,
        table.dims,
        tuple(table.cells),
        tuple(map(str, counts)),
        table.population,
        1,
        1,
        0,
        table.attributes,
        "",
        table.complete,
    )
    hidden = pd.Series(False, index=counts.index, name="count")
    return ProtectedTable(
        table.name, table.dims, counts.astype(float), hidden, rule, printed, table.noun, table.population
    )


# --- hide until the gate is content ----------------------------------------------------------------------


def _until_safe(release: _Release, patience: int = 0) -> tuple[_Release, GateResult]:
    """Hide more until no protected count can be pinned down, or nothing more can be hidden."""
    result, fewest, vain = None, np.inf, 0
    for _ in range(MOST_ROUNDS):  # against an attacker who was told which cells are small
        result = _gate(release, told=True, after=result)
        weak = sorted({*result.offenders, *result.partial})
        after = _second_hiding(release, weak, told=True)
        if after is release:
            break
        release = after
    while True:
        result = _gate(release, after=result)
        if result.passed:
            return release, result
        after = _second_hiding(release, result.offenders, told=False)
        if after is release:
            vain = 0 if len(result.offenders) < fewest else vain + 1
            fewest = min(fewest, len(result.offenders))
            if patience and vain > patience:
                return release, result
            after = _cheapest_neighbours(release, result.offenders)
        if after is release:
            return release, result
        release = after


def _gate(release: _Release, told: bool = False, after: GateResult | None = None) -> GateResult:
    known = {}
    if told:
        for k, table in enumerate(release.tables):
            known[table.name] = [cell for cell, first in zip(table.cells, _small(release, k), strict=True) if first]
    return attack(
        _printed(release),
        release.public,
        release.earlier,
        nested=release.nested,
        told=known if told else None,
        cover=told,
        after=after,
    )


def _small(release: _Release, k: int) -> np.ndarray:
    """Hidden first, and for being small: from 0 to the threshold."""
    counts = release.tables[k].counts.to_numpy()
    return release.first[k] & (counts < release.rule.hide_below) & (release.parts[k] == "")


def _second_hiding(release: _Release, weak: Sequence[Label], told: bool) -> _Release:
    """Hide what the cheapest change of printed numbers changes, for each weak cell and both directions."""
    if not weak:
        return release
    programme = _Programme(release, told)
    for label in weak:
        terms = programme.terms(label)
        if terms is None:
            continue
        for wanted in (1, release.rule.hide_below - 1):
            more = programme.to_hide(terms, wanted)
            if more:
                release = release.with_hidden(more)
                programme.hide(more)
    return release if programme.changed else programme.release


def _cheapest_neighbours(release: _Release, offenders: Sequence[Label]) -> _Release:
    """Hide the smallest printed number in line with each offender; the same release if there is none."""
    more = set()
    for name, cell in offenders:
        best = None
        for k, table in enumerate(release.tables):
            if release.parts[k]:
                continue
            shown = release.rounded(k)
            for i, other in enumerate(table.cells):
                if release.hidden[k][i] or not shown[i]:
                    continue
                near = _near(release, name, cell, table, other)
                rank = (-near, int(shown[i]), table.name, other)
                if near >= 0 and (best is None or rank < best[0]):
                    best = (rank, (k, i))
        if best:
            more.add(best[1])
    return release.with_hidden(sorted(more)) if more else release


def _near(release: _Release, name: str, cell: Cell, table: RawTable, other: Cell) -> int:
    """How many dimensions two cells agree in, at least one short of all; -1 if hiding one cannot help the other."""
    dims = _dims_of(release, name)
    here = dict(zip(dims, cell, strict=True))
    agree = sum(here.get(dim) == value for dim, value in zip(table.dims, other, strict=True))
    if name == table.name:
        return agree if agree == len(dims) - 1 else -1
    related = agree > 0
    for coarse, value in zip(table.dims, other, strict=True):
        for nesting in release.nested:
            if nesting.coarse == coarse and nesting.fine in here:
                agree += str(nesting.lookup.get(here[nesting.fine])) == value
                related = True  # what lies outside is the rest of what lies inside
    return agree if related else -1


def _dims_of(release: _Release, name: str) -> tuple[str, ...]:
    for table in [*release.tables, *release.earlier]:
        if table.name == name:
            return table.dims
    words = name.partition(" by ")[2]
    return () if words == "nothing" else tuple(words.split(", "))


def _show_own(release: _Release, safe: GateResult) -> tuple[_Release, GateResult]:
    """From a release that is safe for everyone, show the own school's cells more fully as far as the gate lets it."""
    public_release = release
    own = [
        _own_cells(table, release.rule.own) & (not parts)
        for table, parts in zip(release.tables, release.parts, strict=True)
    ]
    for _ in range(sum(int(mine.sum()) for mine in own) + 1):
        hidden = []
        for k, table in enumerate(release.tables):
            counts = table.counts.to_numpy()
            small = ((counts > 0) & (counts < OWN_HIDE_BELOW)) | ((counts == 0) & public_release.first[k])
            small |= _hidden_before(table, release.earlier)
            hidden.append(np.where(own[k], small, public_release.hidden[k]))
        trial = replace(public_release, hidden=tuple(hidden), own=tuple(own))
        result = _gate(trial, after=safe)
        if result.passed:
            return trial, result
        back = _less_own(trial, own)
        if back is None:
            break
        own = back
    return public_release, safe


def _own_cells(table: RawTable, urn: str) -> np.ndarray:
    if SCHOOL not in table.dims:
        return np.zeros(len(table), dtype=bool)
    return (table.counts.index.get_level_values(SCHOOL) == urn).astype(bool)


def _less_own(release: _Release, own: list[np.ndarray]) -> list[np.ndarray] | None:
    """The largest own number back to the public rule, in each table with one left."""
    own, changed = [mine.copy() for mine in own], False
    for k, table in enumerate(release.tables):
        counts = table.counts.to_numpy()
        exact = np.flatnonzero(own[k] & ~release.hidden[k] & (counts > 0))
        candidates = exact if len(exact) else np.flatnonzero(own[k])
        if len(candidates):
            own[k][max(candidates, key=lambda i: (counts[i], table.cells[i]))] = False
            changed = True
    return own if changed else None


# --- the linear programme -------------------------------------------------------------------------------


class _Programme:
    """Other tables that the printed numbers allow, and what it costs to allow more of them."""

    def __init__(self, release: _Release, told: bool):
        self.release, self.told, self.changed = release, told, False
        self.start: dict[int, int] = {}
        self.own = [k for k in range(len(release.tables)) if not release.parts[k]]
        n = 0
        for k in self.own:
            self.start[k] = n
            n += len(release.tables[k])
        self.before = [table for table in release.earlier if not table.parts]
        self.before_start = []
        for table in self.before:
            self.before_start.append(n)
            n += len(table.cells)
        self.n = n
        self._bounds()
        self._sums()
        self.part = _Part(self.matrix, self.right, self._ends())
        self._sums_of: dict[tuple, dict[Cell, list[int]]] = {}
        # what hidden numbers may be, all others as printed; hiding more keeps each of them possible
        self.solutions = [] if self.part.start is None else [self.part.start]

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest value of each number as printed, and of what is not listed."""
        return np.append(self.low, np.zeros(self.slack)), np.append(self.high, np.full(self.slack, _FAR))

    def _sources(self, population: str) -> list[tuple[int, tuple[str, ...], Sequence[Cell], bool]]:
        """Start, dimensions, cells and completeness of each table of a population."""
        tables = [(self.start[k], self.release.tables[k]) for k in self.own]
        tables += list(zip(self.before_start, self.before, strict=True))
        return [(at, t.dims, t.cells, t.complete) for at, t in tables if t.population == population]

    def _bounds(self) -> None:
        n, release = self.n, self.release
        self.low, self.high = np.zeros(n), np.zeros(n)
        self.down, self.up, self.cost = np.zeros(n), np.zeros(n), np.zeros(n)
        self.at: dict[int, tuple[int, int]] = {}
        for k in self.own:
            s, shown, small = self.start[k], release.rounded(k), _small(release, k)
            hide_below, step = release.thresholds(k)
            may_be_zero = self._may_be_zero(k)
            order = np.argsort(np.argsort([str(cell) for cell in release.tables[k].cells]))
            for i, value in enumerate(shown):
                j = s + i
                self.at[j] = (k, i)
                if release.hidden[k][i]:
                    self.low[j] = 0 if may_be_zero[i] else 1
                    self.high[j] = release.rule.hide_below - 1 if self.told and small[i] else _FAR
                elif value:
                    self.low[j] = max(hide_below[i], np.ceil(value - step[i] / 2))
                    self.high[j] = np.ceil(value + step[i] / 2) - 1
                    self.down[j], self.up[j] = self.low[j] - 1, _FAR
                    self.cost[j] = np.log1p(value) * (1 + 1e-6 * order[i])
        for s, table in zip(self.before_start, self.before, strict=True):
            for i, text in enumerate(table.shown):
                hide_below = table.hide_below if isinstance(table.hide_below, int) else table.hide_below[i]
                step = table.round_to if isinstance(table.round_to, int) else table.round_to[i]
                if text == HIDDEN:
                    self.high[s + i] = _FAR
                elif text.isdigit() and int(text):
                    self.low[s + i] = max(hide_below, np.ceil(int(text) - step / 2))
                    self.high[s + i] = np.ceil(int(text) + step / 2) - 1

    def _may_be_zero(self, k: int) -> np.ndarray:
        """For each cell, whether it is in a group small enough that zeros are hidden in it."""
        table = self.release.tables[k]
        zero, first = table.counts.to_numpy() == 0, self.release.first[k]
        found = np.zeros(len(table), dtype=bool)
        for along in table.attributes or table.dims:
            line = _lines(table, along)
            found |= (np.bincount(line, zero & first) > 0)[line] & (np.bincount(line, zero & ~first) == 0)[line]
        return found

    def _sums(self) -> None:
        rows, cols, values, right = [], [], [], []
        row, slack = 0, 0
        release = self.release
        populations = sorted({table.population for table in release.tables})
        for population in populations:
            sources = self._sources(population)
            for figure in _of(release.public, population):
                known = dict(figure.items())
                for at, dims, cells, complete in sources:
                    if not set(figure.dims) <= _derivable(dims, release.nested):
                        continue
                    groups = _groups(at, dims, cells, figure.dims, release.nested)
                    for key in sorted(set(groups) & set(known)):
                        rows += [row] * len(groups[key])
                        cols += groups[key]
                        values += [1.0] * len(groups[key])
                        if not complete:
                            rows.append(row)
                            cols.append(self.n + slack)
                            values.append(1.0)
                            slack += 1
                        right.append(known[key])
                        row += 1
            given = [_derivable(source[1], release.nested) for source in sources]
            shared = {tuple(sorted(a & b)) for i, a in enumerate(given) for b in given[:i]}
            for dims in sorted(shared):
                with_them = [s for s, have in zip(sources, given, strict=True) if set(dims) <= have and s[3]]
                for a, b in pairwise(with_them):
                    first = _groups(a[0], a[1], a[2], dims, release.nested)
                    second = _groups(b[0], b[1], b[2], dims, release.nested)
                    for key in sorted(set(first) | set(second)):
                        for group, sign in ((first.get(key, []), 1.0), (second.get(key, []), -1.0)):
                            rows += [row] * len(group)
                            cols += group
                            values += [sign] * len(group)
                        right.append(0)
                        row += 1
        self.slack = slack
        self.matrix = sparse.csr_matrix((values, (rows, cols)), shape=(row, self.n + slack))
        self.right = np.array(right, dtype=float)

    def terms(self, label: Label) -> list[int] | None:
        """The variables that add up to the cell; None if no table has them."""
        name, cell = label
        dims = _dims_of(self.release, name)
        tables = [*self.release.tables, *self.release.earlier]
        populations = [table.population for table in tables if table.name == name] or sorted(
            {t.population for t in tables}
        )
        for population in populations:
            for at, have, cells, _ in sorted(self._sources(population), key=lambda s: (len(s[1]), s[0])):
                if set(dims) <= _derivable(have, self.release.nested):
                    if (at, dims) not in self._sums_of:
                        self._sums_of[at, dims] = _groups(at, have, cells, dims, self.release.nested)
                    group = self._sums_of[at, dims].get(cell)
                    if group:
                        return group
        return None

    def to_hide(self, terms: list[int], wanted: int) -> list[tuple[int, int]]:
        """Cells that must be hidden so that the terms can add up to ``wanted``, or as near to it as possible."""
        values = [solution[terms].sum() for solution in self.solutions]
        if values and min(values) <= wanted <= max(values):
            return []  # between two solutions that change nothing lies one that adds up to it
        moved = self._moved(terms, wanted, self.part.near(terms))
        if moved is None:
            moved = self._moved(terms, wanted, None)
        return [] if moved is None else [self.at[int(j)] for j in moved if j < self.n]

    def _moved(self, terms: list[int], wanted: int, near: np.ndarray | None) -> np.ndarray | None:
        """The numbers changed at least cost; None if there is no answer, or it may not be the cheapest of all.

        With ``near``, only these numbers move and all others stay where they are in one solution. Its shadow prices
        then tell whether any other number could have helped; almost never could it.
        """
        total = self.n + self.slack
        low, high = self._ends()
        here = np.arange(total) if near is None else near
        free = here[np.append(self.up, np.zeros(self.slack))[here] > 0]
        matrix, right = self.matrix, self.right
        if near is not None:
            matrix = self.part.columns[:, here]
            rows = np.flatnonzero(np.diff(matrix.tocsr().indptr))
            right = (self.right - self.part.stays(here))[rows]
            matrix = matrix.tocsr()[rows]
        # x = inside + above - below; inside within what is printed, the rest at a cost; the last two fall short
        at = np.searchsorted(here, terms)
        goal = sparse.csr_matrix((np.ones(len(terms)), ([0] * len(terms), at)), shape=(1, len(here)))
        main = sparse.vstack([matrix, goal]).tocsc()
        moves = main[:, np.searchsorted(here, free)]
        ends = sparse.csc_matrix(([1.0, -1.0], ([main.shape[0] - 1] * 2, [0, 1])), shape=(main.shape[0], 2))
        n = len(here)
        # the same few changes of one large programme, hundreds of times: presolving each takes longer than it saves
        result = linprog(
            np.concatenate([np.zeros(n), self.cost[free], self.cost[free], [_SHORT, _SHORT]]),
            A_eq=sparse.hstack([main, moves, -moves, ends]).tocsr(),
            b_eq=np.append(right, wanted),
            bounds=np.column_stack(
                [
                    np.concatenate([low[here], np.zeros(2 * len(free) + 2)]),
                    np.concatenate([high[here], self.up[free], self.down[free], [_FAR, _FAR]]),
                ]
            ),
            method="highs",
            options={"presolve": False},
        )
        if result.status != 0:
            return None
        if near is not None:
            prices = np.zeros(self.matrix.shape[0])
            prices[rows] = result.eqlin.marginals[:-1]
            if not self._cheapest(prices, here, low, high):
                return None
        above, below = result.x[n : n + len(free)], result.x[n + len(free) : n + 2 * len(free)]
        solution = np.zeros(total) if near is None else self.part.start.copy()
        solution[here] = result.x[:n]
        solution[free] += above - below
        self.solutions.append(solution)
        return free[above + below > 1e-6]

    def _cheapest(self, prices: np.ndarray, here: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
        """Whether by the shadow prices of the sums no number that stayed where it is could make it cheaper."""
        others = np.ones(len(low), dtype=bool)
        others[here] = False
        gain = self.part.columns.T @ prices
        stay, n = self.part.start, self.n
        better = (gain > _CHEAPER) & (stay < high - _NEAR) | (gain < -_CHEAPER) & (stay > low + _NEAR)
        beyond = (np.abs(gain[:n]) > self.cost + _CHEAPER) & (self.up > 0)
        return not (others & better).any() and not (others[:n] & beyond).any()

    def hide(self, cells: Sequence[tuple[int, int]]) -> None:
        """Take note of cells that are hidden now."""
        self.changed = True
        for k, i in cells:
            j = self.start[k] + i
            self.low[j], self.high[j] = 1, _FAR
            self.down[j] = self.up[j] = self.cost[j] = 0


class _Part:
    """Which numbers of a large programme can have a say in one of them, and where the others stay.

    The numbers hang together in sums of few (a school, an area) and of many (a segment). A number can be changed
    within the few that it stands with; what that leaves over in the sums of many is taken up by a few others that
    can move both ways. Where they stay is one solution of all sums, away from the ends where it can be.
    """

    def __init__(self, matrix: sparse.csr_matrix, right: np.ndarray, ends: tuple[np.ndarray, np.ndarray]):
        self.columns = matrix.tocsc()
        low, high = ends
        size = np.diff(matrix.indptr)
        self.few = matrix[size <= _FEW]
        self.many = matrix[size > _FEW]
        large = matrix.shape[1] > _SMALL_PROGRAMME
        self.start = _away_from_ends(matrix, right, low, high) if large else None
        if self.start is None:
            return
        self.product = matrix @ self.start
        alone = np.flatnonzero(np.diff(self.few.tocsc().indptr) == 0)
        movable = np.minimum(np.minimum(self.start - low, high - self.start), _FEW)
        firm = [alone]
        for row in range(self.many.shape[0]):
            within = self.many.indices[self.many.indptr[row] : self.many.indptr[row + 1]]
            most = within[np.argsort(-movable[within], kind="stable")][:_TAKING_UP]
            firm.append(self._with_few(most))
        self.always = np.unique(np.concatenate(firm))

    def _with_few(self, numbers: Iterable[int]) -> np.ndarray:
        """The numbers and those in sums of few with them."""
        chosen = np.zeros(self.few.shape[1])
        chosen[np.asarray(numbers, dtype=int)] = 1
        rows = np.flatnonzero(abs(self.few) @ chosen)
        return np.union1d(np.flatnonzero(chosen), self.few[rows].indices)

    def near(self, terms: Sequence[int]) -> np.ndarray | None:
        """The numbers that may move for these; None where it is no large programme."""
        if self.start is None:
            return None
        return np.union1d(self._with_few(self._with_few(terms)), self.always)

    def stays(self, here: np.ndarray) -> np.ndarray:
        """What all other numbers add to each sum."""
        return self.product - self.columns[:, here] @ self.start[here]


def _away_from_ends(
    matrix: sparse.csr_matrix, right: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray | None:
    """One solution of the sums, each number one from its ends where that can be; None if there is none."""
    wide = np.flatnonzero(high - low >= 2)
    step = matrix.tocsc()[:, wide]
    inner = np.isin(np.arange(len(low)), wide)
    result = linprog(
        np.concatenate([np.zeros(len(low)), np.ones(2 * len(wide))]),
        A_eq=sparse.hstack([matrix, step, -step]).tocsr(),
        b_eq=right,
        bounds=np.column_stack(
            [
                np.concatenate([low + inner, np.zeros(2 * len(wide))]),
                np.concatenate([high - inner, np.ones(2 * len(wide))]),
            ]
        ),
        method="highs",
        options={"presolve": False},
    )
    if result.status != 0:
        return None
    solution = result.x[: len(low)].copy()
    solution[wide] += result.x[len(low) : len(low) + len(wide)] - result.x[len(low) + len(wide) :]
    return np.clip(solution, low, high)


# --- sums of cells --------------------------------------------------------------------------------------


def _of(public: Sequence[PublicTotals], population: str) -> list[PublicTotals]:
    return [figure for figure in public if figure.population == population]


def _items(figure: PublicTotals, dims: Sequence[str]) -> list[tuple[Cell, int]]:
    """Cell and figure, with the dimensions in this order."""
    order = [figure.dims.index(dim) for dim in dims]
    return [(tuple(cell[i] for i in order), value) for cell, value in figure.items()]


def _derivable(dims: Sequence[str], nested: Sequence[Nesting]) -> set[str]:
    """Dimensions that these give, areas made of them included."""
    found = set(dims)
    while True:
        more = {nesting.coarse for nesting in nested if nesting.fine in found} - found
        if not more:
            return found
        found |= more


def _value(dims: Sequence[str], cell: Cell, dim: str, nesting_of: Mapping[str, Nesting]) -> str:
    if dim in dims:
        return cell[list(dims).index(dim)]
    nesting = nesting_of[dim]
    return str(nesting.lookup.get(_value(dims, cell, nesting.fine, nesting_of), ""))


def _coarsener(dims: Sequence[str], to: Sequence[str], nested: Sequence[Nesting]) -> Callable[[Cell], Cell]:
    if set(to) <= set(dims):  # no areas made of others
        at = [list(dims).index(dim) for dim in to]
        return lambda cell: tuple([cell[i] for i in at])
    nesting_of = {nesting.coarse: nesting for nesting in nested}
    return lambda cell: tuple(_value(dims, cell, dim, nesting_of) for dim in to)


def _groups(start: int, dims, cells: Sequence[Cell], to: Sequence[str], nested) -> dict[Cell, list[int]]:
    """Variables of a table by the cell of a coarser one."""
    coarsen, groups = _coarsener(dims, to, nested), {}
    for i, cell in enumerate(cells):
        groups.setdefault(coarsen(cell), []).append(start + i)
    return groups


def _check_public(tables: Sequence[RawTable], public: Sequence[PublicTotals], nested: Sequence[Nesting]) -> None:
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise ValueError("two tables of the release have one name")
    for figure in public:
        known = dict(figure.items())
        for table in tables:
            if table.population != figure.population or not table.complete:
                continue
            if not set(figure.dims) <= _derivable(table.dims, nested):
                continue
            groups = _groups(0, table.dims, table.cells, figure.dims, nested)
            counts = table.counts.to_numpy()
            wrong = [key for key, value in known.items() if counts[groups.get(key, [])].sum() != value]
            wrong += [
                key for key, members in groups.items() if key not in known and counts[members].any() and not figure.dims
            ]
            if wrong:
                raise ValueError(
                    f"{len(wrong):,} public figures by {', '.join(figure.dims) or 'nothing'} are not the sums of "
                    f"{table.name!r}; figures of another day or of other people belong to another population"
                )
