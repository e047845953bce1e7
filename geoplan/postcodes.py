"""Postcodes: tidy, parse, look up. The directory decides what exists.

A postcode is accepted by one loose pattern that rejects no live postcode, then looked up. What is not
found is mended only by the five look-alike swaps that never lead from one real postcode to another
(O/0, I/1, S/5, B/8, Z/2), and only when they lead to a single entry. Nothing is mended silently: every
record has a status, and every record that is not plainly accepted has a reason code.

The ladder is ``exact`` (as the directory writes it, with its one space), ``reformatted``, ``repaired``,
``sector_only``, ``not_found`` (and ``blank``).
Beside it stand flags: a terminated postcode is still exact.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.sources import Source

STATUSES = ("exact", "reformatted", "repaired", "sector_only", "not_found", "blank")

#: Flags, in the order of their bits.
FLAGS = (
    "terminated",
    "large_user",
    "approx_grid",
    "no_position",
    "pseudo",
    "forces",
    "crown_dependency",
    "nearest_area",
    "outside_areas",
    "not_counted",
)
FLAG_BIT = {name: np.uint16(1 << bit) for bit, name in enumerate(FLAGS)}

SHAPE = re.compile(r"([A-Z]{1,2}[0-9]{1,2}|[A-Z]{1,2}[0-9][A-Z]|GIR|NPT)([0-9][ABD-HJLNP-UW-Z]{2})")
_IN_TEXT = re.compile(
    r"(?<![A-Z0-9])([A-Z]{1,2}[0-9]{1,2}|[A-Z]{1,2}[0-9][A-Z]|GIR|NPT) ?([0-9][ABD-HJLNP-UW-Z]{2})(?![A-Z0-9])"
)

# outcomes of a look-up: the first ten are those of geoplan._lookup, two more come from longer text
_IN_LONGER_TEXT, _SEVERAL = 10, 11
_STATUS_OF = np.array([5, 0, 1, 2, 3, 4, 4, 4, 4, 4, 2, 4], dtype=np.int8)
_REASON_OF = (
    "postcode_blank",
    "",
    "postcode_reformatted",
    "postcode_confusion",
    "postcode_sector_only",
    "postcode_not_found",
    "postcode_malformed",
    "postcode_pseudo",
    "postcode_forces",
    "postcode_malformed",
    "postcode_in_longer_text",
    "postcode_several",
)
_RULE_OF = {
    "postcode_reformatted": "case, spacing and punctuation",
    "postcode_confusion": "one of O/0, I/1, S/5, B/8, Z/2, to the only entry that fits",
    "postcode_in_longer_text": "the one postcode in the text",
}


@dataclass(frozen=True)
class LookUp:
    """How each postcode matched a directory; arrays in the order of the values given.

    Parameters
    ----------
    rows
        Row of the directory's table, -1 where none.
    outcomes
        What happened, as small numbers; see :attr:`status` and :attr:`reasons`.
    flags
        Bits of :data:`FLAGS`.
    """

    rows: np.ndarray
    outcomes: np.ndarray
    flags: np.ndarray

    @property
    def status(self) -> pd.Categorical:
        """One of :data:`STATUSES` for each value."""
        return pd.Categorical.from_codes(_STATUS_OF[self.outcomes], categories=list(STATUSES))

    @property
    def reasons(self) -> pd.Categorical:
        """The reason code of each value that is not plainly accepted, missing where it is."""
        categories = sorted(set(_REASON_OF) - {""})
        codes = np.array([categories.index(code) if code else -1 for code in _REASON_OF], dtype=np.int8)
        return pd.Categorical.from_codes(codes[self.outcomes], categories=categories)


@dataclass(frozen=True)
class PostcodeDirectory:
    """A postcode directory as a table.

    Parameters
    ----------
    table
        One row per postcode: ``postcode`` (7 characters or fewer, upper case, no space, unique), then,
        where the file has them, ``introduced`` and ``terminated`` (int32, YYYYMM, 0 where blank),
        ``user_type`` (int8, 0 small, 1 large, -1 unknown), ``easting``, ``northing`` (float64 metres,
        NaN where there is no position), ``approx`` (bool, a position good to the sector only) and a
        categorical column for each area kind (``oa21``, ``lsoa11``, ``ward25``); placeholder codes are missing.
    source
        The file.
    product
        ``onspd``, ``nspl``, ``ons_lookup``, ``code_point_open`` or ``custom``.
    """

    table: pd.DataFrame
    source: Source
    product: str = "custom"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Area kinds that the directory gives a code for."""
        return tuple(c for c in self.table.columns if isinstance(self.table[c].dtype, pd.CategoricalDtype))

    @property
    def has_positions(self) -> bool:
        """Whether any postcode has a grid reference."""
        return "easting" in self.table and bool(self.table["easting"].notna().any())

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return (
            f"<PostcodeDirectory {self.product}: {len(self):,} postcodes, {', '.join(self.kinds) or 'no area codes'}>"
        )

    def look_up(self, postcodes: Iterable[str]) -> LookUp:
        """How each of ``postcodes`` matches; see :func:`look_up`."""
        return look_up(self, postcodes)


