"""Trade-offs as pictures and tables: one measure against another, and designs that trade two or three at once.

Pictures are SVG made once. Nothing finer than ten children stands in a picture, a table or a sentence here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd

from geoplan.briefs import BALANCE, DISSIMILARITY, GORARD, MEASURES, MOVED, TRAVEL, WORST, DesignProblem
from geoplan.design_tables import FIGURES, balance_told, gap_words
from geoplan.maps import palette
from geoplan.maps.cells import capital
from geoplan.reports.words import letters_for
from geoplan.sentences import listed
from geoplan.solving import IMPOSSIBLE
from geoplan.trade_offs import FOUND, NONE_FOUND, TradeSurface, unbeaten

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 96, 56, 44, 64
_UNITS = {MOVED: " moved", GORARD: " Gorard", DISSIMILARITY: " D", BALANCE: " apart"}
_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"


# --- one measure against another --------------------------------------------------------------------------


def curve_rows(
    problem: DesignProblem, curve: pd.DataFrame, against: str, objective: Mapping[str, float]
) -> pd.DataFrame:
    """A trade-off as text: for each design the objective, its bound, the measure traded against, and the others."""
    if not len(curve):
        return pd.DataFrame(columns=["design", "how near the best possible"])
    (single, *_) = objective
    names = [single, against, *(n for n in (TRAVEL, MOVED, GORARD) if n in curve and n not in (single, against))]
    ordered = drawn_curve(curve, against, names[0])
    rows = pd.DataFrame({"design": letters_for(len(ordered))})
    for name in names:
        rows[MEASURES[name] + (", to the nearest ten" if name == MOVED else "")] = [
            amount(problem, name, value) for value in ordered[name]
        ]
    rows["how near the best possible"] = [
        "the best" if gap <= 0 else f"within {gap_words(gap)}" for gap in ordered["gap"]
    ]
    return rows


def drawn_curve(curve: pd.DataFrame, against: str, single: str) -> pd.DataFrame:
    """The designs of a trade-off in order, each once; children moved to the nearest ten, limits on them rounded down.

    A limit rounded down leaves out of reach what is proved to be, and a place on the picture tells no exact count.
    """
    ordered = curve.sort_values([against, single], kind="stable").reset_index(drop=True)
    if against == MOVED:
        down = {name: np.floor(ordered[name] / 10) * 10 for name in ("limit", "least")}
        ordered = ordered.assign(**{MOVED: 10 * np.floor(ordered[MOVED] / 10 + 0.5)}, **down)
    same = ordered[[against, single]].round(9).duplicated(keep="first")
    return ordered[~same].reset_index(drop=True)


def curve_told(curve: pd.DataFrame, against: str, single: str, step: float) -> pd.DataFrame:
    """A trade-off with places over or under no finer than a step (:func:`geoplan.design_tables.balance_step`).

    Limits and bounds are rounded down: what is proved to be out of reach stays so.
    """
    down = (["bound"] if single == BALANCE else []) + (["limit", "least"] if against == BALANCE else [])
    if BALANCE not in curve or not len(curve):
        return curve
    told = {name: step * np.floor(curve[name] / step + 1e-9) for name in down}
    return curve.assign(**{BALANCE: _to_step(curve[BALANCE], step)}, **told)


def surface_told(surface: TradeSurface, step: float) -> TradeSurface:
    """A trade-off of several measures with places over or under no finer than a step.

    Limits are rounded up and bounds down.
    """
    if BALANCE not in surface.measures or not len(surface.points):
        return surface
    points = surface.points.assign(**{BALANCE: _to_step(surface.points[BALANCE], step)})
    if surface.least == BALANCE:
        points["bound"] = step * np.floor(points["bound"] / step + 1e-9)
    cells = surface.cells
    if BALANCE in cells:
        cells = cells.assign(**{BALANCE: step * np.ceil(cells[BALANCE] / step - 1e-9)})
    low = {BALANCE: step * float(np.floor(surface.best_bound[BALANCE] / step + 1e-9))}
    bounds = {**surface.best_bound, **low}
    return replace(surface, points=points, cells=cells, best=balance_told(surface.best, step), best_bound=bounds)


def _to_step(values: pd.Series, step: float) -> pd.Series:
    return (step * np.floor(values / step + 0.5)).round(6)


def amount(problem: DesignProblem, name: str, value: float) -> str:
    """One measure of a plan as text; children are rounded to tens, so that no area can be told apart.

    Examples
    --------
    >>> amount(None, "gorard", 0.20493), amount(None, "moved", 1234.0), amount(None, "moved", 3.0)
    ('0.205', '1,230', 'fewer than ten')
    """
    if name == MOVED:
        return "none" if value == 0 else "fewer than ten" if value < 10 else f"{10 * int(value / 10 + 0.5):,}"
    if name == BALANCE:
        return f"{100 * value:.0f}%"
    unit = f" {problem.unit}" if name in (TRAVEL, WORST) else ""
    return f"{value:.{FIGURES[name]}f}{unit}"


def _axis_name(problem: DesignProblem, name: str) -> str:
    unit = f" ({problem.unit})" if name in (TRAVEL, WORST) else ""
    return f"{capital(MEASURES[name])}{unit}"


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span a range."""
    span = max(high - low, 1e-9)
    step = 10.0 ** np.floor(np.log10(span / most))
    step *= next(k for k in (1, 2, 2.5, 5, 10) if span / (step * k) <= most)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [round(float(step * at), 10) for at in np.arange(first, last + 1)]


