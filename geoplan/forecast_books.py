"""The pages about rolls to come: forecasts beside their own past error, places by area and year, and the back-test.

A page takes a :class:`~geoplan.forecasts.Forecast` and nothing less, so that no number can stand on it without its past
error. It opens without a network and reads the same without its script, which only moves the year on the map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from geoplan.areas import Boundaries
from geoplan.backtests import COMBINATION, MEASURES, BackTest
from geoplan.cohorts import year_name
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.errors import ForecastRefused
from geoplan.forecast_grids import (
    TOO_FEW,
    Grid,
    accuracy_grid,
    chosen_grid,
    groundwork_section,
    how_sections,
    level_words,
    measures_in,
    names_of,
    places_section,
    ranges_held,
    rolls_section,
    rounded,
    school_spare_grid,
    spare_section,
    top_grid,
)
from geoplan.forecasts import Forecast
from geoplan.maps import palette
from geoplan.maps.cells import capital
from geoplan.maps.render import asset, credit_sentences, environment, policy
from geoplan.maps.shapes import to_json
from geoplan.reports.outlines import Outlines, simplify_outlines
from geoplan.scorecards import BANDS, PERCENTILES, SOURCE, YEAR, place_among
from geoplan.sources import Source, is_invented, unique_sources
from geoplan.spare_places import intake_table, spare_places

ROOM = (0.0, 0.05, 0.10)  # shares of places spare: short, under 5%, under 10%, more
ROOM_WORDS = ("places are short", "under 5% spare", "5% to 10% spare", "over 10% spare")
ROOM_FILLS = ("#9A4A00", "#F2B48C", "#A3CBF0", "#12436D")
NO_PLACE = "#F3F2F1"
NOT_ALIKE = (
    "One year's error of an authority and our mean over several are not quite alike: a mean is closer to 0, and ours "
    "is of a method tried on the past."
)
WIDE, HIGH = 600, 220
_SHORT = (
    (": places and demand", " places"),
    (": share of places spare, by ", ", spare % by "),
    (" and year", ""),
    ("Rolls by ", ""),
    (": the combination and the naive methods", " and naive methods"),
    (": every method", ", methods"),
    (": the combination", ""),
    (", all together", ", all"),
    (", single ", ", "),
    ("Spare places in all year groups", "Spare places, all"),
    ("Authorities of England", "Authorities"),
    (", and ours over all years tried", ""),
    (" with the other plan", ", other plan"),
)  # of long titles, for the tabs of a workbook


@dataclass(frozen=True, repr=False, eq=False)
class ForecastBook:
    """A page about rolls to come, or about how wrong methods were.

    Parameters
    ----------
    title, findings
        Its heading, and what it shows in plain sentences.
    parts
        What the template fills in: charts, the first grids, the spread, the map, sections.
    grids
        Every table on it.
    protected
        The same as protected tables, where people are counted and not published.
    worked_out
        Plain tables of public figures, and of what was worked out from printed numbers.
    notes, sources, marking
        As for any page.
    protection
        How small numbers are protected, or why they need not be.
    """

    title: str
    findings: tuple[str, ...]
    parts: Mapping[str, object]
    grids: tuple[Grid, ...]
    tables: tuple[Protected, ...]
    worked_out: tuple[pd.DataFrame, ...]
    notes: tuple[str, ...]
    sources: tuple[Source, ...]
    marking: str = ""
    chart_title: str = ""
    number_title: str = ""
    has_forecast: bool = True
    protection: str = ""

    def __repr__(self) -> str:
        return f"<ForecastBook {self.title!r}: {len(self.grids)} tables>"

    @property
    def invented(self) -> bool:
        """Whether anything on the page is made-up data."""
        return is_invented(self.sources)

    def to_html(self) -> str:
        """The page as text, the same for the same book."""
        style = asset("geoplan.css") + asset("forecast.css")
        script = asset("forecast.js")
        drawn = self.parts.get("map")
        return environment().get_template("forecast.html").render(
            book=self,
            palette=palette,
            style=style,
            script=script,
            policy=policy([script] if drawn else [], [style]),
            credits=credit_sentences(self.sources),
            charts=self.parts.get("charts", ()),
            first=self.parts.get("first", ()),
            spread=self.parts.get("spread"),
            map=drawn,
            sections=self.parts.get("sections", ()),
        )  # fmt: skip

    @property
    def percents(self) -> frozenset[str]:
        """The headings of shares, that a workbook shows as per cent."""
        return frozenset(head for grid in self.grids for head, form in grid.columns.values() if form == "share")

    @property
    def sheets(self) -> dict[str, pd.DataFrame | Protected]:
        """The tables for a workbook, by a short title, with headings for people."""
        answer: dict[str, pd.DataFrame | Protected] = {}
        evidence = self.tables[0] if self.tables else None
        for grid in self.grids:
            title = grid.title
            for long, short in _SHORT:
                title = title.replace(long, short)
            title = capital(title) if title not in answer else f"{title[:23]} {len(answer)}"
            frame = grid.frame.rename(columns=grid.headings)
            if evidence is not None:
                frame = _protected(frame.set_index(frame.columns[0]), evidence.rule, evidence.printed)
            answer[title] = frame
        return answer


def forecast_book(
    forecast: Forecast,
    sources: Iterable[Source],
    *,
    top: str,
    level: str = "",
    names: Mapping[str, str] | None = None,
    places: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    boundaries: Boundaries | None = None,
    area_groups: pd.Series | None = None,
    rule: Rule = PUBLIC,
    printed: tuple = (),
    published: bool = False,
    hidden: Mapping[str, bool] | None = None,
    title: str = "",
    extra: Iterable[Grid] = (),
) -> ForecastBook:
    """The planner's page.

    Parameters
    ----------
    forecast
        With its past error; anything else is refused.
    sources
        What it was made from.
    top
        The level of everything together, whose errors are set beside the DfE's.
    level
        Clusters or planning areas, for the map and the table of places.
    names
        Names of schools.
    places, changes
        Places and admission numbers by school, and changes of them.
    boundaries, area_groups
        Areas to draw, and the group of ``level`` that each belongs to.
    rule, printed
        The small-number rule that the rolls passed, and its evidence.
    published
        Whether the rolls are published figures: then they are public facts.
    hidden
        Schools with a hidden year group: their rows are left out.
    title
        The page's heading.
    extra
        Further tables: another plan of catchments, adjustments.

    Raises
    ------
    ForecastRefused
        If it is not a :class:`Forecast`.
    """
    if not isinstance(forecast, Forecast):
        raise ForecastRefused(f"a page takes a Forecast, which has its past error, not a {type(forecast).__name__}")
    step = 1 if published else rule.round_to
    whole = rounded(forecast.table(top), step)
    first = [top_grid(whole, measure) for measure in measures_in(whole)]
    spread, band_grid, place_frame = _spread(forecast.past, top)
    sections = []
    drawn = None
    if places is not None:
        by_group = None
        if level:
            intake = rounded(intake_table(forecast, places, changes, level), step)
            sections.append(places_section(intake, level, top, forecast))
            by_group = rounded(spare_places(forecast, places, changes, level), step)
            if boundaries is not None and area_groups is not None and len(intake):
                drawn = _year_map(intake, boundaries, area_groups, level)
        spare = rounded(spare_places(forecast, places, changes, top), step)
        schools = school_spare_grid(forecast, places, changes, names, hidden, step)
        sections.append(spare_section(spare, by_group, level, schools))
    if level:
        by_level = rounded(forecast.table(level), step)
        sections.append(rolls_section(by_level, f"Rolls by {level}", level.capitalize()))
    own = rounded(forecast.table(), step)
    if hidden:
        own = own[[not hidden.get(place, False) for place in own["place"]]].reset_index(drop=True)
    own["name"] = names_of(own["place"], names)
    sections.append(rolls_section(own, "Rolls by school", "School", "name"))
    ground = groundwork_section(forecast.groundwork, step)
    sections += [ground] if ground else []
    held, coverage_said, coverage_shares = ranges_held(forecast.past, top)
    sections += how_sections(forecast, top, extra, step, hidden or {})
    sections.append({"title": "Do the ranges hold?", "words": "", "tables": [held]})
    grids = [*first, *([band_grid] if band_grid else [])]
    grids += [grid for section in sections for grid in section["tables"]]
    if drawn:
        grids += drawn["tables"]
    findings, said = _findings(forecast, whole, top)
    findings, said = _with_held(findings, said, coverage_said, coverage_shares)
    frames = [grid.frame for grid in grids]
    if published:
        tables, facts = (), tuple(frames)
    else:
        tables = tuple(_protected(frame, rule, printed) for frame in frames)
        facts = ()
    charts = _charts(forecast, whole, step)
    parts = {"charts": charts, "first": first, "spread": spread, "map": drawn, "sections": sections}
    return ForecastBook(
        title or "Pupils to come",
        findings,
        parts,
        tuple(grids),
        tables,
        (*facts, said, place_frame),
        (*_notes(published), *forecast.notes),
        unique_sources(sources),
        rule.marking,
        "What was, and what is forecast",
        f"{capital(_only(forecast, top))}: the forecast, and how wrong such forecasts were",
        protection=_protection("Forecasts", rule, published),
    )


def backtest_book(
    past: BackTest,
    sources: Iterable[Source],
    *,
    top: str,
    rule: Rule = PUBLIC,
    printed: tuple = (),
    published: bool = False,
    notes: Iterable[str] = (),
    title: str = "",
    groundwork: pd.DataFrame | None = None,
) -> ForecastBook:
    """The page of a back-test: every method, one to seven years ahead, beside the naive ones and the DfE's spread."""
    spread, band_grid, place_frame = _spread(past, top)
    accuracy = past.accuracy().reset_index()
    for name in ("level", "measure", "method"):
        accuracy[name] = accuracy[name].astype("str")
    for name in ("beats_last_value", "beats_last_ratio"):
        accuracy[name] = np.where(accuracy[name].fillna(False).astype(bool), "yes", "no")
    first = []
    for measure in [name for name in MEASURES if (accuracy["measure"] == name).any()]:
        rows = accuracy[
            accuracy["level"].eq(top) & accuracy["measure"].eq(measure) & accuracy["method"].eq(COMBINATION)
        ]
        if len(rows):
            first.append(accuracy_grid(rows, f"{capital(measure)}, all together: the combination", ("ahead",)))
    held, coverage_said, coverage_shares = ranges_held(past, top)
    sections = [{"title": "Do the ranges hold?", "words": "", "tables": [held]}]
    for level in past.levels:
        tables = []
        for measure in [name for name in MEASURES if (accuracy["measure"] == name).any()]:
            rows = accuracy[accuracy["level"].eq(level) & accuracy["measure"].eq(measure)]
            if len(rows):
                rows = rows.sort_values(["ahead", "total_error_share" if "total_error_share" in rows else "mape"])
                tables.append(
                    accuracy_grid(
                        rows, f"{capital(measure)}, {level_words(past, level, top)}: every method", ("ahead", "method")
                    )
                )
        sections.append({"title": f"Every method, {level_words(past, level, top)}", "words": "", "tables": tables})
    grids = [
        *first,
        *([band_grid] if band_grid else []),
        held,
        *(grid for part in sections[1:] for grid in part["tables"]),
    ]
    frames = [grid.frame for grid in grids]
    findings, said = _backtest_findings(accuracy, top)
    findings, said = _with_held(findings, said, coverage_said, coverage_shares)
    # errors are ratios worked out from rolls that are printed or may be; the counts in these tables are of forecasts
    parts = {"first": first, "spread": spread, "sections": sections, "charts": ()}
    chosen = chosen_grid(past)
    parts["sections"].append({"title": "Which methods were chosen", "words": "", "tables": [chosen]})
    evidence = () if published or not printed else (_protected(frames[0], rule, printed),)
    step = 1 if published else rule.round_to
    ground = groundwork_section(groundwork, step) if groundwork is not None else None
    told = ground["tables"] if ground else []
    parts["sections"] += [ground] if ground else []
    facts = [grid.frame for grid in told] if published else []
    evidence += () if published else tuple(_protected(grid.frame, rule, printed) for grid in told)
    return ForecastBook(
        title or "How wrong forecasts would have been", findings, parts, (*grids, chosen, *told), evidence,
        (*frames, chosen.frame, *facts, said, place_frame), (*_error_notes(), *notes), unique_sources(sources),
        rule.marking, "", "How wrong, all together", has_forecast=False,
        protection=_protection("Errors", rule, published),
    )  # fmt: skip


