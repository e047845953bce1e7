"""The board of red, amber and green: one page to filter and sort, and the rules as a page to print and sign.

Every colour stands with its word, its shape, its value, the trigger and, below, the whole rule; the map shows what the
table says. The page has one small script (filter, sort, which indicator the map shows), reads without it, asks the
network for nothing, and holds the printed figures alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from markupsafe import Markup

from geoplan.disclosure import Protected, Rule
from geoplan.hierarchies import ALL, NO_GROUP
from geoplan.maps.render import credit_sentences, policy
from geoplan.rag import AMBER, GREEN, HIDDEN, NO_DATA, NOT_JUDGED, RED, SHAPES, STATUSES, UNCLEAR, WORDS, RagBoard
from geoplan.rag_changes import RagChanges, status_text
from geoplan.rag_rules import COUNTED, RagRules
from geoplan.reports.outlines import Outlines
from geoplan.reports.render import ASSETS, template
from geoplan.sources import Source, unique_sources

if TYPE_CHECKING:
    from geoplan.areas import Boundaries

MAP_WIDTH, MAP_HEIGHT = 900, 620
MARK = 7.0  # half a mark, in units of the map
MANY = 200  # schools: with more, marks are smaller
_KEYS = (RED, AMBER, GREEN, UNCLEAR, NO_DATA)
_COUNTED = {RED: "red", AMBER: "amber", GREEN: "green", UNCLEAR: "not clear", NO_DATA: "no data", HIDDEN: "hidden",
            NOT_JUDGED: "not judged"}  # fmt: skip


@dataclass(frozen=True, repr=False)
class RagPage:
    """The board as a page.

    Parameters
    ----------
    board
        The schools judged.
    sources
        Of the schools and of every file of numbers.
    points
        Schools' ``easting`` and ``northing`` (EPSG:27700), by school; missing where not known.
    outlines
        Areas to find one's way by, or None.
    changes
        Since an earlier run, or None.
    tables
        The protected tables that numbers of pupils come from.
    rule
        The small-number rule, printed where there are such tables.
    title
        Of the page; the rules' own if not given.
    notes
        Further sentences.
    whole
        For the page of one group: the board of all schools, whose row stands beside the group's.
    """

    board: RagBoard
    sources: tuple[Source, ...]
    points: pd.DataFrame
    outlines: Outlines | None = None
    changes: RagChanges | None = None
    tables: tuple[Protected, ...] = ()
    rule: Rule | None = None
    title: str = ""
    notes: tuple[str, ...] = ()
    whole: RagBoard | None = None

    def __repr__(self) -> str:
        return f"<RagPage {self.heading!r}: {len(self.board.schools):,} schools>"

    @property
    def heading(self) -> str:
        """What the page is called."""
        return self.title or f"Red, amber, green: {self.board.rules.title}"

    @property
    def facts(self) -> tuple[pd.DataFrame, ...]:
        """Every table of the page as it prints it, for the reading back."""
        return page_facts(self)

    def to_html(self) -> str:
        """The page as text; byte for byte the same for the same board."""
        board, rules = self.board, self.board.rules
        style, script = board_style(), _script()
        levels = [*rules.groups, ALL]
        return template("rag.html").render(
            policy=policy([script], [style]),
            style=Markup(style),
            script=Markup(script),
            page=self,
            rules=rules,
            finding=finding(board),
            glance=glance(board),
            heads=rules.indicators,
            filters=_filters(board),
            rows=school_rows(board),
            groups=[(level, group_rows(board, level)) for level in levels[:-1]],
            authority=group_rows(self.whole or board, ALL)[0],
            drawn=drawing(self),
            keys=[(status, SHAPES[status], WORDS[status]) for status in _KEYS],
            changed=None if self.changes is None else change_rows(self.changes, board),
            credits=credit_sentences(self.sources),
            invented=[source.title for source in unique_sources(self.sources) if source.invented],
            marks=MARKS,
            words=WORDS,
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class RulesPage:
    """The rules as a page to print, talk over and sign."""

    rules: RagRules
    tables: tuple = ()
    facts: tuple = ()

    def to_html(self) -> str:
        """The page as text."""
        style = board_style()
        return template("rag_rules.html").render(
            policy=policy([], [style]), style=Markup(style), rules=self.rules,
            keys=[(status, SHAPES[status], WORDS[status]) for status in _KEYS],
        )  # fmt: skip


# --- what the page says ---------------------------------------------------------------------------------------


def finding(board: RagBoard) -> str:
    """The board in a sentence: numbers of schools, which are not small numbers of people."""
    status = board.matrix("status")
    red = int((status == RED).any(axis=1).sum())
    one = len(board.rules.indicators) == 1
    return (
        f"{len(status):,} school{'' if len(status) == 1 else 's'} judged by {len(board.rules.indicators)} "
        f"indicator{'' if one else 's'}; {red:,} {'has' if red == 1 else 'have'} at least one Red."
    )


def glance(board: RagBoard) -> list[dict]:
    """A row for each indicator: how many schools of each status."""
    counts = board.by_group(ALL).xs(ALL, level=0)
    return [
        {"indicator": each, "counts": [int(counts.at[each.name, status]) for status in STATUSES],
         "total": int(counts.at[each.name, "schools"])}
        for each in board.rules.indicators
    ]  # fmt: skip


def cell_parts(cell: Mapping) -> dict[str, str]:
    """What stands in a cell of the board: word, value, trigger and what would change it, or why there is no colour."""
    status = cell["status"]
    if status in (NO_DATA, HIDDEN, NOT_JUDGED):
        return {"status": status, "shape": SHAPES[status], "word": WORDS[status], "value": "", "trigger": "",
                "more": "" if status == NOT_JUDGED else cell["reason"]}  # fmt: skip
    if status == UNCLEAR:
        return {"status": status, "shape": SHAPES[status], "word": WORDS[status], "value": cell["shown"],
                "trigger": f"trigger {cell['trigger']}", "more": _chances(cell)}  # fmt: skip
    moves = [each for each in (cell["better"], cell["worse"]) if each]
    return {"status": status, "shape": SHAPES[status], "word": WORDS[status], "value": cell["shown"],
            "trigger": trigger_text(cell), "more": "; ".join(moves)}  # fmt: skip


def trigger_text(cell: Mapping) -> str:
    """The trigger as it stands beside a colour: the one met, or for green the one not met."""
    return f"{'not ' if cell['status'] == GREEN else ''}{cell['trigger']}" if cell["trigger"] else ""


def _chances(cell: Mapping) -> str:
    """The chances in few words."""
    _, _, chances = cell["reason"].rpartition("chances: ")
    return chances


def cell_text(cell: Mapping) -> str:
    """A cell of the board as one text, as the page prints it."""
    parts = cell_parts(cell)
    return " ".join(parts[name] for name in ("shape", "word", "value", "trigger", "more") if parts[name])


def school_rows(board: RagBoard) -> list[dict]:
    """A row for each school, in the order of the name."""
    cells = board.cells.to_dict("index")
    names = [each.name for each in board.rules.indicators]
    order = board.schools["name"].astype("object").fillna("").astype("str").str.casefold().sort_values(kind="stable")
    rows = []
    for code in order.index:
        school = board.schools.loc[code]
        parts = [cell_parts(cells[(code, name)]) for name in names]
        rows.append(
            {
                "code": code,
                "name": str(school["name"]),
                "labels": (labels := [_label(school[column]) for column in board.schools if column != "name"]),
                "beside": ", ".join([code, *labels]),
                "cells": parts,
                "reds": sum(each["status"] == RED for each in parts),
            }
        )
    return rows


def _label(value: object) -> str:
    text = "" if value is None or value != value else str(value).strip()
    return text or NO_GROUP


def _filters(board: RagBoard) -> list[dict]:
    """What the schools can be chosen by: each group and the phase, where there is more than one."""
    found = []
    for at, column in enumerate(name for name in board.schools if name != "name"):
        values = sorted({_label(each) for each in board.schools[column]}, key=lambda v: (v == NO_GROUP, v))
        if len(values) > 1:
            found.append({"at": at, "name": column.replace("_", " ").capitalize(), "values": values})
    return found


def group_rows(board: RagBoard, level: str) -> list[dict]:
    """A row for each group of a level: its colour and the numbers of its schools, by indicator."""
    table = board.by_group(level)
    coloured = board.rules.roll_up.rule != COUNTED
    rows = []
    for group in dict.fromkeys(table.index.get_level_values(0)):
        part = table.loc[group]
        cells = []
        for each in board.rules.indicators:
            row = part.loc[each.name]
            status = next((s for s, word in WORDS.items() if word == row["colour"]), "")
            counts = ", ".join(f"{row[s]:,} {_COUNTED[s]}" for s in STATUSES if row[s])
            word = status_text(row["colour"]) if coloured else ""
            cells.append({"status": status, "word": word, "counts": counts, "reason": row["reason"]})
        rows.append({"group": str(group), "schools": int(part["schools"].iloc[0]), "cells": cells})
    return rows


def change_rows(changes: RagChanges, board: RagBoard) -> list[list[str]]:
    """The trigger log as rows of text, worse first."""
    titles = {each.name: each.title for each in board.rules.indicators}
    order = {"worse": 0, "better": 1, "neither": 2}
    table = changes.table.assign(order=changes.table["direction"].map(order)).sort_values("order", kind="stable")
    return [
        [
            str(row["name"]),
            titles.get(code, code),
            status_text(row["before"]),
            status_text(row["after"]),
            row["because"],
        ]
        for (_, code), row in zip(table.index, table.to_dict("records"), strict=True)
    ]


# --- the map --------------------------------------------------------------------------------------------------

MARKS: Mapping[str, str] = {
    RED: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z",
    AMBER: "M0-8L8 6H-8z",
    GREEN: "M-6-6H6V6H-6z",
    UNCLEAR: "M0-8L7 0 0 8-7 0z",
    NO_DATA: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    HIDDEN: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    NOT_JUDGED: "",
}


def drawing(page: RagPage) -> dict | None:
    """The map: outlines, a point for each school by its row, and a scale; None where no school has a position."""
    order = [row["code"] for row in school_rows(page.board)]
    points = page.points.reindex(order)[["easting", "northing"]].astype("float64")
    known = points.notna().all(axis=1)
    if not known.any():
        return None
    there = points[known]
    west, east = there["easting"].min(), there["easting"].max()
    south, north = there["northing"].min(), there["northing"].max()
    if page.whole is not None:  # one group: where its schools are, with some way around them
        way = max(500.0, 0.08 * max(east - west, north - south))
        west, south, east, north = west - way, south - way, east + way, north + way
        more = max(0.0, (north - south) * MAP_WIDTH / MAP_HEIGHT - (east - west)) / 2
        west, east = west - more, east + more
    elif page.outlines is not None and len(page.outlines):
        boxes = page.outlines.boxes
        west, south = min(west, boxes[:, 0].min()), min(south, boxes[:, 1].min())
        east, north = max(east, boxes[:, 2].max()), max(north, boxes[:, 3].max())
    wide, high = max(east - west, 1_000.0), max(north - south, 1_000.0)
    room = 3 * MARK
    scale = min((MAP_WIDTH - 2 * room) / wide, (MAP_HEIGHT - 2 * room) / high)
    height = round(high * scale + 2 * room)
    width = round(wide * scale + 2 * room)
    x = (there["easting"] - west) * scale + room
    y = (north - there["northing"]) * scale + room
    at = {code: i for i, code in enumerate(order)}
    marks = [
        {"row": at[code], "x": f"{a:.1f}", "y": f"{b:.1f}"}
        for code, a, b in zip(there.index, *_apart(x.to_numpy(), y.to_numpy()), strict=True)
    ]
    paths, transform = (), ""
    if page.outlines is not None and len(page.outlines):
        level = page.outlines.level_for(wide)
        paths = [path for path in level.paths if path]
        step = level.step_m * scale
        left = (page.outlines.origin[0] - west) * scale + room
        top = (north - page.outlines.origin[1]) * scale + room
        transform = f"translate({left:.2f} {top:.2f}) scale({step:.5f})"
    km = next((each for each in (50, 20, 10, 5, 2, 1, 0.5, 0.2) if each * 1000 * scale <= width / 3), 0.2)
    return {"width": width, "height": height, "marks": marks, "paths": paths, "transform": transform,
            "size": 1.0 if len(marks) <= MANY else 0.7, "km": f"{km:g}",
            "bar": f"{km * 1000 * scale:.1f}", "undrawn": int((~known).sum())}  # fmt: skip


def _apart(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Schools on one site side by side, so that no mark hides another."""
    frame = pd.DataFrame({"x": x.round(0), "y": y.round(0)})
    nth = frame.groupby(["x", "y"]).cumcount().to_numpy()
    many = frame.groupby(["x", "y"])["x"].transform("size").to_numpy()
    return x + (nth - (many - 1) / 2) * 1.6 * MARK, y


