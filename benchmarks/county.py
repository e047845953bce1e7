"""A county: 200 invented schools and 200,000 invented pupils on Kent & Medway's real postcodes, the whole way.

Reads ../shared/data/kent_medway, or the folder named. Prints what each step took and what it answered.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SCHOOLS, PUPILS = 200, 200_000


def invented(table: pd.DataFrame, seed: int = 2026) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Schools at random live postcodes; pupils at random ones, each at a nearby school (distance and luck)."""
    rng = np.random.default_rng(seed)
    live = table[(table["terminated"] == 0) & table["easting"].notna()].reset_index(drop=True)
    sites = live.iloc[np.sort(rng.choice(len(live), SCHOOLS, replace=False))].reset_index(drop=True)
    schools = pd.DataFrame(
        {"urn": [f"9{i:05d}" for i in range(SCHOOLS)], "name": [f"Invented {i}" for i in range(SCHOOLS)]}
    )
    schools["phase"] = "Primary"
    schools["easting"], schools["northing"] = sites["easting"], sites["northing"]
    homes = live.iloc[rng.integers(0, len(live), PUPILS)].reset_index(drop=True)
    metres = np.hypot(
        homes["easting"].to_numpy()[:, None] - sites["easting"].to_numpy(),
        homes["northing"].to_numpy()[:, None] - sites["northing"].to_numpy(),
    )
    choice = (metres * rng.lognormal(0, 0.4, metres.shape)).argmin(axis=1)
    text = homes["postcode"].str[:-3] + " " + homes["postcode"].str[-3:]
    luck = rng.random(PUPILS)
    text = text.mask(luck < 0.01, text.str.lower()).mask(luck > 0.995, "")
    pupils = pd.DataFrame(
        {"pupil_id": np.arange(PUPILS), "postcode": text, "school": schools["urn"].to_numpy()[choice]}
    )
    return schools, pupils


def main(folder: Path) -> None:
    import geoplan as gp

    clock = time.perf_counter()

    def step(name: str, answer: object = "") -> None:
        nonlocal clock
        now = time.perf_counter()
        print(f"{name:<34}{now - clock:>8.2f} s  {answer}")
        clock = now

    with tempfile.TemporaryDirectory() as work:
        directory = gp.read_postcodes(folder / "postcodes.csv.gz")
        step("read postcodes", directory)
        schools, pupils = invented(directory.table)
        schools.to_csv(Path(work) / "schools.csv", index=False)
        pupils.to_csv(Path(work) / "pupils.csv", index=False)
        step("invent the schools and pupils")
        known = gp.read_schools(Path(work) / "schools.csv")
        people = gp.read_pupils(Path(work) / "pupils.csv", schools=known)
        step("read schools and pupils", people)
        areas = gp.read_boundaries(folder / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
        oac = gp.read_segmentation(
            folder / "oac2021_lsoa_dominant.csv",
            scheme="OAC",
            version="2021",
            level="supergroup",
            keyed_by="lsoa21",
            code="lsoa21cd",
        )
        step("read areas and segments", oac)
        placed = gp.assign(people, directory, areas, oac)
        step("assign", f"{placed.report.placed}")
        comparison = gp.compare_schools(placed)
        step("profile every school", f"{len(comparison.groups)} schools, {len(comparison.notable())} notable")
        alike = gp.similar_schools(placed, schools=known.frame)
        step("similar schools", f"{len(alike)} pairs")
        book = gp.place_book(placed, known, areas, "Kent and Medway, invented pupils").save(Path(work) / "county.html")
        step("map book", f"{book.stat().st_size / 1e6:.2f} MB")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    default = Path(__file__).parents[2] / "shared" / "data" / "kent_medway"
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    if not chosen.is_dir():
        sys.exit(f"{chosen.name}: the real open data is not here; name its folder")
    main(chosen)
