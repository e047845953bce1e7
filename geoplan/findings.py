"""What was noticed while reading records, and what became of each: the accounts that must balance.

A finding is one row: ``record``, ``column``, ``code`` (see :mod:`geoplan.reasons`), ``rule`` (how it was
mended, or ""). It never holds a value. Every record ends as accepted, repaired, rejected or blank, and
the four add up to the records read.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from geoplan.reasons import REASONS

COLUMNS = ("record", "column", "code", "rule")
OUTCOMES = ("accepted", "repaired", "blank", "rejected")  # from the mildest to the gravest
#: Codes of records that could not be read as a row at all: nothing more is said of their cells.
ROW_CODES = (
    "record_blank",
    "ragged_row",
    "quote_unclosed",
    "row_damaged",
    "row_unfinished",
    "header_repeated",
    "footer_row",
)
_GRAVITY = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}


def no_findings() -> pd.DataFrame:
    """An empty table of findings."""
    return pd.DataFrame({"record": pd.Series(dtype="int64")} | {c: pd.Series(dtype="str") for c in COLUMNS[1:]})


def findings(records: Iterable[int], column: str, code: str, rule: str = "") -> pd.DataFrame:
    """One finding for each of ``records``.

    Examples
    --------
    >>> findings([4, 9], "PostCode", "postcode_blank")["record"].tolist()
    [4, 9]
    """
    table = pd.DataFrame({"record": np.asarray(list(records), dtype="int64")})
    return table.assign(column=column, code=code, rule=rule)


def gather(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Several tables of findings as one, by record."""
    filled = [table for table in tables if len(table)]
    if not filled:
        return no_findings()
    return pd.concat(filled, ignore_index=True).sort_values("record", kind="stable", ignore_index=True)


def outcome_of(records: pd.Series | np.ndarray, found: pd.DataFrame) -> pd.Categorical:
    """What became of each record: the gravest outcome among its findings, accepted where there is none."""
    records = np.asarray(records)
    worst = np.zeros(len(records), dtype=np.int8)
    if len(found):
        codes = pd.Categorical(found["code"])
        gravity = np.array([_GRAVITY.get(REASONS[code].outcome, 0) for code in codes.categories], dtype=np.int8)
        places = pd.Index(records).get_indexer(found["record"])
        np.maximum.at(worst, places[places >= 0], gravity[codes.codes][places >= 0])
    return pd.Categorical.from_codes(worst, categories=list(OUTCOMES))


def count_outcomes(outcomes: pd.Categorical) -> dict[str, int]:
    """Records by outcome, all four named; they add up to the records read."""
    counts = pd.Series(outcomes).value_counts()
    return {name: int(counts.get(name, 0)) for name in ("accepted", "repaired", "rejected", "blank")}


def count_reasons(found: pd.DataFrame) -> dict[str, int]:
    """Records by reason code, codes in order; a record with several is counted under each."""
    counts = found.drop_duplicates(["record", "code"])["code"].value_counts()
    return {str(code): int(count) for code, count in sorted(counts.items())}


def problem_entries(found: pd.DataFrame) -> list[dict]:
    """One entry for each record that is not plainly accepted, as the JSON report gives it.

    Each has ``record``, ``outcome``, ``column`` (of the gravest finding), ``codes`` (gravest first), ``columns``
    (one for each code) and ``rule`` (how the record was mended, or "").
    """
    if not len(found):
        return []
    ranks = found["code"].map(lambda code: _GRAVITY.get(REASONS[code].outcome, 0))
    ordered = found.assign(gravity=ranks).sort_values(["record", "gravity"], ascending=[True, False], kind="stable")
    entries: dict[int, dict] = {}
    rows = zip(ordered["record"], ordered["column"], ordered["code"], ordered["rule"], ordered["gravity"], strict=True)
    for record, column, code, rule, gravity in rows:
        if gravity == 0:
            continue
        entry = entries.get(record)
        if entry is None:
            outcome = OUTCOMES[gravity]
            entries[record] = {
                "record": int(record),
                "outcome": outcome,
                "column": column,
                "codes": [code],
                "columns": [column],
                "rule": rule,
            }
            continue
        if (code, column) not in zip(entry["codes"], entry["columns"], strict=True):
            entry["codes"].append(code)
            entry["columns"].append(column)
        if rule and rule not in entry["rule"]:
            entry["rule"] = "; ".join(part for part in (entry["rule"], rule) if part)
    return list(entries.values())
