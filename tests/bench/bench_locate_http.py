"""Whose grid is a place in, over HTTP with one worker: the locator beside FastAPI that asks PostGIS, in one run."""

from __future__ import annotations

import io
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg2
import pyarrow as pa
import shapely
from postgis_server import running_server
from store_town import build_town

from bench.results import ROOT, save
from gis_core.store import open_store

CONNECTIONS, SECONDS, ROUNDS, AT_ONCE = 16, 3.0, 3, 100_000
PEERS = str(ROOT / ".venv-bench" / "bin" / "python")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_s(pid: int, *, over_s: float) -> float:
    """Return the seconds of the processor that a process takes in some seconds."""

    def so_far() -> float:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")

    before = so_far()
    time.sleep(over_s)
    return so_far() - before


@contextmanager
def served(python: str, factory: list[str], path: str, env: dict[str, str]) -> Iterator[str]:
    """Run an app in one worker until it answers; end it afterwards."""
    port = free_port()
    command = [python, "-m", "uvicorn", *factory, "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(
        [*command, "--no-access-log"],
        cwd=ROOT,
        env={**os.environ, **env, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(url + path).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        while cpu_s(process.pid, over_s=1.0) > 0.1:
            pass  # what is prepared after the start is not part of the figures
        yield url
    finally:
        process.terminate()
        process.wait(20)


def load(url: str, path: str, places: list[tuple[float, float]]) -> tuple[float, float]:
    """Ask over some connections that stay open, each waiting for its answer; return requests/s and p99 in ms.

    One loop over ready sockets with requests made before: what asks must cost little beside what answers.
    """
    host, port = url.removeprefix("http://").split(":")
    asked = [
        f"GET {path}?x={x!r}&y={y!r} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode() for x, y in places
    ]
    times: list[float] = []
    ready = select.epoll()
    lines = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    began, got = {}, {}
    for k, line in enumerate(lines):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ready.register(line, select.EPOLLIN)
        began[line.fileno()], got[line.fileno()] = (line, time.perf_counter()), b""
        line.send(asked[k])
    ends, at = time.perf_counter() + SECONDS, CONNECTIONS
    while (now := time.perf_counter()) < ends:
        for number, _ in ready.poll():
            line, since = began[number]
            data = got[number] + line.recv(65536)
            head, found, body = data.partition(b"\r\n\r\n")
            if not found or len(body) < int(
                head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            ):
                got[number] = data
                continue
            assert head.startswith(b"HTTP/1.1 200"), head
            now = time.perf_counter()
            times.append(now - since)
            began[number], got[number] = (line, now), b""
            line.send(asked[at % len(asked)])
            at += 1
    for line in lines:
        line.close()
    return len(times) / SECONDS, float(np.percentile(times, 99) * 1000)


def batches(url: str, xy: np.ndarray) -> dict[str, float]:
    """Return places a second of tables and of JSON, the best of three."""
    out = io.BytesIO()
    table = pa.table({"x": xy[:, 0], "y": xy[:, 1]})
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    text = "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in xy.tolist())
    json_body = httpx.Request("POST", url, json={"points": xy.tolist()}).content
    arrow, csv = "application/vnd.apache.arrow.stream", "text/csv"
    asked = {
        "arrow": ("/api/locate/table?borders=false", out.getvalue(), arrow),
        "arrow_with_borders": ("/api/locate/table", out.getvalue(), arrow),
        "csv": ("/api/locate/table?borders=false", text.encode(), csv),
        "json": ("/api/locate", json_body, "application/json"),
    }
    found = {}
    for name, (path, body, kind) in asked.items():
        best = np.inf
        for _ in range(4):
            began = time.perf_counter()
            answer = httpx.post(url + path, content=body, headers={"content-type": kind}, timeout=120)
            best = min(best, time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
        found[name] = len(xy) / best
    return found


def fill_peer(url: str, codes: list[str], shapes: np.ndarray) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        cursor.execute("CREATE TABLE area (code text, geom geometry(Geometry, 4326))")
        cursor.executemany(
            "INSERT INTO area VALUES (%s, ST_GeomFromWKB(%s, 4326))",
            list(zip(codes, shapely.to_wkb(shapes), strict=True)),
        )
        cursor.execute("CREATE INDEX ON area USING gist (geom)")
        cursor.execute("ANALYZE area")
    connection.close()


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        store_url = str(Path(folder) / "bench.gpkg")
        dataset, fabric, plan = build_town(n, block=20)
        with open_store(store_url) as store:
            store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="bench")
            grids = store.grids(1)
        shapes = np.asarray(grids.geometry.array, dtype=object)
        west, south, east, north = shapely.total_bounds(shapes)
        xy = np.random.default_rng(2).uniform((west, south), (east, north), (AT_ONCE, 2))
        places = [tuple(row) for row in xy[:20_000].tolist()]
        database = server.create_database()
        fill_peer(database, grids["code"].astype(str).tolist(), shapes)
        peer, app = ["bench.run_locate_peer:app"], ["--factory", "api.app:create_app"]
        place = f"?x={west}&y={south}"
        with (
            served(PEERS, peer, f"/locate{place}", {"PEER_DB": database}) as their_url,
            served(sys.executable, app, f"/api/locate/grid{place}", {"WANGGE_DB": store_url}) as url,
        ):
            # By turns, so that what else the machine does falls on both.
            theirs, ours = zip(
                *(
                    (load(their_url, "/locate", places), load(url, "/api/locate/grid", places))
                    for _ in range(ROUNDS)
                ),
                strict=True,
            )
            their_rate = float(np.mean([rate for rate, _ in theirs]))
            for what, found in (("FastAPI + asyncpg + PostGIS", theirs), ("one place", ours)):
                rate = float(np.mean([each for each, _ in found]))
                p99 = float(np.median([each for _, each in found]))
                row = {"what": what, "per_s": round(rate), "p99_ms": round(p99, 2)}
                rows.append({**row, "times": round(rate / their_rate, 1)})
            for name, rate in batches(url, xy).items():
                what = f"100,000 places, {name}"
                rows.append({"what": what, "per_s": round(rate), "times": round(rate / their_rate)})
        for row in rows:
            row["grids"] = len(shapes)
    save("locate_http", rows)


if __name__ == "__main__":
    main()
