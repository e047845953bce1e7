"""The invented half of the Medway folder: segments, schools, children, callers, registers, rolls, catchments.

Nothing here is about a real person or a real school. The children of 23 yearly cohorts are made once, each with
a home at a real postcode, a segment, and a way through school; the five January censuses, the register and the
callers are all read off that one population, so that they agree with each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import build_dirt as dirt
import numpy as np
import pandas as pd
import shapely
from build_common import (
    CENSUS_DAYS,
    COHORT_SIZE,
    FIRST_COHORT,
    LAST_COHORT,
    MEDWAY,
    NOW,
    PRESENT,
    SEED,
    YEARS,
    dice,
    draw,
)
from build_plans import make_plans
from build_schools import choose_schools, enrolment, make_schools, school_file

SUPERGROUPS = {
    "1": "Riverside terraces", "2": "Town centre flats", "3": "Outer estates", "4": "Settled suburbs",
    "5": "Leafy avenues", "6": "Village and marsh", "7": "New waterfront", "8": "Busy family streets",
}  # fmt: skip
GROUPS = {
    "1a": "Dockside terraces", "1b": "Hillside terraces", "1c": "Mixed old streets",
    "2a": "High street flats", "2b": "Station quarter",
    "3a": "Hilltop estates", "3b": "Valley estates", "3c": "Edge-of-town estates",
    "4a": "Post-war semis", "4b": "Quiet closes", "4c": "Bungalow belt",
    "5a": "Established avenues", "5b": "Commuter avenues", "5c": "Downland edge",
    "6a": "Peninsula villages", "6b": "Farm and marsh",
    "7a": "Marina apartments", "7b": "New family homes",
    "8a": "Young family streets", "8b": "Extended family streets",
}  # fmt: skip
FSM_RATE = {"1": 0.28, "2": 0.32, "3": 0.45, "4": 0.15, "5": 0.05, "6": 0.12, "7": 0.18, "8": 0.24}
ABILITY = {"1": -0.2, "2": -0.1, "3": -0.4, "4": 0.15, "5": 0.6, "6": 0.15, "7": 0.25, "8": 0.05}
CHILDREN = {"1": 1.0, "2": 0.7, "3": 1.35, "4": 0.9, "5": 0.9, "6": 0.8, "7": 1.0, "8": 1.4}
WHITE_BRITISH = {"1": 0.62, "2": 0.55, "3": 0.78, "4": 0.76, "5": 0.74, "6": 0.89, "7": 0.5, "8": 0.56}
OTHER_ETHNICITY = {
    "WOTH": 18, "WIRI": 1, "WROM": 2, "MWBC": 6, "MWBA": 6, "MWAS": 5, "MOTH": 6, "AIND": 11, "APKN": 5, "ABAN": 5,
    "AOTH": 6, "BCRB": 4, "BAFR": 19, "BOTH": 3, "CHNE": 2, "OOTH": 5, "REFU": 2, "NOBT": 3,
}  # fmt: skip
LANGUAGES = {
    "WOTH": {"ENG": 3, "POL": 3, "RMN": 3, "BUL": 2, "LIT": 2, "SLO": 1}, "WROM": {"ENG": 1, "SLO": 2, "RMN": 1},
    "AIND": {"ENG": 4, "PNJ": 4, "GUJ": 1, "TAM": 1}, "APKN": {"ENG": 3, "URD": 3, "PNJ": 1},
    "ABAN": {"ENG": 3, "BNG": 5}, "AOTH": {"ENG": 3, "TAM": 2, "NEP": 3}, "BAFR": {"ENG": 6, "YOR": 2, "FRN": 1},
    "CHNE": {"ENG": 2, "CHI": 3}, "OOTH": {"ENG": 2, "ARA": 2, "TUR": 1}, "REFU": {"ENG": 9, "OTH": 1},
    "NOBT": {"ENG": 8, "OTH": 2}, "MWAS": {"ENG": 19, "OTH": 1}, "MOTH": {"ENG": 9, "OTH": 1},
}  # fmt: skip
SEN_SUPPORT = {"1": 0.16, "2": 0.16, "3": 0.20, "4": 0.12, "5": 0.09, "6": 0.13, "7": 0.12, "8": 0.14}
EHC_PLAN = 0.042
CALLER_WEIGHT = {
    2024: {"1": 0.6, "2": 0.55, "3": 0.4, "4": 1.4, "5": 2.4, "6": 1.3, "7": 1.5, "8": 0.7},
    2025: {"1": 0.75, "2": 0.7, "3": 0.6, "4": 1.3, "5": 1.9, "6": 1.2, "7": 1.3, "8": 0.85},
}
TOPICS = {
    "How to apply": 30, "Selection test": 22, "Appeal": 14, "School transport": 10, "Moving house": 9,
    "Special educational needs": 8, "Visiting schools": 7,
}  # fmt: skip


@dataclass
class World:
    """Every table to write, by file name, and what is true of them."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    truth: dict = field(default_factory=dict)


