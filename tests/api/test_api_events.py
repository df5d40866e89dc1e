"""The stream of events of a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.events import MOST_WAITING, Listener
from api.hub import MOST_MISSED, Hub
from api.settings import Settings
from gis_core.errors import StoreUnavailableError
from gis_core.store import Store
from tests.api import slow_work
from tests.api.streams import patiently, started, streaming
from tests.api.support import NOWHERE


@pytest.fixture
def app(own_town: SimpleNamespace) -> FastAPI:
    return create_app(Settings(warm=False, web_root=NOWHERE), store=own_town.store)


def run(app: FastAPI, scenario: Callable[[Any], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with started(app):
            await scenario(app.state.services.hub)

    aside(whole())


def aside(work: Coroutine[Any, Any, None]) -> None:
    """Run something to its end in a thread of its own: a browser that other tests opened has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def edit(store: Store, plan_id: int, cells: list[int], grid: int) -> None:
    """Edit a plan past the server, as another process would."""
    store.add_edit(
        plan_id,
        expected_revision=store.plan(plan_id).revision,
        who="李梅",
        kind="paint",
        cell_ix=np.array(cells),
        grid_ix=np.full(len(cells), grid),
    )


def test_edits_of_others_are_told(app: FastAPI, own_town: SimpleNamespace) -> None:
    async def scenario(_hub: Hub) -> None:
        async with streaming(app, "plan=1&client=a&name=") as one, streaming(app, "plan=1&client=b") as two:
            assert one.headers["content-type"].startswith("text/event-stream")
            assert one.headers["cache-control"] == "no-store"
            await asyncio.to_thread(edit, own_town.store, 1, [3, 4], 1)
            for stream in (one, two):
                number, data = await stream.next("edit")
                assert number == "1"
                assert (data["revision"], data["who"], data["kind"]) == (1, "李梅", "paint")
                assert (data["cells"], data["grids"], data["before"]) == ([3, 4], [1, 1], [0, 1])

    run(app, scenario)


def test_edits_are_told_on_each_store(town_in_each_own_store: SimpleNamespace) -> None:
    store = town_in_each_own_store.store
    plan_id = store.branch_plan(town_in_each_own_store.plan_id, name="草案")

    async def scenario(_hub: Hub) -> None:
        async with streaming(app, f"plan={plan_id}") as stream:
            await asyncio.to_thread(edit, store, plan_id, [3], 1)
            assert (await stream.next("edit"))[1]["cells"] == [3]

    app = create_app(Settings(warm=False, web_root=NOWHERE), store=store)
    run(app, scenario)


def test_publishing_is_told(app: FastAPI, own_town: SimpleNamespace) -> None:
    def publish() -> None:
        own_town.store.publish_plan(1, expected_revision=0, except_=["without_staff", "out_of_bounds"])

    async def scenario(_hub: Hub) -> None:
        async with streaming(app, "plan=1") as stream:
            await asyncio.to_thread(publish)
            _, data = await stream.next("published")
            assert (data["plan"], data["state"], data["revision"]) == (1, "published", 1)
            assert data["valid_from"] is not None

    run(app, scenario)


def test_jobs_are_told(app: FastAPI) -> None:
    async def scenario(_hub: Hub) -> None:
        async with streaming(app, "plan=1") as stream:
            jobs = app.state.services.jobs
            arguments = {"function": slow_work.count, "arguments": {"upto": 1}, "wire": lambda _: {}}
            await asyncio.to_thread(lambda: jobs.start(1, "solve", 0, **arguments))
            rows = [(await stream.next("job"))[1] for _ in range(2)]
            assert [row["state"] for row in rows] == ["running", "done"]
            assert "result" not in rows[1]

    run(app, scenario)


def test_presence(app: FastAPI) -> None:
    async def scenario(hub: Hub) -> None:
        async with streaming(app, "plan=1&client=a&name=%E6%9D%8E%E6%A2%85") as one:
            assert (await one.next("presence"))[1] == [{"client": "a", "name": "李梅"}]
            async with streaming(app, "plan=1&client=b&name=Anna"):
                _, there = await one.next("presence")
                assert [each["name"] for each in there] == ["李梅", "Anna"]
                async with streaming(app, "plan=1&client=b&name=Anna"):  # a second tab of the same browser
                    assert (await one.next("presence"))[1] == there
                    assert hub.n_listeners == 3
            for _ in range(2):
                _, there = await one.next("presence")
            assert [each["client"] for each in there] == ["a"]
        assert hub.n_listeners == 0

    run(app, scenario)