def area_outlines(layers: Sequence[Boundaries]) -> Boundaries | None:
    """The layer with the fewest areas: enough to find one's way by."""
    return min(layers, key=len, default=None)


# --- the figures, for the reading back ------------------------------------------------------------------------


def page_facts(page: RagPage) -> tuple[pd.DataFrame, ...]:
    """The page's tables as frames of their texts and counts."""
    board = page.board
    cells = board.cells.to_dict("index")
    names = [each.name for each in board.rules.indicators]
    lines = school_rows(board)
    rows = [line["code"] for line in lines]
    texts = pd.DataFrame({name: [cell_text(cells[(code, name)]) for code in rows] for name in names}, index=rows)
    schools = board.schools.loc[rows].map(_label)
    schools["school"] = [f"{line['name']} {line['beside']}" for line in lines]
    counts = pd.DataFrame([row["counts"] + [row["total"]] for row in glance(board)],
                          index=[row["indicator"].title for row in glance(board)],
                          columns=[*STATUSES, "schools"])  # fmt: skip
    found = [texts, schools, counts]
    for level in (*board.rules.groups, ALL):
        lines = group_rows(board, level) if level != ALL else []
        lines = lines + group_rows(page.whole or board, ALL)
        index = [line["group"] for line in lines]
        found.append(pd.DataFrame({"schools": [line["schools"] for line in lines]}, index=index))
        found.append(pd.DataFrame({name: [group_text(line["cells"][at]) for line in lines]
                                   for at, name in enumerate(names)}, index=index))  # fmt: skip
    if page.changes is not None and len(page.changes):
        found.append(pd.DataFrame(change_rows(page.changes, board)))
    rules = board.rules
    found.append(pd.DataFrame({"rule": [sentence for each in rules.indicators for sentence in each.sentences()]}))
    return tuple(found)


def group_text(cell: Mapping) -> str:
    """A cell of the table of groups as one text."""
    return " ".join(part for part in (cell["word"], cell["counts"]) if part)


@cache
def board_style() -> str:
    """The style of the board and of the rules."""
    return (ASSETS / "rag.css").read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def _script() -> str:
    return (ASSETS / "rag.js").read_text(encoding="utf-8").replace("\r\n", "\n")
