"""The pages about access: a closure, small schools side by side, limits of free travel.

Everything is taken from protected tables; this module decides only what stands on a page and in what words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from geoplan import maps
from geoplan.access_tables import BEYOND, NO_PLACE, WITHIN, AccessTables
from geoplan.areas import Boundaries
from geoplan.disclosure import Protected
from geoplan.schools import Schools
from geoplan.sources import Source
from geoplan.transport_rules import LIMITS, LOW_INCOME, NOT_BY_DISTANCE
from geoplan.travel import (
    ALL_OVER,
    ENTITLED,
    LOW_INCOME_ENTITLED,
    NEARER,
    NOT_KNOWN,
    OVER_NEAREST_UNKNOWN,
    ROUTE,
)
from geoplan.travel import WITHIN as WITHIN_LIMIT

CLOSES, TAKES, OTHER = "closes or changes", "would take pupils", "other school"
SAID = {
    ENTITLED: "{} are over the limit at their nearest suitable school",
    ALL_OVER: "{} are over the limit whichever suitable school they go to",
    LOW_INCOME_ENTITLED: "{} of low income are within the longer limits",
    OVER_NEAREST_UNKNOWN: "{} are over the limit at their school, and only a route tells whether a nearer one suits",
    NEARER: "{} are over the limit at their school while a suitable one is nearer",
    ROUTE: "for {} only a route can tell",
    WITHIN_LIMIT: "{} are within the limit",
    NOT_KNOWN: "{} are not known",
}
NOT_A_FORECAST = (
    "Where pupils would go is worked out by the rule named; families choose otherwise, and a place offered is not a "
    "place accepted."
)
PRESUMPTION = (
    "For a rural primary school the law asks for regard to the effect on the community, the availability and likely "
    "cost of transport, increased use of cars and the alternatives to closure (Education and Inspections Act 2006 "
    "s.15(4)); there is a presumption against closing one. Which schools are rural in law is settled by an order of "
    "the Secretary of State, not by this page."
)
TWO_NUMBERS = (
    "The next suitable school with room, for every pupil whose home is known. Each school is closed by itself here, "
    "the others staying as they are; closing two of them together shares the room between them."
)


def closure_book(
    tables: AccessTables,
    sources: Iterable[Source],
    schools: Schools,
    concerned: Iterable[str],
    boundaries: Boundaries | None = None,
    title: str = "",
) -> maps.MapBook:
    """The page of a closure or another reorganisation: who goes where, how far, and what places are left.

    Parameters
    ----------
    tables
        From :func:`geoplan.access_tables.protect_access`.
    sources
        What it was made from.
    schools
        The schools, to draw.
    concerned
        Those that close or change.
    boundaries
        Areas to colour by where the displaced pupils live.
    title
        The page's heading.
    """
    sources, concerned = tuple(sources), tuple(concerned)
    noun = tables.receiving.base
    panels = [_receiving_panel(tables, sources), _bands_panel(tables, sources)]
    if len(tables.figures):
        panels.append(
            maps.table(
                f"The way to school, in {tables.unit}",
                public=tables.figures,
                columns={"before": ("Before", ""), "after": ("After", "")},
                sources=sources,
                index="Of all of them",
                note=f"Of {noun} whose way is known before and after; the furthest one is never given.",
            )
        )
    layers = []
    if tables.areas is not None:
        columns = {"pupils": (f"{noun.capitalize()} displaced", "")}
        if (tables.areas.table["to"] != "").any():
            columns["to"] = ("Most would go to", "")
        if boundaries is not None:
            layers.append(_areas_layer(tables, boundaries, sources))
        homes = tables.areas
        if boundaries is not None and (boundaries.names != boundaries.codes).any():
            own = boundaries.names.reindex(homes.table.index).fillna("").astype(str)
            homes = replace(homes, table=homes.table.assign(name=own))
            columns = {"name": ("Name", ""), **columns}
        panels.append(
            maps.table(
                "By where they live", homes, columns, sources=sources, index="Area",
                note="Only numbers that may be printed are named; an area with c has a few.",
            )
        )  # fmt: skip
    frame = schools.frame.copy()
    takes = tables.receiving.table.index
    frame["role"] = OTHER
    frame.loc[frame.index.isin(takes), "role"] = TAKES
    frame.loc[frame.index.isin(concerned), "role"] = CLOSES
    facts = {label: col for label, col in (("Phase", "phase"), ("Places", "places")) if col in frame}
    layers.append(
        maps.schools(
            frame, sources=[schools.source], facts=facts, mark_by="role", highlight=[*concerned], title="Schools"
        )
    )
    return maps.MapBook(
        title or headline(tables),
        finding=finding(tables),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=(NOT_A_FORECAST, PRESUMPTION, *tables.notes),
        marking=tables.rule.marking,
    )


def headline(tables: AccessTables) -> str:
    """What the page of a reorganisation is called: what it finds, from printed numbers."""
    return f"If {tables.words}, {_displaced(tables)} need another school"


def _displaced(tables: AccessTables) -> str:
    count = f"about {tables.total:,.0f}" if tables.total == tables.total else f"fewer than {tables.rule.hide_below}"
    return f"{count} {tables.receiving.base}"


def finding(tables: AccessTables) -> str:
    """What a reorganisation does, in plain sentences of printed numbers."""
    parts = [f"{tables.words}: {_displaced(tables)} would need another school."]
    parts += without_sentences(tables)
    if len(tables.figures):
        before, after = tables.figures.at["mean", "before"], tables.figures.at["mean", "after"]
        parts.append(f"Their mean way to school goes from {before:.1f} to {after:.1f} {tables.unit}.")
    return " ".join(parts)


def without_sentences(tables: AccessTables) -> list[str]:
    """How many find no place, and why; and whose home is not known."""
    said, noun = [], tables.receiving.base
    for reason, row in tables.without.table.iterrows():
        if tables.without.hidden.at[reason, "left without"]:
            said.append(f"Some of them have {reason}: too few to print, or hidden with those that are.")
        elif row["left without"] > 0:
            said.append(f"For about {row['left without']:,.0f} of them there is {reason}.")
    if not said:
        said.append("All whose homes are known find a place by the rule used.")
    if tables.unknown != tables.unknown:
        said.append(
            f"Fewer than {tables.rule.hide_below} of these {noun} have a home that is not known; they need a "
            "place too, and are in no table."
        )
    elif tables.unknown > 0:
        said.append(
            f"About {tables.unknown:,.0f} of these {noun} have a home that is not known; they need a place "
            "too, and are in no table."
        )
    return said


def screen_book(
    table: Protected,
    sources: Iterable[Source],
    schools: Schools,
    *,
    reasonable: str,
    unit: str,
    below: int,
    sizes: pd.DataFrame,
    notes: Iterable[str] = (),
    boundaries: Boundaries | None = None,
    title: str = "",
) -> maps.MapBook:
    """The page of small schools: the old rule beside the new principle.

    Parameters
    ----------
    table
        From :func:`geoplan.access_tables.protect_screen`.
    sources, schools
        What it was made from, and the schools to draw.
    reasonable
        What is a reasonable way, in words ("2 miles").
    unit
        ``miles`` or ``minutes``.
    below
        The roll of the old rule.
    sizes
        How many schools are under each size: one column ``schools``, indexed by words.
    notes
        What decides the figures.
    boundaries
        Outlines to find one's way by.
    title
        The page's heading.
    """
    sources = tuple(sources)
    frame = schools.frame.copy()
    frame["role"] = pd.Series("other school", frame.index).mask(frame.index.isin(table.table.index), "small school")
    frame = frame.sort_values("role", kind="stable")  # small ones are drawn last, so on top
    facts = {label: col for label, col in (("Phase", "phase"), ("Places", "places")) if col in frame}
    layers = [maps.outline(boundaries, names=False)] if boundaries is not None else []
    layers.append(maps.schools(frame, sources=[schools.source], facts=facts, mark_by="role", title="Schools"))
    columns = screen_columns(reasonable, unit, below, table.base)
    roll = {name: columns[name] for name in ("name", "rural", "roll", "lowest", "review")}
    way = {name: heading for name, heading in columns.items() if name == "name" or name not in roll}
    return maps.MapBook(
        title or "Small schools: the roll, and the way to the next school",
        finding=screen_finding(table, reasonable, below),
        layers=tuple(layers),
        panels=(
            maps.table("The roll, and the old rule", table, roll, sources=sources, index="School"),
            maps.table("The way to school, if each closed by itself", table, way, sources=sources, index="School",
                       note=TWO_NUMBERS),
            maps.table("How many schools are small", public=sizes, columns={"schools": ("Schools", "")},
                       sources=sources, index="Roll"),
        ),
        notes=(PRESUMPTION, NOT_A_FORECAST, *notes),
        marking=table.rule.marking,
    )  # fmt: skip


def screen_columns(reasonable: str, unit: str, below: int, noun: str) -> dict[str, tuple[str, str]]:
    """Headings of a screen's columns."""
    return {
        "name": ("Name", ""),
        "rural": ("Rural", ""),
        "roll": ("Roll", ""),
        "lowest": ("Lowest forecast", ""),
        "review": (f"Old rule (under {below})", ""),
        WITHIN: (f"{noun.capitalize()} within {reasonable} of it", ""),
        BEYOND: (f"Beyond {reasonable}", ""),
        NO_PLACE: ("None with room", ""),
        "mean_before": (f"Mean {unit} now", ""),
        "mean_after": (f"Mean {unit} after", ""),
        "takers": ("Schools that take them", ""),
        "left": ("Places left there", ""),
    }


