"""Buildings whose ground was divided by hand: their parts share the ground of one building, cut along drawn lines.

The parts of a building are rows with one `source_id`; `cut_line` holds the borders between them. However the ground
around is cut anew, the ground of the whole building is found first, and then divided along these lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from gis_core.fabric.enclosures import split_by_lines
from gis_core.fabric.tessellation import one_piece_each
from gis_core.fabric.workers import DividedGround

__all__ = [
    "Cut",
    "cuts_of",
    "divide_cuts",
    "faces_of",
    "join_parts",
    "main_faces",
    "split_ground",
    "stand_for_all",
]

#: The end of a line this close to another line (metres) lies on it.
ON_LINE_M = 2e-3
#: How far a line is led on beyond what it meets, so that both cross.
BEYOND_M = 0.01
#: Pieces of ground smaller than this go to the one beside them.
LEAST_GROUND_M2 = 0.5


@dataclass(frozen=True)
class Cut:
    """One divided building.

    Attributes
    ----------
    rows : int64, shape (n_parts,)
        Its parts, as rows of the buildings; those with a footprint first.
    line : LineString or MultiLineString
        The borders between them in projected metres.
    """

    rows: NDArray[np.int64]
    line: object


def cuts_of(buildings: GeoDataFrame) -> tuple[Cut, ...]:
    """List the divided buildings; none where no building has a `source_id`."""
    if "source_id" not in buildings or "cut_line" not in buildings:
        return ()
    line = buildings["cut_line"].to_numpy()
    rows_of: dict[str, list[int]] = {}
    for row, source in enumerate(buildings["source_id"]):
        if source is not None and line[row] is not None:
            rows_of.setdefault(str(source), []).append(row)
    dimension = shapely.get_dimensions(np.asarray(buildings.geometry.values, dtype=object))
    return tuple(
        Cut(np.array(sorted(rows, key=lambda row: -dimension[row]), dtype=np.int64), line[rows[0]])
        for rows in rows_of.values()
        if len(rows) > 1
    )


def stand_for_all(footprints: NDArray[np.object_], cuts: Sequence[Cut]) -> NDArray[np.object_]:
    """Return footprints where the first part of each divided building has the footprint of the whole."""
    whole = footprints.copy()
    for cut in cuts:
        areal = cut.rows[shapely.get_dimensions(footprints[cut.rows]) == 2]
        if len(areal):
            whole[cut.rows[0]] = shapely.union_all(footprints[areal])
    return whole


def join_parts(root: NDArray[np.int64], cuts: Sequence[Cut], home: NDArray[np.int32]) -> NDArray[np.int64]:
    """Let the parts of a building that stand in one enclosure own one piece of ground."""
    root = root.copy()
    for cut in cuts:
        for enclosure in np.unique(home[cut.rows][home[cut.rows] >= 0]):
            rows = cut.rows[home[cut.rows] == enclosure]
            root[np.isin(root, root[rows])] = root[rows[0]]
    return root


def divide_cuts(
    ground: DividedGround,
    root: NDArray[np.int64],
    cuts: Sequence[Cut],
    home: NDArray[np.int32],
    footprints: NDArray[np.object_],
) -> tuple[DividedGround, NDArray[np.int64]]:
    """Divide the ground of each divided building along its lines.

    Parameters
    ----------
    ground : DividedGround
        One piece an owner, owners as `root` names them.
    root : int64, shape (n_footprints,)
        As from `join_parts`.
    cuts : sequence of Cut
    home : int32, shape (n_footprints,)
    footprints : object, shape (n_footprints,)
        Of each part its own.

    Returns
    -------
    DividedGround, int64 of shape (n_footprints,)
        Each part that got ground owns it; the others still name the old owner.
    """
    if not cuts:
        return ground, root
    root = root.copy()
    at = {int(owner): ix for ix, owner in enumerate(ground.owner) if owner >= 0}
    polygons, owners = list(ground.polygons), ground.owner.copy()
    more: list[tuple[object, int, int]] = []
    for cut in cuts:
        for owner in np.unique(root[cut.rows[home[cut.rows] >= 0]]).tolist():
            ix = at.get(owner)
            rows = cut.rows[(root[cut.rows] == owner) & (home[cut.rows] >= 0)]
            if ix is None or len(rows) < 2:
                continue
            pieces, which = split_ground(polygons[ix], cut.line, footprints[rows])
            mine = rows[which]
            polygons[ix], owners[ix] = pieces[0], mine[0]
            more += [
                (piece, int(ground.enclosure_ix[ix]), int(row))
                for piece, row in zip(pieces[1:], mine[1:], strict=True)
            ]
            root[mine] = mine
    added = np.empty(len(more), dtype=object)
    added[:] = [piece for piece, _, _ in more]
    enclosure = np.concatenate(
        [ground.enclosure_ix, np.array([where for _, where, _ in more], dtype=np.int32)]
    )
    first = np.empty(len(polygons), dtype=object)
    first[:] = polygons
    divided = replace(
        ground,
        polygons=np.concatenate([first, added]),
        enclosure_ix=enclosure,
        owner=np.concatenate([owners, np.array([row for _, _, row in more], dtype=np.int64)]),
    )
    return divided, root


def split_ground(
    ground: object, line: object, places: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Divide ground among places that stand on it.

    Parameters
    ----------
    ground : Polygon
    line : LineString or MultiLineString
        Led on straight past ends that stop inside.
    places : object, shape (n,)
        Footprints or points.

    Returns
    -------
    pieces : object, shape (k,)
        Polygons that together are the ground, k <= n.
    which : int64, shape (k,)
        The place that each piece belongs to: most of it stands there. A place whose piece another has is missing.
    """
    faces = faces_of(ground, line)
    share = np.zeros((len(places), len(faces)))
    for k, place in enumerate(places):
        if shapely.get_dimensions(place) == 2:
            share[k] = shapely.area(shapely.intersection(faces, place))
        if not share[k].any():
            share[k] = -shapely.distance(faces, place)
    owner = np.full(len(faces), -1, dtype=np.int64)
    best = share.argmax(axis=1)
    for k in np.lexsort((np.arange(len(places)), -share.max(axis=1))):
        if owner[best[k]] < 0:
            owner[best[k]] = k
    found = one_piece_each(faces, owner, owner >= 0, {})
    return found.polygons, found.owner


