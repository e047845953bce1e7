"""The plain words of the reports: every sentence is made from the numbers that stand beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from string import ascii_uppercase

import pandas as pd

from geoplan.disclosure import Protected
from geoplan.likeness import whole_percent
from geoplan.maps.cells import cells
from geoplan.sentences import listed
from geoplan.similarity import CLOSELY_ALIKE, FAIRLY_ALIKE

MORE, FEWER, SAME, FEW, HIDDEN_WORD = "more", "fewer", "about the same", "too few to say", "hidden"
MAY_BE_CHANCE = "may be chance"
_POINTS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
NEXT_TO_M = 500.0
CLOSE, FAIR = CLOSELY_ALIKE, FAIRLY_ALIKE  # distances between mixes
HOW_TO_READ = (
    "Index 100 is the same share as the base; an interval that contains 100 may be chance.",
    "Shares are 0 to 1, worked out from the counts as they are printed.",
    "Low and high are the 95% interval (Wilson's), widened by the rounding; residual is the adjusted one.",
    "p is of an exact test against the rest of the base; q is corrected for all schools and groups looked at; notable "
    "is a q of 0.05 or less.",
    "Penetration is the part of the base's group that comes here.",
    "A group describes a neighbourhood, not a family: set it beside what else is known.",
)


def in_hundred(share: float) -> str:
    """A share as so many in a hundred.

    Examples
    --------
    >>> in_hundred(0.402), in_hundred(0.002), in_hundred(0.0)
    ('40 in 100', 'fewer than 1 in 100', 'none')
    """
    if share == 0:
        return "none"
    return f"{whole_percent(share)} in 100" if share >= 0.005 else "fewer than 1 in 100"


def group_name(name: str) -> str:
    """A group's name; one that is a bare number, of a file without names, is said to be a group's.

    Examples
    --------
    >>> group_name("Terraces"), group_name("2"), group_name("2b1")
    ('Terraces', 'Group 2', '2b1')
    """
    return f"Group {name}" if name.isdigit() else name


def with_group_names(table: Protected) -> Protected:
    """A table by segment with the names that :func:`group_name` gives."""
    names = table.table["name"].astype("str")
    if not names.str.isdigit().any():
        return table
    return replace(table, table=table.table.assign(name=names.map(group_name)))


def letters_for(count: int) -> list[str]:
    """A letter for each of some things that a picture marks, two where there are more than the alphabet has.

    Examples
    --------
    >>> letters_for(3), letters_for(28)[-2:]
    (['A', 'B', 'C'], ['BA', 'BB'])
    """
    if count <= len(ascii_uppercase):
        return list(ascii_uppercase[:count])
    return [f"{ascii_uppercase[at // 26 % 26]}{ascii_uppercase[at % 26]}" for at in range(count)]


def standings(profile: Protected) -> pd.Series:
    """For each segment whether more, fewer or about as many come as the base's share says.

    A column ``notable`` decides where the table has one (chance and many comparisons taken into account); a gap that
    is not notable but wider than the interval of the index allows "may be chance", for among so many numbers some are.
    Without that column the interval alone decides.

    Examples
    --------
    >>> shown = pd.DataFrame({"share": [0.4, 0.1], "base_share": [0.2, 0.1], "index": [200.0, 100.0],
    ...     "index_low": [150.0, 60.0], "index_high": [250.0, 160.0]}, index=["a", "b"])
    >>> standings(Protected(shown, shown.isna())).tolist()
    ['more', 'about the same']
    >>> shown["notable"] = False
    >>> standings(Protected(shown, shown.isna())).tolist()
    ['may be chance', 'about the same']
    """
    table = profile.table
    above, below = table["index_low"] > 100, table["index_high"] < 100
    words = pd.Series(SAME, index=table.index)
    if "notable" in table:
        words = words.mask(above | below, MAY_BE_CHANCE)
        notable = table["notable"].fillna(False).astype(bool)
        gap = table["share"] - table["base_share"]
        above, below = notable & (gap > 0), notable & (gap < 0)
    words = words.mask(above, MORE).mask(below, FEWER).mask(table["index"].isna(), FEW)
    return words.mask(profile.is_hidden("share").astype(bool), HIDDEN_WORD)


def who_sentence(profile: Protected, noun: str, compared: str, most: int = 2) -> str:
    """Who comes, in one sentence: the groups clearly over and under the base, the widest gaps first."""
    words = standings(profile)
    table = profile.table.assign(gap=profile.table["share"] - profile.table["base_share"])
    more = table[words == MORE].sort_values("gap", ascending=False).head(most)
    fewer = table[words == FEWER].sort_values("gap").head(1 if len(more) else most)
    if not len(more) and not len(fewer):
        return f"No group stands out beyond chance: the mix is much like that of {compared}."
    parts = []
    if len(more):
        parts.append(f"more {noun} come from {listed(_named(more))}")
    if len(fewer):
        parts.append(f"fewer {'' if parts else f'{noun} come '}from {listed(_named(fewer))}")
    text = ", and ".join(parts)
    return f"{text[0].upper()}{text[1:]}, than in {compared}."


def _named(rows: pd.DataFrame) -> list[str]:
    return [f"{row['name']} ({_against(row['share'], row['base_share'])})" for _, row in rows.iterrows()]


def _against(share: float, base: float) -> str:
    """Two shares set against each other.

    Examples
    --------
    >>> _against(0.4, 0.22), _against(0.0, 0.26)
    ('40 in 100 against 22', 'none against 26 in 100')
    """
    own, other = in_hundred(share), in_hundred(base)
    return f"{own} against {other.removesuffix(' in 100') if own.endswith(' in 100') else other}"


def percentages(table: Protected, column: str) -> list[str]:
    """Shares as whole percentages: ``c`` where hidden, and something that is not nothing is never 0%.

    Examples
    --------
    >>> shares = pd.DataFrame({"share": [0.4, 0.002, 0.0, None, None]})
    >>> percentages(Protected(shares, shares.isna() & (shares.index == 3)[:, None]), "share")
    ['40%', 'under 1%', '0%', 'c', 'no data']
    """
    texts = cells(table, column, column, "share", decimals=0).texts
    some = (table.table[column] > 0).tolist()
    return ["under 1%" if text == "0%" and above else text for text, above in zip(texts, some, strict=True)]


def likeness(own: pd.Series, other: pd.Series, base: pd.Series, names: pd.Series) -> str:
    """Why two schools are alike: the group of which both have most above the base.

    Parameters
    ----------
    own, other, base
        Printed shares by segment, missing where hidden.
    names
        The segments' names.

    Examples
    --------
    >>> own, other, base = (pd.Series(x, index=["a", "b"]) for x in ([0.6, 0.4], [0.5, 0.5], [0.2, 0.8]))
    >>> likeness(own, other, base, pd.Series({"a": "Terraces", "b": "Villages"}))
    'Terraces, more than in all (60% here, 50% there)'
    """
    least = pd.concat([own, other], axis=1).min(axis=1, skipna=False)
    gap = (least - base).dropna()
    if not len(gap) or not gap.max() > 0:
        return "no group in like shares"
    top = gap.idxmax()
    return f"{names[top]}, more than in all ({whole_percent(own[top])}% here, {whole_percent(other[top])}% there)"


def closeness(distance: float) -> str:
    """How alike two mixes are, in a word, from Hellinger's distance (0 the same, 1 nothing in common).

    The limits are our judgement: two years of one school of 400 differ by about 0.05 by chance alone.

    Examples
    --------
    >>> closeness(0.1), closeness(0.2), closeness(0.5)
    ('closely', 'fairly', 'loosely')
    """
    return "closely" if distance <= CLOSE else "fairly" if distance <= FAIR else "loosely"


def way(dx: float, dy: float) -> str:
    """How far and which way, metres east and north given.

    Examples
    --------
    >>> way(1000, 1000), way(0, -12_600), way(100, 0)
    ('1.4 km north-east', '13 km south', 'around the school')
    """
    metres = math.hypot(dx, dy)
    if metres < NEXT_TO_M:
        return "around the school"
    point = _POINTS[round(math.degrees(math.atan2(dx, dy)) / 45) % 8]
    return f"{kilometres(metres / 1000)} {point}"


def kilometres(km: float) -> str:
    """A distance as printed.

    Examples
    --------
    >>> kilometres(1.44), kilometres(12.6)
    ('1.4 km', '13 km')
    """
    return f"{km:.1f} km" if km < 10 else f"{km:.0f} km"


def change_sentence(changes: Protected, period: str) -> str:
    """What changed, in one sentence; ``changes`` has ``name``, ``share``, ``share_before`` and perhaps ``clear``."""
    table = changes.table.assign(gap=changes.table["share"] - changes.table["share_before"]).dropna(subset=["gap"])
    over = f" ({period})" if period else ""
    if not len(table):
        return f"No group has a number that can be shown for both years{over}."
    every = len(table) == len(changes.table)
    some = "" if every else f" in the {len(table)} of {len(changes.table)} groups with a number for both years"
    if "clear" in table:
        table = table[table["clear"].fillna(False).astype(bool)]
    table = table[table["gap"].abs() >= 0.01]
    if not len(table):
        return f"Nothing changed by more than chance would give{some}{over}." if "clear" in changes.table else (
            f"No group changed by as much as 1 in 100{'' if every else ' of those with a number for both years'}{over}."
        )  # fmt: skip
    row = table.loc[table["gap"].abs().idxmax()]
    word = "more" if row["gap"] > 0 else "fewer"
    return (
        f"The largest change{over}: {word} come from {row['name']}, "
        f"{in_hundred(row['share'])} now against {in_hundred(row['share_before'])} before."
    )
