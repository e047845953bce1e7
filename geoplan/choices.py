"""What a choice that is shown is made from: protected counts, spread over the postcodes of the directory.

"The best two sites are East and North", found with exact counts, tells which of two hidden numbers is the larger. So
outside the office a choice, and a model, is made from what may be shown: people by area hidden and rounded as in any
table (a hidden number taken as the same for all, half of the smallest number shown), spread evenly over the postcodes
of the area, whose places are no one's secret, and brought to the other numbers printed beside the choice. Two towns
with the same printed numbers have the same choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.assignment import assign
from geoplan.disclosure import Protected, Rule
from geoplan.people import People
from geoplan.postcodes import PostcodeDirectory
from geoplan.segments import Segmentation
from geoplan.sources import Source

ROUNDS = 200  # of agreeing with the numbers printed; they are rounded, so that not all can be met at once
ENOUGH = 1e-9


def addresses(
    postcodes: PostcodeDirectory, areas: Iterable[Boundaries] = (), segments: Segmentation | None = None
) -> pd.DataFrame:
    """The postcodes of a directory, placed in areas and segments as people are: public.

    Parameters
    ----------
    postcodes, areas, segments
        As for :func:`geoplan.assignment.assign`. Postcodes far outside the ``areas`` are left out.

    Returns
    -------
    DataFrame
        A row for each postcode that has a place: ``easting``, ``northing``, a column for each kind of area,
        ``segment``, and ``live`` (not ended, and not of one large user of mail).
    """
    table, layers = postcodes.table, list(areas)
    keep = table["easting"].notna().to_numpy(copy=True)
    for layer in layers:
        west, south, east, north = layer.frame.total_bounds
        keep &= table["easting"].between(west - 1000, east + 1000).to_numpy()
        keep &= table["northing"].between(south - 1000, north + 1000).to_numpy()
    codes = table["postcode"][keep].reset_index(drop=True)
    number = range(len(codes))
    frame = pd.DataFrame({"record": number, "person": number, "postcode": codes, "counted": True})
    placed = assign(People(frame, Source("postcodes"), noun="postcodes"), postcodes, layers, segments)
    live = np.ones(len(codes), dtype=bool)
    for name, value in (("terminated", 0), ("user_type", 0)):
        if name in table:
            given = table[name][keep].to_numpy()
            live &= given <= value
    wanted = ["easting", "northing", *placed.kinds, *(["segment"] if segments is not None else [])]
    found = placed.frame[wanted].copy()
    for name in wanted[2:]:
        found[name] = found[name].astype("object").where(found[name].notna(), None)
    return found.assign(live=live)


def area_kind(places: pd.DataFrame, kinds: Sequence[str], people: float, rule: Rule) -> str:
    """The kind of area by which people are spread: the finest with enough of them in an area to be shown.

    Parameters
    ----------
    places
        From :func:`addresses`.
    kinds
        Kinds of area, of which the people have codes.
    people
        How many people there are, as printed.
    rule
        Of the audience: ``min_base`` people in an area on average are enough.

    Returns
    -------
    str
        "" where there is no kind of area.

    Examples
    --------
    >>> places = pd.DataFrame({"oa21": list("abcdef"), "lsoa21": list("xxxyyy"), "lad24": "z"})
    >>> area_kind(places, ["lad24", "lsoa21", "oa21"], 60, Rule()), area_kind(places, ["oa21"], 10, Rule())
    ('lsoa21', 'oa21')
    """
    many = {kind: places[kind].nunique() for kind in kinds if kind in places}
    finest = sorted((kind for kind in many if many[kind]), key=lambda kind: (-many[kind], kind))
    fit = [kind for kind in finest if people / many[kind] >= rule.min_base]
    return fit[0] if fit else finest[-1] if finest else ""


def spread(people: pd.Series, places: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """People of areas spread evenly over the live postcodes of each; over ended ones where there is no live one.

    Parameters
    ----------
    people
        Protected numbers by area, the hidden ones filled in; named by the kind of area (its index).
    places
        From :func:`addresses`.
    by
        Columns to put postcodes together by: one place for each, at the mean of its postcodes; none keeps each postcode
        by itself.

    Returns
    -------
    DataFrame
        ``easting``, ``northing``, ``base``, and the kinds and segments of ``places``.

    Examples
    --------
    >>> places = pd.DataFrame({"easting": [0.0, 10, 50], "northing": 0.0, "lsoa21": ["a", "a", "b"], "live": True})
    >>> spread(pd.Series({"a": 30, "b": 5}).rename_axis("lsoa21"), places)["base"].tolist()
    [15.0, 15.0, 5.0]
    """
    kind = people.index.name
    inside = places[places[kind].isin(people.index)]
    alive = inside.groupby(kind)["live"].transform("any") if len(inside) else inside["live"]
    inside = inside[inside["live"] | ~alive.astype(bool)]
    many = inside.groupby(kind)[kind].transform("size")
    own = inside.assign(base=people.reindex(inside[kind]).to_numpy(dtype=float) / many.to_numpy(dtype=float))
    own = own.drop(columns="live")
    keys = list(dict.fromkeys([kind, *by]))
    if not by:
        return own.reset_index(drop=True)
    rest = [name for name in own if name not in (*keys, "easting", "northing", "base")]
    how = {"easting": "mean", "northing": "mean", "base": "sum"} | dict.fromkeys(rest, "first")
    return own.groupby(keys, sort=True).agg(how).reset_index()


def gathered(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Places put together by columns, each at the mean of its people.

    Parameters
    ----------
    cells
        ``easting``, ``northing``, ``base``, and the columns of ``by``.
    by
        What makes one place.

    Examples
    --------
    >>> cells = pd.DataFrame({"easting": [0.0, 30], "northing": 0.0, "base": [10.0, 20], "lsoa21": "a"})
    >>> gathered(cells, ["lsoa21"])[["easting", "base"]].values.tolist()
    [[20.0, 30.0]]
    """
    weighed = cells[["easting", "northing"]].mul(cells["base"], axis=0).assign(base=cells["base"])
    sums = weighed.groupby([cells[name] for name in by], sort=True).sum()
    sums = sums[sums["base"] > 0]
    places = sums[["easting", "northing"]].div(sums["base"], axis=0)
    return places.assign(base=sums["base"]).reset_index()


