"""The way out: a folder of protected files and a manifest, written wholly or not at all, and verified later.

::

    release = Release("public", title="Who lives where", inputs=[...]).add("map.html", book).add("counts.csv", table)
    manifest = release.write("out")
    verify_folder("out")        # [] as long as nothing was touched

What is added is a value; :meth:`Release.write` does the rest under a lock, in this order: refuse a folder that
cannot be written, or holds files of others; render; run the gate over all tables together; build the folder beside
the old one; read every file back, compare its figures with the tables that the gate attacked, and scan it for
leaks; see that the inputs are still those that were read; write the manifest; enter the release in the ledger;
exchange the folders. Whatever goes wrong before the exchange leaves the old folder as it was.

Files in the folder that geoplan did not write are neither deleted nor carried over: the run refuses. Carried over,
they would leave the office with a manifest that says all was checked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from geoplan.disclosure import PUBLIC as PUBLIC_RULE
from geoplan.disclosure import Rule, require_protected, rule_for
from geoplan.errors import FolderBusy, InputRefused, ReleaseRefused
from geoplan.evidence import Nesting, PrintedShares, PrintedTable, PublicTotals
from geoplan.gate import attack
from geoplan.io.exchange import (
    Site,
    exchange,
    file_hash,
    fingerprints,
    folder_mode,
    manifest_bytes,
    open_workshop,
    preflight,
    read_document,
    settle,
    site_of,
    write_file,
)
from geoplan.io.files import file_name, refuse
from geoplan.io.internal import AUDIT, inside_words, mark_html, write_audit
from geoplan.io.leak_files import scan_file
from geoplan.io.ledgers import OpenLedger
from geoplan.io.locks import locked
from geoplan.io.outputs import cannot_write, table_csv, write_bytes
from geoplan.io.provenance import input_of, versions
from geoplan.io.rejects import rejects, write_rejects
from geoplan.io.verification import verify_folder
from geoplan.manifests import (
    FILE,
    INTERNAL,
    LEAST,
    PUBLIC,
    SENSITIVE,
    Chain,
    Input,
    Manifest,
    Output,
    Override,
    Repair,
    audience_of,
    check_document,
    mask,
    mask_command,
    output_name,
    sha256,
)
from geoplan.readback import Shown, check_bytes
from geoplan.suppression import ProtectedTable

__all__ = [
    "KINDS", "FolderBusy", "Item", "Release", "ReleaseRefused", "input_of", "rejects", "verify_folder", "write_rejects",
]  # fmt: skip

KINDS = {
    "html": ".html", "csv": ".csv", "json": ".json", "geojson": ".geojson", "text": ".txt", "markdown": ".md",
    "xlsx": ".xlsx", "gpkg": ".gpkg", "pdf": ".pdf", "png": ".png", "svg": ".svg",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Item:
    """One output to be: its name, what it is made from, and the tables (and public facts) whose figures it shows."""

    name: str
    content: object
    kind: str
    tables: tuple[object, ...] = ()
    about: str = ""
    facts: tuple[pd.DataFrame, ...] = ()
    page: str = ""

    def __repr__(self) -> str:
        return f"<Item {self.name}: {type(self.content).__name__}, {len(self.tables)} tables>"


@dataclass(frozen=True)
class Release:
    """Files that leave together, for one audience, and what is to be said of them.

    Parameters
    ----------
    audience
        ``public`` (the default, and the strictest), ``school:URN``, or ``internal``.
    title
        What the release is about.
    reason
        Why exact figures are needed, in ten letters or more: typed by a person, for ``internal`` only, and kept in
        the audit file. The rule is that of :func:`geoplan.disclosure.rule_for`.
    settings, command
        How it was made; secrets are masked before they are kept anywhere.
    inputs
        From :func:`input_of`.
    overrides
        Rules made weaker on purpose; each must be printed on the output by whoever makes it.
    repairs, coverage, people
        Outlines mended; gaps and overlaps in square metres; pupils outside, unlocated, terminated ...

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from geoplan.disclosure import protect
    >>> table = protect(pd.DataFrame({"pupils": [40, 4]}, index=["a", "b"]), counts=["pupils"])
    >>> release = Release(title="Two wards").add("wards.csv", table)
    >>> release
    <Release for public: wards.csv>
    >>> class Passed:
    ...     narrowest, offenders = 9, ()
    >>> checks = {"gate": lambda printed, public, earlier: Passed, "scan": lambda path: []}
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     manifest = release.write(f"{parent}/out", **checks)
    ...     verify_folder(f"{parent}/out")
    []
    >>> [output.name for output in manifest.outputs]
    ['wards.csv']
    """

    audience: str = PUBLIC
    title: str = field(default="", kw_only=True)
    reason: str = field(default="", kw_only=True)
    settings: Mapping[str, Any] | None = field(default=None, kw_only=True, repr=False)
    command: str | Sequence[str] = field(default="", kw_only=True, repr=False)
    inputs: tuple[Input, ...] = field(default=(), kw_only=True, repr=False)
    overrides: tuple[Override, ...] = field(default=(), kw_only=True, repr=False)
    repairs: tuple[Repair, ...] = field(default=(), kw_only=True, repr=False)
    coverage: Mapping[str, float] = field(default_factory=dict, kw_only=True, repr=False)
    people: Mapping[str, int] = field(default_factory=dict, kw_only=True, repr=False)
    items: tuple[Item, ...] = field(default=(), kw_only=True, repr=False)

    def __post_init__(self) -> None:
        audience_of(self.audience)
        if self.audience == INTERNAL:
            rule_for(INTERNAL, reason=self.reason)
        elif self.reason.strip():
            raise ValueError(f"{self.audience}: takes no reason")
        for name in ("inputs", "overrides", "repairs", "items"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __repr__(self) -> str:
        return f"<Release for {self.audience}: {', '.join(item.name for item in self.items) or 'nothing yet'}>"

    def add(
        self,
        name: str,
        content: object,
        tables: Iterable[object] = (),
        *,
        kind: str = "",
        about: str = "",
        facts: Iterable[pd.DataFrame] = (),
        page: str = "",
    ) -> Release:
        """A new release with one more file.

        Parameters
        ----------
        name
            Its file name; the ending may be left out. A name that is not plain becomes :func:`safe_name` of it.
        content
            A page (anything with ``to_html``), a :class:`~geoplan.disclosure.Protected` table, or text or bytes of a
            declared ``kind``. For ``internal`` also a plain table.
        tables
            Protected tables whose figures the content shows; those of a page or table are found by themselves.
        kind
            One of :data:`KINDS`; needed for text and bytes unless the name's ending says it.
        about
            For text and bytes that show no figures of people: why not ("the licence", "public facts of schools").
        facts
            Plain tables whose numbers stand there too and are public, or were worked out from printed numbers (the
            places of schools, a ranking); those of a page are found by themselves. Any other number is refused.
        page
            For a PDF: the name of the page in this release that it prints; its numbers are compared with that page's.
        """
        kind = _kind_of(name, content, kind)
        shown = (*tables_in(content), *tables)
        if self.audience != INTERNAL:
            _require_protected(name, content, shown, about)
        full = output_name(name, KINDS[kind])
        if self.audience == INTERNAL:
            full = f"{SENSITIVE}_{full}"
        if full.lower() == FILE or full.lower() in {item.name.lower() for item in self.items}:
            raise ValueError(f"{full}: two outputs of one name")
        return replace(
            self,
            items=(*self.items, Item(full, content, kind, shown, about.strip(), (*facts_in(content), *facts), page)),
        )

    def write(
        self,
        folder: str | os.PathLike,
        *,
        public: Sequence[PublicTotals] = (),
        earlier: Sequence[PrintedTable] = (),
        nested: Sequence[Nesting] = (),
        overlaps: Sequence[Nesting] = (),
        shares: Sequence[PrintedShares] = (),
        ledger: OpenLedger | None = None,
        marks: Mapping[str, str] | None = None,
        gate: Callable | None = None,
        scan: Callable | None = None,
        audit: str | os.PathLike | None = None,
        own_copy: str | os.PathLike | None = None,
        what: str = "",
        wait: float = 0.0,
        now: datetime | None = None,
    ) -> Manifest:
        """Write the folder, wholly or not at all.

        Parameters
        ----------
        folder
            The release folder; replaced if it holds an earlier release for the same audience and nothing else.
        public, earlier
            What is known anyway, and what was printed before, for the gate.
        nested, overlaps
            Which areas lie in which; ``overlaps`` are worked out for this release alone and not kept in the ledger.
        shares
            Percentages printed that were not worked out from the printed counts of the tables.
        ledger
            The authority's ledger, open (:func:`geoplan.io.ledgers.open_ledger`): what was released to this audience
            before is attacked together with this release, which is entered before the folders are exchanged: an
            entry may be of a release that was stopped, and no release is without one. ``internal`` has no entry.
        marks
            Marks of the data, from :func:`geoplan.protection.data_marks`, to be kept in the ledger.
        gate
            ``gate(printed, public, earlier)`` (and ``nested``, ``shares`` by name, where there are any), with
            ``narrowest`` and ``offenders`` on what it returns; :func:`geoplan.gate.attack` by default.
        scan
            ``scan(path)``, a list of leaks; :func:`geoplan.io.leak_files.scan_file` by default.
        audit
            Where an ``internal`` release leaves its line; ``geoplan-audit.jsonl`` beside the folder by default.
            The line is written before the exchange: none is ever missing, and one may be of a run that was stopped.
        own_copy
            Where to put the manifest with exact accounts and fingerprints, for its owner alone.
        what
            What the ledger calls the release; the folder's name by default.
        wait
            Seconds to wait for another run that is writing the same folder.
        now
            The time, for tests.

        Raises
        ------
        ReleaseRefused
            When the gate or the leak scan found something, a file says another number than its tables, or an input or
            the data changed.
        FolderBusy
            When another run is writing the folder.
        InputRefused
            When the folder cannot be written.
        """
        site = site_of(folder)
        try:
            preflight(site, contents=False)
            beside = _outside(site, audit or site.folder.with_name(AUDIT)) if self.audience == INTERNAL else None
            private = None if own_copy is None else _outside(site, own_copy)
            with locked(site.lock, wait):
                settle(site)
                preflight(site)
                _same_audience(site, self.audience)
                try:
                    given = map(tuple, (public, earlier, nested, overlaps, shares))
                    known = _Known(*given, ledger, marks or {}, what or site.folder.name)
                    manifest = self._write(site, known, gate, scan, beside, now or datetime.now(UTC))
                finally:
                    with suppress(OSError, InputRefused):  # what cannot be cleared now is cleared by the next run
                        settle(site)
        except OSError as error:
            raise cannot_write(site.folder, error) from None
        if private is not None:
            write_bytes(private, manifest.to_bytes(shareable=False), private=True)
        return manifest

    def _write(self, site: Site, known: _Known, gate, scan, audit: Path | None, now: datetime) -> Manifest:
        internal = self.audience == INTERNAL
        ledger = None if internal else known.ledger
        if ledger is not None:
            _check_ledger(site, ledger)
            ledger.check(known.marks)
        rules, overrides = _rules(self)
        files = {item.name: _rendered(item, self.audience, self.reason) for item in self.items}
        printed = printed_of(table for item in self.items for table in item.tables)
        gated = _not_run() if internal else _gate(printed, known, self.audience, gate)
        outputs = tuple(
            Output(
                item.name, item.kind, len(files[item.name]), sha256(files[item.name]),
                protected=not internal and bool(item.tables), tables=len(item.tables), about=item.about,
            )
            for item in self.items
        )  # fmt: skip
        chain = _chain(site)
        new = open_workshop(site, [*files, FILE])
        for name, data in files.items():
            write_file(new / name, data, private=internal)
        _read_back(new, outputs)
        compared = _not_run() if internal else _compare(new, self.items)
        leaks = _not_run() if internal else _scan(new, files, scan)
        after = None if ledger is None else ledger.with_entry(
            now.astimezone(UTC).strftime("%Y-%m-%d"), self.audience, printed, known.nested, known.marks, known.what
        )  # fmt: skip
        manifest = Manifest(
            audience=self.audience,
            title=self.title,
            reason=self.reason,
            rules=rules,
            written=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            command=mask_command(self.command),
            settings=mask(self.settings or {}),
            overrides=overrides,
            versions=versions(),
            inputs=_unchanged(self.inputs),
            repairs=self.repairs,
            coverage=self.coverage,
            people=self.people,
            outputs=outputs,
            gate=gated,
            leaks=leaks,
            read_back=compared,
            ledger=0 if after is None else len(after.ledger),
            chain=chain,
        )
        data = manifest.to_bytes()
        write_file(new / FILE, data, private=internal)
        problems = [each.what for each in check_document(json.loads(data), data)]
        if not internal:
            problems += _leak_words([new / FILE], scan)
        if problems:
            raise ReleaseRefused(problems)
        if audit is not None:
            _note(audit, self, site, manifest, now)
        if after is not None:
            ledger.keep(after)
        exchange(site, folder_mode(site, internal))
        return manifest


@dataclass(frozen=True)
class _Known:
    """What an outsider may know besides the release itself."""

    public: tuple[PublicTotals, ...]
    earlier: tuple[PrintedTable, ...]
    nested: tuple[Nesting, ...]
    overlaps: tuple[Nesting, ...]
    shares: tuple[PrintedShares, ...]
    ledger: OpenLedger | None
    marks: Mapping[str, str]
    what: str = ""

    def heads(self, audience: str, printed: Sequence[object]) -> tuple[str, ...]:
        """Head teachers who were given a release before, and will see this one too; none where it has nothing new."""
        if self.ledger is None or audience != PUBLIC:
            return ()
        standing = [entry for _, entry in self.ledger.ledger.standing()]
        before = {table for each in standing if each.audience == PUBLIC for table in each.tables}
        if all(table in before for table in printed):
            return ()
        return tuple(sorted({each.audience for each in standing if each.audience != PUBLIC}))

    def before(self, printed: Sequence[object], audience: str) -> tuple[tuple, tuple]:
        """Earlier tables of the populations printed now, and how areas are nested."""
        if self.ledger is None:
            return self.earlier, (*self.nested, *self.overlaps)
        tables, nested = self.ledger.earlier(audience, {getattr(each, "population", "") for each in printed})
        given = {each.coarse for each in (*self.nested, *self.overlaps)}
        older = tuple(each for each in nested if each.coarse not in given)
        return (*self.earlier, *tables), (*self.nested, *self.overlaps, *older)


# --- what is added -------------------------------------------------------------------------------------------


def _kind_of(name: str, content: object, kind: str) -> str:
    if not kind:
        endings = {ending: each for each, ending in KINDS.items()}
        told = "html" if hasattr(content, "to_html") and not _is_table(content) else "csv" if _is_table(content) else ""
        kind = told or endings.get(Path(name).suffix.lower(), "")
    if kind not in KINDS:
        raise ValueError(f"{name}: say its kind, one of {', '.join(KINDS)}")
    return kind


def _is_table(content: object) -> bool:
    """A protected or plain table (a plain one has ``to_html`` too, which must not be called)."""
    return hasattr(content, "columns") or hasattr(content, "hidden")


def tables_in(content: object) -> tuple[object, ...]:
    """The tables that a page or a protected table shows, each once."""
    if isinstance(content, (str, bytes, bytearray)):
        return ()
    own = getattr(content, "tables", None)
    if own is not None and not callable(own):
        return tuple(own)
    if hasattr(content, "hidden"):
        return (content,)
    found: dict[int, object] = {}
    for part in _parts_of(content):
        for name in ("table", "data"):
            table = getattr(part, name, None)
            if hasattr(table, "hidden") and hasattr(table, "rule"):
                found.setdefault(id(table), table)
    return tuple(found.values())


def facts_in(content: object) -> tuple[pd.DataFrame, ...]:
    """The plain tables of public facts that a page shows."""
    if isinstance(content, (str, bytes, bytearray)) or _is_table(content):
        return ()
    found = [each for name in ("facts", "worked_out") for each in getattr(content, name, ())
             if isinstance(each, pd.DataFrame)]  # fmt: skip
    for part in _parts_of(content):
        found += [each for each in (getattr(part, "table", None), getattr(part, "data", None))
                  if isinstance(each, pd.DataFrame)]  # fmt: skip
        shapes = getattr(part, "shapes", None)
        if isinstance(shapes, pd.DataFrame) and "name" in shapes:
            found.append(pd.DataFrame(shapes[["name"]]))
    return tuple(found)


def _parts_of(content: object) -> list[object]:
    """Layers and panels of a page, and the blocks in the cards of its schools."""
    parts = [*getattr(content, "layers", ()), *getattr(content, "panels", ())]
    for part in parts:
        details = getattr(part, "details", None)
        if isinstance(details, Mapping):
            blocks = (block for each in details.values() if isinstance(each, (tuple, list)) for block in each)
            parts += [block for block in blocks if not isinstance(block, str)]
    return parts


def _require_protected(name: str, content: object, tables: Sequence[object], about: str) -> None:
    tables = [_as_protected(table) for table in tables]
    for table in tables:
        require_protected(table, name)
    if isinstance(content, (str, bytes, bytearray)):
        if not tables and not about.strip():
            raise ReleaseRefused([f"{name}: name the protected tables it shows, or say why it shows none (about=)"])
    elif _is_table(content) or not hasattr(content, "to_html"):
        require_protected(_as_protected(content), name)


def _as_protected(table: object) -> object:
    """The table that writers take, of one that :func:`geoplan.suppression.protect_tables` made."""
    return table.to_protected() if isinstance(table, ProtectedTable) else table


def _rendered(item: Item, audience: str, reason: str = "") -> bytes:
    """The bytes of one output, marked as its audience needs."""
    content = item.content
    if isinstance(content, (bytes, bytearray)):
        data = bytes(content)
    elif isinstance(content, str):
        data = content.encode("utf-8")
    elif _is_table(content):
        data = table_csv(_as_protected(content))
    else:
        marking = {PUBLIC: "", INTERNAL: SENSITIVE}.get(audience, f"For the head of school {audience[7:]} only")
        if marking and is_dataclass(content) and hasattr(content, "marking"):
            content = replace(content, marking=marking)
        data = content.to_html().encode("utf-8")
    if item.kind == "html":
        if audience == INTERNAL and not isinstance(content, (str, bytes, bytearray)):
            data = mark_html(data.decode("utf-8"), inside_words(reason)).encode("utf-8")
        marked = SENSITIVE.encode() in data
        if audience == INTERNAL and not marked:
            raise ReleaseRefused([f"{item.name}: an internal page must be marked {SENSITIVE}"])
        if audience != INTERNAL and marked:
            raise ReleaseRefused([f"{item.name}: marked {SENSITIVE}, and cannot be in a release for {audience}"])
    return data


def _rules(release: Release) -> tuple[tuple[str, ...], tuple[Override, ...]]:
    """The rules applied, in words, and what was made weaker: never without a reason."""
    if release.audience == INTERNAL:
        return ("Exact figures: no small-number rule is applied.",), release.overrides
    rules = list(dict.fromkeys(t.rule for item in release.items for t in item.tables if getattr(t, "rule", None)))
    overrides, problems = list(release.overrides), []
    for rule in rules:
        said, reason = getattr(rule, "overrides", ()), getattr(rule, "reason", "")
        own = getattr(rule, "own", "")
        if own and release.audience != f"school:{own}":
            problems.append(f"a table for the head of one school, in a release for {release.audience}")
        if getattr(rule, "exact", False):
            problems.append(f"a table of exact numbers, in a release for {release.audience}")
        elif _weaker(rule) and not (said and reason.strip()) and not release.overrides:
            problems.append(f"a weaker rule than {release.audience} allows, without an override that says why")
        overrides += [Override(each, "", reason) for each in said if reason.strip()]
    if problems:
        raise ReleaseRefused(list(dict.fromkeys(problems)))
    return tuple(sorted({rule.sentence for rule in rules})), tuple(dict.fromkeys(overrides))


def _weaker(rule: Rule) -> bool:
    return any(getattr(rule, name) < getattr(PUBLIC_RULE, name) for name in ("hide_below", "round_to", "min_base"))


# --- the checks ----------------------------------------------------------------------------------------------


def _not_run() -> dict[str, Any]:
    return {"run": False, "why": "internal: exact figures, for their owner alone"}


def printed_of(tables: Iterable[object]) -> tuple[object, ...]:
    """What tables print, each table of texts once; a table that does not say what it prints stands for itself."""
    printed: list[object] = []
    for table in tables:
        evidence = getattr(table, "printed", None)
        # the gate refuses what does not say what it prints
        for part in (table,) if evidence is None else evidence if isinstance(evidence, tuple) else (evidence,):
            if not any(part is each or (part is not table and part == each) for each in printed):
                printed.append(part)
    return tuple(printed)


def _gate(printed: tuple, known: _Known, audience: str, gate: Callable | None) -> dict[str, Any]:
    """The gate over all tables of the release together; no result, or a bad one, is a refusal."""
    done: list[tuple[tuple, object, float]] = []  # readers who were given the same know the same
    for head in known.heads(audience, printed):
        _gate_for(printed, known, audience, head, gate, done)
    return _gate_for(printed, known, audience, audience, gate, done)


def attack_for_heads(
    printed: Sequence[PrintedTable], ledger: OpenLedger, public: Sequence[PublicTotals], nested: Sequence[Nesting] = ()
) -> None:
    """Attack public tables as every head teacher could who was given a release before.

    For tables that were protected against what everybody holds: heads who hold nothing more of these people find out
    nothing more. Once tables stand in the ledger as public, no release of them is attacked for heads again.

    Raises
    ------
    ReleaseRefused
        When a head could find out too much.
    """
    known = _Known(tuple(public), (), tuple(nested), (), (), ledger, {})
    everybody = known.before(printed, PUBLIC)
    done: list = []
    for head in known.heads(PUBLIC, printed):
        if known.before(printed, head) != everybody:
            _gate_for(tuple(printed), known, PUBLIC, head, None, done)


def _gate_for(
    printed: tuple, known: _Known, audience: str, reader: str, gate: Callable | None, done: list
) -> dict[str, Any]:
    """The gate as one reader would attack: with what is public, and with what that reader was given before."""
    before = known.before(printed, reader)
    result, seconds = next(((result, took) for was, result, took in done if was == before), (None, 0.0))
    if result is None:
        more = {name: value for name, value in (("nested", before[1]), ("shares", known.shares)) if value}
        began = time.perf_counter()
        result = (gate or _attack)(printed, known.public, before[0], **more)
        seconds = time.perf_counter() - began
        done.append((before, result, seconds))
    try:
        narrowest, offenders = result.narrowest, len(result.offenders)
        if reader != audience:  # a head, who was given the own school's cells
            own = reader.partition(":")[2]
            offenders = sum(own not in cell for _, cell in result.offenders)
            narrowest = LEAST if offenders == 0 else narrowest
    except (AttributeError, TypeError):
        raise ReleaseRefused(["the gate gave no result"]) from None
    if offenders or (narrowest is not None and not narrowest >= LEAST):
        names = sorted({str(each[0]) for each in result.offenders if isinstance(each, (tuple, list)) and each})
        where = f" (in {', '.join(names)})" if names else ""
        raise ReleaseRefused(
            [f"the gate: {offenders or 'some'} protected counts have fewer than {LEAST} possible values{where}"]
        )
    if not getattr(result, "whole", True):
        raise ReleaseRefused(["the gate: the tables hang together in a way too large to be worked out"])
    said = {name: int(getattr(result, name)) for name in ("attacks", "cells") if hasattr(result, name)}
    seconds = round(float(getattr(result, "seconds", seconds)), 3)
    return {"run": True, "narrowest": None if narrowest is None else int(narrowest), "offenders": 0, **said,
            "seconds": seconds}  # fmt: skip


def _attack(printed: tuple, public: tuple, earlier: tuple, **more: tuple) -> object:
    if not all(isinstance(each, PrintedTable) for each in printed):
        raise ReleaseRefused(["the gate: a table that does not say what it prints; make it with protect_tables"])
    try:
        return attack(_told_apart(printed), public, earlier, **more)
    except ValueError as error:
        raise ReleaseRefused([f"the gate: {error}"]) from None


def _told_apart(printed: tuple) -> tuple:
    """Tables of two years, which have one name, each named for its people too."""
    people: dict[str, set[str]] = {}
    for each in printed:
        people.setdefault(each.name, set()).add(each.population)
    several = {name for name, populations in people.items() if len(populations) > 1}

    def named(name: str, each: PrintedTable) -> str:
        return f"{name} ({each.population})" if name in several else name

    return tuple(
        replace(each, name=named(each.name, each), parts=named(each.parts, each)) if several else each
        for each in printed
    )


def _compare(new: Path, items: Sequence[Item]) -> dict[str, Any]:
    """The figures in the files on the disk against the tables that the gate attacked."""
    problems, figures = [], 0
    for item in items:
        if not item.tables:
            continue
        page = ""
        if item.page:
            page = (new / output_name(item.page, KINDS["html"])).read_text(encoding="utf-8")
        shown = Shown(tuple(map(_as_protected, item.tables)), item.facts, page)
        found = check_bytes(item.name, item.kind, (new / item.name).read_bytes(), shown)
        problems += found.problems
        figures += found.figures
    if problems:
        raise ReleaseRefused(problems)
    return {"run": True, "figures": figures, "different": 0}


def _scan(new: Path, names: Iterable[str], scan: Callable | None) -> dict[str, Any]:
    names = list(names)
    problems = _leak_words([new / name for name in names], scan)
    if problems:
        raise ReleaseRefused(problems)
    return {"run": True, "found": 0, "files": len(names)}


def _leak_words(paths: Iterable[Path], scan: Callable | None) -> list[str]:
    """Leaks in words: file, kind and count, never where in a way that shows a value."""
    words = []
    for path in paths:
        found = (scan or scan_file)(path)
        if found is None:
            words.append(f"{path.name}: the leak scan gave no result")
        for leak in found or ():
            words.append(f"{path.name}: {getattr(leak, 'kind', 'leak')} x {getattr(leak, 'count', 1)}")
    return words


def _read_back(new: Path, outputs: Iterable[Output]) -> None:
    found = fingerprints(new)
    if found != {each.name: (each.size, each.sha256) for each in outputs}:
        raise ReleaseRefused(["a file read back from the disk is not what was written"])


def _unchanged(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """The inputs, each seen to be still the file that was read."""
    checked, changed = [], []
    for each in inputs:
        if each.path is None or not each.sha256:
            checked.append(each)
            continue
        try:
            same = _hash_of(each.path) == each.sha256
        except OSError:
            same = False
        if not same:
            changed.append(f"{each.name}: changed during the run; run again")
        checked.append(replace(each, unchanged=same))
    if changed:
        raise ReleaseRefused(changed)
    return tuple(checked)


_hashes: dict[Path, tuple[tuple[int, ...], str]] = {}


def _hash_of(path: str | os.PathLike) -> str:
    """The hash of a file, worked out anew where size, time of change or the file itself are not what they were."""
    there = Path(path).stat()
    state = (there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino)
    if _hashes.get(Path(path), ((), ""))[0] != state:
        _hashes[Path(path)] = state, file_hash(path)
    return _hashes[Path(path)][1]


def _same_audience(site: Site, audience: str) -> None:
    document = read_document(site.folder)
    if document is not None and document.get("audience") != audience:
        raise refuse(
            site.folder.name, "output_unwritable", "holds a release for another audience", "choose another folder"
        )


def _chain(site: Site) -> Chain:
    data = manifest_bytes(site.folder)
    if data is None:
        return Chain()
    try:
        said = json.loads(data)["chain"]
        return Chain(int(said["number"]), str(said["previous"]), str(said["before"])).after(data)
    except (KeyError, TypeError, ValueError):
        raise refuse(site.folder.name, "output_unwritable", "its manifest cannot be read", "choose another") from None


def _check_ledger(site: Site, ledger: OpenLedger) -> None:
    """Refuse where the folder's release has an entry that the ledger lacks."""
    number = (read_document(site.folder) or {}).get("ledger", 0)
    if isinstance(number, int) and number > len(ledger.ledger):
        raise refuse(
            ledger.path.name, "file_missing",
            f"has {len(ledger.ledger):,} releases, and {site.folder.name} is number {number:,}",
            "restore the ledger from a backup: without it a release cannot be compared with the earlier ones",
        )  # fmt: skip


def _outside(site: Site, path: str | os.PathLike) -> Path:
    target = Path(path).resolve()
    if target == site.folder or site.folder in target.parents:
        raise refuse(file_name(target), "output_unwritable", "may not be in the release folder", "choose another place")
    return target


def _note(path: Path, release: Release, site: Site, manifest: Manifest, now: datetime) -> None:
    """One line at the end of the audit file: who, when, why, what."""
    files = [each.name for each in manifest.outputs]
    write_audit(path, release.reason, {"folder": site.folder.name, "run": manifest.run, "files": files}, now)
