"""A partition under way: the graph it is drawn on, its arrays, and the kernels called on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.refine import anneal, border_lists, part_totals, penalty, total_cost
from gis_core.partition.seed import tree_seed

__all__ = ["Level", "State"]


@dataclass(frozen=True, slots=True)
class Level:
    """One connected graph, and the cluster of the next coarser one that each of its cells joins (None: coarsest)."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    cost: NDArray[np.float64]
    weight: NDArray[np.float64]
    cluster: NDArray[np.int32] | None = None

    def tree_cuts(
        self, n_parts: int, rule: NDArray[np.float64], tries: int, rng: NDArray[np.uint64]
    ) -> NDArray[np.int32]:
        """Cut the graph into connected parts by recursive cuts of random spanning trees (see `seed`)."""
        return tree_seed(self.indptr, self.indices, self.cost, self.weight, n_parts, rule, tries, rng)


class State:
    """A partition under way: the arrays that the kernels change together.

    Attributes
    ----------
    level : Level
    part : int32, shape (n_cells,)
    n_parts : int
    rule : float64, shape (5,)
        What weights cost (see `refine`).
    part_weight : float64, shape (n_parts,)
    n_cut, border, place : lists of border cells (see `refine.border_lists`)
    member, local : int32
        Scratch of -1, one a part and one a cell.
    """

    def __init__(
        self, level: Level, part: NDArray[np.int32], n_parts: int, rule: NDArray[np.float64]
    ) -> None:
        self.level, self.part, self.n_parts, self.rule = level, part, n_parts, rule
        n = len(part)
        self.part_weight = part_totals(part, level.weight, n_parts)
        self.n_cut, self.border, self.place = border_lists(level.indptr, level.indices, part)
        self._stamp, self._queue = np.zeros(n + 1, np.int64), np.empty(n, np.int32)
        self.member, self.local = np.full(n_parts, -1, np.int32), np.full(n, -1, np.int32)

    def cost(self) -> float:
        """Price of all borders and weights."""
        level = self.level
        return total_cost(level.indptr, level.indices, level.cost, self.part, self.part_weight, self.rule)

    def penalties(self) -> float:
        """Price of the weights alone."""
        return sum(penalty(float(total), self.rule) for total in self.part_weight)

    def propose(self, hot: float, cold: float, n: int, search_limit: int, rng: NDArray[np.uint64]) -> int:
        """Anneal with `n` proposals while the temperature falls; return the number of moves."""
        level = self.level
        return anneal(
            level.indptr, level.indices, level.cost, level.weight, self.part, self.part_weight, self.n_cut,
            self.border, self.place, self.rule, hot, cold, n, search_limit, self._stamp, self._queue, rng,
        )  # fmt: skip

    def part_neighbors(self) -> list[NDArray[np.int32]]:
        """Return, for each part, the parts that it touches, ascending."""
        level = self.level
        owner = np.repeat(self.part, np.diff(level.indptr)).astype(np.int64)
        other = self.part[level.indices].astype(np.int64)
        code = np.unique(owner[owner != other] * self.n_parts + other[owner != other])
        left, right = code // self.n_parts, (code % self.n_parts).astype(np.int32)
        return np.split(right, np.searchsorted(left, np.arange(1, self.n_parts)))
