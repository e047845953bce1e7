"""What the commands share: reading a project, printing tables, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.errors import GeoplanError, InputRefused

if TYPE_CHECKING:
    import pandas as pd

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", help="The project file that names the files to read.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write; its ending decides the form.", show_default=False)
]


def refuse(error: GeoplanError, wants_json: bool) -> int:
    """Say why, on standard error (or as JSON on standard output), and give the exit code."""
    if wants_json:
        typer.echo(json.dumps({"file_status": "rejected", **rejection(error)}, indent=2))
    else:
        typer.echo(str(error), err=True)
        typer.echo("Nothing was written.", err=True)
    return error.exit_code


def rejection(error: GeoplanError) -> dict:
    """The reason and problems of a refusal, as plain values."""
    problems = error.problems if isinstance(error, InputRefused) else ()
    return {
        "reason": problems[0].code if problems else type(error).__name__,
        "message": str(error),
        "problems": [
            {
                "file": problem.file,
                "record": problem.record,
                "column": problem.column,
                "outcome": "rejected",
                "codes": [problem.code],
                "what": problem.what,
                "suggestion": problem.suggestion,
                "more": problem.more,
            }
            for problem in problems
        ],
    }


@contextmanager
def steps(*names: str) -> Iterator[Iterator[str]]:
    """A progress bar on standard error, one step a name; silent where nobody is watching."""
    if not sys.stderr.isatty():
        yield iter(names)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<32}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(names))

        def walk() -> Iterator[str]:
            for done, name in enumerate(names):
                bar.update(task, description=name, completed=done)
                yield name

        yield walk()


def load_people(project, areas: bool = True):
    """The project's pupils, assigned, with its schools and first area layer (the one to draw)."""
    from geoplan.assignment import assign

    with steps("reading postcodes", "reading schools", "reading pupils", "reading areas", "placing pupils") as step:
        next(step)
        postcodes = project.postcodes()
        next(step)
        schools = project.schools()
        next(step)
        pupils = project.pupils(schools=schools)
        next(step)
        layers = project.areas() if areas else ()
        next(step)
        people = assign(pupils, postcodes, layers, project.segments())
    return people, schools, layers


def print_table(table: pd.DataFrame, headings: Sequence[str]) -> None:
    """A plain table on standard output: words left, numbers right, "c" where a number is hidden."""
    rows = [[str(cell) for cell in row] for row in table.itertuples(index=False)]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    numeric = [all(_is_number(row[i]) for row in rows) for i in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(padded).rstrip()

    typer.echo(line(headings))
    for row in rows:
        typer.echo(line(row))


def _is_number(text: str) -> bool:
    return text in {"c", ""} or text.replace(",", "").replace(".", "").replace("%", "").replace("-", "").isdigit()


def shown(values: pd.Series, hidden: pd.Series, form: str) -> list[str]:
    """Numbers as text: "c" where hidden, "" where there is none."""
    cells = zip(values, hidden, strict=True)
    return ["c" if is_hidden else "" if value != value else form.format(value) for value, is_hidden in cells]


def by_ending(path: Path, *endings: str) -> str:
    """The file's ending, if it is one of ``endings``; otherwise a usage error that names them."""
    ending = path.suffix.lower()
    if ending not in endings:
        raise typer.BadParameter(
            f"{path.name}: write to a file that ends in {' or '.join(endings)}", param_hint="--out"
        )
    return ending
