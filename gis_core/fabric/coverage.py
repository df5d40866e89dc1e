"""Make polygons that were cut apart from each other share every vertex: the exact polygon coverage.

Works on half-edges: each side of a polygon must be the reverse of a side of its neighbor, or lie on the outer frame.
Where a border ends on a neighbor's side (a T-junction), the vertex is inserted there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis_core._compat import njit

__all__ = ["HalfEdges", "beside_gaps", "half_edges", "insert_junctions", "mend", "node_again"]

#: Vertices closer than this (metres) are one: a few steps of the grid that all lines were noded on.
MERGE_M = 5e-6
#: A vertex this close to a side (metres) stands on it; more than merging may have moved either of them.
ON_SIDE_M = 2e-5
#: A side whose middle is farther than this (metres) from the outline of the whole is not on it.
OFF_OUTLINE_M = 1e-2
#: A stray below this that no polygon of its group touches goes to one of another group, m2.
TINY_M2 = 0.1


@dataclass(frozen=True)
class HalfEdges:
    """Directed sides of polygons.

    Attributes
    ----------
    polygon_ix : int32, shape (n_sides,)
    start_xy, end_xy : float64, shape (n_sides, 2)
    twin : int64, shape (n_sides,)
        The same side seen from the neighbor; -1 where there is none.
    """

    polygon_ix: NDArray[np.int32]
    start_xy: NDArray[np.float64]
    end_xy: NDArray[np.float64]
    twin: NDArray[np.int64]


def half_edges(polygons: NDArray[np.object_]) -> HalfEdges:
    """Take polygons, all wound the same way, apart into directed sides and pair each with its reverse."""
    coords, ring_of, polygon_of = _rings(polygons)
    side = np.flatnonzero(ring_of[1:] == ring_of[:-1])
    vertex = np.empty(len(coords), dtype=np.int64)
    _number_vertices(np.ascontiguousarray(coords).view(np.int64), vertex)
    start, end = vertex[side], vertex[side + 1]
    twin = np.empty(len(side), dtype=np.int64)
    _pair_sides(start, end, twin)
    return HalfEdges(polygon_of[ring_of[side]].astype(np.int32), coords[side], coords[side + 1], twin)


def insert_junctions(polygons: NDArray[np.object_], *, merge: bool = True) -> NDArray[np.object_]:
    """Insert the vertices that a neighbor has on a side and the polygon itself has not.

    Parameters
    ----------
    polygons : object, shape (n,)
        shapely Polygons, all wound the same way, that fit together but for missing vertices.
    merge : bool
        Whether vertices that are nearly the same become one first.

    Returns
    -------
    object, shape (n,)
        The same polygons, edge-matched; only those that gained a vertex are new objects.
    """
    if merge:
        polygons = _merge_close(polygons)
    sides = half_edges(polygons)
    open_ = np.flatnonzero(sides.twin < 0)
    ends = np.unique(np.concatenate([sides.start_xy[open_], sides.end_xy[open_]]), axis=0)
    lines = shapely.linestrings(np.stack([sides.start_xy[open_], sides.end_xy[open_]], axis=1))
    line, point = shapely.STRtree(shapely.points(ends)).query(lines, predicate="dwithin", distance=ON_SIDE_M)
    a, b, p = sides.start_xy[open_[line]], sides.end_xy[open_[line]], ends[point]
    along = ((p - a) * (b - a)).sum(axis=1) / np.maximum(((b - a) ** 2).sum(axis=1), 1e-30)
    inner = (along > 0) & (along < 1) & (p != a).any(axis=1) & (p != b).any(axis=1)
    side, along, p = open_[line[inner]], along[inner], p[inner]
    if not len(side):
        return polygons
    order = np.lexsort((along, side))
    return _rebuild(polygons, side[order], p[order])


def beside_gaps(polygons: NDArray[np.object_], frame: object) -> NDArray[np.bool_]:
    """Mark the polygons with a side that no neighbor shares though it is not on the outline of the whole.

    `shapely.coverage_is_valid` says nothing of ground that no polygon has; its outline is made of such sides, however
    narrow it is.

    Parameters
    ----------
    polygons : object, shape (n,)
        A valid polygon coverage, all wound the same way.
    frame : shapely geometry
        What they cover together.

    Returns
    -------
    bool, shape (n,)
    """
    sides = half_edges(polygons)
    open_ = np.flatnonzero(sides.twin < 0)
    middle = shapely.points((sides.start_xy[open_] + sides.end_xy[open_]) / 2)
    outline = shapely.boundary(frame)
    shapely.prepare(outline)
    inside = ~shapely.dwithin(outline, middle, OFF_OUTLINE_M)
    found = np.zeros(len(polygons), dtype=bool)
    found[sides.polygon_ix[open_[inside]]] = True
    return found


def node_again(
    polygons: NDArray[np.object_], group: NDArray[np.int32], grid_size: float
) -> NDArray[np.object_]:
    """Make a coverage of polygons that nearly are one, by noding all their outlines at once on a coarser grid.

    Slower than `insert_junctions`, and moves vertices by up to `grid_size`; for the rare case that it does not do.

    Parameters
    ----------
    polygons : object, shape (n,)
    group : int32, shape (n,)
        Ground changes hands only between polygons of one group, but for strays of less than `TINY_M2` that touch none.
    grid_size : float
        Metres.

    Returns
    -------
    object, shape (n,)
        Polygons in one piece; empty where nothing was left of one.
    """
    outlines = shapely.get_parts(shapely.boundary(polygons))
    noded = shapely.union_all(outlines, grid_size=grid_size)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    tree = shapely.STRtree(polygons)
    owner = tree.nearest(shapely.point_on_surface(faces))
    covered = shapely.area(shapely.intersection(faces, polygons[owner])) > 0.5 * shapely.area(faces)
    faces, owner = faces[covered], owner[covered]
    owner = _strays_to_neighbors(faces, owner, group)
    result = np.array([shapely.Polygon()] * len(polygons), dtype=object)
    order = np.argsort(owner, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(owner[order])) + 1):
        result[owner[mine[0]]] = shapely.coverage_union_all(faces[mine]) if len(mine) > 1 else faces[mine[0]]
    single = [
        shapely.get_parts(polygon)[0]
        if polygon.geom_type == "MultiPolygon" and len(polygon.geoms) == 1
        else polygon
        for polygon in result
    ]
    return shapely.orient_polygons(np.array(single, dtype=object))


def mend(
    polygons: NDArray[np.object_], faulty: NDArray[np.bool_], group: NDArray[np.int32], grid_size: float
) -> NDArray[np.object_]:
    """Node again only what is faulty and what touches it; the polygons around follow where their corners moved.

    What `node_again` takes in time and memory grows with the whole town, though it is a few cells that do not fit.

    Parameters
    ----------
    polygons : object, shape (n,)
        Polygons, all wound the same way.
    faulty : bool, shape (n,)
    group : int32, shape (n,)
        See `node_again`.
    grid_size : float
        Metres.

    Returns
    -------
    object, shape (n,)
        Not edge-matched yet where the patch ends.
    """
    tree = shapely.STRtree(polygons)
    patch = _touching(tree, polygons[faulty])
    around = np.setdiff1d(_touching(tree, polygons[patch]), patch)
    corners = np.unique(shapely.get_coordinates(polygons[patch]), axis=0)
    rounded = shapely.get_coordinates(shapely.set_precision(shapely.points(corners), grid_size))
    moved = dict(zip(map(tuple, corners.tolist()), rounded, strict=True))
    result = polygons.copy()
    result[patch] = node_again(polygons[patch], group[patch], grid_size)
    result[around] = shapely.transform(
        polygons[around], lambda xy: np.array([moved.get(tuple(point), point) for point in xy.tolist()])
    )
    return result


def _touching(tree: shapely.STRtree, polygons: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the polygons of a tree that touch some others, these among them."""
    return np.unique(tree.query(polygons, predicate="dwithin", distance=ON_SIDE_M)[1])


