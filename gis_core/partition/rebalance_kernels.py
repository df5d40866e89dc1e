"""Kernels of rebalancing, on the cells of a region that are numbered anew: search, totals, extraction.

`rule` holds what a plan costs: price of a unit of violation in the search, price of a household that changes hands,
price of a metre of border, price of deviation, mean. `limit` has a row for each weight: least, greatest, and violation
of one unit outside. `far` are pairs of cells as CSR with two values: `wish` is the violation where the two lie in
different parts (below 0: where they share one), `tie` the metres that a border between them costs. `cap` is the most
that may change hands. The plain versions are in `rebalance_plain`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.contiguity import removal_safety
from gis_core.partition._random import below, uniform
from gis_core.partition.refine import move_cell

__all__ = ["extract", "extract_far", "key_of", "search"]

#: Positions in `rule`.
BIG, MOVED, BORDER, EXTRA, MEAN = range(5)


@njit
def outside(
    sums: NDArray[np.float64],
    p: int,
    weight: NDArray[np.float64],
    cell: int,
    sign: float,
    limit: NDArray[np.float64],
) -> float:
    """Return by how much a part is out of bounds with `sign` times the weights of a cell (sign 0: as it is)."""
    found = 0.0
    for j in range(limit.shape[0]):
        w = sums[p, j] + sign * weight[cell, j]
        found += limit[j, 2] * max(0.0, limit[j, 0] - w, w - limit[j, 1])
    return found


@njit
def soft(weight: float, rule: NDArray[np.float64]) -> float:
    """Price the deviation of one part from the mean."""
    off = (weight - rule[4]) / rule[4]
    return rule[3] * off * off


@njit
def _shift(cell: int, own: int, target: int, weight: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """Book the weights of a cell from one part to another."""
    for j in range(sums.shape[1]):
        sums[own, j] -= weight[cell, j]
        sums[target, j] += weight[cell, j]


@njit
def key_of(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    wish: NDArray[np.float64],
    tie: NDArray[np.float64],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    limit: NDArray[np.float64],
    rule: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return violation, households that changed hands, and the price of all but violation."""
    violation, moved, twice, cost = 0.0, 0.0, 0.0, 0.0
    for p in range(sums.shape[0]):
        violation += outside(sums, p, weight, 0, 0.0, limit)
        cost += soft(sums[p, 0], rule)
    for cell in range(len(part)):
        if home[cell] >= 0 and part[cell] != home[cell]:
            moved += stay[cell]
        for e in range(indptr[cell], indptr[cell + 1]):
            if part[indices[e]] != part[cell]:
                twice += price[e]
        for e in range(far_indptr[cell], far_indptr[cell + 1]):
            if part[far_indices[e]] != part[cell]:
                twice += tie[e]
                violation += max(0.0, wish[e]) / 2
            else:
                violation -= min(0.0, wish[e]) / 2
    return violation, moved, cost + rule[1] * moved + rule[2] * twice / 2


@njit
def _rise(
    cell: int,
    target: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    wish: NDArray[np.float64],
    tie: NDArray[np.float64],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    limit: NDArray[np.float64],
    rule: NDArray[np.float64],
) -> tuple[float, float, float]:
    """Return by how much a move changes violation, what changed hands, and the price of all but violation."""
    own = part[cell]
    violation = (
        outside(sums, own, weight, cell, -1.0, limit)
        - outside(sums, own, weight, cell, 0.0, limit)
        + outside(sums, target, weight, cell, 1.0, limit)
        - outside(sums, target, weight, cell, 0.0, limit)
    )
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
    for e in range(far_indptr[cell], far_indptr[cell + 1]):
        of = part[far_indices[e]]
        if of == own:
            border += tie[e]
            violation += wish[e]
        elif of == target:
            border -= tie[e]
            violation -= wish[e]
    cost = rule[1] * moved + rule[2] * border
    if rule[3] > 0:
        a, b, w = sums[own, 0], sums[target, 0], weight[cell, 0]
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
def _mates(  # noqa: PLR0912  a kernel pays for every call
    cell: int,
    target: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    wish: NDArray[np.float64],
    part: NDArray[np.int32],
    size: NDArray[np.int64],
    stamp: NDArray[np.int64],
    queue: NDArray[np.int32],
) -> int:
    """Put into `queue` the cells of the same part that should stay together with `cell`; count them.

    0 where there are none, or where they cannot go to the target without leaving one of the two parts in pieces.
    """
    own = part[cell]
    n = len(stamp) - 1
    inside = stamp[n] + 1
    stamp[n] = inside + 2
    stamp[cell] = inside
    tail, here = 0, cell
    while True:
        for e in range(far_indptr[here], far_indptr[here + 1]):
            other = far_indices[e]
            if wish[e] > 0 and part[other] == own and stamp[other] < inside:
                stamp[other] = inside
                queue[tail] = other
                tail += 1
        if here == cell:
            head = 0
        else:
            head += 1
        if head >= tail:
            break
        here = queue[head]
    if tail == 0 or tail + 1 >= size[own]:
        return 0
    # All that go touch the target, or hang together with one that does.
    reached, growing = 0, True
    while growing:
        growing = False
        for i in range(-1, tail):
            one = cell if i < 0 else queue[i]
            if stamp[one] != inside:
                continue
            for e in range(indptr[one], indptr[one + 1]):
                other = indices[e]
                if part[other] == target or stamp[other] == inside + 1:
                    stamp[one] = inside + 1
                    reached, growing = reached + 1, True
                    break
    if reached < tail + 1:
        return 0
    # What is left is in one piece.
    first = -1
    for i in range(-1, tail):
        one = cell if i < 0 else queue[i]
        for e in range(indptr[one], indptr[one + 1]):
            other = indices[e]
            if part[other] == own and stamp[other] < inside:
                first = other
    if first < 0:
        return 0
    stamp[first] = inside + 2
    queue[tail] = first
    head, last = tail, tail + 1
    while head < last:
        here = queue[head]
        head += 1
        for e in range(indptr[here], indptr[here + 1]):
            other = indices[e]
            if part[other] == own and stamp[other] < inside:
                stamp[other] = inside + 2
                queue[last] = other
                last += 1
    return tail if last - tail == size[own] - tail - 1 else 0


