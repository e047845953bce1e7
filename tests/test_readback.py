"""What a file says is what its tables print: planted figures are seen, wherever a renderer puts them."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pandas as pd
import pytest
from conftest import make_boundaries
from test_protection import COUNTS, borough, schools

from geoplan.books import community_book, place_book
from geoplan.disclosure import Protected, protect, rule_for
from geoplan.evidence import PrintedTable
from geoplan.io.outputs import table_csv
from geoplan.io.releases import facts_in, tables_in
from geoplan.protection import protect_place
from geoplan.readback import Shown, check_bytes, check_printed

TABLE = protect(pd.DataFrame({"pupils": [40, 4, 0]}, index=["a", "b", "c"]), counts=["pupils"])


@pytest.fixture(scope="module", params=["public", "school:900001"])
def pages(request):
    """The two standard pages of the borough for an audience, with what they were made from."""
    rule = rule_for(request.param)
    tables = protect_place(borough(COUNTS), make_boundaries(), rule, homes=["900003"])
    books = (
        place_book(borough(COUNTS), schools(), make_boundaries(), "Borough", rule, tables),
        community_book(borough(COUNTS), schools(), make_boundaries(), "900003", rule, tables),
    )
    return [(book.to_html(), Shown(tables_in(book), facts_in(book))) for book in books]


def check(text: str, shown: Shown) -> tuple[str, ...]:
    return check_bytes("page.html", "html", text.encode(), shown).problems


def test_the_pages_as_they_are_have_no_other_figures(pages):
    for text, shown in pages:
        found = check_bytes("page.html", "html", text.encode(), shown)
        assert found.problems == () and found.figures > 50


def test_every_count_in_a_table_that_is_changed_is_seen(pages):
    """Each cell of the visible tables becomes an exact number, one at a time."""
    for text, shown in pages:
        cells = list(re.finditer(r"<td[^>]*>(?:c|[1-9]\d*%?)</td>", text))
        assert len(cells) > 5
        for cell in cells:
            planted = re.sub(r">(?:c|\d+)(%?)<", r">23\1<", cell[0])
            if re.search(r"<td[^>]*>90000\d</td>", cell[0]):
                continue  # a school's number
            assert check(text[: cell.start()] + planted + text[cell.end() :], shown), cell[0]


def test_every_figure_that_the_script_draws_from_is_seen(pages):
    """The data blocks: texts of areas, shades, texts and bars of the cards."""
    text, shown = pages[0]
    start = r'(<script type="[a-z/]+" id="geoplan-(layer|schools)-[^>]*packing=")'
    block = re.compile(start + r'(\w+)">(.*?)(</script>)', re.S)
    seen = {"layer": 0, "schools": 0}
    for match in block.finditer(text):
        for change in (_exact_text, _other_shade, _longer_bar, _sentence):
            value = json.loads(unpacked(*match.group(3, 4)))
            if change(value):
                planted = f'{match[1]}json">{json.dumps(value)}{match[5]}'
                assert check(text[: match.start()] + planted + text[match.end() :], shown), (match[2], change.__name__)
                seen[match[2]] += 1
    assert seen["layer"] >= 4 and seen["schools"] >= 2


def unpacked(how: str, text: str) -> str:
    return text if how == "json" else gzip.decompress(base64.b64decode(text)).decode()


def _exact_text(value: dict) -> bool:
    for column in value["columns"]:
        for at, each in enumerate(column["texts"]):
            if each == "c" or (not column["words"] and each.isdigit() and each != "0"):
                column["texts"][at] = "37"
                return True
    return False


def _other_shade(value: dict) -> bool:
    texts = value["columns"][0]["texts"] if "classes" in value else []
    twice = [at for at, text in enumerate(texts) if texts.count(text) > 1]
    if twice:
        value["classes"][twice[0]] += 1
    return bool(twice)


def _longer_bar(value: dict) -> bool:
    for blocks in value.get("details", ()):
        for block in blocks:
            for row in block.get("rows", ()):
                if row["parts"] and row["parts"][0]["height"] == 14 and row["parts"][0]["width"]:
                    row["parts"][0]["width"] += 1.5
                    return True
    return False


def _sentence(value: dict) -> bool:
    for blocks in value.get("details", ()):
        for block in blocks:
            if block.get("kind") == "text":
                block["text"] += " 3 pupils come from Harbour."
                return True
    return False


@pytest.mark.parametrize("words", ["3 pupils live here", "exactly 4 people", "34.56% of them"])
def test_a_count_or_share_in_the_finding_is_seen(pages, words):
    for text, shown in pages:
        assert check(re.sub(r'(<p class="finding">)', rf"\g<1>{words}. ", text), shown)


def test_figures_of_one_column_do_not_pass_for_another():
    frame = pd.DataFrame({"E": [40, 4], "G": [25, 60]}, index=["a", "b"])
    shown = Shown((protect(frame, counts=["E", "G"]),))
    assert check_bytes("t.csv", "csv", b"code,E,G\na,40,25\nb,c,60\n", shown).problems == ()
    assert check_bytes("t.csv", "csv", b"code,E,G\na,40,25\nb,60,60\n", shown).problems  # the hidden one, as another
    assert check_bytes("t.csv", "csv", b"code,E,G\nb,40,60\na,c,25\n", shown).problems  # in another row


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("csv", b"code,pupils\na,40\nb,c\nc,0\n", b"code,pupils\na,41\nb,c\nc,0\n"),
        ("json", b'[{"code": "a", "pupils": 40}, {"code": "b", "pupils": "c"}]', b'[{"code": "b", "pupils": 4}]'),
        ("json", b'{"areas": {"code": "a", "pupils": 40.0}}', b'{"areas": {"code": "a", "pupils": 41}}'),
        ("text", b"nothing to count", b"41 pupils"),
    ],
)
def test_each_format_is_read_back(kind, good, bad):
    assert check_bytes(f"t.{kind}", kind, good, Shown((TABLE,))).problems == ()
    assert check_bytes(f"t.{kind}", kind, bad, Shown((TABLE,))).problems


@pytest.mark.parametrize("kind", ["pdf", "png", "gpkg", "xlsx"])
def test_what_cannot_be_read_back_is_refused_in_words(kind):
    assert "cannot be read back" in check_bytes(f"t.{kind}", kind, b"\x00", Shown((TABLE,))).problems[0]


def test_a_protected_table_must_be_what_the_gate_read():
    cells = (("a", "E"), ("a", "G"), ("b", "E"), ("b", "G"))
    printed = PrintedTable("t", ("ward", "segment"), cells, ("40", "c", "25", "60"))
    frame = pd.DataFrame({"E": [40.0, 25.0], "G": [None, 60.0]}, index=pd.Index(["a", "b"], name="ward"))
    honest = Protected(frame, frame.isna(), printed=(printed,))
    assert check_printed([honest]) == []
    for column, row, value in (("E", "a", 41.0), ("G", "a", 7.0), ("G", "b", 25.0)):
        slipped = frame.copy()
        slipped.loc[row, column] = value
        assert check_printed([Protected(slipped, slipped.isna(), printed=(printed,))])


def test_schools_with_a_base_each_are_read_one_by_one():
    cells = (("East", "E"), ("East", "G"), ("West", "E"), ("West", "G"))
    printed = PrintedTable("t", ("cluster", "segment"), cells, ("40", "30", "25", "60"))
    rows = pd.MultiIndex.from_product([["a", "b"], ["E", "G"]], names=["school", "segment"])
    frame = pd.DataFrame({"base_count": [25.0, 60.0, 40.0, 30.0]}, index=rows)
    assert check_printed([Protected(frame, frame.isna(), printed=(printed,))]) == []
    for at, value in ((0, 40.0), (3, 31.0), (1, None)):  # of the other cluster, of nobody, and one left out
        slipped = frame.copy()
        slipped.iloc[at, 0] = value
        hidden = pd.DataFrame(False, rows, frame.columns)
        assert check_printed([Protected(slipped, hidden, printed=(printed,))])


def test_the_csv_of_a_table_reads_back():
    found = check_bytes("t.csv", "csv", table_csv(TABLE), Shown((TABLE,)))
    assert found.problems == () and found.figures >= 3
