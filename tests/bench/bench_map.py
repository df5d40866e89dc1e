"""The page with many cells in a real Chromium: from the arrival of the data to a painted map, then editing."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.map_editing import QUICK, Effort, measure_editing, measure_leaflet
from bench.results import ROOT, save
from tests.browser.support import FLAGS, Watched, wait_for

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: From this many cells on a grid of the generated town has 100 of them.
MANY = 10_000


@contextmanager
def served(what: int | Path) -> Iterator[str]:
    """Serve a lattice town of so many cells, or a copy of a store, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(what, Path):
            copy = shutil.copy(what, Path(folder) / "store.gpkg")
            wangge = Path(sys.executable).with_name("wangge")
            command = [str(wangge), "serve", "--db", str(copy), "--port", str(port)]
        else:
            command = [sys.executable, "-m", "tests.api.serve_lattice", "--port", str(port)]
            command += ["--cells", str(what), *(["--grid-side", "10"] if what >= MANY else [])]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
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


def measure(
    what: int | Path, runs: int, effort: Effort = QUICK, *, peer: bool = True
) -> list[dict[str, Any]]:
    """Open the page several times in each size, then edit, then the peer; medians in milliseconds."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with served(what) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        rows = [_opening(browser, url, size, runs) for size in SIZES]
        rows.append(measure_editing(browser, url, effort))
        if peer:
            rows.append(measure_leaflet(browser, url, effort))
        browser.close()
    return rows


def _opening(browser: Browser, url: str, size: str, runs: int) -> dict[str, Any]:
    width, height = SIZES[size]
    seen = []
    for _run in range(runs):
        page = browser.new_page(viewport={"width": width, "height": height})
        watched = Watched(page, url)
        _open(watched)
        seen.append(watched.timings())
        cells = int(watched.api("/api/plans")[0]["n_cells"])
        page.close()
    return {
        "what": f"page, {size}",
        "cells": cells,
        "decode_ms": _median([each["decoded"] - each["arrived"] for each in seen]),
        "index_ms": _median([each["indexed"] - each["decoded"] for each in seen]),
        "first_paint_ms": _median([each["first_paint_ms"] for each in seen]),
    }


def _open(watched: Watched) -> None:
    watched.open(ready=False)
    wait_for(lambda: watched.timings().get("painted"), 180)


def measure_kernels() -> list[dict[str, Any]]:
    """Run what measures the kernels under Node; one row each, milliseconds of script."""
    node = shutil.which("node") or str(ROOT / ".venv" / "node" / "bin" / "node")
    folder = ROOT / "web_map"
    subprocess.run([node, "build.mjs", "--bench"], cwd=folder, check=True)
    command = [node, ".cache/bench/kernels.bench.mjs", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def _median(values: list[float]) -> float:
    return round(sorted(values)[len(values) // 2], 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench map", description=__doc__)
    parser.add_argument(
        "what", nargs="?", default="100000", help="cells of a generated town, or a store (default: 100000)"
    )
    parser.add_argument("--no-peers", action="store_true", help="without L.geoJSON")
    parser.add_argument("--no-kernels", action="store_true", help="without the kernels under Node")
    parser.add_argument("--runs", type=int, default=3, help="how often the page is opened in each size")
    parser.add_argument("--name", default="map", help="name of the file in bench-results")
    options = parser.parse_args()
    what = int(options.what) if options.what.isdigit() else Path(options.what)
    rows = measure(what, options.runs, Effort(), peer=not options.no_peers)
    save(options.name, rows if options.no_kernels else rows + measure_kernels(), text=_text(rows))


def _text(rows: list[dict[str, Any]]) -> str:
    blocks = [
        "\n".join(f"  {name}: {value}" for name, value in row.items() if name != "what") for row in rows
    ]
    return "\n".join(f"{row['what']}\n{block}" for row, block in zip(rows, blocks, strict=True))


if __name__ == "__main__":
    main()
