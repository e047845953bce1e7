"""Homes to come, and the pupils they bring: by year, with a range; and the school that they may need.

Pupils in a year are the homes finished by then times the pupils expected for a home of that kind (its yield):

    pupils(t) = sum over kinds of home, and over years y up to t, of homes(kind, y) x yield(kind, t - y)

The yields are the authority's own: none are shipped, since they differ by place, tenure, size and time since
completion. A new estate is not a steady one: yields by year after completion follow it, where the authority has them.

The range is one of circumstances, not of chance: **low** is homes that have permission or are being built, a year late,
at the low yield; **high** is all homes, on time, at the high yield.

Reference: Department for Education, "Estimating pupil yield from housing development" (August 2023; not statutory).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geoplan.errors import UnknownCodeError
from geoplan.sources import Source
from geoplan.tables import RawTable, population_name

STATUSES = ("allocated", "permissioned", "started", "complete")
SURE = ("", "permissioned", "started", "complete")
KIND = ("tenure", "type", "bedrooms")
PHASES: Mapping[str, tuple[str, ...]] = {
    "early years": ("N1", "N2"),
    "primary": ("R", "1", "2", "3", "4", "5", "6"),
    "secondary": ("7", "8", "9", "10", "11"),
    "post-16": ("12", "13"),
    "special": (),
}
LEAD_YEARS = {"primary": 3, "secondary": 4}  # the guide: three, and "longer for a secondary school"
FORM = 30


@dataclass(frozen=True, repr=False)
class Trajectory:
    """Homes to be finished.

    Parameters
    ----------
    frame
        ``site``, ``year`` (the first calendar year of an academic year), ``completions``, ``tenure``, ``type``,
        ``bedrooms``, ``status`` (one of :data:`STATUSES`, "" where not said).
    sites
        By site: ``name``, ``easting``, ``northing`` where the file has them.
    source
        The file.
    """

    frame: pd.DataFrame
    sites: pd.DataFrame
    source: Source

    def __repr__(self) -> str:
        homes = int(self.frame["completions"].sum())
        return f"<Trajectory: {homes:,} homes on {self.frame['site'].nunique():,} sites>"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: years that a site skips, homes without a status."""
        said = []
        gaps = 0
        for _, years in self.frame.groupby("site")["year"]:
            gaps += int(years.max() - years.min() + 1 - years.nunique())
        if gaps:
            years = "1 year" if gaps == 1 else f"{gaps:,} years"
            said.append(f"{years} between a site's first and last without a row: taken as none finished.")
        blank = self.frame["status"].eq("")
        if blank.any() and not blank.all():
            said.append(f"{int(self.frame.loc[blank, 'completions'].sum()):,} homes have no status: taken as sure.")
        return tuple(said)


@dataclass(frozen=True, repr=False)
class Yields:
    """Pupils for each home.

    Parameters
    ----------
    frame
        ``phase`` (a key of :data:`PHASES`, or a year group), ``tenure``, ``type``, ``bedrooms`` ("" for any),
        ``years_after`` (missing for any), ``pupils``, ``low``, ``high``.
    source
        The file.
    """

    frame: pd.DataFrame
    source: Source

    def __repr__(self) -> str:
        return f"<Yields: {len(self.frame):,} rows, {', '.join(self.frame['phase'].unique())}>"


def phase_of(text: str) -> str:
    """A phase or a year group as it is called here; "" where it is neither.

    Examples
    --------
    >>> phase_of("Primary"), phase_of("State-funded secondary"), phase_of("Year 7"), phase_of("R"), phase_of("cats")
    ('primary', 'secondary', '7', 'R', '')
    """
    words = " ".join(str(text).replace("_", " ").replace("-", " ").casefold().split())
    years = {year.casefold(): year for years in PHASES.values() for year in years}
    bare = words.removeprefix("year ").removeprefix("group ").strip()
    if bare in years:
        return years[bare]
    if bare == "reception":
        return "R"
    told = {"early": "early years", "nursery": "early years", "primary": "primary", "secondary": "secondary",
            "post 16": "post-16", "sixth": "post-16", "special": "special", "send": "special"}  # fmt: skip
    return next((phase for word, phase in told.items() if word in words), "")


