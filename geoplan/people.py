"""People as read from a file: pupils, callers, respondents. Nothing here ever shows a value of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from geoplan.errors import NotProtected
from geoplan.findings import no_findings
from geoplan.sources import Source


@dataclass(frozen=True, repr=False)
class People:
    """A checked file of people, one row for every record read, counted or not.

    Parameters
    ----------
    frame
        One row per record, in file order. Always ``record`` (int, 1 = first below the header),
        ``person`` (int, a running number that stands for the identifier; -1 where none was given),
        ``postcode`` (text as written), ``counted`` (bool: False for copies and for records that are not
        on roll). Pupils also have ``school`` (text, "" if none) and ``year_group``, ``fsm``, ``sen``,
        ``eal``, ``ethnicity``, ``sex`` where the file has them ("unknown" where it does not say). Other columns
        that the caller asked to keep follow under their own names.
    source
        The file: name, fingerprint, whether it is invented.
    findings
        One row per thing noticed in a record; see :mod:`geoplan.findings`. Never a value.
    noun
        What the people are called: "pupils", "callers".
    details
        Facts about the reading, without values: encoding, delimiter, headers understood
        (``details["headers"]`` maps our column names to the file's).
    """

    frame: pd.DataFrame
    source: Source
    findings: pd.DataFrame = field(default_factory=no_findings)
    noun: str = "people"
    details: Mapping = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def count(self) -> int:
        """How many people are counted (copies and records not on roll left out)."""
        return int(self.frame["counted"].sum())

    def header(self, column: str) -> str:
        """The file's own header for one of our column names."""
        return self.details.get("headers", {}).get(column, column)

    def __repr__(self) -> str:
        return f"<People: {len(self):,} records, {self.count:,} {self.noun} counted>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("people hold facts about single people and are not pickled or copied")

    def _repr_html_(self) -> str:
        return repr(self).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
