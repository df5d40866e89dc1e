"""Drawing groups of neighbouring parts anew: take a few parts as one region, search it alone, keep what is better.

A region is copied to a small graph of its own, where a search fits the caches and touches nothing else. A plan
never gets more out of bounds; early on a region may get a little dearer, so that others find room.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition._random import uniform
from gis_core.partition.search import Plan, Search
from gis_core.partition.state import Far, Level

__all__ = ["Regions", "grow_group", "regroup"]

#: Numbers of parts in a group, unless others are asked for.
_SIZES = (3, 4, 5, 6)
#: Shares of the groups that are drawn from nothing, and searched at all levels from what is there; the others are
#: annealed from a mild temperature, in prices of a usual link, with so many times the proposals for each cell.
_FRESH, _CYCLES, _MILD, _MILD_WORK = 0.2, 0.4, 0.5, 2.0
#: Cells that groups may have in all, in those of as many groups of usual parts: where one part holds most cells (as in
#: a star), every group does.
_MOST_CELLS = 2.0
#: How much dearer a group may get at first, in borders of a usual part.
_TOLERANCE = 0.05
_Csr = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]


@njit
def _flood(
    starts: NDArray[np.int64],
    member: NDArray[np.int32],
    local: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    part: NDArray[np.int32],
    cells: NDArray[np.int32],
) -> int:
    """List in `cells` what can be reached from one cell of each member part; return how many that are.

    `local` gets the place of each; it must hold -1 before and is cleared by the caller.
    """
    size = 0
    for start in starts:
        if local[start] < 0:
            local[start] = size
            cells[size] = start
            size += 1
    head = 0
    while head < size:
        cell = cells[head]
        head += 1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if local[other] < 0 and member[part[other]] >= 0:
                local[other] = size
                cells[size] = other
                size += 1
    return size


@njit
def _cut_out(
    cells: NDArray[np.int32],
    local: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Copy the rows of some cells, without what leads out of them; `local` is their new numbering."""
    size, room = len(cells), 0
    for i in range(size):
        room += indptr[cells[i] + 1] - indptr[cells[i]]
    own_indptr, own_indices, own_cost = np.zeros(size + 1, np.int64), np.empty(room, np.int32), np.empty(room)
    tail = 0
    for i in range(size):
        for e in range(indptr[cells[i]], indptr[cells[i] + 1]):
            if local[indices[e]] >= 0:
                own_indices[tail], own_cost[tail] = local[indices[e]], cost[e]
                tail += 1
        own_indptr[i + 1] = tail
    return own_indptr, own_indices[:tail].copy(), own_cost[:tail].copy()


@njit
def _region(
    group: NDArray[np.int64],
    a_cell: NDArray[np.int64],
    member: NDArray[np.int32],
    local: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    cost: NDArray[np.float64],
    weights: NDArray[np.float64],
    part: NDArray[np.int32],
    room: NDArray[np.int32],
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int32],
]:
    """Copy the cells of a group that hang together with its first part: cells, rows, weights, member of each."""
    for i in range(len(group)):
        member[group[i]] = i
    cells = room[: _flood(a_cell[group[:1]], member, local, indptr, indices, part, room)].copy()
    own_indptr, own_indices, own_cost = _cut_out(cells, local, indptr, indices, cost)
    own_weights, before = np.empty((len(cells), weights.shape[1])), np.empty(len(cells), np.int32)
    for i in range(len(cells)):
        before[i] = member[part[cells[i]]]
        for j in range(weights.shape[1]):
            own_weights[i, j] = weights[cells[i], j]
    return cells, own_indptr, own_indices, own_cost, own_weights, before