def expected_pupils(
    trajectory: Trajectory, yields: Yields, years: Sequence[int] | None = None, late_years: int = 1
) -> pd.DataFrame:
    """Pupils expected from new homes, by site, year and phase.

    Parameters
    ----------
    trajectory, yields
        Checked.
    years
        First and last year wanted; from the first completion to five years after the last if not given.
    late_years
        How many years late the low end takes homes to be.

    Returns
    -------
    DataFrame
        One row a ``site``, ``phase`` and ``year``: ``homes`` (finished by then), ``low``, ``pupils``, ``high``.

    Raises
    ------
    UnknownCodeError
        If the yields have no row for a kind of home; every kind concerned is named, with its homes.

    Examples
    --------
    >>> homes = pd.DataFrame({"site": ["A"], "year": [2027], "completions": [100], "tenure": [""], "type": [""],
    ...     "bedrooms": [""], "status": ["allocated"]})
    >>> rates = pd.DataFrame({"phase": ["primary"], "tenure": [""], "type": [""], "bedrooms": [""],
    ...     "years_after": [pd.NA], "pupils": [0.25], "low": [0.2], "high": [0.3]})
    >>> found = expected_pupils(Trajectory(homes, homes[[]], Source("t")), Yields(rates, Source("t")), [2027, 2027])
    >>> found[["homes", "low", "pupils", "high"]].values.tolist()
    [[100.0, 0.0, 25.0, 30.0]]
    """
    frame = trajectory.frame
    first, last = (min(frame["year"]), max(frame["year"]) + 5) if years is None else (years[0], years[-1])
    span = np.arange(first, last + 1)
    kinds = frame[[*KIND]].drop_duplicates().reset_index(drop=True)
    phases = list(dict.fromkeys(yields.frame["phase"]))
    curves, missing = {}, []
    for at, kind in kinds.iterrows():
        for phase in phases:
            curve = _curve(yields.frame, phase, kind)
            if curve is None:
                same = (frame[[*KIND]] == kind).all(axis=1)
                missing.append((phase, kind, int(frame.loc[same, "completions"].sum())))
            curves[at, phase] = curve
    if missing:
        said = "; ".join(f"{phase}: {_kind_words(kind)} ({homes:,} homes)" for phase, kind, homes in missing)
        raise UnknownCodeError(
            f"{yields.source.file or yields.source.title} has no yield for {said}: add a row, or leave its "
            f"{', '.join(KIND)} empty for any"
        )
    number = frame.merge(kinds.reset_index(names="kind"), on=[*KIND], how="left")["kind"].to_numpy()
    rows = []
    for site, part in frame.groupby("site", sort=False):
        built, sure = part["completions"].to_numpy(dtype=float), part["status"].isin(SURE).to_numpy()
        for phase in phases:
            ends = {"low": np.zeros(len(span)), "pupils": np.zeros(len(span)), "high": np.zeros(len(span))}
            homes = np.zeros(len(span))
            for count, year, kind, certain in zip(
                built, part["year"], number[frame.index.get_indexer(part.index)], sure, strict=True
            ):
                since = span - year
                homes += count * (since >= 0)
                curve = curves[kind, phase]
                for end, values in ends.items():
                    late = late_years if end == "low" else 0
                    if end == "low" and not certain:
                        continue
                    age = since - late
                    values += np.where(age >= 0, count * curve[end][np.clip(age, 0, len(curve[end]) - 1)], 0.0)
            rows.append(pd.DataFrame({"site": site, "phase": phase, "year": span, "homes": homes, **ends}))
    return pd.concat(rows, ignore_index=True)


def by_phase(expected: pd.DataFrame, sites: Iterable[str] | None = None) -> pd.DataFrame:
    """Pupils by phase and year, over all sites or some; indexed by both."""
    kept = expected if sites is None else expected[expected["site"].isin(list(sites))]
    return kept.groupby(["phase", "year"], sort=False)[["homes", "low", "pupils", "high"]].sum()


