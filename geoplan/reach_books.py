"""The pages about a service: the analyst's, and one page for a lead member; preferences and surveys likewise.

Everything is taken from protected tables; this module decides only what stands on a page and in what words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan import maps
from geoplan.areas import Boundaries
from geoplan.comparison import overall_shown
from geoplan.disclosure import Protected
from geoplan.evidence import PublicTotals
from geoplan.maps.cells import capital
from geoplan.maps.panels import MOST_BARS
from geoplan.placements import Placement, PlanReach, ReachModel
from geoplan.reach_tables import ReachTables, more_to_be_even, standing_words
from geoplan.sentences import listed
from geoplan.service_reach import ELSEWHERE, dim_words
from geoplan.sources import Source
from geoplan.suppression import protect_tables
from geoplan.surveys import LEAST_RESPONSE, Raked, rake_margins, response, top_up
from geoplan.tables import RawTable, population_name

READ_WITH_CARE = "A segment describes a neighbourhood, not a family; a family may call from anywhere."
HOW_SURE = (
    "Clearly more or fewer: chance alone would call at most one in twenty of the rows so marked (false discovery rate, "
    "within each table)."
)
MOST_ROWS = 25


def reach_book(
    tables: ReachTables,
    sources: Iterable[Source],
    *,
    boundaries: Boundaries | None = None,
    changed: Protected | None = None,
    series: Protected | None = None,
    model: ReachModel | None = None,
    bands: Protected | None = None,
    nearness: Protected | None = None,
    plan: Protected | None = None,
    sites: pd.DataFrame | None = None,
    placement: Placement | None = None,
    remarks: Iterable[str] = (),
    title: str = "",
) -> maps.MapBook:
    """The analyst's page: who is reached, where the missed are, what changed, and what a plan would do.

    Parameters
    ----------
    tables
        From :func:`geoplan.reach_tables.protect_reach`.
    sources
        What it was made from.
    boundaries
        Areas of one of the dimensions, to colour.
    changed
        From :func:`geoplan.reach_tables.change_in_reach`.
    series
        From :func:`geoplan.reach_tables.reach_series`, where there are several years.
    model, plan
        A fitted model, and a plan as it may be shown (:func:`plan_shown`).
    bands
        People and users by distance (:func:`bands_shown`), to hold the model against; the model's own unless given.
    nearness
        People and users by nearness, where the model was fitted to those.
    sites
        Sites of the service, public facts. Where they are schools (indexed by their numbers) they are marked on the
        map; otherwise they are listed, since a page gives no fine coordinates but those of schools.
    placement
        The best sites found.
    remarks
        Further sentences for the notes: of the best sites, and of whom a model leaves out.
    title
        The page's heading.
    """
    sources = tuple(sources)
    subject = tables.by[tables.subject]
    panels = [*_bars(tables, subject, sources), _reach_table(tables, tables.subject, sources)]
    if changed is not None:
        panels.append(change_panel(changed, sources, tables.subject))
    if series is not None:
        columns = {name: (capital(name), series.units.get(name, "")) for name in series.table.columns}
        panels.append(maps.table("The index, year by year", series, columns, sources=sources))
    panels += [_missed_table(tables, dim, sources) for dim in tables.missed]
    panels += [_reach_table(tables, dim, sources, MOST_ROWS) for dim in tables.by if dim != tables.subject]
    panels += [_crossing_table(tables, pair, sources) for pair in tables.crossings]
    if plan is not None:
        panels.append(plan_panel(plan, sources))
    if model is not None:
        panels.append(fit_panel(model, sources, tables, bands))
    if nearness is not None:
        panels.append(nearness_panel(nearness, sources))
    panels += [_contacts_table(tables, sources), _accounts_table(tables, sources)]
    layers = []
    if boundaries is not None and boundaries.kind in tables.missed:
        layers += _missed_layers(tables, boundaries, sources)
    if sites is not None and len(sites):
        if _are_schools(sites):
            layers.append(_sites_layer(sites, placement, sources))
        else:
            panels.append(_sites_table(sites, placement, sources))
    notes = [READ_WITH_CARE, HOW_SURE, *_notes(tables)]
    notes += [f"Distance: {model.sentence}."] if model is not None else []
    notes += list(remarks)
    return maps.MapBook(
        title or f"Who is reached, and who is missed: {tables.service}",
        finding=tables.finding,
        layers=tuple(layers),
        panels=tuple(panels),
        notes=tuple(notes),
        marking=tables.rule.marking,
    )


def reach_note(
    tables: ReachTables, sources: Iterable[Source], changed: Protected | None = None, title: str = ""
) -> maps.MapBook:
    """One sheet for a lead member: who is missed in plain sentences, one picture, where they are, what changed.

    The figures are those of the analyst's page, which has the tables behind them.
    """
    sources = tuple(sources)
    panels = _bars(tables, tables.by[tables.subject], sources) or [_reach_table(tables, tables.subject, sources)]
    answers = where_answers(tables)
    answers |= change_answers(changed) if changed is not None else {}
    if answers:
        words = pd.DataFrame({"answer": pd.Series(answers)}).rename_axis("question")
        panels.append(
            maps.table("Where they are, and what changed" if changed is not None else "Where they are", public=words,
                       columns={"answer": ("Answer", "")}, sources=sources, index="Question")
        )  # fmt: skip
    return maps.MapBook(
        title or f"{capital(tables.service)}: who is missed, in one page",
        finding=" ".join([*plain_sentences(tables), *more_in_one(tables)]),
        panels=tuple(panels),
        notes=(*_notes(tables)[:1], READ_WITH_CARE),
        marking=tables.rule.marking,
    )


def survey_book(tables: ReachTables, sources: Iterable[Source], *, least: float = LEAST_RESPONSE) -> maps.MapBook:
    """The page of a survey: response by group with the guide's rule, a test, what weights cost, and a top-up."""
    sources = tuple(sources)
    panels = []
    for dim in tables.by:
        panels += [_response_table(tables, dim, sources, least), _top_up_table(tables, dim, sources, least)]
    notes = [*survey_sentences(tables, least), *_notes(tables), *weights_sentences(tables)]
    return maps.MapBook(
        f"Whom did {tables.service} hear?",
        finding=survey_finding(tables, least),
        panels=(*panels, _accounts_table(tables, sources)),
        notes=tuple(notes),
        marking=tables.rule.marking,
    )


