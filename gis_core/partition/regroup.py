"""Pairwise re-splitting: take a few neighbouring parts as one region, draw them anew, keep what is better.

A region is copied to a small graph of its own; half of the tries start from new tree cuts, the others heat what is
there; each is annealed. Only a strictly better region replaces the old one, so a plan never gets worse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import below, uniform
from gis_core.partition.refine import move_cell
from gis_core.partition.state import Level, State

__all__ = ["improve_groups", "redraw_group"]

#: Trees for each cut of a region.
_TREES = 4


@njit
def _pick_group(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    state: NDArray[np.uint64],
) -> NDArray[np.int32]:
    """Choose a border cell by chance, a part beside it, and now and then a third one beside both.

    Returns
    -------
    int32, shape (4,)
        The three parts (the last -1 where there are two), and the cell.
    """
    picked = np.full(4, -1, np.int32)
    cell = border[below(state, border[len(part)])]
    picked[0], picked[3] = part[cell], cell
    for e in range(indptr[cell], indptr[cell + 1]):
        if part[indices[e]] != picked[0]:
            picked[1] = part[indices[e]]
            break
    if uniform(state) < 0.35:
        # Walk along the border of the pair until a third part shows.
        here = cell
        for _step in range(60):
            other = indices[indptr[here] + below(state, indptr[here + 1] - indptr[here])]
            if part[other] != picked[0] and part[other] != picked[1]:
                picked[2] = part[other]
                break
            if n_cut[other] > 0:
                here = other
    return picked


@njit
def _extract(
    start: int,
    member: NDArray[np.int32],
    local: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    weight: NDArray[np.float64],
    part: NDArray[np.int32],
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int32],
]:
    """Copy the parts that have a number in `member` to a graph of their own, starting at one of their cells.

    Returns the cells, their CSR arrays and prices, weights, and the number of the part of each. `local` is scratch of
    -1 and is left so.
    """
    cells = np.empty(len(part), np.int32)
    cells[0] = start
    local[start] = 0
    size, room, head = 1, 0, 0
    while head < size:
        cell = cells[head]
        head += 1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if member[part[other]] >= 0:
                room += 1
                if local[other] < 0:
                    local[other] = size
                    cells[size] = other
                    size += 1
    own_indptr, own_indices, own_cost = np.zeros(size + 1, np.int64), np.empty(room, np.int32), np.empty(room)
    own_weight, own_part = np.empty(size), np.empty(size, np.int32)
    tail = 0
    for i in range(size):
        cell = cells[i]
        own_weight[i], own_part[i] = weight[cell], member[part[cell]]
        for e in range(indptr[cell], indptr[cell + 1]):
            if local[indices[e]] >= 0:
                own_indices[tail], own_cost[tail] = local[indices[e]], cost[e]
                tail += 1
        own_indptr[i + 1] = tail
    for i in range(size):
        local[cells[i]] = -1
    return cells[:size].copy(), own_indptr, own_indices, own_cost, own_weight, own_part


@njit
def _write_back(
    cells: NDArray[np.int32],
    new: NDArray[np.int32],
    group: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    place: NDArray[np.int32],
) -> None:
    """Give the cells of a region to their new parts."""
    for i in range(len(cells)):
        move_cell(cells[i], group[new[i]], indptr, indices, part, n_cut, border, place)


def redraw_group(
    whole: State,
    group: NDArray[np.int32],
    start: int,
    hot: float,
    effort: int,
    tries: int,
    rng: NDArray[np.uint64],
) -> float:
    """Draw a group of parts, connected together, anew.

    Parameters
    ----------
    whole : State
        Changed where a better region is found.
    group : int32
        Parts.
    start : int
        A cell of one of them.
    hot : float
        Temperature to begin with.
    effort : int
        Proposals for each cell and try.
    tries : int
    rng : uint64, shape (1,)

    Returns
    -------
    float
        By how much the cost fell; 0 where nothing was changed.
    """
    level = whole.level
    whole.member[group] = np.arange(len(group), dtype=np.int32)
    cells, indptr, indices, cost, weight, before = _extract(
        start, whole.member, whole.local, level.indptr, level.indices, level.cost, level.weight, whole.part
    )
    whole.member[group] = -1
    small = Level(indptr, indices, cost, weight)
    best = State(small, before, len(group), whole.rule)
    old = best_cost = best.cost()
    for attempt in range(tries):
        fresh = attempt % 2 == 0
        part = small.tree_cuts(len(group), whole.rule, _TREES, rng) if fresh else best.part.copy()
        trial = State(small, part, len(group), whole.rule)
        trial.propose(hot, 0.05 * hot, effort * len(cells), len(cells) + 1, rng)
        trial.propose(0.0, 0.0, 2 * len(cells), len(cells) + 1, rng)
        price = trial.cost()
        if price < best_cost - 1e-6 * (1 + abs(best_cost)):
            best, best_cost = trial, price
    if best_cost < old:
        _write_back(
            cells,
            best.part,
            group,
            level.indptr,
            level.indices,
            whole.part,
            whole.n_cut,
            whole.border,
            whole.place,
        )
        whole.part_weight[group] = best.part_weight
    return old - best_cost


def improve_groups(whole: State, hot: float, effort: int, n_groups: int, rng: NDArray[np.uint64]) -> float:
    """Draw random pairs and triples of neighbouring parts anew; return by how much the cost fell."""
    gain = 0.0
    for _ in range(n_groups):
        if whole.border[-1] == 0:
            break
        picked = _pick_group(
            whole.level.indptr, whole.level.indices, whole.part, whole.n_cut, whole.border, rng
        )
        group = picked[:3][picked[:3] >= 0]
        gain += redraw_group(whole, group, int(picked[3]), hot, effort, 2, rng)
    return gain
