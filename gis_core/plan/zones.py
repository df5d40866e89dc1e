"""Where grids of a draft may lie: in a boundary polygon, or in a part of the level above where the plan has levels.

Must not know HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph

__all__ = ["zones_of"]


def zones_of(
    graph: AdjacencyGraph,
    area_ix: NDArray[np.int32],
    area_codes: Sequence[str],
    assignment: NDArray[np.int32],
    boundary_of: Sequence[str | None],
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Find the zone of each cell that no grid leaves.

    Parameters
    ----------
    graph : AdjacencyGraph
    area_ix : int32, shape (n_cells,)
        Boundary polygon of each cell, a position in `area_codes`.
    area_codes : sequence of str
    assignment : int32, shape (n_cells,)
        Grid of each cell; -1: none.
    boundary_of : sequence of str or None
        By grid, the boundary polygon or the part of the level above that it names.

    Returns
    -------
    zone : int32, shape (n_cells,)
        Position in the codes. A cell without grid lies in the part of the nearest cell of its boundary polygon, counted
        in steps; where there is none, in the boundary polygon itself.
    codes : tuple of str
        The boundary polygons alone where no grid names another part.
    """
    parts = sorted({code for code in boundary_of if code is not None} - set(area_codes))
    if not parts:
        return area_ix, tuple(area_codes)
    codes = (*area_codes, *parts)
    place = {code: ix for ix, code in enumerate(codes)}
    of_grid = np.array([place.get(code or "", -1) for code in boundary_of] + [-1], dtype=np.int32)
    zone = of_grid[assignment]
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    inner = area_ix[owner] == area_ix[graph.indices]
    owner, other = owner[inner], graph.indices[inner]
    while True:
        open_ = (zone[owner] < 0) & (zone[other] >= 0)
        if not open_.any():
            break
        # Of several parts beside a cell the first: the order of the codes decides, not that of the cells.
        least = np.full(graph.n_cells, len(codes), dtype=np.int32)
        np.minimum.at(least, owner[open_], zone[other[open_]])
        zone = np.where((zone < 0) & (least < len(codes)), least, zone).astype(np.int32)
    zone = np.where(zone < 0, area_ix, zone).astype(np.int32)
    used, number = np.unique(zone, return_inverse=True)
    return number.astype(np.int32), tuple(codes[ix] for ix in used.tolist())
