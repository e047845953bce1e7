"""Our own clusters kept as two files: the segment of each area (CSV), and the recipe with names and centroids (TOML).

The TOML is a recipe like any other (:mod:`geoplan.io.recipes`), so that ``read_segmentation`` reads the CSV beside it;
its part ``[clusters]`` says how the clusters were made and holds what places a new area. Names are edited there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoplan.cluster_recipes import ClusterRecipe, Variable, transformed
from geoplan.clusters import Clusters, marks
from geoplan.columns import header_key
from geoplan.errors import InputRefused, Problem, RecipeError
from geoplan.io.files import file_name, table_bytes
from geoplan.io.outputs import write_csv, write_text
from geoplan.io.recipes import Recipe, load_recipe, read_recipe, validation_text
from geoplan.io.tables import table_from

_STRICT = ConfigDict(extra="forbid", frozen=True)


class _Variable(BaseModel):
    model_config = _STRICT
    name: str = Field(min_length=1)
    label: str = Field(min_length=1)
    numerator: tuple[str, ...] = Field(min_length=1)
    denominator: tuple[str, ...] = ()
    in_names: bool = True
    published: str = ""


class _Section(BaseModel):
    """The part ``[clusters]`` of a recipe."""

    model_config = _STRICT
    transform: str = "asinh"
    standardise: str = "range"
    method: str = "kmeans"
    counts: tuple[int | tuple[int, ...], ...] = (8,)
    starts: int = 100
    seed: int = 2021
    fingerprint: str = ""
    facts: Mapping[str, object] = Field(default_factory=dict)
    variables: tuple[_Variable, ...]
    scale: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)
    sizes: Mapping[str, int] = Field(default_factory=dict)
    centroids: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)
    averages: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)

    def recipe(self) -> ClusterRecipe:
        """As the value that :func:`geoplan.clusters.build_clusters` takes."""
        variables = tuple(Variable(**variable.model_dump()) for variable in self.variables)
        return ClusterRecipe(
            variables, self.transform, self.standardise, self.method, self.counts, self.starts, self.seed
        )


def read_cluster_recipe(kind_or_path: str | os.PathLike) -> tuple[Recipe, ClusterRecipe]:
    """A recipe for building clusters: one on the shelf (``census21_oa``), or a TOML file of yours.

    Raises
    ------
    RecipeError
        Naming what is missing or not known; also where the recipe says nothing of clusters.
    """
    recipe = read_recipe(Path(kind_or_path).resolve()) if _is_file(kind_or_path) else load_recipe(str(kind_or_path))
    return recipe, _section(recipe).recipe()


def _is_file(kind_or_path: str | os.PathLike) -> bool:
    return Path(kind_or_path).suffix == ".toml" or Path(kind_or_path).is_file()


def _section(recipe: Recipe) -> _Section:
    if not recipe.clusters:
        raise RecipeError(f"{recipe.kind}.toml: no part [clusters]; it does not say how to build segments")
    try:
        return _Section(**recipe.clusters)
    except ValidationError as error:
        raise RecipeError(f"{recipe.kind}.toml: [clusters] {validation_text(error)}") from None


def read_clusters(path: str | os.PathLike) -> tuple[Recipe, Clusters]:
    """Clusters saved by :func:`save_clusters`, with the names as they now stand in the file; without their areas."""
    recipe = read_recipe(Path(path).resolve())
    section = _section(recipe)
    made = section.recipe()
    sizes = {len(section.scale.get(name, ())) for name in made.names} | {5}
    rows = [*section.centroids.values(), *section.averages.values()]
    if not section.centroids or sizes != {5} or {len(row) for row in rows} != {len(made.variables)}:
        raise RecipeError(
            f"{recipe.kind}.toml: [clusters] has no centroids, or not one number for each variable: build it"
        )
    if set(section.averages) != {"all", *section.centroids} or set(section.sizes) != set(section.centroids):
        raise RecipeError(f"{recipe.kind}.toml: [clusters] centroids, averages and sizes are of different clusters")
    clusters = Clusters(
        made,
        recipe.keyed_by,
        pd.DataFrame.from_dict(
            {name: section.scale[name] for name in made.names},
            orient="index",
            columns=["centre", "spread", "power", "mean", "sd"],
        ),
        pd.DataFrame.from_dict(section.centroids, orient="index", columns=made.names),
        pd.DataFrame.from_dict(section.averages, orient="index", columns=made.names).rename(index={"all": ""}),
        pd.Series(dict(section.sizes), name="areas"),
        pd.DataFrame(columns=list(made.levels), index=pd.Index([], name=recipe.keyed_by, dtype="str"), dtype="str"),
        recipe.source(),
        dict(recipe.names),
        dict(section.facts),
    )
    return recipe, clusters


def save_clusters(clusters: Clusters, path: str | os.PathLike, data: Recipe, scheme: str = "") -> tuple[Path, Path]:
    """Write the segment of each area (``NAME.csv``) and the recipe (``NAME.toml``) beside it.

    Parameters
    ----------
    path
        Of the CSV. Its name without the ending is the kind of the recipe: small letters, digits and ``_``.
    data
        The recipe of the statistics: whose they are, and how their columns are called.
    scheme
        What the segmentation is called; the name of the file if not given.
    """
    target = Path(path)
    kind = target.stem
    if target.suffix != ".csv" or not re.fullmatch(r"[a-z0-9_]+", kind):
        raise RecipeError(f"{target.name}: write to a name of small letters, digits and _ that ends in .csv")
    beside = target.with_suffix(".toml")
    written = write_csv(target, clusters.table.rename_axis(f"{clusters.kind}cd"), index=True)
    write_text(beside, recipe_text(clusters, kind, data, scheme or kind))
    read_recipe.cache_clear()
    return written, beside


def recipe_text(clusters: Clusters, kind: str, data: Recipe, scheme: str) -> str:
    """The recipe of clusters as TOML: names first, for people; numbers after."""
    recipe = clusters.recipe
    levels = recipe.levels
    shape = "".join(
        _pattern(clusters, number) + ("(" if number < len(levels) else "") for number in range(1, len(levels) + 1)
    )
    shape += ")?" * (len(levels) - 1)
    head = {
        "kind": kind,
        "what": "segments",
        "title": f"{scheme}: segments built from {data.title}",
        "publisher": "built by geoplan from statistics of: " + data.publisher,
        "page": data.page,
        "licence": data.licence,
        "attribution": data.attribution,
        "year": data.year,
        "keyed_by": clusters.kind,
        "scheme": scheme,
        "version": clusters.version,
        "levels": list(levels),
        "base_date": data.base_date,
        "segment_shape": shape,
        "code_shape": data.code_shape,
    }
    columns = {"code": [f"{clusters.kind}cd"]} | {level: [level] for level in levels}
    needed = {c for v in recipe.variables for c in (*v.numerator, *v.denominator)}
    columns |= {name: list(data.columns[name]) for name in data.columns if name in needed}
    columns["code"] += [alias for alias in data.columns.get("code", ()) if alias not in columns["code"]]
    section = {
        "transform": recipe.transform,
        "standardise": recipe.standardise,
        "method": recipe.method,
        "counts": recipe.counts,
        "starts": recipe.starts,
        "seed": recipe.seed,
        "fingerprint": clusters.source.fingerprint,
    }
    lines = [*_pairs({key: value for key, value in head.items() if value != ""}), "", "[columns]", *_pairs(columns)]
    lines += ["", "# The names are suggestions: change the words on the right as you like.", "[names]"]
    for code in clusters.centroids.index:
        lines += [f"# {_evidence(clusters, code)}", *_pairs({code: clusters.names.get(code, code)})]
    lines += ["", "# From here on: how the segments were built. Do not change.", "[clusters]", *_pairs(section)]
    for variable in recipe.variables:
        given = {"name": variable.name, "label": variable.label, "numerator": variable.numerator}
        given |= {"denominator": variable.denominator} if variable.denominator else {}
        given |= {} if variable.in_names else {"in_names": False}
        given |= {"published": variable.published} if variable.published else {}
        lines += ["", "[[clusters.variables]]", *_pairs(given)]
    lines += ["", "[clusters.facts]", *_pairs(clusters.facts)]
    lines += ["", "[clusters.sizes]", *_pairs({code: int(n) for code, n in clusters.sizes.items()})]
    lines += [
        "",
        "# centre, spread, power; then mean and standard deviation of the areas on that scale",
        "[clusters.scale]",
    ]
    lines += _pairs(
        {name: list(row) for name, row in zip(clusters.scale.index, clusters.scale.to_numpy(), strict=True)}
    )
    for name, table in (("centroids", clusters.centroids), ("averages", clusters.averages.rename(index={"": "all"}))):
        rows = {code: list(row) for code, row in zip(table.index, table.to_numpy(), strict=True)}
        lines += ["", f"[clusters.{name}]", *_pairs(rows)]
    return "\n".join(lines) + "\n"


def _pattern(clusters: Clusters, level: int) -> str:
    letters = sorted({code[-1] for code in clusters.at(level)})
    return f"[{''.join(letters)}]"


def _evidence(clusters: Clusters, code: str) -> str:
    """What stands above a name in the file: size and the five strongest marks, with their percentages."""
    strongest = [
        f"{row.label} {row.average:.0f} (against {row.base:.0f})" for row in marks(clusters, code).head(5).itertuples()
    ]
    return f"{clusters.sizes[code]:,} areas; average per cent of {', '.join(strongest)}"


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [f"{_key(key)} = {_toml(value)}" for key, value in values.items()]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", str(key)) else json.dumps(str(key))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if hasattr(value, "item"):
        value = value.item()
    return repr(round(value, 12)) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def read_published(paths: Sequence[str | os.PathLike], kind_or_path: str | os.PathLike) -> tuple[Recipe, Clusters]:
    """Clusters from published tables of centroids, one file a level, for the variables that a recipe has.

    The scale is taken to be from 0 per cent to 100 per cent of each variable, which is what ranges over a whole
    country come near: the published tables do not state theirs. Columns are matched by ``published`` in the recipe.

    Parameters
    ----------
    paths
        ``OAC_centroids.csv``, then ``OAC_Groups_centroids.csv`` and ``OAC_Subgroups_centroids.csv`` if wanted: codes
        in the first column.
    kind_or_path
        The recipe, ``census21_oa`` for the OAC 2021.
    """
    recipe, base = read_cluster_recipe(kind_or_path)
    variables = tuple(variable for variable in base.variables if variable.published)
    if len(variables) < 2:
        raise RecipeError(f"{recipe.kind}.toml: no variable has a published column")
    parts = [_centroids(path, variables) for path in paths]
    centroids = pd.concat(parts)
    lengths = [sorted({len(code) for code in part.index}) for part in parts]
    if lengths != [[number] for number in range(1, len(parts) + 1)] or centroids.index.has_duplicates:
        raise InputRefused(
            file_name(paths[0]),
            [Problem(file_name(paths[0]), "code_malformed", "codes are not one character longer at each level",
                     "give supergroups, then groups, then subgroups")],
        )  # fmt: skip
    counts = (len(parts[0]), *(tuple(sum(c[:-1] == p for c in part.index) for p in above.index)
                               for above, part in pairwise(parts)))  # fmt: skip
    made = replace(base, variables=variables, counts=counts, standardise="limits")
    low, high = transformed(pd.Series([0.0, 100.0]).to_numpy(), made.transform)
    scale = pd.DataFrame({"centre": low, "spread": high - low, "power": 0.0, "mean": float("nan"), "sd": float("nan")},
                         index=made.names)  # fmt: skip
    empty = pd.DataFrame(columns=list(made.levels), index=pd.Index([], name=recipe.keyed_by, dtype="str"), dtype="str")
    return recipe, Clusters(
        made, recipe.keyed_by, scale, centroids, centroids * float("nan"), pd.Series(dtype=int), empty, recipe.source()
    )


def _centroids(path: str | os.PathLike, variables: Sequence[Variable]) -> pd.DataFrame:
    text = table_from(table_bytes(path), {header_key(variable.published) for variable in variables})
    missing = [variable.published for variable in variables if variable.published not in text.headers]
    if missing:
        raise InputRefused(text.file, [Problem(text.file, "column_missing", f"no column {each!r}") for each in missing])
    frame = text.frame.drop(index=text.bad["row"])
    codes = frame[0].str.strip().str.upper()
    columns = {
        v.name: pd.to_numeric(frame[text.headers.index(v.published)], errors="coerce").to_numpy() for v in variables
    }
    table = pd.DataFrame(columns, index=pd.Index(codes.to_numpy(), dtype="str"))
    if table.isna().to_numpy().any() or codes.eq("").any():
        raise InputRefused(text.file, [Problem(text.file, "number_malformed", "centroids that are no numbers")])
    return table.sort_index()