# --- parts of a page -------------------------------------------------------------------------------------------


def _protected(frame: pd.DataFrame, rule: Rule, printed: tuple) -> Protected:
    return Protected(frame, pd.DataFrame(index=frame.index), rule, "pupils", printed=printed)


def _with_held(
    findings: tuple[str, ...], said: pd.DataFrame, sentence: str, numbers: list[float]
) -> tuple[tuple[str, ...], pd.DataFrame]:
    """Findings with the sentence on ranges, and its numbers among those said."""
    half = len(numbers) // 2
    more = pd.DataFrame({"share": numbers[:half], "given": numbers[half:]}, dtype=float)
    return (*findings, sentence), pd.concat([said, more], ignore_index=True)


# --- the spread of authorities ---------------------------------------------------------------------------------


def _spread(past: BackTest, top: str) -> tuple[dict | None, Grid | None, pd.DataFrame]:
    """Our line among the authorities, where whole phases are forecast."""
    accuracy = past.accuracy(top).reset_index() if top in past.levels else pd.DataFrame(columns=["method"])
    mine = accuracy[accuracy["method"].eq(COMBINATION)]
    rows, pictures = [], []
    for (phase, ahead), band in BANDS.items():
        own = mine[mine["measure"].eq(phase) & mine["ahead"].eq(ahead)] if len(mine) else mine
        if not len(own):
            continue
        error = float(own["bias"].iloc[0])
        words, _ = place_among(error, phase, ahead)
        title = f"{capital(phase)}, {'one year' if ahead == 1 else 'three years'} ahead"
        rows.append((title, error, float(own["mape"].iloc[0]), *band, words))
        pictures.append({"title": title, "svg": _band_picture(error, band)})
    columns = ["what", "ours_share", "size_share", *(f"p{number}_share" for number in PERCENTILES), "stands"]
    frame = pd.DataFrame(rows, columns=columns)
    if not len(frame):
        return None, None, frame
    heads = {"what": ("Rolls", "text"), "ours_share": ("Our mean error", "share"), "size_share": ("Mean size", "share")}
    heads |= {f"p{number}_share": (f"{number}th in 100", "share") for number in PERCENTILES}
    grid = Grid(
        f"Authorities of England in {YEAR}, and ours over all years tried", frame,
        heads | {"stands": ("Our mean error is", "text")},
        f"{SOURCE}. Above 0 is a forecast too high. {NOT_ALIKE}",
    )  # fmt: skip
    words = (
        "The DfE scores authorities by (forecast less actual) over actual, and flags those outside the middle "
        "half. Most "
        "authorities forecast too high, as happens when births fall."
    )
    return {"words": words, "pictures": pictures, "table": grid}, grid, frame