def normalise_postcodes(values: Iterable[str]) -> pd.Series:
    """Well-formed postcodes in the usual form (``ME7 1AB``); missing where the value is not one.

    Looks at the shape alone, in no directory, and mends nothing but case, spacing and punctuation.

    Examples
    --------
    >>> normalise_postcodes(["me71ab", " GIR-0AA", "Definitely wrong"]).tolist()
    ['ME7 1AB', 'GIR 0AA', nan]
    """
    return parse_postcodes(values)["postcode"]


def parse_postcodes(values: Iterable[str]) -> pd.DataFrame:
    """The parts of each well-formed postcode.

    Parameters
    ----------
    values
        Text; anything that is not a well-formed postcode gives a row of missing values.

    Returns
    -------
    DataFrame
        Columns ``postcode`` (ME7 1AB), ``outward`` (ME7), ``inward`` (1AB), ``area`` (ME),
        ``district`` (ME7), ``sub_district`` (EC1A for EC1A 1BB, otherwise missing), ``sector`` (ME7 1)
        and ``unit`` (AB); text, missing where the value is not a postcode.

    Examples
    --------
    >>> parse_postcodes(["ec1a1bb"]).iloc[0].tolist()
    ['EC1A 1BB', 'EC1A', '1BB', 'EC', 'EC1', 'EC1A', 'EC1A 1', 'BB']
    """
    text = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype="str")
    distinct, places = np.unique(text.fillna("").astype(str).to_numpy(dtype=object), return_inverse=True)
    parts = pd.DataFrame([_parts(value) for value in distinct], columns=list(_PART_NAMES), dtype="str")
    return parts.take(places).set_axis(text.index)


_PART_NAMES = ("postcode", "outward", "inward", "area", "district", "sub_district", "sector", "unit")


def _parts(value: str) -> tuple[str | None, ...]:
    tidy, _ = _tidy(value)
    match = SHAPE.fullmatch(tidy)
    if match is None:
        return (None,) * len(_PART_NAMES)
    outward, inward = match.groups()
    lettered = outward[-1].isalpha() and any(c.isdigit() for c in outward)
    area = re.match("[A-Z]+", outward).group()
    district = outward[:-1] if lettered else outward
    sub_district = outward if lettered else None
    return (f"{outward} {inward}", outward, inward, area, district, sub_district, f"{outward} {inward[0]}", inward[1:])


def _tidy(value: str) -> tuple[str, str]:
    """Letters and digits of ``value`` in upper case, and the same text with its gaps kept as spaces.

    Both are empty when the value holds a letter or number that only looks like an ASCII one; the first
    alone is empty when punctuation stands inside one half of a postcode (M*7 1AB is not M7 1AB).
    """
    kept = []
    for character in value:
        if character.isascii() and character.isalnum():
            kept.append(character.upper())
        elif "\uff10" <= character <= "\uff5a" and unicodedata.normalize("NFKC", character).isalnum():
            kept.append(unicodedata.normalize("NFKC", character).upper())
        elif character.isspace() or unicodedata.category(character)[0] in "ZC":
            kept.append(" ")
        elif character.isascii() or unicodedata.category(character)[0] == "P":
            kept.append("|")
        else:
            return "", ""
    marked = "".join(kept)
    spaced = re.sub("[ |]+", " ", marked).strip()
    halves = re.fullmatch(r"\|*([A-Z0-9]*?)\|*([A-Z0-9]{0,3})\|*", marked.replace(" ", ""))
    return "".join(halves.groups()) if halves else "", spaced