def _tick_word(problem: DesignProblem, name: str, value: float) -> str:
    """A tick with its unit, so that it reads as words and not as a figure of people."""
    if name == BALANCE:
        return f"{100 * value:.6g}%{_UNITS[name]}"
    text = f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text + _UNITS.get(name, f" {problem.unit}")


def _spans(curve: pd.DataFrame, against: str, single: str) -> tuple[list[float], list[float]]:
    across = _ticks(min(float(curve["least"].min()), float(curve[against].min())), float(curve[against].max()))
    return across, _ticks(float(curve["bound"].min()), float(curve[single].max()))


def axis_words(problem: DesignProblem, curve: pd.DataFrame, against: str, objective) -> list[str]:
    """The ticks of a trade-off's picture, as words."""
    if not len(curve):
        return []
    (single, *_) = objective
    across, up = _spans(drawn_curve(curve, against, single), against, single)
    return [_tick_word(problem, against, x) for x in across] + [_tick_word(problem, single, y) for y in up]


def _axes(problem, names, ticks, x, y, base: float, right: float) -> list[str]:
    """The axes of a picture, with their ticks and what they measure."""
    (across, up), ink = ticks, palette.TEXT
    parts = []
    for tick in across:
        at = f"{x(tick):.1f}"
        word = _tick_word(problem, names[0], tick)
        parts.append(f'<line x1="{at}" y1="{base}" x2="{at}" y2="{base + 5}" stroke="{ink}"/>')
        parts.append(f'<text x="{at}" y="{base + 22}" text-anchor="middle">{word}</text>')
    for tick in up:
        at, word = y(tick), _tick_word(problem, names[1], tick)
        parts.append(f'<line x1="{LEFT - 5}" y1="{at:.1f}" x2="{LEFT}" y2="{at:.1f}" stroke="{ink}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{word}</text>')
    parts.append(f'<path d="M{LEFT} {TOP}V{base}H{right}" fill="none" stroke="{ink}"/>')
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{base + BOTTOM - 14}" text-anchor="middle" font-weight="700">'
        f"{escape(_axis_name(problem, names[0]))}</text>"
    )
    parts.append(f'<text x="8" y="{TOP - 20}" font-weight="700">{escape(_axis_name(problem, names[1]))}</text>')
    return parts


