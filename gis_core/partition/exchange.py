"""Exchanging cells between two neighbouring parts: one cell over, or one for another, to the household.

A single move changes two parts by all of a cell. A pair of moves changes them by a difference of cells, of which
there are hundreds along one border; among them is nearly always one that fits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.contiguity import removal_safety
from gis_core.partition.state import Level

__all__ = ["best_exchange"]


@njit
def _rise(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    part: NDArray[np.int32],
    cell: int,
) -> float:
    """Return by how much the border between two parts gets dearer when `cell` changes sides."""
    rise = 0.0
    for e in range(indptr[cell], indptr[cell + 1]):
        rise += cost[e] if part[indices[e]] == part[cell] else -cost[e]
    return rise


@njit
def _on_border(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], part: NDArray[np.int32], side: int
) -> NDArray[np.int64]:
    """List the cells of one side that touch the other; -1 first: no cell."""
    found = np.empty(len(part) + 1, np.int64)
    found[0] = -1
    count = 1
    for cell in range(len(part)):
        if part[cell] == side:
            for e in range(indptr[cell], indptr[cell + 1]):
                if part[indices[e]] != side:
                    found[count] = cell
                    count += 1
                    break
    return found[:count]


@njit
def _keeps_together(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    a: int,
    b: int,
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
) -> bool:
    """Tell whether both sides stay in one piece when `a` and `b` (-1: none) change sides; `part` is left as it was."""
    n = len(part)
    if a >= 0 and removal_safety(indptr, indices, part, a, stamp, queue, n + 1) != 1:
        return False
    if b < 0:
        return True
    if a < 0:
        return removal_safety(indptr, indices, part, b, stamp, queue, n + 1) == 1
    part[a] = 1
    together = removal_safety(indptr, indices, part, b, stamp, queue, n + 1) == 1
    part[a] = 0
    if not together:
        return False
    for e in range(indptr[b], indptr[b + 1]):
        other = indices[e]
        if other != a and part[other] == 0:
            return True
    return False


@njit
def _search(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    far_cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    alpha: NDArray[np.float64],
    least_gain: float,
) -> tuple[int, int, float]:
    """Find the cells whose exchange lowers price most; see `best_exchange`."""
    n_weights = weights.shape[1]
    ours = _on_border(indptr, indices, part, 0)
    theirs = _on_border(indptr, indices, part, 1)
    rises = np.zeros(len(part))
    for side in (ours, theirs):
        for cell in side[1:]:
            rises[cell] = _rise(indptr, indices, cost, part, cell)
            if len(far_indices):
                rises[cell] += _rise(far_indptr, far_indices, far_cost, part, cell)
    before = 0.0
    for s in range(2):
        before += alpha[s] * max(0.0, low[s, 0] - sums[s, 0], sums[s, 0] - high[s, 0])
    best, best_a, best_b = -least_gain, -1, -1
    between = np.zeros(len(part))
    stamp, queue = np.zeros(len(part) + 1, np.int64), np.empty(len(part), np.int32)
    for a in ours:
        if a >= 0:
            for e in range(indptr[a], indptr[a + 1]):
                between[indices[e]] = cost[e]
        for b in theirs:
            if a < 0 and b < 0:
                continue
            net = 0.0
            if a >= 0:
                net += weights[a, 0]
            if b >= 0:
                net -= weights[b, 0]
            mine, other = sums[0, 0] - net, sums[1, 0] + net
            price = alpha[0] * max(0.0, low[0, 0] - mine, mine - high[0, 0]) - before
            price += alpha[1] * max(0.0, low[1, 0] - other, other - high[1, 0])
            if a >= 0:
                price += rises[a]
            if b >= 0:
                price += rises[b]
                if a >= 0:
                    price += 2 * between[b]
            if price >= best:
                continue
            fits = True
            for j in range(1, n_weights):
                shift = (weights[a, j] if a >= 0 else 0.0) - (weights[b, j] if b >= 0 else 0.0)
                fits = fits and low[0, j] <= sums[0, j] - shift <= high[0, j]
                fits = fits and low[1, j] <= sums[1, j] + shift <= high[1, j]
            if fits and _keeps_together(indptr, indices, part, a, b, stamp, queue):
                best, best_a, best_b = price, a, b
        if a >= 0:
            for e in range(indptr[a], indptr[a + 1]):
                between[indices[e]] = 0.0
    return best_a, best_b, best


def best_exchange(
    level: Level,
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    alpha: NDArray[np.float64],
    *,
    least_gain: float = 1e-6,
) -> tuple[int, int, float]:
    """Find the exchange between two parts that lowers border plus imbalance most.

    Parameters
    ----------
    level : Level
        Of the cells of both parts.
    part : int32, shape (n_cells,)
        0 or 1; both connected.
    sums, low, high : float64, shape (2, n_weights)
        Weights of the two parts, and what each should have; further weights never leave it.
    alpha : float64, shape (2,)
        Price of one unit of the first weight outside `low` to `high`.
    least_gain : float
        Smaller gains are not worth it.

    Returns
    -------
    (a, b, change)
        Cell of part 0 and cell of part 1 that change sides (-1: none; both -1: nothing pays), and the change of
        price, below 0.

    Notes
    -----
    The product of the numbers of border cells of the two sides; contiguity is tested only for what would win.
    """
    far = level.far
    return _search(
        level.indptr, level.indices, level.cost, far.indptr, far.indices, far.cost, level.weights, part, sums,
        low, high, alpha, least_gain,
    )  # fmt: skip
