"""What changed since the last run: which colours, and whether because a value moved or because a rule did.

A run is kept as plain values (:func:`record`): the colours as printed, with their values and rules, and nothing that
the board did not show. Two of them give the trigger log that a School Organisation Board reads first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from geoplan.errors import InputRefused, Problem
from geoplan.rag import HIDDEN, NO_DATA, NOT_JUDGED, SHAPES, WORDS, RagBoard
from geoplan.rag_rules import COLOURS

FORM = 1
COLUMNS = (
    "name",
    "before",
    "after",
    "direction",
    "because",
    "shown_before",
    "shown_after",
    "rule_before",
    "rule_after",
)
BETTER, WORSE, NEITHER = "better", "worse", "neither"


@dataclass(frozen=True, repr=False)
class RagChanges:
    """The trigger log: one row for each colour that is not what it was.

    Parameters
    ----------
    table
        Indexed by school and indicator: ``name``, ``before`` and ``after`` (words), ``direction`` (better, worse or
        neither), ``because`` (in words), and the values and rules before and after.
    same
        How many colours stayed.
    before, after
        What the two runs are called.
    """

    table: pd.DataFrame
    same: int
    before: str
    after: str

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<RagChanges: {len(self.table):,} of {len(self.table) + self.same:,} colours changed>"

    @property
    def finding(self) -> str:
        """The changes in a sentence."""
        total = len(self.table) + self.same
        if not len(self.table):
            return f"No colour changed ({total:,} compared)."
        of = self.table["direction"].value_counts()
        parts = [f"{of[name]:,} {words}" for name, words in ((WORSE, "for the worse"), (BETTER, "for the better"),
                 (NEITHER, "to or from no colour")) if of.get(name, 0)]  # fmt: skip
        return f"{len(self.table):,} of {total:,} colours changed: {', '.join(parts)}."


def record(board: RagBoard, as_at: str = "") -> dict:
    """A run as plain values: what the board shows, to compare a later run with.

    Examples
    --------
    See :func:`changes`.
    """
    rules = board.rules
    names = board.schools["name"].astype("object").fillna("").astype("str")
    cells = [
        {
            "school": school, "name": names[school], "indicator": indicator, "status": cell.status, "shown": cell.shown,
            "rule": cell.rule, "fingerprint": rules[indicator].fingerprint, "reason": cell.reason,
        }
        for (school, indicator), cell in zip(board.cells.index, board.cells.itertuples(), strict=True)
    ]  # fmt: skip
    return {
        "geoplan_rag": FORM, "as_at": as_at, "title": rules.title, "agreed_on": rules.agreed_on,
        "titles": {each.name: each.title for each in rules.indicators}, "cells": cells,
    }  # fmt: skip


def check_record(value: object, file: str) -> dict:
    """A record as read from a file, if it is one.

    Raises
    ------
    InputRefused
    """
    needed = {"school", "name", "indicator", "status", "shown", "rule", "fingerprint"}
    good = (
        isinstance(value, Mapping)
        and value.get("geoplan_rag") == FORM
        and isinstance(value.get("cells"), list)
        and all(isinstance(each, Mapping) and needed <= each.keys() for each in value["cells"])
        and all(isinstance(each[name], str) for each in value["cells"] for name in needed)
        and all(each["status"] in WORDS for each in value["cells"])
    )
    if not good:
        raise InputRefused(
            file,
            [Problem(file, "record_unknown", "not a run of geoplan rag", "write one: geoplan rag run -o run.json")],
        )
    return dict(value)


def changes(before: Mapping, after: Mapping) -> RagChanges:
    """Colours that are not what they were, and why.

    Parameters
    ----------
    before, after
        Records of two runs, from :func:`record`.

    Examples
    --------
    >>> cell = {"school": "1", "name": "A", "indicator": "s", "status": "amber", "shown": "12%", "rule": "Red when ...",
    ...     "fingerprint": "x", "reason": ""}
    >>> then, now = ({"as_at": year, "cells": [cell | new]} for year, new in (
    ...     ("2025", {}), ("2026", {"status": "red", "shown": "26%"})))
    >>> found = changes(then, now)
    >>> found.table[["before", "after", "because"]].iloc[0].tolist()
    ['Amber', 'Red', 'the value moved from 12% to 26%']
    >>> found.finding
    '1 of 1 colours changed: 1 for the worse.'
    """
    old, new = ({(c["school"], c["indicator"]): c for c in run["cells"]} for run in (before, after))
    rows, same = {}, 0
    for key in dict.fromkeys([*new, *old]):
        one, other = old.get(key), new.get(key)
        if one is not None and other is not None and one["status"] == other["status"]:
            same += 1
            continue
        rows[key] = {
            "name": (other or one)["name"],
            "before": WORDS[one["status"]] if one else "not in it",
            "after": WORDS[other["status"]] if other else "not in it",
            "direction": _direction(one, other),
            "because": _because(one, other),
            "shown_before": one["shown"] if one else "",
            "shown_after": other["shown"] if other else "",
            "rule_before": one["rule"] if one else "",
            "rule_after": other["rule"] if other else "",
        }
    index = pd.MultiIndex.from_tuples(list(rows), names=["school", "indicator"]) if rows else pd.MultiIndex.from_arrays(
        [[], []], names=["school", "indicator"])  # fmt: skip
    table = pd.DataFrame(list(rows.values()), index=index, columns=list(COLUMNS))
    titles = [str(run.get("as_at") or run.get("title") or name) for run, name in ((before, "before"), (after, "after"))]
    return RagChanges(table, same, *titles)


def _direction(one: Mapping | None, other: Mapping | None) -> str:
    places = [COLOURS.index(each["status"]) if each and each["status"] in COLOURS else None for each in (one, other)]
    if None in places:
        return NEITHER
    return WORSE if places[1] > places[0] else BETTER


def _because(one: Mapping | None, other: Mapping | None) -> str:
    """Why, as far as the two records say it."""
    if one is None or other is None:
        return "it is new" if one is None else "it is no longer judged"
    rule = one["fingerprint"] != other["fingerprint"]
    moved = one["shown"] != other["shown"]
    if HIDDEN in (one["status"], other["status"]):
        return "a number is hidden now" if other["status"] == HIDDEN else "a number is no longer hidden"
    if NO_DATA in (one["status"], other["status"]) and not rule:
        return "there is no figure now" if other["status"] == NO_DATA else "there is a figure now"
    if NOT_JUDGED in (one["status"], other["status"]) and not rule:
        return "it is another kind of school now"
    value = f"the value moved from {one['shown'] or 'none'} to {other['shown'] or 'none'}"
    if rule and moved:
        return f"the rule changed, and {value}"
    if rule:
        return "the rule changed"
    return value if moved else "other schools or the number of pupils changed"


def status_text(word: str) -> str:
    """A word with its shape.

    Examples
    --------
    >>> status_text("Red"), status_text("not in it")
    ('● Red', 'not in it')
    """
    status = next((status for status, each in WORDS.items() if each == word), "")
    return f"{SHAPES[status]} {word}" if status and status != HIDDEN else word
