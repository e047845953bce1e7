"""How far a profile can be trusted: Kent's lesson, counted for each school.

Kent's heads found new estates, with housing association homes among them, profiled as the affluent place that was
there at the census. So every profile says how many pupils live at postcodes introduced since, how many live in a
segment that disagrees with their own eligibility for free school meals, how many could be placed at all, how small
the numbers are, and how old the classification is.

The counts are about people: :func:`caution_tables` gives them raw, to be protected together with the other tables of a
place, and :func:`cautions` says what the protected ones say.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.chance import wilson_interval
from geoplan.comparison import MIN_TOTAL
from geoplan.corrections import CORRECTED
from geoplan.disclosure import HIDDEN, Protected
from geoplan.errors import UnknownCodeError
from geoplan.segments import Segmentation
from geoplan.suppression import ProtectedTable
from geoplan.tables import NO, YES, RawTable

NEW, DISAGREES, PLACED, BY_HAND = "new_postcode", "segment_disagrees", "placed", "corrected_by_hand"
MANY_NEW = 0.10  # of a school's pupils, at postcodes newer than the classification
WELL_MATCHED, HARDLY_MATCHED = 0.95, 0.80
FEW = 100
OLD_YEARS = 5
MANY_AT_ONE = 6  # pupils at one new postcode, before it is on the list to look into


@dataclass(frozen=True)
class Caution:
    """One thing to know before a profile is believed.

    Parameters
    ----------
    code
        ``new_postcode``, ``segment_disagrees``, ``placed``, ``small_numbers``, ``age`` or ``corrected_by_hand``.
    words
        One or two plain sentences.
    serious
        Whether the reader should stop here; otherwise it is said for the record.
    share
        Of pupils, 0 to 1, from printed counts; None where it is hidden or there is none.
    everywhere
        The same share of all schools, where the words name it.
    """

    code: str
    words: str
    serious: bool = False
    share: float | None = None
    everywhere: float | None = None


def caution_tables(people: Assignment) -> tuple[RawTable, ...]:
    """Pupils of each school by what makes their segment doubtful; raw, for ``protect_place(..., extra=...)``.

    Parameters
    ----------
    people
        Pupils assigned to segments.

    Returns
    -------
    tuple of RawTable
        Each by school and a second dimension of the table's name, ``yes`` or ``no`` (where nothing says so):
        ``new_postcode`` (introduced after the classification's date), ``segment_disagrees``, ``placed``, and where
        segments were put right ``corrected_by_hand``.

        A segment *disagrees* with a pupil who is eligible for free school meals and lives in a segment where fewer are
        than in the whole place, or who is not and lives in one where more are. The first two and the last are of pupils
        placed in a segment. A table is left out where the records say nothing of it (no dates in the
        directory, no date of the classification, no free school meals).
    """
    if people.segmentation is None:
        raise UnknownCodeError("these people have no segments to be cautious about: name a segmentation")
    rows = people.people
    rows = rows[rows["school"].astype("str").ne("").to_numpy()]
    in_segment = rows["segment"].notna()
    placed = rows[in_segment]
    population = f"{people.noun} placed in a segment"
    tables = []
    month = _month(people.segmentation.base_date)
    if month and "introduced" in placed and (placed["introduced"] > 0).any():
        introduced = placed["introduced"]
        tables.append(_by_school(placed, NEW, introduced > month, people, population))
    if "fsm" in placed and placed["fsm"].isin([YES, NO]).any():
        tables.append(_by_school(placed, DISAGREES, _disagreement(placed), people, population))
    if CORRECTED in placed and placed[CORRECTED].any():
        tables.append(_by_school(placed, BY_HAND, placed[CORRECTED], people, population))
    tables.append(_by_school(rows, PLACED, in_segment, people, f"{people.noun} on roll"))
    return tuple(tables)


def new_postcodes(people: Assignment, least: int = MANY_AT_ONE) -> pd.DataFrame:
    """Postcodes introduced since the classification where many pupils live: for the office, to look into.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    least
        Pupils at one postcode.

    Returns
    -------
    DataFrame
        ``postcode``, ``segment``, ``introduced`` (YYYYMM), ``pupils``, most pupils first. Addresses of families and
        exact numbers: it goes to the file's owner alone (``write_csv(..., private=True)``).
    """
    month = _month(people.segmentation.base_date if people.segmentation else "")
    rows = people.people
    if not month or "introduced" not in rows:
        return pd.DataFrame(columns=["postcode", "segment", "introduced", "pupils"])
    rows = rows[(rows["introduced"] > month) & rows["segment"].notna()]
    keys = [rows["postcode"].astype("str"), rows["segment"].astype("str"), rows["introduced"]]
    counts = rows.groupby(keys).size().rename("pupils").reset_index()
    return counts[counts["pupils"] >= least].sort_values(
        ["pupils", "postcode"], ascending=[False, True], ignore_index=True
    )


def cautions(
    school: str,
    profile: Protected,
    tables: Mapping[str, ProtectedTable],
    segmentation: Segmentation,
    as_of: str = "",
) -> tuple[Caution, ...]:
    """What to know before a school's profile is believed, from protected counts alone.

    Parameters
    ----------
    school
        Its code.
    profile
        Its protected profile, from ``protect_place(...).profiles``.
    tables
        The protected :func:`caution_tables`, from ``protect_place(...).extra``.
    segmentation
        The segmentation used.
    as_of
        The date to count the classification's age to: of the pupils' census, not of the run ("2026-01-15", "January
        2026"). What is no date gives no age.

    Returns
    -------
    tuple of Caution
        The serious ones first.
    """
    total = float(profile.table["total"].iloc[0])
    found = [
        _placed(school, tables),
        _new(school, tables, segmentation),
        _disagrees(school, tables),
        _small(total, profile),
        _age(segmentation, as_of),
        _by_hand(school, tables),
    ]
    return tuple(sorted((each for each in found if each), key=lambda each: not each.serious))


# --- counting -------------------------------------------------------------------------------------------


def _month(date: str) -> int:
    """``2021-03-21`` or ``March 2021`` as 202103; 0 for none.

    Examples
    --------
    >>> _month("2021-03-21"), _month("21 March 2021"), _month("spring term")
    (202103, 202103, 0)
    """
    named = re.search(rf"\b({'|'.join(calendar.month_name[1:])})\s+(\d{{4}})\b", date)
    if named:
        return int(named[2]) * 100 + list(calendar.month_name).index(named[1])
    digits = date.replace("-", "")[:6]
    return int(digits) if len(digits) == 6 and digits.isdigit() else int(digits) * 100 + 12 if len(digits) == 4 else 0


def day_in_words(date: str) -> str:
    """A day as people write it; what is no day is left as it is.

    Examples
    --------
    >>> day_in_words("2021-03-21"), day_in_words("2021")
    ('21 March 2021', '2021')
    """
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        return date
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def _disagreement(placed: pd.DataFrame) -> pd.Series:
    eligible, known = placed["fsm"] == YES, placed["fsm"].isin([YES, NO])
    segment = placed["segment"].astype("str")
    rate = eligible[known].groupby(segment[known]).mean()
    poorer = segment.map(rate > eligible[known].mean()).fillna(False).astype(bool)
    return known & (eligible != poorer)


def _by_school(rows: pd.DataFrame, name: str, yes: pd.Series, people: Assignment, population: str) -> RawTable:
    answer = np.where(yes, YES, NO)
    counts = pd.crosstab(rows["school"].astype("str").to_numpy(), answer)
    counts = counts.reindex(columns=[YES, NO], fill_value=0).rename_axis(index="school", columns=name)
    return RawTable(name, counts.stack().astype("int64"), people.noun, population, attributes=(name,))


# --- saying ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """The printed yes of one school: number and share (None where hidden), and the share of all schools."""

    there: bool
    count: float | None = None
    share: float | None = None
    least: float = 0.0
    everywhere: float | None = None


def _seen(name: str, school: str, tables: Mapping[str, ProtectedTable]) -> _Seen:
    if name not in tables:
        return _Seen(False)
    table = tables[name]
    shown = table.shown.unstack(name)
    if school not in shown.index:
        return _Seen(False)
    # parts that are hidden are missing from their sum, so a share is given only where all parts are printed
    all_parts, sums = shown.notna().all(axis=1), shown.sum(axis=1)
    base = shown[all_parts]
    everywhere = (
        float(base[YES].sum() / base.to_numpy().sum()) if base.to_numpy().sum() >= table.rule.min_base else None
    )
    yes, total = shown.loc[school, YES], sums[school]
    if pd.isna(yes):
        return _Seen(True, everywhere=everywhere)
    if not all_parts[school] or total < max(table.rule.min_base, 1):
        return _Seen(True, float(yes), everywhere=everywhere)
    slack = table.rule.round_to // 2
    low, _ = wilson_interval(pd.Series([max(yes - slack, 0.0)]), pd.Series([float(total + slack)]))
    return _Seen(True, float(yes), float(yes / total), float(low.iloc[0]), everywhere)


def _of_pupils(seen: _Seen) -> str:
    if seen.count is None:
        return "A number of pupils that is not shown, so as to identify nobody,"
    if seen.count == 0:
        return "No pupil"
    share = "" if seen.share is None else f" ({100 * seen.share:.0f}%)"
    return f"About {seen.count:,.0f} pupils{share}"


def _new(school: str, tables: Mapping[str, ProtectedTable], segmentation: Segmentation) -> Caution | None:
    seen = _seen(NEW, school, tables)
    if not seen.there:
        words = "Not known: how many pupils live at postcodes newer than the classification (the files give no dates)."
        return Caution(NEW, words)
    live = "lives" if seen.count == 0 else "live"
    words = f"{_of_pupils(seen)} {live} at postcodes introduced after {day_in_words(segmentation.base_date)}"
    if seen.count == 0:
        return Caution(NEW, f"{words}, the date of the classification.", share=seen.share)
    words += ", the date of the classification; these pupils' label may be wrong."
    return Caution(NEW, words, seen.share is not None and seen.share >= MANY_NEW, seen.share)


def _disagrees(school: str, tables: Mapping[str, ProtectedTable]) -> Caution | None:
    seen = _seen(DISAGREES, school, tables)
    if not seen.there:
        words = "Not known: whether the groups agree with pupils' own free school meals (the file does not say)."
        return Caution(DISAGREES, words)
    live = "lives" if seen.count == 0 else "live"
    words = f"{_of_pupils(seen)} {live} in a group that disagrees with their own eligibility for free school meals"
    if seen.everywhere is not None and seen.share is not None:
        words += f"; in all schools it is {100 * seen.everywhere:.0f}%"
    more = seen.everywhere is not None and seen.least > seen.everywhere
    return Caution(DISAGREES, words + (", clearly less." if more else "."), more, seen.share, seen.everywhere)


def _placed(school: str, tables: Mapping[str, ProtectedTable]) -> Caution | None:
    seen = _seen(PLACED, school, tables)
    if not seen.there:
        return None
    if seen.count is None:
        return Caution(PLACED, "How many pupils could be placed in a group is not shown: they are too few.", True)
    if seen.share is None:  # those who could not are the hidden part
        return Caution(PLACED, "Nearly all pupils could be placed in a group; those who could not are too few to show.")
    if seen.share >= WELL_MATCHED:
        return Caution(PLACED, f"{100 * seen.share:.0f}% of pupils could be placed in a group.", share=seen.share)
    words = f"Only {100 * seen.share:.0f}% of pupils could be placed in a group; the profile is of those"
    tail = ", and may say little of the school." if seen.share < HARDLY_MATCHED else "."
    return Caution(PLACED, words + tail, True, seen.share)


def _small(total: float, profile: Protected) -> Caution | None:
    if not total >= MIN_TOTAL:
        words = f"Fewer than {MIN_TOTAL} pupils: no index is given, and one family more would change the picture."
        return Caution("small_numbers", words, True)
    hidden = int(profile.hidden["count"].sum())
    words = (
        f"{hidden} of {len(profile)} groups {'is' if hidden == 1 else 'are'} shown as “{HIDDEN}”: a small number, or "
        "one that would give a small one away."
        if hidden
        else ""
    )
    if total < FEW:
        words = f"With about {total:,.0f} pupils, only large differences can be told from chance. {words}".strip()
    return Caution("small_numbers", words, total < FEW) if words else None


def _age(segmentation: Segmentation, as_of: str) -> Caution | None:
    if not segmentation.base_date:
        return Caution("age", f"Not known: what date {segmentation.scheme} {segmentation.version} describes.")
    then, now = _month(segmentation.base_date), _month(as_of)
    words = f"{segmentation.scheme} {segmentation.version} describes the place as it was on "
    words += day_in_words(segmentation.base_date)
    if not now:
        return Caution("age", f"{words}.")
    years = (now // 100 * 12 + now % 100 - then // 100 * 12 - then % 100) / 12
    whole = round(max(years, 0))
    before = "in the year of" if not whole else "a year before" if whole == 1 else f"{whole} years before"
    return Caution("age", f"{words}, {before} these pupils.", years >= OLD_YEARS)


def _by_hand(school: str, tables: Mapping[str, ProtectedTable]) -> Caution | None:
    seen = _seen(BY_HAND, school, tables)
    if not seen.there or seen.count == 0:
        return None
    words = f"{_of_pupils(seen)} have a group that the authority corrected by hand."
    return Caution(BY_HAND, words, share=seen.share)
