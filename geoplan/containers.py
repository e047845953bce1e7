r"""What a file says once it is unpacked: text, tables and points, out of every container an output may be.

Bytes in, pieces out, nothing opened and nothing written. It is made apart from the readers of ``geoplan.io`` on
purpose: whoever checks an output should not share a fault with whoever wrote it. HTML is looked at as text, as
tables and block by block (``gzip`` in base64 too); entities, ``%41`` and ``\u0041`` are undone; databases are read
row by row and then searched for rows that were deleted and never overwritten.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import csv
import html
import io
import json
import lzma
import re
import struct
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from geoplan.errors import InputRefused, Problem
from geoplan.reasons import reason

MAX_BYTES = 100_000_000  # of everything unpacked; looking into text takes up to ten times its size
MAX_RATIO = 200  # unpacked to packed
MAX_DEPTH = 8  # containers within containers
_SMALL = 10_000_000  # no ratio is held against what unpacks to less than this
_LONG_CODE = 200  # letters of base64 in a row that are no text


@dataclass(frozen=True, repr=False)
class Text:
    """Words in a file; ``views`` are the same words with one more layer of escapes undone.

    ``binary`` marks words found among other bytes. ``loose`` marks the raw pages of a database, where values stand with
    nothing between them; ``less`` is what the same pages say when tidied, and does not count. ``parsed`` says that the
    same words also come as values or rows, which alone can tell what their numbers are.
    """

    where: str
    views: tuple[str, ...]
    binary: bool = False
    loose: bool = False
    less: str = ""
    parsed: bool = False


@dataclass(frozen=True, repr=False)
class Rows:
    """A table, headings first."""

    where: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, repr=False)
class Values:
    """Parsed JSON, and the block of a page it stood in."""

    where: str
    value: object
    block: str = ""


@dataclass(frozen=True)
class Points:
    """So many single points (or lines) in a binary layer."""

    where: str
    count: int


Piece = Text | Rows | Values | Points


@dataclass
class Budget:
    """How much may still be unpacked."""

    file: str
    left: int = MAX_BYTES
    seen: set = field(default_factory=set)

    def take(self, count: int, packed: int) -> None:
        """Count bytes just unpacked; a bomb is refused."""
        self.left -= count
        if self.left < 0 or count > max(_SMALL, MAX_RATIO * packed):
            raise refuse(self.file, "file_too_large", "unpacks to more than the limit")


def refuse(file: str, code: str, what: str = "") -> InputRefused:
    """A file that cannot be looked into is never called clean."""
    entry = reason(code)
    return InputRefused(file, [Problem(file, code, what or entry.meaning, entry.suggestion)])


def pieces(where: str, data: bytes, budget: Budget | None = None, depth: int = 0) -> Iterator[Piece]:
    """Everything readable in some bytes.

    Examples
    --------
    >>> [piece.views[0] for piece in pieces("a.txt", b"one &amp; two")]
    ['one &amp; two']
    """
    budget = budget or Budget(where)
    if depth > MAX_DEPTH:
        raise refuse(budget.file, "file_too_large", "containers within containers, more than the limit")
    for magic, work in _FORMS:
        if data.startswith(magic):
            yield from work(where, data, budget, depth)
            return
    if b"%PDF-" in data[:1024]:
        yield from _pdf(where, data, budget, depth)
        return
    text = as_text(data)
    if text is None:
        yield from _binary(where, data)
    else:
        yield from _text(where, text, budget, depth)


# ------------------------------------------------------------------------------------------------ text


def as_text(data: bytes) -> str | None:
    """Bytes as text if they are text: UTF-8, UTF-16 or Windows; None for others.

    Examples
    --------
    >>> as_text("é".encode("utf-16")), as_text(bytes(range(1, 9)) * 9)
    ('é', None)
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    head = data[:4096]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.05 * len(head) / 2:
        text = data.decode("utf-16-le" if odd > even else "utf-16-be", "replace")
        if sum(c.isprintable() or c in "\t\r\n" for c in text[:2000]) > 0.9 * len(text[:2000]):
            return text
    if len(head) and len(head.translate(None, _CONTROLS)) < 0.95 * len(head):
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


