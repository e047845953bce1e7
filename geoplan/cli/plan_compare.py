"""``geoplan plan compare``: what options do to the people who live in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from geoplan.cli.plan import (
    KindOption,
    PlanArgument,
    app,
    directory_for,
    plan_files,
    plan_problems,
    read_one,
    say_written,
)
from geoplan.cli.reach import base_words, conditions_of, rows
from geoplan.cli.ways import LayerOption, MatrixOption, NetworkOption, PieceOption, ways_of

_YEARS = ["N1", "N2", "R", *map(str, range(1, 15))]


@app.command()
def compare(
    today: PlanArgument,
    options: Annotated[list[str], typer.Argument(help="The options: files, or names under [plans].")],
    base: Annotated[
        str,
        typer.Option(
            "--base", help="Whom to count: all, year_group=5,6; the years of the plan's schools if not given."
        ),
    ] = "",
    idaci: Annotated[Path | None, typer.Option("--idaci", help="Areas with idaci_quintile, _decile, _rank.")] = None,
    household: Annotated[
        str, typer.Option("--household", help="Header of the pupils file that brothers and sisters share.")
    ] = "",
    groups: Annotated[
        list[str], typer.Option("--groups", help="A kind of area (ward24) to see what is split; again for more.")
    ] = [],  # noqa: B006
    forecast: Annotated[
        Path | None,
        typer.Option("--forecast", help="Children expected by area and year, or what geoplan forecast wrote (.csv)."),
    ] = None,
    applications: Annotated[
        str, typer.Option("--applications", help="A file of applications, or its name in the project.")
    ] = "",
    entry: Annotated[int, typer.Option("--entry", help="First September concerned; for the calendar.")] = 0,
    network: NetworkOption = None,
    layer: LayerOption = "",
    main_piece: PieceOption = False,
    matrix: MatrixOption = None,
    kind: KindOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the report for an adjudicator (.html or .pdf).")
    ] = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """What each option does to the people who live in it, against the first plan.

    With -o write the page to compare them on (.html), a workbook (.xlsx) or the summary (.csv). Small numbers are
    hidden (shown as c) and the others rounded. Each option set that is written is released: the next is protected
    beside it. Try options with --internal REASON first (exact numbers, on the screen or with -o in files that stay
    inside), and release those that are put forward, all options of a paper in one go.

    Distances are straight lines from homes; with --network they are walks, with --matrix the metres that you give.

    Example: geoplan plan compare today option_a option_b -o options.html --report report.html
    """
    from geoplan.io.project import read_project
    from geoplan.plan_tables import plan_marks, protect_options

    folder = read_project(project)
    rule, out, report = ruled(folder, internal, out, report)
    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    if report is not None:
        by_ending(report, ".html", ".pdf")
    given = [
        idaci,
        forecast,
        network,
        matrix,
        Path(applications) if applications and not folder.has(applications) else None,
    ]
    inputs = [*project_inputs(folder), *plan_files(folder, [today, *options]), *given]
    check_targets([out, report], inputs=inputs)
    plans = _titled([read_one(folder, name, kind) for name in (today, *options)])
    pupils, schools, layers = _people(folder, next(iter(plans.values())).kind, household)
    writes = out is not None or report is not None
    with (
        steps("counting", "protecting the numbers", "writing") as step,
        recording(folder.folder, rule, writes=writes, inputs=inputs) as numbers,
    ):
        next(step)
        measure = {"network": network, "layer": layer, "main_piece": main_piece, "matrix": matrix}
        residents, who, sources, ways = _residents(plans, pupils, schools, base, idaci, household, measure)
        next(step)
        numbers = numbers.with_marks(plan_marks(residents, who, folder.as_at))
        printed, nested = numbers.earlier()
        frame = schools.frame
        tables = protect_options(
            plans, residents, numbers.rule, base_name=who,
            sites=frame[["easting", "northing"]] if {"easting", "northing"} <= set(frame) else None,
            places=frame["places"].astype("Float64").astype(float) if "places" in frame else None,
            data=folder.as_at, earlier=printed, earlier_nested=nested,
            clusters=frame.get("cluster"),
            ages=frame[["lowest_year", "highest_year"]] if {"lowest_year", "highest_year"} <= set(frame) else None,
            ways=ways,
        )  # fmt: skip
        facts = _facts(folder, tables, pupils, schools, layers, sources, groups, forecast, applications, entry)
        next(step)
        _write_comparison(numbers, tables, facts, out, report)
    if as_json:
        typer.echo(json.dumps(_comparison_json(tables, facts), indent=2))
    else:
        _print_comparison(tables, facts)
        for note in () if ways is None else ways.notes:
            typer.echo(note)
    for path in (out, report):
        say_written(path)


def _titled(plans: Sequence) -> dict:
    """Plans by what they are called on the page: two never have one title."""
    titles: dict[str, object] = {}
    for plan in plans:
        title = plan.name.removeprefix("Catchments, ").replace("_", " ")
        title = title if " " in title else title.replace("-", " ")  # option-c.csv
        title = re.sub(r"^[a-z]|\b[a-z]$", lambda letter: letter[0].upper(), title)
        while title in titles:
            title += " (2)"
        titles[title] = plan
    return titles


def _people(folder, kind: str, household: str):
    """The pupils placed in areas of the plans' kind, with the household where it is wanted."""
    from geoplan.assignment import assign

    if not household and kind in list(folder.settings.areas)[:1]:
        return load_people(folder)
    schools = folder.schools()
    pupils = folder.pupils(schools=schools, keep=(household,) if household else ())
    layers = folder.areas(kind) if kind in folder.settings.areas else ()
    return assign(pupils, folder.postcodes(), layers, folder.segments()), schools, layers


