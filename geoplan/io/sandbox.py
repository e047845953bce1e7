"""Work on bytes of unknown origin done in a child process, so that a crash is a message.

:func:`run_guarded` starts a fresh Python, gives it a function and its arguments, and takes back plain values only:
the child's answer is JSON and raw arrays, never a pickle, so that a child taken over by a hostile file can say
something wrong but cannot make this process run anything. On Linux and macOS the child has limits of memory, processor
time and files; on Linux (x86-64 and ARM) the kernel also refuses it sockets and other programs. On Windows only the
time limit holds; :func:`limits_in_force` says which apply.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pickle
import platform
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from geoplan.errors import InputRefused, Problem
from geoplan.io.files import Contents, file_name, refuse
from geoplan.reasons import REASONS

if TYPE_CHECKING:
    import geopandas as gpd

    from geoplan.io.layer_files import Parsed

SECONDS = 60
MEMORY_MB = 2_000
MAX_ANSWER = 2_000_000_000  # bytes
_BASE_MB = 3_000  # address space that Python, GDAL and their threads reserve without using it
_CODES = ("file_crashed_reader", "file_too_slow")

# set before GDAL is loaded: no drivers that read elsewhere, no rasters, no network, no looking about in folders
_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
    "GDAL_SKIP": "VRT,GTI,STACIT,STACTA,WMS,WCS,WMTS,HTTP,PLMOSAIC,DAAS,EEDAI,NGW,GDALG,MBTiles,PDF,TileDB,Zarr",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "PROJ_NETWORK": "OFF",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
_KEEP_TEXT = (
    "PATH LANG LC_ALL TZ TMPDIR TEMP TMP "
    "SYSTEMROOT WINDIR LD_LIBRARY_PATH DYLD_LIBRARY_PATH PROJ_DATA PROJ_LIB GDAL_DATA"
)
_KEEP = tuple(_KEEP_TEXT.split())
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from geoplan.io.sandbox import child; child()"


# --------------------------------------------------------------------------------------------- the parent


def run_guarded(
    function: Callable[..., object],
    *args: object,
    file: str = "",
    seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> Any:
    """Run a function in a child process with limits, and give back what it gives.

    Parameters
    ----------
    function
        A top-level function of a module that can be imported.
    args
        Its arguments.
    file
        The file concerned, for the refusal.
    seconds
        Time after which the child is ended.
    memory_mb
        Memory it may use beyond what its libraries reserve.

    Returns
    -------
    object
        Plain values: None, truth values, numbers, text, bytes, lists, tuples, dictionaries with text keys, and numpy
        arrays of numbers or dates.

    Raises
    ------
    InputRefused
        What the function itself refused; ``file_crashed_reader`` if it failed in any other way or asked for too much
        memory; ``file_too_slow`` if it took too long.

    Examples
    --------
    >>> import math
    >>> run_guarded(math.sqrt, 9.0)
    3.0
    """
    name = file or getattr(function, "__name__", "file")
    job = pickle.dumps((function.__module__, function.__qualname__, args, seconds, memory_mb), protocol=5)
    done, answer = _talk(job, seconds)
    if not done:
        raise _refusal(name, "file_too_slow", f"not read in {seconds:g} seconds")
    try:
        kind, value = decode(answer)
    except (ValueError, TypeError, KeyError, struct.error, RecursionError):
        raise _refusal(name, "file_crashed_reader") from None
    if kind == "refused":
        raise _rebuilt(value, name)
    if kind != "done":
        raise _refusal(name, "file_crashed_reader", "needs more memory than is allowed" if kind == "memory" else "")
    return value


def _talk(job: bytes, seconds: float) -> tuple[bool, bytes]:
    """Whether the child ended in time, and what it said; it is gone, and waited for, in any case."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", "-c", _BOOT, json.dumps([p for p in sys.path if isinstance(p, str)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        close_fds=True,
    )
    heard: list[bytes] = []

    def say() -> None:
        with contextlib.suppress(OSError, ValueError), process.stdin as stream:
            stream.write(job)

    def hear() -> None:
        left = MAX_ANSWER
        with contextlib.suppress(OSError, ValueError):
            while left > 0 and (part := process.stdout.read1(1 << 20)):
                left -= len(part)
                heard.append(part)
        if left <= 0:
            process.kill()

    threads = [threading.Thread(target=work, daemon=True) for work in (say, hear)]
    try:
        for thread in threads:
            thread.start()
        threads[1].join(seconds)
        done = not threads[1].is_alive()
    finally:
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        for thread in threads:
            thread.join(5)
        process.stdout.close()
    return done, b"".join(heard)


def _environment() -> dict[str, str]:
    """Nothing of this process's environment that a reader has no need of, passwords first of all."""
    from geoplan.io.layer_files import _SKIP

    kept = {name: os.environ[name] for name in _KEEP if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
    return kept | threads | {"ARROW_DEFAULT_MEMORY_POOL": "system", "OGR_SKIP": _SKIP, "MALLOC_ARENA_MAX": "2"} | _GDAL


def _refusal(name: str, code: str, what: str = "") -> InputRefused:
    return refuse(name, code, what)


def _rebuilt(value: Mapping, name: str) -> InputRefused:
    """A refusal as the child gave it, with known codes and printable words only."""
    problems = []
    for each in value["problems"][:1_000]:
        code = each["code"] if each["code"] in REASONS else "file_unreadable"
        words = {key: "".join(c for c in str(each[key])[:500] if c.isprintable()) for key in ("what", "suggestion")}
        record = each["record"] if isinstance(each["record"], int) else None
        column = None if each["column"] is None else file_name(each["column"])
        more = each["more"] if isinstance(each["more"], int) else 0
        problems.append(Problem(file_name(each["file"]), code, **words, record=record, column=column, more=more))
    return InputRefused(file_name(value["file"]) or name, problems)


# ---------------------------------------------------------------------------------------------- the child


def child() -> None:
    """What the child runs: reads one job, does it within limits, says one answer."""
    talk = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is not an answer
    sys.dont_write_bytecode = True
    module, name, args, seconds, memory_mb = pickle.loads(sys.stdin.buffer.read())
    try:
        set_limits(seconds, memory_mb)
        function = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
        answer = encode(("done", function(*args)))
    except InputRefused as problem:
        answer = encode(("refused", {"file": problem.file, "problems": [vars(each) for each in problem.problems]}))
    except MemoryError:
        answer = encode(("memory", None))
    except BaseException:  # whatever it was, its words may hold values
        answer = encode(("failed", None))
    talk.write(answer)
    talk.flush()
    os._exit(0)  # nothing of a library's own tidying up


def set_limits(seconds: float, memory_mb: int) -> tuple[str, ...]:
    """Limit this process: memory, processor time, no files written, no core, and on Linux no network and programs.

    Returns
    -------
    tuple of str
        Names of the limits that could be set.
    """
    try:
        import resource
    except ImportError:  # Windows
        return ()
    done = []
    most = (_BASE_MB + memory_mb) * 1_000_000
    wanted = {
        "RLIMIT_CPU": int(seconds) + 1,
        "RLIMIT_AS": most,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 256,
    }
    for limit, value in wanted.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, limit), (value, value))
            done.append(limit)
    if _no_sockets():
        done.append("no sockets, no programs")
    return tuple(done)


