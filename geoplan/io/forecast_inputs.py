"""What a forecast is made from, put together from a project: rolls, registers, births, links, a plan.

Reading is one step (:func:`read_material`, exact) and protecting the next (:func:`protected_material`): whatever is
worked out after that can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from geoplan.cohorts import stage_of, year_name
from geoplan.disclosure import Rule
from geoplan.errors import InputRefused, Problem, UnknownCodeError
from geoplan.forecast_methods import children_by_place, history_of
from geoplan.io.children import read_births, read_register
from geoplan.io.project import Project
from geoplan.io.rolls import read_rolls, read_school_links
from geoplan.roll_tables import hidden_now, protect_register, protect_rolls
from geoplan.rolls import follow_links, rolls_from
from geoplan.sources import Source, unique_sources
from geoplan.spare_places import area_shares, share_out

TOP = "all schools"


@dataclass(frozen=True)
class Given:
    """What a forecast is to be made from, as a project or a command names it.

    Parameters
    ----------
    rolls
        Files, or names in the project.
    level
        The column of the schools that groups them.
    register, births, links, plan
        As for the readers; "" and None for none.
    published
        Where the rolls are published; "" for nowhere.
    hidden_as
        What a hidden count stands for.
    """

    rolls: tuple[str, ...]
    level: str
    register: str
    births: Path | None
    links: Path | None
    plan: str
    published: str
    hidden_as: float | None


@dataclass(frozen=True, repr=False, eq=False)
class Material:
    """What was read: exact."""

    rolls: object
    schools: object
    register: object
    births: object
    plan: object
    notes: tuple[str, ...]
    sources: tuple


@dataclass(frozen=True, repr=False, eq=False)
class Ready:
    """What a forecast is made from, protected by the rule."""

    history: object
    rolls: object
    groups: dict
    printed: tuple
    notes: tuple[str, ...]
    hidden: dict


def read_material(folder: Project, given: Given) -> Material:
    """Rolls, schools, register, births and plan, read and put together."""

    columns = folder.settings.columns
    parts, notes, sources = [], [], []
    for name in given.rolls:
        counts = read_rolls(file_of(folder, name), columns.get("rolls"), given.hidden_as)
        parts.append(counts.frame)
        notes += counts.notes
        title = f"Numbers on roll ({counts.source.file})" if len(given.rolls) > 1 else "Numbers on roll"
        sources.append(own_source(folder, counts.source, title, given.published))
    table = pd.concat(parts, ignore_index=True)
    twice = table.duplicated(["school", "year", "year_group"])
    if twice.any():
        first = table[twice].iloc[0]
        what = (
            f"{int(twice.sum()):,} counts are in two files (first: {first['school']}, {year_name(int(first['year']))})"
        )
        files = " and ".join(given.rolls)
        raise InputRefused(files, [Problem(files, "code_duplicated", what, "name each year once")])
    if given.links is not None:
        links, _ = read_school_links(given.links)
        table, account = follow_links(table, links)
        for how, rows in account.groupby("how"):
            notes.append(f"school links: {len(rows):,} old numbers {how}")
        notes += [
            f"school {row.school} not followed: {row.why}" for row in account.itertuples() if row.how == "not followed"
        ]
    schools = folder.schools()
    rolls = rolls_from(table, sources[0], published=bool(given.published), notes=notes)
    register = born = None
    if given.register:
        counts = read_register(file_of(folder, given.register), columns.get("register"), given.hidden_as)
        register = counts.frame
        notes = [*rolls.notes, *counts.notes]
        sources.append(own_source(folder, counts.source, "Children registered with family doctors"))
    else:
        notes = list(rolls.notes)
    if given.births is not None:
        counts = read_births(given.births)
        born = counts.frame
        notes += counts.notes
        sources.append(own_source(folder, counts.source, "Births"))
    plan = folder.catchments(given.plan) if given.plan else None
    sources += [schools.source, *([plan.source] if plan is not None else [])]
    return Material(rolls, schools, register, born, plan, tuple(notes), unique_sources(sources))


def own_source(folder: Project, source: Source, title: str, published: str = ""):
    """A source as the project's own: invented where the project is."""
    note = folder.name + (" (invented)" if folder.invented else "")
    credit = f"{title}: {published}" if published else f"{title}: {note}"
    return replace(source, title=f"{title}, {note}", invented=bool(folder.invented), attribution=credit)