_CONTROLS = bytes(c for c in range(32) if c not in (9, 10, 12, 13, 26, 27))
_INLINE = re.compile(r"</?(?:b|i|u|em|strong|span|wbr|a|small|sub|sup|mark|font|abbr|tspan|code|bdi|s)\b[^<>]*>", re.I)
_MARKUP = re.compile(r"<(?:!doctype html|html|table|script|div|body|svg|p|td)\b", re.I)
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.I | re.S)
_COMMENT = re.compile(r"<!--(.*?)-->", re.S)
_CODE = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2}))")
_PERCENT_U = re.compile(r"%u([0-9a-fA-F]{4})")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_WIDE = re.compile("[\uff01-\uff5e]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_TABULAR = re.compile(r"[,;\t|]")


def _text(where: str, text: str, budget: Budget, depth: int) -> Iterator[Piece]:
    start = text[:4096].lstrip("\ufeff \t\r\n")
    if start[:1] == "<" and not start.lower().startswith(("<!doctype html", "<html")) and not _MARKUP.search(start):
        yield from _markup(where, text, budget, depth, html_page=False)
    elif start[:1] == "<" or _MARKUP.search(text[:65536]):
        yield from _markup(where, text, budget, depth, html_page=True)
    elif start[:1] in ("{", "[") and (parsed := _json(text)) is not None:
        yield Values(where, parsed[0])
        text = yield from _coded(where, _outlines_away(text), budget, depth)
        yield Text(where, views(text), parsed=True)
    else:
        if start[:1] in ("{", "["):
            yield from _json_lines(where, text)
        rest = yield from _coded(where, text, budget, depth)
        rows = _delimited(text) if _TABULAR.search(start) else None
        yield Text(where, views(rest), parsed=rows is not None)
        if rows is not None:
            yield Rows(where, rows)


def views(text: str) -> tuple[str, ...]:
    r"""The text, and what it becomes when its escapes are undone.

    Examples
    --------
    >>> views("ME7&nbsp;1AB")[-1], views(r"\u004dE7%201AB")[-1]
    ('ME7 1AB', 'ME7 1AB')
    """
    found = [text]
    for _ in range(3):
        after = _undone(found[-1])
        if after == found[-1]:
            break
        found.append(after)
    return tuple(found)


def _undone(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if "%" in text:
        text = urllib.parse.unquote(_PERCENT_U.sub(lambda m: chr(int(m[1], 16)), text), errors="replace")
    if "\\" in text:
        text = _ESCAPED.sub(lambda m: _character(m[1] or m[2] or m[3]), text)
    if not text.isascii():
        text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
        text = _WIDE.sub(lambda m: chr(ord(m[0]) - 0xFEE0), text)
    return text


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else " "


def _json(text: str) -> tuple[object] | None:
    try:
        return (json.loads(text.lstrip("\ufeff")),)
    except (ValueError, RecursionError):
        return None


def _json_lines(where: str, text: str) -> Iterator[Piece]:
    lines = [line for line in text.splitlines() if line.strip()]
    parsed = [_json(line) for line in lines]
    if len(lines) > 1 and all(each is not None for each in parsed):
        yield Values(where, [each[0] for each in parsed])


_OUTLINE = re.compile(r'"coordinates"\s*:\s*\[\s*\[\s*\[[-+\d\s.,\[\]eE]*')


def _outlines_away(text: str) -> str:
    """GeoJSON without the numbers of its outlines (rings begin with three brackets)."""
    return _OUTLINE.sub('"coordinates":[', text) if '"coordinates"' in text else text


def _coded(where: str, text: str, budget: Budget, depth: int):
    """Look into runs of base64, and hand back the text without the long ones."""
    for match in _CODE.finditer(text):
        inside = _decoded(match[0])
        if inside is not None and inside not in budget.seen:
            budget.seen.add(inside)
            yield from pieces(f"{where} (base64)", inside, budget, depth + 1)
    return re.sub(rf"[A-Za-z0-9+/]{{{_LONG_CODE},}}={{0,2}}", " ", text)


def _decoded(code: str) -> bytes | None:
    """What base64 holds, if it is a known container or readable text."""
    if code.isdigit() or (code.isalpha() and (code.islower() or code.isupper())):
        return None
    body = code.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    if data.startswith(tuple(magic for magic, _ in _FORMS)) or data.startswith(b"%PDF-"):
        return data
    readable = sum(32 <= c < 127 or c in (9, 10, 13) for c in data[:2000])
    wide = data[:2000:2].count(0) + data[1:2000:2].count(0)
    return data if readable + wide > 0.9 * len(data[:2000]) else None


def _markup(where: str, text: str, budget: Budget, depth: int, html_page: bool) -> Iterator[Piece]:
    text = text.replace("\x00", "")
    for number, match in enumerate(_SCRIPT.finditer(text), 1):
        found = re.search(r"""\bid\s*=\s*["']?(geoplan-[a-z]+-[0-9a-f]{12}(?:-named)?)\b""", match[1])
        name = f"{where}: {found[1] if found else f'script {number}'}"
        yield from _script(name, match[2], found[1] if found else "", budget, depth)
    outside = _SCRIPT.sub("\n", text)
    outside = yield from _coded(where, outside, budget, depth)
    attributes = yield from _attributes(where, outside, budget, depth)
    words = re.sub(r"<[^>]*>", "\n" if html_page else "", _INLINE.sub("", _parted(outside)))
    lines = () if html_page else (re.sub(r"<[^>]*>", "\n", outside),)
    yield Text(where, (*views(outside), *views(words), *lines, *attributes))
    if html_page and "<t" in outside.lower():
        yield from _tables(where, outside)


def _parted(text: str) -> str:
    """XML with a line end where a cell, paragraph or text ends, so that runs of one cell join and cells do not."""
    return re.sub(r"</(?:\w+:)?(?:p|si|c|row|comment|td|th|tr|li|table-cell)>|(?=<(?:\w+:)?v>)", "\n", text)


def _attributes(where: str, text: str, budget: Budget, depth: int):
    """JSON inside attributes (``data-rows="[...]"``), undone and looked at as values."""
    found = []
    for match in re.finditer(r"""=\s*(?:"([^"]*(?:\{|\[|&#)[^"]*)"|'([^']*(?:\{|\[)[^']*)')""", text):
        value = html.unescape(match[1] if match[1] is not None else match[2]).strip()
        if value[:1] in ("{", "[") and (parsed := _json(value)) is not None:
            yield Values(where, parsed[0])
        found.append(value)
    return found


def _script(name: str, text: str, block: str, budget: Budget, depth: int) -> Iterator[Piece]:
    stripped = text.strip()
    whole = stripped[:1] in ("{", "[") and (parsed := _json(stripped)) is not None
    if whole:
        yield Values(name, parsed[0], block)
        stripped = _outlines_away(stripped)
    elif block and _CODE.fullmatch(stripped) and (inside := _decoded(stripped)) is not None:
        for piece in pieces(name, inside, budget, depth + 1):
            yield Values(name, piece.value, block) if isinstance(piece, Values) else piece
        return
    rest = yield from _coded(name, stripped, budget, depth)
    yield Text(name, views(rest), parsed=whole)
    for match in re.finditer(r"=\s*([\[{][^;]{40,}?[\]}])\s*;", rest):
        if (parsed := _json(match[1])) is not None:
            yield Values(name, parsed[0])


def _tables(where: str, text: str) -> Iterator[Piece]:
    for table in re.finditer(r"<table\b.*?</table\s*>", text, re.I | re.S):
        rows = []
        for row in re.split(r"<tr\b[^>]*>", table[0], flags=re.I)[1:]:
            cells = re.split(r"<t[dh]\b[^>]*>", row, flags=re.I)[1:]
            rows.append([html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in cells])
        if len(rows) > 1:
            yield Rows(where, rows)


def _delimited(text: str) -> list[list[str]] | None:
    """Rows of a delimited table from its headings on; None for text that is no table."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:30]
    if len(lines) < 2:
        return None
    counts = {mark: [line.count(mark) for line in lines] for mark in ",;\t|"}
    mark = max(counts, key=lambda each: sorted(counts[each])[len(lines) // 2])
    csv.field_size_limit(MAX_BYTES)
    try:
        rows = list(
            csv.reader(io.StringIO(text.replace("\x00", "").removeprefix("\ufeff"), newline=""), delimiter=mark)
        )
    except csv.Error:
        return None
    start = next((i for i, row in enumerate(rows[:30]) if sum(bool(cell.strip()) for cell in row) > 1), 0)
    rows = [row for row in rows[start:] if row]
    alike = sum(len(row) == len(rows[0]) for row in rows) if rows else 0
    return rows if alike > 0.8 * len(rows) and len(rows) > 1 and len(rows[0]) > 1 else None


# ------------------------------------------------------------------------------------- packed containers


def _gzip(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    parts, rest = [], data
    while rest.startswith(b"\x1f\x8b"):
        part, rest = _inflated(rest, 31, budget)
        parts.append(part)
    yield from pieces(where.removesuffix(".gz"), b"".join(parts), budget, depth + 1)


def _inflated(data: bytes, wbits: int, budget: Budget, partial: bool = False) -> tuple[bytes, bytes]:
    unpacker = zlib.decompressobj(wbits)
    try:
        out = unpacker.decompress(data, min(budget.left, max(_SMALL, MAX_RATIO * len(data))) + 1)
    except zlib.error:
        raise refuse(budget.file, "file_truncated", "packed data in it is damaged") from None
    budget.take(len(out), len(data))
    if not unpacker.eof and not partial:
        raise refuse(budget.file, "file_truncated", "packed data in it is cut off")
    return out, unpacker.unused_data


def _other_packed(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    unpacker = bz2.BZ2Decompressor() if data.startswith(b"BZh") else lzma.LZMADecompressor()
    try:
        out = unpacker.decompress(data, min(budget.left, max(_SMALL, MAX_RATIO * len(data))) + 1)
    except (OSError, EOFError, lzma.LZMAError):
        raise refuse(budget.file, "file_truncated", "packed data in it is damaged") from None
    budget.take(len(out), len(data))
    yield from pieces(where, out, budget, depth + 1)


def _zip(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
        yield Text(
            f"{where}: names", views("\n".join([*(i.filename for i in infos), archive.comment.decode("latin-1")]))
        )
        members = {}
        for info in infos:
            if info.is_dir():
                continue
            with archive.open(info) as stream:
                members[info] = stream.read(min(budget.left, max(_SMALL, MAX_RATIO * info.compress_size)) + 1)
            budget.take(len(members[info]), info.compress_size)
    except InputRefused:
        raise
    except Exception:  # zipfile, zlib and lzma raise many kinds for damaged and locked archives
        raise refuse(budget.file, "file_truncated", "an archive in it is damaged or locked with a password") from None
    shared: list[str] = []
    for info, inside in members.items():
        name = f"{where}: {info.filename}"
        if info.filename == "xl/sharedStrings.xml":
            shared = _shared_strings(inside.decode("utf-8", "replace"))
        yield from pieces(name, inside, budget, depth + 1)
    for info, inside in members.items():
        if info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml"):
            yield Rows(f"{where}: {info.filename}", _sheet_rows(inside.decode("utf-8", "replace"), shared))


def _shared_strings(text: str) -> list[str]:
    return [html.unescape(re.sub(r"<[^>]*>", "", item)) for item in re.findall(r"<si>(.*?)</si>", text, re.S)]


def _as_shown(number: str) -> str:
    """A number of a workbook with the 15 figures that a reader can see.

    Examples
    --------
    >>> _as_shown("89.59999999999999")
    '89.6'
    """
    try:
        return f"{float(number):.15g}"
    except ValueError:
        return number


_CELL = re.compile(r"<c\b([^>]*?)(?:/>|>(.*?)</c>)", re.S)


def _sheet_rows(text: str, shared: Sequence[str]) -> list[list[str]]:
    rows = []
    for row in re.findall(r"<row\b[^>]*>(.*?)</row>", text, re.S):
        cells: list[str] = []
        for attributes, inside in _CELL.findall(row):
            at = re.search(r'\br="([A-Z]+)', attributes)
            column = sum((ord(c) - 64) * 26**i for i, c in enumerate(reversed(at[1]))) - 1 if at else len(cells)
            value = re.search(r"<v[^>]*>(.*?)</v>", inside, re.S)
            cell = html.unescape(value[1] if value else re.sub(r"<[^>]*>", "", inside))
            if 't="s"' in attributes and cell.isdigit() and int(cell) < len(shared):
                cell = shared[int(cell)]
            elif 't="b"' in attributes:
                cell = str(cell == "1")
            elif value and "." in cell and 't="' not in attributes:
                cell = _as_shown(cell)
            cells += [""] * (min(column, 16_383) - len(cells)) + [cell]
        rows.append(cells)
    return rows


# ------------------------------------------------------------------------------------- databases, layers


def _sqlite(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(_rollback_mode(data))
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        for table, _ in tables.fetchall():
            quoted = '"' + table.replace('"', '""') + '"'
            rows = connection.execute(f"SELECT * FROM {quoted}")
            names = [column[0] for column in rows.description]
            yield from _table_rows(f"{where}: table {table}", names, rows, budget, depth)
        yield from _deleted(where, data, connection)
    except sqlite3.DatabaseError:
        raise refuse(budget.file, "file_truncated", "the database is damaged or cut off") from None
    finally:
        connection.close()


def _rollback_mode(data: bytes) -> bytes:
    """The same database, marked as one without a log beside it, so that it opens in memory."""
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data


def _table_rows(where: str, names: Sequence[str], rows, budget: Budget, depth: int) -> Iterator[Piece]:
    out, points = [list(names)], 0
    for row in rows:
        cells = []
        for value in row:
            if isinstance(value, bytes):
                points += is_point(value)
                if not value.startswith(b"GP") and len(value) > 4:
                    yield from pieces(where, value, budget, depth + 1)
            cells.append("" if value is None or isinstance(value, bytes) else str(value))
        out.append(cells)
    if points:
        yield Points(where, points)
    if len(out) > 1:
        yield Rows(where, out)
        yield Text(where, views("\n".join("\t".join(cells) for cells in out)), parsed=True)


def _deleted(where: str, data: bytes, connection) -> Iterator[Piece]:
    """What a database still holds of rows deleted: all that a tidied copy no longer has.

    Columns of one row stand in the file with nothing between them, so both are compared loosely.
    """
    import sqlite3

    try:
        connection.execute("VACUUM")
        tidy = connection.serialize()
    except sqlite3.Error:
        tidy = b""
    yield Text(f"{where}: deleted rows", ("\n".join(_runs(data)),), loose=True, less="\n".join(_runs(tidy)))
    lost = len(_POINT.findall(data)) - len(_POINT.findall(tidy))
    if lost > 0 and tidy:
        yield Points(f"{where}: deleted rows", lost)


def _runs(data: bytes) -> list[str]:
    """Readable runs in raw bytes, UTF-8 or UTF-16."""
    found = [run.decode("latin-1") for run in re.findall(rb"[\x20-\x7e]{5,}", data)]
    wide = re.findall(rb"(?:[\x20-\x7e]\x00){5,}", data) if b"\x00" in data else []
    return found + [run[::2].decode("latin-1") for run in wide]


# a GeoPackage header (flags say how long its box is), then a point, line or their collections in either byte order
_POINT = re.compile(
    rb"GP\x00[\x00-\x3f].{4}(?:.{32}|.{48}|.{64}|)(?:\x01[\x01\x02\x04\x05]\x00\x00|\x00\x00\x00[\x00\x03\x07\x0b][\x01\x02\x04\x05\xe9\xea])",
    re.S,
)


def is_point(blob: bytes) -> bool:
    """Whether a geometry (GeoPackage or plain WKB) is a point or line, not an area.

    Examples
    --------
    >>> is_point(struct.pack("<BIdd", 1, 1, 0.5, 51.3)), is_point(b"picture")
    (True, False)
    """
    if blob.startswith(b"GP") and len(blob) > 8:
        blob = blob[8 + (0, 32, 48, 48, 64, 0, 0, 0)[blob[3] >> 1 & 7] :]
    if len(blob) < 21 or blob[0] not in (0, 1):
        return False
    kind = struct.unpack("<I" if blob[0] else ">I", blob[1:5])[0] & 0x0FFFFFFF
    return kind < 3100 and kind % 1000 in (1, 2, 4, 5)


def _flatgeobuf(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    yield from _binary(where, data)
    import pyogrio

    try:
        info = pyogrio.read_info(data)
    except Exception:  # GDAL raises many kinds
        raise refuse(budget.file, "file_truncated", "the layer is damaged or cut off") from None
    if "Polygon" not in str(info["geometry_type"]):
        yield Points(where, max(1, int(info["features"])))


def _shapefile(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    kind = struct.unpack("<i", data[32:36])[0] if len(data) >= 36 else 0
    if kind % 10 in (1, 3, 8):
        yield Points(where, max(1, (len(data) - 100) // 28))


def _parquet(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
        budget.take(table.nbytes, table.nbytes)
        columns = [column.to_pylist() for column in table.columns]
    except InputRefused:
        raise
    except Exception:  # Arrow raises many kinds
        raise refuse(budget.file, "file_truncated", "the table is damaged or cut off") from None
    yield from _table_rows(where, table.column_names, zip(*columns, strict=True), budget, depth)


def _binary(where: str, data: bytes) -> Iterator[Piece]:
    runs = _runs(data)
    if runs:
        yield Text(where, ("\n".join(runs),), binary=True)


def _picture(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    """A picture's words: what stands in its metadata, not in its packed points."""
    kept = [m[0] for m in re.finditer(rb"(?:tEXt|iTXt|eXIf)[\x09-\xff]{1,4000}?(?=\x00|IDAT|IEND)", data)]
    yield from _binary(where, b"\x00".join(kept))


# --------------------------------------------------------------------------------------------------- PDF

_STREAM = re.compile(rb"<<((?:[^<>]|<[^<>]*>|<<(?:[^<>]|<[^<>]*>|<<[^<>]*>>)*>>)*)>>\s*stream\r?\n", re.S)
_SHOWN = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>|\b(?:Tj|TJ|Td|TD|Tm|ET|T\*)(?![A-Za-z])|['\"]", re.S
)


def _pdf(where: str, data: bytes, budget: Budget, depth: int) -> Iterator[Piece]:
    if re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", data):
        raise refuse(budget.file, "file_unreadable", "the PDF is locked with a password")
    streams = []
    for match in _STREAM.finditer(data):
        end = data.find(b"endstream", match.end())
        streams.append(_pdf_stream(match[1], data[match.end() : end if end >= 0 else None], budget))
    known = [stream for stream in streams if stream is not None]
    maps = [found for stream in known if (found := _character_map(stream))]
    for number, stream in enumerate(known, 1):
        name = f"{where}: stream {number}"
        if b"BT" in stream and (b"Tj" in stream or b"TJ" in stream):
            for table in maps or [{}]:
                yield Text(name, _pdf_words(stream, table))
        elif as_text(stream) is not None:
            yield from _plain_pdf(name, stream)
        else:
            yield from pieces(name, stream, budget, depth + 1)
    bare = re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.S)
    yield from _plain_pdf(where, bare)


def _plain_pdf(where: str, data: bytes) -> Iterator[Piece]:
    strings = [_pdf_string(found, {}) for found in re.findall(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]{8,}>", data)]
    yield Text(where, (*views(data.decode("latin-1")), *views("\n".join(strings))))


def _pdf_stream(header: bytes, raw: bytes, budget: Budget) -> bytes | None:
    """A stream unpacked; None for pictures and fonts, which hold no words of a page."""
    if re.search(rb"/Subtype\s*/Image|/FontFile|/Length1|/Subtype\s*/(?:Type1C|OpenType|CIDFontType0C)", header):
        return None
    out = raw
    for name in re.findall(rb"/(FlateDecode|Fl|ASCII85Decode|A85|ASCIIHexDecode|AHx)\b", header):
        try:
            if name in (b"FlateDecode", b"Fl"):
                out = _inflated(out, 15, budget, partial=True)[0]
            elif name in (b"ASCII85Decode", b"A85"):
                out = base64.a85decode(out.strip().removesuffix(b"~>"))
            else:
                out = bytes.fromhex(re.sub(rb"[\s>]", b"", out).decode("ascii"))
        except (ValueError, InputRefused) as problem:
            if isinstance(problem, InputRefused) and problem.problems[0].code == "file_too_large":
                raise
            raise refuse(budget.file, "file_truncated", "packed data in the PDF is damaged") from None
    return out


def _character_map(stream: bytes) -> dict[int, str]:
    """A font's table from glyphs to characters."""
    if b"beginbfchar" not in stream and b"beginbfrange" not in stream:
        return {}
    found = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", stream, re.S):
        for glyph, letter in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(glyph, 16)] = _utf16(letter)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", stream, re.S):
        for low, high, first in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for step in range(min(int(high, 16) - int(low, 16) + 1, 65_536)):
                found[int(low, 16) + step] = chr(min(int(first, 16) + step, 0x10FFFF))
        for low, _, each in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*\[(.*?)\]", block, re.S):
            for step, letter in enumerate(re.findall(rb"<([0-9A-Fa-f]+)>", each)):
                found[int(low, 16) + step] = _utf16(letter)
    return found


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode().zfill(4)).decode("utf-16-be", "replace")


