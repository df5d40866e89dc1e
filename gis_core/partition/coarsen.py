"""Make a graph smaller by joining cells in pairs, so that a seed sees its large shape.

Pairs are chosen by the share of their borders that they have in common, so that clusters are compact and
rarely cross a street. Every cluster is connected; a partition of clusters is one of cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import below
from gis_core.partition.refine import part_sums
from gis_core.partition.state import Far, Level

__all__ = ["coarsen"]


@njit
def _match(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    far_cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    heaviest: NDArray[np.float64],
    group: NDArray[np.int32],
    state: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], int]:
    """Pair cells with the neighbour that shares most of their borders; return the cluster of each and the number."""
    n = len(weights)
    has_far = len(far_indices) > 0
    around = np.zeros(n)
    for cell in range(n):
        for e in range(indptr[cell], indptr[cell + 1]):
            around[cell] += cost[e]
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = below(state, i + 1)
        held = order[i]
        order[i] = order[j]
        order[j] = held
    cluster = np.full(n, -1, np.int32)
    count = 0
    for place in range(n):
        cell = order[place]
        if cluster[cell] >= 0:
            continue
        best, mate = -1.0, -1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if cluster[other] >= 0 or group[other] != group[cell] or cost[e] < 0:
                continue
            fits = True
            for j in range(weights.shape[1]):
                fits = fits and weights[cell, j] + weights[other, j] <= heaviest[j]
            if fits and has_far:
                for f in range(far_indptr[cell], far_indptr[cell + 1]):
                    fits = fits and not (far_indices[f] == other and far_cost[f] < 0)
            if not fits:
                continue
            rating = cost[e] / (around[cell] + around[other] - 2 * cost[e] + 1e-9)
            if rating > best:
                best, mate = rating, int(other)
        cluster[cell] = count
        if mate >= 0:
            cluster[mate] = count
        count += 1
    return cluster, count


@njit
def _contract(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    cluster: NDArray[np.int32],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Build the graph of the clusters."""
    n = len(cluster)
    members = np.full((count, 2), -1, np.int32)
    for cell in range(n):
        own = cluster[cell]
        members[own, 1 if members[own, 0] >= 0 else 0] = cell
    new_indptr = np.zeros(count + 1, np.int64)
    new_indices = np.empty(len(indices), np.int32)
    new_cost = np.empty(len(indices))
    slot = np.full(count, -1, np.int64)
    tail = 0
    for own in range(count):
        start = tail
        for k in range(2):
            cell = members[own, k]
            if cell < 0:
                continue
            for e in range(indptr[cell], indptr[cell + 1]):
                other = cluster[indices[e]]
                if other == own:
                    continue
                if slot[other] >= start:
                    new_cost[slot[other]] += cost[e]
                else:
                    slot[other] = tail
                    new_indices[tail] = other
                    new_cost[tail] = cost[e]
                    tail += 1
        new_indptr[own + 1] = tail
    return new_indptr, new_indices[:tail].copy(), new_cost[:tail].copy()


def _coarser(here: Level, cluster: NDArray[np.int32], count: int) -> Level:
    """Join the cells of each cluster."""
    far = here.far
    if len(far.indices):
        far = Far(*_contract(far.indptr, far.indices, far.cost, cluster, count))
    home, stay = here.home, here.stay
    if len(home):
        home = np.empty(count, np.int32)
        stay = np.bincount(cluster, weights=stay, minlength=count).astype(np.float64)
        home[cluster] = here.home
    links = _contract(here.indptr, here.indices, here.cost, cluster, count)
    return Level(*links, part_sums(cluster, here.weights, count), far, home, stay)


def coarsen(
    finest: Level,
    *,
    n_wanted: int,
    heaviest: NDArray[np.float64],
    state: NDArray[np.uint64],
    group: NDArray[np.int32] | None = None,
) -> tuple[list[Level], NDArray[np.int32]]:
    """Halve a graph until it has about `n_wanted` cells.

    Parameters
    ----------
    finest : Level
        Without clusters.
    n_wanted : int
        The coarsest graph has at least half as many cells, where the finest one has.
    heaviest : float64, shape (n_weights,)
        No cluster of two cells or more is heavier.
    state : uint64, shape (1,)
    group : int32, shape (n_cells,)
        Cells of different groups are never joined; None: all may be.

    Returns
    -------
    list of Level
        From the finest to the coarsest.
    int32, shape (n cells of the coarsest,)
        Group of each of its cells.
    """
    levels: list[Level] = []
    here = finest
    inside = np.zeros(finest.n_cells, np.int32) if group is None else group
    if len(finest.home):
        # Cells with different homes stay apart, so that each cluster has one.
        joint = inside.astype(np.int64) * (int(finest.home.max()) + 2) + finest.home
        kept = np.unique(joint, return_inverse=True)[1].astype(np.int32)
    else:
        kept = inside
    while here.n_cells > n_wanted:
        far = here.far
        cluster, count = _match(
            here.indptr, here.indices, here.cost, far.indptr, far.indices, far.cost, here.weights, heaviest, kept,
            state,
        )  # fmt: skip
        if count > 0.95 * here.n_cells:
            break
        levels.append(
            Level(here.indptr, here.indices, here.cost, here.weights, far, here.home, here.stay, cluster)
        )
        here = _coarser(here, cluster, count)
        joined, joined_kept = np.empty(count, np.int32), np.empty(count, np.int32)
        joined[cluster], joined_kept[cluster] = inside, kept
        inside, kept = joined, joined_kept
    return [*levels, here], inside
