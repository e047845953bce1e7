"""Reader of segmentations: OAC by output area, and any code list that the user maps.

A segmentation carries its scheme, version and level; a licensed one keeps the user's own names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from geoplan.columns import header_key
from geoplan.errors import InputRefused, Problem, RecipeError
from geoplan.io.files import Contents, refuse, table_bytes
from geoplan.io.recipes import Recipe, list_recipes, load_recipe, match_aliases, recipe_beside
from geoplan.io.settings import find_settings
from geoplan.io.tables import TextTable, table_from
from geoplan.segments import Segmentation
from geoplan.sources import OWN_FILE, Source

_KEYS = {
    "postcode": ("postcode", "pcds", "pcd7", "pcd8", "pcd"),
    "oa21": ("oa21cd", "oa21", "oa21_code"),
    "oa11": ("oa11cd", "oa11", "oa11_code"),
    "lsoa21": ("lsoa21cd", "lsoa21", "lsoa21_code"),
    "lsoa11": ("lsoa11cd", "lsoa11", "lsoa11_code"),
    "msoa21": ("msoa21cd",),
    "msoa11": ("msoa11cd",),
}
LEVELS = (
    "supergroup",
    "category",
    "group",
    "subgroup",
    "type",
    "segment",
    "cluster",
    "class",
)  # headers that are levels


def read_segmentation(
    kind_or_path: str | os.PathLike,
    path: str | os.PathLike | None = None,
    scheme: str | None = None,
    version: str | None = None,
    level: str | None = None,
    keyed_by: str | None = None,
    code: str | None = None,
    segment: str | None = None,
    name: str | None = None,
    names: Mapping[str, str] | None = None,
    base_date: str = "",
    project: object = None,
) -> Segmentation:
    """Read which segment each postcode, output area or LSOA belongs to.

    Parameters
    ----------
    kind_or_path
        A recipe's kind (``oac21``), its file then given by ``path`` or the project; or a file.
    path, project
        Where a recipe's file is.
    scheme, version
        What it is called, and which edition: two that differ never join. OAC is recognised by its columns and codes;
        without a word about it, another file's name and fingerprint stand in.
    level
        ``supergroup``, ``group``, ``subgroup`` for OAC (the first if not given); otherwise a name of yours.
    keyed_by
        ``postcode``, ``oa21``, ``lsoa21`` ..., where the header of the codes does not say.
    code, segment, name
        Headers of the codes, the segments and the segments' names, where they are not plain ones.
    names
        Segment code to name, where the file has none.
    base_date
        The date of the facts behind it, ISO.
    """
    recipe = _recipe(kind_or_path)
    if recipe is not None and path is None:
        path = _from_project(recipe.kind, project)
    file = path if path is not None else kind_or_path
    contents = table_bytes(file)
    recipe = recipe or recipe_beside(file, "segments") or _recipe_of_scheme(scheme, version)
    if recipe is None and scheme is None and segment is None:
        recipe = _recipe_of_table(contents)
    if recipe is None and scheme is None:
        scheme, version = Path(contents.name.split(".")[0]).name, version or contents.fingerprint[:8]
    version = version or ("" if recipe is None else recipe.version)
    found: dict[str, int] = {}
    aliases = _aliases(recipe, keyed_by, code, segment, name, level)
    known = {header_key(alias) for each in aliases.values() for alias in each if not alias.startswith("re:")}

    def choose(headers: Sequence[str]) -> set[int]:
        found.update(match_aliases(aliases, headers))
        _require(contents.name, headers, found, recipe, keyed_by, scheme, version, level)
        return set(found.values())

    text = table_from(contents, known, choose)
    keyed_by = keyed_by or (recipe.keyed_by if recipe else _kind_of(text.headers[found["code"]]))
    levels = _levels(found, recipe, level)
    own = level or levels[0]
    if own not in levels:
        raise refuse(
            contents.name, "column_missing", f"no level {own!r}; the file has {', '.join(levels)}", "give another level"
        )
    table = _table(text, found, levels, keyed_by, recipe)
    all_names = _names(text, found, levels, recipe, names, own)
    source = (
        recipe.source(contents.name, contents.fingerprint)
        if recipe
        else Source(
            f"{scheme} {version}", OWN_FILE, file=contents.name, fingerprint=contents.fingerprint, vintage=str(version)
        )
    )
    return Segmentation(
        recipe.scheme if recipe else str(scheme),
        recipe.version if recipe else str(version),
        own,
        keyed_by,
        table,
        source,
        all_names,
        base_date or (recipe.base_date if recipe else ""),
    )


def _recipe(kind: object) -> Recipe | None:
    if not isinstance(kind, str) or Path(kind).exists():
        return None
    try:
        recipe = load_recipe(kind)
    except RecipeError:
        return None
    return recipe if recipe.what == "segments" else None


def _recipe_of_scheme(scheme: str | None, version: str | None) -> Recipe | None:
    """OAC of a stated version is read by its recipe, whatever the file is called."""
    return _recipe(f"oac{str(version)[-2:]}") if (scheme or "").upper() == "OAC" and version else None


def _recipe_of_table(contents: Contents) -> Recipe | None:
    """The one recipe whose columns of codes and levels a table has, and whose segments these are."""
    fits = []
    for recipe in list_recipes("segments"):
        found: dict[str, int] = {}
        wanted = ("code", *recipe.levels)

        def choose(
            headers: Sequence[str], recipe: Recipe = recipe, found: dict = found, wanted: Sequence[str] = wanted
        ) -> set[int]:
            found.update({n: at for n, at in match_aliases(recipe.columns, headers).items() if n in wanted})
            return set(found.values())

        known = {header_key(a) for each in recipe.columns.values() for a in each}
        text = table_from(contents, known, choose)
        if set(found) == set(wanted):
            cells = [
                text.frame[found[n]].drop(index=text.bad["row"]).drop_duplicates().str.upper() for n in recipe.levels
            ]
            values = [value for column in cells for value in column if value not in ("", *recipe.placeholder_codes)]
            # a typing error or two is reported by the recipe, not taken for another scheme
            if sum(bool(re.fullmatch(recipe.segment_shape, value)) for value in values) >= 0.9 * len(values):
                fits.append(recipe)
    return fits[0] if len(fits) == 1 else None


def _from_project(kind: str, project: object) -> Path:
    place = find_settings(project)
    if place is None or place.segments_kind != kind or place.segments_file is None:
        raise refuse(
            kind,
            "file_missing",
            f"no file is named for {kind}",
            f'give path="...", or name it in geoplan.toml: [files] segments and [segmentation] kind = "{kind}"',
        )
    return place.segments_file


def _aliases(
    recipe: Recipe | None,
    keyed_by: str | None,
    code: str | None,
    segment: str | None,
    name: str | None,
    level: str | None,
) -> dict[str, Sequence[str]]:
    if recipe is not None:
        return dict(recipe.columns) | ({"code": [code]} if code else {})
    keys = _KEYS.get(keyed_by, (keyed_by,)) if keyed_by else [alias for each in _KEYS.values() for alias in each]
    aliases: dict[str, Sequence[str]] = {"code": [code] if code else keys}
    if segment:
        return aliases | {level or "segment": [segment], f"{level or 'segment'}_name": [name or f"{segment}_name"]}
    for each in dict.fromkeys([*([level] if level else []), *LEVELS]):
        aliases |= {each: [each, f"{each}_code"], f"{each}_name": [name if name and each == level else f"{each}_name"]}
    return aliases


def _levels(found: Mapping[str, int], recipe: Recipe | None, level: str | None) -> list[str]:
    """Levels that a file has, in order, each a column of segment codes."""
    named = recipe.levels if recipe is not None else dict.fromkeys([*LEVELS, *([level] if level else [])])
    return [each for each in named if each in found]


def _kind_of(header: str) -> str:
    key = header_key(header)
    return next((kind for kind, aliases in _KEYS.items() if key in {header_key(alias) for alias in aliases}), "")


def _require(
    file: str,
    headers: Sequence[str],
    found: dict[str, int],
    recipe: Recipe | None,
    keyed_by: str | None,
    scheme: str | None,
    version: str | None,
    level: str | None,
) -> None:
    shown = ", ".join(repr(header) for header in headers[:30])
    problems = []
    if "code" not in found:
        problems.append(
            Problem(
                file, "column_missing", f"no column of codes; found {shown}", 'say which: code="..."', column="code"
            )
        )
    elif recipe is None and keyed_by is None and not _kind_of(headers[found["code"]]):
        problems.append(
            Problem(file, "kind_unknown", "the codes do not say what they are of", 'say so: keyed_by="oa21"')
        )
    if not _levels(found, recipe, level):
        problems.append(
            Problem(
                file,
                "column_missing",
                f"no column of segments; found {shown}",
                'say which: segment="..."',
                column="segment",
            )
        )
    if recipe is None and not (scheme and version):
        problems.append(
            Problem(
                file,
                "kind_unknown",
                "the version of the scheme is not given",
                'say both: scheme="Mosaic", version="7": two versions never join',
            )
        )
    if problems:
        raise InputRefused(file, problems)


def _table(
    text: TextTable, found: Mapping[str, int], levels: Sequence[str], keyed_by: str, recipe: Recipe | None
) -> pd.DataFrame:
    """Codes and levels as text, all of the file's problems at once."""
    file = text.file
    _refuse_broken(text, found)
    frame = text.frame.drop(index=text.bad["row"]).rename(columns={at: ours for ours, at in found.items()})
    codes = frame["code"].str.upper()
    codes = codes.str.replace(" ", "") if keyed_by == "postcode" else codes
    problems = []

    def add(code: str, what: str, rows: np.ndarray, column: str) -> None:
        if rows.any():
            where = frame.index[rows]
            problems.append(
                Problem(
                    file,
                    code,
                    what,
                    "correct it and export again",
                    int(where[0]) + 1,
                    text.headers[found[column]],
                    len(where) - 1,
                )
            )

    add("code_blank", "a row without a code", codes.eq("").to_numpy(bool), "code")
    add("code_duplicated", "the same code twice", (codes.duplicated() & codes.ne("")).to_numpy(bool), "code")
    if recipe is not None and recipe.code_shape:
        add(
            "code_malformed",
            f"not the codes of {keyed_by}",
            ~codes.str.fullmatch(f"(?:{recipe.code_shape})?").to_numpy(bool),
            "code",
        )
    columns = {}
    for each in levels:
        cells = frame[each].str.upper() if recipe is not None and recipe.ignore_case else frame[each]
        if recipe is not None:
            cells = cells.where(~cells.isin(list(recipe.placeholder_codes)), "")
            if recipe.segment_shape:
                wrong = ~cells.str.fullmatch(f"(?:{recipe.segment_shape})?").to_numpy(bool)
                add("code_malformed", f"not segments of {recipe.scheme} {recipe.version}", wrong, each)
        columns[each] = cells.to_numpy()
    if problems:
        raise InputRefused(file, problems)
    return pd.DataFrame(columns, index=pd.Index(codes.to_numpy(), name=keyed_by, dtype="str"), dtype="str")