# --- segments ---------------------------------------------------------------------------------------------


def smooth_field(rng: np.random.Generator, xy: np.ndarray, metres: float) -> np.ndarray:
    """A smooth random surface read at some points, as ranks from 0 to 1."""
    waves = rng.normal(size=(2, 120)) / metres
    surface = np.cos(xy @ waves + rng.uniform(0, 2 * np.pi, 120)) @ rng.normal(size=120)
    return pd.Series(surface).rank(pct=True).to_numpy()


def make_segments(postcodes: pd.DataFrame) -> pd.DataFrame:
    """The invented scheme "Medway demo 2026": a group for every output area, neighbours tending to be alike.

    New waterfront is where over 30% of live household postcodes date from 2010 or later; Village and marsh
    is where postcodes are sparse; the rest follows density and two smooth random surfaces.
    """
    rng = dice("segments")
    homes = postcodes[(postcodes["usertype"] == "0") & postcodes["east1m"].notna()]
    live = homes[homes["doterm"] == ""]
    areas = homes.groupby("oa11cd")[["east1m", "north1m"]].mean().astype(float)
    xy = areas.to_numpy()
    tree = shapely.STRtree(shapely.points(live["east1m"].astype(float), live["north1m"].astype(float)))
    centre, _ = tree.query(shapely.points(xy), predicate="dwithin", distance=600)
    density = pd.Series(np.bincount(centre, minlength=len(areas))).rank(pct=True).to_numpy()
    recent = (live["dointr"] >= "201001").groupby(live["oa11cd"]).mean().reindex(areas.index).fillna(0).to_numpy()
    wealth, age, split = (smooth_field(rng, xy, metres) for metres in (1800, 1500, 1200))
    better = 0.75 * wealth - 0.35 * density + 0.06 * rng.normal(size=len(areas))
    better = pd.Series(better).rank(pct=True).to_numpy()

    group = np.select(
        [recent > 0.30, density < 0.14, density > 0.93, better > 0.80, better > 0.52, better < 0.24, density > 0.62],
        ["7", "6", "2", "5", "4", "3", "1"],
        default="8",
    )
    members = {code: [g for g in GROUPS if g[0] == code] for code in SUPERGROUPS}
    mix = 0.7 * split + 0.3 * age
    chosen = np.empty(len(areas), dtype=object)
    for code, options in members.items():
        own = group == code
        rank = pd.Series(mix[own]).rank(pct=True, method="first").to_numpy()
        chosen[own] = np.array(options, dtype=object)[np.minimum((rank * len(options)).astype(int), len(options) - 1)]
    return pd.DataFrame(
        {
            "oa11cd": areas.index,
            "supergroup": group,
            "supergroup_name": [SUPERGROUPS[code] for code in group],
            "group": chosen,
            "group_name": [GROUPS[code] for code in chosen],
        }
    )


# --- homes and children -----------------------------------------------------------------------------------


