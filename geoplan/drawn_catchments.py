"""Catchments drawn as outlines, or told as postcodes and sectors, made into plans; and plans told as sectors again.

A drawing is never quite what a plan needs. Outlines overlap, leave gaps and slivers, and cut through areas. What is
wrong is measured here in square metres and in people, and an area that a line cuts goes to the catchment that has
most of its people, with what the others lose said beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from geoplan.areas import Boundaries
from geoplan.catchments import NONE, CatchmentPlan
from geoplan.disclosure import Rule, protect_counts
from geoplan.errors import InputRefused, Problem, UnknownCodeError
from geoplan.postcodes import PostcodeDirectory, with_space
from geoplan.sources import Source

CATCHMENT = "catchment"
POSTCODE = "postcode"
GAP, OVERLAP, SLIVER = "gap", "overlap", "sliver"
THIN = 0.05  # Polsby-Popper measure under which a small piece is a sliver: a circle has 1, a 1 by 60 strip 0.05
SLIVER_M2 = 10_000.0
WHOLE, PART = "whole", "part"


@dataclass(frozen=True, repr=False)
class Drawing:
    """Catchments as drawn, one outline each, and what was found wrong.

    Parameters
    ----------
    catchments
        Of kind ``catchment``: one outline for each, by its code; as drawn, so they may overlap.
    faults
        One row for each gap, overlap or sliver, the largest first: ``fault``, ``catchments`` (those that touch it,
        joined by " and "), ``square_m``, and ``people`` where points were given (NaN where not).
    notes
        What was noticed on reading: a repeated number, outlines put together.
    """

    catchments: Boundaries
    faults: pd.DataFrame
    notes: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        return f"<Drawing: {len(self.catchments):,} catchments, {len(self.faults):,} faults>"


def check_drawing(
    catchments: Boundaries,
    points: pd.DataFrame | None = None,
    area: object = None,
    sliver_m2: float = SLIVER_M2,
    least_m2: float = 1.0,
) -> pd.DataFrame:
    """Overlaps, gaps and slivers of drawn catchments, in square metres and in people.

    Parameters
    ----------
    catchments
        The outlines.
    points
        Where people live, columns ``easting`` and ``northing``, and ``people`` (1 each, if there is no such column).
    area
        The ground that the catchments should cover (a shapely outline). Without it, gaps are the holes in them.
    sliver_m2
        A thin gap or overlap smaller than this is called a sliver: lines that should be one line.
    least_m2
        Faults smaller than this are rounding and are left out.

    Returns
    -------
    DataFrame
        ``fault``, ``catchments``, ``square_m``, ``people``, ``of`` (``gap`` or ``overlap``, for a sliver too).

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from geoplan.sources import Source
    >>> drawn = gpd.GeoDataFrame({"name": ["West", "East"]}, index=["W", "E"], crs=27700,
    ...     geometry=[shapely.box(0, 0, 1000, 500), shapely.box(900, 0, 2000, 500)])
    >>> faults = check_drawing(Boundaries("catchment", drawn, Source("drawn")))
    >>> faults[["fault", "catchments", "square_m"]].values.tolist()
    [['overlap', 'E and W', 50000.0]]
    """
    import shapely

    shapes, codes = catchments.frame.geometry.to_numpy(), catchments.codes.to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    rows = []
    for i, j, shared in zip(a, b, shapely.intersection(shapes[a], shapes[b]), strict=True):
        rows += [(OVERLAP, f"{codes[i]} and {codes[j]}", piece) for piece in _surfaces(shared)]
    covered = shapely.union_all(shapes)
    if area is None:
        rings = [ring for part in shapely.get_parts(covered) for ring in part.interiors]
        gaps = [shapely.Polygon(ring) for ring in rings]
    else:
        gaps = _surfaces(shapely.difference(area, covered))
    for gap in gaps:
        near = shapely.distance(shapes, gap) <= 1.0
        rows.append((GAP, " and ".join(map(str, codes[near])), gap))
    pieces = np.array([piece for *_, piece in rows], dtype=object)
    table = pd.DataFrame(
        {
            "fault": [fault for fault, *_ in rows],
            "catchments": [touched for _, touched, _ in rows],
            "square_m": shapely.area(pieces) if len(pieces) else np.array([]),
            "people": _people_in(pieces, points),
            "of": [fault for fault, *_ in rows],
        }
    )
    thin = polsby_popper(pieces) < THIN if len(pieces) else np.array([], dtype=bool)
    table.loc[thin & (table["square_m"] < sliver_m2), "fault"] = SLIVER
    table = table[table["square_m"] >= least_m2]
    return table.sort_values(["square_m", "catchments"], ascending=[False, True], ignore_index=True)


def edge_gaps(
    catchments: Boundaries, area: object, points: pd.DataFrame | None = None, least_m2: float = SLIVER_M2
) -> pd.DataFrame:
    """Ground outside the drawn catchments, at their edge: what :func:`check_drawing` cannot see without an area.

    Parameters
    ----------
    catchments, points
        As for :func:`check_drawing`.
    area
        The ground that the catchments should cover (a shapely outline): that of the areas they were fitted to.
    least_m2
        Smaller gaps and thin ones are left out: an edge is seldom drawn twice alike (a coast, a river).

    Returns
    -------
    DataFrame
        As of :func:`check_drawing`.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from geoplan.sources import Source
    >>> drawn = gpd.GeoDataFrame({"name": ["West"]}, index=["W"], crs=27700, geometry=[shapely.box(0, 0, 1000, 500)])
    >>> gaps = edge_gaps(Boundaries("catchment", drawn, Source("drawn")), shapely.box(0, 0, 1500, 500))
    >>> gaps[["fault", "catchments", "square_m"]].values.tolist()
    [['gap', 'W', 250000.0]]
    """
    import shapely

    shapes = catchments.frame.geometry.to_numpy()
    outer = [shapely.Polygon(part.exterior) for part in shapely.get_parts(shapely.union_all(shapes))]
    pieces = _surfaces(shapely.difference(area, shapely.union_all(outer)))
    pieces = [piece for piece in pieces if piece.area >= least_m2]
    kept = np.array(pieces, dtype=object)
    if len(kept):
        kept = kept[polsby_popper(kept) >= THIN]
    near = [shapely.distance(shapes, piece) <= 1.0 for piece in kept]
    table = pd.DataFrame(
        {
            "fault": GAP,
            "catchments": [" and ".join(map(str, catchments.codes[touched])) for touched in near],
            "square_m": [float(piece.area) for piece in kept],
            "people": _people_in(kept, points),
            "of": GAP,
        },
        index=range(len(kept)),
    )
    return table.sort_values(["square_m", "catchments"], ascending=[False, True], ignore_index=True)


def fault_sentences(faults: pd.DataFrame, noun: str = "people", rule: Rule | None = None) -> list[str]:
    """The faults of a drawing in words, one sentence a kind.

    Parameters
    ----------
    faults
        From :func:`check_drawing`.
    noun
        What the points are.
    rule
        The small-number rule, where they are people; none for postcodes, which are public.

    Examples
    --------
    >>> fault_sentences(pd.DataFrame({"fault": ["overlap"], "catchments": ["E and W"], "square_m": [50000.0],
    ...     "people": [12.0], "of": ["overlap"]}), "pupils")
    ['1 overlap, 50,000 m2 in all, with 12 pupils (the largest: E and W, 50,000 m2)']
    """
    sentences = []
    for fault, part in faults.groupby("fault", sort=False):
        largest = part.iloc[0]
        who = "" if part["people"].isna().all() else f", with {counted(part['people'].sum(), noun, rule)}"
        sentences.append(
            f"{len(part):,} {fault}{'' if len(part) == 1 else 's'}, {part['square_m'].sum():,.0f} m2 in all{who} "
            f"(the largest: {largest['catchments'] or 'at the edge'}, {largest['square_m']:,.0f} m2)"
        )
    return sentences


def counted(count: float, noun: str, rule: Rule | None = None) -> str:
    """A count in words, as the rule can print it; without a rule as it is.

    Examples
    --------
    >>> from geoplan.disclosure import PUBLIC
    >>> counted(4, "pupils", PUBLIC), counted(123, "pupils", PUBLIC), counted(4, "postcodes")
    ('fewer than 10 pupils', 'about 125 pupils', '4 postcodes')
    """
    if rule is None or rule.exact or count == 0:
        return f"{count:,.0f} {noun}"
    shown, hidden = protect_counts(pd.Series([count]), rule)
    return f"fewer than {rule.hide_below} {noun}" if hidden[0] else f"about {shown[0]:,.0f} {noun}"


def place_in_catchments(catchments: Boundaries, easting, northing, nearest_within_m: float = 0.0) -> pd.Series:
    """The catchment of each point, "" for none; in an overlap the smaller one, as for any areas.

    Parameters
    ----------
    catchments
        The outlines.
    easting, northing
        Metres.
    nearest_within_m
        A point in none takes the nearest catchment within this many metres.
    """
    located = catchments.locate(easting, northing, nearest_within_m)
    return pd.Series(np.append(catchments.codes.to_numpy(), NONE)[located.position], dtype="str")


@dataclass(frozen=True, repr=False)
class BestFit:
    """Areas fitted to a drawing or a list of postcodes: the plan, and what the fit splits.

    Parameters
    ----------
    plan
        Each area in the catchment that has most of it.
    split
        Areas with people in more than one catchment: ``school`` (the one chosen), ``share`` (of the area's weight in
        it, 0 to 1) and ``lost`` (weight in others), by area; the largest loss first.
    weight
        The weight in all.
    noun
        What was weighed: postcodes, pupils.
    """

    plan: CatchmentPlan
    split: pd.DataFrame
    weight: float
    noun: str

    def __repr__(self) -> str:
        return f"<BestFit: {len(self.plan):,} areas, {len(self.split):,} split>"

    @property
    def sentence(self) -> str:
        """What the fit splits, in words."""
        if not len(self.split):
            return f"No {self.plan.kind} area is split."
        lost = 100 * self.split["lost"].sum() / self.weight if self.weight else 0.0
        share = f"{lost:.1f}%" if self.noun == "postcodes" else f"{lost:.0f}%"
        return (
            f"{len(self.split):,} of {len(self.plan):,} {self.plan.kind} areas are split by the lines; "
            f"{share} of {self.noun} are in another catchment than the one their area was given"
        )


def fit_areas(
    catchment: Iterable[str],
    area: Iterable[str],
    weight: Iterable[float] | None = None,
    *,
    kind: str,
    name: str = "Plan",
    noun: str = "postcodes",
    areas: Iterable[str] | None = None,
    source: Source | None = None,
) -> BestFit:
    """Give each area to the catchment that has most of its points.

    Parameters
    ----------
    catchment, area
        Of each point (postcode, pupil); a point without a catchment ("") does not vote while any other does.
    weight
        Of each point; 1 each if not given.
    kind
        The kind of area, with its year.
    name, noun, source
        What the plan is called, what the points are, where it came from.
    areas
        Codes of areas that the plan must have; those without points have no school.

    Raises
    ------
    UnknownCodeError
        If no point has both an area and a catchment.

    Examples
    --------
    >>> fit = fit_areas(["W", "W", "E", "E"], ["a", "a", "a", "b"], kind="lsoa21")
    >>> fit.plan.table.to_dict(), fit.split.to_dict("index")
    ({'a': 'W', 'b': 'E'}, {'a': {'school': 'W', 'share': 0.6666666666666666, 'lost': 1.0}})
    """
    rows = pd.DataFrame({"school": pd.Series(catchment, dtype="str"), "area": pd.Series(area, dtype="str")})
    rows["weight"] = 1.0 if weight is None else np.asarray(list(weight), dtype=float)
    rows = rows[(rows["area"] != NONE) & rows["area"].notna()]
    if not ((rows["school"] != NONE) & (rows["weight"] > 0)).any():
        raise UnknownCodeError(
            f"no {noun} lie in a catchment and have a {kind} code: check that the catchments are of this place"
        )
    votes = rows.groupby(["area", "school"], observed=True)["weight"].sum().reset_index()
    told = votes["school"] != NONE
    ordered = votes[told].sort_values(["area", "weight", "school"], ascending=[True, False, True])
    best = ordered.drop_duplicates("area").set_index("area")
    whole = votes.groupby("area")["weight"].sum()
    everything = whole.index.union(pd.Index([] if areas is None else list(areas), dtype="str"))
    table = best["school"].reindex(everything).fillna(NONE).astype("str")
    held = best["weight"].reindex(whole.index).fillna(0.0)
    split = pd.DataFrame({"school": table[whole.index], "share": held / whole, "lost": whole - held})
    split = split[(split["lost"] > 0) & (held > 0)].sort_values("lost", ascending=False, kind="stable")
    return BestFit(CatchmentPlan(name, kind, table, source=source or Source(name)), split, float(whole.sum()), noun)


def postcodes_to_schools(rows: pd.DataFrame, directory: PostcodeDirectory, file: str = "") -> pd.DataFrame:
    """Postcodes and sectors with their school, as the postcodes of a directory.

    Parameters
    ----------
    rows
        Columns ``place`` (a postcode ``ME7 1AB``, a sector ``ME7 1`` or a district ``ME7``) and ``school``. A postcode
        told by itself goes before its sector, a sector before its district.
    directory
        Live postcodes with their area codes.
    file
        For the messages.

    Returns
    -------
    DataFrame
        Columns ``postcode`` (as the directory writes it), ``row`` (of the directory) and ``school``.

    Raises
    ------
    InputRefused
        If a place is not in the directory, or is told twice with two schools; every one is counted.

    Examples
    --------
    >>> from geoplan.sources import Source
    >>> table = pd.DataFrame({"postcode": pd.Series(["ME71AB", "ME71AD", "ME72AA"], dtype="str")})
    >>> told = pd.DataFrame({"place": ["ME7 1", "me7 1ad"], "school": ["1", "2"]})
    >>> postcodes_to_schools(told, PostcodeDirectory(table, Source("drawn"))).values.tolist()
    [['ME71AB', 0, '1'], ['ME71AD', 1, '2']]
    """
    codes = directory.table["postcode"].astype("str")
    live = np.ones(len(codes), dtype=bool)
    if "terminated" in directory.table:
        live = (directory.table["terminated"] == 0).to_numpy()
    units = {"unit": codes, "sector": codes.str[:-2], "district": codes.str[:-3]}
    told = pd.DataFrame({"place": rows["place"].str.upper().str.replace(r"[^0-9A-Z]", "", regex=True)})
    told["school"] = rows["school"].astype("str").to_numpy()
    known = {level: set(values[live]) for level, values in units.items()}
    level = pd.Series(NONE, index=told.index)
    spaced = rows["place"].str.strip().str.contains(r"\s").to_numpy()
    for name in ("unit", "sector", "district"):
        fits = told["place"].isin(known[name]) & (level == NONE)
        if name == "sector":  # ME71 is the sector ME7 1 or the district ME71: a space says which
            fits &= spaced | ~told["place"].isin(known["district"])
        level = level.mask(fits, name)
    problems = []
    strange = np.flatnonzero((level == NONE).to_numpy())
    if len(strange):
        problems.append(
            Problem(
                file, "code_unknown", "not a postcode, sector or district of the directory",
                "check the spelling; a postcode may have ended", int(strange[0]) + 1, "postcode", more=len(strange) - 1,
            )
        )  # fmt: skip
    twice = told.assign(level=level).drop_duplicates(["place", "school"]).duplicated(["place", "level"])
    if twice.any():
        at = int(twice.index[twice][0])
        problems.append(
            Problem(
                file, "code_duplicated", "told twice, with two schools", "keep one row for each", at + 1, "postcode",
                more=int(twice.sum()) - 1,
            )
        )  # fmt: skip
    if problems:
        raise InputRefused(file or "postcodes", problems)
    school = pd.Series(NONE, index=codes.index, dtype="object")
    for name in ("district", "sector", "unit"):
        lookup = told[level == name].drop_duplicates("place").set_index("place")["school"]
        found = units[name].map(lookup)
        school = school.mask(found.notna(), found)
    kept = np.flatnonzero(live & (school != NONE).to_numpy())
    return pd.DataFrame(
        {"postcode": codes.to_numpy()[kept], "row": kept, "school": school.to_numpy()[kept].astype(str)}
    )


def with_codes(directory: PostcodeDirectory, boundaries: Boundaries) -> PostcodeDirectory:
    """The directory with the code of the area each postcode's point lies in, where it has no codes of that kind."""
    if boundaries.kind in directory.kinds:
        return directory
    table = directory.table
    at = boundaries.locate(table["easting"].to_numpy(), table["northing"].to_numpy()).position
    codes = pd.Categorical.from_codes(at, categories=boundaries.codes.astype("str"))
    return replace(directory, table=table.assign(**{boundaries.kind: codes}))


