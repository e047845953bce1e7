"""Whom Bristol's libraries reach: 63,330 real members against residents, by segment, ward and deprivation."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.io.layers import read_boundaries
from geoplan.io.schools import to_grid
from geoplan.io.services import read_area_counts
from geoplan.reach_books import more_in_one, reach_book, reach_note, where_sentences
from geoplan.reach_tables import finding, protect_reach
from geoplan.service_reach import reach_of_areas
from geoplan.sources import Source

LICENCE = "OGL-UK-3.0"
SOURCES = [
    Source("Library members by LSOA, 23 October 2018", publisher="Bristol City Council", licence=LICENCE),
    Source("Residents by LSOA, mid-2020", publisher="Office for National Statistics", licence=LICENCE),
    Source("Output Area Classification 2021", publisher="Office for National Statistics", licence=LICENCE),
    Source("Indices of Deprivation 2019", publisher="Ministry of Housing, Communities and Local Government",
           licence=LICENCE),
]  # fmt: skip
SUPERGROUPS = {
    "1": "Retired Professionals",
    "2": "Suburbanites and Peri-Urbanites",
    "3": "Multicultural and Educated Urbanites",
    "4": "Low-Skilled Migrant and Student Communities",
    "5": "Ethnically Diverse Suburban Professionals",
    "6": "Baseline UK",
    "7": "Semi- and Un-Skilled Workforce",
    "8": "Legacy Communities",
}
TENTHS = {f"{n:02d}": f"tenth {n}" for n in range(1, 11)} | {"01": "tenth 1, most deprived", "10": "tenth 10, least"}
SHARED = Path(__file__).parents[3] / "shared" / "data" / "bristol_takeup"


def main(folder: Path = SHARED, page: str | None = None, note: str | None = None) -> None:
    members, _ = read_area_counts(folder / "library_membership_bristol_lsoa_2018-10-23.csv", source=SOURCES[0])
    people = pd.read_csv(folder / "population_mid2020_single_year_lsoa11.csv.gz", index_col="lsoa11_code")
    oac = pd.read_csv(folder / "lsoa11_to_lsoa21_oac2021.csv", dtype="str").drop_duplicates("lsoa11_code")
    imd = pd.read_csv(folder / "iod2019_lsoa11.csv", index_col="LSOA11CD")["IMD"]
    centres = pd.read_csv(folder / "lsoa11_popweighted_centroids.csv", index_col="lsoa11_code")
    wards = read_boundaries(folder / "boundaries.gpkg", kind="ward25", layer="wards25", code="WD25CD", name="WD25NM")
    at = wards.locate(*to_grid(centres["X"], centres["Y"])).position
    areas = pd.DataFrame(
        {
            "segment": oac.set_index("lsoa11_code")["Supergroup"],
            "ward25": pd.Series(wards.codes.to_numpy()[at], index=centres.index).mask(at < 0),
            "deprivation": np.ceil(10 * imd.rank(ascending=False) / len(imd)).astype(int).map("{:02d}".format),
        }
    ).reindex(people.index)
    reached = reach_of_areas(
        members.set_index("area")["people"], people["total_population"], areas, "Bristol's libraries",
        "residents of Bristol, mid-2020", noun="members", base_noun="residents", sources=SOURCES,
        names={"segment": SUPERGROUPS, "ward25": wards.names.to_dict(), "deprivation": TENTHS},
    )  # fmt: skip
    tables = protect_reach(reached)

    print(f"{members['people'].sum():,} members in the file, {reached.accounts.users:,} counted, of which "
          f"{reached.accounts.outside['segment']:,} live outside the city")  # fmt: skip
    for dim in ("segment", "ward25", "deprivation"):
        assert reached.counts(dim).sum() == members["people"].sum()
        print(f"\nBy {dim}. {finding(tables, dim)}")
        columns = ["name", "count", "base_count", "penetration", "index", "index_low", "index_high"]
        table = tables.by[dim].table[columns].sort_values("index", na_position="last", kind="stable")
        rounded = table.round({"penetration": 3, "index": 0, "index_low": 0, "index_high": 0})
        print(rounded.head(10 if dim != "ward25" else 5).to_string(index=False))
    print("\nWhom they miss")
    print("\n".join([*more_in_one(tables), *where_sentences(tables)]))
    if page:
        reach_book(tables, SOURCES, boundaries=wards).save(page)
    if note:
        reach_note(tables, SOURCES).save(note)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED, *sys.argv[2:4])