def protected_material(folder: Project, material: Material, given: Given, rule: Rule, earlier: tuple = ()) -> Ready:
    """The history a forecast is made from: rolls and register as the rule lets them be seen."""

    rolls, printed = protect_rolls(material.rolls, rule, folder.as_at, earlier)
    frame = material.schools.frame
    names = list(frame.index)
    unknown = [place for place in rolls.places if place not in set(names)]
    notes = [*rolls.notes, *(note for note in material.notes if note not in rolls.notes)]
    if unknown:
        more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
        notes.append(
            f"{len(unknown):,} schools have rolls and are not in the schools file "
            f"({', '.join(unknown[:5])}{more}): closed, "
            "or a new number? Name a file of links (--links) to carry their rolls on"
        )
    groups = {TOP: pd.Series(folder.name, index=rolls.places)}
    if given.level in frame:
        cluster = frame[given.level].astype("object").where(frame[given.level].notna(), "").astype("str")
        groups = {given.level: cluster.replace("", "no group")} | groups
    taught = None
    if {"lowest_year", "highest_year"} <= set(frame):
        taught = pd.DataFrame(
            {
                "lowest": frame["lowest_year"].map(lambda code: stage_of(str(code))),
                "highest": frame["highest_year"].map(lambda code: stage_of(str(code))),
            }
        )
    children = {}
    if material.register is not None:
        children, hidden = children_of(folder, material, rolls, groups.get(given.level), rule)
        if hidden:
            notes.append(f"{hidden:,} sums of the register are hidden by the small-number rule, and in no other sum")
    born = births_of(material.births, rolls) if material.births is not None else None
    history = history_of(rolls, groups.get(given.level), taught=taught, children=children, births=born)
    gone = {} if rolls.published else hidden_now(material.rolls, rolls)
    return Ready(history, rolls, groups, printed, tuple(notes), gone)


def children_of(folder: Project, material: Material, rolls, clusters, rule) -> tuple[dict, int]:
    """Registered children of each school's city, and of its catchment and cluster where a plan says whose they are.

    Sums by catchment are protected, and the larger ones are sums of those; how many were hidden comes second.
    """

    def summed(table, names):
        table = table.assign(area=names)
        return table.groupby(["area", "year", "age"], as_index=False)["children"].sum(min_count=1)

    if material.plan is None:
        shown, hidden = protect_register(summed(material.register, TOP), rule, folder.as_at)
        return {"city": children_by_place(shown, dict.fromkeys(rolls.places, TOP), rolls.places, rolls.years)}, hidden
    small = areas_of(folder, material.register, material.plan.kind)
    own = small["area"].map(material.plan.table).fillna("").replace("", "no catchment")
    shown, hidden = protect_register(summed(small, own), rule, folder.as_at)
    answer = {"catchment": children_by_place(shown, {p: p for p in rolls.places}, rolls.places, rolls.years)}
    if clusters is not None:
        by_cluster = summed(shown, shown["area"].map(clusters).fillna("no cluster"))
        answer["cluster"] = children_by_place(by_cluster, clusters, rolls.places, rolls.years)
    city = dict.fromkeys(rolls.places, TOP)
    answer["city"] = children_by_place(summed(shown, TOP), city, rolls.places, rolls.years)
    return answer, hidden


def protected_areas(folder, register, kind: str, rule):
    """A register by the plan's areas, protected: by postcode sector before it is shared out, by postcode after."""

    if register["area"].str.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}").mean() > 0.5:
        return protect_register(areas_of(folder, register, kind), rule, folder.as_at)[0]
    return areas_of(folder, protect_register(register, rule, folder.as_at)[0], kind)


def areas_of(folder, register, kind: str):
    """A register by postcode sector, postcode or larger area as one by the plan's areas."""

    table = folder.postcodes().table
    areas = set(register["area"])
    if areas & set(table[kind].dropna().astype("str")):
        return register
    postcode = table["postcode"].astype("str").str.replace(" ", "")
    plain = register.assign(area=register["area"].str.replace(" ", ""))
    areas = set(plain["area"])
    for large in (postcode.str[:-2], postcode):
        if len(areas & set(large)) >= len(areas) / 2:
            pairs = table[[kind]].astype("object").assign(large=large)
            return share_out(plain, area_shares(pairs, kind, "large"))[0]
    raise UnknownCodeError(
        f"the register's areas are neither {kind} areas, postcode sectors nor postcodes of the directory: "
        "bring it to one of them, or leave the plan out"
    )


def births_of(births, rolls):
    """Births of the whole place by academic year, the same for every school."""

    total = births.groupby("year")["births"].sum()
    years = range(int(total.index.min()), int(total.index.max()) + 1)
    row = total.reindex(years)
    return pd.DataFrame([row.to_numpy()] * len(rolls), index=rolls.places, columns=list(years))


def file_of(folder, name: str) -> Path:
    """A file by its name in the project, or by its path."""
    return folder.file(name) if folder.has(name) else Path(name)


def input_files(folder, given: Given) -> list[Path | None]:
    """Every file that the command line names."""
    names = [*given.rolls, *([given.register] if given.register else [])]
    return [*(file_of(folder, name) for name in names), given.births, given.links]


def aged(register, made):
    """Registered children of the last year, so many years older: who will be of an age in each year forecast."""

    last = register[register["year"].eq(register["year"].max())]
    parts = []
    for year in made.years:
        ahead = year - int(last["year"].iloc[0])
        parts.append(last.assign(year=year, age=last["age"] + ahead))
    return pd.concat(parts, ignore_index=True)