def _pdf_words(stream: bytes, table: dict[int, str]) -> tuple[str, str]:
    """Words of a page, each shown piece on a line, and again with the pieces of one text object joined."""
    apart, joined = [], []
    for token in _SHOWN.findall(stream):
        if token[:1] in b"(<" and token:
            text = _pdf_string(token, table)
            apart.append(text)
            joined.append(text)
        elif token == b"ET":
            joined.append("\n")
            apart.append("\n")
        elif token not in (b"'", b'"'):
            apart.append("\n")
    return "".join(apart), "".join(joined)


_PDF_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.S)


def _pdf_string(token: bytes, table: dict[int, str]) -> str:
    if token.startswith(b"<"):
        digits = re.sub(rb"[\s<>]", b"", token).decode()
        raw = bytes.fromhex(digits + "0" * (len(digits) % 2))
    else:
        named = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
        raw = _PDF_ESCAPE.sub(
            lambda m: bytes([int(m[1], 8) & 255]) if m[1].isdigit() else named.get(m[1], m[1]), token[1:-1]
        )
    if raw.startswith(b"\xfe\xff"):
        return raw[2:].decode("utf-16-be", "replace")
    if table and token.startswith(b"<"):
        wide = [raw[i] * 256 + raw[i + 1] for i in range(0, len(raw) - 1, 2)]
        return "".join(table.get(glyph, "") for glyph in (wide if max(table) > 255 or raw[:1] == b"\x00" else raw))
    return raw.decode("latin-1")


