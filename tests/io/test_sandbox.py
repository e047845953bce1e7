"""A crash, a hang or a hostile file in the child is a refusal here; nothing is reached or changed, no child left."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import struct
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fuzz.mutations import good_csv, good_geojson, good_layer, good_shapefile

from geoplan.errors import InputRefused, Problem
from geoplan.io import sandbox
from geoplan.io.files import read_bytes
from geoplan.io.people import read_pupils
from geoplan.io.sandbox import decode, encode, parse_guarded, read_layer_guarded, run_guarded

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
HERE = __name__


# what the child runs: top-level functions, found by name


def give_back(value):
    return value


def crash():
    os.abort()


def sleep_long():
    time.sleep(60)


def take_memory():
    return len(np.ones(10**9))


def fail_with_a_value():
    raise ValueError("ME7 1AB is wrong")


def refuse_file():
    raise InputRefused(
        "a.csv", [Problem("a.csv", "file_empty", "the file is empty", "export it again", 3, "Postcode", 2)]
    )


def refuse_with_escapes():
    raise InputRefused("a\x1b[2J", [Problem("../../x", "no_such_code", "\x1b[31m red", "", None, None, 0)])


def open_socket():
    import socket

    try:
        socket.socket()
    except PermissionError:
        return "refused"
    return "open"


def start_program():
    import subprocess

    try:
        subprocess.run(["true"], check=False)
    except OSError:
        return "refused"
    return "started"


def write_file(path):
    try:
        Path(path).write_text("x" * 100)
    except OSError:
        return "refused"
    return "written"


def print_much():
    print("noise" * 1000)  # noqa: T201
    os.write(1, b"noise")
    return 1


class Hostile:
    def __reduce__(self):
        return (os.abort, ())


def answer_with_a_pickle():
    return Hostile()


def environment():
    return sorted(os.environ)


def here(function):
    """The function under a name that the child can import."""
    function.__module__ = "io_sandbox_work"
    return function


@pytest.fixture(autouse=True)
def importable(tmp_path_factory, monkeypatch):
    """This file under a name of its own, for the child (pytest imports it in a way that no other process can)."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "io_sandbox_work.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PGPASSWORD", "secret")


def code_of(work, *args, **options) -> str:
    with pytest.raises(InputRefused) as caught:
        run_guarded(here(work), *args, **options)
    assert "ME7" not in str(caught.value)
    return caught.value.problems[0].code


def children() -> list[str]:
    if not Path("/proc").exists():
        return []
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.append(fields[0])
    return found


# ------------------------------------------------------------------------------------------- the guard


def test_values_come_back():
    value = {
        "a": [1, 2.5, None, True, "é"],
        "b": (b"\x00\xff", np.arange(6).reshape(2, 3)),
        "c": np.array(["2026-09-01"], "datetime64[D]"),
    }
    got = run_guarded(here(give_back), value)
    assert got["a"] == value["a"]
    assert got["b"][0] == value["b"][0]
    np.testing.assert_array_equal(got["b"][1], value["b"][1])
    np.testing.assert_array_equal(got["c"], value["c"])
    assert run_guarded(here(print_much)) == 1


def test_a_crash_is_a_message():
    before = children()
    assert code_of(crash) == "file_crashed_reader"
    assert children() == before


def test_a_hang_is_a_message_and_leaves_no_child():
    before = children()
    start = time.monotonic()
    assert code_of(sleep_long, seconds=1) == "file_too_slow"
    assert time.monotonic() - start < 15
    assert children() == before


@LINUX
def test_too_much_memory_is_a_message():
    assert code_of(take_memory, memory_mb=500) == "file_crashed_reader"


def test_a_failure_says_nothing_of_the_file():
    assert code_of(fail_with_a_value) == "file_crashed_reader"


def test_a_refusal_comes_through():
    with pytest.raises(InputRefused) as caught:
        run_guarded(here(refuse_file))
    assert caught.value.problems == (
        Problem("a.csv", "file_empty", "the file is empty", "export it again", 3, "Postcode", 2),
    )


def test_a_refusal_is_made_safe():
    with pytest.raises(InputRefused) as caught:
        run_guarded(here(refuse_with_escapes))
    assert "\x1b" not in str(caught.value)
    assert caught.value.problems[0].code == "file_unreadable"
    assert caught.value.problems[0].file == "x"


def test_a_pickle_is_no_answer():
    assert code_of(answer_with_a_pickle) == "file_crashed_reader"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80\x05N.", struct.pack("<QQ", 5, 1 << 60) + b"x" * 40, struct.pack("<QQ", 999, 0), encode([1])[:-1], encode([1]) + b"x",  # noqa: E501
     struct.pack("<QQ", 22, 0) + b'{"a": [0, "O", [1, 2]]}'[:22]],
)  # fmt: skip
def test_damaged_answers_are_no_answers(data):
    with pytest.raises((ValueError, TypeError, KeyError, struct.error, IndexError)):
        decode(data)


