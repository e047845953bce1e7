"""``geoplan report``: the head's page of one school or of every school, and the page of a cluster, as releases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.common import JsonOption, ProjectOption, load_people, protecting, steps
from geoplan.cli.release import inputs_of
from geoplan.errors import ReleaseRefused, UnknownCodeError

if TYPE_CHECKING:
    from geoplan.disclosure import Protected
    from geoplan.protection import PlaceTables
    from geoplan.reports import Backdrop

PUBLIC, SCHOOL, INTERNAL = "public", "school", "internal"
PAGE = "report.html"
BATCH = 50  # schools worked out together


def command(
    folder: Annotated[Path, typer.Argument(help="Folder to write; with --all one folder in it for each school.")],
    school: Annotated[str, typer.Option("--school", "-s", help="The school's URN.")] = "",
    every: Annotated[bool, typer.Option("--all", help="A report for every school.")] = False,
    cluster: Annotated[str, typer.Option(help="The page of a cluster, schools side by side.", show_default=False)] = "",
    audience: Annotated[
        str,
        typer.Option(
            "--audience",
            "-a",
            show_default=False,
            help="school (each report for its own head) or public; a cluster's page: public or internal.",
        ),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why exact numbers are needed; for internal.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="A PDF for A4 too; needs geoplan[pdf].")] = False,
    workbook: Annotated[
        bool, typer.Option("--workbook/--no-workbook", help="A workbook and a GeoPackage for the analyst too.")
    ] = True,
    since: Annotated[
        str, typer.Option(help="What changed since another file of pupils, by its name in [files].", show_default=False)
    ] = "",
    project: ProjectOption = Path("geoplan.toml"),
    as_json: JsonOption = False,
) -> None:
    """Write a head's report: who comes, from where, which schools are alike, and how far to trust it.

    Each report is a release of its own, for the head of the school: figures protected, files read back and scanned,
    and a manifest beside them that "geoplan verify" checks.

    Example: geoplan report for-the-head --school 900029
    """
    from geoplan.io.project import read_project

    audience = audience or (PUBLIC if cluster else SCHOOL)
    _check(school, every, cluster, audience, since)
    place = read_project(project)
    try:
        rule = place.rule(INTERNAL if audience == INTERNAL else PUBLIC, reason)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--reason") from None
    people, schools, layers = load_people(place)
    earlier = load_people(place, people.segmentation.level, role=since)[0] if since else None
    with protecting(place, people, layers, rule, writes=not rule.exact) as numbers:
        with steps("protecting the numbers") as step:
            next(step)
            ground = _prepare(numbers, schools, earlier, since, [school] if school and audience == PUBLIC else [])
        if cluster:
            said = [_write_cluster(folder, ground, cluster, audience, reason)]
        else:
            wanted = list(ground.tables.profiles) if every else [school]
            said = _write_reports(folder, ground, wanted, audience, every, _forms(pdf, workbook))
    if as_json:
        typer.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for each in said[:3]:
        for name in each["files"]:
            typer.echo(f"wrote {each['folder']}/{name}")
    if len(said) > 3:
        typer.echo(f"... {len(said):,} reports in all, each in its own folder of {folder}")
    if rule.exact:
        typer.echo(rule.sentence)
    else:
        figures = sum(each["read_back"]["figures"] for each in said)
        typer.echo(f"{figures:,} figures read back from the files are those that the gate attacked")


def _check(school: str, every: bool, cluster: str, audience: str, since: str) -> None:
    if sum((bool(school), every, bool(cluster))) != 1:
        raise typer.BadParameter(
            "give one school with --school, all of them with --all, or a cluster with --cluster", param_hint="--school"
        )
    allowed = (PUBLIC, INTERNAL) if cluster else (SCHOOL, PUBLIC)
    if audience not in allowed:
        raise typer.BadParameter(f"{audience}: here it is {' or '.join(allowed)}", param_hint="--audience")
    if since and cluster:
        raise typer.BadParameter("a change is of one school, not of a cluster", param_hint="--since")


def _forms(pdf: bool, workbook: bool) -> tuple[str, ...]:
    return ("html", *(("pdf",) if pdf else ()), *(("xlsx", "csv", "gpkg") if workbook else ()))


@dataclass(frozen=True, repr=False)
class _Ground:
    """What all reports of a run rest on."""

    numbers: object
    schools: object
    tables: PlaceTables
    shared: Backdrop
    marks: Mapping[str, str]
    before: Mapping[str, Protected] = field(default_factory=dict)
    since: str = ""

    @cached_property
    def attacked(self) -> tuple:
        """What is printed of the place: collected once."""
        return tuple(_public_parts(self.tables))

    @cached_property
    def inputs(self) -> tuple:
        """What the manifests say of the files read: worked out once."""
        return inputs_of(self.numbers.place, self.numbers.people, self.numbers.areas)


def _prepare(numbers, schools, earlier, since: str, homes: Sequence[str]) -> _Ground:
    from datetime import date

    from geoplan.cautions import caution_tables
    from geoplan.reports import backdrop
    from geoplan.reports.head import APART_KM, MOST_SIMILAR
    from geoplan.similarity import printed_totals, similar_by_mix

    place, people, today = numbers.place, numbers.people, date.today()
    names = {segment: people.segmentation.name(segment) for segment in people.segmentation.segments}
    tables = numbers.tables(homes, caution_tables(people))
    similar = similar_by_mix(
        tables.by_school, n=MOST_SIMILAR, schools=schools.frame, totals=printed_totals(tables.profiles),
        names=names, exclude_within_km=APART_KM,
    )  # fmt: skip
    shared = backdrop(
        people, schools, numbers.areas, tables, place=place.name, contact=place.contact,
        made=f"{today.day} {today:%B %Y}", similar={school: similar.of(school) for school in tables.profiles},
    )  # fmt: skip
    ground = _Ground(numbers, schools, tables, shared, numbers.marks)
    if earlier is None:
        return ground
    other = numbers.beside(earlier, since)
    return replace(ground, marks=other.marks, before=other.tables().profiles, since=since)


# --- one report ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class _Part:
    """One school's report, ready to be written, with the gate that its tables went through."""

    school: str
    report: object
    gate: Callable


