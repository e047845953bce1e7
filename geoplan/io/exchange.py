"""A folder replaced wholly or not at all.

The new folder is built in a workshop beside the old one (same file system, owner only), every file and folder is
synced, and the two change places in one step: ``renameat2(RENAME_EXCHANGE)`` where the kernel and the file system
have it (Linux), otherwise two renames, between which the folder is absent and the workshop says how to put it
right. :func:`settle` does that; every next run and every verification begins with it. Windows and macOS go the
second way, and Windows refuses while a program holds one of the files open.

::

    parent/
      out/                    the release
      .out.geoplan/           the workshop, only while a run writes or after one was killed
        journal.json          the names that the run means to write
        new/                  being built; after the exchange, the old folder
        old/                  (two renames only) the old folder
      .out.geoplan.lock       held while a run writes

Nothing is deleted but by name: names in the journal, and names that the folder's own manifest lists with the
hash that the file still has. What else lies in the folder makes the run refuse before it computes anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoplan.errors import InputRefused
from geoplan.io.files import file_name, refuse
from geoplan.manifests import FILE, is_plain_name

JOURNAL = "journal.json"
_EXCHANGE = 2  # RENAME_EXCHANGE
_AT_FDCWD = -100
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Site:
    """A release folder and what may lie beside it while it is written."""

    folder: Path

    @property
    def workshop(self) -> Path:
        """Where the new folder is built."""
        return self.folder.with_name(f".{self.folder.name}.geoplan")

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.folder.with_name(f".{self.folder.name}.geoplan.lock")

    @property
    def new(self) -> Path:
        """The folder being built; after an exchange, the old one."""
        return self.workshop / "new"

    @property
    def old(self) -> Path:
        """The old folder, between two renames."""
        return self.workshop / "old"

    @property
    def journal(self) -> Path:
        """What the run means to write."""
        return self.workshop / JOURNAL


def site_of(folder: str | os.PathLike) -> Site:
    """The site of a folder, links followed; a place that cannot be exchanged is refused."""
    path = Path(folder).resolve()
    if not path.name or path == Path.cwd() or path in Path.cwd().parents:
        raise _refuse(path, "the folder you are in cannot be replaced", "name another, such as a folder in it")
    return Site(path)


def preflight(site: Site, contents: bool = True) -> None:
    """Refuse a folder that cannot be written or, with ``contents``, holds what geoplan did not write.

    What is in a folder can only be judged while no other run exchanges it: under its lock.
    """
    parent, folder = site.folder.parent, site.folder
    if not parent.is_dir():
        raise _refuse(folder, "the folder it should be in does not exist", "make it first")
    if os.path.lexists(folder) and not folder.is_dir():
        raise _refuse(folder, "there is a file of that name", "choose another folder")
    for place in (parent, folder):
        if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
            raise _refuse(folder, "the folder is read-only", "choose another folder; check your rights")
    if contents and folder.is_dir():
        refuse_strangers(folder, folder.name)


def refuse_strangers(folder: Path, called: str) -> None:
    """Refuse a folder with files in it that its own manifest does not list, or that were changed since."""
    strangers = strangers_in(folder)
    if strangers:
        count = "1 file or folder" if len(strangers) == 1 else f"{len(strangers):,} files or folders"
        raise refuse(
            file_name(called), "output_unwritable", f"holds {count} that geoplan did not write, or not like this",
            "move them elsewhere, or choose another folder; nothing was deleted",
        )  # fmt: skip


def strangers_in(folder: Path, names: Iterable[str] = ()) -> list[str]:
    """Names in a folder that are neither in ``names`` nor listed, with the hash they have, by its manifest."""
    listed = listed_in(folder)
    own = set(names)
    strangers = []
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        ordinary = entry.is_file(follow_symlinks=False)
        if ordinary and entry.name in own:
            continue
        if ordinary and listed is not None and entry.name == FILE:
            continue
        if ordinary and listed is not None and listed.get(entry.name) == file_hash(entry.path):
            continue
        strangers.append(entry.name)
    return strangers


def listed_in(folder: Path) -> dict[str, str] | None:
    """Hash by name of the files that a folder's manifest lists; None where it has no manifest that can be read."""
    document = read_document(folder)
    if document is None:
        return None
    try:
        rows = {each["name"]: each["sha256"] for each in document["outputs"]}
    except (KeyError, TypeError):
        return None
    return {name: digest for name, digest in rows.items() if is_plain_name(name)}


def read_document(folder: Path) -> dict[str, Any] | None:
    """A folder's manifest as plain values, or None."""
    try:
        document = json.loads(manifest_bytes(folder) or b"")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def manifest_bytes(folder: Path) -> bytes | None:
    """The bytes of a folder's manifest, or None where there is none."""
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.lstat(folder / FILE).st_mode):
            return (folder / FILE).read_bytes()
    return None


def file_hash(path: str | os.PathLike) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:  # noqa: PTH123 - also takes the text that scandir gives
        while piece := stream.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


# --- building, exchanging, putting right; all with the lock held -------------------------------------------


