"""The embedded place's protected tables and reports, made once for all tests that need them."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import pandas as pd

import geoplan as gp
from geoplan.areas import Boundaries
from geoplan.assignment import Assignment
from geoplan.disclosure import Protected
from geoplan.io.project import Project
from geoplan.reports import HeadReport, backdrop, head_report
from geoplan.schools import Schools

SCHOOL, OTHER = "900029", "900040"


@cache
def placed() -> tuple[Project, Schools, list[Boundaries], Assignment]:
    """The embedded place, its schools and layers, and its pupils placed."""
    place = gp.read_project(gp.demo_folder())
    schools, layers = place.schools(), place.areas("lsoa11")
    return place, schools, layers, gp.assign(place.pupils(schools=schools), place.postcodes(), layers, place.segments())


@cache
def medway() -> SimpleNamespace:
    """People, schools, areas, tables with the homes of two schools, and the backdrop."""
    _, schools, areas, people = placed()
    tables = gp.protect_place(people, areas[0], homes=[SCHOOL, OTHER])
    shared = backdrop(people, schools, areas[0], tables, place="Medway", made="24 November 2026")
    return SimpleNamespace(people=people, schools=schools, areas=areas[0], tables=tables, shared=shared)


def changed(profile: Protected) -> Protected:
    """An earlier year that is a little like this one; hidden where this one is."""
    now = profile.table["share"]
    table = pd.DataFrame({"name": profile.table["name"], "share": now, "share_before": (now * 0.9 + 0.01).round(2)})
    hidden = pd.DataFrame({"share": now.isna(), "share_before": now.isna()})
    return Protected(table, hidden, profile.rule, profile.base, printed=profile.printed)


def full_report(school: str = SCHOOL) -> HeadReport:
    """A report with every section filled."""
    place = medway()
    return head_report(
        place.shared,
        place.tables,
        school,
        changes=changed(place.tables.profiles[school]),
        period="January 2025 to January 2026",
        intake=["Of about 410 pupils who live within 1 km, 62 in 100 come here."],
        cautions=["About 12 in 100 of your pupils live in homes built since 2021, and their group may be wrong."],
    )