def curve_svg(problem: DesignProblem, curve: pd.DataFrame, against: str, objective: Mapping[str, float]) -> str:
    """The trade-off as a picture: designs as lettered points, and shaded what is proved to be out of reach."""
    (single, *_) = objective
    ordered = drawn_curve(curve, against, single)
    across, up = _spans(ordered, against, single)
    x0, x1, y0, y1 = across[0], max(across[-1], across[0] + 1e-9), up[0], max(up[-1], up[0] + 1e-9)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - x0) / (x1 - x0)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - y0) / (y1 - y0)

    base = HEIGHT - BOTTOM
    parts = []
    # with at most this much of one measure, no plan has less of the other than the bound found under that limit
    limits, bounds = ordered["limit"].to_numpy(dtype=float), ordered["bound"].to_numpy(dtype=float)
    order = np.argsort(limits, kind="stable")
    limits, bounds = limits[order], np.maximum.accumulate(bounds[order][::-1])[::-1]
    least = min(max(float(ordered["least"].iloc[0]), x0), x1)
    corners = [(x0, y1), (least, y1), (least, bounds[0])]
    for limit, here, there in zip(limits, bounds, [*bounds[1:], bounds[-1]], strict=True):
        edge = min(max(limit, x0), x1)
        corners += [(edge, here), (edge, there)]
    corners.append((x1, bounds[-1]))
    path = "".join(f"L{x(a):.1f} {max(min(y(b), base), TOP):.1f}" for a, b in corners)
    parts.append(
        f'<path d="M{x(x0):.1f} {base}{path}L{x(x1):.1f} {base}z" fill="#E6E6E6" stroke="{palette.MUTED}" '
        'stroke-dasharray="4 3"/>'
    )
    parts += _axes(problem, (against, single), (across, up), x, y, base, WIDTH - RIGHT)
    steps = zip(ordered[against], ordered[single].cummin(), strict=True)  # the best known with at most so much
    line = "".join(f"H{x(a):.1f}V{y(b):.1f}" if at else f"{x(a):.1f} {y(b):.1f}" for at, (a, b) in enumerate(steps))
    parts.append(f'<path d="M{line}" fill="none" stroke="{palette.CATEGORICAL[0]}" stroke-width="1.5"/>')
    for letter, (_, row) in zip(letters_for(len(ordered)), ordered.iterrows(), strict=True):
        cx, cy = x(row[against]), y(row[single])
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" fill="{palette.CATEGORICAL[0]}"/>')
        parts.append(f'<text x="{cx + 8:.1f}" y="{cy - 8:.1f}" font-weight="700">{letter}</text>')
    words = (
        f"{_axis_name(problem, single)} against {MEASURES[against]}: the designs found, as points, and shaded what no "
        "plan can reach. The table below has the figures."
    )
    return (
        f'<svg class="curve" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="{_FONT}" font-size="13" fill="{palette.TEXT}"><title>{escape(words)}</title>'
        f"{''.join(parts)}</svg>"
    )


# --- two or three measures at once --------------------------------------------------------------------------

SHAPES = (
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",  # circle
    "M-5.5-5.5h11v11h-11z",  # square
    "M0-7L6.5 5h-13z",  # triangle
    "M0-7.5L7.5 0L0 7.5L-7.5 0z",  # diamond
    "M-7-5h14L0 7z",  # triangle on its point
    "M-2.2-7h4.4v4.8h4.8v4.4h-4.8v4.8h-4.4v-4.8h-4.8v-4.4h4.8z",  # cross
)
_DASHES = ("", "9 3", "5 3", "2 3", "9 3 2 3", "1 2")
_INKS = (*palette.CATEGORICAL, *palette.EXTRA)
_SURFACE_HEIGHT, _SIDE = 460, 176
_FEW = 12  # designs that have room for more than a letter
_MORE = {
    TRAVEL: ("the mean journey {} longer", "the mean journey {} shorter"),
    WORST: ("the longest journey {} longer", "the longest journey {} shorter"),
    MOVED: ("{} more children moved", "{} fewer children moved"),
    GORARD: ("Gorard {} higher", "Gorard {} lower"),
    DISSIMILARITY: ("dissimilarity {} higher", "dissimilarity {} lower"),
    BALANCE: ("{} farther from the shares", "{} nearer to the shares"),
}
_BELOW = {
    TRAVEL: "a mean journey below {}",
    WORST: "a longest journey below {}",
    MOVED: "fewer than {} children moved",
    GORARD: "Gorard's measure below {}",
    DISSIMILARITY: "dissimilarity below {}",
    BALANCE: "every school nearer than {} to its share",
}


