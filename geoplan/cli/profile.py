"""``geoplan profile``: who a school serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli import catchments
from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_private,
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
from geoplan.sentences import first_few

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
        typer.Option(
            help="Compare with: all, residents, catchment, or schools alike in a column of the schools file (cluster, "
            "phase, district)."
        ),
    ] = "all",
    level: Annotated[
        str, typer.Option(help="Level of the segmentation; auto chooses by the school's size.", show_default=False)
    ] = "",
    since: Annotated[
        str, typer.Option(help="What changed since another file of pupils, by its name in [files].", show_default=False)
    ] = "",
    by: Annotated[
        str,
        typer.Option(
            help="Schools rolled up: one profile for each group in a column of the schools file (cluster, district).",
            show_default=False,
        ),
    ] = "",
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print a school's profile by segment (or by the groups of whatever classification the project names).

    With -o write its page (.html) or table (.csv). Small numbers are hidden (shown as c) and the others rounded.
    Where its pupils live and who of its catchment comes is "geoplan profile catchments"; a head's challenge is
    recorded with "geoplan profile correct".

    Example: geoplan profile --school 900003 --base cluster -o school.html
    """
    if context.invoked_subcommand is not None:
        return
    from geoplan.books import community_book
    from geoplan.cautions import caution_tables, cautions
    from geoplan.io.outputs import table_csv
    from geoplan.io.project import read_project
    from geoplan.profiles import mix_sentence
    from geoplan.protection import only_school

    if sum((bool(school), every, bool(by))) != 1:
        raise typer.BadParameter(
            "give one school with --school, all of them with --all, or groups of schools with --by",
            param_hint="--school",
        )
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
        if chosen != people.segmentation.level:  # placed anew, so that corrections by hand are made at this level
            people, schools, layers = load_people(place, chosen)
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
            numbers, answers = _change(numbers, answers, since, _base(by, place, people, schools) if by else None)
        if page:
            said = cautions(school, answers[school], tables.extra, people.segmentation, place.as_at)
            book = community_book(
                people, schools, layers[0], school, rule, tables, cautions=[each.words for each in said]
            )
            evidence = [only_school(each.to_protected("pupils"), school) for each in tables.extra.values()]
            numbers.write_page(out, book, _caution_facts(said), tables.nested, evidence)
        elif out is not None:
            answer = profiles_table(answers, by or "school")
            numbers.write(out, table_csv(answer), [answer], nested=tables.nested)
    if not school:
        _say_all(answers, by or "school", out, as_json)
        if since and not as_json:
            typer.echo(_many_changes(answers))
        return
    name = str(schools.frame["name"].get(school, ""))
    if since:
        _say_change(answers[school], name, school, since, people.segmentation, as_json)
    else:
        said = cautions(school, answers[school], tables.extra, people.segmentation, place.as_at)
        mix = mix_sentence(answers[school]) if base not in ("residents", "catchment") else ""
        _say(answers[school], name, school, people.segmentation, said, why, mix, as_json)
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


def _caution_facts(said) -> list:
    """The cautions and the shares in them, as plain tables: what a page says beside its protected numbers."""
    import pandas as pd

    shares = [each for one in said for each in (one.share, one.everywhere) if each is not None]
    return [pd.DataFrame({"text": [each.words for each in said]}), pd.DataFrame({"share": shares})]


def profiles_table(profiles: Mapping[str, Protected], what: str = "school") -> Protected:
    """The profiles of several schools as one protected table, by school and segment, the rule beside each row."""
    import pandas as pd

    first = next(iter(profiles.values()))
    named = {code: each.table.assign(base=each.base) for code, each in profiles.items()}
    table = pd.concat(named, names=[what, "segment"])
    hidden = pd.concat({code: each.hidden for code, each in profiles.items()}, names=[what, "segment"])
    digits = {name: 0 if "index" in name else 3 for name, unit in table.dtypes.items()
              if unit.kind == "f" and any(word in name for word in ("share", "index", "penetration"))}  # fmt: skip
    digits |= {name: 1 for name in ("change_points", "change_low", "change_high") if name in table}
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
    named = first_few(files, 3)
    some = ", ".join(map(str, numbers[:5])) + (" ..." if len(numbers) > 5 else "")
    return [
        f"These data were released before the correction (release {some}{f': {named}' if named else ''}). With the "
        "corrected segments the next release of profiles, lists or maps is refused: subtracted from the earlier one it "
        "could show the pupils of this postcode. What to do:",
        *(f"- {advice}" for advice in changed_data_advice(numbers)),
    ]


