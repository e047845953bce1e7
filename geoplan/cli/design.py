"""``geoplan design``: catchments designed within limits, with a proof of how good they are, or why there are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    ProjectOption,
    by_ending,
    check_output,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    shown,
    steps,
)

if TYPE_CHECKING:
    import pandas as pd

    from geoplan.briefs import DesignProblem, Limits
    from geoplan.design_tables import DesignTables
    from geoplan.designs import Design
    from geoplan.io.briefs import Brief
    from geoplan.sources import Source

_ENDINGS = (".csv", ".html", ".xlsx")
_FIRST = "; ".join(("travel", "worst_travel", "moved", "gorard", "dissimilarity", "balance"))


def command(
    brief: Annotated[
        Path | None, typer.Option("--brief", help="A TOML file with the objective and limits; options change it.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option("--objective", help=f"What to make least: {_FIRST}; several with prices: travel=1, moved=0.01."),
    ] = None,
    then: Annotated[str, typer.Option("--then", help="A second measure, among plans as good in the first.")] = "",
    within: Annotated[
        float | None, typer.Option("--within", min=0, help="Per cent: each school's children near its share by places.")
    ] = None,
    full_at_most: Annotated[float | None, typer.Option("--full-at-most", min=0, help="Per cent of places.")] = None,
    full_at_least: Annotated[float | None, typer.Option("--full-at-least", min=0, help="Per cent of places.")] = None,
    max_travel: Annotated[
        float | None, typer.Option("--max-travel", min=0, help="No area farther from its school (km or minutes).")
    ] = None,
    nearest: Annotated[
        int | None, typer.Option("--nearest", min=1, help="Each area to one of so many nearest schools.")
    ] = None,
    at_most: Annotated[
        list[str] | None, typer.Option("--at-most", help="The most of a measure: moved=200, gorard=0.2, travel=3.")
    ] = None,
    fixed: Annotated[
        Path | None, typer.Option("--fixed", help="Areas whose school is settled: a CSV of areas and schools.")
    ] = None,
    together: Annotated[
        Path | None, typer.Option("--together", help="Areas not to be split: a CSV of areas and their group.")
    ] = None,
    bridge: Annotated[
        list[str] | None,
        typer.Option("--bridge", help="Two areas that count as neighbours (a bridge, a ferry): CODE-CODE."),
    ] = None,
    split: Annotated[bool, typer.Option("--split", help="Let catchments be in several pieces.")] = False,
    today: Annotated[
        str, typer.Option("--today", help="The plan to move from: its name under [plans] or a CSV; none for none.")
    ] = "today",
    school: Annotated[
        list[str] | None, typer.Option("--school", help="The schools to design for, if not those of the plan.")
    ] = None,
    children: Annotated[
        str,
        typer.Option(
            "--children",
            help="Whom: all, year_group=7, or a CSV of children by area, a column a year.",
            show_default="the year groups that the schools teach",
        ),
    ] = "",
    forecast: Annotated[
        Path | None,
        typer.Option(
            "--forecast",
            help="Years to come too: what geoplan forecast wrote (.csv), each area growing as its catchment's schools.",
        ),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="The CSV of children is published: its counts are shown as they are.")
    ] = False,
    places: Annotated[
        str, typer.Option("--places", help="Column of the schools file (places, pan).", show_default="places")
    ] = "",
    mix: Annotated[
        str,
        typer.Option("--mix", help="The group whose spread gorard measures: fsm=yes, or a CSV: area, group, counted."),
    ] = "fsm=yes",
    travel: Annotated[
        Path | None, typer.Option("--travel", help="Journeys: a CSV of area, school, minutes or metres.")
    ] = None,
    areas: Annotated[str, typer.Option("--areas", help="The kind of area, if not that of the plan.")] = "",
    trade_off: Annotated[
        list[str] | None,
        typer.Option("--trade-off", help="Also what less of this measure costs in the objective: moved, gorard."),
    ] = None,
    points: Annotated[int, typer.Option("--points", min=2, max=20, help="Designs on each trade-off curve.")] = 5,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for each design.")] = 60.0,
    gap: Annotated[float, typer.Option("--gap", min=0, help="Good enough: per cent from the best possible.")] = 0.02,
    seed: Annotated[int, typer.Option("--seed", help="Of the search.")] = 0,
    name: Annotated[str, typer.Option("--name", help="What the plan is called.")] = "Design",
    project: ProjectOption = Path("geoplan.toml"),
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", "-o", help="The plan (.csv), its page (.html), a workbook (.xlsx); give it for each."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Design catchments within limits: the best plan found, and a bound that no other plan can beat.

    If no plan keeps every limit, says why and which limits to relax (exit code 1). Small numbers of children are
    hidden (shown as c) and the others rounded.

    Example: geoplan design --within 10 --nearest 5 -o plan.csv -o plan.html
    """
    from geoplan.briefs import DISSIMILARITY, GORARD, MOVED
    from geoplan.designs import design
    from geoplan.designs import trade_off as curve_of
    from geoplan.io.project import read_project

    outs = list(out or [])
    for path in outs:
        by_ending(path, *_ENDINGS)
    folder = read_project(project)
    files = [Path(each) for each in (children, mix, today) if _is_file(each)]
    check_targets(outs, inputs=[*project_inputs(folder), *files, brief, fixed, together, travel, forecast])
    if forecast is not None and (today == "none" or _is_file(children)):
        raise typer.BadParameter(
            "it lets the children of today's catchments grow: it needs a plan of today, and no file of children",
            param_hint="--forecast",
        )
    asked = _asked(brief, objective, then, within, full_at_most, full_at_least, max_travel, nearest, at_most, split)
    asked = replace(asked, limits=_with_files(asked.limits, fixed, together), bridges=_bridges(asked, bridge or []))
    curves = list(trade_off or [])
    measures = {*asked.objective, *asked.limits.at_most, *curves, asked.then}
    _measures_known(curves, "--trade-off")
    if curves and (len(asked.objective) > 1 or set(curves) & set(asked.objective)):
        raise typer.BadParameter(
            "give one objective, and another measure to trade it against", param_hint="--trade-off"
        )
    if measures & {MOVED} and today == "none":
        raise typer.BadParameter("to count children moved there must be a plan of today", param_hint="--today")
    ground = _ground(
        folder, asked, today, school or [], children, places, mix, travel, areas,
        with_mix=bool(measures & {GORARD, DISSIMILARITY}), published=published, forecast=forecast,
    )  # fmt: skip
    words = {"gap": gap / 100, "seconds": time_limit, "seed": seed}
    with solving("designing", time_limit) as progress:
        found = design(
            ground.problem,
            asked.objective,
            asked.limits,
            then=asked.then or None,
            name=name,
            progress=progress,
            **words,
        )
    traded = {}
    if found.plan is not None:
        (single, *_) = asked.objective
        for against in curves:
            with solving(f"trading {single} against {against}", time_limit * (points + 1)) as progress:
                traded[against], _ = curve_of(
                    ground.problem, against, asked.limits, objective=single, points=points, progress=progress, **words
                )
    tables = None
    rule = None if published or ground.evidence is not None else folder.rule()
    with recording(folder.folder, folder.rule(), writes=any(path.suffix != ".csv" for path in outs)) as numbers:
        if found.plan is not None:
            tables, numbers = _protected(numbers, ground, found, rule)
            numbers = _unchanged(numbers, ground)
            _write(outs, numbers, ground, asked, found, tables, traded, name)
    if as_json:
        typer.echo(json.dumps(_as_json(ground, asked, found, tables, traded), indent=2, ensure_ascii=False))
    else:
        _print(ground, asked, found, tables, traded)
    if found.plan is None:
        if outs:
            typer.echo("Nothing was written.", err=True)
        raise typer.Exit(1)
    for path in outs:
        typer.echo(f"wrote {path}", err=True)


