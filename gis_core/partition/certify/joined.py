"""What a part that joins some cells weighs at least: they, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.links import adjacency_slots, owners
from gis_core.model import AdjacencyGraph

__all__ = ["joined_weight"]

#: Adjacencies that are looked at, in all.
_MOST_LOOKS = 3_000_000


def joined_weight(graph: AdjacencyGraph, weight: NDArray[np.float64], cells: Sequence[int]) -> float:
    """Return a true lower bound on the weight of a connected set of cells that holds some cells.

    The dual ascent of Wong (1984, doi:10.1007/BF02612335) for Steiner trees, with the weight of a cell as the price of
    every step onto it: around one cell after the other a set grows over steps that are paid, until it holds the first
    cell, and what its cheapest way in still costs is charged.

    Parameters
    ----------
    graph : AdjacencyGraph
        Connected.
    weight : float64, shape (n_cells,)
    cells : sequence of int
        At least one, each once.

    Returns
    -------
    float
        At least the weight of the cells themselves.

    Notes
    -----
    The work is limited; what was charged until then is true too.
    """
    own = list(cells)
    entry = weight.astype(np.float64).copy()
    entry[own] = 0.0
    owner = owners(graph)
    # Step e leads from its owner to graph.indices[e]; `back` is the same border the other way.
    left, back = entry[graph.indices], adjacency_slots(graph, graph.indices.astype(np.int64), owner)
    root, waiting = own[0], set(own[1:])
    looks, charged = 0, 0.0
    tiny = 1e-9 * max(1.0, float(weight.max(initial=0.0)))
    for cell in own[1:]:
        waiting.discard(cell)
        while looks < _MOST_LOOKS:
            inside, seen = _paid_for(graph, left, back, cell, tiny)
            looks += seen
            if inside[root] or inside[list(waiting)].any():
                break
            into = inside[graph.indices] & ~inside[owner]
            least = float(left[into].min())
            left[into] -= least
            charged += least
    return float(weight[own].sum()) + charged


def _paid_for(
    graph: AdjacencyGraph, left: NDArray[np.float64], back: NDArray[np.int64], cell: int, tiny: float
) -> tuple[NDArray[np.bool_], int]:
    """Mark the cells from which one can be reached by steps that cost nothing more; count what was looked at."""
    inside = np.zeros(graph.n_cells, dtype=bool)
    inside[cell] = True
    front, looks = np.array([cell], np.int64), 0
    while len(front):
        slots = np.concatenate([np.arange(graph.indptr[c], graph.indptr[c + 1]) for c in front.tolist()])
        looks += len(slots)
        near = graph.indices[slots]
        front = np.unique(near[(left[back[slots]] <= tiny) & ~inside[near]]).astype(np.int64)
        inside[front] = True
    return inside, looks
