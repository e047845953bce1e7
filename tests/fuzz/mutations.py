"""Good files, and ways to damage them; every damage follows from its number."""

from __future__ import annotations

import io
import json
import random
import sqlite3
import tempfile
from pathlib import Path

BYTES = b"\x00\x01\t\n\r\x1a \",;'|=+-@0123456789ABCxyz\x7f\x80\xa0\xc3\xe2\xef\xfe\xff"
PIECES = (
    b'"', b'""', b",", b";", b"\t", b"\n", b"\r\n", b"\r", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"=1+1", b"1.23E+12",
    b"ZZ99 3VZ", b",,,,,,", b'"\n"', b"\xe2\x80\xa8", b"\xc2\xa0", b"UPN,Postcode,URN", b"Total,3", b"#N/A", b"NaN", b"-0",  # noqa: E501
    b"9" * 400, b"\xf0\x9f\x8f\xab", b"\x1a", b"inf", b"0x1F", b"\\", b"{{", b"<b>",
)  # fmt: skip


def mutated(data: bytes, number: int) -> bytes:
    """``data`` damaged in one to six ways, the same for the same number."""
    chance = random.Random(number)
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(out) + 1)
        how = chance.randrange(9)
        if how == 0 and out:
            out[at - 1] = chance.choice(BYTES)
        elif how == 1:
            out[at:at] = chance.choice(PIECES)
        elif how == 2:
            del out[at : at + chance.choice((1, 2, 7, 40))]
        elif how == 3:
            del out[at:]
        elif how == 4:
            end = at + chance.randrange(60)
            out[at:at] = out[at:end]
        elif how == 5:
            other = chance.randrange(len(out) + 1)
            out[at : at + 20], out[other : other + 20] = out[other : other + 20], out[at : at + 20]
        elif how == 6 and out:
            out[at - 1] ^= 1 << chance.randrange(8)
        elif how == 7:
            lines = out.split(b"\n")
            chance.shuffle(lines)
            out = bytearray(b"\n".join(lines))
        else:
            out = out.replace(
                chance.choice((b",", b"\n", b'"', b" ", b"1")), chance.choice((b";", b"\t", b"", b"\r", b"\n")), 3
            )
        if not out:
            break
    return bytes(out)


def good_csv(rows: int = 12) -> bytes:
    """A small file of pupils, with a quoted cell, an empty one and text beyond ASCII."""
    lines = ["UPN,Surname,URN,Postcode,NCyearActual,FSMeligible,Ethnicity,EntryDate"]
    for i in range(rows):
        name = ('"O\'Neil, Ann"', "Zoë", "Smith", "")[i % 4]
        lines.append(
            f"B8012000050{i:02d},{name},90000{i % 3},TN1 {i % 9 + 1}A{'ABD'[i % 3]},{i % 11 + 1},{'YN'[i % 2]},WBRI,2023-09-0{i % 9 + 1}"  # noqa: E501
        )
    return "\r\n".join([*lines, ""]).encode()


def good_geojson() -> bytes:
    """Two squares in Kent."""
    features = []
    for i in range(2):
        west, south = 0.5 + i / 100, 51.3
        ring = [[west, south], [west + 0.01, south], [west + 0.01, south + 0.01], [west, south + 0.01], [west, south]]
        features.append(
            {
                "type": "Feature",
                "properties": {"lsoa21cd": f"E0101600{i}", "lsoa21nm": f"Area {i}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def good_layer(driver: str) -> bytes:
    """The same squares as GeoPackage or FlatGeobuf."""
    import geopandas as gpd

    frame = gpd.read_file(io.BytesIO(good_geojson())).set_crs(4326, allow_override=True).to_crs(27700)
    suffix = {"GPKG": ".gpkg", "FlatGeobuf": ".fgb"}[driver]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"areas{suffix}"
        frame.to_file(path, driver=driver, engine="pyogrio")
        return path.read_bytes()


def good_shapefile() -> bytes:
    """The same squares as a Shapefile in a zip."""
    import zipfile

    import geopandas as gpd

    frame = gpd.read_file(io.BytesIO(good_geojson())).set_crs(4326, allow_override=True).to_crs(27700)
    memory = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        frame.to_file(Path(folder) / "areas.shp", engine="pyogrio")
        with zipfile.ZipFile(memory, "w") as archive:
            for part in sorted(Path(folder).iterdir()):
                archive.writestr(part.name, part.read_bytes())
    return memory.getvalue()


def shrunk(data: bytes, fails) -> bytes:
    """Fewer bytes that still fail: whole stretches are taken away while they do."""
    size = max(1, len(data) // 2)
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if fails(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def as_database(script: str) -> bytes:
    """A SQLite database made by a script."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA secure_delete=OFF")  # as most programs have it
    connection.executescript(script)
    data = connection.serialize()
    connection.close()
    return data
