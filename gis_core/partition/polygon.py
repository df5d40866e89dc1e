"""One boundary polygon: its pieces, their numbers of parts, the solution of each, and the reasons."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.graph.components import component_labels, subgraph
from gis_core.graph.ordering import spatial_order
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.attempts import Attempt, PieceTask, links_left, posed, solve_piece, usable_start
from gis_core.partition.bounds import deviation_lower_bound, work_within
from gis_core.partition.certify import (
    Effort,
    Piece,
    Settled,
    certify_deviation,
    explain_piece,
    total_reason,
    usual_effort,
)
from gis_core.partition.counts import count_range, counts_with_wishes, parts_for_total, share_by_pieces
from gis_core.partition.demands import count_limits_of
from gis_core.partition.objective import Bounds, Objective, too_heavy, violation
from gis_core.partition.problem import Constraint
from gis_core.partition.solve import StoppedBy, shortened

__all__ = ["PolygonAnswer", "PolygonTask", "least_grids", "solve_polygon"]

#: Cells up to which the least deviation is looked for, and seconds of work for it (counted in steps): where evenness
#: comes first, and elsewhere, where many small polygons may be waiting.
_MOST_CELLS, _CERTIFY_S, _CERTIFY_LESS_S = 160, 4.0, 0.4


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
    constraints : tuple of Constraint
        In the numbering of the polygon.
    start : int64, shape (n_cells,) or None
        Grid of each cell to begin from; -1: none.
    use_time : bool
        Whether all of the time limit is used.
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
    constraints: tuple[Constraint, ...] = ()
    start: NDArray[np.int64] | None = None
    use_time: bool = False


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
    proof_seconds : float
        Wall-clock seconds that bounds and reasons took after the plan was found.
    """

    part: NDArray[np.int32]
    n_parts: int
    infeasible: tuple[Infeasible, ...]
    lower_bound: float
    stopped_by: StoppedBy
    proof_seconds: float = 0.0


def _pieces(task: PolygonTask) -> list[NDArray[np.int64]]:
    """List the cells of each piece of what is not locked that hangs together by links, each in spatial order."""
    free = np.flatnonzero(task.locked < 0)
    if len(free) == 0:
        return []
    place = spatial_order(task.graph.x[free], task.graph.y[free], task.weight[free])
    label = component_labels(_links(task, free))[place]
    first = np.unique(label, return_index=True)[1]
    return [free[place[label == piece]] for piece in label[np.sort(first)]]


def _links(task: PolygonTask, cells: NDArray[np.int64]) -> AdjacencyGraph:
    """Return the subgraph of some cells with only the links that the constraints leave."""
    graph = subgraph(task.graph, cells)
    if not task.constraints:
        return graph
    constraints = [each.restrict(cells) for each in task.constraints]
    return links_left(graph, posed(graph, task.weight[cells], 1, task.bounds, task.objective, constraints))


def least_grids(task: PolygonTask) -> int:
    """Return the fewest grids that the polygon can have: one for each separate piece with households, at least 1."""
    locked = len(np.unique(task.locked[task.locked >= 0]))
    free = np.flatnonzero(task.locked < 0)
    label = component_labels(_links(task, free)) if len(free) else np.empty(0, np.int32)
    weight = np.bincount(label, weights=task.weight[free])
    return max(1, locked + (len(weight) if locked else int((weight > 0).sum())))