def make_homes(postcodes: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Live household postcodes in Medway and in Kent around it, with the weight of children there."""
    rng = dice("homes")
    kent = postcodes["ladcd"].isin([MEDWAY, "E07000109", "E07000110", "E07000113", "E07000115"])
    good = (postcodes["doterm"] == "") & (postcodes["usertype"] == "0") & postcodes["gridind"].isin(list("12345"))
    homes = postcodes[kent & good].merge(segments[["oa11cd", "supergroup", "group"]], on="oa11cd", how="inner")
    homes = homes.sort_values("pcds", ignore_index=True)
    weight = homes["supergroup"].map(CHILDREN) * rng.gamma(3.0, 1 / 3.0, len(homes))
    inside = homes["ladcd"] == MEDWAY
    ring = np.exp(-homes["metres_outside"] / 1000)
    homes["weight"] = np.where(inside, weight, 0.0) / weight[inside].sum() * 0.96
    homes["weight"] += np.where(inside, 0.0, weight * ring) / (weight * ring)[~inside].sum() * 0.04
    return homes


def make_children(homes: pd.DataFrame) -> pd.DataFrame:
    """The population: every child who is here at one or more censuses, without a school yet."""
    rng = dice("children")
    sizes = [round(size / PRESENT) for size in COHORT_SIZE]
    cohort = np.repeat(np.arange(FIRST_COHORT, LAST_COHORT + 1), sizes)
    n = len(cohort)
    share = (homes["weight"] / homes["weight"].sum()).to_numpy()
    home = rng.choice(len(homes), size=n, p=share)
    moved = rng.random(n) < 0.04
    segment = homes["supergroup"].to_numpy()[home]
    group = homes["group"].to_numpy()[home]
    nudge = {code: 0.03 * (ord(code[1]) - ord("b")) for code in GROUPS}
    fsm = rng.random(n) < pd.Series(segment).map(FSM_RATE) + pd.Series(group).map(nudge)
    need = rng.random(n)
    support = pd.Series(segment).map(SEN_SUPPORT).to_numpy()
    white = rng.random(n) < pd.Series(segment).map(WHITE_BRITISH)
    ethnicity = np.where(white, "WBRI", draw(rng, OTHER_ETHNICITY, n))
    language = np.full(n, "ENG", dtype=object)
    for code, mix in LANGUAGES.items():
        own = ethnicity == code
        language[own] = draw(rng, mix, int(own.sum()))
    stir = rng.random(n)  # three in a hundred arrive, and three leave, between one census and the next
    arrives = np.select([stir < 0.03 * k for k in (1, 2, 3, 4)], [1, 2, 3, 4], default=0)
    leaves = np.select([(stir >= 0.12) & (stir < 0.12 + 0.03 * k) for k in (1, 2, 3, 4)], [0, 1, 2, 3], default=NOW)
    return pd.DataFrame(
        {
            "cohort": cohort,
            "home": home,
            "home_before": np.where(moved, rng.choice(len(homes), size=n, p=share), home),
            "segment": segment,
            "fsm": np.where(rng.random(n) < 0.01, "", np.where(fsm, "Y", "N")),
            "sen": np.where(need < EHC_PLAN, "E", np.where(need < EHC_PLAN + support, "K", "N")),
            "ethnicity": ethnicity,
            "language": language,
            "girl": rng.random(n) < 0.49,
            "ability": rng.normal(size=n) + pd.Series(segment).map(ABILITY) - 0.35 * fsm,
            "arrives": arrives,
            "leaves": leaves,
        }
    )


# --- the census file --------------------------------------------------------------------------------------


def make_upns(children: pd.DataFrame) -> np.ndarray:
    """Unique Pupil Numbers with true check letters, all of local authority 000, which is no authority."""
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    estab = np.where(children["special"], 7000, 2001 + children["primary"].clip(lower=0))
    year = (2025 - children["cohort"]) % 100
    serial = children.groupby([estab, year.to_numpy()]).cumcount() + 1
    if serial.max() > 999:
        raise ValueError("more than 999 children share a school and a year")
    digits = [f"000{e:04d}{y:02d}{s:03d}" for e, y, s in zip(estab, year, serial, strict=True)]
    return np.array([letters[sum(int(d) * (i + 2) for i, d in enumerate(text)) % 23] + text for text in digits])


def census_file(enrolled: pd.DataFrame, homes: pd.DataFrame, home: str) -> pd.DataFrame:
    """School Census columns for children on a roll."""
    pupils = pd.DataFrame(
        {
            "UPN": enrolled["upn"],
            "PostCode": homes["pcds"].to_numpy()[enrolled[home]],
            "URN": enrolled["urn"],
            "NCyearActual": np.array(YEARS)[enrolled["stage"]],
            "EnrolStatus": "C",
            "FSMeligible": enrolled["fsm"],
            "SENprovision": enrolled["sen"],
            "Ethnicity": enrolled["ethnicity"],
            "Language": enrolled["language"],
        }
    )
    order = pupils["NCyearActual"].map(YEARS.index)
    return pupils.assign(order=order).sort_values(["URN", "order", "UPN"], ignore_index=True).drop(columns="order")


def make_rolls(censuses: list[pd.DataFrame]) -> pd.DataFrame:
    """Pupils by census day, school and year group; a child with two schools counts at the main one."""
    parts = []
    for day, enrolled in zip(CENSUS_DAYS, censuses, strict=True):
        counted = enrolled.groupby(["urn", "stage"]).size().rename("pupils").reset_index()
        parts.append(counted.assign(date=day, year_group=np.array(YEARS)[counted["stage"]]))
    return pd.concat(parts, ignore_index=True)[["date", "urn", "year_group", "pupils"]]


def make_register(children: pd.DataFrame, homes: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Children on family doctors' lists on five 31 Augusts, by age that day and postcode sector, in Medway.

    Lists are longer than rolls: each sector has an `uptake`, the share of its registered children who are
    in the state schools of the file. Leafy sectors have a lower one.
    """
    rng = dice("register")
    inside = (homes["ladcd"] == MEDWAY).to_numpy()
    sector = homes["pcds"].str[:-2].to_numpy()
    leafy = pd.Series((homes["supergroup"] == "5").to_numpy()[inside]).groupby(sector[inside]).mean()
    uptake = (0.965 - 0.09 * leafy + rng.normal(0, 0.008, len(leafy))).clip(0.85, 0.985).round(3)
    keep = inside[children["home"]]
    local = children[keep].assign(sector=sector[children["home"][keep]])
    parts = []
    for census, year in enumerate(range(2021, 2026)):
        age = local["cohort"] + 4 - (NOW - census)
        here = (local["arrives"] <= census) & (local["leaves"] >= census) & (age >= 0) & (age <= 18)
        counted = local[here].groupby(["sector", age[here].rename("age")]).size()
        full = counted.reindex(
            pd.MultiIndex.from_product([uptake.index, range(19)], names=["postcode_sector", "age"]), fill_value=0
        )
        table = full.rename("children").reset_index()
        expected = table["children"] / table["postcode_sector"].map(uptake)
        table["children"] = table["children"] + rng.poisson((expected - table["children"]).clip(lower=0))
        parts.append(table.assign(date=f"{year}-08-31"))
    register = pd.concat(parts, ignore_index=True)[["date", "postcode_sector", "age", "children"]]
    return register, uptake.to_dict()


def make_callers(enrolled: pd.DataFrame, homes: pd.DataFrame, year: int) -> pd.DataFrame:
    """Families who asked a choice adviser in a year: mostly those with a child in year 5 or 6."""
    rng = dice(f"callers {year}")
    eligible = enrolled[enrolled["stage"].isin([4, 5, 6]) & ~enrolled["special"]]
    weight = eligible["segment"].map(CALLER_WEIGHT[year]) * eligible["stage"].map({4: 0.1, 5: 1.0, 6: 0.9})
    chosen = eligible.iloc[rng.choice(len(eligible), size=500, replace=False, p=weight / weight.sum())]
    contacts = chosen.loc[chosen.index.repeat(1 + rng.poisson(0.42, len(chosen)))]
    short = year % 100
    family = pd.factorize(contacts.index)[0] + 1
    season = np.array([6, 4, 4, 5, 4, 4, 5, 2, 16, 26, 10, 3]) / 89
    month = rng.choice(np.arange(1, 13), size=len(contacts), p=season)
    table = pd.DataFrame(
        {
            "family_id": [f"F{short}-{number:04d}" for number in family],
            "date": [f"{year}-{m:02d}-{d:02d}" for m, d in zip(month, rng.integers(1, 29, len(contacts)), strict=True)],
            "postcode": homes["pcds"].to_numpy()[contacts["home"]],
            "child_year_group": np.array(YEARS)[contacts["stage"]],
            "school_now": contacts["urn"].to_numpy(),
            "topic": draw(rng, TOPICS, len(contacts)),
        }
    ).sort_values(["date", "family_id", "topic"], ignore_index=True)
    table.insert(0, "contact_id", [f"K{short}-{number:04d}" for number in range(1, len(table) + 1)])
    return table


# --- all of it --------------------------------------------------------------------------------------------


def invent(postcodes: pd.DataFrame, areas: dict, known: set[str], scotland: list[str]) -> World:
    """Make every invented table, and the truth about them."""
    segments = make_segments(postcodes)
    homes = make_homes(postcodes, segments)
    schools = make_schools(homes)
    homes.loc[homes["pcds"].isin(schools["postcode"]), "weight"] = 0.0
    children = choose_schools(make_children(homes), homes, schools)
    children["upn"] = make_upns(children)
    censuses = [enrolment(children, homes, schools, census) for census in range(5)]
    plans, plan_truth = make_plans(areas["lsoa11"], schools, censuses[NOW], homes)
    register, uptake = make_register(children, homes)

    rules = dirt.Rules(postcodes, known, scotland)
    special = schools[schools["phase"] == "Special"].set_index("high")["urn"]
    pupils, pupils_truth = dirt.spoil_census(
        census_file(censuses[NOW], homes, "home"), rules, dice("dirt now"), special
    )
    before = census_file(censuses[NOW - 1], homes, "home_before")
    before, before_truth = dirt.spoil_census(before, rules, dice("dirt before"), special)
    callers, callers_truth = {}, {}
    for year, census in ((2024, 2), (2025, 3)):
        made = make_callers(censuses[census], homes, year)
        callers[year], callers_truth[str(year)] = dirt.spoil_callers(made, rules, dice(f"dirt {year}"))

    world = World()
    world.tables = {
        "segments.csv": segments,
        "schools.csv": school_file(schools, censuses[NOW]),
        "pupils.csv": pupils,
        "pupils_previous.csv.gz": before,
        "rolls.csv": make_rolls(censuses),
        "register.csv": register,
        **{f"callers_{year}.csv": table for year, table in callers.items()},
        "catchments_today.csv": plans["today"],
        "catchments_option_a.csv": plans["option_a"],
        "catchments_option_b.csv": plans["option_b"],
    }
    world.truth = {
        "seed": SEED,
        "figures": _figures(world.tables, censuses, homes, callers),
        "fsm_rate_by_supergroup": FSM_RATE,
        "fsm_nudge_by_group": "3 points below for groups ending a, 3 above for groups ending c",
        "sen_support_by_supergroup": SEN_SUPPORT,
        "white_british_by_supergroup": WHITE_BRITISH,
        "caller_weight_by_supergroup": {str(year): weights for year, weights in CALLER_WEIGHT.items()},
        "register_uptake_by_sector": uptake,
        "plans": plan_truth,
        "pupils": pupils_truth,
        "pupils_previous": before_truth,
        "callers": callers_truth,
    }
    return world


def _figures(tables: dict, censuses: list[pd.DataFrame], homes: pd.DataFrame, callers: dict) -> dict:
    """Counts for README.md and for tests."""
    now = censuses[NOW]
    schools = tables["schools.csv"]
    outside = homes["ladcd"].to_numpy()[now["home"]] != MEDWAY
    roll = schools["urn"].map(now.groupby("urn").size())
    segment = now["segment"].value_counts(normalize=True).sort_index()
    return {
        "schools_by_phase": schools["phase"].value_counts().sort_index().to_dict(),
        "children_on_roll": len(now),
        "children_on_roll_before": len(censuses[NOW - 1]),
        "live_outside_medway_percent": round(100 * outside.mean(), 2),
        "places": int(schools["places"].sum()),
        "smallest_and_largest_roll": [int(roll.min()), int(roll.max())],
        "schools_over_places": int((roll > schools["places"]).sum()),
        "schools_under_85_percent_full": int((roll < 0.85 * schools["places"]).sum()),
        "pupil_share_by_supergroup": {code: round(share, 4) for code, share in segment.items()},
        "output_areas_by_supergroup": tables["segments.csv"]["supergroup"].value_counts().sort_index().to_dict(),
        "contacts": {str(year): len(table) for year, table in callers.items()},
        "families": {str(year): int(table["family_id"].nunique()) for year, table in callers.items()},
    }
