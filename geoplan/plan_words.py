"""What is said of an option set: its headline, a sentence for each option, and what a reader should know.

Sentences are made from printed numbers (:class:`~geoplan.plan_tables.OptionTables`) and from what is known of the plans
besides people (:class:`OptionFacts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.catchments import NONE, CatchmentPlan, school_changes
from geoplan.disclosure import Protected
from geoplan.plan_grounds import ELSEWHERE, NO_SCHOOL
from geoplan.plan_tables import ALL, OptionTables, clusters_split
from geoplan.sources import Source
from geoplan.travel import MATRIX, WALK

NOT_A_ROLL = (
    "A catchment is not a roll: children may go to another school than that of their catchment. The share of residents "
    "who attend stands beside their number."
)
STRAIGHT = (
    "Distances are straight lines from the home's postcode to the catchment's school, rounded to the nearest 50 "
    "metres. A walk is never shorter: over 3 miles by the line is over 3 miles by any route, under it is not certain."
)
WAYS = {
    WALK: "Distances are walks along the network that was given, from the home's postcode to the catchment's school",
    MATRIX: "Distances are as given in the matrix of distances, from the home to the catchment's school",
}
BY_MILES = (
    "Means, medians and what nine in ten live within are worked out from the people of each quarter of a mile, hidden "
    "and rounded as other numbers are; exact distances would tell more."
)
UNFILLED = "Unfilled places are each school's own: a full school does not make up for an empty one, nor the reverse."
OWN_YEARS = (
    "Some schools teach only some of the years counted: places are set against children of the years that a "
    "catchment's schools teach."
)
MOST_IN_HEADLINE = 3
ATTRIBUTE_WORDS = {
    "year_group": "year group",
    "segment": "segment",
    "fsm": "free school meals",
    "sen": "special educational needs",
    "eal": "English as an additional language",
    "idaci": "deprivation (IDACI quintile, 1 is the most deprived)",
    ALL: "all",
}
VALUE_WORDS = {
    "year_group": {"R": "Reception", **{str(year): f"Year {year}" for year in range(1, 15)}},
    "fsm": {"yes": "Eligible", "no": "Not eligible", "no or not known": "Not eligible or not known"},
    "sen": {"E": "Education, health and care plan", "K": "SEN support", "N": "None",
            "N or not known": "None or not known"},
    "eal": {"yes": "Yes", "no": "No", "no or not known": "No or not known"},
    "idaci": {"1": "1, most deprived fifth", "5": "5, least deprived fifth"},
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class OptionFacts:
    """What is known of an option set besides people: names, outlines, what was given.

    Parameters
    ----------
    schools
        The schools, indexed by code, with ``name``, and ``easting`` and ``northing`` where they are known.
    sources
        What the tables were made from.
    schools_source
        Of the schools.
    boundaries
        The plans' areas, to draw; None for no map.
    look_up
        From :func:`geoplan.drawn_catchments.lookup_table`.
    groups
        Group (ward, parish) of each area, to see what is split; named by the kind.
    segment_names
        Names of segments by code.
    forecast
        Children expected by area and year (areas in rows), of the authority's own forecast.
    growth
        Where there is no forecast by area: pupils forecast for each pupil now, by year, in all schools of the phase.
    preferences
        From :func:`geoplan.plan_tables.protect_preferences`: applications and offers by catchment.
    problems
        What is wrong with each plan, in words.
    entry_year, phase
        Of the calendar; 0 for none.
    """

    schools: pd.DataFrame
    sources: tuple[Source, ...]
    schools_source: Source
    boundaries: Boundaries | None = None
    look_up: pd.DataFrame | None = None
    groups: Mapping[str, pd.Series] = field(default_factory=dict)
    segment_names: Mapping[str, str] = field(default_factory=dict)
    forecast: pd.DataFrame | None = None
    growth: pd.Series | None = None
    preferences: Protected | None = None
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)
    entry_year: int = 0
    phase: str = "secondary"

    def name(self, plan: CatchmentPlan, code: str) -> str:
        """The names of the schools of a catchment."""
        if code in (NONE, NO_SCHOOL, ELSEWHERE):
            return code or NO_SCHOOL
        named = self.schools["name"].to_dict() if "name" in self.schools else {}
        return " and ".join(str(named.get(member, member)) for member in plan.members(code))


# --- in words --------------------------------------------------------------------------------------------


def headline(tables: OptionTables) -> str:
    """What a page of options is called: what it finds, from printed numbers."""
    summary, (first, *options) = tables.summary.table, tables.titles
    moves = summary["moves"].astype(float)
    many = [option for option in options if moves[option] > 0]
    known = [f"{option} moves about {moves[option]:,.0f} {tables.noun}" for option in many[:1]]
    known += [f"{option} {moves[option]:,.0f}" for option in many[1:]]
    none = [f"{option} moves nobody" for option in options if moves[option] == 0]
    few = [f"{option} moves too few to print" for option in options if moves[option] != moves[option]]
    if len(options) > MOST_IN_HEADLINE and moves[options].notna().all():
        low, high = moves[options].min(), moves[options].max()
        return f"{len(options)} options against {first} move {low:,.0f} to {high:,.0f} {tables.noun}"
    said = "; ".join([*known, *none, *few])
    if len(options) == 1 and "full_schools" in summary and tables.places is not None:
        full, were = summary["full_schools"][options[0]], summary["full_schools"][first]
        count, before = (f"{each:,.0f}" if each else "none" for each in (full, were))
        said += f"; {count} of its catchments {'have' if full > 1 else 'has'} more residents than places"
        said += f", {before} today" if were != full else ", as today"
    return said


def finding(tables: OptionTables) -> str:
    """What each option does, in a sentence each."""
    return " ".join(option_sentence(tables, option) for option in tables.options)


def option_sentence(tables: OptionTables, option: str) -> str:
    """How many change school under an option, and how many of them come nearer."""
    summary = tables.summary
    moves, share = summary.table.loc[option, "moves"], summary.table.loc[option, "moves_share"]
    if moves == 0:
        return f"{option}: no {tables.noun} change catchment."
    if moves != moves:
        return f"{option}: fewer than {tables.rule.hide_below} {tables.noun} in any group change catchment."
    part = f", {100 * share:.0f}% of {tables.base_name}," if share >= 0.005 else ""
    words = f"{option}: about {moves:,.0f} {tables.noun}{part} would have another catchment school"
    table = tables.who.get((option, ALL))
    if table is not None:
        known = [
            f"{table.table.loc[ALL, name]:,.0f} {where}"
            for name, where in (("nearer", "a nearer one"), ("farther", "one farther away"))
            if table.table.loc[ALL, name] > 0
        ]
        words += f": {' and '.join(known)}" if known else ""
    return f"{words}."


def most_sentences(tables: OptionTables, facts: OptionFacts) -> list[str]:
    """For each option, the segment and the group by free school meals of which most change school."""
    said = []
    words = {"segment": facts.segment_names, "fsm": VALUE_WORDS["fsm"]}
    for option in tables.options:
        for name in words:
            table = tables.who.get((option, name))
            if table is None or not table.table["moves_share"].notna().any():
                continue
            share = table.table["moves_share"].astype(float)
            every = tables.who[option, ALL].table.loc[ALL, "moves_share"]
            if share.max() > 0 and every == every:
                most = str(words[name].get(str(share.idxmax()), share.idxmax()))
                rate = f"{100 * share.max():.0f}% change school ({100 * every:.0f}% of all)"
                said.append(f"{option}, most by {ATTRIBUTE_WORDS[name]}: {most}, {rate}.")
    return said


def change_sentences(tables: OptionTables, facts: OptionFacts) -> list[str]:
    """For each option, what it changes of schools themselves: closed, opened, places, years; none where it does not."""
    first = tables.plans[tables.titles[0]]
    said = []
    for option in tables.options:
        names = facts.schools["name"].to_dict() if "name" in facts.schools else {}
        changes = school_changes(tables.plans[option], first, names)
        said += [f"{option}: {'; '.join(changes)}."] if changes else []
    return said


def cluster_sentences(tables: OptionTables) -> list[str]:
    """For each option, how many change cluster, and whose children are divided; none where schools have no cluster."""
    said, divided = [], clusters_split(tables)
    for option, flows in tables.cluster_flows.items():
        count = tables.summary.table.loc[option, "cluster_moves"]
        if not len(flows):
            words = f"{option}: no area goes to a school of another cluster"
        elif count != count:
            words = f"{option}: fewer than {tables.rule.hide_below} {tables.noun} in any group change cluster"
        else:
            words = f"{option}: about {count:,.0f} {tables.noun} would change cluster"
        if divided:
            first = tables.titles[0]
            words += f"; it divides the children of {_many_clusters(divided[option])} ({divided[first]:,} in {first})"
        said.append(f"{words}.")
    return said


def _many_clusters(count: int) -> str:
    return f"{count:,} cluster{'' if count == 1 else 's'}" if count else "no cluster"


def notes(tables: OptionTables, facts: OptionFacts) -> list[str]:
    """What a reader should know."""
    who = tables.people.table["people"]
    said = [*change_sentences(tables, facts)]
    said += [f"Counted: {tables.base_name}, by where they live, under every plan alike."]
    for where, words in (
        ("elsewhere", "live outside the plans' areas and are in no catchment"),
        ("without an area (not placed)", "could not be placed in an area and are in no table"),
    ):
        if who[where] > 0:
            said.append(f"About {who[where]:,.0f} {tables.noun} {words}.")
    said += [NOT_A_ROLL]
    said += [distance_words(tables)] if tables.distance is not None else []
    said += [UNFILLED] if tables.places is not None else []
    said += [OWN_YEARS] if tables.own_years is not None else []
    said += [sentence for sentence in cluster_sentences(tables) if "no area goes" in sentence]
    said += [f"{title}: {problem}." for title, problems in facts.problems.items() for problem in problems]
    said += [f"Not shown: {what} ({why})." for what, why in tables.left_out.items()]
    return said


def distance_words(tables: OptionTables) -> str:
    """How distances were measured."""
    said = f"{WAYS[tables.way]}, rounded to the nearest 50 metres." if tables.way in WAYS else STRAIGHT
    return said if tables.rule.exact else f"{said} {BY_MILES}"