@app.command("new-postcodes")
def new_postcodes_command(
    out: OutOption = None,
    least: Annotated[int, typer.Option("--least", min=1, help="Pupils at one postcode.")] = 6,
    project: ProjectOption = Path("geoplan.toml"),
) -> None:
    """Postcodes that came after the classification and have many pupils: the first to ask heads about.

    The list (.csv) is of addresses and exact numbers: it is written for its owner alone. On the screen is only how
    many there are.

    Example: geoplan profile new-postcodes -o private/new_postcodes.csv
    """
    from geoplan.cautions import new_postcodes
    from geoplan.io.outputs import write_csv
    from geoplan.io.project import read_project

    if out is not None:
        by_ending(out, ".csv")
    place = read_project(project)
    check_targets([out], inputs=project_inputs(place))
    check_private(out)
    people, _, _ = load_people(place)
    if people.segmentation is None:
        raise UnknownCodeError("the project names no segmentation, so no postcode is newer than it")
    if not people.segmentation.base_date:
        raise UnknownCodeError(
            f"it is not known what date {people.segmentation.label} describes: write base_date under [segmentation]"
        )
    if "introduced" not in people.people:
        raise UnknownCodeError("the postcode directory does not say when postcodes came (dointr)")
    found = new_postcodes(people, least)
    if out is not None:
        write_csv(out, found, private=True)
        typer.echo(f"wrote {out} (addresses of families: keep it inside the office)", err=True)
    typer.echo(
        f"{len(found):,} postcode{'' if len(found) == 1 else 's'} introduced since {people.segmentation.base_date} "
        f"with {least} or more pupils; correct their segment with: geoplan profile correct"
    )


app.command("catchments")(catchments.command)


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
    if "=" in base:
        raise UnknownCodeError(
            f"{base!r} chooses pupils, and a profile is compared with all pupils of schools: write all, residents, "
            "catchment, or a column of the schools file (cluster, phase); reach and survey take year_group=7"
        )
    return GroupBase(base, hierarchy(schools.frame, [base]).groups(base))


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


def _change(numbers, now: Mapping[str, Protected], since: str, groups):
    """What changed since another file of pupils, protected beside all that was released of either."""
    from geoplan.changes import change_shown

    earlier, _, _ = load_people(numbers.place, numbers.people.segmentation.level, role=since)
    other = numbers.beside(earlier, since)
    tables = other.tables(base=groups)
    before = tables.profiles if groups is None else tables.groups
    both = [code for code in now if code in before]
    if not both:
        raise UnknownCodeError(f"no pupil of {since} placed in a segment goes to {_listed(now)}")
    return other, {code: change_shown(now[code], before[code]) for code in both}


def _listed(codes) -> str:
    return f"school {next(iter(codes))}" if len(codes) == 1 else "any of these schools"


def _say_change(changes, name: str, school: str, since: str, segmentation, as_json: bool) -> None:
    import pandas as pd

    if as_json:
        typer.echo(json.dumps(_as_json(school, changes) | {"since": since}, indent=2))
        return
    rows, hidden = changes.table, changes.hidden
    typer.echo(f"{name} ({school}): what changed since {since}, by {segmentation.label}")
    level = segmentation.level
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "now": _percents(rows["share"], hidden["share"]),
            "before": _percents(rows["share_before"], hidden["share_before"]),
            "low": shown(rows["change_low"], hidden["change_low"], "{:+.0f}"),
            "high": shown(rows["change_high"], hidden["change_high"], "{:+.0f}"),
            "words": rows["in_words"],
        }
    )
    print_table(cells, [group_word(level), "now", "before", "low", "high", "change in points"])
    typer.echo(changes.rule.sentence)


