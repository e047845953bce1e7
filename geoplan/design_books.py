"""The page of a design: what was asked, what was found and how sure it is, before and after, what it costs elsewhere.

One file, no script, nothing fetched. Pictures are SVG made once; each has its table. Children stand in protected
tables only.

The trade-off shows designs as points and, shaded, what is proved to be out of reach: where a measure may be at most
so much, no plan has less of the objective than the bound found under that limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.briefs import BALANCE, DISSIMILARITY, GORARD, MEASURES, MOVED, TRAVEL, WORST, DesignProblem, Limits
from geoplan.design_tables import (
    COUNT,
    COUNT_TODAY,
    FIGURES,
    MOVING,
    DesignTables,
    areas,
    gap_words,
    limit_rows,
    sureness,
)
from geoplan.designs import Design, today_keeps
from geoplan.disclosure import HIDDEN, Protected
from geoplan.maps import palette
from geoplan.maps.render import asset, credit_sentences, environment, policy
from geoplan.reports.catchment_maps import catchment_map, fills_apart, map_letters
from geoplan.reports.outlines import simplify_outlines
from geoplan.sources import Source
from geoplan.vintages import kind_words

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 96, 56, 44, 64
_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
RETENTION = (
    "Living in a catchment is not attending its school: parents name other schools, and some children go to faith, "
    "selective or independent ones, or out of the area. See how many residents attend their catchment's school today "
    "before counting on these numbers."
)
CANNOT_KNOW = (
    RETENTION,
    "Numbers of children to come are uncertain; a design is for the numbers it was given.",
    "Straight lines ignore rivers, railways and hills; give walking distances or minutes where that matters.",
    "Streets, parishes and promises to families are not in the numbers unless they are among the limits.",
)

Curves = Mapping[str, pd.DataFrame]


# --- sentences and tables ---------------------------------------------------------------------------------


def sentences(problem: DesignProblem, limits: Limits, found: Design, tables: DesignTables, traded: Curves) -> list[str]:
    """What was found and how sure it is, in sentences."""
    del traded
    figures = tables.figures
    said = []
    for name in (TRAVEL, WORST, GORARD, DISSIMILARITY):
        if name not in found.objective:
            continue
        row = figures.loc[_capital(MEASURES[name])]
        today = f", against {row['today']} today" if "today" in row and row["today"] != "not known" else ""
        said.append(f"{_capital(MEASURES[name])}: {row['design']}{today}.")
    if today_keeps(problem, limits) is False:
        said.append("Today's plan does not keep these limits.")
    if MOVED in found.objective and tables.flows is not None:
        moved = tables.moved
        count = (
            f"about {moved:,.0f} {tables.noun}" if moved == moved else f"a number of {tables.noun} that is not shown"
        )
        said.append(f"{areas(len(tables.areas))} with {count}: another school than today.")
    elif tables.flows is not None:
        said.append(f"{areas(len(tables.areas))}: another school than today.")
    said.append(f"{figures.loc['Catchments in one piece', 'design']} catchments are in one piece.")
    said.append(sureness(problem, found))
    return said


def public_figures(problem: DesignProblem, found: Design, tables: DesignTables) -> dict:
    """Measures that count no children, as rounded numbers; and the bound where the objective is one of them."""
    answer = {
        "measured": {
            name: round(value, FIGURES.get(name, 0))
            for name, value in found.measured.items()
            if name in FIGURES or name in ("catchments", "in_one_piece")
        },
        "unit": problem.unit,
        "areas_moved": len(tables.areas) if problem.today is not None else None,
    }
    if set(found.objective) <= set(FIGURES):
        decimals = max(FIGURES[name] for name in found.objective) + 1
        answer |= {"value": round(found.value, decimals), "bound": round(found.bound, decimals)}
    return answer


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON: None where infinite."""
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}


