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
from geoplan.cohorts import CLASS_SIZE, stage_name, year_name
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.errors import ForecastRefused
from geoplan.forecast_methods import LAST_RATIO, LAST_VALUE
from geoplan.forecasts import Forecast
from geoplan.groundwork import FLOWS
from geoplan.maps import palette
from geoplan.maps.cells import capital
from geoplan.maps.render import asset, credit_sentences, environment, policy
from geoplan.maps.shapes import to_json
from geoplan.reports.outlines import Outlines, simplify_outlines
from geoplan.scorecards import BANDS, PERCENTILES, SOURCE, YEAR, place_among
from geoplan.sources import Source, is_invented, unique_sources
from geoplan.spare_places import intake_table, spare_places

TOO_FEW = "x"  # an interval that too few past errors allow
ROOM = (0.0, 0.05, 0.10)  # shares of places spare: short, under 5%, under 10%, more
ROOM_WORDS = ("places are short", "under 5% spare", "5% to 10% spare", "over 10% spare")
ROOM_FILLS = ("#9A4A00", "#F2B48C", "#A3CBF0", "#12436D")
NO_PLACE = "#F3F2F1"
TOGETHER = "all together"
NOT_ALIKE = (
    "One year's error of an authority and our mean over several are not quite alike: a mean is closer to 0, and ours "
    "is of a method tried on the past."
)
WIDE, HIGH = 600, 220


