"""What to ask schools about their census return: a challenge list, school by school, with row numbers and no values.

A check says what is odd, never that it is wrong; a child taught a year below by agreement is in order. Rolls are held
against those of the year before: the same children a year older, within what chance and the usual coming and going
give.

References: *Learning from experience* (2008), the Steria tips ("support and challenge schools in making their own
census returns"); DfE, *School census business and technical specification* (age against year group; main and subsidiary
registration).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from geoplan.cohorts import RECEPTION_AGE, stage_name, stage_of, year_name
from geoplan.findings import findings, gather
from geoplan.reasons import REASONS
from geoplan.rolls import Rolls
from geoplan.sentences import first_few

JUMP_SPREAD = 3.0  # times the spread that chance gives
JUMP_SHARE = 0.08  # and the usual coming and going, as a share of the year group
JUMP_LEAST = 5.0  # pupils
MOST_ROWS = 20
QUESTIONS = {
    "age_outside_year": "Are these children taught outside their age group by agreement?",
    "birth_date_missing": "Can the dates of birth be completed?",
    "year_not_taught": "Does the school teach this year group?",
    "postcode_malformed": "Can the postcodes be corrected?",
    "postcode_not_found": "Are the postcodes right, or new?",
    "postcode_blank": "Can the postcodes be completed?",
    "postcode_several": "Which of the postcodes is lived at?",
    "duplicate_record": "Is this the same record twice?",
    "duplicate_conflict": "The same child is in the file with another school or postcode: which is right?",
    "registered_twice": "The child is also a main registration elsewhere: which school is the main one?",
    "dual_registration": "A second registration: is the main one at another school?",
    "second_without_main": "A second registration without a main one: where is the child's main school?",
    "not_on_roll": "Guests and leavers are not counted: is that right?",
    "school_unknown": "Is the school's number right?",
    "total_not_sum": "Which is right, the total or the year groups?",
}


def age_findings(birth: pd.Series, year_group: pd.Series, day: str, records: pd.Series, column: str) -> pd.DataFrame:
    """Ages that do not fit the year group, as findings; dates of birth go in and none come out.

    Parameters
    ----------
    birth
        Dates as ``YYYY-MM-DD``; "" where there is none.
    year_group
        Year groups.
    day
        The census day.
    records
        Record numbers.
    column
        The file's header for dates of birth.

    Examples
    --------
    >>> born = pd.Series(["2021-08-31", "2020-09-01", "2019-01-01", ""])
    >>> years = pd.Series(["R"] * 4)
    >>> age_findings(born, years, "2026-01-15", pd.Series([1, 2, 3, 4]), "DOB")[["record", "code"]].values.tolist()
    [[3, 'age_outside_year'], [4, 'birth_date_missing']]
    """
    first = int(day[:4]) - (day[5:7] < "09")  # the calendar year of the 31 August before
    stage = year_group.map({code: stage_of(str(code)) for code in year_group.unique()}).astype("float64")
    known = birth.ne("").to_numpy(bool)
    year = pd.to_numeric(birth.str.slice(0, 4), errors="coerce").to_numpy(dtype=float)
    late = birth.str.slice(5, 10).ge("09-01").to_numpy(bool)  # born after 31 August: a year younger on it
    age = first - year - late
    off = age - (stage.to_numpy() + RECEPTION_AGE)
    wrong = known & np.isfinite(off) & (off != 0)
    return gather(
        [
            findings(records[wrong], column, "age_outside_year"),
            findings(records[~known], column, "birth_date_missing"),
        ]
    )


def registration_findings(people: pd.DataFrame, status: pd.Series, column: str) -> pd.DataFrame:
    """Children who are a main registration twice, or a second one only.

    Parameters
    ----------
    people
        ``record``, ``person`` (a running number, -1 where unknown) and ``school``.
    status
        Enrolment status of each row: C, M, S ...
    column
        The file's header for it.

    Examples
    --------
    >>> people = pd.DataFrame({"record": [1, 2, 3], "person": [0, 0, 1], "school": ["a", "b", "a"]})
    >>> registration_findings(people, pd.Series(["C", "M", "S"]), "EnrolStatus")[["record", "code"]].values.tolist()
    [[2, 'registered_twice'], [3, 'second_without_main']]
    """
    known = people["person"].ge(0)
    main = known & status.isin(["C", "M"])
    twice = main & people["person"].where(main).duplicated() & _other_school(people, main)
    mains = set(people.loc[main, "person"])
    alone = known & status.eq("S") & ~people["person"].isin(mains)
    return gather(
        [
            findings(people.loc[twice, "record"], column, "registered_twice"),
            findings(people.loc[alone, "record"], column, "second_without_main"),
        ]
    )


def _other_school(people: pd.DataFrame, main: pd.Series) -> pd.Series:
    first = people[main].drop_duplicates("person").set_index("person")["school"]
    return people["school"].ne(people["person"].map(first))


def roll_jumps(rolls: Rolls, year: int | None = None) -> pd.DataFrame:
    """Year groups whose roll is not that of the year group below a year before, give or take what is usual.

    Parameters
    ----------
    rolls
        By school.
    year
        The academic year looked at; the last if not given.

    Returns
    -------
    DataFrame
        ``place``, ``year``, ``stage``, ``before`` (the year group below, a year earlier), ``now``, ``expected_low``,
        ``expected_high``. A year group that begins at the school is held against the one before it.
    """
    year = year if year is not None else rolls.years[-1]
    at = rolls.years.index(year)
    if at == 0:
        return pd.DataFrame(columns=["place", "year", "stage", "before", "now", "expected_low", "expected_high"])
    now, last = rolls.pupils[:, at], rolls.pupils[:, at - 1]
    before = np.full_like(now, np.nan)
    before[:, 1:] = np.where(np.diff(rolls.stages) == 1, last[:, :-1], np.nan)
    entering = ~(before > 0)
    before = np.where(entering, last, before)
    # chance of coming and going, and for a new intake that of who is born
    spread = JUMP_SPREAD * np.sqrt(np.where(entering, 2 * before, JUMP_SHARE * before).clip(min=0))
    slack = np.maximum(JUMP_LEAST, spread + JUMP_SHARE * before)
    low, high = (before - slack).clip(min=0), before + slack
    odd = np.isfinite(before) & np.isfinite(now) & (before > 0) & ((now < low) | (now > high))
    rows = np.argwhere(odd)
    return pd.DataFrame(
        {
            "place": rolls.places.to_numpy()[rows[:, 0]],
            "year": year,
            "stage": np.asarray(rolls.stages)[rows[:, 1]],
            "before": before[odd],
            "now": now[odd],
            "expected_low": np.floor(low[odd]),
            "expected_high": np.ceil(high[odd]),
        }
    )


def challenges(found: pd.DataFrame, school_of: pd.Series, jumps: pd.DataFrame | None = None) -> pd.DataFrame:
    """The challenge list: for each school and check, how many records, which rows, and what to ask.

    Parameters
    ----------
    found
        Findings: ``record``, ``column``, ``code``.
    school_of
        School by record number; "" where there is none.
    jumps
        From :func:`roll_jumps`.

    Returns
    -------
    DataFrame
        ``school``, ``check`` (a reason code, or ``roll_jump``), ``what``, ``records`` (how many), ``rows`` (the first
        numbers, as text), ``question``. For the office that holds the return: it names schools and rows, never values.

    Examples
    --------
    >>> found = findings([3, 9], "PostCode", "postcode_blank")
    >>> challenges(found, pd.Series({3: "900001", 9: "900001"}))[["school", "check", "records", "rows"]].values.tolist()
    [['900001', 'postcode_blank', 2, '3, 9']]
    """
    rows = []
    kept = found[found["code"].isin(QUESTIONS)].drop_duplicates(["record", "code"])
    schools = kept["record"].map(school_of).fillna("").replace("", "(no school)")
    for (school, code), part in kept.groupby([schools, "code"], sort=True):
        rows.append((str(school), code, REASONS[code].meaning, len(part), row_words(part["record"]), QUESTIONS[code]))
    for row in jumps.itertuples(index=False) if jumps is not None else ():
        what = (
            f"{stage_name(row.stage)} in {year_name(row.year)} is outside what the year before leads one to expect "
            f"({row.expected_low:,.0f} to {row.expected_high:,.0f})"
        )
        rows.append((str(row.place), "roll_jump", what, 1, "", "Is the year group's roll right, and what happened?"))
    columns = ["school", "check", "what", "records", "rows", "question"]
    return pd.DataFrame(rows, columns=columns).sort_values(["school", "check"], kind="stable", ignore_index=True)


def row_words(records: Iterable[int]) -> str:
    """Row numbers as text, the first twenty.

    Examples
    --------
    >>> row_words([4, 2]), row_words(range(1, 30))[-11:]
    ('2, 4', ' and 9 more')
    """
    numbers = sorted(int(record) for record in records)
    return first_few(map(str, numbers), MOST_ROWS)
