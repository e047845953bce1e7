"""``geoplan plan``: catchment plans from files, moves, and what an option does to the people who live in it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    shown,
    steps,
)
from geoplan.cli.reach import base_words, conditions_of, rows

app = typer.Typer(no_args_is_help=True, help="Catchment plans: make, change, check and compare them.")

PlanArgument = Annotated[str, typer.Argument(help="The plan: a file, or its name under [plans] in the project.")]
ToOption = Annotated[str, typer.Option("--to", help="The school that takes them.")]
NameOption = Annotated[str, typer.Option("--name", help="What the new plan is called.")]
KindOption = Annotated[str, typer.Option("--kind", help="The kind of area, where the file does not say: lsoa21.")]
LAYERS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".parquet")
TABLES = (".csv", ".xlsx", ".gz")
NEAREST = "nearest"
_YEARS = ["N1", "N2", "R", *map(str, range(1, 15))]


@app.command("from")
def from_(
    source: Annotated[
        str,
        typer.Argument(help="Outlines (.gpkg, .geojson ...), a table of areas, postcodes or sectors, or: nearest."),
    ],
    kind: KindOption = "",
    column: Annotated[str, typer.Option("--column", help="The column that names the catchment.")] = "",
    layer: Annotated[str, typer.Option("--layer", help="The layer, where the file has several.")] = "",
    members: Annotated[
        Path | None, typer.Option("--members", help="Which schools a catchment is of: catchment,school.")
    ] = None,
    phase: Annotated[str, typer.Option("--phase", help="For nearest: only schools of this phase.")] = "",
    name: NameOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a plan of areas from drawn catchments, postcodes, sectors, or the nearest school.

    Says what is wrong with a drawing (gaps, overlaps and slivers in square metres and postcodes), and which areas its
    lines split. Exit code 1 if anything was found.

    Example: geoplan plan from catchments.gpkg --kind lsoa21 -o today.csv
    """
    from geoplan.io.project import read_project

    folder = read_project(project)
    path = None if source == NEAREST else folder.file(source) if folder.has(source) else Path(source)
    _check_out(out, [path, members, *project_inputs(folder)])
    title = name or (path.name.split(".")[0] if path is not None else "Nearest school")
    fit, notes, faults = None, [], None
    if path is None:
        plan = _nearest(folder, kind, phase, title)
    elif path.suffix.lower() in LAYERS:
        plan, fit, notes, faults = _drawn(folder, path, kind, column, layer, title)
    else:
        plan, fit = _told(folder, path, kind, column, title)
    if members is not None:
        from geoplan.io.plans import read_members

        plan = plan.with_schools(read_members(members))
    found = [*notes, *([] if faults is None else faults)]
    found += [fit.sentence] if fit is not None and len(fit.split) else []
    problems = _problems(folder, plan)
    _write(folder, plan, out)
    if as_json:
        answer = _plan_json(plan, problems) | {"found": found}
        if fit is not None:
            answer["split"] = {
                str(area): {"school": row["school"], "share": round(float(row["share"]), 3)}
                for area, row in fit.split.iterrows()
            }
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo(f"{plan.name}: {len(plan):,} {plan.kind} areas, {len(plan.schools):,} catchments.")
        for sentence in (*found, *problems):
            typer.echo(f"  {sentence}")
    _wrote(out)
    raise typer.Exit(1 if found or problems else 0)


