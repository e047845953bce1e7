"""What a forecast is made from, put together from a project: rolls, registers, births, links, a plan.

Reading is one step (:func:`read_material`, exact) and protecting the next (:func:`protected_material`): whatever is
worked out after that can be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.cohorts import stage_of, year_name
from geoplan.constraining import constrain_register
from geoplan.disclosure import Rule
from geoplan.errors import ForecastRefused, InputRefused, Problem, UnknownCodeError, VintageError
from geoplan.flows import Crossings, crossings_of, flows_of, too_many
from geoplan.forecast_methods import children_by_place, history_of
from geoplan.groundwork import no_groundwork, told_of_totals
from geoplan.io.children import (
    read_births,
    read_flows,
    read_moving,
    read_population,
    read_projections,
    read_register,
    whole_bands,
)
from geoplan.io.project import Project
from geoplan.io.rolls import read_feeders, read_rolls, read_school_links
from geoplan.roll_tables import hidden_now, protect_flows, protect_register, protect_rolls
from geoplan.rolls import follow_links, rolls_from
from geoplan.sentences import first_few
from geoplan.sources import Source, unique_sources
from geoplan.spare_places import area_shares, share_out
from geoplan.vintages import is_new_in_2021, require_vintage

TOP = "all schools"
REGISTERS = "registers"  # the word for a chart of moving that the registers themselves say


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
    feeders, flows
        Files: the feeders of each school; pupils over the border and to independent schools.
    authority
        What the flows and totals call us; the project's name if "".
    totals, area_totals
        Files: official totals by age that the register is brought to, of all together and of each area.
    moving
        A chart of moving: a file, or :data:`REGISTERS`; "" where children are taken to stay.
    population
        Population by single year of age in place of a register: mid-years and their files.
    """

    rolls: tuple[str, ...]
    level: str
    register: str
    births: Path | None
    links: Path | None
    plan: str
    published: str
    hidden_as: float | None
    feeders: Path | None = None
    flows: Path | None = None
    authority: str = ""
    totals: Path | None = None
    area_totals: Path | None = None
    moving: str = ""
    population: tuple[tuple[int, Path], ...] = ()


@dataclass(frozen=True, repr=False, eq=False)
class Material:
    """What was read: exact. ``before`` is the register before it was brought to totals."""

    rolls: object
    schools: object
    register: object
    births: object
    plan: object
    notes: tuple[str, ...]
    sources: tuple
    feeders: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    moving: pd.Series | None = None
    before: pd.DataFrame | None = None


@dataclass(frozen=True, repr=False, eq=False)
class Ready:
    """What a forecast is made from, protected by the rule; what areas are called by level, and what was done to it."""

    history: object
    rolls: object
    groups: dict
    printed: tuple
    notes: tuple[str, ...]
    hidden: dict
    names: dict
    groundwork: pd.DataFrame


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
    if given.population:
        register, read = population_of(folder, given.population)
        sources += read
    plan = folder.catchments(given.plan) if given.plan else None
    if given.population:
        register, said = ours_of(folder, register, plan)
        notes += [
            *said,
            "population: estimates come out a year or more after their mid-year; tried on the past, they were taken as "
            "known at once, so its errors may be too small",
        ]
    before = None
    if register is not None and (given.totals or given.area_totals):
        before = register
        register, said, read = brought_to_totals(folder, register, given, plan)
        notes += said
        sources += read
    if given.births is not None:
        counts = read_births(given.births)
        born = counts.frame
        notes += counts.notes
        sources.append(own_source(folder, counts.source, "Births"))
    feeders = flows = moving = None
    if given.feeders is not None:
        feeders, source = read_feeders(given.feeders)
        sources.append(own_source(folder, source, "Feeder schools"))
    if given.flows is not None:
        counts = read_flows(given.flows, hidden_as=given.hidden_as)
        flows = counts.frame
        notes += counts.notes
        sources.append(own_source(folder, counts.source, "Pupils over the border and in independent schools"))
    if given.moving == REGISTERS:
        moving = pd.Series(dtype=float)
    elif given.moving:
        moving, source = read_moving(file_of(folder, given.moving))
        sources.append(own_source(folder, source, "Moving by age"))
    sources += [schools.source, *([plan.source] if plan is not None else [])]
    return Material(
        rolls, schools, register, born, plan, tuple(notes), unique_sources(sources), feeders, flows, moving, before
    )


