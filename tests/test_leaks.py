"""A value planted in any container is found; what is public is not; a finding never holds the value."""

from __future__ import annotations

import base64
import bz2
import contextlib
import datetime as dt
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
import zlib

import pandas as pd
import pytest
from fuzz.mutations import as_database
from hypothesis import example, given
from hypothesis import strategies as st

from geoplan import leaks
from geoplan.errors import InputRefused
from geoplan.io.leak_files import scan_file, scan_folder
from geoplan.leaks import KINDS, Leak, is_upn, scan_bytes

TODAY = dt.date(2026, 9, 15)
PLANTED = {
    "postcode": "ME7 1AB",
    "upn": "B801200005001",
    "birth_date": "12/05/2016",
    "coordinates": "51.38721, 0.54321",
    "official_sensitive": "OFFICIAL-SENSITIVE",
}
EACH = pytest.mark.parametrize(("kind", "value"), PLANTED.items())


def kinds(name: str, data: bytes, **options: object) -> set[str]:
    return {leak.kind for leak in scan_bytes(name, data, today=TODAY, **options)}


def zipped(members: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return memory.getvalue()


def page(inside: str) -> bytes:
    return f"<!DOCTYPE html><html><body><p>Pupils by area, 2026</p>{inside}</body></html>".encode()


def block(value: object, how: str = "gzip", name: str = "geoplan-layer-0123456789ab") -> bytes:
    text = json.dumps(value)
    packed = base64.b64encode(gzip.compress(text.encode())).decode() if how == "gzip" else text
    return page(f'<script type="text/plain" id="{name}" data-packing="{how}">{packed}</script>')


def pdf(content: bytes, packed: bool = True, extra: bytes = b"") -> bytes:
    stream = zlib.compress(content) if packed else content
    head = b"/Filter /FlateDecode " if packed else b""
    return b"%%PDF-1.7\n1 0 obj\n<< %s/Length %d >>\nstream\n%s\nendstream\nendobj\n%s%%%%EOF" % (
        head,
        len(stream),
        stream,
        extra,
    )


def workbook(value: str, how: str) -> bytes:
    import openpyxl
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"], sheet["A2"] = "Area", "North"
    if how == "cell":
        sheet["B2"] = value
    elif how == "comment":
        sheet["A2"].comment = Comment(value, "office")
    elif how == "hidden":
        other = book.create_sheet("More")
        other.sheet_state = "hidden"
        other["C9"] = value
    elif how == "metadata":
        book.properties.description = value
    memory = io.BytesIO()
    book.save(memory)
    return memory.getvalue()


def geopackage(value: str, deleted: bool = False) -> bytes:
    # the rows before and after stand in the file without anything between their columns
    rows = "".join(
        f"INSERT INTO t VALUES ({i}, 'Area {i}', '{value if i == 20 else 'none'}', 'Chatham');" for i in range(40)
    )
    script = f"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, note TEXT, place TEXT);{rows}"
    return as_database(script + ("DELETE FROM t WHERE id = 20;" if deleted else ""))


SECRET = {
    "text": lambda v: f"a note: {v}.".encode(),
    "UTF-8 with a mark": lambda v: f"a note {v}".encode("utf-8-sig"),
    "UTF-16": lambda v: f"a note {v}".encode("utf-16"),
    "UTF-16 without a mark": lambda v: f"a note {v} and more words".encode("utf-16-le"),
    "csv": lambda v: f'area,note\nNorth,"{v}"\n'.encode(),
    "tsv": lambda v: f"area\tnote\nNorth\t{v}\n".encode(),
    "json": lambda v: json.dumps({"a": [{"b": v}]}).encode(),
    "json lines": lambda v: (json.dumps({"b": v}) + "\n" + json.dumps({"b": 1})).encode(),
    "json escapes": lambda v: ('{"a": "' + "".join(f"\\u{ord(c):04x}" for c in v) + '"}').encode(),
    "geojson": lambda v: json.dumps(
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"n": v}, "geometry": None}]}
    ).encode(),
    "html text": lambda v: page(f"<td>{v}</td>"),
    "html attribute": lambda v: page(f'<td data-home="{v}">12</td>'),
    "html comment": lambda v: page(f"<!-- {v} -->"),
    "html entities": lambda v: page("".join(f"&#{ord(c)};" for c in v)),
    "html entities twice": lambda v: page("".join(f"&amp;#x{ord(c):x};" for c in v)),
    "html spaces": lambda v: page(v.replace(" ", "&nbsp;")),
    "html broken by tags": lambda v: page(f"<b>{v[:3]}</b>{v[3:]}"),
    "html script": lambda v: page(f"<script>var rows = [{{home: '{v}'}}];</script>"),
    "html json block": lambda v: block({"rows": ["x", v]}, "json"),
    "html gzip block": lambda v: block({"rows": [v] + ["padding"] * 900}),
    "html data address": lambda v: page(
        f'<a href="data:text/plain;base64,{base64.b64encode(f"the note is {v} and no more".encode()).decode()}">'
    ),
    "percent": lambda v: page('<a href="?q=' + "".join(f"%{ord(c):02X}" for c in v) + '">'),
    "zip": lambda v: zipped({"a/b.txt": v.encode()}),
    "zip in a zip": lambda v: zipped({"a.zip": zipped({"b.csv": f"x\n{v}\n".encode()})}),
    "gzip": lambda v: gzip.compress(v.encode()),
    "bzip2": lambda v: bz2.compress(v.encode()),
    "xz": lambda v: lzma.compress(v.encode()),
    "workbook cell": lambda v: workbook(v, "cell"),
    "workbook comment": lambda v: workbook(v, "comment"),
    "workbook hidden sheet": lambda v: workbook(v, "hidden"),
    "workbook metadata": lambda v: workbook(v, "metadata"),
    "rich text": lambda v: zipped(
        {
            "xl/sharedStrings.xml": f"<sst><si><r><t>{v[:4]}</t></r><r><rPr><b/></rPr><t>{v[4:]}</t></r></si></sst>".encode()  # noqa: E501
        }
    ),
    "database": geopackage,
    "pdf": lambda v: pdf(f"BT /F1 12 Tf 72 700 Td ({v}) Tj ET".encode()),
    "pdf plain": lambda v: pdf(f"BT ({v}) Tj ET".encode(), packed=False),
    "pdf pieces": lambda v: pdf(f"BT [({v[:3]}) -20 ({v[3:]})] TJ ET".encode()),
    "pdf hexadecimal": lambda v: pdf(f"BT <{v.encode().hex()}> Tj ET".encode()),
    "pdf metadata": lambda v: pdf(b"BT ET", extra=f"2 0 obj << /Subject ({v}) >> endobj\n".encode()),
}


