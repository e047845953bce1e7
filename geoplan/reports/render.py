"""Reports to HTML: a template with autoescape, one style sheet in the page, no script."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd
from markupsafe import Markup

from geoplan.disclosure import HIDDEN, Protected
from geoplan.likeness import whole_percent
from geoplan.maps.cells import cells, range_text
from geoplan.maps.render import ASSETS as OF_PAGES
from geoplan.maps.render import credit_sentences, policy, templates
from geoplan.reports.charts import HomesMap, bar, change_bar, homes_map, largest
from geoplan.reports.words import (
    FAIR,
    HOW_TO_READ,
    change_sentence,
    closeness,
    in_hundred,
    kilometres,
    percentages,
    standings,
    way,
    who_sentence,
)
from geoplan.sentences import listed

if TYPE_CHECKING:
    import jinja2

    from geoplan.reports.outlines import Outlines
    from geoplan.sources import Source

ASSETS = Path(__file__).with_name("assets")
MOST_GROUPS = 8
MOST_AREAS = 6
MOST_CHANGES = 4
MOST_CAUTIONS = 6  # as many as there are kinds
ROOMY_LINES, DENSE_LINES = 24, 36  # a report with more of what varies in length is printed smaller, and smaller
ELSEWHERE = "elsewhere"
_SHARES = ("share", "base_share", "share_low", "share_high")


class Sheet(Protocol):
    """What every page has."""

    sources: tuple[Source, ...]


class Report(Sheet, Protocol):
    """What the page of one school is made from; HeadReport says what is what."""

    name: str
    profile: Protected
    compared: str
    homes: Protected | None
    outlines: Outlines | None
    position: tuple[float, float] | None
    similar: pd.DataFrame
    apart_km: float
    changes: Protected | None
    period: str
    intake: tuple[str, ...]
    trust: tuple[str, ...]
    cautions: tuple[str, ...]
    shares: tuple[float, ...]
    noun: str
    marking: str
    invented: bool
    drawn: HomesMap | None


class SideBySide(Sheet, Protocol):
    """What the page of a cluster is made from."""

    def parts(self) -> dict:
        """What the template shows."""


def head_page(report: Report) -> str:
    """The page of a :class:`~geoplan.reports.head.HeadReport`."""
    drawn = report.drawn
    who, where, alike_words, *change = sentences(report)
    return _page(
        "head.html",
        report=report,
        who=who,
        groups=group_rows(report.profile, report.compared),
        left_out=max(0, len(report.profile) - MOST_GROUPS),
        total=placed_in_words(report.profile, report.school),
        drawn=drawn,
        areas=area_rows(report, drawn),
        where=where,
        change=next(iter(change), ""),
        changes=() if report.changes is None else change_rows(report.changes),
        alike=alike_rows(report.similar),
        alike_words=alike_words,
        apart=f"{report.apart_km:g} km",
        cautions=report.cautions[:MOST_CAUTIONS],
        hidden=hidden_sentence(report),
        density=_density(lines_of(report)),
    )


def sentences(report: Report) -> tuple[str, ...]:
    """A sentence for each picture: who comes, from where, which schools are alike and, where known, what changed."""
    who = who_sentence(report.profile, report.noun, report.compared)
    said = (who, where_sentence(report), alike_sentence(report))
    return said if report.changes is None else (*said, change_sentence(report.changes, report.period))


def cluster_html(page: SideBySide) -> str:
    """The page of a :class:`~geoplan.reports.cluster.ClusterPage`."""
    return _page("cluster.html", page=page, **page.parts())


def _page(template: str, **parts: object) -> str:
    subject = parts.get("report") or parts["page"]
    style = _style()
    return _environment().get_template(template).render(
        policy=policy([], [style]),
        style=Markup(style),
        credits=credit_sentences(subject.sources),
        invented=[source.title for source in subject.sources if source.invented],
        hidden_sign=HIDDEN,
        **parts,
    )  # fmt: skip


def lines_of(report: Report) -> int:
    """About how many lines the parts of a report take that differ in length, to print long ones smaller."""
    cells = [wrapped(str(name), 34) for name in report.profile.table["name"]]
    alike = [max(wrapped(row["name"], 48), wrapped(row["reason"], 60)) for row in alike_rows(report.similar)]
    words = [wrapped(line, 76) for line in (*report.cautions[:MOST_CAUTIONS], *report.trust)]
    changes = 0 if report.changes is None else 3 + min(len(report.changes), MOST_CHANGES)
    intake = wrapped(" ".join(report.intake), 66) if report.intake else 0
    return (
        sum(cells[:MOST_GROUPS]) + sum(alike) + max(sum(words), 5) + max(intake, changes - 6)
        + 2 * wrapped(report.name, 46) + bool(report.marking) + report.invented
    )  # fmt: skip


def _density(lines: int) -> str:
    return "" if lines <= ROOMY_LINES else " dense" if lines <= DENSE_LINES else " dense tight"


def wrapped(text: str, width: int) -> int:
    """How many lines a text takes in a column so many letters wide.

    Examples
    --------
    >>> wrapped("A short name", 40), wrapped("A name that is rather longer than the column is wide", 40)
    (1, 2)
    """
    return max(1, math.ceil(len(text) / width))


def group_rows(profile: Protected, compared: str) -> list[dict]:
    """The rows of the chart of groups: eight at most, those with the most pupils here or in the base."""
    table = profile.table
    if len(table) > MOST_GROUPS:
        weight = table[["share", "base_share"]].max(axis=1).fillna(0)
        keep = weight.sort_values(ascending=False, kind="stable").index[:MOST_GROUPS]
        table = table.loc[table.index.isin(keep)]
    words = standings(profile)
    shown = Protected(
        table, profile.hidden.loc[table.index], profile.rule, profile.base, profile.units, profile.printed
    )
    columns = [cells(shown, name, name, "share", decimals=0) for name in _SHARES]
    own, base = percentages(shown, "share"), percentages(shown, "base_share")
    most = largest(table[list(_SHARES)])
    rows = []
    for at, (code, name) in enumerate(zip(table.index, table["name"], strict=True)):
        span = range_text(columns[2], columns[3], at)
        title = f"{name}: {own[at]} here, {base[at]} in {compared}, likely range {span}"
        rows.append(
            {
                "name": str(name),
                "bar": bar([column.values[at] for column in columns], most, title),
                "share": own[at],
                "base": base[at],
                "range": span,
                "standing": words[code],
            }
        )
    return rows


def placed_in_words(profile: Protected, school: str) -> str:
    """How many pupils are placed: the number itself where the table is the own school's, else a rounded one."""
    total = profile.table["total"].iloc[0] if len(profile) else 0
    own = profile.rule.own == school and all(
        {cell[0] for cell in each.cells} == {school} for each in profile.printed[:1]
    )
    return f"{total:,.0f}" if own else f"about {total:,.0f}"