def screen_finding(table: Protected, reasonable: str, below: int) -> str:
    """What the screen says, in plain sentences."""
    rows = table.table
    reviewed = rows[rows["review"] == "review"]
    far = rows[(rows[BEYOND] > 0) | (rows[NO_PLACE] > 0)]
    kept_far = far[far["review"] == "keep"]
    said = f"The rule by roll alone (under {below}) would review {len(reviewed):,} of {len(rows):,} small schools."
    if not len(far):
        return (
            f"{said} Any of them could close by itself and leave fewer than ten pupils without a school with room "
            f"within {reasonable} of home."
        )
    return (
        f"{said} By the way to school, {len(far):,} of them could not close without leaving ten or more pupils with no "
        f"school with room within {reasonable} of home; the rule by roll would review {len(far) - len(kept_far):,} of "
        "these."
    )


def entitlement_book(table: Protected, sources: Iterable[Source], notes: Iterable[str], day: str) -> maps.MapBook:
    """The page of a screen for free travel: by age, and the law it was judged by."""
    sources = tuple(sources)
    columns = {name: (str(name).capitalize(), "") for name in table.table.columns}
    rules = law_table()
    return maps.MapBook(
        "Who is over a limit of free travel to school",
        finding=entitlement_finding(table),
        panels=(
            maps.table("Where pupils stand, by age", table, columns, sources=sources, index="At the school attended"),
            maps.table(
                "The law", public=rules, sources=sources,
                columns={name: (name.capitalize(), "") for name in rules.columns},
                note=f"As in force on {day}. Walking distance is the shortest safe walk; 6 and 15 miles are by road.",
            ),
        ),
        notes=(NOT_BY_DISTANCE, LOW_INCOME, *notes),
        marking=table.rule.marking,
    )  # fmt: skip


