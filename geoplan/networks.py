"""A network of ways to walk: metres along it from homes to schools.

Points are joined to the network at the nearest place on the nearest way (not at the nearest junction, which in the
country may be a mile off); the straight metres to that place are added to the walk, at both ends. Ways are walked in
both directions. Shortest paths are Dijkstra's, from schools, in chunks, by SciPy.

A network is as good as its file: a footpath that the file lacks makes a walk look longer, never shorter, and what
cannot be reached is said, not given a number. Whether a route is safe is not in it.

References: Dijkstra (1959), Numerische Mathematik 1:269.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from geoplan.errors import ProjectError
from geoplan.sources import Source

FAR_SNAP_M = 250.0
CHUNK = 32
_ROUND_M = 0.001  # two ends closer than a millimetre are one junction


@dataclass(frozen=True, repr=False, eq=False)
class Network:
    """Junctions and the ways between them, in metres on the British National Grid.

    Parameters
    ----------
    easting, northing
        Of each junction.
    start, end
        Junction at each end of each way.
    metres
        Length of each way, never below the straight line between its ends.
    lines
        The shape of each way, from ``start`` to ``end``.
    source
        Where it came from.
    notes
        What was left out and why, in sentences.
    """

    easting: np.ndarray
    northing: np.ndarray
    start: np.ndarray
    end: np.ndarray
    metres: np.ndarray
    lines: np.ndarray
    source: Source
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.easting)

    def __repr__(self) -> str:
        return f"<Network: {len(self):,} junctions, {len(self.metres):,} ways, {self.pieces:,} pieces>"

    @cached_property
    def piece(self) -> np.ndarray:
        """Number of the piece of each junction; 0 is the largest."""
        _, label = connected_components(_matrix(self.start, self.end, self.metres, len(self)), directed=False)
        rank = np.argsort(-np.bincount(label, minlength=1), kind="stable")
        return np.argsort(rank, kind="stable")[label]

    @property
    def pieces(self) -> int:
        """How many pieces there are; between two of them nobody can walk."""
        return int(self.piece.max()) + 1 if len(self) else 0

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    def largest_piece(self) -> Network:
        """The network without its small pieces, which are mostly ways that the file fails to join."""
        keep = self.piece[self.start] == 0
        if keep.all():
            return self
        used = np.unique(np.concatenate([self.start[keep], self.end[keep]]))
        at = np.searchsorted(used, [self.start[keep], self.end[keep]])
        note = (
            f"{self.pieces - 1:,} small pieces that join nothing ({int((~keep).sum()):,} of {len(keep):,} ways) were "
            "left out."
        )
        return replace(
            self, easting=self.easting[used], northing=self.northing[used], start=at[0], end=at[1],
            metres=self.metres[keep], lines=self.lines[keep], notes=(*self.notes, note),
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class Snapped:
    """Where points join the network.

    Parameters
    ----------
    way
        The nearest way of each point.
    to_start, to_end
        Metres along it to its ends.
    off_m
        Straight metres from the point to the way.
    """

    way: np.ndarray
    to_start: np.ndarray
    to_end: np.ndarray
    off_m: np.ndarray

    def __len__(self) -> int:
        return len(self.way)


@dataclass(frozen=True, repr=False)
class Walks:
    """Metres on foot from points to schools.

    Parameters
    ----------
    metres
        Points x schools; NaN where no way leads, or none within the limit asked for.
    points, schools
        How each was joined to the network.
    """

    metres: np.ndarray
    points: Snapped = field(repr=False)
    schools: Snapped = field(repr=False)


def build_network(
    lines: np.ndarray,
    source: Source,
    *,
    metres: np.ndarray | None = None,
    ends_only: bool = False,
    notes: tuple[str, ...] = (),
) -> Network:
    """A network from lines.

    Parameters
    ----------
    lines
        LineStrings in metres (EPSG:27700); several to a shape are taken apart.
    source
        Where they came from.
    metres
        Stated length of each line, where the file has it; a length shorter than the shape is replaced by the shape's.
        Only with ``ends_only``.
    ends_only
        Ways meet at their ends only (a file that is cut at junctions, such as OS Open Roads: a bridge does not meet the
        road below). Otherwise they meet wherever two lines share a vertex, as OpenStreetMap's do.
    notes
        What a reader should know.

    Examples
    --------
    >>> lines = np.array([shapely.LineString([[0, 0], [100, 0], [200, 0]]), shapely.LineString([[100, 0], [100, 50]])])
    >>> network = build_network(lines, Source("two drawn ways"))
    >>> network
    <Network: 4 junctions, 3 ways, 1 pieces>
    >>> float(walking_m(network, [[0, 10]], [[100, 50]]).metres[0, 0])
    160.0
    """
    parts, of = shapely.get_parts(np.asarray(lines, dtype=object), return_index=True)
    good = shapely.get_num_coordinates(parts) >= 2
    parts, of = parts[good], of[good]
    if not len(parts):
        raise ProjectError("a network needs at least one line of two points")
    stated = None
    if ends_only:
        length = shapely.length(parts)
        stated = length
        if metres is not None:
            given = np.asarray(metres, dtype=float)[of]
            single = np.bincount(of, minlength=len(lines))[of] == 1
            stated = np.where(single & np.isfinite(given) & (given > length), given, length)
        pieces = parts
    else:
        pieces = _cut_at_junctions(parts)
        stated = shapely.length(pieces)
    xy = np.concatenate([shapely.get_coordinates(shapely.get_point(pieces, at)) for at in (0, -1)])
    key = np.round(xy / _ROUND_M).astype(np.int64)
    _, first, node = np.unique(key, axis=0, return_index=True, return_inverse=True)
    node = node.reshape(-1)
    start, end = node[: len(pieces)], node[len(pieces) :]
    return Network(xy[first, 0], xy[first, 1], start, end, stated, pieces, source, notes)


def snap(network: Network, points: np.ndarray) -> Snapped:
    """Join points (rows of easting, northing) to the network, at the nearest place on the nearest way."""
    points = np.asarray(points, dtype=float).reshape(-1, 2)
    places = shapely.points(points)
    found = network._tree.nearest(places)
    line = network.lines[found]
    share = shapely.line_locate_point(line, places, normalized=True)
    share = np.where(np.isfinite(share), share, 0.0)
    length = network.metres[found]
    return Snapped(found, share * length, (1 - share) * length, shapely.distance(line, places))


def walking_m(
    network: Network,
    points: np.ndarray,
    schools: np.ndarray,
    limit_m: float = np.inf,
    chunk: int = CHUNK,
) -> Walks:
    """Metres on foot from every point to every school.

    Parameters
    ----------
    network
        The ways.
    points, schools
        Rows of easting and northing.
    limit_m
        Do not look further than this; what is beyond it is NaN.
    chunk
        Schools at a time: memory is ``chunk`` x junctions.

    Returns
    -------
    Walks
    """
    home, school = snap(network, points), snap(network, schools)
    size = len(network)
    own = size + np.arange(len(school))  # each school is a junction of its own, part-way along its way
    start = np.concatenate([network.start, network.start[school.way], own])
    end = np.concatenate([network.end, own, network.end[school.way]])
    metres = np.concatenate([network.metres, school.to_start, school.to_end])
    matrix = _matrix(start, end, metres, size + len(school))
    answer = np.empty((len(home), len(school)))
    first, second = network.start[home.way], network.end[home.way]
    for low in range(0, len(school), chunk):
        part = slice(low, min(low + chunk, len(school)))
        far = dijkstra(matrix, directed=False, indices=own[part], limit=limit_m)[:, :size]
        answer[:, part] = np.minimum(far[:, first].T + home.to_start[:, None], far[:, second].T + home.to_end[:, None])
    same = home.way[:, None] == school.way[None, :]
    if same.any():  # a walk along one way need not go by its ends
        row, column = np.nonzero(same)
        answer[row, column] = np.minimum(answer[row, column], np.abs(home.to_start[row] - school.to_start[column]))
    answer += home.off_m[:, None] + school.off_m[None, :]
    answer[~np.isfinite(answer) | (answer > limit_m)] = np.nan
    return Walks(answer, home, school)


def _cut_at_junctions(lines: np.ndarray) -> np.ndarray:
    """Lines cut wherever a vertex is an end, or is shared by two lines (or met twice by one)."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    key = np.round(xy / _ROUND_M).astype(np.int64)
    repeat = np.r_[False, (key[1:] == key[:-1]).all(axis=1) & (of[1:] == of[:-1])]
    xy, of, key = xy[~repeat], of[~repeat], key[~repeat]
    node = np.unique(key, axis=0, return_inverse=True)[1].reshape(-1)
    ends = np.r_[True, of[1:] != of[:-1]] | np.r_[of[1:] != of[:-1], True]
    meets = np.zeros(node.max() + 1, dtype=bool)
    meets[np.bincount(node) > 1] = True
    meets[node[ends]] = True
    at = np.flatnonzero(meets[node])
    low, high = at[:-1], at[1:]
    inside = of[low] == of[high]
    low, high = low[inside], high[inside]
    take = np.concatenate([np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]) if len(low) else []
    piece = np.repeat(np.arange(len(low)), high - low + 1)
    return shapely.linestrings(xy[np.asarray(take, dtype=int)], indices=piece)


def _matrix(start: np.ndarray, end: np.ndarray, metres: np.ndarray, size: int) -> sparse.csr_array:
    """Junctions x junctions, the shortest way of several between the same two; a way of no length is kept."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((metres, high, low))
    low, high, metres = low[order], high[order], metres[order]
    first = np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])] & (low != high)
    length = np.maximum(metres[first], 1e-9)
    return sparse.csr_array((length, (low[first], high[first])), shape=(size, size))


def table_of_snaps(walks: Walks, far_m: float = FAR_SNAP_M) -> pd.DataFrame:
    """How far points and schools are from the network: how many, the median, the furthest, and how many are far.

    Returns
    -------
    DataFrame
        Two rows, ``points`` and ``schools``: ``count``, ``median_m``, ``most_m``, ``far`` (further than ``far_m``).
    """
    rows = {}
    for name, snapped in (("points", walks.points), ("schools", walks.schools)):
        off = snapped.off_m
        some = len(off) > 0
        rows[name] = {
            "count": len(off),
            "median_m": float(np.median(off)) if some else 0.0,
            "most_m": float(off.max()) if some else 0.0,
            "far": int((off > far_m).sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")
