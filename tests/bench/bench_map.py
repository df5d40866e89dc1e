"""The page with many cells in a real Chromium: from the arrival of the data to a painted map, then editing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import sync_playwright

from bench.map_editing import measure_editing, measure_leaflet
from bench.results import ROOT, save
from tests.browser.support import FLAGS, Watched, wait_for

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def served(n_cells: int) -> Iterator[str]:
    """Serve a lattice town until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.api.serve_lattice", "--port", str(port), "--cells", str(n_cells)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: _answers(f"http://127.0.0.1:{port}/healthz"), 180)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        time.sleep(0.2)
        return False


def measure(n_cells: int, runs: int) -> list[dict[str, Any]]:
    """Open the page several times in each size, then edit, then the peer; medians in milliseconds."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    rows = []
    with served(n_cells) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for size, (width, height) in SIZES.items():
            seen = []
            for _run in range(runs):
                page = browser.new_page(viewport={"width": width, "height": height})
                watched = Watched(page, url)
                watched.open()
                seen.append(watched.timings())
                cells = sum(int(plan["n_cells"]) for plan in watched.api("/api/plans"))
                page.close()
            row: dict[str, Any] = {"size": size, "cells": cells}
            row["decode_ms"] = _median([each["decoded"] - each["arrived"] for each in seen])
            row["index_ms"] = _median([each["indexed"] - each["decoded"] for each in seen])
            rows.append({**row, "first_paint_ms": _median([each["first_paint_ms"] for each in seen])})
        rows.append(measure_editing(browser, url))
        rows.append(measure_leaflet(browser, url))
        browser.close()
    return rows


def _median(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 1)


def main() -> None:
    save("map", measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, 5))


if __name__ == "__main__":
    main()
