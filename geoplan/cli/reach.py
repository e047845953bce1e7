"""``geoplan reach``: whom a service reaches, whom it misses, and whether it is better than before."""

from __future__ import annotations

import json
from dataclasses import dataclass
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

ByOption = Annotated[
    list[str],
    typer.Option(
        "--by",
        help="What people are compared by: segment, school (attended now), ward, msoa or another kind of area of "
        "homes, or a column that both files have; give it once for each.",
    ),
]
KeyOption = Annotated[
    str, typer.Option("--key", help="Header of the family's number: each family counts once, the rest are contacts.")
]  # fmt: skip

_LEAST_PER_KM = 0.005  # a fitted falling-off that prints as 0% chooses no sites


def command(
    users: Annotated[str, typer.Argument(help="The users: a file with postcodes, or its name in the project.")],
    base: Annotated[
        str, typer.Option("--base", help="Whom it could reach: all, year_group=5,6, or a file of people by area.")
    ] = "all",
    by: ByOption = ["segment"],  # noqa: B006
    key: KeyOption = "",
    service: Annotated[str, typer.Option("--service", help="What the service is called.")] = "",
    since: Annotated[
        list[str],
        typer.Option("--since", help="Users of an earlier year; again for each year before, the latest first."),
    ] = [],  # noqa: B006
    since_base: Annotated[
        list[str],
        typer.Option("--since-base", help="Pupils of that year, by name in the project; as often as --since."),
    ] = [],  # noqa: B006
    what_if: Annotated[
        Path | None, typer.Option("--what-if", help="A plan: site, place, hours, hours_planned.")
    ] = None,
    per_km: Annotated[
        float | None, typer.Option(min=0.0, help="State the falling-off with distance; else fitted.")
    ] = None,
    mailing: Annotated[
        str, typer.Option(help="A mailing as a plan, alone or with --what-if: segments and their factor, 2,3=1.5.")
    ] = "",
    place: Annotated[int, typer.Option(min=0, help="Find the best so many of the plan's sites or the schools.")] = 0,
    within_km: Annotated[
        float | None,
        typer.Option("--within-km", min=0.0, help="With --place: most people within so many km, not most use."),
    ] = None,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    note: Annotated[Path | None, typer.Option("--note", help="Also write a one-page note (.html).")] = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Compare a service's users with those it could reach, by segment, ward and school.

    With -o write the analyst's page (.html), a workbook (.xlsx) or the reach by the first --by (.csv). Small numbers
    are hidden (shown as c) and the others rounded.

    Example: geoplan reach callers_2025 --key family_id --base year_group=5,6 --by segment --by school -o reach.html
    """
    from geoplan import reach_books
    from geoplan.io.project import read_project
    from geoplan.reach_tables import change_in_reach, protect_reach, reach_marks, reach_series

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv")
    if note is not None:
        by_ending(note, ".html")
    folder = read_project(project)
    factors = _factors(mailing)
    if per_km is not None and what_if is None and not place:
        raise typer.BadParameter("it is of a plan: give --what-if or --place too", param_hint="--per-km")
    if within_km is not None and not place:
        raise typer.BadParameter("it is of the best sites: give --place too", param_hint="--within-km")
    if since_base and len(since_base) != len(since):
        raise typer.BadParameter("give it once for each --since", param_hint="--since-base")
    files = [_file(folder, name) for name in (users, *since)]
    conditions = conditions_of(base)
    given = [conditions] if isinstance(conditions, Path) else []
    rule, out, note = ruled(folder, internal, out, note)
    inputs = [*project_inputs(folder), *files, *given, what_if]
    check_targets([out, note], inputs=inputs)
    pupils, schools, layers = load_people(folder)
    by = kinds_of(by, pupils.kinds)
    names = {"school": schools.frame["name"].to_dict()}
    with (
        steps("reading and placing users", "protecting the numbers", "models", "writing") as step,
        recording(folder.folder, rule, writes=out is not None or note is not None, inputs=inputs) as numbers,
    ):
        next(step)
        label = service or Path(users).stem.replace("_", " ")
        reached = _reached(folder, users, ("pupils", pupils), conditions, by, key, label, layers, names)
        earlier = {}
        for number, name in enumerate(since):
            role = since_base[number] if since_base else "pupils"
            then = role, _earlier_pupils(folder, role, schools, layers) if since_base else pupils
            before = f"{service}, {Path(name).stem}" if service else Path(name).stem.replace("_", " ")
            earlier[before] = _reached(folder, name, then, conditions, by, key, before, layers, names)
        next(step)
        for each in (reached, *earlier.values()):
            numbers = numbers.with_marks(reach_marks(each, folder.as_at))
        known = {"data": folder.as_at, "earlier": numbers.earlier()[0]}
        tables = protect_reach(reached, numbers.rule, **known)
        before = {name: protect_reach(each, numbers.rule, **known) for name, each in earlier.items()}
        changed = change_in_reach(tables, next(iter(before.values()))) if before else None
        series = reach_series(dict(reversed([(label, tables), *before.items()]))) if len(before) > 1 else None
        next(step)
        numbers, made = _models(
            folder, numbers, reached, what_if, per_km, within_km, factors, place,
            read_users(folder, users, key) if what_if is not None or place or factors else None,
            pupils, conditions, schools, layers, tables,
        )  # fmt: skip
        next(step)
        drawn = _drawn(layers, by, pupils)
        if out is not None and out.suffix == ".html":
            book = reach_books.reach_book(
                tables, reached.sources, boundaries=drawn, changed=changed, model=made.model, bands=made.bands,
                nearness=made.nearness, plan=made.plan, sites=made.sites, placement=made.placement, series=series,
                remarks=made.said,
            )  # fmt: skip
            numbers.write_page(out, book, _facts(made.model, made.placement), evidence=made.evidence)
        elif out is not None:
            more = {"Change": changed, "Years": series, "Plan": made.plan}
            evidence = [each for each in (*made.evidence, made.bands, made.nearness) if each is not None]
            _write_tables(numbers, out, tables, more, reached.sources, made.said, evidence)
        if note is not None:
            numbers.write_page(note, reach_books.reach_note(tables, reached.sources, changed))
    if as_json:
        answer = _as_json(tables, changed, made) | ({"years": rows(series)} if series is not None else {})
        typer.echo(json.dumps(answer, indent=2))
    else:
        _print(tables, changed, made.plan, made.model, made.said)
        if series is not None:
            _print_series(series)
        if since and not since_base:
            typer.echo("Both years are against the same pupils: name last year's with --since-base.")
    for path in (out, note):
        if path is not None:
            typer.echo(f"wrote {path}", err=True)


# --- the parts ------------------------------------------------------------------------------------------


def _file(folder, name: str) -> Path:
    return folder.file(name) if folder.has(name) else Path(name)


def read_users(folder, name: str, key: str, noun: str = "users"):
    """Users by their name in the project, or from a file."""
    from geoplan.io.people import read_people

    if folder.has(name):
        return folder.people(name, id_column=key or None)
    return read_people(name, noun, folder.settings.columns.get("people"), id_column=key or None)


def conditions_of(base: str) -> dict[str, list[str]] | Path:
    """``year_group=5,6;fsm=yes`` as conditions; ``all`` as none; a file of counts by area as its path."""
    if Path(base).suffix.lower() in {".csv", ".gz", ".xlsx", ".zip"}:
        return Path(base)
    conditions = {}
    for part in [] if base == "all" else base.split(";"):
        column, equals, values = part.partition("=")
        if not equals or not values.strip():
            raise typer.BadParameter(
                f"{base!r}: write all, or a column and its values: year_group=5,6", param_hint="--base"
            )
        conditions[column.strip()] = [value.strip() for value in values.split(",")]
    return conditions


def kinds_of(by: list[str], kinds) -> list[str]:
    """Dimensions as asked for; ``ward`` stands for ``ward25`` where that is the only year of it.

    Examples
    --------
    >>> kinds_of(["segment", "ward", "lsoa"], ["lsoa11", "lsoa21", "ward25"])
    ['segment', 'ward25', 'lsoa']
    """
    answer = []
    for dim in by:
        alike = [kind for kind in kinds if kind.rstrip("0123456789") == dim and kind != dim]
        answer.append(alike[0] if len(alike) == 1 and dim not in kinds else dim)
    return list(dict.fromkeys(answer))


def base_words(noun: str, conditions: dict[str, list[str]]) -> str:
    """The base in words.

    Examples
    --------
    >>> base_words("pupils", {"year_group": ["5", "6"], "fsm": ["yes"]}), base_words("pupils", {})
    ('pupils in years 5 and 6 with fsm yes', 'all pupils')
    """
    if not conditions:
        return f"all {noun}"
    rest = dict(conditions)
    years = rest.pop("year_group", [])
    words = f"{noun} in year{'s' if years[1:] else ''} {' and '.join(years)}" if years else noun
    others = " and ".join(f"{column.replace('_', ' ')} {' or '.join(values)}" for column, values in rest.items())
    return f"{words} with {others}" if others else words


def known_as(name: str, key: str) -> str:
    """What a file of people is known by in the ledger: its name, and the key that each is counted once by.

    Examples
    --------
    >>> known_as("callers_2025", "family_id"), known_as("data/callers_2025.csv", "")
    ('callers_2025, one for each family_id', 'callers_2025')
    """
    return Path(name).stem + (f", one for each {key}" if key else "")


def _reached(folder, users: str, base, conditions, by, key, label, layers, names):
    from geoplan.assignment import assign
    from geoplan.service_reach import reach

    if isinstance(conditions, Path):
        return _reached_of_residents(folder, users, conditions, by, key, label)
    people = assign(read_users(folder, users, key), folder.postcodes(), layers, folder.segments())
    role, pupils = base
    eligible = pupils.where(**conditions) if conditions else pupils
    drawn = [layer for layer in layers if layer.kind in by]
    return reach(
        people, eligible, label, base_words(pupils.noun, conditions), by, areas=drawn, names=names, among=pupils,
        users_data=known_as(users, key), base_data=role,
    )  # fmt: skip


def _reached_of_residents(folder, users: str, file: Path, by, key, label):
    """Users counted by the area of a file of residents or households, against its counts."""
    import pandas as pd

    from geoplan.assignment import NOT_PLACED, assign
    from geoplan.io.counts import read_residents
    from geoplan.segments import dominant
    from geoplan.service_reach import SEGMENT, reach_of_areas

    kind, residents = read_residents(file)
    postcodes, segments = folder.postcodes(), folder.segments()
    people = assign(read_users(folder, users, key), postcodes, (), segments)
    if kind not in people.kinds:
        raise typer.BadParameter(
            f"{file.name} counts by {kind}; the postcode directory has {', '.join(people.kinds)}", param_hint="--base"
        )
    table = postcodes.table
    areas = {}
    for dim in by:
        if dim == SEGMENT and segments is not None:
            parts = table[[segments.keyed_by, kind]].dropna().astype("str").drop_duplicates(segments.keyed_by)
            own = segments.keyed_by == kind
            of = segments if own else dominant(segments, parts.set_index(segments.keyed_by)[kind], kind)
            areas[dim] = of.table[of.level]
        elif dim in postcodes.kinds:
            pairs = table[[kind, dim]].dropna().astype("str")
            areas[dim] = pairs.groupby(kind)[dim].agg(lambda codes: codes.value_counts().index[0])
            if dim == kind:
                areas[dim] = pd.Series(residents.index, index=residents.index)
        else:
            raise typer.BadParameter(f"{dim}: a file of people by area has areas and segments only", param_hint="--by")
    counts = people.counts(by=kind)
    unplaced = int(counts.get(NOT_PLACED, 0))
    lookup = pd.DataFrame(areas).reindex(residents.index)
    lookup.loc[NOT_PLACED] = NOT_PLACED
    names = {SEGMENT: {code: segments.name(code) for code in segments.segments}} if segments is not None else {}
    users_by_area = counts.drop(NOT_PLACED, errors="ignore")
    users_by_area[NOT_PLACED] = unplaced
    return reach_of_areas(
        users_by_area, residents, lookup, label, f"{file.stem.replace('_', ' ')} by {kind}", names=names,
        noun=people.noun, base_noun="people", published=False, sources=people.sources,
        users_data=known_as(users, key), base_data=file.stem,
    )  # fmt: skip


def _earlier_pupils(folder, role: str, schools, layers):
    from geoplan.assignment import assign

    return assign(folder.pupils(schools, role), folder.postcodes(), layers, folder.segments())


def _drawn(layers, by, pupils):
    """The project's layer if it is one of the kinds asked for; otherwise one of those drawn from it."""
    from geoplan.areas import merge_areas

    if not layers:
        return None
    for layer in layers:
        if layer.kind in by:
            return layer
    layer = layers[0]
    kind = next((kind for kind in by if kind in pupils.kinds), None)
    if kind is None:
        return None
    people = pupils.people[[layer.kind, kind]].dropna().astype("str")
    larger = people.groupby(layer.kind)[kind].agg(lambda codes: codes.value_counts().index[0])
    return merge_areas(layer, larger, kind)


def _models(
    folder, numbers, reached, what_if, per_km, within_km, factors, place, users, pupils, conditions, schools, layers,
    tables,
):  # fmt: skip
    """The model, the plan as it may be shown, the sites and the best of them; and what they were worked out from.

    Outside the office that is protected numbers alone; inside, exact ones.
    """
    if what_if is None and not place and not factors:
        return numbers, _Plan()
    from geoplan.assignment import assign
    from geoplan.choices import addresses, gathered
    from geoplan.io.services import read_sites
    from geoplan.placement_tables import protect_ground
    from geoplan.placements import best_sites, compare_mailing, compare_plan, fit_reach_model, place_cells
    from geoplan.reach_books import left_out_sentence, placement_sentence, plan_shown

    sites = read_sites(what_if, folder.postcodes())[0] if what_if is not None else None
    if isinstance(conditions, Path):
        raise typer.BadParameter("a plan needs a base of people: all, or year_group=5,6", param_hint="--base")
    among = pupils.where(**conditions) if conditions else pupils
    people = assign(users, folder.postcodes(), layers, folder.segments())
    kind = folder.segments_kind or pupils.kinds[0]
    cells = place_cells(among.people, people.people, kind)
    today = planned = None
    if sites is not None:
        today = sites[sites["hours"] > 0][["easting", "northing", "hours"]]
        planned = sites[sites["hours_planned"] > 0][["easting", "northing"]].assign(hours=sites["hours_planned"])
    said = left_out_sentence(cells.attrs["left_out"], tables)
    _check_mailing(factors, cells["segment"], folder.segments())
    ground = None
    if not numbers.rule.exact:
        places = addresses(folder.postcodes(), layers, folder.segments())
        ground = protect_ground(reached, tables, among, places, cells, today, numbers.earlier()[0], layers)
        numbers, cells = numbers.with_marks(ground.marks), ground.cells
    seen = None if ground is None else ground.seen
    model = plan = placement = None
    if sites is None and factors:
        plan = plan_shown(compare_mailing(cells, factors, seen=seen), tables)
        said.append("The plan is a mailing alone: the sites stay as they are, so distance plays no part in it.")
    if sites is not None:
        model = fit_reach_model(cells, today, per_km) if ground is None else ground.fit(today, per_km)
        plan = plan_shown(compare_plan(model, cells, today, planned, factors), tables)
    if place:
        missed = list(tables.under("segment").index) if "segment" in tables.by else []
        if ground is not None and within_km is None and kind in cells:
            cells = gathered(cells, [kind, "segment"])  # as many places as of exact numbers: the solver's time is short
        weight = cells["base"].where(cells["segment"].isin(missed) | (not missed), 0.0)
        candidates = sites if sites is not None else schools.frame[["easting", "northing"]].dropna()
        falling = per_km
        if falling is None and model is not None and model.per_km >= _LEAST_PER_KM:
            falling = model.per_km
        if not falling and within_km is None:
            raise typer.BadParameter(
                "say how use falls with distance (--per-km 0.3), or how far is near enough (--within-km 2)",
                param_hint="--place",
            )
        how = {"per_km": falling} if within_km is None else {"within_km": within_km}
        placement = best_sites(cells.assign(weight=weight), candidates, place, **how)
        named = schools.frame["name"].to_dict() if sites is None else {}
        sites = candidates.assign(name=schools.frame["name"]) if sites is None else sites
        whom = "the under-reached" if missed else tables.base_name
        said.append(placement_sentence(placement, whom, within_km, named))
    if ground is None:
        return numbers, _Plan(model, None, None, plan, sites, placement, tuple(said))
    said = (*said, *ground.notes)
    return numbers, _Plan(model, ground.bands, ground.nearness, plan, sites, placement, said, ground.evidence)


@dataclass(frozen=True)
class _Plan:
    """What was worked out of a plan, as it may be shown, and the protected tables that only it was worked out from."""

    model: object = None
    bands: object = None
    nearness: object = None
    plan: object = None
    sites: object = None
    placement: object = None
    said: tuple[str, ...] = ()
    evidence: tuple = ()


def _facts(model, placement) -> list:
    """What the sentences of a page say of a model and of the best sites, which no table of people has."""
    import pandas as pd

    from geoplan.reach_books import model_shares

    facts = [model_shares(model)] if model is not None else []
    return facts + ([pd.DataFrame({"share": [placement.gap]})] if placement is not None else [])


def _factors(text: str) -> dict[str, float]:
    factors = {}
    for part in filter(None, text.split(";")):
        codes, _, factor = part.partition("=")
        try:
            lift = float(factor)
        except ValueError:
            lift = 0.0
        if not 0 < lift < float("inf"):
            raise typer.BadParameter(f"{text!r}: write segments and a factor above 0, 2,3=1.5", param_hint="--mailing")
        factors |= {code.strip(): lift for code in codes.split(",")}
    return factors


def _check_mailing(factors: dict[str, float], segments, segmentation) -> None:
    there = sorted(set(segments.dropna().astype("str")))
    unknown = [code for code in factors if code not in there]
    if unknown:
        names = ", ".join(f"{code} ({segmentation.name(code)})" if segmentation is not None else code for code in there)
        raise typer.BadParameter(
            f"nobody of the base is in segment {', '.join(unknown)}; write codes of {names}", param_hint="--mailing"
        )


def _write_tables(numbers, out: Path, tables, more, sources, said=(), evidence=()) -> None:
    from geoplan.io.outputs import table_csv
    from geoplan.reach_books import more_sentences, unplaced_sentences, where_sentences
    from geoplan.reach_tables import few_decimals

    if out.suffix == ".csv":
        table = few_decimals(tables.by[tables.subject])
        numbers.write(out, table_csv(table), [table])
        return
    sheets = {sheet_title("Reach", dim): table for dim, table in tables.by.items()}
    sheets |= {sheet_title("Missed", dim): table for dim, table in tables.missed.items()}
    sheets |= {sheet_title("Reach", *pair): table for pair, table in tables.crossings.items()}
    sheets |= {title: table for title, table in more.items() if table is not None}
    sheets |= {"Contacts": tables.contacts, "Records": tables.accounts}
    about = [tables.finding, *more_sentences(tables), *where_sentences(tables), *unplaced_sentences(tables)]
    about += [*said, *(f"Not shown: {what} ({why})." for what, why in tables.left_out.items())]
    write_workbook(numbers, out, sheets, about, sources, evidence)


def sheet_title(what: str, *dims: str) -> str:
    """The title of a sheet in a reader's words; in those of the option where they are too long for a workbook.

    Examples
    --------
    >>> sheet_title("Nearest offered", "msoa11"), sheet_title("Nearest offered", "fsm")
    ('Nearest offered by MSOA (2011)', 'Nearest offered by fsm')
    """
    from geoplan.service_reach import dim_words

    title = f"{what} by {', '.join(map(dim_words, dims))}"
    return title if len(title) <= 31 else f"{what} by {', '.join(dim.replace('_', ' ') for dim in dims)}"


def write_workbook(numbers, out: Path, sheets, about, sources, evidence=()) -> None:
    """Sheets of protected tables, with sentences worked out from them on the sheet About.

    ``evidence`` are protected tables from which something of the sheets was worked out.
    """
    import pandas as pd

    from geoplan.io.workbook_out import about_lines
    from geoplan.reach_tables import few_decimals

    sheets = {title: few_decimals(table) for title, table in sheets.items()}
    said = pd.DataFrame(about_lines(sheets, about, sources), columns=["Part", "Text"])
    data = numbers.workbook(sheets, about, sources, out.name)
    numbers.write(out, data, [*sheets.values(), *evidence], [said])


def _print(tables, changed, plan, model, said) -> None:
    import pandas as pd

    from geoplan.reach_books import more_sentences, unplaced_sentences, where_sentences
    from geoplan.service_reach import dim_words

    typer.echo(f"{tables.service}, against {tables.base_name}")
    typer.echo(tables.finding)
    table, hidden = tables.by[tables.subject].table, tables.by[tables.subject].hidden
    cells = pd.DataFrame(
        {
            "name": table["name"],
            "users": shown(table["count"], hidden["count"], "{:,.0f}"),
            "base": shown(table["base_count"], hidden["base_count"], "{:,.0f}"),
            "reach": shown(100 * table["penetration"], hidden["penetration"], "{:.1f}%"),
            "index": shown(table["index"], hidden["index"], "{:.0f}"),
            "low": shown(table["index_low"], hidden["index_low"], "{:.0f}"),
            "high": shown(table["index_high"], hidden["index_high"], "{:.0f}"),
        }
    )
    print_table(cells, [dim_words(tables.subject), tables.noun, tables.base_noun, "reach", "index", "low", "high"])
    for sentence in (*more_sentences(tables), *where_sentences(tables)):
        typer.echo(sentence)
    if changed is not None:
        for name, words in zip(changed.table["name"], changed.table["in_words"], strict=True):
            typer.echo(f"{name}: {words}.")
    if model is not None:
        typer.echo(f"Distance: {model.sentence}.")
    if plan is not None:
        row = plan.table.loc["all"]
        typer.echo(
            f"With the plan: {row['more_share'] + 0:+.0%} {tables.noun} "
            f"({row['more_share_low'] + 0:+.0%} to {row['more_share_high'] + 0:+.0%})."
        )
    for sentence in (*said, *unplaced_sentences(tables)):
        typer.echo(sentence)
    for what, why in tables.left_out.items():
        typer.echo(f"Not shown: {what} ({why}).")


def _print_series(series) -> None:
    import pandas as pd

    years = list(series.table.columns[1:])
    cells = {year: shown(series.table[year], series.hidden[year], "{:.0f}") for year in years}
    print_table(pd.DataFrame({"name": series.table["name"]} | cells), ["index by year", *years])


def _as_json(tables, changed, made: _Plan) -> dict:
    plan, placement, model = made.plan, made.placement, made.model
    answer = {
        "service": tables.service,
        "base": tables.base_name,
        "rule": tables.rule.tag,
        "finding": tables.finding,
        "by": {dim: rows(table) for dim, table in tables.by.items()},
        "missed": {dim: rows(table) for dim, table in tables.missed.items()},
        "records": rows(tables.accounts),
        "left_out": dict(tables.left_out),
    }
    answer |= {"change": rows(changed)} if changed is not None else {}
    answer |= {"plan": rows(plan)} if plan is not None else {}
    answer |= {"distance": model.sentence} if model is not None else {}
    answer |= {"notes": list(made.said)} if made.said else {}
    if placement is not None:
        # not its value: with a steep enough falling-off that is the number of people beside a site
        answer["placement"] = {
            "sites": list(placement.sites),
            "at_most_short_of_the_best": round(placement.gap, 3),
            "proven": placement.proven,
        }
    return answer


def rows(table) -> list[dict]:
    """A protected table as plain values: "c" where hidden, null where there is none."""
    from geoplan.reach_tables import few_decimals

    answer, table = [], few_decimals(table)
    for code, row in table.table.iterrows():
        plain = {"code": " | ".join(map(str, code)) if isinstance(code, tuple) else str(code)}
        for name, value in row.items():
            if name in table.hidden and bool(table.hidden.loc[code, name]):
                plain[name] = "c"
            elif value is None or value != value:
                plain[name] = None
            else:
                plain[name] = value.item() if hasattr(value, "item") else value
        answer.append(plain)
    return answer


command.__name__ = "reach"
