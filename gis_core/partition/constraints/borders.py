"""Borders that must stay: neighbours on the two sides of a line are in different grids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels
from gis_core.graph.links import adjacency_slots, change_adjacencies
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import (
    adjacencies_of_pairs,
    first_cells,
    restrict_pairs,
    strong_price,
)
from gis_core.partition.problem import Problem

__all__ = ["Borders"]


@dataclass(frozen=True, eq=False)
class Borders:
    """Adjacencies that must be borders between grids.

    Attributes
    ----------
    left, right : int64, shape (n_pairs,)
        The neighbours on the two sides.
    label : str
        What the line is called in a sentence.
    """

    name: ClassVar[str] = "borders"
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    label: str

    def restrict(self, cell_ix: NDArray[np.int64]) -> Borders:
        """Return what is left of it for the subgraph of these cells."""
        left, right, _kept = restrict_pairs(self.left, self.right, cell_ix)
        return replace(self, left=left, right=right)

    def slots(self, graph: AdjacencyGraph) -> NDArray[np.bool_]:
        """Mark its adjacencies in a graph, both ways; shape (2 m,)."""
        return adjacencies_of_pairs(graph, self.left, self.right)

    def apply(self, problem: Problem) -> None:
        """Let no part hang together through such a border, which costs nothing, and reward each that is there.

        Ground that nothing else links to the rest keeps a link across, its longest border: it belongs somewhere.
        """
        chosen = self.slots(problem.graph)
        problem.link[chosen] = False
        _link_the_rest(problem, chosen)
        problem.price[chosen] = 0.0
        if len(self.left):
            problem.add_pairs(self.left, self.right, -strong_price(problem))

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Say for how many metres grids reach across the line, and which cells they join."""
        chosen = self.slots(graph)
        owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
        across = (
            chosen
            & (owner < graph.indices)
            & (assignment[owner] >= 0)
            & (assignment[owner] == assignment[graph.indices])
        )
        if not across.any():
            return []
        grids = len(np.unique(assignment[owner[across]]))
        metres = float(graph.shared_length_m[across].sum())
        many = f"{grids} grids reach" if grids > 1 else "1 grid reaches"
        sentence = f"{self.label} must stay a border, but {many} across it for {metres:,.0f} m."
        mend = (
            "A line that ends inside a grid, or leaves too few households on one side, cannot be kept: draw it through "
            "to another border, or lower the minimum."
        )
        cells = np.unique(np.concatenate([owner[across], graph.indices[across]]))
        return [Infeasible("borders", self.label, sentence, first_cells(cells), mend)]


def _link_the_rest(problem: Problem, chosen: NDArray[np.bool_]) -> None:
    """Open the longest of the chosen adjacencies again that hold pieces of the graph together."""
    graph, owner = problem.graph, problem.owner
    piece = component_labels(change_adjacencies(graph, keep=problem.link))
    across = np.flatnonzero(chosen & (owner < graph.indices) & (piece[owner] != piece[graph.indices]))
    root = np.arange(int(piece.max(initial=-1)) + 1)
    for slot in across[np.argsort(-graph.shared_length_m[across], kind="stable")].tolist():
        a, b = int(owner[slot]), int(graph.indices[slot])
        one, other = root[piece[a]], root[piece[b]]
        if one != other:
            root[root == other] = one
            both = adjacency_slots(graph, np.array([a, b]), np.array([b, a]))
            problem.link[both] = True
