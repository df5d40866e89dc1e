"""Rivers and rail: grids do not hang together across them but where a crossing is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import part_component_labels
from gis_core.graph.links import adjacency_slots, change_adjacencies
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import first_cells, restrict_pairs
from gis_core.partition.prices import CLASS_FACTORS
from gis_core.partition.problem import Problem

__all__ = ["Barriers"]


@dataclass(frozen=True, eq=False)
class Barriers:
    """Borders on barriers: cheap, and closed where no crossing is known.

    Attributes
    ----------
    left, right : int64, shape (k,)
        The two cells of each border.
    closed : bool, shape (k,)
        Whether no part may hang together there.
    water_m : float64, shape (k,), metres
        Border in water and off streets and barriers, which costs as little as one on a barrier.
    """

    name: ClassVar[str] = "barriers"
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    closed: NDArray[np.bool_]
    water_m: NDArray[np.float64]

    def restrict(self, cell_ix: NDArray[np.int64]) -> Barriers:
        """Return what is left of it for the subgraph of these cells."""
        left, right, kept = restrict_pairs(self.left, self.right, cell_ix)
        return replace(self, left=left, right=right, closed=self.closed[kept], water_m=self.water_m[kept])

    def _slots(self, graph: AdjacencyGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the borders stand in the arrays of the graph, both ways, and which border each is."""
        both = np.concatenate(
            [adjacency_slots(graph, self.left, self.right), adjacency_slots(graph, self.right, self.left)]
        )
        border = np.tile(np.arange(len(self.left)), 2)
        return both[both >= 0], border[both >= 0]

    def apply(self, problem: Problem) -> None:
        """Make water as cheap a border as any barrier, and take away the links of closed borders."""
        slot, border = self._slots(problem.graph)
        wet = np.minimum(self.water_m[border], problem.graph.shared_length_m[slot])
        problem.price[slot] -= (1.0 - CLASS_FACTORS["barrier"]) * np.minimum(wet, problem.price[slot])
        problem.link[slot[self.closed[border]]] = False

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the grids that hang together across a barrier only."""
        slot, border = self._slots(graph)
        keep = np.ones(len(graph.indices), dtype=bool)
        keep[slot[self.closed[border]]] = False
        whole = part_component_labels(graph, assignment)
        parted = part_component_labels(change_adjacencies(graph, keep=keep), assignment)
        pairs = np.unique(np.column_stack([whole, parted]), axis=0)
        pieces, count = np.unique(pairs[:, 0], return_counts=True)
        found = []
        for piece in pieces[count > 1].tolist():
            cells = np.flatnonzero((whole == piece) & (assignment >= 0))
            if not len(cells):
                continue
            labels, size = np.unique(parted[cells], return_counts=True)
            far = cells[parted[cells] != labels[np.argmax(size)]]
            sentence = (
                f"A grid of {len(cells)} cells has {len(far)} of them across a barrier, and no crossing inside it; add "
                "the bridge or gate to streets or facilities, or use --barriers cost."
            )
            said = (("cells", len(cells)), ("far", len(far)))
            found.append(
                Infeasible("barrier-crossed", "", sentence, first_cells(far), case="grid", numbers=said)
            )
        return found
