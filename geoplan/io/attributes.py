"""Reader of numbers about schools: a published file with a school number and the columns asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geoplan.columns import SCHOOLS, header_key, known_headers
from geoplan.errors import InputRefused, Problem
from geoplan.io.tables import read_table
from geoplan.rag_measures import SYMBOL_WORDS, Facts, facts_from
from geoplan.values import READERS, UNKNOWN_WORDS

#: The Department for Education's symbols: read as missing, never as zero.
SYMBOLS = frozenset({"C", "X", "Z", "K", "U", "LOW", "SUPP", "NP", "NE"})


def read_attributes(path: str | os.PathLike, columns: Sequence[str]) -> pd.DataFrame:
    """Read numbers about schools, indexed by URN as text.

    Empty cells and the symbols of published statistics (``c``, ``x``, ``z``, ``low`` ...) are missing; a per cent
    sign is dropped; anything else that is no number is refused, with every other problem of the file.

    Parameters
    ----------
    path
        CSV or ``.xlsx``.
    columns
        Headers to read; case, spaces and underscores do not matter. Those the file lacks are left out.

    Raises
    ------
    InputRefused
        If there is no school number, a school comes twice, or a cell is no number.
    """
    return _read(path, columns)[0]


def fact_columns(path: str | os.PathLike) -> list[str]:
    """The headers of a file of numbers about schools, to say which columns there are."""
    found: list[str] = []

    def choose(headers: Sequence[str]) -> set[int]:
        found.extend(header.strip() for header in headers if header.strip())
        return {0}

    read_table(path, known_headers(SCHOOLS), choose)
    return found


def read_facts(
    path: str | os.PathLike,
    columns: Sequence[str],
    grades: Mapping[str, Sequence[str]] | None = None,
    texts: Sequence[str] = (),
) -> tuple[Facts, pd.DataFrame]:
    """Read numbers about schools with the reason for each that is missing, and columns of words.

    As :func:`read_attributes`; a symbol of published statistics is kept as the reason why there is no number.

    Parameters
    ----------
    path, columns
        As for :func:`read_attributes`.
    grades
        Columns of words that have an order, each with its words from best to worst: read as 0, 1, 2 ...
    texts
        Columns of words to read as they are.

    Returns
    -------
    facts, words
        Both indexed by URN as text.
    """
    values, reasons, words = _read(path, columns, dict(grades or {}), texts)
    return facts_from(values, reasons), words


def _read(path, columns: Sequence[str], grades: Mapping = {}, texts: Sequence[str] = ()):
    wanted = {header_key(name): name for name in (*columns, *grades, *texts)}
    school = [header_key(alias) for alias in SCHOOLS["school"].aliases]
    at: dict[str, int] = {}

    def choose(headers: Sequence[str]) -> set[int]:
        keys = [header_key(header) for header in headers]
        found = next((keys.index(key) for key in school if key in keys), None)
        if found is not None:
            at["school"] = found
        at.update({wanted[key]: i for i, key in enumerate(keys) if key in wanted and i != found})
        return set(at.values())

    text = read_table(path, known_headers(SCHOOLS) | set(wanted), choose)
    if "school" not in at:
        raise InputRefused(
            text.file, [Problem(text.file, "column_missing", "no column of school numbers (URN)", "add one")]
        )
    frame = text.frame.drop(index=text.bad["row"])
    codes = [READERS["school"](cell, SCHOOLS["school"])[0] for cell in frame[at["school"]]]
    codes = pd.Series(codes, index=frame.index, dtype="str")
    problems = _code_problems(text.file, codes, text.headers[at["school"]])
    values, reasons, words = {}, {}, {}
    for name, position in at.items():
        if name == "school":
            continue
        cells = frame[position]
        if name in texts:
            words[name] = cells.str.strip().to_numpy()
            continue
        values[name], wrong = _grades(cells, grades[name]) if name in grades else _numbers(cells)
        reasons[name] = cells.str.strip().str.upper().map(SYMBOL_WORDS).to_numpy()
        if len(wrong):
            where = {"record": int(wrong[0]) + 1, "column": text.headers[position], "more": len(wrong) - 1}
            what = ("not one of the grades", f"write one of {', '.join(grades[name])}") if name in grades else (
                "not a number", "write digits only")  # fmt: skip
            problems.append(Problem(text.file, "number_malformed", *what, **where))
    if problems:
        raise InputRefused(text.file, problems)
    index = pd.Index(codes.to_numpy(), name="school", dtype="str")
    return tuple(pd.DataFrame(each, index=index) for each in (values, reasons, words))


def _grades(cells: pd.Series, grades: Sequence[str]) -> tuple[np.ndarray, pd.Index]:
    """The place of each grade, NaN where none is given, and the rows of what is no grade."""
    places = {grade.upper(): float(at) for at, grade in enumerate(grades)}
    tidy = cells.str.strip().str.upper()
    known = tidy.isin(places)
    none = (tidy.isin(SYMBOLS | UNKNOWN_WORDS) | tidy.eq("")) & ~known
    return tidy.map(places).to_numpy(dtype=float), cells.index[(~known & ~none).to_numpy(bool)]


def _code_problems(file: str, codes: pd.Series, header: str) -> list[Problem]:
    problems = []
    for code, what, rows in (
        ("code_blank", "a school without a number", codes.eq("")),
        ("code_duplicated", "the same school twice", codes.duplicated() & codes.ne("")),
    ):
        found = codes.index[rows]
        if len(found):
            where = {"record": int(found[0]) + 1, "column": header, "more": len(found) - 1}
            problems.append(Problem(file, code, what, "correct it and export again", **where))
    return problems


def _numbers(cells: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """The numbers, NaN where none is given, and the rows of what is no number."""
    tidy = cells.str.strip().str.removesuffix("%").str.strip()
    read = [READERS["number"](cell, SCHOOLS["fsm_percent"])[:2] for cell in tidy]
    none = tidy.str.upper().isin(SYMBOLS | UNKNOWN_WORDS).to_numpy(bool)
    wrong = np.array([bool(code) for _, code in read], dtype=bool) & ~none
    return np.where(none, np.nan, [value for value, _ in read]).astype(float), cells.index[wrong]
