"""Bytes as UTF-8 text with one kind of line end, whatever they were."""

from __future__ import annotations

import codecs
import re

from geoplan.io.files import Contents, refuse

_CHUNK = 1 << 24


def to_utf8(contents: Contents) -> tuple[bytes, str]:
    """Bytes as UTF-8 with ``\\n`` line ends and no mark at the start, and the encoding they were in."""
    data, name = contents.data, contents.name
    encoding, data = _encoding(data, name)
    if encoding != "utf-8":
        data = _decoded(data, encoding, name).encode("utf-8")
    for ends in (b"\r\r\n", b"\r\n", b"\r"):
        if b"\r" in data and ends in data:
            data = data.replace(ends, b"\n")
    if data.endswith(b"\n\x1a") or data.endswith(b"\x1a"):
        data = data.rstrip(b"\x1a")
    if not data[:1024].strip() and not data.strip():
        raise refuse(name, "file_empty")
    return data, encoding


def _encoding(data: bytes, name: str) -> tuple[str, bytes]:
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise refuse(name, "file_encoding", "text in UTF-32")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            data = data[len(mark) :]
            return (encoding, data) if encoding != "utf-8" else ("utf-8", _valid_utf8(data, name)[1])
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.05 * len(head) / 2:
        return ("utf-16-le" if odd > even else "utf-16-be"), data
    valid, kept = _valid_utf8(data, name, strict=False)
    return ("utf-8", kept) if valid else ("cp1252", data)


def _valid_utf8(data: bytes, name: str, strict: bool = True) -> tuple[bool, bytes]:
    """Whether the bytes are UTF-8; a character cut off at the very end is dropped, its row has no line end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(view[start : start + _CHUNK])
    except UnicodeDecodeError:
        if strict:
            raise refuse(name, "file_encoding", "says it is UTF-8, but is not") from None
        if re.search(rb"[\xc3-\xf4][\x80-\xbf]", data) and _mixed(data):
            raise refuse(name, "file_encoding", "two encodings in one file (UTF-8 and Windows)") from None
        return False, data
    pending = decoder.getstate()[0]
    return True, data[: len(data) - len(pending)] if pending else data


def _mixed(data: bytes) -> bool:
    """Whether text that is not UTF-8 holds characters that can only be UTF-8 (``Ã©`` is nobody's name)."""
    return re.search(rb"\xc3[\x80-\xbf]|\xe2\x80[\x90-\xbf]", data) is not None


def _decoded(data: bytes, encoding: str, name: str) -> str:
    if encoding.startswith("utf-16") and len(data) % 2:
        data = data[:-1]
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        raise refuse(name, "file_encoding", f"neither UTF-8 nor {encoding}") from None
