"""Kernels of rebalancing, on the cells of a region that are numbered anew: search, totals, extraction.

`rule` holds what a plan costs: least and greatest weight of a part, price of a unit of violation in the search, price
of a household that changes hands, price of a metre of border, price of deviation, mean. `cap` is the most that may
change hands. The plain versions are in `rebalance_plain`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.contiguity import removal_safety
from gis_core.partition._random import below, uniform
from gis_core.partition.refine import move_cell

__all__ = ["EXTRA", "extract", "key_of", "search"]

#: Positions in `rule`.
LOW, HIGH, BIG, MOVED, BORDER, EXTRA, MEAN = range(7)


@njit
def outside(weight: float, rule: NDArray[np.float64]) -> float:
    """Return by how much a weight is out of bounds."""
    return max(0.0, rule[0] - weight, weight - rule[1])


@njit
def soft(weight: float, rule: NDArray[np.float64]) -> float:
    """Price the deviation of one part from the mean."""
    off = (weight - rule[6]) / rule[6]
    return rule[5] * off * off


@njit
def key_of(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    part_weight: NDArray[np.float64],
    rule: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return violation, weight that changed hands, and the price of all but violation."""
    violation, moved, twice, cost = 0.0, 0.0, 0.0, 0.0
    for p in range(len(part_weight)):
        violation += outside(part_weight[p], rule)
        cost += soft(part_weight[p], rule)
    for cell in range(len(part)):
        if home[cell] >= 0 and part[cell] != home[cell]:
            moved += stay[cell]
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != part[cell]:
                twice += price[e]
    return violation, moved, cost + rule[3] * moved + rule[4] * twice / 2