def _own_tables(ground: _Ground, prepared, schools: Sequence[str]) -> Mapping[str, object]:
    """What the heads of some schools may see of their own, worked out together where there is anything of the kind."""
    from geoplan.school_tables import protect_schools

    if prepared is None:
        return {}
    return protect_schools(prepared, {school: ground.numbers.place.rule(f"school:{school}") for school in schools})


def _read_by(ground: _Ground, own, school: str) -> tuple[PlaceTables, object, str]:
    """The tables that a reader of one school's report sees, what the gate said of them, and what to tell of it."""
    if own is None:
        return ground.tables, ground.tables.gate, ""
    homes = {school: own.homes} if len(own.homes) else {}
    return replace(ground.tables, profiles={school: own.profile}, homes=homes, rule=own.rule), own.gate, own.note


def _part(ground: _Ground, own, school: str) -> _Part:
    from geoplan.cautions import cautions
    from geoplan.changes import change_shown
    from geoplan.protection import only_school
    from geoplan.reports import head_report

    tables, result, note = _read_by(ground, own, school)
    attacked = [*ground.attacked, *_parts_of(tables.profiles[school], *tables.homes.values())]
    said = cautions(school, ground.tables.profiles[school], ground.tables.extra, ground.numbers.people.segmentation)
    changes = None
    if school in ground.before:
        before = ground.before[school]
        attacked += _parts_of(before)
        changes = only_school(change_shown(tables.profiles[school], before), school)
    tables = replace(tables, profiles={school: only_school(tables.profiles[school], school)})
    evidence = [only_school(each.to_protected("pupils"), school) for each in ground.tables.extra.values()]
    report = head_report(
        ground.shared, tables, school, similar=ground.shared.similar[school], changes=changes,
        period=f"since {ground.since}" if changes is not None else "",
        cautions=[each.words for each in said], trust=(*ground.shared.notes[:1], *([note] if note else [])),
        evidence=evidence, shares=[each for one in said for each in (one.share, one.everywhere) if each is not None],
    )  # fmt: skip
    return _Part(school, report, _covering(attacked, school, ground.tables.gate, result))