def _band_picture(error: float, band: Sequence[float]) -> Markup:
    """A line of errors with the authorities' bands, and ours as a diamond; 0 in the middle."""
    most = max(abs(error), *map(abs, band)) * 1.15

    def x(value: float) -> float:
        return 300 + 290 * value / most

    low, quarter, middle, three, high = map(x, band)
    return Markup(
        '<svg viewBox="0 0 600 64" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect x="{:.1f}" y="26" width="{:.1f}" height="12" fill="#b1b4b6"/>'
        '<rect x="{:.1f}" y="18" width="{:.1f}" height="28" fill="{}"/>'
        '<path d="M{:.1f} 18v28" stroke="#0b0c0c" stroke-width="2"/>'
        '<path d="M300 4v56" stroke="#505a5f" stroke-dasharray="3 3"/>'
        '<path d="M{:.1f},20 l9,12 l-9,12 l-9,-12 z" fill="{}" stroke="#0b0c0c" stroke-width="1.5"/></svg>'
    ).format(
        "Our error among those of the authorities; the numbers are in the table below", low, high - low, quarter,
        three - quarter, palette.SEQUENTIAL[2], middle, x(error), palette.CATEGORICAL[3],
    )  # fmt: skip


# --- charts and the map ----------------------------------------------------------------------------------------


