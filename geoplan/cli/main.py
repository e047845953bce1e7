"""The program ``geoplan``: one verb a file, exit codes 0 done, 1 findings, 2 usage, 3 input refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from geoplan._version import __version__
from geoplan.cli import (
    access,
    assign,
    backtest,
    boundaries,
    check,
    check_leaks,
    demo,
    design,
    forecast,
    housing,
    init,
    ledger,
    map,
    plan_compare,
    preferences,
    profile,
    rag,
    reach,
    release,
    report,
    segments,
    similar,
    sites,
    survey,
    travel,
    verify,
)
from geoplan.cli.common import refuse
from geoplan.errors import GeoplanError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="School place planning: from pupil postcodes to profiles and maps, on one laptop, offline.",
    epilog="Exit codes: 0 done, 1 findings, 2 wrong usage, 3 input refused. Start with: geoplan demo",
)
_VERBS = (
    demo, init, check, assign, map, similar, report, release, reach, preferences, survey, design, travel, sites,
    housing, forecast, backtest, verify, check_leaks,
)  # fmt: skip
for _module in _VERBS:
    app.command(_module.command.__name__)(_module.command)
app.add_typer(profile.app, name="profile")
app.add_typer(access.app, name="access")
app.add_typer(rag.app, name="rag")
app.add_typer(ledger.app, name="ledger")
app.add_typer(boundaries.app, name="boundaries")
app.add_typer(segments.app, name="segments")
app.add_typer(plan_compare.app, name="plan")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"geoplan {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``args`` are those after the program's name."""
    wants_json = "--json" in (sys.argv[1:] if args is None else args)
    try:
        app(args=None if args is None else list(args), prog_name="geoplan")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except GeoplanError as error:
        return refuse(error, wants_json)
    except OSError as error:
        # a folder that cannot be written, a disk that is full: a sentence, never a traceback
        typer.echo(f"geoplan: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True)
        return 3
    except KeyboardInterrupt:
        typer.echo("geoplan: stopped", err=True)
        return 130
    return 0


def run() -> None:
    """Entry point of the installed program."""
    sys.exit(main())
