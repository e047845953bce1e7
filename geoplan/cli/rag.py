"""``geoplan rag``: red, amber and green by agreed rules: check the rules, judge the schools, see what changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.common import (
    InternalOption,
    JsonOption,
    OutOption,
    ProjectOption,
    by_ending,
    check_output,
    check_targets,
    load_people,
    print_table,
    project_inputs,
    protecting,
    recording,
    rejection,
    ruled,
    steps,
)
from geoplan.errors import InputRefused

if TYPE_CHECKING:
    import pandas as pd

    from geoplan.rag import RagBoard
    from geoplan.rag_changes import RagChanges
    from geoplan.rag_measures import Facts
    from geoplan.rag_rules import RagRules

app = typer.Typer(no_args_is_help=True, help="Red, amber and green by agreed rules: check, run, diff.")
RulesArgument = Annotated[Path, typer.Argument(help="The rules, a TOML file (see docs/how-to-agree-rag-rules.md).")]
FactsOption = Annotated[
    list[Path],
    typer.Option(
        "--facts",
        help="A file with a URN and numbers about schools, in place of those that the rules name; again for each file.",
        exists=True,
    ),
]
# words to fills of a workbook: light, so that the word stays legible, and told apart without colour by the word
FILLS = {"Red": "#F4B8B3", "Amber": "#FFDF9E", "Green": "#BFE3CC", "No data": "#E3E3E3", "Not clear": "#F3F2F1"}


@app.command()
def check(
    rules: RulesArgument,
    facts: FactsOption = [],  # noqa: B006
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the rules mean in plain English, and whatever in them has two readings.

    With -o write them as a page to print and sign (.html). With a project here, columns are checked too.
    Exit code 1 if there is a problem, 0 if there is none.

    Example: geoplan rag check rag_rules.toml -o rules.html
    """
    from geoplan.io.outputs import write_bytes
    from geoplan.io.project import read_project
    from geoplan.io.rag_rules import read_rules
    from geoplan.reports.rag_board import RulesPage

    if out is not None:
        by_ending(out, ".html")
        check_targets([out], inputs=[rules, *facts])
    there = project.is_file() or project.is_dir()
    try:
        found = read_rules(rules)
        if there:
            _columns_there(read_project(project), found, _facts_files(rules, found, facts), rules.name)
    except InputRefused as refused:
        if not refused.code.startswith(("rule_", "column_")) or refused.code == "rule_unreadable":
            raise
        typer.echo(json.dumps(rejection(refused), indent=2, ensure_ascii=False) if as_json else str(refused))
        raise typer.Exit(1) from None
    if out is not None:
        page = RulesPage(found)
        data = page.to_html().encode("utf-8")
        check_output(out.name, "html", data)
        write_bytes(out, data)
    if as_json:
        typer.echo(json.dumps(_rules_json(found), indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{found.title}. {found.standing}")
        for at, each in enumerate(found.indicators, 1):
            typer.echo(f"\n{at}. {each.title} ({each.category})")
            for sentence in each.sentences():
                typer.echo(f"   {sentence}")
        typer.echo(f"\nGroups. {found.roll_up.sentence}")
        for warning in found.warnings:
            typer.echo(f"To think about: {warning}.")
        many = len(found.indicators)
        typer.echo(
            f"\n{many} rule{'' if many == 1 else 's'}, none with two readings."
            + ("" if there else " No project here, so columns were not checked.")
        )
    if out is not None:
        typer.echo(f"wrote {out}", err=True)


@app.command()
def run(
    rules: RulesArgument,
    facts: FactsOption = [],  # noqa: B006
    by: Annotated[
        list[str],
        typer.Option("--by", help="Columns of the schools to roll up to, fine to coarse, in place of the rules' own."),
    ] = [],  # noqa: B006
    since: Annotated[
        Path | None, typer.Option(help="An earlier run (.json), to list what changed.", show_default=False)
    ] = None,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    pages: Annotated[
        Path | None,
        typer.Option(help="Also a folder with a board for each group and one for all.", show_default=False),
    ] = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """Judge every school by the rules, with a reason for each colour, and roll the colours up.

    -o decides the form: a board to filter and sort (.html), a workbook (.xlsx), a table (.csv), or a run to compare
    a later one with (.json). Small numbers of pupils are hidden, and a colour that rests on one is c.

    Example: geoplan rag run rag_rules.toml -o board.html
    """
    from geoplan.io.project import read_project
    from geoplan.io.rag_rules import read_rules, read_run
    from geoplan.rag import judge
    from geoplan.rag_changes import changes, record
    from geoplan.rag_rules import OF_PUPILS
    from geoplan.rag_tables import shown_facts

    if out is not None:
        by_ending(out, ".html", ".xlsx", ".csv", ".json")
    place = read_project(project)
    agreed = read_rules(rules)
    rule, out = ruled(place, internal, out)
    inputs = [*project_inputs(place), rules, since, *_facts_files(rules, agreed, facts)]
    first = None if pages is None else ruled(place, internal, Path("authority.html"))[1]
    check_targets([out, first], inputs=inputs)
    agreed = replace(agreed, groups=tuple(by)) if by else agreed
    of_pupils = any(each.numbers == OF_PUPILS for each in agreed.indicators)
    if internal and not of_pupils:
        raise typer.BadParameter("no rule is of numbers of pupils, so nothing is hidden", param_hint="--internal")
    before = read_run(since) if since is not None else None
    with steps("reading schools", "judging", "writing") as step:
        next(step)
        files = _facts_files(rules, agreed, facts)
        read = _read(place, agreed, files)
        _check_columns(agreed, read, files, rules.name)
        next(step)
        with _opened(place, read, rule, of_pupils, out is not None or pages is not None, inputs) as numbers:
            printed, own = (), None
            if numbers is not None:
                numbers = numbers.with_marks(_marks(read, agreed, place.as_at))
                printed = numbers.earlier()[0]
                own = None if read.people is None else _own(read.people, rule, place.as_at, printed, agreed)
            shown, hidden, tables = shown_facts(read.facts, agreed, rule, own, place.as_at, rules.name, earlier=printed)
            board = judge(shown, agreed, read.schools, hidden)
            changed = changes(before, record(board, place.as_at)) if before is not None else None
            next(step)
            _write(place, read, board, changed, tables, rule, numbers, out, pages)
    if as_json:
        typer.echo(json.dumps(_run_json(board, changed, read.notes, place.as_at), indent=2, ensure_ascii=False))
    else:
        _print(board, changed, read.notes)
    for path in (out, pages):
        if path is not None:
            typer.echo(f"wrote {path}", err=True)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="An earlier run (.json).")],
    after: Annotated[Path, typer.Argument(help="A later run (.json).")],
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the colours that changed between two runs, and whether a value moved or a rule did.

    With -o write them as a table (.csv). Exit code 1 if any colour changed, 0 if none did.

    Example: geoplan rag diff run-2025.json run-2026.json
    """
    from geoplan.io.outputs import table_csv, write_bytes
    from geoplan.io.rag_rules import read_run
    from geoplan.rag_changes import changes

    if out is not None:
        by_ending(out, ".csv")
    check_targets([out], inputs=[before, after])
    found = changes(read_run(before), read_run(after))
    if out is not None:
        table = found.table
        data = table_csv(table)
        check_output(out.name, "csv", data, (), (table,))
        write_bytes(out, data)
        typer.echo(f"wrote {out}", err=True)
    if as_json:
        typer.echo(json.dumps(_changes_json(found), indent=2, ensure_ascii=False))
    else:
        _print_changes(found)
    if len(found):
        raise typer.Exit(1)


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """What a run reads: schools, numbers about them, where these come from, and what should be said of it."""

    schools: pd.DataFrame
    facts: Facts
    sources: tuple
    notes: tuple[str, ...]
    layers: tuple
    people: object = None


def _read(place, rules: RagRules, files: list[Path]) -> _Read:
    """Schools with their numbers: those of the schools file, then of each further file."""
    import pandas as pd

    from geoplan.io.attributes import read_facts
    from geoplan.io.files import fingerprint, read_bytes
    from geoplan.io.housing import forecast_facts, is_school_forecast
    from geoplan.rag_measures import COUNTS, facts_from, join_facts, require_possible
    from geoplan.rag_rules import OF_PUPILS
    from geoplan.sources import OWN_FILE, Source

    from_pupils = any(each.numbers == OF_PUPILS and not each.count for each in rules.indicators)
    people = None
    if from_pupils and place.has("pupils"):
        people, schools, layers = load_people(place)
    else:
        schools, layers = place.schools(), place.areas()
    frame, notes = _open_schools(schools.frame)
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    facts = facts_from(frame[numbers], _unreadable(schools, frame, numbers))
    percents = ["fsm_percent", *(each.measure for each in rules.indicators if each.pupils)]
    counts = {*COUNTS, *(name for each in rules.indicators for name in (each.pupils, each.count) if name)}
    require_possible(facts, schools.source.file or "schools", counts, percents)
    grades = {each.measure: each.grades for each in rules.indicators if each.grades}
    wanted = [name for name in dict.fromkeys([*rules.columns, *COUNTS]) if name not in grades]
    words = [*rules.groups, *(c for each in rules.indicators for c in (*each.compare_with, *each.schools))]
    words = [name for name in dict.fromkeys(words) if name not in frame and name != "all schools"]
    sources = [schools.source]
    for path in files:
        if is_school_forecast(path):
            table = forecast_facts(path)
            more, texts = facts_from(table[[name for name in wanted if name in table]]), table[[]]
        else:
            more, texts = read_facts(path, wanted, grades, words)
        require_possible(more, path.name, counts, percents)
        stray = more.values.index.difference(schools.frame.index)
        if len(stray):
            notes.append(f"Schools of {path.name}: {len(stray):,} not in the schools file and not judged: "
                         f"{', '.join(map(str, stray[:5]))}{' ...' if len(stray) > 5 else ''}.")  # fmt: skip
        lacking = facts.values.index.difference(more.values.index)
        if len(lacking):
            notes.append(f"{path.name} has no row for {len(lacking):,} of {len(facts.values):,} schools.")
        facts, replaced = join_facts(facts, more)
        notes += [f"{name} is that of {path.name}, not that of an earlier file." for name in replaced]
        frame = frame.join(texts)
        source = Source(path.name, OWN_FILE, file=path.name, invented=bool(place.invented),
                        attribution=f"{path.name}: {place.name}" + (" (invented)" if place.invented else ""),
                        fingerprint=fingerprint(read_bytes(path).data), personal=bool(counts - COUNTS))  # fmt: skip
        sources.append(source)
    return _Read(frame, facts, tuple(sources), tuple(notes), tuple(layers), people)


def _unreadable(schools, frame: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    """Why a number of the schools file is missing although something stood there."""
    import pandas as pd

    reasons = pd.DataFrame("", frame.index, numbers, dtype="object")
    names = {header: name for name, header in schools.details.get("headers", {}).items()}
    schools_of = pd.Series(frame.index, index=frame["record"].to_numpy())
    wrong = schools.findings[schools.findings["code"].eq("number_malformed")]
    for record, header in zip(wrong["record"], wrong["column"], strict=True):
        if names.get(header) in numbers and record in schools_of.index:
            told = "what stands in the schools file is no number of the kind it takes; correct it"
            reasons.loc[schools_of[record], names[header]] = told
    return reasons


def _open_schools(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Schools that are open; a file that does not say has none but those."""
    if "status" not in frame:
        return frame, []
    shut = frame["status"].astype("object").fillna("").astype("str").str.strip().str.lower()
    gone = shut.str.startswith("closed") | shut.str.startswith("proposed")
    many = int(gone.sum())
    one = many == 1
    said = [f"Not judged: {many:,} school{'' if one else 's'} closed or not open yet."] if many else []
    return frame[~gone], said


def _check_columns(rules: RagRules, read: _Read, facts: list[Path], name: str) -> None:
    from geoplan.io.attributes import fact_columns
    from geoplan.io.housing import is_school_forecast
    from geoplan.rag_grammar import check_columns

    others = [header for path in facts if not is_school_forecast(path) for header in fact_columns(path)]
    check_columns(rules, read.facts.columns(), list(map(str, read.schools.columns)), name, others)


def _facts_files(path: Path, rules: RagRules, given: list[Path]) -> list[Path]:
    """The files with numbers about schools: those given, else those that the rules name, beside the rules' file."""
    return given or [path.parent / name for name in rules.facts]


def _columns_there(place, rules: RagRules, facts: list[Path], name: str) -> None:
    """The columns of the schools file and of further files, against those that the rules name."""
    from geoplan.rag_rules import OF_PUPILS

    known = [each for each in rules.indicators if each.numbers != OF_PUPILS or each.count]
    plain = replace(rules, indicators=tuple(known))
    _check_columns(plain, _read(place, plain, facts), facts, name)


def _opened(place, read: _Read, rule, of_pupils: bool, writes: bool, inputs):
    """The ledger, where numbers of pupils stand behind the colours."""
    from contextlib import nullcontext

    if read.people is not None:
        return protecting(place, read.people, (), rule, writes, inputs)
    return recording(place.folder, rule, writes, inputs) if of_pupils else nullcontext()


def _from_rolls(rules: RagRules) -> list[str]:
    """The measures that are worked out from the pupil file."""
    from geoplan.rag_rules import OF_PUPILS

    return [each.measure for each in rules.indicators if each.numbers == OF_PUPILS and not each.count]


def _marks(read: _Read, rules: RagRules, data: str) -> dict[str, str]:
    from geoplan.intakes import fact_marks
    from geoplan.rag_tables import count_marks

    own = {} if read.people is None else fact_marks(read.people, data, only=_from_rolls(rules))
    return own | count_marks(read.facts, rules, data)


def _own(people, rule, data: str, earlier, rules: RagRules):
    from geoplan.intakes import protect_pupil_facts

    return lambda: protect_pupil_facts(people, rule, data, earlier=earlier, only=_from_rolls(rules))


# --- writing ---------------------------------------------------------------------------------------------------


def _write(place, read: _Read, board: RagBoard, changed, tables, rule, numbers, out, pages) -> None:
    """What was asked for, through the ledger where numbers of pupils stand behind it."""
    from geoplan.io.outputs import write_bytes

    if out is None and pages is None:
        return
    made = _pages(read, board, changed, tables, rule, pages) if pages is not None else {}
    files = [(out, _bytes(place, read, board, changed, tables, rule, numbers, out))] if out is not None else []
    files += [(path, (page.to_html().encode("utf-8"), page.facts)) for path, page in made.items()]
    for path, (data, facts) in files:
        if numbers is not None:
            numbers.write(path, data, tables, facts)
        else:
            check_output(path.name, path.suffix[1:].lower(), data, tables, facts)
            write_bytes(path, data)


def _bytes(place, read, board, changed, tables, rule, numbers, out: Path) -> tuple[bytes, tuple]:
    """The bytes of an output, and the tables it was made from."""
    import pandas as pd

    from geoplan.hierarchies import ALL
    from geoplan.io.outputs import csv_bytes
    from geoplan.io.workbook_out import workbook_bytes
    from geoplan.rag_changes import record
    from geoplan.rag_tables import ABOUT, group_table, long_table, rules_table, wide_table

    if out.suffix.lower() == ".html":
        page = _page(read, board, changed, tables, rule)
        return page.to_html().encode("utf-8"), page.facts
    if out.suffix.lower() == ".csv":
        table = long_table(board)
        return csv_bytes(table), (table,)
    if out.suffix.lower() == ".json":
        value = record(board, place.as_at)
        plain = pd.DataFrame([{key: each for key, each in value.items() if not isinstance(each, (dict, list))}])
        data = json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8")
        return data, (pd.DataFrame(value["cells"]), plain)
    sheets = {"Board": wide_table(board), "All schools": group_table(board, ALL)}
    sheets |= {f"By {level.replace('_', ' ')}": group_table(board, level) for level in board.rules.groups}
    if changed is not None:
        sheets["Changes"] = changed.table.reset_index()
    sheets |= {"Reasons": long_table(board), "Rules": rules_table(board.rules)}
    about = [board.rules.standing, *ABOUT, board.rules.roll_up.sentence, *read.notes, *board.notes]
    made = workbook_bytes if numbers is None else numbers.workbook
    data = made(sheets, about, read.sources, out.name, FILLS)
    said = pd.DataFrame({"said": about})
    return data, (*sheets.values(), said)


def _page(read: _Read, board: RagBoard, changed, tables, rule, title: str = ""):
    import pandas as pd

    from geoplan.reports.outlines import simplify_outlines
    from geoplan.reports.rag_board import RagPage, area_outlines

    points = read.schools.reindex(columns=["easting", "northing"])
    layer = area_outlines(read.layers)
    outlines = simplify_outlines(layer) if layer is not None else None
    sources = (*read.sources, *([layer.source] if layer is not None else []))
    return RagPage(
        board, sources, pd.DataFrame(points), outlines, changed, tuple(tables), rule, title, read.notes
    )  # fmt: skip


def _pages(read, board, changed, tables, rule, folder: Path) -> dict:
    """A page for all schools and for each group of the finest level."""
    from geoplan.manifests import safe_name

    folder.mkdir(parents=True, exist_ok=True)
    whole = _page(read, board, changed, tables, rule)
    made = {folder / "authority.html": whole}
    for level in board.rules.groups[:1]:
        for group in dict.fromkeys(board.hierarchy.groups(level)):
            part = board.within(level, group)
            name = f"{safe_name(f'{level}-{group}')}.html"
            made[folder / name] = replace(
                whole, board=part, title=f"{group}: {board.rules.title}", whole=board, changes=None
            )
    return made


# --- saying ----------------------------------------------------------------------------------------------------


def _print(board: RagBoard, changed: RagChanges | None, notes: tuple[str, ...]) -> None:
    import pandas as pd

    from geoplan.hierarchies import ALL
    from geoplan.rag import STATUSES, WORDS
    from geoplan.reports.rag_board import finding

    rules = board.rules
    typer.echo(f"{rules.title}. {rules.standing}")
    typer.echo(finding(board))
    counts = board.by_group(ALL).xs(ALL, level=0)
    used = [status for status in STATUSES if counts[status].any()]
    cells = pd.DataFrame({"indicator": [each.title for each in rules.indicators]})
    for status in used:
        cells[status] = counts[status].to_numpy()
    headings = ["indicator", *[WORDS[status].lower() if WORDS[status] != "c" else "c" for status in used]]
    if counts["colour"].any():
        cells["all"] = counts["colour"].to_numpy()
        headings.append("all schools")
    print_table(cells, headings)
    for level in rules.groups:
        coloured = board.by_group(level)["colour"].unstack("indicator")[[each.name for each in rules.indicators]]
        if coloured.to_numpy().astype(bool).any():
            typer.echo("")
            print_table(coloured.reset_index(), [level, *[each.title for each in rules.indicators]])
    typer.echo(f"\n{rules.roll_up.sentence}")
    if changed is not None:
        typer.echo("")
        _print_changes(changed)
    for note in (*notes, *board.notes, *rules.warnings):
        typer.echo(f"Note: {note}")


def _print_changes(found: RagChanges, most: int = 40) -> None:
    import pandas as pd

    typer.echo(f"{found.before} to {found.after}: {found.finding}")
    if not len(found):
        return
    table = found.table.reset_index()
    cells = pd.DataFrame(table[["school", "name", "indicator", "before", "after", "because"]])
    print_table(cells.head(most), ["school", "name", "indicator", "before", "after", "because"])
    if len(cells) > most:
        typer.echo(f"and {len(cells) - most:,} more; -o changes.csv has them all")


def _rules_json(rules: RagRules) -> dict:
    return {
        "title": rules.title, "standing": rules.standing, "problems": [], "warnings": list(rules.warnings),
        "rules": [{"name": each.name, "title": each.title, "category": each.category, "columns": list(each.columns),
                   "sentences": list(each.sentences()), "fingerprint": each.fingerprint} for each in rules.indicators],
        "roll_up": rules.roll_up.sentence,
    }  # fmt: skip


def _run_json(board: RagBoard, changed, notes, as_at: str) -> dict:
    from geoplan.hierarchies import ALL
    from geoplan.rag_changes import record
    from geoplan.rag_tables import group_table

    groups = {level: group_table(board, level).to_dict("records") for level in (*board.rules.groups, ALL)}
    answer = record(board, as_at) | {"groups": groups, "notes": [*notes, *board.notes, *board.rules.warnings]}
    return answer | ({"changes": _changes_json(changed)} if changed is not None else {})


def _changes_json(found: RagChanges) -> dict:
    return {
        "before": found.before, "after": found.after, "finding": found.finding, "same": found.same,
        "changes": found.table.reset_index().to_dict("records"),
    }  # fmt: skip