def _charts(forecast: Forecast, whole: pd.DataFrame, step: int) -> list[dict]:
    """A chart for each measure: the past, the forecast and its interval."""
    history = forecast.past.history
    charts = []
    for measure in measures_in(whole):
        rows = whole[whole["measure"].eq(measure)]
        if rows["place"].nunique() != 1:
            continue
        at = _stages_of(measure, history.stages)
        past = np.where(np.isfinite(history.pupils[..., at]), history.pupils[..., at], 0.0).sum(axis=(0, 2))
        seen = np.isfinite(history.pupils).any(axis=(0, 2))
        past = np.where(seen, np.round(past / step) * step, np.nan)
        charts.append(_chart(f"{capital(measure)}", history.years, past, rows))
    return charts


def _stages_of(measure: str, stages: tuple[int, ...]) -> np.ndarray:
    from geoplan.backtests import measures_of

    return measures_of(stages)[measure]


def _chart(title: str, years: Sequence[int], past: np.ndarray, rows: pd.DataFrame) -> dict:
    ahead = rows["year"].tolist()
    first, last = years[0], ahead[-1]
    values = [*past[np.isfinite(past)], *rows["forecast"], *rows["pupils_high"].dropna(), *rows["pupils_low"].dropna()]
    low, high = min(values), max(values)
    room = max(high - low, 0.05 * high, 1.0)
    step = 10 ** np.floor(np.log10(room))
    step = step / 2 if room / step < 3 else step
    bottom, top = max(0.0, np.floor((low - 0.05 * room) / step) * step), np.ceil((high + 0.05 * room) / step) * step

    def x(year: float) -> float:
        return WIDE * (year - first + 0.25) / (last - first + 0.5)

    def y(value: float) -> float:
        return HIGH * (1 - (value - bottom) / (top - bottom))

    line = " ".join(f"{x(year):.1f},{y(value):.1f}" for year, value in zip(years, past, strict=True) if value == value)
    start = [(years[-1], past[-1])] if past[-1] == past[-1] else []
    future = " ".join(
        f"{x(year):.1f},{y(value):.1f}" for year, value in [*start, *zip(ahead, rows["forecast"], strict=True)]
    )
    known = rows[rows["pupils_low"].notna()]
    band = ""
    if len(known):
        up = [(x(year), y(value)) for year, value in [*start, *zip(known["year"], known["pupils_high"], strict=True)]]
        down = [(x(year), y(value)) for year, value in [*start, *zip(known["year"], known["pupils_low"], strict=True)]]
        band = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in [*up, *reversed(down)]) + "z"
    svg = Markup(
        '<svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        '<path d="{band}" fill="#fbdcc8"/><polyline points="{line}" fill="none" stroke="{dark}" stroke-width="2.5" '
        'vector-effect="non-scaling-stroke"/><polyline points="{future}" fill="none" stroke="{orange}" '
        'stroke-width="2.5" '
        'stroke-dasharray="6 4" vector-effect="non-scaling-stroke"/></svg>'
    ).format(
        w=WIDE, h=HIGH, band=band, line=line, future=future, dark=palette.CATEGORICAL[0], orange=palette.CATEGORICAL[3],
        label=f"{title}: rolls of the past and the forecast with its interval; the numbers are in the tables below",
    )  # fmt: skip
    ups = [f"{top:,.0f}", f"{bottom:,.0f}"]
    marks = [{"words": year_name(year), "at": 5 * round(20 * x(year) / WIDE)} for year in (first, years[-1], last)]
    return {"title": title, "svg": svg, "ups": ups, "acrosses": marks}