def _range(weight: NDArray[np.float64], bounds: Bounds) -> tuple[int, int]:
    """Return the numbers of parts that leave only parts with a heavy cell outside the bounds; least > most: none."""
    total = float(weight.sum())
    heavy = weight[too_heavy(weight, bounds)]
    if len(heavy) == 0:
        return count_range(total, bounds)
    light = total - float(heavy.sum())
    least, most = count_range(light, bounds) if light > 0 else (0, 0)
    # What is too much for `most` parts can join a heavy cell's part.
    most = max(most, 0)
    return len(heavy) + min(least, most), len(heavy) + most


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
    answers: list[Attempt] = []
    done, least, proof_s = 0, None, 0.0
    until = None if time_limit_s is None else time.perf_counter() + time_limit_s
    for cells, count in zip(settled, counts, strict=True):
        limit = None if time_limit_s is None else max(1e-3, time_limit_s * len(cells) / n)
        report = None if progress is None else _shifted(progress, done, n)
        name = f"{task.seed}:{task.code}:{len(answers)}".encode()
        rng = np.random.default_rng([task.seed & 0xFFFFFFFF, zlib.crc32(name)])
        whole = len(settled) == 1 and not len(locks)
        found = _solve(task, cells, count, rng, limit, report, whole)
        if whole:
            began = time.perf_counter()
            found, least = _certified(task, found, until, time_limit_s)
            proof_s += time.perf_counter() - began
        part[cells] = found.piece.part + n_parts
        n_parts += found.piece.n_parts
        answers.append(found)
        done += len(cells)
    _join_empty_pieces(task, part, pieces)
    late = any(each.stopped_by == "time-limit" for each in answers)
    began = time.perf_counter()
    reasons = _reasons(task, answers, total, asked, usual_effort(until, time_limit_s).until)
    lower = _lower_bound(task, answers, n_parts, time_limit_s) if least is None else least
    proof_s += time.perf_counter() - began
    _, first, number = np.unique(part, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    stopped: StoppedBy = "time-limit" if late else "converged"
    return PolygonAnswer(rank[number].astype(np.int32), n_parts, tuple(reasons), lower, stopped, proof_s)


def _solve(
    task: PolygonTask, cells: NDArray[np.int64], count: int, rng: np.random.Generator, time_limit_s: float | None,
    progress: Callable[[str, int, int], None] | None, whole: bool,
) -> Attempt:  # fmt: skip
    """Solve one piece, with the number of parts that was asked for or those that fit."""
    graph, weight, asked = subgraph(task.graph, cells), task.weight[cells], task.n_grids is not None
    constraints = tuple(each.restrict(cells) for each in task.constraints)
    links = links_left(graph, posed(graph, weight, count, task.bounds, task.objective, constraints))
    if weight.sum() == 0:
        one = np.zeros(len(cells), np.int32)
        piece = Piece(links, weight, task.cell_ix[cells], 1, one, 1, late=False, whole=whole)
        return Attempt(piece, Settled("open", piece, ()), "converged")
    start = usable_start(None if task.start is None else task.start[cells], links)
    choices, last = [count], list[int]()
    if not asked:
        least, most = _range(weight, task.bounds)
        given = 0 if start is None else int(start.max()) + 1
        choices, last = counts_with_wishes(
            given if least <= given <= most else count, least, min(most, len(weight)),
            count_limits_of(constraints),
        )  # fmt: skip
    piece_task = PieceTask(
        graph, links, weight, task.cell_ix[cells], task.bounds, task.objective, constraints, start, task.effort,
        task.use_time, task.code, whole,
    )  # fmt: skip
    return solve_piece(
        piece_task, choices, rng, last=last, asked=asked, time_limit_s=time_limit_s, progress=progress
    )


def _lower_bound(
    task: PolygonTask, answers: list[Attempt], n_parts: int, time_limit_s: float | None
) -> float:
    """Return what no plan with so many parts can be more even than."""
    locks = np.unique(task.locked[task.locked >= 0])
    # A piece without weight is a part of its own only beside locks.
    shown = [each.piece for each in answers if len(locks) or each.piece.weight.sum() > 0]
    return deviation_lower_bound(
        [piece.weight for piece in shown], n_parts, graphs=[piece.graph for piece in shown],
        locked=[float(task.weight[task.locked == lock].sum()) for lock in locks], work=work_within(time_limit_s),
    )  # fmt: skip


def _certified(
    task: PolygonTask, found: Attempt, until: float | None, time_limit_s: float | None
) -> tuple[Attempt, float | None]:
    """Search to the end how even the only piece of a small polygon can be; take its plan where that comes first.

    The bound is None where it was not searched.
    """
    piece = found.piece
    if piece.graph.n_cells > _MOST_CELLS or piece.weight.sum() == 0:
        return found, None
    first = task.objective.balance_first
    proved = certify_deviation(
        piece.graph, piece.weight, piece.part, most_cells=_MOST_CELLS, solver=first,
        effort=Effort(_CERTIFY_S if first else _CERTIFY_LESS_S, until), bound_work=work_within(time_limit_s),
    )  # fmt: skip
    even = replace(piece, part=proved.part.astype(np.int32))
    outside = [float(violation(each.part_weight, task.bounds).sum()) for each in (piece, even)]
    if first and not task.constraints and (even.part != piece.part).any() and outside[1] <= outside[0]:
        # What makes parts even is careless of their borders.
        rng = np.random.default_rng(task.seed & 0xFFFFFFFF)
        even = replace(even, part=shortened(piece.graph, piece.weight, even.part, task.objective, rng))
        found = replace(found, piece=even)
    return found, proved.lower_bound


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


def _reasons(
    task: PolygonTask, answers: list[Attempt], total: float, asked: bool, until: float | None
) -> list[Infeasible]:
    """Collect the reasons of the polygon and of its pieces."""
    n_parts = sum(each.piece.n_parts for each in answers)
    n_locked = len(np.unique(task.locked[task.locked >= 0]))
    whole = (
        total_reason(task.code, total, n_parts, task.bounds, asked=asked, n_locked=n_locked)
        if answers
        else None
    )
    reasons = [] if whole is None else [whole]
    for each in answers:
        reasons += explain_piece(
            each.piece, task.code, task.bounds, heavy_names=task.heavy_names, alone=len(answers) == 1,
            asked=asked, total_explained=whole is not None, settled=each.settled, until=until,
        )  # fmt: skip
    return reasons
