"""A server that is killed while it takes edits, again and again: what it said is kept, nothing is half-written.

On both stores. How often is said by `N_KILLS`; 50 times a store were run before release.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from gis_core.store import Store, open_store
from tests.api.lattice import build_lattice, build_lattice_plan

#: `WANGGE_TEST_KILLS=50 scripts/test tests/api/test_api_killed.py`.
N_KILLS = int(os.environ.get("WANGGE_TEST_KILLS", "2"))
SIDE = 20
SERVER = Path(__file__).with_name("mortal_server.py")


class Servers:
    """Servers of one store, one after the other."""

    def __init__(self, url: str) -> None:
        root = str(Path(__file__).parents[2])
        self._mother = subprocess.Popen(
            [sys.executable, str(SERVER), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": root},
        )
        self.pid = 0

    def _ask(self, line: str) -> str:
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.write(line + "\n")
        self._mother.stdin.flush()
        return self._mother.stdout.readline().strip()

    def begin(self) -> str:
        pid, address = self._ask("serve").split()
        self.pid = int(pid)
        return address

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> None:
        assert self._ask("bury") == "buried"

    def close(self) -> None:
        self._mother.kill()
        self._mother.communicate()


@pytest.fixture(params=["geopackage", pytest.param("postgis", marks=pytest.mark.postgis)])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A town in a store of each kind, which is open here too, and its servers."""
    if request.param == "geopackage":
        url = str(tmp_path / "town.gpkg")
    else:
        url = request.getfixturevalue("postgis_server").create_database()
    dataset, fabric = build_lattice(SIDE, SIDE)
    with open_store(url) as store:
        plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
        plan_id = store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="lattice")
        servers = Servers(url)
        try:
            yield SimpleNamespace(store=store, plan_id=plan_id, fabric=fabric, servers=servers)
        finally:
            servers.close()


class Planner:
    """Sends edits one after the other, and remembers what the server said."""

    def __init__(self, town: SimpleNamespace, seed: int) -> None:
        self.random = random.Random(seed)
        self.path = f"api/plans/{town.plan_id}/assignment"
        start = town.store.assignment(town.plan_id)
        self.area_ix = town.fabric.boundary_ix
        self.grids_of = [np.unique(start[self.area_ix == area]).tolist() for area in (0, 1)]
        self.revision = 0
        self.usual_s = 0.0
        self.sent: dict[str, tuple[int, dict[str, Any]]] = {}
        self.said: dict[str, int] = {}

    def next_edit(self) -> tuple[str, int, dict[str, Any]]:
        area = self.random.randrange(2)
        cells = self.random.sample(np.flatnonzero(self.area_ix == area).tolist(), self.random.randint(1, 40))
        grid = self.random.choice(self.grids_of[area])
        key = f"k{len(self.sent)}"
        changes = [{"path": f"grid/{grid}/name", "value": key}]
        edit = {"key": key, "kind": "paint", "cells": sorted(cells), "grid": grid, "changes": changes}
        self.sent[key] = self.revision, edit
        return key, self.revision, edit

    def send(self, client: httpx.Client, key: str, revision: int, edit: dict[str, Any]) -> dict[str, Any]:
        begun = time.monotonic()
        answer = client.patch(self.path, json=edit, headers={"If-Match": f'"{revision}"'})
        self.usual_s = time.monotonic() - begun
        assert answer.status_code == 200, answer.text
        said = answer.json()
        self.revision = self.said[key] = said["revision"]
        return dict(said)

    def work_until_it_dies(self, client: httpx.Client, kill: Any) -> str:
        """Send edits; in the middle of one of them the server is killed. Give the key of the one without an answer."""
        for _ in range(self.random.randint(1, 3)):
            self.send(client, *self.next_edit())
        timer = threading.Timer(self.random.uniform(0.0, 2 * self.usual_s), kill)
        timer.start()
        try:
            while True:
                edit = self.next_edit()
                self.send(client, *edit)
        except httpx.TransportError:
            return edit[0]
        finally:
            timer.join()


def require_whole(town: SimpleNamespace, planner: Planner, start: Any) -> None:
    """Check that the log has all that was answered, each once, and that all else in the store is what it says."""
    store: Store = town.store
    log = store.edits(town.plan_id)
    keys = [record.key for record in log]
    assert len(set(keys)) == len(keys)
    assert [record.revision for record in log] == list(range(1, len(log) + 1))
    assert {key: keys.index(key) + 1 for key in planner.said} == planner.said
    assert len(log) - len(planner.said) in (0, 1)
    after, names = start.copy(), {}
    for record in log:
        edit = planner.sent[record.key][1]
        assert record.cell_ix.tolist() == edit["cells"]
        assert (after[record.cell_ix] == record.inverse_grid_ix).all()
        after[record.cell_ix] = record.grid_ix
        names[edit["grid"]] = record.key
    assert (store.assignment(town.plan_id) == after).all()
    assert store.plan(town.plan_id).revision == len(log)
    grids = store.grids(town.plan_id).set_index("grid_ix")
    sums = np.bincount(after, town.fabric.households, minlength=grids.index.max() + 1)
    assert grids["households"].tolist() == sums[grids.index].tolist()
    state = {grid.grid_ix: grid.name for grid in store.plan_state(town.plan_id).grids}
    assert {grid: state[grid] for grid in names} == names == {grid: grids["name"][grid] for grid in names}
    assert grids.geometry.is_valid.all()


def test_what_was_answered_outlives_the_server(town: SimpleNamespace) -> None:
    planner, start = Planner(town, seed=3), town.store.assignment(town.plan_id)
    unanswered, came_through = None, 0
    for _ in range(N_KILLS):
        with httpx.Client(base_url=town.servers.begin(), timeout=60) as client:
            if unanswered is not None:
                done = {record.key for record in town.store.edits(town.plan_id)}
                said = planner.send(client, unanswered, *planner.sent[unanswered])
                assert said["repeated"] == (unanswered in done)
                came_through += unanswered in done
            unanswered = planner.work_until_it_dies(client, town.servers.kill)
        town.servers.bury()
        require_whole(town, planner, start)
    if N_KILLS >= 50:  # of so many some die before they wrote, and some between that and their answer
        assert 0 < came_through < N_KILLS - 1
