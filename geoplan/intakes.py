"""Where pupils live and which school they attend: catchments as they are lived in.

A catchment is the areas whose children a school's admission rules favour. It is not who attends: families prefer
other schools, and other schools' families come. Before any catchment is redrawn, four questions: of the pupils who
live in it, how many attend its school (take-up); where do the others go (leakage); who comes from outside (inflow);
and how far do pupils travel.

Only pupils on the rolls read are counted. Children in private schools, at home or in other authorities' schools are
not there, so take-up is of pupils in the authority's schools, not of all children who live in the catchment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.catchments import NONE, CatchmentPlan
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.distances import BANDS, ONE_SIDED, name_bands, straight_line_m, to_bands
from geoplan.errors import UnknownCodeError, VintageError
from geoplan.evidence import Nesting, PrintedTable, PublicTotals
from geoplan.gate import GateResult
from geoplan.ledger import mark_of
from geoplan.postcodes import FLAG_BIT
from geoplan.schools import Schools
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import NO, TAKE_UP, YES, RawTable, population_name

ELSEWHERE = "elsewhere"
NO_SCHOOL = "no school given"
YEARS = ("N1", "N2", "R", *map(str, range(1, 15)))
OF_AGE = tuple(map(str, range(1, 12)))


@dataclass(frozen=True, repr=False)
class Intakes:
    """Who lives where and attends what, as it may be shown; every share is worked out from printed counts.

    Parameters
    ----------
    matrix
        Pupils by catchment of home (rows) and school attended (columns); row ``elsewhere`` last. None
        without a plan, as the next three.
    catchments
        By catchment: ``residents``, ``own`` (attend its school), ``other``, ``take_up`` and ``leakage`` (0 to 1).
    schools
        By school: ``pupils``, ``inside`` (live in its catchment), ``outside`` and ``inflow`` (0 to 1; missing
        for a school without a catchment).
    areas
        By area of the plan, the same as ``catchments``.
    bands
        Pupils by school (rows) and distance band (columns, nearest first).
    rule
        The rule applied.
    who
        Who is counted, in words.
    notes
        What a reader should know.
    gate
        What the outsider could find out, at the narrowest.
    """

    matrix: Protected | None
    catchments: Protected | None
    schools: Protected | None
    areas: Protected | None
    bands: Protected
    rule: Rule
    who: str
    notes: tuple[str, ...] = ()
    gate: GateResult | None = None

    def __repr__(self) -> str:
        return f"<Intakes of {self.who}: {len(self.bands):,} schools, {self.rule.name}, {self.rule.tag}>"


def intake_tables(
    people: Assignment,
    schools: Schools,
    plan: CatchmentPlan | None = None,
    years: Sequence[str] = (),
    edges: Sequence[float] = BANDS,
    unit: str = "miles",
    data: str = "",
) -> tuple[RawTable, ...]:
    """The exact tables, to be protected together; nothing in them shows by accident.

    Parameters
    ----------
    people
        Pupils assigned to the plan's kind of area.
    schools
        The schools, with positions.
    plan
        The catchments; None for distances alone.
    years
        The year groups to count; by default those from 1 to 11 that every school of the plan teaches, or everybody
        where there is no plan or the files do not say.
    edges, unit
        The distance bands, in ``miles`` or ``km``.
    data
        What the data and the plan are called: others are another population.

    Returns
    -------
    tuple of RawTable
        Of one population: ``(school, band)`` and, with a plan, ``(catchment, take_up, school)``, its sums
        ``(catchment, take_up)`` and ``(school, take_up)``, and ``(area, take_up)``, whose areas lie in the
        catchments. ``take_up`` is ``yes`` for pupils at a school of the catchment they live in, ``no`` for others.
        Pupils whose home is not known are in none of them; :func:`protect_intakes` says how many they are.

    Raises
    ------
    UnknownCodeError
        If nobody is in these years, or the plan names schools that are not in the file.
    VintageError
        If the people have no codes of the plan's kind, or none that the plan has.
    """
    pupils, who = _counted(people, schools, plan, years)
    pupils = pupils[_placed(pupils, people, plan)]
    bands = to_bands(_metres_to_school(pupils, schools), edges, unit)
    rows = pd.DataFrame({"school": pupils["school"].to_numpy(), "band": np.asarray(bands, dtype=str)})
    rows["school"] = rows["school"].where(rows["school"] != "", NO_SCHOOL)
    population = population_name(who, data)

    def table(name: str, dims: list[str], attributes: tuple[str, ...], geography: str | None = None) -> RawTable:
        counts = rows.groupby(dims, observed=True).size()
        if len(dims) == 2:
            counts = counts.unstack(fill_value=0).stack()
        return RawTable(f"{who} by {name}", counts, people.noun, population, geography, attributes)

    far = table("school and distance", ["school", "band"], ("band",))
    if plan is None:
        return (far,)
    rows["area"] = _areas(pupils, plan)
    rows["catchment"] = rows["area"].map(_lookup(plan))
    homes = {catchment: set(plan.members(catchment)) for catchment in plan.schools}
    stays = [s in homes.get(c, ()) for s, c in zip(rows["school"], rows["catchment"], strict=True)]
    rows[TAKE_UP] = np.where(stays, YES, NO)
    matrix = _every_pair(table("catchment of home and school", ["catchment", TAKE_UP, "school"], ("school",)), homes)
    return (
        far,
        matrix,
        matrix.sum_over("school", f"{who} by catchment of home"),
        matrix.sum_over("catchment", f"{who} by school, from its catchment or not"),
        table("area of home", ["area", TAKE_UP], (TAKE_UP,), "area"),
    )


def _every_pair(matrix: RawTable, homes: Mapping[str, Collection[str]]) -> RawTable:
    """The matrix with every school of each catchment: that nobody goes to one may tell as much as a number."""
    catchments, schools = (matrix.counts.index.get_level_values(dim).unique() for dim in ("catchment", "school"))
    cells = [(c, YES if s in homes.get(c, ()) else NO, s) for c in catchments for s in schools]
    index = pd.MultiIndex.from_tuples(cells, names=matrix.counts.index.names)
    return replace(matrix, counts=matrix.counts.reindex(index, fill_value=0))


def protect_intakes(
    people: Assignment,
    schools: Schools,
    plan: CatchmentPlan | None = None,
    rule: Rule = PUBLIC,
    years: Sequence[str] = (),
    edges: Sequence[float] = BANDS,
    unit: str = "miles",
    *,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> Intakes:
    """The catchment view of a place, protected together; the parameters are those of :func:`intake_tables`.

    Each school's headcount in these years is taken as known to everybody.

    Parameters
    ----------
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`; of other populations, it is left out.

    Returns
    -------
    Intakes

    Raises
    ------
    DisclosureRefused
        If a small number could be worked out whatever is hidden.
    """
    raw = intake_tables(people, schools, plan, years, edges, unit, data)
    pupils, who = _counted(people, schools, plan, years)
    population = raw[0].population
    before = [table for table in earlier if table.population == population]
    headcounts = raw[0].counts.groupby(level="school").sum()
    known = PublicTotals(("school",), headcounts, population, "school headcounts")
    # headcounts are all that distances and homes have in common, and they are known: apart is as good as together
    far = protect_tables(raw[:1], rule, [known], earlier=_like(before, raw[:1]), totals="rounded")[0]
    bands = _ordered(far.unstack("band"), list(name_bands(edges, unit)))
    notes = [ONE_SIDED, f"Counted are {who}, on the rolls read; children in other schools are not there."]
    lost = len(pupils) - int(headcounts.sum())
    if lost:
        shown, hidden = protect_counts(pd.Series([lost]), rule)
        many = f"fewer than {rule.hide_below}" if hidden[0] else f"about {shown[0]:,.0f}"
        notes.append(f"Not in the tables, because their home is not known: {many}.")
    if plan is None:
        return Intakes(None, None, None, None, bands, rule, who, tuple(notes), far.gate)
    matrix, by_catchment, by_school, by_area = _protect_homes(raw[1:], rule, known, plan, before)
    return Intakes(
        matrix=_matrix(matrix),
        catchments=_take_up(by_catchment, "residents", ("own", "other"), "take_up", "leakage"),
        schools=_with_catchment(_take_up(by_school, "pupils", ("inside", "outside"), "", "inflow"), plan),
        areas=_take_up(by_area, "residents", ("own", "other"), "take_up", "leakage"),
        bands=bands,
        rule=rule,
        who=who,
        notes=(
            *notes,
            "A catchment is whom the rules favour, not who attends. Take-up is the part of the pupils who live there "
            "that attends its school; leakage is the rest; inflow is the part of a school's pupils from outside it.",
        ),
        gate=matrix.gate,
    )


def intake_marks(
    people: Assignment, schools: Schools, plan: CatchmentPlan | None = None, data: str = ""
) -> dict[str, str]:
    """The mark of the catchment view's exact counts, for the ledger: the same only for the same data and plan."""
    raw = intake_tables(people, schools, plan, data=data)
    text = "".join(table.counts[table.counts > 0].sort_index().to_csv(header=False) for table in raw)
    return {raw[0].population: mark_of(text)}


def _like(earlier: Sequence[PrintedTable], raw: Sequence[RawTable]) -> list[PrintedTable]:
    """Of what was released before, the tables by the same attributes as these."""
    dims = {frozenset(table.dims) for table in raw}
    return [table for table in earlier if frozenset(table.dims) in dims]


def _protect_homes(
    raw: Sequence[RawTable], rule: Rule, known: PublicTotals, plan: CatchmentPlan, earlier: Sequence[PrintedTable]
) -> tuple[ProtectedTable, ...]:
    """The tables of homes, protected together.

    Areas and schools have only the pupils of each catchment in common, those who stay and those who do not. Where
    these are numbers that may be printed anyway, each side is protected against somebody who knows them exactly:
    then what one side says adds nothing to the other, and two small tasks do for one that takes minutes.
    """
    matrix, by_catchment, by_school, by_area = raw
    common, nested = by_catchment.counts, [Nesting("area", "catchment", _lookup(plan))]
    if ((common > 0) & (common < rule.hide_below)).any():
        before = _like(earlier, raw)
        return protect_tables(raw, rule, [known], earlier=before, nested=nested, totals="rounded")
    stays = PublicTotals(by_catchment.dims, common, known.population, "taken as known")

    def safe(tables: list[RawTable], public: list[PublicTotals], within: Sequence[Nesting] = ()):
        before = _like(earlier, tables)
        return protect_tables(tables, rule, public, earlier=before, nested=within, totals="rounded")

    attended, by_schools = safe([matrix, by_school], [known, stays])
    (lived,) = safe([by_area], [stays], nested)
    (homes,) = safe([by_catchment], [])
    return attended, homes, by_schools, lived


def protect_pupil_facts(
    people: Assignment,
    rule: Rule = PUBLIC,
    data: str = "",
    *,
    earlier: Sequence[PrintedTable] = (),
    only: Sequence[str] | None = None,
) -> Protected:
    """What the rolls say of each school's pupils, as it may be shown: for schools whose published figures are lacking.

    Parameters
    ----------
    people
        Pupils, with any of ``fsm``, ``eal`` and ``sen``.
    rule
        Of the audience.
    data
        What the data are called: other data are another population.
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`: it is attacked together with these, and what was
        hidden stays hidden.
    only
        The columns wanted; all if None.

    Returns
    -------
    Protected
        By school: ``roll`` (printed headcount) and, of those whose answer is known, ``fsm_percent``,
        ``eal_percent`` and ``sen_percent`` (support or a plan), worked out from printed counts; missing where one is
        hidden or the base is under the rule's.

    Raises
    ------
    DisclosureRefused
        If a small number could be worked out from these and what was released before, whatever is hidden.

    See Also
    --------
    fact_marks : whether the answers are those of an earlier release.
    """
    roll, gone = protect_counts(_at_school(people).value_counts().sort_index(), rule)
    table, hidden, printed = {"roll": roll}, {"roll": gone}, []
    for column, who, counts in _answers(people, only):
        share = protect_share(counts, column, who, people.noun, rule, data, earlier)
        table[f"{column}_percent"] = share.table["percent"].reindex(roll.index)
        hidden[f"{column}_percent"] = share.hidden["percent"].reindex(roll.index, fill_value=False)
        printed += share.printed
    units = {name: "%" if name.endswith("_percent") else people.noun for name in table}
    return Protected(pd.DataFrame(table), pd.DataFrame(hidden), rule, f"{people.noun} on roll", units, tuple(printed))


def fact_marks(people: Assignment, data: str = "", only: Sequence[str] | None = None) -> dict[str, str]:
    """A mark of the answers behind each percentage of :func:`protect_pupil_facts`: the same only for the same data.

    For the authority's own ledger alone: whoever knows all pupils but one could try values for that one.
    """
    marks = {}
    for _, who, counts in _answers(people, only):
        name = population_name(who, data)
        marks[name] = mark_of(counts.sort_index().to_csv(header=False))
    return marks


def _at_school(people: Assignment) -> pd.Series:
    """The school of each pupil who has one."""
    school = people.people["school"].astype("str")
    return school[school != ""]


def _answers(people: Assignment, only: Sequence[str] | None) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """What is asked, of whom, and how many of each school answer yes and no, of those of whom it is known."""
    school = _at_school(people)
    rows = people.people.loc[school.index]
    for column, no in (("fsm", "no"), ("eal", "no"), ("sen", "N")):
        if column not in rows or (only is not None and f"{column}_percent" not in only):
            continue
        known = (rows[column].astype("str") != "unknown").to_numpy()
        answer = pd.Series(np.where(rows[column].astype("str") == no, NO, YES), index=rows.index)[known]
        counts = pd.crosstab(school[known], answer).reindex(columns=[YES, NO], fill_value=0)
        yield column, f"{people.noun} whose {column} is known", counts


def protect_share(
    counts: pd.DataFrame,
    column: str,
    who: str,
    noun: str = "pupils",
    rule: Rule = PUBLIC,
    data: str = "",
    earlier: Sequence[PrintedTable] = (),
) -> Protected:
    """The percentage of each school's pupils with something, as it may be shown: both parts are small numbers.

    Parameters
    ----------
    counts
        By school: those with it (``yes``) and those without (``no``).
    column, who, noun
        What it is called, and whose it is, in words.
    rule, data
        Of the audience; what the data are called.
    earlier
        What was released before; of other people, it is left out.

    Returns
    -------
    Protected
        By school: ``percent``, worked out from printed counts, and ``base`` (their sum); missing where one is hidden
        (which counts as hidden) or the base is under the rule's.
    """
    cells = counts.reindex(columns=[YES, NO]).rename_axis(index="school", columns=column).stack()
    name, population = f"{who} by school", population_name(who, data)
    raw = RawTable(name, cells.rename_axis(["school", column]), noun, population, None, (column,))
    headcounts = PublicTotals(("school",), cells.groupby(level=0).sum(), population, "taken as known")
    before = [table for table in earlier if table.population == population]
    shown = protect_tables([raw], rule, [headcounts], earlier=before)[0]
    wide = shown.unstack(column)
    parts = wide.table.mask(wide.hidden)
    base = (parts[YES] + parts[NO]).where(lambda total: total >= max(rule.min_base, 1))
    gone = wide.hidden.any(axis=1)
    table = pd.DataFrame({"percent": 100 * parts[YES] / base, "base": base})
    return Protected(
        table, pd.DataFrame({"percent": gone, "base": gone}), rule, who, {"percent": "%"}, (shown.printed,)
    )


def leakage(intakes: Intakes, catchment: str) -> pd.DataFrame:
    """Which schools the pupils of a catchment attend, the most attended first, from printed counts.

    Returns
    -------
    DataFrame
        By ``school``: ``pupils`` and ``share`` (of the residents printed, 0 to 1; missing on a base under the
        rule's). Schools whose number is hidden or zero are not in it; their pupils are the rest.

    Raises
    ------
    UnknownCodeError
        If there is no such catchment.
    """
    if intakes.matrix is None or catchment not in intakes.matrix.table.index:
        there = [] if intakes.matrix is None else intakes.matrix.table.index
        raise UnknownCodeError(f"no catchment {catchment}; there are {', '.join(map(str, there)) or 'none'}")
    row = intakes.matrix.table.loc[catchment]
    row = row[row > 0].sort_values(ascending=False, kind="stable")
    residents = intakes.catchments.table["residents"].get(catchment, np.nan)
    share = (row / residents).clip(upper=1.0) if residents >= max(intakes.rule.min_base, 1) else row * np.nan
    return pd.DataFrame({"pupils": row, "share": share}).rename_axis("school")


# --- who is counted, and where --------------------------------------------------------------------------


def _counted(
    people: Assignment, schools: Schools, plan: CatchmentPlan | None, years: Sequence[str]
) -> tuple[pd.DataFrame, str]:
    """The pupils to count, and who they are in words."""
    pupils, wanted = people.people, [str(year) for year in years]
    if plan is not None:
        missing = sorted(_with_catchments(plan) - set(schools.frame.index))
        if missing:
            raise UnknownCodeError(f"the plan names schools that are not in the schools file: {', '.join(missing)}")
        wanted = wanted or _years_of(plan, schools.frame)
    if not wanted:
        return pupils, f"all {people.noun}"
    if "year_group" not in pupils:
        if years:
            raise UnknownCodeError(f"these {people.noun} have no year groups, so years cannot be chosen")
        return pupils, f"all {people.noun}"
    pupils = pupils[pupils["year_group"].astype("str").isin(wanted)]
    if not len(pupils):
        raise UnknownCodeError(f"no {people.noun} in years {', '.join(wanted)}")
    span = wanted[0] if len(wanted) == 1 else f"{wanted[0]} to {wanted[-1]}"
    whole = wanted == list(YEARS[YEARS.index(wanted[0]) :][: len(wanted)]) if set(wanted) <= set(YEARS) else False
    said = span if whole else ", ".join(wanted)
    return pupils, f"{people.noun} in year{'' if len(wanted) == 1 else 's'} {said}"


def _lookup(plan: CatchmentPlan) -> dict[str, str]:
    """Area to catchment, and those outside the plan."""
    return {area: school if school != NONE else ELSEWHERE for area, school in plan.table.items()} | {
        ELSEWHERE: ELSEWHERE
    }


def _with_catchments(plan: CatchmentPlan) -> set[str]:
    """The schools that have a catchment, alone or shared."""
    return {code for catchment in set(plan.table) - {NONE} for code in plan.members(catchment)}


def _years_of(plan: CatchmentPlan, frame: pd.DataFrame) -> list[str]:
    """The years of statutory age that every school of the plan teaches; none where the file does not say."""
    if not {"lowest_year", "highest_year"} <= set(frame):
        return []
    years = [year for year in YEARS if year == "R" or year in OF_AGE]
    for code in _with_catchments(plan):
        low, high = frame.loc[code, "lowest_year"], frame.loc[code, "highest_year"]
        if low in YEARS and high in YEARS:
            years = [year for year in years if YEARS.index(low) <= YEARS.index(year) <= YEARS.index(high)]
    return years


def _metres_to_school(pupils: pd.DataFrame, schools: Schools) -> np.ndarray:
    """Metres from home to school; missing where either place is not known well."""
    needed = {"easting", "northing"}
    if not needed <= set(pupils) or not needed <= set(schools.frame):
        return np.full(len(pupils), np.nan)
    at = schools.frame[["easting", "northing"]].reindex(pupils["school"].astype("str")).to_numpy(dtype=float)
    metres = straight_line_m(pupils["easting"], pupils["northing"], at[:, 0], at[:, 1])
    vague = (pupils["flags"].to_numpy() & (FLAG_BIT["approx_grid"] | FLAG_BIT["no_position"])) > 0
    return np.where(vague, np.nan, metres)


def _placed(pupils: pd.DataFrame, people: Assignment, plan: CatchmentPlan | None) -> np.ndarray:
    """Whether the home is known: to the plan's areas, or to a point where there is no plan."""
    if plan is None:
        return pupils["easting"].notna().to_numpy() if "easting" in pupils else np.ones(len(pupils), dtype=bool)
    if plan.kind not in people.kinds:
        raise VintageError(
            f"these {people.noun} have no {plan.kind} codes, only {', '.join(people.kinds) or 'none'}; give assign() "
            "areas of the plan's kind"
        )
    return pupils[plan.kind].notna().to_numpy()


def _areas(pupils: pd.DataFrame, plan: CatchmentPlan) -> np.ndarray:
    """The area of each pupil placed; those outside the plan are elsewhere."""
    codes = pupils[plan.kind].astype("object")
    inside = codes.isin(plan.areas).to_numpy()
    if len(codes) and not inside.any():
        raise VintageError(f"no pupil lives in an area of the plan: are its codes of {plan.kind}?")
    return np.where(inside, codes.astype("str"), ELSEWHERE)


# --- as shown -------------------------------------------------------------------------------------------


def _matrix(table: ProtectedTable) -> Protected:
    """Catchments by schools: the take-up of a cell follows from its catchment and school."""
    shown, hidden = (each.droplevel(TAKE_UP) for each in (table.shown, table.hidden))
    wide = Protected(
        shown.unstack("school", fill_value=0.0),
        hidden.unstack("school", fill_value=False),
        table.rule,
        table.noun,
        printed=(table.printed,),
    )
    return _ordered(wide, None)


def _ordered(table: Protected, columns: list[str] | None) -> Protected:
    """Columns in the order given (those absent are zero), rows with the places that are none last."""
    last = [name for name in (ELSEWHERE, NO_SCHOOL) if name in table.table.index]
    rows = [name for name in table.table.index if name not in last] + last
    columns = columns or list(table.table.columns)
    return Protected(
        table.table.reindex(index=rows, columns=columns, fill_value=0.0),
        table.hidden.reindex(index=rows, columns=columns, fill_value=False),
        table.rule,
        table.base,
        printed=table.printed,
    )


def _with_catchment(table: Protected, plan: CatchmentPlan) -> Protected:
    """No inflow for schools that have no catchment for pupils to come from outside of."""
    has = table.table.index.isin(_with_catchments(plan))
    return replace(table, table=table.table.assign(inflow=table.table["inflow"].where(has)))


def _take_up(table: ProtectedTable, whole: str, parts: tuple[str, str], share: str, rest: str) -> Protected:
    """Those who do and do not, and their shares, from printed parts; no share where one is hidden or the base small."""
    wide = table.unstack(TAKE_UP)
    keep = [code for code in wide.table.index if code != ELSEWHERE]
    shown = wide.table.reindex(index=keep, columns=[YES, NO], fill_value=0.0)
    hidden = wide.hidden.reindex(index=keep, columns=[YES, NO], fill_value=False)
    shown = shown.mask(hidden)
    total, gone = shown[YES] + shown[NO], hidden.any(axis=1)
    base = total.where(total >= max(table.rule.min_base, 1))
    columns = {
        whole: total,
        parts[0]: shown[YES],
        parts[1]: shown[NO],
        share: shown[YES] / base,
        rest: shown[NO] / base,
    }
    taken = {whole: gone, parts[0]: hidden[YES], parts[1]: hidden[NO], share: gone, rest: gone}
    names = [name for name in columns if name]
    units = dict.fromkeys((whole, *parts), table.noun) | dict.fromkeys([n for n in (share, rest) if n], "share")
    return Protected(
        pd.DataFrame({name: columns[name] for name in names}),
        pd.DataFrame({name: taken[name] for name in names}),
        table.rule,
        table.population,
        units,
        (table.printed,),
    )