def _year_map(intake: pd.DataFrame, boundaries: Boundaries, groups: pd.Series, level: str) -> dict:
    """Areas coloured by the room of their group in a year: the drawing, the shades by year, the tables."""
    outlines = simplify_outlines(boundaries)
    places = sorted(intake["place"].astype("str").unique())
    intakes = sorted(intake["intake"].unique(), key=lambda name: name != "Reception")
    years = sorted(intake["year"].unique())
    shades, tables = [], []
    for name in intakes:
        wide = intake[intake["intake"].eq(name)].pivot(index="place", columns="year", values="surplus_share")
        wide = wide.reindex(index=places, columns=years)
        classes = np.where(wide.isna(), len(ROOM) + 1, np.digitize(wide.to_numpy(), ROOM))
        shades.append(classes.T.tolist())
        frame = wide.set_axis([f"{year_name(year)} share" for year in years], axis=1).reset_index()
        columns = {"place": (level.capitalize(), "text")}
        columns |= {f"{year_name(year)} share": (year_name(year), "share") for year in years}
        tables.append(Grid(f"{name}: share of places spare, by {level} and year", frame, columns))
    fills = (*ROOM_FILLS, NO_PLACE)
    data = {"places": places, "years": [year_name(year) for year in years], "fills": fills, "shades": shades}
    return {
        "intakes": intakes,
        "years": [year_name(year) for year in years],
        "svg": _areas_picture(outlines, groups, places, shades[0][0]),
        "key": [{"fill": fill, "words": words} for fill, words in zip(fills, (*ROOM_WORDS, "no number"), strict=True)],
        "note": f"Each area has the colour of its {level}. The bands are an example: set those your authority agreed.",
        "tables": tables,
        "data": to_json(data),
    }  # fmt: skip