def by_year_group(expected: pd.DataFrame, year: int) -> pd.DataFrame:
    """Pupils by year group in one year: as the yields say, or a phase spread evenly over its year groups.

    Examples
    --------
    >>> expected = pd.DataFrame({"site": ["A"], "phase": ["primary"], "year": [2030], "homes": [200.0],
    ...     "low": [35.0], "pupils": [42.0], "high": [70.0]})
    >>> by_year_group(expected, 2030).loc["R"].tolist()
    [5.0, 6.0, 10.0]
    """
    now = expected[expected["year"] == year].groupby("phase", sort=False)[["low", "pupils", "high"]].sum()
    rows = {}
    for phase, values in now.iterrows():
        groups = PHASES.get(phase, (phase,)) or ()
        for group in groups:
            rows[group] = rows.get(group, 0.0) + values.to_numpy(dtype=float) / len(groups)
    order = [group for groups in PHASES.values() for group in groups if group in rows]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["low", "pupils", "high"]).reindex(order)


OPTIONS = {"low": "low", "pupils": "expected", "high": "high"}  # as a forecast's table of further pupils calls them


def pupils_by_school(
    expected: pd.DataFrame, schools_of: Mapping[str, Sequence[str]], taught: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pupils from new homes by the school they would go to, as ``geoplan forecast --extra`` takes them.

    Each goes to the school of the catchment that their site lies in, if it teaches their year group; where several
    schools of it do, in equal parts.

    Parameters
    ----------
    expected
        From :func:`expected_pupils`.
    schools_of
        By site: the schools whose catchments it lies in, of all plans (a primary and a secondary one).
    taught
        By school: ``lowest`` and ``highest`` year group as numbers, 0 for Reception.

    Returns
    -------
    table, left
        ``school``, ``academic_year`` (2027/28), ``year_group``, ``pupils``, ``option`` (low, expected, high); and the
        pupils expected whom no school there teaches: ``site``, ``academic_year``, ``year_group``, ``pupils``. Together
        they are all that were expected, but for phases without year groups (special), which are in ``left`` whole.

    Examples
    --------
    >>> expected = pd.DataFrame({"site": ["A"], "phase": ["primary"], "year": [2030], "homes": [200.0],
    ...     "low": [35.0], "pupils": [42.0], "high": [70.0]})
    >>> taught = pd.DataFrame({"lowest": [0], "highest": [6]}, index=["7"])
    >>> table, left = pupils_by_school(expected, {"A": ["7"]}, taught)
    >>> table.iloc[1].to_dict(), len(left)
    ({'school': '7', 'academic_year': '2030/31', 'year_group': 'R', 'pupils': 6.0, 'option': 'expected'}, 0)
    """
    rows, left = [], []
    for (site, year), part in expected.groupby(["site", "year"], sort=False):
        groups = by_year_group(part, year)
        when = year_words(int(year))
        for phase, whole in part.groupby("phase", sort=False)["pupils"].sum().items():
            if PHASES.get(phase) == () and whole > 0:
                left.append((site, when, phase, whole))
        for group, values in groups.iterrows():
            stage = 0 if group == "R" else int(group) if group.isdecimal() else -9  # nursery years are in no forecast
            own = [code for code in schools_of.get(site, ()) if code in taught.index
                   and taught.at[code, "lowest"] <= stage <= taught.at[code, "highest"]]  # fmt: skip
            if not own and values["pupils"] > 0:
                left.append((site, when, group, values["pupils"]))
            rows += [(code, when, group, values[name] / len(own), option)
                     for code in own for name, option in OPTIONS.items() if values["high"] > 0]  # fmt: skip
    columns = ["school", "academic_year", "year_group", "pupils", "option"]
    table = (
        pd.DataFrame(rows, columns=columns)
        .groupby(["school", "academic_year", "year_group", "option"], as_index=False, sort=False)["pupils"]
        .sum()
    )
    return table[columns], pd.DataFrame(left, columns=["site", "academic_year", "year_group", "pupils"])


@dataclass(frozen=True)
class Need:
    """When places run out.

    Parameters
    ----------
    spare
        Places free in the schools that serve the sites.
    earliest, expected, latest
        The first year in which the high, the middle and the low end exceed them; None if never.
    most
        Pupils beyond the spare places at the most in the years looked at, by the middle.
    """

    spare: float
    earliest: int | None
    expected: int | None
    latest: int | None
    most: float

    @property
    def sentence(self) -> str:
        """When, in words."""
        if self.expected is None:
            more = f"; at the high end from {year_words(self.earliest)}" if self.earliest else ""
            return f"The {self.spare:,.0f} spare places are enough for all years looked at{more}."
        low = f"by {year_words(self.latest)}" if self.latest else "never"
        ends = f"from {year_words(self.earliest)} at the high end, {low} at the low end"
        return (
            f"The {self.spare:,.0f} spare places are full by {year_words(self.expected)} ({ends}); at most "
            f"{self.most:,.0f} more places are needed."
        )


def need_for_places(pupils: pd.DataFrame, spare: float) -> Need:
    """The first year in which more pupils are expected than there are spare places.

    Parameters
    ----------
    pupils
        Indexed by year: ``low``, ``pupils``, ``high``.
    spare
        Places free, each school's own, summed; never netted.

    Examples
    --------
    >>> table = pd.DataFrame({"low": [0, 20], "pupils": [10, 50], "high": [40, 60]}, index=[2028, 2029])
    >>> need_for_places(table, 30).expected, need_for_places(table, 30).earliest, need_for_places(table, 30).latest
    (2029, 2028, None)
    """

    def first(name: str) -> int | None:
        years = pupils.index[pupils[name] > spare]
        return int(years.min()) if len(years) else None

    return Need(
        float(spare), first("high"), first("pupils"), first("low"), float(max(0.0, (pupils["pupils"] - spare).max()))
    )


@dataclass(frozen=True)
class NewSchool:
    """A school that is proposed.

    Parameters
    ----------
    code, name
        What it is called.
    phase
        ``primary`` or ``secondary``.
    easting, northing
        Where.
    places
        In all year groups.
    """

    code: str
    name: str
    phase: str
    easting: float
    northing: float
    places: int

    @property
    def forms(self) -> float:
        """Forms of entry: groups of thirty in each year."""
        return self.places / len(PHASES[self.phase]) / FORM


def draw_catchment(
    areas: pd.DataFrame,
    children: pd.Series,
    school: NewSchool,
    others: pd.DataFrame,
    neighbours: pd.DataFrame | None = None,
    take: float = 0.0,
    home: str = "",
) -> tuple[str, ...]:
    """The areas a new school could serve: those nearest to it that it is the nearest school of, as far as places go.

    Parameters
    ----------
    areas
        By area: ``easting``, ``northing`` of its middle.
    children
        By area: children of the phase who live, or will live, there.
    school
        The new school.
    others
        Schools of the phase: ``easting``, ``northing``.
    neighbours
        Pairs ``a``, ``b`` of areas that touch; with them the catchment is one piece.
    take
        Places already taken (by pupils of the sites, where they are not among ``children``).
    home
        The area that the school stands in; the one with the nearest middle if not given.

    Returns
    -------
    tuple of str
        Areas, the nearest first; the one that the school stands in always.

    Examples
    --------
    >>> areas = pd.DataFrame({"easting": [0.0, 1000, 2000, 9000], "northing": 0.0}, index=list("abcd"))
    >>> new = NewSchool("new", "New", "primary", 0, 0, 100)
    >>> others = pd.DataFrame({"easting": [8000.0], "northing": [0.0]})
    >>> draw_catchment(areas, pd.Series(40, areas.index), new, others)
    ('a', 'b')
    """
    here = np.hypot(areas["easting"] - school.easting, areas["northing"] - school.northing)
    xy = others[["easting", "northing"]].dropna().to_numpy(dtype=float)
    away = (
        np.hypot(areas["easting"].to_numpy()[:, None] - xy[:, 0], areas["northing"].to_numpy()[:, None] - xy[:, 1])
        if len(xy)
        else np.full((len(areas), 1), np.inf)
    )
    own = pd.Series(here.to_numpy() <= away.min(axis=1), areas.index)
    order = here.mask(here.index == home, -1.0).sort_values(kind="stable").index
    touching: dict[str, set[str]] = {}
    if neighbours is not None:
        for a, b in neighbours[["a", "b"]].itertuples(index=False):
            touching.setdefault(a, set()).add(b)
            touching.setdefault(b, set()).add(a)
    chosen, full = [order[0]], take + float(children.get(order[0], 0))
    waiting = [code for code in order[1:] if own[code]]
    while True:
        fits = next(
            (
                code
                for code in waiting
                if full + float(children.get(code, 0)) <= school.places
                and (neighbours is None or touching.get(code, set()) & set(chosen))
            ),
            None,
        )
        if fits is None:
            return tuple(chosen)
        chosen.append(fits)
        waiting.remove(fits)
        full += float(children.get(fits, 0))


def pupils_in(
    pupils: pd.DataFrame, kind: str, chosen: Sequence[str], years: Sequence[str], noun: str = "pupils", data: str = ""
) -> RawTable:
    """Pupils of a phase by the school they attend and whether they live in the areas chosen; exact, inside only."""
    of_phase = pupils[pupils["year_group"].astype("str").isin(list(years)) & pupils[kind].notna()]
    lives = np.where(of_phase[kind].astype("str").isin(list(chosen)), "yes", "no")
    counts = pd.DataFrame({"school": of_phase["school"].astype("str"), "lives there": lives}).value_counts()
    counts = counts.rename_axis(["school", "lives there"])
    mark = f"{len(chosen):,} areas of {kind} from {min(chosen)}"
    population = population_name(f"{noun} living in the area of a new school ({mark})", data)
    return RawTable("Who lives in the new school's area", counts, noun, population, attributes=("lives there",))


def year_words(year: int | None) -> str:
    """An academic year in words.

    Examples
    --------
    >>> year_words(2027), year_words(None)
    ('2027/28', 'never')
    """
    return "never" if year is None else f"{year}/{(year + 1) % 100:02d}"


def from_site(trajectory: Trajectory, site: str, phase: str, places: int, name: str = "") -> NewSchool:
    """A new school on a housing site.

    Raises
    ------
    UnknownCodeError
        If there is no such site, or it has no position.
    """
    if site not in trajectory.sites.index:
        raise UnknownCodeError(f"no site {site}; there are {', '.join(map(str, trajectory.sites.index[:20]))}")
    row = trajectory.sites.loc[site]
    if not {"easting", "northing"} <= set(row.index) or row[["easting", "northing"]].isna().any():
        raise UnknownCodeError(f"site {site} has no easting and northing")
    called = str(row.get("name", "") or site)
    return NewSchool(
        site, name or f"New {phase} school, {called}", phase, float(row["easting"]), float(row["northing"]), places
    )


def _curve(frame: pd.DataFrame, phase: str, kind: pd.Series) -> dict[str, np.ndarray] | None:
    """Yields by years after completion, from the rows that say most of this kind of home; None where none fits."""
    rows = frame[frame["phase"] == phase]
    for name in KIND:
        rows = rows[(rows[name] == "") | (rows[name] == kind[name])]
    if not len(rows):
        return None
    said = (rows[[*KIND]] != "").sum(axis=1)
    rows = rows[said == said.max()]
    if rows[[*KIND]].drop_duplicates().shape[0] > 1:
        raise UnknownCodeError(
            f"two yields fit {phase}, {_kind_words(kind)} as well: add a row that says all of {', '.join(KIND)}"
        )
    if rows["years_after"].isna().all():
        return {end: rows[end].to_numpy(dtype=float)[:1] for end in ("low", "pupils", "high")}
    rows = rows.dropna(subset=["years_after"]).astype({"years_after": int}).set_index("years_after").sort_index()
    every = rows.reindex(range(int(rows.index.max()) + 1)).ffill().bfill()
    return {end: every[end].to_numpy(dtype=float) for end in ("low", "pupils", "high")}


def _kind_words(kind: pd.Series) -> str:
    said = [f"{kind[name]} bedrooms" if name == "bedrooms" else str(kind[name]) for name in KIND if kind[name]]
    return ", ".join(said) or "homes of no stated kind"