def draw_map(report: Report) -> HomesMap | None:
    """The map of where the people of a report live; None where it has no areas."""
    if report.homes is None or report.outlines is None:
        return None
    title = (
        f"Map of the areas where {report.noun} of {report.name} live. Darker areas have more. "
        "The table beside it names those with the most."
    )
    return homes_map(report.homes, report.outlines, report.position, report.noun, title)


def area_rows(report: Report, drawn: HomesMap | None) -> list[dict]:
    """The areas with the most pupils: letter on the map, name, number, and how far from the school."""
    if report.homes is None:
        return []
    table = report.homes.table.drop(index=ELSEWHERE, errors="ignore")
    top = table[table["pupils"] > 0].sort_values("pupils", ascending=False, kind="stable").head(MOST_AREAS)
    letters = {} if drawn is None else drawn.letters
    drawing = report.outlines
    where = {} if drawing is None else dict(zip(drawing.codes, drawing.spots[:, 0], strict=True))
    rows = []
    for code, count in top["pupils"].items():
        far = ""
        if report.position is not None and code in where:
            far = way(*(where[code] - report.position))
        name = str(code) if drawing is None else drawing.names.get(code, str(code))
        rows.append({"letter": letters.get(code, ""), "name": name, "count": f"{count:,.0f}", "far": far})
    return rows


def where_sentence(report: Report) -> str:
    """Where pupils come from, in one sentence, from the printed numbers."""
    noun = report.noun
    if report.homes is None and report.outlines is not None:
        return f"This page cannot say where {noun} live, for that would give small numbers away."
    if report.homes is None:
        return f"No areas were given, so this page cannot say where {noun} live."
    table = report.homes.table.drop(index=ELSEWHERE, errors="ignore")
    shown = table["pupils"][table["pupils"] > 0].sort_values(ascending=False)
    if not len(shown):
        return f"In no area do enough {noun} live for a number to be shown."
    total = report.profile.table["total"].iloc[0]
    top = shown.head(MOST_AREAS)
    if not total > 0:
        return f"The table names the areas with the most {noun}."
    many = f"the {len(top)} areas" if len(top) > 1 else "the one area"
    return f"{_of_all(min(top.sum() / total, 1.0), noun)} live in {many} named here."


