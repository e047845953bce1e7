"""Opening files: plain local files only, recognised by their first bytes, within stated limits, fingerprinted.

Everything that geoplan reads goes through :func:`read_bytes` or :func:`table_bytes`; what is read is what is
fingerprinted. A URL, a GDAL ``/vsi`` path or a ``CSV:`` prefix is refused before any library sees it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geoplan.errors import InputRefused, Problem
from geoplan.reasons import reason

MAX_BYTES = 1_000_000_000  # after unpacking
MAX_DIRECTORY_BYTES = 4_000_000_000  # a whole ONS directory is 1.4 GB
MAX_RATIO = 200  # unpacked to packed
MAX_LINE = 10_000_000  # of a table: a longer line is no row of anything, and parsing it takes several times its size
_SMALL = 10_000_000  # no ratio is held against what unpacks to less than this

TEXT_SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".tab", ".psv", ".dat"})
WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm"})

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"PAR1", "parquet"),
    (b"fgb\x03", "flatgeobuf"),
    (b"\x00\x00\x27\x0a", "shapefile"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old workbook (.xls)"),
    (b"%PDF", "PDF"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"\x7fELF", "program"),
)


@dataclass(frozen=True, repr=False)
class Contents:
    """The bytes of one file, and where they came from."""

    name: str  # the file's name, never its folder
    data: bytes
    fingerprint: str  # SHA-256 of the file as it lies on disk
    form: str  # as recognised by first bytes
    inner: str = ""  # name of the member, for a zip

    def __repr__(self) -> str:
        return f"<Contents of {self.name}: {len(self.data):,} bytes of {self.form}>"


def refuse(file: str, code: str, what: str = "", suggestion: str = "", **where: object) -> InputRefused:
    """An error for one problem; words come from the reasons table unless given."""
    entry = reason(code)
    return InputRefused(file, [Problem(file, code, what or entry.meaning, suggestion or entry.suggestion, **where)])


def file_name(path: object) -> str:
    """The last part of a path, safe to print."""
    text = re.split(r"[/\\]", str(path).rstrip("/\\"))[-1][:120]
    return "".join(c if c.isprintable() else "?" for c in text) or "(no name)"


def local_path(path: str | os.PathLike, folder: bool = False) -> Path:
    """The path of a plain local file (or folder), or a refusal.

    Examples
    --------
    >>> local_path("https://example.org/pupils.csv")
    Traceback (most recent call last):
    ...
    geoplan.errors.InputRefused: pupils.csv: 1 problem
      not a plain file on this machine   geoplan opens local files only: save it first
    """
    name = file_name(path)
    try:
        text = os.fspath(path)
    except TypeError:
        raise refuse(name, "file_unreadable", "not a path", "give the name of a file") from None
    if isinstance(text, bytes) or "\x00" in text or not text.strip():
        raise refuse(name, "file_unreadable", "not a path", "give the name of a file")
    odd = "://" in text or (text.lower().replace("\\", "/").lstrip("/").startswith("vsi") and text[0] in "/\\")
    if odd or re.match(r"^[A-Za-z][A-Za-z0-9_+.-]+:", text) or text.lstrip()[:1] in "<{[":
        raise refuse(
            name, "file_unreadable", "not a plain file on this machine", "geoplan opens local files only: save it first"
        )
    target = Path(text)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        raise refuse(name, "file_missing") from None
    except (OSError, ValueError):
        raise refuse(name, "file_unreadable") from None
    if folder and stat.S_ISDIR(mode):
        return target
    if stat.S_ISDIR(mode):
        raise refuse(name, "file_wrong_format", "a folder, where a file is needed", "name a file in it")
    if not stat.S_ISREG(mode):
        raise refuse(name, "file_unreadable", "not an ordinary file", "name an ordinary file")
    return target


def read_bytes(path: str | os.PathLike, limit: int = MAX_BYTES) -> Contents:
    """A file's bytes, fingerprint and form; an empty or over-large one is refused."""
    target = local_path(path)
    name = file_name(target)
    try:
        size = target.stat().st_size
        if size > limit:
            raise refuse(name, "file_too_large", f"{size:,} bytes, over the limit of {limit:,}")
        with target.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError:
        raise refuse(name, "file_unreadable") from None
    if not data:
        raise refuse(name, "file_empty")
    if len(data) > limit:
        raise refuse(name, "file_too_large")
    return Contents(name, data, fingerprint(data), recognise(data))


