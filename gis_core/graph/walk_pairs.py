"""Pairs of members that are too far apart on foot for one part, in time that grows with the ways within reach.

Not every such pair is listed: of those beyond `reach_m` only neighbors are. With a reach of twice the limit that is
enough for one move at a time, by the triangle inequality: who is beyond the reach of one member of a part whose members
are within the limit of each other is beyond the limit of them all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core._compat import njit
from gis_core.graph.walks import DETOUR, WalkGround, pop_node, push_node
from gis_core.model import AdjacencyGraph

__all__ = ["walk_pairs"]


@njit
def _rings(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64], indices: NDArray[np.int32], length: NDArray[np.float64], region: NDArray[np.int32],
    door: NDArray[np.int32], off: NDArray[np.float64], group: NDArray[np.int64], member: NDArray[np.int64],
    inhabited: NDArray[np.bool_], at_start: NDArray[np.int64], at_member: NDArray[np.int64],
    near_indptr: NDArray[np.int64], near_indices: NDArray[np.int32], least: float, most: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """List the pairs of one group that ways join in more than `least` and at most `most`, and neighbors beyond it."""
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, np.inf)
    touched = np.empty(n_nodes + 1, np.int32)
    heap, key = np.empty(len(indices) + 2, np.int32), np.empty(len(indices) + 2, np.float64)
    reached = np.full(len(door), -1, np.int64)
    left, right = np.empty(1024, np.int64), np.empty(1024, np.int64)
    found = 0
    for a in member:
        if door[a] < 0:
            continue
        distance[door[a]] = 0.0
        touched[0] = door[a]
        n_touched, size = 1, push_node(heap, key, 0, door[a], 0.0)
        while size > 0:
            node, value = heap[0], key[0]
            size = pop_node(heap, key, size)
            if value > distance[node]:
                continue
            for k in range(at_start[node], at_start[node + 1]):
                b = at_member[k]
                walk = off[a] + value + off[b]
                if b > a and group[b] == group[a] and walk <= most:
                    reached[b] = a
                    if walk > least:
                        if found == len(left):
                            left = np.concatenate((left, np.empty(found, np.int64)))
                            right = np.concatenate((right, np.empty(found, np.int64)))
                        left[found], right[found] = a, b
                        found += 1
            for e in range(indptr[node], indptr[node + 1]):
                other, there = indices[e], value + length[e]
                if off[a] + there <= most and there < distance[other]:
                    if distance[other] == np.inf:
                        touched[n_touched] = other
                        n_touched += 1
                    distance[other] = there
                    size = push_node(heap, key, size, other, there)
        for k in range(n_touched):
            distance[touched[k]] = np.inf
        for e in range(near_indptr[a], near_indptr[a + 1]):
            b = np.int64(near_indices[e])
            if b <= a or not inhabited[b] or group[b] != group[a] or reached[b] == a or door[b] < 0:
                continue
            if region[door[b]] == region[door[a]]:
                if found == len(left):
                    left = np.concatenate((left, np.empty(found, np.int64)))
                    right = np.concatenate((right, np.empty(found, np.int64)))
                left[found], right[found] = a, b
                found += 1
    return left[:found].copy(), right[:found].copy()


def walk_pairs(
    ground: WalkGround, links: AdjacencyGraph, group: NDArray[np.integer], limit_m: float, reach_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the pairs of inhabited cells of one group that are farther apart on foot than a limit.

    Parameters
    ----------
    ground : WalkGround
        One member a cell.
    links : AdjacencyGraph
        Of the same cells.
    group : int, shape (n_cells,)
        Pairs of different groups (boundary polygons) are left out.
    limit_m : float
    reach_m : float
        Pairs that are farther apart than this are listed only where the two are neighbors.

    Returns
    -------
    left, right : int64, shape (n_pairs,)
        Each pair once, the lesser cell on the left.

    Notes
    -----
    One Dijkstra for each cell that ends at `reach_m`. Cells that no streets join count as `DETOUR` times the straight
    line apart, as everywhere.
    """
    of = np.asarray(group, dtype=np.int64)
    inhabited = ground.inhabited
    member = np.flatnonzero(inhabited)
    doors = member[ground.door[member] >= 0]
    doors = doors[np.argsort(ground.door[doors], kind="stable")]
    start = np.searchsorted(ground.door[doors], np.arange(len(ground.indptr))).astype(np.int64)
    streets = _rings(
        ground.indptr, ground.indices, ground.length_m, ground.region, ground.door, ground.off_m, of, member,
        inhabited, start, doors, links.indptr, links.indices, limit_m, reach_m,
    )  # fmt: skip
    straight = _straight(ground, links, of, member, limit_m, reach_m)
    return np.concatenate([streets[0], straight[:, 0]]), np.concatenate([streets[1], straight[:, 1]])


def _straight(
    ground: WalkGround, links: AdjacencyGraph, group: NDArray[np.int64], member: NDArray[np.int64],
    limit_m: float, reach_m: float,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the pairs that no streets join and that are too far apart in a straight line; shape (n_pairs, 2)."""
    door = ground.door
    region = np.where(door >= 0, ground.region[door], -1) if len(ground.region) else np.full(len(door), -1)
    joined = len(member) == 0 or (region[member[0]] >= 0 and (region[member] == region[member[0]]).all())
    if joined:
        return np.zeros((0, 2), np.int64)
    tree = cKDTree(np.column_stack([ground.x[member], ground.y[member]]))
    near = member[tree.query_pairs(reach_m / DETOUR, output_type="ndarray").reshape(-1, 2)]
    owner = np.repeat(np.arange(links.n_cells), np.diff(links.indptr))
    beside = np.column_stack([owner, links.indices])[owner < links.indices]
    beside = beside[ground.inhabited[beside].all(axis=1)]
    pair = np.sort(np.concatenate([near, beside]).astype(np.int64), axis=1)
    a, b = pair.T
    apart = (region[a] < 0) | (region[a] != region[b])
    straight = DETOUR * np.hypot(ground.x[a] - ground.x[b], ground.y[a] - ground.y[b])
    return np.unique(pair[(group[a] == group[b]) & apart & (straight > limit_m)], axis=0)
