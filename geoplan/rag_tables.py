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

from collections.abc import Callable

import numpy as np
import pandas as pd

from geoplan.disclosure import PUBLIC, Protected, Rule
from geoplan.errors import InputRefused, Problem
from geoplan.intakes import protect_share
from geoplan.rag_measures import Facts, facts_from
from geoplan.rag_rules import OF_PUPILS, Indicator, RagRules, column_of
from geoplan.tables import NO, YES

SMALL = "fewer pupils than a percentage is given of"


def shown_facts(
    facts: Facts,
    rules: RagRules,
    rule: Rule = PUBLIC,
    own: Callable[[], Protected] | None = None,
    data: str = "",
    file: str = "facts",
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
            shown = _counted(facts, each, rule, data, file)
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


def _counted(facts: Facts, each: Indicator, rule: Rule, data: str, file: str) -> Protected:
    counted, of = facts.values[each.count], facts.values[each.pupils]
    known = counted.notna() & of.notna()
    counted, of = counted[known], of[known]
    wrong = (counted > of) | (counted % 1 != 0) | (of % 1 != 0) | (counted < 0)
    if wrong.any():
        schools = ", ".join(map(str, counted.index[wrong][:5]))
        more = f" and {int(wrong.sum()) - 5:,} more" if wrong.sum() > 5 else ""
        what = f"not whole numbers with {each.count} up to {each.pupils}: school {schools}{more}"
        raise InputRefused(file, [Problem(file, "value_impossible", what, "correct the counts", column=each.count)])
    counts = pd.DataFrame({YES: counted.astype(int), NO: (of - counted).astype(int)})
    return protect_share(counts, each.name, f"pupils by {each.title.lower()}", "pupils", rule, data)
