"""Who a school serves, by segment, against a stated base.

Each pupil is allocated to a segment by postcode, and the school's pupils are set beside the base. A
segment describes a neighbourhood, not a family: read a profile with local knowledge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from geoplan.assignment import CORRECTED, NOT_PLACED, Assignment
from geoplan.comparison import MIN_EXPECTED, NOTABLE_AT, Base, Comparison, compare, overall_shown
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.errors import UnknownCodeError
from geoplan.hierarchies import Hierarchy
from geoplan.segments import Segmentation, require_same
from geoplan.sources import Source

ALL_PUPILS = "all pupils"
MIN_FOR_FINE = 400  # pupils, before a school is looked at by more than the first level


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


def profile(
    people: Assignment, school: str, base: str | Base | Assignment = ALL_PUPILS, base_name: str = ""
) -> Profile:
    """The profile of one school.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    school
        The school's code.
    base
        ``"all pupils"`` (everybody in ``people`` who is placed in a segment); a :class:`~geoplan.comparison.Base` from
        :func:`same_group`, :func:`residents` or :func:`living_in`; or another assignment with the same segmentation,
        such as ``people.where(year_group="R")``.
    base_name
        What a base given as an assignment is, in words; needed with one.

    Returns
    -------
    Profile
        Its ``q`` are those of the whole table of schools, so that one school alone says the same as the full list.

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


def compare_schools(people: Assignment, base: str | Base | Assignment = ALL_PUPILS, base_name: str = "") -> Comparison:
    """Every school's pupils by segment, against one base; the parameters are those of :func:`profile`."""
    return compare(_of_schools(people), _base_of(people, base, base_name))


def compare_groups(
    people: Assignment, hierarchy: Hierarchy, level: str, base: str | Base | Assignment = ALL_PUPILS,
    base_name: str = "",
) -> Comparison:  # fmt: skip
    """The pupils of every cluster, district ... by segment; each pupil counts in the group of the school attended.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    hierarchy
        Which school is in which group; see :mod:`geoplan.hierarchies`.
    level
        The level of the groups.
    base, base_name
        As for :func:`profile`; a base with counts for each group has those of the level's groups.
    """
    return compare(hierarchy.roll_up(_of_schools(people), level), _base_of(people, base, base_name))


# --- bases ----------------------------------------------------------------------------------------------


def all_pupils(people: Assignment) -> Base:
    """Everybody placed in a segment, at whatever school; each school is part of it."""
    return Base(f"all {people.noun} placed in a segment", _sums(segment_counts(people)))


def same_group(people: Assignment, groups: pd.Series, what: str) -> Base:
    """For each school, the pupils of all schools of its own group: its cluster, its phase.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    groups
        Indexed by school, the group's name; a school without one has no base, and so no measures.
    what
        What a group is, in one word ("cluster").

    Returns
    -------
    Base
        A row for each school; the school is part of it.
    """
    counts = _of_schools(people)
    named = groups.reindex(counts.index).astype("str").where(groups.reindex(counts.index).notna())
    named = named.where(named != "")
    if not named.notna().any():
        raise UnknownCodeError(f"no school with pupils has a {what}, so it cannot be the base")
    sums = counts.groupby(named.to_numpy()).sum().rename_axis(index="group")
    rows = sums.reindex(named.to_numpy()).set_axis(counts.index)
    names = {str(school): f"{people.noun} of {what} {name}" for school, name in named.dropna().items()}
    return Base(f"{people.noun} of the school's own {what}", rows, names=names)


def residents(population: pd.Series, segmentation: Segmentation, name: str) -> Base:
    """People who live in an area, by segment, from a count of residents: a census, a register.

    They are other people's figures, and the school's pupils cannot be taken out of them, so the school is tested
    against them as against other people.

    Parameters
    ----------
    population
        Residents by code of what the segmentation is keyed by (``oa21``).
    segmentation
        Which segment each code is.
    name
        Who they are, in words ("children of 5 to 15 living in Medway, Census 2021").

    Raises
    ------
    UnknownCodeError
        If none of the codes has a segment.
    """
    segments = segmentation.of(pd.Series(population.index.astype("str"), index=population.index), segmentation.keyed_by)
    counts = population.groupby(segments).sum().reindex(list(segmentation.segments), fill_value=0)
    if not counts.sum() > 0:
        raise UnknownCodeError(f"{name}: no resident lives in an area of {segmentation.label}")
    return Base(name, counts.rename_axis("segment"), contains_group=False)


def living_in(people: Assignment, kind: str, codes: Iterable[str] | Mapping[str, Iterable[str]], name: str) -> Base:
    """Pupils who live in given areas, whatever school they go to: a catchment.

    Some of the school's own pupils live there and some do not; those who do are left out of the base for the test.

    Parameters
    ----------
    people
        Pupils assigned to segments and to areas of ``kind``.
    kind
        The kind of area.
    codes
        The areas; or for each school its own.
    name
        Who they are, in words ("pupils living in the school's catchment").

    Raises
    ------
    UnknownCodeError
        If the people have no such areas, or nobody lives there.
    """
    if kind not in people.kinds:
        raise UnknownCodeError(f"these people have no {kind} codes; there are {', '.join(people.kinds)}")
    counts, rows = _of_schools(people), people.people
    rows = rows[rows["segment"].notna()]
    cells = pd.DataFrame(
        {
            "area": rows[kind].astype("str"),
            "school": rows["school"].astype("str"),
            "segment": rows["segment"].astype("str"),
        }
    )
    by_school = codes if isinstance(codes, Mapping) else {school: tuple(codes) for school in counts.index}
    everybody, own = {}, {}
    for school in counts.index:
        inside = cells[cells["area"].isin([str(code) for code in by_school.get(school, ())])]
        everybody[school] = inside["segment"].value_counts()
        own[school] = inside.loc[inside["school"] == school, "segment"].value_counts()
    tables = [
        pd.DataFrame(part).T.reindex(index=counts.index, columns=counts.columns).fillna(0) for part in (everybody, own)
    ]
    if not tables[0].to_numpy().sum():
        raise UnknownCodeError(f"{name}: nobody placed in a segment lives there")
    return Base(name, tables[0], own=tables[1])