@EACH
@pytest.mark.parametrize("how", SECRET)
def test_a_planted_value_is_found(how, kind, value):
    data = SECRET[how](value)
    assert kind in kinds("output", data)
    for leak in scan_bytes("output", data, today=TODAY):
        assert value not in repr(leak)


@pytest.mark.parametrize("how", SECRET)
def test_nothing_is_found_where_nothing_is(how):
    assert kinds("output", SECRET[how]("no such thing")) == set()


@pytest.mark.parametrize("kind", ["postcode", "upn"])
def test_deleted_rows_of_a_database_are_found(kind):
    assert kinds("old.gpkg", geopackage(PLANTED[kind], deleted=True)) == {kind}
    assert kinds("new.gpkg", geopackage("nothing", deleted=True)) == set()


def test_a_dropped_table_is_found():
    rows = "".join(f"INSERT INTO p VALUES ('B8012000{i:05d}', 'TN{i % 9 + 1} {i % 9}AB');" for i in range(500))
    data = as_database(
        f"CREATE TABLE keep (a TEXT); INSERT INTO keep VALUES ('x'); CREATE TABLE p (u TEXT, c TEXT);{rows}DROP TABLE p;"  # noqa: E501
    )
    assert "postcode" in kinds("old.gpkg", data)


def test_glyphs_of_a_pdf_are_read_through_the_font():
    value = PLANTED["postcode"]
    glyphs = {c: i for i, c in enumerate(dict.fromkeys(value), 1)}
    table = "".join(f"<{i:04x}> <{ord(c):04x}>\n" for c, i in glyphs.items())
    cmap = f"{len(glyphs)} beginbfchar\n{table}endbfchar".encode()
    shown = "".join(f"{glyphs[c]:04x}" for c in value)
    packed = zlib.compress(cmap)
    extra = b"3 0 obj << /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream endobj\n" % (len(packed), packed)
    assert kinds("a.pdf", pdf(f"BT <{shown}> Tj ET".encode(), extra=extra)) == {"postcode"}


