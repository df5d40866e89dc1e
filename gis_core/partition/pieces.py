"""Areas in several pieces: which pieces there are once barriers are closed, and what joins them.

A piece with households is solved alone unless it is bridged to another one. A piece without households must not float:
it hangs on the cell of another piece with which it shares most border, or, where it touches none, joins the nearest
grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.fabric.network import Way
from gis_core.graph.components import part_component_labels
from gis_core.graph.links import adjacency_slots, change_adjacencies, owners
from gis_core.model import AdjacencyGraph

__all__ = ["Bridge", "Pieces", "PiecesPolicy", "bridge_pieces", "find_pieces", "require_policy"]

PiecesPolicy = Literal["alone", "nearest", "crossings"]


@dataclass(frozen=True, slots=True)
class Bridge:
    """A link between two pieces of a boundary polygon: its end cells and the metres between the pieces."""

    left: int
    right: int
    length_m: float


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of boundary polygons within which grids can hang together.

    Attributes
    ----------
    label : int32, shape (n_cells,)
        Piece of each cell; a piece lies in one boundary polygon.
    populated : bool, shape (n_pieces,)
    closed : bool, shape (2 m,)
        Adjacencies through which nothing hangs together: barriers without crossing, but for those on which a piece
        without households hangs.
    """

    label: NDArray[np.int32]
    populated: NDArray[np.bool_]
    closed: NDArray[np.bool_]


def require_policy(name: str) -> PiecesPolicy:
    """Return the policy of that name.

    Raises
    ------
    ParameterError
        Where there is none.
    """
    names: tuple[PiecesPolicy, ...] = get_args(PiecesPolicy)
    for policy in names:
        if policy == name:
            return policy
    raise ParameterError(f"There is no policy {name!r} for pieces; choose one of {', '.join(names)}.")


def find_pieces(
    graph: AdjacencyGraph,
    boundary_ix: NDArray[np.integer],
    weight: NDArray[np.integer] | NDArray[np.floating],
    closed: NDArray[np.bool_] | None = None,
) -> Pieces:
    """Find the pieces of all boundary polygons.

    Parameters
    ----------
    graph : AdjacencyGraph
    boundary_ix : int, shape (n_cells,)
    weight : shape (n_cells,)
        Households; a piece without any hangs on a neighbour across a closed border where it has one.
    closed : bool, shape (2 m,)
        Adjacencies that do not link, the same both ways; None: none.

    Returns
    -------
    Pieces
    """
    owner, other = owners(graph), graph.indices
    home = np.asarray(boundary_ix, dtype=np.int64)
    shut = np.zeros(len(other), bool) if closed is None else np.asarray(closed, dtype=bool).copy()
    within = home[owner] == home[other]
    while True:
        open_graph = change_adjacencies(graph, keep=within & ~shut)
        label = part_component_labels(open_graph, home)
        populated = np.bincount(label, weights=weight, minlength=int(label.max(initial=-1)) + 1) > 0
        across = np.flatnonzero(within & shut & (label[owner] != label[other]))
        # Pieces with households take in what touches them, then these take in what touches them.
        across = across[~populated[label[owner[across]]] & populated[label[other[across]]]]
        if not len(across):
            break
        order = across[np.lexsort((across, -graph.shared_length_m[across]))]
        first = np.unique(label[owner[order]], return_index=True)[1]
        chosen = order[first]
        shut[chosen] = False
        shut[adjacency_slots(graph, other[chosen], owner[chosen])] = False
    return Pieces(label, populated, shut & within)


def bridge_pieces(
    graph: AdjacencyGraph,
    cells: NDArray[np.object_],
    boundary_ix: NDArray[np.integer],
    pieces: Pieces,
    policy: PiecesPolicy,
    ways: Sequence[Way] = (),
) -> list[Bridge]:
    """List the links that join pieces with households.

    Parameters
    ----------
    graph : AdjacencyGraph
    cells : object, shape (n_cells,)
        Polygons in projected metres.
    boundary_ix : int, shape (n_cells,)
    pieces : Pieces
    policy : {"alone", "nearest", "crossings"}
        None; the shortest straight links that join all pieces of a polygon; the shortest way on streets between each
        two pieces.
    ways : sequence of Way
        For "crossings": as from `ways_between`.

    Returns
    -------
    list of Bridge
        Ascending by boundary polygon and length.
    """
    if policy == "alone":
        return []
    bridges = []
    home = np.asarray(boundary_ix, dtype=np.int64)
    if policy == "crossings":
        good = [
            way
            for way in ways
            if home[way.left] == home[way.right]
            and pieces.populated[pieces.label[way.left]]
            and pieces.populated[pieces.label[way.right]]
        ]
        bridges = [Bridge(way.left, way.right, way.length_m) for way in good]
    else:
        lived_in = pieces.populated[pieces.label]
        for b in np.unique(home[lived_in]).tolist():
            bridges += _nearest_links(graph, cells, np.flatnonzero((home == b) & lived_in), pieces.label)
    return sorted(bridges, key=lambda bridge: (int(home[bridge.left]), bridge.length_m, bridge.left))


def _nearest_links(
    graph: AdjacencyGraph, cells: NDArray[np.object_], inside: NDArray[np.int64], label: NDArray[np.int32]
) -> list[Bridge]:
    """Join the pieces of one boundary polygon by the shortest links, from the largest piece on (Prim 1957)."""
    names, count = np.unique(label[inside], return_counts=True)
    joined, bridges = {int(names[np.argmax(count)])}, []
    # Only cells at the rim of their piece can be the nearest.
    own = label[owners(graph)] == label[graph.indices]
    inner = np.bincount(owners(graph)[own], weights=graph.shared_length_m[own], minlength=graph.n_cells)
    rim = inside[inner[inside] < graph.perimeter_m[inside] - 1e-6]
    while len(joined) < len(names):
        near = rim[np.isin(label[rim], list(joined))]
        far = rim[~np.isin(label[rim], list(joined))]
        (at, to), distance = shapely.STRtree(cells[near]).query_nearest(cells[far], return_distance=True)
        left, right = near[to], far[at]
        shared = np.zeros(len(left))
        slot = adjacency_slots(graph, left, right)
        shared[slot >= 0] = graph.shared_length_m[slot[slot >= 0]]
        best = int(np.lexsort((right, left, -shared, distance))[0])
        joined.add(int(label[right[best]]))
        bridges.append(Bridge(int(left[best]), int(right[best]), float(distance[best])))
    return bridges
