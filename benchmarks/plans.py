"""What-if: two plans compared for 200,000 pupils once they are loaded, against the same sums by geopandas.

Reads ../shared/data/kent_medway, or the folder named. geopandas does what a planner's script does: dissolve the areas
into catchments, join the pupils to both, and count who moves, by attribute, and how far.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

PUPILS, SCHOOLS = 200_000, 100


def main(folder: Path) -> None:
    import geoplan as gp
    from geoplan.catchments import nearest_plan
    from geoplan.distances import straight_line_table_m
    from geoplan.effects import Residents, compare_plans

    areas = gp.read_boundaries(folder / "boundaries.gpkg", kind="lsoa21", layer="lsoa21")
    middle = areas.frame.geometry.representative_point()
    rng = np.random.default_rng(0)
    codes = [f"{900_000 + at}" for at in range(SCHOOLS)]
    own = rng.choice(len(areas), SCHOOLS, replace=False)
    sites = pd.DataFrame({"easting": middle.x.to_numpy()[own], "northing": middle.y.to_numpy()[own]}, index=codes)
    metres = straight_line_table_m(middle.x, middle.y, sites["easting"], sites["northing"])
    today = nearest_plan(pd.DataFrame(metres, index=areas.codes, columns=codes), "lsoa21", "Today")
    school = codes[0]
    to = {area: codes[1 + int(np.argmin(metres[areas.codes.get_loc(area), 1:]))] for area in today.areas_of(school)}
    option = today.close(school, to, name="Closed")

    area = rng.integers(0, len(areas), PUPILS)
    columns = {
        "year_group": (rng.integers(0, 5, PUPILS), pd.Index(list("78901"))),
        "fsm": (rng.integers(0, 2, PUPILS), pd.Index(["no", "yes"])),
        "segment": (rng.integers(0, 8, PUPILS), pd.Index(list("12345678"))),
        "sen": (rng.integers(0, 3, PUPILS), pd.Index(["E", "K", "N"])),
        "school": (rng.integers(0, SCHOOLS, PUPILS), pd.Index(codes)),
    }
    x, y = middle.x.to_numpy()[area], middle.y.to_numpy()[area]
    residents = Residents("lsoa21", area, areas.codes, columns, "pupils", 0, x, y)
    places = pd.Series(2_000.0, index=codes)

    ours = best_of(5, lambda: compare_plans(today, option, residents, places=places, sites=sites))
    frame = pd.DataFrame({name: labels[codes_] for name, (codes_, labels) in columns.items()})
    pupils = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(x, y), crs=27700)
    theirs = best_of(1, lambda: by_geopandas(pupils, areas.frame, today, option, sites))
    moved = compare_plans(today, option, residents).tables["movers"].counts["yes"]
    assert moved == by_geopandas(pupils, areas.frame, today, option, sites)
    print(f"{PUPILS:,} pupils, {len(areas):,} areas, {SCHOOLS} schools; {moved:,} move")
    print(f"compare_plans, all measures    {1000 * ours:>8.0f} ms")
    print(f"geopandas, movers and metres   {1000 * theirs:>8.0f} ms  ({theirs / ours:.0f} times)")


def best_of(times: int, work) -> float:
    found = []
    for _ in range(times + 1):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found[1:])


def by_geopandas(pupils, areas, today, option, sites) -> int:
    """Movers, by free school meals and segment, with their distances."""
    joined = pupils
    for name, plan in (("before", today), ("after", option)):
        catchments = areas.assign(school=plan.table).dissolve("school")[["geometry"]].reset_index()
        joined = joined.sjoin(catchments, predicate="within", how="left").drop(columns="index_right")
        joined = joined.rename(columns={"school_right": name, "school_left": "school"})
        points = gpd.GeoSeries(gpd.points_from_xy(sites["easting"], sites["northing"]), index=sites.index, crs=27700)
        to = gpd.GeoSeries(points.reindex(joined[name]).to_numpy(), crs=27700)
        joined[f"{name}_m"] = joined.geometry.reset_index(drop=True).distance(to).to_numpy()
    joined["moves"] = joined["before"] != joined["after"]
    joined.groupby(["fsm", "moves"]).size()
    joined.groupby(["segment", "moves"]).size()
    joined.groupby(["before", "year_group"]).size()
    joined.groupby(["after", "year_group"]).size()
    joined[["before_m", "after_m"]].describe()
    return int(joined["moves"].sum())


if __name__ == "__main__":
    shared = Path(__file__).parents[2] / "shared" / "data" / "kent_medway"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else shared)
