"""Cells that stay apart: the two of every pair in different grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import restrict_pairs, strong_price
from gis_core.partition.problem import Problem

__all__ = ["Apart"]


@dataclass(frozen=True, eq=False)
class Apart:
    """Pairs of cells that must lie in different grids.

    Attributes
    ----------
    left, right : int64, shape (n_pairs,)
        The two cells of each pair.
    labels : tuple of str
        What each pair is called in a sentence, in the plural.
    """

    name: ClassVar[str] = "apart"
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    labels: tuple[str, ...]

    def restrict(self, cell_ix: NDArray[np.int64]) -> Apart:
        """Return what is left of it for the subgraph of these cells."""
        left, right, kept = restrict_pairs(self.left, self.right, cell_ix)
        return Apart(left, right, tuple(np.array(self.labels, dtype=object)[kept]))

    def apply(self, problem: Problem) -> None:
        """Make it dear to have the two of a pair in one part."""
        if len(self.left):
            problem.add_pairs(self.left, self.right, -strong_price(problem))

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the pairs that share a grid."""
        same = (assignment[self.left] == assignment[self.right]) & (assignment[self.left] >= 0)
        return [
            Infeasible(
                "apart",
                self.labels[pair],
                f"{self.labels[pair]} are to stay apart but share a grid.",
                (int(self.left[pair]), int(self.right[pair])),
                "Take one of the two out of the wish, or the wish back.",
            )
            for pair in np.flatnonzero(same).tolist()
        ]
