"""Add what the questions about new homes and a new school need to the Medway folder.

    python build_new_school.py

Writes ``homes.csv`` (homes to be finished), ``yields.csv`` (pupils for a home), ``sites.csv`` (sites for a school) and
``weights.csv`` (what each criterion counts). Reads ``postcodes.csv.gz`` as it stands and does
not change it. Everything it writes is invented: no such estate is planned, and nobody has agreed yields or weights.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent
ESTATES = [  # code, name, LSOA it lies in, status, first year, homes a year
    ("NORTH", "North Quay", "E01016036", "permissioned", 2027, (60, 140, 180, 180, 120)),
    ("ORCHARD", "Orchard Fields", "E01016093", "allocated", 2028, (40, 120, 160, 160, 160, 90)),
    ("HILL", "Hill Farm", "E01016058", "started", 2026, (80, 70)),
]
KINDS = [("market", "house", 0.6), ("market", "flat", 0.2), ("affordable", "house", 0.15), ("affordable", "flat", 0.05)]
YIELDS = [  # phase, tenure, type, pupils for a home, lowest, highest
    ("primary", "market", "house", 0.28, 0.22, 0.34), ("primary", "market", "flat", 0.07, 0.04, 0.10),
    ("primary", "affordable", "house", 0.42, 0.34, 0.50), ("primary", "affordable", "flat", 0.15, 0.10, 0.20),
    ("secondary", "market", "house", 0.20, 0.15, 0.25), ("secondary", "market", "flat", 0.05, 0.03, 0.07),
    ("secondary", "affordable", "house", 0.28, 0.22, 0.34), ("secondary", "affordable", "flat", 0.10, 0.06, 0.14),
]  # fmt: skip
SITES = [  # code, name, LSOA, cost in millions of pounds, hectares, safe ways to walk of 10
    ("NORTH", "North Quay", "E01016036", 14.5, 1.8, 8),
    ("ORCHARD", "Orchard Fields", "E01016093", 9.8, 2.6, 6),
    ("HILL", "Hill Farm", "E01016058", 8.9, 2.2, 4),
    ("DEPOT", "The old depot", "E01016020", 12.0, 1.5, 9),
]
WEIGHTS = [  # criterion, weight, which is better
    ("reach", 3, "more"), ("more placed", 2, "more"), ("nearer for", 1, "less"),
    ("cost", 2, "less"), ("area", 1, "more"), ("safe_walking", 2, "more"),
]  # fmt: skip


def main() -> None:
    """Write the four files."""
    places = pd.read_csv(HERE / "postcodes.csv.gz", dtype="str", keep_default_na=False)
    live = places[places["doterm"].eq("")]
    middle = live.astype({"east1m": float, "north1m": float}).groupby("lsoa11cd")[["east1m", "north1m"]].median()
    middle = middle.round(-1).astype(int)
    write("homes.csv", homes(middle))
    write("yields.csv", pd.DataFrame(YIELDS, columns=["phase", "tenure", "type", "pupils", "low", "high"]))
    sites = pd.DataFrame(SITES, columns=["site", "name", "lsoa", "cost", "area", "safe_walking"])
    sites.insert(2, "easting", middle.loc[sites["lsoa"], "east1m"].to_numpy())
    sites.insert(3, "northing", middle.loc[sites["lsoa"], "north1m"].to_numpy())
    write("sites.csv", sites.drop(columns="lsoa"))
    write("weights.csv", pd.DataFrame(WEIGHTS, columns=["criterion", "weight", "better"]))


def homes(middle: pd.DataFrame) -> pd.DataFrame:
    """One row a site, year and kind of home; each year's homes shared out, the last kind taking what is left."""
    rows = []
    for site, name, lsoa, status, first, by_year in ESTATES:
        for year, many in enumerate(by_year, first):
            shares = [round(many * part) for *_, part in KINDS[:-1]]
            for (tenure, kind, _), count in zip(KINDS, [*shares, many - sum(shares)], strict=True):
                rows.append((site, name, *middle.loc[lsoa], f"{year}/{(year + 1) % 100}", count, tenure, kind, status))
    names = ["site", "name", "easting", "northing", "year", "completions", "tenure", "type", "status"]
    return pd.DataFrame(rows, columns=names)


def write(name: str, table: pd.DataFrame) -> None:
    """A table as CSV with line feeds."""
    (HERE / name).write_bytes(table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


if __name__ == "__main__":
    main()
