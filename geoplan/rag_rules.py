"""Rules for red, amber and green that a council agreed with its schools, and what they say in plain English.

A rule says from where on a school is amber and from where on it is red; the sign belongs to it. It prints as sentences
that can be read out, agreed and signed. :mod:`geoplan.rag_grammar` reads them from a file.

Source: the Essex tool in *Learning from experience* (2008): indicators, triggers absolute or by quartile, agreed with
the schools. That a trigger is published with its rule is the lesson of a county that kept its colours secret.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType

from geoplan.rag_measures import columns_of, measure_named

GREEN, AMBER, RED = "green", "amber", "red"
COLOURS = (GREEN, AMBER, RED)  # from better to worse
HIGHER, LOWER = "higher", "lower"
#: Kinds of numbers: what may be shown of each is another matter (see ``docs/how-to-agree-rag-rules.md``).
PUBLISHED, NOT_PUPILS, OF_PUPILS = "published", "not about pupils", "of pupils"
NUMBERS = (PUBLISHED, NOT_PUPILS, OF_PUPILS)
COUNTED, WORST, SHARE = "counts", "worst", "share"
ROLL_UPS = (COUNTED, WORST, SHARE)
SHARES = MappingProxyType({"quarter": 0.25, "third": 1 / 3, "half": 0.5, "fifth": 0.2, "tenth": 0.1})


@dataclass(frozen=True)
class Condition:
    """One comparison of a measure with a number.

    Examples
    --------
    >>> rule = Condition("unfilled_percent", ">=", 25.0)
    >>> rule.holds(25.0), rule.holds(24.9), rule.words("%")
    (True, False, '25% or more')
    """

    measure: str
    sign: str
    at: float

    def holds(self, value: float) -> bool:
        """Whether a value meets it; differences under a thousand-millionth are those of arithmetic, not of schools."""
        value, at = round(float(value), 9), round(self.at, 9)
        return {">=": value >= at, ">": value > at, "<=": value <= at, "<": value < at}[self.sign]

    def words(self, unit: str = "", grades: Sequence[str] = ()) -> str:
        """The comparison in words, after "is"."""
        if grades:
            grade = grades[int(self.at)]
            return grade if int(self.at) == len(grades) - 1 else f"{grade} or worse"
        number = number_words(self.at, unit)
        return {
            ">=": f"{number} or more", ">": f"more than {number}", "<=": f"{number} or less", "<": f"below {number}",
        }[self.sign]  # fmt: skip


@dataclass(frozen=True)
class Indicator:
    """How one thing about a school is judged.

    Parameters
    ----------
    name, title, category
        Its code in the file, its heading, and the heading it stands under (capacity, popularity ...).
    measure, label, unit
        The number, what it is in words, and its unit.
    worse
        ``higher`` or ``lower``.
    amber, red
        Conditions that must all hold; red is looked at first. Empty where there is no such colour.
    amber_share, red_share
        For a comparison: the worst share of the schools compared (0.25 for a quarter); 0 where there is none.
    compare_with
        For a comparison: columns that the schools compared have the same (``phase``); ``all schools`` alone for all.
    minimum_schools, ties
        The fewest schools that are compared; whether schools that tie at the edge get the ``better`` or ``worse``
        colour.
    schools
        Column to values: the schools it is for; empty for all.
    pupils, count
        The columns of the number of pupils a percentage is of, and of those counted.
    interval, confidence
        ``wilson`` or ``none``; the chance that the interval holds the true share.
    numbers, source
        What kind of numbers they are, and where they come from.
    grades
        For words instead of numbers: from best to worst.
    note
        What the office wants said beside it.
    """

    name: str
    title: str
    category: str
    measure: str
    label: str
    unit: str
    worse: str
    amber: tuple[Condition, ...] = ()
    red: tuple[Condition, ...] = ()
    amber_share: float = 0.0
    red_share: float = 0.0
    compare_with: tuple[str, ...] = ()
    minimum_schools: int = 0
    ties: str = "better"
    schools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pupils: str = ""
    count: str = ""
    interval: str = "none"
    confidence: float = 0.95
    numbers: str = PUBLISHED
    source: str = ""
    grades: tuple[str, ...] = ()
    note: str = ""

    @property
    def compares(self) -> bool:
        """True if it goes by a school's place among others."""
        return bool(self.amber_share or self.red_share)

    @property
    def measures(self) -> tuple[str, ...]:
        """The measure, then every other that a condition names."""
        others = (each.measure for each in (*self.red, *self.amber))
        return tuple(dict.fromkeys([self.measure, *others]))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of a file that it needs."""
        made = () if self.count else columns_of(self.measure)
        others = (name for measure in self.measures[1:] for name in columns_of(measure))
        return tuple(dict.fromkeys([*made, *others, *filter(None, (self.pupils, self.count))]))

    def label_of(self, measure: str) -> str:
        """A measure in words."""
        return self.label if measure == self.measure else measure_named(measure).label

    def unit_of(self, measure: str, beside: bool = False) -> str:
        """The unit of a measure; ``beside`` its label only where that does not name it."""
        unit = self.unit if measure == self.measure else measure_named(measure).unit
        return "" if beside and unit != "%" and unit in self.label_of(measure) else unit

    def trigger_words(self, colour: str) -> str:
        """The trigger of a colour in short, for a table: ``25% or more, and 30 places or more``."""
        if self.compares:
            share = self.red_share if colour == RED else self.amber_share
            return f"the worst {share_words(share)} of {self.compared_words}" if share else ""
        conditions = self.red if colour == RED else self.amber
        return ", and ".join(self._short(each) for each in conditions)

    def _short(self, condition: Condition) -> str:
        if condition.measure == self.measure:
            return condition.words(self.unit, self.grades)
        unit = self.unit_of(condition.measure, beside=True)
        return f"{self.label_of(condition.measure)} {condition.words(unit)}"

    @property
    def compared_words(self) -> str:
        """The schools compared, in words."""
        if self.compare_with == ("all schools",):
            return "all schools"
        return f"schools of the same {' and '.join(each.replace('_', ' ') for each in self.compare_with)}"

    @property
    def whom(self) -> str:
        """The schools it is for, in words; "" for all."""
        return "; ".join(f"{column.replace('_', ' ')} {' or '.join(v)}" for column, v in self.schools.items())

    def sentences(self) -> tuple[str, ...]:
        """The rule in plain English, one sentence each: to be read out, agreed and signed.

        Examples
        --------
        >>> from geoplan.rag_grammar import rules_from
        >>> rules = rules_from({"rules": {"title": "Ours"}, "indicator": [{
        ...     "name": "surplus", "measure": "unfilled_percent", "label": "the share of unfilled places",
        ...     "worse": "higher", "amber": ">= 10", "red": ">= 25 and unfilled_places >= 30",
        ...     "numbers": "published", "source": "GIAS"}]})
        >>> for sentence in rules.indicators[0].sentences()[:3]:
        ...     print(sentence)
        Red when the share of unfilled places is 25% or more, and the number of unfilled places is 30 or more.
        Otherwise Amber when the share of unfilled places is 10% or more.
        Otherwise Green.
        """
        said = [f"Only for schools with {self.whom}."] if self.schools else []
        said += [self._colour_sentence(RED)] if self.red or self.red_share else []
        if self.amber or self.amber_share:
            said.append(("Otherwise " if said and said[-1].startswith("Red") else "") + self._colour_sentence(AMBER))
        said += ["Otherwise Green.", "Without a figure: no colour (grey), never Green."]
        if self.compares:
            worst = self.red_share or self.amber_share
            said.append(
                f"At least {self.minimum_schools} schools must have a figure to be compared. A rule by place always "
                f"flags somebody: about {_a(share_words(worst))} of the schools, however well all of them do."
            )
            better = self.ties == "better"
            said.append(
                "Schools with the same figure get the same colour; if they tie at the edge, the "
                + ("better one, so that no more than the share stated is flagged." if better
                   else "worse one, so that more than the share stated may be flagged.")
            )  # fmt: skip
        if self.interval == "wilson":
            said.append(
                f"A school with few pupils gets no colour where its {100 * self.confidence:g}% interval (Wilson's, on "
                f"{column_words(self.pupils)}) lies on both sides of a trigger; the chance of each colour is printed."
            )
        return tuple(said)

    def _colour_sentence(self, colour: str) -> str:
        if self.compares:
            kind = "high" if self.worse == HIGHER else "low"
            share = self.red_share if colour == RED else self.amber_share
            return (
                f"{colour.capitalize()} when {self.label} is among the {kind}est {share_words(share)} of "
                f"{self.compared_words}."
            )
        parts = [
            f"{self.label_of(each.measure)} is "
            + each.words(self.unit_of(each.measure, beside=True), self.grades if each.measure == self.measure else ())
            for each in (self.red if colour == RED else self.amber)
        ]
        return f"{colour.capitalize()} when {', and '.join(parts)}."

    @property
    def sentence(self) -> str:
        """The colours in one line, as printed beside a colour."""
        return " ".join(each for each in self.sentences() if each.startswith(("Red", "Amber", "Otherwise")))

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides a colour: two rules with the same one give the same colours."""
        words = ("title", "category", "label", "source", "note")
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in words}
        told |= {"schools": {key: list(values) for key, values in self.schools.items()}}
        told |= {colour: [asdict(each) for each in told[colour]] for colour in (AMBER, RED)}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RollUp:
    """How the colours of schools become one of a cluster or the authority.

    Parameters
    ----------
    rule
        ``counts`` (no colour for a group, the numbers of schools alone), ``worst`` (that of its worst school) or
        ``share``.
    red_from, amber_from
        For ``share``: red from this per cent of schools that are red; amber from this per cent red or amber.
    minimum_schools
        A group of fewer schools that were judged has no colour.
    """

    rule: str = COUNTED
    red_from: float = 0.0
    amber_from: float = 0.0
    minimum_schools: int = 1

    @property
    def sentence(self) -> str:
        """The rule in words.

        Examples
        --------
        >>> RollUp("worst").sentence
        'A group has the colour of its worst school; a school whose colour is not clear counts with the better of its \
colours.'
        """
        least = f" A group with fewer than {self.minimum_schools} such schools has no colour."
        least = least if self.minimum_schools > 1 else ""
        unclear = "a school whose colour is not clear counts with the better of its colours."
        if self.rule == WORST:
            return f"A group has the colour of its worst school; {unclear}{least}"
        if self.rule == SHARE:
            return (
                f"A group is Red when {self.red_from:g}% or more of its schools with a colour are Red, otherwise Amber "
                f"when {self.amber_from:g}% or more are Red or Amber, otherwise Green; {unclear}{least}"
            )
        return "A group has no colour of its own: the numbers of its schools of each colour are shown."