@pytest.mark.parametrize("how", ["header", "query"])
def test_what_was_missed_is_sent_again(app: FastAPI, own_town: SimpleNamespace, how: str) -> None:
    for cell in (3, 4, 5):
        edit(own_town.store, 1, [cell], 2)

    async def scenario(_hub: Hub) -> None:
        query, headers = "plan=1&since=0", {"last_event_id": "1"} if how == "header" else {}
        async with streaming(app, query, **headers) as stream:
            for revision in (2, 3) if how == "header" else (1, 2, 3):
                number, data = await stream.next("edit")
                assert number == str(revision)
                assert data["cells"] == [2 + revision]
            await asyncio.to_thread(edit, own_town.store, 1, [6], 2)
            assert (await stream.next("edit"))[0] == "4"

    run(app, scenario)


def test_who_missed_too_much_loads_anew() -> None:
    hub = Hub(lambda: pytest.fail("the store is not read"))
    (event,) = hub._missed(1, 0, MOST_MISSED + 1)
    assert event.startswith(b"id: 1001\nevent: reload\n")


def test_who_does_not_keep_up_is_let_go() -> None:
    async def scenario() -> None:
        listener = Listener("a", "")
        for number in range(MOST_WAITING + 1):
            listener.put(b"%d" % number)
        got = [event async for event in listener.events(60.0)]
        assert got == [b"%d" % number for number in range(MOST_WAITING)]

    aside(scenario())


def test_silence_is_broken_by_a_sign_of_life(app: FastAPI) -> None:
    async def scenario(hub: Hub) -> None:
        hub.heartbeat_s = 0.01
        async with streaming(app, "plan=1") as stream:
            async with asyncio.timeout(20):
                while stream.comments < 3:
                    await asyncio.sleep(0.01)

    run(app, scenario)


def test_a_store_that_fails_for_a_while_loses_nothing(
    own_town: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    class Flaky:
        failing = 0

        def __getattr__(self, name: str) -> Any:
            if name == "plan_marks" and self.failing:
                self.failing += 1
                raise StoreUnavailableError("The database is locked.")
            return getattr(own_town.store, name)

    store = Flaky()

    async def scenario(_hub: Hub) -> None:
        async with streaming(app, "plan=1") as stream:
            store.failing = 1
            await asyncio.to_thread(edit, own_town.store, 1, [3], 1)
            async with asyncio.timeout(20):
                while store.failing < 3:
                    await asyncio.sleep(0.01)
            assert not stream.ended.is_set()
            store.failing = 0
            assert (await stream.next("edit"))[0] == "1"

    app = create_app(Settings(warm=False, web_root=NOWHERE), store=store)  # type: ignore[arg-type]
    run(app, scenario)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_a_plan_that_is_deleted_ends_its_streams(app: FastAPI, own_town: SimpleNamespace) -> None:
    async def scenario(hub: Hub) -> None:
        async with streaming(app, "plan=1") as stream:
            await asyncio.to_thread(own_town.store.delete_plan, 1)
            await patiently(stream.ended.wait())
        assert hub.n_listeners == 0
        async with streaming(app, "plan=1") as stream:
            assert stream.status == 404
            assert stream.problem()["code"] == "not-found"

    run(app, scenario)


def test_a_server_that_stops_ends_all_streams(app: FastAPI) -> None:
    async def scenario(hub: Hub) -> None:
        async with streaming(app, "plan=1") as stream:
            hub.close()
            await patiently(stream.ended.wait())

    run(app, scenario)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}],
)
def test_pages_of_other_sites_get_no_stream(app: FastAPI, headers: dict[str, str]) -> None:
    async def scenario(hub: Hub) -> None:
        async with streaming(app, "plan=1", **headers) as stream:
            assert stream.status == 403
            assert stream.problem()["code"] == "foreign-origin"
        assert hub.n_listeners == 0

    run(app, scenario)


def test_streams_end_when_the_server_is_stopped(own_town: SimpleNamespace, tmp_path: Path) -> None:
    """Over a real socket: the caller sees the end of the stream, and the server does not wait for it."""
    import signal
    import subprocess
    import sys

    import httpx

    own_town.store.close()
    code = (
        "import sys; from api.server import listen, run_server, url_of; from api.settings import Settings\n"
        "s = Settings(db=sys.argv[1], port=0, warm=False); sock = listen(s)\n"
        "run_server(s, sock, on_ready=lambda: print(url_of(sock), flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(own_town.path)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            with httpx.stream("GET", f"{url}events?plan=1", timeout=20) as answer:
                assert answer.status_code == 200
                chunks = answer.iter_text()
                assert ":" in next(chunks)
                server.send_signal(signal.SIGINT)
                assert "presence" in "".join(chunks)
            assert server.wait(timeout=20) in (0, -signal.SIGINT, 130)
        finally:
            server.kill()
