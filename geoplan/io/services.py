"""Readers about a service: people by small area, preferences by area and school, its sites and a plan for them."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from geoplan.columns import AREA_COUNTS, NEAREST_SCHOOLS, PREFERENCE_COUNTS, SITES
from geoplan.io.counted import read_counted, refuse_rows
from geoplan.postcodes import PostcodeDirectory, look_up, with_space
from geoplan.sources import Source

GRAND_TOTAL = frozenset(["grand total", "total", "totals", "all", "all schools"])


def read_area_counts(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, source: Source | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read people counted by small area (and, where the file has it, by the site they use).

    Returns
    -------
    table, source
        Columns ``area``, ``people`` and, where there is one, ``site``; one row for each.

    Raises
    ------
    InputRefused
        With every problem: a column missing, a count that is no whole number, an area listed twice.
    """
    values, own, found = read_counted(path, AREA_COUNTS, columns, needed=("people",))
    keys = [name for name in ("area", "site") if name in values]
    refuse_rows(own.file, values["area"].eq(""), "code_malformed", "no area code", found["area"])
    refuse_rows(own.file, values["people"].isna(), "number_malformed", "not a whole number", found["people"])
    refuse_rows(own.file, values.duplicated(keys), "code_duplicated", "listed twice", found["area"])
    return values[[*keys, "people"]].astype({"people": "int64"}), source or own


def read_preference_counts(
    path: str | os.PathLike, columns: Mapping[str, str] | None = None, source: Source | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, Source]:
    """Read preferences and offers counted by area and school.

    Returns
    -------
    table, totals, source
        ``area``, ``school``, ``year`` ("" where the file has none), ``first``, and where the file has them
        ``second``, ``third``, ``offers``, ``first_offers``.
        Rows that the file calls a total are in ``totals``, to be held against the sums.

    Raises
    ------
    InputRefused
        With every problem: a column missing, a count that is no whole number, a school twice in an area.
    """
    values, own, found = read_counted(path, PREFERENCE_COUNTS, columns, needed=("first",))
    if "year" not in values:
        values["year"] = ""
    counts = [name for name in ("first", "second", "third", "offers", "first_offers") if name in values]
    for name in counts:
        refuse_rows(own.file, values[name].isna(), "number_malformed", "not a whole number", found[name])
    keys = ["area", "school", "year"]
    refuse_rows(own.file, values.duplicated(keys), "code_duplicated", "listed twice", found["school"])
    table = values[[*keys, *counts]].astype(dict.fromkeys(counts, "int64"))
    is_total = table["school"].str.casefold().isin(GRAND_TOTAL)
    return table[~is_total].reset_index(drop=True), table[is_total].reset_index(drop=True), source or own


def read_nearest(path: str | os.PathLike, postcodes: PostcodeDirectory | None = None) -> dict[str, str]:
    """Read which school is nearest to each postcode or area, by foot or by whatever the file's maker measured.

    Parameters
    ----------
    path
        A row for each place: ``place`` (a postcode, or an area as the counts name it), ``school``.
    postcodes
        The directory, where places are postcodes: they are written as it writes them.

    Raises
    ------
    InputRefused
        If a place is listed twice or a cell is empty.
    """
    values, own, found = read_counted(path, NEAREST_SCHOOLS, None)
    for name in ("place", "school"):
        refuse_rows(own.file, values[name].eq(""), "code_malformed", f"no {name}", found[name])
    place = values["place"]
    if postcodes is not None:
        rows = look_up(postcodes, place).rows
        known = with_space(postcodes.table["postcode"]).to_numpy(dtype=object)[rows]
        place = pd.Series(np.where(rows >= 0, known, place.to_numpy(dtype=object)), index=values.index)
    refuse_rows(own.file, place.duplicated(), "code_duplicated", "listed twice", found["place"])
    return dict(zip(place.astype("str"), values["school"].astype("str"), strict=True))


def read_sites(
    path: str | os.PathLike, postcodes: PostcodeDirectory | None = None, columns: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, Source]:
    """Read the sites of a service, and the plan for them.

    Parameters
    ----------
    path
        A row for each site: ``site``, ``easting`` and ``northing`` or ``postcode``, ``hours`` (today; 0 for a site that
        is only planned) and ``hours_planned`` (0 for one given up). Without hours every site counts the same; without
        planned hours the plan is today.
    postcodes
        The directory, where sites have postcodes only.

    Returns
    -------
    sites, source
        Indexed by site: ``easting``, ``northing``, ``hours``, ``hours_planned``.

    Raises
    ------
    InputRefused
        If a site is listed twice, has no place, or hours that are no number from zero up.
    """
    values, own, found = read_counted(path, SITES, columns)
    for name in ("easting", "northing"):
        if name not in values:
            values[name] = np.nan
    if "postcode" in values and postcodes is not None:
        rows = look_up(postcodes, values["postcode"]).rows
        for name in ("easting", "northing"):
            at = postcodes.table[name].to_numpy(dtype=float)[rows]
            values[name] = values[name].where(values[name].notna(), np.where(rows >= 0, at, np.nan))
    placed = values["easting"].gt(0) & values["northing"].gt(0)
    given = values["postcode"].ne("") if "postcode" in values else pd.Series(False, values.index)
    refuse_rows(
        own.file, ~placed & given, "position_outside",
        "its postcode is not in the directory, or has no grid reference there: give easting and northing", "postcode",
    )  # fmt: skip
    refuse_rows(own.file, ~placed, "position_outside", "no place: give easting and northing, or a postcode", "site")
    twice = values["site"].duplicated() | values["site"].eq("")
    refuse_rows(own.file, twice, "code_duplicated", "needs a code of its own", found["site"])
    values["hours"] = values.get("hours", pd.Series(1.0, values.index))
    values["hours_planned"] = values.get("hours_planned", values["hours"])
    for name in ("hours", "hours_planned"):
        wrong = ~(values[name] >= 0)
        refuse_rows(own.file, wrong, "number_malformed", "not a number from zero up", found.get(name, name))
    return values.set_index("site")[["easting", "northing", "hours", "hours_planned"]], own