@dataclass(frozen=True)
class RagRules:
    """The rules of a council: indicators, how groups are judged, and who agreed to it when.

    Parameters
    ----------
    title, authority
        What they are called, and whose they are.
    indicators
        In the order of the file.
    roll_up
        For clusters and the authority.
    groups
        Columns of the schools that are groups, fine to coarse: ``("cluster",)``.
    agreed_on, agreed_by, review_on
        The day (ISO) and the body; "" while they are not agreed.
    example
        True for rules whose triggers are invented to show how it works.
    warnings
        What is allowed and deserves a second thought.
    facts
        Files with a URN and numbers about schools that the rules are read with, named as the rules' file names them.
    """

    title: str
    indicators: tuple[Indicator, ...]
    roll_up: RollUp = RollUp()
    groups: tuple[str, ...] = ()
    authority: str = ""
    agreed_on: str = ""
    agreed_by: str = ""
    review_on: str = ""
    example: bool = False
    note: str = ""
    warnings: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Indicator:
        return next(each for each in self.indicators if each.name == name)

    @property
    def categories(self) -> tuple[str, ...]:
        """Each once, in the order of the file."""
        return tuple(dict.fromkeys(each.category for each in self.indicators))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that an indicator needs."""
        return tuple(dict.fromkeys(name for each in self.indicators for name in each.columns))

    @property
    def standing(self) -> str:
        """Whether they are agreed, in a sentence."""
        if self.example:
            return "Example rules: the triggers are invented to show how it works, and nobody has agreed them."
        if not self.agreed_on:
            return "These rules are not agreed yet: a draft for consultation."
        day = dt.date.fromisoformat(self.agreed_on)
        again = f" To be reviewed by {_day(dt.date.fromisoformat(self.review_on))}." if self.review_on else ""
        return f"Agreed on {_day(day)} by {self.agreed_by}.{again}"


def column_of(rule: Indicator, name: str) -> str:
    """The column of facts that holds a number for one rule alone: a number of pupils as it may be shown."""
    return f"{rule.name}: {name}"


def number_words(number: float, unit: str = "") -> str:
    """A number of a rule with its unit.

    Examples
    --------
    >>> number_words(25, "%"), number_words(30, "places"), number_words(1.25)
    ('25%', '30 places', '1.25')
    """
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.6f}".rstrip("0")
    return text + (unit if unit == "%" else f" {unit}" if unit else "")


def share_words(share: float) -> str:
    """A share of schools in a word.

    Examples
    --------
    >>> share_words(0.25), share_words(0.15)
    ('quarter', '15%')
    """
    return next((word for word, of in SHARES.items() if abs(of - share) < 1e-9), f"{100 * share:g}%")


def _a(word: str) -> str:
    return word if word[0].isdigit() else f"a {word}"


def column_words(name: str) -> str:
    """A column's name in words."""
    return name.replace("_", " ")


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"
