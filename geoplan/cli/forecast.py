"""``geoplan forecast``: pupils to come by school, cluster and year, each number beside its past error."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_targets,
    print_table,
    project_inputs,
    recording,
    steps,
)

RollsArgument = Annotated[
    list[str], typer.Argument(help="Rolls: files, or names in the project; earlier years may be in files of their own.")
]
LevelOption = Annotated[str, typer.Option("--level", help="A column of the schools file that groups them.")]
RegisterOption = Annotated[str, typer.Option("--register", help="Children registered by area and age; a file or name.")]
BirthsOption = Annotated[Path | None, typer.Option("--births", help="Births by area and year; adds up to the place.")]
LinksOption = Annotated[Path | None, typer.Option("--links", help="Links between schools (GIAS), for academies.")]
PlanOption = Annotated[
    str, typer.Option("--plan", help="Catchments in force, by name: whose register each school has.")
]
PublishedOption = Annotated[
    str, typer.Option("--published", help="Where the rolls are published: then they are shown exactly.")
]
HiddenAsOption = Annotated[float | None, typer.Option("--hidden-as", min=0.0, help="What a hidden count stands for.")]
AudienceOption = Annotated[str, typer.Option("--audience", help="public, or internal for exact numbers.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why exact numbers are needed.")]
YearsOption = Annotated[int, typer.Option("--years", min=1, max=7, help="How many years ahead.")]
TOP = "all schools"


def command(
    rolls: RollsArgument = ["rolls"],  # noqa: B006
    years: YearsOption = 7,
    level: LevelOption = "cluster",
    register: RegisterOption = "",
    births: BirthsOption = None,
    links: LinksOption = None,
    plan: PlanOption = "",
    other_plan: Annotated[str, typer.Option("--with-plan", help="Another plan: intakes if it were in force.")] = "",
    extra: Annotated[Path | None, typer.Option("--extra", help="Pupils to come from new homes, by school.")] = None,
    option: Annotated[str, typer.Option("--option", help="Which option of --extra.")] = "",
    control: Annotated[
        Path | None, typer.Option("--control", help="Official totals by phase and year that it is brought to.")
    ] = None,
    places: Annotated[Path | None, typer.Option("--places", help="Places added or taken away, by school.")] = None,
    published: PublishedOption = "",
    hidden_as: HiddenAsOption = None,
    audience: AudienceOption = "public",
    reason: ReasonOption = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast rolls by the methods that did best when tried on the past, up to seven years ahead.

    With -o write the planner's page (.html), a workbook (.xlsx) or the forecast by school (.csv). Rolls are protected
    first, unless they are published figures, and forecasts are worked out from the protected ones.

    Example: geoplan forecast rolls_earlier.csv rolls --register register --plan today -o forecast.html
    """
    from geoplan.forecasts import forecast
    from geoplan.io.project import read_project
    from geoplan.roll_tables import roll_marks

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    folder = read_project(project)
    given = Given(tuple(rolls), level, register, births, links, plan, published, hidden_as)
    check_targets([out], inputs=[*project_inputs(folder), *input_files(folder, given), extra, control, places])
    with (
        steps("reading", "protecting the numbers", "trying methods on the past", "writing") as step,
        recording(folder.folder, rule_of(folder, audience, reason), writes=out is not None) as numbers,
    ):
        next(step)
        material = read_material(folder, given)
        numbers = numbers.with_marks(roll_marks(material.rolls, folder.as_at))
        next(step)
        ready = protected_material(folder, material, given, numbers)
        next(step)
        made = forecast(ready.history, ready.rolls.places, ready.groups, years=years, notes=ready.notes)
        made, grids, more = with_options(folder, made, material, ready, extra, option, other_plan, numbers.rule)
        if control is not None:
            from geoplan.io.rolls import read_control_totals

            made = made.controlled(read_control_totals(control)[0], f"control to {control.stem.replace('_', ' ')}")
        changes = None
        if places is not None:
            from geoplan.io.rolls import read_places_changes

            changes, _ = read_places_changes(places)
        next(step)
        if out is not None:
            _write(folder, numbers, out, made, material, ready, changes, level, published, (*grids, *more))
            typer.echo(f"wrote {out}", err=True)
    _print(made, level if level in made.past.groups else TOP, as_json, 1 if published else numbers.rule.round_to)


# --- what forecast and backtest share -------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """What the command line names."""

    rolls: tuple[str, ...]
    level: str
    register: str
    births: Path | None
    links: Path | None
    plan: str
    published: str
    hidden_as: float | None


@dataclass(frozen=True)
class Material:
    """What was read: exact."""

    rolls: object
    schools: object
    register: object
    births: object
    plan: object
    notes: tuple[str, ...]
    sources: tuple


