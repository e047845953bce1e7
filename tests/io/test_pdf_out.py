"""The PDF of a head's page: one sheet of A4, tagged, its pictures described, the same bytes every time."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from reporting import OTHER, full_report, medway

from geoplan.io.pdf_out import PdfUnavailable, pdf_bytes, write_pdf
from geoplan.leaks import scan_bytes
from geoplan.reports import cluster_page


@pytest.fixture(scope="module")
def reader():
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint cannot be loaded ({error.__class__.__name__}): pip install geoplan[pdf], and Pango")
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed: pip install geoplan[test]")
    return lambda data: pypdf.PdfReader(io.BytesIO(data))


def structure(pdf) -> list[tuple[str, str]]:
    """Every element of the structure tree: its kind, and its alternative text."""
    found, waiting = [], [pdf.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        if not hasattr(node, "get"):
            continue
        if "/S" in node:
            found.append((str(node["/S"]), str(node.get("/Alt", ""))))
        kids = node.get("/K", [])
        kids = kids.get_object() if hasattr(kids, "get_object") else kids
        waiting += [kid for kid in (kids if isinstance(kids, list) else [kids]) if hasattr(kid, "get_object")]
    return found


def test_a_full_report_is_one_page_of_a4_with_title_language_and_tags(reader):
    pdf = reader(pdf_bytes(full_report()))
    root = pdf.trailer["/Root"]
    assert len(pdf.pages) == 1
    assert [round(float(side)) for side in pdf.pages[0].mediabox[2:]] == [595, 842]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == "Samphire Way Primary School: who comes, and from where"
    assert b"pdfuaid" in root["/Metadata"].get_data()


def test_every_picture_has_its_text_and_headings_and_tables_are_tagged(reader):
    found = structure(reader(pdf_bytes(full_report())))
    kinds = {kind for kind, _ in found}
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/Caption", "/L", "/Figure"} <= kinds
    pictures = [text for kind, text in found if kind == "/Figure"]
    assert len(pictures) == 8 + 1 + 4 and all(pictures)
    assert sum(kind == "/H1" for kind, _ in found) == 1


def test_nothing_is_cropped_the_last_line_is_on_the_page(reader):
    text = reader(pdf_bytes(full_report())).pages[0].extract_text()
    assert "Small numbers are protected" in text and "Schools: Medway (invented)" in text.replace("\n", " ")


def test_long_names_still_fit_one_page(reader):
    report = full_report(OTHER)
    name = "The Blessed Trinity and All Saints Church of England Voluntary Aided Primary School and Nursery"
    long = replace(
        report,
        name=name,
        similar=report.similar.assign(name=name),
        profile=replace(report.profile, table=report.profile.table.assign(name="Low-Skilled Student Communities")),
        cautions=("About 12 in 100 of your pupils live in homes built since 2021, and may be in the wrong group.",) * 9,
        marking=f"For the head of school {OTHER} only",
    )
    assert len(reader(pdf_bytes(long)).pages) == 1


def test_the_same_report_gives_the_same_bytes_and_no_personal_value(reader):
    first, second = pdf_bytes(full_report()), pdf_bytes(full_report())
    assert first == second
    assert scan_bytes("report.pdf", first) == ()


def test_a_cluster_lies_on_its_side(reader, tmp_path):
    page = cluster_page(medway().shared, medway().tables, cluster="Chatham")
    data = write_pdf(page, tmp_path / "cluster.pdf").read_bytes()
    box = reader(data).pages[0].mediabox
    assert box.width > box.height


def test_without_weasyprint_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(PdfUnavailable, match=r"pip install geoplan\[pdf\]"):
        pdf_bytes(full_report())
