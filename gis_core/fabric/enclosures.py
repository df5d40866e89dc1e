"""Enclosures: the pieces of ground that streets, barriers and the boundary close off.

All lines are noded at once on a grid of `GRID_SIZE_M`, so that every enclosure shares exact vertices with its
neighbors; dead ends fall away when the arrangement is polygonised. Must not know households.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import CoverageError
from gis_core.model import STREET_CLASSES

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "GRID_SIZE_M",
    "Enclosures",
    "build_enclosures",
    "cutting_lines",
    "minor_lines",
    "spare_footprints",
    "split_by_lines",
    "split_enclosures",
]

#: Precision of the arrangement in metres: 1 um keeps the area of a town to 0.01 m2.
GRID_SIZE_M = 1e-6
#: Enclosures thinner than this (twice the area by the perimeter) are joined to a neighbor.
MIN_THICKNESS_M = 0.3


@dataclass(frozen=True)
class Enclosures:
    """Polygons that together are the boundary, sorted by boundary polygon.

    Attributes
    ----------
    polygons : object, shape (n_enclosures,)
    boundary_ix : int32, shape (n_enclosures,)
    """

    polygons: NDArray[np.object_]
    boundary_ix: NDArray[np.int32]


def cutting_lines(
    streets: GeoDataFrame, barriers: GeoDataFrame, frame: object
) -> tuple[NDArray[np.object_], NDArray[np.uint8]]:
    """Collect the single lines that cut.

    Parameters
    ----------
    streets, barriers : GeoDataFrame
        As in `Dataset`; the outlines of polygonal barriers cut.
    frame : shapely geometry
        Union of the boundary; lines that do not touch it are left out.

    Returns
    -------
    lines : object, shape (n_lines,)
        LineStrings.
    rank : uint8, shape (n_lines,)
        Position of each in `STREET_CLASSES`.
    """
    parts, ranks = [], []
    barrier = np.full(len(barriers), STREET_CLASSES.index("barrier"), dtype=np.uint8)
    for layer, rank in ((streets, streets["rank"].to_numpy(dtype=np.uint8)), (barriers, barrier)):
        cuts = layer["cuts"].to_numpy(dtype=bool)
        lines, source = _single_lines(np.asarray(layer.geometry.values, dtype=object)[cuts])
        parts.append(lines)
        ranks.append(np.maximum(rank[cuts][source], 1))
    lines, rank = np.concatenate(parts), np.concatenate(ranks)
    shapely.prepare(frame)
    touching = shapely.intersects(frame, lines)
    return lines[touching], rank[touching]


def minor_lines(streets: GeoDataFrame, frame: object) -> NDArray[np.object_]:
    """Collect the single lines of ways on the ground that do not cut by themselves: service ways, tracks, paths."""
    minor = (streets["rank"].to_numpy() >= 1) & ~streets["cuts"].to_numpy(dtype=bool)
    if "grade_separated" in streets:
        minor &= ~streets["grade_separated"].to_numpy(dtype=bool)
    lines, _ = _single_lines(np.asarray(streets.geometry.values, dtype=object)[minor])
    shapely.prepare(frame)
    return lines[shapely.intersects(frame, lines)]


def spare_footprints(
    lines: NDArray[np.object_], rank: NDArray[np.uint8], footprints: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.uint8]]:
    """Take the ground of some footprints out of the lines, so that these do not cut there."""
    ground = shapely.union_all(footprints)
    shapely.prepare(ground)
    crossing = shapely.intersects(ground, lines)
    rest, source = shapely.get_parts(shapely.difference(lines[crossing], ground), return_index=True)
    return np.concatenate([lines[~crossing], rest]), np.concatenate([rank[~crossing], rank[crossing][source]])


def _single_lines(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Take lines and the outlines of polygons apart into LineStrings, with the position each came from."""
    lines = geometry.copy()
    polygonal = shapely.get_dimensions(geometry) == 2
    lines[polygonal] = shapely.boundary(geometry[polygonal])
    return shapely.get_parts(lines, return_index=True)


