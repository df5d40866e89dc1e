"""Whether a finished plan may be changed, and the search that changes it: for what constraints do after the search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels, subgraph
from gis_core.graph.links import change_adjacencies
from gis_core.partition._random import new_state
from gis_core.partition.problem import Problem
from gis_core.partition.search import Clock, Search, first_rules

__all__ = ["Referee", "search_again"]


def search_again(problem: Problem, rng: np.random.Generator, search: Search | None) -> Search:
    """Return the search that made a plan, or one of the same problem without prices of unevenness and without haste.

    Parameters
    ----------
    problem : Problem
        After `apply` of all constraints.
    rng : Generator
    search : Search or None
    """
    if search is not None:
        return search
    level, mean = problem.level(), problem.weights.sum(axis=0) / problem.n_parts
    rules = first_rules(level, problem.n_parts, problem.minimum, problem.maximum, mean, 0.0)
    return Search(level, problem.n_parts, rules, new_state(rng), Clock(np.inf, None, level.n_cells))


class Referee:
    """Judges changes of an assignment: parts stay whole, bounds no worse, prices at most so much higher.

    Parameters
    ----------
    problem : Problem
        After `apply` of all constraints; not changed.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.links = change_adjacencies(problem.graph, keep=problem.link)
        self._owner = problem.owner
        self._pairs = problem.pairs

    def may(self, before: NDArray[np.int32], after: NDArray[np.int32], dearer_m: float) -> bool:
        """Tell whether a plan may be changed to another one that costs at most `dearer_m` metres more."""
        cells = np.flatnonzero(before != after)
        parts = np.unique(np.concatenate([before[cells], after[cells]]))
        return (
            self.excess(after, parts) <= self.excess(before, parts) + 1e-9
            and self.cost(after, cells) - self.cost(before, cells) <= dearer_m
            and all(self.pieces(after, p) == 1 or self.pieces(before, p) > 1 for p in parts.tolist())
        )

    def pieces(self, part: NDArray[np.int32], p: int) -> int:
        """Count the pieces of one part; 0 where it has no cell."""
        cells = np.flatnonzero(part == p)
        return 0 if not len(cells) else int(component_labels(subgraph(self.links, cells)).max()) + 1

    def excess(self, part: NDArray[np.int32], parts: NDArray[np.integer]) -> float:
        """Sum over some parts and all weights by how much they are outside the bounds."""
        inside = np.isin(part, parts)
        place = np.searchsorted(parts, part[inside])
        outside = 0.0
        for i in range(self.problem.weights.shape[1]):
            total = np.bincount(place, weights=self.problem.weights[inside, i], minlength=len(parts))
            low, high = self.problem.minimum[i], self.problem.maximum[i]
            outside += float(np.maximum(np.maximum(low - total, total - high), 0.0).sum())
        return outside

    def cost(self, part: NDArray[np.int32], cells: NDArray[np.integer]) -> float:
        """Sum the prices of borders, pairs and homes that these cells have a share in, in metres."""
        problem = self.problem
        chosen = np.zeros(len(part), dtype=bool)
        chosen[cells] = True
        other = problem.graph.indices
        cut = chosen[self._owner] & (part[self._owner] != part[other])
        once = np.where(chosen[other[cut]], 0.5, 1.0)
        total = float((problem.price[cut] * once).sum())
        left, right, price = self._pairs
        apart = (chosen[left] | chosen[right]) & (part[left] != part[right])
        away = chosen & (problem.home >= 0) & (problem.home != part)
        return total + float(price[apart].sum()) + float(problem.stay[away].sum())
