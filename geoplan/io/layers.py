"""Reader of area layers: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet.

The form is recognised by first bytes, never by the name, and only these are opened. Bytes are read once and
parsed in memory (:func:`parse`: bytes in, plain values out, so that it can be moved to a child process), so the
input is never changed and no file beside it is touched. Everything becomes EPSG:27700; a layer whose
coordinates do not fit the system it states is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoplan.areas import Boundaries
from geoplan.errors import InputRefused, Problem, RecipeError
from geoplan.io.files import (
    Contents,
    refuse,
)
from geoplan.io.layer_files import Parsed, code_kind, layer_bytes
from geoplan.io.outlines import GRID, outlines
from geoplan.io.recipes import Recipe, boundaries_folder, load_recipe, match_aliases, recipe_beside
from geoplan.io.sandbox import parse_guarded
from geoplan.io.settings import find_settings
from geoplan.sources import OWN_FILE, Source

if TYPE_CHECKING:
    import pandas as pd


def read_boundaries(
    kind_or_path: str | os.PathLike,
    kind: str | None = None,
    layer: str | None = None,
    code: str | None = None,
    name: str | None = None,
    path: str | os.PathLike | None = None,
    project: object = None,
) -> Boundaries:
    """Read one kind of area.

    Parameters
    ----------
    kind_or_path
        A recipe's kind (``lsoa21``), its file then given by ``path`` or the project; or a file.
    kind
        What the areas are, with the year, where the file's code column does not say.
    layer
        The layer, where the file has several.
    code, name
        The columns of codes and names, where neither recipe nor header says.
    path, project
        Where a recipe's file is: a path, or a project that names it (``geoplan.toml`` here, if not given).

    Raises
    ------
    InputRefused
        With every problem found: coordinate system missing or wrong, codes twice, outlines beyond repair.
    """
    recipe = _recipe(kind or str(kind_or_path))
    if _is_kind(kind_or_path):
        kind = kind or str(kind_or_path)
        if path is None:
            path, layer, code, name = _from_project(kind, project, layer, code, name)
    else:
        path = kind_or_path
    contents = layer_bytes(path)
    recipe = recipe_beside(path, "areas") or recipe
    kind = kind or (recipe.kind if recipe is not None and code is None else None)
    parsed = parse_guarded(contents, layer, kind)
    kind, columns = _columns(contents.name, parsed, kind, recipe, code, name)
    return _boundaries(contents, parsed, kind, columns, recipe)


def _is_kind(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]*", value) is not None and not Path(value).exists()


def _recipe(kind: str | None) -> Recipe | None:
    try:
        recipe = load_recipe(kind or "")
    except RecipeError:
        if kind in {path.stem for path in (boundaries_folder() / "recipes").glob("*.toml")}:
            raise
        return None
    return recipe if recipe.what == "areas" else None


def _from_project(
    kind: str, project: object, layer: str | None, code: str | None, name: str | None
) -> tuple[Path, str | None, str | None, str | None]:
    """The file that the project names for a kind, and how to read it."""
    place = find_settings(project)
    if place is None or kind not in place.area_files:
        raise refuse(
            kind,
            "file_missing",
            f"no file is named for {kind}",
            f'give path="...", or name it in geoplan.toml: [areas] {kind} = "file.gpkg"',
        )
    told = place.settings.areas[kind]
    if isinstance(told, str):
        return place.area_files[kind], layer, code, name
    return place.area_files[kind], layer or told.layer, code or told.code, name or told.name


# ------------------------------------------------------------------------------------------- columns


def _columns(
    file: str, parsed: Parsed, kind: str | None, recipe: Recipe | None, code: str | None, name: str | None
) -> tuple[str, dict[str, str]]:
    """The kind, and the headers of code and name."""
    headers = [str(header) for header in parsed.attributes.columns]
    shown = ", ".join(repr(header) for header in headers[:30]) or "none"
    for wanted in (each for each in (code, name) if each is not None):
        if wanted not in headers:
            raise refuse(file, "column_missing", f"no column {wanted!r}; found {shown}", "check its spelling")
    found = {}
    if recipe is not None:
        found = {
            ours: headers[at] for ours, at in match_aliases(recipe.columns, headers).items() if ours in ("code", "name")
        }
    coded = [header for header in headers if code_kind(header)]
    kinds = [code_kind(header) for header in coded]
    if code is None and "code" not in found and coded:
        wanted = kinds.index(kind) if kind in kinds else 0 if kind is None else None
        if wanted is not None:
            found["code"], kind = coded[wanted], kinds[wanted]
            stem = re.sub(r"(cd|code)$", "", found["code"], flags=re.IGNORECASE).casefold()
            names = [h for h in headers if h.casefold() in (stem + "nm", stem + "name")]
            found |= {"name": names[0]} if names else {}
    found |= {ours: header for ours, header in (("code", code), ("name", name)) if header is not None}
    if "code" not in found and kind is not None:
        # a layer of one's own, such as catchments: once the kind is said, its columns may have plain names
        plain = {ours: _plain(headers, words) for ours, words in _plain_names(kind).items()}
        found |= {ours: header for ours, header in plain.items() if header is not None}
    problems = _other_year(file, kind, found.get("code", ""))
    if "code" not in found:
        problems.append(
            Problem(
                file,
                "column_missing",
                f"no column of area codes; found {shown}",
                'say which: code="..."',
                column="code",
            )
        )
    if kind is None:
        problems.append(
            Problem(
                file,
                "kind_unknown",
                "the file does not say what its areas are",
                'say so, with the year: kind="ward24" or kind="catchment"',
            )
        )
    if problems:
        raise InputRefused(file, problems)
    return kind, found


def _plain_names(kind: str) -> dict[str, tuple[str, ...]]:
    return {"code": (f"{kind}cd", kind, "code", "id"), "name": (f"{kind}nm", f"{kind}_name", "name")}


def _plain(headers: list[str], words: tuple[str, ...]) -> str | None:
    lowered = {header.casefold(): header for header in reversed(headers)}
    return next((lowered[word] for word in words if word in lowered), None)


def _other_year(file: str, kind: str | None, header: str) -> list[Problem]:
    """A column of codes whose own heading names another year than the kind that was asked for."""
    named = code_kind(header)
    if kind is None or not named or named == kind or named.rstrip("0123456789") != kind.rstrip("0123456789"):
        return []
    what = f"the codes are {named} by their heading, not {kind}"
    return [Problem(file, "vintage_mixed", what, f"read them as {named}", column=header)]


def _boundaries(
    contents: Contents, parsed: Parsed, kind: str, columns: dict[str, str], recipe: Recipe | None
) -> Boundaries:
    import geopandas as gpd

    codes = parsed.attributes[columns["code"]].map(_text).astype("str")
    problems = _code_problems(contents.name, codes, columns["code"], recipe)
    shapes, repairs, wrong = outlines(contents.name, parsed)
    if problems or wrong:
        raise InputRefused(contents.name, [*problems, *wrong])
    names = parsed.attributes[columns["name"]].map(_text) if "name" in columns else codes
    frame = gpd.GeoDataFrame(
        {"name": names.astype("str").to_numpy()}, geometry=shapes, crs=GRID, index=codes.to_numpy()
    )
    frame.index = frame.index.astype("str").rename("code")
    source = (
        recipe.source(contents.name, contents.fingerprint)
        if recipe is not None
        else Source(contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    )
    return Boundaries(kind, frame.sort_index(), source, repairs)


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return " ".join(str(value).split())


def _code_problems(file: str, codes: pd.Series, column: str, recipe: Recipe | None) -> list[Problem]:
    problems = []

    def add(code: str, what: str, tip: str, rows: np.ndarray) -> None:
        problems.append(Problem(file, code, what, tip, int(rows[0]) + 1, column, len(rows) - 1))

    blank = codes.eq("").to_numpy(bool)
    if blank.any():
        add("code_blank", "an area without a code", "fill it, or remove the area", np.flatnonzero(blank))
    again = codes.duplicated().to_numpy(bool) & ~blank
    if again.any():
        add(
            "code_duplicated",
            "the same code on several areas",
            "dissolve the layer by its code, or give another column: code=",
            np.flatnonzero(again),
        )
    if recipe is not None and recipe.code_shape:
        odd = ~codes.str.fullmatch(f"(?:{recipe.code_shape})").to_numpy(bool) & ~blank
        if odd.any():
            add("code_malformed", f"not the codes of {recipe.kind}", "check the kind and year", np.flatnonzero(odd))
    most = max((recipe.expected.values() if recipe is not None else ()), default=0)
    if most and len(codes) > most:
        problems.append(
            Problem(
                file, "count_wrong", f"{len(codes):,} areas, but {recipe.kind} has {most:,}", "check the kind and year"
            )
        )
    return problems
