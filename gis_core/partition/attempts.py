"""One piece of a boundary polygon: numbers of parts tried in turn, and proofs where the search fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import part_component_labels
from gis_core.graph.links import change_adjacencies
from gis_core.model import AdjacencyGraph
from gis_core.partition.certify import (
    Demand,
    Effort,
    Piece,
    Settled,
    blamed_demands,
    settle_piece,
    usual_effort,
    wish_proofs,
)
from gis_core.partition.demands import demands_of
from gis_core.partition.objective import Bounds, Objective, border_cost, violation
from gis_core.partition.problem import Constraint, Problem
from gis_core.partition.solve import Solution, StoppedBy, solve

__all__ = ["Attempt", "PieceTask", "links_left", "posed", "solve_piece", "usable_start"]

_Progress = Callable[[str, int, int], None]
#: Share of the usual work that a plan of the search to the end is improved with.
_POLISH = 0.5


@dataclass(frozen=True, slots=True)
class PieceTask:
    """One piece: connected through the links that its constraints leave.

    Attributes
    ----------
    graph, links : AdjacencyGraph
        All adjacencies, and those through which a part may hang together.
    weight : float64, shape (n_cells,)
    cell_ix : int64, shape (n_cells,)
        Position of each cell in the numbering of the caller.
    bounds, objective
    constraints : tuple of Constraint
        In the numbering of the piece.
    start : int32, shape (n_cells,) or None
        Parts to begin from.
    effort : float
    use_time : bool
    code : str
        Of the boundary polygon, for reasons.
    whole : bool
        Whether the piece is the whole boundary polygon.
    """

    graph: AdjacencyGraph
    links: AdjacencyGraph
    weight: NDArray[np.float64]
    cell_ix: NDArray[np.int64]
    bounds: Bounds
    objective: Objective
    constraints: tuple[Constraint, ...]
    start: NDArray[np.int32] | None
    effort: float
    use_time: bool
    code: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a piece was cut.

    Attributes
    ----------
    piece : Piece
        Its graph has only the links.
    settled : Settled
        What the search to the end said where it was asked; else `open`.
    stopped_by : {"converged", "time-limit"}
    """

    piece: Piece
    settled: Settled
    stopped_by: StoppedBy


def posed(
    graph: AdjacencyGraph, weight: NDArray[np.float64], n_parts: int, bounds: Bounds, objective: Objective,
    constraints: Sequence[Constraint],
) -> Problem:  # fmt: skip
    """Return the problem after all constraints."""
    problem = Problem(
        graph, weight, n_parts=n_parts, bounds=(bounds.minimum, bounds.maximum), price=border_cost(graph, objective)
    )  # fmt: skip
    for constraint in constraints:
        constraint.apply(problem)
    return problem


def links_left(graph: AdjacencyGraph, problem: Problem) -> AdjacencyGraph:
    """Return the graph with only the adjacencies through which a part may hang together."""
    return graph if problem.link.all() else change_adjacencies(graph, keep=problem.link)


def usable_start(start: NDArray[np.integer] | None, links: AdjacencyGraph) -> NDArray[np.int32] | None:
    """Return a start numbered from 0 where each of its parts is in one piece and no cell is left out; else None."""
    if start is None or len(start) == 0 or (start < 0).any():
        return None
    part = np.unique(start, return_inverse=True)[1].astype(np.int32)
    in_one_piece = int(part_component_labels(links, part).max()) == int(part.max())
    return part if in_one_piece else None


def solve_piece(
    task: PieceTask,
    counts: Sequence[int],
    rng: np.random.Generator,
    *,
    asked: bool,
    time_limit_s: float | None,
    progress: _Progress | None,
    last: Sequence[int] = (),
) -> Attempt:
    """Try the numbers of parts in turn until one gives a plan inside the bounds, heavy cells aside, with all wishes.

    Where none does, or a wish is not met, and the piece is small, it is searched to the end: a plan is found, which the
    search then improves, or it is proved that there is none.

    Parameters
    ----------
    task : PieceTask
    counts : sequence of int
        At least one.
    rng : Generator
    asked : bool
        Whether the number of parts is given.
    time_limit_s : float
        For all numbers together; None: none.
    progress : callable
    last : sequence of int
        Numbers with which wishes cannot be met; tried only where the others give no plan inside the bounds.

    Returns
    -------
    Attempt
    """
    until = None if time_limit_s is None else time.perf_counter() + time_limit_s
    demands = demands_of(task.constraints)
    best: tuple[tuple[float, float, int], Solution, int] | None = None
    tries = 0
    for count in (*counts, *last):
        if (
            best is not None
            and best[0][:2] == (0.0, 0.0)
            and (count in last or _in_vain(task, best[1], demands))
        ):
            break
        found = _search(task, count, task.start, rng, until, task.effort, progress)
        tries += found.tries
        unmet = sum(not each.kept(found.assignment) for each in demands)
        rank = (*_outside(task, found.assignment, count), unmet)
        if best is None or rank < best[0]:
            best = (rank, found, count)
        if rank == (0.0, 0.0, 0) or found.stopped_by == "time-limit":
            break
    assert best is not None
    rank, found, count = best
    piece = _piece(task, found, tries)
    if rank[0] == 0 and rank[2] == 0:
        return Attempt(piece, Settled("open", piece, ()), found.stopped_by)
    effort = usual_effort(until, time_limit_s)
    return _settled(task, piece, demands, rng, asked, until, effort, progress)


