"""Boundary polygons in processes of this machine: workers that die cost time and no result, up to a point."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading

import numpy as np
import pytest
from cell_graphs import town

from gis_core.errors import CapabilityError
from gis_core.partition import partition_fabric, run, workers

CODES = ["A", "B", "C", "D"]
GRAPH, HOUSEHOLDS = town(12, 20, 30)
HOME = np.minimum((GRAPH.y / (GRAPH.y.max() + 1) * len(CODES)).astype(np.int64), len(CODES) - 1)


def solve(**how) -> np.ndarray:
    return partition_fabric(GRAPH, HOME, HOUSEHOLDS, boundary_codes=CODES, seed=3, **how).assignment


def test_a_killed_worker_costs_no_result(monkeypatch):
    monkeypatch.setattr(run, "_FEW_CELLS", 0)
    before = set(multiprocessing.active_children())
    killed = []

    def kill_once(_step: str, done: int, _total: int) -> None:
        if done and not killed:
            killed.append((set(multiprocessing.active_children()) - before).pop().pid)
            os.kill(killed[0], signal.SIGKILL)

    assert np.array_equal(solve(processes=1), solve(processes=2, progress=kill_once))
    assert killed
    assert set(multiprocessing.active_children()) == before


class Worker:
    """A thread behind a pipe that does what a worker process does, and dies on the polygons named, so many times."""

    def __init__(self, pipe, dies_on: dict[str, int]) -> None:
        self.pipe, self.dies_on = pipe, dies_on
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        with self.pipe, contextlib.suppress(EOFError, OSError):
            if self.dies("start"):
                return
            self.pipe.send(("ready", 0, None))
            while True:
                index, task, _limit = self.pipe.recv()
                if self.dies(task.code):
                    return
                self.pipe.send(("answer", index, index))

    def dies(self, on: str) -> bool:
        left = self.dies_on.get(on, 0)
        self.dies_on[on] = left - 1
        return left > 0

    def terminate(self) -> None:
        pass

    close = terminate

    def is_alive(self) -> bool:
        return False

    def join(self, timeout: float | None = None) -> None:
        self.thread.join(timeout)


def answers(dies_on: dict[str, int], monkeypatch) -> tuple[list, int]:
    """Run the tasks of the town on such workers; return the answers and the number of workers started."""
    tasks: list = []

    def keep(given, **_how):
        tasks.extend(given)
        return workers.run_tasks(given, processes=1, time_limit_s=None, progress=None)

    solve(runner=keep)
    started = []

    def start(number: int):
        for _ in range(number):
            here, there = multiprocessing.Pipe()
            started.append((here, Worker(there, dies_on)))
        return started[-number:]

    monkeypatch.setattr(workers, "_start", start)
    found, _ = workers.run_tasks(tasks, processes=2, time_limit_s=None, progress=None)
    return found, len(started)


@pytest.mark.parametrize(
    ("dies_on", "more"), [({}, 0), ({"B": 2}, 2), ({"A": 1, "D": 2}, 3), ({"start": 2}, 2)]
)
def test_every_task_is_answered_in_its_place_however_many_workers_die(dies_on, more, monkeypatch):
    assert answers(dies_on, monkeypatch) == (list(range(len(CODES))), 2 + more)


def test_a_polygon_on_which_workers_die_again_and_again_is_named(monkeypatch):
    with pytest.raises(CapabilityError, match=r"3 worker processes ended .* boundary polygon 'D'"):
        answers({"D": workers.MAX_DEATHS}, monkeypatch)


def test_workers_that_never_begin_end_the_work(monkeypatch):
    with pytest.raises(CapabilityError, match="--processes 1"):
        answers({"start": workers.MAX_DEATHS}, monkeypatch)
