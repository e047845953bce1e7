"""``geoplan demo``: the whole way once, on the place that comes with geoplan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import load_people


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not hold anything yet.")] = Path("medway"),
) -> None:
    """Make a project from the embedded place (Medway) and run it: check, assign, profile, map.

    The places are real; every school, pupil and count is invented.

    Example: geoplan demo
    """
    from geoplan.io.outputs import write_assignment, write_json
    from geoplan.io.project import copy_demo, read_project

    place = read_project(copy_demo(folder) / "geoplan.toml")
    people, schools, layers = load_people(place)
    example = _largest_primary(people, schools)
    release = _pages(place, people, schools, layers[0], example)
    manifest = release.write(folder / "output")
    private = folder / "private"
    private.mkdir(mode=0o700)
    write_assignment(private / "placed.csv", people)
    write_json(private / "report.json", people.report.to_dict())
    typer.echo(
        f"{place.name}: {len(layers[0]):,} areas, {len(schools):,} schools, {people.count:,} pupils. {place.invented}"
    )
    typer.echo(str(people.report))
    for output in manifest.outputs:
        typer.echo(f"open {folder / 'output' / output.name} in a browser: one file, no internet needed")
    typer.echo(f"about single pupils, for the office alone: {private}")
    typer.echo(f"Next: cd {folder}, then: geoplan check, or: geoplan profile --school {example}")


def _pages(place, people, schools, areas, example: str):
    """The two pages of the demo, made from the same protected tables, as one release."""
    from geoplan.books import community_book, place_book
    from geoplan.io.releases import Release, input_of
    from geoplan.protection import protect_place

    tables = protect_place(people, areas, homes=[example])
    title = f"{place.name}: where pupils live and whom schools serve"
    inputs = (
        input_of(place.file("pupils"), "pupils", people.report.to_dict(), personal=True),
        input_of(place.file("schools"), "schools", personal=False),
        input_of(place.file("postcodes"), "postcodes", personal=False),
        input_of(place.file("segments"), "segments", personal=False),
    )
    return (
        Release(title=title, command="geoplan demo", inputs=inputs)
        .add("medway.html", place_book(people, schools, areas, title, tables=tables))
        .add(f"school-{example}.html", community_book(people, schools, areas, example, tables=tables))
    )


def _largest_primary(people, schools) -> str:
    """The primary school with the most pupils counted: an example that every segment shows in."""
    pupils = people.counts(by="school")
    primaries = schools.frame.index[schools.frame["phase"] == "Primary"]
    return str(pupils.reindex(primaries, fill_value=0).sort_index().idxmax())


command.__name__ = "demo"
