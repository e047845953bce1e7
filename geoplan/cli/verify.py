"""``geoplan verify``: whether a release folder still is what its manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import JsonOption


def command(
    folder: Annotated[Path, typer.Argument(help="A release folder: one with a manifest.json in it.")],
    previous: Annotated[
        Path | None, typer.Option("--previous", help="The release it replaced, or its manifest, to check the chain.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hash every file of a release again and check its manifest: files, chain, accounts, gate and leak scan.

    Exit code 0 when all is as it was written, 1 when something is not, 3 when it is not a release folder.

    Example: geoplan verify output --json
    """
    from geoplan.io.exchange import read_document
    from geoplan.io.verification import verify_folder

    found = verify_folder(folder, previous)
    document = read_document(folder) or {}
    name = folder.resolve().name
    if as_json:
        said = {each: document.get(each) for each in ("run", "written", "audience")}
        answer = {"folder": name, "ok": not found, **said, "findings": [each.document() for each in found]}
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif found:
        typer.echo(f"{name}: {len(found):,} finding{'' if len(found) == 1 else 's'}")
        for each in found:
            typer.echo(f"  {each}")
    else:
        files = len(document.get("outputs", ()))
        typer.echo(
            f"{name}: {files:,} file{'' if files == 1 else 's'} for {document.get('audience')}, "
            f"written {document.get('written')}, run {str(document.get('run'))[:12]}: all as written"
        )
    if found:
        raise typer.Exit(1)


command.__name__ = "verify"
