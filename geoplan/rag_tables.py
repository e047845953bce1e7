"""What of the numbers behind a colour may be shown.

Three kinds of numbers, and each rule says which its own are:

* **published** (places, rolls and free-meal percentages of Get Information About Schools, results on a performance
  table): public facts with a source, which their publisher has protected already. They are printed as they are:
  hiding a published 7 protects nobody, and rounding it would make a colour that nobody can check.
* **not about pupils** (the grade of a roof): nothing to protect.
* **of pupils** (worked out from the pupil file, or counts in the office's own file): the count and those who are not
  counted are both protected, and value, interval and colour are worked out from what is printed. A colour that would
  rest on a hidden number is printed as ``c``, so that no colour says on which side of a trigger a hidden number lies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from geoplan.disclosure import HIDDEN, PUBLIC, Protected, Rule
from geoplan.errors import InputRefused, Problem
from geoplan.evidence import PrintedTable
from geoplan.intakes import protect_share
from geoplan.ledger import mark_of
from geoplan.rag import HIDDEN as HIDDEN_STATUS
from geoplan.rag import RagBoard, chance_words
from geoplan.rag_measures import Facts, facts_from
from geoplan.rag_rules import COLOURS, OF_PUPILS, Indicator, RagRules, column_of
from geoplan.sentences import first_few
from geoplan.tables import NO, YES, population_name

SMALL = "fewer pupils than a percentage is given of"


def shown_facts(
    facts: Facts,
    rules: RagRules,
    rule: Rule = PUBLIC,
    own: Callable[[], Protected] | None = None,
    data: str = "",
    file: str = "facts",
    earlier: Sequence[PrintedTable] = (),
) -> tuple[Facts, pd.DataFrame, tuple[Protected, ...]]:
    """Facts as they may be shown, what was hidden, and the protected tables they come from.

    Parameters
    ----------
    facts
        As read.
    rules
        The rules; only indicators whose numbers are of pupils change anything.
    rule
        The small-number rule of the audience.
    own
        Gives the protected percentages of the office's own pupil file (:func:`geoplan.intakes.protect_pupil_facts`).
    data, file
        What the data are called; the file named in a problem.
    earlier
        What was released before, from :func:`geoplan.ledger.earlier`: counts of the office's own file are protected
        beside it. ``own`` is so by itself.

    Returns
    -------
    facts, hidden, tables

    Raises
    ------
    InputRefused
        If more pupils are counted than there are, or a count is no whole number.

    Examples
    --------
    >>> from geoplan.rag_grammar import rules_from
    >>> rules = rules_from({"rules": {"title": "Ours"}, "indicator": [{
    ...     "name": "absent", "measure": "absent_percent", "worse": "higher", "red": ">= 20", "count": "absent",
    ...     "pupils": "roll", "interval": "none", "numbers": "of pupils", "source": "our register"}]})
    >>> counted = pd.DataFrame({"absent": [41, 3], "roll": [203, 190]}, index=["1", "2"])
    >>> shown, hidden, tables = shown_facts(facts_from(counted), rules)
    >>> shown.values["absent: absent"].tolist(), hidden["absent: absent"].tolist()
    ([40.0, nan], [False, True])
    """
    values, reasons = facts.values.copy(), facts.reasons.copy()
    hidden = pd.DataFrame(index=values.index)
    tables: list[Protected] = []
    pupils: Protected | None = None
    for each in rules.indicators:
        if each.numbers != OF_PUPILS:
            continue
        if each.count:
            shown = _counted(facts, each, rule, data, file, earlier)
            base, percent = shown.table["base"], shown.table["percent"]
            made = {each.count: base * percent / 100, each.pupils: base}
            gone = shown.hidden["percent"]
            tables.append(shown)
        else:
            if pupils is None:
                if own is None:
                    raise InputRefused(file, [Problem(file, "column_missing", f"{each.name}: no pupil file to work "
                                       f"{each.measure} out from", "name pupils under [files] in geoplan.toml, or say "
                                       'numbers = "published" and give the column', column=each.name)])  # fmt: skip
                pupils = own()
                tables.append(pupils)
            if each.measure not in pupils.table:
                raise InputRefused(file, [Problem(file, "column_missing", f"{each.name}: the pupil file has no "
                                   f"{each.measure.removesuffix('_percent')}", "add the column, or leave the rule out",
                                   column=each.name)])  # fmt: skip
            made, gone = {each.measure: pupils.table[each.measure]}, pupils.hidden[each.measure]
        for name, column in made.items():
            at = column_of(each, name)
            values[at] = column.reindex(values.index)
            hidden[at] = gone.reindex(values.index, fill_value=False).astype(bool)
            told = facts.reasons[name] if name in facts.reasons else pd.Series("no pupils in the file", values.index)
            known = values.index.isin(column.index)
            reasons[at] = np.where(values[at].notna(), "", np.where(known, SMALL, told))
    return facts_from(values, reasons), hidden, tuple(tables)


def _counted(
    facts: Facts, each: Indicator, rule: Rule, data: str, file: str, earlier: Sequence[PrintedTable]
) -> Protected:
    counted, of = facts.values[each.count], facts.values[each.pupils]
    known = counted.notna() & of.notna()
    counted, of = counted[known], of[known]
    wrong = (counted > of) | (counted % 1 != 0) | (of % 1 != 0) | (counted < 0)
    if wrong.any():
        schools = first_few(map(str, counted.index[wrong]))
        what = f"not whole numbers with {each.count} up to {each.pupils}: school {schools}"
        raise InputRefused(file, [Problem(file, "value_impossible", what, "correct the counts", column=each.count)])
    counts = pd.DataFrame({YES: counted.astype(int), NO: (of - counted).astype(int)})
    return protect_share(counts, each.name, f"pupils by {each.title.lower()}", "pupils", rule, data, earlier)


# --- the board as tables ---------------------------------------------------------------------------------------

ABOUT = (
    "A colour says that a number passed a trigger; it does not say why. No figure is grey, never green.",
    "Red is looked at first, then Amber; what meets neither is Green.",
)


def count_marks(facts: Facts, rules: RagRules, data: str = "") -> dict[str, str]:
    """A mark of every count of pupils in the office's own file, for the ledger: the same only for the same data."""
    marks = {}
    for each in rules.indicators:
        if each.numbers == OF_PUPILS and each.count:
            text = facts.values[[each.count, each.pupils]].dropna().sort_index().to_csv(header=False)
            name = population_name(f"pupils by {each.title.lower()}", data)
            marks[name] = mark_of(text)
    return marks