@dataclass(frozen=True)
class Ready:
    """What a forecast is made from, protected by the rule."""

    history: object
    rolls: object
    groups: dict
    printed: tuple
    notes: tuple[str, ...]
    hidden: dict


def file_of(folder, name: str) -> Path:
    """A file by its name in the project, or by its path."""
    return folder.file(name) if folder.has(name) else Path(name)


def input_files(folder, given: Given) -> list[Path | None]:
    """Every file that the command line names."""
    names = [*given.rolls, *([given.register] if given.register else [])]
    return [*(file_of(folder, name) for name in names), given.births, given.links]


def rule_of(folder, audience: str, reason: str):
    """The rule of the audience; the project's own for the public."""
    from geoplan.disclosure import rule_for

    if audience == "public":
        return folder.rule()
    if audience != "internal":
        raise typer.BadParameter(f"{audience!r}: public or internal", param_hint="--audience")
    try:
        return rule_for(audience, reason=reason)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--reason") from None


def read_material(folder, given: Given) -> Material:
    """Rolls, schools, register, births and plan, read and put together."""
    import pandas as pd

    from geoplan.io.children import read_births, read_register
    from geoplan.io.rolls import read_rolls, read_school_links
    from geoplan.rolls import follow_links, rolls_from
    from geoplan.sources import unique_sources

    columns = folder.settings.columns
    parts, notes, sources = [], [], []
    for name in given.rolls:
        counts = read_rolls(file_of(folder, name), columns.get("rolls"), given.hidden_as)
        parts.append(counts.frame)
        notes += counts.notes
        title = f"Numbers on roll ({counts.source.file})" if len(given.rolls) > 1 else "Numbers on roll"
        sources.append(own_source(folder, counts.source, title, given.published))
    table = pd.concat(parts, ignore_index=True)
    twice = table.duplicated(["school", "year", "year_group"])
    if twice.any():
        first = table[twice].iloc[0]
        raise typer.BadParameter(
            f"{int(twice.sum()):,} counts are in two files (first: {first['school']}, {int(first['year'])}); name each "
            "year once"
        )
    if given.links is not None:
        links, _ = read_school_links(given.links)
        table, account = follow_links(table, links)
        for how, rows in account.groupby("how"):
            notes.append(f"school links: {len(rows):,} old numbers {how}")
        notes += [
            f"school {row.school} not followed: {row.why}" for row in account.itertuples() if row.how == "not followed"
        ]
    schools = folder.schools()
    rolls = rolls_from(table, sources[0], published=bool(given.published), notes=notes)
    register = born = None
    if given.register:
        counts = read_register(file_of(folder, given.register), columns.get("register"), given.hidden_as)
        register = counts.frame
        notes = [*rolls.notes, *counts.notes]
        sources.append(own_source(folder, counts.source, "Children registered with family doctors"))
    else:
        notes = list(rolls.notes)
    if given.births is not None:
        counts = read_births(given.births)
        born = counts.frame
        notes += counts.notes
        sources.append(own_source(folder, counts.source, "Births"))
    plan = folder.catchments(given.plan) if given.plan else None
    sources += [schools.source, *([plan.source] if plan is not None else [])]
    return Material(rolls, schools, register, born, plan, tuple(notes), unique_sources(sources))


def own_source(folder, source, title: str, published: str = ""):
    """A source as the project's own: invented where the project is."""
    note = folder.name + (" (invented)" if folder.invented else "")
    credit = f"{title}: {published}" if published else f"{title}: {note}"
    return replace(source, title=f"{title}, {note}", invented=bool(folder.invented), attribution=credit)


def protected_material(folder, material: Material, given: Given, numbers) -> Ready:
    """The history a forecast is made from: rolls and register as the rule lets them be seen."""
    import pandas as pd

    from geoplan.cohorts import stage_of
    from geoplan.forecast_methods import history_of
    from geoplan.roll_tables import hidden_now, protect_rolls

    rolls, printed = protect_rolls(material.rolls, numbers.rule, folder.as_at, numbers.earlier()[0])
    frame = material.schools.frame
    names = list(frame.index)
    unknown = [place for place in rolls.places if place not in set(names)]
    notes = [*rolls.notes, *(note for note in material.notes if note not in rolls.notes)]
    if unknown:
        more = f" and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
        notes.append(
            f"{len(unknown):,} schools have rolls and are not in the schools file "
            f"({', '.join(unknown[:5])}{more}): closed, "
            "or a new number? Name a file of links (--links) to carry their rolls on"
        )
    groups = {TOP: pd.Series(folder.name, index=rolls.places)}
    if given.level in frame:
        cluster = frame[given.level].astype("object").where(frame[given.level].notna(), "").astype("str")
        groups = {given.level: cluster.replace("", "no group")} | groups
    taught = None
    if {"lowest_year", "highest_year"} <= set(frame):
        taught = pd.DataFrame(
            {
                "lowest": frame["lowest_year"].map(lambda code: stage_of(str(code))),
                "highest": frame["highest_year"].map(lambda code: stage_of(str(code))),
            }
        )
    children = {}
    if material.register is not None:
        children, hidden = children_of(folder, material, rolls, groups.get(given.level), numbers.rule)
        if hidden:
            notes.append(f"{hidden:,} sums of the register are hidden by the small-number rule, and in no other sum")
    born = births_of(material.births, rolls) if material.births is not None else None
    history = history_of(rolls, groups.get(given.level), taught=taught, children=children, births=born)
    gone = {} if rolls.published else hidden_now(material.rolls, rolls)
    return Ready(history, rolls, groups, printed, tuple(notes), gone)


