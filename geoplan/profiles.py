"""Who a school serves, by segment, against a stated base.

Each pupil is allocated to a segment by postcode, and the school's pupils are set beside the base. A
segment describes a neighbourhood, not a family: read a profile with local knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from geoplan.assignment import NOT_PLACED, Assignment
from geoplan.comparison import Comparison, compare
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.errors import UnknownCodeError
from geoplan.segments import Segmentation, require_same
from geoplan.sources import Source

ALL_PUPILS = "all pupils"


@dataclass(frozen=True)
class Profile:
    """One school's pupils by segment, against a base.

    Parameters
    ----------
    school
        The school's code.
    comparison
        Its pupils placed in a segment, against the base's.
    pupils, placed
        Pupils counted, and those of them placed in a segment (the share's denominator).
    segmentation
        Which segments.
    sources
        Everything this was made from.
    """

    school: str
    comparison: Comparison
    pupils: int
    placed: int
    segmentation: Segmentation
    sources: tuple[Source, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """By segment: name, counts and measures; exact, so not for showing (see :meth:`protect`)."""
        table = self.comparison.of(self.school)
        table.insert(0, "name", [self.segmentation.name(segment) for segment in table.index])
        return table

    def notable(self) -> pd.DataFrame:
        """Segments with more or fewer pupils than chance alone would give."""
        table = self.table
        return table[table.index.isin(self.comparison.notable().index.get_level_values(-1))]

    def protect(self, rule: Rule = PUBLIC) -> Protected:
        """The table as it may be shown, with the segments' names."""
        return _one_school(self.comparison.protect(rule), self.school, self.segmentation)

    def __repr__(self) -> str:
        return f"<Profile of {self.school} by {self.segmentation.label}, against {self.comparison.base}>"


def profile(people: Assignment, school: str, base: str | Assignment = ALL_PUPILS, base_name: str = "") -> Profile:
    """The profile of one school.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    school
        The school's code.
    base
        ``"all pupils"`` (everybody in ``people`` who is placed in a segment), or another assignment with the
        same segmentation, such as ``people.where(year_group="R")``.
    base_name
        What another base is, in words; needed with one.

    Returns
    -------
    Profile

    Raises
    ------
    UnknownCodeError
        If no pupil counted goes to that school.
    """
    school = str(school)  # codes are text; a number is taken for its digits
    everything = compare_schools(people, base, base_name)
    if school not in everything.groups:
        some = ", ".join(everything.groups[:5])
        raise UnknownCodeError(f"no pupil goes to school {school}; schools with pupils are {some} ...")
    of_school = people.people["school"].astype("str") == school
    comparison = everything.only(school)
    return Profile(
        school=school,
        comparison=comparison,
        pupils=int(of_school.sum()),
        placed=int(comparison.of(school)["count"].sum()),
        segmentation=people.segmentation,
        sources=people.sources,
    )


def compare_schools(people: Assignment, base: str | Assignment = ALL_PUPILS, base_name: str = "") -> Comparison:
    """Every school's pupils by segment, against one base; the parameters are those of :func:`profile`."""
    counts = segment_counts(people)
    if isinstance(base, Assignment):
        require_same(people.segmentation, base.segmentation)
        if not base_name:
            raise ValueError("name the base: base_name says in words what the school is compared with")
        base_counts = base.counts(by="segment").drop(NOT_PLACED, errors="ignore")
    elif base == ALL_PUPILS:
        base_counts = counts.sum(axis=0)
        base_name = base_name or f"all {people.noun} placed in a segment"
    else:
        raise ValueError(f"base {base!r} is not known: use {ALL_PUPILS!r} or an assignment with base_name")
    return compare(counts[counts.index != ""], base_counts.rename_axis("segment"), base_name)


def segment_counts(people: Assignment) -> pd.DataFrame:
    """Pupils placed, by school (rows) and segment (columns, every segment of the scheme)."""
    if people.segmentation is None:
        raise UnknownCodeError(
            "these people have no segments: name a segmentation (in geoplan.toml, or segments= of assign)"
        )
    counts = people.counts(by=["school", "segment"]).unstack(fill_value=0)
    counts = counts.reindex(columns=list(people.segmentation.segments), fill_value=0)
    return counts.rename_axis(index="school", columns="segment").astype("int64")


def _one_school(protected: Protected, school: str, segmentation: Segmentation) -> Protected:
    table = protected.table.loc[school]
    table.insert(0, "name", [segmentation.name(segment) for segment in table.index])
    return Protected(table, protected.hidden.loc[school], protected.rule, protected.base)
