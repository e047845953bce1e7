"""Ways to school: 100 schools x 15,000 places on a real walking network, against networkx; and a county's closures.

Reads ../shared/data/road_newport and ../shared/data/kent_medway, or the folder of both named. Processor time.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from county import invented

SCHOOLS, PLACES, SAMPLE = 100, 15_000, 5


def main(folder: Path) -> None:
    import networkx as nx

    import geoplan as gp
    from geoplan.access import CLOSEST_FIRST, LEAST_TOTAL, Reorganisation, closure_screen, reorganise
    from geoplan.io.travel import read_network
    from geoplan.networks import walking_m
    from geoplan.travel import by_straight_line, entitlement, points_of, suitable

    clock = time.process_time()

    def step(name: str, answer: object = "") -> float:
        nonlocal clock
        now = time.process_time()
        took, clock = now - clock, now
        print(f"{name:<44}{took:>8.2f} s  {answer}")
        return took

    network = read_network(folder / "road_newport" / "newport_edges_27700.parquet", walking=False)
    step("read and build the network", network)
    rng = np.random.default_rng(1)
    xy = np.column_stack([network.easting, network.northing])
    places = xy[rng.integers(0, len(xy), PLACES)] + rng.normal(0, 20, (PLACES, 2))
    schools = xy[rng.integers(0, len(xy), SCHOOLS)]
    walking_m(network, places[:10], schools[:2])  # the tree of ways is built once
    step("the tree of ways")
    found = walking_m(network, places, schools)
    ours = step(f"{SCHOOLS} schools x {PLACES:,} places", f"{np.isnan(found.metres).mean():.1%} cannot be reached")
    walking_m(network, xy, schools)
    nodes = step(f"{SCHOOLS} schools x {len(xy):,} junctions")
    graph = nx.Graph()
    for start, end, metres in zip(network.start, network.end, network.metres, strict=True):
        graph.add_edge(int(start), int(end), metres=float(metres))
    step("networkx: the graph")
    ends = rng.integers(0, len(xy), SAMPLE)
    for end in ends:
        nx.single_source_dijkstra_path_length(graph, int(end), weight="metres")
    peer = step(f"networkx: {SAMPLE} schools") * SCHOOLS / SAMPLE
    print(f"networkx takes {peer / nodes:.0f} times as long, {peer / ours:.0f} times with the snapping\n")

    directory = gp.read_postcodes(folder / "kent_medway" / "postcodes.csv.gz")
    frame, pupils = invented(directory.table)
    frame = frame.set_index("urn")
    at_home = directory.table.set_index("postcode")[["easting", "northing"]]
    keys = pupils["postcode"].str.replace(" ", "").str.upper()
    pupils = pupils.assign(**{name: at_home[name].reindex(keys).to_numpy() for name in at_home})
    pupils["year_group"] = rng.choice(["R", *"123456"], len(pupils))
    roll = pupils["school"].value_counts().reindex(frame.index, fill_value=0)
    frame["places"] = (roll * 1.12).round()
    step("a county", f"{len(pupils):,} pupils, {len(frame):,} schools")
    spots, at = points_of(pupils)
    travel = by_straight_line(spots, frame)
    step("straight lines", travel)
    can = suitable(frame, pupils["year_group"])
    entitlement(pupils, at, travel, can, pd.Timestamp("2026-11-29").date())
    step("limits of free travel, every pupil")
    closing = roll.index[:3]
    for rule in (LEAST_TOTAL, CLOSEST_FIRST):
        option = Reorganisation("three close", close=tuple(closing))
        one = reorganise(pupils, frame, option, travel, at, rule=rule)
        step(f"three schools close, {rule}", f"{len(one.pupils):,} pupils, {one.nowhere:,} with no room")
    small = roll.sort_values().index[:20]
    closure_screen(pupils, frame, small, travel, at)
    step("twenty schools closed one by one")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data"))
