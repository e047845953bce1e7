"""``geoplan assign``: postcodes in, audited places and segments out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import by_ending, rejection, steps
from geoplan.errors import GeoplanError


def command(
    pupils: Annotated[Path, typer.Argument(help="CSV or XLSX of pupils (or other people) with a postcode column.")],
    postcodes: Annotated[Path, typer.Option("--postcodes", help="Postcode directory: ONSPD, NSPL, ONS lookup, ...")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write: one row for each record.")],
    areas: Annotated[
        list[str] | None, typer.Option("--areas", help="KIND=FILE, such as ward25=wards.gpkg; may be repeated.")
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Segmentation: OAC by OA, or your own codes.")
    ] = None,
    schools: Annotated[
        Path | None, typer.Option("--schools", help="Schools, to check the pupils' school numbers.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="JSON to write: what became of each record.")] = None,
) -> None:
    """Place pupils in areas and segments by their postcodes, with every record accounted for.

    The output holds pupils' postcodes: it is written for its owner alone. The report holds none.

    Example: geoplan assign pupils.csv --postcodes onspd.csv --areas ward25=wards.gpkg -o placed.csv
    """
    by_ending(out, ".csv")
    layers = [_kind_and_file(text) for text in areas or []]
    try:
        assignment = _assign(pupils, postcodes, layers, segments, schools)
    except GeoplanError as error:
        if report is not None:
            from geoplan.io.outputs import write_json

            write_json(report, {"file_status": "rejected", **rejection(error)})
        raise
    from geoplan.io.outputs import write_assignment, write_json

    write_assignment(out, assignment)
    if report is not None:
        write_json(report, {**assignment.report.to_dict(), "sources": _sources(assignment)})
    typer.echo(str(assignment.report))
    typer.echo(f"wrote {out} (about single pupils: keep it inside the office)")


def _assign(pupils: Path, postcodes: Path, layers: list[tuple[str, str]], segments: Path | None, schools: Path | None):
    import geoplan as gp

    with steps("reading pupils", "reading postcodes", "reading areas", "placing pupils") as step:
        next(step)
        known = gp.read_schools(schools) if schools else None
        people = gp.read_pupils(pupils, schools=known)
        next(step)
        directory = gp.read_postcodes(postcodes)
        next(step)
        boundaries = [gp.read_boundaries(file, kind=kind) for kind, file in layers]
        segmentation = gp.read_segmentation(segments) if segments else None
        next(step)
        return gp.assign(people, directory, boundaries, segmentation)


def _kind_and_file(text: str) -> tuple[str, str]:
    kind, equals, file = text.partition("=")
    if not (kind and equals and file):
        raise typer.BadParameter(f"{text!r}: write KIND=FILE, such as ward25=wards.gpkg", param_hint="--areas")
    return kind, file


def _sources(assignment) -> list[dict]:
    return [
        {"title": s.title, "file": s.file, "sha256": s.fingerprint, "vintage": s.vintage, "attribution": s.credit}
        for s in assignment.sources
    ]


command.__name__ = "assign"
