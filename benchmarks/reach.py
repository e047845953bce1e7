"""A county's service: 200,000 pupils, 50,000 users, by segment, ward and school and three crossings, with the tests.

Reads ../shared/data/kent_medway, or the folder named. Prints what each step took: reading, assigning, and the reach.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from county import invented

USERS = 50_000


def main(folder: Path) -> None:
    import geoplan as gp
    from geoplan.reach_tables import protect_reach
    from geoplan.service_reach import reach

    clock = time.perf_counter()

    def step(name: str, answer: object = "") -> float:
        nonlocal clock
        now = time.perf_counter()
        took, clock = now - clock, now
        print(f"{name:<34}{took:>8.2f} s  {answer}")
        return took

    with tempfile.TemporaryDirectory() as work:
        directory = gp.read_postcodes(folder / "postcodes.csv.gz")
        step("read postcodes", directory)
        schools, pupils = invented(directory.table)
        schools.to_csv(Path(work) / "schools.csv", index=False)
        pupils.to_csv(Path(work) / "pupils.csv", index=False)
        rng = np.random.default_rng(7)
        pupils.iloc[rng.choice(len(pupils), USERS, replace=False)].to_csv(Path(work) / "users.csv", index=False)
        step("invent schools, pupils and users")
        known = gp.read_schools(Path(work) / "schools.csv")
        people = gp.read_pupils(Path(work) / "pupils.csv", schools=known)
        callers = gp.read_people(Path(work) / "users.csv", "callers", id_column="pupil_id")
        step("read schools, pupils and users", f"{people.count:,} and {callers.count:,}")
        file = folder / "boundaries.gpkg"
        wards = gp.read_boundaries(file, kind="ward25", layer="wards25", code="WD25CD", name="WD25NM")
        oac = gp.read_segmentation(
            folder / "oac2021_lsoa_dominant.csv",
            scheme="OAC",
            version="2021",
            level="supergroup",
            keyed_by="lsoa21",
            code="lsoa21cd",
        )
        lsoa = gp.read_boundaries(file, kind="lsoa21", layer="lsoa21")
        step("read areas and segments", oac)
        base = gp.assign(people, directory, [wards, lsoa], oac)
        users = gp.assign(callers, directory, [wards, lsoa], oac)
        step("assign both", f"{base.report.placed}")

        found = reach(users, base, "a service", "all pupils", ["segment", "ward25", "school"], areas=wards)
        counted = step("count by three dimensions", found)
        cells = 0
        for dims in ("segment", "ward25", "school", ["segment", "ward25"], ["segment", "school"], ["ward25", "school"]):
            comparison = found.by(dims)
            cells += len(comparison.table)
        tested = step("compare, three crossings, FDR", f"{cells:,} cells, {len(comparison.notable())} notable")
        print(f"{'reach, exact, after assigning':<34}{counted + tested:>8.2f} s")
        tables = protect_reach(found, crossings=[("segment", "ward25"), ("segment", "school")])
        step("protect all tables together", f"{tables.gate}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data" / "kent_medway")
