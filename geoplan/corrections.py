"""Segments put right by hand: a head's challenge recorded, shown and used again.

A segmentation describes a neighbourhood at the time of a census. Where a head or planner knows better (a new estate
with housing association homes in an area that was affluent before), the file of corrections says which postcode
belongs to which segment, why, by whose word and since when. Each run applies it and says how many people it concerned.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from geoplan import postcodes as _postcodes
from geoplan.assignment import CORRECTED, Assignment
from geoplan.errors import InputRefused, NotProtected, Problem, UnknownCodeError
from geoplan.postcodes import PostcodeDirectory
from geoplan.segments import Segmentation
from geoplan.sources import Source, unique_sources


@dataclass(frozen=True, repr=False, eq=False)
class Corrections:
    """Which postcodes belong to another segment than the classification says.

    Parameters
    ----------
    frame
        One row per line of the file: ``record``, ``postcode`` (as written), ``segment``, ``reason``, ``by``, ``date``
        (ISO, "" if none). Postcodes of families: it stays in the office. A later line for a postcode replaces an
        earlier one.
    source
        The file.
    headers
        Our column names to the file's.
    """

    frame: pd.DataFrame
    source: Source
    headers: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Corrections: {len(self):,} lines>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("corrections hold postcodes of families and are not pickled or copied")


def correct(people: Assignment, corrections: Corrections, postcodes: PostcodeDirectory) -> Assignment:
    """Give the people of corrected postcodes their corrected segment.

    Parameters
    ----------
    people
        Assigned to segments.
    corrections
        From ``read_corrections``. A segment of a finer level of the same segmentation counts as the one it lies in.
    postcodes
        The directory the people were assigned with.

    Returns
    -------
    Assignment
        With a column ``corrected``; its report counts the people whose segment changed and its sources name the file.

    Raises
    ------
    InputRefused
        If a postcode is not in the directory, or a segment not in the segmentation; all such lines at once.
    UnknownCodeError
        If the people have no segments.

    Examples
    --------
    >>> from geoplan.people import People
    >>> from geoplan.assignment import assign
    >>> table = pd.DataFrame({"postcode": ["ME71AB"], "oa21": pd.Categorical(["E00000001"])})
    >>> directory = PostcodeDirectory(table, Source("one"))
    >>> levels = pd.DataFrame({"group": ["affluent", "struggling"]}, index=["E00000001", "E00000002"])
    >>> scheme = Segmentation("S", "1", "group", "oa21", levels, Source("s"))
    >>> frame = pd.DataFrame({"record": [1], "person": [0], "postcode": ["me71ab"], "counted": True})
    >>> people = assign(People(frame, Source("one person")), directory, segments=scheme)
    >>> line = pd.DataFrame({"record": [1], "postcode": ["ME7 1AB"], "segment": ["struggling"], "reason": ["new homes"],
    ...                      "by": ["head"], "date": ["2026-09-01"]})
    >>> correct(people, Corrections(line, Source("corrections.csv")), directory).counts(by="segment").to_dict()
    {'struggling': 1}
    """
    if people.segmentation is None:
        raise UnknownCodeError("these people have no segments, so there is nothing to correct")
    place, segment = check_corrections(corrections, postcodes, people.segmentation)
    written = _postcodes.with_space(postcodes.table["postcode"])
    to = pd.Series(segment, index=written.iloc[place].to_numpy())
    to = to[~to.index.duplicated(keep="last")]
    frame = people.frame
    given = frame["postcode"].map(to)
    before = frame["segment"].astype("object").where(frame["segment"].notna(), None)
    corrected = given.notna() & (given != before)
    categories = list(people.segmentation.segments)
    after = pd.Categorical(before.where(~corrected, given), categories=categories)
    frame = frame.assign(segment=after)
    frame[CORRECTED] = corrected.to_numpy()
    counted = frame["counted"].to_numpy()
    changed = int((corrected.to_numpy() & counted).sum())
    lived = int(to.index.isin(frame["postcode"]).sum())
    note = f"corrected by hand: {changed:,} {people.noun} at {lived:,} postcodes ({corrections.source.title})"
    if len(to) > lived:
        note += f"; at {len(to) - lived:,} more postcodes nobody lives"
    report = replace(
        people.report,
        placed=people.report.placed | {"segment": int((frame["segment"].notna().to_numpy() & counted).sum())},
        notes=(*people.report.notes, note),
        corrected=changed,
    )
    sources = unique_sources([*people.sources, corrections.source])
    return replace(people, frame=frame, report=report, sources=sources)


def check_corrections(
    corrections: Corrections, postcodes: PostcodeDirectory, segmentation: Segmentation
) -> tuple[np.ndarray, list[str]]:
    """The directory's row and the segment of each line.

    Raises
    ------
    InputRefused
        With every line whose postcode is not in the directory, or whose segment is not in the segmentation or is
        coarser than its level, and every line without a reason or a name.
    """
    frame, problems = corrections.frame, []
    found = _postcodes.look_up(postcodes, frame["postcode"])
    level = _level_lookup(segmentation)
    segment = [level.get(str(text).casefold()) for text in frame["segment"]]
    there = f"there are {', '.join(segmentation.segments)}"
    unknown = [text for text, to in zip(frame["segment"], segment, strict=True) if to is None]
    if coarser := _coarser_level(segmentation, unknown):
        there = f"it is a {coarser}: write the {segmentation.level} it belongs to, or use --level {coarser}; {there}"
    checks = (
        ("postcode", "postcode_not_found", found.rows < 0, "a postcode that the directory does not have",
         "check it, or use a newer directory"),
        ("segment", "code_unknown", np.array([each is None for each in segment], dtype=bool),
         f"a segment that {segmentation.label} does not have", there),
        ("reason", "code_blank", frame["reason"].eq("").to_numpy(bool), "no reason is given", "say why"),
        ("by", "code_blank", frame["by"].eq("").to_numpy(bool), "nobody is named", "say by whose word"),
    )  # fmt: skip
    for name, code, bad, what, tip in checks:
        records = frame["record"].to_numpy()[bad]
        if len(records):
            header = corrections.headers.get(name, name)
            file = corrections.source.title
            problems.append(Problem(file, code, what, tip, int(records[0]), header, len(records) - 1))
    if problems:
        raise InputRefused(corrections.source.title, problems)
    return found.rows, segment


def _coarser_level(segmentation: Segmentation, texts: list[str]) -> str:
    """The coarser level that has all of these codes; "" for none."""
    columns = list(segmentation.table.columns)
    for column in columns[: columns.index(segmentation.level)]:
        codes = {str(code).casefold() for code in segmentation.table[column].dropna().unique()}
        if texts and all(str(text).casefold() in codes for text in texts):
            return column
    return ""


def _level_lookup(segmentation: Segmentation) -> dict[str, str]:
    """Each code of this level and of the finer ones, without regard to case, to the segment of this level."""
    columns = list(segmentation.table.columns)
    finer = columns[columns.index(segmentation.level) :]
    answer: dict[str, str] = {}
    for column in reversed(finer):
        codes = segmentation.table.drop_duplicates(column)
        answer |= {
            str(code).casefold(): str(to)
            for code, to in zip(codes[column], codes[segmentation.level], strict=True)
            if pd.notna(code) and pd.notna(to)
        }
    return answer