def look_up(directory: PostcodeDirectory, postcodes: Iterable[str]) -> LookUp:
    """Find each postcode in a directory.

    Parameters
    ----------
    directory
        The directory.
    postcodes
        Text as written; missing counts as blank.

    Returns
    -------
    LookUp
        Row, outcome and flags, one for each value, in order.

    Examples
    --------
    >>> table = pd.DataFrame({"postcode": ["ME71AB", "ME71AD"]})
    >>> found = look_up(PostcodeDirectory(table, Source("two")), ["me7 1ab", "ME7 IAD", "ME7 1ZZ", ""])
    >>> list(found.status)
    ['reformatted', 'repaired', 'sector_only', 'blank']
    """
    text = _arrow_text(postcodes)
    index = _index(directory.table["postcode"])
    rows, outcomes = _find_all(text, index)
    _look_closer(text, index, rows, outcomes)
    return LookUp(rows, outcomes, _flags(directory, text, rows, outcomes))


# --- the parts of a look-up -----------------------------------------------------------------------------


def _arrow_text(values: Iterable[str]):
    """One contiguous Arrow text array without missing values (they become "")."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(values, pd.Series):
        values = values.astype("str").array
    text = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    return pc.fill_null(text, "") if text.null_count else text


def _buffers(text) -> tuple[np.ndarray, np.ndarray]:
    _, offsets, data = text.buffers()
    offsets = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
    return np.frombuffer(data or b"\0", dtype=np.uint8), offsets


def _index(postcodes: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The directory as the two arrays that :mod:`geoplan._lookup` reads, and which sectors exist."""
    from geoplan import _lookup

    text = _arrow_text(postcodes)
    data, offsets = _buffers(text)
    outward = np.full(_lookup.OUTWARD_CELLS, -1, dtype=np.int32)
    cells = np.empty(len(text), dtype=np.int64)
    blocks = _lookup.index_directory(data, offsets, len(text), outward, cells)
    if blocks < 0:
        raise ValueError(f"the directory's row {-blocks:,} is not a postcode in the form ME71AB")
    unit = np.full(max(blocks, 1) * _lookup.INWARD_CELLS, -1, dtype=np.int32)
    unit[cells] = np.arange(len(text), dtype=np.int32)
    sector = np.zeros(max(blocks, 1) * 10, dtype=np.bool_)
    sector[cells // 676] = True
    return outward, unit, sector


def _find_all(text, index) -> tuple[np.ndarray, np.ndarray]:
    from geoplan import _lookup

    data, offsets = _buffers(text)
    count = len(text)
    rows = np.empty(count, dtype=np.int32)
    outcomes = np.empty(count, dtype=np.uint8)
    workers = min(os.cpu_count() or 1, 4) if count > 100_000 else 1
    edges = np.linspace(0, count, workers * 4 + 1 if workers > 1 else 2).astype(np.int64)

    def run(start: int, stop: int) -> None:
        _lookup.look_up_bytes(data, offsets, start, stop, *index, rows, outcomes)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, edges[:-1], edges[1:]))
    return rows, outcomes


def _look_closer(text, index, rows: np.ndarray, outcomes: np.ndarray) -> None:
    """Settle the few values the inner loop left: longer text, and characters that are not ASCII."""
    from geoplan import _lookup

    left = np.flatnonzero(outcomes == _lookup.LOOK_CLOSER)
    if not len(left):
        return
    distinct, places = np.unique(text.take(left).to_numpy(zero_copy_only=False), return_inverse=True)
    cleaned = [_clean(value) for value in distinct]
    found_rows, found = _find_all(_arrow_text([text for text, _ in cleaned]), index)
    for i, (_, verdict) in enumerate(cleaned):
        placed = found_rows[i] >= 0
        if verdict == _IN_LONGER_TEXT:
            if placed:
                found[i] = _IN_LONGER_TEXT
        elif verdict is not None:
            found_rows[i], found[i] = -1, verdict
        elif found[i] == _lookup.EXACT:
            found[i] = _lookup.REFORMATTED
    rows[left], outcomes[left] = found_rows[places], found[places]


