"""Counts of people as they are worked with inside, in a type that shows nothing by accident.

A :class:`RawTable` holds exact counts. Printing it, looking at it in a notebook, pickling it, looping over
it or writing it gives its shape and a rounded total, or :class:`~geoplan.errors.NotProtected`. The way out
is :func:`geoplan.suppression.protect_tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
import pandas as pd

from geoplan.errors import NotProtected

TAKE_UP = "take_up"
YES, NO = "yes", "no"


@dataclass(frozen=True, repr=False, eq=False)
class RawTable:
    """Exact counts of people by one or more dimensions: never printed, never written.

    Parameters
    ----------
    name
        What the table is called on the output and in refusals.
    counts
        Whole numbers, zero or more, indexed by the named dimensions. A cell not listed is zero (and is listed before
        the table is protected: :meth:`with_zeros`).
    noun
        What the people are called.
    population
        Who is counted, and from which data ("pupils, January 2026 census"). Tables of one population
        share their margins; tables of different populations have nothing to do with each other.
    geography
        The kind of area, if one of the dimensions is one.
    attributes
        The dimensions that describe people (segment, fsm): all or none of a small group is hidden along
        them. All dimensions unless said.
    complete
        False if only part of the population is listed, so that an absent cell is unknown, not zero.

    Examples
    --------
    >>> counts = pd.Series({("a", "E"): 212, ("a", "G"): 3, ("b", "E"): 40}).rename_axis(["school", "segment"])
    >>> RawTable("Who comes", counts)
    <RawTable 'Who comes': school x segment, 2 x 2, 3 cells, about 255 pupils; not protected>
    """

    name: str
    counts: pd.Series
    noun: str = "pupils"
    population: str = ""
    geography: str | None = None
    attributes: tuple[str, ...] = ()
    complete: bool = True

    def __post_init__(self):
        counts = self.counts
        if not isinstance(counts, pd.Series):
            raise TypeError(f"{self.name}: counts must be a Series indexed by named dimensions")
        if not all(counts.index.names) or not counts.index.is_unique:
            raise ValueError(f"{self.name}: every dimension needs a name, and every cell one row")
        if len(set(self.dims)) != len(self.dims):
            raise ValueError(f"{self.name}: two dimensions have one name")
        values = pd.to_numeric(counts).to_numpy(dtype=float)
        if not np.isfinite(values).all() or (values < 0).any() or (values != np.floor(values)).any():
            raise ValueError(f"{self.name}: counts must be whole numbers from zero up")
        unknown = set(self.attributes) - set(self.dims)
        if unknown:
            raise ValueError(
                f"{self.name}: no dimension {', '.join(sorted(unknown))}; there are {', '.join(self.dims)}"
            )
        index = counts.index
        texts = [index.get_level_values(i).astype("str") for i in range(index.nlevels)]
        clean = texts[0] if len(texts) == 1 else pd.MultiIndex.from_arrays(texts, names=index.names)
        object.__setattr__(self, "counts", pd.Series(values.astype("int64"), index=clean, name="count").sort_index())
        if not self.counts.index.is_unique:
            raise ValueError(f"{self.name}: two cells have one code when codes are read as text")

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of the dimensions, in order."""
        return tuple(str(name) for name in self.counts.index.names)

    @property
    def cells(self) -> list[tuple[str, ...]]:
        """The code of each cell, one value for each dimension."""
        keys = self.counts.index
        return list(keys) if keys.nlevels > 1 else [(key,) for key in keys]

    def __len__(self) -> int:
        return len(self.counts)

    def __repr__(self) -> str:
        shape = " x ".join(f"{self.counts.index.get_level_values(i).nunique():,}" for i in range(len(self.dims)))
        total = int(self.counts.sum())
        about = f"about {5 * int(total / 5 + 0.5):,}" if total >= 10 else "fewer than 10"
        return (
            f"<RawTable {self.name!r}: {' x '.join(self.dims)}, {shape}, {len(self):,} cells, "
            f"{about} {self.noun}; not protected>"
        )

    def _repr_html_(self) -> str:
        return repr(self).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def sum_over(self, dims: str | Sequence[str], name: str = "") -> RawTable:
        """The table with these dimensions added up; it stays raw, and of the same population.

        Examples
        --------
        >>> counts = pd.Series({("a", "E"): 212, ("a", "G"): 3, ("b", "E"): 40}).rename_axis(["school", "segment"])
        >>> RawTable("Who comes", counts).sum_over("segment").counts.to_dict()
        {'a': 215, 'b': 40}
        """
        gone = [dims] if isinstance(dims, str) else list(dims)
        kept = [dim for dim in self.dims if dim not in gone]
        if set(gone) - set(self.dims) or not kept:
            raise ValueError(f"{self.name}: cannot sum over {', '.join(gone)} of {', '.join(self.dims)}")
        return replace(
            self,
            name=name or f"{self.name}, by {' and '.join(kept)}",
            counts=self.counts.groupby(level=kept).sum(),
            geography=self.geography if self.geography in kept else None,
            attributes=tuple(dim for dim in self.attributes if dim in kept),
        )

    def with_zeros(self) -> RawTable:
        """A complete table of two dimensions with every category of its attribute in each group that is listed.

        A zero that is listed is hidden in a small group; one that is left out is told by the gap that it leaves. Tables
        of three dimensions are left as they are: some of their cells cannot be.

        Examples
        --------
        >>> counts = pd.Series({("a", "yes"): 7, ("b", "yes"): 30, ("b", "no"): 12}).rename_axis(["school", "comes"])
        >>> RawTable("Who comes", counts, attributes=("comes",)).with_zeros().counts.to_dict()
        {('a', 'no'): 0, ('a', 'yes'): 7, ('b', 'no'): 12, ('b', 'yes'): 30}
        """
        if not self.complete or len(self.dims) != 2:
            return self
        every = [self.counts.index.get_level_values(dim).unique() for dim in self.dims]
        if len(self) == len(every[0]) * len(every[1]):
            return self
        index = pd.MultiIndex.from_product(every, names=self.dims)
        return replace(self, counts=self.counts.reindex(index, fill_value=0))

    # --- what a raw table refuses ---

    def _refuse(self, what: str) -> NoReturn:
        raise NotProtected(f"{self.name}: a raw table has exact counts of people and {what}; protect it first")

    def __reduce_ex__(self, protocol) -> NoReturn:
        self._refuse("is not pickled or copied")

    def __iter__(self) -> NoReturn:
        self._refuse("is not looped over")

    def __array__(self, dtype=None, copy=None) -> NoReturn:
        self._refuse("does not turn into an array")

    def __getattr__(self, name: str):
        if name.startswith(("to_", "plot", "style")):
            self._refuse(f"has no {name}")
        raise AttributeError(f"a RawTable has no {name!r}")


