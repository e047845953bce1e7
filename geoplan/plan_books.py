"""The pages about catchment options: the map to compare them on, and the report in the order an adjudicator asks.

Everything about people is taken from protected tables; this module decides only what stands on a page, its sentences
are in :mod:`geoplan.plan_words`. Which area belongs to which school is public.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries, merge_areas
from geoplan.calendars import admissions_calendar
from geoplan.catchments import NONE, CatchmentPlan
from geoplan.disclosure import Protected, protect
from geoplan.drawn_catchments import compactness, split_groups
from geoplan.effects import NO_CLUSTER, clusters_of
from geoplan.maps.cells import capital
from geoplan.maps.palette import colours_apart
from geoplan.plan_grounds import ELSEWHERE, NO_SCHOOL, STAY, flow_of_areas
from geoplan.plan_tables import ALL, OptionTables, clusters_split, feeders_split
from geoplan.plan_words import (
    ATTRIBUTE_WORDS,
    NOT_A_ROLL,
    OWN_YEARS,
    UNFILLED,
    VALUE_WORDS,
    OptionFacts,
    change_sentences,
    distance_words,
    finding,
    headline,
    notes,
)
from geoplan.reports.catchment_maps import catchment_map, fills_apart, map_letters
from geoplan.reports.outlines import simplify_outlines
from geoplan.sources import Source
from geoplan.vintages import kind_words

CHANCE = (
    "By chance: what the measure would be if the same children lived in these catchments at random. Gorard's measure "
    "is the part of the group that would have to change catchment for an even spread."
)
CLUSTERS = (
    "A cluster is the council's own group of schools; a home is in the cluster of its catchment's school. Whoever goes "
    "to another school of the same cluster does not change cluster."
)
DIVIDED = (
    "Of the children who attend a cluster's feeder schools: the cluster in whose catchments most of them live, and "
    "their share in it. A cluster's children are divided where a tenth or more live outside it."
)
FROM_PRINTED = (
    "Worked out of the numbers printed by feeder school and catchment; one that is hidden stands for {}, so a share "
    "may be a few per cent off."
)
LOOK_UP = "Postcode sectors, plan by plan"
MAP_WORDS = (
    "Letters stand for catchments, as in the key; diamonds are schools; hatched areas change school. Colours only tell "
    "neighbours apart."
)
KEEP = "Areas that are not coloured keep their school."
TO_WORDS = " to "
SAME_AREA, OTHER_AREA, NEW_AREA = "same school", "another school", "in one plan only"
_CHANGE_COLOURS = {SAME_AREA: "#DEDEDE", OTHER_AREA: "#801650", NEW_AREA: "#28A197"}


def options_book(tables: OptionTables, facts: OptionFacts, title: str = "") -> maps.MapBook:
    """The page to compare options on: plan beside plan, what differs, who moves, places, and one's own postcode.

    Parameters
    ----------
    tables
        From :func:`geoplan.plan_tables.protect_options`.
    facts
        Names, outlines and what else is known.
    title
        The page's heading.
    """
    layers, swipe = _layers(tables, facts) if facts.boundaries is not None else ([], {})
    panels = [
        summary_panel(tables, facts),
        *_flow_panels(tables, facts),
        *_cluster_panels(tables, facts),
        *_place_panels(tables, facts),
        *_forecast_panels(tables, facts),
        *_who_panels(tables, facts),
        *_mix_panels(tables, facts),
        *_distance_panels(tables, facts),
        *_retention_panels(tables, facts),
        *_sibling_panels(tables, facts),
        *_split_panels(tables, facts),
        *_divided_panels(tables, facts),
        *_shape_panels(tables, facts),
        *_look_up_panels(tables, facts),
    ]
    named = [panel.title for panel in panels]
    return maps.MapBook(
        title or headline(tables),
        finding=finding(tables),
        layers=tuple(layers),
        panels=tuple(panels),
        notes=tuple(notes(tables, facts)),
        marking=tables.rule.marking,
        swipe=swipe,
        look_up=LOOK_UP if LOOK_UP in named and layers else "",
    )


def options_report(tables: OptionTables, facts: OptionFacts, title: str = "") -> maps.MapBook:
    """The report of an option set, in the order in which the Schools Adjudicator asks.

    Boundaries and pupil numbers by catchment, forecasts, deprivation, preferences and allocations, travel; then the
    calendar. A page to be printed, without script: its maps are pictures.

    References
    ----------
    Office of the Schools Adjudicator, ADA4423 and others (Brighton and Hove, 20 October 2025).
    """
    parts = [
        ("1", _map_panels(tables, facts)),
        ("1", [summary_panel(tables, facts), *_area_panels(tables, facts), *_flow_panels(tables, facts)]),
        ("1", [*_cluster_panels(tables, facts), *_place_panels(tables, facts), *_split_panels(tables, facts)]),
        ("1", [*_divided_panels(tables, facts), *_shape_panels(tables, facts)]),
        ("2", _forecast_panels(tables, facts)),
        ("3", [*_mix_panels(tables, facts), *_who_panels(tables, facts)]),
        ("4", [*_preference_panels(facts), *_retention_panels(tables, facts), *_sibling_panels(tables, facts)]),
        ("5", _distance_panels(tables, facts)),
        ("6", _calendar_panels(facts)),
    ]
    heads = {
        "1": "Boundaries and pupil numbers",
        "2": "Forecasts",
        "3": "Deprivation and who is affected",
        "4": "Preferences and allocations",
        "5": "Travel",
        "6": "Calendar",
    }
    panels = [
        replace(panel, title=f"{number}. {heads[number]}: {panel.title}") for number, own in parts for panel in own
    ]
    lacking = [
        f"Section {number}, {heads[number].lower()}: {why}"
        for number, why in (
            ("2", "no forecast was given." if facts.forecast is None and facts.growth is None else ""),
            ("4", "no applications were given; residents who attend stand for them."
             if facts.preferences is None else ""),
            ("6", "no entry year was given." if not facts.entry_year else ""),
        )
        if why
    ]  # fmt: skip
    return maps.MapBook(
        title or headline(tables),
        finding=finding(tables),
        panels=tuple(panels),
        notes=(*lacking, *notes(tables, facts)),
        marking=tables.rule.marking,
    )


def report_sheets(tables: OptionTables, facts: OptionFacts) -> dict[str, Protected | pd.DataFrame]:
    """The tables of an option set for a workbook, by the title of each sheet; codes and names both."""
    sheets: dict[str, Protected | pd.DataFrame] = {"Summary": _summary_shown(tables)}
    sheets["Residents"] = _named(tables.residents, tables, facts)
    if tables.places is not None:
        sheets["Places"] = _public_named(tables.places, tables, facts)
    for option in tables.options:
        sheets[f"Moves {option}"] = _flow_named(tables, option, facts)
    for option, flows in tables.cluster_flows.items():
        if len(flows):
            sheets[f"Cluster moves {option}"] = _cluster_named(tables, option, facts)
    for (option, name), table in tables.who.items():
        sheets[f"{option} by {name}"] = _segments_named(table, name, facts)
    for title, table in tables.by_year.items():
        sheets[f"Years {title}"] = _named(table, tables, facts)
    for name, table in tables.groups.items():
        sheets[f"Catchments {name}"] = _named(table, tables, facts)
    for name in ("mix", "distance", "retention", "feeders", "clusters", "people"):
        if getattr(tables, name) is not None:
            sheets[name.capitalize()] = _flat_index(getattr(tables, name))
    for option, table in tables.siblings.items():
        sheets[f"Siblings {option}"] = table
    sheets["Areas"] = plan_areas(tables, facts)
    if facts.look_up is not None:
        sheets["Postcode sectors"] = _look_up_named(tables, facts)
    if facts.entry_year:
        sheets["Calendar"] = admissions_calendar(facts.entry_year, facts.phase)
    return sheets


# --- layers ----------------------------------------------------------------------------------------------


def plan_areas(tables: OptionTables, facts: OptionFacts) -> pd.DataFrame:
    """Every area with the name of its school under each plan."""
    covered = sorted(set().union(*(plan.areas for plan in tables.plans.values())))
    table = {}
    for title, plan in tables.plans.items():
        names = {code: facts.name(plan, code) for code in (*plan.schools, NONE)}
        table[title] = plan.table.reindex(covered).fillna(NONE).map(names)
    return pd.DataFrame(table, index=pd.Index(covered, name="area"))


def _layers(tables: OptionTables, facts: OptionFacts) -> tuple[list, dict[str, str]]:
    areas = plan_areas(tables, facts)
    boundaries = facts.boundaries.only(areas.index)
    shown = protect(areas[areas.index.isin(boundaries.codes)], counts=[], labels=list(areas), rule=tables.rule)
    outlines = {title: _outlines(plan, boundaries, facts) for title, plan in tables.plans.items()}
    touching = [pair for drawn in outlines.values() for pair in _touching(drawn)]
    names = sorted(set(areas.to_numpy().ravel()) - {NO_SCHOOL})
    colours = colours_apart(names, touching) | {NO_SCHOOL: "#FFFFFF"}
    details = {title: title for title in tables.titles}
    layers, swipe = [], {}
    for title in tables.titles:
        lines = f"Catchments of {title}"
        layers.append(
            maps.areas(
                boundaries, shown, value=title, title=title, sources=facts.sources, scale="categories",
                legend=f"Catchment school, {title}", colours=colours,
                details={name: col for name, col in details.items() if name != title},
                note="Colours only tell neighbouring catchments apart; their names are on the map.",
            )
        )  # fmt: skip
        layers.append(maps.outline(replace(outlines[title], source=boundaries.source), title=lines))
        swipe[title] = lines
    for option in tables.options:
        layers.append(_difference(tables, boundaries, areas, option, facts))
        swipe[layers[-1].title] = f"Catchments of {option}"
    for option in tables.options:
        flow = flow_of_areas(tables.plans[tables.titles[0]], tables.plans[option])
        if len(tables.flows[option]) and flow[flow != STAY].index.isin(boundaries.codes).any():
            by_area = option in tables.areas
            layers.append((_movers if by_area else _movers_by_pair)(tables, boundaries, areas, option, facts))
            swipe[layers[-1].title] = f"Catchments of {option}"
    points = facts.schools[facts.schools.index.isin(_members(tables))]
    if {"easting", "northing"} <= set(points) and len(points):
        layers.append(maps.schools(points, sources=[facts.schools_source], title="Schools of the plans"))
    return layers, swipe


def _members(tables: OptionTables) -> set[str]:
    return {code for plan in tables.plans.values() for school in plan.schools for code in plan.members(school)}


def _outlines(plan: CatchmentPlan, boundaries: Boundaries, facts: OptionFacts) -> Boundaries:
    drawn = plan.catchments(boundaries)
    names = [facts.name(plan, str(code)) for code in drawn.codes]
    return replace(drawn, frame=drawn.frame.assign(name=names))


def _touching(drawn: Boundaries) -> list[tuple[str, str]]:
    pairs, names = drawn.neighbours(), drawn.names
    return list(zip(pairs["a"].map(names), pairs["b"].map(names), strict=True))


def _difference(tables: OptionTables, boundaries: Boundaries, areas: pd.DataFrame, option: str, facts: OptionFacts):
    first = tables.titles[0]
    before, after = (tables.plans[title].table.reindex(areas.index) for title in (first, option))
    change = pd.Series(SAME_AREA, index=areas.index).mask((before != after).to_numpy(), OTHER_AREA)
    change = change.mask(before.isna() | after.isna(), NEW_AREA)
    table = pd.DataFrame({"change": change, "from": areas[first], "to": areas[option]})
    shown = protect(
        table[table.index.isin(boundaries.codes)], counts=[], labels=["change", "from", "to"], rule=tables.rule
    )
    return maps.areas(
        boundaries, shown, value="change", title=f"What differs: {option}", sources=facts.sources, scale="categories",
        legend=f"{option} against {first}", details={first: "from", option: "to"}, colours=_CHANGE_COLOURS,
    )  # fmt: skip


def _movers(tables: OptionTables, boundaries: Boundaries, areas: pd.DataFrame, option: str, facts: OptionFacts):
    first, moving = tables.titles[0], tables.areas[option]
    keep = moving.table.index.isin(boundaries.codes)
    table = moving.table[keep].copy()
    table["from"], table["to"] = areas[first].reindex(table.index), areas[option].reindex(table.index)
    shown = Protected(table, moving.hidden[keep], moving.rule, moving.base, moving.units, moving.printed)
    return maps.areas(
        boundaries.only(table.index), shown, value="people", title=f"Who moves: {option}", sources=facts.sources,
        legend=f"{capital(tables.noun)} who change school", details={first: "from", option: "to"}, note=KEEP,
    )  # fmt: skip


def _movers_by_pair(tables: OptionTables, boundaries: Boundaries, areas: pd.DataFrame, option: str, facts: OptionFacts):
    """Where people by area cannot be shown: the areas that change from one school to another in one colour."""
    del areas
    first, after = (tables.plans[title] for title in (tables.titles[0], option))
    lookup = flow_of_areas(first, after)
    drawn = merge_areas(boundaries, lookup[lookup != STAY], "move")
    named = _flow_named(tables, option, facts)
    words = named.table["before"] + TO_WORDS + named.table["after"]
    drawn = replace(drawn, frame=drawn.frame.assign(name=words.reindex(drawn.codes).to_numpy()))
    keep = named.table.index.isin(drawn.codes)
    shown = replace(named, table=named.table[keep], hidden=named.hidden[keep])
    return maps.areas(
        drawn, shown, value="people", title=f"Who moves: {option}", sources=facts.sources,
        legend=f"{capital(tables.noun)} who change school",
        details={tables.titles[0]: "before", option: "after", "Areas": "areas"},
        note=f"Areas that change from one school to another are counted together. {KEEP}",
    )  # fmt: skip


# --- panels ----------------------------------------------------------------------------------------------


def summary_panel(tables: OptionTables, facts: OptionFacts) -> maps.TablePanel:
    """One row a plan: the table for the council paper."""
    shown = _summary_shown(tables)
    headings = {
        "moves": (f"{capital(tables.noun)} who change school", ""),
        "moves_share": ("Share", "share"),
        "cluster_moves": ("Who change cluster", ""),
        "nearer": ("To a nearer school", ""),
        "farther": ("To a farther school", ""),
        "over_2_miles": ("Over 2 miles", ""),
        "over_3_miles": ("Over 3 miles", ""),
        "unfilled": ("Unfilled places", ""),
        "beyond": ("Children beyond places", ""),
        "gorard": ("Gorard, free school meals", ""),
    }
    columns = {name: heading for name, heading in headings.items() if shown.table.get(name) is not None}
    columns = {name: heading for name, heading in columns.items() if shown.table[name].notna().any()}
    note = " ".join([f"Of {tables.base_name}, by where they live. {NOT_A_ROLL}", *change_sentences(tables, facts)])
    return maps.table("The options in one table", shown, columns, sources=facts.sources, index="Plan", note=note)


def _summary_shown(tables: OptionTables) -> Protected:
    """The summary with nearer, farther and Gorard's measure beside it."""
    table, hidden = tables.summary.table.copy(), tables.summary.hidden.copy()
    printed = [*tables.summary.printed]
    for name in ("nearer", "farther"):
        if tables.who:
            table.loc[tables.titles[0], name] = 0.0
        for option in tables.options:
            who = tables.who.get((option, ALL))
            if who is not None:
                table.loc[option, name] = who.table.loc[ALL, name]
                hidden.loc[option, name] = bool(who.hidden.loc[ALL, name])
                printed += who.printed if name == "nearer" else ()
        if name in hidden:
            hidden[name] = hidden[name].eq(True)
    if tables.mix is not None and "fsm" in tables.mix.table.index.get_level_values("group"):
        fsm = tables.mix.table.xs("fsm", level="group")
        for name in ("gorard", "gorard_by_chance"):
            table[name], hidden[name] = fsm[name].reindex(table.index), False
        printed += tables.mix.printed
    order = [name for name in ("moves", "moves_share", "cluster_moves", "nearer", "farther") if name in table]
    order += [name for name in table if name not in order]
    return Protected(
        table[order], hidden[order].astype(bool), tables.summary.rule, tables.noun, tables.summary.units,
        tuple({id(part): part for part in printed}.values()),
    )  # fmt: skip


