"""Links between pieces of an area: used where they help, since a grid in pieces has its price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import adjacencies_of_pairs, restrict_pairs
from gis_core.partition.problem import Problem

__all__ = ["Bridges"]

#: Price of a grid that uses a bridge, in borders of a usual part.
_PRICE = 0.5


@dataclass(frozen=True, eq=False)
class Bridges:
    """Links that were added between pieces.

    Attributes
    ----------
    left, right : int64, shape (k,)
        The cells at both ends.
    """

    name: ClassVar[str] = "bridges"
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def restrict(self, cell_ix: NDArray[np.int64]) -> Bridges:
        """Return what is left of it for the subgraph of these cells."""
        left, right, _ = restrict_pairs(self.left, self.right, cell_ix)
        return replace(self, left=left, right=right)

    def apply(self, problem: Problem) -> None:
        """Make a border on a bridge worth half the border of a usual part."""
        chosen = adjacencies_of_pairs(problem.graph, self.left, self.right)
        problem.price[chosen] -= _PRICE * problem.usual_price

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Return nothing: a bridge may be used or not."""
        return []
