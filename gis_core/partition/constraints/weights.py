"""Further weights inside bounds: people, cases, a workload, beside what is balanced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import counted
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.certify import number
from gis_core.partition.constraints._common import first_cells
from gis_core.partition.problem import Problem

__all__ = ["WeightBounds"]

_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class WeightBounds:
    """One more sum of every grid that must stay inside bounds.

    Attributes
    ----------
    label : str
        What is summed, as the planner wrote it.
    values : float64, shape (n_cells,)
        0 or more.
    minimum, maximum : float
        0 and infinity where a side is free.
    """

    name: ClassVar[str] = "weights"
    label: str
    values: NDArray[np.float64]
    minimum: float
    maximum: float

    def restrict(self, cell_ix: NDArray[np.int64]) -> WeightBounds:
        """Return what is left of it for the subgraph of these cells."""
        return replace(self, values=self.values[cell_ix])

    def apply(self, problem: Problem) -> None:
        """Hold the sum of every part inside the bounds."""
        problem.add_weight(self.values, self.minimum, self.maximum)

    def inside(self, totals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which totals are inside the bounds; sums of fractions may miss them by rounding."""
        slack = _SLACK * max(1.0, float(self.values.sum()))
        return (totals >= self.minimum - slack) & (totals <= self.maximum + slack)

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Say how many grids are outside, which cell alone is too heavy, and whether the total can fit at all."""
        placed = assignment >= 0
        n_grids = int(assignment.max(initial=-1)) + 1
        totals = np.bincount(assignment[placed], weights=self.values[placed], minlength=n_grids).astype(
            np.float64
        )
        out = np.flatnonzero(~self.inside(totals))
        if len(out) == 0:
            return []
        worst = int(out[np.argmax(np.maximum(self.minimum - totals[out], totals[out] - self.maximum))])
        sentence = (
            f"{len(out)} of {n_grids} grids {'is' if len(out) == 1 else 'are'} outside the bounds "
            f"{self._span()} of {self.label}; the worst has {number(round(float(totals[worst]), 1))}."
        )
        return [
            Infeasible(
                "weights",
                self.label,
                sentence,
                first_cells(self._blamed(assignment, worst)),
                self._mend(totals),
                "out",
                (
                    ("out", len(out)),
                    ("grids", n_grids),
                    ("weight", self.label),
                    ("span", self._span()),
                    ("worst", round(float(totals[worst]), 1)),
                ),
            )
        ]

    def _span(self) -> str:
        low, high = number(self.minimum), number(self.maximum) if np.isfinite(self.maximum) else None
        return f"{low} to {high}" if high is not None else f"of at least {low}"

    def _blamed(self, assignment: NDArray[np.integer], worst: int) -> NDArray[np.int64]:
        heavy = np.flatnonzero(self.values > self.maximum)
        return heavy if len(heavy) else np.flatnonzero(assignment == worst)

    def _mend(self, totals: NDArray[np.float64]) -> str:
        """Name what no search can mend, or what would help."""
        heavy = self.values > self.maximum
        total, n_grids = float(self.values.sum()), len(totals)
        if heavy.any():
            which = "1 cell alone holds" if heavy.sum() == 1 else f"{int(heavy.sum()):,} cells alone hold"
            return f"{which} more than the maximum; divide the buildings there or raise it."
        if total > n_grids * self.maximum:
            least = int(np.ceil(total / self.maximum - _SLACK))
            return (
                f"The total of {number(round(total, 1))} needs at least {counted(least, 'grid')}; "
                "ask for more of them."
            )
        if total < n_grids * self.minimum:
            most = int(np.floor(total / self.minimum + _SLACK))
            return (
                f"The total of {number(round(total, 1))} is enough for {most} at most; ask for fewer grids."
            )
        return "No proof was found that this must be so; another number of grids or wider bounds may help."
