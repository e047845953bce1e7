"""What was released before: the memory that keeps two harmless releases from giving a child away together.

A :class:`Ledger` is a plain value that turns into JSON and back; reading and writing its file is done in
``io``. It holds only what was printed. A new release is attacked together with the earlier ones about the
same people (:func:`earlier`), and what was hidden once stays hidden while the data are the same.

Nothing is ever taken out of it. What somebody says of an entry later is a :class:`Statement` after it: that it was a
draft of which nobody outside holds a copy (:func:`withdraw`), or that it is out after all (:func:`publish`). An entry
that is withdrawn does not count among the tables that an outsider holds; all others do (:meth:`Ledger.standing`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from geoplan.evidence import Nesting, PrintedTable

SCHEMA = 1
INTERNAL = "internal"
WITHDRAWN, PUBLISHED, ALSO = "withdrawn", "published", "also"  # what may be said of an entry


@dataclass(frozen=True)
class Entry:
    """One release.

    Parameters
    ----------
    release
        What it is called, with its day.
    audience
        Whom it is for.
    tables
        What was printed.
    nested
        How its areas are made of smaller ones.
    before
        The hash of the entry before it; empty for the first.
    what
        The file or folder written.
    marked
        The names of the data that it was made from, as far as marks are kept of them.
    reason
        Why exact numbers were written, for ``internal``; such an entry has no tables.
    """

    release: str
    audience: str
    tables: tuple[PrintedTable, ...]
    nested: tuple[Nesting, ...] = ()
    before: str = ""
    what: str = ""
    marked: tuple[str, ...] = ()
    reason: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the entry, the one before it included."""
        return _hash(_entry_to_dict(self))


