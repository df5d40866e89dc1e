"""Cells and adjacencies whose loss would cut a connected graph in two, and what lies behind them.

One depth-first search (Tarjan's low points), without recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.model import AdjacencyGraph

__all__ = ["Pockets", "articulation_cells", "bridges", "depth_first", "find_pockets", "pocket_cells"]


@njit
def _depth_first(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], first: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return visiting order from `first` on, its inverse, the parent of each cell (-1: root) and the low points."""
    n = len(indptr) - 1
    order = np.empty(n, np.int32)
    entered = np.full(n, -1, np.int32)
    parent = np.full(n, -1, np.int32)
    low = np.zeros(n, np.int32)
    following = indptr[:-1].copy()
    stack = np.empty(n, np.int32)
    count = 0
    for turn in range(n):
        root = (first + turn) % n
        if entered[root] >= 0:
            continue
        entered[root] = low[root] = count
        order[count] = root
        count += 1
        stack[0] = root
        depth = 1
        while depth > 0:
            cell = stack[depth - 1]
            if following[cell] < indptr[cell + 1]:
                other = indices[following[cell]]
                following[cell] += 1
                if entered[other] < 0:
                    parent[other] = cell
                    entered[other] = low[other] = count
                    order[count] = other
                    count += 1
                    stack[depth] = other
                    depth += 1
                elif other != parent[cell] and entered[other] < low[cell]:
                    low[cell] = entered[other]
            else:
                depth -= 1
                above = parent[cell]
                if above >= 0 and low[cell] < low[above]:
                    low[above] = low[cell]
    return order, entered, parent, low


@dataclass(frozen=True, slots=True)
class Pockets:
    """What falls apart when single cells are taken out of a connected graph; one row a pocket.

    Attributes
    ----------
    gate_ix : int32, shape (n_pockets,)
        The cell that was taken out.
    entry_ix : int32, shape (n_pockets,)
        A neighbour of the gate inside the pocket.
    weight : float64, shape (n_pockets,)
    n_cells : int64, shape (n_pockets,)
    """

    gate_ix: NDArray[np.int32]
    entry_ix: NDArray[np.int32]
    weight: NDArray[np.float64]
    n_cells: NDArray[np.int64]


def depth_first(
    graph: AdjacencyGraph, first: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Walk the graph depth first (Tarjan 1972, doi:10.1137/0201010).

    Parameters
    ----------
    graph : AdjacencyGraph
    first : int
        The cell to begin at; further pieces follow in the order of their cells.

    Returns
    -------
    order, entered, parent, low : int32, shape (n_cells,)
        Cells in visiting order, the turn of each cell, the cell it was reached from (-1: none), and the
        earliest turn that can be reached from what was visited after it without the way it came.
    """
    order, entered, parent, low = _depth_first(graph.indptr, graph.indices, first)
    return order, entered, parent, low


def articulation_cells(graph: AdjacencyGraph) -> NDArray[np.int64]:
    """Return the cells without which their component would fall apart, ascending."""
    _, entered, parent, low = _depth_first(graph.indptr, graph.indices, 0)
    child = np.flatnonzero(parent >= 0)
    above = parent[child]
    is_root = parent[above] < 0
    cut = np.zeros(graph.n_cells, dtype=bool)
    cut[above[(low[child] >= entered[above]) & ~is_root]] = True
    cut |= np.bincount(above[is_root], minlength=graph.n_cells) > 1
    return np.flatnonzero(cut)


def bridges(graph: AdjacencyGraph) -> NDArray[np.int64]:
    """Return the adjacencies without which their component would fall apart.

    Returns
    -------
    int64, shape (n_bridges, 2)
        The two cells of each, the lower position first, in ascending order.
    """
    _, entered, parent, low = _depth_first(graph.indptr, graph.indices, 0)
    child = np.flatnonzero(parent >= 0)
    child = child[low[child] > entered[parent[child]]]
    pairs = np.sort(np.column_stack([child, parent[child].astype(np.int64)]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def find_pockets(graph: AdjacencyGraph, weight: NDArray[np.float64]) -> Pockets:
    """Weigh every pocket behind every articulation cell of a connected graph.

    Parameters
    ----------
    graph : AdjacencyGraph
        In one piece.
    weight : float64, shape (n_cells,)

    Returns
    -------
    Pockets
        Rows in ascending order of gate; every articulation cell has two rows or more.
    """
    order, entered, parent, low = _depth_first(graph.indptr, graph.indices, 0)
    n = graph.n_cells
    behind, size = np.asarray(weight, dtype=np.float64).copy(), np.ones(n, np.int64)
    for cell in order[::-1]:
        if parent[cell] >= 0:
            behind[parent[cell]] += behind[cell]
            size[parent[cell]] += size[cell]
    gates = articulation_cells(graph)
    is_gate = np.zeros(n, dtype=bool)
    is_gate[gates] = True
    child = np.flatnonzero(parent >= 0)
    child = child[is_gate[parent[child]] & (low[child] >= entered[parent[child]])]
    below = np.bincount(parent[child], weights=behind[child], minlength=n)
    below_size = np.bincount(parent[child], weights=size[child], minlength=n)
    upper = gates[parent[gates] >= 0]
    gate = np.concatenate([parent[child], upper])
    entry = np.concatenate([child, parent[upper]])
    total = float(np.asarray(weight, dtype=np.float64).sum())
    weights = np.concatenate([behind[child], total - below[upper] - np.asarray(weight)[upper]])
    sizes = np.concatenate([size[child], n - 1 - below_size[upper].astype(np.int64)])
    rows = np.lexsort((entry, gate))
    return Pockets(gate[rows].astype(np.int32), entry[rows].astype(np.int32), weights[rows], sizes[rows])


def pocket_cells(graph: AdjacencyGraph, gate: int, entry: int) -> NDArray[np.int64]:
    """Return the cells that can be reached from `entry` without passing `gate`, ascending."""
    seen = {gate, entry}
    stack = [entry]
    while stack:
        cell = stack.pop()
        for other in graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]].tolist():
            if other not in seen:
                seen.add(other)
                stack.append(other)
    seen.discard(gate)
    return np.array(sorted(seen), dtype=np.int64)
