"""Compounds (小区): kept whole where one fits into a grid, split along their inner ways where it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.errors import some_of
from gis_core.graph.components import part_component_labels
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._common import first_cells
from gis_core.partition.constraints._gather import Gatherer
from gis_core.partition.constraints._moves import Referee, search_again
from gis_core.partition.prices import WHOLE_FACTOR, compound_prices
from gis_core.partition.problem import Problem
from gis_core.partition.search import Search

__all__ = ["WholeCompounds", "fitting_compounds", "split_compounds"]

#: Two patches of a compound that do not touch hang together like cells with so much common border (metres).
_TIE_M = 30.0


@dataclass(frozen=True, eq=False)
class WholeCompounds:
    """The compound of each cell.

    Attributes
    ----------
    compound : int64, shape (n_cells,)
        Position in `labels`; -1: none.
    weight : float64, shape (n_cells,)
        Households.
    maximum : float
        A compound up to this weight fits into one grid.
    labels : tuple of str
        Names of the compounds.
    even_first : bool
        Whether `post` leaves the greatest deviation from the mean as small as it is.
    """

    name: ClassVar[str] = "compounds"
    compound: NDArray[np.int64]
    weight: NDArray[np.float64]
    maximum: float
    labels: tuple[str, ...]
    even_first: bool = False

    def restrict(self, cell_ix: NDArray[np.int64]) -> WholeCompounds:
        """Return what is left of it for the subgraph of these cells."""
        return replace(self, compound=self.compound[cell_ix], weight=self.weight[cell_ix])

    def apply(self, problem: Problem) -> None:
        """Raise the price of borders through compounds, and tie patches that do not touch."""
        problem.price[:] = compound_prices(
            problem.graph, self.compound, self.weight, self.maximum, problem.price
        )
        left, right = self._ties(problem.graph)
        if len(left):
            problem.add_pairs(left, right, WHOLE_FACTOR * _TIE_M)

    def _ties(self, graph: AdjacencyGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Join the patches of each compound that fits, every one to the nearest cell of the patches before it."""
        patch = part_component_labels(graph, self.compound)
        points = np.column_stack([graph.x, graph.y])
        left: list[int] = []
        right: list[int] = []
        for compound in fitting_compounds(self.compound, self.weight, self.maximum).tolist():
            cells = np.flatnonzero(self.compound == compound)
            for later in np.unique(patch[cells])[1:].tolist():
                before, own = cells[patch[cells] < later], cells[patch[cells] == later]
                distance, at = cKDTree(points[before]).query(points[own])
                best = int(np.argmin(distance))
                left.append(int(before[at[best]]))
                right.append(int(own[best]))
        return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the compounds that would fit into one grid and lie in several."""
        split = split_compounds(self.compound, self.weight, self.maximum, assignment)
        if not len(split):
            return []
        names = [self.labels[ix] for ix in split.tolist()]
        sentence = (
            f"{len(split)} compound{'s' if len(split) > 1 else ''} would fit into one grid but "
            f"lie{'' if len(split) > 1 else 's'} in several: {some_of(names)}."
        )
        cells = np.flatnonzero(np.isin(self.compound, split))
        said = (("compounds", len(names)), ("names", some_of(names)))
        return [
            Infeasible("compound-split", names[0], sentence, first_cells(cells), case="whole", numbers=said)
        ]

    def post(
        self,
        problem: Problem,
        assignment: NDArray[np.int32],
        rng: np.random.Generator,
        search: Search | None = None,
    ) -> NDArray[np.int32]:
        """Bring split compounds together where bounds, links and other wishes allow it, as cheaply as can be.

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
            A copy; no sum of a part is further outside its bounds than before, and parts that were connected are.
        """
        fits = np.isin(self.compound, fitting_compounds(self.compound, self.weight, self.maximum))
        if not len(split_compounds(self.compound, self.weight, self.maximum, assignment)):
            return assignment.copy()
        gatherer = Gatherer(
            search_again(problem, rng, search),
            Referee(problem),
            np.where(fits, self.compound, -1),
            self.weight > 0,
            assignment,
            even_first=self.even_first,
        )
        return gatherer.run(rng)


def fitting_compounds(
    compound: NDArray[np.integer], weight: NDArray[np.float64], maximum: float
) -> NDArray[np.int64]:
    """List the compounds with households whose total is at most the maximum."""
    inside = compound >= 0
    total = np.bincount(compound[inside], weights=weight[inside])
    return np.flatnonzero((total > 0) & (total <= maximum))


def split_compounds(
    compound: NDArray[np.integer],
    weight: NDArray[np.float64],
    maximum: float,
    assignment: NDArray[np.integer],
) -> NDArray[np.int64]:
    """List the compounds that would fit into one part but have households in several."""
    lived_in = (compound >= 0) & (weight > 0)
    pairs = np.unique(np.column_stack([compound[lived_in], assignment[lived_in]]), axis=0)
    found, count = np.unique(pairs[:, 0], return_counts=True)
    return np.intersect1d(found[count > 1], fitting_compounds(compound, weight, maximum))
