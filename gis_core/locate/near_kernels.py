"""Compiled kernels around borders: the nearest one, and the area of a circle in each polygon.

Arrays only, those of `borders.py`; `reference.py` gives the same by shapely.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["circle_shares", "nearest_border", "nearest_borders"]

Floats = NDArray[np.float64]
Boxes = NDArray[np.float32]
Ints = NDArray[np.int64]
Ixs = NDArray[np.int32]

#: Distances that differ by less than a micrometre are equal; the lowest code wins.
_TIE_M = 1e-6
#: Children of a node of the tree over edges.
_FAN = 8


@njit
def _box_distance2(px: float, py: float, kx: float, ky: float, boxes: Boxes, i: int) -> float:
    dx = max(boxes[i, 0] - px, px - boxes[i, 2], 0.0) * kx
    dy = max(boxes[i, 1] - py, py - boxes[i, 3], 0.0) * ky
    return dx * dx + dy * dy


@njit
def _along(px: float, py: float, kx: float, ky: float, vertices: Floats, e: int) -> tuple[float, float]:
    """Return the squared distance to an edge in metres, and where on it (0 to 1) the nearest point is."""
    ax, ay = (vertices[e, 0] - px) * kx, (vertices[e, 1] - py) * ky
    bx, by = (vertices[e + 1, 0] - px) * kx, (vertices[e + 1, 1] - py) * ky
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
    node: int, level: int, px: float, py: float, kx: float, ky: float, boxes: Boxes, levels: Ints,
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
def _nearest(
    px: float, py: float, kx: float, ky: float, near_edge: int, vertices: Floats, left: Ixs, right: Ixs,
    leaf_start: Ixs, leaf_stop: Ixs, leaf_run: Ixs, boxes: Boxes, levels: Ints, stack: Ints, depth: Floats,
) -> tuple[int, int, float]:  # fmt: skip
    """Return the area of the nearest border (of equals, the lowest), its edge, and where on it the point is.

    `near_edge` only tells how far to look.
    """
    best, best_area, best_edge, best_t = np.inf, -1, -1, 0.0
    limit = math.sqrt(_along(px, py, kx, ky, vertices, near_edge)[0]) + _TIE_M
    limit2 = limit * limit * (1.0 + 1e-12)
    stack[0], stack[1], depth[0], top = 0, len(levels) - 2, 0.0, 1
    while top > 0:
        top -= 1
        if depth[top] > limit2:
            continue
        node, level = stack[2 * top], stack[2 * top + 1]
        if level > 0:
            top = _open_node(node, level, px, py, kx, ky, boxes, levels, limit2, stack, depth, top)
            continue
        run = leaf_run[node]
        area = left[run] if right[run] < 0 else min(left[run], right[run])
        for e in range(leaf_start[node], leaf_stop[node]):
            d2, t = _along(px, py, kx, ky, vertices, e)
            if d2 > limit2:
                continue
            d = math.sqrt(d2)
            if d < best - _TIE_M or (d <= best + _TIE_M and area < best_area):
                best_area = area
            if d < best:
                best, best_edge, best_t = d, e, t
                limit2 = min(limit2, (best + _TIE_M) * (best + _TIE_M))
    return best_area, best_edge, best_t


@njit
def _on_edge(vertices: Floats, e: int, t: float, axis: int) -> float:
    return (
        vertices[e, axis] + t * (vertices[e + 1, axis] - vertices[e, axis])
        if t < 1.0
        else vertices[e + 1, axis]
    )


@njit
def nearest_borders(
    x: Floats, y: Floats, kx: Floats, ky: Floats, vertices: Floats, left: Ixs, right: Ixs, leaf_start: Ixs,
    leaf_stop: Ixs, leaf_run: Ixs, boxes: Boxes, levels: Ints, nearest: Ixs, foot: Floats,
) -> None:  # fmt: skip
    """Write for each point the area of the nearest border (of equals, the lowest) and the nearest point on it.

    `kx`, `ky` are metres per unit at each point; `levels[l]` is where the boxes of level l of the tree begin. What
    was nearest to the point before only tells how far to look, so that no answer depends on the other points.
    """
    stack, depth = np.empty(32 * _FAN, np.int64), np.empty(16 * _FAN)
    near_edge = int(leaf_start[0])
    for i in range(len(x)):
        area, e, t = _nearest(
            x[i], y[i], kx[i], ky[i], near_edge, vertices, left, right, leaf_start, leaf_stop, leaf_run, boxes,
            levels, stack, depth,
        )  # fmt: skip
        nearest[i] = area
        if e >= 0:
            near_edge = e
            foot[i, 0], foot[i, 1] = _on_edge(vertices, e, t, 0), _on_edge(vertices, e, t, 1)


@njit
def nearest_border(
    px: float, py: float, kx: float, ky: float, vertices: Floats, left: Ixs, right: Ixs, leaf_start: Ixs,
    leaf_stop: Ixs, leaf_run: Ixs, boxes: Boxes, levels: Ints,
) -> tuple[int, float, float]:  # fmt: skip
    """Return the same for one point: the area and the nearest point."""
    stack, depth = np.empty(32 * _FAN, np.int64), np.empty(16 * _FAN)
    area, e, t = _nearest(
        px, py, kx, ky, leaf_start[0], vertices, left, right, leaf_start, leaf_stop, leaf_run, boxes, levels,
        stack, depth,
    )  # fmt: skip
    return area, _on_edge(vertices, e, t, 0), _on_edge(vertices, e, t, 1)


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
    px: float, py: float, kx: float, ky: float, radius: float, vertices: Floats, left: Ixs, right: Ixs,
    leaf_start: Ixs, leaf_stop: Ixs, leaf_run: Ixs, boxes: Boxes, levels: Ints, stack: Ints, depth: Floats,
    seen: Ints, mark: int, found: Ixs,
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
        run = leaf_run[node]
        is_near = False
        for e in range(leaf_start[node], leaf_stop[node]):
            is_near = is_near or _along(px, py, kx, ky, vertices, e)[0] <= limit2
        if is_near:
            for area in (left[run], right[run]):
                if area >= 0 and seen[area] != mark:
                    seen[area] = mark
                    found[count] = area
                    count += 1
    return count


@njit
def _area_in_circle(
    px: float, py: float, kx: float, ky: float, r2: float, vertices: Floats, run_start: Ixs, area_run: Ixs,
    first: int, last: int,
) -> float:  # fmt: skip
    """Return the area that a polygon, given by its runs, shares with a circle."""
    total = 0.0
    for k in range(first, last):
        run = area_run[k]
        sign = 1.0
        if run < 0:
            run, sign = ~run, -1.0
        for e in range(run_start[run], run_start[run + 1] - 1):
            total += sign * _edge_in_circle(
                (vertices[e, 0] - px) * kx, (vertices[e, 1] - py) * ky,
                (vertices[e + 1, 0] - px) * kx, (vertices[e + 1, 1] - py) * ky, r2,
            )  # fmt: skip
    return total


@njit
def circle_shares(
    x: Floats, y: Floats, radius: Floats, kx: Floats, ky: Floats, area_ix: Ixs, vertices: Floats,
    run_start: Ixs, left: Ixs, right: Ixs, area_start: Ixs, area_run: Ixs, leaf_start: Ixs, leaf_stop: Ixs,
    leaf_run: Ixs, boxes: Boxes, levels: Ints, start: Ints,
) -> tuple[Ixs, Floats]:  # fmt: skip
    """Return the areas that each circle touches and their shares of it; fill `start` with their places."""
    stack, depth = np.empty(32 * _FAN, np.int64), np.empty(16 * _FAN)
    n_areas = len(area_start) - 1
    seen, found = np.zeros(n_areas, np.int64), np.empty(n_areas + 1, np.int32)
    out_ix, out_share = np.empty(len(x) * 2 + 16, np.int32), np.empty(len(x) * 2 + 16)
    size = 0
    for i in range(len(x)):
        count = 0
        if radius[i] > 0.0:
            count = _areas_within(
                x[i], y[i], kx[i], ky[i], radius[i], vertices, left, right, leaf_start, leaf_stop, leaf_run,
                boxes, levels, stack, depth, seen, i + 1, found,
            )  # fmt: skip
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
                total = _area_in_circle(
                    x[i], y[i], kx[i], ky[i], r2, vertices, run_start, area_run, area_start[a],
                    area_start[a + 1],
                )  # fmt: skip
                share = min(max(total / (math.pi * r2), 0.0), 1.0)
            out_ix[size + k], out_share[size + k] = a, share
        size += count
        start[i + 1] = size
    return out_ix[:size], out_share[:size]
