"""The ground that is rebalanced, and regions of it: a few parts whose cells are numbered anew and searched."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.objective import Bounds, violation
from gis_core.partition.rebalance_kernels import extract, key_of, search
from gis_core.partition.refine import border_lists, part_totals

__all__ = ["Ground", "Key", "Region", "without_crossings"]

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
    position: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.position = np.full(len(self.weight), -1, np.int32)

    def part_weight(self) -> NDArray[np.float64]:
        """Sum the weight of each part; shape (n_parts,)."""
        given = self.part >= 0
        return np.bincount(self.part[given], weights=self.weight[given], minlength=self.n_parts).astype(
            np.float64
        )

    def sizes(self) -> NDArray[np.int64]:
        """Count the cells of each part; shape (n_parts,)."""
        return np.bincount(self.part[self.part >= 0], minlength=self.n_parts)

    def moved(self) -> float:
        """Sum what changed hands."""
        away = (self.home >= 0) & (self.part != self.home)
        return float(self.stay[away].sum())

    def outside(self) -> NDArray[np.float64]:
        """Return by how much each part is out of bounds; 0 for parts without cells; shape (n_parts,)."""
        return np.where(self.sizes() > 0, violation(self.part_weight(), self.bounds), 0.0)

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
    base : float64, shape (n_parts of the region,), optional
        Weight of their frozen cells; needed with `cells`.
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
        self.weight, self.stay = ground.weight[cells], ground.stay[cells]
        self.part = local[ground.part[cells]]
        self.home = local[ground.home[cells]]
        n = len(cells)
        if base is None:
            base = np.zeros(len(self.parts))
            islands = np.flatnonzero(ground.frozen)
            held = islands[local[ground.part[islands]] >= 0]
            np.add.at(base, local[ground.part[held]], ground.weight[held])
        self.base = base
        self._stamp, self._queue = np.zeros(n + 1, np.int64), np.empty(n, np.int32)

    def rule(self, *, big: float, moved: float, border: float, extra: float = 0.0) -> NDArray[np.float64]:
        """Return what a plan costs, for the kernels."""
        bounds = self.ground.bounds
        return np.array([bounds.minimum, bounds.maximum, big, moved, border, extra, self.ground.mean])

    def totals(self, part: NDArray[np.int32]) -> NDArray[np.float64]:
        """Sum the weight of each part of the region."""
        return part_totals(part, self.weight, len(self.parts)) + self.base

    def key(self, part: NDArray[np.int32], rule: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return violation, what changed hands, and the price of all but violation."""
        return key_of(
            self.indptr, self.indices, self.price, self.stay, self.home, part, self.totals(part), rule
        )

    def least(self) -> float:
        """Return a bound: what at least changes hands until the parts of the region are inside the bounds."""
        full = np.zeros(len(self.parts))
        free = np.zeros(len(self.parts))
        at_home = (self.home >= 0) & (self.home == self.part)
        np.add.at(full, self.part, self.weight)
        np.add.at(free, self.part[~at_home], self.weight[~at_home])
        np.add.at(free, self.part[at_home], (self.weight - self.stay)[at_home])
        full += self.base
        bounds = self.ground.bounds
        over = np.maximum(0.0, full - bounds.maximum - free).sum()
        under = np.maximum(0.0, bounds.minimum - full).sum() - free.sum()
        return float(max(over, under, 0.0))

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
        found, cost, _moves = search(
            self.indptr, self.indices, self.price, self.weight, self.stay, self.home, now, self.totals(now),
            n_cut, border, place, rule, cap, enough, hot, cold, proposals, self._stamp, self._queue, state,
            best,
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
        return 0.4 / max(1.0, float(self.price.sum()))

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
