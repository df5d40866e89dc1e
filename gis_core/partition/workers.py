"""Boundary polygons in parallel processes: big ones first, progress, and a prompt end when somebody cancels.

Workers are started afresh (never forked: numba and the threads of a server do not survive that) and ignore
Ctrl-C, which this process handles for them. A task gives the same answer in any process, so that only the
order of work depends on their number; one whose worker dies is done again by a new worker.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import CapabilityError
from gis_core.graph.articulation import find_pockets
from gis_core.graph.components import graph_from_pairs
from gis_core.graph.walks import WalkGround, walk_rows
from gis_core.model import AdjacencyGraph
from gis_core.partition.certify.exhaust import search_all
from gis_core.partition.certify.prove import Effort
from gis_core.partition.certify.refit import refit
from gis_core.partition.constraints._walk_table import WalkTable
from gis_core.partition.exact import ExactTask
from gis_core.partition.objective import Bounds, Objective, preset
from gis_core.partition.polygon import PolygonAnswer, PolygonTask, solve_polygon

__all__ = ["MAX_DEATHS", "Progress", "TaskRunner", "biggest_first", "run_tasks", "share_of_time", "warm_up"]

Progress = Callable[[str, int, int], None]
#: Seconds between two looks at whether somebody wants to stop.
BEAT_S = 0.2
#: A boundary polygon is given up once so many workers have died on it.
MAX_DEATHS = 3


class TaskRunner(Protocol):
    """Something that solves tasks: `run_tasks` on this machine, or many machines behind the same call."""

    def __call__(
        self, tasks: list[PolygonTask], *, time_limit_s: float | None, progress: Progress | None
    ) -> tuple[list[PolygonAnswer], float]:
        """Return the answers in the order of the tasks, and the seconds of solving."""
        ...


def warm_up() -> None:
    """Compile or load every kernel, so that the clock of a time limit does not count it."""
    side = 12
    cell = np.arange(side * side).reshape(side, side)
    left = np.concatenate([cell[:, :-1].ravel(), cell[:-1].ravel()])
    right = np.concatenate([cell[:, 1:].ravel(), cell[1:].ravel()])
    graph = graph_from_pairs(left, right, n_cells=side * side)
    weight = np.ones(side * side)
    locked = np.full(side * side, -1, np.int64)
    for objective in (Objective(), preset("balance")):
        solve_polygon(
            PolygonTask(
                "", graph, weight, np.arange(side * side), {}, locked, 5, Bounds(20, 40), objective, 0, 0.02
            )
        )
    find_pockets(graph, weight)
    search_all(ExactTask(graph, weight, 5), Bounds(20, 40), steps=10_000)
    refit(graph, weight, np.arange(side * side) // 48, Bounds(40, 50), Effort(0.01))
    _warm_walks(graph, weight)


def _warm_walks(graph: AdjacencyGraph, weight: NDArray[np.float64]) -> None:
    """Compile or load the kernels of walking distances: about 8 s the first time ever."""
    n = graph.n_cells
    place = np.arange(n, dtype=np.float64)
    streets = WalkGround.build(
        graph.indptr, graph.indices, np.ones(len(graph.indices)), place, place, np.arange(n, dtype=np.int32),
        np.zeros(n), place, place,
    )  # fmt: skip
    table = WalkTable(streets, 1.0, graph, weight, 5.0)
    assert len(table.needed) == len(walk_rows(streets, table.member, table.member[:1]))


def biggest_first(tasks: list[PolygonTask]) -> list[int]:
    """Return the positions of the tasks in the order of work, so that no big one is left over at the end."""
    return sorted(range(len(tasks)), key=lambda i: (-tasks[i].graph.n_cells, i))


def share_of_time(left_s: float | None, processes: int, cells: int, cells_left: int) -> float | None:
    """Share the time that is left: by cells, over all processes, never more than there is."""
    if left_s is None:
        return None
    return max(1e-3, min(left_s, left_s * processes * cells / max(1, cells_left)))


def run_tasks(
    tasks: list[PolygonTask], *, processes: int, time_limit_s: float | None, progress: Progress | None
) -> tuple[list[PolygonAnswer], float]:
    """Solve every task; return the answers in the order of the tasks, and the seconds of solving.

    Raises
    ------
    CapabilityError
        Where `MAX_DEATHS` worker processes end by themselves (killed, out of memory) on one task, or before any.
    """
    order = biggest_first(tasks)
    total = sum(task.graph.n_cells for task in tasks)
    if progress is not None:
        progress("partition", 0, total)
    processes = min(processes, len(tasks))
    if processes > 1:
        pool = _Pool(tasks, order, processes, time_limit_s)
        try:
            return pool.run(progress)
        finally:
            pool.close()
    return _run_here(tasks, order, total, time_limit_s, progress)


def _run_here(
    tasks: list[PolygonTask],
    order: list[int],
    total: int,
    time_limit_s: float | None,
    progress: Progress | None,
) -> tuple[list[PolygonAnswer], float]:
    """Solve the tasks one after the other in this process."""
    if tasks:
        warm_up()
    started = time.perf_counter()
    answers: dict[int, PolygonAnswer] = {}
    done = 0
    for i in order:
        cells = tasks[i].graph.n_cells
        left = None if time_limit_s is None else time_limit_s - (time.perf_counter() - started)

        def report(step: str, own: int, _total: int, before: int = done) -> None:
            if progress is not None:
                progress(step, before + own, total)

        answers[i] = solve_polygon(tasks[i], share_of_time(left, 1, cells, total - done), report)
        done += cells
        report("partition", 0, total, done)
    return [answers[i] for i in range(len(tasks))], time.perf_counter() - started


def _serve(pipe: Connection) -> None:
    """Solve what comes through the pipe until it closes; the body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        warm_up()
        pipe.send(("ready", 0, None))
        while True:
            index, task, limit = pipe.recv()
            last = 0.0

            def report(_step: str, done: int, _total: int, index: int = index) -> None:
                nonlocal last
                if time.perf_counter() - last > BEAT_S:
                    last = time.perf_counter()
                    pipe.send(("progress", index, done))

            try:
                pipe.send(("answer", index, solve_polygon(task, limit, report)))
            except Exception as error:
                pipe.send(("error", index, error))
    except (EOFError, OSError):
        return