@njit
def search(  # noqa: PLR0912, PLR0915  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    price: NDArray[np.float64],
    far_indptr: NDArray[np.int64],
    far_indices: NDArray[np.int32],
    wish: NDArray[np.float64],
    tie: NDArray[np.float64],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    home: NDArray[np.int32],
    part: NDArray[np.int32],
    sums: NDArray[np.float64],
    n_cut: NDArray[np.int32],
    border: NDArray[np.int32],
    place: NDArray[np.int32],
    limit: NDArray[np.float64],
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
    """Anneal moves over the border: alone, in pairs, with what hangs on the cell, or with what it stays together with.

    The best plan met is kept in `best`. Better is: less violation, then a smaller price of all else. Parts stay
    connected and never empty, and no plan with more than `cap` changed hands is entered. The search ends early at a
    plan without violation of which at most `enough` changed hands. Returns violation and price of the best plan, and
    the number of moves.
    """
    n = len(part)
    violation, moved, cost = key_of(
        indptr, indices, price, far_indptr, far_indices, wish, tie, weight, stay, home, part, sums, limit,
        rule,
    )  # fmt: skip
    best[:] = part
    best_violation, best_cost = violation, cost
    size = np.zeros(sums.shape[0], np.int64)
    mates = np.zeros(n, np.bool_)
    for cell in range(n):
        size[part[cell]] += 1
        for e in range(far_indptr[cell], far_indptr[cell + 1]):
            mates[cell] |= wish[e] > 0
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
        dv, dm, dc = _rise(
            cell, target, indptr, indices, price, far_indptr, far_indices, wish, tie, weight, stay, home,
            part, sums, limit, rule,
        )  # fmt: skip
        kind = uniform(state)
        pair, block = kind < 0.25, kind > 0.94
        alone = moved + dm <= cap and _accept(rule[0] * dv + dc, temperature, state)
        tied = mates[cell] and kind > 0.5
        if not (alone or pair or block or tied):
            continue
        count, taken = -1, False
        if tied and not alone:
            count = _mates(
                cell, target, indptr, indices, far_indptr, far_indices, wish, part, size, stamp, queue
            )
            if count == 0:
                continue
        elif removal_safety(indptr, indices, part, cell, stamp, queue, n + 1) != 1:
            keep = indices[indptr[cell] + below(state, indptr[cell + 1] - indptr[cell])]
            if not block or part[keep] != own:
                continue
            count = _hanging(cell, keep, indptr, indices, part, stamp, queue)
        if count >= 0:
            dv, dm, dc = 0.0, 0.0, 0.0
            for i in range(-1, count):
                one = cell if i < 0 else queue[i]
                ev, em, ec = _rise(
                    one, target, indptr, indices, price, far_indptr, far_indices, wish, tie, weight, stay,
                    home, part, sums, limit, rule,
                )  # fmt: skip
                move_cell(one, target, indptr, indices, part, n_cut, border, place)
                _shift(one, own, target, weight, sums)
                dv, dm, dc = dv + ev, dm + em, dc + ec
            taken = moved + dm <= cap and _accept(rule[0] * dv + dc, temperature, state)
            if not taken:
                for i in range(-1, count):
                    one = cell if i < 0 else queue[i]
                    move_cell(one, own, indptr, indices, part, n_cut, border, place)
                    _shift(one, target, own, weight, sums)
                continue
            size[own] -= count + 1
            size[target] += count + 1
            moves += count + 1
        else:
            move_cell(cell, target, indptr, indices, part, n_cut, border, place)
            _shift(cell, own, target, weight, sums)
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
                if other >= 0:
                    ev, em, ec = _rise(
                        other, to, indptr, indices, price, far_indptr, far_indices, wish, tie, weight, stay,
                        home, part, sums, limit, rule,
                    )  # fmt: skip
                    if (
                        moved + dm + em <= cap
                        and _accept(rule[0] * (dv + ev) + dc + ec, temperature, state)
                        and removal_safety(indptr, indices, part, other, stamp, queue, n + 1) == 1
                    ):
                        move_cell(other, to, indptr, indices, part, n_cut, border, place)
                        _shift(other, target, to, weight, sums)
                        size[target] -= 1
                        size[to] += 1
                        dv, dm, dc = dv + ev, dm + em, dc + ec
                        taken = True
                if not taken:
                    move_cell(cell, own, indptr, indices, part, n_cut, border, place)
                    _shift(cell, target, own, weight, sums)
                    continue
            size[own] -= 1
            size[target] += 1
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


@njit
def extract_far(
    cells: NDArray[np.int64],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    wish: NDArray[np.float64],
    tie: NDArray[np.float64],
    position: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Number the far pairs of some cells anew, with their two values; see `extract`."""
    own_indptr, own_indices, own_wish = extract(cells, indptr, indices, wish, position)
    return own_indptr, own_indices, own_wish, extract(cells, indptr, indices, tie, position)[2]
