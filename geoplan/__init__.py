"""geoplan: school place planning for English local authorities, on one laptop, offline.

From a list of pupil postcodes to audited places and segments, school profiles, similar schools and one
self-contained map::

     files                values                   answers                 pages
     -----                ------                   -------                 -----
     pupils.csv   -+                            +- profile -----------+
     schools.csv  -+  io   Assignment           +- compare_schools ---+  maps   MapBook -> .html
     postcodes    -+---->  (people with area  --+- similar_schools ---+------>  (protected
     boundaries   -+       codes, a segment)    |                     |          tables only)
     segments     -+ checked once, at the door  (tables keyed by code)   geometry comes back here

Five lines::

    import geoplan as gp
    place = gp.read_project(gp.demo_folder())
    people = gp.assign(place.pupils(), place.postcodes(), place.areas(), place.segments())
    print(people.report)
    gp.community_book(people, place.schools(), place.areas()[0], school="900003").save("school.html")

Importing geoplan is light: each name loads its module when it is first used.
"""

from __future__ import annotations

import importlib

from geoplan._version import __version__

_WHERE = {
    "Assignment": "assignment",
    "AssignmentReport": "assignment",
    "assign": "assignment",
    "Boundaries": "areas",
    "Comparison": "comparison",
    "compare": "comparison",
    "People": "people",
    "PostcodeDirectory": "postcodes",
    "parse_postcodes": "postcodes",
    "Profile": "profiles",
    "profile": "profiles",
    "compare_schools": "profiles",
    "compare_groups": "profiles",
    "same_group": "profiles",
    "residents": "profiles",
    "living_in": "profiles",
    "Base": "comparison",
    "Hierarchy": "hierarchies",
    "hierarchy": "hierarchies",
    "change": "changes",
    "cautions": "cautions",
    "caution_tables": "cautions",
    "Corrections": "corrections",
    "correct": "corrections",
    "GroupBase": "protection",
    "Protected": "disclosure",
    "protect": "disclosure",
    "protect_place": "protection",
    "protect_tables": "suppression",
    "rule_for": "disclosure",
    "Release": "io",
    "verify_folder": "io",
    "RagBoard": "rag",
    "RagRules": "rag_rules",
    "judge": "rag",
    "reach": "service_reach",
    "reach_of_areas": "service_reach",
    "ServiceReach": "service_reach",
    "protect_reach": "reach_tables",
    "change_in_reach": "reach_tables",
    "reach_book": "reach_books",
    "reach_note": "reach_books",
    "Rolls": "rolls",
    "rolls_from": "rolls",
    "Forecast": "forecasts",
    "forecast": "forecasts",
    "backtest": "backtests",
    "forecast_book": "forecast_books",
    "backtest_book": "forecast_books",
    "Schools": "schools",
    "Segmentation": "segments",
    "dominant": "segments",
    "Source": "sources",
    "similar_schools": "similarity",
    "build_clusters": "clusters",
    "classify": "clusters",
    "to_segmentation": "clusters",
    "try_counts": "stability",
    "agreement": "stability",
    "similar_by_mix": "similarity",
    "similar_by_attributes": "similarity",
    "Better": "similarity",
    "overlap": "similarity",
    "CatchmentPlan": "catchments",
    "design": "designs",
    "trade_off": "designs",
    "trade_surface": "trade_offs",
    "DesignProblem": "briefs",
    "Limits": "briefs",
    "compare_plans": "effects",
    "protect_options": "plan_tables",
    "options_book": "plan_books",
    "options_report": "plan_books",
    "protect_intakes": "intakes",
    "reorganise": "access",
    "Reorganisation": "access",
    "protect_access": "access_tables",
    "closure_book": "access_books",
    "by_straight_line": "travel",
    "by_network": "travel",
    "entitlement": "travel",
    "read_network": "io",
    "read_travel": "io",
    "read_housing": "io",
    "read_yields": "io",
    "expected_pupils": "housing",
    "rank_sites": "sites",
    "read_attributes": "io",
    "read_plan": "io",
    "read_drawing": "io",
    "community_book": "books",
    "place_book": "books",
    "MapBook": "maps",
    "HeadReport": "reports",
    "backdrop": "reports",
    "head_report": "reports",
    "cluster_page": "reports",
    "analyst_sheets": "reports",
    "report_files": "io",
    "read_boundaries": "io",
    "read_corrections": "io",
    "read_people": "io",
    "read_postcodes": "io",
    "read_project": "io",
    "read_pupils": "io",
    "read_applications": "io",
    "read_schools": "io",
    "read_streets": "io",
    "streets_of": "streets",
    "read_segmentation": "io",
    "demo_folder": "io",
}
_MODULES = ("maps", "io")

__all__ = ["__version__", *sorted(_WHERE), *_MODULES]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(importlib.import_module(f"geoplan.{_WHERE[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"geoplan.{name}")
    raise AttributeError(f"geoplan has no {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
