"""Whose ground: the enclosure that each building stands in, and the buildings that share one cell.

A footprint on a border belongs where most of it lies. Footprints of which more than half lies in another one (nested,
or drawn twice), and points on one spot, share a cell: there is no ground that could be divided between them.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["drop_covered_points", "group_overlaps", "home_enclosures", "overlapping_pairs"]

#: Two footprints are one place where the smaller has more than this share of itself in the other.
SHARED_FRAC = 0.5
#: Points closer than this stand on one spot (metres).
ONE_SPOT_M = 0.01


def home_enclosures(
    footprints: NDArray[np.object_], enclosures: NDArray[np.object_], frame: object
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find the enclosure that holds most of each footprint.

    Parameters
    ----------
    footprints : object, shape (n,)
        Valid Polygons, MultiPolygons or Points in projected metres.
    enclosures : object, shape (n_enclosures,)
        Polygons that do not overlap and together are the frame, but for the grid they were noded on.
    frame : shapely geometry
        Union of the boundary, which alone decides what is inside.

    Returns
    -------
    home : int32, shape (n,)
        Position of the enclosure; -1 where less than half of the footprint lies in the frame, or a point outside it.
    share : float64, shape (n,)
        Part of the footprint that lies in its home (1 for points).
    """
    home = np.full(len(footprints), -1, dtype=np.int32)
    share = np.zeros(len(footprints))
    tree = shapely.STRtree(enclosures)
    inside, where = tree.query(footprints, predicate="covered_by")
    # a point on a border is covered by several: the first of them has it
    inside, first = np.unique(inside, return_index=True)
    home[inside], share[inside] = where[first], 1.0
    across = np.setdiff1d(np.arange(len(footprints)), inside)
    across = across[shapely.get_dimensions(footprints[across]) == 2]
    item, where = tree.query(footprints[across], predicate="intersects")
    part = shapely.area(shapely.intersection(footprints[across][item], enclosures[where]))
    order = np.lexsort((where, -part, item))
    item, where, part = item[order], where[order], part[order]
    present, first = np.unique(item, return_index=True)
    home[across[present]] = where[first]
    share[across[present]] = part[first] / np.maximum(shapely.area(footprints[across[present]]), 1e-12)
    within = _mostly_within(footprints, frame)
    # the noding grid may leave a point on the frame just outside of every enclosure
    lost = np.flatnonzero(within & (home < 0))
    home[lost], share[lost] = tree.nearest(footprints[lost]), 1.0
    home[~within], share[~within] = -1, 0.0
    return home, share


def _mostly_within(footprints: NDArray[np.object_], frame: object) -> NDArray[np.bool_]:
    """Tell which points, and which footprints with at least half of themselves, lie in the frame."""
    shapely.prepare(frame)
    within: NDArray[np.bool_] = shapely.covers(frame, footprints)
    across = np.flatnonzero(~within & shapely.intersects(frame, footprints))
    across = across[shapely.get_dimensions(footprints[across]) == 2]
    inner = shapely.area(shapely.intersection(footprints[across], frame))
    within[across] = inner / np.maximum(shapely.area(footprints[across]), 1e-12) >= 0.5
    return within


def overlapping_pairs(
    footprints: NDArray[np.object_], home: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """List the pairs of footprints in one enclosure that share ground, with the share of the smaller one.

    Returns
    -------
    left, right : int64, shape (n_pairs,)
        Positions, `left < right`.
    share : float64, shape (n_pairs,)
        Common area by the area of the smaller footprint; 1 for a point in a footprint or two points on one spot.
    """
    left, right = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    keep = (left < right) & (home[left] == home[right]) & (home[left] >= 0)
    left, right = left[keep], right[keep]
    area = shapely.area(footprints)
    smaller = np.minimum(area[left], area[right])
    polygonal = smaller > 0
    share = np.ones(len(left))
    common = shapely.area(shapely.intersection(footprints[left[polygonal]], footprints[right[polygonal]]))
    share[polygonal] = common / smaller[polygonal]
    near_left, near_right = _points_on_one_spot(footprints, home)
    keep = share > 1e-6
    return (
        np.concatenate([left[keep], near_left]),
        np.concatenate([right[keep], near_right]),
        np.concatenate([share[keep], np.ones(len(near_left))]),
    )


def _points_on_one_spot(
    footprints: NDArray[np.object_], home: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    at = np.flatnonzero((shapely.get_type_id(footprints) == 0) & (home >= 0))
    if len(at) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    left, right = shapely.STRtree(footprints[at]).query(
        footprints[at], predicate="dwithin", distance=ONE_SPOT_M
    )
    left, right = at[left], at[right]
    keep = (left < right) & (home[left] == home[right])
    return left[keep], right[keep]


def group_overlaps(
    n: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    share: NDArray[np.float64],
    area: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Name for each footprint the one whose cell it shares: itself, or the largest of its group.

    Parameters
    ----------
    n : int
        Number of footprints.
    left, right, share
        As from `overlapping_pairs`.
    area : float64, shape (n,)

    Returns
    -------
    int64, shape (n,)
    """
    root = np.arange(n, dtype=np.int64)
    _join(root, left[share > SHARED_FRAC], right[share > SHARED_FRAC], area)
    return root


@njit
def _join(root, left, right, area):  # type: ignore[no-untyped-def]
    """Union by size, the earlier one where sizes are equal; afterwards every entry names its root."""
    for k in range(len(left)):
        a, b = left[k], right[k]
        while root[a] != a:
            a = root[a]
        while root[b] != b:
            b = root[b]
        if a == b:
            continue
        if area[b] > area[a] or (area[b] == area[a] and b < a):
            a, b = b, a
        root[b] = a
    for i in range(len(root)):
        a = i
        while root[a] != a:
            a = root[a]
        root[i] = a


def drop_covered_points(
    xy: NDArray[np.float64],
    owner: NDArray[np.int64],
    footprints: NDArray[np.object_],
    root: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Mark the points to keep: those that do not lie in the footprint of another group.

    Where footprints overlap in part, the ground that both claim then goes to the nearer outline.

    Parameters
    ----------
    xy, owner
        As from `sample_footprints`, owners ascending.
    footprints, root, left, right
        As from `group_overlaps` and `overlapping_pairs`.

    Returns
    -------
    bool, shape (n_points,)
    """
    keep = np.ones(len(owner), dtype=bool)
    apart = root[left] != root[right]
    ones = np.concatenate([left[apart], right[apart]])
    others = np.concatenate([right[apart], left[apart]])
    start = np.searchsorted(owner, ones)
    end = np.searchsorted(owner, ones, side="right")
    for other, a, z in zip(others, start, end, strict=True):
        keep[a:z] &= ~shapely.contains_xy(footprints[other], xy[a:z])
    return keep
