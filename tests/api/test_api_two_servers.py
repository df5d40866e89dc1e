"""Two server processes on one PostGIS database: strokes, people and jobs of the one are known to the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api import hub
from api.app import create_app
from api.settings import Settings
from gis_core.store import Store, open_store
from tests.api import slow_work
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.api.streams import started, streaming
from tests.api.support import NOWHERE

pytestmark = pytest.mark.postgis
SIDE = 20


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Store, Store]]:
    """One database with a town and a plan, opened twice."""
    url = request.getfixturevalue("postgis_server").create_database()
    with ExitStack() as stack:
        stores = tuple(stack.enter_context(open_store(url)) for _ in range(2))
        dataset, fabric = build_lattice(SIDE, SIDE)
        plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
        dataset_id = stores[0].add_dataset(dataset, fabric)
        stores[0].add_plan(plan, dataset_id=dataset_id, name="lattice")
        yield stores  # type: ignore[misc]


@pytest.fixture
def town(pair: tuple[Store, Store]) -> SimpleNamespace:
    """Two apps, and a draft of their own for each test."""
    plan_id = pair[0].branch_plan(1, name="draft")
    apps = [create_app(Settings(warm=False, web_root=NOWHERE, max_jobs=2), store=store) for store in pair]
    return SimpleNamespace(apps=apps, stores=pair, plan_id=plan_id)


def run(town: SimpleNamespace, scenario: Callable[[FastAPI, FastAPI], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with started(town.apps[0]) as here, started(town.apps[1]) as there:
            await scenario(here, there)

    with ThreadPoolExecutor(1) as thread:  # a browser that other tests opened has a loop in this one
        thread.submit(asyncio.run, whole()).result()


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000")


async def until(done: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(60):
        while not (value := await done()):
            await asyncio.sleep(0.05)
        return value


def test_strokes_are_told_across(town: SimpleNamespace) -> None:
    async def scenario(here: FastAPI, there: FastAPI) -> None:
        path = f"/api/plans/{town.plan_id}/assignment"
        async with streaming(here, f"plan={town.plan_id}&client=a") as stream, client(there) as other:
            edit = {"kind": "paint", "cells": [3, 4], "grid": 1, "key": "k"}
            answer = await other.patch(path, json=edit, headers={"If-Match": '"0"', "X-Wangge-Who": "Anna"})
            assert answer.status_code == 200, answer.text
            number, data = await stream.next("edit")
            assert (number, data["who"], data["cells"]) == ("1", "Anna", [3, 4])
            async with client(here) as mine:
                stale = await mine.patch(path, json={**edit, "key": "m"}, headers={"If-Match": '"0"'})
                assert stale.status_code == 412
                again = await mine.patch(path, json=edit, headers={"If-Match": '"0"'})
                assert again.json()["repeated"] is True

    run(town, scenario)


def test_people_are_known_across(town: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def names(stream: Any, wanted: set[str]) -> None:
        while {each["name"] for each in (await stream.next("presence"))[1]} != wanted:
            pass

    async def scenario(here: FastAPI, there: FastAPI) -> None:
        query = f"plan={town.plan_id}&client="
        async with streaming(here, f"{query}a&name=%E6%9D%8E%E6%A2%85") as one:
            async with streaming(there, f"{query}b&name=Anna") as two:
                await names(one, {"李梅", "Anna"})
                await names(two, {"李梅", "Anna"})
            await names(one, {"李梅"})
            # A process that is killed says no goodbye: what it said is too old after a while.
            town.stores[1].set_presence("killed", [(town.plan_id, "c", "Ghost")])
            await names(one, {"李梅", "Ghost"})
            with town.stores[1]._write() as connection:
                connection.execute(text("UPDATE server_presence SET beat_s = beat_s - 60"))
            monkeypatch.setattr(hub, "BEAT_S", 0.1)
            await names(one, {"李梅"})

    run(town, scenario)
    assert town.stores[0].presence([town.plan_id], but="") == {}


def test_a_job_is_known_and_ended_across(town: SimpleNamespace, tmp_path: Path) -> None:
    note = tmp_path / "note"

    async def scenario(here: FastAPI, there: FastAPI) -> None:
        jobs = here.state.services.jobs
        work = {"function": slow_work.never_ends, "arguments": {"note": str(note)}, "wire": lambda _: {}}
        async with streaming(there, f"plan={town.plan_id}&client=b") as stream, client(there) as other:
            await stream.next("presence")
            await asyncio.to_thread(there.state.services.store.plan_marks, [town.plan_id])
            job = await asyncio.to_thread(lambda: jobs.start(town.plan_id, "solve", 0, **work))
            row = (await other.get(f"/api/jobs/{job.id}")).json()
            assert (row["state"], row["plan"]) == ("running", town.plan_id)
            refused = await other.post(f"/api/plans/{town.plan_id}/rebalance", json={})
            assert (refused.status_code, refused.json()["code"]) == (409, "job-running")

            async def is_quarter() -> bool:
                return (await other.get(f"/api/jobs/{job.id}")).json()["progress"] == 0.25

            await until(is_quarter)
            assert (await other.delete(f"/api/jobs/{job.id}")).json()["state"] == "cancelled"
            while (await stream.next("job"))[1]["state"] != "cancelled":
                pass
            pids = [int(word) for word in note.read_text(encoding="utf-8").split()]

            async def is_gone() -> bool:
                return not any(alive(pid) for pid in pids)

            await until(is_gone)
            assert jobs.get(job.id).state == "cancelled"
            await until(no_thread_is_left)

    run(town, scenario)


def test_a_result_is_read_across(town: SimpleNamespace) -> None:
    async def scenario(here: FastAPI, there: FastAPI) -> None:
        async with client(here) as mine, client(there) as other:
            begun = await mine.post(f"/api/plans/{town.plan_id}/rebalance", json={"grids": [0, 1]})
            path = begun.headers["location"]

            async def is_done() -> Any:
                row = (await other.get(path)).json()
                return row["state"] != "running" and row

            row = await until(is_done)
            assert row["state"] == "done", row
            assert row["result"] == (await mine.get(path)).json()["result"]
            assert row["result"]["revision"] == 0

    run(town, scenario)


def test_a_database_that_goes_for_a_while(town: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    """All connections are cut, as when the database is started anew: streams stay, and what came meanwhile is told."""

    async def scenario(here: FastAPI, there: FastAPI) -> None:
        async with streaming(here, f"plan={town.plan_id}&client=a&name=x") as stream:
            await stream.next("presence")

            def cut() -> None:
                with town.stores[1]._write() as connection:
                    connection.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    )

            await asyncio.to_thread(cut)
            async with client(there) as other:
                edit = {"kind": "paint", "cells": [5], "grid": 1}
                path = f"/api/plans/{town.plan_id}/assignment"
                answer = await other.patch(path, json=edit, headers={"If-Match": '"0"'})
                assert answer.status_code == 200, answer.text
            assert (await stream.next("edit"))[1]["cells"] == [5]
            assert not stream.ended.is_set()

    run(town, scenario)


async def no_thread_is_left() -> bool:
    return not any(thread.name.startswith("job-") for thread in threading.enumerate())


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1][:3]
    except FileNotFoundError:
        return False
