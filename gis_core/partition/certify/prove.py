"""Questions about a small graph, the cheap search first and the optional solver (extra `exact`) after it.

Work is counted in steps and not in seconds, so that the answers are the same on every machine; a deadline, where the
user gave one, only makes it less.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.bounds import grain_of
from gis_core.partition.certify.exhaust import STEPS_A_SECOND, Exhausted, search_all
from gis_core.partition.exact import ExactTask, exact_available, find_within
from gis_core.partition.objective import Bounds

__all__ = ["MOST_VARIABLES", "Effort", "find_plan", "great_minimum", "small_maximum"]

#: The model of the optional solver has about so many variables for each cell and part; larger ones take too long.
MOST_VARIABLES = 1_000
#: Bounds that are looked at first, as multiples of the one that is too tight.
_RAISED = (1.02, 1.05, 1.1, 1.2, 1.4, 2.0)
_LOWERED = (0.98, 0.95, 0.9, 0.8, 0.6, 0.3, 0.0)
_MOST_HALVINGS = 12


@dataclass(slots=True)
class Effort:
    """Work that is left for proofs.

    Attributes
    ----------
    work_s : float
        Seconds of work, counted in steps.
    until : float or None
        Time (`time.perf_counter`) after which nothing is begun; None: none.
    """

    work_s: float
    until: float | None = None

    def at_most(self, wanted_s: float) -> float:
        """Return how many seconds of work one question may take."""
        left = math.inf if self.until is None else self.until - time.perf_counter()
        return max(0.0, min(wanted_s, self.work_s, left))

    def part(self, share: float) -> Effort:
        """Take a share of what is left."""
        given = Effort(share * self.work_s, self.until)
        self.work_s -= given.work_s
        return given


def find_plan(
    task: ExactTask, bounds: Bounds, effort: Effort, *, most_s: float = math.inf, solver: bool = True
) -> Exhausted:
    """Find a plan inside the bounds or prove that there is none.

    Parameters
    ----------
    task : ExactTask
    bounds : Bounds
    effort : Effort
        What is used is taken from it.
    most_s : float
        For this question.
    solver : bool
        Whether the optional solver is asked where the search is not done.
    """
    seconds = effort.at_most(most_s if not solver else min(most_s, 0.5 * effort.work_s))
    if seconds <= 0:
        return Exhausted("open")
    found = search_all(task, bounds, steps=int(seconds * STEPS_A_SECOND))
    effort.work_s -= found.steps / STEPS_A_SECOND
    seconds = effort.at_most(most_s) / 2
    large = task.graph.n_cells * task.n_parts > MOST_VARIABLES
    if found.status != "open" or not solver or large or seconds < 0.02 or not exact_available():
        return found
    # One of its own seconds takes about two.
    answer = find_within(task, bounds, work_s=seconds, until=effort.until)
    effort.work_s -= 2 * seconds
    if answer.part is not None:
        return Exhausted("plan", answer.part)
    return Exhausted("none" if answer.status == "none" else "open")


def small_maximum(task: ExactTask, bounds: Bounds, effort: Effort) -> tuple[float, NDArray[np.int32]] | None:
    """Find a maximum, as small as the work allows, with which a plan keeps the minimum; None: none was found.

    Returns
    -------
    (maximum, plan)
        The maximum is the greatest part weight of the plan. Bounds below it were ruled out or not settled.
    """
    total = float(task.weight.sum())
    wider = [bounds.maximum * factor for factor in _RAISED if bounds.maximum * factor < total]
    return _nearest(
        task, effort, [*wider, total], bounds.maximum, lambda high: Bounds(bounds.minimum, high), np.max
    )


def great_minimum(task: ExactTask, bounds: Bounds, effort: Effort) -> tuple[float, NDArray[np.int32]] | None:
    """Find a minimum, as great as the work allows, with which a plan keeps the maximum; None: none was found.

    Returns
    -------
    (minimum, plan)
        The minimum is the least part weight of the plan. Bounds above it were ruled out or not settled.
    """
    lower = [bounds.minimum * factor for factor in _LOWERED]
    return _nearest(task, effort, lower, bounds.minimum, lambda low: Bounds(low, bounds.maximum), np.min)


def _nearest(
    task: ExactTask,
    effort: Effort,
    tries: list[float],
    tight: float,
    bounds_at: Callable[[float], Bounds],
    reached: Callable[[NDArray[np.float64]], np.float64],
) -> tuple[float, NDArray[np.int32]] | None:
    """Go away from a bound that is too tight until there is a plan, and halve the distance from there."""
    best: tuple[float, NDArray[np.int32]] | None = None
    most_s = effort.work_s / 6
    for bound in tries:
        found = find_plan(task, bounds_at(bound), effort, most_s=most_s, solver=False)
        if found.part is not None:
            best = _reached(task, found.part, reached)
            break
        if found.status == "none":
            tight = bound
    grain = grain_of(task.weight) or 1e-6 * max(1.0, float(task.weight.sum()))
    for _ in range(_MOST_HALVINGS if best is not None else 0):
        assert best is not None
        if abs(best[0] - tight) <= grain * (1 + 1e-9):
            break
        bound = (best[0] + tight) / 2
        found = find_plan(task, bounds_at(bound), effort, most_s=most_s, solver=False)
        if found.part is not None:
            best = _reached(task, found.part, reached)
        else:
            tight = bound
    return best


def _reached(
    task: ExactTask, part: NDArray[np.int32], reached: Callable[[NDArray[np.float64]], np.float64]
) -> tuple[float, NDArray[np.int32]]:
    total = np.bincount(part, weights=task.weight, minlength=task.n_parts).astype(np.float64)
    return float(reached(total)), part