def preferences_book(
    outcomes: Mapping[str, ReachTables], sources: Iterable[Source], nearest_by: str, title: str = ""
) -> maps.MapBook:
    """The page of preferences and offers: each outcome's rate by group, with the statistics of every comparison."""
    sources = tuple(sources)
    first = next(iter(outcomes.values()))
    panels = [_outcomes_table(outcomes, dim, sources) for dim in first.by]
    panels += [_rate_table(tables, dim, sources, MOST_ROWS) for tables in outcomes.values() for dim in tables.by]
    notes = [
        f"Nearest: {nearest_by}.",
        "A high first-choice rate may mean that a group gets what it wants, or that it asks for what it will get.",
        HOW_SURE,
        *unplaced_sentences(first),
    ]
    notes[:0] = [outcome_finding(tables) for tables in list(outcomes.values())[1:]]
    for tables in outcomes.values():
        notes += [not_shown(tables, what, why) for what, why in tables.left_out.items()]
    return maps.MapBook(
        title or "Who gets the school named first?",
        finding=outcome_finding(first),
        panels=tuple(panels),
        notes=tuple(dict.fromkeys(notes)),
        marking=first.rule.marking,
    )


# --- a plan ---------------------------------------------------------------------------------------------


def plan_shown(plan: PlanReach, tables: ReachTables) -> Protected:
    """A plan as it may be shown: the model's ratios, laid on the printed users of today.

    Returns
    -------
    Protected
        By segment, then ``all``: ``name``, ``today`` (users as printed), ``after``, ``after_low``, ``after_high`` (from
        the ratios, rounded as counts are), ``more_share``, ``more_share_low``, ``more_share_high`` (0.1 for a tenth
        more users, from the numbers printed); hidden where the users are.
    """
    subject = tables.by[tables.subject]
    rows = [code for code in plan.table.index if code in subject.table.index or code == "all"]
    ratio = plan.table.loc[rows]
    users = subject.table["count"].reindex(rows)
    users.loc["all"] = subject.table["total"].max()
    hidden = subject.hidden["count"].reindex(rows, fill_value=False)
    hidden.loc["all"] = subject.hidden["total"].any()
    step = tables.rule.round_to
    table = pd.DataFrame({"name": subject.table["name"].reindex(rows).fillna("All"), "today": users})
    for name, column in (("after", "ratio"), ("after_low", "low"), ("after_high", "high")):
        table[name] = (users * ratio[column] / step).round() * step
    for name in ("after", "after_low", "after_high"):  # of printed numbers: a finer ratio would tell of single people
        table[name.replace("after", "more_share")] = (table[name] / users.where(users > 0) - 1).round(2)
    away = pd.DataFrame(dict.fromkeys(table.columns[1:], hidden), index=table.index)
    return Protected(table, away, tables.rule, tables.base_name, printed=subject.printed)


def plan_panel(plan: Protected, sources: Iterable[Source]) -> maps.TablePanel:
    """A plan beside today."""
    columns = {
        "name": ("Segment", ""),
        "today": ("Users today", ""),
        "after": ("With the plan", ""),
        "after_low": ("At least", ""),
        "after_high": ("At most", ""),
        "more_share": ("Change", "share"),
    }
    note = (
        "What the model expects, with 95% intervals of the model's own uncertainty; a single year may differ by chance."
    )
    return maps.table("What the plan would change", plan, columns, sources=sources, note=note)


