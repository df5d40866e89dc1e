"""Cut one enclosure into the ground of each building that stands in it.

The ground is divided by the Voronoi diagram of points along the footprints (Fleischmann et al. 2020,
doi:10.1016/j.compenvurbsys.2019.101441), but only the borders between different owners are kept, straightened, and
noded together with the outline of the enclosure: the pieces are an exact polygon coverage of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay, cKDTree

from gis_core.fabric.enclosures import GRID_SIZE_M, split_by_lines

__all__ = ["Pieces", "divide_enclosure", "one_piece_each"]

#: Borders between cells are straightened by at most this.
SIMPLIFY_M = 0.15


@dataclass(frozen=True)
class Pieces:
    """Cells of one enclosure: `polygons[i]` is the ground of `owner[i]`; an owner without ground is missing."""

    polygons: NDArray[np.object_]
    owner: NDArray[np.int64]


def divide_enclosure(
    enclosure: object, xy: NDArray[np.float64], owner: NDArray[np.int64], footprints: dict[int, object]
) -> Pieces:
    """Divide one enclosure among the owners of the points in it.

    Parameters
    ----------
    enclosure : shapely.Polygon
        In projected metres.
    xy : float64, shape (n_points, 2)
    owner : int64, shape (n_points,)
        At least one owner.
    footprints : dict
        Footprint of each owner; ground that does not meet it goes to a neighbor, and the main piece is chosen by it
        where what is left falls apart.

    Returns
    -------
    Pieces
        One polygon in one piece per owner that has ground at its footprint; together they are the enclosure.

    Notes
    -----
    An owner whose points stand outside the enclosure, or whose footprint others cover, may have no such ground.
    """
    owners = np.unique(owner)
    if len(owners) == 1:
        return Pieces(np.array([enclosure], dtype=object), owners)
    for tolerance in (SIMPLIFY_M, 0.0):
        lines = _borders(enclosure, xy, owner, tolerance)
        faces = split_by_lines(enclosure, lines)
        nearest = cKDTree(xy).query(shapely.get_coordinates(shapely.point_on_surface(faces)))[1]
        face_owner = owner[nearest]
        at_home = shapely.dwithin(faces, [footprints[int(name)] for name in face_owner], GRID_SIZE_M)
        if len(np.unique(face_owner[at_home])) == len(owners):
            break
    if not at_home.any():
        return Pieces(np.array([enclosure], dtype=object), owners[:1])
    return one_piece_each(faces, face_owner, at_home, footprints)


def _borders(
    enclosure: object, xy: NDArray[np.float64], owner: NDArray[np.int64], tolerance: float
) -> NDArray[np.object_]:
    """Return the Voronoi ridges between different owners as clipped, straightened lines."""
    west, south, east, north = shapely.bounds(enclosure)
    origin = np.array([0.5 * (west + east), 0.5 * (south + north)])
    reach = 10.0 * max(east - west, north - south, 1.0)
    angle = np.linspace(0.1, 2 * np.pi + 0.1, 8, endpoint=False)
    sites = np.concatenate([xy - origin, reach * np.column_stack([np.cos(angle), np.sin(angle)])])
    who = np.concatenate([owner, np.full(8, -1)])
    mesh = Delaunay(sites, qhull_options="Qbb Qc Qz Q12")
    centre = _circumcentres(sites[mesh.simplices])
    segments = []
    for corner in range(3):
        other = mesh.neighbors[:, corner]
        a, b = mesh.simplices[:, (corner + 1) % 3], mesh.simplices[:, (corner + 2) % 3]
        here = np.arange(len(other))
        keep = (here < other) & (who[a] != who[b]) & (who[a] >= 0) & (who[b] >= 0)
        segments.append(np.stack([centre[here[keep]], centre[other[keep]]], axis=1))
    ends = np.concatenate(segments)
    ends = ends[np.isfinite(ends).all(axis=(1, 2)) & (np.abs(ends).max(axis=(1, 2)) < 100 * reach)]
    ends = ends[(ends[:, 0] != ends[:, 1]).any(axis=1)]
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(ends + origin)))
    lines = shapely.get_parts(merged)
    if tolerance:
        lines = shapely.simplify(lines, tolerance)
    shapely.prepare(enclosure)
    across = ~shapely.contains_properly(enclosure, lines)
    clipped = shapely.get_parts(shapely.intersection(lines[across], enclosure))
    clipped = clipped[shapely.get_dimensions(clipped) == 1]
    return np.concatenate([lines[~across], clipped])


def _circumcentres(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centres of the circles through three points each; not finite where the three are on a line."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    b, c = b - a, c - a
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        area = 2.0 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
        bb, cc = (b * b).sum(axis=1), (c * c).sum(axis=1)
        x = (c[:, 1] * bb - b[:, 1] * cc) / area
        y = (b[:, 0] * cc - c[:, 0] * bb) / area
    return a + np.column_stack([x, y])


def one_piece_each(
    faces: NDArray[np.object_],
    owner: NDArray[np.int64],
    at_home: NDArray[np.bool_],
    footprints: dict[int, object],
) -> Pieces:
    """Keep the main face of each owner and give every other face to the neighbor with the longest border.

    `at_home` marks the faces that meet the footprint of their owner; no other can be the main one. Footprints are
    only asked of owners with several such faces.
    """
    names, count = np.unique(owner[at_home], return_counts=True)
    if len(names) == len(faces):
        return Pieces(faces, owner)
    main = np.zeros(len(faces), dtype=bool)
    for name, pieces in zip(names, count, strict=True):
        at = np.flatnonzero((owner == name) & at_home)
        if pieces > 1:
            inside = shapely.area(shapely.intersection(faces[at], footprints[int(name)]))
            at = at[np.lexsort((-shapely.area(faces[at]), -inside))]
        main[at[0]] = True
    group = np.where(main, np.arange(len(faces)), -1)
    stray = list(np.flatnonzero(~main))
    tree = shapely.STRtree(faces)
    while stray:
        left = []
        for ix in stray:
            near = tree.query(faces[ix], predicate="intersects")
            near = near[(near != ix) & (group[near] >= 0)]
            shared = shapely.length(
                shapely.intersection(shapely.boundary(faces[near]), shapely.boundary(faces[ix]))
            )
            if len(near) and shared.max() > 0:
                group[ix] = group[near[np.argmax(shared)]]
            else:
                left.append(ix)
        if len(left) == len(stray):
            break
        stray = left
    polygons = faces[main].copy()
    place = np.cumsum(main) - 1
    for root in np.unique(group[~main & (group >= 0)]):
        polygons[place[root]] = shapely.coverage_union_all(faces[group == root])
    return Pieces(polygons, owner[main])
