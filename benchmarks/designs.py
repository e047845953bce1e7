"""How long designs take, and how near to the best possible they are, on real areas (../shared/data).

    python benchmarks/designs.py brighton              each of the Brighton designs of now_210
    python benchmarks/designs.py trade-off 4 15        travel, mix and moves at +-5%: 4 limits, 15 seconds a design
    python benchmarks/designs.py contest 0.05          the least travel at +-5% against peers in the same run
    python benchmarks/designs.py county lsoa21 600     Kent and Medway primary schools x LSOAs, 600 seconds
    python benchmarks/designs.py county oa11 600       the same x output areas
    python benchmarks/designs.py growth 60             parts of the county of growing size, 60 seconds each

Brighton's rule is the published one: each area to one of its three nearest catchments, Longhill's admission number
210, neighbours by triangulation of the areas' centres. Kent's children are residents aged 4 to 10 in mid-2020 (ONS),
scaled to those on roll in its state-funded primary schools; its journeys are straight lines. Nobody's admissions rules
are in it, so Kent's designs measure the designer, not Kent.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import Delaunay

from geoplan.briefs import DesignProblem, Limits
from geoplan.catchments import CatchmentPlan, graph_of
from geoplan.contiguity import Cut, main_pieces, pieces
from geoplan.designs import Design, design, trade_off
from geoplan.distances import straight_line_table_m
from geoplan.formulation import formulate, measure_plan
from geoplan.programme import Rows, worth
from geoplan.trade_offs import solves_needed, trade_surface

_FULL = 0.92  # of places, as in the whole county
NEAR = 0.02  # the gap whose time the picture of growth shows
SIZES = (("lsoa21", (50, 100, 200, 400, 800, 1107)), ("oa11", (250, 500, 1000, 2000, 4000, 5475)))
DOCS = Path(__file__).parents[1] / "docs"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def brighton(shared: Path = SHARED) -> DesignProblem:
    """The inputs of the open design model, scenario now_210."""
    folder = shared / "brighton_hove" / "admissions_and_catchments" / "bh_school_model"
    zones = pd.read_csv(folder / "design_zones.csv").set_index("zone")
    schools = pd.read_csv(folder / "inputs_schools.csv").dropna(subset="catchment")
    places = schools["pan2026"].where(schools["short"] != "longhill", 210).groupby(schools["catchment"]).sum()
    costs = pd.read_csv(folder / "inputs_costs_now.csv").merge(schools[["name", "catchment"]], on="name")
    travel = costs.groupby(["zone", "catchment"])["cij"].min().unstack()
    today = pd.read_csv(folder / "zones.csv").drop_duplicates("zone").set_index("zone")["catch_optionZ"]
    deprived = pd.read_csv(folder / "deprivation_zones.csv").dropna(subset="idaci_score")
    deprived = deprived.drop_duplicates("zone").set_index("zone")["deprived"].astype(bool)
    counted = zones["Oi"].reindex(deprived.index)
    return DesignProblem(
        children=zones["Oi"].to_frame("2026"),
        places=places,
        travel=travel,
        neighbours=triangulated(zones["zone_e"], zones["zone_n"]),
        kind="zone",
        mix=pd.DataFrame({"group": counted * deprived, "counted": counted}),
        today=CatchmentPlan("Today", "zone", today.reindex(zones.index)),
    )


def triangulated(easting: pd.Series, northing: pd.Series) -> pd.DataFrame:
    """The published neighbours: a triangulation without edges over 2.5 km and the longest quarter."""
    points = np.c_[easting, northing]
    corners = Delaunay(points).simplices
    pairs = np.unique(np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0)
    length = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    kept = pairs[length <= max(2_500, np.quantile(length, 0.75))]
    codes = easting.index.to_numpy()
    return pd.DataFrame({"a": codes[kept[:, 0]], "b": codes[kept[:, 1]]})


def county(kind: str, shared: Path = SHARED, part: int | None = None) -> DesignProblem:
    """Kent and Medway's primary schools and LSOAs or output areas; the ``part`` nearest to Maidstone of them."""
    import geopandas as gpd

    from geoplan.areas import Boundaries
    from geoplan.sources import Source

    folder = shared / "kent_medway"
    frame = gpd.read_file(folder / "boundaries.gpkg", layer=kind).to_crs(27700)
    frame = frame.set_index(next(c for c in frame.columns if c.upper().startswith(kind.upper()) and "CD" in c.upper()))
    frame = frame.assign(geometry=frame.geometry.make_valid(), name=frame.index)[["name", "geometry"]]
    children = primary_children(kind, folder).reindex(frame.index).fillna(0.0)
    schools = primary_schools(folder)
    centre = frame.geometry.representative_point()
    if part is not None:
        near = np.hypot(centre.x - 576_000, centre.y - 156_000).sort_values().index
        radius = np.hypot(centre.x - 576_000, centre.y - 156_000)[near[part - 1]] if part < len(near) else np.inf
        frame, centre, children = frame.loc[near[:part]], centre[near[:part]], children[near[:part]]
        schools = schools[np.hypot(schools["easting"] - 576_000, schools["northing"] - 156_000) <= radius]
    places = schools["places"]
    if part is None:
        children = children * (schools["roll"].sum() / children.sum())  # some go to independent schools, say
    else:
        children = children * (_FULL * places.sum() / children.sum())
    metres = straight_line_table_m(centre.x, centre.y, schools["easting"], schools["northing"])
    return DesignProblem(
        children=children.to_frame("mid-2020"),
        places=places,
        travel=pd.DataFrame(metres, index=frame.index, columns=schools.index),
        neighbours=bridged(Boundaries(kind, frame, Source("Kent and Medway")).neighbours(), centre),
        kind=kind,
        unit="metres",
    )


