"""Rules and schools that the tests of red, amber and green share."""

from __future__ import annotations

import pandas as pd

from geoplan.rag import judge
from geoplan.rag_grammar import rules_from
from geoplan.rag_measures import facts_from

SURPLUS = {
    "name": "surplus", "title": "Unfilled places", "category": "Surplus places", "measure": "unfilled_percent",
    "worse": "higher", "amber": ">= 10", "red": ">= 25 and unfilled_places >= 30", "numbers": "published",
    "source": "GIAS",
}  # fmt: skip
GCSE = {
    "name": "gcse", "title": "Good GCSEs", "category": "Attainment", "measure": "good_gcse_percent", "worse": "lower",
    "red": "< 30", "pupils": "cohort", "interval": "wilson", "numbers": "published", "source": "DfE",
}  # fmt: skip
FSM = {
    "name": "fsm", "title": "Free meals", "category": "Deprivation", "measure": "fsm_percent", "worse": "higher",
    "amber": "worst half", "red": "worst quarter", "compare_with": ["phase"], "minimum_schools": 8,
    "numbers": "published", "source": "GIAS",
}  # fmt: skip


def make_rules(*indicators: dict, about: dict | None = None, roll_up: dict | None = None):
    """Rules of these indicators."""
    values = {"rules": {"title": "Town"} | (about or {}), "indicator": list(indicators)}
    return rules_from(values | ({"roll_up": roll_up} if roll_up else {}), "rules.toml")


def make_board(rules, reasons: dict | None = None, **columns):
    """A board of schools 1, 2, 3 ... with these numbers; ``phase`` and ``cluster`` are words."""
    index = [str(number) for number in range(1, len(next(iter(columns.values()))) + 1)]
    words = {name: columns.pop(name) for name in ("phase", "cluster") if name in columns}
    schools = pd.DataFrame({"name": [f"School {code}" for code in index]} | words, index=index)
    told = pd.DataFrame(reasons, index=index) if reasons else None
    return judge(facts_from(pd.DataFrame(columns, index=index), told), rules, schools)
