"""What the tests in the browser share: a watched page, and how to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

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
