"""Compiled kernels of the locator: exact point in polygon, nearest border, area of a circle in a polygon.

A side test that rounding could spoil is repeated in exact arithmetic, so `inside` and `on the border` are
never a matter of luck. Arrays only; the index they work on is built in `index.py`. `reference.py` gives the
same by shapely.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["circle_shares", "fill_bands", "fill_cells", "fill_full", "locate_points", "nearest_edges"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ixs = NDArray[np.int32]

#: (3 + 16 eps) eps of Shewchuk 1997, doi:10.1007/PL00009321: below this share of the sum, the sign may be
#: wrong.
_FILTER = 3.3306690738754716e-16
_SPLITTER = 134217729.0
#: Distances that differ by less than a micrometre are equal; the lowest code wins.
_TIE_M = 1e-6
#: Children of a node of the tree over edges, and edges of a leaf.
_FAN = 8


@njit
def _two_product(a: float, b: float) -> tuple[float, float]:
    """Return a * b as a sum of two floats without error."""
    product = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@njit
def _exact_side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    """Return the exact sign of the cross product (a - p) x (b - p) as the leading part of an expansion."""
    left = (ax, -ax, -px, -ay, ay, py)
    right = (by, py, by, bx, px, bx)
    expansion = np.zeros(12)
    size = 0
    for i in range(6):
        high, low = _two_product(left[i], right[i])
        for part in (low, high):
            total = part
            for j in range(size):
                old = expansion[j]
                new = total + old
                virtual = new - total
                expansion[j] = (total - (new - virtual)) + (old - virtual)
                total = new
            expansion[size] = total
            size += 1
    for j in range(size - 1, -1, -1):
        if expansion[j] != 0.0:
            return expansion[j]
    return 0.0


@njit
def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    """Return > 0 where p lies left of a -> b, < 0 right of it, 0 exactly on the line."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    det = left - right
    if abs(det) > _FILTER * (abs(left) + abs(right)):
        return det
    return _exact_side(ax, ay, bx, by, px, py)


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


@njit
def _box_distance2(px: float, py: float, kx: float, ky: float, boxes: Floats, i: int) -> float:
    dx = max(boxes[i, 0] - px, px - boxes[i, 2], 0.0) * kx
    dy = max(boxes[i, 1] - py, py - boxes[i, 3], 0.0) * ky
    return dx * dx + dy * dy


@njit
def _along(px: float, py: float, kx: float, ky: float, ends: Floats, e: int) -> tuple[float, float]:
    """Return the squared distance to an edge in metres, and where on it (0 to 1) the nearest point is."""
    ax, ay = (ends[e, 0] - px) * kx, (ends[e, 1] - py) * ky
    bx, by = (ends[e, 2] - px) * kx, (ends[e, 3] - py) * ky
    dx, dy = bx - ax, by - ay
    along = -(ax * dx + ay * dy)
    if along <= 0.0:
        return ax * ax + ay * ay, 0.0
    length2 = dx * dx + dy * dy
    if along >= length2:
        return bx * bx + by * by, 1.0
    t = along / length2
    qx, qy = ax + t * dx, ay + t * dy
    return qx * qx + qy * qy, t


@njit
def _open_node(
    node: int, level: int, px: float, py: float, kx: float, ky: float, boxes: Floats, levels: Ints,
    limit2: float, stack: Ints, depth: Floats, top: int,
) -> int:  # fmt: skip
    """Push the children of a node that are near enough, the nearest last; return the stack's new height."""
    base = top
    for child in range(node * _FAN, min((node + 1) * _FAN, levels[level] - levels[level - 1])):
        d2 = _box_distance2(px, py, kx, ky, boxes, levels[level - 1] + child)
        if d2 > limit2:
            continue
        at = top
        while at > base and depth[at - 1] < d2:
            depth[at], stack[2 * at], stack[2 * at + 1] = depth[at - 1], stack[2 * at - 2], stack[2 * at - 1]
            at -= 1
        depth[at], stack[2 * at], stack[2 * at + 1] = d2, child, level - 1
        top += 1
    return top


@njit
def nearest_edges(
    x: Floats, y: Floats, kx: Floats, ky: Floats, ends: Floats, area: Ixs, order: Ixs, boxes: Floats, levels:
    Ints, nearest: Ixs, foot: Floats,
) -> None:  # fmt: skip
    """Write for each point the area of the nearest border (of equals, the lowest) and the nearest point on
    it.

    `kx`, `ky` are metres per unit at each point; `levels[l]` is where the boxes of level l of the tree begin.
    """
    stack, depth = np.empty(32 * _FAN, np.int64), np.empty(16 * _FAN)
    n_levels = len(levels) - 1
    for i in range(len(x)):
        px, py = x[i], y[i]
        best, limit2, best_area = np.inf, np.inf, np.int32(-1)
        stack[0], stack[1], depth[0], top = 0, n_levels - 1, 0.0, 1
        while top > 0:
            top -= 1
            if depth[top] > limit2:
                continue
            node, level = stack[2 * top], stack[2 * top + 1]
            if level > 0:
                top = _open_node(node, level, px, py, kx[i], ky[i], boxes, levels, limit2, stack, depth, top)
                continue
            for k in range(node * _FAN, min((node + 1) * _FAN, len(order))):
                e = order[k]
                d2, t = _along(px, py, kx[i], ky[i], ends, e)
                if d2 > limit2:
                    continue
                d = math.sqrt(d2)
                if d < best:
                    foot[i, 0] = ends[e, 0] + t * (ends[e, 2] - ends[e, 0]) if t < 1.0 else ends[e, 2]
                    foot[i, 1] = ends[e, 1] + t * (ends[e, 3] - ends[e, 1]) if t < 1.0 else ends[e, 3]
                if d < best - _TIE_M or (d <= best + _TIE_M and area[e] < best_area):
                    best_area = area[e]
                best = min(best, d)
                limit2 = (best + _TIE_M) * (best + _TIE_M)
        nearest[i] = best_area