def _map_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.PicturePanel | maps.TablePanel]:
    """Today beside each option as pictures, and the key to their letters."""
    if facts.boundaries is None:
        return []
    covered = set().union(*(plan.areas for plan in tables.plans.values()))
    boundaries = facts.boundaries.only(covered)
    if not len(boundaries.frame):
        return []
    names = _all_names(tables, facts)
    letters = map_letters(sorted({code for plan in tables.plans.values() for code in plan.schools}))
    outlines = simplify_outlines(boundaries)
    codes = pd.Index(outlines.codes)
    table = {title: plan.table.reindex(codes).fillna(NONE) for title, plan in tables.plans.items()}
    at = {code: number for number, code in enumerate(codes)}
    pairs = boundaries.neighbours()
    touching = list(zip(pairs["a"].map(at), pairs["b"].map(at), strict=True))
    fills = fills_apart(list(letters), [each.to_numpy() for each in table.values()], touching)
    lines = {title: simplify_outlines(plan.catchments(boundaries)) for title, plan in tables.plans.items()}
    first = tables.titles[0]
    panels = []
    for option in tables.options:
        drawn = {}
        for title in (first, option):
            plan = tables.plans[title]
            moved = (table[first] != table[option]) if title == option else None
            letter = [f"{letters[code]} {names[code]}" for code in plan.schools if (table[title] == code).any()]
            drawn[title] = catchment_map(
                outlines, table[title], fills, letters, _sites(plan, facts), f"{first}, {option}: {title}",
                moved=moved, lines=lines[title], names=_school_names(facts),
                words=f"Map of the catchments, {title}: {'; '.join(letter)}."
                + ("" if moved is None else " Hatched areas change school; the areas that change are listed below."),
            )  # fmt: skip
        panels.append(
            maps.pictures(
                f"{first} beside {option}", drawn, sources=[facts.boundaries.source, facts.schools_source],
                words=[*names.values(), *_school_names(facts).values()], note=MAP_WORDS,
            )
        )  # fmt: skip
    key = pd.DataFrame({"letter": letters, "name": {code: names[code] for code in letters}})
    for title, plan in tables.plans.items():
        key[title] = plan.table.value_counts().reindex(key.index).fillna(0).astype(float)
    columns = {"letter": ("On the maps", ""), "name": ("Catchment", "")}
    columns |= {title: (f"Areas, {title}", "") for title in tables.titles}
    return [*panels, maps.table("Key to the maps", columns=columns, public=key, sources=[facts.boundaries.source])]


