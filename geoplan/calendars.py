"""The statutory calendar of a change: when to consult, determine, object, apply and offer, and who is first affected.

The dates are data (:data:`ADMISSIONS`, :data:`ORGANISATION`), each set with the day it came into force and its source,
so that a new Code is a new row here and no new code elsewhere. Nothing here is legal advice: a council checks the
dates of its own year.

References: School Admissions Code 2021; SI 2012/8 (The School Admissions (Admission Arrangements and Co-ordination of
Admission Arrangements) (England) Regulations 2012), as amended; SI 2013/3109 and SI 2013/3110.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

PRIMARY, SECONDARY = "primary", "secondary"


@dataclass(frozen=True)
class AdmissionsRules:
    """The dates of one School Admissions Code; each is a month and a day.

    Parameters
    ----------
    name
        The Code.
    in_force
        The first day it applies.
    consult_from, consult_until
        The window of a consultation: from the year two before the entry to the year before it.
    consult_days
        Days that a consultation lasts at least.
    determine
        Arrangements are determined in the year before the entry.
    publish, object_by
        Published, and objections to the Schools Adjudicator, in the same year.
    apply_by, offers
        The closing date and the offer day of each phase; the closing date of secondary schools is in the year before
        the entry, all others in the year of entry.
    source
        Where the dates are from.
    """

    name: str
    in_force: date
    consult_from: tuple[int, int]
    consult_until: tuple[int, int]
    consult_days: int
    determine: tuple[int, int]
    publish: tuple[int, int]
    object_by: tuple[int, int]
    apply_by: dict[str, tuple[int, int]]
    offers: dict[str, tuple[int, int]]
    source: str


ADMISSIONS: tuple[AdmissionsRules, ...] = (
    AdmissionsRules(
        "School Admissions Code 2021",
        in_force=date(2021, 9, 1),
        consult_from=(10, 1),
        consult_until=(1, 31),
        consult_days=42,
        determine=(2, 28),
        publish=(3, 15),
        object_by=(5, 15),
        apply_by={SECONDARY: (10, 31), PRIMARY: (1, 15)},
        offers={SECONDARY: (3, 1), PRIMARY: (4, 16)},
        source="School Admissions Code 2021, paragraphs 1.45 to 1.50 and 2.14 to 2.15; SI 2012/8",
    ),
)


@dataclass(frozen=True)
class OrganisationRules:
    """The steps of closing, opening or changing a maintained school; academies change through the DfE instead.

    Parameters
    ----------
    name, in_force, source
        As for :class:`AdmissionsRules`.
    consult_days
        Days that councils commonly consult; not fixed by law.
    publish_within_days
        Proposals are published within so many days of the consultation's end.
    representation_days
        Days that anyone may object or comment.
    decide_within_days
        The council decides within so many days of their end, or the Schools Adjudicator does.
    """

    name: str
    in_force: date
    consult_days: int
    publish_within_days: int
    representation_days: int
    decide_within_days: int
    source: str


ORGANISATION: tuple[OrganisationRules, ...] = (
    OrganisationRules(
        "School organisation regulations 2013",
        in_force=date(2014, 1, 28),
        consult_days=42,
        publish_within_days=365,
        representation_days=28,
        decide_within_days=61,
        source="SI 2013/3109 regulations 13 and 14; SI 2013/3110 Schedule 3 paragraph 2",
    ),
)


def first_entry_year(ready: date, rules: AdmissionsRules | None = None) -> int:
    """The first September whose entry a change of catchments can affect, if the council can consult from a day.

    Parameters
    ----------
    ready
        The first day on which the council could begin to consult.
    rules
        Those in force on that day, if not given.

    Examples
    --------
    >>> first_entry_year(date(2026, 11, 1)), first_entry_year(date(2026, 12, 21))
    (2028, 2029)
    """
    rules = rules or rules_on(ready)
    entry = ready.year + 1
    while ready + timedelta(rules.consult_days) > date(entry - 1, *rules.consult_until):
        entry += 1
    return entry


def admissions_calendar(entry_year: int, phase: str = SECONDARY, rules: AdmissionsRules | None = None) -> pd.DataFrame:
    """The steps to a September, by date.

    Parameters
    ----------
    entry_year
        Of the first September that the change affects.
    phase
        ``primary`` or ``secondary``: applications and offers differ.
    rules
        Those in force when consultation opens, if not given.

    Returns
    -------
    DataFrame
        One row a step, in order: ``step``, ``date`` (ISO), ``note`` and ``source``.

    Raises
    ------
    ValueError
        If the phase is neither.

    Examples
    --------
    >>> admissions_calendar(2028).set_index("step")["date"].to_dict()["Determine the arrangements by"]
    '2027-02-28'
    """
    if phase not in (PRIMARY, SECONDARY):
        raise ValueError(f"{phase!r}: use {PRIMARY} or {SECONDARY}")
    rules = rules or rules_on(date(entry_year - 2, 10, 1))
    before, opens = entry_year - 1, entry_year - 2
    weeks = rules.consult_days // 7
    last_start = date(before, *rules.consult_until) - timedelta(rules.consult_days)
    applied = date(before if phase == SECONDARY else entry_year, *rules.apply_by[phase])
    rows = [
        ("Consult, not before", date(opens, *rules.consult_from), f"at least {weeks} weeks"),
        ("Consult, begin by", last_start, f"{weeks} weeks before the end"),
        ("Consult, end by", date(before, *rules.consult_until), ""),
        ("Determine the arrangements by", date(before, *rules.determine), "for the entry of the year after"),
        ("Publish by", date(before, *rules.publish), ""),
        ("Objections to the Schools Adjudicator by", date(before, *rules.object_by), ""),
        ("Applications close", applied, phase),
        ("Offers", next_working_day(date(entry_year, *rules.offers[phase])), f"{phase}; or the next working day"),
        ("First children start", date(entry_year, 9, 1), "the normal year of entry only"),
    ]
    table = pd.DataFrame(rows, columns=["step", "date", "note"])
    return table.assign(date=[day.isoformat() for day in table["date"]], source=rules.source)


def organisation_calendar(ready: date, rules: OrganisationRules | None = None) -> pd.DataFrame:
    """The steps of a closure, an opening or a prescribed alteration of a maintained school, each on its last day.

    Parameters
    ----------
    ready
        The first day of the consultation.
    rules
        Those in force on that day, if not given.

    Returns
    -------
    DataFrame
        As of :func:`admissions_calendar`; proposals are taken to be published when the consultation ends.

    Examples
    --------
    >>> organisation_calendar(date(2026, 9, 1))["date"].tolist()
    ['2026-09-01', '2026-10-13', '2026-10-13', '2026-11-10', '2027-01-10']
    """
    rules = rules or _latest(ORGANISATION, ready)
    ends = ready + timedelta(rules.consult_days)
    heard = ends + timedelta(rules.representation_days)
    rows = [
        ("Consult, begin", ready, "no period is fixed by law; councils often take six weeks"),
        ("Consult, end", ends, ""),
        ("Publish proposals from", ends, f"and by {(ends + timedelta(rules.publish_within_days)).isoformat()}"),
        ("Representations end", heard, f"{rules.representation_days // 7} weeks from publication"),
        ("The council decides by", heard + timedelta(rules.decide_within_days), "else the Schools Adjudicator does"),
    ]
    table = pd.DataFrame(rows, columns=["step", "date", "note"])
    return table.assign(date=[day.isoformat() for day in table["date"]], source=rules.source)


def rules_on(day: date) -> AdmissionsRules:
    """The Code in force on a day.

    Raises
    ------
    ValueError
        If no Code known here was in force yet.

    Examples
    --------
    >>> rules_on(date(2026, 10, 1)).name
    'School Admissions Code 2021'
    """
    return _latest(ADMISSIONS, day)


def next_working_day(day: date) -> date:
    """The day itself, or the first one after it that is neither at a weekend nor Good Friday or Easter Monday.

    Examples
    --------
    >>> next_working_day(date(2028, 4, 16)).isoformat(), next_working_day(date(2026, 3, 1)).isoformat()
    ('2028-04-18', '2026-03-02')
    """
    from dateutil.easter import easter

    while day.weekday() >= 5 or day - easter(day.year) in (timedelta(-2), timedelta(1)):
        day += timedelta(1)
    return day


def _latest(rules: Sequence, day: date):
    held = [each for each in rules if each.in_force <= day]
    if not held:
        raise ValueError(f"no rules are known that were in force on {day.isoformat()}")
    return max(held, key=lambda each: each.in_force)
