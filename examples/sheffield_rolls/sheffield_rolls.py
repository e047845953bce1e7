"""Reception intakes from patient registers, as Sheffield made them, and how wrong they would be. Invented city."""

import sys
from pathlib import Path

import pandas as pd

import geoplan as gp
from geoplan.cohorts import stage_of, year_name
from geoplan.forecast_methods import METHODS, children_by_place, history_of, uptake_of
from geoplan.io.children import read_register
from geoplan.io.rolls import read_rolls
from geoplan.rolls import rolls_from
from geoplan.spare_places import area_shares, compare_recuts, intake_table, recut, share_out

METHOD = "uptake, whole school, by city"


def main(page: str | None = None) -> None:
    folder = gp.demo_folder()
    place = gp.read_project(folder)
    schools = place.schools()
    frame = schools.frame
    counts = [read_rolls(folder / name) for name in ("rolls_earlier.csv", "rolls.csv")]
    rolls = rolls_from(pd.concat([each.frame for each in counts]), schools.source, published=True)
    register = read_register(folder / "register.csv").frame
    city = register.groupby(["year", "age"], as_index=False)["children"].sum().assign(area="Medway")
    children = children_by_place(city, dict.fromkeys(rolls.places, "Medway"), rolls.places, rolls.years)
    taught = pd.DataFrame(
        {"lowest": frame["lowest_year"].map(stage_of), "highest": frame["highest_year"].map(stage_of)}
    )
    history = history_of(rolls, frame["cluster"], taught=taught, children={"city": children})

    school = "900013"
    at = rolls.places.get_loc(school)
    now = city[city["year"].eq(history.year)].set_index("age")["children"]
    print(f"1. {frame.at[school, 'name']}, by hand (register of 31 August {history.year}, all Medway)")
    ages = range(4, 11)
    on_roll = rolls.pupils[at, -1, :7].sum()
    print(f"   on roll {on_roll:,.0f}, registered children aged 4 to 10 {now.loc[ages].sum():,.0f}: ", end="")
    uptake = on_roll / now.loc[ages].sum()
    print(f"uptake {100 * uptake:.2f}%")
    assert abs(uptake - uptake_of(history, "city")[at, 0]) < 1e-12
    ahead = METHODS[METHOD](history, 4)[at, :, 0]
    for years, forecast in enumerate(ahead, 1):
        registered = now[4 - years]
        assert abs(forecast - uptake * registered) < 1e-9  # uptake % x register = intake
        print(
            f"   {year_name(history.year + years)}: {100 * uptake:.2f}% of {registered:,.0f} aged {4 - years} = "
            f"{forecast:.1f}"
        )

    groups = {"cluster": frame["cluster"], "all schools": pd.Series("Medway", rolls.places)}
    made = gp.forecast(history, rolls.places, groups)
    accuracy = made.past.accuracy("all schools").reset_index()
    wanted = ["combination", "last value", "last ratio", METHOD]
    shown = accuracy[accuracy["method"].isin(wanted) & accuracy["measure"].isin(["primary", "secondary"])]
    table = shown[shown["ahead"].isin([1, 3, 5])].pivot(index=["measure", "ahead"], columns="method", values="mape")
    table = table.astype(float).mul(100).round(2)
    table.columns = table.columns.astype(str)
    print("\n2. Mean size of the error of all schools together, % (the guide: 0.5 to 1 next year, 2 after five)")
    print(table[wanted].dropna(how="all").to_string())

    print("\n3. What is forecast, with its own past error")
    ahead = made.table("all schools")
    for row in ahead[ahead["measure"].isin(["primary", "secondary"]) & ahead["ahead"].isin([1, 3, 5])].itertuples():
        print(
            f"   {row.measure:<10}{year_name(row.year)}: {row.forecast:>7,.0f}  (4 in 5: {row.low_80:,.0f} to "
            f"{row.high_80:,.0f}; "
            f"missed by {100 * row.past_error:.1f}% in {row.past_forecasts} tries)"
        )

    print("\n4. Places, demand, surplus and forms of entry in Reception, two years ahead")
    intake = intake_table(made, frame, level="cluster")
    intake = intake[intake["intake"].eq("Reception") & intake["year"].eq(made.years[1])].set_index("place")
    columns = ["places", "demand", "surplus", "surplus_share", "forms"]
    print(intake[columns].round({"demand": 0, "surplus": 0, "surplus_share": 3, "forms": 1}).to_string())

    print("\n5. Children who will start Year 7 in two years, under the catchments of today and under option B")
    today, other = (place.catchments(name) for name in ("today", "option_b"))
    directory = place.postcodes().table
    sectors = directory["postcode"].astype("str").str.replace(" ", "").str[:-2]
    shares = area_shares(directory[["lsoa11"]].astype("object").assign(sector=sectors), "lsoa11", "sector")
    year = made.years[1]
    last = register[register["year"].eq(history.year)]
    ahead = last.assign(age=last["age"] + 2, year=year, area=last["area"].str.replace(" ", ""))
    starters, left = share_out(ahead, shares)
    assert left == 0
    compared = compare_recuts(recut(starters, today), recut(starters, other), 7).set_index("catchment").round(0)
    compared.index = [frame["name"].get(code, code) for code in compared.index]
    print(compared[compared["change"].ne(0)][["before", "after", "change"]].to_string())
    lost = compared["change"].sum()
    print(f"   children before less children after, over all catchments: {abs(lost):.0f}")

    if page:
        book = gp.forecast_book(
            made, [schools.source], top="all schools", level="cluster", places=frame, published=True
        )
        Path(page).write_text(book.to_html(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
