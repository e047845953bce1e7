"""What of closures and of ways to school may be shown: counts protected together, and what follows from them.

The pupils displaced are one population: counted by the school that would take them, by where they live, by distance
before and after. Means and medians are given for twenty pupils or more, to a tenth of a mile or a minute; the distance
of the furthest pupil never is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from geoplan.access import NO_HOME, NO_ROOM, NO_SUITABLE, Access, is_rural
from geoplan.disclosure import MIN_BASE, PUBLIC, Protected, Rule, protect_counts
from geoplan.distances import BANDS, METRES_PER_MILE, NOT_KNOWN, name_bands, to_bands
from geoplan.errors import VintageError
from geoplan.evidence import Nesting, PrintedTable
from geoplan.gate import GateResult
from geoplan.ledger import mark_of
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import RawTable, population_name
from geoplan.travel import METRES, NOT_OF_AGE, STATUSES, Entitlement, Travel

ELSEWHERE = "elsewhere"
MINUTE_BANDS = (15, 30, 45, 60)
WITHIN, BEYOND, NO_PLACE = "within", "beyond", "no place"
TOO_FEW = "too few to name"
WHY = (NO_ROOM, NO_SUITABLE, NO_HOME)


@dataclass(frozen=True, repr=False)
class AccessTables:
    """A reorganisation's effect on the way to school, as it may be shown.

    Parameters
    ----------
    words
        What is done.
    who
        Who is counted, in words.
    total
        Pupils displaced, as printed; NaN where hidden.
    unknown
        Of those, whose home is not known: they need a place too, and are in no table.
    receiving
        By school that takes pupils: ``name``, ``places``, ``roll`` (before they come), ``comes``, ``left`` (places less
        both, from printed numbers).
    without
        By reason (no room anywhere, no suitable school in reach): ``left without``.
    bands
        By distance band: ``before``, ``after``.
    areas
        By area of home: ``pupils`` and ``to`` (the schools they would go to, from printed numbers; "" where those are
        hidden); None without areas.
    figures
        Mean and median, ``before`` and ``after``, in miles or minutes to a tenth; empty below twenty pupils.
    unit
        ``miles`` or ``minutes``.
    rule, gate
        The rule applied, and what the outsider could find out.
    notes
        What decides the figures.
    """

    words: str
    who: str
    total: float
    unknown: float
    receiving: Protected
    without: Protected
    bands: Protected
    areas: Protected | None
    figures: pd.DataFrame
    unit: str
    rule: Rule
    gate: GateResult | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<AccessTables: {self.words}; {self.rule.tag}>"


def protect_access(
    found: Access,
    names: Mapping[str, str],
    rule: Rule = PUBLIC,
    *,
    areas: pd.Series | None = None,
    kind: str = "",
    noun: str = "pupils",
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
    all_areas: pd.DataFrame | None = None,
) -> AccessTables:
    """Protect what a reorganisation does.

    Parameters
    ----------
    found
        From :func:`geoplan.access.reorganise`.
    names
        School to name.
    rule
        Of the audience.
    areas
        The area of home of each pupil (index of ``found.pupils``), and its ``kind``.
    noun, data
        What the pupils are called, and what the data are called (a census day).
    earlier
        What was released before.
    all_areas
        Every kind of area of each pupil, a column each: where an earlier release was by another kind, the two are
        attacked together.

    Raises
    ------
    VintageError
        If an earlier release of the same pupils was by areas that these neither contain nor lie in.
    """
    who = f"{noun} who would need another school: {found.option.words}"
    population = access_population(found, noun, data)
    pupils = found.pupils[found.pupils["home"]]
    to = pupils["to"].where(pupils["to"] != "", pupils["why"])
    how = "; ".join((found.option.words, found.rule, *found.notes))  # other ways to ask are other dimensions
    unit, edges = ("miles", BANDS) if found.unit == METRES else ("minutes", MINUTE_BANDS)
    before = pd.Series(_bands(pupils["before"], found.unit, edges), pupils.index)
    after = pd.Series(_bands(pupils["after"], found.unit, edges), pupils.index).where(pupils["to"] != "", "no place")
    raw = [
        _counted(f"{who}, by the school that would take them", population, noun, **{f"to: {how}": to}),
        _counted(f"{who}, by distance before", population, noun, **{f"before: {found.notes[0]}": before}),
        _counted(f"{who}, by distance after", population, noun, **{f"after: {how}": after}),
    ]
    crossed = False
    if areas is not None:
        home = areas.reindex(pupils.index).astype("object")
        home = home.where(home.notna(), ELSEWHERE).astype("str")
        cells = pd.crosstab(home, to).to_numpy()
        crossed = cells[cells > 0].mean() >= max(rule.hide_below, 1) if len(pupils) else False
        raw.append(_counted(f"{who}, by {kind}", population, noun, geography=kind, **{kind: home}))
        if crossed:
            dims = {kind: home, f"to: {how}": to}
            raw.append(_counted(f"{who}, by {kind} and school", population, noun, geography=kind, **dims))
    before_now = [table for table in earlier if table.population == population]
    nested = _nestings(before_now, kind, pupils.index, all_areas)
    shown = protect_tables(raw, rule, earlier=before_now, nested=nested, totals="rounded")
    total, unknown = protect_counts(pd.Series([len(found.pupils), int((~found.pupils["home"]).sum())]), rule)[0]
    names_of = {name: _name_order(found.unit, edges) for name in ("before", "after")}
    told, more = single_sex_words(
        pupils["not_judged"], population, rule, how=how, noun=noun, nested=nested,
        earlier=[*before_now, *(table.printed for table in shown)],
    )  # fmt: skip
    without = _without(shown[0], rule, noun)
    return AccessTables(
        found.option.in_words(names),
        who,
        float(total),
        float(unknown),
        _receiving(found, shown[0], names, rule),
        replace(without, printed=(*without.printed, *more)),
        _both_bands(shown[1], shown[2], names_of["before"], rule, noun),
        _areas(shown[3], shown[4] if crossed else None, names, rule, noun) if areas is not None else None,
        _figures(pupils, found.unit, rule),
        unit,
        rule,
        shown[0].gate,
        (*found.notes, *told),
    )


def single_sex_words(
    unsure: pd.Series,
    population: str,
    rule: Rule = PUBLIC,
    *,
    how: str = "",
    noun: str = "pupils",
    earlier: Sequence[PrintedTable] = (),
    nested: Sequence[Nesting] = (),
) -> tuple[tuple[str, ...], tuple[PrintedTable, ...]]:
    """For how many pupils it cannot be said whether a single-sex school suits, in a sentence; nothing where for none.

    Parameters
    ----------
    unsure
        Of each pupil of the population (:func:`geoplan.travel.not_judged`).
    population
        Its name.
    how
        What decides suitability, in words; other ways to ask are other dimensions.
    noun, rule, nested
        As for the tables of the same population.
    earlier
        What else is printed of the population, now and before: the count is protected beside all of it.

    Returns
    -------
    sentences, printed
        For the notes, and for the ledger.
    """
    if not unsure.any():
        return (), ()
    name = f"{noun} by whether a single-sex school can be judged"
    judged = pd.Series(np.where(unsure, "not judged", "judged"), unsure.index)
    raw = _counted(name, population, noun, **{f"single-sex schools: {how}": judged})
    before = [table for table in earlier if table.population == population and table.name != name]
    table = protect_tables([raw], rule, earlier=[] if rule.exact else before, nested=nested, totals="rounded")[0]
    if not table.hidden["not judged"]:
        count = f"{'' if rule.exact else 'about '}{table.shown['not judged']:,.0f} of these {noun}"
    else:
        count = f"some of these {noun} (too few to print, or hidden with those that are)"
    return (f"For {count} it cannot be said whether a school for girls or for boys would suit.",), (table.printed,)


def access_population(found: Access, noun: str = "pupils", data: str = "") -> str:
    """The name of the population of a reorganisation's displaced pupils: the same however they are placed."""
    option = found.option
    of = [*sorted(option.gone), *(f"{code} but for {low} to {high}" for code, (low, high) in option.years.items())]
    return population_name(f"{noun} who would need another school than {', '.join(of)}", data)