# --- what is asked for ----------------------------------------------------------------------------------


def _is_file(text: str) -> bool:
    return Path(text).suffix.lower() in {".csv", ".gz", ".xlsx", ".zip", ".tsv", ".txt"}


def _priced(texts: list[str], what: str) -> dict[str, float]:
    """``travel`` and ``moved=0.01`` as prices."""
    found = {}
    for text in texts:
        for part in text.split(","):
            key, equals, value = part.strip().partition("=")
            try:
                found[key.strip()] = float(value) if equals else 1.0
            except ValueError:
                raise typer.BadParameter(
                    f"{part!r}: write a measure and a number: moved=200", param_hint=what
                ) from None
    _measures_known(list(found), what)
    return found


def _measures_known(names: list[str], what: str) -> None:
    from geoplan.briefs import MEASURES

    for each in names:
        if each not in MEASURES:
            raise typer.BadParameter(f"no measure {each!r}; there are {', '.join(MEASURES)}", param_hint=what)


def _asked(file, objective, then, within, full_at_most, full_at_least, max_travel, nearest, at_most, split) -> Brief:
    """The brief: the file's, changed by the options."""
    from geoplan.io.briefs import Brief, read_brief

    asked = read_brief(file) if file is not None else Brief()
    limits = asked.limits
    if objective:
        asked = replace(asked, objective=_priced(objective, "--objective"))
    if then:
        _measures_known([then], "--then")
        asked = replace(asked, then=then)
    for key, value, part in (
        ("places_within", within, 100), ("full_at_most", full_at_most, 100), ("full_at_least", full_at_least, 100),
        ("max_travel", max_travel, 1), ("nearest", nearest, 1),
    ):  # fmt: skip
        if value is not None:
            limits = replace(limits, **{key: value / part if part > 1 else value})
    if at_most:
        limits = replace(limits, at_most={**limits.at_most, **_priced(at_most, "--at-most")})
    if split:
        limits = replace(limits, one_piece=False)
    return replace(asked, limits=limits)


