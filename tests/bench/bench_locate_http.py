"""Whose grid is a place in, over HTTP with one worker: the locator beside FastAPI that asks PostGIS, in one run."""

from __future__ import annotations

import asyncio
import io
import os
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

CONNECTIONS, SECONDS, AT_ONCE = 16, 6.0, 100_000


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def served(factory: list[str], path: str, env: dict[str, str]) -> Iterator[str]:
    """Run an app in one worker until it answers; end it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", *factory, "--port", str(port), "--log-level", "error"]
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
        yield url
    finally:
        process.terminate()
        process.wait(20)


async def load(url: str, path: str, places: list[tuple[float, float]]) -> tuple[float, float]:
    """Ask over some connections that stay open, each waiting for its answer; return requests/s and p99 in ms."""
    host, port = url.removeprefix("http://").split(":")
    times: list[float] = []
    ends = time.perf_counter() + SECONDS

    async def client(at: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while (began := time.perf_counter()) < ends:
            x, y = places[at % len(places)]
            at += CONNECTIONS
            writer.write(f"GET {path}?x={x!r}&y={y!r} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client(i) for i in range(CONNECTIONS)))
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
        with served(
            ["bench.run_locate_peer:app"], f"/locate?x={west}&y={south}", {"PEER_DB": database}
        ) as url:
            theirs, their_p99 = asyncio.run(load(url, "/locate", places))
        rows.append(
            {"what": "FastAPI + PostGIS", "per_s": round(theirs), "p99_ms": round(their_p99, 2), "times": 1}
        )
        app = ["--factory", "api.app:create_app"]
        with served(app, f"/api/locate/grid?x={west}&y={south}", {"WANGGE_DB": store_url}) as url:
            ours, p99 = asyncio.run(load(url, "/api/locate/grid", places))
            rows.append(
                {
                    "what": "one place",
                    "per_s": round(ours),
                    "p99_ms": round(p99, 2),
                    "times": round(ours / theirs, 1),
                }
            )
            for name, per_s in batches(url, xy).items():
                rows.append(
                    {"what": f"100,000 places, {name}", "per_s": round(per_s), "times": round(per_s / theirs)}
                )
        for row in rows:
            row["grids"] = len(shapes)
    save("locate_http", rows)


if __name__ == "__main__":
    main()
