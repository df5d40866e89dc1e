"""`wangge serve --workers`: several server processes behind one address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

RUN = "import typer; from gis_core.commands.serve import serve as run; typer.run(run)"
PATIENCE_S = 120.0


def wait_for(done: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (value := done()):
        assert time.monotonic() < deadline, "gave up waiting"
        time.sleep(0.05)
    return value


def servers_of(pid: int) -> set[int]:
    """Give the server processes that a process began; one more child keeps count of what they share."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return {int(child) for child in children if b"spawn_main" in command_of(int(child))}


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def begin(*arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "WANGGE_WARM": "false"},
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        text += line
    return str(json.loads(text)["url"])


@pytest.mark.postgis
def test_several_processes_serve_and_end_together(request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgis_server").create_database()
    with begin("--db", url, "--workers", "2") as process:
        try:
            address = url_of(process)
            assert httpx.get(f"{address}healthz").json()["store"] == "postgis"
            first = servers_of(process.pid)
            assert len(first) == 2
            os.kill(min(first), signal.SIGKILL)
            second = wait_for(lambda: len(now := servers_of(process.pid)) == 2 and now != first and now)
            assert httpx.get(f"{address}healthz").status_code == 200
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert errors.count("another takes its place") == 1
    assert not any(command_of(pid) for pid in first | second)


ORPHAN = """
import multiprocessing, threading, time
from api.workers import end_with_parent

def wait():
    threading.Thread(target=end_with_parent, daemon=True).start()
    time.sleep(600)

if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=wait)
    child.start()
    print(child.pid, flush=True)
    child.join()
"""


def test_processes_do_not_outlive_the_one_that_began_them(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert command_of(child)
        process.kill()
    wait_for(lambda: not command_of(child))


def test_a_file_is_served_by_one_process(tmp_path: Path) -> None:
    with begin("--db", str(tmp_path / "x.gpkg"), "--workers", "2") as process:
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert len(errors.strip().splitlines()) == 1
    assert "served by one process" in errors
    assert "PostGIS" in errors
