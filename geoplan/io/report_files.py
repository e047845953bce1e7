"""The files of a head's report: the page, the PDF, and what the analyst works with."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geoplan.areas import Boundaries
from geoplan.io.geopackage_out import geopackage_bytes
from geoplan.io.outputs import csv_bytes
from geoplan.io.pdf_out import pdf_bytes
from geoplan.io.workbook_out import about_lines, workbook_bytes
from geoplan.reports.analyst import analyst_sheets
from geoplan.reports.head import HeadReport
from geoplan.reports.words import HOW_TO_READ

FORMS = ("html", "pdf", "xlsx", "csv", "gpkg")


def report_files(
    report: HeadReport, boundaries: Boundaries | None = None, forms: Sequence[str] = ("html", "xlsx", "csv", "gpkg")
) -> dict[str, bytes]:
    """The bytes of a report's files by name, for a :class:`~geoplan.io.releases.Release` or a folder.

    Parameters
    ----------
    report
        The head's report.
    boundaries
        The areas, for the GeoPackage; without them (or without homes) there is none.
    forms
        Which of ``html``, ``pdf`` (needs the extra ``geoplan[pdf]``), ``xlsx``, ``csv``, ``gpkg``.

    Returns
    -------
    dict
        ``report.html``, ``report.pdf``, ``figures.xlsx``, ``profile.csv`` and so on, ``areas.gpkg``.

    Raises
    ------
    ValueError
        If a form is not known.
    """
    unknown = sorted(set(forms) - set(FORMS))
    if unknown:
        raise ValueError(f"forms {', '.join(unknown)} are not known; there are {', '.join(FORMS)}")
    files: dict[str, bytes] = {}
    if "html" in forms:
        files["report.html"] = report.to_html().encode("utf-8")
    if "pdf" in forms:
        files["report.pdf"] = pdf_bytes(report)
    sheets = analyst_sheets(report) if {"xlsx", "csv"} & set(forms) else {}
    if "xlsx" in forms:
        files["figures.xlsx"] = workbook_bytes(sheets, _about(report), report.sources, "figures.xlsx")
    if "csv" in forms:
        for title, table in sheets.items():
            files[f"{title.lower()}.csv"] = csv_bytes(_with_signs(table))
    if "gpkg" in forms and boundaries is not None and report.homes is not None:
        layers = {"Where pupils live": report.homes}
        files["areas.gpkg"] = geopackage_bytes(boundaries, layers, report.sources)
    return files


def workbook_words(report: HeadReport) -> pd.DataFrame:
    """The texts of a report's workbook that are no table of its page, for the comparison of its bytes."""
    lines = about_lines(analyst_sheets(report), _about(report), report.sources)
    return pd.DataFrame(lines, columns=["part", "text"])


def _about(report: HeadReport) -> tuple[str, ...]:
    return (f"{report.name} ({report.school}): {report.marking or 'public'}", *HOW_TO_READ)


def _with_signs(table) -> pd.DataFrame:
    """A table as it is printed: ``c`` where a number is hidden, its codes first."""
    if isinstance(table, pd.DataFrame):
        return table
    shown = table.table.astype(object)
    for column in shown:
        shown[column] = shown[column].mask(table.is_hidden(column).to_numpy(dtype=bool), "c")
    return shown.rename_axis(table.table.index.name or "code").reset_index()