def population_of(folder: Project, files: tuple[tuple[int, Path], ...]) -> tuple[pd.DataFrame, list[Source]]:
    """Population by single year of age as a register, a mid-year a file; and the files.

    Raises
    ------
    InputRefused
        If a mid-year is given twice.
    VintageError
        If the areas of one year are of other codes than those of another.
    """
    parts, sources = {}, []
    for year, path in files:
        if year in parts:
            what = f"mid-{year} is given twice"
            raise InputRefused(path.name, [Problem(path.name, "code_duplicated", what, "name each mid-year once")])
        counts = read_population(path, year)
        require_one_vintage(parts, counts.frame, year)
        parts[year] = counts.frame
        sources.append(own_source(folder, counts.source, f"Population by single year of age, mid-{year}"))
    return pd.concat(parts.values(), ignore_index=True), sources


def ours_of(folder: Project, people: pd.DataFrame, plan) -> tuple[pd.DataFrame, list[str]]:
    """Of people by small area, those of the plan's areas, else of the first layer of the project that has any of them.

    A file of the ONS is of all England: without this every child of the country would be taken for one of the place.

    Raises
    ------
    UnknownCodeError
        If none of the areas is ours.
    VintageError
        If the areas are of another year than ours.
    """
    codes = pd.Index(people["area"].unique()).astype("str")
    own = {plan.kind: pd.Index(plan.table.index).astype("str")} if plan is not None else {}
    own = own or {kind: folder.area(kind).codes for kind in folder.settings.areas}
    for kind, ours in own.items():
        if codes.isin(ours).any():
            known = {each: folder.postcodes().table[each].dropna().astype("str").unique() for each in (kind,)
                     if folder.has("postcodes") and each in folder.postcodes().kinds}  # fmt: skip
            require_vintage(codes[codes.isin(ours) | is_new_in_2021(codes).to_numpy()], kind, known, "the population")
            kept = people[people["area"].astype("str").isin(ours)]
            gone, lacking = len(codes) - codes.isin(ours).sum(), len(ours) - ours.isin(codes).sum()
            said = [f"population: {gone:,} areas that are not ours ({kind}) are left out"] if gone else []
            said += [f"population: {lacking:,} of our {len(ours):,} areas ({kind}) are not in it"] if lacking else []
            return kept, said
    if own:
        raise UnknownCodeError(
            f"population: none of its areas is ours ({', '.join(own)}): is it of another place, or of other areas?"
        )
    return people, ["population: the project names no areas, so all of the file is taken for ours"]


def require_one_vintage(parts: dict[int, pd.DataFrame], table: pd.DataFrame, year: int) -> None:
    """Refuse areas of which some are new in 2021 beside areas of earlier years that ended then."""
    for other, before in parts.items():
        first, second = (pd.Index(each["area"].unique()).astype("str") for each in (before, table))
        new = [bool(is_new_in_2021(codes).any()) for codes in (first, second)]
        if new[0] != new[1]:
            old, late = (other, year) if new[1] else (year, other)
            raise VintageError(
                f"population of mid-{old} is by areas of 2011 and that of mid-{late} by areas of 2021: use one year of "
                "areas throughout"
            )