_OBJECT = re.compile(rb"(?<!\d)(\d+)\s+\d+\s+obj\b(.*?)\bendobj\b", re.S)
_FONT_NAME = re.compile(rb"/([^\s/<>\[\]()]+)\s+(\d+)\s+\d+\s+R")
_TEXT_TOKEN = re.compile(
    rb"/([^\s/<>\[\]()]+)\s+([-\d.]+)\s+Tf\b|([-\d.]+)\s+([-\d.]+)\s+Tm\b|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>"
    rb"|\b(?:Tj|TJ|ET)(?![A-Za-z])|['\"]",
    re.S,
)
_ONE_LETTER = 0.7  # of the size of the type: a figure is 0.56 wide, with a space 0.83
_FOR_READERS = re.compile(
    rb"/(?:Alt|ActualText|E|Title|Subject|Keywords|Author|Contents|TU)\s*(\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)|<[0-9A-Fa-f\s]*>)",
    re.S,
)


def pdf_text(data: bytes) -> list[str]:
    """The texts shown on the sheets of a PDF, piece by piece, each letter by the font in use; ``\\ufffd`` for unknown.

    Raises
    ------
    InputRefused
        If it is locked or damaged.
    """
    objects, streams = _pdf_objects(data)
    fonts: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for name, number in _FONT_NAME.findall(body):
            found = re.search(rb"/ToUnicode\s+(\d+)\s", objects.get(int(number), b""))
            if found and int(found[1]) in streams:
                fonts.setdefault(name, {}).update(_character_map(streams[int(found[1])]))
    said = [stream for stream in streams.values() if b"TJ" in stream or b"Tj" in stream]
    return [line for stream in said for line in _pdf_lines(stream, fonts)]


