"""What the constraints share: pairs of cells in a subgraph, the strength of a wish, sentences about cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph
from gis_core.partition.problem import Problem

__all__ = ["MOST_CELLS", "adjacencies_of_pairs", "first_cells", "restrict_pairs", "strong_price"]

#: Cells that a reason names at most.
MOST_CELLS = 20
#: Price of a wish that is not fulfilled, in borders of a usual part: far above what any border can save.
_STRONG = 50.0


def strong_price(problem: Problem) -> float:
    """Return the price in metres of a wish that is not fulfilled; above 0, whatever other wishes changed before."""
    graph = problem.graph
    usual_border = float(graph.shared_length_m.sum()) / max(1.0, graph.n_cells * problem.n_parts) ** 0.5
    return _STRONG * max(usual_border, 1.0)


def first_cells(cell_ix: NDArray[np.integer]) -> tuple[int, ...]:
    """Return the first cells to blame."""
    return tuple(int(cell) for cell in cell_ix[:MOST_CELLS])


def restrict_pairs(
    left: NDArray[np.int64], right: NDArray[np.int64], cell_ix: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Keep the pairs whose cells are both kept, in the numbering of the subgraph.

    Parameters
    ----------
    left, right : int64, shape (n_pairs,)
    cell_ix : int64, shape (n_kept,)
        Cells of the subgraph, each once, in any order.

    Returns
    -------
    left, right : int64, shape (n_left,)
    kept : bool, shape (n_pairs,)
        Which pairs are left.
    """
    size = 1 + max(int(np.max(ends, initial=-1)) for ends in (left, right, cell_ix))
    position = np.full(size, -1, np.int64)
    position[cell_ix] = np.arange(len(cell_ix))
    a, b = position[left], position[right]
    kept = (a >= 0) & (b >= 0)
    return a[kept], b[kept], kept


def adjacencies_of_pairs(
    graph: AdjacencyGraph, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark the adjacencies between the two cells of a pair, both ways.

    Returns
    -------
    bool, shape (2 m,)
        In the order of `graph.indices`; pairs that are no neighbours mark nothing.
    """
    n = graph.n_cells
    owner = np.repeat(np.arange(n, dtype=np.int64), np.diff(graph.indptr))
    wanted = np.minimum(left, right) * n + np.maximum(left, right)
    there = np.minimum(owner, graph.indices) * n + np.maximum(owner, graph.indices)
    return np.isin(there, wanted)
