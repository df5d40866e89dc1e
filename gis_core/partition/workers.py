"""Boundary polygons in parallel processes: big ones first, progress, and a prompt end when somebody cancels.

Workers are started afresh (never forked: numba and the threads of a server do not survive that) and ignore
Ctrl-C, which this process handles for them. A task gives the same answer in any process, so that only the
order of work depends on their number.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from gis_core.errors import CapabilityError
from gis_core.graph.articulation import find_pockets
from gis_core.graph.components import graph_from_pairs
from gis_core.partition.objective import Bounds, Objective
from gis_core.partition.polygon import PolygonAnswer, PolygonTask, solve_polygon

__all__ = ["run_tasks", "warm_up"]

_Progress = Callable[[str, int, int], None]
#: Seconds between two looks at whether somebody wants to stop.
_BEAT_S = 0.2


def warm_up() -> None:
    """Compile or load every kernel, so that the clock of a time limit does not count it."""
    side = 12
    cell = np.arange(side * side).reshape(side, side)
    left = np.concatenate([cell[:, :-1].ravel(), cell[:-1].ravel()])
    right = np.concatenate([cell[:, 1:].ravel(), cell[1:].ravel()])
    graph = graph_from_pairs(left, right, n_cells=side * side)
    weight = np.ones(side * side)
    locked = np.full(side * side, -1, np.int64)
    solve_polygon(
        PolygonTask(
            "", graph, weight, np.arange(side * side), {}, locked, 5, Bounds(28, 29), Objective(), 0, 0.02
        )
    )
    find_pockets(graph, weight)


def _budget(left_s: float | None, processes: int, cells: int, cells_left: int) -> float | None:
    """Share the time that is left: by cells, over all processes, never more than there is."""
    if left_s is None:
        return None
    return max(1e-3, min(left_s, left_s * processes * cells / max(1, cells_left)))


def run_tasks(
    tasks: list[PolygonTask], *, processes: int, time_limit_s: float | None, progress: _Progress | None
) -> tuple[list[PolygonAnswer], float]:
    """Solve every task; return the answers in the order of the tasks, and the seconds of solving.

    Raises
    ------
    CapabilityError
        Where a worker process ends by itself (killed, out of memory).
    """
    order = sorted(range(len(tasks)), key=lambda i: (-tasks[i].graph.n_cells, i))
    total = sum(task.graph.n_cells for task in tasks)
    if progress is not None:
        progress("partition", 0, total)
    processes = min(processes, len(tasks))
    if processes > 1:
        return _run_parallel(tasks, order, total, processes, time_limit_s, progress)
    return _run_here(tasks, order, total, time_limit_s, progress)


def _run_here(
    tasks: list[PolygonTask],
    order: list[int],
    total: int,
    time_limit_s: float | None,
    progress: _Progress | None,
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

        answers[i] = solve_polygon(tasks[i], _budget(left, 1, cells, total - done), report)
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
                if time.perf_counter() - last > _BEAT_S:
                    last = time.perf_counter()
                    pipe.send(("progress", index, done))

            try:
                pipe.send(("answer", index, solve_polygon(task, limit, report)))
            except Exception as error:
                pipe.send(("error", index, error))
    except (EOFError, BrokenPipeError):
        return


def _start(processes: int) -> list[tuple[Any, Connection]]:
    """Start the workers; Ctrl-C is ignored in them from their first instruction on."""
    context = multiprocessing.get_context("spawn")
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    workers: list[tuple[Any, Connection]] = []
    try:
        for _ in range(processes):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there,), daemon=True)
            process.start()
            there.close()
            workers.append((process, here))
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    return workers


def _run_parallel(
    tasks: list[PolygonTask],
    order: list[int],
    total: int,
    processes: int,
    time_limit_s: float | None,
    progress: _Progress | None,
) -> tuple[list[PolygonAnswer], float]:
    """Hand the tasks to worker processes as they become free; end all of them whatever happens."""
    warm_up()
    workers = _start(processes)
    pipes = {pipe: process for process, pipe in workers}
    waiting, answers = list(order), dict[int, PolygonAnswer]()
    under_way: dict[int, int] = {}
    started: float | None = None

    def hand_out(pipe: Connection) -> None:
        if not waiting:
            return
        i = waiting.pop(0)
        left_cells = tasks[i].graph.n_cells + sum(tasks[j].graph.n_cells for j in waiting)
        left = (
            None
            if time_limit_s is None or started is None
            else time_limit_s - (time.perf_counter() - started)
        )
        under_way[i] = 0
        pipe.send((i, tasks[i], _budget(left, processes, tasks[i].graph.n_cells, left_cells)))

    try:
        while len(answers) < len(tasks):
            for pipe in wait(list(pipes), timeout=_BEAT_S):
                assert isinstance(pipe, Connection)
                try:
                    kind, i, value = pipe.recv()
                except (EOFError, ConnectionResetError):
                    raise CapabilityError(
                        "A worker process ended by itself, most likely for want of memory; use fewer processes."
                    ) from None
                if kind == "ready":
                    started = started or time.perf_counter()
                    hand_out(pipe)
                elif kind == "progress":
                    under_way[i] = value
                elif kind == "error":
                    raise value
                else:
                    answers[i] = value
                    under_way.pop(i)
                    hand_out(pipe)
            if progress is not None:
                done = sum(tasks[i].graph.n_cells for i in answers) + sum(under_way.values())
                progress("partition", min(done, total), total)
        return [answers[i] for i in range(len(tasks))], time.perf_counter() - (started or time.perf_counter())
    finally:
        for process, pipe in workers:
            pipe.close()
            process.terminate()
        for process, _ in workers:
            process.join(timeout=2)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
