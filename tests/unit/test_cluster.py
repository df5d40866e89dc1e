"""The boundary polygons on a Dask cluster: the plan of one process, dead workers, an end in between, clear refusals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cell_graphs import town
from typer.testing import CliRunner

from gis_core import cluster
from gis_core.cli import app
from gis_core.cluster import ClusterRunner, require_cluster
from gis_core.errors import CancelledError, CapabilityError, ParameterError
from gis_core.partition import PartitionResult, partition_fabric, run, workers

CODES = ["A", "B", "C", "D", "E", "F"]
GRAPH, HOUSEHOLDS = town(12, 24, 30)
HOME = np.minimum((GRAPH.y / (GRAPH.y.max() + 1) * len(CODES)).astype(np.int64), len(CODES) - 1)


def solve(**how) -> PartitionResult:
    return partition_fabric(GRAPH, HOME, HOUSEHOLDS, boundary_codes=CODES, seed=3, **how)


def one_plan(left: PartitionResult, right: PartitionResult) -> bool:
    same = [np.array_equal(left.assignment, right.assignment), left.infeasible == right.infeasible]
    return all(same) and np.array_equal(left.lower_bounds, right.lower_bounds)


@pytest.fixture(autouse=True)
def small_is_enough_for_processes(monkeypatch):
    monkeypatch.setattr(run, "_FEW_CELLS", 0)


@pytest.fixture(scope="module")
def here() -> PartitionResult:
    """The plan of one process."""
    return solve(processes=1)


@pytest.fixture(scope="module")
def dask_cluster():
    """A scheduler in this process with two worker processes of one thread, which are started again when they die."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
    ) as started:
        yield started


class Seen(list):
    """A progress callback that keeps what it hears."""

    def __call__(self, step: str, done: int, total: int) -> None:
        self.append((step, done, total))


def test_a_cluster_makes_the_plan_of_one_process_and_of_two(here, dask_cluster):
    seen = Seen()
    there = solve(runner=ClusterRunner(dask_cluster.scheduler_address), progress=seen)
    assert one_plan(here, there)
    assert one_plan(here, solve(processes=2))
    assert {(step, total) for step, _, total in seen} == {("partition", GRAPH.n_cells)}
    assert seen[-1][1] == GRAPH.n_cells
    assert any(0 < done < GRAPH.n_cells for _, done, _ in seen)


