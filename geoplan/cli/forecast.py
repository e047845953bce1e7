"""``geoplan forecast``: pupils to come by school, cluster and year, each number beside its past error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import InternalOption, JsonOption, OutOption, ProjectOption, by_ending, print_table, steps
from geoplan.cli.forecasting import (
    AreaTotalsOption,
    AudienceOption,
    AuthorityOption,
    BirthsOption,
    FeedersOption,
    FlowsOption,
    HiddenAsOption,
    LevelOption,
    LinksOption,
    MovingOption,
    PlanOption,
    PopulationOption,
    PublishedOption,
    ReasonOption,
    RegisterOption,
    RollsArgument,
    TotalsOption,
    YearsOption,
    account_rows,
    given_of,
    plain_rows,
    prepared,
    rule_of,
    with_groundwork,
    write_sheets,
)


def command(
    rolls: RollsArgument = ["rolls"],  # noqa: B006
    years: YearsOption = 7,
    level: LevelOption = "cluster",
    register: RegisterOption = "",
    population: PopulationOption = None,
    births: BirthsOption = None,
    links: LinksOption = None,
    plan: PlanOption = "",
    feeders: FeedersOption = None,
    flows: FlowsOption = None,
    authority: AuthorityOption = "",
    totals: TotalsOption = None,
    area_totals: AreaTotalsOption = None,
    moving: MovingOption = "",
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
    internal: InternalOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast rolls by the methods that did best when tried on the past, up to seven years ahead.

    With -o write the planner's page (.html), a workbook (.xlsx) or the forecast by school (.csv; adjustments of any
    kind are beside it, in .adjustments.csv). Rolls are protected first, unless they are published figures, and
    forecasts are worked out from the protected ones.

    Example: geoplan forecast rolls_earlier.csv rolls --register register --plan today -o forecast.html
    """
    from geoplan.forecasts import forecast
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    rule, out = rule_of(folder, audience, reason, internal, out)
    given = given_of(
        rolls, level, register, births, links, plan, published, hidden_as, feeders, flows, authority, totals,
        area_totals, moving, population,
    )  # fmt: skip
    outs = [out, *([beside(out)] if out is not None and out.suffix == ".csv" else [])]
    with (
        steps("reading", "protecting the numbers", "trying methods on the past", "writing") as step,
        prepared(folder, given, outs, (extra, control, places), rule, step) as ready_made,
    ):
        numbers, material, ready = ready_made
        next(step)
        made = forecast(ready.history, ready.rolls.places, ready.groups, years=years, notes=ready.notes)
        made = with_groundwork(made, ready, numbers.rule)
        made, grids, read = with_options(folder, made, material, ready, extra, option, other_plan, numbers.rule)
        if control is not None:
            from geoplan.io.rolls import read_control_totals

            totals_table, source = read_control_totals(control)
            made = made.controlled(totals_table, f"control to {control.stem.replace('_', ' ')}")
            read.append((source, "Totals that it was brought to"))
        changes = None
        if places is not None:
            from geoplan.io.rolls import read_places_changes

            changes, source = read_places_changes(places)
            read.append((source, "Places added and taken away"))
        material = with_sources(folder, material, read)
        next(step)
        if out is not None:
            _write(folder, numbers, out, made, material, ready, changes, level, published, grids)
            typer.echo(f"wrote {out}", err=True)
    _print(
        made,
        level if level in made.past.groups else made.past.levels[-1],
        as_json,
        1 if published else numbers.rule.round_to,
        _shown_account(made, ready, 1 if published else numbers.rule.round_to),
        grids,
    )


# --- options, pages, printing -------------------------------------------------------------------------------