def _residents(plans, pupils, schools, base: str, idaci: Path | None, household: str, measure: Mapping):
    from geoplan.effects import residents_of
    from geoplan.io.plans import read_quintiles
    from geoplan.travel import METRES

    sources = list(pupils.sources)
    conditions = conditions_of(base) if base else _years(plans, schools, pupils)
    if isinstance(conditions, Path):
        raise typer.BadParameter("a plan is compared for pupils: all, or year_group=7,8", param_hint="--base")
    people = pupils.where(**conditions) if conditions else pupils
    kind, fifths = "", None
    if idaci is not None:
        kind, fifths, source = read_quintiles(idaci)
        sources.append(_credited(source, "Deprivation (IDACI)"))
    plan = next(iter(plans.values()))
    ways = home = None
    if measure["network"] is not None or measure["matrix"] is not None:
        known = {member for each in plans.values() for code in each.schools for member in each.members(code)}
        ways, home = ways_of(people.people, schools.frame[schools.frame.index.isin(known)], **measure)
        if ways.unit != METRES:
            raise typer.BadParameter(
                "options are compared in metres and miles: give metres from home to school, not minutes",
                param_hint="--matrix",
            )
        sources += [] if ways.source is None else [_credited(ways.source, "Ways to school")]
    residents = residents_of(people, plan.kind, household=household, idaci=fifths, idaci_kind=kind, home=home)
    sources += [plan.source for plan in plans.values()]
    return residents, _base_words(pupils.noun, conditions), sources, ways


def _base_words(noun: str, conditions: dict[str, list[str]]) -> str:
    """The base in words; years in a row are told by their ends.

    Examples
    --------
    >>> _base_words("pupils", {"year_group": ["R", "1", "2"]}), _base_words("pupils", {"year_group": ["7"]})
    ('pupils in years R to 2', 'pupils in year 7')
    """
    years = conditions.get("year_group", [])
    if list(conditions) != ["year_group"] or not set(years) <= set(_YEARS):
        return base_words(noun, conditions)
    at = [_YEARS.index(year) for year in years]
    if len(years) == 1:
        return f"{noun} in year {years[0]}"
    if at == list(range(at[0], at[0] + len(at))):
        return f"{noun} in years {years[0]} to {years[-1]}"
    return f"{noun} in years {', '.join(years)}"