def _school_names(facts: OptionFacts) -> dict[str, str]:
    return {str(code): str(name) for code, name in facts.schools.get("name", pd.Series(dtype="str")).items()}


def _sites(plan: CatchmentPlan, facts: OptionFacts) -> pd.DataFrame | None:
    """Where the schools of a plan are, as far as it is known."""
    if not {"easting", "northing"} <= set(facts.schools):
        return None
    members = {code for school in plan.schools for code in plan.members(school)}
    return facts.schools.loc[facts.schools.index.isin(members), ["easting", "northing"]].astype(float)


def _flow_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    return [
        maps.table(
            f"Who moves from where to where: {option}",
            _flow_named(tables, option, facts),
            {"before": (f"From ({tables.titles[0]})", ""), "after": (f"To ({option})", ""), "areas": ("Areas", ""),
             "people": (capital(tables.noun), "")},
            sources=facts.sources,
        )
        for option, shown in tables.flows.items()
        if len(shown)
    ]  # fmt: skip


def _flow_named(tables: OptionTables, option: str, facts: OptionFacts) -> Protected:
    """Who moves, with the names of both catchments and the number of areas."""
    first, after, shown = tables.plans[tables.titles[0]], tables.plans[option], tables.flows[option]
    table = shown.table.assign(
        before=[facts.name(first, code) for code in shown.table["from"]],
        after=[facts.name(after, code) for code in shown.table["to"]],
    )
    covered = first.areas.union(after.areas)
    each = {
        when: plan.table.reindex(covered).fillna(ELSEWHERE).replace(NONE, NO_SCHOOL)
        for when, plan in (("before", first), ("after", after))
    }
    count = pd.DataFrame(each).groupby(["before", "after"]).size()
    table["areas"] = [float(count.get((a, b), 0)) for a, b in zip(table["from"], table["to"], strict=True)]
    return replace(shown, table=table[["before", "after", "areas", "people"]].rename_axis("move"))


