"""One connected graph into a given number of parts: multilevel seed, annealing, re-splitting, repair."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import DisconnectedGraphError, ParameterError
from gis_core.graph.components import component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition._random import new_state
from gis_core.partition.coarsen import coarsen
from gis_core.partition.objective import Bounds, Objective, border_cost, violation
from gis_core.partition.refine import part_totals
from gis_core.partition.regroup import improve_groups, redraw_group
from gis_core.partition.state import Level, State

__all__ = ["Solution", "StoppedBy", "solve"]

StoppedBy = Literal["converged", "time-limit"]

#: Cells that the search for contiguity may visit in annealing before a move is given up.
_SEARCH_LIMIT = 2000
#: Proposals in one call of a kernel, so that clock and cancel are looked at some ten times a second.
_CHUNK = 300_000
#: Proposals for each cell and try when a group of parts is drawn anew.
_GROUP_EFFORT = 40


@dataclass(frozen=True, slots=True)
class Solution:
    """A partition of one connected graph.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
        Part of each cell, 0 to n_parts - 1; every part is connected and none is empty.
    stopped_by : {"converged", "time-limit"}
    cost : float
        Price of borders and weights under the objective, in metres.
    out_of_bounds : float
        Sum over the parts of the weight by which they are outside the bounds.
    tries : int
        Complete attempts and repairs that were made.
    """

    assignment: NDArray[np.int32]
    stopped_by: StoppedBy
    cost: float
    out_of_bounds: float
    tries: int


@dataclass
class _Clock:
    """The deadline, the progress callback, and how far the work is."""

    deadline: float
    progress: Callable[[str, int, int], None] | None
    n_cells: int
    work: float = 1.0
    done: float = 0.0
    late: bool = field(default=False)

    def tick(self, work: float) -> bool:
        """Count work done, report it, and tell whether there is time left."""
        self.done += work
        if self.progress is not None:
            self.progress("partition", int(self.n_cells * min(1.0, self.done / self.work)), self.n_cells)
        if time.perf_counter() >= self.deadline:
            self.late = True
        return not self.late


def _anneal(
    current: State, hot: float, cold: float, per_cell: float, rng: NDArray[np.uint64], clock: _Clock
) -> None:
    """Anneal with so many proposals for each cell, in chunks between which the clock is looked at."""
    wanted = int(per_cell * len(current.part)) + 200
    chunks = max(1, -(-wanted // _CHUNK))
    steps = np.zeros(chunks + 1) if hot <= 0 else hot * (cold / hot) ** np.linspace(0, 1, chunks + 1)
    for i in range(chunks):
        current.propose(float(steps[i]), float(steps[i + 1]), wanted // chunks, _SEARCH_LIMIT, rng)
        if not clock.tick(wanted / chunks):
            return


def _repair(
    state: State, bounds: Bounds, hot: float, rng: NDArray[np.uint64], clock: _Clock, rounds: int
) -> int:
    """Bring parts into the bounds by drawing growing neighbourhoods anew; return the number of attempts.

    A neighbourhood grows ring by ring along the graph of the parts until its total can be shared inside the
    bounds, so that weight travels as far as it must.
    """
    attempts = 0
    total = float(state.part_weight.sum())
    if not state.n_parts * bounds.minimum <= total <= state.n_parts * bounds.maximum:
        return attempts
    heavy = np.flatnonzero(state.level.weight > bounds.maximum)
    for round_ix in range(rounds):
        outside = violation(state.part_weight, bounds) > 0
        outside[state.part[heavy]] = False
        bad = np.flatnonzero(outside)
        if len(bad) == 0:
            return attempts
        for p in bad:
            if violation(state.part_weight[p : p + 1], bounds)[0] == 0:
                continue
            group = _neighborhood(state, int(p), bounds, extra=round_ix)
            if len(group) < 2:
                continue
            attempts += 1
            start = int(np.flatnonzero(state.part == p)[0])
            redraw_group(state, group, start, hot, 60, 4 + 2 * round_ix, rng)
            if not clock.tick(0):
                return attempts
    return attempts


def _neighborhood(state: State, p: int, bounds: Bounds, extra: int) -> NDArray[np.int32]:
    """Grow a group of parts around `p` until its total fits that many parts, then `extra` parts more."""
    neighbors = state.part_neighbors()
    group, total = [p], float(state.part_weight[p])
    frontier = {int(q) for q in neighbors[p]}
    heavy = total > bounds.maximum
    while frontier and len(group) < 12:
        if len(group) * bounds.minimum <= total <= len(group) * bounds.maximum and len(group) > 1:
            if extra == 0:
                break
            extra -= 1
        # The neighbour that has most to give or most room to take.
        best = min(frontier, key=lambda q: (state.part_weight[q] if heavy else -state.part_weight[q], q))
        group.append(best)
        total += float(state.part_weight[best])
        frontier = (frontier | {int(q) for q in neighbors[best]}) - set(group)
    return np.array(group, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much work a graph gets: complete starts, proposals for each cell, sweeps of re-splitting, repairs."""

    starts: int
    per_cell: float
    coarse_sweeps: int
    sweeps: int
    repairs: int

    @classmethod
    def for_cells(cls, n: int, share: float) -> _Effort:
        starts = 1 + (n < 6000 and share > 0.4) + 2 * (n < 1500) + 4 * (n < 300)
        return cls(
            starts,
            per_cell=250 * share,
            coarse_sweeps=1 + (share > 0.4),
            sweeps=max(1, round(8 * share)),
            repairs=8,
        )