def access_marks(found: Access, noun: str = "pupils", data: str = "") -> dict[str, str]:
    """The mark of the displaced pupils, for the ledger: the same only for the same data."""
    rows = found.pupils[["school", "home"]].astype("str").value_counts().sort_index()
    text = rows.to_csv(header=False)
    return {access_population(found, noun, data): mark_of(text)}


def _nestings(
    earlier: Sequence[PrintedTable], kind: str, people: pd.Index, all_areas: pd.DataFrame | None
) -> tuple[Nesting, ...]:
    """How areas of earlier releases lie in those of now, or those of now in them."""
    before = {dim for table in earlier for dim in table.dims if ": " not in dim} - {kind}
    found = []
    for other in sorted(before):
        if all_areas is None or other not in all_areas or kind not in all_areas:
            raise VintageError(f"an earlier release of the same pupils was by {other}; give those areas again")
        pairs = all_areas.reindex(people)[[kind, other]].astype("object")
        pairs = pairs.where(pairs.notna(), ELSEWHERE).astype("str").drop_duplicates()
        for fine, coarse in ((kind, other), (other, kind)):
            if not pairs[fine].duplicated().any():
                found.append(Nesting(fine, coarse, dict(zip(pairs[fine], pairs[coarse], strict=True))))
                break
        else:
            raise VintageError(f"an earlier release was by {other}, whose areas and {kind} cut each other: use {other}")
    return tuple(found)


