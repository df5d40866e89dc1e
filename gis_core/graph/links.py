"""Single adjacencies of a graph: where they stand in its arrays, and graphs with some more or fewer of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph

__all__ = ["adjacency_slots", "change_adjacencies", "owners"]


def owners(graph: AdjacencyGraph) -> NDArray[np.int64]:
    """Return the cell in whose row each adjacency stands; int64, shape (2 m,)."""
    return np.repeat(np.arange(graph.n_cells, dtype=np.int64), np.diff(graph.indptr))


def adjacency_slots(
    graph: AdjacencyGraph, left: NDArray[np.integer], right: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Find where pairs of cells stand in the row of the left one.

    Parameters
    ----------
    graph : AdjacencyGraph
        Rows ascending, as everywhere.
    left, right : int, shape (k,)

    Returns
    -------
    int64, shape (k,)
        Positions in `graph.indices`; -1 where the two do not touch.
    """
    if len(graph.indices) == 0:
        return np.full(len(left), -1, np.int64)
    key = owners(graph) * graph.n_cells + graph.indices
    wanted = np.asarray(left, dtype=np.int64) * graph.n_cells + np.asarray(right, dtype=np.int64)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, at, -1).astype(np.int64)


def change_adjacencies(
    graph: AdjacencyGraph,
    *,
    keep: NDArray[np.bool_] | None = None,
    left: NDArray[np.integer] | None = None,
    right: NDArray[np.integer] | None = None,
) -> AdjacencyGraph:
    """Return a graph without some adjacencies and with others added.

    Parameters
    ----------
    graph : AdjacencyGraph
    keep : bool, shape (2 m,)
        The same both ways; None: all.
    left, right : int, shape (k,)
        Pairs of cells to add, with a shared border of no length; pairs that touch already are left as they are.

    Returns
    -------
    AdjacencyGraph
        A copy. Areas and perimeters stay those of the cells as they are on the ground.
    """
    kept = np.ones(len(graph.indices), bool) if keep is None else np.asarray(keep, dtype=bool)
    a = np.zeros(0, np.int64) if left is None else np.asarray(left, dtype=np.int64)
    b = np.zeros(0, np.int64) if right is None else np.asarray(right, dtype=np.int64)
    pairs = np.unique(np.column_stack([np.minimum(a, b), np.maximum(a, b)]), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    slot = adjacency_slots(graph, pairs[:, 0], pairs[:, 1])
    pairs = pairs[(slot < 0) | ~kept[slot]] if len(kept) else pairs
    owner = np.concatenate([owners(graph)[kept], pairs[:, 0], pairs[:, 1]])
    other = np.concatenate([graph.indices[kept].astype(np.int64), pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((other, owner))
    zeros = np.zeros(2 * len(pairs))
    indptr = np.zeros(graph.n_cells + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=graph.n_cells), out=indptr[1:])
    return AdjacencyGraph(
        indptr=indptr,
        indices=other[order].astype(np.int32),
        shared_length_m=np.concatenate([graph.shared_length_m[kept], zeros])[order],
        street_rank=np.concatenate([graph.street_rank[kept], zeros.astype(np.uint8)])[order],
        street_length_m=np.concatenate([graph.street_length_m[kept], zeros])[order],
        area_m2=graph.area_m2,
        perimeter_m=graph.perimeter_m,
        exterior_length_m=graph.exterior_length_m,
        x=graph.x,
        y=graph.y,
    )
