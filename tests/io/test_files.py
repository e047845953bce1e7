"""Opening files: what is refused before any library sees it, limits, fingerprints."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile

import pytest

from geoplan.errors import InputRefused
from geoplan.io.files import local_path, read_bytes, recognise, table_bytes


def code(call) -> str:
    with pytest.raises(InputRefused) as caught:
        call()
    return caught.value.problems[0].code


@pytest.mark.parametrize(
    "path",
    [
        "http://example.org/a.csv",
        "file:///etc/passwd",
        "/vsicurl/http://x/a.gpkg",
        "/vsizip/a.zip",
        "CSV:a.csv",
        "GPKG:a.gpkg:layer",
        "<VRT/>",
        '{"type": 1}',
        "a\x00b",
        "",
        b"a.csv",
        None,
        3,
    ],
)
def test_what_is_not_a_plain_local_file_is_refused(path):
    assert code(lambda: local_path(path)) == "file_unreadable"


def test_missing_folder_and_device_are_refused(tmp_path):
    assert code(lambda: local_path(tmp_path / "none.csv")) == "file_missing"
    assert code(lambda: local_path(tmp_path)) == "file_wrong_format"
    assert local_path(tmp_path, folder=True) == tmp_path
    if os.path.exists("/dev/zero"):  # noqa: PTH110
        assert code(lambda: read_bytes("/dev/zero")) == "file_unreadable"


def test_the_message_names_the_file_but_never_its_folder(tmp_path):
    with pytest.raises(InputRefused) as caught:
        read_bytes(tmp_path / "secret-folder" / "pupils.csv")
    assert "pupils.csv" in str(caught.value)
    assert "secret-folder" not in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read(write):
    assert code(lambda: read_bytes(write("a.csv", b"x" * 100), limit=99)) == "file_too_large"


def test_fingerprint_is_of_the_bytes_on_disk(write):
    packed = gzip.compress(b"a,b\n1,2\n")
    contents = table_bytes(write("a.csv.gz", packed))
    assert contents.data == b"a,b\n1,2\n"
    assert contents.fingerprint == hashlib.sha256(packed).hexdigest()


def zipped(**members: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "file_empty"),
        ("a.csv", b"<!DOCTYPE html><html>", "file_wrong_format"),
        ("a.csv", b'{"a": 1}', "file_wrong_format"),
        ("a.csv", b"%PDF-1.7", "file_wrong_format"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "file_wrong_format"),
        ("a.csv", b"SQLite format 3\x00", "file_wrong_format"),
        ("a.csv", gzip.compress(b"a,b\n1,2\n"), "file_wrong_format"),
        ("a.csv", zipped(a__csv=b"a,b\n1,2\n"), "file_wrong_format"),
        ("a.xlsx", b"a,b\n1,2\n", "file_wrong_format"),
        ("a.csv.gz", b"a,b\n1,2\n", "file_wrong_format"),
        ("a.zip", b"a,b\n1,2\n", "file_wrong_format"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9], "file_truncated"),
        ("a.csv.gz", gzip.compress(b""), "file_empty"),
        ("a.zip", zipped(a__csv=b"a,b\n1,2\n")[:40], "file_truncated"),
        ("a.zip", zipped(a__csv=b"a\n", b__csv=b"b\n"), "file_wrong_format"),
        ("a.zip", zipped(readme__md=b"a\n"), "file_wrong_format"),
    ],
    ids=range(16),
)
def test_a_table_that_is_something_else_is_refused_by_name(write, name, content, expected):
    assert code(lambda: table_bytes(write(name, content))) == expected


def test_bombs_are_refused(write):
    assert code(lambda: table_bytes(write("a.csv.gz", gzip.compress(bytes(30_000_000))))) == "file_too_large"
    assert code(lambda: table_bytes(write("a.zip", zipped(a__csv=bytes(30_000_000))))) == "file_too_large"


def test_gzip_of_several_members_is_read_whole(write):
    assert table_bytes(write("a.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n"))).data == b"a,b\n1,2\n"


def test_wide_text_is_text_and_noise_is_not():
    assert recognise("id,postcode\n1,ME4 4AA\n".encode("utf-16-le")) == "text"
    assert recognise(bytes(range(32)) * 20) == "binary"


def test_a_line_that_no_table_has_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    from geoplan.io import files

    monkeypatch.setattr(files, "MAX_LINE", 1_000)
    for name, text in (("first.csv", "a" * 1_500), ("later.csv", "a,b\n" + "a" * 1_500 + "\n")):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(InputRefused, match="a line of more than 1,000 bytes"):
            files.table_bytes(path)
    for ends in ("\n", "\r\n", "\r"):
        path.write_bytes(("a,b" + ends).encode() * 900)
        assert len(files.table_bytes(path).data) == 900 * len("a,b" + ends)
