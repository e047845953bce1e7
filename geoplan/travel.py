"""How far it is to school, by a stated measure; the nearest suitable schools; who is over a limit of free travel.

Three measures, none of which stands for another:

* the **straight line** between two stated points, rounded as stated: it decides admission ties;
* a **matrix** that the user gives, in metres or minutes, by whatever means it says;
* the **walk** along a network: it decides free travel (with the limits of :mod:`geoplan.transport_rules`).

A straight line is never longer than a walk. So it answers one side of a limit exactly: over it by straight line is
over it by any route; under it, the answer is "needs a route". Every test here is worked out with the least and the
most that a distance can be, so "certainly" means certainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NoReturn

import numpy as np
import pandas as pd

from geoplan.distances import METRES_PER_MILE, straight_line_table_m
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.networks import FAR_SNAP_M, Network, table_of_snaps, walking_m
from geoplan.sources import Source
from geoplan.transport_rules import ages_of, limits_on, walking_limit_miles

METRES, MINUTES = "m", "minutes"
STRAIGHT, WALK, MATRIX = "straight line", "walk along the network", "matrix"
HOME = "the home's postcode"
SCHOOL = "the school's grid reference"
YEARS = ("N1", "N2", "R", *map(str, range(1, 15)))
YES, NO, UNKNOWN = "yes", "no", "unknown"
ENTITLED, LOW_INCOME_ENTITLED, NEARER, ROUTE, WITHIN, NOT_KNOWN = (
    "over the limit, at the nearest suitable school",
    "low income: within the longer limits",
    "over the limit, but a suitable school is nearer",
    "over the limit or not: needs a route",
    "within the limit",
    "not known",
)
ALL_OVER = "over the limit, as every suitable school is"
OVER_NEAREST_UNKNOWN = "over the limit; whether a nearer school suits needs a route"
NOT_OF_AGE = "not of compulsory school age"
STATUSES = (
    ENTITLED, ALL_OVER, LOW_INCOME_ENTITLED, OVER_NEAREST_UNKNOWN, NEARER, ROUTE, WITHIN, NOT_OF_AGE, NOT_KNOWN,
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Travel:
    """Distance or time from places to schools.

    Parameters
    ----------
    values
        Places x schools; NaN where it is not known.
    places, schools
        Codes of the rows and columns.
    unit
        ``m`` or ``minutes``.
    by
        ``straight line``, ``walk along the network`` or ``matrix``.
    notes
        The points, the rounding and whatever else decides the figures, in sentences; printed with them.
    route
        Whether the values are routes walked (a network, or a matrix that says so): then a limit of free travel has an
        exact answer.
    at_least_m
        The least metres that any walk can be, where they are known: the straight line.
    source
        Of a network or matrix.
    """

    values: np.ndarray
    places: pd.Index
    schools: pd.Index
    unit: str = METRES
    by: str = STRAIGHT
    notes: tuple[str, ...] = ()
    route: bool = False
    at_least_m: np.ndarray | None = None
    source: Source | None = None

    def __post_init__(self):
        if self.values.shape != (len(self.places), len(self.schools)):
            raise ValueError(f"values are {self.values.shape}, places x schools {len(self.places), len(self.schools)}")

    def __repr__(self) -> str:
        return f"<Travel by {self.by}, {self.unit}: {len(self.places):,} places x {len(self.schools):,} schools>"

    def __reduce_ex__(self, protocol) -> NoReturn:
        raise NotProtected("distances from homes are facts about single people and are not pickled or copied")

    def to(self, schools: Sequence[str]) -> Travel:
        """The same to some of the schools, in the order given.

        Raises
        ------
        UnknownCodeError
            If there is no column for one.
        """
        at = self.schools.get_indexer(pd.Index(schools))
        if (at < 0).any():
            raise UnknownCodeError(f"no distances to {schools[int(np.flatnonzero(at < 0)[0])]}")
        least = None if self.at_least_m is None else self.at_least_m[:, at]
        return replace(self, values=self.values[:, at], schools=self.schools[at], at_least_m=least)

    def between(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the most metres that each walk can be.

        Raises
        ------
        ValueError
            If these are minutes, of which no limit speaks.
        """
        if self.unit != METRES:
            raise ValueError("limits of free travel are distances; minutes do not say them")
        if self.route:
            least = np.where(np.isnan(self.values), 0.0 if self.at_least_m is None else self.at_least_m, self.values)
            return least, np.where(np.isnan(self.values), np.inf, self.values)
        known = self.at_least_m if self.at_least_m is not None else np.zeros(self.values.shape)
        return np.nan_to_num(known, nan=0.0), np.full(self.values.shape, np.inf)


