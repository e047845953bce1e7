"""Schools that are like ours, near or far: in the mix of their pupils, or in their numbers.

Kent's head teachers valued this most: similar schools are not always neighbours. Two ways to be alike stand side
by side. By mix: pupils spread over the segments alike (Hellinger's distance, 0 for the same mix to 1 for no segment
in common). By attributes: alike in numbers such as size and free meals, each on a robust scale
(:mod:`geoplan.attributes`). Kilometres stand beside the distance and play no part in it, unless near schools are to
be left out. Results of schools are never an input: "similar and doing better" looks at them after the list is made.

References: Hellinger (1909), J. reine angew. Math. 136:210; Newcombe (1998), Statistics in Medicine 17:873 (the
interval of a difference of percentages).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from geoplan.assignment import Assignment
from geoplan.attributes import METHODS, Method, pick_columns, scales_of, usual_method, weighted_method
from geoplan.comparison import MIN_TOTAL, Z_95
from geoplan.disclosure import PUBLIC, Protected, Rule, protect_counts
from geoplan.errors import UnknownCodeError
from geoplan.likeness import (
    SEED,
    SHARE,
    SPREAD,
    TERMS,
    Ranked,
    Space,
    Variables,
    Wish,
    rank_alike,
    weighted_distances,
)
from geoplan.profiles import segment_counts
from geoplan.sentences import listed

HARDLY_ALIKE = 0.5
LEAST_PRINTED = 1 / 3  # of a school's pupils, in segments whose number is printed
CLOSELY_ALIKE, FAIRLY_ALIKE = 0.15, 0.30  # distances between mixes, in words: closely, fairly, loosely


@dataclass(frozen=True)
class Better:
    """Which of the similar schools do better, by a column that played no part in finding them.

    Parameters
    ----------
    column
        A column of the schools' facts: a result, such as a percentage or a score.
    higher_is_better
        False where a smaller number is the better one (absence).
    pupils
        The column with the number of pupils behind each percentage, for an interval of the difference; "" for none.
    """

    column: str
    higher_is_better: bool = True
    pupils: str = ""


@dataclass(frozen=True, repr=False)
class SimilarSchools:
    """Lists of similar schools, with what a reader should know.

    Parameters
    ----------
    table
        One row for each school and similar school: ``school``, ``rank``, ``similar``, ``name``, ``distance``,
        ``km`` (straight line, missing where a position is), ``known`` and ``of`` (variables that both schools
        have, of how many), ``alike`` and ``differs`` (in words). With draws ``stability`` (0 to 1, under changed
        weights) and, by mix, ``stability_chance`` (in other pupils drawn by chance); missing where every school
        compared is on the list. With ``better`` the columns ``value``, ``own_value``, ``difference`` and, where
        numbers of pupils are given, ``difference_low`` and ``difference_high``.
    terms
        Why, in numbers: ``school``, ``similar``, ``variable``, ``label``, ``value``, ``similar_value`` (share of
        pupils, or the attribute; missing where hidden or not given) and ``part`` (of the squared distance, 0 to 1).
    left_out
        Schools that could not be compared, with the ``reason``.
    notes
        The method and its limits, in sentences for the page.
    by
        ``mix``, ``attributes`` or the name of a published method.
    n
        How many were asked for.
    """

    table: pd.DataFrame
    terms: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(TERMS)))
    left_out: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["school", "reason"]))
    notes: tuple[str, ...] = ()
    by: str = "mix"
    n: int = 10

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<SimilarSchools by {self.by}: {self.table['school'].nunique():,} schools, {len(self):,} rows>"

    def of(self, school: str) -> pd.DataFrame:
        """The list of one school."""
        return self.table[self.table["school"] == school].reset_index(drop=True)


def similar_schools(
    people: Assignment,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
    rule: Rule | None = PUBLIC,
    *,
    better: Better | None = None,
    **options,
) -> pd.DataFrame:
    """The schools whose pupils are most like those of a school, or of every school.

    Parameters
    ----------
    people
        Pupils assigned to segments.
    school
        One school's code; None for all.
    n
        How many for each school.
    schools
        Facts by school code: ``name``, ``easting``, ``northing`` and the columns of ``same``, where known.
    same
        Columns of ``schools`` that must be equal (schools of one phase, say); those it lacks are passed over.
    rule
        Distances are worked out from protected counts under this rule, so that they say no more than a
        printed profile does. None for the exact counts, which must not be shown.
    better, options
        ``better``, ``exclude_within_km`` and ``draws`` as for :func:`similar_by_mix`.

    Returns
    -------
    DataFrame
        As ``table`` of :class:`SimilarSchools`. Schools with fewer than 30 pupils placed are not compared. Ties
        go to the first code.

    Raises
    ------
    UnknownCodeError
        If ``school`` has no pupils, or too few.
    """
    counts = segment_counts(people)
    counts = counts[counts.index != ""]
    shown, fill, totals = counts.astype(float), 0.0, None
    if rule is not None:
        flat, hidden = protect_counts(pd.Series(counts.to_numpy().ravel()), rule)
        shown = pd.DataFrame(flat.mask(hidden).to_numpy().reshape(counts.shape), counts.index, counts.columns)
        fill, totals = rule.hide_below / 2, protect_counts(counts.sum(axis=1), rule)[0]
    names = {segment: people.segmentation.name(segment) for segment in counts.columns}
    return _by_mix(shown, fill, totals, names, school, schools, Wish(n, tuple(same), **options), better).table


def similar_by_mix(
    by_school: Protected,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
    *,
    names: Mapping[str, str] | None = None,
    totals: pd.Series | None = None,
    exclude_within_km: float = 0.0,
    draws: int = 0,
    better: Better | None = None,
) -> SimilarSchools:
    """The schools whose pupils come from the most similar mix of segments, from the table that a page prints.

    Nothing but printed counts is used, so distances, reasons and stability say no more than the profile does. For
    hidden counts the rest of the school's printed total is spread as all schools' pupils are; without totals each
    stands at 5 under the public rule, although a count that was hidden to protect another may be large. No figure
    is given for either.

    Parameters
    ----------
    by_school
        Protected pupils by school (rows) and segment (columns), as ``protect_place(...).by_school``.
    school
        One school's code; None for all.
    n
        How many for each school.
    schools
        Facts by school code: ``name``, ``easting``, ``northing``, the columns of ``same`` and of ``better``.
    same
        Columns of ``schools`` that must be equal. A school that does not give one is not compared, and is listed
        in ``left_out``; a column that the facts lack is passed over, and noted.
    names
        Segments' names, for the reasons.
    totals
        Each school's printed total, as from :func:`printed_totals`.
    exclude_within_km
        Leave out schools this near, in a straight line; 0 for none. A school without a position is then left out
        too, and listed.
    draws
        How many times weights are shaken and pupils drawn anew for the two stabilities; 0 for neither.
    better
        Keep only those of the n that do better.

    Returns
    -------
    SimilarSchools

    Raises
    ------
    UnknownCodeError
        If ``school`` has no pupils, or fewer than 30; if a column of ``better`` is not there.

    Examples
    --------
    >>> counts = pd.DataFrame({"E": [60.0, 55, 10], "G": [40.0, 45, 90]}, index=["900001", "900002", "900003"])
    >>> shown = Protected(counts, counts < 0, printed=())
    >>> similar_by_mix(shown, "900001").table[["similar", "distance"]].round(3).values.tolist()
    [['900002', 0.036], ['900003', 0.394]]
    """
    table = by_school.table.mask(by_school.hidden.astype(bool))
    wish = Wish(n, tuple(same), exclude_within_km, draws)
    return _by_mix(table, by_school.rule.hide_below / 2, totals, names, school, schools, wish, better)


def similar_shown(
    by_school: Protected,
    school: str | None = None,
    n: int = 10,
    schools: pd.DataFrame | None = None,
    same: tuple[str, ...] = ("phase",),
    **options,
) -> pd.DataFrame:
    """The table of :func:`similar_by_mix`, which says what the options are."""
    return similar_by_mix(by_school, school, n, schools, same, **options).table


def similar_by_attributes(
    facts: pd.DataFrame,
    by: Method | str | Mapping[str, float] | Iterable[str] | None = None,
    school: str | None = None,
    n: int = 10,
    same: tuple[str, ...] = ("phase",),
    *,
    exclude_within_km: float = 0.0,
    draws: int = 0,
    better: Better | None = None,
) -> SimilarSchools:
    """The schools that are most alike in their numbers.

    Parameters
    ----------
    facts
        Schools by code, with the numbers and the columns that ``similar_by_mix`` takes from ``schools``. They are
        taken to be public: numbers about pupils from the authority's own records must have been protected.
    by
        A published method by name (``dfe-primary``) or as such; or columns, with weights or without; None for the
        usual ones that are there. Columns of results are refused.
    school, n, same, exclude_within_km, draws, better
        As for :func:`similar_by_mix`. Scales are those of the schools compared (of one phase, say).

    Returns
    -------
    SimilarSchools
        A school that lacks some numbers is compared by those that both have, and marked (``known`` of ``of``);
        with less than half of the weight in common two schools are not compared, and a school that can be
        compared with none is listed in ``left_out``. A number in which all schools are the same plays no part.

    Raises
    ------
    UnknownCodeError
        If ``school`` is not in the facts, or a column is not.
    ValueError
        If a column is a result of schools or no number, or a school comes twice.

    Examples
    --------
    >>> facts = pd.DataFrame({"roll": [200, 210, 400, 630], "fsm_percent": [10, 12, 11, None]}, index=list("abcd"))
    >>> similar_by_attributes(facts, ["roll", "fsm_percent"], "a").table[["similar", "known", "of"]].values.tolist()
    [['b', 2, 2], ['c', 2, 2], ['d', 1, 2]]
    """
    method = _method(facts, by)
    wish = Wish(n, tuple(same), exclude_within_km, draws)
    _require_once(facts)
    if school is not None and school not in facts.index:
        raise UnknownCodeError(f"school {school} is not among the schools given")
    values = pick_columns(facts, method)
    labels = tuple(each.label for each in method.attributes)
    units = tuple(each.unit for each in method.attributes)
    weights = np.array([each.weight for each in method.attributes])
    notes = [method.note]
    flat: set[str] = set()

    def space(rows: np.ndarray) -> Space:
        part = values.iloc[rows]
        scales = scales_of(part, method)
        use = scales > 0
        flat.update(label for label, used in zip(labels, use, strict=True) if not used)
        points = part.to_numpy()[:, use] / scales[use] / np.sqrt(weights[use].sum() if method.mean else 1.0)
        return Space(points, weights[use], np.flatnonzero(use), part.to_numpy()[:, use])

    ranked = rank_alike(facts, space, Variables(method.names, labels, units), school, wish)
    if flat:
        notes.append(f"{listed(sorted(flat))} played no part where all schools compared have the same.")
    return _finished(ranked, method.name, notes, facts, wish, better, school)


def printed_totals(profiles: Mapping[str, Protected]) -> pd.Series:
    """Each school's total as its profile prints it, for :func:`similar_by_mix`; missing where it is hidden."""
    totals = {school: each.table["total"].mask(each.is_hidden("total")).iloc[0] for school, each in profiles.items()}
    return pd.Series(totals, dtype="float64")


