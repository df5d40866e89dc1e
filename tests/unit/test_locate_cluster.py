"""`wangge locate --scheduler`: chunks go to the workers of a Dask cluster, and the file has the same bytes."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from gis_core import cluster
from gis_core.cli import app
from gis_core.cluster import LOCATING, ClusterCalls, cluster_calls
from gis_core.errors import CapabilityError
from gis_core.locate import Locator, build_locator
from gis_core.locate.bulk import locate_file

AREAS = gpd.GeoDataFrame(
    {"code": [f"{i}" for i in range(36)]},
    geometry=[shapely.box(x, y, x + 1, y + 1) for x in range(6) for y in range(6)],
    crs="EPSG:4326",
)


@pytest.fixture(scope="module")
def dask_cluster():
    """A scheduler in this process with two worker processes of one thread, which are started again when they die."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as started:
        yield started


@pytest.fixture(scope="module")
def locator() -> Locator:
    return build_locator(AREAS)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    rows = [
        f"n{i},{x!r},{y!r},{r}\n" for i, (x, y, r) in enumerate(rng.uniform(-0.5, 6.5, (700, 3)).tolist())
    ]
    path = tmp_path / "calls.csv"
    path.write_text("id,lon,lat,accuracy\n" + "".join(rows), encoding="utf-8")
    return path


def test_a_cluster_gives_the_same_bytes(dask_cluster, locator, calls, tmp_path):
    spread = partial(cluster_calls, dask_cluster.scheduler_address, LOCATING)
    for name, radius in (("out.csv", None), ("out.geojson", "accuracy"), ("out.parquet", "accuracy")):
        locate_file(locator, calls, tmp_path / f"here-{name}", radius_col=radius, chunk_rows=50)
        report = locate_file(
            locator, calls, tmp_path / f"there-{name}", radius_col=radius, chunk_rows=50, spread=spread
        )
        assert report.rows == 700
        assert (tmp_path / f"here-{name}").read_bytes() == (tmp_path / f"there-{name}").read_bytes()


def test_a_killed_worker_costs_no_row_and_ends_are_clean(dask_cluster, locator, calls, tmp_path):
    spread = partial(cluster_calls, dask_cluster.scheduler_address, LOCATING)
    killed: list[int] = []

    def kill_once(_step: str, _done: int, _total: int) -> None:
        if not killed:
            killed.append(next(iter(dask_cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    locate_file(locator, calls, tmp_path / "here.csv", chunk_rows=50)
    locate_file(locator, calls, tmp_path / "there.csv", chunk_rows=50, spread=spread, progress=kill_once)
    assert killed
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()

    def stop(_step: str, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        locate_file(locator, calls, tmp_path / "stopped.csv", chunk_rows=50, spread=spread, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.csv", "here.csv", "there.csv"]


def test_the_command_takes_the_address_of_a_scheduler(dask_cluster, calls, tmp_path):
    AREAS.to_parquet(tmp_path / "areas.parquet")
    command = ["locate", str(tmp_path / "areas.parquet"), str(calls), "--out"]
    here = CliRunner().invoke(app, [*command, str(tmp_path / "here.csv")])
    there = CliRunner().invoke(
        app, [*command, str(tmp_path / "there.csv"), "--scheduler", dask_cluster.scheduler_address]
    )
    assert (here.exit_code, there.exit_code) == (0, 0), there.stderr
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()
    wrong = CliRunner().invoke(app, [*command, str(tmp_path / "x.csv"), "--scheduler", "here:1"])
    assert wrong.exit_code == 2 and "is not the address of a Dask scheduler" in wrong.stderr
    assert not (tmp_path / "x.csv").exists()


def test_other_versions_of_the_locator_are_named(dask_cluster, locator, monkeypatch):
    monkeypatch.setattr(cluster, "fingerprint", lambda *_: "wangge 0.0.1")
    with (
        pytest.raises(CapabilityError, match=r"has wangge .*shapely.*this machine wangge 0\.0\.1"),
        cluster_calls(dask_cluster.scheduler_address, LOCATING, len, ()),
    ):
        pass


class DyingClient:
    """Stands for a cluster on which workers die on one chunk."""

    status = "running"

    def __init__(self, times: int) -> None:
        self.left, self.shared = times, 0

    def nthreads(self) -> dict[str, int]:
        return {"tcp://10.0.0.7:1": 1}

    def scatter(self, data, **_how):
        self.shared += 1
        return data

    def submit(self, _call, function, _kind, _ours, shared, *arguments, **_how):
        self.work = partial(function, shared, *arguments)
        return self

    def result(self, timeout):
        from distributed import KilledWorker

        if self.left:
            self.left -= 1
            raise KilledWorker("task", None, 3)
        return self.work()


def test_a_chunk_is_handed_over_anew_but_not_for_ever():
    client = DyingClient(cluster.MAX_ROUNDS - 1)
    calls = ClusterCalls(client, "tcp://10.0.0.5:8786", LOCATING, max, 3)
    assert calls.submit(7).result() == 7
    assert client.shared == cluster.MAX_ROUNDS
    calls = ClusterCalls(DyingClient(cluster.MAX_ROUNDS), "tcp://10.0.0.5:8786", LOCATING, max, 3)
    with pytest.raises(CapabilityError, match="died again and again on one chunk"):
        calls.submit(7).result()
