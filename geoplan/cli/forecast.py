"""``geoplan forecast``: pupils to come by school, cluster and year, each number beside its past error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    print_table,
    project_inputs,
    recording,
    steps,
)

RollsArgument = Annotated[
    list[str], typer.Argument(help="Rolls: files, or names in the project; earlier years may be in files of their own.")
]
LevelOption = Annotated[
    str,
    typer.Option("--level", help='A column of the schools file that groups them; "none" for the whole place alone.'),
]
RegisterOption = Annotated[str, typer.Option("--register", help="Children registered by area and age; a file or name.")]
BirthsOption = Annotated[Path | None, typer.Option("--births", help="Births by area and year; adds up to the place.")]
LinksOption = Annotated[Path | None, typer.Option("--links", help="Links between schools (GIAS), for academies.")]
PlanOption = Annotated[
    str, typer.Option("--plan", help="Catchments in force, by name: whose register each school has.")
]
PublishedOption = Annotated[
    str, typer.Option("--published", help="Where the rolls are published: then they are shown exactly.")
]
HiddenAsOption = Annotated[float | None, typer.Option("--hidden-as", min=0.0, help="What a hidden count stands for.")]
AudienceOption = Annotated[str, typer.Option("--audience", help="public, or internal for exact numbers.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why exact numbers are needed.")]
YearsOption = Annotated[int, typer.Option("--years", min=1, max=7, help="How many years ahead.")]


def command(
    rolls: RollsArgument = ["rolls"],  # noqa: B006
    years: YearsOption = 7,
    level: LevelOption = "cluster",
    register: RegisterOption = "",
    births: BirthsOption = None,
    links: LinksOption = None,
    plan: PlanOption = "",
    other_plan: Annotated[str, typer.Option("--with-plan", help="Another plan: intakes if it were in force.")] = "",
    extra: Annotated[Path | None, typer.Option("--extra", help="Pupils to come from new homes, by school.")] = None,
    option: Annotated[str, typer.Option("--option", help="Which option of --extra.")] = "",
    control: Annotated[
        Path | None, typer.Option("--control", help="Official totals by phase and year that it is brought to.")
    ] = None,
    places: Annotated[Path | None, typer.Option("--places", help="Places added or taken away, by school.")] = None,
    published: PublishedOption = "",
    hidden_as: HiddenAsOption = None,
    audience: AudienceOption = "public",
    reason: ReasonOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast rolls by the methods that did best when tried on the past, up to seven years ahead.

    With -o write the planner's page (.html), a workbook (.xlsx) or the forecast by school (.csv). Rolls are protected
    first, unless they are published figures, and forecasts are worked out from the protected ones.

    Example: geoplan forecast rolls_earlier.csv rolls --register register --plan today -o forecast.html
    """
    from geoplan.forecasts import forecast
    from geoplan.io.forecast_inputs import Given, input_files, protected_material, read_material
    from geoplan.io.project import read_project
    from geoplan.roll_tables import roll_marks

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    given = Given(tuple(rolls), level, register, births, links, plan, published, hidden_as)
    check_targets([out], inputs=[*project_inputs(folder), *input_files(folder, given), extra, control, places])
    with (
        steps("reading", "protecting the numbers", "trying methods on the past", "writing") as step,
        recording(folder.folder, rule_of(folder, audience, reason), writes=out is not None) as numbers,
    ):
        next(step)
        material = read_material(folder, given)
        require_level(material.schools.frame, level)
        numbers = numbers.with_marks(roll_marks(material.rolls, folder.as_at))
        next(step)
        ready = protected_material(folder, material, given, numbers.rule, numbers.earlier()[0])
        next(step)
        made = forecast(ready.history, ready.rolls.places, ready.groups, years=years, notes=ready.notes)
        made, grids, more = with_options(folder, made, material, ready, extra, option, other_plan, numbers.rule)
        if control is not None:
            from geoplan.io.rolls import read_control_totals

            made = made.controlled(read_control_totals(control)[0], f"control to {control.stem.replace('_', ' ')}")
        changes = None
        if places is not None:
            from geoplan.io.rolls import read_places_changes

            changes, _ = read_places_changes(places)
        next(step)
        if out is not None:
            _write(folder, numbers, out, made, material, ready, changes, level, published, (*grids, *more))
            typer.echo(f"wrote {out}", err=True)
    _print(
        made,
        level if level in made.past.groups else made.past.levels[-1],
        as_json,
        1 if published else numbers.rule.round_to,
    )


# --- what forecast and backtest share -------------------------------------------------------------------------


def rule_of(folder, audience: str, reason: str):
    """The rule of the audience; the project's own for the public."""
    from geoplan.disclosure import rule_for

    if audience == "public":
        return folder.rule()
    if audience != "internal":
        raise typer.BadParameter(f"{audience!r}: public or internal", param_hint="--audience")
    try:
        return rule_for(audience, reason=reason)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--reason") from None


def require_level(schools, level: str) -> None:
    """Refuse a level that the schools have no column of; without clusters, the place is all there is."""
    if level not in ("", "none", "cluster", *schools):
        raise typer.BadParameter(
            f"the schools have no column {level!r}; there are {', '.join(map(str, schools))}", param_hint="--level"
        )


