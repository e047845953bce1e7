"""Catchments as a picture: fills, letters, schools with their names, and hatching for what changes.

One drawing for the page of a design and for the report of an option set. Colour never speaks alone: each catchment
has a letter and a line around it, areas that change school are hatched, and a key or a table beside says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from geoplan.maps import palette
from geoplan.reports.charts import ruler
from geoplan.reports.outlines import Outlines
from geoplan.reports.words import letters_for

MAP_WIDTH = 460
RULER = 18  # room for the scale below the map
MOST_NAMES = 24  # schools: with more, their names would hide the map
#: Fills of catchments; neighbours never share one, and each catchment has its letter.
FILLS = ("#D6E8F7", "#F2B48C", "#A3D9D4", "#E3C1D2", "#FFF3B0", "#C9C4E0", "#CFCFCF")
_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"

Box = tuple[float, float, float, float]


def map_letters(schools: Iterable[str]) -> dict[str, str]:
    """A letter for each catchment, or two where there are more than the alphabet has.

    Examples
    --------
    >>> map_letters(["101", "102"])
    {'101': 'A', '102': 'B'}
    """
    schools = list(schools)
    return dict(zip(schools, letters_for(len(schools)), strict=True))


def fills_apart(
    schools: Sequence[str], plans: Sequence[Sequence[str]], pairs: Iterable[tuple[int, int]]
) -> dict[str, str]:
    """A fill for each school, so that catchments that touch under any plan differ where seven fills allow it.

    Parameters
    ----------
    schools
        Their codes.
    plans
        For each plan the school of each area, in one order.
    pairs
        Positions of areas that touch.

    Examples
    --------
    >>> fills_apart(["101", "102"], [["101", "102"]], [(0, 1)])
    {'101': '#D6E8F7', '102': '#F2B48C'}
    """
    touch: dict[str, set[str]] = {code: set() for code in schools}
    pairs = list(pairs)
    for codes in plans:
        for a, b in pairs:
            if codes[a] != codes[b] and codes[a] in touch and codes[b] in touch:
                touch[codes[a]].add(codes[b])
                touch[codes[b]].add(codes[a])
    fill: dict[str, str] = {}
    for code in sorted(schools, key=lambda each: (-len(touch[each]), each)):
        near = [fill[other] for other in touch[code] if other in fill]
        fill[code] = min(FILLS, key=lambda each: (near.count(each), list(fill.values()).count(each)))
    return fill


def catchment_map(
    outlines: Outlines,
    plan: pd.Series,
    colours: Mapping[str, str],
    letters: Mapping[str, str],
    sites: pd.DataFrame | None,
    title: str,
    *,
    moved: pd.Series | None = None,
    lines: Outlines | None = None,
    names: Mapping[str, str] | None = None,
    words: str = "",
) -> str:
    """The map of one plan as SVG.

    Parameters
    ----------
    outlines
        The areas, made small.
    plan
        School by area; areas without one are white.
    colours, letters
        By school.
    sites
        ``easting``, ``northing`` by school; None draws no schools.
    title
        What the plan is called; no two maps of a page have one title.
    moved
        By area, whether it changes school: hatched.
    lines
        Outlines of the catchments, drawn as lines around them.
    names
        Of the schools, by code, written beside their marks where there is room.
    words
        What a reader who cannot see the map is told.
    """
    view = _View(outlines)
    position = {code: at for at, code in enumerate(outlines.codes)}
    key = "".join(letter for letter in title if letter.isalnum())
    parts = []
    for school in sorted(set(plan)):
        paths = "".join(view.paths(outlines)[position[area]] for area in plan.index[plan == school])
        parts.append(f'<path d="{paths}" fill="{colours.get(school, "#FFFFFF")}"/>')
    if moved is not None and moved.any():
        paths = "".join(view.paths(outlines)[position[area]] for area in plan.index[moved])
        parts.append(f'<path d="{paths}" fill="url(#moves-{key})"/>')
    spots = _spots(sites, view)
    marks, taken = _marks(outlines, plan, letters, view, position, spots)
    dots, named = _schools(spots, names or {}, view, taken)
    size = 7 / view.fit
    words = words or f"{title}: a map of the catchments. The tables beside it have the same."
    around = "" if lines is None else (
        f'<g transform="{view.place(lines)}" fill="none" stroke="{palette.TEXT}" stroke-width="{1.6 / view.fit:.4g}" '
        f'stroke-linejoin="round"><path d="{"".join(view.paths(lines))}"/></g>'
    )  # fmt: skip
    return (
        f'<svg class="catchments" role="img" viewBox="0 0 {MAP_WIDTH} {view.height}" width="{MAP_WIDTH}" '
        f'height="{view.height}" font-family="{_FONT}"><title>{escape(words)}</title><defs><pattern id="moves-{key}" '
        f'width="{size:.4g}" height="{size:.4g}" patternUnits="userSpaceOnUse"><path d="M0 {size:.4g}L{size:.4g} 0" '
        f'stroke="{palette.TEXT}" stroke-width="{1.1 / view.fit:.4g}"/></pattern></defs>'
        f'<g transform="{view.place(outlines)}" stroke="#8A9296" stroke-width="{0.5 / view.fit:.4g}" '
        f'stroke-linejoin="round" fill-rule="evenodd">{"".join(parts)}</g>{around}{"".join(dots)}'
        f'<g font-size="11" fill="{palette.TEXT}">{"".join(named)}</g>'
        f'<g font-size="14" font-weight="700" text-anchor="middle" fill="{palette.TEXT}">{"".join(marks)}</g>'
        f"{ruler(view.scale, MAP_WIDTH, view.height)}</svg>"
    )


class _View:
    """The window of a map: metres to its own units, and the level of detail that suits it."""

    def __init__(self, outlines: Outlines):
        west, south = outlines.boxes[:, :2].min(axis=0)
        east, north = outlines.boxes[:, 2:].max(axis=0)
        margin = 0.02 * (east - west)
        self.west, self.north, self.wide = west - margin, north + margin, east - west + 2 * margin
        self.scale = MAP_WIDTH / self.wide
        self.height = round((north - south + 2 * margin) * self.scale) + RULER
        self.fit = outlines.level_for(self.wide).step_m * self.scale

    def paths(self, outlines: Outlines) -> tuple[str, ...]:
        return outlines.level_for(self.wide).paths

    def place(self, outlines: Outlines) -> str:
        x, y = self.at(*outlines.origin)
        return f"translate({x:.2f} {y:.2f}) scale({self.fit:.6g})"

    def at(self, easting: float, northing: float) -> tuple[float, float]:
        return (easting - self.west) * self.scale, (self.north - northing) * self.scale


def _marks(
    outlines: Outlines, plan: pd.Series, letters, view: _View, position, schools: Mapping[str, tuple[float, float]]
) -> tuple[list[str], list[Box]]:
    """The letter of each catchment about its middle, beside the schools, on a white disc; and the boxes they take."""
    marks, taken = [], []
    for school, letter in letters.items():
        own = [position[area] for area in plan.index[plan == school]]
        if not own:
            continue
        spots = outlines.spots[own, 0]
        order = np.argsort(np.hypot(*(spots - spots.mean(axis=0)).T), kind="stable")
        places = [view.at(*spots[each]) for each in order]
        free = (p for p in places if all(np.hypot(p[0] - a, p[1] - b) > 16 for a, b in schools.values()))
        x, y = next(free, places[0])
        taken.append((x - 10, y - 10, x + 10, y + 10))
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="#FFFFFF" fill-opacity="0.9"/>'
            f'<text x="{x:.1f}" y="{y + 5:.1f}">{letter}</text>'
        )
    return marks, taken


def _spots(sites: pd.DataFrame | None, view: _View) -> dict[str, tuple[float, float]]:
    """Where the schools are in the picture."""
    known = {} if sites is None else sites.dropna(subset=["easting", "northing"])
    spots = {school: view.at(row["easting"], row["northing"]) for school, row in known.iterrows()} if len(known) else {}
    return {school: (x, y) for school, (x, y) in spots.items() if 0 <= x <= MAP_WIDTH and 0 <= y <= view.height}


def _schools(
    spots: Mapping[str, tuple[float, float]], names: Mapping[str, str], view: _View, taken: list[Box]
) -> tuple[list[str], list[str]]:
    """A diamond for each school, and its name where it covers nothing."""
    dots = [
        f'<path d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z" fill="{palette.HIGHLIGHT}" stroke="{palette.TEXT}"/>'
        for x, y in spots.values()
    ]
    taken = [*taken, *((x - 6, y - 6, x + 6, y + 6) for x, y in spots.values())]
    named = []
    for school, (x, y) in spots.items() if len(spots) <= MOST_NAMES else ():
        name = str(names.get(school, ""))
        wide = 5.5 * len(name) + 4
        for left, top in ((x + 8, y - 7), (x - 8 - wide, y - 7), (x - wide / 2, y - 21), (x - wide / 2, y + 8)):
            box = (left, top, left + wide, top + 14)
            inside = left >= 0 and top >= 0 and box[2] <= MAP_WIDTH and box[3] <= view.height
            if name and inside and not any(_meet(box, other) for other in taken):
                taken.append(box)
                named.append(
                    f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="14" fill="#FFFFFF" '
                    f'fill-opacity="0.8"/><text x="{left + 2:.1f}" y="{top + 11:.1f}">{escape(name)}</text>'
                )
                break
    return dots, named


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]
