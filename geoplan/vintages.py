"""Which year codes are of: found by membership, never guessed from a heading.

LSOA codes of 2011 and 2021 look alike and 96.8% of them are the same, so a wrong year passes most joins
silently. No code has been used again with a new meaning: a code that exists in one year only settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from geoplan.errors import VintageError

#: Numbers above these were first given out in 2021 (2011 ended at E01033768 and W01001958; the ONS lookup).
_LAST_OF_2011 = {"E01": "E01033768", "W01": "W01001958"}


def is_new_in_2021(codes: pd.Index) -> pd.Series:
    """Whether each LSOA code was first given out in 2021, by its number.

    Examples
    --------
    >>> is_new_in_2021(pd.Index(["E01016016", "E01034123", "W01001970"])).tolist()
    [False, True, True]
    """
    codes = codes.astype("str")
    last = codes.str[:3].map(_LAST_OF_2011.get)
    return pd.Series([end is not None and end == end and code > end for code, end in zip(codes, last, strict=True)])


def detect_vintage(codes: Iterable[str], known: Mapping[str, Iterable[str]]) -> str | None:
    """Which of two kinds a set of codes is of.

    Parameters
    ----------
    codes
        Codes as found in a file.
    known
        Two kinds, each with all its codes (from a directory that has both, or a lookup between years).

    Returns
    -------
    str or None
        The kind, or None where every code exists in both years: then a person must say.

    Raises
    ------
    VintageError
        If some codes exist only in one year and some only in the other.

    Examples
    --------
    >>> years = {"lsoa11": ["a", "b"], "lsoa21": ["a", "c", "d"]}
    >>> detect_vintage(["a", "d"], years), detect_vintage(["a"], years)
    ('lsoa21', None)
    """
    (first, firsts), (second, seconds) = ((kind, set(of)) for kind, of in known.items())
    found = set(codes)
    only_first, only_second = found & (firsts - seconds), found & (seconds - firsts)
    if only_first and only_second:
        raise VintageError(
            f"codes of two years in one column: {len(only_first):,} exist only as {first} (the first is "
            f"{min(only_first)}) and {len(only_second):,} only as {second} ({min(only_second)}); "
            "use one year throughout"
        )
    return first if only_first else second if only_second else None


def require_vintage(codes: pd.Index, kind: str, known: Mapping[str, Iterable[str]], what: str) -> None:
    """Refuse codes that are not of ``kind``, as far as ``known`` and their numbers can tell.

    Parameters
    ----------
    codes
        Codes of the table to be used.
    kind
        What they are said to be.
    known
        Codes by kind, from whatever is at hand; kinds of other areas are passed over.
    what
        What the table is, for the message.
    """
    stem = kind.rstrip("0123456789")
    others = [other for other in known if other != kind and other.rstrip("0123456789") == stem]
    if kind in known:
        for other in others:
            found = detect_vintage(codes, {kind: known[kind], other: known[other]})
            if found == other:
                raise VintageError(f"{what} is said to be keyed by {kind}, but its codes are {other}")
    if kind == "lsoa11" and is_new_in_2021(codes).any():
        count = int(is_new_in_2021(codes).sum())
        raise VintageError(
            f"{what} is said to be keyed by lsoa11, but {count:,} of its codes were first given out in 2021"
        )