def _cluster_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    return [
        maps.table(
            f"Who changes cluster: {option}",
            _cluster_named(tables, option, facts),
            {"before": (f"From ({tables.titles[0]})", ""), "after": (f"To ({option})", ""), "areas": ("Areas", ""),
             "people": (capital(tables.noun), "")},
            sources=[*facts.sources, facts.schools_source], note=CLUSTERS,
        )
        for option, flows in tables.cluster_flows.items()
        if len(flows)
    ]  # fmt: skip


def _cluster_named(tables: OptionTables, option: str, facts: OptionFacts) -> Protected:
    """Who changes cluster, with the number of areas."""
    clusters = facts.schools["cluster"] if "cluster" in facts.schools else pd.Series(dtype="str")
    each = {}
    for when, title in (("before", tables.titles[0]), ("after", option)):
        plan = tables.plans[title]
        each[when] = plan.table.map({NONE: NO_SCHOOL, **clusters_of(plan, clusters).to_dict()}).fillna(NO_CLUSTER)
    shown = tables.cluster_flows[option]
    count = pd.DataFrame(each).fillna(ELSEWHERE).value_counts()
    table = shown.table.rename(columns={"from": "before", "to": "after"})
    table["areas"] = [float(count.get(pair, 0)) for pair in zip(table["before"], table["after"], strict=True)]
    return replace(shown, table=table[["before", "after", "areas", "people"]].rename_axis("move"))


