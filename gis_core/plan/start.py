"""Grids to start from: mended, brought inside the bounds, and then improved as far as their borders lead."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import part_component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds, Objective, PartitionResult
from gis_core.partition.problem import Constraint
from gis_core.partition.rebalance import rebalance
from gis_core.partition.rebalance_asked import Terms
from gis_core.partition.rebalance_region import without_crossings
from gis_core.plan.asked import Asked
from gis_core.plan.lower import lower_bounds

__all__ = ["improve_start", "is_whole"]


def is_whole(graph: AdjacencyGraph, boundary_ix: NDArray[np.int32], start: NDArray[np.int64]) -> bool:
    """Tell whether every cell has a grid, and every grid is in one piece of one boundary polygon."""
    if (start < 0).any():
        return False
    grids = np.unique(start)
    nested = np.unique(start.astype(np.int64) * (int(boundary_ix.max(initial=0)) + 1) + boundary_ix)
    return len(nested) == len(grids) == int(part_component_labels(graph, start).max(initial=-1)) + 1


def improve_start(
    graph: AdjacencyGraph, boundary_ix: NDArray[np.int32], weight: NDArray[np.float64], asked: Asked, bounds: Bounds,
    *, n_boundaries: int, seed: int, objective: Objective | None = None, constraints: Sequence[Constraint] = (),
    time_limit_s: float | None = None,
) -> PartitionResult:  # fmt: skip
    """Improve existing grids without counting what changes hands.

    Grids in pieces are mended and ground without a grid is given to one; locked grids stay as they are. The number of
    grids is that of before, and as many more or fewer as the bounds need.

    Parameters
    ----------
    graph : AdjacencyGraph
    boundary_ix : int32, shape (n_cells,)
    weight : float64, shape (n_cells,)
    asked : Asked
        With grids to start from.
    bounds : Bounds
    n_boundaries : int
    seed : int
    objective : Objective or None
        Prices of borders and deviation; None: the default ones.
    constraints : sequence of Constraint
        What else is asked, in the numbering of the cells.
    time_limit_s : float or None

    Returns
    -------
    PartitionResult
    """
    assert asked.start is not None
    began = time.perf_counter()
    part, locks = asked.start.copy(), range(0)
    if asked.locked is not None:
        locks = range(len(asked.start_codes), len(asked.start_codes) + len(asked.lock_codes))
        part = np.where(asked.locked >= 0, len(asked.start_codes) + asked.locked, part)
    found = rebalance(
        graph, weight, part, bounds=bounds, zone=boundary_ix, n_parts=len(asked.start_codes) + len(locks),
        locked=locks, max_moved=float(weight.sum()), objective=objective, constraints=constraints, rng=seed,
        time_limit_s=time_limit_s,
    )  # fmt: skip
    used, first, number = np.unique(found.assignment, return_index=True, return_inverse=True)
    home = boundary_ix[first].astype(np.int32)
    order = np.argsort(home, kind="stable")
    place = np.empty(len(used), np.int32)
    place[order] = np.arange(len(used), dtype=np.int32)
    assignment = place[number]
    inner = without_crossings(graph, boundary_ix)
    links = Terms.of(inner, weight, bounds, objective or Objective(), constraints, found.assignment).links
    kept = [] if asked.locked is None else np.unique(assignment[asked.locked >= 0]).tolist()
    lower = lower_bounds(links, boundary_ix, weight, assignment, n_boundaries=n_boundaries, locked=kept)
    return PartitionResult(assignment, home[order], (), lower, found.stopped_by, time.perf_counter() - began)
