"""The page of a design: what was asked, what was found and how sure it is, before and after, what it costs elsewhere.

One file, no script, nothing fetched. Pictures are SVG made once; each has its table. Children stand in protected
tables only.

The trade-off shows designs as points and, shaded, what is proved to be out of reach: where a measure may be at most
so much, no plan has less of the objective than the bound found under that limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
    balance_step,
    balance_told,
    gap_words,
    limit_rows,
    sureness,
)
from geoplan.designs import Design, today_keeps
from geoplan.disclosure import HIDDEN, Protected
from geoplan.formulation import measure_plan
from geoplan.maps.cells import capital
from geoplan.maps.render import asset, credit_sentences, environment, policy
from geoplan.reports.catchment_maps import catchment_map, fills_apart, map_letters
from geoplan.reports.outlines import simplify_outlines
from geoplan.sentences import listed
from geoplan.sources import Source
from geoplan.trade_off_pictures import (
    axis_words,
    curve_rows,
    curve_svg,
    surface_rows,
    surface_sentences,
    surface_svg,
    surface_words,
)
from geoplan.trade_offs import TradeSurface
from geoplan.vintages import kind_words

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
        marked = _others(problem, found, tables)
        words += [*surface_sentences(problem, surface), *surface_words(problem, surface, marked)]
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


def _others(problem: DesignProblem, found: Design, tables: DesignTables) -> dict[str, Mapping[str, float]]:
    """What else is marked among the designs of a trade-off: the design itself, and today's plan if it is known."""
    marked = {"This design": found.measured}
    if problem.today is not None and (problem.now >= 0).all():
        marked["Today"] = measure_plan(problem, problem.today)
    step = balance_step(problem, tables.rule)
    return {title: balance_told(measured, step) for title, measured in marked.items()}


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
        kind=kind_words(problem.kind),
        noun=tables.noun,
        curves=curves,
        surface=None if surface is None else _surface(problem, found, tables, surface),
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


def _surface(problem: DesignProblem, found: Design, tables: DesignTables, surface: TradeSurface) -> dict:
    return {
        "measures": listed([MEASURES[name] for name in surface.measures]),
        "said": surface_sentences(problem, surface),
        "picture": surface_svg(problem, surface, _others(problem, found, tables)),
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


_STYLE = """
main section { margin: 0 0 1.5rem; }
svg.curve, svg.surface { display: block; max-width: none; }
table.plain { border-collapse: collapse; margin: 0 0 1rem; }
table.plain caption { text-align: left; font-weight: 700; padding: 4px 0; }
table.plain th, table.plain td { border-bottom: 1px solid #b1b4b6; padding: 4px 12px 4px 0; text-align: left;
  vertical-align: top; }
table.plain td.number, table.plain th.number { text-align: right; font-variant-numeric: tabular-nums; }
table.plain td.words { min-width: 15rem; }
.wide { overflow-x: auto; }
summary { cursor: pointer; min-height: 28px; }
"""
