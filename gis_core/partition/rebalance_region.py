"""The ground that is rebalanced, and regions of it: a few parts whose cells are numbered anew and searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.objective import Bounds, violation
from gis_core.partition.rebalance_kernels import extract, extract_far, key_of, search
from gis_core.partition.refine import border_lists, part_sums

__all__ = ["Far", "Ground", "Key", "Region", "without_crossings"]

#: Violation; what changed hands, with the price of opened and closed parts; border and deviation.
Key = tuple[float, float, float]
#: Prices of a unit of violation in the search, in changed hands: chains may be as long as the greater ones.
_BIG = (6.0, 25.0, 2.5, 60.0)
#: Cells of a region that is searched from more starts, because that costs little.
_FEW_CELLS = 150


def without_crossings(graph: AdjacencyGraph, zone: NDArray[np.integer]) -> AdjacencyGraph:
    """Return the graph without the adjacencies between cells of different zones (boundary polygons)."""
    if len(zone) == 0 or (zone == zone[0]).all():
        return graph
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    keep = zone[owner] == zone[graph.indices]
    indptr = np.zeros(graph.n_cells + 1, np.int64)
    np.cumsum(np.bincount(owner[keep], minlength=graph.n_cells), out=indptr[1:])
    return AdjacencyGraph(
        indptr=indptr,
        indices=graph.indices[keep],
        shared_length_m=graph.shared_length_m[keep],
        street_rank=graph.street_rank[keep],
        street_length_m=graph.street_length_m[keep],
        area_m2=graph.area_m2,
        perimeter_m=graph.perimeter_m,
        exterior_length_m=graph.exterior_length_m,
        x=graph.x,
        y=graph.y,
    )


@dataclass(frozen=True, slots=True)
class Far:
    """Pairs of cells, neighbours or not, that are asked or priced beside the borders; symmetric CSR, empty: none.

    Attributes
    ----------
    indptr : int64, shape (n + 1,)
    indices : int32
    wish : float64
        Violation where the two lie in different parts; below 0: where they share one.
    tie : float64, metres
        What a border between them costs.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    wish: NDArray[np.float64]
    tie: NDArray[np.float64]

    @classmethod
    def none(cls, n: int) -> Far:
        """Return no pairs among n cells."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0))

    def among(self, cells: NDArray[np.int64], position: NDArray[np.int32] | None = None) -> Far:
        """Return the pairs among some cells, which are numbered anew; `position` is scratch (see `extract`)."""
        if not len(self.indices):
            return Far.none(len(cells))
        scratch = np.full(len(self.indptr) - 1, -1, np.int32) if position is None else position
        return Far(*extract_far(cells, self.indptr, self.indices, self.wish, self.tie, scratch))

    def broken(self, part: NDArray[np.int32]) -> float:
        """Sum the violation of the wishes."""
        if not len(self.indices):
            return 0.0
        owner = np.repeat(np.arange(len(part)), np.diff(self.indptr))
        apart = part[owner] != part[self.indices]
        return float(np.where(apart, np.maximum(0.0, self.wish), np.maximum(0.0, -self.wish)).sum()) / 2


@dataclass
class Ground:
    """Cells, what they weigh and cost, and the part that each has now.

    Attributes
    ----------
    graph : AdjacencyGraph
        Without adjacencies that no part may use.
    price : float64, shape (2 m,), metres
        Price of each adjacency as a border.
    weight : float64, shape (n,)
    stay : float64, shape (n,)
        What changes hands with the cell.
    home : int32, shape (n,)
        Part that each cell had; -1: none.
    part : int32, shape (n,)
        Part of each cell now; -1: none.
    n_parts : int
    locked : set of int
        Parts that keep their cells as they are.
    frozen : bool, shape (n,)
        Cells that keep their part: islands that belong to a part elsewhere.
    more : float64, shape (n, n_weights - 1)
        Further weights with bounds of their own.
    more_limit : float64, shape (n_weights - 1, 3)
        Least and greatest sum of each, and the violation of one unit outside.
    far : Far
    walk : bool, shape of `far.indices`, or None
        Pairs of `far` that are too far apart on foot for one part; see `hold_walks`.
    """

    graph: AdjacencyGraph
    price: NDArray[np.float64]
    weight: NDArray[np.float64]
    stay: NDArray[np.float64]
    home: NDArray[np.int32]
    part: NDArray[np.int32]
    n_parts: int
    bounds: Bounds
    mean: float
    locked: set[int]
    frozen: NDArray[np.bool_]
    more: NDArray[np.float64] | None = None
    more_limit: NDArray[np.float64] | None = None
    far: Far | None = None
    walk: NDArray[np.bool_] | None = None
    position: NDArray[np.int32] = field(init=False)
    weights: NDArray[np.float64] = field(init=False)
    limit: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.weight)
        self.position = np.full(n, -1, np.int32)
        self.weights, self.limit = (
            self.weight.reshape(n, 1), np.array([[self.bounds.minimum, self.bounds.maximum, 1.0]])
        )  # fmt: skip
        if self.more is not None and self.more_limit is not None:
            self.weights = np.ascontiguousarray(np.column_stack([self.weights, self.more]))
            self.limit = np.vstack([self.limit, self.more_limit])

    def part_weight(self) -> NDArray[np.float64]:
        """Sum what is balanced for each part; shape (n_parts,)."""
        return self.part_sum(0)

    def part_sum(self, column: int) -> NDArray[np.float64]:
        """Sum one weight of each part; shape (n_parts,)."""
        given = self.part >= 0
        return np.bincount(
            self.part[given], weights=self.weights[given, column], minlength=self.n_parts
        ).astype(np.float64)

    def sizes(self) -> NDArray[np.int64]:
        """Count the cells of each part; shape (n_parts,)."""
        return np.bincount(self.part[self.part >= 0], minlength=self.n_parts)

    def moved(self) -> float:
        """Sum what changed hands."""
        away = (self.home >= 0) & (self.part != self.home)
        return float(self.stay[away].sum())

    def outside(self) -> NDArray[np.float64]:
        """Return by how much each part is out of all its bounds; 0 for parts without cells; shape (n_parts,)."""
        found = violation(self.part_weight(), self.bounds)
        for column in range(1, self.weights.shape[1]):
            low, high, unit = self.limit[column]
            total = self.part_sum(column)
            off = np.maximum(0.0, np.maximum(low - total, total - high))
            # Sums of fractions may miss a bound by rounding.
            found = found + unit * np.where(off > 1e-9 * max(1.0, float(total.sum())), off, 0.0)
        return np.where(self.sizes() > 0, found, 0.0)

    def broken(self) -> float:
        """Return the violation of wishes."""
        return 0.0 if self.far is None else self.far.broken(self.part)

    def broken_around(self, cells: NDArray[np.int64]) -> float:
        """Return the violation of the wishes of some cells, twice where both ends are among them."""
        if self.far is None:
            return 0.0
        first, count = self.far.indptr[cells], np.diff(self.far.indptr)[cells]
        slot = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        wish = self.far.wish[slot]
        apart = np.repeat(self.part[cells], count) != self.part[self.far.indices[slot]]
        return float(np.where(apart, np.maximum(0.0, wish), np.maximum(0.0, -wish)).sum())

    def hold_walks(self, soft: float = 0.0, targets: Sequence[int] = ()) -> None:
        """Say what pairs count that are too far apart on foot for one part: as much as the greatest part.

        But those that shared a part before, and do now, count nothing: nobody need mend them.

        Parameters
        ----------
        soft : float
            What these count instead, in the targets.
        targets : sequence of int
            Parts.
        """
        if self.far is None or self.walk is None:
            return
        a, b = self._walking()
        old = (self.home[a] >= 0) & (self.home[a] == self.home[b]) & (self.part[a] == self.part[b])
        mild = np.where(np.isin(self.part[a], targets), soft, 0.0)
        self.far.wish[self.walk] = -np.where(old, mild, self.bounds.maximum)

    def _walking(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the ends of the pairs that are too far apart on foot, both ways."""
        assert self.far is not None
        owner = np.repeat(np.arange(len(self.part)), np.diff(self.far.indptr))
        return owner[self.walk], self.far.indices[self.walk]

    def long_parts(self, part: NDArray[np.int32] | None = None) -> NDArray[np.int64]:
        """Count the pairs of each part that are too far apart on foot, both ways; of the parts of now, or of others."""
        if self.far is None or self.walk is None:
            return np.zeros(self.n_parts, np.int64)
        of = self.part if part is None else part
        a, b = self._walking()
        same = (of[a] == of[b]) & (of[a] >= 0)
        return np.bincount(of[a[same]], minlength=self.n_parts)

    def wishing(self) -> list[int]:
        """List the parts that have a cell of a wish that is not fulfilled, ascending; locked ones left out."""
        if self.far is None or not len(self.far.indices):
            return []
        owner = np.repeat(np.arange(len(self.part)), np.diff(self.far.indptr))
        apart = self.part[owner] != self.part[self.far.indices]
        bad = np.where(apart, self.far.wish > 0, self.far.wish < 0)
        return [p for p in np.unique(self.part[owner[bad]]).tolist() if p >= 0 and p not in self.locked]

    def partners(self, p: int) -> set[int]:
        """Return the parts that share a wish with a part which is not fulfilled; locked ones left out."""
        if self.far is None:
            return set()
        owner = np.repeat(np.arange(len(self.part)), np.diff(self.far.indptr))
        other = self.part[self.far.indices]
        mine = (self.part[owner] == p) & (other != p) & (self.far.wish > 0)
        return {int(q) for q in np.unique(other[mine]).tolist() if q >= 0 and q not in self.locked}

    def neighbors(self) -> dict[int, set[int]]:
        """Return the parts that each part touches; locked ones touch nothing."""
        owner = np.repeat(self.part, np.diff(self.graph.indptr))
        other = self.part[self.graph.indices]
        keep = (owner != other) & (owner >= 0) & (other >= 0)
        pairs = np.unique(owner[keep].astype(np.int64) * self.n_parts + other[keep])
        found: dict[int, set[int]] = {}
        for pair in pairs.tolist():
            a, b = divmod(pair, self.n_parts)
            if a not in self.locked and b not in self.locked:
                found.setdefault(a, set()).add(b)
        return found

    def border_m(self) -> float:
        """Sum the price of all borders."""
        owner = np.repeat(self.part, np.diff(self.graph.indptr))
        return float(self.price[owner != self.part[self.graph.indices]].sum()) / 2

    def subgraph(self, cells: NDArray[np.int64]) -> AdjacencyGraph:
        """Return some cells as a graph of their own."""
        return subgraph(self.graph, cells)