def _base_of(people: Assignment, base: str | Base | Assignment, base_name: str) -> Base:
    if isinstance(base, Base):
        return base
    if isinstance(base, Assignment):
        require_same(people.segmentation, base.segmentation)
        if not base_name:
            raise ValueError("name the base: base_name says in words what the school is compared with")
        counts = segment_counts(base)
        return Base(base_name, _sums(counts), own=counts)
    if base != ALL_PUPILS:
        raise ValueError(f"base {base!r} is not known: use {ALL_PUPILS!r}, a Base, or an assignment with base_name")
    every = all_pupils(people)
    return replace(every, name=base_name) if base_name else every


def _sums(counts: pd.DataFrame) -> pd.Series:
    return counts.sum(axis=0).rename_axis("segment")


def _of_schools(people: Assignment) -> pd.DataFrame:
    counts = segment_counts(people)
    return counts[(counts.index != "") & (counts.index != NOT_PLACED)]


# --- levels ---------------------------------------------------------------------------------------------


def mix_sentence(profile: Protected) -> str:
    """Whether a school's mix as a whole differs from that of its base, which contains it, from printed counts.

    Parameters
    ----------
    profile
        As it may be shown: ``count``, ``total``, ``base_count`` and ``base_total`` by segment.

    Returns
    -------
    str
        "" where it cannot be said.

    Examples
    --------
    >>> counts = {"count": [60.0, 40.0], "total": 100.0, "base_count": [500.0, 500.0], "base_total": 1000.0}
    >>> table = pd.DataFrame(counts, index=["1", "2"])
    >>> mix_sentence(Protected(table, table.isna()))
    'The mix as a whole could be a fair draw from its base (chi-square, p 0.119).'
    """
    test = overall_shown(profile, "school")
    p = test["p"]
    if p != p:
        return ""
    clear = p <= NOTABLE_AT
    verdict = "differs from its base by more than chance would give" if clear else "could be a fair draw from its base"
    return f"The mix as a whole {verdict} ({test['method']}, p {'under 0.001' if p < 0.001 else f'{p:.3f}'})."


def choose_level(total: float, base_shares: Mapping[str, pd.Series]) -> tuple[str, str]:
    """The finest level at which a school is large enough for its segments to be looked at.

    A finer level than the first needs ``MIN_FOR_FINE`` pupils, and at least 5 expected in four fifths of its segments
    (Cochran's rule).

    Parameters
    ----------
    total
        Pupils of the school placed in a segment; as printed, where the words are to be shown.
    base_shares
        For each level, from coarse to fine, the base's share of each segment.

    Returns
    -------
    level, why
        The level, and one sentence that says so.

    References
    ----------
    Cochran (1954), Biometrics 10:417.

    Examples
    --------
    >>> shares = {"supergroup": pd.Series([0.6, 0.4]), "group": pd.Series([0.3, 0.3, 0.2, 0.2])}
    >>> choose_level(212, shares)
    ('supergroup', 'Shown by supergroup: group needs 400 pupils, and the school has about 212.')
    >>> choose_level(900, shares)[0]
    'group'
    """
    levels = list(base_shares)
    chosen, why = levels[0], f"Shown by {levels[0]}, the only level there is."
    for level in levels[1:]:
        shares = base_shares[level]
        shares = shares[shares > 0]
        full = int((shares * total >= MIN_EXPECTED).sum())
        if total < MIN_FOR_FINE:
            about = f"about {total:,.0f}" if total > 0 else "too few to say"
            few = f"{level} needs {MIN_FOR_FINE} pupils, and the school has {about}"
            return chosen, f"Shown by {chosen}: {few}."
        if full < 0.8 * len(shares):
            return chosen, (
                f"Shown by {chosen}: by {level}, {len(shares) - full} of {len(shares)} segments would have fewer than "
                f"{MIN_EXPECTED:.0f} pupils expected."
            )
        chosen = level
        why = f"Shown by {level}: about {total:,.0f} pupils are enough for {full} of {len(shares)} segments."
    return chosen, why


def at_level(people: Assignment, level: str) -> Assignment:
    """The same people in the segments of another level of the same segmentation.

    A corrected record (see :mod:`geoplan.corrections`) has the segment of its postcode at the new level, and is not
    said to be corrected; apply the corrections after this.
    """
    if people.segmentation is None or people.segmentation.level == level:
        return people
    segmentation = people.segmentation.at(level)
    if segmentation.keyed_by == "postcode":
        keys = people.frame["postcode"].astype("str").str.replace(" ", "", regex=False)
    else:
        keys = people.frame[segmentation.keyed_by].astype("object")
    segments = pd.Categorical(segmentation.of(keys, segmentation.keyed_by), categories=list(segmentation.segments))
    placed = int((~segments.isna() & people.frame["counted"].to_numpy()).sum())
    report = replace(people.report, placed=people.report.placed | {"segment": placed})
    frame = people.frame.drop(columns=CORRECTED, errors="ignore").assign(segment=segments)
    return replace(people, frame=frame, segmentation=segmentation, report=report)


# --- counts ---------------------------------------------------------------------------------------------


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
