"""Kills, full disks and races, on the writer of releases and on a naive one; what is left is looked at file by file.

Run as a program (``python harness.py kills 200 folder``) it forks one child a trial, so that importing happens once,
and prints what it found as JSON. The naive writer is there to show that the harness finds mixtures.
"""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from geoplan.errors import GeoplanError
from geoplan.io import exchange
from geoplan.io.releases import Release, verify_folder

PRIMITIVES = ("open", "write", "fsync", "close", "mkdir", "chmod", "rename", "unlink", "rmdir", "ftruncate")
WHOLE, MIXED, ABSENT = "whole", "mixed", "absent"


class Passed:
    """A gate that found nothing."""

    narrowest, offenders, seconds = 9, (), 0.0


def contents(version: int) -> dict[str, bytes]:
    """The files of one version: some names in every version, one in every third only."""
    stamp = f"version {version}\n".encode()
    files = {f"school-{i}.html": stamp * 2_000 for i in range(5)}
    return files | {"map.html": stamp * 20_000, "counts.csv": stamp * 50, f"only-{version % 3}.txt": stamp}


def write(folder: Path, version: int, wait: float = 0.0) -> None:
    """A release of one version."""
    release = Release(title=f"version {version}")
    for name, data in contents(version).items():
        release = release.add(name, data, about="words only")
    release.write(folder, gate=lambda printed, public, earlier: Passed, scan=lambda path: [], wait=wait)


