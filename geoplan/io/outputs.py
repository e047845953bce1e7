"""The one writer of outputs: whole or not at all, and no text cell that a spreadsheet would run."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geoplan.errors import InputRefused
from geoplan.io.files import file_name, refuse

if TYPE_CHECKING:
    from geoplan.assignment import Assignment

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def write_csv(path: str | os.PathLike, frame: pd.DataFrame, index: bool = False, private: bool = False) -> Path:
    """Write a table as UTF-8 CSV; numbers stay numbers, text that a spreadsheet would run is quoted with ``'``.

    ``private`` makes a file that only its owner can read, for tables about single people.
    """
    return write_bytes(path, csv_bytes(frame, index), private)


def csv_bytes(frame: pd.DataFrame, index: bool = False) -> bytes:
    """The bytes of :func:`write_csv`.

    Examples
    --------
    >>> csv_bytes(pd.DataFrame({"name": ["=1+1"], "n": [2]}))
    b"name,n\\n'=1+1,2\\n"
    """
    memory = io.StringIO(newline="")
    table = frame.reset_index() if index else frame
    guarded = pd.DataFrame({i: _guarded(table.iloc[:, i]) for i in range(table.shape[1])})
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow([guard(str(name)) for name in table.columns])
    memory.write(guarded.to_csv(index=False, header=False, lineterminator="\n") if len(guarded) else "")
    return memory.getvalue().encode("utf-8")


def table_csv(content: Any) -> bytes:
    """A table as CSV: ``c`` where the rule took a number away, nothing where there is none, keys first."""
    frame = content if isinstance(content, pd.DataFrame) else content.table
    keys = [name if name is not None else f"key{i + 1}" if frame.index.nlevels > 1 else "code"
            for i, name in enumerate(frame.index.names)]  # fmt: skip
    columns = [frame.index.get_level_values(i).tolist() for i in range(frame.index.nlevels)]
    for name in frame.columns:
        hidden = content.is_hidden(name).to_numpy() if hasattr(content, "is_hidden") else [False] * len(frame)
        columns.append(["c" if gone else value for value, gone in zip(frame[name].tolist(), hidden, strict=True)])
    memory = io.StringIO(newline="")
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow([guard(str(name)) for name in (*keys, *frame.columns)])
    writer.writerows([_csv_cell(value) for value in row] for row in zip(*columns, strict=True))
    return memory.getvalue().encode("utf-8")


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return guard(value)
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
    return guard(str(value)) if not isinstance(value, (bool, int)) else str(value)


def write_assignment(path: str | os.PathLike, assignment: Assignment) -> Path:
    """Write where each record was placed, one row a record, for its owner alone.

    Columns ``record``, ``school``, ``postcode``, ``status``, ``method``, ``flags``, one for each area kind, and
    ``segment``.
    """
    from geoplan.postcodes import flag_text

    frame = assignment.frame
    table = pd.DataFrame({"record": frame["record"]})
    for name in ("school", "postcode", "status", "method"):
        table[name] = frame.get(name, "")
    table["flags"] = flag_text(frame["flags"].to_numpy()) if "flags" in frame else ""
    for name in (*assignment.kinds, "segment"):
        table[name] = frame.get(name, "")
    return write_csv(path, table, private=True)


def write_json(path: str | os.PathLike, value: object) -> Path:
    """Write plain values as JSON, keys in the order given."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    return write_bytes(path, (text + "\n").encode("utf-8"))


def write_text(path: str | os.PathLike, text: str) -> Path:
    """Write text as UTF-8."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | os.PathLike, data: bytes, private: bool = False) -> Path:
    """Write a file whole or not at all: beside it, to disk, then into its place."""
    target = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent or ".", prefix=f".{target.name[:40]}.", suffix=".part")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o600 if private else _mode(target))
        Path(temporary).replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise cannot_write(target, error) from None
    except BaseException:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise
    return target


def write_new(path: str | os.PathLike, text: str) -> Path | None:
    """Write a file only where there is none; None where there was."""
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        return None
    except OSError as error:
        raise cannot_write(target, error) from None
    return target


def cannot_write(path: Path, error: OSError) -> InputRefused:
    """Why an output could not be written, by name."""
    what = error.strerror or "the file cannot be written"
    return refuse(file_name(path), "output_unwritable", f"cannot be written: {what}")


def guard(text: str) -> str:
    """Text that a spreadsheet shows and does not run, on one row whoever reads it.

    Examples
    --------
    >>> guard("=HYPERLINK(1)"), guard("St Mary's"), guard(" -1+2")
    ("'=HYPERLINK(1)", "St Mary's", "' -1+2")
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")  # a bare CR would end the row
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_RUNS) else text


def _guarded(column: pd.Series) -> pd.Series:
    """A column with its text cells guarded; numbers and truth values as they are."""
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories(_distinct(column.cat.categories))
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        numbers, uniques = pd.factorize(column.astype(object), use_na_sentinel=True)
        texts = pd.Series([guard(each) if isinstance(each, str) else each for each in uniques] + [None], dtype=object)
        return texts.take(numbers).reset_index(drop=True)
    return column


def _distinct(categories: pd.Index) -> list:
    guarded = [guard(each) if isinstance(each, str) else each for each in categories]
    return guarded if len(set(guarded)) == len(guarded) else list(categories)


def _mode(target: Path) -> int:
    """The permissions of the file replaced, or those that new files of this user have."""
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _plain(value: object) -> object:
    """NumPy's and pandas' numbers as Python's; a path by its name."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return value.name
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")