def as_printed(surface: TradeSurface) -> TradeSurface:
    """A trade-off without the designs that another is no worse than in the figures printed."""
    if not len(surface.points):
        return surface
    figures = [[rounded(name, value) for value in surface.points[name]] for name in surface.measures]
    kept = unbeaten(np.array(figures).T)
    plans = tuple(plan for plan, own in zip(surface.plans, kept, strict=False) if own)
    left_out = surface.left_out + int((~kept).sum())
    return replace(surface, points=surface.points[kept].reset_index(drop=True), plans=plans, left_out=left_out)


def surface_numbers(problem: DesignProblem, surface: TradeSurface) -> pd.DataFrame:
    """The designs of a trade-off as rounded numbers, children to the nearest ten.

    Returns
    -------
    DataFrame
        ``design`` (its letter), the measures traded, ``bound`` (of the one made least, rounded down: no plan with no
        more of the others has less) and ``gap_percent`` (rounded up).
    """
    surface = as_printed(surface)
    points = surface.points
    table = pd.DataFrame({"design": letters_for(len(points))})
    for name in surface.measures:
        table[name] = [rounded(name, value) for value in points[name]]
    scale = 10 ** (_decimals(surface.least) + 1) if surface.least != MOVED else 0.1
    table["bound"] = [max(float(np.floor(each * scale + 1e-9)) / scale, 0.0) for each in points["bound"]]
    table["gap_percent"] = [float(gap_words(each).rstrip("%")) for each in points["gap"]]
    return table


def rounded(name: str, value: float) -> float:
    """A measure as it is printed.

    Examples
    --------
    >>> rounded("moved", 347.2), rounded("travel", 25.8187), rounded("balance", 0.0512)
    (350.0, 25.82, 0.05)
    """
    return float(10 * np.floor(value / 10 + 0.5)) if name == MOVED else round(float(value), _decimals(name))


def _decimals(name: str) -> int:
    return FIGURES.get(name, 2)


def surface_rows(problem: DesignProblem, surface: TradeSurface) -> pd.DataFrame:
    """The designs of a trade-off as text: the measures, how near the best possible, and what each choice costs."""
    if not len(surface.points):
        return pd.DataFrame(columns=["design", "how near the best possible", "against another"])
    surface = as_printed(surface)
    points, numbers = surface.points, surface_numbers(problem, surface)
    rows = numbers[["design"]].copy()
    for name in surface.measures:
        heading = MEASURES[name] + (", to the nearest ten" if name == MOVED else "")
        rows[heading] = [amount(problem, name, value) for value in points[name]]
    rows[f"no plan below ({MEASURES[surface.least]})"] = [
        _exactly(problem, surface.least, value) for value in numbers["bound"]
    ]
    rows["how near the best possible"] = [
        "the best" if gap <= 0 else f"within {gap_words(gap)}" for gap in points["gap"]
    ]
    plain = numbers.to_dict("records")
    before = _nearest_before(surface.measures, numbers)
    rows["against another"] = [
        f"the least {MEASURES[surface.measures[0]]}"
        if near is None
        else cost_words(problem, surface.measures, one, plain[near])
        for one, near in zip(plain, before, strict=True)
    ]
    return rows


def _nearest_before(measures: Sequence[str], numbers: pd.DataFrame) -> list[int | None]:
    """For each design, the one before it whose figures are nearest, each measure by its own range."""
    values = numbers[list(measures)].to_numpy(dtype=float)
    values = values / np.maximum(np.ptp(values, axis=0), 1e-12)
    return [int(np.abs(values[:at] - values[at]).sum(axis=1).argmin()) if at else None for at in range(len(values))]


def _exactly(problem: DesignProblem, name: str, value: float) -> str:
    """A bound, with one decimal more than its measure."""
    if name == MOVED:
        return f"{value:,.0f}"
    if name == BALANCE:
        return f"{100 * value:.1f}%"
    unit = f" {problem.unit}" if name in (TRAVEL, WORST) else ""
    return f"{value:.{_decimals(name) + 1}f}{unit}"


