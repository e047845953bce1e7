"""What a closure, an amalgamation or a change of age range does to the way to school, pupil by pupil.

Shropshire's old rule looked at the roll alone: forecast to fall below 20, reviewed for closure, "regardless of the
effect on home to school travel distances". Its new principle was "access to education within a reasonable time from
home". So no roll is shown here without the travel of every pupil who would be displaced.

For each displaced pupil: the nearest suitable school, and the nearest suitable school **with room**, by one of two
rules, which is always named:

* ``least total``: as many as can be are given a place, and of all such ways the one with the fewest miles in all (a
  transportation problem, solved exactly by HiGHS);
* ``closest first``: places go to whoever lives closest, pair by pair. It is what comes out when every family asks for
  the nearest school and every school ranks by distance (the one stable matching).

Room is counted for each school and never netted against a full one: places less the roll, and in each year group the
admission number less that year's roll. Where nowhere has room, that is said with how many.

References: Gale and Shapley (1962), American Mathematical Monthly 69:9; Hitchcock (1941), Journal of Mathematics and
Physics 20:224; Huangfu and Hall (2018), Mathematical Programming Computation 10:119.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import maximum_flow

from geoplan.catchments import CLOSED, NONE, CatchmentPlan
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.sentences import listed
from geoplan.travel import YEARS, Travel, not_judged, sex_note, sex_of, suitable, years_taught

LEAST_TOTAL, CLOSEST_FIRST = "least total", "closest first"
RULES = MappingProxyType(
    {
        LEAST_TOTAL: "as many pupils as can be have a place, with the shortest travel in all",
        CLOSEST_FIRST: "places go to whoever lives closest, as where every family asks for its nearest school",
    }
)
OLD_RULE_BELOW = 20
SMALL = (50, 100)
NO_ROOM, NO_SUITABLE, NO_HOME = "no room anywhere", "no suitable school in reach", "home not known"
_FIRST_SCHOOLS = 12  # schools that a pupil is first offered in the solver; others follow if they help
_TINY = 1e-7
_COST_M = 1000.0  # costs in the solver are kilometres (or thousandths of minutes), so that none is very large


@dataclass(frozen=True)
class Reorganisation:
    """What is done to schools.

    Parameters
    ----------
    name
        What people call it.
    close
        Schools that close.
    merge
        The school that remains (one of them, or a new number with a position in the schools file): those made into it.
    years
        Schools that teach other year groups: first and last.
    places_added
        Places more (fewer: below 0) at a school.

    Examples
    --------
    >>> Reorganisation("Close one", close=("101",)).words
    '101 closes'
    """

    name: str
    close: tuple[str, ...] = ()
    merge: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    years: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    places_added: Mapping[str, int] = field(default_factory=dict)

    @property
    def schools(self) -> tuple[str, ...]:
        """Every school concerned."""
        parts = [*self.close, *self.merge, *(code for codes in self.merge.values() for code in codes)]
        return tuple(dict.fromkeys([*parts, *self.years, *self.places_added]))

    @property
    def gone(self) -> tuple[str, ...]:
        """The schools that are no more."""
        merged = [code for into, codes in self.merge.items() for code in codes if code != into]
        return tuple(dict.fromkeys([*self.close, *merged]))

    @property
    def words(self) -> str:
        """What is done, in words."""
        return self.in_words({})

    def in_words(self, names: Mapping[str, str]) -> str:
        """What is done, with the schools' names."""

        def call(code: str) -> str:
            return str(names.get(code, code))

        ends = "closes" if len(self.close) == 1 else "close"
        parts = [f"{listed(map(call, self.close))} {ends}"] if self.close else []
        for into, codes in self.merge.items():
            parts.append(f"{listed(map(call, codes))} become one school at {call(into)}")
        parts += [f"{call(code)} teaches years {low} to {high}" for code, (low, high) in self.years.items()]
        parts += [f"{call(code)} has {added:+,} places" for code, added in self.places_added.items()]
        return "; ".join(parts)

    def apply(self, schools: pd.DataFrame) -> pd.DataFrame:
        """The schools' frame as it would be.

        A school made of several has the places of all their sites and the widest range of years; its admission number
        is the largest of theirs.

        Raises
        ------
        UnknownCodeError
            If a school is not in the frame.
        """
        absent = [code for code in self.schools if code not in schools.index]
        if absent:
            raise UnknownCodeError(f"not in the schools file: {', '.join(absent)}")
        answer = schools.copy()
        for into, codes in self.merge.items():
            parts = schools.loc[list(dict.fromkeys([*codes, *([into] if into in codes else [])]))]
            low, high = years_taught(parts)
            for name, value in (("lowest_year", YEARS[low.min()]), ("highest_year", YEARS[high.max()])):
                answer[name] = answer[name].astype(object) if name in answer else "unknown"
                answer.loc[into, name] = value
            if "places" in answer:
                answer.loc[into, "places"] = parts["places"].sum(min_count=1)
            if "pan" in answer:
                answer.loc[into, "pan"] = parts["pan"].max()
        for code, (low, high) in self.years.items():
            for name, value in (("lowest_year", low), ("highest_year", high)):
                answer[name] = answer[name].astype(object) if name in answer else "unknown"
                answer.loc[code, name] = value
        for code, added in self.places_added.items():
            answer.loc[code, "places"] = max(0, answer.loc[code, "places"] + added)
        return answer.drop(index=list(self.gone))


