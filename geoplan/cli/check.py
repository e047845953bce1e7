"""``geoplan check``: what is wrong with a file, before anything is done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import JsonOption, by_ending, check_targets


def command(
    file: Annotated[Path | None, typer.Argument(help="One file; without it, every file of the project.")] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--as", help="What it is: pupils, people, schools, rolls, register, population, births, flows, census ..."
        ),
    ] = "pupils",
    project: Annotated[
        Path | None, typer.Option("--project", "-p", help="Project file; the folder's geoplan.toml if any.")
    ] = None,
    day: Annotated[str, typer.Option(help="For a census return: its day, 2026-01-15, to check ages by.")] = "",
    rolls: Annotated[
        Path | None, typer.Option("--rolls", help="For a census return: rolls up to it, to find year groups that jump.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", help="For a census return: write the list to send to schools (.csv), for its owner alone."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check files and say what is wrong, where, how often and what to try. Values are never shown.

    Without a file: every file of the project, then whether they fit together (are the pupils' postcodes in the
    directory, in each kind of area, in a segment; is everything of one year).

    Exit code 0 when there is nothing to say, 1 when something was found, 3 when a file was refused.

    Example: geoplan check pupils.csv --as pupils --json
    """
    from geoplan.io.describe import KINDS, describe_file, describe_project
    from geoplan.io.project import FILE_NAME, find_project

    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r}: use one of {', '.join(KINDS)}", param_hint="--as")
    if questions is not None and (kind != "census" or file is None):
        raise typer.BadParameter("they are of one census return: name it, with --as census", param_hint="--questions")
    if file is None:
        reports = describe_project(project or FILE_NAME)
    else:
        place = find_project(project)
        role = "pupils" if kind == "census" else kind
        tables = {"pupils", "people", "schools", "rolls", "register", "births", "flows", "streets"}
        told = place.settings.columns.get(role) if place and role in tables else None
        options = {"columns": told} if told else {}
        if kind == "census":
            options |= _census_options(place, day, rolls)
        if questions is not None:
            by_ending(questions, ".csv")
            check_targets([questions], inputs=[file, rolls])
        reports = [describe_file(file, kind, **options)]
    if questions is not None and reports[0]["file_status"] != "rejected":
        _write_questions(questions, reports[0]["details"].get("questions", ()))
    if as_json:
        typer.echo(json.dumps(reports if file is None else reports[0], indent=2, ensure_ascii=False))
    else:
        told: dict[str, int] = {}
        for report in reports:
            _print(report, told)
            told |= report["by_reason"]
    if any(report["file_status"] == "rejected" for report in reports):
        raise typer.Exit(3)
    if any(report["by_reason"] for report in reports):
        raise typer.Exit(1)


def _census_options(place, day: str, rolls: Path | None) -> dict:
    """What a census return is held against: the schools of the project, and rolls."""
    from geoplan.io.rolls import read_rolls
    from geoplan.rolls import rolls_from

    told = {"day": day}
    if place is not None and place.has("schools"):
        told["schools"] = place.schools()
    path = rolls or (place.file("rolls") if place is not None and place.has("rolls") else None)
    if path is not None:
        told["rolls"] = rolls_from(read_rolls(path).frame)
    return told


def _write_questions(path: Path, questions) -> None:
    """The challenge list as a table: a row a school and check, with record numbers and no value of a child."""
    import pandas as pd

    from geoplan.io.outputs import write_csv

    columns = ["school", "check", "what", "records", "rows", "question"]
    write_csv(path, pd.DataFrame(list(questions), columns=columns), private=True)
    typer.echo(f"wrote {path}, readable by you alone: {len(questions):,} questions", err=True)


def _print(report: dict, told: Mapping[str, int]) -> None:
    """One report; reasons that were told of a file before are not told again of all together."""
    from geoplan.io.describe import TOGETHER
    from geoplan.reasons import REASONS

    name = f"{report['file']} ({report['as']})"
    if report["file_status"] == "rejected":
        typer.echo(f"{name}: refused")
        typer.echo(report["message"])
        return
    counts = ", ".join(f"{report[outcome]:,} {outcome}" for outcome in ("accepted", "repaired", "rejected", "blank"))
    typer.echo(f"{name}: {report['records']:,} records: {counts}")
    for code, count in report["by_reason"].items():
        if report["as"] == TOGETHER and told.get(code) == count:
            continue
        entry = next(entry for entry in report["problems"] if code in entry["codes"])
        typer.echo(f"  {count:>7,}  {REASONS[code].meaning} (first at record {entry['record']:,})")
        if REASONS[code].suggestion:
            typer.echo(f"           try: {REASONS[code].suggestion}")
    for note in report["details"].get("notes", ()):
        typer.echo(f"  {note}")
    questions = report["details"].get("questions", ())
    if questions:
        typer.echo(f"{len(questions):,} questions for schools (record numbers, never values):")
    for each in questions:
        rows = f" [records {each['rows']}]" if each["rows"] else ""
        typer.echo(f"  {each['school']}: {each['what']} ({each['records']:,}){rows}: {each['question']}")


command.__name__ = "check"