def _counted(name: str, population: str, noun: str, geography: str | None = None, **dims: pd.Series) -> RawTable:
    keys = [series.astype("str").rename(dim) for dim, series in dims.items()]
    counts = pd.concat(keys, axis=1).groupby(list(dims)).size()
    return RawTable(name, counts, noun, population, geography, attributes=tuple(d for d in dims if d != geography))


def _bands(values: pd.Series, unit: str, edges: Sequence[float]) -> np.ndarray:
    if unit == METRES:
        return np.asarray(to_bands(values, edges).astype(object))
    names = _name_order(unit, edges)
    number = np.searchsorted(np.asarray(edges, dtype=float), values.to_numpy(dtype=float), side="left")
    return np.array(names, dtype=object)[np.where(values.isna(), len(names) - 1, number)]


def _name_order(unit: str, edges: Sequence[float]) -> tuple[str, ...]:
    if unit == METRES:
        return name_bands(edges)
    middle = (f"{a:g} to {b:g} minutes" for a, b in pairwise(edges))
    return (f"up to {edges[0]:g} minutes", *middle, f"over {edges[-1]:g} minutes", NOT_KNOWN)


def _receiving(found: Access, table: ProtectedTable, names: Mapping[str, str], rule: Rule) -> Protected:
    """Schools that take pupils, the most first; what is left is worked out from printed numbers."""
    comes = table.shown[[code not in WHY for code in table.shown.index]]
    gone = table.hidden.reindex(comes.index)
    rows = found.schools.reindex(comes.index)
    roll, roll_gone = protect_counts(rows["roll"], rule)
    shown = pd.DataFrame(
        {
            "name": [str(names.get(code, code)) for code in comes.index],
            "places": rows["places"],
            "roll": roll,
            "comes": comes,
            "left": rows["places"] - roll - comes,
        },
        index=comes.index.rename("school"),
    )
    hidden = pd.DataFrame({"roll": roll_gone, "comes": gone, "left": roll_gone | gone}, index=shown.index)
    order = shown["comes"].fillna(0).sort_values(ascending=False, kind="stable").index
    return Protected(
        shown.loc[order], hidden.loc[order], rule, table.noun, {"comes": table.noun, "roll": table.noun},
        (table.printed,),
    )  # fmt: skip


