"""The index of the locator: cells that know their areas, edges by area and row, a tree over all edges.

A point in a cell without a border has its answer there; in a border cell, the few edges of each area near it
decide. The index takes any polygons, overlaps too; nothing in it assumes an exact coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.locate import kernels

__all__ = ["AreaIndex", "build_index"]

_MAX_CELLS = 4_000_000
_CELLS_PER_EDGE = 2.0
_FAN = 8


@dataclass(frozen=True)
class AreaIndex:
    """Arrays over n areas, m edges, c cells; areas are in the order that they were given in.

    Attributes
    ----------
    ends : float64, shape (m, 4)
        Edges x1, y1, x2, y2 with the area on their left, sorted by area.
    area : int32, shape (m,)
    edge_start : int64, shape (n + 1,)
        Edges of each area.
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
    order, boxes, levels : int32, shape (m,); float64, shape (k, 4); int64
        Edges in space order, the boxes of the tree over them level by level, and where each level begins.
    """

    ends: NDArray[np.float64]
    area: NDArray[np.int32]
    edge_start: NDArray[np.int64]
    frame: NDArray[np.float64]
    cell_start: NDArray[np.int64]
    cell_area: NDArray[np.int32]
    full: NDArray[np.int32]
    band_at: NDArray[np.int64]
    first_row: NDArray[np.int32]
    band_start: NDArray[np.int64]
    band_edge: NDArray[np.int32]
    order: NDArray[np.int32]
    boxes: NDArray[np.float64]
    levels: NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(getattr(self, name).nbytes) for name in self.__dataclass_fields__)

    def neighborhood_of(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return a key that sorts positions into strips of sixteen rows of cells, west to east in each."""
        n_cols, n_rows = int(self.frame[4]), int(self.frame[5])
        col = np.clip((x - self.frame[0]) * self.frame[2], 0, n_cols - 1).astype(np.int64)
        row = np.clip((y - self.frame[1]) * self.frame[3], 0, n_rows - 1).astype(np.int64)
        return (row // 16) * n_cols + col


def build_index(areas: NDArray[np.object_]) -> AreaIndex:
    """Build the index over valid polygons, at least one.

    Parameters
    ----------
    areas : object, shape (n,)
        shapely Polygons and MultiPolygons, valid and not empty.

    Returns
    -------
    AreaIndex

    Notes
    -----
    O(m log m) in the number of edges; two cells an edge, at most four million.
    """
    ends, area = _edges(areas)
    frame = _frame(ends)
    n_rows = int(frame[5])
    per_area = np.searchsorted(area, np.arange(len(areas) + 1)).astype(np.int64)
    rows = np.minimum(((shapely.bounds(areas)[:, [1, 3]] - frame[1]) * frame[3]).astype(np.int64), n_rows - 1)
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
    order, boxes, levels = _tree(ends)
    return AreaIndex(
        ends=ends, area=area, edge_start=per_area, frame=frame, cell_start=cell_start,
        cell_area=(keys // n_cells)[by_cell].astype(np.int32), full=full, band_at=band_at[:-1],
        first_row=first_row, band_start=band_start, band_edge=band_edge, order=order, boxes=boxes,
        levels=levels,
    )  # fmt: skip


def _edges(areas: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the edges of all rings with the area on their left, and the area of each."""
    parts, of_area = shapely.get_parts(shapely.orient_polygons(areas), return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.column_stack([points[:-1], points[1:]])
    keep = (of_ring[:-1] == of_ring[1:]) & np.any(points[:-1] != points[1:], axis=1)
    area = of_area[of_part[of_ring[:-1][keep]]]
    return np.ascontiguousarray(ends[keep]), area.astype(np.int32)


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


def _tree(ends: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]]:
    """Pack the edges into a tree of boxes: edges in Z-order, eight to a leaf, eight children to a node."""
    middle = ends[:, :2] + ends[:, 2:]
    low, high = middle.min(axis=0), middle.max(axis=0)
    scaled = ((middle - low) / np.maximum(high - low, 1e-300) * 65535).astype(np.uint64)
    order = np.argsort(_spread(scaled[:, 0]) | (_spread(scaled[:, 1]) << np.uint64(1)), kind="stable")
    boxes = np.column_stack(
        [np.minimum(ends[:, 0], ends[:, 2]), np.minimum(ends[:, 1], ends[:, 3]),
         np.maximum(ends[:, 0], ends[:, 2]), np.maximum(ends[:, 1], ends[:, 3])]
    )[order]  # fmt: skip
    found: list[NDArray[np.float64]] = []
    while not found or len(boxes) > 1:
        at = np.arange(0, len(boxes), _FAN)
        boxes = np.column_stack(
            [np.minimum.reduceat(boxes[:, :2], at, axis=0), np.maximum.reduceat(boxes[:, 2:], at, axis=0)]
        )
        found.append(boxes)
    levels = np.concatenate(([0], np.cumsum([len(level) for level in found]))).astype(np.int64)
    return order.astype(np.int32), np.ascontiguousarray(np.concatenate(found)), levels


def _spread(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between the 16 bits of each value."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | (value << np.uint64(shift))) & np.uint64(mask)
    return value