def agreed(base: np.ndarray, printed: Iterable[tuple[np.ndarray, float]]) -> np.ndarray:
    """Numbers of people at places brought to sums that are printed, as nearly as rounded sums allow.

    Parameters
    ----------
    base
        People at each place.
    printed
        For each sum: which places it is of (they may overlap), and what it is; a missing one says nothing.

    Returns
    -------
    ndarray
        What is raked to one sum after the other (Deming and Stephan 1940); the last are met best.

    Examples
    --------
    >>> agreed(np.array([10.0, 10.0, 10.0]), [(np.array([True, True, False]), 40.0)]).tolist()
    [20.0, 20.0, 10.0]
    """
    base = np.asarray(base, dtype=float).copy()
    sums = [(np.flatnonzero(which), float(total)) for which, total in printed if total == total]
    for _ in range(ROUNDS if sums else 0):
        before = base.copy()
        for which, total in sums:
            now = base[which].sum()
            if now > 0:
                base[which] *= total / now
        if np.abs(base - before).max() <= ENOUGH * max(1.0, base.max()):
            break
    return base


def filled(table: Protected, column: str, least: int | None = None) -> pd.Series:
    """A column of a protected table, a hidden number taken as half of the smallest number shown.

    Examples
    --------
    >>> counts = pd.DataFrame({"count": [30.0, np.nan]}, index=["a", "b"])
    >>> filled(Protected(counts, counts.isna()), "count").tolist()
    [30.0, 5.0]
    """
    least = table.rule.hide_below if least is None else least
    return table.table[column].mask(table.hidden[column], least / 2)


def chosen_words(noun: str, kind: str, rule: Rule) -> str:
    """What a reader should know of a choice made from protected counts.

    Examples
    --------
    >>> chosen_words("pupils", "LSOA (2021)", Rule())[:53]
    'Worked out from pupils by LSOA (2021) hidden below 10'
    """
    return (
        f"Worked out from {noun} by {kind} hidden below {rule.hide_below} (taken as half of that) and rounded to "
        f"{rule.round_to}, spread evenly over the postcodes of each area, so that nothing here says more than those. "
        "Exact numbers may choose otherwise: try --internal."
    )
