"""``geoplan profile catchments``: catchments as they are lived in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

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
    recording,
    shown,
    steps,
)
from geoplan.errors import UnknownCodeError


def command(
    school: Annotated[
        str, typer.Option("--school", "-s", help="Say it of one school, by its URN; the files have all.")
    ] = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who lives in each catchment and who attends: take-up, leakage, who comes from outside, and how far.

    The catchments are the first plan under [plans]; pupils are those of the years that all its schools teach. With
    -o write the page (.html: map, who lives where by who attends what, distances), a workbook (.xlsx) or the
    catchments (.csv). Small numbers are hidden (shown as c) and the others rounded.

    Example: geoplan profile catchments --school 900046 -o catchments.html
    """
    from geoplan.intake_books import finding_shares, intake_book, intake_finding, intake_sheets, school_sentences
    from geoplan.intakes import intake_marks, protect_intakes
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    place = read_project(project)
    check_targets([out], inputs=project_inputs(place))
    plans = list(place.settings.plans)
    if not plans:
        raise UnknownCodeError("the project names no catchments; add them under [plans]")
    people, schools, layers = load_people(place)
    plan = place.catchments(plans[0])
    names = schools.frame["name"].astype("str").to_dict()
    with (
        steps("protecting the numbers", "writing") as step,
        recording(place.folder, place.rule(), writes=out is not None) as numbers,
    ):
        next(step)
        data = "; ".join(part for part in (plan.name, place.as_at) if part)
        numbers = numbers.with_marks(intake_marks(people, schools, plan, data))
        intakes = protect_intakes(people, schools, plan, numbers.rule, data=data, earlier=numbers.earlier()[0])
        finding = intake_finding(intakes, plan, names)
        said = school_sentences(intakes, plan, school, names) if school else []
        next(step)
        if out is not None:
            sources = (*people.sources, plan.source)
            if out.suffix == ".html":
                drawn = _drawn(place, plan.kind, layers)
                numbers.write_page(out, intake_book(intakes, plan, schools, sources, drawn), [finding_shares(intakes)])
            else:
                _write(numbers, out, intake_sheets(intakes, plan, names), (finding, *intakes.notes), sources)
    if as_json:
        typer.echo(json.dumps(_as_json(intakes, finding, said), indent=2))
    elif school:
        typer.echo("\n".join([f"{names.get(school, school)} ({school}), {plan.name}", *said, *intakes.notes]))
    else:
        _print(intake_sheets(intakes, plan, names)["Catchments"], finding)
        typer.echo("\n".join((*intakes.notes, intakes.rule.sentence)))
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def _drawn(place, kind: str, layers):
    """The project's outlines of the plan's areas, if it has them."""
    if kind not in place.settings.areas:
        return None
    return next((layer for layer in layers if layer.kind == kind), None) or place.areas(kind)[0]


def _write(numbers, out: Path, sheets, about, sources) -> None:
    from geoplan.cli.reach import write_workbook
    from geoplan.io.outputs import table_csv

    if out.suffix == ".xlsx":
        write_workbook(numbers, out, sheets, about, sources)
        return
    table = sheets["Catchments"]
    numbers.write(out, table_csv(table), [table])


def _print(table, finding: str) -> None:
    import pandas as pd

    rows = table.table
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            **{name: shown(rows[name], table.is_hidden(name), "{:,.0f}") for name in ("residents", "own", "other")},
            "take_up": shown(100 * rows["take_up"], table.is_hidden("take_up"), "{:.0f}%"),
            "mostly": rows["mostly"],
        }
    )
    typer.echo(finding)
    print_table(cells, ["catchment of", "live in it", "attend its school", "another", "take-up", "others mostly to"])


def _as_json(intakes, finding: str, said: list[str]) -> dict:
    def rows(table) -> list[dict]:
        frame = table.table.astype("object").mask(table.hidden, "c")
        return [
            {"code": code} | {str(k): None if v != v else v for k, v in row.items()}
            for code, row in frame.to_dict(orient="index").items()
        ]

    tables = {"catchments": intakes.catchments, "schools": intakes.schools, "matrix": intakes.matrix,
              "distances": intakes.bands, "areas": intakes.areas}  # fmt: skip
    answer = {"finding": finding, "who": intakes.who, "rule": intakes.rule.sentence, "notes": list(intakes.notes)}
    return answer | ({"school": said} if said else {}) | {name: rows(table) for name, table in tables.items()}


command.__name__ = "catchments"
