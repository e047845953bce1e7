"""Reach on real open data: Bristol's library members, Brighton's preferences and its patients by practice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geoplan import maps
from geoplan.io.layers import read_boundaries
from geoplan.io.services import read_area_counts, read_preference_counts
from geoplan.placements import fit_choice_model
from geoplan.preferences import against_totals, counted_preferences
from geoplan.reach_books import reach_book
from geoplan.reach_tables import finding, protect_reach
from geoplan.service_reach import ELSEWHERE, reach_of_areas
from geoplan.sources import Source

pytestmark = pytest.mark.real

LIBRARY = Source("Library members by LSOA, October 2018", publisher="Bristol City Council", licence="OGL-UK-3.0")


def on_grid(path) -> pd.DataFrame:
    """Population-weighted centroids, in metres."""
    from geoplan.io.schools import to_grid

    centroids = pd.read_csv(path, index_col="lsoa11_code")
    easting, northing = to_grid(centroids["X"], centroids["Y"])
    return pd.DataFrame({"easting": easting, "northing": northing}, index=centroids.index)


@pytest.fixture(scope="module")
def bristol(request):
    from conftest import SHARED

    if not SHARED.is_dir():
        pytest.skip("the real open data (../shared/data) is not beside this checkout")
    folder = SHARED / "bristol_takeup"
    members, _ = read_area_counts(folder / "library_membership_bristol_lsoa_2018-10-23.csv", source=LIBRARY)
    people = pd.read_csv(folder / "population_mid2020_single_year_lsoa11.csv.gz", index_col="lsoa11_code")
    oac = pd.read_csv(folder / "lsoa11_to_lsoa21_oac2021.csv", dtype="str").drop_duplicates("lsoa11_code")
    imd = pd.read_csv(folder / "iod2019_lsoa11.csv", index_col="LSOA11CD")["IMD"]
    wards = read_boundaries(folder / "boundaries.gpkg", kind="ward25", layer="wards25", code="WD25CD", name="WD25NM")
    points = on_grid(folder / "lsoa11_popweighted_centroids.csv")
    position = wards.locate(points["easting"], points["northing"]).position
    tenth = np.ceil(10 * imd.rank(ascending=False) / len(imd)).astype(int).map("{:02d}".format)
    areas = pd.DataFrame(
        {
            "segment": oac.set_index("lsoa11_code")["Supergroup"],
            "ward25": pd.Series(wards.codes.to_numpy()[position], index=points.index),
            "imd_tenth": tenth,
        }
    ).reindex(people.index)
    reached = reach_of_areas(
        members.set_index("area")["people"], people["total_population"], areas, "libraries 2018",
        "residents of Bristol, mid-2020", names={"ward25": wards.names.to_dict()}, noun="members",
        base_noun="residents", sources=[LIBRARY],
    )  # fmt: skip
    return members, reached, protect_reach(reached), wards


def test_bristols_totals_are_those_of_the_file(bristol):
    members, reached, tables, _ = bristol
    assert members["people"].sum() == 63_330
    assert reached.accounts.users == 63_330
    for dim in reached.dims:
        assert reached.counts(dim).sum() == 63_330
        assert reached.accounts.outside[dim] == 1_937  # of 125 areas round the city
    assert reached.counts("segment", "base").sum() == 465_866
    shown = tables.by["segment"].table["count"]
    assert shown.sum() == pytest.approx(63_330, abs=25)
    assert shown[ELSEWHERE] == 1_935


def test_bristols_finding_in_one_sentence(bristol):
    _, reached, tables, wards = bristol
    words = finding(tables, "imd_tenth")
    assert words.startswith("Reached more than their share: 10 (index 150, 147 to 152)")
    assert "reached less than their share: 01 (index 71, 69 to 73)" in words
    # by hand: members of the tenth of residents in the most deprived areas, against all in the city
    exact = reached.by("imd_tenth").of("libraries 2018")
    assert exact.loc["01", "index"] == pytest.approx(71.2, abs=0.3)
    assert len(tables.by["ward25"].table.drop(index=ELSEWHERE)) == len(wards) == 34
    book = reach_book(tables, reached.sources, boundaries=wards)
    assert [type(layer) for layer in book.layers] == [maps.AreaLayer] * 2
    assert "Hartcliffe and Withywood" in book.to_html()


@pytest.fixture(scope="module")
def brighton():
    from conftest import SHARED

    if not SHARED.is_dir():
        pytest.skip("the real open data (../shared/data) is not beside this checkout")
    return SHARED / "brighton_hove"


def test_brightons_preferences_reproduce_the_files_totals(brighton):
    model = brighton / "admissions_and_catchments" / "bh_school_model"
    table, totals, _ = read_preference_counts(model / "adjudicator_prefs.csv")
    assert len(against_totals(table, totals)) == 0
    stated = pd.read_csv(model / "adjudicator_totals.csv").rename(
        columns={"round": "year", "pref1": "first", "pref2": "second", "pref3": "third", "allocated": "offers"}
    )
    by_school = stated[stated["school"] != "Grand Total"].assign(area="")
    assert len(against_totals(table, by_school)) == 0
    grand = stated[stated["school"] == "Grand Total"].set_index("year")
    assert (
        table.groupby("year")["first"].sum().to_dict() == grand["first"].to_dict() == {"2023/24": 2328, "2024/25": 2247}
    )
    assert table.groupby("year")["offers"].sum().to_dict() == grand["offers"].to_dict()


def nearest_schools(brighton) -> tuple[dict[str, str], pd.Series]:
    """For each catchment area, the school nearest (straight line) to most of its children; and the share it is for."""
    from geoplan.distances import straight_line_table_m
    from geoplan.io.schools import to_grid

    admissions = brighton / "admissions_and_catchments"
    zones = pd.read_csv(admissions / "bh_school_model" / "zones.csv")
    areas = pd.read_csv(admissions / "bh_school_model" / "adjudicator_ca_lookup.csv").set_index("catchment")["ca"]
    schools = pd.read_csv(admissions / "school_locs.csv").query("Phase == 'Secondary'").reset_index(drop=True)
    easting, northing = to_grid(schools["lon"], schools["lat"])
    metres = straight_line_table_m(zones["zone_e"], zones["zone_n"], easting, northing)
    named = {"Cardinal Newman": "Cardinal Newman Catholic School", "Kings": "King's School", "King's": "King's School"}
    listed, _, _ = read_preference_counts(admissions / "bh_school_model" / "adjudicator_prefs.csv")
    full = {
        school: next((name for name in listed["school"].unique() if name.startswith(named.get(school, school))), "")
        for school in schools["School"]
    }
    zones["nearest"] = schools["School"].map(full).to_numpy()[metres.argmin(axis=1)]
    zones["area"] = zones["catchment"].map(areas)
    children = zones[zones["nearest"] != ""].groupby(["area", "nearest"])["Oi"].sum().unstack(fill_value=0.0)
    return children.idxmax(axis=1).to_dict(), children.max(axis=1) / children.sum(axis=1)


def test_brightons_nearest_schools(brighton):
    model = brighton / "admissions_and_catchments" / "bh_school_model"
    table, _, _ = read_preference_counts(model / "adjudicator_prefs.csv")
    nearest, share = nearest_schools(brighton)
    assert set(nearest) == set(table["area"])
    assert (share > 0.3).all()
    found = counted_preferences(table, nearest=nearest)
    assert found["first"].groupby("year").sum().to_dict() == {"2023/24": 2328, "2024/25": 2247}
    one = table[(table["area"] == "CA-A") & (table["school"] == nearest["CA-A"]) & (table["year"] == "2023/24")].iloc[0]
    row = found.loc[("2023/24", "CA-A")]
    assert row["nearest_first_share"] == pytest.approx(one["first"] / 190)
    assert row["nearest_offers_share"] == pytest.approx(one["offers"] / 207)
    assert found["nearest_first_share"].between(0, 1).all()


def test_brightons_first_choice_rate(brighton):
    """The council's fact sheet prints preferences and, in brackets, offers at that rank: the rate is their ratio."""
    sheet = pd.read_csv(brighton / "admissions_and_catchments" / "factsheet_preferences_offers_2010_2026.csv")
    sheet = sheet.query("phase == 'secondary' and field == 'No_1st_pref' and year in [2023, 2024]")
    table = sheet.rename(columns={"value": "first", "offers": "first_offers"}).astype({"year": "str"})
    schools, stated = table[table["school"] != "Total"], table[table["school"] == "Total"].set_index("year")
    city = counted_preferences(schools, by="year")
    assert city["first"].to_dict() == stated["first"].to_dict() == {"2023": 2402, "2024": 2279}
    assert city["first_offers"].to_dict() == stated["first_offers"].to_dict() == {"2023": 2015, "2024": 1815}
    assert city["first_choice_rate"].round(3).to_dict() == {"2023": 0.839, "2024": 0.796}
    by_school = counted_preferences(schools, by="school")
    assert by_school.loc[("2024", "Varndean"), "first_choice_rate"] == pytest.approx(293 / 456)
    assert by_school["first_share"].groupby("year").sum().to_numpy() == pytest.approx(1)


