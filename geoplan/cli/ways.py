"""What the commands about ways to school share: how ways are measured, as options, and the measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NetworkOption = Annotated[
    Path | None,
    typer.Option("--network", help="Ways to walk: OS Open Roads, an OpenStreetMap extract, or any layer of lines."),
]
LayerOption = Annotated[str, typer.Option("--layer", help="The layer of --network, where there are several.")]
PieceOption = Annotated[
    bool, typer.Option("--main-piece", help="Use only the largest piece of the network; small ones join nothing.")
]
MatrixOption = Annotated[
    Path | None,
    typer.Option("--matrix", help="Your own distances: postcode or area, school, and metres or minutes."),
]
WalkedOption = Annotated[
    bool, typer.Option("--matrix-is-walked", help="The matrix has the shortest safe walk, in metres.")
]
RoundOption = Annotated[
    float, typer.Option("--round-to-m", min=0.0, help="Round straight lines to this (1.609344: 0.001 mile).")
]
PointsOption = Annotated[
    str, typer.Option("--school-point", help="What the schools' grid references are, in words, to be printed.")
]


def ways_of(people, schools, *, network=None, layer="", main_piece=False, matrix=None, walked=False, round_to_m=0.0,
            school_point=""):  # fmt: skip
    """The ways from where people live to schools, and the row of each person; -1 where the home is not known.

    Parameters
    ----------
    people
        The rows of an assignment that count.
    schools
        The schools' frame.
    network, layer, main_piece, matrix, walked, round_to_m, school_point
        The options above; straight lines where neither a network nor a matrix is given.
    """
    import pandas as pd

    from geoplan.travel import SCHOOL, by_matrix, by_network, by_straight_line, points_of

    if network is not None and matrix is not None:
        raise typer.BadParameter("give a network or a matrix, not both", param_hint="--network")
    if matrix is not None:
        from geoplan.io.travel import POSTCODE, read_travel

        table, unit, kind, source = read_travel(matrix)
        keys = _keys(people, kind, table, matrix)
        codes = pd.Index(sorted(set(keys.dropna())))
        at = codes.get_indexer(keys.where(keys.notna(), None))
        travel = by_matrix(table, codes, pd.Index(schools.index.astype("str")), unit, source, route=walked)
        if kind != POSTCODE and walked:
            raise typer.BadParameter(f"a walk from a {kind} is not a pupil's walk", param_hint="--matrix-is-walked")
        return travel, at
    places, at = points_of(people)
    if network is not None:
        from geoplan.io.travel import read_network

        ways = read_network(network, layer or None)
        return by_network(places, schools, ways.largest_piece() if main_piece else ways), at
    points = ("the home's postcode", school_point or SCHOOL)
    return by_straight_line(places, schools, points=points, round_to_m=round_to_m), at


def _keys(people, kind: str, table, matrix: Path):
    """The place of each person as the matrix calls it."""
    from geoplan.io.travel import POSTCODE

    if not kind:  # the header does not say: the column whose values the matrix has
        known = set(table["place"])
        fits = [name for name in people.columns if str(people[name].dtype) in ("category", "str", "object")]
        fits = [name for name in fits if set(people[name].dropna().astype("str").head(2000)) & known]
        kind = next((name for name in fits if name != "school"), POSTCODE)
    if kind == POSTCODE:
        return people["postcode"].astype("object").str.upper().str.replace(" ", "", regex=False).replace("", None)
    if kind not in people:
        kinds = [name for name in people.columns if str(people[name].dtype) == "category"]
        raise typer.BadParameter(
            f"{matrix.name} is by {kind}; pupils have {', '.join(kinds) or 'no areas'}", param_hint="--matrix"
        )
    return people[kind].astype("object").where(people[kind].notna(), None)


def in_unit(words: str, unit: str) -> float:
    """``2 miles``, ``3 km``, ``3000 m`` or ``45 minutes`` in the unit of the travel.

    Examples
    --------
    >>> in_unit("2 miles", "m"), in_unit("45 minutes", "minutes")
    (3218.688, 45.0)
    """
    from geoplan.distances import METRES_PER

    number, _, name = words.strip().partition(" ")
    scale = {"m": 1.0, "metres": 1.0, "mile": METRES_PER["miles"], **METRES_PER, "minutes": 1.0, "min": 1.0}
    is_time = name in ("minutes", "min")
    try:
        value = float(number) * scale[name]
    except (ValueError, KeyError):
        raise typer.BadParameter(
            f"{words!r}: write 2 miles, 3 km, 3000 m or 45 minutes", param_hint="--within"
        ) from None
    if is_time != (unit == "minutes"):
        given = "minutes: give a --matrix of minutes" if is_time else "a distance: the matrix has minutes"
        raise typer.BadParameter(f"{words!r} is {given}", param_hint="--within")
    return value
