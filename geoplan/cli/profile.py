"""``geoplan profile``: who a school serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    protecting,
    require_areas,
    ruled,
    shown,
    steps,
    with_rule,
)
from geoplan.errors import UnknownCodeError

if TYPE_CHECKING:
    from geoplan.disclosure import Protected

app = typer.Typer(no_args_is_help=False)


@app.callback(invoke_without_command=True)
def command(
    context: typer.Context,
    school: Annotated[str, typer.Option("--school", "-s", help="The school's URN.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every school (to a CSV with -o, or JSON).")] = False,
    base: Annotated[
        str,
        typer.Option(help="Compare with: all, residents, catchment, or a column of the schools (cluster, phase)."),
    ] = "all",
    level: Annotated[
        str, typer.Option(help="Level of the segmentation; auto chooses by the school's size.", show_default=False)
    ] = "",
    since: Annotated[
        str, typer.Option(help="What changed since another file of pupils, by its name in [files].", show_default=False)
    ] = "",
    by: Annotated[
        str, typer.Option(help="Profiles of groups of schools: a column of the schools (cluster).", show_default=False)
    ] = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print a school's profile by segment; with -o write its page (.html) or table (.csv).

    Small numbers are hidden (shown as c) and the others rounded. A head's challenge is recorded with
    "geoplan profile correct".

    Example: geoplan profile --school 900003 --base cluster -o school.html
    """
    if context.invoked_subcommand is not None:
        return
    from geoplan.books import community_book
    from geoplan.cautions import caution_tables, cautions
    from geoplan.io.outputs import table_csv
    from geoplan.io.project import read_project
    from geoplan.profiles import at_level

    if sum((bool(school), every, bool(by))) != 1:
        raise typer.BadParameter(
            "give one school with --school, all of them with --all, or groups of schools with --by",
            param_hint="--school",
        )
    if since and not school:
        raise typer.BadParameter("a change is of one school: give --school", param_hint="--since")
    if out is not None:
        by_ending(out, *((".csv",) if every or by or since else (".html", ".csv")))
    place = read_project(project)
    rule, out = ruled(place, internal, out)
    inputs = project_inputs(place)
    check_targets([out], inputs=inputs)
    people, schools, layers = load_people(place, None if level in ("", "auto") else level)
    why = ""
    if level == "auto":
        chosen, why = _auto_level(people, school)
        people = at_level(people, chosen)
    page = out is not None and out.suffix == ".html"
    if page:
        require_areas(layers)
    extra = caution_tables(people) if school and not since else ()
    with (
        steps("protecting the numbers") as step,
        protecting(place, people, layers, rule, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        tables = numbers.tables([school] if page else (), extra, _base(by or base, place, people, schools, school))
        if school and school not in tables.profiles:
            some = ", ".join(list(tables.profiles)[:5])
            raise UnknownCodeError(f"no pupil placed goes to school {school}; schools with pupils are {some} ...")
        answers = tables.groups if by else {school: tables.profiles[school]} if school else tables.profiles
        if since:
            numbers, answers = _change(numbers, school, since, tables)
        if page:
            book = community_book(people, schools, layers[0], school, rule, tables)
            numbers.write_page(out, book, nested=tables.nested)
        elif out is not None:
            answer = profiles_table(answers, by or "school")
            numbers.write(out, table_csv(answer), [answer], nested=tables.nested)
    if not school:
        _say_all(answers, by or "school", out, as_json)
        return
    name = str(schools.frame["name"].get(school, ""))
    if since:
        _say_change(answers[school], name, school, since, people.segmentation.label, as_json)
    else:
        said = cautions(school, answers[school], tables.extra, people.segmentation)
        _say(answers[school], name, school, people.segmentation, said, why, as_json)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def profiles_table(profiles: Mapping[str, Protected], what: str = "school") -> Protected:
    """The profiles of several schools as one protected table, by school and segment, the rule beside each row."""
    import pandas as pd

    first = next(iter(profiles.values()))
    table = pd.concat({code: each.table for code, each in profiles.items()}, names=[what, "segment"])
    hidden = pd.concat({code: each.hidden for code, each in profiles.items()}, names=[what, "segment"])
    digits = {name: 0 if "index" in name else 3 for name, unit in table.dtypes.items()
              if unit.kind == "f" and any(word in name for word in ("share", "index", "penetration"))}  # fmt: skip
    table = table.round(digits)
    printed = tuple(dict.fromkeys(part for each in profiles.values() for part in each.printed or ()))
    return replace(first, table=with_rule(table, first.rule), hidden=hidden, printed=printed)


@app.command("correct")
def correct_command(
    postcode: Annotated[str, typer.Option(prompt=True, help="The postcode whose segment is wrong.")],
    segment: Annotated[str, typer.Option(prompt=True, help="The segment it belongs to, by its code.")],
    reason: Annotated[str, typer.Option(prompt=True, help="Why, for the next reader.")],
    by: Annotated[str, typer.Option(prompt=True, help="By whose word.")],
    date: Annotated[str, typer.Option(help="Since when (2026-09-01); today unless given.", show_default=False)] = "",
    project: ProjectOption = Path("geoplan.toml"),
) -> None:
    """Record that a postcode belongs to another segment; profiles, lists and maps use it from the next run.

    The line goes to the project's corrections file (corrections.csv), which its owner alone can read. Leave
    --postcode out to be asked for it, so that it does not stay in the shell's history. Where profiles of these data
    were released already, it says which, and what to do: a second release of corrected data is refused.

    Example: geoplan profile correct --segment 3 --reason "new estate, half of it social rent" --by "head of 900003"
    """
    import datetime

    import pandas as pd

    from geoplan.corrections import Corrections, check_corrections
    from geoplan.io.corrections import append_correction
    from geoplan.io.project import read_project
    from geoplan.sources import Source

    place = read_project(project)
    when = date or datetime.date.today().isoformat()
    try:
        when = datetime.date.fromisoformat(when).isoformat()
    except ValueError:
        raise typer.BadParameter("write the date as 2026-09-01", param_hint="--date") from None
    segmentation = place.segments()
    if segmentation is None:
        raise UnknownCodeError("the project names no segmentation, so there is nothing to correct")
    cells = {"postcode": postcode, "segment": segment, "reason": reason.strip(), "by": by.strip(), "date": when}
    line = pd.DataFrame({"record": [1]} | {name: [text] for name, text in cells.items()})
    new = Corrections(line, Source("the correction"))
    _, (level_segment,) = check_corrections(new, place.postcodes(), segmentation)
    said = _after_a_release(place, segmentation)  # a ledger that cannot be read stops it before anything is recorded
    append_correction(place.corrections_file, *cells.values())
    count = len(place.corrections())
    typer.echo(
        f"recorded: the postcode is in {level_segment} ({segmentation.name(level_segment)}); "
        f"{place.corrections_file.name} has {count:,} line{'s' if count != 1 else ''}"
    )
    for line in said:
        typer.echo(line)


def _after_a_release(place, segmentation) -> list[str]:
    """What a correction means for releases to come, where some were made of these data already."""
    from geoplan.io.ledgers import changed_data_advice, ledger_path, read_memory
    from geoplan.protection import population_named

    ledger = read_memory(ledger_path(place.folder)).ledger
    levels = segmentation.table.columns
    names = {population_named("pupils", segmentation.at(level), place.as_at) for level in levels}
    numbers = [
        number for number, entry in ledger.standing()
        if names & {*entry.marked, *(table.population for table in entry.tables)}
    ]  # fmt: skip
    if not numbers:
        return []
    files = list(dict.fromkeys(each for number in numbers for each in ledger.files(number)))
    named = ", ".join(files[:3]) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")
    some = ", ".join(map(str, numbers[:5])) + (" ..." if len(numbers) > 5 else "")
    return [
        f"These data were released before the correction (release {some}{f': {named}' if named else ''}). With the "
        "corrected segments the next release of profiles, lists or maps is refused: subtracted from the earlier one it "
        "could show the pupils of this postcode. What to do:",
        *(f"- {advice}" for advice in changed_data_advice(numbers)),
    ]


def _base(base: str, place, people, schools, school: str = ""):
    """What to compare with, by the word of the command."""
    import pandas as pd

    from geoplan.hierarchies import hierarchy
    from geoplan.io.counts import read_residents
    from geoplan.profiles import residents
    from geoplan.protection import GroupBase

    if base == "all":
        return None
    if base == "residents":
        kind, counts = read_residents(place.file("residents"))
        if kind != people.segmentation.keyed_by:
            raise UnknownCodeError(
                f"residents are by {kind}, and {people.segmentation.label} is by {people.segmentation.keyed_by}; "
                "give residents by those areas"
            )
        return residents(counts, people.segmentation, f"people living here ({place.file('residents').name})")
    if base == "catchment":
        plans = list(place.settings.plans)
        if not plans:
            raise UnknownCodeError("the project names no catchments; add them under [plans]")
        plan = place.catchments(plans[0])
        own = {school: catchment for catchment in plan.schools for school in plan.members(catchment)}
        if school and school not in own:
            raise UnknownCodeError(
                f"school {school} has no catchment in {plans[0]}, so there is nothing to compare it with there; "
                "choose another base"
            )
        return GroupBase("catchment", pd.Series(own), plan.table[plan.table != ""], plan.kind)
    groups = hierarchy(schools.frame, [base]).groups(base)
    return GroupBase(base, groups)


def _auto_level(people, school: str) -> tuple[str, str]:
    from geoplan.disclosure import protect_counts
    from geoplan.profiles import at_level, choose_level, segment_counts

    shares = {}
    for level in people.segmentation.table.columns:
        sums = segment_counts(at_level(people, level)).sum()
        shares[level] = sums / max(sums.sum(), 1)
    placed = people.people["segment"].notna() & (people.people["school"].astype("str") == school)
    shown, _ = protect_counts(placed.to_frame().sum())
    return choose_level(float(shown.fillna(0).iloc[0]), shares)


def _change(numbers, school: str, since: str, tables):
    """What changed since another file of pupils, protected beside all that was released of either."""
    from geoplan.changes import change_shown

    earlier, _, _ = load_people(numbers.place, numbers.people.segmentation.level, role=since)
    other = numbers.beside(earlier, since)
    before = other.tables().profiles
    if school not in before:
        raise UnknownCodeError(f"no pupil of {since} placed in a segment goes to school {school}")
    return other, {school: change_shown(tables.profiles[school], before[school])}


def _say_change(changes, name: str, school: str, since: str, scheme: str, as_json: bool) -> None:
    import pandas as pd

    if as_json:
        typer.echo(json.dumps(_as_json(school, changes) | {"since": since}, indent=2))
        return
    rows, hidden = changes.table, changes.hidden
    typer.echo(f"{name} ({school}): what changed since {since}, by {scheme}")
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "now": shown(100 * rows["share"], hidden["share"], "{:.0f}%"),
            "before": shown(100 * rows["share_before"], hidden["share_before"], "{:.0f}%"),
            "low": shown(rows["change_low"], hidden["change_low"], "{:+.0f}"),
            "high": shown(rows["change_high"], hidden["change_high"], "{:+.0f}"),
            "words": rows["in_words"],
        }
    )
    print_table(cells, ["segment", "now", "before", "low", "high", "change in points"])
    typer.echo(changes.rule.sentence)


