"""Outputs with exact numbers, for planners inside the authority: marked, for their owner alone, and audited.

A file of exact numbers has a name that begins with ``OFFICIAL-SENSITIVE_`` and says so inside: at the top of a page and
on every sheet of paper that it is printed on, in the first row and the printed head of every sheet of a workbook, in
every row of a CSV, in the first line of a text. Only its owner can read it. A line in the audit file, written before
the file is in its place, says who wrote it, when, why and from which inputs. It is refused in a folder of a release.
"""

from __future__ import annotations

import base64
import csv
import getpass
import hashlib
import html
import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geoplan.errors import ReleaseRefused
from geoplan.io.exchange import file_hash, manifest_bytes, sync_folder
from geoplan.io.files import file_name, refuse
from geoplan.io.outputs import write_bytes
from geoplan.leaks import MARKED, scan_bytes
from geoplan.manifests import SENSITIVE

AUDIT = "geoplan-audit.jsonl"
PREFIX = f"{SENSITIVE}_"
_INSIDE = "Exact numbers of people, for use inside the authority"
_MARKED_JSON = re.compile(rf'\s*\{{\s*"marking"\s*:\s*"{SENSITIVE}"')
_MOST_PART = 64_000_000  # bytes of a part of a workbook that is looked into
MARKING = "marking"  # the column of a CSV, the key of a JSON object
_STYLE = (
    ".internal-marking{background:#7a0f1f;color:#fff;font:700 1rem/1.35 system-ui,sans-serif;margin:0 0 0.75rem;"
    "padding:0.5rem 0.75rem}.internal-running{display:none}"
    "@page{@top-center{content:'OFFICIAL-SENSITIVE';font:700 9pt sans-serif;color:#7a0f1f}}"
    "@media print{.internal-marking{background:none;color:#7a0f1f;border:2pt solid #7a0f1f}"
    ".internal-running{display:block;position:fixed;bottom:0;left:0;right:0;text-align:center;background:#fff;"
    "color:#7a0f1f;font:700 9pt/1.2 sans-serif;margin:0}}"
)
_POLICY = re.compile(r"style-src (?:'none'|&#39;none&#39;)?")


def internal_path(path: str | os.PathLike) -> Path:
    """The path of an internal output: the name begins with the marking.

    Examples
    --------
    >>> internal_path("papers/options.html").as_posix()
    'papers/OFFICIAL-SENSITIVE_options.html'
    >>> internal_path("OFFICIAL-SENSITIVE_options.html").name
    'OFFICIAL-SENSITIVE_options.html'
    """
    path = Path(path)
    return path if path.name.startswith(PREFIX) else path.with_name(PREFIX + path.name)