def _bridges(asked: Brief, texts: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(part.strip() for part in text.split("-")) for text in texts]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise typer.BadParameter("write two area codes: E01016016-E01016017", param_hint="--bridge")
    return (*asked.bridges, *pairs)


def _with_files(limits: Limits, fixed: Path | None, together: Path | None) -> Limits:
    from geoplan.io.plans import read_plan

    if fixed is not None:
        plan = read_plan(fixed, kind="area")
        settled = {area: code for area, code in plan.table.items() if code}
        limits = replace(limits, fixed={**limits.fixed, **settled})
    if together is not None:
        plan = read_plan(together, kind="area", school=_group_header(together))
        groups = plan.table[plan.table != ""].groupby(plan.table).groups
        limits = replace(limits, together=(*limits.together, *(tuple(group) for group in groups.values())))
    return limits


def _group_header(path: Path) -> str:
    """The header of groups: the file's second column whatever it is called, if none is called group."""
    from geoplan.io.files import table_bytes
    from geoplan.io.tables import table_from

    heads: list[str] = []

    def choose(headers):
        heads[:] = list(headers)
        return set()

    table_from(table_bytes(path), {"group", "area"}, choose)
    named = [head for head in heads if head.strip().casefold() in ("group", "cluster", "ward", "parish", "village")]
    return (named or heads[1:] or ["group"])[0]


# --- the ground: children, places, journeys ---------------------------------------------------------------


@dataclass(frozen=True)
class Ground:
    """What a design is made from, with what is said of it."""

    problem: DesignProblem
    boundaries: object
    sites: pd.DataFrame
    names: dict[str, str]
    noun: str
    base_name: str
    data: str
    notes: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    evidence: object = None  # children by area as protected, where all numbers are worked out from those
    marks: dict[str, str] = field(default_factory=dict)
    earlier: tuple = ()


