"""Greatest walking distance inside a grid, as a bound.

The search sees it as prices of pairs of cells that are too far apart for one part. What it leaves over the bound is
mended afterwards (`post`): parts that are too long on foot are drawn anew together with parts around them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.links import change_adjacencies
from gis_core.graph.walk_pairs import walk_pairs
from gis_core.graph.walks import WalkGround, greatest_walks
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._moves import search_again
from gis_core.partition.constraints._shorten import Shortener, pair_price
from gis_core.partition.constraints._walk_table import WalkTable
from gis_core.partition.problem import Problem
from gis_core.partition.search import Search

__all__ = ["MaxWalk"]

#: Pairs that the search is given at most; where there are more, each stands for several.
_MOST_PAIRS = 2_000_000
#: How much the search minds a pair that is too far apart (see `pair_price`).
_STRENGTH = 2.0
#: Pairs up to so many times the bound apart are listed (`far_pairs`), fewer of more than so many inhabited cells.
_REACH, _SHORT_REACH, _MANY = 2.0, 1.5, 20_000


@dataclass(frozen=True, eq=False)
class MaxWalk:
    """Two inhabited cells of one grid are at most so far from each other, along the streets.

    Attributes
    ----------
    ground : WalkGround
        One member a cell.
    max_walk_m : float
        Above 0.
    """

    name: ClassVar[str] = "max-walk"
    ground: WalkGround
    max_walk_m: float
    _tables: dict[float, WalkTable] = field(default_factory=dict, repr=False)

    def restrict(self, cell_ix: NDArray[np.int64]) -> MaxWalk:
        """Return what is left of it for the subgraph of these cells, and the streets around them."""
        ground = self.ground.of_members(cell_ix, margin_m=2 * self.max_walk_m)
        return replace(self, ground=ground, _tables={})

    def _table(self, problem: Problem) -> WalkTable:
        """Return the distances in a problem, which are the same for every number of parts."""
        minimum = float(problem.minimum[0])
        if minimum not in self._tables:
            links = change_adjacencies(problem.graph, keep=problem.link)
            weight = problem.weights[:, 0]
            self._tables[minimum] = WalkTable(self.ground, self.max_walk_m, links, weight, minimum)
        return self._tables[minimum]

    def apply(self, problem: Problem) -> None:
        """Give pairs of cells that are too far apart a price in one part, where all distances can be kept."""
        if problem.n_parts == 1:
            return
        table = self._table(problem)
        left, right, stands_for = table.far_pairs(_MOST_PAIRS)
        if len(left):
            price = pair_price(_STRENGTH, problem.usual_price, len(table.member) / problem.n_parts)
            problem.add_pairs(left, right, stands_for * price)

    def far_pairs(
        self, links: AdjacencyGraph, zone: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the pairs of cells of one zone that no grid may hold both of; see `walk_pairs`.

        Of cells more than twice the bound apart only neighbors are listed: a grid that keeps the bound never takes a
        cell that is so far from one of its own without one that is listed. In large towns the reach is shorter, for
        want of memory; there it is enough as long as no grid has a gap of half the bound.
        """
        reach = _REACH if int(self.ground.inhabited.sum()) <= _MANY else _SHORT_REACH
        return walk_pairs(self.ground, links, zone, self.max_walk_m, reach * self.max_walk_m)

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the parts that are too long on foot, with the two cells that are farthest apart."""
        n_parts = int(np.max(assignment, initial=-1)) + 1
        walk, ends = greatest_walks(self.ground, assignment, n_parts)
        return [
            Infeasible(
                "max-walk",
                "",
                f"Two buildings of one grid are {walk[p]:,.0f} m apart on foot; at most {self.max_walk_m:,.0f} m was "
                "asked for. Ask for more grids, or allow more.",
                (int(ends[p, 0]), int(ends[p, 1])),
                case="far",
                numbers=(("metres", round(float(walk[p]))), ("most", self.max_walk_m)),
            )
            for p in np.flatnonzero(walk > self.max_walk_m).tolist()
        ]

    def post(
        self,
        problem: Problem,
        assignment: NDArray[np.int32],
        rng: np.random.Generator,
        search: Search | None = None,
    ) -> NDArray[np.int32]:
        """Draw parts that are too long anew, each with parts around it, while that makes ways shorter.

        Parameters
        ----------
        problem : Problem
            After `apply` of all constraints.
        assignment : int32, shape (n_cells,)
        rng : Generator
        search : Search
            What made the plan: its prices count, and its clock is obeyed. None: borders alone, and no haste.

        Returns
        -------
        int32, shape (n_cells,)
            A copy. Weights are no further outside the bounds, no part is in more pieces than before.
        """
        again = search_again(problem, rng, search)
        return Shortener(again, self._table(problem), assignment, rng).run()
