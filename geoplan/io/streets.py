"""Reader of streets by postcode: a gazetteer, an address list, anything with a postcode and the street it is in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from geoplan.columns import STREETS, find_columns, known_headers
from geoplan.errors import InputRefused, Problem, ProjectError
from geoplan.io.files import refuse, table_bytes
from geoplan.io.people import gather, rows_found
from geoplan.io.tables import table_from
from geoplan.postcodes import normalise_postcodes
from geoplan.sources import OWN_FILE, Source
from geoplan.streets import Streets


def read_streets(path: str | os.PathLike, columns: Mapping[str, str] | None = None) -> Streets:
    """Read which street each postcode is in.

    Parameters
    ----------
    path
        CSV or ``.xlsx``: ``postcode``, ``street`` and, if wanted, the ``locality`` or town. A postcode in several
        streets has a row for each; an address list has many rows that say the same, which count once.
    columns
        Our names to the file's headers, where these are not known ones.

    Returns
    -------
    Streets
        Rows without a street or a well-formed postcode are reported and left out.

    Raises
    ------
    InputRefused
        If a column is missing, or no row can be used.
    """
    contents = table_bytes(path)
    columns, found = dict(columns or {}), {}
    unknown = [name for name in columns if name not in STREETS]
    if unknown:
        raise ProjectError(f"[columns.streets]: no column {unknown[0]!r}; there are {', '.join(STREETS.names)}")

    def choose(headers: Sequence[str]) -> set[int]:
        answer = find_columns(headers, STREETS, columns)
        if answer.problems:
            file = contents.name
            raise InputRefused(file, [Problem(file, code, what, tip, column=name) for code, name, what, tip in
                                      answer.problems])  # fmt: skip
        found.update(answer.positions)
        return set(found.values())

    text = table_from(contents, known_headers(STREETS, columns), choose)
    headers = {name: text.headers[position] for name, position in found.items()}
    bad = dict(zip(text.bad["row"].tolist(), text.bad["code"].tolist(), strict=True))
    if text.unfinished and len(text) - 1 not in bad:
        bad[len(text) - 1] = "row_unfinished"
    cells = pd.DataFrame({name: text.frame[position].astype("str").str.strip() for name, position in found.items()})
    if "locality" not in cells:
        cells["locality"] = ""
    read = ~cells.index.isin(list(bad))
    wrong = normalise_postcodes(cells["postcode"]).isna().to_numpy()
    nameless = (cells["street"] == "").to_numpy()
    findings = [
        rows_found(list(bad), "", list(bad.values())),
        rows_found(np.flatnonzero(read & wrong), "postcode", "street_without_postcode"),
        rows_found(np.flatnonzero(read & nameless), "street", "street_blank"),
    ]
    used = read & ~wrong & ~nameless
    if not used.any():
        raise refuse(
            contents.name, "no_records", "no row has a postcode and a street", "check which columns they are in"
        )
    frame = cells.loc[used, ["postcode", "street", "locality"]]
    frame.insert(0, "record", frame.index + 1)
    source = Source(contents.name, OWN_FILE, file=contents.name, fingerprint=contents.fingerprint)
    details = {"records": len(text), "headers": headers}
    return Streets(frame.reset_index(drop=True), source, gather(findings, headers), details)
