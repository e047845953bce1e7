"""Year groups, ages and academic years: which child is in which year group when.

An academic year is known by the calendar year in which it begins: 2025 is 2025/26, whose January census is in 2026.
A child's age is the one on the 31 August before it. Reception is stage 0, Year 1 is stage 1, and so on: a child of age
4 on 31 August 2025 is in Reception in 2025/26.
"""

from __future__ import annotations

import re

RECEPTION_AGE = 4
#: Stages that school places are planned for: Reception to Year 14.
LAST_STAGE = 14
PRIMARY = tuple(range(7))  # Reception to Year 6, as the DfE scores primary forecasts
SECONDARY = tuple(range(7, 12))  # Years 7 to 11
SIXTH_FORM = tuple(range(12, LAST_STAGE + 1))
PHASES = {"primary": PRIMARY, "secondary": SECONDARY, "sixth form": SIXTH_FORM}
CLASS_SIZE = 30  # a form of entry


def stage_of(year_group: str) -> int | None:
    """The stage of a year group; None for nursery years and those that are none.

    Examples
    --------
    >>> stage_of("R"), stage_of("7"), stage_of("N2"), stage_of("unknown")
    (0, 7, None, None)
    """
    if year_group == "R":
        return 0
    return int(year_group) if year_group.isdecimal() and 1 <= int(year_group) <= LAST_STAGE else None


def year_group_of(stage: int) -> str:
    """The year group of a stage: ``R``, ``1`` ... ``14``."""
    return "R" if stage == 0 else str(stage)


def stage_name(stage: int) -> str:
    """A stage in words.

    Examples
    --------
    >>> stage_name(0), stage_name(7)
    ('Reception', 'Year 7')
    """
    return "Reception" if stage == 0 else f"Year {stage}"


def age_of(stage: int) -> int:
    """The age on 31 August of children who begin a stage."""
    return stage + RECEPTION_AGE


def year_of_date(date: str) -> int:
    """The academic year that a date (``YYYY-MM-DD``) lies in.

    Examples
    --------
    >>> year_of_date("2026-01-15"), year_of_date("2025-10-02"), year_of_date("2025-08-31")
    (2025, 2025, 2024)
    """
    year, month = int(date[:4]), int(date[5:7])
    return year if month >= 9 else year - 1


def year_of_text(text: str) -> int | None:
    """The academic year of "2025/26", "2025-26", "202526" or a date; a plain "2025" is the year that begins then.

    Examples
    --------
    >>> [year_of_text(text) for text in ("2025/26", "202526", "2025-26", "2025", "2026-01-15", "soon", "2025/27")]
    [2025, 2025, 2025, 2025, 2025, None, None]
    """
    tidy = text.strip()
    if re.fullmatch(r"\d{4}-\d\d-\d\d.*", tidy):
        return year_of_date(tidy)
    match = re.fullmatch(r"((?:19|20)\d\d)(?:[/\u2013-]?((?:\d\d)?\d\d))?(?:\.0+)?", tidy)
    if not match:
        return None
    year = int(match[1])
    return year if match[2] is None or int(match[2][-2:]) == (year + 1) % 100 else None


def year_name(year: int) -> str:
    """An academic year as it is written.

    Examples
    --------
    >>> year_name(2025), year_name(1999)
    ('2025/26', '1999/00')
    """
    return f"{year}/{(year + 1) % 100:02d}"


def birth_year_of(stage: int, year: int) -> int:
    """The academic year (September to August) in which the children of a stage were born.

    Examples
    --------
    Reception in 2025/26 was born between September 2020 and August 2021:

    >>> birth_year_of(0, 2025)
    2020
    """
    return year - age_of(stage) - 1