def curve_rows(
    problem: DesignProblem, curve: pd.DataFrame, against: str, objective: Mapping[str, float]
) -> pd.DataFrame:
    """A trade-off as text: for each design the objective, its bound, the measure traded against, and the others."""
    if not len(curve):
        return pd.DataFrame(columns=["design", "how near the best possible"])
    (single, *_) = objective
    names = [single, against, *(n for n in (TRAVEL, MOVED, GORARD) if n in curve and n not in (single, against))]
    ordered = drawn_curve(curve, against, names[0])
    rows = pd.DataFrame({"design": [_LETTERS[at] for at in range(len(ordered))]})
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


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def page_facts(
    problem: DesignProblem, limits: Limits, found: Design, tables: DesignTables, traded: Curves
) -> list[pd.DataFrame]:
    """The public tables of a page: what its other figures are held against."""
    facts = [*tables.public, limit_rows(problem, limits, found)]
    facts += [curve_rows(problem, curve, against, found.objective) for against, curve in traded.items()]
    words = [*sentences(problem, limits, found, tables, traded)]
    for against, curve in traded.items():
        words += _axis_words(problem, curve, against, found.objective)
    facts.append(pd.DataFrame({"words": words}))
    facts.append(pd.DataFrame({"words": [*catchment_letters(problem, found).values()]}))
    if np.isfinite(found.gap):
        facts.append(pd.DataFrame({"gap_share": [float(gap_words(found.gap).rstrip("%")) / 100]}))
    return facts


def workbook_sheets(
    problem: DesignProblem, limits: Limits, found: Design, tables: DesignTables, traded: Curves
) -> dict[str, Protected | pd.DataFrame]:
    """The sheets of a design's workbook."""
    plan = pd.DataFrame({problem.kind: found.plan.table.index, "school": found.plan.table.to_numpy()})
    sheets: dict[str, Protected | pd.DataFrame] = {"Plan": plan}
    for title, table in (("Catchments", tables.catchments), ("Moves", tables.flows)):
        if table is not None:
            sheets[title] = table if isinstance(table, Protected) else table.reset_index()
    sheets |= {
        "Areas that change": tables.areas.reset_index(),
        "Figures": tables.figures.reset_index(),
        "Limits": limit_rows(problem, limits, found),
    }
    for against, curve in traded.items():
        sheets[f"Trade-off, {against}"] = curve_rows(problem, curve, against, found.objective)
    return sheets


# --- the page -----------------------------------------------------------------------------------------------


def design_page(
    problem: DesignProblem,
    limits: Limits,
    found: Design,
    tables: DesignTables,
    traded: Curves,
    *,
    boundaries: Boundaries,
    sites: pd.DataFrame | None = None,
    names: Mapping[str, str] | None = None,
    title: str = "Design",
    notes: Sequence[str] = (),
    sources: Iterable[Source] = (),
) -> str:
    """The page as text.

    Parameters
    ----------
    problem, limits, found, tables, traded
        The brief, its design, its protected tables, and trade-offs by the measure traded against.
    boundaries
        Outlines of the areas.
    sites
        ``easting``, ``northing`` by school: public facts.
    names
        Of the schools, by code.
    title, notes, sources
        Of the page.
    """
    style = asset("geoplan.css") + _STYLE
    names = dict(names or {})
    letters = catchment_letters(problem, found)
    maps = _maps(problem, found, boundaries, sites, letters)
    marking = tables.rule.marking if tables.rule is not None else ""
    rule = tables.rule.sentence if tables.rule is not None else "The counts of children are published figures."
    curves = [
        {
            "against": MEASURES[against],
            "picture": curve_svg(problem, curve, against, found.objective),
            "rows": curve_rows(problem, curve, against, found.objective),
        }
        for against, curve in traded.items()
        if len(curve)
    ]
    (single, *_) = found.objective
    sources = tuple(sources)
    return environment().get_template("design.html").render(
        title=title,
        said=sentences(problem, limits, found, tables, traded),
        objective=" and ".join(MEASURES[name] for name in found.objective),
        limits=limit_rows(problem, limits, found).to_dict("records"),
        several=problem.today is not None,
        maps=maps,
        catchments=_catchment_rows(tables, letters),
        has_today=COUNT_TODAY in _frame(tables.catchments),
        has_years=_frame(tables.catchments).index.nlevels > 1,
        flows=_flow_rows(tables),
        figures=tables.figures,
        areas=tables.areas,
        kind=kind_words(problem.kind),
        noun=tables.noun,
        curves=curves,
        single=MEASURES[single],
        notes=[*notes],
        cannot=CANNOT_KNOW,
        rule=rule,
        marking=marking,
        invented=list(dict.fromkeys(source.title for source in sources if source.invented)),
        credits=credit_sentences(sources),
        style=style,
        policy=policy([], [style]),
    )  # fmt: skip


