"""The heads' reports of one run: own tables protected, pages made, entered in the ledger, and written as releases.

What all reports rest on is worked out once (:class:`Ground`). Where there are many schools they are shared out among
processes, each of which protects and makes its part; when all are made the ledger is entered, and each process writes
what it made. What is written does not depend on how many processes there are, and one process does where others cannot
be started. Counts of single schools go to them through a pipe and never to a disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from geoplan.cli.common import steps
from geoplan.errors import ReleaseRefused

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    from geoplan.areas import Boundaries
    from geoplan.disclosure import Protected, Rule
    from geoplan.protection import PlaceTables
    from geoplan.reports import Backdrop
    from geoplan.school_tables import SchoolGround
    from geoplan.segments import Segmentation

PUBLIC = "public"
PAGE = "report.html"
BATCH = 50  # schools worked out together
WORTH_A_PROCESS = 50  # schools for which it pays to start another
MOST_PROCESSES = 4


@dataclass(frozen=True, repr=False)
class Ground:
    """What all reports of a run rest on: protected numbers and public facts."""

    tables: PlaceTables
    shared: Backdrop
    segmentation: Segmentation
    areas: Boundaries | None
    ledger: object
    marks: Mapping[str, str]
    inputs: tuple
    as_at: str = ""
    before: Mapping[str, Protected] = field(default_factory=dict)
    since: str = ""

    @cached_property
    def attacked(self) -> tuple:
        """What is printed of the place and every reader is taken to know."""
        tables = self.tables
        shown = [each for each in (tables.by_school, tables.by_area, tables.areas) if each is not None]
        parts = _parts_of(*shown, *tables.profiles.values(), *tables.homes.values())
        parts += [each.printed for each in tables.extra.values()]
        return tuple({id(part): part for part in parts}.values())

    @cached_property
    def evidence(self) -> tuple:
        """What the cautions rest on."""
        return tuple(each.to_protected("pupils") for each in self.tables.extra.values())


@dataclass(frozen=True)
class Order:
    """What is wanted: in which folder, for whom, in which forms."""

    folder: Path
    audience: str
    every: bool
    forms: tuple[str, ...]

    def audience_of(self, school: str) -> str:
        """Whom the report of a school is for."""
        return PUBLIC if self.audience == PUBLIC else f"school:{school}"

    @property
    def name(self) -> str:
        """What the ledger calls the releases."""
        return self.folder.resolve().name


def write_reports(
    ground: Ground, own: SchoolGround | None, rules: Mapping[str, Rule], order: Order, processes: int = 0
) -> list[dict]:
    """Protect, make and write the reports of some schools, and say of each what was written.

    Parameters
    ----------
    ground
        What all rest on, with the ledger open.
    own
        What the schools' own tables are protected against; None where each report has the public numbers.
    rules
        For each school wanted, in order, the rule of its own head.
    order
        What is wanted.
    processes
        How many to work in; 0 for as many as help.
    """
    from geoplan.io.releases import attack_for_heads

    schools = list(rules)
    count = processes or _processes(len(schools))
    shares = [share for share in (schools[at::count] for at in range(count)) if share]
    with ExitStack() as open_:
        here, *others = (Workshop(ground, own, {school: rules[school] for school in share}, order) for share in shares)
        hands = [_Hand(open_, each) for each in others]
        made = here.make("protecting", len(schools))
        for hand in hands:
            made += hand.made()
        attack_for_heads(list(ground.attacked), ground.ledger, ground.tables.public, ground.tables.nested)
        place = {school: at for at, school in enumerate(schools)}
        entries = sorted(made, key=lambda each: place[each[0]])
        _enter(ground, [(order.audience_of(school), printed) for school, printed in entries], order.name)
        if order.every:
            order.folder.mkdir(exist_ok=True)
        for hand in hands:
            hand.put(ground.ledger)
        said = here.put("writing", len(schools))
        for hand in hands:
            said += hand.said()
    return [each for _, each in sorted(said, key=lambda each: place[each[0]])]


def _processes(schools: int) -> int:
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(there, MOST_PROCESSES, schools // WORTH_A_PROCESS))


def _enter(ground: Ground, printed: Sequence[tuple[str, Sequence]], what: str) -> None:
    """Enter all releases of a run in the ledger, and write it once: an entry without a release only costs precision."""
    from datetime import UTC, datetime

    from geoplan.io.ledgers import OpenLedger

    day = datetime.now(UTC).strftime("%Y-%m-%d")
    growing = OpenLedger(ground.ledger.path, ground.ledger.memory)
    growing.memory = growing.with_entry(day, PUBLIC, ground.attacked, ground.tables.nested, ground.marks, what)
    for audience, tables in printed:
        growing.memory = growing.with_entry(day, audience, tables, (), ground.marks, what)
    ground.ledger.keep(growing.memory)


# --- the work of one process ----------------------------------------------------------------------------------


class Workshop:
    """Some of the schools, and what was made for them."""

    def __init__(self, ground: Ground, own: SchoolGround | None, rules: Mapping[str, Rule], order: Order):
        self.ground, self.own, self.rules, self.order = ground, own, rules, order
        self.parts: list[_Part] = []

    def make(self, word: str = "", of: int = 0) -> list[tuple[str, list]]:
        """Protect and make each report; for the ledger, what each prints."""
        from geoplan.io.releases import printed_of
        from geoplan.school_tables import protect_schools

        for some in self._batches(word, of):
            rules = {school: self.rules[school] for school in some}
            own_of = {} if self.own is None else protect_schools(self.own, rules)
            self.parts += [_part(self.ground, own_of.get(school), school) for school in some]
        return [(part.school, printed_of(part.report.tables)) for part in self.parts]

    def put(self, word: str = "", of: int = 0) -> list[tuple[str, dict]]:
        """Write each report as a release."""
        said, parts, order, ground = [], {part.school: part for part in self.parts}, self.order, self.ground
        for some in self._batches(word, of):
            for part in (parts[school] for school in some):
                target = order.folder / _folder_name(part.report) if order.every else order.folder
                manifest = _release(ground, part, order).write(
                    target, public=ground.tables.public, ledger=ground.ledger, marks=ground.marks, gate=part.gate,
                    what=order.name,
                )  # fmt: skip
                said.append((part.school, summary(target, manifest)))
        return said

    def _batches(self, word: str, of: int) -> Iterator[list[str]]:
        schools = list(self.rules)
        if not word:
            yield schools
            return
        size = 1 if len(schools) <= BATCH else BATCH // 5
        parts = [schools[at : at + size] for at in range(0, len(schools), size)]
        with steps(*(f"{word} {of:,} reports" if of > 1 else f"{word} {part[0]}" for part in parts)) as step:
            for part, _ in zip(parts, step, strict=True):
                yield part

    def handed_over(self) -> tuple:
        """The same as plain values, for another process of this run."""
        ground = self.ground
        gate = None if ground.tables.gate is None else replace(ground.tables.gate, kept=())
        extra = {name: replace(each, gate=None) for name, each in ground.tables.extra.items()}
        areas = ground.areas if "gpkg" in self.order.forms else None
        ground = replace(ground, tables=replace(ground.tables, gate=gate, extra=extra), areas=areas, ledger=None)
        own = None if self.own is None else self.own.handed_over(list(self.rules))
        return ground, own, self.rules, self.order


class _Hand:
    """Another process with a workshop; where there can be none, or it is lost, the work is done here."""

    def __init__(self, open_: ExitStack, shop: Workshop):
        self.shop, self.pool = shop, _started(open_, shop)
        self.waiting = None if self.pool is None else self.pool.submit(_make)

    def made(self) -> list[tuple[str, list]]:
        return self._answer(self.shop.make)

    def put(self, ledger) -> None:
        if self.pool is not None:
            self.waiting = self.pool.submit(_put, ledger)

    def said(self) -> list[tuple[str, dict]]:
        return self._answer(self._all_here)

    def _all_here(self) -> list[tuple[str, dict]]:
        if not self.shop.parts:
            self.shop.make()
        return self.shop.put()

    def _answer(self, here: Callable):
        from concurrent.futures.process import BrokenProcessPool

        if self.pool is not None:
            try:
                return self.waiting.result()
            except (BrokenProcessPool, OSError):
                self.pool = None
        return here()


def _started(open_: ExitStack, shop: Workshop) -> ProcessPoolExecutor | None:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    try:  # started anew rather than copied, as on every system
        pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, shop.handed_over())
        return open_.enter_context(pool)
    except (OSError, ImportError, NotImplementedError):  # no semaphores, or not allowed
        return None


_here: Workshop


def _begin(ground: Ground, own: tuple | None, rules: Mapping[str, Rule], order: Order) -> None:
    from geoplan.school_tables import taken_over

    global _here
    _here = Workshop(ground, None if own is None else taken_over(ground.tables, own), rules, order)


def _make() -> list[tuple[str, list]]:
    return _here.make()


def _put(ledger) -> list[tuple[str, dict]]:
    _here.ground = replace(_here.ground, ledger=ledger)
    return _here.put()


# --- one report ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class _Part:
    """One school's report, ready to be written, with the gate that its tables went through."""

    school: str
    report: object
    gate: Callable