def test_arrays_of_objects_never_come_back():
    with pytest.raises((ValueError, IndexError)):
        head = b'{"a": [0, "|O", [1]]}'
        decode(struct.pack("<QQQ", len(head), 1, 8) + head + b"\x00" * 8)


@LINUX
def test_the_kernel_refuses_network_programs_and_files(tmp_path):
    if "no network" not in sandbox.limits_in_force():
        pytest.skip("this kernel lets no process limit its calls")
    assert run_guarded(here(open_socket)) == "refused"
    assert run_guarded(here(start_program)) == "refused"
    assert run_guarded(here(write_file), str(tmp_path / "x")) == "refused"
    assert (tmp_path / "x").exists() is False or (tmp_path / "x").stat().st_size == 0


def test_passwords_stay_here():
    assert "PGPASSWORD" not in run_guarded(here(environment))


def test_without_limits_of_the_system_it_says_so(monkeypatch):
    monkeypatch.setattr(sandbox, "run_guarded", lambda *args, **options: [])
    assert sandbox.limits_in_force().endswith("limits of the system: none.")


# ---------------------------------------------------------------------------------------------- layers

LAYERS = {
    "areas.geojson": good_geojson,
    "areas.gpkg": lambda: good_layer("GPKG"),
    "areas.fgb": lambda: good_layer("FlatGeobuf"),
    "areas.zip": good_shapefile,
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_good_layer_is_the_same_in_the_child(tmp_path, name):
    from geoplan.io.layer_files import layer_bytes, parse

    path = tmp_path / name
    path.write_bytes(LAYERS[name]())
    plain, guarded = parse(layer_bytes(path)), parse_guarded(layer_bytes(path))
    assert guarded.crs == plain.crs
    assert guarded.layers == plain.layers
    assert guarded.attributes.astype("str").equals(plain.attributes.astype("str"))
    assert all(a.equals(b) for a, b in zip(guarded.shapes, plain.shapes, strict=True))
    frame = read_layer_guarded(path)
    assert len(frame) == 2
    assert frame.crs is not None


def vrt(source: str) -> bytes:
    return f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'.encode()  # noqa: E501


def zipped(members: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return memory.getvalue()


def slip() -> bytes:
    with zipfile.ZipFile(io.BytesIO(good_shapefile())) as archive:
        return zipped({f"../../../tmp/{name}": archive.read(name) for name in archive.namelist()})


HOSTILE = {
    "vrt.geojson": (lambda: vrt("/vsicurl/http://127.0.0.1:9/x.geojson"), {"file_wrong_format"}),
    "vrt.gpkg": (lambda: vrt("/etc/passwd"), {"file_wrong_format"}),
    "gdalg.geojson": (
        lambda: json.dumps(
            {"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /vsicurl/http://127.0.0.1:9/a"}
        ).encode(),
        {"file_wrong_format"},
    ),
    "esri.geojson": (
        lambda: b'{"geometryType": "esriGeometryPoint", "features": []}',
        {"file_wrong_format", "no_records"},
    ),
    "topo.geojson": (lambda: b'{"type": "Topology", "objects": {}}', {"file_wrong_format"}),
    "link.geojson": (lambda: b'{"type": "Link", "href": "http://127.0.0.1:9/"}', {"file_wrong_format"}),
    "gml.geojson": (
        lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><gml>&x;</gml>',
        {"file_wrong_format"},
    ),
    "csv.geojson": (lambda: b"CSV:/etc/passwd", {"file_wrong_format"}),
    "cut.gpkg": (lambda: good_layer("GPKG")[:20_000], {"file_truncated", "no_records"}),
    "head.gpkg": (lambda: b"SQLite format 3\x00" + b"\xff" * 4_000, {"file_wrong_format", "file_truncated"}),
    "cut.fgb": (lambda: good_layer("FlatGeobuf")[:300], {"file_truncated", "no_records", "layer_ambiguous"}),
    "cut.zip": (lambda: good_shapefile()[:-30], {"file_truncated"}),
    "bomb.zip": (lambda: zipped({"a.shp": b"\0" * 60_000_000, "a.dbf": b"", "a.shx": b""}), {"file_too_large"}),
    "slip.zip": (slip, {"ok"}),  # read in memory, never unpacked: the names lead nowhere
    "deep.geojson": (
        lambda: b'{"type": "FeatureCollection", "features": ' + b"[" * 200_000,
        {"file_truncated", "file_crashed_reader"},
    ),
    "empty.gpkg": (lambda: b"", {"file_empty"}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_layers_are_refused_by_name(tmp_path, name):
    make, codes = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(make())
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        read_layer_guarded(path, seconds=30)
        said = "ok"
    except InputRefused as problem:
        said = problem.problems[0].code
        assert problem.problems[0].file == name
    assert said in codes
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


PATHS = (
    "/vsicurl/http://127.0.0.1:9/a.geojson", "/vsizip//tmp/a.zip/a.shp", "/vsimem/a", "http://127.0.0.1:9/a.gpkg", "https://example.org/a.csv",
    "CSV:/etc/passwd", "GPKG:a.gpkg:t", "file:///etc/passwd", "PG:dbname=x", "<OGRVRTDataSource/>", '{"type": "FeatureCollection"}',  # noqa: E501
    "\\vsicurl\\http://x", "vsistdin:", "MVT:http://x", "WFS:http://x", "/vsicurl_streaming/http://x", "ftp://x/a.csv", "s3://x/a.csv",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_are_no_files_are_refused_before_any_library_sees_them(path, monkeypatch):
    monkeypatch.setattr(sandbox, "run_guarded", lambda *args, **options: pytest.fail("a reader was asked"))
    for read in (read_layer_guarded, read_pupils, read_bytes):
        with pytest.raises(InputRefused) as caught:
            read(path)
        assert caught.value.problems[0].code in {"file_unreadable", "file_missing"}


def test_a_link_is_read_as_the_file_it_names_and_a_device_is_not(tmp_path):
    real = tmp_path / "real.csv"
    real.write_bytes(good_csv())
    (tmp_path / "link.csv").symlink_to(real)
    assert len(read_pupils(tmp_path / "link.csv")) == 12  # whoever names the link may read the file
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "round.csv").symlink_to("round.csv")
    for name in ("zero.csv", "round.csv"):
        with pytest.raises(InputRefused):
            read_pupils(tmp_path / name)


# ------------------------------------------------------------------------------------------ tables, workbooks


def sheet_with(part: str, text: str) -> bytes:
    import openpyxl

    memory = io.BytesIO()
    book = openpyxl.Workbook()
    for row in (["UPN", "URN", "Postcode"], ["B801200005001", "900001", "TN1 1AA"]):
        book.active.append(row)
    book.save(memory)
    with zipfile.ZipFile(memory) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[part] = re.sub(rb"<\?xml[^>]*\?>\s*", b"", members.get(part, b""))
    members[part] = text.encode() + members[part]
    return zipped(members)


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip
TABLES = {
    "laughs.xlsx": lambda: sheet_with("xl/worksheets/sheet1.xml", LAUGHS),
    "entity.xlsx": lambda: sheet_with(
        "xl/sharedStrings.xml", '<!DOCTYPE s [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'
    ),
    "bomb.xlsx": lambda: zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"\0" * 60_000_000}),
    "bomb.csv.gz": lambda: gzip.compress(b"UPN,Postcode\n" + b"0" * 60_000_000),
    "bomb.zip": lambda: zipped({"a.csv": b"UPN,Postcode\n" + b"0" * 60_000_000}),
    "two.zip": lambda: zipped({"a.csv": good_csv(), "b.csv": good_csv()}),
    "not.csv": lambda: b"SQLite format 3\x00" + b"\x00" * 200,
}


@pytest.mark.parametrize("name", TABLES)
def test_hostile_tables_are_refused_or_harmless(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(TABLES[name]())
    before = path.read_bytes()
    start = time.monotonic()
    try:
        people = read_pupils(path)
    except InputRefused as problem:
        assert problem.problems[0].file == name
    else:  # entities declared and never used
        assert name in {"entity.xlsx", "laughs.xlsx"}
        assert len(people) == 1
    assert time.monotonic() - start < 30
    assert path.read_bytes() == before


def test_a_line_of_a_gigabyte_is_refused_soon(tmp_path):
    path = tmp_path / "line.csv"
    with path.open("wb") as stream:
        stream.write(b"UPN,Postcode,URN\n")
        stream.truncate(1_100_000_000)  # sparse: it takes no room
    start = time.monotonic()
    with pytest.raises(InputRefused) as caught:
        read_pupils(path)
    assert caught.value.problems[0].code == "file_too_large"
    assert time.monotonic() - start < 30


def test_names_in_a_zip_lead_nowhere(tmp_path):
    path = tmp_path / "slip.zip"
    path.write_bytes(zipped({"../../../../escaped.csv": good_csv()}))
    assert len(read_pupils(path)) == 12
    assert [p.name for p in tmp_path.iterdir()] == ["slip.zip"]
    assert not list(tmp_path.parent.glob("escaped*"))
