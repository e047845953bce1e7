"""``geoplan boundaries``: what geoplan knows about published areas."""

from __future__ import annotations

import json

import typer

from geoplan.cli.common import JsonOption, print_table

app = typer.Typer(help="What geoplan knows about published areas, directories and segmentations.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_recipes(as_json: JsonOption = False) -> None:
    """List the recipes: kind, year, publisher, where to get the file.

    Example: geoplan boundaries list
    """
    import pandas as pd

    from geoplan.io.recipes import list_recipes

    rows = [
        {
            "kind": r.kind,
            "what": r.what,
            "year": r.year,
            "publisher": r.publisher,
            "title": r.title,
            "page": r.page,
            "licence": r.licence,
        }
        for r in list_recipes()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = pd.DataFrame(rows)[["kind", "what", "year", "publisher", "title"]]
    print_table(table, ["kind", "what", "year", "publisher", "title"])
    typer.echo("geoplan downloads nothing: `geoplan boundaries list --json` gives the page of each.")