def _parts_of(*tables) -> list:
    return [part for table in tables for part in table.printed or ()]


def _public_parts(tables: PlaceTables) -> list:
    """Everything printed of a place that each reader is taken to know."""
    shown = [each for each in (tables.by_school, tables.by_area, tables.areas) if each is not None]
    parts = _parts_of(*shown, *tables.profiles.values(), *tables.homes.values())
    parts += [each.printed for each in tables.extra.values()]
    return list({id(part): part for part in parts}.values())


def _covering(attacked: Sequence, school: str, *results) -> Callable:
    """A gate that has run: it refuses any table whose cells were not attacked then, and gives the narrower answer.

    Where the reader holds tables of an earlier release that were not attacked then, all are attacked anew; what those
    hide of the own school is not to be kept from its head.
    """

    def gate(printed, public, earlier, **more):
        from geoplan.gate import attack

        seen = {_content(each) for each in (*attacked, *printed)}
        if any(_content(each) not in seen for each in earlier):
            # an earlier release told this reader something else; two years have tables of one name
            printed, earlier = (
                [replace(each, name=f"{each.name} ({each.population})") for each in tables]
                for tables in (printed, [_unsaid(each, school) for each in earlier])
            )
            return attack(printed, public, earlier, **more)
        for part in printed:
            told = [each for each in attacked if (each.name, each.dims, each.population) == _which(part)]
            there = {cell: text for each in told for cell, text in zip(each.cells, each.shown, strict=True)}
            if any(there.get(cell) != text for cell, text in zip(part.cells, part.shown, strict=True)):
                raise ReleaseRefused(["the gate: a table that it has not attacked"])
        return min(results, key=lambda each: 99 if each.narrowest is None else each.narrowest)

    return gate


def _unsaid(part, school: str):
    """A table with what it hides of one school left open."""
    from geoplan.disclosure import HIDDEN, NOT_AVAILABLE

    if "school" not in part.dims:
        return part
    at = part.dims.index("school")
    texts = (
        NOT_AVAILABLE if text == HIDDEN and cell[at] == school else text
        for cell, text in zip(part.cells, part.shown, strict=True)
    )
    return replace(part, shown=tuple(texts))


def _content(part) -> tuple:
    return part.dims, part.cells, part.shown, part.population


def _which(part) -> tuple:
    return part.name, part.dims, part.population


# --- writing ------------------------------------------------------------------------------------------------


