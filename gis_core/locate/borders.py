"""The borders of areas as runs of edges, each border once, with the area on either side of it.

Where two areas share an edge exactly, as in a polygon coverage, it is kept once: half of the memory, and a point
beside it needs one test. Where borders do not match, every edge has an area on its left only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["Borders", "build_borders"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ixs = NDArray[np.int32]

#: Children of a node of the tree over edges, and most edges of a leaf.
FAN, LEAF = 8, 16


@dataclass(frozen=True)
class Borders:
    """Arrays over v vertices, k runs, n areas; edge e goes from vertex e to vertex e + 1 of one run.

    Attributes
    ----------
    vertices : float64, shape (v, 2)
        Of all runs, one after another.
    run_start : int32, shape (k + 1,)
        First vertex of each run.
    left, right : int32, shape (k,)
        Area on the left and on the right of each run; -1 for none.
    area_start, area_run : int32, shape (n + 1,); int32
        Runs around each area; a run on the right of which it lies is given as ~run.
    leaf_start, leaf_stop, leaf_run : int32
        First edge, the one after the last, and the run of each leaf of the tree.
    boxes : float32, shape (., 4)
        Least and greatest x, y of the tree's nodes, rounded outwards, level by level, the leaves first.
    levels : int64
        Where each level begins in `boxes`.
    is_matched : bool
        No edge has the same area, or two areas, on one side.
    """

    vertices: Floats
    run_start: Ixs
    left: Ixs
    right: Ixs
    area_start: Ixs
    area_run: Ixs
    leaf_start: Ixs
    leaf_stop: Ixs
    leaf_run: Ixs
    boxes: NDArray[np.float32]
    levels: Ints
    is_matched: bool

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.__dict__.values() if isinstance(array, np.ndarray))


def build_borders(areas: NDArray[np.object_], *, match: bool = True) -> Borders:
    """Take polygons apart into runs of edges.

    Parameters
    ----------
    areas : object, shape (n,)
        shapely Polygons and MultiPolygons, valid and not empty.
    match : bool
        Whether an edge that two areas share is kept once; False where they do not fit together.

    Returns
    -------
    Borders

    Notes
    -----
    O(m) in the number of edges, but for sorting the leaves of the tree.
    """
    points, ring_of, area_of_ring = _rings(areas)
    twin = np.empty(len(points), np.int32)
    is_matched = match and bool(match_edges(points, ring_of, area_of_ring, twin))
    if not is_matched:
        twin[:] = -1
        skip_points(points, ring_of, twin)
    vertices, run_start = np.empty((2 * len(points), 2)), np.empty(len(points) + 1, np.int32)
    left, right = np.empty(len(points), np.int32), np.empty(len(points), np.int32)
    n_vertices, n_runs = write_runs(points, ring_of, area_of_ring, twin, vertices, run_start, left, right)
    vertices, run_start = vertices[:n_vertices].copy(), run_start[: n_runs + 1].copy()
    left, right = left[:n_runs].copy(), right[:n_runs].copy()
    area_start, area_run = _runs_of_areas(left, right, len(areas))
    start, stop, run = _leaves(run_start)
    order, boxes, levels = _tree(vertices, start, stop)
    return Borders(
        vertices, run_start, left, right, area_start, area_run, start[order], stop[order], run[order], boxes,
        levels,
        is_matched,
    )  # fmt: skip


def _rings(areas: NDArray[np.object_]) -> tuple[Floats, Ixs, Ixs]:
    """Return the vertices of all rings with the area on their left, their ring, and the area of each ring."""
    parts, of_area = shapely.get_parts(areas, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    of_ring = of_ring.astype(np.int32)
    is_shell = np.diff(of_part, prepend=-1) != 0
    points = points + 0.0  # no negative zeros, which are equal but have other bits
    orient_rings(points, of_ring, is_shell)
    return points, of_ring, of_area[of_part].astype(np.int32)


@njit
def orient_rings(points: Floats, ring_of: Ixs, is_shell: NDArray[np.bool_]) -> None:
    """Turn rings in place so that the area is on the left: shells to the left, holes to the right."""
    begin = 0
    while begin < len(points):
        end = begin
        total = 0.0
        while end < len(points) and ring_of[end] == ring_of[begin]:
            if end > begin:
                total += (points[end - 1, 0] - points[begin, 0]) * (points[end, 1] - points[begin, 1]) - (
                    points[end, 0] - points[begin, 0]
                ) * (points[end - 1, 1] - points[begin, 1])
            end += 1
        if (total < 0.0) == is_shell[ring_of[begin]]:
            low, high = begin, end - 1
            while low < high:
                for axis in range(2):
                    points[low, axis], points[high, axis] = points[high, axis], points[low, axis]
                low, high = low + 1, high - 1
        begin = end


@njit
def _is_edge(points: Floats, ring_of: Ixs, i: int) -> bool:
    return (
        i + 1 < len(points)
        and ring_of[i] == ring_of[i + 1]
        and (points[i, 0] != points[i + 1, 0] or points[i, 1] != points[i + 1, 1])
    )


@njit
def skip_points(points: Floats, ring_of: Ixs, twin: Ixs) -> None:
    """Note what is no edge: the last point of a ring, and a point that is repeated."""
    for i in range(len(points)):
        if not _is_edge(points, ring_of, i):
            twin[i] = -2


@njit
def match_edges(points: Floats, ring_of: Ixs, area_of_ring: Ixs, twin: Ixs) -> bool:
    """Write the edge that runs the other way between the same vertices; -1 for none, -2 where i is no edge.

    Returns False, with `twin` of no use, where two edges run the same way.
    """
    n = len(points)
    bits = points.view(np.uint64)
    size = 1
    while size < 2 * n:
        size *= 2
    slots = np.full(size, -1, np.int32)
    mask = np.uint64(size - 1)
    before = np.uint64(0)
    for i in range(n + 1):
        here = np.uint64(0)
        if i < n:
            here = (bits[i, 0] ^ (bits[i, 1] * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xC2B2AE3D27D4EB4F)
            here ^= here >> np.uint64(29)
        if i > 0:
            e = i - 1
            if not _is_edge(points, ring_of, e):
                twin[e] = -2
            else:
                twin[e] = -1
                key = (before + here) * np.uint64(0x165667B19E3779F9)
                slot = (key ^ (key >> np.uint64(32))) & mask
                while slots[slot] >= 0:
                    o = slots[slot]
                    if (
                        points[o, 0] == points[e + 1, 0]
                        and points[o, 1] == points[e + 1, 1]
                        and points[o + 1, 0] == points[e, 0]
                        and points[o + 1, 1] == points[e, 1]
                    ):
                        if twin[o] >= 0 or area_of_ring[ring_of[o]] == area_of_ring[ring_of[e]]:
                            return False
                        twin[o], twin[e] = e, o
                        break
                    if (
                        points[o, 0] == points[e, 0]
                        and points[o, 1] == points[e, 1]
                        and points[o + 1, 0] == points[e + 1, 0]
                        and points[o + 1, 1] == points[e + 1, 1]
                    ):
                        return False
                    slot = (slot + np.uint64(1)) & mask
                if twin[e] == -1:
                    slots[slot] = e
        before = here
    return True


@njit
def write_runs(
    points: Floats, ring_of: Ixs, area_of_ring: Ixs, twin: Ixs, vertices: Floats, run_start: Ixs, left: Ixs,
    right: Ixs,
) -> tuple[int, int]:  # fmt: skip
    """Write each edge once, in runs with one area on either side; return the numbers of vertices and runs."""
    size, runs = 0, 0
    open_run = False
    for i in range(len(points)):
        if twin[i] == -2 and i + 1 < len(points) and ring_of[i] == ring_of[i + 1]:
            continue  # a repeated point
        if twin[i] == -2 or 0 <= twin[i] < i:
            open_run = False
            continue
        a = area_of_ring[ring_of[i]]
        b = np.int32(-1) if twin[i] < 0 else area_of_ring[ring_of[twin[i]]]
        if not (open_run and left[runs - 1] == a and right[runs - 1] == b):
            left[runs], right[runs] = a, b
            vertices[size, 0], vertices[size, 1] = points[i, 0], points[i, 1]
            run_start[runs] = size
            runs += 1
            size += 1
            open_run = True
        vertices[size, 0], vertices[size, 1] = points[i + 1, 0], points[i + 1, 1]
        size += 1
    run_start[runs] = size
    return size, runs


def _runs_of_areas(left: Ixs, right: Ixs, n_areas: int) -> tuple[Ixs, Ixs]:
    """Return where the runs of each area begin, and the runs."""
    runs = np.arange(len(left), dtype=np.int32)
    has_right = right >= 0
    area = np.concatenate((left, right[has_right]))
    run = np.concatenate((runs, ~runs[has_right]))
    start = np.concatenate(([0], np.cumsum(np.bincount(area, minlength=n_areas))))
    return start.astype(np.int32), run[np.argsort(area, kind="stable")]


def _leaves(run_start: Ixs) -> tuple[Ixs, Ixs, Ixs]:
    """Cut runs into leaves of nearly equal length; return where each begins and stops, and its run."""
    edges = np.diff(run_start) - 1
    pieces = -(-edges // LEAF)
    run = np.repeat(np.arange(len(edges)), pieces)
    place = np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = run_start[run] + place * edges[run] // pieces[run]
    stop = run_start[run] + (place + 1) * edges[run] // pieces[run]
    return start.astype(np.int32), stop.astype(np.int32), run.astype(np.int32)


@njit
def leaf_boxes(vertices: Floats, start: Ixs, stop: Ixs, boxes: Floats) -> None:
    """Write the box of the edges of each leaf."""
    for i in range(len(start)):
        west, south = vertices[start[i], 0], vertices[start[i], 1]
        east, north = west, south
        for v in range(start[i] + 1, stop[i] + 1):
            west, east = min(west, vertices[v, 0]), max(east, vertices[v, 0])
            south, north = min(south, vertices[v, 1]), max(north, vertices[v, 1])
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = west, south, east, north


def _tree(vertices: Floats, start: Ixs, stop: Ixs) -> tuple[Ints, NDArray[np.float32], Ints]:
    """Return the Z-order of the leaves, and the boxes over them in this order, eight children to a node."""
    boxes = np.empty((len(start), 4))
    leaf_boxes(vertices, start, stop, boxes)
    middle = boxes[:, :2] + boxes[:, 2:]
    low, high = middle.min(axis=0), middle.max(axis=0)
    scaled = ((middle - low) / np.maximum(high - low, 1e-300) * 65535).astype(np.uint64)
    order = np.argsort(_spread(scaled[:, 0]) | (_spread(scaled[:, 1]) << np.uint64(1)), kind="stable")
    found = [boxes[order]]
    while len(found[-1]) > 1:
        below = found[-1]
        at = np.arange(0, len(below), FAN)
        found.append(
            np.column_stack(
                [np.minimum.reduceat(below[:, :2], at, axis=0), np.maximum.reduceat(below[:, 2:], at, axis=0)]
            )
        )
    levels = np.concatenate(([0], np.cumsum([len(level) for level in found]))).astype(np.int64)
    return order, _outwards(np.concatenate(found)), levels


def _outwards(boxes: Floats) -> NDArray[np.float32]:
    """Round boxes to 32 bits so that none gets smaller."""
    rounded = boxes.astype(np.float32)
    low, high = rounded[:, :2], rounded[:, 2:]
    low[:] = np.where(low > boxes[:, :2], np.nextafter(low, np.float32(-np.inf)), low)
    high[:] = np.where(high < boxes[:, 2:], np.nextafter(high, np.float32(np.inf)), high)
    return rounded


def _spread(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between the 16 bits of each value."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | (value << np.uint64(shift))) & np.uint64(mask)
    return value
