"""Every head's report of a county in one run: invented pupils on real postcodes, schools at real sites.

Reads ../shared/data/kent_medway, or the folder named; further arguments say how many schools (580, Kent's own number in
2008), pupils and PDFs (20; 0 where WeasyPrint is not installed), and a folder to keep the files in. Prints what each
stage took: protecting the numbers, then everything after it.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

SCHOOLS, PUPILS, PDFS = 580, 200_000, 20
CHUNK = 20_000


def invented(
    live: pd.DataFrame, sites: pd.DataFrame, schools: int, pupils: int, seed: int = 2026
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Schools with invented names at real sites; pupils at random live postcodes, each at a school not far away."""
    rng = np.random.default_rng(seed)
    phases = sites[sites["education_phase"].isin(["Primary", "Secondary"])].dropna(subset=["easting", "northing"])
    chosen = phases.iloc[np.sort(rng.permutation(len(phases))[:schools])].reset_index(drop=True)
    made = pd.DataFrame({"urn": [f"9{at:05d}" for at in range(len(chosen))]})
    made["name"] = [f"Invented {phase} School {at}" for at, phase in enumerate(chosen["education_phase"])]
    made["phase"] = chosen["education_phase"]
    made["cluster"] = "Cluster " + (chosen["easting"] // 12_000).astype(int).astype(str)
    made["easting"], made["northing"] = chosen["easting"], chosen["northing"]
    homes = live.iloc[rng.integers(0, len(live), pupils)].reset_index(drop=True)
    weight = np.where(made["phase"] == "Secondary", 0.6, 1.0)
    school = np.empty(pupils, dtype=int)
    for start in range(0, pupils, CHUNK):
        part = homes.iloc[start : start + CHUNK]
        metres = np.hypot(
            part["easting"].to_numpy()[:, None] - made["easting"].to_numpy(),
            part["northing"].to_numpy()[:, None] - made["northing"].to_numpy(),
        )
        school[start : start + CHUNK] = (metres * weight * rng.lognormal(0, 0.4, metres.shape)).argmin(axis=1)
    text = homes["postcode"].str[:-3] + " " + homes["postcode"].str[-3:]
    rows = {"pupil_id": np.arange(pupils), "postcode": text.mask(rng.random(pupils) > 0.995, "")}
    return made, pd.DataFrame({**rows, "school": made["urn"].to_numpy()[school]})


def main(folder: Path, schools: int, pupils: int, pdfs: int, keep: str = "") -> None:
    import geoplan as gp
    from geoplan.disclosure import rule_for
    from geoplan.io.outputs import write_bytes, write_text
    from geoplan.io.recipes import load_recipe
    from geoplan.io.report_files import report_files
    from geoplan.reports import backdrop, cluster_page, head_report
    from geoplan.school_tables import prepare_schools, protect_schools

    clock = time.perf_counter()

    def step(name: str, answer: object = "") -> float:
        nonlocal clock
        took, clock = time.perf_counter() - clock, time.perf_counter()
        print(f"{name:<44}{took:>8.2f} s  {answer}", flush=True)
        return took

    with tempfile.TemporaryDirectory() as work:
        out = Path(keep or work)
        directory = gp.read_postcodes(folder / "postcodes.csv.gz")
        table = directory.table
        live = table[(table["terminated"] == 0) & table["easting"].notna()].reset_index(drop=True)
        sites = pd.read_csv(folder / "schools_gias_2025-05.csv")
        made, roll = invented(live, sites, schools, pupils)
        made.to_csv(out / "schools.csv", index=False)
        roll.to_csv(out / "pupils.csv", index=False)
        step("read postcodes, invent schools and pupils", f"{len(made)} schools, {pupils:,} pupils")
        known = gp.read_schools(out / "schools.csv")
        people = gp.read_pupils(out / "pupils.csv", schools=known)
        known = replace(known, source=replace(known.source, invented=True))
        people = replace(people, source=replace(people.source, invented=True))
        areas = gp.read_boundaries(folder / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
        oac = gp.read_segmentation(
            folder / "oac2021_lsoa_dominant.csv", scheme="OAC", version="2021", level="supergroup", keyed_by="lsoa21",
            code="lsoa21cd", names=load_recipe("oac21").names, base_date="2021-03-21",
        )  # fmt: skip
        placed = gp.assign(people, directory, areas, oac)
        step("read the files and assign", f"{placed.report.placed}")
        tables = gp.protect_place(placed, areas)
        step("protect the place", f"{len(tables.profiles)} schools")
        rules = {school: rule_for(f"school:{school}") for school in tables.profiles}
        own = protect_schools(prepare_schools(placed, areas, tables), rules)
        step("protect each school's own numbers", f"{sum(len(each.homes) > 0 for each in own.values())} with homes")
        place = " and ".join(word.title() for word in folder.name.split("_"))
        shared = backdrop(placed, known, areas, tables, place=place, made="24 November 2026")
        after = step("the backdrop of all reports", shared)
        sizes, reports = [], {}
        for school, each in own.items():
            homes = {school: each.homes} if len(each.homes) else {}
            seen = replace(tables, profiles={school: each.profile}, homes=homes, rule=each.rule)
            reports[school] = head_report(shared, seen, school)
            page = reports[school].to_html()
            sizes.append(len(page.encode()))
            write_text(out / f"{school}.html", page)
        took = step("every HTML report, written", f"{len(sizes)} reports, {max(sizes) / 1e3:.0f} kB at most")
        after += took
        print(f"{'':<44}{1000 * took / len(sizes):>8.1f} ms each; after protecting {after:.1f} s in all")
        for name, wanted in made.groupby("cluster")["urn"]:
            some = [code for code in wanted if code in tables.profiles][:40]
            if some:
                write_text(out / f"{name}.html", cluster_page(shared, tables, some, title=name).to_html())
        step("the page of each cluster")
        for school in list(reports)[:20]:
            for name, data in report_files(reports[school], areas, ("xlsx", "csv", "gpkg")).items():
                write_bytes(out / f"{school}-{name}", data)
        step("workbook, CSV and GeoPackage of 20 schools")
        for school in list(reports)[:: max(1, len(reports) // pdfs)][:pdfs] if pdfs else []:
            write_bytes(out / f"{school}.pdf", report_files(reports[school], None, ("pdf",))["report.pdf"])
        took = step(f"{pdfs} PDFs")
        if pdfs:
            print(f"{'':<44}{took / pdfs:>8.2f} s each")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    default = Path(__file__).parents[2] / "shared" / "data" / "kent_medway"
    given = sys.argv[1:] + [""] * 5
    chosen = Path(given[0]) if given[0] else default
    if not chosen.is_dir():
        sys.exit(f"{chosen.name}: the real open data is not here; name its folder")
    main(chosen, int(given[1] or SCHOOLS), int(given[2] or PUPILS), int(given[3] or PDFS), given[4])