def _pdf_lines(stream: bytes, fonts: dict[bytes, dict[int, str]]) -> Iterator[str]:
    """The texts of one stream; letters placed one by one (as in a picture) are put together to words."""
    table: dict[int, str] = {}
    size, place, before = 0.0, (0.0, 0.0), (0.0, 0.0)
    line, piece, letters = "", "", False
    for match in _TEXT_TOKEN.finditer(stream):
        token = match[0]
        if match[1] is not None:
            table, size = fonts.get(match[1], {}), float(match[2])
        elif match[3] is not None:
            place = (float(match[3]), float(match[4]))
        elif token[:1] == b"<" and table:
            raw = bytes.fromhex(re.sub(rb"[\s<>]", b"", token).decode())
            piece += "".join(table.get(raw[i] * 256 + raw[i + 1], "\ufffd") for i in range(0, len(raw) - 1, 2))
        elif token[:1] in (b"(", b"<"):
            piece += "\ufffd" if table or not fonts else _pdf_string(token, {})
        elif piece:
            near = letters and place[1] == before[1] and 0 < place[0] - before[0] < _ONE_LETTER * size
            if line and not near:
                yield line
                line = ""
            line += piece
            letters, before, piece = len(piece) == 1, place, ""
    if line:
        yield line


def pdf_strings(data: bytes) -> list[str]:
    """What a PDF says to readers who do not see it: titles, alternative texts, descriptions, notes."""
    objects, streams = _pdf_objects(data)
    found = [_pdf_string(token, {}) for body in objects.values() for token in _FOR_READERS.findall(body)]
    packets = [stream.decode("utf-8", "replace") for stream in streams.values() if b"<x:xmpmeta" in stream]
    return found + [html.unescape(text) for packet in packets for text in re.findall(r"<rdf:li[^>]*>([^<]*)<", packet)]