# ----------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    "text",
    [
        "ME7 1AB",
        "me7 1ab",
        "ME71AB",
        "me71ab",
        "Me7 1ab",
        "ME7  1AB",
        "GIR 0AA",
        "W1A 0AX",
        "EC1A1BB",
        "M1-1AE",
        "ＭＥ７ １ＡＢ",
        "ME7\u20091AB",
        "M\u200bE7 1AB",
    ],
)
def test_postcodes_in_every_dress(text):
    assert kinds("a.txt", f"home: {text}".encode()) == {"postcode"}


@pytest.mark.parametrize(
    "text",
    [
        "ME7",
        "ME7 1",
        "ZZ99 3VZ",
        "QX7 1AB",
        "E01016083",
        "A123BD1",
        "#a123bd",
        "1ME7 1AB2",
        "S1 2nd",
        "ME7 1CK",
        "E12 12px",
        "H264AB9",
    ],
)
def test_what_only_looks_like_a_postcode(text):
    assert kinds("a.txt", f"note {text} end".encode()) == set()


def test_public_postcodes_are_allowed_in_any_spelling():
    data = b"school,postcode\nA,ME7 1AB\nB,me71ab\nC,TN1 1AA\n"
    assert scan_bytes("s.csv", data, public_postcodes=["me7 1ab"], today=TODAY) == (Leak("postcode", "s.csv", 1),)


@pytest.mark.parametrize(
    ("text", "answer"), [("B801200005001", True), ("C801200005001", False), ("Q207000016049", False)]
)
def test_the_check_letter_decides(text, answer):
    assert is_upn(text) is answer
    assert (kinds("a.txt", text.encode()) == {"upn"}) is answer


@pytest.mark.parametrize("text", ["b801200005001", "B 801 2000 05 001", "B801-2000-05001"])
def test_upns_in_every_dress(text):
    assert kinds("a.txt", f"x {text} y".encode()) == {"upn"}


@pytest.mark.parametrize(
    "text",
    [
        "2016-05-12",
        "2016/05/12",
        "12.05.2016",
        "12/5/16",
        "12 May 2016",
        "12th of May 2016",
        "May 12, 2016",
        "2016-05-12T00:00:00",
        "12-May-16",
        "DOB 01/05/2016",
        "born 2024-11-03",
        "date_of_birth: 20160512",
        "dob,31/03/2012",
    ],
)
def test_birth_dates_in_every_form(text):
    assert "birth_date" in kinds("a.txt", text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "as at 12/05/2016",
        "Census 2021-03-21",
        "21 March 2021",
        "1 September 2016",
        "31/08/2016",
        "published on 12 May 2016",
        "2025-11-12",
        "1950-05-12",
        "12/05",
        "version 3.05.2016.1",
        "2016",
        "updated 2015-06-17",
        "2016-05-19 school census",
        "99/99/2016",
    ],
)
def test_dates_of_data_are_not_birth_dates(text):
    assert kinds("a.txt", text.encode()) == set()