@dataclass(frozen=True, repr=False, eq=False)
class Grid:
    """A table of a page: the numbers, and how each column is written.

    Parameters
    ----------
    title, note
        Its caption, and a sentence below.
    frame
        Every number printed, in columns; words too.
    columns
        Column to heading and form: ``text``, ``number``, ``share`` (0.1 as 10.0%), ``range`` (with ``_low`` in the
        name, and its ``_high``), ``forms`` (one decimal).
    """

    title: str
    frame: pd.DataFrame
    columns: Mapping[str, tuple[str, str]]
    note: str = ""

    def __post_init__(self):
        printed = []
        for name, (_, form) in self.columns.items():
            printed += [name, name.replace("_low", "_high")] if form == "range" else [name]
        object.__setattr__(self, "frame", self.frame[printed].reset_index(drop=True))

    @property
    def heads(self) -> list[str]:
        """The headings."""
        return [head for head, _ in self.columns.values()]

    @property
    def headings(self) -> dict[str, str]:
        """Column to heading for a workbook, where a range is two columns."""
        answer = {}
        for name, (head, form) in self.columns.items():
            answer[name] = f"{head}, from" if form == "range" else head
            if form == "range":
                answer[name.replace("_low", "_high")] = f"{head}, to"
        return answer

    @property
    def right(self) -> list[bool]:
        """Which columns are numbers."""
        return [form != "text" for _, form in self.columns.values()]

    @property
    def unbroken(self) -> list[bool]:
        """Which columns are years or dates, that stay on one line."""
        return [name in ("when", "ahead", "year") for name in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        """The texts, row by row."""
        parts = [self._texts(name, form) for name, (_, form) in self.columns.items()]
        return [list(row) for row in zip(*parts, strict=True)]

    @property
    def printed(self) -> pd.DataFrame:
        """The texts as a table."""
        return pd.DataFrame(self.rows, columns=list(self.columns))

    def _texts(self, name: str, form: str) -> list[str]:
        values = self.frame[name].tolist()
        if form == "range":
            high = self.frame[name.replace("_low", "_high")].tolist()
            return [TOO_FEW if low != low else f"{low:,.0f} to {up:,.0f}" for low, up in zip(values, high, strict=True)]
        write = {
            "text": str,
            "number": "{:,.0f}".format,
            "share": lambda v: f"{100 * v:.1f}%",
            "forms": "{:.1f}".format,
        }
        return [TOO_FEW if value != value else _plain_zero(write[form](value)) for value in values]


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


def _plain_zero(text: str) -> str:
    """No minus before nothing.

    Examples
    --------
    >>> _plain_zero("-0"), _plain_zero("-0.0%"), _plain_zero("-0.1%")
    ('0', '0.0%', '-0.1%')
    """
    return text[1:] if text.startswith("-") and not text.strip("-0.,%") else text


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
    first = [_top_grid(whole, measure) for measure in _measures(whole)]
    spread, band_grid, place_frame = _spread(forecast.past, top)
    sections = []
    drawn = None
    if places is not None:
        by_group = None
        if level:
            intake = rounded(intake_table(forecast, places, changes, level), step)
            sections.append(_places_section(intake, level, top, forecast))
            by_group = rounded(spare_places(forecast, places, changes, level), step)
            if boundaries is not None and area_groups is not None and len(intake):
                drawn = _year_map(intake, boundaries, area_groups, level)
        spare = rounded(spare_places(forecast, places, changes, top), step)
        schools = _school_spare(forecast, places, changes, names, hidden, step)
        sections.append(_spare_section(spare, by_group, level, schools))
    if level:
        by_level = rounded(forecast.table(level), step)
        sections.append(_rolls_section(by_level, f"Rolls by {level}", level.capitalize()))
    own = rounded(forecast.table(), step)
    if hidden:
        own = own[[not hidden.get(place, False) for place in own["place"]]].reset_index(drop=True)
    own["name"] = _named(own["place"], names)
    sections.append(_rolls_section(own, "Rolls by school", "School", "name"))
    ground = groundwork_section(forecast.groundwork, step)
    sections += [ground] if ground else []
    held, coverage_said, coverage_shares = _held(forecast.past, top)
    sections += _how_sections(forecast, top, extra, step, hidden or {})
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
            first.append(_accuracy_grid(rows, f"{capital(measure)}, all together: the combination", ("ahead",)))
    held, coverage_said, coverage_shares = _held(past, top)
    sections = [{"title": "Do the ranges hold?", "words": "", "tables": [held]}]
    for level in past.levels:
        tables = []
        for measure in [name for name in MEASURES if (accuracy["measure"] == name).any()]:
            rows = accuracy[accuracy["level"].eq(level) & accuracy["measure"].eq(measure)]
            if len(rows):
                rows = rows.sort_values(["ahead", "total_error_share" if "total_error_share" in rows else "mape"])
                tables.append(
                    _accuracy_grid(
                        rows, f"{capital(measure)}, {_by(past, level, top)}: every method", ("ahead", "method")
                    )
                )
        sections.append({"title": f"Every method, {_by(past, level, top)}", "words": "", "tables": tables})
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
    chosen = _chosen(past)
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


# --- grids ----------------------------------------------------------------------------------------------------


def _protected(frame: pd.DataFrame, rule: Rule, printed: tuple) -> Protected:
    return Protected(frame, pd.DataFrame(index=frame.index), rule, "pupils", printed=printed)


_PEOPLE = (
    "now",
    "forecast",
    "low_80",
    "high_80",
    "low_95",
    "high_95",
    "demand",
    "net",
    "unfilled",
    "shortfall",
    "surplus",
    "before",
    "after",
    "added",
    "into",
)


_RENAMED = {
    "low_95": "pupils_low", "high_95": "pupils_high", "low_80": "most_low", "high_80": "most_high",
    "past_error": "past_error_share", "past_bias": "past_bias_share",
}  # fmt: skip


def rounded(table: pd.DataFrame, step: int) -> pd.DataFrame:
    """Numbers of pupils to the step of the rule; shares from the rounded ones, so that they fit what is printed."""
    table = table.copy()
    ends = _whole_ends(table) if step == 1 else {}
    for name in _PEOPLE:
        if name in table:
            table[name] = ends.get(name, (table[name] / step).round() * step) + 0.0
    for name, spare in (("surplus_share", "surplus"), ("surplus_share", "net")):
        if name in table and spare in table:
            table[name] = table[spare] / table["places"].where(table["places"] > 0)
    if "forms" in table and "surplus" in table:
        table["forms"] = table["surplus"] / CLASS_SIZE
    if "year" in table:
        table["when"] = table["year"].map(year_name)
    return table.rename(columns=_RENAMED)


def _whole_ends(table: pd.DataFrame) -> dict[str, pd.Series]:
    """The ends of intervals in whole children: the first and last number within, so that none outside is printed.

    Where no whole number is within, both ends are the forecast's nearest.
    """
    answer = {}
    for low, high in (("low_80", "high_80"), ("low_95", "high_95")):
        if low in table and high in table:
            middle = table["forecast"].round()
            answer[low] = np.minimum(np.ceil(table[low] - 1e-9), middle)
            answer[high] = np.maximum(np.floor(table[high] + 1e-9), middle)
            answer |= {name: answer[name].where(table[name].notna()) for name in (low, high)}
    return answer


def _measures(table: pd.DataFrame) -> list[str]:
    return [name for name in MEASURES if table["measure"].eq(name).any()]


_FORECAST_COLUMNS = {
    "forecast": ("Forecast", "number"),
    "pupils_low": ("19 in 20 within", "range"),
    "most_low": ("4 in 5 within", "range"),
    "past_error_share": ("Past error", "share"),
    "past_bias_share": ("Mean error, above 0 too high", "share"),
    "past_forecasts": ("Forecasts tried", "number"),
}


def _top_grid(table: pd.DataFrame, measure: str) -> Grid:
    rows = table[table["measure"].eq(measure)].reset_index(drop=True)
    columns = {"when": ("Year", "text"), **_FORECAST_COLUMNS}
    note = f"On roll now: {rows['now'].iloc[0]:,.0f}."
    return Grid(capital(measure), rows, columns, note)


def _rolls_section(table: pd.DataFrame, title: str, head: str, name: str = "place") -> dict:
    """Rolls by place: a grid for each measure."""
    grids = []
    for measure in _measures(table):
        rows = table[table["measure"].eq(measure)].reset_index(drop=True)
        columns = {name: (head, "text"), "when": ("Year", "text"), "now": ("Now", "number"), **_FORECAST_COLUMNS}
        grids.append(Grid(f"{title}, {measure}", rows, columns))
    words = "Past error: mean size of the miss of such forecasts, so many years ahead, over all places of this kind."
    return {"title": title, "words": words, "tables": grids}


_INTAKE_COLUMNS = {
    "when": ("Year", "text"),
    "places": ("Places", "number"),
    "demand": ("Demand", "number"),
    "surplus": ("Surplus", "number"),
    "surplus_share": ("Surplus %", "share"),
    "forms": ("Forms of entry", "forms"),
    "shortfall": ("Short at single schools", "number"),
    "past_error_share": ("Past error of demand", "share"),
}


def _places_section(intake: pd.DataFrame, level: str, top: str, forecast: Forecast) -> dict:
    """The table of places as Hertfordshire prints it, demand with its past error."""
    known = forecast.known_error["mape"].to_dict()

    def told(rows: pd.DataFrame) -> pd.DataFrame:
        rows = with_totals(rows)
        ahead = rows["year"] - forecast.year_now
        kinds = np.where(rows["place"].eq(TOGETHER), top, level)
        keys = zip(kinds, rows["intake"].ffill(), ahead, strict=True)
        return rows.assign(past_error_share=[known.get(key, np.nan) for key in keys])

    grids = [
        Grid(f"{name}: places and demand by {level}", told(rows),
             {"place": (level.capitalize(), "text"), **_INTAKE_COLUMNS})
        for name, rows in intake.groupby("intake", sort=True)
    ]  # fmt: skip
    words = (
        "Places are admission numbers; demand is the forecast intake; below 0 there are too few places. A form "
        "of entry is "
        "a class of 30. Schools that are over their number are not set off against others with room."
    )
    return {"title": f"Places, demand and surplus by {level}", "words": words, "tables": grids}


def with_totals(intake: pd.DataFrame, called: str = TOGETHER) -> pd.DataFrame:
    """The rows of an intake with a last one for each year: the sum of those printed, so that it adds up on the page.

    Examples
    --------
    >>> table = pd.DataFrame({"place": ["A", "B"], "year": 2026, "when": "2026/27", "places": [60.0, 30.0],
    ...                       "demand": [50.0, 35.0], "surplus": [10.0, -5.0], "shortfall": [0.0, 5.0]})
    >>> with_totals(table)[["place", "surplus", "shortfall"]].to_numpy().tolist()[-1]
    ['all together', 5.0, 5.0]
    """
    if intake["place"].nunique() < 2:
        return intake.reset_index(drop=True)
    sums = intake.groupby(["year", "when"], as_index=False)[["places", "demand", "surplus", "shortfall"]].sum()
    sums["surplus_share"] = sums["surplus"] / sums["places"].where(sums["places"] > 0)
    sums["forms"] = sums["surplus"] / CLASS_SIZE
    return pd.concat([intake, sums.assign(place=called)], ignore_index=True)


def _spare_section(spare: pd.DataFrame, by_group: pd.DataFrame | None, level: str, schools: Grid) -> dict:
    columns = {
        "phase": ("Schools", "text"), "when": ("Year", "text"), "places": ("Places", "number"),
        "demand": ("Pupils", "number"), "unfilled": ("Unfilled (gross)", "number"),
        "shortfall": ("Over places", "number"),
        "net": ("Net spare", "number"), "surplus_share": ("Net spare %", "share"),
    }  # fmt: skip
    words = (
        "Unfilled places are counted school by school, as the DfE does; net spare sets full schools off against them. "
        "Schools are of the phase that most of their year groups are of, with all their pupils. How wrong forecasts of "
        "pupils were, so many years ahead, stands with the rolls."
    )
    grids = [Grid("Spare places in all year groups", spare.reset_index(drop=True), columns)]
    if by_group is not None:
        own = {"place": (capital(level), "text"), **columns}
        grids.append(Grid(f"Spare places by {level}", by_group.reset_index(drop=True), own))
    return {"title": "Spare places", "words": words, "tables": [*grids, schools]}


def _school_spare(forecast, places, changes, names, hidden, step) -> Grid:
    table = rounded(spare_places(forecast, places, changes), step)
    table = table[table["places"].gt(0)]
    if hidden:
        table = table[[not hidden.get(place, False) for place in table["place"]]]
    table = table.reset_index(drop=True)
    table["name"] = _named(table["place"], names)
    columns = {
        "name": ("School", "text"), "when": ("Year", "text"), "places": ("Places", "number"),
        "demand": ("Pupils", "number"), "net": ("Spare", "number"), "surplus_share": ("Spare %", "share"),
    }  # fmt: skip
    return Grid("Spare places by school", table, columns)


def _accuracy_grid(rows: pd.DataFrame, title: str, keys: tuple[str, ...]) -> Grid:
    rows = rows.rename(
        columns={
            "mape": "mape_share",
            "median": "median_share",
            "bias": "bias_share",
            "total_error": "total_error_share",
        }
    ).reset_index(drop=True)
    rows["ahead"] = rows["ahead"].map(lambda years: f"{years} year{'s' if years > 1 else ''} ahead")
    heads = {"ahead": ("How far", "text"), "method": ("Method", "text")}
    columns = {key: heads[key] for key in keys} | {
        "mape_share": ("Mean size of error", "share"), "median_share": ("Median size", "share"),
        "bias_share": ("Mean error (bias)", "share"), "total_error_share": ("All misses over all rolls", "share"),
        "beats_last_value": ("Beats last value", "text"), "beats_last_ratio": ("Beats last ratio", "text"),
        "forecasts": ("Forecasts", "number"),
    }  # fmt: skip
    return Grid(title, rows, columns)


def _chosen(past: BackTest) -> Grid:
    frame = past.chosen_weights.rename(columns={"weight": "weight_share"})
    columns = {"band": ("Year groups", "text"), "method": ("Method", "text"), "weight_share": ("Weight", "share")}
    note = (
        "Tried on the past, these missed by least at single schools and in every kind of sum, all counting alike, over "
        "all years ahead. Beside them the last ratio has the weight of one year that was tried."
    )
    return Grid("Methods in the combination", frame, columns, note)


def held_overall(past: BackTest, top: str, nominal: float = 0.95) -> pd.DataFrame:
    """How often ranges held, all rolls and years ahead together.

    Returns
    -------
    DataFrame
        By level: ``words`` (single schools, by cluster, all together), ``given`` (past forecasts that had a range)
        and ``held`` (the share of those within).
    """
    table = past.coverage((nominal,)).reset_index()
    table = table.astype({"level": "str"}).assign(within=(table["held"] * table["given"]).fillna(0.0))
    sums = table.groupby("level")[["given", "within"]].sum()
    sums = sums.reindex([level for level in past.levels if sums["given"].get(level, 0) > 0])
    words = [_by(past, level, top) for level in sums.index]
    return pd.DataFrame({"words": words, "given": sums["given"], "held": sums["within"] / sums["given"]})


def held_sentence(overall: pd.DataFrame) -> str:
    """How often ranges for 19 in 20 held, in a sentence (of :func:`held_overall`).

    Examples
    --------
    >>> held_sentence(pd.DataFrame({"words": ["single schools", "all together"], "given": [900, 30], "held": 0.94}))
    'Ranges for 19 in 20 held, tried on the past: single schools 94.0% of 900 times, all together 94.0% of 30.'
    """
    if not len(overall):
        return "Too few past forecasts had a range to say how often ranges hold."
    parts = [f"{row.words} {100 * row.held:.1f}% of {row.given:,}" for row in overall.itertuples()]
    parts[0] += " times"
    return f"Ranges for 19 in 20 held, tried on the past: {', '.join(parts)}."


def _held(past: BackTest, top: str) -> tuple[Grid, str, list[float]]:
    """How often ranges held: the table, a sentence, and the numbers in it."""
    coverage = past.coverage().reset_index().astype({"level": "str", "measure": "str"})
    coverage = coverage[coverage["given"] > 0].rename(columns={"held": "held_share", "width": "width_share"})
    coverage["level"] = [_by(past, level, top) for level in coverage["level"]]
    stated = coverage["nominal"].map({0.8: "4 in 5", 0.95: "19 in 20"})
    coverage["stated"] = stated.fillna(coverage["nominal"].astype("str"))
    grid = Grid(
        "How often ranges held", coverage.reset_index(drop=True),
        {"level": ("Level", "text"), "measure": ("Rolls", "text"), "stated": ("Stated", "text"),
         "given": ("Forecasts with a range", "number"), "held_share": ("Held", "share"),
         "width_share": ("Mean width", "share")},
        "Each forecast of the past with the range it would have had then. Width: of the whole range, over the "
        "forecast. Errors one to seven years ahead of one place go together, so a few dozen forecasts of all together "
        "say little.",
    )  # fmt: skip
    overall = held_overall(past, top)
    return grid, held_sentence(overall), [*overall["held"], *overall["given"]]


def _with_held(
    findings: tuple[str, ...], said: pd.DataFrame, sentence: str, numbers: list[float]
) -> tuple[tuple[str, ...], pd.DataFrame]:
    """Findings with the sentence on ranges, and its numbers among those said."""
    half = len(numbers) // 2
    more = pd.DataFrame({"share": numbers[:half], "given": numbers[half:]}, dtype=float)
    return (*findings, sentence), pd.concat([said, more], ignore_index=True)


def _by(past: BackTest, level: str, top: str) -> str:
    """A level in words: single schools, by cluster, all together."""
    if level == top:
        return TOGETHER
    return f"single {level}s" if level == past.level else f"by {level.replace('_', ' ')}"


FLOW_NOTE = (
    "Intake here: residents, less those who go to independent schools and out, times the share of the rest in our "
    "schools, and those who come in. That share is of all years known: below 100% where lists count children who moved "
    "away or are taught at home."
)


def groundwork_section(groundwork: pd.DataFrame, step: int) -> dict | None:
    """What was done to the data before, as a section of a page; None where nothing was."""
    if not len(groundwork):
        return None
    grids = []
    for why, part in groundwork.groupby("why", sort=False):
        table = rounded(part.reset_index(drop=True), step)
        columns = {"place": ("Place", "text"), "when": ("Year", "text"), "of": ("Of", "text"),
                   "before": ("Before", "number"), "after": ("After", "number"), "words": ("How", "text")}  # fmt: skip
        if why.startswith(FLOWS):
            del columns["words"]
            columns |= {
                "before": ("Residents", "number"), "independent_share": ("Independent", "share"),
                "out_share": ("Out", "share"), "kept_share": ("Of the rest, in our schools", "share"),
                "into": ("In", "number"),
            }  # fmt: skip
            columns |= {"after": columns.pop("after"), "words": ("By", "text")}
            columns["after"] = ("Intake here", "number")
        note = FLOW_NOTE if why.startswith(FLOWS) else ""
        grids.append(Grid(capital(why), table, columns, note))
    words = "Numbers before and after. Forecasts use those after; every method was tried on the past like any other."
    return {"title": "What was done to the data", "words": words, "tables": grids}


def _how_sections(
    forecast: Forecast, top: str, extra: Iterable[Grid], step: int, hidden: Mapping[str, bool]
) -> list[dict]:
    sections = []
    extra = list(extra)
    if extra:
        sections.append({"title": "Other plans and options", "words": "", "tables": extra})
    shown = forecast.adjustments
    if hidden:
        shown = shown[[not hidden.get(place, False) for place in shown["place"]]].reset_index(drop=True)
    if len(shown):
        table = shown.copy()
        table["when"] = table["year"].map(year_name)
        table["surplus"] = table["pupils"]
        table = rounded(table.drop(columns="pupils"), step)
        columns = {"why": ("Why", "text"), "place": ("Place", "text"), "when": ("Year", "text"),
                   "phase": ("Phase", "text"), "surplus": ("Added", "number")}  # fmt: skip
        sections.append(
            {"title": "What was added to the forecast", "words": "", "tables": [Grid("Adjustments", table, columns)]}
        )
    accuracy = forecast.past.accuracy(top).reset_index()
    rows = accuracy[accuracy["method"].isin([COMBINATION, LAST_VALUE, LAST_RATIO])].copy()
    for name in ("level", "measure", "method"):
        rows[name] = rows[name].astype("str")
    for name in ("beats_last_value", "beats_last_ratio"):
        rows[name] = np.where(rows[name].fillna(False).astype(bool), "yes", "no")
    tables = [
        _accuracy_grid(part, f"{capital(measure)}: the combination and the naive methods", ("ahead", "method"))
        for measure in MEASURES
        if len(part := rows[rows["measure"].eq(measure)])
    ]
    words = (
        "The two naive methods anybody could use: every year group as it was (last value), and last year's "
        "survival and "
        "shares (last ratio). Where the combination does not beat them, it says no."
    )
    sections.append({"title": "Does it beat guessing?", "words": words, "tables": tables})
    sections.append({"title": "Which methods were chosen", "words": "", "tables": [_chosen(forecast.past)]})
    return sections


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
    for measure in _measures(whole):
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


def _named(codes: pd.Series, names: Mapping[str, str] | None) -> list[str]:
    """The name of each place, or its code."""
    known = dict(names or {})
    return [str(known.get(code, code)) for code in codes]


def recut_grid(
    table: pd.DataFrame,
    stage: int,
    step: int,
    names: Mapping[str, str] | None = None,
    hidden: Mapping[str, bool] | None = None,
) -> Grid:
    """Intakes under another plan as a table of the page (:func:`geoplan.spare_places.recut_intakes`).

    Schools with a hidden year group have no row.
    """
    frame = table[[not (hidden or {}).get(school, False) for school in table["school"]]].reset_index(drop=True)
    for name in ("today", "with_plan"):
        frame[name] = (frame[name] / step).round() * step
    frame["change"] = frame["with_plan"] - frame["today"]
    frame["when"] = frame["year"].map(year_name)
    frame["name"] = _named(frame["school"], names)
    columns = {"name": ("School", "text"), "when": ("Year", "text"), "today": ("Plan of today", "number"),
               "with_plan": ("Other plan", "number"), "change": ("Change", "number")}  # fmt: skip
    note = (
        "If every school kept drawing the same share of the children of its catchment; all intakes together stay the "
        "same. The past cannot try a plan that was never in force: its intakes are less sure than the past error of "
        "rolls by school says."
    )
    return Grid(f"{stage_name(stage)} intakes with the other plan", frame, columns, note)