def bands_shown(counts: pd.DataFrame, tables: ReachTables, by: str = "distance", sites: str = "") -> Protected:
    """People and users by distance, hidden and rounded by the rule.

    Parameters
    ----------
    counts
        Exact, from :func:`geoplan.placements.count_by_distance`.
    tables
        Of the reach.
    by
        What they are counted by, in words.
    sites
        A mark of the sites: as far from others is another band, which the ledger must not take for the same.

    Returns
    -------
    Protected
        By kilometres to the nearest site: ``base`` and ``seen``.
    """
    parts = {}
    for name, noun in (("base", tables.base_noun), ("seen", tables.noun)):
        population = population_name(f"{noun} by {by} to {tables.service}", sites, tables.data)
        own = counts[name].astype("int64")
        total = PublicTotals((), pd.Series([int(own.sum())]), population)
        parts[name] = protect_tables([RawTable(population, own, noun, population)], tables.rule, [total])[0]
    rows = list(counts.index)
    shown = pd.DataFrame({name: part.shown for name, part in parts.items()}).loc[rows]
    hidden = pd.DataFrame({name: part.hidden for name, part in parts.items()}).loc[rows]
    evidence = tuple(part.printed for part in parts.values())
    return Protected(shown, hidden, tables.rule, tables.base_name, printed=evidence)


def fit_panel(
    model: ReachModel, sources: Iterable[Source], tables: ReachTables, bands: Protected | None = None
) -> maps.TablePanel:
    """How well the model agrees with what was seen, by distance; counts hidden and rounded by the rule."""
    bands = bands_shown(model.fit, tables) if bands is None else bands
    shown, hidden = bands.table.copy(), bands.hidden.copy()
    hidden["expected"] = hidden["base"] | hidden["seen"]
    step = tables.rule.round_to
    shown["expected"] = ((model.fit["expected"] / step).round() * step).mask(hidden["expected"])
    table = replace(bands, table=shown, hidden=hidden)
    note = f"{capital(model.sentence)}. {_fit_words(model)} Spread {model.dispersion:.1f} times that of chance."
    columns = {"base": ("People", ""), "seen": ("Users seen", ""), "expected": ("Users expected", "")}
    return maps.table("How the model fits, by distance", table, columns, sources=sources, index="Distance", note=note)


def nearness_panel(nearness: Protected, sources: Iterable[Source]) -> maps.TablePanel:
    """What a model was fitted to: people and users by how near all sites are."""
    columns = {"base": ("People", ""), "seen": ("Users seen", "")}
    note = (
        "Places in groups, the nearest first: by the mean distance to the sites of today, nearer counting more. With "
        "the users of each segment, the model was fitted to these numbers and no others."
    )
    title = "What the model was fitted to: users by nearness"
    return maps.table(title, nearness, columns, sources=sources, index="Mean distance", note=note)


def _fit_words(model: ReachModel) -> str:
    """How well the model agrees; that it does not, where a falling-off is stated that these users do not show."""
    whole, distance = model.explained
    if distance < -1e-9:
        return (
            "These users show no such falling-off: one rate for all distances agrees better, so read a plan with care."
        )
    if model.margins:
        return (
            f"Of users by segment and by nearness, as printed, the model explains {100 * whole:.0f}% of what one rate "
            f"for all leaves open, distance {100 * distance:.0f}% of it."
        )
    return (
        f"The model explains {100 * whole:.0f}% of what one rate for all leaves open, "
        f"distance {100 * distance:.0f}% of it."
    )


def model_shares(model: ReachModel) -> pd.DataFrame:
    """The shares that the sentences about a model of distance name; the model's, not of people."""
    ends = [model.per_km, *(model.per_km_interval if model.fitted else ()), 0.0]
    falls = {f"falls {number}": 1 - np.exp(-end) for number, end in enumerate(ends)}
    falls |= {"sure": 0.95} if model.fitted else {}  # of the interval
    explained = dict(zip(("explained", "explained by distance"), model.explained, strict=True))
    return pd.DataFrame({"share": pd.Series(falls | explained, dtype="float64")})


def left_out_sentence(count: int, tables: ReachTables) -> list[str]:
    """Users whom a model of distance leaves out, in a number that the rule may print; nothing where there are none."""
    rule = tables.rule
    if not count:
        return []
    step = rule.round_to
    many = f"fewer than {rule.hide_below}" if count < rule.hide_below else f"about {step * round(count / step):,}"
    return [f"The model of the plan leaves out {many} {tables.noun}: not placed, or where nobody of the base lives."]


def placement_sentence(
    placement: Placement,
    whom: str = "the under-reached",
    within_km: float | None = None,
    names: Mapping[str, str] | None = None,
) -> str:
    """The best sites, for most use or for most people within so many kilometres, and how sure that is."""
    sure = "proven best" if placement.proven else f"at most {100 * placement.gap:.1f}% short of the best"
    what = f"for {whom}" if within_km is None else f"to have most of {whom} within {within_km:g} km"
    sites = ", ".join(str((names or {}).get(code, code)) for code in placement.sites)
    return f"Best sites {what}, of those offered: {sites} ({sure})."