def brought_to_totals(folder: Project, register, given: Given, plan) -> tuple[pd.DataFrame, list[str], list[Source]]:
    """The register brought to official totals by age, and to those of each area; what was noticed, and the files.

    Raises
    ------
    UnknownCodeError
        If it cannot be told which rows of the totals are ours.
    ComparisonRefused
        If totals and register do not fit.
    """
    by_age = bands = by_area = None
    ages: set[int] = set()
    sources = []
    if given.totals is not None:
        counts = read_projections(given.totals)
        table = _ours(counts.frame, given, folder.name, counts.source.file)
        bands = whole_bands(sorted(table["age"].astype("str").unique()))
        by_age = table.assign(band=table["age"].astype("str"))[["year", "band", "people"]]
        by_age = by_age[by_age["band"].isin(set(bands.values()))]
        sources.append(own_source(folder, counts.source, "Official totals of children by age"))
    if given.area_totals is not None:
        counts = read_projections(given.area_totals)
        table = counts.frame.assign(age=counts.frame["age"].astype("str"))
        of_area = whole_bands(sorted(table["age"].unique()))
        ages = set(of_area)
        by_area = table[table["age"].isin(set(of_area.values()))]
        by_area = by_area.groupby(["area", "year"], as_index=False)["people"].sum()
        sources.append(own_source(folder, counts.source, "Official totals of children by area"))
        if plan is not None and not set(by_area["area"]) & set(register["area"]):
            register = areas_of(folder, register, plan.kind)
    table, notes = constrain_register(register, by_age, bands, by_area, ages)
    return table, [f"register brought to totals: {note}" for note in notes], sources