def naive(problem: DesignProblem, limits: Limits, gap: float, seconds: float) -> tuple[float, float, int]:
    """The peer measured elsewhere: HiGHS on the whole problem, restarted with cuts for the pieces of each answer.

    Returns
    -------
    value, seconds, rounds
        Infinite where time ran out before an answer was in one piece.
    """
    programme = formulate(problem, limits, {"travel": 1.0}).programme
    rows, began, rounds = Rows(programme), time.monotonic(), 0
    every = np.ones(rows.count, dtype=bool)
    while time.monotonic() - began < seconds:
        answer = rows.whole(every, np.inf, gap, seconds - (time.monotonic() - began))
        rounds += 1
        if answer.x is None:
            break
        labels = rows.shares(answer.x).argmax(axis=1)
        cuts = whole_cuts(programme, labels)
        if not cuts:
            return float(answer.fun), time.monotonic() - began, rounds
        rows.add(cuts)
    return np.inf, time.monotonic() - began, rounds


def whole_cuts(programme, labels: np.ndarray) -> list[Cut]:
    """For each stray piece: if its first area and the main piece's both belong, some area around the piece does."""
    graph = programme.graph
    main = main_pieces(graph, labels, np.ones(len(labels)))
    piece = pieces(graph, labels)
    cuts = []
    for stray in np.unique(piece[~main]):
        inside = np.flatnonzero(piece == stray)
        school = int(labels[inside[0]])
        around = np.setdiff1d(np.concatenate([graph.of(int(area)) for area in inside]), inside)
        between = tuple(int(area) for area in around if programme.allowed[area, school])
        root = int(np.flatnonzero(main & (labels == school))[0])
        cuts += [Cut(school, root, int(area), between) for area in inside]
    return cuts


