"""What is asked of a plan that is rebalanced: the constraints of a partition, as links, prices, weights and pairs.

The constraints change one `Problem` of all cells, as they do before a partition; what they left there is taken apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels
from gis_core.graph.links import change_adjacencies
from gis_core.model import AdjacencyGraph
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.objective import Bounds, Objective, border_cost
from gis_core.partition.problem import Constraint, Problem
from gis_core.partition.rebalance_region import Far

__all__ = ["Terms"]

#: Constraints whose pairs are wishes; the pairs of others have a price only.
_WISHES = (Together.name, Apart.name, Borders.name)


@dataclass(frozen=True, eq=False)
class Terms:
    """What a rebalanced plan is held to.

    Attributes
    ----------
    links : AdjacencyGraph
        Only the adjacencies through which a part may hang together.
    price : float64, shape (2 m,), metres
        Price of each of them as a border.
    more : float64, shape (n, n_weights - 1) or None
        Further weights.
    more_limit : float64, shape (n_weights - 1, 3) or None
        Least and greatest sum of each, and the violation of one unit outside: what it is worth in the first weight.
    far : Far or None
        Wishes (a broken one counts as the greatest part does), and pairs with a price.
    walk : bool, shape of `far.indices`, or None
        Pairs that are too far apart on foot for one part; what they count is said by `Ground.hold_walks`.
    """

    links: AdjacencyGraph
    price: NDArray[np.float64]
    more: NDArray[np.float64] | None = None
    more_limit: NDArray[np.float64] | None = None
    far: Far | None = None
    walk: NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls, graph: AdjacencyGraph, weight: NDArray[np.float64], bounds: Bounds, objective: Objective,
        constraints: Sequence[Constraint], part: NDArray[np.int32], zone: NDArray[np.integer] | None = None,
    ) -> Terms:  # fmt: skip
        """Apply the constraints to the cells, and take apart what they ask for.

        Parameters
        ----------
        graph : AdjacencyGraph
            Without adjacencies that no part may use.
        weight : float64, shape (n,)
        bounds, objective
        constraints : sequence of Constraint
            In the numbering of the cells.
        part : int32, shape (n,)
            Part of each cell until now; seeds are shared by so many.
        zone : int, shape (n,)
            Boundary polygon of each cell, for ways on foot; None: each connected piece is one.
        """
        if not constraints:
            return cls(graph, border_cost(graph, objective))
        n_parts = max(1, len(np.unique(part[part >= 0])))
        problem = Problem(
            graph, weight, n_parts=n_parts, bounds=(bounds.minimum, bounds.maximum),
            price=border_cost(graph, objective),
        )  # fmt: skip
        wish: list[NDArray[np.float64]] = []
        walks = [each for each in constraints if isinstance(each, MaxWalk)]
        for constraint in constraints:
            if isinstance(constraint, MaxWalk):
                continue
            before = len(problem.pairs[0])
            constraint.apply(problem)
            price = problem.pairs[2][before:]
            strong = bounds.maximum if constraint.name in _WISHES else 0.0
            wish.append(strong * np.sign(price))
        left, right, tie = problem.pairs
        far = _far(problem, left, right, np.concatenate([np.zeros(0), *wish]), tie)
        links, price = graph, problem.price
        if not problem.link.all():
            links, price = change_adjacencies(graph, keep=problem.link), problem.price[problem.link]
        home = component_labels(graph) if zone is None else zone
        walk = None
        for each in walks:
            far, walk = _with_walks(far, graph.n_cells, *each.far_pairs(links, home))
        if problem.weights.shape[1] == 1:
            return cls(links, price, far=far, walk=walk)
        total = problem.weights.sum(axis=0)
        worth = np.where(total[1:] > 0, total[0] / np.where(total[1:] > 0, total[1:], 1.0), 1.0)
        limit = np.column_stack([problem.minimum[1:], problem.maximum[1:], np.where(worth > 0, worth, 1.0)])
        return cls(links, price, np.ascontiguousarray(problem.weights[:, 1:]), limit, far, walk)

    def wishes(self) -> Far | None:
        """Return the pairs without those that are too far apart on foot."""
        if self.far is None or self.walk is None:
            return self.far
        return Far(self.far.indptr, self.far.indices, np.where(self.walk, 0.0, self.far.wish), self.far.tie)

    def longer(self, before: NDArray[np.int32], after: NDArray[np.int32]) -> bool:
        """Tell whether a plan joins two cells that are too far apart on foot and were in different parts."""
        if self.far is None or self.walk is None:
            return False
        a = np.repeat(np.arange(len(before)), np.diff(self.far.indptr))[self.walk]
        b = self.far.indices[self.walk]
        return bool(((after[a] == after[b]) & (before[a] != before[b])).any())


def _far(
    problem: Problem, left: NDArray[np.int64], right: NDArray[np.int64], wish: NDArray[np.float64],
    tie: NDArray[np.float64],
) -> Far | None:  # fmt: skip
    """Sort pairs, and borders through which nothing hangs together, into rows; None where there are none."""
    shut = ~problem.link
    n = problem.graph.n_cells
    a = np.concatenate([left, right, problem.owner[shut]])
    b = np.concatenate([right, left, problem.graph.indices[shut].astype(np.int64)])
    if not len(a):
        return None
    none = np.zeros(int(shut.sum()))
    # A wish is no price: it counts as a violation, and once only where it is said twice.
    values = np.concatenate([np.tile(np.where(wish == 0, tie, 0.0), 2), problem.price[shut]])
    code, at = np.unique(a * n + b, return_inverse=True)
    asked = np.zeros(len(code))
    both = np.concatenate([wish, wish, none])
    said = np.flatnonzero(both)
    asked[at.ravel()[said]] = both[said]
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(code // n, minlength=n), out=indptr[1:])
    total = np.bincount(at.ravel(), weights=values, minlength=len(code)).astype(np.float64)
    return Far(indptr, (code % n).astype(np.int32), asked, total)


def _with_walks(
    far: Far | None, n: int, left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[Far, NDArray[np.bool_]]:
    """Add pairs that are too far apart on foot to the others, and mark them; what is a wish already stays that."""
    asked = np.sort(np.concatenate([left * n + right, right * n + left]))
    old = Far.none(n) if far is None else far
    had = np.repeat(np.arange(n), np.diff(old.indptr)) * n + old.indices
    code = np.union1d(had, asked) if len(had) else asked
    at = np.searchsorted(code, had)
    wish, tie, walk = np.zeros(len(code)), np.zeros(len(code)), np.zeros(len(code), dtype=bool)
    wish[at], tie[at] = old.wish, old.tie
    walk[np.searchsorted(code, asked)] = True
    walk &= wish == 0
    indptr = np.searchsorted(code, np.arange(n + 1) * n).astype(np.int64)
    return Far(indptr, (code % n).astype(np.int32), wish, tie), walk
