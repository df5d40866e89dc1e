"""One connected graph into a given number of parts: the public `solve`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import DisconnectedGraphError, ParameterError
from gis_core.graph.components import component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition._random import new_state
from gis_core.partition.balance import balanced, even_out, greatest_deviation, into_bounds
from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.narrowing import is_coarse, narrowed
from gis_core.partition.objective import Bounds, Objective, border_cost, violation
from gis_core.partition.problem import Constraint, Problem
from gis_core.partition.refine import part_totals
from gis_core.partition.regroup import regroup
from gis_core.partition.search import Clock, Plan, Search, first_rules
from gis_core.partition.tiles import Tiling, tiled

__all__ = ["Solution", "StoppedBy", "shortened", "solve"]

StoppedBy = Literal["converged", "time-limit"]

#: What one core does; only very short time limits look at it.
_PROPOSALS_A_SECOND = 4e6
#: Share of the time limit that is left to what constraints do after the search.
_LAST_SHARE = 0.1
#: The least that a plan takes, however small; what a tree takes for each cell of the coarsest graph and each time that
#: the parts are halved; and the share of the time that trees may have.
_SECONDS_A_PLAN, _SECONDS_A_TREE, _SHARE_OF_TREES = 1.5e-3, 0.6e-6, 0.2
#: Trees for each cut: the usual number, and the most in a hurry.
_TREES, _HURRIED_TREES = 20, 4
#: Proposals for each cell from which two plans with a child are better than one, and the usual number of plans, for
#: each proposal that a usual plan makes.
_WORTH_TWO, _USUAL_WORTH = 30.0, 13.0
#: Proposals that a plan makes for each one of a cell on the finest level: in a hurry, and with its share of children.
_HURRIED_PLAN, _PLAN_AND_CHILD = 8.0, 13.0
#: How many times as long as a start a plan takes with its share of the children.
_STARTS_A_PLAN = 2.0
#: Share of a long time limit in which plans are made from nothing, and the most of them before it is begun anew.
_SHARE_OF_PLANS, _MOST_PLANS = 0.45, 64
#: Proposals for each cell of a group that is drawn anew in a hurry.
_HURRIED_GROUP = 3.0
#: Graphs of fewer cells are small.
_SMALL = 1500
#: Numbers of parts in a group once a plan is good.
_LARGE_GROUPS = (4, 6, 8)
#: Times that all pairs of parts are visited to shorten the borders of a plan that is as even as can be.
_LAST_SWEEPS = 10
#: Groups that are drawn anew for evenness; each takes several times as long as one for the border.
_MOST_EVEN_GROUPS = 1000


@dataclass(frozen=True, slots=True)
class Solution:
    """A partition of one connected graph.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
        Part of each cell, 0 to n_parts - 1; every part is connected and none is empty.
    stopped_by : {"converged", "time-limit"}
    cost : float
        Price of borders and of deviation under the objective, in metres.
    out_of_bounds : float
        Sum over the parts of the weight by which they are outside the bounds.
    tries : int
        Complete attempts that were made.
    """

    assignment: NDArray[np.int32]
    stopped_by: StoppedBy
    cost: float
    out_of_bounds: float
    tries: int


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much work a graph gets: plans at first, proposals for each cell, groups for each part, repairs."""

    plans: int
    per_cell: float
    groups: float
    per_group: float
    share: float

    @classmethod
    def for_cells(cls, n: int, n_parts: int, share: float) -> _Effort:
        # Parts of many cells cost more to draw anew, and a plan of few parts gains more from that than from others.
        few = min(1.0, 200 * n_parts / n) ** 0.4
        plans = max(4, round(6 * few)) if n < 12_000 else min(max(3, n_parts // 7), 4 if n < 40_000 else 2)
        # Small graphs cost next to nothing.
        plans = 10 if n < _SMALL else plans
        return cls(
            plans=max(2, round(plans * min(1.0, share))),
            per_cell=max(4.0, share * min(8.0, max(4.0, 8.4 * (200 * n_parts / n) ** 0.5))),
            groups=share * 5.5 * few,
            per_group=8.0,
            share=share,
        )


def solve(
    graph: AdjacencyGraph,
    weight: NDArray[np.floating] | NDArray[np.integer],
    *,
    n_parts: int,
    bounds: Bounds,
    objective: Objective | None = None,
    constraints: Sequence[Constraint] = (),
    start: NDArray[np.integer] | None = None,
    rng: int | np.random.Generator | None = None,
    time_limit_s: float | None = None,
    use_time: bool = False,
    effort: float = 1.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Solution:
    """Cut one connected graph into connected parts, inside the bounds where the search finds how.

    Parts are never empty and always connected. Among what is found, least violation of the bounds comes
    first, then the price of borders and of deviation from the mean.

    Parameters
    ----------
    graph : AdjacencyGraph
        In one piece; also in one piece through the links that the constraints leave.
    weight : shape (n_cells,)
        What is balanced, 0 or more.
    n_parts : int
        1 to n_cells.
    bounds : Bounds
    objective : Objective
        None: the default prices.
    constraints : sequence of Constraint
        What else is asked (see `constraints`).
    start : int, shape (n_cells,)
        A partition into connected parts to begin from, 0 to n_parts - 1; None: from nothing.
    rng : int, Generator or None
        None: a different partition every time.
    time_limit_s : float
        Wall-clock seconds after which the best partition so far is returned; None: until the search has
        converged.
    use_time : bool
        Whether all of the time limit is used to find a better partition.
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
        Where the number of parts, the weights, the start or the time limit cannot be used.
    DisconnectedGraphError
        Where the graph is in several pieces.

    Notes
    -----
    Deterministic for a given graph, weight and `rng`, unless the time limit stops it.
    """
    deadline = np.inf if time_limit_s is None else time.perf_counter() + time_limit_s
    n = graph.n_cells
    load = np.ascontiguousarray(weight, dtype=np.float64)
    _require_usable(graph, load, n_parts, time_limit_s)
    generator = np.random.default_rng(rng)
    objective = objective or Objective()
    problem = Problem(
        graph,
        load,
        n_parts=n_parts,
        bounds=(bounds.minimum, bounds.maximum),
        price=border_cost(graph, objective),
    )
    for constraint in constraints:
        constraint.apply(problem)
    if n_parts in {1, n}:
        part = np.zeros(n, np.int32) if n_parts == 1 else np.arange(n, dtype=np.int32)
        total = float(violation(part_totals(part, load, n_parts), bounds).sum())
        return Solution(part, "converged", 0.0, total, 1)
    level = problem.level()
    if not problem.link.all():
        _require_one_piece(level.indptr, level.indices)
    posts = [post for each in constraints if (post := getattr(each, "post", None)) is not None]
    reserved = _LAST_SHARE * time_limit_s if posts and time_limit_s is not None else 0.0
    clock = Clock(deadline - reserved, progress, n)
    mean = problem.weights.sum(axis=0) / n_parts
    mean[0] = _fair_weight(load, n_parts, bounds)
    rules = first_rules(level, n_parts, problem.minimum, problem.maximum, mean, objective.deviation_factor)
    search = Search(level, n_parts, rules, new_state(generator), clock)
    work = _Effort.for_cells(n, n_parts, effort)
    clock.work = n * (work.plans * work.per_cell * 9 + work.groups * work.per_group * 13)
    first = None if start is None else search.plan(_usable_start(start, n, n_parts))
    if objective.balance_first:
        best, tries = _find_even(search, work, generator, use_time=use_time and time_limit_s is not None)
    else:
        best, tries = _find(search, work, generator, first, use_time=use_time and time_limit_s is not None)
    part, late = best.part, clock.late
    clock.deadline, clock.late = deadline, False
    for post in posts:
        part = np.ascontiguousarray(post(problem, part, generator, search), dtype=np.int32)
    outside = float(violation(part_totals(part, load, n_parts), bounds).sum())
    cost = search.plan(part).score[1]
    return Solution(part, "time-limit" if late or clock.late else "converged", cost, outside, tries)


def shortened(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    part: NDArray[np.int32],
    objective: Objective,
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Shorten the borders of a plan by exchanges that leave its greatest deviation no greater.

    Parameters
    ----------
    graph : AdjacencyGraph
    weight : float64, shape (n_cells,)
    part : int32, shape (n_cells,)
        0 to n_parts - 1, each connected.
    objective : Objective
        Prices of the borders.
    rng : Generator

    Returns
    -------
    int32, shape (n_cells,)
    """
    n_parts = int(part.max()) + 1
    total = part_totals(part, weight, n_parts)
    mean = float(total.mean())
    off = greatest_deviation(total, mean)
    problem = Problem(
        graph, weight, n_parts=n_parts, bounds=(mean - off, mean + off), price=border_cost(graph, objective)
    )
    level = problem.level()
    rules = first_rules(level, n_parts, problem.minimum, problem.maximum, np.array([mean]), 0.0)
    search = Search(level, n_parts, rules, new_state(rng), Clock(np.inf, None, graph.n_cells))
    return even_out(search, search.plan(part), mean, off, rng, trees=1, sweeps=_LAST_SWEEPS).part


def _find(
    search: Search, work: _Effort, rng: np.random.Generator, first: Plan | None, *, use_time: bool
) -> tuple[Plan, int]:
    """Evolve plans, regroup the best one, try again while it is out of bounds or while time is to be used."""
    tiling = Tiling.for_search(search, work.share) if first is None else None
    plan = None if tiling is None else tiled(search, tiling, rng, use_time=use_time)
    if plan is not None:
        return plan, 1
    n_groups = max(4, int(work.groups * search.n_parts))
    unavoidable = _unavoidable(search)
    rounds, plans, begun = _rounds(search, work, first) if use_time else (1, work.plans, [])
    if plans > work.plans:
        return _use_all(search, work, rounds, plans, first, begun, rng), rounds * plans
    if first is None:
        plans, per_cell, most_trees = _affordable(search, work)
        best = search.evolve(plans, per_cell, rng, most_trees=most_trees, begun=begun)
        if best.score[0] > unavoidable:
            best = into_bounds(search, best)
        if per_cell < work.per_cell and best.score[0] > unavoidable:
            best = regroup(
                search, best, n_groups, _HURRIED_GROUP, rng, bold=False, sizes=(3, 4), until=unavoidable
            )
    else:
        best = first
    best = regroup(search, best, n_groups, work.per_group, rng, spend=use_time)
    rounds = 1
    while not search.clock.late and best.score[0] > unavoidable and rounds < 3:
        rounds += 1
        best = _another_round(search, work, n_groups, best, rng)
    # Moves that pay may pay with weight outside the bounds.
    still = search.plan(search.quench(best.part.copy(), 2 if search.clock.late else 10))
    return min(still, best, key=lambda one: one.score), rounds * work.plans


def _once(search: Search, work: _Effort, rng: np.random.Generator, first: Plan | None) -> Plan:
    """Evolve plans, unless there is one to begin with, and regroup the best one."""
    plan = into_bounds(search, search.evolve(work.plans, work.per_cell, rng)) if first is None else first
    plan = regroup(search, plan, max(4, int(work.groups * search.n_parts)), work.per_group, rng)
    return min(plan, search.plan(search.quench(plan.part.copy(), 10)), key=lambda one: one.score)


def _rounds(search: Search, work: _Effort, first: Plan | None) -> tuple[int, int, list[Plan]]:
    """Return how often the time that is left allows to begin anew, how many plans to begin with, and the first of them.

    How long plans take is tried out where the time may be enough for more than usual.
    """
    began = time.perf_counter()
    left = search.clock.deadline - began
    usual = _PLAN_AND_CHILD * work.per_cell * search.level.n_cells / _PROPOSALS_A_SECOND
    if _SHARE_OF_PLANS * left < usual * work.plans:
        return 1, 1, []
    begun = [] if first is not None else [search.start(work.per_cell)]
    took = max(usual, _STARTS_A_PLAN * (time.perf_counter() - began))
    plans = int(_SHARE_OF_PLANS * left / took)
    rounds = max(1, round(plans / _MOST_PLANS))
    return rounds, min(plans // rounds, _MOST_PLANS), begun


def _use_all(
    search: Search,
    work: _Effort,
    rounds: int,
    plans: int,
    first: Plan | None,
    begun: list[Plan],
    rng: np.random.Generator,
) -> Plan:
    """Use all of a long time limit: many plans, of which the best is regrouped for as long again; in several rounds."""
    clock = search.clock
    end, best = clock.deadline, first
    for left in range(rounds, 0, -1):
        now = time.perf_counter()
        clock.deadline, clock.late = now + (end - now) / left, False
        if first is not None and left == rounds:
            plan = first
        else:
            plan = search.evolve(plans, work.per_cell, rng, begun=begun if left == rounds else ())
        plan = regroup(search, plan, 1, work.per_group, rng, spend=True)
        plan = min(plan, search.plan(search.quench(plan.part.copy(), 2)), key=lambda one: one.score)
        best = plan if best is None or plan.score < best.score else best
    clock.deadline = end
    assert best is not None
    return best


def _affordable(search: Search, work: _Effort) -> tuple[int, float, int]:
    """Return how many plans to begin with, proposals for each cell and level, and trees for each cut.

    The usual ones, unless the time limit is so short that even two plans and their child would take most of it.
    """
    left = search.clock.deadline - time.perf_counter()
    if left == np.inf:
        return work.plans, work.per_cell, _TREES
    n = search.level.n_cells
    tree = _SECONDS_A_TREE * search.most_clusters * np.log2(search.n_parts + 1)
    # What the time is worth in proposals for each cell. A plan takes some 4 of them for each that it makes on the
    # finest level, and as many to be set up; so does a child for 6.
    worth = left * _PROPOSALS_A_SECOND / n
    if worth > _USUAL_WORTH * work.per_cell:
        plan = max(_SECONDS_A_PLAN, _HURRIED_PLAN * work.per_cell * n / _PROPOSALS_A_SECOND)
        plans = int(np.clip(_SHARE_OF_PLANS * left / plan, min(2, work.plans), work.plans))
        return plans, work.per_cell, int(np.clip(_SHARE_OF_TREES * left / (plans * tree), 1, _TREES))
    plans = 2 if worth > _WORTH_TWO and left > 2 * _SECONDS_A_PLAN else 1
    trees = int(np.clip(_SHARE_OF_TREES * left / (plans * tree), 1, _HURRIED_TREES))
    if plans == 2:
        return 2, (worth - 13) / 13, trees
    worth -= trees * tree * _PROPOSALS_A_SECOND / n
    return 1, max(1.0, worth / 4), trees


def _another_round(
    search: Search, work: _Effort, n_groups: int, best: Plan, rng: np.random.Generator
) -> Plan:
    """Make a plan from nothing, and improve its child with the best one in larger groups."""
    plan = search.evolve(work.plans, work.per_cell, rng)
    if not search.clock.late:
        plan = regroup(search, plan, n_groups, work.per_group, rng)
    if search.clock.late:
        return min(best, plan, key=lambda one: one.score)
    better, other = (plan, best) if plan.score < best.score else (best, plan)
    born = search.child(better, other, 6 * work.per_cell)
    if not search.clock.late:
        born = regroup(search, born, n_groups, 2 * work.per_group, rng, sizes=_LARGE_GROUPS)
    return min(best, plan, born, key=lambda one: one.score)


def _find_even(
    search: Search, work: _Effort, rng: np.random.Generator, *, use_time: bool
) -> tuple[Plan, int]:
    """Find the most even plan, again while time is to be used or a part is out of bounds."""
    load = search.level.weights[:, 0]
    mean = float(load.sum() / search.n_parts)
    bound = deviation_lower_bound((load,), search.n_parts) * mean
    n, k = search.level.n_cells, search.n_parts
    n_groups = min(_MOST_EVEN_GROUPS, max(4, int(8.6 * k * min(1.0, 150 * k / n, n / 2000))))
    # Groups are worth more here than plans.
    plans = min(4, work.plans)
    if is_coarse(search):
        again = partial(_find, search, work, rng, None, use_time=False)
        return narrowed(search, lambda start: _once(search, work, rng, start), lambda: again()[0], bound), 1
    unavoidable = _unavoidable(search)
    least = 2 if n < _SMALL else 1
    rounds = 0
    best: tuple[float, float, float, Plan] | None = None
    while True:
        rounds += 1
        plan = balanced(search, (plans, work.per_cell), (n_groups, 0.72 * work.per_group), bound, rng)
        deviation = greatest_deviation(part_totals(plan.part, load, search.n_parts), mean)
        found = (plan.score[0], max(deviation, bound), plan.score[1], plan)
        if best is None or found[:3] < best[:3]:
            best = found
        if search.clock.late or (
            not use_time and (best[0] <= unavoidable or rounds >= 3) and rounds >= least
        ):
            break
    return best[3], rounds * plans


def _unavoidable(search: Search) -> float:
    """Return a true lower bound on the first weight outside the bounds, in means: by the total, and by heavy cells."""
    load, rules, k = search.level.weights[:, 0], search.rules, search.n_parts
    total, low, high = float(load.sum()), float(rules.minimum[0]), float(rules.maximum[0])
    by_total = max(0.0, total - k * high, k * low - total)
    by_cells = float(np.maximum(0.0, load - high).sum())
    return max(by_total, by_cells) / max(float(rules.mean[0]), 1e-300) * (1 + 1e-9)


def _usable_start(start: NDArray[np.integer], n: int, n_parts: int) -> NDArray[np.int32]:
    part = np.ascontiguousarray(start, dtype=np.int32)
    if part.shape != (n,) or len(np.unique(part)) != n_parts or part.min() != 0 or part.max() != n_parts - 1:
        raise ParameterError(
            f"The start must name one of the {n_parts} parts for each of {n} cells, and use them all."
        )
    return part.copy()


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


def _require_one_piece(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> None:
    """Raise where the links that constraints left fall into pieces."""
    n = len(indptr) - 1
    seen = np.zeros(n, dtype=bool)
    seen[0] = True
    stack = [0]
    while stack:
        cell = stack.pop()
        for other in indices[indptr[cell] : indptr[cell + 1]].tolist():
            if not seen[other]:
                seen[other] = True
                stack.append(other)
    if not seen.all():
        raise DisconnectedGraphError(
            "What must not be crossed cuts the graph in pieces; solve each piece on its own."
        )
