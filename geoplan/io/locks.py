"""One writer at a time: a lock on a file that the system itself lets go of when its holder dies.

``flock`` (or ``msvcrt`` on Windows) is held by the process, so a lock file left by a killed run is no lock. Where
the file system has no locks, the file's being there is the lock; one whose process no longer runs is named in the
refusal, and never taken over by guessing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoplan.errors import FolderBusy

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PAUSE = 0.02
_NO_LOCKS = frozenset(
    getattr(errno, name) for name in ("ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK", "EINVAL") if hasattr(errno, name)
)


@contextmanager
def locked(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file ``path``; :class:`FolderBusy` if another holds it for longer than ``wait`` seconds.

    The file is removed afterwards.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder) / "lock"):
    ...     try:
    ...         with locked(Path(folder) / "lock"):
    ...             pass
    ...     except FolderBusy:
    ...         print("busy")
    busy
    """
    until = time.monotonic() + wait
    while True:
        handle = _take(path)
        if handle is not None:
            break
        if time.monotonic() >= until:
            raise FolderBusy(f"{path.name}: another run is writing this folder{_holder(path)}; wait, and run again")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        _let_go(path, handle)


def _take(path: Path) -> int | None:
    """An open handle that holds the lock, or None if another has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        if not _lock(handle):
            os.close(handle)
            return None
        if not _is_at(handle, path):  # its holder removed the file between our opening and locking it
            os.close(handle)
            return None
    except OSError as error:
        os.close(handle)
        if error.errno in _NO_LOCKS:
            return _take_by_name(path)
        raise
    _sign(handle)
    return handle


def _lock(handle: int) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}:
                return False
            raise
        return True
    import msvcrt

    try:
        os.lseek(handle, 1 << 30, os.SEEK_SET)  # far behind the text, which others may then still read
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def _take_by_name(path: Path) -> int | None:
    by_name = path.with_name(path.name + ".held")
    try:
        handle = os.open(by_name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        host, process = _signature(by_name)
        if process and host == socket.gethostname() and not _runs(process):
            raise FolderBusy(
                f"{by_name.name}: left by a run that was stopped (process {process} no longer runs); delete this file"
            ) from None
        return None
    _sign(handle)
    return handle


def _let_go(path: Path, handle: int) -> None:
    by_name = path.with_name(path.name + ".held")
    mine = by_name if _is_at(handle, by_name) else path if _is_at(handle, path) else None
    if os.name == "nt":  # an open file cannot be removed there
        os.close(handle)
    with contextlib.suppress(OSError):
        if mine is not None:
            mine.unlink()
        if mine == by_name:
            path.unlink()
    if os.name != "nt":
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    try:
        ours, there = os.fstat(handle), path.stat()
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _sign(handle: int) -> None:
    """Say who holds the lock, for the words of a refusal; a full disk is no reason to fail."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())


def _signature(path: Path) -> tuple[str, int]:
    with contextlib.suppress(OSError, ValueError):
        process, host = path.read_text(encoding="utf-8")[:300].split()
        return host, int(process)
    return "", 0


def _holder(path: Path) -> str:
    _, process = _signature(path)
    return f" (process {process})" if process else ""


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
