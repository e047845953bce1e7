"""New housing, the pupils it brings, and the specification of the school it needs. Invented homes and yields."""

import io
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

import geoplan as gp
from geoplan.housing import (
    PHASES,
    by_phase,
    by_year_group,
    draw_catchment,
    expected_pupils,
    from_site,
    need_for_places,
    pupils_in,
)
from geoplan.io.housing import read_housing, read_yields
from geoplan.new_school_books import Specification, protect_neighbours

HOMES = """site_id,name,easting,northing,year,completions,tenure,type,bedrooms,status
QUAY,North Quay,576900,170700,2026/27,120,market,house,3,started
QUAY,North Quay,576900,170700,2027/28,180,market,house,3,permissioned
QUAY,North Quay,576900,170700,2027/28,80,affordable,flat,2,permissioned
QUAY,North Quay,576900,170700,2028/29,240,market,house,4,permissioned
QUAY,North Quay,576900,170700,2029/30,260,market,house,3,allocated
"""
YIELDS = """phase,tenure,type,pupil_yield,low,high
primary,market,house,0.30,0.24,0.36
primary,affordable,flat,0.22,0.16,0.30
secondary,,,0.15,0.11,0.19
"""
SPARE = 150  # places free in the schools that could serve the site


def main() -> None:
    with TemporaryDirectory() as folder:
        for name, text in (("homes.csv", HOMES), ("yields.csv", YIELDS)):
            Path(folder, name).write_text(text, encoding="utf-8")
        trajectory, yields = read_housing(Path(folder, "homes.csv")), read_yields(Path(folder, "yields.csv"))
    expected = expected_pupils(trajectory, yields)
    print(by_phase(expected).round().astype(int).loc[(slice(None), slice(2026, 2031)), :].to_string())

    place = gp.read_project(gp.demo_folder() / "geoplan.toml")
    schools, layer = place.schools(), place.areas("lsoa11")[0]
    people = gp.assign(place.pupils(schools), place.postcodes(), layer, place.segments())
    primary = expected.query("phase == 'primary'").groupby("year")[["homes", "low", "pupils", "high"]].sum()
    school = from_site(trajectory, "QUAY", "primary", 420)
    need = need_for_places(primary, SPARE)

    pupils = people.people[people.people["year_group"].isin(PHASES["primary"])]
    children = pupils["lsoa11"].astype("str").value_counts()
    middles = layer.frame.representative_point()
    points = pd.DataFrame({"easting": middles.x, "northing": middles.y}, index=layer.codes)
    others = schools.frame[schools.frame["phase"].isin(["Primary", "Infant"])]
    area = draw_catchment(points, children, school, others, layer.neighbours(), take=primary["pupils"].max())
    groups = by_year_group(expected, need.expected).loc[list(PHASES["primary"])]
    spec = Specification(school, need, primary, groups, need.expected, date(2026, 11, 29), area)
    print(f"\n{spec.text}")

    raw = pupils_in(people.people, "lsoa11", area, PHASES["primary"])
    neighbours = protect_neighbours(raw, schools.frame["name"].to_dict())
    print("\nSchools whose pupils live in the new area (c: fewer than 10, or hidden with one that is)")
    shown = neighbours.table.astype(object)
    for column in neighbours.hidden:
        shown[column] = shown[column].mask(neighbours.hidden[column], "c")
    shown.to_csv(text := io.StringIO(), sep="|", index=False)
    print("\n".join(line.replace("|", "  ") for line in text.getvalue().splitlines()[:6]))


if __name__ == "__main__":
    main()