def _areas_picture(outlines: Outlines, groups: pd.Series, places: Sequence[str], shades: Sequence[int]) -> Markup:
    west, south = outlines.boxes[:, :2].min(axis=0)
    east, north = outlines.boxes[:, 2:].max(axis=0)
    level = outlines.level_for(float(east - west))
    fills = (*ROOM_FILLS, NO_PLACE)
    at = {place: number for number, place in enumerate(places)}
    left, top = outlines.origin
    paths = []
    for code, path in zip(outlines.codes, level.paths, strict=True):
        number = at.get(str(groups.get(code, "")), -1)
        fill = fills[shades[number]] if number >= 0 else NO_PLACE
        paths.append(Markup('<path d="{}" fill="{}" data-place="{}"/>').format(path, fill, number))
    step = level.step_m
    box = ((west - left) / step, (top - north) / step, (east - west) / step, (north - south) / step)
    return Markup(
        '<svg class="map" viewBox="{:.1f} {:.1f} {:.1f} {:.1f}" role="img" aria-label="{}"><g stroke="#ffffff" '
        'stroke-width="{:.2f}" stroke-linejoin="round" fill-rule="evenodd">{}</g></svg>'
    ).format(
        *box, "Areas shaded by the share of places spare; the table beside has every number", box[2] / 900,
        Markup("").join(paths),
    )  # fmt: skip


