"""Add what the questions about a service need to the Medway folder: applications for year 7, and advisers' sites.

    python build_applications.py

Reads ``pupils.csv``, ``schools.csv``, ``segments.csv`` and ``postcodes.csv.gz`` as they stand and changes none of them.
Everything it writes is invented: those now in year 7 are given three schools that they might have named a year ago,
more often their own school first in well-off segments; the school they attend stands for the one offered.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from build_common import dice

HERE = Path(__file__).resolve().parent
FIRST = {"1": 0.82, "2": 0.78, "3": 0.74, "4": 0.87, "5": 0.93, "6": 0.88, "7": 0.84, "8": 0.77}
SITES = [("High Street hub", 12, 8), ("Riverside library", 6, 6), ("Hilltop community room", 0, 6),
         ("Peninsula village hall", 2, 2), ("Valley estate school", 0, 4), ("Leafy Avenue library", 6, 0)]  # fmt: skip


def main() -> None:
    """Write both files."""
    read = {"dtype": "str", "keep_default_na": False}
    schools = pd.read_csv(HERE / "schools.csv", **read)
    places = pd.read_csv(HERE / "postcodes.csv.gz", **read).set_index("pcds")
    segments = pd.read_csv(HERE / "segments.csv", **read).set_index("oa11cd")["supergroup"]
    pupils = pd.read_csv(HERE / "pupils.csv", **read).drop_duplicates("UPN")
    secondary = schools[schools["phase"].eq("Secondary")].reset_index(drop=True)
    year7 = pupils[pupils["NCyearActual"].eq("7") & pupils["URN"].isin(secondary["urn"])]
    year7 = year7[year7["PostCode"].isin(places.index)].reset_index(drop=True)
    write("applications.csv", applications(year7, secondary, places, segments))
    write("advice_sites.csv", sites(places, segments))


def applications(year7: pd.DataFrame, schools: pd.DataFrame, places: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """Three schools for each child, near ones rather than far ones, and the school offered."""
    rng = dice("applications")
    home = places.loc[year7["PostCode"], ["east1m", "north1m"]].to_numpy(dtype=float)
    site = schools[["easting", "northing"]].to_numpy(dtype=float)
    km = np.hypot(*(home[:, None, :] - site[None, :, :]).transpose(2, 0, 1)) / 1000
    liking = -km / 2 + rng.gumbel(size=km.shape)
    at = pd.Index(schools["urn"]).get_indexer(year7["URN"])
    own = np.arange(len(year7)), at
    liking[own] = -np.inf
    others = np.argsort(-liking, axis=1)[:, :3]
    segment = segments.reindex(places.loc[year7["PostCode"], "oa11cd"]).to_numpy()
    chance = np.array([FIRST.get(each, 0.8) for each in segment])
    luck = rng.random(len(year7))
    rank = np.where(luck < chance, 0, np.where(luck < chance + 0.6 * (1 - chance), 1, 2))
    rank = np.where(luck > 1 - 0.25 * (1 - chance), 3, rank)  # 3: offered a school that was not named
    named = np.array([np.insert(row, r, a)[:3] for row, r, a in zip(others, rank, at, strict=True)])
    table = pd.DataFrame({"application": [f"P26-{number:04d}" for number in range(1, len(year7) + 1)]})
    table["postcode"], table["fsm"] = year7["PostCode"], year7["FSMeligible"]
    for i in range(3):
        table[f"preference_{i + 1}"] = schools["urn"].to_numpy()[named[:, i]]
    return table.assign(offer=year7["URN"]).sample(frac=1, random_state=26, ignore_index=True)


def sites(places: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    """Where advisers might sit, each at a postcode of a segment that its name suggests."""
    rng = dice("advice sites")
    live = places[places["doterm"].eq("") & places["oa11cd"].isin(segments.index)]
    codes = segments.reindex(live["oa11cd"]).to_numpy()
    wanted = dict(zip([name for name, _, _ in SITES], "213635", strict=True))
    rows = [(name, live.index[codes == wanted[name]][rng.integers((codes == wanted[name]).sum())], now, then)
            for name, now, then in SITES]  # fmt: skip
    return pd.DataFrame(rows, columns=["site", "postcode", "hours", "hours_planned"])


def write(name: str, table: pd.DataFrame) -> None:
    """A table as CSV with line feeds."""
    (HERE / name).write_bytes(table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


if __name__ == "__main__":
    main()
