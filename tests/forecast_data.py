"""Real series for forecasts, read from the shared open data: Brighton & Hove's intakes and those of 151 authorities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.rolls import Rolls, follow_links, rolls_from

#: Schools that changed their name or joined; the council's factsheets name them as they were then.
CHANGED = {
    "Longhill": "Longhill High",
    "Portslade Community College": "Portslade Aldridge Community Academy",
    "Hangleton Infant": "Hangleton Primary",
    "Hertford Infant": "Hertford Primary",
    "Davigdor Infant": "Brunswick Primary",
}
CATCHMENTS = {
    "PACA": ("Portslade Aldridge Community Academy",),
    "Hove Park / Blatchington Mill": ("Hove Park", "Blatchington Mill"),
    "Varndean / Dorothy Stringer": ("Varndean", "Dorothy Stringer"),
    "Longhill": ("Longhill High",),
    "BACA": ("Brighton Aldridge Community Academy",),
    "Patcham": ("Patcham High",),
}


def brighton_intakes(shared: Path) -> Rolls:
    """Offers of Reception and Year 7 places by school, 2010 to 2026, as the council's factsheets give them."""
    folder = shared / "brighton_hove" / "admissions_and_catchments"
    table = pd.read_csv(folder / "factsheet_preferences_offers_2010_2026.csv")
    table = table[table["field"].eq("Total") & table["school"].ne("Total") & table["offers"].notna()]
    long = pd.DataFrame(
        {
            "school": table["school"],
            "year": table["year"],
            "year_group": np.where(table["phase"].eq("primary"), "R", "7"),
            "pupils": table["offers"],
        }
    )
    links = pd.DataFrame({"school": CHANGED.values(), "linked": CHANGED.keys(), "link_type": "Predecessor - merged"})
    joined, _ = follow_links(long, links)
    return rolls_from(joined, published=True)


def authorities_intakes(shared: Path) -> Rolls:
    """Applications for Reception and Year 7 received by each authority of England, 2014/15 to 2021/22."""
    table = pd.read_csv(shared / "dfe_la" / "offers_by_la_2014_2021.csv", encoding="utf-8-sig", dtype=str)
    table = table[table["geographic_level"].eq("Local authority") & table["NC_year_admission"].isin(["R", "7"])]
    long = pd.DataFrame(
        {
            "school": table["old_la_code"] + np.where(table["NC_year_admission"].eq("R"), "P", "S"),
            "year": table["time_period"].astype(int) // 100,
            "year_group": table["NC_year_admission"],
            "pupils": pd.to_numeric(table["applications_received"], errors="coerce"),
        }
    )
    return rolls_from(long.dropna(), published=True)
