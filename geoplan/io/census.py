"""Check a census return: what ``geoplan check --as census`` reads; dates of birth are looked at and let go of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from geoplan.census_checks import age_findings, challenges, registration_findings, roll_jumps
from geoplan.columns import PUPILS, check
from geoplan.findings import gather
from geoplan.io.people import read_pupils
from geoplan.people import People
from geoplan.rolls import Rolls
from geoplan.schools import Schools


@dataclass(frozen=True, repr=False, eq=False)
class CensusReturn:
    """A census return, checked.

    Parameters
    ----------
    people
        The pupils, each counted once; its findings include the checks of this module.
    challenges
        From :func:`geoplan.census_checks.challenges`.
    """

    people: People
    challenges: pd.DataFrame

    def __repr__(self) -> str:
        return f"<CensusReturn: {len(self.people):,} records, {len(self.challenges):,} questions>"


def read_census(
    path: str | os.PathLike,
    day: str,
    schools: Schools | None = None,
    columns: Mapping[str, str] | None = None,
    rolls: Rolls | None = None,
    more: pd.DataFrame | None = None,
) -> CensusReturn:
    """Read and check a census return.

    Parameters
    ----------
    path, schools, columns
        As for :func:`geoplan.io.people.read_pupils`.
    day
        The census day, ``2026-01-15``: ages are those on the 31 August before it.
    rolls
        Rolls up to this census, to find year groups that jump.
    more
        Further findings (of postcodes).

    Raises
    ------
    InputRefused
        As the reader of pupils.
    """
    people = read_pupils(path, schools, columns)
    headers = people.details.get("headers", {})
    wanted = [headers[name] for name in ("birth_date", "enrol_status") if name in headers]
    if wanted:
        people = read_pupils(path, schools, columns, keep=wanted)
    frame = people.frame
    kept = frame["year_group"].notna() & frame["postcode"].notna() if "year_group" in frame else frame["record"].gt(0)
    parts = [people.findings] + ([more] if more is not None else [])
    if "birth_date" in headers and "year_group" in frame:
        cells = frame[[headers["birth_date"]]].set_axis(["birth_date"], axis=1)
        birth = check(cells, PUPILS).values["birth_date"]
        usable = kept & frame["counted"]
        parts.append(
            age_findings(
                birth[usable], frame.loc[usable, "year_group"], day, frame.loc[usable, "record"], headers["birth_date"]
            )
        )
    if "enrol_status" in headers and "school" in frame:
        cells = frame[[headers["enrol_status"]]].set_axis(["enrol_status"], axis=1)
        status = check(cells, PUPILS).values["enrol_status"]
        parts.append(registration_findings(frame, status, headers["enrol_status"]))
    if schools is not None and "year_group" in frame and "lowest_year" in schools.frame:
        parts.append(_not_taught(frame, schools, headers.get("year_group", "year_group")))
    bare = frame.drop(columns=wanted, errors="ignore")
    people = replace(people, frame=bare, findings=gather(parts))
    school_of = bare.set_index("record")["school"] if "school" in bare else pd.Series("", index=bare["record"])
    jumps = roll_jumps(rolls) if rolls is not None else None
    return CensusReturn(people, challenges(people.findings, school_of, jumps))


def _not_taught(frame: pd.DataFrame, schools: Schools, column: str) -> pd.DataFrame:
    """Counted pupils in a year group outside their school's range."""
    from geoplan.cohorts import stage_of
    from geoplan.findings import findings

    limits = schools.frame[["lowest_year", "highest_year"]].map(lambda code: stage_of(str(code)))
    own = frame["school"].map(limits["lowest_year"]), frame["school"].map(limits["highest_year"])
    stage = frame["year_group"].map({code: stage_of(str(code)) for code in frame["year_group"].unique()})
    low, high, stage = (pd.to_numeric(each, errors="coerce") for each in (*own, stage))
    wrong = frame["counted"] & ((stage < low) | (stage > high))
    return findings(frame.loc[wrong, "record"], column, "year_not_taught")
