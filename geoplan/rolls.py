"""Numbers on roll by school, year group and academic year, and the series that go on through academisation.

A school that has a census in a year and lists no pupils in a year group has none there (zero); a school without any
census in a year is unknown in that year if it has one before and one after, and not open otherwise. The difference
decides whether a total can be given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from geoplan.cohorts import PHASES, stage_of, year_name
from geoplan.sentences import first_few
from geoplan.sources import Source

#: Kinds of link between schools (GIAS) that a series of rolls goes on through.
_BEFORE = ("predecessor", "result of amalgamation", "merged", "amalgamated", "expansion", "fresh start")
_SPLIT = "split"


@dataclass(frozen=True, repr=False, eq=False)
class Counts:
    """A checked long table of counts, as read.

    Parameters
    ----------
    frame
        One row for each count, columns by our names; ``record`` is the row in the file (0 where several were added up).
    source
        The file.
    findings
        One row per thing noticed: ``record``, ``column``, ``code``, ``rule``; never a value.
    notes
        What was noticed about the whole, in sentences.
    details
        Facts about the reading: ``records`` read, headers understood.
    """

    frame: pd.DataFrame
    source: Source
    findings: pd.DataFrame
    notes: tuple[str, ...] = ()
    details: Mapping = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Counts: {len(self):,} from {self.source.file or self.source.title}>"


@dataclass(frozen=True, repr=False, eq=False)
class Rolls:
    """Pupils by place, academic year and stage.

    Parameters
    ----------
    pupils
        Places x years x stages; NaN where nothing is known or the place is not open.
    places
        Codes of the places.
    years
        Academic years one after the other (2025 is 2025/26); a year that nobody has is there and unknown.
    stages
        0 for Reception, 1 for Year 1 ... in rising order; those that occur.
    level
        What the places are: ``school``, or the level they were added up to.
    published
        Whether the rolls are published figures, so that they are public facts.
    source
        Where they came from.
    notes
        What was noticed while they were put together, in sentences.
    """

    pupils: np.ndarray
    places: pd.Index
    years: tuple[int, ...]
    stages: tuple[int, ...]
    level: str = "school"
    published: bool = False
    source: Source = field(default_factory=lambda: Source("Numbers on roll"))
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        shape = (len(self.places), len(self.years), len(self.stages))
        if self.pupils.shape != shape:
            raise ValueError(f"rolls: {self.pupils.shape} pupils for {shape} places, years and stages")

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        span = f"{year_name(self.years[0])} to {year_name(self.years[-1])}" if self.years else "no years"
        return f"<Rolls of {len(self):,} by {self.level}, {span}, {len(self.stages)} year groups>"

    @property
    def table(self) -> pd.DataFrame:
        """Long: ``place``, ``year``, ``stage``, ``pupils``; known cells only."""
        at = np.argwhere(np.isfinite(self.pupils))
        return pd.DataFrame(
            {
                "place": self.places.to_numpy()[at[:, 0]],
                "year": np.asarray(self.years)[at[:, 1]],
                "stage": np.asarray(self.stages)[at[:, 2]],
                "pupils": self.pupils[tuple(at.T)],
            }
        )

    @property
    def open(self) -> np.ndarray:
        """Places x years: whether the place has a census in the year."""
        return np.isfinite(self.pupils).any(axis=2)

    @property
    def gaps(self) -> pd.DataFrame:
        """``place`` and ``year`` of each census missing between two that are there."""
        there = self.open
        before = np.maximum.accumulate(there, axis=1)
        after = np.maximum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
        at = np.argwhere(before & after & ~there)
        return pd.DataFrame({"place": self.places.to_numpy()[at[:, 0]], "year": np.asarray(self.years)[at[:, 1]]})

    def total(self, phase: str = "") -> np.ndarray:
        """Places x years: pupils of a phase (all stages if none is named), NaN where unknown."""
        stages = PHASES[phase] if phase else self.stages
        return sum_known(self.pupils[:, :, np.isin(self.stages, stages)], axis=2)

    def since(self, first: int) -> Rolls:
        """From an academic year on."""
        kept = [number for number, year in enumerate(self.years) if year >= first]
        return replace(self, pupils=self.pupils[:, kept], years=tuple(self.years[number] for number in kept))

    def roll_up(self, groups: pd.Series | Mapping[str, str], level: str) -> Rolls:
        """Added up to groups of places; unknown in a year in which a member's census is missing.

        Parameters
        ----------
        groups
            Group by place.
        level
            What the groups are called.

        Examples
        --------
        >>> table = pd.DataFrame({"school": ["a", "b"], "year": 2025, "year_group": "R", "pupils": [30, 15]})
        >>> rolls = rolls_from(table)
        >>> rolls.roll_up({"a": "East", "b": "East"}, "cluster").pupils.ravel().tolist()
        [45.0]
        """
        names = pd.Series(dict(groups)).reindex(self.places).fillna("no group").astype("str")
        codes, labels = pd.factorize(names, sort=True)
        missing = np.zeros(self.pupils.shape[:2], dtype=bool)
        gaps = self.gaps
        if len(gaps):
            missing[self.places.get_indexer(gaps["place"]), gaps["year"] - self.years[0]] = True
        return replace(
            self,
            pupils=added_up(self.pupils, codes, len(labels), missing),
            places=pd.Index(labels, name=level),
            level=level,
        )


def sum_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Sums that leave unknown parts out, and are unknown where all parts are.

    Examples
    --------
    >>> sum_known(np.array([[1.0, np.nan], [np.nan, np.nan]]), axis=1).tolist()
    [1.0, nan]
    """
    known = np.isfinite(values)
    return np.where(known.any(axis=axis), np.where(known, values, 0.0).sum(axis=axis), np.nan)


