"""Reader of postcode directories: ONSPD, NSPL, the ONS lookup, Code-Point Open, and anybody's own table.

Columns are found by the recipes' aliases, whatever year the header carries; only what is needed is loaded.
Area kinds take their year from the header (``lad25cd`` is ``lad25``; the old ``oslaua`` is ``lad``).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from geoplan.columns import header_key
from geoplan.errors import InputRefused, Problem
from geoplan.io import cache
from geoplan.io.directory_files import directory_parts, vintage_of
from geoplan.io.directory_values import FACTS, SHAPE, directory_values, from_arrow, to_arrow
from geoplan.io.files import (
    Contents,
    file_name,
    fingerprint,
    refuse,
)
from geoplan.io.recipes import Recipe, load_recipe, match_aliases, recipe_beside
from geoplan.io.tables import TextTable, table_from
from geoplan.postcodes import PostcodeDirectory
from geoplan.sources import OWN_FILE, Source

READER_VERSION = "2"
PRODUCTS = ("onspd", "nspl", "ons_lookup", "code_point_open", "custom")
YEARLY_KINDS = ("ward", "lad", "county", "parish", "constituency", "region", "country")
CENSUS_KINDS = ("oa21", "oa11", "lsoa21", "lsoa11", "msoa21", "msoa11")
_OWN_KIND = re.compile(r"^(oa|lsoa|msoa|ward|wd|lad|ltla|utla|cty|ctyua|pcon|rgn|par)(\d\d)(cd|code)?$")
_OWN_NAMES = {
    "wd": "ward",
    "ltla": "lad",
    "cty": "county",
    "ctyua": "county",
    "pcon": "constituency",
    "rgn": "region",
    "par": "parish",
}


def read_postcodes(path: str | os.PathLike, product: str | None = None) -> PostcodeDirectory:
    """Read a postcode directory.

    Parameters
    ----------
    path
        A CSV, ``.gz`` or zip; or the folder of a download, with one file per postcode area.
    product
        ``onspd``, ``nspl``, ``ons_lookup``, ``code_point_open`` or ``custom``; recognised by its header if not given.

    Raises
    ------
    InputRefused
        Without postcodes, or with neither positions nor area codes; with a postcode twice in two places.
    """
    if product is not None and product not in PRODUCTS:
        raise refuse(
            file_name(path), "kind_unknown", f"no postcode product {product!r}", f"one of {', '.join(PRODUCTS)}"
        )
    name, parts = directory_parts(path)
    prints = (
        fingerprint("\n".join(f"{p.inner} {p.fingerprint}" for p in parts).encode())
        if len(parts) > 1
        else parts[0].fingerprint
    )
    recipes = {kind: load_recipe(kind) for kind in PRODUCTS[:4]}
    own = recipe_beside(path, "postcodes")
    key = cache.cache_key(prints, READER_VERSION, product or "", name, *(r.hash for r in (*recipes.values(), own) if r))
    kept = cache.load(key)
    if kept is not None and b"geoplan" in (kept.schema.metadata or {}):
        facts = json.loads(kept.schema.metadata[b"geoplan"])
        return PostcodeDirectory(from_arrow(kept), Source(**facts["source"]), facts["product"])
    table, product = _read(name, parts, product, recipes)
    vintage = vintage_of(name, parts, table)
    if own is not None:
        source = own.source(name, prints, str(own.base_date)[:7])
    elif product in recipes:
        source = recipes[product].source(name, prints, vintage)
    else:
        source = Source(title=name, publisher=OWN_FILE, vintage=vintage, file=name, fingerprint=prints)
    cache.save(key, to_arrow(table, {"source": source.__dict__, "product": product}))
    return PostcodeDirectory(table, source, product)


# ------------------------------------------------------------------------------------------- the columns


def _read(
    name: str, parts: Sequence[Contents], product: str | None, recipes: Mapping[str, Recipe]
) -> tuple[pd.DataFrame, str]:
    if product == "code_point_open" or (product is None and _is_code_point(parts[0])):
        product = "code_point_open"
        header = (",".join(recipes[product].positions) + "\n").encode()
        if _is_code_point(parts[0]):  # no file has a header, so that all are one
            whole = [p.data if p.data.endswith(b"\n") else p.data + b"\n" for p in parts[:-1]]
            data = b"".join([header, *whole, parts[-1].data])
            parts = [Contents(name, data, parts[0].fingerprint, "text")]
    known = {
        header_key(a) for r in recipes.values() for aliases in r.columns.values() for a in aliases if a[:3] != "re:"
    }
    found: dict[str, int] = {}
    seen: list[tuple[str, ...]] = []

    def choose(headers: Sequence[str]) -> set[int]:
        if seen and tuple(map(str.casefold, headers)) != seen[0]:
            raise refuse(
                name, "column_missing", "the files in it do not have the same columns", "take one edition only"
            )
        if not seen:
            seen.append(tuple(map(str.casefold, headers)))
            found.update(_columns(headers, product, recipes))
            _require(name, headers, found)
        return set(found.values())

    texts = [table_from(part, known | {"postcode"}, choose) for part in parts]
    product = product or _product(seen[0])
    for text in texts:
        _whole_file(name, text, found)
    frames = [text.frame.drop(index=text.bad["row"]) for text in texts]
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    del texts, frames
    return directory_values(name, frame.rename(columns={v: k for k, v in found.items()}), recipes), product


def _is_code_point(part: Contents) -> bool:
    cells = part.data[:400].split(b"\n")[0].decode("utf-8", "replace").replace('"', "").strip().split(",")
    return len(cells) == 10 and bool(SHAPE.fullmatch(cells[0].replace(" ", ""))) and cells[1].isdigit()


def _columns(headers: Sequence[str], product: str | None, recipes: Mapping[str, Recipe]) -> dict[str, int]:
    """Our names to positions: facts, and area kinds with their year."""
    aliases = dict(recipes["onspd"].columns)
    if product == "code_point_open":
        aliases = dict(recipes[product].columns) | {
            n: [n, *recipes[product].columns.get(n, ())] for n in recipes[product].positions
        }
    found = {}
    for name, position in match_aliases(aliases, headers).items():
        if name in FACTS or name in CENSUS_KINDS:
            found[name] = position
        elif name in YEARLY_KINDS:
            year = re.search(r"(\d\d)(cd|_?code)$", headers[position].strip().casefold())
            found[name + (year[1] if year else "")] = position
    for position, header in enumerate(headers):
        if position not in found.values() and (match := _OWN_KIND.match(header_key(header))):
            found.setdefault(_OWN_NAMES.get(match[1], match[1]) + match[2], position)
    return found


def _product(headers: Sequence[str]) -> str:
    keys = {header_key(header) for header in headers}
    if keys & {"oseast1m", "east1m"} and keys & {"doterm"}:
        wide = any(re.match(r"(parish|parncp\d\dcd|casward|wdcas\d\dcd|oslaua|oscty|osward)$", key) for key in keys)
        if wide:
            return "onspd"
        if any(re.match(r"(laua|lad\d\dcd|cty|cty\d\dcd)$", key) for key in keys):
            return "nspl"
    return "ons_lookup" if keys & {"pcds", "pcd7"} and keys & {"lsoa11nm", "lsoa21nm"} and "ladcd" in keys else "custom"


def _require(name: str, headers: Sequence[str], found: Mapping[str, int]) -> None:
    shown = ", ".join(repr(header) for header in headers[:30])
    problems = []
    if "postcode" not in found:
        problems.append(
            Problem(
                name,
                "column_missing",
                f"no column of postcodes; found {shown}",
                "name it postcode, pcds or pcd7",
                column="postcode",
            )
        )
    areas = [kind for kind in found if kind not in FACTS]
    if not areas and not ({"easting", "northing"} <= found.keys() or {"latitude", "longitude"} <= found.keys()):
        problems.append(
            Problem(
                name,
                "column_missing",
                f"neither positions nor area codes; found {shown}",
                "a directory needs easting and northing, or a column such as lsoa21cd",
                column="easting",
            )
        )
    if problems:
        raise InputRefused(name, problems)


def _whole_file(name: str, text: TextTable, found: Mapping[str, int]) -> None:
    """Refuse a directory that was cut or has broken rows: what is missing from it would be silently not found."""
    broken = text.bad[~text.bad["code"].isin(["record_blank", "header_repeated", "footer_row"])]
    if len(broken):
        raise refuse(name, broken["code"].iloc[0], record=int(broken["row"].iloc[0]) + 1, more=len(broken) - 1)
    last = len(text.headers) - 1
    if text.unfinished and last in found.values():
        sizes = text.frame[last].iloc[:-1].str.len()
        if not len(sizes) or sizes.nunique() != 1 or sizes.iloc[0] != len(text.frame[last].iloc[-1]):
            raise refuse(
                name,
                "file_truncated",
                "the last row has no line end and may be cut off",
                record=len(text),
                suggestion="download it again, or press Enter after the last row",
            )
