"""The stream of cases: every step of any case is told once and in order, whoever made it; who was away misses none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from api import case_hub
from api.app import create_app
from api.incident_models import Incident
from api.settings import Settings
from gis_core.dispatch import Event, EventKind
from gis_core.store import Store, open_store
from gis_core.store.cases import NewCase
from tests.api.streams import Stream, started, streaming
from tests.api.support import NOWHERE, assert_problem, make_client

PATH = "/api/incidents/events"
BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RULES = {
    "deadlines": [{"category": "漏水", "accept_minutes": 5, "handle_minutes": 60, "around_the_clock": True}]
}


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_own_store


@pytest.fixture
def store(town: SimpleNamespace) -> Store:
    return town.store


def run(store: Store, scenario: Callable[[FastAPI], Awaitable[None]]) -> None:
    app = create_app(Settings(warm=False, web_root=NOWHERE), store=store)

    async def whole() -> None:
        async with started(app):
            await scenario(app)

    with ThreadPoolExecutor(1) as thread:  # a browser that other tests opened has a loop in this one
        thread.submit(asyncio.run, whole()).result()


def report(store: Store, minutes: float = 0) -> int:
    """Report a case past the server, as another process would."""
    event = Event(EventKind.REPORT, BEGIN + timedelta(minutes=minutes), "李梅")
    return store.add_case(NewCase(121.5, 31.25, "漏水"), event).id


def step(store: Store, case_id: int, kind: str, minutes: float, **more: Any) -> None:
    event = Event(EventKind(kind), BEGIN + timedelta(minutes=minutes), "王五", **more)
    store.step_case(case_id, event)


async def cases(stream: Stream, number: int) -> list[tuple[int, int, str]]:
    """Give serial, case and kind of the next so many steps."""
    found = []
    for _ in range(number):
        serial, data = await stream.next("case")
        assert serial is not None
        found.append((int(serial), data["id"], data["kind"]))
    return found


def test_steps_are_told_in_their_order(store: Store) -> None:
    async def scenario(app: FastAPI) -> None:
        async with streaming(app, "", path=PATH) as one, streaming(app, "", path=PATH) as two:
            assert one.headers["content-type"].startswith("text/event-stream")
            case_id = await asyncio.to_thread(report, store)
            await asyncio.to_thread(step, store, case_id, "verify", 1)
            for stream in (one, two):
                serial, data = await stream.next("case")
                row = {name: value for name, value in data.items() if name not in ("kind", "who", "at")}
                assert Incident.model_validate(row).id == case_id
                assert (data["kind"], data["who"], data["category"]) == ("report", "李梅", "漏水")
                again, data = await stream.next("case")
                assert (data["kind"], data["who"], data["state"]) == ("verify", "王五", "verified")
                assert int(again) > int(serial)

    run(store, scenario)


def test_who_was_away_gets_exactly_what_was_missed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(app: FastAPI) -> None:
        async with streaming(app, "", path=PATH) as stream:
            number, _ = await stream.next("ready")
            case_id = await asyncio.to_thread(report, store)
            (first,) = await cases(stream, 1)
        assert int(number) < first[0]
        await asyncio.to_thread(step, store, case_id, "verify", 1)
        await asyncio.to_thread(step, store, case_id, "note", 2, why="a")
        async with streaming(app, "", path=PATH, last_event_id=str(first[0])) as stream:
            await asyncio.to_thread(step, store, case_id, "note", 3, why="b")
            assert [kind for _, _, kind in await cases(stream, 3)] == ["verify", "note", "note"]
        async with streaming(app, f"since={number}", path=PATH) as stream:
            told = await cases(stream, 4)
            assert [kind for _, _, kind in told] == ["report", "verify", "note", "note"]
            assert sorted(told) == told
        monkeypatch.setattr(case_hub, "MOST_MISSED", 2)
        for since in (number, "9" * 20, "4000000000"):
            async with streaming(app, "", path=PATH, last_event_id=since) as stream:
                serial, data = await stream.next("reload")
                assert int(serial) == data["serial"] == told[-1][0]

    run(store, scenario)


def test_urgings_are_told(store: Store) -> None:
    store.set_dispatch_rules(RULES)
    case_id = report(store)
    for number, kind in enumerate(("verify", "open")):
        step(store, case_id, kind, number)
    step(store, case_id, "dispatch", 3, to="网格 3")

    async def scenario(app: FastAPI) -> None:
        async with streaming(app, "", path=PATH) as stream:
            await asyncio.to_thread(store.urge_overdue, BEGIN + timedelta(minutes=90))
            _, data = await stream.next("case")
            assert (data["id"], data["kind"], data["urgings"], data["overdue"]) == (case_id, "urge", 1, True)

    run(store, scenario)


def test_a_list_says_from_where_to_listen(store: Store) -> None:
    with make_client(store) as client:
        case_id = report(store)
        page = client.get("/api/incidents?limit=1").json()
        assert page["incidents"][0]["id"] == case_id
        assert page["serial"] == store.case_serial() == store.case_feed(0)[-1].serial
        assert_problem(client.get(f"{PATH}?since=-1"), 400, "bad-parameter")
        foreign = client.get(PATH, headers={"Origin": "http://evil.example"})
        assert_problem(foreign, 403, "foreign-origin")


@pytest.mark.postgis
def test_steps_of_two_server_processes_are_told_to_both(request: pytest.FixtureRequest) -> None:
    """Numbers of steps are in the order in which they can be read: a slow writer is not overtaken."""
    url = request.getfixturevalue("postgis_server").create_database()
    with open_store(url) as store, open_store(url) as other:
        apps = [create_app(Settings(warm=False, web_root=NOWHERE), store=each) for each in (store, other)]

        async def scenario() -> None:
            async with (
                started(apps[0]),
                started(apps[1]),
                streaming(apps[0], "", path=PATH) as one,
                streaming(apps[1], "", path=PATH) as two,
            ):
                writers = [
                    asyncio.to_thread(lambda s=each: [report(s, n) for n in range(10)])
                    for each in (store, other, store)
                ]
                ids = sorted(chain.from_iterable(await asyncio.gather(*writers)))
                for stream in (one, two):
                    told = await cases(stream, len(ids))
                    assert sorted(told) == told
                    assert sorted(case for _, case, _ in told) == ids

        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, scenario()).result()