@dataclass(frozen=True)
class Statement:
    """What was said of an entry after it was made; the last one counts.

    Parameters
    ----------
    says
        ``withdrawn`` (it was a draft, and nobody outside holds a copy), ``published``, or ``also`` (another file,
        ``what``, that prints no more than this entry does).
    number, of
        The number of the entry, and its hash.
    what, reason, by, day
        The file; why, by whose word, and when.
    before
        The hash of the statement before it; empty for the first.
    """

    says: str
    number: int
    of: str
    what: str = ""
    reason: str = ""
    by: str = ""
    day: str = ""
    before: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the statement, the one before it included."""
        return _hash(asdict(self))


@dataclass(frozen=True)
class Ledger:
    """Every release so far, oldest first, each tied to the one before.

    Examples
    --------
    >>> table = PrintedTable("Pupils", ("school",), (("a",),), ("c",), population="2026")
    >>> ledger = append(Ledger(), "spring", "public", [table])
    >>> Ledger.from_dict(ledger.to_dict()) == ledger, verify(ledger)
    (True, [])
    >>> ledger = withdraw(ledger, [1], "a draft of March", "A. Planner", "2026-03-02")
    >>> len(ledger), len(ledger.standing()), ledger.state(1).says
    (1, 0, 'withdrawn')
    """

    entries: tuple[Entry, ...] = ()
    statements: tuple[Statement, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    def state(self, number: int) -> Statement | None:
        """Whether an entry (they are numbered from 1) was withdrawn or declared published; None for neither."""
        said = [each for each in self.statements if each.number == number and each.says != ALSO]
        return said[-1] if said else None

    def files(self, number: int) -> tuple[str, ...]:
        """The files and folders that print what an entry says, as far as it is known."""
        more = [each.what for each in self.statements if each.number == number and each.says == ALSO]
        return tuple(dict.fromkeys(name for name in (self.entries[number - 1].what, *more) if name))

    def standing(self) -> tuple[tuple[int, Entry], ...]:
        """The entries that somebody outside may hold, with their numbers: neither withdrawn nor internal."""
        gone = set()
        for each in self.statements:
            gone = (
                gone | {each.number}
                if each.says == WITHDRAWN
                else gone - {each.number}
                if each.says == PUBLISHED
                else gone
            )
        numbered = enumerate(self.entries, start=1)
        return tuple((at, entry) for at, entry in numbered if at not in gone and entry.audience != INTERNAL)

    def to_dict(self) -> dict:
        """The ledger as plain values, for JSON."""
        plain = {"schema": SCHEMA, "entries": [_entry_to_dict(entry) | {"hash": entry.hash} for entry in self.entries]}
        if self.statements:
            plain["statements"] = [asdict(each) | {"hash": each.hash} for each in self.statements]
        return plain

    @classmethod
    def from_dict(cls, value: Mapping) -> Ledger:
        """The ledger from plain values; a changed entry is refused."""
        if value.get("schema") != SCHEMA:
            raise ValueError(f"a ledger of schema {value.get('schema')!r}; this version reads {SCHEMA}")
        entries = tuple(_entry_from_dict(entry) for entry in value["entries"])
        said = value.get("statements", ())
        statements = tuple(Statement(**{name: each[name] for name in each if name != "hash"}) for each in said)
        ledger = cls(entries, statements)
        changed = [
            entry.release for entry, given in zip(entries, value["entries"], strict=True) if entry.hash != given["hash"]
        ]
        changed += [f"what was said of entry {each.number}" for each, given in zip(statements, said, strict=True)
                    if each.hash != given["hash"]]  # fmt: skip
        wrong = changed or verify(ledger)
        if wrong:
            raise ValueError(f"the ledger was changed after it was written: {', '.join(wrong)}")
        return ledger


def append(
    ledger: Ledger,
    release: str,
    audience: str,
    tables: Sequence[PrintedTable],
    nested: Sequence[Nesting] = (),
    *,
    what: str = "",
    marked: Sequence[str] = (),
) -> Ledger:
    """The ledger with one more release; the same tables again add nothing but the name of another file.

    Parameters
    ----------
    ledger
        The releases so far.
    release, audience, tables, nested
        As of :class:`Entry`.
    what
        The file or folder written.
    marked
        The names of the data that marks are kept of. An entry that was made from others of them is another entry.
    """
    for number, entry in ledger.standing():
        same = entry.audience == audience and set(tables) <= set(entry.tables) and entry.nested == tuple(nested)
        if same and set(marked) <= set(entry.marked):
            new = bool(what and tables) and what not in ledger.files(number)
            return _say(ledger, ALSO, [number], what=what, day=release) if new else ledger
    return _with_entry(ledger, Entry(release, audience, tuple(tables), tuple(nested), "", what, tuple(sorted(marked))))


def append_internal(ledger: Ledger, release: str, what: str, reason: str) -> Ledger:
    """The ledger with a note that exact numbers were written inside the office: when, where to and why, no number."""
    return _with_entry(ledger, Entry(release, INTERNAL, (), what=what, reason=reason))


def withdraw(ledger: Ledger, numbers: Sequence[int], reason: str, by: str, day: str) -> Ledger:
    """The ledger with releases declared drafts that nobody outside holds: from now on they do not count.

    Parameters
    ----------
    ledger
        The releases so far.
    numbers
        Of the entries, from 1.
    reason, by, day
        Why, by whose word, and when.

    Raises
    ------
    ValueError
        If an entry is not there, is internal, was withdrawn, or was declared published.
    """
    for number in numbers:
        state = _known(ledger, number)
        if state == PUBLISHED:
            said = ledger.state(number)
            raise ValueError(
                f"release {number} was declared published by {said.by} on {said.day}: somebody may hold it, so it "
                "stays among what an outsider knows"
            )
        if state == WITHDRAWN:
            raise ValueError(f"release {number} is withdrawn already")
    return _say(ledger, WITHDRAWN, numbers, reason=reason, by=by, day=day)


def publish(ledger: Ledger, numbers: Sequence[int], by: str, day: str) -> Ledger:
    """The ledger with releases declared published, also such as were withdrawn before: they count again.

    Raises
    ------
    ValueError
        If an entry is not there, is internal, or was declared published.
    """
    for number in numbers:
        if _known(ledger, number) == PUBLISHED:
            raise ValueError(f"release {number} is declared published already")
    return _say(ledger, PUBLISHED, numbers, by=by, day=day)


def _known(ledger: Ledger, number: int) -> str:
    """What was last said of an entry that can be withdrawn or published."""
    if not 1 <= number <= len(ledger):
        raise ValueError(f"there is no release {number}; the ledger has {len(ledger):,}")
    if ledger.entries[number - 1].audience == INTERNAL:
        raise ValueError(f"entry {number} is an internal output, which is none of what an outsider holds")
    state = ledger.state(number)
    return "" if state is None else state.says


def _say(ledger: Ledger, says: str, numbers: Sequence[int], **words: str) -> Ledger:
    statements = list(ledger.statements)
    for number in dict.fromkeys(numbers):
        before = statements[-1].hash if statements else ""
        statements.append(Statement(says, number, ledger.entries[number - 1].hash, before=before, **words))
    return replace(ledger, statements=tuple(statements))


def _with_entry(ledger: Ledger, entry: Entry) -> Ledger:
    before = ledger.entries[-1].hash if ledger.entries else ""
    return replace(ledger, entries=(*ledger.entries, replace(entry, before=before)))


def verify(ledger: Ledger) -> list[str]:
    """Releases that are not tied to the one before them, and what is said of others than there are; empty for none."""
    before, wrong = "", []
    for entry in ledger.entries:
        if entry.before != before:
            wrong.append(entry.release)
        before = entry.hash
    before = ""
    for each in ledger.statements:
        there = 1 <= each.number <= len(ledger) and ledger.entries[each.number - 1].hash == each.of
        if each.before != before or not there:
            wrong.append(f"what was said of entry {each.number}")
        before = each.hash
    return wrong


def earlier(
    ledger: Ledger, populations: Sequence[str], audience: str = "public"
) -> tuple[tuple[PrintedTable, ...], tuple[Nesting, ...]]:
    """What a reader of a new release may already hold about the same people, for the gate and for the second hiding.

    Parameters
    ----------
    ledger
        The releases so far.
    populations
        The populations of the new release. Other data (another census day) are another population.
    audience
        Whom the new release is for: they have seen what is public and what was released to them. What went
        to another audience is left out, and so are drafts that were withdrawn and exact numbers inside the office.

    Returns
    -------
    tables, nested
        Tables, each once, named for their release, and how their areas are made of smaller ones.
    """
    tables, seen, nested = [], set(), {}
    for number, entry in ledger.standing():
        if entry.audience not in ("public", audience):
            continue
        here = [table for table in entry.tables if table.population in populations]
        names = _names_in(entry, number)
        for table in here:
            content = (table.dims, table.cells, table.shown, table.population, table.parts and "parts")
            if content not in seen:
                seen.add(content)
                tables.append(_renamed(table, names))
        if here:
            for nesting in entry.nested:
                known = nested.setdefault(nesting.coarse, nesting)
                if known != nesting:
                    raise ValueError(
                        f"{nesting.coarse} means other areas in {entry.release} than before; "
                        "a new plan needs a new name"
                    )
    return _with_their_parts(tables), tuple(nested.values())


def _names_in(entry: Entry, number: int) -> dict[tuple[str, str], str]:
    """A name of its own for each table of a release, by population and name: two years have tables of one name."""
    several = Counter(name for name, _ in {(table.name, table.population) for table in entry.tables})
    return {
        (table.population, table.name): f"{table.name} ({entry.release}, {number}"
        + (f"; {table.population})" if several[table.name] > 1 else ")")
        for table in entry.tables
    }


def _renamed(table: PrintedTable, names: Mapping[tuple[str, str], str]) -> PrintedTable:
    values = {field.name: getattr(table, field.name) for field in fields(PrintedTable)}
    name, parts = (names.get((table.population, each), each) for each in (table.name, table.parts))
    return PrintedTable(**values | {"name": name, "parts": parts})


def _with_their_parts(tables: Sequence[PrintedTable]) -> tuple[PrintedTable, ...]:
    """Without sums whose parts were left out as already seen: they tell nothing that the parts do not."""
    names = {table.name for table in tables}
    return tuple(table for table in tables if not table.parts or table.parts in names or table.parts.startswith("("))


def mark_of(counts: str) -> str:
    """A mark of exact counts, written as a text: the same only for the same counts.

    For the authority's own ledger alone: whoever knows all people but one could try values for that one.
    """
    return hashlib.sha256(counts.encode()).hexdigest()


# --- plain values ---------------------------------------------------------------------------------------


def _hash(plain: Mapping) -> str:
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _entry_to_dict(entry: Entry) -> dict:
    more = {"what": entry.what, "marked": list(entry.marked), "reason": entry.reason}
    return {
        "release": entry.release,
        "audience": entry.audience,
        "before": entry.before,
        "tables": [_table_to_dict(table) for table in entry.tables],
        "nested": [{"fine": n.fine, "coarse": n.coarse, "lookup": dict(n.lookup)} for n in entry.nested],
    } | {name: value for name, value in more.items() if value}


def _table_to_dict(table: PrintedTable) -> dict:
    values = {field.name: getattr(table, field.name) for field in fields(PrintedTable)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return plain | {"cells": [list(cell) for cell in table.cells]}


def _entry_from_dict(value: Mapping) -> Entry:
    tables = tuple(_table_from_dict(table) for table in value["tables"])
    nested = tuple(Nesting(n["fine"], n["coarse"], dict(n["lookup"])) for n in value["nested"])
    more = {"what": value.get("what", ""), "marked": tuple(value.get("marked", ())), "reason": value.get("reason", "")}
    return Entry(value["release"], value["audience"], tables, nested, value["before"], **more)


def _table_from_dict(value: Mapping) -> PrintedTable:
    plain = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    return PrintedTable(**plain | {"cells": tuple(tuple(cell) for cell in value["cells"])})