def fingerprint(data: bytes) -> str:
    """SHA-256, hexadecimal.

    Examples
    --------
    >>> fingerprint(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def recognise(data: bytes) -> str:
    """What bytes are, whatever the file is called.

    Examples
    --------
    >>> recognise(b"<!DOCTYPE html>"), recognise(b'{"type": 1}'), recognise(b"id,postcode")
    ('HTML', 'JSON', 'text')
    """
    for magic, form in _MAGIC:
        if data.startswith(magic):
            return _zip_form(data) if form == "zip" else form
    head = data[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<script")):
        return "HTML"
    if start.startswith(b"<"):
        return "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    controls = sum(head.count(bytes([c])) for c in range(32) if c not in (0, 9, 10, 12, 13, 26))
    nuls = head.count(0)
    wide = nuls and max(head[::2].count(0), head[1::2].count(0)) > 0.3 * len(head) / 2
    if controls > len(head) // 20 or (nuls > len(head) // 10 and not wide and nuls < len(head)):
        return "binary"
    return "text"


def _zip_form(data: bytes) -> str:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except Exception:  # zipfile raises many kinds for damaged archives
        return "zip"
    return "workbook" if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names) else "zip"


def table_bytes(path: str | os.PathLike, limit: int = MAX_BYTES) -> Contents:
    """Bytes of a table: text or a workbook, unpacked from ``.gz`` or a zip with one table in it.

    Text with a line over :data:`MAX_LINE` is refused, by its first bytes where it is the first line.
    """
    target = local_path(path)
    try:
        with target.open("rb") as stream:
            _check_lines(target.name, stream.read(MAX_LINE + 1))
    except OSError:
        raise refuse(file_name(target), "file_unreadable") from None
    contents = unpack(read_bytes(path, limit), limit)
    _check_lines(contents.name, contents.data)
    return contents


def _check_lines(name: str, data: bytes) -> None:
    if recognise(data) != "text":
        return
    at = 0
    while len(data) - at > MAX_LINE:
        end = max(data.rfind(b"\n", at, at + MAX_LINE), data.rfind(b"\r", at, at + MAX_LINE))
        if end < 0:
            raise refuse(
                file_name(name), "file_too_large", f"a line of more than {MAX_LINE:,} bytes, which no table has",
                "check that the file is the table you mean",
            )  # fmt: skip
        at = end + 1


def unpack(contents: Contents, limit: int = MAX_BYTES) -> Contents:
    """A table out of its container; what is not what its name says is refused by name."""
    name, form, suffix = contents.name, contents.form, Path(contents.name.lower()).suffix
    if form == "gzip":
        if suffix not in {".gz", ".gzip"}:
            raise _wrong(name, form, "name it .csv.gz")
        data = _gunzip(contents, limit)
        return _table(Contents(name, data, contents.fingerprint, recognise(data) if data else "empty"))
    if form == "zip":
        if suffix != ".zip":
            if suffix in WORKBOOK_SUFFIXES:
                what = "a workbook that is cut short or damaged"
                raise refuse(name, "file_truncated", what, "copy or export it again")
            raise _wrong(name, form, "unpack it, or name it .zip")
        members = [m for m in zip_members(contents) if Path(m.lower()).suffix in TEXT_SUFFIXES | WORKBOOK_SUFFIXES]
        if len(members) != 1:
            raise refuse(
                name,
                "file_wrong_format",
                f"a zip with {len(members)} tables in it, where one is needed",
                "unpack it and name one",
            )
        data = zip_member(contents, members[0], limit)
        return _table(Contents(name, data, contents.fingerprint, recognise(data) if data else "empty", members[0]))
    if suffix in {".gz", ".zip"}:
        raise _wrong(name, form, "export or copy it again")
    return _table(contents)


def _table(contents: Contents) -> Contents:
    suffix = Path((contents.inner or contents.name).lower().removesuffix(".gz")).suffix
    if contents.form == "empty":
        raise refuse(contents.name, "file_empty")
    if contents.form == "workbook" and suffix not in TEXT_SUFFIXES:
        return contents
    if contents.form == "text" and suffix not in WORKBOOK_SUFFIXES:
        return contents
    tip = "name it .xlsx" if contents.form == "workbook" else "export it again as CSV"
    raise _wrong(contents.name, contents.form, tip)


def _wrong(name: str, form: str, tip: str) -> InputRefused:
    return refuse(name, "file_wrong_format", f"the file is not what its name says: its bytes are {form}", tip)


def _gunzip(contents: Contents, limit: int) -> bytes:
    """Unpack every member, never more than the limit; a cut stream is refused."""
    allowed = min(limit, max(_SMALL, MAX_RATIO * len(contents.data)))
    parts, total, rest = [], 0, contents.data
    try:
        while rest.startswith(b"\x1f\x8b"):
            unpacker = zlib.decompressobj(31)
            part = unpacker.decompress(rest, allowed + 1 - total)
            total += len(part)
            parts.append(part)
            if total > allowed:
                raise refuse(contents.name, "file_too_large", "unpacks to more than the limit")
            if not unpacker.eof:
                raise refuse(contents.name, "file_truncated")
            rest = unpacker.unused_data
    except zlib.error:
        raise refuse(contents.name, "file_truncated", "the gzip file is damaged") from None
    if rest.strip(b"\x00"):
        raise refuse(contents.name, "file_truncated", "the gzip file is damaged")
    return b"".join(parts)


def zip_members(contents: Contents) -> list[str]:
    """Names of the files in a zip, without folders and what computers add."""
    names = _zip(contents).namelist()
    return sorted(
        n for n in names if not n.endswith("/") and not n.startswith("__MACOSX/") and not file_name(n).startswith(".")
    )


def zip_member(contents: Contents, member: str, limit: int = MAX_BYTES) -> bytes:
    """One file out of a zip, in memory (nothing is ever unpacked to a folder), within the limits."""
    archive = _zip(contents)
    try:
        info = archive.getinfo(member)
        allowed = min(limit, max(_SMALL, MAX_RATIO * info.compress_size))
        with archive.open(info) as stream:
            data = stream.read(allowed + 1)
    except Exception:  # zipfile, zlib and lzma raise many kinds for damaged archives
        raise refuse(contents.name, "file_truncated", "the zip is damaged or locked with a password") from None
    if len(data) > allowed:
        raise refuse(contents.name, "file_too_large", "unpacks to more than the limit")
    return data


def check_zip(contents: Contents, limit: int = MAX_BYTES) -> None:
    """Refuse an archive (a workbook too) that says it unpacks to more than the limits, before a library tries."""
    infos = _zip(contents).infolist()
    total, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if total > limit or len(infos) > 100_000 or total > max(_SMALL, MAX_RATIO * packed):
        raise refuse(contents.name, "file_too_large", "unpacks to more than the limit")


def _zip(contents: Contents) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(contents.data))
    except Exception:  # as above
        raise refuse(contents.name, "file_truncated", "the zip is damaged") from None


def guarded(name: str, code: str, work: Callable[[], object], what: str = "") -> object:
    """Run a library's reader; whatever it raises becomes a refusal that shows none of the file's values."""
    try:
        return work()
    except InputRefused:
        raise
    except MemoryError:
        raise refuse(name, "file_too_large", "needs more memory than there is") from None
    except Exception:  # a library's message may hold values
        raise refuse(name, code, what) from None