def reorganisation_of(plan: CatchmentPlan) -> Reorganisation:
    """What a catchment plan does to schools: those it closes, merges, or gives other years or places.

    Examples
    --------
    >>> today = CatchmentPlan("Today", "lsoa21", pd.Series({"E1": "101", "E2": "102"}))
    >>> reorganisation_of(today.close("101", to="102", name="Option")).words
    '101 closes'
    """
    merge = {move.schools[-1]: move.schools[:-1] for move in plan.history if move.verb == "merge"}
    merged = {code for into, codes in merge.items() for code in codes if code != into}
    changed = plan.changes.items()
    return Reorganisation(
        plan.name,
        tuple(sorted(code for code, each in changed if each.status == CLOSED and code not in merged)),
        merge,
        {code: (each.lowest_year, each.highest_year) for code, each in changed if each.lowest_year},
        {code: each.places_added for code, each in changed if each.places_added and each.status == NONE},
    )


# --- room -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Room:
    """Free places, each school's own; infinite where no limit is known.

    Parameters
    ----------
    total
        By school: places less roll, never below 0; NaN where the file has no places.
    by_year
        Schools x year groups: admission number less the year's roll, never below 0; NaN where there is no number.
    """

    total: pd.Series
    by_year: pd.DataFrame

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Both as numbers for the solver: a school without places or admission number takes nobody."""
        total, years = self.total.to_numpy(dtype=float), self.by_year.to_numpy(dtype=float)
        unknown = np.isnan(total) & np.isnan(years).all(axis=1)
        total = np.where(np.isnan(total), np.where(unknown, 0.0, np.inf), total)
        return total, np.where(np.isnan(years), np.inf, years)


def room_of(schools: pd.DataFrame, pupils: pd.DataFrame, by_pan: bool = True) -> Room:
    """Free places by school and by year group.

    Parameters
    ----------
    schools
        The frame; ``places`` and, where it has it, ``pan``.
    pupils
        ``school`` and ``year_group`` of everybody on roll.
    by_pan
        Whether the admission number limits each year group too. By law it limits the year of entry only; schools are
        built and staffed by it in all.

    Examples
    --------
    >>> schools = pd.DataFrame({"places": [60, 60], "pan": [30, 30]}, index=["1", "2"])
    >>> pupils = pd.DataFrame({"school": ["1"] * 40 + ["2"] * 65, "year_group": ["R"] * 105})
    >>> room = room_of(schools, pupils)
    >>> room.total.tolist(), room.by_year["R"].tolist()
    ([20.0, 0.0], [0.0, 0.0])
    """
    school = pupils["school"].astype("str")
    roll = school.value_counts().reindex(schools.index, fill_value=0)
    places = pd.to_numeric(schools["places"]) if "places" in schools else pd.Series(np.nan, schools.index)
    total = (places.astype(float) - roll).clip(lower=0)
    years = list(YEARS)
    table = pd.DataFrame(np.nan, index=schools.index, columns=years)
    if by_pan and "pan" in schools:
        pan = pd.to_numeric(schools["pan"]).to_numpy(dtype=float, na_value=np.nan)
        year = pupils["year_group"].astype("str") if "year_group" in pupils else pd.Series("", pupils.index)
        held = pd.crosstab(school, year).reindex(index=schools.index, columns=years, fill_value=0)
        low, high = years_taught(schools)
        place = np.arange(len(years))
        taught = (low[:, None] <= place) & (place <= high[:, None])
        capped = taught & (YEARS.index("R") <= place) & (place <= YEARS.index("11"))
        table = (pan[:, None] - held).clip(lower=0).where(capped)
    return Room(total, table)


# --- who goes where -------------------------------------------------------------------------------------


def allocate(
    cost: np.ndarray, year: np.ndarray, total: np.ndarray, by_year: np.ndarray, rule: str = LEAST_TOTAL
) -> np.ndarray:
    """The school of each pupil, within room.

    Parameters
    ----------
    cost
        Pupils x schools: how far; NaN or infinite where the school is not suitable or not reached.
    year
        Column of ``by_year`` of each pupil; -1 for none.
    total, by_year
        Room: schools, and schools x year groups; infinite for no limit.
    rule
        One of :data:`RULES`.

    Returns
    -------
    ndarray of int
        Column of each pupil's school, -1 where there is no room.

    Examples
    --------
    >>> cost = np.array([[1.0, 2.0], [1.5, 9.0]])
    >>> one, many = np.array([1.0, 1.0]), np.full((2, 1), np.inf)
    >>> allocate(cost, np.array([0, 0]), one, many, LEAST_TOTAL).tolist()
    [1, 0]
    >>> allocate(cost, np.array([0, 0]), one, many, CLOSEST_FIRST).tolist()
    [0, 1]
    """
    if rule not in RULES:
        raise ValueError(f"rule is {' or '.join(RULES)}, not {rule!r}")
    if not len(cost):
        return np.empty(0, dtype=np.int64)
    cost = np.where(np.isnan(cost), np.inf, cost)
    work = _least_total if rule == LEAST_TOTAL else _closest_first
    return work(cost, year, total, by_year)


def _closest_first(cost, year, total, by_year) -> np.ndarray:
    answer = np.full(len(cost), -1, dtype=np.int64)
    left, left_year = total.copy(), by_year.copy()
    pupil, school = np.nonzero(np.isfinite(cost))
    for at in np.lexsort((school, pupil, cost[pupil, school])):
        i, j = pupil[at], school[at]
        if answer[i] >= 0 or left[j] < 1 or (year[i] >= 0 and left_year[j, year[i]] < 1):
            continue
        answer[i] = j
        left[j] -= 1
        if year[i] >= 0:
            left_year[j, year[i]] -= 1
    return answer


def _least_total(cost, year, total, by_year) -> np.ndarray:
    """Most pupils placed (a greatest flow); then, so many placed, the least travel. Pupils alike are one row.

    The linear programme begins with each row's nearest schools and those of the flow; its prices then say which other
    schools could shorten the travel, and those are added until none could. The answer is that of all schools at once.
    """
    key = np.column_stack([np.where(np.isfinite(cost), cost, -1.0), year])
    kinds, of, size = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    of, years = of.reshape(-1), kinds[:, -1].astype(int)
    answer = np.full(len(cost), -1, dtype=np.int64)
    length = np.where(kinds[:, :-1] >= 0, kinds[:, :-1] / _COST_M, np.inf)
    length[:, total < 1] = np.inf
    length[_cap_of(by_year, years) < 1] = np.inf
    if not np.isfinite(length).any():
        return answer
    placed, used = _most_placed(length, size, years, total, by_year)
    first = np.argsort(length, axis=1, kind="stable")[:, :_FIRST_SCHOOLS]
    open_ = used.copy()
    np.put_along_axis(open_, first, True, axis=1)
    open_ &= np.isfinite(length)
    while True:
        group, school = np.nonzero(open_)
        flow, prices = _cheapest(length, group, school, size, years, total, by_year, placed)
        worth = np.isfinite(length) & ~open_ & (length - prices < -_TINY)
        if not worth.any():
            break
        gain = np.where(worth, length - prices, np.inf)
        best = np.argsort(gain, axis=1, kind="stable")[:, :_FIRST_SCHOOLS]
        more = np.zeros_like(open_)
        np.put_along_axis(more, best, True, axis=1)
        open_ |= more & worth
    members = np.argsort(of, kind="stable")
    taken = np.concatenate([[0], np.cumsum(size)])[:-1].copy()
    for k in np.flatnonzero(flow):
        part = members[taken[group[k]] : taken[group[k]] + flow[k]]
        answer[part] = school[k]
        taken[group[k]] += flow[k]
    return answer


def _cap_of(by_year: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Room of each school for each row's year group: rows x schools; infinite without a year."""
    return np.where(years[:, None] >= 0, by_year[:, np.maximum(years, 0)].T, np.inf)


