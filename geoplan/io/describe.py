"""What ``geoplan check`` says of one file: accepted or not, every record accounted for, never a value."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import assign
from geoplan.errors import GeoplanError, InputRefused
from geoplan.findings import (
    ROW_CODES,
    count_outcomes,
    count_reasons,
    findings,
    gather,
    no_findings,
    outcome_of,
    problem_entries,
)
from geoplan.io.census import CensusReturn, read_census
from geoplan.io.children import read_births, read_flows, read_population, read_register
from geoplan.io.directories import read_postcodes
from geoplan.io.files import file_name, refuse
from geoplan.io.layers import read_boundaries
from geoplan.io.people import read_people, read_pupils
from geoplan.io.project import FILE_NAME, Project, find_project
from geoplan.io.rolls import read_rolls
from geoplan.io.schools import read_schools
from geoplan.io.segmentations import read_segmentation
from geoplan.io.streets import read_streets
from geoplan.people import People
from geoplan.postcodes import SHAPE, PostcodeDirectory, normalise_postcodes, rule_for
from geoplan.rolls import Counts
from geoplan.schools import Schools
from geoplan.segments import Segmentation
from geoplan.sources import Source
from geoplan.streets import Streets

Answer = tuple[int, pd.DataFrame, dict]
TOGETHER = "together"  # whether files fit each other
KINDS = (
    "pupils", "people", "schools", "postcodes", "areas", "segments", "rolls", "register", "population", "births",
    "flows", "streets", "census",
)  # fmt: skip


def describe_file(path: str | os.PathLike, as_kind: str, **options: object) -> dict:
    """Check one file.

    Parameters
    ----------
    path
        The file.
    as_kind
        ``pupils``, ``people``, ``schools``, ``postcodes``, ``areas``, ``segments``, ``rolls``, ``register``,
        ``births``, ``flows``, ``streets`` or ``census`` (a return of pupils, with the questions for schools
        in ``details``).
    options
        Passed on to the reader (``schools=``, ``columns=``, ``layer=`` ...).

    Returns
    -------
    dict
        ``file``, ``as``, ``file_status`` (ok or rejected), ``reason`` (the first code) and ``message`` when rejected,
        ``records``, ``accepted``, ``repaired``, ``rejected``, ``blank`` (these four add up to the records),
        ``by_reason`` (records by code), ``problems`` (``record``, ``outcome``, ``column``, ``codes``, ``rule``; for a
        file that is refused, why) and ``details``.
    """
    if as_kind not in KINDS:
        raise refuse(file_name(path), "kind_unknown", f"no kind {as_kind!r}", f"one of {', '.join(KINDS)}")
    return _report(file_name(path), as_kind, lambda: _ANSWERS[as_kind](_READERS[as_kind](path, **options)))


def describe_project(path: str | os.PathLike | Project = FILE_NAME) -> list[dict]:
    """Check every file of a project, as :func:`describe_file` does, in the order of the project file.

    The last entry, ``as`` "together", says whether the files fit each other: the pupils' postcodes looked up in the
    directory, and placed in every kind of area and in a segment (``details["notes"]`` says how many). It is left out
    where a file that it needs is not named or was refused.
    """
    place = find_project(path)
    reports, held = [], {}  # what the last entry needs is read once
    for role in place.settings.files:
        kind = _kind_of(role)
        if kind is not None:
            read = {
                "pupils": lambda r=role: _kept(held, r, lambda: place.pupils(_schools_of(place), r)),
                "people": lambda r=role: place.people(r),
                "schools": place.schools,
                "postcodes": lambda: _kept(held, "postcodes", place.postcodes),
                "segments": lambda: _kept(held, "segments", place.segments),
                "rolls": lambda r=role: read_rolls(place.file(r), place.settings.columns.get("rolls")),
                "register": lambda r=role: read_register(place.file(r), place.settings.columns.get("register")),
                "births": lambda r=role: read_births(place.file(r), place.settings.columns.get("births")),
                "flows": lambda r=role: read_flows(place.file(r), place.settings.columns.get("flows")),
                "streets": lambda r=role: read_streets(place.file(r), place.settings.columns.get("streets")),
            }[kind]
            reports.append(_report(file_name(place.file(role)), kind, lambda k=kind, r=read: _ANSWERS[k](r())))
    areas: dict[str, Boundaries] = {}
    for area in place.settings.areas:
        name = file_name(place.area_files[area])
        reports.append(_report(name, "areas", lambda a=area: _areas(_kept(areas, a, lambda: place.area(a)))))
    if place.has("pupils") and place.has("postcodes") and all(each["file_status"] == "ok" for each in reports):
        reports.append(_report(file_name(place.path), TOGETHER, lambda: _together(place, held, tuple(areas.values()))))
    return reports


def _kept(held: dict, name: str, read: Callable[[], object]):
    """What was read, to be used again."""
    held[name] = read()
    return held[name]


def _together(place: Project, held: Mapping, areas: tuple[Boundaries, ...]) -> Answer:
    """The pupils placed by all files of the project."""
    segments = held["segments"] if "segments" in held else place.segments()  # a recipe may bring its own file
    report = assign(held["pupils"], held["postcodes"], areas, segments).report
    missed = [
        f"{kind}: {report.counted - count:,} of {report.counted:,} {report.noun} not placed"
        for kind, count in report.placed.items()
    ]
    return report.records, report.findings, {"placed": report.placed, "notes": [*missed, *report.notes]}


def _kind_of(role: str) -> str | None:
    """What is in a file, by its role in the project; None for roles of other commands (housing)."""
    if role in {"schools", "postcodes", "segments", "register", "births", "flows", "streets"}:
        return role
    if role.startswith("rolls"):
        return "rolls"
    if role in {"housing", "forecasts"}:
        return None
    return "pupils" if role.startswith("pupils") else "people"


def _schools_of(place: Project) -> Schools | None:
    try:
        return place.schools() if place.has("schools") else None
    except InputRefused:
        return None  # reported where the schools themselves are


def _report(file: str, as_kind: str, answer: Callable[[], Answer]) -> dict:
    report = {
        "file": file,
        "as": as_kind,
        "file_status": "ok",
        "reason": None,
        "records": 0,
        "accepted": 0,
        "repaired": 0,
        "rejected": 0,
        "blank": 0,
        "by_reason": {},
        "problems": [],
        "details": {},
    }
    try:
        records, found, details = answer()
    except InputRefused as refused:
        return report | {
            "file_status": "rejected",
            "reason": refused.problems[0].code,
            "message": str(refused),
            "problems": [each.to_dict() for each in refused.problems],
        }
    except GeoplanError as error:  # files that are right by themselves, and do not fit together
        return report | {"file_status": "rejected", "reason": error.code, "message": str(error)}
    outcomes = outcome_of(np.arange(1, records + 1), found)
    return report | {
        "records": records,
        **count_outcomes(outcomes),
        "problems": problem_entries(found),
        "details": details,
        "by_reason": count_reasons(found),
    }


def _people(people: People) -> Answer:
    children = people.frame.loc[people.frame["person"] >= 0, "person"].nunique()
    details = {**people.details, "counted": people.count, "identifiers": int(children)}
    return len(people), gather([people.findings, _postcodes(people)]), details


def _postcodes(people: People) -> pd.DataFrame:
    """What can be said of postcodes without a directory: blank, mended, or not one.

    Looked up among themselves, so that the codes are those of ``geoplan assign``; whether a well-formed postcode
    exists, and whether a look-alike character leads to one that does, only a directory can say.
    """
    done = people.findings.loc[people.findings["code"].isin(ROW_CODES), "record"]
    frame = people.frame.loc[~people.frame["record"].isin(done), ["record", "postcode"]]
    parsed = normalise_postcodes(frame["postcode"])
    known = set(parsed.dropna().str.replace(" ", "").unique())
    for cell in frame["postcode"][parsed.isna()].unique():
        known |= _candidates(str(cell))
    table = pd.DataFrame({"postcode": pd.Series(sorted(known), dtype="str")})
    reasons = PostcodeDirectory(table, Source(people.source.file)).look_up(frame["postcode"]).reasons
    reasons = np.asarray(reasons.astype(object))
    column, parts = people.header("postcode"), []
    for code in sorted(
        {each for each in reasons if isinstance(each, str)} - {"", "postcode_sector_only", "postcode_not_found"}
    ):
        rule = "a look-alike character; the directory decides" if code == "postcode_confusion" else rule_for(code)
        parts.append(findings(frame["record"][reasons == code], column, code, rule))
    return gather(parts)


def _candidates(cell: str) -> set[str]:
    """Postcodes that a cell may mean: those inside longer text, or one look-alike character away."""
    text = re.sub("[^A-Z0-9]+", " ", cell.upper()).strip()
    if len(text) > 9:
        return {"".join(match.groups()) for match in _INSIDE.finditer(text)}
    tidy = text.replace(" ", "")
    swapped = {tidy[:i] + _LOOK_ALIKE[c] + tidy[i + 1 :] for i, c in enumerate(tidy) if c in _LOOK_ALIKE}
    return {each for each in swapped if SHAPE.fullmatch(each)}


_INSIDE = re.compile(SHAPE.pattern.replace(")(", ") ?("))
_LOOK_ALIKE = {a: b for pair in ("O0", "I1", "S5", "B8", "Z2") for a, b in (pair, pair[::-1])}


def _schools(schools: Schools) -> Answer:
    return schools.details["records"], schools.findings, {**schools.details, "schools": len(schools)}


def _streets(streets: Streets) -> Answer:
    named = streets.frame[["locality", "street"]].apply(lambda column: column.str.casefold())
    return streets.details["records"], streets.findings, {**streets.details, "streets": len(named.drop_duplicates())}


def _directory(directory: PostcodeDirectory) -> Answer:
    table = directory.table
    located = int(table["easting"].notna().sum()) if "easting" in table else 0
    return (
        len(table),
        no_findings(),
        {
            "product": directory.product,
            "vintage": directory.source.vintage,
            "kinds": list(directory.kinds),
            "with_position": located,
        },
    )


def _areas(areas: Boundaries) -> Answer:
    repairs = gather([findings([each.record], "geometry", each.code, each.what) for each in areas.repairs])
    return len(areas.frame), repairs, {"kind": areas.kind, "repairs": [each.what for each in areas.repairs]}


def _segments(segments: Segmentation) -> Answer:
    return (
        len(segments.table),
        no_findings(),
        {
            "scheme": segments.scheme,
            "version": segments.version,
            "keyed_by": segments.keyed_by,
            "levels": list(segments.table.columns),
            "segments": len(segments.segments),
        },
    )


def _counts(counts: Counts) -> Answer:
    notes = {"notes": list(counts.notes)} if counts.notes else {}
    return counts.details["records"], counts.findings, {"counts": len(counts), **notes}


def _census(census: CensusReturn) -> Answer:
    records, found, details = _people(census.people)
    questions = census.challenges.to_dict(orient="records")
    return records, found, {**details, "questions": questions}


def _read_census(path: str | os.PathLike, day: str = "", **options: object) -> CensusReturn:
    """A return with what can be said of its postcodes."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise refuse(file_name(path), "year_missing", "the census day is not said", "say it: --day 2026-01-15")
    schools, columns = options.get("schools"), options.get("columns")
    more = _postcodes(read_pupils(path, schools, columns))
    return read_census(path, day, schools, columns, options.get("rolls"), more)


_ANY_YEAR = 2000  # a check of a population file needs no mid-year

_READERS = {
    "pupils": read_pupils,
    "people": read_people,
    "schools": read_schools,
    "postcodes": read_postcodes,
    "areas": read_boundaries,
    "segments": read_segmentation,
    "rolls": read_rolls,
    "register": read_register,
    "population": lambda path, **told: read_population(path, _ANY_YEAR),
    "births": read_births,
    "flows": read_flows,
    "streets": read_streets,
    "census": _read_census,
}
_ANSWERS = {
    "pupils": _people,
    "people": _people,
    "schools": _schools,
    "postcodes": _directory,
    "areas": _areas,
    "segments": _segments,
    "rolls": _counts,
    "register": _counts,
    "population": _counts,
    "births": _counts,
    "flows": _counts,
    "streets": _streets,
    "census": _census,
}
