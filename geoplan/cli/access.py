"""``geoplan access``: what closing small schools, or one reorganisation, does to the way to school."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    recording,
    ruled,
    shown,
    steps,
)
from geoplan.cli.reach import rows
from geoplan.cli.ways import (
    LayerOption,
    MatrixOption,
    NetworkOption,
    PieceOption,
    PointsOption,
    RoundOption,
    WalkedOption,
    in_unit,
    ways_of,
)

app = typer.Typer(
    no_args_is_help=True,
    help="What a closure does to the way to school.\n\nExample: geoplan access close 900003 --by msoa11 -o closure.html"
    "\n\nExample: geoplan access screen --under 200 -o small_schools.html",
    rich_markup_mode=None,
)
RuleOption = Annotated[str, typer.Option("--rule", help="How places are given: 'least total' or 'closest first'.")]
FaithOption = Annotated[str, typer.Option("--faith", help="Suitable schools: any, none, or same (as the one left).")]
PlacesOnlyOption = Annotated[
    bool, typer.Option("--places-only", help="Do not hold year groups to the admission number, schools to places only.")
]


@app.command("close")
def close(
    schools: Annotated[list[str] | None, typer.Argument(help="Schools that close, by number.")] = None,
    merge: Annotated[list[str], typer.Option("--merge", help="Schools made into one: 900003,900009=900003.")] = [],  # noqa: B006
    years: Annotated[list[str], typer.Option("--years", help="Other year groups at a school: 900003=R-6.")] = [],  # noqa: B006
    places: Annotated[list[str], typer.Option("--places", help="Places more at a school: 900003=+60.")] = [],  # noqa: B006
    name: Annotated[str, typer.Option("--name", help="What the option is called.")] = "",
    by: Annotated[str, typer.Option("--by", help="Kind of area to count homes by: msoa11.")] = "",
    rule: RuleOption = "least total",
    faith: FaithOption = "any",
    places_only: PlacesOnlyOption = False,
    network: NetworkOption = None,
    layer: LayerOption = "",
    main_piece: PieceOption = False,
    matrix: MatrixOption = None,
    walked: WalkedOption = False,
    round_to_m: RoundOption = 0.0,
    school_point: PointsOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Where the pupils of closing or changed schools would go: the next nearest suitable school with room, and how far.

    With -o write a page (.html), a workbook (.xlsx) or the receiving schools (.csv). Small numbers are hidden (shown as
    c) and the others rounded.

    Example: geoplan access close 900003 --by msoa11 -o closure.html
    """
    from geoplan.access import Reorganisation, reorganise
    from geoplan.access_books import closure_book, finding
    from geoplan.access_tables import access_marks, protect_access
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    option = Reorganisation(name or "the option", tuple(schools or ()), _merges(merge), _ranges(years), _added(places))
    if not option.schools:
        raise typer.BadParameter("name a school that closes, or give --merge, --years or --places")
    folder = read_project(project)
    shown_by, out = ruled(folder, internal, out)
    inputs = [*project_inputs(folder), network, matrix]
    check_targets([out], inputs=inputs)
    people, register, layers = load_people(folder)
    with (
        steps("measuring ways", "finding places", "protecting the numbers", "writing") as step,
        recording(folder.folder, shown_by, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        pupils = people.people
        travel, at = ways_of(
            pupils, register.frame, network=network, layer=layer, main_piece=main_piece, matrix=matrix, walked=walked,
            round_to_m=round_to_m, school_point=school_point,
        )  # fmt: skip
        next(step)
        _check_rule(rule, faith)
        found = reorganise(pupils, register.frame, option, travel, at, rule=rule, by_pan=not places_only, faith=faith)
        next(step)
        kind = by or (layers[0].kind if layers else "")
        if by and by not in people.kinds:
            raise typer.BadParameter(f"{by}: pupils have {', '.join(people.kinds)}", param_hint="--by")
        known = {"noun": people.noun, "data": folder.as_at}
        numbers = numbers.with_marks(access_marks(found, **known))
        tables = protect_access(
            found, register.frame["name"].to_dict(), numbers.rule, areas=pupils[kind] if kind else None, kind=kind,
            earlier=numbers.earlier()[0], all_areas=pupils[list(people.kinds)], **known,
        )  # fmt: skip
        next(step)
        sources = (*people.sources, *([travel.source] if travel.source is not None else []))
        if out is not None and out.suffix == ".html":
            drawn = _drawn(layers, kind, pupils)
            numbers.write_page(
                out, closure_book(tables, sources, register, option.schools, drawn), [tables.figures, _public(tables)]
            )
        elif out is not None:
            _write(numbers, out, tables, finding(tables), sources)
    if as_json:
        typer.echo(json.dumps(_as_json(tables, finding(tables)), indent=2))
    else:
        _print(tables, finding(tables))
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


@app.command("screen")
def screen(
    under: Annotated[int, typer.Option("--under", min=1, help="Small schools: with fewer pupils than this.")] = 100,
    within: Annotated[
        str, typer.Option("--within", help="A reasonable way to school: '2 miles', or '45 minutes' of a matrix.")
    ] = "2 miles",
    below: Annotated[int, typer.Option("--below", min=0, help="The old rule: reviewed if the roll falls below.")] = 20,
    forecast: Annotated[
        Path | None,
        typer.Option("--forecast", help="Forecast rolls: what geoplan forecast wrote (.csv), or school, year, pupils."),
    ] = None,
    phase: Annotated[str, typer.Option(help="Only schools of this phase.")] = "",
    rule: RuleOption = "least total",
    faith: FaithOption = "any",
    places_only: PlacesOnlyOption = False,
    network: NetworkOption = None,
    layer: LayerOption = "",
    main_piece: PieceOption = False,
    matrix: MatrixOption = None,
    walked: WalkedOption = False,
    round_to_m: RoundOption = 0.0,
    school_point: PointsOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Every small school closed by itself: the rule by roll alone beside the way to the next school with room.

    Example: geoplan access screen --under 200 --within "2 miles" -o small_schools.html
    """
    import pandas as pd

    from geoplan.access import closure_screen, old_rule
    from geoplan.access_books import screen_book, screen_columns, screen_finding
    from geoplan.access_tables import protect_screen, screen_marks, screen_population, single_sex_words
    from geoplan.io.housing import read_roll_forecast
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    shown_by, out = ruled(folder, internal, out)
    inputs = [*project_inputs(folder), network, matrix, forecast]
    check_targets([out], inputs=inputs)
    people, register, layers = load_people(folder)
    with (
        steps("measuring ways", "closing each school", "protecting the numbers", "writing") as step,
        recording(folder.folder, shown_by, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        pupils, frame = people.people, register.frame
        travel, at = ways_of(
            pupils, frame, network=network, layer=layer, main_piece=main_piece, matrix=matrix, walked=walked,
            round_to_m=round_to_m, school_point=school_point,
        )  # fmt: skip
        reasonable = in_unit(within, travel.unit)
        next(step)
        _check_rule(rule, faith)
        rolls = pupils["school"].astype("str").value_counts().reindex(frame.index, fill_value=0)
        small = _small(frame, rolls, under, phase)
        if not small:
            raise typer.BadParameter(_none_small(frame, rolls, under, phase, numbers.rule), param_hint="--under")
        found = closure_screen(pupils, frame, small, travel, at, rule=rule, by_pan=not places_only, faith=faith)
        future = None if forecast is None else read_roll_forecast(forecast)[0]
        reviews = old_rule(rolls, future, below)
        next(step)
        known = {"noun": people.noun, "data": folder.as_at}
        numbers = numbers.with_marks(screen_marks(found, reasonable, **known))
        table = protect_screen(
            found, frame, rolls, reviews, reasonable, numbers.rule, earlier=numbers.earlier()[0], **known
        )
        next(step)
        sizes = _sizes(rolls.loc[_looked_at(frame, phase)], under, numbers.rule)
        unit = "miles" if travel.unit == "m" else "minutes"
        said = screen_finding(table, within, below)
        first = next(iter(found.values()))
        told, more = single_sex_words(
            pd.concat([each.pupils["not_judged"] for each in found.values()], ignore_index=True),
            screen_population(first, reasonable, **known), numbers.rule, how=rule, noun=people.noun,
            earlier=[*numbers.earlier()[0], *table.printed],
        )  # fmt: skip
        table = replace(table, printed=(*table.printed, *more))
        notes = (*first.notes, *told, _forecast_words(forecast))
        sources = (*people.sources, *([travel.source] if travel.source is not None else []))
        if out is not None and out.suffix == ".html":
            book = screen_book(
                table, sources, register, reasonable=within, unit=unit, below=below, sizes=sizes, notes=notes,
                boundaries=layers[0] if layers else None,
            )  # fmt: skip
            numbers.write_page(out, book, [sizes])
        elif out is not None:
            _write_one(numbers, out, table, "Small schools", said, sources)
    if as_json:
        typer.echo(
            json.dumps({"finding": said, "rule": table.rule.tag, "schools": rows(table), "notes": notes}, indent=2)
        )
    else:
        typer.echo(said)
        columns = screen_columns(within, unit, below, people.noun)
        heads = ["roll", "within", "beyond", "no place", "mean_before", "mean_after", "left"]
        cells = table.table[["name", "rural", "review"]].copy()
        for each in heads:
            form = "{:.1f}" if each.startswith("mean") else "{:,.0f}"
            cells[each] = shown(table.table[each], table.is_hidden(each), form)
        print_table(
            cells, ["school", "rural", columns["review"][0], "roll", f"within {within}", f"beyond {within}",
                    "no place", f"{unit} now", f"{unit} after", "places left"],
        )  # fmt: skip
        for note in notes:
            typer.echo(note)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


# --- the parts ------------------------------------------------------------------------------------------


def _check_rule(rule: str, faith: str) -> None:
    from geoplan.access import RULES

    if rule not in RULES:
        raise typer.BadParameter(f"{rule!r}: it is {' or '.join(RULES)}", param_hint="--rule")
    if faith not in ("any", "none", "same"):
        raise typer.BadParameter(f"{faith!r}: it is any, none or same", param_hint="--faith")


def _merges(texts: list[str]) -> dict[str, tuple[str, ...]]:
    found = {}
    for text in texts:
        parts, equals, into = text.partition("=")
        codes = tuple(code.strip() for code in parts.split(",") if code.strip())
        if not equals or len(codes) < 2 or not into.strip():
            raise typer.BadParameter(f"{text!r}: write 900003,900009=900003", param_hint="--merge")
        found[into.strip()] = codes
    return found


def _ranges(texts: list[str]) -> dict[str, tuple[str, str]]:
    from geoplan.travel import YEARS

    found = {}
    for text in texts:
        code, equals, span = text.partition("=")
        low, dash, high = (part.strip().upper() for part in span.partition("-"))
        if not equals or not dash or low not in YEARS or high not in YEARS:
            raise typer.BadParameter(f"{text!r}: write 900003=R-6", param_hint="--years")
        found[code.strip()] = (low, high)
    return found


def _added(texts: list[str]) -> dict[str, int]:
    found = {}
    for text in texts:
        code, _, number = text.partition("=")
        try:
            found[code.strip()] = int(number)
        except ValueError:
            raise typer.BadParameter(f"{text!r}: write 900003=+60", param_hint="--places") from None
    return found


def _looked_at(frame, phase: str):
    """Codes of the schools of a phase; without one, of all but special schools."""
    words = frame["phase"].astype("str") if "phase" in frame else frame["name"].map(lambda _: "")
    kinds = words if "type" not in frame else words + " " + frame["type"].astype("str")
    return frame.index[words.eq(phase) if phase else ~kinds.str.contains("special", case=False)]


def _small(frame, rolls, under: int, phase: str) -> list[str]:
    """Schools with fewer pupils than ``under``, special schools left out unless their phase is asked for."""
    return [code for code in _looked_at(frame, phase) if 0 < rolls[code] < under]


def _none_small(frame, rolls, under: int, phase: str, rule) -> str:
    """That no school is so small, which is the smallest, and what to say instead."""
    from geoplan.disclosure import protect_counts

    of = f" {phase}" if phase else ""
    others = _small(frame, rolls, int(rolls.max()) + 1, phase)
    if not others:
        return f"no{of} school has any pupils on roll; check --phase"
    least = min(others, key=lambda code: rolls[code])
    shown_, hidden = protect_counts(rolls.loc[[least]], rule)
    size = f"about {shown_.iloc[0]:,.0f}" if not hidden.iloc[0] else f"fewer than {rule.hide_below}"
    try_ = 50 if hidden.iloc[0] else 50 * (int(shown_.iloc[0]) // 50 + 1)  # of the number printed, not of the roll
    return (
        f"no{of} school has fewer than {under:,} pupils: the smallest, {frame.at[least, 'name']}, has {size}; "
        f"try --under {try_}"
    )


def _sizes(rolls, under: int, rule):
    """How many of the schools looked at are under each size, by printed rolls."""
    import pandas as pd

    from geoplan.access import SMALL, small_schools
    from geoplan.disclosure import protect_counts

    printed, hidden = protect_counts(rolls, rule)
    counts = small_schools(printed.mask(hidden, 1.0), sorted({*SMALL, under}))
    index = pd.Index([f"fewer than {size} pupils" for size in counts], name="roll")
    return pd.DataFrame({"schools": [float(count) for count in counts.values()]}, index=index)


def _forecast_words(forecast: Path | None) -> str:
    if forecast is None:
        return "No forecast was given: the roll of today stands for it (--forecast)."
    return f"The lowest roll forecast is from {forecast.name}."


def _drawn(layers, kind: str, pupils):
    from geoplan.cli.reach import _drawn as drawn

    if not layers or not kind:
        return None
    found = next((layer for layer in layers if layer.kind == kind), None)
    if found is not None:
        return found

    class _Kinds:
        kinds, people = (kind,), pupils

    return drawn(layers, [kind], _Kinds)


def _public(tables):
    """Places of the schools, public facts."""
    return tables.receiving.table[["places"]]


def _write(numbers, out: Path, tables, said: str, sources) -> None:
    from geoplan.io.outputs import table_csv

    if out.suffix == ".csv":
        numbers.write(out, table_csv(tables.receiving), [tables.receiving])
        return
    sheets = {"Where they would go": tables.receiving, "Without a place": tables.without, "How far": tables.bands}
    sheets |= {"By area": tables.areas} if tables.areas is not None else {}
    _write_workbook(numbers, out, sheets, [said, *tables.notes], sources)


def _write_workbook(numbers, out: Path, sheets: dict, about: list[str], sources, public: dict | None = None) -> None:
    import pandas as pd

    from geoplan.io.workbook_out import about_lines

    every = {**sheets, **(public or {})}
    words = pd.DataFrame(about_lines(every, about, sources), columns=["part", "text"])
    facts = [words, *(public or {}).values()]
    numbers.write(out, numbers.workbook(every, about, sources, out.name), list(sheets.values()), facts)


def _write_one(numbers, out: Path, table, title: str, said: str, sources) -> None:
    from geoplan.io.outputs import table_csv

    if out.suffix == ".csv":
        numbers.write(out, table_csv(table), [table])
    else:
        _write_workbook(numbers, out, {title: table}, [said], sources)


def _print(tables, said: str) -> None:
    typer.echo(said)
    table, hidden = tables.receiving.table, tables.receiving.hidden
    cells = table[["name"]].copy()
    for name in ("places", "roll", "comes", "left"):
        gone = hidden[name] if name in hidden else table[name].isna() & False
        cells[name] = shown(table[name], gone, "{:,.0f}")
    print_table(cells, ["would go to", "places", "roll", "would come", "places left"])
    bands = tables.bands.table.reset_index()
    for name in ("before", "after"):
        bands[name] = shown(tables.bands.table[name], tables.bands.hidden[name], "{:,.0f}")
    print_table(bands, ["way to school", "before", "after"])
    for note in tables.notes:
        typer.echo(note)


def _as_json(tables, said: str) -> dict:
    answer = {
        "finding": said,
        "rule": tables.rule.tag,
        "unit": tables.unit,
        "receiving": rows(tables.receiving),
        "without": rows(tables.without),
        "way": rows(tables.bands),
        "figures": tables.figures.to_dict(orient="index"),
        "notes": list(tables.notes),
    }
    return answer | ({"areas": rows(tables.areas)} if tables.areas is not None else {})
