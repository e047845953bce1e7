"""Schools as read from a file: one row a school, by its number as text."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from geoplan.findings import no_findings
from geoplan.sources import Source


@dataclass(frozen=True, repr=False)
class Schools:
    """A checked file of schools.

    Parameters
    ----------
    frame
        Indexed by ``school`` (URN as text, unique), in file order. Always ``name``; where the file has them
        ``laestab``, ``phase``, ``type``, ``status``, ``gender``, ``admissions``, ``faith``, ``postcode``,
        ``cluster`` (text, "" if not given), ``easting``, ``northing`` (float64 metres, NaN if not given),
        ``places``, ``pan``, ``roll``, ``lowest_age``, ``highest_age`` (Int64), ``fsm_percent`` (float64),
        ``lowest_year``, ``highest_year`` (year groups, "unknown" if not given), ``record`` (int).
    source
        The file.
    findings
        One row per thing noticed in a record: ``record``, ``column``, ``code``, ``rule``.
    details
        Facts about the reading: encoding, delimiter, headers understood.
    """

    frame: pd.DataFrame
    source: Source
    findings: pd.DataFrame = field(default_factory=no_findings)
    details: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Schools: {len(self):,} from {self.source.file or self.source.title}>"