def cost_words(problem: DesignProblem, measures: Sequence[str], one: Mapping, other: Mapping) -> str:
    """What one design costs against another, and what that buys, by the figures printed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> a = {"design": "A", "travel": 25.82, "moved": 420.0}
    >>> b = {"design": "B", "travel": 26.22, "moved": 360.0}
    >>> cost_words(SimpleNamespace(unit="minutes"), ("travel", "moved"), a, b)
    'against B: 60 more children moved; that buys the mean journey 0.40 minutes shorter'
    """
    worse, better = [], []
    for name in measures:
        change = one[name] - other[name]
        size = abs(change)
        if size < 0.5 * 10.0 ** -_decimals(name):
            continue
        if name == MOVED:
            text = f"{size:,.0f}"
        elif name == BALANCE:
            text = f"{100 * size:.0f} points"
        else:
            text = f"{size:.{_decimals(name)}f}" + (f" {problem.unit}" if name in (TRAVEL, WORST) else "")
        (worse if change > 0 else better).append(_MORE[name][0 if change > 0 else 1].format(text))
    if not worse or not better:
        both = listed(worse or better) or "the same in these figures"
        return f"against {other['design']}: {both}"
    return f"against {other['design']}: {listed(worse)}; that buys {listed(better)}"


def surface_sentences(problem: DesignProblem, surface: TradeSurface) -> list[str]:
    """What a trade-off shows and what is proved of it."""
    if not len(surface.points):
        return [*surface.why]
    surface = as_printed(surface)
    count, worst = len(surface.points), surface.points["gap"].max()
    cells = surface.cells["status"].value_counts()
    near = f"is within {gap_words(worst)} of the best possible" if worst > 0 else "is the best possible"
    designs = "1 design" if count == 1 else f"{count} designs"
    said = [
        f"{designs}, none beaten by another in every one of {listed([MEASURES[name] for name in surface.measures])}.",
        f"Each {near}: no plan with no more of the other measures is below the {MEASURES[surface.least]} stated.",
    ]
    ends = []
    for name in surface.measures:
        scale = 0.1 if name == MOVED else 10 ** _decimals(name)
        low = np.floor(max(surface.best_bound[name], 0.0) * scale + 1e-9) / scale
        if low > 0:
            ends.append(_BELOW[name].format(f"{low:,.0f}" if name == MOVED else _plain(problem, name, low)))
    if ends:
        said.append(f"Whatever is given up for it, no plan has {', or '.join(ends)}.")
    impossible, unknown = int(cells.get(IMPOSSIBLE, 0)), int(cells.get(NONE_FOUND, 0))
    tried = f"{len(surface.cells)} combinations of limits were asked for: {int(cells.get(FOUND, 0))} have a plan"
    tried += f", {impossible} are proved to have none" if impossible else ""
    said.append(tried + (f"; of {unknown} it is not known." if unknown else "."))
    if surface.left_out:
        more = "1 other design was" if surface.left_out == 1 else f"{surface.left_out} other designs were"
        said.append(f"{more} found and left out: in the figures printed, these are at least as good.")
    return said


def _plain(problem: DesignProblem, name: str, value: float) -> str:
    if name == BALANCE:
        return f"{100 * value:.0f}%"
    return f"{value:.{_decimals(name)}f}" + (f" {problem.unit}" if name in (TRAVEL, WORST) else "")


def _bands(surface: TradeSurface) -> list[tuple[float, list[int]]]:
    """For each limit on the third measure, tightest first: the designs that keep it and no tighter one.

    By the figures printed, so that no mark tells more of the children than its figure.
    """
    if len(surface.measures) < 3 or surface.least == surface.measures[2]:
        return [(np.inf, list(range(len(surface.points))))]
    third = surface.measures[2]
    values = [_place(third, value) for value in surface.points[third]]
    levels = sorted({_up(third, level) for level in surface.levels(third)})
    taken, bands = set(), []
    for level in levels:
        own = [at for at in range(len(values)) if at not in taken and values[at] <= level * (1 + 1e-6) + 1e-5]
        taken.update(own)
        if own:
            bands.append((level if np.isfinite(level) else _up(third, max(values[at] for at in own)), own))
    return bands


