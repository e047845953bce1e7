"""Make ``rag_indicators.csv``: invented figures about the invented schools, for the example rules of red, amber, green.

    python build_rag.py

Reads ``schools.csv`` and ``rolls.csv`` beside it, which it leaves as they are. Rolls and the size of year 11 are those
of the January 2026 census in ``rolls.csv``; first preferences follow how full a school is; attendance, the percentage
with five or more good GCSEs (with the pupils it is of) and the grade of the buildings are dice. Two cells are symbols
of published statistics, so that the example shows what becomes of them. Twice gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from build_common import dice

HERE = Path(__file__).resolve().parent
CENSUS = "2026-01-15"


def indicators(schools: pd.DataFrame, rolls: pd.DataFrame) -> pd.DataFrame:
    """One row a school: roll, first preferences, attendance, GCSE results and buildings."""
    rng = dice("rag")
    now = rolls[rolls["date"] == CENSUS]
    roll = now.groupby("urn")["pupils"].sum().reindex(schools["urn"]).to_numpy()
    leavers = now[now["year_group"].astype(str) == "11"].set_index("urn")["pupils"].reindex(schools["urn"]).to_numpy()
    full = np.clip(roll / schools["places"].to_numpy(), 0.4, 1.1)
    pan = schools["pan"].to_numpy()
    wanted = np.round(pan * np.clip(full**2 + rng.normal(0, 0.22, len(schools)), 0.15, 2.0))
    secondary = (schools["phase"] == "Secondary").to_numpy()
    chance = np.clip(rng.normal(0.52, 0.17, len(schools)) + 0.3 * (schools["selective"] == "yes"), 0.2, 0.97)
    passed = rng.binomial(np.nan_to_num(leavers).astype(int), chance)
    percent = np.round(100 * passed / np.where(secondary, leavers, np.nan), 1)
    table = pd.DataFrame(
        {
            "urn": schools["urn"],
            "roll": roll,
            "first_preferences": pd.array(np.where(np.isnan(pan), -1, wanted).astype(int), dtype="Int64"),
            "attendance_percent": np.round(np.clip(rng.normal(94.2, 1.4, len(schools)), 88, 98), 1),
            "good_gcse_percent": percent,
            "year_11": pd.array(np.where(secondary, leavers, -1).astype(int), dtype="Int64"),
            "building_grade": rng.choice(list("ABCD"), len(schools), p=[0.3, 0.45, 0.2, 0.05]),
        }
    )
    table[["first_preferences", "year_11"]] = table[["first_preferences", "year_11"]].mask(lambda f: f < 0)
    text = table.astype("object").where(table.notna(), "z")
    text.loc[text.index[7], "attendance_percent"] = "x"
    text.loc[text.index[secondary][1], "good_gcse_percent"] = "c"
    return text


if __name__ == "__main__":
    read = {name: pd.read_csv(HERE / f"{name}.csv") for name in ("schools", "rolls")}
    indicators(read["schools"], read["rolls"]).to_csv(HERE / "rag_indicators.csv", index=False, lineterminator="\n")
