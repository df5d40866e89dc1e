"""Communities 社区: superblocks, or parts of them along inner streets and the river, of about 1,500-4,000 households.

Their borders are main streets and the middle of the river; together they cover the town exactly.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.town.blocks import Superblocks
from gis_core.town.corridors import Corridor

__all__ = ["Communities", "build_communities"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST, MOST, USUAL = 1300, 4000, 2600
#: A community this small is joined to a neighbour even where the two together have too many.
TOO_FEW = 600
#: Street offices 街道 hold about so many communities.
PER_OFFICE = 8
#: Corners closer than this are one, metres.
GRID_M = 0.01


@dataclass(frozen=True)
class Communities:
    """Polygons in metres, sorted from west to east by column of offices and from north to south in them.

    Attributes
    ----------
    polygon : object, shape (n,)
        shapely Polygons; a valid polygon coverage of the town.
    office : int64, shape (n,)
        Number of the street office, from 0.
    of_building : int64, shape (n_buildings,)
        Community of every building.
    households : int64, shape (n,)
        Sum over its buildings.
    """

    polygon: NDArray[np.object_]
    office: Ints
    of_building: Ints
    households: Ints


def build_communities(
    superblocks: Superblocks, roads: list[tuple[int, int, int, Floats]], outline: shapely.Polygon,
    corridors: list[Corridor], centre: Floats, households: Ints, owner: Ints,
) -> Communities:  # fmt: skip
    """Cut the town into faces, then join faces to communities.

    Parameters
    ----------
    superblocks, roads, corridors
        The plan of the town; the first corridor is the river.
    outline : shapely.Polygon
        Outer border of the town.
    centre : float64, shape (n_buildings, 2), metres
        A point in every building.
    households, owner : int64, shape (n_buildings,)
        Households and superblock of every building.
    """
    total = np.bincount(owner, weights=households, minlength=len(superblocks.district)).astype(np.float64)
    lines = [shapely.LineString(points) for *_, points in roads]
    lines += _inner_cuts(superblocks, total)
    lines += list(shapely.get_parts(shapely.intersection(corridors[0].line, outline.buffer(1.0))))
    noded = shapely.union_all(lines, grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    faces = faces[shapely.contains_properly(outline.buffer(0.5), faces)]
    face_of = _locate(faces, centre)
    load = np.bincount(face_of, weights=households, minlength=len(faces)).astype(np.int64)
    label = _join(faces, load, corridors[0])
    polygon = _unions(faces, label)
    order, office = _order(polygon)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of_building = rank[label[face_of]]
    sums = np.bincount(of_building, weights=households, minlength=len(order)).astype(np.int64)
    return Communities(polygon[order], office, of_building, sums)


def _unions(faces: NDArray[np.object_], label: Ints) -> NDArray[np.object_]:
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    result = np.empty(len(cuts) + 1, dtype=object)
    for number, group in enumerate(np.split(order, cuts)):
        result[number] = shapely.coverage_union_all(faces[group])
    return result


def _inner_cuts(superblocks: Superblocks, total: Floats) -> list[shapely.LineString]:
    """Cut superblocks with too many households along inner streets."""
    cuts = []
    for q in np.flatnonzero(total > MOST * 0.95):
        wide, high = (int(part) for part in superblocks.parts[q])
        pieces = min(int(np.ceil(total[q] / USUAL)), max(wide, high))
        along_rows = high >= wide
        count = high if along_rows else wide
        for step in sorted({round(count * k / pieces) for k in range(1, pieces)} - {0, count}):
            node = superblocks.node[q]
            points = node[step, : wide + 1] if along_rows else node[: high + 1, step]
            cuts.append(shapely.LineString(points))
    return cuts


def _locate(faces: NDArray[np.object_], centre: Floats) -> Ints:
    face_of = np.full(len(centre), -1, dtype=np.int64)
    tree = shapely.STRtree(faces)
    for start in range(0, len(centre), 200_000):
        points = shapely.points(centre[start : start + 200_000])
        hit, face = tree.query(points, predicate="intersects")
        face_of[start + hit] = face
    if (face_of < 0).any():
        lost = np.flatnonzero(face_of < 0)
        face_of[lost] = tree.nearest(shapely.points(centre[lost]))
    return face_of


def _neighbours(faces: NDArray[np.object_], river: Corridor) -> list[dict[int, float]]:
    """Find the length that faces share, by equal segments; the middle of the river counts as nearly nothing."""
    xy, face = shapely.get_coordinates(faces, return_index=True)
    same = face[1:] == face[:-1]
    start, end, face = xy[:-1][same], xy[1:][same], face[:-1][same]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start, end = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    order = np.lexsort((end[:, 1], end[:, 0], start[:, 1], start[:, 0]))
    twin = (start[order][1:] == start[order][:-1]).all(axis=1) & (end[order][1:] == end[order][:-1]).all(
        axis=1
    )
    first, second = order[:-1][twin], order[1:][twin]
    length = np.hypot(*(end - start)[first].T)
    middle = (start + end)[first] / 2
    wet = shapely.distance(shapely.points(middle), river.line) < 0.05
    shared: list[dict[int, float]] = [{} for _ in faces]
    for a, b, metres in zip(
        face[first].tolist(), face[second].tolist(), np.where(wet, 0.001, 1.0) * length, strict=True
    ):
        shared[a][b] = shared[a].get(b, 0.0) + float(metres)
        shared[b][a] = shared[b].get(a, 0.0) + float(metres)
    return shared


def _join(faces: NDArray[np.object_], load: Ints, river: Corridor) -> Ints:
    """Join the lightest group to a neighbour until every group has enough households."""
    shared = _neighbours(faces, river)
    weight = [int(value) for value in load]
    area = shapely.area(faces)
    group = list(range(len(faces)))
    alive = [True] * len(faces)
    heap = [(weight[k], k) for k in range(len(faces))]
    heapq.heapify(heap)
    while heap:
        value, k = heapq.heappop(heap)
        if not alive[k] or value != weight[k] or value >= FEWEST or not shared[k]:
            continue
        best = min(
            shared[k],
            key=lambda other: (*_unfit(weight[k] + weight[other], shared[k][other], area[k]), other),
        )
        if weight[k] >= TOO_FEW and weight[k] + weight[best] > MOST:
            continue
        for other, metres in shared[k].items():
            del shared[other][k]
            if other != best:
                shared[best][other] = shared[best].get(other, 0.0) + metres
                shared[other][best] = shared[best][other]
        alive[k] = False
        weight[best] += weight[k]
        area[best] += area[k]
        group[k] = best
        heapq.heappush(heap, (weight[best], best))
    root = np.array(group)
    while (root[root] != root).any():
        root = root[root]
    return np.unique(root, return_inverse=True)[1].astype(np.int64)


def _unfit(total: int, metres: float, area_m2: float) -> tuple[int, int, float]:
    """Rank a join: not over the river, not too many households, few households, a long common border."""
    over_river = int(metres < 20.0 and area_m2 > 4000.0) + int(metres < 2.0)
    return over_river, int(total > MOST), total - metres


def _order(polygon: NDArray[np.object_]) -> tuple[Ints, Ints]:
    """Sort communities and gather neighbours to street offices by columns from west to east."""
    xy = shapely.get_coordinates(shapely.centroid(polygon))
    n_offices = max(1, round(len(polygon) / PER_OFFICE))
    n_columns = max(1, round(np.sqrt(n_offices)))
    by_x = np.argsort(xy[:, 0], kind="stable")
    order: list[int] = []
    office: list[int] = []
    for column in np.array_split(by_x, n_columns):
        inside = column[np.argsort(-xy[column, 1], kind="stable")]
        for part in np.array_split(inside, max(1, round(n_offices / n_columns))):
            if len(part):
                office += [office[-1] + 1 if office else 0] * len(part)
                order += part[np.lexsort((-xy[part, 1], np.round(xy[part, 0])))].tolist()
    return np.asarray(order, dtype=np.int64), np.asarray(office, dtype=np.int64)