def _part(ground: Ground, own, school: str) -> _Part:
    from geoplan.cautions import cautions
    from geoplan.changes import change_shown
    from geoplan.protection import only_school
    from geoplan.reports import head_report

    tables, result, note = _read_by(ground, own, school)
    attacked = [*ground.attacked, *_parts_of(tables.profiles[school], *tables.homes.values())]
    said = cautions(school, tables.profiles[school], ground.tables.extra, ground.segmentation, ground.as_at)
    changes = None
    if school in ground.before:
        before = ground.before[school]
        attacked += _parts_of(before)
        changes = only_school(change_shown(tables.profiles[school], before), school)
    tables = replace(tables, profiles={school: only_school(tables.profiles[school], school)})
    report = head_report(
        ground.shared, tables, school, changes=changes,
        period=f"since the earlier count, {ground.since.replace('_', ' ')}" if changes is not None else "",
        cautions=[each.words for each in said], trust=(*ground.shared.notes[:1], *([note] if note else [])),
        evidence=[only_school(each, school) for each in ground.evidence],
        shares=[each for one in said for each in (one.share, one.everywhere) if each is not None],
    )  # fmt: skip
    return _Part(school, report, _covering(attacked, school, ground.tables.gate, result))


def _read_by(ground: Ground, own, school: str) -> tuple[PlaceTables, object, str]:
    """The tables that a reader of one school's report sees, what the gate said of them, and what to tell of it."""
    if own is None:
        return ground.tables, ground.tables.gate, ""
    homes = {school: own.homes} if len(own.homes) else {}
    return replace(ground.tables, profiles={school: own.profile}, homes=homes, rule=own.rule), own.gate, own.note


