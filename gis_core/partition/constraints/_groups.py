"""Groups of neighbouring parts that are searched anew after the search, on levels that see more than prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.problem import pair_rows
from gis_core.partition.state import Far, Level

__all__ = ["contracted", "grown_group", "with_pairs"]


def grown_group(
    level: Level, part: NDArray[np.int32], group: list[int], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Add parts to a group, mostly along long borders, until it has so many or nothing touches it.

    Parameters
    ----------
    level : Level
    part : int32, shape (n_cells,)
    group : list of int
        Where it begins; comes first in the result.
    size : int
    rng : Generator

    Returns
    -------
    int64, shape (at most max(size, len(group)),)
    """
    inside, found = np.isin(part, group), list(group)
    while len(found) < size:
        rows = np.flatnonzero(inside)
        length = level.indptr[rows + 1] - level.indptr[rows]
        first = np.cumsum(length) - length
        slots = np.arange(int(length.sum())) + np.repeat(level.indptr[rows] - first, length)
        out = slots[~inside[level.indices[slots]]]
        if not len(out):
            break
        touched, which = np.unique(part[level.indices[out]], return_inverse=True)
        share = np.bincount(which, weights=np.maximum(level.cost[out], 0.0) + 1e-9)
        newest = int(rng.choice(touched, p=share / share.sum()))
        found.append(newest)
        inside |= part == newest
    return np.array(found, np.int64)


def with_pairs(
    level: Level, left: NDArray[np.int64], right: NDArray[np.int64], price: NDArray[np.float64]
) -> Level:
    """Return a level with more priced pairs, each given once."""
    n, far = level.n_cells, level.far
    a, b, cost = [left, right], [right, left], [price, price]
    if len(far.indices):
        a.append(np.repeat(np.arange(n), np.diff(far.indptr)))
        b.append(far.indices.astype(np.int64))
        cost.append(far.cost)
    return replace(level, far=Far(*pair_rows(n, np.concatenate(a), np.concatenate(b), np.concatenate(cost))))


def contracted(level: Level, label: NDArray[np.integer]) -> tuple[Level, NDArray[np.int32]]:
    """Join cells of one label that have one home, for a search that never parts them.

    Parameters
    ----------
    level : Level
    label : int, shape (n_cells,)
        Cells of one label must hang together.

    Returns
    -------
    Level
        Of the clusters.
    int32, shape (n_cells,)
        Cluster of each cell.
    """
    joint = np.asarray(label, dtype=np.int64)
    if len(level.home):
        joint = joint * (int(level.home.max()) + 2) + level.home
    first, cluster = np.unique(joint, return_index=True, return_inverse=True)[1:]
    count = len(first)

    def joined(
        indptr: NDArray[np.int64], indices: NDArray[np.int32], cost: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        owner, other = cluster[np.repeat(np.arange(level.n_cells), np.diff(indptr))], cluster[indices]
        outer = owner != other
        return pair_rows(count, owner[outer], other[outer], cost[outer])

    far = level.far
    weights = np.column_stack(
        [np.bincount(cluster, weights=column, minlength=count) for column in level.weights.T]
    )
    few = Level(
        *joined(level.indptr, level.indices, level.cost),
        np.ascontiguousarray(weights),
        Far(*joined(far.indptr, far.indices, far.cost)) if len(far.indices) else Far(),
        level.home[first] if len(level.home) else level.home,
        np.bincount(cluster, weights=level.stay, minlength=count).astype(np.float64)
        if len(level.home)
        else level.stay,
    )
    return few, cluster.astype(np.int32)