def distances_book(table: Protected, sources: Iterable[Source], notes: Iterable[str]) -> maps.MapBook:
    """The page of how far pupils go to school, beside how far the nearest suitable school is."""
    sources = tuple(sources)
    columns = {"attended": ("To the school attended", ""), "nearest": ("To the nearest suitable school", "")}
    return maps.MapBook(
        "How far pupils go to school",
        finding=distances_finding(table),
        panels=(maps.table("By distance", table, columns, sources=sources, index="Way to school"),),
        notes=("Suitable means by year group and kind of school; choice and faith are the families'.", *notes),
        marking=table.rule.marking,
    )


def distances_finding(table: Protected) -> str:
    """How far pupils go, in one sentence of printed numbers: those in the last band."""
    far = next(name for name in table.table.index if str(name).startswith("over "))
    said = []
    for column, words in (("attended", "go to a school"), ("nearest", "have their nearest suitable school")):
        if table.hidden.at[far, column]:
            said.append(f"fewer than {table.rule.hide_below}, or too few to print, {words} {far} away")
        else:
            said.append(f"about {table.table.at[far, column]:,.0f} {words} {far} away")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def law_table() -> pd.DataFrame:
    """The limits in words, as printed beside a screen."""
    rows = [
        {
            "children": each.who,
            "free beyond": f"{each.over_miles:g} miles",
            "and up to": "no end" if each.up_to_miles is None else f"{each.up_to_miles:g} miles",
            "since": each.since.isoformat(),
            "source": each.source,
        }
        for each in LIMITS
        if each.until is None
    ]
    return pd.DataFrame(rows)


def entitlement_finding(table: Protected) -> str:
    """What a screen for free travel says, in plain sentences."""
    said = [
        SAID[status].format(f"about {row['all']:,.0f}")
        for status, row in table.table.iterrows()
        if status in SAID and row["all"] > 0
    ]
    text = "; ".join(said) or "numbers are too small to print"
    return f"{text[0].upper()}{text[1:]}."


def _receiving_panel(tables: AccessTables, sources: tuple[Source, ...]) -> maps.TablePanel:
    noun = tables.receiving.base
    columns = {
        "name": ("School", ""),
        "places": ("Places", ""),
        "roll": ("Roll before", ""),
        "comes": (f"{noun.capitalize()} who would come", ""),
        "left": ("Places left", ""),
    }
    note = "Places left are worked out from the numbers printed, so to within the rounding."
    return maps.table("Where they would go", tables.receiving, columns, sources=sources, index="Number", note=note)


def _bands_panel(tables: AccessTables, sources: tuple[Source, ...]) -> maps.TablePanel:
    columns = {"before": ("Before", ""), "after": ("After", "")}
    title = f"How far they go to school, {tables.receiving.base}"
    return maps.table(title, tables.bands, columns, sources=sources, index="Way to school")


def _areas_layer(tables: AccessTables, boundaries: Boundaries, sources: tuple[Source, ...]) -> maps.AreaLayer:
    shown = tables.areas
    table = shown.table.reindex(boundaries.codes)
    named = (shown.table["to"] != "").any()
    table["to"] = table["to"].fillna("nobody" if named else "")
    table["pupils"] = table["pupils"].where(table.index.isin(shown.table.index), 0.0)
    hidden = shown.hidden.reindex(boundaries.codes, fill_value=False)
    noun = shown.base
    details = {"Most would go to": "to"} if named else {}
    return maps.areas(
        boundaries,
        Protected(table, hidden, shown.rule, noun, shown.units, shown.printed),
        value="pupils",
        title="Where the displaced live",
        unit=noun,
        legend=f"{noun.capitalize()} who would need another school",
        details=details,
        sources=sources,
        focus=list(shown.table.index),
    )
