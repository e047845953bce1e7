"""``geoplan map``: the map book of a place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    project_inputs,
    require_areas,
    save_page,
    steps,
)


def command(
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")],
    school: Annotated[str, typer.Option("--school", "-s", help="One school's book instead of the place's.")] = "",
    project: ProjectOption = Path("geoplan.toml"),
) -> None:
    """Write one self-contained page: where pupils live, by segment, and every school's profile.

    Example: geoplan map -o medway.html
    """
    from geoplan.books import community_book, place_book
    from geoplan.io.project import read_project

    by_ending(out, ".html")
    place = read_project(project)
    check_targets([out], inputs=project_inputs(place))
    people, schools, layers = load_people(place)
    require_areas(layers)
    with steps("protecting the numbers", "writing the page") as step:
        next(step)
        if school:
            book = community_book(people, schools, layers[0], school)
        else:
            book = place_book(people, schools, layers[0], f"{place.name}: where pupils live and whom schools serve")
        next(step)
        save_page(book, out)
    typer.echo(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB, opens without internet)")


command.__name__ = "map"
