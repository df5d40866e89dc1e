"""A server that is killed while it takes cases, steps and photos: what it said is kept, what is sent again counts once.

On both stores. How often is said by `WANGGE_TEST_KILLS`, as for edits.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gis_core.attachments import FolderShelf
from gis_core.store import Store, open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.api.test_api_killed import N_KILLS, Servers
from tests.photos import photo

SIDE = 12
COURSE = ("verify", "open", "dispatch", "accept", "done", "check", "close")


@pytest.fixture(params=["geopackage", pytest.param("postgis", marks=pytest.mark.postgis)])
def town(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """A town in a store of each kind, which is open here too, and its servers."""
    on_file = request.param == "geopackage"
    url = (
        str(tmp_path / "town.gpkg")
        if on_file
        else request.getfixturevalue("postgis_server").create_database()
    )
    monkeypatch.setenv("WANGGE_ATTACHMENTS", str(tmp_path / "files"))
    dataset, fabric = build_lattice(SIDE, SIDE)
    with open_store(url) as store:
        plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="lattice")
        place = plan.cells.geometry.iloc[5].representative_point()
        servers = Servers(url)
        try:
            yield SimpleNamespace(
                store=store,
                servers=servers,
                place={"x": place.x, "y": place.y},
                files=FolderShelf(tmp_path / "files"),
            )
        finally:
            servers.close()


class Dispatcher:
    """Reports cases and takes them through their course, one request after the other, each with a key of its own."""

    def __init__(self, town: SimpleNamespace, seed: int) -> None:
        self.random = random.Random(seed)
        self.place = town.place
        self.usual_s = 0.05
        self.n_sent = 0
        self.case = 0
        self.todo: list[str] = []
        #: What was answered: key -> number of the case and what it was.
        self.said: dict[str, tuple[int, str]] = {}

    def next_request(self) -> tuple[str, str, dict[str, Any]]:
        """Give key, kind and what is sent; the same again where it was not answered."""
        if not self.todo:
            self.todo = ["report", *COURSE[: self.random.randint(1, len(COURSE))]]
            self.todo.insert(self.random.randint(1, len(self.todo)), "photo")
        key, kind = f"k{self.n_sent}", self.todo[0]
        if kind == "report":
            body = {**self.place, "category": "漏水", "words": key, "key": key}
            return key, kind, {"url": "api/incidents", "json": body}
        path = f"api/incidents/{self.case}"
        if kind == "photo":
            headers = {"Content-Type": "image/jpeg"}
            return key, kind, {"url": f"{path}/attachments?key={key}", "content": photo(), "headers": headers}
        step = {"kind": kind, "key": key, **({"passed": True} if kind == "check" else {})}
        return key, kind, {"url": f"{path}/steps", "json": step}

    def send(self, client: httpx.Client) -> None:
        key, kind, request = self.next_request()
        begun = time.monotonic()
        answer = client.post(**request)
        self.usual_s = time.monotonic() - begun
        assert answer.status_code in (200, 201), answer.text
        if kind == "report":
            self.case = answer.json()["id"]
        self.said[key] = self.case, kind
        self.n_sent += 1
        self.todo.pop(0)

    def work_until_it_dies(self, client: httpx.Client, kill: Any) -> None:
        for _ in range(self.random.randint(2, 5)):
            self.send(client)
        timer = threading.Timer(self.random.uniform(0.0, 3 * self.usual_s), kill)
        timer.start()
        try:
            while True:
                self.send(client)
        except httpx.TransportError:
            return
        finally:
            timer.join()


def require_whole(town: SimpleNamespace, dispatcher: Dispatcher) -> None:
    """Check that all that was answered is there, each once, and at most the one request that was not answered."""
    store: Store = town.store
    feed = store.case_feed(0, limit=100_000)
    assert len({news.serial for news in feed}) == len(feed)
    told: dict[str, tuple[int, str]] = {}
    for record in store.cases(limit=1000)[0]:
        whole = store.case(record.id)
        assert whole.n_steps == len(whole.case.steps) == sum(news.record.id == record.id for news in feed)
        assert str(whole.case.state) == str(record.case.state) == str(whole.case.steps[-1].after)
        for step in whole.case.steps:
            key = step.event.key or whole.new.key
            assert key not in told
            told[key] = record.id, "photo" if step.event.kind == "note" else str(step.event.kind)
        for attachment in store.case_attachments(record.id):
            assert len(town.files.get(attachment.file.digest)) == attachment.file.n_bytes
            assert town.files.get(attachment.file.thumb)
    assert {key: told[key] for key in dispatcher.said} == dispatcher.said
    assert set(told) - set(dispatcher.said) <= {f"k{dispatcher.n_sent}"}


def test_what_was_answered_outlives_the_server(town: SimpleNamespace) -> None:
    dispatcher = Dispatcher(town, seed=5)
    for _ in range(N_KILLS):
        with httpx.Client(base_url=town.servers.begin(), timeout=60) as client:
            dispatcher.work_until_it_dies(client, town.servers.kill)
        town.servers.bury()
        require_whole(town, dispatcher)
    with httpx.Client(base_url=town.servers.begin(), timeout=60) as client:
        while dispatcher.todo:
            dispatcher.send(client)
    town.servers.kill()
    town.servers.bury()
    require_whole(town, dispatcher)
    assert len(dispatcher.said) == dispatcher.n_sent == len(town.store.case_feed(0, limit=100_000))