class Region:
    """Some parts with all their cells, numbered anew; the parts around it stay as they are.

    Parameters
    ----------
    ground : Ground
    parts : sequence of int
        Parts that may exchange cells; none of them locked.
    cells : int64, shape (n,), optional
        Their cells that are not frozen, where they are known; else they are looked for.
    base : float64, shape (n_parts of the region,) or (n_parts of the region, n_weights), optional
        Weights of their frozen cells; needed with `cells`.
    """

    def __init__(
        self,
        ground: Ground,
        parts: NDArray[np.int64],
        cells: NDArray[np.int64] | None = None,
        base: NDArray[np.float64] | None = None,
    ) -> None:
        self.ground, self.parts = ground, np.asarray(parts, dtype=np.int64)
        local = np.full(ground.n_parts + 1, -1, np.int32)
        local[self.parts] = np.arange(len(self.parts), dtype=np.int32)
        if cells is None:
            cells = np.flatnonzero((local[ground.part] >= 0) & ~ground.frozen)
        self.cells = cells
        self.indptr, self.indices, self.price = extract(
            cells, ground.graph.indptr, ground.graph.indices, ground.price, ground.position
        )
        self.far = Far.none(len(cells)) if ground.far is None else ground.far.among(cells, ground.position)
        self.weights, self.stay = np.ascontiguousarray(ground.weights[cells]), ground.stay[cells]
        self.weight = self.weights[:, 0]
        self.part = local[ground.part[cells]]
        self.home = local[ground.home[cells]]
        n = len(cells)
        if base is None:
            base = np.zeros((len(self.parts), ground.weights.shape[1]))
            islands = np.flatnonzero(ground.frozen)
            held = islands[local[ground.part[islands]] >= 0]
            np.add.at(base, local[ground.part[held]], ground.weights[held])
        self.base = base.reshape(len(self.parts), -1)
        self._stamp, self._queue = np.zeros(n + 1, np.int64), np.empty(n, np.int32)

    def rule(self, *, big: float, moved: float, border: float, extra: float = 0.0) -> NDArray[np.float64]:
        """Return what a plan costs, for the kernels."""
        return np.array([big, moved, border, extra, self.ground.mean])

    def sums(self, part: NDArray[np.int32]) -> NDArray[np.float64]:
        """Sum the weights of each part of the region; shape (n_parts, n_weights)."""
        return np.asarray(part_sums(part, self.weights, len(self.parts)) + self.base)

    def totals(self, part: NDArray[np.int32]) -> NDArray[np.float64]:
        """Sum what is balanced for each part of the region."""
        return np.ascontiguousarray(self.sums(part)[:, 0])

    def key(self, part: NDArray[np.int32], rule: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return violation, what changed hands, and the price of all but violation."""
        far = self.far
        return key_of(
            self.indptr, self.indices, self.price, far.indptr, far.indices, far.wish, far.tie, self.weights,
            self.stay, self.home, part, self.sums(part), self.ground.limit, rule,
        )  # fmt: skip

    def least(self) -> float:
        """Return a bound: what at least changes hands until the parts of the region are inside the bounds.

        What a part has too much must leave it, and what parts lack must come from elsewhere: at least the cells that
        pay least for their weight, the last of them in part (Dantzig's bound of the knapsack).
        """
        settled = self.home >= 0
        found = 0.0
        for column, (low, high, _) in enumerate(self.ground.limit):
            weight, base = self.weights[:, column], self.base[:, column]
            own = np.bincount(self.home[settled], weights=weight[settled], minlength=len(self.parts)) + base
            over = sum(
                _cheapest_share(weight[mine], self.stay[mine], float(own[p] - high))
                for p in np.flatnonzero(own > high).tolist()
                for mine in [self.home == p]
            )
            lacking = float(np.maximum(0.0, low - own).sum() - weight[~settled].sum())
            found = max(found, over, _cheapest_share(weight[settled], self.stay[settled], lacking))
        return found

    def anneal(
        self,
        part: NDArray[np.int32],
        rule: NDArray[np.float64],
        *,
        hot: float,
        cold: float,
        proposals: int,
        state: NDArray[np.uint64],
        cap: float = np.inf,
        enough: float = -1.0,
    ) -> tuple[NDArray[np.int32], float, float]:
        """Search from one plan of the region; return the best plan met, its violation and its price."""
        now = part.copy()
        n_cut, border, place = border_lists(self.indptr, self.indices, now)
        best = np.empty_like(now)
        far = self.far
        found, cost, _moves = search(
            self.indptr, self.indices, self.price, far.indptr, far.indices, far.wish, far.tie, self.weights,
            self.stay, self.home, now, self.sums(now), n_cut, border, place, self.ground.limit, rule, cap,
            enough, hot, cold, proposals, self._stamp, self._queue, state, best,
        )  # fmt: skip
        return best, found, cost

    def improve(
        self, state: NDArray[np.uint64], *, tries: int | None = None, effort: float = 1.0, cap: float = np.inf
    ) -> tuple[NDArray[np.int32], float]:
        """Look for the plan of the region with least violation, then least change, then least border.

        Returns
        -------
        part : int32, shape (n_cells of the region,)
        violation : float
        """
        if tries is None:
            tries = 16 if len(self.cells) <= _FEW_CELLS else 4
        small = self.border_unit()
        usual = float(np.mean(self.weight[self.weight > 0])) if (self.weight > 0).any() else 1.0
        proposals = int(effort * min(20_000_000, 20_000 + 250 * len(self.cells)))
        enough = self.least()
        even = self.deviation_unit()
        best = self.part
        best_key = self.key(best, self.rule(big=1.0, moved=1.0, border=small, extra=even))
        for attempt in range(tries):
            rule = self.rule(big=_BIG[attempt % len(_BIG)], moved=1.0, border=small, extra=even)
            start = self.part if attempt % 4 < 3 else best
            part, _, _ = self.anneal(
                start, rule, hot=usual, cold=0.02 * usual, proposals=proposals, state=state, cap=cap,
                enough=enough,
            )  # fmt: skip
            key = self.key(part, rule)
            if (key[0], key[2]) < (best_key[0] - 1e-7, 0.0) or (
                key[0] <= best_key[0] + 1e-7 and key[2] < best_key[2] - 1e-9
            ):
                best, best_key = part, key
            if best_key[0] <= 1e-7 and best_key[1] <= enough + 1e-7:
                break
        # What may move for nothing (new buildings, empty blocks) goes where the border is short and parts are even.
        warm = small * self.usual_border()
        best, found, _ = self.anneal(
            best, self.rule(big=1e6, moved=1.0, border=small, extra=even), hot=2 * warm, cold=0.1 * warm,
            proposals=proposals, state=state, cap=cap,
        )  # fmt: skip
        return best, found

    def border_unit(self) -> float:
        """Return the price of a metre of border, in changed hands: so small that all borders weigh less than one."""
        return 0.4 / max(1.0, float(np.abs(self.price).sum() + np.abs(self.far.tie).sum()))

    def deviation_unit(self) -> float:
        """Return the price of deviation, in changed hands, beside `border_unit`; all of it weighs less than one too."""
        bounds, count = self.ground.bounds, len(self.parts)
        widest = max((bounds.maximum - bounds.minimum) / 2 / self.ground.mean, 1e-3) ** 2
        return min(4.0 / (max(1.0, len(self.cells) / count) ** 0.5 * count), 0.4 / (count * widest))

    def usual_border(self) -> float:
        """Return the usual price of one adjacency."""
        positive = self.price[self.price > 0]
        return float(np.median(positive)) if len(positive) else 1.0

    def write(self, part: NDArray[np.int32]) -> None:
        """Put a plan of the region into the ground."""
        self.ground.part[self.cells] = self.parts[part].astype(np.int32)


def _cheapest_share(weight: NDArray[np.float64], stay: NDArray[np.float64], need: float) -> float:
    """Return the least that is paid for cells that weigh `need` together, one of them taken in part."""
    if need <= 0:
        return 0.0
    some = weight > 0
    weight, stay = weight[some], stay[some]
    order = np.argsort(stay / weight, kind="stable")
    running = np.cumsum(weight[order])
    whole = int(np.searchsorted(running, need, side="left"))
    paid = float(stay[order[:whole]].sum())
    if whole < len(order):
        before = float(running[whole - 1]) if whole else 0.0
        paid += (need - before) * float(stay[order[whole]] / weight[order[whole]])
    return paid