@app.command()
def move(
    plan: PlanArgument,
    areas: Annotated[list[str], typer.Argument(help="The areas that move.")],
    to: ToOption,
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give areas to another school.

    Example: geoplan plan move today E01016020 E01016021 --to 900046 --name "Option B" -o option-b.csv
    """
    _step(project, plan, kind, out, as_json, lambda before, _: before.move(areas, to, name or None))


@app.command()
def close(
    plan: PlanArgument,
    school: Annotated[str, typer.Argument(help="The school that closes.")],
    to: Annotated[
        str, typer.Option("--to", help="The school that takes its areas; the nearest left if not given.")
    ] = "",
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a school; exactly its areas move, to one school or each to its nearest.

    Example: geoplan plan close today 900050 -o option-c.csv
    """

    def step(before, folder):
        return before.close(school, to or _nearest_left(folder, before, school), name or None)

    _step(project, plan, kind, out, as_json, step)


@app.command("open")
def open_(
    plan: PlanArgument,
    school: Annotated[str, typer.Argument(help="The school that opens.")],
    areas: Annotated[list[str], typer.Argument(help="Its areas.")],
    places: Annotated[int, typer.Option("--places", min=0, help="Its places.")] = 0,
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a school with some areas and places.

    Example: geoplan plan open today NEW1 E01016020 E01016021 --places 900 -o option-d.csv
    """
    _step(project, plan, kind, out, as_json, lambda before, _: before.open(school, areas, places, name or None))


@app.command()
def merge(
    plan: PlanArgument,
    schools: Annotated[list[str], typer.Argument(help="The schools that become one.")],
    into: Annotated[str, typer.Option("--into", help="The school that stays, or a new one.")],
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Amalgamate schools: all their areas go to one.

    Example: geoplan plan merge today 900043 900044 --into 900043 -o option-e.csv
    """
    _step(project, plan, kind, out, as_json, lambda before, _: before.merge(schools, into, name or None))


@app.command()
def expand(
    plan: PlanArgument,
    school: Annotated[str, typer.Argument(help="The school.")],
    places: Annotated[int, typer.Option("--places", help="Places more; below 0 for fewer.")],
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add places to a school, or take them away.

    Example: geoplan plan expand today 900043 --places 150 -o option-f.csv
    """
    _step(project, plan, kind, out, as_json, lambda before, _: before.expand(school, places, name or None))


@app.command()
def ages(
    plan: PlanArgument,
    school: Annotated[str, typer.Argument(help="The school.")],
    lowest: Annotated[str, typer.Option("--from", help="First year group taught (R, 1 ...).")],
    highest: Annotated[str, typer.Option("--to", help="Last year group taught.")],
    name: NameOption = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the year groups that a school teaches.

    Example: geoplan plan ages today 900043 --from 7 --to 13 -o option-g.csv
    """
    _step(
        project, plan, kind, out, as_json,
        lambda before, _: before.change_age_range(school, lowest, highest, name or None),
    )  # fmt: skip


@app.command()
def check(
    plan: PlanArgument,
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    as_json: JsonOption = False,
) -> None:
    """Look for islands, areas without a school, shared catchments, and codes that the data do not have.

    Exit code 0 if there is nothing to look at, 1 otherwise.

    Example: geoplan plan check option_a
    """
    from geoplan.io.project import read_project

    folder = read_project(project)
    checked = _plan(folder, plan, kind)
    problems = _problems(folder, checked)
    if as_json:
        typer.echo(json.dumps(_plan_json(checked, problems), indent=2))
    else:
        typer.echo(f"{checked.name}: {len(checked):,} {checked.kind} areas, {len(checked.schools):,} catchments.")
        for problem in problems:
            typer.echo(f"  {problem}")
        if not problems:
            typer.echo("No problems found.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def text(
    plan: PlanArgument,
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """A plan as the text of a notice: each catchment's postcode sectors, whole or in part.

    Example: geoplan plan text option_a -o notice.txt
    """
    from geoplan.drawn_catchments import sectors_of
    from geoplan.io.project import read_project

    folder = read_project(project)
    if out is not None:
        by_ending(out, ".txt", ".csv")
        check_targets([out], inputs=[*project_inputs(folder), *_files(folder, [plan])])
    told = _plan(folder, plan, kind)
    sectors = sectors_of(told, folder.postcodes())
    if out is not None:
        _write(folder, told, out, sectors)
    if as_json:
        typer.echo(json.dumps(sectors.to_dict("records"), indent=2))
    elif out is None:
        typer.echo(_notice(folder, told, sectors), nl=False)
    _wrote(out)


@app.command()
def compare(
    today: PlanArgument,
    options: Annotated[list[str], typer.Argument(help="The options: files, or names under [plans].")],
    base: Annotated[
        str,
        typer.Option(
            "--base", help="Whom to count: all, year_group=5,6; the years of the plan's schools if not given."
        ),
    ] = "",
    idaci: Annotated[Path | None, typer.Option("--idaci", help="Areas with idaci_quintile, _decile, _rank.")] = None,
    household: Annotated[
        str, typer.Option("--household", help="Header of the pupils file that brothers and sisters share.")
    ] = "",
    groups: Annotated[
        list[str], typer.Option("--groups", help="A kind of area (ward24) to see what is split; again for more.")
    ] = [],  # noqa: B006
    forecast: Annotated[Path | None, typer.Option("--forecast", help="Children expected by area and year.")] = None,
    applications: Annotated[
        str, typer.Option("--applications", help="A file of applications, or its name in the project.")
    ] = "",
    entry: Annotated[int, typer.Option("--entry", help="First September concerned; for the calendar.")] = 0,
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the report for an adjudicator (.html or .pdf).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What each option does to the people who live in it, against the first plan.

    With -o write the page to compare them on (.html), a workbook (.xlsx) or the summary (.csv). Small numbers are
    hidden (shown as c) and the others rounded.

    Example: geoplan plan compare today option_a option_b -o options.html --report report.html
    """
    from geoplan.io.project import read_project
    from geoplan.plan_tables import plan_marks, protect_options

    folder = read_project(project)
    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    if report is not None:
        by_ending(report, ".html", ".pdf")
    given = [idaci, forecast, Path(applications) if applications and not folder.has(applications) else None]
    check_targets([out, report], inputs=[*project_inputs(folder), *_files(folder, [today, *options]), *given])
    plans = _titled([_plan(folder, name, kind) for name in (today, *options)])
    pupils, schools, layers = _people(folder, next(iter(plans.values())).kind, household)
    writes = out is not None or report is not None
    with (
        steps("counting", "protecting the numbers", "writing") as step,
        recording(folder.folder, folder.rule(), writes=writes) as numbers,
    ):
        next(step)
        residents, who, sources = _residents(plans, pupils, schools, base, idaci, household)
        next(step)
        numbers = numbers.with_marks(plan_marks(residents, who, folder.as_at))
        printed, nested = numbers.earlier()
        frame = schools.frame
        tables = protect_options(
            plans, residents, numbers.rule, base_name=who,
            sites=frame[["easting", "northing"]] if {"easting", "northing"} <= set(frame) else None,
            places=frame["places"].astype("Float64").astype(float) if "places" in frame else None,
            data=folder.as_at, earlier=printed, earlier_nested=nested,
        )  # fmt: skip
        facts = _facts(folder, tables, pupils, schools, layers, sources, groups, forecast, applications, entry)
        next(step)
        _write_comparison(numbers, tables, facts, out, report)
    if as_json:
        typer.echo(json.dumps(_comparison_json(tables, facts), indent=2))
    else:
        _print_comparison(tables, facts)
    for path in (out, report):
        _wrote(path)


# --- plans -----------------------------------------------------------------------------------------------


def _files(folder, names: Sequence[str]) -> list[Path]:
    return [folder.file(name) if folder.has(name) else Path(name) for name in names]


def _plan(folder, name: str, kind: str):
    """A plan by its role in the project, or from a file."""
    from geoplan.io.plans import read_plan

    if folder.has(name):
        return folder.catchments(name, kind or None)
    return read_plan(name, kind or None)


def _titled(plans: Sequence) -> dict:
    """Plans by what they are called on the page: two never have one title."""
    titles: dict[str, object] = {}
    for plan in plans:
        title = plan.name.removeprefix("Catchments, ").replace("_", " ")
        title = re.sub(r"^[a-z]|\b[a-z]$", lambda letter: letter[0].upper(), title)
        while title in titles:
            title += " (2)"
        titles[title] = plan
    return titles


def _step(project: Path, name: str, kind: str, out: Path | None, as_json: bool, step) -> None:
    """One verb: read, change, say what moved and what to look at, write."""
    from geoplan.io.project import read_project

    folder = read_project(project)
    _check_out(out, [*project_inputs(folder), *_files(folder, [name])])
    before = _plan(folder, name, kind)
    after = step(before, folder)
    moved = after.moved_from(before)
    problems = _problems(folder, after)
    _write(folder, after, out)
    if as_json:
        changed = {str(area): {"from": row["before"], "to": row["after"]} for area, row in moved.iterrows()}
        typer.echo(json.dumps(_plan_json(after, problems) | {"moved": changed}, indent=2))
    else:
        typer.echo(f"{after.name}: {_moved_words(moved)}{' No problems found.' if not problems else ''}")
        for problem in problems:
            typer.echo(f"  {problem}")
    _wrote(out)


def _moved_words(moved) -> str:
    if not len(moved):
        return "no areas move."
    pairs = moved.groupby(["before", "after"]).size()
    told = [
        f"{count:,} area{'' if count == 1 else 's'} move{'s' if count == 1 else ''} from {a or 'no school'} "
        f"to {b or 'no school'}"
        for (a, b), count in pairs.items()
    ]
    return "; ".join(told) + "."


def _check_out(out: Path | None, inputs: Sequence[Path | None]) -> None:
    if out is not None:
        by_ending(out, ".csv", ".gpkg", ".txt")
        check_targets([out], inputs=inputs)


def _write(folder, plan, out: Path | None, sectors=None) -> None:
    """A plan in the form that the file's ending says."""
    if out is None:
        return
    from geoplan.drawn_catchments import sectors_of
    from geoplan.io.outputs import write_csv, write_text
    from geoplan.io.plans import write_plan, write_plan_layer

    if sectors is not None and out.suffix.lower() == ".csv":
        write_csv(out, sectors.round({"share": 3}))
    elif out.suffix.lower() == ".csv":
        write_plan(out, plan)
    elif out.suffix.lower() == ".gpkg":
        write_plan_layer(out, plan, _layer(folder, plan.kind), _names(folder))
    else:
        sectors = sectors_of(plan, folder.postcodes()) if sectors is None else sectors
        write_text(out, _notice(folder, plan, sectors))


def _notice(folder, plan, sectors) -> str:
    import pandas as pd

    from geoplan.drawn_catchments import notice_text

    return notice_text(plan, sectors, pd.Series(_names(folder)))


def _names(folder) -> dict[str, str]:
    return folder.schools().frame["name"].to_dict() if folder.has("schools") else {}


def _layer(folder, kind: str):
    if kind not in folder.settings.areas:
        raise typer.BadParameter(
            f"the project has no {kind} areas to draw; name them under [areas]", param_hint="--project"
        )
    return folder.area(kind)


def _wrote(path: Path | None) -> None:
    if path is None:
        return
    from geoplan.io.plans import schools_beside

    typer.echo(f"wrote {path}", err=True)
    if path.suffix.lower() == ".csv" and schools_beside(path).is_file():
        typer.echo(f"wrote {schools_beside(path)}", err=True)


def _problems(folder, plan) -> tuple[str, ...]:
    """What should be looked at, as far as the project knows areas and schools."""
    drawn = folder.area(plan.kind) if plan.kind in folder.settings.areas else None
    register = folder.schools().frame.index if folder.has("schools") else None
    found = plan.problems(
        drawn.neighbours() if drawn is not None else None, drawn.codes if drawn is not None else None,
        [str(code) for code in register] if register is not None else None,
    )  # fmt: skip
    return tuple(str(problem) for problem in found)


def _plan_json(plan, problems: Sequence[str]) -> dict:
    return {
        "plan": plan.name,
        "kind": plan.kind,
        "areas": len(plan),
        "catchments": {code: len(plan.areas_of(code)) for code in plan.schools},
        "problems": list(problems),
    }


# --- from ------------------------------------------------------------------------------------------------


def _kind_for(folder, kind: str) -> str:
    """The kind of area that a drawing is fitted to: the one said, or the project's first."""
    if kind:
        return kind
    kinds = list(folder.settings.areas)
    if not kinds:
        raise typer.BadParameter("say which areas the plan is to be of: --kind lsoa21", param_hint="--kind")
    return kinds[0]


def _live(folder, kind: str):
    """Live postcodes with a position and the code of each area."""
    import numpy as np

    directory = folder.postcodes()
    table = directory.table
    if not directory.has_positions:
        raise typer.BadParameter("the postcode directory has no grid references", param_hint="--project")
    live = (table["terminated"] == 0).to_numpy() if "terminated" in table else np.ones(len(table), dtype=bool)
    table = table[live & table["easting"].notna().to_numpy()]
    if kind in directory.kinds:
        return directory, table, table[kind].astype("object").where(table[kind].notna(), "")
    located = _layer(folder, kind)
    at = located.locate(table["easting"].to_numpy(), table["northing"].to_numpy()).position
    return directory, table, np.append(located.codes.to_numpy(), "")[at]


def _drawn(folder, path: Path, kind: str, column: str, layer: str, name: str):
    from geoplan.drawn_catchments import fault_sentences, fit_areas, place_in_catchments
    from geoplan.io.plans import read_drawing

    kind = _kind_for(folder, kind)
    _, table, area = _live(folder, kind)
    drawing = read_drawing(path, layer=layer or None, catchment=column or None, points=table[["easting", "northing"]])
    school = place_in_catchments(drawing.catchments, table["easting"].to_numpy(), table["northing"].to_numpy())
    fit = fit_areas(school, list(area), kind=kind, name=name, source=drawing.catchments.source)
    fit, covered = _only_near(fit, area)
    notes = [str(note).strip() for note in drawing.notes]
    outside = int(((school == "") & [code in covered for code in area]).sum())
    notes += [f"{outside:,} postcodes of these areas are in no catchment"] if outside else []
    return fit.plan, fit, notes, fault_sentences(drawing.faults, "postcodes")


def _only_near(fit, area):
    """Without the areas of the directory that no catchment touches: those of other places."""
    from dataclasses import replace

    table = fit.plan.table[fit.plan.table != ""]
    covered = set(table.index)
    weight = float(sum(code in covered for code in area))
    split = fit.split[fit.split.index.isin(covered)]
    return replace(fit, plan=replace(fit.plan, table=table), split=split, weight=weight), covered


def _told(folder, path: Path, kind: str, column: str, name: str):
    """A table: of areas, or of postcodes and sectors."""
    from geoplan.drawn_catchments import fit_areas, postcodes_to_schools
    from geoplan.errors import InputRefused
    from geoplan.io.plans import read_places, read_plan

    try:
        told, source = read_places(path, school=column or None)
    except InputRefused as refused:
        if not any(problem.code == "column_missing" for problem in refused.problems):
            raise
        return read_plan(path, kind or None, school=column or None, name=name), None
    kind = _kind_for(folder, kind)
    directory, table, area = _live(folder, kind)
    placed = postcodes_to_schools(told, directory, path.name)
    school = placed.set_index("postcode")["school"].reindex(table["postcode"].astype("str")).fillna("").to_numpy()
    fit = fit_areas(school, list(area), kind=kind, name=name, source=source)
    fit, _ = _only_near(fit, area)
    return fit.plan, fit


def _travel(folder, kind: str, codes: Sequence[str]):
    """Straight-line metres from the middle of each area's postcodes to each school."""
    import pandas as pd

    from geoplan.distances import straight_line_table_m

    _, table, area = _live(folder, kind)
    middle = table[["easting", "northing"]].groupby(pd.Series(list(area), index=table.index)).mean()
    middle = middle[middle.index != ""]
    if kind in folder.settings.areas:
        middle = middle[middle.index.isin(folder.area(kind).codes)]
    sites = folder.schools().frame.loc[list(codes), ["easting", "northing"]].dropna()
    metres = straight_line_table_m(
        middle["easting"], middle["northing"], sites["easting"].astype(float), sites["northing"].astype(float)
    )
    return pd.DataFrame(metres, index=middle.index.astype("str"), columns=sites.index.astype("str"))


def _nearest(folder, kind: str, phase: str, name: str):
    from geoplan.catchments import nearest_plan

    schools = folder.schools().frame
    if phase:
        known = schools["phase"].astype("str") if "phase" in schools else None
        if known is None or not (known.str.casefold() == phase.casefold()).any():
            there = ", ".join(sorted(set(known))) if known is not None else "none"
            raise typer.BadParameter(f"no school is of phase {phase!r}; there are {there}", param_hint="--phase")
        schools = schools[known.str.casefold() == phase.casefold()]
    kind = _kind_for(folder, kind)
    return nearest_plan(_travel(folder, kind, list(schools.index)), kind, name)


def _nearest_left(folder, plan, school: str) -> dict[str, str]:
    """For each area of a school that closes, the nearest of the schools left."""
    left = [code for code in plan.schools if code != school]
    single = [code for code in left if len(plan.members(code)) == 1 and code in folder.schools().frame.index]
    if not single:
        raise typer.BadParameter("no other school of the plan has a position: say --to", param_hint="--to")
    metres = _travel(folder, plan.kind, single)
    own = [area for area in plan.areas_of(school) if area in metres.index]
    return metres.loc[own].idxmin(axis=1).to_dict()


# --- compare ---------------------------------------------------------------------------------------------


def _people(folder, kind: str, household: str):
    """The pupils placed in areas of the plans' kind, with the household where it is wanted."""
    from geoplan.assignment import assign

    if not household and kind in list(folder.settings.areas)[:1]:
        return load_people(folder)
    schools = folder.schools()
    pupils = folder.pupils(schools=schools, keep=(household,) if household else ())
    layers = folder.areas(kind) if kind in folder.settings.areas else ()
    return assign(pupils, folder.postcodes(), layers, folder.segments()), schools, layers


def _residents(plans, pupils, schools, base: str, idaci: Path | None, household: str):
    from geoplan.effects import residents_of
    from geoplan.io.plans import read_quintiles

    sources = list(pupils.sources)
    conditions = conditions_of(base) if base else _years(plans, schools, pupils)
    if isinstance(conditions, Path):
        raise typer.BadParameter("a plan is compared for pupils: all, or year_group=7,8", param_hint="--base")
    people = pupils.where(**conditions) if conditions else pupils
    kind, fifths = "", None
    if idaci is not None:
        kind, fifths, source = read_quintiles(idaci)
        sources.append(source)
    plan = next(iter(plans.values()))
    residents = residents_of(people, plan.kind, household=household, idaci=fifths, idaci_kind=kind)
    sources += [plan.source for plan in plans.values()]
    return residents, _base_words(pupils.noun, conditions), sources


def _base_words(noun: str, conditions: dict[str, list[str]]) -> str:
    """The base in words; years in a row are told by their ends.

    Examples
    --------
    >>> _base_words("pupils", {"year_group": ["R", "1", "2"]}), _base_words("pupils", {"year_group": ["7"]})
    ('pupils in years R to 2', 'pupils in year 7')
    """
    years = conditions.get("year_group", [])
    if list(conditions) != ["year_group"] or not set(years) <= set(_YEARS):
        return base_words(noun, conditions)
    at = [_YEARS.index(year) for year in years]
    if len(years) == 1:
        return f"{noun} in year {years[0]}"
    if at == list(range(at[0], at[0] + len(at))):
        return f"{noun} in years {years[0]} to {years[-1]}"
    return f"{noun} in years {', '.join(years)}"


def _years(plans, schools, pupils) -> dict[str, list[str]]:
    """The year groups that the plans' schools teach; all, where the schools file does not say."""
    frame = schools.frame
    order = _YEARS
    if not {"lowest_year", "highest_year"} <= set(frame) or "year_group" not in pupils.frame:
        return {}
    years: set[str] = set()
    for plan in plans.values():
        for code in plan.schools:
            for member in plan.members(code):
                change = plan.changes.get(member)
                low, high = (frame[name].get(member, "unknown") for name in ("lowest_year", "highest_year"))
                low = change.lowest_year if change is not None and change.lowest_year else low
                high = change.highest_year if change is not None and change.highest_year else high
                if low in order and high in order:
                    years |= set(order[order.index(low) : order.index(high) + 1])
    held = set(pupils.frame["year_group"].astype("str"))
    wanted = [year for year in order if year in years & held and not (year.isdigit() and int(year) > 11)]
    return {"year_group": wanted} if wanted else {}


def _facts(folder, tables, pupils, schools, layers, sources, groups, forecast, applications, entry):
    import pandas as pd

    from geoplan.drawn_catchments import lookup_table
    from geoplan.io.plans import read_expected
    from geoplan.plan_books import OptionFacts
    from geoplan.sources import unique_sources

    plan = next(iter(tables.plans.values()))
    directory = folder.postcodes()
    drawn = next((layer for layer in layers if layer.kind == plan.kind), None)
    lookups = {}
    for kind in groups:
        if kind not in directory.kinds or plan.kind not in directory.kinds:
            raise typer.BadParameter(
                f"the postcode directory has no {kind} by {plan.kind}; it has {', '.join(directory.kinds)}",
                param_hint="--groups",
            )
        pairs = directory.table[[plan.kind, kind]].dropna().astype("str")
        lookups[kind] = pairs.groupby(plan.kind)[kind].agg(lambda codes: codes.value_counts().index[0])
    expected = None
    if forecast is not None:
        expected, source = read_expected(forecast, plan.kind)
        sources = [*sources, source]
    preferences = None
    if applications:
        preferences = _preferences(folder, applications, plan, tables, schools)
    scheme = pupils.segmentation
    phases = schools.frame["phase"] if "phase" in schools.frame else pd.Series(dtype="str")
    own = {str(phases.get(code, "")).casefold() for code in plan.schools}
    return OptionFacts(
        schools=schools.frame, sources=tuple(unique_sources(sources)), schools_source=schools.source, boundaries=drawn,
        look_up=lookup_table(dict(tables.plans), directory) if plan.kind in directory.kinds else None,
        groups=lookups,
        segment_names={} if scheme is None else {code: scheme.name(code) for code in scheme.segments},
        forecast=expected, preferences=preferences,
        problems={title: _problems(folder, each) for title, each in tables.plans.items()},
        entry_year=entry, phase="secondary" if any("secondary" in name for name in own) else "primary",
    )  # fmt: skip


def _preferences(folder, name: str, plan, tables, schools):
    from geoplan.assignment import assign
    from geoplan.io.people import read_applications
    from geoplan.plan_tables import protect_preferences

    path = folder.file(name) if folder.has(name) else Path(name)
    people = read_applications(path, schools)
    layers = folder.areas(plan.kind) if plan.kind in folder.settings.areas else ()
    placed = assign(people, folder.postcodes(), layers)
    return protect_preferences(plan, placed, tables.rule, data=f"{path.stem}; {folder.as_at}")


def _write_comparison(numbers, tables, facts, out: Path | None, report: Path | None) -> None:
    from geoplan.io.outputs import table_csv
    from geoplan.io.workbook_out import workbook_bytes
    from geoplan.plan_books import finding, notes, options_book, options_report, report_sheets
    from geoplan.reach_tables import few_decimals

    if out is not None and out.suffix.lower() == ".html":
        _write_page(numbers, out, options_book(tables, facts), tables.nested)
    elif out is not None:
        sheets = report_sheets(tables, facts)
        sheets = {name: few_decimals(table) if hasattr(table, "hidden") else table for name, table in sheets.items()}
        if out.suffix.lower() == ".csv":
            numbers.write(out, table_csv(sheets["Summary"]), [sheets["Summary"]], nested=tables.nested)
        else:
            about = [finding(tables), *notes(tables, facts)]
            shown_, public = _apart(sheets)
            data = workbook_bytes(sheets, about, facts.sources, out.name)
            numbers.write(out, data, shown_, [*public, *_words(sheets, about, facts.sources)], tables.nested)
    if report is not None:
        page = options_report(tables, facts)
        if report.suffix.lower() == ".html":
            _write_page(numbers, report, page, tables.nested)
        else:
            from geoplan.io.pdf_out import pdf_bytes
            from geoplan.io.releases import facts_in, tables_in

            numbers.write(report, pdf_bytes(page), tables_in(page), facts_in(page), tables.nested)


def _write_page(numbers, path: Path, book, nested) -> None:
    from geoplan.io.releases import facts_in, tables_in

    numbers.write(path, book.to_html().encode("utf-8"), tables_in(book), facts_in(book), nested)


def _apart(sheets) -> tuple[list, list]:
    protected = [table for table in sheets.values() if hasattr(table, "hidden")]
    return protected, [table for table in sheets.values() if not hasattr(table, "hidden")]


def _words(sheets, about, sources) -> list:
    import pandas as pd

    from geoplan.io.workbook_out import about_lines

    return [pd.DataFrame(about_lines(sheets, about, sources), columns=["part", "text"])]


def _print_comparison(tables, facts) -> None:
    import pandas as pd

    from geoplan.plan_books import most_sentences, option_sentence

    summary = tables.summary
    typer.echo(f"Against {tables.titles[0]}, of {tables.base_name}:")
    for option in tables.options:
        typer.echo(option_sentence(tables, option))
    forms = {
        "moves": ("change school", "{:,.0f}"), "median_m": ("median m", "{:,.0f}"), "p90_m": ("p90 m", "{:,.0f}"),
        "over_2_miles": ("over 2 miles", "{:,.0f}"), "over_3_miles": ("over 3 miles", "{:,.0f}"),
        "unfilled": ("unfilled", "{:,.0f}"), "beyond": ("beyond places", "{:,.0f}"),
    }  # fmt: skip
    known = {name: form for name, form in forms.items() if name in summary.table}
    cells = {"plan": list(summary.table.index)}
    for name, (heading, form) in known.items():
        cells[heading] = shown(summary.table[name], summary.hidden[name], form)
    print_table(pd.DataFrame(cells), list(cells))
    for sentence in most_sentences(tables, facts):
        typer.echo(sentence)
    for what, why in tables.left_out.items():
        typer.echo(f"Not shown: {what} ({why}).")


def _comparison_json(tables, facts) -> dict:
    answer = {
        "today": tables.titles[0],
        "base": tables.base_name,
        "rule": tables.rule.tag,
        "summary": rows(tables.summary),
        "residents": rows(tables.residents),
        "options": {},
        "problems": {title: list(found) for title, found in facts.problems.items()},
        "left_out": dict(tables.left_out),
    }
    for option in tables.options:
        answer["options"][option] = {
            "flows": rows(tables.flows[option]),
            "who": {name: rows(table) for (title, name), table in tables.who.items() if title == option},
        }
    for name in ("mix", "distance", "retention", "feeders"):
        if getattr(tables, name) is not None:
            answer[name] = rows(getattr(tables, name))
    return answer
