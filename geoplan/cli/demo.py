"""``geoplan demo``: the whole way once, on the place that comes with geoplan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import load_people, save_page


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not hold anything yet.")] = Path("medway"),
) -> None:
    """Make a project from the embedded place (Medway) and run it: check, assign, profile, map.

    The places are real; every school, pupil and count is invented.

    Example: geoplan demo
    """
    from geoplan.books import community_book, place_book
    from geoplan.io.outputs import write_assignment, write_json
    from geoplan.io.project import copy_demo, read_project

    place = read_project(copy_demo(folder) / "geoplan.toml")
    people, schools, layers = load_people(place)
    example = _largest_primary(people, schools)
    pages = {
        "medway.html": place_book(
            people, schools, layers[0], f"{place.name}: where pupils live and whom schools serve"
        ),
        f"school-{example}.html": community_book(people, schools, layers[0], example),
    }
    output = folder / "output"
    output.mkdir()
    for name, book in pages.items():
        save_page(book, output / name)
    write_assignment(output / "placed.csv", people)
    write_json(output / "report.json", people.report.to_dict())
    typer.echo(
        f"{place.name}: {len(layers[0]):,} areas, {len(schools):,} schools, {people.count:,} pupils. {place.invented}"
    )
    typer.echo(str(people.report))
    for name in pages:
        typer.echo(f"open {output / name} in a browser: one file, no internet needed")
    typer.echo(f"Next: cd {folder}, then: geoplan check, or: geoplan profile --school {example}")


def _largest_primary(people, schools) -> str:
    """The primary school with the most pupils counted: an example that every segment shows in."""
    pupils = people.counts(by="school")
    primaries = schools.frame.index[schools.frame["phase"] == "Primary"]
    return str(pupils.reindex(primaries, fill_value=0).sort_index().idxmax())


command.__name__ = "demo"
