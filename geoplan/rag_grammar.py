"""What a file of rules may say: read so that nothing in it has two readings.

At ``>= 25`` a school at exactly 25 is red, and "25" alone does not say so. Whatever could be read in two ways is
refused, all of it at once and with what to write instead: bands that meet at a number which is in both or in neither,
an amber that lies beyond red, two rules for one measure of one school, a quartile without saying of which schools.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from geoplan.errors import InputRefused, Problem
from geoplan.rag_measures import MEASURES, measure_named
from geoplan.rag_rules import (
    AMBER,
    COLOURS,
    COUNTED,
    GREEN,
    HIGHER,
    LOWER,
    NUMBERS,
    OF_PUPILS,
    PUBLISHED,
    RED,
    ROLL_UPS,
    SHARE,
    SHARES,
    Condition,
    Indicator,
    RagRules,
    RollUp,
    column_words,
    number_words,
)

MOST = 10**12  # no number of a school is larger
OWN_PERCENTS = frozenset({"fsm_percent", "eal_percent", "sen_percent"})  # worked out of the office's pupil file
LEAST_COMPARED = 8  # schools: a quarter of fewer is one school or none
_CONDITION = re.compile(r"(?:([A-Za-z_]\w*)\s+)?(>=|<=|>|<|=|≥|≤)\s*(-?\d{1,12}(?:\.\d{1,9})?)\s*(%|[a-z][a-z ]*)?")
_OPPOSITE = MappingProxyType({">=": "<", "<": ">=", ">": "<=", "<=": ">"})
_RULES = frozenset({"title", "authority", "agreed_on", "agreed_by", "review_on", "example", "groups", "facts", "note"})
_ROLL_UP = frozenset({"rule", "red_from_percent", "amber_from_percent", "minimum_schools"})
_INDICATOR = frozenset(
    {
        "name", "title", "category", "measure", "label", "unit", "worse", "green", "amber", "red", "compare_with",
        "minimum_schools", "ties", "schools", "pupils", "count", "interval", "confidence_percent", "numbers", "source",
        "grades", "note",
    }
)  # fmt: skip


def rules_from(values: Mapping, file: str = "rules") -> RagRules:
    """Rules from the values of a TOML file.

    Raises
    ------
    InputRefused
        With every rule that is incomplete, contradicts another, or could be read in two ways, and what to write
        instead.

    Examples
    --------
    >>> rules_from({"rules": {"title": "Ours"}, "indicator": [{
    ...     "name": "gcse", "measure": "good_gcse_percent", "worse": "lower", "red": 30, "pupils": "cohort",
    ...     "interval": "wilson", "numbers": "published", "source": "DfE"}]})
    Traceback (most recent call last):
    ...
    geoplan.errors.InputRefused: rules: 1 problem
      gcse: red   30 alone does not say whether a school at exactly 30 is red   write "<= 30" or "< 30"
    """
    reading = _Reading(file)
    about = reading.table(values, "rules")
    reading.keys(values, {"rules", "roll_up", "indicator"}, "the file")
    reading.keys(about, _RULES, "[rules]")
    title = reading.text(about, "title", "[rules]", needed=True)
    agreed = {name: reading.date(about, name) for name in ("agreed_on", "review_on")}
    by = reading.text(about, "agreed_by", "[rules]")
    if bool(agreed["agreed_on"]) != bool(by):
        reading.problem("rule_incomplete", "[rules]", "agreed_on and agreed_by go together",
                        "give both, or neither while the rules are a draft")  # fmt: skip
    listed = values.get("indicator", [])
    if not isinstance(listed, list) or not listed or not all(isinstance(each, Mapping) for each in listed):
        reading.problem("rule_incomplete", "[[indicator]]", "no indicators", "write one [[indicator]] for each rule")
        listed = []
    indicators = [reading.indicator(each, at) for at, each in enumerate(listed, 1)]
    roll_up = reading.roll_up(reading.table(values, "roll_up"))
    reading.overlaps([each for each in indicators if each is not None])
    if reading.problems:
        raise InputRefused(file, reading.problems)
    return RagRules(
        title, tuple(indicators), roll_up, reading.texts(about, "groups", "[rules]"),
        reading.text(about, "authority", "[rules]"), agreed["agreed_on"], by, agreed["review_on"],
        bool(about.get("example", False)), reading.text(about, "note", "[rules]"), tuple(reading.warnings),
        reading.texts(about, "facts", "[rules]"),
    )  # fmt: skip


def check_columns(
    rules: RagRules, numbers: Sequence[str], words: Sequence[str], file: str = "rules", others: Sequence[str] = ()
) -> None:
    """Refuse rules that name a column which is not there; all of them at once.

    Parameters
    ----------
    rules
        The rules.
    numbers, words
        What there is to judge by, and the columns of the schools, to choose, compare and group them by.
    file
        The file of the rules.
    others
        Further columns that the files have and no rule names, to say what there is.

    Raises
    ------
    InputRefused
        With the columns there are, and that which may have been meant.
    """
    known = {*numbers, *words, *others}
    problems = []
    for each in rules.indicators:
        pupil_file = each.numbers == OF_PUPILS and not each.count  # worked out later, and asked for then
        lost = [name for name in (() if pupil_file else each.columns) if name not in numbers]
        chosen = dict.fromkeys([*each.compare_with, *each.schools])
        lost += [name for name in chosen if name != "all schools" and name not in words and name not in lost]
        if lost:
            meant = list(dict.fromkeys(name for each_lost in lost for name in get_close_matches(each_lost, known, n=1)))
            said = f"did you mean {' and '.join(meant)}? If not, " if meant else ""
            problems.append(
                Problem(
                    file, "column_missing", f"no column {', '.join(lost)}; there are {', '.join(sorted(known))}",
                    f"{said}add the column to a file given with --facts, or correct the name in the rule",
                    column=each.name,
                )
            )  # fmt: skip
    lost = [name for name in rules.groups if name not in words]
    if lost:
        problems.append(
            Problem(file, "column_missing", f"groups: the schools have no column {', '.join(lost)}",
                    "add it to the schools file, or name its header under [columns.schools] in geoplan.toml",
                    column="[rules]")
        )  # fmt: skip
    if problems:
        raise InputRefused(file, problems)


class _Reading:
    """The values of a file as they are read, with every problem found on the way."""

    def __init__(self, file: str):
        self.file, self.problems, self.warnings = file, [], []

    def problem(self, code: str, where: str, what: str, suggestion: str = "") -> None:
        self.problems.append(Problem(self.file, code, what, suggestion, column=where))

    def table(self, values: Mapping, name: str) -> Mapping:
        told = values.get(name, {})
        if isinstance(told, Mapping):
            return told
        self.problem("rule_incomplete", name, "is not a table", f"write [{name}] on a line of its own")
        return {}

    def keys(self, values: Mapping, known: frozenset | set, where: str) -> None:
        strange = [str(key) for key in values if key not in known]
        if strange:
            self.problem("rule_unclear", where, f"no such key: {', '.join(strange)}",
                         f"there are {', '.join(sorted(known))}")  # fmt: skip

    def text(self, values: Mapping, name: str, where: str, needed: bool = False) -> str:
        told = values.get(name, "")
        if not isinstance(told, str):
            self.problem("rule_unclear", where, f"{name} is not text", f'write {name} = "..."')
            return ""
        if needed and not told.strip():
            self.problem("rule_incomplete", where, f"{name} is not given", f'write {name} = "..."')
        return " ".join(told.split())

    def texts(self, values: Mapping, name: str, where: str) -> tuple[str, ...]:
        told = values.get(name, ())
        told = (told,) if isinstance(told, str) else told
        if not isinstance(told, (list, tuple)) or not all(isinstance(each, str) and each.strip() for each in told):
            self.problem("rule_unclear", where, f"{name} is not a list of words", f'write {name} = ["..."]')
            return ()
        return tuple(each.strip() for each in told)

    def whole(self, values: Mapping, name: str, where: str, default: int, least: int = 1) -> int:
        told = values.get(name, default)
        if isinstance(told, bool) or not isinstance(told, int) or told < least:
            self.problem("rule_unclear", where, f"{name} is not a whole number of {least} or more")
            return default
        return told

    def date(self, values: Mapping, name: str) -> str:
        told = values.get(name, "")
        if isinstance(told, dt.date) and not isinstance(told, dt.datetime):
            return told.isoformat()
        try:
            return dt.date.fromisoformat(told).isoformat() if told else ""
        except (TypeError, ValueError):
            self.problem("rule_unclear", "[rules]", f"{name} is not a date", f"write {name} = 2026-11-30")
            return ""

    def roll_up(self, values: Mapping) -> RollUp:
        where = "[roll_up]"
        self.keys(values, _ROLL_UP, where)
        rule = values.get("rule", COUNTED)
        if rule not in ROLL_UPS:
            self.problem("rule_unclear", where, "rule is not known", f"there are {', '.join(ROLL_UPS)}")
            return RollUp()
        edges = [values.get(name) for name in ("red_from_percent", "amber_from_percent")]
        given = [edge for edge in edges if edge is not None]
        if any(isinstance(edge, bool) or not isinstance(edge, (int, float)) or not 0 < edge <= 100 for edge in given):
            self.problem("rule_unclear", where, "a share of schools is a number over 0 and up to 100")
            return RollUp()
        if rule == SHARE and len(given) < 2:
            self.problem("rule_incomplete", where, "the rule share needs red_from_percent and amber_from_percent",
                         "say from what percentage of schools a group is red, and amber")  # fmt: skip
            return RollUp()
        if rule != SHARE and given:
            self.problem("rule_conflict", where, f"percentages are given, but the rule is {rule}",
                         'write rule = "share", or leave them out')  # fmt: skip
        least = self.whole(values, "minimum_schools", where, 1)
        return RollUp(rule, *(map(float, edges) if rule == SHARE else (0.0, 0.0)), least)

    # --- an indicator

    def indicator(self, values: Mapping, at: int) -> Indicator | None:
        before = len(self.problems)
        name = self.text(values, "name", f"indicator {at}", needed=True)
        where = name or f"indicator {at}"
        if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            self.problem("rule_unclear", where, "a name is small letters, digits and _", 'write name = "surplus"')
        self.keys(values, _INDICATOR, where)
        measure = self.text(values, "measure", where, needed=True)
        known = measure_named(measure)
        grades = self.texts(values, "grades", where)
        unit = self.text(values, "unit", where) or known.unit
        worse = values.get("worse", HIGHER if grades else "")
        if worse not in (HIGHER, LOWER):
            self.problem("rule_incomplete", where, "worse is not higher or lower",
                         'say which way is worse: worse = "higher"')  # fmt: skip
            worse = ""
        numbers = values.get("numbers", "")
        if numbers not in NUMBERS:
            self.problem("rule_incomplete", where, "numbers does not say what kind of numbers these are",
                         f"write one of {', '.join(NUMBERS)}: what may be shown depends on it")  # fmt: skip
        source = self.text(values, "source", where, needed=True)
        shares = {colour: self.share(values.get(colour), where, colour) for colour in (AMBER, RED)}
        compares = any(share is not None for share in shares.values())
        conditions: dict[str, tuple[Condition, ...]] = {AMBER: (), RED: ()}
        if compares:
            self.comparison(values, where, shares, grades)
        elif worse and measure:
            conditions = self.bands(values, where, measure, unit, worse, grades)
            self.keys({k: 0 for k in ("compare_with", "minimum_schools", "ties") if k in values}, frozenset(), where)
        if not any(key in values for key in (AMBER, RED)):
            self.problem("rule_incomplete", where, "no trigger", 'write amber = ">= 10" and red = ">= 25"')
        interval, confidence = self.chance(values, where, unit, numbers, compares, measure)
        schools = self.selection(values.get("schools", {}), where)
        self.doubt(where, measure, self.text(values, "title", where), source)
        if numbers == OF_PUPILS:
            safe = {measure, self.text(values, "pupils", where), self.text(values, "count", where)} | (
                set(MEASURES) - OWN_PERCENTS
            )
            bare = sorted({each.measure for part in conditions.values() for each in part} - safe)
            if bare:
                self.problem(
                    "rule_conflict",
                    where,
                    f"a rule on numbers of pupils also rests on {', '.join(bare)}, which nothing protects",
                    "make it a rule of its own, or name count and pupils in the condition",
                )
        if len(self.problems) > before:
            return None
        return Indicator(
            name, self.text(values, "title", where) or column_words(name).capitalize(),
            self.text(values, "category", where) or column_words(name), measure,
            self.text(values, "label", where) or known.label, unit, worse, conditions[AMBER], conditions[RED],
            shares[AMBER] or 0.0, shares[RED] or 0.0, self.texts(values, "compare_with", where),
            values.get("minimum_schools", 0), values.get("ties", "better"), MappingProxyType(schools),
            self.text(values, "pupils", where), self.text(values, "count", where), interval, confidence, numbers,
            source, grades, self.text(values, "note", where),
        )  # fmt: skip

    def share(self, told: object, where: str, colour: str) -> float | None:
        """The share of "worst quarter" or "worst 25%"; None where the text is something else."""
        match = re.fullmatch(r"\s*worst\s+(?:(\w+)|(\d+(?:\.\d+)?)\s*%)\s*", told) if isinstance(told, str) else None
        if match is None:
            return None
        share = SHARES.get(match[1], 0.0) if match[1] else float(match[2]) / 100
        if not 0 < share < 1:
            self.problem("rule_unclear", f"{where}: {colour}", "not a share of schools",
                         'write "worst quarter" or "worst 25%"')  # fmt: skip
        return share

    def comparison(self, values: Mapping, where: str, shares: Mapping, grades: tuple) -> None:
        given = [colour for colour in (AMBER, RED) if colour in values]
        mixed = [colour for colour in given if shares[colour] is None]
        if mixed:
            self.problem("rule_conflict", f"{where}: {mixed[0]}", "one colour goes by place and the other by a number",
                         "write two indicators with names of their own")  # fmt: skip
        elif len(given) == 2 and not shares[AMBER] > shares[RED]:
            self.problem("rule_conflict", f"{where}: amber", "the share for amber is not larger than that for red",
                         'red is part of it: amber = "worst half", red = "worst quarter"')  # fmt: skip
        if GREEN in values:
            self.problem("rule_conflict", f"{where}: green", "green is what is left of a comparison", "leave it out")
        if grades:
            self.problem("rule_conflict", where, "grades have no place among others", 'write the grade: amber = "C"')
        if not self.texts(values, "compare_with", where):
            self.problem("rule_incomplete", where, "a comparison does not say with which schools",
                         'write compare_with = ["phase"], or ["all schools"]')  # fmt: skip
        if "minimum_schools" not in values:
            self.problem("rule_incomplete", where, "a comparison needs the fewest schools it may be made of",
                         "write minimum_schools = 20")  # fmt: skip
        else:
            self.whole(values, "minimum_schools", where, LEAST_COMPARED, LEAST_COMPARED)
        if values.get("ties", "better") not in ("better", "worse"):
            self.problem("rule_unclear", where, "ties is not better or worse",
                         "say which colour schools get that tie at the edge")  # fmt: skip

    def bands(self, values, where, measure, unit, worse, grades) -> dict[str, tuple[Condition, ...]]:
        """Conditions of amber and red, with what limits them on the better side checked and taken off."""
        told = {}
        for colour in COLOURS:
            if colour in values:
                told[colour] = self.conditions(values[colour], f"{where}: {colour}", measure, unit, worse, grades)
        if any(part is None for part in told.values()):
            return {AMBER: (), RED: ()}
        ahead = (">=", ">") if worse == HIGHER else ("<=", "<")
        triggers, limits = {}, {}
        for colour, parts in told.items():
            own = [each for each in parts if each.measure == measure]
            limits[colour] = [each for each in own if each.sign not in ahead]
            triggers[colour] = tuple(each for each in parts if each not in limits[colour])
            if colour != GREEN and not any(each.measure == measure for each in triggers[colour]):
                way = "more" if worse == HIGHER else "less"
                self.problem("rule_conflict", f"{where}: {colour}",
                             f"worse is {worse}, but no trigger says from where on {way} is {colour}",
                             f'write {colour} = "{ahead[0]} ..."')  # fmt: skip
                return {AMBER: (), RED: ()}
            seen = [each.measure for each in triggers[colour]]
            if len(seen) != len(set(seen)) or len(limits[colour]) > 1:
                self.problem("rule_unclear", f"{where}: {colour}", "two conditions of one kind on one measure",
                             "keep the stricter one")  # fmt: skip
                return {AMBER: (), RED: ()}
        amber, red = triggers.get(AMBER, ()), triggers.get(RED, ())
        if limits.get(RED):
            self.problem("rule_conflict", f"{where}: red", "red ends, so that something worse would not be red",
                         "leave the end out")  # fmt: skip
        if GREEN in told and (triggers[GREEN] or len(limits[GREEN]) != 1):
            self.problem("rule_unclear", f"{where}: green", "green is not one condition on the better side",
                         "leave green out: it is all that is neither amber nor red")  # fmt: skip
        elif GREEN in told:
            self.meet(where, GREEN, limits[GREEN][0], AMBER if amber else RED, amber or red)
        if limits.get(AMBER):
            self.meet(where, AMBER, limits[AMBER][0], RED, red)
        if amber and red:
            self.nested(where, amber, red, unit, grades)
        return {AMBER: amber, RED: red}

    def meet(self, where: str, colour: str, end: Condition, worse: str, trigger: Sequence[Condition]) -> None:
        """A band's end must be just where the next colour begins: no number in both, none in neither."""
        next_ = [each for each in trigger if each.measure == end.measure]
        if not next_:
            self.problem("rule_conflict", f"{where}: {colour}", f"it ends where no {worse} begins",
                         f"say from where on a school is {worse}, or leave the end out")  # fmt: skip
        elif len(trigger) > 1:
            self.problem("rule_conflict", f"{where}: {colour}",
                         f"it ends although {worse} needs more than one condition, so a school may be neither",
                         f"leave the end of {colour} out: {worse} is looked at first")  # fmt: skip
        elif (end.sign, end.at) != (_OPPOSITE[next_[0].sign], next_[0].at):
            edge, other = number_words(end.at), number_words(next_[0].at)
            if end.at == next_[0].at:
                both = "=" in end.sign
                what = f"a school at exactly {edge} would be {'both' if both else 'neither'} {colour} " + (
                    f"and {worse}" if both else f"nor {worse}"
                )
            else:
                what = f"{colour} ends at {edge}, {worse} begins at {other}: between them a school is both or neither"
            self.problem("rule_conflict", f"{where}: {colour}", what,
                         f'write {colour} to end with "{_OPPOSITE[next_[0].sign]} {other}"')  # fmt: skip

    def nested(self, where, amber: Sequence[Condition], red: Sequence[Condition], unit: str, grades) -> None:
        """Red must be a worse amber: every condition of amber is one of red, and red is stricter."""
        reds = {each.measure: each for each in red}
        stricter = len(red) > len(amber)
        for each in amber:
            other = reds.get(each.measure)
            if other is None:
                self.problem("rule_unclear", f"{where}: amber",
                             f"amber asks for {each.measure} and red does not: is it meant for both?",
                             f"add a condition on {each.measure} to red, or take it off amber")  # fmt: skip
                return
            if other.sign[0] != each.sign[0]:
                self.problem("rule_conflict", f"{where}: amber", f"amber and red go different ways on {each.measure}",
                             "which way is worse must be the same for both")  # fmt: skip
                return
            beyond = each.at - other.at if each.sign[0] == ">" else other.at - each.at
            if beyond > 0 or (beyond == 0 and "=" in other.sign and "=" not in each.sign):
                self.problem("rule_conflict", f"{where}: amber",
                             f"amber ({each.words(unit, grades)}) lies beyond red ({other.words(unit, grades)})",
                             "amber must begin before red")  # fmt: skip
                return
            stricter = stricter or beyond < 0
        if not stricter:
            self.problem("rule_conflict", f"{where}: amber", "amber begins where red does, so no school can be amber",
                         "move one of them, or leave amber out")  # fmt: skip

    def conditions(self, told, where, measure, unit, worse, grades) -> tuple[Condition, ...] | None:
        """The conditions of a text; None with a problem where it does not say one thing."""
        if isinstance(told, (int, float)) and not isinstance(told, bool) and abs(told) < MOST:
            number, sign = number_words(told), ">" if worse == HIGHER else "<"
            colour = where.rpartition(": ")[2]
            self.problem("rule_unclear", where,
                         f"{number} alone does not say whether a school at exactly {number} is {colour}",
                         f'write "{sign}= {number}" or "{sign} {number}"')  # fmt: skip
            return None
        if not isinstance(told, str):
            self.problem("rule_unclear", where, "is not text", 'write ">= 25"')
            return None
        if re.search(r"\bor\b", told) and not grades:
            self.problem("rule_unclear", where, '"or" can be read in two ways beside "and"',
                         "write two indicators with names of their own")  # fmt: skip
            return None
        if grades:
            return self.grade(told, where, measure, grades)
        found = []
        for part in re.split(r"\s+and\s+", told.strip()):
            match = _CONDITION.fullmatch(part.strip())
            if match is None or match[2] == "=":
                self.problem("rule_unclear", where, "not a comparison",
                             'write a sign and a number: ">= 25", or ">= 25 and unfilled_places >= 30"')  # fmt: skip
                return None
            of = match[1] or measure
            written, known = (match[4] or "").strip(), unit if of == measure else measure_named(of).unit
            if written and written != known:
                self.problem("rule_unclear", where, f"{written} is not the unit of {of}",
                             f"it is in {known}" if known else "leave the unit out")  # fmt: skip
                return None
            found.append(Condition(of, {"≥": ">=", "≤": "<="}.get(match[2], match[2]), float(match[3])))
        return tuple(found)

    def grade(self, told: str, where: str, measure: str, grades: tuple[str, ...]) -> tuple[Condition, ...] | None:
        match = re.fullmatch(r"\s*(.+?)(\s+or\s+worse)?\s*", told)
        grade = match[1] if match else ""
        if grade not in grades:
            self.problem("rule_unclear", where, "not one of the grades", f"there are {', '.join(grades)}")
            return None
        if not match[2] and grade != grades[-1]:
            self.problem("rule_unclear", where, f"{grade} alone does not say what a worse grade is",
                         f'write "{grade} or worse"')  # fmt: skip
            return None
        return (Condition(measure, ">=", float(grades.index(grade))),)

    def chance(self, values, where, unit, numbers, compares, measure) -> tuple[str, float]:
        pupils, count = self.text(values, "pupils", where), self.text(values, "count", where)
        interval, confidence = values.get("interval", ""), values.get("confidence_percent", 95)
        if interval not in ("", "none", "wilson"):
            self.problem("rule_unclear", where, "interval is not known", "there are wilson and none")
        if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 50 <= confidence < 100:
            self.problem("rule_unclear", where, "confidence_percent is not a number from 50 to under 100")
            confidence = 95
        if count and not pupils:
            self.problem("rule_incomplete", where, "a count of pupils without the number it is of",
                         'write pupils = "..."')  # fmt: skip
        if pupils and unit != "%":
            self.problem("rule_conflict", where, "pupils is given, but the measure is no percentage of them",
                         'write unit = "%", or leave pupils out')  # fmt: skip
        if pupils and not interval and not compares:
            self.problem("rule_incomplete", where, "it does not say what becomes of small cohorts",
                         'write interval = "wilson" (no colour where chance could decide) or "none"')  # fmt: skip
        if interval == "wilson" and not pupils:
            self.problem("rule_incomplete", where, "an interval needs the number of pupils", 'write pupils = "..."')
        if interval == "wilson" and compares:
            self.problem("rule_conflict", where, "an interval has no meaning around the edge of a comparison",
                         "compare without it, or give numbers as triggers")  # fmt: skip
        project = measure in OWN_PERCENTS
        if numbers == OF_PUPILS and not (pupils and count) and not project:
            self.problem("rule_incomplete", where, "numbers of pupils need the columns count and pupils",
                         "they are protected as counts; a percentage alone cannot be")  # fmt: skip
        known, title = measure_named(measure), self.text(values, "title", where) or where
        if unit == "%" and not pupils and not known.needs and not compares and numbers == PUBLISHED:
            self.warnings.append(f"{title}: no number of pupils is given, so a school of 15 is coloured as surely as "
                                 "one of 1,500.")  # fmt: skip
        return interval or "none", confidence / 100

    def selection(self, told: object, where: str) -> dict[str, tuple[str, ...]]:
        if not isinstance(told, Mapping):
            self.problem("rule_unclear", where, "schools is not a table", 'write schools = { phase = ["Secondary"] }')
            return {}
        found = {str(column): self.texts(told, column, where) for column in told}
        return {column: tuple(sorted(values)) for column, values in found.items() if values}

    def doubt(self, where: str, measure: str, title: str, source: str) -> None:
        words = set(re.findall(r"[a-z]+", f"{measure} {title} {source}".lower().replace("_", " ")))
        which = title or where
        if "ofsted" in words:
            self.warnings.append(
                f"{which}: single-word Ofsted grades ended in September 2024 and say nothing of a school today; "
                "leave them out"
            )
        if "cva" in words or {"contextual", "value", "added"} <= words:
            self.warnings.append(
                f"{which}: contextual value added is no longer published; name the measure you use in its place"
            )

    def overlaps(self, indicators: Sequence[Indicator]) -> None:
        """No name twice, and no measure twice for one school."""
        names = [each.name for each in indicators]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self.problem("rule_conflict", name, "two indicators have this name", "give each a name of its own")
        for at, one in enumerate(indicators):
            for other in indicators[at + 1 :]:
                if one.name == other.name or one.measure != other.measure:
                    continue
                apart = any(not set(one.schools[c]) & set(other.schools[c]) for c in one.schools if c in other.schools)
                if not apart:
                    self.problem("rule_conflict", other.name,
                                 f"{one.name} judges the same measure ({one.measure}), and a school may be in both",
                                 "say which schools each is for, with no value in both: "
                                 'schools = { phase = ["Primary"] }')  # fmt: skip
