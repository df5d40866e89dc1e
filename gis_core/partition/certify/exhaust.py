"""Small graphs searched to the end: a plan with every part inside the bounds, or the proof that there is none.

Part after part is grown from the first free cell, by deciding of one neighbour after the other whether it is in, so
that every connected part comes up once. What a part leaves must have room for whole numbers of parts in each of
its pieces, and a rest that was searched in vain is remembered. Counts its own steps instead of seconds, so that the
answer is the same on every machine. Needs no optional extra.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from gis_core._compat import njit
from gis_core.graph.components import subgraph
from gis_core.partition.exact import ExactTask
from gis_core.partition.objective import Bounds

__all__ = ["MOST_CELLS", "STEPS_A_SECOND", "Exhausted", "search_all"]

#: Larger graphs are not searched.
MOST_CELLS = 200
#: What one core does at least; turns what is left of a time limit into steps.
STEPS_A_SECOND = 50_000_000
#: Rests that were searched in vain are remembered up to so many (a power of 2).
_REMEMBERED = 1 << 16
_TINY = 1e-9
_PLAN, _NONE = 1, 0


@dataclass(frozen=True, slots=True)
class Exhausted:
    """What the search found.

    Attributes
    ----------
    status : {"plan", "none", "open"}
        `open`: the steps came to an end first.
    part : int32, shape (n_cells,), or None
        The plan; free parts first, then the locked ones in ascending order of their number.
    steps : int
        Steps that were made.
    """

    status: Literal["plan", "none", "open"]
    part: NDArray[np.int32] | None = None
    steps: int = 0


@njit
def _room(  # noqa: PLR0912  a kernel pays for every call
    indptr: NDArray[np.int64], indices: NDArray[np.int32], load: NDArray[np.float64], low: NDArray[np.float64],
    high: NDArray[np.float64], owner: NDArray[np.int32], left: int, seen: NDArray[np.int32], turn: int,
    stack: NDArray[np.int32],
) -> int:  # fmt: skip
    """Return the cell from which to grow the next part: the first of the smallest free piece.

    -1 where nothing is free and no part is left to make; -2 where the free pieces have no room for `left` parts.
    """
    n, d = load.shape
    fewest, most = 0, 0
    first, smallest = -1, n + 1
    total = np.zeros(d)
    heavy = np.zeros(d, np.int64)
    for start in range(n):
        if owner[start] >= 0 or seen[start] == turn:
            continue
        total[:] = 0.0
        heavy[:] = 0
        size, depth = 0, 1
        seen[start] = turn
        stack[0] = start
        while depth > 0:
            depth -= 1
            cell = stack[depth]
            size += 1
            for i in range(d):
                total[i] += load[cell, i]
                if load[cell, i] > 0:
                    heavy[i] += 1
            for at in range(indptr[cell], indptr[cell + 1]):
                other = indices[at]
                if owner[other] < 0 and seen[other] != turn:
                    seen[other] = turn
                    stack[depth] = other
                    depth += 1
        least, greatest = 1, size
        for i in range(d):
            if high[i] < np.inf:
                # Only what has weight needs a part.
                least = max(
                    least,
                    int(np.ceil(total[i] / high[i] - 1e-9))
                    if high[i] > 0
                    else (1 if total[i] <= 0 else n + 1),
                )
            if low[i] > 0:
                greatest = min(greatest, int(np.floor(total[i] / low[i] + 1e-9)), heavy[i])
        if least > greatest:
            return -2
        fewest += least
        most += greatest
        if size < smallest:
            smallest, first = size, start
    if not fewest <= left <= most:
        return -2
    return first


@njit
def _known(table: NDArray[np.int64], key: NDArray[np.int64], add: bool) -> bool:
    """Tell whether a rest was searched in vain; with `add` remember it, if a few places have room."""
    words = len(key)
    code = np.int64(1469598103934665603)
    for i in range(words):
        code = (code ^ key[i]) * np.int64(1099511628211)
        code ^= code >> np.int64(29)
    size = len(table)
    place = code & np.int64(size - 1)
    for _ in range(16):
        empty = True
        same = True
        for i in range(words):
            if table[place, i] != 0:
                empty = False
            if table[place, i] != key[i]:
                same = False
        if same:
            return True
        if empty:
            if add:
                for i in range(words):
                    table[place, i] = key[i]
            return False
        place = (place + 1) & (size - 1)
    return False


@njit
def _key(owner: NDArray[np.int32], left: int, key: NDArray[np.int64]) -> None:
    """Write which cells are free, and the number of parts to make of them, into whole words."""
    key[:] = 0
    for cell in range(len(owner)):
        if owner[cell] < 0:
            key[cell >> 6] |= np.int64(1) << np.int64(cell & 63)
    key[len(key) - 1] = left


@njit
def _clashes(
    cell: int, part: int, owner: NDArray[np.int32], apart_ptr: NDArray[np.int64], apart: NDArray[np.int64]
) -> bool:
    """Tell whether a part holds a cell that must not share one with this cell."""
    for at in range(apart_ptr[cell], apart_ptr[cell + 1]):  # noqa: SIM110  a kernel
        if owner[apart[at]] == part:
            return True
    return False


@njit
def _keeps(part: int, owner: NDArray[np.int32], ties: NDArray[np.int64]) -> bool:
    """Tell whether a part holds both cells of each tie or neither."""
    for pair in range(len(ties)):  # noqa: SIM110  a kernel
        if (owner[ties[pair, 0]] == part) != (owner[ties[pair, 1]] == part):
            return False
    return True


@njit
def _search(  # noqa: PLR0912, PLR0915  a kernel pays for every call
    indptr: NDArray[np.int64], indices: NDArray[np.int32], load: NDArray[np.float64], low: NDArray[np.float64],
    high: NDArray[np.float64], n_parts: int, ties: NDArray[np.int64], apart_ptr: NDArray[np.int64],
    apart: NDArray[np.int64], table: NDArray[np.int64], most_steps: int, owner: NDArray[np.int32],
) -> tuple[int, int]:  # fmt: skip
    """Search all plans; `owner` (all -1) gets the plan. Return 1: a plan, 0: none, -1: too many steps; and steps.

    For each part (level) the cells in `queue` are decided one after the other: `decided` of the `known` ones. `keys`
    holds the rest that the part was begun with.
    """
    n, d = load.shape
    queue, known_before = np.empty((n_parts, n), np.int32), np.zeros((n_parts, n), np.int64)
    taken, listed = np.zeros((n_parts, n), np.bool_), np.zeros((n_parts, n), np.bool_)
    sums, total = np.zeros((n_parts, n, d)), np.zeros((n_parts, d))
    decided, known = np.zeros(n_parts, np.int64), np.zeros(n_parts, np.int64)
    keys, key = np.zeros((n_parts, table.shape[1]), np.int64), np.zeros(table.shape[1], np.int64)
    seen, stack = np.zeros(n, np.int32), np.empty(n, np.int32)
    steps, turn, level, forward = n, 1, 0, True
    seed = _room(indptr, indices, load, low, high, owner, n_parts, seen, turn, stack)
    if seed < 0:
        return 0, steps
    _key(owner, n_parts, key)
    keys[0, :] = key
    queue[0, 0], listed[0, seed], known[0] = seed, True, 1
    while steps < most_steps:
        steps += 1
        if forward and decided[level] < known[level]:
            # Take the next cell in where it fits, and list its neighbours.
            place = decided[level]
            cell = queue[level, place]
            fits = len(apart) == 0 or not _clashes(cell, level, owner, apart_ptr, apart)
            for i in range(d):
                if total[level, i] + load[cell, i] > high[i]:
                    fits = False
            taken[level, place] = fits
            decided[level] += 1
            forward = fits or place > 0
            if not fits:
                continue
            owner[cell] = level
            known_before[level, place] = known[level]
            for i in range(d):
                sums[level, place, i] = total[level, i]
                total[level, i] += load[cell, i]
            for slot in range(indptr[cell], indptr[cell + 1]):
                other = indices[slot]
                if owner[other] < 0 and not listed[level, other]:
                    listed[level, other] = True
                    queue[level, known[level]] = other
                    known[level] += 1
            continue
        if forward:
            # All is decided: begin the next part, if this one is whole and the rest has room.
            forward = False
            whole = len(ties) == 0 or _keeps(level, owner, ties)
            for i in range(d):
                if total[level, i] < low[i]:
                    whole = False
            if not whole:
                continue
            turn += 1
            steps += n
            left = n_parts - level - 1
            seed = _room(indptr, indices, load, low, high, owner, left, seen, turn, stack)
            if seed == -1:
                return 1, steps
            _key(owner, left, key)
            if seed >= 0 and not _known(table, key, False):
                level += 1
                keys[level, :] = key
                listed[level, :] = False
                total[level, :] = 0.0
                queue[level, 0], listed[level, seed] = seed, True
                decided[level], known[level] = 0, 1
                forward = True
            continue
        # Go back to the last cell that was taken, and leave it out instead; the first one stays in.
        place = decided[level] - 1
        while place > 0 and not taken[level, place]:
            place -= 1
        if taken[level, place]:
            owner[queue[level, place]] = -1
            for i in range(d):
                total[level, i] = sums[level, place, i]
            for later in range(known_before[level, place], known[level]):
                listed[level, queue[level, later]] = False
            decided[level], known[level] = place + 1, known_before[level, place]
            taken[level, place] = False
        forward = place > 0
        if not forward:
            key[:] = keys[level]
            _known(table, key, True)
            level -= 1
            if level < 0:
                return 0, steps
    return -1, steps


def search_all(task: ExactTask, bounds: Bounds, *, steps: int = STEPS_A_SECOND) -> Exhausted:
    """Find a plan with every part inside the bounds, or prove that there is none.

    Parameters
    ----------
    task : ExactTask
    bounds : Bounds
        Of `task.weight`; `task.limits` hold too.
    steps : int
        See `STEPS_A_SECOND`.

    Returns
    -------
    Exhausted
        `open` at once for graphs with more than `MOST_CELLS` cells that are free.

    Notes
    -----
    The same answer each time, on every machine. Weights of fractions have a tolerance of 1e-9 of their total.
    """
    label = task.lock_labels()
    free = np.flatnonzero(label < 0)
    locks = np.unique(label[label >= 0])
    n_parts = task.n_parts - len(locks)
    sums = [(task.weight, bounds), *task.limits]
    for values, limit in sums:
        given = task.lock_weights(np.asarray(values, dtype=np.float64))
        slack = _TINY * max(1.0, float(np.sum(values)))
        if ((given < limit.minimum - slack) | (given > limit.maximum + slack)).any():
            return Exhausted("none")
    if n_parts < 1 or n_parts > len(free):
        return Exhausted("none") if len(free) or n_parts else Exhausted("plan", _assembled(task, free, None))
    if len(free) > MOST_CELLS:
        return Exhausted("open")
    inner = subgraph(task.graph, free)
    shape = (len(free), len(free))
    ones = np.ones(len(inner.indices), np.int8)
    matrix = csr_array((ones, inner.indices.astype(np.int32), inner.indptr.astype(np.int32)), shape=shape)
    order = reverse_cuthill_mckee(matrix, symmetric_mode=True).astype(np.int64)
    graph = subgraph(inner, order)
    rows = free[order]
    load = np.column_stack([np.asarray(values, dtype=np.float64)[rows] for values, _ in sums])
    slack = _TINY * np.maximum(1.0, load.sum(axis=0))
    low = np.maximum(0.0, np.array([limit.minimum for _, limit in sums]) - slack)
    low[np.array([limit.minimum for _, limit in sums]) <= 0] = 0.0
    high = np.array([limit.maximum for _, limit in sums]) + slack
    place = np.full(task.graph.n_cells, -1, np.int64)
    place[rows] = np.arange(len(rows))
    ties = place[np.array(list(task.together), dtype=np.int64).reshape(-1, 2)]
    apart_ptr, apart = _both_ways(place[np.array(list(task.apart), dtype=np.int64).reshape(-1, 2)], len(rows))
    table = np.zeros((_REMEMBERED, (len(rows) >> 6) + 2), np.int64)
    owner = np.full(len(rows), -1, np.int32)
    code, used = _search(
        graph.indptr.astype(np.int64), graph.indices.astype(np.int32), np.ascontiguousarray(load), low, high,
        n_parts, np.ascontiguousarray(ties), apart_ptr, apart, table, int(steps), owner,
    )  # fmt: skip
    if code == _PLAN:
        part = np.empty(len(rows), np.int32)
        part[order] = owner
        return Exhausted("plan", _assembled(task, free, part), used)
    return Exhausted("none" if code == _NONE else "open", None, used)


def _both_ways(pairs: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs as rows of neighbours, both ways."""
    left = np.concatenate([pairs[:, 0], pairs[:, 1]])
    right = np.concatenate([pairs[:, 1], pairs[:, 0]])
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(left, minlength=n), out=indptr[1:])
    return indptr, np.ascontiguousarray(right[np.argsort(left, kind="stable")])


def _assembled(task: ExactTask, free: NDArray[np.int64], part: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """Put free and locked parts into one array."""
    label = task.lock_labels()
    whole = np.empty(task.graph.n_cells, np.int32)
    held = label >= 0
    if part is not None:
        whole[free] = part
    locks, number = np.unique(label[held], return_inverse=True)
    whole[held] = task.n_parts - len(locks) + number
    return whole
