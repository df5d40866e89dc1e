"""Moves of border cells from part to part: the bookkeeping of a move, and annealing.

All kernels work on CSR arrays of a connected graph. `rule` holds what a part's weight costs:
minimum, maximum, mean, price of deviation, price of being out of bounds.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.contiguity import removal_safety
from gis_core.partition._random import below, uniform

__all__ = ["anneal", "border_lists", "move_cell", "part_totals", "penalty", "total_cost"]


@njit
def penalty(weight: float, rule: NDArray[np.float64]) -> float:
    """Price the weight of one part: convex, so that imbalance spreads over the neighbours."""
    off = (weight - rule[2]) / rule[2]
    out = max(0.0, rule[0] - weight, weight - rule[1]) / rule[2]
    return rule[3] * off * off + rule[4] * out * (out + 0.05)


@njit
def part_totals(part: NDArray[np.int32], weight: NDArray[np.float64], n_parts: int) -> NDArray[np.float64]:
    """Sum the weight of each part."""
    total = np.zeros(n_parts)
    for cell in range(len(part)):
        total[part[cell]] += weight[cell]
    return total


@njit
def total_cost(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    part: NDArray[np.int32],
    part_weight: NDArray[np.float64],
    rule: NDArray[np.float64],
) -> float:
    """Sum the price of all borders, each once, and of all part weights."""
    twice = 0.0
    for cell in range(len(part)):
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != part[cell]:
                twice += cost[e]
    total = twice / 2
    for p in range(len(part_weight)):
        total += penalty(part_weight[p], rule)
    return total


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
def anneal(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    weight: NDArray[np.float64],
    part: NDArray[np.int32],
    part_weight: NDArray[np.float64],
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
    state: NDArray[np.uint64],
) -> int:
    """Propose moves of border cells, accept by Metropolis' rule while the temperature falls from `hot` to `cold`.

    The test of contiguity comes last, for moves that are accepted otherwise; parts stay connected and never
    empty. Changes `part`, `part_weight` and the border lists; returns the number of moves.
    """
    n = len(part)
    temperature = hot
    falling = 1.0
    if hot > 0 and cold > 0 and n_proposals > 64:
        falling = (cold / hot) ** (64.0 / n_proposals)
    moves = 0
    for step in range(n_proposals):
        if step & 63 == 63:
            temperature *= falling
        if border[n] == 0:
            break
        cell = border[below(state, border[n])]
        first = indptr[cell]
        own = part[cell]
        target = part[indices[first + below(state, indptr[cell + 1] - first)]]
        if own == target:
            continue
        w = weight[cell]
        rise = (
            penalty(part_weight[own] - w, rule)
            - penalty(part_weight[own], rule)
            + penalty(part_weight[target] + w, rule)
            - penalty(part_weight[target], rule)
        )
        for e in range(first, indptr[cell + 1]):
            of = part[indices[e]]
            if of == own:
                rise += cost[e]
            elif of == target:
                rise -= cost[e]
        if rise > 0 and (temperature <= 0 or uniform(state) >= math.exp(-rise / temperature)):
            continue
        if removal_safety(indptr, indices, part, cell, stamp, queue, search_limit) != 1:
            continue
        move_cell(cell, target, indptr, indices, part, n_cut, border, place)
        part_weight[own] -= w
        part_weight[target] += w
        moves += 1
    return moves
