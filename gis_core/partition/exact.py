"""Small graphs solved to a proof: the least deviation there is, or whether any plan keeps the bounds.

Needs OR-tools (CP-SAT), the optional extra `exact`; without it the answers say `unavailable`. The model: every part
is rooted in its first cell (heaviest cells first, so that no plan occurs twice), and every other cell names a
neighbour of the same part that is one step nearer to the root. One thread, fixed seeds, and a limit in the solver's own
steps: the same answer each time, also on a busy machine, unless a deadline stops the search.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.graph.components import component_labels, subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.objective import Bounds
from gis_core.partition.pockets import Work

__all__ = [
    "ExactAnswer",
    "ExactTask",
    "Status",
    "cheap_bound",
    "exact_available",
    "find_within",
    "least_deviation",
]

#: `proved`: the plan is the best there is (or is inside the bounds); `none`: proved that there is no plan;
#: `open`: the limit of work came first; `unavailable`: the optional solver is not installed.
Status = Literal["proved", "none", "open", "unavailable"]

#: Weights that are no whole numbers are counted in this fraction of their total.
_FINEST = 2**40


@dataclass(frozen=True, slots=True)
class ExactTask:
    """A small graph to cut into parts that are connected.

    Attributes
    ----------
    graph : AdjacencyGraph
        With only the adjacencies that hold a part together.
    weight : float64, shape (n_cells,)
    n_parts : int
        Locked parts included.
    limits : sequence of (float64 array of shape (n_cells,), Bounds)
        Bounds of further weights.
    locked : int, shape (n_cells,)
        Cells with one number of 0 or more are a finished part; -1: free. None: all free.
    together, apart : sequence of (int, int)
        Pairs of free cells that must, or must not, be in one part.
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    n_parts: int
    limits: Sequence[tuple[NDArray[np.float64], Bounds]] = ()
    locked: NDArray[np.integer] | None = None
    together: Sequence[tuple[int, int]] = ()
    apart: Sequence[tuple[int, int]] = ()

    def lock_labels(self) -> NDArray[np.int64]:
        """Return the locked part of each cell, -1 where it is free."""
        if self.locked is None:
            return np.full(self.graph.n_cells, -1, np.int64)
        return np.asarray(self.locked, dtype=np.int64)

    def lock_weights(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of each locked part."""
        label = self.lock_labels()
        held = label >= 0
        _, number = np.unique(label[held], return_inverse=True)
        return np.bincount(number, weights=weight[held]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class ExactAnswer:
    """What was found and what was proved.

    Attributes
    ----------
    status : {"proved", "none", "open", "unavailable"}
    part : int32, shape (n_cells,), or None
        The best plan; free parts first, then the locked ones in ascending order of their number.
    value : float
        Of that plan: its deviation (fraction), or its greatest part weight; NaN where there is none.
    bound : float
        No plan has a smaller deviation.
    """

    status: Status
    part: NDArray[np.int32] | None = None
    value: float = math.nan
    bound: float = 0.0


def exact_available() -> bool:
    """Tell whether the optional solver is installed."""
    return importlib.util.find_spec("ortools") is not None


def find_within(
    task: ExactTask, bounds: Bounds, *, work_s: float = 10.0, until: float | None = None
) -> ExactAnswer:
    """Find a plan with every part inside the bounds, or prove that there is none.

    Parameters
    ----------
    task : ExactTask
    bounds : Bounds
    work_s : float
        Limit in the solver's own measure of work, of which one takes about a second.
    until : float
        Time (`time.perf_counter`) at which it stops all the same; None: none.

    Returns
    -------
    ExactAnswer
        `value` is the greatest part weight.

    Raises
    ------
    ParameterError
        Where arrays do not fit the graph.
    """
    _require_usable(task)
    if not exact_available():
        return ExactAnswer("unavailable")
    given = task.lock_weights(task.weight)
    if ((given < bounds.minimum) | (given > bounds.maximum)).any():
        return ExactAnswer("none")
    model = _Model(task, work_s, until)
    low, high = model.whole(bounds.minimum, bounds.maximum)
    return model.answer(model.run(low, high), bounds.maximum)


def least_deviation(
    task: ExactTask,
    *,
    start: NDArray[np.integer] | None = None,
    work_s: float = 60.0,
    until: float | None = None,
    lower: float = 0.0,
) -> ExactAnswer:
    """Find the plan with the least greatest deviation from the mean, and prove it, or bound it from below.

    Parameters
    ----------
    task : ExactTask
    start : int, shape (n_cells,)
        A plan to begin with, as good as known; parts of any numbers.
    work_s, until
        As in `find_within`.
    lower : float
        A bound (fraction) that is known to hold.

    Returns
    -------
    ExactAnswer
        `value` and `bound` are fractions; `none` where the cells cannot be cut into so many connected parts.
        Without the optional solver `bound` is the cheap one and `value` that of `start`, `proved` where they meet.

    Raises
    ------
    ParameterError
        Where arrays do not fit the graph.
    """
    _require_usable(task)
    total = float(task.weight.sum())
    mean = total / task.n_parts
    lower = max(lower, cheap_bound(task))
    found = None if start is None else _renumbered(task, np.asarray(start))
    value = math.nan if found is None else _deviation(found, task.weight, task.n_parts)
    if total <= 0 and found is not None:
        return ExactAnswer("proved", found, 0.0, 0.0)
    if found is not None and value <= lower + 1e-9:
        return ExactAnswer("proved", found, value, value)
    if total <= 0 or not exact_available():
        return ExactAnswer("open" if total <= 0 else "unavailable", found, value, lower)
    model = _Model(task, work_s, until)
    model.hint(found)
    ceiling = 2 * total if found is None else value * mean
    first = model.run_deviation(mean, lower * mean, ceiling)
    return _best_of(task, model, first, found, value, lower)


def cheap_bound(task: ExactTask, *, skip_empty: bool = False, work: Work | None = None) -> float:
    """Return the bound on the deviation that needs no search; pieces of the free cells do not share parts.

    Parameters
    ----------
    task : ExactTask
    skip_empty : bool
        Whether pieces without weight may join any part; else each of them is a part of its own at least.
    work : Work
        See `deviation_lower_bound`.
    """
    if task.locked is None:
        given, free, inner = [], np.arange(task.graph.n_cells), task.graph
    else:
        given = task.lock_weights(task.weight).tolist()
        free = np.flatnonzero(task.lock_labels() < 0)
        if len(free) == 0:
            return deviation_lower_bound([], task.n_parts, locked=given)
        inner = subgraph(task.graph, free)
    label = component_labels(inner)
    cells = [np.flatnonzero(label == piece) for piece in range(int(label.max()) + 1)]
    cells = [own for own in cells if not skip_empty or task.weight[free[own]].sum() > 0]
    return deviation_lower_bound(
        [task.weight[free[own]] for own in cells], task.n_parts, graphs=[subgraph(inner, own) for own in cells],
        locked=given, work=work,
    )  # fmt: skip


def _best_of(
    task: ExactTask, model: _Model, run: _Run, found: NDArray[np.int32] | None, value: float, lower: float
) -> ExactAnswer:
    """Put the plan that was known and what the search says together."""
    mean = float(task.weight.sum()) / task.n_parts
    if run.part is not None:
        mine = _deviation(run.part, task.weight, task.n_parts)
        if found is None or mine < value:
            found, value = run.part, mine
    if run.status == "none":
        # Nothing better than the known plan; without one, nothing at all.
        if found is None:
            return ExactAnswer("none")
        return ExactAnswer("proved", found, value, max(lower, value - 2 * model.error / mean))
    bound = max(lower, run.bound)
    if run.status == "proved":
        return ExactAnswer("proved", found, value, min(value, bound))
    return ExactAnswer("open", found, value, min(bound, value) if found is not None else bound)


def _deviation(part: NDArray[np.int32], weight: NDArray[np.float64], n_parts: int) -> float:
    total = np.bincount(part, weights=weight, minlength=n_parts)
    mean = float(total.sum()) / n_parts
    return float(np.abs(total - mean).max() / mean) if mean > 0 else 0.0


def _renumbered(task: ExactTask, start: NDArray[np.integer]) -> NDArray[np.int32]:
    """Number the parts of a plan as answers do: free parts first, then the locked ones."""
    label = task.lock_labels()
    if len(start) != task.graph.n_cells:
        raise ParameterError(
            f"The plan to begin with must name a part for each of {task.graph.n_cells} cells."
        )
    part = np.empty(len(start), np.int32)
    free = label < 0
    names, part[free] = np.unique(start[free], return_inverse=True)
    locks, number = np.unique(label[~free], return_inverse=True)
    part[~free] = len(names) + number
    if len(names) + len(locks) != task.n_parts:
        raise ParameterError(
            f"The plan to begin with has {len(names) + len(locks)} parts, asked are {task.n_parts}."
        )
    return part


def _require_usable(task: ExactTask) -> None:
    n = task.graph.n_cells
    if len(task.weight) != n or len(task.lock_labels()) != n:
        raise ParameterError(f"Weights and locks must have one entry for each of {n} cells.")
    if any(len(weight) != n for weight, _ in task.limits):
        raise ParameterError(f"A further weight must have one entry for each of {n} cells.")
    if n == 0 or task.n_parts < 1:
        raise ParameterError("At least one cell and one part are needed.")


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the solver; `bound` is what it proved about the deviation (fraction)."""

    status: Status
    part: NDArray[np.int32] | None = None
    bound: float = 0.0


@dataclass(slots=True)
class _Model:
    """The model of one task in whole numbers; every run may add what has been learned."""

    task: ExactTask
    work_s: float
    until: float | None = None
    free: NDArray[np.int64] = field(init=False)
    weight: NDArray[np.int64] = field(init=False)
    scale: float = field(init=False)
    error: float = field(init=False)
    parts: int = field(init=False)
    cp: Any = field(init=False)
    inside: list[list[Any]] = field(init=False)
    loads: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        task = self.task
        label = task.lock_labels()
        importlib.import_module("ortools.sat.python.cp_model")
        self.free = np.flatnonzero(label < 0)
        self.parts = task.n_parts - len(np.unique(label[label >= 0]))
        self.weight, self.scale, self.error = _whole_weights(task.weight[self.free])
        if 1 <= self.parts <= len(self.free):
            self._build()

    def whole(self, low: float, high: float) -> tuple[int, int]:
        """Return the whole numbers that a part inside [low, high] can have, a little wide where weights are rounded."""
        room = self.error * self.scale
        return (
            math.ceil(low * self.scale - room - 1e-6), math.floor(high * self.scale + room + 1e-6),
        )  # fmt: skip

    def _build(self) -> None:
        from ortools.sat.python import cp_model

        self.cp = cp = cp_model.CpModel()
        n, parts = len(self.free), self.parts
        rank = np.argsort(-self.weight, kind="stable")
        place = np.empty(n, np.int64)
        place[rank] = np.arange(n)
        # The i-th cell in order of weight lies in one of the first i + 1 parts.
        self.inside = [
            [cp.new_bool_var(f"in{v}_{p}") if p <= place[v] else cp.new_constant(0) for p in range(parts)]
            for v in range(n)
        ]
        for row in self.inside:
            cp.add_exactly_one(row)
        total = int(self.weight.sum())
        self.loads = [cp.new_int_var(0, total, f"load{p}") for p in range(parts)]
        for p, load in enumerate(self.loads):
            cp.add(load == sum(int(self.weight[v]) * self.inside[v][p] for v in range(n)))
        cp.add(sum(self.loads) == total)
        self._add_limits()
        self._add_pairs()
        self._add_trees(self._add_roots(rank.tolist()))

    def _add_limits(self) -> None:
        for values, bounds in self.task.limits:
            whole, scale, error = _whole_weights(np.asarray(values, dtype=np.float64)[self.free])
            low = math.ceil((bounds.minimum - error) * scale - 1e-6)
            high = math.floor((bounds.maximum + error) * scale + 1e-6)
            for p in range(self.parts):
                load = sum(int(whole[v]) * self.inside[v][p] for v in range(len(self.free)))
                self.cp.add_linear_constraint(load, low, high)

    def _add_pairs(self) -> None:
        place = {int(cell): v for v, cell in enumerate(self.free)}
        for pairs, same in ((self.task.together, True), (self.task.apart, False)):
            for a, b in pairs:
                for one, two in zip(self.inside[place[a]], self.inside[place[b]], strict=True):
                    if same:
                        self.cp.add(one == two)
                    else:
                        self.cp.add(one + two <= 1)

    def _add_roots(self, rank: list[int]) -> list[list[Any]]:
        """Make the first cell of each part in the order of weight its root, and order the parts by their roots."""
        cp, n = self.cp, len(self.free)
        root = [[cp.new_bool_var(f"root{v}_{p}") for p in range(self.parts)] for v in range(n)]
        before: list[Any] = []
        for p in range(self.parts):
            cp.add_exactly_one(root[v][p] for v in range(n))
            begun = [cp.new_bool_var(f"begun{i}_{p}") for i in range(n)]
            for i, v in enumerate(rank):
                cp.add_implication(root[v][p], self.inside[v][p])
                cp.add_implication(self.inside[v][p], begun[i])
                if i == 0:
                    cp.add_implication(begun[0], root[v][p])
                else:
                    cp.add_implication(begun[i - 1], begun[i])
                    cp.add_implication(root[v][p], begun[i - 1].Not())
                    cp.add_bool_or([begun[i].Not(), begun[i - 1], root[v][p]])
                if p > 0:
                    cp.add_implication(root[v][p], before[i - 1] if i else root[v][p].Not())
            before = begun
        return root

    def _add_trees(self, root: list[list[Any]]) -> None:
        """Let every cell that is no root name a neighbour in its part that is one step nearer to the root."""
        from gis_core.graph.components import subgraph

        cp, n = self.cp, len(self.free)
        graph = subgraph(self.task.graph, self.free)
        step = [cp.new_int_var(0, n - 1, f"step{v}") for v in range(n)]
        for v in range(n):
            arcs = []
            for u in graph.indices[graph.indptr[v] : graph.indptr[v + 1]].tolist():
                arc = cp.new_bool_var(f"arc{u}_{v}")
                arcs.append(arc)
                for mine, other in zip(self.inside[v], self.inside[u], strict=True):
                    cp.add_bool_or([arc.Not(), mine.Not(), other])
                    cp.add_bool_or([arc.Not(), mine, other.Not()])
                cp.add(step[v] == step[u] + 1).only_enforce_if(arc)
            cp.add_exactly_one([*arcs, *root[v]])

    def hint(self, part: NDArray[np.int32] | None) -> None:
        """Suggest a plan; parts are numbered by their heaviest cells as in the model."""
        if part is None or not 1 <= self.parts <= len(self.free):
            return
        rank = np.argsort(-self.weight, kind="stable")
        _, first = np.unique(part[self.free][rank], return_index=True)
        number = np.argsort(np.argsort(first))
        for v, row in enumerate(self.inside):
            for p, variable in enumerate(row):
                if p <= int(np.flatnonzero(rank == v)[0]):
                    self.cp.add_hint(variable, int(number[part[self.free[v]]] == p))

    def run(self, low: int, high: int) -> _Run:
        """Find a plan with loads from `low` to `high`."""
        if not 1 <= self.parts <= len(self.free) or low > high:
            empty = self.parts == 0 and len(self.free) == 0
            return _Run("proved", self._assembled(None)) if empty else _Run("none")
        for load in self.loads:
            self.cp.add_linear_constraint(load, low, high)
        status, part, _ = self._solve()
        return _Run(status, part)

    def run_deviation(self, mean: float, at_least: float, below: float) -> _Run:
        """Find the plan with the least greatest distance from `mean`, if there is one nearer than `below`."""
        if not 1 <= self.parts <= len(self.free):
            return _Run("none")
        # In units of 1 / n_parts, so that the mean is a whole number where all weights are.
        unit = self.task.n_parts
        middle = round(mean * unit * self.scale)
        room = math.ceil(self.error * self.scale * unit)
        low = max(0, math.ceil(at_least * unit * self.scale - room - 1e-6))
        # A plan as good as the known one is of no use.
        high = math.ceil(below * unit * self.scale + room - 1e-6) - 1
        if low > high:
            return _Run("none")
        off = self.cp.new_int_var(low, high, "off")
        for load in self.loads:
            self.cp.add(unit * load - middle <= off)
            self.cp.add(middle - unit * load <= off)
        self.cp.minimize(off)
        status, part, bound = self._solve()
        return _Run(status, part, max(0.0, (bound - room) / (unit * self.scale) / mean))

    def _solve(self) -> tuple[Status, NDArray[np.int32] | None, float]:
        from ortools.sat.python import cp_model

        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        # A unit of it takes about a second; the clock only guards against a stall, or keeps a deadline.
        solver.parameters.max_deterministic_time = self.work_s
        left = math.inf if self.until is None else self.until - time.perf_counter()
        solver.parameters.max_time_in_seconds = max(0.01, min(20 * self.work_s, left))
        code = solver.solve(self.cp)
        if code == cp_model.INFEASIBLE:
            return "none", None, 0.0
        bound = float(solver.best_objective_bound) if self.cp.has_objective() else 0.0
        if code not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return "open", None, max(0.0, bound)
        part = np.array([[solver.boolean_value(x) for x in row].index(True) for row in self.inside], np.int32)
        return "proved" if code == cp_model.OPTIMAL else "open", self._assembled(part), bound

    def _assembled(self, part: NDArray[np.int32] | None) -> NDArray[np.int32]:
        """Put free and locked parts into one array."""
        label = self.task.lock_labels()
        whole = np.empty(self.task.graph.n_cells, np.int32)
        if part is not None:
            whole[self.free] = part
        _, number = np.unique(label[label >= 0], return_inverse=True)
        whole[label >= 0] = self.parts + number
        return whole

    def answer(self, run: _Run, ceiling: float) -> ExactAnswer:
        """Turn a run about part weights into an answer; rounded weights are checked against the true ones."""
        if run.part is None:
            return ExactAnswer(run.status)
        value = float(np.bincount(run.part, weights=self.task.weight, minlength=self.task.n_parts).max())
        if self.error > 0 and value > ceiling + 1e-9:
            return ExactAnswer("open")
        return ExactAnswer(run.status, run.part, value)


def _whole_weights(weight: NDArray[np.float64]) -> tuple[NDArray[np.int64], float, float]:
    """Return weights as whole numbers, their scale, and by how much a sum of them may be off (0: exact)."""
    for digits in range(7):
        scaled = weight * 10.0**digits
        if scaled.sum() < _FINEST and np.abs(scaled - np.round(scaled)).max(initial=0.0) < 1e-6:
            return np.round(scaled).astype(np.int64), 10.0**digits, 0.0
    scale = _FINEST / max(1.0, float(weight.sum()))
    return np.round(weight * scale).astype(np.int64), scale, 0.5 * len(weight) / scale