def _ground(folder, asked, today, schools, children, places, mix, travel, areas, *, with_mix, published,
            forecast=None) -> Ground:  # fmt: skip
    """Read the project's files into a design problem."""
    import pandas as pd

    from geoplan.briefs import DesignProblem
    from geoplan.cli.reach import base_words, conditions_of
    from geoplan.errors import UnknownCodeError

    plan = None
    if today != "none":
        if not folder.has(today) and not _is_file(today):
            raise typer.BadParameter(
                f"no plan {today!r} under [plans]; name one, a CSV, or --today none", param_hint="--today"
            )
        plan = _plan(folder, today, areas)
    counted_by = conditions_of(children or "all")
    by_file = isinstance(counted_by, Path)
    if published and not by_file:
        raise typer.BadParameter("only a CSV of children by area can be published", param_hint="--published")
    kind = plan.kind if plan is not None else areas or next(iter(folder.settings.areas), "")
    if not kind:
        raise typer.BadParameter("the project names no areas; add them under [areas]", param_hint="--project")
    boundaries = folder.area(kind)
    notes: list[str] = [folder.invented] if folder.invented else []
    people = None
    if by_file and not (with_mix and not _is_file(mix)):
        with steps("reading postcodes", "reading schools", "reading children") as step:
            next(step)
            directory = folder.postcodes()
            next(step)
            file = folder.schools()
            next(step)
    else:
        people, file, _ = load_people(folder)
        directory = folder.postcodes()
        if kind not in people.kinds:
            raise typer.BadParameter(
                f"the pupils have no {kind} areas; they have {', '.join(people.kinds)}", param_hint="--areas"
            )
    codes = _school_codes(schools, plan, file)
    if not children:
        counted_by = _years_of(file, _members(codes, plan))
    if by_file:
        table, source, base_name, noun, data = _from_file(counted_by, kind, boundaries, notes)
        sources = [source, file.source, boundaries.source]
    else:
        eligible = people.where(**counted_by) if counted_by else people
        table, noun, data = _from_people(eligible, kind, boundaries, folder), people.noun, folder.as_at
        base_name = base_words(people.noun, counted_by) if children else _taught_words(people.noun, counted_by)
        sources = [*people.sources, boundaries.source]
        notes.append(f"Counted: {base_name} who live in these areas; those who live elsewhere are in no catchment.")
    grown: dict = {}
    if forecast is not None:
        table, grown = _grown(folder, table, plan, codes, counted_by, forecast, noun, base_name, data, notes, sources)
    room = _places(file, codes, plan, places, counted_by, asked, notes)
    lengths, unit = _travel(travel, directory, boundaries, file, codes, plan, notes, kind)
    spread = None
    if with_mix:
        spread = _mix(mix, people, counted_by, kind)
        notes.append(f"Mix: {mix if not _is_file(mix) else Path(mix).name}, by area.")
    neighbours = boundaries.neighbours()[["a", "b"]]
    strange = [code for pair in asked.bridges for code in pair if code not in boundaries.codes]
    if strange:
        raise UnknownCodeError(f"bridge: no area {strange[0]!r} in {kind}")
    if asked.bridges:
        neighbours = pd.concat([neighbours, pd.DataFrame(asked.bridges, columns=["a", "b"])], ignore_index=True)
        pairs = "; ".join(f"{boundaries.names[a]} and {boundaries.names[b]}" for a, b in asked.bridges)
        notes.append(f"Counted as neighbours across water or open land: {pairs}.")
    problem = DesignProblem(
        children=table, places=room, travel=lengths, neighbours=neighbours, kind=kind, unit=unit, mix=spread, today=plan
    )
    names = {code: _name(code, plan, file) for code in codes}
    sites = file.frame.loc[[c for c in _members(codes, plan) if c in file.frame.index], ["easting", "northing"]]
    return Ground(problem, boundaries, sites.dropna(), names, noun, base_name, data, notes, sources, **grown)