def children_of(folder, material: Material, rolls, clusters, rule) -> tuple[dict, int]:
    """Registered children of each school's city, and of its catchment and cluster where a plan says whose they are.

    Sums by catchment are protected, and the larger ones are sums of those; how many were hidden comes second.
    """
    from geoplan.forecast_methods import children_by_place
    from geoplan.roll_tables import protect_register

    def summed(table, names):
        table = table.assign(area=names)
        return table.groupby(["area", "year", "age"], as_index=False)["children"].sum(min_count=1)

    if material.plan is None:
        shown, hidden = protect_register(summed(material.register, TOP), rule, folder.as_at)
        return {"city": children_by_place(shown, dict.fromkeys(rolls.places, TOP), rolls.places, rolls.years)}, hidden
    small = areas_of(folder, material.register, material.plan.kind)
    own = small["area"].map(material.plan.table).fillna("").replace("", "no catchment")
    shown, hidden = protect_register(summed(small, own), rule, folder.as_at)
    answer = {"catchment": children_by_place(shown, {p: p for p in rolls.places}, rolls.places, rolls.years)}
    if clusters is not None:
        by_cluster = summed(shown, shown["area"].map(clusters).fillna("no cluster"))
        answer["cluster"] = children_by_place(by_cluster, clusters, rolls.places, rolls.years)
    city = dict.fromkeys(rolls.places, TOP)
    answer["city"] = children_by_place(summed(shown, TOP), city, rolls.places, rolls.years)
    return answer, hidden


def protected_areas(folder, register, kind: str, rule):
    """A register by the plan's areas, protected: by postcode sector before it is shared out, by postcode after."""
    from geoplan.roll_tables import protect_register

    if register["area"].str.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}").mean() > 0.5:
        return protect_register(areas_of(folder, register, kind), rule, folder.as_at)[0]
    return areas_of(folder, protect_register(register, rule, folder.as_at)[0], kind)


def areas_of(folder, register, kind: str):
    """A register by postcode sector, postcode or larger area as one by the plan's areas."""
    from geoplan.spare_places import area_shares, share_out

    table = folder.postcodes().table
    areas = set(register["area"])
    if areas & set(table[kind].dropna().astype("str")):
        return register
    postcode = table["postcode"].astype("str").str.replace(" ", "")
    plain = register.assign(area=register["area"].str.replace(" ", ""))
    areas = set(plain["area"])
    for large in (postcode.str[:-2], postcode):
        if len(areas & set(large)) >= len(areas) / 2:
            pairs = table[[kind]].astype("object").assign(large=large)
            return share_out(plain, area_shares(pairs, kind, "large"))[0]
    raise typer.BadParameter(
        f"the register's areas are neither {kind} areas, postcode sectors nor postcodes of the directory",
        param_hint="--register",
    )


def births_of(births, rolls):
    """Births of the whole place by academic year, the same for every school."""
    import pandas as pd

    total = births.groupby("year")["births"].sum()
    years = range(int(total.index.min()), int(total.index.max()) + 1)
    row = total.reindex(years)
    return pd.DataFrame([row.to_numpy()] * len(rolls), index=rolls.places, columns=list(years))


# --- options, pages, printing -------------------------------------------------------------------------------


def with_options(folder, made, material: Material, ready: Ready, extra, option, other_plan, rule):
    """The forecast with pupils of new homes, and intakes under another plan."""
    from geoplan.forecast_books import recut_grid
    from geoplan.spare_places import recut, recut_intakes

    if extra is not None:
        from geoplan.io.rolls import read_extra_pupils

        table, _ = read_extra_pupils(extra, option=option)
        made = made.with_pupils(table, f"housing{', ' + option if option else ''}")
    grids = []
    if other_plan:
        if material.plan is None or material.register is None:
            raise typer.BadParameter("it needs --plan and --register", param_hint="--with-plan")
        other = folder.catchments(other_plan)
        small = aged(protected_areas(folder, material.register, material.plan.kind, rule), made)
        before, after = recut(small, material.plan), recut(small, other)
        step = 1 if ready.rolls.published else rule.round_to
        names = material.schools.frame["name"].to_dict()
        stage = 7 if 7 in made.stages else 0
        grids.append(recut_grid(recut_intakes(made, before, after, stage), stage, step, names))
    return made, grids, []


