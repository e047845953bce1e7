"""``geoplan check-leaks``: personal values that must not be in what leaves the office."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import JsonOption

WORDS = {
    "postcode": "full postcodes",
    "upn": "UPNs",
    "birth_date": "dates of birth",
    "coordinates": "coordinates finer than 20 m",
    "official_sensitive": "marked OFFICIAL-SENSITIVE: exact numbers that stay inside",
}


def command(
    path: Annotated[Path, typer.Argument(help="A file, or a folder with all in it.")],
    public: Annotated[
        Path | None, typer.Option("--public-postcodes", help="Text file of postcodes that may be there (schools').")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for postcodes, UPNs, dates of birth, fine coordinates and internal files in any output.

    Values are never shown. What is marked OFFICIAL-SENSITIVE is found too: it has exact numbers, and stays inside.

    Exit code 0 when there are none, 1 when something was found, 3 when a file could not be looked into.

    Example: geoplan check-leaks output
    """
    from geoplan.errors import InputRefused
    from geoplan.io.leak_files import scan_file, scan_folder
    from geoplan.leaks import listed_postcodes

    postcodes = listed_postcodes(public.read_text("utf-8-sig")) if public else []
    refused: list[InputRefused] = []
    if path.is_dir():
        leaks = scan_folder(path, public_postcodes=postcodes, refused=refused.append)
    else:
        leaks = scan_file(path, public_postcodes=postcodes)
    if as_json:
        found = [{"kind": leak.kind, "where": leak.where, "count": leak.count} for leak in leaks]
        unread = [
            {"file": each.file, "reason": each.problems[0].code, "what": each.problems[0].what} for each in refused
        ]
        typer.echo(json.dumps({"leaks": found, "unreadable": unread}, indent=2, ensure_ascii=False))
    else:
        for leak in leaks:
            typer.echo(f"{leak.where}: {leak.count:,} {WORDS[leak.kind]}")
        for each in refused:
            typer.echo(str(each), err=True)
        if not leaks and not refused:
            typer.echo(f"{path.name}: no postcodes, UPNs, dates of birth or fine coordinates")
    if refused:
        raise typer.Exit(3)
    if leaks:
        raise typer.Exit(1)


command.__name__ = "check-leaks"