def _say(table, name: str, school: str, segmentation, said, why: str, mix: str, as_json: bool) -> None:
    if as_json:
        answer = _as_json(school, table) | {
            "level": segmentation.level,
            "overall": mix,
            "cautions": [{"code": each.code, "serious": each.serious, "words": each.words} for each in said],
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        _print(name, school, segmentation, table, said, why, mix)


def group_word(level: str) -> str:
    """What a group of a classification is called: by its level, unless that is a size of segments.

    Examples
    --------
    >>> group_word("supergroup"), group_word("imd_decile")
    ('segment', 'imd decile')
    """
    sizes = ("segment", "supergroup", "group", "subgroup", "type", "category")
    return "segment" if level in sizes else level.replace("_", " ")


def _print(name: str, school: str, segmentation, table, said, why: str, mix: str) -> None:
    import pandas as pd

    from geoplan.books import READ_WITH_CARE

    rows, hidden = table.table, table.hidden
    total, level = rows["total"].iloc[0], segmentation.level
    about = f"about {total:,.0f}" if total == total else f"fewer than {table.rule.hide_below}"
    typer.echo(f"{name} ({school}): {about} pupils placed in a {group_word(level)}")
    typer.echo(f"{segmentation.label}, against {table.base}")
    if why:
        typer.echo(why)
    cells = pd.DataFrame(
        {
            "name": rows["name"],
            "pupils": shown(rows["count"], hidden["count"], "{:,.0f}"),
            "share": _percents(rows["share"], hidden["share"]),
            "base": _percents(rows["base_share"], hidden["base_share"]),
            "index": shown(rows["index"], hidden["index"], "{:.0f}"),
            "low": shown(rows["index_low"], hidden["index_low"], "{:.0f}"),
            "high": shown(rows["index_high"], hidden["index_high"], "{:.0f}"),
            "than": shown(rows["more_than_expected"], hidden["more_than_expected"], "{:+,.0f}"),
            "clear": ["yes" if each else "" for each in rows["notable"]],
        }
    )
    headings = [group_word(level), "pupils", "share", "base", "index", "low", "high", "more than expected", "clear"]
    print_table(cells, headings)
    if (rows["base_total"] < total).any():
        few = f"{rows['base_total'].iloc[0]:,.0f} people"
        typer.echo(f"No index: the base has {few}, fewer than the school; choose a larger one.")
    if mix:
        typer.echo(mix)
    for each in said:
        typer.echo(f"{'Caution: ' if each.serious else ''}{each.words}")
    typer.echo(table.rule.sentence)
    typer.echo(READ_WITH_CARE)


def _percents(shares, hidden) -> list[str]:
    """Whole percentages, as the pages round them."""
    from geoplan.likeness import whole_percent

    return shown(shares.map(whole_percent, na_action="ignore"), hidden, "{:.0f}%")


def _as_json(school: str, table, what: str = "school") -> dict:
    frame = table.table
    if "notable" in frame:  # of a number that is hidden nothing is said
        frame = frame.assign(notable=frame["notable"].astype("object").mask(table.is_hidden("notable"), None))
    rows = [
        {"segment": segment} | {k: None if v != v else v for k, v in row.items()}
        for segment, row in frame.to_dict(orient="index").items()
    ]
    return {what: school, "base": table.base, "rule": table.rule.sentence, "segments": rows}


def _many_changes(changes: Mapping[str, Protected]) -> str:
    """How many changes were looked at, and how many of so many may be chance."""
    tables = [each.table for each in changes.values()]
    looked = sum(int(table["change_points"].notna().sum()) for table in tables)
    clear = sum(int(table["clear"].fillna(False).sum()) for table in tables)
    return (
        f"{looked:,} changes could be looked at; {clear:,} are clear one by one. Where nothing changed, up to "
        f"{looked / 20:,.0f} would look so by chance (one in twenty)."
    )


def _say_all(profiles, what: str, out: Path | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_as_json(code, table, what) for code, table in profiles.items()], indent=2))
    named = f"{len(profiles):,} schools" if what == "school" else f"{len(profiles):,} groups of schools by {what}"
    if out is not None:
        typer.echo(f"wrote {out}: {named}", err=True)
    elif not as_json:
        typer.echo(f"{named} have pupils placed in a segment; use -o profiles.csv or --json")
