"""Who belongs to whom: school to cluster to district to authority, and counts added up along it.

Kent had 23 clusters, Essex 25 groups, Kingston 4: the office says which columns of its schools file they are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from geoplan.errors import ComparisonRefused, UnknownCodeError
from geoplan.evidence import Nesting
from geoplan.sentences import first_few

SCHOOL = "school"
ALL = "all schools"
NO_GROUP = "no group"
#: Columns of a schools file that say something of one school, and so are no groups; not named where groups are wanted.
OF_ONE_SCHOOL = frozenset(
    ("name", "record", "laestab", "postcode", "easting", "northing", "places", "pan", "lowest_year", "highest_year",
     "opened", "closed", "roll")
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Hierarchy:
    """Groups of schools, each lying in one of the next coarser level.

    Parameters
    ----------
    levels
        From fine to coarse, without the schools themselves: ``("cluster", "district")``.
    table
        Indexed by school, a column for each level and ``all schools`` last; ``no group`` where the file says none.
    """

    levels: tuple[str, ...]
    table: pd.DataFrame

    def __repr__(self) -> str:
        sizes = ", ".join(f"{self.table[level].nunique():,} by {level}" for level in self.levels)
        return f"<Hierarchy of {len(self.table):,} schools: {sizes}>"

    def groups(self, level: str) -> pd.Series:
        """The group of each school.

        Raises
        ------
        UnknownCodeError
            If there is no such level; the message lists those there are.
        """
        if level == SCHOOL:
            return pd.Series(self.table.index, index=self.table.index, name=SCHOOL)
        if level not in self.table:
            raise UnknownCodeError(f"no level {level!r}; there are {', '.join([SCHOOL, *self.levels, ALL])}")
        return self.table[level]

    def roll_up(self, counts: pd.DataFrame, level: str) -> pd.DataFrame:
        """Counts by school (rows) added up to a level; nobody is lost.

        Pupils of a school that is in no group, or not in the hierarchy, are in ``no group``.

        Examples
        --------
        >>> schools = pd.DataFrame({"cluster": ["Chatham", "Chatham", ""]}, index=["1", "2", "3"])
        >>> counts = pd.DataFrame({"a": [5, 6, 7]}, index=["1", "2", "3"])
        >>> hierarchy(schools, ["cluster"]).roll_up(counts, "cluster")["a"].to_dict()
        {'Chatham': 11, 'no group': 7}
        """
        codes = counts.index.astype("str")
        groups = pd.Series(codes, index=codes) if level == SCHOOL else self.groups(level).reindex(codes)
        groups = groups.fillna(ALL if level == ALL else NO_GROUP)
        return counts.groupby(groups.to_numpy()).sum().rename_axis(index=level)

    def nesting(self, level: str, schools: Sequence[str]) -> Nesting:
        """For the gate: which of ``schools`` lies in which group of ``level``."""
        groups = self.groups(level).reindex(list(schools)).fillna(ALL if level == ALL else NO_GROUP)
        return Nesting(SCHOOL, level, {str(school): str(group) for school, group in groups.items()})


def hierarchy(schools: pd.DataFrame, levels: Sequence[str]) -> Hierarchy:
    """A hierarchy from columns of the schools.

    Parameters
    ----------
    schools
        Indexed by school; a column for each level.
    levels
        Columns from fine to coarse.

    Raises
    ------
    UnknownCodeError
        If a column is not there.
    ComparisonRefused
        If a group lies in two of the next level; all such groups are named at once.
    """
    missing = [level for level in levels if level not in schools]
    if missing:
        has = ", ".join(str(name) for name in schools.columns if name not in OF_ONE_SCHOOL) or "none to group them by"
        raise UnknownCodeError(f"the schools have no column {', '.join(missing)}; there are {has}")
    table = pd.DataFrame(index=schools.index.astype("str"))
    for level in levels:
        text = schools[level].astype("object").where(schools[level].notna(), "").astype("str").str.strip()
        table[level] = text.where(text != "", NO_GROUP).to_numpy()
    split = []
    for fine, coarse in pairwise(levels):
        within = table[table[fine] != NO_GROUP].groupby(fine)[coarse].unique()
        split += [f"{fine} {name} lies in {', '.join(map(str, of))}" for name, of in within.items() if len(of) > 1]
    if split:
        raise ComparisonRefused(
            f"each {levels[0]} must lie in one group of the next level: {first_few(split, 20, '; ')}; "
            "correct the schools file"
        )
    table[ALL] = ALL
    return Hierarchy(tuple(levels), table)
