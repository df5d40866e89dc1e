"""One boundary polygon: its pieces, their numbers of parts, the solution of each, and the reasons."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.graph.components import component_labels, subgraph
from gis_core.graph.ordering import spatial_order
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.certify import Piece, explain_piece, total_reason
from gis_core.partition.counts import count_range, counts_to_try, parts_for_total, share_by_pieces
from gis_core.partition.objective import Bounds, Objective, violation
from gis_core.partition.solve import Solution, StoppedBy, solve

__all__ = ["PolygonAnswer", "PolygonTask", "least_grids", "solve_polygon"]


@dataclass(frozen=True, slots=True)
class PolygonTask:
    """All that is needed to solve one boundary polygon, in another process too.

    Attributes
    ----------
    code : str
    graph : AdjacencyGraph
        Cells of the polygon, and their adjacencies among each other only.
    weight : float64, shape (n_cells,)
    cell_ix : int64, shape (n_cells,)
        Position of each cell in the fabric, for the reasons.
    heavy_names : dict
        Names (building ids) of cells above the maximum, by position in the fabric; those that are known.
    locked : int64, shape (n_cells,)
        Cells with one number of 0 or more are a part already; -1: free.
    n_grids : int or None
        Number asked for, locked parts included; None: by the bounds.
    bounds, objective
    seed : int
    effort : float
    """

    code: str
    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    cell_ix: NDArray[np.int64]
    heavy_names: dict[int, str]
    locked: NDArray[np.int64]
    n_grids: int | None
    bounds: Bounds
    objective: Objective
    seed: int
    effort: float


@dataclass(frozen=True, slots=True)
class PolygonAnswer:
    """Partition of one boundary polygon.

    Attributes
    ----------
    part : int32, shape (n_cells,)
        0 to n_parts - 1, numbered by first cell.
    n_parts : int
    infeasible : tuple of Infeasible
        `cell_ix` counts the cells of the fabric.
    lower_bound : float
    stopped_by : {"converged", "time-limit"}
    """

    part: NDArray[np.int32]
    n_parts: int
    infeasible: tuple[Infeasible, ...]
    lower_bound: float
    stopped_by: StoppedBy


def _pieces(task: PolygonTask) -> list[NDArray[np.int64]]:
    """List the cells of each connected piece of what is not locked, each in spatial order."""
    free = np.flatnonzero(task.locked < 0)
    if len(free) == 0:
        return []
    order = free[spatial_order(task.graph.x[free], task.graph.y[free], task.weight[free])]
    label = component_labels(subgraph(task.graph, order))
    return [order[label == piece] for piece in range(int(label.max()) + 1)]


def least_grids(task: PolygonTask) -> int:
    """Return the fewest grids that the polygon can have: one for each separate piece with households, at least 1."""
    locked = len(np.unique(task.locked[task.locked >= 0]))
    pieces = _pieces(task)
    populated = sum(bool(task.weight[cells].sum() > 0) for cells in pieces)
    return max(1, locked + (len(pieces) if locked else populated))


def _range(weight: NDArray[np.float64], bounds: Bounds) -> tuple[int, int]:
    """Return the numbers of parts that leave only parts with a heavy cell outside the bounds; least > most: none."""
    total = float(weight.sum())
    heavy = weight[weight > bounds.maximum]
    if len(heavy) == 0:
        return count_range(total, bounds)
    light = total - float(heavy.sum())
    least, most = count_range(light, bounds) if light > 0 else (0, 0)
    # What is too much for `most` parts can join a heavy cell's part.
    most = max(most, 0)
    return len(heavy) + min(least, most), len(heavy) + most


def _solve_piece(
    graph: AdjacencyGraph, weight: NDArray[np.float64], counts: list[int], task: PolygonTask,
    rng: np.random.Generator, time_limit_s: float | None, progress: Callable[[str, int, int], None] | None,
) -> tuple[Solution, int]:  # fmt: skip
    """Try the numbers of parts in turn until one gives a plan inside the bounds, heavy cells aside."""
    unavoidable = weight > task.bounds.maximum
    best: tuple[float, Solution, int] | None = None
    tries = 0
    for count in counts:
        found = solve(
            graph, weight, n_parts=count, bounds=task.bounds, objective=task.objective, rng=rng,
            time_limit_s=time_limit_s, effort=task.effort, progress=progress,
        )  # fmt: skip
        tries += found.tries
        part_weight = np.bincount(found.assignment, weights=weight, minlength=count).astype(np.float64)
        outside = violation(part_weight, task.bounds)
        outside[found.assignment[unavoidable]] = 0
        avoidable = float(outside.sum())
        if best is None or avoidable < best[0]:
            best = (avoidable, found, count)
        if avoidable == 0 or found.stopped_by == "time-limit":
            break
    assert best is not None
    solution = best[1]
    return Solution(
        solution.assignment, solution.stopped_by, solution.cost, solution.out_of_bounds, tries
    ), best[2]


def solve_polygon(
    task: PolygonTask,
    time_limit_s: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> PolygonAnswer:
    """Partition one boundary polygon: each piece with households alone, the others to the nearest part.

    Parameters
    ----------
    task : PolygonTask
    time_limit_s : float
        Seconds, shared by the pieces according to their cells; None: none.
    progress : callable
        Called with ("partition", cells done, cells).

    Returns
    -------
    PolygonAnswer
    """
    bounds, n = task.bounds, task.graph.n_cells
    part = np.full(n, -1, np.int32)
    locks = np.unique(task.locked[task.locked >= 0])
    for i, lock in enumerate(locks):
        part[task.locked == lock] = i
    n_parts = len(locks)
    pieces = _pieces(task)
    settled = [cells for cells in pieces if len(locks) or task.weight[cells].sum() > 0]
    if not settled and not len(locks):
        settled, pieces = [np.concatenate(pieces)], []
    total = float(task.weight[task.locked < 0].sum())
    asked = task.n_grids is not None
    wanted = (
        max(len(settled), task.n_grids - len(locks))
        if task.n_grids is not None
        else parts_for_total(total, bounds)
    )
    counts = share_by_pieces(
        wanted, [float(task.weight[cells].sum()) for cells in settled],
        [_range(task.weight[cells], bounds) for cells in settled], [len(cells) for cells in settled], bounds,
        exact=asked,
    )  # fmt: skip
    answers: list[Piece] = []
    stopped: StoppedBy = "converged"
    done = 0
    for cells, count in zip(settled, counts, strict=True):
        graph, weight = subgraph(task.graph, cells), task.weight[cells]
        if weight.sum() == 0:
            found, used = Solution(np.zeros(len(cells), np.int32), "converged", 0.0, 0.0, 1), 1
        else:
            limit = None if time_limit_s is None else max(1e-3, time_limit_s * len(cells) / n)
            choice = [count] if asked else _choices(count, weight, bounds)
            name = f"{task.seed}:{task.code}:{len(answers)}".encode()
            rng = np.random.default_rng([task.seed & 0xFFFFFFFF, zlib.crc32(name)])
            report = None if progress is None else _shifted(progress, done, n)
            found, used = _solve_piece(graph, weight, choice, task, rng, limit, report)
        if found.stopped_by == "time-limit":
            stopped = "time-limit"
        part[cells] = found.assignment + n_parts
        n_parts += used
        late = found.stopped_by == "time-limit"
        answers.append(Piece(graph, weight, task.cell_ix[cells], used, found.assignment, found.tries, late))
        done += len(cells)
    _join_empty_pieces(task, part, pieces)
    reasons = _reasons(task, answers, total, asked)
    # A piece without weight is a part of its own only beside locks.
    shown = [piece for piece in answers if len(locks) or piece.weight.sum() > 0]
    lower = deviation_lower_bound(
        [piece.weight for piece in shown], n_parts, graphs=[piece.graph for piece in shown],
        locked=[float(task.weight[task.locked == lock].sum()) for lock in locks],
    )  # fmt: skip
    _, first, number = np.unique(part, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return PolygonAnswer(rank[number].astype(np.int32), n_parts, tuple(reasons), lower, stopped)


def _choices(count: int, weight: NDArray[np.float64], bounds: Bounds) -> list[int]:
    """Return the numbers of parts to try for a piece: the one that fits best, then what the bounds allow besides."""
    least, most = _range(weight, bounds)
    return counts_to_try(count, least, min(most, len(weight)))


def _shifted(
    progress: Callable[[str, int, int], None], before: int, total: int
) -> Callable[[str, int, int], None]:
    """Count the cells of one piece on top of those before it."""

    def report(step: str, done: int, _total: int) -> None:
        progress(step, before + done, total)

    return report


def _join_empty_pieces(task: PolygonTask, part: NDArray[np.int32], pieces: list[NDArray[np.int64]]) -> None:
    """Give each piece without households whole to the part nearest to one of its cells."""
    home = np.flatnonzero((part >= 0) & (task.locked < 0))
    empty = [cells for cells in pieces if part[cells[0]] < 0]
    if not empty:
        return
    points = np.column_stack([task.graph.x, task.graph.y])
    tree = cKDTree(points[home])
    for cells in empty:
        distance, nearest = tree.query(points[cells])
        part[cells] = part[home[nearest[np.argmin(distance)]]]


def _reasons(task: PolygonTask, pieces: list[Piece], total: float, asked: bool) -> list[Infeasible]:
    """Collect the reasons of the polygon and of its pieces."""
    reasons: list[Infeasible] = []
    n_parts = sum(piece.n_parts for piece in pieces)
    n_locked = len(np.unique(task.locked[task.locked >= 0]))
    whole = (
        total_reason(task.code, total, n_parts, task.bounds, asked=asked, n_locked=n_locked)
        if pieces
        else None
    )
    if whole is not None:
        reasons.append(whole)
    for piece in pieces:
        reasons += explain_piece(
            piece,
            task.code,
            task.bounds,
            heavy_names=task.heavy_names,
            alone=len(pieces) == 1,
            asked=asked,
            total_explained=whole is not None,
        )
    return reasons
