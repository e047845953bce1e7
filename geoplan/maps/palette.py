"""Colours that public bodies in England use, classes with round edges, and a check of contrast.

The colours are those of the Government Analysis Function ("Data visualisation: colours"). Colour never
speaks alone: every class has its range in words, and hidden and missing areas are hatched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

CATEGORICAL = ("#12436D", "#28A197", "#801650", "#F46A25")
EXTRA = ("#3D3D3D", "#A285D1")
SEQUENTIAL = ("#D6E8F7", "#A3CBF0", "#6BACE6", "#2073BC", "#12436D")
DIVERGING = ("#9A4A00", "#F2B48C", "#F3F2F1", "#6BACE6", "#12436D")
HIDDEN_FILL, HIDDEN_HATCH = "#DEDEDE", "#6B6B6B"
MISSING_FILL, MISSING_HATCH = "#FFFFFF", "#505A5F"
SCHOOL, HIGHLIGHT = "#801650", "#F46A25"
TEXT, MUTED, PAPER, OUTLINE = "#0B0C0C", "#505A5F", "#FFFFFF", "#4A5357"

SCALES = ("sequential", "diverging", "categories")
MOST_CLASSES = 5
INDEX_BREAKS = (50.0, 80.0, 120.0, 200.0)


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, from 1 (the same) to 21 (black on white).

    Examples
    --------
    >>> contrast("#000000", "#FFFFFF")
    21.0
    >>> contrast(CATEGORICAL[0], PAPER) > 4.5
    True
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 2)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def sequential_colours(classes: int) -> tuple[str, ...]:
    """Colours for ordered classes, light to dark, as far apart as the number of classes allows.

    Examples
    --------
    >>> sequential_colours(3)
    ('#D6E8F7', '#6BACE6', '#12436D')
    """
    if not 1 <= classes <= MOST_CLASSES:
        raise ValueError(f"{classes} classes: a map reader can tell apart {MOST_CLASSES} at most")
    picks = {1: (3,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}[classes]
    return tuple(SEQUENTIAL[pick] for pick in picks)


def diverging_colours(classes: int) -> tuple[str, ...]:
    """Colours for classes below, about and above a middle: brown for less, blue for more.

    Examples
    --------
    >>> diverging_colours(3)
    ('#F2B48C', '#F3F2F1', '#6BACE6')
    """
    picks = {1: (2,), 2: (1, 3), 3: (1, 2, 3), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}.get(classes)
    if picks is None:
        raise ValueError(f"{classes} classes: a map reader can tell apart {MOST_CLASSES} at most")
    return tuple(DIVERGING[pick] for pick in picks)


def category_colours(classes: int) -> tuple[str, ...]:
    """Colours for kinds without an order: the four of the palette, then its two extras.

    Examples
    --------
    >>> category_colours(2)
    ('#12436D', '#28A197')
    """
    colours = CATEGORICAL + EXTRA
    if not 1 <= classes <= len(colours):
        raise ValueError(
            f"{classes} categories: {len(colours)} colours at most can be told apart; "
            "group the categories, or make one map for each"
        )
    return colours[:classes]


def colours_apart(names: Sequence[str], touching: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A colour for each name so that those that touch differ, where six colours can do it.

    The name with the most colours around it is coloured next (Brelaz 1979, Communications of the ACM 22:251), and
    takes the colour that its neighbours have least and of those the one least used, so that up to six names have
    colours of their own. With more, colours only tell neighbours apart: names must be written too.

    Examples
    --------
    >>> colours_apart(["a", "b", "c"], [("a", "b"), ("b", "c")])
    {'a': '#28A197', 'b': '#12436D', 'c': '#801650'}
    """
    colours = CATEGORICAL + EXTRA
    around: dict[str, set[str]] = {name: set() for name in names}
    for one, other in touching:
        if one != other and one in around and other in around:
            around[one].add(other)
            around[other].add(one)
    given: dict[str, int] = {}
    while len(given) < len(around):
        left = [name for name in around if name not in given]
        seen = {name: {given[other] for other in around[name] if other in given} for name in left}
        name = max(left, key=lambda name: (len(seen[name]), len(around[name])))
        near = [sum(given.get(other) == at for other in around[name]) for at in range(len(colours))]
        used = [list(given.values()).count(at) for at in range(len(colours))]
        given[name] = min(range(len(colours)), key=lambda at: (near[at], used[at]))
    return {name: colours[given[name]] for name in names}