def long_table(board: RagBoard) -> pd.DataFrame:
    """One row for each school and indicator: for a CSV and for the sheet of reasons."""
    cells = board.cells
    codes, names = (cells.index.get_level_values(level) for level in ("school", "indicator"))
    rules = {each.name: each for each in board.rules.indicators}
    groups = {name: board.schools[name].reindex(codes).to_numpy() for name in board.schools if name != "name"}
    columns = {"school": codes, "indicator": names, "name": board.schools["name"].reindex(codes).to_numpy()} | groups
    columns |= {
        "title": [rules[name].title for name in names],
        "category": [rules[name].category for name in names],
        "colour": cells["word"].to_numpy(),
        "value": _printed(cells),
    }
    columns |= {name: cells[name].to_numpy() for name in ("trigger", "reason", "better", "worse")}
    columns |= {f"chance_{colour}": [_chance(each) for each in cells[f"chance_{colour}"]] for colour in COLOURS[::-1]}
    columns |= {"rule": cells["rule"].to_numpy(), "source": [rules[name].source for name in names]}
    table = pd.DataFrame(columns)
    return _texts(table)


def wide_table(board: RagBoard) -> pd.DataFrame:
    """One row for each school, a colour and a value for each indicator: as the spreadsheet of the Essex tool."""
    table = board.schools.reset_index(names="URN").rename(columns=lambda name: str(name).replace("_", " "))
    shown = board.cells.assign(value=_printed(board.cells))
    for each in board.rules.indicators:
        part = shown.xs(each.name, level="indicator").reindex(board.schools.index)
        table[each.title] = part["word"].to_numpy()
        table[f"{each.title}: value"] = part["value"].to_numpy()
    return _texts(table)


def group_table(board: RagBoard, level: str) -> pd.DataFrame:
    """Groups of a level by indicator: the group's colour, its reason, and the schools of each colour."""
    table = board.by_group(level).reset_index()
    titles = {each.name: each.title for each in board.rules.indicators}
    table["indicator"] = table["indicator"].map(titles)
    first = [str(table.columns[0]), "indicator", "colour", "reason", "schools"]
    table = table[[*first, *[name for name in table.columns if name not in first]]]
    return _texts(table.rename(columns={HIDDEN_STATUS: "hidden (c)"}))


def rules_table(rules: RagRules) -> pd.DataFrame:
    """The rules as rows of sentences."""
    rows = [
        {"indicator": each.title, "category": each.category, "rule": " ".join(each.sentences()), "source": each.source}
        for each in rules.indicators
    ]
    rows.append({"indicator": "Groups", "category": "", "rule": rules.roll_up.sentence, "source": rules.standing})
    return pd.DataFrame(rows)


def _printed(cells: pd.DataFrame) -> list:
    """Values as they are printed, numbers as numbers; ``c`` where the rule took one away, "" where there is none."""
    values = []
    for status, text in zip(cells["status"], cells["shown"], strict=True):
        digits = text.replace(",", "").removesuffix("%")
        number = digits.replace(".", "", 1).removeprefix("-").isdigit()
        values.append(HIDDEN if status == HIDDEN_STATUS else float(digits) if number else text)
    return values


def _chance(chance: float) -> str:
    return "" if chance != chance else chance_words(chance)


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Words that are missing or empty as none, which a CSV leaves empty and a workbook writes as ``x``."""
    return table.astype("object").where(table.notna() & (table != ""), None)