def test_the_distance_model_of_patients_fits_and_moves_a_practice_as_it_says(brighton):
    flows, _ = read_area_counts(brighton / "gp_registrations_lsoa11.csv.gz")
    practices = pd.read_csv(brighton / "gp_practices.csv", index_col="OrganisationCode")
    postcodes = pd.read_csv(brighton / "postcodes.csv.gz", low_memory=False).set_index("pcds")
    size = flows.groupby("site")["people"].sum()
    big = size.index[size >= 1000]
    at = postcodes.reindex(practices["PCDS"].reindex(big))[["easting", "northing"]].set_index(big)
    sites = at[at["easting"] > 0]
    places = on_grid(brighton / "lsoa11_popweighted_centroids.csv")
    imd = pd.read_csv(brighton / "imd2019_ranks_deciles_lsoa11.csv", index_col="lsoa11_code")["IMD_decile"]
    places["segment"] = np.where(imd.reindex(places.index) <= 3, "deprived", "other")
    seen = flows[flows["site"].isin(sites.index)].pivot(index="area", columns="site", values="people").fillna(0)
    places = places.reindex(seen.index)
    assert seen.to_numpy().sum() / flows["people"].sum() > 0.99  # of all patients, at the 31 practices fitted
    fits = {curve: fit_choice_model(seen, places, sites, curve) for curve in ("exponential", "power")}
    assert fits["power"].explained > fits["exponential"].explained > 0.7
    model = fits["power"]
    assert model.agreement > 0.7
    total = seen.sum(axis=1)
    expected = model.shares(places, sites).mul(total, axis=0)
    assert np.allclose(expected.sum(), seen.sum(), rtol=2e-3)
    # half of the areas predict the other half nearly as well
    half = np.random.default_rng(1).random(len(places)) < 0.5
    other = fit_choice_model(seen[half], places[half], sites, "power").shares(places[~half], sites)
    guess = other.mul(total[~half], axis=0).to_numpy()
    assert 2 * np.minimum(guess, seen[~half]).to_numpy().sum() / (guess.sum() + total[~half].sum()) > 0.68
    # a practice moved: by hand, its odds against any other change by the ratio of the curve at both distances
    practice, rival = seen.sum().idxmax(), seen.sum().idxmin()
    moved = sites.copy()
    moved.loc[practice, "easting"] += 2000
    before, after = model.shares(places, sites), model.shares(places, moved)
    km = [
        np.hypot(places["easting"] - each.loc[practice, "easting"], places["northing"] - each.loc[practice, "northing"])
        / 1000
        for each in (sites, moved)
    ]
    ratio = ((0.5 + km[1]) / (0.5 + km[0])) ** -model.slopes[places["segment"]].to_numpy()
    odds = (after[practice] / after[rival]) / (before[practice] / before[rival])
    assert np.allclose(odds, ratio, rtol=1e-6)
    assert after.mul(total, axis=0).to_numpy().sum() == pytest.approx(total.sum())