# --- sentences ------------------------------------------------------------------------------------------


def more_sentences(tables: ReachTables) -> list[str]:
    """How many more would make it even, one sentence for each under-reached segment."""
    more = more_to_be_even(tables)
    rows = tables.under()
    step = tables.rule.round_to
    return [
        f"About {max(step, step * round(count / step)):,.0f} more {tables.noun} from {rows.loc[code, 'name']} would "
        "make it even."
        for code, count in more.items()
        if count == count and count > 0
    ]


def plain_sentences(tables: ReachTables, most: int = 3) -> list[str]:
    """Who is reached less and more than their share, in shares of users and of all, not indices."""
    over, under = tables.over(), tables.under()
    if not len(over) and not len(under):
        return [tables.finding]
    sentences = []
    for rows, side in ((under, "Reached less than their share"), (over, "Reached more than their share")):
        named = [
            f"{row['name']} ({100 * row['share']:.0f}% of {tables.noun}, {100 * row['base_share']:.0f}% of all)"
            for _, row in rows.head(most).iterrows()
        ]
        named += [f"{len(rows) - most} more"] if len(rows) > most else []
        if named:
            sentences.append(f"{side}: {listed(named)}.")
    return [*sentences, f"All: {tables.base_name}."]


def change_answers(changed: Protected) -> dict[str, str]:
    """What changed by more than chance would change it, and that the rest could be chance; by question."""
    table = changed.table.drop(index="all", errors="ignore")
    clear = table[table["clear"].astype(bool)]
    rest = len(table) - len(clear)
    words = [f"{row['name']}: {row['in_words']}." for _, row in clear.iterrows()]
    if rest:
        words.append(f"{'All' if not words else 'The other'} {rest} changes could be chance.")
    return {"Better than the year before?": " ".join(words)}


def more_in_one(tables: ReachTables) -> list[str]:
    """How many more would make it even, for all under-reached segments in one sentence."""
    parts = [
        sentence.removeprefix("About ").removesuffix(" would make it even.") for sentence in more_sentences(tables)
    ]
    if not parts:
        return []
    parts[1:] = [part.replace(f" more {tables.noun} from ", " from ", 1) for part in parts[1:]]
    return [f"About {listed(parts)} would make it even."]


def where_answers(tables: ReachTables, most: int = 3) -> dict[str, str]:
    """Where the missed are: the first wards and schools of each list, by question."""
    if not len(tables.under()):
        return {}
    answers = {}
    for dim, shown in tables.missed.items():
        rows = shown.table[shown.table["of_under"].notna() & (shown.table.index != ELSEWHERE)].head(most)
        if len(rows):
            named = ", ".join(f"{row['name']} ({row['of_under']:,.0f})" for _, row in rows.iterrows())
            where = "go to school" if dim == "school" else f"live, by {dim_words(dim)}"
            answers[f"Where the under-reached {where} ({tables.base_noun})"] = f"{named}."
    return answers


def where_sentences(tables: ReachTables, most: int = 3) -> list[str]:
    """The same, each as one sentence."""
    return [f"{question}: {answer}" for question, answer in where_answers(tables, most).items()]


def unplaced_sentences(tables: ReachTables) -> list[str]:
    """Users without a segment, an area or a school, and those elsewhere: how many, and where they are counted."""
    shown, gone = tables.accounts.table["people"], tables.accounts.hidden["people"]

    def many(row: str) -> str:
        if gone[row]:
            return f"Fewer than {tables.rule.hide_below} {tables.noun}"
        return f"About {shown[row]:,.0f} {tables.noun}" if shown[row] > 0 else ""

    sentences = []
    for dim in tables.by:
        if who := many(f"{tables.noun} not placed by {dim_words(dim)}"):
            where = "they are in no table" if dim == tables.subject else "shares by it are of those who have"
            sentences.append(f"{who} have no {dim_words(dim)} (not placed); {where}.")
        if who := many(f"{tables.noun} elsewhere by {dim_words(dim)}"):
            sentences.append(f"{who} are elsewhere by {dim_words(dim)}: outside the areas or schools compared.")
    return sentences


def not_shown(tables: ReachTables, what: str, why: str) -> str:
    """What is left out of an outcome, or which outcome is."""
    by = what.startswith(tables.noun)
    return f"Not shown: {tables.service}, {what} ({why})." if by else f"Not shown: {what} ({why})."


def outcome_share(tables: ReachTables) -> pd.DataFrame:
    """The share that :func:`outcome_finding` names, from printed totals."""
    table = tables.by[tables.subject].table
    total, whole = table["total"].max(), table["base_total"].max()
    return pd.DataFrame({"share": [total / whole if whole > 0 else np.nan]}, index=[tables.service])