def open_workshop(site: Site, names: Iterable[str]) -> Path:
    """An empty folder to build in, with the names to come noted first."""
    site.workshop.mkdir(mode=0o700)
    write_file(site.journal, json.dumps({"names": sorted(names)}).encode("ascii"), private=True)
    sync_folder(site.workshop)
    site.new.mkdir(mode=0o700)
    return site.new


def write_file(path: Path, data: bytes, private: bool = False) -> None:
    """Write a file that is not there yet, to the disk itself."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o600 if private else 0o666)
    try:
        rest = memoryview(data)
        while len(rest):
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def exchange(site: Site, mode: int) -> None:
    """Put the folder built into the place of the old one."""
    site.new.chmod(mode)
    sync_folder(site.new)
    sync_folder(site.workshop)
    if not site.folder.is_dir():
        site.new.rename(site.folder)
    elif swap(site.new, site.folder):
        try:
            refuse_strangers(site.new, site.folder.name)  # a file put there while we computed
        except InputRefused:
            swap(site.new, site.folder)
            raise
    else:
        site.folder.rename(site.old)
        try:
            refuse_strangers(site.old, site.folder.name)
            site.new.rename(site.folder)
        except BaseException:
            site.old.rename(site.folder)
            raise
    sync_folder(site.folder.parent)


def settle(site: Site) -> None:
    """Put right what a killed run left: the old folder back if it was taken away, the workshop cleared.

    Called with the lock held, so no run is at work there.
    """
    if not os.path.lexists(site.workshop):
        return
    if site.workshop.is_symlink() or not site.workshop.is_dir():
        raise _refuse(site.workshop, "is not a folder", "move it elsewhere")
    if site.old.is_dir():
        _restore(site)
    replaced = manifest_bytes(site.new)
    exchanged = replaced is not None and _previous(site.folder) == hashlib.sha256(replaced).hexdigest()
    for folder, names in ((site.new, set() if exchanged else _journal(site)), (site.old, set())):
        if folder.is_dir() and not folder.is_symlink():
            _clear(folder, names)
    if os.path.lexists(site.journal):
        site.journal.unlink()
    try:
        site.workshop.rmdir()
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise _refuse(site.workshop, "holds files that geoplan did not write", "move them elsewhere") from None
        raise


def _restore(site: Site) -> None:
    """The old folder back into its place, unless the one that replaces it is there."""
    if not os.path.lexists(site.folder):
        site.old.rename(site.folder)
        sync_folder(site.folder.parent)
        return
    if not any(site.old.iterdir()):
        return  # cleared but for the folder itself
    before = manifest_bytes(site.old)
    if _previous(site.folder) == ("" if before is None else hashlib.sha256(before).hexdigest()):
        return
    if site.folder.is_dir() and not any(site.folder.iterdir()):
        site.folder.rmdir()
        site.old.rename(site.folder)
        sync_folder(site.folder.parent)
        return
    raise _refuse(
        site.workshop, "holds the release before, and its folder holds something else", "move one of them elsewhere"
    )


def _previous(folder: Path) -> str | None:
    """Hash of the manifest that a folder's release replaced; None where the folder has no manifest."""
    chain = (read_document(folder) or {}).get("chain")
    return chain.get("previous") if isinstance(chain, dict) else None


def _journal(site: Site) -> set[str]:
    """Names that the run meant to write; none where it was killed before it had noted them."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return {name for name in json.loads(site.journal.read_bytes())["names"] if is_plain_name(name)}
    return set()


def _clear(folder: Path, names: set[str]) -> None:
    """Remove a folder's files by name, and the folder once it is empty."""
    strangers = set(strangers_in(folder, names | {FILE}))
    if strangers:
        raise _refuse(
            folder.parent, f"holds {len(strangers):,} files that geoplan did not write", "move them elsewhere"
        )
    # the manifest goes last: until then it says which of the others are ours
    for path in sorted(folder.iterdir(), key=lambda each: (each.name == FILE, each.name)):
        path.unlink()
    folder.rmdir()


def swap(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the kernel or the file system cannot."""
    if _renameat2 is None:
        return False
    if _renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}:
        return False
    raise OSError(number, os.strerror(number), str(other))


def sync_folder(folder: Path) -> None:
    """Names in a folder to the disk; systems that cannot are left as they are."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:
            raise
    finally:
        os.close(handle)


def folder_mode(site: Site, private: bool) -> int:
    """Permissions of the new folder: its owner's alone, or those of the folder it replaces."""
    if private:
        return 0o700
    if site.folder.is_dir():
        return stat.S_IMODE(site.folder.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o777 & ~mask


def fingerprints(folder: Path) -> Mapping[str, tuple[int, str]]:
    """Size and hash of each ordinary file in a folder, by name."""
    return {
        entry.name: (entry.stat(follow_symlinks=False).st_size, file_hash(entry.path))
        for entry in sorted(os.scandir(folder), key=lambda each: each.name)
        if entry.is_file(follow_symlinks=False)
    }


def _refuse(path: Path, what: str, suggestion: str) -> InputRefused:
    return refuse(file_name(path), "output_unwritable", what, suggestion)


def _find_renameat2():
    if not sys.platform.startswith("linux"):
        return None
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int
    return call


_renameat2 = _find_renameat2()
