"""The pictures of a report as SVG: pure functions of printed numbers, every text escaped.

Four colours at most, and none alone: a bar stands beside its number, an area has a letter that the table beside
repeats, hidden areas are hatched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from geoplan.disclosure import Protected
from geoplan.maps import palette
from geoplan.maps.blocks import BAR_HEIGHT, BAR_WIDTH, bar_parts
from geoplan.reports.outlines import Outlines

MAP_WIDTH, MAP_HEIGHT, LEGEND = 360, 208, 36
MOST_LETTERS = 6
SHOWN_PART = 0.95  # of the people counted: what the map's window holds at least
LEAST_WINDOW_M = 2_500.0
NOW, BEFORE, BASE = palette.CATEGORICAL[0], palette.SEQUENTIAL[2], palette.HIGHLIGHT
LETTER = 18  # an area smaller than this, in the map's own units, has its letter beside it
LEADER = 30  # from an area to a letter beside it
_TURNS = [math.radians(45 * turn) for turn in (6, 2, 0, 4, 7, 1, 5, 3)]  # left, right, up, down, then between
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
_LETTERS = "ABCDEFGHIJ"


def bar(values: Sequence[float | str | None], most: float, title: str) -> Markup:
    """One bar with its likely range and the mark of the base; ``values`` as printed, percentages.

    Parameters
    ----------
    values
        The share, the base's share and (where there is a range) its ends; ``"c"`` or None draws nothing.
    most
        The percentage at the right end.
    title
        The same in words.
    """
    parts = Markup("").join(_rect(**part) for part in bar_parts(values, most))
    return Markup(
        '<svg class="bar" role="img" viewBox="0 0 {w} {h}" width="{w}" height="{h}" preserveAspectRatio="none">'
        '<title>{title}</title><rect x="0" y="0" width="1" height="{h}" fill="{muted}"/>{parts}</svg>'
    ).format(w=BAR_WIDTH, h=BAR_HEIGHT, title=title, muted=palette.MUTED, parts=parts)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> Markup:
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(x, y, width, height, fill)


def change_bar(before: float, now: float, most: float, title: str) -> Markup:
    """A light ring for the share before, a dark spot for the share now, and the line between; percentages."""
    scale = (BAR_WIDTH - 16) / most
    start, end = 8 + before * scale, 8 + now * scale
    return Markup(
        '<svg class="bar" role="img" viewBox="0 0 {w} 18" width="{w}" height="18"><title>{title}</title>'
        '<line x1="0" y1="9" x2="{w}" y2="9" stroke="#BFBFBF"/>'
        '<line x1="{start:.1f}" y1="9" x2="{end:.1f}" y2="9" stroke="{now}" stroke-width="3"/>'
        '<circle cx="{start:.1f}" cy="9" r="5" fill="#FFFFFF" stroke="{now}" stroke-width="2"/>'
        '<circle cx="{end:.1f}" cy="9" r="5" fill="{now}"/></svg>'
    ).format(w=BAR_WIDTH, title=title, start=start, end=end, now=NOW)


@dataclass(frozen=True)
class HomesMap:
    """The little map of where pupils live.

    Parameters
    ----------
    svg
        The picture.
    letters
        Code to the letter drawn in the area, the most pupils first.
    beyond
        Areas with a number that lie outside the picture.
    """

    svg: Markup
    letters: dict[str, str]
    beyond: int


def homes_map(
    homes: Protected, outlines: Outlines, position: tuple[float, float] | None, noun: str, title: str
) -> HomesMap | None:
    """The map of where a school's pupils live, or None where no area drawn has a number.

    Parameters
    ----------
    homes
        By area, column ``pupils``.
    outlines
        The areas, made small.
    position
        The school's easting and northing, if known.
    noun
        What the people are called.
    title
        What the map shows, in words: a reader who cannot see it gets this.
    """
    counts = homes.table["pupils"].reindex(outlines.codes)
    hidden = homes.is_hidden("pupils").reindex(outlines.codes, fill_value=False).to_numpy(dtype=bool)
    values = counts.to_numpy(dtype=float)
    some = np.flatnonzero(values > 0)
    if not len(some):
        return None
    order = some[np.argsort(-values[some], kind="stable")]
    enough = int(np.searchsorted(np.cumsum(values[order]), SHOWN_PART * values[order].sum() - 1e-9)) + 1
    window = _window(outlines.boxes[order[:enough]], position)
    level = outlines.level_for(window[2] - window[0])
    inside = outlines.within(window)
    scale = MAP_WIDTH / (window[2] - window[0])
    breaks = palette.tidy_breaks(values[some], 3)
    fills = palette.sequential_colours(len(breaks) + 1)
    classes = palette.class_of(np.nan_to_num(values), breaks)
    layers: list[list[str]] = [[], [], *([] for _ in fills)]  # nobody, hidden, then the classes
    for at in inside:
        layers[1 if hidden[at] else 2 + classes[at] if values[at] > 0 else 0].append(level.paths[at])
    fit = level.step_m * scale
    dx, dy = (outlines.origin[0] - window[0]) * scale, (window[3] - outlines.origin[1]) * scale
    drawn = Markup("").join(
        Markup('<path d="{}" fill="{}"/>').format("".join(paths), fill)
        for paths, fill in zip(layers, ("#FFFFFF", "url(#hatch)", *fills), strict=True)
        if paths
    )
    shown = set(inside.tolist())
    entries = list(zip(_class_words(values[some], breaks), fills, strict=True))
    entries += [("none", "#FFFFFF")] if layers[0] else []
    entries += [("a small number, hidden", "url(#hatch)")] if layers[1] else []
    at_school = None
    if position is not None:
        at_school = ((position[0] - window[0]) * scale, (window[3] - position[1]) * scale)
    spot = Markup("") if at_school is None else _school(*at_school)
    letters, marks = _letters(order[:MOST_LETTERS], classes, fills, outlines, window, scale, at_school)
    svg = Markup(
        '<svg class="map" role="img" font-family="{font}" viewBox="0 0 {w} {h}" width="{w}" height="{h}">'
        "<title>{title}</title>"
        '<defs><pattern id="hatch" width="{size:.4g}" height="{size:.4g}" patternUnits="userSpaceOnUse">'
        '<rect width="{size:.4g}" height="{size:.4g}" fill="{pale}"/>'
        '<path d="M0 {size:.4g}L{size:.4g} 0" stroke="{dark}" stroke-width="{thin:.4g}"/></pattern>'
        '<pattern id="hatch-key" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<rect width="6" height="6" fill="{pale}"/><path d="M0 6L6 0" stroke="{dark}"/></pattern>'
        '<clipPath id="frame"><rect width="{w}" height="{mh}"/></clipPath></defs>'
        '<g clip-path="url(#frame)"><g transform="translate({dx:.2f} {dy:.2f}) scale({fit:.6g})" stroke="{line}" '
        'stroke-width="{stroke:.4g}" stroke-linejoin="round" fill-rule="evenodd">{drawn}</g>{spot}{marks}</g>'
        '<rect x="0.5" y="0.5" width="{w1}" height="{mh1}" fill="none" stroke="{line}"/>{ruler}{legend}</svg>'
    ).format(
        w=MAP_WIDTH, h=MAP_HEIGHT + LEGEND, mh=MAP_HEIGHT, w1=MAP_WIDTH - 1, mh1=MAP_HEIGHT - 1, title=title,
        size=6 / fit, thin=1 / fit, pale="#F3F2F1", dark="#A0A6AA", font=FONT, dx=dx, dy=dy, fit=fit, line="#8A9296",
        stroke=0.6 / fit, drawn=drawn, spot=spot, marks=marks, ruler=ruler(scale, MAP_WIDTH, MAP_HEIGHT),
        legend=_legend(entries, noun, position is not None),
    )  # fmt: skip
    return HomesMap(svg, letters, sum(1 for at in some.tolist() if at not in shown))


def _window(boxes: np.ndarray, position: tuple[float, float] | None) -> tuple[float, float, float, float]:
    """A window of the map's proportions around some areas and the school, with a margin."""
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    if position is not None:
        west, east = min(west, position[0]), max(east, position[0])
        south, north = min(south, position[1]), max(north, position[1])
    width = max((east - west) * 1.12, (north - south) * 1.12 * MAP_WIDTH / MAP_HEIGHT, LEAST_WINDOW_M)
    height = width * MAP_HEIGHT / MAP_WIDTH
    x, y = (west + east) / 2, (south + north) / 2
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _letters(
    order: np.ndarray, classes: np.ndarray, fills: Sequence[str], outlines: Outlines,
    window: tuple[float, float, float, float], scale: float, spot: tuple[float, float] | None,
) -> tuple[dict[str, str], Markup]:  # fmt: skip
    """Letters for the areas with the most people, each where it covers neither another nor the school."""
    letters: dict[str, str] = {}
    taken = [] if spot is None else [spot]
    marks = []
    for at in order:
        inside = ((outlines.spots[at] - (window[0], window[3])) * (scale, -scale)).tolist()
        x, y = inside[0]
        beside = [(x + LEADER * math.sin(turn), y - LEADER * math.cos(turn)) for turn in _TURNS]
        box = outlines.boxes[at]
        roomy = min(box[2] - box[0], box[3] - box[1]) * scale > LETTER
        place = next((each for each in (*(inside if roomy else ()), *beside) if _is_free(each, taken)), None)
        if place is None:
            continue
        taken.append(place)
        letter = letters[outlines.codes[at]] = _LETTERS[len(letters)]
        pale = palette.contrast(fills[classes[at]], "#FFFFFF") > 4.5 and place in inside
        if place not in inside:
            marks.append(_leader((x, y), place))
        marks.append(
            Markup('<text x="{:.1f}" y="{:.1f}" fill="{}">{}</text>').format(
                place[0], place[1] + 4.5, "#FFFFFF" if pale else palette.TEXT, letter
            )
        )
    group = Markup('<g font-size="12" font-weight="700" text-anchor="middle">{}</g>').format(Markup("").join(marks))
    return letters, group


