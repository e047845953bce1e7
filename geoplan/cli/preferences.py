"""``geoplan preferences``: who gets the school named first, and who names or gets the nearest."""

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
    shown,
    steps,
)
from geoplan.cli.reach import kinds_of, rows, sheet_title, write_workbook


def command(
    applications: Annotated[Path, typer.Argument(help="Applications: postcode, preference_1 ..., offer.")],
    by: Annotated[
        list[str],
        typer.Option(
            "--by",
            help="What applicants are compared by: segment, fsm, ward, msoa or another kind of area of homes, first "
            "(the school named first), school (attended now) or another column; give it once for each.",
        ),
    ] = ["segment"],  # noqa: B006
    phase: Annotated[str, typer.Option(help="Schools that count for the nearest: of this phase.")] = "",
    counts: Annotated[
        bool, typer.Option("--counts", help="The file has counts by area and school (published), not applications.")
    ] = False,
    nearest: Annotated[
        Path | None,
        typer.Option(
            "--nearest", help="A file of postcode (or, with --counts, area) and nearest school; else by straight line."
        ),
    ] = None,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare groups by first-choice rate, any-choice rate, and the share naming and getting the nearest school.

    With -o write a page (.html) or a workbook (.xlsx).
    Small numbers are hidden (shown as c) and the others rounded.

    Example: geoplan preferences applications.csv --by segment --by fsm --phase Secondary -o preferences.html
    """
    from geoplan.assignment import assign
    from geoplan.io.people import read_applications
    from geoplan.io.project import read_project
    from geoplan.io.services import read_nearest
    from geoplan.preferences import NESTED, OUTCOMES, preferences
    from geoplan.reach_books import outcome_finding, outcome_share, preferences_book
    from geoplan.reach_tables import protect_outcomes, reach_marks

    if counts:
        _of_counts(applications, nearest, as_json)
        return
    if out is not None:
        by_ending(out, ".html", ".xlsx")
    folder = read_project(project)
    check_targets([out], inputs=[*project_inputs(folder), applications, nearest])
    with (
        steps("reading", "placing applicants", "protecting the numbers") as step,
        recording(folder.folder, folder.rule(), writes=out is not None) as numbers,
    ):
        next(step)
        schools, postcodes = folder.schools(), folder.postcodes()
        near = schools.frame[schools.frame["phase"].eq(phase)] if phase else schools.frame
        if not len(near):
            raise typer.BadParameter(f"no school of phase {phase!r}", param_hint="--phase")
        applicants = read_applications(applications, columns=folder.settings.columns.get("applications"))
        next(step)
        layers = folder.areas(*list(folder.settings.areas)[:1]) if folder.settings.areas else ()
        people = assign(applicants, postcodes, layers, folder.segments())
        if nearest is None:
            placed = preferences(people, near)
        else:
            placed = preferences(people, nearest=read_nearest(nearest, postcodes))
        next(step)
        names = {"school": schools.frame["name"].to_dict(), "first": schools.frame["name"].to_dict()}
        by = kinds_of(by, placed.applicants.kinds)
        found = {name: placed.reach(name, by, names, data=applications.stem) for name in OUTCOMES}
        for each in found.values():
            numbers = numbers.with_marks(reach_marks(each, folder.as_at))
        known = {"data": folder.as_at, "earlier": numbers.earlier()[0]}
        tables = protect_outcomes(found, numbers.rule, nested=NESTED, **known)
        sources = placed.applicants.sources
        if out is not None and out.suffix == ".xlsx":
            sheets = {sheet_title(_words(name), dim): each.by[dim] for name, each in tables.items() for dim in each.by}
            about = [*map(outcome_finding, tables.values()), f"Nearest: {placed.nearest_by}.", *_left_out(tables)]
            write_workbook(numbers, out, sheets, about, sources)
        elif out is not None:
            book = preferences_book(tables, sources, placed.nearest_by)
            numbers.write_page(out, book, [outcome_share(each) for each in tables.values()])
        if out is not None:
            typer.echo(f"wrote {out}", err=True)
    if as_json:
        answer = {name: {dim: rows(table) for dim, table in each.by.items()} for name, each in tables.items()}
        typer.echo(json.dumps(answer, indent=2))
        return
    for each in tables.values():
        typer.echo(outcome_finding(each))
    for dim in dict.fromkeys(dim for each in tables.values() for dim in each.by):
        print_table(*_rates(tables, dim))
    for sentence in _left_out(tables):
        typer.echo(sentence)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _left_out(tables) -> list[str]:
    from geoplan.reach_books import not_shown

    return [not_shown(each, what, why) for each in tables.values() for what, why in each.left_out.items()]


def _rates(tables, dim: str):
    """The rate of every outcome by one dimension, a row for each group, and the headings."""
    import pandas as pd

    from geoplan.service_reach import dim_words

    columns = {}
    for name, each in tables.items():
        if dim in each.by:
            table, hidden = each.by[dim].table, each.by[dim].hidden
            columns.setdefault("name", table["name"])
            base = pd.Series(shown(table["base_count"], hidden["base_count"], "{:,.0f}"), index=table.index)
            columns.setdefault("applicants", base)
            rates = shown(100 * table["penetration"], hidden["penetration"], "{:.0f}%")
            columns[name.replace("_", " ")] = pd.Series(rates, index=table.index)
    cells = pd.DataFrame(columns).fillna("")
    return cells, [dim_words(dim), *cells.columns[1:]]


def _of_counts(path: Path, nearest: Path | None, as_json: bool) -> None:
    """Published counts: shares by area, held against the totals that the file states."""
    from geoplan.io.services import read_nearest, read_preference_counts
    from geoplan.preferences import against_totals, counted_preferences

    table, totals, _ = read_preference_counts(path)
    found = counted_preferences(table, nearest=read_nearest(nearest) if nearest is not None else None).reset_index()
    wrong = against_totals(table, totals) if len(totals) else totals
    if as_json:
        plain = found.astype("object").where(found.notna(), None).to_dict(orient="records")
        typer.echo(json.dumps({"areas": plain, "not_the_stated_total": wrong.to_dict(orient="records")}, indent=2))
        return
    cells = found.copy()
    for name in cells.columns[2:]:
        share = name.endswith(("share", "rate", "low", "high"))
        cells[name] = cells[name].map(
            lambda x, share=share: "" if x != x else f"{100 * x:.1f}%" if share else f"{x:,.0f}"
        )
    print_table(cells, [name.replace("_", " ") for name in cells.columns])
    said = f"{len(totals):,} stated totals, {len(wrong):,} of their figures differ from the sums" if len(totals) else ""
    typer.echo(said or "the file states no totals")


command.__name__ = "preferences"