def _rule(bounds: Bounds, mean: float, usual_border: float, objective: Objective) -> NDArray[np.float64]:
    price = max(usual_border, 1e-6)
    return np.array(
        [bounds.minimum, bounds.maximum, mean, objective.deviation_factor * price, 200.0 * price],
        dtype=np.float64,
    )


def _median_cost(cost: NDArray[np.float64]) -> float:
    positive = cost[cost > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def _one_start(
    finest: Level, n_parts: int, mean: float, bounds: Bounds, objective: Objective, effort: _Effort,
    state: NDArray[np.uint64], clock: _Clock,
) -> tuple[State, int]:  # fmt: skip
    """Seed on the coarsest graph, refine from level to level, re-split, repair."""
    n = len(finest.weight)
    levels = coarsen(finest, n_wanted=max(24 * n_parts, 60), heaviest=mean / 5, state=state)
    coarsest = levels[-1]
    # The price of imbalance is tied to the border of a usual part, which is known after a first seed.
    usual = float(finest.cost.sum()) / max(1.0, n / n_parts) ** 0.5 / n_parts
    rule = _rule(bounds, mean, usual, objective)
    seed_tries = int(np.clip(40_000 // max(1, len(coarsest.weight)), 3, 20))
    part = coarsest.tree_cuts(n_parts, rule, seed_tries, state)
    current = State(coarsest, part, n_parts, rule)
    usual = 2 * (current.cost() - current.penalties()) / n_parts
    rule = _rule(bounds, mean, usual, objective)
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        if level.cluster is not None:
            part = current.part[level.cluster]
        current = State(level, part, n_parts, rule)
        warm = _median_cost(level.cost)
        if clock.late:
            continue
        _anneal(current, 3.0 * warm, 0.3 * warm, effort.per_cell * (2 if depth else 1), state, clock)
        for _sweep in range(effort.coarse_sweeps if depth else 0):
            _sweep_groups(current, warm, state, clock)
    tries = 1
    if not clock.late:
        tries += _polish(current, bounds, warm, effort, state, clock)
    return current, tries


def _sweep_groups(current: State, warm: float, state: NDArray[np.uint64], clock: _Clock) -> float:
    """Draw three groups of parts anew for every part; return by how much the cost fell."""
    left, gain = 3 * current.n_parts, 0.0
    while left > 0 and not clock.late:
        batch = min(left, 24)
        gain += improve_groups(current, 2.0 * warm, _GROUP_EFFORT, batch, state)
        left -= batch
        clock.tick(batch * _GROUP_EFFORT * 4.7 * len(current.part) / current.n_parts)
    return gain


def _polish(
    current: State, bounds: Bounds, warm: float, effort: _Effort, state: NDArray[np.uint64], clock: _Clock
) -> int:
    """Re-split groups of parts in sweeps until little is gained, then repair what is out of bounds."""
    cost = current.cost()
    for _sweep in range(effort.sweeps):
        gain = _sweep_groups(current, warm, state, clock)
        if clock.late:
            return 0
        if gain < 0.002 * cost:
            break
        cost -= gain
    tries = _repair(current, bounds, 2.0 * warm, state, clock, effort.repairs)
    if not clock.late:
        _anneal(current, 0.0, 0.0, 20, state, clock)
    return tries


def solve(
    graph: AdjacencyGraph,
    weight: NDArray[np.floating] | NDArray[np.integer],
    *,
    n_parts: int,
    bounds: Bounds,
    objective: Objective | None = None,
    rng: int | np.random.Generator | None = None,
    time_limit_s: float | None = None,
    effort: float = 1.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Solution:
    """Cut one connected graph into connected parts, inside the bounds where the search finds how.

    Parts are never empty and always connected. Among what is found, least violation of the bounds comes
    first, then the price of borders and of deviation from the mean.

    Parameters
    ----------
    graph : AdjacencyGraph
        In one piece.
    weight : shape (n_cells,)
        What is balanced, 0 or more.
    n_parts : int
        1 to n_cells.
    bounds : Bounds
    objective : Objective
        None: the default prices.
    rng : int, Generator or None
        None: a different partition every time.
    time_limit_s : float
        Wall-clock seconds after which the best partition so far is returned; None: until the search has
        converged.
    effort : float
        Share of the usual work, above 0.
    progress : callable
        Called with ("partition", cells done, cells) several times a second; what it raises stops the search.

    Returns
    -------
    Solution

    Raises
    ------
    ParameterError
        Where the number of parts, the weights or the time limit cannot be used.
    DisconnectedGraphError
        Where the graph is in several pieces.

    Notes
    -----
    Deterministic for a given graph, weight and `rng`, unless the time limit stops it.
    """
    n = graph.n_cells
    load = np.ascontiguousarray(weight, dtype=np.float64)
    _require_usable(graph, load, n_parts, time_limit_s)
    generator = np.random.default_rng(rng)
    objective = objective or Objective()
    finest = Level(graph.indptr, graph.indices, border_cost(graph, objective), load)
    if n_parts in {1, n}:
        part = np.zeros(n, np.int32) if n_parts == 1 else np.arange(n, dtype=np.int32)
        total = float(violation(part_totals(part, load, n_parts), bounds).sum())
        return Solution(part, "converged", 0.0, total, 1)
    work = _Effort.for_cells(n, effort)
    deadline = np.inf if time_limit_s is None else time.perf_counter() + time_limit_s
    clock = _Clock(deadline, progress, n)
    clock.work = work.starts * n * (work.per_cell * 3 + (work.sweeps + 2) * 3 * _GROUP_EFFORT * 4.7)
    mean = _fair_weight(load, n_parts, bounds)
    best: tuple[float, float, NDArray[np.int32]] | None = None
    tries, start = 0, 0
    first_rule: NDArray[np.float64] | None = None
    unavoidable = _unavoidable(load, n_parts, bounds)
    while start < work.starts or (best is not None and best[0] > unavoidable and start < work.starts + 6):
        current, made = _one_start(
            finest, n_parts, mean, bounds, objective, work, new_state(generator), clock
        )
        tries += made
        start += 1
        if first_rule is None:
            first_rule = current.rule
        # All starts are compared at the prices of the first one.
        current.rule = first_rule
        found = (float(violation(current.part_weight, bounds).sum()), current.cost(), current.part)
        if best is None or found[:2] < best[:2]:
            best = found
        if clock.late:
            break
    assert best is not None
    return Solution(best[2], "time-limit" if clock.late else "converged", best[1], best[0], tries)


def _unavoidable(weight: NDArray[np.float64], n_parts: int, bounds: Bounds) -> float:
    """Return a true lower bound on the weight outside the bounds: by the total, and by cells above the maximum."""
    total = float(weight.sum())
    by_total = max(0.0, total - n_parts * bounds.maximum, n_parts * bounds.minimum - total)
    by_cells = float(np.maximum(0.0, weight - bounds.maximum).sum())
    return max(by_total, by_cells) * (1 + 1e-12)


def _fair_weight(weight: NDArray[np.float64], n_parts: int, bounds: Bounds) -> float:
    """Return the mean of the parts that have no cell above the maximum; above 0."""
    heavy = weight > bounds.maximum
    total, count = float(weight[~heavy].sum()), n_parts - int(heavy.sum())
    if count < 1 or total <= 0:
        total, count = float(weight.sum()), n_parts
    return total / count or 1.0


def _require_usable(
    graph: AdjacencyGraph, weight: NDArray[np.float64], n_parts: int, time_limit_s: float | None
) -> None:
    """Raise where the parameters of `solve` cannot be used."""
    n = graph.n_cells
    if len(weight) != n:
        raise ParameterError(f"There are {len(weight)} weights for {n} cells; give one weight a cell.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ParameterError("A weight is negative or not a number; give 0 or more for every cell.")
    if not 1 <= n_parts <= n:
        raise ParameterError(f"{n_parts} parts cannot be made of {n} cells; ask for 1 to {n}.")
    if time_limit_s is not None and not time_limit_s > 0:
        raise ParameterError(f"The time limit {time_limit_s:g} s cannot be used; give more than 0.")
    if component_labels(graph).max() > 0:
        raise DisconnectedGraphError("The graph is in several pieces; solve each piece on its own.")
