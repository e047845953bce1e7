"""``geoplan similar``: schools like ours, near or far."""

from __future__ import annotations

import json
from contextlib import suppress
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
    ruled,
    steps,
    with_rule,
)
from geoplan.sentences import first_few

if TYPE_CHECKING:
    import pandas as pd

    from geoplan.similarity import SimilarSchools

MIX, ATTRIBUTES = "mix", "attributes"
DRAWS = 200


def command(
    school: Annotated[str, typer.Option("--school", "-s", help="The school's URN; without it, every school.")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many for each school.")] = 10,
    by: Annotated[
        str,
        typer.Option(
            "--by", help="What schools are alike in: mix (of segments), attributes (numbers), or dfe-primary."
        ),
    ] = MIX,
    variables: Annotated[
        str, typer.Option(help="Columns for attributes, with weights or not: fsm_percent=2,roll.", show_default=False)
    ] = "",
    facts: Annotated[
        Path | None, typer.Option(help="A file with a URN and more numbers about schools.", show_default=False)
    ] = None,
    same: Annotated[str, typer.Option(help='Columns that must be equal: phase,type; "" for none.')] = "phase",
    any_phase: Annotated[bool, typer.Option("--any-phase", help="Compare schools of every phase.")] = False,
    exclude_within_km: Annotated[float, typer.Option(min=0, help="Leave out schools this near, in km.")] = 0.0,
    better_on: Annotated[
        str, typer.Option(help="Then keep those that do better in this column.", show_default=False)
    ] = "",
    better_pupils: Annotated[
        str, typer.Option(help="Column of pupils behind each percentage, for an interval.", show_default=False)
    ] = "",
    lower_is_better: Annotated[bool, typer.Option("--lower-is-better", help="A smaller number is better.")] = False,
    project: ProjectOption = Path("geoplan.toml"),
    out: OutOption = None,
    internal: InternalOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the most similar schools, near or far, with the reasons and how firm the list is.

    Alike in the mix of segments their pupils come from, or in numbers such as size and free meals. Results of
    schools never decide; --better-on looks at them after the list is made.

    Example: geoplan similar --school 900029 --count 5 --exclude-within-km 3
    """
    from geoplan.attributes import METHODS
    from geoplan.errors import GeoplanError, UnknownCodeError
    from geoplan.io.outputs import table_csv
    from geoplan.io.project import read_project
    from geoplan.similarity import Better, overlap, printed_totals, similar_by_attributes, similar_by_mix

    if by not in (MIX, ATTRIBUTES, *METHODS):
        raise typer.BadParameter(f"{by}: there are {', '.join((MIX, ATTRIBUTES, *METHODS))}", param_hint="--by")
    chosen = _variables(variables)
    if chosen and by != ATTRIBUTES:
        raise typer.BadParameter("columns are named with --by attributes only", param_hint="--variables")
    if better_pupils and not better_on:
        raise typer.BadParameter("it goes with --better-on", param_hint="--better-pupils")
    if out is not None:
        by_ending(out, ".csv")
    place = read_project(project)
    rule, out = ruled(place, internal, out)
    inputs = [*project_inputs(place), facts]
    check_targets([out], inputs=inputs)
    people, schools, layers = load_people(place)
    better = Better(better_on, not lower_is_better, better_pupils) if better_on else None
    options = {
        "n": count,
        "same": () if any_phase else tuple(column.strip() for column in same.split(",") if column.strip()),
        "exclude_within_km": exclude_within_km,
        "draws": DRAWS,
    }
    wanted = [*chosen, *_columns(by), better_on, better_pupils]
    known = _with_file(schools.frame, facts, wanted, by)
    _require_columns(known, options["same"])
    printed: list = []

    def mix(numbers, better: Better | None) -> SimilarSchools:
        tables = numbers.tables()
        names = {segment: people.segmentation.name(segment) for segment in people.segmentation.segments}
        totals = printed_totals(tables.profiles)
        printed.append(tables.by_school)
        return similar_by_mix(
            tables.by_school, school or None, schools=known, names=names, totals=totals, better=better, **options
        )

    with (
        steps("protecting the numbers") as step,
        protecting(place, people, layers, rule, writes=out is not None, inputs=inputs) as numbers,
    ):
        next(step)
        other = None
        if by != MIX:
            known, own, numbers = _with_own(known, numbers, wanted)
            printed += own
        try:
            if by == MIX:
                found = mix(numbers, better)
            else:
                method = by if by in METHODS else chosen or None
                found = similar_by_attributes(known, method, school or None, better=better, **options)
                with suppress(UnknownCodeError):  # no segments, or too few pupils of this school: one list then
                    other = mix(numbers, None) if better is None else None
        except GeoplanError:
            raise
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        if out is not None:
            listed = with_rule(found.table.set_index(["school", "rank"]), rule)
            numbers.write(out, table_csv(listed), printed, [listed])
            typer.echo(f"wrote {out}: {found.table['school'].nunique():,} schools", err=True)
    notes = list(found.notes)
    if other is not None:
        agree = overlap(found, other)
        if len(agree) and (not school or school in agree.index):
            notes.append(
                f"Of these schools, {100 * agree['share'].mean():.0f}% are also on the list by mix of segments."
            )
    if as_json:
        typer.echo(json.dumps(_as_json(found, notes), indent=2, ensure_ascii=False))
    elif school:
        _print(found, notes)
    elif out is None:
        count = found.table["school"].nunique()
        typer.echo(f"{count:,} schools compared; use --school URN, -o similar.csv or --json")


def _variables(text: str) -> dict[str, float]:
    """Columns and weights, as ``fsm_percent=2,roll``."""
    answer = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, _, weight = part.partition("=")
        try:
            answer[name.strip()] = float(weight) if weight else 1.0
        except ValueError:
            raise typer.BadParameter(
                f"{part}: write a weight as a number: fsm_percent=2", param_hint="--variables"
            ) from None
    return answer


def _columns(by: str) -> list[str]:
    """Every header that a published method may take its numbers from, or the usual columns."""
    from geoplan.attributes import METHODS, USUAL

    if by in METHODS:
        return [name for each in METHODS[by].attributes for name in (each.name, *each.headers)]
    return list(USUAL) if by == ATTRIBUTES else []


def _our_names(by: str) -> dict[str, str]:
    """A published method's headers to our names, so that a file's own column comes before any other."""
    from geoplan.attributes import METHODS

    return {header: each.name for each in METHODS[by].attributes for header in each.headers} if by in METHODS else {}


def _with_file(frame: pd.DataFrame, path: Path | None, columns: list[str], by: str) -> pd.DataFrame:
    """The schools with the numbers of a further file."""
    frame = frame.copy()
    if path is not None:
        from geoplan.io.attributes import read_attributes

        more = read_attributes(path, [column for column in dict.fromkeys(columns) if column])
        frame = frame.reindex(frame.index.union(more.index, sort=False))
        ours = _our_names(by)
        for column in more:
            frame[ours.get(column, column)] = more[column].reindex(frame.index)
    return frame


def _with_own(frame: pd.DataFrame, numbers, columns: list[str]):
    """The schools with what the rolls say where nothing else does, safe beside what was released; and the protected."""
    from geoplan.intakes import fact_marks, protect_pupil_facts

    wanted = [column for column in columns if column not in frame]
    own = protect_pupil_facts(numbers.people, numbers.rule, numbers.data, earlier=numbers.earlier()[0], only=wanted)
    used = [column for column in own.table if column in wanted]
    if not used:
        return frame, (), numbers
    numbers = numbers.with_marks(fact_marks(numbers.people, numbers.data, only=used))
    return frame.assign(**{column: own.table[column].reindex(frame.index) for column in used}), (own,), numbers


def _require_columns(frame: pd.DataFrame, same: tuple[str, ...]) -> None:
    lost = [column for column in same if column not in frame and column != "phase"]
    if lost:
        there = ", ".join(map(str, frame.columns))
        raise typer.BadParameter(f"the schools have no {', '.join(lost)}; there are {there}", param_hint="--same")


def _as_json(found: SimilarSchools, notes: list[str]) -> dict:
    def rows(table: pd.DataFrame) -> list[dict]:
        return table.astype("object").where(table.notna(), None).to_dict(orient="records")

    return {"by": found.by, "schools": rows(found.table), "left_out": rows(found.left_out), "notes": notes}


def _print(found: SimilarSchools, notes: list[str]) -> None:
    table = found.table
    if not len(table):
        typer.echo("No school is left to list.")
    else:
        cells = table[["similar", "name"]].assign(
            distance=table["distance"].map("{:.2f}".format), km=_text(table["km"], "{:.1f}")
        )
        headings = ["school", "name", "differs by", "km away"]
        if found.by != MIX:
            cells["known"] = table["known"].astype("str") + " of " + table["of"].astype("str")
            headings.append("known")
        for column, heading in (("stability", "stays"), ("stability_chance", "by chance")):
            if column in table:
                cells[column] = _text(100 * table[column], "{:.0f}%")
                headings.append(heading)
        for column, heading in (("own_value", "own"), ("value", "theirs"), ("difference", "difference")):
            if column in table:
                cells[column] = _text(table[column], "{:.1f}")
                headings.append(heading)
        if "difference_low" in table:
            low, high = (_text(table[f"difference_{end}"], "{:.1f}") for end in ("low", "high"))
            cells["interval"] = low + " to " + high
            headings.append("interval")
        print_table(cells, headings)
        typer.echo("")
        for row in table.itertuples():
            alike = f"alike in {row.alike}; " if row.alike else ""
            differs = f"differs most in {row.differs}" if row.differs else "no difference in the numbers shown"
            typer.echo(f"{row.rank}. {row.name}: {alike}{differs}")
        typer.echo("")
    for _, reason, schools in [(0, reason, part["school"]) for reason, part in found.left_out.groupby("reason")]:
        typer.echo(f"Not compared ({reason}): {first_few(map(str, schools))}")
    for note in notes:
        typer.echo(note)


def _text(values: pd.Series, form: str) -> pd.Series:
    return values.map(lambda value: form.format(value) if value == value else "")


command.__name__ = "similar"
