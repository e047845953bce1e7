"""Preferences and offers: who gets the school named first, and who names or gets the nearest, by any group.

Each outcome is a service that reached some of the applicants: its users are those it came true for, its base all
applicants it could have come true for, so rates, indices, intervals and tests are those of every other comparison.
A high first-choice rate may mean that a group gets what it wants, or that it asks for what it will get: "an acceptance
of the nearest, most accessible school". The two shares of the nearest school stand beside it for that reason.

References: *Learning from experience* (2008), Kent's analysis of preferences; School Admissions Code (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType

import numpy as np
import pandas as pd

from geoplan.assignment import NOT_PLACED, WORKINGS, Assignment
from geoplan.chance import wilson_interval
from geoplan.columns import PREFERENCE_RANKS
from geoplan.distances import straight_line_table_m
from geoplan.errors import NotProtected, UnknownCodeError
from geoplan.evidence import Nesting
from geoplan.service_reach import SEGMENT, ServiceReach, reach
from geoplan.tables import NO, YES

#: outcome: what it says, and whom it could have come true for
OUTCOMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "first_choice": ("offered the school named first", "applicants who named a school"),
        "any_choice": ("offered a school that was named", "applicants who named a school"),
        "nearest_first": ("named the nearest school first", "applicants placed who named a school"),
        "nearest_named": ("named the nearest school", "applicants placed who named a school"),
        "nearest_offered": ("offered the nearest school", "applicants placed who named a school"),
    }
)
_NEEDS_PLACE = ("nearest_first", "nearest_named", "nearest_offered")
_OF_APPLICATION = (*OUTCOMES, "named", "nearest", "offer", *PREFERENCE_RANKS)
_CHUNK = 20_000


def _nested() -> tuple[Nesting, ...]:
    """The fates of an application (rank of the nearest school, rank of the offer, whether the nearest was offered)."""
    # getting the nearest crosses the others without lying in any: with it the sums are too tangled to be solved in time
    tied = [name for name in OUTCOMES if name != "nearest_offered"]
    lookups: dict[str, dict[str, str]] = {name: {} for name in (*tied, "named_any", "nearest_known")}
    for nearest, offer, got in product(("first", "later", "not named", ""), ("first", "later", ""), (True, False)):
        ranked = offer and nearest == offer == "first"
        could_get = ranked or (nearest == offer == "later") or (nearest == "not named" and not offer)
        if (got and not could_get) or (not got and ranked):
            continue
        came = {
            "first_choice": offer == "first",
            "any_choice": offer != "",
            "nearest_first": nearest == "first",
            "nearest_named": nearest in ("first", "later"),
        }
        fate = f"nearest {nearest or 'not known'}, offer {offer or 'of none named'}, {'' if got else 'not '}the nearest"
        for name in tied:
            known, true = nearest or name not in _NEEDS_PLACE, came[name]
            lookups[name][fate] = (YES if true else NO) if known else NOT_PLACED
        lookups["named_any"][fate] = YES
        lookups["nearest_known"][fate] = YES if nearest else NO
    return tuple(Nesting("fate", name, MappingProxyType(lookup), asked=False) for name, lookup in lookups.items())


#: how each outcome, and whom it could have come true for, is made of what came of single applications
NESTED = _nested()


@dataclass(frozen=True, repr=False)
class Preferences:
    """Applicants with their outcomes.

    Parameters
    ----------
    applicants
        Applicants assigned to areas and segments; its frame has a yes-or-no column for each of :data:`OUTCOMES`,
        ``named`` (schools named), ``nearest`` (the nearest school's code, "" where not known) and ``first``.
    nearest_by
        What "nearest" means, in words.
    """

    applicants: Assignment
    nearest_by: str

    def __repr__(self) -> str:
        return f"<Preferences of {self.applicants.count:,} applicants; nearest {self.nearest_by}>"

    def __reduce_ex__(self, protocol):
        raise NotProtected("preferences hold facts about single people and are not pickled or copied")

    def reach(
        self,
        outcome: str,
        by: Sequence[str] = (SEGMENT,),
        names: Mapping[str, Mapping[str, str]] | None = None,
        year: str = "",
        data: str = "",
    ) -> ServiceReach:
        """Those an outcome came true for, against those it could have.

        Parameters
        ----------
        outcome
            One of :data:`OUTCOMES`.
        by
            Dimensions: ``segment``, ``fsm``, a kind of area, ``school`` (attended now), ``first`` (named first).
        names
            Names of codes, by dimension.
        year
            Printed with the outcome.
        data
            What the file is known by (see :class:`ServiceReach`): those of another phase are other people.

        Raises
        ------
        UnknownCodeError
            If there is no such outcome.
        """
        told = [dim for dim in by if dim in _OF_APPLICATION]
        if told:
            raise UnknownCodeError(
                f"{', '.join(told)} is what came of an application, or what an outcome is worked out from: compare "
                "groups by segment, fsm, a kind of area, school or first"
            )
        frame = self.applicants.frame
        there = [str(name) for name in frame.columns if name not in (*WORKINGS, *_OF_APPLICATION)]
        if absent := [dim for dim in by if dim not in frame]:
            raise UnknownCodeError(
                f"the applications do not say {', '.join(absent)}; compare groups by {', '.join(there)}. A column "
                "that has another heading is named in geoplan.toml, under [columns.applications]: "
                f'{absent[0]} = "your header"'
            )
        if outcome not in OUTCOMES:
            raise UnknownCodeError(f"no outcome {outcome!r}; there are {', '.join(OUTCOMES)}")
        what, whom = OUTCOMES[outcome]
        people = self.applicants
        could = (people.frame["named"] > 0) & ((people.frame["nearest"] != "") | (outcome not in _NEEDS_PLACE))
        base = replace(people, frame=people.frame[could])
        users = replace(people, frame=people.frame[could & people.frame[outcome]])
        # another notion of the nearest school makes other users, and others whom it could have come true for
        near = f", {self.nearest_by}" if outcome in _NEEDS_PLACE else ""
        known = {"users_data": f"{data}: {what}{near}", "base_data": f"{data}{near}"} if data else {}
        return reach(
            users, base, f"{what} {year}".strip(), whom, by, names=names, noun="applicants", inside=True, **known
        )


def preferences(
    applicants: Assignment, schools: pd.DataFrame | None = None, nearest: Mapping[str, str] | None = None
) -> Preferences:
    """What came of each application.

    Parameters
    ----------
    applicants
        From ``read_applications``, assigned; a child is counted once.
    schools
        The schools that count for "nearest", indexed by code: ``easting``, ``northing``. Leave out those that the
        children could not be offered (another phase, or selective).
    nearest
        Instead of the straight line: postcode (as the directory writes it) to its nearest school, from a table of
        walking or travel times.

    Raises
    ------
    UnknownCodeError
        If the applicants have no preferences, or neither schools nor a table of nearest ones is given.
    """
    frame = applicants.frame.copy(deep=False)
    ranks = [name for name in PREFERENCE_RANKS if name in frame]
    if not ranks or "offer" not in frame:
        raise UnknownCodeError("these people have no preferences and offers: read them with read_applications")
    if (schools is None) == (nearest is None):
        raise UnknownCodeError("say what is nearest: give schools (straight line), or a table of nearest schools")
    named = frame[ranks].astype("object").fillna("").to_numpy()
    offer = frame["offer"].astype("object").fillna("").to_numpy()
    if schools is not None:
        close, words = _nearest(frame, schools), f"by straight line, of {len(schools):,} schools"
    else:
        close, words = frame["postcode"].map(dict(nearest)).astype("object").fillna("").to_numpy(), "by the table given"
    has_offer, has_close = offer != "", close != ""
    frame["named"] = (named != "").sum(axis=1)
    frame["first"] = pd.Series(named[:, 0], index=frame.index).astype("str")
    frame["nearest"] = pd.Series(close, index=frame.index).astype("str")
    frame["first_choice"] = has_offer & (offer == named[:, 0])
    frame["any_choice"] = has_offer & (named == offer[:, None]).any(axis=1)
    frame["nearest_first"] = has_close & (named[:, 0] == close)
    frame["nearest_named"] = has_close & (named == close[:, None]).any(axis=1)
    frame["nearest_offered"] = has_close & has_offer & (offer == close)
    return Preferences(replace(applicants, frame=frame), words)


def counted_preferences(
    table: pd.DataFrame, by: str = "area", nearest: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """First preferences and offers by area or school, from counts, with the share of the nearest school.

    Parameters
    ----------
    table
        From ``read_preference_counts``: ``area``, ``school``, ``year``, ``first``, and where the file has them
        ``second``, ``third``, ``offers`` and ``first_offers`` (offers to those who named the school first).
    by
        ``area``, ``school`` or ``year`` alone.
    nearest
        Area to the school nearest to most of its children; only for areas.

    Returns
    -------
    DataFrame
        Indexed by year (and ``by``): ``first``, ``first_share`` (of all first preferences of the year), ``offers``,
        ``first_offers`` with ``first_choice_rate`` and its Wilson interval ``rate_low``, ``rate_high``; with
        ``nearest``, ``nearest_first_share``, ``nearest_named_share`` (at any rank) and ``nearest_offers_share``.

    Raises
    ------
    UnknownCodeError
        If an area has no nearest school, or its nearest is not in the table.

    Examples
    --------
    >>> counts = pd.DataFrame({"area": "A", "school": ["X", "Y"], "year": "2024", "first": [30, 10],
    ...     "second": [5, 20], "third": [0, 5], "offers": [35, 5]})
    >>> counted_preferences(counts, nearest={"A": "X"})[["first", "nearest_first_share"]].values.tolist()
    [[40.0, 0.75]]
    """
    keys = ["year"] if by == "year" else ["year", by]
    counts = [name for name in ("first", "second", "third", "offers", "first_offers") if name in table]
    whole = table.groupby(keys)[counts].sum()
    found = whole[[name for name in ("first", "offers", "first_offers") if name in counts]].copy()
    base = whole["first"].where(whole["first"] > 0)
    of_year = whole["first"].groupby(level="year").transform("sum")
    found["first_share"] = whole["first"] / of_year.where(of_year > 0)
    if "first_offers" in counts:
        found["first_choice_rate"] = whole["first_offers"] / base
        found["rate_low"], found["rate_high"] = wilson_interval(whole["first_offers"].where(base.notna()), base)
    if nearest is None:
        return found
    known = set(table["school"])
    wrong = [area for area in table["area"].unique() if nearest.get(area) not in known]
    if wrong or by != "area":
        raise UnknownCodeError(
            f"{len(wrong):,} areas have no nearest school in the table; the first is {wrong[0]}"
            if wrong
            else "the nearest school is a matter of areas: use by='area'"
        )
    close = table[table["school"] == table["area"].map(dict(nearest))].groupby(keys)[counts].sum()
    close = close.reindex(whole.index, fill_value=0)
    ranks = [name for name in ("first", "second", "third") if name in counts]
    found["nearest_first_share"] = close["first"] / base
    found["nearest_named_share"] = close[ranks].sum(axis=1) / base
    if "offers" in counts:
        found["nearest_offers_share"] = close["offers"] / whole["offers"].where(whole["offers"] > 0)
    return found


def against_totals(table: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """Sums over areas that differ from the totals a file states.

    Parameters
    ----------
    table
        Counts by area and school.
    totals
        The stated totals: by ``area`` (each area's own), or by ``school`` (all areas together); with ``year``.

    Returns
    -------
    DataFrame
        One row for each figure that differs: the key, ``figure``, ``summed``, ``stated``. Empty where all agree.
    """
    key = "school" if "area" not in totals or totals["area"].eq("").all() else "area"
    counts = [name for name in ("first", "second", "third", "offers") if name in table and name in totals]
    summed = table.groupby(["year", key])[counts].sum().stack().rename("summed")
    stated = totals.groupby(["year", key])[counts].sum().stack().rename("stated")
    both = pd.concat([summed, stated], axis=1).rename_axis(["year", key, "figure"])
    return both[both["summed"].ne(both["stated"])].reset_index()


# --- the parts ------------------------------------------------------------------------------------------


def _nearest(frame: pd.DataFrame, schools: pd.DataFrame) -> np.ndarray:
    """The code of the nearest school for each row, ties to the first code; "" without a position."""
    if not {"easting", "northing"} <= set(frame):
        raise UnknownCodeError("the directory gives no grid references, so the nearest school is not known")
    sites = schools[schools["easting"].notna() & schools["northing"].notna()].sort_index()
    x, y = (frame[name].to_numpy(dtype=float) for name in ("easting", "northing"))
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (x > 0))
    close = np.full(len(frame), "", dtype=object)
    codes = sites.index.astype("str").to_numpy(dtype=object)
    for start in range(0, len(known), _CHUNK) if len(sites) else ():
        part = known[start : start + _CHUNK]
        metres = straight_line_table_m(x[part], y[part], sites["easting"], sites["northing"])
        close[part] = codes[metres.argmin(axis=1)]
    return close