def sectors_of(plan: CatchmentPlan, directory: PostcodeDirectory) -> pd.DataFrame:
    """The postcode sectors of each catchment: whole, or in part with how much.

    Parameters
    ----------
    plan
        By a kind of area that the directory has, or by ``postcode``.
    directory
        Live postcodes.

    Returns
    -------
    DataFrame
        One row for each sector and school: ``sector`` (``ME7 1``), ``school``, ``postcodes``, ``share`` of the
        sector's postcodes (0 to 1) and ``how`` (``whole`` or ``part``); sectors outside the plan are left out.

    Raises
    ------
    UnknownCodeError
        If the directory has no codes of the plan's kind.
    """
    table = directory.table
    if plan.kind != POSTCODE and plan.kind not in directory.kinds:
        raise UnknownCodeError(
            f"the directory has no {plan.kind} codes, only {', '.join(directory.kinds) or 'none'}; give one that has"
        )
    live = (table["terminated"] == 0).to_numpy() if "terminated" in table else np.ones(len(table), dtype=bool)
    table = table[live]
    codes = table["postcode"] if plan.kind == POSTCODE else table[plan.kind].astype("object")
    school = codes.map(plan.table).fillna(NONE).astype("str")
    spaced = with_space(table["postcode"].astype("str")).str[:-2]
    found = pd.DataFrame({"sector": spaced.to_numpy(), "school": school.to_numpy()})
    whole = found.groupby("sector").size()
    counted = found[found["school"] != NONE].groupby(["sector", "school"]).size().rename("postcodes").reset_index()
    counted["share"] = counted["postcodes"] / counted["sector"].map(whole)
    counted["how"] = np.where(counted["share"] == 1, WHOLE, PART)
    order = ["sector", "share", "school"]
    return counted.sort_values(order, ascending=[True, False, True], ignore_index=True)