def _frame(table: Protected | pd.DataFrame) -> pd.DataFrame:
    return table.table if isinstance(table, Protected) else table


def _text(table: Protected | pd.DataFrame, column: str, form: str) -> list[str]:
    frame = _frame(table)
    gone = table.is_hidden(column).to_numpy() if isinstance(table, Protected) else np.zeros(len(frame), dtype=bool)
    return [
        HIDDEN if hidden else "" if value != value else form.format(value)
        for value, hidden in zip(frame[column], gone, strict=True)
    ]


def _catchment_rows(tables: DesignTables, letters: Mapping[str, str]) -> list[dict]:
    table = tables.catchments
    frame = _frame(table)
    codes = frame.index.get_level_values("catchment")
    rows = pd.DataFrame(
        {
            "letter": [letters.get(code, "") for code in codes],
            "code": codes,
            "name": frame["name"].to_list(),
            "places": _text(table, "places", "{:,.0f}"),
            "design": _text(table, COUNT, "{:,.0f}"),
            "full": _text(table, "share", "{:.0%}"),
        }
    )
    rows["today"] = _text(table, COUNT_TODAY, "{:,.0f}") if COUNT_TODAY in frame else ""
    rows["year"] = frame.index.get_level_values("year") if frame.index.nlevels > 1 else ""
    return rows.to_dict("records")


def _flow_rows(tables: DesignTables) -> list[dict]:
    if tables.flows is None:
        return []
    frame = _frame(tables.flows)
    people = _text(tables.flows, MOVING, "{:,.0f}")
    return [{"from": a, "to": b, "people": text} for a, b, text in zip(frame["from"], frame["to"], people, strict=True)]


# --- the maps ---------------------------------------------------------------------------------------------


def catchment_letters(problem: DesignProblem, found: Design) -> dict[str, str]:
    """A letter (or a number with one) for each school."""
    del found
    return map_letters(problem.schools)


def _maps(problem, found, boundaries: Boundaries, sites, letters: Mapping[str, str]) -> list[dict]:
    """Today's map and the design's, coloured alike; areas that move are hatched in the second."""
    outlines = simplify_outlines(boundaries.only(problem.areas))
    plans = {"As designed": found.plan.table.reindex(problem.areas)}
    moved = None
    if problem.today is not None:
        plans = {"Today": problem.today.table.reindex(problem.areas).fillna(""), **plans}
        moved = plans["Today"] != plans["As designed"]
    colours = fills_apart(problem.schools, [plan.to_numpy() for plan in plans.values()], problem.graph.pairs)
    return [
        {
            "title": title,
            "svg": catchment_map(
                outlines, plan, colours, letters, sites, title, moved=moved if title == "As designed" else None
            ),
        }
        for title, plan in plans.items()
    ]


# --- the trade-off ------------------------------------------------------------------------------------------


