"""Make a graph smaller by joining cells in pairs, so that a seed sees its large shape.

Pairs are chosen by the share of their borders that they have in common, so that clusters are compact and
rarely cross a street. Every cluster is connected; a partition of clusters is one of cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import below
from gis_core.partition.state import Level

__all__ = ["coarsen"]


@njit
def _match(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    weight: NDArray[np.float64],
    heaviest: float,
    state: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], int]:
    """Pair cells with the neighbour that shares most of their borders; return the cluster of each and the number."""
    n = len(weight)
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
            if cluster[other] >= 0 or weight[cell] + weight[other] > heaviest:
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
    weight: NDArray[np.float64],
    cluster: NDArray[np.int32],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Build the graph of the clusters."""
    n = len(weight)
    members = np.full((count, 2), -1, np.int32)
    total = np.zeros(count)
    for cell in range(n):
        own = cluster[cell]
        members[own, 1 if members[own, 0] >= 0 else 0] = cell
        total[own] += weight[cell]
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
    return new_indptr, new_indices[:tail].copy(), new_cost[:tail].copy(), total


def coarsen(finest: Level, *, n_wanted: int, heaviest: float, state: NDArray[np.uint64]) -> list[Level]:
    """Halve a graph until it has about `n_wanted` cells.

    Parameters
    ----------
    finest : Level
        Without clusters.
    n_wanted : int
        The coarsest graph has at least half as many cells, where the finest one has.
    heaviest : float
        No cluster of two cells or more is heavier.
    state : uint64, shape (1,)

    Returns
    -------
    list of Level
        From the finest to the coarsest.
    """
    levels: list[Level] = []
    here = finest
    while len(here.weight) > n_wanted:
        cluster, count = _match(here.indptr, here.indices, here.cost, here.weight, heaviest, state)
        if count > 0.95 * len(here.weight):
            break
        levels.append(Level(here.indptr, here.indices, here.cost, here.weight, cluster))
        here = Level(*_contract(here.indptr, here.indices, here.cost, here.weight, cluster, count))
    return [*levels, here]