def _strays_to_neighbors(
    faces: NDArray[np.object_], owner: NDArray[np.int64], group: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Give pieces that do not hang together with the largest one of their owner to the neighbor with most border."""
    sides = half_edges(shapely.orient_polygons(faces))
    at = np.flatnonzero(sides.twin >= 0)
    a, b = sides.polygon_ix[at], sides.polygon_ix[sides.twin[at]]
    length = np.hypot(*(sides.end_xy[at] - sides.start_xy[at]).T)
    same = owner[a] == owner[b]
    links = coo_matrix((np.ones(int(same.sum())), (a[same], b[same])), shape=(len(faces), len(faces)))
    piece = connected_components(links, directed=False)[1]
    size = np.bincount(piece, weights=shapely.area(faces))
    piece_owner = np.zeros(len(size), dtype=np.int64)
    piece_owner[piece] = owner
    largest = np.zeros(len(group), dtype=np.float64)
    np.maximum.at(largest, piece_owner, size)
    owner = owner.copy()
    for stray in np.flatnonzero(size < largest[piece_owner]):
        touching = (piece[a] == stray) & (piece[b] != stray)
        in_group = touching & (group[owner[b]] == group[piece_owner[stray]])
        if in_group.any() or size[stray] >= TINY_M2:
            touching = in_group
        if touching.any():
            names, row = np.unique(owner[b[touching]], return_inverse=True)
            owner[piece == stray] = names[np.argmax(np.bincount(row, weights=length[touching]))]
    return owner


def _merge_close(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Move vertices on unmatched sides that are nearly the same onto one of them, in every polygon that has them.

    Two neighbors may round the same crossing to different points of the grid; without this, both would be inserted.
    """
    sides = half_edges(polygons)
    open_ = sides.twin < 0
    ends = np.unique(np.concatenate([sides.start_xy[open_], sides.end_xy[open_]]), axis=0)
    pairs = cKDTree(ends).query_pairs(MERGE_M, output_type="ndarray")
    if not len(pairs):
        return polygons
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(ends), len(ends)))
    label = connected_components(links, directed=False)[1]
    first = np.full(label.max() + 1, len(ends), dtype=np.int64)
    np.minimum.at(first, label, np.arange(len(ends)))
    target = first[label]
    moved = {tuple(ends[ix]): ends[target[ix]] for ix in np.flatnonzero(target != np.arange(len(ends)))}
    west = np.isin(sides.start_xy[:, 0], np.array([x for x, _ in moved]))
    touched = np.unique(sides.polygon_ix[west])

    def shift(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([moved.get(tuple(point), point) for point in xy])

    result = polygons.copy()
    result[touched] = shapely.remove_repeated_points(shapely.transform(polygons[touched], shift))
    return result


def _rings(polygons: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertices of all rings, the ring of each vertex, and the polygon of each ring."""
    rings, polygon_of = shapely.get_rings(polygons, return_index=True)
    coords, ring_of = shapely.get_coordinates(rings, return_index=True)
    return coords, ring_of, polygon_of


def _rebuild(
    polygons: NDArray[np.object_], side: NDArray[np.int64], xy: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Insert vertices behind the start of the sides named; `side` ascends."""
    coords, ring_of, polygon_of = _rings(polygons)
    behind = np.flatnonzero(ring_of[1:] == ring_of[:-1])[side]
    touched = np.unique(polygon_of[ring_of[behind]])
    coords = np.insert(coords, behind + 1, xy, axis=0)
    ring_of = np.insert(ring_of, behind + 1, ring_of[behind])
    keep = np.isin(polygon_of[ring_of], touched)
    ring, at = np.unique(ring_of[keep], return_inverse=True)
    rings = shapely.linearrings(coords[keep], indices=at)
    result = polygons.copy()
    result[touched] = _polygons(rings, np.searchsorted(touched, polygon_of[ring]), len(touched))
    return result


def _polygons(rings: NDArray[np.object_], owner: NDArray[np.int64], n: int) -> NDArray[np.object_]:
    """Put rings together again: the first ring of each owner is its shell, the others its holes."""
    first = np.searchsorted(owner, np.arange(n))
    made = shapely.polygons(rings[first])
    for ix in np.flatnonzero(np.bincount(owner, minlength=n) > 1):
        mine = rings[owner == ix]
        made[ix] = shapely.Polygon(mine[0], list(mine[1:]))
    return made


@njit
def _number_vertices(bits, vertex):  # type: ignore[no-untyped-def]
    """Give equal coordinates (bit for bit) equal numbers: the position at which they first occur."""
    size = 1
    while size < 2 * len(bits) + 2:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    for i in range(len(bits)):
        key = (bits[i, 0] * np.int64(-7046029254386353131)) ^ (
            (bits[i, 1] + (bits[i, 0] >> 17)) * np.int64(-4417276706812531889)
        )
        slot = (key ^ (key >> 29) ^ (key >> 43)) & (size - 1)
        while True:
            other = table[slot]
            if other < 0:
                table[slot] = i
                vertex[i] = i
                break
            if bits[other, 0] == bits[i, 0] and bits[other, 1] == bits[i, 1]:
                vertex[i] = other
                break
            slot = (slot + 1) & (size - 1)


@njit
def _pair_sides(start, end, twin):  # type: ignore[no-untyped-def]
    """Find for each directed side the one from its end to its start."""
    size = 1
    while size < 2 * len(start) + 2:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    twin[:] = -1
    for i in range(len(start)):
        low, high = min(start[i], end[i]), max(start[i], end[i])
        key = (low * np.int64(-7046029254386353131)) ^ (high * np.int64(-4417276706812531889))
        slot = (key ^ (key >> 29) ^ (key >> 43)) & (size - 1)
        while True:
            other = table[slot]
            if other < 0:
                table[slot] = i
                break
            if start[other] == end[i] and end[other] == start[i] and twin[other] < 0:
                twin[i] = other
                twin[other] = i
                break
            slot = (slot + 1) & (size - 1)
