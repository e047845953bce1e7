"""Recipes: reviewed records about published area sets, directories and segmentations (``boundaries/recipes``).

A recipe says where a file comes from, whose it is, how to read it and how to know that it is right. One
without attribution does not load; a key that is not known (a spelling) does not load either.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from geoplan.columns import header_key
from geoplan.errors import RecipeError
from geoplan.sources import Source

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Recipe(BaseModel):
    """One reviewed record; the fields are those of the TOML files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Text
    what: Literal["areas", "postcodes", "segments", "lookup", "schools", "statistics"]
    title: Text
    publisher: Text
    page: str = ""
    licence: Text
    attribution: Text
    year: int
    status: Literal["current", "superseded", "broken"] = "current"
    notes: str = ""
    code_shape: str = ""
    expected: Mapping[str, int] = Field(default_factory=dict)
    crs: int = 27700
    drawing_only: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = Field(default_factory=dict)
    # tables
    encoding: str = ""
    header: bool = True
    positions: Sequence[str] = ()
    members: Sequence[str] = ()
    key: str = ""
    # postcode directories
    date_shape: str = ""
    live_when_blank: str = ""
    user_types: Mapping[str, str] = Field(default_factory=dict)
    no_position_quality: Sequence[str] = ()
    approx_quality: Sequence[str] = ()
    quality_divisor: int = 1
    quality_meaning: Mapping[str, str] = Field(default_factory=dict)
    no_position_latitude: float | None = None
    placeholder_codes: Sequence[str] = ()
    irish_grid_areas: Sequence[str] = ()
    no_position_areas: Sequence[str] = ()
    # segmentations and statistics
    keyed_by: str = ""
    scheme: str = ""
    version: str = ""
    levels: Sequence[str] = ()
    base_date: str = ""
    ignore_case: bool = False
    segment_shape: str = ""
    names: Mapping[str, str] = Field(default_factory=dict)
    # lookups
    from_kind: str = ""
    to_kind: str = ""
    fit: str = ""
    changes: Mapping[str, str] = Field(default_factory=dict)
    # schools
    date_format: str = ""
    missing: Sequence[str] = ()
    missing_is_a_value_in: Sequence[str] = ()
    open_status: Sequence[str] = ()
    drop: Sequence[str] = ()
    # segments built from statistics: read by geoplan.io.clusters
    clusters: Mapping[str, object] = Field(default_factory=dict)
    # not in the file
    hash: str = Field(default="", exclude=True)

    def source(self, file: str = "", fingerprint: str = "", vintage: str = "") -> Source:
        """The record that rides on data read by this recipe; the credit names the vintage's year."""
        year = (re.findall(r"(?:19|20)\d\d", vintage) or [str(self.year)])[-1]
        return Source(
            self.title,
            self.publisher,
            self.licence,
            self.attribution.replace("{year}", year),
            vintage or str(self.year),
            self.page,
            file,
            fingerprint,
        )


def match_aliases(columns: Mapping[str, Sequence[str]], headers: Sequence[str]) -> dict[str, int]:
    """Our names to positions; an alias that begins with ``re:`` is a pattern.

    Examples
    --------
    >>> match_aliases({"lad": ["re:^lad[0-9]{2}cd$", "oslaua"], "oa21": ["oa21cd"]}, ["pcds", "LAD25CD", "OA21CD"])
    {'lad': 1, 'oa21': 2}
    """
    keys = [header_key(header) for header in headers]
    plain = [header.strip().casefold() for header in headers]
    found = {}
    for name, aliases in columns.items():
        for alias in aliases:
            if alias.startswith("re:"):
                fits = [i for i, text in enumerate(plain) if re.search(alias[3:], text, re.IGNORECASE)]
            else:
                fits = [i for i, key in enumerate(keys) if key and key == header_key(alias)]
            if fits:
                found[name] = fits[0]
                break
    return found


def boundaries_folder() -> Path:
    """The folder ``boundaries``: inside the package if installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_boundaries", package.parent / "boundaries"):
        if (folder / "recipes").is_dir():
            return folder
    raise RecipeError("geoplan's folder of recipes (boundaries/recipes) is missing: install geoplan again")


def demo_folder() -> Path:
    """The folder of the embedded place: Medway, real places with invented people."""
    return boundaries_folder() / "medway"


def list_recipes(what: str | None = None) -> list[Recipe]:
    """All recipes, or those of one sort ("areas", "postcodes", "segments" ...), by kind."""
    kinds = sorted(path.stem for path in (boundaries_folder() / "recipes").glob("*.toml"))
    return [recipe for recipe in map(load_recipe, kinds) if what in (None, recipe.what)]


def load_recipe(kind: str) -> Recipe:
    """The recipe for a kind.

    Raises
    ------
    RecipeError
        If there is none, or it lacks what every recipe must state.

    Examples
    --------
    >>> load_recipe("lsoa21").licence
    'OGL-UK-3.0'
    """
    if not re.fullmatch(r"[a-z0-9_]+", kind):
        raise RecipeError(f"{kind!r} is not the name of a recipe")
    return read_recipe(boundaries_folder() / "recipes" / f"{kind}.toml")


def recipe_beside(path: str | os.PathLike, what: str) -> Recipe | None:
    """The recipe beside a file, under its name (``lsoa11.fgb``, ``lsoa11.toml``), if it is one of that sort."""
    file = Path(path)
    beside = file.with_name(file.name.split(".")[0] + ".toml")
    if beside == file or file.is_dir() or not beside.is_file():
        return None
    try:
        recipe = read_recipe(beside.resolve())
    except RecipeError:
        if beside.name == "geoplan.toml":
            return None
        raise
    return recipe if recipe.what == what else None


@cache
def read_recipe(path: Path) -> Recipe:
    """A recipe from its file."""
    try:
        data = path.read_bytes()
        recipe = Recipe(**tomllib.loads(data.decode("utf-8")), hash=hashlib.sha256(data).hexdigest())
    except FileNotFoundError:
        there = ", ".join(sorted(each.stem for each in path.parent.glob("*.toml")))
        raise RecipeError(f"no recipe {path.stem!r}; there are {there or 'none'}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path.name}: cannot be read as TOML: {error}") from None
    except ValidationError as error:
        raise RecipeError(f"{path.name}: {validation_text(error)}") from None
    except TypeError as error:
        raise RecipeError(f"{path.name}: {error}") from None
    if recipe.kind != path.stem:
        raise RecipeError(f"{path.name}: says kind = {recipe.kind!r}; file name and kind must agree")
    for shape in (
        recipe.code_shape,
        recipe.segment_shape,
        *(a[3:] for c in recipe.columns.values() for a in c if a[:3] == "re:"),
    ):
        try:
            re.compile(shape)
        except re.error:
            raise RecipeError(f"{path.name}: {shape!r} is not a pattern") from None
    return recipe


def validation_text(error: ValidationError) -> str:
    """What pydantic found, in one line each, without the values."""
    words = {
        "missing": "must be given",
        "extra_forbidden": "is not a known key (check the spelling)",
        "string_too_short": "must not be empty",
    }
    return "; ".join(f"{'.'.join(map(str, e['loc']))} {words.get(e['type'], e['msg'])}" for e in error.errors())
