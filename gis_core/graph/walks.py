"""Walking distances between the members of groups on a street network; a Dijkstra kernel that stops early.

The distance between two members is off the network at both ends plus the shortest way on it; where no way leads from
one to the other, or one has no street, the straight line times `DETOUR`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gis_core._compat import njit

__all__ = [
    "DETOUR", "FAR_M", "WalkGround", "greatest_walks", "pop_node", "push_node", "walk_matrix", "walk_rows",
]  # fmt: skip

#: What a way is longer than the straight line where no street tells.
DETOUR = 1.3
#: Stands for a way that leads out of the part of a network that was kept (metres).
FAR_M = 1e6


@dataclass(frozen=True, eq=False)
class WalkGround:
    """A street network, and the doors of members on it.

    Attributes
    ----------
    indptr : int64, shape (n_nodes + 1,)
    indices : int32, shape (2 n_stretches,)
    length_m : float64, shape (2 n_stretches,)
    node_x, node_y : float64, shape (n_nodes,), metres
    region : int32, shape (n_nodes,)
        Connected component of each node; a number below n_nodes of the whole network.
    door : int32, shape (n,)
        Node of each member; -1: no street.
    off_m : float64, shape (n,), metres
        From each member to its door.
    x, y : float64, shape (n,), metres
        Where each member is, for straight lines; NaN: it is no member of anything.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    length_m: NDArray[np.float64]
    node_x: NDArray[np.float64]
    node_y: NDArray[np.float64]
    region: NDArray[np.int32]
    door: NDArray[np.int32]
    off_m: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        indptr: NDArray[np.int64],
        indices: NDArray[np.int32],
        length_m: NDArray[np.float64],
        node_x: NDArray[np.float64],
        node_y: NDArray[np.float64],
        door: NDArray[np.int32],
        off_m: NDArray[np.float64],
        x: NDArray[np.float64],
        y: NDArray[np.float64],
    ) -> WalkGround:
        """Find the components of the network and put all together, without the nodes that are only bends."""
        indptr, indices, length_m, kept = _straightened(indptr, indices, length_m, door)
        place = np.cumsum(kept) - 1
        node_x, node_y = node_x[kept], node_y[kept]
        door = np.where(door >= 0, place[door], -1).astype(np.int32)
        n = len(indptr) - 1
        region = np.zeros(n, np.int32)
        if n:
            shape = (n, n)
            region = connected_components(
                csr_matrix((length_m, indices, indptr), shape=shape), directed=False
            )[1]
        return cls(indptr, indices, length_m, node_x, node_y, region.astype(np.int32), door, off_m, x, y)

    @property
    def inhabited(self) -> NDArray[np.bool_]:
        """Who is a member: bool, shape (n,)."""
        return np.isfinite(self.x)

    def of_members(self, member_ix: NDArray[np.integer], *, margin_m: float | None = None) -> WalkGround:
        """Keep some members, in the order given, and the network up to so far around them; None: all of it.

        Distances that would lead farther out are then at least twice the margin, and given as `FAR_M` where no other
        way is left.
        """
        ix = np.asarray(member_ix, dtype=np.int64)
        members = replace(self, door=self.door[ix], off_m=self.off_m[ix], x=self.x[ix], y=self.y[ix])
        at = members.door[members.door >= 0]
        if margin_m is None or not len(at):
            return members
        x, y = self.node_x, self.node_y
        near = (x >= x[at].min() - margin_m) & (x <= x[at].max() + margin_m)
        near &= (y >= y[at].min() - margin_m) & (y <= y[at].max() + margin_m)
        return members._of_nodes(near)

    def _of_nodes(self, keep: NDArray[np.bool_]) -> WalkGround:
        """Keep some nodes, the doors among them; components stay those of the whole network."""
        place = np.cumsum(keep) - 1
        owner = np.repeat(np.arange(len(keep)), np.diff(self.indptr))
        inside = keep[owner] & keep[self.indices]
        indptr = np.zeros(int(keep.sum()) + 1, np.int64)
        np.cumsum(np.bincount(place[owner[inside]], minlength=len(indptr) - 1), out=indptr[1:])
        return replace(
            self,
            indptr=indptr,
            indices=place[self.indices[inside]].astype(np.int32),
            length_m=self.length_m[inside],
            region=self.region[keep],
            node_x=self.node_x[keep],
            node_y=self.node_y[keep],
            door=np.where(self.door >= 0, place[self.door], -1).astype(np.int32),
        )


