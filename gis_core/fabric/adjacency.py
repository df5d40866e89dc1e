"""Which cells touch, along how many metres, and whether a street runs there: read off the shared vertices."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.fabric.coverage import HalfEdges, half_edges
from gis_core.model import AdjacencyGraph

__all__ = ["build_adjacency"]

#: A border lies on a street line where its middle is this close (metres).
ON_STREET_M = 1e-3


def build_adjacency(
    cells: NDArray[np.object_],
    enclosure_ix: NDArray[np.int32],
    lines: NDArray[np.object_],
    rank: NDArray[np.uint8],
) -> AdjacencyGraph:
    """Build the rook contiguity of an exact polygon coverage.

    Parameters
    ----------
    cells : object, shape (n_cells,)
        Edge-matched Polygons, all wound the same way, in projected metres.
    enclosure_ix : int32, shape (n_cells,)
        Only borders between different enclosures can lie on a street.
    lines : object, shape (n_lines,)
        LineStrings of streets and barriers that cut.
    rank : uint8, shape (n_lines,)
        Position of each in `STREET_CLASSES`.

    Returns
    -------
    AdjacencyGraph
        Symmetric, neighbors ascending. Linear in the number of vertices, but for sorting.
    """
    n = len(cells)
    sides = half_edges(cells)
    length = np.hypot(*(sides.end_xy - sides.start_xy).T)
    paired = np.flatnonzero(sides.twin >= 0)
    focal = sides.polygon_ix[paired].astype(np.int64)
    neighbor = sides.polygon_ix[sides.twin[paired]].astype(np.int64)
    real = focal != neighbor
    paired, focal, neighbor = paired[real], focal[real], neighbor[real]
    side_rank = _side_ranks(sides, paired, enclosure_ix[focal] != enclosure_ix[neighbor], lines, rank)
    key, row = np.unique(focal * n + neighbor, return_inverse=True)
    shared = _sum_by(row, length[paired], len(key))
    on_street = _sum_by(row, length[paired] * (side_rank > 0), len(key))
    greatest = _dominant_rank(row, side_rank, length[paired], shared)
    open_ = sides.twin < 0
    points = shapely.point_on_surface(cells)
    return AdjacencyGraph(
        indptr=np.searchsorted(key // n, np.arange(n + 1)).astype(np.int64),
        indices=(key % n).astype(np.int32),
        shared_length_m=shared,
        street_rank=greatest,
        street_length_m=on_street,
        area_m2=shapely.area(cells),
        perimeter_m=_sum_by(sides.polygon_ix, length, n),
        exterior_length_m=_sum_by(sides.polygon_ix[open_], length[open_], n),
        x=shapely.get_x(points),
        y=shapely.get_y(points),
    )


def _sum_by(row: NDArray[np.integer], value: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.bincount(row, weights=value, minlength=n).astype(np.float64, copy=False)


def _side_ranks(
    sides: HalfEdges,
    paired: NDArray[np.int64],
    between: NDArray[np.bool_],
    lines: NDArray[np.object_],
    rank: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return the greatest street class that runs along each paired side; 0 where none does."""
    result = np.zeros(len(paired), dtype=np.uint8)
    at = np.flatnonzero(between & (paired < sides.twin[paired]))
    if not len(lines) or not len(at):
        return result
    coords, line_of = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(line_of[1:] == line_of[:-1])
    segments = shapely.linestrings(np.stack([coords[first], coords[first + 1]], axis=1))
    middle = 0.5 * (sides.start_xy[paired[at]] + sides.end_xy[paired[at]])
    side, segment = shapely.STRtree(segments).query(
        shapely.points(middle), predicate="dwithin", distance=ON_STREET_M
    )
    found = np.zeros(len(at), dtype=np.uint8)
    np.maximum.at(found, side, rank[line_of[first[segment]]])
    by_side = np.zeros(len(sides.twin), dtype=np.uint8)
    by_side[paired[at]] = found
    by_side[sides.twin[paired[at]]] = found
    result[:] = by_side[paired]
    return result


def _dominant_rank(
    row: NDArray[np.int64],
    side_rank: NDArray[np.uint8],
    length: NDArray[np.float64],
    shared: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Return the greatest class such that it or greater ones run along at least half of the shared border."""
    result = np.zeros(len(shared), dtype=np.uint8)
    for rank in range(1, int(side_rank.max(initial=0)) + 1):
        along = np.bincount(row, weights=length * (side_rank >= rank), minlength=len(shared))
        result[along >= 0.5 * shared] = rank
    return result
