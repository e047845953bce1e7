"""A drawn town of thirty areas in three plain kinds (flats, terraces, villas), for the tests of clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geoplan.cluster_recipes import AreaStatistics, ClusterRecipe, Variable
from geoplan.sources import Source

NAMES = ("flats", "terraced", "two_cars")
KINDS = {"flats": (80.0, 10.0, 10.0), "terraces": (10.0, 80.0, 40.0), "villas": (2.0, 5.0, 85.0)}
SIZES = {"flats": 8, "terraces": 10, "villas": 12}


def recipe(**changes) -> ClusterRecipe:
    given = {"counts": (3,), "starts": 10} | changes
    return ClusterRecipe(tuple(Variable(n, n.replace("_", " "), (n,), ("homes",)) for n in NAMES), **given)


def town(seed: int = 1) -> AreaStatistics:
    random = np.random.default_rng(seed)
    rows = [np.array(KINDS[kind]) + random.uniform(-2, 2, 3) for kind in KINDS for _ in range(SIZES[kind])]
    codes = [f"E000000{i:02}" for i in range(len(rows))]
    values = pd.DataFrame(rows, index=pd.Index(codes, name="oa21", dtype="str"), columns=list(NAMES))
    return AreaStatistics("oa21", values, Source("The drawn town", file="town.csv"), records=len(rows))


def kinds() -> pd.Series:
    """What each area was drawn as."""
    return pd.Series([kind for kind in KINDS for _ in range(SIZES[kind])], index=town().values.index)


def town_csv() -> str:
    """The town as counts of homes, two hundred an area."""
    rows = ["OA,homes,flats,terraced,two_cars"]
    for code, *row in town().values.itertuples():
        rows.append(f"{code},200," + ",".join(f"{2 * max(v, 0):.3f}" for v in row))
    return "\n".join(rows) + "\n"


RECIPE = """kind = "town21"
what = "statistics"
title = "Counts of the drawn town"
publisher = "geoplan tests"
licence = "none needed"
attribution = "Drawn for tests"
year = 2021
keyed_by = "oa21"
code_shape = "E[0-9]{8}"

[columns]
code = ["OA"]

[clusters]
counts = [3]
starts = 10
""" + "".join(
    f'\n[[clusters.variables]]\nname = "{n}"\nlabel = "{n.replace("_", " ")}"\nnumerator = ["{n}"]\n'
    'denominator = ["homes"]\n'
    for n in NAMES
)