def overlap(first: SimilarSchools, second: SimilarSchools) -> pd.DataFrame:
    """How far two lists agree, for each school that is in both.

    Returns
    -------
    DataFrame
        By ``school``: ``both`` (schools on both lists), ``first`` and ``second`` (how long they are), ``share``
        (``both`` of the shorter list) and ``jaccard`` (``both`` of all schools on either).

    Examples
    --------
    >>> a = SimilarSchools(pd.DataFrame({"school": ["x", "x"], "similar": ["p", "q"]}))
    >>> b = SimilarSchools(pd.DataFrame({"school": ["x", "x"], "similar": ["q", "r"]}))
    >>> overlap(a, b).loc["x", ["both", "share"]].tolist()
    [1.0, 0.5]
    """
    one, two = (each.table.groupby("school")["similar"].agg(set) for each in (first, second))
    codes = one.index.intersection(two.index)
    both = np.array([len(one[code] & two[code]) for code in codes], dtype="int64")
    either = np.array([len(one[code] | two[code]) for code in codes], dtype="int64")
    long, short = (np.array([len(each[code]) for code in codes], dtype="int64") for each in (one, two))
    return pd.DataFrame(
        {
            "both": both,
            "first": long,
            "second": short,
            "share": both / np.minimum(long, short),
            "jaccard": both / either,
        },
        index=codes.rename("school"),
    )


