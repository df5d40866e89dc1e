"""Parts of a small graph brought to exact weights: one after the other is drawn anew with a neighbour, to the end.

A connected region has far more divisions in two than its parts have weights, so that one of them nearly always fits,
however heavy the cells are; search and exchanges of single cells meet it by chance only. Parts that are done are
left alone, and what is left for the others hangs together, so that the last one fits by itself.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.components import component_labels, subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.bounds import grain_of
from gis_core.partition.certify.exhaust import STEPS_A_SECOND, search_all
from gis_core.partition.certify.prove import Effort
from gis_core.partition.exact import ExactTask
from gis_core.partition.objective import Bounds
from gis_core.partition.seed import sorted_places

__all__ = ["exchange_sets", "refit"]

#: Times that it is begun, each in another order and with weight moved about by this share of a part.
_TURNS, _SHAKEN = 100, 0.05
#: Steps for one pair of parts, and pairs that are tried for one part.
_STEPS, _PAIRS = 100_000, 4
#: Cells on each side of a border that may change sides, three of them at most, and exchanges whose sides are looked at.
_ZONE, _MOST_CHECKS = 20, 4000
_TINY = 1e-9


def refit(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    part: NDArray[np.integer],
    bounds: Bounds,
    effort: Effort,
) -> NDArray[np.int32] | None:
    """Bring every part inside narrow bounds, if that is found.

    Parameters
    ----------
    graph : AdjacencyGraph
        Connected.
    weight : float64, shape (n_cells,)
    part : int, shape (n_cells,)
        A plan to begin from: 0 to n_parts - 1, every part connected.
    bounds : Bounds
    effort : Effort
        What is used is taken from it.

    Returns
    -------
    int32, shape (n_cells,), or None
        As many connected parts, all inside the bounds.

    Notes
    -----
    The same answer each time: the order of the parts comes from a generator of its own.
    """
    rng = np.random.default_rng(0)
    grain = grain_of(weight)
    low, high = bounds.minimum, bounds.maximum
    if grain > 0:
        # What parts cannot weigh must not be reckoned with.
        low, high = math.ceil(low / grain - _TINY) * grain, math.floor(high / grain + _TINY) * grain
    work = _Refit(graph, weight, Bounds(low, high), effort, rng)
    for turn in range(_TURNS):
        if low > high or effort.at_most(1.0) <= 0:
            break
        found = work.run(part, shaken=turn > 0)
        if found is not None:
            return found
    return None


@njit
def _zone(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], side: NDArray[np.bool_], of: bool
) -> NDArray[np.int64]:
    """List the cells of one side that are nearest to the other, nearest first; at most `_ZONE`."""
    n = len(side)
    found, listed = np.empty(n, np.int64), np.zeros(n, np.bool_)
    count = 0
    for cell in range(n):
        for e in range(indptr[cell], indptr[cell + 1]):
            if side[cell] == of and side[indices[e]] != of and not listed[cell]:
                found[count], listed[cell] = cell, True
                count += 1
    head = 0
    while head < count < _ZONE:
        cell = found[head]
        head += 1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if side[other] == of and not listed[other]:
                found[count], listed[other] = other, True
                count += 1
    return found[: min(count, _ZONE)]


@njit
def _sets(
    zone: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """List the sets of no to three cells (-1: none), the small ones first, and their weights."""
    m = len(zone)
    count = 1 + m + m * (m - 1) // 2 + m * (m - 1) * (m - 2) // 6
    sets, total = np.full((count, 3), -1, np.int64), np.zeros(count)
    tail = 1
    for size in range(1, 4):
        for i in range(m):
            for j in range(i + 1 if size > 1 else m, m if size > 1 else m + 1):
                for k in range(j + 1 if size > 2 else m, m if size > 2 else m + 1):
                    sets[tail, 0] = zone[i]
                    total[tail] = weight[zone[i]]
                    if size > 1:
                        sets[tail, 1] = zone[j]
                        total[tail] += weight[zone[j]]
                    if size > 2:
                        sets[tail, 2] = zone[k]
                        total[tail] += weight[zone[k]]
                    tail += 1
    return sets, total


@njit
def _both_whole(indptr: NDArray[np.int64], indices: NDArray[np.int32], side: NDArray[np.bool_]) -> bool:
    """Tell whether each of two sides is in one piece and not empty."""
    n = len(side)
    seen, stack = np.zeros(n, np.bool_), np.empty(n, np.int64)
    pieces, reached, ones = 0, 0, 0
    for start in range(n):
        ones += side[start]
        if seen[start]:
            continue
        pieces += 1
        if pieces > 2:
            return False
        seen[start], stack[0] = True, start
        depth = 1
        while depth > 0:
            depth -= 1
            cell = stack[depth]
            reached += 1
            for e in range(indptr[cell], indptr[cell + 1]):
                other = indices[e]
                if not seen[other] and side[other] == side[cell]:
                    seen[other], stack[depth] = True, other
                    depth += 1
    return pieces == 2 and 0 < ones < n


@njit
def _flip(side: NDArray[np.bool_], cells: NDArray[np.int64]) -> None:
    for cell in cells:
        if cell >= 0:
            side[cell] = not side[cell]


@njit
def exchange_sets(
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    weight: NDArray[np.float64],
    side: NDArray[np.bool_],
    low: float,
    high: float,
) -> int:
    """Exchange up to three cells of one side for up to three of the other, so that the side comes into a window.

    Parameters
    ----------
    indptr, indices : CSR adjacency
        Connected.
    weight : float64, shape (n_cells,)
    side : bool, shape (n_cells,)
        Two connected sides; gets the exchange where one is found.
    low, high : float
        What the cells that are True should weigh, both allowed.

    Returns
    -------
    int
        Exchanges whose sides were looked at, at least 1; negative where none was found.

    Notes
    -----
    Only cells near the border are exchanged: every set of them where both sides have few cells. Some 1.8 million pairs
    of sets, met by sorting one side and searching in it.
    """
    own = 0.0
    for cell in range(len(side)):
        own += weight[cell] if side[cell] else 0.0
    out, out_weight = _sets(_zone(indptr, indices, side, True), weight)
    into, into_weight = _sets(_zone(indptr, indices, side, False), weight)
    order = sorted_places(into_weight)
    checks = 0
    for i in range(len(out)):
        rest = own - out_weight[i]
        place, end = 0, len(order)
        while place < end:
            middle = (place + end) // 2
            if into_weight[order[middle]] < low - rest:
                place = middle + 1
            else:
                end = middle
        while place < len(order) and into_weight[order[place]] <= high - rest:
            if checks == _MOST_CHECKS:
                return -checks
            checks += 1
            _flip(side, out[i])
            _flip(side, into[order[place]])
            if _both_whole(indptr, indices, side):
                return checks
            _flip(side, out[i])
            _flip(side, into[order[place]])
            place += 1
    return -max(1, checks)


class _Refit:
    """Passes over the parts, each beginning with a slightly different plan."""

    def __init__(
        self, graph: AdjacencyGraph, weight: NDArray[np.float64], bounds: Bounds, effort: Effort,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.graph, self.weight, self.bounds, self.effort, self.rng = graph, weight, bounds, effort, rng
        self.part = np.empty(0, np.int32)
        self.open: list[int] = []
        self.slack = _TINY * max(1.0, float(weight.sum()))
        self.vain: set[tuple[bytes, float, float]] = set()

    def run(self, part: NDArray[np.integer], *, shaken: bool) -> NDArray[np.int32] | None:
        """Settle one part after the other; None where one cannot be."""
        self.part = part.astype(np.int32)
        self.open = list(range(int(part.max()) + 1))
        if shaken:
            self.shake()
        while len(self.open) > 1:
            if not any(self.settle(p) for p in self.rng.permutation(self.open).tolist()):
                return None
        low, high = self.window()
        return self.part if low <= self.total(self.open[0]) <= high else None

    def shake(self) -> None:
        """Move some weight from part to part, so that what failed is not tried again."""
        for p in self.rng.permutation(self.open).tolist():
            q = int(self.rng.choice(self.neighbors(p)))
            cells = np.flatnonzero((self.part == p) | (self.part == q))
            aim = self.total(p) + float(self.rng.normal(0, _SHAKEN)) * self.total(q)
            usual = self.total(q) / max(1, int((self.part == q).sum()))
            region = subgraph(self.graph, cells)
            side = self.part[cells] == p
            if exchange_sets(region.indptr, region.indices, self.weight[cells], side, aim, aim + usual) > 0:
                self.part[cells] = np.where(side, p, q)

    def total(self, p: int) -> float:
        """Return the weight of a part."""
        return float(self.weight[self.part == p].sum())

    def window(self) -> tuple[float, float]:
        """Return what the next part may weigh, so that the others can still keep the bounds."""
        rest = float(self.weight[np.isin(self.part, self.open)].sum())
        others = len(self.open) - 1
        low = max(self.bounds.minimum, rest - others * self.bounds.maximum)
        return low - self.slack, min(self.bounds.maximum, rest - others * self.bounds.minimum) + self.slack

    def settle(self, p: int) -> bool:
        """Bring one part into its window, with the help of a neighbour; True: it is done with."""
        low, high = self.window()
        if low > high:
            return False
        fits = low <= self.total(p) <= high
        if (fits and self.leaves_one_piece(p)) or (not fits and self.redraw(p, low, high)):
            self.open.remove(p)
            return True
        return False

    def leaves_one_piece(self, p: int) -> bool:
        """Tell whether the other open parts hang together without this one."""
        cells = np.flatnonzero(np.isin(self.part, self.open) & (self.part != p))
        return int(component_labels(subgraph(self.graph, cells)).max()) == 0

    def redraw(self, p: int, low: float, high: float) -> bool:
        """Draw a part anew with one of its open neighbours."""
        others = [q for q in self.neighbors(p) if q in self.open]
        for q in self.rng.permutation(others)[:_PAIRS].tolist():
            cells = np.flatnonzero((self.part == p) | (self.part == q))
            divided = self.divide(cells, p, low, high)
            if divided is None:
                continue
            before = self.part
            self.part = before.copy()
            self.part[cells] = np.where(divided, p, q)
            if self.leaves_one_piece(p):
                return True
            self.part = before
        return False

    def neighbors(self, p: int) -> list[int]:
        """List the parts that a part touches, ascending."""
        graph = self.graph
        owner = np.repeat(self.part, np.diff(graph.indptr))
        beside = self.part[graph.indices]
        return [int(q) for q in np.unique(beside[(owner == p) & (beside != p)])]

    def divide(self, cells: NDArray[np.int64], p: int, low: float, high: float) -> NDArray[np.bool_] | None:
        """Divide two parts so that the one with most of `p` is inside the window; return its cells, None: not found.

        The search gives both sides the same bounds. A weight that is put on one cell of the side that is to be
        lighter makes up for the difference.
        """
        weight = self.weight[cells].copy()
        mine = self.part[cells] == p
        region = subgraph(self.graph, cells)
        side = mine.copy()
        checks = exchange_sets(region.indptr, region.indices, weight, side, low, high)
        self.effort.work_s -= abs(checks) * len(cells) / STEPS_A_SECOND
        if checks > 0:
            return side
        known = (mine.tobytes() + cells.tobytes(), low, high)
        if known in self.vain:
            return None
        self.vain.add(known)
        middle, half = (low + high) / 2, (high - low) / 2
        more = 2 * middle - float(weight.sum())
        marked = int(self.rng.choice(np.flatnonzero(~mine if more > 0 else mine)))
        weight[marked] += abs(more)
        middle = float(weight.sum()) / 2
        task = ExactTask(region, weight, 2)
        found = search_all(task, Bounds(max(0.0, middle - half), middle + half), steps=_STEPS)
        self.effort.work_s -= found.steps / STEPS_A_SECOND
        if found.part is None:
            return None
        own = found.part == found.part[marked]
        return ~own if more > 0 else own