def build_enclosures(boundary: NDArray[np.object_], lines: NDArray[np.object_]) -> Enclosures:
    """Cut the boundary polygons along the lines.

    Parameters
    ----------
    boundary : object, shape (n_boundaries,)
        A valid polygon coverage, projected metres.
    lines : object, shape (n_lines,)
        LineStrings that cut.

    Returns
    -------
    Enclosures
        Sorted by boundary polygon, then west to east by their point.

    Raises
    ------
    CoverageError
        Where the pieces do not add up to the boundary (to 1 m2 or a millionth of it).
    """
    outline = shapely.get_parts(shapely.boundary(boundary))
    noded = shapely.union_all(np.concatenate([outline, lines]), grid_size=GRID_SIZE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    points = shapely.point_on_surface(faces)
    face, home = shapely.STRtree(boundary).query(points, predicate="intersects")
    order = np.lexsort((home, face))
    face, first = np.unique(face[order], return_index=True)
    home = home[order][first]
    faces, points = faces[face], points[face]
    order = np.lexsort((shapely.get_y(points), shapely.get_x(points), home))
    polygons, boundary_ix = _join_thin(faces[order], home[order].astype(np.int32))
    _require_same_area(polygons, boundary)
    return Enclosures(polygons, boundary_ix)


def split_enclosures(
    enclosures: Enclosures,
    which: NDArray[np.int64],
    lines: NDArray[np.object_],
    footprints: NDArray[np.object_],
    home: NDArray[np.int32],
) -> Enclosures:
    """Cut some enclosures further along minor ways; a way does not cut where it runs through a building.

    Parameters
    ----------
    enclosures : Enclosures
    which : int64
        Enclosures to cut.
    lines : object, shape (n_lines,)
        Minor ways as LineStrings.
    footprints, home
        Buildings and the enclosure of each.

    Returns
    -------
    Enclosures
        Those not named stay the same objects; edges may lack vertices that a neighbor has (`insert_junctions`).
    """
    tree = shapely.STRtree(lines)
    pieces, home_ix = [], []
    chosen = set(which.tolist())
    by_home = np.argsort(home, kind="stable")
    start = np.searchsorted(home[by_home], np.arange(len(enclosures.polygons) + 1))
    for ix, polygon in enumerate(enclosures.polygons):
        faces = np.array([polygon], dtype=object)
        if ix in chosen:
            near = lines[tree.query(polygon, predicate="intersects")]
            if len(near):
                inside = shapely.intersection(shapely.union_all(near), polygon)
                free = shapely.difference(
                    inside, shapely.union_all(footprints[by_home[start[ix] : start[ix + 1]]])
                )
                faces = _cut(polygon, free)
        pieces.append(faces)
        home_ix.append(np.full(len(faces), enclosures.boundary_ix[ix], dtype=np.int32))
    return Enclosures(np.concatenate(pieces), np.concatenate(home_ix))


def _cut(polygon: object, lines: object) -> NDArray[np.object_]:
    """Cut one polygon along lines and join what is too thin to stand on."""
    parts = shapely.get_parts(lines)
    parts = parts[shapely.get_dimensions(parts) == 1]
    if not len(parts):
        return np.array([polygon], dtype=object)
    faces = split_by_lines(polygon, parts)
    faces = faces[
        np.lexsort((shapely.get_y(shapely.centroid(faces)), shapely.get_x(shapely.centroid(faces))))
    ]
    return _join_thin(faces, np.zeros(len(faces), dtype=np.int32))[0]


def split_by_lines(polygon: object, lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Cut one polygon along lines that lie in it; its own vertices stay, new ones may stand on its edges."""
    noded = shapely.union_all(np.concatenate([[shapely.boundary(polygon)], lines]), grid_size=GRID_SIZE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(polygon)
    return faces[shapely.intersects(polygon, shapely.point_on_surface(faces))]


def _join_thin(
    faces: NDArray[np.object_], home: NDArray[np.int32]
) -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Join faces too thin to stand on to the neighbor in the same boundary polygon with the longest border."""
    thickness = 2 * shapely.area(faces) / np.maximum(shapely.length(faces), 1e-12)
    thin = np.flatnonzero(thickness < MIN_THICKNESS_M)
    if not len(thin):
        return faces, home
    group = np.arange(len(faces))
    tree = shapely.STRtree(faces)
    for ix in thin:
        near = tree.query(faces[ix], predicate="intersects")
        near = near[(near != ix) & (home[near] == home[ix]) & (group[near] != group[ix])]
        if len(near):
            shared = shapely.length(shapely.intersection(faces[near], faces[ix]))
            if shared.max() > 0:
                group[group == group[ix]] = group[near[np.argmax(shared)]]
    roots, label = np.unique(group, return_inverse=True)
    joined = faces[roots].copy()
    for root in np.unique(label[thin]):
        members = faces[label == root]
        joined[root] = shapely.coverage_union_all(members) if len(members) > 1 else members[0]
    return joined, home[roots]


def _require_same_area(polygons: NDArray[np.object_], boundary: NDArray[np.object_]) -> None:
    whole = float(shapely.area(boundary).sum())
    got = float(shapely.area(polygons).sum())
    if abs(whole - got) > max(1.0, 1e-6 * whole):
        raise CoverageError(
            f"The street blocks cover {got:.1f} m2 of a boundary of {whole:.1f} m2; run `wangge check` on the dataset "
            "and mend its boundary layer.",
            covered_m2=got,
            boundary_m2=whole,
        )
