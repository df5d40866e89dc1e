"""The whole fabric: every boundary polygon on its own, in parallel processes where that pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.graph.components import subgraph
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.counts import share_grids
from gis_core.partition.objective import Bounds, Objective, preset
from gis_core.partition.polygon import PolygonAnswer, PolygonTask, least_grids
from gis_core.partition.problem import Constraint
from gis_core.partition.solve import StoppedBy
from gis_core.partition.tiles import LEAST_CELLS
from gis_core.partition.workers import TaskRunner, run_tasks

__all__ = ["PartitionResult", "broken_constraints", "partition_fabric"]

#: Fewer cells than this are solved in this process: starting others would take longer.
_FEW_CELLS = 8_000
#: Above so many cells the work for each cell falls, so that a whole city ends in a minute or two.
_MANY_CELLS = 60_000


@dataclass(frozen=True, slots=True)
class PartitionResult:
    """Partition of a fabric.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
        Part of each cell, 0 to n_parts - 1, grouped by boundary polygon in ascending order.
    part_boundary_ix : int32, shape (n_parts,)
        Boundary polygon of each part.
    infeasible : tuple of Infeasible
        Why parts are out of bounds; `cell_ix` counts the cells of the fabric.
    lower_bounds : float64, shape (n_boundaries,)
        For each boundary polygon a proven lower bound on the greatest deviation of a part from the mean
        (fraction) with that number of parts.
    stopped_by : {"converged", "time-limit"}
    seconds : float
        Wall-clock seconds of solving, without start-up and compiling.
    proof_seconds : float
        Of them, those that bounds and reasons took after the plans were found; summed over the boundary polygons.
    """

    assignment: NDArray[np.int32]
    part_boundary_ix: NDArray[np.int32]
    infeasible: tuple[Infeasible, ...]
    lower_bounds: NDArray[np.float64]
    stopped_by: StoppedBy
    seconds: float
    proof_seconds: float = 0.0

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return len(self.part_boundary_ix)


def partition_fabric(
    graph: AdjacencyGraph,
    boundary_ix: NDArray[np.integer],
    households: NDArray[np.integer] | NDArray[np.floating],
    *,
    boundary_codes: Sequence[str],
    bounds: Bounds | None = None,
    n_grids: int | None = None,
    objective: Objective | Literal["plan", "street", "border", "balance"] | None = None,
    constraints: Sequence[Constraint] = (),
    start: NDArray[np.integer] | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    use_time: bool = False,
    processes: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    fixed: NDArray[np.integer] | None = None,
    cell_names: Sequence[str] | None = None,
    runner: TaskRunner | None = None,
) -> PartitionResult:
    """Cut the cells of every boundary polygon into connected grids inside the bounds, wherever that can be.

    Parameters
    ----------
    graph : AdjacencyGraph
        Adjacencies that cross from one boundary polygon to another are left out of account.
    boundary_ix : int, shape (n_cells,)
        Boundary polygon of each cell, a position in `boundary_codes`.
    households : shape (n_cells,)
        What is balanced, 0 or more.
    boundary_codes : sequence of str
        One for each boundary polygon, for messages and for the random numbers.
    bounds : Bounds
        None: 300 to 500.
    n_grids : int
        Number of grids of all polygons together, shared by households; None: by the bounds (see `counts`).
    objective : Objective or str
        Prices, or the name of a preset; None: the default prices.
    constraints : sequence of Constraint
        What else is asked, in the numbering of the fabric. Each polygon gets what is left of it there, and is solved in
        the pieces that hang together by the links that are left.
    start : int, shape (n_cells,)
        Grids to begin from; -1: none. Left out of account in pieces where a grid is not connected or a cell has none.
    seed : int
        Same input and seed, same plan, whatever the number of processes and the order of the cells.
    time_limit_s : float
        Wall-clock seconds of solving; None: none.
    use_time : bool
        Whether all of the time limit is used to find better plans.
    processes : int
        None: one a core.
    progress : callable
        Called with ("partition", cells done, cells); an exception from it (Ctrl-C, CancelledError) ends all
        workers.
    fixed : int, shape (n_cells,)
        Cells with one number of 0 or more stay together as one grid, without any others; -1: free. None: all
        free.
    cell_names : sequence of str
        What to call each cell in a reason (the ids of its buildings), shape (n_cells,); None: cells have no names.
    runner : callable
        Solves the boundary polygons elsewhere, such as `gis_core.cluster.ClusterRunner`; None: processes of this
        machine.

    Returns
    -------
    PartitionResult

    Raises
    ------
    ParameterError
        Where arrays do not fit each other, weights are negative, the number of grids cannot be shared, there is no
        objective of that name, or a locked grid is empty of sense (in two boundary polygons).
    """
    home, weight = _require_usable(graph, boundary_ix, households, boundary_codes, time_limit_s, fixed, start)
    locked = np.full(graph.n_cells, -1, np.int64) if fixed is None else np.asarray(fixed, dtype=np.int64)
    bounds = bounds or Bounds()
    prices = preset(objective) if isinstance(objective, str) else objective or Objective()
    begin = None if start is None else np.asarray(start, dtype=np.int64)
    share = min(1.0, _MANY_CELLS / max(1, graph.n_cells))
    last = np.cumsum(np.bincount(home, minlength=len(boundary_codes)))
    cells_of = np.split(np.argsort(home, kind="stable"), last[:-1])
    # Large graphs are searched in tiles, whose work grows with the cells alone.
    efforts = [1.0 if len(cells) >= LEAST_CELLS else share for cells in cells_of]
    filled = [b for b in range(len(boundary_codes)) if len(cells_of[b])]
    tasks = [
        PolygonTask(
            str(boundary_codes[b]), subgraph(graph, cells_of[b]), weight[cells_of[b]], cells_of[b],
            _heavy_names(cells_of[b], weight, bounds, cell_names), locked[cells_of[b]], None,
            bounds, prices, seed, efforts[b], tuple(each.restrict(cells_of[b]) for each in constraints),
            None if begin is None else begin[cells_of[b]], use_time,
        )
        for b in filled
    ]  # fmt: skip
    if n_grids is not None:
        tasks = _share_number(tasks, n_grids)
    if runner is None:
        answers, seconds = _run_on_this_machine(tasks, graph.n_cells, processes, time_limit_s, progress)
    else:
        answers, seconds = runner(tasks, time_limit_s=time_limit_s, progress=progress)
    result = _gather(answers, filled, cells_of, len(boundary_codes), graph.n_cells, seconds)
    return replace(
        result, infeasible=(*result.infeasible, *broken_constraints(constraints, graph, result.assignment))
    )


def broken_constraints(
    constraints: Sequence[Constraint], graph: AdjacencyGraph, assignment: NDArray[np.integer]
) -> list[Infeasible]:
    """Say what a plan of the fabric breaks of what was asked; `cell_ix` counts the cells of the fabric."""
    return [reason for each in constraints for reason in each.broken(graph, assignment)]


def _run_on_this_machine(
    tasks: list[PolygonTask],
    n_cells: int,
    processes: int | None,
    time_limit_s: float | None,
    progress: Callable[[str, int, int], None] | None,
) -> tuple[list[PolygonAnswer], float]:
    """Solve in this process where that is quicker, else in several."""
    if processes is None:
        processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_cells < _FEW_CELLS or len(tasks) < 2:
        processes = 1
    return run_tasks(tasks, processes=processes, time_limit_s=time_limit_s, progress=progress)


def _heavy_names(
    cells: NDArray[np.int64], weight: NDArray[np.float64], bounds: Bounds, names: Sequence[str] | None
) -> dict[int, str]:
    """Return the names of the cells above the maximum, where cells have names."""
    heavy = cells[weight[cells] > bounds.maximum].tolist()
    return {} if names is None else {cell: str(names[cell]) for cell in heavy}


def _require_usable(
    graph: AdjacencyGraph,
    boundary_ix: NDArray[np.integer],
    households: NDArray[np.integer] | NDArray[np.floating],
    boundary_codes: Sequence[str],
    time_limit_s: float | None,
    fixed: NDArray[np.integer] | None,
    start: NDArray[np.integer] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return boundary positions and weights, or raise where the input cannot be used."""
    n = graph.n_cells
    home, weight = np.asarray(boundary_ix, dtype=np.int64), np.asarray(households, dtype=np.float64)
    given = [home, weight, *(array for array in (fixed, start) if array is not None)]
    if any(len(array) != n for array in given):
        raise ParameterError(
            f"Boundary positions, households, locks and start must have one entry for each of {n} cells."
        )
    if n and not 0 <= home.min() <= home.max() < len(boundary_codes):
        raise ParameterError(f"A cell names a boundary polygon outside 0 to {len(boundary_codes) - 1}.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ParameterError("A cell has a negative or missing number of households; give 0 or more.")
    if time_limit_s is not None and not time_limit_s > 0:
        raise ParameterError(f"The time limit {time_limit_s:g} s cannot be used; give more than 0.")
    if fixed is not None:
        held = np.asarray(fixed) >= 0
        pairs = np.unique(np.column_stack([np.asarray(fixed)[held], home[held]]), axis=0)
        if len(np.unique(pairs[:, 0])) < len(pairs):
            raise ParameterError("A locked grid lies in two boundary polygons; lock each part on its own.")
    return home, weight


def _share_number(tasks: list[PolygonTask], n_grids: int) -> list[PolygonTask]:
    """Give each polygon its share of the number of grids that was asked for."""
    if n_grids < 1:
        raise ParameterError(f"{n_grids} grids cannot be made; ask for at least 1.")
    least = [least_grids(task) for task in tasks]
    most = [_most_grids(task, low) for task, low in zip(tasks, least, strict=True)]
    counts = share_grids(n_grids, [float(task.weight.sum()) for task in tasks], least, most)
    return [replace(task, n_grids=count) for task, count in zip(tasks, counts, strict=True)]


def _most_grids(task: PolygonTask, least: int) -> int:
    """Return the most grids of a polygon: one a cell, and one alone where there are no households."""
    return max(least, task.graph.n_cells) if task.weight.sum() > 0 else least


def _gather(
    answers: list[PolygonAnswer],
    filled: list[int],
    cells_of: list[NDArray[np.int64]],
    n_boundaries: int,
    n_cells: int,
    seconds: float,
) -> PartitionResult:
    """Put the answers of the polygons together, in the numbering of the fabric."""
    assignment = np.full(n_cells, -1, np.int32)
    part_boundary: list[int] = []
    infeasible: list[Infeasible] = []
    lower = np.zeros(n_boundaries)
    stopped: StoppedBy = "converged"
    for b, answer in zip(filled, answers, strict=True):
        cells = cells_of[b]
        assignment[cells] = answer.part + len(part_boundary)
        part_boundary += [b] * answer.n_parts
        lower[b] = answer.lower_bound
        infeasible += answer.infeasible
        if answer.stopped_by == "time-limit":
            stopped = "time-limit"
    return PartitionResult(
        assignment, np.array(part_boundary, dtype=np.int32), tuple(infeasible), lower, stopped, seconds,
        sum(answer.proof_seconds for answer in answers),
    )  # fmt: skip