class Regions:
    """Cuts regions of whole parts out of a level, and keeps a cell of each part."""

    def __init__(self, level: Level, part: NDArray[np.int32], n_parts: int) -> None:
        self.level, self.part, self.n_parts = level, part, n_parts
        self._member = np.full(n_parts, -1, np.int32)
        self._local = np.full(level.n_cells, -1, np.int32)
        self._cells = np.empty(level.n_cells, np.int32)
        self.a_cell = np.zeros(n_parts, np.int64)
        self.a_cell[part[::-1]] = np.arange(level.n_cells - 1, -1, -1)

    def neighbors(self) -> _Csr:
        """Return, as CSR, the parts that each part touches and the price of the border between them."""
        level = self.level
        owner = np.repeat(self.part, np.diff(level.indptr)).astype(np.int64)
        other = self.part[level.indices]
        cut = owner != other
        code, where = np.unique(owner[cut] * self.n_parts + other[cut], return_inverse=True)
        price = np.bincount(where, weights=np.maximum(level.cost[cut], 0), minlength=len(code))
        indptr = np.searchsorted(code, np.arange(self.n_parts + 1, dtype=np.int64) * self.n_parts)
        return indptr.astype(np.int64), (code % self.n_parts).astype(np.int32), price.astype(np.float64)

    def cut_out(self, group: NDArray[np.int64]) -> tuple[NDArray[np.int32], Level, NDArray[np.int32]]:
        """Copy the parts of a group to a level of their own.

        Returns
        -------
        int32
            The cells.
        Level
        int32
            Position in `group` of the part of each cell.
        """
        level = self.level
        cells, indptr, indices, cost, weights, before = _region(
            group, self.a_cell, self._member, self._local, level.indptr, level.indices, level.cost,
            level.weights, self.part, self._cells,
        )  # fmt: skip
        far = level.far
        if len(far.indices):
            far = Far(*_cut_out(cells, self._local, far.indptr, far.indices, far.cost))
        home, stay = level.home, level.stay
        if len(home):
            home = np.where(home[cells] >= 0, self._member[home[cells]], -1).astype(np.int32)
            stay = stay[cells]
        self._local[cells] = -1
        self._member[group] = -1
        return cells, Level(indptr, indices, cost, weights, far, home, stay), before

    def put_back(self, cells: NDArray[np.int32], group: NDArray[np.int64], part: NDArray[np.int32]) -> None:
        """Give the cells of a region to their new parts."""
        self.part[cells] = group[part]
        self.a_cell[self.part[cells]] = cells


