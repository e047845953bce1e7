"""``geoplan map``: the map book of a place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    project_inputs,
    protecting,
    require_areas,
    ruled,
    steps,
)


def command(
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")],
    school: Annotated[str, typer.Option("--school", "-s", help="One school's book instead of the place's.")] = "",
    project: ProjectOption = Path("geoplan.toml"),
    internal: InternalOption = "",
) -> None:
    """Write one self-contained page: where pupils live, by segment, and every school's profile.

    Example: geoplan map -o medway.html
    """
    from geoplan.books import community_book, place_book
    from geoplan.io.project import read_project

    by_ending(out, ".html")
    place = read_project(project)
    rule, out = ruled(place, internal, out)
    inputs = project_inputs(place)
    check_targets([out], inputs=inputs)
    people, schools, layers = load_people(place)
    require_areas(layers)
    with (
        steps("protecting the numbers", "writing the page") as step,
        protecting(place, people, layers, rule, inputs=inputs) as numbers,
    ):
        next(step)
        tables = None if people.segmentation is None else numbers.tables(homes=[school] if school else ())
        if school:
            book = community_book(people, schools, layers[0], school, rule, tables)
        else:
            title = f"{place.name}: where pupils live and whom schools serve"
            book = place_book(people, schools, layers[0], title, rule, tables)
        next(step)
        numbers.write_page(out, book)
    typer.echo(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB, opens without internet)")


command.__name__ = "map"