def points_of(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The different places that people live at, and the number of each person's (-1 where it is not known).

    Parameters
    ----------
    frame
        Columns ``easting`` and ``northing``, one row a person.

    Examples
    --------
    >>> places, at = points_of(pd.DataFrame({"easting": [1.0, 5, 1, None], "northing": [2.0, 5, 2, None]}))
    >>> len(places), at.tolist()
    (2, [0, 1, 0, -1])
    """
    known = (frame["easting"].notna() & frame["northing"].notna()).to_numpy()
    xy = frame.loc[known, ["easting", "northing"]].to_numpy(dtype=float)
    places, number = np.unique(xy, axis=0, return_inverse=True)
    at = np.full(len(frame), -1, dtype=np.int64)
    at[known] = number.reshape(-1)
    return pd.DataFrame(places, columns=["easting", "northing"]), at


def by_straight_line(
    places: pd.DataFrame, schools: pd.DataFrame, *, points: tuple[str, str] = (HOME, SCHOOL), round_to_m: float = 0.0
) -> Travel:
    """Straight lines.

    Parameters
    ----------
    places, schools
        ``easting``, ``northing``, indexed by code. Schools without a position are left out, and said.
    points
        What the two ends are, in words: authorities use the address point, the gate, the middle of the building.
    round_to_m
        Round to the nearest multiple, halves up (1.609344 for a thousandth of a mile); 0 for none.

    Examples
    --------
    >>> home = pd.DataFrame({"easting": [0.0], "northing": [0.0]})
    >>> school = pd.DataFrame({"easting": [300.0], "northing": [401.0]}, index=["101"])
    >>> by_straight_line(home, school, round_to_m=10).values.tolist()
    [[500.0]]
    """
    schools, notes = _placed_schools(schools)
    exact = straight_line_table_m(places["easting"], places["northing"], schools["easting"], schools["northing"])
    values = exact if round_to_m <= 0 else np.floor(exact / round_to_m + 0.5) * round_to_m
    said = f"Straight lines from {points[0]} to {points[1]}, " + (
        f"rounded to the nearest {round_to_m:g} m." if round_to_m > 0 else "not rounded."
    )
    return Travel(values, places.index, schools.index, METRES, STRAIGHT, (said, *notes), at_least_m=exact)


def by_network(
    places: pd.DataFrame, schools: pd.DataFrame, network: Network, *, far_m: float = FAR_SNAP_M, limit_m: float = np.inf
) -> Travel:
    """Walks along a network; see :mod:`geoplan.networks`.

    Parameters
    ----------
    places, schools
        ``easting``, ``northing``, indexed by code.
    network
        The ways.
    far_m
        Places further from any way than this are said: the file may not cover them.
    limit_m
        Look no further than this.
    """
    schools, notes = _placed_schools(schools)
    xy = places[["easting", "northing"]].to_numpy(dtype=float), schools[["easting", "northing"]].to_numpy(dtype=float)
    walks = walking_m(network, *xy, limit_m=limit_m)
    snaps = table_of_snaps(walks, far_m)
    homes, ends = snaps.loc["points"], snaps.loc["schools"]
    said = [
        f"Walks along {network.source.title}: the straight metres to the nearest way, then the shortest way "
        f"(homes {homes['median_m']:.0f} m from it at the median, {homes['most_m']:.0f} m at most)."
    ]
    if homes["far"] or ends["far"]:
        said.append(
            f"{_many(homes['far'], 'place')} and {_many(ends['far'], 'school')} are over {far_m:g} m from any way: the "
            "network may not cover them."
        )
    lost = np.isnan(walks.metres)
    if lost.all(axis=1).any() and np.isinf(limit_m):
        said.append(
            f"{_many(int(lost.all(axis=1).sum()), 'place')} cannot be reached on this network (it is in "
            f"{network.pieces:,} pieces); no walk is given for them."
        )
    elif lost.any() and np.isinf(limit_m):
        said.append("Some schools cannot be reached from some places on this network; no walk is given for those.")
    straight = straight_line_table_m(*xy[0].T, *xy[1].T)
    return Travel(
        walks.metres, places.index, schools.index, METRES, WALK, (*said, *network.notes, *notes), True, straight,
        network.source,
    )  # fmt: skip


def by_matrix(
    matrix: pd.DataFrame, places: pd.Index, schools: pd.Index, unit: str, source: Source, *, route: bool = False
) -> Travel:
    """Distances or times that the user gives.

    Parameters
    ----------
    matrix
        Columns ``place``, ``school``, ``value``: one row a pair.
    places, schools
        Those wanted; a pair that the matrix lacks is not known, and how many is said.
    unit
        ``m`` or ``minutes``.
    source
        The file.
    route
        Whether metres are those of the shortest safe walk.

    Examples
    --------
    >>> given = pd.DataFrame({"place": ["A", "A"], "school": ["1", "2"], "value": [10.0, 20.0]})
    >>> travel = by_matrix(given, pd.Index(["A", "B"]), pd.Index(["1", "2"]), "minutes", Source("t"))
    >>> travel.notes[1]
    '2 of 4 pairs of a place and a school are not in the matrix: not known. 1 of 2 places has none at all.'
    """
    row, column = places.get_indexer(matrix["place"]), schools.get_indexer(matrix["school"])
    used = (row >= 0) & (column >= 0)
    values = np.full((len(places), len(schools)), np.nan)
    values[row[used], column[used]] = matrix["value"].to_numpy(dtype=float)[used]
    said = [f"{'Metres' if unit == METRES else 'Minutes'} as given in {source.title}."]
    lost = np.isnan(values)
    if lost.any():
        none = int(lost.all(axis=1).sum())
        has = "has" if none == 1 else "have"
        more = f" {none:,} of {_many(len(places), 'place')} {has} none at all." if none else ""
        pairs = f"{int(lost.sum()):,} of {lost.size:,} pairs of a place and a school"
        said.append(f"{pairs} are not in the matrix: not known.{more}")
    if (~used).any():
        said.append(f"{int((~used).sum()):,} of {len(matrix):,} rows of the matrix are of other places or schools.")
    least = np.where(lost, 0.0, values) if route and unit == METRES else None
    return Travel(values, places, schools, unit, MATRIX, tuple(said), route and unit == METRES, least, source)


# --- suitable schools -----------------------------------------------------------------------------------


def suitable(
    schools: pd.DataFrame,
    year_groups: pd.Series | np.ndarray,
    *,
    sex: pd.Series | np.ndarray | None = None,
    gender: str = "",
    faith: str = "any",
    character: str = "",
    selective: bool = False,
    special: bool = False,
) -> np.ndarray:
    """Which schools suit which pupils, by what a schools file says: never whether a family would choose it.

    Parameters
    ----------
    schools
        The schools' frame, in the order of the columns wanted.
    year_groups
        Of each pupil; a pupil without one suits any school.
    sex
        Of each pupil: ``F``, ``M`` or ``unknown``. A school for girls suits girls, one for boys suits boys; a pupil
        whose sex is not known takes ``gender``.
    gender
        ``Boys`` or ``Girls`` lets schools of that one in besides mixed ones; else mixed schools only.
    faith
        ``any``; ``none`` (schools without a religious character); ``same`` (those with this ``character``).
    character
        For ``same``.
    selective, special
        Whether grammar schools and special schools count.

    Returns
    -------
    ndarray of bool
        Pupils x schools.

    Examples
    --------
    >>> frame = pd.DataFrame({"lowest_year": ["R", "7"], "highest_year": ["6", "11"]}, index=["1", "2"])
    >>> suitable(frame, ["3", "8", "unknown"]).tolist()
    [[True, False], [False, True], [True, True]]
    >>> suitable(frame.assign(gender=["Mixed", "Girls"]), ["8", "8", "8"], sex=["F", "M", "unknown"]).tolist()
    [[False, True], [False, False], [False, False]]
    """
    if faith not in {"any", "none", "same"}:
        raise ValueError(f"faith is any, none or same, not {faith!r}")
    can = np.ones(len(schools), dtype=bool)
    if "admissions" in schools and not selective:
        can &= ~schools["admissions"].astype("str").str.casefold().isin(["selective", "yes", "y"]).to_numpy()
    if not special:
        for name in ("phase", "type"):
            if name in schools:
                can &= ~schools[name].astype("str").str.contains("special", case=False).to_numpy()
    if "status" in schools:
        can &= ~schools["status"].astype("str").str.casefold().isin(["closed", "proposed to open"]).to_numpy()
    if "faith" in schools and faith != "any":
        own = religious_character(schools)
        can &= (own == "") if faith == "none" else own == _plain_faith(character)
    low, high = years_taught(schools)
    number = pd.Index(YEARS).get_indexer(pd.Index(np.asarray(year_groups, dtype=object)))
    answer = can[None, :] & ((number[:, None] < 0) | ((low[None, :] <= number[:, None]) & (number[:, None] <= high)))
    one = single_sex(schools)
    if (one != "").any():
        asked = np.full(len(number), _ONE_SEX.get(gender.casefold(), ""), dtype=object)
        if sex is not None:
            told = np.asarray(sex, dtype=object)
            asked = np.where(np.isin(told, list(_ONE_SEX.values())), told, asked)
        answer &= (one == "")[None, :] | (one[None, :] == asked[:, None])
    return answer


_ONE_SEX = {"girls": "F", "boys": "M"}
_NO_FAITH = ("", "none", "does not apply", "not applicable", "nan")


def _plain_faith(character: str) -> str:
    return "" if character.strip().casefold() in _NO_FAITH else character.strip().casefold()


def religious_character(schools: pd.DataFrame) -> np.ndarray:
    """The religious character of each school, in small letters; "" for none.

    Examples
    --------
    >>> religious_character(pd.DataFrame({"faith": ["Church of England", "None", "Does not apply"]})).tolist()
    ['church of england', '', '']
    """
    if "faith" not in schools:
        return np.full(len(schools), "", dtype=object)
    return schools["faith"].astype("str").map(_plain_faith).to_numpy(dtype=object)


def same_character(schools: pd.DataFrame, attended: pd.Series | np.ndarray) -> np.ndarray:
    """Pupils x schools: those with the religious character of the school that each pupil attends.

    Examples
    --------
    >>> frame = pd.DataFrame({"faith": ["Jewish", "None", "Jewish"]}, index=["1", "2", "3"])
    >>> same_character(frame, ["1", "2"]).tolist()
    [[True, False, True], [False, True, False]]
    """
    own = religious_character(schools)
    at = pd.Index(schools.index.astype("str")).get_indexer(pd.Index(np.asarray(attended, dtype=object).astype(str)))
    mine = np.where(at >= 0, own[np.maximum(at, 0)], "")
    return mine[:, None] == own[None, :]


def single_sex(schools: pd.DataFrame) -> np.ndarray:
    """Whom each school is for: ``F``, ``M``, or "" for a mixed school and one that the file says nothing of.

    Examples
    --------
    >>> single_sex(pd.DataFrame({"gender": ["Girls", "Mixed", "boys", ""]})).tolist()
    ['F', '', 'M', '']
    """
    if "gender" not in schools:
        return np.full(len(schools), "", dtype=object)
    own = schools["gender"].astype("str").str.strip().str.casefold()
    return own.map(_ONE_SEX).fillna("").to_numpy(dtype=object)


def not_judged(schools: pd.DataFrame, year_groups, sex, **how) -> np.ndarray:
    """The pupils for whom it cannot be said whether a single-sex school suits: one does if they are of its sex.

    Parameters
    ----------
    schools, year_groups, sex
        As for :func:`suitable`; ``sex`` None where no pupil's is known.
    how
        The other options of :func:`suitable`.

    Examples
    --------
    >>> frame = pd.DataFrame({"gender": ["Girls", "Mixed"], "lowest_year": ["7", "R"]}, index=["1", "2"])
    >>> not_judged(frame, ["8", "8", "3"], ["F", "unknown", "unknown"]).tolist()
    [False, True, False]
    """
    years = np.asarray(year_groups, dtype=object)
    told = np.full(len(years), UNKNOWN, dtype=object) if sex is None else np.asarray(sex, dtype=object)
    number, kinds = pd.factorize(years.astype(str))
    plain = suitable(schools, kinds, **how)
    more = [suitable(schools, kinds, sex=np.full(len(kinds), each), **how) & ~plain for each in _ONE_SEX.values()]
    return np.logical_or.reduce([each.any(axis=1) for each in more])[number] & ~np.isin(told, list(_ONE_SEX.values()))


def sex_note(schools: pd.DataFrame, sex: pd.Series | None, but: str = "those who attend one") -> str:
    """How single-sex schools were judged, in a sentence; "" where there are none.

    Parameters
    ----------
    schools
        Those that could be suitable.
    sex
        Of the pupils concerned; None where the file does not say.
    but
        Of whom it is known without: who attend such a school, or leave one.
    """
    if not (single_sex(schools) != "").any():
        return ""
    if sex is None:
        return (
            "The pupils file does not say who is a girl and who a boy: a school for girls or for boys was counted as "
            f"suitable only for {but}."
        )
    said = "A school for girls was counted as suitable for girls, one for boys for boys"
    known = np.isin(np.asarray(sex, dtype=object), list(_ONE_SEX.values())).all()
    return f"{said}." if known else f"{said}; where the pupils file does not say, only for {but}."


def sex_of(pupils: pd.DataFrame) -> pd.Series | None:
    """The sex of each pupil, where the file has it."""
    return pupils["sex"].astype("str") if "sex" in pupils else None


def years_taught(schools: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First and last year group of each school as places in :data:`YEARS`; from ages where the file has only those."""
    index = pd.Index(YEARS)
    low, high = np.zeros(len(schools), dtype=int), np.full(len(schools), len(YEARS) - 1)
    for name, age, off, answer in (("lowest_year", "lowest_age", 4, low), ("highest_year", "highest_age", 5, high)):
        number = np.full(len(schools), -1)
        if name in schools:
            number = index.get_indexer(pd.Index(schools[name].astype("object")))
        if age in schools:
            years = pd.to_numeric(schools[age]).to_numpy(dtype=float, na_value=np.nan) - off
            place = np.clip(np.nan_to_num(years, nan=-9) + YEARS.index("R"), -1, len(YEARS) - 1).astype(int)
            number = np.where(number < 0, np.where(np.isnan(years), -1, place), number)
        answer[:] = np.where(number >= 0, number, answer)
    return low, high


def nearest(travel: Travel, count: int = 1, can: np.ndarray | None = None) -> pd.DataFrame:
    """The nearest schools of each place, the nearest first; of two as near, the lower code.

    Parameters
    ----------
    travel
        Distances.
    count
        How many.
    can
        Places x schools: which count.

    Returns
    -------
    DataFrame
        Columns ``place``, ``rank`` (from 1), ``school``, ``value``; places with fewer have fewer rows.

    Examples
    --------
    >>> travel = Travel(np.array([[5.0, 2.0, 2.0]]), pd.Index(["A"]), pd.Index(["1", "3", "2"]))
    >>> nearest(travel, 2)["school"].tolist()
    ['2', '3']
    """
    order = np.argsort(travel.schools.to_numpy().astype(str), kind="stable")
    values = travel.values[:, order]
    values = np.where(np.isnan(values) | (False if can is None else ~can[:, order]), np.inf, values)
    count = min(count, values.shape[1])
    ranked = np.argsort(values, axis=1, kind="stable")[:, :count]
    found = np.take_along_axis(values, ranked, axis=1)
    row, rank = np.nonzero(np.isfinite(found))
    return pd.DataFrame(
        {
            "place": travel.places.to_numpy()[row],
            "rank": rank + 1,
            "school": travel.schools.to_numpy()[order[ranked[row, rank]]],
            "value": found[row, rank],
        }
    )


def to_school(pupils: pd.DataFrame, at: np.ndarray, travel: Travel, schools: pd.DataFrame) -> pd.DataFrame:
    """How far each pupil goes to the school attended, and how far it is to the nearest suitable one; inside only.

    Parameters
    ----------
    pupils
        ``school``, ``year_group`` and, where there is one, ``sex``.
    at
        The row of ``travel`` of each pupil, -1 where the home is not known.
    travel
        Distances or times.
    schools
        The schools' frame.

    Returns
    -------
    DataFrame
        ``attended``, ``nearest``: metres or minutes, NaN where not known.
    """
    frame = schools.loc[list(travel.schools)]
    years = pupils["year_group"] if "year_group" in pupils else pd.Series("unknown", pupils.index)
    own = travel.schools.get_indexer(pd.Index(pupils["school"].astype("str")))
    known = at >= 0
    values = travel.values[np.where(known, at, 0)]
    attended = np.where(known & (own >= 0), values[np.arange(len(own)), np.maximum(own, 0)], np.nan)
    can = suitable(frame, years, sex=sex_of(pupils)) & np.isfinite(values)
    least = np.where(can, values, np.inf).min(axis=1)
    least = np.where(np.isfinite(attended), np.minimum(least, attended), least)  # the own school suits
    return pd.DataFrame(
        {"attended": attended, "nearest": np.where(known & np.isfinite(least), least, np.nan)}, index=pupils.index
    )


# --- limits of free travel ------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Entitlement:
    """Where each pupil stands against the limits of free travel; inside only.

    Parameters
    ----------
    pupils
        One row a pupil: ``status`` (one of :data:`STATUSES`), ``band`` (age in words), ``low_income`` (yes, no).
    day
        The law of this day.
    route
        Whether routes were measured.
    notes
        What decides the answers, in sentences.
    religion
        How the limit for religion or belief was applied, in a sentence; "" where it was not.
    """

    pupils: pd.DataFrame = field(repr=False)
    day: date
    route: bool
    notes: tuple[str, ...] = ()
    religion: str = ""

    def __repr__(self) -> str:
        return f"<Entitlement of pupils on {self.day}, {'by route' if self.route else 'screened by straight line'}>"

    def __reduce_ex__(self, protocol) -> NoReturn:
        raise NotProtected("an entitlement is about single pupils and is not pickled or copied")


def entitlement(
    pupils: pd.DataFrame,
    at: np.ndarray,
    travel: Travel,
    can: np.ndarray,
    day: date,
    *,
    religion: np.ndarray | None = None,
    of_religion: np.ndarray | None = None,
    religion_words: str = "as given",
    roads: Travel | None = None,
) -> Entitlement:
    """Who is over a limit of free travel at the school attended, as far as these distances can say.

    Parameters
    ----------
    pupils
        ``school``, ``year_group`` and, where there is one, ``fsm`` (yes, no, unknown).
    at
        The row of ``travel`` of each pupil; -1 where the home is not known.
    travel
        Straight lines, or walks.
    can
        Pupils x schools: suitable schools (:func:`suitable`); the school attended always is.
    day
        The law of this day.
    religion
        Pupils at a school that their parents chose for religion or belief; nobody if not given. The limit of 2 to 15
        miles touches those of low income from 11 to 16 only.
    of_religion
        Pupils x schools: those that suit the same religion or belief (:func:`same_character`). A suitable one of them
        that is nearer ends the right to this limit; not looked at if not given.
    religion_words
        How it is known who chose for religion or belief, to be printed.
    roads
        Distances by road, for the limits of 6 and 15 miles; without them those are certain on one side only.

    Notes
    -----
    "A suitable school is nearer" does not end an entitlement where that school had no place when the child applied: the
    authority knows, a map does not.
    """
    least, most = travel.between()
    own = travel.schools.get_indexer(pd.Index(pupils["school"].astype("str")))
    known = (at >= 0) & (own >= 0)
    years = pupils["year_group"].astype("str").to_numpy() if "year_group" in pupils else np.full(len(pupils), "")
    ages = [ages_of(year) for year in years]
    poor = (pupils["fsm"].astype("str") == "yes").to_numpy() if "fsm" in pupils else np.zeros(len(pupils), dtype=bool)
    known &= np.array([each is not None for each in ages], dtype=bool)
    limit = np.array([_limits(each, bool(low), day) for each, low in zip(ages, poor, strict=True)]).reshape(-1, 2)
    limit_m = limit * METRES_PER_MILE
    row, col = np.where(known, at, 0), np.where(known, own, 0)
    low_own, high_own = least[row, col], most[row, col]
    over = np.where(low_own > limit_m[:, 1], YES, np.where(high_own <= limit_m[:, 0], NO, UNKNOWN)).astype(object)
    first, nearer_least, nearer_most, least_suitable = _nearer(least, most, row, col, can)
    is_nearest = np.where(first, YES, np.where(nearer_least > 0, NO, UNKNOWN)).astype(object)
    status = np.full(len(pupils), ROUTE, dtype=object)
    status[over == NO] = WITHIN
    status[(over == YES) & (is_nearest == YES)] = ENTITLED
    status[(over == YES) & (is_nearest == NO)] = NEARER
    status[(over == YES) & (is_nearest == UNKNOWN)] = OVER_NEAREST_UNKNOWN
    status[(over == YES) & (is_nearest != YES) & (least_suitable > limit_m[:, 1])] = ALL_OVER
    older = poor & np.array([each is not None and each[0] >= 11 for each in ages], dtype=bool)
    nearest_faith = None
    if religion is not None and of_religion is not None:
        nearest_faith = _nearer(least, most, row, col, can & of_religion)[1:3]
    long_ = _low_income(
        older, religion, low_own, high_own, nearer_least, nearer_most, row, col, roads, day, travel, nearest_faith
    )
    open_ = ~np.isin(status, [ENTITLED, ALL_OVER])
    status[open_ & (long_ == YES)] = LOW_INCOME_ENTITLED
    status[(status == WITHIN) & (long_ == UNKNOWN)] = ROUTE
    if religion is not None:  # a nearer school of another character does not end that limit
        status[(status == NEARER) & (long_ == UNKNOWN) & religion] = ROUTE
    status[~known] = NOT_KNOWN
    outside = np.isin(years, _OUTSIDE)
    status[outside] = NOT_OF_AGE
    band = np.array([_band(each) for each in ages], dtype=object)
    band[outside] = NOT_OF_AGE
    frame = pd.DataFrame({"status": status, "band": band, "low_income": np.where(poor, YES, NO)}, index=pupils.index)
    notes = [*travel.notes]
    if not travel.route:
        notes.append("A walk is never shorter than a straight line: over a limit is certain, under it needs a route.")
    if older.any() and roads is None:
        notes.append("The limits of 6 and 15 miles are by road; no roads were given, so within them is never certain.")
    said = ""
    if religion is None:
        notes.append("Who chose a school for religion or belief is not on the file; that limit was not applied.")
    else:
        ends = "is taken to end it" if of_religion is not None else "was not looked for"
        said = (
            "The limit of 2 to 15 miles was applied to pupils of low income from 11 to 16 whose school was chosen for "
            f"religion or belief, {religion_words}; a nearer suitable school of the same religious character {ends}."
        )
        notes.append(said)
    return Entitlement(frame, day, travel.route, tuple(notes), said)


_OUTSIDE = ["E1", "E2", "N1", "N2", "12", "13", "14"]


def _limits(ages: tuple[int, int] | None, low_income: bool, day: date) -> tuple[float, float]:
    """The least and the most miles that hold for a child of a year group during the year."""
    if ages is None:
        return 0.0, np.inf
    found = [walking_limit_miles(age, low_income, day) for age in ages]
    return min(found), max(found)


def _nearer(least, most, row, col, can, chunk: int = 4096):
    """Whether the own school is certainly the nearest suitable; how many others are certainly, and possibly, nearer;
    and the least metres that any suitable school, the own one among them, can be away."""
    first, sure, may, any_ = (np.zeros(len(row), dtype=kind) for kind in (bool, np.int64, np.int64, float))
    for low in range(0, len(row), chunk):
        part = slice(low, low + chunk)
        others = can[part].copy()
        number = np.arange(len(others))
        others[number, col[part]] = False
        own_low, own_high = least[row[part], col[part]], most[row[part], col[part]]
        first[part] = ~((least[row[part]] < own_high[:, None]) & others).any(axis=1)
        sure[part] = ((most[row[part]] < own_low[:, None]) & others).sum(axis=1)
        may[part] = ((least[row[part]] < own_high[:, None]) & others).sum(axis=1)
        any_[part] = np.minimum(np.where(others, least[row[part]], np.inf).min(axis=1), own_low)
    return first, sure, may, any_


def _low_income(
    older, religion, low_own, high_own, sure, may, row, col, roads, day, travel, nearest_faith=None
) -> np.ndarray:
    """The longer limits of children of low income from 11: yes, no or unknown for each pupil."""
    answer = np.full(len(row), NO, dtype=object)
    straight = travel.at_least_m[row, col] if travel.at_least_m is not None else np.zeros(len(row))
    road_low, road_high = straight, np.full(len(row), np.inf)
    if roads is not None:
        given = roads.to(list(travel.schools)).values[row, col]
        road_low = np.where(np.isnan(given), straight, given)
        road_high = np.where(np.isnan(given), np.inf, given)
    for rule in (each for each in limits_on(day) if each.low_income and each.up_to_miles is not None):
        if rule.religion and religion is None:
            continue
        who = older & (religion if rule.religion else True)
        over, up = rule.over_miles * METRES_PER_MILE, rule.up_to_miles * METRES_PER_MILE
        parts = [(low_own > over, high_own <= over), (road_high <= up, road_low > up)]
        if rule.nearest:
            parts.append((may < rule.nearest, sure >= rule.nearest))
        if rule.religion and nearest_faith is not None:
            parts.append((nearest_faith[1] < 1, nearest_faith[0] >= 1))
        yes = who & np.logical_and.reduce([part[0] for part in parts])
        maybe = who & ~np.logical_or.reduce([part[1] for part in parts])
        answer[maybe & (answer == NO)] = UNKNOWN
        answer[yes] = YES
    return answer


def _band(ages: tuple[int, int] | None) -> str:
    if ages is None:
        return "age not known"
    return "under 8" if ages[1] < 8 else "turning 8" if ages[0] < 8 else "8 to 10" if ages[0] < 11 else "11 and over"


def _placed_schools(schools: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    at = schools["easting"].notna() & schools["northing"].notna()
    if at.all():
        return schools, ()
    note = f"{_many(int((~at).sum()), 'school')} without a position {'is' if (~at).sum() == 1 else 'are'} left out."
    return schools[at], (note,)


def _many(count: float, what: str) -> str:
    return f"{int(count):,} {what}{'' if int(count) == 1 else 's'}"