def write_naively(folder: Path, version: int, wait: float = 0.0) -> None:
    """What most programs do: each file written over the old one, then what is no longer wanted removed."""
    folder.mkdir(exist_ok=True)
    files = contents(version)
    for name, data in files.items():
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            rest = memoryview(data)
            while len(rest):
                rest = rest[os.write(handle, rest[: 1 << 14]) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink(missing_ok=True)


def state(folder: Path, versions: range, verified: bool) -> tuple[str, int | None]:
    """Whether a folder is wholly one of the versions, and which; ``verified`` asks its manifest too."""
    if verified:
        try:
            if verify_folder(folder):
                return MIXED, None
        except GeoplanError:
            return (MIXED, None) if folder.exists() else (ABSENT, None)
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
    for version in versions:
        if found == contents(version):
            return WHOLE, version
    return MIXED, None


def leftovers(folder: Path) -> list[str]:
    """Names beside the folder that belong to its writing."""
    return sorted(path.name for path in folder.parent.iterdir() if path.name.startswith(f".{folder.name}."))


def fork(work: Callable[[], None]) -> int:
    """Run something in a child; its exit code is 0 done, 3 refused in words, 9 anything else."""
    child = os.fork()
    if child:
        return child
    code = 9
    try:
        work()
        code = 0
    except GeoplanError:
        code = 3
    finally:
        os._exit(code)


@contextmanager
def counted(act: Callable[[int, str], None]) -> Iterator[Counter]:
    """Call ``act(n, name)`` before the n-th of the primitives that change a disk (from 1)."""
    kept = {name: getattr(os, name) for name in PRIMITIVES}
    swap, calls = exchange.swap, Counter()

    def wrapped(name: str, function: Callable) -> Callable:
        def call(*args, **named):
            calls["all"] += 1
            act(calls["all"], name)
            return function(*args, **named)

        return call

    for name, function in kept.items():
        setattr(os, name, wrapped(name, function))
    exchange.swap = wrapped("swap", swap)
    try:
        yield calls
    finally:
        for name, function in kept.items():
            setattr(os, name, function)
        exchange.swap = swap


def full_at(nth: int, for_good: bool, number: int = errno.ENOSPC) -> Callable[[int, str], None]:
    """The n-th primitive fails, or all from it on; closing never does."""

    def act(n: int, name: str) -> None:
        if (n == nth or (for_good and n > nth)) and name != "close":
            raise OSError(number, os.strerror(number))

    return act


def random_kills(folder: Path, trials: int, writer: Callable, seed: int = 1) -> Counter:
    """SIGKILL a writer at a random moment, again and again, over what the last one left."""
    chance, found, safe = random.Random(seed), Counter(), writer is write
    writer(folder, 0)
    began = time.perf_counter()
    for _ in range(3):
        os.waitpid(fork(lambda: writer(folder, 0)), 0)
    span = 1.3 * (time.perf_counter() - began) / 3
    last = version = 0
    while found["killed"] < trials:
        version += 1
        child = fork(lambda v=version: writer(folder, v))
        time.sleep(chance.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        found["killed"] += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        what, now = state(folder, range(last, version + 1), safe)
        found[what] += 1
        found["new" if now == version else "old"] += what == WHOLE
        if what == WHOLE and now not in (last, version):
            found["neither"] += 1
        found["left"] += bool(leftovers(folder))
        if what == WHOLE:
            last = now
        else:
            writer(folder, version)
            last = version
    writer(folder, last + 1)
    found["never cleared"] = len(leftovers(folder))
    return found


def stepped_kills(folder: Path, writer: Callable) -> Counter:
    """SIGKILL a writer before its n-th change of the disk, for every n."""
    found, safe, n = Counter(), writer is write, 0
    while True:
        n += 1
        writer(folder, 0)
        found["never cleared"] += len(leftovers(folder))

        def work(nth: int = n) -> None:
            with counted(lambda i, name: os.kill(os.getpid(), signal.SIGKILL) if i == nth else None):
                writer(folder, 1)

        killed = os.WIFSIGNALED(os.waitpid(fork(work), 0)[1])
        found[state(folder, range(2), safe)[0]] += 1
        if not killed:
            return found


def races(folder: Path, trials: int, writer: Callable, wait: float = 0.0, seed: int = 2) -> Counter:
    """Two or three writers at once, while the folder is read."""
    chance, found, safe = random.Random(seed), Counter(), writer is write
    writer(folder, 0)
    for _ in range(trials):
        count = chance.choice((2, 3))
        children = []
        for version in range(1, count + 1):
            children.append(fork(lambda v=version: writer(folder, v, wait)))
            time.sleep(chance.choice((0, 0, 0.001, 0.005)))
        codes = []
        while children:
            if safe:
                try:
                    found["read mixed"] += bool(verify_folder(folder))
                    found["read"] += 1
                except GeoplanError:
                    found["read refused"] += 1
            for child in list(children):
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    children.remove(child)
                    codes.append(os.waitstatus_to_exitcode(status))
        found["written"] += codes.count(0)
        found["refused"] += codes.count(3)
        found["crashed"] += len(codes) - codes.count(0) - codes.count(3)
        found["nobody"] += not codes.count(0)
        found[state(folder, range(count + 1), safe)[0]] += 1
        found["never cleared"] += len(leftovers(folder))
    return found


def full_disks(folder: Path, ways: int, writer: Callable) -> Counter:
    """The n-th change of the disk fails for want of space, once or for good, for every n; by an error, too."""
    found, safe = Counter(), writer is write
    faults = ((True, errno.ENOSPC), (False, errno.EIO), (False, errno.ENOSPC), (True, errno.EROFS))
    for for_good, number in faults[:ways]:
        n, failed = 0, True
        while failed:
            n += 1
            writer(folder, 0)
            found["never cleared"] += len(leftovers(folder))
            failed = False
            with counted(full_at(n, for_good, number)) as calls:
                try:
                    writer(folder, 1)
                except GeoplanError:
                    failed = True
                except OSError:
                    failed = True
                    found["not in words"] += 1
            failed |= calls["all"] >= n
            found[state(folder, range(2), safe)[0]] += 1
    return found


def small_disks(mount: Path, trials: int, writer: Callable, seed: int = 3) -> Counter:
    """A real file system too small for the new version (over, or beside, the old one), of another size each time."""
    chance, found, safe = random.Random(seed), Counter(), writer is write
    mount.mkdir(exist_ok=True)
    for _ in range(4 * trials):
        if found["refused"] + found["not in words"] == trials:
            break
        size = chance.randrange(400_000, 760_000) if safe else chance.randrange(316_000, 345_000)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(mount)], check=True)
        try:
            folder = mount / "out"
            writer(folder, 0)
            try:
                writer(folder, 11)
                found["written"] += 1
            except GeoplanError:
                found["refused"] += 1
            except OSError:
                found["not in words"] += 1
            found[state(folder, range(12), safe)[0]] += 1
        finally:
            subprocess.run(["umount", str(mount)], check=True)
    return found


def main(what: str, trials: str, folder: str, how: str) -> None:
    """``what`` is kills, steps, races, full or disks; ``how`` is swap, pair or naive."""
    writer = write_naively if how == "naive" else write
    if how == "pair":
        exchange._renameat2 = None
    target, count = Path(folder), int(trials)
    found = {
        "kills": lambda: random_kills(target, count, writer),
        "steps": lambda: stepped_kills(target, writer),
        "races": lambda: races(target, count, writer),
        "queue": lambda: races(target, count, writer, wait=30.0),
        "full": lambda: full_disks(target, count, writer),
        "disks": lambda: small_disks(target, count, writer),
    }[what]()
    sys.stdout.write(json.dumps({name: n for name, n in sorted(found.items()) if n}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
