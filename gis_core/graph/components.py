"""Connected components of a graph, of its parts, and subgraphs; kernels over CSR arrays.

Must not import from any room but `model` and `errors`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.errors import ParameterError
from gis_core.model import AdjacencyGraph

__all__ = ["component_labels", "graph_from_pairs", "part_component_labels", "parts_in_pieces", "subgraph"]

#: A subgraph of less than one in so many cells is found by searching.
_FEW = 16


@njit
def _label(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], part: NDArray[np.int32], label: NDArray[np.int32]
) -> int:
    """Flood every component of equal `part`, in order of its first cell; return how many there are."""
    n = len(indptr) - 1
    queue = np.empty(n, np.int32)
    count = 0
    label[:] = -1
    for start in range(n):
        if label[start] >= 0:
            continue
        label[start] = count
        queue[0] = start
        head, tail = 0, 1
        while head < tail:
            cell = queue[head]
            head += 1
            for e in range(indptr[cell], indptr[cell + 1]):
                other = indices[e]
                if label[other] < 0 and part[other] == part[cell]:
                    label[other] = count
                    queue[tail] = other
                    tail += 1
        count += 1
    return count


def part_component_labels(graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number the connected pieces of all parts.

    Parameters
    ----------
    graph : AdjacencyGraph
    assignment : int, shape (n_cells,)
        Part of each cell.

    Returns
    -------
    int32, shape (n_cells,)
        Piece of each cell, numbered from 0 in order of first cell; a piece lies in one part.

    Raises
    ------
    ParameterError
        Where `assignment` has another length than the graph.

    Notes
    -----
    Linear in cells and adjacencies.
    """
    if len(assignment) != graph.n_cells:
        raise ParameterError(
            f"The assignment names {len(assignment)} cells, the graph has {graph.n_cells}; give one part a cell."
        )
    label = np.empty(graph.n_cells, np.int32)
    _label(graph.indptr, graph.indices, np.ascontiguousarray(assignment, dtype=np.int32), label)
    return label


def component_labels(graph: AdjacencyGraph) -> NDArray[np.int32]:
    """Number the connected components of the graph from 0, in order of first cell.

    Returns
    -------
    int32, shape (n_cells,)
    """
    return part_component_labels(graph, np.zeros(graph.n_cells, np.int32))


