"""Seeds: every grid holds at most one service point, and exactly one where there are as many grids as points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import some_of
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import first_cells
from gis_core.partition.problem import Problem

__all__ = ["Seeds"]


@dataclass(frozen=True, eq=False)
class Seeds:
    """Cells with a service point.

    Attributes
    ----------
    label_of : object, shape (n_cells,)
        What the service point of each cell is called; None: the cell has none.
    """

    name: ClassVar[str] = "seeds"
    label_of: NDArray[np.object_]

    @property
    def cell_ix(self) -> NDArray[np.int64]:
        """Cells with a service point, ascending."""
        return np.flatnonzero(np.array([label is not None for label in self.label_of], dtype=bool))

    def restrict(self, cell_ix: NDArray[np.int64]) -> Seeds:
        """Return what is left of it for the subgraph of these cells."""
        return replace(self, label_of=self.label_of[cell_ix])

    def apply(self, problem: Problem) -> None:
        """Count the seeds of every part as a further weight: at most one each, and one each where there are enough.

        Where there are more seeds than parts they are shared as evenly as can be.
        """
        cells = self.cell_ix
        if len(cells) == 0:
            return
        count = np.zeros(problem.graph.n_cells)
        count[cells] = 1.0
        fair = len(cells) / problem.n_parts
        problem.add_weight(count, float(np.floor(fair)), float(np.ceil(fair)))

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the grids with several seeds."""
        cells = self.cell_ix[assignment[self.cell_ix] >= 0]
        grids, count = np.unique(assignment[cells], return_counts=True)
        found = []
        for grid in grids[count > 1].tolist():
            own = cells[assignment[cells] == grid]
            names = some_of([self.label_of[cell] for cell in own])
            sentence = f"One grid holds {len(own)} seeds ({names}) where each may hold one."
            mend = "Ask for more grids, lower the minimum, or take seeds out."
            found.append(Infeasible("seeds", str(self.label_of[own[0]]), sentence, first_cells(own), mend))
        return found