def _parts_of(*tables) -> list:
    return [part for table in tables for part in table.printed or ()]


def _covering(attacked: Sequence, school: str, *results) -> Callable:
    """A gate that has run: it refuses any table whose cells were not attacked then, and gives the narrower answer.

    Where the reader holds tables of an earlier release that were not attacked then, all are attacked anew; what those
    hide of the own school is not to be kept from its head.
    """

    def gate(printed, public, earlier, **more):
        from geoplan.gate import attack

        seen = {_content(each) for each in (*attacked, *printed)}
        if any(_content(each) not in seen for each in earlier):
            # an earlier release told this reader something else; two years have tables of one name
            printed, earlier = (
                [replace(each, name=f"{each.name} ({each.population})") for each in tables]
                for tables in (printed, [_unsaid(each, school) for each in earlier])
            )
            return attack(printed, public, earlier, **more)
        for part in printed:
            told = [each for each in attacked if (each.name, each.dims, each.population) == _which(part)]
            there = {cell: text for each in told for cell, text in zip(each.cells, each.shown, strict=True)}
            if any(there.get(cell) != text for cell, text in zip(part.cells, part.shown, strict=True)):
                raise ReleaseRefused(["the gate: a table that it has not attacked"])
        return min(results, key=lambda each: 99 if each.narrowest is None else each.narrowest)

    return gate


def _unsaid(part, school: str):
    """A table with what it hides of one school left open."""
    from geoplan.disclosure import HIDDEN, NOT_AVAILABLE

    if "school" not in part.dims:
        return part
    at = part.dims.index("school")
    texts = (
        NOT_AVAILABLE if text == HIDDEN and cell[at] == school else text
        for cell, text in zip(part.cells, part.shown, strict=True)
    )
    return replace(part, shown=tuple(texts))


def _content(part) -> tuple:
    return part.dims, part.cells, part.shown, part.population


def _which(part) -> tuple:
    return part.name, part.dims, part.population


# --- writing ------------------------------------------------------------------------------------------------


def _release(ground: Ground, part: _Part, order: Order):
    from geoplan.io.releases import Release
    from geoplan.io.report_files import report_files, workbook_words

    report, forms = part.report, order.forms
    release = Release(
        order.audience_of(part.school),
        title=f"{report.name}: who comes, and from where",
        command=f"geoplan report --school {part.school} --audience {order.audience}",
        settings={"as_at": ground.as_at, "since": ground.since},
        inputs=ground.inputs,
    )
    facts = (*report.worked_out, *([workbook_words(report)] if "xlsx" in forms else []))
    for name, data in report_files(report, ground.areas, forms).items():
        kind = name.rpartition(".")[2]
        page = PAGE if kind == "pdf" else ""
        release = release.add(name, data, report.tables, kind=kind, facts=facts, page=page)
    return release


def _folder_name(report) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", report.name.lower()).strip("-")[:40].strip("-")
    return f"{report.school}-{plain}" if plain else report.school


def summary(folder: Path, manifest) -> dict:
    """What was written, as plain values for a program."""
    return {
        "folder": str(folder),
        "audience": manifest.audience,
        "files": [each.name for each in manifest.outputs],
        "gate": dict(manifest.gate),
        "leaks": dict(manifest.leaks),
        "read_back": dict(manifest.read_back),
        "ledger": manifest.ledger,
    }
