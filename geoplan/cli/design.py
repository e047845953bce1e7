"""``geoplan design``: catchments designed within limits, with a proof of how good they are, or why there are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    ProjectOption,
    by_ending,
    check_targets,
    project_inputs,
    recording,
    ruled,
    steps,
)
from geoplan.cli.design_inputs import asked_of, bridges_of, ground_of, is_file, measures_known, with_files
from geoplan.cli.design_outputs import Answer, as_json_values, print_answer, protect, solving, surveying, write_outputs

_ENDINGS = (".csv", ".html", ".xlsx")
_MOST_POINTS = 6  # limits on each of two measures; a picture has so many marks
_FIRST = "; ".join(("travel", "worst_travel", "moved", "gorard", "dissimilarity", "balance"))


def command(
    brief: Annotated[
        Path | None, typer.Option("--brief", help="A TOML file with the objective and limits; options change it.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option("--objective", help=f"What to make least: {_FIRST}; several with prices: travel=1, moved=0.01."),
    ] = None,
    then: Annotated[str, typer.Option("--then", help="A second measure, among plans as good in the first.")] = "",
    within: Annotated[
        float | None, typer.Option("--within", min=0, help="Per cent: each school's children near its share by places.")
    ] = None,
    full_at_most: Annotated[float | None, typer.Option("--full-at-most", min=0, help="Per cent of places.")] = None,
    full_at_least: Annotated[float | None, typer.Option("--full-at-least", min=0, help="Per cent of places.")] = None,
    max_travel: Annotated[
        float | None, typer.Option("--max-travel", min=0, help="No area farther from its school (km or minutes).")
    ] = None,
    nearest: Annotated[
        int | None, typer.Option("--nearest", min=1, help="Each area to one of so many nearest schools.")
    ] = None,
    at_most: Annotated[
        list[str] | None, typer.Option("--at-most", help="The most of a measure: moved=200, gorard=0.2, travel=3.")
    ] = None,
    fixed: Annotated[
        Path | None, typer.Option("--fixed", help="Areas whose school is settled: a CSV of areas and schools.")
    ] = None,
    together: Annotated[
        Path | None, typer.Option("--together", help="Areas not to be split: a CSV of areas and their group.")
    ] = None,
    bridge: Annotated[
        list[str] | None,
        typer.Option("--bridge", help="Two areas that count as neighbours (a bridge, a ferry): CODE-CODE."),
    ] = None,
    split: Annotated[bool, typer.Option("--split", help="Let catchments be in several pieces.")] = False,
    today: Annotated[
        str, typer.Option("--today", help="The plan to move from: its name under [plans] or a CSV; none for none.")
    ] = "today",
    school: Annotated[
        list[str] | None, typer.Option("--school", help="The schools to design for, if not those of the plan.")
    ] = None,
    children: Annotated[
        str,
        typer.Option(
            "--children",
            help="Whom: all, year_group=7, or a CSV of children by area, a column a year.",
            show_default="the year groups that the schools teach",
        ),
    ] = "",
    forecast: Annotated[
        Path | None,
        typer.Option(
            "--forecast",
            help="Years to come too: what geoplan forecast wrote (.csv), each area growing as its catchment's schools.",
        ),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="The CSV of children is published: its counts are shown as they are.")
    ] = False,
    places: Annotated[
        str, typer.Option("--places", help="Column of the schools file (places, pan).", show_default="places")
    ] = "",
    mix: Annotated[
        str,
        typer.Option("--mix", help="The group whose spread gorard measures: fsm=yes, or a CSV: area, group, counted."),
    ] = "fsm=yes",
    travel: Annotated[
        Path | None, typer.Option("--travel", help="Journeys: a CSV of area, school, minutes or metres.")
    ] = None,
    areas: Annotated[str, typer.Option("--areas", help="The kind of area, if not that of the plan.")] = "",
    trade_off: Annotated[
        list[str] | None,
        typer.Option(
            "--trade-off",
            help="Also what less of this measure costs in the objective (moved, gorard); or two or three measures at "
            "once: travel,gorard,moved.",
        ),
    ] = None,
    points: Annotated[
        int,
        typer.Option(
            "--points",
            min=2,
            max=20,
            help="Designs on each trade-off curve; of three measures, limits on each of two (at most 6): 5 take at "
            "most 28 designs, 4 take 19, each up to the time limit.",
        ),
    ] = 5,
    time_limit: Annotated[float, typer.Option("--time-limit", min=0.1, help="Seconds for each design.")] = 60.0,
    gap: Annotated[float, typer.Option("--gap", min=0, help="Good enough: per cent from the best possible.")] = 0.02,
    seed: Annotated[int, typer.Option("--seed", help="Of the search.")] = 0,
    name: Annotated[str, typer.Option("--name", help="What the plan is called.")] = "Design",
    project: ProjectOption = Path("geoplan.toml"),
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", "-o", help="The plan (.csv), its page (.html), a workbook (.xlsx); give it for each."),
    ] = None,
    trade_off_out: Annotated[
        Path | None, typer.Option("--trade-off-out", help="The trade-off of several measures as numbers (.csv).")
    ] = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Design catchments within limits: the best plan found, and a bound that no other plan can beat.

    --trade-off travel,gorard,moved works out the designs that no other beats in all three, with what each choice
    costs: 28 designs with --points 5, so at most 28 times the time limit; stop sooner with a shorter one.

    If no plan keeps every limit, says why and which limits to relax (exit code 1). Small numbers of children are
    hidden (shown as c) and the others rounded.

    Example: geoplan design --within 10 --nearest 5 -o plan.csv -o plan.html
    """
    from geoplan.briefs import DISSIMILARITY, GORARD, MOVED
    from geoplan.designs import design
    from geoplan.designs import trade_off as curve_of
    from geoplan.io.project import read_project
    from geoplan.trade_offs import solves_needed, trade_surface

    outs = list(out or [])
    for path in outs:
        by_ending(path, *_ENDINGS)
    if trade_off_out is not None:
        by_ending(trade_off_out, ".csv")
    folder = read_project(project)
    files = [Path(each) for each in (children, mix, today) if is_file(each)]
    rule, trade_off_out, *named = ruled(folder, internal, trade_off_out, *(each for each in outs if _counts(each)))
    outs = [each for each in outs if not _counts(each)] + named
    written = [*outs, *([trade_off_out] if trade_off_out is not None else [])]
    inputs = [*project_inputs(folder), *files, brief, fixed, together, travel, forecast]
    check_targets(written, inputs=inputs)
    if forecast is not None and internal:
        raise typer.BadParameter(
            "a forecast lets protected counts grow: there are no exact numbers to show with it", param_hint="--internal"
        )
    if forecast is not None and (today == "none" or is_file(children)):
        raise typer.BadParameter(
            "it lets the children of today's catchments grow: it needs a plan of today, and no file of children",
            param_hint="--forecast",
        )
    asked = asked_of(brief, objective, then, within, full_at_most, full_at_least, max_travel, nearest, at_most, split)
    asked = replace(asked, limits=with_files(asked.limits, fixed, together), bridges=bridges_of(asked, bridge or []))
    curves, several = _trade_offs(trade_off or [], points)
    measures = {*asked.objective, *asked.limits.at_most, *curves, *several, asked.then}
    if curves and (len(asked.objective) > 1 or set(curves) & set(asked.objective)):
        raise typer.BadParameter(
            "give one objective, and another measure to trade it against", param_hint="--trade-off"
        )
    if trade_off_out is not None and not several:
        raise typer.BadParameter("name two or three measures: --trade-off travel,moved", param_hint="--trade-off")
    if measures & {MOVED} and today == "none":
        raise typer.BadParameter("to count children moved there must be a plan of today", param_hint="--today")
    ground = ground_of(
        folder, asked, today, school or [], children, places, mix, travel, areas,
        with_mix=bool(measures & {GORARD, DISSIMILARITY}), published=published, rule=rule,
        moves_traded=MOVED in several or bool(curves and today != "none"), forecast=forecast,
    )  # fmt: skip
    words = {"gap": gap / 100, "seconds": time_limit, "seed": seed}
    with solving("designing", time_limit) as progress:
        found = design(
            ground.problem,
            asked.objective,
            asked.limits,
            then=asked.then or None,
            name=name,
            progress=progress,
            **words,
        )
    traded, surface = {}, None
    if found.plan is not None:
        (single, *_) = asked.objective
        for against in curves:
            with solving(f"trading {single} against {against}", time_limit * (points + 1)) as progress:
                traded[against], _ = curve_of(
                    ground.problem, against, asked.limits, objective=single, points=points, progress=progress, **words
                )
        if several:
            most = solves_needed(several, points)
            with surveying(f"trading {', '.join(several)}", most) as told:
                surface = trade_surface(
                    ground.problem, several, asked.limits, steps=points, gap=gap / 100, seconds=time_limit * most,
                    seed=seed, start=found.plan, progress=told,
                )  # fmt: skip
    answer = Answer(ground, asked, found, None, traded, surface)
    writes = trade_off_out is not None or bool(named)
    with recording(folder.folder, rule, writes=writes, inputs=inputs) as numbers:
        if found.plan is not None:
            with steps("protecting the numbers", "writing") as step:
                next(step)
                answer, numbers = protect(numbers, answer, None if published or ground.evidence is not None else rule)
                next(step)
                write_outputs(outs, trade_off_out, numbers, answer, name)
    if as_json:
        typer.echo(json.dumps(as_json_values(answer), indent=2, ensure_ascii=False))
    else:
        print_answer(answer)
    if found.plan is None:
        if written:
            typer.echo("Nothing was written.", err=True)
        raise typer.Exit(1)
    for path in written:
        typer.echo(f"wrote {path}", err=True)


def _counts(path: Path) -> bool:
    """Whether an output counts children: a page or workbook does, a plan (areas and schools) does not."""
    return path.suffix != ".csv"


def _trade_offs(texts: list[str], points: int) -> tuple[list[str], tuple[str, ...]]:
    """Measures to trade the objective against, one by one; and two or three to trade at once."""
    curves, several = [], ()
    for text in texts:
        names = [name.strip() for name in text.split(",") if name.strip()]
        measures_known(names, "--trade-off")
        if len(names) == 1:
            curves += names
            continue
        if several:
            raise typer.BadParameter("one list of measures at a time", param_hint="--trade-off")
        if not 2 <= len(names) <= 3 or len(set(names)) < len(names):
            raise typer.BadParameter("name two or three different measures: travel,gorard,moved",
                                     param_hint="--trade-off")  # fmt: skip
        if len(names) == 3 and points > _MOST_POINTS:
            raise typer.BadParameter(f"at most {_MOST_POINTS} with three measures", param_hint="--points")
        several = tuple(names)
    return curves, several


command.__name__ = "design"
