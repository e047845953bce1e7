"""The authority's ledger on the disk: what was released, so that the next release can be attacked together with it.

One private file, ``private/ledger.json`` beside the project file, for its owner alone. It is read and replaced with
its lock held, from before the numbers are protected until after they are written, so that two runs never decide on
the same memory. It holds what was printed and, for each population, a mark of the data (a hash of the exact counts,
which is why the file stays inside). A file that does not add up is refused: without the memory, a new release could
give away what the earlier ones hid.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from geoplan.errors import FolderBusy, InputRefused, ReleaseRefused
from geoplan.evidence import Nesting, PrintedTable
from geoplan.io.files import file_name, refuse
from geoplan.io.locks import locked
from geoplan.io.outputs import cannot_write, write_bytes
from geoplan.ledger import Ledger, append, append_internal, earlier
from geoplan.manifests import sha256

SCHEMA = "geoplan.ledger/1"
FOLDER, FILE = "private", "ledger.json"
BEFORE = "; before release "  # the mark of data that were others until then


@dataclass(frozen=True, repr=False)
class Memory:
    """What the file holds: the releases, and a mark of the data of each population."""

    ledger: Ledger = field(default_factory=Ledger)
    marks: Mapping[str, str] = field(default_factory=dict)

    def others(self, marks: Mapping[str, str]) -> dict[str, list[int]]:
        """Names whose data are not these, with the releases made from others that somebody outside may hold.

        A mark that is tied to no release counts too.
        """
        tied = {name for entry in self.ledger.entries for name in entry.marked}
        found = {}
        for name, mark in marks.items():
            standing = [number for number, entry in self.ledger.standing() if name in entry.marked]
            wrong = [number for number in standing if self.mark_then(name, number) not in (mark, None)]
            if wrong or (name not in tied and self.marks.get(name, mark) != mark):
                found[name] = wrong
        return found

    def with_marks(self, marks: Mapping[str, str]) -> Mapping[str, str]:
        """The marks with those of one more release; of data that were withdrawn, the mark of then is kept."""
        number = len(self.ledger) + 1
        gone = {f"{name}{BEFORE}{number}": self.marks[name] for name, mark in marks.items()
                if self.marks.get(name, mark) != mark}  # fmt: skip
        return {**self.marks, **gone, **marks}

    def mark_then(self, name: str, number: int) -> str | None:
        """The mark that the data of a name had when a release was made; None where none is kept."""
        later = [until for until in self._changes.get(name, ()) if until > number]
        return self.marks[f"{name}{BEFORE}{min(later)}"] if later else self.marks.get(name)

    @cached_property
    def _changes(self) -> dict[str, list[int]]:
        """For each name whose data changed after a withdrawal, the releases before which they did."""
        found: dict[str, list[int]] = {}
        for key in self.marks:
            name, before, number = key.rpartition(BEFORE)
            if before and number.isdecimal():
                found.setdefault(name, []).append(int(number))
        return found

    def to_bytes(self) -> bytes:
        """The bytes of the file, sealed."""
        document = {"schema": SCHEMA, "ledger": self.ledger.to_dict(), "marks": dict(sorted(self.marks.items()))}
        return _bytes(document | {"seal": sha256(_bytes(document))})


class OpenLedger:
    """The ledger while its lock is held; made by :func:`open_ledger`."""

    def __init__(self, path: Path, memory: Memory):
        self.path, self.memory = path, memory

    def __repr__(self) -> str:
        return f"<OpenLedger: {len(self.ledger):,} releases>"

    @property
    def ledger(self) -> Ledger:
        """The releases so far."""
        return self.memory.ledger

    def earlier(
        self, audience: str, populations: Collection[str] | None = None
    ) -> tuple[tuple[PrintedTable, ...], tuple[Nesting, ...]]:
        """What that audience has seen of these populations (of all, if None): tables, and how areas are nested."""
        if populations is None:
            populations = {table.population for entry in self.ledger.entries for table in entry.tables}
        try:
            return earlier(self.ledger, tuple(sorted(populations)), audience)
        except ValueError as error:
            raise ReleaseRefused([str(error)]) from None

    def check(self, marks: Mapping[str, str]) -> None:
        """Refuse data that changed under a name that an earlier release has.

        Raises
        ------
        ReleaseRefused
            With what to do.
        """
        changed = self.memory.others(marks)
        if changed:
            name, numbers = next(iter(changed.items()))
            raise ReleaseRefused(
                [
                    f"{name}: the data are not those of the earlier release under this name, so one could be "
                    "subtracted from the other, child by child",
                    *changed_data_advice(numbers),
                ]
            )

    def check_name(self, name: str, mark: str) -> None:
        """Refuse data under a new name that somebody outside may hold under another: the two would not be compared.

        Parameters
        ----------
        name
            Of the population: who is counted, then what the data are called.
        mark
            Of the data.

        Raises
        ------
        ReleaseRefused
            With what to do.
        """
        found: dict[str, list[int]] = {}
        for number, entry in self.ledger.standing():
            if name in entry.marked:
                return
            for other in entry.marked:
                if other.split("; ")[0] == name.split("; ")[0] and self.memory.mark_then(other, number) == mark:
                    found.setdefault(other, []).append(number)
        if found:
            other, numbers = next(iter(found.items()))
            raise ReleaseRefused(
                [
                    f"{name}: the same data were released as {other}, and under another name what is released now "
                    "would not be protected beside what was released then",
                    "call the data what they were called then (as_at under [project])",
                    changed_data_advice(numbers)[1],
                ]
            )

    def with_entry(
        self,
        release: str,
        audience: str,
        tables: Sequence[PrintedTable],
        nested: Sequence[Nesting] = (),
        marks: Mapping[str, str] | None = None,
        what: str = "",
    ) -> Memory:
        """The memory with one more release, of the file or folder ``what``; nothing is written.

        The same tables again add nothing but the name of another file.
        """
        known = [table for table in tables if isinstance(table, PrintedTable)]
        marks = dict(marks or {})
        ledger = (
            append(self.ledger, release, audience, known, nested, what=what, marked=list(marks))
            if known
            else self.ledger
        )
        return Memory(ledger, self.memory.with_marks(marks))

    def with_internal(self, release: str, what: str, reason: str) -> Memory:
        """The memory with a note of an internal output: when, which file and why, and no number."""
        return Memory(append_internal(self.ledger, release, what, reason), self.memory.marks)

    def keep(self, memory: Memory) -> None:
        """Replace the file, whole or not at all; nothing is written where nothing is new."""
        if memory != self.memory:
            write_bytes(self.path, memory.to_bytes(), private=True)
            self.memory = memory


def changed_data_advice(numbers: Sequence[int]) -> list[str]:
    """What to do where data differ from those of releases (by number in the ledger) under the same name."""
    one = len(numbers) == 1
    which = f"release{'' if one else 's'} {', '.join(map(str, numbers))}" if numbers else "the earlier releases"
    return [
        'other data (a new census day): give them a name of their own, as_at = "..." under [project]',
        f'if {which} never left the office: "geoplan ledger withdraw {" ".join(map(str, numbers)) or "NUMBER"}", and '
        'release the data as they are now ("geoplan ledger list" shows what is there)',
        "a correction of the same data after a release: use the data released before (with the corrections file of "
        "then), work with exact numbers inside (--internal), or wait for the next census day",
    ]


@contextmanager
def open_ledger(project_folder: str | os.PathLike, wait: float = 0.0) -> Iterator[OpenLedger]:
    """The ledger of the project in a folder, with its lock held; an empty one where there is none yet.

    Parameters
    ----------
    project_folder
        Where the project file lies.
    wait
        Seconds to wait for another run.

    Raises
    ------
    InputRefused
        If the file was changed, or cannot be read or written.
    FolderBusy
        When another run holds it.

    Examples
    --------
    >>> import tempfile
    >>> table = PrintedTable("Pupils", ("school",), (("a",),), ("c",), population="2026")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with open_ledger(place) as ledger:
    ...         ledger.keep(ledger.with_entry("spring", "public", [table]))
    ...     with open_ledger(place) as ledger:
    ...         len(ledger.ledger), [len(ledger.earlier("public", {name})[0]) for name in ("2026", "2027")]
    (1, [1, 0])
    """
    path = ledger_path(project_folder)
    with ExitStack() as held:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            held.enter_context(locked(path.with_name(f".{FILE}.lock"), wait))
            memory = read_memory(path)
        except FolderBusy:
            raise FolderBusy(f"{FILE}: another run is releasing figures of this project; wait, and run again") from None
        except OSError as error:
            raise cannot_write(path, error) from None
        yield OpenLedger(path, memory)


def ledger_path(project_folder: str | os.PathLike) -> Path:
    """Where the ledger of the project in a folder is."""
    return Path(project_folder).resolve() / FOLDER / FILE


def read_memory(path: Path) -> Memory:
    """What the file holds; nothing where there is none.

    Raises
    ------
    InputRefused
        If it was changed after it was written, or is no ledger.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Memory()
    except OSError:
        raise refuse(file_name(path), "file_unreadable") from None
    try:
        document = json.loads(data)
        seal = document.pop("seal")
        if document["schema"] != SCHEMA or seal != sha256(_bytes(document)):
            raise ValueError("the seal does not fit")
        return Memory(Ledger.from_dict(document["ledger"]), {str(k): str(v) for k, v in document["marks"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _changed(path) from None


def _changed(path: Path) -> InputRefused:
    return refuse(
        file_name(path), "file_wrong_format", "the ledger of releases was changed after it was written",
        "restore it from a backup; without it a release cannot be compared with the earlier ones",
    )  # fmt: skip


def _bytes(document: Mapping) -> bytes:
    return (json.dumps(document, ensure_ascii=True, indent=None, sort_keys=True) + "\n").encode("ascii")
