"""The leak scan over files and folders; what is looked for is in :mod:`geoplan.leaks`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from geoplan.containers import MAX_BYTES, refuse
from geoplan.errors import InputRefused
from geoplan.leaks import Leak, scan_bytes, shown_place


def scan_file(
    path: str | os.PathLike, *, public_postcodes: Iterable[str] = (), today: dt.date | None = None
) -> tuple[Leak, ...]:
    """As :func:`geoplan.leaks.scan_bytes`, for a file; it is only read."""
    return _scan_path(Path(path), Path(path).name, public_postcodes, today)


def scan_folder(
    path: str | os.PathLike,
    *,
    public_postcodes: Iterable[str] = (),
    today: dt.date | None = None,
    refused: Callable[[InputRefused], None] | None = None,
) -> tuple[Leak, ...]:
    """As :func:`geoplan.leaks.scan_bytes`, for every file in a folder and the folders in it, hidden ones too.

    ``refused`` is called with the refusal of a file that cannot be looked into, and the scan goes on; without it
    the first such file stops the scan. Links are not followed: one that points out of the folder is refused.
    """
    folder, public = Path(path), tuple(public_postcodes)
    found: list[Leak] = []
    for file in sorted(each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir()):
        try:
            found += _scan_path(file, file.relative_to(folder).as_posix(), public, today)
        except InputRefused as problem:
            if refused is None:
                raise
            refused(problem)
    return tuple(found)


def _scan_path(file: Path, name: str, public: Iterable[str], today: dt.date | None) -> tuple[Leak, ...]:
    shown = shown_place(name)
    try:
        if file.is_symlink() or not file.is_file():
            raise (
                refuse(shown, "file_unreadable", "a link or not an ordinary file")
                if file.exists() or file.is_symlink()
                else refuse(shown, "file_missing")
            )
        if file.stat().st_size > MAX_BYTES:
            raise refuse(shown, "file_too_large")
        data = file.read_bytes()
    except OSError:
        raise refuse(shown, "file_unreadable") from None
    return scan_bytes(name, data, public_postcodes=public, today=today)
