"""Who lives here and goes to school elsewhere, or the other way round: over the border, and to independent schools.

A council plans for the pupils of its own schools, and those are not the children who live there:

    intake = residents x (1 - independent share - share that goes out) + those who come in

Shares are of the resident children of the age; those who come in are a number, for the children of the neighbours are
not counted here. All of it by place (the whole authority, or a planning area), year and stage.

References: *Learning from experience* (2008), the Steria tips ("project movements of learners across authority
boundaries and to the independent sector") and its Annex B (cross-border pairs by phase; independent pupils by year of
age and home authority).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.cohorts import LAST_STAGE, PHASES, RECEPTION_AGE, age_of, stage_name, year_name
from geoplan.errors import UnknownCodeError
from geoplan.sentences import first_few

INDEPENDENT, OUT, INTO = "independent", "out", "in"
KINDS = (INDEPENDENT, OUT, INTO)


def stages_of(text: str) -> tuple[int, ...]:
    """The stages that a phase, a year group or a year of age stands for; none where it is neither.

    A plain number is an age on 31 August, as the tables of independent schools give it.

    Examples
    --------
    >>> stages_of("Secondary"), stages_of("Year 7"), stages_of("Reception"), stages_of("11"), stages_of("Age 4")
    ((7, 8, 9, 10, 11), (7,), (0,), (7,), (0,))
    >>> stages_of("nursery")
    ()
    """
    words = " ".join(str(text).casefold().replace("_", " ").replace("-", " ").split())
    year = re.fullmatch(r"(?:year|yr|y) ?(\d{1,2})", words)
    age = re.fullmatch(r"(?:age |aged )?(\d{1,2})(?:\.0)?", words)
    if words in ("r", "reception"):
        return (0,)
    if year or age:
        stage = int(year[1]) if year else int(age[1]) - RECEPTION_AGE
        return (stage,) if 0 <= stage <= LAST_STAGE else ()
    told = {"primary": "primary", "secondary": "secondary", "sixth": "sixth form", "post 16": "sixth form"}
    return next((PHASES[phase] for word, phase in told.items() if word in words), ())


def flows_of(table: pd.DataFrame, ours: Iterable[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """What flows mean for places of ours: who leaves each for an independent school or another place, who comes in.

    Parameters
    ----------
    table
        ``home``, ``school_in`` ("independent" for those), ``phase``, ``year``, ``pupils``, as
        :func:`geoplan.io.children.read_flows` gives it.
    ours
        Our places as the table calls them, whatever the case: the authority, or its planning areas.

    Returns
    -------
    flows, notes
        ``place``, ``kind`` (independent, out, in), ``phase``, ``year``, ``pupils``; what was left out, in sentences.

    Raises
    ------
    UnknownCodeError
        If no row is of a place of ours.

    Examples
    --------
    >>> rows = pd.DataFrame({"home": ["Here", "Here", "There"], "school_in": ["There", "independent", "here"],
    ...     "phase": "Year 7", "year": 2025, "pupils": [30.0, 12.0, 50.0]})
    >>> flows_of(rows, ["Here"])[0][["kind", "pupils"]].values.tolist()
    [['in', 50.0], ['independent', 12.0], ['out', 30.0]]
    """
    table = table.reset_index(drop=True)
    names = {_key(name): name for name in ours}
    home, school = table["home"].map(_key).map(names), table["school_in"].map(_key).map(names)
    private = table["school_in"].eq(INDEPENDENT)
    if not (home.notna() | school.notna()).any():
        found = sorted(table["home"].astype("str").unique())
        raise UnknownCodeError(
            f"flows: no row is of {' or '.join(sorted(names.values())[:5])}; the file has {first_few(found)}"
            ": say which of them we are (--authority), or name planning areas as the schools file does"
        )
    other = home.isna() & school.isna()
    keys = ["phase", "year", "pupils"]
    parts = [
        table.loc[home.notna() & private, keys].assign(place=home, kind=INDEPENDENT),
        table.loc[home.notna() & ~private & school.ne(home), keys].assign(place=home, kind=OUT),
        table.loc[school.notna() & home.ne(school), keys].assign(place=school, kind=INTO),
    ]
    flows = pd.concat(parts).groupby(["place", "kind", "phase", "year"], as_index=False)["pupils"].sum(min_count=1)
    notes = []
    if other.any():
        notes.append(f"flows: {int(other.sum()):,} rows are of other places, and not used")
    lacking = [kind for kind in KINDS if not flows["kind"].eq(kind).any()]
    words = {INDEPENDENT: "to independent schools", OUT: "out of the place", INTO: "into it"}
    if lacking:
        notes.append(f"flows: none in the file go {' or '.join(words[kind] for kind in lacking)}: taken as none")
    return flows[["place", "kind", "phase", "year", "pupils"]].astype({"year": "int64"}), tuple(notes)


@dataclass(frozen=True, repr=False, eq=False)
class Crossings:
    """Flows by stage, in the order of the places and years of rolls.

    Parameters
    ----------
    pupils
        Places x years x stages x kinds (independent, out, in); NaN where the file says nothing of a year.
    level
        Whose children they are of: ``city`` or ``cluster``, as the registers call it.
    """

    pupils: np.ndarray
    level: str

    def __repr__(self) -> str:
        return f"<Crossings of {len(self.pupils):,} places, by {self.level}>"

    def until(self, count: int) -> Crossings:
        """What the first so many years say."""
        return Crossings(self.pupils[:, :count], self.level)


def crossings_of(
    flows: pd.DataFrame,
    places: Sequence[str],
    years: Sequence[int],
    stages: Sequence[int],
    children: np.ndarray,
    pupils: np.ndarray,
    level: str,
) -> Crossings:
    """Flows by stage: those of a whole phase are spread over its stages.

    Parameters
    ----------
    flows
        From :func:`flows_of`.
    places
        The place that each row of the arrays is of; one that is not in the flows has none.
    years, stages
        Of the arrays.
    children
        Places x years x ages: residents, over whom those who leave are spread.
    pupils
        Places x years x stages: pupils of the place's schools, over whom those who come in are spread.
    level
        As in :class:`Crossings`.
    """
    wanted = {phase: stages_of(phase) for phase in flows["phase"].unique()}
    answer = np.full((len(places), len(years), len(stages), len(KINDS)), np.nan)
    at_year = {year: number for number, year in enumerate(years)}
    rows_of = {place: np.flatnonzero(np.asarray(places) == place) for place in set(places)}
    for number, kind in enumerate(KINDS):
        mine = flows[flows["kind"].eq(kind)]
        for phase in PHASES.values():
            at = np.flatnonzero(np.isin(stages, phase))
            touch = flows["phase"].map(lambda name, phase=phase: bool(set(wanted[name]) & set(phase)))
            told = flows["year"][touch & flows["kind"].eq(kind)]
            for year in set(told if len(told) else flows["year"][touch]) & set(at_year):
                answer[:, at_year[year], at, number] = 0.0  # told, and nobody where no row says so
        for row in mine[mine["year"].isin(years) & mine["place"].isin(rows_of)].itertuples(index=False):
            rows, year, span = rows_of[row.place], at_year[row.year], wanted[row.phase]
            at = np.flatnonzero(np.isin(stages, span))
            if kind == INTO:
                weight = np.nan_to_num(pupils[rows, year]).sum(axis=0)[at]
                part = len(at) / len(span)
            else:
                weight = np.nan_to_num(children[rows[0], year, [age_of(stage) for stage in span]])
                weight, part = weight[np.isin(span, stages)], weight[np.isin(span, stages)].sum() / (weight.sum() or 1)
            share = weight / weight.sum() if weight.sum() > 0 else np.full(len(at), 1 / max(len(at), 1))
            answer[np.ix_(rows, [year], at, [number])] += (row.pupils * part * share)[None, None, :, None]
    return Crossings(answer, level)


def too_many(crossings: Crossings, children: np.ndarray, years: Sequence[int], stages: Sequence[int]) -> list[str]:
    """Where more children leave than live there, in words; nothing where there is nothing to say.

    Parameters
    ----------
    children
        Places x years x ages.
    """
    ages = [age_of(stage) for stage in stages]
    leave = crossings.pupils[..., : KINDS.index(INTO)].sum(axis=-1)
    live = children[:, :, ages]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(live > 0, leave / live, np.nan)
    at = np.argwhere(share > 1)
    said = {
        (int(year), int(stage)): f"{year_name(years[year])}, {stage_name(stages[stage])}: those who go to independent "
        f"schools or elsewhere are {100 * share[place, year, stage]:.0f}% of the registered children of the age"
        for place, year, stage in at
    }
    return [said[key] for key in sorted(said)]


def _key(name: object) -> str:
    return " ".join(str(name).casefold().split())