def notice_text(plan: CatchmentPlan, sectors: pd.DataFrame, names: pd.Series | None = None) -> str:
    """A plan as the text of a notice: each catchment with its whole sectors, then its parts.

    Parameters
    ----------
    plan
        The plan.
    sectors
        From :func:`sectors_of`.
    names
        Names of schools by code.
    """
    names = {} if names is None else names.to_dict()
    lines = [plan.name, ""]
    for school in plan.schools:
        members = " and ".join(str(names.get(member, member)) for member in plan.members(school))
        own = sectors[sectors["school"] == school]
        whole = own.loc[own["how"] == WHOLE, "sector"]
        part = own[own["how"] == PART].sort_values("sector")
        lines.append(f"{members} ({', '.join(plan.members(school))})")
        if not len(own):
            lines.append("  No postcode sectors.")
        if len(whole):
            lines.append(f"  All of: {', '.join(whole)}")
        if len(part):
            told = (f"{row.sector} ({_part_words(row.share)})" for row in part.itertuples())
            lines.append(f"  Part of: {', '.join(told)}")
        lines.append("")
    lines.append("Shares are of the live postcodes of the sector, not of homes.")
    return "\n".join(lines) + "\n"


def _part_words(share: float) -> str:
    """A part of a sector, never said to be none or all of it."""
    return "under 1%" if share < 0.005 else "over 99%" if share > 0.995 else f"{share:.0%}"