def parts_in_pieces(graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the part ids that are not connected, ascending.

    Raises
    ------
    ParameterError
        Where `assignment` has another length than the graph.
    """
    label = part_component_labels(graph, assignment)
    pairs = np.unique(np.column_stack([assignment.astype(np.int64), label.astype(np.int64)]), axis=0)
    parts, count = np.unique(pairs[:, 0], return_counts=True)
    return parts[count > 1]


def subgraph(graph: AdjacencyGraph, cell_ix: NDArray[np.integer]) -> AdjacencyGraph:
    """Keep some cells, in the order given, and the adjacencies among them.

    Parameters
    ----------
    graph : AdjacencyGraph
    cell_ix : int, shape (n_kept,)
        Positions to keep, each once; row i of the result is `cell_ix[i]`.

    Returns
    -------
    AdjacencyGraph
        A copy; rows are sorted by the new positions. `exterior_length_m` still measures the outer frame of
        the whole. The graph itself where all cells are kept as they stand.
    """
    keep = np.asarray(cell_ix, dtype=np.int64)
    if len(keep) == graph.n_cells and (keep == np.arange(graph.n_cells)).all():
        return graph
    slot = _slots(graph.indptr, keep)
    indptr, indices, kept = _rows(graph.indptr, keep, _positions(keep, graph.indices[slot], graph.n_cells))
    slot = slot[kept]
    return AdjacencyGraph(
        indptr=indptr,
        indices=indices,
        shared_length_m=graph.shared_length_m[slot],
        street_rank=graph.street_rank[slot],
        street_length_m=graph.street_length_m[slot],
        area_m2=graph.area_m2[keep],
        perimeter_m=graph.perimeter_m[keep],
        exterior_length_m=graph.exterior_length_m[keep],
        x=graph.x[keep],
        y=graph.y[keep],
    )


@njit
def _slots(indptr: NDArray[np.int64], keep: NDArray[np.int64]) -> NDArray[np.int64]:
    """List the places of the adjacencies of some cells, cell by cell."""
    count = 0
    for cell in keep:
        count += indptr[cell + 1] - indptr[cell]
    slot = np.empty(count, np.int64)
    tail = 0
    for cell in keep:
        for e in range(indptr[cell], indptr[cell + 1]):
            slot[tail] = e
            tail += 1
    return slot


@njit
def _rows(
    indptr: NDArray[np.int64], keep: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR rows without what is not kept (-1 in `other`), each sorted, and the place of each entry in `other`."""
    rows = np.zeros(len(keep) + 1, np.int64)
    indices, place = np.empty(len(other), np.int32), np.empty(len(other), np.int64)
    head, tail = 0, 0
    for i in range(len(keep)):
        first = tail
        for _ in range(indptr[keep[i] + 1] - indptr[keep[i]]):
            if other[head] >= 0:
                at = tail
                while at > first and indices[at - 1] > other[head]:
                    indices[at], place[at] = indices[at - 1], place[at - 1]
                    at -= 1
                indices[at], place[at] = other[head], head
                tail += 1
            head += 1
        rows[i + 1] = tail
    return rows, indices[:tail].copy(), place[:tail].copy()


def _positions(keep: NDArray[np.int64], wanted: NDArray[np.int32], n_cells: int) -> NDArray[np.int64]:
    """Return the place of each wanted cell in `keep`, -1 where it is not in it.

    Few cells of a large graph are searched for, so that taking it apart does not cost a table of all cells each time.
    """
    if len(keep) * _FEW < n_cells and len(keep):
        order = np.argsort(keep)
        ranked = keep[order]
        at = np.minimum(np.searchsorted(ranked, wanted), len(keep) - 1)
        return np.where(ranked[at] == wanted, order[at], -1)
    position = np.full(n_cells, -1, dtype=np.int64)
    position[keep] = np.arange(len(keep))
    return position[wanted]


def graph_from_pairs(
    left: NDArray[np.integer],
    right: NDArray[np.integer],
    *,
    n_cells: int,
    shared_length_m: NDArray[np.float64] | None = None,
    street_length_m: NDArray[np.float64] | None = None,
    area_m2: NDArray[np.float64] | None = None,
    perimeter_m: NDArray[np.float64] | None = None,
    x: NDArray[np.float64] | None = None,
    y: NDArray[np.float64] | None = None,
) -> AdjacencyGraph:
    """Build a graph from its adjacencies, each given once; what is not known is 1 (lengths, areas) or 0.

    Parameters
    ----------
    left, right : int, shape (m,)
        The two cells of each adjacency.
    n_cells : int
    shared_length_m, street_length_m : float64, shape (m,), metres
        Shared border, and the metres of it on a street.
    area_m2, perimeter_m, x, y : float64, shape (n_cells,)

    Returns
    -------
    AdjacencyGraph

    Raises
    ------
    ParameterError
        Where an adjacency names a cell that is not there, joins a cell to itself, or stands twice.
    """
    a, b = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    m = len(a)
    if m and (min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n_cells):
        raise ParameterError(f"An adjacency names a cell outside 0 to {n_cells - 1}; check the cell numbers.")
    if (a == b).any():
        raise ParameterError("An adjacency joins a cell to itself; leave it out.")
    shared = np.ones(m) if shared_length_m is None else np.asarray(shared_length_m, dtype=np.float64)
    street = np.zeros(m) if street_length_m is None else np.asarray(street_length_m, dtype=np.float64)
    owner, other = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((other, owner))
    owner, other = owner[order], other[order]
    if m and ((np.diff(owner) == 0) & (np.diff(other) == 0)).any():
        raise ParameterError("An adjacency stands twice; give each pair of cells once.")
    indptr = np.zeros(n_cells + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=n_cells), out=indptr[1:])
    both_shared, both_street = np.tile(shared, 2)[order], np.tile(street, 2)[order]
    inner = np.bincount(owner, weights=both_shared, minlength=n_cells).astype(np.float64)
    perimeter = inner if perimeter_m is None else np.asarray(perimeter_m, dtype=np.float64)
    return AdjacencyGraph(
        indptr=indptr,
        indices=other.astype(np.int32),
        shared_length_m=both_shared,
        street_rank=((both_street >= 0.5 * both_shared) & (both_street > 0)).astype(np.uint8),
        street_length_m=both_street,
        area_m2=np.ones(n_cells) if area_m2 is None else np.asarray(area_m2, dtype=np.float64),
        perimeter_m=perimeter,
        exterior_length_m=np.maximum(perimeter - inner, 0.0),
        x=np.zeros(n_cells) if x is None else np.asarray(x, dtype=np.float64),
        y=np.zeros(n_cells) if y is None else np.asarray(y, dtype=np.float64),
    )