@njit
def _rise(
    cell: int,
    target: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    part_weight: NDArray[np.float64],
    rule: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return by how much a move changes violation, what changed hands, and the price of all but violation."""
    own, w = part[cell], weight[cell]
    a, b = part_weight[own], part_weight[target]
    violation = outside(a - w, rule) - outside(a, rule) + outside(b + w, rule) - outside(b, rule)
    moved = 0.0
    if home[cell] == own:
        moved = stay[cell]
    elif home[cell] == target:
        moved = -stay[cell]
    border = 0.0
    for e in range(indptr[cell], indptr[cell + 1]):
        of = part[indices[e]]
        if of == own:
            border += price[e]
        elif of == target:
            border -= price[e]
    cost = rule[3] * moved + rule[4] * border
    if rule[5] > 0:
        cost += soft(a - w, rule) - soft(a, rule) + soft(b + w, rule) - soft(b, rule)
    return violation, moved, cost


@njit
def _accept(rise: float, temperature: float, state: NDArray[np.uint64]) -> bool:
    """Apply Metropolis' rule."""
    return rise <= 0 or (temperature > 0 and uniform(state) < math.exp(-rise / temperature))


@njit
def _hanging(
    cell: int,
    keep: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
) -> int:
    """Put into `queue` what its part loses besides `cell` if that leaves and the piece with `keep` stays; count it."""
    own = part[cell]
    n = len(stamp) - 1
    seen = stamp[n] + 1
    stamp[n] = seen
    stamp[cell], stamp[keep] = seen, seen
    queue[0] = keep
    head, tail = 0, 1
    while head < tail:
        here = queue[head]
        head += 1
        for e in range(indptr[here], indptr[here + 1]):
            other = indices[e]
            if part[other] == own and stamp[other] != seen:
                stamp[other] = seen
                queue[tail] = other
                tail += 1
    head, tail = -1, 0
    while head < tail:
        here = cell if head < 0 else queue[head]
        head += 1
        for e in range(indptr[here], indptr[here + 1]):
            other = indices[e]
            if part[other] == own and stamp[other] != seen:
                stamp[other] = seen
                queue[tail] = other
                tail += 1
        if head == tail:
            break
    return tail


@njit
def search(  # noqa: PLR0912, PLR0915  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    part_weight: NDArray[np.float64],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    place: NDArray[np.int32],
    rule: NDArray[np.float64],
    cap: float,
    enough: float,
    hot: float,
    cold: float,
    n_proposals: int,
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
    state: NDArray[np.uint64],
    best: NDArray[np.int32],
) -> tuple[float, float, int]:
    """Anneal moves over the border, alone, in pairs, or with what hangs on the cell; keep the best plan met in `best`.

    Better is: less violation, then a smaller price of all else. Parts stay connected and never empty, and no plan
    with more than `cap` changed hands is entered. The search ends early at a plan without violation of which at
    most `enough` changed hands. Returns violation and price of the best plan, and the number of moves.
    """
    n = len(part)
    violation, moved, cost = key_of(indptr, indices, price, stay, home, part, part_weight, rule)
    best[:] = part
    best_violation, best_cost = violation, cost
    temperature, falling, moves = hot, 1.0, 0
    if hot > 0 and cold > 0 and n_proposals > 64:
        falling = (cold / hot) ** (64.0 / n_proposals)
    for step in range(n_proposals):
        if step & 63 == 63:
            temperature *= falling
        if border[n] == 0:
            break
        cell = border[below(state, border[n])]
        own = part[cell]
        target = part[indices[indptr[cell] + below(state, indptr[cell + 1] - indptr[cell])]]
        if own == target:
            continue
        dv, dm, dc = _rise(cell, target, indptr, indices, price, weight, stay, home, part, part_weight, rule)
        kind = uniform(state)
        pair, block = kind < 0.25, kind > 0.94
        alone = moved + dm <= cap and _accept(rule[2] * dv + dc, temperature, state)
        if not (alone or pair or block):
            continue
        if removal_safety(indptr, indices, part, cell, stamp, queue, n + 1) != 1:
            keep = indices[indptr[cell] + below(state, indptr[cell + 1] - indptr[cell])]
            if not block or part[keep] != own:
                continue
            count = _hanging(cell, keep, indptr, indices, part, stamp, queue)
            dv, dm, dc = 0.0, 0.0, 0.0
            for i in range(-1, count):
                one = cell if i < 0 else queue[i]
                ev, em, ec = _rise(
                    one, target, indptr, indices, price, weight, stay, home, part, part_weight, rule
                )
                move_cell(one, target, indptr, indices, part, n_cut, border, place)
                part_weight[own] -= weight[one]
                part_weight[target] += weight[one]
                dv, dm, dc = dv + ev, dm + em, dc + ec
            if moved + dm > cap or not _accept(rule[2] * dv + dc, temperature, state):
                for i in range(-1, count):
                    one = cell if i < 0 else queue[i]
                    move_cell(one, own, indptr, indices, part, n_cut, border, place)
                    part_weight[own] += weight[one]
                    part_weight[target] -= weight[one]
                continue
            moves += count + 1
            violation, moved, cost = violation + dv, moved + dm, cost + dc
            if violation < best_violation - 1e-7 or (
                violation <= best_violation + 1e-7 and cost < best_cost - 1e-9
            ):
                best[:] = part
                best_violation, best_cost = violation, cost
                if violation <= 1e-7 and moved <= enough + 1e-7:
                    break
            continue
        move_cell(cell, target, indptr, indices, part, n_cut, border, place)
        part_weight[own] -= weight[cell]
        part_weight[target] += weight[cell]
        if not alone:
            # A second move out of the part that received, so that the two together may be worth it.
            other, to = -1, -1
            for _ in range(6):
                guess = border[below(state, border[n])]
                if guess != cell and part[guess] == target:
                    to = part[indices[indptr[guess] + below(state, indptr[guess + 1] - indptr[guess])]]
                    if to != target:
                        other = guess
                        break
            taken = False
            if other >= 0:
                ev, em, ec = _rise(
                    other, to, indptr, indices, price, weight, stay, home, part, part_weight, rule
                )
                if (
                    moved + dm + em <= cap
                    and _accept(rule[2] * (dv + ev) + dc + ec, temperature, state)
                    and removal_safety(indptr, indices, part, other, stamp, queue, n + 1) == 1
                ):
                    move_cell(other, to, indptr, indices, part, n_cut, border, place)
                    part_weight[target] -= weight[other]
                    part_weight[to] += weight[other]
                    dv, dm, dc = dv + ev, dm + em, dc + ec
                    taken = True
            if not taken:
                move_cell(cell, own, indptr, indices, part, n_cut, border, place)
                part_weight[own] += weight[cell]
                part_weight[target] -= weight[cell]
                continue
        moves += 1
        violation, moved, cost = violation + dv, moved + dm, cost + dc
        if violation < best_violation - 1e-7 or (
            violation <= best_violation + 1e-7 and cost < best_cost - 1e-9
        ):
            best[:] = part
            best_violation, best_cost = violation, cost
            if violation <= 1e-7 and moved <= enough + 1e-7:
                break
    return best_violation, best_cost, moves


@njit
def extract(
    cells: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    position: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Number some cells anew and return their adjacencies among each other, with their price.

    `position` is scratch of shape (n_cells,), -1 everywhere before and after; time grows with the cells taken only.
    """
    n, m = len(cells), 0
    for i in range(n):
        position[cells[i]] = i
        m += indptr[cells[i] + 1] - indptr[cells[i]]
    own_indptr = np.zeros(n + 1, np.int64)
    own_indices, own_price = np.empty(m, np.int32), np.empty(m, np.float64)
    m = 0
    for i in range(n):
        for e in range(indptr[cells[i]], indptr[cells[i] + 1]):
            other = position[indices[e]]
            if other >= 0:
                own_indices[m], own_price[m] = other, price[e]
                m += 1
        own_indptr[i + 1] = m
    for i in range(n):
        position[cells[i]] = -1
    return own_indptr, own_indices[:m].copy(), own_price[:m].copy()
