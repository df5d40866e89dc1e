"""What else is asked of a piece beside its bounds, as plain arrays that proofs can work with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph
from gis_core.partition.exact import ExactTask
from gis_core.partition.objective import Bounds

__all__ = ["Demand", "apart_clique", "count_limits", "task_with"]


@dataclass(frozen=True, eq=False)
class Demand:
    """One thing that is asked of the parts of a piece, which can be given up alone.

    Attributes
    ----------
    label : str
        What it is called inside a sentence.
    limit : (float64 array of shape (n_cells,), minimum, maximum) or None
        A further sum of every part that stays inside bounds; the maximum may be infinite.
    seeds : bool
        Whether the limit counts service points, at most one a part.
    apart : tuple of (int, int)
        Cells that must not share a part.
    together : tuple of int
        Cells that must share a part.
    sum_of : str
        What the limit sums.
    names : tuple of str
        Names of the seeds, in the order of their cells.
    """

    label: str
    limit: tuple[NDArray[np.float64], float, float] | None = None
    seeds: bool = False
    apart: tuple[tuple[int, int], ...] = ()
    together: tuple[int, ...] = ()
    sum_of: str = ""
    names: tuple[str, ...] = ()

    def kept(self, part: NDArray[np.integer]) -> bool:
        """Tell whether a plan meets it."""
        if any(part[a] == part[b] for a, b in self.apart):
            return False
        if any(part[self.together[0]] != part[other] for other in self.together):
            return False
        if self.limit is None:
            return True
        values, low, high = self.limit
        total = np.bincount(part, weights=values)
        slack = 1e-9 * max(1.0, float(values.sum()))
        return bool(((total >= low - slack) & (total <= high + slack)).all())


def task_with(
    graph: AdjacencyGraph, weight: NDArray[np.float64], n_parts: int, demands: Iterable[Demand]
) -> ExactTask:
    """Return the task to cut a piece into parts that meet some demands; seeds are shared as evenly as can be."""
    task = ExactTask(graph, weight, n_parts)
    for each in demands:
        if each.limit is not None:
            values, low, high = each.limit
            if each.seeds:
                low, high = float(values.sum() >= n_parts), 1.0
            high = min(high, max(1.0, float(values.sum()), low))
            task = replace(task, limits=(*task.limits, (values, Bounds(low, high))))
        ties = tuple((each.together[0], other) for other in each.together[1:])
        task = replace(task, together=(*task.together, *ties), apart=(*task.apart, *each.apart))
    return task


def apart_clique(demands: Iterable[Demand]) -> list[int]:
    """Return cells of which each is to stay apart from each, as many as a greedy search finds."""
    near: dict[int, set[int]] = {}
    for a, b in (pair for each in demands for pair in each.apart):
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    best: list[int] = []
    for first in sorted(near, key=lambda cell: (-len(near[cell]), cell))[:50]:
        own, others = [first], set(near[first])
        while others:
            cell = max(sorted(others), key=lambda one: len(near[one] & others))
            own.append(cell)
            others &= near[cell]
        if len(own) > len(best):
            best = own
    return best


def count_limits(demands: Sequence[Demand]) -> tuple[int, float]:
    """Return the least and the greatest number of parts that the demands leave, each looked at alone."""
    least, most = len(apart_clique(demands)), math.inf
    for each in demands:
        if each.limit is None:
            continue
        values, low, high = each.limit
        total = float(values.sum())
        if math.isfinite(high) and high > 0:
            least = max(least, math.ceil(total / high - 1e-9))
        if low > 0:
            most = min(most, math.floor(total / low + 1e-9))
    return least, most