def _years(plans, schools, pupils) -> dict[str, list[str]]:
    """The year groups that the plans' schools teach; all, where the schools file does not say."""
    frame = schools.frame
    order = _YEARS
    if not {"lowest_year", "highest_year"} <= set(frame) or "year_group" not in pupils.frame:
        return {}
    years: set[str] = set()
    for plan in plans.values():
        for code in plan.schools:
            for member in plan.members(code):
                change = plan.changes.get(member)
                low, high = (frame[name].get(member, "unknown") for name in ("lowest_year", "highest_year"))
                low = change.lowest_year if change is not None and change.lowest_year else low
                high = change.highest_year if change is not None and change.highest_year else high
                if low in order and high in order:
                    years |= set(order[order.index(low) : order.index(high) + 1])
    held = set(pupils.frame["year_group"].astype("str"))
    wanted = [year for year in order if year in years & held and not (year.isdigit() and int(year) > 11)]
    return {"year_group": wanted} if wanted else {}


def _facts(folder, tables, pupils, schools, layers, sources, groups, forecast, applications, entry):
    import pandas as pd

    from geoplan.drawn_catchments import lookup_table
    from geoplan.io.forecast_inputs import own_source
    from geoplan.io.housing import is_school_forecast, read_forecast_growth
    from geoplan.io.plans import read_expected
    from geoplan.plan_words import OptionFacts
    from geoplan.sources import unique_sources

    plan = next(iter(tables.plans.values()))
    directory = directory_for(folder, plan.kind)
    drawn = next((layer for layer in layers if layer.kind == plan.kind), None)
    lookups = {}
    for kind in groups:
        if kind not in directory.kinds or plan.kind not in directory.kinds:
            raise typer.BadParameter(
                f"the postcode directory has no {kind} by {plan.kind}; it has {', '.join(directory.kinds)}",
                param_hint="--groups",
            )
        pairs = directory.table[[plan.kind, kind]].dropna().astype("str")
        lookups[kind] = pairs.groupby(plan.kind)[kind].agg(lambda codes: codes.value_counts().index[0])
    phases = schools.frame["phase"] if "phase" in schools.frame else pd.Series(dtype="str")
    own = {str(phases.get(code, "")).casefold() for code in plan.schools}
    phase = "secondary" if any("secondary" in name for name in own) else "primary"
    expected = growth = None
    if forecast is not None and is_school_forecast(forecast):
        growth, source = read_forecast_growth(forecast, phase)
        sources = [*sources, own_source(folder, source, "Forecast by school")]
    elif forecast is not None:
        expected, source = read_expected(forecast, plan.kind)
        sources = [*sources, own_source(folder, source, "Forecast by area")]
    preferences = None
    if applications:
        preferences = _preferences(folder, applications, plan, tables, schools)
    scheme = pupils.segmentation
    return OptionFacts(
        schools=schools.frame, sources=tuple(unique_sources(sources)), schools_source=schools.source, boundaries=drawn,
        look_up=lookup_table(dict(tables.plans), directory) if plan.kind in directory.kinds else None,
        groups=lookups,
        segment_names={} if scheme is None else {code: scheme.name(code) for code in scheme.segments},
        forecast=expected, growth=growth, preferences=preferences,
        problems={title: plan_problems(folder, each) for title, each in tables.plans.items()},
        entry_year=entry, phase=phase,
    )  # fmt: skip


def _credited(source, words: str):
    """A file of the authority's own, with words to credit it by."""
    return replace(source, title=words, attribution=source.attribution or f"{words}, file {source.file}")


def _preferences(folder, name: str, plan, tables, schools):
    from geoplan.assignment import assign
    from geoplan.io.people import read_applications
    from geoplan.plan_tables import protect_preferences

    path = folder.file(name) if folder.has(name) else Path(name)
    people = read_applications(path, schools)
    layers = folder.areas(plan.kind) if plan.kind in folder.settings.areas else ()
    placed = assign(people, folder.postcodes(), layers)
    return protect_preferences(plan, placed, tables.rule, data=f"{path.stem}; {folder.as_at}")


