"""The analyst's sheets behind a head's page: the same protected numbers, with the index and its interval."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from geoplan.disclosure import Protected
from geoplan.reports.words import standings

if TYPE_CHECKING:
    from geoplan.reports.head import HeadReport

BASE_COLUMNS = ("base_count", "base_total", "base_share")


def analyst_sheets(report: HeadReport) -> dict[str, Protected | pd.DataFrame]:
    """Sheets for a workbook, or tables for CSV files.

    Parameters
    ----------
    report
        The head's report.

    Returns
    -------
    dict
        ``Profile`` (by segment: counts, shares, index and interval, and whether it stands out), ``Base``,
        ``Similar`` (public facts), ``Areas``, ``Changes`` (those that the report has) and ``Cautions``.
    """
    profile = report.profile
    sheets: dict[str, Protected | pd.DataFrame] = {
        "Profile": _columns(profile, [c for c in profile.table if c not in BASE_COLUMNS[:2]], standing=True),
        "Base": _columns(profile, ["name", *BASE_COLUMNS]),
        "Similar": _rounded(report.similar.drop(columns="school", errors="ignore").reset_index(drop=True)),
    }
    if report.homes is not None:
        homes = report.named_homes
        sheets["Areas"] = replace(homes, table=_rounded(homes.table))
    if report.changes is not None:
        sheets["Changes"] = _columns(report.changes, list(report.changes.table))
    lines = [("caution", line) for line in report.cautions] + [("trust", line) for line in report.trust]
    sheets["Cautions"] = pd.DataFrame(lines, columns=["kind", "text"])
    return sheets


def _columns(table: Protected, names: list[str], standing: bool = False) -> Protected:
    shown = _rounded(table.table[[name for name in names if name in table.table]].rename_axis("segment"))
    if standing:
        shown = shown.assign(standing=standings(table))
    hidden = table.hidden[[name for name in shown if name in table.hidden]]
    return Protected(shown, hidden, table.rule, table.base, table.units, table.printed)


def _rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """No more decimals than can mean anything: shares and distances between mixes 4, penetration 6, points, residuals
    and kilometres 1; people and indices whole; chances three figures, for none is nothing."""
    digits = {"penetration": 6, "distance": 4, "km": 1, "residual": 1}
    shown = frame.copy()
    for column in frame.select_dtypes("float"):
        if column in ("p", "q"):
            shown[column] = [float(f"{value:.3g}") for value in frame[column]]
            continue
        few = digits.get(column, 4 if "share" in column else 1 if column.endswith("_points") else 0)
        shown[column] = frame[column].round(few) if few else frame[column].round().astype("Int64")
    return shown