def lookup_table(plans: dict[str, CatchmentPlan], directory: PostcodeDirectory) -> pd.DataFrame:
    """What happens to a postcode sector under several plans: one row for each way its postcodes go.

    Returns
    -------
    DataFrame
        ``sector``, a column for each plan with the school's code, and ``share`` of the sector's postcodes (0 to 1).
    """
    kinds = {plan.kind for plan in plans.values()}
    if len(kinds) != 1 or next(iter(kinds)) not in directory.kinds:
        raise UnknownCodeError("the plans must be of one kind of area, which the directory has")
    kind = next(iter(kinds))
    table = directory.table
    live = (table["terminated"] == 0).to_numpy() if "terminated" in table else np.ones(len(table), dtype=bool)
    table = table[live & table[kind].notna().to_numpy()]
    found = pd.DataFrame({"sector": with_space(table["postcode"].astype("str")).str[:-2].to_numpy()})
    for title, plan in plans.items():
        found[title] = table[kind].astype("object").map(plan.table).fillna(NONE).astype("str").to_numpy()
    whole = found.groupby("sector").size()
    counted = found.groupby(["sector", *plans]).size().rename("postcodes").reset_index()
    counted["share"] = counted["postcodes"] / counted["sector"].map(whole)
    covered = (counted[list(plans)] != NONE).any(axis=1)
    counted = counted[counted["sector"].isin(counted.loc[covered, "sector"])]
    counted = counted.sort_values(["sector", "share"], ascending=[True, False], kind="stable", ignore_index=True)
    return counted.drop(columns="postcodes")