def _straightened(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    length_m: NDArray[np.float64],
    door: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
    """Join the stretches that meet at nodes where no way branches and nobody lives; say which nodes are left."""
    kept = np.diff(indptr) != 2
    kept[door[door >= 0]] = True
    owner, other, length = _join_stretches(indptr, indices, length_m, kept)
    place = np.cumsum(kept) - 1
    start = np.zeros(int(kept.sum()) + 1, np.int64)
    np.cumsum(np.bincount(place[owner], minlength=len(start) - 1), out=start[1:])
    return start, place[other].astype(np.int32), length, kept


@njit
def _join_stretches(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], length: NDArray[np.float64], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:  # fmt: skip
    """Follow every way from a kept node to the next one; loops lead nowhere and are left out."""
    owner, other = np.empty(len(indices), np.int64), np.empty(len(indices), np.int64)
    metres = np.empty(len(indices))
    size = 0
    for node in range(len(indptr) - 1):
        if not kept[node]:
            continue
        for e in range(indptr[node], indptr[node + 1]):
            before, here, way = np.int64(node), np.int64(indices[e]), length[e]
            while not kept[here]:
                # A bend has two stretches; the way goes on along the one that it did not come by.
                first = indptr[here]
                on = first + 1 if indices[first] == before else first
                before, here, way = here, np.int64(indices[on]), way + length[on]
            if here != node:
                owner[size], other[size], metres[size] = node, here, way
                size += 1
    return owner[:size], other[:size], metres[:size]


@njit
def push_node(heap: NDArray[np.int32], key: NDArray[np.float64], size: int, node: int, value: float) -> int:
    """Put a node on the heap; return the new size."""
    i = size
    while i > 0:
        up = (i - 1) >> 1
        if key[up] <= value:
            break
        key[i], heap[i] = key[up], heap[up]
        i = up
    key[i], heap[i] = value, node
    return size + 1


@njit
def pop_node(heap: NDArray[np.int32], key: NDArray[np.float64], size: int) -> int:
    """Take the least one off the heap, which must be read before; return the new size."""
    size -= 1
    value, node = key[size], heap[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if key[child] >= value:
            break
        key[i], heap[i] = key[child], heap[child]
        i = child
    if size > 0:
        key[i], heap[i] = value, node
    return size


@njit
def _spread(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], length: NDArray[np.float64], start: int,
    wanted: NDArray[np.int32], remaining: int, distance: NDArray[np.float64], touched: NDArray[np.int32],
    heap: NDArray[np.int32], key: NDArray[np.float64],
) -> int:  # fmt: skip
    """Fill `distance` from a node until `remaining` wanted members are reached; return how many nodes were touched.

    `wanted` counts members at each node. Settled nodes have their distance, others that were touched an upper bound of
    it. The caller must set all touched nodes back to infinity.
    """
    distance[start] = 0.0
    touched[0] = start
    n_touched = 1
    size = push_node(heap, key, 0, start, 0.0)
    while size > 0 and remaining > 0:
        node, value = heap[0], key[0]
        size = pop_node(heap, key, size)
        if value > distance[node]:
            continue
        remaining -= wanted[node]
        for e in range(indptr[node], indptr[node + 1]):
            other = indices[e]
            there = value + length[e]
            if there < distance[other]:
                if distance[other] == np.inf:
                    touched[n_touched] = other
                    n_touched += 1
                distance[other] = there
                size = push_node(heap, key, size, other, there)
    return n_touched


@njit
def _rows(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], length: NDArray[np.float64], region: NDArray[np.int32],
    door: NDArray[np.int32], off: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64],
    member: NDArray[np.int64], start: NDArray[np.int64], keep: bool, matrix: NDArray[np.float64],
    worst: NDArray[np.float64], ends: NDArray[np.int64],
) -> None:  # fmt: skip
    """Measure all pairs of every group; keep the matrix (of one group) or only the greatest distance and its ends."""
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, np.inf)
    touched = np.empty(n_nodes + 1, np.int32)
    wanted = np.zeros(n_nodes, np.int32)
    heap, key = np.empty(len(indices) + 2, np.int32), np.empty(len(indices) + 2, np.float64)
    for g in range(len(start) - 1):
        first, last = start[g], start[g + 1]
        for k in range(first, last):
            if door[member[k]] >= 0:
                wanted[door[member[k]]] += 1
        for i in range(first, last):
            a = member[i]
            n_touched = 0
            if door[a] >= 0:
                # Only those after this one are still to be reached, and only in its component.
                wanted[door[a]] -= 1
                remaining = 0
                for j in range(i + 1, last):
                    b = member[j]
                    remaining += door[b] >= 0 and region[door[b]] == region[door[a]]
                n_touched = _spread(
                    indptr, indices, length, door[a], wanted, remaining, distance, touched, heap, key
                )
            for j in range(i + 1, last):
                b = member[j]
                if door[a] >= 0 and door[b] >= 0 and region[door[a]] == region[door[b]]:
                    walk = min(off[a] + distance[door[b]] + off[b], FAR_M)
                else:
                    walk = DETOUR * np.hypot(x[a] - x[b], y[a] - y[b])
                if keep:
                    matrix[i - first, j - first] = walk
                    matrix[j - first, i - first] = walk
                if walk > worst[g]:
                    worst[g], ends[g, 0], ends[g, 1] = walk, a, b
            for k in range(n_touched):
                distance[touched[k]] = np.inf


