"""Brighton's secondary catchments in force to 2025, and options A, B and C, from the outlines they were drawn as.

Reads ../shared/data/brighton_hove (open data, not in this repository); says so and stops where it is not there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd

import geoplan as gp
from geoplan.catchments import CatchmentPlan
from geoplan.drawn_catchments import compactness, fault_sentences, fit_areas, place_in_catchments
from geoplan.io.plans import read_drawing

SHARED = Path(os.environ.get("GEOPLAN_SHARED", Path(__file__).parents[3] / "shared" / "data")) / "brighton_hove"
OPTIONS = {
    "Existing": "catchment_existing_converted",
    "Option A": "catchment_01",
    "Option B": "catchment_02",
    "Option C": "catchment_03",
}
SAME_NAME = {"Hove": "HoveBlatchington", "VarndeanStr": "VarndeanStringer"}


def main() -> None:
    if not SHARED.is_dir():
        print("No ../shared/data/brighton_hove here: nothing to show.")
        return
    folder = SHARED / "admissions_and_catchments"
    homes = pd.read_csv(folder / "bn_postcodes_pop1.csv", dtype=str)
    points = pd.DataFrame({"easting": homes["oseast1m"].astype(float), "northing": homes["osnrth1m"].astype(float)})
    plans, located = {}, {}
    for title, file in OPTIONS.items():
        drawing = read_drawing(folder / "catchulator" / f"{file}.geojson", points=points)
        print(f"{title}: {len(drawing.catchments)} catchments")
        for note in drawing.notes:
            print(f"  {note.what}")
        for sentence in fault_sentences(drawing.faults, "postcodes"):
            print(f"  {sentence}")
        place = place_in_catchments(drawing.catchments, points["easting"], points["northing"])
        located[title] = place
        fit = fit_areas(place, homes["lsoa21"], kind="lsoa21", name=title)
        plans[title] = fit.plan
        print(f"  {int((place == '').sum())} postcodes in none. {fit.sentence}.")
        shape = compactness(drawing.catchments)
        print(
            f"  Compactness (Polsby-Popper): {shape['polsby_popper'].min():.2f} to {shape['polsby_popper'].max():.2f}"
        )

    key = homes["catchment_2024"]
    same = int((located["Existing"].replace(SAME_NAME) == key).sum())
    print(f"\nPostcodes in the catchment that the authors' own table has: {same:,} of {len(key):,}")

    people = homes["person_count"].astype(float)
    for title in list(OPTIONS)[1:]:
        moved = moved_between(located["Existing"], located[title])
        areas = plans[title].moved_from(plans["Existing"])
        print(
            f"{title}: {int(moved.sum()):,} postcodes with {people[moved].sum():,.0f} people (Census 2021) have "
            f"another catchment; {len(areas)} of {len(plans[title])} areas, {len(plans['Existing'].schools)} to "
            f"{len(plans[title].schools)} catchments"
        )
    if len(sys.argv) > 1:
        write(plans["Existing"], Path(sys.argv[1]))


def moved_between(before: pd.Series, after: pd.Series) -> pd.Series:
    """Postcodes in a catchment of both plans whose name differs."""
    return (before != after) & (before != "") & (after != "")


def write(plan: CatchmentPlan, path: Path) -> None:
    """The plan as a GeoPackage that QGIS opens coloured."""
    from geoplan.io.plans import write_plan_layer

    areas = gp.read_boundaries(SHARED / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
    print(f"Wrote {write_plan_layer(path, plan, areas).name}")


if __name__ == "__main__":
    main()
