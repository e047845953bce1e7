"""How far choices and models made from protected numbers fall short of those made from exact ones.

Invented pupils (as many by area as the census counted children, unevenly over its postcodes) and users on the real
postcodes and schools of Brighton & Hove and of Kent & Medway. For each kind of choice: the share of what the exact
choice reaches at the children's homes that the choice from protected numbers does (the exact choice is made from areas,
so that another may reach a little more); for the model of distance, its falling-off fitted both ways, and what a plan
brings by both.

Reads ../shared/data, or the folder named.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

PLACES = {"Brighton & Hove": "brighton_hove", "Kent & Medway": "kent_medway"}
YEARS = [*"R", *map(str, range(1, 12))]
FALLS, RATE = 0.35, -2.2


def invented(folder: Path, directory, rng) -> pd.DataFrame:
    """A child a row: postcode and year group; each postcode of an area with luck of its own."""
    children = pd.read_csv(folder / "census21_age_groups_lsoa21.csv").set_index("lsoa21_code")[
        "Aged 15 years and under"
    ]
    table = directory.table
    live = table[(table["terminated"] == 0) & (table["user_type"] != 1) & table["easting"].notna()]
    live = live.assign(luck=rng.lognormal(0, 1.0, len(live)))
    luck = live["luck"] / live.groupby("lsoa21", observed=True)["luck"].transform("sum").astype(float)
    many = live["lsoa21"].astype(str).map(children).fillna(0).to_numpy() * 12 / 16 * luck.to_numpy()
    rows = live["postcode"].to_numpy().repeat(rng.poisson(np.nan_to_num(many)))
    year = rng.choice(YEARS, len(rows))
    return pd.DataFrame({"pupil_id": np.arange(len(rows)), "postcode": rows, "school": "900001", "year_group": year})


def place(folder: Path, work: Path, rng):
    import geoplan as gp

    directory = gp.read_postcodes(folder / "postcodes.csv.gz")
    if "lsoa21" not in directory.table:
        layer = gp.read_boundaries(folder / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
        at = layer.locate(*(directory.table[name].fillna(0).to_numpy(float) for name in ("easting", "northing")))
        code = np.where(at.position >= 0, layer.codes.to_numpy()[at.position], None)
        directory = gp.PostcodeDirectory(directory.table.assign(lsoa21=pd.Categorical(code)), directory.source)
    pupils = invented(folder, directory, rng)
    pupils.to_csv(work / "pupils.csv", index=False)
    oac = gp.read_segmentation(folder / "oac2021_lsoa_dominant.csv", scheme="OAC", version="2021", level="supergroup",
                               keyed_by="lsoa21", code="lsoa21cd")  # fmt: skip
    people = gp.assign(gp.read_pupils(work / "pupils.csv"), directory, (), oac)
    schools = pd.read_csv(folder / "schools_gias_2025-05.csv").dropna(subset=["easting"])
    schools = schools[schools["education_phase"] == "Primary"]
    schools = schools.assign(code=schools["urn"].astype(int).astype(str)).set_index("code")[["easting", "northing"]]
    return directory, oac, people, schools


def pairs_of_sites(people, places, directory, schools, rng) -> list[tuple[float, float]]:
    """``geoplan sites``: children whom the pair chosen from protected numbers reaches, and the exact pair."""
    from geoplan.choices import agreed, spread
    from geoplan.design_tables import protect_areas
    from geoplan.disclosure import PUBLIC
    from geoplan.distances import straight_line_table_m
    from geoplan.new_school_books import protect_sites
    from geoplan.sites import REACH, best_of

    homes = people.people.groupby(["easting", "northing"]).size().rename("children").reset_index()
    counts = people.counts(by="lsoa21").drop("not placed", errors="ignore")
    shown = protect_areas(counts, "lsoa21", PUBLIC, noun="pupils", base_name="", data="")[0].rename_axis("lsoa21")
    table = directory.table.dropna(subset=["easting"])
    short = []
    for within in (500, 800, 1609):
        for _ in range(20):
            one = table.iloc[rng.integers(len(table))]
            close = table[np.hypot(table["easting"] - one["easting"], table["northing"] - one["northing"]) < 3 * within]
            at = close.iloc[rng.choice(len(close), 6)][["easting", "northing"]]
            sites = at.set_axis([f"s{i}" for i in range(6)])
            near = straight_line_table_m(homes["easting"], homes["northing"], sites["easting"], sites["northing"])
            near = near <= within
            children = homes["children"].to_numpy(float)
            measures = pd.DataFrame({REACH: [round(children[near[:, i]].sum()) for i in range(6)]},
                                    index=pd.Index(sites.index, name="site"))  # fmt: skip
            flows = pd.DataFrame(index=measures.index)
            tables = protect_sites(measures, flows.assign(s=0).rename_axis(columns="school"), "pupils")
            stand_in = spread(shown, places)
            far = straight_line_table_m(stand_in["easting"], stand_in["northing"], sites["easting"], sites["northing"])
            reach = tables.measures.table[REACH].fillna(5)
            stand_in["children"] = agreed(stand_in["base"], [(far[:, i] <= within, reach.iloc[i]) for i in range(6)])
            value = {}
            for name, of in (("exact", homes), ("protected", stand_in)):
                two = [sites.index.get_loc(code) for code in best_of(sites, of, within, 2).sites]
                value[name] = children[near[:, two].any(axis=1)].sum()
            short.append((value["protected"], value["exact"]))
    return short


def best_and_model(name: str, people, places, directory, oac, schools, work: Path, rng) -> None:
    """``geoplan reach``: best sites both ways, the falling-off both ways, and a plan."""
    import geoplan as gp
    from geoplan.choices import gathered
    from geoplan.placement_tables import protect_ground
    from geoplan.placements import best_sites, compare_plan, fit_reach_model, place_cells
    from geoplan.reach_tables import protect_reach
    from geoplan.service_reach import reach

    for words, conditions in (("all years", {}), ("year 6", {"year_group": ["6"]})):
        base = people.where(**conditions)
        sites = schools.sample(min(12, len(schools)), random_state=7)
        today, planned = (part.assign(hours=1.0) for part in (sites.iloc[:6], sites.iloc[3:9]))
        rows = base.people
        km = np.hypot(rows["easting"].to_numpy()[:, None] - today["easting"].to_numpy(),
                      rows["northing"].to_numpy()[:, None] - today["northing"].to_numpy()) / 1000  # fmt: skip
        odds = np.exp(RATE) * np.exp(-FALLS * km).sum(axis=1)
        kept = rows[rng.random(len(rows)) < odds / (1 + odds)]
        kept[["postcode"]].assign(user_id=range(len(kept))).to_csv(work / "users.csv", index=False)
        users = gp.assign(gp.read_people(work / "users.csv", "users", id_column="user_id"), directory, (), oac)
        reached = reach(users, base, "a service", "pupils", ["segment"])
        clock = time.perf_counter()
        tables = protect_reach(reached)
        cells = place_cells(base.people, users.people, "lsoa21")
        ground = protect_ground(reached, tables, base, places, cells, today)
        took = time.perf_counter() - clock
        exact, margins = fit_reach_model(cells, today), ground.fit(today)
        print(f"{name}, {words}: {base.count:,} pupils, {users.count:,} users; protected in {took:.1f} s")
        for how, model, of in (("exact", exact, cells), ("protected", margins, ground.cells)):
            low, high = model.per_km_interval
            row = compare_plan(model, of, today, planned).table.loc["all"]
            print(f"  falling-off {how:<10}{model.per_km:.3f} ({low:.3f} to {high:.3f}; true {FALLS}); "
                  f"a plan: x {row['ratio']:.3f} ({row['low']:.3f} to {row['high']:.3f})")  # fmt: skip
        cells["weight"] = cells["base"]
        homes = rows.groupby(["easting", "northing"]).size().rename("weight").reset_index()
        of = ground.cells.assign(weight=ground.cells["base"])
        offered = schools.sample(min(60, len(schools)), random_state=3)
        for count in (2, 3, 5):
            for how in ({"per_km": 0.35}, {"per_km": 1.0}, {"within_km": 1.0}, {"within_km": 2.0}):
                best = best_sites(cells, offered, count, **how)
                from_ = of if "within_km" in how else gathered(of, ["lsoa21", "segment"])
                other = best_sites(from_.assign(weight=from_["base"]), offered, count, **how)
                one, two = (best_sites(homes, offered.loc[list(each.sites)], count, **how).value
                            for each in (best, other))  # fmt: skip
                kept = two / one
                same = "the same sites" if best.sites == other.sites else "other sites"
                print(f"  best {count} of {len(offered)}, {how}: {100 * kept:.2f}% of the exact choice ({same})")


def main(shared: Path) -> None:
    from geoplan.choices import addresses

    warnings.simplefilter("ignore")
    for name, folder in PLACES.items():
        rng = np.random.default_rng(2026)
        with tempfile.TemporaryDirectory() as work:
            directory, oac, people, schools = place(shared / folder, Path(work), rng)
            places = addresses(directory, (), oac)
            found = np.array(pairs_of_sites(people, places, directory, schools, rng))
            other = found[found[:, 0] < found[:, 1]]
            print(
                f"{name}: two of six sites near one another, {len(found)} draws, within 500 to 1609 m: protected pairs "
                f"reach {100 * found[:, 0].sum() / found[:, 1].sum():.2f}% of the children that exact pairs reach; the "
                f"same in {len(found) - len(other)}; the others (of, to): {other.astype(int).tolist()}"
            )
            best_and_model(name, people, places, directory, oac, schools, Path(work), rng)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data")