@njit
def _sector(ax: float, ay: float, bx: float, by: float, r2: float) -> float:
    return 0.5 * r2 * math.atan2(ax * by - ay * bx, ax * bx + ay * by)


@njit
def _edge_in_circle(ax: float, ay: float, bx: float, by: float, r2: float) -> float:
    """Return the signed area that the triangle (centre, a, b) shares with the circle around the centre."""
    dx, dy = bx - ax, by - ay
    a, b, c = dx * dx + dy * dy, ax * dx + ay * dy, ax * ax + ay * ay - r2
    root = b * b - a * c
    if root <= 0.0:
        return _sector(ax, ay, bx, by, r2)
    root = math.sqrt(root)
    t1, t2 = (-b - root) / a, (-b + root) / a
    if t2 <= 0.0 or t1 >= 1.0:
        return _sector(ax, ay, bx, by, r2)
    u, v = max(t1, 0.0), min(t2, 1.0)
    px, py, qx, qy = ax + u * dx, ay + u * dy, ax + v * dx, ay + v * dy
    total = 0.5 * (px * qy - py * qx)
    if t1 > 0.0:
        total += _sector(ax, ay, px, py, r2)
    if t2 < 1.0:
        total += _sector(qx, qy, bx, by, r2)
    return total


@njit
def _areas_within(
    px: float, py: float, kx: float, ky: float, radius: float, ends: Floats, area: Ixs, order: Ixs,
    boxes: Floats, levels: Ints, stack: Ints, depth: Floats, seen: Ints, mark: int, found: Ixs,
) -> int:  # fmt: skip
    """List the areas with a border within the radius; return how many. `seen` marks what is listed."""
    count, limit2 = 0, radius * radius
    stack[0], stack[1], depth[0], top = 0, len(levels) - 2, 0.0, 1
    while top > 0:
        top -= 1
        node, level = stack[2 * top], stack[2 * top + 1]
        if level > 0:
            top = _open_node(node, level, px, py, kx, ky, boxes, levels, limit2, stack, depth, top)
            continue
        for k in range(node * _FAN, min((node + 1) * _FAN, len(order))):
            e = order[k]
            if seen[area[e]] != mark and _along(px, py, kx, ky, ends, e)[0] <= limit2:
                seen[area[e]] = mark
                found[count] = area[e]
                count += 1
    return count


@njit
def circle_shares(
    x: Floats, y: Floats, radius: Floats, kx: Floats, ky: Floats, area_ix: Ixs, ends: Floats, area: Ixs,
    edge_start: Ints, order: Ixs, boxes: Floats, levels: Ints, start: Ints,
) -> tuple[Ixs, Floats]:  # fmt: skip
    """Return the areas that each circle touches and their shares of it; fill `start` with their places."""
    stack, depth = np.empty(32 * _FAN, np.int64), np.empty(16 * _FAN)
    n_areas = len(edge_start) - 1
    seen, found = np.zeros(n_areas, np.int64), np.empty(n_areas + 1, np.int32)
    out_ix, out_share = np.empty(len(x) * 2 + 16, np.int32), np.empty(len(x) * 2 + 16)
    size = 0
    for i in range(len(x)):
        count = 0
        if radius[i] > 0.0:
            count = _areas_within(
                x[i],
                y[i],
                kx[i],
                ky[i],
                radius[i],
                ends,
                area,
                order,
                boxes,
                levels,
                stack,
                depth,
                seen,
                i + 1,
                found,
            )
        if radius[i] >= 0.0 and area_ix[i] >= 0 and (radius[i] == 0.0 or seen[area_ix[i]] != i + 1):
            found[count] = area_ix[i]
            count += 1
        if size + count > len(out_ix):
            more = size + count + len(out_ix)
            new_ix, new_share = np.empty(more, np.int32), np.empty(more)
            new_ix[:size], new_share[:size] = out_ix[:size], out_share[:size]
            out_ix, out_share = new_ix, new_share
        r2 = radius[i] * radius[i]
        for k in range(count):
            a = found[k]
            share = 1.0
            if radius[i] > 0.0 and seen[a] == i + 1:
                total = 0.0
                for e in range(edge_start[a], edge_start[a + 1]):
                    total += _edge_in_circle(
                        (ends[e, 0] - x[i]) * kx[i], (ends[e, 1] - y[i]) * ky[i],
                        (ends[e, 2] - x[i]) * kx[i], (ends[e, 3] - y[i]) * ky[i], r2,
                    )  # fmt: skip
                share = min(max(total / (math.pi * r2), 0.0), 1.0)
            out_ix[size + k], out_share[size + k] = a, share
        size += count
        start[i + 1] = size
    return out_ix[:size], out_share[:size]
