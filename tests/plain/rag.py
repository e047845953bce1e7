"""Red, amber and green the slow way: a rule read line by line with exact fractions, one school at a time."""

from __future__ import annotations

from fractions import Fraction


def exact(value: float) -> Fraction:
    """A number as it is written."""
    return Fraction(str(value))


def colour_plainly(rule: dict, places: int, roll: int) -> str:
    """The colour of a school by a rule on unfilled places: triggers as (measure, at), all of which must be reached."""
    empty = places - roll if places > roll else 0
    measures = {"unfilled_places": Fraction(empty), "unfilled_percent": Fraction(100 * empty, places)}
    for colour in ("red", "amber"):
        triggers = rule.get(colour, [])
        if triggers and all(measures[measure] >= exact(at) for measure, at in triggers):
            return colour
    return "green"


def fewest_pupils_plainly(rule: dict, places: int, roll: int, step: int, most: int = 3_000) -> tuple[int, str]:
    """How many pupils more (step 1) or fewer (-1) change the colour, tried one after the other."""
    now = colour_plainly(rule, places, roll)
    for many in range(1, most):
        if roll + step * many < 0:
            break
        new = colour_plainly(rule, places, roll + step * many)
        if new != now:
            return many, new
    return 0, ""


def worst_share_plainly(
    values: dict[str, float], percent: int, higher_is_worse: bool, ties: str = "better"
) -> set[str]:
    """The schools among the worst per cent: each school looked at with every other."""
    found = set()
    for school, value in values.items():
        worse = sum((other > value) if higher_is_worse else (other < value) for other in values.values())
        as_bad = sum((other >= value) if higher_is_worse else (other <= value) for other in values.values())
        room = len(values) * percent // 100
        if (as_bad if ties == "better" else worse + 1) <= room:
            found.add(school)
    return found


def groups_plainly(statuses: dict[str, str], groups: dict[str, str]) -> dict[str, dict[str, int]]:
    """Schools of each group by status, counted one by one."""
    counts: dict[str, dict[str, int]] = {}
    for school, status in statuses.items():
        group = counts.setdefault(groups.get(school, "no group"), {})
        group[status] = group.get(status, 0) + 1
    return counts
