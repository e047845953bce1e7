"""Which year codes are of: found by membership, never guessed from a heading.

LSOA codes of 2011 and 2021 look alike and 96.8% of them are the same, so a wrong year passes most joins
silently. No code has been used again with a new meaning: a code that exists in one year only settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from geoplan.errors import VintageError

#: Numbers above these were first given out in 2021: the last of each kind in the ONS lookup of May 2022.
_LAST_OF_2011 = {
    "E00": "E00176774",
    "W00": "W00010265",
    "E01": "E01033768",
    "W01": "W01001958",
    "E02": "E02006934",
    "W02": "W02000423",
}
#: So many LSOAs without one that is new in 2021 are not of 2021, where 5.7% are new (Brighton's 165 have none).
_MANY = 500
#: Within a directory's extract a code may miss one year by chance: so small a part of the telling codes is no mixture.
_STRAY = 0.1


#: Kinds of area as a reader calls them.
_WORDS = {
    "oa": "output areas", "lsoa": "LSOAs", "msoa": "MSOAs", "ward": "wards", "wards": "wards",
    "lad": "local authorities", "parish": "parishes", "pcon": "constituencies",
}  # fmt: skip


def kind_words(kind: str) -> str:
    """A kind of area with its year, in words; as it is where it is none that we know.

    Examples
    --------
    >>> kind_words("lsoa11"), kind_words("ward24"), kind_words("square26"), kind_words("catchment")
    ('LSOAs (2011)', 'wards (2024)', 'square26', 'catchment')
    """
    match = re.fullmatch(r"([a-z]+?)(\d\d)", kind)
    return f"{_WORDS[match[1]]} (20{match[2]})" if match and match[1] in _WORDS else kind


def is_new_in_2021(codes: pd.Index) -> pd.Series:
    """Whether each code of a census area (OA, LSOA, MSOA) was first given out in 2021, by its number.

    Examples
    --------
    >>> is_new_in_2021(pd.Index(["E01016016", "E01034123", "W01001970"])).tolist()
    [False, True, True]
    """
    codes = codes.astype("str")
    last = codes.str[:3].map(_LAST_OF_2011.get)
    return pd.Series([end is not None and end == end and code > end for code, end in zip(codes, last, strict=True)])


def detect_vintage(codes: Iterable[str], known: Mapping[str, Iterable[str]], stray: float = 0.0) -> str | None:
    """Which of two kinds a set of codes is of.

    Parameters
    ----------
    codes
        Codes as found in a file.
    known
        Two kinds, each with all its codes (from a directory that has both, or a lookup between years).
    stray
        The part of the telling codes that may be of the other year without being a mixture: for an extract of
        a directory, where a code can be missing by chance.

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
    few, many = sorted((len(only_first), len(only_second)))
    if few and few <= stray * (few + many):
        return first if len(only_first) > len(only_second) else second
    if few:
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
    if kind in known and len(known[kind]):
        for other in others:
            if len(known[other]) and detect_vintage(codes, {kind: known[kind], other: known[other]}, _STRAY) == other:
                raise VintageError(f"{what} is said to be of {kind}, but its codes are {other}")
    if stem not in _CENSUS:
        return
    new = int(is_new_in_2021(codes).sum())
    if kind.endswith("11") and new:
        raise VintageError(f"{what} is said to be of {kind}, but {new:,} of its codes were first given out in 2021")
    if kind == "lsoa21" and not new and len(codes) >= _MANY:
        raise VintageError(
            f"{what} is said to be of {kind}, but none of its {len(codes):,} codes is new in 2021: they are of 2011"
        )


_CENSUS = ("oa", "lsoa", "msoa")
