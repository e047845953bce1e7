"""``geoplan demo``: the whole way once, on the place that comes with geoplan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import load_people, protecting
from geoplan.cli.release import release_of


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
    with protecting(place, people, layers, place.rule()) as numbers:
        tables = numbers.tables([example])
        release = release_of(place, people, schools, layers[0], tables, [example], "geoplan demo")
        manifest = release.write(
            folder / "output", public=tables.public, nested=tables.nested, overlaps=tables.overlaps,
            ledger=numbers.ledger, marks=numbers.marks,
        )  # fmt: skip
    private = folder / "private"
    write_assignment(private / "placed.csv", people)
    write_json(private / "report.json", people.report.to_dict())
    typer.echo(
        f"{place.name}: {len(layers[0]):,} areas, {len(schools):,} schools, {people.count:,} pupils. {place.invented}"
    )
    typer.echo(str(people.report))
    for output in manifest.outputs:
        if output.kind == "html":
            typer.echo(f"open {folder / 'output' / output.name} in a browser: one file, no internet needed")
    typer.echo(f"about single pupils, for the office alone: {private}")
    typer.echo(f"Next: cd {folder}, then: geoplan check, or: geoplan profile --school {example}")


def _largest_primary(people, schools) -> str:
    """The primary school with the most pupils counted: an example that every segment shows in."""
    pupils = people.counts(by="school")
    primaries = schools.frame.index[schools.frame["phase"] == "Primary"]
    return str(pupils.reindex(primaries, fill_value=0).sort_index().idxmax())


command.__name__ = "demo"
