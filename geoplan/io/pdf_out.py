"""Reports as PDF for A4 paper: tagged, so that a screen reader can read them, and the same bytes every time.

WeasyPrint makes them, without a browser; it comes with the extra ``geoplan[pdf]`` and is loaded only when a PDF is
wanted. Nothing is fetched: a page that asks for anything outside itself is refused.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from geoplan.errors import GeoplanError
from geoplan.io.outputs import write_bytes

if TYPE_CHECKING:
    from weasyprint.text.fonts import FontConfiguration

VARIANT = "pdf/ua-1"


class PdfUnavailable(GeoplanError, ImportError):
    """A PDF was wanted, and what makes it is not installed."""


def write_pdf(report: object, path: str | os.PathLike, private: bool = False) -> Path:
    """Write a report as PDF, whole or not at all; see :func:`pdf_bytes`."""
    return write_bytes(path, pdf_bytes(report), private)


def pdf_bytes(report: object) -> bytes:
    """A report as PDF/UA.

    Parameters
    ----------
    report
        Anything with ``to_html()``: a :class:`~geoplan.reports.HeadReport` or
        :class:`~geoplan.reports.ClusterPage`.

    Returns
    -------
    bytes
        Equal for equal reports. Title, language and the texts of pictures are in it, and its structure is tagged.

    Raises
    ------
    PdfUnavailable
        If WeasyPrint, or the Pango library that it needs, is not installed.

    References
    ----------
    ISO 14289-1, PDF/UA-1.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise PdfUnavailable(
            "PDF needs WeasyPrint: pip install geoplan[pdf] (and on Linux the package libpango-1.0-0). "
            "Without it, open the .html file and print it: it is laid out for A4"
        ) from error
    page = weasyprint.HTML(string=report.to_html(), url_fetcher=_refuse)
    return page.write_pdf(pdf_variant=VARIANT, font_config=_fonts())


@cache
def _fonts() -> FontConfiguration:
    """Looked up once for all reports of a run."""
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


def _refuse(url: str, *_: object, **__: object) -> dict:
    raise ValueError("a report asks for nothing outside itself")
