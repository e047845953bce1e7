"""``geoplan assign``: postcodes in, audited places and segments out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import by_ending, check_private, check_targets, rejection, steps
from geoplan.errors import GeoplanError


def command(
    pupils: Annotated[Path, typer.Argument(help="CSV or XLSX of pupils (or other people) with a postcode column.")],
    postcodes: Annotated[Path, typer.Option("--postcodes", help="Postcode directory: ONSPD, NSPL, ONS lookup, ...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write: one row for each record.")],
    areas: Annotated[
        list[str] | None,
        typer.Option("--areas", help="KIND=FILE or KIND=FILE::LAYER, such as ward25=wards.gpkg; may be repeated."),
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Segmentation: OAC by OA, or your own codes.")
    ] = None,
    schools: Annotated[
        Path | None, typer.Option("--schools", help="Schools, to check the pupils' school numbers.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="JSON to write: what became of each record.")] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-p", help="Project file for columns and settings; the folder's geoplan.toml if any."
        ),
    ] = None,
) -> None:
    """Place pupils in areas and segments by their postcodes, with every record accounted for.

    The output holds pupils' postcodes: it is written for its owner alone. The report holds none. A geoplan.toml
    in the folder says what columns are called ([columns.pupils]) and what a segmentation is ([segmentation]).

    Example: geoplan assign pupils.csv --postcodes onspd.csv --areas ward25=wards.gpkg -o placed.csv
    """
    from geoplan.io.outputs import write_assignment, write_json
    from geoplan.io.project import find_project

    by_ending(out, ".csv")
    layers = [_kind_and_file(text) for text in areas or []]
    files = [pupils, postcodes, segments, schools, *(file for _, file, _ in layers)]
    check_targets([out, report], inputs=files)
    check_private(out)
    try:
        place = find_project(project)
        assignment = _assign(pupils, postcodes, layers, segments, schools, place)
    except GeoplanError as error:
        if report is not None:
            write_json(report, rejection(error))
            typer.echo(f"wrote {report}: why the input was refused", err=True)
        raise
    write_assignment(out, assignment)
    if report is not None:
        write_json(report, {**assignment.report.to_dict(), "sources": _sources(assignment)})
    typer.echo(str(assignment.report))
    typer.echo(f"wrote {out} (about single pupils: keep it inside the office)")


def _assign(pupils: Path, postcodes: Path, layers: list[Layer], segments: Path | None, schools: Path | None, place):
    import geoplan as gp

    settings = place.settings if place else None
    columns = settings.columns if settings else {}
    with steps("reading pupils", "reading postcodes", "reading areas", "placing pupils") as step:
        next(step)
        known = gp.read_schools(schools, columns.get("schools")) if schools else None
        people = gp.read_pupils(pupils, schools=known, columns=columns.get("pupils"))
        next(step)
        directory = gp.read_postcodes(postcodes)
        next(step)
        boundaries = [_read_layer(settings, *layer) for layer in layers]
        segmentation = _read_segments(settings, segments) if segments else None
        next(step)
        return gp.assign(people, directory, boundaries, segmentation)


def _read_layer(settings, kind: str, file: Path, layer: str | None):
    """An area layer; its columns and layer as the project says, if it names this kind."""
    import geoplan as gp

    told = settings.areas.get(kind) if settings else None
    told = None if isinstance(told, str) else told
    code, name = (told.code, told.name) if told else (None, None)
    return gp.read_boundaries(file, kind=kind, layer=layer or (told.layer if told else None), code=code, name=name)


def _read_segments(settings, file: Path):
    """A segmentation; what it is as the project says, if the project describes one."""
    import geoplan as gp

    told = settings.segmentation.model_dump(exclude_none=True) if settings else {}
    told = {key: value for key, value in told.items() if key not in {"kind", "invented"} and value}
    return gp.read_segmentation(file, **told)


Layer = tuple[str, Path, str | None]


def _kind_and_file(text: str) -> Layer:
    from geoplan.areas import RESERVED

    kind, equals, rest = text.partition("=")
    file, _, layer = rest.partition("::")
    if not (re.fullmatch("[a-z][a-z0-9_]*", kind) and equals and file):
        raise typer.BadParameter(
            f"{text!r}: write KIND=FILE, or KIND=FILE::LAYER; a kind is small letters and the year, such as ward25",
            param_hint="--areas",
        )
    if kind in RESERVED:
        raise typer.BadParameter(f"{kind!r} is the name of another column; choose another kind", param_hint="--areas")
    return kind, Path(file), layer or None


def _sources(assignment) -> list[dict]:
    return [
        {"title": s.title, "file": s.file, "sha256": s.fingerprint, "vintage": s.vintage, "attribution": s.credit}
        for s in assignment.sources
    ]


command.__name__ = "assign"
