"""Small rural schools: the rule by roll alone beside the way to the next school with room. An invented valley."""

import numpy as np
import pandas as pd

from geoplan.access import Reorganisation, closure_screen, old_rule, reorganise, small_schools
from geoplan.access_books import finding, screen_finding
from geoplan.access_tables import protect_access, protect_screen
from geoplan.distances import METRES_PER_MILE
from geoplan.travel import by_straight_line, points_of

# village, km east, km north, pupils at its school, places, how far around it they live (km)
VILLAGES = [
    ("Aldford", 0, 0, 182, 210, 1.2), ("Bryn Clough", 14, 9, 24, 40, 3.0), ("Corvedale", 6, 1, 64, 84, 1.5),
    ("Dinmore", 7, 2, 26, 56, 0.8), ("Easthope", 10, -4, 47, 70, 1.8), ("Fordhall", 3, 4, 96, 105, 1.5),
    ("Gatten", 15, -1, 33, 45, 2.5), ("Hopesay", 1, -5, 58, 105, 1.6),
]  # fmt: skip
FORECAST = {"Bryn Clough": 17, "Dinmore": 25, "Gatten": 19, "Easthope": 44}


def valley() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Schools, and pupils at 100 m around their village; some of the next village's choose the larger school."""
    rng = np.random.default_rng(1998)
    schools = pd.DataFrame(VILLAGES, columns=["name", "x", "y", "roll", "places", "spread"])
    schools.index = [f"90{i:04d}" for i in range(len(schools))]
    parts = []
    for code, row in schools.iterrows():
        at = 1000 * np.array([row["x"] + 350, row["y"] + 300]) + rng.normal(0, 600 * row["spread"], (row["roll"], 2))
        parts.append(pd.DataFrame(np.round(at, -2), columns=["easting", "northing"]).assign(school=code))
    pupils = pd.concat(parts, ignore_index=True)
    pupils["year_group"] = rng.choice(["R", *"123456"], len(pupils))
    schools["easting"], schools["northing"] = 1000.0 * (schools["x"] + 350), 1000.0 * (schools["y"] + 300)
    return schools.assign(lowest_year="R", highest_year="6", rural="Rural village"), pupils


def main() -> None:
    schools, pupils = valley()
    places, at = points_of(pupils)
    travel = by_straight_line(places, schools)
    rolls = pupils["school"].value_counts().reindex(schools.index)
    print(f"{len(schools)} schools;", ", ".join(f"{n} with fewer than {k}" for k, n in small_schools(rolls).items()))

    codes = schools.index[schools["name"].isin(FORECAST)]
    forecast = pd.DataFrame({"school": codes, "year": "2031", "pupils": schools.loc[codes, "name"].map(FORECAST)})
    candidates = rolls.index[rolls < 100]
    reviews, reach = old_rule(rolls, forecast), 3 * METRES_PER_MILE
    shown = protect_screen(closure_screen(pupils, schools, candidates, travel, at), schools, rolls, reviews, reach)
    print(screen_finding(shown, "3 miles", 20))
    columns = ["name", "roll", "lowest", "review", "within", "beyond", "no place", "mean_before", "mean_after"]
    print(
        shown.table[columns]
        .astype(object)
        .mask(shown.hidden.reindex(columns=columns, fill_value=False), "c")
        .to_string(index=False)
    )

    names = schools["name"].to_dict()
    for words, closing in (("One", ["Dinmore"]), ("Three together", ["Bryn Clough", "Gatten", "Easthope"])):
        option = Reorganisation(words, close=tuple(schools.index[schools["name"].isin(closing)]))
        found = reorganise(pupils, schools, option, travel, at, furthest=8 * METRES_PER_MILE)
        print(f"\n{words}: {finding(protect_access(found, names))}")


if __name__ == "__main__":
    main()