def _divided_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    """Whose children live in the catchments of several clusters."""
    if tables.clusters is None:
        return []
    columns = {"children": (capital(tables.noun), "")}
    note = DIVIDED if tables.rule.exact else f"{DIVIDED} {FROM_PRINTED.format(f'{tables.rule.hide_below / 2:g}')}"
    for title in tables.titles:
        columns[f"{title}, main"] = (f"Main cluster, {title}", "")
        columns[f"{title}, share"] = (f"Share in it, {title}", "share")
    return [
        maps.table(
            "Clusters and their children", tables.clusters, columns, sources=[*facts.sources, facts.schools_source],
            index="Cluster of the school attended", note=note,
        )
    ]  # fmt: skip


def _place_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    shown = _named(tables.residents, tables, facts)
    columns, extra, gone = {"name": ("Catchment", "")}, {}, {}
    for title in tables.titles:
        columns[title] = (f"{capital(tables.noun)}, {title}", "")
        if tables.places is not None and title in tables.places:
            places = tables.places[title].reindex(shown.table.index)
            extra[f"{title}: places"] = places
            held = (shown if tables.own_years is None else _named(tables.own_years, tables, facts)).table[title]
            if tables.own_years is not None:
                extra[f"{title}: own"] = held
                gone[f"{title}: own"] = shown.hidden[title]
                columns[f"{title}: own"] = (f"Of the years its schools teach, {title}", "")
            extra[f"{title}: spare"] = places - held
            gone[f"{title}: spare"] = shown.hidden[title]
            columns[f"{title}: places"] = (f"Places, {title}", "")
            columns[f"{title}: spare"] = (f"Places less residents, {title}", "")
    table = shown.table.assign(**extra)
    hidden = shown.hidden.assign(**gone)
    panels = [
        maps.table(
            "Residents and places of each catchment", replace(shown, table=table, hidden=hidden), columns,
            sources=facts.sources,
            note=" ".join(
                [*_without_catchment(tables, shown), UNFILLED, *([] if tables.own_years is None else [OWN_YEARS]),
                 NOT_A_ROLL]
            ),
        )
    ]  # fmt: skip
    for title, years in tables.by_year.items():
        named = _named(years, tables, facts)
        headings = {"name": ("Catchment", "")} | {year: (f"Year {year}", "") for year in years.table}
        if "pan" in facts.schools:
            plan = tables.plans[title]
            pan = {
                code: float(facts.schools["pan"].reindex(list(plan.members(code))).astype(float).sum(min_count=1))
                for code in plan.schools
            }
            named = replace(named, table=named.table.assign(pan=pd.Series(pan).reindex(named.table.index)))
            headings["pan"] = ("Admission number (PAN)", "")
        panels.append(maps.table(f"Residents by year group: {title}", named, headings, sources=facts.sources))
    return panels


