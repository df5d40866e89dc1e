"""Walking distances among the inhabited cells of one piece, and how far each cell's grid must reach in any plan."""

from __future__ import annotations

import heapq
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.walks import WalkGround, walk_matrix
from gis_core.model import AdjacencyGraph

__all__ = ["MOST_MEMBERS", "WalkTable", "reach_needed"]

#: Inhabited cells beyond which no table of all their distances is kept.
MOST_MEMBERS = 4000
#: Distances this share below the limit are inside, however they were rounded.
_ROUNDED = 1e-6


@njit
def _reach(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], weight: NDArray[np.float64], place: NDArray[np.int64],
    source: NDArray[np.int64], distance: NDArray[np.floating], minimum: float, reach: NDArray[np.float64],
) -> None:  # fmt: skip
    """Grow a region from each source by the cell that is nearest to it on foot, until it holds the minimum."""
    n = len(indptr) - 1
    seen = np.full(n, -1, np.int64)
    for i in range(len(source)):
        heap = [(0.0, np.int64(source[i]))]
        seen[source[i]] = i
        total, farthest = 0.0, 0.0
        reach[i] = np.inf
        while len(heap) > 0:
            key, cell = heapq.heappop(heap)
            farthest = max(farthest, key)
            total += weight[cell]
            if total >= minimum:
                reach[i] = farthest
                break
            for e in range(indptr[cell], indptr[cell + 1]):
                other = indices[e]
                if seen[other] != i:
                    seen[other] = i
                    away = 0.0 if place[other] < 0 else float(distance[i, place[other]])
                    heapq.heappush(heap, (away, np.int64(other)))


def reach_needed(
    links: AdjacencyGraph,
    weight: NDArray[np.float64],
    member: NDArray[np.int64],
    source: NDArray[np.int64],
    distance: NDArray[np.floating],
    minimum: float,
) -> NDArray[np.float64]:
    """Return how far every grid of some cells must reach to hold the minimum: no grid with one is shorter on foot.

    A grid hangs together, so it grows from the cell over neighbours; where all cells nearer than some distance that can
    be come at over each other hold less than the minimum, it must reach farther. Cells without members are always near.

    Parameters
    ----------
    links : AdjacencyGraph
        Through which a grid may hang together.
    weight : float64, shape (n_cells,)
    member : int64, shape (n_members,)
        Inhabited cells.
    source : int64, shape (k,)
        Inhabited cells.
    distance : shape (k, n_members), metres
        On foot from each source to each member.
    minimum : float

    Returns
    -------
    float64, shape (k,), metres
        Infinite where all that hangs together with the cell is too little.
    """
    place = np.full(links.n_cells, -1, np.int64)
    place[member] = np.arange(len(member))
    reach = np.zeros(len(source))
    _reach(links.indptr, links.indices, weight, place, source, distance, minimum * (1 - 1e-9), reach)
    return reach


class WalkTable:
    """Walking distances among inhabited cells, and the limit of each pair.

    A pair may be farther apart than the limit that was asked for where every grid with one of the two must be: nothing
    is gained by parting them.

    Attributes
    ----------
    member : int64, shape (n_members,)
        The inhabited cells, ascending.
    whole : bool
        Whether all distances are kept; else they are measured when they are asked for, and no cell needs more than the
        limit.
    """

    def __init__(
        self,
        ground: WalkGround,
        limit_m: float,
        links: AdjacencyGraph,
        weight: NDArray[np.float64],
        minimum: float,
    ) -> None:
        self._ground, self._limit = ground, limit_m * (1 - _ROUNDED)
        self._links, self._weight, self._minimum = links, weight, minimum
        self.member = np.flatnonzero(ground.inhabited)
        self.whole = len(self.member) <= MOST_MEMBERS
        self._place = np.full(len(ground.x), -1, np.int64)
        self._place[self.member] = np.arange(len(self.member))

    @cached_property
    def _distance(self) -> NDArray[np.float32]:
        """All distances, shape (n_members, n_members), metres."""
        return walk_matrix(self._ground, self.member).astype(np.float32)

    @cached_property
    def needed(self) -> NDArray[np.float64]:
        """How far the grid of each member must reach, shape (n_members,), metres; 0 where that is not known."""
        if not self.whole:
            return np.zeros(len(self.member))
        return reach_needed(
            self._links, self._weight, self.member, self.member, self._distance, self._minimum
        )

    def over(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return by how much each pair of some inhabited cells is farther apart than its limit.

        Returns
        -------
        float64, shape (k, k), metres
            0 where it is not.
        """
        at = self._place[cells]
        distance = (
            self._distance[np.ix_(at, at)].astype(np.float64)
            if self.whole
            else walk_matrix(self._ground, cells)
        )
        own = np.maximum(self.needed[at], self._limit)
        return np.maximum(0.0, distance - np.maximum(own[:, None], own[None, :]))

    def far_pairs(self, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
        """List the pairs of cells that are farther apart than their limit.

        Parameters
        ----------
        most : int
            How many are listed at most; where there are more, each stands for several.

        Returns
        -------
        left, right : int64, shape (n_pairs,)
        stands_for : float
        """
        if not self.whole:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), 1.0
        left, right = np.nonzero(np.triu(self.over(self.member) > 0))
        step = max(1, -(-len(left) // most))
        return self.member[left[::step]], self.member[right[::step]], float(step)