def _say(table, name: str, school: str, segmentation, said, why: str, as_json: bool) -> None:
    if as_json:
        answer = _as_json(school, table) | {
            "level": segmentation.level,
            "cautions": [{"code": each.code, "serious": each.serious, "words": each.words} for each in said],
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        _print(name, school, segmentation.label, table, said, why)


def _print(name: str, school: str, scheme: str, table, said, why: str) -> None:
    import pandas as pd

    from geoplan.books import READ_WITH_CARE

    rows, hidden = table.table, table.hidden
    total = rows["total"].iloc[0]
    about = f"about {total:,.0f}" if total == total else f"fewer than {table.rule.hide_below}"
    typer.echo(f"{name} ({school}): {about} pupils placed in a segment")
    typer.echo(f"{scheme}, against {table.base}")
    if why:
        typer.echo(why)
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "pupils": shown(rows["count"], hidden["count"], "{:,.0f}"),
            "share": shown(100 * rows["share"], hidden["share"], "{:.0f}%"),
            "base": shown(100 * rows["base_share"], hidden["base_share"], "{:.0f}%"),
            "index": shown(rows["index"], hidden["index"], "{:.0f}"),
            "low": shown(rows["index_low"], hidden["index_low"], "{:.0f}"),
            "high": shown(rows["index_high"], hidden["index_high"], "{:.0f}"),
            "than": shown(rows["more_than_expected"], hidden["more_than_expected"], "{:+,.0f}"),
            "clear": ["yes" if each else "" for each in rows["notable"]],
        }
    )
    headings = ["segment", "pupils", "share", "base", "index", "low", "high", "more than expected", "clear"]
    print_table(cells, headings)
    for each in said:
        typer.echo(f"{'Caution: ' if each.serious else ''}{each.words}")
    typer.echo(table.rule.sentence)
    typer.echo(READ_WITH_CARE)


def _as_json(school: str, table, what: str = "school") -> dict:
    rows = [
        {"segment": segment} | {k: None if v != v else v for k, v in row.items()}
        for segment, row in table.table.to_dict(orient="index").items()
    ]
    return {what: school, "base": table.base, "rule": table.rule.sentence, "segments": rows}


def _say_all(profiles, what: str, out: Path | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_as_json(code, table, what) for code, table in profiles.items()], indent=2))
    named = f"{len(profiles):,} {what if what != 'school' else 'schools'}"
    if out is not None:
        typer.echo(f"wrote {out}: {named}", err=True)
    elif not as_json:
        typer.echo(f"{named} have pupils placed in a segment; use -o profiles.csv or --json")