def test_a_series_over_the_same_days_is_not_of_births():
    rows = "".join(f"2022-06-{day},{school},3\n" for day in (14, 22) for school in range(30))
    assert kinds("rolls.csv", f"date,school,pupils\n{rows}".encode()) == set()
    assert kinds("rolls.csv", f"date,school,pupils\n{rows}2016-05-12,1,3\n".encode()) == {"birth_date"}


def test_birth_dates_as_a_spreadsheet_keeps_them():
    frame = pd.DataFrame({"area": ["a"], "Date of birth": [42502]})
    memory = io.BytesIO()
    frame.to_excel(memory, index=False)
    assert kinds("a.xlsx", memory.getvalue()) == {"birth_date"}
    assert kinds("a.csv", b"area;DOB\nx;20160512\n") == {"birth_date"}


@pytest.mark.parametrize(
    "text",
    [
        "51.38721,0.54321",
        "[0.54321, 51.38721]",
        '{"lat": 51.3872, "lon": 0.5432}',
        '{"easting": 576543, "northing": 168234}',
        "POINT (576543 168234)",
        "E 576543 N 168234",
        "easting,northing\n576543,168234\n",
        "x;y\n576543.2;168234.9\n",
        "TQ 7654 6823",
        '{"type":"Point","coordinates":[0.54321,51.38721]}',
        '{"type":"Feature","properties":{},"geometry":{"coordinates":[576543,168234],"type":"Point"}}',
        '{"type":"LineString","coordinates":[[0.54321,51.38721],[0.6,51.4]]}',
        '{"x": [60123, 60150], "y": [6690012, 6690200]}',
        '{"columns": [{"label": "Easting", "texts": ["576,543"]}, {"label": "Northing", "texts": ["168,234"]}]}',
    ],
)
def test_fine_coordinates_in_every_form(text):
    assert "coordinates" in kinds("a", text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "51.38, 0.54",
        "easting,northing\n576500,168200\n",
        '{"type":"Polygon","coordinates":[[[0.54321,51.38721],[0.6,51.4],[0.7,51.3],[0.54321,51.38721]]]}',
        "share,index\n0.12345,52.12345\n0.5,105.2\n",
        "population,households\n245123,103455\n",
        '{"x": 0, "y": 4, "width": 12.5}',
        "POLYGON ((576543 168234, 576600 168300, 576543 168234))",
        "map.fitBounds([[51.31234, 0.41234], [51.48234, 0.72345]], {});",
    ],
)
def test_what_is_no_home(text):
    assert kinds("a", text.encode()) == set()


def schools(extra: str = "", repeat: bool = False) -> bytes:
    rows = "".join(f"{100000 + (0 if repeat else i)},School {i},{576543 + i},168234\n" for i in range(5))
    return f"urn,name{extra},easting,northing\n{rows}".encode()


def test_points_of_schools_are_public_where_each_has_a_number_of_its_own():
    assert kinds("schools.csv", schools()) == set()
    assert kinds("pupils.csv", schools(repeat=True)) == {"coordinates"}


def point(i: int, **properties: object) -> dict:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": [0.54321 + i / 1000, 51.38721]},
    }


def test_points_of_a_layer():
    public = {"type": "FeatureCollection", "features": [point(i, urn=f"{100000 + i}", name="x") for i in range(4)]}
    homes = {"type": "FeatureCollection", "features": [point(i, urn="100000", fsm="Y") for i in range(4)]}
    assert kinds("a.geojson", json.dumps(public).encode()) == set()
    assert kinds("a.geojson", json.dumps(homes).encode()) == {"coordinates"}


SHAPES = {
    "codes": ["E01000001"],
    "names": ["A"],
    "origin": [60123, 6690012],
    "step": 0.5,
    "tolerance": 1,
    "together": True,
    "rings": [1],
    "lengths": [4],
    "dx": [0, 5, 0, -5],
    "dy": [0, 0, 5, 0],
    "cx": [60125],
    "cy": [6690013],
}
SCHOOLS = {
    "title": "Schools",
    "codeName": "URN",
    "codes": ["100001", "100002"],
    "names": ["A", "B"],
    "x": [60123, 60223],
    "y": [6690012, 6690111],
    "marks": [],
    "highlight": [],
    "columns": [],
    "details": [],
    "colour": "",
    "spot": "",
}


