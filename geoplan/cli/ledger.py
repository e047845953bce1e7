"""``geoplan ledger``: what was released, and what of it never left the office."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import JsonOption, ProjectOption, print_table

app = typer.Typer(no_args_is_help=True, help="What was released: list it, withdraw drafts, declare them published.")

NumbersArgument = Annotated[list[str], typer.Argument(help='Numbers of releases, as in "geoplan ledger list": 3 5-8.')]
ByOption = Annotated[str, typer.Option("--by", prompt=True, help="Who declares it, by name.")]

DECLARED = (
    "You declare that nobody outside holds a copy: not on paper, not by mail, not on a web site. If this is untrue, "
    "small numbers of pupils may be worked out from what is released from now on."
)
COUNTS_AGAIN = "From now on what is released is protected beside it again."


@app.command("list")
def list_command(project: ProjectOption = Path("geoplan.toml"), as_json: JsonOption = False) -> None:
    """List what was written from this project's data: number, day, for whom, which file, and what was said of it.

    Example: geoplan ledger list
    """
    import pandas as pd

    from geoplan.io.ledgers import ledger_path, read_memory
    from geoplan.io.project import read_project

    ledger = read_memory(ledger_path(read_project(project).folder)).ledger
    rows = [_row(ledger, number) for number in range(1, len(ledger) + 1)]
    if as_json:
        typer.echo(json.dumps({"releases": rows, "counted": len(ledger.standing())}, indent=2, ensure_ascii=False))
        return
    if rows:
        table = pd.DataFrame([{**row, "files": ", ".join(row["files"]), "state": _words(row)} for row in rows])
        print_table(table[["number", "day", "audience", "files", "state"]], ["no.", "day", "for", "files", "state"])
    count = len(ledger.standing())
    typer.echo(
        f"{len(ledger):,} in the ledger; the next release is protected beside {count:,} of them"
        if rows
        else "nothing was released yet"
    )


@app.command()
def withdraw(
    numbers: NumbersArgument,
    reason: Annotated[str, typer.Option("--reason", prompt=True, help="Why it is a draft, in ten letters or more.")],
    by: ByOption,
    project: ProjectOption = Path("geoplan.toml"),
) -> None:
    """Declare releases to be drafts of which nobody outside holds a copy: what comes next is not protected beside them.

    They stay in the ledger, with the reason, the name and the day. Delete the files. A release that was declared
    published cannot be withdrawn.

    Example: geoplan ledger withdraw 3 4 --reason "options of May, never shown" --by "A. Planner"
    """
    from geoplan.ledger import withdraw as withdrawn

    reason, by = " ".join(reason.split()), " ".join(by.split())
    if sum(letter.isalpha() for letter in reason) < 10:
        raise typer.BadParameter("say why, in at least 10 letters", param_hint="--reason")
    if not by:
        raise typer.BadParameter("say who declares it", param_hint="--by")
    files = _declare(project, numbers, "withdrawn", lambda ledger, all_, day: withdrawn(ledger, all_, reason, by, day),
                     f"{reason} (declared by {by})")  # fmt: skip
    typer.echo(DECLARED)
    typer.echo(f"Delete {'it' if len(files) == 1 else 'them'}: {', '.join(files)}.")
    typer.echo('If it turns out to be out: "geoplan ledger publish NUMBER --by NAME".')


@app.command()
def publish(numbers: NumbersArgument, by: ByOption, project: ProjectOption = Path("geoplan.toml")) -> None:
    """Declare releases published, so that they cannot be withdrawn; also such as were withdrawn by mistake.

    What is written counts as published without this. It is for what must never be taken for a draft.

    Example: geoplan ledger publish 3 --by "A. Planner"
    """
    from geoplan.ledger import publish as published

    by = " ".join(by.split())
    if not by:
        raise typer.BadParameter("say who declares it", param_hint="--by")
    again: list[int] = []

    def said(ledger, all_, day):
        again.extend(number for number in all_ if ledger.state(number) is not None)
        return published(ledger, all_, by, day)

    _declare(project, numbers, "published", said, f"declared published by {by}")
    if again:
        typer.echo(
            f"{'Release' if len(again) == 1 else 'Releases'} {', '.join(map(str, again))} had been withdrawn. What was "
            f"released meanwhile was not protected beside it: tell your data protection officer. {COUNTS_AGAIN}"
        )


def _declare(project: Path, texts: list[str], word: str, say, why: str) -> list[str]:
    """Put a declaration into the ledger and the audit file; the files concerned."""
    from datetime import UTC, datetime

    from geoplan.io.internal import AUDIT, write_audit
    from geoplan.io.ledgers import Memory, open_ledger
    from geoplan.io.project import read_project

    folder = read_project(project).folder
    numbers = _numbers(texts)
    with open_ledger(folder) as open_:
        try:
            after = say(open_.ledger, numbers, datetime.now(UTC).strftime("%Y-%m-%d"))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="NUMBERS") from None
        files = list(dict.fromkeys(name for number in numbers for name in open_.ledger.files(number)))
        write_audit(folder / AUDIT, why, {"ledger": word, "numbers": numbers, "files": files})
        open_.keep(Memory(after, open_.memory.marks))
    for number in numbers:
        named = ", ".join(after.files(number)) or f"of {after.entries[number - 1].release}"
        typer.echo(f"{word}: release {number} ({named})")
    return files or ["the files written"]


def _numbers(texts: list[str]) -> list[int]:
    """Numbers and ranges as given.

    Examples
    --------
    >>> _numbers(["3", "5-7", "3"])
    [3, 5, 6, 7]
    """
    found: list[int] = []
    for text in texts:
        low, _, high = text.partition("-")
        if not (low.isdigit() and (high.isdigit() or "-" not in text)) or len(text) > 12:
            raise typer.BadParameter(f"{text!r}: write numbers of the list, such as 3 5-8", param_hint="NUMBERS")
        if int(high or low) - int(low) > 10_000:
            raise typer.BadParameter(f"{text!r}: that many releases there are not", param_hint="NUMBERS")
        found += range(int(low), int(high or low) + 1)
    return list(dict.fromkeys(found))


def _row(ledger, number: int) -> dict:
    entry, state = ledger.entries[number - 1], ledger.state(number)
    row = {
        "number": number,
        "day": entry.release,
        "audience": entry.audience,
        "files": list(ledger.files(number)),
        "state": "" if state is None else state.says,
        "reason": entry.reason if state is None else state.reason,
    }
    return row | ({} if state is None else {"by": state.by, "on": state.day})


def _words(row: dict) -> str:
    if row["audience"] == "internal":
        return f"exact numbers, inside: {row['reason']}"
    if not row["state"]:
        return "counts as published"
    why = f": {row['reason']}" if row["reason"] else ""
    return f"{row['state']} by {row['by']} on {row['on']}{why}"
