"""``geoplan similar``: schools that serve people like ours, near or far."""

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
    load_people,
    print_table,
    project_inputs,
    protecting,
    steps,
    with_rule,
)


def command(
    school: Annotated[str, typer.Option("--school", "-s", help="The school's URN; without it, every school.")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many for each school.")] = 10,
    any_phase: Annotated[bool, typer.Option("--any-phase", help="Compare schools of every phase.")] = False,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the schools whose pupils come from the most similar mix of segments, with kilometres beside.

    Example: geoplan similar --school 900003 --count 5
    """
    from geoplan.io.project import read_project
    from geoplan.similarity import similar_shown

    if out is not None:
        by_ending(out, ".csv")
    place = read_project(project)
    check_targets([out], inputs=project_inputs(place))
    people, schools, layers = load_people(place)
    same = () if any_phase else ("phase",)
    with (
        steps("protecting the numbers") as step,
        protecting(place, people, layers, place.rule(), writes=out is not None) as numbers,
    ):
        next(step)
        shown = numbers.tables().by_school
        table = similar_shown(shown, school or None, n=count, schools=schools.frame, same=same)
        if out is not None:
            from geoplan.io.outputs import table_csv

            listed = with_rule(table.set_index(["school", "rank"]), shown.rule)
            numbers.write(out, table_csv(listed), [shown], [listed])
    if out is not None:
        typer.echo(f"wrote {out}: {table['school'].nunique():,} schools", err=True)
    if as_json:
        rows = table.astype("object").where(table.notna(), None).to_dict(orient="records")
        typer.echo(json.dumps(rows, indent=2))
    elif school:
        cells = table[["similar", "name"]].assign(
            distance=table["distance"].map("{:.2f}".format), km=table["km"].map("{:.1f}".format)
        )
        print_table(cells, ["school", "name", "differs by", "km away"])
    elif out is None:
        typer.echo(f"{table['school'].nunique():,} schools compared; use --school URN, -o similar.csv or --json")


command.__name__ = "similar"
