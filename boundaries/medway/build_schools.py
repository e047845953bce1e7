"""Invented schools on real postcodes, and which child goes where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from build_common import FIRST_COHORT, LAST_COHORT, MEDWAY, NOW, PRESENT, YEARS, dice

NEW_SCHOOL = "2022-09-01"
CLUSTERS = {
    "ME1": "Rochester", "ME2": "Strood", "ME3": "Hoo Peninsula", "ME4": "Chatham", "ME5": "Chatham",
    "ME7": "Gillingham", "ME8": "Rainham",
}  # fmt: skip
PRIMARY_NAMES = [
    "Curlew Bank", "Tidegate", "Hopbine", "Oastfold", "Samphire Way", "Larkhythe", "Teasel Field", "Cordgrass",
    "Whimbrel", "Dunlin Court", "Sedgehollow", "Saltmarsh Lane", "Chalkpit Rise", "Brackenholt", "Hazelfleet",
    "Withy Lane", "Cobnut Hill", "Reedmere", "Plover Down", "Quarrymead", "Millrace", "Sandwort Gap", "Fernhythe",
    "Wagtail Green", "Ropewalk Yard", "Slipway", "Shingle Street", "Damson Fleet", "St Corvan's", "St Merrun's",
    "St Tidwald's", "St Elowyth's", "St Peregar's", "St Osmerin's", "Buttercup Down", "Lantern Hill",
]  # fmt: skip
PAIRED = ["Curlew Bank", "Hopbine", "Teasel Field", "Whimbrel", "Brackenholt", "Cobnut Hill", "Plover Down"]
SECONDARY_NAMES = [
    "Greyfleet Academy", "Chalkbrow School", "Ravenhythe Academy", "Sluicegate School", "Thornmere Academy",
    "St Aldryth's School", "Beaconfold Academy", "Mastyard School",
]  # fmt: skip
SECONDARY_PANS = [360, 330, 330, 300, 300, 270, 270, 240]
GRAMMARS = [
    ("Highmere Grammar School", "Mixed", 180), ("Saltern Grammar School", "Mixed", 210),
    ("Wealdgate Grammar School for Girls", "Girls", 210), ("Lodehill Grammar School for Boys", "Boys", 180),
]  # fmt: skip
SPECIALS = [
    ("Willowtarn School", 0, 6), ("Ferncombe School", 7, 13), ("Stillwater School", 0, 13),
    ("Harebell Court School", 7, 11),
]  # fmt: skip


def centres(rng: np.random.Generator, xy: np.ndarray, weight: np.ndarray, k: int) -> np.ndarray:
    """Sites spread as children are: weighted k-means, the best of twelve starts by mean distance (not squared)."""
    best, shortest = xy[:k], np.inf
    for _ in range(12):
        at = xy[rng.choice(len(xy), size=k, replace=False, p=weight / weight.sum())]
        for _ in range(25):
            nearest = closest(xy, at)
            load = np.maximum(np.bincount(nearest, weights=weight, minlength=k), 1e-12)
            at = np.column_stack([np.bincount(nearest, weights=weight * v, minlength=k) / load for v in xy.T])
        walk = float((weight * np.hypot(*(xy - at[closest(xy, at)]).T)).sum())
        if walk < shortest:
            best, shortest = at, walk
    return best


def closest(xy: np.ndarray, at: np.ndarray) -> np.ndarray:
    """For each point, the number of the nearest centre."""
    return np.argmin(((xy[:, None, :] - at[None]) ** 2).sum(axis=2), axis=1)


@dataclass
class Ground:
    """Where schools may stand: live household postcodes of Medway, each used once."""

    homes: pd.DataFrame
    xy: np.ndarray
    weight: np.ndarray
    free: np.ndarray

    def take(self, point: np.ndarray, apart: float = 0.0) -> pd.Series:
        """The free postcode nearest to a point, though not nearer than `apart`."""
        distance = np.hypot(*(self.xy - point).T)
        distance[~self.free | (distance < apart)] = np.inf
        self.free[np.argmin(distance)] = False
        return self.homes.iloc[int(np.argmin(distance))]

    def crowd(self, metres: float) -> np.ndarray:
        """The weight of children within some distance of each postcode: big schools stand where children are many."""
        points = shapely.points(self.xy)
        near, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=metres)
        return np.bincount(near, weights=self.weight[other], minlength=len(self.xy))


def make_schools(homes: pd.DataFrame) -> pd.DataFrame:
    """58 invented schools, each at a real postcode of its own. `unit` joins an infant school to its junior school."""
    rng = dice("schools")
    inside = homes[homes["ladcd"] == MEDWAY]
    xy = inside[["east1m", "north1m"]].to_numpy(dtype=float)
    ground = Ground(inside, xy, inside["weight"].to_numpy(), np.ones(len(inside), dtype=bool))
    rows = _primary_rows(rng, ground) + _secondary_rows(rng, ground) + _special_rows(rng, ground)
    table = pd.DataFrame(rows)
    table["opened"] = table["opened"].fillna(pd.Series(rng.integers(1948, 2004, len(table))).astype(str) + "-09-01")
    order = table["phase"].map({"Infant": 0, "Junior": 1, "Primary": 2, "Secondary": 3, "Special": 4})
    table = table.assign(order=order).sort_values(["order", "selective", "name"], ignore_index=True)
    place = pd.DataFrame(table.pop("place").tolist()).reset_index(drop=True)
    return table.assign(
        easting=place["east1m"].astype(int),
        northing=place["north1m"].astype(int),
        postcode=place["pcds"],
        lsoa11=place["lsoa11cd"],
        cluster=place["pcds"].str.split().str[0].map(CLUSTERS),
        urn=(900001 + np.arange(len(table))).astype(str),
    )


def _row(name: str, phase: str, kind: str, place: pd.Series, years: tuple[int, int], pan: int, **other) -> dict:
    """One school; what is usual need not be said."""
    usual = {"sex": "Mixed", "selective": "no", "unit": -1, "opened": None}
    row = {"name": name, "phase": phase, "type": kind, "place": place, "low": years[0], "high": years[1], "pan": pan}
    return row | usual | other


def _primary_rows(rng: np.random.Generator, ground: Ground) -> list[dict]:
    """36 places for children of 4 to 11: 29 primary schools, one that opened in 2022, six infant and junior pairs.

    The more children near, the larger the admission number. The new school stands where homes are newest.
    """
    at = centres(rng, ground.xy, ground.weight * ground.crowd(2500.0) ** 0.6, len(PRIMARY_NAMES))
    nearest = closest(ground.xy, at)
    pans = np.empty(len(at), dtype=int)
    pans[np.argsort(np.bincount(nearest, weights=ground.weight), kind="stable")] = [60] * 9 + [90] * 17 + [120] * 10
    new_homes = ground.weight * (ground.homes["supergroup"] == "7").to_numpy()
    newest = int(np.argmax(np.bincount(nearest, weights=new_homes)))
    pairs = [PRIMARY_NAMES.index(name) for name in PAIRED if PRIMARY_NAMES.index(name) != newest][:6]
    rows = []
    for unit, name in enumerate(PRIMARY_NAMES):
        place = ground.take(at[unit])
        pan = int(pans[unit])
        if unit in pairs:
            close_by = ground.take(place[["east1m", "north1m"]].to_numpy(dtype=float), apart=120)
            rows.append(_row(f"{name} Infant School", "Infant", "Community school", place, (0, 2), pan, unit=unit))
            rows.append(_row(f"{name} Junior School", "Junior", "Community school", close_by, (3, 6), pan, unit=unit))
            continue
        kind = str(rng.choice(["Community school", "Academy converter", "Foundation school"]))
        faith, opened = "", None
        if unit == newest:
            kind, pan, opened = "Free school", 60, NEW_SCHOOL
        elif name.startswith("St "):
            kind = "Voluntary aided school"
            faith = " Catholic" if name in ("St Tidwald's", "St Peregar's") else " Church of England"
        full = f"{name}{faith} Primary School"
        rows.append(_row(full, "Primary", kind, place, (0, 6), pan, unit=unit, opened=opened))
    return rows


def _secondary_rows(rng: np.random.Generator, ground: Ground) -> list[dict]:
    """Eight schools for all, larger where children are many, four with a sixth form; and four grammar schools."""
    at = centres(rng, ground.xy, ground.weight * ground.crowd(2500.0), len(SECONDARY_NAMES))
    load = np.bincount(closest(ground.xy, at), weights=ground.weight)
    rows = []
    for rank, unit in enumerate(np.argsort(-load, kind="stable")):
        name, sixth = SECONDARY_NAMES[unit], rank % 2 == 0
        kind = "Academy sponsor led" if sixth else "Academy converter"
        kind = "Voluntary aided school" if name.startswith("St ") else kind
        years = (7, 13 if sixth else 11)
        rows.append(_row(name, "Secondary", kind, ground.take(at[unit]), years, SECONDARY_PANS[rank]))
    at = centres(rng, ground.xy, ground.weight * ground.crowd(2500.0), len(GRAMMARS))
    for (name, sex, pan), point in zip(GRAMMARS, at, strict=True):
        place = ground.take(point)
        rows.append(_row(name, "Secondary", "Academy converter", place, (7, 13), pan, sex=sex, selective="yes"))
    return rows


def _special_rows(rng: np.random.Generator, ground: Ground) -> list[dict]:
    """Four special schools."""
    at = centres(rng, ground.xy, ground.weight * ground.crowd(2500.0), len(SPECIALS))
    kinds = rng.choice(["Community special school", "Academy special converter"], len(SPECIALS))
    return [
        _row(name, "Special", str(kind), ground.take(point), (low, high), 0)
        for (name, low, high), point, kind in zip(SPECIALS, at, kinds, strict=True)
    ]


def place_in_turn(utility: np.ndarray, priority: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Deferred acceptance: children ask in order of liking, schools keep those with the lowest priority number.

    -inf in `utility` means never. Children left over go to the school they may attend that has most room.
    """
    order = np.argsort(-utility, axis=1, kind="stable")
    asked = np.zeros(len(utility), dtype=int)
    held = np.full(len(utility), -1)
    while True:
        waiting = np.flatnonzero((held < 0) & (asked < utility.shape[1]))
        if not len(waiting):
            break
        choice = order[waiting, asked[waiting]]
        asked[waiting] += 1
        allowed = np.isfinite(utility[waiting, choice])
        held[waiting[allowed]] = choice[allowed]
        for school in np.unique(choice[allowed]):
            members = np.flatnonzero(held == school)
            ranked = members[np.argsort(priority[members, school], kind="stable")]
            held[ranked[capacity[school] :]] = -1
    room = capacity - np.bincount(held[held >= 0], minlength=len(capacity))
    for child in np.flatnonzero(held < 0):
        held[child] = int(np.argmax(np.where(np.isfinite(utility[child]), room, -(10**9))))
        room[held[child]] -= 1
    return held