def _refuse_broken(text: TextTable, found: Mapping[str, int]) -> None:
    broken = text.bad[~text.bad["code"].isin(["record_blank", "header_repeated", "footer_row"])]
    if len(broken):
        raise refuse(text.file, broken["code"].iloc[0], record=int(broken["row"].iloc[0]) + 1, more=len(broken) - 1)
    last = len(text.headers) - 1
    if text.unfinished and last in found.values():
        cells = text.frame[last]
        same = cells.iloc[-1] in set(cells.iloc[:-1]) and not any(
            other.startswith(cells.iloc[-1]) and other != cells.iloc[-1] for other in cells.iloc[:-1].unique()
        )
        if not same:
            raise refuse(
                text.file, "file_truncated", "the last row has no line end and may be cut off", record=len(text)
            )


def _names(
    text: TextTable,
    found: Mapping[str, int],
    levels: Sequence[str],
    recipe: Recipe | None,
    names: Mapping[str, str] | None,
    own: str,
) -> dict[str, dict[str, str]]:
    """Names by level: from the file, the recipe and the caller, the last of these winning."""
    answer: dict[str, dict[str, str]] = {each: {} for each in levels}
    if recipe is not None:
        lengths = {each: i + 1 for i, each in enumerate(recipe.levels)}
        for each in levels:
            answer[each] = {c: n for c, n in recipe.names.items() if len(re.sub(r"\W", "", c)) == lengths[each]}
    for each in (each for each in levels if recipe is None and f"{each}_name" in found):
        codes, words = text.frame[found[each]], text.frame[found[f"{each}_name"]]
        pairs = pd.DataFrame({"code": codes, "name": words}).drop(index=text.bad["row"]).drop_duplicates()
        pairs = pairs[pairs["code"].ne("")]
        again = pairs["code"].duplicated().to_numpy(bool)
        if again.any():
            raise refuse(
                text.file,
                "column_ambiguous",
                f"a {each} with two names",
                "one name for each segment",
                record=int(pairs.index[again][0]) + 1,
                column=text.headers[found[f"{each}_name"]],
            )
        answer[each] = dict(zip(pairs["code"], pairs["name"], strict=True))
    answer[own] |= {str(c): str(n) for c, n in (names or {}).items()}
    return answer