def faces_of(ground: object, line: object) -> NDArray[np.object_]:
    """Cut ground along lines, led on past ends that stop inside; slivers are kept."""
    lines = _led_on(line, ground)
    inside = shapely.get_parts(shapely.intersection(lines, ground))
    inside = inside[shapely.get_dimensions(inside) == 1]
    return split_by_lines(ground, inside) if len(inside) else np.array([ground], dtype=object)


def main_faces(faces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Join faces that are too small to stand on to the one beside them."""
    large = shapely.area(faces) >= LEAST_GROUND_M2
    if large.all() or not large.any():
        return faces
    number = np.where(large, np.arange(len(faces)), -1)
    return one_piece_each(faces, number, large, {}).polygons


def _led_on(line: object, ground: object) -> NDArray[np.object_]:
    """Lead lines on, straight, to the edge of the ground or to the line that they meet first."""
    parts = shapely.get_parts(shapely.line_merge(line) if shapely.get_num_geometries(line) > 1 else line)
    edge = shapely.boundary(ground)
    west, south, east, north = shapely.bounds(ground)
    reach = 2.0 * float(np.hypot(east - west, north - south)) + 1.0
    result = parts.copy()
    for k, part in enumerate(parts):
        xy = shapely.get_coordinates(part)
        if (xy[0] == xy[-1]).all():
            continue
        others = shapely.union_all(np.delete(parts, k))
        head = _further(xy[1], xy[0], ground, edge, others, reach)
        tail = _further(xy[-2], xy[-1], ground, edge, others, reach)
        result[k] = shapely.linestrings(np.concatenate([head, xy, tail]))
    return result


def _further(
    inner: NDArray[np.float64],
    end: NDArray[np.float64],
    ground: object,
    edge: object,
    others: object,
    reach: float,
) -> NDArray[np.float64]:
    """Return the point that a line ending here is led on to, as an array of one or no point."""
    point = shapely.points(end)
    towards = (end - inner) / np.hypot(*(end - inner))
    if not shapely.is_empty(others) and shapely.distance(point, others) < ON_LINE_M:
        return (end + BEYOND_M * towards)[None]
    if shapely.distance(point, edge) < ON_LINE_M:
        return (end + BEYOND_M * towards)[None]
    if not shapely.contains(ground, point):
        return np.empty((0, 2))
    ray = shapely.linestrings([end, end + reach * towards])
    met = shapely.intersection(ray, shapely.union_all([edge, others]))
    far = float(shapely.distance(point, met)) if not shapely.is_empty(met) else reach
    return (end + (far + BEYOND_M) * towards)[None]