def hellinger_distances(counts: np.ndarray | pd.DataFrame) -> np.ndarray:
    """Hellinger distances between the rows of a table of counts.

    Examples
    --------
    >>> hellinger_distances(np.array([[1, 1], [2, 2], [1, 0]])).round(3).tolist()
    [[0.0, 0.0, 0.541], [0.0, 0.0, 0.541], [0.541, 0.541, 0.0]]
    """
    points = _hellinger_points(np.asarray(counts, dtype=float))
    return weighted_distances(points, np.ones(points.shape[1]))


def _hellinger_points(counts: np.ndarray) -> np.ndarray:
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True) / 2)


def _filled(shown: pd.DataFrame, fill: float, totals: pd.Series | None) -> pd.DataFrame:
    """Printed counts with likely ones for the hidden: what is left of the total, spread as all schools' pupils are."""
    hidden = shown.isna()
    if totals is None:
        return shown.fillna(fill)
    spread = hidden * shown.fillna(fill).sum()
    spread = spread.div(spread.sum(axis=1), axis=0)
    rest = (totals.reindex(shown.index) - shown.sum(axis=1)).clip(lower=hidden.sum(axis=1))
    return shown.fillna(spread.mul(rest, axis=0)).fillna(fill)


def _by_mix(
    shown: pd.DataFrame,
    fill: float,
    totals: pd.Series | None,
    names: Mapping[str, str] | None,
    school: str | None,
    schools: pd.DataFrame | None,
    wish: Wish,
    better: Better | None,
) -> SimilarSchools:
    """Similar schools from counts as printed, NaN where hidden."""
    filled = _filled(shown, fill, totals)
    # likely numbers stand for hidden ones, but a mix that is mostly of those would be everybody's, not the school's
    of = filled.sum(axis=1) if totals is None else totals.reindex(filled.index)
    many = (of >= MIN_TOTAL).to_numpy()
    enough = many & (shown.sum(axis=1) >= LEAST_PRINTED * of).to_numpy()
    if school is not None and school in filled.index[many & ~enough]:
        raise UnknownCodeError(
            f"school {school}: of most of its pupils the segment is not shown, so no mix is compared"
        )
    if school is not None and school not in filled.index[enough]:
        raise UnknownCodeError(f"school {school} has no pupils placed in a segment, or fewer than {MIN_TOTAL}")
    why = np.where(many, "most of its numbers are hidden", f"fewer than {MIN_TOTAL} pupils placed")
    few = pd.DataFrame({"school": shown.index[~enough], "reason": why[~enough]})
    filled, shown = filled[enough], shown[enough]
    if schools is None:
        facts = pd.DataFrame(index=filled.index)
    else:
        _require_once(schools)
        facts = schools.reindex(filled.index)
    counts = filled.to_numpy(dtype=float)
    of = filled.sum(axis=1)  # shares are of the total that the profile prints, where it prints one
    of = of if totals is None else totals.reindex(filled.index).fillna(of)
    shares = (shown / of.to_numpy()[:, None]).to_numpy(dtype=float)
    codes = tuple(map(str, filled.columns))
    every = np.arange(len(codes))

    def space(rows: np.ndarray) -> Space:
        return Space(_hellinger_points(counts[rows]), np.ones(len(codes)), every, shares[rows], counts[rows])

    labels = tuple(str((names or {}).get(code, code)) for code in codes)
    variables = Variables(codes, labels, (SHARE,) * len(codes))
    ranked = rank_alike(facts, space, variables, school, wish)
    ranked = replace(ranked, left_out=pd.concat([ranked.left_out, few], ignore_index=True))
    notes = [
        "Alike in the mix of segments that pupils come from (Hellinger's distance, 0 for the same mix to 1 for no "
        "segment in common), worked out from the numbers printed."
    ]
    if shown.isna().to_numpy().any():
        likely = f"{fill:g}" if totals is None else "its part of what is left of the school's total"
        notes.append(f"A hidden number is replaced by {likely}; known is how many segments both schools print.")
    return _finished(ranked, "mix", notes, facts, wish, better, school)


