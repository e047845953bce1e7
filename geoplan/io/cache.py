"""A local fast form of what was read: keys are hashes of bytes, reader and recipe; off = on, only slower.

Only published directories are kept, never people. A folder that cannot be written means no cache, no error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path


def cache_folder() -> Path | None:
    """Where files are kept: ``GEOPLAN_CACHE``, else the platform's own place; None if switched off."""
    named = os.environ.get("GEOPLAN_CACHE")
    if named is not None:
        return Path(named) if named.strip() and named.strip().lower() not in {"0", "off", "none"} else None
    with contextlib.suppress(RuntimeError):
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "geoplan" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "geoplan"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geoplan"
    return None


def cache_key(*parts: str) -> str:
    """One name for all that an answer depends on.

    Examples
    --------
    >>> cache_key("a", "bc") == cache_key("ab", "c")
    False
    """
    return hashlib.sha256("\x00".join(parts).encode("utf-8")).hexdigest()


def load(key: str):
    """The Arrow table kept under a key, or None; a damaged file is none."""
    folder = cache_folder()
    path = folder / f"{key}.parquet" if folder else None
    if path is None or not path.is_file():
        return None
    from pyarrow import parquet

    try:
        return parquet.read_table(path, memory_map=False)
    except Exception:  # whatever is wrong with it, the file is read again from its source
        return None


def save(key: str, table) -> None:
    """Keep an Arrow table under a key, whole or not at all."""
    folder = cache_folder()
    if folder is None:
        return
    from pyarrow import parquet

    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        os.close(handle)
        parquet.write_table(table, temporary, compression="zstd", compression_level=1)
        Path(temporary).replace(folder / f"{key}.parquet")
    except Exception:  # no cache, no error
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