def _is_free(place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
    x, y = place
    on = 8 < x < MAP_WIDTH - 8 and 8 < y < MAP_HEIGHT - 8
    return on and all(math.hypot(x - a, y - b) > 12 for a, b in taken)


def _leader(spot: Sequence[float], place: tuple[float, float]) -> Markup:
    """A line from an area too small or too full for its letter to a white spot beside it."""
    return Markup(
        '<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}" stroke="{ink}" stroke-width="1.2"/>'
        '<circle cx="{:.1f}" cy="{:.1f}" r="8" fill="#FFFFFF" stroke="{ink}" stroke-width="0.8"/>'
    ).format(*spot, *place, *place, ink=palette.TEXT)


def _school(x: float, y: float) -> Markup:
    """The school: an orange diamond with a dark edge."""
    return Markup(
        '<path d="M{:.1f} {:.1f}l7 8-7 8-7-8z" fill="{}" stroke="{}" stroke-width="1.5"/>'
    ).format(x, y - 8, BASE, palette.TEXT)  # fmt: skip


def ruler(scale: float, width: float, height: float) -> Markup:
    """A scale bar of a round length, in the lower right corner of a map.

    Parameters
    ----------
    scale
        The map's units for a metre.
    width, height
        Of the map, in its units.
    """
    fits = [km for km in (0.5, 1, 2, 5, 10, 20, 50) if km * 1000 * scale <= width / 3]
    km = fits[-1] if fits else 0.2
    length = km * 1000 * scale
    right, low = width - 8, height - 8
    return Markup(
        '<rect x="{:.1f}" y="{}" width="{:.1f}" height="20" fill="#FFFFFF" fill-opacity="0.85"/>'
        '<path d="M{:.1f} {}v4h{:.1f}v-4" fill="none" stroke="#0B0C0C" stroke-width="1.5"/>'
        '<text x="{:.1f}" y="{}" font-size="11" text-anchor="middle" fill="#0B0C0C">{} km</text>'
    ).format(
        right - length - 4, low - 15, length + 8, right - length, low - 3, length, right - length / 2, low - 5,
        f"{km:g}",
    )  # fmt: skip


def _class_words(values: np.ndarray, breaks: Sequence[float]) -> list[str]:
    """The smallest and largest number printed in each class."""
    at = palette.class_of(values, breaks)
    ends = [(values[at == number].min(), values[at == number].max()) for number in range(len(breaks) + 1)]
    return [f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}" for low, high in ends]


def _legend(entries: Sequence[tuple[str, str]], noun: str, school: bool) -> Markup:
    """Two lines below the map: what the shades are, and the marks."""
    head = Markup('<text x="0" y="{}" font-weight="700">{}</text>').format(MAP_HEIGHT + 14, f"{noun.capitalize()}:")
    x, parts = 8.0 + 6.6 * (len(noun) + 1), [head]
    line = MAP_HEIGHT + 14
    for label, fill in [*entries, *([("the school", "")] if school else [])]:
        width = 22 + 5.6 * len(label)
        if x + width > MAP_WIDTH:
            x, line = 0.0, line + 17
        if fill:
            swatch = Markup(
                '<rect x="{:.1f}" y="{}" width="14" height="12" fill="{}" stroke="{}" stroke-width="0.8"/>'
            ).format(x + 0.5, line - 10, fill.replace("#hatch", "#hatch-key"), palette.OUTLINE)
        else:
            swatch = _school(x + 7, line - 4)
        parts += [swatch, Markup('<text x="{:.1f}" y="{}">{}</text>').format(x + 19, line, label)]
        x += width + 6
    return Markup('<g font-size="11" fill="#0B0C0C">{}</g>').format(Markup("").join(parts))


def largest(shares: pd.DataFrame) -> float:
    """The right end of bars that hold all these shares, a round percentage."""
    known = 100 * shares.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    return palette.nice_number(float(known.max())) if len(known) and known.max() > 0 else 100.0