def with_options(folder, made, material, ready, extra, option, other_plan, rule):
    """The forecast with pupils of new homes, intakes under another plan, and the files read with what they are."""
    from geoplan.forecast_grids import recut_grid
    from geoplan.io.forecast_inputs import aged, protected_areas
    from geoplan.spare_places import intake_of, recut, recut_intakes

    read: list[tuple] = []
    if extra is not None:
        from geoplan.io.rolls import read_extra_pupils

        table, source = read_extra_pupils(extra, option=option)
        read.append((source, "Pupils to come from new homes"))
        made = made.with_pupils(table, f"housing{', ' + option if option else ''}")
    grids = []
    if other_plan:
        if material.plan is None or material.register is None:
            raise typer.BadParameter("it needs --plan and --register or --population", param_hint="--with-plan")
        other = folder.catchments(other_plan)
        small = aged(protected_areas(folder, material.register, material.plan.kind, rule), made)
        before, after = recut(small, material.plan), recut(small, other)
        step = 1 if ready.rolls.published else rule.round_to
        names = material.schools.frame["name"].to_dict()
        stage = intake_of(made, material.plan, other)
        grids.append(recut_grid(recut_intakes(made, before, after, stage), stage, step, names, ready.hidden))
    return made, grids, read


def with_sources(folder, material, read):
    """The material with the files of further options among its sources, invented where the project is."""
    from geoplan.io.forecast_inputs import own_source

    return replace(material, sources=(*material.sources, *(own_source(folder, *each) for each in read)))


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
        _write_account(numbers, out, made, ready, published)
        return
    content = Protected(table, pd.DataFrame(index=table.index), numbers.rule, "pupils", printed=ready.printed)
    numbers.write(out, table_csv(content), (content,))
    _write_account(numbers, out, made, ready, published)


def beside(out: Path) -> Path:
    """The file of adjustments beside a table of a forecast."""
    return out.with_suffix(".adjustments.csv")


def _write_account(numbers, out: Path, made, ready, published) -> None:
    """Every adjustment, beside the table; no file where there is none."""
    import pandas as pd

    from geoplan.disclosure import Protected
    from geoplan.io.outputs import table_csv

    rows = _shown_account(made, ready, 1 if published else numbers.rule.round_to)
    if not len(rows):
        return
    table = rows.set_index(["why", "place", "year", "of"])
    if published:
        numbers.write(beside(out), table_csv(table), (), (table,))
    else:
        content = Protected(table, pd.DataFrame(index=table.index), numbers.rule, "pupils", printed=ready.printed)
        numbers.write(beside(out), table_csv(content), (content,))
    typer.echo(f"wrote {beside(out)}", err=True)


def _shown_account(made, ready, step: int):
    """Adjustments that may be printed: none of a school with a hidden year group now."""
    account = made.account
    hidden = account["place"].isin([place for place, gone in ready.hidden.items() if gone])
    return account_rows(account[~hidden], step)


def csv_table(made, hidden, step: int):
    """The forecast by school, rolls and year: every number for a program."""
    from geoplan.forecast_grids import rounded

    table = rounded(made.table(), step)
    table = table[[not hidden.get(place, False) for place in table["place"]]]
    keys = ["place", "measure", "when"]
    return table.drop(columns=["year", "ahead"]).set_index(keys).rename_axis(index=["school", "rolls", "year"])


def _print(made, level: str, as_json: bool, step: int, account, grids) -> None:
    from geoplan.cohorts import year_name
    from geoplan.forecast_grids import rounded

    table = rounded(made.table(level), step)
    if as_json:
        answer = {"level": level, "rows": plain_rows(table), "adjustments": plain_rows(account)}
        answer["notes"] = list(made.notes)
        for grid in grids:
            answer["with_plan"] = {"intake": grid.title, "note": grid.note, "rows": plain_rows(grid.frame)}
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
    for grid in grids:
        ends = grid.frame["when"].isin([year_name(made.years[0]), year_name(made.years[-1])])
        typer.echo(f"{grid.title}. {grid.note}")
        print_table(replace(grid, frame=grid.frame[ends]).printed, grid.heads)
    for note in made.notes:
        typer.echo(note)


command.__name__ = "forecast"
