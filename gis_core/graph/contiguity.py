"""May a cell leave its part without cutting it in two? The kernel behind every move.

A local test among the neighbours of the cell answers most questions; a breadth-first search inside the part,
bounded or not, answers the others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.model import AdjacencyGraph

__all__ = ["SAFE", "UNKNOWN", "UNSAFE", "is_removal_safe", "removal_safety"]

UNSAFE, SAFE, UNKNOWN = 0, 1, -1


@njit
def removal_safety(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    cell: int,
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
    limit: int,
) -> int:
    """Tell whether the part of `cell` stays in one piece, and not empty, without it.

    Parameters
    ----------
    indptr, indices : CSR adjacency
    part : int32, shape (n_cells,)
    cell : int
    stamp : int64, shape (n_cells + 1,)
        Scratch, zeros at first; the last element counts the marks that are used up.
    queue : int32, shape (n_cells,)
        Scratch.
    limit : int
        Cells that the search may visit before it gives up.

    Returns
    -------
    int
        SAFE, UNSAFE, or UNKNOWN where the limit was reached.
    """
    own = part[cell]
    n = len(stamp) - 1
    wanted = stamp[n] + 1
    seen = wanted + 1
    stamp[n] = seen
    missing = 0
    for e in range(indptr[cell], indptr[cell + 1]):
        other = indices[e]
        if part[other] == own:
            stamp[other] = wanted
            queue[0] = other
            missing += 1
    if missing == 0:
        return 0
    missing -= 1
    if missing == 0:
        return 1
    # First only along the neighbours of the cell: in a plane most rings close there.
    stamp[queue[0]] = seen
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for e in range(indptr[here], indptr[here + 1]):
            other = indices[e]
            if stamp[other] == wanted:
                stamp[other] = seen
                queue[tail] = other
                tail += 1
                missing -= 1
                if missing == 0:
                    return 1
    head = 0
    while head < tail:
        if head >= limit:
            return -1
        here = queue[head]
        head += 1
        for e in range(indptr[here], indptr[here + 1]):
            other = indices[e]
            if part[other] == own and other != cell and stamp[other] != seen:
                if stamp[other] == wanted:
                    missing -= 1
                    if missing == 0:
                        return 1
                stamp[other] = seen
                queue[tail] = other
                tail += 1
    return 0


def is_removal_safe(graph: AdjacencyGraph, assignment: NDArray[np.integer], cell: int) -> bool:
    """Tell exactly whether a part stays connected, and not empty, when `cell` leaves it.

    Parameters
    ----------
    graph : AdjacencyGraph
    assignment : int, shape (n_cells,)
    cell : int
        Position of the cell; its part must be connected now.

    Returns
    -------
    bool
        False also where the cell is all there is of its part.
    """
    n = graph.n_cells
    part = np.ascontiguousarray(assignment, dtype=np.int32)
    answer = removal_safety(
        graph.indptr, graph.indices, part, cell, np.zeros(n + 1, np.int64), np.empty(n, np.int32), n + 1
    )
    return answer == SAFE
