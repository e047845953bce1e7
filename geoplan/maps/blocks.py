"""What goes into the page's data blocks, and the words and marks of its legends: plain dictionaries.

The block of a layer holds the numbers already as text, so that page and script print the same. The
properties written here are all there is in a page; a test holds the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from geoplan.disclosure import HIDDEN
from geoplan.maps import palette
from geoplan.maps.cells import Cells, capital, cells, range_text, share_decimals
from geoplan.maps.layers import MARKS, AreaLayer, PointLayer
from geoplan.maps.panels import BarPanel, Detail, TablePanel
from geoplan.maps.shapes import points_block, to_json

HIDDEN_CLASS, MISSING_CLASS = -1, -2
HIDDEN_LABEL, MISSING_LABEL = f"{HIDDEN}: hidden, a small number", "no data"
INDEX_WORDS = ("less than half", "fewer", "about the same", "more", "at least twice")
BAR_WIDTH, BAR_HEIGHT = 200, 22


def block_id(kind: str, value: object) -> str:
    """An id that follows from the content, so that the same block is written once and reruns agree.

    Examples
    --------
    >>> block_id("layer", {"a": 1}) == block_id("layer", {"a": 1})
    True
    """
    return f"geoplan-{kind}-{hashlib.sha256(to_json(value).encode()).hexdigest()[:12]}"


def column_block(column: Cells) -> dict:
    """A column: its heading, its texts, and whether they are words."""
    return {"label": column.label, "words": column.words, "texts": list(column.texts)}


def area_classes(layer: AreaLayer) -> np.ndarray:
    """The class of each area, -1 where hidden and -2 where there is no data."""
    shown = layer.shown
    hidden = np.array([value == HIDDEN for value in shown.values], dtype=bool)
    missing = np.array([value is None for value in shown.values], dtype=bool)
    if layer.scale == "categories":
        number = {word: at for at, word in enumerate(layer.categories)}
        classes = np.array([number.get(value, MISSING_CLASS) for value in shown.values], dtype=int)
    else:
        classes = palette.class_of(shown.numbers, layer.breaks).astype(int)
    return np.where(missing, MISSING_CLASS, np.where(hidden, HIDDEN_CLASS, classes))


def area_colours(layer: AreaLayer) -> tuple[str, ...]:
    """The colour of each class, in order."""
    if layer.colours:
        return layer.colours
    if layer.scale == "categories":
        return palette.category_colours(max(1, len(layer.categories)))
    choose = palette.diverging_colours if layer.scale == "diverging" else palette.sequential_colours
    return choose(len(layer.breaks) + 1)


def area_block(layer: AreaLayer) -> dict:
    """Everything the script needs to know of a layer of areas, except its shapes."""
    return {
        "title": layer.title,
        "note": layer.note,
        "columns": [column_block(column) for column in layer.columns],
        "classes": area_classes(layer).tolist(),
        "colours": list(area_colours(layer)),
        "hidden": {"fill": palette.HIDDEN_FILL, "hatch": palette.HIDDEN_HATCH},
        "missing": {"fill": palette.MISSING_FILL, "hatch": palette.MISSING_HATCH, "dots": True},
        "outline": palette.OUTLINE,
    }


def school_block(layer: PointLayer) -> dict:
    """Everything the script needs to know of a layer of schools."""
    codes = [str(code) for code in layer.table.index]
    kinds = layer.table[layer.mark_by].astype(str) if layer.mark_by else [""] * len(codes)
    shape = dict(zip(layer.marks, MARKS, strict=False))
    return {
        "title": layer.title,
        "codeName": layer.code_name,
        "codes": codes,
        "names": [str(name) or code for name, code in zip(layer.table["name"], codes, strict=True)],
        **points_block(layer.table["easting"], layer.table["northing"]),
        "marks": [shape.get(kind, MARKS[0]) for kind in kinds],
        "highlight": [codes.index(code) for code in layer.highlight],
        "columns": [column_block(column) for column in layer.columns],
        "details": [[detail_block(d) for d in layer.details.get(code, ())] for code in codes],
        "colour": palette.SCHOOL,
        "spot": palette.HIGHLIGHT,
    }


def detail_block(detail: Detail) -> dict:
    """A block of a card or panel: bars, a table or a sentence."""
    if isinstance(detail, BarPanel):
        return bar_block(detail)
    if isinstance(detail, TablePanel):
        columns = [column_block(column) for column in detail.shown]
        return {"kind": "table", "title": detail.title, "note": detail.note, "columns": columns}
    return {"kind": "text", "text": detail}


def bar_block(panel: BarPanel) -> dict:
    """Bars as rows of text and of the rectangles that draw them."""
    names = panel.table.table[panel.label] if panel.label else panel.table.table.index
    ranged = bool(panel.low and panel.high)
    wanted = [panel.share, panel.base_share] + ([panel.low, panel.high] if ranged else [])
    same = share_decimals(panel.table, dict.fromkeys(wanted, "share"))
    columns = [cells(panel.table, name, name, "share", decimals=same) for name in wanted]
    known = np.concatenate([column.numbers for column in columns])
    most = palette.nice_number(float(np.nanmax(known))) if (~np.isnan(known)).any() else 1.0
    rows = []
    for at, name in enumerate(names):
        values = [column.values[at] for column in columns]
        texts = [column.texts[at] for column in columns]
        rows.append(
            {
                "label": str(name),
                "texts": texts[:2] + ([range_text(*columns[2:], at)] if ranged else []),
                "parts": bar_parts(values, most),
            }
        )
    heads = ["Group", "Chart", capital(panel.group), capital(panel.base)] + (["Likely range"] if ranged else [])
    key = f"Bar: {panel.group}. Orange mark: {panel.base}." + (" Thin line: likely range." if ranged else "")
    return {
        "kind": "bars", "title": panel.title, "note": panel.note, "heads": heads,
        "key": key, "ranges": ranged, "rows": rows,
    }  # fmt: skip


def _numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, float) for value in values)


def bar_parts(values: Sequence[float | str | None], most: float) -> list[dict]:
    """Rectangles for one bar: the share, its whisker, and the mark of the base over both.

    Examples
    --------
    >>> bar_parts([25.0, "c"], 50)
    [{'x': 0, 'y': 4, 'width': 100.0, 'height': 14, 'fill': '#12436D'}]
    """
    scale = BAR_WIDTH / most
    share, base, *ends = values
    parts = []
    if isinstance(share, float):
        parts.append(_rectangle(0, 4, share * scale, 14, palette.CATEGORICAL[0]))
    if len(ends) == 2 and _numbers(ends):
        low, high = (end * scale for end in ends)
        parts.append(_rectangle(low, 9, high - low, 4, palette.PAPER))
        parts.append(_rectangle(low, 10, high - low, 2, palette.TEXT))
    if isinstance(base, float):
        parts.append(_rectangle(min(max(base * scale - 2, 0), BAR_WIDTH - 4), 0, 4, BAR_HEIGHT, palette.HIGHLIGHT))
    return parts


def _rectangle(x: float, y: float, width: float, height: float, fill: str) -> dict:
    return {"x": round(x, 1), "y": y, "width": round(width, 1), "height": height, "fill": fill}


def class_labels(shown: Cells, breaks: Sequence[float], scale: str = "sequential") -> list[str]:
    """The range of each class in words, as the values are printed.

    Examples
    --------
    >>> class_labels(Cells("FSM", "share", 0, (5.0, 10.0, 20.0)), (10, 20))
    ['under 10%', '10% to 19%', '20% or more']
    >>> class_labels(Cells("Pupils", "", 0, (0.0, 15.0, 40.0)), (10, 30))
    ['0', '10 to 29', '30 or more']
    """
    if not breaks:
        known = {text for text, number in zip(shown.texts, shown.numbers, strict=True) if not np.isnan(number)}
        return [f"all {text}" for text in sorted(known)[:1]]
    finest = 10.0**-shown.decimals
    edges = [shown.text(edge) for edge in breaks]
    ends = [shown.text(edge - finest) for edge in breaks]
    middle = [low if low == high else f"{low} to {high}" for low, high in zip(edges[:-1], ends[1:], strict=True)]
    below = shown.numbers[shown.numbers < breaks[0]]
    nothing = len(below) > 0 and not below.any()  # a small number is hidden, so that a class under ten may hold none
    labels = [shown.text(0.0) if nothing else f"under {edges[0]}", *middle, f"{edges[-1]} or more"]
    if scale == "diverging" and shown.unit == "index" and tuple(breaks) == palette.INDEX_BREAKS:
        return [f"{label}: {words}" for label, words in zip(labels, INDEX_WORDS, strict=True)]
    return labels


def legend_entries(layer: AreaLayer) -> list[dict]:
    """The classes of a layer: label, fill and number of areas, hidden and missing last where there are any."""
    classes = area_classes(layer)
    labels = layer.categories or class_labels(layer.shown, layer.breaks, layer.scale)
    colours = area_colours(layer)
    entries = [
        {"label": label, "fill": colours[at], "count": int((classes == at).sum()), "apart": False}
        for at, label in enumerate(labels)
    ]
    for number, label, fill in (
        (HIDDEN_CLASS, HIDDEN_LABEL, "url(#geoplan-hidden)"),
        (MISSING_CLASS, MISSING_LABEL, "url(#geoplan-missing)"),
    ):
        count = int((classes == number).sum())
        if count:
            entries.append({"label": label, "fill": fill, "count": count, "apart": True})
    return entries


def legend_note(layer: AreaLayer) -> str:
    """What the shades mean, for a reader who looks at the colours first."""
    if layer.scale == "diverging":
        return "(blue is more, brown is less)" if layer.unit != "index" else "(100 is the same as all)"
    return "" if layer.scale == "categories" or not layer.breaks else "(darker is more)"
