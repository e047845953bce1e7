"""Whether a release folder still is what its manifest says: everything hashed and worked out again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from geoplan.errors import FolderBusy, InputRefused
from geoplan.io.exchange import Site, fingerprints, manifest_bytes, settle
from geoplan.io.files import file_name, refuse
from geoplan.io.locks import locked
from geoplan.manifests import FILE, INTERNAL, SENSITIVE, Mismatch, check_document, sha256

_READS = 20


def verify_folder(folder: str | os.PathLike, previous: str | os.PathLike | None = None) -> list[Mismatch]:
    """What in a release folder is not as its manifest says; an empty list if all is.

    Every file is hashed again, and the manifest's own seal, run, chain, accounts and checks are worked out again.
    A folder that a killed run left half exchanged is put right first.

    Parameters
    ----------
    folder
        The release folder.
    previous
        A copy of the folder, or of the manifest, that this release replaced, to check the chain against.

    Raises
    ------
    InputRefused
        If it is not a release folder.
    """
    site = Site(Path(folder).resolve())
    for _ in range(_READS):
        _put_right(site)
        seen = _look(site)
        if seen is not None:
            break
        time.sleep(0.01)
    else:
        raise FolderBusy(f"{site.folder.name}: another run keeps writing this folder; wait, and verify again")
    data, found, folders, modes = seen
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return [Mismatch("manifest_changed", FILE, "cannot be read")]
    mismatches = check_document(document, data)
    mismatches += _check_files(document, found, folders)
    if document.get("audience") == INTERNAL and os.name != "nt":
        mismatches += [Mismatch("open_to_others", name, "can be read by others than its owner")
                       for name, mode in sorted(modes.items()) if mode & 0o077]  # fmt: skip
    if previous is not None:
        path = Path(previous)
        before = manifest_bytes(path) if path.is_dir() else path.read_bytes()
        chain = document.get("chain")
        if before is None or not isinstance(chain, dict) or chain.get("previous") != sha256(before):
            mismatches.append(Mismatch("chain_broken", FILE, "does not follow the release given as the one before"))
    return mismatches


def _check_files(
    document: Mapping[str, Any], found: Mapping[str, tuple[int, str]], others: Sequence[str]
) -> list[Mismatch]:
    try:
        listed = {str(each["name"]): (each["bytes"], each["sha256"]) for each in document["outputs"]}
    except (KeyError, TypeError):
        return [Mismatch("manifest_changed", FILE, "does not list the files")]
    said = [Mismatch("file_missing", name, "missing") for name in sorted(listed.keys() - found.keys())]
    for name in sorted(listed.keys() & found.keys()):
        if found[name] != listed[name]:
            said.append(Mismatch("file_changed", name, "changed since it was written"))
    extra = sorted((found.keys() - listed.keys() - {FILE}) | set(others))
    if document.get("audience") != INTERNAL:
        said += [Mismatch("internal_file", file_name(name), f"{SENSITIVE}: exact numbers among what leaves the office")
                 for name in sorted({*found, *extra}) if name.startswith(SENSITIVE)]  # fmt: skip
    return said + [Mismatch("file_unlisted", file_name(name), "not written by geoplan") for name in extra]


def _look(site: Site):
    """Manifest, files, what else there is, and permissions; None if the folder was exchanged meanwhile."""
    folder = site.folder
    try:
        before = folder.stat()
        data = manifest_bytes(folder)
        entries = [(entry.name, entry.is_file(follow_symlinks=False), entry.stat(follow_symlinks=False).st_mode & 0o777)
                   for entry in os.scandir(folder)]  # fmt: skip
        found = fingerprints(folder) if data is not None else {}
        after = folder.stat()
        same = (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino) and manifest_bytes(folder) == data
    except FileNotFoundError:
        if site.old.is_dir() or folder.is_dir():
            return None
        raise refuse(folder.name, "file_missing", "no such folder", "check the name") from None
    except NotADirectoryError:
        raise refuse(folder.name, "file_wrong_format", "a file, where a folder is needed", "name its folder") from None
    except OSError:
        raise refuse(folder.name, "file_unreadable") from None
    if not same:
        return None
    if data is None:
        raise refuse(
            folder.name, "file_wrong_format", f"not a release folder: it has no {FILE}", "name the folder of one"
        )
    modes = {name: mode for name, ordinary, mode in entries if ordinary} | {".": before.st_mode & 0o777}
    return data, found, [name for name, ordinary, _ in entries if not ordinary], modes


def _put_right(site: Site) -> None:
    """Finish what a killed run left, if it left the folder away and nobody is at work; otherwise only read."""
    if os.path.lexists(site.folder) or not site.old.is_dir():
        return
    with suppress(OSError, InputRefused, FolderBusy), locked(site.lock, wait=10.0):
        settle(site)
