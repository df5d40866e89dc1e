"""What the main thread of a page takes of the processor, from Chromium's own trace: not falsified by what else runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

_CATEGORIES = ["toplevel", "cc", "devtools.timeline"]
_FRAME = "ProxyMain::BeginMainFrame"


class Trace:
    """Tasks of the main thread, in the order of time."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self._frames: list[float] = []

    def read(self, text: bytes) -> None:
        """Take a trace; the main thread is the renderer's with the most tasks."""
        events = json.loads(text)["traceEvents"]
        mains = {
            (event["pid"], event["tid"])
            for event in events
            if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        done = [event for event in events if event.get("ph") == "X" and (event["pid"], event["tid"]) in mains]
        counts = Counter((event["pid"], event["tid"]) for event in done)
        main = max(counts, key=lambda thread: counts[thread], default=None)
        own = sorted((event for event in done if (event["pid"], event["tid"]) == main), key=_starts)
        self._frames = [event["ts"] for event in own if event["name"] == _FRAME]
        end = -1.0
        for event in own:
            if event["ts"] >= end:
                self.tasks.append(event)
                end = event["ts"] + event.get("dur", 0)

    def frames_ms(self) -> list[float]:
        """Processor time of each frame in which something was drawn: its tasks since the frame before."""
        took: list[float] = []
        tasks = iter(self.tasks)
        for began in self._frames:
            took.append(0.0)
            for task in tasks:
                took[-1] += task.get("tdur", task.get("dur", 0)) / 1000
                if task["ts"] + task.get("dur", 0) >= began:
                    break
        return took

    def longest_ms(self) -> float:
        """Processor time of the longest task."""
        return max((task.get("tdur", task.get("dur", 0)) / 1000 for task in self.tasks), default=0.0)


def _starts(event: dict[str, Any]) -> tuple[float, float]:
    return event["ts"], -event.get("dur", 0)


@contextmanager
def traced(browser: Browser, page: Page) -> Iterator[Trace]:
    """Record what a page does until the block ends."""
    trace = Trace()
    browser.start_tracing(page=page, categories=_CATEGORIES)
    try:
        yield trace
    finally:
        trace.read(browser.stop_tracing())