# --- options, pages, printing -------------------------------------------------------------------------------


def with_options(folder, made, material, ready, extra, option, other_plan, rule):
    """The forecast with pupils of new homes, and intakes under another plan."""
    from geoplan.forecast_books import recut_grid
    from geoplan.io.forecast_inputs import aged, protected_areas
    from geoplan.spare_places import recut, recut_intakes

    if extra is not None:
        from geoplan.io.rolls import read_extra_pupils

        table, _ = read_extra_pupils(extra, option=option)
        made = made.with_pupils(table, f"housing{', ' + option if option else ''}")
    grids = []
    if other_plan:
        if material.plan is None or material.register is None:
            raise typer.BadParameter("it needs --plan and --register", param_hint="--with-plan")
        other = folder.catchments(other_plan)
        small = aged(protected_areas(folder, material.register, material.plan.kind, rule), made)
        before, after = recut(small, material.plan), recut(small, other)
        step = 1 if ready.rolls.published else rule.round_to
        names = material.schools.frame["name"].to_dict()
        stage = 7 if 7 in made.stages else 0
        grids.append(recut_grid(recut_intakes(made, before, after, stage), stage, step, names))
    return made, grids, []


def _drawn(folder, material, ready, level: str):
    """The areas of the plan and the cluster of each, to draw."""
    plan = material.plan
    if plan is None or level not in ready.groups or plan.kind not in folder.settings.areas:
        return None, None
    return folder.area(plan.kind), plan.table.map(ready.groups[level])


def _write(folder, numbers, out, made, material, ready, changes, level, published, extra) -> None:
    import pandas as pd

    from geoplan.disclosure import Protected
    from geoplan.forecast_books import forecast_book
    from geoplan.io.forecast_inputs import TOP
    from geoplan.io.outputs import table_csv

    frame = material.schools.frame
    boundaries, groups = _drawn(folder, material, ready, level)
    sources = [*material.sources, *([boundaries.source] if boundaries is not None else [])]
    book = forecast_book(
        made, sources, top=TOP, level=level if level in ready.groups else "", names=frame["name"].to_dict(),
        places=frame if {"places", "pan"} & set(frame) else None, changes=changes, boundaries=boundaries,
        area_groups=groups, rule=numbers.rule, printed=ready.printed, published=bool(published), hidden=ready.hidden,
        title=f"Pupils to come: {folder.name}", extra=extra,
    )  # fmt: skip
    if out.suffix == ".html":
        numbers.write_page(out, book)
        return
    if out.suffix == ".xlsx":
        write_sheets(numbers, out, book)
        return
    table = csv_table(made, ready.hidden, 1 if published else numbers.rule.round_to)
    if published:
        numbers.write(out, table_csv(table), book.tables, (*book.worked_out, table))
        return
    content = Protected(table, pd.DataFrame(index=table.index), numbers.rule, "pupils", printed=ready.printed)
    numbers.write(out, table_csv(content), (content,))


def csv_table(made, hidden, step: int):
    """The forecast by school, rolls and year: every number for a program."""
    from geoplan.forecast_books import rounded

    table = rounded(made.table(), step)
    table = table[[not hidden.get(place, False) for place in table["place"]]]
    keys = ["place", "measure", "when"]
    return table.drop(columns=["year", "ahead"]).set_index(keys).rename_axis(index=["school", "rolls", "year"])


def write_sheets(numbers, out: Path, book) -> None:
    """A page's tables as a workbook; its sentences are texts that may stand in it."""
    import pandas as pd

    from geoplan.io.workbook_out import about_lines, workbook_bytes

    sheets, about = book.sheets, [*book.findings, *book.notes, book.protection]
    texts = pd.DataFrame({"text": [str(cell) for line in about_lines(sheets, about, book.sources) for cell in line]})
    data = workbook_bytes(sheets, about, book.sources, out.name)
    numbers.write(out, data, book.tables, (*book.worked_out, texts))


def _print(made, level: str, as_json: bool, step: int) -> None:
    from geoplan.cohorts import year_name
    from geoplan.forecast_books import rounded

    table = rounded(made.table(level), step)
    if as_json:
        plain = table.astype("object").where(table.notna(), None).to_dict(orient="records")
        answer = {"level": level, "rows": plain, "notes": list(made.notes)}
        typer.echo(json.dumps(answer, indent=2, default=float))
        return
    shown = table[table["measure"].isin(["primary", "secondary", "Reception", "Year 7"])]
    last = shown["year"].max()
    shown = shown[shown["year"].isin([made.years[0], last])]
    cells = shown[["place", "measure"]].assign(
        year=shown["year"].map(year_name),
        now=shown["now"].map("{:,.0f}".format),
        forecast=shown["forecast"].map("{:,.0f}".format),
        within=[
            "too few past errors" if low != low else f"{low:,.0f} to {high:,.0f}"
            for low, high in zip(shown["pupils_low"], shown["pupils_high"], strict=True)
        ],
        error=[f"{100 * value:.1f}%" for value in shown["past_error_share"]],
    )
    headings = [level, "rolls", "year", "now", "forecast", "19 in 20 within", "past error"]
    print_table(cells, headings)
    for note in made.notes:
        typer.echo(note)


command.__name__ = "forecast"
