"""What a cell says: text read as a value of the type that its column declares, never guessed.

Each reader gives a value, a reason code ("" if all is well) and a rule (how it was mended, or "").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

UNKNOWN = "unknown"

#: Words that say "not known" in every column of choices or codes; they are read as unknown, without a finding.
UNKNOWN_WORDS = frozenset(
    [
        "", "NA", "N/A", "NAN", "NULL", "NONE GIVEN", "UNKNOWN", "NOT KNOWN", "NOT APPLICABLE", "DOES NOT APPLY",
        "NOT OBTAINED", "NOT GIVEN", "REFUSED", "REFU", "REF", "NOBT", "NOT", "ZZZ", "ZZ", "Z", "U", "?", "-", "--",
        ".", "..", "MISSING", "BLANK", "INFORMATION NOT YET OBTAINED",
    ]
)  # fmt: skip


class Kind(Protocol):
    """What a reader needs to know of a column (:class:`geoplan.columns.Column`)."""

    type: str
    values: Mapping[str, tuple[str, ...]]


Outcome = tuple[object, str, str]  # value, reason code or "", rule or ""


def _tidy(text: str) -> str:
    """Capitals, single spaces, and without the ``.0`` that spreadsheets add to whole numbers."""
    text = " ".join(unicodedata.normalize("NFKC", text).split()).upper()
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def _choice(text: str, column: Kind) -> Outcome:
    tidy = _tidy(text)
    for value, codings in column.values.items():
        if tidy in codings:
            return value, "", ""
    return UNKNOWN, "" if tidy in UNKNOWN_WORDS else "value_unknown", ""


_YEARS = frozenset(["R", "N1", "N2", "E1", "E2", "X", *map(str, range(1, 15))])


def _year(text: str, column: object = None) -> Outcome:
    tidy = re.sub(r"^(NATIONAL CURRICULUM |NC ?)?(YEAR|YR|Y)[ .:_-]*(GROUP )?(?=.)", "", _tidy(text))
    tidy = {"RECEPTION": "R", "REC": "R", "RECEP": "R", "NURSERY 1": "N1", "NURSERY 2": "N2"}.get(tidy, tidy)
    if tidy.isascii() and tidy.isdigit():
        tidy = "R" if int(tidy[:4]) == 0 and len(tidy) < 4 else str(int(tidy)) if len(tidy) < 4 else tidy
    if tidy in _YEARS:
        return tidy, "", ""
    return UNKNOWN, "" if tidy in UNKNOWN_WORDS else "value_unknown", ""


def _language(text: str, column: object = None) -> Outcome:
    """EAL from a first language."""
    tidy = _tidy(text)
    if tidy in UNKNOWN_WORDS:
        return UNKNOWN, "", ""
    if tidy in {"ENG", "ENB", "ENGLISH", "BELIEVED TO BE ENGLISH"}:
        return "no", "", ""
    return ("yes", "", "") if re.fullmatch(r"[^\W\d_][^\d_]{2,}", tidy) else (UNKNOWN, "value_unknown", "")


def _label(text: str, column: object = None) -> Outcome:
    tidy = " ".join(text.split())
    if tidy.upper() in UNKNOWN_WORDS:
        return UNKNOWN, "", ""
    return (tidy.upper() if re.fullmatch(r"[A-Za-z]{1,5}", tidy) else tidy), "", ""


_MONTHS = {
    name: i + 1
    for i, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
}


def _date(text: str, column: object = None) -> Outcome:
    """An ISO date, or unknown; two-digit years and spreadsheet serial numbers are not guessed at."""
    tidy = _tidy(text)
    if tidy in UNKNOWN_WORDS:
        return "", "", ""
    match = re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)([T ][\d:.]+Z?)?", tidy)
    parts = match.group(1, 2, 3) if match else None
    if not parts and (match := re.fullmatch(r"(\d\d?)[/.-](\d\d?)[/.-](\d{4})([T ][\d:.]+Z?)?", tidy)):
        parts = match.group(3, 2, 1)
    if not parts and (match := re.fullmatch(r"(\d\d?)[ -]([A-Z]{3})[A-Z]*[ -](\d{4})", tidy)):
        parts = (match[3], str(_MONTHS.get(match[2], 0)), match[1])
    try:
        year, month, day = (int(part) for part in parts or ("0", "0", "0"))
        date = pd.Timestamp(year=year, month=month, day=day)
        if not 1900 <= date.year <= 2100:
            raise ValueError
    except ValueError:
        return "", "date_malformed", ""
    return date.date().isoformat(), "", ""


def _as_number(text: str) -> float | None:
    """The number a text states, NaN where it says "not known", None where it is no number."""
    tidy = _tidy(text)
    if tidy in UNKNOWN_WORDS:
        return float("nan")
    tidy = re.sub(r"^(-?\d{1,3})((,\d{3})+)(?=\.|$)", lambda m: m[1] + m[2].replace(",", ""), tidy)
    return float(tidy) if len(tidy) < 30 and re.fullmatch(r"-?\d+(\.\d+)?", tidy, re.ASCII) else None


def _number_value(text: str, column: Kind) -> Outcome:
    number = _as_number(text)
    return (float("nan"), "number_malformed", "") if number is None else (number, "", "")


def _whole(text: str, column: Kind) -> Outcome:
    number = _as_number(text)
    if number is None or number < 0 or number > 1e9 or (number == number and number != int(number)):
        return pd.NA, "number_malformed", ""
    return (pd.NA if number != number else int(number)), "", ""


_HIDDEN_COUNT = re.compile(r"(C|K|LOW|Z|X|U|S|\*+|\.\.|:|SUPP(RESSED)?|[<\u2264] ?=? ?\d+|\d+ ?(-|TO) ?\d+)", re.ASCII)


def _count(text: str, column: Kind) -> Outcome:
    """A count of people, perhaps estimated; one that is hidden is missing, and said; one below zero is refused."""
    tidy = _tidy(text)
    number = _as_number(text)
    if number is None or number != number:
        if _HIDDEN_COUNT.fullmatch(tidy):
            return float("nan"), "count_hidden", ""
        return float("nan"), "" if tidy in UNKNOWN_WORDS else "number_malformed", ""
    if number < 0:
        return float("nan"), "value_impossible", ""
    return (number, "", "") if number <= 1e9 else (float("nan"), "number_malformed", "")


def _text(text: str, column: Kind) -> Outcome:
    return " ".join(text.split()), "", ""


def _code(text: str, column: object = None) -> Outcome:
    """A code as text; ``900001.0`` is mended, and said."""
    tidy = " ".join(unicodedata.normalize("NFKC", text).split()).upper()
    if tidy in UNKNOWN_WORDS:
        return "", "", ""
    if match := re.fullmatch(r"(\d+)\.0+", tidy):
        return match[1], "code_repaired", "the .0 of a spreadsheet removed"
    if re.fullmatch(r"[+-]?\d+([.,]\d+)?E[+-]?\d+", tidy):
        return "", "code_damaged", "read as unknown"
    return tidy, "", ""


def _ids(texts: pd.Series) -> tuple[pd.Series, np.ndarray, str | np.ndarray, str | np.ndarray]:
    """Identifiers in capitals without spaces; damaged ones emptied, so that they are never compared."""
    tidy = texts.str.strip().str.upper()
    damaged = tidy.str.match(
        r"^[+-]?\d+([.,]\d+)?E[+-]?\d+$|^#+$|^#(N/A|REF!|VALUE!|NAME\?|NUM!|NULL!|DIV/0!)$"
    ).to_numpy(bool)
    number = tidy.str.endswith(".0").to_numpy(bool)
    if number.any():
        number = number & tidy.str.match(r"^\d+\.0$").to_numpy(bool)
        tidy = tidy.mask(number, tidy.str.removesuffix(".0"))
    none = tidy.isin([word for word in UNKNOWN_WORDS if word]).to_numpy(bool)
    tidy = tidy.mask(damaged | none, "")
    rows = np.flatnonzero(damaged | number)
    return (
        tidy,
        rows,
        np.where(damaged[rows], "id_damaged", "code_repaired"),
        np.where(damaged[rows], "not used to find copies", "the .0 of a spreadsheet removed"),
    )


def _postcodes(texts: pd.Series) -> tuple[pd.Series, np.ndarray, str, str]:
    return texts, np.empty(0, dtype="int64"), "", ""


READERS: dict[str, Callable] = {
    "choice": _choice,
    "year": _year,
    "language": _language,
    "label": _label,
    "date": _date,
    "whole": _whole,
    "people": _count,
    "number": _number_value,
    "metres": _number_value,
    "text": _text,
    "school": _code,
    "code": _code,
    "id": _ids,
    "postcode": _postcodes,
}
BY_UNIQUE = frozenset(READERS) - {"id", "postcode"}
DTYPES = {"whole": "Int64", "number": "float64", "metres": "float64", "people": "float64"}

_WHOLE_POSTCODE = re.compile(r"\s*[A-Za-z]{1,2}[0-9][A-Za-z0-9]?\s*[0-9][A-Za-z]{2}\s*", re.ASCII)


def is_whole(text: str, column: Kind, others: Iterable[str] = ()) -> bool:
    """Whether a last cell without a line end cannot be the beginning of another value.

    A file may have been cut in the middle of its last cell. The cell is used only where nothing longer could
    mean something else: a postcode of full shape, a choice whose every longer spelling means the same ("N" may be
    cut from "NULL", and missing is not "no"), a code as long as all the others. An empty cell never is.

    Examples
    --------
    >>> from geoplan.columns import PUPILS
    >>> is_whole("ME4 4AA", PUPILS["postcode"]), is_whole("ME4 4A", PUPILS["postcode"])
    (True, False)
    >>> is_whole("7", PUPILS["year_group"]), is_whole("1", PUPILS["year_group"]), is_whole("Y", PUPILS["fsm"])
    (True, False, True)
    >>> is_whole("900001", PUPILS["school"], ["900002", "900003"]), is_whole("9000", PUPILS["school"], ["900002"])
    (True, False)
    """
    tidy = _tidy(text)
    if not tidy:
        return False
    if column.type == "postcode":
        return bool(_WHOLE_POSTCODE.fullmatch(text))
    if column.type == "year":
        spelled = [f"{word}{year}" for year in _YEARS for word in ("", "YEAR ", "YR ", "Y")] + ["RECEPTION"]
        return _year(text)[1] == "" and {_year(s)[0] for s in spelled if s.startswith(tidy)} == {_year(text)[0]}
    if column.type == "date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}", tidy))
    if column.type == "choice":
        spelled = {coding: value for value, codings in column.values.items() for coding in codings}
        spelled |= dict.fromkeys(UNKNOWN_WORDS - {"", *spelled}, UNKNOWN)
        meant = {value for coding, value in spelled.items() if coding.startswith(tidy)}
        return tidy in spelled and len(meant) == 1
    others = {_tidy(other) for other in others} - {""}
    if column.type in {"label", "language"}:  # the census has codes of four and of three letters
        size = 4 if column.type == "label" else 3
        return len(tidy) == size and tidy.isalpha() and {len(other) for other in others} == {size}
    return column.type in {"school", "code", "id"} and {len(other) for other in others} == {len(tidy)}