@njit
def grow_group(
    start: int,
    size: int,
    indptr: NDArray[np.int64],
    other: NDArray[np.int32],
    price: NDArray[np.float64],
    state: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """Grow a group of `size` parts from one, mostly along long borders; fewer where no more are connected.

    The next part is drawn from those that touch the group, with a chance in proportion to the price of the border
    between (`indptr`, `other`, `price`: see `Regions.neighbors`).
    """
    group = np.empty(size, np.int64)
    group[0], count = start, 1
    around, chance = np.empty(0, np.int64), np.empty(0)
    while count < size:
        newest = group[count - 1]
        grown = np.empty(len(around) + indptr[newest + 1] - indptr[newest], np.int64)
        likely = np.empty(len(grown))
        room, total = 0, 0.0
        for i in range(len(around)):
            if around[i] != newest:
                grown[room], likely[room] = around[i], chance[i]
                room += 1
        for e in range(indptr[newest], indptr[newest + 1]):
            place = room
            for i in range(room):
                if grown[i] == other[e]:
                    place = i
            known = False
            for i in range(count):
                known = known or group[i] == other[e]
            if known:
                continue
            if place == room:
                grown[room], likely[room] = other[e], 0.0
                room += 1
            likely[place] += price[e] + 1e-9
        around, chance = grown[:room].copy(), likely[:room].copy()
        for i in range(room):
            total += chance[i]
        if room == 0:
            break
        left = uniform(state) * total
        chosen = 0
        while chosen < room - 1 and left >= chance[chosen]:
            left -= chance[chosen]
            chosen += 1
        group[count] = around[chosen]
        count += 1
    return group[:count].copy()


def regroup(
    search: Search,
    plan: Plan,
    n_groups: int,
    per_cell: float,
    rng: np.random.Generator,
    *,
    among: NDArray[np.int64] | None = None,
    bold: bool = True,
    sizes: tuple[int, ...] = _SIZES,
    finish: Callable[[Search, Plan], Plan] | None = None,
    until: float | None = None,
    spend: bool = False,
) -> Plan:
    """Draw groups of parts anew, one after the other.

    Parameters
    ----------
    search : Search
    plan : Plan
    n_groups : int
    per_cell : float
        Proposals for each cell and level of a region.
    rng : Generator
    among : int64
        Parts to begin groups with; None: all. Parts that are out of bounds come first in any case.
    bold : bool
        Whether a region may get dearer at first.
    sizes : tuple of int
        Numbers of parts in a group, each as likely as the others.
    finish : callable
        Searches a region in place of a plain start or cycle: called with its search and the plan that is there.
    until : float
        Weight outside the bounds, as `Rules.score` counts it, with which to stop; None: go on.
    spend : bool
        Whether groups are drawn until the clock stops it; `n_groups` does not count then.

    Returns
    -------
    Plan
        The best that was met; never worse than `plan`.
    """
    rules, n_parts = search.rules, search.n_parts
    regions = Regions(search.level, plan.part.copy(), n_parts)
    best, neighbors = plan, None
    order: list[int] = []
    began, done = time.perf_counter(), 0
    room = _MOST_CELLS * n_groups * max(sizes) * search.level.n_cells / n_parts
    while not search.clock.late and (spend or (done < n_groups and room > 0)):
        gone = _gone(search, began) if spend else done / n_groups
        done += 1
        if not order:
            here = search.plan(regions.part)
            if here.score < best.score:
                best = Plan(here.score, regions.part.copy())
            neighbors = regions.neighbors()
            order = _order(search, regions, rng, among)
        assert neighbors is not None
        size = int(rng.choice(sizes))
        group = grow_group(order.pop(), size, *neighbors, search.rng)
        tolerance = _TOLERANCE * rules.unit * max(0.0, 1 - gone / 0.8) if bold else 0.0
        # What is out of bounds is often caught where it is.
        way = 0.0 if until is not None else float(rng.random())

        def anew(small: Search, old: Plan, way: float = way) -> Plan:
            if way < _FRESH:
                return small.start(per_cell)
            if way < _FRESH + _CYCLES:
                return small.cycle(old, per_cell)
            return small.plan(
                small.anneal(small.level, old.part.copy(), _MILD, _MILD_WORK * per_cell, coarse=False)
            )

        room -= _redraw(search, regions, group, tolerance, finish or anew)
        if until is not None and search.plan(regions.part).score[0] <= until:
            break
    here = search.plan(regions.part)
    return here if here.score < best.score else best


def _gone(search: Search, began: float) -> float:
    """Return the share of the time that is over, and stop the clock at its end."""
    now = time.perf_counter()
    search.clock.tick(0.0)
    return (now - began) / max(search.clock.deadline - began, 1e-9)


def _order(
    search: Search, regions: Regions, rng: np.random.Generator, among: NDArray[np.int64] | None
) -> list[int]:
    """Return the parts that groups begin with, the first ones last: those out of bounds, then the others by chance."""
    parts = rng.permutation(search.n_parts if among is None else among)
    sums = np.zeros((search.n_parts, search.level.weights.shape[1]))
    np.add.at(sums, regions.part, search.level.weights)
    rules = search.rules
    out = np.flatnonzero(((sums < rules.minimum) | (sums > rules.maximum)).any(axis=1))
    if len(out):
        # A short round, so that what is still out comes again soon.
        parts = parts[: max(4, 2 * len(out))]
    return [int(p) for p in parts] + [int(p) for p in out]


def _redraw(
    search: Search,
    regions: Regions,
    group: NDArray[np.int64],
    tolerance: float,
    anew: Callable[[Search, Plan], Plan],
) -> int:
    """Search the region of a group alone; keep what is better, or hardly dearer. Return its cells."""
    cells, level, before = regions.cut_out(group)
    if len(group) < 2 or not np.bincount(before, minlength=len(group)).all():
        return len(cells)
    small = Search(level, len(group), search.rules, search.rng, search.clock)
    old = small.plan(before)
    new = anew(small, old)
    if (new.score[0], new.score[1] - tolerance) < old.score:
        regions.put_back(cells, group, new.part)
    return len(cells)
