"""``geoplan plan``: catchment plans from files, moves, and what an option does to the people who live in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    project_inputs,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Catchment plans: make, change, check and compare them.\n\n"
    'Example: geoplan plan move today E01016020 --to 900046 --name "Option B" -o option_b.csv\n\n'
    "Example: geoplan plan compare today option_b.csv -o options.html",
)

PlanArgument = Annotated[str, typer.Argument(help="The plan: a file, or its name under [plans] in the project.")]
ToOption = Annotated[str, typer.Option("--to", help="The school that takes them.")]
NameOption = Annotated[str, typer.Option("--name", help="What the new plan is called.")]
KindOption = Annotated[str, typer.Option("--kind", help="The kind of area, where the file does not say: lsoa21.")]
LAYERS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".parquet")
TABLES = (".csv", ".xlsx", ".gz")
NEAREST = "nearest"
POSTCODES, PUPILS = "postcodes", "pupils"


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
    count: Annotated[
        str, typer.Option("--count", help="What a drawing's faults and cut areas are counted in: postcodes or pupils.")
    ] = POSTCODES,
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

    if count not in (POSTCODES, PUPILS):
        raise typer.BadParameter(f"{count!r}: use {POSTCODES} or {PUPILS}", param_hint="--count")
    folder = read_project(project)
    path = None if source == NEAREST else folder.file(source) if folder.has(source) else Path(source)
    _check_out(out, [path, members, *project_inputs(folder)])
    title = name or (path.name.split(".")[0] if path is not None else "Nearest school")
    fit, notes, faults = None, [], None
    if path is None:
        plan = _nearest(folder, kind, phase, title)
    elif path.suffix.lower() in LAYERS:
        plan, fit, notes, faults = _drawn(folder, path, kind, column, layer, title, count)
    else:
        plan, fit = _told(folder, path, kind, column, title)
    if members is not None:
        from geoplan.io.plans import read_members

        plan = plan.with_schools(read_members(members))
    found = [*notes, *([] if faults is None else faults)]
    found += [fit.sentence] if fit is not None and len(fit.split) else []
    problems = plan_problems(folder, plan)
    _write(folder, plan, out)
    if as_json:
        answer = _plan_json(plan, problems) | {"found": found}
        if fit is not None:
            answer["split"] = {
                str(area): {"school": row["school"]}
                | ({"share": round(float(row["share"]), 3)} if count == POSTCODES else {})
                for area, row in fit.split.iterrows()
            }
        typer.echo(json.dumps(answer, indent=2))
    else:
        typer.echo(f"{plan.name}: {len(plan):,} {plan.kind} areas, {len(plan.schools):,} catchments.")
        for sentence in (*found, *problems):
            typer.echo(f"  {sentence}")
    say_written(out)
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
    checked = read_one(folder, plan, kind)
    problems = plan_problems(folder, checked)
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
    streets: Annotated[
        str,
        typer.Option(
            "--streets", help="Streets by postcode (postcode, street, locality): a file, or its name in the project."
        ),
    ] = "",
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """A plan as the text of a notice: each catchment's postcode sectors, whole or in part; with --streets, its streets.

    A street that the lines divide is told in part, with its postcodes. The list of streets is your own (an address
    gazetteer, a list of postcodes with their thoroughfare); what of it could not be used is said.

    Example: geoplan plan text option_a -o notice.txt

    Example: geoplan plan text option_a --streets streets.csv -o notice.txt
    """
    from geoplan.drawn_catchments import sectors_of
    from geoplan.io.project import read_project

    folder = read_project(project)
    listed = None if not streets else folder.file(streets) if folder.has(streets) else Path(streets)
    if out is not None:
        by_ending(out, ".txt", ".csv")
        check_targets([out], inputs=[*project_inputs(folder), *plan_files(folder, [plan]), listed])
    told = read_one(folder, plan, kind)
    if listed is not None:
        _street_text(folder, told, listed, out, as_json)
        return
    sectors = sectors_of(told, directory_for(folder, told.kind))
    if out is not None:
        _write(folder, told, out, sectors)
    if as_json:
        typer.echo(json.dumps(sectors.to_dict("records"), indent=2))
    elif out is None:
        typer.echo(_notice(folder, told, sectors), nl=False)
    say_written(out)


def _street_text(folder, told, path: Path, out: Path | None, as_json: bool) -> None:
    """A plan as streets: the notice, or the table of it."""
    import pandas as pd

    from geoplan.findings import count_reasons
    from geoplan.io.outputs import write_csv, write_text
    from geoplan.io.streets import read_streets
    from geoplan.reasons import reason
    from geoplan.streets import street_notice, streets_of

    streets = read_streets(path, folder.settings.columns.get("streets"))
    directory, names = directory_for(folder, told.kind), _names(folder)
    found = streets_of(told, directory, streets)
    if out is not None and out.suffix.lower() == ".csv":
        called = {
            code: " and ".join(str(names.get(each, each)) for each in told.members(code)) for code in told.schools
        }
        table = found.table.assign(name=found.table["school"].map(called))
        write_csv(out, table[["place", "street", "school", "name", "how", "postcodes", "of", "listed"]])
    elif out is not None:
        write_text(out, street_notice(told, directory, found, pd.Series(names)))
    if as_json:
        answer = {
            "streets": found.table.to_dict("records"),
            "accounts": found.accounts,
            "postcodes_without_street": {str(sector): int(count) for sector, count in found.missing.items()},
        }
        typer.echo(json.dumps(answer, indent=2))
    elif out is None:
        typer.echo(street_notice(told, directory, found, pd.Series(names)), nl=False)
    else:
        for sentence in found.sentences[:-1]:
            typer.echo(sentence)
    for code, count in count_reasons(streets.findings).items():
        typer.echo(f"{path.name}: {count:,} {'row' if count == 1 else 'rows'}: {reason(code).meaning}", err=True)
    say_written(out)


# --- plans -----------------------------------------------------------------------------------------------


def plan_files(folder, names: Sequence[str]) -> list[Path]:
    """The files of plans named by their role or by themselves."""
    return [folder.file(name) if folder.has(name) else Path(name) for name in names]


def read_one(folder, name: str, kind: str):
    """A plan by its role in the project, or from a file."""
    from geoplan.io.plans import read_plan

    if folder.has(name):
        return folder.catchments(name, kind or None)
    plan = read_plan(name, kind or None)
    credit = f"Catchment plan {plan.name}: {folder.name}"
    return replace(plan, source=replace(plan.source, title=f"Catchment plan {plan.name}", attribution=credit))


def _step(project: Path, name: str, kind: str, out: Path | None, as_json: bool, step) -> None:
    """One verb: read, change, say what moved and what to look at, write."""
    from geoplan.catchments import school_changes
    from geoplan.io.project import read_project

    folder = read_project(project)
    _check_out(out, [*project_inputs(folder), *plan_files(folder, [name])])
    before = read_one(folder, name, kind)
    after = step(before, folder)
    moved = after.moved_from(before)
    problems = plan_problems(folder, after)
    _write(folder, after, out)
    if as_json:
        changed = {str(area): {"from": row["before"], "to": row["after"]} for area, row in moved.iterrows()}
        told = {"moved": changed, "changes": school_changes(after, before)}
        typer.echo(json.dumps(_plan_json(after, problems) | told, indent=2))
    else:
        words = [_moved_words(moved), *(f"{change}." for change in school_changes(after, before, _names(folder)))]
        words += [] if problems else ["No problems found."]
        typer.echo(f"{after.name}: {' '.join(words)}")
        for problem in problems:
            typer.echo(f"  {problem}")
    say_written(out)


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
        sectors = sectors_of(plan, directory_for(folder, plan.kind)) if sectors is None else sectors
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


def say_written(path: Path | None) -> None:
    """Say on standard error what was written, and what beside it."""
    if path is None:
        return
    from geoplan.io.plans import schools_beside

    typer.echo(f"wrote {path}", err=True)
    if path.suffix.lower() == ".csv" and schools_beside(path).is_file():
        typer.echo(f"wrote {schools_beside(path)}", err=True)


def plan_problems(folder, plan) -> tuple[str, ...]:
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


def directory_for(folder, kind: str):
    """The project's postcode directory, with codes of a kind that it lacks taken from the project's layer."""
    from geoplan.drawn_catchments import with_codes

    directory = folder.postcodes()
    if kind in directory.kinds or kind not in folder.settings.areas or not directory.has_positions:
        return directory
    return with_codes(directory, folder.area(kind))


def _live(folder, kind: str):
    """Live postcodes with a position and the code of each area."""
    import numpy as np

    directory = directory_for(folder, kind)
    table = directory.table
    if not directory.has_positions:
        raise typer.BadParameter("the postcode directory has no grid references", param_hint="--project")
    if kind not in directory.kinds:
        _layer(folder, kind)
    live = (table["terminated"] == 0).to_numpy() if "terminated" in table else np.ones(len(table), dtype=bool)
    table = table[live & table["easting"].notna().to_numpy()]
    return directory, table, table[kind].astype("object").where(table[kind].notna(), "")


def _pupils(folder, kind: str):
    """Where pupils live, and the code of each one's area."""
    from geoplan.assignment import assign

    if not folder.has("pupils"):
        raise typer.BadParameter("the project names no pupils to count", param_hint="--count")
    layers = folder.areas(kind) if kind in folder.settings.areas else ()
    frame = assign(folder.pupils(), folder.postcodes(), layers).people
    frame = frame[frame["easting"].notna() & frame[kind].notna()]
    return frame[["easting", "northing"]], frame[kind].astype("str")