def _without_catchment(tables: OptionTables, shown: Protected) -> list[str]:
    """Which schools have no catchment under a plan, so that their cells there are not taken for something missing."""
    said = []
    for title, plan in tables.plans.items():
        names = [str(shown.table["name"][code]) for code in shown.table.index if code not in plan.schools]
        if names:
            said.append(f"Under {title} no catchment, so \u201cno data\u201d: {', '.join(names)}.")
    return said


def _who_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    panels = []
    headings = {
        "name": ("Group", ""),
        "same": ("Same school", ""),
        "nearer": ("Nearer school", ""),
        "farther": ("Farther school", ""),
        "other": ("Other school", ""),
        "moves_share": ("Share who change", "share"),
    }
    for (option, name), shown in tables.who.items():
        if name == ALL:
            continue
        named = _segments_named(shown, name, facts)
        columns = {col: heading for col, heading in headings.items() if col in named.table}
        panels.append(
            maps.table(f"Who moves, by {ATTRIBUTE_WORDS[name]}: {option}", named, columns, sources=facts.sources)
        )
    return panels


def _mix_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    panels = []
    if tables.mix is not None:
        shown = _flat_index(tables.mix)
        panels.append(
            maps.table(
                "How evenly groups are spread between catchments", shown,
                {"plan": ("Plan", ""), "group": ("Group", ""), "gorard": ("Gorard", ""),
                 "gorard_by_chance": ("By chance", ""), "dissimilarity": ("Dissimilarity", ""),
                 "dissimilarity_by_chance": ("By chance", "")},
                sources=facts.sources, note=CHANCE,
            )
        )  # fmt: skip
    words = {"fsm": "Free school meals by catchment", "idaci": "The most deprived fifth of areas (IDACI), by catchment"}
    for name, table in tables.groups.items():
        named = _named(table, tables, facts)
        columns = {"name": ("Catchment", "")}
        for title in tables.titles:
            columns[title] = (f"{capital(tables.noun)}, {title}", "")
            columns[f"{title}, share"] = (f"Share, {title}", "share")
        panels.append(maps.table(words[name], named, columns, sources=facts.sources))
    return panels


def _distance_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    if tables.distance is None:
        return []
    columns = {title: (f"{capital(tables.noun)}, {title}", "") for title in tables.distance.table}
    headings = {
        "mean_m": ("Mean", "m"),
        "median_m": ("Median", "m"),
        "p90_m": ("Nine in ten live within", "m"),
        "extra_median_m": ("Of those who move, median extra", "m"),
        "extra_p90_m": ("Nine in ten of them, at most", "m"),
    }
    known = {name: head for name, head in headings.items() if tables.summary.table[name].notna().any()}
    metres = [
        maps.table("Metres to the catchment school", tables.summary, known, sources=facts.sources, index="Plan")
    ] if known else []  # fmt: skip
    return [
        *metres,
        maps.table(
            "Distance to the catchment school", tables.distance, columns, sources=facts.sources, index="Distance",
            note=distance_words(tables),
        )
    ]  # fmt: skip


def _retention_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    if tables.retention is None:
        return []
    named = _named(tables.retention, tables, facts)
    columns = {"name": ("Catchment", ""), "residents": ("Residents", ""), "attend": ("Attend its school", ""),
               "share": ("Share", "share")}  # fmt: skip
    title = f"Residents who attend the school of their catchment: {tables.titles[0]}"
    return [maps.table(title, named, columns, sources=facts.sources, note=NOT_A_ROLL)]


def _sibling_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    note = "Children with a brother or sister who attends the school of their catchment, before and after."
    return [
        maps.table(f"Brothers and sisters: {option}", shown, {"people": (capital(tables.noun), "")},
                   sources=facts.sources, index="What becomes of them", note=note)
        for option, shown in tables.siblings.items()
    ]  # fmt: skip