def _start(processes: int) -> list[tuple[Connection, Any]]:
    """Start the workers; Ctrl-C is ignored in them from their first instruction on."""
    context = multiprocessing.get_context("spawn")
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    workers: list[tuple[Connection, Any]] = []
    try:
        for _ in range(processes):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there,), daemon=True)
            process.start()
            there.close()
            workers.append((here, process))
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    return workers


class _Pool:
    """Worker processes, what each of them is at, and what is still to be done."""

    def __init__(
        self, tasks: list[PolygonTask], order: list[int], processes: int, time_limit_s: float | None
    ) -> None:
        self.tasks, self.waiting, self.size, self.time_limit_s = tasks, deque(order), processes, time_limit_s
        self.answers: dict[int, PolygonAnswer] = {}
        self.cells_solved = 0
        self.cells_waiting = sum(task.graph.n_cells for task in tasks)
        self.workers: dict[Connection, Any] = {}
        self.at: dict[Connection, int] = {}
        self.cells_done: dict[int, int] = {}
        self.deaths = [0] * len(tasks)
        self.deaths_at_start = 0
        self.started: float | None = None

    def run(self, progress: Progress | None) -> tuple[list[PolygonAnswer], float]:
        """Hand the tasks to the workers as they become free."""
        warm_up()
        self.workers = dict(_start(self.size))
        total = sum(task.graph.n_cells for task in self.tasks)
        while len(self.answers) < len(self.tasks):
            for pipe in wait(list(self.workers), timeout=BEAT_S):
                assert isinstance(pipe, Connection)
                self._listen(pipe)
            if progress is not None:
                progress("partition", min(self.cells_solved + sum(self.cells_done.values()), total), total)
        seconds = 0.0 if self.started is None else time.perf_counter() - self.started
        return [self.answers[i] for i in range(len(self.tasks))], seconds

    def _listen(self, pipe: Connection) -> None:
        """Take one message of a worker, or replace it where it is no more."""
        try:
            kind, i, value = pipe.recv()
        except (EOFError, OSError):
            self._replace(pipe)
            return
        if kind == "ready":
            self.started = self.started or time.perf_counter()
            self._hand_out(pipe)
        elif kind == "progress":
            self.cells_done[i] = value
        elif kind == "error":
            raise value
        else:
            self.answers[i] = value
            self.cells_solved += self.tasks[i].graph.n_cells
            self.cells_done.pop(i, None)
            del self.at[pipe]
            self._hand_out(pipe)

    def _hand_out(self, pipe: Connection) -> None:
        """Give a free worker the next task, if there is one."""
        if not self.waiting:
            return
        i = self.waiting.popleft()
        cells = self.tasks[i].graph.n_cells
        limit = self.time_limit_s
        if limit is not None and self.started is not None:
            limit -= time.perf_counter() - self.started
        budget = share_of_time(limit, self.size, cells, self.cells_waiting)
        self.cells_waiting -= cells
        self.at[pipe] = i
        try:
            pipe.send((i, self.tasks[i], budget))
        except OSError:
            self._replace(pipe)

    def _replace(self, pipe: Connection) -> None:
        """Start another worker for one that ended by itself, and put its task back in front of the others."""
        _end([(self.workers.pop(pipe), pipe)])
        i = self.at.pop(pipe, None)
        if i is None and self.waiting:
            self.deaths_at_start += 1
            if self.deaths_at_start >= MAX_DEATHS:
                raise CapabilityError("Worker processes end as soon as they start; work with --processes 1.")
        elif i is not None:
            self.cells_done.pop(i, None)
            self.deaths[i] += 1
            if self.deaths[i] >= MAX_DEATHS:
                raise CapabilityError(
                    f"{MAX_DEATHS} worker processes ended by themselves on boundary polygon "
                    f"{self.tasks[i].code!r}, most likely for want of memory; use fewer processes."
                )
            self.waiting.appendleft(i)
            self.cells_waiting += self.tasks[i].graph.n_cells
        if self.waiting:
            self.workers |= dict(_start(1))

    def close(self) -> None:
        """End all workers, whatever they are at."""
        _end([(process, pipe) for pipe, process in self.workers.items()])
        self.workers = {}


def _end(workers: list[tuple[Any, Connection]]) -> None:
    """End worker processes, the hard way where they do not listen."""
    for process, pipe in workers:
        pipe.close()
        process.terminate()
    for process, _ in workers:
        process.join(timeout=2)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