def test_a_killed_worker_of_a_cluster_costs_no_result(here, dask_cluster):
    killed = []

    def kill_once(_step: str, done: int, _total: int) -> None:
        if done and not killed:
            killed.append(next(iter(dask_cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    there = solve(runner=ClusterRunner(dask_cluster.scheduler_address), progress=kill_once)
    assert killed
    assert one_plan(here, there)


def test_a_cancelled_plan_leaves_the_cluster_free(dask_cluster):
    def stop(_step: str, done: int, _total: int) -> None:
        if done:
            raise CancelledError("enough")

    with pytest.raises(CancelledError, match="enough"):
        solve(runner=ClusterRunner(dask_cluster.scheduler_address), progress=stop)
    end = time.monotonic() + 30
    while dask_cluster.scheduler.tasks and time.monotonic() < end:
        time.sleep(0.05)
    assert not dask_cluster.scheduler.tasks


def test_other_versions_are_named(dask_cluster, monkeypatch):
    monkeypatch.setattr(cluster, "fingerprint", lambda *_: "wangge 0.0.1")
    with pytest.raises(
        CapabilityError, match=r"tcp://127\.0\.0\.1:\d+ has wangge .*this machine wangge 0\.0\.1"
    ):
        require_cluster(dask_cluster.scheduler_address)


def test_a_machine_without_wangge_is_named(dask_cluster, monkeypatch):
    class Lacking:
        def run(self, *_what, **_how):
            return {"tcp://10.0.0.7:1": ModuleNotFoundError("No module named 'gis_core'")}

        def run_on_scheduler(self, *_what):
            return cluster.fingerprint()

    with pytest.raises(
        CapabilityError, match=r"tcp://10\.0\.0\.7:1 cannot run wangge \(No module named 'gis_core'\)"
    ):
        cluster._require_same_versions(Lacking(), "tcp://10.0.0.5:8786")


def test_a_scheduler_without_workers_is_named(monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(cluster, "WORKERS_S", 0.2)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as empty,
        pytest.raises(CapabilityError, match=f"dask worker {empty.scheduler_address}"),
    ):
        require_cluster(empty.scheduler_address)


class DyingClient:
    """Stands for a cluster on which the workers of one polygon die, however often it is handed over."""

    status = "running"

    def __init__(self, times: int) -> None:
        self.left = {0: times}
        self.submitted = 0

    def nthreads(self):
        return {"tcp://10.0.0.7:1": 1}

    def subscribe_topic(self, _topic, _handler):
        pass

    unsubscribe_topic = cancel = subscribe_topic

    def submit(self, _solve, task, limit_s, _ours, _topic, place, **_how):
        self.submitted += 1
        return DyingFuture(self, task, place[0])


class DyingFuture:
    def __init__(self, client: DyingClient, task, number: int) -> None:
        self.client, self.task, self.number = client, task, number

    def add_done_callback(self, called):
        called(self)

    def result(self, timeout):
        from distributed import KilledWorker

        left = self.client.left.get(self.number, 0)
        if left:
            self.client.left[self.number] = left - 1
            raise KilledWorker("task", None, 3)
        return workers.solve_polygon(self.task, None)


def tasks_of_the_town(monkeypatch) -> list:
    kept: list = []

    def keep(tasks, **_how):
        kept.extend(tasks)
        return workers.run_tasks(tasks, processes=1, time_limit_s=None, progress=None)

    solve(runner=keep)
    return kept


def test_a_polygon_that_dask_gave_up_is_handed_over_anew_but_not_for_ever(monkeypatch):
    tasks = tasks_of_the_town(monkeypatch)
    client = DyingClient(cluster.MAX_ROUNDS - 1)
    answers, _ = cluster._Job(client, "tcp://10.0.0.5:8786", tasks, None).run(None)
    assert [answer.n_parts for answer in answers] == [workers.solve_polygon(t, None).n_parts for t in tasks]
    assert client.submitted == len(tasks) + cluster.MAX_ROUNDS - 1
    job = cluster._Job(DyingClient(cluster.MAX_ROUNDS), "tcp://10.0.0.5:8786", tasks, None)
    with pytest.raises(CapabilityError, match=f"polygon {tasks[0].code!r}"):
        job.run(None)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5:8786",
        "http://10.0.0.5:8786",
        "tcp://10.0.0.5",
        "tcp://:8786",
        "tcp://a:70000",
        "tcp://a:b",
        "",
        "://",
    ],
)
def test_what_is_no_address_is_said(address):
    with pytest.raises(ParameterError, match="tcp://HOST:PORT"):
        require_cluster(address)


@contextlib.contextmanager
def mute_server():
    """Something that listens and never answers, as other programs do when Dask speaks to them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: held.append(server.accept()), daemon=True).start()
        yield server.getsockname()[1]
        for connection, _ in held:
            connection.close()


def test_nobody_at_the_address_is_one_sentence_and_exit_2(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    demo = str(Path(__file__).parents[2] / "data" / "demo-town.gpkg")
    with socket.socket() as closed, mute_server() as mute:
        closed.bind(("127.0.0.1", 0))
        for port in (closed.getsockname()[1], mute):
            command = [
                "partition",
                demo,
                "--out",
                str(tmp_path / "plan.gpkg"),
                "--scheduler",
                f"tcp://127.0.0.1:{port}",
            ]
            done = CliRunner().invoke(app, command)
            assert done.exit_code == 2
            assert done.stderr.startswith(
                f"Error: No Dask scheduler answers at tcp://127.0.0.1:{port} within 0.5 s;"
            )
            assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_tls_without_certificates_is_said():
    with pytest.raises(CapabilityError, match=r"distributed\.comm\.tls"):
        require_cluster("tls://127.0.0.1:8786")


def test_without_dask_the_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CapabilityError, match=r"pip install 'wangge\[cluster\]'"):
        require_cluster("tcp://127.0.0.1:8786")


def test_a_scheduler_is_asked_from_inside_an_event_loop_too() -> None:
    async def inside() -> None:
        with pytest.raises(CapabilityError, match="No Dask scheduler answers"):
            cluster._require_answer("tcp://127.0.0.1:9")

    # In a thread, because the browser tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: asyncio.run(inside())).result()