def by_cp_sat(problem: DesignProblem, limits: Limits, gap: float, seconds: float) -> tuple[float, float, int] | None:
    """CP-SAT on the same problem, restarted with a hint and the same cuts; None where OR-Tools is not installed."""
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        return None
    programme = formulate(problem, limits, {"travel": 1.0}).programme
    began, rounds, scale = time.monotonic(), 0, 1_000_000
    model = cp_model.CpModel()
    areas, schools = programme.shape
    x = {(a, s): model.new_bool_var("") for a, s in zip(*np.nonzero(programme.allowed), strict=True)}
    for a in range(areas):
        model.add_exactly_one(x[a, s] for s in range(schools) if (a, s) in x)
    load = np.round(programme.load * 1000).astype(int)
    for year in range(len(load)):
        for s in range(schools):
            children = sum(int(load[year, a]) * x[a, s] for a in range(areas) if (a, s) in x)
            model.add(children <= int(np.floor(programme.high[year, s] * 1000)))
            model.add(children >= int(np.ceil(programme.low[year, s] * 1000)))
    model.minimize(sum(round(programme.cost[a, s] * scale) * var for (a, s), var in x.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.relative_gap_limit = 2, gap
    while time.monotonic() - began < seconds:
        solver.parameters.max_time_in_seconds = seconds - (time.monotonic() - began)
        status = solver.solve(model)
        rounds += 1
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            break
        labels = np.zeros(areas, dtype=int)
        for (a, s), var in x.items():
            labels[a] = s if solver.value(var) else labels[a]
        cuts = whole_cuts(programme, labels)
        if not cuts:
            return worth(programme, labels).value, time.monotonic() - began, rounds
        model.clear_hints()
        for var in x.values():
            model.add_hint(var, solver.value(var))
        for cut in cuts:
            ends = x[cut.area, cut.school] + x[cut.root, cut.school]
            model.add(ends - sum(x[each, cut.school] for each in cut.between) <= 1)
    return np.inf, time.monotonic() - began, rounds


def contest(within: float, seconds: float = 240.0) -> None:
    """Brighton's least travel, proved to 0.1%: geoplan and its peers on the same inputs in one run."""
    problem, limits, gap = brighton(), Limits(places_within=within, nearest=3), 1e-3
    design(problem, limits=Limits(nearest=3), seconds=5)  # compiles the search
    found = design(problem, limits=limits, gap=gap, seconds=seconds)
    told("geoplan", found)
    for name, peer in (("HiGHS, naive cuts", naive), ("CP-SAT, naive cuts", by_cp_sat)):
        answer = peer(problem, limits, gap, seconds)
        if answer is None:
            print(f"{name:28} not installed")
            continue
        value, took, rounds = answer
        end = " (not finished)" if np.isinf(value) else ""
        ratio = took / found.seconds
        print(f"{name:28} {value:.4f} after {took:.1f} s, {rounds} {ratio:.1f} times geoplan's time{end}", flush=True)


def primary_schools(folder: Path) -> pd.DataFrame:
    """State-funded primary schools with their places and rolls; an infant school counts with its nearest junior."""
    schools = pd.read_csv(folder / "schools_gias_2022-04.csv", encoding="cp1252", low_memory=False)
    schools = schools[
        (schools["school_status"] == "Open")
        & (schools["phase_type"] == "Primary")
        & (schools["school_capacity"] > 0)
        & schools["easting"].notna()
        & ~schools["establishment_type"].str.contains("independent|special", case=False)
    ].drop_duplicates("urn")
    schools = schools.set_index(schools["urn"].astype(int).astype(str))
    schools = schools.rename(columns={"school_capacity": "places", "number_of_pupils": "roll"})
    low, high = schools["statutory_low_age"], schools["statutory_high_age"]
    infant, junior = schools[(low <= 5) & (high < 10)], schools[low >= 7]
    table = schools.loc[schools.index.difference(infant.index), ["easting", "northing", "places", "roll"]].astype(float)
    apart = straight_line_table_m(infant["easting"], infant["northing"], junior["easting"], junior["northing"])
    nearest = junior.index[apart.argmin(axis=1)]
    for name in ("places", "roll"):
        table[name] = table[name].add(infant[name].groupby(nearest).sum(), fill_value=0)
    return table


def primary_children(kind: str, folder: Path) -> pd.Series:
    """Residents aged 4 to 10 (reception to year 6) in mid-2020, by LSOA of 2021 or output area of 2011.

    The ONS estimates are by LSOA of 2011. Where an area is a part of one, it has the part of its children that it
    has of those under 16 in the census of 2021 (everyone less those aged 16 and over).
    """
    ages = pd.read_csv(folder / "population_mid2020_single_year_lsoa11.csv.gz").set_index("lsoa11_code")
    counted = ages[[str(age) for age in range(4, 11)]].sum(axis=1).astype(float)
    census = pd.read_csv(folder / "census2021_oa.csv.gz", usecols=["OA", "ts0010001", "ts0620001"]).set_index("OA")
    young = (census["ts0010001"] - census["ts0620001"]).clip(lower=0).astype(float)
    postcodes = pd.read_csv(folder / "postcodes.csv.gz", usecols=["oa11cd", "lsoa11cd"]).dropna().drop_duplicates()
    if kind == "lsoa21":
        parts = pd.read_csv(folder / "lsoa11_to_lsoa21.csv")[["lsoa11_code", "lsoa21_code"]].drop_duplicates()
        by_age = pd.read_csv(folder / "census21_age_groups_lsoa21.csv").set_index("lsoa21_code")
        young = by_age["Aged 15 years and under"].astype(float)
        parts.columns = ["whole", "part"]
    else:
        parts = postcodes.drop_duplicates("oa11cd")[["lsoa11cd", "oa11cd"]]
        parts.columns = ["whole", "part"]
    weight = parts["part"].map(young).fillna(young.mean())
    share = weight / weight.groupby(parts["whole"]).transform("sum")
    return (parts["whole"].map(counted).fillna(0.0) * share).groupby(parts["part"]).sum()


def bridged(neighbours: pd.DataFrame, centre) -> pd.DataFrame:
    """Neighbours with one more pair for each part of the map that no edge joins to the largest: the nearest centres."""
    codes = centre.index
    while True:
        part = pieces(graph_of(codes, neighbours), np.zeros(len(codes), dtype=int))
        main = part == np.bincount(part).argmax()
        if main.all():
            return neighbours
        away = np.flatnonzero(part == part[~main][0])
        near = straight_line_table_m(centre.x.iloc[away], centre.y.iloc[away], centre.x[main], centre.y[main])
        row, column = np.unravel_index(near.argmin(), near.shape)
        pair = pd.DataFrame({"a": [codes[away[row]]], "b": [codes[main][column]]})
        neighbours = pd.concat([neighbours, pair], ignore_index=True)


#: What the county is asked for. LSOAs are larger than many a school, so a school may be far over its places there.
COUNTY = {
    "lsoa21": Limits(nearest=12, full_at_most=1.5),
    "oa11": Limits(nearest=12, full_at_most=1.1),
}


def told(name: str, found: Design) -> None:
    """One line for one design."""
    extra = {key: round(value, 4) for key, value in found.measured.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:28} {found.status:10} {found.seconds:7.2f} s  {found.summary()}  rounds {found.rounds}  "
        f"cuts {found.cuts}  peak {peak:,.0f} MB  {extra}",
        flush=True,
    )


def grown(seconds: float) -> None:
    """Parts of the county of growing size: a line for each, and the picture and its table in docs."""
    rows = []
    for kind, sizes in SIZES:
        for size in sizes:
            problem = county(kind, part=size)
            found = design(problem, limits=COUNTY[kind], seconds=seconds)
            told(f"{kind} {size} x {len(problem.schools)}", found)
            within = [at for at, value, _ in found.history if np.isfinite(value)]
            near = [at for at, value, _ in found.history if value - found.bound <= NEAR * min(value, 1e12)]
            rows.append(
                {
                    "kind": kind,
                    "areas": size,
                    "schools": len(problem.schools),
                    "first_plan_s": within[0] if within else np.nan,
                    "near_s": near[0] if near else np.nan,
                    "gap_percent": 100 * found.gap,
                    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            )
    table = pd.DataFrame(rows).round(2)
    table.to_csv(DOCS / "designs-growth.csv", index=False)
    (DOCS / "designs-growth.svg").write_text(growth_svg(table, seconds), encoding="utf-8")


def growth_svg(table: pd.DataFrame, seconds: float) -> str:
    """The picture of growth: seconds until a plan is proved to be near the best, by the number of areas; both log."""
    wide, high, left, low, top = 720, 420, 90, 70, 40
    x0, x1, y0, y1 = np.log10(40), np.log10(7000), np.log10(0.05), np.log10(max(seconds, 60) * 1.3)

    def x(value: float) -> float:
        return left + (wide - left - 30) * (np.log10(value) - x0) / (x1 - x0)

    def y(value: float) -> float:
        return high - low - (high - low - top) * (np.log10(max(value, 0.05)) - y0) / (y1 - y0)

    parts = [f'<path d="M{left} {top}V{high - low}H{wide - 30}" fill="none" stroke="#0B0C0C"/>']
    for tick in (50, 100, 200, 500, 1000, 2000, 5000):
        parts.append(f'<text x="{x(tick):.0f}" y="{high - low + 20}" text-anchor="middle">{tick:,}</text>')
    for tick in (0.1, 1, 10, 60):
        parts.append(f'<text x="{left - 8}" y="{y(tick) + 4:.0f}" text-anchor="end">{tick:g}</text>')
        parts.append(f'<line x1="{left}" y1="{y(tick):.0f}" x2="{wide - 30}" y2="{y(tick):.0f}" stroke="#D9D9D9"/>')
    for kind, colour, dash, name in (
        ("lsoa21", "#12436D", "", "LSOAs, no school over 150% full"),
        ("oa11", "#801650", "6 3", "output areas, no school over 110% full"),
    ):
        own = table[table["kind"] == kind]
        done = own.dropna(subset="near_s")
        line = "L".join(f"{x(r.areas):.1f} {y(r.near_s):.1f}" for r in done.itertuples())
        if line:
            parts.append(
                f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            )
        for row in own.itertuples():
            reached = np.isfinite(row.near_s)
            at = y(row.near_s if reached else seconds)
            fill = colour if reached else "#FFFFFF"
            parts.append(f'<circle cx="{x(row.areas):.1f}" cy="{at:.1f}" r="5" fill="{fill}" stroke="{colour}"/>')
        row_y = high - low - 50 + 20 * (kind == "oa11")  # low on the right, where no point comes
        parts.append(
            f'<line x1="{left + 300}" y1="{row_y}" x2="{left + 340}" y2="{row_y}" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/><text x="{left + 348}" y="{row_y + 4}">{name}</text>'
        )
    parts.append(f'<text x="{(left + wide - 30) / 2}" y="{high - 22}" text-anchor="middle">areas (log scale)</text>')
    parts.append(
        f'<text transform="translate(24 {(top + high - low) / 2}) rotate(-90)" text-anchor="middle">'
        f"seconds to a gap of {100 * NEAR:g}% (log scale)</text>"
    )
    words = (
        f"Seconds until the designer had a plan that its bound after {seconds:g} seconds proves to be within "
        f"{100 * NEAR:g}% of the best, by the number of areas, for parts of Kent and Medway. A white point had not "
        "come so near. The figures are in designs-growth.csv."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'height="{high}" font-family="Arial, sans-serif" font-size="13" fill="#0B0C0C"><title>{words}</title>'
        f'<rect width="{wide}" height="{high}" fill="#FFFFFF"/>{"".join(parts)}</svg>\n'
    )


def main(words: list[str]) -> None:
    """Run one of the benchmarks named in the module's text."""
    if words[:1] == ["brighton"]:
        problem = brighton()
        print("today", measure_plan(problem, problem.today))
        design(problem, limits=Limits(nearest=3), seconds=5)  # compiles the search, as the first run on a machine does
        for within in (0.03, 0.05):
            limits = Limits(places_within=within, nearest=3)
            for objective in ("travel", "moved", "gorard"):
                told(f"{objective} +-{within:.0%}", design(problem, objective, limits, seconds=120))
        table, _ = trade_off(problem, "gorard", Limits(places_within=0.05, nearest=3), seconds=60)
        print(table.to_string())
    elif words[:1] == ["trade-off"]:
        steps, each = int(words[1]), float(words[2])
        measures = ("travel", "gorard", "moved")
        limits, seconds = Limits(places_within=0.05, nearest=3), each * solves_needed(measures, steps)
        found = trade_surface(brighton(), measures, limits, steps=steps, seconds=seconds)
        print(found.points[[*measures, "bound", "gap"]].to_string())
        print(f"{found.seconds:.0f} s, {found.solves} solves: {found.summary()}")
    elif words[:1] == ["contest"]:
        contest(float(words[1]))
    elif words[:1] == ["county"]:
        began = time.monotonic()
        problem = county(words[1])
        print(problem, f"read in {time.monotonic() - began:.1f} s")
        found = design(problem, limits=COUNTY[words[1]], seconds=float(words[2]))
        for entry in found.history:
            print("   {:.1f} s  best {:.3f}  bound {:.3f}".format(*entry))
        told(f"county {words[1]}", found)
    elif words[:1] == ["growth"]:
        grown(float(words[1]))
    else:
        print(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
