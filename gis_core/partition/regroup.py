"""Pairwise re-splitting: take a few neighbouring parts as one region, draw them anew, keep what is better.

A region is copied to a small graph of its own; half of the tries start from new tree cuts, the others heat
what is there; each is annealed. Only a strictly better region replaces the old one, so a plan never gets
worse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import below, uniform
from gis_core.partition.refine import anneal, border_lists, move_cell, part_totals, total_cost
from gis_core.partition.seed import tree_seed

__all__ = ["improve_groups", "redraw_region"]


@njit
def _collect(
    start: int,
    member: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    local: NDArray[np.int32],
) -> NDArray[np.int32]:
    """List the cells of the parts that have a number in `member`, and number them in `local`."""
    cells = np.empty(len(part), np.int32)
    cells[0] = start
    local[start] = 0
    head, tail = 0, 1
    while head < tail:
        cell = cells[head]
        head += 1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if local[other] < 0 and member[part[other]] >= 0:
                local[other] = tail
                cells[tail] = other
                tail += 1
    return cells[:tail].copy()


@njit
def redraw_region(
    start: int,
    group: NDArray[np.int32],
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
    effort: int,
    tries: int,
    member: NDArray[np.int32],
    local: NDArray[np.int32],
    state: NDArray[np.uint64],
) -> float:
    """Draw the parts in `group` anew; return by how much the cost fell (0: nothing was changed).

    `start` is a cell of the group, whose parts together are connected; `member` and `local` are scratch of
    -1, one a part and one a cell, and are left so. `effort` is the number of proposals for each cell and try.
    """
    g = len(group)
    for i in range(g):
        member[group[i]] = i
    cells = _collect(start, member, indptr, indices, part, local)
    size = len(cells)
    own_indptr = np.zeros(size + 1, np.int64)
    room = 0
    for i in range(size):
        room += indptr[cells[i] + 1] - indptr[cells[i]]
    own_indices, own_cost = np.empty(room, np.int32), np.empty(room)
    own_weight, before = np.empty(size), np.empty(size, np.int32)
    tail = 0
    for i in range(size):
        cell = cells[i]
        own_weight[i], before[i] = weight[cell], member[part[cell]]
        for e in range(indptr[cell], indptr[cell + 1]):
            if local[indices[e]] >= 0:
                own_indices[tail], own_cost[tail] = local[indices[e]], cost[e]
                tail += 1
        own_indptr[i + 1] = tail
    own_indices, own_cost = own_indices[:tail].copy(), own_cost[:tail].copy()
    old = total_cost(own_indptr, own_indices, own_cost, before, part_totals(before, own_weight, g), rule)
    best, best_cost = before, old - 1e-6 * (1 + abs(old))
    stamp, queue = np.zeros(size + 1, np.int64), np.empty(size, np.int32)
    for attempt in range(tries):
        if attempt % 2 == 0:
            trial = tree_seed(own_indptr, own_indices, own_cost, own_weight, g, rule, 4, state)
        else:
            trial = best.copy()
        own_totals = part_totals(trial, own_weight, g)
        own_cut, own_border, own_place = border_lists(own_indptr, own_indices, trial)
        for last in range(2):
            anneal(
                own_indptr, own_indices, own_cost, own_weight, trial, own_totals, own_cut, own_border, own_place,
                rule, 0.0 if last else hot, 0.0 if last else 0.05 * hot, (2 if last else effort) * size, size + 1,
                stamp, queue, state,
            )  # fmt: skip
        price = total_cost(own_indptr, own_indices, own_cost, trial, own_totals, rule)
        if price < best_cost:
            best, best_cost = trial, price
    changed = best_cost < old - 1e-6 * (1 + abs(old))
    for i in range(size):
        local[cells[i]] = -1
        if changed and best[i] != before[i]:
            move_cell(cells[i], group[best[i]], indptr, indices, part, n_cut, border, place)
    if changed:
        new_totals = part_totals(best, own_weight, g)
        for i in range(g):
            part_weight[group[i]] = new_totals[i]
    for i in range(g):
        member[group[i]] = -1
    return old - best_cost if changed else 0.0


@njit
def improve_groups(
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
    effort: int,
    tries: int,
    n_groups: int,
    member: NDArray[np.int32],
    local: NDArray[np.int32],
    state: NDArray[np.uint64],
) -> float:
    """Draw `n_groups` random pairs and triples of neighbouring parts anew; return by how much the cost fell."""
    n = len(part)
    gain = 0.0
    for _ in range(n_groups):
        if border[n] == 0:
            break
        cell = border[below(state, border[n])]
        group = np.full(3, -1, np.int32)
        group[0] = part[cell]
        count = 1
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != group[0] and count == 1:
                group[1] = part[indices[e]]
                count = 2
        if uniform(state) < 0.35:
            # A third part beside the pair: walk along the border of the pair until it shows.
            here = cell
            for _step in range(60):
                other = indices[indptr[here] + below(state, indptr[here + 1] - indptr[here])]
                if part[other] != group[0] and part[other] != group[1]:
                    group[2] = part[other]
                    count = 3
                    break
                if n_cut[other] > 0:
                    here = other
        gain += redraw_region(
            cell, group[:count].copy(), indptr, indices, cost, weight, part, part_weight, n_cut, border, place, rule,
            hot, effort, tries, member, local, state,
        )  # fmt: skip
    return gain
