"""``geoplan release``: pages and tables of a place in one folder for one audience, with a manifest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import (
    JsonOption,
    ProjectOption,
    load_people,
    protecting,
    require_areas,
    steps,
    with_rule,
)
from geoplan.cli.profile import profiles_table
from geoplan.errors import UnknownCodeError

THRESHOLDS = ("hide_below", "round_to", "min_base")


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to write; an earlier release in it is replaced as a whole.")],
    audience: Annotated[
        str, typer.Option("--audience", "-a", help="public, school:URN (one head teacher) or internal (exact numbers).")
    ] = "public",
    school: Annotated[
        list[str] | None, typer.Option("--school", "-s", help="A school to add a book of; may be repeated.")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why exact numbers are needed; for internal, and kept in the audit file.")
    ] = "",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="A threshold to change, such as hide_below=5; printed on every output."),
    ] = None,
    because: Annotated[str, typer.Option("--because", help="Why the threshold is changed; printed too.")] = "",
    project: ProjectOption = Path("geoplan.toml"),
    as_json: JsonOption = False,
) -> None:
    """Write a release: the place's book, books of chosen schools, every profile, and the similar schools.

    All numbers are protected together, with all that was released before; a gate attacks them, every file is read
    back and scanned, and the folder is written wholly or not at all. internal has exact numbers, for planners alone.

    Example: geoplan release output --school 900029
    """
    from geoplan.io.project import read_project

    place = read_project(project)
    try:
        rule = place.rule(audience, reason, _changes(change or []), because)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint=_hint(str(error))) from None
    if reason and not rule.exact:
        raise typer.BadParameter("a reason is for internal; changed thresholds take --because", param_hint="--reason")
    people, schools, layers = load_people(place)
    require_areas(layers)
    wanted = list(dict.fromkeys([*([rule.own] if rule.own else []), *(school or [])]))
    _check_schools(wanted, schools)
    with (
        steps("protecting the numbers", "writing the folder") as step,
        protecting(place, people, layers, rule, writes=not rule.exact) as numbers,
    ):
        next(step)
        tables = numbers.tables(wanted)
        release = release_of(place, people, schools, layers[0], tables, wanted, _command(audience, wanted, change))
        next(step)
        manifest = release.write(
            folder, public=tables.public, nested=tables.nested, overlaps=tables.overlaps,
            ledger=numbers.ledger, marks=numbers.marks,
        )  # fmt: skip
    said = _summary(folder, manifest)
    if as_json:
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for each in said["files"]:
        typer.echo(f"wrote {folder / each}")
    typer.echo(rule.sentence)
    if manifest.gate["run"]:
        typer.echo(
            f"the gate attacked {manifest.gate.get('cells', 0):,} hidden numbers: none has fewer than 5 possible "
            f"values; {manifest.read_back['figures']:,} figures read back from the files are those it saw"
        )


def release_of(place, people, schools, areas, tables, wanted, command: str):
    """The files of a release, as values: the place's book, books of schools, profiles and similar schools."""
    from geoplan.books import community_book, place_book
    from geoplan.io.outputs import table_csv
    from geoplan.io.releases import Release
    from geoplan.manifests import safe_name
    from geoplan.similarity import similar_shown

    rule = tables.rule
    title = f"{place.name}: where pupils live and whom schools serve"
    plain = re.sub(r"[^a-z0-9]+", "-", place.name.lower()).strip("-")
    similar = similar_shown(tables.by_school, schools=schools.frame, n=5).set_index(["school", "rank"])
    listed = with_rule(similar, rule)
    made = Release(
        rule.name,
        title=title,
        reason=rule.reason if rule.exact else "",
        command=command,
        settings={"as_at": place.as_at, "homes": wanted},
        inputs=inputs_of(place, people, areas),
    ).add(plain or safe_name(place.name), place_book(people, schools, areas, title, rule, tables))
    for code in wanted:
        made = made.add(f"school-{code}.html", community_book(people, schools, areas, code, rule, tables))
    made = made.add("profiles.csv", profiles_table(tables.profiles))
    return made.add("similar.csv", table_csv(listed), [tables.by_school], kind="csv", facts=[listed])


def inputs_of(place, people, areas) -> tuple:
    """What the manifest says of each file read."""
    from geoplan.io.releases import input_of

    given = [(role, None) for role in ("schools", "postcodes", "segments") if place.has(role)]
    return (
        input_of(place.file("pupils"), "pupils", people.report.to_dict(), personal=True),
        *(input_of(place.file(role), role, personal=False) for role, _ in given),
        *(
            input_of(place.area_files[each.kind], each.kind, source=each.source, personal=False, crs_used="EPSG:27700")
            for each in (areas,)
            if each is not None
        ),
    )


def _changes(words: list[str]) -> dict[str, int]:
    changes = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in THRESHOLDS or not value.isdigit():
            raise typer.BadParameter(
                f"{word!r}: write NAME=NUMBER; names are {', '.join(THRESHOLDS)}", param_hint="--set"
            )
        changes[name] = int(value)
    return changes


def _hint(words: str) -> str:
    return "--audience" if "audience" in words else "--because" if "threshold" in words else "--reason"


def _check_schools(wanted: list[str], schools) -> None:
    unknown = [code for code in wanted if code not in schools.frame.index]
    if unknown:
        raise UnknownCodeError(f"school {', '.join(unknown)} is not in the schools file")


def _command(audience: str, wanted: list[str], change: list[str] | None) -> str:
    words = ["geoplan release", f"--audience {audience}", *(f"--school {code}" for code in wanted)]
    return " ".join([*words, *(f"--set {each}" for each in change or [])])


def _summary(folder: Path, manifest) -> dict:
    return {
        "folder": folder.resolve().name,
        "audience": manifest.audience,
        "run": manifest.run,
        "written": manifest.written,
        "files": [each.name for each in manifest.outputs],
        "rules": list(manifest.rules),
        "overrides": [each.document() for each in manifest.overrides],
        "gate": dict(manifest.gate),
        "leaks": dict(manifest.leaks),
        "read_back": dict(manifest.read_back),
        "ledger": manifest.ledger,
    }


command.__name__ = "release"