@pytest.mark.parametrize("how", ["json", "gzip"])
def test_declared_blocks_of_a_page(how):
    assert kinds("a.html", block(SHAPES, how, "geoplan-shapes-0123456789ab")) == set()
    assert kinds("a.html", block(SCHOOLS, how, "geoplan-schools-0123456789ab")) == set()
    assert kinds("a.html", block(SCHOOLS, how, "homes")) == {"coordinates"}
    assert kinds("a.html", block(SCHOOLS | {"codes": ["1", "2"]}, how, "geoplan-schools-0123456789ab")) == {
        "coordinates"
    }
    assert kinds("a.html", block(SHAPES | {"homes": [1]}, how, "geoplan-shapes-0123456789ab")) == {"coordinates"}
    single = SHAPES | {"lengths": [1, 1, 1, 1]}
    assert kinds("a.html", block(single, how, "geoplan-shapes-0123456789ab")) == {"coordinates"}


def test_points_of_a_geopackage(tmp_path):
    gpd = pytest.importorskip("geopandas")
    import shapely

    for name, shape, expected in (
        ("homes", shapely.Point(576543, 168234), {"coordinates"}),
        ("areas", shapely.box(0, 0, 9, 9), set()),
    ):
        path = tmp_path / f"{name}.gpkg"
        gpd.GeoDataFrame({"n": [1]}, geometry=[shape], crs=27700).to_file(path, engine="pyogrio")
        assert {leak.kind for leak in scan_file(path, today=TODAY)} == expected
        path = tmp_path / f"{name}.fgb"
        gpd.GeoDataFrame({"n": [1]}, geometry=[shape], crs=27700).to_file(path, engine="pyogrio")
        assert {leak.kind for leak in scan_file(path, today=TODAY)} == expected


def test_columns_of_a_folium_map_are_found():
    folium = pytest.importorskip("folium")
    made = folium.Map(location=[51.4, 0.5], tiles=None)
    features = [point(0, upn="B801200005001", home="ME7 1AB", fsm="Y")]
    folium.GeoJson({"type": "FeatureCollection", "features": features}).add_to(made)
    assert kinds("map.html", made.get_root().render().encode()) == {"upn", "postcode", "coordinates"}


# -------------------------------------------------------------------------------- files, and what cannot be read


def bomb() -> bytes:
    return gzip.compress(b"\0" * 40_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 not really",
        gzip.compress(b"x" * 999)[:-20],
        b"SQLite format 3\x00" + b"\x01" * 500,
        bomb(),
        zipped({"a": b"\0" * 40_000_000}),
        pdf(b"BT ET", extra=b"trailer << /Encrypt 5 0 R >>"),
        b"PAR1junk",
        b"fgb\x03junk",
    ],
    ids=["zip", "gzip", "database", "gzip bomb", "zip bomb", "locked pdf", "parquet", "layer"],
)
def test_what_cannot_be_looked_into_is_never_called_clean(data):
    with pytest.raises(InputRefused):
        scan_bytes("a", data, today=TODAY)


def test_a_zip_within_zips_has_an_end():
    data = b"x"
    for _ in range(12):
        data = zipped({"a": data})
    with pytest.raises(InputRefused):
        scan_bytes("a.zip", data)