def _grown(folder, table, plan, codes, counted_by, forecast, noun, base_name, data, notes, sources):
    """Children by area now and in the years forecast, worked out from protected counts by area; the evidence."""
    import pandas as pd

    from geoplan.design_tables import protect_areas
    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.housing import read_school_growth
    from geoplan.spare_places import catchment_growth, grown_areas

    rolls, source = read_school_growth(forecast, _rolls_of(counted_by))
    growth, without = catchment_growth(rolls, {code: plan.members(code) for code in codes})
    rule = folder.rule()
    with recording(folder.folder, rule, writes=False) as numbers:
        earlier = numbers.earlier()
        now, evidence, marks = protect_areas(
            table.iloc[:, 0], plan.kind, rule, noun=noun, base_name=base_name, data=data, earlier=earlier[0],
            earlier_nested=earlier[1],
        )  # fmt: skip
    ahead = grown_areas(now, plan.table, growth)
    sources.append(own_source(folder, source, "Forecast by school"))
    notes.append(
        f"Years to come ({ahead.columns[0]} to {ahead.columns[-1]}): the children of each area grow or fall as the "
        f"rolls of its catchment of today are forecast to ({forecast.name}: {', '.join(_rolls_of(counted_by))}). Where "
        "in a catchment they will live is not known; a new estate is spread over all of its areas."
    )
    if without:
        notes.append(f"{len(without):,} catchments have no forecast of their own, and grow as all schools together.")
    notes.append(
        f"All numbers are worked out from children by area hidden below {rule.hide_below} (taken as half of that) and "
        f"rounded to {rule.round_to}, so that nothing here says more than those."
    )
    return pd.concat([now.rename(table.columns[0]), ahead], axis=1), {
        "evidence": evidence, "marks": marks, "earlier": earlier,
    }  # fmt: skip


def _rolls_of(counted_by) -> list[str]:
    """The rolls of a forecast that are of the year groups counted."""
    years = set(counted_by.get("year_group", [])) if isinstance(counted_by, dict) else set()
    if years in ({"7"}, {"R"}):
        return ["Year 7"] if years == {"7"} else ["Reception"]
    of = {"primary": {"R", *map(str, range(1, 7))}, "secondary": set(map(str, range(7, 12))),
          "sixth form": {"12", "13", "14"}}  # fmt: skip
    return [name for name, groups in of.items() if not years or years & groups]


def _unchanged(numbers, ground: Ground):
    """The ledger with the marks of the children; refused if something was released since they were protected."""
    from geoplan.errors import ReleaseRefused

    if ground.evidence is None:
        return numbers
    if numbers.earlier() != ground.earlier:
        raise ReleaseRefused(["something else was released while the design was made: run it again"])
    return numbers.with_marks(ground.marks)


def _plan(folder, today: str, areas: str):
    from geoplan.io.plans import read_plan

    if folder.has(today):
        return folder.catchments(today, areas or None)
    return read_plan(today, areas or None, name="Today")


def _from_file(path: Path, kind: str, boundaries, notes: list[str]):
    from geoplan.errors import UnknownCodeError
    from geoplan.io.briefs import read_area_numbers

    of, table, source = read_area_numbers(path)
    if of not in ("", "zone", kind):
        raise typer.BadParameter(f"{path.name} counts by {of}; the plan is by {kind}", param_hint="--children")
    strange = table.index.difference(boundaries.codes)
    if len(strange):
        raise UnknownCodeError(f"{path.name}: {len(strange):,} areas are not in the layer (the first is {strange[0]})")
    missing = boundaries.codes.difference(table.index)
    if len(missing):
        notes.append(f"{len(missing):,} areas are not in {path.name}: counted as without children.")
    table = table.reindex(boundaries.codes).fillna(0.0)
    return table, source, f"children of {path.stem.replace('_', ' ')}", "children", path.stem


def _from_people(eligible, kind: str, boundaries, folder):
    counts = eligible.counts(by=kind)
    column = folder.as_at or "now"
    return counts.reindex(boundaries.codes).fillna(0.0).astype(float).to_frame(column).rename_axis(None)


def _years_of(file, members: list[str]) -> dict[str, list[str]]:
    """The year groups that the schools teach, as conditions; none where the file does not say."""
    from geoplan.travel import YEARS, years_taught

    first, last = years_taught(file.frame.loc[members])
    if (first < 0).any() or (last < 0).any():
        return {}
    return {"year_group": list(YEARS[first.min() : last.max() + 1])}


def _taught_words(noun: str, counted_by: dict[str, list[str]]) -> str:
    years = counted_by.get("year_group", [])
    return f"{noun} in years {years[0]} to {years[-1]}" if len(years) > 1 else f"all {noun}"


