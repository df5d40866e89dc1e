"""A partition under way: the graph it is drawn on, its arrays, and the kernels called on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.partition.refine import LOGS, anneal, begin, total_cost
from gis_core.partition.seed import tree_seed

__all__ = ["Far", "Level", "State"]

#: Cells that the search for contiguity may visit in annealing before a move is given up.
_SEARCH_LIMIT = 2000

#: Links that are looked at for their usual price.
_SAMPLE = 1000


@njit
def _median_above_zero(values: NDArray[np.float64]) -> float:
    """Return the middle one of the values above 0 (Hoare's selection), 1 where there is none."""
    held = np.empty(len(values))
    count = 0
    for value in values:
        if value > 0:
            held[count] = value
            count += 1
    if count == 0:
        return 1.0
    wanted, low, high = count // 2, 0, count - 1
    while low < high:
        pivot = held[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while held[i] < pivot:
                i += 1
            while held[j] > pivot:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return held[wanted]


@dataclass(frozen=True, slots=True)
class Far:
    """Priced pairs of cells through which a part cannot hang together, as symmetric CSR; empty: none."""

    indptr: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    indices: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    cost: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True)
class Level:
    """One connected graph, and the cluster of the next coarser one that each of its cells joins (None: coarsest).

    Attributes
    ----------
    indptr : int64, shape (n + 1,); indices : int32; cost : float64
        Links as symmetric CSR, and the price of each as a border.
    weights : float64, shape (n, n_weights)
    far : Far
    home : int32, shape (n,) or (0,)
        Part that each cell should stay in, -1: none; empty: no cell has one.
    stay : float64, like `home`
        Price of a cell outside its home.
    cluster : int32, shape (n,)
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    cost: NDArray[np.float64]
    weights: NDArray[np.float64]
    far: Far = field(default_factory=Far)
    home: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    stay: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    cluster: NDArray[np.int32] | None = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.indptr) - 1

    def usual_link(self) -> float:
        """Median price of links that cost anything, of a sample of them: the scale of temperatures."""
        return float(_median_above_zero(self.cost[:: max(1, len(self.cost) // _SAMPLE)]))

    def border_price(self, part: NDArray[np.int32]) -> float:
        """Price of all borders, of far pairs and of cells outside their home."""
        price = total_cost(self.indptr, self.indices, self.cost, part)
        if len(self.far.indices):
            price += total_cost(self.far.indptr, self.far.indices, self.far.cost, part)
        if len(self.home):
            price += float(self.stay[(self.home >= 0) & (self.home != part)].sum())
        return price

    def tree_cuts(
        self,
        n_parts: int,
        rule: NDArray[np.float64],
        tries: int,
        rng: NDArray[np.uint64],
        stop_at: int = 1,
    ) -> NDArray[np.int32]:
        """Cut the graph into connected parts by recursive cuts of random spanning trees (see `seed`)."""
        return tree_seed(
            self.indptr, self.indices, self.cost, self.weights, n_parts, rule, tries, stop_at, rng
        )


class State:
    """A partition under way: the arrays that the kernels change together.

    Attributes
    ----------
    level : Level
    part : int32, shape (n_cells,)
    rule : float64, shape (n_weights, 6)
        What weights cost (see `refine`).
    sums : float64, shape (n_parts, n_weights)
    n_cut, border, place : lists of border cells (see `refine.border_lists`)
    """

    def __init__(
        self, level: Level, part: NDArray[np.int32], n_parts: int, rule: NDArray[np.float64]
    ) -> None:
        self.level, self.part, self.rule = level, part, rule
        self.sums, self.n_cut, self.border, self.place, self.stamp, self.queue = begin(
            level.indptr, level.indices, level.weights, part, n_parts
        )

    def propose(self, hot: float, cold: float, n: int, rng: NDArray[np.uint64]) -> int:
        """Anneal with `n` proposals while the temperature falls; return the number of moves."""
        level, far = self.level, self.level.far
        return anneal(
            level.indptr, level.indices, level.cost, far.indptr, far.indices, far.cost, level.weights,
            level.home, level.stay, self.part, self.sums, self.n_cut, self.border, self.place, self.rule, hot,
            cold, n, _SEARCH_LIMIT, self.stamp, self.queue, LOGS, rng,
        )  # fmt: skip
