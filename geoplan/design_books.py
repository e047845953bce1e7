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
    capital,
    gap_words,
    limit_rows,
    sureness,
)
from geoplan.designs import Design, today_keeps
from geoplan.disclosure import HIDDEN, Protected
from geoplan.formulation import measure_plan
from geoplan.maps import palette
from geoplan.maps.render import asset, credit_sentences, environment, policy
from geoplan.reports.outlines import simplify_outlines
from geoplan.sources import Source
from geoplan.trade_off_pictures import (
    axis_words,
    curve_rows,
    curve_svg,
    letters_for,
    listed,
    surface_rows,
    surface_sentences,
    surface_svg,
    surface_words,
)
from geoplan.trade_offs import TradeSurface

MAP_WIDTH = 460
_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
#: Fills of catchments; neighbours never share one, and each catchment has its letter.
FILLS = ("#D6E8F7", "#F2B48C", "#A3D9D4", "#E3C1D2", "#FFF3B0", "#C9C4E0", "#CFCFCF")
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
SURFACE_SHEET = "Trade-off of several"


# --- sentences and tables ---------------------------------------------------------------------------------


def sentences(problem: DesignProblem, limits: Limits, found: Design, tables: DesignTables, traded: Curves) -> list[str]:
    """What was found and how sure it is, in sentences."""
    del traded
    figures = tables.figures
    said = []
    for name in (TRAVEL, WORST, GORARD, DISSIMILARITY):
        if name not in found.objective:
            continue
        row = figures.loc[capital(MEASURES[name])]
        today = f", against {row['today']} today" if "today" in row and row["today"] != "not known" else ""
        said.append(f"{capital(MEASURES[name])}: {row['design']}{today}.")
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
    balance = printed_balance(problem, tables)
    if balance is not None:
        answer["measured"][BALANCE] = balance
    if set(found.objective) <= set(FIGURES):
        decimals = max(FIGURES[name] for name in found.objective) + 1
        answer |= {"value": round(found.value, decimals), "bound": round(found.bound, decimals)}
    return answer


def printed_balance(problem: DesignProblem, tables: DesignTables) -> float | None:
    """The largest difference of a school from its share, over the years, by the printed counts; None if one is hidden.

    The exact one would say which count was rounded how.
    """
    frame = _frame(tables.catchments)
    code = frame.index.get_level_values("catchment")
    own = frame[code.isin(problem.schools)]
    if own[COUNT].isna().any():
        return None
    year = own.index.get_level_values("year") if own.index.nlevels > 1 else np.zeros(len(own))
    places, counts = own["places"].groupby(year), own[COUNT].groupby(year)
    share = own["places"] / places.transform("sum") * counts.transform("sum")
    apart = (own[COUNT] / share.where(share > 0) - 1).abs().max()
    return round(float(apart), 2) if apart == apart else 0.0


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON: None where infinite."""
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}


def page_facts(
    problem: DesignProblem,
    limits: Limits,
    found: Design,
    tables: DesignTables,
    traded: Curves,
    surface: TradeSurface | None = None,
) -> list[pd.DataFrame]:
    """The public tables of a page: what its other figures are held against."""
    facts = [*tables.public, limit_rows(problem, limits, found)]
    facts += [curve_rows(problem, curve, against, found.objective) for against, curve in traded.items()]
    words = [*sentences(problem, limits, found, tables, traded)]
    for against, curve in traded.items():
        words += axis_words(problem, curve, against, found.objective)
    if surface is not None:
        facts.append(surface_rows(problem, surface))
        words += [*surface_sentences(problem, surface), *surface_words(problem, surface, _others(problem, found))]
    facts.append(pd.DataFrame({"words": words}))
    facts.append(pd.DataFrame({"words": [*catchment_letters(problem, found).values()]}))
    if np.isfinite(found.gap):
        facts.append(pd.DataFrame({"gap_share": [float(gap_words(found.gap).rstrip("%")) / 100]}))
    return facts


def workbook_sheets(
    problem: DesignProblem,
    limits: Limits,
    found: Design,
    tables: DesignTables,
    traded: Curves,
    surface: TradeSurface | None = None,
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
    if surface is not None:
        sheets[SURFACE_SHEET] = surface_rows(problem, surface)
    return sheets


def _others(problem: DesignProblem, found: Design) -> dict[str, Mapping[str, float]]:
    """What else is marked among the designs of a trade-off: the design itself, and today's plan if it is known."""
    marked = {"This design": found.measured}
    if problem.today is not None and (problem.now >= 0).all():
        marked["Today"] = measure_plan(problem, problem.today)
    return marked


# --- the page -----------------------------------------------------------------------------------------------


