"""``geoplan report``: the head's page of one school or of every school, and the page of a cluster, as releases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from geoplan.cli.common import JsonOption, ProjectOption, load_people, protecting, steps
from geoplan.cli.head_reports import PUBLIC, Ground, Order, summary, write_reports
from geoplan.cli.release import inputs_of
from geoplan.errors import UnknownCodeError

SCHOOL, INTERNAL = "school", "internal"


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
    processes: Annotated[
        int, typer.Option(min=0, help="Processes to work in with --all; 0 for as many as help.", show_default=False)
    ] = 0,
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
            order = Order(folder, audience, every, _forms(pdf, workbook))
            said = _write_reports(numbers, ground, wanted, order, processes)
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


def _prepare(numbers, schools, earlier, since: str, homes: Sequence[str]) -> Ground:
    from datetime import date

    from geoplan.cautions import caution_tables
    from geoplan.reports import backdrop
    from geoplan.reports.head import APART_KM, MOST_SIMILAR
    from geoplan.reports.words import group_name
    from geoplan.similarity import printed_totals, similar_by_mix

    place, people, today = numbers.place, numbers.people, date.today()
    names = {segment: group_name(people.segmentation.name(segment)) for segment in people.segmentation.segments}
    tables = numbers.tables(homes, caution_tables(people))
    similar = similar_by_mix(
        tables.by_school, n=MOST_SIMILAR, schools=schools.frame, totals=printed_totals(tables.profiles),
        names=names, exclude_within_km=APART_KM,
    )  # fmt: skip
    shared = backdrop(
        people, schools, numbers.areas, tables, place=place.name, contact=place.contact,
        made=f"{today.day} {today:%B %Y}", similar={school: similar.of(school) for school in tables.profiles},
    )  # fmt: skip
    ground = Ground(
        tables, shared, people.segmentation, numbers.areas, numbers.ledger, numbers.marks,
        inputs_of(place, people, numbers.areas), place.as_at,
    )  # fmt: skip
    if earlier is None:
        return ground
    other = numbers.beside(earlier, since)
    return replace(ground, marks=other.marks, before=other.tables().profiles, since=since)


def _write_reports(numbers, ground: Ground, wanted: Sequence[str], order: Order, processes: int) -> list[dict]:
    from geoplan.school_tables import prepare_schools

    tables = ground.tables
    unknown = [code for code in wanted if code not in tables.profiles]
    if unknown:
        some = ", ".join(list(tables.profiles)[:5])
        raise UnknownCodeError(f"no pupil placed goes to school {unknown[0]}; schools with pupils are {some} ...")
    own = None
    if order.audience == SCHOOL and numbers.areas is not None:
        own = prepare_schools(numbers.people, numbers.areas, tables)
    rules = {code: numbers.place.rule(f"school:{code}") for code in wanted}
    return write_reports(ground, own, rules, order, processes)


def _write_cluster(folder: Path, ground: Ground, cluster: str, audience: str, reason: str) -> dict:
    from geoplan.io.releases import Release
    from geoplan.reports import cluster_page

    tables = ground.tables
    page = cluster_page(ground.shared, tables, cluster=cluster)
    release = Release(
        audience, title=f"{cluster}: schools side by side", reason=reason if audience == INTERNAL else "",
        command=f"geoplan report --cluster --audience {audience}", settings={"as_at": ground.as_at},
        inputs=ground.inputs,
    ).add("cluster.html", page)  # fmt: skip
    manifest = release.write(
        folder, public=tables.public, nested=tables.nested, overlaps=tables.overlaps,
        ledger=ground.ledger, marks=ground.marks,
    )  # fmt: skip
    return summary(folder, manifest)


command.__name__ = "report"