def _up(name: str, level: float) -> float:
    """A limit rounded up, children to tens."""
    if not np.isfinite(level):
        return level
    scale = 0.1 if name == MOVED else 10.0 ** _decimals(name)
    return float(np.ceil(level * scale - 1e-6) / scale)


def _band_words(problem: DesignProblem, surface: TradeSurface, level: float) -> str:
    """A limit on the third measure in words."""
    third = surface.measures[2]
    if level <= 0:
        return f"none{_UNITS[third]}" if third == MOVED else f"{_plain(problem, third, 0.0)}{_UNITS.get(third, '')}"
    text = f"{level:,.0f}" if third == MOVED else _plain(problem, third, level)
    return f"at most {text}{_UNITS.get(third, '')}"


def surface_words(
    problem: DesignProblem, surface: TradeSurface, marked: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """Every word of the picture that has a figure in it."""
    if not len(surface.points):
        return []
    surface = as_printed(surface)
    across, up = _surface_spans(surface, marked)
    words = [_tick_word(problem, surface.measures[0], x) for x in across]
    words += [_tick_word(problem, surface.measures[1], y) for y in up]
    if len(surface.measures) == 3:
        words += [_band_words(problem, surface, level) for level, _ in _bands(surface)]
    return words + _mark_words(problem, surface)


def _mark_words(problem: DesignProblem, surface: TradeSurface) -> list[str]:
    """What stands by each mark: its letter, and what it has of the third measure where there is room for that."""
    letters = letters_for(len(surface.points))
    if len(surface.measures) < 3 or len(letters) > _FEW:
        return letters
    third = surface.measures[2]
    unit = _UNITS.get(third, "")
    amounts = [amount(problem, third, value) + unit for value in surface.points[third]]
    return [f"{letter}: {text}" for letter, text in zip(letters, amounts, strict=True)]


def _labels(texts: Sequence[tuple[str, float, float, int]], right: float, base: float) -> list[str]:
    """Words beside their marks, on the side where they hide least."""
    around = {700: 7, 400: 11}  # a mark, a ring
    taken = [(cx - around[w], cy - around[w], cx + around[w], cy + around[w]) for _, cx, cy, w in texts]
    parts = []
    for word, cx, cy, weight in texts:
        wide, apart = 7.0 * len(word), around[weight] + 3
        sides = []
        for down in (-8, 16, 4, -24, 32):
            for start, anchor in ((cx + apart, "start"), (cx - apart - wide, "end")):
                box = (start, cy + down - 11, start + wide, cy + down + 3)
                outside = max(LEFT - box[0], 0) + max(box[2] - right - 40, 0) + max(box[3] - base, 0)
                hidden = sum(_common(box, other) for other in taken)
                sides.append((hidden + 20 * outside + 0.1 * len(sides), anchor, down, box))
        _, anchor, down, box = min(sides)
        taken.append(box)
        at = cx + apart if anchor == "start" else cx - apart
        parts.append(
            f'<text x="{at:.1f}" y="{cy + down:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
            f'stroke="{palette.PAPER}" stroke-width="3" paint-order="stroke">{escape(word)}</text>'
        )
    return parts


def _common(one: tuple, other: tuple) -> float:
    """The square that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)


def _place(name: str, value: float) -> float:
    """Where a value stands in a picture: what counts children as printed, so that a place tells no exact count."""
    return rounded(name, value) if name in (MOVED, BALANCE) else float(value)


def _surface_spans(surface: TradeSurface, marked) -> tuple[list[float], list[float]]:
    spans = []
    for name in surface.measures[:2]:
        values = [_place(name, value) for value in surface.points[name]]
        values += [_place(name, each[name]) for each in marked.values() if name in each]
        room = 0.04 * (max(values) - min(values))
        spans.append(_ticks(max(min(values) - room, 0.0), max(values) + room))
    return spans[0], spans[1]


def surface_svg(
    problem: DesignProblem, surface: TradeSurface, marked: Mapping[str, Mapping[str, float]] | None = None
) -> str:
    """The designs of a trade-off as a picture: two measures across and up, the third as the shape of the mark.

    Parameters
    ----------
    problem, surface
        The brief and its trade-off.
    marked
        Measures of other plans to show, by their name: today's, the design chosen.
    """
    if not len(surface.points):
        return ""
    surface = as_printed(surface)
    marked = {name: each for name, each in (marked or {}).items() if set(surface.measures[:2]) <= set(each)}
    one, two = surface.measures[:2]
    across, up = _surface_spans(surface, marked)
    x0, x1, y0, y1 = across[0], max(across[-1], across[0] + 1e-9), up[0], max(up[-1], up[0] + 1e-9)
    base, right = _SURFACE_HEIGHT - BOTTOM, WIDTH - _SIDE

    def x(value: float) -> float:
        return LEFT + (right - LEFT) * (_place(one, value) - x0) / (x1 - x0)

    def y(value: float) -> float:
        return base - (base - TOP) * (_place(two, value) - y0) / (y1 - y0)

    parts = _axes(problem, (one, two), (across, up), x, y, base, right)
    bands = _bands(surface)
    points = surface.points
    kept: list[int] = []
    for number, (_, own) in enumerate(bands):  # with at most so much of the third measure: the best known
        kept += own
        ordered = sorted(kept, key=lambda at: (points[one].iloc[at], points[two].iloc[at]))
        low, line = np.inf, ""
        for at in ordered:
            here = float(points[two].iloc[at])
            if here < low:
                low = here
                cx, cy = x(points[one].iloc[at]), y(here)
                line += f"H{cx:.1f}V{cy:.1f}" if line else f"M{cx:.1f} {cy:.1f}"
        parts.append(
            f'<path d="{line}" fill="none" stroke="{_INKS[number % len(_INKS)]}" stroke-width="1.5" '
            f'stroke-dasharray="{_DASHES[number % len(_DASHES)]}"/>'
        )
    spots = [(x(a), y(b)) for a, b in zip(points[one], points[two], strict=True)]
    for number, (_, own) in enumerate(bands):
        shape, ink = SHAPES[number % len(SHAPES)], _INKS[number % len(_INKS)]
        for at in own:
            cx, cy = spots[at]
            parts.append(
                f'<path d="{shape}" transform="translate({cx:.1f} {cy:.1f})" fill="{ink}" stroke="{palette.PAPER}"/>'
            )
    rings = [(title, x(measured[one]), y(measured[two])) for title, measured in marked.items()]
    for title, cx, cy in rings:
        dash = "3 2" if title == "Today" else ""
        parts.append(
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="11" fill="none" stroke="{palette.TEXT}" stroke-width="1.5" '
            f'stroke-dasharray="{dash}"/>'
        )
    texts = [(word, *spot, 700) for word, spot in zip(_mark_words(problem, surface), spots, strict=True)]
    parts += _labels([*texts, *((title, cx, cy, 400) for title, cx, cy in rings)], right, base)
    if len(surface.measures) == 3:
        for number, (level, _) in enumerate(bands):
            at = TOP + 24 * number + 6
            parts.append(
                f'<path d="{SHAPES[number % len(SHAPES)]}" transform="translate({right + 22} {at})" '
                f'fill="{_INKS[number % len(_INKS)]}"/>'
                f'<text x="{right + 36}" y="{at + 4}">{_band_words(problem, surface, level)}</text>'
            )
    third = f", marks by {MEASURES[surface.measures[2]]}" if len(surface.measures) == 3 else ""
    words = (
        f"{_axis_name(problem, two)} against {MEASURES[one]}{third}: designs that no other beats in all of them. "
        "The table below has the figures."
    )
    return (
        f'<svg class="surface" role="img" viewBox="0 0 {WIDTH} {_SURFACE_HEIGHT}" width="{WIDTH}" '
        f'height="{_SURFACE_HEIGHT}" font-family="{_FONT}" font-size="13" fill="{palette.TEXT}">'
        f"<title>{escape(words)}</title>{''.join(parts)}</svg>"
    )