def _members(codes, plan) -> list[str]:
    return [member for code in codes for member in (plan.members(code) if plan is not None else (code,))]


def _school_codes(schools: list[str], plan, file) -> list[str]:
    from geoplan.errors import UnknownCodeError

    codes = [code.strip() for text in schools for code in text.split(",") if code.strip()]
    if not codes and plan is not None:
        codes = list(plan.schools)
    if not codes:
        raise typer.BadParameter("which schools? name each, or a plan with --today", param_hint="--school")
    strange = [code for code in _members(codes, plan) if code not in file.frame.index]
    if strange:
        raise UnknownCodeError(f"school {strange[0]} is not in the schools file ({len(strange):,} in all)")
    return codes


def _places(file, codes, plan, column: str, counted_by, asked, notes: list[str]):
    """Places by catchment: those of its schools together, changed by the brief."""
    import pandas as pd

    years = counted_by.get("year_group", []) if isinstance(counted_by, dict) else []
    if not column:
        column = "pan" if len(years) == 1 and "pan" in file.frame else "places"
    if column not in file.frame:
        raise typer.BadParameter(f"the schools file has no column {column}", param_hint="--places")
    own = pd.to_numeric(file.frame[column], errors="coerce").astype(float)
    found = {}
    for code in codes:
        members = plan.members(code) if plan is not None else (code,)
        found[code] = asked.places.get(code, sum(asked.places.get(each, own.get(each)) for each in members))
    room = pd.Series(found, dtype=float)
    if room.isna().any():
        raise typer.BadParameter(
            f"no {column} in the schools file for {room.index[room.isna()][0]} ({room.isna().sum():,} in all); "
            "fill it, or write it under [places] in the brief",
            param_hint="--places",
        )
    notes.append(f"Places: {'published admission numbers' if column == 'pan' else column} of the schools file"
                 + (f", but for {len(asked.places):,} in the brief." if asked.places else "."))  # fmt: skip
    return room


def _travel(path, directory, boundaries, file, codes, plan, notes: list[str], kind: str):
    """Areas x catchments: the journey to the nearest of a catchment's schools, and its unit."""
    import numpy as np
    import pandas as pd

    from geoplan.travel import by_matrix, by_straight_line

    members = list(dict.fromkeys(_members(codes, plan)))
    if path is not None:
        from geoplan.io.travel import read_travel

        matrix, unit, of, source = read_travel(path)
        if of not in ("", kind):
            raise typer.BadParameter(f"{path.name} is by {of}; the plan is by {kind}", param_hint="--travel")
        found = by_matrix(matrix, boundaries.codes, pd.Index(members), unit, source)
    else:
        points = _middles(directory, boundaries, kind, notes)
        found = by_straight_line(points, file.frame.loc[members], points=("the area's middle", "the school"))
        lost = sorted(set(members) - set(found.schools))
        if lost:
            raise typer.BadParameter(
                f"school {lost[0]} has no position in the file ({len(lost):,} in all); fill it or give --travel",
                param_hint="--travel",
            )
    notes.extend(found.notes)
    values = pd.DataFrame(found.values, index=found.places, columns=found.schools)
    if found.unit == "m":
        values = values / 1000.0
    table = {}
    for code in codes:
        own = [each for each in (plan.members(code) if plan is not None else (code,)) if each in values]
        table[code] = values[own].min(axis=1) if own else np.nan
    return pd.DataFrame(table, index=boundaries.codes), "km" if found.unit == "m" else "minutes"


def _middles(directory, boundaries, kind: str, notes: list[str]):
    """Where an area's homes are, from public data: the mean of its postcodes, or a point inside it."""
    import pandas as pd

    inside = boundaries.frame.geometry.representative_point()
    points = pd.DataFrame({"easting": inside.x, "northing": inside.y})
    if kind in directory.kinds:
        table = directory.table
        known = table[[kind, "easting", "northing"]].dropna()
        mean = known.groupby(known[kind].astype("str"))[["easting", "northing"]].mean()
        points.update(mean)
        notes.append("The middle of an area is the mean of its postcodes.")
    else:
        notes.append("The middle of an area is a point inside it.")
    return points


