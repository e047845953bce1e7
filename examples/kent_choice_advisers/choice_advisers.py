"""Whom choice advisers reach, whom they miss, and whether it is better than last year. Invented callers."""

import sys

import geoplan as gp
from geoplan.areas import merge_areas
from geoplan.choices import addresses, gathered
from geoplan.io.services import read_sites
from geoplan.placement_tables import protect_ground
from geoplan.placements import best_sites, compare_plan, place_cells
from geoplan.reach_books import (
    more_sentences,
    placement_sentence,
    plan_shown,
    reach_book,
    reach_note,
    where_sentences,
)
from geoplan.reach_tables import change_in_reach, protect_reach
from geoplan.service_reach import reach

BASE = {"year_group": ["5", "6"]}
BASE_NAME = "pupils in years 5 and 6"
BY = ["segment", "msoa11", "school"]


def main(page: str | None = None, note: str | None = None) -> None:
    place = gp.read_project(gp.demo_folder() / "geoplan.toml")
    schools, postcodes, segments = place.schools(), place.postcodes(), place.segments()
    areas = place.areas("lsoa11")
    names = {"school": schools.frame["name"].to_dict()}

    years = {}
    for year, roll in (("2024", "pupils_previous"), ("2025", "pupils")):
        pupils = gp.assign(place.pupils(schools, roll), postcodes, areas, segments)
        callers = gp.assign(place.people(f"callers_{year}", id_column="family_id"), postcodes, areas, segments)
        base = pupils.where(**BASE)
        years[year] = reach(callers, base, f"choice advisers {year}", BASE_NAME, BY, names=names, noun="families")
    tables = {year: protect_reach(reached) for year, reached in years.items()}
    now = tables["2025"]

    print(f"{now.service}, against {now.base_name}")
    print(now.accounts.table["people"].dropna().map("{:,.0f}".format).head(2).to_string())
    print(f"\n{now.finding}")
    columns = ["name", "count", "base_count", "penetration", "index", "index_low", "index_high", "notable"]
    print(
        now.by["segment"]
        .table[columns]
        .round({"penetration": 3, "index": 0, "index_low": 0, "index_high": 0})
        .to_string()
    )

    print("\nWhom the advisers miss")
    print("\n".join([*more_sentences(now), *where_sentences(now)]))
    for dim in ("msoa11", "school"):
        print(now.missed[dim].table.head(4)[["name", "of_under", "count", "to_even"]].to_string())

    print("\nYear 2 against year 1")
    changed = change_in_reach(now, tables["2024"])
    for name, words in zip(changed.table["name"], changed.table["in_words"], strict=True):
        print(f"{name}: {words}.")

    print("\nIf advisers sat elsewhere, were use to halve with every 2 km (stated: these callers telephone)")
    cells = place_cells(pupils.where(**BASE).people, callers.people, "oa11")
    sites = read_sites(gp.demo_folder() / "advice_sites.csv", postcodes)[0]
    today = sites[sites["hours"] > 0]
    planned = sites[sites["hours_planned"] > 0].assign(hours=sites["hours_planned"])
    # the plan, the model and the choice are made from numbers that may be shown: see SECURITY.md
    ground = protect_ground(years["2025"], now, base, addresses(postcodes, areas, segments), cells, today, areas=areas)
    model = ground.fit(today, per_km=0.35)
    plan = plan_shown(compare_plan(model, ground.cells, today, planned), now)
    print(plan.table[["name", "today", "after", "after_low", "after_high"]].to_string())
    print(f"Fitted instead: {ground.fit(today).sentence}.")

    print("\nWhere five drop-in sessions would do most, if use halves with every 2 km")
    under = ground.cells[ground.cells["segment"].isin(now.under().index)]
    homes = gathered(under, ["lsoa11"]).rename(columns={"base": "weight"})
    found = best_sites(homes, schools.frame[["easting", "northing"]], 5, per_km=0.35)
    print(placement_sentence(found))

    if page:
        larger = (
            pupils.people[["lsoa11", "msoa11"]]
            .dropna()
            .astype("str")
            .groupby("lsoa11")["msoa11"]
            .agg(lambda x: x.mode()[0])
        )
        drawn = merge_areas(areas[0], larger, "msoa11")
        reach_book(
            now,
            years["2025"].sources,
            boundaries=drawn,
            changed=changed,
            model=model,
            bands=ground.bands,
            nearness=ground.nearness,
            plan=plan,
            sites=schools.frame,
            placement=found,
            remarks=[placement_sentence(found), *ground.notes],
        ).save(page)
    if note:
        reach_note(now, years["2025"].sources, changed).save(note)


if __name__ == "__main__":
    main(*sys.argv[1:3])