def _of_all(share: float, noun: str) -> str:
    return f"Nearly all {noun}" if share >= 0.955 else f"About {in_hundred(share)} {noun}"


def worked_out(report: Report) -> tuple[pd.DataFrame, ...]:
    """What a page says beside its protected numbers, as plain tables: distances, reasons, shares and sentences."""
    alike = pd.DataFrame(alike_rows(report.similar), columns=["name", "far", "how", "reason", "code"])
    areas = pd.DataFrame(area_rows(report, report.drawn), columns=["letter", "name", "far"])
    lines = [*report.cautions, *report.trust, *report.intake, *HOW_TO_READ]
    shares = pd.DataFrame({"share": [*report.shares, *_top_share(report)]})
    texts = pd.DataFrame({"text": [*lines, report.name, report.compared]})
    return alike, areas, shares, texts, report.similar.reset_index(drop=True)


def _top_share(report: Report) -> list[float]:
    """The share of pupils in the areas named, as the sentence has it."""
    if report.homes is None:
        return []
    table = report.homes.table.drop(index=ELSEWHERE, errors="ignore")
    total = report.profile.table["total"].iloc[0]
    top = table["pupils"][table["pupils"] > 0].sort_values(ascending=False).head(MOST_AREAS)
    return [min(float(top.sum() / total), 1.0)] if total > 0 and len(top) else []


def change_rows(changes: Protected) -> list[dict]:
    """The groups that changed most, largest first."""
    table = changes.table.assign(gap=changes.table["share"] - changes.table["share_before"]).dropna(subset=["gap"])
    table = table.loc[table["gap"].abs().sort_values(ascending=False, kind="stable").index[:MOST_CHANGES]]
    most = largest(table[["share_before", "share"]])
    rows = []
    for _, row in table.iterrows():
        before, now = whole_percent(row["share_before"]), whole_percent(row["share"])
        title = f"{row['name']}: {before}% before, {now}% now"
        rows.append(
            {
                "name": row["name"],
                "before": f"{before}%",
                "now": f"{now}%",
                "bar": change_bar(before, now, most, title),
            }
        )
    return rows


def alike_rows(similar: pd.DataFrame) -> list[dict]:
    """The schools alike, with how far and why."""
    reasons = similar["reason"] if "reason" in similar else pd.Series("", index=similar.index)
    return [
        {
            "name": str(row["name"]),
            "code": str(row["similar"]),
            "far": kilometres(row["km"]) if pd.notna(row["km"]) else "not known",
            "how": closeness(row["distance"]) if pd.notna(row.get("distance")) else "",
            "reason": str(reason),
        }
        for (_, row), reason in zip(similar.iterrows(), reasons, strict=True)
    ]


def alike_sentence(report: Report) -> str:
    """Which schools are alike, in one sentence."""
    if not len(report.similar):
        return "No school can be named: too few numbers can be compared."
    first = report.similar.iloc[0]
    far = f", {kilometres(first['km'])} away" if pd.notna(first["km"]) else ""
    if first.get("distance", 0) > FAIR:
        return f"No school {report.apart_km:g} km away or more is much like yours; {first['name']}{far}, comes nearest."
    return f"{first['name']}{far}, has the mix of neighbourhoods most like yours."


def hidden_sentence(report: Report) -> str:
    """How many numbers are hidden, and why; nothing where a caution on the page says it."""
    if any(f"shown as “{HIDDEN}”" in line for line in report.cautions[:MOST_CAUTIONS]):
        return ""
    hidden = int(report.profile.is_hidden("share").sum())
    if not hidden:
        return ""
    many = f"{hidden} of the {len(report.profile)} groups are" if hidden > 1 else "One group is"
    return f"{many} shown as “{HIDDEN}”: a small number, or one that would give a small one away."


@cache
def _style() -> str:
    return (ASSETS / "report.css").read_text(encoding="utf-8")


def template(name: str) -> jinja2.Template:
    """A template of a report: every value escaped."""
    return _environment().get_template(name)


@cache
def _environment() -> jinja2.Environment:
    made = templates(ASSETS, OF_PAGES)
    made.filters["listed"] = listed
    return made
