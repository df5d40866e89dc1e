"""How good a plan is at best: the deviation that was reached beside the one that nobody can go below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition.bounds import grain_of, ladder
from gis_core.partition.certify.exhaust import Exhausted
from gis_core.partition.certify.prove import MOST_VARIABLES, Effort, find_plan
from gis_core.partition.certify.refit import refit
from gis_core.partition.certify.words import number
from gis_core.partition.exact import ExactTask, cheap_bound, least_deviation
from gis_core.partition.objective import Bounds
from gis_core.partition.pockets import Work

__all__ = ["Certificate", "certify_deviation"]

_TINY = 1e-9
#: Seconds of work, counted in steps.
_WORK_S = 5.0
#: Shares of the work in which the plan is brought to the least distance that is not ruled out, and to another one.
_REFIT, _REFIT_FURTHER = 0.6, 0.2
#: Distances that may stay open before the search for a better plan ends.
_MOST_UNSETTLED = 4


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is proved about the greatest deviation of a plan.

    Attributes
    ----------
    deviation : float
        Greatest |part / mean - 1| of the plan.
    lower_bound : float
        No plan with that number of parts (and those locked) has less.
    proved_optimal : bool
        Whether the two are the same.
    part : int, shape (n_cells,)
        The plan; a better one than was given where the exact solver found one.
    words : str
        The same in one sentence.
    """

    deviation: float
    lower_bound: float
    proved_optimal: bool
    part: NDArray[np.integer]
    words: str


def certify_deviation(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    part: NDArray[np.integer],
    *,
    locked: NDArray[np.integer] | None = None,
    most_cells: int = 0,
    effort: Effort | None = None,
    solver: bool = True,
    bound_work: Work | None = None,
) -> Certificate:
    """Compare the deviation of a plan with the least there can be.

    Parameters
    ----------
    graph : AdjacencyGraph
        With only the adjacencies that hold a part together; where it is in pieces, no part has cells of two.
    weight : float64, shape (n_cells,)
    part : int, shape (n_cells,)
        0 to n_parts - 1.
    locked : int, shape (n_cells,)
        Cells with one number of 0 or more are a part that is given; -1: free. None: all free.
    most_cells : int
        Graphs with no more cells are searched to the end where the cheap bound leaves a gap; 0: none.
    effort : Effort
        Work for that; None: 5 seconds, counted in steps.
    solver : bool
        Whether the optional solver (extra `exact`) is asked too, where the search is not done.
    bound_work : Work
        For the cheap bound; see `deviation_lower_bound`.

    Returns
    -------
    Certificate
    """
    weight = np.asarray(weight, dtype=np.float64)
    n_parts = int(part.max()) + 1
    task = ExactTask(graph, weight, n_parts, locked=locked)
    total = np.bincount(part, weights=weight, minlength=n_parts).astype(np.float64)
    mean = float(total.mean())
    reached = float(np.abs(total - mean).max() / mean) if mean > 0 else 0.0
    lower = cheap_bound(task, skip_empty=True, work=bound_work) if mean > 0 else 0.0
    if lower < reached - _TINY and graph.n_cells <= most_cells:
        lower, part = _searched(task, part, lower, reached, effort or Effort(_WORK_S), solver)
        total = np.bincount(part, weights=weight, minlength=n_parts).astype(np.float64)
        reached = float(np.abs(total - mean).max() / mean)
    proved = reached <= lower + _TINY
    return Certificate(reached, min(lower, reached), proved, part, _words(total, reached, lower, proved))


def _searched(
    task: ExactTask, part: NDArray[np.integer], lower: float, reached: float, effort: Effort, solver: bool
) -> tuple[float, NDArray[np.integer]]:
    """Raise the bound and improve the plan until they meet or the work is done; return both.

    One distance from the mean after the other is asked for: the least that is not ruled out, then in steps that
    double until there is a plan, then in between. Few ways to put cells together come near the mean, so that the
    sharpest questions take the least time.
    """
    total = float(task.weight.sum())
    mean, grain, tiny = total / task.n_parts, grain_of(task.weight), 4 * _TINY * total
    low, high = ladder(mean, grain, lower * mean), reached * mean
    at, width, met, unsettled = low, max(grain / task.n_parts, (high - low) / 64), False, 0
    whole = bool((task.lock_labels() < 0).all()) and int(component_labels(task.graph).max()) == 0
    most_s = effort.work_s / 6
    while low < high - tiny and effort.at_most(most_s) > 0:
        bounds = Bounds(max(0.0, mean - at), mean + at)
        share = effort.part(_REFIT if at == low else _REFIT_FURTHER)
        near = refit(task.graph, task.weight, part, bounds, share) if whole else None
        effort.work_s += share.work_s
        if near is not None:
            found = Exhausted("plan", near)
        else:
            found = find_plan(task, bounds, effort, most_s=most_s, solver=False)
        if found.status == "open":
            # Farther from the mean there may be a better plan all the same.
            unsettled += 1
            at = ladder(mean, grain, (at + high) / 2)
            if unsettled > _MOST_UNSETTLED or at >= high - tiny:
                break
            continue
        if found.part is not None:
            part, met = found.part, True
            high = float(np.abs(np.bincount(part, weights=task.weight, minlength=task.n_parts) - mean).max())
        else:
            low = min(high, ladder(mean, grain, at + tiny))
        if unsettled and found.part is None:
            break
        at = ladder(mean, grain, (low + high) / 2 if met else min(low + width, (low + high) / 2))
        at = at if at < high - tiny else low
        width *= 2
    large = task.graph.n_cells * task.n_parts > MOST_VARIABLES
    if low < high - tiny and solver and not large and effort.at_most(effort.work_s) > 0:
        left = effort.at_most(effort.work_s) / 4
        answer = least_deviation(task, start=part, work_s=left, until=effort.until, lower=low / mean)
        return max(low / mean, answer.bound), part if answer.part is None else answer.part
    # Closer than the tolerance of sums: the plan is the best.
    return (high if low >= high - tiny else low) / mean, part


def _words(total: NDArray[np.float64], reached: float, lower: float, proved: bool) -> str:
    low, high = float(total.min()), float(total.max())
    parts = (
        f"Every part has {number(low)}"
        if low == high
        else f"The parts have {number(low)} to {number(high)}, {100 * reached:.2f} % from the mean at most"
    )
    if proved:
        return f"{parts}; no plan with {len(total):,} parts is more even, which is proved."
    return f"{parts}; no plan with {len(total):,} parts can come below {100 * lower:.2f} %, which is proved."
