"""The cell index of a polygon coverage: a cell without a border is its answer, one with a border holds its few edges.

Cells have sides of a power of two in the units of the layer, so that the cell of a point, and where in the cell it
lies, come without rounding. In a border cell the label of a point is that of the cell, changed by every edge between
the lower left corner and the point; edges are kept there as lines in 16 bits. Where 16 bits cannot tell, the exact
test of the whole row decides, which also finds points on a border.

Labels are area + 1; 0 is outside. `words` holds, for each border cell, its label, the number of its edges and five
words for each edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.locate import cell_kernels as kernels
from gis_core.locate.borders import Borders

__all__ = ["CellIndex", "build_cells"]

#: Cells for each edge, at most (the power of two decides) and at least half of it.
_CELLS_PER_EDGE = 1.25
_MAX_CELLS = 1 << 28
#: How often cells may be made larger to keep to the memory.
_TRIES = 3
#: Sides of cells are not smaller than this share of the greatest coordinate, so that margins mean something.
_LEAST_SIDE = 2.0**-26


@dataclass(frozen=True)
class CellIndex:
    """Cells over the frame of a coverage.

    Attributes
    ----------
    frame : float64, shape (6,)
        Columns per unit, rows per unit, first column, first row (counted from the origin of the layer), number
        of columns, of rows.
    table : int32, shape (n_rows * n_cols + 1,)
        Label of each cell without a border; ~offset into `words` of each other one. The last is that of all ground
        around the frame.
    words : int32
    """

    frame: NDArray[np.float64]
    table: NDArray[np.int32]
    words: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return int(self.frame.nbytes + self.table.nbytes + self.words.nbytes)


def build_cells(borders: Borders) -> CellIndex | None:
    """Build the cells over borders; None where the areas are no coverage.

    Areas are a coverage where no two edges cross, touch or overlap but at shared ends, and no area lies in another.

    Parameters
    ----------
    borders : Borders

    Returns
    -------
    CellIndex or None

    Notes
    -----
    O(m) in the number of edges where they are spread evenly.
    """
    laid = _lay(borders) if borders.is_matched else None
    if laid is None:
        return None
    frame, table, size = laid
    words = np.zeros(size, np.int32)
    kernels.write_edges(borders.vertices, borders.run_start, borders.left, borders.right, frame, table, words)
    about = (borders.vertices, borders.run_start, borders.right, frame, table, words)
    if not (
        kernels.are_apart(borders.vertices, table, words)
        and kernels.label_cells(*about)
        and kernels.are_single(*about)
    ):
        return None
    return CellIndex(frame, table, words)


def _lay(borders: Borders) -> tuple[NDArray[np.float64], NDArray[np.int32], int] | None:
    """Choose cells that keep to the memory, and give those with edges their places; None where there are none."""
    spare = _spare_bytes(borders)
    for coarser in range(_TRIES):
        frame = _frame(borders, coarser)
        if frame is None:
            return None
        counts = np.zeros(int(frame[4] * frame[5]), np.int32)
        kernels.count_edges(borders.vertices, borders.run_start, frame, counts)
        table = np.zeros(len(counts) + 1, np.int32)
        size = int(kernels.place_cells(counts, table))
        if 4 * (size + len(table)) <= spare or coarser == _TRIES - 1:
            return None if size > np.iinfo(np.int32).max else (frame, table, size)
    return None


def _spare_bytes(borders: Borders) -> int:
    """Return how much the cells may take, so that all is at most twice the coordinates of the polygons."""
    twice = np.where(borders.right >= 0, 2, 1)
    return int(2 * 16 * np.sum((np.diff(borders.run_start) - 1) * twice)) - borders.nbytes


def _frame(borders: Borders, coarser: int) -> NDArray[np.float64] | None:
    """Return scale, origin and size of the cells; None where floats are too coarse for cells of any use.

    `coarser` counts how often the cells are doubled.
    """
    west, south = borders.vertices.min(axis=0).tolist()
    east, north = borders.vertices.max(axis=0).tolist()
    n_edges = len(borders.vertices) - len(borders.left)
    wanted = max(_CELLS_PER_EDGE * n_edges / 2**coarser, 16.0)
    side = math.sqrt((east - west) * (north - south) / wanted)
    power_x = math.ceil(math.log2(max(side, 1e-300)))
    power_y = power_x - 1 if side * side <= 2.0 ** (2 * power_x - 1) else power_x
    least = _LEAST_SIDE * max(abs(west), abs(east), abs(south), abs(north))
    if 2.0**power_y < least:
        return None
    per_x, per_y = 2.0**-power_x, 2.0**-power_y
    col, row = math.floor(west * per_x), math.floor(south * per_y)
    n_cols, n_rows = math.floor(east * per_x) - col + 1, math.floor(north * per_y) - row + 1
    if n_cols * n_rows > _MAX_CELLS:
        return None
    return np.array([per_x, per_y, col, row, n_cols, n_rows], dtype=np.float64)