def round_to_step(value: float, step: float) -> float:
    """``value`` rounded to a multiple of ``step``, without the dust that floats leave.

    Examples
    --------
    >>> round_to_step(0.29999999999999993, 0.1)
    0.3
    """
    return round(math.floor(value / step + 0.5) * step, 10)


def nice_number(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten at or above ``value``.

    Examples
    --------
    >>> [nice_number(v) for v in (0.3, 7, 18, 230)]
    [0.5, 10.0, 20.0, 500.0]
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in (1, 2, 5, 10) if value <= step * power * (1 + 1e-9))
    return round(step * power, 10)


def tidy_breaks(
    values: Sequence[float], classes: int = MOST_CLASSES, method: str = "quantile", decimals: int = 0
) -> tuple[float, ...]:
    """Round class edges, ``classes - 1`` at most, so that each class has some value in it.

    Parameters
    ----------
    values
        What is mapped, as shown (already protected and rounded); missing values are left out.
    classes
        How many classes are wanted, 5 at most; fewer are made when the values do not fill them.
    method
        ``quantile``: about as many areas in each class; ``equal``: classes equally wide.
    decimals
        Decimals the values are shown with; no edge has more.

    Examples
    --------
    >>> tidy_breaks([5, 10, 15, 20, 25, 30, 60, 95, 100, 240], classes=4)
    (15.0, 30.0, 90.0)
    >>> tidy_breaks([0, 10, 50, 100], classes=4, method="equal")
    (25.0, 75.0)
    >>> tidy_breaks([0] * 50 + [10, 15, 20, 30, 45, 85], classes=4)
    (10.0, 20.0, 35.0)
    """
    if not 1 <= classes <= MOST_CLASSES:
        raise ValueError(f"{classes} classes: a map reader can tell apart {MOST_CLASSES} at most")
    known = np.sort(np.asarray(values, dtype=float)[~np.isnan(np.asarray(values, dtype=float))])
    if len(known) == 0 or known[0] == known[-1]:
        return ()
    parts = np.arange(1, classes) / classes
    zeros = np.count_nonzero(known == 0)
    if method == "quantile" and classes > 1 and known[0] == 0 and zeros * classes > len(known):
        # mostly nothing, as in the map of one school's pupils: nothing is a class, the rest share the others
        some = known[known > 0]
        finest = 10.0**-decimals
        first = float(max(np.floor(some[0] / finest) * finest, finest))
        return _filled(sorted({first, *tidy_breaks(some, classes - 1, method, decimals)}), known)
    if method == "quantile":
        raw = np.quantile(known, parts)
    elif method == "equal":
        raw = known[0] + parts * (known[-1] - known[0])
    else:
        raise ValueError(f"method {method!r}: use 'quantile' or 'equal'")
    finest = 10.0**-decimals
    step = max(nice_number((known[-1] - known[0]) / classes / 10), finest)
    return _filled(sorted({_rounded(edge, step, finest) for edge in raw}), known)


def _rounded(edge: float, step: float, finest: float) -> float:
    """Round to the step, or for small edges among large ones to a finer one."""
    small = max(nice_number(abs(edge) / 8), finest) if edge else step
    return round_to_step(edge, min(step, small))


def _filled(edges: Sequence[float], known: np.ndarray) -> tuple[float, ...]:
    """Edges that leave at least one value in every class."""
    kept: list[float] = []
    for edge in edges:
        below = (known < edge) & (known >= (kept[-1] if kept else -math.inf))
        if below.any() and (known >= edge).any():
            kept.append(edge)
    return tuple(kept)


def centred_breaks(values: Sequence[float], decimals: int = 0) -> tuple[float, ...]:
    """Four edges around zero, as far below as above, for a difference or a change.

    Examples
    --------
    >>> centred_breaks([-7, 2, 12])
    (-6.0, -2.0, 2.0, 6.0)
    """
    known = [abs(v) for v in values if not math.isnan(v)]
    step = max(nice_number(max(known, default=0) / 8), 10.0**-decimals)
    return (-3 * step, -step, step, 3 * step)


def class_of(values: Sequence[float], breaks: Sequence[float]) -> np.ndarray:
    """Number of the class of each value, from 0; an edge belongs to the class above it.

    Examples
    --------
    >>> class_of([4, 10, 11], [10]).tolist()
    [0, 1, 1]
    """
    return np.searchsorted(np.asarray(breaks, dtype=float), np.asarray(values, dtype=float), side="right")