def _mix(mix: str, people, counted_by, kind: str):
    """By area: children of the group, and children among whom they are counted."""
    import pandas as pd

    if _is_file(mix):
        from geoplan.io.briefs import read_area_numbers

        _, table, _ = read_area_numbers(mix, needed=("group", "counted"))
        return table
    column, equals, values = mix.partition("=")
    if not equals:
        raise typer.BadParameter(f"{mix!r}: write a column and its values, fsm=yes, or a CSV", param_hint="--mix")
    eligible = people.where(**counted_by) if counted_by and isinstance(counted_by, dict) else people
    wanted = [value.strip() for value in values.split(",")]
    known = eligible.frame[column].notna() & ~eligible.frame[column].astype("str").isin(["", "unknown"])
    counted = eligible.frame[known]
    total = counted.groupby(counted[kind].astype("str")).size()
    group = counted[counted[column].astype("str").isin(wanted)]
    if not len(group):
        raise typer.BadParameter(f"nobody has {mix}", param_hint="--mix")
    of_group = group.groupby(group[kind].astype("str")).size()
    return pd.DataFrame({"group": of_group.reindex(total.index).fillna(0.0), "counted": total}).astype(float)


def _name(code: str, plan, file) -> str:
    members = plan.members(code) if plan is not None else (code,)
    return " and ".join(str(file.frame["name"].get(each, each)) for each in members)


# --- while it is solved -------------------------------------------------------------------------------------