def _ours(table: pd.DataFrame, given: Given, name: str, file: str) -> pd.DataFrame:
    """The rows of our authority in a table of several."""
    areas = table["area"].astype("str").str.strip()
    if areas.nunique() == 1 and not given.authority:
        return table
    mine = areas.str.casefold().eq((given.authority or name).casefold())
    if not mine.any():
        found = ", ".join(sorted(areas.unique())[:5])
        raise UnknownCodeError(
            f"{file}: totals of {areas.nunique():,} areas ({found}), none of them {given.authority or name}: say which "
            "we are (--authority)"
        )
    return table[mine]


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
        notes.append(
            f"{len(unknown):,} schools have rolls and are not in the schools file "
            f"({first_few(unknown)}): closed, "
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
    clusters = groups.get(given.level)
    done = no_groundwork()
    if material.register is not None:
        children, hidden = children_of(folder, material, rolls, clusters, rule)
        if hidden:
            notes.append(f"{hidden:,} sums of the register are hidden by the small-number rule, and in no other sum")
        if material.before is not None:
            both = [protect_register(_summed(each, TOP), rule, folder.as_at)[0]
                    for each in (material.before, material.register)]  # fmt: skip
            files = " and ".join(path.name for path in (given.totals, given.area_totals) if path is not None)
            done = told_of_totals(*both, folder.name, files)
    born, smaller = None, {}
    if material.births is not None:
        born = births_of(material.births, rolls)
        smaller, said = births_by(folder, material, rolls, clusters, rule)
        notes += said
    feeders = None
    if material.feeders is not None:
        feeders, said = feeders_of(material.feeders, rolls)
        notes += said
    crossings = None
    if material.flows is not None:
        crossings, said = flows_by_place(folder, material, given, rolls, clusters, children, rule)
        notes += said
    moving = None if material.moving is None else material.moving.reindex(range(18)).to_numpy(dtype=float)
    history = history_of(
        rolls, clusters, taught=taught, children=children, births=born, births_by=smaller, feeders=feeders,
        flows=crossings, moving=moving,
    )  # fmt: skip
    gone = {} if rolls.published else hidden_now(material.rolls, rolls)
    own = pd.Series(rolls.places.astype("str"), index=rolls.places)
    called = {"city": groups[TOP], "cluster": clusters, "catchment": own.replace(frame["name"].to_dict())}
    called = {
        level: each.reindex(rolls.places).fillna("no group") for level, each in called.items() if each is not None
    }
    return Ready(history, rolls, groups, printed, tuple(notes), gone, called, done)


def _summed(table: pd.DataFrame, names) -> pd.DataFrame:
    """A register by larger areas."""
    table = table.assign(area=names)
    return table.groupby(["area", "year", "age"], as_index=False)["children"].sum(min_count=1)


def feeders_of(feeders: pd.DataFrame, rolls) -> tuple[pd.DataFrame, list[str]]:
    """Places x places of feeders; what was left out, in sentences.

    Raises
    ------
    UnknownCodeError
        If no row is of two schools with rolls.
    """
    known = feeders["school"].isin(rolls.places) & feeders["feeder"].isin(rolls.places)
    if not known.any():
        raise UnknownCodeError("feeders: no row is of two schools that have rolls: name schools by the rolls' numbers")
    notes = []
    if not known.all():
        codes = pd.unique(feeders.loc[~known, ["school", "feeder"]].to_numpy().ravel())
        strange = [code for code in codes if code not in rolls.places]
        notes.append(
            f"feeders: {int((~known).sum()):,} rows are of schools without rolls ({first_few(strange)}), and not used"
        )
    wide = feeders[known].pivot(index="school", columns="feeder", values="share")
    return wide, notes


def births_by(folder: Project, material: Material, rolls, clusters, rule) -> tuple[dict, list[str]]:
    """Births of each school's catchment and cluster, where the file has them by an area of such a kind.

    The file's areas may be those of the plan (or postcode sectors of them), catchments by the school's number, or the
    clusters. Sums are protected as those of registers are.
    """
    born = material.births.assign(age=0).rename(columns={"births": "children"})
    areas = set(born["area"].astype("str"))
    if len(areas) < 2:
        return {}, []
    if len(areas & set(rolls.places)) >= len(areas) / 2:
        own = born["area"].astype("str")
    elif clusters is not None and len(areas & set(clusters)) >= len(areas) / 2:
        shown, hidden = protect_register(_summed(born, born["area"]), rule, folder.as_at, "births of")
        return {"cluster": _births_table(shown, clusters.reindex(rolls.places))}, _hidden_births(hidden)
    elif material.plan is not None:
        try:
            born = areas_of(folder, born, material.plan.kind, "births by area")
        except UnknownCodeError:
            return {}, ["births: their areas are not those of the plan, so they are used for the whole place only"]
        own = born["area"].map(material.plan.table).fillna("").replace("", "no catchment")
    else:
        return {}, ["births by area: name the catchments (--plan) to use them for each; used for the whole place only"]
    shown, hidden = protect_register(_summed(born, own), rule, folder.as_at, "births of")
    answer = {"catchment": _births_table(shown, pd.Series(rolls.places, index=rolls.places))}
    if clusters is not None:
        summed = _summed(shown, shown["area"].map(clusters).fillna("no cluster"))
        answer["cluster"] = _births_table(summed, clusters.reindex(rolls.places))
    return answer, _hidden_births(hidden)


def _births_table(table: pd.DataFrame, area_of: pd.Series) -> pd.DataFrame:
    """Births by place and year."""
    wide = table.pivot_table(index="area", columns="year", values="children", aggfunc="sum")
    return wide.reindex(area_of.to_numpy()).set_axis(area_of.index)


def _hidden_births(hidden: int) -> list[str]:
    return [f"{hidden:,} sums of births are hidden by the small-number rule, and in no other sum"] if hidden else []


def flows_by_place(
    folder: Project, material: Material, given: Given, rolls, clusters, children, rule
) -> tuple[Crossings, list[str]]:
    """Flows of the whole place, or of each cluster where the file names clusters; protected; and what was noticed.

    Raises
    ------
    UnknownCodeError
        If no row is of a place of ours.
    InputRefused
        If more children leave than live there.
    ForecastRefused
        If residents are not known, or not in a year that the flows are of.
    """
    table = material.flows
    named = {str(name).casefold() for name in clusters.unique()} if clusters is not None else set()
    homes = table["home"].astype("str").str.strip().str.casefold()
    by_cluster = not given.authority and homes.isin(named).any()
    level = "cluster" if by_cluster else "city"
    if level not in children:
        need = "--register and --plan: residents of each planning area" if by_cluster else "--register: residents"
        raise ForecastRefused(f"flows need {need} are what they are shares of")
    ours = list(clusters.unique()) if by_cluster else [given.authority or folder.name]
    flows, notes = flows_of(table, ours)
    shown, hidden = protect_flows(flows, rule, folder.as_at)
    notes = list(notes)
    if hidden:
        notes.append(f"{hidden:,} counts of flows are hidden by the small-number rule, and those years not used there")
    places = list(clusters.reindex(rolls.places)) if by_cluster else ours * len(rolls)
    crossings = crossings_of(shown, places, rolls.years, rolls.stages, children[level], rolls.pupils, level)
    file = given.flows.name
    wrong = too_many(crossings, children[level], rolls.years, rolls.stages)
    if wrong:
        tip = "count pupils, not per cent; each child once, in the year of the register"
        raise InputRefused(file, [Problem(file, "value_impossible", each, tip) for each in wrong])
    if not (np.isfinite(crossings.pupils).any(axis=(2, 3)) & np.isfinite(children[level]).any(axis=2)).any():
        said = ", ".join(year_name(year) for year in sorted(flows["year"].unique()))
        raise ForecastRefused(
            f"{file}: flows of {said}, and no year of them has rolls and a register: add that year's, or newer flows"
        )
    told = sorted(set(flows["year"]) & set(rolls.years))
    gaps = [year_name(year) for year in range(told[0], told[-1]) if year not in told] if told else []
    if gaps:
        notes.append(f"flows: none of {', '.join(gaps)}, between others; the years before and after are used")
    return crossings, notes


def children_of(folder: Project, material: Material, rolls, clusters, rule) -> tuple[dict, int]:
    """Registered children of each school's city, and of its catchment and cluster where a plan says whose they are.

    Sums by catchment are protected, and the larger ones are sums of those; how many were hidden comes second.
    """

    if material.plan is None:
        shown, hidden = protect_register(_summed(material.register, TOP), rule, folder.as_at)
        return {"city": children_by_place(shown, dict.fromkeys(rolls.places, TOP), rolls.places, rolls.years)}, hidden
    small = areas_of(folder, material.register, material.plan.kind)
    own = small["area"].map(material.plan.table).fillna("").replace("", "no catchment")
    shown, hidden = protect_register(_summed(small, own), rule, folder.as_at)
    answer = {"catchment": children_by_place(shown, {p: p for p in rolls.places}, rolls.places, rolls.years)}
    if clusters is not None:
        by_cluster = _summed(shown, shown["area"].map(clusters).fillna("no cluster"))
        answer["cluster"] = children_by_place(by_cluster, clusters, rolls.places, rolls.years)
    city = dict.fromkeys(rolls.places, TOP)
    answer["city"] = children_by_place(_summed(shown, TOP), city, rolls.places, rolls.years)
    return answer, hidden


def protected_areas(folder, register, kind: str, rule):
    """A register by the plan's areas, protected: by postcode sector before it is shared out, by postcode after."""

    if register["area"].str.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}").mean() > 0.5:
        return protect_register(areas_of(folder, register, kind), rule, folder.as_at)[0]
    return areas_of(folder, protect_register(register, rule, folder.as_at)[0], kind)


def areas_of(folder, register, kind: str, what: str = "the register"):
    """A register by postcode sector, postcode or larger area as one by the plan's areas.

    Raises
    ------
    UnknownCodeError
        If its areas are none of these.
    VintageError
        If they are of another year than the plan's: children of areas that were split would be lost.
    """

    table = folder.postcodes().table
    areas = set(register["area"])
    if areas & set(table[kind].dropna().astype("str")):
        known = {each: table[each].dropna().astype("str").unique() for each in folder.postcodes().kinds}
        require_vintage(pd.Index(sorted(areas)), kind, known, what)
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
    charts = [file_of(folder, given.moving)] if given.moving not in ("", REGISTERS) else []
    files = [given.births, given.links, given.feeders, given.flows, given.totals, given.area_totals]
    people = [path for _, path in given.population]
    return [*(file_of(folder, name) for name in names), *files, *charts, *people]


def aged(register, made):
    """Registered children of the last year, so many years older: who will be of an age in each year forecast."""

    last = register[register["year"].eq(register["year"].max())]
    parts = []
    for year in made.years:
        ahead = year - int(last["year"].iloc[0])
        parts.append(last.assign(year=year, age=last["age"] + ahead))
    return pd.concat(parts, ignore_index=True)