def design_page(
    problem: DesignProblem,
    limits: Limits,
    found: Design,
    tables: DesignTables,
    traded: Curves,
    *,
    surface: TradeSurface | None = None,
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
    surface
        Designs that trade two or three measures at once.
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
    rule = tables.rule.sentence if tables.rule is not None else tables.words
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
        kind=problem.kind,
        noun=tables.noun,
        curves=curves,
        surface=None if surface is None else _surface(problem, found, surface),
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


def _surface(problem: DesignProblem, found: Design, surface: TradeSurface) -> dict:
    return {
        "measures": listed([MEASURES[name] for name in surface.measures]),
        "said": surface_sentences(problem, surface),
        "picture": surface_svg(problem, surface, _others(problem, found)),
        "rows": surface_rows(problem, surface),
    }


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
    schools = list(problem.schools)
    return dict(zip(schools, letters_for(len(schools)), strict=True))


def _maps(problem, found, boundaries: Boundaries, sites, letters: Mapping[str, str]) -> list[dict]:
    """Today's map and the design's, coloured alike; areas that move are hatched in the second."""
    outlines = simplify_outlines(boundaries.only(problem.areas))
    after = found.plan.table.reindex(problem.areas)
    colours = _colours(problem, [after, *([problem.today.table.reindex(problem.areas)] if problem.today else [])])
    drawn = []
    if problem.today is not None:
        before = problem.today.table.reindex(problem.areas).fillna("")
        drawn.append({"title": "Today", "svg": _map(outlines, before, colours, letters, sites, "Today", None)})
        moved = before != after
    else:
        moved = None
    drawn.append({"title": "As designed", "svg": _map(outlines, after, colours, letters, sites, "As designed", moved)})
    return drawn


def _colours(problem: DesignProblem, plans: Sequence[pd.Series]) -> dict[str, str]:
    """A fill for each school, so that catchments that touch under either plan differ where seven fills allow it."""
    schools = list(problem.schools)
    touch: dict[str, set[str]] = {code: set() for code in schools}
    for plan in plans:
        codes = plan.to_numpy()
        for a, b in problem.graph.pairs:
            if codes[a] != codes[b] and codes[a] in touch and codes[b] in touch:
                touch[codes[a]].add(codes[b])
                touch[codes[b]].add(codes[a])
    fill: dict[str, str] = {}
    for code in sorted(schools, key=lambda each: (-len(touch[each]), each)):
        near = [fill[other] for other in touch[code] if other in fill]
        fill[code] = min(FILLS, key=lambda each: (near.count(each), list(fill.values()).count(each)))
    return fill


def _map(outlines, plan: pd.Series, colours, letters, sites, title: str, moved: pd.Series | None) -> str:
    west, south = outlines.boxes[:, :2].min(axis=0)
    east, north = outlines.boxes[:, 2:].max(axis=0)
    margin = 0.02 * (east - west)
    west, east, south, north = west - margin, east + margin, south - margin, north + margin
    scale = MAP_WIDTH / (east - west)
    height = round((north - south) * scale)
    level = outlines.level_for(east - west)
    fit = level.step_m * scale
    dx, dy = (outlines.origin[0] - west) * scale, (north - outlines.origin[1]) * scale
    position = {code: at for at, code in enumerate(outlines.codes)}
    parts = []
    for school in sorted(set(plan)):
        paths = "".join(level.paths[position[area]] for area in plan.index[plan == school])
        parts.append(f'<path d="{paths}" fill="{colours.get(school, "#FFFFFF")}"/>')
    key = "".join(title.split())
    if moved is not None and moved.any():
        paths = "".join(level.paths[position[area]] for area in plan.index[moved])
        parts.append(f'<path d="{paths}" fill="url(#moves-{key})"/>')
    marks = []
    for school, letter in letters.items():
        own = [position[area] for area in plan.index[plan == school]]
        if not own:
            continue
        spots = outlines.spots[own, 0]
        middle = spots[np.argmin(np.hypot(*(spots - spots.mean(axis=0)).T))]
        x, y = (middle[0] - west) * scale, (north - middle[1]) * scale
        marks.append(
            f'<text x="{x:.1f}" y="{y + 5:.1f}" stroke="#FFFFFF" stroke-width="3" paint-order="stroke">{letter}</text>'
        )
    dots = []
    for school, row in [] if sites is None else sites.iterrows():
        del school
        x, y = (row["easting"] - west) * scale, (north - row["northing"]) * scale
        if 0 <= x <= MAP_WIDTH and 0 <= y <= height:
            dots.append(
                f'<path d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z" fill="{palette.HIGHLIGHT}" stroke="{palette.TEXT}"/>'
            )
    size = 7 / fit
    words = f"{title}: a map of the catchments. The tables beside it have the same."
    return (
        f'<svg class="catchments" role="img" viewBox="0 0 {MAP_WIDTH} {height}" width="{MAP_WIDTH}" height="{height}" '
        f'font-family="{_FONT}"><title>{escape(words)}</title><defs><pattern id="moves-{key}" width="{size:.4g}" '
        f'height="{size:.4g}" patternUnits="userSpaceOnUse"><path d="M0 {size:.4g}L{size:.4g} 0" '
        f'stroke="{palette.TEXT}" stroke-width="{1.6 / fit:.4g}"/></pattern></defs>'
        f'<g transform="translate({dx:.2f} {dy:.2f}) scale({fit:.6g})" stroke="#8A9296" stroke-width="{0.5 / fit:.4g}" '
        f'stroke-linejoin="round" fill-rule="evenodd">{"".join(parts)}</g>{"".join(dots)}'
        f'<g font-size="15" font-weight="700" text-anchor="middle" fill="{palette.TEXT}">{"".join(marks)}</g></svg>'
    )


_STYLE = """
main section { margin: 0 0 1.5rem; }
svg.catchments { display: block; max-width: 100%; height: auto; }
svg.curve, svg.surface { display: block; max-width: none; }
.maps { display: flex; flex-wrap: wrap; gap: 1rem; }
.maps figure { margin: 0; flex: 1 1 300px; max-width: 480px; }
.maps figcaption { font-weight: 700; padding: 4px 0; }
table.plain { border-collapse: collapse; margin: 0 0 1rem; }
table.plain caption { text-align: left; font-weight: 700; padding: 4px 0; }
table.plain th, table.plain td { border-bottom: 1px solid #b1b4b6; padding: 4px 12px 4px 0; text-align: left;
  vertical-align: top; }
table.plain td.number, table.plain th.number { text-align: right; font-variant-numeric: tabular-nums; }
table.plain td.words { min-width: 15rem; }
.wide { overflow-x: auto; }
summary { cursor: pointer; min-height: 28px; }
"""