def _piece(task: PieceTask, found: Solution, tries: int) -> Piece:
    """Return the piece with one of its plans."""
    count, late = int(found.assignment.max()) + 1, found.stopped_by == "time-limit"
    return Piece(task.links, task.weight, task.cell_ix, count, found.assignment, tries, late, task.whole)


def _in_vain(task: PieceTask, found: Solution, demands: Sequence[Demand]) -> bool:
    """Tell whether no number of parts is known to help: some wish is proved to be impossible."""
    return bool(wish_proofs(_piece(task, found, found.tries), task.code, task.bounds, demands, asked=False))


def _search(
    task: PieceTask, count: int, start: NDArray[np.int32] | None, rng: np.random.Generator,
    until: float | None, effort: float, progress: _Progress | None,
) -> Solution:  # fmt: skip
    """Search for a plan with so many parts in the time that is left."""
    if start is not None and int(start.max()) + 1 != count:
        start = None
    limit = None if until is None else max(1e-3, until - time.perf_counter())
    return solve(
        task.graph, task.weight, n_parts=count, bounds=task.bounds, objective=task.objective,
        constraints=task.constraints, start=start, rng=rng, time_limit_s=limit, use_time=task.use_time,
        effort=effort, progress=progress,
    )  # fmt: skip


def _outside(task: PieceTask, part: NDArray[np.int32], count: int) -> tuple[float, float]:
    """Return by how much parts without a heavy cell are outside the bounds, and then by how many means of others."""
    total = np.bincount(part, weights=task.weight, minlength=count).astype(np.float64)
    outside = violation(total, task.bounds)
    outside[part[task.weight > task.bounds.maximum]] = 0
    if not task.constraints:
        return float(outside.sum()), 0.0
    problem = posed(task.graph, task.weight, count, task.bounds, task.objective, task.constraints)
    further = 0.0
    for i in range(1, problem.weights.shape[1]):
        sums = np.bincount(part, weights=problem.weights[:, i], minlength=count)
        mean = max(float(sums.mean()), 1e-300)
        out = np.maximum(np.maximum(problem.minimum[i] - sums, sums - problem.maximum[i]), 0.0)
        further += float(out[out > 1e-9 * mean].sum()) / mean
    return float(outside.sum()), further


def _settled(
    task: PieceTask, piece: Piece, demands: tuple[Demand, ...], rng: np.random.Generator, asked: bool,
    until: float | None, effort: Effort, progress: _Progress | None,
) -> Attempt:  # fmt: skip
    """Search to the end for a plan that the search missed, or say why there is none; a plan is improved."""
    stopped: StoppedBy = "time-limit" if piece.late else "converged"
    fits = bool((violation(piece.part_weight, task.bounds) == 0).all())
    reasons = tuple(wish_proofs(piece, task.code, task.bounds, demands, asked=asked)) if demands else ()
    if demands and not reasons:
        met = settle_piece(piece, task.bounds, asked=asked, demands=demands, effort=effort.part(0.5))
        if met.status == "plan":
            return _improved(task, met, demands, rng, until, progress)
        if met.status == "none" and met.counts and (fits or _possible(piece, task, asked, effort)):
            reasons = (blamed_demands(met, task.code, task.bounds, demands, effort.part(0.7), asked=asked),)
    if fits:
        return Attempt(piece, Settled("open", piece, (), reasons), stopped)
    settled = settle_piece(piece, task.bounds, asked=asked, effort=effort)
    if settled.status != "plan":
        return Attempt(piece, replace(settled, reasons=reasons), stopped)
    return _improved(task, replace(settled, reasons=reasons), (), rng, until, progress)


def _possible(piece: Piece, task: PieceTask, asked: bool, effort: Effort) -> bool:
    """Tell whether there is a plan inside the bounds when nothing else is asked."""
    return settle_piece(piece, task.bounds, asked=asked, effort=effort.part(0.3)).status == "plan"


def _improved(
    task: PieceTask, settled: Settled, demands: tuple[Demand, ...], rng: np.random.Generator,
    until: float | None, progress: _Progress | None,
) -> Attempt:  # fmt: skip
    """Improve a plan by the search, and keep that where it still meets what the plan did."""
    plan = settled.piece
    better = _search(task, plan.n_parts, plan.part, rng, until, _POLISH * task.effort, progress)
    kept = _outside(task, better.assignment, plan.n_parts)[0] == 0
    if kept and all(each.kept(better.assignment) for each in demands):
        plan = replace(plan, part=better.assignment)
    return Attempt(plan, settled, better.stopped_by)