def take_up(name: str, part: pd.Series, whole: pd.Series, noun: str = "pupils", population: str = "") -> RawTable:
    """Those who took something up and those who did not, as one table: count and complement are both cells.

    Parameters
    ----------
    name
        What the table is called.
    part, whole
        Counts on the same dimensions; no part may exceed its whole.
    noun, population
        As for :class:`RawTable`.

    Examples
    --------
    >>> table = take_up("Meals", pd.Series({"a": 20}).rename_axis("school"), pd.Series({"a": 23}).rename_axis("school"))
    >>> table.counts.to_dict()
    {('a', 'no'): 3, ('a', 'yes'): 20}
    """
    part = part.reindex(whole.index, fill_value=0)
    if (part > whole).any():
        raise ValueError(f"{name}: more took part than there are in {int((part > whole).sum())} rows")
    both = pd.concat({YES: part, NO: whole - part}, names=[TAKE_UP])
    order = [*whole.index.names, TAKE_UP]
    counts = both.reorder_levels(order)
    return RawTable(name, counts, noun, population, attributes=(TAKE_UP,))


def population_name(*parts: str) -> str:
    """The name of a population: who is counted, and what else tells it from others; empty parts are left out.

    Examples
    --------
    >>> population_name("pupils by school", "", "May 2026")
    'pupils by school; May 2026'
    """
    return "; ".join(part for part in parts if part)
