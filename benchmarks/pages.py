"""Map pages of 34,753 LSOAs and of 1,065 (Kent & Medway): size, time to write, time to open in Chromium.

The yardstick is a stock folium page of the same areas (``folium.GeoJson`` with a colour and a tooltip); it is
opened with its ten CDN files unreachable, so its opening time is a lower bound.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def layer(areas: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.Series]:
    rng = np.random.default_rng(1)
    return areas, pd.Series(rng.integers(0, 300, len(areas)), index=areas.index, name="pupils")


def ours(areas, counts, path: Path) -> None:
    from geoplan import maps
    from geoplan.areas import Boundaries
    from geoplan.disclosure import protect
    from geoplan.sources import Source

    source = Source("Invented pupils", publisher="benchmark", invented=True)
    boundaries = Boundaries("lsoa11", areas, Source("LSOAs", publisher="ONS"))
    shown = maps.areas(
        boundaries,
        protect(counts.to_frame(), ["pupils"]),
        value="pupils",
        title="Pupils",
        sources=[source],
        unit="pupils",
    )
    maps.MapBook("Pupils by LSOA").add(shown).save(path)


def stock(areas, counts, path: Path) -> None:
    import folium

    frame = areas.assign(pupils=counts).to_crs(4326).reset_index(names="code")
    page = folium.Map(location=[52, 0], zoom_start=7, prefer_canvas=True)
    folium.GeoJson(
        frame,
        style_function=lambda f: {"fillColor": "#12436D" if f["properties"]["pupils"] > 150 else "#6BACE6"},
        tooltip=folium.GeoJsonTooltip(["name", "pupils"]),
    ).add_to(page)
    page.save(str(path))


def opened(path: Path) -> float | None:
    """Seconds until the page says it is ready (ours) or has loaded (stock)."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(offline=True).new_page()
        start = time.perf_counter()
        page.goto(path.as_uri())
        if path.name.startswith("geoplan"):
            page.wait_for_selector("html[data-geoplan='ready']", state="attached")
        seconds = time.perf_counter() - start
        browser.close()
    return seconds


def main(folder: Path) -> None:
    everything = gpd.read_parquet(folder / "areas.parquet").set_index("LSOA11CD").rename(columns={"LSOA11NM": "name"})
    sets = {"England and Wales": everything.sort_index()}
    kent = Path(__file__).parents[2] / "shared/data/kent_medway/boundaries.gpkg"
    if kent.exists():
        own = gpd.read_file(kent, layer="lsoa11").set_index("LSOA11CD").rename(columns={"LSOA11NM": "name"})
        sets["Kent and Medway"] = own[["name", "geometry"]].sort_index()
    with tempfile.TemporaryDirectory() as work:
        for place, areas in sets.items():
            for name, write in (("geoplan", ours), ("folium", stock)):
                path = Path(work) / f"{name}.html"
                start = time.perf_counter()
                write(*layer(areas), path)
                wrote = time.perf_counter() - start
                seconds = opened(path)
                shown = "no Chromium" if seconds is None else f"{seconds:.2f} s"
                print(
                    f"{place:<20}{len(areas):>7,} areas  {name:<8}{path.stat().st_size / 1e6:>7.2f} MB  "
                    f"written in {wrote:5.2f} s  opened in {shown}"
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