# numbers of the system calls socket, connect, execve, execveat, ptrace
_CALLS = {"x86_64": (0xC000003E, (41, 42, 59, 322, 101)), "aarch64": (0xC00000B7, (198, 203, 221, 281, 117))}


def _no_sockets() -> bool:
    """Have the kernel answer "not permitted" to sockets and new programs, for good; False where it cannot."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    machine, calls = _CALLS[platform.machine()]
    steps = [(0x20, 0, 0, 4), (0x15, 1, 0, machine), (0x06, 0, 0, 0x00050001), (0x20, 0, 0, 0)]
    for at, call in enumerate(calls):
        steps.append((0x15, len(calls) - at, 0, call))
    steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]  # allow; else EPERM
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("count", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    whole = Program(len(steps), ctypes.addressof(program))
    try:
        prctl = ctypes.CDLL(None).prctl
        zero, one = ctypes.c_ulong(0), ctypes.c_ulong(1)
        return (
            prctl(38, one, zero, zero, zero) == 0 and prctl(22, ctypes.c_ulong(2), ctypes.byref(whole), zero, zero) == 0
        )
    except (OSError, AttributeError):
        return False


def limits_in_force(seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> str:
    """Which limits a guarded reader has on this machine, in a sentence; a child is asked.

    Examples
    --------
    >>> limits_in_force()[:34]
    'Files are read in a child process,'
    """
    named = {
        "RLIMIT_AS": "memory",
        "RLIMIT_CPU": "processor time",
        "RLIMIT_FSIZE": "no files written",
        "no sockets, no programs": "no network or other programs",
    }
    got = [named[each] for each in run_guarded(_limits_of_child, seconds, memory_mb) if each in named]
    limits = ", ".join(got) or "none"
    return f"Files are read in a child process, ended after {seconds:g} seconds; limits of the system: {limits}."


def _limits_of_child(seconds: float, memory_mb: int) -> list[str]:
    return list(set_limits(seconds, memory_mb))


# ------------------------------------------------------------------------------------------- the encoding

_ARRAYS = frozenset("biufmM")


def encode(value: object) -> bytes:
    """Plain values as JSON and raw bytes.

    Examples
    --------
    >>> decode(encode({"a": (1, b"x", None), "b": np.arange(3)}))
    {'a': (1, b'x', None), 'b': array([0, 1, 2])}
    """
    blobs: list[bytes] = []
    head = json.dumps(_described(value, blobs), allow_nan=True).encode()
    return b"".join(
        [struct.pack("<QQ", len(head), len(blobs)), *(struct.pack("<Q", len(b)) for b in blobs), head, *blobs]
    )


def _described(value: object, blobs: list[bytes]) -> object:
    if isinstance(value, np.generic):
        value = value.item() if value.dtype.kind in "biufU" else str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        blobs.append(bytes(value))
        return {"b": len(blobs) - 1}
    if isinstance(value, np.ndarray) and value.dtype.kind in _ARRAYS:
        blobs.append(np.ascontiguousarray(value).tobytes())
        return {"a": [len(blobs) - 1, value.dtype.str, list(value.shape)]}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return {"l" if isinstance(value, list) else "t": [_described(each, blobs) for each in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"d": {key: _described(each, blobs) for key, each in value.items()}}
    raise TypeError(f"a {type(value).__name__} cannot come back from a guarded reader")


def decode(data: bytes) -> Any:
    """The values that :func:`encode` wrote; bytes of any other kind raise ``ValueError``."""
    if len(data) < 16:
        raise ValueError("no answer")
    head, count = struct.unpack_from("<QQ", data)
    if count > len(data) // 8:
        raise ValueError("a damaged answer")
    sizes = struct.unpack_from(f"<{count}Q", data, 16)
    start = 16 + 8 * count
    if start + head + sum(sizes) != len(data):
        raise ValueError("a damaged answer")
    ends = np.cumsum([start + head, *sizes], dtype=np.int64).tolist()
    blobs = [memoryview(data)[a:b] for a, b in pairwise(ends)]
    return _value(json.loads(data[start : start + head]), blobs)


def _value(item: object, blobs: Sequence[memoryview]) -> object:
    if not isinstance(item, dict):
        return item
    ((kind, inside),) = item.items()
    if kind == "b":
        return bytes(blobs[inside])
    if kind == "a":
        at, dtype, shape = inside
        found = np.dtype(str(dtype))
        if found.kind not in _ARRAYS:
            raise ValueError("a damaged answer")
        return np.frombuffer(blobs[at], dtype=found).reshape([int(n) for n in shape]).copy()
    if kind in "lt":
        values = [_value(each, blobs) for each in inside]
        return values if kind == "l" else tuple(values)
    if kind == "d":
        return {str(key): _value(each, blobs) for key, each in inside.items()}
    raise ValueError("a damaged answer")


# ------------------------------------------------------------------------------------------------- layers


def parse_guarded(
    contents: Contents,
    layer: str | None = None,
    kind: str | None = None,
    seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> Parsed:
    """As :func:`geoplan.io.layer_files.parse`, in a child process.

    Parameters
    ----------
    contents
        The layer's bytes: they go to the child through a pipe, which itself opens nothing.
    layer, kind
        As there.
    seconds, memory_mb
        As for :func:`run_guarded`.
    """
    import shapely

    from geoplan.io.layer_files import DAMAGED, Plain

    told = run_guarded(_parse, contents, layer, kind, file=contents.name, seconds=seconds, memory_mb=memory_mb)
    try:
        texts = {"names": list(map(str, told["names"])), "crs": str(told["crs"])}
        return Plain(**told | texts | {"layers": list(map(str, told["layers"]))}).parsed()
    except shapely.errors.GEOSException:
        raise _refusal(contents.name, "file_truncated", DAMAGED) from None
    except (ValueError, TypeError, KeyError):
        raise _refusal(contents.name, "file_crashed_reader") from None


def _parse(contents: Contents, layer: str | None, kind: str | None) -> dict:
    """In the child: a layer as plain values."""
    if contents.form != "parquet":  # GDAL's reader looks for these, and reads plain values without; they load slowly
        for name in ("geopandas", "pandas", "pyarrow", "pyproj"):
            sys.modules.setdefault(name, None)
    from geoplan.io.layer_files import parse_plain

    return vars(parse_plain(contents, layer, kind))


def read_layer_guarded(
    path: str | os.PathLike,
    layer: str | None = None,
    kind: str | None = None,
    seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> gpd.GeoDataFrame:
    """Read a vector layer in a child process with limits: GeoPackage, GeoJSON, FlatGeobuf, Shapefile, GeoParquet.

    Parameters
    ----------
    path
        A plain local file, recognised by its first bytes and only read.
    layer, kind
        Which layer, where there are several: by name, or by the kind of area its codes are of.
    seconds, memory_mb
        As for :func:`run_guarded`.

    Returns
    -------
    GeoDataFrame
        As in the file: nothing is transformed or repaired.

    Raises
    ------
    InputRefused
        With what is wrong with the file.
    """
    import geopandas as gpd

    from geoplan.io.layer_files import layer_bytes

    parsed = parse_guarded(layer_bytes(path), layer, kind, seconds, memory_mb)
    return gpd.GeoDataFrame(parsed.attributes, geometry=parsed.shapes, crs=parsed.crs or None)
