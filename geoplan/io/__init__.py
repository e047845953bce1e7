"""The only place that opens files. Everything is checked here once, with every problem found together.

Each name loads its module when it is first used, so that ``import geoplan.io`` is light.
"""

from __future__ import annotations

import importlib

_WHERE = {
    "read_boundaries": "layers", "read_corrections": "corrections", "append_correction": "corrections",
    "read_residents": "counts", "list_layers": "layer_files", "read_people": "people",
    "read_pupils": "people", "read_postcodes": "directories", "read_schools": "schools", "read_segmentation":
    "segmentations", "Project": "project", "read_project": "project", "write_project_template": "project",
    "read_applications": "people", "read_area_counts": "services", "read_preference_counts": "services",
    "read_sites": "services",
    "Recipe": "recipes", "load_recipe": "recipes", "list_recipes": "recipes", "boundaries_folder": "recipes",
    "read_attributes": "attributes", "read_plan": "plans", "write_plan": "plans", "read_drawing": "plans",
    "read_places": "plans", "write_plan_layer": "plans", "read_streets": "streets",
    "read_travel": "travel", "read_network": "travel", "read_housing": "housing", "read_yields": "housing",
    "read_roll_forecast": "housing", "read_site_options": "sites", "read_weights": "sites",
    "Release": "releases",
    "verify_folder": "releases",
    "demo_folder": "recipes", "describe_file": "describe", "describe_project": "describe", "read_table": "tables",
    "copy_demo": "project", "write_assignment": "outputs", "write_csv": "outputs", "write_json": "outputs",
    "write_text": "outputs", "write_bytes": "outputs", "write_workbook": "workbook_out",
    "write_geopackage": "geopackage_out", "write_pdf": "pdf_out", "report_files": "report_files",
    "read_statistics": "statistics", "read_cluster_recipe": "clusters", "read_clusters": "clusters",
    "read_published": "clusters", "save_clusters": "clusters",
}  # fmt: skip

__all__ = sorted(_WHERE)


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(importlib.import_module(f"geoplan.io.{_WHERE[name]}"), name)
    raise AttributeError(f"geoplan.io has no {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