def _pdf_objects(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """The objects of a PDF by number, those packed together too, and the streams unpacked."""
    if re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", data):
        raise refuse("PDF", "file_unreadable", "the PDF is locked with a password")
    budget = Budget("PDF")
    objects: dict[int, bytes] = {}
    streams: dict[int, bytes] = {}
    for match in _OBJECT.finditer(data):
        header, mark, rest = match[2].partition(b"stream")
        objects[int(match[1])] = header if mark else match[2]
        if not mark:
            continue
        stream = _pdf_stream(header, rest.removeprefix(b"\r").removeprefix(b"\n").rpartition(b"endstream")[0], budget)
        if stream is None:
            continue
        streams[int(match[1])] = stream
        first = re.search(rb"/First\s+(\d+)", header)
        if b"/ObjStm" in header and first:
            body = stream[int(first[1]) :]
            numbers = [int(each) for each in stream[: int(first[1])].split()]
            starts = sorted(zip(numbers[1::2], numbers[::2], strict=True))
            ends = [start for start, _ in starts[1:]] + [len(body)]
            objects |= {number: body[start:end] for (start, number), end in zip(starts, ends, strict=True)}
    return objects, streams


_FORMS = (
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", _zip),
    (b"\x1f\x8b", _gzip),
    (b"BZh", _other_packed),
    (b"\xfd7zXZ\x00", _other_packed),
    (b"SQLite format 3\x00", _sqlite),
    (b"fgb\x03", _flatgeobuf),
    (b"\x00\x00\x27\x0a", _shapefile),
    (b"PAR1", _parquet),
    (b"\x89PNG", _picture),
    (b"\xff\xd8\xff", _picture),
)