def _without(table: ProtectedTable, rule: Rule, noun: str) -> Protected:
    rows = list(WHY[:2])
    shown = table.shown.reindex(rows, fill_value=0.0).rename("left without").to_frame()
    hidden = table.hidden.reindex(rows, fill_value=False).rename("left without").to_frame()
    shown.index = hidden.index = pd.Index(rows, name="reason")
    return Protected(shown, hidden, rule, noun, {"left without": noun}, (table.printed,))


def _both_bands(
    before: ProtectedTable, after: ProtectedTable, names: Sequence[str], rule: Rule, noun: str
) -> Protected:
    rows = [*names, "no place"]
    parts = {"before": before, "after": after}
    shown = pd.DataFrame({name: part.shown.reindex(rows, fill_value=0.0) for name, part in parts.items()})
    hidden = pd.DataFrame({name: part.hidden.reindex(rows, fill_value=False) for name, part in parts.items()})
    used = (shown.fillna(1) > 0).any(axis=1) | hidden.any(axis=1)
    used |= ~shown.index.isin([NOT_KNOWN, "no place"])
    shown.index.name = hidden.index.name = "distance"
    printed = tuple(part.printed for part in parts.values())
    return Protected(shown[used], hidden[used], rule, noun, dict.fromkeys(parts, noun), printed)


def _areas(
    homes: ProtectedTable, flows: ProtectedTable | None, names: Mapping[str, str], rule: Rule, noun: str
) -> Protected:
    """Pupils by area of home, and where they would go as far as it may be said."""
    shown, hidden = homes.shown.rename("pupils").to_frame(), homes.hidden.rename("pupils").to_frame()
    shown["to"] = ""
    if flows is not None:
        wide = flows.shown.unstack(-1, fill_value=0.0).reindex(shown.index)
        said = []
        for _, row in wide.iterrows():
            first = row[row > 0].sort_values(ascending=False, kind="stable")
            named = ", ".join(f"{names.get(to, to)} ({count:,.0f})" for to, count in first.items())
            said.append(named or TOO_FEW)
        shown["to"] = said
    printed = (homes.printed, *((flows.printed,) if flows is not None else ()))
    return Protected(shown, hidden, rule, noun, {"pupils": noun}, printed)


def _figures(pupils: pd.DataFrame, unit: str, rule: Rule) -> pd.DataFrame:
    """Mean and median before and after, of those for whom both are known; none of fewer than twenty."""
    both = pupils[["before", "after"]].dropna()
    if len(both) < max(MIN_BASE, rule.min_base):
        return pd.DataFrame(columns=["before", "after"], dtype=float)
    scale = METRES_PER_MILE if unit == METRES else 1.0
    rows = {"mean": both.mean() / scale, "median": both.median() / scale}
    return pd.DataFrame(rows).T.round(1)


# --- the screen of small schools ------------------------------------------------------------------------