def added_up(values: np.ndarray, codes: np.ndarray, count: int, missing: np.ndarray | None = None) -> np.ndarray:
    """The first axis added up by group; NaN where nobody is known, or where ``missing`` says a member is.

    Parameters
    ----------
    values
        Places x anything.
    codes
        The group of each place, 0 to ``count - 1``.
    missing
        Places x the second axis: a member that ought to be there.
    """
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat)
    total = np.zeros((count, flat.shape[1]))
    np.add.at(total, codes, np.where(known, flat, 0.0))
    some = np.zeros((count, flat.shape[1]), dtype=bool)
    np.logical_or.at(some, codes, known)
    answer = np.where(some, total, np.nan).reshape(count, *values.shape[1:])
    if missing is not None and missing.any():
        gone = np.zeros((count, missing.shape[1]), dtype=bool)
        np.logical_or.at(gone, codes, missing)
        answer[gone] = np.nan
    return answer


def rolls_from(
    table: pd.DataFrame,
    source: Source | None = None,
    published: bool = False,
    level: str = "school",
    notes: Iterable[str] = (),
) -> Rolls:
    """Rolls from a long table.

    Parameters
    ----------
    table
        ``school`` (or another column named ``level``), ``year``, ``year_group`` and ``pupils``; rows of one cell are
        added up. Year groups below Reception are left out, and counted in the notes.
    source, published, level, notes
        As for :class:`Rolls`.

    Examples
    --------
    >>> rolls_from(pd.DataFrame({"school": ["1", "1"], "year": [2024, 2025], "year_group": "R", "pupils": [29, 30]}))
    <Rolls of 1 by school, 2024/25 to 2025/26, 1 year groups>
    """
    stages = table["year_group"].map(lambda code: stage_of(str(code)))
    outside = stages.isna()
    notes = list(notes)
    if outside.any():
        notes.append(
            f"{int(outside.sum()):,} rows of nursery or unknown year groups are in no forecast "
            f"({int(table.loc[outside, 'pupils'].sum()):,} on roll)"
        )
    kept = table[~outside].assign(stage=stages[~outside].astype("int64"))
    unknown, kept = kept[kept["pupils"].isna()], kept[kept["pupils"].notna()]
    places = pd.Index(sorted(kept[level].astype("str").unique()), name=level)
    years = tuple(range(int(kept["year"].min()), int(kept["year"].max()) + 1)) if len(kept) else ()
    found = tuple(sorted(kept["stage"].unique().tolist()))
    pupils = np.full((len(places), len(years), len(found)), np.nan)
    if len(kept):
        at = (
            places.get_indexer(kept[level].astype("str")),
            kept["year"].to_numpy(dtype="int64") - years[0],
            np.searchsorted(found, kept["stage"]),
        )
        there = np.zeros(pupils.shape[:2], dtype=bool)
        there[at[0], at[1]] = True
        pupils[there] = 0.0
        np.add.at(pupils, at, kept["pupils"].to_numpy(dtype=float))
        never = ~(np.nan_to_num(pupils) > 0).any(axis=1)
        pupils[np.broadcast_to(never[:, None, :], pupils.shape)] = np.nan  # a year group it never taught
        pupils[there & ~np.isfinite(pupils).any(axis=2)] = 0.0
        unknown = unknown[unknown[level].astype("str").isin(places) & unknown["stage"].isin(found)]
        unknown = unknown[unknown["year"].between(years[0], years[-1])]
        pupils[
            places.get_indexer(unknown[level].astype("str")),
            unknown["year"].to_numpy(dtype="int64") - years[0],
            np.searchsorted(found, unknown["stage"]),
        ] = np.nan
    rolls = Rolls(pupils, places, years, found, level, published, source or Source("Numbers on roll"))
    nobody = [year_name(year) for number, year in enumerate(years) if not rolls.open[:, number].any()]
    if nobody:
        notes.append(
            f"no census at all in {', '.join(nobody)}: forecasts step over it; add that year's file if there is one"
        )
    gaps = rolls.gaps
    gaps = gaps[~gaps["year"].map(year_name).isin(nobody)]
    if len(gaps):
        shown = first_few(f"{row.place} in {year_name(row.year)}" for row in gaps.itertuples())
        notes.append(f"a census is missing between others for {shown}; totals of those years are not given")
    return replace(rolls, notes=tuple(notes))


