"""The index for areas that overlap or do not match: cells that know their areas, and edges by area and row.

A point in a cell without a border has its answer there; in a border cell, the few edges of each area near it decide.
Any polygons will do; `cells.py` is several times as fast where areas fit together exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.locate import band_kernels as kernels
from gis_core.locate.borders import Borders

__all__ = ["BandIndex", "build_bands"]

_MAX_CELLS = 4_000_000
_CELLS_PER_EDGE = 2.0


@dataclass(frozen=True)
class BandIndex:
    """Arrays over n areas, m edges, c cells.

    Attributes
    ----------
    ends : float64, shape (m, 4)
        Edges x1, y1, x2, y2 with the area on their left, sorted by area.
    frame : float64, shape (8,)
        x0, y0, columns per unit, rows per unit, number of columns, of rows, greatest x, greatest y.
    cell_start, cell_area : int64, shape (c + 1,); int32
        Areas with a border in each cell, ascending.
    full : int32, shape (c,)
        Lowest area that covers the whole cell without a border in it; -1 where there is none.
    band_at, first_row : int64, int32, shape (n,)
        Where the bands of an area begin, and the row of the first.
    band_start, band_edge : int64, int32
        Edges of each band, that is of one area in one row of cells.
    """

    ends: NDArray[np.float64]
    frame: NDArray[np.float64]
    cell_start: NDArray[np.int64]
    cell_area: NDArray[np.int32]
    full: NDArray[np.int32]
    band_at: NDArray[np.int64]
    first_row: NDArray[np.int32]
    band_start: NDArray[np.int64]
    band_edge: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(array.nbytes) for array in self.__dict__.values())


def build_bands(borders: Borders) -> BandIndex:
    """Build the index over borders that have an area on their left only.

    Parameters
    ----------
    borders : Borders
        Of `build_borders(..., match=False)`.

    Returns
    -------
    BandIndex

    Notes
    -----
    O(m log m) in the number of edges; two cells an edge, at most four million.
    """
    ends, area = _edges(borders)
    frame = _frame(ends)
    n_rows = int(frame[5])
    n_areas = len(borders.area_start) - 1
    rows = _rows_of_areas(ends, area, frame, n_areas)
    band_at = np.concatenate(([0], np.cumsum(rows[:, 1] - rows[:, 0] + 1)))
    first_row = rows[:, 0].astype(np.int32)
    band_start, band_edge = _bands(ends, area, frame, band_at, first_row)

    keys = np.empty(0, np.int64)
    keys = np.empty(kernels.fill_cells(ends, area, frame, keys), np.int64)
    kernels.fill_cells(ends, area, frame, keys)
    keys = np.unique(keys)
    n_cells = int(frame[4]) * n_rows
    full = np.full(n_cells, -1, np.int32)
    kernels.fill_full(keys, ends, frame, band_at[:-1], first_row, band_start, band_edge, full)
    cell = keys % n_cells
    by_cell = np.argsort(cell, kind="stable")
    cell_start = np.concatenate(([0], np.cumsum(np.bincount(cell, minlength=n_cells)))).astype(np.int64)
    return BandIndex(
        ends=ends, frame=frame, cell_start=cell_start, cell_area=(keys // n_cells)[by_cell].astype(np.int32),
        full=full, band_at=band_at[:-1], first_row=first_row, band_start=band_start, band_edge=band_edge,
    )  # fmt: skip


def _edges(borders: Borders) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return both ends of every edge, and its area."""
    is_edge = np.ones(len(borders.vertices), bool)
    is_edge[borders.run_start[1:] - 1] = False
    first = np.flatnonzero(is_edge)
    area = np.repeat(borders.left, np.diff(borders.run_start) - 1)
    return np.hstack([borders.vertices[first], borders.vertices[first + 1]]), area


def _rows_of_areas(
    ends: NDArray[np.float64], area: NDArray[np.int32], frame: NDArray[np.float64], n_areas: int
) -> NDArray[np.int64]:
    """Return the first and the last row of cells of each area."""
    first = np.searchsorted(area, np.arange(n_areas))
    low = np.minimum.reduceat(ends[:, [1, 3]].min(axis=1), first)
    high = np.maximum.reduceat(ends[:, [1, 3]].max(axis=1), first)
    rows = (np.column_stack([low, high]) - frame[1]) * frame[3]
    return np.minimum(rows.astype(np.int64), int(frame[5]) - 1)


def _frame(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return origin, scale and size of the cells."""
    west, south = ends[:, [0, 2]].min(), ends[:, [1, 3]].min()
    east, north = ends[:, [0, 2]].max(), ends[:, [1, 3]].max()
    wanted = min(max(_CELLS_PER_EDGE * len(ends), 64.0), _MAX_CELLS)
    n_cols = int(min(max(np.sqrt(wanted * (east - west) / (north - south)), 1.0), wanted))
    n_rows = max(int(wanted / n_cols), 1)
    return np.array(
        [west, south, n_cols / (east - west), n_rows / (north - south), n_cols, n_rows, east, north],
        dtype=np.float64,
    )


def _bands(
    ends: NDArray[np.float64], area: NDArray[np.int32], frame: NDArray[np.float64], band_at:
    NDArray[np.int64], first_row: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:  # fmt: skip
    """Return where the edges of each band begin, and the edges."""
    row = frame[[1, 3, 5]]
    counts = np.zeros(int(band_at[-1]), np.int64)
    kernels.fill_bands(ends, area, row, band_at[:-1], first_row, counts, np.empty(0, np.int32))
    start = np.concatenate(([0], np.cumsum(counts)))
    edges = np.empty(int(start[-1]), np.int32)
    kernels.fill_bands(ends, area, row, band_at[:-1], first_row, start[:-1].copy(), edges)
    return start, edges
