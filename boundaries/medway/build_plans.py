"""Catchments of the invented secondary schools: today's, and two options to compare with them."""

from __future__ import annotations

import heapq

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from build_common import MEDWAY

Edges = dict[int, list[int]]
Plan = dict[int, str]  # number of the area: URN of the school


def neighbours(shapes: np.ndarray) -> Edges:
    """For each area, those it shares an edge with (a corner is not enough)."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="touches")
    shared = shapely.length(shapely.intersection(shapes[left], shapes[right]))
    found: Edges = {i: [] for i in range(len(shapes))}
    for a, b, metres in zip(left, right, shared, strict=True):
        if metres > 1:
            found[int(a)].append(int(b))
    return found


def grow(xy: np.ndarray, edges: Edges, owner: Plan) -> Plan:
    """Give every area to the owner met first when walking from area to area: catchments stay in one piece."""
    done: Plan = {}
    queue = [(0.0, area, school) for area, school in sorted(owner.items())]
    heapq.heapify(queue)
    while queue:
        metres, area, school = heapq.heappop(queue)
        if area in done:
            continue
        done[area] = school
        for other in edges[area]:
            if other not in done:
                heapq.heappush(queue, (metres + float(np.hypot(*(xy[area] - xy[other]))), other, school))
    return done


def in_one_piece(areas: set[int], edges: Edges, start: int) -> bool:
    """Whether every area can be reached from `start` without leaving the set."""
    seen, todo = {start}, [start]
    while todo:
        for other in edges[todo.pop()]:
            if other in areas and other not in seen:
                seen.add(other)
                todo.append(other)
    return seen == areas


def make_plans(
    lsoas: gpd.GeoDataFrame, schools: pd.DataFrame, enrolled: pd.DataFrame, homes: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], dict]:
    """Catchments today, option A (up to six edge areas change) and option B (one school closes)."""
    codes = lsoas["lsoa11cd"].tolist()
    edges = neighbours(lsoas.geometry.values)
    xy = middles(homes[homes["ladcd"] == MEDWAY], codes)
    table = schools[(schools["phase"] == "Secondary") & (schools["selective"] == "no")].set_index("urn")
    seats = {urn: codes.index(code) for urn, code in table["lsoa11"].items()}
    today = grow(xy, edges, {area: urn for urn, area in seats.items()})
    if len(today) != len(codes) or len(set(seats.values())) != len(table):
        raise ValueError("an area has no way to a school, or two schools share an area")

    children = enrolled[enrolled["stage"].between(7, 11)]
    lives = pd.Series(homes["lsoa11cd"].to_numpy()[children["home"]])
    living = lives.value_counts().reindex(codes).fillna(0).to_numpy()
    option_a, moves = dict(today), []
    for _ in range(6):
        move = best_move(option_a, moves, edges, xy, living, table, seats)
        if move is None:
            break
        option_a[move[0]] = move[2]
        moves.append(move)
    closing = enrolled.groupby("urn").size().reindex(table.index).idxmin()
    kept = {area: urn for area, urn in today.items() if urn != closing}
    option_b = grow(xy, edges, kept) | kept  # only the closing school's areas change hands

    plans = {
        name: pd.DataFrame({"lsoa11": codes, "school": [plan[i] for i in range(len(codes))]})
        for name, plan in (("today", today), ("option_a", option_a), ("option_b", option_b))
    }
    told = [{"lsoa11": codes[area], "from": urn, "to": other} for area, urn, other in moves]
    return plans, {"option_a_moves": told, "option_b_closes": closing}


def middles(homes: pd.DataFrame, codes: list[str]) -> np.ndarray:
    """The middle of each area's children."""
    by_area = homes["lsoa11cd"]
    mass = homes.groupby(by_area)["weight"].sum()
    axes = [
        (homes[axis].astype(float) * homes["weight"]).groupby(by_area).sum() / mass for axis in ("east1m", "north1m")
    ]
    return np.column_stack([axis.reindex(codes) for axis in axes])


def best_move(
    plan: Plan,
    moves: list[tuple[int, str, str]],
    edges: Edges,
    xy: np.ndarray,
    living: np.ndarray,
    table: pd.DataFrame,
    seats: dict[str, int],
) -> tuple[int, str, str] | None:
    """The edge area to move from a fuller catchment to an emptier one next to it: most relief for least distance.

    No school loses its own area or more than three, and every catchment stays in one piece.
    """
    areas = {urn: {a for a in plan if plan[a] == urn} for urn in table.index}
    load = {urn: living[list(own)].sum() / table.loc[urn, "pan"] for urn, own in areas.items()}
    sites = table[["easting", "northing"]].astype(float)
    metres = {urn: np.hypot(*(xy - sites.loc[urn].to_numpy()).T) for urn in table.index}
    options = []
    for area, urn in plan.items():
        lost = sum(move[1] == urn for move in moves)
        if area in seats.values() or area in {move[0] for move in moves} or lost == 3:
            continue
        if not in_one_piece(areas[urn] - {area}, edges, seats[urn]):
            continue
        for other in {plan[beside] for beside in edges[area]} - {urn}:
            if load[urn] > load[other] * 1.03:
                cost = load[other] - load[urn] + (metres[other][area] - metres[urn][area]) / 1500
                options.append((cost, area, urn, other))
    return min(options)[1:] if options else None
