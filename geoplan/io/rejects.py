"""The values that were not accepted: one private file, and never a place that is shared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from geoplan.io.exchange import read_document
from geoplan.io.files import refuse
from geoplan.io.outputs import write_csv
from geoplan.manifests import INTERNAL, PUBLIC
from geoplan.reasons import REASONS

if TYPE_CHECKING:
    from geoplan.people import People


def rejects(people: People) -> pd.DataFrame:
    """Each value that was not accepted: record, the file's column, reason and the value as read. Private."""
    found, frame = people.findings, people.frame
    outcomes = found["code"].map(lambda code: REASONS[code].outcome if code in REASONS else "rejected")
    found = found[outcomes.eq("rejected")].reset_index(drop=True)
    ours = {header: column for column, header in people.details.get("headers", {}).items()}
    rows = pd.Index(frame["record"]).get_indexer(found["record"])
    values = []
    for row, header in zip(rows, found["column"], strict=True):
        column = ours.get(header, header)
        values.append(frame[column].iloc[row] if row >= 0 and column in frame else "")
    return found[["record", "column", "code"]].assign(value=pd.Series(values, dtype=object))


def write_rejects(path: str | os.PathLike, people: People) -> Path:
    """Write the values that were not accepted to one file for its owner alone; never into a release that is shared."""
    target = Path(path).resolve()
    for folder in target.parents:
        document = read_document(folder)
        if document is not None and document.get("audience", PUBLIC) != INTERNAL and "outputs" in document:
            raise refuse(
                target.name, "output_unwritable", "values may not be in a release that is shared", "choose another"
            )
    return write_csv(target, rejects(people), private=True)
