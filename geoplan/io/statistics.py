"""Reader of area statistics: published counts of small areas, one row an area, from one file or several."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geoplan.cluster_recipes import AreaStatistics, Variable, percentages
from geoplan.columns import header_key
from geoplan.errors import InputRefused, Problem
from geoplan.io.files import table_bytes
from geoplan.io.recipes import Recipe, match_aliases
from geoplan.io.tables import table_from
from geoplan.reasons import reason
from geoplan.sources import unique_sources


def read_statistics(
    paths: str | os.PathLike | Sequence[str | os.PathLike],
    recipe: Recipe,
    variables: Sequence[Variable],
    leave_out: bool = False,
) -> AreaStatistics:
    """Read what a recipe's variables say of each area.

    Parameters
    ----------
    paths
        One file with all columns, or several (a file for each census table) that are joined by area code; a column
        is taken from the first file that has it.
    recipe
        Says which header holds the area codes, what the codes look like and which headers the columns have.
    variables
        Whose columns to read, and what to divide by what.
    leave_out
        Leave out areas with a missing number or nothing to divide by, instead of refusing the file.

    Raises
    ------
    InputRefused
        With all problems of all files: columns that no file has, codes blank, repeated or of another kind, cells that
        are no numbers, areas without a number, impossible percentages.
    """
    files = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    needed = list(dict.fromkeys(c for v in variables for c in (*v.numerator, *v.denominator)))
    aliases = {name: recipe.columns.get(name, [name]) for name in needed} | {
        "code": recipe.columns.get("code", [recipe.keyed_by])
    }
    problems: list[Problem] = []
    parts: list[pd.DataFrame] = []
    sources = []
    taken: set[str] = set()
    for path in files:
        part, name, fingerprint = _one(path, recipe, aliases, taken, problems)
        taken |= set(part.columns)
        parts.append(part)
        sources.append(recipe.source(name, fingerprint))
    name = sources[0].file
    for column in (column for column in needed if column not in taken):
        headers = " or ".join(repr(alias) for alias in aliases[column][:2])
        problems.append(
            Problem(name, "column_missing", f"no column {headers}", "give the file that has it", column=column)
        )
    if problems:
        raise InputRefused(name, problems)
    counts = pd.concat(parts, axis=1).sort_index()
    values, faults = percentages(counts, variables)
    broken = faults.ne("").any(axis=1)
    impossible = faults.eq("value_impossible").any(axis=1)
    for fault in ("value_missing", "denominator_zero", "value_impossible"):
        if leave_out and fault != "value_impossible":
            continue
        for column in (c for c in values if faults[c].eq(fault).any()):
            areas = faults.index[faults[column].eq(fault)]
            what = f"{reason(fault).meaning}: {areas[0]}" + (f" and {len(areas) - 1:,} more" if len(areas) > 1 else "")
            problems.append(Problem(name, fault, what, reason(fault).suggestion, column=column))
    if problems:
        raise InputRefused(name, problems)
    kept = values[~(broken & ~impossible)]
    source = unique_sources(sources)[0]
    return AreaStatistics(recipe.keyed_by, kept, source, records=len(values), left_out=len(values) - len(kept))


def _one(
    path: str | os.PathLike,
    recipe: Recipe,
    aliases: Mapping[str, Sequence[str]],
    taken: set[str],
    problems: list[Problem],
) -> tuple[pd.DataFrame, str, str]:
    """Numbers of one file, indexed by code; its problems are added to the list."""
    contents = table_bytes(path)
    found: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        found.update({ours: at for ours, at in match_aliases(aliases, headers).items() if ours not in taken})
        if "code" not in found:
            shown = ", ".join(repr(header) for header in headers[:10])
            problem = Problem(contents.name, "column_missing", f"no column of {recipe.keyed_by} codes; found {shown}",
                              "name its header under [columns] in the recipe", column="code")  # fmt: skip
            raise InputRefused(contents.name, [*problems, problem])
        return set(found.values())

    known = {header_key(alias) for each in aliases.values() for alias in each if not alias.startswith("re:")}
    text = table_from(contents, known, choose)

    def add(code: str, what: str, rows: pd.Index, column: str, suggestion: str = "") -> None:
        if len(rows):
            problems.append(
                Problem(contents.name, code, what, suggestion or reason(code).suggestion, int(rows[0]) + 1,
                        text.headers[found[column]], len(rows) - 1)
            )  # fmt: skip

    ignored = text.bad["code"].isin(["record_blank", "header_repeated", "footer_row"])
    for code, rows in text.bad[~ignored].groupby("code")["row"]:
        problems.append(Problem(contents.name, code, reason(code).meaning, reason(code).suggestion,
                                int(rows.iloc[0]) + 1, more=len(rows) - 1))  # fmt: skip
    if text.unfinished:
        problems.append(Problem(contents.name, "file_truncated", "the last row has no line end and may be cut off",
                                reason("file_truncated").suggestion, len(text)))  # fmt: skip
    frame = text.frame.drop(index=text.bad["row"])
    codes = frame[found["code"]].str.strip().str.upper()
    blank = codes.eq("").to_numpy(bool)
    add("code_blank", "a row without a code", frame.index[blank], "code")
    add("code_duplicated", "the same area twice", frame.index[codes.duplicated().to_numpy(bool) & ~blank], "code")
    if recipe.code_shape:
        wrong = ~codes.str.fullmatch(recipe.code_shape).to_numpy(bool) & ~blank
        add("code_malformed", f"not codes of {recipe.keyed_by}", frame.index[wrong], "code")
    columns = {}
    for ours, at in found.items():
        if ours != "code":
            cells = frame[at].str.strip().str.replace(",", "")
            numbers = pd.to_numeric(cells, errors="coerce").astype(float)
            filled = cells.ne("").to_numpy(bool)
            add("number_malformed", "not a number", frame.index[filled & ~np.isfinite(numbers.to_numpy())], ours,
                "write digits only; leave a suppressed number empty")  # fmt: skip
            columns[ours] = numbers.to_numpy()
    index = pd.Index(codes.to_numpy(), name=recipe.keyed_by, dtype="str")
    part = pd.DataFrame(columns, index=index)
    return part[~part.index.duplicated()], contents.name, contents.fingerprint
