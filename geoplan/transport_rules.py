"""The law of free travel to school in England, as data: who, how far, measured how, since when, by which text.

The limits are distances to the nearest suitable school, or (for older children of low income) to one of the three
nearest. Walking distance is "measured by the nearest available route", which DfE guidance reads as the shortest safe
walk, accompanied as necessary, footpaths included; the limits of 6 and 15 miles are by road. A straight line is never
longer than a route: over a limit by straight line is certainly over; under it, the route has to be measured.

No limit holds for a child whose route is unsafe, or who cannot walk it because of special needs, a disability or
mobility (Sch. 35B paras 2 and 4): those travel free within walking distance too, and no distance can say who they are.

Checked in November 2026. Change :data:`LIMITS` when the law changes: give the old rows an ``until`` and add new ones,
so that last year's answers stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

COMPULSORY_AGE = 5
LOW_INCOME = (
    "Low income is read from free school meals. The law's test is free meals or the maximum Working Tax Credit; from "
    "September 2026 all Universal Credit households have free meals, so check which of the two the file holds."
)
NOT_BY_DISTANCE = (
    "Children whose route is unsafe, or who cannot walk it because of special needs, disability or mobility, travel "
    "free whatever the distance (Education Act 1996 Sch. 35B paras 2 and 4); they cannot be told from a map."
)


@dataclass(frozen=True)
class Limit:
    """One limit of free travel.

    Parameters
    ----------
    code
        Short name.
    who
        Whom it is for, in words.
    youngest, oldest
        Ages in years, inclusive.
    over_miles
        Free travel beyond this walking distance.
    up_to_miles
        And not beyond this distance by road; None for no end.
    low_income, religion
        Whether it is only for children of low income, or only for a school chosen for religion or belief.
    nearest
        Among so many nearest suitable schools the school must be: 1, or 3; 0 where the nearest suitable school does
        not matter.
    since, until
        First and last day in force.
    source
        Where the text is.
    read
        ``text`` where the text of the law was read for this table; ``restated`` where somebody else's words of it were.
    """

    code: str
    who: str
    youngest: int
    oldest: int
    over_miles: float
    up_to_miles: float | None
    low_income: bool
    religion: bool
    nearest: int
    since: date
    until: date | None
    source: str
    read: str


_ACT = "Education Act 1996"
LIMITS: tuple[Limit, ...] = (
    Limit("under 8", "under the age of 8", 5, 7, 2.0, None, False, False, 1, date(1996, 11, 1), None,
          f"{_ACT} s.444(5)(a); s.508B and Sch. 35B para 6", "restated"),
    Limit("8 and over", "aged 8 and over", 8, 16, 3.0, None, False, False, 1, date(1996, 11, 1), None,
          f"{_ACT} s.444(5)(b); s.508B and Sch. 35B para 6", "restated"),
    Limit("8 to 10, low income",
          "aged 8 to 10, of low income", 8, 10, 2.0, None, True, False, 1, date(2007, 9, 1), None,
          f"{_ACT} Sch. 35B para 9 (in force by SI 2007/1801)", "text"),
    Limit("11 and over, low income",
          "aged 11 and over, of low income, at one of the three nearest suitable schools",
          11, 16, 2.0, 6.0, True, False, 3, date(2008, 9, 1), None,
          f"{_ACT} Sch. 35B para 11 (in force by SI 2008/1971)", "text"),
    Limit("11 and over, low income, religion",
          "aged 11 and over, of low income, at a school chosen for religion or belief",
          11, 16, 2.0, 15.0, True, True, 0, date(2008, 9, 1), None,
          f"{_ACT} Sch. 35B para 12 (in force by SI 2008/1971)", "text"),
)  # fmt: skip


def limits_on(day: date) -> tuple[Limit, ...]:
    """The limits in force on a day.

    Examples
    --------
    >>> [limit.code for limit in limits_on(date(2008, 1, 1))]
    ['under 8', '8 and over', '8 to 10, low income']
    >>> len(limits_on(date(2026, 11, 29)))
    5
    """
    return tuple(each for each in LIMITS if each.since <= day and (each.until is None or day <= each.until))


def walking_limit_miles(age: int, low_income: bool = False, day: date | None = None) -> float:
    """Beyond so many miles on foot a child travels free to the nearest suitable school.

    Parameters
    ----------
    age
        In years; children under compulsory school age are taken as 5.
    low_income
        Of low income.
    day
        The law of this day; all of :data:`LIMITS` without an ``until`` if not given.

    Examples
    --------
    >>> walking_limit_miles(7), walking_limit_miles(9), walking_limit_miles(9, low_income=True), walking_limit_miles(12)
    (2.0, 3.0, 2.0, 3.0)
    """
    rules = limits_on(day) if day is not None else tuple(each for each in LIMITS if each.until is None)
    age = max(age, COMPULSORY_AGE)
    fits = [
        each.over_miles
        for each in rules
        if each.youngest <= age <= each.oldest and each.nearest == 1 and (low_income or not each.low_income)
    ]
    return min(fits) if fits else float("inf")


def ages_of(year_group: str) -> tuple[int, int] | None:
    """Ages of the children of a year group, at its start and at its end; None where it does not say.

    Examples
    --------
    >>> ages_of("R"), ages_of("3"), ages_of("11"), ages_of("X")
    ((4, 5), (7, 8), (15, 16), None)
    """
    number = 0 if year_group == "R" else int(year_group) if year_group.isdigit() else -1
    return (number + 4, number + 5) if 0 <= number <= 11 else None