# --- similar, and doing better --------------------------------------------------------------------------


def _only_better(ranked: Ranked, facts: pd.DataFrame, better: Better, school: str | None) -> Ranked:
    """The rows of schools that do better, with both values; ranks stay as they were."""
    values = _numbers(facts, better.column)
    if school is not None and not np.isfinite(values[school]):
        raise UnknownCodeError(f"school {school} has no {better.column}, so none can be said to do better")
    table = ranked.table
    own, other = (table[side].map(values).to_numpy(dtype=float) for side in ("school", "similar"))
    table = table.assign(value=other, own_value=own, difference=other - own)
    if better.pupils:
        if ((values < 0) | (values > 100)).any():
            raise ValueError(f"{better.column} is not a percentage (0 to 100), so pupils give it no interval")
        pupils = _numbers(facts, better.pupils)
        of_own, of_other = (table[side].map(pupils).to_numpy(dtype=float) for side in ("school", "similar"))
        table["difference_low"], table["difference_high"] = difference_of_percentages(other, of_other, own, of_own)
    table = table[(other > own) if better.higher_is_better else (other < own)].reset_index(drop=True)
    kept = pd.MultiIndex.from_frame(table[["school", "similar"]])
    terms = ranked.terms[pd.MultiIndex.from_frame(ranked.terms[["school", "similar"]]).isin(kept)]
    return replace(ranked, table=table, terms=terms.reset_index(drop=True))