def _axis_name(problem: DesignProblem, name: str) -> str:
    unit = f" ({problem.unit})" if name in (TRAVEL, WORST) else ""
    return f"{_capital(MEASURES[name])}{unit}"


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that span a range."""
    span = max(high - low, 1e-9)
    step = 10.0 ** np.floor(np.log10(span / most))
    step *= next(k for k in (1, 2, 2.5, 5, 10) if span / (step * k) <= most)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [round(float(step * at), 10) for at in np.arange(first, last + 1)]


def _tick_word(problem: DesignProblem, name: str, value: float) -> str:
    """A tick with its unit, so that it reads as words and not as a figure of people."""
    text = f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}"
    unit = {MOVED: "moved", GORARD: "Gorard", DISSIMILARITY: "D", BALANCE: "apart"}.get(name, "")
    return f"{text} {unit or problem.unit}"


def _spans(curve: pd.DataFrame, against: str, single: str) -> tuple[list[float], list[float]]:
    across = _ticks(min(float(curve["least"].min()), float(curve[against].min())), float(curve[against].max()))
    return across, _ticks(float(curve["bound"].min()), float(curve[single].max()))


def _axis_words(problem: DesignProblem, curve: pd.DataFrame, against: str, objective) -> list[str]:
    if not len(curve):
        return []
    (single, *_) = objective
    across, up = _spans(drawn_curve(curve, against, single), against, single)
    return [_tick_word(problem, against, x) for x in across] + [_tick_word(problem, single, y) for y in up]


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
    for tick in across:
        parts.append(f'<line x1="{x(tick):.1f}" y1="{base}" x2="{x(tick):.1f}" y2="{base + 5}" stroke="#0B0C0C"/>')
        parts.append(
            f'<text x="{x(tick):.1f}" y="{base + 22}" text-anchor="middle">{_tick_word(problem, against, tick)}</text>'
        )
    for tick in up:
        parts.append(f'<line x1="{LEFT - 5}" y1="{y(tick):.1f}" x2="{LEFT}" y2="{y(tick):.1f}" stroke="#0B0C0C"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{_tick_word(problem, single, tick)}</text>'
        )
    parts.append(f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - RIGHT}" fill="none" stroke="#0B0C0C"/>')
    steps = zip(ordered[against], ordered[single].cummin(), strict=True)  # the best known with at most so much
    line = "".join(f"H{x(a):.1f}V{y(b):.1f}" if at else f"{x(a):.1f} {y(b):.1f}" for at, (a, b) in enumerate(steps))
    parts.append(f'<path d="M{line}" fill="none" stroke="{palette.CATEGORICAL[0]}" stroke-width="1.5"/>')
    for at, row in ordered.iterrows():
        cx, cy = x(row[against]), y(row[single])
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" fill="{palette.CATEGORICAL[0]}"/>')
        parts.append(f'<text x="{cx + 8:.1f}" y="{cy - 8:.1f}" font-weight="700">{_LETTERS[at]}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle" font-weight="700">'
        f"{escape(_axis_name(problem, against))}</text>"
    )
    parts.append(f'<text x="8" y="{TOP - 20}" font-weight="700">{escape(_axis_name(problem, single))}</text>')
    words = (
        f"{_axis_name(problem, single)} against {MEASURES[against]}: the designs found, as points, and shaded what no "
        "plan can reach. The table below has the figures."
    )
    return (
        f'<svg class="curve" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="{_FONT}" font-size="13" fill="{palette.TEXT}"><title>{escape(words)}</title>'
        f"{''.join(parts)}</svg>"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_STYLE = """
main section { margin: 0 0 1.5rem; }
svg.curve { display: block; max-width: 100%; height: auto; }
table.plain { border-collapse: collapse; margin: 0 0 1rem; }
table.plain caption { text-align: left; font-weight: 700; padding: 4px 0; }
table.plain th, table.plain td { border-bottom: 1px solid #b1b4b6; padding: 4px 12px 4px 0; text-align: left;
  vertical-align: top; }
table.plain td.number, table.plain th.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
summary { cursor: pointer; min-height: 28px; }
"""