def _clean(value: str) -> tuple[str, int | None]:
    """The text to look up, and the verdict where that is settled already."""
    from geoplan import _lookup

    tidy, spaced = _tidy(value)
    if not spaced:
        blank = not any(unicodedata.category(character)[0] not in "ZCP" for character in value)
        return "", _lookup.BLANK if blank else _lookup.MALFORMED
    if len(spaced.replace(" ", "")) <= 7:
        return tidy, None if tidy else _lookup.MALFORMED
    candidates = {"".join(match.groups()) for match in _IN_TEXT.finditer(spaced)}
    if len(candidates) == 1:
        return candidates.pop(), _IN_LONGER_TEXT
    if spaced.startswith(("BFPO", "BF1 ")):
        return "", _lookup.FORCES
    return "", _SEVERAL if candidates else _lookup.MALFORMED


def _flags(directory: PostcodeDirectory, text, rows: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    from geoplan import _lookup

    of_row = np.append(_row_flags(directory), np.uint16(0))  # row -1 takes the last: no flags
    flags = of_row[rows]
    flags[outcomes == _lookup.PSEUDO] |= FLAG_BIT["pseudo"]
    flags[outcomes == _lookup.FORCES] |= FLAG_BIT["forces"]
    absent = np.flatnonzero((outcomes == _lookup.NOT_FOUND) | (outcomes == _lookup.SECTOR_ONLY))
    flags[absent[_is_crown(text.take(absent))]] |= FLAG_BIT["crown_dependency"]
    return flags


def _is_crown(text) -> np.ndarray:
    """Whether each text begins as a postcode of Guernsey, Jersey or the Isle of Man."""
    import pyarrow as pa
    import pyarrow.compute as pc

    start = pc.utf8_upper(pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(text), 0, 2))
    return pc.is_in(start, pa.array(["GY", "JE", "IM"], type=start.type)).to_numpy(zero_copy_only=False)


def _row_flags(directory: PostcodeDirectory) -> np.ndarray:
    table = directory.table
    flags = np.zeros(len(table), dtype=np.uint16)
    if "terminated" in table:
        flags[table["terminated"].to_numpy() > 0] |= FLAG_BIT["terminated"]
    if "user_type" in table:
        flags[table["user_type"].to_numpy() == 1] |= FLAG_BIT["large_user"]
    if "approx" in table:
        flags[table["approx"].to_numpy()] |= FLAG_BIT["approx_grid"]
    if directory.has_positions:
        flags[table["easting"].isna().to_numpy()] |= FLAG_BIT["no_position"]
    flags[_is_crown(_arrow_text(table["postcode"]))] |= FLAG_BIT["crown_dependency"]
    return flags


def rule_for(reason_code: str) -> str:
    """How a postcode with this reason code was mended, in words; "" if it was not."""
    return _RULE_OF.get(reason_code, "")


def with_space(tidy: pd.Series) -> pd.Series:
    """``ME71AB`` as ``ME7 1AB``; missing and empty stay as they are."""
    return tidy.where(tidy.isna() | (tidy == ""), tidy.str[:-3] + " " + tidy.str[-3:])


def flag_text(flags: np.ndarray) -> pd.Categorical:
    """Flag bits as text, ``terminated;large_user``; "" for none."""
    distinct, places = np.unique(flags, return_inverse=True)
    words = [";".join(name for name in FLAGS if bits & FLAG_BIT[name]) for bits in distinct]
    return pd.Categorical.from_codes(places, categories=words)


def flag_counts(flags: np.ndarray) -> dict[str, int]:
    """How many records carry each flag, only those that occur."""
    counts = {name: int(np.count_nonzero(flags & bit)) for name, bit in FLAG_BIT.items()}
    return {name: count for name, count in counts.items() if count}
