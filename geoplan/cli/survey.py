"""``geoplan survey``: whom a survey heard, and whether another study is due."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_private,
    check_targets,
    load_people,
    project_inputs,
    recording,
    ruled,
    steps,
)
from geoplan.cli.reach import (
    ByOption,
    KeyOption,
    base_words,
    conditions_of,
    kinds_of,
    known_as,
    read_users,
    rows,
    sheet_title,
    write_workbook,
)


def command(
    respondents: Annotated[str, typer.Argument(help="Respondents: a file with postcodes, or its name in the project.")],
    base: Annotated[str, typer.Option("--base", help="Who was asked: all, or year_group=5,6.")] = "all",
    by: ByOption = ["segment"],  # noqa: B006
    key: KeyOption = "",
    least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Below this response, do another study.")] = 0.2,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="Also write each respondent's weight (.csv): for its owner, not to be shared."),
    ] = None,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Check a survey's respondents against the population: response by group, the 20% rule, weights, a top-up.

    With -o write a page (.html) or a workbook (.xlsx).
    Small numbers are hidden (shown as c) and the others rounded.

    Example: geoplan survey callers_2025 --key family_id --base year_group=5,6 --by segment -o survey.html
    """
    from geoplan.assignment import assign
    from geoplan.io.outputs import write_csv
    from geoplan.io.project import read_project
    from geoplan.reach_books import (
        raking_sentence,
        response_shown,
        survey_book,
        survey_finding,
        survey_sentences,
        survey_shares,
        top_up_shown,
        weights_sentences,
    )
    from geoplan.reach_tables import protect_reach, reach_marks
    from geoplan.service_reach import reach
    from geoplan.surveys import rake, weights_of

    if out is not None:
        by_ending(out, ".html", ".xlsx")
    if weights is not None:
        by_ending(weights, ".csv")
    folder = read_project(project)
    rule, out = ruled(folder, internal, out)
    inputs = [*project_inputs(folder), Path(respondents)]
    check_targets([out, weights], inputs=inputs)
    check_private(weights)
    pupils, schools, layers = load_people(folder)
    by = kinds_of(by, pupils.kinds)
    conditions = conditions_of(base)
    if isinstance(conditions, Path):
        raise typer.BadParameter("those asked are people of the project: all, or year_group=5,6", param_hint="--base")
    with (
        steps("reading and placing respondents", "protecting the numbers") as step,
        recording(folder.folder, rule, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        people = assign(read_users(folder, respondents, key), folder.postcodes(), layers, folder.segments())
        eligible = pupils.where(**conditions) if conditions else pupils
        survey = reach(
            people, eligible, Path(respondents).stem.replace("_", " "), base_words(pupils.noun, conditions), by,
            names={"school": schools.frame["name"].to_dict()}, noun="respondents", inside=True,
            among=pupils, users_data=known_as(respondents, key), base_data="pupils",
        )  # fmt: skip
        next(step)
        numbers = numbers.with_marks(reach_marks(survey, folder.as_at))
        known = {"data": folder.as_at, "earlier": numbers.earlier()[0]}
        tables = protect_reach(survey, numbers.rule, crossings=[], missed=False, **known)
        raked = rake(survey, by) if survey.accounts.users else None  # exact: for its owner alone
        sentences = [survey_finding(tables, least), *survey_sentences(tables, least), *weights_sentences(tables)]
        if out is not None and out.suffix == ".xlsx":
            sheets = {sheet_title("Response", dim): response_shown(tables, dim, least) for dim in tables.by}
            sheets |= {sheet_title("Top-up", dim): top_up_shown(tables, dim, least) for dim in tables.by}
            write_workbook(numbers, out, sheets | {"Records": tables.accounts}, sentences, survey.sources)
        elif out is not None:
            book = survey_book(tables, survey.sources, least=least)
            numbers.write_page(out, book, [survey_shares(tables, least)])
        if out is not None:
            typer.echo(f"wrote {out}", err=True)
    if weights is not None and raked is not None:
        write_csv(weights, weights_of(people.people, raked).round(4), private=True)
        typer.echo(f"wrote {weights} (about single people: keep it inside the office)", err=True)
        typer.echo(f"Inside the office only: {raking_sentence(raked)}", err=True)
    if as_json:
        by_group = {dim: rows(table) for dim, table in tables.by.items()}
        typer.echo(json.dumps({"sentences": sentences, "by": by_group, "records": rows(tables.accounts)}, indent=2))
        return
    for sentence in sentences:
        typer.echo(sentence)


command.__name__ = "survey"