@contextmanager
def solving(what: str, seconds: float) -> Iterator[Callable[[float, float, float], None] | None]:
    """A bar on standard error: time used, and how far the best is from the bound; silent where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    import threading
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=seconds)
        began, stop = time.monotonic(), threading.Event()

        def tick() -> None:
            while not stop.wait(0.5):
                bar.update(task, completed=min(time.monotonic() - began, seconds))

        def told(_: float, best: float, bound: float) -> None:
            words = (
                "no plan yet"
                if best == float("inf")
                else f"gap {100 * max(best - bound, 0) / max(abs(best), 1e-12):.2f}%"
            )
            bar.update(task, description=f"{what}: {words}")

        clock = threading.Thread(target=tick, daemon=True)
        clock.start()
        try:
            yield told
        finally:
            stop.set()
            clock.join()


# --- what comes out -----------------------------------------------------------------------------------------


def _protected(numbers, ground: Ground, found: Design, rule):
    from geoplan.design_tables import protect_design

    earlier, nested = numbers.earlier()
    known = {"noun": ground.noun, "base_name": ground.base_name, "data": ground.data}
    tables = protect_design(
        ground.problem, found, rule, names=ground.names, area_names=ground.boundaries.names.to_dict(),
        earlier=earlier, earlier_nested=nested, step=1 if ground.evidence is None else ground.evidence.rule.round_to,
        **known,
    )  # fmt: skip
    if ground.evidence is not None:
        tables = replace(
            tables, words=f"Worked out from children by area, protected before. {ground.evidence.rule.sentence}"
        )
    return tables, numbers if rule is None else numbers.with_marks(tables.marks)


def _write(outs, numbers, ground, asked, found, tables, traded, name) -> None:
    import pandas as pd

    from geoplan.design_books import design_page, page_facts, workbook_sheets
    from geoplan.io.plans import write_plan

    what = (ground.problem, asked.limits, found, tables, traded)
    made = []
    for path in (path for path in outs if path.suffix != ".csv"):
        facts = page_facts(*what)
        if path.suffix == ".html":
            page = design_page(
                *what, boundaries=ground.boundaries, sites=ground.sites, names=ground.names, title=name,
                notes=ground.notes, sources=ground.sources,
            )  # fmt: skip
            data = page.encode("utf-8")
        else:
            from geoplan.design_books import sentences
            from geoplan.io.workbook_out import about_lines, workbook_bytes

            sheets = workbook_sheets(*what)
            about = [*sentences(*what), *ground.notes]
            data = workbook_bytes(sheets, about, ground.sources, path.name)
            words = pd.DataFrame({"words": [str(line[1]) for line in about_lines(sheets, about, ground.sources)]})
            facts = [*facts, words, *(sheet for sheet in sheets.values() if not hasattr(sheet, "hidden"))]
        check_output(path.name, path.suffix[1:].lower(), data, tables.protected, facts)
        made.append((path, data, facts))
    evidence = [] if ground.evidence is None else [ground.evidence]
    for path, data, facts in made:
        numbers.write(path, data, [*tables.protected, *evidence], facts, tables.nested)
    for path in outs:
        if path.suffix == ".csv":
            write_plan(path, found.plan)


def _print(ground: Ground, asked: Brief, found: Design, tables: DesignTables | None, traded) -> None:
    from geoplan.design_books import RETENTION, sentences
    from geoplan.disclosure import Protected

    if tables is None:
        for line in found.why or (found.summary(),):
            typer.echo(line)
        return
    for sentence in sentences(ground.problem, asked.limits, found, tables, traded):
        typer.echo(sentence)
    typer.echo("")
    table = tables.catchments.table if isinstance(tables.catchments, Protected) else tables.catchments
    columns = {"name": table["name"].to_list(), "places": table["places"].map("{:,.0f}".format).to_list()}
    heads = ["catchment", "places"]
    if "base_count" in table:
        columns["today"] = _cells(tables.catchments, "base_count", "{:,.0f}")
        heads.append("today")
    columns |= {
        "design": _cells(tables.catchments, "count", "{:,.0f}"),
        "full": _cells(tables.catchments, "share", "{:.0%}"),
    }
    import pandas as pd

    frame = pd.DataFrame(columns)
    if table.index.nlevels > 1:
        frame.insert(0, "year", table.index.get_level_values(0))
        heads.insert(0, "year")
    print_table(frame.replace({"nan": ""}), [*heads, "design", "of places"])
    typer.echo("")
    figures = tables.figures
    print_table(figures.reset_index(), ["", *figures.columns])
    for against, curve in traded.items():
        typer.echo("")
        typer.echo(f"Trade-off against {against}:")
        from geoplan.design_books import curve_rows

        rows = curve_rows(ground.problem, curve, against, found.objective)
        print_table(rows, list(rows.columns))
    for note in (*ground.notes, RETENTION):
        typer.echo(note)


def _cells(table, column: str, form: str) -> list[str]:
    from geoplan.disclosure import Protected

    frame = table.table if isinstance(table, Protected) else table
    import pandas as pd

    hidden = table.is_hidden(column) if isinstance(table, Protected) else pd.Series(False, index=frame.index)
    return shown(frame[column], hidden, form)


def _as_json(ground, asked, found, tables, traded) -> dict:
    """The answer as plain values; counts of children are protected ones."""
    from geoplan.design_books import curve_rows, finite, public_figures
    from geoplan.disclosure import Protected

    answer = {
        "status": found.status,
        "objective": dict(found.objective),
        "why": list(found.why),
        **finite({"gap": found.gap, "seconds": found.seconds}),
        "rounds": found.rounds,
        "cuts": found.cuts,
    }
    if tables is None:
        return answer
    from geoplan.cli.reach import rows

    answer |= public_figures(ground.problem, found, tables)
    answer["rule"] = tables.rule.tag if tables.rule is not None else "published counts"
    if ground.evidence is not None:
        answer["rule"] = f"worked out from counts by area: {ground.evidence.rule.tag}"
    for key, table in (("catchments", tables.catchments), ("moves", tables.flows)):
        if table is not None:
            kept = table if isinstance(table, Protected) else table.reset_index()
            answer[key] = rows(kept) if isinstance(kept, Protected) else json.loads(kept.to_json(orient="records"))
    answer["plan"] = found.plan.table.to_dict()
    answer["trade_off"] = {
        against: curve_rows(ground.problem, curve, against, found.objective).to_dict("records")
        for against, curve in traded.items()
    }
    answer["notes"] = ground.notes
    return answer


command.__name__ = "design"
