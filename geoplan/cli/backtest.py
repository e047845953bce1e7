"""``geoplan backtest``: how wrong forecasts would have been, beside the naive ones and the authorities of England."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import InternalOption, JsonOption, OutOption, ProjectOption, by_ending, print_table, steps
from geoplan.cli.forecasting import (
    AreaTotalsOption,
    AudienceOption,
    AuthorityOption,
    BirthsOption,
    FeedersOption,
    FlowsOption,
    HiddenAsOption,
    LevelOption,
    LinksOption,
    MovingOption,
    PlanOption,
    PopulationOption,
    PublishedOption,
    ReasonOption,
    RegisterOption,
    RollsArgument,
    TotalsOption,
    YearsOption,
    account_rows,
    given_of,
    groundwork,
    plain_rows,
    prepared,
    rule_of,
    write_sheets,
)


def command(
    rolls: RollsArgument = ["rolls"],  # noqa: B006
    years: YearsOption = 7,
    level: LevelOption = "cluster",
    register: RegisterOption = "",
    population: PopulationOption = None,
    births: BirthsOption = None,
    links: LinksOption = None,
    plan: PlanOption = "",
    feeders: FeedersOption = None,
    flows: FlowsOption = None,
    authority: AuthorityOption = "",
    totals: TotalsOption = None,
    area_totals: AreaTotalsOption = None,
    moving: MovingOption = "",
    scorecards: Annotated[
        Path | None, typer.Option("--scorecards", help="The DfE's school places scorecards, to count authorities.")
    ] = None,
    published: PublishedOption = "",
    hidden_as: HiddenAsOption = None,
    audience: AudienceOption = "public",
    reason: ReasonOption = "",
    internal: InternalOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try every method from every past year, one to seven years ahead, and say how wrong it was.

    Error is (forecast - actual) / actual, as the DfE scores authorities. With -o write the page (.html), a workbook
    (.xlsx) or every method's accuracy (.csv).

    Example: geoplan backtest rolls_earlier.csv rolls --register register -o backtest.html
    """
    from geoplan.backtests import COMBINATION, backtest
    from geoplan.forecast_books import NOT_ALIKE, backtest_book
    from geoplan.forecast_grids import held_overall, held_sentence
    from geoplan.io.forecast_inputs import TOP
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    rule, out = rule_of(folder, audience, reason, internal, out)
    given = given_of(
        rolls, level, register, births, links, plan, published, hidden_as, feeders, flows, authority, totals,
        area_totals, moving, population,
    )  # fmt: skip
    with (
        steps("reading", "protecting the numbers", "trying methods on the past", "writing") as step,
        prepared(folder, given, [out], [scorecards], rule, step) as ready_made,
    ):
        numbers, material, ready = ready_made
        next(step)
        past = backtest(ready.history, ready.rolls.places, ready.groups, horizons=years)
        done, said = groundwork(past, ready, years, numbers.rule)
        notes = (*ready.notes, *said)
        accuracy = past.accuracy(TOP)
        standing = _standing(accuracy, scorecards)
        next(step)
        if out is not None:
            book = backtest_book(
                past, material.sources, top=TOP, rule=numbers.rule, printed=ready.printed, published=bool(published),
                notes=notes, title=f"How wrong forecasts would have been: {folder.name}", groundwork=done,
            )  # fmt: skip
            _write(numbers, out, book, past)
            typer.echo(f"wrote {out}", err=True)
    if as_json:
        table = past.accuracy().reset_index()
        table = table.astype(dict.fromkeys(("level", "measure", "method"), "str"))
        coverage = past.coverage().reset_index().astype({"level": "str", "measure": "str"})
        told = done.assign(added=done["after"] - done["before"])
        answer = {
            "accuracy": plain_rows(table),
            "coverage": plain_rows(coverage),
            "chosen": plain_rows(past.chosen_weights),
            "standing": standing,
            "adjustments": plain_rows(account_rows(told, numbers.rule.round_to)),
            "notes": notes,
        }
        typer.echo(json.dumps(answer, indent=2, default=float))
        return
    mine = accuracy.xs(COMBINATION, level="method").reset_index()
    mine = mine[mine["ahead"].isin([1, 3, 5, 7])]
    cells = (
        mine[["measure"]]
        .astype("str")
        .assign(
            ahead=mine["ahead"].map("{} ahead".format),
            error=mine["mape"].map(lambda value: f"{100 * value:.1f}%"),
            bias=mine["bias"].map(lambda value: f"{100 * value:.1f}%"),
            value=["yes" if each else "no" for each in mine["beats_last_value"]],
            ratio=["yes" if each else "no" for each in mine["beats_last_ratio"]],
            forecasts=mine["forecasts"].map(str),
        )
    )
    print_table(cells, ["rolls", "years", "error", "bias", "beats last value", "beats last ratio", "tried"])
    typer.echo(held_sentence(held_overall(past, TOP)))
    for line in standing:
        typer.echo(line)
    if standing:
        typer.echo(NOT_ALIKE)
    for note in notes:
        typer.echo(note)


def _standing(accuracy, scorecards: Path | None) -> list[str]:
    """Where the combination stands among the authorities, in words."""
    from geoplan.backtests import COMBINATION
    from geoplan.io.forecast_inputs import TOP
    from geoplan.scorecards import BANDS, YEAR, bands_of, errors_of, place_among

    others, bands, year = None, BANDS, YEAR
    if scorecards is not None:
        from geoplan.io.rolls import read_scorecards

        table, _ = read_scorecards(scorecards)
        year = max(table["year"])
        others = errors_of(table, year)
        bands = bands_of(others)
    lines = []
    for phase, ahead in BANDS:
        key = (TOP, phase, ahead, COMBINATION)
        if key not in accuracy.index:
            continue
        bias, size = accuracy.at[key, "bias"], accuracy.at[key, "mape"]
        words, _ = place_among(bias, phase, ahead, bands=bands)
        line = f"{phase}, {ahead} year{'s' if ahead > 1 else ''} ahead: mean error {100 * bias:.1f}%, {words} in {year}"
        if others is not None:
            larger = float((others[(phase, ahead)].dropna().abs() > size).mean())
            line += f"; {100 * larger:.0f}% of them missed by more than our mean size, {100 * size:.1f}%"
        lines.append(line)
    return lines


def _write(numbers, out, book, past) -> None:
    from geoplan.io.outputs import table_csv

    if out.suffix == ".html":
        numbers.write_page(out, book)
        return
    if out.suffix == ".xlsx":
        write_sheets(numbers, out, book)
        return
    table = past.accuracy().reset_index().astype(dict.fromkeys(("level", "measure", "method"), "str"))
    for name in ("beats_last_value", "beats_last_ratio"):
        table[name] = table[name].map({True: "yes", False: "no"}).fillna("no")
    table = table.rename(columns={name: f"{name}_share" for name in ("mape", "median", "bias", "total_error")})
    numbers.write(out, table_csv(table.set_index(["level", "measure", "ahead", "method"])), book.tables,
                  (*book.worked_out, table.set_index(["level", "measure", "ahead", "method"])))  # fmt: skip


command.__name__ = "backtest"
