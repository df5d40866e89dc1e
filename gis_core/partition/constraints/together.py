"""Cells that stay together: every group in one grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree

from gis_core.graph.components import part_component_labels
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import first_cells, strong_price
from gis_core.partition.problem import Problem

__all__ = ["Together"]

#: Share of the strength of the wish by which a border inside a group is dearer: many times a usual border, but too
#: little to change what a usual border is.
_HINT = 0.005


@dataclass(frozen=True, eq=False)
class Together:
    """Groups of cells that must each lie in one grid.

    Attributes
    ----------
    group : int64, shape (n_cells,)
        Group of each cell, a position in `labels`; -1: none.
    labels : tuple of str
        What each group is called in a sentence.
    """

    name: ClassVar[str] = "together"
    group: NDArray[np.int64]
    labels: tuple[str, ...]

    def restrict(self, cell_ix: NDArray[np.int64]) -> Together:
        """Return what is left of it for the subgraph of these cells."""
        return replace(self, group=self.group[cell_ix])

    def apply(self, problem: Problem) -> None:
        """Tie the cells of every group into a tree of dear pairs, and make the borders inside it a little dearer.

        The pairs are what counts. The borders let the search join the cells of a group early, when it coarsens.
        """
        owner, other = problem.owner, problem.graph.indices
        inside = (self.group[owner] >= 0) & (self.group[owner] == self.group[other])
        price = strong_price(problem)
        problem.price[inside] = np.maximum(problem.price[inside], 0.0) + _HINT * price
        left, right = self.ties(problem.graph)
        if len(left):
            problem.add_pairs(left, right, price)

    def ties(self, graph: AdjacencyGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return pairs of cells that make a tree of each group: neighbours, and the nearest cells of its pieces."""
        owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
        near = (
            (owner < graph.indices)
            & (self.group[owner] >= 0)
            & (self.group[owner] == self.group[graph.indices])
        )
        ends = (owner[near], graph.indices[near])
        shape = (graph.n_cells, graph.n_cells)
        tree = minimum_spanning_tree(coo_array((np.ones(len(ends[0])), ends), shape=shape).tocsr()).tocoo()
        far = self._far(graph)
        return (
            np.concatenate([tree.row.astype(np.int64), far[0]]),
            np.concatenate([tree.col.astype(np.int64), far[1]]),
        )

    def _far(self, graph: AdjacencyGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Join the pieces of each group one by one, the nearest first, at the two cells that are nearest."""
        piece = part_component_labels(graph, self.group)
        left: list[int] = []
        right: list[int] = []
        for group in np.unique(self.group[self.group >= 0]).tolist():
            cells = np.flatnonzero(self.group == group)
            pieces = [cells[piece[cells] == one] for one in np.unique(piece[cells])]
            joined = pieces.pop(0)
            while pieces:
                ends = [_nearest(graph, joined, each) for each in pieces]
                best = min(range(len(ends)), key=lambda i: (ends[i][2], i))
                left.append(ends[best][0])
                right.append(ends[best][1])
                joined = np.concatenate([joined, pieces.pop(best)])
        return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the groups that lie in several grids."""
        found = []
        for group in np.unique(self.group[self.group >= 0]).tolist():
            cells = np.flatnonzero((self.group == group) & (assignment >= 0))
            grids, count = np.unique(assignment[cells], return_counts=True)
            if len(grids) < 2:
                continue
            strays = cells[assignment[cells] != grids[np.argmax(count)]]
            sentence = (
                f"{self.labels[group]} is to stay together but lies in {len(grids)} grids: {len(strays):,} of its "
                f"{len(cells):,} cells {'is' if len(strays) == 1 else 'are'} outside the grid that holds most of it."
            )
            mend = "Take the strays out of the group: the plan that was made keeps the others together."
            found.append(Infeasible("together", self.labels[group], sentence, first_cells(strays), mend))
        return found


def _nearest(
    graph: AdjacencyGraph, one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[int, int, float]:
    """Return the cell of each side that is nearest to the other side, and their distance in metres."""
    distance, at = cKDTree(np.column_stack([graph.x[one], graph.y[one]])).query(
        np.column_stack([graph.x[other], graph.y[other]])
    )
    best = int(np.argmin(distance))
    return int(one[at[best]]), int(other[best]), float(distance[best])
