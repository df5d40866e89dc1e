"""Jobs, and the proposals that they end in."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from api import edit_models
from api.errors import ProblemError
from api.job_book import MOST_KEPT, MemoryBook, job_row
from api.jobs import Jobs
from api.models import Workload
from gis_core.errors import NotFoundError
from gis_core.store.records import JobRecord
from tests.api import slow_work
from tests.api.support import TestClient, assert_problem, make_client

#: Seconds until a test gives up; never waited for where all is well.
PATIENCE_S = 60.0


def wait_for(done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := done()):
        assert time.monotonic() < deadline, "gave up waiting"
        time.sleep(0.02)
    return value


@pytest.fixture
def told() -> list[tuple[int, str]]:
    return []


@pytest.fixture
def jobs(told: list[tuple[int, str]]) -> Iterator[Jobs]:
    book = MemoryBook()
    made = Jobs(2, lambda job: told.append((job.plan_id, job.state)), lambda: book)
    yield made
    made.close()


def begin(jobs: Jobs, function: Callable[..., Any], plan_id: int = 1, **arguments: Any) -> str:
    """Begin a job; give its name."""
    return jobs.start(
        plan_id, "solve", 7, function=function, arguments=arguments, wire=lambda value: {"value": value}
    ).id


def ended(jobs: Jobs, job_id: str) -> JobRecord:
    """Wait for the end of a job."""
    return wait_for(lambda: (job := jobs.get(job_id)).state != "running" and job)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1][:3]
    except FileNotFoundError:
        return False


def test_work_is_done(jobs: Jobs, told: list[tuple[int, str]]) -> None:
    job = ended(jobs, begin(jobs, slow_work.count, upto=3))
    assert (job.state, job.progress, job.result, job.error) == ("done", 1.0, {"value": [0, 1, 2]}, None)
    assert told == [(1, "running"), (1, "done")]


def test_cancelled_work_ends_with_all_that_it_started(jobs: Jobs, tmp_path: Path) -> None:
    note = tmp_path / "note"
    job = begin(jobs, slow_work.never_ends, note=str(note))
    wait_for(note.exists)
    pids = [int(word) for word in note.read_text(encoding="utf-8").split()]
    wait_for(lambda: jobs.get(job).progress == 0.25)
    assert all(alive(pid) for pid in pids)
    assert jobs.cancel(job).state == "cancelled"
    wait_for(lambda: not any(alive(pid) for pid in pids))
    assert jobs.cancel(job).state == "cancelled"
    assert jobs.get(job).result is None


def test_one_job_a_plan_and_some_in_all(jobs: Jobs, tmp_path: Path) -> None:
    first = begin(jobs, slow_work.never_ends, 1, note=str(tmp_path / "a"))
    with pytest.raises(ProblemError) as refused:
        begin(jobs, slow_work.count, 1, upto=1)
    assert (refused.value.status_code, refused.value.code) == (409, "job-running")
    begin(jobs, slow_work.never_ends, 2, note=str(tmp_path / "b"))
    with pytest.raises(ProblemError) as refused:
        begin(jobs, slow_work.count, 3, upto=1)
    assert (refused.value.status_code, refused.value.code) == (503, "busy")
    jobs.cancel(first)
    assert ended(jobs, begin(jobs, slow_work.count, 1, upto=1)).state == "done"


@pytest.mark.parametrize(
    ("function", "code", "says"),
    [
        (slow_work.refuses, "bad-parameter", "There is nothing to do here."),
        (slow_work.breaks, "work-failed", "the log"),
        (slow_work.dies, "work-died", "ended by itself"),
    ],
)
def test_work_that_fails(
    jobs: Jobs, caplog: pytest.LogCaptureFixture, function: Callable[..., Any], code: str, says: str
) -> None:
    with caplog.at_level(logging.ERROR, logger="wangge.api"):
        job = ended(jobs, begin(jobs, function))
    assert (job.state, job.code) == ("failed", code)
    assert says in (job.error or "")
    assert "secret" not in str(job_row(job))
    assert ("secret" in caplog.text) == (function is slow_work.breaks)


def test_jobs_are_kept_a_while() -> None:
    book = MemoryBook()
    for number in range(MOST_KEPT + 3):
        book.begin_job(JobRecord(str(number), 9, "solve", 0, datetime.now(UTC)), lambda _: None)
        book.end_job(str(number), "done")
    with pytest.raises(NotFoundError):
        book.job("1")
    assert book.job("2").state == "done"


def test_jobs_end_with_the_server(tmp_path: Path) -> None:
    """A server that is killed leaves no work behind."""
    import signal
    import subprocess
    import sys

    note = tmp_path / "note"
    code = (
        "import sys, time\nfrom api.job_book import MemoryBook\nfrom api.jobs import Jobs\n"
        "from tests.api import slow_work\n"
        "if __name__ == '__main__':\n"
        "    book = MemoryBook()\n    jobs = Jobs(1, lambda _: None, lambda: book)\n"
        "    jobs.start(1, 'solve', 0, function=slow_work.never_ends, arguments={'note': sys.argv[1]}, wire=dict)\n"
        "    time.sleep(600)\n"
    )
    script = tmp_path / "server.py"
    script.write_text(code, encoding="utf-8")
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script), str(note)], env={**os.environ, "PYTHONPATH": str(root)}
    ) as server:
        wait_for(note.exists)
        server.send_signal(signal.SIGKILL)
    pids = [int(word) for word in note.read_text(encoding="utf-8").split()]
    wait_for(lambda: not any(alive(pid) for pid in pids))


# Proposals


@pytest.fixture
def client(own_town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(own_town.store) as client:
        yield client


def finished(client: TestClient, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    assert path == f"/api/jobs/{answer.json()['job']}"
    row = wait_for(lambda: (row := client.get(path).json())["state"] != "running" and row)
    edit_models.JobRow.model_validate(row)
    assert row["state"] == "done", row
    return dict(row["result"])


def accept(client: TestClient, proposal: dict[str, Any], kind: str) -> None:
    edit = {"kind": kind, **{name: proposal[name] for name in ("cells", "grids", "changes")}}
    headers = {"If-Match": f'"{proposal["revision"]}"'}
    answer = client.patch("/api/plans/1/assignment", json=edit, headers=headers)
    assert answer.status_code == 200, answer.text


def test_rebalancing(client: TestClient, own_town: SimpleNamespace) -> None:
    store = own_town.store
    before, households = store.assignment(1), own_town.fabric.households
    taken = np.flatnonzero(before == 1)[:15]
    client.patch(
        "/api/plans/1/assignment",
        json={
            "kind": "paint", "cells": taken.tolist(), "grid": 0,
            "changes": [{"path": "grid/5/locked", "value": True}, {"path": "lock/cell/0", "value": True}],
        },
        headers={"If-Match": '"0"'},
    )  # fmt: skip
    changed = store.assignment(1)
    proposal = finished(client, client.post("/api/plans/1/rebalance", json={"grids": [0, 1, 2, 5]}))
    assert (store.assignment(1) == changed).all()
    after = changed.copy()
    after[proposal["cells"]] = proposal["grids"]
    total = np.bincount(after, weights=households)
    assert ((total[:3] >= 300) & (total[:3] <= 500)).all()
    assert proposal["in_bounds"]["after"] == proposal["in_bounds"]["grids"] > proposal["in_bounds"]["before"]
    assert proposal["in_pieces"] == []
    assert 0 not in proposal["cells"]
    assert not {5} & {*changed[proposal["cells"]].tolist(), *proposal["grids"]}
    assert proposal["moved"] == households[proposal["cells"]].sum()
    for row in proposal["before_after"]:
        assert row["after"]["households"] == total[row["grid_ix"]]
    accept(client, proposal, "rebalance")
    assert (store.assignment(1) == after).all()


def test_cutting_anew(client: TestClient, own_town: SimpleNamespace) -> None:
    store = own_town.store
    client.patch(
        "/api/plans/1/assignment",
        json={"kind": "lock", "changes": [{"path": "grid/3/locked", "value": True}]},
        headers={"If-Match": '"0"'},
    )
    before = store.assignment(1)
    proposal = finished(client, client.post("/api/plans/1/solve", json={"boundary": "101", "grids": 9}))
    accept(client, proposal, "partition")
    after = store.assignment(1)
    west = own_town.fabric.boundary_ix == 0
    assert (after[~west] == before[~west]).all()
    assert ((after == 3) == (before == 3)).all()
    assert len(np.unique(after[west])) == 9
    state = edit_models.PlanState.model_validate(client.get("/api/plans/1/state").json())
    assert sum(grid.retired for grid in state.grids) == len(np.unique(before[west])) - 9
    assert {item["kind"] for item in client.get("/api/plans/1/checks").json()["items"]} <= {
        "without_staff",
        "out_of_bounds",
    }


def test_what_else_can_be_asked(client: TestClient, own_town: SimpleNamespace) -> None:
    asked = {
        "boundary": "102", "grids": [8, 10], "objective": "balance", "weight": "households + 2*population",
        "min": 500, "max": 4000, "further": [{"weight": "population", "min": 10}, {"weight": "households", "max": 600}],
        "barriers": "cut", "pieces": "nearest", "max_walk": 900,
    }  # fmt: skip
    proposal = finished(client, client.post("/api/plans/1/solve", json=asked))
    assert all(
        row["after"] is None or row["after"]["weight"] > row["after"]["households"]
        for row in proposal["before_after"]
    )
    accept(client, proposal, "partition")
    after = own_town.store.assignment(1)
    east = own_town.fabric.boundary_ix == 1
    assert 8 <= len(np.unique(after[east])) <= 10
    people = np.bincount(after, weights=own_town.fabric.population)
    assert (people[np.unique(after[east])] >= 10).all()
    moving = {
        "weight": "population",
        "min": 1,
        "max": 1e6,
        "max_moved": 0,
        "locks": False,
        "pieces": "crossings",
    }
    assert finished(client, client.post("/api/plans/1/rebalance", json=moving))["moved"] == 0


def test_columns_that_can_be_weights(client: TestClient, own_town: SimpleNamespace) -> None:
    path = f"/api/datasets/{own_town.dataset_id}/workload"
    found = Workload.model_validate(client.get(path, params={"formula": "2*households + 1"}).json())
    columns = {column.name: column for column in found.columns}
    total = int(own_town.fabric.households.sum())
    assert columns["households"].total == total and columns["households"].missing == 0
    assert "population" in columns and not {"cell_ix", "row", "name"} & set(columns)
    assert found.total == 2 * total + len(own_town.dataset.buildings)
    assert client.get(path).json()["total"] is None
    assert_problem(client.get(path, params={"formula": "cats"}), 400, "bad-parameter", says="households")


def test_what_cannot_be_begun(client: TestClient) -> None:
    for what, body, status, code, says in (
        ("rebalance", {"grids": [99]}, 400, "bad-parameter", "99"),
        ("rebalance", {"cells": [400]}, 400, "bad-parameter", "400"),
        ("rebalance", {"min": 500, "max": 300}, 400, "bad-parameter", "exchange"),
        ("solve", {"boundary": "999"}, 400, "bad-parameter", "101, 102"),
        ("solve", {"weight": "nothing*2"}, 400, "bad-parameter", "nothing"),
        ("solve", {"grids": 0}, 400, "bad-parameter", "grids"),
        ("solve", {"grids": [9, 4]}, 400, "bad-parameter", "least"),
        ("solve", {"further": [{"weight": "cats", "max": 4}]}, 400, "bad-parameter", "cats"),
        ("solve", {"further": [{"weight": "households"}]}, 400, "bad-parameter", "give min"),
        ("rebalance", {"max_walk": 0}, 400, "bad-parameter", "max_walk"),
    ):
        assert_problem(client.post(f"/api/plans/1/{what}", json=body), status, code, says=says)
    assert_problem(client.post("/api/plans/99/solve", json={}), 404, "not-found")
    assert_problem(client.get("/api/jobs/none"), 404, "not-found")
    assert_problem(client.delete("/api/jobs/none"), 404, "not-found")


def test_suggestions(client: TestClient, own_town: SimpleNamespace) -> None:
    store, households = own_town.store, own_town.fabric.households
    own = np.flatnonzero(store.assignment(1) == 1)
    # Twice: what is kept of the first is moved on by the edits between.
    for step, cells in enumerate((own[:12], own[12:16])):
        edit = {"kind": "paint", "cells": cells.tolist(), "grid": 0}
        answer = client.patch("/api/plans/1/assignment", json=edit, headers={"If-Match": f'"{step}"'})
        assert answer.status_code == 200
        found = edit_models.Suggestion.model_validate(
            client.post("/api/plans/1/suggest", json={"grid": 0}).json()
        )
        assert found.revision == step + 1
        after = store.assignment(1)
        total = np.bincount(after, weights=households)
        assert total[0] > 500
        after[found.cells] = found.grids
        mended = np.bincount(after, weights=households)
        assert abs(mended[0] - 400) < abs(total[0] - 400)
        assert found.moved == households[found.cells].sum()
    lock = {"kind": "lock", "changes": [{"path": "grid/0/locked", "value": True}]}
    client.patch("/api/plans/1/assignment", json=lock, headers={"If-Match": '"2"'})
    assert_problem(client.post("/api/plans/1/suggest", json={"grid": 0}), 409, "locked")
    assert_problem(client.post("/api/plans/1/suggest", json={"grid": 99}), 404, "not-found")
    near = client.post("/api/plans/1/suggest", json={"grid": 1}).json()
    assert 0 not in near["grids"]