def _split_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    panels = []
    rows = {title: {} for title in tables.titles}
    for kind, group in facts.groups.items():
        for title, plan in tables.plans.items():
            split = split_groups(plan, group)["catchments"] > 1
            rows[title][f"{capital(kind_words(kind))} split"] = float(split.sum())
    for title, count in feeders_split(tables).items():
        rows[title]["Feeder schools split"] = float(count)
    for title, count in clusters_split(tables).items():
        rows[title]["Clusters whose children are divided"] = float(count)
    table = pd.DataFrame(rows).T
    if table.shape[1]:
        columns = {name: (name, "") for name in table}
        panels.append(
            maps.table("What the catchments split", columns=columns, public=table, sources=facts.sources, index="Plan")
        )
    if tables.feeders is not None:
        shown = tables.feeders
        named = shown.table.assign(name=facts.schools["name"].reindex(shown.table.index).fillna("").astype(str))
        columns = {"name": ("Feeder school", ""), "children": (capital(tables.noun), "")}
        first = tables.plans[tables.titles[0]]
        for title in tables.titles:
            plan = tables.plans.get(title, first)
            main = named[f"{title}, main"].map(lambda code, plan=plan: facts.name(plan, code))
            named[f"{title}, main"] = main
            columns[f"{title}, main"] = (f"Main catchment, {title}", "")
            columns[f"{title}, share"] = (f"Share in it, {title}", "share")
        panels.append(
            maps.table(
                "Feeder schools and catchments",
                replace(shown, table=named),
                columns,
                sources=facts.sources,
                note="" if tables.rule.exact else FROM_PRINTED.format(f"{tables.rule.hide_below / 2:g}"),
            )
        )
    return panels


def _shape_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    if facts.boundaries is None:
        return []
    rows = []
    for title, plan in tables.plans.items():
        shape = compactness(plan.catchments(facts.boundaries))
        for code, row in shape.iterrows():
            rows.append(
                {"plan": title, "name": facts.name(plan, str(code)), "polsby_popper": round(row["polsby_popper"], 2),
                 "hull_share": round(row["hull_share"], 2), "pieces": float(row["pieces"])}
            )  # fmt: skip
    columns = {"plan": ("Plan", ""), "name": ("Catchment", ""), "polsby_popper": ("Compactness (Polsby-Popper)", ""),
               "hull_share": ("Share of its convex hull", ""), "pieces": ("Pieces", "")}  # fmt: skip
    note = "1 is a circle, or an outline without dents. Coasts and rivers lower the first; compare plans, not places."
    return [maps.table("Shape of the catchments", columns=columns, public=pd.DataFrame(rows),
                       sources=[facts.boundaries.source], note=note)]  # fmt: skip


def _look_up_named(tables: OptionTables, facts: OptionFacts) -> pd.DataFrame:
    table = facts.look_up.copy()
    for title, plan in tables.plans.items():
        names = {code: facts.name(plan, code) for code in (*plan.schools, NONE)}
        table[title] = table[title].map(names)
    whole = table["share"].round(2)
    return table.assign(share=whole.where(whole > 0, 0.01))[["sector", *tables.titles, "share"]]


def _look_up_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    if facts.look_up is None:
        return []
    columns = {"sector": ("Postcode sector", "")} | {title: (title, "") for title in tables.titles}
    columns["share"] = ("Share of its postcodes", "share")
    note = "A sector that a plan divides has several rows. Shares are of live postcodes, not of homes or people."
    return [
        maps.table(LOOK_UP, columns=columns, public=_look_up_named(tables, facts), sources=facts.sources, note=note)
    ]


def _area_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    """Only the areas that some option changes: the boundary change in words."""
    areas = plan_areas(tables, facts)
    changed = areas[(areas.nunique(axis=1) > 1).to_numpy()].copy()
    if not len(changed):
        return []
    if facts.boundaries is not None:
        changed.insert(0, "name", facts.boundaries.names.reindex(changed.index).fillna(""))
    columns = {name: ("Name" if name == "name" else name, "") for name in changed}
    return [maps.table("Areas that change", columns=columns, public=changed, sources=facts.sources, index="Area")]


def _forecast_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    """Children expected by catchment and year, against places; a forecast is no count of people."""
    if facts.forecast is None:
        return [] if facts.growth is None else _growth_panels(tables, facts)
    panels = []
    for title, plan in tables.plans.items():
        school = plan.table.reindex(facts.forecast.index).fillna(NONE)
        by = facts.forecast[(school != NONE).to_numpy()].groupby(school[school != NONE]).sum()
        by = (5 * (by / 5).round()).rename(columns=str)
        years = list(by)
        by.insert(0, "name", [facts.name(plan, str(code)) for code in by.index])
        columns = {"name": ("Catchment", "")} | {year: (year, "") for year in years}
        if tables.places is not None:
            by["places"] = tables.places[title].reindex(by.index)
            columns["places"] = ("Places in all", "")
        panels.append(
            maps.table(
                f"Children expected: {title}", columns=columns, public=by, sources=facts.sources,
                note="The authority's own forecast by area, added up and rounded to the nearest 5.",
            )
        )  # fmt: skip
    return panels