def polsby_popper(shapes: np.ndarray) -> np.ndarray:
    """Four pi times the area over the square of the perimeter: 1 for a circle, near 0 for a strip.

    References
    ----------
    Polsby and Popper (1991), Yale Law and Policy Review 9:301.
    """
    import shapely

    length = shapely.length(shapes)
    return 4 * np.pi * shapely.area(shapes) / np.where(length > 0, length**2, np.nan)


def compactness(catchments: Boundaries) -> pd.DataFrame:
    """How compact each catchment is: its outline against a circle and against its convex hull.

    Parameters
    ----------
    catchments
        One outline for each (:meth:`geoplan.catchments.CatchmentPlan.catchments`).

    Returns
    -------
    DataFrame
        By catchment: ``polsby_popper`` (0 to 1; coasts lower it), ``hull_share`` (area over that of the convex hull),
        ``pieces`` (parts of over 1 hectare) and ``square_km``.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from geoplan.sources import Source
    >>> square = gpd.GeoDataFrame({"name": ["West"]}, index=["W"], geometry=[shapely.box(0, 0, 1000, 1000)], crs=27700)
    >>> compactness(Boundaries("catchment", square, Source("drawn"))).round(3).to_dict("index")
    {'W': {'polsby_popper': 0.785, 'hull_share': 1.0, 'pieces': 1, 'square_km': 1.0}}
    """
    import shapely

    shapes = catchments.frame.geometry.to_numpy()
    area = shapely.area(shapes)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    large = shapely.area(parts) >= 10_000
    return pd.DataFrame(
        {
            "polsby_popper": polsby_popper(shapes),
            "hull_share": area / shapely.area(shapely.convex_hull(shapes)),
            "pieces": np.bincount(owner[large], minlength=len(shapes)),
            "square_km": area / 1e6,
        },
        index=catchments.codes,
    )