def outcome_finding(tables: ReachTables) -> str:
    """An outcome of applications: its rate over all, and the groups it came true for clearly more or less often."""
    table = tables.by[tables.subject].table
    total, whole = table["total"].max(), table["base_total"].max()
    share = outcome_share(tables)["share"].iloc[0]
    if not whole > 0 and whole == whole:
        return f"{capital(tables.service)}: nobody it could have come true for."
    if share != share:
        return f"{capital(tables.service)}: of {tables.base_name}, hidden so that no small number can be worked out."
    words = f"{capital(tables.service)}: {100 * share:.0f}%, about {total:,.0f} of {whole:,.0f} {tables.base_name}."
    over, under = tables.over(), tables.under()
    parts = [f"clearly more often: {standing_words(over)}"] if len(over) else []
    parts += [f"clearly less often: {standing_words(under)}"] if len(under) else []
    if parts:
        return f"{words} {capital('; '.join(parts))}."
    if table["p"].isna().all() and total < whole:
        return f"{words} Too few to say more by {dim_words(tables.subject)}."
    return f"{words} By {dim_words(tables.subject)}, no group clearly more or less often than chance alone would give."


def survey_shares(tables: ReachTables, least: float = LEAST_RESPONSE) -> pd.DataFrame:
    """The shares that the sentences of a survey name: the response, from printed totals, and the least one wanted."""
    table = tables.by[tables.subject].table
    total, asked = table["total"].max(), table["base_total"].max()
    return pd.DataFrame({"share": [total / asked if asked > 0 else np.nan, least]}, index=["response", "least"])


def survey_finding(tables: ReachTables, least: float = LEAST_RESPONSE) -> str:
    """The response, and whether another study is due, in one sentence."""
    table = tables.by[tables.subject].table
    total, asked = table["total"].max(), table["base_total"].max()
    if asked == 0:
        return "Nobody was asked."
    if not total >= 0 or not asked > 0:
        return f"How many of {tables.base_name} answered is hidden, so that no small number can be worked out."
    rate = survey_shares(tables, least).at["response", "share"]
    who = tables.base_name.removeprefix("all ")
    rule = "do another study" if rate < least else "no other study is due for that alone"
    return (
        f"About {total:,.0f} of {asked:,.0f} {who} answered, {100 * rate:.0f}%: "
        f"{'below' if rate < least else 'at or above'} {100 * least:.0f}%, {rule}."
    )


def survey_sentences(tables: ReachTables, least: float = LEAST_RESPONSE) -> list[str]:
    """By dimension: groups below the rule, and whether the mix of those who answered is that of the population."""
    sentences = []
    for dim, shown in tables.by.items():
        table = response(shown.table["count"], shown.table["base_count"], least)
        low = [str(shown.table.loc[code, "name"]) for code in table.index[table["another_study"]]]
        known = int(table["rate"].notna().sum())
        if low and len(low) == known:
            sentences.append(f"By {dim_words(dim)}, below {100 * least:.0f}%: every group that can be told.")
        elif low:
            sentences.append(
                f"By {dim_words(dim)}, below {100 * least:.0f}%: {', '.join(low[:8])}"
                f"{f' and {len(low) - 8} more' if len(low) > 8 else ''}."
            )
        test = overall_shown(shown, tables.service)
        p = test["p"]
        if p == p:
            verdict = "differs from" if p < 0.05 else "could be a fair draw of"
            sentences.append(
                f"By {dim_words(dim)}, the mix of those who answered {verdict} the population "
                f"(p {'under 0.001' if p < 0.001 else f'{p:.3f}'}, {test['method']})."
            )
    return sentences


def weights_sentences(tables: ReachTables) -> list[str]:
    """What weights by each dimension would cost, from printed numbers.

    Of exact ones the largest weight would tell how many answered in the smallest group (:func:`raking_sentence`).
    """
    sentences = []
    for dim, shown in tables.by.items():
        table = shown.table.drop(index=ELSEWHERE, errors="ignore")
        known = table[table["count"].notna() & table["base_count"].gt(0)]
        heard = known.loc[known["count"] > 0, "count"].rename_axis(dim)
        if not len(heard):
            continue
        sentence = raking_sentence(rake_margins(heard, {dim: known["base_count"]}), f" by {dim_words(dim)}")
        left_out = int((table["count"].isna() | table["base_count"].isna()).sum())
        if left_out:
            sentence += f" Left out because their numbers are hidden: {left_out} of {len(table)} groups."
        sentences.append(f"From the printed numbers: {sentence[0].lower()}{sentence[1:]}")
    return sentences