# --- words ------------------------------------------------------------------------------------------------------


def _findings(forecast: Forecast, whole: pd.DataFrame, top: str) -> tuple[tuple[str, ...], pd.DataFrame]:
    sentences, shares = [], []
    for measure in [
        name for name in ("primary", "secondary", "Reception", "Year 7") if whole["measure"].eq(name).any()
    ][:2]:
        rows = whole[whole["measure"].eq(measure)]
        now, last = float(rows["now"].iloc[0]), rows.iloc[-1]
        change = float(last["forecast"]) / now - 1 if now else 0.0
        way = "rise" if change > 0 else "fall"
        shares += [abs(change), float(last["past_error_share"])]
        sentences.append(
            f"{capital(measure)} rolls are forecast to {way} by {100 * abs(change):.1f}% by {last['when']}; "
            f"such forecasts "
            f"missed by {100 * float(last['past_error_share']):.1f}% on average, so far ahead."
        )
    worst = forecast.known_error.reset_index()
    worst = worst[worst["level"].eq(top)]
    if len(worst):
        beaten = worst["beats_last_value"].astype(bool) & worst["beats_last_ratio"].astype(bool)
        total, better = len(worst), int(beaten.sum())
        sentences.append(
            f"Tried on the past, all together, it beats both naive methods in {better} of {total} comparisons "
            f"of rolls and "
            "years ahead; the table says where it does not."
        )
    return tuple(sentences), pd.DataFrame({"share": pd.Series(shares, dtype=float)})


def _backtest_findings(accuracy: pd.DataFrame, top: str) -> tuple[tuple[str, ...], pd.DataFrame]:
    mine = accuracy[accuracy["level"].eq(top) & accuracy["method"].eq(COMBINATION)]
    one = mine[mine["ahead"].eq(1)]
    phases = one["measure"].isin(["primary", "secondary"])
    one = one[phases] if phases.any() else one
    sentences, shares = [], []
    for row in one.itertuples(index=False):
        shares += [row.mape, abs(row.bias)]
        way = f"{100 * abs(row.bias):.1f}% {'too high' if row.bias > 0 else 'too low'}"
        way = "neither too high nor too low" if abs(row.bias) < 0.0005 else way
        sentences.append(
            f"{capital(row.measure)}, one year ahead: missed by {100 * row.mape:.1f}% on average, {way} in the mean "
            f"of {row.forecasts} years."
        )
    both = int((mine["beats_last_value"].eq("yes") & mine["beats_last_ratio"].eq("yes")).sum())
    sentences.append(f"All together, the combination beats both naive methods in {both} of {len(mine)} comparisons.")
    return tuple(sentences), pd.DataFrame({"share": pd.Series(shares, dtype=float)})


def _error_notes() -> list[str]:
    return [
        "Error is (forecast less actual) over actual, as the Department for Education scores it: above 0 is too high.",
        "Every forecast of the past was made with nothing that was known later; the combination was chosen anew "
        "each time "
        "from the errors known then. A sum is always that of its schools' forecasts.",
        f"{TOO_FEW}: too few past errors for an interval of that coverage; the data cannot tell.",
    ]


def _notes(published: bool) -> list[str]:
    notes = [
        "A forecast carries on what was: it cannot know of a new estate, a closed school or a change of rules unless "
        "somebody adds it.",
        *_error_notes(),
    ]
    if not published:
        notes.append("Year groups that are hidden are in no total; a school with one now has no rows of its own.")
    return notes


def _protection(what: str, rule: Rule, published: bool) -> str:
    """How the rolls behind a page are protected, in words."""
    if published:
        return "Rolls are published figures, so they are shown exactly."
    return f"{what} are worked out from {'exact' if rule.exact else 'protected'} rolls. {rule.sentence}"


def _only(forecast: Forecast, top: str) -> str:
    names = forecast.past.groups[top].unique() if top in forecast.past.groups else [top]
    return str(names[0]) if len(names) == 1 else top