def _write_comparison(numbers, tables, facts, out: Path | None, report: Path | None) -> None:
    from geoplan.io.outputs import table_csv
    from geoplan.plan_books import options_book, options_report, report_sheets
    from geoplan.plan_words import finding, notes
    from geoplan.reach_tables import few_decimals

    if out is not None and out.suffix.lower() == ".html":
        numbers.write_page(out, options_book(tables, facts), nested=tables.nested)
    elif out is not None:
        sheets = report_sheets(tables, facts)
        sheets = {name: few_decimals(table) if hasattr(table, "hidden") else table for name, table in sheets.items()}
        if out.suffix.lower() == ".csv":
            numbers.write(out, table_csv(sheets["Summary"]), [sheets["Summary"]], nested=tables.nested)
        else:
            about = [finding(tables), *notes(tables, facts)]
            shown_, public = _apart(sheets)
            data = numbers.workbook(sheets, about, facts.sources, out.name)
            numbers.write(out, data, shown_, [*public, *_words(sheets, about, facts.sources)], tables.nested)
    if report is not None:
        page = options_report(tables, facts)
        if report.suffix.lower() == ".html":
            numbers.write_page(report, page, nested=tables.nested)
        else:
            from geoplan.io.pdf_out import pdf_bytes
            from geoplan.io.releases import facts_in, tables_in

            data = pdf_bytes(_Paper(numbers.page(page).to_html()))
            numbers.write(report, data, tables_in(page), facts_in(page), tables.nested, page.to_html())


@dataclass(frozen=True)
class _Paper:
    """A page laid out for paper: a table begins on a sheet that holds it, and its headings stand once."""

    text: str

    def to_html(self) -> str:
        style = "thead { display: table-row-group } section.panel, tr { break-inside: avoid }"
        return self.text.replace("</head>", f"<style>{style}</style></head>", 1)


def _apart(sheets) -> tuple[list, list]:
    protected = [table for table in sheets.values() if hasattr(table, "hidden")]
    return protected, [table for table in sheets.values() if not hasattr(table, "hidden")]


def _words(sheets, about, sources) -> list:
    import pandas as pd

    from geoplan.io.workbook_out import about_lines

    return [pd.DataFrame(about_lines(sheets, about, sources), columns=["part", "text"])]


def _print_comparison(tables, facts) -> None:
    import pandas as pd

    from geoplan.plan_words import change_sentences, cluster_sentences, most_sentences, option_sentence

    summary = tables.summary
    typer.echo(f"Against {tables.titles[0]}, of {tables.base_name}:")
    for option in tables.options:
        typer.echo(option_sentence(tables, option))
    forms = {
        "moves": ("change school", "{:,.0f}"), "cluster_moves": ("change cluster", "{:,.0f}"),
        "median_m": ("median m", "{:,.0f}"), "p90_m": ("p90 m", "{:,.0f}"),
        "over_2_miles": ("over 2 miles", "{:,.0f}"), "over_3_miles": ("over 3 miles", "{:,.0f}"),
        "unfilled": ("unfilled", "{:,.0f}"), "beyond": ("beyond places", "{:,.0f}"),
    }  # fmt: skip
    known = {name: form for name, form in forms.items() if name in summary.table}
    cells = {"plan": list(summary.table.index)}
    for name, (heading, form) in known.items():
        cells[heading] = shown(summary.table[name], summary.hidden[name], form)
    print_table(pd.DataFrame(cells), list(cells))
    for sentence in (*change_sentences(tables, facts), *cluster_sentences(tables), *most_sentences(tables, facts)):
        typer.echo(sentence)
    for what, why in tables.left_out.items():
        typer.echo(f"Not shown: {what} ({why}).")


def _comparison_json(tables, facts) -> dict:
    answer = {
        "today": tables.titles[0],
        "base": tables.base_name,
        "rule": tables.rule.tag,
        "summary": rows(tables.summary),
        "residents": rows(tables.residents),
        "options": {},
        "problems": {title: list(found) for title, found in facts.problems.items()},
        "left_out": dict(tables.left_out),
    }
    for option in tables.options:
        answer["options"][option] = {
            "flows": rows(tables.flows[option]),
            "cluster_flows": rows(tables.cluster_flows[option]) if option in tables.cluster_flows else [],
            "who": {name: rows(table) for (title, name), table in tables.who.items() if title == option},
        }
    for name in ("mix", "distance", "retention", "feeders", "clusters"):
        if getattr(tables, name) is not None:
            answer[name] = rows(getattr(tables, name))
    return answer
