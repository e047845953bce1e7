"""``geoplan profile``: who a school serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    protecting,
    require_areas,
    shown,
    steps,
    with_rule,
)
from geoplan.errors import UnknownCodeError

if TYPE_CHECKING:
    from geoplan.disclosure import Protected


def command(
    school: Annotated[str, typer.Option("--school", "-s", help="The school's URN.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every school (to a CSV with -o, or JSON).")] = False,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a school's profile by segment; with -o write its page (.html) or table (.csv).

    Small numbers are hidden (shown as c) and the others rounded.

    Example: geoplan profile --school 900003 -o school.html
    """
    from geoplan.books import community_book
    from geoplan.io.outputs import table_csv
    from geoplan.io.project import read_project

    if bool(school) == every:
        raise typer.BadParameter("give one school with --school, or all of them with --all", param_hint="--school")
    if out is not None:
        by_ending(out, *((".csv",) if every else (".html", ".csv")))
    place = read_project(project)
    check_targets([out], inputs=project_inputs(place))
    people, schools, layers = load_people(place)
    page = out is not None and out.suffix == ".html"
    if page:
        require_areas(layers)
    rule = place.rule()
    with (
        steps("protecting the numbers") as step,
        protecting(place, people, layers, rule, writes=out is not None) as numbers,
    ):
        next(step)
        tables = numbers.tables(homes=[school] if page else ())
        if school and school not in tables.profiles:
            some = ", ".join(list(tables.profiles)[:5])
            raise UnknownCodeError(f"no pupil placed goes to school {school}; schools with pupils are {some} ...")
        if page:
            numbers.write_page(out, community_book(people, schools, layers[0], school, rule, tables))
        elif out is not None:
            table = profiles_table(tables.profiles if every else {school: tables.profiles[school]})
            numbers.write(out, table_csv(table), [table])
    if every:
        _say_all(tables.profiles, out, as_json)
        return
    table = tables.profiles[school]
    if as_json:
        typer.echo(json.dumps(_as_json(school, table), indent=2))
    else:
        _print(str(schools.frame["name"].get(school, "")), school, people.segmentation.label, table)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def profiles_table(profiles: Mapping[str, Protected]) -> Protected:
    """The profiles of several schools as one protected table, by school and segment, the rule beside each row."""
    import pandas as pd

    first = next(iter(profiles.values()))
    table = pd.concat({school: each.table for school, each in profiles.items()}, names=["school", "segment"])
    hidden = pd.concat({school: each.hidden for school, each in profiles.items()}, names=["school", "segment"])
    digits = {name: 0 if "index" in name else 3 for name, unit in table.dtypes.items()
              if unit.kind == "f" and any(word in name for word in ("share", "index", "penetration"))}  # fmt: skip
    table = table.round(digits)
    printed = tuple(dict.fromkeys(part for each in profiles.values() for part in each.printed or ()))
    return replace(first, table=with_rule(table, first.rule), hidden=hidden, printed=printed)


def _print(name: str, school: str, scheme: str, table) -> None:
    import pandas as pd

    from geoplan.books import READ_WITH_CARE

    rows, hidden = table.table, table.hidden
    typer.echo(f"{name} ({school}): about {rows['total'].iloc[0]:,.0f} pupils placed in a segment")
    typer.echo(f"{scheme}, against {table.base}")
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "pupils": shown(rows["count"], hidden["count"], "{:,.0f}"),
            "share": shown(100 * rows["share"], hidden["share"], "{:.0f}%"),
            "base": shown(100 * rows["base_share"], hidden["base_share"], "{:.0f}%"),
            "index": shown(rows["index"], hidden["index"], "{:.0f}"),
            "low": shown(rows["index_low"], hidden["index_low"], "{:.0f}"),
            "high": shown(rows["index_high"], hidden["index_high"], "{:.0f}"),
        }
    )
    print_table(cells, ["segment", "pupils", "share", "base", "index", "low", "high"])
    typer.echo(table.rule.sentence)
    typer.echo(READ_WITH_CARE)


def _as_json(school: str, table) -> dict:
    rows = [
        {"segment": segment} | {k: None if v != v else v for k, v in row.items()}
        for segment, row in table.table.to_dict(orient="index").items()
    ]
    return {"school": school, "base": table.base, "rule": table.rule.sentence, "segments": rows}


def _say_all(profiles, out: Path | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_as_json(school, table) for school, table in profiles.items()], indent=2))
    if out is not None:
        typer.echo(f"wrote {out}: {len(profiles):,} schools", err=True)
    elif not as_json:
        typer.echo(f"{len(profiles):,} schools have pupils placed in a segment; use -o profiles.csv or --json")


command.__name__ = "profile"