def raking_sentence(raked: Raked, by: str = "") -> str:
    """What weights cost; of exact weights, for whoever may read them alone."""
    words = (
        f"Weights{by} by raking: design effect {raked.design_effect:.2f}, so the answers are worth about "
        f"{5 * round(raked.effective / 5):,.0f} even ones; the largest weight is {raked.largest:.1f}."
    )
    silent = {dim: codes for dim, codes in raked.unreached.items() if codes}
    if silent:
        words += f" Groups without any answer, whom no weight can speak for: {sum(map(len, silent.values()))}."
    return words if raked.converged else f"{words} The margins could not all be met."


# --- the parts ------------------------------------------------------------------------------------------


def change_panel(changed: Protected, sources: Iterable[Source], subject: str, brief: bool = False) -> maps.TablePanel:
    """This year beside the earlier one; ``brief`` for the indices and the words alone."""
    columns = {
        "name": (capital(subject), ""),
        "rate_before": ("Reach before", "share"),
        "rate": ("Reach now", "share"),
        "points_low": ("Change at least, points", ""),
        "points_high": ("Change at most, points", ""),
        "index_before": ("Index before", "index"),
        "index": ("Index now", "index"),
        "in_words": ("In words", ""),
    }
    if brief:
        columns = {name: columns[name] for name in ("name", "index_before", "index", "in_words")}
    table = changed.table.round({"points_low": 1, "points_high": 1})
    shown = Protected(table, changed.hidden, changed.rule, changed.base, changed.units, changed.printed)
    return maps.table("Better than before?", shown, columns, sources=sources)


def _bars(tables: ReachTables, shown: Protected, sources) -> list:
    if len(shown) > MOST_BARS:
        return []
    return [
        maps.bars(
            f"{capital(tables.noun)}, and all who could be",
            shown,
            sources=sources,
            low="share_low",
            high="share_high",
            label="name",
            group=capital(tables.noun),
            base=tables.base_name,
        )
    ]


def _reach_columns(tables: ReachTables) -> dict[str, tuple[str, str]]:
    return {
        "name": ("Name", ""),
        "count": (capital(tables.noun), ""),
        "base_count": (capital(tables.base_noun), ""),
        "penetration": ("Reach", "share"),
        "index": ("Index", "index"),
        "index_low": ("Index, low", "index"),
        "index_high": ("Index, high", "index"),
        "clearly": ("More or fewer", ""),
    }


def _clearly(shown: Protected) -> Protected:
    """The table with the verdict in words, hidden where the count is."""
    gap = shown.table["gap_points"]
    sure = shown.table["notable"].astype(bool)
    words = pd.Series("not clearly", index=gap.index).mask(gap.isna(), "not compared")
    words = words.mask(sure & (gap > 0), "clearly more").mask(sure & (gap < 0), "clearly fewer")
    hidden = shown.hidden.assign(clearly=shown.hidden["gap_points"])
    table = shown.table.assign(clearly=words.mask(hidden["clearly"]))
    return Protected(table, hidden, shown.rule, shown.base, shown.units, shown.printed)


def _head(shown: Protected, rows: int | None, by: str = "base_count") -> Protected:
    if rows is None or len(shown) <= rows:
        return shown
    keep = shown.table[by].fillna(-1).sort_values(ascending=False, kind="stable").index[:rows]
    return Protected(shown.table.loc[keep], shown.hidden.loc[keep], shown.rule, shown.base, shown.units, shown.printed)


def _reach_table(tables: ReachTables, dim: str, sources, rows: int | None = None) -> maps.TablePanel:
    shown = _clearly(_head(tables.by[dim], rows))
    more = f" The {rows} largest of {len(tables.by[dim]):,}." if rows and len(tables.by[dim]) > rows else ""
    note = f"Index 100: reached as {tables.base_name} as a whole.{more}"
    columns = _named_by(shown.table.index, _reach_columns(tables), shown.table["name"])
    words = dim_words(dim)
    return maps.table(f"Reach by {words}", shown, columns, sources=sources, index=capital(words), note=note)


def _rate_table(tables: ReachTables, dim: str, sources, rows: int) -> maps.TablePanel:
    shown = _clearly(_head(tables.by[dim], rows))
    columns = _reach_columns(tables) | {
        "count": ("Came true for", ""),
        "base_count": ("Applicants", ""),
        "penetration": ("Rate", "share"),
    }
    columns = _named_by(shown.table.index, columns, shown.table["name"])
    return maps.table(
        f"{capital(tables.service)}, by {dim_words(dim)}", shown, columns, sources=sources,
        index=capital(dim_words(dim)), note=f"Of {tables.base_name}; index 100: the rate of all of them.",
    )  # fmt: skip


