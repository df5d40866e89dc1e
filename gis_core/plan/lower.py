"""How even a plan with these numbers of grids could be: a lower bound for every boundary polygon."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels, part_component_labels, subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.bounds import deviation_lower_bound

__all__ = ["inhabited_pieces", "lower_bounds"]


def inhabited_pieces(
    links: AdjacencyGraph, weight: NDArray[np.float64], cells: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """List the connected pieces of some cells that hold any weight."""
    label = component_labels(subgraph(links, cells))
    found = [cells[label == number] for number in range(int(label.max(initial=-1)) + 1)]
    return [piece for piece in found if weight[piece].sum() > 0]


def lower_bounds(
    links: AdjacencyGraph,
    boundary_ix: NDArray[np.integer],
    weight: NDArray[np.float64],
    assignment: NDArray[np.integer],
    *,
    n_boundaries: int,
    locked: Collection[int] = (),
) -> NDArray[np.float64]:
    """Bound the greatest deviation of each boundary polygon from below, with the number of grids that it has.

    Parameters
    ----------
    links : AdjacencyGraph
        Only the adjacencies through which a grid may hang together.
    boundary_ix : int, shape (n_cells,)
    weight : float64, shape (n_cells,)
        What is balanced.
    assignment : int, shape (n_cells,)
        Grid of each cell.
    n_boundaries : int
    locked : collection of int
        Grids that are given.

    Returns
    -------
    float64, shape (n_boundaries,)
        No plan whose grids hang together by `links` and that keeps the locked ones is more even. Where a grid of the
        plan lies in several pieces, neither is one that joins pieces in another way.
    """
    lower = np.zeros(n_boundaries)
    given = np.isin(assignment, list(locked))
    for b in np.unique(boundary_ix).tolist():
        mine = boundary_ix == b
        locks = np.unique(assignment[mine & given])
        free = np.flatnonzero(mine & ~given)
        held = [float(weight[mine & (assignment == lock)].sum()) for lock in locks.tolist()]
        n_parts = len(np.unique(assignment[mine]))
        pieces = inhabited_pieces(links, weight, free)
        weights = [weight[piece] for piece in pieces]
        if not weights and not held:
            continue
        graphs = [subgraph(links, piece) for piece in pieces]
        if _spread(links, assignment, free):
            # Pieces share grids: only the cells themselves say anything.
            lower[b] = deviation_lower_bound([weight[free]], n_parts, locked=held)
        else:
            lower[b] = deviation_lower_bound(weights, n_parts, graphs=graphs, locked=held)
    return lower


def _spread(links: AdjacencyGraph, assignment: NDArray[np.integer], cells: NDArray[np.int64]) -> bool:
    """Tell whether any grid has cells in several pieces of the ground."""
    part = assignment[cells]
    return bool(
        part_component_labels(subgraph(links, cells), part).max(initial=-1) + 1 > len(np.unique(part))
    )
