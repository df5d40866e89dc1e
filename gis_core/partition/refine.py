"""Moves of border cells from part to part: the bookkeeping of a move, and annealing.

All kernels work on the CSR arrays of a `Level`. `rule` has one row for each weight: minimum, maximum, mean, price of
the square of a deviation, price of a unit outside the bounds, and how that price grows with each unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.contiguity import removal_safety

__all__ = [
    "LOGS",
    "anneal",
    "begin",
    "border_lists",
    "move_cell",
    "part_sums",
    "part_totals",
    "penalty",
    "total_cost",
]

#: Minus the logarithms of 512 even shares of (0, 1]: Metropolis' rule without a call of `exp`.
LOGS: NDArray[np.float64] = -np.log((np.arange(512) + 0.5) / 512)
LOGS.flags.writeable = True


@njit
def penalty(
    sums: NDArray[np.float64],
    p: int,
    weights: NDArray[np.float64],
    cell: int,
    sign: float,
    rule: NDArray[np.float64],
) -> float:
    """Price the weights of part `p` with `sign` times the weights of `cell` added (sign 0: as it is).

    Convex, so that imbalance spreads over the neighbours.
    """
    price = 0.0
    for j in range(rule.shape[0]):
        w = sums[p, j] + sign * weights[cell, j]
        off = w - rule[j, 2]
        price += rule[j, 3] * off * off
        if w < rule[j, 0]:
            out = rule[j, 0] - w
            price += rule[j, 4] * out * (1.0 + out * rule[j, 5])
        elif w > rule[j, 1]:
            out = w - rule[j, 1]
            price += rule[j, 4] * out * (1.0 + out * rule[j, 5])
    return price


@njit
def part_totals(part: NDArray[np.int32], weight: NDArray[np.float64], n_parts: int) -> NDArray[np.float64]:
    """Sum one weight of each part."""
    total = np.zeros(n_parts)
    for cell in range(len(part)):
        total[part[cell]] += weight[cell]
    return total


@njit
def part_sums(part: NDArray[np.int32], weights: NDArray[np.float64], n_parts: int) -> NDArray[np.float64]:
    """Sum all weights of each part; shape (n_parts, n_weights)."""
    sums = np.zeros((n_parts, weights.shape[1]))
    for cell in range(len(part)):
        for j in range(weights.shape[1]):
            sums[part[cell], j] += weights[cell, j]
    return sums


@njit
def total_cost(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], cost: NDArray[np.float64], part: NDArray[np.int32]
) -> float:
    """Sum the price of all borders, each once."""
    twice = 0.0
    for cell in range(len(part)):
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != part[cell]:
                twice += cost[e]
    return twice / 2


@njit
def border_lists(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], part: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """List the cells that touch another part.

    Returns
    -------
    n_cut : int32, shape (n_cells,)
        Neighbours of each cell in other parts.
    border : int32, shape (n_cells + 1,)
        The cells where that is not 0, in the first places; the last element counts them.
    place : int32, shape (n_cells,)
        Place of each cell in `border`, -1 where it is not there.
    """
    n = len(part)
    n_cut = np.zeros(n, np.int32)
    border = np.zeros(n + 1, np.int32)
    place = np.full(n, -1, np.int32)
    for cell in range(n):
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != part[cell]:
                n_cut[cell] += 1
        if n_cut[cell] > 0:
            place[cell] = border[n]
            border[border[n]] = cell
            border[n] += 1
    return n_cut, border, place


@njit
def begin(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weights: NDArray[np.float64],
    part: NDArray[np.int32],
    n_parts: int,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
]:
    """Return what the kernels keep beside a partition: sums, border lists, and scratch (`stamp` and `queue`)."""
    n = len(part)
    n_cut, border, place = border_lists(indptr, indices, part)
    sums = part_sums(part, weights, n_parts)
    return sums, n_cut, border, place, np.zeros(n + 1, np.int64), np.empty(n, np.int32)


@njit
def _list_or_drop(
    cell: int, n_cut: NDArray[np.int32], border: NDArray[np.int32], place: NDArray[np.int32]
) -> None:
    """Bring the list of border cells up to date for one cell."""
    n = len(n_cut)
    if n_cut[cell] > 0 and place[cell] < 0:
        place[cell] = border[n]
        border[border[n]] = cell
        border[n] += 1
    elif n_cut[cell] == 0 and place[cell] >= 0:
        border[n] -= 1
        last = border[border[n]]
        border[place[cell]] = last
        place[last] = place[cell]
        place[cell] = -1


@njit
def move_cell(
    cell: int,
    target: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    place: NDArray[np.int32],
) -> None:
    """Give a cell to another part and keep the border lists true."""
    own = part[cell]
    if own == target:
        return
    part[cell] = target
    for e in range(indptr[cell], indptr[cell + 1]):
        other = indices[e]
        if part[other] == own:
            n_cut[other] += 1
            n_cut[cell] += 1
            _list_or_drop(other, n_cut, border, place)
        elif part[other] == target:
            n_cut[other] -= 1
            n_cut[cell] -= 1
            _list_or_drop(other, n_cut, border, place)
    _list_or_drop(cell, n_cut, border, place)


@njit
def anneal(  # noqa: PLR0912, PLR0915  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    far_cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    home: NDArray[np.int32],
    stay: NDArray[np.float64],
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    place: NDArray[np.int32],
    rule: NDArray[np.float64],
    hot: float,
    cold: float,
    n_proposals: int,
    search_limit: int,
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
    logs: NDArray[np.float64],
    state: NDArray[np.uint64],
) -> int:
    """Propose moves of border cells, accept by Metropolis' rule while the temperature falls from `hot` to `cold`.

    One draw of SplitMix64 chooses the cell, the part and the threshold. What costs more comes later: the rise of
    the border alone, then the weights, and contiguity only for moves that are accepted otherwise. Parts stay
    connected and never empty. Changes `part`, `sums` and the border lists; returns the number of moves.
    """
    n = len(part)
    temperature = hot
    falling = 1.0
    if hot > 0 and cold > 0 and n_proposals > 64:
        falling = (cold / hot) ** (64.0 / n_proposals)
    has_far, has_home = len(far_indices) > 0, len(home) > 0
    price = np.empty(len(sums))
    for p in range(len(sums)):
        price[p] = penalty(sums, p, weights, 0, 0.0, rule)
    moves = 0
    word = state[0]
    done, next_fall = 0, 63
    while done < n_proposals and border[n] > 0:
        if done >= next_fall:
            temperature *= falling
            next_fall += 64
        word += np.uint64(0x9E3779B97F4A7C15)
        z = word
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        cell = border[((z >> np.uint64(32)) * np.uint64(border[n])) >> np.uint64(32)]
        first, last = indptr[cell], indptr[cell + 1]
        # A cell with very many neighbours takes the time of many proposals.
        done += 1 + ((last - first) >> 6)
        own = part[cell]
        share = ((z >> np.uint64(12)) & np.uint64(0xFFFFF)) * np.uint64(last - first)
        e = first + np.int64(share >> np.uint64(20))
        target = part[indices[e]]
        while target == own:
            e += 1
            if e == last:
                e = first
            target = part[indices[e]]
        rise = 0.0
        for e in range(first, last):
            of = part[indices[e]]
            rise += cost[e] * (np.int64(of == own) - np.int64(of == target))
        if has_far:
            for e in range(far_indptr[cell], far_indptr[cell + 1]):
                of = part[far_indices[e]]
                rise += far_cost[e] * (np.int64(of == own) - np.int64(of == target))
        if has_home:
            rise += stay[cell] * (np.int64(home[cell] == own) - np.int64(home[cell] == target))
        allowed = temperature * logs[z & np.uint64(511)]
        most_gain = price[own] + price[target]
        if rise - most_gain > allowed:
            continue
        without = penalty(sums, own, weights, cell, -1.0, rule)
        having = penalty(sums, target, weights, cell, 1.0, rule)
        if rise + without + having - most_gain > allowed:
            continue
        if removal_safety(indptr, indices, part, cell, stamp, queue, search_limit) != 1:
            continue
        move_cell(cell, target, indptr, indices, part, n_cut, border, place)
        for j in range(sums.shape[1]):
            sums[own, j] -= weights[cell, j]
            sums[target, j] += weights[cell, j]
        price[own], price[target] = without, having
        moves += 1
    state[0] = word
    return moves