def _outcomes_table(outcomes: Mapping[str, ReachTables], dim: str, sources) -> maps.TablePanel:
    """The rates of all outcomes by one dimension, side by side."""
    first = _head(next(iter(outcomes.values())).by[dim], MOST_ROWS)
    rows = first.table.index
    table, hidden = first.table[["name", "base_count"]].copy(), first.hidden[["base_count"]].copy()
    columns, printed, units = {"name": ("Name", ""), "base_count": ("Applicants", "")}, [*first.printed], {}
    for name, tables in outcomes.items():
        if dim in tables.by:
            each = tables.by[dim]
            table[name] = each.table["penetration"].reindex(rows)
            hidden[name] = each.hidden["penetration"].reindex(rows, fill_value=False)
            columns[name], units[name] = (capital(name.replace("_", " ")), "share"), "share"
            printed += each.printed
    words = dim_words(dim)
    part = Protected(table, hidden, first.rule, first.base, MappingProxyType(units), tuple(printed))
    columns = _named_by(rows, columns, table["name"])
    return maps.table(f"Every outcome, by {words}", part, columns, sources=sources, index=capital(words))


def _crossing_table(tables: ReachTables, pair: tuple[str, str], sources) -> maps.TablePanel:
    shown = _clearly(_head(tables.crossings[pair], MOST_ROWS))
    note = f"The {len(shown):,} largest of {len(tables.crossings[pair]):,} combinations."
    by = " and ".join(map(dim_words, pair))
    return maps.table(f"Reach by {by}", shown, _reach_columns(tables), sources=sources, note=note)


def _missed_table(tables: ReachTables, dim: str, sources, most: int = MOST_ROWS) -> maps.TablePanel:
    shown = tables.missed[dim]
    rows = list(shown.table.index[:most])
    part = Protected(shown.table.loc[rows], shown.hidden.loc[rows], shown.rule, shown.base, shown.units, shown.printed)
    columns = {
        "name": ("Name", ""),
        "base_count": (capital(tables.base_noun), ""),
        "of_under": ("Of under-reached segments", ""),
        "share_under": ("Share", "share"),
        "count": (capital(tables.noun), ""),
        "gap": ("Missed, against an even reach", ""),
        "to_even": ("More to make it even", ""),
    }
    under = ", ".join(tables.under()["name"]) or "none"
    note = (
        f"Under-reached: {under}. More to make it even: if each of these segments were reached at the rate of all "
        "others, everywhere alike; hidden numbers count as none."
    )
    columns = _named_by(part.table.index, columns, part.table["name"])
    words = dim_words(dim)
    return maps.table(
        f"Where the missed are, by {words}", part, columns, sources=sources, index=capital(words), note=note
    )


def _missed_layers(tables: ReachTables, boundaries: Boundaries, sources) -> list:
    shown = tables.missed[boundaries.kind]
    keep = shown.table.index.isin(boundaries.codes)
    part = Protected(shown.table[keep], shown.hidden[keep], shown.rule, shown.base, shown.units, shown.printed)
    details = {
        f"{capital(tables.base_noun)}": "base_count",
        "Of under-reached segments": "of_under",
        f"{capital(tables.noun)}": "count",
        "More to make it even": "to_even",
    }
    layers = [
        maps.areas(
            boundaries, part, value="share_under", title="Where the under-reached live", details=details,
            legend=f"Share of {tables.base_noun} in under-reached segments", sources=sources,
            breaks=(0.1, 0.25, 0.5, 0.75),
        ),
    ]  # fmt: skip
    by = tables.by[boundaries.kind]
    keep = by.table.index.isin(boundaries.codes)
    reached = Protected(by.table[keep], by.hidden[keep], by.rule, by.base, by.units, by.printed)
    if reached.table["index"].notna().any():
        layers.append(
            maps.areas(
                boundaries, reached, value="index", unit="index", scale="diverging", title="Reach by area",
                details={capital(tables.noun): "count", "Index, low": "index_low", "Index, high": "index_high"},
                legend=f"Index of {tables.noun} (100: as all)", sources=sources,
                note="An index whose interval contains 100 may be chance.",
            )
        )  # fmt: skip
    return layers


def _sites_layer(sites: pd.DataFrame, placement: Placement | None, sources) -> maps.PointLayer:
    chosen = set(placement.sites) if placement is not None else set()
    kind = ["chosen" if str(code) in chosen else "site" for code in sites.index]
    names = sites["name"].astype("str") if "name" in sites else pd.Series(sites.index.astype("str"), index=sites.index)
    frame = sites.assign(name=names, kind=kind)
    return maps.schools(frame, sources=sources, mark_by="kind", title="Sites", code_name="site")


def _are_schools(sites: pd.DataFrame) -> bool:
    return bool(sites.index.astype("str").str.fullmatch(r"\d{6,7}").all())


def _sites_table(sites: pd.DataFrame, placement: Placement | None, sources) -> maps.TablePanel:
    chosen = set(placement.sites) if placement is not None else set()
    table = sites[[name for name in ("hours", "hours_planned") if name in sites]].copy()
    columns = {
        name: (heading, "") for name, heading in (("hours", "Today"), ("hours_planned", "Planned")) if name in table
    }
    if chosen:
        table["best"] = ["one of the best" if str(code) in chosen else "not chosen" for code in table.index]
        columns["best"] = ("For the under-reached", "")
    if not columns:
        table["site"], columns = "a site", {"site": ("What", "")}
    return maps.table("Sites", columns=columns, public=table, sources=sources, index="Site")


