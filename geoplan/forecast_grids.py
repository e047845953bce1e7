"""The tables of the pages about rolls to come: how each number is written, and what stands in which column.

A :class:`Grid` is made from rounded numbers (:func:`rounded`) and holds every number it prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.backtests import COMBINATION, MEASURES, BackTest
from geoplan.cohorts import CLASS_SIZE, stage_name, year_name
from geoplan.forecast_methods import LAST_RATIO, LAST_VALUE
from geoplan.forecasts import Forecast
from geoplan.groundwork import FLOWS
from geoplan.maps.cells import capital
from geoplan.spare_places import spare_places

TOO_FEW = "x"  # an interval that too few past errors allow
TOGETHER = "all together"


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


def _plain_zero(text: str) -> str:
    """No minus before nothing.

    Examples
    --------
    >>> _plain_zero("-0"), _plain_zero("-0.0%"), _plain_zero("-0.1%")
    ('0', '0.0%', '-0.1%')
    """
    return text[1:] if text.startswith("-") and not text.strip("-0.,%") else text


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


def measures_in(table: pd.DataFrame) -> list[str]:
    """The measures that a table has rows of, in the usual order."""
    return [name for name in MEASURES if table["measure"].eq(name).any()]


_FORECAST_COLUMNS = {
    "forecast": ("Forecast", "number"),
    "pupils_low": ("19 in 20 within", "range"),
    "most_low": ("4 in 5 within", "range"),
    "past_error_share": ("Past error", "share"),
    "past_bias_share": ("Mean error, above 0 too high", "share"),
    "past_forecasts": ("Forecasts tried", "number"),
}


def top_grid(table: pd.DataFrame, measure: str) -> Grid:
    """All together, one measure: the forecast, its ranges and its past error, year by year."""
    rows = table[table["measure"].eq(measure)].reset_index(drop=True)
    columns = {"when": ("Year", "text"), **_FORECAST_COLUMNS}
    note = f"On roll now: {rows['now'].iloc[0]:,.0f}."
    return Grid(capital(measure), rows, columns, note)


def rolls_section(table: pd.DataFrame, title: str, head: str, name: str = "place") -> dict:
    """Rolls by place: a grid for each measure."""
    grids = []
    for measure in measures_in(table):
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


def places_section(intake: pd.DataFrame, level: str, top: str, forecast: Forecast) -> dict:
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


def spare_section(spare: pd.DataFrame, by_group: pd.DataFrame | None, level: str, schools: Grid) -> dict:
    """Spare places in all year groups: all together, by group where there are any, and by school."""
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


def school_spare_grid(forecast, places, changes, names, hidden, step) -> Grid:
    """Spare places by school; a school with a hidden year group has no row."""
    table = rounded(spare_places(forecast, places, changes), step)
    table = table[table["places"].gt(0)]
    if hidden:
        table = table[[not hidden.get(place, False) for place in table["place"]]]
    table = table.reset_index(drop=True)
    table["name"] = names_of(table["place"], names)
    columns = {
        "name": ("School", "text"), "when": ("Year", "text"), "places": ("Places", "number"),
        "demand": ("Pupils", "number"), "net": ("Spare", "number"), "surplus_share": ("Spare %", "share"),
    }  # fmt: skip
    return Grid("Spare places by school", table, columns)


def accuracy_grid(rows: pd.DataFrame, title: str, keys: tuple[str, ...]) -> Grid:
    """Past errors, with whether they beat the naive methods."""
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


def chosen_grid(past: BackTest) -> Grid:
    """The methods that the combination is made of, with their weights."""
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
    words = [level_words(past, level, top) for level in sums.index]
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


def ranges_held(past: BackTest, top: str) -> tuple[Grid, str, list[float]]:
    """How often ranges held: the table, a sentence, and the numbers in it."""
    coverage = past.coverage().reset_index().astype({"level": "str", "measure": "str"})
    coverage = coverage[coverage["given"] > 0].rename(columns={"held": "held_share", "width": "width_share"})
    coverage["level"] = [level_words(past, level, top) for level in coverage["level"]]
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


def level_words(past: BackTest, level: str, top: str) -> str:
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


def how_sections(
    forecast: Forecast, top: str, extra: Iterable[Grid], step: int, hidden: Mapping[str, bool]
) -> list[dict]:
    """Other plans, what was added, the combination beside the naive methods, and which methods it is of."""
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
        accuracy_grid(part, f"{capital(measure)}: the combination and the naive methods", ("ahead", "method"))
        for measure in MEASURES
        if len(part := rows[rows["measure"].eq(measure)])
    ]
    words = (
        "The two naive methods anybody could use: every year group as it was (last value), and last year's "
        "survival and "
        "shares (last ratio). Where the combination does not beat them, it says no."
    )
    sections.append({"title": "Does it beat guessing?", "words": words, "tables": tables})
    sections.append({"title": "Which methods were chosen", "words": "", "tables": [chosen_grid(forecast.past)]})
    return sections


def names_of(codes: pd.Series, names: Mapping[str, str] | None) -> list[str]:
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
    frame["name"] = names_of(frame["school"], names)
    columns = {"name": ("School", "text"), "when": ("Year", "text"), "today": ("Plan of today", "number"),
               "with_plan": ("Other plan", "number"), "change": ("Change", "number")}  # fmt: skip
    note = (
        "If every school kept drawing the same share of the children of its catchment; all intakes together stay the "
        "same. The past cannot try a plan that was never in force: its intakes are less sure than the past error of "
        "rolls by school says."
    )
    return Grid(f"{stage_name(stage)} intakes with the other plan", frame, columns, note)