def _drawn(folder, path: Path, kind: str, column: str, layer: str, name: str, count: str):
    import numpy as np

    from geoplan.drawn_catchments import counted, edge_gaps, fault_sentences, fit_areas, place_in_catchments
    from geoplan.io.plans import read_drawing

    kind = _kind_for(folder, kind)
    points, area = _pupils(folder, kind) if count == PUPILS else _live(folder, kind)[1:]
    rule = folder.rule() if count == PUPILS else None
    drawing = read_drawing(path, layer=layer or None, catchment=column or None, points=points[["easting", "northing"]])
    school = place_in_catchments(drawing.catchments, points["easting"].to_numpy(), points["northing"].to_numpy())
    fit = fit_areas(school, list(area), kind=kind, name=name, noun=count, source=drawing.catchments.source)
    fit, covered, left_out = _only_near(folder, fit, school, area)
    notes = [*(str(note).strip() for note in drawing.notes), *left_out]
    outside = int(((school == "").to_numpy() & np.array([code in covered for code in area])).sum())
    notes += [f"{counted(outside, count, rule)} of these areas are in no catchment"] if outside else []
    faults = drawing.faults
    if kind in folder.settings.areas and covered:
        import pandas as pd
        import shapely

        ground = folder.area(kind).only(sorted(covered)).frame.geometry.to_numpy()
        edge = edge_gaps(drawing.catchments, shapely.union_all(ground), points[["easting", "northing"]])
        faults = pd.concat([faults, edge], ignore_index=True) if len(edge) else faults
        faults = faults.sort_values("square_m", ascending=False, kind="stable", ignore_index=True)
    return fit.plan, fit, notes, fault_sentences(faults, count, rule)


def _only_near(folder, fit, school, area):
    """The fit without areas of other places: those not in the project's layer or, without one, mostly outside."""
    import pandas as pd

    inside = pd.Series(_text_of(school) != "").groupby(_text_of(area)).mean()
    table = fit.plan.table[fit.plan.table != ""]
    if fit.plan.kind in folder.settings.areas:
        kept = table.index.isin(folder.area(fit.plan.kind).codes)
    else:
        kept = inside.reindex(table.index).to_numpy() >= 0.5
    covered = set(table.index[kept])
    weight = float(sum(code in covered for code in area))
    split = fit.split[fit.split.index.isin(covered)]
    notes = [f"{(~kept).sum():,} areas of other places, or mostly outside, are left out"] if not kept.all() else []
    return replace(fit, plan=replace(fit.plan, table=table[kept]), split=split, weight=weight), covered, notes


def _text_of(values):
    """Values as an array of text."""
    import numpy as np

    return np.asarray(list(values), dtype=object).astype(str)


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
    fit, _, _ = _only_near(folder, fit, school, area)
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