def _most_placed(length, size, years, total, by_year) -> tuple[int, np.ndarray]:
    """How many can have a place at all, and one way to do it: rows x schools that are used."""
    rows, schools = length.shape
    cells = schools * by_year.shape[1]
    group, school = np.nonzero(np.isfinite(length))
    source, sink = rows + cells + schools, rows + cells + schools + 1
    all_ = int(size.sum())
    cell = rows + school * by_year.shape[1] + np.maximum(years[group], 0)
    school_at = rows + cells + np.arange(schools)
    to = np.where(years[group] >= 0, cell, school_at[school])
    room, each = (np.where(np.isfinite(cap), np.floor(cap), all_).clip(max=all_) for cap in (total, by_year))
    start = np.r_[np.full(rows, source), group, rows + np.arange(cells), school_at]
    end = np.r_[np.arange(rows), to, np.repeat(school_at, by_year.shape[1]), np.full(schools, sink)]
    most = np.r_[size, size[group], each.ravel(), room].astype(np.int32)
    graph = sparse.csr_matrix((most, (start, end)), shape=(sink + 1, sink + 1))
    answer = maximum_flow(graph, source, sink)
    flow = answer.flow.tocoo()
    out = (flow.row < rows) & (flow.data > 0) & (flow.col >= rows) & (flow.col < source)
    used = np.zeros((rows, schools), dtype=bool)
    at = flow.col[out] - rows
    used[flow.row[out], np.where(at < cells, at // by_year.shape[1], at - cells)] = True
    return int(answer.flow_value), used


def _cheapest(length, group, school, size, years, total, by_year, placed) -> tuple[np.ndarray, np.ndarray]:
    """The least travel with ``placed`` pupils placed, by the pairs offered; and the price of every pair."""
    number, ones = np.arange(len(group)), np.ones(len(group))
    own = (years[group] >= 0) & np.isfinite(by_year[school, np.maximum(years[group], 0)])
    cell = school * by_year.shape[1] + np.maximum(years[group], 0)
    cells = total.size * by_year.shape[1]
    parts = [
        sparse.csr_array((ones, (group, number)), shape=(len(size), len(group))),
        sparse.csr_array((ones, (school, number)), shape=(total.size, len(group))),
        sparse.csr_array((ones[own], (cell[own], number[own])), shape=(cells, len(group))),
    ]
    caps = np.concatenate([size, np.floor(total), np.floor(by_year.ravel())])
    matrix = sparse.vstack(parts).tocsr()
    held = np.flatnonzero((np.diff(matrix.indptr) > 0) & np.isfinite(caps))
    best = linprog(
        length[group, school], A_ub=matrix[held], b_ub=caps[held], A_eq=sparse.csr_array(ones[None, :]), b_eq=[placed],
        bounds=(0, None), method="highs-ds",
    )  # fmt: skip
    price = np.zeros(len(caps))
    price[held] = best.ineqlin.marginals
    rows, schools, each = np.split(price, [len(size), len(size) + total.size])
    by_cell = each.reshape(by_year.shape)
    of_year = np.where(years[:, None] >= 0, by_cell[:, np.maximum(years, 0)].T, 0.0)
    return np.rint(best.x).astype(int), rows[:, None] + schools[None, :] + of_year + best.eqlin.marginals[0]


# --- a reorganisation, pupil by pupil -------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Access:
    """What a reorganisation does to the way to school; inside only.

    Parameters
    ----------
    option
        What is done.
    pupils
        One row for each pupil displaced: ``school`` (today's), ``nearest`` (the nearest suitable, room or not), ``to``
        (with room; "" for none), ``why`` ("" or why there is none), ``before``, ``nearest_value``, ``after`` (metres or
        minutes, NaN where not known), ``year_group``, ``home`` (whether it is known), ``not_judged`` (whether a
        single-sex school might suit, if their sex were known); the index is that of the pupils given.
    schools
        By school that remains: ``places``, ``roll`` (without those who come), ``comes``, ``left`` (places less both;
        NaN without places).
    rule
        How places were given.
    unit
        ``m`` or ``minutes``.
    notes
        What decides the figures, in sentences.
    """

    option: Reorganisation
    pupils: pd.DataFrame = field(repr=False)
    schools: pd.DataFrame = field(repr=False)
    rule: str
    unit: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Access after {self.option.name}: by the rule {self.rule!r}; not protected>"

    def __reduce_ex__(self, protocol) -> NoReturn:
        raise NotProtected("access holds facts about single pupils and is not pickled or copied")

    @property
    def nowhere(self) -> int:
        """Displaced pupils for whom nowhere has room."""
        return int((self.pupils["why"] == NO_ROOM).sum())


def displaced(pupils: pd.DataFrame, schools: pd.DataFrame, option: Reorganisation) -> tuple[np.ndarray, np.ndarray]:
    """Which pupils a reorganisation displaces, and the school each goes with without asking ("" for none).

    Those at a school that is made into another go with it if it teaches their year; they are displaced too, since their
    way changes. Those whose school no longer teaches their year have to look for another.
    """
    after = option.apply(schools)
    school = pupils["school"].astype("str").to_numpy()
    into = {code: new for new, codes in option.merge.items() for code in codes}
    year = pupils["year_group"].astype("str").to_numpy() if "year_group" in pupils else np.full(len(pupils), "")
    new = np.array([into.get(code, "" if code in option.close else code) for code in school], dtype=object)
    number = pd.Index(YEARS).get_indexer(pd.Index(year))
    low, high = years_taught(after)
    at = after.index.get_indexer(pd.Index(new))
    wrong = (at >= 0) & (number >= 0) & ((number < low[at]) | (number > high[at]))
    ranged = np.isin(school, [*option.years, *into])
    new = np.where(wrong & ranged, "", new)
    moves = (new != school) & (np.isin(school, list(option.gone)) | (wrong & ranged))
    return moves, np.where(moves, new, "")


def reorganise(
    pupils: pd.DataFrame,
    schools: pd.DataFrame,
    option: Reorganisation,
    travel: Travel,
    at: np.ndarray,
    *,
    rule: str = LEAST_TOTAL,
    by_pan: bool = True,
    faith: str = "any",
    furthest: float = np.inf,
) -> Access:
    """Where displaced pupils would go, and how far.

    Parameters
    ----------
    pupils
        Everybody on roll: ``school``, ``year_group`` and, where there is one, ``sex``.
    schools
        The schools' frame.
    option
        What is done.
    travel
        Distances or times to every school (a school without any takes nobody).
    at
        Row of ``travel`` of each pupil; -1 where the home is not known.
    rule, by_pan
        How places are given (:data:`RULES`), and what limits them (:func:`room_of`).
    faith
        As for :func:`geoplan.travel.suitable`; with ``same``, a school of the closing school's own character.
    furthest
        No school further than this is offered.

    Raises
    ------
    UnknownCodeError
        If a school is not in the file, or nobody would be displaced.
    """
    after = option.apply(schools)
    moves, own = displaced(pupils, schools, option)
    if not moves.any():
        raise UnknownCodeError(f"{option.name}: nobody on these rolls is displaced by it ({option.words})")
    gone = pupils[moves]
    stay = pd.DataFrame({"school": pupils["school"].astype("str").to_numpy()[~moves]})
    if "year_group" in pupils:
        stay["year_group"] = pupils["year_group"].astype("str").to_numpy()[~moves]
    with_them = pd.DataFrame({"school": own[moves & (own != "")]})
    if "year_group" in pupils:
        with_them["year_group"] = gone["year_group"].astype("str").to_numpy()[own[moves] != ""]
    offered = after[after.index.isin(travel.schools)]
    room = room_of(offered, pd.concat([stay, with_them], ignore_index=True), by_pan)
    row = at[moves]
    values = np.full((len(gone), len(offered)), np.nan)
    ways = travel.to(list(offered.index))
    values[row >= 0] = ways.values[row[row >= 0]]
    can, unsure = _suitable(gone, schools, offered, faith)
    near = np.where(can & np.isfinite(values), values, np.inf)
    nearest, nearest_value = near.argmin(axis=1), near.min(axis=1)
    fixed = offered.index.get_indexer(pd.Index(own[moves]))
    cost = np.where(near <= furthest, near, np.inf)
    free = fixed < 0
    number = pd.Index(YEARS).get_indexer(pd.Index(_years(gone)))
    to = fixed.astype(np.int64)
    to[free] = allocate(cost[free], number[free], *room.limits(), rule)
    before = _before(gone, travel, row)
    found = pd.DataFrame(
        {
            "school": gone["school"].astype("str").to_numpy(),
            "year_group": _years(gone),
            "nearest": np.where(np.isfinite(nearest_value), offered.index.to_numpy()[nearest], ""),
            "to": np.where(to >= 0, offered.index.to_numpy()[np.maximum(to, 0)], ""),
            "before": before,
            "nearest_value": np.where(np.isfinite(nearest_value), nearest_value, np.nan),
            "after": np.where(to >= 0, values[np.arange(len(to)), np.maximum(to, 0)], np.nan),
            "home": row >= 0,
            "not_judged": unsure & free,
        },
        index=gone.index,
    )
    reach = np.isfinite(cost).any(axis=1)
    found["why"] = np.where(to >= 0, "", np.where(row < 0, NO_HOME, np.where(reach, NO_ROOM, NO_SUITABLE)))
    notes = [
        *travel.notes,
        f"Places: {RULES[rule]}. Each school's own room; a full school is never set against another.",
    ]
    if by_pan and "pan" in after:
        notes.append("In each year group a school takes no more than its admission number.")
    said = sex_note(offered, sex_of(gone), "those who leave one")
    notes += [said] if said else []
    return Access(option, found, _remaining(after, stay, found), rule, travel.unit, tuple(notes))


def _suitable(
    gone: pd.DataFrame, schools: pd.DataFrame, offered: pd.DataFrame, faith: str
) -> tuple[np.ndarray, np.ndarray]:
    """Suitable schools of each pupil: by year group, by the child's sex where it is known, and by what the school
    left is (for one sex, selective, of a faith). And the pupils for whom single-sex schools cannot be judged."""
    can, unsure = np.zeros((len(gone), len(offered)), dtype=bool), np.zeros(len(gone), dtype=bool)
    school, years, sex = gone["school"].astype("str").to_numpy(), _years(gone), sex_of(gone)
    for code in np.unique(school):
        rows = school == code
        own = schools.loc[code] if code in schools.index else pd.Series(dtype=object)
        how = {
            "gender": str(own.get("gender", "")) if str(own.get("gender", "")).casefold() in ("boys", "girls") else "",
            "faith": faith,
            "character": str(own.get("faith", "")),
            "selective": str(own.get("admissions", "")).casefold() in ("selective", "yes", "y"),
            "special": "special" in f"{own.get('phase', '')} {own.get('type', '')}".casefold(),
        }
        told = None if sex is None else sex.to_numpy()[rows]
        can[rows] = suitable(offered, years[rows], sex=told, **how)
        if not how["gender"]:
            unsure[rows] = not_judged(offered, years[rows], told, **how)
    return can, unsure


def _years(pupils: pd.DataFrame) -> np.ndarray:
    years = pupils["year_group"].astype("str") if "year_group" in pupils else pd.Series("unknown", pupils.index)
    return years.to_numpy(dtype=object)


def _before(gone: pd.DataFrame, travel: Travel, row: np.ndarray) -> np.ndarray:
    own = travel.schools.get_indexer(pd.Index(gone["school"].astype("str")))
    known = (row >= 0) & (own >= 0)
    return np.where(known, travel.values[np.where(known, row, 0), np.where(known, own, 0)], np.nan)


def _remaining(after: pd.DataFrame, stay: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    roll = stay["school"].value_counts().reindex(after.index, fill_value=0)
    comes = found["to"].value_counts().reindex(after.index, fill_value=0)
    places = pd.to_numeric(after["places"]).astype(float) if "places" in after else pd.Series(np.nan, after.index)
    return pd.DataFrame({"places": places, "roll": roll, "comes": comes, "left": places - roll - comes})


# --- small schools: the old rule beside the new principle -----------------------------------------------


def is_rural(words: pd.Series) -> pd.Series:
    """Whether an urban and rural classification, in words or by its code, says rural.

    Examples
    --------
    >>> words = ["Rural: Nearer to a major town or city", "(England/Wales) Urban city and town", "RSN1", "E2", "A1"]
    >>> is_rural(pd.Series(words)).tolist()
    [True, False, True, True, False]
    """
    text = words.astype("str").str.strip().str.casefold()
    code = text.str.fullmatch(r"r[ls][nf]\d?|[def]\d")
    return (text.str.contains("rural") & ~text.str.contains("urban")) | code.fillna(False).astype(bool)


def small_schools(rolls: pd.Series, under: Sequence[int] = SMALL) -> dict[int, int]:
    """How many schools have fewer pupils than each size; a school without pupils is not counted.

    Examples
    --------
    >>> small_schools(pd.Series([12, 49, 50, 99, 100, 0]))
    {50: 2, 100: 4}
    """
    return {size: int(((rolls > 0) & (rolls < size)).sum()) for size in sorted(under)}


def old_rule(rolls: pd.Series, forecast: pd.DataFrame | None = None, below: int = OLD_RULE_BELOW) -> pd.DataFrame:
    """Which schools the rule by roll alone would review: forecast to fall below so many.

    Parameters
    ----------
    rolls
        By school, today.
    forecast
        ``school``, ``year``, ``pupils``; without it the roll of today stands for the forecast, and that is said.
    below
        20 in Shropshire.

    Returns
    -------
    DataFrame
        By school: ``lowest`` (the lowest forecast, or today's roll), ``lowest_year`` ("" for today), ``review``.
    """
    lowest = rolls.astype(float).rename("lowest").to_frame()
    lowest["lowest_year"] = ""
    if forecast is not None and len(forecast):
        at = forecast.sort_values("pupils", kind="stable").drop_duplicates("school").set_index("school")
        known = lowest.index.intersection(at.index)
        lowest.loc[known, "lowest"] = at.loc[known, "pupils"].astype(float)
        lowest.loc[known, "lowest_year"] = at.loc[known, "year"].astype(str)
    lowest["review"] = lowest["lowest"] < below
    return lowest


def closure_screen(
    pupils: pd.DataFrame,
    schools: pd.DataFrame,
    candidates: Iterable[str],
    travel: Travel,
    at: np.ndarray,
    **options,
) -> dict[str, Access]:
    """Each school closed by itself, the others as they are: where its pupils would go.

    ``options`` are those of :func:`reorganise`. Closing two of them is another question: room is then shared.
    """
    return {
        code: reorganise(pupils, schools, Reorganisation(f"{code} closes", close=(code,)), travel, at, **options)
        for code in candidates
    }