def _numbers(facts: pd.DataFrame, column: str) -> pd.Series:
    if column not in facts:
        there = ", ".join(map(str, facts.columns)) or "none"
        raise UnknownCodeError(f"no column {column!r} to look for better schools by; there are {there}")
    try:
        numbers = pd.to_numeric(facts[column]).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(f"column {column} is not all numbers, so no school does better by it") from None
    return pd.Series(numbers, index=facts.index.astype("str"))


def difference_of_percentages(first, first_pupils, second, second_pupils) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of ``first - second``, both percentages of so many pupils; missing where a number is.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873, method 10.

    Examples
    --------
    Newcombe's first example, 56 of 70 against 48 of 80:

    >>> low, high = difference_of_percentages([80], [70], [60], [80])
    >>> [round(float(x[0]), 2) for x in (low, high)]
    [5.24, 33.39]
    """
    low_a, high_a, a = _wilson(first, first_pupils)
    low_b, high_b, b = _wilson(second, second_pupils)
    gap = a - b
    low = gap - np.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    high = gap + np.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return 100 * low, 100 * high


def _wilson(percent, pupils) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, n = np.asarray(percent, dtype=float) / 100, np.asarray(pupils, dtype=float)
    n = np.where(n > 0, n, np.nan)
    middle = (p + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * np.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n**2))
    return middle - half, middle + half, p


# --- the parts ------------------------------------------------------------------------------------------


def _method(facts: pd.DataFrame, by) -> Method:
    if isinstance(by, Method):
        return by
    if by is None:
        return usual_method(facts)
    if isinstance(by, str):
        if by not in METHODS:
            raise UnknownCodeError(f"no method {by!r}; there are {', '.join(METHODS)}, or name columns")
        return METHODS[by]
    return weighted_method(by)


def _require_once(facts: pd.DataFrame) -> None:
    again = facts.index[facts.index.duplicated()]
    if len(again):
        raise ValueError(f"a school comes twice: {', '.join(map(str, again[:5]))}; give each one row")


def _finished(
    ranked: Ranked,
    by: str,
    notes: list[str],
    facts: pd.DataFrame,
    wish: Wish,
    better: Better | None,
    school: str | None,
) -> SimilarSchools:
    """The lists with the sentences that belong to them."""
    notes = [*notes, "Results of schools play no part in who is similar."]
    used = [column for column in wish.same if column in facts]
    lacking = [column for column in wish.same if column not in facts]
    if used:
        notes.append(f"Only schools with the same {listed(used)} are compared.")
    if lacking:
        notes.append(f"The schools do not say their {listed(lacking)}, so that could not be asked to be the same.")
    if wish.exclude_within_km > 0:
        notes.append(f"Schools within {wish.exclude_within_km:g} km, in a straight line, are left out.")
    if wish.draws:
        notes.append(_firmness(by, wish))
    table = ranked.table
    short = table["known"] < table["of"]
    if short.any() and by != "mix":
        notes.append(
            f"{int(short.sum()):,} of {len(table):,} rows rest on fewer than all variables (known, of): the distance "
            "is over those that both schools have, scaled up for those missing."
        )
    if by == "mix" and school is not None and len(table) and table["distance"].iloc[0] > HARDLY_ALIKE:
        notes.append(f"No school is much alike: the nearest differs by {table['distance'].iloc[0]:.2f} of at most 1.")
    elif by == "mix" and school is not None and (loose := int((table["distance"] > FAIRLY_ALIKE).sum())):
        many = f"All {loose:,} schools listed are" if loose == len(table) else (
            f"{loose:,} of the {len(table):,} schools listed {'is' if loose == 1 else 'are'}"
        )  # fmt: skip
        notes.append(f"{many} alike only loosely (differs by over {FAIRLY_ALIKE:.2f}): the nearest there are.")
    if len(ranked.left_out):
        notes.append(f"{ranked.left_out['school'].nunique():,} schools could not be compared; left_out says why.")
    if better is not None:
        ranked = _only_better(ranked, facts, better, school)
        notes += _better_notes(better, wish.n)
    return SimilarSchools(ranked.table, ranked.terms, ranked.left_out, tuple(notes), by, wish.n)


def _firmness(by: str, wish: Wish) -> str:
    firm = (
        f"Stability is the part of {wish.draws:,} draws in which a school stays among the {wish.n} when every weight "
        f"is multiplied by a number drawn evenly from {1 - SPREAD:g} to {1 + SPREAD:g} (seed {SEED})"
    )
    if by == "mix":
        firm += "; by chance, the part when as many pupils are drawn anew from each school's own mix"
    return f"{firm}."


def _better_notes(better: Better, n: int) -> list[str]:
    side = "higher" if better.higher_is_better else "lower"
    notes = [
        f"Similar and doing better: of the {n} most similar schools, chosen without looking at {better.column}, those "
        f"where it is {side} than at the school. For a middling school about half would be so by chance alone.",
        "It does not say why they do better, nor that doing as they do would bring the same: schools that are alike "
        "here may differ in much that is not measured. It is a reason to talk to them.",
    ]
    if better.pupils:
        notes.append(
            "The interval of the difference (95%, Newcombe) is what chance alone allows; where it holds 0 the two may "
            "well do the same. It does not allow for having picked the better ones."
        )
    else:
        notes.append("No numbers of pupils were given, so there is no interval: a small difference may be chance.")
    return notes