def _growth_panels(tables: OptionTables, facts: OptionFacts) -> list[maps.TablePanel]:
    """Residents as printed, in step with the rolls forecast for all schools of the phase together."""
    shown = _named(tables.residents, tables, facts)
    by_year = {str(year): float(growth) for year, growth in facts.growth.items()}
    panels = []
    for title in tables.titles:
        now = shown.table[title]
        expected = {year: 5 * (now * growth / 5).round() for year, growth in by_year.items()}
        hidden = shown.hidden.assign(**dict.fromkeys(by_year, shown.hidden[title]))
        columns = {"name": ("Catchment", ""), title: ("Now", "")} | {year: (year, "") for year in by_year}
        table = shown.table.assign(**expected)
        if tables.places is not None and title in tables.places:
            table["places"] = tables.places[title].reindex(table.index)
            columns["places"] = ("Places in all", "")
        panels.append(
            maps.table(
                f"Children expected: {title}", replace(shown, table=table, hidden=hidden), columns,
                sources=facts.sources,
                note=f"Every catchment's {tables.noun} are taken to grow or shrink as the {facts.phase} rolls of all "
                "schools together are forecast to: where a catchment grows faster than the rest, this is too low. "
                "Rounded to the nearest 5.",
            )
        )  # fmt: skip
    return panels


def _preference_panels(facts: OptionFacts) -> list[maps.TablePanel]:
    if facts.preferences is None:
        return []
    names = facts.schools["name"].to_dict() if "name" in facts.schools else {}
    shown = facts.preferences
    table = shown.table.assign(
        name=[" and ".join(names.get(part, part) for part in str(code).split("+")) for code in shown.table.index]
    )
    columns = {"name": ("Catchment", ""), "applicants": ("Applicants", ""),
               "first": ("Named its school first", ""), "offered": ("Offered its school", "")}  # fmt: skip
    return [maps.table("Applications by catchment", replace(shown, table=table), columns, sources=facts.sources)]


def _calendar_panels(facts: OptionFacts) -> list[maps.TablePanel]:
    if not facts.entry_year:
        return []
    steps = admissions_calendar(facts.entry_year, facts.phase)
    columns = {"step": ("Step", ""), "date": ("Date", ""), "note": ("", "")}
    columns["note"] = ("Note", "")
    own = Source("Statutory calendar", publisher=steps["source"].iloc[0])
    note = f"The first entry that the change can affect is September {facts.entry_year}. Check the dates of the year."
    return [maps.table("Statutory calendar", columns=columns, public=steps, sources=[own], note=note)]


# --- names -----------------------------------------------------------------------------------------------


def _all_names(tables: OptionTables, facts: OptionFacts) -> dict[str, str]:
    names = {}
    for plan in tables.plans.values():
        names |= {code: facts.name(plan, code) for code in plan.schools if code not in names}
    return names | {ELSEWHERE: "Elsewhere", NO_SCHOOL: "No school"}


def _named(shown: Protected, tables: OptionTables, facts: OptionFacts) -> Protected:
    names = _all_names(tables, facts)
    table = shown.table.copy()
    table.insert(0, "name", [names.get(str(code), str(code)) for code in table.index])
    return replace(shown, table=table)


def _public_named(table: pd.DataFrame, tables: OptionTables, facts: OptionFacts) -> pd.DataFrame:
    names = _all_names(tables, facts)
    named = table.rename_axis("catchment").reset_index()
    named.insert(1, "name", [names.get(str(code), str(code)) for code in named["catchment"]])
    return named


def _segments_named(shown: Protected, name: str, facts: OptionFacts) -> Protected:
    words = facts.segment_names if name == "segment" else VALUE_WORDS.get(name, {})
    table = shown.table.copy()
    table.insert(0, "name", [str(words.get(str(code), code)) for code in table.index])
    return replace(shown, table=table)


def _flat_index(shown: Protected) -> Protected:
    """Index levels as columns of words, the rows numbered."""
    if shown.table.index.nlevels == 1:
        return shown
    keys = shown.table.index.to_frame(index=False).astype(str)
    keys = keys.replace({"group": {"fsm": "free school meals", "idaci": "most deprived fifth (IDACI)"}})
    table = pd.concat([keys, shown.table.reset_index(drop=True)], axis=1)
    return replace(shown, table=table, hidden=shown.hidden.reset_index(drop=True))