def aged(register, made):
    """Registered children of the last year, so many years older: who will be of an age in each year forecast."""
    import pandas as pd

    last = register[register["year"].eq(register["year"].max())]
    parts = []
    for year in made.years:
        ahead = year - int(last["year"].iloc[0])
        parts.append(last.assign(year=year, age=last["age"] + ahead))
    return pd.concat(parts, ignore_index=True)


def _drawn(folder, material: Material, ready: Ready, level: str):
    """The areas of the plan and the cluster of each, to draw."""
    plan = material.plan
    if plan is None or level not in ready.groups or plan.kind not in folder.settings.areas:
        return None, None
    return folder.area(plan.kind), plan.table.map(ready.groups[level])


def _write(folder, numbers, out, made, material: Material, ready: Ready, changes, level, published, extra) -> None:
    import pandas as pd

    from geoplan.disclosure import Protected
    from geoplan.forecast_books import forecast_book
    from geoplan.io.outputs import table_csv

    frame = material.schools.frame
    boundaries, groups = _drawn(folder, material, ready, level)
    sources = [*material.sources, *([boundaries.source] if boundaries is not None else [])]
    book = forecast_book(
        made, sources, top=TOP, level=level if level in ready.groups else "", names=frame["name"].to_dict(),
        places=frame if {"places", "pan"} & set(frame) else None, changes=changes, boundaries=boundaries,
        area_groups=groups, rule=numbers.rule, printed=ready.printed, published=bool(published), hidden=ready.hidden,
        title=f"Pupils to come: {folder.name}", extra=extra,
    )  # fmt: skip
    if out.suffix == ".html":
        numbers.write_page(out, book)
        return
    if out.suffix == ".xlsx":
        write_sheets(numbers, out, book)
        return
    table = csv_table(made, ready.hidden, 1 if published else numbers.rule.round_to)
    if published:
        numbers.write(out, table_csv(table), book.tables, (*book.worked_out, table))
        return
    content = Protected(table, pd.DataFrame(index=table.index), numbers.rule, "pupils", printed=ready.printed)
    numbers.write(out, table_csv(content), (content,))


def csv_table(made, hidden, step: int):
    """The forecast by school, rolls and year: every number for a program."""
    from geoplan.forecast_books import rounded

    table = rounded(made.table(), step)
    table = table[[not hidden.get(place, False) for place in table["place"]]]
    keys = ["place", "measure", "when"]
    return table.drop(columns=["year", "ahead"]).set_index(keys).rename_axis(index=["school", "rolls", "year"])


def write_sheets(numbers, out: Path, book) -> None:
    """A page's tables as a workbook; its sentences are texts that may stand in it."""
    import pandas as pd

    from geoplan.io.workbook_out import about_lines, workbook_bytes

    sheets, about = book.sheets, [*book.findings, *book.notes]
    texts = pd.DataFrame({"text": [str(cell) for line in about_lines(sheets, about, book.sources) for cell in line]})
    data = workbook_bytes(sheets, about, book.sources, out.name)
    numbers.write(out, data, book.tables, (*book.worked_out, texts))


def _print(made, level: str, as_json: bool, step: int) -> None:
    from geoplan.cohorts import year_name
    from geoplan.forecast_books import rounded

    table = rounded(made.table(level), step)
    if as_json:
        plain = table.astype("object").where(table.notna(), None).to_dict(orient="records")
        answer = {"level": level, "rows": plain, "notes": list(made.notes)}
        typer.echo(json.dumps(answer, indent=2, default=float))
        return
    shown = table[table["measure"].isin(["primary", "secondary", "Reception", "Year 7"])]
    last = shown["year"].max()
    shown = shown[shown["year"].isin([made.years[0], last])]
    cells = shown[["place", "measure"]].assign(
        year=shown["year"].map(year_name),
        now=shown["now"].map("{:,.0f}".format),
        forecast=shown["forecast"].map("{:,.0f}".format),
        within=[
            "too few past errors" if low != low else f"{low:,.0f} to {high:,.0f}"
            for low, high in zip(shown["pupils_low"], shown["pupils_high"], strict=True)
        ],
        error=[f"{100 * value:.1f}%" for value in shown["past_error_share"]],
    )
    headings = [level, "rolls", "year", "now", "forecast", "19 in 20 within", "past error"]
    print_table(cells, headings)
    for note in made.notes:
        typer.echo(note)


command.__name__ = "forecast"