@njit
def _fan(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], length: NDArray[np.float64], region: NDArray[np.int32],
    door: NDArray[np.int32], off: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64],
    source: NDArray[np.int64], member: NDArray[np.int64], rows: NDArray[np.float64],
) -> None:  # fmt: skip
    """Measure from every source to every member."""
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, np.inf)
    touched = np.empty(n_nodes + 1, np.int32)
    wanted = np.zeros(n_nodes, np.int32)
    heap, key = np.empty(len(indices) + 2, np.int32), np.empty(len(indices) + 2, np.float64)
    in_region = np.zeros(1 + region.max() if n_nodes else 1, np.int64)
    for b in member:
        if door[b] >= 0:
            wanted[door[b]] += 1
            in_region[region[door[b]]] += 1
    for i in range(len(source)):
        a = source[i]
        n_touched = 0
        if door[a] >= 0:
            n_touched = _spread(
                indptr,
                indices,
                length,
                door[a],
                wanted,
                in_region[region[door[a]]],
                distance,
                touched,
                heap,
                key,
            )
        for j in range(len(member)):
            b = member[j]
            if a == b:
                rows[i, j] = 0.0
            elif door[a] >= 0 and door[b] >= 0 and region[door[a]] == region[door[b]]:
                rows[i, j] = min(off[a] + distance[door[b]] + off[b], FAR_M)
            else:
                rows[i, j] = DETOUR * np.hypot(x[a] - x[b], y[a] - y[b])
        for k in range(n_touched):
            distance[touched[k]] = np.inf


def walk_rows(
    ground: WalkGround, source_ix: NDArray[np.integer], member_ix: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return the walking distances from some members to others, metres.

    Returns
    -------
    float64, shape (n_sources, n_members)
    """
    source = np.ascontiguousarray(source_ix, dtype=np.int64)
    member = np.ascontiguousarray(member_ix, dtype=np.int64)
    rows = np.empty((len(source), len(member)))
    _fan(
        ground.indptr, ground.indices, ground.length_m, ground.region, ground.door, ground.off_m, ground.x,
        ground.y, source, member, rows,
    )  # fmt: skip
    return rows


def _measure(
    ground: WalkGround, member: NDArray[np.int64], start: NDArray[np.int64], *, keep: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    size = len(member) if keep else 0
    matrix = np.zeros((size, size))
    worst, ends = np.zeros(len(start) - 1), np.full((len(start) - 1, 2), -1, np.int64)
    _rows(
        ground.indptr, ground.indices, ground.length_m, ground.region, ground.door, ground.off_m, ground.x,
        ground.y, member, start, keep, matrix, worst, ends,
    )  # fmt: skip
    return matrix, worst, ends


def walk_matrix(ground: WalkGround, member_ix: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the walking distances among some members, metres.

    Returns
    -------
    float64, shape (k, k)
        Symmetric, in the order given.
    """
    member = np.ascontiguousarray(member_ix, dtype=np.int64)
    return _measure(ground, member, np.array([0, len(member)], np.int64), keep=True)[0]


def greatest_walks(
    ground: WalkGround, assignment: NDArray[np.integer], n_parts: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the greatest walking distance between two members of each part, exactly.

    Parameters
    ----------
    ground : WalkGround
    assignment : int, shape (n,)
        Part of each member; those below 0 and those that are nowhere are left out.
    n_parts : int

    Returns
    -------
    walk_m : float64, shape (n_parts,)
        0 for parts with fewer than two members.
    ends : int64, shape (n_parts, 2)
        The two members; -1 where there are none.

    Notes
    -----
    One Dijkstra a member, which ends when the rest of its part is reached.
    """
    member = np.flatnonzero(ground.inhabited & (assignment >= 0))
    member = member[np.argsort(assignment[member], kind="stable")]
    start = np.searchsorted(assignment[member], np.arange(n_parts + 1)).astype(np.int64)
    _, worst, ends = _measure(ground, member, start, keep=False)
    return worst, ends