# --- schools that changed their number -------------------------------------------------------------------


def follow_links(table: pd.DataFrame, links: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rolls under the numbers that schools have now, through academisation, merging and amalgamation.

    Parameters
    ----------
    table
        Long rolls: ``school``, ``year``, ``year_group``, ``pupils``.
    links
        ``school``, ``linked``, ``link_type`` as in GIAS ("Predecessor", "Successor - merged" ...), either way round.

    Returns
    -------
    table, account
        The rolls, and one row for each old number: ``school`` (old), ``into`` (now), ``how`` ("joined", "added to
        another", "not followed"), ``why``. A school that split is not followed: its pupils cannot be told apart. Nor is
        an old number that has a census in the same year as the new one where that one is its only predecessor: the two
        would be counted twice.

    Examples
    --------
    >>> rolls = pd.DataFrame({"school": ["1", "2"], "year": [2024, 2025], "year_group": "R", "pupils": [29, 30]})
    >>> links = pd.DataFrame({"school": ["2"], "linked": ["1"], "link_type": ["Predecessor"]})
    >>> follow_links(rolls, links)[0]["school"].tolist()
    ['2', '2']
    """
    now, splits = {}, set()
    for row in links.itertuples(index=False):
        kind = str(row.link_type).casefold()
        old, new = str(row.linked), str(row.school)
        if kind.startswith("successor"):
            old, new = new, old
        elif not kind.startswith(_BEFORE):
            continue
        if _SPLIT in kind:
            splits.add(old)
        elif old != new:
            now.setdefault(old, set()).add(new)
    splits |= {old for old, news in now.items() if len(news) > 1}
    latest = {old: next(iter(news)) for old, news in now.items() if old not in splits}
    codes = table["school"].astype("str")
    there = codes.unique()
    years = {code: set(part) for code, part in table["year"].groupby(codes)}
    into, rows = {}, []
    for code in there:
        new, seen = code, {code}
        while new in latest and latest[new] not in seen:
            new = latest[new]
            seen.add(new)
        if code in splits:
            rows.append((code, "", "not followed", "it split: whose pupils went where is not known"))
        elif new != code:
            into[code] = new
    for code, new in into.copy().items():
        others = [old for old, target in into.items() if target == new and old != code]
        both = sorted(years.get(code, set()) & years.get(new, set()))
        if both and not others:
            del into[code]
            why = f"both have a census in {year_name(both[0])}; say which is right"
            rows.append((code, new, "not followed", why))
        else:
            rows.append((code, new, "added to another" if others or both else "joined", ""))
    moved = table.assign(school=codes.map(lambda code: into.get(code, code)))
    keys = ["school", "year", "year_group"]
    joined = moved.groupby(keys, as_index=False, sort=False)["pupils"].sum()
    return joined, pd.DataFrame(rows, columns=["school", "into", "how", "why"])
