"""What was released before: the memory that keeps two harmless releases from giving a child away together.

A :class:`Ledger` is a plain value that turns into JSON and back; reading and writing its file is done in
``io``. It holds only what was printed. A new release is attacked together with the earlier ones about the
same people (:func:`earlier`), and what was hidden once stays hidden while the data are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from geoplan.gate import Nesting, PrintedTable

SCHEMA = 1


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
    """

    release: str
    audience: str
    tables: tuple[PrintedTable, ...]
    nested: tuple[Nesting, ...] = ()
    before: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of the entry, the one before it included."""
        text = json.dumps(_entry_to_dict(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """Every release so far, oldest first, each tied to the one before.

    Examples
    --------
    >>> table = PrintedTable("Pupils", ("school",), (("a",),), ("c",), population="2026")
    >>> ledger = append(Ledger(), "spring", "public", [table])
    >>> Ledger.from_dict(ledger.to_dict()) == ledger, verify(ledger)
    (True, [])
    """

    entries: tuple[Entry, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    def to_dict(self) -> dict:
        """The ledger as plain values, for JSON."""
        return {"schema": SCHEMA, "entries": [_entry_to_dict(entry) | {"hash": entry.hash} for entry in self.entries]}

    @classmethod
    def from_dict(cls, value: Mapping) -> Ledger:
        """The ledger from plain values; a changed entry is refused."""
        if value.get("schema") != SCHEMA:
            raise ValueError(f"a ledger of schema {value.get('schema')!r}; this version reads {SCHEMA}")
        entries = tuple(_entry_from_dict(entry) for entry in value["entries"])
        ledger = cls(entries)
        changed = [
            entry.release for entry, given in zip(entries, value["entries"], strict=True) if entry.hash != given["hash"]
        ]
        wrong = changed or verify(ledger)
        if wrong:
            raise ValueError(f"the ledger was changed after it was written: {', '.join(wrong)}")
        return ledger


def append(
    ledger: Ledger, release: str, audience: str, tables: Sequence[PrintedTable], nested: Sequence[Nesting] = ()
) -> Ledger:
    """The ledger with one more release; the same tables again add nothing."""
    last = ledger.entries[-1] if ledger.entries else None
    if last and (last.audience, last.tables, last.nested) == (audience, tuple(tables), tuple(nested)):
        return ledger
    entry = Entry(release, audience, tuple(tables), tuple(nested), last.hash if last else "")
    return Ledger((*ledger.entries, entry))


def verify(ledger: Ledger) -> list[str]:
    """Releases that are not tied to the one before them; empty if all is well."""
    before, wrong = "", []
    for entry in ledger.entries:
        if entry.before != before:
            wrong.append(entry.release)
        before = entry.hash
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
        to another audience is left out, and exact numbers inside the office always are.

    Returns
    -------
    tables, nested
        Tables, each once, named for their release, and how their areas are made of smaller ones.
    """
    tables, seen, nested = [], set(), {}
    for number, entry in enumerate(ledger.entries, start=1):
        if entry.audience not in ("public", audience) or entry.audience == "internal":
            continue
        here = [table for table in entry.tables if table.population in populations]
        names = {table.name: f"{table.name} ({entry.release}, {number})" for table in entry.tables}
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


def _renamed(table: PrintedTable, names: Mapping[str, str]) -> PrintedTable:
    values = {field.name: getattr(table, field.name) for field in fields(PrintedTable)}
    return PrintedTable(**values | {"name": names[table.name], "parts": names.get(table.parts, table.parts)})


def _with_their_parts(tables: Sequence[PrintedTable]) -> tuple[PrintedTable, ...]:
    """Without sums whose parts were left out as already seen: they tell nothing that the parts do not."""
    names = {table.name for table in tables}
    return tuple(table for table in tables if not table.parts or table.parts in names or table.parts.startswith("("))


# --- plain values ---------------------------------------------------------------------------------------


def _entry_to_dict(entry: Entry) -> dict:
    return {
        "release": entry.release,
        "audience": entry.audience,
        "before": entry.before,
        "tables": [_table_to_dict(table) for table in entry.tables],
        "nested": [{"fine": n.fine, "coarse": n.coarse, "lookup": dict(n.lookup)} for n in entry.nested],
    }


def _table_to_dict(table: PrintedTable) -> dict:
    values = {field.name: getattr(table, field.name) for field in fields(PrintedTable)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return plain | {"cells": [list(cell) for cell in table.cells]}


def _entry_from_dict(value: Mapping) -> Entry:
    tables = tuple(_table_from_dict(table) for table in value["tables"])
    nested = tuple(Nesting(n["fine"], n["coarse"], dict(n["lookup"])) for n in value["nested"])
    return Entry(value["release"], value["audience"], tables, nested, value["before"])


def _table_from_dict(value: Mapping) -> PrintedTable:
    plain = {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}
    return PrintedTable(**plain | {"cells": tuple(tuple(cell) for cell in value["cells"])})
