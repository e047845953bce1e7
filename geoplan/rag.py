"""Red, amber and green by agreed rules: every school judged with a reason, and groups by a stated rule.

A colour always stands with its word, its value, the trigger and the rule; no figure is grey, never green. Where a share
is of few pupils, Wilson's interval says which colours the school's underlying share may have: if there are two, none is
given and the chance of each is printed. The chances come of the same test that the interval inverts (the score test),
so that a colour is withheld exactly when both its sides of a trigger lie in the interval.

Whatever the rules, a worse reading never has a better colour, and never makes a group's colour better
(``tests/laws/test_rag_laws.py``).

References: Essex's tool in *Learning from experience* (2008); Wilson (1927), JASA 22:209; for chances from a family of
intervals: Xie and Singh (2013), International Statistical Review 81:3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from geoplan.chance import wilson_interval
from geoplan.hierarchies import ALL, NO_GROUP, Hierarchy, hierarchy
from geoplan.rag_grammar import check_columns
from geoplan.rag_measures import Facts, measure_named
from geoplan.rag_rules import (
    AMBER,
    COLOURS,
    GREEN,
    HIGHER,
    OF_PUPILS,
    RED,
    SHARE,
    WORST,
    Condition,
    Indicator,
    RagRules,
    RollUp,
    column_of,
    share_words,
)

UNCLEAR, NO_DATA, HIDDEN, NOT_JUDGED = "unclear", "no data", "hidden", "not judged"
STATUSES = (RED, AMBER, GREEN, UNCLEAR, NO_DATA, HIDDEN, NOT_JUDGED)
WORDS = {
    RED: "Red", AMBER: "Amber", GREEN: "Green", UNCLEAR: "Not clear", NO_DATA: "No data", HIDDEN: "c",
    NOT_JUDGED: "Does not apply",
}  # fmt: skip
SHAPES = {RED: "●", AMBER: "▲", GREEN: "■", UNCLEAR: "◆", NO_DATA: "○", HIDDEN: "▨", NOT_JUDGED: "–"}
MOST_MOVED = 20_000  # pupils: further than this no school is looked for its next colour
_CELLS = (
    "status", "word", "value", "shown", "trigger", "reason", "rule", "better", "worse", "low", "high",
    "chance_green", "chance_amber", "chance_red", "best", "worst", "pupils", "compared",
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class RagBoard:
    """Every school judged by every indicator.

    Parameters
    ----------
    rules
        The rules.
    schools
        Indexed by school, in the order given: ``name`` and the groups.
    cells
        One row for each school and indicator (its index): ``status``, ``word``, ``value`` and ``shown`` (the value as
        printed), ``trigger`` and ``rule`` in words, ``reason``, ``better`` and ``worse`` (what would change the
        colour), ``low`` and ``high`` (the interval, in the measure's unit), ``chance_green``, ``chance_amber``,
        ``chance_red`` (0 to 1, where a colour is not clear), ``best`` and ``worst`` (the colours that the figures
        leave open; "" for none), ``pupils`` (the cohort) and ``compared`` (how many schools it was compared with).
    hierarchy
        The groups.
    notes
        What a reader should know: ties, groups too small, schools in no group.
    """

    rules: RagRules
    schools: pd.DataFrame
    cells: pd.DataFrame
    hierarchy: Hierarchy
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<RagBoard: {len(self.schools):,} schools by {len(self.rules.indicators)} indicators>"

    def of(self, school: str) -> pd.DataFrame:
        """One school's cells, by indicator."""
        return self.cells.xs(school, level="school")

    def matrix(self, column: str = "word") -> pd.DataFrame:
        """Schools by indicators."""
        wide = self.cells[column].unstack("indicator")
        return wide.reindex(index=self.schools.index, columns=[each.name for each in self.rules.indicators])

    def within(self, level: str, group: str) -> RagBoard:
        """The board of one group's schools: the same colours, judged among all."""
        inside = self.hierarchy.groups(level) == group
        codes = inside.index[inside.to_numpy()]
        cells = self.cells[self.cells.index.get_level_values("school").isin(codes)]
        tree = Hierarchy(self.hierarchy.levels, self.hierarchy.table.loc[codes])
        return replace(self, schools=self.schools.loc[codes], cells=cells, hierarchy=tree)

    def by_group(self, level: str) -> pd.DataFrame:
        """The schools of each group counted by colour, and the group's own colour by the rule stated.

        Parameters
        ----------
        level
            A level of the groups, or ``all schools``.

        Returns
        -------
        DataFrame
            Indexed by group and indicator: a column for each status, ``schools`` (their sum, always all schools of
            the group), ``colour`` (a word) and ``reason``.
        """
        return roll_up(self.cells, self.hierarchy.groups(level), self.rules)


def judge(table: Facts, rules: RagRules, schools: pd.DataFrame, hidden: pd.DataFrame | None = None) -> RagBoard:
    """Judge schools by agreed rules.

    Parameters
    ----------
    table
        The numbers, by school, with the reason for each that is missing.
    rules
        The rules.
    schools
        Indexed by school: ``name``, and the columns that the rules select, compare or group by.
    hidden
        True where the small-number rule took a number away (columns as :func:`column_of` names them): a colour that
        rests on it is printed as ``c``.

    Returns
    -------
    RagBoard

    Raises
    ------
    InputRefused
        If a rule names a column that is not there; all are named.

    Examples
    --------
    >>> from geoplan.rag_grammar import rules_from
    >>> from geoplan.rag_measures import facts_from
    >>> rules = rules_from({"rules": {"title": "Ours"}, "indicator": [{
    ...     "name": "surplus", "measure": "unfilled_percent", "worse": "higher", "amber": ">= 10", "red": ">= 25",
    ...     "numbers": "published", "source": "GIAS"}]})
    >>> schools = pd.DataFrame({"name": ["A", "B"]}, index=["1", "2"])
    >>> board = judge(facts_from(pd.DataFrame({"places": [420, 210], "roll": [300, 205]}, ["1", "2"])), rules, schools)
    >>> board.matrix()["surplus"].tolist()
    ['Red', 'Green']
    >>> board.cells.loc[("1", "surplus"), ["shown", "trigger", "better"]].tolist()
    ['28.6%', '25% or more', 'Amber with 16 pupils more']
    """
    schools = schools.rename(index=str)
    check_columns(rules, table.columns(), list(map(str, schools.columns)))
    index = schools.index
    facts = Facts(table.values.reindex(index), table.reasons.reindex(index).fillna("no figure given"))
    gone = (pd.DataFrame(index=index) if hidden is None else hidden.rename(index=str)).reindex(index)
    parts, notes = {}, []
    for each in rules.indicators:
        parts[each.name], said = judge_one(facts, each, schools, gone)
        notes += said
    cells = pd.concat(parts, names=["indicator"]).swaplevel().rename_axis(["school", "indicator"])
    order = pd.MultiIndex.from_product([index, list(parts)], names=["school", "indicator"])
    tree = hierarchy(schools, rules.groups)
    for level in tree.levels:
        alone = int((tree.groups(level) == NO_GROUP).sum())
        if alone:
            notes.append(
                f"{alone:,} school{' is' if alone == 1 else 's are'} in no {level}: counted under {NO_GROUP!r} and for "
                f"the authority; add the {level} to the schools file."
            )
    kept = ["name", *[name for name in ("phase", *rules.groups) if name in schools and name != "name"]]
    return RagBoard(rules, schools[list(dict.fromkeys(kept))], cells.loc[order, list(_CELLS)], tree, tuple(notes))


def judge_one(
    facts: Facts, rule: Indicator, schools: pd.DataFrame, hidden: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Every school judged by one indicator, and what should be said of it."""
    index = schools.index
    applies = _applies(schools, rule)
    values, why, cohort = _values(facts, rule)
    gone = pd.Series(False, index)
    if rule.numbers == OF_PUPILS:
        for name in (*rule.columns, *rule.measures):
            if column_of(rule, name) in hidden:
                gone |= hidden[column_of(rule, name)].fillna(False).astype(bool)
    usable = applies & (why[rule.measure] == "") & ~gone
    edges, notes = _edges(values[rule.measure].where(usable), rule, schools)
    intervals = _intervals(rule, values[rule.measure].where(usable), cohort.where(cohort > 0))
    rows = []
    for code in index:
        if not applies[code]:
            rows.append(_empty(NOT_JUDGED, rule, f"the rule is for schools with {rule.whom}"))
            continue
        lacking = next((why[m][code] for m in rule.measures if why[m][code]), "")
        if gone[code]:
            rows.append(_empty(HIDDEN, rule, "rests on a number that is hidden because it is small"))
        elif lacking:
            rows.append(_empty(NO_DATA, rule, lacking))
        elif rule.compares:
            rows.append(_compared(rule, values[rule.measure][code], edges[code]))
        else:
            own = {m: float(values[m][code]) for m in rule.measures}
            mover = _mover(facts, rule, code, own, cohort)
            ends = None if intervals is None else (float(intervals[0][code]), float(intervals[1][code]))
            rows.append(_by_number(rule, own, float(cohort[code]), ends, mover))
    return pd.DataFrame(rows, index=index), notes


# --- by numbers --------------------------------------------------------------------------------------------


def colour_of(rule: Indicator, values: dict[str, float]) -> str:
    """The colour of one reading by a rule of numbers: red is looked at first.

    Examples
    --------
    >>> from geoplan.rag_rules import Condition
    >>> rule = Indicator("s", "S", "s", "unfilled_percent", "unfilled", "%", "higher",
    ...     (Condition("unfilled_percent", ">=", 10),), (Condition("unfilled_percent", ">=", 25),))
    >>> [colour_of(rule, {"unfilled_percent": value}) for value in (24.999, 25, 9)]
    ['amber', 'red', 'green']
    """
    if rule.red and all(each.holds(values[each.measure]) for each in rule.red):
        return RED
    if rule.amber and all(each.holds(values[each.measure]) for each in rule.amber):
        return AMBER
    return GREEN


def colour_chances(rule: Indicator, values: dict[str, float], pupils: float) -> dict[str, float]:
    """The chance of each colour, if the pupils are a draw of those the school might have had.

    The confidence distribution of the score test: for a trigger at the share ``t`` the chance that the underlying
    share is beyond it is that of a standard normal under ``(share - t) / sqrt(t (1 - t) / pupils)``, whose central 95%
    is Wilson's 95% interval.

    Examples
    --------
    >>> from geoplan.rag_rules import Condition
    >>> floor = Indicator("g", "G", "g", "gcse_percent", "good GCSEs", "%", "lower",
    ...     red=(Condition("gcse_percent", "<", 30),))
    >>> {k: round(v, 2) for k, v in colour_chances(floor, {"gcse_percent": 28.0}, 25).items()}
    {'green': 0.41, 'amber': 0.0, 'red': 0.59}
    """

    def beyond(conditions: Sequence[Condition]) -> float:
        if not conditions or not all(c.holds(values[c.measure]) for c in conditions if c.measure != rule.measure):
            return 0.0
        own = next(c for c in conditions if c.measure == rule.measure)
        at, share = own.at / 100, values[rule.measure] / 100
        if not 0 < at < 1:
            return float(own.holds(values[rule.measure]))
        z = (share - at) / np.sqrt(at * (1 - at) / pupils)
        return float(stats.norm.cdf(z if rule.worse == HIGHER else -z))

    red = beyond(rule.red)
    amber = max(0.0, beyond(rule.amber) - red) if rule.amber else 0.0
    return {GREEN: max(0.0, 1.0 - red - amber), AMBER: amber, RED: red}


def _intervals(rule: Indicator, values: pd.Series, cohort: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """The ends of each school's interval, in per cent; None where the rule asks for none."""
    if rule.interval != "wilson":
        return None
    count = np.minimum(values.clip(0, 100) * cohort / 100, cohort)  # a share a hair over 1 is one of arithmetic
    low, high = wilson_interval(count, cohort, float(stats.norm.ppf(0.5 + rule.confidence / 2)))
    return 100 * low, 100 * high


def _by_number(
    rule: Indicator, own: dict[str, float], pupils: float, ends: tuple[float, float] | None, mover: _Mover | None
) -> dict:
    value = own[rule.measure]
    colour = colour_of(rule, own)
    cell = _empty(colour, rule, "") | {"value": value, "shown": shown_value(value, rule), "pupils": pupils}
    best = worst = colour
    if ends is not None:
        inward = ends if rule.worse == HIGHER else ends[::-1]
        best, worst = (colour_of(rule, own | {rule.measure: end}) for end in inward)
        cell |= {"low": ends[0], "high": ends[1]}
    cell |= {"best": best, "worst": worst}
    if best != worst:
        chances = colour_chances(rule, own, pupils)
        cell |= {f"chance_{name}": chance for name, chance in chances.items()}
        known = {GREEN: True, AMBER: bool(rule.amber), RED: bool(rule.red)}
        open_ = [name for name in COLOURS[COLOURS.index(best) : COLOURS.index(worst) + 1] if known[name]]
        likely = ", ".join(f"{WORDS[name]} {chance_words(chances[name])}" for name in open_[::-1])
        cell |= {
            "status": UNCLEAR,
            "word": WORDS[UNCLEAR],
            "reason": f"{cell['shown']} of {pupils:,.0f} pupils: too few to say on which side of the trigger "
            f"({100 * rule.confidence:g}% interval {cell['low']:.0f}% to {cell['high']:.0f}%); chances: {likely}",
        }
        return cell
    return cell | {"reason": _reason(rule, own, colour)} | _next_colours(rule, own, colour, mover)


def chance_words(chance: float) -> str:
    """A chance as it is printed.

    Examples
    --------
    >>> chance_words(0.004), chance_words(0.27), chance_words(0.999)
    ('under 1 in 100', '27 in 100', 'over 99 in 100')
    """
    hundredths = round(100 * chance)
    return "under 1 in 100" if hundredths < 1 else "over 99 in 100" if hundredths > 99 else f"{hundredths} in 100"


def shown_value(value: float, rule: Indicator, measure: str = "") -> str:
    """A value as it is printed: with as many decimals as it takes to stand on the right side of every trigger.

    Examples
    --------
    >>> from geoplan.rag_rules import Condition
    >>> rule = Indicator("s", "S", "s", "unfilled_percent", "unfilled", "%", "higher",
    ...     red=(Condition("unfilled_percent", ">=", 25),))
    >>> shown_value(24.97, rule), shown_value(31.25, rule), shown_value(25.0, rule)
    ('24.97%', '31.2%', '25.0%')
    """
    measure = measure or rule.measure
    if rule.grades and measure == rule.measure:
        return rule.grades[int(value)]
    unit = rule.unit_of(measure)
    own = [each for each in (*rule.red, *rule.amber) if each.measure == measure]
    whole = float(value).is_integer() and unit != "%"
    for decimals in range(0 if whole else 1, 7):
        text = f"{value:,.{decimals}f}"
        if all(each.holds(float(text.replace(",", ""))) == each.holds(value) for each in own):
            break
    return text + (unit if unit == "%" else "")


def _reason(rule: Indicator, own: dict[str, float], colour: str) -> str:
    """Why the colour: each value beside the trigger that it met, or that it did not."""
    met = rule.red if colour == RED else rule.amber if colour == AMBER else ()
    if met:
        return f"{WORDS[colour]}: " + ", and ".join(_beside(rule, own, each) for each in met)
    first = rule.amber or rule.red
    failed = [each for each in first if not each.holds(own[each.measure])]
    return f"{WORDS[colour]}: " + " and ".join(_beside(rule, own, each, "not ") for each in failed)


def _beside(rule: Indicator, own: dict[str, float], each: Condition, sign: str = "") -> str:
    unit = rule.unit_of(each.measure, beside=True)
    words = each.words(unit, rule.grades if each.measure == rule.measure else ())
    return f"{rule.label_of(each.measure)} is {shown_value(own[each.measure], rule, each.measure)}, {sign}{words}"


# --- what would change the colour ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mover:
    """How a reading changes with one pupil more: the values for a number of pupils, and the number there is."""

    at: Callable[[int], dict[str, float]]
    now: int
    most: int
    noun: str = "pupils"


def _mover(facts: Facts, rule: Indicator, code: str, own: dict[str, float], cohort: pd.Series) -> _Mover | None:
    """Pupils on roll for what follows from the roll; pupils counted for a percentage of a cohort; else none."""
    if all(measure_named(m).mover == "roll" for m in rule.measures) and "roll" in facts.values:
        places = facts.values["places"][code] if "places" in facts.values else np.nan
        roll = facts.values["roll"][code]

        def with_roll(pupils: int) -> dict[str, float]:
            given = {"places": np.array([places]), "roll": np.array([float(pupils)])}
            answer = {}
            for name in rule.measures:
                known = measure_named(name)
                answer[name] = float(known.of(*(given[n] for n in known.needs))[0]) if known.needs else float(pupils)
            return answer

        return _Mover(with_roll, int(roll), MOST_MOVED)
    pupils = cohort[code]
    if rule.pupils and len(rule.measures) == 1 and pupils == pupils and pupils > 0:
        counted = round(own[rule.measure] * pupils / 100)
        return _Mover(lambda count: {rule.measure: 100.0 * count / pupils}, counted, int(pupils))
    return None


def _next_colours(rule: Indicator, own: dict[str, float], colour: str, mover: _Mover | None) -> dict[str, str]:
    """What would make the colour better, and what worse: in pupils where they move it, else in points."""
    at = COLOURS.index(colour)
    there = {GREEN: True, AMBER: bool(rule.amber), RED: bool(rule.red)}
    if mover is not None:
        better, worse = "", ""
        for step, word in ((1, "more"), (-1, "fewer")):
            many, new = _steps(rule, mover, step, colour)
            if new:
                text = f"{WORDS[new]} with {many:,} {mover.noun if many != 1 else mover.noun[:-1]} {word}"
                if COLOURS.index(new) < at:
                    better = text
                else:
                    worse = text
        return {"better": better, "worse": worse}
    up = next((c for c in COLOURS[at + 1 :] if there[c]), "")
    down = next((c for c in COLOURS[:at][::-1] if there[c]), "")
    return {"better": _points(rule, own, colour, down), "worse": _points(rule, own, up, up)}


def _steps(rule: Indicator, mover: _Mover, step: int, colour: str) -> tuple[int, str]:
    """The fewest pupils that change the colour, one way: found by halving, as the colour changes one way only."""
    most = mover.most - mover.now if step > 0 else mover.now

    def new(many: int) -> str:
        return colour_of(rule, mover.at(mover.now + step * many))

    if most < 1 or new(most) == colour:
        return 0, ""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if new(middle) == colour else (low, middle)
    return high, new(high)


def _points(rule: Indicator, own: dict[str, float], trigger_of: str, to: str) -> str:
    """How far the measure is from a trigger, where the other conditions hold already."""
    conditions = rule.red if trigger_of == RED else rule.amber if trigger_of == AMBER else ()
    trigger = next((each for each in conditions if each.measure == rule.measure), None)
    if trigger is None or not to:
        return ""
    crossing = trigger_of == to
    if crossing and not all(each.holds(own[each.measure]) for each in conditions if each is not trigger):
        return ""
    if rule.grades:
        grade = rule.grades[int(trigger.at) - (0 if crossing else 1)]
        return f"{WORDS[to]} at grade {grade}"
    distance = abs(trigger.at - own[rule.measure])
    inclusive = "=" in trigger.sign
    more = "more than " if crossing != inclusive else ""
    unit = "points" if rule.unit == "%" else rule.unit
    way = (
        "higher"
        if (trigger.at > own[rule.measure]) or (trigger.at == own[rule.measure] and (rule.worse == HIGHER) == crossing)
        else "lower"
    )
    number = f"{distance:,.2f}".rstrip("0").rstrip(".") if distance < 10 else f"{distance:,.1f}".removesuffix(".0")
    if distance == 0:
        return f"{WORDS[to]} if any {way}"
    return " ".join(f"{WORDS[to]} if {more}{number} {unit} {way}".split())


# --- by place among others -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edges:
    """From which value on a school among others is amber and red; NaN where nobody is, and how many were compared."""

    amber: float
    red: float
    compared: int
    enough: bool


def worst_edge(values: np.ndarray, share: float, higher_is_worse: bool, ties: str = "better") -> float:
    """The least bad value that is still among the worst ``share`` of values; NaN where ties leave nobody.

    With ``ties`` "better" the schools at least as bad are never more than the share; with "worse" they may be.

    Examples
    --------
    >>> worst_edge(np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), 0.25, True)
    7.0
    >>> tied = np.array([1.0, 1, 1, 1, 1, 7, 7, 7])
    >>> worst_edge(tied, 0.25, True), worst_edge(tied, 0.25, True, "worse")
    (nan, 7.0)
    """
    bad = np.sort(values if higher_is_worse else -values)[::-1]
    room = int(np.floor(share * len(bad) + 1e-9))
    if room < 1:
        return float("nan")
    edge = bad[room - 1]
    if ties == "better" and room < len(bad) and bad[room] == edge:
        worse = bad[bad > edge]
        edge = worse[-1] if len(worse) else np.nan
    return float(edge if higher_is_worse else -edge)


def _edges(values: pd.Series, rule: Indicator, schools: pd.DataFrame) -> tuple[dict[str, _Edges], list[str]]:
    """For each school the edges of those it is compared with."""
    if not rule.compares:
        return {}, []
    if rule.compare_with == ("all schools",):
        groups = pd.Series("all schools", schools.index)
    else:
        groups = schools[list(rule.compare_with)].astype("object").fillna("").astype("str").agg(", ".join, axis=1)
    found: dict[str, _Edges] = {}
    notes = []
    for group, part in values.groupby(groups, sort=True):
        known = part.dropna().to_numpy(dtype=float)
        edges = [worst_edge(known, share, rule.worse == HIGHER, rule.ties) if share and len(known) else np.nan
                 for share in (rule.amber_share, rule.red_share)]  # fmt: skip
        enough = len(known) >= rule.minimum_schools
        found |= dict.fromkeys(part.index, _Edges(*edges, len(known), enough))
        if len(known) and not enough:
            whom = group or f"no {rule.compare_with[0]}"
            notes.append(f"{rule.title}: {whom} has {len(known)} schools with a figure, "
                         f"fewer than {rule.minimum_schools}: nobody there has a colour.")  # fmt: skip
        if enough:
            notes += _ties(rule, group, known, edges)
    return found, notes


def _ties(rule: Indicator, group: str, known: np.ndarray, edges: Sequence[float]) -> list[str]:
    notes = []
    for colour, edge, share in zip((AMBER, RED), edges, (rule.amber_share, rule.red_share), strict=True):
        if not share:
            continue
        room = int(np.floor(share * len(known) + 1e-9))
        flagged = 0 if edge != edge else int((known >= edge).sum() if rule.worse == HIGHER else (known <= edge).sum())
        if flagged != room:
            notes.append(
                f"{rule.title}, {group}: schools tie at the edge of {WORDS[colour]}, so that the worst "
                f"{share_words(share)} is {flagged:,} of {len(known):,} schools and not {room:,}."
            )
    return notes


def _compared(rule: Indicator, value: float, edges: _Edges) -> dict:
    cell = {"value": value, "shown": shown_value(value, rule), "compared": edges.compared}
    if not edges.enough:
        words = f"compared with {edges.compared:,} schools only, and the rule asks for {rule.minimum_schools}"
        return _empty(NO_DATA, rule, words) | cell

    def within(edge: float) -> bool:
        return edge == edge and (value >= edge if rule.worse == HIGHER else value <= edge)

    colour = RED if within(edges.red) else AMBER if within(edges.amber) else GREEN
    edge, share = (edges.red, rule.red_share) if colour == RED else (edges.amber, rule.amber_share)
    if colour == GREEN and not share:
        edge, share = edges.red, rule.red_share
    side = "at" if value == edge else "beyond" if within(edge) else "short of"
    starts = "nobody is in it, for ties" if edge != edge else f"{side} its edge, {shown_value(edge, rule)}"
    inside = "in" if within(edge) else "not in"
    reason = (f"{WORDS[colour]}: {rule.label} is {cell['shown']}, {inside} the worst {share_words(share)} of "
              f"{edges.compared:,} {rule.compared_words} ({starts})")  # fmt: skip
    far = "more" if rule.worse == HIGHER else "less"
    starts = "nobody, for ties, is in" if edge != edge else f"{shown_value(edge, rule)} or {far},"
    trigger = f"{starts} the worst {share_words(share)} of {edges.compared:,} {rule.compared_words}"
    return _empty(colour, rule, reason) | cell | {"best": colour, "worst": colour, "trigger": trigger}


# --- groups --------------------------------------------------------------------------------------------------


def roll_up(cells: pd.DataFrame, groups: pd.Series, rules: RagRules) -> pd.DataFrame:
    """The schools of each group counted by status for each indicator, and the group's colour; see ``by_group``."""
    level = str(groups.name or "group")
    codes = cells.index.get_level_values("school")
    of = pd.Series(groups.reindex(codes).fillna(ALL if level == ALL else NO_GROUP).to_numpy(), cells.index)
    names = cells.index.get_level_values("indicator")
    rows = [of.to_numpy(), names]
    counts = pd.crosstab(rows, cells["status"].to_numpy()).reindex(columns=list(STATUSES), fill_value=0)
    sure = pd.crosstab(rows, cells["best"].to_numpy()).reindex(columns=list(COLOURS), fill_value=0)
    counts.columns.name = None
    inside = sorted(set(of), key=lambda group: (group == NO_GROUP, group))
    order = [(group, each.name) for group in inside for each in rules.indicators]
    counts.index.names = sure.index.names = [level, "indicator"]
    counts, sure = counts.reindex(order), sure.reindex(order)
    counts["schools"] = counts[list(STATUSES)].sum(axis=1)
    told = [group_colour(dict(row), rules.roll_up) for _, row in sure.iterrows()]
    return counts.assign(colour=[word for word, _ in told], reason=[reason for _, reason in told])


def group_colour(schools: dict[str, int], rule: RollUp) -> tuple[str, str]:
    """The colour of a group, as a word, and why; "" where the rule gives none.

    Parameters
    ----------
    schools
        The number of schools by the better of the colours that their figures leave open.

    Examples
    --------
    >>> group_colour({"green": 6, "amber": 1, "red": 1}, RollUp("share", 20, 25))
    ('Amber', '2 of 8 schools are Red or Amber: 25% or more')
    >>> group_colour({"green": 6, "amber": 1, "red": 1}, RollUp("worst"))
    ('Red', '1 of 8 schools is Red')
    """
    total = sum(schools.values())
    if rule.rule not in (WORST, SHARE):
        return "", ""
    if total < max(1, rule.minimum_schools):
        return WORDS[NO_DATA], f"{total} school{'' if total == 1 else 's'} with a colour"
    red = schools.get(RED, 0)
    flagged = red + schools.get(AMBER, 0)

    def some(many: int, what: str) -> str:
        return f"{many:,} of {total:,} schools {'is' if many == 1 else 'are'} {what}"

    if rule.rule == WORST:
        worst = next((c for c in COLOURS[::-1] if schools.get(c, 0)), GREEN)
        return WORDS[worst], some(schools.get(worst, 0), WORDS[worst])
    if 100 * red >= rule.red_from * total - 1e-9:
        return WORDS[RED], f"{some(red, WORDS[RED])}: {rule.red_from:g}% or more"
    if 100 * flagged >= rule.amber_from * total - 1e-9:
        return WORDS[AMBER], f"{some(flagged, 'Red or Amber')}: {rule.amber_from:g}% or more"
    return WORDS[GREEN], f"{some(flagged, 'Red or Amber')}: below {rule.amber_from:g}%"


# --- the parts -----------------------------------------------------------------------------------------------


def _applies(schools: pd.DataFrame, rule: Indicator) -> pd.Series:
    applies = pd.Series(True, schools.index)
    for column, values in rule.schools.items():
        applies &= schools[column].astype("object").fillna("").astype("str").isin(values)
    return applies


def _values(facts: Facts, rule: Indicator) -> tuple[dict[str, pd.Series], dict[str, pd.Series], pd.Series]:
    """Each measure's values and why they are missing, and the cohorts (NaN where the rule has none)."""
    index = facts.values.index

    def own(name: str) -> str:
        """The column made for this rule alone (numbers of pupils as they may be shown), or the file's."""
        made = column_of(rule, name)
        return made if made in facts.values else name

    cohort = facts.values[own(rule.pupils)] if rule.pupils else pd.Series(np.nan, index)
    values, why = {}, {}
    for name in rule.measures:
        if name == rule.measure and rule.count:
            counted, of = own(rule.count), own(rule.pupils)
            with np.errstate(divide="ignore", invalid="ignore"):
                values[name] = (100 * facts.values[counted] / cohort).where(cohort > 0)
            why[name] = facts.reasons[counted].where(facts.reasons[counted] != "", facts.reasons[of])
        else:
            values[name], why[name] = facts.of(own(name) if own(name) != name else name)
    if rule.pupils:
        told = why[rule.measure]
        told = told.mask((told == "") & cohort.isna(), f"the number of pupils ({rule.pupils}) is not given")
        why[rule.measure] = told.mask((told == "") & ~(cohort > 0), f"no pupils ({rule.pupils} is 0)")
    return values, why, cohort


def _empty(status: str, rule: Indicator, reason: str) -> dict:
    return dict.fromkeys(_CELLS, np.nan) | {
        "status": status, "word": WORDS[status], "shown": "", "reason": reason, "better": "", "worse": "", "best": "",
        "worst": "", "rule": rule.sentence, "trigger": rule.trigger_words(_trigger_of(rule, status)),
    }  # fmt: skip


def _trigger_of(rule: Indicator, status: str) -> str:
    """The colour whose trigger is shown beside a status: its own, or for green the first one above it."""
    if status in (RED, AMBER):
        return status
    return AMBER if rule.amber or rule.amber_share else RED
