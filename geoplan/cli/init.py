"""``geoplan init``: a project file and templates to fill."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; made if it is not there.")] = Path(),
) -> None:
    """Write a geoplan.toml and CSV templates; never over a file that is there.

    Tables for forecasts, homes and sites are in the folder templates; columns.txt says what each column is.

    Example: geoplan init my-authority
    """
    from geoplan.io.project import write_project_template

    written = write_project_template(folder)
    for path in written:
        typer.echo(f"wrote {path}")
    if not written:
        typer.echo("everything is there already; nothing was written")


command.__name__ = "init"