def _write_reports(
    folder: Path, ground: _Ground, wanted: Sequence[str], audience: str, every: bool, forms: Sequence[str]
) -> list[dict]:
    from geoplan.io.releases import attack_for_heads, printed_of
    from geoplan.school_tables import prepare_schools

    numbers, tables = ground.numbers, ground.tables
    unknown = [code for code in wanted if code not in tables.profiles]
    if unknown:
        some = ", ".join(list(tables.profiles)[:5])
        raise UnknownCodeError(f"no pupil placed goes to school {unknown[0]}; schools with pupils are {some} ...")
    own = audience == SCHOOL and numbers.areas is not None
    prepared = prepare_schools(numbers.people, numbers.areas, tables) if own else None
    parts = []
    with steps(*(f"protecting {code}" for code in wanted)) as step:
        for start in range(0, len(wanted), BATCH):
            some = wanted[start : start + BATCH]
            own_of = _own_tables(ground, prepared, some)
            parts += [_part(ground, own_of.get(code), code) for code, _ in zip(some, step, strict=False)]
    attack_for_heads(list(ground.attacked), numbers.ledger, tables.public, tables.nested)
    # one entry each and one writing of the file: an entry without a release only costs precision
    entries = [(PUBLIC, ground.attacked, tables.nested)]
    entries += [(_audience(part.school, audience), printed_of(part.report.tables), ()) for part in parts]
    _enter(numbers, entries, ground.marks)
    if every:
        folder.mkdir(exist_ok=True)
    said = []
    with steps(*(f"writing {code}" for code in wanted)) as step:
        for part, _ in zip(parts, step, strict=True):
            release = _release(ground, part, audience, forms)
            target = folder / _folder_name(part.report) if every else folder
            manifest = release.write(target, public=tables.public, ledger=numbers.ledger, marks=ground.marks,
                                     gate=part.gate)  # fmt: skip
            said.append(_summary(target, manifest))
    return said


def _audience(school: str, audience: str) -> str:
    return PUBLIC if audience == PUBLIC else f"school:{school}"


def _enter(numbers, entries, marks: Mapping[str, str]) -> None:
    """Enter all releases of a run in the ledger, and write it once."""
    from datetime import UTC, datetime

    from geoplan.io.ledgers import OpenLedger

    day = datetime.now(UTC).strftime("%Y-%m-%d")
    growing = OpenLedger(numbers.ledger.path, numbers.ledger.memory)
    for audience, printed, nested in entries:
        growing.memory = growing.with_entry(day, audience, printed, nested, marks)
    numbers.ledger.keep(growing.memory)


def _release(ground: _Ground, part: _Part, audience: str, forms: Sequence[str]):
    from geoplan.io.releases import Release
    from geoplan.io.report_files import report_files, workbook_words

    place, report = ground.numbers.place, part.report
    release = Release(
        _audience(part.school, audience),
        title=f"{report.name}: who comes, and from where",
        command=f"geoplan report --school {part.school} --audience {audience}",
        settings={"as_at": place.as_at, "since": ground.since},
        inputs=ground.inputs,
    )
    facts = (*report.worked_out, *([workbook_words(report)] if "xlsx" in forms else []))
    for name, data in report_files(report, ground.numbers.areas, forms).items():
        kind = name.rpartition(".")[2]
        page = PAGE if kind == "pdf" else ""
        release = release.add(name, data, report.tables, kind=kind, facts=facts, page=page)
    return release


def _write_cluster(folder: Path, ground: _Ground, cluster: str, audience: str, reason: str) -> dict:
    from geoplan.io.releases import Release
    from geoplan.reports import cluster_page

    numbers, tables = ground.numbers, ground.tables
    page = cluster_page(ground.shared, tables, cluster=cluster)
    release = Release(
        audience, title=f"{cluster}: schools side by side", reason=reason if audience == INTERNAL else "",
        command=f"geoplan report --cluster --audience {audience}", settings={"as_at": numbers.place.as_at},
        inputs=ground.inputs,
    ).add("cluster.html", page)  # fmt: skip
    manifest = release.write(
        folder, public=tables.public, nested=tables.nested, overlaps=tables.overlaps,
        ledger=numbers.ledger, marks=ground.marks,
    )  # fmt: skip
    return _summary(folder, manifest)


def _folder_name(report) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", report.name.lower()).strip("-")[:40].strip("-")
    return f"{report.school}-{plain}" if plain else report.school


def _summary(folder: Path, manifest) -> dict:
    return {
        "folder": str(folder),
        "audience": manifest.audience,
        "files": [each.name for each in manifest.outputs],
        "gate": dict(manifest.gate),
        "leaks": dict(manifest.leaks),
        "read_back": dict(manifest.read_back),
        "ledger": manifest.ledger,
    }


command.__name__ = "report"