def test_a_folder_is_looked_through_and_left_as_it_was(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_text("home\nME7 1AB\n")
    (tmp_path / ".hidden").write_text("B801200005001")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert scan_folder(tmp_path, today=TODAY) == (Leak("upn", ".hidden", 1), Leak("postcode", "sub/a.csv", 1))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    (tmp_path / "link").symlink_to("/")
    refused = []
    assert len(scan_folder(tmp_path, today=TODAY, refused=refused.append)) == 2
    assert [each.problems[0].code for each in refused] == ["file_unreadable"]


def test_names_of_files_are_looked_at_and_never_repeated(tmp_path):
    (tmp_path / "profile_ME7_1AB.html").write_text("nothing")
    (leak,) = scan_folder(tmp_path, today=TODAY)
    assert leak == Leak("postcode", "(name withheld)", 1)
    (leak,) = scan_bytes("a.zip", zipped({"ME7 1AB.csv": b"x"}), today=TODAY)
    assert "ME7" not in repr(leak)


def test_kinds_are_those_named():
    assert set(PLANTED) == set(KINDS)


def test_the_command(tmp_path, capsys):
    import typer
    from typer.testing import CliRunner

    from geoplan.cli.check_leaks import command

    app = typer.Typer()
    app.command("check-leaks")(command)
    path = tmp_path / "a.csv"
    path.write_text("area,n\nNorth,12\n")
    assert CliRunner().invoke(app, [str(path)]).exit_code == 0
    path.write_text("home\nME7 1AB\n")
    said = CliRunner().invoke(app, [str(path), "--json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout) == {"leaks": [{"kind": "postcode", "where": "a.csv", "count": 1}], "unreadable": []}
    (tmp_path / "public.txt").write_text("me7 1ab\n")
    assert CliRunner().invoke(app, [str(path), "--public-postcodes", str(tmp_path / "public.txt")]).exit_code == 0
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04")
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 3


def test_a_database_is_not_changed(tmp_path):
    path = tmp_path / "a.gpkg"
    path.write_bytes(geopackage("x"))
    before = path.read_bytes()
    scan_file(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (40,)


_OF_DATES = ["12", "5", "1", "31", "2016", "16", "/", "-", ".", " ", ",", "\n", "x", "of", "st", "th"]
_OF_DATES += ["T00:00:00Z", "May", "Ma", "sept", "September", "\u017fept", "\u0663"]


@given(st.lists(st.sampled_from(_OF_DATES), max_size=30).map("".join))
def test_dates_are_those_that_looking_at_each_character_finds(text):
    slow = [(match.span(), match.groupdict()) for match in leaks._DATE.finditer(text)]
    assert [(match.span(), match.groupdict()) for match in leaks.dates_in(text)] == slow


_OF_PLACES = ["51.38721", "0.5432", "57654", "1682345.2", "7654", "6823", "80120000", "TQ", "B", "x", "E", "lat"]
_OF_PLACES += ["north\u0131ng", ", ", ";", '"', "'", ":", "=", " ", "-", "\t"]


@pytest.mark.parametrize("quick, slow", [
    (leaks._TWO_DEGREES, leaks._DEGREES), (leaks._TWO_METRES, leaks._GRID_WORDS),
    (leaks._EIGHT_DIGITS, leaks._GRID_REFERENCE), (leaks._ELEVEN_DIGITS, leaks._UPN),
])  # fmt: skip
@given(text=st.lists(st.sampled_from(_OF_PLACES), max_size=12).map("".join))
@example(text="51.38721 lon: '0.54321")
@example(text="easting: 576543, North\u0131ng = 168234")
@example(text="TQ 7654 6823")
@example(text="B 801200005001")
def test_a_quick_look_never_misses_what_the_slow_one_finds(quick, slow, text):
    assert not slow.search(text) or quick.search(text)


@pytest.mark.parametrize(
    "word", ["POINT(1 2)", "po\u0131nt z ((1 2", "L\u0130NESTRING\t(1 2)", "l\u0131ne\u017ftring(1 2)"]
)
def test_a_quick_look_never_misses_a_point(word):
    assert leaks._POINT_TEXT.search(word) and leaks._may_say(word, leaks._SHAPES)


@pytest.mark.parametrize("word", ["born 1", "BORN", "b\u0131rth", "DoB", "D.O.B", "d. o. b", "date_of_b\u0130rth"])
def test_a_quick_look_never_misses_a_word_of_birth(word):
    assert leaks._BIRTH.search(word) and leaks._may_say(word, leaks._BORN)
