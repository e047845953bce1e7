"""A segmentation: code to segment, with names; bought, published or built.

A segmentation always carries its scheme, version and level. The codes of two versions look alike and
mean different things (OAC ``1`` is "Rural residents" in 2011 and "Retired Professionals" in 2021), so two
versions never join.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from geoplan.errors import UnknownCodeError, VintageError
from geoplan.sources import Source


@dataclass(frozen=True)
class Segmentation:
    """Which segment each code belongs to, at one level of one version of one scheme.

    Parameters
    ----------
    scheme, version, level
        ``OAC``, ``2021``, ``supergroup``: two that differ in any never join.
    keyed_by
        What the codes are: ``oa21``, ``lsoa21``, ``postcode``.
    table
        Indexed by code (strings, unique); a text column for each level the file has.
    names
        For each level, segment code to plain name.
    source
        Where it came from.
    base_date
        The date of the facts behind it (census day), ISO, if known.
    """

    scheme: str
    version: str
    level: str
    keyed_by: str
    table: pd.DataFrame
    source: Source
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base_date: str = ""

    def __post_init__(self):
        if self.table.index.has_duplicates:
            raise VintageError(f"{self.label}: a {self.keyed_by} code occurs twice")
        if self.level not in self.table:
            raise UnknownCodeError(f"{self.label}: no such level; this file has {', '.join(self.table.columns)}")

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<Segmentation {self.label}: {len(self):,} {self.keyed_by} codes, {len(self.segments)} segments>"

    @property
    def label(self) -> str:
        """``OAC 2021 supergroup``."""
        return f"{self.scheme} {self.version} {self.level}".strip()

    @property
    def segments(self) -> tuple[str, ...]:
        """The segment codes of this level, sorted."""
        return tuple(sorted(self.table[self.level].dropna().unique()))

    def name(self, segment: str) -> str:
        """The plain name of a segment, or its code."""
        return self.names.get(self.level, {}).get(segment, segment)

    def at(self, level: str) -> Segmentation:
        """The same segmentation at another of its levels."""
        return replace(self, level=level)

    def of(self, codes: pd.Series, kind: str) -> pd.Series:
        """The segment of each code.

        Parameters
        ----------
        codes
            Codes of ``kind``; missing gives missing.
        kind
            What the codes are. It must be what this segmentation is keyed by.

        Raises
        ------
        VintageError
            If the kinds differ; the message says what to do.
        """
        require_kind(self, kind)
        return codes.map(self.table[self.level])


def require_kind(segmentation: Segmentation, kind: str) -> None:
    """Refuse codes of another kind or year, saying which way leads round."""
    if kind == segmentation.keyed_by:
        return
    stem, wanted = kind.rstrip("0123456789"), segmentation.keyed_by.rstrip("0123456789")
    if stem == wanted:
        way = "the two years share most codes but not all; use a directory or boundaries of the right year"
    else:
        way = f"give assign() a postcode directory or boundaries that have {segmentation.keyed_by} codes"
    raise VintageError(f"{segmentation.label} is keyed by {segmentation.keyed_by}, not {kind}: {way}")


def require_same(a: Segmentation, b: Segmentation) -> None:
    """Refuse to set two segmentations side by side that differ in scheme, version or level."""
    if a.label != b.label:
        raise VintageError(f"{a.label} and {b.label} are different classifications; their codes never compare")


def dominant(segmentation: Segmentation, areas: pd.Series, kind: str, weights: pd.Series | None = None) -> Segmentation:
    """The segment most people live in, for each larger area: a coarser view, never a substitute.

    In England 31% of output areas differ from the dominant OAC 2021 supergroup of their LSOA, so people
    should be assigned through the output area; this is for colouring a map.

    The finest level decides and the coarser ones are read off it, as in the published table of dominant
    OAC 2021 by LSOA (which is weighted by residents, and is reproduced exactly by the tests).

    Parameters
    ----------
    segmentation
        Keyed by the small areas; its levels run from coarse to fine.
    areas
        Indexed by small-area code, the larger area of each.
    kind
        What the larger areas are.
    weights
        Indexed by small-area code: residents, say. Every small area counts one where it is not given.

    Returns
    -------
    Segmentation
        Keyed by ``kind``. Ties go to the first segment code.

    Examples
    --------
    >>> table = pd.DataFrame({"group": ["a", "b", "b"]}, index=["x1", "x2", "x3"])
    >>> fine = Segmentation("S", "1", "group", "oa21", table, Source("s"))
    >>> dominant(fine, pd.Series("X", index=["x1", "x2", "x3"]), "lsoa21").table.loc["X", "group"]
    'b'
    """
    table = segmentation.table
    finest = table.columns[-1]
    weight = 1.0 if weights is None else weights.reindex(table.index).to_numpy(dtype=float)
    parts = pd.DataFrame({"area": areas.reindex(table.index), "segment": table[finest], "weight": weight})
    sums = parts.groupby(["area", "segment"], as_index=False)["weight"].sum()
    best = sums.sort_values(["area", "weight", "segment"], ascending=[True, False, True]).drop_duplicates("area")
    coarser = table.drop_duplicates(finest).set_index(finest, drop=False)
    winners = coarser.loc[best["segment"]].set_axis(pd.Index(best["area"], name=kind, dtype="str"))
    return replace(segmentation, keyed_by=kind, table=winners[list(table.columns)])
