"""Points along footprints, from which the ground between buildings is divided.

Points stand a little inside the walls. Along a wall they stand at multiples of the spacing counted from a common
origin, so that two walls that face each other, or are one wall, get their points at the same places and the border
between them comes out straight.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["sample_footprints", "sample_rings", "sample_rings_reference"]

#: Distance of the points from the wall in metres, less for narrow footprints.
INSET_M = 0.3
#: Edge of the squares that share an origin, in metres: a wall's direction differs little from its twin's across it.
_ORIGIN_M = 256.0


def sample_footprints(
    footprints: NDArray[np.object_], spacing_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Place points along the walls of footprints; a footprint that is a point is its own sample.

    Parameters
    ----------
    footprints : object, shape (n,)
        Polygons, MultiPolygons or Points in projected metres.
    spacing_m : float
        Distance between points along a wall.

    Returns
    -------
    xy : float64, shape (n_points, 2)
    owner : int64, shape (n_points,)
        Position of the footprint that each point belongs to, ascending.
    """
    points, point_owner = shapely.get_parts(footprints, return_index=True)
    single = shapely.get_type_id(points) == 0
    polygons, polygon_owner = points[~single], point_owner[~single]
    rings, ring_polygon = shapely.get_rings(shapely.orient_polygons(polygons), return_index=True)
    inset = np.minimum(INSET_M, 0.5 * shapely.area(polygons) / np.maximum(shapely.length(polygons), 1e-9))
    coords, ring_of = shapely.get_coordinates(rings, return_index=True)
    start = np.searchsorted(ring_of, np.arange(len(rings) + 1))
    xy, ring = sample_rings(coords, start, inset[ring_polygon], spacing_m)
    owner = np.concatenate([point_owner[single], polygon_owner[ring_polygon[ring]]])
    xy = np.concatenate([shapely.get_coordinates(points[single]), xy])
    order = np.argsort(owner, kind="stable")
    return xy[order], owner[order]


@njit
def _positions(ax, ay, ux, uy, length, inset, spacing, out):  # type: ignore[no-untyped-def]
    """Write the distances along one wall at which points stand; return how many."""
    if length <= 2.0 * inset + 1e-9:
        out[0] = 0.5 * length
        return 1
    out[0] = inset
    count = 1
    room = length - 2.0 * inset
    if room > 0.5 * spacing:
        sign = 1.0 if (ux > 1e-9 or (abs(ux) <= 1e-9 and uy > 0.0)) else -1.0
        x0 = math.floor((ax + 0.5 * ux * length) / _ORIGIN_M) * _ORIGIN_M
        y0 = math.floor((ay + 0.5 * uy * length) / _ORIGIN_M) * _ORIGIN_M
        along = sign * ((ax - x0) * ux + (ay - y0) * uy)
        # positions t with along + sign * t a multiple of the spacing
        first = (
            (math.ceil(along / spacing) * spacing - along)
            if sign > 0
            else (along - math.floor(along / spacing) * spacing)
        )
        t = first
        while t < length - inset - 0.25 * spacing:
            if t > inset + 0.25 * spacing and count < len(out) - 1:
                out[count] = t
                count += 1
            t += spacing
    out[count] = length - inset
    return count + 1


@njit
def _walk(coords, start, inset, spacing, xy, ring_ix, fill):  # type: ignore[no-untyped-def]
    """Count the points of all rings, and write them where `fill` is set."""
    total = 0
    for ring in range(len(start) - 1):
        depth = inset[ring]
        for i in range(start[ring], start[ring + 1] - 1):
            ax, ay = coords[i, 0], coords[i, 1]
            dx, dy = coords[i + 1, 0] - ax, coords[i + 1, 1] - ay
            length = math.sqrt(dx * dx + dy * dy)
            if length < 1e-6:
                continue
            ux, uy = dx / length, dy / length
            room = int(length / spacing) + 4
            if not fill:
                total += room
                continue
            out = np.empty(room)
            count = _positions(ax, ay, ux, uy, length, min(depth, 0.5 * length), spacing, out)
            for k in range(count):
                xy[total, 0] = ax + ux * out[k] - uy * depth
                xy[total, 1] = ay + uy * out[k] + ux * depth
                ring_ix[total] = ring
                total += 1
    return total


def sample_rings(
    coords: NDArray[np.float64], start: NDArray[np.int64], inset: NDArray[np.float64], spacing_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Place points along closed rings, to the left of their direction.

    Parameters
    ----------
    coords : float64, shape (n_vertices, 2)
        Rings one after the other, the first vertex repeated at the end.
    start : int64, shape (n_rings + 1,)
        First vertex of each ring.
    inset : float64, shape (n_rings,)
        Metres to the left.
    spacing_m : float
        Metres between points.

    Returns
    -------
    xy : float64, shape (n_points, 2)
    ring_ix : int64, shape (n_points,)
    """
    nothing, no_ring = np.empty((0, 2)), np.empty(0, np.int64)
    room = _walk(coords, start, inset, spacing_m, nothing, no_ring, False)
    xy, ring_ix = np.empty((room, 2)), np.empty(room, np.int64)
    used = _walk(coords, start, inset, spacing_m, xy, ring_ix, True)
    return xy[:used].copy(), ring_ix[:used].copy()


def sample_rings_reference(
    coords: NDArray[np.float64], start: NDArray[np.int64], inset: NDArray[np.float64], spacing_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Do what `sample_rings` does, a wall at a time in plain Python; tests compare the two."""
    xy: list[tuple[float, float]] = []
    ring_ix: list[int] = []
    for ring in range(len(start) - 1):
        for a, b in zip(
            coords[start[ring] : start[ring + 1] - 1], coords[start[ring] + 1 : start[ring + 1]], strict=True
        ):
            length = math.dist(a, b)
            if length < 1e-6:
                continue
            u = (b - a) / length
            for t in _positions_reference(a, u, length, min(inset[ring], 0.5 * length), spacing_m):
                point = a + u * t + np.array([-u[1], u[0]]) * inset[ring]
                xy.append((float(point[0]), float(point[1])))
                ring_ix.append(ring)
    return np.array(xy).reshape(-1, 2), np.array(ring_ix, dtype=np.int64)


def _positions_reference(
    a: NDArray[np.float64], u: NDArray[np.float64], length: float, inset: float, spacing: float
) -> list[float]:
    if length <= 2 * inset + 1e-9:
        return [0.5 * length]
    middle: list[float] = []
    if length - 2 * inset > 0.5 * spacing:
        sign = 1.0 if (u[0] > 1e-9 or (abs(u[0]) <= 1e-9 and u[1] > 0)) else -1.0
        origin = np.floor((a + 0.5 * u * length) / _ORIGIN_M) * _ORIGIN_M
        along = sign * float(np.dot(a - origin, u))
        first = (
            math.ceil(along / spacing) * spacing - along
            if sign > 0
            else along - math.floor(along / spacing) * spacing
        )
        count = max(0, math.ceil((length - first) / spacing) + 1)
        middle = [first + k * spacing for k in range(count)]
        middle = [t for t in middle if inset + 0.25 * spacing < t < length - inset - 0.25 * spacing]
    return [inset, *middle, length - inset]
