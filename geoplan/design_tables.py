"""What of a design may be shown: children by catchment, today and as designed, and who moves, protected together.

Catchments under two plans, and the moves between them, are sums of the same areas; the gate attacks them as such, with
what was released before about the same children.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.briefs import (
    BALANCE,
    DISSIMILARITY,
    GORARD,
    MEASURES,
    MOVED,
    TRAVEL,
    WORST,
    DesignProblem,
    Limits,
)
from geoplan.catchments import CatchmentPlan
from geoplan.designs import Design
from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.evidence import Nesting, PrintedTable
from geoplan.ledger import mark_of
from geoplan.maps.cells import capital
from geoplan.plan_grounds import TO
from geoplan.suppression import ProtectedTable, protect_tables
from geoplan.tables import RawTable, population_name

NONE_OF_THESE = "none of these schools"
STAY = "no change"
COUNT, COUNT_TODAY, MOVING = "count", "base_count", "people"
#: Figures of a whole plan, in the order and with the decimals printed; counts of children are in protected tables.
FIGURES = {TRAVEL: 2, WORST: 2, GORARD: 3, DISSIMILARITY: 3}


@dataclass(frozen=True, repr=False, eq=False)
class DesignTables:
    """A design as it may be shown.

    Parameters
    ----------
    catchments
        By school: ``name``, ``places``, ``count`` (children as designed), ``base_count`` (today, if there is a plan of
        today) and ``share`` (children as a part of the school's places, from the printed number), in every year where
        there are several (``year`` is then the first level of the index).
    flows
        By the catchments left and joined: ``from``, ``to``, ``people`` (of the first year); None without a plan of
        today.
    areas
        Public: by area that changes school, its ``name``, ``from`` and ``to``.
    figures
        Public: by measure in words, ``today`` and ``design``, as text.
    rule
        The rule applied; None for counts that were published already.
    nested
        How catchments are made of areas.
    marks
        Of the data, for the ledger.
    noun
        What the children are called.
    yearly
        Where there are several years: the catchments of each year, as the gate read them.
    words
        Where no rule was applied: why not, for the foot of the page.
    """

    catchments: Protected | pd.DataFrame
    flows: Protected | pd.DataFrame | None
    areas: pd.DataFrame
    figures: pd.DataFrame
    rule: Rule | None
    nested: tuple[Nesting, ...]
    marks: Mapping[str, str]
    noun: str
    yearly: tuple[Protected, ...] = ()
    words: str = "The counts of children are published figures."

    def __repr__(self) -> str:
        return f"<DesignTables: {len(self.catchments):,} catchments; {self.rule.tag if self.rule else 'published'}>"

    @property
    def protected(self) -> tuple[Protected, ...]:
        """The protected tables."""
        tables = (self.catchments, self.flows, *self.yearly)
        return tuple(table for table in tables if isinstance(table, Protected))

    @property
    def public(self) -> tuple[pd.DataFrame, ...]:
        """The tables of public facts."""
        plain = [table for table in (self.catchments, self.flows) if isinstance(table, pd.DataFrame)]
        return (*plain, self.areas, self.figures)

    @property
    def moved(self) -> float:
        """Children who move, as printed: the sum of the printed moves; NaN where one is hidden."""
        if self.flows is None:
            return np.nan
        people = (self.flows.table if isinstance(self.flows, Protected) else self.flows)[MOVING]
        return float(people.sum()) if people.notna().all() else np.nan


def protect_design(
    problem: DesignProblem,
    found: Design,
    rule: Rule | None = PUBLIC,
    *,
    noun: str = "pupils",
    base_name: str = "",
    data: str = "",
    names: Mapping[str, str] | None = None,
    area_names: Mapping[str, str] | None = None,
    earlier: Sequence[PrintedTable] = (),
    earlier_nested: Sequence[Nesting] = (),
    step: int = 1,
) -> DesignTables:
    """The tables of a design, safe to print.

    Parameters
    ----------
    problem, found
        The brief and its design, which must have a plan.
    rule
        Of the audience; None for counts that were published already.
    noun, base_name, data
        What the children are called, which of them are counted, and what the data are called: together the population
        in the ledger.
    names, area_names
        Names by code.
    earlier, earlier_nested
        What was released before.
    step
        Without a rule: what counts are rounded to.

    Raises
    ------
    DisclosureRefused
        If a count cannot be protected.
    """
    names, area_names = dict(names or {}), dict(area_names or {})
    population = design_population(problem.kind, noun, base_name, data)
    plans = {"Design": _schools(problem, found.plan)}
    if problem.today is not None:
        plans = {"Today": _schools(problem, problem.today), **plans}
    dims = {title: f"{title} [{_fingerprint(schools)}]" for title, schools in plans.items()}
    nested = {dims[title]: schools for title, schools in plans.items()}
    raw = {title: _by(problem, schools, dims[title], noun, population, step) for title, schools in plans.items()}
    moving = None
    if problem.today is not None:
        prints = [_fingerprint(schools) for schools in plans.values()]
        dim = f"moves to Design [{' '.join(prints)}]"
        flow = (plans["Today"] + TO + plans["Design"]).where(plans["Today"] != plans["Design"], STAY)
        nested[dim] = flow
        moving = _by(problem, flow, dim, noun, population, step)
    nests = tuple(Nesting(problem.kind, dim, table.to_dict()) for dim, table in nested.items())
    tables = [*raw.values(), *([moving] if moving is not None else [])]
    if rule is None:
        shown = [_plain(table) for table in tables]
    else:
        printed = [each for each in earlier if each.population == population]
        used = {dim for each in printed for dim in each.dims}
        older = [each for each in earlier_nested if each.coarse in used and each.coarse not in nested]
        shown = protect_tables(
            tables, rule, earlier=() if rule.exact else printed, nested=(*nests, *older), totals="rounded"
        )
    by_title = dict(zip(plans, shown, strict=False))
    catchments = _catchments(problem, by_title, names, rule, noun)
    yearly: tuple[Protected, ...] = ()
    if isinstance(catchments, Protected) and len(problem.children.columns) > 1:
        printed = tuple(table.printed for table in by_title.values())
        yearly = tuple(
            Protected(catchments.table.loc[year], catchments.hidden.loc[year], rule, noun, printed=printed)
            for year in problem.children.columns
        )
        catchments = replace(catchments, printed=())  # years and catchments of two plans: read back year by year
    first = problem.children.columns[0]
    flows = None if moving is None else _flows(shown[-1], first, names, rule, noun)
    return DesignTables(
        catchments, flows, _areas(problem, plans, names, area_names), _figures(problem, found), rule, nests,
        {population: children_mark(problem.children)}, noun, yearly,
    )  # fmt: skip


def design_population(kind: str, noun: str, base_name: str, data: str) -> str:
    """What the ledger calls the children."""
    who = noun if base_name in ("", noun) else f"{noun}: {base_name}"
    return population_name(f"{who}, with a code of {kind}", data)


def balance_step(problem: DesignProblem, rule: Rule | None) -> float:
    """How finely places over or under may be told: one step of the rounding of counts, at the smallest school.

    A difference from a school's share worked out of exact counts, and told more finely than that, would say how a count
    was rounded. The next of 1, 2, 5, 10, 20, 50 and 100 per cent is used; 1 where counts are exact or published.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> balance_step(SimpleNamespace(shares=np.array([[210.0, 330.0]])), PUBLIC)  # 5 of 210 are 2.4%
    0.05
    >>> balance_step(SimpleNamespace(shares=np.array([[1500.0, 330.0]])), None)
    0.01
    """
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    shares = problem.shares[problem.shares > 0]
    if rule is None or rule.exact or not len(shares):
        return steps[0]
    return next((step for step in steps if step >= rule.round_to / shares.min() - 1e-12), steps[-1])


def balance_told(measured: Mapping[str, float], step: float) -> dict[str, float]:
    """Measures of a plan, with places over or under to the nearest step of :func:`balance_step`.

    Examples
    --------
    >>> balance_told({"travel": 25.91, "balance": 0.0831}, 0.05)
    {'travel': 25.91, 'balance': 0.1}
    """
    told = dict(measured)
    if BALANCE in told:
        told[BALANCE] = round(step * float(np.floor(told[BALANCE] / step + 0.5)), 6)
    return told


def balance_words(step: float) -> str:
    """What a reader should know of places over or under.

    Examples
    --------
    >>> balance_words(0.05).split(":")[0]
    'Places over or under are told in steps of 5 in a hundred'
    """
    return (
        f"Places over or under are told in steps of {100 * step:g} in a hundred: finer would tell more of the smallest "
        "catchment than counts rounded for publication do."
    )


def limit_rows(problem: DesignProblem, limits: Limits, found: Design) -> pd.DataFrame:
    """The limits asked for, in words, and what the design has of each; nothing there counts children.

    Returns
    -------
    DataFrame
        ``limit``, ``design``: text.
    """
    rows = []

    def tell(limit: str, kept: str) -> None:
        rows.append({"limit": limit, "design": kept})

    measured = found.measured
    if limits.one_piece:
        whole = f"{measured['in_one_piece']:.0f} of {measured['catchments']:.0f} catchments are"
        tell("Each catchment is in one piece", whole)
    if limits.places_within is not None:
        tell(f"Each school within {percent(limits.places_within)} of its share of children by places", "kept")
    if limits.full_at_most is not None:
        tell(f"No school over {percent(limits.full_at_most)} full", "kept")
    if limits.full_at_least is not None:
        tell(f"No school under {percent(limits.full_at_least)} full", "kept")
    if limits.max_travel is not None:
        longest = f"the longest is {measured[WORST]:.2f} {problem.unit}"
        tell(f"No area farther than {limits.max_travel:g} {problem.unit} from its school", longest)
    if limits.nearest is not None:
        tell(f"Each area to one of its {limits.nearest} nearest schools", "kept")
    if limits.fixed:
        tell(f"{areas(len(limits.fixed))} settled beforehand", "kept")
    for group in limits.together:
        tell(f"{areas(len(group))} kept together ({group[0]} and others)", "kept")
    for name, most in limits.at_most.items():
        amount = "kept" if name in (MOVED, BALANCE) else f"{measured[name]:.{FIGURES[name]}f}"
        tell(f"{capital(MEASURES[name])}: at most {most:g}", amount)
    return pd.DataFrame(rows, columns=["limit", "design"])


def sureness(problem: DesignProblem, found: Design) -> str:
    """What is proved of a design, in plain words; counts of children are rounded so that none is given away.

    Examples
    --------
    >>> from geoplan.designs import Design
    >>> one = Design("proved", object(), {"travel": 1.0}, 2.5, 2.499, 1.0, 1, 0, {})
    >>> sureness(None, one)
    'Proved: no plan that keeps these limits is better by more than 0.04%.'
    """
    if found.gap <= 0:
        return "Proved: no plan that keeps these limits is better."
    part = gap_words(found.gap)
    if found.status == "proved":
        return f"Proved: no plan that keeps these limits is better by more than {part}."
    return (
        f"Time ran out first. No plan that keeps these limits can be better by more than {part}; there may be a better "
        "one by up to that much. Give it a longer time limit to find out."
    )


def gap_words(gap: float) -> str:
    """A gap as a percentage, never rounded down.

    Examples
    --------
    >>> gap_words(0.00031), gap_words(0.0234)
    ('0.04%', '2.4%')
    """
    decimals = 2 if gap < 0.01 else 1
    scale = 10**decimals
    return f"{abs(np.ceil(100 * gap * scale - 1e-9)) / scale:.{decimals}f}%"


def percent(part: float) -> str:
    """A part as a percentage, without needless decimals."""
    return f"{100 * part:.6g}%"


def areas(count: int) -> str:
    """So many areas."""
    return f"{count:,} area{'' if count == 1 else 's'}"


def _schools(problem: DesignProblem, plan: CatchmentPlan) -> pd.Series:
    return plan.table.reindex(problem.areas).fillna("").astype("str").replace("", NONE_OF_THESE)


def _fingerprint(schools: pd.Series) -> str:
    return hashlib.sha256(schools.to_csv(header=False).encode()).hexdigest()[:8]


def protect_areas(
    children: pd.Series | pd.DataFrame, kind: str, rule: Rule, *, noun: str, base_name: str, data: str,
    earlier: Sequence[PrintedTable] = (), earlier_nested: Sequence[Nesting] = (),
) -> tuple[pd.Series | pd.DataFrame, Protected, dict[str, str]]:  # fmt: skip
    """Children by area as they may be used for a design whose numbers are all worked out from them.

    Parameters
    ----------
    children
        By area: whole numbers; a column for each year if there are several.
    kind, noun, base_name, data, earlier, earlier_nested
        As for :func:`protect_design`.

    Returns
    -------
    children, table, marks
        Rounded, half the smallest number shown where a count is hidden; the evidence, and the mark of the data, for
        the ledger.
    """
    population = design_population(kind, noun, base_name, data)
    counts = children.rename_axis(kind)
    if isinstance(children, pd.DataFrame):
        counts = counts.round().stack().rename_axis([kind, "year"]).swaplevel().sort_index()
    raw = RawTable(f"{noun}, {kind}", counts, noun, population, geography=kind)
    mark = {population: children_mark(children)}
    if rule.exact:
        return children, protect_tables([raw], rule)[0].to_protected(), mark
    printed = [each for each in earlier if each.population == population]
    used = {dim for each in printed for dim in each.dims}
    nested = [each for each in earlier_nested if each.coarse in used]
    shown = protect_tables([raw], rule, earlier=printed, nested=nested)[0]
    cells = shown.shown.fillna(rule.hide_below / 2)
    if isinstance(children, pd.DataFrame):
        return cells.unstack("year").reindex(children.index)[list(children)], shown.to_protected(), mark
    return cells.reindex(children.index), shown.to_protected(), mark


def protect_mix(
    mix: pd.Series, values: Sequence[str], rule: Rule, *, noun: str, base_name: str, data: str,
    earlier: Sequence[PrintedTable] = (), earlier_nested: Sequence[Nesting] = (),
) -> tuple[pd.DataFrame, Protected, dict[str, str]]:  # fmt: skip
    """The mix of each area as it may be used for a design whose segregation is worked out from it.

    A measure of segregation to three decimals, from exact counts, would tell of two plans how many children of the
    group live in the area between them.

    Parameters
    ----------
    mix
        By area and category: whole numbers.
    values
        The categories of the group.
    noun, base_name, data, earlier, earlier_nested
        As for :func:`protect_design`.

    Returns
    -------
    mix, table, marks
        By area ``group`` and ``counted``, from rounded numbers, half the smallest number shown where one is hidden; the
        evidence, and the mark of the data, for the ledger.
    """
    kind, column = mix.index.names
    population = design_population(kind, noun, base_name, data)
    mark = {f"{population}; mix by {column}": children_mark(mix)}
    printed = [each for each in earlier if each.population == population]
    used = {dim for each in printed for dim in each.dims}
    nested = [each for each in earlier_nested if each.coarse in used]
    raw = RawTable(f"{noun}, {kind} and {column}", mix, noun, population, geography=kind, attributes=(column,))
    shown = protect_tables([raw], rule, earlier=printed, nested=nested)[0]
    cells = shown.shown.fillna(rule.hide_below / 2).unstack(column, fill_value=0.0)
    group = cells.reindex(columns=list(values), fill_value=0.0).sum(axis=1)
    return pd.DataFrame({"group": group, "counted": cells.sum(axis=1)}), shown.to_protected(), mark


def children_mark(children: pd.Series | pd.DataFrame) -> str:
    """A mark of counts of children, for the ledger: of one year the same as that of a comparison of plans."""
    values = children.sort_index().to_numpy(dtype=float).ravel()
    if children.ndim == 1 or len(children.columns) == 1:
        values = values[values > 0]
    words = ",".join(str(int(each)) if each == int(each) else str(each) for each in values.tolist())
    return mark_of(words)


def _by(problem: DesignProblem, group: pd.Series, dim: str, noun: str, population: str, step: int = 1) -> RawTable:
    """Children of every year by a grouping of the areas; whole numbers."""
    sums = (problem.children.groupby(group.rename(dim)).sum() / step).round() * step
    if len(problem.children.columns) == 1:
        counts = sums.iloc[:, 0]
    else:
        counts = sums.stack().rename_axis([dim, "year"]).swaplevel().sort_index()
    return RawTable(f"{noun}, {dim}", counts, noun, population)


def _plain(table: RawTable) -> pd.DataFrame:
    """Published counts as they are."""
    return pd.DataFrame({COUNT: table.counts.astype(float)})


def _column(table: ProtectedTable | pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    if isinstance(table, pd.DataFrame):
        return table[COUNT], pd.Series(False, index=table.index)
    return table.shown, table.hidden


def _catchments(problem, by_title, names, rule, noun) -> Protected | pd.DataFrame:
    several = len(problem.children.columns) > 1
    columns = {"Design": COUNT, "Today": COUNT_TODAY}
    found = {columns[title]: _column(table) for title, table in by_title.items()}
    schools = list(problem.schools)
    others = sorted({str(code[1] if several else code) for shown, _ in found.values() for code in shown.index}
                    - set(schools))  # fmt: skip
    codes = [*schools, *others]
    index = pd.Index(codes, name="catchment")
    if several:
        index = pd.MultiIndex.from_product([list(problem.children.columns), codes], names=["year", "catchment"])
    code = index.get_level_values("catchment")
    frame = pd.DataFrame({"name": [names.get(each, each) for each in code]}, index=index)
    places = problem.places.stack().swaplevel() if several else problem.places.iloc[:, 0]
    frame["places"] = places.reindex(index).to_numpy()
    hidden = pd.DataFrame(index=index)
    for name, (shown, gone) in found.items():
        frame[name] = shown.reindex(index).fillna(0.0).where(~gone.reindex(index, fill_value=False)).to_numpy()
        hidden[name] = gone.reindex(index, fill_value=False).to_numpy()
    frame["share"] = frame[COUNT] / frame["places"].where(frame["places"] > 0)
    hidden["share"] = hidden[COUNT]
    least = 0 if rule is None else rule.min_base
    frame.loc[frame["places"] < least, "share"] = np.nan
    if rule is None:
        return frame
    printed = tuple(table.printed for table in by_title.values())
    return Protected(frame, hidden, rule, noun, printed=printed)


def _flows(table, year, names, rule, noun) -> Protected | pd.DataFrame:
    shown, gone = _column(table)
    if shown.index.nlevels > 1:
        shown, gone = (each.xs(year, level="year") for each in (shown, gone))
    moving = shown.index != STAY
    shown, gone = shown[moving], gone[moving]
    ends = [code.split(TO) for code in shown.index]
    frame = pd.DataFrame(
        {
            "from": [names.get(a, a) for a, _ in ends],
            "to": [names.get(b, b) for _, b in ends],
            MOVING: shown.where(~gone).to_numpy(),
        },
        index=shown.index.rename("move"),
    )
    order = frame[MOVING].fillna(-1).sort_values(ascending=False, kind="stable").index
    if rule is None:
        return frame.loc[order]
    hidden = pd.DataFrame({MOVING: gone.to_numpy()}, index=frame.index)
    return Protected(frame.loc[order], hidden.loc[order], rule, noun, printed=(table.printed,))


def _areas(problem, plans, names, area_names) -> pd.DataFrame:
    """The areas that change school, of all areas where there is no plan of today."""
    after = plans["Design"]
    before = plans.get("Today", pd.Series("", index=after.index))
    moved = before != after
    frame = pd.DataFrame(
        {
            "name": [area_names.get(code, code) for code in after.index],
            "from": before.map(lambda code: names.get(code, code)),
            "to": after.map(lambda code: names.get(code, code)),
        },
        index=after.index.rename(problem.kind),
    )
    frame = frame[moved]
    return frame if problem.today is not None else frame.drop(columns="from")


def _figures(problem: DesignProblem, found: Design) -> pd.DataFrame:
    """Figures of the whole plan, today and as designed, as text."""
    from geoplan.formulation import measure_plan

    today: Mapping[str, float] = {}
    labels = problem.now
    if problem.today is not None and (labels >= 0).all():
        today = measure_plan(problem, problem.today)
    rows = {}
    for name, decimals in FIGURES.items():
        if name in found.measured:
            unit = f" {problem.unit}" if name in (TRAVEL, WORST) else ""
            rows[capital(MEASURES[name])] = [
                f"{measured[name]:.{decimals}f}{unit}" if name in measured else "not known"
                for measured in (today, found.measured)
            ]
    rows["Catchments in one piece"] = [
        f"{m['in_one_piece']:.0f} of {m['catchments']:.0f}" if m else "not known" for m in (today, found.measured)
    ]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["today", "design"]).rename_axis("figure")
    return frame if problem.today is not None else frame[["design"]]
