"""What the tests in the browser share: a watched page, and how to wait."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page

from api.app import create_app
from api.settings import Settings
from gis_core.store import Store, open_store

#: Pictures of the last run, to be looked at; never committed.
SHOTS = Path(__file__).resolve().parent / "shots"
#: Of Chromium without a screen that asks nothing of any other host.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Watched:
    """A page, and what it did that it should not."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/", *, ready: bool = True) -> Page:
        self.page.goto(self.url + path)
        if ready:
            wait_for(lambda: self.timings().get("painted"))
        return self.page

    def timings(self) -> dict[str, float]:
        return dict(self.page.evaluate("() => ({...window.__wangge_timings})"))

    def api(self, path: str) -> Any:
        answer = self.page.request.get(self.url + path)
        assert answer.ok, answer.text()
        return answer.json()


def wait_for(found: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Ask until the answer is true; the page's policy forbids Playwright's own waiting for scripts."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > end:
            pytest.fail(f"what was waited for did not come within {seconds:g} s")
        time.sleep(0.03)
    return answer


class DeskServer:
    """A server of one store that can be stopped in the middle and started again at the same address."""

    def __init__(self, path: Path, web_root: Path) -> None:
        self._path = path
        self._web_root = web_root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"
        self._store: Store | None = None
        self._runner: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def store(self) -> Store | None:
        """The store while it is served."""
        return self._store

    def start(self) -> None:
        self._store = open_store(str(self._path))
        app = create_app(Settings(port=self._port, web_root=self._web_root), store=self._store)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self._port, log_level="critical", timeout_graceful_shutdown=1
        )
        runner = uvicorn.Server(config)
        self._runner = runner
        self._thread = threading.Thread(target=runner.run, daemon=True)
        self._thread.start()
        wait_for(lambda: runner.started)

    def stop(self) -> None:
        """Stop, also with pages that listen."""
        if self._runner is None or self._thread is None or self._store is None:
            return
        self._runner.should_exit = True
        self._thread.join(10)
        self._store.close()
        self._runner = self._thread = self._store = None
