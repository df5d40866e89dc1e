"""What locks forbid: cells of a locked grid stay, others stay out; locked cells and borders stay as they are.

A lock counts that holds before the edit and after it. So unlocking and moving may come in one edit, and every edit
that is allowed can be taken back by its inverse. Must not know HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import LockedError, some_of

if TYPE_CHECKING:
    from gis_core.model import AdjacencyGraph

__all__ = ["require_unlocked"]

Ints = NDArray[np.int32]


def require_unlocked(
    cells: Ints,
    before: Ints,
    after: Ints,
    *,
    locked_grids: Collection[int],
    locked_cells: Collection[int],
    locked_borders: Collection[tuple[int, int]],
    around: Callable[[], tuple[AdjacencyGraph, Ints, Ints]],
) -> None:
    """Refuse an edit that moves what is locked.

    Parameters
    ----------
    cells, before, after : int32, shape (n,)
        Cells that change grid, and their grids.
    locked_grids, locked_cells, locked_borders
        Locks that hold before and after; borders as pairs of grids.
    around : callable
        Gives the graph and the whole assignment before and after; asked only where borders are locked.

    Raises
    ------
    LockedError
        Where a cell leaves or enters a locked grid, is locked itself, or lies on a locked border, before or after.
    """
    if locked_grids:
        held = np.array(sorted(locked_grids))
        hit = np.unique(np.concatenate([before, after]))
        stuck = hit[np.isin(hit, held)].tolist()
        if stuck:
            raise LockedError(f"Grid {some_of(stuck)} is locked: unlock it first.", grids=stuck)
    if locked_cells:
        stuck = np.sort(cells[np.isin(cells, np.array(sorted(locked_cells)))]).tolist()
        if stuck:
            raise LockedError(f"Cell {some_of(stuck)} is locked: unlock it first.", cells=stuck)
    if locked_borders:
        moved = {*before.tolist(), *after.tolist()}
        near = [pair for pair in sorted(locked_borders) if moved.intersection(pair)]
        graph, was, becomes = around() if near else (None, before, after)
        for pair in near:
            assert graph is not None
            on = _on_border(graph, cells, was, pair) | _on_border(graph, cells, becomes, pair)
            if on.any():
                stuck = np.sort(cells[on]).tolist()
                raise LockedError(
                    f"The border of grids {pair[0]} and {pair[1]} is locked; cell {some_of(stuck)} would change it: "
                    "unlock it first.",
                    borders=[list(pair)],
                    cells=stuck,
                )


def _on_border(
    graph: AdjacencyGraph, cells: Ints, assignment: Ints, pair: tuple[int, int]
) -> NDArray[np.bool_]:
    """Tell which cells are of one grid of a pair and touch the other."""
    result = np.zeros(len(cells), dtype=np.bool_)
    for mine, other in (pair, pair[::-1]):
        for row in np.flatnonzero(assignment[cells] == mine).tolist():
            cell = int(cells[row])
            around = graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]
            result[row] |= bool((assignment[around] == other).any())
    return result
