"""The head teacher's report: who comes, from where, which schools are like ours, and how far to trust it.

A :class:`HeadReport` is what one page needs and no more. Everything in it that counts people is protected; the
sentences are made from those tables and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts, require_protected
from geoplan.errors import UnknownCodeError
from geoplan.maps.panels import check_columns
from geoplan.protection import PlaceTables
from geoplan.reports.outlines import Outlines, simplify_outlines
from geoplan.reports.words import group_name, likeness, with_group_names
from geoplan.schools import Schools
from geoplan.similarity import printed_totals, similar_shown
from geoplan.sources import Source, is_invented, unique_sources

APART_KM = 3.0  # "not next door"
MOST_SIMILAR = 5
MOST_GROUPS = 8
_NEEDED = {
    "profile": ("name", "total", "share", "share_low", "share_high", "base_share", "index", "index_low", "index_high"),
    "homes": ("pupils",),
    "changes": ("name", "share", "share_before"),
}
_FACTS = ("phase", "type", "cluster")


@dataclass(frozen=True, repr=False)
class HeadReport:
    """One school's page.

    Parameters
    ----------
    school, name
        The school's code and name.
    profile
        Its segments: ``name``, ``count``, ``total``, ``share``, ``share_low``, ``share_high``, ``base_share``,
        ``index``, ``index_low``, ``index_high``; a true-or-false column ``notable`` decides, where there is one,
        which of them stand out.
    compared
        What it is compared with, in plain words: "all schools in Medway together".
    homes
        Its pupils by area, column ``pupils``; None draws no map.
    outlines
        The areas, made small (:func:`geoplan.reports.simplify_outlines`).
    position
        The school's easting and northing, metres.
    similar
        The schools most like it, not next door, best first: ``similar`` (code), ``name``, ``km`` and, where known,
        ``distance`` (between the mixes, 0 to 1) and ``reason`` (a few words).
    apart_km
        How far away a school is at least to be in ``similar``.
    changes
        By segment: ``name``, ``share`` and ``share_before`` (0 to 1) and perhaps ``clear`` (more than chance); None
        where no earlier year is known.
    period
        Which years ``changes`` is about, in words.
    intake
        Sentences about the families near the school and how many of them come; from protected numbers.
    trust
        Sentences on how many could be placed, and what the groups rest on.
    cautions
        Sentences on where this school's page may mislead (new homes, few numbers).
    evidence
        Further protected tables, from which sentences take numbers.
    shares
        Shares (0 to 1) in those sentences, worked out from printed counts.
    facts
        Public facts for the line under the title, in order.
    contact
        Whom to write to; the authority's planning team if empty.
    made
        The day, in words.
    noun
        What the people are called.
    marking
        Printed at the head.
    sources
        Everything this was made from.
    """

    school: str
    name: str
    profile: Protected
    compared: str
    homes: Protected | None = None
    outlines: Outlines | None = None
    position: tuple[float, float] | None = None
    similar: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["similar", "name", "km", "reason"]))
    apart_km: float = APART_KM
    changes: Protected | None = None
    period: str = ""
    intake: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    evidence: tuple[Protected, ...] = ()
    shares: tuple[float, ...] = ()
    facts: tuple[str, ...] = ()
    contact: str = ""
    made: str = ""
    noun: str = "pupils"
    marking: str = ""
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for name, columns in _NEEDED.items():
            if getattr(self, name) is not None:
                table = require_protected(getattr(self, name), f"{name} of a HeadReport").table
                check_columns(f"{name} of a HeadReport", table, columns)
        for name in ("intake", "trust", "cautions", "evidence", "shares", "facts", "sources"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __repr__(self) -> str:
        return f"<HeadReport {self.school} {self.name!r}, {self.rule.tag}>"

    @property
    def rule(self) -> Rule:
        """The small-number rule of the page."""
        return self.profile.rule

    @property
    def tables(self) -> tuple[Protected, ...]:
        """The protected tables that the page shows: what a release checks; areas with their names."""
        tables = (self.profile, self.named_homes, self.changes, *self.evidence)
        return tuple(table for table in tables if table is not None)

    @property
    def named_homes(self) -> Protected | None:
        """The homes with each area's name, the first column."""
        if self.homes is None:
            return None
        names = {} if self.outlines is None else self.outlines.names
        shown = self.homes.table.rename_axis("area")
        shown.insert(0, "name", [names.get(str(code), str(code)) for code in shown.index])
        return replace(self.homes, table=shown)

    @property
    def worked_out(self) -> tuple[pd.DataFrame, ...]:
        """Plain tables of what was worked out from printed numbers, and of texts: what a release compares with."""
        from geoplan.reports.render import worked_out

        return worked_out(self)

    @property
    def invented(self) -> bool:
        """Whether anything on the page is made-up data."""
        return is_invented(self.sources)

    @cached_property
    def drawn(self):
        """The map of where they come from, drawn once: a :class:`~geoplan.reports.charts.HomesMap`, or None."""
        from geoplan.reports.render import draw_map

        return draw_map(self)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the page says, a sentence a picture: for a letter, or to be read aloud."""
        from geoplan.reports.render import sentences

        return sentences(self)

    def to_html(self) -> str:
        """The page as text: no script, no network; the same for the same report."""
        from geoplan.reports.render import head_page

        return head_page(self)


@dataclass(frozen=True, repr=False)
class Backdrop:
    """What all reports of one run have in common, worked out once.

    Parameters
    ----------
    compared
        What schools are compared with, in plain words.
    facts
        Public facts of schools by code.
    outlines
        The areas, made small; None draws no maps.
    similar
        For each school, the schools most like it and not next door (:func:`geoplan.similarity.similar_shown`).
    apart_km
        What "not next door" means.
    placed
        By school: ``pupils`` and ``missing`` (not placed in a segment), rounded.
    shares
        Printed shares by school and segment, missing where hidden.
    base
        Printed shares of the base by segment.
    names
        The segments' names.
    notes
        Sentences on trust that hold for every school.
    contact, made, noun, sources
        As in :class:`HeadReport`.
    """

    compared: str
    facts: pd.DataFrame
    outlines: Outlines | None
    similar: Mapping[str, pd.DataFrame]
    apart_km: float
    placed: Protected
    shares: pd.DataFrame
    base: pd.Series
    names: pd.Series
    notes: tuple[str, ...]
    contact: str
    made: str
    noun: str
    sources: tuple[Source, ...]

    def __repr__(self) -> str:
        return f"<Backdrop: {len(self.shares):,} schools, compared with {self.compared}>"


def backdrop(
    people: Assignment,
    schools: Schools,
    boundaries: Boundaries | None,
    tables: PlaceTables,
    *,
    place: str = "",
    contact: str = "",
    made: str = "",
    apart_km: float = APART_KM,
    most: int = MOST_SIMILAR,
    similar: Mapping[str, pd.DataFrame] | None = None,
) -> Backdrop:
    """What the reports of a run share.

    Parameters
    ----------
    people
        Pupils assigned to segments and to the boundaries' kind.
    schools
        The schools.
    boundaries
        The areas to draw; None for reports without maps.
    tables
        The place's protected tables, as every head may see them.
    place
        What the place is called, for the words ("Medway").
    contact
        Whom a head may write to.
    made
        The day, in words.
    apart_km
        A school nearer than this is next door, and not listed among those alike.
    most
        How many schools alike are listed.
    similar
        For each school, the schools alike, where that is known already; worked out if None.

    Returns
    -------
    Backdrop
    """
    shares = pd.DataFrame({school: table.table["share"] for school, table in tables.profiles.items()}).T
    any_profile = next(iter(tables.profiles.values())).table
    if similar is None:
        totals = printed_totals(tables.profiles)
        everyone = similar_shown(tables.by_school, n=len(shares), schools=schools.frame, totals=totals)
        apart = everyone[~(everyone["km"] < apart_km)]
        apart = apart[apart.groupby("school").cumcount() < most]
        similar = {str(school): rows for school, rows in apart.groupby("school")}
    return Backdrop(
        compared=f"all schools in {place} together" if place else "all the schools together",
        facts=schools.frame,
        outlines=None if boundaries is None else simplify_outlines(boundaries),
        similar=similar,
        apart_km=apart_km,
        placed=_placed(people, tables.rule),
        shares=shares,
        base=any_profile["base_share"],
        names=any_profile["name"].astype("str").map(group_name),
        notes=_notes(people),
        contact=contact,
        made=made,
        noun=people.noun,
        sources=unique_sources((*people.sources, schools.source)),
    )


def head_report(
    shared: Backdrop,
    tables: PlaceTables,
    school: str,
    *,
    similar: pd.DataFrame | None = None,
    changes: Protected | None = None,
    period: str = "",
    intake: Sequence[str] = (),
    cautions: Sequence[str] = (),
    trust: Sequence[str] | None = None,
    evidence: Sequence[Protected] = (),
    shares: Sequence[float] = (),
) -> HeadReport:
    """The report of one school.

    Parameters
    ----------
    shared
        From :func:`backdrop`.
    tables
        Protected tables with this school's profile and (for the map) homes: the place's own, or those of the
        audience ``school:URN``.
    school
        The school's code.
    similar
        Schools alike, where another list than the backdrop's is wanted: ``similar``, ``name``, ``km``, and
        perhaps ``reason`` or ``alike`` (why, in words).
    changes, period, intake, cautions, evidence, shares
        As in :class:`HeadReport`.
    trust
        Sentences instead of the backdrop's own, where the cautions say how many could be placed, and how old the
        groups are.

    Returns
    -------
    HeadReport

    Raises
    ------
    UnknownCodeError
        If the school has no pupils placed in a segment.
    """
    if school not in tables.profiles:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment")
    facts = shared.facts.loc[school] if school in shared.facts.index else pd.Series(dtype=object)
    profile = with_group_names(tables.profiles[school])
    near = similar if similar is not None else shared.similar.get(school)
    extra = {} if near is None else {"similar": _with_reasons(near, profile, shared)}
    return HeadReport(
        school=school,
        name=str(facts.get("name") or school),
        profile=profile,
        compared=shared.compared,
        homes=tables.homes.get(school),
        outlines=shared.outlines,
        position=_position(facts),
        apart_km=shared.apart_km,
        changes=None if changes is None else with_group_names(changes),
        period=period,
        intake=tuple(intake),
        trust=(*_placed_words(shared.placed, school, shared.noun), *shared.notes) if trust is None else tuple(trust),
        cautions=tuple(cautions),
        evidence=tuple(evidence),
        shares=tuple(shares),
        facts=tuple(str(facts[name]) for name in _FACTS if str(facts.get(name) or "")),
        contact=shared.contact,
        made=shared.made,
        noun=shared.noun,
        marking=tables.rule.marking,
        sources=shared.sources,
        **extra,
    )


# --- the parts ------------------------------------------------------------------------------------------


def _with_reasons(near: pd.DataFrame, profile: Protected, shared: Backdrop) -> pd.DataFrame:
    """The schools alike with a reason each: the one given, or one from the printed profiles of both."""
    if "reason" in near:
        return near
    own, shares = profile.table["share"], shared.shares
    given = near["alike"] if "alike" in near else pd.Series("", index=near.index)
    reasons = [
        said or (likeness(own, shares.loc[code], shared.base, shared.names) if code in shares.index else "")
        for code, said in zip(near["similar"], given.fillna(""), strict=True)
    ]
    return near.drop(columns="alike", errors="ignore").assign(reason=reasons)


def _position(facts: pd.Series) -> tuple[float, float] | None:
    x, y = (float(facts.get(name, np.nan)) for name in ("easting", "northing"))
    return (x, y) if np.isfinite(x) and np.isfinite(y) and (x or y) else None


def _placed(people: Assignment, rule: Rule) -> Protected:
    """Pupils of each school, and those without a segment; rounded as the public rule says even for the own school."""
    rows = people.people
    missing = rows["segment"].isna().to_numpy()
    school = rows["school"].astype("str").to_numpy()
    exact = pd.DataFrame({"pupils": 1, "missing": missing.astype(int)}).groupby(school).sum()
    strict = rule if rule.hide_below >= PUBLIC.hide_below else PUBLIC
    shown, hidden = {}, {}
    for column in exact:
        shown[column], hidden[column] = protect_counts(exact[column], strict)
    return Protected(pd.DataFrame(shown), pd.DataFrame(hidden), strict, people.noun)


def _placed_words(placed: Protected, school: str, noun: str) -> tuple[str, ...]:
    if school not in placed.table.index:
        return ()
    missing, few = placed.table.at[school, "missing"], placed.hidden.at[school, "missing"]
    if few:
        return (f"Fewer than {placed.rule.hide_below} of your {noun} could not be placed by postcode.",)
    if missing == 0:
        return (f"All of your {noun} could be placed by postcode.",)
    return (
        f"About {missing:,.0f} of your {placed.table.at[school, 'pupils']:,.0f} {noun} "
        "could not be placed by postcode, and are left out.",
    )


def _notes(people: Assignment) -> tuple[str, ...]:
    scheme = people.segmentation
    notes = ["A group describes a neighbourhood, not a family: neighbours differ."]
    if scheme is not None and scheme.base_date:
        notes.append(
            f"The groups ({scheme.scheme} {scheme.version}) rest on facts of {scheme.base_date[:4]}. "
            "Homes built or let since then may be in the wrong one."
        )
    elif scheme is not None:
        notes.append(f"The groups are those of {scheme.scheme} {scheme.version}; newer homes may be in the wrong one.")
    return tuple(notes)
