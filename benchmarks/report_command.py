"""``geoplan report --all`` on a county, from files to files: what a planner waits for.

Invented pupils on real postcodes, as ``reports.py`` makes them. Reads ../shared/data/kent_medway, or the folder named;
further arguments say how many schools (580), pupils (200,000) and processes (0, as many as help), and a folder to keep
the files in. Everything is in it: reading and placing, protecting the place and each school's own tables, the gate, the
ledger, pages, read-back, leak scan, manifests.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from reports import PUPILS, SCHOOLS, invented

PROJECT = """[project]
name = "{place}"
as_at = "January 2026"
invented = "Schools' names and pupils are invented."

[files]
pupils = "pupils.csv"
schools = "schools.csv"
postcodes = "{data}/postcodes.csv.gz"
segments = "{data}/oac2021_lsoa_dominant.csv"

[areas]
lsoa21 = {{ file = "{data}/boundaries.gpkg", layer = "lsoa21" }}

[segmentation]
scheme = "OAC"
version = "2021"
keyed_by = "lsoa21"
code = "lsoa21cd"
level = "supergroup"
base_date = "2021-03-21"
"""


def main(folder: Path, schools: int, pupils: int, processes: int, keep: str = "") -> None:
    import geoplan as gp
    from geoplan.cli.main import main as geoplan

    with tempfile.TemporaryDirectory() as work:
        out = Path(keep or work)
        out.mkdir(parents=True, exist_ok=True)
        table = gp.read_postcodes(folder / "postcodes.csv.gz").table
        live = table[(table["terminated"] == 0) & table["easting"].notna()].reset_index(drop=True)
        made, roll = invented(live, pd.read_csv(folder / "schools_gias_2025-05.csv"), schools, pupils)
        made.to_csv(out / "schools.csv", index=False)
        roll.to_csv(out / "pupils.csv", index=False)
        place = " and ".join(word.title() for word in folder.name.split("_"))
        project = out / "geoplan.toml"
        project.write_text(PROJECT.format(place=place, data=folder.resolve().as_posix()), encoding="utf-8")
        words = ["report", str(out / "reports"), "--all", "--no-workbook", "-p", str(project)]
        began = time.perf_counter()
        code = geoplan([*words, "--processes", str(processes)])
        took = time.perf_counter() - began
        pages = len(list((out / "reports").glob("*/report.html")))
    print(f"{pages} reports of {pupils:,} pupils in {took:.1f} s; exit code {code}")
    for name, who in (("this process", resource.RUSAGE_SELF), ("the others", resource.RUSAGE_CHILDREN)):
        used = resource.getrusage(who)
        print(f"{name:<14}{used.ru_utime + used.ru_stime:>8.1f} s of processor, {used.ru_maxrss / 1e6:.2f} GB at most")


if __name__ == "__main__":
    default = Path(__file__).parents[2] / "shared" / "data" / "kent_medway"
    given = sys.argv[1:] + [""] * 5
    chosen = Path(given[0]) if given[0] else default
    if not chosen.is_dir():
        sys.exit(f"{chosen.name}: the real open data is not here; name its folder")
    main(chosen, int(given[1] or SCHOOLS), int(given[2] or PUPILS), int(given[3] or 0), given[4])
