"""Every school of a real city: invented pupils on Brighton & Hove's real postcodes and census areas."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import geoplan as gp
from geoplan.disclosure import rule_for
from geoplan.leaks import scan_bytes
from geoplan.reports import backdrop, cluster_page, head_report
from geoplan.school_tables import prepare_schools, protect_school

SCHOOLS, PUPILS = (59, 32_000) if os.environ.get("GEOPLAN_LONG") else (8, 2_400)


@pytest.mark.real
def test_every_school_of_brighton_and_hove_has_a_clean_page(shared_data, tmp_path):
    folder = shared_data / "brighton_hove"
    directory = gp.read_postcodes(folder / "postcodes.csv.gz")
    live = directory.table[(directory.table["terminated"] == 0) & directory.table["easting"].notna()]
    rng = np.random.default_rng(2026)
    sites = pd.read_csv(folder / "schools_gias_2025-05.csv").dropna(subset=["easting", "northing"]).head(SCHOOLS)
    made = pd.DataFrame({"urn": [f"9{at:05d}" for at in range(len(sites))]})
    made["name"] = [f"Invented School {at}" for at in range(len(sites))]
    made["phase"], made["cluster"] = "Primary", "City"
    made["easting"], made["northing"] = sites["easting"].to_numpy(), sites["northing"].to_numpy()
    homes = live.iloc[rng.integers(0, len(live), PUPILS)]
    metres = np.hypot(
        homes["easting"].to_numpy()[:, None] - made["easting"].to_numpy(),
        homes["northing"].to_numpy()[:, None] - made["northing"].to_numpy(),
    )
    text = (homes["postcode"].str[:-3] + " " + homes["postcode"].str[-3:]).to_numpy()
    school = made["urn"].to_numpy()[metres.argmin(axis=1)]
    pupils = pd.DataFrame({"pupil_id": range(PUPILS), "postcode": text, "school": school})
    made.to_csv(tmp_path / "schools.csv", index=False)
    pupils.to_csv(tmp_path / "pupils.csv", index=False)

    schools = gp.read_schools(tmp_path / "schools.csv")
    schools = replace(schools, source=replace(schools.source, invented=True))
    areas = gp.read_boundaries(folder / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
    oac = gp.read_segmentation(
        folder / "oac2021_lsoa_dominant.csv", scheme="OAC", version="2021", level="supergroup", keyed_by="lsoa21",
        code="lsoa21cd",
    )  # fmt: skip
    people = gp.assign(gp.read_pupils(tmp_path / "pupils.csv", schools=schools), directory, areas, oac)
    tables = gp.protect_place(people, areas)
    ground = prepare_schools(people, areas, tables)
    shared = backdrop(people, schools, areas, tables, place="Brighton and Hove")
    for school in tables.profiles:
        rule = rule_for(f"school:{school}")
        own = protect_school(ground, school, rule)
        mine = replace(tables, profiles={school: own.profile}, homes={school: own.homes}, rule=rule)
        report = head_report(shared, mine, school)
        page = report.to_html().encode()
        assert len(page) < 150_000 and scan_bytes("report.html", page) == ()
        assert f"Invented School {int(school[1:])}" in page.decode() and "Invented data." in page.decode()
    page = cluster_page(shared, tables, cluster="City" if SCHOOLS <= 40 else "", schools=list(tables.profiles)[:40])
    assert scan_bytes("cluster.html", page.to_html().encode()) == ()