def choose_schools(children: pd.DataFrame, homes: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """Where each child goes at each stage: `primary` (a unit), `secondary` and `sixth` (a URN or nothing).

    Liking falls with distance, rises with a school's popularity (more so for better-off segments), and leans to
    church schools in two segments. Grammar schools take about a quarter, by ability, from further away.
    """
    rng = dice("choice")
    home_xy = homes[["east1m", "north1m"]].to_numpy(dtype=float)[children["home"]]
    keen = 0.7 + 0.5 * children["segment"].isin(["4", "5", "7"]).to_numpy()
    church = 0.5 * children["segment"].isin(["4", "5"]).to_numpy()
    special = (children["sen"] == "E").to_numpy() & (rng.random(len(children)) < 0.32)
    cohort = children["cohort"].to_numpy()
    primary = np.full(len(children), -1)
    secondary = np.full(len(children), "", dtype=object)

    first = schools[schools["phase"].isin(["Infant", "Primary"])].sort_values("unit", ignore_index=True)
    others = schools[schools["phase"] == "Secondary"].reset_index(drop=True)
    for stage, table, reach in (("primary", first, 800.0), ("secondary", others, 1700.0)):
        popular = rng.normal(0, 0.45, len(table))
        faith = (table["type"] == "Voluntary aided school").to_numpy()
        selective = (table["selective"] == "yes").to_numpy()
        scale = np.where(selective, 5000.0, reach)
        sites = table[["easting", "northing"]].to_numpy(dtype=float)
        for number in range(FIRST_COHORT, LAST_COHORT + 1):
            own = np.flatnonzero((cohort == number) & ~special)
            metres = np.hypot(*(home_xy[own, None, :] - sites[None]).transpose(2, 0, 1))
            liking = keen[own, None] * popular + church[own, None] * faith - metres / scale
            liking += rng.gumbel(0, 0.35, liking.shape)
            capacity = np.floor(table["pan"].to_numpy() / PRESENT * 0.99).astype(int)
            if stage == "primary":
                capacity[(table["opened"] == NEW_SCHOOL).to_numpy() & (number > 3)] = 0
                liking[:, capacity == 0] = -np.inf
                primary[own] = table["unit"].to_numpy()[place_in_turn(liking, metres, capacity)]
                continue
            passed = children["ability"].to_numpy()[own] > np.quantile(children["ability"], 0.70)
            girl = children["girl"].to_numpy()[own]
            barred = selective & ~passed[:, None]
            barred |= (table["sex"] == "Girls").to_numpy() & ~girl[:, None]
            barred |= (table["sex"] == "Boys").to_numpy() & girl[:, None]
            liking = np.where(barred, -np.inf, liking + 1.6 * selective)
            secondary[own] = table["urn"].to_numpy()[place_in_turn(liking, metres, capacity)]
    sixth = _choose_sixth_forms(rng, secondary, others)
    return children.assign(special=special, primary=primary, secondary=secondary, **sixth)


def _choose_sixth_forms(rng: np.random.Generator, secondary: np.ndarray, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Who stays for years 12 and 13: most at grammar schools, under half elsewhere, a few change school."""
    info = table.set_index("urn")
    urn = pd.Series(secondary)
    own_sixth = urn.map(info["high"] == 13).eq(True).to_numpy()
    selective = urn.map(info["selective"] == "yes").eq(True).to_numpy()
    stay = rng.random(len(urn)) < np.select([selective, own_sixth], [0.86, 0.44], default=0.14)
    mixed = table[(table["high"] == 13) & (table["sex"] == "Mixed")]["urn"].to_numpy()
    sixth = np.where(own_sixth, secondary, rng.choice(mixed, len(urn)))
    sixth = np.where(stay & (secondary != ""), sixth, "")
    return {"sixth": sixth, "finishes": rng.random(len(urn)) < 0.91}


def special_school(children: pd.DataFrame, homes: pd.DataFrame, schools: pd.DataFrame, stage: np.ndarray) -> np.ndarray:
    """The special school nearest home, once distance is stretched at random, that has the child's year."""
    rng = dice("special")
    table = schools[schools["phase"] == "Special"]
    xy = homes[["east1m", "north1m"]].to_numpy(dtype=float)[children["home"]]
    sites = table[["easting", "northing"]].to_numpy(dtype=float)
    metres = np.hypot(*(xy[:, None, :] - sites[None]).transpose(2, 0, 1)) * rng.uniform(
        0.5, 2, (len(children), len(table))
    )
    taught = (stage[:, None] >= table["low"].to_numpy()) & (stage[:, None] <= table["high"].to_numpy())
    return table["urn"].to_numpy()[np.argmin(np.where(taught, metres, np.inf), axis=1)]


def enrolment(children: pd.DataFrame, homes: pd.DataFrame, schools: pd.DataFrame, census: int) -> pd.DataFrame:
    """The children on a roll at a census, with `stage` (0 is reception) and `urn`."""
    stage = (children["cohort"] - (NOW - census)).to_numpy()
    low = schools[schools["phase"].isin(["Infant", "Primary"])].set_index("unit")["urn"]
    high = schools[schools["phase"].isin(["Junior", "Primary"])].set_index("unit")["urn"]
    urn = np.select(
        [children["special"], stage <= 2, stage <= 6, stage <= 11, stage == 12, stage == 13],
        [
            special_school(children, homes, schools, stage),
            children["primary"].map(low),
            children["primary"].map(high),
            children["secondary"],
            children["sixth"],
            children["sixth"].where(children["finishes"], ""),
        ],
        default="",
    )
    present = (children["arrives"] <= census) & (children["leaves"] >= census)
    on_roll = present & (stage >= 0) & (stage <= 13) & (urn != "") & pd.notna(urn)
    late_special = children["special"] & (stage >= 12) & (children["ability"] < 0)
    return children.assign(stage=stage, urn=urn)[on_roll & ~late_special]


def school_file(schools: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """schools.csv: places are the admission number times the years taught; special schools by their roll."""
    years = schools["high"].clip(upper=11) - schools["low"] + 1
    rolls = schools["urn"].map(enrolled.groupby("urn").size()).fillna(0)
    sixth = np.where(
        schools["high"] == 13, (schools["pan"] * np.where(schools["selective"] == "yes", 1.6, 0.8)).round(-1), 0
    )
    special = schools["phase"] == "Special"
    places = np.where(special, np.ceil(rolls * 1.04 / 5) * 5, schools["pan"] * years + sixth).astype(int)
    return schools.assign(
        places=places,
        pan=np.where(special, "", schools["pan"].astype(str)),
        lowest_year=np.array(YEARS)[schools["low"]],
        highest_year=np.array(YEARS)[schools["high"]],
    )[
        ["urn", "name", "phase", "type", "sex", "selective", "easting", "northing", "postcode", "lowest_year",
         "highest_year", "places", "pan", "cluster", "opened"]
    ]  # fmt: skip