def protect_screen(
    found: Mapping[str, Access],
    schools: pd.DataFrame,
    rolls: pd.Series,
    reviews: pd.DataFrame,
    reasonable: float,
    rule: Rule = PUBLIC,
    *,
    noun: str = "pupils",
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> Protected:
    """Each small school closed by itself: the roll and the old rule beside the travel of everybody displaced.

    Parameters
    ----------
    found
        From :func:`geoplan.access.closure_screen`.
    schools
        The schools' frame.
    rolls
        By school; headcounts are public.
    reviews
        From :func:`geoplan.access.old_rule`.
    reasonable
        What is a reasonable way, in metres or minutes as the travel is.
    rule, noun, data, earlier
        As for :func:`protect_access`.

    Returns
    -------
    Protected
        By school: ``name``, ``rural`` ("yes", "no", "not said"), ``roll``, ``lowest`` (forecast), ``review`` (what
        the old rule says), ``within``, ``beyond``, ``no place`` (pupils whose home is known, by their way to the
        next suitable school with room), ``mean_before``, ``mean_after`` (miles or minutes; none below twenty pupils),
        ``takers`` (schools that would take them) and ``left`` (places left at those after).
    """
    outcomes = {}
    for code, each in found.items():
        after, why = each.pupils["after"], each.pupils["why"]
        way = pd.Series(np.where(after <= reasonable, WITHIN, BEYOND), after.index).where(why == "", NO_PLACE)
        outcomes[code] = way[why != NO_HOME].value_counts()
    parts = [WITHIN, BEYOND, NO_PLACE]
    counts = pd.DataFrame(outcomes).T.reindex(index=list(found), columns=parts).fillna(0).astype("int64")
    counts.index.name, counts.columns.name = "school", "way"
    first = next(iter(found.values()))
    population = screen_population(first, reasonable, noun, data)
    raw = RawTable("Way to the next school with room", counts.stack(), noun, population, attributes=("way",))
    before = [table for table in earlier if table.population == population]
    wide = protect_tables([raw], rule, earlier=before)[0].unstack("way")
    roll, roll_gone = protect_counts(rolls.reindex(counts.index), rule)
    table = pd.DataFrame({"name": schools["name"].reindex(counts.index).astype(str)})
    rural = schools["rural"].reindex(counts.index) if "rural" in schools else pd.Series("", counts.index)
    table["rural"] = np.where(rural.astype("str") == "", "not said", np.where(is_rural(rural), "yes", "no"))
    table["roll"] = roll
    of_roll = reviews["lowest_year"].reindex(counts.index) == ""
    table["lowest"] = reviews["lowest"].reindex(counts.index).where(~of_roll, roll).round()
    table["review"] = np.where(reviews["review"].reindex(counts.index), "review", "keep")
    for name in parts:
        table[name] = wide.table[name].reindex(counts.index)
    means = {code: _figures(each.pupils, each.unit, rule) for code, each in found.items()}
    for name in ("before", "after"):
        table[f"mean_{name}"] = [means[code].at["mean", name] if len(means[code]) else np.nan for code in table.index]
    takers = {code: each.pupils.loc[each.pupils["to"] != "", "to"].unique() for code, each in found.items()}
    table["takers"] = [float(len(takers[code])) for code in table.index]
    left = [each.schools["left"].reindex(takers[code]).clip(lower=0).sum() for code, each in found.items()]
    table["left"] = (pd.Series(left, table.index) / rule.round_to).round() * rule.round_to
    hidden = {name: wide.hidden[name].reindex(counts.index).fillna(False).astype(bool) for name in parts}
    hidden |= {"roll": roll_gone, "lowest": roll_gone & of_roll}
    order = rolls.reindex(table.index).sort_values(kind="stable").index
    return Protected(
        table.loc[order], pd.DataFrame(hidden).loc[order], rule, noun,
        dict.fromkeys(parts, noun), tuple(wide.printed or ()),
    )  # fmt: skip


def screen_population(found: Access, reasonable: float, noun: str = "pupils", data: str = "") -> str:
    """The name of the population of a screen."""
    parts = (f"{noun} of small schools, by the way to the next school with room", f"within {reasonable:g} {found.unit}",
             f"by the rule {found.rule}", *found.notes[:1], data)  # fmt: skip
    return population_name(*parts)


def screen_marks(
    found: Mapping[str, Access], reasonable: float, noun: str = "pupils", data: str = ""
) -> dict[str, str]:
    """The mark of a screen, for the ledger."""
    if not found:
        return {}
    rows = pd.concat([each.pupils[["school", "to", "why"]].astype("str") for each in found.values()])
    text = rows.value_counts().sort_index().to_csv(header=False)
    name = screen_population(next(iter(found.values())), reasonable, noun, data)
    return {name: mark_of(text)}


# --- how far pupils go ----------------------------------------------------------------------------------


def protect_distances(
    found: pd.DataFrame,
    travel: Travel,
    rule: Rule = PUBLIC,
    *,
    noun: str = "pupils",
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> Protected:
    """Pupils by distance to the school attended and to the nearest suitable one (:func:`geoplan.travel.to_school`).

    Returns
    -------
    Protected
        By band: ``attended``, ``nearest``.
    """
    unit, edges = travel.unit, BANDS if travel.unit == METRES else MINUTE_BANDS
    population = distance_population(travel, noun, data)
    raw = [
        _counted(f"{noun} by way to {name}", population, noun,
                 **{name: pd.Series(_bands(found[name], unit, edges), found.index)})
        for name in ("attended", "nearest")
    ]  # fmt: skip
    before = [table for table in earlier if table.population == population]
    shown = protect_tables(raw, rule, earlier=before)
    both = _both_bands(*shown, _name_order(unit, edges), rule, noun)
    names = {"before": "attended", "after": "nearest"}
    return replace(both, table=both.table.rename(columns=names), hidden=both.hidden.rename(columns=names),
                   units=dict.fromkeys(names.values(), noun))  # fmt: skip


def distance_population(travel: Travel, noun: str = "pupils", data: str = "") -> str:
    """The name of the population of the distances to school."""
    parts = (f"{noun} by way to school, {travel.by}", *travel.notes[:1], data)
    return population_name(*parts)


def distance_marks(found: pd.DataFrame, travel: Travel, noun: str = "pupils", data: str = "") -> dict[str, str]:
    """The mark of the distances to school, for the ledger."""
    edges = BANDS if travel.unit == METRES else MINUTE_BANDS
    rows = pd.DataFrame({name: _bands(found[name], travel.unit, edges) for name in found}).value_counts().sort_index()
    text = rows.to_csv(header=False)
    return {distance_population(travel, noun, data): mark_of(text)}


# --- limits of free travel ------------------------------------------------------------------------------


def protect_entitlement(
    found: Entitlement,
    rule: Rule = PUBLIC,
    *,
    noun: str = "pupils",
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> Protected:
    """Pupils of compulsory school age by where they stand against the limits of free travel.

    Returns
    -------
    Protected
        By status; a column for each age band, and ``all`` where every part of the row is printed.
    """
    population = entitlement_population(found, noun, data)
    pupils = found.pupils[found.pupils["status"] != NOT_OF_AGE]
    raw = _counted("Limits of free travel", population, noun, status=pupils["status"], band=pupils["band"])
    raw = replace(raw, attributes=("status",))
    before = [table for table in earlier if table.population == population]
    wide = protect_tables([raw], rule, earlier=before)[0].unstack("band")
    order = ["under 8", "turning 8", "8 to 10", "11 and over", "age not known"]
    bands = [name for name in order if name in wide.table]
    rows = [name for name in STATUSES if name in wide.table.index]
    table = wide.table.reindex(index=rows, columns=bands)
    hidden = wide.hidden.reindex(index=rows, columns=bands)
    some = hidden.any(axis=1)
    table, hidden = table.assign(all=table.sum(axis=1).mask(some)), hidden.assign(all=some)
    return Protected(table, hidden, rule, noun, dict.fromkeys(table.columns, noun), wide.printed)


def entitlement_population(found: Entitlement, noun: str = "pupils", data: str = "") -> str:
    """The name of the population of a screen of free travel."""
    parts = (f"{noun} by limits of free travel on {found.day}", *found.notes[:1], found.religion, data)
    return population_name(*parts)


def entitlement_marks(found: Entitlement, noun: str = "pupils", data: str = "") -> dict[str, str]:
    """The mark of a screen of free travel, for the ledger."""
    rows = found.pupils[["status", "band"]].astype("str").value_counts().sort_index()
    text = rows.to_csv(header=False)
    return {entitlement_population(found, noun, data): mark_of(text)}