def is_internal(path: str | os.PathLike) -> bool:
    """Whether a file is one of exact numbers that geoplan wrote, by its name or by its marking.

    A marking is found in a copy under another name too, saved anew by a spreadsheet (a workbook, a sheet of it as CSV,
    other separators, everything in quotation marks), with its columns in another order.
    """
    path = Path(path)
    if path.name.startswith(PREFIX):
        return True
    try:
        with path.open("rb") as stream:
            start = stream.read(65_536)
        if start.startswith(b"PK"):
            return _says_inside(path)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return False  # whoever reads it says what is wrong with it
    text = start.decode("utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    lines = text.splitlines()[:2]
    if _INSIDE in text or _MARKED_JSON.match(text):
        return True
    for separator in ",;\t|":
        heads, *values = csv.reader(lines, delimiter=separator) if lines else [[]]
        for cells in values:
            pairs = zip(heads, cells, strict=False)
            if any(head.strip().casefold() == MARKING and cell.strip() == SENSITIVE for head, cell in pairs):
                return True
        if heads and heads[0].strip() == SENSITIVE and not any(cell.strip() for cell in heads[1:]):
            return True  # the first row of a sheet
    return False


def _says_inside(path: Path) -> bool:
    """Whether a workbook says that it has exact numbers."""
    with zipfile.ZipFile(path) as file:
        for part in file.infolist():
            if not part.filename.endswith(".xml") or part.file_size > _MOST_PART:
                continue
            text = file.read(part)
            # a workbook of geoplan's, or a CSV of geoplan's saved as one
            if _INSIDE.encode() in text or (b">marking<" in text and f">{SENSITIVE}<".encode() in text):
                return True
    return False


def inside_words(reason: str) -> str:
    """For whom exact numbers are, and why they were asked for."""
    return f"{_INSIDE}, not to be passed on. Asked for: {reason}."


def mark_html(page: str, words: str = "") -> str:
    """The page with the marking at its top, in its title and on each sheet of paper.

    Parameters
    ----------
    page
        A whole page of geoplan's.
    words
        What stands behind the marking: for whom the numbers are, and why.

    Examples
    --------
    >>> marked = mark_html("<html><head><title>Pupils</title></head><body><h1>Pupils</h1></body></html>", "A <reason>")
    >>> "<title>OFFICIAL-SENSITIVE: Pupils</title>" in marked, "OFFICIAL-SENSITIVE. A &lt;reason&gt;</p>" in marked
    (True, True)
    >>> mark_html(marked) == marked
    True
    """
    if 'class="internal-marking"' in page:
        return page
    allowed = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    said = html.escape(f"{SENSITIVE}. {words}" if words else SENSITIVE)
    banner = f'<p class="internal-marking">{said}</p><p class="internal-running" aria-hidden="true">{SENSITIVE}</p>'
    page = _POLICY.sub(f"style-src 'sha256-{allowed}' ", page, count=1)
    page = page.replace("<title>", f"<title>{SENSITIVE}: ", 1)
    page = page.replace("</head>", f"<style>{_STYLE}</style></head>", 1)
    return re.sub(r"<body[^>]*>", lambda found: found[0] + banner, page, count=1)


@dataclass(frozen=True)
class MarkedPage:
    """A page with the marking, for whatever is made of it (a PDF)."""

    page: object
    words: str = ""

    def to_html(self) -> str:
        """The page, marked."""
        return mark_html(self.page.to_html(), self.words)


def mark_bytes(kind: str, data: bytes, words: str = "") -> bytes:
    """An output with the marking in it, by its kind; what cannot be marked here must be so already.

    Parameters
    ----------
    kind
        ``html``, ``csv``, ``json`` or ``txt``; ``xlsx`` and ``pdf`` are marked when they are made.
    data, words
        The output, and what stands behind the marking.

    Examples
    --------
    >>> mark_bytes("csv", b"school,pupils\\n900001,3\\n")
    b'school,pupils,marking\\n900001,3,OFFICIAL-SENSITIVE\\n'
    >>> mark_bytes("txt", b"One sheet\\n", "For planners.")
    b'OFFICIAL-SENSITIVE. For planners.\\n\\nOne sheet\\n'
    """
    if kind == "html":
        return mark_html(data.decode("utf-8"), words).encode("utf-8")
    if kind == "csv":
        return _mark_rows(data)
    if kind == "txt":
        return f"{SENSITIVE}. {words}\n\n".encode() + data
    if kind == "json":
        value = json.loads(data)
        marked = {MARKING: SENSITIVE, **(value if isinstance(value, dict) else {"rows": value})}
        return (json.dumps(marked, ensure_ascii=False, indent=1) + "\n").encode("utf-8")
    return data


def _mark_rows(data: bytes) -> bytes:
    memory = io.StringIO(newline="")
    writer = csv.writer(memory, lineterminator="\n")
    rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    for at, row in enumerate(rows):
        writer.writerow([*row, SENSITIVE if at else MARKING])
    return memory.getvalue().encode("utf-8")


@dataclass(frozen=True)
class Inside:
    """What is said of internal outputs of one command: why, for which project, and what they were made from."""

    reason: str
    folder: Path
    inputs: tuple[Path, ...] = ()

    def marked(self, path: Path, data: bytes) -> bytes:
        """The output with the marking in it, seen to be there.

        Raises
        ------
        ReleaseRefused
            If its folder is that of a release, or the marking is missing.
        """
        folder = path.parent.resolve()
        if manifest_bytes(folder) is not None:
            raise ReleaseRefused(
                [f"{folder.name} is the folder of a release, and exact numbers are never put among what leaves the "
                 "office: write them to another folder"]
            )  # fmt: skip
        data = mark_bytes(path.suffix[1:].lower(), data, inside_words(self.reason))
        if not any(leak.kind == MARKED for leak in scan_bytes("file", data)):
            raise ReleaseRefused([f"{path.name}: it could not be marked {SENSITIVE}"])
        return data

    def write(self, path: Path, data: bytes) -> Path:
        """Write what :meth:`marked` gave, its audit line first."""
        write_audit(
            self.folder / AUDIT,
            self.reason,
            {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "inputs": input_hashes(self.inputs)},
        )
        return write_bytes(path, data, private=True)


def input_hashes(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Name and SHA-256 of each file that is there, each once."""
    there = dict.fromkeys(Path(path).resolve() for path in paths if path is not None)
    return [{"name": path.name, "sha256": file_hash(path)} for path in there if path.is_file()]


def write_audit(path: Path, why: str, what: Mapping[str, Any], now: datetime | None = None) -> None:
    """One line at the end of the audit file: who, when, why, what; never a number.

    Raises
    ------
    InputRefused
        If the line could not be written: then nothing else may be.
    """
    try:
        who = getpass.getuser()
    except (OSError, KeyError, ImportError):
        who = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    when = (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {"when": when, "who": who, "why": why, "what": dict(what)}
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        data = (json.dumps(line, ensure_ascii=True) + "\n").encode("ascii")
        if os.write(handle, data) != len(data):
            raise refuse(file_name(path), "output_unwritable", "the audit line could not be written", "free some space")
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)
