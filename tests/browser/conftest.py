"""A server with a generated town, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Route, sync_playwright

from api.app import create_app
from api.settings import Settings
from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import FLAGS, Watched, wait_for

ROOT = Path(__file__).resolve().parents[2]
SIDE = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def web_root() -> Path:
    """Build the front end if it is not there or old."""
    subprocess.run([str(ROOT / "scripts" / "build_web")], check=True)
    return ROOT / "web_map" / "dist"


@pytest.fixture(scope="session")
def server(web_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve two plans of a town of 20 by 20 cells; the newer one is called second."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    with open_store(str(tmp_path_factory.mktemp("browser") / "town.gpkg")) as store:
        dataset_id = store.add_dataset(dataset, fabric)
        for name in ("first 一号", "second 二号"):
            store.add_plan(plan, dataset_id=dataset_id, name=name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        app = create_app(Settings(port=port, web_root=web_root), store=store)
        runner = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=runner.run, daemon=True)
        thread.start()
        wait_for(lambda: runner.started)
        yield f"http://127.0.0.1:{port}"
        runner.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium once; a machine without one fails, and is told what to install."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None or not Path(path).is_file():
        pytest.fail(
            "No Chromium: install it (apt-get install chromium) or name it in CHROMIUM.", pytrace=False
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[..., Watched]]:
    """Give a maker of watched pages; afterwards none may have asked another host or complained."""
    opened: list[Watched] = []

    def make(
        size: tuple[int, int] = (1440, 900), locale: str = "en-GB", *, phone: bool = False, **options: Any
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
            **options,
        )
        # The tour of the first visit has a test of its own.
        context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
        watched = Watched(context.new_page(), server)

        def judge(route: Route) -> None:
            url = route.request.url
            if url.startswith((server, "data:", "blob:")):
                route.fallback()
            else:
                watched.foreign.append(url)
                route.abort()

        context.route("**/*", judge)
        watched.page.on("console", lambda message: _note(watched, message.type, message.text))
        watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        opened.append(watched)
        return watched

    yield make
    for watched in opened:
        watched.page.context.close()
    assert [watched.foreign for watched in opened if watched.foreign] == []
    assert [watched.complaints for watched in opened if watched.complaints] == []


def _note(watched: Watched, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        watched.complaints.append(f"{kind}: {text}")
