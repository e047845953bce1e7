"""The slow outsider of preferences: reads the counts of a page, knows how outcomes nest, and tries whole numbers.

It shares no code with the gate: what may come of an application is written out from ranks, each group has a number of
applications for each of those, and the least and the greatest number that each hidden count can be are found by
whole-number programmes.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

NEAR = ("nearest_first", "nearest_named", "nearest_offered")
NAMED = ("a", "b")  # the school named first, and another
FATES = [  # the nearest school and the offer: one named, another, or unknown and none
    (near, offer, {
        "first_choice": offer == "a",
        "any_choice": offer in NAMED,
        "nearest_first": near == "a",
        "nearest_named": near in NAMED,
        "nearest_offered": near != "" and near == offer,
    })
    for near, offer in product(("a", "b", "x", "b2", ""), ("a", "b", "x", ""))
]  # fmt: skip


def least_and_greatest(tables) -> dict[tuple[str, str, str], tuple[int, int]]:
    """For each outcome and group whose count is hidden, the ends of ``yes`` and of ``no``, by the segment."""
    subject = next(iter(tables.values())).subject
    codes = list(next(iter(tables.values())).by[subject].table.index)
    rows, low, high = [], [], []

    def say(rights, of, ends):
        row = np.zeros((len(codes), len(FATES)))
        for code in of:
            row[codes.index(code)] = [float(right) for right in rights]
        rows.append(row.ravel())
        low.append(ends[0])
        high.append(ends[1])

    asked = []
    for name, each in tables.items():
        could = [near != "" or name not in NEAR for near, _, _ in FATES]
        yes = [c and came[name] for c, (_, _, came) in zip(could, FATES, strict=True)]
        no = [c and not came[name] for c, (_, _, came) in zip(could, FATES, strict=True)]
        shown = each.by[subject]
        for code in codes:
            base, count = shown.table.loc[code, "base_count"], shown.table.loc[code, "count"]
            say(could, [code], _ends(base))
            say(yes, [code], _ends(count))
            if count != count:
                asked += [((name, code, "yes"), yes, code), ((name, code, "no"), no, code)]
        for total, whom in ((shown.table["total"].max(), yes), (shown.table["base_total"].max(), could)):
            say(whom, codes, _ends(total, total_of_all=True))
    found = {}
    sums = LinearConstraint(np.array(rows), low, high)
    for label, whom, code in asked:
        cost = np.zeros((len(codes), len(FATES)))
        cost[codes.index(code)] = [float(each) for each in whom]
        ends = []
        for sign in (1, -1):
            result = milp(sign * cost.ravel(), constraints=sums, integrality=1, bounds=Bounds(0, 1000))
            assert result.status == 0, result.message
            ends.append(round(sign * result.fun))
        found[label] = (ends[0], ends[1])
    return found


def _ends(value: float, total_of_all: bool = False) -> tuple[float, float]:
    """What a printed number admits: hidden below 10, to the nearest 5; nothing known where it is hidden."""
    if value != value:
        return 0, np.inf
    if total_of_all:
        return max(0, value - 2), value + 2
    return (0, 0) if value == 0 else (max(10, value - 2), value + 2)
