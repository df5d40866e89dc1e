"""First partitions: recursive cuts of random spanning trees.

A tree is drawn as a maximum spanning tree of prices times random numbers, so that cheap borders (streets) are
rarely inside it; every edge of it is weighed as a cut, exactly, and the best one is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import uniform
from gis_core.partition.refine import penalty

__all__ = ["sorted_places", "tree_seed"]


@njit
def _root(above: NDArray[np.int32], i: int) -> int:
    while above[i] != i:
        above[i] = above[above[i]]
        i = above[i]
    return i


@njit
def sorted_places(key: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the places of the keys in ascending order (a merge sort: the library's takes seconds to compile)."""
    m = len(key)
    order, spare = np.empty(m, np.int32), np.empty(m, np.int32)
    for i in range(m):
        order[i] = i
    width = 1
    while width < m:
        for start in range(0, m, 2 * width):
            middle, end = min(start + width, m), min(start + 2 * width, m)
            a, b = start, middle
            for place in range(start, end):
                if a < middle and (b >= end or key[order[a]] <= key[order[b]]):
                    spare[place] = order[a]
                    a += 1
                else:
                    spare[place] = order[b]
                    b += 1
        order, spare = spare, order
        width *= 2
    return order


@njit
def _random_tree(
    n: int,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    cost: NDArray[np.float64],
    by_cost: bool,
    state: NDArray[np.uint64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Draw a spanning tree; return visiting order from the root, parents (-1: root) and depths."""
    m = len(left)
    key = np.empty(m)
    for e in range(m):
        key[e] = -uniform(state) * (cost[e] if by_cost else 1.0)
    above = np.empty(n, np.int32)
    for i in range(n):
        above[i] = i
    tree_left = np.empty(n - 1, np.int32)
    tree_right = np.empty(n - 1, np.int32)
    start = np.zeros(n + 1, np.int32)
    count = 0
    for e in sorted_places(key):
        a, b = _root(above, left[e]), _root(above, right[e])
        if a != b:
            above[a] = b
            tree_left[count], tree_right[count] = left[e], right[e]
            start[left[e] + 1] += 1
            start[right[e] + 1] += 1
            count += 1
            if count == n - 1:
                break
    for i in range(n):
        start[i + 1] += start[i]
    fill = start.copy()
    near = np.empty(2 * (n - 1), np.int32)
    for e in range(count):
        a, b = tree_left[e], tree_right[e]
        near[fill[a]] = b
        fill[a] += 1
        near[fill[b]] = a
        fill[b] += 1
    order = np.empty(n, np.int32)
    parent = np.full(n, -1, np.int32)
    depth = np.zeros(n, np.int32)
    order[0] = 0
    tail = 1
    for head in range(n):
        i = order[head]
        for e in range(start[i], start[i + 1]):
            j = near[e]
            if j != parent[i]:
                parent[j] = i
                depth[j] = depth[i] + 1
                order[tail] = j
                tail += 1
    return order, parent, depth


@njit
def _paths(
    order: NDArray[np.int32], parent: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Part a tree into paths, each to the child with most below it; return the cells below each, and path heads.

    Few paths lie between a cell and the root, so that the way up to where two cells meet is short
    (Sleator and Tarjan 1983, doi:10.1016/0022-0000(83)90006-5).
    """
    n = len(order)
    size = np.ones(n, np.int32)
    heavy = np.full(n, -1, np.int32)
    for place in range(n - 1, 0, -1):
        i = order[place]
        up = parent[i]
        size[up] += size[i]
        if heavy[up] < 0 or size[i] > size[heavy[up]]:
            heavy[up] = i
    top = np.empty(n, np.int32)
    top[order[0]] = order[0]
    for place in range(1, n):
        i = order[place]
        top[i] = top[parent[i]] if heavy[parent[i]] == i else i
    return size, top


@njit
def _side_penalty(
    sums: NDArray[np.float64], i: int, n_parts: int, rule: NDArray[np.float64], fair: NDArray[np.float64]
) -> float:
    """Price a side that is shared evenly by its parts; `fair` is scratch of shape (1, n_weights)."""
    for j in range(sums.shape[1]):
        fair[0, j] = sums[i, j] / n_parts
    return n_parts * penalty(fair, 0, fair, 0, 0.0, rule)


@njit
def _best_cut(  # noqa: PLR0912  a kernel pays for every call
    n: int,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_parts: int,
    rule: NDArray[np.float64],
    tries: int,
    state: NDArray[np.uint64],
) -> tuple[NDArray[np.bool_], int]:
    """Cut a connected region in two over several trees; return the cells of one side and its number of parts."""
    n_weights = weights.shape[1]
    total, fair_sums = np.zeros(n_weights), np.empty((1, n_weights))
    for i in range(n):
        for j in range(n_weights):
            total[j] += weights[i, j]
    rest = np.empty((1, n_weights))
    best = np.inf
    side = np.zeros(n, np.bool_)
    side_parts = 0
    usual = max(1, n_parts // 3)
    # Borders through the middle of many parts are longer: were a lopsided cut not dearer there, parts would be cut off
    # one by one, which costs time and border. For one part: a tenth of what being its mean too heavy costs.
    lopsided = 0.1 * n_parts**0.5 * rule[0, 4] * rule[0, 2]
    for attempt in range(tries):
        order, parent, depth = _random_tree(n, left, right, cost, attempt % 4 != 3, state)
        below_weight = weights.copy()
        below_size, top = _paths(order, parent)
        cut = np.zeros(n)
        for e in range(len(left)):
            a, b = left[e], right[e]
            cut[a] += cost[e]
            cut[b] += cost[e]
            while top[a] != top[b]:
                if depth[top[a]] >= depth[top[b]]:
                    a = parent[top[a]]
                else:
                    b = parent[top[b]]
            cut[a if depth[a] < depth[b] else b] -= 2 * cost[e]
        winner = -1
        for place in range(n - 1, 0, -1):
            i = order[place]
            up = parent[i]
            for j in range(n_weights):
                below_weight[up, j] += below_weight[i, j]
                rest[0, j] = total[j] - below_weight[i, j]
            cut[up] += cut[i]
            least = max(1, n_parts - (n - below_size[i]))
            most = min(n_parts - 1, below_size[i])
            fair = int(below_weight[i, 0] / rule[0, 2])
            for wish in range(fair, fair + 2):
                own = min(max(wish, least), most)
                price = cut[i] + _side_penalty(below_weight, i, own, rule, fair_sums)
                price += _side_penalty(rest, 0, n_parts - own, rule, fair_sums)
                if min(own, n_parts - own) < usual:
                    price += lopsided
                if price < best:
                    best, winner, side_parts = price, i, own
        if winner >= 0:
            side[:] = False
            side[winner] = True
            for place in range(n):
                i = order[place]
                if parent[i] >= 0 and side[parent[i]]:
                    side[i] = True
    return side, side_parts


@njit
def tree_seed(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_parts: int,
    rule: NDArray[np.float64],
    tries: int,
    stop_at: int,
    state: NDArray[np.uint64],
) -> NDArray[np.int32]:
    """Cut a connected graph into `n_parts` connected parts, none empty, by recursive cuts of spanning trees.

    Parameters
    ----------
    indptr, indices, cost : CSR adjacency and price of each border
    weights : float64, shape (n, n_weights)
    n_parts : int
        1 to n.
    rule : float64, shape (n_weights, 6)
        See the module `refine`.
    tries : int
        Trees for each cut.
    stop_at : int
        Regions for so many parts or fewer are not cut further; 1: every part.
    state : uint64, shape (1,)

    Returns
    -------
    int32, shape (n,)
        Part of each cell, 0 to n_parts - 1; of a region for several parts, the first of them.
    """
    n = len(indptr) - 1
    part = np.zeros(n, np.int32)
    cells = np.empty(n, np.int32)
    for i in range(n):
        cells[i] = i
    local = np.zeros(n, np.int32)
    # Regions that wait: first and last place in `cells`, label, number of parts.
    todo = np.zeros((n_parts + 1, 4), np.int64)
    todo[0, 1], todo[0, 3] = n, n_parts
    waiting = 1
    while waiting > 0:
        waiting -= 1
        start, end = todo[waiting, 0], todo[waiting, 1]
        label, wanted = todo[waiting, 2], todo[waiting, 3]
        if wanted <= stop_at:
            continue
        size = end - start
        for i in range(size):
            local[cells[start + i]] = i
        own_weights = np.empty((size, weights.shape[1]))
        m = 0
        for i in range(size):
            for j in range(weights.shape[1]):
                own_weights[i, j] = weights[cells[start + i], j]
            for e in range(indptr[cells[start + i]], indptr[cells[start + i] + 1]):
                m += part[indices[e]] == label and indices[e] > cells[start + i]
        left, right, price = np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m)
        m = 0
        for i in range(size):
            cell = cells[start + i]
            for e in range(indptr[cell], indptr[cell + 1]):
                if part[indices[e]] == label and indices[e] > cell:
                    left[m], right[m], price[m] = i, local[indices[e]], cost[e]
                    m += 1
        side, side_parts = _best_cut(size, left, right, price, own_weights, wanted, rule, tries, state)
        # The chosen side keeps the label, the other one takes the next free one; cells of a region stay together.
        old = cells[start:end].copy()
        front, back = start, end
        for i in range(size):
            if side[i]:
                cells[front] = old[i]
                front += 1
        for i in range(size - 1, -1, -1):
            if not side[i]:
                back -= 1
                cells[back] = old[i]
                part[old[i]] = label + side_parts
        todo[waiting, 1], todo[waiting, 3] = front, side_parts
        todo[waiting + 1, 0], todo[waiting + 1, 1] = front, end
        todo[waiting + 1, 2], todo[waiting + 1, 3] = label + side_parts, wanted - side_parts
        waiting += 2
    return part
