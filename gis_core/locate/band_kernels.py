"""Compiled kernels of the index for areas that do not fit together: exact point in polygon, area by area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.locate.exact import side

__all__ = ["fill_bands", "fill_cells", "fill_full", "locate_points"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ixs = NDArray[np.int32]


@njit
def _in_area(px: float, py: float, ends: Floats, edge_ix: Ixs, start: int, stop: int) -> int:
    """Return 1 inside, 2 on the border, 0 outside of an area, given its edges in the row of the point."""
    inside = 0
    for k in range(start, stop):
        e = edge_ix[k]
        ax, ay, bx, by = ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3]
        if (ay > py) != (by > py):
            if ax < px and bx < px:
                continue
            s = 1.0 if by > ay else -1.0
            if not (ax > px and bx > px):
                s = side(ax, ay, bx, by, px, py)
                if s == 0.0:
                    return 2
            if (s > 0.0) == (by > ay):
                inside ^= 1
        elif (
            (ay == py and ax == px)
            or (by == py and bx == px)
            or (ay == py and by == py and min(ax, bx) < px < max(ax, bx))
        ):
            return 2
    return inside


@njit
def fill_bands(
    ends: Floats, area: Ixs, row: Floats, band_at: Ints, first_row: Ixs, counts: Ints, out: Ixs
) -> None:  # fmt: skip
    """Count (where `out` is empty) or list the edges of each band: of one area in one row of cells."""
    y0, per_y, n_rows = row[0], row[1], row[2]
    for e in range(len(ends)):
        low = min(int((min(ends[e, 1], ends[e, 3]) - y0) * per_y), int(n_rows) - 1)
        high = min(int((max(ends[e, 1], ends[e, 3]) - y0) * per_y), int(n_rows) - 1)
        for r in range(low, high + 1):
            band = band_at[area[e]] + r - first_row[area[e]]
            if len(out):
                out[counts[band]] = e
            counts[band] += 1


@njit
def fill_cells(ends: Floats, area: Ixs, frame: Floats, keys: Ints) -> int:
    """Count (where `keys` is empty) or list area * n_cells + cell for every cell that an edge touches.

    `frame` holds x0, y0, columns per unit, rows per unit, number of columns, of rows. Cells are taken a
    little too large, so that rounding never loses one.
    """
    x0, y0, per_x, per_y = frame[0], frame[1], frame[2], frame[3]
    n_cols, n_rows = int(frame[4]), int(frame[5])
    count = 0
    for e in range(len(ends)):
        ax, ay, bx, by = ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        low = min(int((ay - y0) * per_y), n_rows - 1)
        high = min(int((by - y0) * per_y), n_rows - 1)
        for r in range(low, high + 1):
            west, east = min(ax, bx), max(ax, bx)
            if high > low and by > ay:
                bottom, top = y0 + (r - 1e-6) / per_y, y0 + (r + 1 + 1e-6) / per_y
                x_low = ax + (bx - ax) * min(max((bottom - ay) / (by - ay), 0.0), 1.0)
                x_high = ax + (bx - ax) * min(max((top - ay) / (by - ay), 0.0), 1.0)
                west, east = max(west, min(x_low, x_high)), min(east, max(x_low, x_high))
            first = max(min(int((west - x0) * per_x - 1e-6), n_cols - 1), 0)
            last = max(min(int((east - x0) * per_x + 1e-6), n_cols - 1), 0)
            for c in range(first, last + 1):
                if len(keys):
                    keys[count] = area[e] * n_cols * n_rows + r * n_cols + c
                count += 1
    return count


@njit
def fill_full(
    keys: Ints,
    ends: Floats,
    frame: Floats,
    band_at: Ints,
    first_row: Ixs,
    band_start: Ints,
    band_edge: Ixs,
    full: Ixs,
) -> None:
    """Note for each cell the lowest area that covers all of it; `keys` as from `fill_cells`, sorted and
    unique.

    Between two cells of a row that an area's border touches, the whole gap is inside or outside of it.
    """
    n_cols, n_rows = int(frame[4]), int(frame[5])
    n_cells = n_cols * n_rows
    for k in range(len(keys) - 1):
        a, here, there = keys[k] // n_cells, keys[k] % n_cells, keys[k + 1] % n_cells
        r = here // n_cols
        if keys[k + 1] // n_cells != a or there // n_cols != r or there == here + 1:
            continue
        band = band_at[a] + r - first_row[a]
        x = frame[0] + (here % n_cols + 1.5) / frame[2]
        y = frame[1] + (r + 0.5) / frame[3]
        if _in_area(x, y, ends, band_edge, band_start[band], band_start[band + 1]) == 1:
            for cell in range(here + 1, there):
                if full[cell] < 0 or a < full[cell]:
                    full[cell] = a


@njit
def locate_points(
    x: Floats, y: Floats, ends: Floats, frame: Floats, cell_start: Ints, cell_area: Ixs, full: Ixs, band_at:
    Ints, first_row: Ixs, band_start: Ints, band_edge: Ixs, area_ix: Ixs, status: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Write for each finite point the lowest area that covers it, and whether any border runs through it."""
    x0, y0, per_x, per_y = frame[0], frame[1], frame[2], frame[3]
    n_cols, n_rows = int(frame[4]), int(frame[5])
    for i in range(len(x)):
        px, py = x[i], y[i]
        area_ix[i], status[i] = -1, 2
        if not (frame[0] <= px <= frame[6] and frame[1] <= py <= frame[7]):
            continue
        r = min(int((py - y0) * per_y), n_rows - 1)
        cell = r * n_cols + min(int((px - x0) * per_x), n_cols - 1)
        best, border = full[cell], False
        for k in range(cell_start[cell], cell_start[cell + 1]):
            a = cell_area[k]
            band = band_at[a] + r - first_row[a]
            found = _in_area(px, py, ends, band_edge, band_start[band], band_start[band + 1])
            if found:
                border |= found == 2
                if best < 0 or a < best:
                    best = a
        if best >= 0:
            area_ix[i], status[i] = best, 1 if border else 0
