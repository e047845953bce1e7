"""The page of a cluster: the profiles of its schools side by side, on one sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from geoplan.disclosure import HIDDEN, Protected, Rule, require_protected
from geoplan.errors import UnknownCodeError
from geoplan.maps.cells import cells
from geoplan.protection import PlaceTables
from geoplan.reports.charts import bar, largest
from geoplan.reports.head import Backdrop
from geoplan.reports.words import FEWER, HIDDEN_WORD, MORE, percentages, standings, with_group_names
from geoplan.sentences import listed
from geoplan.sources import Source, is_invented

MOST_SCHOOLS = 40
_SIGNS = {MORE: "▲", FEWER: "▼"}


@dataclass(frozen=True, repr=False)
class ClusterPage:
    """The profiles of several schools, one row each.

    Parameters
    ----------
    title
        What the schools have in common: the cluster's name.
    profiles
        Code to profile, as in :class:`~geoplan.reports.head.HeadReport`.
    names
        Code to the school's name.
    compared
        What each is compared with, in plain words.
    noun, marking, made, sources
        As in :class:`~geoplan.reports.head.HeadReport`.
    """

    title: str
    profiles: Mapping[str, Protected]
    names: Mapping[str, str]
    compared: str
    noun: str = "pupils"
    marking: str = ""
    made: str = ""
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if not self.profiles:
            raise UnknownCodeError(f"{self.title}: no school has pupils placed in a segment")
        if len(self.profiles) > MOST_SCHOOLS:
            raise ValueError(f"{self.title}: {len(self.profiles)} schools; {MOST_SCHOOLS} at most on one page")
        for school, profile in self.profiles.items():
            require_protected(profile, f"the profile of {school} on a ClusterPage")

    def __repr__(self) -> str:
        return f"<ClusterPage {self.title!r}: {len(self.profiles)} schools, {self.rule.tag}>"

    @property
    def rule(self) -> Rule:
        """The small-number rule of the page."""
        return next(iter(self.profiles.values())).rule

    @property
    def tables(self) -> tuple[Protected, ...]:
        """The protected tables that the page shows: what a release checks."""
        return tuple(self.profiles.values())

    @property
    def worked_out(self) -> tuple[pd.DataFrame, ...]:
        """The profiles' shares and totals as this page arranges them, by school: what a release compares with."""
        any_one = next(iter(self.profiles.values()))
        rows = {self.compared[:1].upper() + self.compared[1:]: _by_group(any_one, "base_share")}
        for code, profile in self.profiles.items():
            rows[self.names.get(code, code)] = {**_by_group(profile, "share"), "total": profile.table["total"].iloc[0]}
        shares = pd.DataFrame.from_dict(rows, orient="index", dtype=object)
        known = [table.table[["share"]].reset_index(drop=True) for table in self.profiles.values()]
        names = pd.DataFrame({"name": [self.title, *rows]})
        return shares, pd.concat(known), names

    @property
    def invented(self) -> bool:
        """Whether anything on the page is made-up data."""
        return is_invented(self.sources)

    def to_html(self) -> str:
        """The page as text: no script, no network; the same for the same schools."""
        from geoplan.reports.render import cluster_html

        return cluster_html(self)

    def parts(self) -> dict:
        """What the template shows: headings, the base's row and a row for each school."""
        any_one = next(iter(self.profiles.values()))
        first = any_one.table
        shares = pd.concat([table.table[["share", "base_share"]] for table in self.profiles.values()])
        most = largest(shares)
        base = cells(any_one, "base_share", "All", "share", decimals=0)
        base_cells = [
            {"text": text, "bar": bar([value, None], most, f"{name}: {text} in {self.compared}")}
            for text, value, name in zip(percentages(any_one, "base_share"), base.values, first["name"], strict=True)
        ]
        rows = [
            {"name": self.names.get(code, code), "total": f"{table.table['total'].iloc[0]:,.0f}",
             "cells": self._cells(code, table, most)}
            for code, table in self.profiles.items()
        ]  # fmt: skip
        return {"heads": list(first["name"]), "base": base_cells, "rows": rows, "finding": self._finding()}

    def _cells(self, code: str, profile: Protected, most: float) -> list[dict]:
        share = cells(profile, "share", "Share", "share", decimals=0)
        base = cells(profile, "base_share", "All", "share", decimals=0)
        school, texts = self.names.get(code, code), percentages(profile, "share")
        return [
            {
                "text": texts[at],
                "bar": bar([share.values[at], base.values[at]], most, f"{school}, {name}: {texts[at]}"),
                "sign": _SIGNS.get(word, ""),
                "word": "" if word == HIDDEN_WORD else word,
            }
            for at, (name, word) in enumerate(zip(profile.table["name"], standings(profile), strict=True))
        ]

    def _finding(self) -> str:
        """In which group the schools differ most, from the printed shares."""
        shares = pd.DataFrame({code: table.table["share"] for code, table in self.profiles.items()})
        spread = (shares.max(axis=1) - shares.min(axis=1)).dropna()
        if len(self.profiles) < 2 or not len(spread):
            return "Too few numbers can be shown to compare these schools."
        group = spread.idxmax()
        name = next(iter(self.profiles.values())).table.at[group, "name"]
        low, high = shares.loc[group].idxmin(), shares.loc[group].idxmax()
        return (
            f"The schools differ most in {name}: {100 * shares.at[group, high]:.0f} in 100 at "
            f"{self.names.get(high, high)}, {100 * shares.at[group, low]:.0f} in 100 at {self.names.get(low, low)}."
        )


def _by_group(profile: Protected, column: str) -> dict[str, float | str]:
    hidden = profile.is_hidden(column)
    return {
        str(name): HIDDEN if hidden[code] else profile.table.at[code, column]
        for code, name in profile.table["name"].items()
    }


def cluster_page(
    shared: Backdrop, tables: PlaceTables, schools: Sequence[str] = (), cluster: str = "", title: str = ""
) -> ClusterPage:
    """The page of the schools named, or of all schools of a cluster.

    Parameters
    ----------
    shared
        From :func:`geoplan.reports.backdrop`.
    tables
        The place's protected tables.
    schools
        Codes, in the order to show; those without pupils placed are left out.
    cluster
        Instead of ``schools``: a value of the schools' column ``cluster``.
    title
        The page's heading; the cluster's name if not given.

    Returns
    -------
    ClusterPage

    Raises
    ------
    UnknownCodeError
        If there is no such cluster, or none of its schools has pupils placed.
    """
    facts = shared.facts
    if cluster:
        known = facts["cluster"].astype("str") if "cluster" in facts else pd.Series(dtype="str")
        schools = list(facts.index[(known == cluster).to_numpy()]) if len(known) else []
        if not schools:
            some = listed(sorted(set(known[known != ""]))[:8] or ["none"])
            raise UnknownCodeError(f"no school is in a cluster {cluster!r}; the clusters are {some}")
    names = {code: str(facts["name"].get(code, code)) for code in schools}
    return ClusterPage(
        title=title or cluster or "Schools side by side",
        profiles={code: with_group_names(tables.profiles[code]) for code in schools if code in tables.profiles},
        names=names,
        compared=shared.compared,
        noun=shared.noun,
        marking=tables.rule.marking,
        made=shared.made,
        sources=shared.sources,
    )