def split_groups(plan: CatchmentPlan, group: pd.Series) -> pd.DataFrame:
    """Groups of areas (wards, parishes, clusters) that a plan splits between catchments.

    Parameters
    ----------
    plan
        The plan.
    group
        Group of each area, by its code.

    Returns
    -------
    DataFrame
        By group: ``areas``, ``catchments`` (how many) and ``main_share`` (of its areas in the largest, 0 to 1).

    Examples
    --------
    >>> plan = CatchmentPlan("Today", "lsoa21", pd.Series({"a": "1", "b": "2", "c": "2"}))
    >>> split_groups(plan, pd.Series({"a": "North", "b": "North", "c": "South"})).loc["North"].tolist()
    [2.0, 2.0, 0.5]
    """
    both = pd.DataFrame({"school": plan.table, "group": group.reindex(plan.areas)})
    both = both[both["group"].notna() & (both["school"] != NONE)]
    parts = both.groupby(["group", "school"]).size()
    by_group = parts.groupby(level="group")
    return pd.DataFrame(
        {"areas": by_group.sum(), "catchments": by_group.size(), "main_share": by_group.max() / by_group.sum()}
    )


def _surfaces(shape: object) -> list:
    """The polygons of a shape, without the lines and points that two touching outlines share."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in parts if shapely.get_type_id(part) == 3 and part.area > 0]


def _people_in(pieces: np.ndarray, points: pd.DataFrame | None) -> np.ndarray:
    if points is None or not len(pieces):
        return np.full(len(pieces), np.nan)
    import shapely

    known = points[points["easting"].notna() & points["northing"].notna()]
    weight = known["people"].to_numpy(dtype=float) if "people" in known else np.ones(len(known))
    dots = shapely.points(known["easting"].to_numpy(), known["northing"].to_numpy())
    piece, dot = shapely.STRtree(dots).query(pieces, predicate="intersects")
    return np.bincount(piece, weight[dot], minlength=len(pieces))