def response_shown(tables: ReachTables, dim: str, least: float = LEAST_RESPONSE, rows: int | None = None) -> Protected:
    """Response by group with its interval and the guide's rule in words, as it may be shown.

    Returns
    -------
    Protected
        By code: ``name``, ``respondents``, ``population``, ``rate``, ``rate_low``, ``rate_high``, ``rule``.
    """
    shown = _head(tables.by[dim], rows)
    table = response(shown.table["count"], shown.table["base_count"], least)
    table.insert(0, "name", shown.table["name"])
    thin = ~(table["population"] >= tables.rule.min_base)
    for name in ("rate", "rate_low", "rate_high"):
        table[name] = table[name].mask(thin)
    known = table["rate"].notna()
    rule = pd.Series("too few to say", index=table.index).mask(known, f"{100 * least:.0f}% or more")
    table["rule"] = rule.mask(table["another_study"] & known, f"below {100 * least:.0f}%: another study")
    hidden = pd.DataFrame({"respondents": shown.hidden["count"], "population": shown.hidden["base_count"]})
    for name in ("rate", "rate_low", "rate_high"):
        hidden[name] = hidden["respondents"] | hidden["population"]
    table = table.drop(columns="another_study").loc[shown.table.index]
    units = MappingProxyType(dict.fromkeys(("rate", "rate_low", "rate_high"), "share"))
    return Protected(table, hidden, shown.rule, shown.base, units, printed=shown.printed)


def top_up_shown(tables: ReachTables, dim: str, least: float = LEAST_RESPONSE, rows: int | None = None) -> Protected:
    """How many more answers are needed by group (:func:`geoplan.surveys.top_up`), from printed counts."""
    shown = _head(tables.by[dim], rows)
    more = top_up(response(shown.table["count"], shown.table["base_count"], least), least=least)
    more = more.loc[shown.table.index]
    gone = shown.hidden["count"] | shown.hidden["base_count"]
    more.insert(0, "name", shown.table["name"])
    hidden = pd.DataFrame(dict.fromkeys(more.columns[1:], gone), index=more.index)
    return Protected(more, hidden, shown.rule, shown.base, printed=shown.printed)


def _response_table(tables: ReachTables, dim: str, sources, least: float) -> maps.TablePanel:
    part = response_shown(tables, dim, least, MOST_ROWS)
    columns = {
        "name": ("Name", ""),
        "respondents": ("Answered", ""),
        "population": ("Asked", ""),
        "rate": ("Response", "share"),
        "rate_low": ("Low", "share"),
        "rate_high": ("High", "share"),
        "rule": ("Rule", ""),
    }
    columns = _named_by(part.table.index, columns, part.table["name"])
    words = dim_words(dim)
    return maps.table(f"Response by {words}", part, columns, sources=sources, index=capital(words))


def _top_up_table(tables: ReachTables, dim: str, sources, least: float) -> maps.TablePanel:
    part = top_up_shown(tables, dim, least, MOST_ROWS)
    columns = {
        "name": ("Name", ""),
        "for_rate": (f"To reach {100 * least:.0f}%", ""),
        "for_margin": ("For plus or minus 5 points", ""),
        "for_even": ("To be as well heard as others", ""),
        "left": ("Left to ask", ""),
    }
    columns = _named_by(part.table.index, columns, part.table["name"])
    words = dim_words(dim)
    return maps.table(f"How many more answers, by {words}", part, columns, sources=sources, index=capital(words))


def _contacts_table(tables: ReachTables, sources) -> maps.TablePanel:
    columns = {
        "name": ("Name", ""),
        "users": (capital(tables.noun), ""),
        "contacts": ("Contacts", ""),
        "for_each": ("Contacts for each", ""),
    }
    return maps.table("Contacts and users", tables.contacts, columns, sources=sources, index=capital(tables.subject))


def _accounts_table(tables: ReachTables, sources) -> maps.TablePanel:
    return maps.table(
        "Every record accounted for", tables.accounts, {"people": ("Number", "")}, sources=sources, index="What"
    )


def _notes(tables: ReachTables) -> list[str]:
    """What a reader should know: the unplaced, and what is left out."""
    return [
        *unplaced_sentences(tables),
        *(f"Not shown: {what} ({why})." for what, why in tables.left_out.items()),
    ]


def _named_by(codes: pd.Index, columns: Mapping[str, tuple[str, str]], names: pd.Series) -> dict:
    """The columns without the names where they are the codes over again; a name is headed by what it names."""
    if (names.astype("str").to_numpy() == codes.astype("str").to_numpy()).all():
        return {name: head for name, head in columns.items() if name != "name"}
    return dict(columns)
